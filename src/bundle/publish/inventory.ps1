# ---- the inventory --------------------------------------------------------------------------------------------------
# What the tenant holds now, for certferry convert --published: one JSON object a line, ASCII. The first line names the
# format, then one line for each recipient who has a value, and the last line counts them, so that a file that was cut off
# is seen. It is written under another name and gets its own when it is complete.

$InventorySchema = 'certferry-inventory-1'

# Has no parameters, so that $PSCmdlet is the script's own. Returns the exit code.
function Invoke-Inventory {
    $file = Resolve-OutputPath -Option 'Inventory' -Given $Inventory -Default ''
    if ([System.IO.File]::Exists($file) -and (Get-FirstLine $file).IndexOf("`"schema`":`"$InventorySchema`"", [System.StringComparison]::Ordinal) -lt 0) {
        Deny-Start "The file $file exists and is no inventory of this script." 'Name another file with -Inventory. An older inventory would be replaced.'
    }
    Confirm-Session
    if (-not $PSCmdlet.ShouldProcess($file, 'Read every mailbox, mail user and mail contact of the tenant, and write what certificates they hold')) { return 0 }
    $part = $file + '.part'
    try { $stream = New-Object System.IO.FileStream($part, [System.IO.FileMode]::Create, [System.IO.FileAccess]::ReadWrite, [System.IO.FileShare]::Read) }
    catch { Deny-Start "The file cannot be written: $part ($($_.Exception.GetBaseException().Message))" 'Name a file in a folder where you may write, with -Inventory.' }
    $Run.Started = $true
    Write-Note 'Reading the whole tenant. This only reads, and takes minutes for thousands of recipients.'
    $state = @{ Writer = (New-Object System.IO.StreamWriter($stream, [System.Text.Encoding]::ASCII)); Seen = [long]0; Written = [long]0; Lost = [long]0; Noun = ''; Word = ''; Known = (Get-AddressSet); Fresh = $null }
    $state.Writer.NewLine = "`n"
    $complete = $false
    try {
        $state.Writer.WriteLine((ConvertTo-JsonObject ([ordered]@{ schema = $InventorySchema; time = (Get-Now) })))
        $complete = $true
        foreach ($kind in $Kinds.Values) {
            $state.Noun = $kind.Noun; $state.Word = $kind.Word
            if (-not (Read-KindInventory $state $stream)) { $complete = $false; break }
        }
        if ($complete) {
            $state.Writer.WriteLine((ConvertTo-JsonObject ([ordered]@{ end = $true; recipients = $state.Written })))
            $state.Writer.Flush()
            $stream.Flush($true)
        }
    }
    finally { $state.Writer.Dispose(); if (-not $complete) { [System.IO.File]::Delete($part) } }
    if (-not $complete) {
        if ($null -ne $Run.SessionLost) { Write-SessionLost 'The inventory begins anew: a part of one is of no use.' }
        Write-Note "No inventory was written. Nothing was changed in the tenant."
        return 1
    }
    if ([System.IO.File]::Exists($file)) { [System.IO.File]::Replace($part, $file, [System.Management.Automation.Language.NullString]::Value) } else { [System.IO.File]::Move($part, $file) }
    Write-Note "$($state.Seen) recipients read, $($state.Written) of them hold a value: $file"
    Write-Note 'Carry this file inside, and name it to certferry: convert ... --published FILE. It holds mail addresses: treat it as personal data.'
    if ($state.Lost -gt 0) { Write-Note "$($state.Lost) recipients could not be read and are NOT in the file; they are named above."; return 1 }
    return 0
}

function Get-AddressSet {
    return , (New-Object 'System.Collections.Generic.HashSet[string]' ([System.StringComparer]::OrdinalIgnoreCase))
}

# All recipients of one kind, one after the other as the session delivers them. When that breaks off, what was written of
# this kind is taken back, and it begins anew. $false when it cannot be read to its end.
function Read-KindInventory {
    [CmdletBinding()] param($State, [System.IO.Stream] $Stream)
    $State.Writer.Flush()
    $from = @{ Length = $Stream.Length; Seen = $State.Seen; Written = $State.Written; Lost = $State.Lost }
    $name = "Get-$($State.Noun)"
    $State.Fresh = Get-AddressSet
    for ($attempt = 0; ; $attempt++) {
        try {
            $Run.Calls++
            & $name -ResultSize Unlimited -ErrorAction Stop | ForEach-Object { if ($null -ne $_) { Write-InventoryLine $State $_ } }
            $State.Known.UnionWith($State.Fresh)
            return $true
        }
        catch {
            $fault = Get-Fault $_ ''
            if ($fault.Kind -ceq 'session') { $Run.SessionLost = $fault.Text; return $false }
            $State.Writer.Flush()
            $Stream.SetLength($from.Length)
            [void]$Stream.Seek(0, [System.IO.SeekOrigin]::End)
            $State.Fresh.Clear()
            $State.Seen = $from.Seen; $State.Written = $from.Written; $State.Lost = $from.Lost
            if (-not (Wait-Fault $fault $attempt)) { Write-Note "Stopped: ${name}: $(ConvertTo-SafeText $fault.Text)"; return $false }
        }
    }
}

function Write-InventoryLine {
    [CmdletBinding()] param($State, $Object)
    $State.Seen++
    Write-Place "reading (Get-$($State.Noun))" $State.Seen 0
    $who = if ($State.Word -ceq 'mailContact') { ConvertFrom-ProxyAddress (Get-PropertyValue $Object 'ExternalEmailAddress') } else { '' }
    # A contact may send mail to something that is no SMTP address.
    if (-not $who -or -not $who.Contains('@') -or $who.Contains(':')) { $who = ConvertFrom-ProxyAddress (Get-PropertyValue $Object 'PrimarySmtpAddress') }
    $values = @($null, $null)
    try {
        for ($i = 0; $i -lt 2; $i++) {
            $property = $Object.PSObject.Properties[$Attributes[$i].Parameter]
            if ($null -eq $property) { throw "$($Attributes[$i].Parameter) is not shown" }
            $values[$i] = ConvertTo-ValueList $property.Value
        }
        if ($values[0].Length + $values[1].Length -eq 0) { return }
        if (-not $who) { throw 'it has no e-mail address' }
        # An address stands for one recipient, or nobody could say whose values these are.
        if ($State.Known.Contains($who) -or -not $State.Fresh.Add($who)) { throw 'another recipient has the same address' }
    }
    catch {
        $State.Lost++
        Write-Note "  $(ConvertTo-SafeText ([string](Get-PropertyValue $Object 'Identity'))) ($who): cannot be read: $($_.Exception.Message)"
        return
    }
    $fields = [ordered]@{ address = $who; kind = $State.Word; synchronised = (Test-True (Get-PropertyValue $Object 'IsDirSynced')) }
    for ($i = 0; $i -lt 2; $i++) { $fields[$Attributes[$i].Json] = $values[$i] }
    $State.Writer.WriteLine((ConvertTo-JsonObject $fields))
    $State.Written++
}

