<#
.SYNOPSIS
Sets users' S/MIME certificates in Exchange Online, from a folder of
certferry's.

.DESCRIPTION
The transfer folder was made by certferry, inside the gap. It holds, for
each recipient, the complete set of certificates that the recipient
shall have. This script checks the folder, looks each recipient up by
e-mail address, compares what the tenant holds with what the folder
says, and writes only what differs, with Set-Mailbox, Set-MailUser or
Set-MailContact, as the tenant's kind of recipient requires.

The script never signs in. Open a session first, in the same PowerShell
window:

    Connect-ExchangeOnline -UserPrincipalName you@contoso.com

The account needs the role Exchange Recipient Administrator; for
-PublishTrustStore, Exchange Administrator.

Who made the folder must be known from elsewhere, since whoever changes
a file can change the list of hashes beside it. If the folder was
signed, give the thumbprint of the signer's certificate with -Signer. If
it was not, compare the bundle's id and the hash of SHA256SUMS with its
maker, and say so with -AllowUnsigned. One of the two must be given.

Before a recipient is changed, the old values are written to a journal
file. -Rollback restores them from there. A run that was interrupted,
however it was, is started again with the same command: what is done
already is found equal and skipped.

Nothing is erased unseen. Before the first change the script counts who
would lose the last certificate that mail can be encrypted to, and
refuses above a limit (-MaxRemovals). An unexpired certificate in the
tenant that comes neither from this bundle nor from an earlier upload is
named, and its recipient skipped, unless -Overwrite is given.

Directory-synchronised recipients are refused by name: Exchange Online
takes their certificates only from the on-premises directory, so they
must be changed there (certferry convert --target active-directory).

Files: the journal (smime-journal-<bundle>.ndjson), the result
(smime-result-<bundle>-<time>.csv) and the list of recipients that the
tenant does not have (missing-recipients.csv) go to the current folder
unless they are named. They never go into the transfer folder. They hold
mail addresses and public certificates, and no secrets.

A run does one of five things: it publishes, or with one of -VerifyOnly,
-Rollback, -Inventory and -PublishTrustStore does what that says.

Exit codes: 0 done; 1 done or stopped, and some recipients need a person
(the result file names them); 2 refused to start, nothing was changed.

.PARAMETER Path
The transfer folder. Default: the folder in which this script lies.

.PARAMETER Signer
The thumbprint of the certificate that must have signed the folder:
SHA-1 as the certificate window of Windows shows it (40 digits), or
SHA-256 (64 digits). Blanks, colons and capital letters make no
difference. You get it from the signer by telephone or ticket, never
from the folder. The script then refuses a folder without a signature
(SHA256SUMS.p7s), with a signature that does not fit, and with anybody
else's. The certificate's issuer and revocation are not checked: the
thumbprint names this one certificate. Windows PowerShell 5.1 may be
unable to check RSA-PSS and ECDSA signatures; it then refuses, and
PowerShell 7 can.

.PARAMETER AllowUnsigned
Says that you know that nobody's signature is checked. The hash list
SHA256SUMS finds damage and forgotten files; it travels with the files
and so proves nothing about who made them. Use -BundleId as well.

.PARAMETER BundleId
The bundle's id as you received it by a second channel (telephone,
ticket). The script refuses any other bundle.

.PARAMETER AllowUnverified
Publishes a bundle whose certificates were not checked against a trust
anchor. Such a bundle may contain certificates that users put into the
directory themselves. For tests only.

.PARAMETER RequireFreshRevocation
Refuses a bundle whose revocation lists are no longer fresh, or which
does not say until when they are. Without this switch the script says so
and goes on.

.PARAMETER Only
Handles these addresses alone. An address that is not in the bundle
(with -Rollback: in the journal) is refused, so that a typing mistake is
seen.

.PARAMETER Exclude
Leaves these addresses out. An address that is not in the bundle (with
-Rollback: in the journal) is refused, so that a typing mistake is seen.

.PARAMETER First
A pilot: handles the first N recipients that -Only and -Exclude leave.

.PARAMETER MaxRemovals
How many recipients may lose their last certificate to encrypt to: a
number (25), or per cent of those selected who have one (3%). Above it
the script names them and refuses to start. Default: 5 %, at least 10. A
recipient whose certificate is replaced by another one does not count.

.PARAMETER MaxFailures
Stops after this many recipients whose result needs a person, says so,
and prints the command that goes on. Default: the run goes through to
the end.

.PARAMETER Overwrite
Replaces also unexpired values in the tenant that neither this bundle
nor a journal knows (result foreign-values without this switch). Look at
them first, then use it together with -Only. The journal keeps what is
replaced.

.PARAMETER DelayMilliseconds
The pause between two calls to Exchange Online, to stay below its
limits. Default 500.

.PARAMETER Journal
The file that keeps the old values. Default:
smime-journal-<bundle>.ndjson in the current folder. It is continued
when it exists. Keep it: without it there is no -Rollback. Journals of
earlier bundles in the same folder are read too, to know which values
this script has put into the tenant.

