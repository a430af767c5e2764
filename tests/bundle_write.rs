//! A bundle is written, read back, and held against its schemas.
#![allow(clippy::unwrap_used)]

mod bundle_support;

use bundle_support::*;
use certferry::bundle::model::*;
use certferry::bundle::verify::{Scope, Signature};
use certferry::bundle::writer::payload_name;
use certferry::bundle::{ManifestFormat, StageOptions, manifest, schema};
use certferry::certificate::sst;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn what_is_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    let sealed = write(&target);
    assert_eq!(names(dir.path()), ["b"], "no stage is left");
    assert_eq!(
        sealed.counts,
        TransferCounts {
            recipients: 12,
            user_certificate: 16,
            user_smime_certificate: 4,
            files: 3,
            trust_certificates: 1
        }
    );

    let mut read = Vec::new();
    let frame = manifest::read(fs::File::open(target.join("review/manifest.json")).unwrap(), |recipient| {
        read.push(recipient);
        Ok(())
    })
    .unwrap();
    assert_eq!(frame.trust_anchors, head().trust_anchors);
    assert_eq!(frame.trust_store, [trusted(root(), 12)]);
    assert_eq!(fs::read(target.join("transfer/trust.sst")).unwrap(), sst::write([root()]));
    assert_eq!(frame.inputs[0].path, "export.ldf");
    assert_eq!(frame.policy.sha256, sha256(b"# the policy\n"));
    assert_eq!(frame.evaluated_at, EVALUATED_AT);
    let mut payloads = 0;
    for (index, (person, mut found)) in people().into_iter().zip(read).enumerate() {
        assert_eq!(found.number, index as u64 + 1);
        assert_eq!(found.payload.is_some(), person.payload.is_some());
        if let Some(place) = found.payload.take() {
            assert_eq!(place, PayloadPlace { file: payload_name(payloads / 4 + 1), line: payloads % 4 + 1 });
            let text = fs::read_to_string(target.join("transfer").join(&place.file)).unwrap();
            let line: PayloadLine =
                serde_json::from_str(text.lines().nth(place.line as usize - 1).unwrap()).unwrap();
            assert_eq!(line.number, found.number);
            let payload = person.payload.unwrap();
            assert_eq!(PayloadLine { number: 0, ..line }, payload);
            payloads += 1;
        }
        found.number = 0;
        assert_eq!(found, person.recipient);
    }
    assert_eq!(payloads, 12);

    let findings = fs::read_to_string(target.join("review/findings.ndjson")).unwrap();
    let findings: Vec<FindingLine> =
        findings.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(findings[0].recipient, None);
    assert_eq!(findings[1].recipient, Some(2));
    assert_eq!(findings.len(), 1 + people().iter().map(|person| person.findings.len()).sum::<usize>());
}

