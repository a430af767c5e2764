//! What this payload makes of one person's past: what is cleared, what stays, what is lost.
//!
//! The definitions, in one place:
//!
//! * *Evidence* is what the tenant holds as far as somebody says: what the payload of the bundle before set, the
//!   inventory, and, without an inventory, what the bundle before knew to be left from bundles before it.
//! * An attribute can be *cleared* when it is known whole, nothing of it is published, the address is certainly
//!   the person's, and a named class fits: `revoked` (a value of the evidence is revoked), `expired` (every value
//!   of input and evidence has expired), `shadowing` (userSMIMECertificate holds only expired or revoked values
//!   and userCertificate publishes one to encrypt to), `gone`. The first class in this order counts.
//! * A *removal* is a person with a certificate to encrypt to in the evidence and none once the payload is
//!   applied. Whether that certificate was still of use does not matter: the limit is there against accidents.

use std::collections::BTreeSet;

use super::before::{Before, Held, HeldBy, Origin};
use super::ledger::address_key;
use super::tell;
use crate::bundle::model::history::{PreviousEntry, TenantEntry};
use crate::bundle::model::{
    Attribute, Candidate, Change, Changes, ClearClass, Cleared, ClearedCounts, Coverage, Decision,
    FindingCertificate, History, PayloadLine, Remaining,
};
use crate::judge::Judged;
use crate::path::PathCode;
use crate::policy::InForce;
use crate::rules::{Finding, history as rules, recipient as recipient_rules, validity};

/// Both attributes that a payload sets.
pub const ATTRIBUTES: [Attribute; 2] = [Attribute::UserCertificate, Attribute::UserSmimeCertificate];

/// What was asked of the run about the time before.
#[derive(Clone, Debug, Default)]
pub struct Decider {
    /// `--previous` was given.
    pub previous: bool,
    /// `--published` was given.
    pub inventory: bool,
    /// Classes of `--clear`.
    pub clear: BTreeSet<ClearClass>,
}

/// Where a person stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In the inputs.
    Here,
    /// In no input. `clearable`: the inputs are complete, and the address is nobody else's.
    Gone {
        /// Whether `--clear gone` may do anything.
        clearable: bool,
        /// The address belongs to somebody else now.
        contested: bool,
    },
}

/// A list of people that the closing summary names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// Lose their last certificate to encrypt to.
    Removed,
    /// An attribute is cleared.
    Cleared(ClearClass),
    /// Keep a revoked certificate.
    RevokedStillPublished,
    /// Get certificates of other issuers.
    IssuerReplaced,
    /// Stand in no input, and stood in one of the bundle before.
    Gone,
}

/// What one person adds to the run's counts.
#[derive(Clone, Debug, Default)]
pub struct Share {
    /// For `summary.changes`.
    pub changes: Changes,
    /// For `summary.cleared`.
    pub cleared: ClearedCounts,
    /// For `summary.coverage.lostSincePrevious`.
    pub lost: u64,
    /// Names for lists.
    pub names: Vec<(List, String)>,
}

impl Share {
    /// Adds another share, but for the names.
    pub fn add(&mut self, other: &Self) {
        self.changes.add(&other.changes);
        for class in ClearClass::ALL {
            self.cleared.add(class, other.cleared.of(class));
        }
        self.lost += other.lost;
    }
}

