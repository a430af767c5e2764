//! `--clear`: each class, what it needs, and what is never cleared.

use super::program::{code, stderr};
use super::town::{Entry, Mail, Town, inventory};

const OLD: &str = "260101000000Z";

fn mail(name: &str, serial: u64) -> Mail {
    Mail::new(&format!("{name}@example.com"), serial)
}

#[test]
fn expired_needs_every_value_to_have_expired() {
    let town = Town::new();
    let expired = |name: &str, serial| mail(name, serial).until(OLD).der();
    let entries = [
        Entry::of("all").cert(&expired("all", 1)).cert(&expired("all", 2)),
        Entry::of("some").cert(&expired("some", 3)).cert(&mail("other", 4).der()),
        Entry::of("none"),
        Entry::of("fresh").cert(&expired("fresh", 5)).cert(&mail("fresh", 6).der()),
        Entry::of("part").cert(&expired("part", 7)).line("userCertificate: broken"),
        Entry::of("secret").cert(&expired("secret", 8)).line("userCertificate;range=0-1:: AAAA"),
        Entry::of("twin").at("twin@example.com").cert(&expired("twin", 9)),
        Entry::of("twin2").at("TWIN@example.com"),
    ];
    let plain = town.made("plain", 1, &entries, &[]);
    assert!(plain.summary()["changes"].is_null() && plain.of("all@example.com")["history"].is_null());
    assert!(plain.payload.iter().all(|line| line["address"] == "fresh@example.com"));
    let two = town.made("two", 1, &entries, &["--clear", "expired"]);
    assert_eq!(two.cleared("expired"), 1);
    let addresses: Vec<&str> = two.payload.iter().map(|line| line["address"].as_str().unwrap()).collect();
    assert_eq!(addresses, ["all@example.com", "fresh@example.com"]);
    let line = two.line("all@example.com").unwrap();
    assert_eq!((&line["userCertificate"], line.get("userSMIMECertificate")), (&serde_json::json!([]), None));
    assert!(two.codes("all@example.com").contains(&"attribute-cleared"));
    assert_eq!(two.of("all@example.com")["coverage"], "none");
    // What the tenant holds counts as a value of the attribute.
    let good = mail("all", 40).der();
    town.write("tenant.ndjson", inventory("2026-06-02T00:00:00Z", &[("all@example.com", &[&good], &[])]));
    let three = town.made("three", 1, &entries, &["--clear", "expired", "--published", "tenant.ndjson"]);
    assert_eq!(three.cleared("expired"), 0);
    let gone_from_directory = [Entry::of("none"), Entry::of("fresh").cert(&mail("fresh", 6).der())];
    let old = expired("none", 41);
    town.write("tenant.ndjson", inventory("2026-06-02T00:00:00Z", &[("none@example.com", &[&old], &[])]));
    let four =
        town.made("four", 0, &gone_from_directory, &["--clear", "expired", "--published", "tenant.ndjson"]);
    assert_eq!((four.cleared("expired"), four.changes("removed")), (1, 1));
}

