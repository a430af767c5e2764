# What a run leaves behind and hands over: result, missing recipients, objects, comparison, inventory, help. Run by run.ps1.

Test-Case 'a result file that ends in .json is a JSON array' {
    Start-Five
    (Get-StandInRecipient 'u4@contoso.com').UserCertificate = [string[]]@($C)
    [void](Invoke-Script @{ Result = "$script:Dir/r.json" })
    $rows = @(ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$script:Dir/r.json")))
    Assert-Equal (@($rows | ForEach-Object { $_.result }) -join ',') 'updated,updated,updated,foreign-values,updated' 'results'
    Assert-Equal $rows[3].address 'u4@contoso.com' 'address'
    Assert-Equal $rows[3].number 4 'number'
}
Test-Case 'a result of nobody is a JSON array too' { [void](New-Folder @()); [void](Invoke-Script @{ Result = "$script:Dir/r.json" }); Assert-Equal @(ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$script:Dir/r.json"))).Count 0 'rows' }
Test-Case 'two runs within a second have two result files' {
    Start-One
    foreach ($i in 1..3) { Assert-Equal (Invoke-Script @{ Path = $script:Folder; AllowUnsigned = $true } -Plain).Code 0 'exit code' }
    Assert-Equal @([IO.Directory]::GetFiles($script:Dir, 'smime-result-*.csv')).Count 3 'result files'
}
Test-Case 'cells that a spreadsheet would run are text' {
    $names = @('=1+1@x.example', '+1@x.example', '-1@x.example', "$([char]0xFF1D)1@x.example", 'a;=1@x.example')
    $lines = for ($n = 0; $n -lt $names.Count; $n++) { Get-Line ($n + 1) $names[$n] 'mailContact' $A }
    [void](New-Folder @(, @($lines)))
    $r = Invoke-Script
    Assert-Equal (@($r.Rows | ForEach-Object { $_.address }) -join ' ') "'=1+1@x.example '+1@x.example '-1@x.example '$([char]0xFF1D)1@x.example a;'=1@x.example" 'cells'
    $missing = @(Import-Csv -LiteralPath "$script:Dir/missing-recipients.csv")
    Assert-Equal $missing[0].address "'=1+1@x.example" 'cell of the missing'
    Assert-Equal $missing[0].command "New-MailContact -Name '=1+1@x.example' -ExternalEmailAddress '=1+1@x.example'" 'command'
}
Test-Case 'missing-recipients.csv: who is not there, with the command for contacts, safely quoted' {
    $quote = [string][char]0x2019
    $long = ('x' * 60) + '@elsewhere.example'
    Add-StandInRecipient -Address 'anna@contoso.com'
    [void](New-Folder @(, @((Get-Line 1 'gone@contoso.com' 'mailbox' $A), (Get-Line 2 "o'neil`$(x)@elsewhere.example" 'mailContact' $A), (Get-Line 3 "d${quote}amato@elsewhere.example" 'mailContact' $A),
                (Get-Line 4 $long 'mailContact' $A), (Get-Line 5 'anna@contoso.com' 'mailbox' $A))))
    $r = Invoke-Script
    $rows = @(Import-Csv -LiteralPath "$script:Dir/missing-recipients.csv")
    Assert-Equal $rows.Count 4 'rows'
    Assert-Equal $rows[0].command '' 'command for a mailbox'
    Assert-Equal $rows[1].command "New-MailContact -Name 'o''neil`$(x)@elsewhere.example' -ExternalEmailAddress 'o''neil`$(x)@elsewhere.example'" 'command with quotes'
    Assert-Says $r @('missing-recipients.csv (4 recipients')
    # The commands do what they say: run as text, they hand the very address over.
    $made = New-Object 'System.Collections.Generic.List[object]'
    function New-MailContact([string] $Name, [string] $ExternalEmailAddress) { $made.Add([pscustomobject]@{ Name = $Name; Address = $ExternalEmailAddress }) }
    foreach ($row in $rows[1..3]) { & ([scriptblock]::Create($row.command)) }
    Assert-Equal ($made.Address -join ' ') "o'neil`$(x)@elsewhere.example d${quote}amato@elsewhere.example $long" 'addresses'
    Assert-Equal $made[2].Name.Length 64 'length of the name'
}
Test-Case 'missing-recipients.csv of an earlier run gives way, another file of this name does not' {
    Start-One
    [IO.File]::WriteAllText("$script:Dir/missing-recipients.csv", [char]0xFEFF + "address,kind,command`r`n""old"",""mailbox"",""""`r`n")
    Assert-Equal (Invoke-Script).Code 0 'exit code'
    Assert-That (-not [IO.File]::Exists("$script:Dir/missing-recipients.csv")) 'the old list is still there'
    [IO.File]::WriteAllText("$script:Dir/missing-recipients.csv", 'mine')
    $r = Invoke-Script
    Assert-Equal $r.Code 2 'exit code'
    Assert-Says $r @('is no list of this script', '-MissingRecipients')
    Assert-Equal ([IO.File]::ReadAllText("$script:Dir/missing-recipients.csv")) 'mine' 'file'
}
Test-Case '-MissingRecipients names another place; inside the transfer folder it is refused; -WhatIf writes it only when named' {
    [void](New-Folder @(, @(Get-Line 1 'gone@contoso.com' 'mailbox' $A)))
    Assert-Refused (Invoke-Script @{ MissingRecipients = "$script:Folder/m.csv" }) @('The MissingRecipients file would lie in the transfer folder')
    [void](Invoke-Script @{ WhatIf = $true })
    Assert-That (-not [IO.File]::Exists("$script:Dir/missing-recipients.csv")) 'written in a preview'
    [void](Invoke-Script @{ WhatIf = $true; MissingRecipients = "$script:Dir/m [1].csv" })
    Assert-Equal @(Import-Csv -LiteralPath "$script:Dir/m [1].csv").Count 1 'rows'
}
Test-Case 'a place behind a link into a transfer folder is refused' {
    Start-One
    [void][IO.Directory]::CreateSymbolicLink("$script:Dir/link", $script:Folder)
    Assert-Refused (Invoke-Script @{ Journal = "$script:Dir/link/payload/j.ndjson" }) @('would lie in the transfer folder')
}
Test-Case '-PassThru: an object a recipient on the pipeline, and nothing else' {
    Start-Five
    $r = Invoke-Script @{ PassThru = $true }
    Assert-Equal $r.Output.Count 5 'objects'
    Assert-Equal (@($r.Output | ForEach-Object { "$($_.Number)$($_.Address)$($_.Kind)$($_.Result)" }) -join ',') '1u1@contoso.commailboxupdated,2u2@contoso.commailboxupdated,3u3@contoso.commailboxupdated,4u4@contoso.commailboxupdated,5u5@contoso.commailboxupdated' 'objects'
    Assert-Equal $r.Output[0].PSObject.TypeNames[0] 'Certferry.Result' 'type'
    $r = Invoke-Script @{ PassThru = $true; Rollback = $true }
    Assert-Equal (@($r.Output | ForEach-Object { $_.Result }) -join ',') 'restored,restored,restored,restored,restored' 'rollback'
}
Test-Case 'what is known at the end is said: table, files, how to undo' {
    Start-Five
    $r = Invoke-Script @{ First = 2 }
    Assert-Says $r @('  updated                  2  written, and read back', '2 of them are selected', 'Result file:', 'Journal:     ', 'To undo:     & ', ' -Rollback -Journal ')
    Assert-Says $r @("SHA-256 of SHA256SUMS: $((Get-FileHash -LiteralPath "$script:Folder/SHA256SUMS").Hash.ToLowerInvariant())")
}
Test-Case 'the journal says what became of everybody' {
    Start-Five
    (Get-StandInRecipient 'u4@contoso.com').UserCertificate = [string[]]@($C)
    (Get-StandInRecipient 'u5@contoso.com').UserCertificate = [string[]]@($A)
    [void](Invoke-Script)
    $records = @(foreach ($line in [IO.File]::ReadAllLines("$script:Dir/journal.ndjson")) { ConvertFrom-Json -InputObject $line })
    Assert-Equal (@($records | ForEach-Object { $_.type }) -join ' ') 'run before confirmed before confirmed before confirmed result result' 'records'
    Assert-Equal "$($records[7].address) $($records[7].result) $($records[8].address) $($records[8].result)" 'u4@contoso.com foreign-values u5@contoso.com unchanged' 'results'
}

# ---- -VerifyOnly

Test-Case '-VerifyOnly says of everybody whether he has exactly the bundle''s set, and writes nothing' {
    Start-Five
    (Get-StandInRecipient 'u1@contoso.com').UserCertificate = [string[]]@($A)
    (Get-StandInRecipient 'u2@contoso.com').UserCertificate = [string[]]@($A, $C)
    $script:People = Get-StandInRecipient
    $r = Invoke-Script @{ VerifyOnly = $true }
    Assert-Equal $r.Code 1 'exit code'
    Assert-Row $r 'u1@contoso.com' 'confirmed'
    Assert-Row $r 'u2@contoso.com' 'differs' '*userCertificate: 0 missing, 1 besides*'
    Assert-Row $r 'u3@contoso.com' 'differs' '*userCertificate: 1 missing, 1 besides*'
    Assert-Equal @(Get-StandInCall 'Set-*').Count 0 'writing calls'
    Assert-That (-not [IO.File]::Exists("$script:Dir/journal.ndjson")) 'a journal was made'
    Assert-Says $r @('Comparison (nothing was written)')
}
Test-Case '-VerifyOnly settles what was unconfirmed, in the journal too' {
    Start-One @{ UserCertificate = @($Old) }
    Add-StandInFault -Command 'Set-Mailbox' -At 1 -Kind 'stale:8'
    Assert-Row (Invoke-Script) 'anna@contoso.com' 'unconfirmed' '*-VerifyOnly*'
    $r = Invoke-Script @{ VerifyOnly = $true }
    Assert-Equal $r.Code 0 'exit code'
    Assert-Row $r 'anna@contoso.com' 'confirmed'
    $last = ConvertFrom-Json -InputObject ([IO.File]::ReadAllLines("$script:Dir/journal.ndjson")[-1])
    Assert-Equal "$($last.type) $($last.address)" 'confirmed anna@contoso.com' 'last record'
    Assert-Row (Invoke-Script @{ Rollback = $true }) 'anna@contoso.com' 'restored'
}
Test-Case '-VerifyOnly compares a synchronised recipient and an expired bundle, and needs no right to write' {
    Start-One @{ UserCertificate = @($A); IsDirSynced = $true }
    [void](New-Folder @(, @(Get-Line 1 'anna@contoso.com' 'mailbox' $A)) @{ validUntil = '2020-01-01T00:00:00Z' })
    function global:Set-Mailbox { [CmdletBinding()] param($Identity) "$Identity" }
    try { $r = Invoke-Script @{ VerifyOnly = $true } } finally { [void](Remove-Item -LiteralPath function:Set-Mailbox); Import-Module ([IO.Path]::Combine($Here, 'StandIn.psm1')) -Force }
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
    Assert-Says $r @('This bundle has expired: it can be compared')
}
Test-Case '-VerifyOnly: an attribute that is cleared must be empty, one that is left alone is not asked' {
    Start-One @{ UserCertificate = @($C); UserSMimeCertificate = @($Old) } $null @()
    Assert-Row (Invoke-Script @{ VerifyOnly = $true }) 'anna@contoso.com' 'differs' '*userSMIMECertificate: 0 missing, 1 besides*'
    (Get-StandInRecipient 'anna@contoso.com').UserSMimeCertificate = [string[]]@()
    Assert-Row (Invoke-Script @{ VerifyOnly = $true }) 'anna@contoso.com' 'confirmed'
}
Test-Case '-VerifyOnly wants to know who made the folder, too' { Start-One; Assert-Refused (Invoke-Script @{ VerifyOnly = $true; AllowUnsigned = $null }) @('Neither -Signer nor -AllowUnsigned') }
Test-Case 'two addresses of one recipient in a bundle: the second is not written' {
    Add-StandInRecipient -Address 'anna@contoso.com' -Alias 'info@contoso.com'
    [void](New-Folder @(, @((Get-Line 1 'anna@contoso.com' 'mailbox' $A), (Get-Line 2 'info@contoso.com' 'mailbox' $B))))
    foreach ($n in 1..2) {
        $r = Invoke-Script
        Assert-Row $r 'info@contoso.com' 'same-recipient' '*number 1 of the bundle*'
        Assert-Set 'anna@contoso.com' UserCertificate @($A)
    }
}

# ---- -Inventory

function Start-Tenant {
    Add-StandInRecipient -Address 'anna@contoso.com' -UserCertificate $A -UserSMimeCertificate $B
    Add-StandInRecipient -Address 'nobody@contoso.com'
    Add-StandInRecipient -Address 'ext@contoso.com' -Type 'MailUser' -UserCertificate $Old, $C -IsDirSynced
    Add-StandInRecipient -Address 'p@contoso.com' -Type 'MailContact' -External 'p@elsewhere.example' -UserCertificate $D
}
function Read-Inventory([string] $File) { foreach ($line in [IO.File]::ReadAllLines($File)) { ConvertFrom-Json -InputObject $line } }
foreach ($shape in 'bytes', 'base64', 'lone') {
    Test-Case "-Inventory writes what the tenant holds ($shape)" {
        Initialize-StandIn -Shape $shape
        Start-Tenant
        $r = Invoke-Script @{ Inventory = 'inv [1].ndjson' }
        Assert-Equal $r.Code 0 "exit code ($($r.Text))"
        $lines = @(Read-Inventory "$script:Dir/inv [1].ndjson")
        Assert-Equal $lines.Count 5 'lines'
        Assert-Equal $lines[0].schema 'certferry-inventory-1' 'schema'
        Assert-Equal (@($lines[1..3] | ForEach-Object { "$($_.address) $($_.kind) $($_.synchronised) $($_.userCertificate.Count) $($_.userSMIMECertificate.Count)" }) -join '; ') `
            'anna@contoso.com mailbox False 1 1; ext@contoso.com mailUser True 2 0; p@elsewhere.example mailContact False 1 0' 'lines'
        Assert-Equal $lines[1].userCertificate[0] $A 'value'
        Assert-Equal "$($lines[4].end) $($lines[4].recipients)" 'True 3' 'last line'
        Assert-Equal @(Get-StandInCall 'Set-*').Count 0 'writing calls'
        Assert-Equal @([IO.Directory]::GetFiles($script:Dir)).Count 1 'files'
        Assert-That (-not [regex]::IsMatch([IO.File]::ReadAllText("$script:Dir/inv [1].ndjson"), '[^\n\x20-\x7e]')) 'something but ASCII and LF'
    }
}
Test-Case '-Inventory that breaks off begins that kind anew, and no line is there twice' {
    Start-Tenant
    Add-StandInRecipient -Address 'bert@contoso.com' -UserCertificate $A
    Add-StandInFault -Command 'Get-Mailbox' -At 1 -Kind 'cut:2'
    Add-StandInFault -Command 'Get-MailContact' -At 1 -Kind 'throttle-after:7'
    $r = Invoke-Script @{ Inventory = 'i.ndjson' }
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
    Assert-Equal (@(Read-Inventory "$script:Dir/i.ndjson" | Select-Object -Skip 1 | Select-Object -SkipLast 1 | ForEach-Object { $_.address }) -join ' ') 'anna@contoso.com bert@contoso.com ext@contoso.com p@elsewhere.example' 'addresses'
    Assert-Equal ($global:Slept -join ',') '2,7' 'pauses'
}
Test-Case '-Inventory with the session lost leaves no file, and an older one as it was' {
    Start-Tenant
    Assert-Equal (Invoke-Script @{ Inventory = 'i.ndjson' }).Code 0 'exit code of the first'
    $before = [IO.File]::ReadAllText("$script:Dir/i.ndjson")
    Add-StandInFault -Command 'Get-MailContact' -At 2 -Kind 'session'
    $r = Invoke-Script @{ Inventory = 'i.ndjson' }
    Assert-Equal $r.Code 1 'exit code'
    Assert-Says $r @('No inventory was written', 'the session to Exchange Online was lost', "-Inventory 'i.ndjson'")
    Assert-Equal ([IO.File]::ReadAllText("$script:Dir/i.ndjson")) $before 'the older one'
    Assert-Equal @([IO.Directory]::GetFiles($script:Dir)).Count 1 'files'
    Assert-Equal (Invoke-Script @{ Inventory = 'i.ndjson' }).Code 0 'exit code of the third'
}
Test-Case '-Inventory -WhatIf writes no file and reads nobody' { Start-Tenant; $r = Invoke-Script @{ Inventory = 'i.ndjson'; WhatIf = $true }; Assert-Equal $r.Code 0 'exit code'; Assert-Equal @(Get-StandInCall).Count 0 'calls'; Assert-Equal @([IO.Directory]::GetFiles($script:Dir)).Count 0 'files' }
Test-Case '-Inventory never writes over a file that is none' { Start-Tenant; [IO.File]::WriteAllText("$script:Dir/i.ndjson", 'mine'); Assert-Refused (Invoke-Script @{ Inventory = 'i.ndjson' }) @('is no inventory of this script'); Assert-Equal ([IO.File]::ReadAllText("$script:Dir/i.ndjson")) 'mine' 'file' }
Test-Case '-Inventory into a transfer folder is refused' { Start-One; Assert-Refused (Invoke-Script @{ Inventory = "$script:Folder/i.ndjson" }) @('would lie in the transfer folder') }
Test-Case '-Inventory names who cannot be read, and ends with 1' {
    Start-Tenant
    (Get-StandInRecipient 'ext@contoso.com').Address = ''
    $r = Invoke-Script @{ Inventory = 'i.ndjson' }
    Assert-Equal $r.Code 1 'exit code'
    Assert-Says $r @('1 recipients could not be read and are NOT in the file', 'it has no e-mail address')
    Assert-Equal @(Read-Inventory "$script:Dir/i.ndjson")[-1].recipients 2 'recipients'
}
Test-Case '-Inventory names the second recipient of an address, which a file can hold only once' {
    Start-Tenant
    Add-StandInRecipient -Address 'c@contoso.com' -Type 'MailContact' -External 'ANNA@contoso.com' -UserCertificate $D
    Add-StandInFault -Command 'Get-MailContact' -At 1 -Kind 'cut:2'
    $r = Invoke-Script @{ Inventory = 'i.ndjson' }
    Assert-Equal $r.Code 1 'exit code'
    Assert-Says $r @('another recipient has the same address', '1 recipients could not be read')
    Assert-Equal @(Read-Inventory "$script:Dir/i.ndjson")[-1].recipients 3 'recipients'
}
Test-Case '-Inventory goes on with a session that cannot write' {
    Start-Tenant
    function global:Set-Mailbox { [CmdletBinding()] param($Identity) "$Identity" }
    try { $r = Invoke-Script @{ Inventory = 'i.ndjson' } } finally { [void](Remove-Item -LiteralPath function:Set-Mailbox); Import-Module ([IO.Path]::Combine($Here, 'StandIn.psm1')) -Force }
    Assert-Equal $r.Code 0 "exit code ($($r.Text))"
}

# ---- help

Test-Case 'every parameter is described, and the help has its parts and examples' {
    $help = ([Management.Automation.Language.Parser]::ParseFile($Script, [ref]$null, [ref]$null)).GetHelpContent()
    foreach ($name in (Get-Command -Name $Script).Parameters.Keys) {
        if ([Management.Automation.Cmdlet]::CommonParameters -contains $name -or [Management.Automation.Cmdlet]::OptionalCommonParameters -contains $name) { continue }
        Assert-That ($help.Parameters.ContainsKey($name.ToUpperInvariant()) -and $help.Parameters[$name.ToUpperInvariant()].Trim().Length -gt 20) "-$name is not described"
    }
    Assert-That ($help.Synopsis -and $help.Description -and $help.Examples.Count -ge 6) 'a part of the help is missing'
    Assert-Equal $help.Parameters.Count @((Get-Command -Name $Script).Parameters.Keys | Where-Object { [Management.Automation.Cmdlet]::CommonParameters -notcontains $_ -and [Management.Automation.Cmdlet]::OptionalCommonParameters -notcontains $_ }).Count 'described parameters'
}
