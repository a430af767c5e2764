//! Rules about the validity period (RFC 5280 section 4.1.2.5).

use super::usage::is_for_mail;
use super::{Finding, Rule};
use crate::bundle::model::{Decision, Severity};
use crate::certificate::Certificate;
use crate::certificate::UnixTime;
use crate::limits::DAY;
use crate::policy::Policy;

/// The period has ended.
pub static EXPIRED: Rule = Rule {
    code: "expired",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "RFC 5280 section 4.1.2.5; RFC 8550 section 4",
    title: "The certificate has expired",
    means: "The last moment of the certificate's validity period lies before the instant it was judged at.",
    matters: "Mail programs refuse to encrypt to an expired certificate, and some take it in place of a newer one that is published beside it.",
    mend: "Issue a new certificate for the person, publish it in the directory and delete the old value there; where a newer one is published already, nothing is needed for this bundle.",
};

/// The period has not begun.
pub static NOT_YET_VALID: Rule = Rule {
    code: "not-yet-valid",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "RFC 5280 section 4.1.2.5",
    title: "The certificate is not valid yet",
    means: "The first moment of the certificate's validity period lies after the instant it was judged at.",
    matters: "Mail programs refuse a certificate whose time has not come, and the person may not hold its key yet.",
    mend: "Make the next bundle after the certificate's start; if the date looks wrong, check the clock of the issuing CA.",
};

/// The period ends soon.
pub static EXPIRES_SOON: Rule = Rule {
    code: "expires-soon",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 5280 section 4.1.2.5",
    title: "The certificate ends soon",
    means: "The certificate is valid, but it ends within the number of days that the policy warns about.",
    matters: "When it ends before the next bundle is uploaded, nobody can send this person encrypted mail.",
    mend: "Renew it now and make the next bundle before the date named.",
};

/// The period is long.
pub static VALIDITY_TOO_LONG: Rule = Rule {
    code: "validity-too-long",
    severity: Severity::Info,
    decision: Some(Decision::Publish),
    citation: "CA/Browser Forum, S/MIME Baseline Requirements section 6.3.2",
    title: "The certificate is valid for very long",
    means: "From its first to its last moment the certificate is valid for more days than the policy expects: 1185, the longest that public CAs may issue.",
    matters: "Until it ends, it stays good whatever happens to the person's name, address or post, unless somebody revokes it.",
    mend: "Nothing is needed where the CA does so on purpose. To refuse such certificates, give this code the decision withhold in the policy.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[&EXPIRED, &NOT_YET_VALID, &EXPIRES_SOON, &VALIDITY_TOO_LONG];

/// Judges the period at `at`; its first and last moment count (RFC 5280 section 4.1.2.5).
pub fn check(certificate: &Certificate<'_>, at: UnixTime, policy: &Policy, findings: &mut Vec<Finding>) {
    let limits = &policy.limits;
    let (begins, ends) = (certificate.not_before(), certificate.not_after());
    let days = ends.0.saturating_sub(at.0) / DAY;
    if at > ends {
        findings.push(Finding::new(
            &EXPIRED,
            format!("the certificate expired on {ends}"),
            format!("validity at {at}"),
        ));
    } else if at < begins {
        findings.push(Finding::new(
            &NOT_YET_VALID,
            format!("the certificate becomes valid only on {begins}"),
            format!("validity at {at}"),
        ));
    } else if days < limits.warn_days {
        findings.push(Finding::new(
            &EXPIRES_SOON,
            match days {
                0 => format!("the certificate ends on {ends}, in less than a day"),
                1 => format!("the certificate ends on {ends}, in 1 day"),
                _ => format!("the certificate ends on {ends}, in {days} days"),
            },
            format!("at least {} days left", limits.warn_days),
        ));
    }
    let period = ends.0.saturating_sub(begins.0);
    // Self-signed certificates for file encryption are valid for a hundred years, and nobody minds.
    if period > limits.max_validity_days.saturating_mul(DAY) && is_for_mail(certificate, &policy.usage) {
        findings.push(Finding::new(
            &VALIDITY_TOO_LONG,
            format!("the certificate is valid for {} days", period / DAY),
            format!("at most {} days", limits.max_validity_days),
        ));
    }
}
