//! Every kind of tampering is found, and named with the file.
#![allow(clippy::unwrap_used)]

mod bundle_support;

use bundle_support::*;
use certferry::bundle::model::*;
use certferry::bundle::verify::{ProblemKind as K, Report, Signature, VerifyError};
use certferry::bundle::{Closing, check_target};
use std::fs;

const P1: &str = "transfer/payload/0001.ndjson";
const P2: &str = "transfer/payload/0002.ndjson";

#[test]
fn changed_missing_extra_and_renamed_files() {
    for name in [
        MANIFEST,
        "review/manifest.csv",
        "review/findings.ndjson",
        "review/policy.toml",
        TRANSFER,
        P1,
        "transfer/HANDOVER.txt",
        "transfer/Publish-SmimeCertificate.ps1",
        "transfer/trust.sst",
    ] {
        let report = after(|dir| {
            let mut bytes = fs::read(dir.join(name)).unwrap();
            bytes.push(b'\n');
            fs::write(dir.join(name), bytes).unwrap();
        });
        finds(&report, K::Changed, name, "was changed");
        finds(&after(|dir| fs::remove_file(dir.join(name)).unwrap()), K::Missing, name, "missing");
        let report = after(|dir| fs::rename(dir.join(name), dir.join(format!("{name}.bak"))).unwrap());
        finds(&report, K::Renamed, name, &format!("renamed to {name}.bak"));
        assert!(!report.problems.iter().any(|problem| matches!(problem.kind, K::Extra | K::Missing)));
    }
    finds(
        &after(|dir| fs::write(dir.join("transfer/x.exe"), "x").unwrap()),
        K::Extra,
        "transfer/x.exe",
        "not listed",
    );
    finds(&after(|dir| fs::write(dir.join("review/.x"), "x").unwrap()), K::Extra, "review/.x", "not listed");
    finds(&after(|dir| fs::write(dir.join("note.txt"), "x").unwrap()), K::Extra, "note.txt", "neither half");
    finds(&after(|dir| fs::create_dir(dir.join("review/more")).unwrap()), K::Extra, "review/more", "folder");
    let swapped = after(|dir| {
        fs::rename(dir.join(P1), dir.join("x")).unwrap();
        fs::rename(dir.join(P2), dir.join(P1)).unwrap();
        fs::rename(dir.join("x"), dir.join(P2)).unwrap();
    });
    finds(&swapped, K::Changed, P1, &format!("this is what {P2} should hold"));
}

#[test]
fn missing_halves_links_and_pipes() {
    finds(
        &after(|dir| fs::remove_dir_all(dir.join("review")).unwrap()),
        K::Missing,
        "review",
        "half is missing",
    );
    finds(
        &after(|dir| fs::remove_dir_all(dir.join("transfer")).unwrap()),
        K::Missing,
        "transfer",
        "half is missing",
    );
    let linked = after(|dir| {
        fs::rename(dir.join(P1), dir.join("../elsewhere")).unwrap();
        std::os::unix::fs::symlink("../../../elsewhere", dir.join(P1)).unwrap();
    });
    finds(&linked, K::NotAFile, P1, "symbolic link");
    assert!(!linked.problems.iter().any(|problem| problem.kind == K::Missing), "named once");
    let half = after(|dir| {
        fs::rename(dir.join("review"), dir.join("../review")).unwrap();
        std::os::unix::fs::symlink("../review", dir.join("review")).unwrap();
    });
    finds(&half, K::NotAFile, "review", "not a folder");
    let pipe = after(|dir| {
        let made = std::process::Command::new("mkfifo").arg(dir.join("transfer/pipe")).status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("skipped: mkfifo cannot be run");
            std::os::unix::fs::symlink("x", dir.join("transfer/pipe")).unwrap();
        }
    });
    finds(&pipe, K::NotAFile, "transfer/pipe", "is a");
}