#[test]
fn revoked_by_the_bundle_before_or_by_the_inventory() {
    let town = Town::new();
    let (kim, lee, max) = (mail("kim", 10).der(), mail("lee", 11).der(), mail("max", 12).der());
    let entries = [Entry::of("kim").cert(&kim), Entry::of("lee").cert(&lee), Entry::of("max").cert(&max)];
    town.made("one", 0, &entries, &[]);
    town.revoke(&[10, 11, 13]);
    // Kim's stays in the directory, Lee's was deleted there, Max has nothing to do with it.
    let now = [Entry::of("kim").cert(&kim), Entry::of("lee"), Entry::of("max").cert(&max)];
    let kept = town.made("kept", 1, &now, &["--previous", "one"]);
    assert_eq!(kept.changes("revokedStillPublished"), 2);
    for who in ["kim@example.com", "lee@example.com"] {
        assert!(kept.codes(who).contains(&"revoked-still-published"), "{who}");
        assert!(kept.line(who).is_none());
    }
    let cleared = town.made("cleared", 0, &now, &["--previous", "one", "--clear", "revoked"]);
    assert_eq!((cleared.cleared("revoked"), cleared.changes("removed"), cleared.lost()), (2, 2, 2));
    assert_eq!(cleared.line("lee@example.com").unwrap()["userCertificate"], serde_json::json!([]));
    // A later bundle that knows of it only by what was left untouched.
    let later = town.made("later", 1, &now, &["--previous", "kept"]);
    assert_eq!(later.changes("revokedStillPublished"), 2);
    // Another certificate replaces the set: nothing is left, nothing needs to be cleared.
    let renewed = [
        Entry::of("kim").cert(&mail("kim", 20).der()),
        Entry::of("lee").cert(&mail("lee", 21).der()),
        entries[2].clone(),
    ];
    let replaced = town.made("replaced", 0, &renewed, &["--previous", "one", "--clear", "all"]);
    assert_eq!((replaced.cleared("revoked"), replaced.changes("revokedStillPublished")), (0, 0));
    // By the inventory alone, of a value that no bundle ever published, in the other attribute.
    let planted = mail("max", 13).der();
    town.write(
        "tenant.ndjson",
        inventory("2026-06-02T00:00:00Z", &[("max@example.com", &[&max], &[&planted])]),
    );
    let options = ["--published", "tenant.ndjson"];
    let warned = town.made("warned", 1, &entries[2..], &options);
    assert_eq!(warned.codes("max@example.com"), ["revoked-still-published", "shadowing-remains"]);
    let cleared = town.made("emptied", 0, &entries[2..], &[&options[..], &["--clear", "revoked"]].concat());
    let line = cleared.line("max@example.com").unwrap();
    assert_eq!(line["userSMIMECertificate"], serde_json::json!([]));
    assert_eq!(line["userCertificate"].as_array().unwrap().len(), 1);
    assert_eq!((cleared.cleared("revoked"), cleared.changes("removed")), (1, 0));
    // With --revocation off nobody asks.
    let off = town.made("off", 0, &entries[2..], &[&options[..], &["--revocation", "off"]].concat());
    assert_eq!(off.changes("revokedStillPublished"), 0);
}

#[test]
fn a_revoked_authority_revokes_what_it_issued() {
    let town = Town::new();
    let der = mail("kim", 10).by_other().der();
    town.made("one", 0, &[Entry::of("kim").cert(&der)], &[]);
    town.revoke(&[]);
    let w = super::town::world();
    let serial = super::pki::Cert::new("", "", 3).serial;
    let crl = super::pki::crl("Root", &w.root, &[serial], "400101000000Z", &[]);
    town.write("crls/root.crl", crl);
    let two = town.made("two", 1, &[Entry::of("kim")], &["--previous", "one"]);
    assert_eq!(two.codes("kim@example.com"), ["lost-since-previous", "revoked-still-published"]);
    let line = two.findings.iter().find(|line| line["code"] == "revoked-still-published").unwrap();
    assert!(line["found"].as_str().unwrap().contains("its issuer is revoked"), "{line}");
}

