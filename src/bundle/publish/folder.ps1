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
    $content = Read-AllBytes (Open-Shared $file)
    Confirm-Signature $Folder $content
    $Run.SumsHash = Get-HashText ([System.IO.MemoryStream]::new($content))
    $text = Read-Text ([System.IO.MemoryStream]::new($content))
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
    Confirm-RootOfTrust
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
    if ($until -le [datetime]::UtcNow -and -not $VerifyOnly) {
        Deny-Start "This bundle expired at $($until.ToString('u', $Invariant)); now it is $([datetime]::UtcNow.ToString('u', $Invariant)). Its certificates and revocation checks are too old." `
            'Ask for a new bundle. If the clock of this computer is wrong, correct it first.'
    }
    if ($unverified -and -not $AllowUnverified) {
        Deny-Start 'This bundle is UNVERIFIED: its certificates were not checked against a trust anchor, so a user may have planted them.' `
            'Ask for a bundle that was made with --trust. For a test in a tenant of no importance, add -AllowUnverified.'
    }
    $fresh = Get-Instant $json 'revocationFreshUntil'
    if ($RequireFreshRevocation -and ($null -eq $fresh -or $fresh -le [datetime]::UtcNow)) {
        $found = if ($null -eq $fresh) { 'This bundle does not say how long its revocation lists are fresh (revocationFreshUntil is null): none was relied on when it was made.' }
        else { "The revocation lists behind this bundle were fresh until $(Format-Instant $fresh); now it is $(Format-Instant ([datetime]::UtcNow)). Certificates revoked since are not known here." }
        Deny-Start $found 'Ask for a new bundle that is made with current revocation lists (--crl). Without -RequireFreshRevocation the script says this and goes on.'
    }
    $payload = New-Object 'System.Collections.Generic.List[string]'
    foreach ($name in $Files.Keys) {
        if (-not $name.StartsWith('payload/', [System.StringComparison]::Ordinal)) { continue }
        # From the 10 000th file on a letter stands for the length (a10000), so that the names sort in order.
        if (-not [regex]::IsMatch($name, '\Apayload/([0-9]{4}|[a-p][0-9]{5,20})\.ndjson\z')) { Deny-Start "payload holds a file of another kind: $name." 'Use the script that lies in the same folder.' }
        $payload.Add($name)
    }
    return [pscustomobject]@{
        Id = $id; Until = $until; Unverified = $unverified; Fresh = $fresh; Files = $Files
        Payload = $payload.ToArray()
        Recipients = (Get-Count $counts 'recipients'); FileCount = (Get-Count $counts 'files')
        Values = @((Get-Count $counts 'userCertificate'), (Get-Count $counts 'userSMIMECertificate'))
    }
}

