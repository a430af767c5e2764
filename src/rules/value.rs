//! Rules about attribute values: what can be read, and which of several is taken.

use super::{Finding, Rule};
use crate::bundle::model::{Attribute, Decision, Severity};
use crate::certificate::container::Form;
use crate::policy::Limits;

/// A certificate value could not be read.
pub static UNREADABLE_VALUE: Rule = Rule {
    code: "unreadable-value",
    severity: Severity::Error,
    decision: None,
    citation: "RFC 4523 section 2.1; RFC 2798 section 2.8; MS-OXOABK section 2.2.4.36",
    title: "A certificate value could not be read",
    means: "A value of a certificate attribute is neither a certificate nor one of the containers that userSMIMECertificate may hold, or it was damaged on the way.",
    matters: "The person's certificate may be in there; it is lost for this bundle. Because a payload replaces the whole set, the readable values beside it are withheld too.",
    mend: "Look at the value in the directory: delete it if it is rubbish, or publish the certificate again; if the export is damaged, export again.",
};

/// A private key was found.
pub static PRIVATE_KEY: Rule = Rule {
    code: "private-key",
    severity: Severity::Error,
    decision: None,
    citation: "RFC 5958; RFC 7292; RFC 2798 section 2.9 (userPKCS12)",
    title: "A private key was found",
    means: "The value, text or file holds a private key, or a PKCS#12 object that may hold one. It was counted as unreadable, or its length and hash stand in place of the text, and no byte of it was copied anywhere.",
    matters: "A private key in a directory can be read by others, and with it the owner's mail.",
    mend: "Delete it at its source now; if the key was in use, revoke its certificate and issue a new one.",
};

/// The same value stands there twice.
pub static DUPLICATE_VALUE: Rule = Rule {
    code: "duplicate-value",
    severity: Severity::Info,
    decision: Some(Decision::Withhold),
    citation: "RFC 4512 section 2.2 (attribute values form a set)",
    title: "The same value stands there twice",
    means: "An earlier value of the same attribute is byte for byte the same; this one is withheld.",
    matters: "It does no harm: the first one is judged.",
    mend: "Nothing is needed; duplicates arise when exports are joined.",
};

/// More values than one attribute may carry.
pub static BEYOND_VALUE_LIMIT: Rule = Rule {
    code: "beyond-value-limit",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "Microsoft: LargeObject errors caused by the userCertificate attribute (15 values)",
    title: "More values than one attribute may carry",
    means: "Of the values that could be published, the 15 best were taken (or as many as the policy says), or as many as one line of the payload can carry; this one is not among them.",
    matters: "The person can still be written to with the certificates that were published.",
    mend: "Delete certificates that are no longer used from the directory.",
};

/// The attribute could not be read whole.
pub static ATTRIBUTE_INCOMPLETE: Rule = Rule {
    code: "attribute-incomplete",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "MS-ADTS 3.1.1.3.1.3.3 (range retrieval); RFC 4511 section 4.6 (replace)",
    title: "The attribute could not be read whole",
    means: "A value of this attribute is unreadable, or the export holds only part of the values (a range= chunk without its end). No set is built from it, and its readable values are withheld.",
    matters: "A payload replaces the whole set: one built from a part would delete what could not be read.",
    mend: "Export the object again with all values; delete values that are rubbish in the directory.",
};

/// The value is larger than the directory accepts.
pub static VALUE_TOO_LARGE: Rule = Rule {
    code: "value-too-large",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "MS-ADA3: userCertificate and userSMIMECertificate, rangeUpper 32768",
    title: "The value is larger than the directory accepts",
    means: "The value has more than 32 768 bytes, the largest that the attribute may hold, or more than the policy allows.",
    matters: "The upload would fail for the recipient as a whole.",
    mend: "Publish a smaller one: without the root certificates in it, or the bare certificate in userCertificate.",
};

/// The value holds no certificate that is clearly the user's own.
pub static NO_USER_CERTIFICATE: Rule = Rule {
    code: "no-user-certificate",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "RFC 2798 section 2.8; RFC 8551 sections 2.5.2 and 2.5.3",
    title: "The value holds no certificate that is clearly the user's own",
    means: "The container can be read, but the certificate to encrypt to could not be found in it: there is none, only CA certificates, or several and nothing tells which.",
    matters: "Mail programs find nothing to encrypt to, and Outlook does not look at userCertificate while this value is there.",
    mend: "Have the person publish their certificate again (Outlook: Trust Center, E-mail Security, Publish to GAL), or delete the value.",
};

/// The signing certificate beside the encryption certificate is not good.
pub static SIGNING_CERTIFICATE_REFUSED: Rule = Rule {
    code: "signing-certificate-refused",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 8551 section 2.5.3",
    title: "The signing certificate beside the encryption certificate is not good",
    means: "The value is decided by the certificate to encrypt to. Another end-entity certificate in it, used for signing, has a defect of its own.",
    matters: "Encrypted mail works; signatures made with the other certificate may be shown as invalid.",
    mend: "Have the person publish the value again with a good signing certificate.",
};

