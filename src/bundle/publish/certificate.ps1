# ---- what a value holds ---------------------------------------------------------------------------------------------
# Values are carried as they are. They are opened only to see what would be lost: an unexpired certificate, or the last one
# that mail can be encrypted to. What cannot be opened counts as if it were one.

# Key algorithm -> the key usage that lets mail be encrypted to the key: keyEncipherment (0x20) for RSA, keyAgreement (0x08)
# for elliptic curves, X25519, X448 and Diffie-Hellman. Other keys only sign (RSA bound to PSS: RFC 4055 section 1.2).
$EncryptingUsage = @{
    '1.2.840.113549.1.1.1' = 0x20; '1.2.840.10045.2.1' = 0x08; '1.3.101.110' = 0x08; '1.3.101.111' = 0x08; '1.2.840.10046.2.1' = 0x08
}
$MailPurposes = @('1.3.6.1.5.5.7.3.4', '2.5.29.37.0')      # emailProtection, anyExtendedKeyUsage

# The certificates of a value (base64) that are not a CA's, or $null when it cannot be read. Bytes 30 and inside first 30:
# a bare certificate; inside first 06: CMS. X509Certificate2 would take PKCS #12 as well, so the form is looked at first.
function Read-Certificate {
    [CmdletBinding()] param([string] $Value)
    try {
        $bytes = [Convert]::FromBase64String($Value)
        if ($bytes.Length -lt 8 -or $bytes[0] -ne 0x30) { return $null }
        $inner = $bytes[$(if ($bytes[1] -le 0x80) { 2 } else { 2 + ($bytes[1] -band 0x7f) })]
        if ($inner -eq 0x30) {
            $certificate = [System.Security.Cryptography.X509Certificates.X509Certificate2]::new($bytes)
            if ($certificate.RawData.Length -ne $bytes.Length) { return $null }
            return , @($certificate)
        }
        if ($inner -ne 0x06) { return $null }
        if (-not $Run.CmsLoaded) { Import-Cms; $Run.CmsLoaded = $true }
        $cms = New-Object System.Security.Cryptography.Pkcs.SignedCms
        $cms.Decode($bytes)
        $own = @(foreach ($certificate in $cms.Certificates) { if (-not (Test-Authority $certificate)) { $certificate } })
        if ($own.Count -eq 0) { return $null }
        return , $own
    }
    catch { return $null }
}

# Windows PowerShell 5.1 has it in System.Security.
function Import-Cms {
    Add-Type -AssemblyName $(if ($PSVersionTable.PSVersion.Major -lt 6) { 'System.Security' } else { 'System.Security.Cryptography.Pkcs' })
}

function Test-Authority {
    [CmdletBinding()] param($Certificate)
    $constraints = $Certificate.Extensions['2.5.29.19']
    return $null -ne $constraints -and $constraints.CertificateAuthority
}

# Whether mail can be encrypted to this certificate now.
function Test-Encrypting {
    [CmdletBinding()] param($Certificate)
    try {
        if ($Certificate.NotAfter.ToUniversalTime() -le [datetime]::UtcNow) { return $false }
        $needed = $EncryptingUsage[$Certificate.GetKeyAlgorithm()]
        if ($null -eq $needed) { return $false }
        $extensions = $Certificate.Extensions
        $usage = $extensions['2.5.29.15']
        if ($null -ne $usage -and ([int]$usage.KeyUsages -band $needed) -eq 0) { return $false }
        $purposes = $extensions['2.5.29.37']
        if ($null -eq $purposes) { return $true }
        foreach ($purpose in $purposes.EnhancedKeyUsages) { if ($MailPurposes -ccontains $purpose.Value) { return $true } }
        return $false
    }
    catch { return $false }     # an extension that cannot be decoded allows nothing
}

# Whether one of the lists of values (an absent one is $null) holds something to encrypt to.
function Test-Reachable {
    [CmdletBinding()] param($Lists)
    foreach ($list in $Lists) {
        foreach ($value in $list) {
            $certificates = Read-Certificate $value
            if ($null -eq $certificates) { return $true }
            $found = $false
            foreach ($certificate in $certificates) { if (Test-Encrypting $certificate) { $found = $true }; $certificate.Dispose() }
            if ($found) { return $true }
        }
    }
    return $false
}

# Whether the sets that are written for this recipient hold nothing to encrypt to. Only then he can be a removal.
function Test-Bare {
    [CmdletBinding()] param($Recipient)
    if ($null -eq $Recipient.Values[0] -and $null -eq $Recipient.Values[1]) { return $false }
    return -not (Test-Reachable $Recipient.Values)
}

# What an unexpired value is, for people: subject, thumbprint, end. $null for one whose certificates have all expired.
function Get-UnexpiredText {
    [CmdletBinding()] param([string] $Value)
    $certificates = Read-Certificate $Value
    if ($null -eq $certificates) {
        $bytes = [Convert]::FromBase64String($Value)
        return "a value that this script cannot read ($($bytes.Length) bytes, SHA-256 $(Get-HashText ([System.IO.MemoryStream]::new($bytes))))"
    }
    $text = $null
    foreach ($certificate in $certificates) {
        if ($null -eq $text -and $certificate.NotAfter.ToUniversalTime() -gt [datetime]::UtcNow) {
            $text = "$(Get-SubjectText $certificate), thumbprint $((Get-Thumbprint $certificate).Sha1), valid until $(Format-Instant $certificate.NotAfter)"
        }
        $certificate.Dispose()
    }
    return $text
}

