//! What is written about a recipient: manifest entry, finding lines and totals, kept in step.

use std::collections::BTreeSet;

use super::{Counts, Draft, Judged, Memory, World};
use crate::bundle::directory::Change;
use crate::bundle::model::{
    Attribute, Candidate, Coverage, Decision, FindingCertificate, FindingLine, Identity, PathReport,
    PayloadLine, Recipient, RecipientKind, Source, ValueChange,
};
use crate::certificate::Certificate;
use crate::certificate::UnixTime;
use crate::encoding::hex;
use crate::object::{Beyond, Object, Place, Value};
use crate::policy::InForce;
use crate::rules::{Finding, value as value_rules};
use crate::trust::Link;

/// Collects while a recipient is judged.
pub struct Sheet<'w> {
    world: &'w dyn World,
    place: Place,
    address: Option<String>,
    candidates: Vec<Candidate>,
    /// Where the certificates begin whose texts stand in a candidate, and which one that is.
    shown: Vec<(*const u8, usize)>,
    lines: Vec<FindingLine>,
    counts: Counts,
    /// Attributes that are not known whole, and why.
    pub incomplete: Vec<(Attribute, String)>,
    internal_crl: BTreeSet<(String, String)>,
    /// Authorities that the published certificates rest on.
    pub links: Vec<Link>,
    unreadable_in: Vec<u32>,
    revocation_fresh_until: Option<UnixTime>,
}

impl<'w> Sheet<'w> {
    /// An empty sheet about an object; `address` names it in finding lines.
    pub fn new(object: &Object, address: Option<String>, world: &'w dyn World) -> Self {
        Self {
            world,
            place: object.place,
            address,
            candidates: Vec::new(),
            shown: Vec::new(),
            lines: Vec::new(),
            counts: Counts { values: object.count(), ..Counts::default() },
            incomplete: object.incomplete.clone(),
            internal_crl: BTreeSet::new(),
            links: Vec::new(),
            unreadable_in: Vec::new(),
            revocation_fresh_until: None,
        }
    }

    fn source(&self, place: Place) -> Source {
        Source { input: self.world.input(place), line: place.line }
    }

    fn line(&mut self, finding: &Finding, place: Place, certificate: Option<FindingCertificate>) {
        if !finding.listed {
            return;
        }
        self.counts.finding(finding.severity);
        let source = Some(self.source(place));
        self.lines.push(finding.line(Some(0), self.address.clone(), certificate, source));
    }

    /// A value that cannot be read.
    pub fn unreadable(&mut self, value: &Value, index: u64, finding: &Finding) {
        self.counts.unreadable += 1;
        self.unreadable_in.push(value.place.input);
        if !self.incomplete.iter().any(|(attribute, _)| *attribute == value.attribute) {
            let why = format!("value {index} of it is unreadable ({})", finding.found);
            self.incomplete.push((value.attribute, why));
        }
        let certificate =
            FindingCertificate { sha256: None, attribute: Some(value.attribute), index: Some(index) };
        self.line(finding, value.place, Some(certificate));
    }

    /// Values that are not held.
    pub fn beyond(&mut self, beyond: &Beyond, policy: &InForce) {
        self.counts.unreadable += beyond.count;
        self.unreadable_in.extend((0..beyond.count).map(|_| beyond.place.input));
        let (rule, required) = if beyond.secrets > 0 {
            (&value_rules::PRIVATE_KEY, "no private key")
        } else {
            (
                &value_rules::UNREADABLE_VALUE,
                "an object of a size that can be held; delete unused values from it",
            )
        };
        let about = FindingCertificate { sha256: None, attribute: Some(beyond.attribute), index: None };
        let mut finding = Finding::new(rule, beyond.found(), required);
        policy.settle(&mut finding);
        self.line(&finding, beyond.place, Some(about));
    }

