//! What the reader reports: a [`Problem`] has a permanent [`Code`], a place, and a message.
//!
//! An *error* says that something in the input was not taken over. A *warning* says that something was accepted although
//! it is outside RFC 2849, or deserves a look.

use std::fmt;

/// How bad a problem is. It follows from the [`Code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Accepted, although outside RFC 2849 or suspicious.
    Warning,
    /// Something in the input was not taken over, or the input says itself that it is incomplete.
    Error,
}

impl Severity {
    /// `warning` or `error`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal $severity:ident;)+) => {
        /// The kinds of problems, permanent and kebab-case.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The code as it is printed, kebab-case.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Code::$name => $code,)+ } }

            /// Whether this kind is a warning or an error.
            #[must_use]
            pub fn severity(self) -> Severity { match self { $(Code::$name => Severity::$severity,)+ } }

            /// One or two sentences about the kind.
            #[must_use]
            pub fn explanation(self) -> &'static str { match self { $(Code::$name => concat!($($doc),+),)+ } }
        }
    };
}

codes! {
    // The input as a whole.
    /// The input is not LDIF; the message names what it is.
    NotLdif = "not-ldif" Error;
    /// The input holds no record at all.
    NoRecords = "no-records" Warning;
    /// Lines end with CR alone.
    CrLineEnds = "cr-line-ends" Warning;
    /// The last line has no line end: the file may have been cut off.
    NoFinalNewline = "no-final-newline" Warning;
    /// The input ends with 0x1A (Ctrl-Z), as DOS tools append it.
    CtrlZ = "ctrl-z" Warning;
    /// A byte order mark in the middle: several files were concatenated.
    InnerBom = "inner-bom" Warning;
    /// UTF-16 text that is no text: half of a surrogate pair, kept as its three-byte form.
    LoneSurrogate = "lone-surrogate" Warning;
    /// UTF-16 input ends in the middle of a unit; the last byte was not taken over.
    OddByte = "odd-byte" Error;
    /// The input ends with a base64 value without its padding: it was probably cut off there.
    CutOff = "cut-off" Warning;
    /// The input ends in the middle of a record; what is known of it is a part.
    RecordCutOff = "record-cut-off" Error;
    /// Texts are not UTF-8; the message says which Windows code pages fit them.
    CodePage = "code-page" Warning;
    /// A code page was named for text that is UTF-8 throughout.
    EncodingDoubtful = "encoding-doubtful" Warning;
    /// A record is larger than the reader's limit; what is beyond was skipped.
    RecordTooLarge = "record-too-large" Error;
    /// More problems in one place than are listed.
    TooManyProblems = "too-many-problems" Error;

    // What a trailer promised.
    /// The server ended the search with a result other than 0: the export is incomplete.
    SearchFailed = "search-failed" Error;
    /// The number of entries in the trailer is not the number that was read: the export is incomplete.
    CountMismatch = "count-mismatch" Error;
    /// The export begins as those of `ldapsearch` do and ends without their result: it was cut off.
    TrailerMissing = "trailer-missing" Error;
    /// A paged search stopped between two pages: the export is incomplete.
    PagesMissing = "pages-missing" Error;
    /// Exactly as many records as a usual size limit: the export may have been cut off.
    SizeLimit = "size-limit" Warning;
    /// The server referred to other servers for parts of the tree; those parts are not in the export.
    SearchReference = "search-reference" Warning;
    /// A ranged attribute (`;range=0-1499`) lacks a chunk or the closing `-*` chunk.
    RangeIncomplete = "range-incomplete" Error;

    // Records.
    /// A later `version:` line: several files were concatenated.
    InnerVersion = "inner-version" Warning;
    /// The version is not 1.
    OtherVersion = "other-version" Warning;
    /// A line with a number before the record, as old tools wrote it.
    IdLine = "id-line" Warning;
    /// The blank line between two records is missing.
    MissingBlankLine = "missing-blank-line" Warning;
    /// The line between two records holds spaces or tabs.
    BlankLineWithSpaces = "blank-line-with-spaces" Warning;
    /// Lines that belong to no record (no `dn:` before them); not taken over.
    NoDn = "no-dn" Error;
    /// The DN cannot be read.
    UnreadableDn = "unreadable-dn" Error;
    /// The DN is not one by RFC 4514.
    BadDn = "bad-dn" Warning;
    /// A record with a DN and no attributes.
    NoAttributes = "no-attributes" Warning;
    /// What a program says on the terminal stands between records, as `2>&1` puts it there.
    TerminalOutput = "terminal-output" Warning;
    /// `include:` is never followed.
    Include = "include-ignored" Error;

    // Lines.
    /// A line that starts with a space and continues nothing; not taken over.
    StrayContinuation = "stray-continuation" Error;
    /// A line without a colon; not taken over.
    NoColon = "no-colon" Error;
    /// A continuation line that starts with a TAB instead of a SPACE.
    TabFold = "tab-fold" Warning;
    /// A line of nothing but blanks, no record behind it, was taken as a continuation and adds blanks to the value.
    BlankFold = "blank-fold" Warning;
    /// A line of base64 that lost its leading space was taken as a continuation.
    LostFold = "lost-fold" Warning;
    /// NUL bytes in the text.
    Nul = "nul-bytes" Warning;
    /// A CR inside a value, kept as data.
    BareCr = "bare-cr" Warning;
    /// A line `-` outside a `modify`.
    StraySeparator = "stray-separator" Warning;

    // Attributes and values.
    /// Blanks before the colon.
    BlankBeforeColon = "blank-before-colon" Warning;
    /// An attribute description with a shape outside RFC 4512 (empty option, leading digit).
    OddName = "odd-name" Warning;
    /// Not an attribute description at all; the line was not taken over.
    BadName = "bad-name" Error;
    /// A `;range=` option that cannot be read.
    BadRange = "bad-range" Error;
    /// A plain value that starts with `:` or `<`.
    UnsafeStart = "unsafe-start" Warning;
    /// Text that is not UTF-8 (or not of the code page that was named).
    BadText = "bad-text" Warning;
    /// base64 that is unusual but clear: padding missing or in excess, blanks, trailing bits.
    OddBase64 = "odd-base64" Warning;
    /// base64 that cannot be read; the value is not taken over.
    BadBase64 = "bad-base64" Error;
    /// A `:<` URL that may not be read: no folder was named, another scheme, or outside the folder.
    UrlRefused = "url-refused" Error;
    /// A `:<` URL whose file cannot be read.
    UrlUnreadable = "url-unreadable" Error;

    // Change records.
    /// The record deletes or renames an entry; it was not taken over.
    ChangeIgnored = "change-ignored" Error;
    /// A part of a `modify` that removes values; not taken over.
    ModifyPartIgnored = "modify-part-ignored" Error;
    /// `changetype:` stands behind attributes instead of directly behind the DN.
    LateChangetype = "late-changetype" Warning;
    /// `changetype:` cannot be understood or occurs twice; not taken over.
    BadChangetype = "bad-changetype" Error;
    /// A `control:` of a change record is not applied.
    ControlIgnored = "control-ignored" Warning;
    /// A part of a `modify` does not end with `-`.
    MissingSeparator = "missing-separator" Warning;
    /// A line of a `modify` names another attribute than its `add:` or `replace:`.
    ModifyOtherName = "modify-other-name" Warning;
    /// A line of a `modify` before any `add:`, `replace:` or `delete:`; not taken over.
    ModifyNoOperation = "modify-no-operation" Error;

    // csvde.
    /// A column of a csvde export whose header names no attribute; its cells were not taken over.
    CsvdeColumn = "csvde-column" Error;
    /// A second header in a csvde export: several files were put behind each other; each header holds until the next.
    CsvdeHeaderAgain = "csvde-header-again" Warning;
    /// A row of a csvde export has more or fewer cells than its header; with more, only its DN was taken over.
    CsvdeCells = "csvde-cells" Error;
    /// A value of a csvde export cannot be read as hexadecimal; it was not taken over.
    CsvdeHex = "csvde-hex" Error;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that an administrator should know about the input. Text from the input stands in it unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the input, from 1.
    pub line: u64,
    /// Byte offset in the input where that line starts.
    pub offset: u64,
    /// Warning or error, as the code says.
    pub severity: Severity,
    /// What kind.
    pub code: Code,
    /// The attribute as written, where one is concerned (cut to [`EXCERPT`](super::limits::EXCERPT) bytes).
    pub attribute: Option<String>,
    /// The record's DN, where known (cut to [`PROBLEM_DN`](super::limits::PROBLEM_DN) bytes).
    pub dn: Option<String>,
    /// What was found, what was expected, and what to do.
    pub message: String,
}

