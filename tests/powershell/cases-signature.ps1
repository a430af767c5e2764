# Who made the folder: -Signer, -AllowUnsigned, SHA256SUMS.p7s; and -RequireFreshRevocation. Run by run.ps1. The signatures are
# made by the openssl program, as HANDOVER.txt says, and by .NET where openssl cannot make them.

$OpenSsl = Get-Command -Name openssl -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
$Made = @{}

# A signer's certificate, made once.
function Get-Signer([string] $Name = 'rsa') {
    if ($Made.ContainsKey($Name)) { return $Made[$Name] }
    $sign = [Security.Cryptography.X509Certificates.X509KeyUsageFlags]::DigitalSignature
    $Made[$Name] = switch ($Name) {
        'ec' { New-Certificate 'CN=Release signing (EC), O=Contoso' -Kind 'nistP256' -Usage $sign }
        'ec384' { New-Certificate 'CN=Release signing (EC 384), O=Contoso' -Kind 'nistP384' }
        'expired' { New-Certificate 'CN=Former signing, O=Contoso' -From ([datetime]::UtcNow.AddYears(-2)) -Until ([datetime]::UtcNow.AddYears(-1)) }
        'future' { New-Certificate 'CN=Next signing, O=Contoso' -From ([datetime]::UtcNow.AddYears(1)) -Until ([datetime]::UtcNow.AddYears(2)) }
        'encipher' { New-Certificate 'CN=For encryption, O=Contoso' -Usage ([Security.Cryptography.X509Certificates.X509KeyUsageFlags]::KeyEncipherment) }
        'commit' { New-Certificate 'CN=For contracts, O=Contoso' -Usage ([Security.Cryptography.X509Certificates.X509KeyUsageFlags]::NonRepudiation) }
        'unlimited' { New-Certificate 'CN=Without key usage, O=Contoso' }
        # CN = "Anna", CR, LF, "Found:", ESC "[2J", U+202E, "evil"
        'hostile' { New-Certificate ([byte[]]([byte[]](0x30, 0x26, 0x31, 0x24, 0x30, 0x22, 6, 3, 0x55, 4, 3, 0x0c, 0x1b) + [Text.Encoding]::UTF8.GetBytes("Anna`r`nFound:$([char]27)[2J$([char]0x202e)evil...."))) }
        'other' { New-Certificate 'CN=Somebody else, O=Fabrikam' }
        default { New-Certificate 'CN=Release signing, O=Contoso' -Usage $sign }
    }
    return $Made[$Name]
}
function Get-Print([string] $Name = 'rsa', [string] $Algorithm = 'SHA1') { return (Get-Signer $Name).GetCertHashString([Security.Cryptography.HashAlgorithmName]::$Algorithm) }

