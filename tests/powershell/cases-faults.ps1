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

# ---- what kind of failure it is: types, ids and status before texts

foreach ($one in @(
        @('status:429', 'updated', '10'), @('status:503', 'updated', '2'), @('status:408', 'updated', '2'), @('status:403', 'failed', ''), @('status:404', 'failed', ''),
        @('type:System.TimeoutException:Zeit ist um', 'updated', '2'), @('type:System.OperationCanceledException:weg', 'updated', '2'), @('type:System.Net.Http.HttpRequestException:weg', 'updated', '2'),
        @('type:System.UnauthorizedAccessException:Zugriff verweigert', 'failed', ''), @('type:System.ArgumentException:429 ist kein Wert', 'failed', ''), @('type:System.InvalidOperationException:Da ging etwas schief.', 'failed', ''),
        @('id:Microsoft.Exchange.Data.Storage.ServerBusyException,X:Bitte warten', 'updated', '10'), @('id:ADServerThrottledException,X:Bitte warten', 'updated', '10'))) {
    foreach ($command in 'Get-Recipient', 'Get-Mailbox', 'Set-Mailbox') {
        Test-Case "$($one[0]) at ${command}: $($one[1])" {
            Start-Anna
            Add-StandInRecipient -Address 'b@contoso.com'
            [void](New-Folder @(, @((Get-Line 1 'anna@contoso.com' 'mailbox' $A), (Get-Line 2 'b@contoso.com' 'mailbox' $A))))
            Add-StandInFault -Command $command -At 1 -Kind $one[0]
            $r = Invoke-Script
            Assert-Row $r 'anna@contoso.com' $one[1]
            Assert-Row $r 'b@contoso.com' 'updated'
            Assert-Equal ($global:Slept -join ',') $one[2] 'pauses'
            Assert-Set 'anna@contoso.com' UserCertificate @($(if ($one[1] -eq 'updated') { $A } else { $Old }))
        }
    }
}
foreach ($kind in 'status:401', 'vanish', 'id:Msal,X:AADSTS700082: Das Token ist abgelaufen.') {
    Test-Case "$kind is a lost session" { Start-Anna; Add-StandInFault -Command 'Get-Mailbox' -At 1 -Kind $kind; $r = Invoke-Script; Assert-Says $r @('the session to Exchange Online was lost'); Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated' }
}
Test-Case 'not found, said in another language, by its id' { Start-Anna; Add-StandInFault -Command 'Get-Recipient' -At 1 -Kind 'id:Cmdlet-ManagementObjectNotFoundException,X:Das Objekt wurde nicht gefunden.'; Assert-Row (Invoke-Script) 'anna@contoso.com' 'not-found' }
Test-Case 'not found, as neither object nor error' { Start-Anna; Add-StandInFault -Command 'Get-Recipient' -At 1 -Kind 'nothing'; Assert-Row (Invoke-Script) 'anna@contoso.com' 'not-found' }
Test-Case 'found, and then no object: failed, nothing written' { Start-Anna; Add-StandInFault -Command 'Get-Mailbox' -At 1 -Kind 'nothing'; Assert-Row (Invoke-Script) 'anna@contoso.com' 'failed' '*gave 0 objects*'; Assert-Equal @(Get-StandInCall 'Set-*').Count 0 'writing calls' }
Test-Case 'a short Retry-After that is not enough: the pauses grow all the same' {
    Start-Anna
    Add-StandInFault -Command 'Get-Mailbox' -At 1 -Kind 'throttle-after:1' -Times 4
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
    Assert-Equal ($global:Slept -join ',') '1,10,20,40' 'pauses'
}
Test-Case 'Retry-After as a date is obeyed' {
    Start-Anna
    Add-StandInFault -Command 'Get-Mailbox' -At 1 -Kind "id:Throttled:Too many requests. Retry-After: $([datetime]::UtcNow.AddSeconds(50).ToString('r'))"
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
    Assert-That ($global:Slept[0] -ge 45 -and $global:Slept[0] -le 51) "pause $($global:Slept[0])"
}
foreach ($sync in 'text', 'bool') { Test-Case "IsDirSynced as $sync" { Initialize-StandIn -Sync $sync; Add-StandInRecipient -Address 'a@contoso.com' -IsDirSynced; Add-StandInRecipient -Address 'b@contoso.com'; [void](New-Folder @(, @((Get-Line 1 'a@contoso.com' 'mailbox' $A), (Get-Line 2 'b@contoso.com' 'mailbox' $A)))); $r = Invoke-Script; Assert-Row $r 'a@contoso.com' 'synchronised'; Assert-Row $r 'b@contoso.com' 'updated' } }
Test-Case 'IsDirSynced not shown: the server decides' { Initialize-StandIn -Sync 'missing'; Start-Anna; Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated' }

# ---- a fault at every call: two recipients, eight calls

function Start-Two {
    Add-StandInRecipient -Address 'a@contoso.com' -UserCertificate $Old
    Add-StandInRecipient -Address 'b@contoso.com' -Type 'MailUser' -UserCertificate $Old2 -UserSMimeCertificate $Old
    [void](New-Folder @(, @((Get-Line 1 'a@contoso.com' 'mailbox' $A), (Get-Line 2 'b@contoso.com' 'mailbox' @($A, $B) @()))))
}
function Assert-Two($People = $null, [switch] $Original) {
    Assert-Set 'a@contoso.com' UserCertificate @($(if ($Original) { $Old } else { $A })) $People
    Assert-Set 'b@contoso.com' UserCertificate @($(if ($Original) { $Old2 } else { $A, $B })) $People
    Assert-Set 'b@contoso.com' UserSMimeCertificate @($(if ($Original) { $Old })) $People
}
foreach ($kind in 'timeout', 'throttle', 'throttle-after:3', 'status:502', 'applied-timeout') {
    Test-Case "a passing fault at every call: $kind" {
        foreach ($at in 1..8) {
            Initialize-StandIn; Start-Two
            $journal = "$script:Dir/j$at"
            Add-StandInFault -Command '*' -At $at -Kind $kind
            $r = Invoke-Script @{ Journal = $journal }
            Assert-Equal $r.Code 0 "exit code with a fault at call $at ($($r.Text))"
            Assert-Two
            if ($at % 3) { continue }
            Add-StandInFault -Command '*' -At (@(Get-StandInCall).Count + $at) -Kind $kind
            Assert-Equal (Invoke-Script @{ Rollback = $true; Journal = $journal }).Code 0 "exit code of the rollback with a fault at call $at"
            Assert-Two -Original
        }
    }
}
foreach ($kind in 'denied', 'session') {
    Test-Case "a lasting fault at every call, then a second run: $kind" {
        foreach ($at in 1..8) {
            Initialize-StandIn; Start-Two
            Add-StandInFault -Command '*' -At $at -Kind $kind
            $journal = "$script:Dir/j$at"
            $r = Invoke-Script @{ Journal = $journal }
            # A read-back that fails once is only repeated.
            Assert-Equal $r.Code $(if ($kind -eq 'denied' -and $at -in 4, 8) { 0 } else { 1 }) "exit code with a fault at call $at ($($r.Text))"
            Assert-Equal (Invoke-Script @{ Journal = $journal }).Code 0 "exit code of the second run, $at"
            Assert-Two
            Assert-Equal (Invoke-Script @{ Journal = $journal; Rollback = $true }).Code 0 "exit code of the rollback, $at"
            Assert-Two -Original
        }
    }
}
Test-Case 'more late changes than wait at once are settled before the run goes on' {
    $lines = foreach ($n in 1..230) { Add-StandInRecipient -Address "p$n@contoso.com"; Get-Line $n "p$n@contoso.com" 'mailbox' $A; Add-StandInFault -Command 'Set-Mailbox' -At $n -Kind 'stale:1' }
    [void](New-Folder @(, @($lines)))
    $r = Invoke-Script
    Assert-Equal $r.Code 0 'exit code'
    Assert-Equal ($global:Slept -join ',') '5,5' 'pauses'
    Assert-Equal $r.Rows[0].number 1 'first row'
    Assert-Says $r @('200 changes are not visible yet', '30 changes are not visible yet')
}

# ---- interrupted between any two records: the journal as it was then, the tenant as it can have been

Test-Case 'interrupted at every record of the journal, whole and cut off: converges, and everything can be restored' {
    Start-Two
    [void](Invoke-Script)
    $whole = [IO.File]::ReadAllText("$script:Dir/journal.ndjson")
    $ends = @(0) + @(for ($i = 0; $i -lt $whole.Length; $i++) { if ($whole[$i] -eq "`n") { $i + 1 } })
    Assert-Equal $ends.Count 6 'records and the empty beginning'
    $number = 0
    for ($e = 0; $e -lt $ends.Count; $e++) {
        $cuts = @($ends[$e]); if ($e + 1 -lt $ends.Count) { $cuts += $ends[$e] + 1; $cuts += $ends[$e + 1] - 1 }
        foreach ($cut in $cuts) {
            # What the tenant can have by then: written is what has its record, and the last one perhaps.
            $done = @{ 'a@contoso.com' = $e -ge 3; 'b@contoso.com' = $e -ge 5 }
            $open = if ($e -eq 2) { 'a@contoso.com' } elseif ($e -eq 4) { 'b@contoso.com' } else { '' }
            foreach ($applied in @($false, $true)) {
                if ($applied -and -not $open) { continue }
                Initialize-StandIn; Start-Two
                $journal = "$script:Dir/cut$((++$number)).ndjson"
                [IO.File]::WriteAllText($journal, $whole.Substring(0, $cut))
                # The same people as in the journal: their ids.
                foreach ($match in [regex]::Matches($whole, '"address":"([^"]+)","identity":"([^"]+)"')) { (Get-StandInRecipient $match.Groups[1].Value).Guid = $match.Groups[2].Value }
                if ($done['a@contoso.com'] -or ($applied -and $open -eq 'a@contoso.com')) { (Get-StandInRecipient 'a@contoso.com').UserCertificate = [string[]]@($A) }
                if ($done['b@contoso.com'] -or ($applied -and $open -eq 'b@contoso.com')) { $p = Get-StandInRecipient 'b@contoso.com'; $p.UserCertificate = [string[]]@($A, $B); $p.UserSMimeCertificate = [string[]]@() }
                $r = Invoke-Script @{ Journal = $journal }
                Assert-Equal $r.Code 0 "exit code at record $e, cut at $cut ($($r.Text))"
                Assert-Two
                $r = Invoke-Script @{ Journal = $journal; Rollback = $true }
                Assert-Equal $r.Code 0 "exit code of the rollback at record $e, cut at $cut ($($r.Text))"
                Assert-Two -Original
                [IO.File]::Delete($journal)
            }
        }
    }
    "$number states"
}
