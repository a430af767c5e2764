//! The shapes of everything a bundle says: manifest, finding, payload line, transfer.json.
//!
//! These types are the format. They are written with serde, their JSON Schemas are derived from
//! them (`certferry generate schema`), and `verify` reads bundles back through them. Keys are
//! camelCase. Whatever can be missing is an `Option` and is written as `null`, so that a reader
//! never has to tell "absent" from "unknown"; only a payload line leaves keys out, because there an
//! absent attribute means "do not touch".

pub mod history;

pub use history::{Change, Changes, ClearClass, Cleared, History, Remaining};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Version of the manifest format. A reader refuses another major number.
pub const MANIFEST_SCHEMA: &str = "certferry-manifest-1";
/// Version of the format of transfer.json and of the payload lines.
pub const TRANSFER_SCHEMA: &str = "certferry-transfer-1";

/// What a finding's weight is. It never decides what is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Normal, such as a withheld logon certificate.
    Info,
    /// Somebody should look.
    Warning,
    /// A defect of a certificate that was meant for mail, or input that could not be read.
    Error,
}

/// What happens to a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// It is in the payload.
    Publish,
    /// It is not.
    Withhold,
}

/// What the change of the directory does with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValueChange {
    /// The directory object holds it and loses it.
    Delete,
    /// It comes from a file, and the directory object gains it.
    Add,
}

/// Where the result of a run is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The payload is uploaded to Exchange Online.
    ExchangeOnline,
    /// The directory itself is changed, and Entra Connect carries it up.
    ActiveDirectory,
}

/// What is known about a candidate's certification path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// A path to a trust anchor was built and every check passed.
    Valid,
    /// A defect is proven.
    Invalid,
    /// Neither: no issuer found, algorithm not supported, a budget used up.
    NotVerified,
    /// Nobody asked: no trust anchors, or already withheld for another reason.
    NotChecked,
}

/// Kind of recipient. A hint: the upload step takes the kind that the tenant says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RecipientKind {
    /// A mailbox in Exchange Online (Set-Mailbox).
    Mailbox,
    /// A mail user (Set-MailUser).
    MailUser,
    /// A mail contact (Set-MailContact).
    MailContact,
}

/// Whether a person can be written to after this bundle was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Coverage {
    /// At least one published certificate can be encrypted to.
    Encryptable,
    /// Certificates are published, none of them for encryption.
    SignOnly,
    /// Nothing is published.
    None,
}

/// Which attribute a value belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Attribute {
    /// `userCertificate` (2.5.4.36): DER certificates.
    #[serde(rename = "userCertificate")]
    UserCertificate,
    /// `userSMIMECertificate` (2.16.840.1.113730.3.140): CMS values.
    #[serde(rename = "userSMIMECertificate")]
    UserSmimeCertificate,
    /// `userPKCS12` (2.16.840.1.113730.3.1.216): private keys, never taken.
    #[serde(rename = "userPKCS12")]
    UserPkcs12,
}

impl Attribute {
    /// The attribute's name as directories spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UserCertificate => "userCertificate",
            Self::UserSmimeCertificate => "userSMIMECertificate",
            Self::UserPkcs12 => "userPKCS12",
        }
    }
}

/// Who made a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tool {
    /// `certferry`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The policy that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyReference {
    /// SHA-256 of review/policy.toml, lower-case hex.
    pub sha256: String,
}

/// What identifies a bundle and how long it is good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleIdentity {
    /// SHA-256 over everything that decided the content, lower-case hex.
    pub id: String,
    /// After this instant (RFC 3339, UTC) the bundle must not be uploaded.
    pub valid_until: String,
    /// Earliest nextUpdate of a CRL that was relied on, or null.
    pub revocation_fresh_until: Option<String>,
    /// Number in a series of bundles, or null.
    pub sequence: Option<u64>,
    /// Id of the bundle before this one, or null.
    pub previous: Option<String>,
}

/// One file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InputFile {
    /// Path relative to the argument that was given; `-` is standard input.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// What it is: `ldif`, `pem`, `certificate`, `cms`, `unrecognised` …
    pub kind: String,
    /// Records (LDIF) or certificates (other files) found in it.
    pub records: u64,
    /// What `--expect-records` said, or null.
    pub expected_records: Option<u64>,
    /// Records and values of it that could not be read.
    pub unreadable: u64,
}

