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
        let sha256 = certificate.map(|c| hex(&c.sha256()));
        let about = FindingCertificate {
            sha256: sha256.clone(),
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
        let text = |get: fn(&Certificate<'_>) -> String| certificate.map(get);
        self.candidates.push(Candidate {
            sha256,
            sha1: text(|c| hex(&c.sha1())),
            value_sha256: hex(&draft.value_sha256),
            attribute: draft.value.attribute,
            index: draft.index,
            subject: text(|c| c.subject().to_text()),
            issuer: certificate.map(|c| memory.issuer(c.issuer())),
            serial: text(|c| c.serial_hex()),
            not_before: text(|c| c.not_before().to_rfc3339()),
            not_after: text(|c| c.not_after().to_rfc3339()),
            key: text(|c| c.key().name().into_owned()),
            signature_algorithm: text(|c| c.signature_algorithm().name()),
            encrypts: draft.abilities.encrypt,
            emails: certificate.map(crate::rules::address::texts).unwrap_or_default(),
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

/// The earlier of two instants, where there are any.
pub fn earliest(left: Option<UnixTime>, right: Option<UnixTime>) -> Option<UnixTime> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    }
}
