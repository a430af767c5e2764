//! Certificates and containers for the cases: a small PKI whose keys are made at run time, and a maker
//! of users' certificates in which every field can be spoiled.

use std::sync::OnceLock;

use certferry::certificate::oid;

pub use super::pki::{Cert, DATA, Key, cms, crl, crl_of, extension, name, seq, tlv};

/// Root → CA → people. `kim` and `lee` are people's keys, `stranger` is nobody's.
pub struct World {
    pub root: Key,
    pub ca: Key,
    pub kim: Key,
    pub lee: Key,
    pub stranger: Key,
    pub root_der: Vec<u8>,
    pub ca_der: Vec<u8>,
}

pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let (root, ca) = (Key::p256(), Key::p256());
        World {
            root_der: Cert::new("Root", "Root", 1).ca(None).ids(&root, &root).sign(&root, &root),
            ca_der: ca_cert().ca(None).ids(&ca, &root).sign(&ca, &root),
            root,
            ca,
            kim: Key::p256(),
            lee: Key::p256(),
            stranger: Key::p256(),
        }
    })
}

fn ca_cert() -> Cert {
    Cert::new("CA", "Root", 2)
}

/// The CA's certificate with something else in it: its key usage and key identifiers are added here.
pub fn other_ca(change: impl FnOnce(Cert, &World) -> Cert) -> Vec<u8> {
    let w = world();
    change(ca_cert(), w).sign(&w.ca, &w.root)
}

/// basicConstraints and keyUsage of a CA, one by one.
pub fn ca_constraints() -> Vec<u8> {
    extension(oid::BASIC_CONSTRAINTS, true, seq(&[vec![1, 1, 0xff]]))
}

pub fn ca_usage() -> Vec<u8> {
    extension(oid::KEY_USAGE, true, [3, 2, 1, 6])
}

/// The CRL of the CA: lists `serials`, runs until `next`.
pub fn ca_crl(serials: &[u16], next: &str) -> Vec<u8> {
    let serials: Vec<Vec<u8>> = serials.iter().map(|n| serial(*n)).collect();
    crl("CA", &world().ca, &serials, next, &[])
}

/// An empty CRL of the CA, with or without nextUpdate.
pub fn open_crl(next: Option<&str>) -> Vec<u8> {
    let key = &world().ca;
    let number = extension(oid::CRL_NUMBER, false, [2, 1, 1]);
    let tbs = seq(&[
        vec![2, 1, 1],
        key.algorithm(),
        name("CA"),
        tlv(0x17, "240101000000Z"),
        next.map_or(Vec::new(), |next| tlv(0x17, next)),
        tlv(0xa0, seq(&[number])),
    ]);
    let signature = [&[0], key.sign(&tbs).as_slice()].concat();
    seq(&[tbs, key.algorithm(), tlv(3, signature)])
}

fn serial(number: u16) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    [vec![0x10], vec![high, low]].concat()
}

/// rsaEncryption with a made-up modulus of this many bits: nobody has the private key.
pub fn rsa_spki(bits: usize) -> Vec<u8> {
    let mut modulus: Vec<u8> = (0..bits / 8).map(|i| (i * 37 + 11) as u8 | 1).collect();
    modulus[0] |= 0x80;
    let key = seq(&[tlv(2, [vec![0], modulus].concat()), vec![2, 3, 1, 0, 1]]);
    seq(&[seq(&[tlv(6, oid::RSA), vec![5, 0]]), tlv(3, [vec![0], key].concat())])
}

/// The same elliptic-curve key with other parameters instead of P-256.
pub fn ec_spki(parameters: Vec<u8>) -> Vec<u8> {
    let spki = &world().kim.spki;
    let point = &spki[spki.len() - 65..];
    seq(&[seq(&[tlv(6, oid::EC), parameters]), tlv(3, [&[0], point].concat())])
}

/// A user's certificate, field by field. [`User::kim`] is one without any fault.
#[derive(Clone)]
pub struct User {
    pub version: Vec<u8>,
    pub serial: Vec<u8>,
    pub inner: Vec<u8>,
    pub outer: Vec<u8>,
    pub issuer: Vec<u8>,
    pub dates: [Vec<u8>; 2],
    pub subject: Vec<u8>,
    pub spki: Vec<u8>,
    /// Between key and extensions: unique identifiers.
    pub middle: Vec<u8>,
    /// Identifier and whole extension.
    pub extensions: Vec<(Vec<u8>, Vec<u8>)>,
    /// Behind the signature, inside of the certificate.
    pub inside: Vec<u8>,
}

impl User {
    /// Kim's: P-256, for signing and key agreement, emailProtection, kim@example.com.
    pub fn kim() -> Self {
        let w = world();
        Self {
            version: tlv(0xa0, [2, 1, 2]),
            serial: serial(1),
            inner: w.ca.algorithm(),
            outer: w.ca.algorithm(),
            issuer: name("CA"),
            dates: [tlv(0x17, "200101000000Z"), tlv(0x17, "400101000000Z")],
            subject: name("Kim"),
            spki: w.kim.spki.clone(),
            middle: Vec::new(),
            extensions: Vec::new(),
            inside: Vec::new(),
        }
        .usage(&[3, 2, 3, 0x88])
        .purposes(&[oid::EMAIL_PROTECTION])
        .to(&["kim@example.com"])
        .ext(oid::SUBJECT_KEY_IDENTIFIER, false, tlv(4, w.kim.id()))
        .ext(oid::AUTHORITY_KEY_IDENTIFIER, false, seq(&[tlv(0x80, w.ca.id())]))
    }

