# ---- the tenant -----------------------------------------------------------------------------------------------------

# The cmdlets that this run needs, each with its parameters.
function Confirm-Session {
    $needed = New-Object 'System.Collections.Generic.List[object]'
    if (-not $Inventory) { $needed.Add(@('Get-Recipient', @('Identity'))) }
    foreach ($kind in $Kinds.Values) {
        $needed.Add(@("Get-$($kind.Noun)", @($(if ($Inventory) { 'ResultSize' } else { 'Identity' }))))
        if (-not $Inventory -and -not $VerifyOnly) { $needed.Add(@("Set-$($kind.Noun)", @('Identity', 'UserCertificate', 'UserSMimeCertificate'))) }
    }
    Confirm-Cmdlet $needed 'Exchange Recipient Administrator'
    Write-Session
}

# Whose session this is, where the module tells: a preview in the wrong tenant looks like any other.
function Write-Session {
    $command = Get-Command -Name 'Get-ConnectionInformation' -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($null -eq $command) { return }
    try {
        foreach ($session in @(& $command -ErrorAction Stop)) {
            $who = @(foreach ($name in @('UserPrincipalName', 'Organization', 'TenantID')) { $text = [string](Get-PropertyValue $session $name); if ($text) { ConvertTo-SafeText $text } })
            if ($who.Count -gt 0) { Write-Note "Session: $($who -join ', ')" }
        }
    }
    catch { Write-Note "Session: not known ($(ConvertTo-SafeText $_.Exception.Message))" }
}

# Each cmdlet of the list (name, parameters) is there, with its parameters. $Role is the role that brings them.
function Confirm-Cmdlet {
    [CmdletBinding()] param($Needed, [string] $Role)
    $missing = New-Object 'System.Collections.Generic.List[string]'
    $absent = 0
    foreach ($entry in $Needed) {
        $command = Get-Command -Name $entry[0] -ErrorAction SilentlyContinue | Select-Object -First 1
        if ($null -eq $command) { $missing.Add($entry[0]); $absent++; continue }
        foreach ($parameter in $entry[1]) { if (-not $command.Parameters.ContainsKey($parameter)) { $missing.Add("$($entry[0]) -$parameter") } }
        $Run.HasConfirm[$entry[0]] = $command.Parameters.ContainsKey('Confirm')
    }
    if ($missing.Count -eq 0) { return }
    $missing.Sort([System.StringComparer]::Ordinal)
    if ($absent -eq $Needed.Count -and $null -eq (Get-Command -Name 'Get-Recipient' -ErrorAction SilentlyContinue)) {
        Deny-Start 'No Exchange Online session is open in this PowerShell window: its cmdlets (Get-Recipient, Set-Mailbox and others) are not there. This script never signs in by itself.' `
            ("Run these commands in this window, then the same command again:`n" +
            "          Install-Module ExchangeOnlineManagement      (once on a computer)`n          Connect-ExchangeOnline -UserPrincipalName you@contoso.com")
    }
    Deny-Start "A session is open, but it does not offer: $($missing -join ', '). The tenant shows a cmdlet or parameter only to accounts that have the role for it." `
        "Ask for the role $Role for your account, sign in again with Connect-ExchangeOnline, and run the same command again."
}

# A multi-valued property as base64 texts. Sessions differ: byte[], base64 text, or a list of numbers for each value.
function ConvertTo-ValueList {
    [CmdletBinding()] param($Property)
    $list = New-Object 'System.Collections.Generic.List[string]'
    if ($null -eq $Property) { return , $list.ToArray() }
    # A lone value may come without a list around it. (An if-expression would take a list of one apart.)
    $items = New-Object 'System.Collections.Generic.List[object]'
    if ($Property -is [byte[]] -or $Property -is [string]) { $items.Add($Property) }
    else { foreach ($item in $Property) { if ($null -ne $item) { $items.Add($item) } } }
    # A lone value as a list of numbers.
    if ($items.Count -gt 0 -and $items[0] -is [System.ValueType]) { $items = @(, $items.ToArray()) }
    foreach ($item in $items) {
        if ($item -is [string]) { $bytes = [Convert]::FromBase64String($item) }
        elseif ($item -is [System.Collections.IEnumerable]) { $bytes = [byte[]]@($item) }
        else { throw "a value of the type $($item.GetType().Name)" }
        if ($bytes.Length -gt 0) { $list.Add([Convert]::ToBase64String($bytes)) }
    }
    return , $list.ToArray()
}

# Equal for equal sets of values, in whatever order they come.
function Get-SetKey {
    [CmdletBinding()] param([string[]] $Values)
    $sorted = [string[]]$Values.Clone()
    [array]::Sort($sorted, [System.StringComparer]::Ordinal)
    return "$($sorted.Length):" + (Get-HashText ([System.IO.MemoryStream]::new([System.Text.Encoding]::ASCII.GetBytes($sorted -join "`n"))))
}