#[test]
fn sums_that_are_none() {
    let sums = "transfer/SHA256SUMS";
    finds(&after(|dir| fs::remove_file(dir.join(sums)).unwrap()), K::Missing, sums, "is missing");
    finds(&after(|dir| fs::write(dir.join(sums), "").unwrap()), K::Missing, P1, "not listed");
    let crlf = after(|dir| {
        let text = fs::read_to_string(dir.join(sums)).unwrap();
        fs::write(dir.join(sums), text.replace('\n', "\r\n")).unwrap();
    });
    finds(&crlf, K::Sums, sums, "CR LF");
    let outside = after(|dir| edit(dir, sums, "HANDOVER.txt", "../../x"));
    finds(&outside, K::Sums, sums, "plain relative path");
    // Taken away and taken off the list.
    let hidden = after(|dir| {
        fs::remove_file(dir.join("review/findings.ndjson")).unwrap();
        sum_again(&dir.join("review"));
    });
    finds(&hidden, K::Missing, "review/findings.ndjson", "every bundle has it");
    let added = after(|dir| {
        fs::write(dir.join("transfer/setup.exe"), "x").unwrap();
        sum_again(&dir.join("transfer"));
    });
    finds(&added, K::Extra, "transfer/setup.exe", "no bundle has");
}

/// What somebody finds who changed a payload and made the sums again.
fn payload(file: &str, from: &str, to: &str) -> Report {
    after(|dir| {
        edit(dir, file, from, to);
        sum_again(&dir.join("transfer"));
    })
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn a_payload_that_is_not_the_manifests() {
    let user = |person, index| base64(&value(person, index, Attribute::UserCertificate));
    let smime = |person, index| base64(&value(person, index, Attribute::UserSmimeCertificate));

    let report = payload(P1, &user(0, 1), &user(1, 0));
    finds(&report, K::Payload, P1, "lacks the published value 1");
    finds(&report, K::Payload, P1, "which is not in the manifest");
    let report =
        payload(P1, &format!("\"{}\"", user(1, 1)), &format!("\"{}\",\"{}\"", user(1, 1), user(1, 0)));
    finds(&report, K::Payload, P1, "withheld: it has expired");
    finds(&report, K::Totals, TRANSFER, "userCertificate values");
    let report = payload(P1, &format!("\"{}\"", user(0, 0)), &format!("\"{0}\",\"{0}\"", user(0, 0)));
    finds(&report, K::Payload, P1, "more often");
    let report = payload(P1, &format!("[\"{}\"]", smime(2, 0)), "[]");
    finds(&report, K::Payload, P1, "userSMIMECertificate of recipient 3 lacks");
    finds(&report, K::Totals, MANIFEST, "the payload clears 1");
    let report = payload(P1, ",\"userSMIMECertificate\":", ",\"userCertificate2\":");
    finds(&report, K::Payload, P1, "no payload line");
    let report = payload(P1, "person0@example.org", "person1@example.org");
    finds(&report, K::Payload, P1, "has the address person1@example.org here");
    finds(&payload(P1, "\"mailUser\"", "\"mailbox\""), K::Payload, P1, "is a Mailbox here and a MailUser");
    finds(&payload(P1, "{\"number\":2,", "{\"number\":4,"), K::Payload, P1, "the numbers must rise");
    finds(&payload(P1, "{\"number\":3,", "{\"number\":4,"), K::Payload, P1, "gives no payload");
    finds(
        &payload(P1, "{\"number\":3,", "{\"number\":4,"),
        K::Payload,
        MANIFEST,
        "recipient 3 has no payload line",
    );
    finds(&payload(P1, &user(0, 0), "not base64"), K::Payload, P1, "not base64");
    finds(&payload(P1, &user(0, 0), ""), K::Payload, P1, "empty value");
    finds(&payload(P2, "j\\u00f6rg", "jörg"), K::Payload, P2, "not ASCII");
    finds(&payload(P1, "\n{", "\n\n{"), K::Payload, P1, "no payload line");

    // Lines that are gone, doubled, in another order, cut off, or endless.
    let lines = |change: fn(&mut Vec<String>)| {
        after(|dir| {
            let text = fs::read_to_string(dir.join(P1)).unwrap();
            let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
            change(&mut lines);
            fs::write(dir.join(P1), lines.concat()).unwrap();
            sum_again(&dir.join("transfer"));
        })
    };
    let gone = lines(|lines| drop(lines.remove(1)));
    finds(&gone, K::Payload, MANIFEST, "recipient 2 has no payload line");
    finds(&gone, K::Payload, P1, "places at payload/0001.ndjson:3");
    finds(&gone, K::Totals, TRANSFER, "says 12 recipients, the payload has 11");
    finds(&lines(|lines| lines.insert(1, lines[0].clone())), K::Payload, P1, "must rise");
    finds(&lines(|lines| lines.swap(0, 1)), K::Payload, P1, "must rise");
    finds(&lines(|lines| lines[3] = lines[3].trim_end().to_owned()), K::Payload, P1, "cut off");
    finds(&lines(|lines| lines[3] = "x".repeat(1_000_000)), K::Payload, P1, "not shorter than 1000000");
    let moved = after(|dir| {
        fs::rename(dir.join(P2), dir.join("transfer/payload/0009.ndjson")).unwrap();
        sum_again(&dir.join("transfer"));
    });
    finds(&moved, K::Payload, "transfer/payload/0003.ndjson", "stands where payload/0002.ndjson is expected");
}

#[test]
fn a_half_alone_shows_what_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    edit(&target, P1, "person0@", "person9@");
    let report = check(&target.join("transfer"));
    finds(&report, K::Changed, "payload/0001.ndjson", "was changed");
    fs::write(target.join(P1), "[]\n").unwrap();
    sum_again(&target.join("transfer"));
    let report = check(&target.join("transfer"));
    finds(&report, K::Payload, "payload/0001.ndjson", "no payload line");
    finds(&report, K::Totals, "transfer.json", "says 12 recipients, the payload has 8");
    assert!(check(&target.join("review")).is_good());
    assert!(matches!(
        certferry::bundle::verify::verify(
            dir.path(),
            &certferry::bundle::verify::Options {
                at: EVALUATED_AT.parse().unwrap(),
                script: SCRIPT,
                signer: None
            }
        ),
        Err(VerifyError::NotABundle { .. })
    ));
}

