//! Two readers: what is published must read the same in two parsers that nobody wrote together.
//!
//! certferry reads certificates with a parser of its own, which keeps what is odd instead of failing.
//! A certificate that two parsers read differently shows mail programs something else than what was
//! judged here. So each one that is about to be published is read once more with the `x509-parser`
//! crate, and the fields that decide about it are compared.

use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::prelude::FromDer;

use super::{Finding, Rule};
use crate::bundle::model::{Decision, Severity};
use crate::certificate::Certificate;

/// The parsers read different things.
pub static READERS_DISAGREE: Rule = Rule {
    code: "readers-disagree",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 5280 section 4.1; X.690 section 10",
    title: "Two parsers read the certificate differently",
    means: "A second, independent parser reads another name, serial number, validity period, key or extension than the first.",
    matters: "Mail programs may see another certificate than the one that was judged, which is how attackers hide a second meaning.",
    mend: "Have the certificate issued again with a correct encoder.",
};

/// The second parser refuses it.
pub static SECOND_READER_REFUSES: Rule = Rule {
    code: "second-reader-refuses",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 5280 section 4.1; X.690 section 10",
    title: "A second parser cannot read the certificate",
    means: "The certificate was read and judged, but a second, stricter parser refuses it.",
    matters: "Strict mail programs may refuse it as well.",
    mend: "Have the certificate issued again with a correct encoder when somebody has trouble with it.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[&READERS_DISAGREE, &SECOND_READER_REFUSES];

/// Reads the certificate a second time and compares.
pub fn check(certificate: &Certificate<'_>, findings: &mut Vec<Finding>) {
    let second = match X509Certificate::from_der(certificate.der()) {
        Ok((_, second)) => second,
        Err(error) => {
            // What its parsing machinery says of itself is of no use to anybody here.
            let detail = match X509Error::from(error) {
                X509Error::NomError(_) | X509Error::Der(_) | X509Error::Generic => String::new(),
                named => format!(" ({named})"),
            };
            findings.push(Finding::new(
                &SECOND_READER_REFUSES,
                format!("a second parser cannot read the certificate{detail}"),
                "a certificate that every parser reads",
            ));
            return;
        }
    };
    if let Some(field) = difference(certificate, &second) {
        findings.push(Finding::new(
            &READERS_DISAGREE,
            format!("two parsers do not agree about the {field}"),
            "one meaning for every parser",
        ));
    }
}

/// The first field that differs.
fn difference(first: &Certificate<'_>, second: &X509Certificate<'_>) -> Option<&'static str> {
    let validity = second.validity();
    let extensions = || {
        first.extensions().len() == second.extensions().len()
            && first.extensions().iter().zip(second.extensions()).all(|(mine, theirs)| {
                mine.id.0 == theirs.oid.as_bytes()
                    && mine.critical == theirs.critical
                    && mine.value == theirs.value
            })
    };
    let pairs = [
        ("serial number", first.serial() == second.raw_serial()),
        ("issuer", first.issuer().raw() == second.issuer().as_raw()),
        ("subject", first.subject().raw() == second.subject().as_raw()),
        ("start of validity", first.not_before().0 == validity.not_before.timestamp()),
        ("end of validity", first.not_after().0 == validity.not_after.timestamp()),
        ("public key", first.spki() == second.public_key().raw),
        ("extension", extensions()),
        ("signature", first.signature() == &*second.signature_value.data),
    ];
    pairs.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
}