.PARAMETER Result
The file that receives one entry for each recipient. It must not exist.
A name that ends in .json gives a JSON array, any other CSV. Default:
smime-result-<bundle>-<time>.csv in the current folder. With -WhatIf it
is written only when it is named.

.PARAMETER MissingRecipients
The file (CSV) that lists the recipients that the tenant does not have,
with the New-MailContact command for each contact. It is written only
when there are some, and replaces the list of an earlier run. Default:
missing-recipients.csv in the current folder. With -WhatIf it is written
only when it is named.

.PARAMETER PassThru
Puts an object for each recipient on the pipeline: Number, Address,
Kind, Result, Detail, Time. Nothing else is put there.

.PARAMETER VerifyOnly
Writes nothing to the tenant: says for each recipient whether the tenant
holds exactly what the bundle says (confirmed) or not (differs). Settles
what was unconfirmed; an existing journal gets a record of it. An
expired bundle can be compared too.

.PARAMETER Rollback
Restores the values that the journal kept. A recipient whose values
somebody else has changed since is left alone and named. Needs no
transfer folder. -Journal may be left out where the current folder holds
exactly one journal. It can be interrupted and started again.

.PARAMETER Inventory
Reads every mailbox, mail user and mail contact of the tenant and writes
to this file what certificates they hold, for certferry convert
--published. Nothing is changed, and no transfer folder is needed. An
inventory of this name is replaced when the new one is complete.

.PARAMETER PublishTrustStore
Uploads trust.sst of the folder: the root and issuing CAs that Outlook
on the web shall trust for S/MIME, for the whole tenant. Nothing else is
done, and no other run does this. The upload replaces the present store,
so that is saved first; then the script lists which certificates are
added, kept and dropped, and reads back what it wrote. Try it with
-WhatIf. Needs the role Exchange Administrator.

.PARAMETER AllowTrustRemoval
Lets -PublishTrustStore drop certificates that the tenant trusts now.
Without it the script names them and refuses. Certificates that have
expired are left out in any case: one of them makes the upload fail.

.PARAMETER TrustBackup
The file to which -PublishTrustStore saves the present store. It must
not exist. Default: smime-trust-<bundle>-<time>.sst in the current
folder. With -WhatIf it is written only when it is named.

.INPUTS
None. The script takes nothing from the pipeline.

.OUTPUTS
None; with -PassThru one object for each recipient.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -Signer 0123456789ABCDEF0123456789ABCDEF01234567 -WhatIf

Checks the folder and who signed it, reads the tenant, and shows what
would change. Writes nothing.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -AllowUnsigned -WhatIf

The same for a folder that nobody signed.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -AllowUnsigned -First 3

A pilot with three recipients.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -AllowUnsigned -MaxFailures 20

Everybody. Stops when twenty recipients need a person. Started again, it
goes on where it stopped.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -AllowUnsigned -Only kim@contoso.com -Overwrite

Replaces also what somebody else has put there, for one recipient, after
you have looked at it.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -AllowUnsigned -VerifyOnly -Result .\evidence.json

Proves what the tenant holds now, without changing anything.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Rollback -Journal .\smime-journal-0123456789ab.ndjson

Restores what was there before.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Inventory .\inventory.ndjson

Writes down what the tenant holds, for the next bundle.

.EXAMPLE
.\transfer\Publish-SmimeCertificate.ps1 -Path .\transfer -Signer 0123456789ABCDEF0123456789ABCDEF01234567 -PublishTrustStore -WhatIf

Shows which CA certificates the tenant would trust in addition, and
which no longer. Writes nothing.

