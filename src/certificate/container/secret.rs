//! Recognising private keys, so that they are named and never copied.
//!
//! The question is not "is this a valid key" but "could this be one": what looks like the beginning
//! of a key counts as a key, truncated or not. Whoever has put one into a directory must be told.
//! Sources: RFC 5208 and RFC 5958 (PKCS#8), RFC 8017 (PKCS#1), RFC 5915 (SEC1), RFC 7292 (PKCS#12).

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

use crate::certificate::tlv::tag;

/// What kind of private key was found. `Display` is the name for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Secret {
    /// A PKCS#12 store, which may hold a private key.
    #[error("a PKCS#12 store (it may hold a private key)")]
    Pkcs12,
    /// PKCS#8 `PrivateKeyInfo`.
    #[error("a private key (PKCS#8)")]
    Pkcs8,
    /// PKCS#8 `EncryptedPrivateKeyInfo`.
    #[error("an encrypted private key (PKCS#8)")]
    EncryptedPkcs8,
    /// PKCS#1 `RSAPrivateKey`, or the traditional DSA form of the same shape.
    #[error("a private key (PKCS#1 or a traditional form)")]
    Pkcs1,
    /// SEC1 `ECPrivateKey`.
    #[error("a private key (SEC1)")]
    Sec1,
    /// Text with a PEM block whose label names a private key.
    #[error("a private key (PEM)")]
    Pem,
    /// Another store or key format: Java key store, PVK, CryptoAPI or CNG blob, OpenSSH, PuTTY.
    #[error("a private key or key store")]
    Other,
}

/// Begins the marker that stands in place of a key that was withheld from the spool.
pub const WITHHELD_PREFIX: &[u8] = b"WITHHELD-KEY:";

/// Length of the whole marker: the prefix, one digit for the kind, a line feed. Divisible by three, so
/// that its base64 form needs no padding and can be written over the beginning of a longer value.
pub const WITHHELD_LENGTH: usize = 15;

impl Secret {
    const ALL: [Self; 7] =
        [Self::Pkcs12, Self::Pkcs8, Self::EncryptedPkcs8, Self::Pkcs1, Self::Sec1, Self::Pem, Self::Other];

    /// The marker that replaces the beginning of a withheld value.
    #[must_use]
    pub fn marker(self) -> [u8; WITHHELD_LENGTH] {
        let mut out = [b'\n'; WITHHELD_LENGTH];
        let (prefix, rest) = out.split_at_mut(WITHHELD_PREFIX.len());
        prefix.copy_from_slice(WITHHELD_PREFIX);
        let number = Self::ALL.iter().position(|s| *s == self).unwrap_or(Self::ALL.len() - 1);
        rest[0] = b'0' + number as u8; // two octets are left behind the prefix
        out
    }

    fn from_marker(bytes: &[u8]) -> Option<Self> {
        let digit = bytes.strip_prefix(WITHHELD_PREFIX)?.first()?;
        Some(Self::ALL.get(usize::from(digit.wrapping_sub(b'0'))).copied().unwrap_or(Self::Other))
    }
}

/// An element's header and as much of its contents as is there: keys are recognised by their first
/// bytes even when the rest is missing.
struct Head<'a> {
    tag: u8,
    contents: &'a [u8],
    rest: &'a [u8],
}

fn head(bytes: &[u8]) -> Option<Head<'_>> {
    let (&tag, tail) = bytes.split_first()?;
    let (&octet, tail) = tail.split_first()?;
    let (length, tail) = match octet {
        0x80 => (usize::MAX, tail),
        0..0x80 => (usize::from(octet), tail),
        _ => {
            let (field, tail) = tail.split_at_checked(usize::from(octet & 0x7f))?;
            let length =
                field.iter().fold(0usize, |sum, b| sum.saturating_mul(256).saturating_add(usize::from(*b)));
            (length, tail)
        }
    };
    let (contents, rest) = tail.split_at_checked(length).unwrap_or((tail, &[]));
    Some(Head { tag, contents, rest })
}

