<#
.SYNOPSIS
Sets users' S/MIME certificates in Exchange Online from a certferry transfer folder.

.DESCRIPTION
The transfer folder was made by certferry, inside the gap. It holds, for each recipient, the complete set of
certificates that the recipient shall have. This script checks the folder, looks each recipient up by e-mail
address, compares what the tenant holds with what the folder says, and writes only what differs, with Set-Mailbox,
Set-MailUser or Set-MailContact, as the tenant's kind of recipient requires.

The script never signs in. Open a session first, in the same PowerShell window:

    Connect-ExchangeOnline -UserPrincipalName you@contoso.com

The account needs the role Exchange Recipient Administrator.

Before a recipient is changed, the old values are written to a journal file. -Rollback restores them from there.
A run that was interrupted is started again with the same command: what is done already is found equal and skipped.
Journal and result file go to the current folder unless they are named. They never go into the transfer folder.

Directory-synchronised recipients are refused by name: Exchange Online takes their certificates only from the
on-premises directory, so they must be changed there.

Exit codes: 0 done; 1 done, but some recipients failed or the session was lost (the result file names them);
2 refused to start, nothing was changed.

.PARAMETER Path
The transfer folder. Default: the folder in which this script lies.

.PARAMETER AllowUnsigned
Says that you know that nobody's signature is checked. This version of the script cannot check signatures, so it
refuses to start without this switch. The hash list SHA256SUMS finds damage and forgotten files; it travels with the
files and so proves nothing about who made them. Use -BundleId as well.

.PARAMETER BundleId
The bundle's id as you received it by a second channel (telephone, ticket). The script refuses any other bundle.

.PARAMETER AllowUnverified
Publishes a bundle whose certificates were not checked against a trust anchor. Such a bundle may contain certificates
that users put into the directory themselves. For tests only.

.PARAMETER Only
Handles these addresses alone. An address that is not in the bundle is an error, so that a typing mistake is seen.

.PARAMETER Exclude
Leaves these addresses out. An address that is not in the bundle is an error, so that a typing mistake is seen.

.PARAMETER First
A pilot: handles the first N recipients that -Only and -Exclude leave.

.PARAMETER DelayMilliseconds
The pause between two calls to Exchange Online, to stay below its limits. Default 500.

.PARAMETER Journal
The file that keeps the old values. Default: smime-journal-<bundle>.ndjson in the current folder. It is continued when
it exists. Keep it: without it there is no -Rollback.

.PARAMETER Result
The file that receives one line for each recipient (CSV). It must not exist. Default:
smime-result-<bundle>-<time>.csv in the current folder. With -WhatIf it is written only when it is named.

.PARAMETER Rollback
Restores the values that the journal kept. A recipient whose values somebody else has changed since is left alone and
named. Needs -Journal, and no transfer folder.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -AllowUnsigned -WhatIf

Checks everything, reads the tenant, and shows what would change. Writes nothing.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -AllowUnsigned -First 3

A pilot with three recipients.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Rollback -Journal .\smime-journal-0123456789ab.ndjson

Restores what was there before.

.LINK
https://learn.microsoft.com/powershell/exchange/connect-to-exchange-online-powershell
#>
[CmdletBinding(SupportsShouldProcess = $true, DefaultParameterSetName = 'Publish')]
param(
    [Parameter(ParameterSetName = 'Publish', Position = 0)]
    [ValidateNotNullOrEmpty()]
    [string] $Path,

    [Parameter(ParameterSetName = 'Publish')]
    [switch] $AllowUnsigned,

    [Parameter(ParameterSetName = 'Publish')]
    [ValidateNotNullOrEmpty()]
    [string] $BundleId,

    [Parameter(ParameterSetName = 'Publish')]
    [switch] $AllowUnverified,

    [Parameter(ParameterSetName = 'Rollback', Mandatory = $true)]
    [switch] $Rollback,

    [ValidateNotNullOrEmpty()]
    [string] $Journal,

    [ValidateNotNullOrEmpty()]
    [string] $Result,

    [ValidateNotNullOrEmpty()]
    [string[]] $Only,

    [ValidateNotNullOrEmpty()]
    [string[]] $Exclude,

    [ValidateRange(1, 2147483647)]
    [int] $First = 2147483647,

    [ValidateRange(0, 60000)]
    [int] $DelayMilliseconds = 500
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# Texts that decide something are compared by code point: -eq and -match obey the culture (tr-TR) and skip invisible
# characters. Cmdlets get -ErrorAction Stop each time: a module does not see this script's preference.
$IgnoreCase = [System.StringComparison]::OrdinalIgnoreCase
$Invariant = [System.Globalization.CultureInfo]::InvariantCulture
$MaxValueBytes = 32768      # rangeUpper of both attributes in Active Directory's schema
$JournalSchema = 'certferry-journal-1'
$Attributes = @(
    @{ Json = 'userCertificate'; Parameter = 'UserCertificate' },
    @{ Json = 'userSMIMECertificate'; Parameter = 'UserSMimeCertificate' }
)
# RecipientType in the tenant -> the noun of its cmdlets, and the word that bundle and reports use.
$Kinds = @{
    UserMailbox = @{ Noun = 'Mailbox'; Word = 'mailbox' }
    MailUser    = @{ Noun = 'MailUser'; Word = 'mailUser' }
    MailContact = @{ Noun = 'MailContact'; Word = 'mailContact' }
}
$Good = @('updated', 'restored', 'unchanged', 'would-update', 'would-restore', 'declined')
$ThrottlePauses = @(10, 20, 40, 80, 160, 300, 300, 300)   # seconds, when the server names no time itself
$FaultPauses = @(2, 5, 15)                                # seconds, after a time-out or a broken connection
$SettlePauses = @(5, 10, 20, 40, 60, 60, 60)              # seconds between the last read-backs: about four minutes

# What the run knows. Everything else goes through parameters.
$Run = @{
    Started = $false; SessionLost = $null; Calls = 0; Taken = 0; Synchronised = 0; Plan = $null; Reported = 0
    JournalStream = $null; JournalFailed = $false; JournalPath = ''; ResultWriter = $null; ResultPath = ''; Id = ''
    Streams = New-Object 'System.Collections.Generic.List[System.IO.Stream]'
    Counts = New-Object 'System.Collections.Generic.SortedDictionary[string,int]' ([System.StringComparer]::Ordinal)
    Pending = New-Object 'System.Collections.Generic.List[object]'
    Only = $null; Exclude = $null; LastProgress = [datetime]::MinValue; HasConfirm = @{}
}

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
    return "'" + $Text.Replace("'", "''") + "'"
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
    foreach ($name in @('Path', 'BundleId', 'AllowUnsigned', 'AllowUnverified', 'Rollback', 'Only', 'Exclude', 'First', 'DelayMilliseconds')) {
        if (-not $Bound.ContainsKey($name)) { continue }
        $value = $Bound[$name]
        if ($value -is [switch]) { if ($value) { $text += " -$name" } }
        elseif ($value -is [int]) { $text += " -$name $value" }
        else { $text += " -$name " + (@(foreach ($item in $value) { ConvertTo-Quoted $item }) -join ',') }
    }
    if ($Run.JournalPath) { $text += ' -Journal ' + (ConvertTo-Quoted $Run.JournalPath) }
    return ($text + ' ' + ($Extra -join ' ')).TrimEnd()
}

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

