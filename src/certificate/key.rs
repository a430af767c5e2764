//! Keys and signature algorithms: what they are, in words, and whether this crate can verify them.
//!
//! What aws-lc-rs does not verify is named, never mistaken for a bad signature: MD5, RSA with
//! SHA-224, PSS whose salt is not as long as its hash, brainpool curves, Ed448, DSA, RSA below 1024 bits.

use std::borrow::Cow;
use std::fmt;

use super::oid::{self, Oid};
use super::tlv::{self, Walker, tag};

/// A hash function of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1: broken for collisions since 2017; verified, with a finding.
    Sha1,
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

impl Hash {
    /// The usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    fn octets(self) -> u32 {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn of_oid(id: &[u8]) -> Option<Self> {
        match id {
            oid::SHA1 => Some(Self::Sha1),
            oid::SHA256 => Some(Self::Sha256),
            oid::SHA384 => Some(Self::Sha384),
            oid::SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// How a signature is made, as far as this crate can verify it; the key decides the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2)
    RsaPkcs1(Hash),
    /// RSASSA-PSS with MGF1 over the same hash and a salt as long as the hash (RFC 4055)
    RsaPss(Hash),
    /// ECDSA (RFC 5758)
    Ecdsa(Hash),
    /// Ed25519 (RFC 8410)
    Ed25519,
}

/// A signature's AlgorithmIdentifier.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignatureAlgorithm<'a> {
    raw: &'a [u8],
}

impl<'a> SignatureAlgorithm<'a> {
    /// Takes the DER of an AlgorithmIdentifier.
    #[must_use]
    pub fn new(raw: &'a [u8]) -> Self {
        Self { raw }
    }

    /// The DER, header included.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    fn parts(&self) -> (Oid<'a>, &'a [u8]) {
        algorithm(self.raw).unwrap_or((Oid(&[]), &[]))
    }

    /// The algorithm's identifier.
    #[must_use]
    pub fn oid(&self) -> Oid<'a> {
        self.parts().0
    }

    /// How it is verified, or `None` when this crate cannot.
    #[must_use]
    pub fn scheme(&self) -> Option<Scheme> {
        let (id, parameters) = self.parts();
        let rsa = |hash| matches!(parameters, [] | [5, 0]).then_some(Scheme::RsaPkcs1(hash));
        // RFC 5758 section 3.2: parameters are absent, and nothing else is.
        let ecdsa = |hash| parameters.is_empty().then_some(Scheme::Ecdsa(hash));
        match id.0 {
            oid::SHA256_RSA => rsa(Hash::Sha256),
            oid::SHA384_RSA => rsa(Hash::Sha384),
            oid::SHA512_RSA => rsa(Hash::Sha512),
            oid::SHA1_RSA | oid::SHA1_RSA_OIW => rsa(Hash::Sha1),
            oid::ECDSA_SHA256 => ecdsa(Hash::Sha256),
            oid::ECDSA_SHA384 => ecdsa(Hash::Sha384),
            oid::ECDSA_SHA512 => ecdsa(Hash::Sha512),
            oid::ECDSA_SHA1 => ecdsa(Hash::Sha1),
            oid::ED25519 if parameters.is_empty() => Some(Scheme::Ed25519),
            oid::RSA_PSS => {
                let (hash, salt) = pss(parameters)?;
                (salt == hash.octets()).then_some(Scheme::RsaPss(hash))
            }
            _ => None,
        }
    }

    /// The hash, where one is known (also of some algorithms that are not verified).
    #[must_use]
    pub fn hash(&self) -> Option<Hash> {
        match self.scheme()? {
            Scheme::RsaPkcs1(hash) | Scheme::RsaPss(hash) | Scheme::Ecdsa(hash) => Some(hash),
            Scheme::Ed25519 => Some(Hash::Sha512),
        }
    }

    /// The name for people, with what matters of the parameters.
    #[must_use]
    pub fn name(&self) -> String {
        let (id, parameters) = self.parts();
        if id.0 != oid::RSA_PSS {
            return id.name().into_owned();
        }
        match Pss::read(parameters) {
            Some(pss) => format!(
                "RSASSA-PSS with {}, MGF1 with {}, salt {}",
                Oid(pss.hash).name(),
                Oid(pss.mgf_hash).name(),
                pss.salt
            ),
            None => "RSASSA-PSS with unreadable parameters".to_owned(),
        }
    }
}

impl fmt::Debug for SignatureAlgorithm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Splits an AlgorithmIdentifier into its identifier and its raw parameters.
pub(crate) fn algorithm(raw: &[u8]) -> Option<(Oid<'_>, &[u8])> {
    let mut parts = Walker::new(tlv::first(raw).ok()?.contents);
    let id = parts.expect(tag::OID).ok()?;
    Some((Oid(id.contents), parts.rest()))
}

