//! Bad use, bad input and bad luck at the command line: the exit code, what is said, and that nothing
//! is left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod program;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use program::*;

/// An export without certificates, long enough to be interrupted.
fn long_export() -> String {
    (0..60_000).map(|n| format!("dn: cn=u{n},dc=x\nobjectClass: user\nmail: u{n}@x.example\n\n")).collect()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Names in a folder, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Converts with --unverified into `bundle` below `dir`.
fn unverified(dir: &Path, inputs: &[&str], more: &[&str]) -> Output {
    let bundle = dir.join("bundle");
    let head = ["convert", "--unverified", "--at", AT, "-o", path(&bundle)];
    certferry(head.iter().chain(inputs).chain(more).copied())
}

#[track_caller]
fn says(output: &Output, exit: i32, wanted: &[&str]) {
    let text = stderr(output);
    assert_eq!(code(output), exit, "{text}");
    for words in wanted {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn what_is_no_input_is_named_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let mut pkcs8 = vec![0x30, 0x82, 0x01, 0x00, 2, 1, 0, 0x30, 13, 6, 9];
    pkcs8.extend([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0, 4, 0x81, 0xec]);
    pkcs8.resize(260, 7);
    let cases: &[(&str, &[u8], &str)] = &[
        ("login.ldif", b"<!DOCTYPE html><html><body>Sign in</body></html>", "HTML"),
        ("users.ldif.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03abcdefgh", "the gzip file is damaged"),
        ("photo.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01", "picture"),
        ("empty.ldif", b"", "empty"),
        ("comment.ldif", b"# nothing yet\n", "no record"),
        (
            "users.csv",
            b"DN;objectClass;userCertificate\r\n\"CN=a,DC=b\";user;X'30820001'\r\n",
            "a spreadsheet",
        ),
        ("header.csv", b"DN,objectClass,userCertificate\r\n", "no record"),
        ("notes.txt", b"hello world\n", "text of an unknown kind"),
        ("mail.key", &pkcs8, "private key"),
    ];
    for (name, bytes, words) in cases {
        let file = dir.path().join(name);
        fs::write(&file, bytes).unwrap();
        let output = unverified(out.path(), &[path(&file)], &[]);
        says(&output, 3, &["nothing to convert", name, words]);
        assert!(names(out.path()).is_empty(), "{name} left something");
    }
    let missing = unverified(out.path(), &["no-such.ldf"], &[]);
    says(&missing, 3, &["no-such.ldf could not be read: No such file", "check the path"]);
    assert!(!stderr(&missing).contains("no-such.ldf: No such"), "the name is said twice");
    let empty = dir.path().join("empty-folder");
    fs::create_dir(&empty).unwrap();
    says(&unverified(out.path(), &[path(&empty)], &[]), 3, &["empty-folder", "without any file"]);
    for (bytes, words) in
        [(&b"\x1f\x8b\x08\0\0\0"[..], "gzip"), (b"", "- is empty"), (b"hello\n", "LDIF or csvde only")]
    {
        let output = piped(&["convert", "-", "--unverified", "-o", path(&out.path().join("b"))], bytes);
        says(&output, 3, &[words]);
    }
    assert!(names(out.path()).is_empty());
}

/// Runs with these bytes on stdin.
fn piped(arguments: &[&str], bytes: &[u8]) -> Output {
    with_input(arguments, bytes)
}

fn spawn(arguments: &[&str], environment: &[(&str, &Path)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_certferry"))
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn one_missing_file_of_several_comes_first_in_the_summary() {
    let dir = tempfile::tempdir().unwrap();
    let inputs =
        [path(&fixture("ad-ldifde-utf8.ldf")).to_owned(), path(&dir.path().join("lost.ldf")).to_owned()];
    let output = unverified(dir.path(), &[&inputs[0], &inputs[1]], &[]);
    let text = stderr(&output);
    assert_eq!(code(&output), 1, "{text}");
    let after = text.split("Look first at\n").nth(1).unwrap();
    let first: Vec<&str> = after.lines().take(2).collect();
    assert!(first.iter().any(|line| line.contains("file-unreadable")), "{text}");
}

#[test]
fn the_summary_counts_a_code_by_its_weight() {
    let dir = tempfile::tempdir().unwrap();
    // One whose expired certificate has a successor, which is normal, and one who has no other.
    let export = fs::read_to_string(fixture("ad-ldifde-utf8.ldf")).unwrap();
    let two: Vec<&str> = export
        .split("\r\n\r\n")
        .filter(|record| record.contains("jihun.lee@") || record.contains("rolf.winter@"))
        .collect();
    assert_eq!(two.len(), 2);
    let file = dir.path().join("two.ldf");
    fs::write(&file, two.join("\r\n\r\n") + "\r\n").unwrap();
    let text = stderr(&unverified(dir.path(), &[path(&file)], &[]));
    let findings = lines(&dir.path().join("bundle/review/findings.ndjson"));
    assert_eq!(findings.iter().filter(|finding| finding["code"] == "expired").count(), 2);
    let line = text.lines().find(|line| line.contains(" expired ")).expect("expired is in the summary");
    let words: Vec<&str> = line.split_whitespace().take(3).collect();
    assert_eq!(words, ["warning", "1", "expired"], "{text}");
}

#[test]
fn the_output_is_refused_before_any_work() {
    let dir = tempfile::tempdir().unwrap();
    let ldif = fixture("openldap.ldif");
    let convert = |out: &Path, more: &[&str]| {
        let head = ["convert", path(&ldif), "--unverified", "--at", AT, "-o", path(out)];
        certferry(head.iter().chain(more).copied())
    };
    let bundle = dir.path().join("bundle");
    says(&convert(&bundle, &[]), 1, &[]);
    let before = tree(&bundle);
    says(&convert(&bundle, &[]), 4, &["already exists", "--force"]);
    says(&convert(&bundle, &["--dry-run"]), 4, &["already exists"]);
    says(&convert(&bundle, &["--force"]), 1, &[]);
    assert_eq!(tree(&bundle), before);
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("mine.txt"), "mine").unwrap();
    says(&convert(&home, &["--force"]), 4, &["replaces only a bundle"]);
    assert_eq!(names(&home), ["mine.txt"]);
    says(&convert(&dir.path().join("no/bundle"), &[]), 4, &["does not exist"]);
    says(&convert(&home.join("mine.txt/bundle"), &[]), 4, &["not a folder"]);
    assert_eq!(names(dir.path()), ["bundle", "home"]);
    let slash = PathBuf::from(format!("{}/", path(&bundle)));
    let output = convert(&slash, &["--force"]);
    says(&output, 1, &["bundle/review/manifest.csv"]);
}

#[test]
fn wrong_use_ends_with_2_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ldif = fixture("openldap.ldif");
    let (ldif, root_ca) = (path(&ldif), fixture("pki/trust"));
    let bundle = dir.path().join("bundle");
    let key = fixture("folder/backup/mail-key.pem");
    let cases: &[(&[&str], &str)] = &[
        (&["--trust", path(&root_ca), "--unverified"], "--unverified"),
        (&["--target", "ldap"], "exchange-online, active-directory"),
        (&["--policy", "p.toml"], "--policy"),
        (&["--clear", "everything"], "--clear"),
        (&["--previous", "old"], "--previous old: the bundle could not be opened"),
        (&["--published", "now"], "--published now: could not be read"),
        (&["--max-removals", "few"], "a number of people such as 10"),
        (&["--keep-trust", "old.sst"], "old.sst: it could not be read"),
        (&["--encoding", "windows-1522"], "windows-1252"),
        (&["--at", "yesterday"], "2026-06-01T00:00:00Z"),
        (&["--at", "2026-06-01"], "2026-06-01T00:00:00Z"),
        (&["--at", "2026-13-01T00:00:00Z"], "month"),
        (&["--trust", "no-such"], "no such file"),
        (&["--trust", path(&key)], "private key"),
        (&["--unverified", "--intermediate", ldif], "no certificate"),
        (&["--crl", "no-such"], "no such file"),
        (&["--jobs", "0"], "--jobs"),
        (&["--batch", "0"], "--batch"),
        (&["--fail-on", "sometimes"], "never, warning, error, uncovered"),
        (&["--url-root", "no-such"], "--url-root"),
        (&["--map", "no-such.csv"], "--map"),
        (&["--recipient-map", ldif], "--recipient-map"),
        (&["--expect-records", "many"], "users.ldf=1234"),
        (&["--expect-records", "other.ldf=3"], "no input has this name"),
        (&["--expect-records", "3", "--expect-records", "4"], "given before"),
    ];
    for (options, words) in cases {
        let head = ["convert", ldif, "-o", path(&bundle)];
        let output = certferry(head.iter().chain(*options).copied());
        says(&output, 2, &[words]);
        assert!(!stderr(&output).contains("-- --"), "misleading advice: {}", stderr(&output));
        assert!(names(dir.path()).is_empty(), "{options:?} left something");
    }
    for verb in [&["upload"], &["publish"]] {
        says(&certferry(verb), 2, &["unrecognized subcommand"]);
    }
    says(&certferry(["diff", "a"]), 2, &["<NEW>"]);
    says(&certferry(["explain", "expried"]), 2, &["did you mean expired?"]);
    says(&certferry(["convert", ldif]), 2, &["--out"]);
}

#[test]
fn records_are_counted_against_what_was_expected() {
    let dir = tempfile::tempdir().unwrap();
    let ldif = fixture("ad-ldapsearch.ldif");
    let folder = fixture("folder");
    let run = |expected: &[&str]| {
        let bundle = dir.path().join("bundle");
        let mut arguments = vec!["convert", path(&ldif), path(&folder), "--unverified", "--at", AT, "-v"];
        arguments.extend(["-o", path(&bundle), "--force"]);
        arguments.extend(expected.iter().flat_map(|number| ["--expect-records", *number]));
        if !bundle.exists() {
            arguments.retain(|word| *word != "--force");
        }
        let output = certferry(arguments);
        assert_eq!(code(&output), 1, "{}", stderr(&output));
        let counted = stderr(&output).contains("record-count-unexpected");
        (counted, manifest(&bundle))
    };
    let (wrong, right) = run(&["ad-ldapsearch.ldif=4"]);
    assert!(!wrong);
    assert_eq!(right["inputs"][0]["records"], 4);
    assert_eq!(right["inputs"][0]["expectedRecords"], 4);
    assert!(right["inputs"][1]["expectedRecords"].is_null());
    let (wrong, other) = run(&["ad-ldapsearch.ldif=5"]);
    assert!(wrong);
    assert_ne!(other["bundle"]["id"], right["bundle"]["id"]);
    // The way to the file decides nothing.
    assert_eq!(run(&[&format!("{}=4", path(&ldif))]).1["bundle"]["id"], right["bundle"]["id"]);
    let all: u64 = right["inputs"].as_array().unwrap().iter().map(|i| i["records"].as_u64().unwrap()).sum();
    assert!(!run(&[&all.to_string()]).0);
    assert!(!run(&[&format!("folder={}", all - 4)]).0);
    assert!(run(&["folder=1"]).0);
}

#[test]
fn fail_on_decides_the_exit_code_only() {
    let dir = tempfile::tempdir().unwrap();
    // A good person and one whose certificate is too large: an error, and nothing that is unreadable.
    let export = std::fs::read_to_string(fixture("openldap.ldif")).unwrap().replace("\r\n", "\n");
    let people = ["minseo.oh", "daeho.yoon"].map(|who| {
        export.split("\n\n").find(|record| record.contains(&format!("uid: {who}"))).unwrap().to_owned()
    });
    let ldif = dir.path().join("two.ldif");
    std::fs::write(&ldif, people.join("\n\n") + "\n").unwrap();
    for (level, exit) in [("never", 0), ("warning", 1), ("error", 1), ("uncovered", 1)] {
        let bundle = dir.path().join(level);
        let mut arguments = vec!["convert".to_owned(), ldif.display().to_string()];
        arguments.extend(trust());
        arguments.extend(["--fail-on", level, "-o"].map(str::to_owned));
        arguments.push(bundle.display().to_string());
        let output = certferry(arguments);
        assert_eq!(code(&output), exit, "{level}: {}", stderr(&output));
        assert_eq!(tree(&bundle), tree(&dir.path().join("never")));
    }
    // A range that never closes is something that was not read: a person must look, whatever the level.
    assert_eq!(code(&convert(&["ad-ldapsearch.ldif"], &dir.path().join("range"), &[])), 1);
}

#[test]
fn a_dry_run_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let output = unverified(dir.path(), &[path(&fixture("openldap.ldif"))], &["--dry-run"]);
    says(&output, 1, &["Nothing was written (--dry-run)"]);
    assert!(names(dir.path()).is_empty());
    assert!(output.stdout.is_empty());
}

#[test]
fn a_full_or_missing_disk_ends_with_4() {
    let dir = tempfile::tempdir().unwrap();
    let ldif = fixture("openldap.ldif");
    let bundle = dir.path().join("bundle");
    let output = Command::new(env!("CARGO_BIN_EXE_certferry"))
        .args(["convert", path(&ldif), "--unverified", "-o", path(&bundle)])
        .env("TMPDIR", dir.path().join("gone"))
        .output()
        .unwrap();
    says(&output, 4, &["TMPDIR"]);
    assert!(names(dir.path()).is_empty());
    if !Path::new("/dev/full").exists() {
        return eprintln!("skipped: this system has no /dev/full");
    }
    for arguments in
        [&["inspect", path(&fixture("folder"))][..], &["explain", "--all"], &["generate", "script"]]
    {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output =
            Command::new(env!("CARGO_BIN_EXE_certferry")).args(arguments).stdout(full).output().unwrap();
        says(&output, 4, &["standard output"]);
    }
}

#[test]
fn a_reader_that_goes_away_is_nobodys_error() {
    for arguments in [&["explain", "--all"][..], &["generate", "script"], &["--help"]] {
        let mut child = spawn(arguments, &[]);
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((code(&output), stderr(&output).as_str()), (0, ""), "{arguments:?}");
    }
}

/// Waits until something holds.
fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn send(signal: &str, child: &Child) {
    let id = child.id().to_string();
    assert!(Command::new("sh").args(["-c", &format!("kill -{signal} {id}")]).status().unwrap().success());
}

/// Whether the process handles SIGTERM by now.
fn watches(child: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> 14 & 1 == 1)
}

