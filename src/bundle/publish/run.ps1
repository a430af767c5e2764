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

function Get-TransferFolder {
    $folder = if ($Path) { Get-FullPath $Path } else { $PSScriptRoot }
    # Without a separator at the end, except that of a drive (D:\).
    if ($folder.Length -gt [System.IO.Path]::GetPathRoot($folder).Length) { $folder = $folder.TrimEnd([System.IO.Path]::DirectorySeparatorChar, [System.IO.Path]::AltDirectorySeparatorChar) }
    return $folder
}

function Invoke-Publish {
    $folder = Get-TransferFolder
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
    Write-Note $Run.Signature
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

function Write-SessionLost {
    [CmdletBinding()] param([string] $Then)
    Write-Note "Stopped: the session to Exchange Online was lost ($(ConvertTo-SafeText $Run.SessionLost))."
    Write-Note "To go on:    Connect-ExchangeOnline -UserPrincipalName you@contoso.com"
    Write-Note "      then   $(Get-CommandText @())"
    Write-Note "             $Then"
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
    if ($null -ne $Run.SessionLost) { Write-SessionLost 'What is done already is found equal and skipped.' }
    elseif ($bad -gt 0) { Write-Note "$bad recipients need a person: read their lines above or in the result file, mend the cause, and run the same command again." }
    if ($bad -gt 0 -or $null -ne $Run.SessionLost) { return 1 }
    return 0
}

$Bound = $PSBoundParameters
if ($Only) { $Run.Only = ConvertTo-AddressSet $Only }
if ($Exclude) { $Run.Exclude = ConvertTo-AddressSet $Exclude }
$code = 2
try {
    if ($PublishTrustStore) { $code = Publish-TrustStore }
    else {
        foreach ($name in @('AllowTrustRemoval', 'TrustBackup')) {
            if ($Bound.ContainsKey($name)) { Deny-Start "-$name was given without -PublishTrustStore, the only run that it concerns." "Add -PublishTrustStore, or leave -$name out." }
        }
        if ($Rollback) { Invoke-Rollback } else { Invoke-Publish }
        $code = Write-Summary
    }
}
catch {
    $message = $_.Exception.Message
    if ($Run.Started) {
        $code = 1
        $held = if ($PublishTrustStore) { 'The file that was named above holds the old store.' } else { 'The journal holds every old value.' }
        $message = "Stopped: $message (script line $($_.InvocationInfo.ScriptLineNumber)). $held Run the same command again: what is done already is found equal and skipped."
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
