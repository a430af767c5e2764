# ---- the runs -------------------------------------------------------------------------------------------------------

function Write-Place {
    [CmdletBinding()] param([string] $Text, [long] $Done, [long] $Total)
    $now = [datetime]::UtcNow
    if (($now - $Run.LastProgress).TotalSeconds -lt 1) { return }
    $Run.LastProgress = $now
    if ($Total -le 0) { Write-Progress -Activity 'S/MIME certificates' -Status "$Text $Done"; return }
    Write-Progress -Activity 'S/MIME certificates' -Status "$Text $Done of $Total" -PercentComplete ([int][Math]::Min(100, 100 * $Done / $Total))
}

function Get-TransferFolder {
    $folder = if ($Path) { Get-FullPath $Path } else { $PSScriptRoot }
    # Without a separator at the end, except that of a drive (D:\).
    if ($folder.Length -gt [System.IO.Path]::GetPathRoot($folder).Length) { $folder = $folder.TrimEnd([System.IO.Path]::DirectorySeparatorChar, [System.IO.Path]::AltDirectorySeparatorChar) }
    return $folder
}

# Opens the journal of this bundle. -WhatIf only reads one that is there; -VerifyOnly makes none.
function Open-BundleJournal {
    [CmdletBinding()] param([string] $File, [string] $Id, [bool] $MayCreate)
    if ($null -ne $Run.JournalStream) { return }
    if (-not [System.IO.File]::Exists($File) -and ($WhatIfPreference -or $VerifyOnly -or -not $MayCreate)) { return }
    Open-Journal $File ([bool]$WhatIfPreference)
    if ($Run.Journal.Bundle -and $Run.Journal.Bundle -cne $Id) {
        Deny-Start "The journal $File belongs to another bundle ($(ConvertTo-SafeText $Run.Journal.Bundle))." 'Name another file with -Journal: one journal for each bundle.'
    }
}

function Write-Opening {
    [CmdletBinding()] param($Bundle, $Measure)
    Write-Note "Bundle $($Bundle.Id): $($Bundle.Recipients) recipients, valid until $(Format-Instant $Bundle.Until). The folder is complete and undamaged."
    Write-Note "SHA-256 of SHA256SUMS: $($Run.SumsHash)"
    Write-Note $Run.Signature
    if ($Bundle.Unverified) { Write-Note 'UNVERIFIED: nobody checked these certificates against a trust anchor. You said that this is wanted (-AllowUnverified).' }
    if ($null -ne $Bundle.Fresh -and $Bundle.Fresh -le [datetime]::UtcNow) { Write-Note "The revocation lists behind this bundle were fresh until $(Format-Instant $Bundle.Fresh): certificates revoked since are not known here. Better ask for a new bundle." }
    if ($Bundle.Until -le [datetime]::UtcNow) { Write-Note 'This bundle has expired: it can be compared (-VerifyOnly), and no longer be uploaded.' }
    if ($Measure.Selected -ne $Bundle.Recipients) { Write-Note "$($Measure.Selected) of them are selected (-Only, -Exclude, -First)." }
    $minutes = [long][Math]::Ceiling($Measure.Selected * 4 * $DelayMilliseconds / 60000)
    if ($minutes -ge 20) { Write-Note "The pauses between the calls take up to $(if ($minutes -ge 120) { "$([long][Math]::Ceiling($minutes / 60)) hours" } else { "$minutes minutes" }) (two calls for who is unchanged, four for who is written). You may stop at any time (Ctrl+C) and start the same command again." }
    if ($Overwrite) { Write-Note 'Values that nobody here put there are replaced as well (-Overwrite). The journal keeps them.' }
}