#[test]
fn both_halves_are_as_the_contract_says() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    let sealed = write(&target);
    let all = files(&target);
    let found: Vec<&str> = all.keys().map(String::as_str).collect();
    assert_eq!(
        found,
        [
            "review/SHA256SUMS",
            "review/findings.ndjson",
            "review/manifest.csv",
            "review/manifest.json",
            "review/policy.toml",
            "review/report.html",
            "transfer/HANDOVER.txt",
            "transfer/Publish-SmimeCertificate.ps1",
            "transfer/SHA256SUMS",
            "transfer/payload/0001.ndjson",
            "transfer/payload/0002.ndjson",
            "transfer/payload/0003.ndjson",
            "transfer/transfer.json",
            "transfer/trust.sst",
        ]
    );
    for (name, bytes) in &all {
        if name.starts_with("transfer/") {
            assert!(bytes.is_ascii() || name == "transfer/trust.sst", "{name} is ASCII");
            let text = String::from_utf8_lossy(bytes);
            for secret in ["CN=Person", "export.ldf", "DC=example", "HYPERLINK"] {
                assert!(!text.contains(secret), "{name} must not hold {secret}");
            }
        }
    }
    let handover = String::from_utf8(all["transfer/HANDOVER.txt"].clone()).unwrap();
    assert!(!handover.contains('@') && handover.contains("-WhatIf") && !handover.contains("UNVERIFIED"));
    assert_eq!(all["transfer/Publish-SmimeCertificate.ps1"], SCRIPT);
    assert_eq!(sealed.transfer_sums_sha256, sha256(&all["transfer/SHA256SUMS"]));
    assert_eq!(sealed.manifest_sha256, sha256(&all["review/manifest.json"]));
    let payload = String::from_utf8(all["transfer/payload/0002.ndjson"].clone()).unwrap();
    assert!(payload.contains(r#""address":"j\u00f6rg@b\u00fccher.example""#), "{payload}");
    for path in ["", "review", "transfer", "transfer/payload"] {
        let mode = fs::metadata(target.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o700, 0o700, "{path}");
        let plain = tempfile::Builder::new().make_in(&dir, |path| fs::create_dir(path)).unwrap();
        assert_eq!(
            mode,
            fs::metadata(plain.path()).unwrap().permissions().mode() & 0o777,
            "as the umask says"
        );
        fs::remove_dir(plain.path()).unwrap();
    }
}

#[test]
fn inputs_may_be_noted_on_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let (at_the_end, on_the_way) = (dir.path().join("a"), dir.path().join("b"));
    write(&at_the_end);
    let mut writer = certferry::bundle::Writer::begin(&on_the_way, &options(), head()).unwrap();
    append_all(&mut writer, &people()).unwrap();
    let mut closing = closing(writer.tally());
    for input in closing.inputs.drain(..) {
        writer.input(&input).unwrap();
    }
    writer.seal(&closing).unwrap();
    assert_eq!(files(&at_the_end), files(&on_the_way));
    assert_eq!(names(dir.path()), ["a", "b"]);
}

#[test]
fn coreutils_agree_about_the_sums() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    for half in ["review", "transfer"] {
        let run = std::process::Command::new("sha256sum")
            .args(["--strict", "--check", "--quiet", "SHA256SUMS"])
            .current_dir(target.join(half))
            .status();
        match run {
            Ok(status) => assert!(status.success(), "{half}"),
            Err(error) => eprintln!("skipped: sha256sum cannot be run: {error}"),
        }
    }
}

#[test]
fn the_same_people_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("one"));
    write(&dir.path().join("another name"));
    assert_eq!(files(&dir.path().join("one")), files(&dir.path().join("another name")));
}

#[test]
fn a_good_bundle_is_good_and_so_is_each_half() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    for (path, scope) in [
        (target.clone(), Scope::Bundle),
        (target.join("review"), Scope::Review),
        (target.join("transfer"), Scope::Transfer),
    ] {
        let report = check(&path);
        assert!(report.is_good(), "{}", report.to_text());
        assert_eq!((report.scope, report.signature), (scope, Signature::Unsigned));
        assert_eq!(report.id, Some(sha256(b"the bundle")));
        let text = report.to_text();
        assert!(text.starts_with("GOOD") && text.contains("unsigned"), "{text}");
    }
    assert!(check(&target).to_text().contains("20: 12 can be written to, 0 sign only, 8 neither"));
}

#[test]
fn an_empty_run_is_a_good_bundle_too() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write_with(&target, &options(), &[], |_| {}).unwrap();
    let report = check(&target);
    assert!(report.is_good(), "{}", report.to_text());
    assert_eq!(names(&target.join("transfer/payload")), ["0001.ndjson"]);
}

#[test]
fn the_table_is_a_table_and_runs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    let bytes = fs::read(target.join("review/manifest.csv")).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap();
    assert!(text.lines().count() > 20 && text.split("\r\n").count() == text.split('\n').count());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(
        header.join(","),
        "number,address,display name,kind,coverage,source,attribute,subject,issuer,serial,not before,not after,\
         sha256,path,decision,reason,codes"
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let wanted: usize = people().iter().map(|person| person.recipient.candidates.len().max(1)).sum();
    assert_eq!(rows.len(), wanted);
    assert_eq!(&rows[0][2], "'=HYPERLINK(\"https://x\")");
    assert_eq!(&rows[0][7], "CN=Person 0, O=\"Made, Up\"");
    assert_eq!((&rows[2][0], &rows[2][14], &rows[2][16]), ("2", "withhold", "expired"));
    for row in &rows {
        for cell in row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
        }
    }
}

