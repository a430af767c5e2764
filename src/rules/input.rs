//! Rules about inputs: files, and the records in them.

use std::sync::LazyLock;

use super::{Finding, Rule};
use crate::bundle::model::Severity;
use crate::ldif::{self, Problem};

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

/// All rules of the family.
pub static RULES: &[&Rule] = &[&FILE_UNREADABLE, &FILE_UNRECOGNISED, &FILE_WITHOUT_CERTIFICATE];

/// What the LDIF reader reports, as rules: the codes and explanations are its own.
pub fn ldif_rules() -> &'static [Rule] {
    static ALL: LazyLock<Vec<Rule>> =
        LazyLock::new(|| ldif::Code::ALL.iter().map(|code| of_code(*code)).collect());
    &ALL
}

fn of_code(code: ldif::Code) -> Rule {
    let (severity, title, matters, mend) = match code.severity() {
        ldif::Severity::Warning => (
            Severity::Warning,
            "The export was read, but it is not as RFC 2849 says",
            "Nothing was lost here; it may be a sign that the export was changed on its way.",
            "Nothing is needed when it is known why; otherwise export again and carry the file as it is.",
        ),
        ldif::Severity::Error => (
            Severity::Error,
            "Part of the export was not taken over",
            "What stood there is missing from the bundle, and with it perhaps a person's certificate.",
            "Look at the place that the message names, correct it at its source, and export again.",
        ),
    };
    Rule {
        code: code.as_str(),
        severity,
        decision: None,
        citation: "RFC 2849, and exports as they occur",
        title,
        means: code.explanation().trim_ascii(),
        matters,
        mend,
    }
}

/// A problem of the LDIF reader as a finding.
#[must_use]
pub fn of_ldif(problem: &Problem) -> Finding {
    // Every code has a rule: the list is made of all codes.
    let rule =
        ldif_rules().iter().find(|rule| rule.code == problem.code.as_str()).unwrap_or(&FILE_UNREADABLE);
    let found = match &problem.attribute {
        Some(attribute) => format!("{attribute}: {}", problem.message),
        None => problem.message.clone(),
    };
    Finding::new(rule, found, "")
}
