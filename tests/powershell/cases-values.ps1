# What would be lost: values from elsewhere (-Overwrite), last certificates (-MaxRemovals). Run by run.ps1.

$Foreign = "*CN=C, thumbprint $($Made[$C].Thumbprint), valid until *"
Test-Case 'an unexpired value from elsewhere: foreign-values, named, nothing written' {
    Start-One @{ UserCertificate = @($C, $Old) }
    $r = Invoke-Script
    Assert-Equal $r.Code 1 'exit code'
    Assert-Row $r 'anna@contoso.com' 'foreign-values' $Foreign
    Assert-That (-not $r.Rows[0].detail.Contains('CN=Old')) 'the expired one is named too'
    Assert-Equal @(Get-StandInCall 'Set-*').Count 0 'writing calls'
    Assert-Says $r @('Nothing was written', '-Overwrite')
}
Test-Case '-WhatIf says foreign-values too' { Start-One @{ UserCertificate = @($C) }; $r = Invoke-Script @{ WhatIf = $true }; Assert-Equal $r.Code 1 'exit code'; Assert-Row $r 'anna@contoso.com' 'foreign-values' }
Test-Case '-Overwrite replaces it, and the rollback brings it back' {
    Start-One @{ UserCertificate = @($C, $Old) }
    $r = Invoke-Script @{ Overwrite = $true }
    Assert-Equal $r.Code 0 'exit code'
    Assert-Row $r 'anna@contoso.com' 'updated'
    Assert-Set 'anna@contoso.com' UserCertificate @($A)
    Assert-Row (Invoke-Script @{ Rollback = $true }) 'anna@contoso.com' 'restored'
    Assert-Set 'anna@contoso.com' UserCertificate @($C, $Old)
}
Test-Case 'what was replaced once with -Overwrite is known afterwards' {
    Start-One @{ UserCertificate = @($C) }
    [void](Invoke-Script @{ Overwrite = $true })
    [void](Invoke-Script @{ Rollback = $true })
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
}
Test-Case 'one foreign value never stops the others' {
    Add-StandInRecipient -Address 'a@contoso.com' -UserCertificate $C
    Add-StandInRecipient -Address 'b@contoso.com'
    [void](New-Folder @(, @((Get-Line 1 'a@contoso.com' 'mailbox' $A), (Get-Line 2 'b@contoso.com' 'mailbox' $B))))
    $r = Invoke-Script
    Assert-Row $r 'a@contoso.com' 'foreign-values'; Assert-Row $r 'b@contoso.com' 'updated'
}
Test-Case 'a value that the bundle has for the other attribute is no foreign one' { Start-One @{ UserCertificate = @($C) } $A $C; Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated' }
Test-Case 'a foreign value in an attribute that is left alone does not matter' { Start-One @{ UserSMimeCertificate = @($C) }; Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'; Assert-Set 'anna@contoso.com' UserSMimeCertificate @($C) }
Test-Case 'a value that cannot be read counts as unexpired' { Start-One @{ UserCertificate = @((Get-Value 'junk')) }; Assert-Row (Invoke-Script) 'anna@contoso.com' 'foreign-values' '*cannot read (40 bytes, SHA-256 *' }
Test-Case 'a certificate with bytes behind it cannot be read' { Start-One @{ UserCertificate = @([Convert]::ToBase64String([Convert]::FromBase64String($Old) + [byte[]]@(0))) }; Assert-Row (Invoke-Script) 'anna@contoso.com' 'foreign-values' '*cannot read*' }
Test-Case 'CMS: unexpired when its certificate is' { Start-One @{ UserSMimeCertificate = @((Get-CmsValue $C)) } $A $B; Assert-Row (Invoke-Script) 'anna@contoso.com' 'foreign-values' '*userSMIMECertificate CN=C*' }
Test-Case 'CMS: expired when its certificates are' { Start-One @{ UserSMimeCertificate = @((Get-CmsValue $Old @($Old2))) } $A $B; Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated' }
Test-Case 'CMS: any unexpired one counts' { Start-One @{ UserSMimeCertificate = @((Get-CmsValue $Old @($D))) } $A $B; Assert-Row (Invoke-Script) 'anna@contoso.com' 'foreign-values' '*CN=D*' }
Test-Case 'CMS: the CA''s certificate beside it does not count' {
    $request = New-Object Security.Cryptography.X509Certificates.CertificateRequest('CN=Root', [Security.Cryptography.ECDsa]::Create(), [Security.Cryptography.HashAlgorithmName]::SHA256)
    $request.CertificateExtensions.Add((New-Object Security.Cryptography.X509Certificates.X509BasicConstraintsExtension($true, $false, 0, $true)))
    $root = [Convert]::ToBase64String($request.CreateSelfSigned([datetimeoffset]::UtcNow.AddDays(-1), [datetimeoffset]::UtcNow.AddYears(9)).RawData)
    Start-One @{ UserSMimeCertificate = @((Get-CmsValue $Old @($root))) } $A $B
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
}
Test-Case 'the value of an earlier bundle is known by its journal in the same folder' {
    Start-One
    Assert-Row (Invoke-Script @{ Journal = "$script:Dir/smime-journal-may.ndjson" }) 'anna@contoso.com' 'updated'
    [void](New-Folder @(, @(Get-Line 1 'anna@contoso.com' 'mailbox' $B)) @{ id = 'f' * 64 })
    $r = Invoke-Script @{ Journal = "$script:Dir/smime-journal-june.ndjson" }
    Assert-Row $r 'anna@contoso.com' 'updated'
    Assert-Set 'anna@contoso.com' UserCertificate @($B)
}
Test-Case 'without that journal it is foreign, and so it is for another recipient' {
    Start-One
    [void][IO.Directory]::CreateDirectory("$script:Dir/may")
    [void](Invoke-Script @{ Journal = "$script:Dir/may/j.ndjson" })
    Add-StandInRecipient -Address 'b@contoso.com' -UserCertificate $A
    [void](New-Folder @(, @((Get-Line 1 'anna@contoso.com' 'mailbox' $B), (Get-Line 2 'b@contoso.com' 'mailbox' $B))) @{ id = 'f' * 64 })
    $r = Invoke-Script @{ Journal = "$script:Dir/june.ndjson" }
    Assert-Row $r 'anna@contoso.com' 'foreign-values'
    [IO.File]::Copy("$script:Dir/may/j.ndjson", "$script:Dir/may.ndjson")
    $r = Invoke-Script @{ Journal = "$script:Dir/june.ndjson" }
    Assert-Row $r 'anna@contoso.com' 'updated'; Assert-Row $r 'b@contoso.com' 'foreign-values'
}
Test-Case 'a damaged journal beside this one is left aside and named' {
    Start-One @{ UserCertificate = @($C) }
    [IO.File]::WriteAllText("$script:Dir/other.ndjson", '{"type":"run","schema":"certferry-journal-1","mode":"publish","bundle":"x","time":"y"}' + "`nhello`n")
    [IO.File]::WriteAllText("$script:Dir/inventory.ndjson", '{"schema":"certferry-inventory-1"}' + "`n")
    $r = Invoke-Script
    Assert-Row $r 'anna@contoso.com' 'foreign-values'
    Assert-Says $r @('other.ndjson beside this one is damaged and is left aside: line 2')
}
Test-Case 'killed between journal and write: what was judged then is not judged anew' {
    # The record is there, the write was not made. The old value is known by the record itself.
    Start-One @{ UserCertificate = @($C) }
    Add-StandInFault -Command 'Set-Mailbox' -At 1 -Kind 'session'
    [void](Invoke-Script @{ Overwrite = $true })
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
}

# ---- removals

# N recipients who have a certificate; $Gone of them get nothing to encrypt to. $Keep: the attribute that stays.
function Start-Many([int] $Count, [int] $Gone, $Set = @(), [hashtable] $Person = @{ UserCertificate = @($C) }) {
    $lines = foreach ($n in 1..$Count) {
        Add-StandInRecipient -Address "m$n@contoso.com" @Person
        if ($n -le $Gone) { Get-Line $n "m$n@contoso.com" 'mailbox' $Set } else { Get-Line $n "m$n@contoso.com" 'mailbox' $A }
    }
    [void](New-Folder @(, @($lines)))
}
Test-Case 'removals: ten are allowed, without a single call more' {
    Start-Many 10 10
    $r = Invoke-Script @{ Overwrite = $true }
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
    Assert-Equal @(Get-StandInCall).Count 40 'calls'
}
Test-Case 'removals: eleven of eleven are refused before anything is written, named, with the way on' {
    Start-Many 11 11
    $r = Invoke-Script @{ Overwrite = $true }
    Assert-Refused $r @('11 recipients, of at most 11 who have one, would lose their last certificate', '5 % of those who have one, at least 10', 'add -MaxRemovals 11', 'm11@contoso.com')
    Assert-Equal $r.Rows.Count 11 'rows'
    Assert-Row $r 'm3@contoso.com' 'would-remove'
    Assert-That (-not [IO.File]::Exists("$script:Dir/journal.ndjson")) 'a journal was made'
    Assert-Equal (Invoke-Script @{ Overwrite = $true; MaxRemovals = '11' }).Code 0 'exit code with the limit raised'
}
Test-Case 'removals: refused with -WhatIf and without -Overwrite too' {
    Start-Many 11 11
    Assert-Refused (Invoke-Script @{ WhatIf = $true }) @('11 recipients')
    Assert-Refused (Invoke-Script) @('11 recipients')
}
Test-Case 'removals: per cent of those who have one, read until it is known' {
    # 11 of 230 are 4.8 %: allowed. 220 must be seen to have one: those 11, and 209 more.
    Start-Many 230 11
    $r = Invoke-Script @{ WhatIf = $true; Overwrite = $true }
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
    Assert-Equal @(Get-StandInCall).Count (2 * 220 + 2 * 230) 'calls'
    Assert-Says $r @('11 removals: within the limit.')
}
Test-Case 'removals: per cent of those who have one, and too many have none' {
    Start-Many 230 11
    foreach ($n in 12..40) { (Get-StandInRecipient "m$n@contoso.com").UserCertificate = [string[]]@($Old) }
    Assert-Refused (Invoke-Script @{ Overwrite = $true }) @('11 recipients, of 201 who have one')
}
Test-Case 'removals: a sign-only or expired set has nothing to encrypt to; another certificate has' {
    Start-Many 12 12 @($SignOnly, $Old)
    Assert-Refused (Invoke-Script @{ Overwrite = $true }) @('12 recipients')
    Initialize-StandIn; Start-Many 12 12 @($SignOnly, $B)
    Assert-Equal (Invoke-Script @{ Overwrite = $true }).Code 0 'exit code'
}
Test-Case 'removals: who had none, who keeps the other attribute, who is synchronised or not there, is none' {
    Start-Many 12 12 @() @{ UserCertificate = @($SignOnly) }
    Assert-Equal (Invoke-Script @{ Overwrite = $true }).Code 0 'had none'
    Initialize-StandIn; Start-Many 12 12 @() @{ UserCertificate = @($C); UserSMimeCertificate = @((Get-CmsValue $D)) }
    Assert-Equal (Invoke-Script @{ Overwrite = $true; Journal = "$script:Dir/2" }).Code 0 'keeps the other'
    Initialize-StandIn; Start-Many 12 12 @() @{ UserCertificate = @($C); IsDirSynced = $true }
    Assert-Equal (Invoke-Script @{ Overwrite = $true }).Code 1 'synchronised'
    Initialize-StandIn
    [void](New-Folder @(, @(1..12 | ForEach-Object { Get-Line $_ "n$_@contoso.com" 'mailbox' @() })))
    Assert-Equal (Invoke-Script).Code 1 'not there'
}
Test-Case 'removals: -MaxRemovals 0 refuses a single one; -First and -Exclude take them out' {
    Start-Many 3 1
    Assert-Refused (Invoke-Script @{ Overwrite = $true; MaxRemovals = '0' }) @('1 recipients', '-MaxRemovals 0')
    Assert-Equal (Invoke-Script @{ Overwrite = $true; MaxRemovals = '0'; Exclude = 'm1@contoso.com' }).Code 0 'exit code'
}
Test-Case 'removals: -MaxRemovals P% is exactly that' {
    Start-Many 20 2
    Assert-Refused (Invoke-Script @{ Overwrite = $true; MaxRemovals = '9.9%' }) @('2 recipients', '-MaxRemovals 9.9%')
    Assert-Equal (Invoke-Script @{ Overwrite = $true; MaxRemovals = '10 %' }).Code 0 'exit code'
}
foreach ($wrong in '-1', 'x', '5 percent', '101%', '%', '1e3', '5,5%') { Test-Case "-MaxRemovals $wrong is refused" { Start-One; Assert-Refused (Invoke-Script @{ MaxRemovals = $wrong }) @("-MaxRemovals '$wrong' is neither a number nor per cent") } }
Test-Case 'removals: a session lost while they are counted: not started' {
    Start-Many 11 11
    Add-StandInFault -Command 'Get-Mailbox' -At 5 -Kind 'session'
    Assert-Refused (Invoke-Script @{ Overwrite = $true }) @('lost while the removals were counted', 'Connect-ExchangeOnline')
}
Test-Case 'removals: who cannot be read counts as one' {
    Start-Many 11 11
    Add-StandInFault -Command 'Get-Mailbox' -At 5 -Kind 'denied'
    Assert-Refused (Invoke-Script @{ Overwrite = $true }) @('11 recipients')
}
Test-Case '-MaxFailures stops cleanly and says how to go on' {
    $lines = foreach ($n in 1..6) { Add-StandInRecipient -Address "f$n@contoso.com" -UserCertificate $(if ($n -in 2, 4, 5) { $C } else { $Old }); Get-Line $n "f$n@contoso.com" 'mailbox' $A }
    [void](New-Folder @(, @($lines)))
    $r = Invoke-Script @{ MaxFailures = 2 }
    Assert-Equal $r.Code 1 'exit code'
    Assert-Equal ($r.Rows.number -join ',') '1,2,3,4' 'taken'
    Assert-Says $r @('2 recipients need a person, and -MaxFailures is 2', 'To go on:', '-MaxFailures 2', '(not reached)            2')
    Assert-Row (Invoke-Script @{ MaxFailures = 9 }) 'f6@contoso.com' 'updated'
}
Test-Case '-MaxFailures in a rollback' {
    Start-Five
    [void](Invoke-Script)
    foreach ($n in 1, 2) { (Get-StandInRecipient "u$n@contoso.com").UserCertificate = [string[]]@($C) }
    $r = Invoke-Script @{ Rollback = $true; MaxFailures = 2 }
    Assert-Equal $r.Rows.Count 2 'rows'
    Assert-Says $r @('-MaxFailures is 2')
}