function Read-Text {
    [CmdletBinding()] param([System.IO.Stream] $Stream)
    [void]$Stream.Seek(0, [System.IO.SeekOrigin]::Begin)
    $reader = New-Object System.IO.StreamReader($Stream, (New-Object System.Text.UTF8Encoding($false, $true)), $false, 65536, $true)
    try { return $reader.ReadToEnd() } finally { $reader.Dispose() }
}

# ---- the transfer folder --------------------------------------------------------------------------------------------

# SHA256SUMS: "<64 hexadecimal digits><two blanks><name>", names relative to the folder, with /.
function Read-HashList {
    [CmdletBinding()] param([string] $Folder)
    $file = [System.IO.Path]::Combine($Folder, 'SHA256SUMS')
    if (-not [System.IO.File]::Exists($file)) {
        $hint = if ([System.IO.File]::Exists([System.IO.Path]::Combine($Folder, 'transfer', 'SHA256SUMS'))) { "You named the whole bundle. Use -Path " + (ConvertTo-Quoted ([System.IO.Path]::Combine($Folder, 'transfer'))) + '.' }
        else { 'Name the transfer folder with -Path: the one that holds SHA256SUMS, transfer.json and payload. If SHA256SUMS got lost on the way, have the folder carried over again.' }
        Deny-Start "There is no transfer folder at $Folder (no file SHA256SUMS)." $hint
    }
    $listed = New-Object 'System.Collections.Generic.SortedDictionary[string,string]' ([System.StringComparer]::Ordinal)
    $text = Read-Text (Open-Shared $file)
    $again = 'The folder was damaged or edited on its way. Have it carried over again, unchanged (as binary files).'
    if (-not $text.EndsWith("`n", [System.StringComparison]::Ordinal)) { Deny-Start 'SHA256SUMS is empty or cut off: its last line has no end.' $again }
    $number = 0
    foreach ($line in $text.Substring(0, $text.Length - 1).Split([char]10)) {
        $number++
        $match = [regex]::Match($line, '\A([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*)\z')
        if (-not $match.Success) { Deny-Start "SHA256SUMS, line $number, is not '<hash>  <name>'." $again }
        $name = $match.Groups[2].Value
        if ($listed.ContainsKey($name)) { Deny-Start "SHA256SUMS names $name twice (line $number)." $again }
        $listed.Add($name, $match.Groups[1].Value)
    }
    return , $listed
}

# Every listed file is there and unchanged; nothing else is there. Returns name -> open stream.
function Confirm-Folder {
    [CmdletBinding()] param([string] $Folder)
    $listed = Read-HashList $Folder
    $problems = New-Object 'System.Collections.Generic.List[string]'
    $open = New-Object 'System.Collections.Generic.SortedDictionary[string,object]' ([System.StringComparer]::Ordinal)
    $unlisted = @('SHA256SUMS', 'SHA256SUMS.p7s')

    # What is there: a sub-folder is entered only when the list has files in it (so no link can lead in circles).
    $there = New-Object 'System.Collections.Generic.HashSet[string]' ([System.StringComparer]::Ordinal)
    $queue = New-Object 'System.Collections.Generic.Queue[string]'
    $queue.Enqueue('')
    while ($queue.Count -gt 0) {
        $prefix = $queue.Dequeue()
        $here = New-Object System.IO.DirectoryInfo([System.IO.Path]::Combine($Folder, $prefix))
        foreach ($item in $here.GetFiles()) { [void]$there.Add($prefix + $item.Name) }
        foreach ($item in $here.GetDirectories()) {
            $sub = $prefix + $item.Name + '/'
            $known = $sub -ceq 'payload/'
            foreach ($name in $listed.Keys) { if ($name.StartsWith($sub, [System.StringComparison]::Ordinal)) { $known = $true; break } }
            if ($known) { $queue.Enqueue($sub) } else { $problems.Add("extra folder: $sub") }
        }
    }
    foreach ($name in $there) { if (-not $listed.ContainsKey($name) -and $unlisted -cnotcontains $name) { $problems.Add("extra file: $name") } }
    foreach ($name in $listed.Keys) {
        if (-not $there.Contains($name)) { $problems.Add("missing file: $name"); continue }
        try { $stream = Open-Shared ([System.IO.Path]::Combine($Folder, $name)) }
        catch { $problems.Add("unreadable file: $name ($($_.Exception.GetBaseException().Message))"); continue }
        if ((Get-HashText $stream) -cne $listed[$name]) { $problems.Add("changed file: $name") }
        $open.Add($name, $stream)
    }
    if ($problems.Count -gt 0) {
        $problems.Sort([System.StringComparer]::Ordinal)
        $shown = @($problems | Select-Object -First 10 | ForEach-Object { ConvertTo-SafeText $_ }) -join '; '
        if ($problems.Count -gt 10) { $shown += "; and $($problems.Count - 10) more" }
        Deny-Start "The transfer folder is not as certferry wrote it: $shown. Expected: exactly the files that SHA256SUMS lists, unchanged." `
            'Move files that do not belong there out of the folder. If a file is changed or missing, have the folder carried over again, and ask who changed it.'
    }
    return , $open
}

function Get-Text {
    [CmdletBinding()] param($Object, [string] $Name, [string] $Pattern)
    $value = Get-PropertyValue $Object $Name
    if ($value -isnot [string] -or -not [regex]::IsMatch($value, $Pattern)) {
        Deny-Start "transfer.json has no usable '$Name'." 'The folder was made by another version of certferry than this script. Use the script that lies in the same folder.'
    }
    return $value
}

# RFC 3339 in UTC. ConvertFrom-Json makes a DateTime of it in PowerShell 7 and leaves it as text in 5.1.
function Get-Instant {
    [CmdletBinding()] param($Object, [string] $Name)
    $value = Get-PropertyValue $Object $Name
    if ($null -eq $value) { return $null }
    if ($value -is [datetime]) { return $value.ToUniversalTime() }
    $instant = [datetimeoffset]::MinValue
    $formats = [string[]]@("yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK")
    if ([datetimeoffset]::TryParseExact([string]$value, $formats, $Invariant, [System.Globalization.DateTimeStyles]::AssumeUniversal, [ref]$instant)) { return $instant.UtcDateTime }
    Deny-Start "transfer.json: '$Name' is not a time like 2026-01-31T12:00:00Z." 'The folder was made by another version of certferry than this script. Use the script that lies in the same folder.'
}

function Get-Count {
    [CmdletBinding()] param($Object, [string] $Name)
    $value = Get-PropertyValue $Object $Name
    if ($value -is [int] -or $value -is [long]) { return [long]$value }
    Deny-Start "transfer.json has no number counts.$Name." 'The folder was made by another version of certferry than this script. Use the script that lies in the same folder.'
}

# transfer.json, and whether this bundle may be used now.
function Read-Transfer {
    [CmdletBinding()] param($Files)
    if (-not $Files.ContainsKey('transfer.json')) { Deny-Start 'SHA256SUMS does not list transfer.json.' 'Have the transfer folder carried over again, complete.' }
    $text = (Read-Text $Files['transfer.json']).Trim()
    if (-not ($text.StartsWith('{', [System.StringComparison]::Ordinal) -and $text.EndsWith('}', [System.StringComparison]::Ordinal))) { Deny-Start 'transfer.json is not a JSON object.' 'Have the transfer folder carried over again.' }
    try { $json = ConvertFrom-Json -InputObject $text } catch { Deny-Start "transfer.json cannot be read: $($_.Exception.Message)" 'Have the transfer folder carried over again.' }
    [void](Get-Text $json 'schema' '\A.+\z')
    $id = Get-Text $json 'id' '\A[0-9A-Za-z._-]{12,128}\z'
    $counts = Get-PropertyValue $json 'counts'
    $unverified = Get-PropertyValue $json 'unverified'
    $until = Get-Instant $json 'validUntil'
    if ($null -eq $counts -or $unverified -isnot [bool] -or $null -eq $until) {
        Deny-Start "transfer.json lacks 'counts', 'unverified' or 'validUntil'." 'The folder was made by another version of certferry than this script. Use the script that lies in the same folder.'
    }
    if ($BundleId -and -not [string]::Equals($BundleId.Trim(), $id, $IgnoreCase)) {
        Deny-Start "This is the bundle $id. Expected, by -BundleId: $(ConvertTo-SafeText $BundleId)." 'Ask the person who sent the bundle for its id. If it differs from the one above, do not use this folder.'
    }
    if ($until -le [datetime]::UtcNow) {
        Deny-Start "This bundle expired at $($until.ToString('u', $Invariant)); now it is $([datetime]::UtcNow.ToString('u', $Invariant)). Its certificates and revocation checks are too old." `
            'Ask for a new bundle. If the clock of this computer is wrong, correct it first.'
    }
    if ($unverified -and -not $AllowUnverified) {
        Deny-Start 'This bundle is UNVERIFIED: its certificates were not checked against a trust anchor, so a user may have planted them.' `
            'Ask for a bundle that was made with --trust. For a test in a tenant of no importance, add -AllowUnverified.'
    }
    if (-not $AllowUnsigned) {
        Deny-Start 'This version of the script checks no signature: SHA256SUMS shows that the folder is complete and undamaged, not who made it.' `
            "Compare the bundle's id, $id, with the one that its maker tells you by telephone or ticket. Then run the command again with -AllowUnsigned -BundleId $id."
    }
    $payload = New-Object 'System.Collections.Generic.List[string]'
    foreach ($name in $Files.Keys) {
        if (-not $name.StartsWith('payload/', [System.StringComparison]::Ordinal)) { continue }
        if (-not [regex]::IsMatch($name, '\Apayload/[0-9]{4,9}\.ndjson\z')) { Deny-Start "payload holds a file of another kind: $name." 'Use the script that lies in the same folder.' }
        $payload.Add($name)
    }
    return [pscustomobject]@{
        Id = $id; Until = $until; Unverified = $unverified; Fresh = (Get-Instant $json 'revocationFreshUntil'); Files = $Files
        Payload = @($payload | Sort-Object { [int][System.IO.Path]::GetFileNameWithoutExtension($_) })
        Recipients = (Get-Count $counts 'recipients'); FileCount = (Get-Count $counts 'files')
        Values = @((Get-Count $counts 'userCertificate'), (Get-Count $counts 'userSMIMECertificate'))
    }
}

