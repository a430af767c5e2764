# The two S/MIME configuration cmdlets of the stand-in tenant; part of StandIn.psm1, which loads it. Strict like the rest:
# the store must be a byte[], of at most 70 000 bytes, and parse as a serialized store; it must hold at least one
# certificate, none twice and none expired. The store is returned as Windows would have kept it, or as it came.

$script:Trust = $null
$script:TrustShape = 'bytes'
$script:TrustStale = [pscustomobject]@{ Reads = 0; Bytes = $null }

function Initialize-StandInTrust {
    <#
    .SYNOPSIS
    Gives the tenant a trust store, or none. Shape: how it comes back: bytes, base64, numbers, or missing (no such property).
    #>
    [CmdletBinding()] param([byte[]] $Store = $null, [string] $Shape = 'bytes')
    $script:Trust = $Store
    $script:TrustShape = $Shape
    $script:TrustStale = [pscustomobject]@{ Reads = 0; Bytes = $null }
    Save-TrustState
}

function Get-StandInTrust {
    <#
    .SYNOPSIS
    The store that the tenant has now, as bytes, or $null.
    #>
    [CmdletBinding()] param()
    return , $script:Trust
}

function Save-TrustState {
    if (-not $script:StateFile) { return }
    [IO.File]::WriteAllText($script:StateFile + '.trust', $(if ($null -eq $script:Trust) { '' } else { [Convert]::ToBase64String($script:Trust) }))
}

# No store, or the one of the state file.
function Reset-TrustState {
    $script:Trust = $null; $script:TrustShape = 'bytes'; $script:TrustStale = [pscustomobject]@{ Reads = 0; Bytes = $null }
    if (-not $script:StateFile -or -not [IO.File]::Exists($script:StateFile + '.trust')) { return }
    $text = [IO.File]::ReadAllText($script:StateFile + '.trust')
    if ($text) { $script:Trust = [Convert]::FromBase64String($text) }
}

# The certificates of a store, or an error text. Written apart from the script's own reader.
function Read-StandInStore {
    [CmdletBinding()] param([byte[]] $Bytes)
    $reader = [IO.BinaryReader]::new([IO.MemoryStream]::new($Bytes))
    $list = [Collections.Generic.List[object]]::new()
    if ($reader.ReadUInt32() -ne 0 -or $reader.ReadUInt32() -ne 0x54524543) { throw 'SMIMECertificateIssuingCA has wrong format' }
    while ($true) {
        $id = $reader.ReadUInt32(); $encoding = $reader.ReadUInt32(); $length = $reader.ReadUInt32()
        if ($id -eq 0) {
            if ($encoding -ne 0 -or $length -ne 0 -or $reader.BaseStream.Position -ne $Bytes.Length) { throw 'SMIMECertificateIssuingCA has wrong format' }
            return , $list
        }
        $data = $reader.ReadBytes([int]$length)
        if ($encoding -ne 1 -or $data.Length -ne $length) { throw 'SMIMECertificateIssuingCA has wrong format' }
        if ($id -eq 32) { $list.Add([Security.Cryptography.X509Certificates.X509Certificate2]::new($data)) }
    }
}

function Get-SmimeConfig {
    [CmdletBinding()] param([Parameter(Position = 0)] [string] $Identity)
    foreach ($kind in @(Register-Call 'Get-SmimeConfig' $PSBoundParameters)) {
        if ($kind -eq 'twice') { [pscustomobject]@{ Name = 'a' }; [pscustomobject]@{ Name = 'b' }; return }
        $record = Get-FaultRecord $kind
        if ($null -ne $record) { $PSCmdlet.WriteError($record); return }
    }
    $shown = $script:Trust
    if ($script:TrustStale.Reads -gt 0) { $script:TrustStale.Reads--; $shown = $script:TrustStale.Bytes }
    if ($script:TrustShape -eq 'missing') { return [pscustomobject]@{ Identity = "Smime Configuration$Identity"; OWACheckCRLOnSend = $false } }
    $value = $shown
    if ($null -ne $shown -and $script:TrustShape -eq 'base64') { $value = [Convert]::ToBase64String($shown) }
    if ($null -ne $shown -and $script:TrustShape -eq 'numbers') { $value = [Collections.ArrayList]::new([object[]][int[]]$shown) }
    [pscustomobject]@{ Identity = "Smime Configuration$Identity"; OWACheckCRLOnSend = $false; SMIMECertificateIssuingCA = $value }
}

function Set-SmimeConfig {
    [CmdletBinding(SupportsShouldProcess = $true)] param([Parameter(Position = 0)] [string] $Identity, $SMIMECertificateIssuingCA)
    if (-not $PSCmdlet.ShouldProcess("Smime Configuration$Identity")) { return }
    $late = $null
    foreach ($kind in @(Register-Call 'Set-SmimeConfig' $PSBoundParameters)) {
        if ($kind -eq 'applied-timeout' -or $kind -eq 'kill-after' -or $kind -like 'stale:*') { $late = $kind; continue }
        if ($kind -like 'foreign-timeout:*') { $script:Trust = [Convert]::FromBase64String($kind.Split(':')[1]) }
        $record = Get-FaultRecord $kind
        if ($null -ne $record) { $PSCmdlet.WriteError($record); return }
    }
    $fail = {
        param($Id, $Text)
        $PSCmdlet.WriteError((Get-Failure $Id $Text 'InvalidData'))
    }
    if ($null -ne $SMIMECertificateIssuingCA) {
        if ($SMIMECertificateIssuingCA -isnot [byte[]]) { & $fail 'Transformation' "Cannot process argument transformation on parameter 'SMIMECertificateIssuingCA'. Cannot convert a '$($SMIMECertificateIssuingCA.GetType())' to 'Byte[]'."; return }
        if ($SMIMECertificateIssuingCA.Length -gt 70000) { & $fail 'Limits' 'The size of the SST file exceeds the limit of 70000 bytes.'; return }
        try { $list = Read-StandInStore $SMIMECertificateIssuingCA } catch { & $fail 'Format' 'SMIMECertificateIssuingCA has wrong format'; return }
        if ($list.Count -eq 0) { & $fail 'Format' 'SMIMECertificateIssuingCA has no certificate'; return }
        $seen = [Collections.Generic.HashSet[string]]::new()
        foreach ($c in $list) {
            if (-not $seen.Add($c.Thumbprint)) { & $fail 'Duplicate' "SMIMECertificateIssuingCA has $($c.Thumbprint) twice"; return }
            if ($c.NotAfter -lt [datetime]::Now) { & $fail 'Expired' "The following certificates have expired: $($c.Thumbprint)"; return }
        }
    }
    if ($late -like 'stale:*') { $script:TrustStale = [pscustomobject]@{ Reads = [int]$late.Split(':')[1]; Bytes = $script:Trust } }
    $script:Trust = $SMIMECertificateIssuingCA
    Save-TrustState
    if ($late -eq 'kill-after') { [void](Get-FaultRecord 'kill-before') }
    if ($late -eq 'applied-timeout') { $PSCmdlet.WriteError((Get-FaultRecord 'timeout')) }
}
