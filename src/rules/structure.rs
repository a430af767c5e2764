//! Rules about how a certificate is encoded (RFC 5280 section 4, X.690).

use super::Rule;
use crate::bundle::model::{Decision, Severity};

/// The version does not fit the content.
pub static VERSION_UNEXPECTED: Rule = Rule {
    code: "version-unexpected",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 5280 section 4.1.2.1",
    title: "The version does not fit the content",
    means: "The certificate's version is unknown, or is not 3 although it has extensions.",
    matters: "Strict programs refuse it.",
    mend: "Issue the certificate again.",
};

/// The serial number is not as it should be.
pub static SERIAL_INVALID: Rule = Rule {
    code: "serial-invalid",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 5280 section 4.1.2.2",
    title: "The serial number is not as it should be",
    means: "The serial number is zero, negative, or longer than 20 bytes.",
    matters: "Strict programs refuse it, and it may be hard to revoke.",
    mend: "Issue the certificate again.",
};

/// The certificate is not strictly DER.
pub static NOT_DER: Rule = Rule {
    code: "not-der",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "X.690 section 10; RFC 5280 section 4.1",
    title: "The certificate is not strictly DER",
    means: "Something in the certificate is encoded in a way that DER forbids.",
    matters: "Strict programs refuse the certificate or see another one than lenient programs do.",
    mend: "Issue the certificate again with a correct encoder.",
};

/// Bytes follow the certificate.
pub static TRAILING_BYTES: Rule = Rule {
    code: "trailing-bytes",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "X.690 section 10; RFC 4523 section 2.1",
    title: "Bytes follow the certificate",
    means: "Behind the end of the certificate the value goes on.",
    matters: "The value is not the certificate alone: programs differ in what they make of it, and anything could travel in the rest.",
    mend: "Publish the certificate alone.",
};

/// An extension stands there twice.
pub static DUPLICATE_EXTENSION: Rule = Rule {
    code: "duplicate-extension",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 5280 section 4.2",
    title: "An extension stands there twice",
    means: "The certificate has two extensions of one kind.",
    matters: "Programs differ in which one they take, so one may see another address or purpose than certferry.",
    mend: "Issue the certificate again.",
};

/// A critical extension is not known.
pub static UNKNOWN_CRITICAL_EXTENSION: Rule = Rule {
    code: "unknown-critical-extension",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 5280 section 4.2",
    title: "A critical extension is not known",
    means: "The certificate marks an extension as critical that certferry does not process.",
    matters: "Programs must refuse a certificate with a critical extension they do not know.",
    mend: "Issue the certificate again without it, or not critical.",
};

/// An extension cannot be decoded.
pub static EXTENSION_UNDECODABLE: Rule = Rule {
    code: "extension-undecodable",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 5280 section 4.2",
    title: "An extension cannot be decoded",
    means: "An extension that decides about use, name or path of the certificate cannot be read.",
    matters: "What it says is unknown, so the certificate cannot be trusted to mean what it seems to.",
    mend: "Issue the certificate again.",
};

/// Inner and outer signature algorithm differ.
pub static ALGORITHM_MISMATCH: Rule = Rule {
    code: "algorithm-mismatch",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 5280 section 4.1.1.2",
    title: "Inner and outer signature algorithm differ",
    means: "The algorithm inside the signed part is not the one beside the signature.",
    matters: "It is a sign of tampering, and programs must refuse it.",
    mend: "Issue the certificate again.",
};

/// A name in the certificate is not as it should be.
pub static NAME_IRREGULAR: Rule = Rule {
    code: "name-irregular",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 5280 sections 4.1.2.4, 4.1.2.6 and 4.2.1.6",
    title: "A name in the certificate is not as it should be",
    means: "The issuer is empty, the subject is empty without a critical alternative name, or the alternative name is empty.",
    matters: "Strict programs refuse it.",
    mend: "Issue the certificate again.",
};

/// A date is not encoded as it should be.
pub static DATE_IRREGULAR: Rule = Rule {
    code: "date-irregular",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 5280 section 4.1.2.5",
    title: "A date is not encoded as it should be",
    means: "A date uses the wrong form for its year, has fractions or a zone, or the period ends before it begins.",
    matters: "Strict programs refuse the certificate or read another date.",
    mend: "Issue the certificate again.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[&VERSION_UNEXPECTED, &SERIAL_INVALID, &NOT_DER, &TRAILING_BYTES, &DUPLICATE_EXTENSION, &UNKNOWN_CRITICAL_EXTENSION, &EXTENSION_UNDECODABLE, &ALGORITHM_MISMATCH, &NAME_IRREGULAR, &DATE_IRREGULAR];
