# ---- files ----------------------------------------------------------------------------------------------------------

function Get-FullPath {
    [CmdletBinding()] param([string] $Given)
    # Takes blanks and brackets as they are; a wildcard is never expanded.
    return [System.IO.Path]::GetFullPath($ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Given))
}

# Where journal and result go: never into the transfer folder, whose contents are complete as they are.
function Resolve-OutputPath {
    [CmdletBinding()] param([string] $Option, [string] $Given, [string] $Default, [string] $Folder)
    $full = if ($Given) { Get-FullPath $Given } else { [System.IO.Path]::Combine((Get-FullPath '.'), $Default) }
    $parent = [System.IO.Path]::GetDirectoryName($full)
    $separator = [System.IO.Path]::DirectorySeparatorChar
    $inside = $Folder -and ($full + $separator).StartsWith($Folder.TrimEnd($separator) + $separator, $IgnoreCase)
    if ($inside) {
        Deny-Start "The $Option file would lie in the transfer folder: $full." `
            "Go to another folder (Set-Location ..) and run the command from there, or name a place with -$Option."
    }
    if (-not [System.IO.Directory]::Exists($parent)) {
        Deny-Start "The folder for the $Option file does not exist: $parent." "Create it, or name another place with -$Option."
    }
    return $full
}

function Open-ResultFile {
    [CmdletBinding()] param([string] $File)
    try { $stream = New-Object System.IO.FileStream($File, [System.IO.FileMode]::CreateNew, [System.IO.FileAccess]::Write, [System.IO.FileShare]::Read) }
    catch { Deny-Start "The result file cannot be created: $File ($($_.Exception.GetBaseException().Message))" 'Name a file that does not exist yet, in a folder where you may write, with -Result.' }
    # With a byte order mark, so that Excel reads it as UTF-8.
    $Run.ResultWriter = New-Object System.IO.StreamWriter($stream, (New-Object System.Text.UTF8Encoding($true)))
    $Run.ResultPath = $File
    $Run.ResultWriter.WriteLine('number,address,kind,result,detail,time')
}

function Add-Result {
    [CmdletBinding()] param($Number, [string] $Address, [string] $Kind, [string] $Status, [string] $Detail)
    if (-not $Run.Counts.ContainsKey($Status)) { $Run.Counts[$Status] = 0 }
    $Run.Counts[$Status]++
    if ($null -ne $Run.ResultWriter) {
        $cells = foreach ($text in @([string]$Number, $Address, $Kind, $Status, $Detail, (Get-Now))) {
            $cell = ConvertTo-SafeText $text
            # A spreadsheet runs a cell that begins like this as a formula; the apostrophe makes it text.
            if ($cell.Length -gt 0 -and '=+-@'.IndexOf($cell[0]) -ge 0) { $cell = "'" + $cell }
            '"' + $cell.Replace('"', '""') + '"'
        }
        $Run.ResultWriter.WriteLine($cells -join ',')
        $Run.ResultWriter.Flush()
    }
    if ($Good -ccontains $Status) { return }
    $Run.Reported++
    if ($Run.Reported -le 20) { Write-Note ("  {0}: {1}: {2}" -f (ConvertTo-SafeText $Address), $Status, (ConvertTo-SafeText $Detail)) }
    elseif ($Run.Reported -eq 21) { Write-Note '  (further ones are counted below; a result file names each of them)' }
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

