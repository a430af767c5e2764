//! A made-up export: people with really signed certificates, as LDIF and as values.
#![allow(dead_code)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::pki::{Cert, Key, seq, tlv};

/// A CA, one key for all people, and what each of them has.
pub struct Sample {
    pub root: Vec<u8>,
    pub ca: Vec<u8>,
    /// Keys of root and CA, for CRLs and bare checks.
    pub keys: (Key, Key),
    /// DER of a certificate for mail, one a person.
    pub certificates: Vec<Vec<u8>>,
    /// The same in a SignedData without signers beside the CA's, as userSMIMECertificate holds it.
    pub containers: Vec<Vec<u8>>,
}

impl Sample {
    /// `people` of them; `rsa` for RSA 2048, else P-256.
    pub fn new(people: u64, rsa: bool) -> Self {
        let make = || if rsa { Key::rsa2048() } else { Key::p256() };
        let (root, ca, user) = (make(), make(), make());
        let root_der = Cert::new("Root", "Root", 1).ca(None).sign(&root, &root);
        let ca_der = Cert::new("CA", "Root", 2).ca(Some(0)).ids(&ca, &root).sign(&ca, &root);
        let certificates: Vec<Vec<u8>> = (0..people)
            .map(|n| {
                let address = format!("user{n}@example.com");
                Cert::new(&address, "CA", 1_000_000 + n * 2).mail(&address).ids(&user, &ca).sign(&user, &ca)
            })
            .collect();
        let containers = certificates.iter().map(|der| degenerate(&[der.clone(), ca_der.clone()])).collect();
        Self { root: root_der, ca: ca_der, keys: (root, ca), certificates, containers }
    }

    /// The export as ldapsearch writes it: two values a person, folded at 76 characters.
    pub fn ldif(&self) -> Vec<u8> {
        let mut text = String::new();
        for (n, (certificate, container)) in self.certificates.iter().zip(&self.containers).enumerate() {
            for line in [
                format!("dn: CN=User {n},OU=People,OU=Bern,DC=example,DC=com"),
                "objectClass: top".to_owned(),
                "objectClass: person".to_owned(),
                "objectClass: user".to_owned(),
                format!("cn: User {n}"),
                format!("displayName: User {n}"),
                format!("sAMAccountName: user{n}"),
                format!("userPrincipalName: user{n}@corp.example.com"),
                "memberOf: CN=Everybody in the whole of the company,OU=Groups,OU=Bern,DC=example,DC=com"
                    .to_owned(),
                format!("proxyAddresses: SMTP:user{n}@example.com"),
                format!("proxyAddresses: smtp:u{n}@example.com"),
                format!("userCertificate:: {}", STANDARD.encode(certificate)),
                format!("userSMIMECertificate:: {}", STANDARD.encode(container)),
                String::new(),
            ] {
                let (first, mut rest) = line.split_at(line.len().min(76));
                text.push_str(first);
                while !rest.is_empty() {
                    let (part, behind) = rest.split_at(rest.len().min(75));
                    text.push_str("\n ");
                    text.push_str(part);
                    rest = behind;
                }
                text.push('\n');
            }
        }
        text.into_bytes()
    }
}

/// SignedData with certificates alone (RFC 5652 section 5.1).
fn degenerate(certificates: &[Vec<u8>]) -> Vec<u8> {
    const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let signed = seq(&[
        vec![2, 1, 1],
        tlv(0x31, []),
        seq(&[tlv(6, DATA)]),
        tlv(0xa0, certificates.concat()),
        tlv(0x31, []),
    ]);
    seq(&[tlv(6, SIGNED_DATA), tlv(0xa0, signed)])
}
