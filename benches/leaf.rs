//! What a certificate costs once its issuer is known, against the bare signature check.
//!
//! `cargo bench --bench leaf` prints interleaved rounds' medians; read the ratios. Everything counts:
//! parsing, signature, SHA-256, all checks of the smime profile, and the look-up in the issuer's CRL
//! of 500 000 entries. Measured on two shared cores:
//!
//! | key | bare signature | certificate | ratio | certval 0.2 | OpenSSL 3.0 | two threads |
//! |---|---|---|---|---|---|---|
//! | RSA-2048 | 18.5 µs | 21.3 µs | 1.15 | 83–116 µs | 178 µs | 2.0 × |
//! | P-256 | 68.5 µs | 71.6 µs | 1.05 | 120–230 µs | 329 µs | 2.0 × |
//!
//! The columns of certval and OpenSSL's `verify` were measured on the same machine in another run, so
//! they are orders of magnitude beside the others. The CRL's index takes 25 ms, once.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../tests/support/pki.rs"]
mod pki;

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use certferry::certificate::{Certificate, UnixTime};
use certferry::path::{Engine, Options, Revocation, Verdict};
use pki::{Cert, Key};

const LEAVES: usize = 500;
const ROUNDS: usize = 21;

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn main() {
    for (label, rsa) in [("RSA-2048", true), ("P-256", false)] {
        let make = || if rsa { Key::rsa2048() } else { Key::p256() };
        let (root, ca, user) = (make(), make(), make());
        let root_der = Cert::new("Root", "Root", 1).ca(None).sign(&root, &root);
        let ca_der = Cert::new("CA", "Root", 2).ca(Some(0)).ids(&ca, &root).sign(&ca, &root);
        let leaves: Vec<Vec<u8>> = (0..LEAVES as u64)
            .map(|n| {
                let address = format!("user{n}@example.com");
                Cert::new(&address, "CA", 1_000_000 + n * 2).mail(&address).ids(&user, &ca).sign(&user, &ca)
            })
            .collect();
        let serials: Vec<Vec<u8>> =
            (0..500_000u32).map(|n| (0x1000_0001 + n * 2).to_be_bytes().to_vec()).collect();
        let crl = pki::crl("CA", &ca, &serials, "400101000000Z", &[]);
        let root_crl = pki::crl("Root", &root, &[], "400101000000Z", &[]);
        let at = UnixTime::from_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let options = Options { revocation: Revocation::Hard, ..Options::smime(at) };
        let parse = |der| Certificate::parse(der).unwrap();
        let (engine, _) =
            Engine::new(vec![parse(&root_der)], vec![parse(&ca_der)], &[&crl, &root_crl], options);
        let started = Instant::now();
        let first = engine.validate(&parse(&leaves[0]), &[]);
        println!("{label}: first certificate, with the CRL's index: {:?}", started.elapsed());
        assert_eq!(first.verdict, Verdict::Valid, "{:?}", first.findings);
        let bits = certferry::certificate::KeyInfo::read(&ca.spki).bits;
        let key = if rsa {
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, bits).unwrap()
        } else {
            ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, bits).unwrap()
        };
        let parsed: Vec<Certificate<'_>> = leaves.iter().map(|der| parse(der)).collect();
        let (mut bare, mut whole, mut only_parse, mut defects) = (vec![], vec![], vec![], vec![]);
        let per = |started: Instant| started.elapsed().as_secs_f64() * 1e6 / LEAVES as f64;
        for _ in 0..ROUNDS {
            let started = Instant::now();
            for leaf in &parsed {
                black_box(key.verify_sig(leaf.tbs(), leaf.signature())).unwrap();
            }
            bare.push(per(started));
            let started = Instant::now();
            for der in &leaves {
                assert_eq!(engine.validate(&parse(der), &[]).verdict, Verdict::Valid);
            }
            whole.push(per(started));
            let started = Instant::now();
            for der in &leaves {
                black_box(Certificate::parse(der)).unwrap();
            }
            only_parse.push(per(started));
            let started = Instant::now();
            for leaf in &parsed {
                black_box(leaf.defects());
            }
            defects.push(per(started));
        }
        let (bare, whole) = (median(bare), median(whole));
        println!(
            "{label}: bare signature {bare:.1} µs, certificate {whole:.1} µs ({:.2} ×), of that parsing {:.2} µs; defects() {:.2} µs",
            whole / bare,
            median(only_parse),
            median(defects)
        );
        let check = || parsed.iter().for_each(|leaf| key.verify_sig(leaf.tbs(), leaf.signature()).unwrap());
        println!(
            "{label}: two threads do {:.2} × the work of one (the bare signature {:.2} ×)",
            speedup(&|| run(&engine, &leaves)),
            speedup(&check)
        );
    }
}

/// How much more two threads do than one, in the best of interleaved rounds: other work on the machine
/// only lowers it.
fn speedup(job: &(dyn Fn() + Sync)) -> f64 {
    let rounds = (0..9).map(|_| {
        let one = Instant::now();
        (0..4).for_each(|_| job());
        let one = one.elapsed();
        let two = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..4).for_each(|_| job()));
            }
        });
        2.0 * one.as_secs_f64() / two.elapsed().as_secs_f64()
    });
    rounds.fold(0.0, f64::max)
}

fn run(engine: &Engine<'_>, leaves: &[Vec<u8>]) {
    for der in leaves {
        black_box(engine.validate(&Certificate::parse(der).unwrap(), &[]));
    }
}
