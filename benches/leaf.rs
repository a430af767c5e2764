//! What a certificate costs once its issuer is known, against the bare signature check.
//!
//! Everything counts: parsing, signature, SHA-256, all checks of the smime profile, and the look-up in the issuer's CRL
//! of 500 000 entries.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../tests/support/pki.rs"]
mod pki;
#[path = "support/sample.rs"]
mod sample;

use std::hint::black_box;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use certferry::certificate::{Certificate, KeyInfo, UnixTime};
use certferry::path::{Engine, Options, Revocation, Verdict};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn leaf(criterion: &mut Criterion) {
    for (label, rsa) in [("RSA-2048", true), ("P-256", false)] {
        let sample = sample::Sample::new(500, rsa);
        let (root_key, ca_key) = &sample.keys;
        let serials: Vec<Vec<u8>> =
            (0..500_000u32).map(|n| (0x1000_0001 + n * 2).to_be_bytes().to_vec()).collect();
        let crl = pki::crl("CA", ca_key, &serials, "400101000000Z", &[]);
        let root_crl = pki::crl("Root", root_key, &[], "400101000000Z", &[]);
        let at = UnixTime::from_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let options = Options { revocation: Revocation::Hard, ..Options::smime(at) };
        let parse = |der| Certificate::parse(der).unwrap();
        let (engine, _) =
            Engine::new(vec![parse(&sample.root)], vec![parse(&sample.ca)], &[&crl, &root_crl], options);
        let bits = KeyInfo::read(&ca_key.spki).bits;
        let key = if rsa {
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, bits).unwrap()
        } else {
            ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, bits).unwrap()
        };
        let leaves = &sample.certificates;
        let parsed: Vec<Certificate<'_>> = leaves.iter().map(|der| parse(der)).collect();
        let mut group = criterion.benchmark_group(format!("leaf of {label}"));
        group.throughput(Throughput::Elements(leaves.len() as u64));
        group.bench_function("floor", |bencher| {
            bencher.iter(|| {
                parsed.iter().for_each(|leaf| key.verify_sig(leaf.tbs(), leaf.signature()).unwrap())
            });
        });
        group.bench_function("validate", |bencher| {
            bencher.iter(|| {
                for der in leaves {
                    assert_eq!(engine.validate(&parse(der), &[]).verdict, Verdict::Valid);
                }
            });
        });
        group.bench_function("parse", |bencher| {
            bencher.iter(|| leaves.iter().for_each(|der| drop(black_box(parse(der)))));
        });
        group.bench_function("defects", |bencher| {
            bencher.iter(|| {
                leaves.iter().for_each(|der| {
                    black_box(parse(der).defects());
                })
            });
        });
        group.finish();
    }
}

criterion_group!(benches, leaf);
criterion_main!(benches);
