//! What certificates travel in: CMS objects, tag lists, or nothing at all.
//!
//! A value of userSMIMECertificate has one of four forms (RFC 2798 section 2.8; MS-OXOABK section
//! 2.2.4.36; bare certificates occur). [`classify`] tells them apart by structure and recognises
//! private keys; [`cms`] and [`taglist`] take the certificates out as slices of the original bytes,
//! so that one odd certificate never loses the others; [`own`] finds the user's own one.

pub mod cms;
pub mod own;
pub mod signer;
pub mod taglist;

use memchr::memmem;

use super::tlv::{self, Element, Walker, tag};
use cms::SignedData;
use taglist::TagList;

/// What a value is, by its structure.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// A bare certificate.
    Certificate,
    /// A CMS ContentInfo with SignedData (RFC 5652 section 5).
    Cms(SignedData<'a>),
    /// A SignedData without its ContentInfo.
    NakedSignedData(SignedData<'a>),
    /// The tag list of MS-OXOABK section 2.2.4.36.
    TagList(TagList<'a>),
    /// PEM text.
    Pem,
    /// A private key, or a container that may hold one; the text names it.
    Secret(&'static str),
    /// None of these: what was found, with the byte.
    Unknown(String),
}

/// Arcs of id-signedData, 1.2.840.113549.1.7.2.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// Arcs of id-data and of PKCS#7's own arc, which content types begin with.
const PKCS7: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7];

/// Certificates that one container may hold. National trust lists hold some 500; the rest of a
/// larger one is reported and left out.
pub const CERTIFICATES: usize = 2_000;

/// Says what a value is. Recognition of private keys comes first: whatever may be one is one.
#[must_use]
pub fn classify(bytes: &[u8]) -> Value<'_> {
    if let Some(kind) = secret(bytes) {
        return Value::Secret(kind);
    }
    if memmem::find(bytes, b"-----BEGIN ").is_some() && bytes.first() != Some(&tag::SEQUENCE) {
        return Value::Pem;
    }
    if bytes.first() != Some(&tag::SEQUENCE) {
        return match TagList::read(bytes) {
            Ok(list) => Value::TagList(list),
            Err(why) => Value::Unknown(why),
        };
    }
    let whole = match tlv::first(bytes) {
        Ok(whole) => whole,
        Err(error) => return Value::Unknown(error.to_string()),
    };
    let unknown = |error: tlv::TlvError| Value::Unknown(format!("inside the SEQUENCE, {error}"));
    match Walker::new(whole.contents).peek() {
        Some(tag::OID) => match cms::content(whole.contents) {
            Ok((SIGNED_DATA, content)) => match SignedData::read(content) {
                Ok(signed) => Value::Cms(signed),
                Err(error) => {
                    Value::Unknown(format!("a CMS object whose SignedData cannot be read: {error}"))
                }
            },
            Ok((other, _)) => Value::Unknown(format!(
                "a CMS object that is no SignedData (content type {})",
                super::Oid(other)
            )),
            Err(error) => unknown(error),
        },
        Some(tag::INTEGER) => match SignedData::read(whole) {
            Ok(signed) => Value::NakedSignedData(signed),
            Err(error) => Value::Unknown(format!("a SEQUENCE that is no SignedData: {error}")),
        },
        Some(tag::SEQUENCE) => Value::Certificate,
        Some(other) => Value::Unknown(format!(
            "a SEQUENCE that begins with tag {other:#04x} at byte {}",
            whole.raw.len() - whole.contents.len()
        )),
        None => Value::Unknown("an empty SEQUENCE".into()),
    }
}

/// Names the private key, or the container that may hold one, that bytes are; in DER or BER, or as
/// PEM text anywhere in them.
#[must_use]
pub fn secret(bytes: &[u8]) -> Option<&'static str> {
    if pem_secret(bytes) {
        return Some("a private key in PEM");
    }
    if bytes.first() != Some(&tag::SEQUENCE) {
        return None;
    }
    // A cut-off key is still a key: only the beginning is looked at, whatever length is promised.
    let contents = contents_of_sequence(bytes)?;
    let mut walker = Walker::new(contents);
    match walker.peek()? {
        tag::INTEGER => {
            let version = walker.next().ok()?;
            match (version.contents, walker.peek()?) {
                // PKCS#12 (RFC 7292 section 4): version 3, then a ContentInfo of data or signedData.
                ([3], tag::SEQUENCE) => {
                    let inside = contents_of_sequence(walker.rest())?;
                    let oid = Walker::new(inside).expect(tag::OID).ok()?;
                    oid.contents.starts_with(PKCS7).then_some("a PKCS#12 container")
                }
                // PKCS#8 (RFC 5958): version 0 or 1, AlgorithmIdentifier, OCTET STRING.
                ([0 | 1], tag::SEQUENCE) => {
                    let inside = contents_of_sequence(walker.rest())?;
                    Walker::new(inside).expect(tag::OID).ok()?;
                    walker.next().ok()?;
                    (walker.peek() == Some(tag::OCTET_STRING)).then_some("a private key (PKCS#8)")
                }
                // RSAPrivateKey (RFC 8017 section A.1.2) and DSA: version, then more integers.
                ([0 | 1], tag::INTEGER) => {
                    // No container and no certificate begins with two integers.
                    Some("a private key (PKCS#1)")
                }
                // ECPrivateKey (RFC 5915): version 1, OCTET STRING.
                ([1], tag::OCTET_STRING) => Some("a private key (SEC 1)"),
                _ => None,
            }
        }
        // EncryptedPrivateKeyInfo (RFC 5958 section 3): AlgorithmIdentifier of PKCS#5 or PKCS#12,
        // OCTET STRING.
        tag::SEQUENCE => {
            let algorithm = contents_of_sequence(walker.rest())?;
            let oid = Walker::new(algorithm).expect(tag::OID).ok()?;
            const PKCS5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5];
            const PKCS12_PBE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12];
            (oid.contents.starts_with(PKCS5) || oid.contents.starts_with(PKCS12_PBE))
                .then_some("an encrypted private key (PKCS#8)")
        }
        _ => None,
    }
}