impl Problem {
    /// A problem of a code at a place, with neither attribute nor DN.
    #[must_use]
    pub fn new(code: Code, line: u64, offset: u64, message: String) -> Self {
        Problem { line, offset, severity: code.severity(), code, attribute: None, dn: None, message }
    }
}

/// The first bytes of some input text as a quoted string for a message; what is not UTF-8 is shown as `\xNN`.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    cut(bytes, super::limits::EXCERPT)
}

/// Letters of base64 in a row that are not quoted: they may be of a private key that stands where nobody expects it.
/// No word is as long, and no line of PEM but the last is shorter than 64.
const HIDDEN: usize = 40;

/// At most `max` bytes of some text; what is not UTF-8 is shown as `\xNN`, what is left out as `…`, and of many letters
/// of base64 in a row only their number.
pub(crate) fn cut(bytes: &[u8], max: usize) -> String {
    let mut end = bytes.len().min(max);
    if end < bytes.len() {
        // Do not cut a character in two: step back over at most three continuation bytes.
        let mut back = 0;
        while back < 3 && end > 0 && bytes.get(end).is_some_and(|b| b & 0xC0 == 0x80) {
            end -= 1;
            back += 1;
        }
    }
    let mut text = String::with_capacity(end + 3);
    let mut shown = 0;
    // No more is looked at than is needed to tell: a line may have a megabyte, and a thousand problems.
    let near = bytes.get(..end + HIDDEN).unwrap_or(bytes);
    while let Some(run) = letters_of_base64(near, shown).filter(|run| run.start < end) {
        quote(bytes.get(shown..run.start).unwrap_or_default(), &mut text);
        let more = if run.end < near.len() || near.len() == bytes.len() { "" } else { " and more" };
        text.push_str(&format!("…({}{more} letters of base64)…", run.len()));
        shown = run.end;
    }
    quote(bytes.get(shown..end).unwrap_or_default(), &mut text);
    if shown.max(end) < bytes.len() && !text.ends_with('…') {
        text.push('…');
    }
    text
}