function Open-Payload {
    [CmdletBinding()] param($Bundle)
    return @{ Bundle = $Bundle; Next = 0; Reader = $null; File = ''; Line = 0 }
}

# The next recipient of the payload, or $null at its end. One line is in memory at a time.
function Read-Recipient {
    [CmdletBinding()] param($Cursor)
    $line = $null
    while ($null -eq $line) {
        if ($null -eq $Cursor.Reader) {
            if ($Cursor.Next -ge $Cursor.Bundle.Payload.Count) { return $null }
            $Cursor.File = $Cursor.Bundle.Payload[$Cursor.Next]
            $Cursor.Next++
            $Cursor.Line = 0
            $stream = $Cursor.Bundle.Files[$Cursor.File]
            [void]$stream.Seek(0, [System.IO.SeekOrigin]::Begin)
            $Cursor.Reader = New-Object System.IO.StreamReader($stream, [System.Text.Encoding]::UTF8, $false, 65536, $true)
        }
        $line = $Cursor.Reader.ReadLine()
        $Cursor.Line++
        if ($null -eq $line) { $Cursor.Reader.Dispose(); $Cursor.Reader = $null }
    }
    $data = $null
    # ConvertFrom-Json accepts an array that was cut off, so the form is checked first.
    if ([regex]::IsMatch($line, '\A\{[\x20-\x7e]*\}\z')) { try { $data = ConvertFrom-Json -InputObject $line } catch { $data = $null } }
    $recipient = [pscustomobject]@{ Number = $null; Address = ''; Kind = ''; Values = @($null, $null) }
    $bad = $null -eq $data
    if (-not $bad) {
        $recipient.Number = Get-PropertyValue $data 'number'
        $recipient.Address = Get-PropertyValue $data 'address'
        $recipient.Kind = Get-PropertyValue $data 'kind'
        $bad = -not ($recipient.Number -is [int] -or $recipient.Number -is [long]) -or $recipient.Address -isnot [string] -or
            @('mailbox', 'mailUser', 'mailContact') -cnotcontains $recipient.Kind
        foreach ($property in $data.PSObject.Properties) {
            if (@('number', 'address', 'kind', 'userCertificate', 'userSMIMECertificate') -cnotcontains $property.Name) { $bad = $true }
        }
        for ($i = 0; $i -lt 2; $i++) {
            $property = $data.PSObject.Properties[$Attributes[$i].Json]
            if ($null -eq $property) { continue }
            if ($property.Value -isnot [array]) { $bad = $true; continue }
            foreach ($value in $property.Value) {
                try { if ($value -isnot [string] -or $value.Length -eq 0 -or [Convert]::ToBase64String([Convert]::FromBase64String($value)) -cne $value -or [Convert]::FromBase64String($value).Length -gt $MaxValueBytes) { $bad = $true } }
                catch { $bad = $true }
            }
            if (-not $bad) { $recipient.Values[$i] = [string[]]$property.Value }
        }
    }
    if ($bad) {
        throw "$($Cursor.File), line $($Cursor.Line), is not a payload line as this script knows it. Have the folder carried over again, or use the script that lies in the same folder."
    }
    return $recipient
}

# Reads the whole payload once before anything is written: its form, its counts, and the names given to -Only and -Exclude.
function Measure-Payload {
    [CmdletBinding()] param($Bundle)
    $seen = New-Object 'System.Collections.Generic.HashSet[string]' ([System.StringComparer]::OrdinalIgnoreCase)
    $values = @([long]0, [long]0)
    $cursor = Open-Payload $Bundle
    while ($true) {
        $recipient = Read-Recipient $cursor
        if ($null -eq $recipient) { break }
        if (-not $seen.Add($recipient.Address)) { throw "The payload names $(ConvertTo-SafeText $recipient.Address) twice ($($cursor.File), line $($cursor.Line)). Report this to the maker of the bundle." }
        for ($i = 0; $i -lt 2; $i++) { if ($null -ne $recipient.Values[$i]) { $values[$i] += $recipient.Values[$i].Length } }
    }
    $found = "$($seen.Count) recipients, $($values[0]) + $($values[1]) values, $($Bundle.Payload.Count) files"
    $stated = "$($Bundle.Recipients) recipients, $($Bundle.Values[0]) + $($Bundle.Values[1]) values, $($Bundle.FileCount) files"
    if ($found -cne $stated) { Deny-Start "The payload holds $found; transfer.json says $stated." 'Have the transfer folder carried over again, complete. If it stays so, report it to the maker of the bundle.' }
    Confirm-Selection $seen 'the bundle'
}

# powershell.exe -File hands "a,b" over as one text, so commas are split here.
function ConvertTo-AddressSet {
    [CmdletBinding()] param([string[]] $List)
    $set = New-Object 'System.Collections.Generic.HashSet[string]' ([System.StringComparer]::OrdinalIgnoreCase)
    foreach ($text in $List) { foreach ($part in $text.Split(',')) { if ($part.Trim()) { [void]$set.Add($part.Trim()) } } }
    return , $set
}

