//! Recognising what an input is from its first bytes: LDIF in which encoding, or what else.
//!
//! An administrator who passes the wrong file should read "this is a gzip archive", not "line 1 has no colon". Something
//! counts as LDIF when a line in its first 64 KiB looks like LDIF (`dn:`, `version:`, a comment, a search trailer), or
//! when its first line at least looks like `attribute: value`.

use super::encoding::{Encoding, Format, LineEnd, Oddities, decode};
use super::limits;
use std::io::{self, Cursor, Read};

/// What an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detected {
    /// LDIF, to be read with this format.
    Ldif(Format),
    /// A `csvde` export, to be read with this format by [`crate::csvde`].
    Csvde(Format),
    /// Something else.
    Other(Foreign),
}

/// What an input is when it is not LDIF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Foreign {
    /// Nothing at all, or only blank lines.
    Empty,
    /// `csvde` output: a first line whose first column is `DN`.
    Csvde,
    /// The same, but the columns are separated by `;` or TAB.
    Spreadsheet,
    /// PEM: `-----BEGIN`.
    Pem,
    /// DER: a SEQUENCE of a plausible length, such as a certificate or PKCS#7.
    Der,
    /// A serialised certificate store (SST).
    Sst,
    /// HTML.
    Html,
    /// XML other than HTML.
    Xml,
    /// JSON.
    Json,
    /// gzip.
    Gzip,
    /// ZIP, also Office documents.
    Zip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
    /// 7-Zip.
    SevenZip,
    /// A JPEG, PNG or GIF image.
    Image,
    /// PDF.
    Pdf,
    /// UTF-32 text.
    Utf32,
    /// Bytes that are not text.
    Binary,
    /// Text of another kind.
    Text,
}

impl Foreign {
    /// Its name for a message.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Foreign::Empty => "empty",
            Foreign::Csvde => "a csvde file (comma-separated values with a DN column)",
            Foreign::Spreadsheet => {
                "a table with a DN column that a spreadsheet has saved (its columns are not separated by commas, and long cells may be cut): export it again with csvde"
            }
            Foreign::Pem => "a PEM file",
            Foreign::Der => "a DER file (such as a certificate or PKCS#7)",
            Foreign::Sst => "a serialised certificate store (SST)",
            Foreign::Html => "HTML",
            Foreign::Xml => "XML",
            Foreign::Json => "JSON",
            Foreign::Gzip => "gzip (a compressed file)",
            Foreign::Zip => "a ZIP archive or Office document",
            Foreign::Bzip2 => "a bzip2 archive: unpack it first",
            Foreign::Xz => "an xz archive: unpack it first",
            Foreign::Zstd => "a Zstandard archive: unpack it first",
            Foreign::SevenZip => "a 7-Zip archive: unpack it first",
            Foreign::Image => "an image",
            Foreign::Pdf => "a PDF document",
            Foreign::Utf32 => "UTF-32 text: save it as UTF-8",
            Foreign::Binary => "binary data",
            Foreign::Text => "text of another kind",
        }
    }
}

/// Magic numbers of what is never text.
const MAGIC: &[(&[u8], Foreign)] = &[
    (b"\x1F\x8B", Foreign::Gzip),
    (b"PK\x03\x04", Foreign::Zip),
    (b"PK\x05\x06", Foreign::Zip),
    (b"BZh", Foreign::Bzip2),
    (b"\xFD7zXZ\0", Foreign::Xz),
    (b"\x28\xB5\x2F\xFD", Foreign::Zstd),
    (b"7z\xBC\xAF\x27\x1C", Foreign::SevenZip),
    (b"\xFF\xD8\xFF", Foreign::Image),
    (b"\x89PNG\r\n", Foreign::Image),
    (b"GIF8", Foreign::Image),
    (b"%PDF-", Foreign::Pdf),
    (b"\0\0\0\0CERT", Foreign::Sst),
    (b"\xFF\xFE\0\0", Foreign::Utf32),
    (b"\0\0\xFE\xFF", Foreign::Utf32),
];