/// Whether a PEM block of a private key begins somewhere in the bytes (RFC 7468).
fn pem_secret(bytes: &[u8]) -> bool {
    memmem::find_iter(bytes, b"-----BEGIN ").any(|at| {
        let label = bytes.get(at + 11..).unwrap_or_default();
        let line = label.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        memmem::find(line.get(..line.len().min(100)).unwrap_or_default(), b"PRIVATE KEY").is_some()
    })
}

/// The contents of the SEQUENCE that begins here, as far as they are there.
fn contents_of_sequence(bytes: &[u8]) -> Option<&[u8]> {
    let (&first, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if first != tag::SEQUENCE {
        return None;
    }
    match length {
        0..=0x80 => Some(rest),
        _ => rest.get(usize::from(length & 0x7f)..),
    }
}

/// The elements of a run, as far as they can be read, and what stopped the reading.
fn elements(contents: &[u8]) -> (Vec<Element<'_>>, Option<String>) {
    let mut walker = Walker::new(contents);
    let mut found = Vec::new();
    while !walker.is_empty() {
        match walker.next() {
            Ok(element) => found.push(element),
            Err(error) => return (found, Some(error.to_string())),
        }
    }
    (found, None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// `tag`, short length, contents.
    pub(super) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let contents = parts.concat();
        let mut out = vec![tag];
        match contents.len() {
            length @ 0..0x80 => out.push(u8::try_from(length).unwrap()),
            length => {
                out.push(0x82);
                out.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
        }
        out.extend(contents);
        out
    }

    fn oid(arcs: &[u8]) -> Vec<u8> {
        tlv(tag::OID, &[arcs])
    }

    #[test]
    fn private_keys_are_recognised_even_when_cut_off() {
        let int = |n: u8| tlv(tag::INTEGER, &[&[n]]);
        let rsa = oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]);
        let algorithm = tlv(tag::SEQUENCE, &[&rsa]);
        let octets = tlv(tag::OCTET_STRING, &[&[7; 40]]);
        let pkcs8 = tlv(tag::SEQUENCE, &[&int(0), &algorithm, &octets]);
        assert_eq!(secret(&pkcs8), Some("a private key (PKCS#8)"));
        assert_eq!(secret(&pkcs8[..30]), Some("a private key (PKCS#8)"), "cut off");
        let pkcs1 = tlv(tag::SEQUENCE, &[&int(0), &tlv(tag::INTEGER, &[&[5; 64]]), &int(3), &int(9)]);
        assert_eq!(secret(&pkcs1), Some("a private key (PKCS#1)"));
        let sec1 = tlv(tag::SEQUENCE, &[&int(1), &octets]);
        assert_eq!(secret(&sec1), Some("a private key (SEC 1)"));
        let pbe = tlv(tag::SEQUENCE, &[&oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13])]);
        assert_eq!(secret(&tlv(tag::SEQUENCE, &[&pbe, &octets])), Some("an encrypted private key (PKCS#8)"));
        let data = tlv(tag::SEQUENCE, &[&oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1])]);
        assert_eq!(secret(&tlv(tag::SEQUENCE, &[&int(3), &data])), Some("a PKCS#12 container"));
        let mut indefinite = vec![0x30, 0x80];
        indefinite.extend(int(3));
        indefinite.extend([0x30, 0x80]);
        indefinite.extend(oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1]));
        assert_eq!(secret(&indefinite), Some("a PKCS#12 container"), "BER");
        assert_eq!(secret(b"text\n-----BEGIN RSA PRIVATE KEY-----\nx"), Some("a private key in PEM"));
        assert_eq!(secret(b"-----BEGIN CERTIFICATE-----\nPRIVATE KEY"), None);
    }

    #[test]
    fn what_is_nothing_is_said() {
        assert!(matches!(classify(b""), Value::Unknown(_)));
        assert!(matches!(classify(&[0x30, 0x82, 9]), Value::Unknown(_)));
        assert!(matches!(classify(&[0x30, 2, 4, 0]), Value::Unknown(why) if why.contains("0x04")));
        assert_eq!(classify(b"-----BEGIN CERTIFICATE-----\n"), Value::Pem);
        assert_eq!(classify(&[0x30, 2, 0x30, 0]), Value::Certificate);
    }
}
