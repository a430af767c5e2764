# Whether a run may start: the folder, transfer.json, the payload's form, the session, the output files. Run by run.ps1.

function Start-Plain([hashtable] $Json = @{}) {
    Add-StandInRecipient -Address 'anna@contoso.com'
    return New-Folder @(, @(Get-Line 1 'anna@contoso.com' 'mailbox' $A)) $Json
}
function Edit-File([string] $Name, [scriptblock] $Change) {
    $file = [IO.Path]::Combine($script:Folder, $Name)
    [IO.File]::WriteAllText($file, (& $Change ([IO.File]::ReadAllText($file))))
}

Test-Case 'a changed payload file is refused and named' { [void](Start-Plain); Edit-File 'payload/0001.ndjson' { param($t) $t.Replace('anna', 'anne') }; Assert-Refused (Invoke-Script) @('changed file: payload/0001.ndjson', 'Next:') }
Test-Case 'a changed transfer.json is refused' { [void](Start-Plain); Edit-File 'transfer.json' { param($t) $t + ' ' }; Assert-Refused (Invoke-Script) @('changed file: transfer.json') }
Test-Case 'a changed script is refused' { [void](Start-Plain); Edit-File 'Publish-SmimeCertificate.ps1' { param($t) $t.Replace("`n", "`r`n") }; Assert-Refused (Invoke-Script) @('changed file: Publish-SmimeCertificate.ps1') }
Test-Case 'a missing file is refused and named' { [void](Start-Plain); [IO.File]::Delete([IO.Path]::Combine($script:Folder, 'HANDOVER.txt')); Assert-Refused (Invoke-Script) @('missing file: HANDOVER.txt') }
Test-Case 'an extra file is refused and named' { [void](Start-Plain); [IO.File]::WriteAllText([IO.Path]::Combine($script:Folder, 'payload', '0002.ndjson'), 'x'); Assert-Refused (Invoke-Script) @('extra file: payload/0002.ndjson') }
Test-Case 'a hidden extra file is refused' { [void](Start-Plain); [IO.File]::WriteAllText([IO.Path]::Combine($script:Folder, '.DS_Store'), 'x'); Assert-Refused (Invoke-Script) @('extra file: .DS_Store') }
Test-Case 'an extra folder is refused' { [void](Start-Plain); [void][IO.Directory]::CreateDirectory([IO.Path]::Combine($script:Folder, 'more')); Assert-Refused (Invoke-Script) @('extra folder: more/') }
Test-Case 'a file of the same name in other letters is extra, and the right one missing' { [void](Start-Plain); [IO.File]::Move([IO.Path]::Combine($script:Folder, 'HANDOVER.txt'), [IO.Path]::Combine($script:Folder, 'handover.txt')); Assert-Refused (Invoke-Script) @('extra file: handover.txt', 'missing file: HANDOVER.txt') }
Test-Case 'swapped payload files are refused' {
    foreach ($n in 'a', 'b') { Add-StandInRecipient -Address "$n@contoso.com" }
    [void](New-Folder @(@(Get-Line 1 'a@contoso.com' 'mailbox' $A), @(Get-Line 2 'b@contoso.com' 'mailbox' $A)))
    $p = [IO.Path]::Combine($script:Folder, 'payload')
    [IO.File]::Move("$p/0001.ndjson", "$p/x"); [IO.File]::Move("$p/0002.ndjson", "$p/0001.ndjson"); [IO.File]::Move("$p/x", "$p/0002.ndjson")
    Assert-Refused (Invoke-Script) @('changed file: payload/0001.ndjson', 'changed file: payload/0002.ndjson')
}
Test-Case 'payload files beyond the 9 999th have a letter, and are read in order' {
    foreach ($n in 'a', 'b') { Add-StandInRecipient -Address "$n@contoso.com" }
    [void](New-Folder @(@(Get-Line 1 'a@contoso.com' 'mailbox' $A), @(Get-Line 2 'b@contoso.com' 'mailbox' $A)))
    $p = [IO.Path]::Combine($script:Folder, 'payload')
    [IO.File]::Move("$p/0002.ndjson", "$p/a10000.ndjson")
    Write-HashList $script:Folder
    $r = Invoke-Script
    Assert-Equal $r.Code 0 'exit code'
    Assert-Equal (@($r.Rows | ForEach-Object { $_.address }) -join ',') 'a@contoso.com,b@contoso.com' 'order'
}
Test-Case 'the signature file may be there unlisted' { [void](Start-Plain); [IO.File]::WriteAllText([IO.Path]::Combine($script:Folder, 'SHA256SUMS.p7s'), 'x'); Assert-Equal (Invoke-Script).Code 0 'exit code' }
Test-Case 'SHA256SUMS: missing' { [void](Start-Plain); [IO.File]::Delete([IO.Path]::Combine($script:Folder, 'SHA256SUMS')); Assert-Refused (Invoke-Script) @('no file SHA256SUMS') }
Test-Case 'SHA256SUMS: cut off' { [void](Start-Plain); Edit-File 'SHA256SUMS' { param($t) $t.Substring(0, $t.Length - 5) }; Assert-Refused (Invoke-Script) @('cut off') }
Test-Case 'SHA256SUMS: empty' { [void](Start-Plain); Edit-File 'SHA256SUMS' { '' }; Assert-Refused (Invoke-Script) @('empty or cut off') }
Test-Case 'SHA256SUMS: Windows line ends' { [void](Start-Plain); Edit-File 'SHA256SUMS' { param($t) $t.Replace("`n", "`r`n") }; Assert-Refused (Invoke-Script) @('SHA256SUMS, line 1', 'as binary files') }
Test-Case 'SHA256SUMS: a name that leads out of the folder' { [void](Start-Plain); Edit-File 'SHA256SUMS' { param($t) $t + ('a' * 64) + "  ../x`n" }; Assert-Refused (Invoke-Script) @("is not '<hash>  <name>'") }
Test-Case 'SHA256SUMS: a name twice' { [void](Start-Plain); Edit-File 'SHA256SUMS' { param($t) $t + ('a' * 64) + "  HANDOVER.txt`n" }; Assert-Refused (Invoke-Script) @('names HANDOVER.txt twice') }
Test-Case 'the whole bundle named instead of its transfer half' { [void](Start-Plain); Assert-Refused (Invoke-Script @{ Path = $script:Dir }) @('You named the whole bundle', [IO.Path]::Combine($script:Dir, 'transfer')) }
Test-Case 'a folder that does not exist' { Assert-Refused (Invoke-Script @{ Path = [IO.Path]::Combine($script:Dir, 'nowhere') }) @('There is no transfer folder') }
Test-Case 'paths with blanks and brackets' {
    Add-StandInRecipient -Address 'anna@contoso.com'
    [void](New-Folder @(, @(Get-Line 1 'anna@contoso.com' 'mailbox' $A)) @{} "over [1] it's")
    [void][IO.Directory]::CreateDirectory([IO.Path]::Combine($script:Dir, 'out [2]'))
    $r = Invoke-Script @{ Journal = "out [2]/j.ndjson" }
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
    Assert-That ([IO.File]::Exists([IO.Path]::Combine($script:Dir, 'out [2]', 'j.ndjson'))) 'the journal is elsewhere'
}
Test-Case 'a separator at the end of -Path changes nothing' {
    [void](Start-Plain)
    Assert-Refused (Invoke-Script @{ Path = $script:Folder + '/'; Journal = [IO.Path]::Combine($script:Folder, 'j.ndjson') }) @('The Journal file would lie in the transfer folder')
    Assert-Equal (Invoke-Script @{ Path = $script:Folder + '/' }).Code 0 'exit code'
}
Test-Case 'a folder beside it whose name begins alike is no part of it' {
    [void](Start-Plain)
    [void][IO.Directory]::CreateDirectory($script:Folder + '-out')
    Assert-Equal (Invoke-Script @{ Journal = $script:Folder + '-out/j.ndjson' }).Code 0 'exit code'
}
Test-Case 'a copy of the script with Windows line ends, elsewhere, does the same' {
    [void](Start-Plain)
    $copy = "$script:Dir/signed copy.ps1"
    [IO.File]::WriteAllText($copy, [IO.File]::ReadAllText($Script).Replace("`n", "`r`n"))
    Assert-Row (Invoke-Script -Copy $copy) 'anna@contoso.com' 'updated'
}
Test-Case 'an expired bundle is refused' { [void](Start-Plain @{ validUntil = '2020-01-01T00:00:00Z' }); Assert-Refused (Invoke-Script) @('expired at 2020-01-01 00:00:00Z') }
Test-Case 'a bundle that ends in a minute is taken' { [void](Start-Plain @{ validUntil = [datetime]::UtcNow.AddMinutes(1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [cultureinfo]::InvariantCulture) }); Assert-Equal (Invoke-Script).Code 0 'exit code' }
Test-Case 'a bundle that ended a minute ago is refused' { [void](Start-Plain @{ validUntil = [datetime]::UtcNow.AddMinutes(-1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [cultureinfo]::InvariantCulture) }); Assert-Refused (Invoke-Script) @('expired at') }
Test-Case 'a time that is none is refused' { [void](Start-Plain @{ validUntil = 'soon' }); Assert-Refused (Invoke-Script) @("'validUntil' is not a time") }
Test-Case 'stale revocation lists are said' { [void](Start-Plain @{ revocationFreshUntil = '2020-01-01T00:00:00Z' }); Assert-Says (Invoke-Script) @('were fresh until 2020-01-01') }
Test-Case 'UNVERIFIED is refused' { [void](Start-Plain @{ unverified = $true }); Assert-Refused (Invoke-Script) @('UNVERIFIED', '-AllowUnverified') }
Test-Case 'UNVERIFIED goes with -AllowUnverified, and is said' { [void](Start-Plain @{ unverified = $true }); $r = Invoke-Script @{ AllowUnverified = $true }; Assert-Equal $r.Code 0 'exit code'; Assert-Says $r @('UNVERIFIED: nobody checked') }
Test-Case 'unverified as a text is refused' { [void](Start-Plain @{ unverified = 'false' }); Assert-Refused (Invoke-Script) @("'unverified'") }
Test-Case '-BundleId: the right one' { [void](Start-Plain); Assert-Equal (Invoke-Script @{ BundleId = $Ids.ToUpperInvariant() }).Code 0 'exit code' }
Test-Case '-BundleId: another one is refused' { [void](Start-Plain); Assert-Refused (Invoke-Script @{ BundleId = 'f' * 64 }) @("This is the bundle $Ids") }
Test-Case '-BundleId: the beginning alone is not enough' { [void](Start-Plain); Assert-Refused (Invoke-Script @{ BundleId = $Ids.Substring(0, 12) }) @('This is the bundle') }
foreach ($key in 'schema', 'id', 'validUntil', 'counts', 'unverified') {
    Test-Case "transfer.json without $key is refused" { [void](Start-Plain @{ $key = '-' }); Assert-Refused (Invoke-Script) @('transfer.json', $key) }
}
Test-Case 'transfer.json cut off is refused' { [void](Start-Plain); Edit-File 'transfer.json' { param($t) $t.Substring(0, $t.Length - 20) }; Write-HashList $script:Folder; Assert-Refused (Invoke-Script) @('transfer.json') }
Test-Case 'fewer recipients than transfer.json says' { [void](Start-Plain @{ counts = [ordered]@{ recipients = 2; userCertificate = 1; userSMIMECertificate = 0; files = 1 } }); Assert-Refused (Invoke-Script) @('The payload holds 1 recipients', 'transfer.json says 2 recipients') }
Test-Case 'fewer values than transfer.json says' { [void](Start-Plain @{ counts = [ordered]@{ recipients = 1; userCertificate = 2; userSMIMECertificate = 0; files = 1 } }); Assert-Refused (Invoke-Script) @('1 + 0 values', '2 + 0 values') }
$bad = [ordered]@{
    'a cut array'         = '{"number":1,"address":"a@contoso.com","kind":"mailbox","userCertificate":["' + $A + '"'
    'no JSON'             = 'hello'
    'an array'            = '[1]'
    'an empty line'       = ''
    'an unknown key'      = '{"number":1,"address":"a@contoso.com","kind":"mailbox","delta":[]}'
    'an unknown kind'     = '{"number":1,"address":"a@contoso.com","kind":"Mailbox"}'
    'null for a set'      = '{"number":1,"address":"a@contoso.com","kind":"mailbox","userCertificate":null}'
    'a text for a set'    = '{"number":1,"address":"a@contoso.com","kind":"mailbox","userCertificate":"' + $A + '"}'
    'a value not base64'  = '{"number":1,"address":"a@contoso.com","kind":"mailbox","userCertificate":["MIIB*"]}'
    'an empty value'      = '{"number":1,"address":"a@contoso.com","kind":"mailbox","userCertificate":[""]}'
    'a number as address' = '{"number":1,"address":5,"kind":"mailbox"}'
    'an oversized value'  = '{"number":1,"address":"a@contoso.com","kind":"mailbox","userCertificate":["' + (Get-Value 'x' 32769) + '"]}'
    'raw UTF-8'           = '{"number":1,"address":"' + [char]0xE4 + '@contoso.com","kind":"mailbox"}'
}
foreach ($what in $bad.Keys) {
    Test-Case "payload line: $what is refused before anything is written" {
        Add-StandInRecipient -Address 'anna@contoso.com'
        [void](New-Folder @(, @((Get-Line 7 'anna@contoso.com' 'mailbox' $A), $bad[$what])))
        Assert-Refused (Invoke-Script) @('payload/0001.ndjson, line 2')
    }
}
Test-Case 'one address twice in the payload is refused' {
    [void](New-Folder @(, @((Get-Line 1 'a@contoso.com' 'mailbox' $A), (Get-Line 2 'A@contoso.com' 'mailbox' $B))))
    Assert-Refused (Invoke-Script) @('names A@contoso.com twice')
}
Test-Case 'an empty payload is done at once' { [void](New-Folder @()); $r = Invoke-Script; Assert-Equal $r.Code 0 "exit code ($($r.Text))"; Assert-Says $r @('nothing to do') }
Test-Case 'no session: says how to open one' {
    [void](Start-Plain)
    Remove-Module StandIn
    try { $r = Invoke-Script } finally { Import-Module ([IO.Path]::Combine($Here, 'StandIn.psm1')) -Force }
    Assert-Equal $r.Code 2 'exit code'
    Assert-Says $r @('No Exchange Online session is open', 'Connect-ExchangeOnline -UserPrincipalName', 'Install-Module ExchangeOnlineManagement', 'never signs in')
}
Test-Case 'a session without a cmdlet''s parameter: names it and the role' {
    [void](Start-Plain)
    function global:Set-MailContact { [CmdletBinding()] param($Identity, $UserCertificate) "$Identity$UserCertificate" }
    try { $r = Invoke-Script } finally { [void](Remove-Item -LiteralPath function:Set-MailContact); Import-Module ([IO.Path]::Combine($Here, 'StandIn.psm1')) -Force }
    Assert-Refused $r @('does not offer: Set-MailContact -UserSMimeCertificate', 'Exchange Recipient Administrator')
}
Test-Case 'an output file in the transfer folder is refused' { [void](Start-Plain); Assert-Refused (Invoke-Script @{ Journal = [IO.Path]::Combine($script:Folder, 'j.ndjson') }) @('The Journal file would lie in the transfer folder', 'Set-Location ..') }
Test-Case 'so is one in a sub-folder of it, and the default place when it is the current folder' {
    [void](Start-Plain)
    Assert-Refused (Invoke-Script @{ Result = [IO.Path]::Combine($script:Folder, 'payload', 'r.csv') }) @('The Result file would lie in the transfer folder')
    Set-Location -LiteralPath $script:Folder
    Assert-Refused (Invoke-Script @{ Path = '.'; AllowUnsigned = $true } -Plain) @('would lie in the transfer folder')
}
Test-Case 'a result file that exists is refused' { [void](Start-Plain); [IO.File]::WriteAllText("$script:Dir/r.csv", 'mine'); Assert-Refused (Invoke-Script @{ Result = "$script:Dir/r.csv" }) @('The Result file cannot be created'); Assert-Equal ([IO.File]::ReadAllText("$script:Dir/r.csv")) 'mine' 'file' }
Test-Case 'a folder for the journal that does not exist is refused' { [void](Start-Plain); Assert-Refused (Invoke-Script @{ Journal = "$script:Dir/no/j.ndjson" }) @('The folder for the Journal file does not exist') }
Test-Case 'a journal of another bundle is refused' {
    [void](Start-Plain); Assert-Equal (Invoke-Script).Code 0 'exit code'
    Initialize-StandIn
    [void](Start-Plain @{ id = 'f' * 64 })
    Assert-Refused (Invoke-Script) @("belongs to another bundle ($Ids)")
}
Test-Case 'a journal that is none is refused' { [void](Start-Plain); [IO.File]::WriteAllText("$script:Dir/journal.ndjson", "hello`n"); Assert-Refused (Invoke-Script) @('line 1 is not a record', 'Keep this file') }
Test-Case 'a journal with Windows line ends is refused' {
    [void](Start-Plain); [void](Invoke-Script)
    Initialize-StandIn
    [IO.File]::WriteAllText("$script:Dir/journal.ndjson", [IO.File]::ReadAllText("$script:Dir/journal.ndjson").Replace("`n", "`r`n"))
    Assert-Refused (Invoke-Script @{ Rollback = $true }) @('was edited')
}
Test-Case 'a journal in use by another run is refused' {
    [void](Start-Plain)
    $lock = [IO.FileStream]::new("$script:Dir/journal.ndjson", 'OpenOrCreate', 'ReadWrite', 'None')
    try { Assert-Refused (Invoke-Script) @('The journal cannot be opened', 'wait for its end') } finally { $lock.Dispose() }
}
Test-Case 'a record that was being written when the computer stopped is dropped' {
    Add-StandInRecipient -Address 'anna@contoso.com' -UserCertificate $Old
    [void](New-Folder @(, @(Get-Line 1 'anna@contoso.com' 'mailbox' $A)))
    [void](Invoke-Script)
    [IO.File]::AppendAllText("$script:Dir/journal.ndjson", '{"type":"before","address":"a}')
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'unchanged'
    Assert-That ([IO.File]::ReadAllText("$script:Dir/journal.ndjson").IndexOf('a}') -lt 0) 'the torn record is still there'
    Assert-Row (Invoke-Script @{ Rollback = $true }) 'anna@contoso.com' 'restored'
}
Test-Case '-Rollback without -Journal, and with one that is not there' {
    Assert-Refused (Invoke-Script @{ Rollback = $true } -Plain) @('-Rollback needs the journal', 'the current folder holds 0')
    Assert-Refused (Invoke-Script @{ Rollback = $true }) @('There is no journal at')
}
Test-Case '-Rollback without -Journal takes the only one in the current folder, and none of two' {
    Start-Plain | Out-Null
    [void](Invoke-Script @{ Path = $script:Folder; AllowUnsigned = $true } -Plain)
    [IO.File]::Copy("$script:Dir/smime-journal-0123456789ab.ndjson", "$script:Dir/smime-journal-other.ndjson")
    $r = Invoke-Script @{ Rollback = $true } -Plain
    Assert-Equal $r.Code 2 'exit code'; Assert-Says $r @('the current folder holds 2')
    [IO.File]::Delete("$script:Dir/smime-journal-other.ndjson")
    $r = Invoke-Script @{ Rollback = $true; Path = $script:Folder; AllowUnsigned = $true; BundleId = $Ids } -Plain
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
    Assert-Says $r @('-Rollback has no use for -Path, -AllowUnsigned: left aside.')
    Assert-Set 'anna@contoso.com' UserCertificate @()
}
Test-Case '-Rollback with the -BundleId of another journal is refused' {
    Start-Plain | Out-Null
    [void](Invoke-Script)
    $calls = @(Get-StandInCall).Count
    $r = Invoke-Script @{ Rollback = $true; BundleId = 'f' * 64 }
    Assert-Equal $r.Code 2 'exit code'; Assert-Says $r @("is that of the bundle $Ids")
    Assert-Equal @(Get-StandInCall).Count $calls 'calls'
}
foreach ($pair in @(@{ Rollback = $true; VerifyOnly = $true }, @{ Rollback = $true; Inventory = 'x' }, @{ VerifyOnly = $true; Inventory = 'x' })) {
    Test-Case "a run does one thing: $(@($pair.Keys | Sort-Object) -join ' and ')" { Start-Plain | Out-Null; Assert-Refused (Invoke-Script $pair -Plain) @('were given together; a run does one of them') }
}
foreach ($one in @(@('Inventory', 'Only', 'a@contoso.com'), @('Inventory', 'Journal', 'j'), @('Rollback', 'Overwrite', $true), @('Rollback', 'MaxRemovals', '3'), @('VerifyOnly', 'TrustBackup', 't'), @('', 'AllowTrustRemoval', $true))) {
    Test-Case "what a run does not use is refused: -$($one[1]) with -$($one[0])" {
        Start-Plain | Out-Null
        $with = @{ Path = $script:Folder; AllowUnsigned = $true; $one[1] = $one[2] }
        if ($one[0]) { $with[$one[0]] = $(if ($one[0] -eq 'Inventory') { 'i.ndjson' } else { $true }) }
        Assert-Refused (Invoke-Script $with -Plain) @("-$($one[1]) was given with", "eave -$($one[1]) out")
    }
}
foreach ($tells in $true, $false) {
    Test-Case "the session is named where the module tells whose it is ($tells)" {
        Start-Plain | Out-Null
        function global:Get-ConnectionInformation { [CmdletBinding()] param() if ($tells) { [pscustomobject]@{ UserPrincipalName = 'admin@contoso.com'; Organization = 'contoso.onmicrosoft.com' } } else { throw 'no' } }
        try { $r = Invoke-Script } finally { Remove-Item -LiteralPath function:Get-ConnectionInformation }
        Assert-Equal $r.Code 0 'exit code'
        Assert-Says $r @($(if ($tells) { 'Session: admin@contoso.com, contoso.onmicrosoft.com' } else { 'Session: not known' }))
    }
}

