# ---- calls and their failures ---------------------------------------------------------------------------------------

# What tells the kind of a failure, in this order: the names of types and error ids, the HTTP status, and only then the
# text, which may come in any language. Text is never asked when one of the others has answered.
$FaultNames = @(
    @('notFound', 'ManagementObjectNotFound'),
    @('ambiguous', 'ManagementObjectAmbiguous'),
    @('throttled', 'Throttl|TooManyRequests|ServerBusy|OverBudget'),
    @('session', 'PSRemotingTransport|PSSessionState|Msal[A-Za-z]*Exception|Adal[A-Za-z]*Exception|AADSTS[0-9]'),
    @('fault', 'Timeout|TaskCanceled|OperationCanceled|HttpRequestException|WebException|SocketException|\bIOException'))
$FaultTexts = @(
    @('synchronised', 'synchronized from your on-premises'),
    @('notFound', 'object.{0,400}(couldn.t|could not) be found'),
    @('ambiguous', 'matches multiple'),
    @('throttled', '(http|status|code|error|response)[^\n]{0,40}\b429\b|too ?many ?requests|throttl|retry-after|micro ?delay|over ?budget|server ?(is ?)?(too ?)?busy'),
    @('session', 'Connect-ExchangeOnline|AADSTS[0-9]|(http|status|code|error|response)[^\n]{0,40}\b401\b|\bunauthorized\b|session .{0,60}(expired|closed|broken|not (open|available|in))|token .{0,60}expired'),
    @('fault', 'timed? ?out|temporar|(http|status|code|error|response)[^\n]{0,40}\b50[0234]\b|connection .{0,40}(closed|reset|aborted|refused)|task ?cancel|try again|service ?unavailable|bad gateway'))
$FaultOptions = [System.Text.RegularExpressions.RegexOptions]'IgnoreCase,CultureInvariant,Singleline'

function Select-Rule {
    [CmdletBinding()] param($Rules, [string] $Text)
    foreach ($rule in $Rules) { if ([regex]::IsMatch($Text, $rule[1], $FaultOptions)) { return $rule[0] } }
    return ''
}

# What kind of failure an error of the tenant is: notFound, ambiguous, synchronised, throttled, fault (may pass), session
# (lost), or failed. $Address is taken out of the texts first: it may look like anything.
function Get-Fault {
    [CmdletBinding()] param($ErrorRecord, [string] $Address)
    $fault = [pscustomobject]@{ Kind = 'failed'; RetryAfter = 0; Text = '' }
    $names = New-Object 'System.Collections.Generic.List[string]'
    $texts = New-Object 'System.Collections.Generic.List[string]'
    $names.Add([string]$ErrorRecord.FullyQualifiedErrorId)
    $names.Add("$($ErrorRecord.CategoryInfo.Reason) $($ErrorRecord.CategoryInfo.Category)")
    if ($null -ne $ErrorRecord.ErrorDetails) { $texts.Add([string]$ErrorRecord.ErrorDetails.Message) }
    $status = 0
    $exception = $ErrorRecord.Exception
    # The module's own errors read "Ex6F9304|Microsoft.Exchange...Exception|what happened".
    $fault.Text = [regex]::Replace($exception.Message, '\A[^|\n]{0,200}\|[\w.]+\|', '')
    while ($null -ne $exception) {
        if ($exception -is [System.Management.Automation.CommandNotFoundException]) { $fault.Kind = 'session' }
        $names.Add($exception.GetType().Name)
        foreach ($match in [regex]::Matches($exception.Message, '\|([\w.]+Exception)\|')) { $names.Add($match.Groups[1].Value) }
        $texts.Add($exception.Message)
        try {
            if ($exception.Data.Contains('Retry-After')) { $texts.Add("Retry-After: $($exception.Data['Retry-After'])") }
            $response = Get-PropertyValue $exception 'Response'
            foreach ($holder in @($exception, $response)) {
                if ($null -eq $holder) { continue }
                $code = Get-PropertyValue $holder 'StatusCode'
                if ($null -ne $code -and $status -eq 0) { $status = [int]$code }
            }
            if ($null -ne $response) { $texts.Add((Get-RetryHeader $response)) }
        }
        catch { $texts.Add($_.Exception.Message) }      # a property that throws tells nothing
        $exception = $exception.InnerException
    }
    if ($fault.Kind -ceq 'session') { return $fault }
    $text = $texts -join "`n"
    $name = $names -join "`n"
    if ($Address) {
        $text = [regex]::Replace($text, [regex]::Escape($Address), '', $FaultOptions)
        $name = [regex]::Replace($name, [regex]::Escape($Address), '', $FaultOptions)
    }
    $kind = Select-Rule $FaultNames $name
    if (-not $kind -or $kind -ceq 'fault') {
        if ($status -eq 429) { $kind = 'throttled' }
        elseif ($status -eq 401) { $kind = 'session' }
        elseif ($status -eq 408 -or $status -ge 500) { $kind = 'fault' }
        elseif ($status -ge 400) { $kind = '' }
    }
    if (-not $kind) { $kind = Select-Rule $FaultTexts $text }
    if ($kind) { $fault.Kind = $kind }
    $fault.RetryAfter = Get-RetrySecond $text
    return $fault
}

