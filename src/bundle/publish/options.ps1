# ---- what was asked for ---------------------------------------------------------------------------------------------
# A run does one thing. What it does not use is refused in words, because it was meant to change something; only what a
# command carries along from a run before it (the folder, who made it) is said to be of no use, and left aside.

$FolderOptions = @('Path', 'Signer', 'AllowUnsigned', 'BundleId', 'AllowUnverified', 'RequireFreshRevocation')
$ChoiceOptions = @('Only', 'Exclude', 'First', 'MaxFailures', 'Journal', 'Result', 'PassThru')
$Modes = [ordered]@{
    ''                = @{ Uses = $FolderOptions + $ChoiceOptions + @('MissingRecipients', 'Overwrite', 'MaxRemovals'); Leaves = @() }
    VerifyOnly        = @{ Uses = $FolderOptions + $ChoiceOptions + @('MissingRecipients'); Leaves = @('Overwrite', 'MaxRemovals') }
    Rollback          = @{ Uses = $ChoiceOptions + @('BundleId'); Leaves = $FolderOptions }
    Inventory         = @{ Uses = @(); Leaves = $FolderOptions }
    PublishTrustStore = @{ Uses = $FolderOptions + @('AllowTrustRemoval', 'TrustBackup'); Leaves = @() }
}

function Confirm-Option {
    $asked = @(foreach ($name in $Modes.Keys) { if ($name -and $Bound.ContainsKey($name) -and $Bound[$name]) { $name } })
    if ($asked.Count -gt 1) { Deny-Start "-$($asked -join ' and -') were given together; a run does one of them." 'Run them one after the other.' }
    $mode = if ($asked.Count -eq 1) { $asked[0] } else { '' }
    $leaveOut = @('DelayMilliseconds', 'WhatIf', 'Confirm') + @($Modes.Keys) + [System.Management.Automation.Cmdlet]::CommonParameters
    $unused = @()
    foreach ($name in $Names) {
        if (-not $Bound.ContainsKey($name) -or $leaveOut -ccontains $name -or $Modes[$mode].Uses -ccontains $name) { continue }
        if ($Modes[$mode].Leaves -ccontains $name) { $unused += "-$name"; continue }
        if ($mode) { Deny-Start "-$name was given with -$mode, which has no use for it." "Leave -$name out." }
        $owner = @(foreach ($other in $Modes.Keys) { if ($Modes[$other].Uses -ccontains $name) { "-$other" } }) -join ' or '
        Deny-Start "-$name was given without $owner, the only run that it concerns." "Add $owner, or leave -$name out."
    }
    if ($unused.Count -gt 0) { Write-Note "-$mode has no use for $($unused -join ', '): left aside." }
}

