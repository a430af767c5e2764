//! The change of the directory in a bundle: written in step with the manifest, and held against it by `verify`.
#![allow(clippy::unwrap_used)]

mod bundle_support;

use bundle_support::*;
use certferry::bundle::Writer;
use certferry::bundle::directory::Change;
use certferry::bundle::model::*;
use certferry::bundle::verify::{Outcome, Problem, ProblemKind as K, Report};
use std::fs;
use std::path::Path;

const CHANGE: &str = "review/active-directory/change-0001.ldif";
const INVERSE: &str = "review/active-directory/inverse-0001.ldif";
const MANIFEST: &str = "review/manifest.json";
const AD: &[Target] = &[Target::ActiveDirectory];

/// The company, with what stands in the directory and what comes from files: eight objects change.
fn people_of_the_directory() -> Vec<Person> {
    use Attribute::{UserCertificate as U, UserSmimeCertificate as S};
    let mut people = people();
    for (n, person) in people.iter_mut().enumerate() {
        person.payload = None;
        let mut change =
            Change { dn: person.recipient.identity.dn.clone().unwrap(), delete: Vec::new(), add: Vec::new() };
        let plan: &[(usize, ValueChange, Attribute, u64)] = match n % 5 {
            1 => &[(0, ValueChange::Delete, U, 0)],
            2 => &[(0, ValueChange::Add, U, 0), (2, ValueChange::Delete, S, 1)],
            _ => continue,
        };
        for &(at, kind, attribute, index) in plan {
            person.recipient.candidates[at].change = Some(kind);
            let value = (attribute, value(n, index, attribute));
            match kind {
                ValueChange::Delete => change.delete.push(value),
                ValueChange::Add => change.add.push(value),
            }
        }
        person.change = Some(change);
    }
    people
}

fn write_change(target: &Path, unverified: bool) {
    let head = certferry::bundle::ManifestHead { targets: AD.to_vec(), unverified, ..head() };
    let mut writer = Writer::begin(target, &options(), head).unwrap();
    append_for(&mut writer, &people_of_the_directory(), AD).unwrap();
    let closing = closing(writer.tally());
    writer.seal(&closing).unwrap();
}

/// The report on a fresh bundle after `change`, by somebody who knows about SHA256SUMS.
fn after(change: impl FnOnce(&Path)) -> Report {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write_change(&target, false);
    change(&target);
    sum_again(&target.join("review"));
    check(&target)
}

fn edit(dir: &Path, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(dir.join(file)).unwrap();
    assert!(text.contains(from), "{file} does not hold {from}");
    fs::write(dir.join(file), text.replacen(from, to, 1)).unwrap();
}

#[track_caller]
fn finds(report: &Report, kind: K, file: &str, word: &str) {
    assert_eq!(report.verdict, Outcome::Bad);
    let found = report.problems.iter().any(|problem| {
        problem.kind == kind && problem.file.as_deref() == Some(file) && problem.explanation.contains(word)
    });
    assert!(found, "no {kind:?} of {file} with {word:?} in\n{}", report.to_text());
}

