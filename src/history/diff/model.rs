//! The shapes of what `diff` prints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bundle::manifest::Frame;
use crate::bundle::model::{Attribute, Cleared, Coverage, Decision, Tool, TrustAnchor};

/// Version of the format.
pub const DIFF_SCHEMA: &str = "certferry-diff-1";

/// One of the two bundles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleHead {
    /// Its id.
    pub id: String,
    /// Its number in the series, or null.
    pub sequence: Option<u64>,
    /// Id of the bundle before it, or null.
    pub previous: Option<String>,
    /// The instant it was judged at, RFC 3339.
    pub evaluated_at: String,
    /// Who made it.
    pub tool: Tool,
    /// True when no path was verified.
    pub unverified: bool,
    /// Recipients in its manifest.
    pub recipients: u64,
    /// Records and certificates of its inputs.
    pub values: u64,
}

impl BundleHead {
    pub(super) fn of(frame: &Frame) -> Self {
        Self {
            id: frame.bundle.id.clone(),
            sequence: frame.bundle.sequence,
            previous: frame.bundle.previous.clone(),
            evaluated_at: frame.evaluated_at.clone(),
            tool: frame.tool.clone(),
            unverified: frame.unverified,
            recipients: frame.summary.recipients,
            values: frame.summary.values,
        }
    }
}

/// A key of policy.toml that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyChange {
    /// The key with the tables that it stands in, such as `codes.expired.decision`.
    pub key: String,
    /// Its value in the older bundle as TOML, or null where it was absent.
    pub old: Option<String>,
    /// Its value in the newer bundle, or null.
    pub new: Option<String>,
}

/// Trust anchors that came and went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Anchors {
    /// In the newer bundle only.
    pub added: Vec<TrustAnchor>,
    /// In the older bundle only.
    pub removed: Vec<TrustAnchor>,
}

/// What is said before totals and people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Head {
    /// [`DIFF_SCHEMA`].
    pub schema: String,
    /// The older bundle.
    pub old: BundleHead,
    /// The newer bundle.
    pub new: BundleHead,
    /// Differences of the two policies, by key.
    pub policy: Vec<PolicyChange>,
    /// Differences of the trust anchors.
    pub trust_anchors: Anchors,
}

/// Where a person stands in the inputs of the two bundles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// In the newer one only.
    Added,
    /// In the older one only.
    Removed,
    /// In both.
    Stays,
    /// In neither; the manifest still has them from bundles before.
    Gone,
}

/// Why a decision changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// The value, its person or what stands beside it: the input.
    Input,
    /// The instant of judging.
    Time,
    /// Anchors, intermediates, CRLs, or how strictly they count.
    TrustMaterial,
    /// The policy.
    Rule,
    /// The release of the program.
    Release,
}

impl Cause {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Input => "the input",
            Self::Time => "the time",
            Self::TrustMaterial => "the trust material",
            Self::Rule => "the policy",
            Self::Release => "the release",
        }
    }
}

/// A value that came, went, or is decided otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValueChange {
    /// The attribute it stands in.
    pub attribute: Attribute,
    /// SHA-256 of the certificate, or null.
    pub sha256: Option<String>,
    /// Subject, for display.
    pub subject: Option<String>,
    /// Issuer, for display.
    pub issuer: Option<String>,
    /// Serial number, hex with colons.
    pub serial: Option<String>,
    /// End of validity, RFC 3339.
    pub not_after: Option<String>,
    /// Its decision in the older bundle; null when it was not there.
    pub old: Option<Decision>,
    /// Its decision in the newer bundle; null when it is not there.
    pub new: Option<Decision>,
    /// Why.
    pub cause: Cause,
    /// The finding that decides, where one does.
    pub codes: Vec<String>,
    /// Its reason in the older bundle, or null.
    pub old_reason: Option<String>,
    /// Its reason in the newer bundle, or null.
    pub new_reason: Option<String>,
}