function Confirm-Selection {
    [CmdletBinding()] param($Known, [string] $Where)
    foreach ($option in @('Only', 'Exclude')) {
        if ($null -eq $Run[$option]) { continue }
        $unknown = @(foreach ($address in $Run[$option]) { if (-not $Known.Contains($address)) { ConvertTo-SafeText $address } })
        if ($unknown.Count -gt 0) { Deny-Start "-$option names what is not in ${Where}: $($unknown -join ', ')." 'Correct the addresses (whole e-mail addresses, no wildcards) and run the command again.' }
    }
}

function Test-Selected {
    [CmdletBinding()] param([string] $Address)
    if ($null -ne $Run.Only -and -not $Run.Only.Contains($Address)) { return $false }
    if ($null -ne $Run.Exclude -and $Run.Exclude.Contains($Address)) { return $false }
    $Run.Taken++
    return $true
}

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

# ---- the tenant -----------------------------------------------------------------------------------------------------

function Confirm-Session {
    $needed = New-Object 'System.Collections.Generic.List[object]'
    $needed.Add(@('Get-Recipient', @('Identity')))
    foreach ($kind in $Kinds.Values) {
        $needed.Add(@("Get-$($kind.Noun)", @('Identity')))
        $needed.Add(@("Set-$($kind.Noun)", @('Identity', 'UserCertificate', 'UserSMimeCertificate')))
    }
    $missing = New-Object 'System.Collections.Generic.List[string]'
    $absent = 0
    foreach ($entry in $needed) {
        $command = Get-Command -Name $entry[0] -ErrorAction SilentlyContinue | Select-Object -First 1
        if ($null -eq $command) { $missing.Add($entry[0]); $absent++; continue }
        foreach ($parameter in $entry[1]) { if (-not $command.Parameters.ContainsKey($parameter)) { $missing.Add("$($entry[0]) -$parameter") } }
        $Run.HasConfirm[$entry[0]] = $command.Parameters.ContainsKey('Confirm')
    }
    if ($missing.Count -eq 0) { return }
    $missing.Sort([System.StringComparer]::Ordinal)
    if ($absent -eq $needed.Count) {
        Deny-Start 'No Exchange Online session is open in this PowerShell window: its cmdlets (Get-Recipient, Set-Mailbox and others) are not there. This script never signs in by itself.' `
            ("Run these commands in this window, then the same command again:`n" +
            "          Install-Module ExchangeOnlineManagement      (once on a computer)`n          Connect-ExchangeOnline -UserPrincipalName you@contoso.com")
    }
    Deny-Start "A session is open, but it does not offer: $($missing -join ', '). The tenant shows a cmdlet or parameter only to accounts that have the role for it." `
        'Ask for the role Exchange Recipient Administrator for your account, sign in again with Connect-ExchangeOnline, and run the same command again.'
}

# What kind of failure an error of the tenant is. $Address is taken out of the text first: it may look like anything.
function Get-Fault {
    [CmdletBinding()] param($ErrorRecord, [string] $Address)
    $fault = [pscustomobject]@{ Kind = 'failed'; RetryAfter = 0; Text = '' }
    $texts = New-Object 'System.Collections.Generic.List[string]'
    $texts.Add([string]$ErrorRecord.FullyQualifiedErrorId)
    if ($null -ne $ErrorRecord.ErrorDetails) { $texts.Add([string]$ErrorRecord.ErrorDetails.Message) }
    $status = 0
    $exception = $ErrorRecord.Exception
    $fault.Text = $exception.Message
    while ($null -ne $exception) {
        if ($exception -is [System.Management.Automation.CommandNotFoundException]) { $fault.Kind = 'session' }
        $texts.Add($exception.GetType().Name); $texts.Add($exception.Message)
        if ($exception.Data.Contains('Retry-After')) { $texts.Add("Retry-After: $($exception.Data['Retry-After'])") }
        $response = Get-PropertyValue $exception 'Response'
        if ($null -ne $response) {
            $code = Get-PropertyValue $response 'StatusCode'
            if ($null -ne $code) { $status = [int]$code }
            # WebHeaderCollection in 5.1, HttpResponseHeaders in 7.
            $headers = Get-PropertyValue $response 'Headers'
            if ($headers -is [System.Collections.Specialized.NameValueCollection] -or $headers -is [System.Collections.IDictionary]) { $texts.Add("Retry-After: $($headers['Retry-After'])") }
            elseif ($null -ne $headers) { foreach ($header in $headers) { if ([string]::Equals([string](Get-PropertyValue $header 'Key'), 'Retry-After', $IgnoreCase)) { $texts.Add("Retry-After: $(@($header.Value)[0])") } } }
        }
        $exception = $exception.InnerException
    }
    if ($fault.Kind -ceq 'session') { return $fault }
    $text = $texts -join "`n"
    if ($Address) { $text = [regex]::Replace($text, [regex]::Escape($Address), '', [System.Text.RegularExpressions.RegexOptions]'IgnoreCase,CultureInvariant') }
    foreach ($rule in @(
            @('notFound', 'ManagementObjectNotFound|object.{0,400}(couldn.t|could not) be found'),
            @('ambiguous', 'ManagementObjectAmbiguous|matches multiple'),
            @('synchronised', 'synchronized from your on-premises'),
            @('throttled', '\b429\b|too ?many ?requests|throttl|retry-after|micro ?delay|over ?budget|server ?is ?busy|server ?busy'),
            @('session', 'Connect-ExchangeOnline|\b401\b|unauthorized|session .{0,60}(expired|closed|broken|not (open|available|in))|token .{0,60}expired'),
            @('fault', 'timed? ?out|temporar|\b50[0234]\b|connection .{0,40}(closed|reset|aborted|refused)|task ?cancel|try again|service ?unavailable|bad gateway'))) {
        if ([regex]::IsMatch($text, $rule[1], [System.Text.RegularExpressions.RegexOptions]'IgnoreCase,CultureInvariant,Singleline')) { $fault.Kind = $rule[0]; break }
    }
    if ($status -eq 429) { $fault.Kind = 'throttled' }
    elseif ($fault.Kind -ceq 'failed') {
        if ($status -eq 401) { $fault.Kind = 'session' }
        elseif ($status -eq 408 -or $status -ge 500) { $fault.Kind = 'fault' }
    }
    $after = [regex]::Match($text, 'retry[- ]after[^0-9\n]{0,20}([0-9]{1,5})', [System.Text.RegularExpressions.RegexOptions]'IgnoreCase,CultureInvariant')
    if ($after.Success) { $fault.RetryAfter = [Math]::Min(3600, [int]$after.Groups[1].Value) }
    return $fault
}

# Waits out throttling or a broken connection. $false when it has lasted too long.
function Wait-Fault {
    [CmdletBinding()] param($Fault, [int] $Attempt)
    if ($Fault.Kind -ceq 'throttled') { $pauses = $ThrottlePauses } elseif ($Fault.Kind -ceq 'fault') { $pauses = $FaultPauses } else { return $false }
    if ($Attempt -ge $pauses.Count) { return $false }
    $seconds = if ($Fault.RetryAfter -gt 0) { $Fault.RetryAfter } else { $pauses[$Attempt] }
    $what = if ($Fault.Kind -ceq 'throttled') { 'Exchange Online asks for a pause (throttling)' } else { 'The connection failed (' + (ConvertTo-SafeText $Fault.Text) + ')' }
    Write-Note "  ${what}: waiting $seconds s."
    Start-Sleep -Seconds $seconds
    return $true
}

