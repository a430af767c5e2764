//! SignedData of CMS and PKCS#7 (RFC 5652 section 5, RFC 2315 section 9), as slices.

use std::borrow::Cow;

use super::ber;
use super::note::Note;
use super::open::{Container, Place, choice_name, content_and_end};
use super::slices::{Slices, same_serial};
use crate::certificate::tlv::{Element, TlvError, Walker, first, tag};

/// Contents octets of OIDs in signed attributes.
mod oid {
    /// SMIMEEncryptionKeyPreference, 1.2.840.113549.1.9.16.2.11 (RFC 8551 section 2.5.2).
    pub const KEY_PREFERENCE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0b];
    /// Microsoft's encryption key preference, 1.3.6.1.4.1.311.16.4.
    pub const MICROSOFT_KEY_PREFERENCE: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x10, 0x04];
    /// contentType, 1.2.840.113549.1.9.3.
    pub const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
    /// messageDigest, 1.2.840.113549.1.9.4.
    pub const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
}

/// Signers of one SignedData that are read. Real values have one; the rest is noted.
const MAX_SIGNERS: usize = 16;

/// How a structure names a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyReference<'a> {
    /// By issuer (a whole Name) and serial number (contents octets).
    IssuerAndSerial {
        /// The issuer's Name.
        issuer: &'a [u8],
        /// Contents of the serial number.
        serial: &'a [u8],
    },
    /// By the contents of its subject key identifier.
    SubjectKeyIdentifier(&'a [u8]),
}

impl KeyReference<'_> {
    /// Whether this names that certificate. Names compare as bytes: the writer copied them from it.
    #[must_use]
    pub fn names(&self, certificate: &Slices<'_>) -> bool {
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                certificate.issuer == *issuer && same_serial(certificate.serial, serial)
            }
            Self::SubjectKeyIdentifier(id) => certificate.subject_key_identifier() == Some(*id),
        }
    }
}

/// One signer (RFC 5652 section 5.3). OIDs are contents octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerInfo<'a> {
    /// Offset in the value.
    pub at: usize,
    /// The certificate that signed.
    pub signer: KeyReference<'a>,
    /// OID of the digest algorithm.
    pub digest_algorithm: &'a [u8],
    /// OID of the signature algorithm.
    pub signature_algorithm: &'a [u8],
    /// Its parameters, a whole element; empty when absent.
    pub signature_parameters: &'a [u8],
    /// The signature.
    pub signature: Cow<'a, [u8]>,
    /// Contents of the signed attributes, without the `[0]` header; `None` when there are none.
    pub signed_attributes: Option<&'a [u8]>,
    /// The certificates that the signer wants to be encrypted to, from either attribute.
    pub key_preferences: Vec<KeyReference<'a>>,
    /// Contents of the messageDigest attribute.
    pub message_digest: Option<&'a [u8]>,
    /// OID of the contentType attribute.
    pub content_type: Option<&'a [u8]>,
}

/// Opens a ContentInfo that was classified as SignedData.
pub(super) fn open_content_info<'a>(info: &Element<'a>, limit: usize, out: &mut Container<'a>) {
    let mut base = info.raw.len() - content_and_end(info);
    let mut fields = Walker::new(info.contents);
    let inner = (|| {
        fields.expect(tag::OID)?;
        base += fields.offset();
        let explicit = fields.expect(tag::CONTEXT_0)?;
        base += explicit.raw.len() - content_and_end(&explicit);
        let data = Walker::new(explicit.contents).expect(tag::SEQUENCE)?;
        base += data.raw.len() - content_and_end(&data);
        Ok(data)
    })();
    match inner {
        Ok(data) => open(&data, base, limit, out),
        Err(problem) => out.notes.push(Note::Broken { part: "the ContentInfo", at: base, problem }),
    }
}

/// Opens a SignedData; `base` is the offset of its contents in the value.
pub(super) fn open<'a>(data: &Element<'a>, base: usize, limit: usize, out: &mut Container<'a>) {
    if (data.indefinite || data.long_length) && !out.notes.contains(&Note::Ber) {
        out.notes.push(Note::Ber);
    }
    let mut fields = Walker::new(data.contents);
    if let Err(problem) = members(&mut fields, base, limit, out) {
        out.notes.push(Note::Broken { part: "the SignedData", at: base + fields.offset(), problem });
    }
}

