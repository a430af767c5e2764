# A stand-in for the Exchange Online cmdlets that the upload script uses (those of the trust store: StandInTrust.ps1). It
# is strict where the real ones are: an unknown parameter, a value of the wrong type, an oversized value, the wrong kind of
# recipient and a synchronised recipient are errors, written as non-terminating errors, so that a caller who forgets -ErrorAction Stop does not see
# them. Each call is recorded. What a real server accepts is documentation here, never proof.
Set-StrictMode -Version Latest
# As in a real session: what a cmdlet reports stops only a caller who asks for that.
$ErrorActionPreference = 'Continue'

$script:People = New-Object 'System.Collections.Generic.List[object]'
$script:Calls = New-Object 'System.Collections.Generic.List[object]'
$script:Faults = New-Object 'System.Collections.Generic.List[object]'
$script:Counters = @{}
$script:Stale = @{}
$script:Shape = 'bytes'
$script:LogFile = ''
$script:StateFile = ''

function Initialize-StandIn {
    <#
    .SYNOPSIS
    Empties the tenant. Shape: how values come back: bytes (list of byte[]), base64 (texts), numbers (lists of numbers), lone (no list around one value).
    #>
    [CmdletBinding()] param([string] $Shape = 'bytes', [string] $LogFile = '', [string] $StateFile = '')
    $script:People.Clear(); $script:Calls.Clear(); $script:Faults.Clear(); $script:Counters = @{}; $script:Stale = @{}
    $script:Shape = $Shape; $script:LogFile = $LogFile; $script:StateFile = $StateFile
    Reset-TrustState
    if ($StateFile -and [IO.File]::Exists($StateFile)) {
        foreach ($line in [IO.File]::ReadAllLines($StateFile)) {
            $j = ConvertFrom-Json -InputObject $line
            Add-StandInRecipient -Address $j.Address -Type $j.Type -Guid $j.Guid -UserCertificate $j.UserCertificate -UserSMimeCertificate $j.UserSMimeCertificate -IsDirSynced:$j.IsDirSynced
        }
    }
}

function Add-StandInRecipient {
    <#
    .SYNOPSIS
    Adds a recipient. Values are base64 texts.
    #>
    [CmdletBinding()]
    param([string] $Address, [string] $Type = 'UserMailbox', [string] $Guid = [guid]::NewGuid().ToString(), [string[]] $UserCertificate = @(),
        [string[]] $UserSMimeCertificate = @(), [switch] $IsDirSynced, [switch] $HideSync, [string[]] $Alias = @(), [string] $External = '', [string[]] $FoundBy = @())
    $person = [pscustomobject]@{ Address = $Address; Type = $Type; Guid = $Guid; IsDirSynced = [bool]$IsDirSynced; HideSync = [bool]$HideSync; Alias = $Alias; FoundBy = $FoundBy
        External = $(if ($External) { $External } elseif ($Type -eq 'MailContact') { $Address } else { '' })
        UserCertificate = [string[]]@($UserCertificate); UserSMimeCertificate = [string[]]@($UserSMimeCertificate) }
    $script:People.Add($person)
    Save-State
}

function Get-StandInRecipient {
    <#
    .SYNOPSIS
    The recipient with this address as the tenant has it now, or all.
    #>
    [CmdletBinding()] param([string] $Address = '')
    foreach ($p in $script:People) { if (-not $Address -or [string]::Equals($p.Address, $Address, 'OrdinalIgnoreCase')) { $p } }
}

function Get-StandInCall {
    <#
    .SYNOPSIS
    The recorded calls, all or those of the commands that match.
    #>
    [CmdletBinding()] param([string] $Like = '*')
    foreach ($c in $script:Calls) { if ($c.command -like $Like) { $c } }
}

function Add-StandInFault {
    <#
    .SYNOPSIS
    The Nth call of a command (* for any) fails in a way: throttle, throttle-after:SECONDS, throttle-header:SECONDS, timeout, applied-timeout, foreign-timeout:VALUE (someone else writes meanwhile), session, denied, stale:READS, kill-before, kill-after.
    #>
    [CmdletBinding()] param([string] $Command, [int] $At, [string] $Kind, [int] $Times = 1)
    for ($i = 0; $i -lt $Times; $i++) { $script:Faults.Add([pscustomobject]@{ Command = $Command; At = $At + $i; Kind = $Kind }) }
}

