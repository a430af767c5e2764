//! A detached signature (RFC 5652 section 5), read strictly.
//!
//! Containers in a directory are read as leniently as possible, because a certificate must not be lost.
//! A signature that shall prove who made a file is the opposite case: there is one form, and whatever is
//! not that form proves nothing. One signer, no content inside, SHA-256 or better, and where there are
//! signed attributes exactly one content type (`data`) and exactly one message digest among them.

use std::borrow::Cow;

use super::signed_data::{KeyReference, SignerInfo};
use super::signer::is_sha1_or_unknown;
use super::slices::slice;
use super::{Form, Note, SignerCheck, check_signer, classify_value, open};
use crate::certificate::UnixTime;
use crate::certificate::key::KeyKind;
use crate::certificate::tlv::{Walker, first, tag};
use crate::certificate::{Certificate, Decoded, extensions::KeyUsage, time};
use crate::input::pem;

/// Contents octets of OIDs.
mod oid {
    /// id-data, 1.2.840.113549.1.7.1.
    pub const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
    /// contentType, 1.2.840.113549.1.9.3.
    pub const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
    /// messageDigest, 1.2.840.113549.1.9.4.
    pub const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
    /// signingTime, 1.2.840.113549.1.9.5.
    pub const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05];
    /// id-RSASSA-PSS, 1.2.840.113549.1.1.10.
    pub const PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
    /// SHA-256, SHA-384, SHA-512: 2.16.840.1.101.3.4.2.1 to 3.
    pub const SHA2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
}

/// RSA modulus below which a signature proves nothing any more (NIST SP 800-57 part 1, table 2).
const RSA_BITS: usize = 2_048;

/// Why a signature proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// It is an S/MIME message.
    #[error("it is an S/MIME message, not a signature by itself; sign again with `-outform DER`")]
    SmimeMessage,
    /// It is nothing that is known here.
    #[error("it is no detached CMS signature (DER, or one PEM block)")]
    NotCms,
    /// Bytes stand behind it, or parts of it cannot be read.
    #[error("it cannot be read whole: {0}")]
    Damaged(String),
    /// More or fewer than one signer.
    #[error("it has {0} signers; exactly one was expected")]
    Signers(usize),
    /// It carries content of its own.
    #[error(
        "it carries content of its own; a detached signature was expected (openssl: without `-nodetach`; SignedCms: detached)"
    )]
    Attached,
    /// The signed content is of another type than data.
    #[error("it signs another type of content than data")]
    ContentType,
    /// The digest is not one of the SHA-2 family.
    #[error("its digest algorithm is not SHA-256, SHA-384 or SHA-512; sign again with `-md sha256`")]
    Digest,
    /// The signed attributes do not say exactly once what they must.
    #[error("its signed attributes are not as RFC 5652 section 11 demands: {0}")]
    Attributes(&'static str),
    /// The signature was made over something else, or with another key.
    #[error(
        "the signature does not verify: the list of hashes is not the one that was signed, or another key signed it"
    )]
    BadSignature,
    /// The verifier has no such algorithm.
    #[error(
        "the signature algorithm, its parameters or the key cannot be verified here; RSA, RSA-PSS with a salt as long as the hash \
         (openssl: -keyopt rsa_pss_saltlen:-1), ECDSA on P-256, P-384 or P-521, and Ed25519 can"
    )]
    Algorithm,
    /// The key is too short.
    #[error("the signer's RSA key has {0} bits; at least {RSA_BITS} are needed")]
    ShortKey(usize),
    /// The key usage does not allow signatures.
    #[error(
        "the signer's certificate does not allow signatures (key usage without digitalSignature and nonRepudiation)"
    )]
    KeyUsage,
    /// The signer's certificate cannot be read.
    #[error("the signer's certificate cannot be read: {0}")]
    Certificate(String),
}

/// A detached signature with one signer.
#[derive(Clone, Debug)]
pub struct Detached<'a> {
    signer: SignerInfo<'a>,
    /// The certificates that came with it, as they stood.
    pub certificates: Vec<Vec<u8>>,
    /// The signer's own claim when it signed; `None` when it claims nothing.
    pub signing_time: Option<UnixTime>,
}