/// Says what an input is that starts with these bytes (the first [`limits::DETECT`], or all if there are fewer).
#[must_use]
pub fn detect(prefix: &[u8]) -> Detected {
    for (magic, foreign) in MAGIC {
        if prefix.starts_with(magic) {
            return Detected::Other(*foreign);
        }
    }
    if is_der(prefix) {
        return Detected::Other(Foreign::Der);
    }
    let (encoding, bom) = encoding(prefix);
    let mut format = Format { encoding, bom, line_end: LineEnd::Lf };
    let mut text = Vec::new();
    decode(prefix.get(bom..).unwrap_or_default(), format, &mut text, &mut Oddities::default());
    if is_cr(&text) {
        format.line_end = LineEnd::Cr;
        for byte in &mut text {
            if *byte == b'\r' {
                *byte = b'\n';
            }
        }
    }
    match kind(&text) {
        None => Detected::Ldif(format),
        // CRs are line ends there anyway.
        Some(Foreign::Csvde) => Detected::Csvde(Format { line_end: LineEnd::Lf, ..format }),
        Some(foreign) => Detected::Other(foreign),
    }
}

/// A reader that gives the bytes that [`sniff`] has read once more, then the rest.
pub type Sniffed<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// Reads the first bytes of an input, says what it is, and gives a reader that starts with those bytes again.
///
/// # Errors
/// What the reader reports.
pub fn sniff<R: Read>(mut reader: R) -> io::Result<(Detected, Sniffed<R>)> {
    let mut prefix = Vec::new();
    reader.by_ref().take(limits::DETECT as u64).read_to_end(&mut prefix)?;
    let detected = detect(&prefix);
    Ok((detected, Cursor::new(prefix).chain(reader)))
}

pub(crate) fn encoding(prefix: &[u8]) -> (Encoding, usize) {
    match prefix {
        [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
        [0xFF, 0xFE, ..] => (Encoding::Utf16Le, 2),
        [0xFE, 0xFF, ..] => (Encoding::Utf16Be, 2),
        // Without a mark: LDIF starts with ASCII characters, whose other byte is zero.
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 && a.is_ascii() && b.is_ascii() => (Encoding::Utf16Le, 0),
        [0, a, 0, b, ..] if *a != 0 && *b != 0 && a.is_ascii() && b.is_ascii() => (Encoding::Utf16Be, 0),
        _ => (Encoding::Utf8, 0),
    }
}

/// A SEQUENCE (0x30 is the digit 0) with a length in one to four bytes or of indefinite length (BER), and in it another
/// tag that containers and certificates start with.
fn is_der(prefix: &[u8]) -> bool {
    match prefix {
        [0x30, 0x80, tag, ..]
        | [0x30, 0x81, _, tag, ..]
        | [0x30, 0x82, _, _, tag, ..]
        | [0x30, 0x83, _, _, _, tag, ..]
        | [0x30, 0x84, _, _, _, _, tag, ..] => {
            matches!(tag, 0x02 | 0x06 | 0x30)
        }
        _ => false,
    }
}

/// Do CRs alone end the lines? What stands behind a CR looks like a line of LDIF, and there is no LF at all, or the
/// first line ends with such a CR and LFs are not more than they (an editor or a concatenation added some). Read with
/// LF as the line end, such a file would be one endless DN.
fn is_cr(text: &[u8]) -> bool {
    let like_line =
        |line: &[u8]| line.is_empty() || matches!(line.first(), Some(b' ' | b'#' | b'-')) || has_name(line);
    let Some(first_lf) = memchr::memchr(b'\n', text) else {
        return text.split(|b| *b == b'\r').skip(1).any(like_line);
    };
    let mut ends = 0;
    for (n, at) in memchr::memchr_iter(b'\r', text).enumerate() {
        let behind = text.get(at + 1..).unwrap_or_default();
        let line = behind.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or_default();
        let ends_line = behind.first() != Some(&b'\n') && like_line(line);
        if n == 0 && (at > first_lf || !ends_line || behind.starts_with(b"\r\n")) {
            return false;
        }
        ends += usize::from(ends_line);
    }
    ends > 0 && ends >= memchr::memchr_iter(b'\n', text).count()
}

/// Does the line look like `attribute: value`?
fn has_name(line: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', line) else {
        return false;
    };
    let name = line.get(..colon).unwrap_or_default().trim_ascii_end();
    !matches!(super::name::shape(name), super::name::Shape::Bad)
}