/// A certificate that was given under `--trust`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustAnchor {
    /// SHA-256 of its DER, lower-case hex.
    pub sha256: String,
    /// Subject, for display.
    pub subject: String,
    /// Serial number, hex with colons.
    pub serial: String,
    /// Start of validity, RFC 3339.
    pub not_before: String,
    /// End of validity, RFC 3339.
    pub not_after: String,
}

/// Why a certificate belongs into transfer/trust.sst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TrustOrigin {
    /// It is an authority of a published certificate's chain.
    Chain,
    /// No such chain needs it, but that of a signing certificate does, which a published value carries beside the
    /// certificate to encrypt to.
    Signer,
    /// Nothing that is published needs it; the store of `--keep-trust` holds it.
    Kept,
}

/// A certificate of transfer/trust.sst, or one that was left out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustStoreEntry {
    /// SHA-256 of its DER, lower-case hex.
    pub sha256: String,
    /// SHA-1 of its DER (Windows' thumbprint).
    pub sha1: String,
    /// Subject, for display.
    pub subject: String,
    /// Serial number, hex with colons.
    pub serial: String,
    /// Start of validity, RFC 3339.
    pub not_before: String,
    /// End of validity, RFC 3339.
    pub not_after: String,
    /// Why it belongs there.
    pub origin: TrustOrigin,
    /// Recipients with a published certificate whose chain holds it; for `signer` those with such a value.
    pub people: u64,
    /// Null when it is in the store; else the code of the finding that says why it is not.
    pub left_out: Option<String>,
}

/// Who a recipient is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// Primary SMTP address in the source directory.
    pub primary_smtp: Option<String>,
    /// Address in the cloud where `--recipient-map` names another.
    pub cloud_address: Option<String>,
    /// userPrincipalName; a sign-in name, not an address.
    pub user_principal_name: Option<String>,
    /// Distinguished name as it stood in the input.
    pub dn: Option<String>,
    /// objectGUID in its text form, lower case.
    pub object_guid: Option<String>,
    /// Base64 of ms-DS-ConsistencyGuid, else of objectGUID (Entra Connect's source anchor).
    pub immutable_id: Option<String>,
    /// displayName, else cn.
    pub display_name: Option<String>,
}

/// Where a recipient stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// The input's path, as in `inputs`.
    pub input: String,
    /// Line of its first record, 1-based; for a certificate file the number of the certificate.
    pub line: u64,
}

/// The path of a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PathReport {
    /// What was found out.
    pub verdict: Verdict,
    /// SHA-256 of each certificate, target first and anchor last, lower-case hex.
    pub chain: Vec<String>,
}

/// A finding as a candidate carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CandidateFinding {
    /// Permanent code; `certferry explain CODE` says more.
    pub code: Cow<'static, str>,
    /// Its weight here.
    pub severity: Severity,
    /// What was found and what was required, in a sentence.
    pub message: Cow<'static, str>,
}

/// One value that could be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Candidate {
    /// SHA-256 of the certificate's DER; null for a container without one of the user.
    pub sha256: Option<String>,
    /// SHA-1 of the certificate's DER (Windows' thumbprint).
    pub sha1: Option<String>,
    /// SHA-256 of the attribute value as it was in the input.
    pub value_sha256: String,
    /// The attribute it stands in.
    pub attribute: Attribute,
    /// Its place among the object's values of that attribute, from 0, in input order.
    pub index: u64,
    /// Subject, for display.
    pub subject: Option<String>,
    /// Issuer, for display.
    pub issuer: Option<String>,
    /// Serial number, hex with colons.
    pub serial: Option<String>,
    /// Start of validity, RFC 3339.
    pub not_before: Option<String>,
    /// End of validity, RFC 3339.
    pub not_after: Option<String>,
    /// Mail addresses in the certificate.
    pub emails: Vec<String>,
    /// Its key, for people: `RSA 2048`, `EC P-256`.
    pub key: Option<String>,
    /// The algorithm of its signature, for people.
    pub signature_algorithm: Option<String>,
    /// Whether mail can be encrypted to it, by key type and key usage (RFC 8550 section 4.4.2).
    pub encrypts: bool,
    /// Its certification path.
    pub path: PathReport,
    /// Everything that was found.
    pub findings: Vec<CandidateFinding>,
    /// Published or withheld.
    pub decision: Decision,
    /// What the change of the directory does with the value, or null for nothing.
    pub change: Option<ValueChange>,
    /// Why, in one plain sentence.
    pub reason: String,
}