    /// Lee's: as Kim's, with a key and an address of Lee's own.
    pub fn lee() -> Self {
        let w = world();
        let mut lee = Self::kim().to(&["lee@example.com"]).number(2);
        lee.subject = name("Lee");
        lee.spki = w.lee.spki.clone();
        lee.ext(oid::SUBJECT_KEY_IDENTIFIER, false, tlv(4, w.lee.id()))
    }

    pub fn number(mut self, number: u16) -> Self {
        self.serial = serial(number);
        self
    }

    /// Sets an extension, in the place of the one that was there.
    pub fn ext(mut self, id: &[u8], critical: bool, value: impl AsRef<[u8]>) -> Self {
        let whole = extension(id, critical, value);
        match self.extensions.iter_mut().find(|(known, _)| known == id) {
            Some((_, old)) => *old = whole,
            None => self.extensions.push((id.to_vec(), whole)),
        }
        self
    }

    /// Adds an extension once more.
    pub fn again(mut self, id: &[u8]) -> Self {
        let twin = self.extensions.iter().find(|(known, _)| known == id).unwrap().clone();
        self.extensions.push(twin);
        self
    }

    pub fn without(mut self, id: &[u8]) -> Self {
        self.extensions.retain(|(known, _)| known != id);
        self
    }

    /// Sets the addresses of the subject alternative name.
    pub fn to(self, addresses: &[&str]) -> Self {
        let names: Vec<Vec<u8>> = addresses.iter().map(|address| tlv(0x81, address)).collect();
        self.ext(oid::SUBJECT_ALT_NAME, false, seq(&names))
    }

    pub fn usage(self, bits: &[u8]) -> Self {
        self.ext(oid::KEY_USAGE, true, bits)
    }

    pub fn purposes(self, purposes: &[&[u8]]) -> Self {
        let list: Vec<Vec<u8>> = purposes.iter().map(|id| tlv(6, id)).collect();
        self.ext(oid::EXT_KEY_USAGE, false, seq(&list))
    }

    /// Validity as UTCTime.
    pub fn dates(mut self, from: &str, until: &str) -> Self {
        self.dates = [tlv(0x17, from), tlv(0x17, until)];
        self
    }

    pub fn spki(mut self, spki: Vec<u8>) -> Self {
        self.spki = spki;
        self
    }

    /// The signature algorithm, in both places.
    pub fn algorithm(mut self, algorithm: Vec<u8>) -> Self {
        self.inner = algorithm.clone();
        self.outer = algorithm;
        self
    }

    /// Any other change.
    pub fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn sign(&self) -> Vec<u8> {
        self.sign_by(&world().ca)
    }

    /// Signed so that the whole has this many bytes: ECDSA signatures vary by a byte or two.
    pub fn sign_to(&self, length: usize, id: &[u8]) -> Vec<u8> {
        let mut filler = length - 700;
        for _ in 0..10_000 {
            let der = self.clone().ext(id, false, tlv(4, vec![0; filler])).sign();
            match der.len() {
                exact if exact == length => return der,
                other => filler = filler + length - other,
            }
        }
        panic!("no certificate of {length} bytes in 10000 attempts");
    }

    pub fn sign_by(&self, issuer: &Key) -> Vec<u8> {
        let list: Vec<Vec<u8>> = self.extensions.iter().map(|(_, whole)| whole.clone()).collect();
        let extensions = if list.is_empty() { Vec::new() } else { tlv(0xa3, seq(&list)) };
        let tbs = seq(&[
            self.version.clone(),
            tlv(2, &self.serial),
            self.inner.clone(),
            self.issuer.clone(),
            seq(&self.dates),
            self.subject.clone(),
            self.spki.clone(),
            self.middle.clone(),
            extensions,
        ]);
        let signature = [&[0], issuer.sign(&tbs).as_slice()].concat();
        seq(&[tbs, self.outer.clone(), tlv(3, signature), self.inside.clone()])
    }
}

/// A SignerInfo of Kim's certificate, made with `key` and called `algorithm`.
pub fn signer(key: &Key, algorithm: &[u8]) -> Vec<u8> {
    const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
    const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
    let attribute = |id: &[u8], value: Vec<u8>| seq(&[tlv(6, id), tlv(0x31, value)]);
    let attributes = [
        attribute(CONTENT_TYPE, tlv(6, DATA)),
        attribute(MESSAGE_DIGEST, tlv(4, certferry::certificate::sha256(b""))),
    ]
    .concat();
    let signature = key.sign(&tlv(0x31, &attributes));
    seq(&[
        vec![2, 1, 1],
        seq(&[name("CA"), tlv(2, serial(1))]),
        seq(&[tlv(6, oid::SHA256)]),
        tlv(0xa0, &attributes),
        seq(&[tlv(6, algorithm)]),
        tlv(4, signature),
    ])
}

/// Outlook's tag list (MS-OXOABK section 2.2.4.36).
pub fn tag_list(tags: &[(u16, &[u8])]) -> Vec<u8> {
    let element = |number: u16, data: &[u8]| {
        [&number.to_le_bytes()[..], &(data.len() as u16 + 4).to_le_bytes(), data].concat()
    };
    let mut out = element(1, &[1, 0, 0, 0]);
    tags.iter().for_each(|(number, data)| out.extend(element(*number, data)));
    out
}

/// PEM text.
pub fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let body = super::scene::base64(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")).into_bytes()
}
