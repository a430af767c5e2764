//! The fixtures' company as a whole: each value has the fate that the cast says, totals reconcile,
//! and the bytes do not depend on the number of threads.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod program;

use std::collections::BTreeMap;

use program::*;
use serde_json::Value;

/// (place or file, attribute, SHA-256 of the value) → expected fates, in order.
fn expected(inputs: &[&str]) -> BTreeMap<(String, String, String), Vec<String>> {
    let mut reader = csv::Reader::from_path(fixture("VALUES.csv")).unwrap();
    let mut fates: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for row in reader.records() {
        let row = row.unwrap();
        if !inputs.contains(&&row[0]) {
            continue;
        }
        let attribute = row[2].split(';').next().unwrap_or_default();
        // A certificate of a file is known by its hash; it counts as a userCertificate.
        let file = &row[0] == "folder";
        let attribute = if file { "userCertificate" } else { attribute };
        // The same objectGUID under another DN: the second record's values stand at the first DN.
        let moved = "CN=Uwe Brandt,OU=Staff,OU=Suwon,DC=ad,DC=hanbit,DC=example";
        let place = if file { String::new() } else { row[1].replace(moved, &moved.replace("Suwon", "Ulm")) };
        fates.entry((place, attribute.to_owned(), row[3].to_owned())).or_default().push(row[4].to_owned());
    }
    fates
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn every_value_of_the_cast_has_its_fate() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    let maps = maps();
    let maps: Vec<&str> = maps.iter().map(String::as_str).collect();
    let output = convert(COMPANY, &bundle, &maps);
    assert_eq!(code(&output), 1, "{}", stderr(&output));

    let manifest = manifest(&bundle);
    let mut wanted = expected(COMPANY);
    let mut wrong = Vec::new();
    for recipient in manifest["recipients"].as_array().unwrap() {
        for candidate in recipient["candidates"].as_array().unwrap() {
            let hash = text(&candidate["valueSha256"]);
            let attribute = text(&candidate["attribute"]);
            let dn = text(&recipient["identity"]["dn"]);
            let fates = wanted
                .get_mut(&(dn.clone(), attribute.clone(), hash.clone()))
                .filter(|fates| !fates.is_empty());
            let fates = match fates {
                Some(fates) => fates,
                None => match wanted.get_mut(&(String::new(), attribute, hash)) {
                    Some(fates) if !fates.is_empty() => fates,
                    _ => {
                        wrong.push(format!("{dn}: a candidate that is not in the cast"));
                        continue;
                    }
                },
            };
            let fate = fates.remove(0);
            let decision = text(&candidate["decision"]);
            if fate != "open" && fate != decision {
                wrong.push(format!("{dn}: expected {fate}, found {decision}: {}", candidate["reason"]));
            }
            assert!(!text(&candidate["reason"]).is_empty());
        }
    }
    let mut rest: BTreeMap<String, usize> = BTreeMap::new();
    for (key, fates) in wanted {
        for fate in fates {
            if fate != "unreadable" && fate != "ignored" {
                wrong.push(format!("{key:?}: expected {fate}, not found"));
            }
            *rest.entry(fate).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let summary = &manifest["summary"];
    let number = |key: &str| summary[key].as_u64().unwrap();
    assert_eq!(number("unreadable"), rest["unreadable"] as u64);
    assert_eq!(number("values"), number("candidates") + number("unreadable") + number("ignored"));
    assert_eq!(number("candidates"), number("published") + number("withheld"));
    assert!(number("ignored") >= rest["ignored"] as u64, "CA certificates beside people's are ignored too");
}

#[test]
fn utf16_and_utf8_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (eight, sixteen) = (folder.path().join("8"), folder.path().join("16"));
    convert(&["ad-ldifde-utf8.ldf"], &eight, &[]);
    convert(&["ad-ldifde-utf16.ldf"], &sixteen, &[]);
    let decisions = |bundle: &std::path::Path| -> Vec<(String, String, String)> {
        manifest(bundle)["recipients"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|recipient| {
                let dn = text(&recipient["identity"]["dn"]);
                recipient["candidates"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|c| (dn.clone(), text(&c["valueSha256"]), text(&c["reason"])))
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    assert_eq!(decisions(&eight), decisions(&sixteen));
    assert_eq!(
        std::fs::read(eight.join("transfer/payload/0001.ndjson")).unwrap(),
        std::fs::read(sixteen.join("transfer/payload/0001.ndjson")).unwrap()
    );
}

/// What a manifest says of its recipients, apart from where each stood and how values are written there.
fn said(bundle: &std::path::Path) -> Vec<String> {
    let mut manifest = manifest(bundle);
    for recipient in manifest["recipients"].as_array_mut().unwrap() {
        recipient["source"] = Value::Null;
        // csvde has one row an object where ldifde writes several records.
        recipient["findings"].as_array_mut().unwrap().retain(|finding| finding["code"] != "object-united");
    }
    let all = manifest["recipients"].as_array().unwrap().iter().chain([&manifest["summary"]]);
    all.map(|entry| entry.to_string().replace("its base64 is damaged", "its hexadecimal is damaged"))
        .collect()
}

#[test]
fn csvde_says_the_same_as_ldif() {
    let folder = tempfile::tempdir().unwrap();
    let maps = maps();
    let maps: Vec<&str> = maps.iter().map(String::as_str).collect();
    let rest = ["openldap.ldif", "folder"];
    let run = |name: &str, export: &str, more: &[&str]| {
        let bundle = folder.path().join(name);
        let inputs: Vec<&str> = std::iter::once(export).chain(rest).collect();
        let output = convert(&inputs, &bundle, &[&maps, more].concat());
        assert_eq!(code(&output), 1, "{}", stderr(&output));
        bundle
    };
    let ldif = run("ldif", "ad-ldifde-utf8.ldf", &[]);
    let (wanted, payload) = (said(&ldif), std::fs::read(ldif.join("transfer/payload/0001.ndjson")).unwrap());
    assert!(wanted.len() > 100);
    for (name, export, more) in [
        ("unicode", "ad-csvde-utf16.csv.gz", &[][..]),
        ("korean", "ad-csvde-949.csv", &["--encoding", "949"]),
        // Packed or not, its text is Unicode and needs no code page.
        ("both", "ad-csvde-utf16.csv.gz", &["--encoding", "949"]),
    ] {
        let bundle = run(name, export, more);
        let found = said(&bundle);
        let differing = found.iter().zip(&wanted).find(|(found, wanted)| found != wanted);
        assert!(found == wanted, "{name}: {differing:#?}");
        assert_eq!(std::fs::read(bundle.join("transfer/payload/0001.ndjson")).unwrap(), payload, "{name}");
        let findings = lines(&bundle.join("review/findings.ndjson"));
        let unused = findings.iter().any(|finding| finding["code"] == "encoding-not-used");
        assert_eq!(unused, name == "both");
        let damaged = findings.iter().find(|finding| finding["code"] == "csvde-hex").unwrap();
        let words = text(&damaged["message"]);
        assert!(words.contains("row ") && words.contains(" (userCertificate), character "), "{words}");
        assert_eq!(damaged["source"]["input"], export);
    }
}

/// The input is hashed as it lies there, and packing changes nothing but that.
#[test]
fn a_packed_input_is_the_input() {
    let folder = tempfile::tempdir().unwrap();
    let packed = folder.path().join("openldap.ldif.gz");
    pack(&std::fs::read(fixture("openldap.ldif")).unwrap(), &packed);
    let (plain, bundle) = (folder.path().join("plain"), folder.path().join("packed"));
    convert(&["openldap.ldif"], &plain, &[]);
    convert(&[packed.to_str().unwrap()], &bundle, &[]);
    let input = manifest(&bundle)["inputs"][0].clone();
    assert_eq!((text(&input["path"]), text(&input["kind"])), ("openldap.ldif.gz".into(), "ldif+gzip".into()));
    let bytes = std::fs::read(&packed).unwrap();
    assert_eq!(input["bytes"], bytes.len());
    assert_eq!(text(&input["sha256"]), certferry::encoding::hex(&certferry::encoding::sha256(&bytes)));
    assert_eq!(input["records"], manifest(&plain)["inputs"][0]["records"]);
    assert_eq!(said(&plain), said(&bundle));
    // The same on standard input.
    let piped = folder.path().join("piped");
    let arguments =
        ["convert", "-", "-o", piped.to_str().unwrap()].map(str::to_owned).into_iter().chain(trust());
    let output = with_input(arguments, &bytes);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert_eq!(said(&plain), said(&piped));
    assert_eq!(manifest(&piped)["inputs"][0]["sha256"], input["sha256"]);
}

#[test]
fn threads_and_names_change_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, jobs: &str| {
        let bundle = folder.path().join(name);
        convert(COMPANY, &bundle, &["--jobs", jobs]);
        tree(&bundle)
    };
    let one = run("one", "1");
    assert!(one.len() >= 9, "{:?}", one.iter().map(|(name, _)| name).collect::<Vec<_>>());
    assert_eq!(one, run("another-name", "2"));
    assert_eq!(one, run("three", "5"));
    let run = |name: &str, jobs: &str| {
        let bundle = folder.path().join(name);
        convert(
            &["ad-csvde-utf16.csv.gz", "ad-csvde-949.csv"],
            &bundle,
            &["--jobs", jobs, "--encoding", "949"],
        );
        tree(&bundle)
    };
    assert_eq!(run("csvde-one", "1"), run("csvde-four", "4"));
}

#[test]
fn no_byte_of_a_private_key_is_in_the_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    let output = convert(COMPANY, &bundle, &[]);
    let key = std::fs::read_to_string(fixture("folder/backup/mail-key.pem")).unwrap();
    let container = std::fs::read(fixture("folder/backup/old-laptop.p12")).unwrap();
    let body = key.lines().nth(2).unwrap();
    let middle = &container[container.len() / 2..container.len() / 2 + 24];
    let mut places: Vec<(String, Vec<u8>)> = tree(&bundle);
    places.push(("stderr".into(), output.stderr));
    for (name, bytes) in places {
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(body.as_bytes()) && !holds(middle), "{name} holds part of a key");
    }
    let named: Vec<String> = lines(&bundle.join("review/findings.ndjson"))
        .iter()
        .filter(|finding| finding["code"] == "private-key")
        .map(|finding| text(&finding["source"]["input"]))
        .collect();
    assert_eq!(named.len(), 4, "{named:?}");
}

#[test]
fn only_what_the_upload_needs_crosses() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    convert(COMPANY, &bundle, &[]);
    let manifest = manifest(&bundle);
    let mut private = Vec::new();
    for recipient in manifest["recipients"].as_array().unwrap() {
        let identity = &recipient["identity"];
        for key in ["dn", "objectGuid", "userPrincipalName", "immutableId"] {
            // A UPN may be equal to the address, which does cross.
            if identity[key] != identity["primarySmtp"] {
                private.extend(identity[key].as_str().map(str::to_owned));
            }
        }
        if recipient["payload"].is_null() {
            private.extend(identity["primarySmtp"].as_str().map(str::to_owned));
        }
    }
    assert!(private.len() > 200);
    for (name, bytes) in tree(&bundle.join("transfer")) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.is_ascii() || name == "trust.sst", "{name} is not ASCII");
        for secret in &private {
            assert!(!text.contains(secret.as_str()), "{name} holds {secret}");
        }
    }
}