#[test]
fn the_table_is_left_out_when_nobody_wants_it() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write_with(&target, &StageOptions { manifest: ManifestFormat::Json, ..options() }, &people(), |_| {})
        .unwrap();
    assert!(!target.join("review/manifest.csv").exists());
    assert!(check(&target).is_good());
}

#[test]
fn real_output_fits_the_schemas() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    let fits = |name: &str, text: &str| {
        let schema = serde_json::from_str(&schema::schema(name).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        // A schema that refuses nothing says nothing.
        let mut wrong = value;
        wrong.as_object_mut().unwrap().insert("unheardOf".to_owned(), 1.into());
        assert!(!validator.is_valid(&wrong), "{name} accepts unknown keys");
    };
    let all = files(&target);
    let text = |name: &str| String::from_utf8(all[name].clone()).unwrap();
    fits("manifest", &text("review/manifest.json"));
    fits("transfer", &text("transfer/transfer.json"));
    for line in text("review/findings.ndjson").lines() {
        fits("finding", line);
    }
    for line in text("transfer/payload/0001.ndjson").lines() {
        fits("payload", line);
    }
    fits("verify", &serde_json::to_string(&check(&target)).unwrap());
    fs::remove_file(target.join("review/policy.toml")).unwrap();
    fits("verify", &serde_json::to_string(&check(&target)).unwrap());
}

#[test]
fn the_manifest_may_come_in_any_order_but_not_in_any_shape() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    let text = fs::read_to_string(target.join("review/manifest.json")).unwrap();
    let read = |text: &str| {
        let mut count = 0;
        manifest::read(text.as_bytes(), |_| {
            count += 1;
            Ok(())
        })
        .map(|frame| (frame, count))
        .map_err(|error| error.to_string())
    };
    let (frame, count) = read(&text).unwrap();
    assert_eq!(count, 20);
    // serde_json's map is sorted: bundle first, then evaluatedAt, inputs, policy, recipients …
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read(&serde_json::to_string_pretty(&value).unwrap()).unwrap(), (frame, 20));

    let lines: Vec<&str> = text.lines().collect();
    let third = lines.iter().position(|line| line.starts_with("{\"number\":3,")).unwrap() + 1;
    let error = read(&text.replace("{\"number\":3,", "{\"number\":\"3\",")).unwrap_err();
    assert!(error.starts_with(&format!("line {third}, column ")), "{error}");
    for (from, to, word) in [
        (
            "\"schema\": \"certferry-manifest-1\"",
            "\"schema\": \"certferry-manifest-2\"",
            "certferry-manifest-2",
        ),
        ("\"schema\": \"certferry-manifest-1\",", "", "missing field `schema`"),
        (
            "\"unverified\": false,",
            "\"unverified\": false,\n\"unverified\": false,",
            "duplicate field `unverified`",
        ),
        ("\"unverified\": false,", "\"unverified\": false,\n\"more\": 1,", "unknown key \"more\""),
        ("\"unverified\": false,", "", "missing field `unverified`"),
    ] {
        let error = read(&text.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(word), "{error}");
    }
    assert!(read(&text[..text.len() / 2]).unwrap_err().contains("EOF"));
    assert!(read(&format!("{text}{{}}")).unwrap_err().contains("trailing"));
    let stop = manifest::read(text.as_bytes(), |_| Err("enough".to_owned())).unwrap_err();
    assert!(stop.to_string().contains("enough"));
}

#[test]
fn names_of_payload_files_stay_in_order() {
    let numbers = [1, 2, 9999, 10_000, 10_001, 99_999, 100_000, 1_000_000, u64::MAX];
    let names: Vec<String> = numbers.into_iter().map(payload_name).collect();
    assert_eq!(names[0], "payload/0001.ndjson");
    assert_eq!(names[3], "payload/a10000.ndjson");
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn a_writer_may_live_on_its_own_thread() {
    fn sendable<T: Send>() {}
    sendable::<certferry::bundle::Writer>();
    sendable::<certferry::bundle::Rendered>();
}