# ---- edited, and the hash list made anew: what only the counts, the id and the signature can show

Test-Case 'a recipient taken out, hashes made anew: the counts show it' {
    foreach ($n in 'a', 'b') { Add-StandInRecipient -Address "$n@contoso.com" }
    [void](New-Folder @(, @((Get-Line 1 'a@contoso.com' 'mailbox' $A), (Get-Line 2 'b@contoso.com' 'mailbox' $A))))
    Edit-File 'payload/0001.ndjson' { param($t) $t.Substring(0, $t.IndexOf("`n") + 1) }; Write-HashList $script:Folder
    Assert-Refused (Invoke-Script) @('The payload holds 1 recipients', 'transfer.json says 2 recipients')
}
Test-Case 'a value added, hashes made anew: the counts show it' {
    Start-Plain | Out-Null
    Edit-File 'payload/0001.ndjson' { param($t) $t.Replace("""$A""", """$A"",""$B""") }; Write-HashList $script:Folder
    Assert-Refused (Invoke-Script) @('1 recipients, 2 + 0 values', '1 recipients, 1 + 0 values')
}
Test-Case 'a payload file of another bundle, hashes made anew: the counts show it' {
    Start-Plain | Out-Null
    [IO.File]::WriteAllText("$script:Folder/payload/0002.ndjson", (Get-Line 2 'b@contoso.com' 'mailbox' $A) + "`n"); Write-HashList $script:Folder
    Assert-Refused (Invoke-Script) @('2 recipients', '2 files', '1 files')
}
Test-Case 'the transfer.json of another bundle, hashes made anew: the id shows it' {
    Start-Plain | Out-Null
    Edit-File 'transfer.json' { param($t) $t.Replace($Ids, 'f' * 64) }; Write-HashList $script:Folder
    Assert-Refused (Invoke-Script @{ BundleId = $Ids }) @("This is the bundle $('f' * 64)")
}
Test-Case 'a value exchanged, hashes made anew: the hash of the list is said, to be compared' {
    Start-Plain | Out-Null
    $before = (Get-FileHash -LiteralPath "$script:Folder/SHA256SUMS").Hash.ToLowerInvariant()
    Edit-File 'payload/0001.ndjson' { param($t) $t.Replace($A, $B) }; Write-HashList $script:Folder
    $after = (Get-FileHash -LiteralPath "$script:Folder/SHA256SUMS").Hash.ToLowerInvariant()
    $r = Invoke-Script
    Assert-Says $r @("SHA-256 of SHA256SUMS: $after")
    Assert-That ($before -cne $after -and $r.Text.IndexOf($before, [StringComparison]::Ordinal) -lt 0) 'the hash of the list did not change'
}
Test-Case 'one value twice in a set is refused' {
    [void](New-Folder @(, @(Get-Line 1 'a@contoso.com' 'mailbox' @($A, $A))))
    Assert-Refused (Invoke-Script) @('payload/0001.ndjson, line 1')
}
Test-Case 'a payload with Windows line ends, hashed so, is read alike' {
    Start-Plain | Out-Null
    Edit-File 'payload/0001.ndjson' { param($t) $t.Replace("`n", "`r`n") }; Write-HashList $script:Folder
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'updated'
}