#[test]
fn shadowing_in_the_directory_and_in_the_tenant() {
    let town = Town::new();
    let (fresh, stale) = (mail("kim", 10).der(), mail("kim", 9).until(OLD).der());
    let shadowed = [Entry::of("kim").cert(&fresh).smime(&stale)];
    let plain = town.made("plain", 0, &shadowed, &[]);
    assert!(plain.codes("kim@example.com").contains(&"shadowing-remains"));
    let two = town.made("two", 0, &shadowed, &["--clear", "shadowing"]);
    assert_eq!(
        (
            two.cleared("shadowing"),
            two.line("kim@example.com").unwrap()["userSMIMECertificate"].as_array().unwrap().len()
        ),
        (1, 0)
    );
    assert!(!two.codes("kim@example.com").contains(&"shadowing-remains"));
    // The first class in the order of the documentation counts.
    let all = town.made("all", 0, &shadowed, &["--clear", "all"]);
    assert_eq!((all.cleared("expired"), all.cleared("shadowing")), (1, 0));
    // Without a fresh certificate beside it there is nothing that is shadowed.
    let alone = town.made("alone", 0, &[Entry::of("kim").smime(&stale)], &["--clear", "shadowing"]);
    assert_eq!(alone.cleared("shadowing"), 0);
    // Only the tenant holds it.
    let now = [Entry::of("kim").cert(&fresh)];
    let in_tenant = |values: &[&[u8]]| {
        town.write("tenant.ndjson", inventory("2026-06-02T00:00:00Z", &[("kim@example.com", &[], values)]));
    };
    in_tenant(&[&stale]);
    let options = ["--published", "tenant.ndjson", "--clear", "shadowing"];
    let warned = town.made("warned", 0, &now, &options[..2]);
    assert_eq!(warned.codes("kim@example.com"), ["shadowing-remains"]);
    assert_eq!(town.made("cleared", 0, &now, &options).cleared("shadowing"), 1);
    // A value that is not stale is told of and left alone; the very certificate that is published is no shadow.
    in_tenant(&[&mail("kim", 8).der()]);
    let other = town.made("other", 0, &now, &options);
    assert_eq!((other.cleared("shadowing"), other.codes("kim@example.com")), (0, vec!["shadowing-remains"]));
    in_tenant(&[&fresh]);
    assert!(town.made("same", 0, &now, &options).codes("kim@example.com").is_empty());
}

