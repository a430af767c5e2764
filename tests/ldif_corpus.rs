//! The LDIF reader on files that others wrote: the corpus folder (`../shared/corpus`, or `CERTFERRY_CORPUS`).

#![allow(clippy::unwrap_used, clippy::expect_used)]

use base64::Engine as _;
use certferry::ldif::{
    BlockOptions, ChangeKind, Options, Problem, ReadError, Reader, Record, Severity, UrlRoot,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("CERTFERRY_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from)
        .join("ldif");
    // A worktree may stand one level deeper.
    let deeper = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/ldif");
    let found = [folder, deeper].into_iter().find(|f| f.is_dir());
    if found.is_none() {
        eprintln!("skipped: no corpus folder (set CERTFERRY_CORPUS)");
    }
    found
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    line: u64,
    dn: String,
    kind: ChangeKind,
    attributes: Vec<(String, Option<Vec<u8>>)>,
}

fn read_with(
    input: &[u8],
    options: &Options,
    block_size: usize,
) -> Result<(Vec<Entry>, Vec<Problem>), ReadError> {
    let sizes = BlockOptions { block_size, ..BlockOptions::default() };
    let mut reader = Reader::with_blocks(input, options.clone(), sizes)?;
    let (mut record, mut problems, mut entries) = (Record::new(), Vec::new(), Vec::new());
    while reader.next(&mut record, &mut problems)? {
        entries.push(Entry {
            line: record.line(),
            dn: record.dn_text().into_owned(),
            kind: record.kind(),
            attributes: record
                .attributes()
                .map(|a| (a.name().to_owned(), a.bytes().map(<[u8]>::to_vec)))
                .collect(),
        });
    }
    Ok((entries, problems))
}

fn read(input: &[u8]) -> (Vec<Entry>, Vec<Problem>) {
    read_with(input, &Options::default(), 1 << 20).unwrap()
}

/// A DN and its attributes.
type Simple = (Vec<u8>, Vec<(String, Vec<u8>)>);

/// A reader of well-formed LDIF without change records, as simple as can be: the oracle.
fn oracle(text: &[u8]) -> Vec<Simple> {
    let text: Vec<u8> =
        String::from_utf8(text.to_vec()).unwrap().replace("\r\n", "\n").replace("\n ", "").into_bytes();
    let mut records: Vec<Simple> = Vec::new();
    let mut open = false;
    for line in text.split(|b| *b == b'\n') {
        if line.is_empty() {
            open = false;
            continue;
        }
        let Some(colon) = line.iter().position(|b| *b == b':') else {
            continue;
        };
        if line[0] == b'#' {
            continue;
        }
        let name = String::from_utf8(line[..colon].to_vec()).unwrap();
        let rest = &line[colon + 1..];
        let value = if let Some(encoded) = rest.strip_prefix(b":") {
            base64::engine::general_purpose::STANDARD.decode(encoded.trim_ascii()).unwrap()
        } else {
            let spaces = rest.iter().take_while(|b| **b == b' ').count();
            rest[spaces..].to_vec()
        };
        if name.eq_ignore_ascii_case("dn") {
            records.push((value, Vec::new()));
            open = true;
        } else if open && !name.eq_ignore_ascii_case("changetype") {
            records.last_mut().unwrap().1.push((name, value));
        }
    }
    records
}

#[test]
fn every_file_is_read_the_same_in_blocks_of_any_size_and_agrees_with_a_simple_reader() {
    let Some(corpus) = corpus() else { return };
    let (mut files, mut compared, mut not_ldif) = (0, 0, 0);
    for entry in walkdir::WalkDir::new(&corpus).sort_by_file_name() {
        let entry = entry.unwrap();
        if !entry.file_type().is_file() {
            continue;
        }
        files += 1;
        let input = std::fs::read(entry.path()).unwrap();
        let name = entry.path().strip_prefix(&corpus).unwrap().display().to_string();
        let Ok((records, problems)) = read_with(&input, &Options::default(), 1 << 20) else {
            assert!(!name.ends_with(".ldif") && !name.ends_with(".ldf"), "{name} is LDIF");
            not_ldif += 1;
            continue;
        };
        for block_size in [64, 1000, 50_000] {
            let other = read_with(&input, &Options::default(), block_size).unwrap();
            assert!(other == (records.clone(), problems.clone()), "{name} in blocks of {block_size}");
        }
        let lines = input.iter().filter(|b| **b == b'\n').count() as u64 + 2;
        assert!(
            records.iter().all(|r| r.line <= lines) && problems.iter().all(|p| p.line <= lines),
            "{name}"
        );
        // The oracle knows no errors, no modify and no other encoding.
        let simple = problems.iter().all(|p| {
            p.severity == Severity::Warning
                || p.code.as_str() == "range-incomplete"
                || p.code.as_str() == "search-failed"
        }) && records.iter().all(|r| r.kind != ChangeKind::Modify)
            && !input.starts_with(b"\xFF\xFE");
        if simple {
            compared += 1;
            let expected = oracle(&input);
            assert_eq!(records.len(), expected.len(), "{name}: records");
            for (record, (dn, attributes)) in records.iter().zip(expected) {
                assert_eq!(record.dn.as_bytes(), dn.trim_ascii(), "{name}:{}", record.line);
                let found: Vec<(String, Vec<u8>)> =
                    record.attributes.iter().map(|(n, v)| (n.clone(), v.clone().unwrap())).collect();
                assert!(found == attributes, "{name}:{}: values of {}", record.line, record.dn);
            }
        }
    }
    eprintln!("{files} files, {compared} compared with the oracle, {not_ldif} not LDIF");
    assert!(compared > 150, "{compared}");
}

fn file(corpus: &Path, name: &str) -> Vec<u8> {
    std::fs::read(corpus.join(name)).unwrap()
}

/// DN (in lower case) to the sorted values of each attribute.
fn content(records: &[Entry], only: Option<&str>) -> BTreeMap<String, Vec<(String, Vec<u8>)>> {
    let mut map: BTreeMap<String, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    for record in records {
        let values = map.entry(record.dn.to_lowercase()).or_default();
        for (name, value) in &record.attributes {
            let base = name.split(';').next().unwrap().to_lowercase();
            if only.is_none_or(|o| base == o) {
                values.push((base, value.clone().unwrap()));
            }
        }
        values.sort();
    }
    map
}

#[test]
fn the_shapes_of_openldap_agree() {
    let Some(corpus) = corpus() else { return };
    let (reference, problems) = read(&file(&corpus, "openldap-live/LLL.ldif"));
    assert!(problems.is_empty() && reference.len() == 19, "{problems:?}");
    for name in [
        "L",
        "LL",
        "LLL-nowrap",
        "LLL-wrap20",
        "LLL-wrap200",
        "default-comments-and-trailer",
        "default-sorted",
        "paged-pr5-LLL",
        "paged-pr5-comments",
    ] {
        let (records, problems) = read(&file(&corpus, &format!("openldap-live/{name}.ldif")));
        assert_eq!(content(&records, None), content(&reference, None), "{name}");
        assert!(problems.is_empty(), "{name}: {problems:?}");
    }
    let codes = |name: &str| {
        read(&file(&corpus, &format!("openldap-live/{name}.ldif")))
            .1
            .iter()
            .map(|p| p.code.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(codes("default-sizelimit3"), ["search-failed"]);
    assert_eq!(codes("default-with-search-reference"), ["search-reference"]);
    assert_eq!(codes("LLL-with-search-reference"), ["search-reference"]);
    assert_eq!(codes("LLL-noresults-empty"), ["no-records"]);
    assert_eq!(codes("rootdse"), [""; 0]);
    assert_eq!(codes("LLL-A-types-only"), [""; 0]);
}

#[test]
fn values_behind_urls_are_those_of_the_plain_export() {
    let Some(corpus) = corpus() else { return };
    let (reference, _) = read(&file(&corpus, "openldap-live/LLL.ldif"));
    for (name, prefix, folder) in [
        ("openldap-live/LLL-t.ldif", "/var/exports/ldap", "openldap-live"),
        ("openldap-live/LLL-tt-alice.ldif", "/var/exports/ldap", "openldap-live"),
        ("openldap-live/LLL-t-urlprefix.ldif", "/srv/export", "openldap-live/t-files"),
    ] {
        let root = UrlRoot::new(&corpus.join(folder)).unwrap().with_prefix(prefix);
        let options = Options { url_root: Some(root), ..Options::default() };
        let (records, problems) = read_with(&file(&corpus, name), &options, 1 << 20).unwrap();
        assert!(problems.is_empty(), "{name}: {problems:?}");
        let all = content(&reference, None);
        for (dn, values) in content(&records, None) {
            // `ldapsearch -t` prints nothing for an empty value.
            let expected: Vec<_> = all[&dn].iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
            assert_eq!(values, expected, "{name}: {dn}");
        }
    }
}

#[test]
fn the_shapes_of_active_directory_agree() {
    let Some(corpus) = corpus() else { return };
    let (reference, problems) = read(&file(&corpus, "samba-ad-live/default.ldif"));
    assert!(problems.is_empty() && reference.len() == 9, "{problems:?}");
    for name in ["LLL-paged", "ldbsearch"] {
        let (records, problems) = read(&file(&corpus, &format!("samba-ad-live/{name}.ldif")));
        assert!(problems.is_empty(), "{name}: {problems:?}");
        for attribute in ["usercertificate", "usersmimecertificate", "mail", "objectclass"] {
            assert_eq!(
                content(&records, Some(attribute)),
                content(&reference, Some(attribute)),
                "{name}: {attribute}"
            );
        }
    }
    let ranged = |name: &str| {
        let (records, problems) = read(&file(&corpus, &format!("samba-ad-live/{name}.ldif")));
        (
            records.iter().flat_map(|r| &r.attributes).filter(|(name, _)| name.contains(";range=")).count(),
            problems.iter().map(|p| p.code.as_str()).collect::<Vec<_>>(),
        )
    };
    assert_eq!(ranged("range-complete"), (1600, vec![]));
    assert_eq!(ranged("range-first-chunk-only"), (1500, vec!["range-incomplete"]));
    assert_eq!(ranged("range-last-chunk-only"), (100, vec!["range-incomplete"]));
}

#[test]
fn ldifde_in_utf8_and_utf16_agree() {
    let Some(corpus) = corpus() else { return };
    let (utf8, problems) = read(&file(&corpus, "generated/gen-ldifde-style-utf8.ldf"));
    let (utf16, more) = read(&file(&corpus, "generated/gen-ldifde-style-utf16.ldf"));
    assert!(problems.is_empty() && more.is_empty());
    assert!(!utf8.is_empty() && utf8 == utf16);
}

#[test]
fn the_example_prints_one_object_a_line() {
    // Built by `cargo test` beside the test programs.
    let mut program = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    let program = program.join("examples").join(format!("ldif_dump{}", std::env::consts::EXE_SUFFIX));
    if !program.exists() {
        eprintln!("skipped: the example ldif_dump is not built");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let run = |input: &[u8]| {
        let path = dir.path().join("in.ldif");
        std::fs::write(&path, input).unwrap();
        let output = std::process::Command::new(&program).arg(&path).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(
        run(b"dn: cn=a\ncn:: eA==\nX;y: \"\n\n"),
        (Some(0), "{\"line\":1,\"dn\":\"cn=a\",\"changetype\":null,\"attributes\":[[\"cn\",\"eA==\"],[\"X;y\",\"Ig==\"]]}\n".to_owned())
    );
    let (code, text) = run(b"dn: cn=a\nchangetype: add\ncn:: *\n");
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((code, lines.len(), &lines[0]["changetype"]), (Some(1), 2, &"add".into()));
    assert_eq!(
        (&lines[1]["line"], &lines[1]["problem"], &lines[1]["severity"]),
        (&3.into(), &"bad-base64".into(), &"error".into())
    );
    let keys: Vec<&String> = lines[1].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 4);
    let (code, text) = run(b"\x1F\x8B\x08");
    assert!(
        code == Some(1) && text.contains("gzip") && text.starts_with("{\"line\":1,\"problem\":\"not-ldif\"")
            || text.contains("\"problem\":\"not-ldif\"")
    );
    assert_eq!(run(b"dn: cn=a\ncn: a\ndn: cn=b\ncn: b\n").0, Some(0));
}
