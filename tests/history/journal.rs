//! `verify --journal`: what became of each person, and what they have now.

use super::program::{code, stdout};
use super::town::{Bundle, Entry, Mail, Town, base64};

struct Upload {
    town: Town,
    bundle: Bundle,
    text: String,
}

impl Upload {
    /// Ten people with a certificate each, and one whose attribute is cleared.
    fn new() -> Self {
        let town = Town::new();
        let mut entries: Vec<Entry> = (0..10)
            .map(|n| {
                Entry::of(&format!("u{n}")).cert(&Mail::new(&format!("u{n}@example.com"), 100 + n).der())
            })
            .collect();
        entries.push(Entry::of("old").cert(&Mail::new("old@example.com", 99).until("250101000000Z").der()));
        let bundle = town.made("one", 0, &entries, &["--clear", "expired", "--batch", "3"]);
        let mut upload = Self { town, bundle, text: String::new() };
        upload.run("publish");
        upload
    }

    fn run(&mut self, mode: &str) {
        let id = self.bundle.manifest["bundle"]["id"].as_str().unwrap().to_owned();
        self.line(&format!(
            "\"type\":\"run\",\"schema\":\"certferry-journal-1\",\"mode\":\"{mode}\",\"bundle\":\"{id}\",\"time\":\"2026-06-02T00:00:00Z\""
        ));
    }

    fn line(&mut self, fields: &str) {
        self.text += &format!("{{{fields}}}\n");
    }

    /// What is there is `old`, what is sent is the bundle's.
    fn before(&mut self, who: &str, old: &[&[u8]]) {
        let address = format!("{who}@example.com");
        let sent = self.bundle.line(&address).unwrap()["userCertificate"].to_string();
        let old: Vec<String> = old.iter().map(|value| format!("\"{}\"", base64(value))).collect();
        self.line(&format!(
            "\"type\":\"before\",\"address\":\"{address}\",\"identity\":\"id-{who}\",\"kind\":\"mailbox\",\"time\":\"2026-06-02T00:00:01Z\",\"old-userCertificate\":[{}],\"new-userCertificate\":{sent}",
            old.join(",")
        ));
    }

    fn mark(&mut self, kind: &str, who: &str) {
        self.line(&format!(
            "\"type\":\"{kind}\",\"address\":\"{who}@example.com\",\"identity\":\"id-{who}\""
        ));
    }

    fn result(&mut self, word: &str, who: &str) {
        self.line(&format!(
            "\"type\":\"result\",\"number\":1,\"address\":\"{who}@example.com\",\"result\":\"{word}\",\"detail\":\"why {word}\",\"time\":\"2026-06-02T00:00:02Z\""
        ));
    }

    fn verify(&self, dir: &str, format: &str) -> (i32, String) {
        self.town.write("journal.ndjson", &self.text);
        let output = self.town.run(&[
            "verify",
            dir,
            "--at",
            super::program::AT,
            "--journal",
            "journal.ndjson",
            "--format",
            format,
        ]);
        (code(&output), stdout(&output))
    }
}