#[test]
fn change_and_inverse_are_written_in_step() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write_change(&target, false);
    let all = files(&target);
    let names: Vec<&str> =
        all.keys().map(String::as_str).filter(|name| name.contains("active-directory")).collect();
    let second = |name: &str| name.replace("0001", "0002");
    assert_eq!(names, [CHANGE, &second(CHANGE), INVERSE, &second(INVERSE)], "four objects a file");
    assert_eq!(all["transfer/payload/0001.ndjson"], b"", "nothing is uploaded");
    let handover = String::from_utf8(all["transfer/HANDOVER.txt"].clone()).unwrap();
    assert!(handover.contains("NO RECIPIENT IS UPLOADED") && !handover.contains("-First 3"));

    let text = |name: &str| String::from_utf8(all[name].clone()).unwrap();
    let (change, inverse) = (text(CHANGE), text(INVERSE));
    assert!(change.starts_with("# Undone by inverse-0001.ldif.\ndn: CN=Person 1,OU=People"), "{change}");
    let dns = |text: &str| {
        text.lines().filter(|line| line.starts_with("dn:")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(dns(&change).len(), 4);
    assert_eq!(dns(&change), dns(&inverse));
    // A record of the inverse is the record of the change with the two words exchanged.
    let exchanged: Vec<String> = inverse
        .lines()
        .skip(1)
        .map(|line| match line.split_once(": ") {
            Some(("add", attribute)) => format!("delete: {attribute}"),
            Some(("delete", attribute)) => format!("add: {attribute}"),
            _ => line.to_owned(),
        })
        .collect();
    let (mut left, mut right): (Vec<&str>, Vec<&str>) =
        (change.lines().skip(1).collect(), exchanged.iter().map(String::as_str).collect());
    left.sort_unstable();
    right.sort_unstable();
    assert_eq!(left, right);
    assert!(!change.contains("replace") && change.is_ascii() && !change.contains('\r'));

    let manifest: Manifest = serde_json::from_slice(&all[MANIFEST]).unwrap();
    assert_eq!(manifest.summary.directory_changes, ChangeCounts { objects: 8, deleted: 8, added: 4 });
    let places: Vec<ChangePlace> = manifest.recipients.into_iter().filter_map(|it| it.change).collect();
    let file = "active-directory/change-0002.ldif".to_owned();
    assert_eq!(places[4], ChangePlace { file, record: 1 });

    for folder in ["", "review"] {
        let report = check(&target.join(folder));
        assert!(report.is_good(), "{}", report.to_text());
        assert!(report.to_text().contains("8 objects change, 8 values are deleted, 4 added"));
    }
    write_change(&dir.path().join("unverified"), true);
    let head = fs::read_to_string(dir.path().join("unverified").join(INVERSE)).unwrap();
    assert!(head.starts_with("# Undoes change-0001.ldif.\n# UNVERIFIED"));
    assert!(check(&dir.path().join("unverified")).is_good());
}

#[test]
fn an_empty_change_is_there_and_says_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    let head = certferry::bundle::ManifestHead { targets: AD.to_vec(), ..head() };
    let writer = Writer::begin(&target, &options(), head).unwrap();
    let closing = closing(writer.tally());
    writer.seal(&closing).unwrap();
    assert_eq!(fs::read_to_string(target.join(CHANGE)).unwrap(), "# Undone by inverse-0001.ldif.\n");
    let report = check(&target);
    assert!(report.is_good() && report.to_text().contains("0 objects change"), "{}", report.to_text());
}

