//! What a bundle says about the time before it: what people had, what becomes of it, what is cleared.

use super::{Attribute, Coverage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why an attribute is cleared: a class of `--clear`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ClearClass {
    /// A value that the tenant holds, by the predecessor or by the inventory, is revoked now.
    Revoked,
    /// Every value that is known of the attribute has expired.
    Expired,
    /// Only stale userSMIMECertificate values stand before a userCertificate that is published.
    Shadowing,
    /// The recipient stands in no input any more.
    Gone,
}

impl ClearClass {
    /// All classes, in the order in which the first that fits is taken.
    pub const ALL: [Self; 4] = [Self::Revoked, Self::Expired, Self::Shadowing, Self::Gone];

    /// The word of `--clear` and of the JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Shadowing => "shadowing",
            Self::Gone => "gone",
        }
    }
}

/// An attribute that the payload clears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cleared {
    /// The attribute.
    pub attribute: Attribute,
    /// The class that allows it.
    pub class: ClearClass,
}

/// What becomes of a person's certificates to encrypt to once this payload is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// Had none and has none.
    None,
    /// Had none and has one.
    Gained,
    /// Has the same as before.
    Unchanged,
    /// Has others than before, at least one of them by an issuer of those before.
    Replaced,
    /// Has others than before, all of them by other issuers.
    ReplacedByAnotherIssuer,
    /// Keeps what the payload does not touch.
    Kept,
    /// Had one and has none: a removal.
    Removed,
}

/// A recipient in the bundle before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreviousEntry {
    /// Their number there.
    pub number: u64,
    /// Whether they could be written to by what that bundle published.
    pub coverage: Coverage,
    /// The address that bundle was uploaded to, or null when there was none.
    pub address: Option<String>,
    /// True when they stood in none of its inputs either.
    pub gone: bool,
}

/// What the tenant holds for a recipient, by the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantEntry {
    /// Values of userCertificate.
    #[serde(rename = "userCertificate")]
    pub user_certificate: u64,
    /// Values of userSMIMECertificate.
    #[serde(rename = "userSMIMECertificate")]
    pub user_smime_certificate: u64,
    /// True when the recipient comes from an on-premises directory, so that an upload is refused.
    pub synchronised: bool,
}

/// A value that stays in the tenant because the payload leaves its attribute untouched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remaining {
    /// The attribute it stands in.
    pub attribute: Attribute,
    /// SHA-256 of the certificate's DER; null for a value without one that can be read.
    pub sha256: Option<String>,
    /// Issuer, for display.
    pub issuer: Option<String>,
    /// Serial number, hex with colons.
    pub serial: Option<String>,
    /// End of validity, RFC 3339.
    pub not_after: Option<String>,
    /// Whether mail can be encrypted to it.
    pub encrypts: bool,
    /// Whether a CRL lists it, or its issuer, now.
    pub revoked: bool,
}

/// A recipient's past and what this payload makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct History {
    /// Their entry in the bundle before, or null.
    pub previous: Option<PreviousEntry>,
    /// Their line in the inventory, or null.
    pub tenant: Option<TenantEntry>,
    /// What becomes of their certificates to encrypt to.
    pub change: Change,
    /// Encryptable in the bundle before and not in this one.
    pub lost: bool,
    /// Attributes that the payload clears.
    pub cleared: Vec<Cleared>,
    /// What is known to stay in attributes that the payload does not set.
    pub remaining: Vec<Remaining>,
}

/// The bundle that was given with `--previous`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreviousBundle {
    /// Its id.
    pub id: String,
    /// Its number in the series, or null.
    pub sequence: Option<u64>,
    /// The instant it was judged at, RFC 3339.
    pub evaluated_at: String,
    /// SHA-256 of its manifest.json, lower-case hex.
    pub manifest_sha256: String,
    /// Recipients in it.
    pub recipients: u64,
}

/// The inventory that was given with `--published`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inventory {
    /// When it was taken, as the script wrote it.
    pub time: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// Recipients in it.
    pub recipients: u64,
}

