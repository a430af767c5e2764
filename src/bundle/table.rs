//! Cells of manifest.csv.
//!
//! The table is for people with a spreadsheet, and a spreadsheet runs what looks like a formula. So:
//!
//! * A cell that begins with `=`, `+`, `-`, `@`, TAB or CR, also behind blanks of any kind, or with one of the
//!   full-width forms `＝ ＋ － ＠`, gets a leading apostrophe. Take it off before using the value elsewhere.
//! * The same character behind a `;` inside a cell gets one too, because a spreadsheet whose list separator is
//!   the semicolon cuts a comma table there and would begin a new cell with it.
//! * Control characters, line and paragraph separators and the marks that change the direction of the text
//!   around them are written by number, as `<U+202E>` is, so a row is one line and shows what it holds.
//! * The path of a published certificate whose path nobody checked reads `notChecked (UNVERIFIED)`, so that a
//!   table that was taken out of its bundle still says it.
//!
//! manifest.json holds every value unchanged.

use super::model::{Candidate, Coverage, Decision, Recipient, RecipientKind, Verdict};
use super::render::push_number;
use crate::encoding::any;
use csv_core::WriteResult;
use std::borrow::Cow;
use std::fmt::Write as _;

/// The columns, in order.
pub const COLUMNS: [&str; 17] = [
    "number",
    "address",
    "display name",
    "kind",
    "coverage",
    "source",
    "attribute",
    "subject",
    "issuer",
    "serial",
    "not before",
    "not after",
    "sha256",
    "path",
    "decision",
    "reason",
    "codes",
];

/// UTF-8's byte order mark: without it Excel takes the file for the machine's code page.
pub(crate) const BOM: &[u8] = "\u{feff}".as_bytes();

/// The path of what is published although nobody checked its path: only `--unverified` makes that.
const UNVERIFIED: &str = "notChecked (UNVERIFIED)";

/// The header row with its line end.
#[must_use]
pub fn header() -> String {
    let mut row = COLUMNS.join(",");
    row.push_str("\r\n");
    row
}

/// Makes a text safe to show in a cell, as the module describes.
#[must_use]
pub fn cell(text: &str) -> Cow<'_, str> {
    if is_harmless(text.as_bytes()) { Cow::Borrowed(text) } else { Cow::Owned(made_safe(text)) }
}

fn made_safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    // True where a spreadsheet could begin a cell: at the start and behind a semicolon, blanks and quotes skipped.
    let mut begins = true;
    for character in text.chars() {
        if begins {
            if matches!(character, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r') {
                if safe.chars().all(char::is_whitespace) {
                    safe.insert(0, '\'')
                } else {
                    safe.push('\'')
                }
                begins = false;
            } else if !(character.is_whitespace() || matches!(character, '"' | '\u{200b}' | '\u{feff}')) {
                begins = false;
            }
        }
        if matches!(character, ';' | '；') {
            begins = true;
        }
        put_visible(character, &mut safe);
    }
    safe
}

/// Printable text that begins with a letter or digit, without a `;`: most cells. Such a text is safe as it is. Beyond
/// ASCII the first byte of a character tells enough: everything that is not harmless begins with one of three.
fn is_harmless(text: &[u8]) -> bool {
    // C1 controls and blanks; separators, marks of direction and blanks; full-width forms and the byte order mark.
    let may_harm = |byte| (byte == 0xc2) | (byte == 0xe2) | (byte == 0xef);
    // Two further scripts have blanks, which do not count as a beginning.
    let begins = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0xc3 && !matches!(byte, 0xe1 | 0xe3);
    text.first().is_none_or(|first| begins(*first))
        && !any(text, |byte| (byte < b' ') | (byte == 0x7f) | (byte == b';') | may_harm(byte))
}

/// The text with what hides or moves text written by number, as `<U+202E>` is.
#[must_use]
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|character| put_visible(character, &mut shown));
    shown
}

fn put_visible(character: char, out: &mut String) {
    if invisible(character) {
        // Writing to a String cannot fail.
        let _ = write!(out, "<U+{:04X}>", u32::from(character));
    } else {
        out.push(character);
    }
}

