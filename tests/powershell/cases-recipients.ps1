# What happens to one recipient: kinds, values, refusals, selection, rollback. Run by run.ps1.

function Start-One([hashtable] $Person = @{}, $Cert = $A, $Smime = $null, [string] $Kind = 'mailbox') {
    $person0 = @{ Address = 'anna@contoso.com' }
    foreach ($k in $Person.Keys) { $person0[$k] = $Person[$k] }
    Add-StandInRecipient @person0
    [void](New-Folder @(, @(Get-Line 1 'anna@contoso.com' $Kind $Cert $Smime)))
}

Test-Case 'mailbox: both attributes by Set-Mailbox, exit 0' {
    Start-One @{} @($A, $B) $C
    $r = Invoke-Script
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
    Assert-Row $r 'anna@contoso.com' 'updated' 'Set-Mailbox: userCertificate 0 -> 2, userSMIMECertificate 0 -> 1'
    Assert-Set 'anna@contoso.com' UserCertificate @($A, $B)
    Assert-Set 'anna@contoso.com' UserSMimeCertificate @($C)
}
Test-Case 'values go over as byte[][], also a single one, with -ErrorAction Stop and -Confirm:$false' {
    Start-One
    [void](Invoke-Script)
    $set = @(Get-StandInCall 'Set-*')
    Assert-Equal $set.Count 1 'writing calls'
    Assert-Equal $set[0].UserCertificate 'Byte[][]' 'type'
    Assert-Equal $set[0].ErrorAction 'Stop' 'ErrorAction'
    Assert-Equal $set[0].Confirm 'False' 'Confirm'
}
Test-Case 'mail user by Set-MailUser' { Start-One @{ Type = 'MailUser' }; $r = Invoke-Script; Assert-Row $r 'anna@contoso.com' 'updated' 'Set-MailUser:*'; Assert-Equal $r.Rows[0].kind 'mailUser' 'kind' }
Test-Case 'mail contact by Set-MailContact' { Start-One @{ Type = 'MailContact' } $A $null 'mailContact'; Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated' 'Set-MailContact:*' }
Test-Case 'the kind is the tenant''s, the bundle''s is a hint' { Start-One @{ Type = 'MailUser' } $A $null 'mailContact'; Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated' 'Set-MailUser:*' }
Test-Case 'a contact where a mailbox was expected is a result of its own' {
    Start-One @{ Type = 'MailContact' }
    $r = Invoke-Script
    Assert-Equal $r.Code 1 'exit code'
    Assert-Row $r 'anna@contoso.com' 'unexpected-contact'
    Assert-Equal @(Get-StandInCall 'Set-*').Count 0 'writing calls'
}
Test-Case 'a distribution group is unsupported' { Start-One @{ Type = 'MailUniversalDistributionGroup' }; Assert-Row (Invoke-Script) 'anna@contoso.com' 'unsupported-kind' "*MailUniversalDistributionGroup*" }
Test-Case 'an absent attribute is left alone' {
    Start-One @{ UserSMimeCertificate = @($Old) }
    [void](Invoke-Script)
    Assert-Set 'anna@contoso.com' UserSMimeCertificate @($Old)
    Assert-That ($null -eq (Get-StandInCall 'Set-*').PSObject.Properties['UserSMimeCertificate']) 'the parameter was used'
}
Test-Case 'an empty list clears' {
    Start-One @{ UserSMimeCertificate = @($Old, $Old2) } $A @()
    $r = Invoke-Script
    Assert-Row $r 'anna@contoso.com' 'updated' '*userSMIMECertificate 2 -> cleared'
    Assert-Set 'anna@contoso.com' UserSMimeCertificate @()
    Assert-Equal (Get-StandInCall 'Set-*').UserSMimeCertificate 'null' 'how it was cleared'
}
Test-Case 'equal as a multiset, in another order: unchanged, no writing call' {
    Start-One @{ UserCertificate = @($B, $A, $C) } @($A, $B, $C)
    $r = Invoke-Script
    Assert-Equal $r.Code 0 'exit code'
    Assert-Row $r 'anna@contoso.com' 'unchanged'
    Assert-Equal @(Get-StandInCall 'Set-*').Count 0 'writing calls'
}
Test-Case 'only the attribute that differs is written' {
    Start-One @{ UserCertificate = @($A); UserSMimeCertificate = @($Old) } $A $C
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated' 'Set-Mailbox: userSMIMECertificate 1 -> 1'
}
Test-Case 'a value of 32768 bytes goes over' {
    $big = Get-Value 'big' 32768
    Start-One @{} $big
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
    Assert-Set 'anna@contoso.com' UserCertificate @($big)
}
foreach ($shape in @('bytes', 'base64', 'numbers', 'lone', 'wrapped', 'apart')) {
    Test-Case "the session returns values as $shape" {
        Initialize-StandIn -Shape $shape
        Start-One @{ UserCertificate = @($Old) } $A @($B, $C)
        $r = Invoke-Script
        Assert-Row $r 'anna@contoso.com' 'updated'
        Assert-Row (Invoke-Script) 'anna@contoso.com' 'unchanged'
        Assert-Row (Invoke-Script @{ Rollback = $true }) 'anna@contoso.com' 'restored'
        Assert-Set 'anna@contoso.com' UserCertificate @($Old)
    }
}
Test-Case 'not found: the others go on, exit 1' {
    Add-StandInRecipient -Address 'b@contoso.com'
    [void](New-Folder @(, @((Get-Line 1 'gone@contoso.com' 'mailbox' $A), (Get-Line 2 'partner@other.example' 'mailContact' $A), (Get-Line 3 'b@contoso.com' 'mailbox' $B))))
    $r = Invoke-Script
    Assert-Equal $r.Code 1 'exit code'
    Assert-Row $r 'gone@contoso.com' 'not-found'
    Assert-Row $r 'partner@other.example' 'not-found' '*New-MailContact*'
    Assert-Row $r 'b@contoso.com' 'updated'
    Assert-Says $r @('2 recipients need a person', 'gone@contoso.com: not-found')
}
Test-Case 'an address that looks like an error text is still not found' {
    [void](New-Folder @(, @(Get-Line 1 'throttled.429.timeout@contoso.com' 'mailbox' $A)))
    Assert-Row (Invoke-Script) 'throttled.429.timeout@contoso.com' 'not-found'
    Assert-Equal $global:Slept.Count 0 'pauses'
}
Test-Case 'two recipients for one address: ambiguous' {
    Start-One
    Add-StandInRecipient -Address 'other@contoso.com' -Alias 'anna@contoso.com'
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'ambiguous'
    Assert-Equal @(Get-StandInCall 'Set-*').Count 0 'writing calls'
}
Test-Case 'a mailbox and a contact for one address: ambiguous' {
    Start-One
    Add-StandInRecipient -Address 'contact.anna@contoso.com' -Type 'MailContact' -External 'anna@contoso.com'
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'ambiguous'
}
Test-Case 'another recipient who is found by his name, and does not bear the address, is no second one' {
    Start-One
    Add-StandInRecipient -Address 'other@contoso.com' -FoundBy 'anna@contoso.com'
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
    Assert-Set 'other@contoso.com' UserCertificate @()
}
Test-Case 'what is found must bear the address' {
    Add-StandInRecipient -Address 'other@contoso.com' -FoundBy 'anna@contoso.com'
    [void](New-Folder @(, @(Get-Line 1 'anna@contoso.com' 'mailbox' $A)))
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'address-mismatch' '*other@contoso.com*'
    Assert-Set 'other@contoso.com' UserCertificate @()
}
Test-Case 'an alias is borne, whatever its letters'' case' {
    Add-StandInRecipient -Address 'anna.new@contoso.com' -Alias 'INFO@Contoso.com'
    [void](New-Folder @(, @(Get-Line 1 'info@contoso.com' 'mailbox' $A)))
    Assert-Row (Invoke-Script) 'info@contoso.com' 'updated'
}
Test-Case 'a contact must have it as its external address' {
    Add-StandInRecipient -Address 'p@contoso.com' -Type 'MailContact' -External 'p@elsewhere.example'
    [void](New-Folder @(, @(Get-Line 1 'p@contoso.com' 'mailContact' $A)))
    Assert-Row (Invoke-Script) 'p@contoso.com' 'address-mismatch'
}
Test-Case 'a synchronised recipient is refused by name before any write' {
    Start-One @{ IsDirSynced = $true }
    $r = Invoke-Script
    Assert-Equal $r.Code 1 'exit code'
    Assert-Row $r 'anna@contoso.com' 'synchronised' '*on-premises Active Directory*'
    Assert-Says $r @('anna@contoso.com: synchronised')
    Assert-Equal @(Get-StandInCall 'Set-*').Count 0 'writing calls'
}
Test-Case 'the first 20 all synchronised: the run stops and says where to go' {
    $lines = foreach ($i in 1..25) { Add-StandInRecipient -Address "u$i@contoso.com" -IsDirSynced; Get-Line $i "u$i@contoso.com" 'mailbox' $A }
    [void](New-Folder @(, @($lines)))
    $r = Invoke-Script
    Assert-Equal $r.Rows.Count 20 'rows'
    Assert-Says $r @('the first 20 recipients are all synchronised')
}
Test-Case 'one recipient''s failure never stops the others' {
    foreach ($n in 'a', 'b', 'c') { Add-StandInRecipient -Address "$n@contoso.com" }
    [void](New-Folder @(, @((Get-Line 1 'a@contoso.com' 'mailbox' $A), (Get-Line 2 'b@contoso.com' 'mailbox' $A), (Get-Line 3 'c@contoso.com' 'mailbox' $A))))
    Add-StandInFault -Command 'Set-Mailbox' -At 2 -Kind 'denied'
    $r = Invoke-Script
    Assert-Equal $r.Code 1 'exit code'
    Assert-Row $r 'a@contoso.com' 'updated'; Assert-Row $r 'b@contoso.com' 'failed' '*read-only*old values are still there*'; Assert-Row $r 'c@contoso.com' 'updated'
}
Test-Case 'hostile addresses are data, never code' {
    $names = @("o'brien@contoso.com", 'a$(Get-Date)@contoso.com', 'tick`n@contoso.com', '-WhatIf@contoso.com', '=cmd|1@contoso.com', '@{x=1}&b@contoso.com'.Substring(1))
    $n = 0
    $lines = foreach ($x in $names) { $n++; Add-StandInRecipient -Address $x; Get-Line $n $x 'mailbox' $A }
    [void](New-Folder @(, @($lines)))
    $r = Invoke-Script
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
    foreach ($x in $names) { Assert-Set $x UserCertificate @($A) }
    Assert-That (@($r.Rows | ForEach-Object { $_.address }) -ccontains "'=cmd|1@contoso.com") 'the formula was not made harmless'
}
Test-Case 'addresses with line ends, quotes, blanks or marks of direction are refused one by one' {
    $names = @("a`nb@contoso.com", 'a"b@contoso.com', 'a b@contoso.com', ('a' + [char]0x202E + 'b@contoso.com'), ('a' + [char]0x200B + '@contoso.com'), 'a*@contoso.com', 'nobody', '', 'a@b@c')
    $n = 0
    $lines = @(foreach ($x in $names) { $n++; Get-Line $n $x 'mailbox' $A })
    Add-StandInRecipient -Address 'b@contoso.com'
    [void](New-Folder @(, ($lines + (Get-Line 99 'b@contoso.com' 'mailbox' $A))))
    $r = Invoke-Script
    Assert-Equal @($r.Rows | Where-Object result -eq 'bad-address').Count $names.Count 'bad addresses'
    Assert-Row $r 'b@contoso.com' 'updated'
    Assert-That ($r.Text.IndexOf([char]0x202E) -lt 0) 'a mark of direction reached the screen'
    Assert-Says $r @('a\u202Eb@contoso.com')
}
Test-Case '-WhatIf: no writing call, no journal, says what would happen' {
    Start-One @{ UserCertificate = @($Old) }
    $r = Invoke-Script @{ WhatIf = $true }
    Assert-Equal $r.Code 0 'exit code'
    Assert-Row $r 'anna@contoso.com' 'would-update' 'Set-Mailbox: userCertificate 1 -> 1'
    Assert-Equal @(Get-StandInCall 'Set-*').Count 0 'writing calls'
    Assert-That (-not [IO.File]::Exists([IO.Path]::Combine($script:Dir, 'journal.ndjson'))) 'a journal was written'
    Assert-Says $r @('Preview (nothing was written)')
}
Test-Case '-WhatIf without -Result leaves no file at all' {
    Start-One
    $before = @([IO.Directory]::GetFiles($script:Dir)).Count
    $r = Invoke-Script @{ Path = $script:Folder; AllowUnsigned = $true; WhatIf = $true } -Plain
    Assert-Equal $r.Code 0 'exit code'
    Assert-Equal @([IO.Directory]::GetFiles($script:Dir)).Count $before 'files'
}
Test-Case 'journal and result go to the current folder by default; a second run says unchanged' {
    Start-One
    Assert-Equal (Invoke-Script @{ Path = $script:Folder; AllowUnsigned = $true } -Plain).Code 0 'exit code'
    Assert-Equal @([IO.Directory]::GetFiles($script:Dir, 'smime-journal-0123456789ab.ndjson')).Count 1 'journals'
    Assert-Equal @([IO.Directory]::GetFiles($script:Dir, 'smime-result-0123456789ab-*.csv')).Count 1 'result files'
}
Test-Case 'nothing goes to the output stream' { Start-One; Assert-Equal (Invoke-Script).Output.Count 0 'objects' }
Test-Case '-Path defaults to the script''s own folder' {
    Start-One
    $r = Invoke-Script @{ Path = $null } -Copy ([IO.Path]::Combine($script:Folder, 'Publish-SmimeCertificate.ps1'))
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
}
function Start-Five {
    $lines = foreach ($i in 1..5) { Add-StandInRecipient -Address "u$i@contoso.com" -UserCertificate $Old; Get-Line $i "u$i@contoso.com" 'mailbox' $A }
    [void](New-Folder @($lines[0..2], $lines[3..4]))
}
Test-Case 'several payload files, in order' { Start-Five; Assert-Equal ((Invoke-Script).Rows.number -join ',') '1,2,3,4,5' 'order' }
Test-Case '-Only, with commas inside one text too' { Start-Five; Assert-Equal ((Invoke-Script @{ Only = @('U2@contoso.com,u5@contoso.com', 'u3@contoso.com') }).Rows.number -join ',') '2,3,5' 'taken' }
Test-Case '-Exclude' { Start-Five; Assert-Equal ((Invoke-Script @{ Exclude = @('u1@contoso.com', 'u4@contoso.com') }).Rows.number -join ',') '2,3,5' 'taken' }
Test-Case '-First counts what the others leave' { Start-Five; Assert-Equal ((Invoke-Script @{ Exclude = @('u1@contoso.com'); First = 2 }).Rows.number -join ',') '2,3' 'taken' }
Test-Case '-Only with an unknown address is refused' { Start-Five; Assert-Refused (Invoke-Script @{ Only = @('u2@contoso.com', 'typo@contoso.com') }) @('-Only names what is not in the bundle: typo@contoso.com') }
Test-Case '-Exclude with an unknown address is refused' { Start-Five; Assert-Refused (Invoke-Script @{ Exclude = @('typo@contoso.com') }) @('-Exclude names what is not in the bundle') }
Test-Case '-DelayMilliseconds: a pause between any two calls, 500 ms by default' {
    Start-One
    [void](Invoke-Script @{ DelayMilliseconds = $null })
    $calls = @(Get-StandInCall).Count
    Assert-Equal $global:Slept.Count ($calls - 1) 'pauses'
    Assert-That (@($global:Slept | Where-Object { $_ -ne 0.5 }).Count -eq 0) 'other pauses'
}
Test-Case 'a domain in letters and the same as xn--: one address' {
    Add-StandInRecipient -Address 'a@xn--bcker-gra.example' -FoundBy "a@b$([char]0xE4)cker.example"
    [void](New-Folder @(, @(Get-Line 1 "a@b$([char]0xE4)cker.example" 'mailbox' $A)))
    Assert-Row (Invoke-Script) "a@b$([char]0xE4)cker.example" 'updated'
}
Test-Case 'a contact is the external address, not one of ours' {
    Add-StandInRecipient -Address 'p@contoso.com' -Type 'MailContact' -External 'p@elsewhere.example'
    [void](New-Folder @(, @(Get-Line 1 'p@elsewhere.example' 'mailContact' $A)))
    Assert-Row (Invoke-Script) 'p@elsewhere.example' 'updated'
    Assert-Set 'p@contoso.com' UserCertificate @($A)
}
Test-Case 'a contact that has it as another address, where a mailbox was expected' {
    Add-StandInRecipient -Address 'p@contoso.com' -Type 'MailContact' -External 'p@elsewhere.example'
    [void](New-Folder @(, @(Get-Line 1 'p@contoso.com' 'mailbox' $A)))
    Assert-Row (Invoke-Script) 'p@contoso.com' 'unexpected-contact'
}
Test-Case 'fewer than 20, all synchronised: the other target is named all the same' {
    Start-One @{ IsDirSynced = $true }
    Assert-Says (Invoke-Script) @('All of these recipients are synchronised', '--target active-directory')
}
Test-Case 'after a preview and after a pilot the next command is said' {
    Start-Five
    $r = Invoke-Script @{ WhatIf = $true }
    Assert-Says $r @("To do it:    & '$Script' -Path '$script:Folder' -AllowUnsigned -DelayMilliseconds 0")
    $r = Invoke-Script @{ First = 3 }
    Assert-Says $r @("Everybody:   & '$Script' -Path '$script:Folder' -AllowUnsigned -DelayMilliseconds 0 -Journal '")
}
Test-Case 'the command that goes on works as it is printed' {
    Start-Five
    Add-StandInFault -Command 'Set-Mailbox' -At 3 -Kind 'session'
    $r = Invoke-Script @{ Exclude = @('u1@contoso.com', 'u4@contoso.com') }
    $command = [regex]::Match($r.Text, 'then   (& .+)').Groups[1].Value
    $said = & ([scriptblock]::Create($command)) *>&1
    Assert-Equal $LASTEXITCODE 0 "exit code of $command"
    foreach ($n in 2, 3, 5) { Assert-Set "u$n@contoso.com" UserCertificate @($A) }
    foreach ($n in 1, 4) { Assert-Set "u$n@contoso.com" UserCertificate @($Old) }
}