#[test]
fn every_edit_of_a_change_is_found() {
    use base64::Engine as _;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let u = Attribute::UserCertificate;
    let mine = value(1, 0, u);
    let line = |value: &[u8]| format!("userCertificate: {}\n", std::str::from_utf8(value).unwrap());
    // The made-up values are text, and so stand as text.
    let (old, published) = (line(&mine), line(&value(1, 1, u)));

    finds(&after(|dir| edit(dir, CHANGE, &old, &published)), K::Change, CHANGE, "would delete a value");
    finds(
        &after(|dir| edit(dir, CHANGE, &old, &format!("{old}{published}"))),
        K::Change,
        CHANGE,
        "would delete a value",
    );
    finds(&after(|dir| edit(dir, INVERSE, &old, &published)), K::Change, INVERSE, "would add a value");
    let bare = after(|dir| edit(dir, CHANGE, &old, ""));
    finds(&bare, K::Change, CHANGE, "expected values of userCertificate");
    let replace = after(|dir| edit(dir, CHANGE, "delete: userCertificate", "replace: userCertificate"));
    finds(&replace, K::Change, CHANGE, "neither deletes nor adds");
    let other = after(|dir| edit(dir, CHANGE, "delete: userCertificate", "delete: memberOf"));
    finds(&other, K::Change, CHANGE, "neither deletes nor adds");
    let deleted = after(|dir| edit(dir, CHANGE, "changetype: modify", "changetype: delete"));
    finds(&deleted, K::Change, CHANGE, "no changetype: modify");
    let moved = after(|dir| edit(dir, CHANGE, "dn: CN=Person 1,", "dn: CN=Person 3,"));
    finds(&moved, K::Change, CHANGE, "CN=Person 3,OU=People,DC=example,DC=org; record 1");
    for (from, to) in [
        ("\n-\n", "\n-\r\n"),
        ("changetype: ", "changetype:  "),
        ("delete: ", "delete:: "),
        ("OU=People", "OU=Pe\n ople"),
        (&old, &format!("userCertificate:: {}\n", base64(&mine))),
        ("dn: CN=Person 1,", "# a comment\ndn: CN=Person 1,"),
        ("\n\n", "\n\n\n"),
    ] {
        let report = after(|dir| edit(dir, CHANGE, from, to));
        assert_eq!(report.verdict, Outcome::Bad, "{to:?} in place of {from:?}");
        // The report says which hash the file must have.
        let beside = |problem: &Problem| problem.file.as_deref() == Some("review/report.html");
        let said = report.problems.iter().filter(|problem| !beside(problem));
        assert!(
            said.clone().count() > 0 && said.clone().all(|it| it.kind == K::Change),
            "{}",
            report.to_text()
        );
    }
    for missing in [1, 2] {
        let cut = after(|dir| {
            let text = fs::read(dir.join(CHANGE)).unwrap();
            fs::write(dir.join(CHANGE), &text[..text.len() - missing]).unwrap();
        });
        finds(&cut, K::Change, CHANGE, "cut off");
    }
    let long = after(|dir| edit(dir, CHANGE, &old, &format!("userCertificate: {}\n", "a".repeat(1 << 20))));
    finds(&long, K::Change, CHANGE, "longer than");
    let more = after(|dir| {
        let second = CHANGE.replace("0001", "0002");
        let text = fs::read_to_string(dir.join(CHANGE)).unwrap();
        let record = text.split_once('\n').unwrap().1;
        let all = fs::read_to_string(dir.join(&second)).unwrap() + record;
        fs::write(dir.join(second), all).unwrap();
    });
    finds(&more, K::Change, &CHANGE.replace("0001", "0002"), "nobody in the manifest");
    let dropped = after(|dir| {
        for name in [CHANGE, INVERSE] {
            fs::remove_file(dir.join(name.replace("0001", "0002"))).unwrap();
        }
    });
    finds(&dropped, K::Change, &CHANGE.replace("0001", "0002"), "has no record 1");
    let none = after(|dir| fs::remove_dir_all(dir.join("review/active-directory")).unwrap());
    finds(&none, K::Missing, CHANGE, "is missing");
    let stray = after(|dir| {
        fs::write(dir.join("review/active-directory/zz.ldif"), "dn: CN=Boss\nchangetype: delete\n").unwrap();
    });
    finds(&stray, K::Change, "review/active-directory/zz.ldif", "none of the numbered files");
    let head = after(|dir| edit(dir, CHANGE, "Undone by inverse-0001", "Undone by inverse-0002"));
    finds(&head, K::Change, CHANGE, "its counterpart");
    let unverified =
        after(|dir| edit(dir, CHANGE, "\n", "\n# UNVERIFIED: no certification path was checked.\n"));
    finds(&unverified, K::Change, CHANGE, "UNVERIFIED");
}

#[test]
fn a_manifest_that_changes_what_it_may_not_is_found() {
    let told = |from: &str, to: &str| after(|dir| edit(dir, MANIFEST, from, to));
    let deletes = "\"decision\":\"withhold\",\"change\":\"delete\"";
    finds(
        &told(deletes, "\"decision\":\"publish\",\"change\":\"delete\""),
        K::Manifest,
        MANIFEST,
        "although it is published",
    );
    let current = told("\"code\":\"expired\"", "\"code\":\"no-email-match\"");
    finds(&current, K::Manifest, MANIFEST, "neither expired nor was revoked");
    let added = "\"decision\":\"publish\",\"change\":\"add\"";
    finds(
        &told(added, "\"decision\":\"withhold\",\"change\":\"add\""),
        K::Manifest,
        MANIFEST,
        "although it is withheld",
    );
    finds(
        &told(deletes, "\"decision\":\"withhold\",\"change\":null"),
        K::Manifest,
        MANIFEST,
        "no place of the change",
    );
    finds(&told("\"deleted\":8", "\"deleted\":9"), K::Totals, MANIFEST, "9 values to be deleted");
    let targets = "\"targets\": [\"active-directory\"]";
    let uploaded = told(targets, "\"targets\": [\"exchange-online\"]");
    finds(&uploaded, K::Change, CHANGE, "none of the targets");
    finds(&uploaded, K::Manifest, MANIFEST, "has no payload line; so do 11 others");
    finds(&uploaded, K::Halves, "transfer/transfer.json", "targets is");
}