impl Decider {
    /// Whether anything was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.previous || self.inventory || !self.clear.is_empty()
    }

    /// Decides about one recipient and writes it into what was judged: payload, history and findings.
    pub fn decide(
        &self,
        policy: &InForce,
        judged: &mut Judged,
        before: &[Before],
        standing: Standing,
    ) -> Share {
        if !self.is_asked() {
            return Share::default();
        }
        let identity = &judged.recipient.identity;
        let target = identity.cloud_address.clone().or_else(|| identity.primary_smtp.clone());
        let evidence = self.evidence(before, target.as_deref(), &judged.recipient.candidates);
        let mut cleared = match standing {
            Standing::Here if judged.doubtful || target.is_none() => Vec::new(),
            Standing::Here => self.cleared(judged, &evidence),
            Standing::Gone { clearable, .. } => self.cleared_of_gone(before, &evidence, clearable),
        };
        // What the policy does not take is not the run's to empty.
        cleared.retain(|one| policy.policy().attributes.contains(&one.attribute));
        if let (false, Some(address)) = (cleared.is_empty(), target) {
            let line = judged.payload.get_or_insert(PayloadLine {
                number: 0,
                address,
                kind: judged.recipient.kind,
                user_certificate: None,
                user_smime_certificate: None,
            });
            for one in &cleared {
                *set_of(line, one.attribute) = Some(Vec::new());
            }
        }
        let history = self.history(judged, before, &evidence, cleared);
        let share = self.share(judged, &history, standing);
        let found = self.findings(judged, &history, &evidence, before, standing);
        tell(policy, judged, found);
        judged.recipient.history = Some(history);
        share
    }

    /// What the tenant holds, each certificate of an attribute once.
    fn evidence(&self, before: &[Before], target: Option<&str>, candidates: &[Candidate]) -> Vec<Held> {
        let at_target = |one: &&Before| {
            matches!(one.origin, Origin::Inventory { .. })
                && one.address.as_deref().map(address_key) == target.map(address_key)
        };
        // What is found under the address that is looked up is what the payload replaces.
        let exact = before.iter().any(|one| at_target(&one));
        let mut all: Vec<Held> = Vec::new();
        for one in before {
            if exact && matches!(one.origin, Origin::Inventory { .. }) && !at_target(&one) {
                continue;
            }
            for held in one.held.iter().filter(|held| !(self.inventory && held.by == HeldBy::Left)) {
                let same = |known: &&mut Held| {
                    known.value.attribute == held.value.attribute
                        && held.value.sha256.is_some()
                        && known.value.sha256 == held.value.sha256
                };
                match all.iter_mut().find(same) {
                    Some(known) => {
                        known.value.encrypts |= held.value.encrypts;
                        known.revoked = known.revoked.take().or_else(|| held.revoked.clone());
                    }
                    None => all.push(held.clone()),
                }
            }
        }
        for held in &mut all {
            let twin = candidates.iter().find(|one| one.sha256.is_some() && one.sha256 == held.value.sha256);
            let said =
                twin.and_then(|one| one.findings.iter().find(|f| f.code == PathCode::Revoked.as_str()));
            if held.revoked.is_none() {
                let found =
                    |message: &str| message.split("; required: ").next().unwrap_or(message).to_owned();
                held.revoked = said.map(|finding| found(&finding.message));
            }
            held.value.revoked = held.revoked.is_some();
        }
        all
    }

    /// Attributes of somebody who stands in the inputs that a named class clears.
    fn cleared(&self, judged: &Judged, evidence: &[Held]) -> Vec<Cleared> {
        let mut cleared = Vec::new();
        for attribute in ATTRIBUTES {
            let publishes = judged.payload.as_ref().is_some_and(|line| set(line, attribute).is_some());
            if publishes || judged.incomplete.contains(&attribute) {
                continue;
            }
            let candidates = || judged.recipient.candidates.iter().filter(|one| one.attribute == attribute);
            let held = || evidence.iter().filter(|one| one.value.attribute == attribute);
            let known = candidates().next().is_some() || held().next().is_some();
            let fits = |class: ClearClass| match class {
                ClearClass::Revoked => held().any(|one| one.revoked.is_some()),
                ClearClass::Expired => {
                    known
                        && candidates().all(|one| has(one, validity::EXPIRED.code))
                        && held().all(|one| one.expired)
                }
                ClearClass::Shadowing => {
                    let stale = |one: &Candidate| {
                        has(one, validity::EXPIRED.code) || has(one, PathCode::Revoked.as_str())
                    };
                    attribute == Attribute::UserSmimeCertificate
                        && publishes_to_encrypt(judged)
                        && known
                        && candidates().all(stale)
                        && held().all(|one| one.expired || one.revoked.is_some())
                }
                ClearClass::Gone => false,
            };
            let class = self.clear.iter().copied().find(|class| fits(*class));
            cleared.extend(class.map(|class| Cleared { attribute, class }));
        }
        cleared
    }

    /// Attributes of somebody who is gone that may hold something.
    fn cleared_of_gone(&self, before: &[Before], evidence: &[Held], clearable: bool) -> Vec<Cleared> {
        if !clearable || !self.clear.contains(&ClearClass::Gone) {
            return Vec::new();
        }
        // Without an inventory nobody knows whether an earlier clearing was ever uploaded: it is repeated.
        let again = |attribute: Attribute| {
            !self.inventory && before.iter().any(|one| one.cleared.contains(&attribute))
        };
        ATTRIBUTES
            .into_iter()
            .filter(|attribute| {
                evidence.iter().any(|held| held.value.attribute == *attribute) || again(*attribute)
            })
            .map(|attribute| Cleared { attribute, class: ClearClass::Gone })
            .collect()
    }

    fn history(
        &self,
        judged: &Judged,
        before: &[Before],
        evidence: &[Held],
        cleared: Vec<Cleared>,
    ) -> History {
        let previous = before.iter().find_map(|one| match one.origin {
            Origin::Previous { number, coverage, gone } => {
                Some(PreviousEntry { number, coverage, address: one.address.clone(), gone })
            }
            Origin::Inventory { .. } => None,
        });
        let tenant = before.iter().find_map(|one| match one.origin {
            Origin::Inventory {
                synchronised, values: [user_certificate, user_smime_certificate], ..
            } => Some(TenantEntry { user_certificate, user_smime_certificate, synchronised }),
            Origin::Previous { .. } => None,
        });
        let was_encryptable = before.iter().any(
            |one| matches!(one.origin, Origin::Previous { coverage, .. } if coverage == Coverage::Encryptable),
        );
        let untouched =
            |one: &&Held| judged.payload.as_ref().is_none_or(|line| set(line, one.value.attribute).is_none());
        let remaining: Vec<Remaining> =
            evidence.iter().filter(untouched).map(|held| held.value.clone()).collect();
        History {
            previous,
            tenant,
            change: change(judged, evidence, &remaining),
            lost: was_encryptable && judged.recipient.coverage != Coverage::Encryptable,
            cleared,
            remaining,
        }
    }

    fn share(&self, judged: &Judged, history: &History, standing: Standing) -> Share {
        let mut share = Share::default();
        let gone = standing != Standing::Here;
        share.changes.count(history, gone);
        share.lost = u64::from(history.lost);
        let name = name_of(judged);
        let mut list = |list: List| share.names.push((list, name.clone()));
        if gone && !history.previous.as_ref().is_some_and(|entry| entry.gone) {
            list(List::Gone);
        }
        match history.change {
            Change::Removed => list(List::Removed),
            Change::ReplacedByAnotherIssuer => list(List::IssuerReplaced),
            _ => {}
        }
        if history.remaining.iter().any(|value| value.revoked) {
            list(List::RevokedStillPublished);
        }
        for one in &history.cleared {
            list(List::Cleared(one.class));
        }
        share.names.dedup();
        for one in &history.cleared {
            share.cleared.add(one.class, 1);
        }
        share
    }

    fn findings(
        &self,
        judged: &mut Judged,
        history: &History,
        evidence: &[Held],
        before: &[Before],
        standing: Standing,
    ) -> Vec<(Finding, Option<FindingCertificate>)> {
        let mut found: Vec<(Finding, Option<FindingCertificate>)> = Vec::new();
        let mut about_person = |finding: Finding| found.push((finding, None));
        if let Standing::Gone { contested, .. } = standing {
            about_person(tell::gone(before, contested));
        }
        for one in &history.cleared {
            about_person(tell::clearing(one, evidence));
        }
        match history.change {
            Change::Removed => about_person(Finding::new(
                &rules::ENCRYPTION_REMOVED,
                format!(
                    "{} that the tenant holds for this person is taken away with this payload",
                    tell::certificates(evidence.iter().filter(|held| held.value.encrypts).count())
                ),
                "a certificate to encrypt to in the payload, or an attribute that is left alone",
            )),
            Change::ReplacedByAnotherIssuer => about_person(tell::other_issuer(judged, evidence)),
            _ => {}
        }
        if history.lost && history.change != Change::Removed && standing == Standing::Here {
            about_person(Finding::new(
                &rules::LOST_SINCE_PREVIOUS,
                "the bundle before published a certificate to encrypt to for this person, this one does not",
                "a certificate to encrypt to that can be published",
            ));
        }
        let shadows = shadows(judged, history);
        about_shadowing(judged, history, shadows, &mut about_person);
        for held in evidence.iter().filter(|held| stays(history, held)) {
            let Some(why) = &held.revoked else { continue };
            let about = FindingCertificate {
                sha256: held.value.sha256.clone(),
                attribute: Some(held.value.attribute),
                index: None,
            };
            found.push((tell::still_published(held, why), Some(about)));
        }
        found
    }
}

