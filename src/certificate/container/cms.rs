//! SignedData (RFC 5652 section 5), read as BER and taken apart into slices of the original bytes.
//!
//! Nothing is decoded that is not needed: the certificates as they stand, and of each signer what
//! tells which certificate is whose. What is odd is noted, and never loses the rest.

use super::super::tlv::{self, Element, TlvError, Walker, tag};
use super::{CERTIFICATES, elements};

/// A SignedData.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SignedData<'a> {
    /// Certificates in order, header included.
    pub certificates: Vec<&'a [u8]>,
    /// Signers in order.
    pub signers: Vec<Signer<'a>>,
    /// The encapsulated content's octets, when there are any.
    pub content: Option<Vec<u8>>,
    /// Contents octets of the content type.
    pub content_type: &'a [u8],
    /// What is odd about it.
    pub notes: Vec<String>,
}

/// A SignerInfo (RFC 5652 section 5.3).
#[derive(Clone, Debug, PartialEq)]
pub struct Signer<'a> {
    /// Whose certificate signed.
    pub id: CertificateId<'a>,
    /// The encryption key preference (RFC 8551 section 2.5.3), the standard's or Microsoft's.
    pub preference: Option<CertificateId<'a>>,
    /// AlgorithmIdentifier of the digest, header included.
    pub digest_algorithm: &'a [u8],
    /// Contents of the signed attributes, if there are any.
    pub signed_attributes: Option<&'a [u8]>,
    /// AlgorithmIdentifier of the signature, header included.
    pub signature_algorithm: &'a [u8],
    /// The signature.
    pub signature: Vec<u8>,
}

/// How CMS names a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateId<'a> {
    /// Issuer name (header included) and serial number (contents octets).
    IssuerAndSerial(&'a [u8], &'a [u8]),
    /// Subject key identifier.
    KeyId(&'a [u8]),
}

/// The content type's arcs and the `[0]` content element of a ContentInfo's contents.
pub(super) fn content(contents: &[u8]) -> Result<(&[u8], Element<'_>), TlvError> {
    let mut walker = Walker::new(contents);
    let oid = walker.expect(tag::OID)?;
    let explicit = walker.expect(tag::CONTEXT_0)?;
    let inner = Walker::new(explicit.contents).next()?;
    Ok((oid.contents, inner))
}

impl<'a> SignedData<'a> {
    /// Takes a SignedData apart. Signers that cannot be read become notes; certificates before a
    /// damage are kept.
    ///
    /// # Errors
    /// When the bytes are no SignedData at all.
    pub fn read(element: Element<'a>) -> Result<Self, TlvError> {
        if element.tag != tag::SEQUENCE {
            return Err(TlvError::UnexpectedTag { at: 0, found: element.tag, expected: tag::SEQUENCE });
        }
        let mut signed = Self::default();
        let mut walker = Walker::new(element.contents);
        walker.expect(tag::INTEGER)?;
        walker.expect(tag::SET)?;
        let encapsulated = walker.expect(tag::SEQUENCE)?;
        signed.read_content(encapsulated.contents)?;
        if element.indefinite {
            signed.notes.push("it uses indefinite lengths (BER), which DER forbids".into());
        }
        if let Some(set) = walker.optional(tag::CONTEXT_0)? {
            signed.read_certificates(set.contents);
        }
        // [1] holds CRLs; they are nobody's business here.
        walker.optional(tag::CONTEXT_1)?;
        if let Some(infos) = walker.optional(tag::SET)? {
            let (infos, broken) = elements(infos.contents);
            signed.notes.extend(broken.map(|why| format!("the list of signers is damaged: {why}")));
            for info in infos {
                match Signer::read(info) {
                    Ok(signer) => signed.signers.push(signer),
                    Err(error) => signed.notes.push(format!("a signer cannot be read: {error}")),
                }
            }
        }
        Ok(signed)
    }

    fn read_content(&mut self, contents: &'a [u8]) -> Result<(), TlvError> {
        let mut walker = Walker::new(contents);
        self.content_type = walker.expect(tag::OID)?.contents;
        if let Some(explicit) = walker.optional(tag::CONTEXT_0)?
            && !explicit.contents.is_empty()
        {
            let inner = Walker::new(explicit.contents).next()?;
            self.content = Some(octets(inner));
        }
        Ok(())
    }