function Test-True {
    [CmdletBinding()] param($Value)
    return [string]::Equals([string]$Value, 'True', $IgnoreCase)
}

# An address as the tenant shows it: alone, or with its kind in front (SMTP:kim@contoso.com).
function ConvertFrom-ProxyAddress {
    [CmdletBinding()] param($Value)
    $text = [string]$Value
    if ($text.StartsWith('smtp:', $IgnoreCase)) { return $text.Substring(5) }
    return $text
}

# Whether the object has the address for its own. A contact is who mail goes to, its external address; a mailbox or mail user
# may have several. An Identity finds names and sign-in names as well, which are no addresses.
function Test-Bearer {
    [CmdletBinding()] param($Object, [string] $Kind, [string] $Address)
    $names = if ($Kind -ceq 'mailContact') { @('ExternalEmailAddress') } else { @('PrimarySmtpAddress', 'EmailAddresses') }
    $wanted = ConvertTo-AsciiDomain $Address
    foreach ($name in $names) {
        $borne = Get-PropertyValue $Object $name
        foreach ($value in $borne) { if ([string]::Equals((ConvertTo-AsciiDomain (ConvertFrom-ProxyAddress $value)), $wanted, $IgnoreCase)) { return $true } }
    }
    return $false
}

# A domain may be written in letters or as xn--...; both are the same.
function ConvertTo-AsciiDomain {
    [CmdletBinding()] param([string] $Address)
    if (-not [regex]::IsMatch($Address, '@.*[^\x00-\x7f]')) { return $Address }
    $at = $Address.LastIndexOf('@') + 1
    try { return $Address.Substring(0, $at) + (New-Object System.Globalization.IdnMapping).GetAscii($Address.Substring($at)) } catch { return $Address }
}

function Get-Kind {
    [CmdletBinding()] param($Object)
    $type = [string](Get-PropertyValue $Object 'RecipientType')
    foreach ($name in $Kinds.Keys) { if ([string]::Equals($name, $type, $IgnoreCase)) { return $Kinds[$name] } }
    return [pscustomobject]@{ Noun = ''; Word = $type }
}

