//! trust.sst in a bundle: what `verify` says when it, or what the manifest says of it, was changed by
//! somebody who knows about SHA256SUMS.
#![allow(clippy::unwrap_used)]

mod bundle_support;

use bundle_support::*;
use certferry::bundle::model::*;
use certferry::bundle::verify::{ProblemKind as K, Report};
use certferry::bundle::{OutputError, Writer};
use certferry::certificate::sst;
use std::fs;
use std::path::Path;

const SST: &str = "transfer/trust.sst";
const FINDINGS: &str = "review/findings.ndjson";
const EXPIRING: &str = "trust-store-expiring";

/// An authority that only a kept store holds.
fn kept() -> Vec<u8> {
    pem("fixtures/pki/intermediate/policy-ca.pem")
}

/// One that ends on 2026-12-31.
fn ending() -> Vec<u8> {
    pem("fixtures/pki/intermediate/issuing-ca-1-old.pem")
}

/// Any other.
fn stranger() -> Vec<u8> {
    pem("fixtures/pki/trust/partner-lindqvist.pem")
}

fn in_order(mut ders: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    ders.sort_by_key(|der| sha256(der));
    ders
}

fn store(ders: &[Vec<u8>]) -> Vec<u8> {
    sst::write(ders.iter().map(Vec::as_slice))
}

/// A bundle that is good until 2027-01-10, with the root, a kept authority, and one that was left out.
fn write_three(target: &Path) {
    let mut writer = Writer::begin(target, &options(), head()).unwrap();
    append_all(&mut writer, &people()).unwrap();
    let found = "it ends too early".to_owned();
    let certificate = FindingCertificate { sha256: Some(sha256(&ending())), attribute: None, index: None };
    writer
        .finding(&FindingLine {
            recipient: None,
            code: EXPIRING.into(),
            severity: Severity::Warning,
            decision: None,
            address: None,
            certificate: Some(certificate),
            source: None,
            found: found.clone().into(),
            required: "".into(),
            message: found.into(),
        })
        .unwrap();
    let mut closing = closing(writer.tally());
    closing.bundle.valid_until = "2027-01-10T00:00:00Z".to_owned();
    closing.trust_store.push(trusted(&kept(), 0));
    closing
        .trust_store
        .push(TrustStoreEntry { left_out: Some(EXPIRING.to_owned()), ..trusted(&ending(), 0) });
    closing.trust_store.sort_by(|a, b| a.sha256.cmp(&b.sha256));
    closing.sst = Some(store(&in_order(vec![root().to_vec(), kept()])));
    writer.seal(&closing).unwrap();
}

fn three(change: impl FnOnce(&Path)) -> Report {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write_three(&target);
    change(&target);
    check(&target)
}

/// After the store was replaced.
fn with(bytes: &[u8]) -> Report {
    three(|dir| {
        fs::write(dir.join(SST), bytes).unwrap();
        sum_again(&dir.join("transfer"));
    })
}

/// After the manifest was changed.
fn manifest(from: &str, to: &str) -> Report {
    three(|dir| review_again(dir, |dir| edit(dir, MANIFEST, from, to)))
}

#[test]
fn a_good_store_is_good_and_counted() {
    let report = three(|_| {});
    assert!(report.is_good(), "{}", report.to_text());
    assert!(report.to_text().contains("trust.sst, 2 authorities' certificates"));
    let dir = tempfile::tempdir().unwrap();
    write_three(&dir.path().join("b"));
    for half in ["review", "transfer"] {
        assert!(check(&dir.path().join("b").join(half)).is_good(), "{half}");
    }
    let handover = fs::read_to_string(dir.path().join("b/transfer/HANDOVER.txt")).unwrap();
    assert!(handover.contains("trust.sst, 2 authorities' certificates"));
    assert!(handover.contains("-PublishTrustStore -WhatIf"));
}

#[test]
fn the_form_is_the_one_that_certferry_writes() {
    let (one, two) = (root().to_vec(), kept());
    let both = in_order(vec![one.clone(), two.clone()]);
    let good = store(&both);

    finds(&with(&good[..good.len() - 1]), K::Unreadable, SST, "cut off");
    finds(&with(b""), K::Unreadable, SST, "no serialised certificate store");
    finds(
        &with(&[&good[..], b"x"].concat()),
        K::Unreadable,
        SST,
        "behind the end of the certificate store (1 bytes)",
    );
    let reversed: Vec<Vec<u8>> = both.iter().rev().cloned().collect();
    finds(&with(&store(&reversed)), K::Trust, SST, "is out of order");
    let twice = [both.clone(), vec![both[1].clone()]].concat();
    finds(&with(&store(&twice)), K::Trust, SST, "stands twice");
    let property = [&[3u8, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7][..], &good[8..]].concat();
    finds(&with(&[&good[..8], &property].concat()), K::Trust, SST, "certferry writes no properties");
    let long = store(&in_order(vec![[&one[..], &[0, 0]].concat(), two]));
    finds(&with(&long), K::Unreadable, SST, "bytes stand behind a certificate");
    let broken = store(&[b"\x30\x03abc".to_vec()]);
    finds(&with(&broken), K::Unreadable, SST, "no readable certificate");
    finds(&with(&store(&[])), K::Trust, SST, "would delete the tenant's");
}

