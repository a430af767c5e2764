//! trust.sst: its form, its certificates, and what manifest and chains say of them.

use super::files::Files;
use super::{ProblemKind, Report};
use crate::bundle::TRUST_STORE;
use crate::bundle::hashed::sha256_hex;
use crate::bundle::manifest::Frame;
use crate::bundle::model::{Decision, Recipient, Transfer, TrustOrigin, TrustStoreEntry, Verdict};
use crate::certificate::sst::{self, Element};
use crate::certificate::{Certificate, UnixTime};
use crate::encoding::hex;
use crate::rules::run::{TRUST_STORE_END_ENTITY, TRUST_STORE_EXPIRING};
use crate::trust::is_authority;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// A larger trust store is not read: the authorities of the whole public web, some ten thousand, take a quarter.
const MAX_STORE: u64 = 64 * 1024 * 1024;

/// The certificates of trust.sst.
#[derive(Default)]
pub(super) struct Store {
    /// The file as the report calls it.
    shown: String,
    /// By SHA-256: what a manifest would say.
    held: BTreeMap<String, Held>,
}

struct Held {
    sha1: String,
    subject: String,
    serial: String,
    not_before: UnixTime,
    not_after: UnixTime,
    authority: bool,
}

impl Store {
    /// Reads trust.sst of a half and checks its form; `None` when nothing can be said about what it holds. A half
    /// without the file has a store without certificates.
    pub(super) fn read(files: &Files, report: &mut Report) -> Option<Self> {
        let mut store = Self { shown: files.shown(TRUST_STORE), ..Self::default() };
        let Some(opened) = files.open(TRUST_STORE) else { return Some(store) };
        let shown = store.shown.clone();
        let mut bytes = Vec::new();
        let unreadable = match opened.and_then(|file| file.take(MAX_STORE + 1).read_to_end(&mut bytes)) {
            Err(error) => Some(format!("could not be read: {error}")),
            Ok(length) if length as u64 > MAX_STORE => Some(format!("is larger than {MAX_STORE} bytes")),
            Ok(_) => None,
        };
        if let Some(explanation) = unreadable {
            report.problem(ProblemKind::Unreadable, Some(&shown), None, explanation);
            return None;
        }
        let Some(elements) = sst::elements(&bytes) else {
            let explanation = "is no serialised certificate store".to_owned();
            report.problem(ProblemKind::Unreadable, Some(&shown), None, explanation);
            return None;
        };
        let mut problem =
            |kind: ProblemKind, explanation: String| report.problem(kind, Some(&shown), None, explanation);
        let mut last = String::new();
        let mut held: Vec<&[u8]> = Vec::new();
        let mut odd = false;
        for element in elements {
            match element {
                Ok((at, Element::Certificate(der))) => match Certificate::parse(der) {
                    Ok(certificate) if certificate.trailing().is_empty() => {
                        let sha256 = sha256_hex(der);
                        if sha256 <= last {
                            let what = if sha256 == last { "stands twice" } else { "is out of order" };
                            let explanation = format!("{} {what} (SHA-256 {sha256})", certificate.subject());
                            problem(ProblemKind::Trust, explanation);
                        }
                        last.clone_from(&sha256);
                        held.push(der);
                        store.held.insert(sha256, Held::of(&certificate));
                    }
                    Ok(_) => problem(
                        ProblemKind::Unreadable,
                        format!("byte {at}: bytes stand behind a certificate"),
                    ),
                    Err(error) => problem(ProblemKind::Unreadable, format!("byte {at}: {error}")),
                },
                Ok((at, _)) => {
                    odd = true;
                    let explanation = format!(
                        "byte {at}: holds something besides certificates; certferry writes no properties"
                    );
                    problem(ProblemKind::Trust, explanation);
                }
                Err((at, damage)) => {
                    problem(ProblemKind::Unreadable, format!("byte {at}: {damage}"));
                    return None;
                }
            }
        }
        // Fields that no reader looks at have one value all the same.
        if !odd && sst::write(held.iter().copied()) != bytes {
            problem(ProblemKind::Trust, "is not as certferry writes these certificates".to_owned());
        }
        if store.held.is_empty() {
            let explanation =
                "holds no certificate: uploading it would delete the tenant's trust store".to_owned();
            problem(ProblemKind::Trust, explanation);
        }
        Some(store)
    }

