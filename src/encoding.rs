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
    let mut out = vec![0; 2 * bytes.len()];
    for (pair, byte) in out.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = digits(*byte);
    }
    // ASCII is always text.
    String::from_utf8(out).unwrap_or_default()
}

/// Lower-case hex with colons between the bytes.
#[must_use]
pub fn hex_with_colons(bytes: &[u8]) -> String {
    let mut out = vec![0; 3 * bytes.len()];
    for (triple, byte) in out.as_chunks_mut().0.iter_mut().zip(bytes) {
        let [high, low] = digits(*byte);
        *triple = [high, low, b':'];
    }
    // None behind the last.
    out.pop();
    String::from_utf8(out).unwrap_or_default()
}

/// The two hex digits of a byte.
fn digits(byte: u8) -> [u8; 2] {
    // Reckoned and not looked up: the compiler does many at once.
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
    [digit(byte >> 4), digit(byte & 15)]
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

/// Whether one of the bytes is what `is` asks for. Sixteen at a time: a run looks at gigabytes of short texts.
pub(crate) fn any(bytes: &[u8], is: impl Fn(u8) -> bool) -> bool {
    fn some<const N: usize>(chunk: &[u8; N], is: impl Fn(u8) -> bool) -> bool {
        // Each byte is asked, without a jump in between: the compiler asks all of them at once.
        chunk.iter().fold(0, |any, byte| any | u8::from(is(*byte))) != 0
    }
    // The last ones overlap those before them.
    if let Some(last) = bytes.last_chunk::<16>() {
        return some(last, &is) || bytes.as_chunks::<16>().0.iter().any(|chunk| some(chunk, &is));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        return some(first, &is) || some(last, &is);
    }
    bytes.iter().any(|byte| is(*byte))
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
    fn a_byte_is_seen_wherever_it_stands() {
        for length in 0..70 {
            for place in 0..length {
                let mut bytes = vec![b'a'; length];
                assert!(!super::any(&bytes, |byte| byte == b'x'));
                bytes[place] = b'x';
                assert!(super::any(&bytes, |byte| byte == b'x'), "{place} of {length}");
            }
        }
    }

    #[test]
    fn known_values() {
        assert_eq!(super::hex(&super::sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(super::hex(&super::sha256(b"abc")).starts_with("ba7816bf8f01cfea"));
        assert_eq!(super::hex_with_colons(&[1, 0xaf]), "01:af");
        assert_eq!(super::hex_with_colons(&[]), "");
        for byte in 0..=u8::MAX {
            assert_eq!(super::hex(&[byte, byte]), format!("{byte:02x}{byte:02x}"));
            assert_eq!(super::hex_with_colons(&[byte]), format!("{byte:02x}"));
        }
        assert_eq!(super::base64(b"f"), "Zg==");
        assert_eq!(super::unhex("\u{200e}0A:b1 ff"), Some(vec![0x0a, 0xb1, 0xff]));
        assert_eq!(super::unhex("abc"), None);
        assert_eq!(super::unhex("0g"), None);
    }
}
