# -PublishTrustStore: what is uploaded, listed, saved, refused, retried, undone. Run by run.ps1.

$Authorities = @{}
function Get-Authority([string] $Name) {
    if ($Authorities.ContainsKey($Name)) { return $Authorities[$Name] }
    $from = [datetime]::UtcNow.AddYears(-5)
    $Authorities[$Name] = switch ($Name) {
        'expired' { New-Certificate 'CN=Old Root, O=Contoso' -Kind 'nistP256' -From $from -Until ([datetime]::UtcNow.AddDays(-1)) }
        'expired2' { New-Certificate 'CN=Older Root, O=Contoso' -Kind 'nistP256' -From $from -Until ([datetime]::UtcNow.AddSeconds(-5)) }
        # CN = ESC "]0;x", BEL, U+202E, "tooR"
        'hostile' { New-Certificate ([byte[]]([byte[]](0x30, 0x1b, 0x31, 0x19, 0x30, 0x17, 6, 3, 0x55, 4, 3, 0x0c, 0x10) + [Text.Encoding]::UTF8.GetBytes("$([char]27)]0;x$([char]7)$([char]0x202e)tooR..."))) -Kind 'nistP256' }
        default { New-Certificate "CN=$Name, O=Contoso" -Kind 'nistP256' -From $from -Until ([datetime]::UtcNow.AddYears(3)) }
    }
    return $Authorities[$Name]
}

function Get-Number([long] $Value) { return , [byte[]]@(($Value -band 255), (($Value -shr 8) -band 255), (($Value -shr 16) -band 255), (($Value -shr 24) -band 255)) }
function Get-StoreElement([long] $Id, [byte[]] $Data, [long] $Encoding = 1, [long] $Length = -1) { return [byte[]]((Get-Number $Id) + (Get-Number $Encoding) + (Get-Number $(if ($Length -ge 0) { $Length } else { $Data.Length })) + $Data) }
$Opening = [byte[]](0, 0, 0, 0, 0x43, 0x45, 0x52, 0x54)
$Closing = New-Object byte[] 12
# A store of the named authorities. Properties: as Windows writes them, 'before' its certificate, or 'after' it.
function Get-Store([string[]] $Names, [string] $Properties = '') {
    $bytes = $Opening
    foreach ($name in $Names) {
        $der = (Get-Authority $name).RawData
        # CERT_SHA1_HASH_PROP_ID, CERT_FRIENDLY_NAME_PROP_ID and one of the ids that programs choose.
        $more = (Get-StoreElement 3 ([Security.Cryptography.SHA1]::Create().ComputeHash($der))) + (Get-StoreElement 11 ([Text.Encoding]::Unicode.GetBytes("$name`0"))) + (Get-StoreElement 0x8001 @())
        if ($Properties -eq 'before') { $bytes += $more }
        $bytes += Get-StoreElement 32 $der
        if ($Properties -eq 'after') { $bytes += $more }
    }
    return , [byte[]]($bytes + $Closing)
}

# A bundle with this trust.sst ($null: without one), and a tenant with this store.
function Start-Trust([byte[]] $New, [byte[]] $Old = $null, [string] $Shape = 'bytes', [hashtable] $Json = @{}, [string] $Name = 'transfer') {
    [void](New-Folder @(, @(Get-Line 1 'anna@contoso.com' 'mailbox' $A)) $Json $Name)
    if ($null -ne $New) { [IO.File]::WriteAllBytes("$script:Folder/trust.sst", $New); Write-HashList $script:Folder }
    Initialize-StandInTrust -Store $Old -Shape $Shape
}
function Invoke-Trust([hashtable] $With = @{}) {
    $arguments = @{ Path = $script:Folder; AllowUnsigned = $true; PublishTrustStore = $true }
    foreach ($key in $With.Keys) { if ($null -eq $With[$key]) { $arguments.Remove($key) } else { $arguments[$key] = $With[$key] } }
    return Invoke-Script $arguments -Plain
}
function Get-Saved { return @([IO.Directory]::GetFiles($script:Dir, 'smime-trust-*.sst')) }
function Assert-Saved([byte[]] $Bytes) {
    $files = @(Get-Saved)
    Assert-Equal $files.Count 1 'saved stores'
    Assert-Equal ([Convert]::ToBase64String([IO.File]::ReadAllBytes($files[0]))) ([Convert]::ToBase64String($Bytes)) 'the saved store'
}
function Assert-Trust([byte[]] $Bytes) { Assert-Equal ([Convert]::ToBase64String((Get-StandInTrust))) ([Convert]::ToBase64String($Bytes)) 'the store of the tenant' }
function Assert-Uploaded($Outcome, [byte[]] $Bytes, [int] $Writes = 1) {
    Assert-Equal $Outcome.Code 0 "exit code ($($Outcome.Text))"
    Assert-Says $Outcome @('updated: ', 'Read back: the tenant has exactly the certificates of this bundle', 'To undo:     Set-SmimeConfig -SMIMECertificateIssuingCA ')
    Assert-Equal @(Get-StandInCall 'Set-*').Count $Writes 'writing calls'
    Assert-Trust $Bytes
}

