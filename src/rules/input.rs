//! Rules about inputs: files, and the records in them.

use super::Rule;
use crate::bundle::model::Severity;

/// A file could not be read.
pub static FILE_UNREADABLE: Rule = Rule {
    code: "file-unreadable",
    severity: Severity::Error,
    decision: None,
    citation: "POSIX read(2)",
    title: "A file could not be read",
    means: "The file exists but could not be opened, is larger than is accepted, or failed while it was read.",
    matters: "Certificates in it are missing from the bundle.",
    mend: "Check its permissions and the medium, then run again.",
};

/// A file is of no kind that certferry reads.
pub static FILE_UNRECOGNISED: Rule = Rule {
    code: "file-unrecognised",
    severity: Severity::Warning,
    decision: None,
    citation: "RFC 2849; RFC 7468; RFC 5652",
    title: "A file is of no kind that certferry reads",
    means: "The content is neither LDIF nor a certificate in PEM, DER or PKCS#7 form.",
    matters: "If certificates were meant to be in it, they are missing from the bundle.",
    mend: "Export it as one of these forms, or move it out of the folder.",
};

/// A certificate file holds no certificate.
pub static FILE_WITHOUT_CERTIFICATE: Rule = Rule {
    code: "file-without-certificate",
    severity: Severity::Warning,
    decision: None,
    citation: "RFC 7468",
    title: "A certificate file holds no certificate",
    means: "The file is of a kind that can hold certificates, but there is none in it.",
    matters: "Whoever it belongs to is missing from the bundle.",
    mend: "Export the certificate again.",
};

/// An object is too large to be held whole.
pub static RECORD_TOO_LARGE: Rule = Rule {
    code: "record-too-large",
    severity: Severity::Error,
    decision: None,
    citation: "certferry's own limit for one object",
    title: "An object is too large to be held whole",
    means: "The object's records hold more than certferry keeps in memory for one object; what is above the limit was counted and not read, and its attributes count as incomplete.",
    matters: "Its certificates are withheld, because a set built from a part would delete the rest.",
    mend: "Delete unused values from the object in the directory.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[&FILE_UNREADABLE, &FILE_UNRECOGNISED, &FILE_WITHOUT_CERTIFICATE, &RECORD_TOO_LARGE];