function Save-State {
    if (-not $script:StateFile) { return }
    $lines = @($script:People | ForEach-Object { ConvertTo-Json -InputObject $_ -Compress })
    [IO.File]::WriteAllLines($script:StateFile + '.new', [string[]]$lines)
    [IO.File]::Move($script:StateFile + '.new', $script:StateFile, $true)
}

function Get-Failure {
    [CmdletBinding()] param([string] $Id, [string] $Text, [string] $Category = 'NotSpecified', $Exception = $null)
    if ($null -eq $Exception) { $Exception = New-Object System.Exception($Text) }
    return New-Object System.Management.Automation.ErrorRecord($Exception, $Id, $Category, $null)
}

function Get-NotFound {
    [CmdletBinding()] param([string] $Identity)
    return Get-Failure '[Server=X,RequestId=6b1f] [FailureCategory=Cmdlet-ManagementObjectNotFoundException] 8D3A1C2B,Microsoft.Exchange.Management.RecipientTasks.GetRecipient' `
        "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed because object '$Identity' couldn't be found on 'X.PROD.OUTLOOK.COM'."
}

# Counts and records the call; returns the kinds of fault that are due.
function Register-Call {
    [CmdletBinding()] param([string] $Command, [hashtable] $Parameters)
    foreach ($name in @($Command, '*')) { if (-not $script:Counters.ContainsKey($name)) { $script:Counters[$name] = 0 }; $script:Counters[$name]++ }
    $call = [ordered]@{ n = $script:Counters['*']; command = $Command; identity = [string]$Parameters['Identity'] }
    foreach ($name in @('UserCertificate', 'UserSMimeCertificate', 'SMIMECertificateIssuingCA')) { if ($Parameters.ContainsKey($name)) { $call[$name] = $(if ($null -eq $Parameters[$name]) { 'null' } else { $Parameters[$name].GetType().Name }) } }
    foreach ($name in @('Confirm', 'ErrorAction')) { if ($Parameters.ContainsKey($name)) { $call[$name] = [string]$Parameters[$name] } }
    $script:Calls.Add([pscustomobject]$call)
    if ($script:LogFile) { [IO.File]::AppendAllText($script:LogFile, (ConvertTo-Json -InputObject ([pscustomobject]$call) -Compress) + "`n") }
    foreach ($f in $script:Faults) { if ($f.At -eq $script:Counters[$f.Command] -and ($f.Command -eq $Command -or $f.Command -eq '*')) { $f.Kind } }
}

function Get-FaultRecord {
    [CmdletBinding()] param([string] $Kind)
    if ($Kind -eq 'throttle') { return Get-Failure 'Throttled' 'Error: 429 (Too Many Requests). The request was throttled.' }
    if ($Kind -like 'throttle-after:*') { return Get-Failure 'Throttled' "Too many requests. Retry-After: $($Kind.Split(':')[1])" }
    if ($Kind -like 'throttle-header:*') {
        $e = New-Object System.Exception 'Response status code does not indicate success.'
        $response = [pscustomobject]@{ StatusCode = 429; Headers = @{ 'Retry-After' = $Kind.Split(':')[1] } }
        $e = Add-Member -InputObject $e -NotePropertyName Response -NotePropertyValue $response -PassThru
        return Get-Failure 'Http' '' 'NotSpecified' $e
    }
    if ($Kind -like '*timeout*') { return Get-Failure 'Timeout' 'The operation has timed out.' 'OperationTimeout' }
    if ($Kind -eq 'session') { return Get-Failure 'Session' 'You must call the Connect-ExchangeOnline cmdlet before calling any other cmdlets.' }
    if ($Kind -eq 'denied') { return Get-Failure 'Denied' "Active Directory operation failed. The object 'X' is read-only for reasons of its own." }
    if ($Kind -eq 'kill-before') { [System.Diagnostics.Process]::GetCurrentProcess().Kill(); [System.Threading.Thread]::Sleep(60000) }
    return $null
}

function Find-Person {
    [CmdletBinding()] param([string] $Identity)
    foreach ($p in $script:People) {
        $names = @($p.Address, $p.Guid, $p.External) + $p.Alias + $p.FoundBy
        foreach ($n in $names) { if ($n -and [string]::Equals($n, $Identity, 'OrdinalIgnoreCase')) { $p; break } }
    }
}

