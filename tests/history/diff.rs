//! `diff`: people, certificates, decisions and why.

use std::fs;

use super::program::{AT, code, stderr, stdout};
use super::town::{Entry, Mail, Town};

fn mail(name: &str, serial: u64) -> Mail {
    Mail::new(&format!("{name}@example.com"), serial)
}

fn diff(town: &Town, old: &str, new: &str) -> serde_json::Value {
    let output = town.run(&["diff", old, new, "--format", "json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    serde_json::from_str(&stdout(&output)).unwrap()
}

fn of<'v>(diff: &'v serde_json::Value, address: &str) -> &'v serde_json::Value {
    diff["recipients"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["address"] == address)
        .unwrap_or(&serde_json::Value::Null)
}

#[test]
fn people_certificates_and_addresses() {
    let town = Town::new();
    let one = |name: &str, serial| Entry::of(name).cert(&mail(name, serial).der());
    let same = one("same", 1);
    let before = [
        same.clone(),
        one("renewed", 2),
        one("left", 3),
        one("moved", 4).guid(4),
        Entry::of("got"),
        one("two", 6).cert(&mail("two", 7).der()),
        one("cleared", 8),
    ];
    town.made("old", 0, &before, &[]);
    let now = [
        one("joined", 11),
        Entry::of("got").cert(&mail("got", 12).der()),
        same,
        Entry::of("renewed").cert(&mail("renewed", 13).by_other().der()),
        Entry::of("away").guid(4).alias("moved@example.com").cert(&before[3].user[0]),
        Entry::of("two").cert(&before[5].user[1]),
        Entry::of("cleared"),
    ];
    town.revoke(&[8]);
    town.made("new", 0, &now, &["--previous", "old", "--clear", "revoked"]);
    let found = diff(&town, "old", "new/review");
    assert_eq!(
        found["totals"],
        serde_json::json!({
            "people": {"old": 7, "new": 7, "added": 1, "removed": 1, "changed": 5, "addressChanged": 1},
            "encryptable": {"old": 6, "new": 6, "gained": 2, "lost": 2},
            "certificates": {"added": 2, "replaced": 1, "removed": 3},
            "decisions": {"changed": 0, "input": 0, "time": 0, "trustMaterial": 0, "rule": 0, "release": 0},
            "cleared": 1,
            "policy": 0
        })
    );
    assert!(of(&found, "same@example.com").is_null());
    assert_eq!(of(&found, "joined@example.com")["change"], "added");
    let left = of(&found, "left@example.com");
    assert_eq!(
        (&left["change"], &left["oldNumber"], &left["newNumber"]),
        (&"removed".into(), &3.into(), &8.into())
    );
    let moved = of(&found, "away@example.com");
    assert_eq!((&moved["change"], &moved["oldAddress"]), (&"stays".into(), &"moved@example.com".into()));
    assert!(moved["certificates"].as_array().unwrap().is_empty());
    assert_eq!(of(&found, "renewed@example.com")["certificates"][0]["otherIssuer"], true);
    assert_eq!(of(&found, "cleared@example.com")["cleared"][0]["class"], "revoked");

    let text = stdout(&town.run(&["diff", "old", "new"]));
    for words in [
        "people             7 -> 7: 1 added, 1 removed, 5 changed",
        "certificates       2 added, 1 replaced, 3 removed",
        "+ joined@example.com: added; can be written to",
        "- left@example.com: removed: in no input any more; can be written to -> nothing published",
        "~ away@example.com: the address was moved@example.com",
        "BY ANOTHER ISSUER",
        "userCertificate is cleared (revoked)",
    ] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    let table = stdout(&town.run(&["diff", "old", "new", "--format", "csv"]));
    let mut reader = csv::Reader::from_reader(table.trim_start_matches('\u{feff}').as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let count =
        |what: &str, change: &str| rows.iter().filter(|row| &row[0] == what && &row[1] == change).count();
    assert_eq!(
        [count("recipient", "added"), count("recipient", "removed"), count("recipient", "changed")],
        [1, 1, 5]
    );
    assert_eq!(
        [
            count("certificate", "added"),
            count("certificate", "replaced"),
            count("certificate", "replaces"),
            count("certificate", "removed")
        ],
        [2, 1, 1, 3]
    );
    assert_eq!(count("attribute", "cleared"), 1);
    let schema: serde_json::Value =
        serde_json::from_str(&stdout(&town.run(&["generate", "schema", "diff"]))).unwrap();
    assert!(jsonschema::is_valid(&schema, &found));
    let back = diff(&town, "new", "old");
    assert_eq!(
        back["totals"]["encryptable"],
        serde_json::json!({"old": 6, "new": 6, "gained": 2, "lost": 2})
    );
    let nothing = diff(&town, "old", "old");
    assert_eq!(nothing["recipients"], serde_json::json!([]));
    assert!(stdout(&town.run(&["diff", "old", "old"])).contains("nothing changed about anybody"));
}

/// The same value, decided otherwise: each cause by what differs between the two runs.
#[test]
fn decisions_change_for_a_reason() {
    let town = Town::new();
    let ends = mail("time", 1).until("260701000000Z").der();
    let entries = [
        Entry::of("time").cert(&ends),
        Entry::of("crl").cert(&mail("crl", 2).der()),
        Entry::of("input").cert(&mail("input", 3).der()),
        Entry::of("other").cert(&mail("other", 4).by_other().der()),
    ];
    town.made("old", 0, &entries, &[]);
    town.revoke(&[2]);
    std::fs::remove_file(town.path("cas/2.der")).unwrap();
    let mut now = entries.to_vec();
    now.push(Entry::of("twin").at("input@example.com"));
    town.made("new", 1, &now, &["--previous", "old", "--at", "2026-08-01T00:00:00Z"]);
    let found = diff(&town, "old", "new");
    assert_eq!(
        found["totals"]["decisions"],
        serde_json::json!({"changed": 4, "input": 1, "time": 1, "trustMaterial": 2, "rule": 0, "release": 0})
    );
    for (who, cause, code) in [
        ("time", "time", "expired"),
        ("crl", "trustMaterial", "revoked"),
        ("other", "trustMaterial", "issuer-not-found"),
    ] {
        let value = &of(&found, &format!("{who}@example.com"))["values"][0];
        assert_eq!((&value["cause"], &value["codes"][0]), (&cause.into(), &code.into()), "{value}");
        assert_eq!((&value["old"], &value["new"]), (&"publish".into(), &"withhold".into()));
        assert!(value["newReason"].as_str().unwrap().starts_with("Withheld: "));
    }
    let text = stdout(&town.run(&["diff", "new", "old"]));
    assert!(
        text.contains("is published now by the time, it was withheld: the certificate expired on"),
        "{text}"
    );
    // The policy decides otherwise.
    let copy = town.path("other-policy");
    for (name, bytes) in super::program::tree(&town.path("new")) {
        let path = copy.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let policy = fs::read_to_string(copy.join("review/policy.toml")).unwrap();
    let edit = |text: String, from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in {text}");
        text.replacen(from, to, 1)
    };
    let line =
        |decision: &str| format!("\nexpired = {{ severity = \"warning\", decision = \"{decision}\" }}");
    let changed = edit(policy, &line("withhold"), &line("publish"));
    fs::write(copy.join("review/policy.toml"), edit(changed, "warn_days = 30", "warn_days = 60")).unwrap();
    let mut sums = String::new();
    for (name, bytes) in
        super::program::tree(&copy.join("review")).into_iter().filter(|(name, _)| name != "SHA256SUMS")
    {
        sums += &format!("{}  {name}\n", certferry::encoding::hex(&certferry::encoding::sha256(&bytes)));
    }
    fs::write(copy.join("review/SHA256SUMS"), sums).unwrap();
    let found = diff(&town, "old", "other-policy");
    assert_eq!(found["totals"]["decisions"]["rule"], 1);
    let keys: Vec<&str> =
        found["policy"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["codes.expired.decision", "limits.warn_days"]);
}

#[test]
fn what_is_no_bundle_or_was_changed_is_refused() {
    let town = Town::new();
    town.made("one", 0, &[Entry::of("kim").cert(&mail("kim", 1).der())], &[]);
    town.made(
        "two",
        0,
        &[Entry::of("kim")].map(|kim| kim.cert(&mail("kim", 1).der())),
        &["--previous", "one", "--at", AT],
    );
    for (old, new, exit, words) in [
        ("one", "no-such", 3, "NEW no-such: the bundle could not be opened"),
        ("trust", "one", 3, "OLD trust: the bundle is no bundle"),
        ("one", "two/transfer", 3, "is the transfer half"),
    ] {
        let output = town.run(&["diff", old, new]);
        assert_eq!(code(&output), exit);
        assert_eq!(stdout(&output), "");
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    assert_eq!(code(&town.run(&["diff", "one"])), 2);
    assert_eq!(code(&town.run(&["diff", "one", "two", "--format", "xml"])), 2);
    fs::write(town.path("two/review/manifest.json"), "{}").unwrap();
    let output = town.run(&["diff", "one", "two"]);
    assert_eq!(code(&output), 5);
    assert!(
        stderr(&output).contains("was changed after it was made: review/manifest.json"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn names_from_outside_do_not_reach_the_terminal_raw() {
    let town = Town::new();
    let hostile = |serial| {
        Entry::of("kim").cert(&mail("kim", serial).der()).line("displayName:: G1syShtbMzFtPUhZUEVSTElOSw==")
    };
    town.made("one", 0, &[hostile(1)], &[]);
    town.made("two", 0, &[hostile(2)], &[]);
    let text = stdout(&town.run(&["diff", "one", "two"]));
    assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}"), "{text}");
    let table = stdout(&town.run(&["diff", "one", "two", "--format", "csv"]));
    assert!(!table.contains('\u{1b}'), "{table}");
}