/// The whole bundle of the company, byte for byte. What changes it on purpose (a rule's words, a new
/// column) is seen in the difference; `CERTFERRY_BLESS=1 cargo test --test fixtures` takes it over.
#[test]
fn the_bundle_is_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    let maps = maps();
    let maps: Vec<&str> = maps.iter().map(String::as_str).collect();
    convert(COMPANY, &bundle, &maps);
    let kept = root().join("tests/expected/company");
    let script = "transfer/Publish-SmimeCertificate.ps1";
    let made: Vec<_> = tree(&bundle).into_iter().filter(|(name, _)| name != script).collect();
    if std::env::var_os("CERTFERRY_BLESS").is_some() {
        let _ = std::fs::remove_dir_all(&kept);
        for (name, bytes) in &made {
            let path = kept.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
    let wanted = tree(&kept);
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&made), names(&wanted));
    for ((name, made), (_, wanted)) in made.iter().zip(&wanted) {
        let (made, wanted) = (String::from_utf8_lossy(made), String::from_utf8_lossy(wanted));
        let differing = made.lines().zip(wanted.lines()).find(|(made, wanted)| made != wanted);
        assert!(made == wanted, "{name} differs, first in {differing:#?}");
    }
    assert_eq!(std::fs::read(bundle.join(script)).unwrap(), certferry::bundle::SCRIPT_BYTES);
}

