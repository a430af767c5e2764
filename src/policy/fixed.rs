//! What no policy can soften, and why: the one list.
//!
//! Everything here may be made louder or quieter. What it decides stays: nothing that a person must never
//! get published can be made publishable by a line in a file. Each code that withholds by default is here or
//! may be softened; a test holds the list against the registry.

use super::words::Word;
use crate::bundle::model::Decision;
use crate::rules::Rule;

/// How far a code can be softened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Softening {
    /// Not at all.
    Never,
    /// Not for all, but for a named certificate by an `[[exception]]`.
    ByException,
}

/// A code that a policy cannot make publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The code.
    pub code: &'static str,
    /// How far it goes.
    pub softening: Softening,
    /// Why, as a clause.
    pub reason: &'static str,
}

const NO_PATH: &str = "without a valid path nobody vouches that the address and the key belong together";
const BROKEN_PATH: &str = "the path is proven to be invalid, and what an invalid path says is nobody's word";
const UNREAD: &str = "bytes that nobody could read would be published, and what they hold is not known";
const NOBODY: &str =
    "it is not known whose certificate it is, and a guess could publish it for the wrong person";

const fn never(code: &'static str, reason: &'static str) -> Fixed {
    Fixed { code, softening: Softening::Never, reason }
}

const fn by_exception(code: &'static str, reason: &'static str) -> Fixed {
    Fixed { code, softening: Softening::ByException, reason }
}

/// The list, sorted by code.
pub const FIXED: &[Fixed] = &[
    never("address-conflict", "one person's certificate would be published for another"),
    never("algorithm-not-supported", NO_PATH),
    never("ambiguous-owner", NOBODY),
    never(
        "attribute-incomplete",
        "a set that replaces the tenant's would be built from a part of the values",
    ),
    never("attribute-not-taken", "the key attributes decides it: name the attribute there"),
    never(
        "beyond-value-limit",
        "the key limits.values_per_attribute decides it, and no payload line may be longer",
    ),
    by_exception(
        "ca-certificate",
        "mail would be encrypted to whoever holds a CA's key, and such a value may be planted",
    ),
    never("container-damaged", UNREAD),
    never("duplicate-extension", BROKEN_PATH),
    never("duplicate-value", "values form a set, in which each stands once"),
    never("eku-not-permitted", "the purpose is part of the path; the key usage.purpose names it"),
    never(
        "expired",
        "validity is part of the path, and mail programs do not encrypt to an expired certificate",
    ),
    by_exception("explicit-curve", "a made-up curve lets others compute the private key"),
    never("foreign-address", "mail to one person could be read by another one"),
    never("issuer-key-usage", BROKEN_PATH),
    never("issuer-not-a-ca", BROKEN_PATH),
    never(
        "issuer-not-for-domain",
        "the [[anchor]] that vouches for it was said not to count for this person",
    ),
    never("issuer-not-found", NO_PATH),
    never("key-unusable", "nobody can encrypt to it or check a signature with it"),
    never("key-usage-unsuitable", "the keys of [usage] decide what a certificate must be usable for"),
    never("map-contradicts", NOBODY),
    never("max-depth-exceeded", BROKEN_PATH),
    never("name-constraint-unsupported", NO_PATH),
    never("name-constraint-violated", BROKEN_PATH),
    never("no-declared-owner", NOBODY),
    never("no-directory-object", "there is no object of the directory that is known to be this person's"),
    never("no-recipient-address", "there is no address under which it could be published"),
    never("no-user-certificate", "there is no certificate of the person in it"),
    never("not-der", NO_PATH),
    never("not-for-mail", "the purpose is part of the path; the keys of [usage] say what is for mail"),
    never("not-yet-valid", "validity is part of the path; publish it when its time has come"),
    never("path-budget-exhausted", NO_PATH),
    never("path-expired", BROKEN_PATH),
    never("path-length-exceeded", BROKEN_PATH),
    never("path-not-yet-valid", BROKEN_PATH),
    never("policy-mapping-any", BROKEN_PATH),
    never("policy-required", BROKEN_PATH),
    never("private-key", "a private key is never taken, copied or published"),
    never("readers-disagree", "a mail program may see another address or key in it than was judged"),
    never("revoked", "the CA says that the key must not be trusted any more"),
    by_exception(
        "rsa-key-too-short",
        "mail that is encrypted to it can be read by others; the key limits.rsa_bits_refused_below sets the size",
    ),
    never("signature-algorithm-mismatch", BROKEN_PATH),
    never("signature-invalid", "the certificate was changed or made by somebody else than its issuer"),
    never("signature-md5", "anybody could have made a certificate with this signature"),
    never("stale-shadows-fresh", "an expired certificate would hide the good one"),
    never("superseded", "the keys publish and min_overlap_days decide it"),
    never("trailing-bytes", UNREAD),
    never("unknown-critical-extension", BROKEN_PATH),
    never("unreadable-value", "what cannot be read cannot be judged, and nothing unjudged is published"),
    never(
        "value-too-large",
        "the upload would fail for the whole person; the key limits.value_bytes may only be lower",
    ),
    never("version-mismatch", NO_PATH),
];

