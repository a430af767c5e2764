//! Checking a signer's statement (RFC 5652 section 5.4).
//!
//! A directory value is signed by the user to say "these are my certificates and capabilities".
//! Receivers take the certificate and not the statement, so a bad signature is a warning, and one
//! that cannot be checked is never called bad.

use aws_lc_rs::{digest, signature};

use super::ber;
use super::signed_data::SignerInfo;
use super::slices::slice;
use crate::certificate::tlv::{Walker, tag};

/// The outcome of [`check_signer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignerCheck {
    /// The signature covers the attributes (or content), and the digest, where it could be compared,
    /// is that of the content.
    Good,
    /// The signature does not verify with this certificate's key.
    BadSignature,
    /// The signature verifies, but the content has another digest than the one that was signed.
    BadDigest,
    /// Nothing can be said.
    NotChecked(NotChecked),
}

/// Why a signature was not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChecked {
    /// The algorithm, its parameters or the key are not supported by the verifier.
    #[error("the signature algorithm or key is not supported")]
    Algorithm,
    /// Without signed attributes the signature covers the content, which is not there.
    #[error("the signed content is not in the value")]
    NoContent,
    /// The certificate's key cannot be read.
    #[error("the signer's certificate cannot be read")]
    Certificate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Pkcs1(Hash),
    Pss(Hash),
    Ecdsa(Hash),
    Ed25519,
}

/// Contents octets of algorithm OIDs.
mod oid {
    pub const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
    pub const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
    pub const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
    pub const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
    /// 1.2.840.113549.1.1: PKCS#1.
    pub const PKCS1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    /// 1.2.840.10045.4: ECDSA with a digest.
    pub const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
    /// 1.2.840.10045.2.1: an EC key; some signers give it as the signature algorithm.
    pub const EC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    pub const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    pub const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
    pub const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
    pub const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    /// 1.2.840.113549.1.1.8: MGF1.
    pub const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
}

fn hash(oid: &[u8]) -> Option<Hash> {
    match oid {
        oid::SHA1 => Some(Hash::Sha1),
        oid::SHA256 => Some(Hash::Sha256),
        oid::SHA384 => Some(Hash::Sha384),
        oid::SHA512 => Some(Hash::Sha512),
        _ => None,
    }
}

