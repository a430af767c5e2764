//! Rules about inputs: files, and the records in them.

use std::sync::LazyLock;

use super::{Finding, Rule};
use crate::bundle::model::Severity;
use crate::input::gzip::GzipError;
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
    means: "The content is neither LDIF, csvde, nor a certificate in PEM, DER or PKCS#7 form.",
    matters: "If certificates were meant to be in it, they are missing from the bundle.",
    mend: "Export it as one of these forms, or move it out of the folder.",
};

/// A gzip file is damaged.
pub static GZIP_DAMAGED: Rule = Rule {
    code: "gzip-damaged",
    severity: Severity::Error,
    decision: None,
    citation: "RFC 1952",
    title: "A gzip file is damaged or cut off",
    means: "The file ends too early, its checksum does not match, or something else stands behind it. Nothing of it was taken over, since what can still be unpacked may be a part.",
    matters: "Everybody in it is missing from the bundle.",
    mend: "Test the file where it was made (gzip -t), carry it again, and compare its size.",
};

/// A gzip file unpacks to more than any export does.
pub static GZIP_TOO_LARGE: Rule = Rule {
    code: "gzip-too-large",
    severity: Severity::Error,
    decision: None,
    citation: "RFC 1951 section 3.2.5",
    title: "A gzip file unpacks to more than any export does",
    means: "The file unpacks to more than 200 times its size, as only long repetitions do. Nothing of it was taken over.",
    matters: "Everybody in it is missing from the bundle; such files are made to fill disks.",
    mend: "Look at where the file comes from. If it is an export, unpack it yourself and convert it.",
};

/// A gzip input that was not read, as a finding about a file.
#[must_use]
pub fn of_gzip(name: &str, error: GzipError) -> Finding {
    let (rule, required) = match error {
        GzipError::Ratio { .. } => (&GZIP_TOO_LARGE, "an export, which never repeats itself that much"),
        GzipError::CutOff { .. } | GzipError::Damaged { .. } => (&GZIP_DAMAGED, "a whole gzip file"),
    };
    Finding::new(rule, format!("{name}: {error}"), required)
}

/// An export holds no certificate.
pub static EXPORT_WITHOUT_CERTIFICATES: Rule = Rule {
    code: "export-without-certificates",
    severity: Severity::Warning,
    decision: None,
    citation: "Microsoft: ldifde and csvde, parameters -l and -n; ldapsearch(1), attribute list",
    title: "An export holds no certificate",
    means: "The file is an export with records, but none of them has a value of a certificate attribute. The message says what its attributes look like.",
    matters: "If certificates were meant to be in it, everybody in it is left without.",
    mend: "Export again without -n, and with a list of attributes (-l) that names userCertificate and userSMIMECertificate.",
};

/// A code page was named for a file that needs none.
pub static ENCODING_NOT_USED: Rule = Rule {
    code: "encoding-not-used",
    severity: Severity::Info,
    decision: None,
    citation: "--encoding; Unicode Standard, section 23.8 (byte order mark)",
    title: "The file is Unicode and needs no --encoding",
    means: "The file is UTF-16, or begins with a byte order mark, so its text was read as Unicode and not by --encoding.",
    matters: "Nothing is lost: --encoding is for the other inputs.",
    mend: "Nothing is needed; leave --encoding away if this is the only input.",
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
pub static RULES: &[&Rule] = &[
    &FILE_UNREADABLE,
    &FILE_UNRECOGNISED,
    &FILE_WITHOUT_CERTIFICATE,
    &GZIP_DAMAGED,
    &GZIP_TOO_LARGE,
    &EXPORT_WITHOUT_CERTIFICATES,
    &ENCODING_NOT_USED,
];

/// What the readers of exports report, as rules: the codes and explanations are its own.
pub fn export_rules() -> &'static [Rule] {
    static ALL: LazyLock<Vec<Rule>> =
        LazyLock::new(|| ldif::Code::ALL.iter().map(|code| of_code(*code)).collect());
    &ALL
}