/// Why a code cannot be softened, where that is so.
#[must_use]
pub fn fixed(code: &str) -> Option<&'static Fixed> {
    FIXED.binary_search_by_key(&code, |fixed| fixed.code).ok().and_then(|at| FIXED.get(at))
}

/// Why an `[[exception]]` for this code is refused and what to do, where that is so.
pub fn against_exception(rule: &Rule) -> Option<(String, &'static str)> {
    match fixed(rule.code) {
        Some(Fixed { softening: Softening::Never, reason, .. }) => Some((
            format!("{} cannot be softened, by no exception either: {reason}", rule.code),
            "take the code out; certferry explain says how to mend what it found",
        )),
        _ if rule.decision.is_none() => Some((
            format!("{} decides about no certificate, so there is nothing to except", rule.code),
            "take the code out; its severity is set under [codes]",
        )),
        _ => None,
    }
}

/// Why `decision` of a code cannot be what a file says and what to do, where that is so.
pub fn against_decision(rule: &Rule, decision: Decision) -> Option<(String, String)> {
    let default = rule.decision.map(Word::word).unwrap_or_default();
    let keep = || match rule.decision {
        None => "take decision out; the code has a severity only".to_owned(),
        Some(_) => format!("take decision out, or write decision = \"{default}\""),
    };
    match (rule.decision, fixed(rule.code)) {
        (Some(Decision::Publish), _) => None,
        (Some(Decision::Withhold), _) if decision == Decision::Withhold => None,
        (_, Some(Fixed { softening: Softening::Never, reason, .. })) if decision == Decision::Publish => {
            Some((format!("{} cannot be softened: {reason}", rule.code), keep()))
        }
        (_, Some(Fixed { softening: Softening::ByException, reason, .. })) => Some((
            format!("{} cannot be softened for everybody: {reason}", rule.code),
            format!("{}; a single certificate can be accepted by an [[exception]]", keep()),
        )),
        (None, _) => Some((format!("{} decides about no certificate", rule.code), keep())),
        (Some(Decision::Withhold), _) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::path::{Effect, PathCode};
    use crate::rules;

    /// What withholds by default and may be softened for everybody: who does it accepts that mail programs
    /// compare addresses otherwise, or read a value in another form.
    const SOFT: &[&str] = &["no-email-address", "no-email-match", "value-form"];

    #[test]
    fn the_list_is_whole() {
        assert!(FIXED.is_sorted_by_key(|fixed| fixed.code));
        for fixed in FIXED {
            assert!(rules::find(fixed.code).is_some(), "{} is no code", fixed.code);
            assert!(!SOFT.contains(&fixed.code));
            let own = fixed.reason.chars().next().unwrap().is_lowercase() && !fixed.reason.ends_with('.');
            assert!(own, "{}: the reason is a clause", fixed.code);
        }
        for rule in rules::registry() {
            let withholds = rule.decision == Some(Decision::Withhold);
            assert!(
                !withholds || fixed(rule.code).is_some() || SOFT.contains(&rule.code),
                "{} withholds and nobody said whether it can be softened",
                rule.code
            );
        }
        for code in PathCode::ALL {
            // What the engine calls a defect of the path, and no other family may publish.
            let broken = matches!(code.effect, Effect::Invalid | Effect::NotVerified);
            let default = rules::find(code.code.as_str()).unwrap().decision;
            if broken && default == Some(Decision::Withhold) {
                let fixed = fixed(code.code.as_str()).map(|fixed| fixed.softening);
                assert_eq!(fixed, Some(Softening::Never), "{}", code.code.as_str());
            }
        }
    }

    #[test]
    fn stricter_is_allowed_and_softer_is_told_why() {
        let against = |code: &str, decision| against_decision(rules::find(code).unwrap(), decision);
        for code in ["signature-sha1", "expired", "no-email-match"] {
            assert_eq!(against(code, Decision::Withhold), None, "{code}");
        }
        assert_eq!(against("no-email-match", Decision::Publish), None);
        let said = against("revoked", Decision::Publish).unwrap();
        assert!(said.0.contains("the CA says") && said.1.contains("withhold"), "{said:?}");
        assert!(against("ca-certificate", Decision::Publish).unwrap().1.contains("[[exception]]"));
        assert!(against("unreadable-value", Decision::Publish).unwrap().0.contains("cannot be read"));
        assert!(against("no-colon", Decision::Withhold).unwrap().0.contains("no certificate"));
        assert!(against("private-key", Decision::Withhold).unwrap().1.contains("severity only"));
        let except = |code: &str| against_exception(rules::find(code).unwrap());
        assert!(except("expired").is_some() && except("object-united").is_some());
        assert!(except("ca-certificate").is_none() && except("shared-key").is_none());
    }
}
