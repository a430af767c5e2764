# ---- the trust store ------------------------------------------------------------------------------------------------
# Outlook on the web trusts what Set-SmimeConfig uploaded, and nothing else. The upload replaces the whole store, so the
# present one is saved first, and what would be lost is named.

$TrustParameter = 'SMIMECertificateIssuingCA'
$MaxTrustBytes = 70000      # above this Exchange Server refuses a store; Exchange Online may be larger

# A serialized store (MS-OSHARED 2.3.2.5): 00000000 "CERT"; property elements (u32 id, u32 1, u32 length, data) before or
# after the certificate that they belong to; certificates, which have the id 32; at the end three u32 zeros. Gives the
# certificates, each with its DER as base64 (Der). Throws what is wrong.
function Read-TrustStore {
    [CmdletBinding()] param([byte[]] $Bytes)
    $list = New-Object 'System.Collections.Generic.List[object]'
    $length = [long]$Bytes.Length
    if ($length -lt 20 -or [System.BitConverter]::ToString($Bytes, 0, 8) -cne '00-00-00-00-43-45-52-54') { throw 'it is no certificate store (SST): its beginning is another one' }
    $at = [long]8
    while ($true) {
        if ($at + 12 -gt $length) { throw "it is cut off at byte $at" }
        $id = [System.BitConverter]::ToUInt32($Bytes, [int]$at)
        $encoding = [System.BitConverter]::ToUInt32($Bytes, [int]$at + 4)
        $size = [long][System.BitConverter]::ToUInt32($Bytes, [int]$at + 8)
        if ($id -eq 0) {
            if ($encoding -ne 0 -or $size -ne 0 -or $at + 12 -ne $length) { throw "bytes follow behind its end (byte $at)" }
            return , $list
        }
        # 33 to 35 are revocation lists, trust lists and keys; properties have all other ids, below 65536.
        if ($encoding -ne 1 -or $id -gt 0xffff -or ($id -ge 33 -and $id -le 35)) { throw "at byte $at it has an element that this script does not know (id $id, encoding $encoding)" }
        $at += 12
        if ($size -gt $length - $at) { throw "it is cut off at byte $at" }
        if ($id -eq 32) { $list.Add((Read-TrustCertificate $Bytes $at $size)) }
        $at += $size
    }
}

function Read-TrustCertificate {
    [CmdletBinding()] param([byte[]] $Bytes, [long] $At, [long] $Size)
    $data = New-Object byte[] $Size
    [System.Array]::Copy($Bytes, [int]$At, $data, 0, [int]$Size)
    $whole = Read-Element $data 0 $Size
    # X509Certificate2 would take PKCS #12, PKCS #7 and PEM as well: only a SEQUENCE that begins with a SEQUENCE is asked.
    if ($null -eq $whole -or $whole.Tag -ne 0x30 -or $whole.Next -ne $Size -or $data[$whole.Start] -ne 0x30) { throw "what it has at byte $At is no certificate" }
    try {
        $certificate = New-Object System.Security.Cryptography.X509Certificates.X509Certificate2 -ArgumentList (, $data)
        $der = [Convert]::ToBase64String($certificate.RawData)
        $until = $certificate.NotAfter.ToUniversalTime()
    }
    catch { throw "the certificate that it has at byte $At cannot be read ($($_.Exception.GetBaseException().Message))" }
    if ($der -cne [Convert]::ToBase64String($data)) { throw "the certificate that it has at byte $At is followed by other bytes" }
    $print = Get-Thumbprint $certificate
    return [pscustomobject]@{ Der = $der; Until = $until; Sha256 = $print.Sha256; Text = "$(Get-SubjectText $certificate), SHA-1 $($print.Sha1), until $(Format-Instant $until)" }
}

