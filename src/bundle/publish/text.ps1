# ---- text -----------------------------------------------------------------------------------------------------------

function Write-Note {
    [CmdletBinding()] param([string] $Text)
    Write-Information -MessageData $Text -InformationAction Continue
}

# Text from a directory or a server can move the cursor or turn the writing direction: such characters are shown as \u and four digits.
function ConvertTo-SafeText {
    [CmdletBinding()] param([string] $Text)
    # Asked first, because a replacement by a script block is dear, and nearly never needed.
    if (-not [regex]::IsMatch($Text, '[\p{C}\p{Zl}\p{Zp}]|  ')) { return $Text }
    $line = [regex]::Replace($Text, '[\r\n\t ]+', ' ')
    return [regex]::Replace($line, '[\p{C}\p{Zl}\p{Zp}]', { param($m) '\u{0:X4}' -f [int][char]$m.Value })
}

# A PowerShell literal. Typographic quotation marks end one too, so the engine's own rule is used.
function ConvertTo-Quoted {
    [CmdletBinding()] param([string] $Text)
    return "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($Text) + "'"
}

# A cell of a table. A spreadsheet runs a cell as a formula when it begins with = + - @ (full-width forms too), also behind
# blanks and behind a semicolon, where some begin a new cell; an apostrophe in front makes it text.
function ConvertTo-Cell {
    [CmdletBinding()] param([string] $Text)
    $cell = ConvertTo-SafeText $Text
    $cell = [regex]::Replace($cell, '(\A|[;\uFF1B])([\s"]*[=+@\uFF1D\uFF0B\uFF0D\uFF20-])', '$1''$2')
    return '"' + $cell.Replace('"', '""') + '"'
}

# Ends the start: what was found, what was expected, what to do next.
function Deny-Start {
    [CmdletBinding()] param([string] $Found, [string] $Next)
    throw "Not started; nothing was changed in the tenant.`nFound:  $Found`nNext:   $Next"
}

function Get-Now {
    return [datetime]::UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", $Invariant)
}

# The value of a property that may be missing (objects that came over the wire are not all alike).
function Get-PropertyValue {
    [CmdletBinding()] param($Object, [string] $Name)
    $property = $Object.PSObject.Properties[$Name]
    if ($null -eq $property) { return $null }
    return , $property.Value
}

function ConvertTo-JsonText {
    [CmdletBinding()] param($Value)
    if ($null -eq $Value) { return 'null' }
    if ($Value -is [bool]) { return $(if ($Value) { 'true' } else { 'false' }) }
    if ($Value -is [int] -or $Value -is [long]) { return $Value.ToString($Invariant) }
    if ($Value -is [array]) {
        $items = foreach ($item in $Value) { ConvertTo-JsonText $item }
        return '[' + (@($items) -join ',') + ']'
    }
    $text = [string]$Value
    if (-not [regex]::IsMatch($text, '[^\x20-\x7e]|["\\]')) { return '"' + $text + '"' }
    return '"' + [regex]::Replace($text, '[^\x20-\x7e]|["\\]', { param($m) '\u{0:x4}' -f [int][char]$m.Value }) + '"'
}

# One JSON object in ASCII, its keys in the order of $Fields.
function ConvertTo-JsonObject {
    [CmdletBinding()] param([System.Collections.IDictionary] $Fields)
    $members = foreach ($key in $Fields.Keys) { (ConvertTo-JsonText $key) + ':' + (ConvertTo-JsonText $Fields[$key]) }
    return '{' + (@($members) -join ',') + '}'
}

# The command that goes on, as it can be pasted into the same window: the parameters that were given, the journal by its
# whole path, and no file that must be new.
function Get-CommandText {
    [CmdletBinding()] param([string] $More = '', [string[]] $Leave = @())
    $text = '& ' + (ConvertTo-Quoted $PSCommandPath)
    $leaveOut = @('Result', 'TrustBackup', 'Journal', 'WhatIf', 'Confirm') + [System.Management.Automation.Cmdlet]::CommonParameters + $Leave
    foreach ($name in $Names) {
        if (-not $Bound.ContainsKey($name) -or $leaveOut -ccontains $name) { continue }
        $value = $Bound[$name]
        if ($value -is [switch]) { if ($value) { $text += " -$name" } }
        elseif ($value -is [int]) { $text += " -$name " + $value.ToString($Invariant) }
        else { $text += " -$name " + (@(foreach ($item in $value) { ConvertTo-Quoted $item }) -join ',') }
    }
    if ($Run.JournalPath) { $text += ' -Journal ' + (ConvertTo-Quoted $Run.JournalPath) }
    return ($text + ' ' + $More).TrimEnd()
}

