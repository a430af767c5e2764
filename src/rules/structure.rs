//! Rules about how a certificate is encoded (RFC 5280 section 4, X.690): the defects that the parser
//! finds in a certificate by itself, with what they mean for publication.

use std::sync::LazyLock;

use super::{Finding, Rule};
use crate::bundle::model::{Decision, Severity};
use crate::certificate::{Certificate, DefectCode};

type Row = (DefectCode, Severity, Decision, &'static str, &'static str, &'static str);

/// Severity, decision, title, citation, and why it matters. What a defect means stands with its code.
const TABLE: &[Row] = &[
    (
        DefectCode::PaddedBits,
        Severity::Info,
        Decision::Publish,
        "The key usage is written with needless zeros",
        "X.690 section 11.2.2",
        "Everybody reads it alike; only the strictest programs mind.",
    ),
    (
        DefectCode::AlgorithmMismatch,
        Severity::Error,
        Decision::Withhold,
        "Inner and outer signature algorithm differ",
        "RFC 5280 section 4.1.1.2",
        "It is a sign of tampering, and programs must refuse such a certificate.",
    ),
    (
        DefectCode::VersionMismatch,
        Severity::Warning,
        Decision::Withhold,
        "The version does not fit the content",
        "RFC 5280 section 4.1.2.1",
        "Strict programs refuse it.",
    ),
    (
        DefectCode::SerialNotPositive,
        Severity::Warning,
        Decision::Publish,
        "The serial number is zero or negative",
        "RFC 5280 section 4.1.2.2",
        "Strict programs refuse it, and it may be hard to revoke.",
    ),
    (
        DefectCode::SerialTooLong,
        Severity::Warning,
        Decision::Publish,
        "The serial number is longer than 20 bytes",
        "RFC 5280 section 4.1.2.2",
        "Strict programs refuse it, and it may be hard to revoke.",
    ),
    (
        DefectCode::NotDer,
        Severity::Warning,
        Decision::Withhold,
        "The certificate is not strictly DER",
        "X.690 section 10; RFC 5280 section 4.1",
        "Strict programs refuse the certificate, or see another one than lenient programs do.",
    ),
    (
        DefectCode::TimeForm,
        Severity::Warning,
        Decision::Publish,
        "The validity period is not written as it should be",
        "RFC 5280 section 4.1.2.5",
        "Strict programs refuse the certificate or read another date.",
    ),
    (
        DefectCode::DuplicateExtension,
        Severity::Error,
        Decision::Withhold,
        "An extension stands there twice",
        "RFC 5280 section 4.2",
        "Programs differ in which one they take, so one may see another address or purpose than certferry.",
    ),
    (
        DefectCode::UnknownCriticalExtension,
        Severity::Error,
        Decision::Withhold,
        "A critical extension is not known",
        "RFC 5280 section 4.2",
        "Programs must refuse a certificate with a critical extension that they do not process.",
    ),
    (
        DefectCode::EmptyIssuer,
        Severity::Warning,
        Decision::Publish,
        "The issuer is empty",
        "RFC 5280 section 4.1.2.4",
        "Strict programs refuse it, and nobody can tell who issued it.",
    ),
    (
        DefectCode::EmptySubject,
        Severity::Warning,
        Decision::Publish,
        "The subject is empty",
        "RFC 5280 section 4.1.2.6",
        "Strict programs refuse it unless a critical alternative name stands in for the subject.",
    ),
    (
        DefectCode::EmptyExtension,
        Severity::Warning,
        Decision::Publish,
        "An extension says nothing",
        "RFC 5280 section 4.2.1",
        "Programs differ in what they make of an extension without content.",
    ),
    (
        DefectCode::UndecodableExtension,
        Severity::Warning,
        Decision::Publish,
        "An extension cannot be decoded",
        "RFC 5280 section 4.2",
        "What it says is unknown. Where use, address or path depend on it, the certificate is withheld for that.",
    ),
    (
        DefectCode::Criticality,
        Severity::Info,
        Decision::Publish,
        "An extension is critical that must not be, or the reverse",
        "RFC 5280 section 4.2.1",
        "Most programs do not mind; strict ones refuse the certificate.",
    ),
    (
        DefectCode::Misplaced,
        Severity::Info,
        Decision::Publish,
        "An extension stands in a certificate of the wrong kind",
        "RFC 5280 section 4.2.1",
        "Most programs do not mind; strict ones refuse the certificate.",
    ),
    (
        DefectCode::MalformedName,
        Severity::Warning,
        Decision::Publish,
        "A name is not written as its form demands",
        "RFC 5280 section 4.2.1.6",
        "Programs may fail to compare the name, and then find no certificate for the person.",
    ),
    (
        DefectCode::MalformedKey,
        Severity::Warning,
        Decision::Publish,
        "The public key is not written as its algorithm demands",
        "RFC 5280 section 4.1.2.7; RFC 3279; RFC 5480",
        "Some programs cannot use the key.",
    ),
    (
        DefectCode::TrailingBytes,
        Severity::Warning,
        Decision::Withhold,
        "Bytes stand behind an end",
        "X.690 section 10; RFC 4523 section 2.1",
        "The value is not the certificate alone: programs differ in what they make of it, and anything could travel in the rest.",
    ),
    (
        DefectCode::KeyIdentifier,
        Severity::Info,
        Decision::Publish,
        "A key identifier is missing or incomplete",
        "RFC 5280 sections 4.2.1.1 and 4.2.1.2",
        "Programs find the issuer more slowly, or not where several keys have one name.",
    ),
    (
        DefectCode::MalformedPolicy,
        Severity::Info,
        Decision::Publish,
        "Policies are not as they must be",
        "RFC 5280 section 4.2.1.4",
        "Only programs that demand a policy mind.",
    ),
    (
        DefectCode::UniqueIdentifier,
        Severity::Info,
        Decision::Publish,
        "The certificate has unique identifiers",
        "RFC 5280 section 4.1.2.8",
        "Most programs ignore them.",
    ),
];

static ALL: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    TABLE
        .iter()
        .map(|(code, severity, decision, title, citation, matters)| Rule {
            code: code.as_str(),
            severity: *severity,
            decision: Some(*decision),
            citation,
            title,
            means: code.meaning(),
            matters,
            mend: "Tell the issuer, and have the certificate issued again with a correct encoder; the message names the byte.",
        })
        .collect()
});

/// All rules of the family.
pub fn rules() -> &'static [Rule] {
    &ALL
}

/// Reports the defects of a certificate.
pub fn check(certificate: &Certificate<'_>, findings: &mut Vec<Finding>) {
    for defect in certificate.defects() {
        let Some(rule) = ALL.iter().find(|rule| rule.code == defect.code.as_str()) else { continue };
        // The defect names the spot in a word or two; what is wrong with it is the rule's to say.
        let found = format!("{}, at byte {}: {}", rule.clause(), defect.offset, defect.found);
        let mut finding = Finding::new(rule, found, format!("{} ({})", defect.required, defect.section));
        // What follows a break in the list of extensions is unknown, and may be critical.
        if defect.code == DefectCode::UndecodableExtension && certificate.broken_extension().is_some() {
            finding.decision = Some(Decision::Withhold);
        }
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_has_a_rule() {
        for code in DefectCode::ALL {
            assert!(ALL.iter().any(|rule| rule.code == code.as_str()), "{code:?} is missing");
        }
    }
}
