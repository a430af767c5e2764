# ---- text -----------------------------------------------------------------------------------------------------------

function Write-Note {
    [CmdletBinding()] param([string] $Text)
    Write-Information -MessageData $Text -InformationAction Continue
}

# Text from a directory or a server can move the cursor or turn the writing direction: such characters are shown as \uXXXX.
function ConvertTo-SafeText {
    [CmdletBinding()] param([string] $Text)
    $line = [regex]::Replace($Text, '[\r\n\t ]+', ' ')
    return [regex]::Replace($line, '[\p{C}\p{Zl}\p{Zp}]', { param($m) '\u{0:X4}' -f [int][char]$m.Value })
}

function ConvertTo-Quoted {
    [CmdletBinding()] param([string] $Text)
    # Typographic quotation marks end a text in single quotes as well.
    return "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($Text) + "'"
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
    if ($Value -is [int]) { return $Value.ToString($Invariant) }
    if ($Value -is [array]) {
        $items = foreach ($item in $Value) { ConvertTo-JsonText $item }
        return '[' + (@($items) -join ',') + ']'
    }
    return '"' + [regex]::Replace([string]$Value, '[^\x20-\x7e]|["\\]', { param($m) '\u{0:x4}' -f [int][char]$m.Value }) + '"'
}

# A continuing command that works when it is pasted into the same window.
function Get-CommandText {
    [CmdletBinding()] param([string[]] $Extra)
    $text = '& ' + (ConvertTo-Quoted $PSCommandPath)
    foreach ($name in @('Path', 'Signer', 'BundleId', 'AllowUnsigned', 'AllowUnverified', 'RequireFreshRevocation', 'Rollback', 'PublishTrustStore', 'AllowTrustRemoval', 'Only', 'Exclude', 'First', 'DelayMilliseconds')) {
        if (-not $Bound.ContainsKey($name)) { continue }
        $value = $Bound[$name]
        if ($value -is [switch]) { if ($value) { $text += " -$name" } }
        elseif ($value -is [int]) { $text += " -$name $value" }
        else { $text += " -$name " + (@(foreach ($item in $value) { ConvertTo-Quoted $item }) -join ',') }
    }
    if ($Run.JournalPath) { $text += ' -Journal ' + (ConvertTo-Quoted $Run.JournalPath) }
    return ($text + ' ' + ($Extra -join ' ')).TrimEnd()
}

