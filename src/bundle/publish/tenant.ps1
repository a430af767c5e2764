# ---- the tenant -----------------------------------------------------------------------------------------------------

function Confirm-Session {
    $needed = New-Object 'System.Collections.Generic.List[object]'
    $needed.Add(@('Get-Recipient', @('Identity')))
    foreach ($kind in $Kinds.Values) {
        $needed.Add(@("Get-$($kind.Noun)", @('Identity')))
        $needed.Add(@("Set-$($kind.Noun)", @('Identity', 'UserCertificate', 'UserSMimeCertificate')))
    }
    Confirm-Cmdlet $needed 'Exchange Recipient Administrator'
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

# What kind of failure an error of the tenant is. $Address is taken out of the text first: it may look like anything.
function Get-Fault {
    [CmdletBinding()] param($ErrorRecord, [string] $Address)
    $fault = [pscustomobject]@{ Kind = 'failed'; RetryAfter = 0; Text = '' }
    $texts = New-Object 'System.Collections.Generic.List[string]'
    $texts.Add([string]$ErrorRecord.FullyQualifiedErrorId)
    if ($null -ne $ErrorRecord.ErrorDetails) { $texts.Add([string]$ErrorRecord.ErrorDetails.Message) }
    $status = 0
    $exception = $ErrorRecord.Exception
    $fault.Text = $exception.Message
    while ($null -ne $exception) {
        if ($exception -is [System.Management.Automation.CommandNotFoundException]) { $fault.Kind = 'session' }
        $texts.Add($exception.GetType().Name); $texts.Add($exception.Message)
        if ($exception.Data.Contains('Retry-After')) { $texts.Add("Retry-After: $($exception.Data['Retry-After'])") }
        $response = Get-PropertyValue $exception 'Response'
        if ($null -ne $response) {
            $code = Get-PropertyValue $response 'StatusCode'
            if ($null -ne $code) { $status = [int]$code }
            # WebHeaderCollection in 5.1, HttpResponseHeaders in 7.
            $headers = Get-PropertyValue $response 'Headers'
            if ($headers -is [System.Collections.Specialized.NameValueCollection] -or $headers -is [System.Collections.IDictionary]) { $texts.Add("Retry-After: $($headers['Retry-After'])") }
            elseif ($null -ne $headers) { foreach ($header in $headers) { if ([string]::Equals([string](Get-PropertyValue $header 'Key'), 'Retry-After', $IgnoreCase)) { $texts.Add("Retry-After: $(@($header.Value)[0])") } } }
        }
        $exception = $exception.InnerException
    }
    if ($fault.Kind -ceq 'session') { return $fault }
    $text = $texts -join "`n"
    if ($Address) { $text = [regex]::Replace($text, [regex]::Escape($Address), '', [System.Text.RegularExpressions.RegexOptions]'IgnoreCase,CultureInvariant') }
    foreach ($rule in @(
            @('notFound', 'ManagementObjectNotFound|object.{0,400}(couldn.t|could not) be found'),
            @('ambiguous', 'ManagementObjectAmbiguous|matches multiple'),
            @('synchronised', 'synchronized from your on-premises'),
            @('throttled', '\b429\b|too ?many ?requests|throttl|retry-after|micro ?delay|over ?budget|server ?is ?busy|server ?busy'),
            @('session', 'Connect-ExchangeOnline|\b401\b|unauthorized|session .{0,60}(expired|closed|broken|not (open|available|in))|token .{0,60}expired'),
            @('fault', 'timed? ?out|temporar|\b50[0234]\b|connection .{0,40}(closed|reset|aborted|refused)|task ?cancel|try again|service ?unavailable|bad gateway'))) {
        if ([regex]::IsMatch($text, $rule[1], [System.Text.RegularExpressions.RegexOptions]'IgnoreCase,CultureInvariant,Singleline')) { $fault.Kind = $rule[0]; break }
    }
    if ($status -eq 429) { $fault.Kind = 'throttled' }
    elseif ($fault.Kind -ceq 'failed') {
        if ($status -eq 401) { $fault.Kind = 'session' }
        elseif ($status -eq 408 -or $status -ge 500) { $fault.Kind = 'fault' }
    }
    $after = [regex]::Match($text, 'retry[- ]after[^0-9\n]{0,20}([0-9]{1,5})', [System.Text.RegularExpressions.RegexOptions]'IgnoreCase,CultureInvariant')
    if ($after.Success) { $fault.RetryAfter = [Math]::Min(3600, [int]$after.Groups[1].Value) }
    return $fault
}

# Waits out throttling or a broken connection. $false when it has lasted too long.
function Wait-Fault {
    [CmdletBinding()] param($Fault, [int] $Attempt)
    if ($Fault.Kind -ceq 'throttled') { $pauses = $ThrottlePauses } elseif ($Fault.Kind -ceq 'fault') { $pauses = $FaultPauses } else { return $false }
    if ($Attempt -ge $pauses.Count) { return $false }
    $seconds = if ($Fault.RetryAfter -gt 0) { $Fault.RetryAfter } else { $pauses[$Attempt] }
    $what = if ($Fault.Kind -ceq 'throttled') { 'Exchange Online asks for a pause (throttling)' } else { 'The connection failed (' + (ConvertTo-SafeText $Fault.Text) + ')' }
    Write-Note "  ${what}: waiting $seconds s."
    Start-Sleep -Seconds $seconds
    return $true
}

# One call, with the pause that keeps the run below the limits. Errors come out as they are.
function Invoke-Cmdlet {
    [CmdletBinding()] param([string] $Name, [hashtable] $Parameters)
    if ($Run.Calls -gt 0 -and $DelayMilliseconds -gt 0) { Start-Sleep -Milliseconds $DelayMilliseconds }
    $Run.Calls++
    return , @(& $Name @Parameters -ErrorAction Stop)
}

# A reading call, repeated while it may help. Status is 'ok', or the kind of failure.
function Read-Tenant {
    [CmdletBinding()] param([string] $Name, [string] $Identity, [string] $Address)
    $parameters = @{}
    if ($Identity) { $parameters.Identity = $Identity }
    for ($attempt = 0; ; $attempt++) {
        try { return [pscustomobject]@{ Status = 'ok'; Objects = (Invoke-Cmdlet $Name $parameters); Detail = '' } }
        catch {
            $fault = Get-Fault $_ $Address
            if ($fault.Kind -ceq 'session') { $Run.SessionLost = $fault.Text }
            if (-not (Wait-Fault $fault $attempt)) { return [pscustomobject]@{ Status = $fault.Kind; Objects = @(); Detail = "${Name}: $($fault.Text)" } }
        }
    }
}

# A multi-valued property as base64 texts. Sessions differ: byte[], base64 text, or a list of numbers for each value.
function ConvertTo-ValueList {
    [CmdletBinding()] param($Property)
    $list = New-Object 'System.Collections.Generic.List[string]'
    if ($null -eq $Property) { return , $list.ToArray() }
    # A lone value may come without a list around it. (An if-expression would take a list of one apart.)
    $items = New-Object 'System.Collections.Generic.List[object]'
    if ($Property -is [byte[]] -or $Property -is [string]) { $items.Add($Property) } else { foreach ($item in $Property) { $items.Add($item) } }
    foreach ($item in $items) {
        if ($item -is [string]) { $bytes = [Convert]::FromBase64String($item) }
        elseif ($item -is [System.Collections.IEnumerable]) { $bytes = [byte[]]@($item) }
        else { throw "a value of the type $($item.GetType().Name)" }
        $list.Add([Convert]::ToBase64String($bytes))
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

# The recipient in the tenant: Status 'found' with Noun, Kind and Identity, or a result of its own, never a guess.
# $Identity (a rollback knows it) is looked up as it is; an address must be borne by what is found.
function Find-Recipient {
    [CmdletBinding()] param([string] $Address, [string] $Hint, [string] $Identity)
    $answer = [pscustomobject]@{ Status = ''; Detail = ''; Noun = ''; Kind = ''; Identity = '' }
    $wanted = if ($Identity) { $Identity } else { $Address }
    $read = Read-Tenant 'Get-Recipient' $wanted $wanted
    if ($read.Status -ceq 'notFound' -or ($read.Status -ceq 'ok' -and $read.Objects.Count -eq 0)) {
        $answer.Status = 'not-found'
        $answer.Detail = if ($Hint -ceq 'mailContact') { 'The tenant has no recipient with this address. Create the mail contact first (New-MailContact), then run the same command again.' }
        else { 'The tenant has no recipient with this address. Check the address in the tenant; if it differs there, the bundle must be made with --recipient-map.' }
        return $answer
    }
    if ($read.Status -ceq 'ambiguous' -or $read.Objects.Count -gt 1) {
        $answer.Status = 'ambiguous'; $answer.Detail = 'The tenant finds several recipients for this address. Correct that in the tenant, then run the same command again.'
        return $answer
    }
    if ($read.Status -cne 'ok') { $answer.Status = 'failed'; $answer.Detail = $read.Detail; return $answer }
    $object = $read.Objects[0]
    $type = [string](Get-PropertyValue $object 'RecipientType')
    foreach ($name in $Kinds.Keys) { if ([string]::Equals($name, $type, $IgnoreCase)) { $answer.Noun = $Kinds[$name].Noun; $answer.Kind = $Kinds[$name].Word } }
    if (-not $answer.Noun) {
        $answer.Status = 'unsupported-kind'; $answer.Detail = "The tenant has a recipient of the type '$type' at this address; only mailboxes, mail users and mail contacts can hold certificates."
        return $answer
    }
    if (-not $Identity) {
        if ($answer.Kind -ceq 'mailContact' -and $Hint -cne 'mailContact') {
            $answer.Status = 'unexpected-contact'; $answer.Detail = "The bundle says $Hint, the tenant has a mail contact at this address. Find out which of the two is right; nothing was written."
            return $answer
        }
        # A contact is who mail goes to, its external address; a mailbox or mail user may bear several addresses.
        $names = if ($answer.Kind -ceq 'mailContact') { @('ExternalEmailAddress') } else { @('PrimarySmtpAddress', 'EmailAddresses') }
        $bears = $false
        foreach ($name in $names) {
            $borne = Get-PropertyValue $object $name
            foreach ($value in $borne) {
                $text = [string]$value
                if ($text.StartsWith('smtp:', $IgnoreCase)) { $text = $text.Substring(5) }
                if ([string]::Equals($text, $Address, $IgnoreCase)) { $bears = $true }
            }
        }
        if (-not $bears) {
            $answer.Status = 'address-mismatch'; $answer.Detail = "What the tenant finds under this address ($([string](Get-PropertyValue $object 'Identity'))) does not bear it as its e-mail address. Nothing was written."
            return $answer
        }
    }
    foreach ($name in @('Guid', 'ExternalDirectoryObjectId', 'DistinguishedName')) {
        $text = [string](Get-PropertyValue $object $name)
        if ($text -and $text -cne [guid]::Empty.ToString()) { $answer.Identity = $text; break }
    }
    if (-not $answer.Identity) { $answer.Identity = $wanted }
    $answer.Status = 'found'
    return $answer
}

# What the recipient has now: Status 'ok' with Values (two lists of base64 texts), or a result of its own.
function Read-Current {
    [CmdletBinding()] param($Found, [string] $Address)
    $answer = [pscustomobject]@{ Status = 'ok'; Detail = ''; Values = @($null, $null); Synchronised = $false }
    $read = Read-Tenant "Get-$($Found.Noun)" $Found.Identity $Address
    if ($read.Status -cne 'ok' -or $read.Objects.Count -ne 1) {
        $answer.Status = 'failed'
        $answer.Detail = if ($read.Detail) { $read.Detail } else { "Get-$($Found.Noun) gave $($read.Objects.Count) objects; expected: one." }
        return $answer
    }
    $object = $read.Objects[0]
    $answer.Synchronised = [string]::Equals([string](Get-PropertyValue $object 'IsDirSynced'), 'True', $IgnoreCase)
    for ($i = 0; $i -lt 2; $i++) {
        $name = $Attributes[$i].Parameter
        if ($null -eq $object.PSObject.Properties[$name]) { $answer.Status = 'failed'; $answer.Detail = "Get-$($Found.Noun) does not show $name, so the old values cannot be kept. Nothing was written."; break }
        try { $answer.Values[$i] = ConvertTo-ValueList $object.$name }
        catch { $answer.Status = 'failed'; $answer.Detail = "The present values of $name cannot be read ($($_.Exception.Message)), so they cannot be kept. Nothing was written."; break }
    }
    return $answer
}