#[test]
fn it_holds_what_the_manifest_says() {
    let report = with(&store(&in_order(vec![root().to_vec(), kept(), stranger()])));
    finds(
        &report,
        K::Trust,
        SST,
        "holds CN=Lindqvist Optik Root CA,O=Lindqvist Optik AB,C=SE, which the manifest does not list",
    );
    finds(&report, K::Totals, SST, "holds 3 certificates; transfer.json says 2");
    let report = with(&store(&[root().to_vec()]));
    finds(&report, K::Trust, SST, "lacks CN=Hanbit Precision Policy CA");
    let report = with(&store(&in_order(vec![root().to_vec(), kept(), ending()])));
    finds(&report, K::Trust, SST, "which the manifest says was left out");
    finds(&report, K::Trust, SST, "ends at 2026-12-31T23:59:59Z, before the bundle does");
    let gone = three(|dir| {
        fs::remove_file(dir.join(SST)).unwrap();
        sum_again(&dir.join("transfer"));
    });
    finds(&gone, K::Totals, SST, "holds 0 certificates; transfer.json says 2");
    finds(&gone, K::Trust, SST, "lacks CN=Hanbit Precision Root CA 2016");
    finds(&manifest("CN=Hanbit Precision Policy CA,", "CN=Policy,"), K::Trust, SST, "describes otherwise");

    // The transfer half alone knows less, and yet what the upload depends on.
    let alone = three(|dir| {
        fs::write(dir.join(SST), store(&in_order(vec![kept(), ending()]))).unwrap();
        sum_again(&dir.join("transfer"));
        fs::remove_dir_all(dir.join("review")).unwrap();
    });
    finds(&alone, K::Trust, SST, "ends at 2026-12-31");
}

#[test]
fn the_manifests_list_fits_the_chains() {
    let says = |from: &str, to: &str, word: &str| finds(&manifest(from, to), K::Manifest, MANIFEST, word);
    says(
        "\"origin\":\"chain\",\"people\":12",
        "\"origin\":\"chain\",\"people\":11",
        "rest on CN=Hanbit Precision Root CA 2016",
    );
    says("\"origin\":\"chain\"", "\"origin\":\"kept\"", "the origin Kept, which the chains deny");
    says(
        "\"origin\":\"kept\",\"people\":0,\"leftOut\":null",
        "\"origin\":\"chain\",\"people\":0,\"leftOut\":null",
        "the origin Chain, which the chains deny",
    );
    says("\"leftOut\":\"trust-store-expiring\"", "\"leftOut\":null", "which ends before the bundle does");
    says("\"leftOut\":null", "\"leftOut\":\"expired\"", "by expired, which does not fit it");
    let root = sha256(root());
    // The same root under another name in every chain: nobody lists it, and it is no anchor.
    let report = three(|dir| {
        review_again(dir, |dir| {
            let text = fs::read_to_string(dir.join(MANIFEST)).unwrap();
            let other = sha256(b"another root");
            fs::write(dir.join(MANIFEST), text.replace(&format!(",\"{root}\"]"), &format!(",\"{other}\"]")))
                .unwrap();
        });
    });
    finds(&report, K::Manifest, MANIFEST, "trustStore lacks the certificate");
    finds(&report, K::Manifest, MANIFEST, "trustAnchors lacks");
    finds(
        &report,
        K::Manifest,
        MANIFEST,
        "people rest on CN=Hanbit Precision Root CA 2016,O=Hanbit Precision GmbH,C=DE; the chains say 0",
    );
    let lines = |change: fn(&mut Vec<String>)| {
        three(|dir| {
            review_again(dir, |dir| {
                let text = fs::read_to_string(dir.join(MANIFEST)).unwrap();
                let at = text.find("\"trustStore\"").unwrap();
                let end = at + text[at..].find(']').unwrap();
                let mut entries: Vec<String> =
                    text[at..end].lines().skip(1).map(|line| line.trim_end_matches(',').to_owned()).collect();
                change(&mut entries);
                let list = format!("\"trustStore\": [\n{}\n", entries.join(",\n"));
                fs::write(dir.join(MANIFEST), [&text[..at], &list, &text[end..]].concat()).unwrap();
            });
        })
    };
    assert!(lines(|_| {}).is_good());
    finds(&lines(|entries| entries.reverse()), K::Manifest, MANIFEST, "order of the SHA-256");
    finds(&lines(|entries| entries.push(entries[2].clone())), K::Manifest, MANIFEST, "order of the SHA-256");

    let report = three(|dir| {
        review_again(dir, |dir| {
            edit(dir, FINDINGS, "\"code\":\"trust-store-expiring\"", "\"code\":\"expired\"")
        });
    });
    finds(&report, K::Manifest, FINDINGS, "was left out of the trust store (trust-store-expiring)");
    let chain = format!("\"chain\":[\"{}\"", sha256(&value(0, 0, Attribute::UserCertificate)));
    let report = manifest(&chain, &format!("\"chain\":[\"{}\"", sha256(b"other")));
    finds(&report, K::Manifest, MANIFEST, "the chain of 1 published certificates does not begin with them");
}

