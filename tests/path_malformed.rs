//! Fuzz corpora and odd certificates: no panic, bounded time, a diagnosed result for each.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use certferry::certificate::{Certificate, Name, UnixTime};
use certferry::path::crl::Crl;
use certferry::path::{Engine, Options, Revocation, Verdict};

fn files(dir: &Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

fn options() -> Options {
    let at = UnixTime::from_rfc3339("2024-06-01T00:00:00Z").unwrap();
    Options { revocation: Revocation::Hard, ..Options::smime(at) }
}

#[test]
fn every_file_as_target_intermediate_anchor_and_crl() {
    let Some(root) = support::conformance() else { return };
    let root = root.join("malformed");
    let mut all = Vec::new();
    files(&root, &mut all);
    all.sort();
    assert!(all.len() > 1000);
    let (mut certificates, mut crls) = (0, 0);
    let mut slowest = (Duration::ZERO, String::new());
    for path in &all {
        let bytes = std::fs::read(path).unwrap();
        let started = Instant::now();
        for der in support::ders(&bytes).iter().chain([&bytes]) {
            if let Ok(certificate) = Certificate::parse(der) {
                certificates += 1;
                let _ =
                    (certificate.defects(), certificate.email_addresses(), certificate.subject().to_string());
                let der_again = Certificate::parse(certificate.der()).unwrap();
                assert_eq!(der_again.sha256(), certificate.sha256());
                let list = vec![certificate.clone()];
                // As target and intermediate of itself; as an anchor; with its own bytes as a CRL.
                let (engine, _) = Engine::new(Vec::new(), list.clone(), &[der], options());
                let outcome = engine.validate(&certificate, &list);
                assert_ne!(outcome.verdict, Verdict::Valid, "{}", path.display());
                assert!(!outcome.findings.is_empty());
                let (engine, _) = Engine::new(list, Vec::new(), &[], options());
                assert_eq!(engine.validate(&certificate, &[]).chain, [certificate.sha256()]);
            }
            if let Ok(crl) = Crl::parse(der) {
                crls += 1;
                let _ = (crl.issuer().to_string(), crl.next_update());
            }
            let _ = (Name::new(der).to_string(), Name::new(der).key());
        }
        if started.elapsed() > slowest.0 {
            slowest = (started.elapsed(), path.display().to_string());
        }
    }
    assert!(slowest.0 < Duration::from_secs(5), "{slowest:?}");
    assert!(certificates > 100, "{certificates}");
    eprintln!("{} files, {certificates} certificates, {crls} CRLs, slowest {:?}", all.len(), slowest.0);
}

/// Odd certificates of which nothing can be said by themselves, with the reason.
const SILENT: &[(&str, &str)] = &[
    ("xf-ext-altname-email-only.pem", "whether the subject is meant as an identity is not written in it"),
    ("xf-ext-auth-keyid-mismatch.pem", "needs the issuer's certificate, which is not in the corpus"),
    ("xf-ext-auth-keyid-serial-mismatch.pem", "needs the issuer's certificate, which is not in the corpus"),
    ("xf-issuer-mismatch-v2.pem", "needs the issuer's certificate; the path says that there is none"),
    ("xf-issuer-mismatch1.pem", "needs the issuer's certificate; the path says that there is none"),
];

#[test]
fn the_odd_certificates_of_x509test_are_told() {
    let Some(root) = support::conformance() else { return };
    let root = root.join("malformed/google_x509test");
    let mut all = Vec::new();
    files(&root, &mut all);
    all.sort();
    let (mut silent, mut told) = (Vec::new(), 0);
    for path in all {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".pem") || !name.starts_with("xf-") {
            continue;
        }
        let der = support::read(&path).remove(0);
        let quiet = Certificate::parse(&der).is_ok_and(|certificate| certificate.defects().is_empty());
        told += usize::from(!quiet);
        if quiet {
            silent.push(name);
        }
    }
    assert!(told >= 60, "{told}");
    assert_eq!(silent, SILENT.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}