    /// Whether a certificate or value with this SHA-256 is in it that is no authority's.
    pub(super) fn has_leaf(&self, sha256: &str) -> bool {
        self.held.get(sha256).is_some_and(|held| !held.authority)
    }

    /// A recipient's own certificate stands in the store.
    pub(super) fn leaf(&self, number: u64, report: &mut Report) {
        let explanation =
            format!("holds the published certificate of recipient {number}, which is no authority's");
        report.problem(ProblemKind::Trust, Some(&self.shown), None, explanation);
    }

    /// Against transfer.json: how many there are, and that none ends before the bundle does.
    pub(super) fn against_head(&self, head: &Transfer, report: &mut Report) {
        let (said, count) = (head.counts.trust_certificates, self.held.len() as u64);
        if said != count {
            let explanation = format!("holds {count} certificates; transfer.json says {said}");
            report.problem(ProblemKind::Totals, Some(&self.shown), None, explanation);
        }
        // What is no instant is reported with the lifetime.
        let Ok(until) = UnixTime::from_rfc3339(&head.valid_until) else { return };
        for held in self.held.values().filter(|held| held.not_after < until) {
            let explanation = format!(
                "{} ends at {}, before the bundle does ({}): the upload of the whole store would fail",
                held.subject, held.not_after, head.valid_until
            );
            report.problem(ProblemKind::Trust, Some(&self.shown), None, explanation);
        }
    }

    /// Against the manifest's list: the same certificates, described as they are.
    pub(super) fn against_manifest(&self, frame: &Frame, report: &mut Report) {
        let mut problem =
            |explanation: String| report.problem(ProblemKind::Trust, Some(&self.shown), None, explanation);
        let listed: BTreeMap<&str, &TrustStoreEntry> =
            frame.trust_store.iter().map(|entry| (entry.sha256.as_str(), entry)).collect();
        for (sha256, held) in &self.held {
            match listed.get(sha256.as_str()) {
                Some(entry) if entry.left_out.is_some() => problem(format!(
                    "holds {}, which the manifest says was left out (SHA-256 {sha256})",
                    held.subject
                )),
                Some(entry) if !held.is(entry) => problem(format!(
                    "holds {}, which the manifest describes otherwise (SHA-256 {sha256})",
                    held.subject
                )),
                Some(_) => {}
                None => {
                    problem(format!(
                        "holds {}, which the manifest does not list (SHA-256 {sha256})",
                        held.subject
                    ));
                }
            }
        }
        for entry in frame.trust_store.iter().filter(|entry| entry.left_out.is_none()) {
            if !self.held.contains_key(&entry.sha256) {
                problem(format!(
                    "lacks {}, which the manifest lists (SHA-256 {})",
                    entry.subject, entry.sha256
                ));
            }
        }
    }
}