# The recipient in the tenant: Status 'found' with Noun, Kind and Identity, or a result of its own, never a guess.
# $Identity (a rollback knows it) is looked up as it is; an address must be borne by what is found.
function Find-Recipient {
    [CmdletBinding()] param([string] $Address, [string] $Hint, [string] $Identity)
    $answer = [pscustomobject]@{ Status = ''; Detail = ''; Noun = ''; Kind = ''; Identity = ''; Synchronised = $false }
    $wanted = if ($Identity) { $Identity } else { $Address }
    $read = Read-Tenant 'Get-Recipient' $wanted $wanted
    if ($read.Status -ceq 'notFound' -or ($read.Status -ceq 'ok' -and $read.Objects.Count -eq 0)) {
        $answer.Status = 'not-found'
        $answer.Detail = if ($Hint -ceq 'mailContact') { 'The tenant has no recipient with this address. Create the mail contact first (New-MailContact), then run the same command again.' }
        else { 'The tenant has no recipient with this address. Check the address in the tenant; if it differs there, the bundle must be made with --recipient-map.' }
        return $answer
    }
    if ($read.Status -ceq 'ambiguous') {
        $answer.Status = 'ambiguous'; $answer.Detail = 'The tenant finds several recipients for this address. Correct that in the tenant, then run the same command again. Nothing was written.'
        return $answer
    }
    if ($read.Status -cne 'ok') { $answer.Status = 'failed'; $answer.Detail = $read.Detail; return $answer }
    $objects = $read.Objects
    if (-not $Identity) { $objects = @(foreach ($object in $objects) { if (Test-Bearer $object (Get-Kind $object).Word $Address) { $object } }) }
    if ($objects.Count -gt 1) {
        $answer.Status = 'ambiguous'; $answer.Detail = "The tenant has $($objects.Count) recipients with this address. Correct that in the tenant, then run the same command again. Nothing was written."
        return $answer
    }
    # One that was found by something else is looked at all the same, to say what it is.
    $object = if ($objects.Count -eq 1) { $objects[0] } else { $read.Objects[0] }
    $kind = Get-Kind $object
    if ($objects.Count -eq 0 -and -not (Test-Bearer $object '' $Address)) {
        $answer.Status = 'address-mismatch'; $answer.Detail = "What the tenant finds under this address ($([string](Get-PropertyValue $object 'Identity'))) does not bear it as its e-mail address. Nothing was written."
        return $answer
    }
    if (-not $kind.Noun) {
        $answer.Status = 'unsupported-kind'; $answer.Detail = "The tenant has a recipient of the type '$($kind.Word)' at this address; only mailboxes, mail users and mail contacts can hold certificates. Nothing was written."
        return $answer
    }
    if (-not $Identity -and $kind.Word -ceq 'mailContact' -and $Hint -cne 'mailContact') {
        $answer.Status = 'unexpected-contact'; $answer.Detail = "The bundle says $Hint, the tenant has a mail contact at this address. Find out which of the two is right. Nothing was written."
        return $answer
    }
    if ($objects.Count -eq 0) {
        $answer.Status = 'address-mismatch'; $answer.Detail = "The mail contact that has this address sends mail elsewhere, to $(ConvertFrom-ProxyAddress (Get-PropertyValue $object 'ExternalEmailAddress')). Nothing was written."
        return $answer
    }
    $answer.Noun = $kind.Noun; $answer.Kind = $kind.Word
    foreach ($name in @('Guid', 'ExternalDirectoryObjectId', 'DistinguishedName')) {
        $text = [string](Get-PropertyValue $object $name)
        if ($text -and $text -cne [guid]::Empty.ToString()) { $answer.Identity = $text; break }
    }
    if (-not $answer.Identity) { $answer.Identity = $wanted }
    $answer.Synchronised = Test-True (Get-PropertyValue $object 'IsDirSynced')
    $answer.Status = 'found'
    return $answer
}

# What the recipient has now: Status 'ok' with Values (two lists of base64 texts), or a result of its own.
function Read-Current {
    [CmdletBinding()] param($Found, [string] $Address)
    $answer = [pscustomobject]@{ Status = 'ok'; Detail = ''; Values = @($null, $null); Synchronised = $Found.Synchronised }
    $read = Read-Tenant "Get-$($Found.Noun)" $Found.Identity $Address
    if ($read.Status -cne 'ok' -or $read.Objects.Count -ne 1) {
        $answer.Status = 'failed'
        $answer.Detail = if ($read.Detail) { $read.Detail } else { "Get-$($Found.Noun) gave $($read.Objects.Count) objects; expected: one." }
        return $answer
    }
    $object = $read.Objects[0]
    if (Test-True (Get-PropertyValue $object 'IsDirSynced')) { $answer.Synchronised = $true }
    $guid = [string](Get-PropertyValue $object 'Guid')
    $parsed = [guid]::Empty
    if ($guid -and [guid]::TryParse($Found.Identity, [ref]$parsed) -and -not [string]::Equals($guid, $Found.Identity, $IgnoreCase) -and
        -not [string]::Equals([string](Get-PropertyValue $object 'ExternalDirectoryObjectId'), $Found.Identity, $IgnoreCase)) {
        $answer.Status = 'failed'; $answer.Detail = "Get-$($Found.Noun) gave another object ($guid) than Get-Recipient ($($Found.Identity)). Nothing was written."
        return $answer
    }
    for ($i = 0; $i -lt 2; $i++) {
        $name = $Attributes[$i].Parameter
        if ($null -eq $object.PSObject.Properties[$name]) { $answer.Status = 'failed'; $answer.Detail = "Get-$($Found.Noun) does not show $name, so the old values cannot be kept. Nothing was written."; break }
        try { $answer.Values[$i] = ConvertTo-ValueList $object.$name }
        catch { $answer.Status = 'failed'; $answer.Detail = "The present values of $name cannot be read ($($_.Exception.Message)), so they cannot be kept. Nothing was written."; break }
    }
    return $answer
}