/// What the text is, `None` for LDIF.
fn kind(mut text: &[u8]) -> Option<Foreign> {
    // A second mark, as concatenation with an empty file leaves it; the parser warns of it.
    while let Some(rest) = text.strip_prefix(b"\xEF\xBB\xBF") {
        text = rest;
    }
    let blank = |b: &u8| b.is_ascii_whitespace() || *b == 0x1A;
    let Some(start) = text.iter().position(|b| !blank(b)) else {
        return Some(Foreign::Empty);
    };
    let body = text.get(start..).unwrap_or_default();
    let starts =
        |tag: &str| body.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag.as_bytes()));
    if starts("<!doctype html") || starts("<html") || starts("<head") || starts("<body") {
        return Some(Foreign::Html);
    }
    if starts("<?xml") || starts("<!--") || starts("<") {
        let lower = body.to_ascii_lowercase();
        let html = memchr::memmem::find(&lower, b"<html").is_some();
        return Some(if html { Foreign::Html } else { Foreign::Xml });
    }
    let first = body.get(..super::line::physical(body, 0).0).unwrap_or_default();
    match dn_column(first) {
        Some(b',') => return Some(Foreign::Csvde),
        Some(_) => return Some(Foreign::Spreadsheet),
        None => {}
    }
    if matches!(first.first(), Some(b'{' | b'[')) && !has_name(first) {
        return Some(Foreign::Json);
    }
    let mut pem = false;
    let mut weak = has_name(first);
    let mut at = 0;
    while at < text.len() {
        if super::line::is_dn(text, at) {
            return None;
        }
        let (end, next) = super::line::physical(text, at);
        let line = text.get(at..end).unwrap_or_default();
        at = next;
        pem |= line.starts_with(b"-----BEGIN ");
        let lower: Vec<u8> = line.iter().take(12).map(u8::to_ascii_lowercase).collect();
        weak |= ["#", "version:", "search:", "result:", "ref:", "include:", "changetype:"]
            .iter()
            .any(|head| lower.starts_with(head.as_bytes()));
    }
    if pem {
        return Some(Foreign::Pem);
    }
    let binary = text.iter().filter(|b| matches!(b, 0..=8 | 0x0E..=0x19 | 0x1B..=0x1F | 0x7F)).count();
    if binary * 20 > text.len() || (!weak && binary > 0) {
        return Some(Foreign::Binary);
    }
    if weak { None } else { Some(Foreign::Text) }
}