# One call, with the pause that keeps the run below the limits. Errors come out as they are.
function Invoke-Cmdlet {
    [CmdletBinding()] param([string] $Name, [hashtable] $Parameters)
    if ($Run.Calls -gt 0 -and $DelayMilliseconds -gt 0) { Start-Sleep -Milliseconds $DelayMilliseconds }
    $Run.Calls++
    return , @(& $Name @Parameters -ErrorAction Stop)
}

# A reading call, repeated while it may help. Status is 'ok', or the kind of failure.
function Read-Tenant {
    [CmdletBinding()] param([string] $Name, [string] $Identity, [string] $Address)
    for ($attempt = 0; ; $attempt++) {
        try { return [pscustomobject]@{ Status = 'ok'; Objects = (Invoke-Cmdlet $Name @{ Identity = $Identity }); Detail = '' } }
        catch {
            $fault = Get-Fault $_ $Address
            if ($fault.Kind -ceq 'session') { $Run.SessionLost = $fault.Text }
            if (-not (Wait-Fault $fault $attempt)) { return [pscustomobject]@{ Status = $fault.Kind; Objects = @(); Detail = "${Name}: $($fault.Text)" } }
        }
    }
}

# A multi-valued property as base64 texts. Sessions differ: byte[], base64 text, or a list of numbers for each value.
function ConvertTo-ValueList {
    [CmdletBinding()] param($Property)
    $list = New-Object 'System.Collections.Generic.List[string]'
    if ($null -eq $Property) { return , $list.ToArray() }
    # A lone value may come without a list around it. (An if-expression would take a list of one apart.)
    $items = New-Object 'System.Collections.Generic.List[object]'
    if ($Property -is [byte[]] -or $Property -is [string]) { $items.Add($Property) } else { foreach ($item in $Property) { $items.Add($item) } }
    foreach ($item in $items) {
        if ($item -is [string]) { $bytes = [Convert]::FromBase64String($item) }
        elseif ($item -is [System.Collections.IEnumerable]) { $bytes = [byte[]]@($item) }
        else { throw "a value of the type $($item.GetType().Name)" }
        $list.Add([Convert]::ToBase64String($bytes))
    }
    return , $list.ToArray()
}

# Equal for equal sets of values, in whatever order they come.
function Get-SetKey {
    [CmdletBinding()] param([string[]] $Values)
    $sorted = [string[]]$Values.Clone()
    [array]::Sort($sorted, [System.StringComparer]::Ordinal)
    return "$($sorted.Length):" + (Get-HashText ([System.IO.MemoryStream]::new([System.Text.Encoding]::ASCII.GetBytes($sorted -join "`n"))))
}

# The recipient in the tenant: Status 'found' with Noun, Kind and Identity, or a result of its own, never a guess.
# $Identity (a rollback knows it) is looked up as it is; an address must be borne by what is found.
function Find-Recipient {
    [CmdletBinding()] param([string] $Address, [string] $Hint, [string] $Identity)
    $answer = [pscustomobject]@{ Status = ''; Detail = ''; Noun = ''; Kind = ''; Identity = '' }
    $wanted = if ($Identity) { $Identity } else { $Address }
    $read = Read-Tenant 'Get-Recipient' $wanted $wanted
    if ($read.Status -ceq 'notFound' -or ($read.Status -ceq 'ok' -and $read.Objects.Count -eq 0)) {
        $answer.Status = 'not-found'
        $answer.Detail = if ($Hint -ceq 'mailContact') { 'The tenant has no recipient with this address. Create the mail contact first (New-MailContact), then run the same command again.' }
        else { 'The tenant has no recipient with this address. Check the address in the tenant; if it differs there, the bundle must be made with --recipient-map.' }
        return $answer
    }
    if ($read.Status -ceq 'ambiguous' -or $read.Objects.Count -gt 1) {
        $answer.Status = 'ambiguous'; $answer.Detail = 'The tenant finds several recipients for this address. Correct that in the tenant, then run the same command again.'
        return $answer
    }
    if ($read.Status -cne 'ok') { $answer.Status = 'failed'; $answer.Detail = $read.Detail; return $answer }
    $object = $read.Objects[0]
    $type = [string](Get-PropertyValue $object 'RecipientType')
    foreach ($name in $Kinds.Keys) { if ([string]::Equals($name, $type, $IgnoreCase)) { $answer.Noun = $Kinds[$name].Noun; $answer.Kind = $Kinds[$name].Word } }
    if (-not $answer.Noun) {
        $answer.Status = 'unsupported-kind'; $answer.Detail = "The tenant has a recipient of the type '$type' at this address; only mailboxes, mail users and mail contacts can hold certificates."
        return $answer
    }
    if (-not $Identity) {
        if ($answer.Kind -ceq 'mailContact' -and $Hint -cne 'mailContact') {
            $answer.Status = 'unexpected-contact'; $answer.Detail = "The bundle says $Hint, the tenant has a mail contact at this address. Find out which of the two is right; nothing was written."
            return $answer
        }
        # A contact is who mail goes to, its external address; a mailbox or mail user may bear several addresses.
        $names = if ($answer.Kind -ceq 'mailContact') { @('ExternalEmailAddress') } else { @('PrimarySmtpAddress', 'EmailAddresses') }
        $bears = $false
        foreach ($name in $names) {
            $borne = Get-PropertyValue $object $name
            foreach ($value in $borne) {
                $text = [string]$value
                if ($text.StartsWith('smtp:', $IgnoreCase)) { $text = $text.Substring(5) }
                if ([string]::Equals($text, $Address, $IgnoreCase)) { $bears = $true }
            }
        }
        if (-not $bears) {
            $answer.Status = 'address-mismatch'; $answer.Detail = "What the tenant finds under this address ($([string](Get-PropertyValue $object 'Identity'))) does not bear it as its e-mail address. Nothing was written."
            return $answer
        }
    }
    foreach ($name in @('Guid', 'ExternalDirectoryObjectId', 'DistinguishedName')) {
        $text = [string](Get-PropertyValue $object $name)
        if ($text -and $text -cne [guid]::Empty.ToString()) { $answer.Identity = $text; break }
    }
    if (-not $answer.Identity) { $answer.Identity = $wanted }
    $answer.Status = 'found'
    return $answer
}

# What the recipient has now: Status 'ok' with Values (two lists of base64 texts), or a result of its own.
function Read-Current {
    [CmdletBinding()] param($Found, [string] $Address)
    $answer = [pscustomobject]@{ Status = 'ok'; Detail = ''; Values = @($null, $null); Synchronised = $false }
    $read = Read-Tenant "Get-$($Found.Noun)" $Found.Identity $Address
    if ($read.Status -cne 'ok' -or $read.Objects.Count -ne 1) {
        $answer.Status = 'failed'
        $answer.Detail = if ($read.Detail) { $read.Detail } else { "Get-$($Found.Noun) gave $($read.Objects.Count) objects; expected: one." }
        return $answer
    }
    $object = $read.Objects[0]
    $answer.Synchronised = [string]::Equals([string](Get-PropertyValue $object 'IsDirSynced'), 'True', $IgnoreCase)
    for ($i = 0; $i -lt 2; $i++) {
        $name = $Attributes[$i].Parameter
        if ($null -eq $object.PSObject.Properties[$name]) { $answer.Status = 'failed'; $answer.Detail = "Get-$($Found.Noun) does not show $name, so the old values cannot be kept. Nothing was written."; break }
        try { $answer.Values[$i] = ConvertTo-ValueList $object.$name }
        catch { $answer.Status = 'failed'; $answer.Detail = "The present values of $name cannot be read ($($_.Exception.Message)), so they cannot be kept. Nothing was written."; break }
    }
    return $answer
}