#[test]
fn a_signal_leaves_nothing_behind() {
    if !Path::new("/proc/self/status").exists() {
        return eprintln!("skipped: this system has no /proc");
    }
    let dir = tempfile::tempdir().unwrap();
    let tmp = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("bundle");
    // While standard input is read.
    for signal in ["INT", "TERM"] {
        let arguments = ["convert", "-", "--unverified", "-o", path(&bundle)];
        let mut child = spawn(&arguments, &[("TMPDIR", tmp.path())]);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"dn: cn=a,dc=b\n").unwrap();
        until("the signal is watched", || watches(&child));
        send(signal, &child);
        let output = child.wait_with_output().unwrap();
        says(&output, 4, &["interrupted"]);
        assert!(names(dir.path()).is_empty() && names(tmp.path()).is_empty());
    }
    // While the bundle is written; and what SIGKILL leaves is reported and stops nobody.
    let export = tmp.path().join("long.ldif");
    fs::write(&export, long_export()).unwrap();
    let arguments = ["convert", path(&export), "--unverified", "--jobs", "1", "-o", path(&bundle)];
    for (signal, exit) in [("TERM", 4), ("KILL", -1)] {
        let child = spawn(&arguments, &[]);
        until("a stage", || !names(dir.path()).is_empty());
        send(signal, &child);
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), exit, "{}", stderr(&output));
        assert!(!bundle.exists());
        assert_eq!(names(dir.path()).len(), usize::from(signal == "KILL"), "{:?}", names(dir.path()));
    }
    let left = names(dir.path())[0].clone();
    let output = unverified(dir.path(), &[path(&fixture("openldap.ldif"))], &[]);
    says(&output, 1, &["note:", &left, "was left by a run that was killed"]);
    assert_eq!(names(dir.path()), [left, "bundle".to_owned()]);
}

