//! Removals by definition, the limit, and what is counted beside it.

use super::program::{code, stderr};
use super::town::{Entry, Mail, Town, inventory};

fn people(count: usize, with: impl Fn(usize) -> bool) -> Vec<Entry> {
    (0..count)
        .map(|n| {
            let name = format!("u{n}");
            let entry = Entry::of(&name);
            if with(n) {
                entry.cert(&Mail::new(&format!("{name}@example.com"), 100 + n as u64).der())
            } else {
                entry
            }
        })
        .collect()
}

#[test]
fn above_the_limit_nothing_is_written_and_the_way_on_is_said() {
    let town = Town::new();
    town.made("one", 0, &people(40, |_| true), &[]);
    // 12 people left; `--clear gone` takes their certificates away.
    let now = people(28, |_| true);
    let clear = ["--previous", "one", "--clear", "gone"];
    let refused = town.convert("two", &now, &clear);
    let text = stderr(&refused);
    assert_eq!(code(&refused), 6, "{text}");
    for words in
        ["12 of 40 people", "the limit is 10", "5 %, at least 10", "nothing was written", "--max-removals 12"]
    {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    // Named, the first ten of them, and how many more.
    assert!(text.contains("u28@example.com") && text.contains("and 2 more"), "{text}");
    assert!(!town.path("two").exists());
    assert_eq!(std::fs::read_dir(town.dir.path()).unwrap().count(), 5, "a stage was left behind");

    let dry = [&clear[..], &["--dry-run"]].concat();
    assert_eq!(code(&town.convert("two", &now, &dry)), 6);
    for (limit, exit) in [("11", 6), ("12", 0), ("29%", 6), ("30%", 0), ("0", 6), ("100%", 0)] {
        let output = town.convert("two", &now, &[&clear[..], &["--max-removals", limit, "--force"]].concat());
        assert_eq!(code(&output), exit, "--max-removals {limit}: {}", stderr(&output));
    }
    for wrong in ["-1", "5 %", "2.5%", "101%", "many", ""] {
        let output = town.convert("three", &now, &[&clear[..], &["--max-removals", wrong]].concat());
        assert_eq!(code(&output), 2, "{wrong:?}");
    }
}

#[test]
fn who_is_merely_no_longer_in_the_payload_is_lost_and_no_removal() {
    let town = Town::new();
    town.made("one", 0, &people(20, |_| true), &[]);
    // Nobody has a certificate in the directory any more, nothing is cleared: everybody keeps what they have.
    let two = town.made("two", 0, &people(20, |n| n == 0), &["--previous", "one", "--max-removals", "0"]);
    assert_eq!((two.lost(), two.changes("removed"), two.changes("kept")), (19, 0, 19));
    assert_eq!(two.codes("u1@example.com"), ["lost-since-previous"]);
    assert!(two.line("u1@example.com").is_none());
    // The next bundle still knows what the tenant holds, and does not count them as lost again.
    let three = town.made("three", 0, &people(20, |n| n == 0), &["--previous", "two"]);
    assert_eq!((three.lost(), three.changes("kept"), three.changes("had")), (0, 19, 20));
    // They leave: clearing them is a removal although the bundle before published nothing for them.
    let cleared = town.convert("four", &people(1, |_| true), &["--previous", "three", "--clear", "gone"]);
    assert_eq!(code(&cleared), 6, "{}", stderr(&cleared));
}

#[test]
fn a_set_without_anything_to_encrypt_to_is_a_removal() {
    let town = Town::new();
    let good = Mail::new("kim@example.com", 10).der();
    let signing = Mail::new("kim@example.com", 11).signing().der();
    town.made("one", 0, &[Entry::of("kim").cert(&good)], &[]);
    let two = town.made("two", 0, &[Entry::of("kim").cert(&signing)], &["--previous", "one"]);
    assert_eq!((two.changes("removed"), two.lost(), two.changes("removalsAllowed")), (1, 1, 10));
    assert_eq!(two.codes("kim@example.com"), ["encryption-removed", "sign-only"]);
    assert_eq!(
        code(&town.convert(
            "x",
            &[Entry::of("kim").cert(&signing)],
            &["--previous", "one", "--max-removals", "0"]
        )),
        6
    );
    // In the other attribute nothing is taken away.
    let both = [Entry::of("kim").smime(&signing)];
    let kept = town.made("kept", 0, &both, &["--previous", "one", "--max-removals", "0"]);
    assert_eq!((kept.changes("removed"), kept.changes("kept"), kept.lost()), (0, 1, 1));
    // What the tenant holds counts as well, whoever put it there.
    town.write("tenant.ndjson", inventory("2026-06-02T00:00:00Z", &[("KIM@example.com", &[&good], &[])]));
    let by_tenant = ["--published", "tenant.ndjson", "--max-removals", "0"];
    assert_eq!(code(&town.convert("y", &[Entry::of("kim").cert(&signing)], &by_tenant)), 6);
    let other = Mail::new("kim@example.com", 12).der();
    let replaced = town.made("z", 0, &[Entry::of("kim").cert(&other)], &by_tenant);
    assert_eq!((replaced.changes("replaced"), replaced.changes("had")), (1, 1));
    assert_eq!(replaced.summary()["changes"]["inventory"]["recipients"], 1);
}

#[test]
fn replacements_by_another_issuer_are_counted_by_themselves() {
    let town = Town::new();
    let one = |name: &str, serial| Mail::new(&format!("{name}@example.com"), serial);
    let before = [
        Entry::of("same").cert(&one("same", 20).der()),
        Entry::of("renewed").cert(&one("renewed", 21).der()),
        Entry::of("moved").cert(&one("moved", 22).der()),
        Entry::of("both").cert(&one("both", 23).der()),
        Entry::of("new"),
    ];
    town.made("one", 0, &before, &[]);
    let same = before[0].clone();
    let now = [
        same,
        Entry::of("renewed").cert(&one("renewed", 31).der()),
        Entry::of("moved").cert(&one("moved", 32).by_other().der()),
        Entry::of("both").cert(&before[3].user[0]).cert(&one("both", 33).by_other().der()),
        Entry::of("new").cert(&one("new", 34).der()),
    ];
    let two = town.made("two", 0, &now, &["--previous", "one"]);
    let counts = ["had", "unchanged", "replaced", "replacedByAnotherIssuer", "gained", "removed"];
    assert_eq!(counts.map(|name| two.changes(name)), [4, 1, 2, 1, 1, 0]);
    assert_eq!(two.codes("moved@example.com"), ["issuer-replaced"]);
    assert!(two.codes("both@example.com").is_empty());
    assert_eq!(two.of("moved@example.com")["history"]["change"], "replacedByAnotherIssuer");
    assert_eq!(two.of("new@example.com")["history"]["previous"]["number"], 5);
}