    fn read_certificates(&mut self, contents: &'a [u8]) {
        let (list, broken) = elements(contents);
        self.notes.extend(broken.map(|why| format!("the list of certificates is damaged: {why}")));
        for element in list {
            if element.tag != tag::SEQUENCE {
                // [0] to [3]: PKCS#6 and attribute certificates, other formats (RFC 5652 section 10.2.2).
                self.notes.push(format!("an entry with tag {:#04x} is no X.509 certificate", element.tag));
            } else if self.certificates.len() >= CERTIFICATES {
                self.notes
                    .push(format!("it holds more than {CERTIFICATES} certificates; the rest was left out"));
                return;
            } else if self.certificates.contains(&element.raw) {
                self.notes.push("a certificate stands in it twice".into());
            } else {
                self.certificates.push(element.raw);
            }
        }
    }
}

/// Octets of an OCTET STRING, also in BER's constructed form; of anything else its contents.
fn octets(element: Element<'_>) -> Vec<u8> {
    if element.tag == tag::OCTET_STRING_CONSTRUCTED {
        return elements(element.contents).0.into_iter().flat_map(octets).collect();
    }
    element.contents.to_vec()
}

impl<'a> Signer<'a> {
    fn read(element: Element<'a>) -> Result<Self, TlvError> {
        let mut walker = Walker::new(element.contents);
        walker.expect(tag::INTEGER)?;
        let id = match walker.peek() {
            Some(tag::SEQUENCE) => issuer_and_serial(walker.next()?)?,
            _ => {
                let element = walker.next()?;
                CertificateId::KeyId(element.contents)
            }
        };
        let digest_algorithm = walker.expect(tag::SEQUENCE)?.raw;
        let signed_attributes = walker.optional(tag::CONTEXT_0)?.map(|attributes| attributes.contents);
        let signature_algorithm = walker.expect(tag::SEQUENCE)?.raw;
        let signature = octets(walker.next()?);
        let preference = signed_attributes.and_then(preference);
        Ok(Self { id, preference, digest_algorithm, signed_attributes, signature_algorithm, signature })
    }

    /// The first value of a signed attribute with these arcs.
    #[must_use]
    pub fn attribute(&self, arcs: &[u8]) -> Option<Element<'a>> {
        attribute(self.signed_attributes?, arcs)
    }
}

fn attribute<'a>(attributes: &'a [u8], arcs: &[u8]) -> Option<Element<'a>> {
    elements(attributes).0.into_iter().find_map(|attribute| {
        let mut walker = Walker::new(attribute.contents);
        let oid = walker.expect(tag::OID).ok()?;
        if oid.contents != arcs {
            return None;
        }
        tlv::first(walker.expect(tag::SET).ok()?.contents).ok()
    })
}

/// 1.2.840.113549.1.9.16.2.11, RFC 8551 section 2.5.3.
const PREFERENCE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 11];
/// 1.3.6.1.4.1.311.16.4, Microsoft's, an IssuerAndSerialNumber.
const MICROSOFT_PREFERENCE: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 16, 4];

fn preference(attributes: &[u8]) -> Option<CertificateId<'_>> {
    let standard = attribute(attributes, PREFERENCE).and_then(|value| match value.tag {
        // [0] issuerAndSerialNumber: the tag replaces the SEQUENCE's (implicit tagging of the module).
        tag::CONTEXT_0 => issuer_and_serial(value).ok(),
        // [1] RecipientKeyIdentifier: a SEQUENCE that begins with the key identifier.
        tag::CONTEXT_1 => Walker::new(value.contents)
            .expect(tag::OCTET_STRING)
            .ok()
            .map(|id| CertificateId::KeyId(id.contents)),
        // [2] SubjectKeyIdentifier.
        tag::CONTEXT_2_PRIMITIVE => Some(CertificateId::KeyId(value.contents)),
        tag::SEQUENCE => issuer_and_serial(value).ok(),
        _ => None,
    });
    standard.or_else(|| {
        attribute(attributes, MICROSOFT_PREFERENCE).and_then(|value| issuer_and_serial(value).ok())
    })
}

fn issuer_and_serial(element: Element<'_>) -> Result<CertificateId<'_>, TlvError> {
    let mut walker = Walker::new(element.contents);
    let issuer = walker.expect(tag::SEQUENCE)?;
    let serial = walker.expect(tag::INTEGER)?;
    Ok(CertificateId::IssuerAndSerial(issuer.raw, serial.contents))
}