# ---- one recipient --------------------------------------------------------------------------------------------------

function Get-ChangeText {
    [CmdletBinding()] param($Found, $Old, $New)
    $parts = for ($i = 0; $i -lt 2; $i++) {
        if ($null -eq $New[$i]) { continue }
        $count = if ($New[$i].Length -eq 0) { 'cleared' } else { "$($New[$i].Length)" }
        "$($Attributes[$i].Json) $($Old[$i].Length) -> $count"
    }
    return "Set-$($Found.Noun): " + ($parts -join ', ')
}

# True when each attribute that $New names has exactly these values.
function Test-Applied {
    [CmdletBinding()] param($Current, $New)
    for ($i = 0; $i -lt 2; $i++) {
        if ($null -ne $New[$i] -and (Get-SetKey $Current.Values[$i]) -cne (Get-SetKey $New[$i])) { return $false }
    }
    return $true
}

# Asks (-WhatIf, -Confirm) about the plan that was just made, and carries it out. It has no parameters, so that
# $PSCmdlet is the script's own, which remembers "Yes to All".
function Invoke-Plan {
    $plan = $Run.Plan
    $Run.Plan = $null
    if ($null -eq $plan) { return }
    if ($PSCmdlet.ShouldProcess((ConvertTo-SafeText $plan.Recipient.Address), $plan.Text)) { Publish-Change $plan; return }
    $report = @{ Number = $plan.Recipient.Number; Address = $plan.Recipient.Address; Kind = $plan.Found.Kind }
    if (-not $WhatIfPreference) { Add-Result @report -Status 'declined' -Detail "You said no. $($plan.Text)" }
    elseif ($plan.Done -ceq 'updated') { Add-Result @report -Status 'would-update' -Detail $plan.Text }
    else { Add-Result @report -Status 'would-restore' -Detail $plan.Text }
}

# Writes the plan's New over Old (an attribute that is $null in New is left alone), reads back, and records the outcome.
function Publish-Change {
    [CmdletBinding()] param($Plan)
    $Recipient = $Plan.Recipient; $Found = $Plan.Found; $Old = $Plan.Old; $New = $Plan.New; $Done = $Plan.Done; $text = $Plan.Text
    $report = @{ Number = $Recipient.Number; Address = $Recipient.Address; Kind = $Found.Kind }
    $before = @($null, $null)
    $parameters = @{ Identity = $Found.Identity }
    if ($Run.HasConfirm["Set-$($Found.Noun)"]) { $parameters.Confirm = $false }     # asked already, above
    $record = [ordered]@{ type = 'before'; address = $Recipient.Address; identity = $Found.Identity; kind = $Found.Kind; time = (Get-Now) }
    for ($i = 0; $i -lt 2; $i++) {
        if ($null -eq $New[$i]) { continue }
        $before[$i] = $Old[$i]
        $record["old-$($Attributes[$i].Json)"] = $Old[$i]
        $record["new-$($Attributes[$i].Json)"] = $New[$i]
        # A list of byte[]: one byte[] alone would be taken apart into its bytes. $null empties the attribute.
        $bytes = New-Object 'System.Collections.Generic.List[byte[]]'
        foreach ($value in $New[$i]) { $bytes.Add([Convert]::FromBase64String($value)) }
        $parameters[$Attributes[$i].Parameter] = $null
        if ($bytes.Count -gt 0) { $parameters[$Attributes[$i].Parameter] = $bytes.ToArray() }
    }
    if ($Done -ceq 'updated') { Write-Journal $record $true }
    $mark = [ordered]@{ type = $(if ($Done -ceq 'updated') { 'confirmed' } else { 'restored' }); address = $Recipient.Address; identity = $Found.Identity }

    $current = $null
    for ($attempt = 0; ; $attempt++) {
        $fault = $null
        try { [void](Invoke-Cmdlet "Set-$($Found.Noun)" $parameters) } catch { $fault = Get-Fault $_ $Recipient.Address }
        if ($null -ne $fault -and $fault.Kind -ceq 'session') { $Run.SessionLost = $fault.Text; return }
        $again = $null -ne $fault -and (Wait-Fault $fault $attempt)
        # Read back. After a failure this also says whether the call had its effect all the same: only then may it be repeated.
        $current = Read-Current $Found $Recipient.Address
        if ($null -ne $Run.SessionLost) { return }
        if ($current.Status -ceq 'ok' -and (Test-Applied $current $New)) {
            Write-Journal $mark $true
            Add-Result @report -Status $Done -Detail $text
            return
        }
        $untouched = $current.Status -ceq 'ok' -and (Test-Applied $current $before)
        if ($null -eq $fault) { break }
        if ($untouched -and $again) { continue }
        if ($untouched) {
            if ($Done -ceq 'updated') { Write-Journal ([ordered]@{ type = 'notWritten'; address = $Recipient.Address; identity = $Found.Identity }) $true }
            if ($fault.Kind -ceq 'synchronised') { Add-Result @report -Status 'synchronised' -Detail (Get-SynchronisedText) }
            else { Add-Result @report -Status 'failed' -Detail "Set-$($Found.Noun): $($fault.Text) The old values are still there. Mend the cause, then run the same command again." }
            return
        }
        break
    }
    # Exchange Online may show a change late. These are read again at the end.
    $Run.Pending.Add([pscustomobject]@{
            Report = $report; Found = $Found; Done = $Done; Text = $text; Mark = $mark; Fault = $fault
            Keys = @($(if ($null -ne $New[0]) { Get-SetKey $New[0] }), $(if ($null -ne $New[1]) { Get-SetKey $New[1] }))
        })
}

function Get-SynchronisedText {
    return 'This recipient is synchronised from your on-premises directory (IsDirSynced), so Exchange Online takes its certificates only from there. Change them in the on-premises Active Directory; Entra Connect carries them up.'
}

# Whatever could not be confirmed at once is read again, with growing pauses.
function Confirm-Pending {
    foreach ($pause in $SettlePauses) {
        if ($Run.Pending.Count -eq 0 -or $null -ne $Run.SessionLost) { break }
        Write-Note "  $($Run.Pending.Count) changes are not visible yet: reading them again in $pause s."
        Start-Sleep -Seconds $pause
        foreach ($item in $Run.Pending.ToArray()) {
            $current = Read-Current $item.Found $item.Report.Address
            if ($null -ne $Run.SessionLost) { break }
            if ($current.Status -cne 'ok') { continue }
            $equal = $true
            for ($i = 0; $i -lt 2; $i++) { if ($null -ne $item.Keys[$i] -and (Get-SetKey $current.Values[$i]) -cne $item.Keys[$i]) { $equal = $false } }
            if (-not $equal) { continue }
            Write-Journal $item.Mark $true
            $report = $item.Report
            Add-Result @report -Status $item.Done -Detail $item.Text
            [void]$Run.Pending.Remove($item)
        }
    }
    foreach ($item in $Run.Pending) {
        $why = if ($null -ne $item.Fault) { " The call ended with: $($item.Fault.Text)" } else { '' }
        $report = $item.Report
        Add-Result @report -Status 'unconfirmed' -Detail "Written, but the tenant does not show the new values yet.$why Run the same command again later: what has arrived is then found equal."
    }
}