#[test]
fn gone_are_entries_of_their_own_after_all_others() {
    let town = Town::new();
    let one = |name: &str, serial| Entry::of(name).cert(&mail(name, serial).der());
    let before = [one("ann", 1), one("bob", 2), Entry::of("cid"), one("dan", 4).smime(&mail("dan", 5).der())];
    town.made("one", 0, &before, &[]);
    let tenant = mail("eve", 6).der();
    town.write("tenant.ndjson", inventory("2026-06-02T00:00:00Z", &[("eve@example.com", &[&tenant], &[])]));
    let now = [one("new", 9), before[1].clone()];
    let options = ["--previous", "one", "--published", "tenant.ndjson"];
    let two = town.made("two", 0, &now, &options);
    assert_eq!(two.gone(), ["ann@example.com", "cid@example.com", "dan@example.com", "eve@example.com"]);
    let numbers: Vec<u64> = two.manifest["recipients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    assert!(two.of("ann@example.com")["candidates"].as_array().unwrap().is_empty());
    assert!(two.of("ann@example.com")["payload"].is_null());
    assert_eq!((two.changes("gone"), two.changes("goneBefore"), two.lost()), (4, 0, 2));
    assert_eq!(two.summary()["coverage"]["none"], 4);
    let cleared = town.made("cleared", 0, &now, &[&options[..], &["--clear", "gone"]].concat());
    // Who never had anything has nothing to clear; each attribute that may hold something is cleared.
    assert_eq!((cleared.cleared("gone"), cleared.changes("removed")), (4, 3));
    let line = |bundle: &super::town::Bundle, who: &str| {
        let line = bundle.line(who).cloned();
        line.map(|line| (line.get("userCertificate").is_some(), line.get("userSMIMECertificate").is_some()))
    };
    assert_eq!(line(&cleared, "ann@example.com"), Some((true, false)));
    assert_eq!(line(&cleared, "dan@example.com"), Some((true, true)));
    assert_eq!(line(&cleared, "eve@example.com"), Some((true, false)));
    assert_eq!(line(&cleared, "cid@example.com"), None);
    // The next bundle repeats the clearing, since nobody knows whether the upload took place.
    let again = town.made("again", 0, &now, &["--previous", "cleared", "--clear", "gone"]);
    assert_eq!((again.cleared("gone"), again.changes("goneBefore"), again.changes("removed")), (4, 4, 0));
    // An inventory knows: nothing is left, so nothing is cleared.
    town.write("empty.ndjson", inventory("2026-06-02T00:00:00Z", &[]));
    let known = ["--previous", "cleared", "--published", "empty.ndjson", "--clear", "gone"];
    let known = town.made("known", 0, &now, &known);
    assert_eq!((known.cleared("gone"), known.gone().len()), (0, 4));
}

#[test]
fn who_moved_is_not_gone_and_an_address_of_somebody_else_is_left_alone() {
    let town = Town::new();
    let one = |name: &str, serial| Entry::of(name).cert(&mail(name, serial).der());
    let before =
        [one("guid", 1).guid(1), one("alias", 2), one("name", 3), one("left", 4).guid(4), one("box", 5)];
    town.made("one", 0, &before, &[]);
    let now = [
        // Renamed and moved; the objectGUID stays.
        Entry::of("married").guid(1).cert(&mail("married", 11).der()),
        // Another primary address, the old one stays as an alias.
        Entry { dn: "CN=x,DC=y".into(), ..one("second", 12).alias("alias@example.com") },
        // The address changed, the name did not.
        Entry::of("name").at("other@example.com"),
        // The successor got the address of somebody who left.
        one("heir", 14).guid(9).alias("LEFT@example.com"),
        // No recipient any more, but still there.
        Entry { class: "computer", ..Entry::of("box") },
    ];
    let two = town.made("two", 0, &now, &["--previous", "one", "--clear", "gone"]);
    assert_eq!(two.gone(), ["left@example.com"]);
    assert!(two.line("left@example.com").is_none(), "the successor's mailbox would be emptied");
    let about = two.findings.iter().find(|line| line["code"] == "recipient-gone").unwrap();
    assert!(about["found"].as_str().unwrap().contains("belongs to somebody else now"), "{about}");
    let previous = |who: &str| two.of(who)["history"]["previous"]["number"].as_u64();
    assert_eq!(previous("married@example.com"), Some(1));
    assert_eq!(previous("second@example.com"), Some(2));
    assert_eq!(previous("other@example.com"), Some(3));
    assert_eq!(previous("heir@example.com"), None);
    assert_eq!(two.of("other@example.com")["history"]["change"], "kept");
    // Lost: the one whose name stayed, the one who left, and the one who is no recipient any more.
    assert_eq!(two.lost(), 3);
    let boxed: Vec<&serde_json::Value> =
        two.findings.iter().filter(|line| line["address"] == "box@example.com").collect();
    assert_eq!(boxed.len(), 1, "{boxed:?}");
    assert_eq!(
        (&boxed[0]["code"], &boxed[0]["recipient"]),
        (&"lost-since-previous".into(), &serde_json::Value::Null)
    );
}

/// What is found under the address that the upload looks up is what counts, whoever had it before.
#[test]
fn the_address_decides_whose_values_are_replaced() {
    let town = Town::new();
    let der = mail("desk", 1).der();
    town.made("one", 0, &[Entry::of("ann").guid(1).at("desk@example.com").cert(&der)], &[]);
    let now =
        [Entry::of("bob").guid(2).at("desk@example.com"), Entry::of("ann").guid(1).at("ann@example.com")];
    let two = town.made("two", 1, &now, &["--previous", "one"]);
    let previous = |who: &str| two.of(who)["history"]["previous"]["number"].as_u64();
    assert_eq!((previous("desk@example.com"), previous("ann@example.com")), (Some(1), None));
    assert_eq!(two.of("desk@example.com")["history"]["change"], "kept");
    // Of two mailboxes the one at the address counts, not the one at an alias.
    let (old, good) = (mail("kim", 2).until(OLD).der(), mail("kim", 3).der());
    let kim = [Entry::of("kim").alias("old@example.com"), Entry::of("lee").cert(&mail("lee", 4).der())];
    let held: [super::town::Held<'_>; 2] =
        [("old@example.com", &[&good], &[]), ("kim@example.com", &[&old], &[])];
    for (lines, cleared) in [(&held[..], 1), (&held[..1], 0)] {
        town.write("tenant.ndjson", inventory("2026-06-02T00:00:00Z", lines));
        let options = ["--published", "tenant.ndjson", "--clear", "expired", "--force"];
        assert_eq!(town.made("three", 0, &kim, &options).cleared("expired"), cleared);
    }
}

#[test]
fn nobody_is_cleared_as_gone_when_the_inputs_are_not_whole() {
    let town = Town::new();
    let one = |name: &str, serial| Entry::of(name).cert(&mail(name, serial).der());
    town.made("one", 0, &[one("ann", 1), one("bob", 2)], &[]);
    let clear = ["--previous", "one", "--clear", "gone"];
    let whole = town.made("whole", 0, &[one("ann", 1)], &clear);
    assert_eq!(whole.cleared("gone"), 1);
    // A record without a name: whose it was is not known.
    let damaged = [one("ann", 1).line("\nobjectClass: user\ncn: Bob")];
    let two = town.made("two", 1, &damaged, &clear);
    assert_eq!((two.gone(), two.cleared("gone")), (vec!["bob@example.com"], 0));
    assert!(two.findings.iter().any(|line| line["code"] == "gone-not-cleared"));
    let counted =
        town.made("counted", 1, &[one("ann", 1)], &[&clear[..], &["--expect-records", "2"]].concat());
    assert_eq!(counted.cleared("gone"), 0);
}

#[test]
fn classes_that_need_a_past_say_so() {
    let town = Town::new();
    let output = town.convert(
        "one",
        &[Entry::of("ann").cert(&mail("ann", 1).der())],
        &["--clear", "gone", "--max-removals", "3"],
    );
    let text = stderr(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert!(
        text.contains("find nobody without --previous") && text.contains("--max-removals limits nothing"),
        "{text}"
    );
    assert_eq!(code(&town.convert("two", &[Entry::of("ann")], &["--clear", "everything"])), 2);
}

#[test]
fn nobody_behind_the_end_of_a_file_that_was_cut_off_is_cleared() {
    let town = Town::new();
    let one = |name: &str, serial| Entry::of(name).cert(&mail(name, serial).der());
    let all = [one("ann", 1), one("bob", 2), one("cid", 3)];
    town.made("one", 0, &all, &[]);
    let whole = std::fs::read(town.path("one.ldif")).unwrap();
    // A file of this name into a bundle of this name.
    let run = |name: &str, more: &[&str]| {
        let input = format!("{name}.ldif");
        let about = ["--previous", "one", "--clear", "gone", "--at", super::program::AT];
        let material = ["--trust", "trust", "--intermediate", "cas", "-o", name, "--force"];
        town.run(&[&["convert", &input], &about[..], &material, more].concat())
    };
    // From the middle of Ann to the middle of Bob.
    let (from, to) = (whole.len() / 6, whole.len() / 2);
    for end in (from..to).step_by(37) {
        let cut = whole.get(..end).unwrap();
        if cut.ends_with(b"\n") {
            continue;
        }
        town.write("cut.ldif", cut);
        let output = run("cut", &[]);
        let text = stderr(&output);
        assert_eq!(code(&output), 1, "{end}: {text}");
        let bundle = super::town::Bundle::read(&town.path("cut"));
        assert_eq!(bundle.cleared("gone"), 0, "{end}: {text}");
        assert!(bundle.findings.iter().any(|line| line["code"] == "gone-not-cleared"), "{end}");
    }
    // Bob and Cid left, and only the last line end is missing: the number says that nobody else is.
    let ann = all[0].ldif();
    town.write("ann.ldif", ann.trim_end());
    let run = |more: &[&str]| {
        let output = run("ann", more);
        (code(&output), super::town::Bundle::read(&town.path("ann")).cleared("gone"))
    };
    assert_eq!(run(&[]), (1, 0));
    assert_eq!(run(&["--expect-records", "1"]), (0, 2));
    assert_eq!(run(&["--expect-records", "ann.ldif=1"]), (0, 2));
    assert_eq!(run(&["--expect-records", "2"]), (1, 0));
}
