# ---- the rollback ---------------------------------------------------------------------------------------------------

# The "before" records of one recipient that count: those since the last rollback, oldest first. One that the server refused
# ("notWritten") is no change, unless what it would have written was found there all the same, by the next record or, when it
# is the last one, by whoever compares the present values with it.
function Read-Original {
    [CmdletBinding()] param($Places)
    $records = New-Object 'System.Collections.Generic.List[object]'
    foreach ($place in $Places) {
        if ($place -eq $RestoredMark) { $records.Clear(); continue }
        $records.Add([pscustomobject]@{ Refused = $place -lt 0; Fields = (ConvertFrom-JournalLine (Read-JournalLine $Run.JournalStream ([Math]::Abs($place)))) })
    }
    for ($i = 0; $i -lt $records.Count; $i++) {
        $record = $records[$i]
        if ($record.Refused -and $i + 1 -lt $records.Count -and -not (Test-Follow $record.Fields $records[$i + 1].Fields)) { continue }
        $record
    }
}

# Whether what the next record found is what this one would have written.
function Test-Follow {
    [CmdletBinding()] param([hashtable] $Fields, [hashtable] $Next)
    foreach ($attribute in $Attributes) {
        $new = $Fields["new-$($attribute.Json)"]
        $old = $Next["old-$($attribute.Json)"]
        if ($null -ne $new -and $null -ne $old -and (Get-SetKey $new) -ceq (Get-SetKey $old)) { return $true }
    }
    return $false
}

# What is to be restored for one recipient: a result at once, or a plan in $Run.Plan.
function Resolve-Original {
    [CmdletBinding()] param($Records)
    $original = @($null, $null)
    $written = @($null, $null)
    foreach ($record in $Records) {
        for ($i = 0; $i -lt 2; $i++) {
            $old = $record.Fields["old-$($Attributes[$i].Json)"]
            if ($null -eq $old) { continue }
            if ($null -eq $original[$i]) { $original[$i] = $old; $written[$i] = @() }
            $written[$i] += Get-SetKey $record.Fields["new-$($Attributes[$i].Json)"]
        }
    }
    $oldest = $Records[0].Fields
    $recipient = [pscustomobject]@{ Number = $null; Address = $oldest.address }
    $report = @{ Number = $null; Address = $recipient.Address; Kind = $oldest.kind }
    $found = Find-Recipient $recipient.Address $oldest.kind $oldest.identity
    if ($null -ne $Run.SessionLost) { return }
    if ($found.Status -cne 'found') { Add-Result @report -Status $found.Status -Detail $found.Detail; return }
    $found.Identity = $oldest.identity      # the journal's name for him, in its records and in the calls
    $report.Kind = $found.Kind
    $current = Read-Current $found $recipient.Address
    if ($null -ne $Run.SessionLost) { return }
    if ($current.Synchronised) { Add-Result @report -Status 'synchronised' -Detail $SynchronisedText; return }
    if ($current.Status -cne 'ok') { Add-Result @report -Status $current.Status -Detail $current.Detail; return }
    $new = @($null, $null)
    for ($i = 0; $i -lt 2; $i++) {
        if ($null -eq $original[$i]) { continue }
        $key = Get-SetKey $current.Values[$i]
        if ($key -ceq (Get-SetKey $original[$i])) { continue }
        if ($written[$i] -cnotcontains $key) {
            if (@($Records | Where-Object { -not $_.Refused }).Count -eq 0) { Add-Result @report -Status 'unchanged' -Detail 'This script never changed it: the server had refused.' }
            else { Add-Result @report -Status 'changed-since' -Detail "$($Attributes[$i].Json) holds other values than this script wrote: somebody has changed them since. They were left alone; the journal still holds the old ones." }
            return
        }
        $new[$i] = $original[$i]
    }
    if ($null -eq $new[0] -and $null -eq $new[1]) {
        if ($Run.JournalOpen) { Write-Journal ([ordered]@{ type = 'restored'; address = $recipient.Address; identity = $found.Identity; time = (Get-Now) }) $true }
        Add-Result @report -Status 'unchanged' -Detail 'The tenant has the old values already.'
        return
    }
    $Run.Plan = [pscustomobject]@{ Recipient = $recipient; Found = $found; Old = $current.Values; New = $new; Done = 'restored'; Text = (Get-ChangeText $found $current.Values $new) }
}

