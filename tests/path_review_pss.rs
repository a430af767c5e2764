//! Keys that are restricted to RSASSA-PSS: what the key allows is verified, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/attack.rs"]
mod attack;

use attack::pki::{Cert, extension, name, seq, tlv};
use attack::*;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as lc, KeyPair as _, RsaKeyPair};
use certferry::certificate::{KeyInfo, oid};

/// RSASSA-PSS parameters with one hash for both uses.
fn parameters(hash: &[u8], salt: u8) -> Vec<u8> {
    let hash = seq(&[tlv(6, hash), vec![5, 0]]);
    seq(&[tlv(0xa0, &hash), tlv(0xa1, seq(&[tlv(6, oid::MGF1), hash])), tlv(0xa2, [2, 1, salt])])
}

#[test]
fn a_pss_key_verifies_what_it_allows() {
    let mut cases = Cases::default();
    let k = keys();
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let bits = tlv(3, [&[0], KeyInfo::read(spki.as_ref()).bits].concat());
    let algorithm = seq(&[tlv(6, oid::RSA_PSS), parameters(oid::SHA256, 32)]);
    let tbs = seq(&[
        tlv(0xa0, [2, 1, 2]),
        vec![2, 1, 3],
        algorithm.clone(),
        name("CA"),
        seq(&[tlv(0x17, "200101000000Z"), tlv(0x17, "400101000000Z")]),
        name("User"),
        k.user.spki.clone(),
    ]);
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&lc::RSA_PSS_SHA256, &SystemRandom::new(), &tbs, &mut signature).unwrap();
    let target = seq(&[tbs, algorithm, tlv(3, [&[0], signature.as_slice()].concat())]);
    let pss = |parameters: Vec<u8>| seq(&[tlv(6, oid::RSA_PSS), parameters]);
    for (label, key, want) in [
        ("rsaEncryption", seq(&[tlv(6, oid::RSA), vec![5, 0]]), Valid),
        ("no parameters", pss(Vec::new()), Valid),
        ("the same parameters", pss(parameters(oid::SHA256, 32)), Valid),
        ("a shorter salt at least", pss(parameters(oid::SHA256, 20)), Valid),
        ("a longer salt at least", pss(parameters(oid::SHA256, 33)), Refused),
        ("another hash", pss(parameters(oid::SHA512, 32)), Refused),
        ("the defaults, which are SHA-1", pss(seq(&[])), Refused),
        ("NULL", pss(vec![5, 0]), Refused),
    ] {
        let spki = seq(&[key, bits.clone()]);
        let issuer = attack::pki::Key::p256().with_spki(spki);
        let ca = Cert::new("CA", "Root", 2)
            .with(extension(oid::BASIC_CONSTRAINTS, true, seq(&[vec![1, 1, 0xff]])))
            .sign(&issuer, &k.root);
        cases.case(label, want, &validate(&root(), &[ca], &[], options(), &target));
    }
    cases.end();
}