/// Adds findings as the policy weighs them.
fn tell(policy: &InForce, judged: &mut Judged, found: Vec<(Finding, Option<FindingCertificate>)>) {
    let source = judged.recipient.source.clone();
    let address = Some(name_of(judged));
    for (mut finding, certificate) in found {
        policy.settle(&mut finding);
        judged.counts.finding(finding.severity);
        judged.recipient.findings.push(finding.for_manifest());
        judged.findings.push(finding.line(Some(0), address.clone(), certificate, source.clone()));
    }
}

/// What becomes of the certificates to encrypt to.
fn change(judged: &Judged, evidence: &[Held], remaining: &[Remaining]) -> Change {
    let published =
        || judged.recipient.candidates.iter().filter(|one| one.decision == Decision::Publish && one.encrypts);
    let stays = || remaining.iter().filter(|value| value.encrypts);
    let had = || evidence.iter().filter(|held| held.value.encrypts).map(|held| &held.value);
    match (had().next().is_some(), published().next().is_some(), stays().next().is_some()) {
        (false, false, _) => Change::None,
        (false, true, _) => Change::Gained,
        (true, false, false) => Change::Removed,
        (true, false, true) => Change::Kept,
        (true, true, _) => {
            let hashes = |values: Vec<&Option<String>>| values.into_iter().cloned().collect::<BTreeSet<_>>();
            let old = hashes(had().map(|value| &value.sha256).collect());
            let new = hashes(
                published().map(|one| &one.sha256).chain(stays().map(|value| &value.sha256)).collect(),
            );
            let known: BTreeSet<&Option<String>> = had().map(|value| &value.issuer).collect();
            if old == new {
                Change::Unchanged
            } else if published().any(|one| known.contains(&one.issuer)) {
                Change::Replaced
            } else {
                Change::ReplacedByAnotherIssuer
            }
        }
    }
}