/// What a problem of the reader has cost.
#[derive(Clone, Copy)]
enum Cost {
    /// Nothing: it was read as it was meant.
    Nothing,
    /// Perhaps something: the file may not be whole, or not all there is.
    Perhaps,
    /// What stood at the place.
    Part,
    /// Nobody knows how much: the export says itself that it is not whole.
    Whole,
    /// A change that was to be made to an entry.
    Change,
}

impl Cost {
    /// Why it matters, and what to do.
    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Nothing => (
                "Nothing was lost here; it may be a sign that the export was changed on its way.",
                "Nothing is needed when it is known why; otherwise export again and carry the file as it is.",
            ),
            Self::Perhaps => (
                "What was read was taken over, but it may not be all: people and certificates may be missing without a further word.",
                "Compare the number of records with the directory (--expect-records), and export again when it differs.",
            ),
            Self::Part => (
                "What stood there is missing from the bundle, and with it perhaps a person's certificate.",
                "Look at the place that the message names, correct it at its source, and export again.",
            ),
            Self::Whole => (
                "People or certificates are missing from the bundle, and nobody can tell which.",
                "Export again, and look at what the tool says when it ends.",
            ),
            Self::Change => (
                "The entry may have changed in a way that the bundle does not show: a value that was removed may still be published.",
                "Export the entries as they are now instead of a list of changes.",
            ),
        }
    }
}

/// Title and cost of each code of the reader.
fn about(code: ldif::Code) -> (&'static str, Cost) {
    use Cost::{Change, Nothing, Part, Perhaps, Whole};
    use ldif::Code as C;
    match code {
        C::NotLdif => ("The input is not LDIF", Part),
        C::NoRecords => ("The input holds no record", Perhaps),
        C::CrLineEnds => ("Lines end with CR alone", Nothing),
        C::NoFinalNewline => ("The last line has no end", Perhaps),
        C::CtrlZ => ("The input ends with Ctrl-Z", Nothing),
        C::InnerBom => ("A byte order mark stands in the middle", Nothing),
        C::LoneSurrogate => ("Half of a UTF-16 character stands alone", Nothing),
        C::OddByte => ("The UTF-16 input ends in the middle of a character", Part),
        C::CutOff => ("The input seems to be cut off", Perhaps),
        C::RecordCutOff => ("The input ends in the middle of a record", Part),
        C::CodePage => ("Text is in an unknown code page", Nothing),
        C::EncodingDoubtful => ("--encoding was given for UTF-8", Nothing),
        C::RecordTooLarge => ("A record is too large", Part),
        C::TooManyProblems => ("There are more problems than are listed", Part),
        C::SearchFailed => ("The search behind the export failed", Whole),
        C::CountMismatch => ("Not as many entries as the trailer says", Whole),
        C::TrailerMissing => ("The export ends without its trailer", Whole),
        C::PagesMissing => ("Pages of the search are missing", Whole),
        C::SizeLimit => ("The export may have met a size limit", Perhaps),
        C::SearchReference => ("Parts of the directory are on other servers", Perhaps),
        C::RangeIncomplete => ("Values of a large attribute are missing", Part),
        C::InnerVersion => ("A version line stands in the middle", Nothing),
        C::OtherVersion => ("The version is not 1", Nothing),
        C::IdLine => ("A number stands before a record", Nothing),
        C::MissingBlankLine => ("A blank line between records is missing", Nothing),
        C::BlankLineWithSpaces => ("A blank line holds blanks", Nothing),
        C::NoDn => ("Lines belong to no record", Part),
        C::UnreadableDn => ("A DN cannot be read", Part),
        C::BadDn => ("A DN is not one by RFC 4514", Nothing),
        C::NoAttributes => ("A record has no attributes", Nothing),
        C::TerminalOutput => ("What a program says stands between records", Nothing),
        C::Include => ("Another file was to be included", Part),
        C::StrayContinuation => ("A continuation line continues nothing", Part),
        C::NoColon => ("A line has no colon", Part),
        C::TabFold => ("A continuation line starts with a TAB", Nothing),
        C::BlankFold => ("A line of blanks continues a value", Nothing),
        C::LostFold => ("A continuation line lost its leading space", Nothing),
        C::Nul => ("A value holds NUL bytes", Nothing),
        C::BareCr => ("A value holds a CR", Nothing),
        C::StraySeparator => ("A line of one hyphen ends nothing", Nothing),
        C::BlankBeforeColon => ("Blanks stand before a colon", Nothing),
        C::OddName => ("An attribute has an unusual name", Nothing),
        C::BadName => ("A line begins with no attribute name", Part),
        C::BadRange => ("A range option cannot be read", Part),
        C::UnsafeStart => ("A plain value starts with a colon or <", Nothing),
        C::BadText => ("A text is not UTF-8", Nothing),
        C::OddBase64 => ("A base64 value is unusual but clear", Nothing),
        C::BadBase64 => ("A base64 value cannot be read", Part),
        C::UrlRefused => ("A value in another file was not read", Part),
        C::UrlUnreadable => ("A value in another file cannot be read", Part),
        C::ChangeIgnored => ("A deletion or renaming was not taken over", Change),
        C::ModifyPartIgnored => ("A removal of values was not taken over", Change),
        C::LateChangetype => ("A changetype stands behind attributes", Nothing),
        C::BadChangetype => ("A changetype cannot be understood", Part),
        C::ControlIgnored => ("A control of a change record was not applied", Nothing),
        C::MissingSeparator => ("A part of a modify has no end", Nothing),
        C::ModifyOtherName => ("A line of a modify names another attribute", Nothing),
        C::ModifyNoOperation => ("A line of a modify stands in no part", Part),
        C::CsvdeColumn => ("A column of a csvde export has no name", Part),
        C::CsvdeHeaderAgain => ("A header stands in the middle", Nothing),
        C::CsvdeCells => ("A row has not as many cells as its header", Part),
        C::CsvdeHex => ("A hexadecimal value cannot be read", Part),
    }
}

