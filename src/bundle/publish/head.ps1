<#
.SYNOPSIS
Sets users' S/MIME certificates in Exchange Online from a certferry transfer folder.

.DESCRIPTION
The transfer folder was made by certferry, inside the gap. It holds, for each recipient, the complete set of
certificates that the recipient shall have. This script checks the folder, looks each recipient up by e-mail
address, compares what the tenant holds with what the folder says, and writes only what differs, with Set-Mailbox,
Set-MailUser or Set-MailContact, as the tenant's kind of recipient requires.

The script never signs in. Open a session first, in the same PowerShell window:

    Connect-ExchangeOnline -UserPrincipalName you@contoso.com

The account needs the role Exchange Recipient Administrator; for -PublishTrustStore, Exchange Administrator.

Who made the folder must be known from elsewhere, since whoever changes a file can change the list of hashes beside it.
If the folder was signed, give the thumbprint of the signer's certificate with -Signer. If it was not, compare the
bundle's id and the hash of SHA256SUMS with its maker, and say so with -AllowUnsigned. One of the two must be given.

Before a recipient is changed, the old values are written to a journal file. -Rollback restores them from there.
A run that was interrupted is started again with the same command: what is done already is found equal and skipped.
Journal and result file go to the current folder unless they are named. They never go into the transfer folder.

Directory-synchronised recipients are refused by name: Exchange Online takes their certificates only from the
on-premises directory, so they must be changed there.

Exit codes: 0 done; 1 done, but some recipients failed or the session was lost (the result file names them);
2 refused to start, nothing was changed.

.PARAMETER Path
The transfer folder. Default: the folder in which this script lies.

.PARAMETER Signer
The thumbprint of the certificate that must have signed the folder: SHA-1 as the certificate window of Windows shows it
(40 digits), or SHA-256 (64 digits). Blanks, colons and capital letters make no difference. You get it from the signer by
telephone or ticket, never from the folder. The script then refuses a folder without a signature (SHA256SUMS.p7s), with a
signature that does not fit, and with anybody else's. The certificate's issuer and revocation are not checked: the
thumbprint names this one certificate. Windows PowerShell 5.1 may be unable to check RSA-PSS and ECDSA signatures; it then
refuses, and PowerShell 7 can.

.PARAMETER AllowUnsigned
Says that you know that nobody's signature is checked. The hash list SHA256SUMS finds damage and forgotten files; it
travels with the files and so proves nothing about who made them. Use -BundleId as well.

.PARAMETER BundleId
The bundle's id as you received it by a second channel (telephone, ticket). The script refuses any other bundle.

.PARAMETER AllowUnverified
Publishes a bundle whose certificates were not checked against a trust anchor. Such a bundle may contain certificates
that users put into the directory themselves. For tests only.

.PARAMETER RequireFreshRevocation
Refuses a bundle whose revocation lists are no longer fresh, or which does not say until when they are. Without this
switch the script says so and goes on.

.PARAMETER Only
Handles these addresses alone. An address that is not in the bundle is an error, so that a typing mistake is seen.

.PARAMETER Exclude
Leaves these addresses out. An address that is not in the bundle is an error, so that a typing mistake is seen.

.PARAMETER First
A pilot: handles the first N recipients that -Only and -Exclude leave.

.PARAMETER DelayMilliseconds
The pause between two calls to Exchange Online, to stay below its limits. Default 500.

.PARAMETER Journal
The file that keeps the old values. Default: smime-journal-<bundle>.ndjson in the current folder. It is continued when
it exists. Keep it: without it there is no -Rollback.

.PARAMETER Result
The file that receives one line for each recipient (CSV). It must not exist. Default:
smime-result-<bundle>-<time>.csv in the current folder. With -WhatIf it is written only when it is named.

.PARAMETER Rollback
Restores the values that the journal kept. A recipient whose values somebody else has changed since is left alone and
named. Needs -Journal, and no transfer folder.

.PARAMETER PublishTrustStore
Uploads trust.sst of the folder: the root and issuing CAs that Outlook on the web shall trust for S/MIME, for the whole
tenant. Nothing else is done, and no other run does this. The upload replaces the present store, so that is saved first;
then the script lists which certificates are added, kept and dropped, and reads back what it wrote. Try it with -WhatIf.
Needs the role Exchange Administrator.

.PARAMETER AllowTrustRemoval
Lets -PublishTrustStore drop certificates that the tenant trusts now. Without it the script names them and refuses.
Certificates that have expired are left out in any case: one of them makes the upload fail.

.PARAMETER TrustBackup
The file to which -PublishTrustStore saves the present store. It must not exist. Default:
smime-trust-<bundle>-<time>.sst in the current folder. With -WhatIf it is written only when it is named.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -Signer 0123456789ABCDEF0123456789ABCDEF01234567 -WhatIf

Checks the folder and who signed it, reads the tenant, and shows what would change. Writes nothing.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -AllowUnsigned -WhatIf

The same for a folder that nobody signed.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -AllowUnsigned -First 3

