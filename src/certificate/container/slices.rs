//! The fields of a certificate as raw slices, without decoding them.
//!
//! Choosing the user's certificate in a container and counting shared keys over a million values
//! needs serial, issuer, key and three extensions, not a parsed certificate. [`slice()`] walks the
//! headers of RFC 5280 section 4.1 once (about 100 ns) and copies nothing. It is lenient by design:
//! what it accepts is judged later by the full parser; nothing is published on its word.

use crate::certificate::Oid;
use crate::certificate::tlv::{Element, TlvError, Walker, first, tag};

/// Contents octets of the OIDs that this layer looks for.
pub mod oid {
    /// basicConstraints, 2.5.29.19.
    pub const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
    /// keyUsage, 2.5.29.15.
    pub const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
    /// subjectKeyIdentifier, 2.5.29.14.
    pub const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x0e];
}

/// A certificate as slices of its bytes (RFC 5280 section 4.1). Fields hold whole elements, header
/// included, unless they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slices<'a> {
    /// `tbsCertificate`: what the signature covers.
    pub tbs: &'a [u8],
    /// Contents octets of the serial number, sign and leading zeros as they stood.
    pub serial: &'a [u8],
    /// `issuer`, a Name.
    pub issuer: &'a [u8],
    /// `validity`.
    pub validity: &'a [u8],
    /// `subject`, a Name.
    pub subject: &'a [u8],
    /// `subjectPublicKeyInfo`.
    pub spki: &'a [u8],
    /// Contents of the SEQUENCE of extensions; empty when there is none.
    pub extensions: &'a [u8],
}

/// One extension: OID contents, criticality, contents of the value's OCTET STRING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Contents octets of the OID.
    pub oid: &'a [u8],
    /// Whether the critical flag is set (any non-zero octet).
    pub critical: bool,
    /// DER of the extension's own structure.
    pub value: &'a [u8],
}

/// Cuts a certificate into its fields. Bytes behind the certificate are left alone.
///
/// # Errors
/// [`TlvError`] at the first place that does not have the shape of RFC 5280 section 4.1; offsets
/// count within the enclosing element.
pub fn slice(der: &[u8]) -> Result<Slices<'_>, TlvError> {
    let mut certificate = Walker::new(der).expect(tag::SEQUENCE).map(|e| Walker::new(e.contents))?;
    let tbs = certificate.expect(tag::SEQUENCE)?;
    let mut fields = Walker::new(tbs.contents);
    fields.optional(tag::CONTEXT_0)?;
    let serial = fields.expect(tag::INTEGER)?.contents;
    fields.expect(tag::SEQUENCE)?;
    let issuer = fields.expect(tag::SEQUENCE)?.raw;
    let validity = fields.expect(tag::SEQUENCE)?.raw;
    let subject = fields.expect(tag::SEQUENCE)?.raw;
    let spki = fields.expect(tag::SEQUENCE)?.raw;
    let mut extensions: &[u8] = &[];
    while !fields.is_empty() {
        let field = fields.next()?;
        if field.tag == tag::CONTEXT_3 {
            extensions = Walker::new(field.contents).expect(tag::SEQUENCE)?.contents;
        }
    }
    Ok(Slices { tbs: tbs.raw, serial, issuer, validity, subject, spki, extensions })
}

impl<'a> Slices<'a> {
    /// The extensions in order, up to the first that cannot be read.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'a>> + use<'a> {
        let mut walker = Walker::new(self.extensions);
        std::iter::from_fn(move || {
            if walker.is_empty() {
                return None;
            }
            extension(walker.next().ok()?)
        })
    }

    /// The value of the first extension with this OID.
    #[must_use]
    pub fn extension(&self, oid: &[u8]) -> Option<&'a [u8]> {
        self.extensions().find(|e| Oid(e.oid).is(oid)).map(|e| e.value)
    }

    /// Whether basicConstraints says that this is a CA (RFC 5280 section 4.2.1.9). Any non-zero
    /// octet counts as TRUE.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        let Some(value) = self.extension(oid::BASIC_CONSTRAINTS) else { return false };
        let Ok(sequence) = first(value) else { return false };
        first(sequence.contents)
            .is_ok_and(|flag| flag.tag == tag::BOOLEAN && flag.contents.iter().any(|b| *b != 0))
    }

    /// Contents of the subject key identifier, when the extension is there (RFC 5280 4.2.1.2).
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&'a [u8]> {
        first(self.extension(oid::SUBJECT_KEY_IDENTIFIER)?).ok().map(|e| e.contents)
    }

    /// Whether the key usage allows a key to be encrypted to this certificate: keyEncipherment (2)
    /// or keyAgreement (4), or no key usage extension at all (RFC 5280 section 4.2.1.3).
    #[must_use]
    pub fn can_encrypt(&self) -> bool {
        match self.extension(oid::KEY_USAGE) {
            None => true,
            Some(value) => first(value)
                .ok()
                .and_then(|bits| bits.contents.get(1).copied())
                .is_some_and(|bits| bits & 0x28 != 0),
        }
    }
}