# What is to be done for one line of the payload: a result at once, or a plan in $Run.Plan.
function Resolve-Recipient {
    [CmdletBinding()] param($Recipient)
    $report = @{ Number = $Recipient.Number; Address = $Recipient.Address; Kind = $Recipient.Kind }
    if (-not [regex]::IsMatch($Recipient.Address, '\A[^\s\p{C}\p{Z}@",<>\\*]{1,64}@[^\s\p{C}\p{Z}@",<>\\*]{1,255}\z')) {
        Add-Result @report -Status 'bad-address' -Detail 'This is not an e-mail address that Exchange Online takes. Correct the address in the directory, and ask for a new bundle.'
        return
    }
    $found = Find-Recipient $Recipient.Address $Recipient.Kind ''
    if ($null -ne $Run.SessionLost) { return }
    if ($found.Status -cne 'found') { Add-Result @report -Status $found.Status -Detail $found.Detail; return }
    $report.Kind = $found.Kind
    $current = Read-Current $found $Recipient.Address
    if ($null -ne $Run.SessionLost) { return }
    if ($current.Synchronised) { $Run.Synchronised++; Add-Result @report -Status 'synchronised' -Detail (Get-SynchronisedText); return }
    if ($current.Status -cne 'ok') { Add-Result @report -Status $current.Status -Detail $current.Detail; return }
    $new = @($null, $null)
    for ($i = 0; $i -lt 2; $i++) {
        if ($null -ne $Recipient.Values[$i] -and (Get-SetKey $current.Values[$i]) -cne (Get-SetKey $Recipient.Values[$i])) { $new[$i] = $Recipient.Values[$i] }
    }
    if ($null -eq $new[0] -and $null -eq $new[1]) { Add-Result @report -Status 'unchanged' -Detail 'The tenant has exactly these values already.'; return }
    $Run.Plan = [pscustomobject]@{ Recipient = $Recipient; Found = $found; Old = $current.Values; New = $new; Done = 'updated'; Text = (Get-ChangeText $found $current.Values $new) }
}

# Lines: the "before" records of one recipient, oldest first. The first value of each attribute is the original.
function Resolve-Original {
    [CmdletBinding()] param($Lines)
    $original = @($null, $null)
    $written = @($null, $null)
    foreach ($record in $Lines) {
        for ($i = 0; $i -lt 2; $i++) {
            if ($null -eq $record.PSObject.Properties["old-$($Attributes[$i].Json)"]) { continue }
            if ($null -eq $original[$i]) { $original[$i] = [string[]]$record."old-$($Attributes[$i].Json)"; $written[$i] = @() }
            $written[$i] += Get-SetKey ([string[]]$record."new-$($Attributes[$i].Json)")
        }
    }
    $recipient = [pscustomobject]@{ Number = $null; Address = $Lines[0].address }
    $report = @{ Number = $null; Address = $recipient.Address; Kind = $Lines[0].kind }
    $found = Find-Recipient $recipient.Address $Lines[0].kind $Lines[0].identity
    if ($null -ne $Run.SessionLost) { return }
    if ($found.Status -cne 'found') { Add-Result @report -Status $found.Status -Detail $found.Detail; return }
    $report.Kind = $found.Kind
    $current = Read-Current $found $recipient.Address
    if ($null -ne $Run.SessionLost) { return }
    if ($current.Synchronised) { Add-Result @report -Status 'synchronised' -Detail (Get-SynchronisedText); return }
    if ($current.Status -cne 'ok') { Add-Result @report -Status $current.Status -Detail $current.Detail; return }
    $new = @($null, $null)
    for ($i = 0; $i -lt 2; $i++) {
        if ($null -eq $original[$i]) { continue }
        $key = Get-SetKey $current.Values[$i]
        if ($key -ceq (Get-SetKey $original[$i])) { continue }
        if ($written[$i] -cnotcontains $key) {
            Add-Result @report -Status 'changed-since' -Detail "$($Attributes[$i].Json) holds other values than this script wrote: somebody has changed them since. They were left alone; the journal still holds the old ones."
            return
        }
        $new[$i] = $original[$i]
    }
    if ($null -eq $new[0] -and $null -eq $new[1]) {
        if (-not $WhatIfPreference) { Write-Journal ([ordered]@{ type = 'restored'; address = $recipient.Address; identity = $found.Identity }) $true }
        Add-Result @report -Status 'unchanged' -Detail 'The tenant has the old values already.'
        return
    }
    $Run.Plan = [pscustomobject]@{ Recipient = $recipient; Found = $found; Old = $current.Values; New = $new; Done = 'restored'; Text = (Get-ChangeText $found $current.Values $new) }
}

# ---- the two runs ---------------------------------------------------------------------------------------------------

function Write-Place {
    [CmdletBinding()] param([string] $Text, [long] $Done, [long] $Total)
    $now = [datetime]::UtcNow
    if (($now - $Run.LastProgress).TotalSeconds -lt 1) { return }
    $Run.LastProgress = $now
    $percent = if ($Total -gt 0) { [int][Math]::Min(100, 100 * $Done / $Total) } else { 0 }
    Write-Progress -Activity 'S/MIME certificates' -Status "$Text $Done of $Total" -PercentComplete $percent
}

function Open-Output {
    [CmdletBinding()] param([string] $Name, [string] $Folder)
    $default = "smime-result-$Name-$([datetime]::UtcNow.ToString('yyyyMMdd-HHmmss', $Invariant)).csv"
    if ($Result -or -not $WhatIfPreference) { Open-ResultFile (Resolve-OutputPath -Option 'Result' -Given $Result -Default $default -Folder $Folder) }
}

function Invoke-Publish {
    $folder = if ($Path) { Get-FullPath $Path } else { $PSScriptRoot }
    # Without a separator at the end, except that of a drive (D:\).
    if ($folder.Length -gt [System.IO.Path]::GetPathRoot($folder).Length) { $folder = $folder.TrimEnd([System.IO.Path]::DirectorySeparatorChar, [System.IO.Path]::AltDirectorySeparatorChar) }
    $bundle = Read-Transfer (Confirm-Folder $folder)
    Measure-Payload $bundle
    Confirm-Session
    $Run.Id = $bundle.Id
    $name = $bundle.Id.Substring(0, 12)
    $file = Resolve-OutputPath -Option 'Journal' -Given $Journal -Default "smime-journal-$name.ndjson" -Folder $folder
    if (-not $WhatIfPreference) {
        Open-Journal $file $false
        $end = Read-Journal {
            param($record)
            if ($record.type -ceq 'run' -and $record.mode -ceq 'publish' -and $record.bundle -cne $bundle.Id) {
                Deny-Start "The journal $file belongs to another bundle ($($record.bundle))." 'Name another file with -Journal: one journal for each bundle.'
            }
        }
        Open-Output $name $folder
        Write-JournalStart $end 'publish'
    }
    else { Open-Output $name $folder }
    Write-Note "Bundle $($bundle.Id): $($bundle.Recipients) recipients, valid until $($bundle.Until.ToString('u', $Invariant)). The folder is complete and undamaged."
    if ($bundle.Unverified) { Write-Note 'UNVERIFIED: nobody checked these certificates against a trust anchor. You said that this is wanted (-AllowUnverified).' }
    Write-Note 'No signature was checked (-AllowUnsigned).'
    if ($null -ne $bundle.Fresh -and $bundle.Fresh -le [datetime]::UtcNow) { Write-Note "The revocation lists behind this bundle were fresh until $($bundle.Fresh.ToString('u', $Invariant)): certificates revoked since are not known here. Better ask for a new bundle." }

    $Run.Started = $true
    $cursor = Open-Payload $bundle
    $place = 0
    while ($Run.Taken -lt $First) {
        $recipient = Read-Recipient $cursor
        if ($null -eq $recipient) { break }
        $place++
        if (-not (Test-Selected $recipient.Address)) { continue }
        Write-Place 'recipient' $place $bundle.Recipients
        try { Resolve-Recipient $recipient; if ($null -eq $Run.SessionLost) { Invoke-Plan } }
        catch {
            if ($Run.JournalFailed) { throw }
            Add-Result -Number $recipient.Number -Address $recipient.Address -Kind $recipient.Kind -Status 'failed' -Detail "$($_.Exception.Message) (script line $($_.InvocationInfo.ScriptLineNumber))"
        }
        if ($null -ne $Run.SessionLost) { break }
        if ($Run.Taken -eq 20 -and $Run.Synchronised -eq 20) {
            Write-Note 'Stopped: the first 20 recipients are all synchronised from the on-premises directory, so this is the wrong place. Change the certificates in the on-premises Active Directory; Entra Connect carries them up.'
            break
        }
    }
    Confirm-Pending
}