/// Whether the payload sets a userCertificate that can be encrypted to.
fn publishes_to_encrypt(judged: &Judged) -> bool {
    judged.recipient.candidates.iter().any(|one| {
        one.attribute == Attribute::UserCertificate && one.decision == Decision::Publish && one.encrypts
    })
}

/// How many values stay in userSMIMECertificate, in front of what userCertificate publishes.
fn shadows(judged: &Judged, history: &History) -> usize {
    if !publishes_to_encrypt(judged) {
        return 0;
    }
    let same = |value: &Remaining| {
        judged.recipient.candidates.iter().any(|one| {
            one.decision == Decision::Publish && one.sha256.is_some() && one.sha256 == value.sha256
        })
    };
    let values = history.remaining.iter().filter(|value| value.attribute == Attribute::UserSmimeCertificate);
    values.filter(|value| !same(value)).count()
}

/// `shadowing-remains` by what the tenant holds; what is cleared no longer remains.
fn about_shadowing(
    judged: &mut Judged,
    history: &History,
    shadows: usize,
    about_person: &mut dyn FnMut(Finding),
) {
    let rule = &recipient_rules::SHADOWING_REMAINS;
    let told = judged.recipient.findings.iter().any(|finding| finding.code == rule.code);
    if history.cleared.iter().any(|one| one.attribute == Attribute::UserSmimeCertificate) {
        if told {
            judged.recipient.findings.retain(|finding| finding.code != rule.code);
            judged.findings.retain(|line| line.code != rule.code);
            judged.counts.take_back(rule.severity);
        }
    } else if shadows > 0 && !told {
        about_person(Finding::new(
            rule,
            format!(
                "the tenant holds {} in userSMIMECertificate while userCertificate is published",
                tell::values(shadows)
            ),
            "no older userSMIMECertificate in the tenant; look at what it holds for this recipient",
        ));
    }
}

/// Whether a value is among those that stay.
fn stays(history: &History, held: &Held) -> bool {
    history.remaining.contains(&held.value)
}

/// A finding that is about a person who is in the inputs, but no recipient of them any more.
#[must_use]
pub fn about_bystander(decider: &Decider, before: &[Before], why: &str) -> (Vec<Finding>, u64) {
    let evidence = decider.evidence(before, None, &[]);
    let lost = before.iter().any(
        |one| matches!(one.origin, Origin::Previous { coverage, .. } if coverage == Coverage::Encryptable),
    );
    let mut found = Vec::new();
    if lost {
        found.push(Finding::new(
            &rules::LOST_SINCE_PREVIOUS,
            format!("the bundle before published a certificate to encrypt to for this person, who is left out now: {why}"),
            "a recipient in the inputs",
        ));
    }
    for held in &evidence {
        found.extend(held.revoked.as_deref().map(|why| tell::still_published(held, why)));
    }
    (found, u64::from(lost))
}

/// How a person is named in lists and finding lines.
fn name_of(judged: &Judged) -> String {
    let identity = &judged.recipient.identity;
    let names = [&identity.cloud_address, &identity.primary_smtp, &identity.dn];
    names.into_iter().flatten().next().cloned().unwrap_or_else(|| "somebody without an address".into())
}

fn has(candidate: &Candidate, code: &str) -> bool {
    candidate.findings.iter().any(|finding| finding.code == code)
}

fn set(line: &PayloadLine, attribute: Attribute) -> Option<&Vec<String>> {
    match attribute {
        Attribute::UserSmimeCertificate => line.user_smime_certificate.as_ref(),
        _ => line.user_certificate.as_ref(),
    }
}

fn set_of(line: &mut PayloadLine, attribute: Attribute) -> &mut Option<Vec<String>> {
    match attribute {
        Attribute::UserSmimeCertificate => &mut line.user_smime_certificate,
        _ => &mut line.user_certificate,
    }
}
