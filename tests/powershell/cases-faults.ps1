# A tenant that throttles, breaks off, answers late, or a run that is killed. Run by run.ps1.

function Start-Anna { Add-StandInRecipient -Address 'anna@contoso.com' -UserCertificate $Old; [void](New-Folder @(, @(Get-Line 1 'anna@contoso.com' 'mailbox' $A))) }

foreach ($command in 'Get-Recipient', 'Get-Mailbox', 'Set-Mailbox') {
    Test-Case "throttled at ${command}: waits with growing pauses and goes on" {
        Start-Anna
        Add-StandInFault -Command $command -At 1 -Kind 'throttle' -Times 3
        $r = Invoke-Script
        Assert-Equal $r.Code 0 "exit code ($($r.Text))"
        Assert-Row $r 'anna@contoso.com' 'updated'
        Assert-Equal ($global:Slept -join ',') '10,20,40' 'pauses'
        Assert-Says $r @('asks for a pause')
    }
    Test-Case "Retry-After in the text at $command is obeyed" {
        Start-Anna
        Add-StandInFault -Command $command -At 1 -Kind 'throttle-after:77'
        Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
        Assert-Equal ($global:Slept -join ',') '77' 'pauses'
    }
    Test-Case "a time-out at $command is tried again" {
        Start-Anna
        Add-StandInFault -Command $command -At 1 -Kind 'timeout'
        Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
        Assert-Equal ($global:Slept -join ',') '2' 'pauses'
        Assert-Set 'anna@contoso.com' UserCertificate @($A)
    }
    Test-Case "time-outs at $command without end: this one fails, the next goes on" {
        Start-Anna
        Add-StandInRecipient -Address 'b@contoso.com'
        [void](New-Folder @(, @((Get-Line 1 'anna@contoso.com' 'mailbox' $A), (Get-Line 2 'b@contoso.com' 'mailbox' $A))))
        Add-StandInFault -Command $command -At 1 -Kind 'timeout' -Times 4
        $r = Invoke-Script
        Assert-Equal $r.Code 1 'exit code'
        Assert-Row $r 'anna@contoso.com' 'failed' '*timed out*'
        Assert-Row $r 'b@contoso.com' 'updated'
        Assert-Set 'anna@contoso.com' UserCertificate @($Old)
    }
    Test-Case "the session lost at ${command}: stops cleanly with the command that goes on, and that converges" {
        foreach ($n in 1..3) { Add-StandInRecipient -Address "u$n@contoso.com" -UserCertificate $Old }
        [void](New-Folder @(, @(1..3 | ForEach-Object { Get-Line $_ "u$_@contoso.com" 'mailbox' $A })))
        Add-StandInFault -Command $command -At 3 -Kind 'session'
        $r = Invoke-Script
        Assert-Equal $r.Code 1 'exit code'
        Assert-Says $r @('the session to Exchange Online was lost', 'Connect-ExchangeOnline -UserPrincipalName', "-Path '$script:Folder'", '-AllowUnsigned', '-Journal')
        Assert-Equal (Invoke-Script).Code 0 'exit code of the second run'
        foreach ($n in 1..3) { Assert-Set "u$n@contoso.com" UserCertificate @($A) }
        Assert-Equal (Invoke-Script @{ Rollback = $true }).Code 0 'exit code of the rollback'
        foreach ($n in 1..3) { Assert-Set "u$n@contoso.com" UserCertificate @($Old) }
    }
}
Test-Case 'Retry-After as a header is obeyed' { Start-Anna; Add-StandInFault -Command 'Get-Mailbox' -At 1 -Kind 'throttle-header:33'; Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'; Assert-Equal ($global:Slept -join ',') '33' 'pauses' }
Test-Case 'throttled without end: fails after a long while' {
    Start-Anna
    Add-StandInFault -Command 'Get-Recipient' -At 1 -Kind 'throttle' -Times 50
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'failed'
    Assert-Equal ($global:Slept -join ',') '10,20,40,80,160,300,300,300' 'pauses'
}
Test-Case 'applied, then timed out: read before written again, so written once' {
    Start-Anna
    Add-StandInFault -Command 'Set-Mailbox' -At 1 -Kind 'applied-timeout'
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
    Assert-Equal @(Get-StandInCall 'Set-*').Count 1 'writing calls'
}
Test-Case 'timed out, and somebody else wrote meanwhile: not written over' {
    Start-Anna
    Add-StandInFault -Command 'Set-Mailbox' -At 1 -Kind "foreign-timeout:$C"
    $r = Invoke-Script
    Assert-Equal $r.Code 1 'exit code'
    Assert-Row $r 'anna@contoso.com' 'unconfirmed' '*timed out*'
    Assert-Equal @(Get-StandInCall 'Set-*').Count 1 'writing calls'
    Assert-Set 'anna@contoso.com' UserCertificate @($C)
}
Test-Case 'a late read-back is settled at the end' {
    Start-Anna
    Add-StandInRecipient -Address 'b@contoso.com'
    [void](New-Folder @(, @((Get-Line 1 'anna@contoso.com' 'mailbox' $A), (Get-Line 2 'b@contoso.com' 'mailbox' $A))))
    Add-StandInFault -Command 'Set-Mailbox' -At 1 -Kind 'stale:3'
    $r = Invoke-Script
    Assert-Equal $r.Code 0 'exit code'
    Assert-Equal ($r.Rows.number -join ',') '2,1' 'order'
    Assert-Equal ($global:Slept -join ',') '5,10,20' 'pauses'
    Assert-Equal @(Get-StandInCall 'Set-*').Count 2 'writing calls'
}
Test-Case 'a read-back that never comes is unconfirmed; the next run finds it equal; a rollback still works' {
    Start-Anna
    Add-StandInFault -Command 'Set-Mailbox' -At 1 -Kind 'stale:8'
    $r = Invoke-Script
    Assert-Equal $r.Code 1 'exit code'
    Assert-Row $r 'anna@contoso.com' 'unconfirmed'
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'unchanged'
    Assert-Row (Invoke-Script @{ Rollback = $true }) 'anna@contoso.com' 'restored'
    Assert-Set 'anna@contoso.com' UserCertificate @($Old)
}
Test-Case 'a synchronised recipient whose flag is not shown is refused by the server, and said so' {
    Add-StandInRecipient -Address 'anna@contoso.com' -IsDirSynced -HideSync
    [void](New-Folder @(, @(Get-Line 1 'anna@contoso.com' 'mailbox' $A)))
    $r = Invoke-Script
    Assert-Row $r 'anna@contoso.com' 'synchronised'
    Assert-Equal @(Get-StandInCall 'Set-*').Count 1 'writing calls'
}

function Get-StateRow([string] $File) { foreach ($line in [IO.File]::ReadAllLines($File)) { ConvertFrom-Json -InputObject $line } }

if (-not $Pwsh) { 'skipped: killed runs and cultures (no -Pwsh)' }
else {
    foreach ($culture in 'tr_TR.UTF-8', 'de_DE.UTF-8') {
        Test-Case "culture $culture" {
            $state = "$script:Dir/state"
            Initialize-StandIn -StateFile $state
            Add-StandInRecipient -Address 'INFO.I@CONTOSO.COM' -Type 'MAILUSER'.Replace('MAILUSER', 'MailUser') -UserCertificate $Old
            [void](New-Folder @(, @(Get-Line 1 'info.i@contoso.com' 'mailbox' $A)))
            $arguments = @{ Path = $script:Folder; AllowUnsigned = $true; Journal = "$script:Dir/j"; Result = "$script:Dir/r.csv"; DelayMilliseconds = 0 }
            $r = Invoke-Child $state $arguments -Culture $culture
            Assert-Equal $r.Code 0 "exit code ($($r.Text))"
            Assert-Set 'INFO.I@CONTOSO.COM' UserCertificate @($A) (Get-StateRow $state)
            $r2 = Invoke-Child $state @{ Rollback = $true; Journal = "$script:Dir/j"; Result = "$script:Dir/r2.csv"; DelayMilliseconds = 0 } -Culture $culture
            Assert-Equal $r2.Code 0 "exit code of the rollback ($($r2.Text))"
            Assert-Set 'INFO.I@CONTOSO.COM' UserCertificate @($Old) (Get-StateRow $state)
            if ($r.Text -notlike "culture $($culture.Substring(0, 2))-*") { 'culture data not available, ran in the invariant one' }
        }
    }
    foreach ($answer in @(@('a', 0, 3), @('l', 0, 0), @("n`ny`nn`n", 0, 1))) {
        Test-Case "-Confirm, answered $($answer[0] -replace "`n", ' ')" {
            $state = "$script:Dir/state"
            Initialize-StandIn -StateFile $state
            $lines = foreach ($n in 1..3) { Add-StandInRecipient -Address "u$n@contoso.com"; Get-Line $n "u$n@contoso.com" 'mailbox' $A }
            [void](New-Folder @(, @($lines)))
            $r = Invoke-Child $state @{ Path = $script:Folder; AllowUnsigned = $true; Journal = "$script:Dir/j"; Result = "$script:Dir/r.csv"; DelayMilliseconds = 0; Confirm = $true } -Say ($answer[0].TrimEnd() + "`n")
            Assert-Equal $r.Code $answer[1] "exit code ($($r.Text))"
            Assert-Equal @(Get-StateRow $state | Where-Object { $_.UserCertificate.Count -gt 0 }).Count $answer[2] 'changed recipients'
            Assert-Equal @(Import-Csv -LiteralPath "$script:Dir/r.csv" | Where-Object result -eq 'declined').Count (3 - $answer[2]) 'declined'
        }
    }
    # Two recipients need eight calls, the third and the seventh write. Killed around those, and started again, the run
    # converges, and the journal still holds both originals.
    foreach ($at in 3, 4, 5, 7, 8) {
        Test-Case "killed before call $at, then again, then rolled back" {
            $state = "$script:Dir/state"
            Initialize-StandIn -StateFile $state
            Add-StandInRecipient -Address 'a@contoso.com' -UserCertificate $Old
            Add-StandInRecipient -Address 'b@contoso.com' -Type 'MailUser' -UserCertificate $Old2 -UserSMimeCertificate $C
            [void](New-Folder @(, @((Get-Line 1 'a@contoso.com' 'mailbox' $A), (Get-Line 2 'b@contoso.com' 'mailbox' @($A, $B) @()))))
            $arguments = @{ Path = $script:Folder; AllowUnsigned = $true; Journal = "$script:Dir/j"; Result = "$script:Dir/r1.csv"; DelayMilliseconds = 0 }
            $r = Invoke-Child $state $arguments -KillAt $at
            Assert-That ($r.Code -ne 0 -and $r.Text -notlike '*Result:*') "it was not killed ($($r.Text))"
            $arguments.Result = "$script:Dir/r2.csv"
            $r = Invoke-Child $state $arguments
            Assert-Equal $r.Code 0 "exit code of the second run ($($r.Text))"
            $now = @(Get-StateRow $state)
            Assert-Set 'a@contoso.com' UserCertificate @($A) $now
            Assert-Set 'b@contoso.com' UserCertificate @($A, $B) $now
            Assert-Set 'b@contoso.com' UserSMimeCertificate @() $now
            $back = @{ Rollback = $true; Journal = "$script:Dir/j"; Result = "$script:Dir/r3.csv"; DelayMilliseconds = 0 }
            if ($at -eq 3) {
                # The rollback is killed in its middle as well, after the tenant took the first old value.
                $r = Invoke-Child $state $back -KillAt 1 -KillCommand 'Set-Mailbox' -Kill 'kill-after'
                Assert-That ($r.Code -ne 0 -and $r.Text -notlike '*Result:*') "the rollback was not killed ($($r.Text))"
                Assert-Set 'a@contoso.com' UserCertificate @($Old) @(Get-StateRow $state)
                $back.Result = "$script:Dir/r4.csv"
            }
            $r = Invoke-Child $state $back
            Assert-Equal $r.Code 0 "exit code of the rollback ($($r.Text))"
            $now = @(Get-StateRow $state)
            Assert-Set 'a@contoso.com' UserCertificate @($Old) $now
            Assert-Set 'b@contoso.com' UserCertificate @($Old2) $now
            Assert-Set 'b@contoso.com' UserSMimeCertificate @($C) $now
        }
    }
}
