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

