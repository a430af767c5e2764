//! Hex, base64 and digests: one way to do each.

use std::sync::LazyLock;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine as _;
use base64::engine::{GeneralPurposeConfig, Simd};

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&SHA256, bytes).as_ref());
    out
}

/// SHA-256 of what comes piece by piece.
#[derive(Clone)]
pub struct Hasher(digest::Context);

impl Default for Hasher {
    fn default() -> Self {
        Self(digest::Context::new(&SHA256))
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

impl Hasher {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.finish().as_ref());
        out
    }
}

/// SHA-1, Windows' thumbprint; an identifier here, never a proof.
#[must_use]
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    out
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    separated(bytes, b"")
}

/// Lower-case hex with colons between the bytes.
#[must_use]
pub fn hex_with_colons(bytes: &[u8]) -> String {
    separated(bytes, b":")
}

fn separated(bytes: &[u8], separator: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = Vec::with_capacity(bytes.len() * (2 + separator.len()));
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(separator);
        }
        // Both indexes are below 16.
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    // ASCII is always text.
    String::from_utf8(out).unwrap_or_default()
}

/// Bytes of hex digits in any case, with or without colons and blanks between them, and without the
/// invisible marks that Windows' dialog puts before a thumbprint. `None` when anything else stands there or
/// a digit is missing.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let between = |c: &char| c.is_whitespace() || matches!(c, ':' | '\u{200e}' | '\u{200f}' | '\u{feff}');
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !between(c))
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    pairs.remainder().is_empty().then(|| pairs.map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Base64 with padding (RFC 4648 section 4).
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::standard(GeneralPurposeConfig::new()));
    ENGINE.encode(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_values() {
        assert_eq!(super::hex(&super::sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(super::hex(&super::sha256(b"abc")).starts_with("ba7816bf8f01cfea"));
        assert_eq!(super::hex_with_colons(&[1, 0xaf]), "01:af");
        assert_eq!(super::base64(b"f"), "Zg==");
        assert_eq!(super::unhex("\u{200e}0A:b1 ff"), Some(vec![0x0a, 0xb1, 0xff]));
        assert_eq!(super::unhex("abc"), None);
        assert_eq!(super::unhex("0g"), None);
    }
}