# As a session returns them: never in the order in which they were written.
function ConvertTo-Shape {
    [CmdletBinding()] param([string[]] $Values)
    $list = New-Object System.Collections.ArrayList
    foreach ($v in $Values) {
        if ($script:Shape -eq 'base64') { $list.Insert(0, $v) }
        elseif ($script:Shape -eq 'numbers') { $list.Insert(0, [object[]][int[]][Convert]::FromBase64String($v)) }
        else { $list.Insert(0, [Convert]::FromBase64String($v)) }
    }
    if ($script:Shape -eq 'lone' -and $list.Count -eq 1) { return , $list[0] }
    if ($script:Shape -eq 'lone' -and $list.Count -eq 0) { return $null }
    return , $list
}

function Read-Recipient {
    [CmdletBinding()] param($Caller, [string] $Command, [hashtable] $Parameters, [string] $Type)
    foreach ($kind in @(Register-Call $Command $Parameters)) {
        $record = Get-FaultRecord $kind
        if ($null -ne $record) { $Caller.WriteError($record); return }
    }
    $found = @(Find-Person $Parameters['Identity'] | Where-Object { -not $Type -or $_.Type -eq $Type })
    if ($found.Count -eq 0) { $Caller.WriteError((Get-NotFound $Parameters['Identity'])); return }
    foreach ($p in $found) {
        $emails = @("SMTP:$($p.Address)") + @($p.Alias | ForEach-Object { "smtp:$_" })
        if (-not $Type) {
            [pscustomobject]@{ Identity = "cn=$($p.Address)"; Guid = [guid]$p.Guid; RecipientType = $p.Type; PrimarySmtpAddress = $p.Address; EmailAddresses = $emails
                ExternalEmailAddress = $(if ($p.External) { "SMTP:$($p.External)" } else { $null }) }
            continue
        }
        $shown = $p
        if ($script:Stale.ContainsKey($p.Guid) -and $script:Stale[$p.Guid].Reads -gt 0) { $script:Stale[$p.Guid].Reads--; $shown = $script:Stale[$p.Guid] }
        [pscustomobject]@{ Identity = "cn=$($p.Address)"; Guid = [guid]$p.Guid; IsDirSynced = ($p.IsDirSynced -and -not $p.HideSync); PrimarySmtpAddress = $p.Address
            UserCertificate = (ConvertTo-Shape $shown.UserCertificate); UserSMimeCertificate = (ConvertTo-Shape $shown.UserSMimeCertificate) }
    }
}

# What the server does with one of the two parameters: base64 texts, or an error text.
function ConvertFrom-Parameter {
    [CmdletBinding()] param([string] $Name, $Value)
    if ($null -eq $Value) { return , [string[]]@() }
    if ($Value -isnot [byte[][]] -and $Value -isnot [System.Collections.ArrayList] -and $Value -isnot [object[]]) {
        throw "Cannot process argument transformation on parameter '$Name'. Cannot convert value of the type '$($Value.GetType())' to type 'MultiValuedProperty[byte[]]'."
    }
    if ($Value.Count -eq 0) { throw "Parameter '$Name' is an empty list; `$null empties the attribute." }
    $list = New-Object 'System.Collections.Generic.List[string]'
    foreach ($item in $Value) {
        if ($item -isnot [byte[]]) { throw "Cannot process argument transformation on parameter '$Name'. A value is a '$($item.GetType())', not a byte[]: a byte[] was taken apart." }
        if ($item.Length -gt 32768) { throw "The value of property '$Name' exceeds the maximum length of 32768." }
        $text = [Convert]::ToBase64String($item)
        if ($list.Contains($text)) { throw "The property '$Name' can't contain the same value twice." }
        $list.Add($text)
    }
    return , $list.ToArray()
}

