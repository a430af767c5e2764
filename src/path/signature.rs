//! Signatures, verified by aws-lc-rs with keys that are parsed once.
//!
//! A key is parsed for the algorithm it is used with, on first use, and shared between threads. A
//! combination that aws-lc-rs does not verify is *unsupported*, which is never a bad signature.

use std::sync::OnceLock;

use aws_lc_rs::signature as lc;
use aws_lc_rs::signature::{ParsedPublicKey, VerificationAlgorithm};

use crate::certificate::key::{Curve, Hash, KeyInfo, KeyKind, Scheme, SignatureAlgorithm, pss_of_key};
use crate::certificate::oid;

/// What checking a signature came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It verifies.
    Good,
    /// It does not verify with this key.
    Bad,
    /// This program cannot verify it; the text names the algorithm and key.
    Unsupported(String),
}

/// Slots for parsed keys: one for each (hash, padding) that a key can be used with.
const SLOTS: usize = 8;

/// A public key, ready for many checks.
pub struct PublicKey {
    kind: OwnedKind,
    bits: Box<[u8]>,
    name: String,
    parsed: [OnceLock<Option<ParsedPublicKey>>; SLOTS],
}

#[derive(Clone, Copy)]
enum OwnedKind {
    Rsa {
        bits: usize,
        pss: bool,
    },
    /// PSS with this hash alone.
    RsaPss(usize, Hash),
    Ec(&'static str),
    Ed25519,
    Other,
}

impl PublicKey {
    /// Takes the key of a SubjectPublicKeyInfo; nothing is parsed yet.
    #[must_use]
    pub fn new(info: &KeyInfo<'_>) -> Self {
        let kind = match info.kind {
            // id-RSASSA-PSS keys may restrict hash and salt.
            KeyKind::Rsa { bits, pss: true } if !info.parameters.is_empty() => {
                pss_of_key(info.parameters).map_or(OwnedKind::Other, |hash| OwnedKind::RsaPss(bits, hash))
            }
            // id-RSAES-OAEP keys encrypt and never sign (RFC 4055 section 4).
            KeyKind::Rsa { .. } if info.oid.0 == oid::RSA_OAEP => OwnedKind::Other,
            // NULL by RFC 3279 section 2.3.1; nothing at all is common and says the same.
            KeyKind::Rsa { pss: false, .. } if !matches!(info.parameters, [] | [5, 0]) => OwnedKind::Other,
            // RFC 8410 section 3: parameters are absent.
            KeyKind::Ed25519 if !info.parameters.is_empty() => OwnedKind::Other,
            KeyKind::Rsa { bits, pss } => OwnedKind::Rsa { bits, pss },
            KeyKind::Ec(Curve::Known(curve)) => OwnedKind::Ec(curve),
            KeyKind::Ed25519 => OwnedKind::Ed25519,
            _ => OwnedKind::Other,
        };
        Self { kind, bits: info.bits.into(), name: info.name().into_owned(), parsed: Default::default() }
    }

    /// Checks `signature` over `message`.
    #[must_use]
    pub fn verify(&self, algorithm: SignatureAlgorithm<'_>, message: &[u8], signature: &[u8]) -> Checked {
        let unsupported = || Checked::Unsupported(format!("{} with key {}", algorithm.name(), self.name));
        let Some(scheme) = algorithm.scheme() else { return unsupported() };
        let Some((slot, lc_algorithm)) = self.select(scheme) else {
            // A supported algorithm that cannot belong to this kind of key at all is a bad signature.
            return if self.fits(scheme) { unsupported() } else { Checked::Bad };
        };
        let key = self.parsed[slot].get_or_init(|| ParsedPublicKey::new(lc_algorithm, &self.bits).ok());
        match key {
            Some(key) if key.verify_sig(message, signature).is_ok() => Checked::Good,
            Some(_) => Checked::Bad,
            None => Checked::Unsupported(format!("{}: the key is not usable", self.name)),
        }
    }

    fn fits(&self, scheme: Scheme) -> bool {
        match self.kind {
            OwnedKind::Rsa { .. } | OwnedKind::RsaPss(..) => {
                matches!(scheme, Scheme::RsaPkcs1(_) | Scheme::RsaPss(_))
            }
            OwnedKind::Ec(_) => matches!(scheme, Scheme::Ecdsa(_)),
            OwnedKind::Ed25519 => scheme == Scheme::Ed25519,
            OwnedKind::Other => true,
        }
    }

