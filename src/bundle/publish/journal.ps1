# ---- the journal ----------------------------------------------------------------------------------------------------
# One JSON object a line, ASCII, ended by LF. "run" opens each run. "before" is on the disk before a recipient is written:
# the values that were there and those that come. "confirmed": read back. "notWritten": the server refused and the old
# values are still there. "restored": rolled back; what follows begins anew. The first "before" since then is the original.

function Open-Journal {
    [CmdletBinding()] param([string] $File, [bool] $ReadOnly)
    $access = if ($ReadOnly) { [System.IO.FileAccess]::Read } else { [System.IO.FileAccess]::ReadWrite }
    $mode = if ($ReadOnly) { [System.IO.FileMode]::Open } else { [System.IO.FileMode]::OpenOrCreate }
    try { $Run.JournalStream = New-Object System.IO.FileStream($File, $mode, $access, [System.IO.FileShare]::Read) }
    catch { Deny-Start "The journal cannot be opened: $File ($($_.Exception.GetBaseException().Message))" 'If another run uses it, wait for its end. Else name a place where you may write, with -Journal.' }
    $Run.JournalPath = $File
}

# Calls $Handle for each whole line with its record and byte offset. Returns where the whole lines end: what follows was
# being written when the computer or the script stopped, and nothing had been sent to the tenant for it.
function Read-Journal {
    [CmdletBinding()] param([scriptblock] $Handle)
    $stream = $Run.JournalStream
    $damaged = 'Keep this file. Use a copy that was not edited, or name another journal file with -Journal.'
    $torn = $false
    if ($stream.Length -gt 0) {
        [void]$stream.Seek($stream.Length - 1, [System.IO.SeekOrigin]::Begin)
        $torn = $stream.ReadByte() -ne 10
    }
    [void]$stream.Seek(0, [System.IO.SeekOrigin]::Begin)
    $reader = New-Object System.IO.StreamReader($stream, [System.Text.Encoding]::ASCII, $false, 65536, $true)
    $offset = [long]0
    $number = 0
    while ($null -ne ($line = $reader.ReadLine())) {
        if ($torn -and ($offset + $line.Length) -eq $stream.Length) { break }
        $number++
        $record = $null
        if ([regex]::IsMatch($line, '\A\{"type":"[\x20-\x7e]*\}\z')) { try { $record = ConvertFrom-Json -InputObject $line } catch { $record = $null } }
        if ($null -eq $record) { Deny-Start "The journal $($Run.JournalPath) is damaged: line $number is not a record." $damaged }
        if ($number -eq 1 -and (Get-PropertyValue $record 'schema') -cne $JournalSchema) { Deny-Start "$($Run.JournalPath) is not a journal of this script." 'Name the journal file with -Journal.' }
        & $Handle $record $offset
        $offset += $line.Length + 1
    }
    $reader.Dispose()
    if (-not $torn -and $offset -ne $stream.Length) { Deny-Start "The journal $($Run.JournalPath) was edited: its line ends or characters have changed." $damaged }
    return $offset
}

function Write-Journal {
    [CmdletBinding()] param($Record, [bool] $Durable)
    $fields = foreach ($key in $Record.Keys) { (ConvertTo-JsonText $key) + ':' + (ConvertTo-JsonText $Record[$key]) }
    $bytes = [System.Text.Encoding]::ASCII.GetBytes('{' + ($fields -join ',') + "}`n")
    # A record that is cut off must stay the last one: whatever fails here ends the run.
    $Run.JournalFailed = $true
    $Run.JournalStream.Write($bytes, 0, $bytes.Length)
    $Run.JournalStream.Flush($Durable)
    $Run.JournalFailed = $false
}

function Write-JournalStart {
    [CmdletBinding()] param([long] $End, [string] $Mode)
    $Run.JournalStream.SetLength($End)
    [void]$Run.JournalStream.Seek(0, [System.IO.SeekOrigin]::End)
    Write-Journal ([ordered]@{ type = 'run'; schema = $JournalSchema; mode = $Mode; bundle = $Run.Id; time = (Get-Now) }) $true
}