/// The bytes of a signature file: PEM armour, if there is one, is taken off.
///
/// # Errors
/// When it is text, but not one PEM block.
pub fn unarmour(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Defect> {
    if classify_value(bytes).form != Form::Pem {
        let head = bytes.get(..200.min(bytes.len())).unwrap_or_default().to_ascii_lowercase();
        let has = |needle: &[u8]| memchr::memmem::find(&head, needle).is_some();
        return if has(b"mime-version:") || has(b"content-type:") {
            Err(Defect::SmimeMessage)
        } else {
            Ok(Cow::Borrowed(bytes))
        };
    }
    let mut blocks = pem::blocks(bytes);
    match (blocks.pop(), blocks.is_empty()) {
        (Some(pem::Block { label, content: pem::Content::Der(der), .. }), true)
            if pem::label(&label) == pem::Label::Cms =>
        {
            Ok(Cow::Owned(der))
        }
        _ => Err(Defect::NotCms),
    }
}

impl<'a> Detached<'a> {
    /// Reads a signature (DER or BER, see [`unarmour`]).
    ///
    /// # Errors
    /// Whatever is not the one form that proves something.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Defect> {
        let value = classify_value(bytes);
        if value.form != Form::ContentInfo {
            return Err(Defect::NotCms);
        }
        let mut container = open(value);
        let whole = |note: &&Note| note.is_damage() || matches!(note, Note::TrailingBytes { .. });
        if let Some(note) = container.notes.iter().find(whole) {
            return Err(Defect::Damaged(note.to_string()));
        }
        let count = container.signers.len();
        let (Some(signer), 1) = (container.signers.pop(), count) else { return Err(Defect::Signers(count)) };
        if container.content.is_some() {
            return Err(Defect::Attached);
        }
        if container.content_type != Some(oid::DATA) {
            return Err(Defect::ContentType);
        }
        if !matches!(signer.digest_algorithm.strip_prefix(oid::SHA2), Some([1..=3])) {
            return Err(Defect::Digest);
        }
        // PSS has parameters that decide (RFC 4055 section 3.1); the other algorithms have NULL or none.
        if signer.signature_algorithm != oid::PSS
            && ![&[][..], &[5, 0]].contains(&signer.signature_parameters)
        {
            return Err(Defect::Algorithm);
        }
        let signing_time = match signer.signed_attributes {
            Some(attributes) => attributes_of(attributes)?,
            None => None,
        };
        let certificates = container.certificates.into_iter().map(|held| held.der.into_owned()).collect();
        Ok(Self { signer, certificates, signing_time })
    }

    /// Whether this certificate is the one that the signature names as the signer's.
    #[must_use]
    pub fn names(&self, certificate: &[u8]) -> bool {
        slice(certificate).is_ok_and(|slices| self.signer.signer.names(&slices))
    }

    /// The signer as the signature names it, for messages: serial number or key identifier in hex.
    #[must_use]
    pub fn named(&self) -> String {
        match self.signer.signer {
            KeyReference::IssuerAndSerial { serial, .. } => {
                format!("serial {}", crate::encoding::hex(serial))
            }
            KeyReference::SubjectKeyIdentifier(id) => {
                format!("key identifier {}", crate::encoding::hex(id))
            }
        }
    }

    /// Verifies the signature over `content` with the key of `certificate` (DER), and that this key and
    /// certificate may sign. Who the certificate belongs to, and whether it was valid, is for the caller.
    ///
    /// # Errors
    /// Whatever keeps it from proving that the key signed the content.
    pub fn verify(&self, content: &[u8], certificate: &[u8]) -> Result<(), Defect> {
        let parsed =
            Certificate::parse(certificate).map_err(|error| Defect::Certificate(error.to_string()))?;
        if let KeyKind::Rsa { bits, .. } = parsed.key().kind
            && bits < RSA_BITS
        {
            return Err(Defect::ShortKey(bits));
        }
        match parsed.key_usage() {
            Decoded::Absent => {}
            Decoded::Present { value, .. }
                if value.has(KeyUsage::DIGITAL_SIGNATURE) || value.has(KeyUsage::CONTENT_COMMITMENT) => {}
            _ => return Err(Defect::KeyUsage),
        }
        if is_sha1_or_unknown(&self.signer) {
            return Err(Defect::Algorithm);
        }
        match check_signer(&self.signer, Some(content), certificate) {
            SignerCheck::Good => Ok(()),
            SignerCheck::BadSignature | SignerCheck::BadDigest => Err(Defect::BadSignature),
            SignerCheck::NotChecked(_) => Err(Defect::Algorithm),
        }
    }
}

/// Checks the signed attributes and returns the signing time (RFC 5652 section 11: each of the three
/// stands once and has one value; content type and message digest must be there).
fn attributes_of(attributes: &[u8]) -> Result<Option<UnixTime>, Defect> {
    let broken = |_| Defect::Attributes("one of them cannot be read");
    let (mut content_type, mut digest, mut signing_time) = (false, false, None);
    let mut walker = Walker::new(attributes);
    while !walker.is_empty() {
        let mut attribute = Walker::new(walker.expect(tag::SEQUENCE).map_err(broken)?.contents);
        let name = attribute.expect(tag::OID).map_err(broken)?.contents;
        let values = attribute.expect(tag::SET).map_err(broken)?.contents;
        if ![oid::CONTENT_TYPE, oid::MESSAGE_DIGEST, oid::SIGNING_TIME].contains(&name) {
            continue;
        }
        let value = first(values).map_err(broken)?;
        if value.raw.len() != values.len() {
            return Err(Defect::Attributes("one that must have one value has several"));
        }
        let again = if name == oid::CONTENT_TYPE {
            if value.contents != oid::DATA {
                return Err(Defect::ContentType);
            }
            std::mem::replace(&mut content_type, true)
        } else if name == oid::MESSAGE_DIGEST {
            std::mem::replace(&mut digest, true)
        } else {
            let (at, _) = time::read(&value).ok_or(Defect::Attributes("the signing time is no instant"))?;
            signing_time.replace(at).is_some()
        };
        if again {
            return Err(Defect::Attributes("one that must stand once stands twice"));
        }
    }
    match (content_type, digest) {
        (true, true) => Ok(signing_time),
        (false, _) => Err(Defect::Attributes("there is no content type")),
        (_, false) => Err(Defect::Attributes("there is no message digest")),
    }
}
