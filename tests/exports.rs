//! Exports as administrators bring them: packed, cut off, in a code page, from several forests, in one
//! folder with everything else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod program;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use program::*;
use serde_json::Value;

/// A folder for inputs and the bundle.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join("in").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn packed(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name, "");
        pack(bytes.as_ref(), &path);
        path
    }

    /// Converts the folder with the company's trust material.
    fn convert(&self, more: &[&str]) -> (Output, PathBuf) {
        let bundle = self.0.path().join("bundle");
        let mut arguments = vec!["convert".to_owned(), self.0.path().join("in").display().to_string()];
        arguments.extend(trust());
        arguments.extend(["--force".to_owned()].into_iter().filter(|_| bundle.exists()));
        arguments.extend(["-o".to_owned(), bundle.display().to_string()]);
        arguments.extend(more.iter().map(|word| (*word).to_owned()));
        (certferry(arguments), bundle)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn findings(bundle: &Path, code: &str) -> Vec<Value> {
    let mut all = lines(&bundle.join("review/findings.ndjson"));
    all.retain(|finding| finding["code"] == code);
    all
}

fn recipients(bundle: &Path) -> Vec<Value> {
    manifest(bundle)["recipients"].as_array().unwrap().clone()
}

/// A record of the fixtures' export, by a word in it.
fn record(word: &str) -> String {
    let export = fs::read_to_string(fixture("ad-ldifde-utf8.ldf")).unwrap();
    let found: Vec<&str> = export.split("\r\n\r\n").filter(|record| record.contains(word)).collect();
    let [record] = found[..] else { panic!("{word} stands in {} records", found.len()) };
    format!("{record}\r\n\r\n")
}

fn base64(bytes: &[u8]) -> String {
    certferry::encoding::base64(bytes)
}

#[test]
fn a_folder_holds_every_kind_of_input() {
    let desk = Desk::new();
    desk.file("a.ldf", record("uwe.brandt@"));
    desk.packed("b/petra.LDF", record("petra.lang@"));
    desk.packed("c.bin", fs::read(fixture("ad-csvde-949.csv")).unwrap());
    desk.packed("d/lind.cer.gz", fs::read(fixture("folder/extern/lind.cer")).unwrap());
    desk.packed("d/team.p7b.gz", fs::read(fixture("folder/projects/team.p7b")).unwrap());
    desk.file("d/braun.pem", fs::read(fixture("folder/extern/braun.pem")).unwrap());
    let (output, bundle) = desk.convert(&["--encoding", "949"]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let manifest = manifest(&bundle);
    let kinds: Vec<(&str, &str)> = manifest["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| (text(&input["path"]), text(&input["kind"])))
        .collect();
    let expected = [
        ("a.ldf", "ldif"),
        ("b/petra.LDF", "ldif+gzip"),
        ("c.bin", "csvde+gzip"),
        ("d/braun.pem", "pem"),
        ("d/lind.cer.gz", "certificate+gzip"),
        ("d/team.p7b.gz", "cms+gzip"),
    ];
    assert_eq!(kinds, expected);
    let summary = &manifest["summary"];
    let number = |key: &str| summary[key].as_u64().unwrap();
    assert_eq!(number("values"), number("candidates") + number("unreadable") + number("ignored"));
    // Who stands in two of them is one recipient.
    let all = recipients(&bundle);
    let petra: Vec<&Value> =
        all.iter().filter(|one| one["identity"]["primarySmtp"] == "petra.lang@hanbit.example").collect();
    assert_eq!(petra.len(), 1);
    assert_eq!(petra[0]["candidates"].as_array().unwrap().len(), 2);
    assert!(
        findings(&bundle, "duplicate-value")
            .iter()
            .any(|finding| { finding["address"] == "petra.lang@hanbit.example" })
    );
}

/// Nothing of a damaged packed input is taken over, and the others are.
#[test]
fn a_packed_input_is_whole_or_nothing() {
    let export = fs::read(fixture("ad-ldifde-utf8.ldf")).unwrap();
    let desk = Desk::new();
    let path = desk.packed("a.ldf.gz", &export);
    let packed = fs::read(&path).unwrap();
    desk.file("b.ldf", record("petra.lang@"));
    for (bytes, words) in [
        (packed[..packed.len() / 2].to_vec(), "ends too early"),
        (packed[..packed.len() - 1].to_vec(), "ends too early"),
        ([&packed[..packed.len() - 6], &[1, 2, 3, 4, 5, 6][..]].concat(), "damaged"),
        ([&packed[..], b"and more"].concat(), "something else stands behind it"),
    ] {
        fs::write(&path, bytes).unwrap();
        let (output, bundle) = desk.convert(&[]);
        assert_eq!(code(&output), 1, "{}", stderr(&output));
        let found = findings(&bundle, "gzip-damaged");
        assert_eq!(found.len(), 1);
        assert!(
            text(&found[0]["message"]).contains(words) && found[0]["source"]["input"] == "a.ldf.gz",
            "{found:?}"
        );
        assert!(stderr(&output).contains("a.ldf.gz:1: a.ldf.gz: the gzip file"), "{}", stderr(&output));
        assert_eq!(recipients(&bundle).len(), 1);
    }
    // Alone it is no usable input, by any way in.
    fs::remove_file(desk.0.path().join("in/b.ldf")).unwrap();
    fs::write(&path, &packed[..1000]).unwrap();
    let out = desk.0.path().join("none");
    let arguments = ["convert", path.to_str().unwrap(), "--unverified", "-o", out.to_str().unwrap()];
    let output = certferry(arguments);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("ends too early"), "{}", stderr(&output));
    let arguments = ["convert", "-", "--unverified", "-o", out.to_str().unwrap()];
    let output = with_input(arguments, &packed[..1000]);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("ends too early") && !out.exists(), "{}", stderr(&output));
    let output = certferry(["inspect", path.to_str().unwrap()]);
    assert_eq!(code(&output), 3);
    assert!(stdout(&output).contains("ends too early"), "{}", stdout(&output));
}

/// Members behind each other are one content, wherever the cut lies.
#[test]
fn several_members_are_one_export() {
    let export = fs::read(fixture("openldap.ldif")).unwrap();
    let desk = Desk::new();
    let parts: Vec<u8> = [&export[..777], &export[777..20_000], &export[20_000..]]
        .iter()
        .zip(0..)
        .flat_map(|(part, number)| fs::read(desk.packed(&format!("part{number}"), part)).unwrap())
        .collect();
    fs::remove_dir_all(desk.0.path().join("in")).unwrap();
    desk.file("openldap.ldif.gz", parts);
    let (output, bundle) = desk.convert(&[]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert_eq!(manifest(&bundle)["inputs"][0]["records"], 14);
}

/// `ldifde` without `-u` on a Korean machine: told what it is, and read when that is said.
#[test]
fn a_code_page_is_suggested_and_never_guessed() {
    let names = ["김민준", "박서연", "이지훈", "최유나"];
    let (mut ldif, mut csvde) = (String::new(), "DN,objectClass,displayName,mail\r\n".to_owned());
    for (name, number) in names.iter().zip(0..) {
        ldif.push_str(&format!(
            "dn: CN={name},OU=영업,DC=hanbit,DC=example\r\nchangetype: add\r\nobjectClass: user\r\n\
             displayName: {name}\r\nmail: a{number}@hanbit.example\r\n\r\n"
        ));
        csvde.push_str(&format!(
            "\"CN={name},OU=영업,DC=hanbit,DC=example\",user,{name},a{number}@hanbit.example\r\n"
        ));
    }
    for text_of in [&ldif, &csvde] {
        let desk = Desk::new();
        let (bytes, _, lost) = encoding_rs::EUC_KR.encode(text_of);
        assert!(!lost);
        desk.file("suwon.txt", &bytes);
        let (output, bundle) = desk.convert(&[]);
        let found = findings(&bundle, "code-page");
        assert_eq!(found.len(), 1);
        let words = text(&found[0]["message"]);
        assert!(
            words.contains("8 texts are not UTF-8") && words.contains("likeliest first: 949 (Korean)"),
            "{words}"
        );
        assert!(stderr(&output).contains("949 (Korean)"), "{}", stderr(&output));
        // Nobody is mistaken for another meanwhile.
        let all = recipients(&bundle);
        assert_eq!(all.len(), names.len());
        assert!(
            text(&all[0]["identity"]["dn"]).starts_with(r"CN=\B1\E8\B9\CE\C1\D8,OU=\BF\B5\BE\F7,"),
            "{}",
            all[0]
        );

        for label in ["949", "cp949", "euc-kr"] {
            let (_, bundle) = desk.convert(&["--encoding", label]);
            assert_eq!(findings(&bundle, "code-page"), Vec::<Value>::new());
            assert_eq!(findings(&bundle, "bad-text"), Vec::<Value>::new());
            let found: Vec<Value> =
                recipients(&bundle).iter().map(|one| one["identity"]["displayName"].clone()).collect();
            assert_eq!(found, names);
        }
        // What it means is part of the bundle's identity, how it is spelled is not.
        let id = |more: &[&str]| text(&manifest(&desk.convert(more).1)["bundle"]["id"]).to_owned();
        assert_eq!(id(&["--encoding", "949"]), id(&["--encoding", "KS_C_5601-1987"]));
        assert_ne!(id(&["--encoding", "949"]), id(&[]));
        assert_ne!(id(&["--encoding", "949"]), id(&["--encoding", "1252"]));
    }
    let desk = Desk::new();
    desk.file("suwon.txt", &ldif);
    let (output, bundle) = desk.convert(&["--encoding", "1252"]);
    assert_eq!(findings(&bundle, "encoding-doubtful").len(), 1, "{}", stderr(&output));
}

/// Two forests whose directories say something about each other's people.
#[test]
fn forests_in_conflict() {
    let der = fs::read(fixture("folder/extern/lind.cer")).unwrap();
    let entry = |forest: &str, name: &str, guid: u8, mail: &str| {
        format!(
            "dn: CN={name},DC={forest},DC=example\nobjectClass: user\nobjectGUID:: {}\nmail: {mail}\nuserCertificate:: {}\n\n",
            base64(&[guid; 16]),
            base64(&der)
        )
    };
    let run = |one: String, other: String| {
        let desk = Desk::new();
        desk.file("one.ldif", one);
        desk.file("other.ldif", other);
        let (output, bundle) = desk.convert(&[]);
        assert!(matches!(code(&output), 0 | 1), "{}", stderr(&output));
        (desk, bundle)
    };
    let lind = "nora.lind@hanbit.example";
    let withheld = |bundle: &Path, code: &str| {
        recipients(bundle)
            .iter()
            .flat_map(|one| one["candidates"].as_array().unwrap().clone())
            .filter(|candidate| candidate["findings"].as_array().unwrap().iter().any(|f| f["code"] == code))
            .inspect(|candidate| assert_eq!(candidate["decision"], "withhold"))
            .count()
    };
    // The same address in both: nobody can tell whose it is.
    let (_desk, bundle) =
        run(entry("one", "Nora", 1, lind), entry("other", "Nora", 2, &lind.to_ascii_uppercase()));
    assert_eq!((recipients(&bundle).len(), withheld(&bundle, "address-conflict")), (2, 2));
    // The same GUID: one object, of which two DNs are known.
    let (_desk, bundle) = run(entry("one", "Nora", 1, lind), entry("other", "Nora", 1, lind));
    assert_eq!(recipients(&bundle).len(), 1);
    let found = findings(&bundle, "guid-with-two-dns");
    assert!(text(&found[0]["message"]).contains("CN=Nora,DC=other,DC=example"), "{found:?}");
    assert_eq!(withheld(&bundle, "duplicate-value"), 1);
    // The same DN with two GUIDs: two objects.
    let (_desk, bundle) = run(entry("one", "Nora", 1, lind), entry("one", "Nora", 2, "nora@other.example"));
    assert_eq!((recipients(&bundle).len(), withheld(&bundle, "address-conflict")), (2, 0));
    // The same DN, and one does not say which object it is: one object, both values at it.
    let nameless = entry("one", "Nora", 1, lind).replace("objectGUID:: ", "x: ");
    let (_desk, bundle) = run(nameless, entry("ONE", "nora", 2, lind));
    assert_eq!(recipients(&bundle).len(), 1);
    assert_eq!(findings(&bundle, "object-united").len(), 1);
    // As csvde and LDIF.
    let csvde = format!(
        "DN,objectClass,objectGUID,mail\r\n\"CN=Nora,DC=other,DC=example\",user,X'{}',{lind}\r\n",
        "02".repeat(16)
    );
    let (_desk, bundle) = run(entry("one", "Nora", 1, lind), csvde);
    assert_eq!((recipients(&bundle).len(), withheld(&bundle, "address-conflict")), (2, 1));
}

/// An export that was cut off between two lines never makes a set of what is left of its last record.
#[test]
fn what_is_left_of_a_cut_record_is_no_set() {
    let der = fs::read(fixture("folder/extern/lind.cer")).unwrap();
    let two = format!(
        "dn: CN=Nora,DC=x\r\nchangetype: add\r\nobjectClass: user\r\nmail: nora.lind@hanbit.example\r\n\
         userCertificate:: {}\r\nuserCertificate:: {}\r\n\r\n",
        base64(&der),
        base64(&[&der[..], &[0]].concat())
    );
    let line = two.rfind("userCertificate").unwrap();
    let ldapsearch =
        format!("# extended LDIF\n\n{}", two.replace("changetype: add\r\n", "").replace("\r\n", "\n"));
    let cell = format!("X'{}'", certferry::encoding::hex(&der));
    let csvde = format!(
        "DN,objectClass,mail,userCertificate\r\n\"CN=Nora,DC=x\",user,nora.lind@hanbit.example,{cell};{cell}\r\n"
    );
    let cuts: [(&str, String, &str); 5] = [
        ("between two lines", two[..line].to_owned(), "record-cut-off"),
        ("in a name", two[..line + 9].to_owned(), "record-cut-off"),
        ("behind the last line", two[..two.len() - 2].to_owned(), "record-cut-off"),
        ("before the trailer", ldapsearch, "trailer-missing"),
        ("between two values", csvde[..csvde.len() - 2 - cell.len() - 1].to_owned(), "record-cut-off"),
    ];
    for (what, export, expected) in cuts {
        let desk = Desk::new();
        desk.file("a.txt", export);
        let (output, bundle) = desk.convert(&[]);
        assert_eq!(code(&output), 1, "{what}: {}", stderr(&output));
        assert_eq!(findings(&bundle, expected).len(), 1, "{what}: {}", stderr(&output));
        let nora = &recipients(&bundle)[0];
        let candidates = nora["candidates"].as_array().unwrap();
        for candidate in candidates {
            assert_eq!(candidate["decision"], "withhold", "{what}: {candidate}");
        }
        // In a name: what is left of it looks like more of the value before, which is unreadable with it.
        assert_eq!(candidates.is_empty(), what == "in a name");
        assert_eq!(findings(&bundle, "attribute-incomplete").is_empty(), candidates.is_empty(), "{what}");
    }
    // Whole, it is one.
    let desk = Desk::new();
    desk.file("a.csv", csvde);
    let (_, bundle) = desk.convert(&[]);
    assert_eq!(recipients(&bundle)[0]["coverage"], "encryptable");
}

/// More values than are held: counted, hashed, told once; none of the object is published.
#[test]
fn an_object_with_thousands_of_values() {
    let der = fs::read(fixture("folder/extern/lind.cer")).unwrap();
    let values: String = (0..3000).map(|_| format!("userCertificate:: {}\n", base64(&der))).collect();
    let desk = Desk::new();
    desk.file(
        "a.ldif",
        format!("dn: CN=Nora,DC=x\nobjectClass: user\nmail: nora.lind@hanbit.example\n{values}"),
    );
    let (output, bundle) = desk.convert(&[]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let manifest = manifest(&bundle);
    let number = |key: &str| manifest["summary"][key].as_u64().unwrap();
    let held = certferry::limits::VALUES_HELD as u64;
    assert_eq!((number("values"), number("candidates"), number("unreadable")), (3000, held, 3000 - held));
    assert_eq!((number("published"), manifest["inputs"][0]["unreadable"].as_u64()), (0, Some(3000 - held)));
    let told = findings(&bundle, "unreadable-value");
    assert_eq!(told.len(), 1);
    let words = text(&told[0]["message"]);
    assert!(words.contains(&format!("{} further values of userCertificate", 3000 - held)), "{words}");
    assert!(
        findings(&bundle, "too-many-values").iter().any(|one| text(&one["message"]).contains("3000 values"))
    );
}

/// The first value of userCertificate in a record, as its lines.
fn first_certificate(record: &str) -> String {
    let mut lines = record.split_inclusive("\r\n").skip_while(|line| !line.starts_with("userCertificate"));
    let first = lines.next().unwrap_or_default().to_owned();
    lines.take_while(|line| line.starts_with(' ')).fold(first, |all, line| all + line)
}

#[test]
fn a_large_object_shares_what_a_small_one_would() {
    let uwe = record("uwe.brandt@");
    let petra = format!("{}\r\n{}", record("petra.lang@").trim_end(), first_certificate(&uwe));
    let dn = petra.lines().next().unwrap();
    let filler = "description: nothing that anybody asks for\r\n".repeat(60_000);
    let large = format!("{petra}{filler}");
    assert!(large.len() > 2 << 20, "above the size from which what an object shares is taken down at once");
    let shared = |exports: &[&str]| {
        let desk = Desk::new();
        desk.file(
            "export.ldf",
            exports.iter().map(|export| format!("{}\r\n\r\n", export.trim_end())).collect::<String>(),
        );
        let (output, bundle) = desk.convert(&[]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let of = |code| {
            findings(&bundle, code).iter().map(|line| text(&line["found"]).to_owned()).collect::<Vec<_>>()
        };
        [of("shared-key"), of("shared-certificate")]
    };
    let told = shared(&[&petra, &uwe]);
    assert!(told.iter().all(|found| found.len() == 1 && found[0].contains("uwe.brandt@")), "{told:?}");
    assert_eq!(shared(&[&large, &uwe]), told, "the first one is large");
    assert_eq!(
        shared(&[&format!("{dn}\r\n{filler}"), &petra, &uwe]),
        told,
        "and the certificate is in another record"
    );
    let told = shared(&[&uwe, &petra]);
    assert!(told.iter().all(|found| found.len() == 1 && found[0].contains("petra.lang@")), "{told:?}");
    assert_eq!(shared(&[&uwe, &large]), told, "the second one is large");
    assert_eq!(
        shared(&[&uwe, &format!("{dn}\r\n{filler}"), &petra]),
        told,
        "and is asked for by its first record"
    );
}

#[test]
fn inspect_reads_packed_files_and_tables() {
    let desk = Desk::new();
    let der = fs::read(fixture("folder/extern/lind.cer")).unwrap();
    let packed = desk.packed("lind.cer.gz", &der);
    let table = desk.file(
        "lind.csv",
        format!("DN,userCertificate\r\n\"CN=Nora,DC=x\",X'{}'\r\n", certferry::encoding::hex(&der)),
    );
    for path in [&packed, &table] {
        let mut arguments = vec!["inspect".to_owned(), path.display().to_string()];
        arguments.extend(trust());
        arguments.extend(["--format", "ndjson"].map(str::to_owned));
        let output = certferry(arguments);
        let line: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!((code(&output), &line["verdict"]), (0, &Value::from("accept")), "{line}");
    }
    let output = with_input(["inspect", "-", "--format", "ndjson"], &fs::read(&table).unwrap());
    assert_eq!(code(&output), 0, "{}", stdout(&output));
}

#[test]
fn usual_size_limits_are_noticed_in_csvde_too() {
    for (rows, told) in [(999, 0), (1000, 1)] {
        let desk = Desk::new();
        let rows: String = (0..rows).map(|n| format!("\"CN=u{n},DC=x\",user,u{n}@x.example\r\n")).collect();
        desk.file("a.csv", format!("DN,objectClass,mail\r\n{rows}"));
        let (output, bundle) = desk.convert(&[]);
        assert_eq!(findings(&bundle, "size-limit").len(), told);
        assert_eq!(stderr(&output).contains("exactly 1000 records"), told == 1);
        let why = "it looks as if the list of attributes (ldifde -l, csvde -l, ldapsearch) named no certificate attribute";
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
    }
}

/// Rows that cannot be read are named by row and column, and totals reconcile.
#[test]
fn nothing_of_a_table_is_lost_in_silence() {
    let der = fs::read(fixture("folder/extern/lind.cer")).unwrap();
    let cell = certferry::encoding::hex(&der);
    let desk = Desk::new();
    desk.file(
        "a.csv",
        format!(
            "DN,objectClass,mail,userCertificate,userPKCS12\r\n\
             \"CN=a,DC=x\",user,a@x.example,X'{cell}';X'zz',\r\n\
             \"CN=b,DC=x\",user,b@x.example,extra,X'{cell}',\r\n\
             \"CN=c,DC=x\",user,c@x.example\r\n\
             \"CN=d,DC=x\",user,d@x.example,System.Byte[],X'{}'\r\n\
             ,user,e@x.example,X'{cell}',\r\n\
             \"CN=f,DC=x\",user,\"f\n@x.example\",X'{cell}',\r\n",
            "5a".repeat(400)
        ),
    );
    let (output, bundle) = desk.convert(&[]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let words = |code: &str| -> Vec<(u64, String)> {
        findings(&bundle, code)
            .iter()
            .map(|finding| {
                (finding["source"]["line"].as_u64().unwrap(), text(&finding["message"]).to_owned())
            })
            .collect()
    };
    let hex = words("csvde-hex");
    assert_eq!(hex.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 5]);
    let character = cell.len() + 3 + 2 + 2;
    let wanted = format!("row 2, column 4 (userCertificate), character {character}: ");
    assert!(hex[0].1.starts_with(&wanted), "{}", hex[0].1);
    assert!(hex[1].1.contains("Export-Csv"), "{}", hex[1].1);
    let cells = words("csvde-cells");
    assert!(cells[0].1.starts_with("row 3 has 6 cells, its header 5"), "{cells:?}");
    assert!(cells[1].1.starts_with("row 4 has 3 cells, its header 5"), "{cells:?}");
    assert_eq!(words("unreadable-dn")[0].0, 6);
    let manifest = manifest(&bundle);
    let number = |key: &str| manifest["summary"][key].as_u64().unwrap();
    assert_eq!(manifest["inputs"][0]["records"], 6);
    // a: one and one unreadable; d: one unreadable and one key; e; f.
    assert_eq!((number("values"), number("unreadable"), number("candidates")), (6, 3, 3));
    assert_eq!(findings(&bundle, "private-key").len(), 1);
    assert!(
        findings(&bundle, "attribute-incomplete").iter().any(|finding| finding["address"] == "a@x.example")
    );
    for (name, bytes) in tree(&bundle) {
        assert!(!bytes.windows(20).any(|part| part == b"5a5a5a5a5a5a5a5a5a5a"), "{name} holds the key");
        assert!(!bytes.windows(8).any(|part| part == b"ZZZZZZZZ"), "{name} holds the key");
    }
}

/// The temporary copy of what comes through a pipe, or packed, never holds a key.
#[test]
fn a_key_in_a_copy_is_never_on_the_disk() {
    if !Path::new("/proc/self/fd").exists() {
        return eprintln!("skipped: this system has no /proc");
    }
    let key = "4b45592d4b45592d".repeat(60);
    let long: String = (0..20_000).map(|n| format!("\"CN=u{n},DC=x\",user,u{n}@x.example,\r\n")).collect();
    let table =
        format!("DN,objectClass,mail,userPKCS12\r\n\"CN=a,DC=x\",user,a@b.example,X'{key}'\r\n{long}");
    let wide: Vec<u8> = [0xfeff].into_iter().chain(table.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let desk = Desk::new();
    let packed = fs::read(desk.packed("x", &table)).unwrap();
    for bytes in [table.clone().into_bytes(), wide, packed] {
        let tmp = tempfile::tempdir().unwrap();
        let bundle = desk.0.path().join("b");
        let _ = fs::remove_dir_all(&bundle);
        let mut child = Command::new(env!("CARGO_BIN_EXE_certferry"))
            .args(["convert", "-", "--unverified", "-o", bundle.to_str().unwrap()])
            .env("TMPDIR", tmp.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, &bytes).unwrap();
        let spool = || {
            let folder = fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
            folder.flatten().map(|entry| entry.path()).find(|fd| {
                fs::read_link(fd).is_ok_and(|to| to.starts_with(tmp.path()))
                    && fs::metadata(fd).is_ok_and(|metadata| metadata.size() > 1 << 19)
            })
        };
        let start = Instant::now();
        while spool().is_none() {
            assert!(start.elapsed() < Duration::from_secs(60), "the spool did not appear");
            std::thread::sleep(Duration::from_millis(5));
        }
        let spool = spool().unwrap();
        assert_eq!(fs::metadata(&spool).unwrap().permissions().mode() & 0o777, 0o600);
        let mut held = fs::read(&spool).unwrap();
        held.retain(|byte| *byte != 0);
        assert!(held.windows(12).any(|part| part == b"a@b.example,"), "the spool holds the row");
        assert!(!held.windows(16).any(|part| part == b"4b45592d4b45592d"), "the spool holds the key");
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 1, "{}", stderr(&output));
        assert!(stderr(&output).contains("private-key"), "{}", stderr(&output));
        for (name, bytes) in tree(&bundle) {
            assert!(
                !bytes.windows(8).any(|part| part == b"KEY-KEY-" || part == b"4b45592d"),
                "{name} holds the key"
            );
        }
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
    }
}
