# The journal and the rollback: what comes back, and what is left alone. Run by run.ps1.

Test-Case 'the old values are in the journal before the write' {
    Start-One @{ UserCertificate = @($Old, $Old2) }
    Add-StandInFault -Command 'Set-Mailbox' -At 1 -Kind 'session'
    [void](Invoke-Script)
    $lines = [IO.File]::ReadAllLines([IO.Path]::Combine($script:Dir, 'journal.ndjson'))
    $record = ConvertFrom-Json -InputObject $lines[1]
    Assert-Equal $record.type 'before' 'type'
    Assert-Equal (@($record.'old-userCertificate' | Sort-Object) -join ',') (@($Old, $Old2 | Sort-Object) -join ',') 'old values'
}
Test-Case '-Rollback restores, empties what was empty, and is itself resumable' {
    Start-One @{ UserCertificate = @($Old, $Old2) } $A @($B)
    [void](Invoke-Script)
    $r = Invoke-Script @{ Rollback = $true }
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
    Assert-Row $r 'anna@contoso.com' 'restored' '*userSMIMECertificate 1 -> cleared'
    Assert-Set 'anna@contoso.com' UserCertificate @($Old, $Old2)
    Assert-Set 'anna@contoso.com' UserSMimeCertificate @()
    $r = Invoke-Script @{ Rollback = $true }
    Assert-Equal $r.Code 0 'exit code of the second'
    Assert-Equal $r.Rows.Count 0 'rows of the second'
}
Test-Case '-Rollback after a foreign change leaves it alone' {
    Start-Five
    [void](Invoke-Script)
    (Get-StandInRecipient 'u2@contoso.com').UserCertificate = [string[]]@($C)
    $r = Invoke-Script @{ Rollback = $true }
    Assert-Equal $r.Code 1 'exit code'
    Assert-Row $r 'u2@contoso.com' 'changed-since'
    Assert-Set 'u2@contoso.com' UserCertificate @($C)
    Assert-Set 'u5@contoso.com' UserCertificate @($Old)
}
Test-Case '-Rollback -WhatIf writes nothing, not even to the journal' {
    Start-One @{ UserCertificate = @($Old) }
    [void](Invoke-Script)
    $before = [IO.File]::ReadAllText([IO.Path]::Combine($script:Dir, 'journal.ndjson'))
    Assert-Row (Invoke-Script @{ Rollback = $true; WhatIf = $true }) 'anna@contoso.com' 'would-restore'
    Assert-Set 'anna@contoso.com' UserCertificate @($A)
    Assert-Equal ([IO.File]::ReadAllText([IO.Path]::Combine($script:Dir, 'journal.ndjson'))) $before 'journal'
}
Test-Case '-Rollback -Only' { Start-Five; [void](Invoke-Script); $r = Invoke-Script @{ Rollback = $true; Only = @('u3@contoso.com') }; Assert-Equal $r.Rows.Count 1 'rows'; Assert-Row $r 'u3@contoso.com' 'restored' }
Test-Case '-Rollback finds a recipient whose address has changed since' {
    Start-One @{ UserCertificate = @($Old) }
    [void](Invoke-Script)
    (Get-StandInRecipient 'anna@contoso.com').Address = 'anna.married@contoso.com'
    Assert-Row (Invoke-Script @{ Rollback = $true }) 'anna@contoso.com' 'restored'
    Assert-Set 'anna.married@contoso.com' UserCertificate @($Old)
}
Test-Case 'the first journaled value wins across runs' {
    Start-One @{ UserCertificate = @($Old) }
    [void](Invoke-Script)
    (Get-StandInRecipient 'anna@contoso.com').UserCertificate = [string[]]@($Old2)
    [void](Invoke-Script)
    Assert-Row (Invoke-Script @{ Rollback = $true }) 'anna@contoso.com' 'restored'
    Assert-Set 'anna@contoso.com' UserCertificate @($Old)
}
Test-Case 'after a rollback the next run begins a new original' {
    Start-One @{ UserCertificate = @($Old) }
    [void](Invoke-Script)
    [void](Invoke-Script @{ Rollback = $true })
    (Get-StandInRecipient 'anna@contoso.com').UserCertificate = [string[]]@($Old2)
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
    Assert-Row (Invoke-Script @{ Rollback = $true }) 'anna@contoso.com' 'restored'
    Assert-Set 'anna@contoso.com' UserCertificate @($Old2)
}
Test-Case 'a refused write is no original: what the user set himself later is what comes back' {
    Start-One @{ UserCertificate = @($Old) }
    Add-StandInFault -Command 'Set-Mailbox' -At 1 -Kind 'denied'
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'failed'
    (Get-StandInRecipient 'anna@contoso.com').UserCertificate = [string[]]@($Old2)
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
    Assert-Row (Invoke-Script @{ Rollback = $true }) 'anna@contoso.com' 'restored'
    Assert-Set 'anna@contoso.com' UserCertificate @($Old2)
}
Test-Case 'a refused write that had its effect late, unseen, still has its original' {
    Start-One @{ UserCertificate = @($Old) }
    Add-StandInFault -Command 'Set-Mailbox' -At 1 -Kind 'denied'
    [void](Invoke-Script)
    (Get-StandInRecipient 'anna@contoso.com').UserCertificate = [string[]]@($A)
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'unchanged'
    Assert-Row (Invoke-Script @{ Rollback = $true }) 'anna@contoso.com' 'restored'
    Assert-Set 'anna@contoso.com' UserCertificate @($Old)
}
Test-Case 'so it has when another write came after it' {
    Start-One @{ UserCertificate = @($Old) } $A
    Add-StandInFault -Command 'Set-Mailbox' -At 1 -Kind 'denied'
    [void](Invoke-Script)
    $person = Get-StandInRecipient 'anna@contoso.com'
    $person.UserCertificate = [string[]]@($A)
    [void](New-Folder @(, @(Get-Line 1 'anna@contoso.com' 'mailbox' @($A, $B))))
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
    Assert-Row (Invoke-Script @{ Rollback = $true }) 'anna@contoso.com' 'restored'
    Assert-Set 'anna@contoso.com' UserCertificate @($Old)
}
Test-Case 'a refused write that nothing came of: the rollback leaves what the user has alone' {
    Start-One @{ UserCertificate = @($Old) }
    Add-StandInFault -Command 'Set-Mailbox' -At 1 -Kind 'denied'
    [void](Invoke-Script)
    (Get-StandInRecipient 'anna@contoso.com').UserCertificate = [string[]]@($C)
    $r = Invoke-Script @{ Rollback = $true }
    Assert-Equal $r.Code 0 'exit code'
    Assert-Row $r 'anna@contoso.com' 'unchanged' '*never changed it*'
    Assert-Set 'anna@contoso.com' UserCertificate @($C)
}
Test-Case 'written unseen behind time-outs: the journal still has the original' {
    # The call takes effect and times out, and the tenant shows the old values through every repetition.
    Start-One @{ UserCertificate = @($Old) }
    Add-StandInFault -Command 'Set-Mailbox' -At 1 -Kind 'applied-stale:4'
    Add-StandInFault -Command 'Set-Mailbox' -At 2 -Kind 'timeout' -Times 3
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'failed'
    Assert-Set 'anna@contoso.com' UserCertificate @($A)
    Assert-Row (Invoke-Script @{ Rollback = $true }) 'anna@contoso.com' 'restored'
    Assert-Set 'anna@contoso.com' UserCertificate @($Old)
}
Test-Case 'each kind of recipient gets its values back' {
    $types = @{ 1 = 'UserMailbox'; 2 = 'MailUser'; 3 = 'MailContact' }; $kinds = @{ 1 = 'mailbox'; 2 = 'mailUser'; 3 = 'mailContact' }
    $lines = foreach ($n in 1..3) { Add-StandInRecipient -Address "k$n@contoso.com" -Type $types[$n] -UserCertificate $Old -UserSMimeCertificate $Old2; Get-Line $n "k$n@contoso.com" $kinds[$n] $A $B }
    [void](New-Folder @(, @($lines)))
    Assert-Equal (Invoke-Script).Code 0 'exit code'
    foreach ($n in 1..3) { Assert-Set "k$n@contoso.com" UserSMimeCertificate @($B) }
    $r = Invoke-Script @{ Rollback = $true }
    Assert-Equal $r.Code 0 'exit code of the rollback'
    Assert-Equal @(Get-StandInCall 'Set-MailContact').Count 2 'writes to the contact'
    foreach ($n in 1..3) { Assert-Set "k$n@contoso.com" UserCertificate @($Old); Assert-Set "k$n@contoso.com" UserSMimeCertificate @($Old2) }
}
Test-Case '-Rollback of a recipient who is gone names him and goes on' {
    Start-Five
    [void](Invoke-Script)
    (Get-StandInRecipient 'u2@contoso.com').Guid = [guid]::NewGuid().ToString()
    $r = Invoke-Script @{ Rollback = $true }
    Assert-Equal $r.Code 1 'exit code'
    Assert-Row $r 'u2@contoso.com' 'not-found'
    Assert-Row $r 'u5@contoso.com' 'restored'
}
Test-Case '-Rollback -Only with an address that the journal does not name is refused' {
    Start-One @{ UserCertificate = @($Old) }; [void](Invoke-Script)
    $calls = @(Get-StandInCall 'Set-*').Count
    $r = Invoke-Script @{ Rollback = $true; Only = 'typo@contoso.com' }
    Assert-Equal $r.Code 2 'exit code'
    Assert-Says $r @('-Only names what is not in the journal: typo@contoso.com')
    Assert-Equal @(Get-StandInCall 'Set-*').Count $calls 'writing calls'
}
Test-Case 'a session lost in the middle of a rollback: the same command goes on' {
    Start-Five
    [void](Invoke-Script)
    $at = @(Get-StandInCall 'Set-*').Count + 3
    Add-StandInFault -Command 'Set-Mailbox' -At $at -Kind 'session'
    $r = Invoke-Script @{ Rollback = $true }
    Assert-Equal $r.Code 1 'exit code'
    Assert-Says $r @('the session to Exchange Online was lost', ' -Rollback ', ' -Journal ')
    $r = Invoke-Script @{ Rollback = $true }
    Assert-Equal $r.Code 0 'exit code of the second'
    Assert-Equal $r.Rows.Count 3 'rows of the second'
    foreach ($n in 1..5) { Assert-Set "u$n@contoso.com" UserCertificate @($Old) }
}
