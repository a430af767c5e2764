<#
.SYNOPSIS
Runs the upload script against the stand-in tenant and prints one line a case, then "N passed, N failed".

.DESCRIPTION
Most cases run in this process, with a Start-Sleep that only writes down how long it would have waited. Cases that kill
the script, or need another culture, start -Pwsh again with -ChildRun.

.PARAMETER Script
The upload script.

.PARAMETER Pwsh
The program that runs PowerShell scripts, for cases that need a process of their own.

.PARAMETER Filter
Runs only the cases whose name matches this wildcard.

.PARAMETER ChildRun
For the cases themselves: a JSON file that says what a child process shall run.
#>
[CmdletBinding()]
param(
    [string] $Script = '',
    [string] $Pwsh = '',
    [string] $Filter = '*',
    [string] $ChildRun = ''
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$InformationPreference = 'SilentlyContinue'
$ProgressPreference = 'SilentlyContinue'

$Here = $PSScriptRoot
Import-Module ([IO.Path]::Combine($Here, 'StandIn.psm1')) -Force
$global:Slept = New-Object 'System.Collections.Generic.List[double]'
function global:Start-Sleep {
    [CmdletBinding()] param([double] $Seconds = 0, [int] $Milliseconds = 0)
    $global:Slept.Add($Seconds + $Milliseconds / 1000.0)
}

if ($ChildRun) {
    $job = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($ChildRun))
    Initialize-StandIn -StateFile $job.state
    if ($job.killAt -gt 0) { Add-StandInFault -Command $job.killCommand -At $job.killAt -Kind $job.kill }
    $arguments = @{}
    foreach ($property in $job.arguments.PSObject.Properties) { $arguments[$property.Name] = $property.Value }
    "culture $([Threading.Thread]::CurrentThread.CurrentCulture.Name) $('i'.ToUpper())"
    & $job.script @arguments
    exit $LASTEXITCODE
}

if (-not $Script) { throw 'Name the script with -Script: certferry generate script > Publish-SmimeCertificate.ps1' }
$Script = [IO.Path]::GetFullPath($Script)
$Root = [IO.Path]::Combine([IO.Path]::GetTempPath(), 'certferry-script-' + [guid]::NewGuid().ToString('N'))
[void][IO.Directory]::CreateDirectory($Root)
$Ids = '0123456789abcdef' * 4
$script:Passed = 0
$script:Failed = 0
$script:Number = 0

# ---- making things --------------------------------------------------------------------------------------------------

# A value that looks like a certificate from afar: the script carries values and never opens them.
function Get-Value([string] $Name, [int] $Size = 40) {
    $bytes = New-Object byte[] $Size
    $sha = [Security.Cryptography.SHA256]::Create()
    $hash = $sha.ComputeHash([Text.Encoding]::UTF8.GetBytes($Name))
    for ($i = 0; $i -lt $Size; $i++) { $bytes[$i] = $hash[$i % 32] }
    $bytes[0] = 0x30
    return [Convert]::ToBase64String($bytes)
}

function Get-Line([int] $Number, [string] $Address, [string] $Kind = 'mailbox', $Cert = $null, $Smime = $null) {
    $o = [ordered]@{ number = $Number; address = $Address; kind = $Kind }
    if ($null -ne $Cert) { $o.userCertificate = @($Cert) }
    if ($null -ne $Smime) { $o.userSMIMECertificate = @($Smime) }
    return ConvertTo-Json -InputObject ([pscustomobject]$o) -Compress -EscapeHandling EscapeNonAscii
}

# A certificate of its own key. Subject: a name, or the DER of one. The key lies in the property Key, to be exported.
function New-Certificate($Subject, [string] $Kind = 'rsa', [datetime] $From = [datetime]::UtcNow.AddDays(-1), [datetime] $Until = [datetime]::UtcNow.AddYears(1), $Usage = $null) {
    $name = [Security.Cryptography.X509Certificates.X500DistinguishedName]::new($Subject)
    $sha = [Security.Cryptography.HashAlgorithmName]::SHA256
    if ($Kind -eq 'rsa') {
        $key = [Security.Cryptography.RSA]::Create(2048)
        $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new($name, $key, $sha, [Security.Cryptography.RSASignaturePadding]::Pkcs1)
    }
    else {
        $key = [Security.Cryptography.ECDsa]::Create([Security.Cryptography.ECCurve]::CreateFromFriendlyName($Kind))
        $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new($name, $key, $sha)
    }
    if ($null -ne $Usage) { $request.CertificateExtensions.Add([Security.Cryptography.X509Certificates.X509KeyUsageExtension]::new($Usage, $true)) }
    $request.CertificateExtensions.Add([Security.Cryptography.X509Certificates.X509SubjectKeyIdentifierExtension]::new($request.PublicKey, $false))
    return Add-Member -InputObject ($request.CreateSelfSigned($From, $Until)) -NotePropertyName Key -NotePropertyValue $key -PassThru
}

