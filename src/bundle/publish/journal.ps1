# ---- the journal ----------------------------------------------------------------------------------------------------
# One JSON object a line, ASCII, ended by LF. "run" opens each run. "before" is on the disk before a recipient is written:
# the values that were there and those that come. "confirmed": read back. "notWritten": the server refused and the old
# values are still there. "restored": rolled back; what follows begins anew. The first "before" since then is the original.
# "result": what became of a recipient otherwise, for those who read the journal later.

# A whole record, as Write-Journal writes it. Read with an expression of its own: in Windows PowerShell 5.1 ConvertFrom-Json
# takes no text above 2 MB, and a journal of 50 000 recipients shall be read in seconds.
$JournalLine = New-Object System.Text.RegularExpressions.Regex('\A\{"type":"(?<type>[A-Za-z]+)"(?>(?:,"[A-Za-z-]+":(?>"(?>[^"\\]|\\u[0-9a-f]{4})*"|\[(?>"[A-Za-z0-9+/=]+",?)*\]|null|[0-9]+))*)\}\z'), ([System.Text.RegularExpressions.RegexOptions]'CultureInvariant,Compiled')
$JournalField = New-Object System.Text.RegularExpressions.Regex('"(?<key>[A-Za-z-]+)":(?:"(?<text>(?>[^"\\]|\\u[0-9a-f]{4})*)"|\[(?<list>[^\]]*)\]|(?<other>null|[0-9]+))'), ([System.Text.RegularExpressions.RegexOptions]'CultureInvariant,Compiled')
$JournalIdentity = New-Object System.Text.RegularExpressions.Regex('"identity":"(?<text>(?>[^"\\]|\\u[0-9a-f]{4})*)"'), ([System.Text.RegularExpressions.RegexOptions]'CultureInvariant,Compiled')

$RestoredMark = [long]::MinValue

# The fields of a line: texts, and lists of texts. $null when the line is no record.
function ConvertFrom-JournalLine {
    [CmdletBinding()] param([string] $Line)
    if (-not $JournalLine.IsMatch($Line)) { return $null }
    $record = @{}
    foreach ($match in $JournalField.Matches($Line)) {
        $key = $match.Groups['key'].Value
        if ($match.Groups['list'].Success) {
            $items = $match.Groups['list'].Value
            $record[$key] = [string[]]@(if ($items) { $items.Replace('"', '').Split(',') })
        }
        elseif ($match.Groups['text'].Success) { $record[$key] = [regex]::Unescape($match.Groups['text'].Value) }
        else { $record[$key] = $match.Groups['other'].Value }
    }
    return $record
}

# Reads a journal to its end. Places: identity -> where its "before" records begin, oldest first, as a negative number when
# "notWritten" followed, and $RestoredMark where "restored" stood. Order: the identities as they came. End: where the whole lines end; what follows was being
# written when the computer or the script stopped, and nothing had been sent to the tenant for it.
# Error says what is wrong with it, or is empty.
function Read-Journal {
    [CmdletBinding()] param([System.IO.Stream] $Stream)
    $answer = [pscustomobject]@{
        Error = ''; End = [long]0; Bundle = ''
        Places = New-Object 'System.Collections.Generic.Dictionary[string,System.Collections.Generic.List[long]]' ([System.StringComparer]::Ordinal)
        Order = New-Object 'System.Collections.Generic.List[string]'
    }
    $torn = $false
    if ($Stream.Length -gt 0) {
        [void]$Stream.Seek($Stream.Length - 1, [System.IO.SeekOrigin]::Begin)
        $torn = $Stream.ReadByte() -ne 10
    }
    [void]$Stream.Seek(0, [System.IO.SeekOrigin]::Begin)
    $reader = New-Object System.IO.StreamReader($Stream, [System.Text.Encoding]::ASCII, $false, 65536, $true)
    $number = 0
    while ($null -ne ($line = $reader.ReadLine())) {
        if ($torn -and ($answer.End + $line.Length) -eq $Stream.Length) { break }
        $number++
        $match = $JournalLine.Match($line)
        if (-not $match.Success) { $answer.Error = "line $number is not a record"; return $answer }
        $type = $match.Groups['type'].Value
        if ($type -ceq 'run') {
            $record = ConvertFrom-JournalLine $line
            if ($record['schema'] -cne $JournalSchema) { $answer.Error = "line $number is of another program or version ($(ConvertTo-SafeText $record['schema']))"; return $answer }
            $answer.Bundle = [string]$record['bundle']
        }
        elseif ($number -eq 1) { $answer.Error = 'it does not begin as a journal'; return $answer }
        elseif (@('before', 'notWritten', 'restored') -ccontains $type) {
            $identity = $JournalIdentity.Match($line)
            if (-not $identity.Success) { $answer.Error = "line $number has no identity"; return $answer }
            $key = [regex]::Unescape($identity.Groups['text'].Value)
            $places = $null
            if (-not $answer.Places.TryGetValue($key, [ref]$places)) {
                $places = New-Object 'System.Collections.Generic.List[long]'
                $answer.Places.Add($key, $places)
                $answer.Order.Add($key)
            }
            if ($type -ceq 'before') { $places.Add($answer.End) }
            elseif ($type -ceq 'restored') { $places.Add($RestoredMark) }
            elseif ($places.Count -gt 0 -and $places[$places.Count - 1] -gt 0) { $places[$places.Count - 1] = - $places[$places.Count - 1] }
        }
        $answer.End += $line.Length + 1
    }
    $reader.Dispose()
    if (-not $torn -and $answer.End -ne $Stream.Length) { $answer.Error = 'its line ends or characters were changed' }
    return $answer
}