/// Where a recipient's payload line is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PayloadPlace {
    /// File below transfer/, such as `payload/0001.ndjson`.
    pub file: String,
    /// Line in it, 1-based.
    pub line: u64,
}

/// Where the record is that changes a recipient's directory object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangePlace {
    /// File below review/, such as `active-directory/change-0001.ldif`; its inverse has the same number.
    pub file: String,
    /// Record in it (and in the inverse), 1-based.
    pub record: u64,
}

/// One recipient with everything that was found about them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recipient {
    /// Number in this bundle, from 1, in the order of first occurrence.
    pub number: u64,
    /// Who it is.
    pub identity: Identity,
    /// Mailbox, mail user or contact, as far as the source tells.
    pub kind: RecipientKind,
    /// Why this kind.
    pub kind_reason: String,
    /// Whether they can be written to.
    pub coverage: Coverage,
    /// Where they stood; null for one who stands in no input, only in the previous bundle or the inventory.
    pub source: Option<Source>,
    /// Every candidate in input order.
    pub candidates: Vec<Candidate>,
    /// Findings about the recipient as a whole.
    pub findings: Vec<CandidateFinding>,
    /// What they had before; null when neither `--previous`, `--published` nor `--clear` was given.
    pub history: Option<History>,
    /// Where the payload line is, or null.
    pub payload: Option<PayloadPlace>,
    /// Where the change of the directory object is, or null.
    pub change: Option<ChangePlace>,
}

/// How many recipients have which coverage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CoverageCounts {
    /// Can be encrypted to.
    pub encryptable: u64,
    /// Only signing certificates.
    pub sign_only: u64,
    /// Nothing published.
    pub none: u64,
    /// Had a certificate to encrypt to in the previous bundle and has none in this one.
    pub lost_since_previous: u64,
    /// Encryptable now, and no longer when the next bundle is due.
    pub lapses_before_next_run: u64,
}

/// How many attributes are cleared, by class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClearedCounts {
    /// Because a value was revoked.
    pub revoked: u64,
    /// Because every value had expired.
    pub expired: u64,
    /// Because stale values shadowed good ones.
    pub shadowing: u64,
    /// Because the recipient is gone.
    pub gone: u64,
}

/// What the change of the directory holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeCounts {
    /// Objects that change.
    pub objects: u64,
    /// Values that are deleted.
    pub deleted: u64,
    /// Values that are added.
    pub added: u64,
}

impl ChangeCounts {
    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        self.objects = self.objects.saturating_add(other.objects);
        self.deleted = self.deleted.saturating_add(other.deleted);
        self.added = self.added.saturating_add(other.added);
    }
}

impl ClearedCounts {
    /// Counts attributes of a class.
    pub fn add(&mut self, class: ClearClass, count: u64) {
        *match class {
            ClearClass::Revoked => &mut self.revoked,
            ClearClass::Expired => &mut self.expired,
            ClearClass::Shadowing => &mut self.shadowing,
            ClearClass::Gone => &mut self.gone,
        } += count;
    }

    /// The count of a class.
    #[must_use]
    pub fn of(&self, class: ClearClass) -> u64 {
        match class {
            ClearClass::Revoked => self.revoked,
            ClearClass::Expired => self.expired,
            ClearClass::Shadowing => self.shadowing,
            ClearClass::Gone => self.gone,
        }
    }
}

/// Totals: `values = candidates + unreadable + ignored` and `candidates = published + withheld`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Summary {
    /// Recipients in the manifest.
    pub recipients: u64,
    /// Certificate values in the input.
    pub values: u64,
    /// Values that were judged.
    pub candidates: u64,
    /// Candidates in the payload.
    pub published: u64,
    /// Candidates that are not.
    pub withheld: u64,
    /// Values that could not be read, private keys among them.
    pub unreadable: u64,
    /// Values of objects that are no recipients, and chain certificates of files.
    pub ignored: u64,
    /// People by coverage.
    pub coverage: CoverageCounts,
    /// Attributes cleared.
    pub cleared: ClearedCounts,
    /// The change of the directory (`--target active-directory`).
    pub directory_changes: ChangeCounts,
    /// What changed; null when neither `--previous`, `--published` nor `--clear` was given.
    pub changes: Option<Changes>,
}