    fn select(&self, scheme: Scheme) -> Option<(usize, &'static dyn VerificationAlgorithm)> {
        match (self.kind, scheme) {
            (OwnedKind::Rsa { bits, .. }, _) if bits > 8192 => None,
            (OwnedKind::Rsa { bits, pss: false }, Scheme::RsaPkcs1(hash)) => match hash {
                Hash::Sha1 if bits >= 1024 => Some((0, &lc::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY)),
                Hash::Sha256 if bits >= 1024 => {
                    Some((1, &lc::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY))
                }
                Hash::Sha384 if bits >= 2048 => Some((2, &lc::RSA_PKCS1_2048_8192_SHA384)),
                Hash::Sha512 if bits >= 1024 => {
                    Some((3, &lc::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY))
                }
                _ => None,
            },
            (OwnedKind::Rsa { bits, .. }, Scheme::RsaPss(hash)) => pss(bits, hash),
            (OwnedKind::RsaPss(bits, only), Scheme::RsaPss(hash)) if only == hash => pss(bits, hash),
            (OwnedKind::Ec(curve), Scheme::Ecdsa(hash)) => ecdsa(curve, hash),
            (OwnedKind::Ed25519, Scheme::Ed25519) => Some((0, &lc::ED25519)),
            _ => None,
        }
    }
}

fn pss(bits: usize, hash: Hash) -> Option<(usize, &'static dyn VerificationAlgorithm)> {
    match hash {
        _ if !(2048..=8192).contains(&bits) => None,
        Hash::Sha1 => None,
        Hash::Sha256 => Some((4, &lc::RSA_PSS_2048_8192_SHA256)),
        Hash::Sha384 => Some((5, &lc::RSA_PSS_2048_8192_SHA384)),
        Hash::Sha512 => Some((6, &lc::RSA_PSS_2048_8192_SHA512)),
    }
}

fn ecdsa(curve: &str, hash: Hash) -> Option<(usize, &'static dyn VerificationAlgorithm)> {
    match (curve, hash) {
        ("P-256", Hash::Sha1) => Some((0, &lc::ECDSA_P256_SHA1_ASN1)),
        ("P-256", Hash::Sha256) => Some((1, &lc::ECDSA_P256_SHA256_ASN1)),
        ("P-256", Hash::Sha384) => Some((2, &lc::ECDSA_P256_SHA384_ASN1)),
        ("P-256", Hash::Sha512) => Some((3, &lc::ECDSA_P256_SHA512_ASN1)),
        ("P-384", Hash::Sha256) => Some((1, &lc::ECDSA_P384_SHA256_ASN1)),
        ("P-384", Hash::Sha384) => Some((2, &lc::ECDSA_P384_SHA384_ASN1)),
        ("P-384", Hash::Sha512) => Some((3, &lc::ECDSA_P384_SHA512_ASN1)),
        ("P-521", Hash::Sha1) => Some((0, &lc::ECDSA_P521_SHA1_ASN1)),
        ("P-521", Hash::Sha256) => Some((1, &lc::ECDSA_P521_SHA256_ASN1)),
        ("P-521", Hash::Sha384) => Some((2, &lc::ECDSA_P521_SHA384_ASN1)),
        ("P-521", Hash::Sha512) => Some((3, &lc::ECDSA_P521_SHA512_ASN1)),
        ("secp256k1", Hash::Sha256) => Some((1, &lc::ECDSA_P256K1_SHA256_ASN1)),
        _ => None,
    }
}

/// Whether an EC key on a known curve is a point of that curve. Other keys are not judged.
#[must_use]
pub fn is_valid_point(info: &KeyInfo<'_>) -> bool {
    let KeyKind::Ec(Curve::Known(curve)) = info.kind else { return true };
    let hash = if curve == "P-384" { Hash::Sha384 } else { Hash::Sha256 };
    ecdsa(curve, hash).is_some_and(|(_, algorithm)| ParsedPublicKey::new(algorithm, info.bits).is_ok())
}