/// 1.2.840.113549.1.12: PKCS#12.
const PKCS12_ARC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c];
/// 1.2.840.113549.2 and 1.3.14.3.2, 2.16.840.1.101.3.4.2: digests, as in a `DigestInfo`.
const DIGEST_ARCS: [&[u8]; 3] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02],
    &[0x2b, 0x0e, 0x03, 0x02],
    &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02],
];

/// Whether these bytes begin like a private key in a binary form, or like the marker of a withheld
/// one. A prefix of 128 bytes is enough. Text is looked at by [`find_secret_text`].
#[must_use]
pub fn detect_secret(prefix: &[u8]) -> Option<Secret> {
    match prefix.first()? {
        &tag::SEQUENCE => detect_sequence(prefix),
        b'W' => Secret::from_marker(prefix),
        0xfe | 0xce if prefix.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) || prefix.starts_with(&[0xce; 4]) => {
            Some(Secret::Other)
        }
        0x1e if prefix.starts_with(&[0x1e, 0xf1, 0xb5, 0xb0]) => Some(Secret::Other),
        0x07 if prefix.get(1) == Some(&2)
            && prefix.get(8..11).is_some_and(|m| m == b"RSA" || m == b"DSS") =>
        {
            (prefix.get(11) == Some(&b'2')).then_some(Secret::Other)
        }
        b'R' if prefix.starts_with(b"RSA2") || prefix.starts_with(b"RSA3") => Some(Secret::Other),
        b'o' if prefix.starts_with(b"openssh-key-v1\0") => Some(Secret::Other),
        b'P' if prefix.starts_with(b"PuTTY-User-Key-File-") => Some(Secret::Other),
        _ => None,
    }
}

fn detect_sequence(prefix: &[u8]) -> Option<Secret> {
    let outer = head(prefix)?;
    let one = head(outer.contents)?;
    match one.tag {
        tag::INTEGER => {
            // A version: one octet, leading zeros aside. A serial number or modulus is longer.
            let version = match one.contents.iter().position(|b| *b != 0) {
                None if one.contents.is_empty() => return None,
                None => 0,
                Some(at) if at + 1 == one.contents.len() => *one.contents.get(at)?,
                Some(_) => return None,
            };
            match head(one.rest)?.tag {
                tag::SEQUENCE if version == 3 => Some(Secret::Pkcs12),
                tag::SEQUENCE => Some(Secret::Pkcs8),
                tag::INTEGER if version <= 2 => Some(Secret::Pkcs1),
                tag::OCTET_STRING | tag::OCTET_STRING_CONSTRUCTED => Some(Secret::Sec1),
                _ => None,
            }
        }
        tag::SEQUENCE => {
            let algorithm = head(one.contents).filter(|a| a.tag == tag::OID)?.contents;
            if algorithm.starts_with(PKCS12_ARC) {
                // Password-based encryption of PKCS#12, or a bag of a store without its frame.
                return Some(Secret::EncryptedPkcs8);
            }
            let octets = matches!(head(one.rest)?.tag, tag::OCTET_STRING | tag::OCTET_STRING_CONSTRUCTED);
            (octets && !DIGEST_ARCS.iter().any(|arc| algorithm.starts_with(arc)))
                .then_some(Secret::EncryptedPkcs8)
        }
        // A single bag of a PKCS#12 store that holds a key: keyBag, shroudedKeyBag.
        tag::OID => matches!(one.contents.strip_prefix(PKCS12_ARC), Some([0x0a, 0x01, 0x01 | 0x02]))
            .then_some(Secret::Pkcs12),
        _ => None,
    }
}

/// The attribute for PKCS#12 stores (RFC 2798 section 2.7), by name and OID.
const KEY_ATTRIBUTES: [&[u8]; 2] = [b"userpkcs12", b"2.16.840.1.113730.3.1.216"];

/// Whether an attribute, with its options if it has any, is the one for private keys.
#[must_use]
pub fn is_key_attribute(name: &[u8]) -> bool {
    let name = name.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    let name = if name.len() > 4 && name.get(..4).is_some_and(|p| p.eq_ignore_ascii_case(b"oid.")) {
        name.get(4..).unwrap_or_default()
    } else {
        name
    };
    KEY_ATTRIBUTES.iter().any(|k| name.eq_ignore_ascii_case(k))
}