impl Hash {
    fn of(self, bytes: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes)
    }

    fn length(self) -> u8 {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// Verifies a signer's signature with the key of `certificate` (the DER of the one it names).
/// `content` is the signed content when it is at hand; directory values carry none, and then the
/// signature over the signed attributes is all that can be checked.
#[must_use]
pub fn check_signer(signer: &SignerInfo<'_>, content: Option<&[u8]>, certificate: &[u8]) -> SignerCheck {
    let Ok(slices) = slice(certificate) else { return SignerCheck::NotChecked(NotChecked::Certificate) };
    let Some((curve, key)) = public_key(slices.spki) else {
        return SignerCheck::NotChecked(NotChecked::Certificate);
    };
    let Some(algorithm) = scheme(signer).and_then(|s| verifier(s, curve)) else {
        return SignerCheck::NotChecked(NotChecked::Algorithm);
    };
    // Keys that the verifier refuses before it looks at the signature say nothing about it.
    let Ok(key) = signature::ParsedPublicKey::new(algorithm, key) else {
        return SignerCheck::NotChecked(NotChecked::Algorithm);
    };
    let verifies = |message: &[u8]| key.verify_sig(message, &signer.signature).is_ok();
    let Some(attributes) = signer.signed_attributes else {
        return match content {
            None => SignerCheck::NotChecked(NotChecked::NoContent),
            Some(content) if verifies(content) => SignerCheck::Good,
            Some(_) => SignerCheck::BadSignature,
        };
    };
    // RFC 5652 section 5.4: the signature covers the DER of the attributes as a SET OF, whatever the
    // encoding in the message. Most writers send that order; the others are sorted here.
    let mut message = Vec::with_capacity(attributes.len() + 4);
    ber::header(tag::SET, attributes.len(), &mut message);
    message.extend_from_slice(attributes);
    if !verifies(&message) && !sorted_set(attributes).is_some_and(|set| verifies(&set)) {
        return SignerCheck::BadSignature;
    }
    let (Some(content), Some(sum)) = (content, signer.message_digest) else { return SignerCheck::Good };
    match hash(signer.digest_algorithm) {
        Some(hash) if hash.of(content).as_ref() != sum => SignerCheck::BadDigest,
        Some(_) => SignerCheck::Good,
        None => SignerCheck::NotChecked(NotChecked::Algorithm),
    }
}

/// The attributes as a DER SET OF: members in DER, sorted by their encoding (X.690 section 11.6).
fn sorted_set(attributes: &[u8]) -> Option<Vec<u8>> {
    let mut members = Vec::new();
    let mut walker = Walker::new(attributes);
    while !walker.is_empty() {
        members.push(ber::to_der(walker.next().ok()?.raw).ok()?);
    }
    members.sort();
    let length = members.iter().map(|m| m.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    ber::header(tag::SET, length, &mut out);
    members.iter().for_each(|m| out.extend_from_slice(m));
    Some(out)
}

/// OID of the curve (empty when there is none) and contents of the key's BIT STRING.
fn public_key(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = Walker::new(Walker::new(spki).expect(tag::SEQUENCE).ok()?.contents);
    let mut algorithm = Walker::new(fields.expect(tag::SEQUENCE).ok()?.contents);
    let oid = algorithm.expect(tag::OID).ok()?.contents;
    let curve = if oid == oid::EC_KEY {
        algorithm.expect(tag::OID).map(|e| e.contents).unwrap_or_default()
    } else {
        &[]
    };
    let key = fields.expect(tag::BIT_STRING).ok()?.contents.split_first()?.1;
    Some((curve, key))
}

/// Whether the signature is made with SHA-1, or nobody can say with what.
pub(super) fn is_sha1_or_unknown(signer: &SignerInfo<'_>) -> bool {
    match scheme(signer) {
        Some(Scheme::Pkcs1(hash) | Scheme::Pss(hash) | Scheme::Ecdsa(hash)) => hash == Hash::Sha1,
        Some(Scheme::Ed25519) => false,
        None => true,
    }
}

fn scheme(signer: &SignerInfo<'_>) -> Option<Scheme> {
    let oid = signer.signature_algorithm;
    if let Some(arc) = oid.strip_prefix(oid::PKCS1) {
        return match arc {
            // rsaEncryption: the digest is the signer's.
            [1] => Some(Scheme::Pkcs1(hash(signer.digest_algorithm)?)),
            [5] => Some(Scheme::Pkcs1(Hash::Sha1)),
            [10] => Some(Scheme::Pss(pss_hash(signer.signature_parameters)?)),
            [11] => Some(Scheme::Pkcs1(Hash::Sha256)),
            [12] => Some(Scheme::Pkcs1(Hash::Sha384)),
            [13] => Some(Scheme::Pkcs1(Hash::Sha512)),
            _ => None,
        };
    }
    if let Some(arc) = oid.strip_prefix(oid::ECDSA) {
        return match arc {
            [1] => Some(Scheme::Ecdsa(Hash::Sha1)),
            [3, 2] => Some(Scheme::Ecdsa(Hash::Sha256)),
            [3, 3] => Some(Scheme::Ecdsa(Hash::Sha384)),
            [3, 4] => Some(Scheme::Ecdsa(Hash::Sha512)),
            _ => None,
        };
    }
    match oid {
        oid::EC_KEY => Some(Scheme::Ecdsa(hash(signer.digest_algorithm)?)),
        oid::ED25519 => Some(Scheme::Ed25519),
        _ => None,
    }
}

/// RSASSA-PSS-params (RFC 8017 appendix A.2.3), when hash and mask hash agree and the salt is as long
/// as the hash: the verifier has no other. Absent parameters mean SHA-1, which it does not verify.
fn pss_hash(parameters: &[u8]) -> Option<Hash> {
    let mut fields = Walker::new(Walker::new(parameters).expect(tag::SEQUENCE).ok()?.contents);
    let algorithm = |element: &[u8]| -> Option<(Vec<u8>, Vec<u8>)> {
        let mut inner = Walker::new(Walker::new(element).expect(tag::SEQUENCE).ok()?.contents);
        Some((inner.expect(tag::OID).ok()?.contents.to_vec(), inner.rest().to_vec()))
    };
    let main = hash(&algorithm(fields.expect(tag::CONTEXT_0).ok()?.contents)?.0)?;
    let (mask, mask_parameters) = algorithm(fields.expect(tag::CONTEXT_1).ok()?.contents)?;
    let mask_hash = hash(&algorithm(&mask_parameters)?.0)?;
    let salt = Walker::new(fields.expect(tag::CONTEXT_2).ok()?.contents).expect(tag::INTEGER).ok()?.contents;
    let trailer = fields.optional(tag::CONTEXT_3).ok()?;
    (mask == oid::MGF1
        && mask_hash == main
        && salt == [main.length()]
        && trailer.is_none_or(|t| t.contents == [2, 1, 1]))
    .then_some(main)
}

/// The verifier's algorithm. RSA keys of 1024 bits are accepted: this is about a statement's
/// integrity, and the strength of keys is judged elsewhere.
fn verifier(scheme: Scheme, curve: &[u8]) -> Option<&'static dyn signature::VerificationAlgorithm> {
    use signature as s;
    Some(match (scheme, curve) {
        (Scheme::Pkcs1(Hash::Sha1), _) => &s::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (Scheme::Pkcs1(Hash::Sha256), _) => &s::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (Scheme::Pkcs1(Hash::Sha384), _) => &s::RSA_PKCS1_2048_8192_SHA384,
        (Scheme::Pkcs1(Hash::Sha512), _) => &s::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (Scheme::Pss(Hash::Sha1), _) => return None,
        (Scheme::Pss(Hash::Sha256), _) => &s::RSA_PSS_2048_8192_SHA256,
        (Scheme::Pss(Hash::Sha384), _) => &s::RSA_PSS_2048_8192_SHA384,
        (Scheme::Pss(Hash::Sha512), _) => &s::RSA_PSS_2048_8192_SHA512,
        (Scheme::Ed25519, _) => &s::ED25519,
        (Scheme::Ecdsa(Hash::Sha1), oid::P256) => &s::ECDSA_P256_SHA1_ASN1,
        (Scheme::Ecdsa(Hash::Sha256), oid::P256) => &s::ECDSA_P256_SHA256_ASN1,
        (Scheme::Ecdsa(Hash::Sha384), oid::P256) => &s::ECDSA_P256_SHA384_ASN1,
        (Scheme::Ecdsa(Hash::Sha512), oid::P256) => &s::ECDSA_P256_SHA512_ASN1,
        (Scheme::Ecdsa(Hash::Sha256), oid::P384) => &s::ECDSA_P384_SHA256_ASN1,
        (Scheme::Ecdsa(Hash::Sha384), oid::P384) => &s::ECDSA_P384_SHA384_ASN1,
        (Scheme::Ecdsa(Hash::Sha512), oid::P384) => &s::ECDSA_P384_SHA512_ASN1,
        (Scheme::Ecdsa(Hash::Sha1), oid::P521) => &s::ECDSA_P521_SHA1_ASN1,
        (Scheme::Ecdsa(Hash::Sha256), oid::P521) => &s::ECDSA_P521_SHA256_ASN1,
        (Scheme::Ecdsa(Hash::Sha384), oid::P521) => &s::ECDSA_P521_SHA384_ASN1,
        (Scheme::Ecdsa(Hash::Sha512), oid::P521) => &s::ECDSA_P521_SHA512_ASN1,
        (Scheme::Ecdsa(_), _) => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::borrow::Cow;

    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

    use super::super::signed_data::KeyReference;
    use super::super::slices::tests::{nest, tlv};
    use super::*;

    /// A certificate-shaped frame around an Ed25519 key: all that the check reads.
    fn frame(key: &[u8]) -> Vec<u8> {
        let spki = nest(0x30, &[nest(0x30, &[tlv(6, oid::ED25519)]), tlv(3, &[&[0][..], key].concat())]);
        let empty = nest(0x30, &[]);
        let tbs = [tlv(2, &[1]), empty.clone(), empty.clone(), empty.clone(), empty, spki];
        nest(0x30, &[nest(0x30, &tbs)])
    }

    #[test]
    fn a_signature_is_good_bad_or_not_checked() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let certificate = frame(pair.public_key().as_ref());
        let content = b"content";
        let sum = Hash::Sha512.of(content);
        // The attributes are not in DER order: the signature covers the sorted set.
        let (short, long) = (tlv(4, b"z"), tlv(4, &[b'a'; 9]));
        let attributes = [long.clone(), short.clone()].concat();
        let signed = pair.sign(&nest(tag::SET, &[short, long])).as_ref().to_vec();
        let signer = SignerInfo {
            at: 0,
            signer: KeyReference::SubjectKeyIdentifier(&[]),
            digest_algorithm: oid::SHA512,
            signature_algorithm: oid::ED25519,
            signature_parameters: &[],
            signature: Cow::Borrowed(&signed),
            signed_attributes: Some(&attributes),
            key_preferences: Vec::new(),
            message_digest: Some(sum.as_ref()),
            content_type: None,
        };
        assert_eq!(check_signer(&signer, None, &certificate), SignerCheck::Good);
        assert_eq!(check_signer(&signer, Some(content), &certificate), SignerCheck::Good);
        assert_eq!(check_signer(&signer, Some(b"other"), &certificate), SignerCheck::BadDigest);
        let stranger = frame(Ed25519KeyPair::generate().unwrap().public_key().as_ref());
        assert_eq!(check_signer(&signer, None, &stranger), SignerCheck::BadSignature);
        let not_checked =
            |signer: &SignerInfo<'_>, certificate: &[u8]| match check_signer(signer, None, certificate) {
                SignerCheck::NotChecked(why) => why,
                other => panic!("{other:?}"),
            };
        let unknown = SignerInfo { signature_algorithm: &[0x2b, 1], ..signer.clone() };
        assert_eq!(not_checked(&unknown, &certificate), NotChecked::Algorithm);
        let bare = SignerInfo { signed_attributes: None, ..signer.clone() };
        assert_eq!(not_checked(&bare, &certificate), NotChecked::NoContent);
        assert_eq!(not_checked(&signer, &frame(&[1, 2, 3])), NotChecked::Algorithm, "no key of that kind");
        assert_eq!(not_checked(&signer, b"junk"), NotChecked::Certificate);
    }
}
