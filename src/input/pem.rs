//! PEM (RFC 7468) as it occurs: several blocks, text before, between and after, CRLF, no newline at
//! the end. A block that is damaged is reported with its line, and the others are kept. The body of a
//! private key is never decoded.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;

/// A block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// Line of its BEGIN, from 1.
    pub line: u64,
    /// What stands between BEGIN and the dashes.
    pub label: String,
    /// What is in it.
    pub content: Content,
}

/// What is in a block.
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    /// Decoded bytes.
    Bytes(Vec<u8>),
    /// A private key: not looked at.
    Secret,
    /// Damaged, and how.
    Damaged(String),
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Missing padding and stray last bits are forgiven: tools that wrap by hand lose them.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// All blocks of a text, in order.
#[must_use]
pub fn read(text: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut at, mut line, mut counted) = (0, 1u64, 0);
    while let Some(found) = memmem::find(text.get(at..).unwrap_or_default(), BEGIN) {
        let begin = at + found;
        line += newlines(text.get(counted..begin).unwrap_or_default());
        counted = begin;
        let head = text.get(begin + BEGIN.len()..).unwrap_or_default();
        let first = head.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let Some(dashes) = memmem::find(first, DASHES) else {
            at = begin + BEGIN.len();
            continue;
        };
        let label = String::from_utf8_lossy(first.get(..dashes).unwrap_or_default()).trim().to_owned();
        let body_start = begin + BEGIN.len() + dashes + DASHES.len();
        let rest = text.get(body_start..).unwrap_or_default();
        // A block ends at its END; one that was cut off ends where the next one begins.
        let end = memmem::find(rest, END);
        let next = memmem::find(rest, BEGIN);
        let (length, closed) = match (end, next) {
            (Some(end), Some(next)) if next < end => (next, false),
            (Some(end), _) => (end, true),
            (None, Some(next)) => (next, false),
            (None, None) => (rest.len(), false),
        };
        let body = rest.get(..length).unwrap_or_default();
        let content = if label.contains("PRIVATE KEY") {
            Content::Secret
        } else if closed {
            decode(body)
        } else {
            Content::Damaged("its END line is missing".into())
        };
        blocks.push(Block { line, label, content });
        at = body_start + length;
    }
    blocks
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn decode(body: &[u8]) -> Content {
    let mut packed = Vec::with_capacity(body.len());
    for line in body.split(|byte| matches!(byte, b'\r' | b'\n')) {
        // Headers of RFC 1421 (Proc-Type: …) hold a colon, which base64 never does.
        if !line.contains(&b':') {
            packed.extend(line.iter().copied().filter(|byte| !byte.is_ascii_whitespace()));
        }
    }
    match ENGINE.decode(&packed) {
        Ok(bytes) if bytes.is_empty() => Content::Damaged("it is empty".into()),
        Ok(bytes) => Content::Bytes(bytes),
        Err(error) => Content::Damaged(format!("its base64 is damaged: {error}")),
    }
}

/// Whether a label names a certificate.
#[must_use]
pub fn is_certificate(label: &str) -> bool {
    matches!(label, "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" | "X.509 CERTIFICATE")
}

/// Whether a label names a CMS object.
#[must_use]
pub fn is_cms(label: &str) -> bool {
    matches!(label, "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA")
}

/// Whether a label names a CRL.
#[must_use]
pub fn is_crl(label: &str) -> bool {
    matches!(label, "X509 CRL" | "CRL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_out_of_any_text() {
        let text = b"subject=x\n-----BEGIN CERTIFICATE-----\r\nAQID\r\nBA==\r\n-----END CERTIFICATE-----\r\nbetween\n\
            -----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n\
            -----BEGIN X509 CRL-----\nBQ\n-----END X509 CRL-----";
        let blocks = read(text);
        let told: Vec<(u64, &str)> = blocks.iter().map(|block| (block.line, block.label.as_str())).collect();
        assert_eq!(told, [(2, "CERTIFICATE"), (7, "RSA PRIVATE KEY"), (12, "X509 CRL")]);
        assert_eq!(blocks[0].content, Content::Bytes(vec![1, 2, 3, 4]));
        assert_eq!(blocks[1].content, Content::Secret);
        assert_eq!(blocks[2].content, Content::Bytes(vec![5]));
    }

    #[test]
    fn a_damaged_block_does_not_take_the_next_one_along() {
        let text = b"-----BEGIN CERTIFICATE-----\nAQ?D\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nAQID\n\
            -----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n-----BEGIN ";
        let blocks = read(text);
        assert_eq!(blocks.len(), 3);
        assert!(matches!(&blocks[0].content, Content::Damaged(why) if why.contains("base64")));
        assert!(matches!(&blocks[1].content, Content::Damaged(why) if why.contains("END")));
        assert_eq!(blocks[2].content, Content::Bytes(vec![1, 2, 3]));
    }
}