fn invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Appends the rows of `recipient` without the first column to `out`, one a candidate or one when there is
/// none, and the end of each to `ends`.
pub(crate) fn rows(recipient: &Recipient, out: &mut Vec<u8>, ends: &mut Vec<usize>) {
    let identity = &recipient.identity;
    let address = identity.cloud_address.as_deref().or(identity.primary_smtp.as_deref());
    let source = recipient.source.as_ref().map(|source| format!("{}:{}", source.input, source.line));
    let person = [
        cell(address.unwrap_or_default()),
        cell(identity.display_name.as_deref().unwrap_or_default()),
        kind(recipient.kind).into(),
        coverage(recipient.coverage).into(),
        cell(source.as_deref().unwrap_or_default()),
    ];
    let candidates: Vec<Option<&Candidate>> = if recipient.candidates.is_empty() {
        vec![None]
    } else {
        recipient.candidates.iter().map(Some).collect()
    };
    out.reserve(1_024 * candidates.len());
    let mut row = Row { core: csv_core::Writer::new(), out };
    // Every row of a person begins alike.
    let begin = row.out.len();
    person.iter().for_each(|cell| row.cell(cell));
    let person = begin..row.out.len();
    for (at, candidate) in candidates.into_iter().enumerate() {
        if at > 0 {
            row.out.extend_from_within(person.clone());
        }
        judged(recipient, candidate).iter().for_each(|cell| row.cell(cell));
        row.end();
        ends.push(row.out.len());
    }
}

/// Rows that are written straight into their buffer: a writer of the csv crate would bring one of its own for every
/// recipient.
struct Row<'o> {
    core: csv_core::Writer,
    out: &'o mut Vec<u8>,
}

impl Row<'_> {
    /// Appends a cell and what separates it from the next one.
    fn cell(&mut self, cell: &str) {
        // Most cells stand for themselves (RFC 4180 section 2), and are copied whole.
        let quoted = |byte| (byte == b'"') | (byte == b',') | (byte == b'\r') | (byte == b'\n');
        if !any(cell.as_bytes(), quoted) {
            self.out.reserve(cell.len() + 1);
            self.out.extend_from_slice(cell.as_bytes());
            self.out.push(b',');
            return;
        }
        let mut rest = cell.as_bytes();
        self.put(|core, out| {
            let (result, read, written) = core.field(rest, out);
            rest = rest.get(read..).unwrap_or_default();
            (result, written)
        });
        self.put(|core, out| core.delimiter(out));
    }

    /// Ends the row, in which no cell follows the last separator.
    fn end(&mut self) {
        self.out.pop();
        self.out.extend_from_slice(b"\r\n");
    }

    /// Repeats a step of the writer until it has written all of it.
    fn put(&mut self, mut step: impl FnMut(&mut csv_core::Writer, &mut [u8]) -> (WriteResult, usize)) {
        let mut buffer = [0; 256];
        loop {
            let (result, written) = step(&mut self.core, &mut buffer);
            self.out.extend_from_slice(buffer.get(..written).unwrap_or_default());
            if result == WriteResult::InputEmpty {
                return;
            }
        }
    }
}

/// Appends rows that [`rows`] made to `out`, with the first column.
pub(crate) fn numbered(number: u64, rows: &[u8], ends: &[usize], out: &mut Vec<u8>) {
    let mut start = 0;
    for &end in ends {
        push_number(number, out);
        out.push(b',');
        // `ends` rises and its last element is the length of `rows`.
        out.extend_from_slice(&rows[start..end]);
        start = end;
    }
}