    /// A candidate, decided.
    pub fn candidate(
        &mut self,
        draft: &Draft<'_>,
        decision: Decision,
        change: Option<ValueChange>,
        reason: String,
        memory: &mut Memory,
    ) {
        let certificate = draft.certificate;
        let texts = certificate.map(|certificate| self.texts(certificate, memory)).unwrap_or_default();
        let about = FindingCertificate {
            sha256: texts.sha256.clone(),
            attribute: Some(draft.value.attribute),
            index: Some(draft.index),
        };
        for finding in &draft.findings {
            self.line(finding, draft.value.place, Some(about.clone()));
        }
        self.counts.candidates += 1;
        if decision == Decision::Publish {
            self.counts.published += 1;
            if let Some(certificate) = certificate
                && let Some(point) = memory.internal_crl_point(certificate)
            {
                self.internal_crl.insert((memory.issuer(certificate.issuer()), point));
            }
            self.revocation_fresh_until = earliest(self.revocation_fresh_until, draft.fresh_until);
        }
        if let Some(certificate) = certificate {
            self.shown.push((certificate.der().as_ptr(), self.candidates.len()));
        }
        self.candidates.push(Candidate {
            sha256: texts.sha256,
            sha1: texts.sha1,
            value_sha256: hex(&draft.value_sha256),
            attribute: draft.value.attribute,
            index: draft.index,
            subject: texts.subject,
            issuer: texts.issuer,
            serial: texts.serial,
            not_before: texts.not_before,
            not_after: texts.not_after,
            key: texts.key,
            signature_algorithm: texts.signature_algorithm,
            encrypts: draft.abilities.encrypt,
            emails: texts.emails,
            path: PathReport {
                verdict: draft.verdict,
                chain: draft.chain.iter().map(|sha256| hex(sha256)).collect(),
            },
            findings: draft.findings.iter().map(Finding::for_manifest).collect(),
            decision,
            change,
            reason,
        });
    }

    /// What is shown of a certificate: made once, also where both attributes hold it.
    fn texts(&self, certificate: &Certificate<'_>, memory: &mut Memory) -> Texts {
        let same = |(der, _): &&(*const u8, usize)| *der == certificate.der().as_ptr();
        let known = self.shown.iter().find(same).and_then(|(_, at)| self.candidates.get(*at));
        known.map_or_else(|| Texts::of(certificate, memory), Texts::copied)
    }

    /// Ends the sheet.
    pub fn close(
        mut self,
        identity: Identity,
        (kind, kind_reason): (RecipientKind, &str),
        coverage: Coverage,
        (payload, change): (Option<PayloadLine>, Option<Change>),
        findings: &[Finding],
        lapses: bool,
    ) -> Judged {
        for finding in findings {
            self.line(finding, self.place, None);
        }
        let [encryptable, sign_only, none] = &mut self.counts.coverage;
        *match coverage {
            Coverage::Encryptable => encryptable,
            Coverage::SignOnly => sign_only,
            Coverage::None => none,
        } += 1;
        self.counts.lapsing += u64::from(lapses);
        self.counts.changes = change.as_ref().map(Change::counts).unwrap_or_default();
        Judged {
            recipient: Recipient {
                number: 0,
                identity,
                kind,
                kind_reason: kind_reason.to_owned(),
                coverage,
                source: Some(self.source(self.place)),
                candidates: self.candidates,
                findings: findings.iter().map(Finding::for_manifest).collect(),
                history: None,
                payload: None,
                change: None,
            },
            payload,
            change,
            findings: self.lines,
            counts: self.counts,
            internal_crl: self.internal_crl.into_iter().collect(),
            links: self.links,
            unreadable_in: self.unreadable_in,
            revocation_fresh_until: self.revocation_fresh_until,
            incomplete: self.incomplete.into_iter().map(|(attribute, _)| attribute).collect(),
            doubtful: false,
        }
    }
}

/// The fields of a [`Candidate`] that say which certificate it is.
#[derive(Default)]
struct Texts {
    sha256: Option<String>,
    sha1: Option<String>,
    subject: Option<String>,
    issuer: Option<String>,
    serial: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    key: Option<String>,
    signature_algorithm: Option<String>,
    emails: Vec<String>,
}

impl Texts {
    fn of(certificate: &Certificate<'_>, memory: &mut Memory) -> Self {
        Self {
            sha256: Some(hex(&certificate.sha256())),
            sha1: Some(hex(&certificate.sha1())),
            subject: Some(certificate.subject().to_text()),
            issuer: Some(memory.issuer(certificate.issuer())),
            serial: Some(certificate.serial_hex()),
            not_before: Some(certificate.not_before().to_rfc3339()),
            not_after: Some(certificate.not_after().to_rfc3339()),
            key: Some(certificate.key().name().into_owned()),
            signature_algorithm: Some(certificate.signature_algorithm().name()),
            emails: crate::rules::address::texts(certificate),
        }
    }

    fn copied(from: &Candidate) -> Self {
        Self {
            sha256: from.sha256.clone(),
            sha1: from.sha1.clone(),
            subject: from.subject.clone(),
            issuer: from.issuer.clone(),
            serial: from.serial.clone(),
            not_before: from.not_before.clone(),
            not_after: from.not_after.clone(),
            key: from.key.clone(),
            signature_algorithm: from.signature_algorithm.clone(),
            emails: from.emails.clone(),
        }
    }
}

/// The earlier of two instants, where there are any.
pub fn earliest(left: Option<UnixTime>, right: Option<UnixTime>) -> Option<UnixTime> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    }
}