#[test]
fn a_manifest_that_contradicts_itself() {
    let totals =
        |from: &str, to: &str, word: &str| finds(&review(MANIFEST, from, to), K::Totals, MANIFEST, word);
    totals("\"recipients\":20", "\"recipients\":21", "says 21 recipients, counted were 20");
    totals("\"published\":20", "\"published\":19", "19 published");
    totals("\"values\":35", "\"values\":36", "do not reconcile");
    totals("\"encryptable\":12", "\"encryptable\":13", "13 encryptable");
    totals("\"revoked\":0", "\"revoked\":1", "says 1 attributes are cleared");
    let hidden = review(MANIFEST, "\"decision\":\"publish\"", "\"decision\":\"withhold\"");
    finds(&hidden, K::Totals, MANIFEST, "published");
    finds(&hidden, K::Payload, P1, "which is withheld");
    finds(&hidden, K::Manifest, "review/manifest.csv", "does not say what manifest.json says");
    let report = review(MANIFEST, "\"coverage\":\"encryptable\"", "\"coverage\":\"none\"");
    finds(&report, K::Manifest, MANIFEST, "has the coverage None");
    let report = review(MANIFEST, "{\"number\":2,", "{\"number\":7,");
    finds(&report, K::Manifest, MANIFEST, "recipient 7 stands in place 2");
    let report = review(MANIFEST, "\"verdict\":\"valid\"", "\"verdict\":\"notChecked\"");
    finds(&report, K::Manifest, MANIFEST, "does not say UNVERIFIED");
    let report =
        review(MANIFEST, "\"payload\":{\"file\":\"payload/0001.ndjson\",\"line\":1}", "\"payload\":null");
    finds(&report, K::Manifest, MANIFEST, "recipient 1 publishes 2 values and has no payload line");
    finds(
        &review(MANIFEST, "\"unverified\": false", "\"unverified\": 0"),
        K::Unreadable,
        MANIFEST,
        "invalid type",
    );
    finds(&review("review/policy.toml", "policy", "polity"), K::Manifest, "review/policy.toml", "SHA-256");
    let findings = "review/findings.ndjson";
    finds(
        &review(findings, "\"recipient\":20", "\"recipient\":21"),
        K::Manifest,
        findings,
        "about recipient 21",
    );
    finds(
        &review(findings, "\"severity\":\"info\"", "\"severity\":\"mild\""),
        K::Unreadable,
        findings,
        "no finding",
    );
    let csv = "review/manifest.csv";
    finds(&review(csv, ",withhold,", ",publish,"), K::Manifest, csv, "does not say");
}