function Read-JournalLine {
    [CmdletBinding()] param([System.IO.Stream] $Stream, [long] $Offset)
    [void]$Stream.Seek($Offset, [System.IO.SeekOrigin]::Begin)
    $reader = New-Object System.IO.StreamReader($Stream, [System.Text.Encoding]::ASCII, $false, 65536, $true)
    try { return $reader.ReadLine() } finally { $reader.Dispose() }
}

# Opens this run's journal and reads it. What is not usable ends the start.
function Open-Journal {
    [CmdletBinding()] param([string] $File, [bool] $ReadOnly)
    $access = if ($ReadOnly) { [System.IO.FileAccess]::Read } else { [System.IO.FileAccess]::ReadWrite }
    $mode = if ($ReadOnly) { [System.IO.FileMode]::Open } else { [System.IO.FileMode]::OpenOrCreate }
    try { $Run.JournalStream = New-Object System.IO.FileStream($File, $mode, $access, [System.IO.FileShare]::Read) }
    catch { Deny-Start "The journal cannot be opened: $File ($($_.Exception.GetBaseException().Message))" 'If another run uses it, wait for its end. Else name a place where you may write, with -Journal.' }
    $Run.JournalPath = $File
    $Run.Journal = Read-Journal $Run.JournalStream
    if ($Run.Journal.Error) {
        Deny-Start "The journal $File is damaged, was edited, or is none: $($Run.Journal.Error)." 'Keep this file. Use a copy that was not edited, or name another journal file with -Journal.'
    }
}

# Begins to write: drops a record that was cut off, and opens the run.
function Write-JournalStart {
    [CmdletBinding()] param([string] $Mode)
    $Run.JournalStream.SetLength($Run.Journal.End)
    $Run.JournalOpen = $true
    Write-Journal ([ordered]@{ type = 'run'; schema = $JournalSchema; mode = $Mode; bundle = $Run.Id; time = (Get-Now) }) $true
}

function Write-Journal {
    [CmdletBinding()] param([System.Collections.IDictionary] $Record, [bool] $Durable)
    $bytes = [System.Text.Encoding]::ASCII.GetBytes((ConvertTo-JsonObject $Record) + "`n")
    # A record that is cut off must stay the last one: whatever fails here ends the run.
    $Run.JournalFailed = $true
    [void]$Run.JournalStream.Seek(0, [System.IO.SeekOrigin]::End)
    $Run.JournalStream.Write($bytes, 0, $bytes.Length)
    $Run.JournalStream.Flush($Durable)
    $Run.JournalFailed = $false
}

# Whether a journal knows this value of this recipient: the script wrote it, or kept it as an old one. Asked are this run's
# journal and those beside it, which earlier bundles left; these are read when the first question comes.
function Test-Known {
    [CmdletBinding()] param([string] $Identity, [string] $Value)
    $places = $null
    if ($null -ne $Run.Journal -and $Run.Journal.Places.TryGetValue($Identity, [ref]$places)) {
        foreach ($place in $places) { if ($place -ne $RestoredMark -and (Test-JournalLine $Run.JournalStream ([Math]::Abs($place)) $Value)) { return $true } }
    }
    if ($null -eq $Run.Others) { $Run.Others = Read-OtherJournal }
    $places = $null
    if ($Run.Others.Places.TryGetValue($Identity, [ref]$places)) {
        foreach ($place in $places) { if (Test-JournalLine $Run.Others.Streams[[int]($place -shr 48)] ($place -band 0xffffffffffff) $Value) { return $true } }
    }
    return $false
}

function Test-JournalLine {
    [CmdletBinding()] param([System.IO.Stream] $Stream, [long] $Offset, [string] $Value)
    # Base64 has no character that JSON writes in another way, so the quoted text stands there as it is.
    return (Read-JournalLine $Stream $Offset).IndexOf('"' + $Value + '"', [System.StringComparison]::Ordinal) -ge 0
}

# The journals beside this one, as one: identity -> places, each the number of its file in the upper 16 bits and the offset.
function Read-OtherJournal {
    $answer = [pscustomobject]@{
        Places = New-Object 'System.Collections.Generic.Dictionary[string,System.Collections.Generic.List[long]]' ([System.StringComparer]::Ordinal)
        Streams = New-Object 'System.Collections.Generic.List[System.IO.Stream]'
    }
    foreach ($file in [System.IO.Directory]::GetFiles([System.IO.Path]::GetDirectoryName($Run.JournalFile), '*.ndjson')) {
        if ([string]::Equals($file, $Run.JournalFile, $IgnoreCase)) { continue }
        if ((Get-FirstLine $file).IndexOf("`"schema`":`"$JournalSchema`"", [System.StringComparison]::Ordinal) -lt 0) { continue }
        try {
            $stream = New-Object System.IO.FileStream($file, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Read, [System.IO.FileShare]::ReadWrite)
            $Run.Streams.Add($stream)
            $book = Read-Journal $stream
        }
        catch { Write-Note "  The journal $file beside this one cannot be read and is left aside ($(ConvertTo-SafeText $_.Exception.GetBaseException().Message))."; continue }
        if ($book.Error) { Write-Note "  The journal $file beside this one is damaged and is left aside: $($book.Error)."; continue }
        $index = [long]$answer.Streams.Count -shl 48
        $answer.Streams.Add($stream)
        foreach ($entry in $book.Places.GetEnumerator()) {
            $places = $null
            if (-not $answer.Places.TryGetValue($entry.Key, [ref]$places)) { $places = New-Object 'System.Collections.Generic.List[long]'; $answer.Places.Add($entry.Key, $places) }
            foreach ($place in $entry.Value) { if ($place -ne $RestoredMark) { $places.Add($index -bor [Math]::Abs($place)) } }
        }
    }
    return $answer
}