fn extension(element: Element<'_>) -> Option<Extension<'_>> {
    let mut fields = Walker::new(element.contents);
    let oid = fields.expect(tag::OID).ok()?.contents;
    let critical = fields.optional(tag::BOOLEAN).ok()?.is_some_and(|b| b.contents.iter().any(|b| *b != 0));
    let value = fields.expect(tag::OCTET_STRING).ok()?.contents;
    Some(Extension { oid, critical, value })
}

/// Serial numbers compare without leading zero octets: encoders differ in them.
#[must_use]
pub fn same_serial(a: &[u8], b: &[u8]) -> bool {
    let trim = |s: &[u8]| s.iter().position(|b| *b != 0).unwrap_or(s.len());
    a.get(trim(a)..) == b.get(trim(b)..)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;

    /// DER of one element.
    pub(crate) fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match contents.len() {
            n if n < 0x80 => out.push(n as u8),
            n if n < 0x100 => out.extend([0x81, n as u8]),
            n => out.extend([0x82, (n >> 8) as u8, n as u8]),
        }
        out.extend(contents);
        out
    }

    /// DER of an element that holds others.
    pub(crate) fn nest(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        tlv(tag, &parts.concat())
    }

    /// What [`certificate`] puts into a certificate.
    #[derive(Clone, Copy)]
    pub(crate) struct Spec {
        pub serial: u8,
        pub issuer: &'static str,
        pub subject: &'static str,
        pub ca: bool,
        pub key_usage: Option<u8>,
    }

    /// A user certificate that can encrypt and sign.
    pub(crate) const USER: Spec =
        Spec { serial: 1, issuer: "CA", subject: "user", ca: false, key_usage: Some(0xa0) };

    /// A name with one common name.
    pub(crate) fn name(cn: &str) -> Vec<u8> {
        let attribute = nest(0x30, &[tlv(6, &[0x55, 4, 3]), tlv(0x0c, cn.as_bytes())]);
        nest(0x30, &[tlv(0x31, &attribute)])
    }

    /// A certificate of the right shape with a signature of zeros.
    pub(crate) fn certificate(spec: Spec) -> Vec<u8> {
        let algorithm = nest(0x30, &[tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])]);
        let time = tlv(0x17, b"260101000000Z");
        let mut extensions =
            vec![nest(0x30, &[tlv(6, oid::SUBJECT_KEY_IDENTIFIER), tlv(4, &tlv(4, &[spec.serial; 20]))])];
        if spec.ca {
            extensions.push(nest(
                0x30,
                &[tlv(6, oid::BASIC_CONSTRAINTS), tlv(1, &[0xff]), tlv(4, &nest(0x30, &[tlv(1, &[0xff])]))],
            ));
        }
        if let Some(bits) = spec.key_usage {
            extensions.push(nest(0x30, &[tlv(6, oid::KEY_USAGE), tlv(4, &tlv(3, &[0, bits]))]));
        }
        let spki = nest(0x30, &[algorithm.clone(), tlv(3, &[0; 66])]);
        let tbs = nest(
            0x30,
            &[
                tlv(0xa0, &tlv(2, &[2])),
                tlv(2, &[spec.serial]),
                algorithm.clone(),
                name(spec.issuer),
                nest(0x30, &[time.clone(), time]),
                name(spec.subject),
                spki,
                tlv(0xa3, &nest(0x30, &extensions)),
            ],
        );
        nest(0x30, &[tbs, algorithm, tlv(3, &[0x7f; 71])])
    }

    #[test]
    fn fields_are_the_original_bytes() {
        let der = certificate(Spec { ca: true, key_usage: Some(0x04), ..USER });
        let slices = slice(&der).unwrap();
        assert_eq!(slices.serial, &[1]);
        assert_eq!(slices.issuer, &name("CA")[..]);
        assert_eq!(slices.subject, &name("user")[..]);
        assert!(slices.is_ca() && !slices.can_encrypt());
        assert_eq!(slices.subject_key_identifier(), Some(&[1u8; 20][..]));
        assert_eq!(slices.extensions().filter(|e| e.critical).count(), 1);
        let user = certificate(USER);
        let user = slice(&user).unwrap();
        assert!(user.can_encrypt() && !user.is_ca());
    }

    #[test]
    fn serials_compare_as_numbers() {
        assert!(same_serial(&[0, 0, 9], &[9]) && same_serial(&[0], &[]));
        assert!(!same_serial(&[1, 0], &[1]));
    }
}