fn quote(bytes: &[u8], text: &mut String) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
}

/// The next [`HIDDEN`] or more letters of base64 from `from` on, with what pads them; `CN=` and what follows it are not.
pub(crate) fn letters_of_base64(bytes: &[u8], from: usize) -> Option<std::ops::Range<usize>> {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let letters = |at: usize| bytes.iter().skip(at).take_while(|byte| letter(byte)).count();
    let mut at = from;
    loop {
        let start = at + bytes.get(at..)?.iter().position(letter)?;
        let end = start + letters(start);
        let padding = bytes.iter().skip(end).take_while(|byte| **byte == b'=').count();
        at = end + padding;
        // What a name and `=` stand before is a name's value.
        let value = if padding > 0 { letters(at) } else { 0 };
        if value == 0 && end - start >= HIDDEN {
            return Some(start..at);
        }
        at += value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_kebab_case() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            let text = code.as_str();
            assert!(seen.insert(text), "{text} occurs twice");
            assert!(
                text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{text}"
            );
            assert!(code.explanation().len() > 10, "{text}");
        }
    }

    #[test]
    fn excerpts_do_not_cut_characters_and_show_bad_bytes() {
        assert_eq!(cut("aü".as_bytes(), 2), "a…");
        assert_eq!(cut(b"a\xFFb", 10), "a\\xffb");
        assert_eq!(cut(b"abc", 3), "abc");
        assert!(cut(&[0xBF; 50], 10).ends_with('…'));
    }

    #[test]
    fn what_may_be_a_key_is_not_quoted() {
        let key = "MHcCAQEEIN5lzBtyRv3dsd0h1fUq3nQoAoGCCqGSM49+/wEHoUQ=";
        assert_eq!(cut(key.as_bytes(), 80), "…(52 letters of base64)…");
        assert_eq!(cut(format!("a {key}\u{e4} b").as_bytes(), 80), "a …(52 letters of base64)…\u{e4} b");
        let cut_off = cut(format!("a {key} b").as_bytes(), 12);
        assert_eq!(cut_off, "a …(50 and more letters of base64)…", "what is cut off counts");
        assert_eq!(cut(&key.as_bytes()[..39], 80), key[..39]);
        let name = format!("CN=HealthMailbox{},/o=Org/cn=Recipients/cn=x", "0123456789abcdef".repeat(2));
        assert_eq!(cut(name.as_bytes(), 1024), name);
    }
}