function Invoke-Publish {
    $limit = Read-RemovalLimit
    $folder = Get-TransferFolder
    $bundle = Read-Transfer (Confirm-Folder $folder)
    Confirm-Session
    $Run.Id = $bundle.Id
    $name = $bundle.Id.Substring(0, 12)
    $Run.JournalFile = Resolve-OutputPath -Option 'Journal' -Given $Journal -Default "smime-journal-$name.ndjson"
    $target = Resolve-ResultPath $name
    Resolve-MissingPath
    $measure = Measure-Payload $bundle
    Open-BundleJournal $Run.JournalFile $bundle.Id $false
    Open-ResultFile $target
    Write-Opening $bundle $measure
    if (-not $VerifyOnly) { Confirm-Removal $bundle $measure $limit }
    Open-BundleJournal $Run.JournalFile $bundle.Id $true
    Clear-MissingFile
    if ($null -ne $Run.JournalStream -and -not $WhatIfPreference) { Write-JournalStart $(if ($VerifyOnly) { 'verify' } else { 'publish' }) }

    $Run.Started = $true
    $Run.Total = $measure.Selected
    $cursor = Open-Payload $bundle
    while ($Run.Taken -lt $Run.Total) {
        $recipient = Read-Recipient $cursor
        if ($null -eq $recipient) { break }
        if (-not (Test-Selected $recipient.Address)) { continue }
        $Run.Taken++
        Write-Place 'recipient' $Run.Taken $Run.Total
        try {
            if ($VerifyOnly) { Compare-Recipient $recipient } else { Resolve-Recipient $recipient }
            if ($null -eq $Run.SessionLost) { Invoke-Plan }
        }
        catch {
            if ($Run.JournalFailed) { throw }
            Add-Result -Number $recipient.Number -Address $recipient.Address -Kind $recipient.Kind -Status 'failed' -Detail "$($_.Exception.Message) (script line $($_.InvocationInfo.ScriptLineNumber))"
        }
        # So that memory does not grow where every change shows late.
        if ($Run.Pending.Count -ge $MaxPending) { Confirm-Pending }
        if (Test-Stop) { break }
    }
    Confirm-Pending
}

# Whether the run ends here. What is left is done by the same command.
function Test-Stop {
    if ($null -ne $Run.SessionLost) { return $true }
    if ($Run.Taken -eq 20 -and $Run.Synchronised -eq 20) { $Run.Stop = 'synchronised'; return $true }
    if ($MaxFailures -gt 0 -and $Run.Failures -ge $MaxFailures) { $Run.Stop = 'failures'; return $true }
    return $false
}

function Write-SessionLost {
    [CmdletBinding()] param([string] $Then)
    Write-Note "Stopped: the session to Exchange Online was lost ($(ConvertTo-SafeText $Run.SessionLost))."
    Write-Note "To go on:    Connect-ExchangeOnline -UserPrincipalName you@contoso.com"
    Write-Note "      then   $(Get-CommandText)"
    Write-Note "             $Then"
}