function Write-HashList([string] $Folder) {
    $names = @(foreach ($f in [IO.Directory]::GetFiles($Folder, '*', 'AllDirectories')) { $f.Substring($Folder.Length + 1).Replace('\', '/') }) | Where-Object { $_ -notlike 'SHA256SUMS*' }
    $names = [string[]]@($names); [array]::Sort($names, [StringComparer]::Ordinal)
    $text = New-Object Text.StringBuilder
    foreach ($n in $names) { [void]$text.Append((Get-FileHash -LiteralPath ([IO.Path]::Combine($Folder, $n)) -Algorithm SHA256).Hash.ToLowerInvariant() + '  ' + $n + "`n") }
    [IO.File]::WriteAllText([IO.Path]::Combine($Folder, 'SHA256SUMS'), $text.ToString())
}

# A transfer folder. Files: list of lists of lines. Json: keys of transfer.json to set or (with $null: '-') to drop.
function New-Folder($Files, [hashtable] $Json = @{}, [string] $Name = 'transfer') {
    $folder = [IO.Path]::Combine($script:Dir, $Name)
    [void][IO.Directory]::CreateDirectory([IO.Path]::Combine($folder, 'payload'))
    $n = 0; $recipients = 0; $c = 0; $s = 0
    foreach ($lines in $Files) {
        $n++
        [IO.File]::WriteAllText([IO.Path]::Combine($folder, 'payload', $n.ToString('0000') + '.ndjson'), (@($lines) -join "`n") + "`n")
        foreach ($line in @($lines)) {
            $recipients++
            $o = try { ConvertFrom-Json -InputObject $line } catch { $null }
            if ($o -is [Management.Automation.PSCustomObject]) {
                if ($o.PSObject.Properties['userCertificate']) { $c += @($o.userCertificate).Count }
                if ($o.PSObject.Properties['userSMIMECertificate']) { $s += @($o.userSMIMECertificate).Count }
            }
        }
    }
    $o = [ordered]@{ schema = 'certferry-transfer-1'; tool = [ordered]@{ name = 'certferry'; version = '0.1.0' }; id = $Ids; validUntil = '2099-01-01T00:00:00Z'
        revocationFreshUntil = $null; sequence = $null; previous = $null; unverified = $false
        counts = [ordered]@{ recipients = $recipients; userCertificate = $c; userSMIMECertificate = $s; files = $n }; manifestSha256 = 'ab' * 32 }
    foreach ($k in $Json.Keys) { if ('-' -eq $Json[$k]) { $o.Remove($k) } else { $o[$k] = $Json[$k] } }
    [IO.File]::WriteAllText([IO.Path]::Combine($folder, 'transfer.json'), (ConvertTo-Json -InputObject ([pscustomobject]$o) -Depth 5) + "`n")
    [IO.File]::WriteAllText([IO.Path]::Combine($folder, 'HANDOVER.txt'), "Read me.`n")
    [IO.File]::Copy($Script, [IO.Path]::Combine($folder, 'Publish-SmimeCertificate.ps1'), $true)
    Write-HashList $folder
    $script:Folder = $folder
    return $folder
}

# Runs the script. Gives Code, Text (all that it said), Rows (the result file), Calls.
function Invoke-Script([hashtable] $With = @{}, [switch] $Plain, [string] $Copy = '') {
    $arguments = @{ DelayMilliseconds = 0 }
    $script:Number++
    $result = [IO.Path]::Combine($script:Dir, "result-$($script:Number).csv")
    if (-not $Plain) {
        $arguments.Result = $result
        $arguments.Journal = [IO.Path]::Combine($script:Dir, 'journal.ndjson')
        if (-not $With.ContainsKey('Rollback')) { $arguments.Path = $script:Folder; if (-not $With.ContainsKey('Signer')) { $arguments.AllowUnsigned = $true } }
    }
    foreach ($k in $With.Keys) { $arguments[$k] = $With[$k] }
    foreach ($k in @($arguments.Keys)) { if ($null -eq $arguments[$k]) { $arguments.Remove($k) } }
    $global:Slept.Clear()
    $file = if ($Copy) { $Copy } else { $Script }
    $said = & $file @arguments *>&1
    $code = $LASTEXITCODE
    $rows = @()
    if (-not $Plain -and [IO.File]::Exists($result)) { $rows = @(Import-Csv -LiteralPath $result) }
    return [pscustomobject]@{ Code = $code; Text = (@($said | ForEach-Object { [string]$_ }) -join "`n"); Rows = $rows; Output = @($said | Where-Object { $_ -isnot [Management.Automation.InformationRecord] -and $_ -isnot [Management.Automation.ErrorRecord] }) }
}

# Runs the script in a process of its own, which may be killed at a call.
function Invoke-Child([string] $State, [hashtable] $Arguments, [int] $KillAt = 0, [string] $Kill = 'kill-before', [string] $KillCommand = '*', [string] $Culture = '', [string] $Say = '') {
    $file = [IO.Path]::Combine($script:Dir, 'job.json')
    $job = [ordered]@{ state = $State; script = $Script; killAt = $KillAt; kill = $Kill; killCommand = $KillCommand; arguments = $Arguments }
    [IO.File]::WriteAllText($file, (ConvertTo-Json -InputObject ([pscustomobject]$job) -Depth 5))
    $start = New-Object Diagnostics.ProcessStartInfo($Pwsh)
    foreach ($a in @('-NoProfile', '-File', [IO.Path]::Combine($Here, 'run.ps1'), '-ChildRun', $file)) { $start.ArgumentList.Add($a) }
    $start.WorkingDirectory = $script:Dir
    $start.RedirectStandardInput = $true; $start.RedirectStandardOutput = $true; $start.RedirectStandardError = $true
    if ($Culture) { $start.Environment['DOTNET_SYSTEM_GLOBALIZATION_INVARIANT'] = '0'; $start.Environment['LANG'] = $Culture; $start.Environment['LC_ALL'] = $Culture }
    $p = [Diagnostics.Process]::Start($start)
    $p.StandardInput.Write($Say); $p.StandardInput.Close()
    $err = $p.StandardError.ReadToEndAsync()
    $out = $p.StandardOutput.ReadToEnd()
    $p.WaitForExit()
    return [pscustomobject]@{ Code = $p.ExitCode; Text = $out + $err.Result }
}

# ---- asserting ------------------------------------------------------------------------------------------------------

function Assert-That($Condition, [string] $What) { if (-not $Condition) { throw $What } }
function Assert-Equal($Found, $Expected, [string] $What) { if ([string]$Found -cne [string]$Expected) { throw "${What}: expected <$Expected>, found <$Found>" } }
function Assert-Says($Outcome, [string[]] $Texts) { foreach ($t in $Texts) { if ($Outcome.Text.IndexOf($t, [StringComparison]::Ordinal) -lt 0) { throw "expected the text '$t' in:`n$($Outcome.Text)" } } }
function Assert-Refused($Outcome, [string[]] $Texts) {
    Assert-Equal $Outcome.Code 2 "exit code ($($Outcome.Text))"
    Assert-Says $Outcome (@('Not started; nothing was changed in the tenant.', 'Found:') + $Texts)
    Assert-Equal @(Get-StandInCall 'Set-*').Count 0 'writing calls'
}
function Assert-Set([string] $Address, [string] $Attribute, [string[]] $Expected, $People = $null) {
    $person = @(if ($null -ne $People) { $People | Where-Object Address -eq $Address } else { Get-StandInRecipient $Address })[0]
    $a = [string[]]@($person.$Attribute); $b = [string[]]@($Expected)
    [array]::Sort($a, [StringComparer]::Ordinal); [array]::Sort($b, [StringComparer]::Ordinal)
    Assert-Equal ($a -join ',') ($b -join ',') "$Attribute of $Address"
}
function Assert-Row($Outcome, [string] $Address, [string] $Status, [string] $Detail = '*') {
    $rows = @($Outcome.Rows | Where-Object { $_.address -ceq $Address })
    Assert-Equal $rows.Count 1 "result rows of $Address ($($Outcome.Text))"
    Assert-Equal $rows[0].result $Status "result of $Address ($($rows[0].detail))"
    Assert-That ($rows[0].detail -like $Detail) "detail of ${Address}: $($rows[0].detail)"
}

function Test-Case([string] $Name, [scriptblock] $Body) {
    if ($Name -notlike $Filter) { return }
    $script:Dir = [IO.Path]::Combine($Root, 'case' + ($script:Passed + $script:Failed))
    [void][IO.Directory]::CreateDirectory($script:Dir)
    Set-Location -LiteralPath $script:Dir
    Initialize-StandIn
    try { $said = & $Body; $script:Passed++; "ok    $Name$(if ($said) { " ($said)" })" }
    catch { $script:Failed++; "FAIL  ${Name}: $($_.Exception.Message) [$($_.ScriptStackTrace -replace '\s*\n\s*', ' < ')]" }
}

$A = Get-Value 'A'; $B = Get-Value 'B'; $C = Get-Value 'C'; $Old = Get-Value 'old'; $Old2 = Get-Value 'old2'

try {
    foreach ($part in @('cases-folder.ps1', 'cases-recipients.ps1', 'cases-faults.ps1', 'cases-signature.ps1', 'cases-trust.ps1')) { . ([IO.Path]::Combine($Here, $part)) }
}
finally {
    Set-Location -LiteralPath $Here
    [IO.Directory]::Delete($Root, $true)
}
[Console]::Out.Flush()
"$($script:Passed) passed, $($script:Failed) failed" | Out-Host
exit $(if ($script:Failed -gt 0 -or $script:Passed -eq 0) { 1 } else { 0 })