impl Held {
    fn of(certificate: &Certificate<'_>) -> Self {
        Self {
            sha1: hex(&certificate.sha1()),
            subject: certificate.subject().to_string(),
            serial: certificate.serial_hex(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            authority: is_authority(certificate),
        }
    }

    fn is(&self, entry: &TrustStoreEntry) -> bool {
        (&self.sha1, &self.subject, &self.serial) == (&entry.sha1, &entry.subject, &entry.serial)
            && self.not_before.to_string() == entry.not_before
            && self.not_after.to_string() == entry.not_after
    }
}

/// What the chains of published candidates need, collected while the recipients pass: as many as there are
/// authorities.
#[derive(Default)]
pub(super) struct Chains {
    /// SHA-256 of each issuer, or of a certificate that is its own path → recipients.
    people: BTreeMap<String, u64>,
    /// Where the chains end.
    ends: BTreeSet<String>,
    /// Valid paths whose chain does not begin with the certificate.
    broken: u64,
}

impl Chains {
    /// Adds a recipient.
    pub(super) fn add(&mut self, recipient: &Recipient) {
        let verified = recipient.candidates.iter().filter(|candidate| {
            candidate.decision == Decision::Publish && candidate.path.verdict == Verdict::Valid
        });
        let mut mine: Vec<&String> = Vec::new();
        for candidate in verified {
            let chain = candidate.path.chain.as_slice();
            if chain.first() != candidate.sha256.as_ref() {
                self.broken += 1;
            }
            if let Some(end) = chain.last().filter(|end| !self.ends.contains(*end)) {
                self.ends.insert(end.clone());
            }
            let needed = match chain {
                [_] => chain,
                _ => chain.get(1..).unwrap_or_default(),
            };
            for sha256 in needed {
                if !mine.contains(&sha256) {
                    mine.push(sha256);
                }
            }
        }
        for sha256 in mine {
            match self.people.get_mut(sha256) {
                Some(count) => *count += 1,
                None => {
                    self.people.insert(sha256.clone(), 1);
                }
            }
        }
    }

    /// The manifest against them. They begin with the certificate and end at an anchor. Its list holds every
    /// authority with its people, and besides only what it says was kept, or is needed by a signing certificate
    /// (which no chain of the manifest shows). What is not in the store is left out for a reason.
    pub(super) fn against(&self, frame: &Frame, shown: &str, report: &mut Report) {
        let mut problem = |key: &str, explanation: String| {
            report.problem(ProblemKind::Manifest, Some(shown), None, format!("{key} {explanation}"));
        };
        if self.broken > 0 {
            let explanation = format!("of {} published certificates does not begin with them", self.broken);
            problem("the chain", explanation);
        }
        for end in &self.ends {
            if !frame.trust_anchors.iter().any(|anchor| anchor.sha256 == *end) {
                problem(
                    "trustAnchors",
                    format!("lacks {end}, at which the chain of a published certificate ends"),
                );
            }
        }
        let mut problem = |explanation: String| problem("trustStore", explanation);
        let until = frame.bundle.valid_until.as_str();
        let mut last = "";
        for entry in &frame.trust_store {
            let TrustStoreEntry { sha256, subject, .. } = entry;
            if sha256.as_str() <= last {
                problem(format!("is not in the order of the SHA-256 at {sha256}"));
            }
            last = sha256;
            let needed = self.people.get(sha256).copied().unwrap_or_default();
            let signer = entry.origin == TrustOrigin::Signer && needed == 0;
            if needed != entry.people && !signer {
                problem(format!(
                    "says that published certificates of {} people rest on {subject}; the chains say {needed}",
                    entry.people
                ));
            }
            if (needed > 0) != (entry.origin == TrustOrigin::Chain) && !signer {
                problem(format!("gives {subject} the origin {:?}, which the chains deny", entry.origin));
            }
            match entry.left_out.as_deref() {
                // Both are written alike, so their order is that of the instants.
                None if entry.not_after.as_str() < until => {
                    problem(format!("has {subject}, which ends before the bundle does"));
                }
                None => {}
                Some(code) if code == TRUST_STORE_EXPIRING.code && entry.not_after.as_str() < until => {}
                Some(code) if code == TRUST_STORE_END_ENTITY.code => {}
                Some(code) => problem(format!("leaves {subject} out by {code}, which does not fit it")),
            }
        }
        for sha256 in self.people.keys() {
            if !frame.trust_store.iter().any(|entry| entry.sha256 == *sha256) {
                problem(format!(
                    "lacks the certificate {sha256}, which stands in the chain of a published certificate"
                ));
            }
        }
    }
}

/// Findings that must be there, since the manifest says that they tell why a certificate was left out: code and
/// SHA-256.
pub(super) fn told(frame: Option<&Frame>) -> BTreeSet<(String, String)> {
    let entries = frame.into_iter().flat_map(|frame| &frame.trust_store);
    entries.filter_map(|entry| Some((entry.left_out.clone()?, entry.sha256.clone()))).collect()
}