/// What changed since the bundle before, counted over this manifest's recipients:
/// `had = unchanged + replaced + replacedByAnotherIssuer + kept + removed`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Changes {
    /// The bundle before, or null.
    pub previous: Option<PreviousBundle>,
    /// The inventory, or null.
    pub inventory: Option<Inventory>,
    /// People who had a certificate to encrypt to.
    pub had: u64,
    /// People who had none and get one.
    pub gained: u64,
    /// People who have the same as before.
    pub unchanged: u64,
    /// People who get others, by an issuer that they had before.
    pub replaced: u64,
    /// People who get others, all by issuers that they had none of before.
    pub replaced_by_another_issuer: u64,
    /// People who keep what the payload does not touch.
    pub kept: u64,
    /// People who have none any more: removals.
    pub removed: u64,
    /// Removals that were allowed (`--max-removals`), or null when nothing of before was given.
    pub removals_allowed: Option<u64>,
    /// Entries of people who stand in no input.
    pub gone: u64,
    /// Of these, the ones that were gone in the bundle before already.
    pub gone_before: u64,
    /// Revoked values that stay in the tenant.
    pub revoked_still_published: u64,
}

impl Changes {
    /// Counts one recipient of this manifest; `gone` says that no input has them.
    pub fn count(&mut self, history: &History, gone: bool) {
        let sum = match history.change {
            Change::None => None,
            Change::Gained => Some(&mut self.gained),
            Change::Unchanged => Some(&mut self.unchanged),
            Change::Replaced => Some(&mut self.replaced),
            Change::ReplacedByAnotherIssuer => Some(&mut self.replaced_by_another_issuer),
            Change::Kept => Some(&mut self.kept),
            Change::Removed => Some(&mut self.removed),
        };
        if let Some(sum) = sum {
            *sum += 1;
        }
        self.had += u64::from(!matches!(history.change, Change::None | Change::Gained));
        self.gone += u64::from(gone);
        self.gone_before += u64::from(gone && history.previous.as_ref().is_some_and(|entry| entry.gone));
        self.revoked_still_published += history.remaining.iter().filter(|value| value.revoked).count() as u64;
    }

    /// Adds the counts of another part of the run; what was given stays.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.counts().into_iter().zip(other.clone().counts()) {
            *mine += *theirs;
        }
    }

    /// Every count over recipients.
    fn counts(&mut self) -> [&mut u64; 10] {
        [
            &mut self.had,
            &mut self.gained,
            &mut self.unchanged,
            &mut self.replaced,
            &mut self.replaced_by_another_issuer,
            &mut self.kept,
            &mut self.removed,
            &mut self.gone,
            &mut self.gone_before,
            &mut self.revoked_still_published,
        ]
    }

    /// Every count that is not what was counted again, in words.
    #[must_use]
    pub fn disagreements(&self, counted: &Self) -> Vec<String> {
        const NAMES: [&str; 10] = [
            "had",
            "gained",
            "unchanged",
            "replaced",
            "replacedByAnotherIssuer",
            "kept",
            "removed",
            "gone",
            "goneBefore",
            "revokedStillPublished",
        ];
        let (mut said, mut counted) = (self.clone(), counted.clone());
        let pairs = said.counts().into_iter().zip(counted.counts());
        let wrong = NAMES.iter().zip(pairs).filter(|(_, (said, counted))| said != counted);
        wrong
            .map(|(name, (said, counted))| format!("changes.{name} is {said}, counted were {counted}"))
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_json() {
        for class in ClearClass::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.word());
        }
        assert!(ClearClass::ALL.is_sorted());
    }

    #[test]
    fn counts_reconcile() {
        let history = |change| History {
            previous: None,
            tenant: None,
            change,
            lost: false,
            cleared: Vec::new(),
            remaining: Vec::new(),
        };
        let all = [
            Change::None,
            Change::Gained,
            Change::Unchanged,
            Change::Replaced,
            Change::ReplacedByAnotherIssuer,
            Change::Kept,
            Change::Removed,
        ];
        let mut sum = Changes::default();
        for change in all {
            let mut one = Changes::default();
            one.count(&history(change), change == Change::Removed);
            sum.add(&one);
        }
        let parts = sum.unchanged + sum.replaced + sum.replaced_by_another_issuer + sum.kept + sum.removed;
        assert_eq!((sum.had, parts, sum.gained, sum.gone), (5, 5, 1, 1));
        assert!(sum.disagreements(&sum).is_empty());
        let other = Changes { kept: 9, ..sum.clone() };
        assert_eq!(sum.disagreements(&other), ["changes.kept is 1, counted were 9"]);
    }
}
