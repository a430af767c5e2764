//! A policy in force at an instant: the one place where severities, decisions and accepted exceptions act on
//! findings.
//!
//! A finding is made with what its rule says, or stricter where the run makes it so. It is *settled* once: the
//! policy's severity and decision are put in, and an exception may accept it. What the policy changed stands
//! in the finding's message, and what was used is remembered for the end of the run. Settling allocates
//! nothing where the policy has nothing to say.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use super::exceptions::serial_key;
use super::words::Word;
use super::{Exception, Override, Policy, Whose};
use crate::bundle::model::{Decision, RecipientKind, Severity, TrustAnchor};
use crate::certificate::{Certificate, UnixTime};
use crate::encoding::hex;
use crate::rules::{self, Finding, Rule, Ruling, policy as policy_rules};

/// See the module. Shared between threads by reference.
#[derive(Debug)]
pub struct InForce {
    policy: Policy,
    /// For each rule of the registry its override, where there is one that applies.
    codes: Vec<Option<Applied>>,
    any_code: bool,
    exceptions: Vec<AtomicBool>,
    by_sha256: HashMap<[u8; 32], Vec<usize>>,
    by_serial: HashMap<Vec<u8>, Vec<usize>>,
    /// Codes that an exception in force accepts somewhere.
    accepted: HashSet<&'static str>,
    ended: Vec<Finding>,
}

#[derive(Debug)]
struct Applied {
    change: Override,
    used: AtomicBool,
}