#[test]
fn halves_that_do_not_belong_together() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    write(&one);
    let mut others = people();
    others.truncate(10);
    write_with(&two, &options(), &others, |closing| closing.bundle.id = sha256(b"another")).unwrap();
    fs::remove_dir_all(one.join("transfer")).unwrap();
    fs::rename(two.join("transfer"), one.join("transfer")).unwrap();
    let report = check(&one);
    finds(&report, K::Halves, TRANSFER, "is for a manifest with the SHA-256");
    finds(&report, K::Halves, TRANSFER, "id is");
    assert!(report.problems.iter().all(|problem| problem.kind == K::Halves), "{}", report.to_text());

    let transfer = |from: &str, to: &str| {
        after(|dir| {
            edit(dir, TRANSFER, from, to);
            sum_again(&dir.join("transfer"));
        })
    };
    finds(&transfer(VALID_UNTIL, "2027-12-24T12:00:00Z"), K::Halves, TRANSFER, "validUntil is 2027");
    finds(
        &transfer("\"unverified\": false", "\"unverified\": true"),
        K::Halves,
        TRANSFER,
        "unverified is true",
    );
    finds(&transfer("\"sequence\": null", "\"sequence\": 7"), K::Halves, TRANSFER, "sequence is 7");
    finds(&transfer("\"files\": 3", "\"files\": 4"), K::Totals, TRANSFER, "says 4 payload files");
    finds(
        &transfer("certferry-transfer-1", "certferry-transfer-9"),
        K::Unreadable,
        TRANSFER,
        "certferry-transfer-9",
    );
    // Its text is known from transfer.json, so a false one is found without the other half.
    let handover = after(|dir| {
        edit(dir, "transfer/HANDOVER.txt", "telephone", "the enclosed link");
        sum_again(&dir.join("transfer"));
    });
    finds(&handover, K::Changed, "transfer/HANDOVER.txt", "do not follow it");
}

#[test]
fn a_script_that_is_not_this_releases() {
    let script = "transfer/Publish-SmimeCertificate.ps1";
    let report = after(|dir| {
        fs::write(dir.join(script), "Remove-Item *").unwrap();
        sum_again(&dir.join("transfer"));
    });
    finds(&report, K::Script, script, "not the script of this release");
}