# The table at the end, and what to do next. Text, because a formatted table would still be waiting for rows when the script
# exits, and be lost. Returns the exit code.
function Write-Summary {
    $again = 'What is done already is found equal and skipped.'
    Write-Note ''
    Write-Note $(if ($VerifyOnly) { 'Comparison (nothing was written):' } elseif ($WhatIfPreference) { 'Preview (nothing was written):' } else { 'Result:' })
    foreach ($status in $Outcomes.Keys) {
        if ($Run.Counts.ContainsKey($status)) { Write-Note ("  {0,-19}{1,7}  {2}" -f $status, $Run.Counts[$status], $Outcomes[$status].Text) }
    }
    if ($Run.Counts.Count -eq 0) { Write-Note '  nothing to do' }
    if (-not $Rollback -and $Run.Total -gt $Run.Rows) { Write-Note ("  {0,-19}{1,7}  {2}" -f '(not reached)', ($Run.Total - $Run.Rows), 'untouched by this run') }
    if ($Run.ResultPath) { Write-Note "Result file: $($Run.ResultPath)" }
    if ($Run.MissingCount -gt 0) { Write-Note "Not there:   $($Run.MissingPath) ($($Run.MissingCount) recipients; for contacts with the commands that create them)" }
    if ($Run.JournalOpen) {
        Write-Note "Journal:     $($Run.JournalPath) (keep it)"
        if (-not $Rollback -and -not $VerifyOnly) { Write-Note ('To undo:     & ' + (ConvertTo-Quoted $PSCommandPath) + ' -Rollback -Journal ' + (ConvertTo-Quoted $Run.JournalPath)) }
    }
    if ($null -ne $Run.SessionLost) { Write-SessionLost $again }
    elseif ($Run.Synchronised -gt 0 -and $Run.Synchronised -eq $Run.Taken) {
        $what = if ($Run.Stop) { "Stopped: the first $($Run.Taken) recipients are all synchronised" } else { 'All of these recipients are synchronised' }
        Write-Note "$what from your on-premises directory, so this is the wrong place: their certificates are changed there. Ask the maker of the bundle for a change for the directory (certferry convert --target active-directory); Entra Connect carries it up."
    }
    elseif ($Run.Stop -ceq 'failures') {
        Write-Note "Stopped: $($Run.Failures) recipients need a person, and -MaxFailures is $MaxFailures. The others were not touched. Read the lines above, and mend the cause."
        Write-Note "To go on:    $(Get-CommandText)"
        Write-Note "             $again"
    }
    elseif ($Run.Failures -gt 0) {
        Write-Note "$(if ($Run.Failures -eq 1) { '1 recipient needs' } else { "$($Run.Failures) recipients need" }) a person: read what is said of them above$(if ($Run.ResultPath) { ' or in the result file' }), mend the cause, and run the same command again."
    }
    if ($null -eq $Run.SessionLost -and -not $Run.Stop) { Write-NextStep }
    if ($Run.Failures -gt 0 -or $null -ne $Run.SessionLost) { return 1 }
    return 0
}

# What usually comes next: after a preview the run itself, after a pilot everybody.
function Write-NextStep {
    $can = ($Run.Counts.Keys | Where-Object { $_ -clike 'would-*' } | Measure-Object).Count -gt 0
    if ($WhatIfPreference -and $can) { Write-Note "To do it:    $(Get-CommandText)" }
    elseif (-not $WhatIfPreference -and -not $Rollback -and $Bound.ContainsKey('First') -and $Run.Counts.ContainsKey('updated')) { Write-Note "Everybody:   $(Get-CommandText -Leave 'First')" }
}

$Bound = $PSBoundParameters
$Names = @($MyInvocation.MyCommand.Parameters.Keys)       # in the order in which they are declared
$Run.Cmdlet = $PSCmdlet
if ($Only) { $Run.Only = ConvertTo-AddressSet $Only }
if ($Exclude) { $Run.Exclude = ConvertTo-AddressSet $Exclude }
$code = 2
try {
    Confirm-Option
    if ($PublishTrustStore) { $code = Publish-TrustStore }
    elseif ($Inventory) { $code = Invoke-Inventory }
    else {
        if ($Rollback) { Invoke-Rollback } else { Invoke-Publish }
        $code = Write-Summary
    }
}
catch {
    $message = $_.Exception.Message
    if ($Run.Started) {
        $code = 1
        $held = if ($PublishTrustStore) { ' The file that was named above holds the old store.' } elseif ($Run.JournalOpen) { ' The journal holds every old value.' } else { '' }
        $message = "Stopped: $message (script line $($_.InvocationInfo.ScriptLineNumber)).$held Run the same command again: what is done already is found equal and skipped."
    }
    elseif (-not $message.StartsWith('Not started', [System.StringComparison]::Ordinal)) {
        $message = "Not started; nothing was changed in the tenant.`nFound:  $message (script line $($_.InvocationInfo.ScriptLineNumber))`nNext:   Mend the cause, and run the same command again."
    }
    # The text as it is, for people; and the error record for $Error and -ErrorVariable, not shown, because PowerShell breaks its lines.
    Write-Note $message
    Write-Error -Message $message -Category InvalidOperation -ErrorAction SilentlyContinue
}
finally {
    Close-ResultFile
    if ($null -ne $Run.MissingWriter) { $Run.MissingWriter.Dispose() }
    foreach ($stream in $Run.Streams) { $stream.Dispose() }
    if ($null -ne $Run.JournalStream) { $Run.JournalStream.Dispose() }
}
exit $code