/// Real output is what the schemas say, and the schemas come from the types.
#[test]
fn real_output_fits_the_schemas() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    convert(COMPANY, &bundle, &[]);
    let validator = |name: &str| {
        let output = certferry(["generate", "schema", name]);
        assert_eq!(code(&output), 0);
        jsonschema::validator_for(&serde_json::from_slice(&output.stdout).unwrap()).unwrap()
    };
    let check = |name: &str, values: &[Value]| {
        let validator = validator(name);
        assert!(!values.is_empty());
        for value in values {
            assert!(validator.is_valid(value), "{name}: {:?}", validator.iter_errors(value).next());
        }
        // A schema that lets everything pass would say nothing.
        let mut odd = values[0].clone();
        odd["surprise"] = Value::Bool(true);
        assert!(!validator.is_valid(&odd), "{name} lets unknown keys pass");
    };
    check("manifest", &[manifest(&bundle)]);
    check("finding", &lines(&bundle.join("review/findings.ndjson")));
    check("payload", &lines(&bundle.join("transfer/payload/0001.ndjson")));
    check(
        "transfer",
        &[serde_json::from_slice(&std::fs::read(bundle.join("transfer/transfer.json")).unwrap()).unwrap()],
    );
    let report = certferry(["verify", bundle.to_str().unwrap(), "--at", AT, "--format", "json"]);
    assert_eq!(code(&report), 0, "{}", stdout(&report));
    check("verify", &[serde_json::from_slice(&report.stdout).unwrap()]);
}