/// Hash and salt of RSASSA-PSS-params with MGF1 over the same hash, SHA-1 excepted.
fn pss(parameters: &[u8]) -> Option<(Hash, u32)> {
    let pss = Pss::read(parameters)?;
    let hash = Hash::of_oid(pss.hash).filter(|hash| *hash != Hash::Sha1)?;
    (pss.mgf_hash == pss.hash && pss.trailer == 1).then_some((hash, pss.salt))
}

/// The hash that the parameters of an id-RSASSA-PSS key restrict it to, where a salt as long as the
/// hash is allowed: the key's salt is the least (RFC 4055 section 3.3).
pub(crate) fn pss_of_key(parameters: &[u8]) -> Option<Hash> {
    pss(parameters).filter(|(hash, least)| *least <= hash.octets()).map(|(hash, _)| hash)
}

/// RSASSA-PSS-params (RFC 4055 section 3.1), with its defaults.
struct Pss<'a> {
    hash: &'a [u8],
    mgf_hash: &'a [u8],
    salt: u32,
    trailer: u32,
}

impl<'a> Pss<'a> {
    fn read(parameters: &'a [u8]) -> Option<Self> {
        let mut pss = Self { hash: oid::SHA1, mgf_hash: oid::SHA1, salt: 20, trailer: 1 };
        let outer = tlv::first(parameters).ok()?;
        if outer.tag != tag::SEQUENCE || outer.raw.len() != parameters.len() {
            return None;
        }
        let mut parts = Walker::new(outer.contents);
        if let Some(hash) = parts.optional(0xa0).ok()? {
            pss.hash = algorithm(hash.contents)?.0.0;
        }
        if let Some(mgf) = parts.optional(0xa1).ok()? {
            let (id, inner) = algorithm(mgf.contents)?;
            if id.0 != oid::MGF1 {
                return None;
            }
            pss.mgf_hash = algorithm(inner)?.0.0;
        }
        if let Some(salt) = parts.optional(0xa2).ok()? {
            pss.salt = super::extensions::unsigned(tlv::first(salt.contents).ok()?.contents).ok()?;
        }
        if let Some(trailer) = parts.optional(0xa3).ok()? {
            pss.trailer = super::extensions::unsigned(tlv::first(trailer.contents).ok()?.contents).ok()?;
        }
        parts.is_empty().then_some(pss)
    }
}

/// A curve of an EC key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve<'a> {
    /// P-256, P-384, P-521 or secp256k1: verified.
    Known(&'static str),
    /// Another curve by its identifier: named, not verified.
    Other(Oid<'a>),
    /// Parameters written out instead of named (RFC 5480 section 2.1.1 forbids that): not verified.
    Explicit,
    /// `implicitCurve`, or no parameters at all.
    Missing,
}

/// What a SubjectPublicKeyInfo holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind<'a> {
    /// RSA with the modulus' length in bits.
    Rsa {
        /// Bits of the modulus; 0 when the key cannot be read.
        bits: usize,
        /// Whether the identifier is id-RSASSA-PSS, which restricts the key to PSS.
        pss: bool,
    },
    /// An EC key.
    Ec(Curve<'a>),
    /// Ed25519
    Ed25519,
    /// Ed448
    Ed448,
    /// X25519
    X25519,
    /// X448
    X448,
    /// DSA
    Dsa,
    /// Diffie-Hellman
    Dh,
    /// Anything else.
    Unknown(Oid<'a>),
}

/// A public key, described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyInfo<'a> {
    /// What it is.
    pub kind: KeyKind<'a>,
    /// The algorithm's identifier.
    pub oid: Oid<'a>,
    /// Raw algorithm parameters.
    pub parameters: &'a [u8],
    /// The key's bits: an RSAPublicKey, a point, 32 octets …
    pub bits: &'a [u8],
}

impl<'a> KeyInfo<'a> {
    /// Reads a SubjectPublicKeyInfo; what cannot be read becomes [`KeyKind::Unknown`].
    #[must_use]
    pub fn read(spki: &'a [u8]) -> Self {
        Self::try_read(spki).unwrap_or(Self {
            kind: KeyKind::Unknown(Oid(&[])),
            oid: Oid(&[]),
            parameters: &[],
            bits: &[],
        })
    }

    fn try_read(spki: &'a [u8]) -> Option<Self> {
        let mut parts = Walker::new(tlv::first(spki).ok()?.contents);
        let (id, parameters) = algorithm(parts.expect(tag::SEQUENCE).ok()?.raw)?;
        let bits = parts.expect(tag::BIT_STRING).ok()?.contents;
        // AlgorithmIdentifier has one element of parameters at most.
        let whole = parameters.is_empty() || tlv::first(parameters).ok()?.raw.len() == parameters.len();
        if !whole || !parts.is_empty() {
            return None;
        }
        let bits = match bits.split_first() {
            Some((0, octets)) => octets,
            _ => &[],
        };
        let kind = match id.0 {
            oid::RSA | oid::RSA_OAEP => KeyKind::Rsa { bits: rsa_bits(bits).unwrap_or(0), pss: false },
            oid::RSA_PSS => KeyKind::Rsa { bits: rsa_bits(bits).unwrap_or(0), pss: true },
            oid::EC => KeyKind::Ec(curve(parameters)),
            oid::ED25519 => KeyKind::Ed25519,
            oid::ED448 => KeyKind::Ed448,
            oid::X25519 => KeyKind::X25519,
            oid::X448 => KeyKind::X448,
            oid::DSA => KeyKind::Dsa,
            oid::DH | oid::DH_PKCS3 => KeyKind::Dh,
            _ => KeyKind::Unknown(id),
        };
        Some(Self { kind, oid: id, parameters, bits })
    }

    /// The name for people: `RSA 2048`, `EC P-256`, `EC with explicit parameters`.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        match self.kind {
            KeyKind::Rsa { bits: 0, .. } => "RSA (unreadable key)".into(),
            KeyKind::Rsa { bits, pss: false } => format!("RSA {bits}").into(),
            KeyKind::Rsa { bits, pss: true } => format!("RSA-PSS {bits}").into(),
            KeyKind::Ec(Curve::Known(curve)) => format!("EC {curve}").into(),
            KeyKind::Ec(Curve::Other(id)) => format!("EC {}", id.name()).into(),
            KeyKind::Ec(Curve::Explicit) => "EC with explicit parameters".into(),
            KeyKind::Ec(Curve::Missing) => "EC without a curve".into(),
            KeyKind::Ed25519 => "Ed25519".into(),
            KeyKind::Ed448 => "Ed448".into(),
            KeyKind::X25519 => "X25519".into(),
            KeyKind::X448 => "X448".into(),
            KeyKind::Dsa => "DSA".into(),
            KeyKind::Dh => "Diffie-Hellman".into(),
            KeyKind::Unknown(Oid(&[])) => "unreadable key".into(),
            KeyKind::Unknown(id) => format!("unknown algorithm {id}").into(),
        }
    }
}