/// Writes a bundle that publishes a certificate to the first person and has it in the store too.
fn write_published(target: &Path, der: &[u8]) {
    use base64::Engine as _;
    let mut people = people();
    let person = &mut people[0];
    let candidate = &mut person.recipient.candidates[0];
    candidate.sha256 = Some(sha256(der));
    candidate.value_sha256 = sha256(der);
    candidate.path.chain[0] = sha256(der);
    let set = person.payload.as_mut().unwrap().user_certificate.as_mut().unwrap();
    set[0] = base64::engine::general_purpose::STANDARD.encode(der);
    write_with(target, &options(), &people, |closing| {
        closing.trust_store.push(trusted(der, 0));
        closing.trust_store.sort_by(|a, b| a.sha256.cmp(&b.sha256));
        closing.sst = Some(store(&in_order(vec![root().to_vec(), der.to_vec()])));
    })
    .unwrap();
}

/// A person's certificate in the store is named, whichever half is looked at.
#[test]
fn no_published_certificate_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write_published(&target, &pem("fixtures/folder/hyejin.oh.cer"));
    let words = "holds the published certificate of recipient 1";
    finds(&check(&target), K::Trust, SST, words);
    finds(&check(&target.join("transfer")), K::Trust, "trust.sst", words);
    // An authority's is one, whoever has it besides.
    let other = dir.path().join("c");
    write_published(&other, &stranger());
    assert!(check(&other).is_good(), "{}", check(&other).to_text());
}

/// A certificate that is the anchor of its own path is nobody's authority.
#[test]
fn a_certificate_that_is_its_own_path_is_left_out() {
    let (leaf, dir) = (root(), tempfile::tempdir().unwrap());
    let target = dir.path().join("b");
    let mut people = people();
    for candidate in people.iter_mut().flat_map(|person| &mut person.recipient.candidates) {
        candidate.path.chain = vec![sha256(leaf)];
        candidate.sha256 = Some(sha256(leaf));
    }
    let end_entity = "trust-store-end-entity".to_owned();
    let entry = TrustStoreEntry { left_out: Some(end_entity), ..trusted(leaf, 12) };
    let written = write_with(&target, &options(), &people, |closing| {
        closing.trust_store = vec![entry];
        closing.sst = None;
    });
    assert_eq!(written.unwrap().counts.trust_certificates, 0);
    let report = check(&target);
    finds(&report, K::Manifest, FINDINGS, "was left out of the trust store (trust-store-end-entity)");
    assert_eq!(report.problems.len(), 1, "{}", report.to_text());
    review_again(&target, |dir| {
        edit(dir, MANIFEST, "\"leftOut\":\"trust-store-end-entity\"", "\"leftOut\":null")
    });
    finds(&check(&target), K::Trust, SST, "lacks CN=Hanbit Precision Root CA 2016");
}

/// An empty store is never written, and a store is never forgotten.
#[test]
fn list_and_file_come_together() {
    let dir = tempfile::tempdir().unwrap();
    for (empty, file) in [(true, true), (false, false)] {
        let target = dir.path().join("b");
        let refused = write_with(&target, &options(), &people(), |closing| {
            if empty {
                closing.trust_store.clear();
            }
            closing.sst = file.then(|| store(&[]));
        });
        assert!(matches!(refused, Err(OutputError::Inconsistent(_))));
        assert!(!target.exists());
    }
}