/// What separates the columns of a header whose first column is `DN`; a comma when there is only one.
pub(crate) fn dn_column(first: &[u8]) -> Option<u8> {
    let first = first.trim_ascii();
    let end = memchr::memchr3(b',', b';', b'\t', first);
    let column = first.get(..end.unwrap_or(first.len())).unwrap_or_default().trim_ascii();
    let column = column.strip_prefix(b"\"").and_then(|c| c.strip_suffix(b"\"")).unwrap_or(column);
    let separator = end.and_then(|end| first.get(end)).copied().unwrap_or(b',');
    column.trim_ascii().eq_ignore_ascii_case(b"dn").then_some(separator)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn utf16(text: &str, high_first: bool, bom: bool) -> Vec<u8> {
        let text = if bom { format!("\u{FEFF}{text}") } else { text.to_owned() };
        text.encode_utf16().flat_map(|u| if high_first { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    #[test]
    fn encodings_of_ldif() {
        let text = "dn: cn=a\r\ncn: a\r\n";
        let format = |encoding, bom| Detected::Ldif(Format { encoding, bom, line_end: LineEnd::Lf });
        assert_eq!(detect(text.as_bytes()), format(Encoding::Utf8, 0));
        assert_eq!(detect(format!("\u{FEFF}{text}").as_bytes()), format(Encoding::Utf8, 3));
        for (high_first, encoding) in [(false, Encoding::Utf16Le), (true, Encoding::Utf16Be)] {
            assert_eq!(detect(&utf16(text, high_first, true)), format(encoding, 2));
            assert_eq!(detect(&utf16(text, high_first, false)), format(encoding, 0));
        }
    }

    #[test]
    fn line_ends() {
        let end = |text: &[u8]| match detect(text) {
            Detected::Ldif(format) => format.line_end,
            other => panic!("{other:?}"),
        };
        assert_eq!(end(b"dn: cn=a\rcn: a\r"), LineEnd::Cr);
        assert_eq!(end(b"version: 1\r\rdn: cn=a\rcn: a\r"), LineEnd::Cr);
        // One LF, as editors and concatenation add it, does not make the file one line.
        assert_eq!(end(b"dn: cn=a\rcn: a\r\n"), LineEnd::Cr);
        assert_eq!(end(b"dn: cn=a\rcn: a\r\rdn: cn=b\rcn: b\r\n\n"), LineEnd::Cr);
        assert_eq!(end(b"dn: cn=a\r\ncn: a\rsn: b\rou: c\r\n"), LineEnd::Lf);
        assert_eq!(end(b"# a\r\r\ndn: cn=a\r\r\ncn: a\r\r\n"), LineEnd::Lf);
        assert_eq!(end(b"# a\r# b\ndn: cn=a\ncn: a\n"), LineEnd::Lf);
        assert_eq!(end(b"dn: cn=a\rb c"), LineEnd::Lf);
    }

    #[test]
    fn what_counts_as_ldif() {
        for text in [
            "dn:: Y249YQ==\n",
            "DN : cn=a\n",
            "version: 1\n",
            "# a comment\n",
            "search: 2\nresult: 0 Success\n",
            "\n\n1\ndn: cn=a\n",
            "ldap_initialize( x )\ndn: cn=a\n",
            "cn: a\n",
            "ref: ldap://x\n",
            "dn: cn=a\ncn: \x01\x02\x03\n",
        ] {
            assert!(matches!(detect(text.as_bytes()), Detected::Ldif(_)), "{text}");
        }
    }

    #[test]
    fn what_is_something_else() {
        for (bytes, foreign) in [
            (&b""[..], Foreign::Empty),
            (b"\r\n \n", Foreign::Empty),
            (b"\xEF\xBB\xBF", Foreign::Empty),
            (b"DN;objectClass;cn\r\n\"CN=a\";user;a\r\n", Foreign::Spreadsheet),
            (b"dn\tcn\n", Foreign::Spreadsheet),
            (b"-----BEGIN CERTIFICATE-----\nMIIB\n", Foreign::Pem),
            (b"Bag Attributes\n    a: b\n-----BEGIN CERTIFICATE-----\n", Foreign::Pem),
            (b"\x30\x82\x03\x75\x30\x82", Foreign::Der),
            (b"\x30\x80\x06\x09\x2a", Foreign::Der),
            (b"<!DOCTYPE html><pre>\ndn: cn=a\n", Foreign::Html),
            (b"<?xml version='1.0'?><a/>", Foreign::Xml),
            (b"{\"a\": 1}\n", Foreign::Json),
            (b"\x1F\x8B\x08\0", Foreign::Gzip),
            (b"PK\x03\x04", Foreign::Zip),
            (b"\xFF\xD8\xFF\xE0", Foreign::Image),
            (b"\0\0\0\0CERT", Foreign::Sst),
            (b"\xFF\xFEd\0", Foreign::Text),
            (b"\x01\x02\x03\x04", Foreign::Binary),
            (b"Dear all,\nhello\n", Foreign::Text),
        ] {
            assert_eq!(detect(bytes), Detected::Other(foreign), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_csvde() {
        let csvde = |encoding, bom| Detected::Csvde(Format { encoding, bom, line_end: LineEnd::Lf });
        for text in [
            "DN,objectClass,cn\r\n\"CN=a\",user,a\r\n",
            "\"dn\",cn\n",
            "DN,cn\rCN=a,a\r",
            "DN\r\n",
            "\r\n DN ,cn\n",
        ] {
            assert_eq!(detect(text.as_bytes()), csvde(Encoding::Utf8, 0), "{text:?}");
        }
        assert_eq!(detect("\u{FEFF}DN,cn\r\n".as_bytes()), csvde(Encoding::Utf8, 3));
        for (high_first, encoding) in [(false, Encoding::Utf16Le), (true, Encoding::Utf16Be)] {
            assert_eq!(detect(&utf16("DN,cn\r\n", high_first, true)), csvde(encoding, 2));
            assert_eq!(detect(&utf16("DN,cn\r\n", high_first, false)), csvde(encoding, 0));
        }
        assert!(matches!(detect(b"DNS,name\n"), Detected::Other(Foreign::Text)));
    }
}