/// The signature over the published statement is not good.
pub static STATEMENT_SIGNATURE_BAD: Rule = Rule {
    code: "statement-signature-bad",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 5652 section 5.4; RFC 2798 section 2.8",
    title: "The signature over the published statement is not good",
    means: "The value is a signed statement (capabilities and certificates); its own signature does not match. It is looked at where nothing else withholds the value, and always with --thorough or where the policy names this code.",
    matters: "Recipients take the certificate and not the statement, so encryption works; the value may have been put together by hand.",
    mend: "Have the person publish it again from their mail program.",
};

/// The signature over the published statement could not be checked.
pub static STATEMENT_SIGNATURE_UNCHECKED: Rule = Rule {
    code: "statement-signature-unchecked",
    severity: Severity::Info,
    decision: Some(Decision::Publish),
    citation: "RFC 5652 section 5.4",
    title: "The signature over the published statement could not be checked",
    means: "The value is a signed statement whose signature uses something that certferry does not verify, or whose signer is not in it.",
    matters: "The certificate is judged by its own path; the statement proves nothing that is needed.",
    mend: "Nothing is needed.",
};

/// What is found of the signature over a statement.
pub static STATEMENTS: [&Rule; 2] = [&STATEMENT_SIGNATURE_BAD, &STATEMENT_SIGNATURE_UNCHECKED];

/// The container is encoded in an unusual way.
pub static CONTAINER_IRREGULAR: Rule = Rule {
    code: "container-irregular",
    severity: Severity::Info,
    decision: Some(Decision::Publish),
    citation: "X.690 section 10; RFC 5652 section 5.1",
    title: "The container is encoded in an unusual way",
    means: "The value can be read, but something about it is not as its standard says, as the message tells.",
    matters: "It is passed through as it is; strict readers may refuse it.",
    mend: "Publish it again from the mail program when somebody has trouble with it.",
};

/// The container is damaged.
pub static CONTAINER_DAMAGED: Rule = Rule {
    code: "container-damaged",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 5652 section 5.1; MS-OXOABK section 2.2.4.36",
    title: "The container is damaged",
    means: "The user's certificate could be taken out of the value, but another part of the value cannot be read.",
    matters: "The value would be published as it is, and mail programs may fail to read it; what the damaged part holds is unknown.",
    mend: "Have the person publish it again from their mail program.",
};

/// A CA certificate beside the user's.
pub static CHAIN_CERTIFICATE: Rule = Rule {
    code: "chain-certificate",
    severity: Severity::Info,
    decision: None,
    citation: "RFC 5652 section 5.1",
    title: "A CA certificate beside the user's",
    means: "The file holds certificates of authorities besides the user's own. They help to build the path for the certificates of this file only, and are counted as ignored.",
    matters: "They are never trusted and never shared with other recipients.",
    mend: "Nothing is needed.",
};

/// The value is not in the form that the attribute holds.
pub static VALUE_FORM: Rule = Rule {
    code: "value-form",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "RFC 4523 section 2.1; Microsoft: Set-Mailbox, parameter UserCertificate",
    title: "The value is not in the form that its attribute holds",
    means: "userCertificate holds bare DER certificates; this value is something around one: a PKCS#7 container or PEM text.",
    matters: "Mail programs expect a certificate there and cannot read anything else, so the person stays without one.",
    mend: "Publish the bare certificate in userCertificate; a container belongs into userSMIMECertificate.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[
    &UNREADABLE_VALUE,
    &PRIVATE_KEY,
    &DUPLICATE_VALUE,
    &BEYOND_VALUE_LIMIT,
    &ATTRIBUTE_INCOMPLETE,
    &VALUE_TOO_LARGE,
    &NO_USER_CERTIFICATE,
    &SIGNING_CERTIFICATE_REFUSED,
    &STATEMENT_SIGNATURE_BAD,
    &STATEMENT_SIGNATURE_UNCHECKED,
    &CONTAINER_IRREGULAR,
    &CHAIN_CERTIFICATE,
    &CONTAINER_DAMAGED,
    &VALUE_FORM,
];

/// Judges the size of a value.
pub fn check_size(bytes: &[u8], limits: &Limits, findings: &mut Vec<Finding>) {
    if bytes.len() > limits.value_bytes {
        findings.push(Finding::new(
            &VALUE_TOO_LARGE,
            format!("the value has {} bytes", bytes.len()),
            format!("at most {} bytes", limits.value_bytes),
        ));
    }
}

/// Judges whether a value has the form that its attribute holds.
pub fn check_form(attribute: Attribute, form: Form, findings: &mut Vec<Finding>) {
    if attribute == Attribute::UserCertificate && form != Form::Certificate {
        findings.push(Finding::new(
            &VALUE_FORM,
            format!("the value of userCertificate is {}", form),
            "a bare certificate in DER",
        ));
    }
}
