# ---- the root of trust ----------------------------------------------------------------------------------------------
# The hash list travels with the files, so whoever changes a file can change the list. What makes it worth something
# comes another way: the signer's certificate, named by its thumbprint, or the operator's word that nobody signed.

$MaxSignatureBytes = 100000                               # a signature with a chain of certificates has about 5 000
$DigestNames = @{                                         # OIDs as Get-ElementText writes them
    '06:608648016503040201' = @{ Name = 'SHA256'; Size = 32 }
    '06:608648016503040202' = @{ Name = 'SHA384'; Size = 48 }
    '06:608648016503040203' = @{ Name = 'SHA512'; Size = 64 }
}
$SignatureNames = @{
    '06:2A864886F70D010101' = 'RSA'; '06:2A864886F70D01010B' = 'RSA'; '06:2A864886F70D01010C' = 'RSA'; '06:2A864886F70D01010D' = 'RSA'
    '06:2A864886F70D01010A' = 'RSA-PSS'
    '06:2A8648CE3D040302' = 'ECDSA'; '06:2A8648CE3D040303' = 'ECDSA'; '06:2A8648CE3D040304' = 'ECDSA'
}

# Exactly one of the two. The thumbprint's digits are kept in $Run.Signer.
function Confirm-RootOfTrust {
    $choice = 'If the bundle was signed: ask the signer, by telephone or ticket, for the thumbprint of the signing certificate, and add -Signer THUMBPRINT. ' +
    "If it was not: compare the bundle's id and the hash of SHA256SUMS with its maker in the same way, and add -AllowUnsigned -BundleId ID."
    if (-not $Signer -and -not $AllowUnsigned) {
        Deny-Start 'Neither -Signer nor -AllowUnsigned was given. SHA256SUMS shows that the folder is complete and undamaged, not who made it: whoever changes a file can change the list as well.' $choice
    }
    if ($Signer -and $AllowUnsigned) { Deny-Start 'Both -Signer and -AllowUnsigned were given; expected: one of them.' $choice }
    if (-not $Signer) { return }
    # Windows' certificate dialog puts an invisible U+200E in front of the digits that are copied from it.
    $digits = [regex]::Replace($Signer, '[\s:\u200e]', '')
    if (-not [regex]::IsMatch($digits, '\A(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})\z')) {
        Deny-Start "-Signer '$(ConvertTo-SafeText $Signer)' is no thumbprint ($($digits.Length) characters without blanks and colons). Expected: all 40 (SHA-1) or 64 (SHA-256) hexadecimal digits." `
            'Copy the whole thumbprint, as the certificate window of Windows shows it (Details, Thumbprint) or as "openssl x509 -noout -fingerprint -sha256 -in signer.pem" prints it behind the equals sign.'
    }
    $Run.Signer = $digits.ToUpperInvariant()
    $Bound['Signer'] = $Run.Signer
}

# One BER element: Tag, where its content begins (Start) and ends (Stop), and where what follows begins (Next); $null when
# it does not fit before $End. Some signing tools write the indefinite form (X.690 8.1.3.6), which ends with two zeros.
function Read-Element {
    [CmdletBinding()] param([byte[]] $Bytes, [long] $At, [long] $End, [int] $Depth = 0)
    if ($Depth -gt 16 -or ($End - $At) -lt 2 -or ($Bytes[$At] -band 0x1f) -eq 0x1f) { return $null }
    $element = [pscustomobject]@{ Tag = [int]$Bytes[$At]; Start = $At + 2; Stop = [long]0; Next = [long]0 }
    $length = [long]$Bytes[$At + 1]
    if ($length -eq 0x80) {
        if (($element.Tag -band 0x20) -eq 0) { return $null }
        $element.Stop = $element.Start
        while ($true) {
            if (($End - $element.Stop) -ge 2 -and $Bytes[$element.Stop] -eq 0 -and $Bytes[$element.Stop + 1] -eq 0) { $element.Next = $element.Stop + 2; return $element }
            $child = Read-Element $Bytes $element.Stop $End -Depth ($Depth + 1)
            if ($null -eq $child) { return $null }
            $element.Stop = $child.Next
        }
    }
    if ($length -gt 0x80) {
        $count = $length - 0x80
        if ($count -gt 4 -or ($End - $element.Start) -lt $count) { return $null }
        $length = [long]0
        for ($i = 0; $i -lt $count; $i++) { $length = $length * 256 + $Bytes[$element.Start + $i] }
        $element.Start += $count
    }
    if ($length -gt $End - $element.Start) { return $null }
    $element.Stop = $element.Start + $length
    $element.Next = $element.Stop
    return $element
}

# The elements inside one, as a list.
function Get-ElementList {
    [CmdletBinding()] param([byte[]] $Bytes, $Parent)
    $list = New-Object 'System.Collections.Generic.List[object]'
    $at = $Parent.Start
    while ($at -lt $Parent.Stop) {
        $child = Read-Element $Bytes $at $Parent.Stop
        if ($null -eq $child) { throw 'it is no well-formed BER' }
        $list.Add($child)
        $at = $child.Next
    }
    return , $list
}

# An element as hexadecimal text, tag and content, to be compared with a known one: "06:2A8648..." for an OID.
function Get-ElementText {
    [CmdletBinding()] param([byte[]] $Bytes, $Element)
    return '{0:X2}:' -f $Element.Tag + [System.BitConverter]::ToString($Bytes, [int]$Element.Start, [int]($Element.Stop - $Element.Start)).Replace('-', '')
}

# "06:2A8648..." as 1.2.840..., which can be looked up (X.690 8.19).
function Format-Oid {
    [CmdletBinding()] param([string] $Text)
    if (-not [regex]::IsMatch($Text, '\A06:(?:(?:[89A-F].){0,4}[0-7].){1,20}\z')) { return 'unreadable' }
    $arcs = New-Object 'System.Collections.Generic.List[string]'
    $arc = [long]0
    for ($i = 3; $i -lt $Text.Length; $i += 2) {
        $octet = [Convert]::ToInt32($Text.Substring($i, 2), 16)
        $arc = $arc * 128 + ($octet -band 127)
        if ($octet -gt 127) { continue }
        # The first number holds two arcs.
        if ($arcs.Count -eq 0) { $top = [Math]::Min(2, [Math]::Floor($arc / 40)); $arcs.Add("$top"); $arc -= 40 * $top }
        $arcs.Add("$arc")
        $arc = [long]0
    }
    return $arcs -join '.'
}

# What .NET does not tell, or tells differently in 5.1 and 7, read from the structure itself (RFC 5652 section 5.1 and 5.3).
# Most of all, that there is no content inside: given content as well, .NET hashes the two one after the other, so a
# signature could be made to cover a list whose first lines have moved into the signature file. Throws what is wrong.
function Read-SignedData {
    [CmdletBinding()] param([byte[]] $Bytes)
    $whole = Read-Element $Bytes 0 $Bytes.Length
    if ($null -eq $whole -or $whole.Tag -ne 0x30) { throw 'it is cut off, or no CMS structure at all' }
    if ($whole.Next -ne $Bytes.Length) { throw "$($Bytes.Length - $whole.Next) bytes follow behind its end" }
    $info = Get-ElementList $Bytes $whole
    if ($info.Count -ne 2 -or (Get-ElementText $Bytes $info[0]) -cne '06:2A864886F70D010702' -or $info[1].Tag -ne 0xa0) { throw 'it is no CMS SignedData' }
    $data = Get-ElementList $Bytes $info[1]
    if ($data.Count -ne 1 -or $data[0].Tag -ne 0x30) { throw 'it is no CMS SignedData' }
    $parts = Get-ElementList $Bytes $data[0]
    if ($parts.Count -lt 4 -or $parts[2].Tag -ne 0x30 -or $parts[$parts.Count - 1].Tag -ne 0x31) { throw 'it is no CMS SignedData' }
    $content = Get-ElementList $Bytes $parts[2]
    if ($content.Count -gt 1) { throw 'it has content inside; expected is a detached signature, over the file SHA256SUMS that lies beside it' }
    if ($content.Count -ne 1 -or (Get-ElementText $Bytes $content[0]) -cne '06:2A864886F70D010701') { throw 'it signs something else than plain data' }
    $signers = Get-ElementList $Bytes $parts[$parts.Count - 1]
    if ($signers.Count -ne 1) { throw "it has $($signers.Count) signers; expected: exactly one" }
    $fields = Get-ElementList $Bytes $signers[0]
    if ($fields.Count -lt 5 -or $signers[0].Tag -ne 0x30) { throw 'its signer information is damaged' }
    $attributes = $fields[3].Tag -eq 0xa0
    $algorithm = Get-ElementList $Bytes $fields[$(if ($attributes) { 4 } else { 3 })]
    $digest = Get-ElementList $Bytes $fields[2]
    if ($algorithm.Count -eq 0 -or $digest.Count -eq 0) { throw 'its signer information is damaged' }
    $answer = [pscustomobject]@{ Digest = (Get-ElementText $Bytes $digest[0]); Algorithm = (Get-ElementText $Bytes $algorithm[0]); Salt = 20; HasAttributes = $attributes }
    if ($algorithm.Count -eq 2 -and $algorithm[1].Tag -eq 0x30) {
        # RSASSA-PSS-params (RFC 8017 A.2.3): [2] is the length of the salt.
        foreach ($field in (Get-ElementList $Bytes $algorithm[1])) {
            if ($field.Tag -eq 0xa2) { $answer.Salt = [Convert]::ToInt32((Get-ElementText $Bytes (Get-ElementList $Bytes $field)[0]).Substring(3), 16) }
        }
    }
    return $answer
}

# DER as it is, or what stands between the lines that "openssl cms -sign -outform PEM" writes.
function ConvertFrom-Armour {
    [CmdletBinding()] param([byte[]] $Bytes)
    $match = [regex]::Match([System.Text.Encoding]::ASCII.GetString($Bytes), '\A\s*-----BEGIN (CMS|PKCS7)-----\s+([A-Za-z0-9+/=\s]+)-----END \1-----\s*\z')
    if (-not $match.Success) { return , $Bytes }
    try { return , [Convert]::FromBase64String($match.Groups[2].Value) } catch { throw 'its base64 is damaged' }
}

# UTCTime or GeneralizedTime as RFC 5652 section 11.3 wants them.
function ConvertFrom-SigningTime {
    [CmdletBinding()] param([byte[]] $Bytes)
    $time = [datetime]::MinValue
    $text = [System.Text.Encoding]::ASCII.GetString($Bytes, 2, $Bytes.Length - 2)
    if ($Bytes[0] -eq 0x17 -and $text.Length -eq 13) { $text = $(if ([string]::CompareOrdinal($text, '50') -lt 0) { '20' } else { '19' }) + $text }
    if ($text.Length -ne 15 -or -not [datetime]::TryParseExact($text, "yyyyMMddHHmmss'Z'", $Invariant, [System.Globalization.DateTimeStyles]'AssumeUniversal,AdjustToUniversal', [ref]$time)) { throw 'its signing time cannot be read' }
    return $time
}

function Get-Thumbprint {
    [CmdletBinding()] param($Certificate)
    $sha = [System.Security.Cryptography.SHA1]::Create()
    try { $short = [System.BitConverter]::ToString($sha.ComputeHash($Certificate.RawData)).Replace('-', '') } finally { $sha.Dispose() }
    return [pscustomobject]@{ Sha1 = $short; Sha256 = (Get-HashText ([System.IO.MemoryStream]::new($Certificate.RawData))).ToUpperInvariant() }
}

# The subject as one line that can be shown. Whoever made the certificate chose it.
function Get-SubjectText {
    [CmdletBinding()] param($Certificate)
    try { $text = ConvertTo-SafeText $Certificate.Subject } catch { return '(a subject that cannot be read)' }
    if ($text.Length -gt 200) { $text = $text.Substring(0, 200) + '...' }
    return $(if ($text) { $text } else { '(an empty subject)' })
}

function Format-Instant {
    [CmdletBinding()] param([datetime] $Instant)
    return $Instant.ToUniversalTime().ToString('u', $Invariant)
}

# Checks SHA256SUMS.p7s over the very bytes that were read as SHA256SUMS. $Run.Signature says the outcome in words.
function Confirm-Signature {
    [CmdletBinding()] param([string] $Folder, [byte[]] $Content)
    $file = [System.IO.Path]::Combine($Folder, 'SHA256SUMS.p7s')
    $there = [System.IO.File]::Exists($file)
    if (-not $Run.Signer) {
        $Run.Signature = if ($there) { 'NOT CHECKED: the folder has a signature (SHA256SUMS.p7s), but you said -AllowUnsigned. With -Signer THUMBPRINT in its place it is checked.' }
        else { 'The folder is not signed. You said that this is wanted (-AllowUnsigned).' }
        return
    }
    $again = 'Use nothing of this folder. Ask the signer whether it was signed anew, and have SHA256SUMS and SHA256SUMS.p7s carried over again, together. If the signer knows nothing of it, somebody has changed the folder.'
    $sign = 'Ask the signer to sign transfer/SHA256SUMS again as HANDOVER.txt says.'
    if (-not $there) {
        Deny-Start "The folder is not signed: there is no file SHA256SUMS.p7s in $Folder. Expected: a signature of the certificate $($Run.Signer) (-Signer)." `
            'Ask the signer for SHA256SUMS.p7s; it may have been left behind. Put it beside SHA256SUMS.'
    }
    # Windows PowerShell 5.1 has it in System.Security.
    try { Add-Type -AssemblyName $(if ($PSVersionTable.PSVersion.Major -lt 6) { 'System.Security' } else { 'System.Security.Cryptography.Pkcs' }) }
    catch { Deny-Start "This PowerShell cannot check signatures: $($_.Exception.Message)" 'Use Windows PowerShell 5.1 or PowerShell 7.' }
    $stream = Open-Shared $file
    if ($stream.Length -gt $MaxSignatureBytes) { Deny-Start "SHA256SUMS.p7s has $($stream.Length) bytes; a signature has at most $MaxSignatureBytes." $sign }
    try {
        $bytes = ConvertFrom-Armour (Read-AllBytes $stream)
        $shape = Read-SignedData $bytes
    }
    catch { Deny-Start "SHA256SUMS.p7s is no signature that can be checked: $($_.Exception.Message)." $sign }
    if (-not $DigestNames.ContainsKey($shape.Digest)) { Deny-Start "SHA256SUMS.p7s uses a hash that is not accepted (OID $(Format-Oid $shape.Digest)). Expected: SHA-256, SHA-384 or SHA-512." $sign }
    if (-not $SignatureNames.ContainsKey($shape.Algorithm)) { Deny-Start "SHA256SUMS.p7s uses a kind of signature that is not accepted (OID $(Format-Oid $shape.Algorithm)). Expected: RSA (PKCS #1 or PSS) or ECDSA, with SHA-256, SHA-384 or SHA-512." $sign }
    $digest = $DigestNames[$shape.Digest]
    $algorithm = $SignatureNames[$shape.Algorithm]
    if ($algorithm -ceq 'RSA-PSS' -and $shape.Salt -ne $digest.Size) {
        Deny-Start "SHA256SUMS.p7s is an RSA-PSS signature with a salt of $($shape.Salt) bytes. PowerShell can check only a salt as long as the hash, $($digest.Size) bytes; that is no defect of the signature." `
            'Ask the signer to sign again with openssl''s -keyopt rsa_pss_saltlen:-1, or without -keyopt.'
    }
    try {
        $cms = New-Object System.Security.Cryptography.Pkcs.SignedCms -ArgumentList (New-Object System.Security.Cryptography.Pkcs.ContentInfo -ArgumentList (, $Content)), $true
        $cms.Decode($bytes)
        # PowerShell makes $null of a property whose getter throws.
        $signers = $cms.SignerInfos
        if ($null -eq $signers -or $signers.Count -ne 1) { throw 'its signer information cannot be read' }
        $signerInfo = $signers[0]
        $certificate = $signerInfo.Certificate
        # Signed attributes, each at most once: what is signed then are they, and the hash of the content is one of them.
        $values = @{}
        foreach ($attribute in $signerInfo.SignedAttributes) {
            $list = @($attribute.Values)
            if ($values.ContainsKey($attribute.Oid.Value) -or $list.Count -ne 1 -or $null -eq $list[0]) { throw 'a signed attribute does not have exactly one value' }
            $values[$attribute.Oid.Value] = $list[0].RawData
        }
        if ($shape.HasAttributes -ne ($values.Count -gt 0)) { throw 'its signed attributes cannot be read' }
        $claimed = if ($values.ContainsKey('1.2.840.113549.1.9.5')) { ConvertFrom-SigningTime $values['1.2.840.113549.1.9.5'] } else { $null }
    }
    catch { Deny-Start "SHA256SUMS.p7s is no signature that can be checked: $($_.Exception.GetBaseException().Message)." $sign }
    if ($null -eq $certificate) {
        Deny-Start "SHA256SUMS.p7s does not contain the signer's certificate, so there is nothing to compare with -Signer." 'Ask the signer to sign again without openssl''s -nocerts.'
    }
    $found = Get-Thumbprint $certificate
    $who = "$(Get-SubjectText $certificate), SHA-1 $($found.Sha1), SHA-256 $($found.Sha256)"

    if ($values.Count -gt 0) {
        $name = '04' + $digest.Size.ToString('X2') + (Get-DigestText $digest.Name $Content)
        $stated = if ($values.ContainsKey('1.2.840.113549.1.9.4')) { [System.BitConverter]::ToString($values['1.2.840.113549.1.9.4']).Replace('-', '') } else { '' }
        if ($stated -cne $name) {
            $text = [System.Text.Encoding]::ASCII.GetBytes([System.Text.Encoding]::ASCII.GetString($Content).Replace("`n", "`r`n"))
            if ($stated -ceq '04' + $digest.Size.ToString('X2') + (Get-DigestText $digest.Name $text)) {
                Deny-Start 'SHA256SUMS.p7s signs SHA256SUMS with Windows line ends, not the file as it is: openssl changes line ends unless -binary is given.' 'Ask the signer to sign again with openssl''s -binary.'
            }
            Deny-Start "SHA256SUMS.p7s is not the signature of this SHA256SUMS: the two do not belong together. Either SHA256SUMS was changed after it was signed, or the signature is that of another bundle or of review/. It names as its signer: $who." $again
        }
    }
    try { $signerInfo.CheckSignature($true) }
    catch {
        $old = if ($PSVersionTable.PSVersion.Major -lt 6 -and $algorithm -cne 'RSA') { " Windows PowerShell 5.1 may not be able to check $algorithm signatures at all: run the same command in PowerShell 7 first." } else { '' }
        Deny-Start "The signature in SHA256SUMS.p7s ($algorithm, $($digest.Name)) does not fit SHA256SUMS and the certificate that it names ($who). PowerShell says: $(ConvertTo-SafeText $_.Exception.GetBaseException().Message)" ($again + $old)
    }
    if (-not [string]::Equals($Run.Signer, $found.Sha1, $IgnoreCase) -and -not [string]::Equals($Run.Signer, $found.Sha256, $IgnoreCase)) {
        Deny-Start "The signature is valid, but it is somebody else's. Signed by: $who. Expected, by -Signer: $($Run.Signer)." `
            'Compare the thumbprint with the one that you were told. Do not take it from this folder: anybody can sign with a certificate of his own. If they differ, do not use this folder.'
    }
    $at = if ($null -eq $claimed) { [datetime]::UtcNow } else { $claimed }
    if ($at -lt $certificate.NotBefore.ToUniversalTime() -or $at -gt $certificate.NotAfter.ToUniversalTime()) {
        $when = if ($null -eq $claimed) { "now ($(Format-Instant $at); the signature states no time)" } else { "at the signing time that the signer claims ($(Format-Instant $at))" }
        Deny-Start "The signer's certificate was not valid $when. It is valid from $(Format-Instant $certificate.NotBefore) to $(Format-Instant $certificate.NotAfter). Signer: $who." 'Ask the signer to sign again with a certificate that is valid, and for its thumbprint.'
    }
    foreach ($extension in $certificate.Extensions) {
        if ($extension -is [System.Security.Cryptography.X509Certificates.X509KeyUsageExtension] -and ([int]$extension.KeyUsages -band 0xc0) -eq 0) {
            Deny-Start "The signer's certificate is not for signing: its key usage has neither digitalSignature nor nonRepudiation. Signer: $who." 'Ask the signer to sign again with a signing certificate, and for its thumbprint.'
        }
    }
    $time = if ($null -eq $claimed) { 'without a signing time' }
    else { "at $(Format-Instant $claimed), as the signer himself claims$(if ($claimed -gt [datetime]::UtcNow) { ' (that lies in the future: a clock is wrong)' })" }
    $Run.Signature = "Signed by $who, $time."
}

function Get-DigestText {
    [CmdletBinding()] param([string] $Name, [byte[]] $Bytes)
    $hash = [System.Security.Cryptography.HashAlgorithm]::Create($Name)
    try { return [System.BitConverter]::ToString($hash.ComputeHash($Bytes)).Replace('-', '') } finally { $hash.Dispose() }
}