fn members<'a>(
    fields: &mut Walker<'a>,
    base: usize,
    limit: usize,
    out: &mut Container<'a>,
) -> Result<(), TlvError> {
    fields.expect(tag::INTEGER)?;
    fields.expect(tag::SET)?;
    let content = fields.expect(tag::SEQUENCE)?;
    read_content(&content, out)?;
    let inside = |fields: &Walker<'_>, e: &Element<'_>| base + fields.offset() - content_and_end(e);
    if let Some(set) = fields.optional(tag::CONTEXT_0)? {
        certificates(&set, inside(fields, &set), limit, out);
    }
    if let Some(set) = fields.optional(tag::CONTEXT_1)? {
        let mut walker = Walker::new(set.contents);
        while !walker.is_empty() && out.crls.len() < limit {
            out.crls.push(walker.next()?.raw);
        }
        if !out.crls.is_empty() {
            out.notes.push(Note::Crls { count: out.crls.len() });
        }
    }
    let set = fields.expect(tag::SET)?;
    let base = inside(fields, &set);
    let mut walker = Walker::new(set.contents);
    while !walker.is_empty() && out.signers.len() < MAX_SIGNERS {
        let at = base + walker.offset();
        let part = "a SignerInfo";
        match walker.next() {
            // A signer that cannot be read loses its hints, not the certificates.
            Ok(element) => match signer_info(&element, at) {
                Ok(signer) => out.signers.push(signer),
                Err(problem) => out.notes.push(Note::Broken { part, at, problem }),
            },
            Err(problem) => {
                out.notes.push(Note::Broken { part, at, problem });
                break;
            }
        }
    }
    Ok(())
}

/// EncapsulatedContentInfo. PKCS#7 allowed any type here (RFC 2315 section 7); then the digest covers
/// the contents octets of whatever element it is, which is what [`Container::content`] gets.
fn read_content<'a>(info: &Element<'a>, out: &mut Container<'a>) -> Result<(), TlvError> {
    let mut fields = Walker::new(info.contents);
    out.content_type = Some(fields.expect(tag::OID)?.contents);
    let explicit = fields.optional(tag::CONTEXT_0)?.map(|e| e.contents).unwrap_or_default();
    if !explicit.is_empty() {
        let inner = first(explicit)?;
        out.content = Some(if inner.tag == tag::OCTET_STRING_CONSTRUCTED {
            ber::joined(&inner, 0)?
        } else {
            Cow::Borrowed(inner.contents)
        });
    }
    Ok(())
}

fn certificates<'a>(set: &Element<'a>, base: usize, limit: usize, out: &mut Container<'a>) {
    let mut walker = Walker::new(set.contents);
    out.certificates.reserve(4);
    while !walker.is_empty() {
        let at = base + walker.offset();
        match walker.next() {
            Ok(element) if element.tag == tag::SEQUENCE => {
                if !out.hold(element, at, Place::SignedData, limit) {
                    return;
                }
            }
            Ok(other) => {
                out.notes.push(Note::OtherChoice { at, tag: other.tag, what: choice_name(other.tag) });
                if out.notes.len() > limit {
                    return;
                }
            }
            Err(problem) => {
                out.notes.push(Note::Broken { part: "the set of certificates", at, problem });
                return;
            }
        }
    }
}