/// The eleven columns about a candidate.
fn judged<'a>(recipient: &Recipient, candidate: Option<&'a Candidate>) -> [Cow<'a, str>; 11] {
    fn text(value: &Option<String>) -> Cow<'_, str> {
        cell(value.as_deref().unwrap_or_default())
    }
    let mut codes: Vec<&str> = Vec::new();
    let findings = candidate.map(|candidate| candidate.findings.as_slice()).unwrap_or_default();
    for finding in findings.iter().chain(&recipient.findings) {
        if !codes.contains(&&*finding.code) {
            codes.push(&finding.code);
        }
    }
    let codes = Cow::Owned(cell(&codes.join(" ")).into_owned());
    let Some(candidate) = candidate else {
        let mut none: [Cow<'_, str>; 11] = Default::default();
        none[10] = codes;
        return none;
    };
    [
        candidate.attribute.name().into(),
        text(&candidate.subject),
        text(&candidate.issuer),
        text(&candidate.serial),
        text(&candidate.not_before),
        text(&candidate.not_after),
        text(&candidate.sha256),
        match (candidate.path.verdict, candidate.decision) {
            (Verdict::NotChecked, Decision::Publish) => UNVERIFIED.into(),
            (found, _) => verdict(found).into(),
        },
        decision(candidate.decision).into(),
        cell(&candidate.reason),
        codes,
    ]
}

// The words are those of the JSON; `words_are_those_of_the_json` holds them together.

fn kind(kind: RecipientKind) -> &'static str {
    match kind {
        RecipientKind::Mailbox => "mailbox",
        RecipientKind::MailUser => "mailUser",
        RecipientKind::MailContact => "mailContact",
    }
}

fn coverage(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Encryptable => "encryptable",
        Coverage::SignOnly => "signOnly",
        Coverage::None => "none",
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Invalid => "invalid",
        Verdict::NotVerified => "notVerified",
        Verdict::NotChecked => "notChecked",
    }
}

fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Publish => "publish",
        Decision::Withhold => "withhold",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_for_harmless_is_safe() {
        let mut harmless = 0;
        for number in 0..=u32::from(char::MAX) {
            let Some(character) = char::from_u32(number) else { continue };
            for text in [format!("{character}=1"), format!("a{character}=1"), format!("é{character}")] {
                if is_harmless(text.as_bytes()) {
                    assert_eq!(made_safe(&text), text, "{number:x}");
                    harmless += 1;
                }
            }
        }
        assert!(harmless > 3_000_000, "{harmless}");
        assert!(is_harmless("Jörg 홍길동".as_bytes()) && is_harmless("Ünal".as_bytes()));
    }

    #[test]
    fn formulas_are_made_harmless() {
        for (found, wanted) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("\u{3000}＝1", "'\u{3000}＝1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠a", "'＠a"),
            ("\ta", "'<U+0009>a"),
            ("\ra", "'<U+000D>a"),
            ("a;=1", "a;'=1"),
            ("a;\"=1", "a;\"'=1"),
            ("a=1", "a=1"),
            ("a-b@c", "a-b@c"),
            ("", ""),
        ] {
            assert_eq!(cell(found), wanted, "{found:?}");
        }
    }

    #[test]
    fn what_hides_is_shown() {
        assert_eq!(cell("a\nb\u{1b}[2J\u{202e}c\u{85}"), "a<U+000A>b<U+001B>[2J<U+202E>c<U+0085>");
        assert_eq!(cell("יעל 홍길동 Jörg"), "יעל 홍길동 Jörg");
    }

    #[test]
    fn words_are_those_of_the_json() {
        let word = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        for one in [RecipientKind::Mailbox, RecipientKind::MailUser, RecipientKind::MailContact] {
            assert_eq!(kind(one), word(serde_json::to_value(one).unwrap()));
        }
        for one in [Coverage::Encryptable, Coverage::SignOnly, Coverage::None] {
            assert_eq!(coverage(one), word(serde_json::to_value(one).unwrap()));
        }
        for one in [Verdict::Valid, Verdict::Invalid, Verdict::NotVerified, Verdict::NotChecked] {
            assert_eq!(verdict(one), word(serde_json::to_value(one).unwrap()));
        }
        for one in [Decision::Publish, Decision::Withhold] {
            assert_eq!(decision(one), word(serde_json::to_value(one).unwrap()));
        }
    }
}
