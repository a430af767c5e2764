# ---- the payload ----------------------------------------------------------------------------------------------------

function Open-Payload {
    [CmdletBinding()] param($Bundle)
    return @{ Bundle = $Bundle; Next = 0; Reader = $null; File = ''; Line = 0 }
}

# The next recipient of the payload, or $null at its end. One line is in memory at a time.
function Read-Recipient {
    [CmdletBinding()] param($Cursor)
    $line = $null
    while ($null -eq $line) {
        if ($null -eq $Cursor.Reader) {
            if ($Cursor.Next -ge $Cursor.Bundle.Payload.Count) { return $null }
            $Cursor.File = $Cursor.Bundle.Payload[$Cursor.Next]
            $Cursor.Next++
            $Cursor.Line = 0
            $stream = $Cursor.Bundle.Files[$Cursor.File]
            [void]$stream.Seek(0, [System.IO.SeekOrigin]::Begin)
            $Cursor.Reader = New-Object System.IO.StreamReader($stream, [System.Text.Encoding]::UTF8, $false, 65536, $true)
        }
        $line = $Cursor.Reader.ReadLine()
        $Cursor.Line++
        if ($null -eq $line) { $Cursor.Reader.Dispose(); $Cursor.Reader = $null }
    }
    $data = $null
    # ConvertFrom-Json accepts an array that was cut off, so the form is checked first.
    if ([regex]::IsMatch($line, '\A\{[\x20-\x7e]*\}\z')) { try { $data = ConvertFrom-Json -InputObject $line } catch { $data = $null } }
    $recipient = [pscustomobject]@{ Number = $null; Address = ''; Kind = ''; Values = @($null, $null) }
    $bad = $null -eq $data
    if (-not $bad) {
        $recipient.Number = Get-PropertyValue $data 'number'
        $recipient.Address = Get-PropertyValue $data 'address'
        $recipient.Kind = Get-PropertyValue $data 'kind'
        $bad = -not ($recipient.Number -is [int] -or $recipient.Number -is [long]) -or $recipient.Address -isnot [string] -or
            @('mailbox', 'mailUser', 'mailContact') -cnotcontains $recipient.Kind
        foreach ($property in $data.PSObject.Properties) {
            if (@('number', 'address', 'kind', 'userCertificate', 'userSMIMECertificate') -cnotcontains $property.Name) { $bad = $true }
        }
        for ($i = 0; $i -lt 2; $i++) {
            $property = $data.PSObject.Properties[$Attributes[$i].Json]
            if ($null -eq $property) { continue }
            if ($property.Value -isnot [array]) { $bad = $true; continue }
            foreach ($value in $property.Value) { if (-not (Test-Value $value)) { $bad = $true } }
            if ($bad) { continue }
            $recipient.Values[$i] = [string[]]$property.Value
            # A directory attribute holds a value once; one that was given twice could never be found equal.
            if ($property.Value.Length -gt 1 -and (New-Object 'System.Collections.Generic.HashSet[string]' (, $recipient.Values[$i])).Count -ne $property.Value.Length) { $bad = $true }
        }
    }
    if ($bad) {
        Deny-Start "$($Cursor.File), line $($Cursor.Line), is not a payload line as this script knows it." `
            'Use the script that lies in the same folder, and have the folder carried over again. If it stays so, report it to the maker of the bundle.'
    }
    return $recipient
}

# A value is base64 in its only form, of 1 to 32768 bytes.
function Test-Value {
    [CmdletBinding()] param($Value)
    if ($Value -isnot [string] -or $Value.Length -eq 0) { return $false }
    try { $bytes = [Convert]::FromBase64String($Value) } catch { return $false }
    return $bytes.Length -le $MaxValueBytes -and [Convert]::ToBase64String($bytes) -ceq $Value
}

# Reads the whole payload once before anything is written: its form, its counts, and the names given to -Only and -Exclude.
# Gives how many recipients are selected, and how many of them have nothing in their new sets to be encrypted to.
function Measure-Payload {
    [CmdletBinding()] param($Bundle)
    $answer = [pscustomobject]@{ Selected = 0; Bare = 0 }
    $seen = New-Object 'System.Collections.Generic.HashSet[string]' ([System.StringComparer]::OrdinalIgnoreCase)
    $values = @([long]0, [long]0)
    $cursor = Open-Payload $Bundle
    while ($true) {
        $recipient = Read-Recipient $cursor
        if ($null -eq $recipient) { break }
        if (-not $seen.Add($recipient.Address)) { Deny-Start "The payload names $(ConvertTo-SafeText $recipient.Address) twice ($($cursor.File), line $($cursor.Line))." 'Report this to the maker of the bundle.' }
        for ($i = 0; $i -lt 2; $i++) { if ($null -ne $recipient.Values[$i]) { $values[$i] += $recipient.Values[$i].Length } }
        if ($answer.Selected -ge $First -or -not (Test-Selected $recipient.Address)) { continue }
        $answer.Selected++
        if (-not $VerifyOnly -and (Test-Bare $recipient)) { $answer.Bare++ }
    }
    $found = "$($seen.Count) recipients, $($values[0]) + $($values[1]) values, $($Bundle.Payload.Count) files"
    $stated = "$($Bundle.Recipients) recipients, $($Bundle.Values[0]) + $($Bundle.Values[1]) values, $($Bundle.FileCount) files"
    if ($found -cne $stated) { Deny-Start "The payload holds $found; transfer.json says $stated." 'Have the transfer folder carried over again, complete. If it stays so, report it to the maker of the bundle.' }
    Confirm-Selection $seen 'the bundle'
    return $answer
}

# powershell.exe -File hands "a,b" over as one text, so commas are split here.
function ConvertTo-AddressSet {
    [CmdletBinding()] param([string[]] $List)
    $set = New-Object 'System.Collections.Generic.HashSet[string]' ([System.StringComparer]::OrdinalIgnoreCase)
    foreach ($text in $List) { foreach ($part in $text.Split(',')) { if ($part.Trim()) { [void]$set.Add($part.Trim()) } } }
    return , $set
}

function Confirm-Selection {
    [CmdletBinding()] param($Known, [string] $Where)
    foreach ($option in @('Only', 'Exclude')) {
        if ($null -eq $Run[$option]) { continue }
        $unknown = @(foreach ($address in $Run[$option]) { if (-not $Known.Contains($address)) { ConvertTo-SafeText $address } })
        if ($unknown.Count -gt 0) { Deny-Start "-$option names what is not in ${Where}: $($unknown -join ', ')." 'Correct the addresses (whole e-mail addresses, no wildcards) and run the command again.' }
    }
}

function Test-Selected {
    [CmdletBinding()] param([string] $Address)
    if ($null -ne $Run.Only -and -not $Run.Only.Contains($Address)) { return $false }
    return $null -eq $Run.Exclude -or -not $Run.Exclude.Contains($Address)
}

