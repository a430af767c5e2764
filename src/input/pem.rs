//! PEM blocks (RFC 7468) in any text around them.
//!
//! Bytes first: explanatory text may stand before, between and behind blocks in any encoding. A block
//! that is damaged is a problem with its line, and the others are kept. A block whose label names a
//! private key is recognised by the label alone; its contents are neither decoded nor kept.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;

/// Standard alphabet; padding may be missing and trailing bits may be set, as other readers allow.
pub(crate) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Longest label that is read. RFC 7468 knows none above 25 characters.
const MAX_LABEL: usize = 80;

/// One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The words between `-----BEGIN ` and `-----`.
    pub label: String,
    /// Line of the BEGIN line, from 1.
    pub line: u64,
    /// Byte offset of `-----BEGIN`.
    pub at: usize,
    /// What it holds.
    pub content: Content,
}

/// What a block holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The decoded bytes.
    Der(Vec<u8>),
    /// The label names a private key; the contents were not looked at.
    Secret,
    /// The block cannot be decoded.
    Bad {
        /// Line of the defect, from 1.
        line: u64,
        /// What is wrong.
        problem: PemProblem,
    },
}

/// Why a block cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemProblem {
    /// The text ends, or another block begins, before the END line.
    #[error("the block has no END line; the file was cut off or the line is missing")]
    NoEnd,
    /// The END line has another label.
    #[error("the block ends as `{0}`; BEGIN and END must have the same label")]
    OtherEnd(String),
    /// A byte that is not base64.
    #[error("byte {0:#04x} is not base64")]
    NotBase64(u8),
    /// The characters are base64, their number or padding is not.
    #[error("the base64 text is incomplete or badly padded")]
    Incomplete,
    /// There is nothing between BEGIN and END.
    #[error("the block is empty")]
    Empty,
}

/// What a label announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A certificate: `CERTIFICATE`, `X509 CERTIFICATE`, `X.509 CERTIFICATE`, `TRUSTED CERTIFICATE`
    /// (OpenSSL: with trust settings behind the certificate).
    Certificate,
    /// CMS or PKCS#7: `PKCS7`, `CMS`, `PKCS #7 SIGNED DATA`.
    Cms,
    /// A CRL: `X509 CRL`, `CRL`.
    Crl,
    /// Any label with `PRIVATE KEY`.
    PrivateKey,
    /// Another label.
    Other,
}

/// Sorts a label.
#[must_use]
pub fn label(label: &str) -> Label {
    let upper = label.trim().to_ascii_uppercase();
    if upper.contains("PRIVATE KEY") {
        return Label::PrivateKey;
    }
    match upper.as_str() {
        "CERTIFICATE" | "X509 CERTIFICATE" | "X.509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
            Label::Certificate
        }
        "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" | "PKCS#7" => Label::Cms,
        "X509 CRL" | "CRL" | "X.509 CRL" => Label::Crl,
        _ => Label::Other,
    }
}

/// All blocks, in order.
#[must_use]
pub fn blocks(bytes: &[u8]) -> Vec<Block> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let finder = memmem::Finder::new(BEGIN);
    let mut out = Vec::new();
    let mut lines = Lines { bytes, at: 0, line: 1 };
    let mut from = 0usize;
    while let Some(found) = bytes.get(from..).and_then(|rest| finder.find(rest)) {
        let at = from + found;
        let after = at + BEGIN.len();
        from = after;
        let rest = bytes.get(after..).unwrap_or_default();
        // A label ends in five dashes on its own line; else these words are prose.
        let window = rest.get(..rest.len().min(MAX_LABEL + 5)).unwrap_or_default();
        let Some(end) = memmem::find(window, b"-----") else { continue };
        let words = window.get(..end).unwrap_or_default();
        if words.iter().any(|b| !(0x20..0x7f).contains(b)) {
            continue;
        }
        let name = String::from_utf8_lossy(words).trim().to_owned();
        let body_at = after + end + 5;
        let body = bytes.get(body_at..).unwrap_or_default();
        let line = lines.of(at);
        let (content, length) = content(&name, body, body_at, &mut lines);
        from = body_at + length;
        out.push(Block { label: name, line, at, content });
    }
    out
}