const WORDS: &[u8] = b"PRIVATE KEY";

/// Every text of every object is searched for them, so they are prepared once.
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(WORDS));

/// Where text names a private key as PEM does (`-----BEGIN … PRIVATE KEY`), in any text around it,
/// in one-byte characters or UTF-16. Gives the byte offset of the words.
#[must_use]
pub fn find_secret_text(bytes: &[u8]) -> Option<usize> {
    for at in FINDER.find_iter(bytes) {
        let rest = bytes.get(at + WORDS.len()..).unwrap_or_default();
        if rest.is_empty() || rest.starts_with(b"-") || rest.starts_with(b" BLOCK") {
            return Some(at);
        }
    }
    if bytes.contains(&0) {
        let wide: Vec<u8> = WORDS.iter().flat_map(|b| [*b, 0]).collect();
        // Without the last zero it is found in either byte order.
        return memmem::find(bytes, wide.get(..wide.len() - 1).unwrap_or_default());
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::slices::tests::{USER, certificate, nest, tlv};
    use super::*;

    #[test]
    fn keys_are_recognised_by_their_first_bytes() {
        let rsa = nest(0x30, &[tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]), tlv(5, &[])]);
        let pkcs8 = nest(0x30, &[tlv(2, &[0]), rsa.clone(), tlv(4, &[1; 200])]);
        assert_eq!(detect_secret(&pkcs8), Some(Secret::Pkcs8));
        assert_eq!(detect_secret(&pkcs8[..40]), Some(Secret::Pkcs8), "a truncated key is a key");
        let pkcs1 = nest(0x30, &[tlv(2, &[0]), tlv(2, &[1; 129])]);
        assert_eq!(detect_secret(&pkcs1), Some(Secret::Pkcs1));
        assert_eq!(detect_secret(&nest(0x30, &[tlv(2, &[1]), tlv(4, &[9; 32])])), Some(Secret::Sec1));
        let pbes2 = nest(0x30, &[tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 0x0d])]);
        assert_eq!(detect_secret(&nest(0x30, &[pbes2, tlv(4, &[9; 64])])), Some(Secret::EncryptedPkcs8));
        let data = nest(0x30, &[tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1])]);
        assert_eq!(detect_secret(&nest(0x30, &[tlv(2, &[3]), data.clone()])), Some(Secret::Pkcs12));
        let ber = [&[0x30, 0x80, 2, 1, 3, 0x30, 0x80][..], &data[2..]].concat();
        assert_eq!(detect_secret(&ber), Some(Secret::Pkcs12), "BER with indefinite lengths");
    }

    #[test]
    fn what_is_no_key_is_left_alone() {
        assert_eq!(detect_secret(&certificate(USER)), None);
        let sha1 = nest(0x30, &[tlv(6, &[0x2b, 0x0e, 3, 2, 0x1a]), tlv(5, &[])]);
        assert_eq!(detect_secret(&nest(0x30, &[sha1, tlv(4, &[0; 20])])), None, "DigestInfo");
        let public = nest(0x30, &[tlv(2, &[0x7f; 128]), tlv(2, &[1, 0, 1])]);
        assert_eq!(detect_secret(&public), None, "a public key");
        let naked = nest(0x30, &[tlv(2, &[1]), tlv(0x31, &[])]);
        assert_eq!(detect_secret(&naked), None, "a naked SignedData");
    }

    #[test]
    fn markers_and_text() {
        for secret in Secret::ALL {
            assert_eq!(detect_secret(&secret.marker()), Some(secret));
        }
        let text = b"see below\n-----BEGIN RSA PRIVATE KEY-----\nAAAA";
        assert_eq!(find_secret_text(text), Some(25));
        let wide: Vec<u8> = text.iter().flat_map(|b| [0, *b]).collect();
        assert!(find_secret_text(&wide).is_some());
        assert_eq!(find_secret_text(b"the PRIVATE KEY is elsewhere"), None);
    }
}