# The store that the bundle brings: what it may hold at all, whatever the tenant has.
function Read-NewStore {
    [CmdletBinding()] param($Bundle)
    $ask = 'Ask the maker of the bundle for a new one.'
    if (-not $Bundle.Files.ContainsKey('trust.sst')) {
        Deny-Start 'This bundle has no trust store: there is no file trust.sst in it.' 'Ask for a bundle that has one. It is made with every bundle that publishes for Exchange Online and was checked against a trust anchor (certferry convert --trust).'
    }
    $bytes = Read-AllBytes $Bundle.Files['trust.sst']
    try { $list = Read-TrustStore $bytes } catch { Deny-Start "trust.sst of this bundle cannot be used: $($_.Exception.Message)." $ask }
    if ($list.Count -eq 0) { Deny-Start 'trust.sst of this bundle is empty. Uploaded, it would take all trust away.' $ask }
    $seen = New-Object 'System.Collections.Generic.HashSet[string]' ([System.StringComparer]::Ordinal)
    foreach ($certificate in $list) {
        if (-not $seen.Add($certificate.Der)) { Deny-Start "trust.sst of this bundle has a certificate twice: $($certificate.Text)." $ask }
    }
    $expired = @($list | Where-Object { $_.Until -le [datetime]::UtcNow })
    if ($expired.Count -gt 0) {
        Deny-Start "trust.sst of this bundle has an expired certificate, and one is enough to make the upload fail: $(@($expired | ForEach-Object { $_.Text }) -join '; ')." "$ask If the clock of this computer is wrong, correct it first."
    }
    if ($bytes.Length -gt $MaxTrustBytes) { Write-Note "  trust.sst has $($bytes.Length) bytes. Exchange Server takes at most $MaxTrustBytes; Exchange Online may refuse it." }
    return [pscustomobject]@{ Bytes = $bytes; List = $list }
}

# The tenant's store as it is now: Status 'ok' with Bytes (none: it has no store), or the kind of failure.
function Read-TenantStore {
    $read = Read-Tenant 'Get-SmimeConfig' '' ''
    $answer = [pscustomobject]@{ Status = $read.Status; Detail = $read.Detail; Bytes = $null }
    if ($read.Status -cne 'ok') { return $answer }
    $answer.Status = 'failed'
    if ($read.Objects.Count -ne 1) { $answer.Detail = "Get-SmimeConfig gave $($read.Objects.Count) objects; expected: one."; return $answer }
    if ($null -eq $read.Objects[0].PSObject.Properties[$TrustParameter]) { $answer.Detail = "Get-SmimeConfig does not show $TrustParameter."; return $answer }
    $value = $read.Objects[0].$TrustParameter
    # byte[], or what a session makes of it: base64 text, or a list of numbers.
    try {
        if ($null -eq $value) { $answer.Bytes = New-Object byte[] 0 }
        elseif ($value -is [string]) { $answer.Bytes = [Convert]::FromBase64String($value) }
        else { $answer.Bytes = [byte[]]@($value) }
    }
    catch { $answer.Detail = "Get-SmimeConfig shows $TrustParameter in a form that cannot be read ($($_.Exception.Message))."; return $answer }
    $answer.Status = 'ok'
    return $answer
}

# $true when the tenant has exactly these certificates now, in whatever order and with whatever properties.
function Test-TrustStore {
    [CmdletBinding()] param($Store, [string] $Key)
    if ($Store.Status -cne 'ok') { return $false }
    try { return (Get-TrustKey $Store.Bytes) -ceq $Key } catch { return $false }
}

function Get-TrustKey {
    [CmdletBinding()] param([byte[]] $Bytes)
    $set = New-Object 'System.Collections.Generic.SortedSet[string]' ([System.StringComparer]::Ordinal)
    if ($Bytes.Length -gt 0) { foreach ($certificate in (Read-TrustStore $Bytes)) { [void]$set.Add($certificate.Der) } }
    return Get-SetKey ([string[]]@($set))
}

# The command that brings the old store back, to be pasted into a window with a session.
function Get-RestoreText {
    [CmdletBinding()] param([string] $File)
    $value = if ($File) { "([System.IO.File]::ReadAllBytes($(ConvertTo-Quoted $File)))" } else { '$null' }
    return "Set-SmimeConfig -$TrustParameter $value"
}