/// manifest.json as a whole. It is written and read as a stream; this type names its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_SCHEMA`].
    pub schema: String,
    /// Who made it.
    pub tool: Tool,
    /// The instant certificates were judged at, RFC 3339.
    pub evaluated_at: String,
    /// True when no path was verified and `--unverified` let the other rules decide.
    pub unverified: bool,
    /// Where the result is applied; exchange-online stands before active-directory.
    pub targets: Vec<Target>,
    /// The policy.
    pub policy: PolicyReference,
    /// Certificates that are trusted.
    pub trust_anchors: Vec<TrustAnchor>,
    /// Recipients in order, one a line.
    pub recipients: Vec<Recipient>,
    /// Files that were read.
    pub inputs: Vec<InputFile>,
    /// What transfer/trust.sst holds, and what was left out of it, sorted by SHA-256.
    pub trust_store: Vec<TrustStoreEntry>,
    /// Totals.
    pub summary: Summary,
    /// Identity of the bundle.
    pub bundle: BundleIdentity,
}

/// Which certificate a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FindingCertificate {
    /// SHA-256 of the DER of the certificate that is concerned, or null: a recipient's, or an authority's in a
    /// finding about the trust store.
    pub sha256: Option<String>,
    /// The attribute whose value carried it, or null.
    pub attribute: Option<Attribute>,
    /// Place among the values of that attribute, from 0.
    pub index: Option<u64>,
}

/// One line of findings.ndjson.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FindingLine {
    /// Number of the recipient, or null for a finding about the run, a file or a record.
    pub recipient: Option<u64>,
    /// Permanent code.
    pub code: Cow<'static, str>,
    /// Its weight here.
    pub severity: Severity,
    /// What the code decides about a candidate, or null where there is nothing to decide.
    pub decision: Option<Decision>,
    /// The recipient's address (or DN where there is none), or null.
    pub address: Option<String>,
    /// The certificate, or null.
    pub certificate: Option<FindingCertificate>,
    /// File and line, or null for the run as a whole.
    pub source: Option<Source>,
    /// What was found.
    pub found: Cow<'static, str>,
    /// What was required.
    pub required: Cow<'static, str>,
    /// Both in one sentence, as in the manifest.
    pub message: Cow<'static, str>,
}

/// One line of transfer/payload/NNNN.ndjson: the complete final set of one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PayloadLine {
    /// The recipient's number in the manifest.
    pub number: u64,
    /// Address to look the recipient up by, ASCII.
    pub address: String,
    /// A hint.
    pub kind: RecipientKind,
    /// Base64 of each value. Absent: leave untouched; empty: clear.
    #[serde(rename = "userCertificate", skip_serializing_if = "Option::is_none", default)]
    pub user_certificate: Option<Vec<String>>,
    /// Base64 of each value. Absent: leave untouched; empty: clear.
    #[serde(rename = "userSMIMECertificate", skip_serializing_if = "Option::is_none", default)]
    pub user_smime_certificate: Option<Vec<String>>,
}

/// What transfer.json counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransferCounts {
    /// Payload lines.
    pub recipients: u64,
    /// Values of userCertificate in them.
    #[serde(rename = "userCertificate")]
    pub user_certificate: u64,
    /// Values of userSMIMECertificate in them.
    #[serde(rename = "userSMIMECertificate")]
    pub user_smime_certificate: u64,
    /// Payload files.
    pub files: u64,
    /// Certificates in trust.sst; 0 when there is no such file.
    pub trust_certificates: u64,
}

/// transfer/transfer.json.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Transfer {
    /// [`TRANSFER_SCHEMA`].
    pub schema: String,
    /// Who made it.
    pub tool: Tool,
    /// The bundle's id, as in the manifest.
    pub id: String,
    /// After this instant the bundle must not be uploaded.
    pub valid_until: String,
    /// Earliest nextUpdate of a CRL that was relied on, or null.
    pub revocation_fresh_until: Option<String>,
    /// Number in a series, or null.
    pub sequence: Option<u64>,
    /// Id of the bundle before this one, or null.
    pub previous: Option<String>,
    /// True when no certificate's path was verified.
    pub unverified: bool,
    /// Where the bundle's result is applied; without exchange-online there is no payload line.
    pub targets: Vec<Target>,
    /// What is in the payload.
    pub counts: TransferCounts,
    /// SHA-256 of review/manifest.json, lower-case hex.
    pub manifest_sha256: String,
}