#[test]
fn everybody_is_told_of() {
    let mut upload = Upload::new();
    let old: &[u8] = b"what was there";
    upload.before("u0", &[]);
    upload.mark("confirmed", "u0");
    upload.before("u1", &[old]);
    upload.before("u2", &[old]);
    upload.mark("notWritten", "u2");
    upload.result("failed", "u2");
    upload.result("unchanged", "U3");
    upload.result("not-found", "u4");
    upload.before("u5", &[old]);
    upload.mark("confirmed", "u5");
    upload.before("old", &[old]);
    upload.mark("confirmed", "old");
    upload.run("rollback");
    upload.mark("restored", "u5");
    upload.run("verify");
    upload.result("synchronised", "u6");
    upload.mark("confirmed", "u7");

    for dir in ["one", "one/transfer", "one/review"] {
        let (exit, text) = upload.verify(dir, "json");
        assert_eq!(exit, 0, "{text}");
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let journal = &report["journal"];
        let counts =
            ["published", "unconfirmed", "notWritten", "skipped", "restored", "notMentioned", "runs"];
        assert_eq!(counts.map(|name| journal[name].as_u64().unwrap()), [4, 1, 1, 2, 1, 2, 3], "{dir}");
        assert_eq!(journal["results"], serde_json::json!({"failed": 1, "not-found": 1, "synchronised": 1}));
        let people = report["people"].as_array().unwrap();
        assert_eq!(people.len(), 11);
        let of =
            |who: &str| people.iter().find(|one| one["address"] == format!("{who}@example.com")).unwrap();
        let user = |who: &str| {
            (of(who)["has"][0]["certainty"].as_str().unwrap(), of(who)["has"][0]["values"].clone())
        };
        let hash = |who: &str| {
            let line = upload.bundle.of(&format!("{who}@example.com"));
            serde_json::json!([line["candidates"][0]["valueSha256"]])
        };
        let was = serde_json::json!([certferry::encoding::hex(&certferry::encoding::sha256(old))]);
        assert_eq!(user("u0"), ("exact", hash("u0")));
        assert_eq!(user("u1"), ("writtenOrOld", hash("u1")));
        assert_eq!(user("u2"), ("exact", was.clone()));
        assert_eq!(user("u3"), ("exact", hash("u3")));
        assert_eq!(user("u4"), ("asBefore", serde_json::Value::Null));
        assert_eq!(user("u5"), ("exact", was));
        assert_eq!(user("u7"), ("exact", hash("u7")));
        assert_eq!(user("old"), ("exact", serde_json::json!([])));
        assert_eq!(
            (&of("u4")["result"], &of("u4")["detail"]),
            (&"not-found".into(), &"why not-found".into())
        );
        assert_eq!(of("u8")["upload"], "notMentioned");
        assert_eq!(of("u0")["has"][1]["certainty"], "asBefore");
    }
    let (_, text) = upload.verify("one", "text");
    assert!(text.starts_with("GOOD"), "{text}");
    for words in [
        "4 published, 1 unconfirmed, 1 not written, 2 skipped, 1 restored, 2 not mentioned (3 runs)",
        "unconfirmed   u1@example.com: userCertificate 1, or what was there before, userSMIMECertificate as before",
        "skipped       u4@example.com: userCertificate as before, userSMIMECertificate as before (not-found: why not-found)",
    ] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    let schema: serde_json::Value =
        serde_json::from_str(&stdout(&upload.town.run(&["generate", "schema", "verify"]))).unwrap();
    let (_, text) = upload.verify("one", "json");
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(
        validator.is_valid(&report),
        "{:?}",
        validator.iter_errors(&report).map(|e| e.to_string()).collect::<Vec<_>>()
    );
}

#[test]
fn a_journal_that_was_cut_off_is_read_as_far_as_it_goes() {
    let mut upload = Upload::new();
    upload.before("u0", &[]);
    upload.text += "{\"type\":\"confirmed\",\"addr";
    let (exit, text) = upload.verify("one", "text");
    assert_eq!(exit, 0, "{text}");
    assert!(
        text.contains("line 3 of the journal was not written to its end") && text.contains("1 unconfirmed"),
        "{text}"
    );
}

#[test]
fn a_journal_of_another_bundle_or_an_edited_one_is_bad() {
    let mut upload = Upload::new();
    upload.before("u0", &[]);
    upload.mark("confirmed", "u0");
    let whole = upload.text.clone();
    let head = whole.lines().next().unwrap().to_owned();
    let id = upload.bundle.manifest["bundle"]["id"].as_str().unwrap().to_owned();
    let sent =
        upload.bundle.line("u0@example.com").unwrap()["userCertificate"][0].as_str().unwrap().to_owned();
    for (text, words) in [
        (String::new(), "the journal is empty"),
        (whole.replace(&head, "{}"), "is no record"),
        (whole.replace("journal-1", "journal-2"), "certferry-journal-2"),
        (whole.replace(&id, &"0".repeat(64)), "the journal is of the bundle 000"),
        (whole.lines().skip(1).map(|line| format!("{line}\n")).collect(), "does not begin as a journal"),
        (whole.replace("u0@example.com", "stranger@example.com"), "2 records are about addresses"),
        (whole.replace(&sent, &base64(b"something else")), "was sent other values than the bundle holds"),
        (whole.replace("\"address\":\"u0@example.com\",", ""), "names no address"),
        (whole.clone() + "scribble\n", "is no record"),
    ] {
        upload.text = text;
        let (exit, text) = upload.verify("one", "text");
        assert_eq!(exit, 5, "{words}: {text}");
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    let output = upload.town.run(&["verify", "one", "--journal", "no-such-file"]);
    assert_eq!(code(&output), 3);
}