# Signs the folder's SHA256SUMS with the openssl program. Options: further ones of "openssl cms -sign".
function Write-Signature([string] $Name = 'rsa', [string[]] $Options = @(), [string] $Form = 'DER', [string[]] $Second = @(), [switch] $Text, [string] $Folder = $script:Folder) {
    $arguments = @('cms', '-sign', '-in', "$Folder/SHA256SUMS", '-out', "$Folder/SHA256SUMS.p7s", '-outform', $Form)
    if (-not $Text) { $arguments += '-binary' }
    foreach ($signer in @($Name) + $Second) {
        $certificate = Get-Signer $signer
        [IO.File]::WriteAllText("$script:Dir/$signer.pem", $certificate.ExportCertificatePem())
        [IO.File]::WriteAllText("$script:Dir/$signer.key", $certificate.Key.ExportPkcs8PrivateKeyPem())
        $arguments += @('-signer', "$script:Dir/$signer.pem", '-inkey', "$script:Dir/$signer.key")
    }
    if ($Options -notcontains '-md') { $arguments += @('-md', 'sha256') }
    $arguments += $Options
    $said = & $OpenSsl.Source @arguments 2>&1
    if ($LASTEXITCODE -ne 0) { throw "openssl $($arguments -join ' '): $said" }
}
# Signs with .NET: the PowerShell lines of HANDOVER.txt, with a certificate that lies in memory.
function Write-NetSignature([string] $Name = 'rsa', $Time = $null) {
    $file = "$script:Folder/SHA256SUMS"
    $content = New-Object System.Security.Cryptography.Pkcs.ContentInfo -ArgumentList (, [IO.File]::ReadAllBytes($file))
    $cms = New-Object System.Security.Cryptography.Pkcs.SignedCms -ArgumentList $content, $true
    $signer = New-Object System.Security.Cryptography.Pkcs.CmsSigner -ArgumentList (Get-Signer $Name)
    $signer.DigestAlgorithm = New-Object System.Security.Cryptography.Oid -ArgumentList '2.16.840.1.101.3.4.2.1'
    $signer.IncludeOption = 'EndCertOnly'
    $stamp = if ($null -eq $Time) { New-Object System.Security.Cryptography.Pkcs.Pkcs9SigningTime } elseif ($Time -is [array]) { [System.Security.Cryptography.Pkcs.Pkcs9AttributeObject]::new('1.2.840.113549.1.9.5', [byte[]]$Time) } else { New-Object System.Security.Cryptography.Pkcs.Pkcs9SigningTime -ArgumentList $Time }
    [void]$signer.SignedAttributes.Add($stamp)
    $cms.ComputeSignature($signer, $false)
    [IO.File]::WriteAllBytes("$file.p7s", $cms.Encode())
}
function Start-Signed([hashtable] $Json = @{}) {
    Add-StandInRecipient -Address 'anna@contoso.com'
    [void](New-Folder @(, @(Get-Line 1 'anna@contoso.com' 'mailbox' $A)) $Json)
}
function Edit-Signature([scriptblock] $Change) {
    $file = "$script:Folder/SHA256SUMS.p7s"
    [IO.File]::WriteAllBytes($file, [byte[]](& $Change ([IO.File]::ReadAllBytes($file))))
}
function Assert-Signed($Outcome, [string] $Name = 'rsa') {
    Assert-Equal $Outcome.Code 0 "exit code ($($Outcome.Text))"
    Assert-Says $Outcome @("Signed by $((Get-Signer $Name).Subject)", "SHA-1 $(Get-Print $Name)", "SHA-256 $(Get-Print $Name 'SHA256')")
    Assert-Row $Outcome 'anna@contoso.com' 'updated'
}

# ---- the choice -----------------------------------------------------------------------------------------------------

Test-Case 'signature: neither -Signer nor -AllowUnsigned is refused, and the choice explained' {
    Start-Signed
    Assert-Refused (Invoke-Script @{ AllowUnsigned = $null }) @('Neither -Signer nor -AllowUnsigned was given', 'not who made it', 'add -Signer THUMBPRINT', 'add -AllowUnsigned -BundleId ID', 'telephone')
}
Test-Case 'signature: both are refused' { Start-Signed; Assert-Refused (Invoke-Script @{ Signer = 'a' * 40; AllowUnsigned = $true }) @('Both -Signer and -AllowUnsigned were given; expected: one of them') }
Test-Case 'signature: -AllowUnsigned:$false is no word given' { Start-Signed; Assert-Refused (Invoke-Script @{ AllowUnsigned = $false }) @('Neither -Signer nor -AllowUnsigned') }
Test-Case 'signature: the choice is asked before the folder is read' { Assert-Refused (Invoke-Script @{ Path = "$script:Dir/nowhere" } -Plain) @('Neither -Signer nor -AllowUnsigned') }
foreach ($bad in @(@('a short one', ('A' * 39)), @('the first digits', '0123456789AB'), @('a long one', ('A' * 41)), @('other letters', ('G' * 40)), @('with its name', ('sha256 Fingerprint=' + 'A' * 64)), @('blanks alone', '  '))) {
    Test-Case "signature: a thumbprint that is none is refused ($($bad[0]))" { Start-Signed; Assert-Refused (Invoke-Script @{ Signer = $bad[1] }) @('is no thumbprint', '40 (SHA-1) or 64 (SHA-256)') }
}
Test-Case 'signature: without one, -AllowUnsigned says so' { Start-Signed; $r = Invoke-Script; Assert-Equal $r.Code 0 'exit code'; Assert-Says $r @('The folder is not signed. You said that this is wanted') }
Test-Case 'signature: with one, -AllowUnsigned says that it was not checked' {
    Start-Signed; [IO.File]::WriteAllText("$script:Folder/SHA256SUMS.p7s", 'x')
    $r = Invoke-Script; Assert-Equal $r.Code 0 'exit code'; Assert-Says $r @('NOT CHECKED: the folder has a signature')
}
Test-Case 'signature: -Rollback asks for no signer, and takes none' {
    $said = try { & $Script -Rollback -Journal "$script:Dir/j" -Signer ('a' * 40) 2>&1 } catch { $_ }
    Assert-That ([string]$said -like '*Parameter set cannot be resolved*') "said: $said"
}

