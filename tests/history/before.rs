//! The bundle before and the inventory: what is believed, what is refused, and the series.

use std::fs;

use super::program::{code, stderr, stdout};
use super::town::{Entry, Mail, Town, base64, inventory};

fn kim() -> Entry {
    Entry::of("kim").cert(&Mail::new("kim@example.com", 10).der())
}

#[test]
fn the_series_counts_and_the_id_covers_what_was_given() {
    let town = Town::new();
    let one = town.made("one", 0, &[kim()], &[]);
    let id = |bundle: &super::town::Bundle| bundle.manifest["bundle"]["id"].as_str().unwrap().to_owned();
    assert!(one.manifest["bundle"]["sequence"].is_null() && one.manifest["bundle"]["previous"].is_null());
    let two = town.made("two", 0, &[kim()], &["--previous", "one"]);
    let three = town.made("three", 0, &[kim()], &["--previous", "two/review"]);
    for (bundle, sequence, previous) in [(&two, 1, &one), (&three, 2, &two)] {
        assert_eq!(bundle.manifest["bundle"]["sequence"], sequence);
        assert_eq!(bundle.manifest["bundle"]["previous"], id(previous));
    }
    let transfer: serde_json::Value =
        serde_json::from_slice(&fs::read(town.path("three/transfer/transfer.json")).unwrap()).unwrap();
    assert_eq!((&transfer["sequence"], &transfer["previous"]), (&2.into(), &id(&two).into()));
    let handover = fs::read_to_string(town.path("three/transfer/HANDOVER.txt")).unwrap();
    assert!(handover.contains(&format!("Number in the series  2, after {}", id(&two))));
    let schema: serde_json::Value =
        serde_json::from_str(&stdout(&town.run(&["generate", "schema", "manifest"]))).unwrap();
    assert!(jsonschema::is_valid(&schema, &three.manifest));
    // The same inputs and options give the same bytes; what was given before changes the id.
    let again = town.made("again", 0, &[kim()], &["--previous", "two", "--jobs", "1"]);
    assert_ne!(id(&again), id(&three), "another input name is another id");
    fs::write(town.path("three.ldif.kept"), "").unwrap();
    let same = town.run(&[
        "convert",
        "three.ldif",
        "--trust",
        "trust",
        "--intermediate",
        "cas",
        "-o",
        "same",
        "--at",
        super::program::AT,
        "--previous",
        "two",
        "--jobs",
        "3",
    ]);
    assert_eq!(code(&same), 0);
    assert_eq!(super::program::tree(&town.path("three")), super::program::tree(&town.path("same")));
    let mut ids = vec![id(&one), id(&two), id(&three)];
    for more in
        [&["--previous", "two", "--clear", "expired"][..], &["--previous", "two", "--max-removals", "7"]]
    {
        ids.push(id(&town.made(&format!("other{}", ids.len()), 0, &[kim()], more)));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[test]
fn a_changed_bundle_before_is_refused() {
    let town = Town::new();
    town.made("one", 0, &[kim()], &[]);
    let refused = |change: &dyn Fn(), words: &[&str]| {
        let copy = town.path("copy");
        let _ = fs::remove_dir_all(&copy);
        copy_tree(&town.path("one"), &copy);
        change();
        let output = town.convert("two", &[kim()], &["--previous", "copy"]);
        let text = stderr(&output);
        assert_eq!(code(&output), 2, "{text}");
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {text}");
        }
        assert!(!town.path("two").exists());
    };
    let edit = |file: &str, from: &str, to: &str| {
        let path = town.path("copy").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} lacks {from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    };
    let sum_again = |half: &str| {
        let half = town.path("copy").join(half);
        let mut lines = String::new();
        for (name, bytes) in super::program::tree(&half).into_iter().filter(|(name, _)| name != "SHA256SUMS")
        {
            lines += &format!("{}  {name}\n", certferry::encoding::hex(&certferry::encoding::sha256(&bytes)));
        }
        fs::write(half.join("SHA256SUMS"), lines).unwrap();
    };
    refused(
        &|| edit("review/manifest.json", "encryptable", "encryptablE"),
        &["changed after it was made", "review/manifest.json"],
    );
    refused(&|| edit("review/manifest.csv", "kim", "tim"), &["review/manifest.csv"]);
    refused(&|| edit("transfer/payload/0001.ndjson", "kim", "tim"), &["transfer/payload/0001.ndjson"]);
    refused(&|| fs::remove_file(town.path("copy/review/findings.ndjson")).unwrap(), &["missing"]);
    refused(&|| fs::write(town.path("copy/review/extra"), "x").unwrap(), &["not listed"]);
    refused(&|| fs::remove_file(town.path("copy/review/SHA256SUMS")).unwrap(), &["SHA256SUMS is missing"]);
    refused(&|| fs::remove_dir_all(town.path("copy/review")).unwrap(), &["is no bundle"]);
    refused(
        &|| {
            edit("review/manifest.json", "certferry-manifest-1", "certferry-manifest-2");
            sum_again("review");
        },
        &["the manifest's format is \"certferry-manifest-2\"", "use the release that made that bundle"],
    );
    refused(
        &|| {
            edit("review/manifest.json", "\"summary\"", "\"sumary\"");
            sum_again("review");
        },
        &["cannot be read", "sumary"],
    );
    for (dir, words) in [
        ("nothing", "could not be opened"),
        ("one/transfer", "is the transfer half"),
        ("trust", "is no bundle"),
    ] {
        let output = town.convert("two", &[kim()], &["--previous", dir]);
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}

fn copy_tree(from: &std::path::Path, to: &std::path::Path) {
    for (name, bytes) in super::program::tree(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_damaged_inventory_is_refused_with_its_line() {
    let town = Town::new();
    let der = Mail::new("kim@example.com", 10).der();
    let good = inventory(
        "2026-06-02T00:00:00Z",
        &[("kim@example.com", &[&der], &[]), ("lee@example.com", &[], &[&der])],
    );
    let lines: Vec<&str> = good.lines().collect();
    let join = |lines: &[&str]| lines.join("\n") + "\n";
    let cases: Vec<(String, &str, &str)> = vec![
        (String::new(), "line 1", "ends before its end line"),
        (join(&lines[..3]), "line 4", "cut off"),
        (good[..good.len() - 5].to_owned(), "line 4", "cut off"),
        (good[..300].to_owned(), "line 2", "cut off"),
        (join(&[lines[1], lines[2], lines[3]]), "line 1", "is not the head line"),
        (good.replace("inventory-1", "inventory-2"), "line 1", "certferry-inventory-2"),
        (good.replace("2026-06-02T00:00:00Z", "yesterday"), "line 1", "no instant"),
        (good.replace("\"recipients\":2", "\"recipients\":3"), "line 4", "it says 3 recipients, 2 were read"),
        (good.replace("\"kind\":\"mailbox\"", "\"kind\":\"postbox\""), "line 2", "is no recipient"),
        (good.replace("\"synchronised\":false,", ""), "line 2", "synchronised"),
        (good.replace("lee@example.com", "KIM@EXAMPLE.com"), "line 3", "stands in line 2 already"),
        (good.replace(&base64(&der)[..8], "!!!!!!!!"), "line 2", "is not base64"),
        (good.replace("lee@", "l\u{e9}e@"), "line 3", "not ASCII"),
        (good.clone() + lines[1] + "\n", "line 5", "follows the end line"),
        (join(&[lines[0], "", lines[3]]), "line 2", "is no recipient"),
    ];
    for (text, line, words) in cases {
        town.write("tenant.ndjson", &text);
        let output = town.convert("two", &[kim()], &["--published", "tenant.ndjson"]);
        let said = stderr(&output);
        assert_eq!(code(&output), 2, "{words}: {said}");
        for word in ["--published tenant.ndjson", line, words, "-Inventory"] {
            assert!(
                said.contains(word) || word == "-Inventory" && said.contains("script"),
                "{word:?} is not in {said}"
            );
        }
        assert!(!town.path("two").exists());
    }
    let missing = town.convert("two", &[kim()], &["--published", "no-such-file"]);
    assert_eq!(code(&missing), 2);
    // Line ends that a copy as text has changed do no harm; keys that a later script adds neither.
    town.write("tenant.ndjson", good.replace('\n', "\r\n").replace("\"time\"", "\"tenant\":\"x\",\"time\""));
    town.made("crlf", 0, &[kim()], &["--published", "tenant.ndjson"]);
    town.write("tenant.ndjson", &good);
    let two = town.made("two", 0, &[kim()], &["--published", "tenant.ndjson"]);
    assert_eq!(two.of("kim@example.com")["history"]["tenant"]["userCertificate"], 1);
    assert_eq!(two.gone(), ["lee@example.com"]);
}

#[test]
fn a_bundle_that_supersedes_is_named() {
    let town = Town::new();
    town.made("one", 0, &[kim()], &["--at", "2026-06-01T00:00:00Z"]);
    town.made("two", 0, &[kim()], &["--previous", "one", "--at", "2026-06-02T00:00:00Z"]);
    town.made("three", 0, &[kim()], &["--previous", "two", "--at", "2026-06-03T00:00:00Z"]);
    town.made("other", 0, &[kim()], &["--at", "2026-05-30T00:00:00Z"]);
    let at = ["--at", "2026-06-04T00:00:00Z"];
    let verify = |dir: &str, previous: &str| {
        let output = town.run(&[&["verify", dir, "--previous", previous], &at[..]].concat());
        (code(&output), stdout(&output))
    };
    for (dir, previous, exit, words) in [
        ("two", "one", 0, "the one right before this one"),
        ("three", "two/transfer", 0, "the one right before this one"),
        ("three/transfer", "two", 0, "the one right before this one"),
        ("three", "one", 0, "nothing ties"),
        ("one", "other", 0, "nothing ties"),
        ("one", "two", 5, "names it as the bundle before"),
        ("one/transfer", "two/transfer", 5, "superseded"),
        ("two", "three", 5, "superseded"),
        ("other", "one", 5, "judged later"),
        ("two", "two", 5, "is this very bundle"),
        ("two", "trust", 5, "neither review/ nor transfer/"),
        ("two", "no-such", 5, "could not be opened"),
    ] {
        let (found, text) = verify(dir, previous);
        assert_eq!(found, exit, "{dir} {previous}: {text}");
        assert!(text.contains(words), "{dir} {previous}: {words:?} is not in {text}");
    }
    town.made("four", 0, &[kim()], &["--previous", "three", "--at", "2026-06-04T00:00:00Z"]);
    let (found, text) = verify("two", "four");
    assert_eq!(found, 5);
    assert!(text.contains("number 1 of its series, the one given with --previous is number 3"), "{text}");
    assert_eq!(verify("four", "two").0, 0);
    let json = town.run(&[
        "verify",
        "two",
        "--previous",
        "three",
        "--at",
        "2026-06-04T00:00:00Z",
        "--format",
        "json",
    ]);
    let report: serde_json::Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(report["series"]["relation"], "superseded");
    assert_eq!((&report["sequence"], &report["problems"][0]["kind"]), (&1.into(), &"superseded".into()));
    fs::write(town.path("one/review/policy.toml"), "x").unwrap();
    let (found, text) = verify("two", "one");
    assert_eq!(found, 5);
    assert!(text.contains("was changed after it was made"), "{text}");
}
