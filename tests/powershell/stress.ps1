<#
.SYNOPSIS
Kills the upload script at random moments, as often as asked for, and checks what is left.

.DESCRIPTION
A tenant of some recipients of all kinds; a run that is killed and started again until it comes to its end; then everybody
must have exactly the payload's set. Then the rollback, killed and started again in the same way; then everybody must have
what he had. And again, until -Kills kills have hit a living process. The journal goes on through all of it.

.PARAMETER Script
The upload script.

.PARAMETER Pwsh
The program that runs PowerShell scripts.

.PARAMETER Kills
How many processes are killed.

.PARAMETER Seed
Decides the moments, as far as the machine lets it.
#>
[CmdletBinding()]
param([string] $Script, [string] $Pwsh, [int] $Kills = 200, [int] $Seed = 1)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$Here = $PSScriptRoot
$random = New-Object Random($Seed)
$Root = [IO.Path]::Combine([IO.Path]::GetTempPath(), 'certferry-stress-' + [guid]::NewGuid().ToString('N'))
[void][IO.Directory]::CreateDirectory($Root)
# The helpers of the cases: run.ps1 without a case. It ends with exit, so its functions are taken from its text.
$ast = [Management.Automation.Language.Parser]::ParseFile([IO.Path]::Combine($Here, 'run.ps1'), [ref]$null, [ref]$null)
foreach ($function in $ast.FindAll({ param($node) $node -is [Management.Automation.Language.FunctionDefinitionAst] }, $false)) {
    if ($function.Name -notlike 'global:*') { . ([scriptblock]::Create($function.Extent.Text)) }
}
Import-Module ([IO.Path]::Combine($Here, 'StandIn.psm1')) -Force
$script:Dir = $Root
$script:Made = @{}
$Ids = '0123456789abcdef' * 4
$state = "$Root/state"
$journal = "$Root/journal.ndjson"

# Starts the script in a process of its own and kills it after a while; $true when it came to its end before.
function Invoke-Doomed([hashtable] $Arguments, [int] $Number) {
    $file = "$Root/job.json"
    $job = [ordered]@{ state = $state; script = $Script; killAt = 0; kill = ''; killCommand = ''; arguments = $Arguments }
    [IO.File]::WriteAllText($file, (ConvertTo-Json -InputObject ([pscustomobject]$job) -Depth 5))
    $start = New-Object Diagnostics.ProcessStartInfo($Pwsh)
    foreach ($a in @('-NoProfile', '-File', [IO.Path]::Combine($Here, 'run.ps1'), '-ChildRun', $file)) { $start.ArgumentList.Add($a) }
    $start.RedirectStandardOutput = $true; $start.RedirectStandardError = $true
    $p = [Diagnostics.Process]::Start($start)
    $out = $p.StandardOutput.ReadToEndAsync(); $err = $p.StandardError.ReadToEndAsync()
    # Nothing happens before the script has opened its result file; then a moment of its run.
    while (-not $p.HasExited -and -not [IO.File]::Exists($Arguments.Result)) { [Threading.Thread]::Sleep(2) }
    $alive = -not $p.WaitForExit($random.Next(0, $script:Span))
    if ($alive) { $p.Kill(); $p.WaitForExit(); return $false }
    if ($p.ExitCode -ne 0) { throw "run $Number ended with $($p.ExitCode): $($out.Result) $($err.Result)" }
    return $true
}

function Get-Shot {
    $sets = foreach ($line in [IO.File]::ReadAllLines($state)) {
        $p = ConvertFrom-Json -InputObject $line
        "$($p.Address) $((@($p.UserCertificate) | Sort-Object) -join ',') $((@($p.UserSMimeCertificate) | Sort-Object) -join ',')"
    }
    return $sets -join "`n"
}

$Old = Get-CertificateValue 'Old' 'expired'; $Old2 = Get-CertificateValue 'Old2' 'expired'; $A = Get-CertificateValue 'A'; $B = Get-CertificateValue 'B'
Initialize-StandIn -StateFile $state
$types = 'UserMailbox', 'MailUser', 'MailContact'; $kinds = 'mailbox', 'mailUser', 'mailContact'
$lines = foreach ($n in 1..30) {
    Add-StandInRecipient -Address "s$n@contoso.com" -Type $types[$n % 3] -UserCertificate @($Old, $Old2)[0..($n % 2)] -UserSMimeCertificate $(if ($n % 5) { @($Old) } else { @() })
    Get-Line $n "s$n@contoso.com" $kinds[$n % 3] $(if ($n % 4) { @($A, $B) } else { @($B) }) $(if ($n % 7) { , @($A) } else { , @() })
}
[void](New-Folder @($lines[0..14], $lines[15..29]))
$before = Get-Shot
$wanted = ($lines | ForEach-Object { $l = ConvertFrom-Json -InputObject $_; "$($l.address) $((@($l.userCertificate) | Sort-Object) -join ',') $((@($l.userSMIMECertificate) | Sort-Object) -join ',')" }) -join "`n"
$script:Span = 900      # milliseconds; adapts so that most runs are hit and some come to their end
$killed = 0; $number = 0; $rounds = 0
try {
    while ($killed -lt $Kills) {
        foreach ($direction in 'run', 'rollback') {
            $tries = 0
            while ($true) {
                $number++; $tries++
                $arguments = @{ Journal = $journal; Result = "$Root/r$number.csv"; DelayMilliseconds = 0 }
                if ($direction -eq 'run') { $arguments.Path = $script:Folder; $arguments.AllowUnsigned = $true } else { $arguments.Rollback = $true }
                $ended = Invoke-Doomed $arguments $number
                if ($ended) { $script:Span = [Math]::Max(100, $script:Span * 3 / 4); break }
                $killed++
                if ($tries -gt 6) { $script:Span = $script:Span * 3 / 2 }
            }
            $shot = Get-Shot
            if ($direction -eq 'run' -and $shot -cne $wanted) { throw "after run $number not everybody has the payload's set:`n$shot" }
            if ($direction -eq 'rollback' -and $shot -cne $before) { throw "after rollback $number not everybody has what he had:`n$shot" }
        }
        $rounds++
    }
    "$killed kills in $rounds rounds: each time the payload's sets, and back to the originals"
}
finally { [IO.Directory]::Delete($Root, $true) }
[Console]::Out.Flush()
exit 0
