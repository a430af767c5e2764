# ---- one recipient --------------------------------------------------------------------------------------------------

function Test-Address {
    [CmdletBinding()] param([string] $Address)
    # No wildcard, no quotation mark, nothing that is not seen.
    return [regex]::IsMatch($Address, '\A[^\s\p{C}\p{Z}@",<>\\*]{1,64}@[^\s\p{C}\p{Z}@",<>\\*]{1,255}\z')
}

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
    $mark = [ordered]@{ type = $(if ($Done -ceq 'updated') { 'confirmed' } else { 'restored' }); address = $Recipient.Address; identity = $Found.Identity; time = $record.time }

    # Refused: every attempt ended with an answer of the server, so that none can have had its effect unseen.
    $refused = $true
    for ($attempt = 0; ; $attempt++) {
        $fault = $null
        try { [void](Invoke-Cmdlet "Set-$($Found.Noun)" $parameters) } catch { $fault = Get-Fault $_ $Recipient.Address }
        if ($null -ne $fault -and $fault.Kind -ceq 'session') { $Run.SessionLost = $fault.Text; return }
        if ($null -ne $fault -and $fault.Kind -ceq 'fault') { $refused = $false }
        $again = $null -ne $fault -and (Wait-Fault $fault $attempt)
        # Read back. After a failure this also says whether the call had its effect all the same: only then may it be repeated.
        $current = Read-Current $Found $Recipient.Address
        if ($null -ne $Run.SessionLost) { return }
        if ($current.Status -ceq 'ok' -and (Test-Applied $current $New)) {
            Write-Journal $mark $true
            Add-Result @report -Status $Done -Detail $text
            return
        }
        if ($null -eq $fault) { break }
        if ($current.Status -cne 'ok' -or -not (Test-Applied $current $before)) { break }
        if ($again) { continue }
        if ($Done -ceq 'updated' -and $refused) { Write-Journal ([ordered]@{ type = 'notWritten'; address = $Recipient.Address; identity = $Found.Identity; time = (Get-Now) }) $true }
        if ($fault.Kind -ceq 'synchronised') { Add-Result @report -Status 'synchronised' -Detail $SynchronisedText }
        else { Add-Result @report -Status 'failed' -Detail "Set-$($Found.Noun): $($fault.Text) The old values are still there. Mend the cause, then run the same command again." }
        return
    }
    # Exchange Online may show a change late. These are read again later.
    $Run.Pending.Add([pscustomobject]@{
            Report = $report; Found = $Found; Done = $Done; Text = $text; Mark = $mark; Fault = $fault
            Keys = @($(if ($null -ne $New[0]) { Get-SetKey $New[0] }), $(if ($null -ne $New[1]) { Get-SetKey $New[1] }))
        })
}

# Whatever could not be confirmed at once is read again, with growing pauses.
function Confirm-Pending {
    foreach ($pause in $SettlePauses) {
        if ($Run.Pending.Count -eq 0 -or $null -ne $Run.SessionLost) { break }
        $word = if ($Run.Pending.Count -eq 1) { '1 change is' } else { "$($Run.Pending.Count) changes are" }
        Write-Note "  $word not visible yet: reading again in $pause s."
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
        $what = if ($item.Done -ceq 'updated') { 'Run the same command with -VerifyOnly later: it tells whether they have arrived.' } else { 'Run the same command again later: what has arrived is then found equal.' }
        $report = $item.Report
        Add-Result @report -Status 'unconfirmed' -Detail "Written, but the tenant does not show the new values yet.$why $what"
    }
    $Run.Pending.Clear()
}

# Finds a recipient of the payload and reads what he has: an object with Found, Current and Report, or $null after a result
# of its own.
function Read-Target {
    [CmdletBinding()] param($Recipient)
    $report = @{ Number = $Recipient.Number; Address = $Recipient.Address; Kind = $Recipient.Kind }
    if (-not (Test-Address $Recipient.Address)) {
        Add-Result @report -Status 'bad-address' -Detail 'This is not an e-mail address that Exchange Online takes. Correct the address in the directory, and ask for a new bundle.'
        return
    }
    $found = Find-Recipient $Recipient.Address $Recipient.Kind ''
    if ($null -ne $Run.SessionLost) { return }
    if ($found.Status -ceq 'not-found') { Add-Missing $Recipient.Address $Recipient.Kind }
    if ($found.Status -cne 'found') { Add-Result @report -Status $found.Status -Detail $found.Detail; return }
    $report.Kind = $found.Kind
    if ($Run.Identities.ContainsKey($found.Identity)) {
        Add-Result @report -Status 'same-recipient' -Detail "This address belongs to the same recipient in the tenant as number $($Run.Identities[$found.Identity]) of the bundle, and he can have one set of values only. Nothing was written for this address. Have the addresses corrected in the directory."
        return
    }
    $Run.Identities[$found.Identity] = [long]$Recipient.Number
    $current = Read-Current $found $Recipient.Address
    if ($null -ne $Run.SessionLost) { return }
    if ($current.Synchronised -and -not $VerifyOnly) { $Run.Synchronised++; Add-Result @report -Status 'synchronised' -Detail $SynchronisedText; return }
    if ($current.Status -cne 'ok') { Add-Result @report -Status $current.Status -Detail $current.Detail; return }
    return [pscustomobject]@{ Found = $found; Current = $current; Report = $report }
}

