//! A small maker of certificates and CRLs for tests: keys by aws-lc-rs, DER by hand.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as lc, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use certferry::certificate::oid;

/// One element.
pub fn tlv(tag: u8, contents: impl AsRef<[u8]>) -> Vec<u8> {
    let contents = contents.as_ref();
    let n = contents.len();
    let mut out = vec![tag];
    match n {
        0..0x80 => out.push(n as u8),
        0x80..0x100 => out.extend([0x81, n as u8]),
        0x100..0x1_0000 => out.extend([0x82, (n >> 8) as u8, n as u8]),
        _ => out.extend([0x83, (n >> 16) as u8, (n >> 8) as u8, n as u8]),
    }
    out.extend_from_slice(contents);
    out
}

/// A SEQUENCE of elements.
pub fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, parts.concat())
}

enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// A key pair with what certificates say of it.
pub struct Key {
    pair: Pair,
    pub spki: Vec<u8>,
}

impl Key {
    pub fn p256() -> Self {
        let pair = EcdsaKeyPair::generate(&lc::ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        Self { spki: spki.as_ref().to_vec(), pair: Pair::Ec(pair) }
    }

    pub fn rsa2048() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        Self { spki: spki.as_ref().to_vec(), pair: Pair::Rsa(pair) }
    }

    pub fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let bits = [&[0], pair.public_key().as_ref()].concat();
        let spki = seq(&[seq(&[tlv(6, oid::ED25519)]), tlv(3, bits)]);
        Self { spki, pair: Pair::Ed(pair) }
    }

    /// The same key, described otherwise.
    pub fn with_spki(self, spki: Vec<u8>) -> Self {
        Self { spki, ..self }
    }

    pub fn algorithm(&self) -> Vec<u8> {
        match self.pair {
            Pair::Ec(_) => seq(&[tlv(6, oid::ECDSA_SHA256)]),
            Pair::Rsa(_) => seq(&[tlv(6, oid::SHA256_RSA), vec![5, 0]]),
            Pair::Ed(_) => seq(&[tlv(6, oid::ED25519)]),
        }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&lc::RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// An identifier of the key, short but its own.
    pub fn id(&self) -> Vec<u8> {
        certferry::certificate::sha256(&self.spki)[..20].to_vec()
    }

    fn signed(&self, tbs: Vec<u8>) -> Vec<u8> {
        let signature = [&[0], self.sign(&tbs).as_slice()].concat();
        seq(&[tbs, self.algorithm(), tlv(3, signature)])
    }
}

/// A name with one commonName.
pub fn name(common: &str) -> Vec<u8> {
    seq(&[tlv(0x31, seq(&[tlv(6, oid::COMMON_NAME), tlv(0x0c, common)]))])
}

/// One extension.
pub fn extension(id: &[u8], critical: bool, value: impl AsRef<[u8]>) -> Vec<u8> {
    let flag = if critical { vec![1, 1, 0xff] } else { Vec::new() };
    seq(&[tlv(6, id), flag, tlv(4, value)])
}

/// A certificate to be made; the defaults are a user's for mail, valid 2020 to 2040.
pub struct Cert {
    pub subject: Vec<u8>,
    pub issuer: Vec<u8>,
    pub serial: Vec<u8>,
    pub not_before: String,
    pub not_after: String,
    pub extensions: Vec<Vec<u8>>,
}

impl Cert {
    pub fn new(subject: &str, issuer: &str, serial: u64) -> Self {
        let octets = serial.to_be_bytes();
        let start = octets.iter().position(|b| *b != 0).unwrap_or(7);
        let sign = if octets[start] & 0x80 != 0 { vec![0] } else { Vec::new() };
        Self {
            subject: name(subject),
            issuer: name(issuer),
            serial: [sign, octets[start..].to_vec()].concat(),
            not_before: "200101000000Z".into(),
            not_after: "400101000000Z".into(),
            extensions: Vec::new(),
        }
    }

    pub fn with(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    pub fn ca(self, path_len: Option<u8>) -> Self {
        let limit = path_len.map_or(Vec::new(), |n| vec![2, 1, n]);
        self.with(extension(oid::BASIC_CONSTRAINTS, true, seq(&[vec![1, 1, 0xff], limit]))).with(extension(
            oid::KEY_USAGE,
            true,
            [3, 2, 1, 6],
        ))
    }

    pub fn mail(self, address: &str) -> Self {
        self.with(extension(oid::KEY_USAGE, true, [3, 2, 5, 0xa0]))
            .with(extension(oid::EXT_KEY_USAGE, false, seq(&[tlv(6, oid::EMAIL_PROTECTION)])))
            .with(extension(oid::SUBJECT_ALT_NAME, false, seq(&[tlv(0x81, address)])))
    }

    pub fn ids(self, own: &Key, issuer: &Key) -> Self {
        self.with(extension(oid::SUBJECT_KEY_IDENTIFIER, false, tlv(4, own.id()))).with(extension(
            oid::AUTHORITY_KEY_IDENTIFIER,
            false,
            seq(&[tlv(0x80, issuer.id())]),
        ))
    }

    pub fn sign(&self, key: &Key, issuer: &Key) -> Vec<u8> {
        let extensions =
            if self.extensions.is_empty() { Vec::new() } else { tlv(0xa3, seq(&self.extensions)) };
        let validity = seq(&[tlv(0x17, &self.not_before), tlv(0x17, &self.not_after)]);
        issuer.signed(seq(&[
            tlv(0xa0, [2, 1, 2]),
            tlv(2, &self.serial),
            issuer.algorithm(),
            self.issuer.clone(),
            validity,
            self.subject.clone(),
            key.spki.clone(),
            extensions,
        ]))
    }
}

/// A CRL that lists serial numbers (contents octets), from 2024-01-01 to `next`, with cRLNumber 1.
pub fn crl(issuer: &str, key: &Key, serials: &[Vec<u8>], next: &str, extensions: &[Vec<u8>]) -> Vec<u8> {
    let entries: Vec<Vec<u8>> =
        serials.iter().map(|serial| seq(&[tlv(2, serial), tlv(0x17, "231201000000Z")])).collect();
    let number = extension(oid::CRL_NUMBER, false, [2, 1, 1]);
    crl_of(issuer, key, &entries, next, &[vec![number], extensions.to_vec()].concat())
}

/// A CRL of whole entries and extensions.
pub fn crl_of(issuer: &str, key: &Key, entries: &[Vec<u8>], next: &str, extensions: &[Vec<u8>]) -> Vec<u8> {
    let list = if entries.is_empty() { Vec::new() } else { seq(entries) };
    key.signed(seq(&[
        vec![2, 1, 1],
        key.algorithm(),
        name(issuer),
        tlv(0x17, "240101000000Z"),
        tlv(0x17, next),
        list,
        tlv(0xa0, seq(extensions)),
    ]))
}

/// id-data (RFC 5652 section 4).
pub const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

/// CMS SignedData (RFC 5652) around certificates, with signers.
pub fn cms(certificates: &[Vec<u8>], signers: &[Vec<u8>]) -> Vec<u8> {
    let signed = seq(&[
        vec![2, 1, 1],
        tlv(0x31, seq(&[tlv(6, oid::SHA256)])),
        seq(&[tlv(6, DATA)]),
        tlv(0xa0, certificates.concat()),
        tlv(0x31, signers.concat()),
    ]);
    seq(&[tlv(6, SIGNED_DATA), tlv(0xa0, signed)])
}