# ---- what is no signature -------------------------------------------------------------------------------------------

Test-Case 'signature: missing' { Start-Signed; Assert-Refused (Invoke-Script @{ Signer = 'a' * 40 }) @('there is no file SHA256SUMS.p7s', ('A' * 40), 'left behind') }
foreach ($junk in @(@('empty', ''), @('a text', "not a signature`n"), @('a zero', "`0"), @('an empty structure', "0`0"), @('a certificate in PEM', "-----BEGIN CERTIFICATE-----`nMAA=`n-----END CERTIFICATE-----`n"), @('damaged armour', "-----BEGIN CMS-----`nMA`n-----END CMS-----`n"), @('a length without end', "0$([char]0x7f)"))) {
    Test-Case "signature: garbage is refused ($($junk[0]))" { Start-Signed; [IO.File]::WriteAllText("$script:Folder/SHA256SUMS.p7s", $junk[1]); Assert-Refused (Invoke-Script @{ Signer = 'a' * 40 }) @('SHA256SUMS.p7s is no signature that can be checked') }
}
Test-Case 'signature: a file far too big is refused unread' { Start-Signed; [IO.File]::WriteAllBytes("$script:Folder/SHA256SUMS.p7s", (New-Object byte[] 100001)); Assert-Refused (Invoke-Script @{ Signer = 'a' * 40 }) @('100001 bytes') }
Test-Case 'signature: deeply nested indefinite lengths end' {
    Start-Signed
    $bytes = New-Object byte[] 90000
    for ($i = 0; $i -lt 90000; $i += 2) { $bytes[$i] = 0x30; $bytes[$i + 1] = 0x80 }
    [IO.File]::WriteAllBytes("$script:Folder/SHA256SUMS.p7s", $bytes)
    Assert-Refused (Invoke-Script @{ Signer = 'a' * 40 }) @('cut off, or no CMS structure')
}

# ---- .NET's signatures, as the PowerShell lines of HANDOVER.txt make them -------------------------------------------------