#[test]
fn a_key_on_standard_input_is_never_on_the_disk() {
    if !Path::new("/proc/self/fd").exists() {
        return eprintln!("skipped: this system has no /proc");
    }
    let dir = tempfile::tempdir().unwrap();
    let tmp = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("bundle");
    // Recognisable filler in the place of a key; 48 bytes make one line of 64 characters.
    let key = "S0VZLUtFWS1LRVkhS0VZLUtFWS1LRVkhS0VZLUtFWS1LRVkhS0VZLUtFWS1LRVkh";
    let folded: String = (0..20).map(|_| format!(" {key}\n")).collect();
    let record = format!("dn: cn=a,dc=b\nobjectClass: user\nmail: a@b.example\nuserPKCS12::\n{folded}\n");
    for utf16 in [false, true] {
        let arguments = ["convert", "-", "--unverified", "--force", "-o", path(&bundle)];
        let arguments: Vec<&str> =
            arguments.into_iter().filter(|word| *word != "--force" || bundle.exists()).collect();
        let mut child = spawn(&arguments, &[("TMPDIR", tmp.path())]);
        let text = format!("{record}{}", long_export());
        let bytes: Vec<u8> = match utf16 {
            true => [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
            false => text.into_bytes(),
        };
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&bytes).unwrap();
        let spool = || {
            let folder = fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
            folder.flatten().map(|entry| entry.path()).find(|fd| {
                fs::read_link(fd).is_ok_and(|to| to.starts_with(tmp.path()))
                    && fs::metadata(fd).is_ok_and(|metadata| metadata.size() > 1 << 20)
            })
        };
        until("the spool", || spool().is_some());
        let spool = spool().unwrap();
        assert_eq!(fs::metadata(&spool).unwrap().permissions().mode() & 0o777, 0o600);
        let mut held = fs::read(&spool).unwrap();
        held.retain(|byte| *byte != 0);
        assert!(held.windows(12).any(|part| part == b"mail: a@b.ex"), "the spool holds the record");
        assert!(!held.windows(8).any(|part| part == b"S0VZLUtF"), "the spool holds the key");
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        says(&output, 1, &["private-key"]);
        for (name, bytes) in tree(&bundle) {
            for part in [&b"S0VZLUtF"[..], b"KEY-KEY"] {
                assert!(!bytes.windows(part.len()).any(|window| window == part), "{name} holds the key");
            }
        }
        assert!(names(tmp.path()).is_empty());
    }
}

