//! Why a decision changed.
//!
//! The finding that is the reason on the withheld side decides. What its code depends on is known by its family:
//! the clock, the trust material, or what stands beside the value. A code whose decision differs between the two
//! policies changed by the policy. What depends on the bytes of the certificate alone cannot change by itself: then
//! the policy's limits differ, or the release does.

use std::collections::BTreeMap;

use super::model::Cause;
use super::person::Value;
use super::policy;
use crate::bundle::manifest::Frame;
use crate::bundle::model::Decision;
use crate::path::PathCode;
use crate::rules::{self, Rule};

/// What is the same for every value.
pub struct Context<'f> {
    old: &'f Frame,
    new: &'f Frame,
    old_policy: BTreeMap<String, String>,
    new_policy: BTreeMap<String, String>,
}

impl<'f> Context<'f> {
    /// Of two bundles and the texts of their policies.
    #[must_use]
    pub fn of(old: &'f Frame, new: &'f Frame, old_policy: &str, new_policy: &str) -> Self {
        let flat = |text: &str| policy::flat(text).unwrap_or_default();
        Self { old, new, old_policy: flat(old_policy), new_policy: flat(new_policy) }
    }

    fn decides_otherwise(&self, code: &str) -> bool {
        let key = format!("codes.{code}.decision");
        self.old_policy.get(&key) != self.new_policy.get(&key)
    }

    /// Whether anything but the codes differs.
    fn keys_differ(&self) -> bool {
        let rest = |policy: &BTreeMap<String, String>| {
            policy
                .iter()
                .filter(|(key, _)| !key.starts_with("codes."))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect::<Vec<_>>()
        };
        rest(&self.old_policy) != rest(&self.new_policy)
    }
}

/// What a code depends on; `None` for one that the certificate alone decides.
fn depends_on(code: &str) -> Option<Cause> {
    let of = |family: &[&Rule]| family.iter().any(|rule| rule.code == code);
    let is = |rules: &[&Rule]| of(rules);
    let clock = [PathCode::Expired, PathCode::NotYetValid, PathCode::AnchorExpired, PathCode::CrlStale];
    // A stale value in front of a fresh one is stale because it has expired.
    let stale = is(&[&rules::recipient::STALE_SHADOWS_FRESH]);
    if stale || of(rules::validity::RULES) || clock.iter().any(|path| path.as_str() == code) {
        Some(Cause::Time)
    } else if rules::path::rules().iter().any(|rule| rule.code == code)
        || is(&[&rules::policy::ISSUER_NOT_FOR_DOMAIN])
    {
        Some(Cause::TrustMaterial)
    } else if of(rules::recipient::RULES)
        || of(rules::value::RULES)
        || of(rules::address::RULES)
        || is(&[&rules::policy::SUPERSEDED])
    {
        Some(Cause::Input)
    } else if of(rules::policy::RULES) {
        Some(Cause::Rule)
    } else {
        None
    }
}

/// Codes whose finding depends on keys of the policy besides their own decision.
fn has_keys(code: &str) -> bool {
    let keyed = [
        &rules::value::BEYOND_VALUE_LIMIT,
        &rules::value::VALUE_TOO_LARGE,
        &rules::policy::SUPERSEDED,
        &rules::policy::ISSUER_NOT_FOR_DOMAIN,
        &rules::address::ALIAS_ONLY,
    ];
    keyed.iter().any(|rule| rule.code == code)
}

/// Why a value changed between the two bundles, and the code that says so.
#[must_use]
pub fn cause_of(old: Option<&Value>, new: Option<&Value>, context: &Context<'_>) -> (Cause, Vec<String>) {
    let (Some(old), Some(new)) = (old, new) else { return (Cause::Input, Vec::new()) };
    let withheld = if new.decision == Decision::Withhold { new } else { old };
    let published = if new.decision == Decision::Withhold { old } else { new };
    let Some(code) = &withheld.because else {
        // Withheld without a finding: nothing was trusted, or nothing could be verified.
        return (Cause::TrustMaterial, Vec::new());
    };
    let cause = if context.decides_otherwise(code) {
        Cause::Rule
    } else if let Some(cause) = depends_on(code) {
        // The same finding withheld in one run and not in the other: an exception, or how strictly it counts.
        let keyed = published.codes.contains(code) || has_keys(code);
        match cause {
            _ if keyed && context.keys_differ() => Cause::Rule,
            _ if published.codes.contains(code) => Cause::TrustMaterial,
            cause => cause,
        }
    } else if context.keys_differ() {
        Cause::Rule
    } else if context.old.tool != context.new.tool {
        Cause::Release
    } else {
        Cause::Input
    };
    (cause, vec![code.clone()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_withholds_has_a_cause_of_its_own_or_none() {
        for (code, cause) in [
            ("expired", Some(Cause::Time)),
            ("path-expired", Some(Cause::Time)),
            ("stale-shadows-fresh", Some(Cause::Time)),
            ("crl-stale", Some(Cause::Time)),
            ("revoked", Some(Cause::TrustMaterial)),
            ("issuer-not-found", Some(Cause::TrustMaterial)),
            ("address-conflict", Some(Cause::Input)),
            ("attribute-incomplete", Some(Cause::Input)),
            ("no-email-match", Some(Cause::Input)),
            ("superseded", Some(Cause::Input)),
            ("issuer-not-for-domain", Some(Cause::TrustMaterial)),
            ("attribute-not-taken", Some(Cause::Rule)),
            ("not-for-mail", None),
            ("rsa-key-too-short", None),
        ] {
            assert_eq!(depends_on(code), cause, "{code}");
        }
    }
}