Test-Case 'signature: made with PowerShell' { Start-Signed; Write-NetSignature; Assert-Signed (Invoke-Script @{ Signer = (Get-Print) }) }
Test-Case 'signature: made with PowerShell, ECDSA' { Start-Signed; Write-NetSignature 'ec'; Assert-Signed (Invoke-Script @{ Signer = (Get-Print 'ec') }) 'ec' }
Test-Case 'signature: a certificate that has ended since the signing time is taken, and the time called a claim' {
    Start-Signed; $time = [datetime]::UtcNow.AddMonths(-18); Write-NetSignature 'expired' $time
    $r = Invoke-Script @{ Signer = (Get-Print 'expired') }
    Assert-Signed $r 'expired'
    Assert-Says $r @("at $($time.ToString('u', [cultureinfo]::InvariantCulture)), as the signer himself claims")
}
Test-Case 'signature: a certificate that had ended before the signing time is refused' {
    Start-Signed; Write-NetSignature 'expired'
    Assert-Refused (Invoke-Script @{ Signer = (Get-Print 'expired') }) @('not valid at the signing time that the signer claims', $(Get-Print 'expired'))
}
Test-Case 'signature: a certificate that was not yet valid is refused' { Start-Signed; Write-NetSignature 'future'; Assert-Refused (Invoke-Script @{ Signer = (Get-Print 'future') }) @('not valid at the signing time') }
Test-Case 'signature: a signing time in the future is said' { Start-Signed; Write-NetSignature 'rsa' ([datetime]::UtcNow.AddDays(3)); Assert-Says (Invoke-Script @{ Signer = (Get-Print) }) @('lies in the future: a clock is wrong') }
Test-Case 'signature: signing times in the other form, and before 1950, are read' {
    Start-Signed; Write-NetSignature 'rsa' ([byte[]](0x18, 15) + [Text.Encoding]::ASCII.GetBytes('20510102030405Z')); Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('claims (2051-01-02 03:04:05Z)')
    Start-Signed; Write-NetSignature 'rsa' ([byte[]](0x17, 13) + [Text.Encoding]::ASCII.GetBytes('500102030405Z')); Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('claims (1950-01-02 03:04:05Z)')
}
Test-Case 'signature: a signing time that is none is refused' {
    foreach ($text in '261332030405Z', '2601020304Z', '260102030405+0100') { Start-Signed; Write-NetSignature 'rsa' ([byte[]](0x17, $text.Length) + [Text.Encoding]::ASCII.GetBytes($text)); Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('no signature that can be checked', 'signing time') }
}

# ---- openssl's signatures ----------------------------------------------------------------------------------------------