impl InForce {
    /// A policy as it applies at `at`: what has ended before does not.
    #[must_use]
    pub fn new(policy: Policy, at: UnixTime) -> Self {
        let mut force = Self {
            codes: rules::registry().iter().map(|_| None).collect(),
            any_code: false,
            exceptions: policy.exceptions.iter().map(|_| AtomicBool::new(false)).collect(),
            by_sha256: HashMap::new(),
            by_serial: HashMap::new(),
            accepted: HashSet::new(),
            ended: Vec::new(),
            policy,
        };
        for (code, change) in &force.policy.codes {
            if let Some(until) = change.until.as_ref().filter(|until| until.is_over(at)) {
                let what = format!("the change of {code} in the policy");
                force.ended.push(ended(&what, until.day()));
            } else if let Some(slot) = rules::position(code).and_then(|at| force.codes.get_mut(at)) {
                *slot = Some(Applied { change: change.clone(), used: AtomicBool::new(false) });
                force.any_code = true;
            }
        }
        for (index, exception) in force.policy.exceptions.iter().enumerate() {
            if exception.until.is_over(at) {
                force.ended.push(ended(&name(exception, index), exception.until.day()));
                continue;
            }
            force.accepted.extend(&exception.codes);
            match &exception.whose {
                Whose::Sha256(sha256) => force.by_sha256.entry(*sha256).or_default().push(index),
                Whose::Serial { serial, .. } => {
                    force.by_serial.entry(serial.clone()).or_default().push(index);
                }
            }
        }
        force
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether a change or an exception in force is about a code: then it matters that it is found, also where
    /// something else decides.
    #[must_use]
    pub fn names(&self, rule: &Rule) -> bool {
        self.applied(rule).is_some() || self.accepted.contains(&rule.code)
    }

    /// What a code decides here, before a run makes it stricter.
    #[must_use]
    pub fn decision(&self, rule: &Rule) -> Option<Decision> {
        self.applied(rule).and_then(|applied| applied.change.decision).or(rule.decision)
    }

    fn applied(&self, rule: &Rule) -> Option<&Applied> {
        if !self.any_code {
            return None;
        }
        rules::position(rule.code).and_then(|at| self.codes.get(at))?.as_ref()
    }

    /// Gives a finding the severity and the decision that the policy has for its code.
    pub fn settle(&self, finding: &mut Finding) {
        if std::mem::replace(&mut finding.settled, true) {
            return;
        }
        let Some(applied) = self.applied(finding.rule) else { return };
        applied.used.store(true, Ordering::Relaxed);
        let mut said = Vec::new();
        let mut softens = false;
        // What the context has lowered already is normal here.
        if let Some(severity) = applied.change.severity
            && finding.severity == finding.rule.severity
        {
            finding.severity = severity;
            let article = if severity == Severity::Warning { "a" } else { "an" };
            said.push(format!("makes it {article} {}", severity.word()));
        }
        match applied.change.decision {
            Some(Decision::Withhold) if finding.decision == Some(Decision::Publish) => {
                finding.decision = Some(Decision::Withhold);
                said.push("withholds it".to_owned());
            }
            // Where the run is stricter than the rule, the policy does not undo that.
            Some(Decision::Publish) if finding.decision == finding.rule.decision => {
                finding.decision = Some(Decision::Publish);
                softens = true;
                said.push("publishes it all the same".to_owned());
            }
            _ => {}
        }
        if !said.is_empty() {
            let mut clause = format!("the policy {}", said.join(" and "));
            if let Some(reason) = &applied.change.reason {
                clause.push_str(": ");
                clause.push_str(reason.trim_end_matches('.'));
            }
            finding.ruling = Some(Box::new(Ruling { clause, softens }));
        }
    }

    /// [`InForce::settle`] for every finding of a candidate, and what exceptions accept at its certificate.
    pub fn settle_candidate(&self, findings: &mut Vec<Finding>, certificate: Option<&Certificate<'_>>) {
        let fresh = |finding: &Finding| !finding.settled;
        if !self.any_code && self.exceptions.is_empty() {
            findings.iter_mut().for_each(|finding| finding.settled = true);
            return;
        }
        if !findings.iter().any(fresh) {
            return;
        }
        let accepting = certificate.map(|certificate| self.accepting(certificate)).unwrap_or_default();
        let mut used = Vec::new();
        for finding in findings.iter_mut().filter(|finding| fresh(finding)) {
            self.settle(finding);
            let matching = accepting.iter().copied().find(|index| {
                let exception = self.policy.exceptions.get(*index);
                exception.is_some_and(|exception| exception.codes.contains(&finding.rule.code))
            });
            if let Some(index) = matching {
                used.extend(self.accept(index, finding));
            }
        }
        used.iter_mut().for_each(|finding| self.settle(finding));
        findings.append(&mut used);
    }

    /// Indices of the exceptions about a certificate.
    fn accepting(&self, certificate: &Certificate<'_>) -> Vec<usize> {
        if self.by_sha256.is_empty() && self.by_serial.is_empty() {
            return Vec::new();
        }
        let sha256 = certificate.sha256();
        let of_serial = self.by_serial.get(serial_key(certificate.serial()));
        let all = self.by_sha256.get(&sha256).into_iter().chain(of_serial).flatten();
        let about = |index: &&usize| {
            self.policy
                .exceptions
                .get(**index)
                .is_some_and(|exception| exception.is_about(certificate, &sha256))
        };
        let mut found: Vec<usize> = all.filter(about).copied().collect();
        found.sort_unstable();
        found
    }

    /// Accepts a finding by an exception, and tells that it was used.
    fn accept(&self, index: usize, finding: &mut Finding) -> Option<Finding> {
        let exception = self.policy.exceptions.get(index)?;
        if let Some(used) = self.exceptions.get(index) {
            used.store(true, Ordering::Relaxed);
        }
        let softens = finding.withholds();
        finding.severity = Severity::Info;
        finding.decision = finding.decision.map(|_| Decision::Publish);
        let clause = format!("accepted by {} until {}", exception.approver, exception.until.day());
        finding.ruling = Some(Box::new(Ruling { clause, softens }));
        let mut told = Finding::new(
            &policy_rules::EXCEPTION_USED,
            format!(
                "{} accepts {} at this certificate until {}: {}",
                exception.approver,
                finding.rule.code,
                exception.until.day(),
                exception.reason.trim_end_matches('.')
            ),
            match &*finding.required {
                "" => "nothing like it after that day".to_owned(),
                required => format!("{required}, after that day"),
            },
        );
        if !softens {
            told.severity = Severity::Info;
        }
        Some(told)
    }

    /// Whether the policy pairs anchors with recipients at all.
    #[must_use]
    pub fn pairs(&self) -> bool {
        !self.policy.anchors.is_empty()
    }

    /// Whether an anchor counts for a recipient with an address in this domain. One without an entry counts
    /// for everybody.
    #[must_use]
    pub fn counts(&self, anchor: &[u8; 32], domain: Option<&str>, kind: Option<RecipientKind>) -> bool {
        let entry = self.policy.anchors.iter().find(|pairing| pairing.sha256 == *anchor);
        entry.is_none_or(|pairing| pairing.counts(domain, kind))
    }

    /// For whom an anchor counts, in words.
    #[must_use]
    pub fn whom(&self, anchor: &[u8; 32]) -> String {
        let entry = self.policy.anchors.iter().find(|pairing| pairing.sha256 == *anchor);
        entry.map_or_else(|| "everybody".to_owned(), super::Pairing::whom)
    }

    /// What is known of the policy before anything is judged: what has ended, and which anchors count for
    /// everybody or are not there.
    #[must_use]
    pub fn beginning(&self, anchors: &[TrustAnchor]) -> Vec<Finding> {
        let mut found = self.ended.clone();
        let entry = |anchor: &TrustAnchor| {
            self.policy.anchors.iter().any(|pairing| hex(&pairing.sha256) == anchor.sha256)
        };
        let unpaired: Vec<&str> =
            anchors.iter().filter(|anchor| !entry(anchor)).map(|anchor| anchor.subject.as_str()).collect();
        if !unpaired.is_empty() && anchors.len() > 1 {
            const NAMED: usize = 3;
            let mut names = unpaired.iter().take(NAMED).copied().collect::<Vec<_>>().join("; ");
            if unpaired.len() > NAMED {
                names.push_str(&format!("; and {} more", unpaired.len() - NAMED));
            }
            found.push(Finding::new(
                &policy_rules::ANCHORS_NOT_PAIRED,
                format!("{} of {} trust anchors count for everybody: {names}", unpaired.len(), anchors.len()),
                "an [[anchor]] entry in the policy for each of them",
            ));
        }
        // Without any anchor nothing was verified, which is said already.
        for (pairing, number) in self.policy.anchors.iter().zip(1..).filter(|_| !anchors.is_empty()) {
            let sha256 = hex(&pairing.sha256);
            if !anchors.iter().any(|anchor| anchor.sha256 == sha256) {
                found.push(unused(&format!("[[anchor]] {number} ({sha256})"), "a certificate under --trust"));
            }
        }
        found
    }

    /// What came up nowhere in the run.
    #[must_use]
    pub fn end(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for (applied, rule) in self.codes.iter().zip(rules::registry()) {
            if applied.as_ref().is_some_and(|applied| !applied.used.load(Ordering::Relaxed)) {
                let mut finding =
                    unused(&format!("the change of {} in the policy", rule.code), "a finding of this code");
                // That nothing was found is normal.
                finding.severity = Severity::Info;
                found.push(finding);
            }
        }
        for (index, exception) in self.policy.exceptions.iter().enumerate() {
            let applies = match &exception.whose {
                Whose::Sha256(sha256) => self.by_sha256.get(sha256),
                Whose::Serial { serial, .. } => self.by_serial.get(serial),
            };
            let applies = applies.is_some_and(|indices| indices.contains(&index));
            let used = self.exceptions.get(index).is_some_and(|used| used.load(Ordering::Relaxed));
            if applies && !used {
                let what = format!("{} at {}", name(exception, index), exception.whose);
                found.push(unused(&what, "such a finding at this certificate"));
            }
        }
        found
    }
}

/// An exception as it is named in messages.
fn name(exception: &Exception, index: usize) -> String {
    format!("[[exception]] {} by {} for {}", index + 1, exception.approver, exception.codes.join(", "))
}

fn ended(what: &str, day: &str) -> Finding {
    Finding::new(
        &policy_rules::POLICY_ENTRY_ENDED,
        format!("{what} ended on {day} and does not apply"),
        "a last day that has not passed",
    )
}

fn unused(what: &str, required: &'static str) -> Finding {
    Finding::new(&policy_rules::POLICY_ENTRY_UNUSED, format!("{what} matched nothing"), required)
}
