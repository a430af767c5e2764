//! Rules about mail addresses: whose certificate it is (RFC 8550 section 3).

use super::Rule;
use crate::bundle::model::{Decision, Severity};

/// The certificate bears no mail address.
pub static NO_EMAIL_ADDRESS: Rule = Rule {
    code: "no-email-address",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "RFC 8550 section 3",
    title: "The certificate bears no mail address",
    means: "Neither the subject alternative name nor the subject of the certificate holds a mail address.",
    matters: "Mail programs compare the address they write to with the certificate's and refuse one without any.",
    mend: "Issue a certificate with the person's address in the subject alternative name.",
};

/// The certificate is for another address.
pub static NO_EMAIL_MATCH: Rule = Rule {
    code: "no-email-match",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 8550 section 3",
    title: "The certificate is for another address",
    means: "None of the certificate's mail addresses is an address of the recipient.",
    matters: "Mail programs refuse it for this recipient, or warn; it may be somebody else's certificate in the wrong entry.",
    mend: "Check whose it is. If the person's address changed, issue a certificate for the new one or add the old one to proxyAddresses.",
};

/// The certificate belongs to another recipient of the run.
pub static FOREIGN_ADDRESS: Rule = Rule {
    code: "foreign-address",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 8550 section 3",
    title: "The certificate belongs to another recipient of the run",
    means: "None of the certificate's addresses is this recipient's, and one of them is another recipient's.",
    matters: "Mail to this person would be encrypted to the other one's key, who could read it.",
    mend: "Delete the value from this entry; by default every directory user may write their own userCertificate, so also ask how it came there.",
};

/// The certificate also bears another recipient's address.
pub static ALSO_FOREIGN_ADDRESS: Rule = Rule {
    code: "also-foreign-address",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 8550 section 3",
    title: "The certificate also bears another recipient's address",
    means: "The certificate bears an address of this recipient and also one of another recipient of the run.",
    matters: "That is usual for shared mailboxes; for people it means that one can sign in the name of the other.",
    mend: "Ask the CA whether both addresses were certified on purpose.",
};

/// The certificate bears only a secondary address.
pub static ALIAS_ONLY: Rule = Rule {
    code: "alias-only",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "Exchange Online: Set-SmimeConfig, OWAUseSecondaryProxiesWhenFindingCertificates",
    title: "The certificate bears only a secondary address",
    means: "The certificate has a secondary address of the recipient and not the primary one.",
    matters: "Some mail programs compare with the primary address only and then find no certificate for this person.",
    mend: "Issue the next certificate with the primary address in the subject alternative name.",
};

/// Subject and alternative name disagree about the address.
pub static SUBJECT_EMAIL_DIFFERS: Rule = Rule {
    code: "subject-email-differs",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 8550 section 3; RFC 5280 section 4.1.2.6",
    title: "Subject and alternative name disagree about the address",
    means: "The emailAddress in the subject is not among the addresses of the subject alternative name.",
    matters: "Programs that still look at the subject see another person than those that look at the alternative name.",
    mend: "Issue the next certificate without an address in the subject, or with the same one.",
};

/// An address in the certificate is malformed.
pub static EMAIL_INVALID: Rule = Rule {
    code: "email-invalid",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 5280 section 4.2.1.6; RFC 9598 section 3",
    title: "An address in the certificate is malformed",
    means: "A mail address in the certificate is not of the form local@domain, or holds characters that the field does not allow; it was not compared.",
    matters: "Mail programs ignore such an address.",
    mend: "Issue the certificate again with a correct address.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[&NO_EMAIL_ADDRESS, &NO_EMAIL_MATCH, &FOREIGN_ADDRESS, &ALSO_FOREIGN_ADDRESS, &ALIAS_ONLY, &SUBJECT_EMAIL_DIFFERS, &EMAIL_INVALID];
