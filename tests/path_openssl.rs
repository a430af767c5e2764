//! The engine beside the `openssl` program, on chains with every pair of flaws.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "support/pki.rs"]
mod pki;

use std::process::Command;

use base64::Engine as _;
use certferry::certificate::{Certificate, UnixTime, oid};
use certferry::path::{Engine, Options, Revocation, Verdict};
use pki::{Cert, Key, extension, seq, tlv};

const AT: &str = "2026-01-01T00:00:00Z";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    Expired,
    Future,
    UnknownCritical,
    Signature,
    NotCa,
    KeyUsage,
    PathLen,
    OtherName,
    Twice,
}

const OF_CA: &[Flaw] = &[
    Flaw::None,
    Flaw::Expired,
    Flaw::Future,
    Flaw::UnknownCritical,
    Flaw::Signature,
    Flaw::NotCa,
    Flaw::KeyUsage,
    Flaw::PathLen,
    Flaw::OtherName,
];
const OF_LEAF: &[Flaw] =
    &[Flaw::None, Flaw::Expired, Flaw::Future, Flaw::UnknownCritical, Flaw::Signature, Flaw::Twice];

/// Where the two differ on purpose: (CA, leaf, what OpenSSL says), with the reason.
const DIFFERENCES: &[(Flaw, Flaw, bool, &str)] = &[];

fn pem(ders: &[&[u8]]) -> String {
    let one = |der: &&[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    };
    ders.iter().map(one).collect()
}

fn flawed(mut cert: Cert, flaw: Flaw) -> Cert {
    match flaw {
        Flaw::Expired => cert.not_after = "250101000000Z".into(),
        Flaw::Future => cert.not_before = "270101000000Z".into(),
        Flaw::UnknownCritical => return cert.with(extension(&[0x2a, 3, 4], true, [5, 0])),
        Flaw::OtherName => {
            let tree = tlv(0xa0, seq(&[tlv(0x81, "other.example")]));
            return cert.with(extension(oid::NAME_CONSTRAINTS, true, seq(&[tree])));
        }
        Flaw::Twice => {
            let again = cert.extensions[0].clone();
            return cert.with(again);
        }
        _ => {}
    }
    cert
}

#[test]
fn beside_openssl() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: no openssl program");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (root, ca, sub, user, stranger) = (Key::p256(), Key::p256(), Key::p256(), Key::p256(), Key::p256());
    let root_der = Cert::new("Root", "Root", 1).ca(None).ids(&root, &root).sign(&root, &root);
    let file = |name: &str, ders: &[&[u8]]| {
        let path = dir.path().join(name);
        std::fs::write(&path, pem(ders)).unwrap();
        path
    };
    let anchors = file("root.pem", &[&root_der]);
    let at = UnixTime::from_rfc3339(AT).unwrap();
    let (mut agreed, mut wrong) = (0, Vec::new());
    for &of_ca in OF_CA {
        let ca_cert = Cert::new("CA", "Root", 2);
        let ca_cert = match of_ca {
            Flaw::NotCa => ca_cert.with(extension(oid::BASIC_CONSTRAINTS, true, seq(&[]))),
            Flaw::KeyUsage => {
                let constraints = seq(&[vec![1, 1, 0xff]]);
                ca_cert.with(extension(oid::BASIC_CONSTRAINTS, true, constraints)).with(extension(
                    oid::KEY_USAGE,
                    true,
                    [3, 2, 1, 2],
                ))
            }
            Flaw::PathLen => ca_cert.ca(Some(0)),
            _ => ca_cert.ca(None),
        };
        let ca_cert = flawed(ca_cert.ids(&ca, &root), of_ca);
        let ca_der = ca_cert.sign(&ca, if of_ca == Flaw::Signature { &stranger } else { &root });
        let sub_der = Cert::new("Sub", "CA", 3).ca(None).ids(&sub, &ca).sign(&sub, &ca);
        for &of_leaf in OF_LEAF {
            let leaf = flawed(Cert::new("User", "Sub", 4).mail("user@example.com").ids(&user, &sub), of_leaf);
            let leaf_der = leaf.sign(&user, if of_leaf == Flaw::Signature { &stranger } else { &sub });
            let parse = |der| Certificate::parse(der).unwrap();
            let options = Options { revocation: Revocation::Off, ..Options::rfc5280(at) };
            let pool = vec![parse(&ca_der), parse(&sub_der)];
            let (engine, _) = Engine::new(vec![parse(&root_der)], pool, &[], options);
            let ours = engine.validate(&parse(&leaf_der), &[]);
            let status = Command::new("openssl")
                .args([
                    "verify",
                    "-no-CApath",
                    "-no-CAstore",
                    "-x509_strict",
                    "-attime",
                    &at.0.to_string(),
                    "-CAfile",
                ])
                .arg(&anchors)
                .arg("-untrusted")
                .arg(file("pool.pem", &[&ca_der, &sub_der]))
                .arg(file("leaf.pem", &[&leaf_der]))
                .output()
                .unwrap();
            let theirs = status.status.success();
            let explained =
                DIFFERENCES.iter().any(|(a, b, says, _)| (*a, *b, *says) == (of_ca, of_leaf, theirs));
            if (ours.verdict == Verdict::Valid) == theirs {
                assert!(!explained, "no difference any more: {of_ca:?} {of_leaf:?}");
                agreed += 1;
            } else if !explained {
                let said = String::from_utf8_lossy(&status.stderr).into_owned();
                wrong.push(format!(
                    "CA {of_ca:?}, leaf {of_leaf:?}: {:?}, openssl {theirs} {said}",
                    ours.verdict
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(agreed + DIFFERENCES.len(), OF_CA.len() * OF_LEAF.len());
}