fn signer_info<'a>(element: &Element<'a>, at: usize) -> Result<SignerInfo<'a>, TlvError> {
    if element.tag != tag::SEQUENCE {
        return Err(TlvError::UnexpectedTag { at: 0, found: element.tag, expected: tag::SEQUENCE });
    }
    let mut fields = Walker::new(element.contents);
    fields.expect(tag::INTEGER)?;
    let signer = key_reference(&fields.next()?)?;
    let digest_algorithm = Walker::new(fields.expect(tag::SEQUENCE)?.contents).expect(tag::OID)?.contents;
    let signed_attributes = fields.optional(tag::CONTEXT_0)?.map(|e| e.contents);
    let mut algorithm = Walker::new(fields.expect(tag::SEQUENCE)?.contents);
    let signature_algorithm = algorithm.expect(tag::OID)?.contents;
    let signature_parameters = algorithm.rest();
    let signature = fields.next()?;
    if signature.tag & !0x20 != tag::OCTET_STRING {
        return Err(TlvError::UnexpectedTag { at: 0, found: signature.tag, expected: tag::OCTET_STRING });
    }
    let mut out = SignerInfo {
        at,
        signer,
        digest_algorithm,
        signature_algorithm,
        signature_parameters,
        signature: ber::joined(&signature, 0)?,
        signed_attributes,
        key_preferences: Vec::new(),
        message_digest: None,
        content_type: None,
    };
    if let Some(attributes) = signed_attributes {
        read_attributes(attributes, &mut out)?;
    }
    Ok(out)
}

fn read_attributes<'a>(attributes: &'a [u8], out: &mut SignerInfo<'a>) -> Result<(), TlvError> {
    let mut walker = Walker::new(attributes);
    while !walker.is_empty() {
        let mut attribute = Walker::new(walker.expect(tag::SEQUENCE)?.contents);
        let oid = attribute.expect(tag::OID)?.contents;
        let values = attribute.expect(tag::SET)?;
        // RFC 8551 section 2.5.2 and RFC 5652 section 11: these attributes have exactly one value.
        let Ok(value) = first(values.contents) else { continue };
        match oid {
            oid::KEY_PREFERENCE | oid::MICROSOFT_KEY_PREFERENCE => {
                // A preference that cannot be read is as good as none; the signature check is apart.
                out.key_preferences.extend(key_reference(&value).ok());
            }
            oid::CONTENT_TYPE => out.content_type = Some(value.contents),
            oid::MESSAGE_DIGEST => out.message_digest = Some(value.contents),
            _ => {}
        }
    }
    Ok(())
}

/// Reads every way in which signers name a certificate: IssuerAndSerialNumber plain, as implicit `[0]`
/// and (against the module's tagging, but seen) explicit `[0]`; RecipientKeyIdentifier as `[1]`;
/// SubjectKeyIdentifier as `[0]` of a SignerIdentifier or `[2]` of a preference.
fn key_reference<'a>(element: &Element<'a>) -> Result<KeyReference<'a>, TlvError> {
    match element.tag {
        tag::CONTEXT_0_PRIMITIVE | tag::CONTEXT_2_PRIMITIVE | tag::OCTET_STRING => {
            Ok(KeyReference::SubjectKeyIdentifier(element.contents))
        }
        tag::SEQUENCE | tag::CONTEXT_0 => {
            let mut fields = Walker::new(element.contents);
            let issuer = fields.next()?;
            if fields.is_empty() && element.tag == tag::CONTEXT_0 {
                return if issuer.tag == tag::OCTET_STRING {
                    Ok(KeyReference::SubjectKeyIdentifier(issuer.contents))
                } else {
                    issuer_and_serial(&mut Walker::new(issuer.contents))
                };
            }
            issuer_and_serial(&mut Walker::new(element.contents))
        }
        tag::CONTEXT_1 | tag::CONTEXT_2 => {
            let mut inner = first(element.contents)?;
            if inner.tag == tag::SEQUENCE {
                inner = first(inner.contents)?;
            }
            if inner.tag == tag::OCTET_STRING {
                Ok(KeyReference::SubjectKeyIdentifier(inner.contents))
            } else {
                Err(TlvError::UnexpectedTag { at: 0, found: inner.tag, expected: tag::OCTET_STRING })
            }
        }
        found => Err(TlvError::UnexpectedTag { at: 0, found, expected: tag::SEQUENCE }),
    }
}

fn issuer_and_serial<'a>(fields: &mut Walker<'a>) -> Result<KeyReference<'a>, TlvError> {
    let issuer = fields.expect(tag::SEQUENCE)?.raw;
    let serial = fields.expect(tag::INTEGER)?.contents;
    Ok(KeyReference::IssuerAndSerial { issuer, serial })
}