# What writing would erase although nobody here put it there: unexpired values that neither this bundle nor a journal knows.
function Get-ForeignText {
    [CmdletBinding()] param($Recipient, $Target, $New)
    for ($i = 0; $i -lt 2; $i++) {
        if ($null -eq $New[$i]) { continue }
        foreach ($value in $Target.Current.Values[$i]) {
            if ($Recipient.Values[0] -ccontains $value -or $Recipient.Values[1] -ccontains $value) { continue }
            $text = Get-UnexpiredText $value
            if ($text -and -not (Test-Known $Target.Found.Identity $value)) { "in $($Attributes[$i].Json) $text" }
        }
    }
}

# What is to be done for one line of the payload: a result at once, or a plan in $Run.Plan.
function Resolve-Recipient {
    [CmdletBinding()] param($Recipient)
    $target = Read-Target $Recipient
    if ($null -eq $target) { return }
    $report = $target.Report
    $old = $target.Current.Values
    $new = @($null, $null)
    for ($i = 0; $i -lt 2; $i++) {
        if ($null -ne $Recipient.Values[$i] -and (Get-SetKey $old[$i]) -cne (Get-SetKey $Recipient.Values[$i])) { $new[$i] = $Recipient.Values[$i] }
    }
    if ($null -eq $new[0] -and $null -eq $new[1]) { Add-Result @report -Status 'unchanged' -Detail 'The tenant has exactly these values already.'; return }
    if (-not $Overwrite) {
        $foreign = @(Get-ForeignText $Recipient $target $new)
        if ($foreign.Count -gt 0) {
            Add-Result @report -Status 'foreign-values' -Detail ("The tenant holds what neither this bundle nor the journal knows and writing would erase: $($foreign -join '; '). Nothing was written. " +
                "Find out where it comes from. To replace it, run the same command with -Only $(ConvertTo-Quoted $Recipient.Address) -Overwrite; to keep it, have it published by the next bundle.")
            return
        }
    }
    $Run.Plan = [pscustomobject]@{ Recipient = $Recipient; Found = $target.Found; Old = $old; New = $new; Done = 'updated'; Text = (Get-ChangeText $target.Found $old $new) }
}

# -VerifyOnly: whether the tenant holds exactly what the bundle says. An attribute that the bundle leaves alone is not asked.
function Compare-Recipient {
    [CmdletBinding()] param($Recipient)
    $target = Read-Target $Recipient
    if ($null -eq $target) { return }
    $report = $target.Report
    $differences = for ($i = 0; $i -lt 2; $i++) {
        if ($null -eq $Recipient.Values[$i]) { continue }
        $had = $target.Current.Values[$i]
        $lacking = @(foreach ($value in $Recipient.Values[$i]) { if ($had -cnotcontains $value) { $value } }).Count
        $more = @(foreach ($value in $had) { if ($Recipient.Values[$i] -cnotcontains $value) { $value } }).Count
        if ((Get-SetKey $had) -cne (Get-SetKey $Recipient.Values[$i])) { "$($Attributes[$i].Json): $lacking missing, $more besides" }
    }
    if ($differences) {
        $what = if ($target.Current.Synchronised) { 'It is synchronised from the on-premises directory, and changed there.' } else { 'If it was written just now, look again later; else run the command without -VerifyOnly.' }
        Add-Result @report -Status 'differs' -Detail "The tenant does not hold what the bundle says: $(@($differences) -join '; '). $what"
        return
    }
    if ($Run.JournalOpen) { Write-Journal ([ordered]@{ type = 'confirmed'; address = $Recipient.Address; identity = $target.Found.Identity; time = (Get-Now) }) $false }
    Add-Result @report -Status 'confirmed' -Detail 'The tenant holds exactly what the bundle says.'
}

