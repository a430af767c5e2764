//! Findings of the path engine, as rules. Codes, meanings and effects are the engine's own; a code
//! that another family has too (a duplicate extension is one wherever it is found) is one rule.

use std::rc::Rc;
use std::sync::LazyLock;

use super::policy::ISSUER_NOT_FOR_DOMAIN;
use super::{Finding, Rule, find, key, structure};
use crate::bundle::model::{Decision, Severity, Verdict};
use crate::path::finding::{self as engine, PathCode, PathFinding};
use crate::path::{Engine, Outcome};
use crate::policy::InForce;

static ALL: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let known = |code: &str| {
        structure::rules().iter().any(|rule| rule.code == code)
            || key::RULES.iter().any(|rule| rule.code == code)
    };
    PathCode::ALL
        .iter()
        .filter(|info| !known(info.code.as_str()))
        .map(|info| Rule {
            code: info.code.as_str(),
            severity: match info.severity {
                engine::Severity::Error => Severity::Error,
                engine::Severity::Warning => Severity::Warning,
                engine::Severity::Info => Severity::Info,
            },
            decision: Some(match info.effect {
                engine::Effect::Tell | engine::Effect::NotVerifiedWhenHard => Decision::Publish,
                engine::Effect::NotVerified | engine::Effect::Invalid => Decision::Withhold,
            }),
            citation: info.citation,
            title: title(info.code),
            means: info.meaning,
            matters: info.why,
            mend: info.mend,
        })
        .collect()
});

/// All rules of the family.
pub fn rules() -> &'static [Rule] {
    &ALL
}

/// A finding of the engine. `hard` says that revocation counts hard.
#[must_use]
pub fn finding(found: &PathFinding, hard: bool) -> Finding {
    let whose = match found.depth {
        0 => String::new(),
        1 => ", here its issuer".to_owned(),
        depth => format!(", here {depth} steps above the certificate"),
    };
    // Every code of the engine is registered, here or in the family that has it too.
    let rule = find(found.code.as_str()).unwrap_or(&super::run::NO_TRUST_ANCHORS);
    let mut finding = Finding::new(
        rule,
        match found.code {
            // Whole clauses; otherwise the engine names the thing, and the rule what is wrong with it.
            PathCode::BadSignature | PathCode::Revoked => format!("{}{whose}", found.found),
            _ => format!("{}{whose}: {}", rule.clause(), found.found),
        },
        format!("{} ({})", found.required, found.section),
    );
    let withholds = match found.code.effect() {
        engine::Effect::Tell => false,
        engine::Effect::NotVerifiedWhenHard => hard,
        engine::Effect::NotVerified | engine::Effect::Invalid => true,
    };
    finding.decision = Some(if withholds { Decision::Withhold } else { Decision::Publish });
    finding
}

/// Adds the engine's findings to what was found before. What is wrong with the certificate by itself
/// was said already; the path may be stricter about it.
pub fn merge(found: &[PathFinding], hard: bool, findings: &mut Vec<Finding>) {
    for path_finding in found {
        let new = finding(path_finding, hard);
        let known = findings.iter_mut().find(|known| known.rule == new.rule);
        match known.filter(|_| path_finding.depth == 0) {
            Some(known) if new.withholds() => known.decision = new.decision,
            Some(_) => {}
            None => findings.push(new),
        }
    }
}

/// The path by an anchor that counts: `outcome` where it ends at one, else what `again` finds by those that
/// count. Where only another anchor vouches, that is returned with the outcome: it must not be accepted.
pub fn paired(
    outcome: Rc<Outcome>,
    policy: &InForce,
    counts: &dyn Fn(&[u8; 32]) -> bool,
    again: impl FnOnce() -> Outcome,
) -> (Rc<Outcome>, Option<[u8; 32]>) {
    let Some(anchor) = outcome.chain.last().copied() else { return (outcome, None) };
    if !policy.pairs() || outcome.verdict != engine::Verdict::Valid || counts(&anchor) {
        return (outcome, None);
    }
    let inside = again();
    if inside.verdict == engine::Verdict::Valid { (Rc::new(inside), None) } else { (outcome, Some(anchor)) }
}

/// A path that is valid below an anchor that does not count for `whom` (domain, and kind where known).
#[must_use]
pub fn not_for_domain(engine: &Engine<'_>, anchor: &[u8; 32], policy: &InForce, whom: &str) -> Finding {
    let name = engine.certificate(anchor).map(|anchor| anchor.subject().to_string()).unwrap_or_default();
    Finding::new(
        &ISSUER_NOT_FOR_DOMAIN,
        format!("the path is valid below {name}, which does not count for this person ({whom})"),
        format!("an anchor that counts; this one counts for {}", policy.whom(anchor)),
    )
}

/// The engine's verdict as the manifest has it.
#[must_use]
pub fn verdict(verdict: engine::Verdict) -> Verdict {
    match verdict {
        engine::Verdict::Valid => Verdict::Valid,
        engine::Verdict::Invalid => Verdict::Invalid,
        engine::Verdict::NotVerified => Verdict::NotVerified,
        engine::Verdict::NotChecked => Verdict::NotChecked,
    }
}

/// A few words for lists; the engine has whole sentences.
fn title(code: PathCode) -> &'static str {
    match code.as_str() {
        "issuer-not-found" => "No path to a trust anchor was found",
        "signature-invalid" => "A signature of the path does not verify",
        "algorithm-not-supported" => "A signature of the path cannot be verified here",
        "path-expired" => "A certificate of the path has expired",
        "path-not-yet-valid" => "A certificate of the path is not valid yet",
        "anchor-expired" => "The trust anchor is outside its validity",
        "issuer-not-a-ca" => "An issuer in the path is no CA",
        "path-length-exceeded" => "The path is longer than a CA allows",
        "max-depth-exceeded" => "The path is longer than was asked for",
        "issuer-key-usage" => "An issuer's key must not sign certificates",
        "eku-not-permitted" => "A certificate of the path is not for this purpose",
        "name-constraint-violated" => "A CA must not issue for this name",
        "name-constraint-unsupported" => "A name constraint cannot be checked",
        "policy-required" => "A required policy is missing",
        "policy-mapping-any" => "A policy mapping uses anyPolicy",
        "path-budget-exhausted" => "The search for a path was given up",
        "key-identifier-mismatch" => "Key identifiers in the path do not fit",
        "issuer-defects" => "A CA certificate of the path has defects",
        "revoked" => "The certificate is revoked",
        "crl-missing" => "No CRL covers the certificate",
        "crl-stale" => "The CRL is not current",
        "crl-unverifiable" => "The CRL cannot be verified",
        "crl-no-next-update" => "The CRL does not say when the next one comes",
        "crl-defect" => "The CRL has a defect",
        _ => "Something about the path",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_engine_is_registered_with_a_title() {
        for info in PathCode::ALL {
            assert!(find(info.code.as_str()).is_some(), "{} is missing", info.code.as_str());
            let own = ALL.iter().any(|rule| rule.code == info.code.as_str());
            assert!(!own || title(info.code) != "Something about the path", "{}", info.code.as_str());
        }
    }
}