fn of_code(code: ldif::Code) -> Rule {
    let severity = match code.severity() {
        ldif::Severity::Warning => Severity::Warning,
        ldif::Severity::Error => Severity::Error,
    };
    let (title, cost) = about(code);
    let (matters, mend) = cost.texts();
    Rule {
        code: code.as_str(),
        severity,
        decision: None,
        citation: if code.as_str().starts_with("csvde") {
            "Microsoft: Csvde; RFC 4180; exports as they occur"
        } else {
            "RFC 2849, and exports as they occur"
        },
        title,
        means: code.explanation().trim_ascii(),
        matters,
        mend,
    }
}

/// A problem of a reader of exports as a finding.
#[must_use]
pub fn of_export(problem: &Problem) -> Finding {
    // Every code has a rule: the list is made of all codes.
    let rule =
        export_rules().iter().find(|rule| rule.code == problem.code.as_str()).unwrap_or(&FILE_UNREADABLE);
    let found = match &problem.attribute {
        Some(attribute) if !names(&problem.message, attribute) => {
            format!("{attribute}: {}", problem.message)
        }
        _ => problem.message.clone(),
    };
    Finding::new(rule, found, "")
}

/// Whether a message names the attribute itself: as a word of its own, or in quotes.
fn names(message: &str, attribute: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '-' | ';' | '='));
    !attribute.is_empty()
        && message.match_indices(attribute).any(|(at, _)| {
            let (before, after) = (message.get(..at), message.get(at + attribute.len()..));
            edge(before.and_then(|text| text.chars().next_back()))
                && edge(after.and_then(|text| text.chars().next()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_named_once() {
        assert!(names("the base64 value of cn cannot be read", "cn"));
        assert!(names("\"cn\" stands there", "cn"));
        assert!(!names("no cn;range=0-1 here, no cns", "cn"));
        assert!(!names("the value holds NUL bytes", "x"));
    }

    #[test]
    fn errors_cost_something() {
        for code in ldif::Code::ALL {
            let nothing = matches!(about(*code).1, Cost::Nothing | Cost::Perhaps);
            assert_eq!(nothing, code.severity() == ldif::Severity::Warning, "{code}");
        }
    }
}