/// The contents of a block that begins at `body`, and how many bytes belong to it.
fn content(name: &str, body: &[u8], body_at: usize, lines: &mut Lines<'_>) -> (Content, usize) {
    let next = memmem::find(body, b"-----BEGIN ").unwrap_or(body.len());
    let block = body.get(..next).unwrap_or_default();
    let end = memmem::find(block, b"-----END ");
    if label(name) == Label::PrivateKey {
        return (Content::Secret, end.unwrap_or(next));
    }
    let Some(end) = end else {
        let line = lines.of(body_at + next);
        return (Content::Bad { line, problem: PemProblem::NoEnd }, next);
    };
    let tail = block.get(end + b"-----END ".len()..).unwrap_or_default();
    let end_name = memmem::find(tail, b"-----").and_then(|n| tail.get(..n)).unwrap_or_default();
    if end_name.trim_ascii() != name.as_bytes() {
        let found: String = String::from_utf8_lossy(end_name).chars().take(MAX_LABEL).collect();
        let line = lines.of(body_at + end);
        return (Content::Bad { line, problem: PemProblem::OtherEnd(found) }, end);
    }
    let text = block.get(..end).unwrap_or_default();
    let skipped = headers(text);
    let text = text.get(skipped..).unwrap_or_default();
    match decode(text) {
        Ok(der) => (Content::Der(der), end),
        Err((offset, problem)) => {
            let line = lines.of(body_at + skipped + offset);
            (Content::Bad { line, problem }, end)
        }
    }
}

/// Length of the headers of RFC 1421 at the beginning of a block: lines with a colon, and folds.
fn headers(text: &[u8]) -> usize {
    let mut length = 0usize;
    let mut any = false;
    for line in text.split_inclusive(|b| *b == b'\n') {
        let trimmed = line.trim_ascii();
        let fold = any && line.first().is_some_and(|b| matches!(b, b' ' | b'\t'));
        if trimmed.contains(&b':') || (fold && !trimmed.is_empty()) {
            any = true;
        } else if !(trimmed.is_empty() && (!any || length > 0)) {
            break;
        }
        length += line.len();
        if any && trimmed.is_empty() {
            break;
        }
    }
    if any { length } else { 0 }
}

/// Decodes base64 with white space in it; the error names the offset.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, (usize, PemProblem)> {
    let mut clean = Vec::with_capacity(text.len());
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' => clean.push(byte),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            other => return Err((at, PemProblem::NotBase64(other))),
        }
    }
    if clean.is_empty() {
        return Err((0, PemProblem::Empty));
    }
    LENIENT.decode(&clean).map_err(|_| (text.trim_ascii_end().len(), PemProblem::Incomplete))
}

/// Counts lines up to offsets that only grow: CR LF, LF and CR each end one.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    fn of(&mut self, offset: usize) -> u64 {
        let offset = offset.min(self.bytes.len());
        for at in self.at..offset {
            let lone_cr = || self.bytes.get(at + 1) != Some(&b'\n');
            match self.bytes.get(at) {
                Some(b'\n') => self.line += 1,
                Some(b'\r') if lone_cr() => self.line += 1,
                _ => {}
            }
        }
        self.at = self.at.max(offset);
        self.line
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn blocks_with_text_around_them() {
        let text = b"subject: x\r\n-----BEGIN CERTIFICATE-----\r\nAQID\r\n-----END CERTIFICATE-----\r\n\
            between\r\n-----BEGIN X509 CRL-----\r\nBA==\r\n-----END X509 CRL-----";
        let found = blocks(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].line, &found[0].content), (2, &Content::Der(vec![1, 2, 3])));
        assert_eq!((found[1].line, &found[1].content), (6, &Content::Der(vec![4])));
        assert_eq!(label(&found[1].label), Label::Crl);
    }

    #[test]
    fn damage_stays_in_its_block() {
        let text = "-----BEGIN CERTIFICATE-----\nAQ!D\n-----END CERTIFICATE-----\n\
            -----BEGIN CERTIFICATE-----\nAQID\n-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n\
            -----BEGIN CERTIFICATE-----\nAQID\n-----END CRL-----\n-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
        let problems: Vec<_> = blocks(text.as_bytes()).into_iter().map(|b| (b.line, b.content)).collect();
        assert_eq!(problems[0], (1, Content::Bad { line: 2, problem: PemProblem::NotBase64(b'!') }));
        assert_eq!(problems[1], (4, Content::Bad { line: 6, problem: PemProblem::NoEnd }));
        assert_eq!(problems[2], (6, Content::Der(vec![1, 2, 3])));
        assert_eq!(problems[3].1, Content::Bad { line: 11, problem: PemProblem::OtherEnd("CRL".into()) });
        assert!(matches!(problems[4].1, Content::Bad { problem: PemProblem::Empty, .. }));
    }

    #[test]
    fn private_keys_are_not_decoded() {
        for name in ["PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK"] {
            let text = format!("-----BEGIN {name}-----\nAQID\n");
            assert_eq!(blocks(text.as_bytes())[0].content, Content::Secret, "{name}");
        }
    }

    #[test]
    fn headers_and_one_line_blocks() {
        let text =
            b"-----BEGIN CERTIFICATE-----\nProc-Type: 4,CLEAR\n  more\n\nAQID\n-----END CERTIFICATE-----";
        assert_eq!(blocks(text)[0].content, Content::Der(vec![1, 2, 3]));
        let text = b"-----BEGIN CERTIFICATE-----AQID-----END CERTIFICATE-----";
        assert_eq!(blocks(text)[0].content, Content::Der(vec![1, 2, 3]));
    }
}
