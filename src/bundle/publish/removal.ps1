# ---- how many would lose their last certificate ---------------------------------------------------------------------
# A removal is a recipient who has something in the tenant that mail can be encrypted to, and would have nothing once this
# payload is applied. They are counted before anything is written, with as few calls as the question needs: only those whose
# new sets hold nothing to encrypt to can be removals, and how many have something is asked only when the per cent decide.

# The limit as a number and as per cent: the greater of the two holds.
function Read-RemovalLimit {
    if (-not $MaxRemovals) { return [pscustomobject]@{ Count = [long]10; Percent = [decimal]5; Text = 'the usual limit: 5 % of those who have one, at least 10' } }
    $match = [regex]::Match($MaxRemovals, '\A\s*([0-9]{1,9})\s*\z')
    if ($match.Success) { return [pscustomobject]@{ Count = [long]$match.Groups[1].Value; Percent = [decimal]0; Text = "-MaxRemovals $($MaxRemovals.Trim())" } }
    $match = [regex]::Match($MaxRemovals, '\A\s*([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%\s*\z')
    $percent = [decimal]0
    if ($match.Success) { $percent = [decimal]::Parse($match.Groups[1].Value, $Invariant) }
    if (-not $match.Success -or $percent -gt 100) {
        Deny-Start "-MaxRemovals '$(ConvertTo-SafeText $MaxRemovals)' is neither a number nor per cent." 'Give a number of recipients (-MaxRemovals 25) or per cent of those who have a certificate to encrypt to (-MaxRemovals 3%).'
    }
    return [pscustomobject]@{ Count = [long]0; Percent = $percent; Text = "-MaxRemovals $($MaxRemovals.Trim())" }
}

# Had: mail can be encrypted to this recipient now. Keeps: it still can afterwards. Who cannot be read counts as one who
# loses it; who is not there, or will be refused, loses nothing.
function Read-Reach {
    [CmdletBinding()] param($Recipient)
    $answer = [pscustomobject]@{ Had = $false; Keeps = $false }
    if (-not (Test-Address $Recipient.Address)) { return $answer }
    $found = Find-Recipient $Recipient.Address $Recipient.Kind ''
    $current = $null
    if ($found.Status -ceq 'found') { $current = Read-Current $found $Recipient.Address }
    if ($null -ne $Run.SessionLost) {
        Deny-Start "The session to Exchange Online was lost while the removals were counted ($(ConvertTo-SafeText $Run.SessionLost))." "Open one with Connect-ExchangeOnline -UserPrincipalName you@contoso.com, then run the same command again."
    }
    if ($null -eq $current) { $answer.Had = $found.Status -ceq 'failed'; return $answer }
    if ($current.Synchronised) { return $answer }
    if ($current.Status -cne 'ok') { $answer.Had = $true; return $answer }
    $answer.Had = Test-Reachable $current.Values
    $answer.Keeps = Test-Reachable @(for ($i = 0; $i -lt 2; $i++) { , $(if ($null -ne $Recipient.Values[$i]) { $Recipient.Values[$i] } else { $current.Values[$i] }) })
    return $answer
}

# Walks the selected recipients of the payload for which $Bare is so, until $Handle gives $false.
function Search-Payload {
    [CmdletBinding()] param($Bundle, [bool] $Bare, [scriptblock] $Handle)
    $cursor = Open-Payload $Bundle
    $taken = 0
    while ($taken -lt $First) {
        $recipient = Read-Recipient $cursor
        if ($null -eq $recipient) { return }
        if (-not (Test-Selected $recipient.Address)) { continue }
        $taken++
        if ((Test-Bare $recipient) -ne $Bare) { continue }
        if (-not (& $Handle $recipient)) { return }
    }
}

# Ends the start when there are more removals than -MaxRemovals allows.
function Confirm-Removal {
    [CmdletBinding()] param($Bundle, $Measure, $Limit)
    if ($Measure.Bare -le $Limit.Count) { return }
    Write-Note "Before anything is written: the bundle leaves $($Measure.Bare) recipients nothing that mail can be encrypted to. Reading what they have now (two calls each)."
    $removed = New-Object 'System.Collections.Generic.List[object]'
    $state = @{ Left = $Measure.Bare; Had = 0 }
    Search-Payload $Bundle $true {
        param($recipient)
        Write-Place 'counting removals' ($Measure.Bare - $state.Left) $Measure.Bare
        $reach = Read-Reach $recipient
        $state.Left--
        if ($reach.Had) { $state.Had++ }
        if ($reach.Had -and -not $reach.Keeps) { $removed.Add([pscustomobject]@{ Number = $recipient.Number; Address = $recipient.Address; Kind = $recipient.Kind }) }
        return ($removed.Count + $state.Left) -gt $Limit.Count
    }
    if ($removed.Count + $state.Left -le $Limit.Count) { Write-Note "At most $($Limit.Count) removals: within the limit."; return }
    $others = $Measure.Selected - $Measure.Bare
    $total = "at most $($state.Had + $others)"
    # Per cent of as many as there can be is too little already, or others must be read until it is enough.
    if ($Limit.Percent -gt 0 -and $removed.Count * 100 -le $Limit.Percent * ($state.Had + $others)) {
        Write-Note "$($removed.Count) removals. Whether that is within $($Limit.Percent.ToString($Invariant)) % depends on how many others have a certificate: reading them until it is known."
        $state.Read = 0
        Search-Payload $Bundle $false {
            param($recipient)
            Write-Place 'counting who has a certificate' $state.Read $others
            $state.Read++
            if ((Read-Reach $recipient).Had) { $state.Had++ }
            return $removed.Count * 100 -gt $Limit.Percent * $state.Had
        }
        if ($removed.Count * 100 -le $Limit.Percent * $state.Had) { Write-Note "$($removed.Count) removals: within the limit."; return }
        $total = [string]$state.Had
    }
    Write-Note "These would lose their last certificate to encrypt to:"
    foreach ($entry in $removed) { Add-Result -Number $entry.Number -Address $entry.Address -Kind $entry.Kind -Status 'would-remove' -Detail 'Mail can be encrypted to this recipient now, and could not be any more.' }
    $where = if ($Run.ResultPath) { "All are named in $($Run.ResultPath)." } else { 'With -Result FILE all are written to a file.' }
    Deny-Start "$($removed.Count) recipients, of $total who have one, would lose their last certificate to encrypt to; allowed is $($Limit.Text). $where" `
        "Find out why with the person who made the bundle (certferry diff, review/manifest.csv). If it is wanted, add -MaxRemovals $($removed.Count). To leave some of them alone: -Exclude."
}