if ($null -eq $OpenSsl) { 'skipped: signatures of the openssl program (there is none on this machine)' }
else {
    foreach ($kind in @(
            @('RSA', 'rsa', @()), @('RSA, SHA-384', 'rsa', @('-md', 'sha384')), @('RSA, SHA-512', 'rsa', @('-md', 'sha512')), @('RSA without signed attributes', 'rsa', @('-noattr')),
            @('RSA, signer named by key identifier', 'commit', @('-keyid')), @('RSA without S/MIME capabilities', 'rsa', @('-nosmimecap')),
            @('RSA-PSS', 'rsa', @('-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:-1')),
            @('RSA-PSS, SHA-384, without signed attributes', 'rsa', @('-noattr', '-md', 'sha384', '-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:-1')),
            @('ECDSA', 'ec', @()), @('ECDSA, SHA-512', 'ec', @('-md', 'sha512')), @('ECDSA P-384, SHA-384', 'ec384', @('-md', 'sha384')), @('ECDSA without signed attributes', 'ec', @('-noattr')),
            @('key usage nonRepudiation', 'commit', @()), @('no key usage', 'unlimited', @()))) {
        Test-Case "signature: $($kind[0])" { Start-Signed; Write-Signature $kind[1] $kind[2]; Assert-Signed (Invoke-Script @{ Signer = (Get-Print $kind[1]) }) $kind[1] }
        Test-Case "signature: $($kind[0]), SHA256SUMS recomputed after a change" {
            Start-Signed; Write-Signature $kind[1] $kind[2]
            $payload = "$script:Folder/payload/0001.ndjson"
            [IO.File]::WriteAllText($payload, [IO.File]::ReadAllText($payload).Replace($A, $B))
            Write-HashList $script:Folder
            Assert-Refused (Invoke-Script @{ Signer = (Get-Print $kind[1]) }) $(if ($kind[2] -contains '-noattr') { 'does not fit SHA256SUMS' } else { 'is not the signature of this SHA256SUMS', 'changed after it was signed' })
        }
    }
    Test-Case 'signature: in PEM' { Start-Signed; Write-Signature -Form 'PEM'; Assert-Signed (Invoke-Script @{ Signer = (Get-Print) }) }
    Test-Case 'signature: in PEM with Windows line ends and the older name' {
        Start-Signed; Write-Signature -Form 'PEM'
        $file = "$script:Folder/SHA256SUMS.p7s"
        [IO.File]::WriteAllText($file, [IO.File]::ReadAllText($file).Replace("`n", "`r`n").Replace('CMS-----', 'PKCS7-----'))
        Assert-Signed (Invoke-Script @{ Signer = (Get-Print) })
    }
    Test-Case 'signature: in the indefinite form that some signing tools write' {
        Start-Signed; Write-Signature
        Edit-Signature { param($b) [byte[]](0x30, 0x80) + $b[4..14] + [byte[]](0xa0, 0x80, 0x30, 0x80) + $b[23..($b.Length - 1)] + (New-Object byte[] 6) }
        Assert-Signed (Invoke-Script @{ Signer = (Get-Print) })
        Edit-Signature { param($b) $b[0..($b.Length - 2)] }
        Initialize-StandIn
        Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('cut off')
    }
    Test-Case 'signature: two in one PEM file are refused' { Start-Signed; Write-Signature -Form 'PEM'; Edit-Signature { param($b) $b + $b }; Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('no signature that can be checked') }
    Test-Case 'signature: in the form of a mail is refused' { Start-Signed; Write-Signature -Form 'SMIME'; Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('no signature that can be checked') }
    foreach ($way in @(@('SHA-256', { Get-Print 'rsa' 'SHA256' }), @('small letters', { (Get-Print).ToLowerInvariant() }), @('blanks, as Windows shows it', { ((Get-Print) -split '(..)' -ne '') -join ' ' }),
            @('an invisible U+200E in front', { [char]0x200e + ((Get-Print) -split '(..)' -ne '' -join ' ').ToLowerInvariant() }), @('colons, as openssl prints it', { (Get-Print 'rsa' 'SHA256') -split '(..)' -ne '' -join ':' }), @('a line end behind', { (Get-Print) + "`r`n" }))) {
        Test-Case "signature: the thumbprint with $($way[0])" { Start-Signed; Write-Signature; Assert-Signed (Invoke-Script @{ Signer = (& $way[1]) }) }
    }
    Test-Case 'signature: valid, but somebody else''s: refused with both thumbprints' {
        Start-Signed; Write-Signature 'other'
        Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('valid, but it is somebody else''s', (Get-Print), (Get-Print 'other'), (Get-Print 'other' 'SHA256'), 'CN=Somebody else, O=Fabrikam', 'Do not take it from this folder')
    }
    Test-Case 'signature: the right certificate beside a signature of somebody else''s is not enough' {
        Start-Signed; [IO.File]::WriteAllText("$script:Dir/right.pem", (Get-Signer).ExportCertificatePem())
        Write-Signature 'other' @('-certfile', "$script:Dir/right.pem")
        Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('somebody else''s')
    }
    Test-Case 'signature: a chain beside the signer''s certificate does no harm' {
        Start-Signed; [IO.File]::WriteAllText("$script:Dir/other.pem", (Get-Signer 'other').ExportCertificatePem())
        Write-Signature 'rsa' @('-certfile', "$script:Dir/other.pem")
        Assert-Signed (Invoke-Script @{ Signer = (Get-Print) })
    }
    Test-Case 'signature: a thumbprint that differs in its last digit is refused' {
        Start-Signed; Write-Signature
        $print = Get-Print 'rsa' 'SHA256'
        Assert-Refused (Invoke-Script @{ Signer = $print.Substring(0, 63) + $(if ($print[63] -eq '0') { '1' } else { '0' }) }) @('somebody else''s')
    }
    Test-Case 'signature: of another bundle' {
        Start-Signed @{ id = 'e' * 64 }; Write-Signature
        [IO.File]::Move("$script:Folder/SHA256SUMS.p7s", "$script:Dir/old.p7s")
        Initialize-StandIn; Start-Signed
        [IO.File]::Move("$script:Dir/old.p7s", "$script:Folder/SHA256SUMS.p7s")
        Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('the two do not belong together', 'another bundle or of review/')
    }
    Test-Case 'signature: of review/ is not that of transfer/' {
        Start-Signed
        $review = "$script:Dir/review"; [void][IO.Directory]::CreateDirectory($review)
        [IO.File]::WriteAllText("$review/SHA256SUMS", ('a' * 64) + "  manifest.json`n")
        Write-Signature -Folder $review
        [IO.File]::Copy("$review/SHA256SUMS.p7s", "$script:Folder/SHA256SUMS.p7s")
        Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('the two do not belong together')
    }
    Test-Case 'signature: the list is unchanged, a file is not' {
        Start-Signed; Write-Signature
        [IO.File]::AppendAllText("$script:Folder/HANDOVER.txt", 'x')
        Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('changed file: HANDOVER.txt')
    }
    Test-Case 'signature: cut off anywhere is refused' {
        Start-Signed; Write-Signature
        $whole = [IO.File]::ReadAllBytes("$script:Folder/SHA256SUMS.p7s")
        foreach ($n in 1, 2, 20, 60, 500, ($whole.Length - 300), ($whole.Length - 1)) {
            [IO.File]::WriteAllBytes("$script:Folder/SHA256SUMS.p7s", $whole[0..($n - 1)])
            Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('cut off')
        }
    }
    Test-Case 'signature: bytes behind it are refused' { Start-Signed; Write-Signature; Edit-Signature { param($b) $b + [byte]10 }; Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('1 bytes follow behind its end') }
    Test-Case 'signature: any one changed bit is refused' {
        Start-Signed; Write-Signature
        $whole = [IO.File]::ReadAllBytes("$script:Folder/SHA256SUMS.p7s")
        # The end is the signature's value; what lies before it is structure, certificate and signed attributes.
        foreach ($n in @(0..60 | Where-Object { $_ % 5 -eq 0 }) + @(100, 300, 500, 700) + @(1..25 | ForEach-Object { $whole.Length - 14 * $_ })) {
            $bytes = $whole.Clone(); $bytes[$n] = $bytes[$n] -bxor 0x10
            [IO.File]::WriteAllBytes("$script:Folder/SHA256SUMS.p7s", $bytes)
            $r = Invoke-Script @{ Signer = (Get-Print) }
            # The version numbers and the list of hashes used say nothing that is relied on.
            if ($r.Code -eq 0 -and $n -gt 22 -and $n -lt 45) { Initialize-StandIn; Add-StandInRecipient -Address 'anna@contoso.com'; continue }
            Assert-Equal $r.Code 2 "exit code with byte $n changed ($($r.Text))"
        }
    }
    foreach ($refusal in @(
            @('two signers', 'rsa', @(), @('other'), @('it has 2 signers; expected: exactly one')), @('content inside', 'rsa', @('-nodetach'), @(), @('it has content inside', 'detached')), @('content inside, in the indefinite form', 'rsa', @('-stream'), @(), @('it has content inside')),
            @('other content', 'rsa', @('-econtent_type', '1.2.840.113549.1.9.16.1.4'), @(), @('it signs something else than plain data')), @('no certificate inside', 'rsa', @('-nocerts'), @(), @("does not contain the signer's certificate", '-nocerts')),
            @('SHA-1', 'rsa', @('-md', 'sha1'), @(), @('a hash that is not accepted (OID 1.3.14.3.2.26)', 'Expected: SHA-256')), @('SHA-1 without signed attributes', 'rsa', @('-md', 'sha1', '-noattr'), @(), @('a hash that is not accepted')),
            @('SHA-224', 'rsa', @('-md', 'sha224'), @(), @('a hash that is not accepted (OID 2.16.840.1.101.3.4.2.4)')), @('RSA-PSS with a salt of another length', 'rsa', @('-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:20'), @(), @('with a salt of 20 bytes', 'no defect of the signature', 'rsa_pss_saltlen:-1')),
            @('RSA-PSS with the longest salt', 'rsa', @('-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:222'), @(), @('with a salt of 222 bytes')),
            @('a certificate that is not for signing', 'encipher', @(), @(), @('not for signing', 'neither digitalSignature nor nonRepudiation')), @('an expired certificate', 'expired', @(), @(), @('not valid at the signing time that the signer claims')),
            @('an expired certificate, no signing time', 'expired', @('-noattr'), @(), @('not valid now', 'states no time')))) {
        Test-Case "signature: $($refusal[0]) is refused" { Start-Signed; Write-Signature $refusal[1] $refusal[2] -Second $refusal[3]; Assert-Refused (Invoke-Script @{ Signer = (Get-Print $refusal[1]) }) $refusal[4] }
    }
    Test-Case 'signature: no signer at all is refused' {
        Start-Signed
        [IO.File]::WriteAllText("$script:Dir/c.pem", (Get-Signer).ExportCertificatePem())
        $said = & $OpenSsl.Source crl2pkcs7 -nocrl -certfile "$script:Dir/c.pem" -outform DER -out "$script:Folder/SHA256SUMS.p7s" 2>&1
        Assert-Equal $LASTEXITCODE 0 "openssl ($said)"
        Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('it has 0 signers')
    }
    Test-Case 'signature: attributes that do not parse, and other algorithms, are refused in words' {
        Start-Signed; Write-Signature 'ec'
        $whole = [IO.File]::ReadAllBytes("$script:Folder/SHA256SUMS.p7s")
        $text = [BitConverter]::ToString($whole)
        $signer = $text.LastIndexOf('06-09-60-86-48-01-65-03-04-02-01') / 3             # the hash, of the two that are named the later one
        $attribute = $text.IndexOf('06-09-2A-86-48-86-F7-0D-01-09-03') / 3
        $ecdsa = $text.LastIndexOf('06-08-2A-86-48-CE-3D-04-03-02') / 3
        foreach ($change in @(@(($attribute + 11), 0x30, 'its signer information cannot be read'), @(($attribute + 2), 0x80, 'no signature that can be checked'), @($attribute, 0x05, 'no signature that can be checked'),
                @(($signer + 10), 7, 'OID 2.16.840.1.101.3.4.2.7'), @($signer, 5, 'OID unreadable'), @(($ecdsa + 9), 1, 'kind of signature that is not accepted (OID 1.2.840.10045.4.3.1)'))) {
            $bytes = $whole.Clone(); $bytes[$change[0]] = $change[1]
            [IO.File]::WriteAllBytes("$script:Folder/SHA256SUMS.p7s", $bytes)
            Assert-Refused (Invoke-Script @{ Signer = (Get-Print 'ec') }) @($change[2])
        }
    }
    Test-Case 'signature: made without -binary is refused, and said how to mend it' {
        Start-Signed; Write-Signature -Text
        Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('with Windows line ends, not the file as it is', '-binary')
    }
    Test-Case 'signature: the first lines of the list moved into the signature file are refused' {
        Start-Signed; Write-Signature 'rsa' @('-noattr')
        # Nothing that was signed is changed: content inside and content beside are hashed one after the other.
        $list = "$script:Folder/SHA256SUMS"
        $text = [IO.File]::ReadAllText($list); $cut = $text.IndexOf("`n") + 1
        $first = [Text.Encoding]::ASCII.GetBytes($text.Substring(0, $cut))
        [IO.File]::WriteAllText($list, $text.Substring($cut))
        [IO.File]::Delete("$script:Folder/$($text.Substring(66, $cut - 67))")
        Edit-Signature {
            param($b)
            $at = [BitConverter]::ToString($b).IndexOf('30-0B-06-09-2A-86-48-86-F7-0D-01-07-01') / 3
            $inside = [byte[]](0xa0, ($first.Length + 2), 4, $first.Length) + $first
            foreach ($n in 2, 17, 21) { $length = $b[$n] * 256 + $b[$n + 1] + $inside.Length; $b[$n] = $length -shr 8; $b[$n + 1] = $length -band 255 }
            $b[$at + 1] += $inside.Length
            $b[0..($at + 12)] + $inside + $b[($at + 13)..($b.Length - 1)]
        }
        $cms = New-Object System.Security.Cryptography.Pkcs.SignedCms -ArgumentList (New-Object System.Security.Cryptography.Pkcs.ContentInfo -ArgumentList (, [IO.File]::ReadAllBytes($list))), $true
        $cms.Decode([IO.File]::ReadAllBytes("$list.p7s"))
        $cms.CheckSignature($true)      # .NET alone takes it
        Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('it has content inside')
    }
    Test-Case 'signature: a hostile subject cannot draw on the screen' {
        Start-Signed; Write-Signature 'hostile'
        foreach ($r in (Invoke-Script @{ Signer = (Get-Print 'hostile') }), (Invoke-Script @{ Signer = 'a' * 40 })) {
            Assert-Says $r @('Anna Found:\u001B[2J\u202Eevil')
            Assert-That ($r.Text.IndexOf([char]27) -lt 0 -and $r.Text.IndexOf([char]0x202e) -lt 0 -and $r.Text -notmatch '\r|\nFound:\e') 'control characters reached the screen'
        }
    }
    Test-Case 'signature: the command that goes on after a lost session names the signer' {
        Start-Signed; Write-Signature
        Add-StandInFault -Command 'Get-Mailbox' -At 1 -Kind 'session'
        Assert-Says (Invoke-Script @{ Signer = ' ' + (Get-Print).ToLowerInvariant() }) @("-Signer '$(Get-Print)'", 'Connect-ExchangeOnline')
    }
    Test-Case 'signature: a signed bundle is still held to -BundleId, its end and UNVERIFIED' {
        Start-Signed; Write-Signature; Assert-Refused (Invoke-Script @{ Signer = (Get-Print); BundleId = 'f' * 64 }) @('This is the bundle')
        Start-Signed @{ validUntil = '2020-01-01T00:00:00Z' }; Write-Signature; Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('expired at')
        Start-Signed @{ unverified = $true }; Write-Signature; Assert-Refused (Invoke-Script @{ Signer = (Get-Print) }) @('UNVERIFIED')
    }
    if (-not $Pwsh) { 'skipped: signatures in other cultures (no -Pwsh)' }
    else {
        foreach ($culture in 'tr_TR.UTF-8', 'de_DE.UTF-8') {
            Test-Case "signature: culture $culture" {
                $state = "$script:Dir/state"; Initialize-StandIn -StateFile $state
                Start-Signed; Write-Signature
                $arguments = @{ Path = $script:Folder; Signer = (Get-Print 'rsa' 'SHA256').ToLowerInvariant(); Journal = "$script:Dir/j"; Result = "$script:Dir/r.csv"; DelayMilliseconds = 0 }
                $r = Invoke-Child $state $arguments -Culture $culture
                Assert-Equal $r.Code 0 "exit code ($($r.Text))"
                Assert-Says $r @("SHA-1 $(Get-Print)", "as the signer himself claims")
                $arguments.Signer = Get-Print 'other'; $arguments.Result = "$script:Dir/r2.csv"
                $r = Invoke-Child $state $arguments -Culture $culture
                Assert-Equal $r.Code 2 "exit code ($($r.Text))"
                Assert-Says $r @('somebody else''s')
                if ($r.Text -notlike "*culture $($culture.Substring(0, 2))-*") { 'culture data not available, ran in the invariant one' }
            }
        }
    }
}

# ---- revocation ------------------------------------------------------------------------------------------------------

Test-Case 'fresh revocation: a time to come is enough' { Start-Signed @{ revocationFreshUntil = '2099-01-01T00:00:00Z' }; Assert-Equal (Invoke-Script @{ RequireFreshRevocation = $true }).Code 0 'exit code' }
Test-Case 'fresh revocation: a past time is refused when asked for' { Start-Signed @{ revocationFreshUntil = '2020-01-01T00:00:00Z' }; Assert-Refused (Invoke-Script @{ RequireFreshRevocation = $true }) @('were fresh until 2020-01-01 00:00:00Z', 'Without -RequireFreshRevocation') }
Test-Case 'fresh revocation: a past time is only said otherwise' { Start-Signed @{ revocationFreshUntil = '2020-01-01T00:00:00Z' }; $r = Invoke-Script; Assert-Equal $r.Code 0 'exit code'; Assert-Says $r @('were fresh until 2020-01-01') }
Test-Case 'fresh revocation: none stated is refused when asked for' { Start-Signed; Assert-Refused (Invoke-Script @{ RequireFreshRevocation = $true }) @('revocationFreshUntil is null') }