fn rsa_bits(key: &[u8]) -> Option<usize> {
    let mut parts = Walker::new(tlv::first(key).ok()?.contents);
    let modulus = parts.expect(tag::INTEGER).ok()?.contents;
    let start = modulus.iter().position(|b| *b != 0)?;
    Some((modulus.len() - start) * 8 - modulus[start].leading_zeros() as usize)
}

fn curve(parameters: &[u8]) -> Curve<'_> {
    let Ok(element) = tlv::first(parameters) else { return Curve::Missing };
    match (element.tag, element.contents) {
        (tag::OID, oid::P256) => Curve::Known("P-256"),
        (tag::OID, oid::P384) => Curve::Known("P-384"),
        (tag::OID, oid::P521) => Curve::Known("P-521"),
        (tag::OID, oid::SECP256K1) => Curve::Known("secp256k1"),
        (tag::OID, other) => Curve::Other(Oid(other)),
        (tag::SEQUENCE, _) => Curve::Explicit,
        _ => Curve::Missing,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn odd_pss_is_named_and_not_verified() {
        // hash SHA-256, MGF1 with SHA-256, salt 20.
        let mut inner = vec![0xa0, 13, 0x30, 11, 6, 9];
        inner.extend(oid::SHA256);
        inner.extend([0xa1, 26, 0x30, 24, 6, 9]);
        inner.extend(oid::MGF1);
        inner.extend([0x30, 11, 6, 9]);
        inner.extend(oid::SHA256);
        inner.extend([0xa2, 3, 2, 1, 20]);
        let whole = |salt: u8| {
            let mut inner = inner.clone();
            *inner.last_mut().unwrap() = salt;
            let mut body = vec![6, 9];
            body.extend(oid::RSA_PSS);
            body.extend([0x30, inner.len() as u8]);
            body.extend(&inner);
            [vec![0x30, body.len() as u8], body].concat()
        };
        let odd = whole(20);
        assert_eq!(SignatureAlgorithm::new(&odd).scheme(), None);
        assert_eq!(
            SignatureAlgorithm::new(&odd).name(),
            "RSASSA-PSS with SHA-256, MGF1 with SHA-256, salt 20"
        );
        assert_eq!(SignatureAlgorithm::new(&whole(32)).scheme(), Some(Scheme::RsaPss(Hash::Sha256)));
        assert_eq!(SignatureAlgorithm::new(&[0x30, 0]).scheme(), None);
    }

    #[test]
    fn keys_are_described() {
        let mut spki = vec![0x30, 18, 0x30, 11, 6, 7];
        spki.extend(oid::EC);
        spki.extend([0x30, 0, 3, 3, 0, 4, 1]);
        assert_eq!(KeyInfo::read(&spki).name(), "EC with explicit parameters");
        assert_eq!(KeyInfo::read(&[]).name(), "unreadable key");
    }
}