function Write-Recipient {
    [CmdletBinding()] param($Caller, [string] $Command, [hashtable] $Parameters, [string] $Type)
    $late = $null
    $found = @(Find-Person $Parameters['Identity'] | Where-Object { $_.Type -eq $Type })
    foreach ($kind in @(Register-Call $Command $Parameters)) {
        if ($kind -eq 'applied-timeout' -or $kind -eq 'kill-after' -or $kind -like 'stale:*') { $late = $kind; continue }
        if ($kind -like 'foreign-timeout:*') { $found[0].UserCertificate = [string[]]@($kind.Split(':')[1]) }
        $record = Get-FaultRecord $kind
        if ($null -ne $record) { $Caller.WriteError($record); return }
    }
    if ($found.Count -ne 1) { $Caller.WriteError((Get-NotFound $Parameters['Identity'])); return }
    $p = $found[0]
    $new = @{}
    foreach ($name in @('UserCertificate', 'UserSMimeCertificate')) {
        if (-not $Parameters.ContainsKey($name)) { continue }
        try { $new[$name] = ConvertFrom-Parameter $name $Parameters[$name] } catch { $Caller.WriteError((Get-Failure 'Transformation' $_.Exception.Message 'InvalidData')); return }
    }
    if ($p.IsDirSynced) {
        $Caller.WriteError((Get-Failure 'Synced' "The operation on mailbox `"$($p.Address)`" failed because it's out of the current user's write scope. The action '$Command', 'UserCertificate', can't be performed on the object because the object is being synchronized from your on-premises organization."))
        return
    }
    if ($late -like 'stale:*') { $script:Stale[$p.Guid] = [pscustomobject]@{ Reads = [int]$late.Split(':')[1]; UserCertificate = $p.UserCertificate; UserSMimeCertificate = $p.UserSMimeCertificate } }
    foreach ($name in $new.Keys) { $p.$name = [string[]]$new[$name] }
    Save-State
    if ($late -eq 'kill-after') { [void](Get-FaultRecord 'kill-before') }
    if ($late -eq 'applied-timeout') { $Caller.WriteError((Get-FaultRecord 'timeout')) }
}

function Get-Recipient { [CmdletBinding()] param([Parameter(Mandatory = $true, Position = 0)] [string] $Identity) Read-Recipient $PSCmdlet 'Get-Recipient' $PSBoundParameters '' }
function Get-Mailbox { [CmdletBinding()] param([Parameter(Mandatory = $true, Position = 0)] [string] $Identity) Read-Recipient $PSCmdlet 'Get-Mailbox' $PSBoundParameters 'UserMailbox' }
function Get-MailUser { [CmdletBinding()] param([Parameter(Mandatory = $true, Position = 0)] [string] $Identity) Read-Recipient $PSCmdlet 'Get-MailUser' $PSBoundParameters 'MailUser' }
function Get-MailContact { [CmdletBinding()] param([Parameter(Mandatory = $true, Position = 0)] [string] $Identity) Read-Recipient $PSCmdlet 'Get-MailContact' $PSBoundParameters 'MailContact' }
function Set-Mailbox {
    [CmdletBinding(SupportsShouldProcess = $true)] param([Parameter(Mandatory = $true, Position = 0)] [string] $Identity, $UserCertificate, $UserSMimeCertificate)
    if ($PSCmdlet.ShouldProcess($Identity)) { Write-Recipient $PSCmdlet 'Set-Mailbox' $PSBoundParameters 'UserMailbox' }
}
function Set-MailUser {
    [CmdletBinding(SupportsShouldProcess = $true)] param([Parameter(Mandatory = $true, Position = 0)] [string] $Identity, $UserCertificate, $UserSMimeCertificate)
    if ($PSCmdlet.ShouldProcess($Identity)) { Write-Recipient $PSCmdlet 'Set-MailUser' $PSBoundParameters 'MailUser' }
}
function Set-MailContact {
    [CmdletBinding(SupportsShouldProcess = $true)] param([Parameter(Mandatory = $true, Position = 0)] [string] $Identity, $UserCertificate, $UserSMimeCertificate)
    if ($PSCmdlet.ShouldProcess($Identity)) { Write-Recipient $PSCmdlet 'Set-MailContact' $PSBoundParameters 'MailContact' }
}

. ([IO.Path]::Combine($PSScriptRoot, 'StandInTrust.ps1'))

Export-ModuleMember -Function Initialize-StandInTrust, Get-StandInTrust, Get-SmimeConfig, Set-SmimeConfig, Initialize-StandIn, Add-StandInRecipient, Get-StandInRecipient, Get-StandInCall, Add-StandInFault, Get-Recipient, Get-Mailbox, Get-MailUser, Get-MailContact, Set-Mailbox, Set-MailUser, Set-MailContact