#[test]
fn hostile_names_forge_no_line() {
    let dir = tempfile::tempdir().unwrap();
    let evil = "\u{1b}[2J\u{1b}]0;t\u{7}\nforged: line\r\u{202e}x\u{2066}\u{9b}31m\u{2028}y";
    let base64 = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    let ldif = format!(
        "dn:: {}\nobjectClass: user\nmail:: {}\nuserCertificate:: AAAA\n\ndn:: {}\nobjectClass: group\n\
         userCertificate:: AAAA\nbad \u{1b}[2J line\n",
        base64(&format!("cn={evil},dc=x")),
        base64(&format!("{evil}@b.example")),
        base64(&format!("cn=2{evil}")),
    );
    let input = dir.path().join("in\u{1b}[31m\nforged: name");
    fs::create_dir(&input).unwrap();
    fs::write(input.join("a\u{202e}\nforged: file.ldif"), ldif).unwrap();
    fs::write(input.join("b\u{1b}[2J"), "<html>").unwrap();
    let out = dir.path().join("out\u{1b}[2J\nforged: out");
    let other = dir.path().join("b");
    let runs: &[&[&str]] = &[
        &["convert", path(&input), "--unverified", "-v", "-o", path(&out)],
        &["convert", path(&input), "--unverified", "-v", "-o", path(&out)],
        &["convert", "no\u{1b}\nforged: x", "--unverified", "-o", path(&other)],
        &["convert", path(&input), "--trust", path(&input), "-o", path(&other)],
        &["inspect", path(&input)],
        &["verify", path(&out)],
        &["verify", "no\u{1b}\nforged: x"],
        &["explain", "no\u{1b}\nforged: x"],
    ];
    for arguments in runs {
        let output = certferry(*arguments);
        let text = stderr(&output) + &stdout(&output);
        let harmful = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{2066}\u{2028}".contains(c));
        assert!(!text.contains(harmful), "{arguments:?}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("forged")), "{arguments:?}: {text}");
    }
    assert!(out.is_dir());
}

#[test]
fn colour_is_for_terminals() {
    let plain = certferry(["inspect", path(&fixture("folder/hyejin.oh.cer")), "--at", AT]);
    assert!(!stdout(&plain).contains('\u{1b}'));
    let painted =
        certferry(["inspect", path(&fixture("folder/hyejin.oh.cer")), "--at", AT, "--color", "always"]);
    assert!(stdout(&painted).starts_with("\u{1b}[32maccept\u{1b}[0m"), "{}", stdout(&painted));
    let never = unverified(
        tempfile::tempdir().unwrap().path(),
        &[path(&fixture("openldap.ldif"))],
        &["--dry-run", "--color", "never"],
    );
    assert!(!stderr(&never).contains('\u{1b}'));
}

#[test]
fn inspect_says_what_it_cannot_judge() {
    let dir = tempfile::tempdir().unwrap();
    let html = dir.path().join("page.cer");
    fs::write(&html, "<html></html>").unwrap();
    let output = certferry(["inspect", path(&html), "gone.cer", "--format", "ndjson"]);
    assert_eq!(code(&output), 1);
    let codes: Vec<(String, String)> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| {
            assert_eq!(line["verdict"], "refuse");
            let finding = &line["findings"][0];
            (finding["code"].as_str().unwrap().into(), finding["message"].as_str().unwrap().into())
        })
        .collect();
    assert_eq!(codes[0].0, "file-unrecognised");
    assert!(codes[0].1.contains("HTML"), "{codes:?}");
    assert_eq!(codes[1].0, "file-unreadable");
    assert_eq!(code(&certferry(["inspect", "gone.cer"])), 3);
}

#[test]
fn a_folder_that_may_not_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let closed = dir.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&closed).is_ok() {
        return eprintln!("skipped: this user may read everything");
    }
    says(&unverified(dir.path(), &[path(&closed)], &[]), 3, &["closed could not be read: Permission denied"]);
    let output = certferry(["inspect", path(&closed)]);
    assert_eq!(code(&output), 3);
    assert!(!stdout(&output).contains("closed/closed"), "{}", stdout(&output));
    says(&certferry(["inspect", "x", "--trust", path(&closed)]), 2, &["Permission denied"]);
}