function Invoke-Rollback {
    if (-not $Journal) { Deny-Start '-Rollback needs the journal of the run that shall be undone.' 'Name it with -Journal (smime-journal-<bundle>.ndjson).' }
    $file = Get-FullPath $Journal
    if (-not [System.IO.File]::Exists($file)) { Deny-Start "There is no journal at $file." 'Name the file with -Journal. It lies in the folder where the run was started, unless it was named then.' }
    Open-Journal $file ([bool]$WhatIfPreference)
    # Recipient -> where its "before" records begin. The values stay in the file.
    $order = New-Object 'System.Collections.Generic.List[string]'
    $places = New-Object 'System.Collections.Generic.Dictionary[string,object]' ([System.StringComparer]::Ordinal)
    $addresses = New-Object 'System.Collections.Generic.HashSet[string]' ([System.StringComparer]::OrdinalIgnoreCase)
    $end = Read-Journal {
        param($record, $offset)
        if ($record.type -ceq 'run') { $Run.Id = $record.bundle; return }
        if (-not $places.ContainsKey($record.identity)) {
            $places.Add($record.identity, [pscustomobject]@{ Address = $record.address; Offsets = (New-Object 'System.Collections.Generic.List[long]') })
            $order.Add($record.identity)
            [void]$addresses.Add($record.address)
        }
        $offsets = $places[$record.identity].Offsets
        if ($record.type -ceq 'before') { $offsets.Add($offset) }
        elseif ($record.type -ceq 'notWritten' -and $offsets.Count -gt 0) { $offsets.RemoveAt($offsets.Count - 1) }
        elseif ($record.type -ceq 'restored') { $offsets.Clear() }
    }
    Confirm-Selection $addresses 'the journal'
    Confirm-Session
    $name = if ($Run.Id.Length -ge 12) { $Run.Id.Substring(0, 12) } else { 'rollback' }
    Open-Output $name ''
    if (-not $WhatIfPreference) { Write-JournalStart $end 'rollback' }
    Write-Note "Journal $file (bundle $($Run.Id)): restoring what was there before."
    $Run.Started = $true
    $place = 0
    foreach ($identity in $order) {
        $place++
        $entry = $places[$identity]
        if ($entry.Offsets.Count -eq 0) { continue }
        if ($Run.Taken -ge $First) { break }
        if (-not (Test-Selected $entry.Address)) { continue }
        Write-Place 'recipient' $place $order.Count
        $lines = foreach ($offset in $entry.Offsets) {
            [void]$Run.JournalStream.Seek($offset, [System.IO.SeekOrigin]::Begin)
            $reader = New-Object System.IO.StreamReader($Run.JournalStream, [System.Text.Encoding]::ASCII, $false, 65536, $true)
            ConvertFrom-Json -InputObject $reader.ReadLine()
            $reader.Dispose()
        }
        if ($Run.JournalStream.CanWrite) { [void]$Run.JournalStream.Seek(0, [System.IO.SeekOrigin]::End) }
        try { Resolve-Original @($lines); if ($null -eq $Run.SessionLost) { Invoke-Plan } }
        catch {
            if ($Run.JournalFailed) { throw }
            Add-Result -Number $null -Address $entry.Address -Kind '' -Status 'failed' -Detail "$($_.Exception.Message) (script line $($_.InvocationInfo.ScriptLineNumber))"
        }
        if ($null -ne $Run.SessionLost) { break }
    }
    Confirm-Pending
}

function Write-Summary {
    Write-Note ''
    Write-Note $(if ($WhatIfPreference) { 'Preview (nothing was written):' } else { 'Result:' })
    $bad = 0
    foreach ($status in $Run.Counts.Keys) {
        Write-Note ("  {0,-20}{1,8}" -f $status, $Run.Counts[$status])
        if ($Good -cnotcontains $status) { $bad += $Run.Counts[$status] }
    }
    if ($Run.Counts.Count -eq 0) { Write-Note '  nothing to do' }
    if ($Run.ResultPath) { Write-Note "Result file: $($Run.ResultPath)" }
    if ($Run.JournalPath -and -not $WhatIfPreference) {
        Write-Note "Journal:     $($Run.JournalPath) (keep it)"
        if (-not $Rollback) { Write-Note ('To undo:     & ' + (ConvertTo-Quoted $PSCommandPath) + ' -Rollback -Journal ' + (ConvertTo-Quoted $Run.JournalPath)) }
    }
    if ($null -ne $Run.SessionLost) {
        Write-Note "Stopped: the session to Exchange Online was lost ($(ConvertTo-SafeText $Run.SessionLost))."
        Write-Note "To go on:    Connect-ExchangeOnline -UserPrincipalName you@contoso.com"
        Write-Note "      then   $(Get-CommandText @())"
        Write-Note '             What is done already is found equal and skipped.'
    }
    elseif ($bad -gt 0) { Write-Note "$bad recipients need a person: read their lines above or in the result file, mend the cause, and run the same command again." }
    if ($bad -gt 0 -or $null -ne $Run.SessionLost) { return 1 }
    return 0
}

$Bound = $PSBoundParameters
if ($Only) { $Run.Only = ConvertTo-AddressSet $Only }
if ($Exclude) { $Run.Exclude = ConvertTo-AddressSet $Exclude }
$code = 2
try {
    if ($Rollback) { Invoke-Rollback } else { Invoke-Publish }
    $code = Write-Summary
}
catch {
    $message = $_.Exception.Message
    if ($Run.Started) {
        $code = 1
        $message = "Stopped: $message (script line $($_.InvocationInfo.ScriptLineNumber)). The journal holds every old value. Run the same command again: what is done already is found equal and skipped."
    }
    elseif (-not $message.StartsWith('Not started', [System.StringComparison]::Ordinal)) { $message = "Not started; nothing was changed in the tenant.`nFound:  $message" }
    Write-Error -Message $message -Category InvalidOperation -ErrorAction Continue
}
finally {
    foreach ($stream in $Run.Streams) { $stream.Dispose() }
    if ($null -ne $Run.JournalStream) { $Run.JournalStream.Dispose() }
    if ($null -ne $Run.ResultWriter) { $Run.ResultWriter.Dispose() }
}
exit $code