.LINK
https://learn.microsoft.com/powershell/exchange/connect-to-exchange-online-powershell
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty()]
    [string] $Path,

    [ValidateNotNullOrEmpty()]
    [string] $Signer,

    [switch] $AllowUnsigned,

    [ValidateNotNullOrEmpty()]
    [string] $BundleId,

    [switch] $AllowUnverified,

    [switch] $RequireFreshRevocation,

    [ValidateNotNullOrEmpty()]
    [string[]] $Only,

    [ValidateNotNullOrEmpty()]
    [string[]] $Exclude,

    [ValidateRange(1, 2147483647)]
    [int] $First = 2147483647,

    [ValidateNotNullOrEmpty()]
    [string] $MaxRemovals,

    [ValidateRange(1, 2147483647)]
    [int] $MaxFailures,

    [switch] $Overwrite,

    [ValidateRange(0, 60000)]
    [int] $DelayMilliseconds = 500,

    [ValidateNotNullOrEmpty()]
    [string] $Journal,

    [ValidateNotNullOrEmpty()]
    [string] $Result,

    [ValidateNotNullOrEmpty()]
    [string] $MissingRecipients,

    [switch] $PassThru,

    [switch] $VerifyOnly,

    [switch] $Rollback,

    [ValidateNotNullOrEmpty()]
    [string] $Inventory,

    [switch] $PublishTrustStore,

    [switch] $AllowTrustRemoval,

    [ValidateNotNullOrEmpty()]
    [string] $TrustBackup
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# Texts that decide something are compared by code point: -eq and -match obey the culture (tr-TR) and skip invisible
# characters. Cmdlets get -ErrorAction Stop each time: a module does not see this script's preference.
$IgnoreCase = [System.StringComparison]::OrdinalIgnoreCase
$Invariant = [System.Globalization.CultureInfo]::InvariantCulture
$MaxValueBytes = 32768      # rangeUpper of both attributes in Active Directory's schema
$MaxPending = 200           # changes that wait to become visible; more are settled before the run goes on
$JournalSchema = 'certferry-journal-1'
$MissingHeader = 'address,kind,command'
$Attributes = @(
    @{ Json = 'userCertificate'; Parameter = 'UserCertificate' },
    @{ Json = 'userSMIMECertificate'; Parameter = 'UserSMimeCertificate' }
)
# RecipientType in the tenant -> the noun of its cmdlets, and the word that bundle and reports use.
$Kinds = [ordered]@{
    UserMailbox = [pscustomobject]@{ Noun = 'Mailbox'; Word = 'mailbox' }
    MailUser    = [pscustomobject]@{ Noun = 'MailUser'; Word = 'mailUser' }
    MailContact = [pscustomobject]@{ Noun = 'MailContact'; Word = 'mailContact' }
}
# Every result that a recipient can have, in the order of the table at the end. All that is not good makes the exit code 1.
$Outcomes = [ordered]@{
    'updated'            = @{ Good = $true; Text = 'written, and read back' }
    'unchanged'          = @{ Good = $true; Text = 'had exactly these values already' }
    'confirmed'          = @{ Good = $true; Text = 'holds exactly what the bundle says' }
    'restored'           = @{ Good = $true; Text = 'has its old values back' }
    'would-update'       = @{ Good = $true; Text = 'would be written' }
    'would-restore'      = @{ Good = $true; Text = 'would get its old values back' }
    'declined'           = @{ Good = $true; Text = 'you said no' }
    'unconfirmed'        = @{ Good = $false; Text = 'written, not visible yet: compare later' }
    'differs'            = @{ Good = $false; Text = 'does not hold what the bundle says' }
    'foreign-values'     = @{ Good = $false; Text = 'holds certificates from elsewhere: skipped' }
    'changed-since'      = @{ Good = $false; Text = 'changed by somebody else since: left alone' }
    'not-found'          = @{ Good = $false; Text = 'no recipient has this address' }
    'ambiguous'          = @{ Good = $false; Text = 'several recipients have this address' }
    'same-recipient'     = @{ Good = $false; Text = 'another address of the bundle is the same recipient' }
    'address-mismatch'   = @{ Good = $false; Text = 'found, but this is not its address' }
    'unexpected-contact' = @{ Good = $false; Text = 'a mail contact, where another kind was expected' }
    'unsupported-kind'   = @{ Good = $false; Text = 'of a kind that holds no certificates' }
    'bad-address'        = @{ Good = $false; Text = 'not an e-mail address' }
    'synchronised'       = @{ Good = $false; Text = 'comes from Active Directory: changed there' }
    'would-remove'       = @{ Good = $false; Text = 'would lose its last certificate' }
    'failed'             = @{ Good = $false; Text = 'see the reason of each' }
}
$SynchronisedText = 'This recipient is synchronised from your on-premises directory (IsDirSynced), so Exchange Online takes its certificates only from there. Change them in the on-premises Active Directory (certferry convert --target active-directory); Entra Connect carries them up.'
$ThrottlePauses = @(10, 20, 40, 80, 160, 300, 300, 300)   # seconds, when the server names no time itself
$FaultPauses = @(2, 5, 15)                                # seconds, after a time-out or a broken connection
$SettlePauses = @(5, 10, 20, 40, 60, 60, 60)              # seconds between the last read-backs: about four minutes

# What the run knows. Everything else goes through parameters.
$Run = @{
    Started = $false; Cmdlet = $null; Id = ''; Signer = ''; Signature = ''; SumsHash = ''; CmsLoaded = $false
    Total = 0; Taken = 0; Rows = 0; Failures = 0; Synchronised = 0; Calls = 0; Plan = $null; SessionLost = $null; Stop = ''
    JournalStream = $null; JournalOpen = $false; JournalFailed = $false; JournalPath = ''; JournalFile = ''; Journal = $null; Others = $null
    ResultWriter = $null; ResultPath = ''; ResultIsJson = $false; MissingWriter = $null; MissingPath = ''; MissingCount = 0
    Streams = New-Object 'System.Collections.Generic.List[System.IO.Stream]'
    Counts = New-Object 'System.Collections.Generic.Dictionary[string,int]' ([System.StringComparer]::Ordinal)
    Pending = New-Object 'System.Collections.Generic.List[object]'
    Identities = New-Object 'System.Collections.Generic.Dictionary[string,long]' ([System.StringComparer]::OrdinalIgnoreCase)
    Only = $null; Exclude = $null; LastProgress = [datetime]::MinValue; HasConfirm = @{}
}

