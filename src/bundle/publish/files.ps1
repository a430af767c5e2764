# ---- files ----------------------------------------------------------------------------------------------------------

function Get-FullPath {
    [CmdletBinding()] param([string] $Given)
    # Takes blanks and brackets as they are; a wildcard is never expanded.
    return [System.IO.Path]::GetFullPath($ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Given))
}

# Where the files go that a run writes: never into a transfer folder, whose contents are complete as they are. Looking at
# each folder above finds it also behind a link or a drive letter of another name.
function Resolve-OutputPath {
    [CmdletBinding()] param([string] $Option, [string] $Given, [string] $Default)
    $full = if ($Given) { Get-FullPath $Given } else { [System.IO.Path]::Combine((Get-FullPath '.'), $Default) }
    $parent = [System.IO.Path]::GetDirectoryName($full)
    for ($folder = $parent; $folder; $folder = [System.IO.Path]::GetDirectoryName($folder)) {
        if ([System.IO.File]::Exists([System.IO.Path]::Combine($folder, 'SHA256SUMS')) -and [System.IO.File]::Exists([System.IO.Path]::Combine($folder, 'transfer.json'))) {
            Deny-Start "The $Option file would lie in the transfer folder: $full." `
                "Go to another folder (Set-Location ..) and run the command from there, or name a place with -$Option."
        }
    }
    if (-not [System.IO.Directory]::Exists($parent)) {
        Deny-Start "The folder for the $Option file does not exist: $parent." "Create it, or name another place with -$Option."
    }
    if ([System.IO.Directory]::Exists($full)) { Deny-Start "The $Option file is a folder: $full." "Name a file with -$Option." }
    return $full
}

# Where the result goes; $null when there shall be none.
function Resolve-ResultPath {
    [CmdletBinding()] param([string] $Name)
    if (-not $Result -and $WhatIfPreference) { return $null }
    $stem = "smime-result-$Name-$([datetime]::UtcNow.ToString('yyyyMMdd-HHmmss', $Invariant))"
    $default = "$stem.csv"
    # A run that broke off and was started again within the second.
    for ($i = 2; [System.IO.File]::Exists([System.IO.Path]::Combine((Get-FullPath '.'), $default)); $i++) { $default = "$stem-$i.csv" }
    return Resolve-OutputPath -Option 'Result' -Given $Result -Default $default
}

function Open-Output {
    [CmdletBinding()] param([string] $Option, [string] $File, [System.IO.FileMode] $Mode, [bool] $WithMark)
    try { $stream = New-Object System.IO.FileStream($File, $Mode, [System.IO.FileAccess]::Write, [System.IO.FileShare]::Read) }
    catch { Deny-Start "The $Option file cannot be created: $File ($($_.Exception.GetBaseException().Message))" "Name a file that does not exist yet, in a folder where you may write, with -$Option." }
    # With a byte order mark, so that Excel reads it as UTF-8.
    $writer = New-Object System.IO.StreamWriter($stream, (New-Object System.Text.UTF8Encoding($WithMark)))
    $writer.NewLine = "`r`n"
    return , $writer
}

function Open-ResultFile {
    [CmdletBinding()] param([string] $File)
    if (-not $File) { return }
    $Run.ResultIsJson = $File.EndsWith('.json', $IgnoreCase)
    $Run.ResultWriter = Open-Output -Option 'Result' -File $File -Mode CreateNew -WithMark (-not $Run.ResultIsJson)
    $Run.ResultPath = $File
    if ($Run.ResultIsJson) { $Run.ResultWriter.NewLine = "`n"; $Run.ResultWriter.Write('[') } else { $Run.ResultWriter.WriteLine('number,address,kind,result,detail,time') }
    $Run.ResultWriter.Flush()
}

function Close-ResultFile {
    if ($null -eq $Run.ResultWriter) { return }
    if ($Run.ResultIsJson) { $Run.ResultWriter.WriteLine(); $Run.ResultWriter.WriteLine(']') }
    $Run.ResultWriter.Dispose()
    $Run.ResultWriter = $null
}

# One recipient's outcome: into the result file, the journal, the counts, onto the screen when a person is needed, and with
# -PassThru to the pipeline, past whatever function is running.
function Add-Result {
    [CmdletBinding()] param($Number, [string] $Address, [string] $Kind, [string] $Status, [string] $Detail)
    if (-not $Run.Counts.ContainsKey($Status)) { $Run.Counts[$Status] = 0 }
    $Run.Counts[$Status]++
    $fields = [ordered]@{ number = $Number; address = $Address; kind = $Kind; result = $Status; detail = $Detail; time = (Get-Now) }
    if ($null -ne $Run.ResultWriter) {
        if ($Run.ResultIsJson) { $Run.ResultWriter.Write($(if ($Run.Rows -gt 0) { ",`n" } else { "`n" }) + (ConvertTo-JsonObject $fields)) }
        else { $Run.ResultWriter.WriteLine(@(foreach ($value in $fields.Values) { ConvertTo-Cell ([string]$value) }) -join ',') }
        $Run.ResultWriter.Flush()
    }
    $Run.Rows++
    # What was written is in the journal with its values already.
    if ($Run.JournalOpen -and @('updated', 'restored', 'confirmed') -cnotcontains $Status) {
        Write-Journal ([ordered]@{ type = 'result'; number = $Number; address = $Address; result = $Status; detail = $Detail; time = $fields.time }) $false
    }
    if ($PassThru) {
        $Run.Cmdlet.WriteObject([pscustomobject]@{ PSTypeName = 'Certferry.Result'; Number = $Number; Address = $Address; Kind = $Kind; Result = $Status; Detail = $Detail; Time = $fields.time })
    }
    if ($Outcomes[$Status].Good) { return }
    $Run.Failures++
    if ($Run.Failures -le 20) { Write-Note ("  {0}: {1}: {2}" -f (ConvertTo-SafeText $Address), $Status, (ConvertTo-SafeText $Detail)) }
    elseif ($Run.Failures -eq 21) { Write-Note '  (further ones are counted below; the result file names each of them)' }
}

# missing-recipients.csv. A list of an earlier run gives way; any other file of this name is left alone.
function Resolve-MissingPath {
    if (-not $MissingRecipients -and $WhatIfPreference) { return }
    $file = Resolve-OutputPath -Option 'MissingRecipients' -Given $MissingRecipients -Default 'missing-recipients.csv'
    if ([System.IO.File]::Exists($file)) {
        $heading = Get-FirstLine $file
        if ($heading -and $heading -cne $MissingHeader) { Deny-Start "The file $file exists and is no list of this script." 'Move it away, or name another file with -MissingRecipients.' }
    }
    $Run.MissingPath = $file
}

function Get-FirstLine {
    [CmdletBinding()] param([string] $File)
    $reader = $null
    try {
        $reader = New-Object System.IO.StreamReader((New-Object System.IO.FileStream($File, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Read, [System.IO.FileShare]::ReadWrite)))
        # A file that is not text may have no line end at all.
        $buffer = New-Object char[] 4096
        $count = $reader.Read($buffer, 0, $buffer.Length)
        return (New-Object string($buffer, 0, $count)).Split([char]10)[0].TrimEnd([char]13)
    }
    catch { return "unreadable: $($_.Exception.Message)" }
    finally { if ($null -ne $reader) { $reader.Dispose() } }
}

# Called once before the first recipient: what an earlier run listed is out of date.
function Clear-MissingFile {
    if ($Run.MissingPath -and [System.IO.File]::Exists($Run.MissingPath)) { [System.IO.File]::Delete($Run.MissingPath) }
}

# A recipient that the tenant does not have. For a contact with the command that creates it: its address is the name, cut to
# the 64 characters that a name may have.
function Add-Missing {
    [CmdletBinding()] param([string] $Address, [string] $Kind)
    if (-not $Run.MissingPath) { return }
    if ($null -eq $Run.MissingWriter) {
        $Run.MissingWriter = Open-Output -Option 'MissingRecipients' -File $Run.MissingPath -Mode Create -WithMark $true
        $Run.MissingWriter.WriteLine($MissingHeader)
    }
    $command = ''
    if ($Kind -ceq 'mailContact') {
        $name = $Address.Substring(0, [Math]::Min(64, $Address.Length))
        $command = "New-MailContact -Name $(ConvertTo-Quoted $name) -ExternalEmailAddress $(ConvertTo-Quoted $Address)"
    }
    $Run.MissingWriter.WriteLine(@(foreach ($text in @($Address, $Kind, $command)) { ConvertTo-Cell $text }) -join ',')
    $Run.MissingWriter.Flush()
    $Run.MissingCount++
}

function Get-HashText {
    [CmdletBinding()] param([System.IO.Stream] $Stream)
    $sha = [System.Security.Cryptography.SHA256]::Create()
    try { return [System.BitConverter]::ToString($sha.ComputeHash($Stream)).Replace('-', '').ToLowerInvariant() }
    finally { $sha.Dispose() }
}

# Opened once and kept open: what was checked is what is read later.
function Open-Shared {
    [CmdletBinding()] param([string] $File)
    $stream = New-Object System.IO.FileStream($File, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Read, [System.IO.FileShare]::Read)
    $Run.Streams.Add($stream)
    return , $stream
}

function Read-AllBytes {
    [CmdletBinding()] param([System.IO.Stream] $Stream)
    [void]$Stream.Seek(0, [System.IO.SeekOrigin]::Begin)
    $memory = New-Object System.IO.MemoryStream
    $Stream.CopyTo($memory)
    return , $memory.ToArray()
}

function Read-Text {
    [CmdletBinding()] param([System.IO.Stream] $Stream)
    [void]$Stream.Seek(0, [System.IO.SeekOrigin]::Begin)
    $reader = New-Object System.IO.StreamReader($Stream, (New-Object System.Text.UTF8Encoding($false, $true)), $false, 65536, $true)
    try { return $reader.ReadToEnd() } finally { $reader.Dispose() }
}