function Save-TrustStore {
    [CmdletBinding()] param([string] $File, [byte[]] $Bytes)
    try {
        $stream = New-Object System.IO.FileStream($File, [System.IO.FileMode]::CreateNew, [System.IO.FileAccess]::Write, [System.IO.FileShare]::Read)
        try { $stream.Write($Bytes, 0, $Bytes.Length); $stream.Flush($true) } finally { $stream.Dispose() }
    }
    catch { Deny-Start "The present store cannot be saved: $File ($($_.Exception.GetBaseException().Message))" 'Name a file that does not exist yet, in a folder where you may write, with -TrustBackup.' }
}

# Has no parameters, so that $PSCmdlet is the script's own. Returns the exit code.
function Publish-TrustStore {
    foreach ($name in @('Only', 'Exclude', 'First', 'Journal', 'Result')) {
        if ($Bound.ContainsKey($name)) { Deny-Start "-$name was given with -PublishTrustStore. The trust store is one for the whole tenant: it has no recipients, no journal and no result file." "Leave -$name out." }
    }
    $folder = Get-TransferFolder
    $bundle = Read-Transfer (Confirm-Folder $folder)
    $new = Read-NewStore $bundle
    Confirm-Cmdlet @(@('Get-SmimeConfig', @()), @('Set-SmimeConfig', @($TrustParameter))) 'Exchange Administrator'
    $default = "smime-trust-$($bundle.Id.Substring(0, 12))-$([datetime]::UtcNow.ToString('yyyyMMdd-HHmmss', $Invariant)).sst"
    $backup = Resolve-OutputPath -Option 'TrustBackup' -Given $TrustBackup -Default $default -Folder $folder

    $old = Read-TenantStore
    if ($old.Status -ceq 'session') { Deny-Start "The session to Exchange Online was lost ($(ConvertTo-SafeText $old.Detail))." 'Open one with Connect-ExchangeOnline -UserPrincipalName you@contoso.com, then run the same command again.' }
    if ($old.Status -cne 'ok') { Deny-Start "The present store cannot be read, so it cannot be kept: $(ConvertTo-SafeText $old.Detail)" 'Mend the cause, then run the same command again.' }
    $kept = ''
    if ($old.Bytes.Length -gt 0 -and ($TrustBackup -or -not $WhatIfPreference)) { Save-TrustStore $backup $old.Bytes; $kept = $backup; Write-Note "The present store is saved: $kept (keep it)" }
    $where = if ($kept) { "The present store was saved to $kept." } else { 'With -TrustBackup FILE the present store is saved as well.' }
    try { $present = if ($old.Bytes.Length -gt 0) { Read-TrustStore $old.Bytes } else { New-Object 'System.Collections.Generic.List[object]' } }
    catch { Deny-Start "The present store of the tenant cannot be read: $($_.Exception.Message). $where" 'Have it looked at (certferry inspect, or a double click in Windows). Until its certificates are known, nothing can be said about what would be lost.' }

    Write-Note "Bundle $($bundle.Id), valid until $(Format-Instant $bundle.Until). The folder is complete and undamaged."
    Write-Note $Run.Signature
    Write-Note "The tenant trusts $($present.Count) certificates for S/MIME now; it would be $($new.List.Count)."
    $had = [System.Collections.Generic.HashSet[string]]::new([string[]]@($present | ForEach-Object { $_.Der }), [System.StringComparer]::Ordinal)
    $has = [System.Collections.Generic.HashSet[string]]::new([string[]]@($new.List | ForEach-Object { $_.Der }), [System.StringComparer]::Ordinal)
    $count = @{ added = 0; kept = 0; dropped = 0; expired = 0 }
    $lost = New-Object 'System.Collections.Generic.List[string]'
    foreach ($certificate in $new.List) {
        $word = if ($had.Contains($certificate.Der)) { 'kept' } else { 'added' }
        $count[$word]++
        Write-Note ("  {0,-8} {1}" -f $word, $certificate.Text)
    }
    foreach ($certificate in $present) {
        if ($has.Contains($certificate.Der)) { continue }
        # An expired one cannot be uploaded again at all, so leaving it out needs nobody's word.
        $word = if ($certificate.Until -le [datetime]::UtcNow) { 'expired' } else { 'dropped' }
        $count[$word]++
        if ($word -ceq 'dropped') { $lost.Add($certificate.Text) }
        Write-Note ("  {0,-8} {1}" -f $word, $certificate.Text)
    }
    $total = "$($count.added) added, $($count.kept) kept, $($count.dropped) dropped"
    if ($count.expired -gt 0) { $total += ", $($count.expired) expired and left out" }
    if ($lost.Count -gt 0 -and -not $AllowTrustRemoval) {
        $file = if ($kept) { ConvertTo-Quoted $kept } else { 'SAVED.sst' }
        Deny-Start "The tenant would no longer trust: $($lost -join '; '). $where" `
            "To keep them: give the saved file to the maker of the bundle, for certferry convert --keep-trust $file, and use that bundle. To drop them: add -AllowTrustRemoval."
    }
    if ($count.added + $count.dropped + $count.expired -eq 0) {
        Write-Note "unchanged: the tenant has exactly these certificates already. Nothing was written."
        return 0
    }
    if (-not $PSCmdlet.ShouldProcess('the S/MIME trust store of the whole tenant', "Set-SmimeConfig: $total")) {
        if ($WhatIfPreference) { Write-Note "Preview (nothing was written): $total." } else { Write-Note "declined: you said no. Nothing was written." }
        return 0
    }
    $restore = Get-RestoreText $kept
    if ($count.expired -gt 0) { $restore += "`n             (Exchange Online may refuse that store as it was: it holds expired certificates.)" }
    return Send-TrustStore ([pscustomobject]@{ Bytes = $new.Bytes; Key = (Get-TrustKey $new.Bytes); Before = (Get-TrustKey $old.Bytes); Total = $total; Restore = $restore })
}

# Uploads and reads back. After a failure it reads before it writes again: only an untouched store may be written over.
function Send-TrustStore {
    [CmdletBinding()] param($Plan)
    $parameters = @{ $TrustParameter = [byte[]]$Plan.Bytes }
    if ($Run.HasConfirm['Set-SmimeConfig']) { $parameters.Confirm = $false }     # asked already, above
    $Run.Started = $true
    $fault = $null
    $done = $false
    for ($attempt = 0; ; $attempt++) {
        $fault = $null
        try { [void](Invoke-Cmdlet 'Set-SmimeConfig' $parameters) } catch { $fault = Get-Fault $_ '' }
        if ($null -ne $fault -and $fault.Kind -ceq 'session') { $Run.SessionLost = $fault.Text; break }
        $again = $null -ne $fault -and (Wait-Fault $fault $attempt)
        $now = Read-TenantStore
        if ($null -ne $Run.SessionLost) { break }
        $done = Test-TrustStore $now $Plan.Key
        if ($done -or $null -eq $fault) { break }
        if (-not (Test-TrustStore $now $Plan.Before)) { break }
        if ($again) { continue }
        Write-Note "failed: Set-SmimeConfig: $(ConvertTo-SafeText $fault.Text) The store is still the one that was there before. Mend the cause, then run the same command again."
        return 1
    }
    foreach ($pause in $SettlePauses) {
        if ($done -or $null -ne $Run.SessionLost) { break }
        Write-Note "  The tenant does not show the new store yet: reading it again in $pause s."
        Start-Sleep -Seconds $pause
        $done = Test-TrustStore (Read-TenantStore) $Plan.Key
    }
    if ($done) { Write-Note "updated: $($Plan.Total). Read back: the tenant has exactly the certificates of this bundle." }
    elseif ($null -ne $Run.SessionLost) { Write-SessionLost 'What the tenant has then is read first. If it has the new store already, nothing is written.' }
    else {
        $why = if ($null -ne $fault) { " The call ended with: $(ConvertTo-SafeText $fault.Text)" } else { '' }
        Write-Note "unconfirmed: written, but the tenant does not show the new store.$why Run the same command again later: when it has arrived, the command says `"unchanged`"."
    }
    Write-Note "To undo:     $($Plan.Restore)"
    if ($done) { return 0 }
    return 1
}