# The journal that was named, or the only one in the current folder.
function Find-Journal {
    $name = 'Name it with -Journal (smime-journal-<bundle>.ndjson). It lies in the folder where the run was started, unless it was named then.'
    if ($Journal) {
        $file = Get-FullPath $Journal
        if (-not [System.IO.File]::Exists($file)) { Deny-Start "There is no journal at $file." $name }
        return $file
    }
    $files = [System.IO.Directory]::GetFiles((Get-FullPath '.'), 'smime-journal-*.ndjson')
    if ($files.Length -ne 1) { Deny-Start "-Rollback needs the journal of the run that shall be undone; the current folder holds $($files.Length)." $name }
    return $files[0]
}

function Invoke-Rollback {
    $file = Find-Journal
    Confirm-Session
    Open-Journal $file ([bool]$WhatIfPreference)
    if ($BundleId -and -not [string]::Equals($BundleId.Trim(), $Run.Journal.Bundle, $IgnoreCase)) {
        Deny-Start "The journal $file is that of the bundle $($Run.Journal.Bundle). Expected, by -BundleId: $(ConvertTo-SafeText $BundleId)." 'Name the journal of that bundle with -Journal, or leave -BundleId out.'
    }
    $Run.JournalFile = $file
    $Run.Id = $Run.Journal.Bundle
    $name = if ($Run.Id.Length -ge 12) { $Run.Id.Substring(0, 12) } else { 'rollback' }
    # Only and Exclude are compared with the addresses that the journal names.
    if ($null -ne $Run.Only -or $null -ne $Run.Exclude) {
        $addresses = New-Object 'System.Collections.Generic.HashSet[string]' ([System.StringComparer]::OrdinalIgnoreCase)
        foreach ($identity in $Run.Journal.Order) { [void]$addresses.Add((Read-JournalAddress $identity)) }
        Confirm-Selection $addresses 'the journal'
    }
    $target = Resolve-ResultPath $name
    Open-ResultFile $target
    if (-not $WhatIfPreference) { Write-JournalStart 'rollback' }
    Write-Note "Journal $file (bundle $($Run.Id)): restoring what was there before."
    $Run.Started = $true
    $Run.Total = $Run.Journal.Order.Count
    foreach ($identity in $Run.Journal.Order) {
        if ($Run.Taken -ge $First) { break }
        $records = @(Read-Original $Run.Journal.Places[$identity])
        if ($records.Count -eq 0) { continue }
        $address = $records[0].Fields.address
        if (-not (Test-Selected $address)) { continue }
        $Run.Taken++
        Write-Place 'restoring recipient' $Run.Taken $Run.Total
        try { Resolve-Original $records; if ($null -eq $Run.SessionLost) { Invoke-Plan } }
        catch {
            if ($Run.JournalFailed) { throw }
            Add-Result -Number $null -Address $address -Kind '' -Status 'failed' -Detail "$($_.Exception.Message) (script line $($_.InvocationInfo.ScriptLineNumber))"
        }
        if (Test-Stop) { break }
    }
    Confirm-Pending
}

# The address that the recipient had when it was written first.
function Read-JournalAddress {
    [CmdletBinding()] param([string] $Identity)
    foreach ($place in $Run.Journal.Places[$Identity]) {
        if ($place -ne $RestoredMark) { return (ConvertFrom-JournalLine (Read-JournalLine $Run.JournalStream ([Math]::Abs($place)))).address }
    }
    return ''
}

