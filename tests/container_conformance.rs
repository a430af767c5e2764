//! Containers, certificates and malformed input that others wrote: no certificate is lost that the
//! `openssl` program finds, and nothing panics or grows without bound.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::digest;
use certferry::certificate::container::{
    MAX_CERTIFICATES_IN_VALUE, SignerCheck, check_signer, classify_value, open, own_certificate, slices,
};
use certferry::input::files::open_certificate_file;
use certferry::input::pem;

/// The folder of conformance data, or `None` with a message.
fn conformance() -> Option<PathBuf> {
    let folder = std::env::var_os("CERTFERRY_CONFORMANCE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no conformance data at {}", folder.display());
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|e| e.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    out.sort();
    assert!(!out.is_empty(), "{}", folder.display());
    out
}

fn sha256(der: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, der).as_ref().to_vec()
}

/// SHA-256 of the certificates that one run of openssl prints.
fn openssl(arguments: &[&str], file: &Path) -> Vec<Vec<u8>> {
    let out =
        Command::new("openssl").args(arguments).arg("-in").arg(file).stderr(Stdio::null()).output().unwrap();
    pem::blocks(&out.stdout)
        .into_iter()
        .filter_map(|b| match b.content {
            // `pkcs7 -print_certs` prints CRLs too.
            pem::Content::Der(der) if b.label == "CERTIFICATE" => Some(sha256(&der)),
            _ => None,
        })
        .collect()
}

#[test]
fn no_certificate_is_lost_that_openssl_finds() {
    let Some(folder) = conformance() else { return };
    if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no openssl program");
        return;
    }
    let (mut found, mut ours) = (0usize, 0usize);
    let mut lost = Vec::new();
    for folder in ["containers", "zlint_smime"] {
        for path in files(&conformance().unwrap().join(folder)) {
            let bytes = std::fs::read(&path).unwrap();
            let file = open_certificate_file(&bytes);
            let have: BTreeSet<Vec<u8>> = file.entries.iter().map(|e| sha256(&e.der)).collect();
            ours += have.len();
            // What openssl would reformat (BER) is compared by our re-encoding, which must be the same.
            let wanted = [
                openssl(&["x509"], &path),
                openssl(&["pkcs7", "-print_certs"], &path),
                openssl(&["pkcs7", "-inform", "DER", "-print_certs"], &path),
            ]
            .concat();
            found += wanted.len();
            if !wanted.iter().all(|w| have.contains(w)) {
                lost.push(format!(
                    "{}: {} of {} ({:?})",
                    path.display(),
                    have.len(),
                    wanted.len(),
                    file.problems
                ));
            }
            let told = !file.entries.is_empty()
                || !file.crls.is_empty()
                || !file.problems.is_empty()
                || !file.secrets.is_empty()
                || !file.notes.is_empty();
            assert!(told, "{}: nothing was said", path.display());
        }
    }
    eprintln!("openssl printed {found} certificates, {ours} were found here");
    assert!(found > 300, "openssl found {found} in {}", folder.display());
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn signatures_of_real_messages_verify() {
    let Some(folder) = conformance() else { return };
    let (mut good, mut bad, mut unchecked) = (0, Vec::new(), 0);
    for path in files(&folder.join("containers")) {
        let mut bytes = std::fs::read(&path).unwrap();
        if let [block] = &pem::blocks(&bytes)[..] {
            let pem::Content::Der(der) = block.content.clone() else { continue };
            bytes = der;
        }
        let container = open(classify_value(&bytes));
        for signer in &container.signers {
            let named = container
                .certificates
                .iter()
                .find(|h| slices::slice(&h.der).is_ok_and(|s| signer.signer.names(&s)));
            let Some(named) = named else { continue };
            match check_signer(signer, container.content.as_deref(), &named.der) {
                SignerCheck::Good => good += 1,
                SignerCheck::NotChecked(_) => unchecked += 1,
                outcome => bad.push((path.clone(), outcome)),
            }
        }
    }
    eprintln!("{good} good, {} bad, {unchecked} not checked: {bad:?}", bad.len());
    // The same outcome as `openssl cms -verify -noverify` (the first and last) and `openssl smime`
    // (the second, which that program's CMS reader cannot parse): signature failure, signature
    // failure, digest failure. Why these objects do not verify is not known.
    let known = [
        ("cms-signed-digested", SignerCheck::BadSignature),
        ("pkcs7-signed-digested", SignerCheck::BadSignature),
        ("cms-signed-indefinite-length", SignerCheck::BadDigest),
    ];
    for (path, outcome) in &bad {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert!(known.contains(&(stem, *outcome)), "{}: {outcome:?}", path.display());
    }
    assert_eq!((good, bad.len()), (30, 5), "good and bad; the bad ones as DER and PEM");
}

#[test]
fn malformed_input_never_panics() {
    let Some(folder) = conformance() else { return };
    let mut count = 0usize;
    for class in ["malformed", "zlint_smime", "containers"] {
        for path in files(&folder.join(class)) {
            let bytes = std::fs::read(&path).unwrap();
            let file = open_certificate_file(&bytes);
            for entry in &file.entries {
                if let Ok(slices) = slices::slice(&entry.der) {
                    let _ = (slices.is_ca(), slices.can_encrypt(), slices.subject_key_identifier());
                }
            }
            let container = open(classify_value(&bytes));
            assert!(container.certificates.len() <= MAX_CERTIFICATES_IN_VALUE);
            let own = own_certificate(&container, &|_| true);
            if let (Some(signing), Some(signer)) = (own.signing(), container.signers.first()) {
                let _ =
                    check_signer(signer, container.content.as_deref(), &container.certificates[signing].der);
            }
            count += 1;
        }
    }
    assert!(count > 1000, "{count} files");
}