/// A published certificate that was added (`old` null), removed (`new` null) or replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateChange {
    /// The attribute.
    pub attribute: Attribute,
    /// SHA-256 of what was published, or null.
    pub old: Option<String>,
    /// SHA-256 of what is published, or null.
    pub new: Option<String>,
    /// Replaced by a certificate of another issuer.
    pub other_issuer: bool,
}

/// A recipient about whom something changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PersonChange {
    /// Where they stand.
    pub change: Standing,
    /// Their address in the newer bundle, or the older one where they are in that alone.
    pub address: Option<String>,
    /// Their name.
    pub display_name: Option<String>,
    /// Their number in the older manifest, or null.
    pub old_number: Option<u64>,
    /// Their number in the newer manifest, or null.
    pub new_number: Option<u64>,
    /// Their address in the older bundle, where it is another one.
    pub old_address: Option<String>,
    /// Coverage in the older bundle, or null.
    pub old_coverage: Option<Coverage>,
    /// Coverage in the newer bundle, or null.
    pub new_coverage: Option<Coverage>,
    /// Attributes that the newer bundle clears.
    pub cleared: Vec<Cleared>,
    /// Published certificates that were added, removed or replaced.
    pub certificates: Vec<CertificateChange>,
    /// Values that came, went, or are decided otherwise.
    pub values: Vec<ValueChange>,
}

/// People in the inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PeopleTotals {
    /// In the older bundle's inputs.
    pub old: u64,
    /// In the newer bundle's inputs.
    pub new: u64,
    /// In the newer one only.
    pub added: u64,
    /// In the older one only.
    pub removed: u64,
    /// In both, and something changed.
    pub changed: u64,
    /// With another address than before.
    pub address_changed: u64,
}

/// People who can be encrypted to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EncryptableTotals {
    /// In the older bundle.
    pub old: u64,
    /// In the newer bundle.
    pub new: u64,
    /// Not in the older one.
    pub gained: u64,
    /// Not in the newer one.
    pub lost: u64,
}

/// Published certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateTotals {
    /// Published beside what was published.
    pub added: u64,
    /// Published in the place of another one.
    pub replaced: u64,
    /// No longer published, and nothing in its place.
    pub removed: u64,
}

/// Values of both bundles whose decision changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionTotals {
    /// All of them.
    pub changed: u64,
    /// By the input.
    pub input: u64,
    /// By the time.
    pub time: u64,
    /// By the trust material.
    pub trust_material: u64,
    /// By the policy.
    pub rule: u64,
    /// By the release.
    pub release: u64,
}

impl DecisionTotals {
    pub(super) fn add(&mut self, cause: Cause) {
        *match cause {
            Cause::Input => &mut self.input,
            Cause::Time => &mut self.time,
            Cause::TrustMaterial => &mut self.trust_material,
            Cause::Rule => &mut self.rule,
            Cause::Release => &mut self.release,
        } += 1;
    }
}

/// Totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Totals {
    /// People in the inputs.
    pub people: PeopleTotals,
    /// People who can be encrypted to.
    pub encryptable: EncryptableTotals,
    /// Published certificates.
    pub certificates: CertificateTotals,
    /// Decisions that changed.
    pub decisions: DecisionTotals,
    /// Attributes that the newer bundle clears.
    pub cleared: u64,
    /// Keys of the policy that differ.
    pub policy: u64,
}

/// `diff --format json` as a whole. It is written as a stream; this type names its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Diff {
    /// [`DIFF_SCHEMA`].
    pub schema: String,
    /// The older bundle.
    pub old: BundleHead,
    /// The newer bundle.
    pub new: BundleHead,
    /// Differences of the two policies, by key.
    pub policy: Vec<PolicyChange>,
    /// Differences of the trust anchors.
    pub trust_anchors: Anchors,
    /// Totals.
    pub totals: Totals,
    /// Everybody about whom something changed, one a line.
    pub recipients: Vec<PersonChange>,
}
