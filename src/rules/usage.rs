//! Rules about what a certificate may be used for.

use super::Rule;
use crate::bundle::model::{Decision, Severity};

/// A CA certificate is offered as a person's.
pub static CA_CERTIFICATE: Rule = Rule {
    code: "ca-certificate",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 5280 section 4.2.1.9",
    title: "A CA certificate is offered as a person's",
    means: "basicConstraints says that the certificate is an authority's, yet it stands where the user's own is expected.",
    matters: "Encrypting to it would give the mail to whoever holds the CA's key, and it is a sign that something planted it.",
    mend: "Replace it by the person's own certificate.",
};

/// The certificate is not meant for mail.
pub static NOT_FOR_MAIL: Rule = Rule {
    code: "not-for-mail",
    severity: Severity::Info,
    decision: Some(Decision::Withhold),
    citation: "RFC 8550 section 4.4.4; RFC 5280 section 4.2.1.12",
    title: "The certificate is not meant for mail",
    means: "The extended key usage lists purposes, and neither emailProtection nor anyExtendedKeyUsage is among them.",
    matters: "EFS, logon and client certificates stand in the same attribute; mail encrypted to one may be unreadable for the mail program.",
    mend: "Nothing, when the certificate is for another purpose. If the person has no mail certificate, issue one.",
};

/// The key usage allows neither encryption nor signing.
pub static KEY_USAGE_UNSUITABLE: Rule = Rule {
    code: "key-usage-unsuitable",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 8550 section 4.4.2; RFC 5280 section 4.2.1.3",
    title: "The key usage allows neither encryption nor signing",
    means: "The key usage extension allows none of digitalSignature, keyEncipherment and keyAgreement in a way that the key's type can do.",
    matters: "No mail program can use the certificate.",
    mend: "Issue it again with keyEncipherment (RSA) or keyAgreement (elliptic curves), or digitalSignature.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[&CA_CERTIFICATE, &NOT_FOR_MAIL, &KEY_USAGE_UNSUITABLE];