# ---- what it does -----------------------------------------------------------------------------------------------------

Test-Case 'trust: the first store of a tenant' {
    $new = Get-Store 'Root', 'Issuing'
    Start-Trust $new
    $r = Invoke-Trust
    Assert-Uploaded $r $new
    Assert-Says $r @('The tenant trusts 0 certificates for S/MIME now; it would be 2', '2 added, 0 kept, 0 dropped', 'To undo:     Set-SmimeConfig -SMIMECertificateIssuingCA $null')
    Assert-Equal @(Get-Saved).Count 0 'saved stores'
    $call = @(Get-StandInCall 'Set-*')[0]
    Assert-Equal "$($call.SMIMECertificateIssuingCA) $($call.ErrorAction) $($call.Confirm)" 'Byte[] Stop False' 'how it was called'
}
Test-Case 'trust: added and kept are listed by subject, thumbprint and end; the present store is saved first' {
    $old = Get-Store @('Root') 'before'; $new = Get-Store 'Root', 'Issuing'
    Start-Trust $new $old
    $r = Invoke-Trust
    Assert-Uploaded $r $new
    foreach ($pair in @('kept', 'Root'), @('added', 'Issuing')) {
        $c = Get-Authority $pair[1]
        Assert-Says $r @("  $($pair[0].PadRight(8)) CN=$($pair[1]), O=Contoso, SHA-1 $($c.Thumbprint), until $($c.NotAfter.ToUniversalTime().ToString('u', [cultureinfo]::InvariantCulture))")
    }
    Assert-Says $r @('1 added, 1 kept, 0 dropped')
    Assert-Saved $old
}
Test-Case 'trust: the undo line works as it is printed' {
    $old = Get-Store @('Root') 'before'
    Start-Trust (Get-Store 'Root', 'Issuing') $old -Name "it's [1] $([char]0x2018)quoted$([char]0x2019)"
    $odd = "$script:Dir/it's $([char]0x2018)here$([char]0x2019)"; [void][IO.Directory]::CreateDirectory($odd); Set-Location -LiteralPath $odd
    $r = Invoke-Trust
    $line = @($r.Text -split "`n" | Where-Object { $_ -like 'To undo:*' })[0].Substring(8)
    Assert-That ($line.IndexOf("ReadAllBytes('$([regex]::Replace($odd, "['\u2018\u2019]", '$0$0'))/smime-trust-") -gt 0) "the line: $line"
    & ([scriptblock]::Create($line))
    Assert-Trust $old
}
Test-Case 'trust: an equal set is unchanged, whatever its order and properties; nothing is written' {
    $old = Get-Store @('Issuing', 'Root') 'before'
    Start-Trust (Get-Store 'Root', 'Issuing') $old
    $r = Invoke-Trust
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
    Assert-Says $r @('unchanged: the tenant has exactly these certificates already', 'The present store is saved:')
    Assert-Equal @(Get-StandInCall 'Set-*').Count 0 'writing calls'
    Assert-Trust $old
}
Test-Case 'trust: after an upload the same command says unchanged' { Start-Trust (Get-Store @('Root')); [void](Invoke-Trust); Assert-Says (Invoke-Trust) @('unchanged:'); Assert-Equal @(Get-StandInCall 'Set-*').Count 1 'writing calls' }
Test-Case 'trust: properties after their certificate are read, too' { $new = Get-Store 'Root', 'Issuing'; Start-Trust $new (Get-Store @('Root') 'after'); $r = Invoke-Trust; Assert-Uploaded $r $new; Assert-Says $r @('1 added, 1 kept, 0 dropped') }
Test-Case 'trust: a store with properties is uploaded as it came' { $new = Get-Store @('Root', 'Issuing') 'before'; Start-Trust $new; Assert-Uploaded (Invoke-Trust) $new }
foreach ($shape in 'base64', 'numbers') {
    Test-Case "trust: the session returns the store as $shape" { $old = Get-Store @('Root'); $new = Get-Store 'Root', 'Issuing'; Start-Trust $new $old $shape; Assert-Uploaded (Invoke-Trust) $new; Assert-Saved $old }
}
Test-Case 'trust: an empty store in the tenant is none' { $new = Get-Store @('Root'); Start-Trust $new (New-Object byte[] 0); Assert-Uploaded (Invoke-Trust) $new; Assert-Equal @(Get-Saved).Count 0 'saved stores' }
Test-Case 'trust: a store without certificates in the tenant is saved all the same' { $old = [byte[]]($Opening + $Closing); $new = Get-Store @('Root'); Start-Trust $new $old; Assert-Uploaded (Invoke-Trust) $new; Assert-Saved $old }
Test-Case 'trust: signed by the right one' {
    $new = Get-Store @('Root'); Start-Trust $new; Write-NetSignature
    $r = Invoke-Trust @{ AllowUnsigned = $null; Signer = (Get-Print) }
    Assert-Uploaded $r $new; Assert-Says $r @('Signed by CN=Release signing, O=Contoso')
}
Test-Case 'trust: no other run uploads it' { Add-StandInRecipient -Address 'anna@contoso.com'; Start-Trust (Get-Store @('Root')); Assert-Equal (Invoke-Script).Code 0 'exit code'; Assert-Equal @(Get-StandInCall '*SmimeConfig').Count 0 'calls' }
Test-Case 'trust: recipients are not touched' { Add-StandInRecipient -Address 'anna@contoso.com'; Start-Trust (Get-Store @('Root')); [void](Invoke-Trust); Assert-Equal ((Get-StandInCall).command -join ',') 'Get-SmimeConfig,Set-SmimeConfig,Get-SmimeConfig' 'calls' }
Test-Case 'trust: a hostile subject cannot draw on the screen' {
    Start-Trust (Get-Store 'Root', 'hostile')
    $r = Invoke-Trust
    Assert-Says $r @('\u001B]0;x\u0007\u202EtooR')
    Assert-That ($r.Text.IndexOf([char]27) -lt 0 -and $r.Text.IndexOf([char]7) -lt 0 -and $r.Text.IndexOf([char]0x202e) -lt 0) 'control characters reached the screen'
}

# ---- drops ----------------------------------------------------------------------------------------------------------

Test-Case 'trust: a drop is refused, named, and the way to keep it said' {
    $old = Get-Store 'Root', 'Partner Root'
    Start-Trust (Get-Store 'Root', 'Issuing') $old
    $r = Invoke-Trust
    Assert-Refused $r @('  dropped  CN=Partner Root', "would no longer trust: CN=Partner Root, O=Contoso, SHA-1 $((Get-Authority 'Partner Root').Thumbprint)", "certferry convert --keep-trust '$(@(Get-Saved)[0])'", 'add -AllowTrustRemoval', 'The present store was saved to')
    Assert-Saved $old
    Assert-Trust $old
}
Test-Case 'trust: a drop goes with -AllowTrustRemoval' { $old = Get-Store 'Root', 'Partner Root'; $new = Get-Store @('Root'); Start-Trust $new $old; $r = Invoke-Trust @{ AllowTrustRemoval = $true }; Assert-Uploaded $r $new; Assert-Says $r @('0 added, 1 kept, 1 dropped'); Assert-Saved $old }
Test-Case 'trust: an expired certificate of the tenant is left out without a word, and named' {
    $new = Get-Store @('Root'); Start-Trust $new (Get-Store 'Root', 'expired')
    $r = Invoke-Trust
    Assert-Uploaded $r $new
    Assert-Says $r @('  expired  CN=Old Root', '0 added, 1 kept, 0 dropped, 1 expired and left out', 'may refuse that store as it was')
}
Test-Case 'trust: an expired one does not excuse a drop' { Start-Trust (Get-Store @('Root')) (Get-Store 'Root', 'expired', 'Partner Root'); Assert-Refused (Invoke-Trust) @('would no longer trust: CN=Partner Root') }
Test-Case 'trust: -WhatIf names a drop and refuses it as well, and writes no file' { Start-Trust (Get-Store @('Root')) (Get-Store 'Root', 'Partner Root'); Assert-Refused (Invoke-Trust @{ WhatIf = $true }) @('With -TrustBackup FILE the present store is saved', '--keep-trust SAVED.sst'); Assert-Equal @(Get-Saved).Count 0 'saved stores' }

# ---- asking -----------------------------------------------------------------------------------------------------------

Test-Case 'trust: -WhatIf shows everything, writes nothing' {
    $old = Get-Store @('Root'); Start-Trust (Get-Store 'Root', 'Issuing') $old
    $r = Invoke-Trust @{ WhatIf = $true }
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
    Assert-Says $r @('  added    CN=Issuing', 'Preview (nothing was written): 1 added, 1 kept, 0 dropped')
    Assert-Equal @(Get-StandInCall 'Set-*').Count 0 'writing calls'
    Assert-Equal @(Get-Saved).Count 0 'saved stores'
    Assert-Trust $old
}
Test-Case 'trust: -WhatIf saves the present store when it is named' { $old = Get-Store @('Root'); Start-Trust (Get-Store 'Root', 'Issuing') $old; [void](Invoke-Trust @{ WhatIf = $true; TrustBackup = "$script:Dir/smime-trust-mine.sst" }); Assert-Saved $old }
if (-not $Pwsh) { 'skipped: killed uploads of the trust store, -Confirm (no -Pwsh)' }
else {
    foreach ($answer in @(@('y', 1, 'updated: '), @('n', 0, 'declined: you said no'))) {
        Test-Case "trust: -Confirm, answered $($answer[0])" {
            $state = "$script:Dir/state"; Initialize-StandIn -StateFile $state
            Start-Trust (Get-Store @('Root'))
            $r = Invoke-Child $state @{ Path = $script:Folder; AllowUnsigned = $true; PublishTrustStore = $true; Confirm = $true } -Say ($answer[0] + "`n")
            Assert-Equal $r.Code 0 "exit code ($($r.Text))"
            Assert-Says $r @($answer[2])
            Assert-Equal ([IO.File]::ReadAllText("$state.trust").Length -gt 0) ($answer[1] -eq 1) 'uploaded'
        }
    }
    foreach ($kill in 'kill-before', 'kill-after') {
        Test-Case "trust: interrupted at the upload ($kill), then again: the first saved store is the original" {
            $state = "$script:Dir/state"; Initialize-StandIn -StateFile $state
            $old = Get-Store @('Root'); $new = Get-Store 'Root', 'Issuing'
            Start-Trust $new $old
            $arguments = @{ Path = $script:Folder; AllowUnsigned = $true; PublishTrustStore = $true; DelayMilliseconds = 0 }
            $r = Invoke-Child $state $arguments -KillAt 1 -KillCommand 'Set-SmimeConfig' -Kill $kill
            Assert-That ($r.Code -ne 0 -and $r.Text -notlike '*updated:*') "it was not killed ($($r.Text))"
            Assert-Saved $old
            $arguments.TrustBackup = "$script:Dir/second.sst"
            $r = Invoke-Child $state $arguments
            Assert-Equal $r.Code 0 "exit code ($($r.Text))"
            Assert-Says $r @($(if ($kill -eq 'kill-after') { 'unchanged:' } else { 'updated:' }))
            Assert-Equal ([IO.File]::ReadAllText("$state.trust")) ([Convert]::ToBase64String($new)) 'the store of the tenant'
            Assert-Saved $old
        }
    }
    foreach ($culture in 'tr_TR.UTF-8', 'de_DE.UTF-8') {
        Test-Case "trust: culture $culture" {
            $state = "$script:Dir/state"; Initialize-StandIn -StateFile $state
            $new = Get-Store 'Root', 'Issuing'; Start-Trust $new (Get-Store @('Issuing') 'before')
            $r = Invoke-Child $state @{ Path = $script:Folder; AllowUnsigned = $true; PublishTrustStore = $true; DelayMilliseconds = 0 } -Culture $culture
            Assert-Equal $r.Code 0 "exit code ($($r.Text))"
            Assert-Says $r @('1 added, 1 kept, 0 dropped', "until $((Get-Authority 'Root').NotAfter.ToUniversalTime().ToString('u', [cultureinfo]::InvariantCulture))")
            Assert-Equal ([IO.File]::ReadAllText("$state.trust")) ([Convert]::ToBase64String($new)) 'the store of the tenant'
            if ($r.Text -notlike "*culture $($culture.Substring(0, 2))-*") { 'culture data not available, ran in the invariant one' }
        }
    }
}

# ---- refusals ---------------------------------------------------------------------------------------------------------

Test-Case 'trust: a bundle without a trust store is refused' { Start-Trust $null; Assert-Refused (Invoke-Trust) @('This bundle has no trust store: there is no file trust.sst'); Assert-Equal @(Get-StandInCall).Count 0 'calls' }
Test-Case 'trust: the folder is checked like for a publish' {
    Start-Trust (Get-Store @('Root')); [IO.File]::WriteAllBytes("$script:Folder/trust.sst", (Get-Store @('Root', 'Issuing'))); Assert-Refused (Invoke-Trust) @('changed file: trust.sst')
    Start-Trust (Get-Store @('Root')); Assert-Refused (Invoke-Trust @{ AllowUnsigned = $null }) @('Neither -Signer nor -AllowUnsigned')
    Start-Trust (Get-Store @('Root')); Write-NetSignature 'other'; Assert-Refused (Invoke-Trust @{ AllowUnsigned = $null; Signer = (Get-Print) }) @('somebody else''s')
    Start-Trust (Get-Store @('Root')) -Json @{ validUntil = '2020-01-01T00:00:00Z' }; Assert-Refused (Invoke-Trust) @('expired at')
    Start-Trust (Get-Store @('Root')) -Json @{ unverified = $true }; Assert-Refused (Invoke-Trust) @('UNVERIFIED')
    Start-Trust (Get-Store @('Root')); Assert-Refused (Invoke-Trust @{ BundleId = 'f' * 64 }) @('This is the bundle')
    Assert-Equal @(Get-StandInCall).Count 0 'calls'
}
Test-Case 'trust: an expired certificate in the bundle is refused by name' { Start-Trust (Get-Store 'Root', 'expired', 'expired2') (Get-Store @('Root')); Assert-Refused (Invoke-Trust) @('one is enough to make the upload fail: CN=Old Root, O=Contoso', 'CN=Older Root'); Assert-Equal @(Get-StandInCall).Count 0 'calls' }
Test-Case 'trust: a certificate twice in the bundle is refused by name' { Start-Trust (Get-Store 'Root', 'Issuing', 'Root'); Assert-Refused (Invoke-Trust) @('has a certificate twice: CN=Root') }
Test-Case 'trust: an empty store in the bundle is refused' { Start-Trust ([byte[]]($Opening + $Closing)); Assert-Refused (Invoke-Trust) @('trust.sst of this bundle is empty') }
$rootDer = (Get-Authority 'Root').RawData
$pfx = (Get-Authority 'Root').Export('Pfx')
$stores = [ordered]@{
    'no bytes at all'                     = @(@(), 'no certificate store (SST)')
    'another format'                      = @([Text.Encoding]::ASCII.GetBytes('-----BEGIN CERTIFICATE-----'), 'no certificate store (SST)')
    'a certificate alone'                 = @($rootDer, 'no certificate store (SST)')
    'no end'                              = @(($Opening + (Get-StoreElement 32 $rootDer)), 'cut off')
    'an end cut off'                      = @(($Opening + (Get-StoreElement 32 $rootDer) + (New-Object byte[] 11)), 'cut off')
    'bytes behind its end'                = @(($Opening + (Get-StoreElement 32 $rootDer) + $Closing + [byte[]](0)), 'bytes follow behind its end')
    'an end that is none'                 = @(($Opening + (Get-StoreElement 32 $rootDer) + (Get-StoreElement 0 @(1, 2, 3))), 'bytes follow behind its end')
    'a length beyond its end'             = @(($Opening + (Get-StoreElement 32 $rootDer -Length 4000000000) + $Closing), 'cut off')
    'a revocation list'                   = @(($Opening + (Get-StoreElement 32 $rootDer) + (Get-StoreElement 33 @(0x30, 0)) + $Closing), 'does not know (id 33, encoding 1)')
    'a trust list'                        = @(($Opening + (Get-StoreElement 34 @(0x30, 0)) + $Closing), 'does not know (id 34')
    'another encoding'                    = @(($Opening + (Get-StoreElement 32 $rootDer -Encoding 2) + $Closing), 'does not know (id 32, encoding 2)')
    'a property that there cannot be'     = @(($Opening + (Get-StoreElement 65536 @(1)) + (Get-StoreElement 32 $rootDer) + $Closing), 'does not know (id 65536')
    'a certificate of no bytes'           = @(($Opening + (Get-StoreElement 32 @()) + $Closing), 'is no certificate')
    'junk for a certificate'              = @(($Opening + (Get-StoreElement 32 @(1..40)) + $Closing), 'is no certificate')
    'a structure that is no certificate'  = @(($Opening + (Get-StoreElement 32 @(0x30, 4, 0x30, 2, 5, 0)) + $Closing), 'cannot be read')
    'bytes behind a certificate'          = @(($Opening + (Get-StoreElement 32 ($rootDer + [byte[]](0))) + $Closing), 'is no certificate')
    'a certificate cut off'               = @(($Opening + (Get-StoreElement 32 $rootDer[0..200]) + $Closing), 'is no certificate')
    'a private key (PKCS #12)'            = @(($Opening + (Get-StoreElement 32 $pfx) + $Closing), 'is no certificate')
    'a certificate in PEM'                = @(($Opening + (Get-StoreElement 32 ([Text.Encoding]::ASCII.GetBytes((Get-Authority 'Root').ExportCertificatePem()))) + $Closing), 'is no certificate')
    'a certificate with its outermost length in the indefinite form' = @(($Opening + (Get-StoreElement 32 ([byte[]](0x30, 0x80) + $rootDer[4..($rootDer.Length - 1)] + [byte[]](0, 0))) + $Closing), '')
}
foreach ($what in $stores.Keys) {
    Test-Case "trust: a store with $what is refused, in the bundle and in the tenant" {
        $bytes = [byte[]]@($stores[$what][0])
        Start-Trust $bytes
        Assert-Refused (Invoke-Trust) @('trust.sst of this bundle cannot be used', $stores[$what][1])
        if ($bytes.Length -eq 0) { return }
        Start-Trust (Get-Store @('Root')) $bytes
        Assert-Refused (Invoke-Trust) @('The present store of the tenant cannot be read', $stores[$what][1], 'The present store was saved to')
        Assert-Saved $bytes
        Assert-Trust $bytes
    }
}
Test-Case 'trust: a certificate twice in the tenant is one' { $new = Get-Store 'Root', 'Issuing'; Start-Trust $new (Get-Store 'Root', 'Root'); Assert-Uploaded (Invoke-Trust) $new }
foreach ($option in 'Only', 'Exclude', 'First', 'Journal', 'Result') {
    Test-Case "trust: -$option has no place here" {
        Start-Trust (Get-Store @('Root'))
        # In the script's words, or in PowerShell's own where the two belong to different parameter sets.
        try { $r = Invoke-Trust @{ $option = $(if ($option -eq 'First') { 3 } else { 'x@contoso.com' }) } }
        catch { Assert-That ($_.FullyQualifiedErrorId -like 'AmbiguousParameterSet*') "said: $_"; Assert-Equal @(Get-StandInCall).Count 0 'calls'; return }
        Assert-Refused $r @("-$option was given with -PublishTrustStore", "Leave -$option out")
    }
}
foreach ($option in 'AllowTrustRemoval', 'TrustBackup') {
    Test-Case "trust: -$option belongs to -PublishTrustStore" {
        Start-Trust (Get-Store @('Root'))
        $value = if ($option -eq 'TrustBackup') { 'x.sst' } else { $true }
        Assert-Refused (Invoke-Script @{ $option = $value }) @("-$option was given without -PublishTrustStore")
    }
}
Test-Case 'trust: not together with -Rollback' {
    Start-Trust (Get-Store @('Root'))
    $said = try { & $Script -PublishTrustStore -Rollback -Path $script:Folder 2>&1 } catch { $_ }
    Assert-That ([string]$said -like '*Parameter set cannot be resolved*') "said: $said"
    Assert-Equal @(Get-StandInCall).Count 0 'calls'
}
Test-Case 'trust: -RequireFreshRevocation holds here as well' { Start-Trust (Get-Store @('Root')); Assert-Refused (Invoke-Trust @{ RequireFreshRevocation = $true }) @('revocationFreshUntil is null') }
Test-Case 'trust: no session' {
    Start-Trust (Get-Store @('Root'))
    Remove-Module StandIn
    try { $r = Invoke-Trust } finally { Import-Module ([IO.Path]::Combine($Here, 'StandIn.psm1')) -Force }
    Assert-Equal $r.Code 2 'exit code'; Assert-Says $r @('No Exchange Online session is open', 'Connect-ExchangeOnline -UserPrincipalName')
}
Test-Case 'trust: a session without the role names it' {
    Start-Trust (Get-Store @('Root'))
    Remove-Module StandIn
    function global:Get-Recipient { [CmdletBinding()] param($Identity) "$Identity" }
    try { $r = Invoke-Trust } finally { [void](Remove-Item -LiteralPath function:Get-Recipient); Import-Module ([IO.Path]::Combine($Here, 'StandIn.psm1')) -Force }
    Assert-Equal $r.Code 2 'exit code'; Assert-Says $r @('does not offer: Get-SmimeConfig, Set-SmimeConfig', 'Ask for the role Exchange Administrator')
}
Test-Case 'trust: a cmdlet without the parameter names both' {
    Start-Trust (Get-Store @('Root'))
    function global:Set-SmimeConfig { [CmdletBinding()] param($Identity) "$Identity" }
    try { $r = Invoke-Trust } finally { [void](Remove-Item -LiteralPath function:Set-SmimeConfig); Import-Module ([IO.Path]::Combine($Here, 'StandIn.psm1')) -Force }
    Assert-Refused $r @('does not offer: Set-SmimeConfig -SMIMECertificateIssuingCA', 'role Exchange Administrator')
}
Test-Case 'trust: a saved store inside the transfer folder is refused' {
    Start-Trust (Get-Store 'Root', 'Issuing') (Get-Store @('Root'))
    Assert-Refused (Invoke-Trust @{ TrustBackup = "$script:Folder/old.sst" }) @('The TrustBackup file would lie in the transfer folder')
    Set-Location -LiteralPath $script:Folder
    Assert-Refused (Invoke-Trust) @('The TrustBackup file would lie in the transfer folder')
}
Test-Case 'trust: a saved store is never written over' {
    Start-Trust (Get-Store 'Root', 'Issuing') (Get-Store @('Root')); [IO.File]::WriteAllText("$script:Dir/mine.sst", 'mine')
    Assert-Refused (Invoke-Trust @{ TrustBackup = "$script:Dir/mine.sst" }) @('The present store cannot be saved')
    Assert-Equal ([IO.File]::ReadAllText("$script:Dir/mine.sst")) 'mine' 'file'
}
Test-Case 'trust: a session that does not show the store' { Start-Trust (Get-Store @('Root')) $null 'missing'; Assert-Refused (Invoke-Trust) @('does not show SMIMECertificateIssuingCA', 'cannot be kept') }
Test-Case 'trust: two configurations' { Start-Trust (Get-Store @('Root')); Add-StandInFault -Command 'Get-SmimeConfig' -At 1 -Kind 'twice'; Assert-Refused (Invoke-Trust) @('gave 2 objects; expected: one') }

# ---- faults ---------------------------------------------------------------------------------------------------------

Test-Case 'trust: throttled at both calls: waits and goes on' {
    $new = Get-Store @('Root'); Start-Trust $new
    Add-StandInFault -Command 'Get-SmimeConfig' -At 1 -Kind 'throttle' -Times 2; Add-StandInFault -Command 'Set-SmimeConfig' -At 1 -Kind 'throttle-after:77'
    Assert-Uploaded (Invoke-Trust @{ DelayMilliseconds = 0 }) $new 2
    Assert-Equal ($global:Slept -join ',') '10,20,77' 'pauses'
}
Test-Case 'trust: a time-out at the upload is tried again, after a look' { $new = Get-Store @('Root'); Start-Trust $new; Add-StandInFault -Command 'Set-SmimeConfig' -At 1 -Kind 'timeout'; Assert-Uploaded (Invoke-Trust) $new 2 }
Test-Case 'trust: applied, then timed out: written once' { $new = Get-Store @('Root'); Start-Trust $new; Add-StandInFault -Command 'Set-SmimeConfig' -At 1 -Kind 'applied-timeout'; Assert-Uploaded (Invoke-Trust) $new 1 }
Test-Case 'trust: timed out, and somebody else wrote meanwhile: not written over' {
    $theirs = Get-Store @('Partner Root'); Start-Trust (Get-Store 'Root', 'Issuing') (Get-Store @('Root'))
    Add-StandInFault -Command 'Set-SmimeConfig' -At 1 -Kind "foreign-timeout:$([Convert]::ToBase64String($theirs))"
    $r = Invoke-Trust
    Assert-Equal $r.Code 1 'exit code'; Assert-Says $r @('unconfirmed: ', 'timed out', 'To undo:')
    Assert-Equal @(Get-StandInCall 'Set-*').Count 1 'writing calls'; Assert-Trust $theirs
}
Test-Case 'trust: time-outs without end: failed, the old store is there' {
    $old = Get-Store @('Root'); Start-Trust (Get-Store 'Root', 'Issuing') $old; Add-StandInFault -Command 'Set-SmimeConfig' -At 1 -Kind 'timeout' -Times 9
    $r = Invoke-Trust @{ DelayMilliseconds = 0 }
    Assert-Equal $r.Code 1 'exit code'; Assert-Says $r @('failed: Set-SmimeConfig:', 'still the one that was there before')
    Assert-Equal ($global:Slept -join ',') '2,5,15' 'pauses'; Assert-Trust $old
}
Test-Case 'trust: refused by the server: failed, the old store is there' { $old = Get-Store @('Root'); Start-Trust (Get-Store 'Root', 'Issuing') $old; Add-StandInFault -Command 'Set-SmimeConfig' -At 1 -Kind 'denied'; $r = Invoke-Trust; Assert-Equal $r.Code 1 'exit code'; Assert-Says $r @('failed: Set-SmimeConfig:', 'read-only'); Assert-Trust $old }
Test-Case 'trust: a late read-back is waited for' {
    $new = Get-Store @('Root'); Start-Trust $new; Add-StandInFault -Command 'Set-SmimeConfig' -At 1 -Kind 'stale:3'
    Assert-Uploaded (Invoke-Trust @{ DelayMilliseconds = 0 }) $new; Assert-Equal ($global:Slept -join ',') '5,10,20' 'pauses'
}
Test-Case 'trust: a read-back that never comes is unconfirmed; the next run finds it' {
    $new = Get-Store @('Root'); Start-Trust $new; Add-StandInFault -Command 'Set-SmimeConfig' -At 1 -Kind 'stale:8'
    $r = Invoke-Trust @{ DelayMilliseconds = 0 }
    Assert-Equal $r.Code 1 'exit code'; Assert-Says $r @('unconfirmed: written, but the tenant does not show the new store', 'To undo:'); Assert-Equal ($global:Slept -join ',') '5,10,20,40,60,60,60' 'pauses'
    Assert-Says (Invoke-Trust) @('unchanged:')
}
Test-Case 'trust: a read-back that fails is tried again' { $new = Get-Store @('Root'); Start-Trust $new; Add-StandInFault -Command 'Get-SmimeConfig' -At 2 -Kind 'denied' -Times 2; Assert-Uploaded (Invoke-Trust) $new }
Test-Case 'trust: the session lost before the upload: nothing was changed' { Start-Trust (Get-Store @('Root')); Add-StandInFault -Command 'Get-SmimeConfig' -At 1 -Kind 'session'; Assert-Refused (Invoke-Trust) @('The session to Exchange Online was lost', 'Connect-ExchangeOnline -UserPrincipalName') }
foreach ($where in @('Set-SmimeConfig', 1), @('Get-SmimeConfig', 2), @('Get-SmimeConfig', 3)) {
    Test-Case "trust: the session lost at $($where[0]) $($where[1]): the command that goes on, and how to undo" {
        $old = Get-Store 'Root', 'Partner Root'; $new = Get-Store 'Root', 'Issuing'; Start-Trust $new $old
        Add-StandInFault -Command $where[0] -At $where[1] -Kind 'session'
        if ($where[1] -eq 3) { Add-StandInFault -Command 'Set-SmimeConfig' -At 1 -Kind 'stale:1' }
        $r = Invoke-Trust @{ AllowTrustRemoval = $true; TrustBackup = "$script:Dir/first.sst" }
        Assert-Equal $r.Code 1 "exit code ($($r.Text))"
        Assert-Says $r @('the session to Exchange Online was lost', '-PublishTrustStore', '-AllowTrustRemoval', '-AllowUnsigned', "-Path '$script:Folder'", "ReadAllBytes('$script:Dir/first.sst')")
        $line = @($r.Text -split "`n" | Where-Object { $_ -like '*then   &*' })[0]
        $said = & ([scriptblock]::Create($line.Substring($line.IndexOf('&')))) *>&1
        Assert-Equal $LASTEXITCODE 0 "exit code of the second run ($said)"
        Assert-Trust $new
    }
}
Test-Case 'trust: a store above the known limit is said' {
    # 70 000 bytes in one property: read by the script, refused by the server.
    $old = Get-Store @('Root'); $big = [byte[]]($Opening + (Get-StoreElement 11 (New-Object byte[] 70000)) + (Get-StoreElement 32 (Get-Authority 'Issuing').RawData) + (Get-StoreElement 32 $rootDer) + $Closing)
    Start-Trust $big $old
    $r = Invoke-Trust
    Assert-Equal $r.Code 1 "exit code ($($r.Text))"; Assert-Says $r @("trust.sst has $($big.Length) bytes", 'at most 70000', 'failed: Set-SmimeConfig'); Assert-Trust $old
}