# WebHeaderCollection in 5.1, HttpResponseHeaders in 7.
function Get-RetryHeader {
    [CmdletBinding()] param($Response)
    $headers = Get-PropertyValue $Response 'Headers'
    if ($null -eq $headers) { return '' }
    if ($headers -is [System.Collections.Specialized.NameValueCollection] -or $headers -is [System.Collections.IDictionary]) { return "Retry-After: $($headers['Retry-After'])" }
    foreach ($header in $headers) {
        if ([string]::Equals([string](Get-PropertyValue $header 'Key'), 'Retry-After', $IgnoreCase)) { return "Retry-After: $(@($header.Value)[0])" }
    }
    return ''
}

# RFC 9110 section 10.2.3: a number of seconds, or a date. 0 when there is none.
function Get-RetrySecond {
    [CmdletBinding()] param([string] $Text)
    $match = [regex]::Match($Text, 'retry[- ]?after[^0-9\n]{0,20}([0-9]{1,9})(?!\d| ?[A-Z][a-z]{2} )', $FaultOptions)
    if ($match.Success) { return [int][Math]::Min(3600, [long]$match.Groups[1].Value) }
    $match = [regex]::Match($Text, 'retry-after: *(\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT)', $FaultOptions)
    $instant = [datetime]::MinValue
    if ($match.Success -and [datetime]::TryParseExact($match.Groups[1].Value, 'r', $Invariant, [System.Globalization.DateTimeStyles]'AssumeUniversal,AdjustToUniversal', [ref]$instant)) {
        return [int][Math]::Max(0, [Math]::Min(3600, [Math]::Ceiling(($instant - [datetime]::UtcNow).TotalSeconds)))
    }
    return 0
}

# Waits out throttling or a broken connection. $false when it has lasted too long.
function Wait-Fault {
    [CmdletBinding()] param($Fault, [int] $Attempt)
    if ($Fault.Kind -ceq 'throttled') { $pauses = $ThrottlePauses } elseif ($Fault.Kind -ceq 'fault') { $pauses = $FaultPauses } else { return $false }
    if ($Attempt -ge $pauses.Count) { return $false }
    # The server's own time is obeyed; when that was not enough once, the pauses grow all the same.
    $seconds = $pauses[$Attempt]
    if ($Fault.RetryAfter -gt 0) { $seconds = [Math]::Max($Fault.RetryAfter, $(if ($Attempt -gt 0) { $pauses[$Attempt - 1] } else { 0 })) }
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
    return , @(foreach ($object in @(& $Name @Parameters -ErrorAction Stop)) { if ($null -ne $object) { $object } })
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