#[test]
fn time_signatures_and_unverified_are_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    assert!(check_at(&target, VALID_UNTIL).is_good(), "good up to and including the instant");
    let report = check_at(&target, "2026-12-24T12:00:01Z");
    finds(&report, K::Expired, "", "good until 2026-12-24T12:00:00Z");
    assert!(check_at(&target, "2026-12-02T00:00:00Z").notes[0].contains("2026-12-01"));
    assert!(check_at(&target.join("transfer"), "2027-01-01T00:00:00Z").problems[0].kind == K::Expired);

    fs::write(target.join("transfer/SHA256SUMS.p7s"), "a signature").unwrap();
    let report = check(&target);
    assert!(!report.is_good() && report.signature == Signature::Bad);
    finds(&report, K::Signature, "transfer/SHA256SUMS.p7s", "no detached CMS signature");

    let unverified = dir.path().join("u");
    let head = certferry::bundle::ManifestHead { unverified: true, ..head() };
    let mut writer = certferry::bundle::Writer::begin(&unverified, &options(), head).unwrap();
    let mut unchecked = people();
    for candidate in unchecked.iter_mut().flat_map(|person| &mut person.recipient.candidates) {
        candidate.path.verdict = Verdict::NotChecked;
    }
    append_all(&mut writer, &unchecked).unwrap();
    let closing = Closing { trust_store: Vec::new(), sst: None, ..closing(writer.tally()) };
    writer.seal(&closing).unwrap();
    let report = check(&unverified);
    assert!(report.is_good() && report.to_text().contains("UNVERIFIED"));
    assert!(fs::read_to_string(unverified.join("transfer/HANDOVER.txt")).unwrap().contains("UNVERIFIED"));
    let table = fs::read_to_string(unverified.join("review/manifest.csv")).unwrap();
    assert_eq!(table.matches(",notChecked (UNVERIFIED),publish,").count(), 20);
    assert_eq!(table.matches(",notChecked,withhold,").count(), 12);
    assert!(check_target(&unverified, true).is_ok());
}

#[test]
fn a_file_name_cannot_forge_a_line() {
    let report = after(|dir| fs::write(dir.join("review/x\nGOOD: all is well\u{1b}[2J"), "x").unwrap());
    let text = report.to_text();
    assert!(text.contains("review/x<U+000A>GOOD: all is well<U+001B>[2J: is not listed"), "{text}");
    assert!(report.problems[0].file.as_deref().unwrap().contains('\n'), "data stays as it is");
}

#[test]
fn a_report_stays_short() {
    let report = after(|dir| {
        for number in 0..1100 {
            fs::write(dir.join(format!("review/{number}.x")), "x").unwrap();
        }
    });
    assert_eq!((report.problems.len(), report.problems_left_out), (1000, 100));
    assert!(report.to_text().contains("1100 problems") && report.to_text().ends_with("and 100 more\n"));
}

/// Damage anywhere, with the sums made again, is found or harmless, and never ends the check.
#[test]
fn damage_never_stops_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    let good = files(&target);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..300 {
        let (name, bytes) = good.iter().nth(round % good.len()).unwrap();
        let half = target.join(name.split('/').next().unwrap());
        let mut damaged = bytes.clone();
        match round % 3 {
            0 => damaged[random(bytes.len())] ^= 1 << random(8),
            1 => damaged.truncate(random(bytes.len())),
            _ => {
                let at = random(bytes.len());
                damaged.drain(at..bytes.len().min(at + 1 + random(64)));
            }
        }
        fs::write(target.join(name), &damaged).unwrap();
        assert!(!check(&target).is_good(), "{name}, round {round}");
        if !name.ends_with("SHA256SUMS") {
            sum_again(&half);
            // A sentence in a finding, and the case of an address, are bound by the sums alone.
            let harmless = name.starts_with("review/findings") || damaged.eq_ignore_ascii_case(bytes);
            assert!(!check(&target).is_good() || harmless, "{name}, round {round}");
            check(&half);
        }
        fs::write(target.join(name), bytes).unwrap();
        fs::write(half.join("SHA256SUMS"), &good[&format!("{}/SHA256SUMS", name.split('/').next().unwrap())])
            .unwrap();
    }
    assert!(check(&target).is_good());
}
