//! The certificate view against x509-parser, on everything that both read.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use certferry::certificate::{Certificate, Decoded};
use x509_parser::prelude::{FromDer, X509Certificate};

#[test]
fn two_readers_see_the_same() {
    let Some(root) = support::conformance() else { return };
    let mut all = Vec::new();
    let mut dirs =
        vec![root.join("pkits/certs"), root.join("zlint_smime"), root.join("limbo"), root.join("malformed")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.path().is_dir() { dirs.push(entry.path()) } else { all.push(entry.path()) }
        }
    }
    all.sort();
    let (mut both, mut only_we, mut only_they) = (0, 0, Vec::new());
    for path in &all {
        for der in support::read(path) {
            let ours = Certificate::parse(&der);
            let theirs = X509Certificate::from_der(&der);
            let (ours, theirs) = match (ours, theirs) {
                (Ok(ours), Ok((_, theirs))) => (ours, theirs),
                (Ok(_), Err(_)) => {
                    only_we += 1;
                    continue;
                }
                (Err(e), Ok(_)) => {
                    only_they.push(format!("{}: {e}", path.display()));
                    continue;
                }
                (Err(_), Err(_)) => continue,
            };
            // Of broken encodings the two readers keep different pieces.
            let names = ours.subject().is_well_formed() && ours.issuer().is_well_formed();
            if ours.check_der().is_err() || ours.broken_extension().is_some() || !names {
                continue;
            }
            both += 1;
            let place = path.display();
            assert_eq!(ours.subject().raw(), theirs.subject().as_raw(), "{place}");
            assert_eq!(ours.issuer().raw(), theirs.issuer().as_raw(), "{place}");
            assert_eq!(ours.serial(), theirs.raw_serial(), "{place}");
            assert_eq!(ours.spki(), theirs.public_key().raw, "{place}");
            assert_eq!(ours.tbs(), theirs.tbs_certificate.as_ref(), "{place}");
            assert_eq!(ours.signature(), &*theirs.signature_value.data, "{place}");
            assert_eq!(ours.not_before().0, theirs.validity().not_before.timestamp(), "{place}");
            assert_eq!(ours.not_after().0, theirs.validity().not_after.timestamp(), "{place}");
            assert_eq!(ours.version(), theirs.version().0.wrapping_add(1), "{place}");
            let pairs = ours.extensions().iter().zip(theirs.extensions());
            assert_eq!(ours.extensions().len(), theirs.extensions().len(), "{place}");
            for (a, b) in pairs {
                assert_eq!((a.id.0, a.critical, a.value), (b.oid.as_bytes(), b.critical, b.value), "{place}");
            }
            if let (Decoded::Present { value, .. }, Ok(Some(b))) = (ours.key_usage(), theirs.key_usage()) {
                assert_eq!(value.0, b.value.flags, "{place}");
            }
            if let (Decoded::Present { value, .. }, Ok(Some(b))) =
                (ours.basic_constraints(), theirs.basic_constraints())
            {
                assert_eq!((value.ca, value.path_len), (b.value.ca, b.value.path_len_constraint), "{place}");
            }
            if let (Decoded::Present { value, .. }, Ok(Some(b))) =
                (ours.subject_alt_name(), theirs.subject_alternative_name())
            {
                assert_eq!(value.len(), b.value.general_names.len(), "{place}");
            }
        }
    }
    assert!(both > 1000, "{both}");
    eprintln!(
        "{both} read by both, {only_we} by us alone, {} by x509-parser alone: {only_they:#?}",
        only_they.len()
    );
    assert!(only_they.is_empty(), "{only_they:#?}");
}
