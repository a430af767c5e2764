//! The program on exports and containers that others wrote: nothing hangs, nothing panics, every value
//! is accounted for, and one directory gives the same certificates in every shape of its export.
//! Skipped where these collections are not at hand.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use program::*;
use serde_json::Value;

/// When the certificates of the two live directories are valid.
const LIVE: &str = "2026-12-01T00:00:00Z";

fn corpus() -> Option<PathBuf> {
    outside("CERTFERRY_CORPUS", "corpus").map(|folder| folder.join("ldif")).filter(|folder| folder.is_dir())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = tree(folder).into_iter().map(|(name, _)| folder.join(name)).collect();
    files.sort();
    files
}

fn word(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn every_export_is_converted_or_refused_by_name() {
    let Some(corpus) = corpus() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (file, number) in files(&corpus).iter().zip(0..) {
        let bundle = dir.path().join(format!("b{number}"));
        let output = certferry(["convert", word(file), "--unverified", "--at", AT, "-o", word(&bundle)]);
        let said = stderr(&output);
        if !matches!(code(&output), 0 | 1 | 3) || said.contains("panicked") {
            wrong.push(format!("{}: {} {said}", file.display(), code(&output)));
            continue;
        }
        if code(&output) == 3 {
            let name = file.file_name().unwrap().to_str().unwrap();
            assert!(said.contains(name) && !bundle.exists(), "{said}");
            continue;
        }
        let summary = &manifest(&bundle)["summary"];
        let total = |name: &str| summary[name].as_u64().unwrap();
        let reconciles = total("values") == total("candidates") + total("unreadable") + total("ignored")
            && total("candidates") == total("published") + total("withheld");
        let verified = certferry(["verify", word(&bundle), "--at", AT]);
        if !reconciles || code(&verified) != 0 {
            wrong.push(format!("{}: {summary} {}", file.display(), stdout(&verified)));
        }
        std::fs::remove_dir_all(&bundle).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// SHA-256 of every candidate, and the objectGUID of each recipient.
type Found = (BTreeSet<String>, BTreeMap<String, Value>, Value);

fn live(corpus: &Path, name: &str) -> Found {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("bundle");
    let at = corpus.join("openldap-live");
    let (root, ca, file) = (at.join("root.pem"), at.join("ca.pem"), corpus.join(name));
    let options = ["--trust", word(&root), "--intermediate", word(&ca), "--at", LIVE, "-o", word(&bundle)];
    let output = certferry(["convert", word(&file)].iter().chain(&options).copied());
    assert!(matches!(code(&output), 0 | 1), "{name}: {}", stderr(&output));
    let manifest = manifest(&bundle);
    let (mut hashes, mut guids) = (BTreeSet::new(), BTreeMap::new());
    for recipient in manifest["recipients"].as_array().unwrap() {
        let identity = &recipient["identity"];
        guids.insert(identity["dn"].as_str().unwrap().to_owned(), identity["objectGuid"].clone());
        for candidate in recipient["candidates"].as_array().unwrap() {
            hashes.extend(candidate["sha256"].as_str().map(str::to_owned));
        }
    }
    (hashes, guids, manifest)
}

#[test]
fn one_directory_gives_the_same_certificates_in_every_shape() {
    let Some(corpus) = corpus() else { return };
    let (openldap, _, judged) = live(&corpus, "openldap-live/LLL.ldif");
    assert!(openldap.len() >= 5);
    for shape in
        ["L", "LL", "LLL-nowrap", "LLL-wrap20", "default-comments-and-trailer", "slapcat", "paged-pr5-LLL"]
    {
        assert_eq!(live(&corpus, &format!("openldap-live/{shape}.ldif")).0, openldap, "{shape}");
    }
    let (raw, guids, _) = live(&corpus, "samba-ad-live/default.ldif");
    let (printed, printed_guids, _) = live(&corpus, "samba-ad-live/ldbsearch.ldif");
    assert_eq!((&raw, &guids), (&printed, &printed_guids));
    assert!(guids.values().any(|guid| guid.is_string()));
    assert!(openldap.is_subset(&raw), "{openldap:?} {raw:?}");
    // Paths are judged wherever no cheaper rule withholds: all but one certificate for another address.
    let recipients = judged["recipients"].as_array().unwrap();
    let candidates = recipients.iter().flat_map(|r| r["candidates"].as_array().unwrap());
    let verdicts: Vec<&str> = candidates.map(|c| c["path"]["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == "valid").count(), 8, "{verdicts:?}");
    assert_eq!(verdicts.len(), 9);
}

#[test]
fn a_set_is_never_built_from_a_range() {
    let Some(corpus) = corpus() else { return };
    for (name, values, built) in [
        ("range-complete", 1600, true),
        ("range-first-chunk-only", 1500, false),
        ("range-last-chunk-only", 100, false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let bundle = dir.path().join("bundle");
        let file = corpus.join("samba-ad-live").join(format!("{name}.ldif"));
        let output = certferry(["convert", word(&file), "--unverified", "--at", LIVE, "-o", word(&bundle)]);
        assert!(matches!(code(&output), 0 | 1), "{}", stderr(&output));
        let manifest = manifest(&bundle);
        assert_eq!(manifest["summary"]["values"], values, "{name}");
        assert_eq!(manifest["recipients"][0]["payload"].is_object(), built, "{name}");
        assert_eq!(lines(&bundle.join("transfer/payload/0001.ndjson")).len(), usize::from(built), "{name}");
    }
}

#[test]
fn inspect_has_a_line_for_every_file() {
    let Some(conformance) = outside("CERTFERRY_CONFORMANCE", "conformance") else { return };
    for name in ["containers", "malformed", "zlint_smime"] {
        let folder = conformance.join(name);
        let run = |form: &str| {
            let output = certferry(["inspect", word(&folder), "--at", AT, "--format", form]);
            assert!(
                matches!(code(&output), 0 | 1) && stderr(&output).is_empty(),
                "{name}: {}",
                stderr(&output)
            );
            output.stdout
        };
        let text = run("ndjson");
        let ndjson: Vec<Value> = text
            .split(|byte| *byte == b'\n')
            .filter(|l| !l.is_empty())
            .map(|l| serde_json::from_slice(l).unwrap())
            .collect();
        assert_eq!(serde_json::from_slice::<Vec<Value>>(&run("json")).unwrap(), ndjson);
        assert!(!run("text").contains(&b'\x1b'));
        let sources: BTreeSet<&str> = ndjson
            .iter()
            .map(|line| line["source"].as_str().unwrap())
            .flat_map(|source| [source, source.rsplit_once('#').map_or(source, |(file, _)| file)])
            .collect();
        for file in files(&folder) {
            assert!(sources.contains(word(&file)), "{} has no line", file.display());
        }
    }
}