A pilot with three recipients.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Rollback -Journal .\smime-journal-0123456789ab.ndjson

Restores what was there before.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -Signer 0123456789ABCDEF0123456789ABCDEF01234567 -PublishTrustStore -WhatIf

Shows which CA certificates the tenant would trust in addition, and which no longer. Writes nothing.

.LINK
https://learn.microsoft.com/powershell/exchange/connect-to-exchange-online-powershell
#>
[CmdletBinding(SupportsShouldProcess = $true, DefaultParameterSetName = 'Publish')]
param(
    [Parameter(ParameterSetName = 'Publish', Position = 0)]
    [Parameter(ParameterSetName = 'PublishTrustStore', Position = 0)]
    [ValidateNotNullOrEmpty()]
    [string] $Path,

    [Parameter(ParameterSetName = 'Publish')]
    [Parameter(ParameterSetName = 'PublishTrustStore')]
    [ValidateNotNullOrEmpty()]
    [string] $Signer,

    [Parameter(ParameterSetName = 'Publish')]
    [Parameter(ParameterSetName = 'PublishTrustStore')]
    [switch] $AllowUnsigned,

    [Parameter(ParameterSetName = 'Publish')]
    [Parameter(ParameterSetName = 'PublishTrustStore')]
    [ValidateNotNullOrEmpty()]
    [string] $BundleId,

    [Parameter(ParameterSetName = 'Publish')]
    [Parameter(ParameterSetName = 'PublishTrustStore')]
    [switch] $AllowUnverified,

    [Parameter(ParameterSetName = 'Publish')]
    [Parameter(ParameterSetName = 'PublishTrustStore')]
    [switch] $RequireFreshRevocation,

    # Not mandatory, so that the script itself can say what is missing where one of the next two stands alone.
    [Parameter(ParameterSetName = 'PublishTrustStore')]
    [switch] $PublishTrustStore,

    [Parameter(ParameterSetName = 'PublishTrustStore')]
    [switch] $AllowTrustRemoval,

    [Parameter(ParameterSetName = 'PublishTrustStore')]
    [ValidateNotNullOrEmpty()]
    [string] $TrustBackup,

    [Parameter(ParameterSetName = 'Rollback', Mandatory = $true)]
    [switch] $Rollback,

    [ValidateNotNullOrEmpty()]
    [string] $Journal,

    [ValidateNotNullOrEmpty()]
    [string] $Result,

    [ValidateNotNullOrEmpty()]
    [string[]] $Only,

    [ValidateNotNullOrEmpty()]
    [string[]] $Exclude,

    [ValidateRange(1, 2147483647)]
    [int] $First = 2147483647,

    [ValidateRange(0, 60000)]
    [int] $DelayMilliseconds = 500
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# Texts that decide something are compared by code point: -eq and -match obey the culture (tr-TR) and skip invisible
# characters. Cmdlets get -ErrorAction Stop each time: a module does not see this script's preference.
$IgnoreCase = [System.StringComparison]::OrdinalIgnoreCase
$Invariant = [System.Globalization.CultureInfo]::InvariantCulture
$MaxValueBytes = 32768      # rangeUpper of both attributes in Active Directory's schema
$JournalSchema = 'certferry-journal-1'
$Attributes = @(
    @{ Json = 'userCertificate'; Parameter = 'UserCertificate' },
    @{ Json = 'userSMIMECertificate'; Parameter = 'UserSMimeCertificate' }
)
# RecipientType in the tenant -> the noun of its cmdlets, and the word that bundle and reports use.
$Kinds = @{
    UserMailbox = @{ Noun = 'Mailbox'; Word = 'mailbox' }
    MailUser    = @{ Noun = 'MailUser'; Word = 'mailUser' }
    MailContact = @{ Noun = 'MailContact'; Word = 'mailContact' }
}
$Good = @('updated', 'restored', 'unchanged', 'would-update', 'would-restore', 'declined')
$ThrottlePauses = @(10, 20, 40, 80, 160, 300, 300, 300)   # seconds, when the server names no time itself
$FaultPauses = @(2, 5, 15)                                # seconds, after a time-out or a broken connection
$SettlePauses = @(5, 10, 20, 40, 60, 60, 60)              # seconds between the last read-backs: about four minutes

# What the run knows. Everything else goes through parameters.
$Run = @{
    Started = $false; SessionLost = $null; Calls = 0; Taken = 0; Synchronised = 0; Plan = $null; Reported = 0
    JournalStream = $null; JournalFailed = $false; JournalPath = ''; ResultWriter = $null; ResultPath = ''; Id = ''
    Signer = ''; Signature = ''
    Streams = New-Object 'System.Collections.Generic.List[System.IO.Stream]'
    Counts = New-Object 'System.Collections.Generic.SortedDictionary[string,int]' ([System.StringComparer]::Ordinal)
    Pending = New-Object 'System.Collections.Generic.List[object]'
    Only = $null; Exclude = $null; LastProgress = [datetime]::MinValue; HasConfirm = @{}
}

