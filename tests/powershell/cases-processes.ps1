# Runs in a process of their own: killed ones, cultures, questions at the prompt, exit codes. Run by run.ps1.

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
    # Two recipients need eight calls, the third and the seventh write. Killed before each of them and after each write, and
    # started again, the run converges, and the journal still holds both originals. So does a rollback that is killed.
    foreach ($kill in @(1..8 | ForEach-Object { , @($_, '*', 'kill-before') }) + @(, @(1, 'Set-Mailbox', 'kill-after')) + @(, @(1, 'Set-MailUser', 'kill-after'))) {
        foreach ($direction in 'run', 'rollback') {
            Test-Case "the $direction killed: $($kill[2]) call $($kill[0]) of $($kill[1]), then started again" {
                $state = "$script:Dir/state"
                Initialize-StandIn -StateFile $state
                Start-Two
                $killed = @{ Path = $script:Folder; AllowUnsigned = $true; Journal = "$script:Dir/journal.ndjson"; Result = "$script:Dir/r.csv"; DelayMilliseconds = 0 }
                if ($direction -eq 'rollback') {
                    Assert-Equal (Invoke-Script).Code 0 'exit code'
                    foreach ($name in 'Path', 'AllowUnsigned') { $killed.Remove($name) }
                    $killed.Rollback = $true
                }
                $r = Invoke-Child $state $killed -KillAt $kill[0] -KillCommand $kill[1] -Kill $kill[2]
                Assert-That ($r.Code -ne 0 -and $r.Text -notlike '*Result:*') "it was not killed ($($r.Text))"
                Initialize-StandIn -StateFile $state
                if ($direction -eq 'run') {
                    $r = Invoke-Script
                    Assert-Equal $r.Code 0 "exit code of the second run ($($r.Text))"
                    Assert-Two
                }
                $r = Invoke-Script @{ Rollback = $true }
                Assert-Equal $r.Code 0 "exit code of the rollback ($($r.Text))"
                Assert-Two -Original
            }
        }
    }
    Test-Case 'killed at random moments, again and again' {
        $start = New-Object Diagnostics.ProcessStartInfo($Pwsh)
        foreach ($a in @('-NoProfile', '-File', [IO.Path]::Combine($Here, 'stress.ps1'), '-Script', $Script, '-Pwsh', $Pwsh, '-Kills', '6', '-Seed', '1')) { $start.ArgumentList.Add($a) }
        $start.RedirectStandardOutput = $true; $start.RedirectStandardError = $true
        $p = [Diagnostics.Process]::Start($start)
        $err = $p.StandardError.ReadToEndAsync()
        $out = $p.StandardOutput.ReadToEnd()
        $p.WaitForExit()
        Assert-Equal $p.ExitCode 0 "exit code ($out$($err.Result))"
    }
    foreach ($one in @(@('done', @{}, 0), @('somebody needs a look', @{ Only = 'c@contoso.com' }, 1), @('refused', @{ BundleId = 'f' * 64 }, 2))) {
        Test-Case "exit code of the process: $($one[0])" {
            $state = "$script:Dir/state"
            Initialize-StandIn -StateFile $state
            Add-StandInRecipient -Address 'a@contoso.com'
            [void](New-Folder @(, @((Get-Line 1 'a@contoso.com' 'mailbox' $A), (Get-Line 2 'c@contoso.com' 'mailbox' $A))))
            $arguments = @{ Path = $script:Folder; AllowUnsigned = $true; Journal = "$script:Dir/j"; Result = "$script:Dir/r.csv"; MissingRecipients = "$script:Dir/m.csv"; DelayMilliseconds = 0; PassThru = $true }
            if ($one[2] -eq 0) { $arguments.Only = 'a@contoso.com' }
            foreach ($k in $one[1].Keys) { $arguments[$k] = $one[1][$k] }
            $r = Invoke-Child $state $arguments
            Assert-Equal $r.Code $one[2] "exit code ($($r.Text))"
            # What was put on the pipeline last is shown, although the script ends with exit.
            if ($one[2] -eq 0) { Assert-Says $r @('a@contoso.com', 'updated', 'To undo:') }
        }
    }
}