/// csvde and packed exports too.
#[test]
fn inspect_judges_every_kind_of_export_alike() {
    let judged = |name: &str, more: &[&str]| -> Vec<String> {
        let mut arguments = vec!["inspect".to_owned(), fixture(name).display().to_string()];
        arguments.extend(trust());
        arguments.extend(["--format", "ndjson"].iter().chain(more).map(|word| (*word).to_owned()));
        let output = certferry(arguments);
        assert_eq!(code(&output), 1, "{}", stderr(&output));
        let mut all: Vec<String> = stdout(&output)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| !line["sha256"].is_null())
            .map(|mut line| {
                line["source"] = Value::Null;
                line.to_string()
            })
            .collect();
        // ldifde wrote a value of one person at the end.
        all.sort();
        all
    };
    let ldif = judged("ad-ldifde-utf8.ldf", &[]);
    assert!(ldif.len() > 100);
    assert_eq!(judged("ad-csvde-utf16.csv.gz", &[]), ldif);
    assert_eq!(judged("ad-csvde-949.csv", &["--encoding", "949"]), ldif);
}

/// inspect reads exports too: one line a certificate, the values of one person apart from another's.
#[test]
fn inspect_judges_an_export() {
    let mut arguments = vec!["inspect".to_owned(), fixture("openldap.ldif").display().to_string()];
    arguments.extend(trust());
    arguments.extend(["--format".to_owned(), "ndjson".to_owned()]);
    let output = certferry(arguments);
    assert_eq!(code(&output), 1, "some are not accepted");
    let lines: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().filter(|line| line["verdict"] == "accept").count() > 20);
    assert!(lines.iter().any(|line| line["role"] == "chain"));
    assert!(lines.iter().all(|line| line["source"].as_str().unwrap().contains("openldap.ldif")));
    assert!(lines.iter().any(|line| line["findings"][0]["code"] == "private-key"));
}
