//! The signature over a published statement (RFC 5652 section 5.4), checked where it can be. It says
//! who made the value, not whether the certificate in it is good: that is the path's business.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};

use super::super::key::{Hash, Scheme};
use super::super::{Certificate, SignatureAlgorithm, oid};
use super::cms::{SignedData, Signer};
use super::own::is_named;
use crate::certificate::tlv::{Walker, tag};
use crate::path::signature::{Checked, PublicKey};

/// What checking a signer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// The signature is good.
    Good,
    /// It is not, and why.
    Bad(String),
    /// It could not be checked, and why.
    Unchecked(String),
}

const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];

/// Checks one signer of a value against the certificates in it.
#[must_use]
pub fn check(signed: &SignedData<'_>, signer: &Signer<'_>) -> Statement {
    let parsed = signed.certificates.iter().filter_map(|der| Certificate::parse(der).ok());
    let Some(certificate) = parsed.into_iter().find(|certificate| is_named(certificate, &signer.id)) else {
        return Statement::Unchecked("the signer's certificate is not in the value".into());
    };
    let Some(hash) = digest_hash(signer.digest_algorithm) else {
        return Statement::Unchecked("its digest algorithm is not supported".into());
    };
    let message = match (signer.signed_attributes, &signed.content) {
        (Some(attributes), content) => {
            if let (Some(content), Some(stated)) = (content, signer.attribute(MESSAGE_DIGEST))
                && stated.contents != digest_of(hash, content)
            {
                return Statement::Bad("the digest that it states is not that of its content".into());
            }
            // What is signed is the SET OF with its own tag (RFC 5652 section 5.4).
            set_of(attributes)
        }
        (None, Some(content)) => content.clone(),
        (None, None) => return Statement::Unchecked("its content is not in the value".into()),
    };
    let Some(algorithm) = signature_algorithm(signer, hash) else {
        return Statement::Unchecked("its signature algorithm is not supported".into());
    };
    let algorithm = SignatureAlgorithm::new(&algorithm);
    match PublicKey::new(&certificate.key()).verify(algorithm, &message, &signer.signature) {
        Checked::Good => Statement::Good,
        Checked::Bad => Statement::Bad("it does not verify with the signer's key".into()),
        Checked::Unsupported(what) => Statement::Unchecked(format!("{what} is not supported")),
    }
}

fn digest_hash(algorithm: &[u8]) -> Option<Hash> {
    let contents = Walker::new(algorithm).next().ok()?.contents;
    match Walker::new(contents).expect(tag::OID).ok()?.contents {
        oid::SHA1 => Some(Hash::Sha1),
        oid::SHA256 => Some(Hash::Sha256),
        oid::SHA384 => Some(Hash::Sha384),
        oid::SHA512 => Some(Hash::Sha512),
        _ => None,
    }
}

fn digest_of(hash: Hash, content: &[u8]) -> Vec<u8> {
    let algorithm = match hash {
        Hash::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &SHA256,
        Hash::Sha384 => &SHA384,
        Hash::Sha512 => &SHA512,
    };
    digest::digest(algorithm, content).as_ref().to_vec()
}

fn set_of(contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag::SET];
    header_length(contents.len(), &mut out);
    out.extend_from_slice(contents);
    out
}

fn header_length(length: usize, out: &mut Vec<u8>) {
    if length < 0x80 {
        out.push(length as u8); // below 128
    } else {
        let bytes = length.to_be_bytes();
        let used = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
        out.push(0x80 | (bytes.len() - used) as u8); // at most 8
        out.extend_from_slice(&bytes[used..]);
    }
}

/// The signature algorithm as certificates name it. CMS also writes the bare key type (rsaEncryption)
/// and leaves the hash to the digest algorithm (RFC 3370 section 3.2).
fn signature_algorithm(signer: &Signer<'_>, hash: Hash) -> Option<Vec<u8>> {
    let named = SignatureAlgorithm::new(signer.signature_algorithm);
    if named.scheme().is_some() {
        return Some(signer.signature_algorithm.to_vec());
    }
    let arcs = match (named.oid().0, hash) {
        (oid::RSA, Hash::Sha1) => oid::SHA1_RSA,
        (oid::RSA, Hash::Sha256) => oid::SHA256_RSA,
        (oid::RSA, Hash::Sha384) => oid::SHA384_RSA,
        (oid::RSA, Hash::Sha512) => oid::SHA512_RSA,
        (oid::EC, Hash::Sha256) => oid::ECDSA_SHA256,
        (oid::EC, Hash::Sha384) => oid::ECDSA_SHA384,
        (oid::EC, Hash::Sha512) => oid::ECDSA_SHA512,
        _ => return None,
    };
    let mut made = vec![tag::SEQUENCE, (arcs.len() + 2) as u8, tag::OID, arcs.len() as u8]; // arcs are short
    made.extend_from_slice(arcs);
    debug_assert!(matches!(
        SignatureAlgorithm::new(&made).scheme(),
        Some(Scheme::RsaPkcs1(_) | Scheme::Ecdsa(_))
    ));
    Some(made)
}
