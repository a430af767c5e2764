//! The change of the directory on a real domain controller: export → convert → import → export.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, unused_imports)]

mod directory;
#[path = "cases/make.rs"]
mod make;
#[path = "support/pki.rs"]
mod pki;
mod program;
#[path = "cases/scene.rs"]
mod scene;
#[path = "directory/server.rs"]
mod server;

use std::fmt::Write as _;
use std::time::Instant;

use certferry::certificate::oid;
use directory::{Change, Directory, changes, directory};
use make::{User, world};
use scene::base64;
use server::{BASE, Server};

const U: &str = "userCertificate";
const EXPIRED: [&str; 2] = ["200101000000Z", "250101000000Z"];
const CURRENT: [&str; 2] = ["200101000000Z", "400101000000Z"];

/// A person's certificate; no two are alike.
fn certificate(address: &str, number: u16, [from, until]: [&str; 2], purposes: &[&[u8]]) -> Vec<u8> {
    User::kim().to(&[address]).number(number).dates(from, until).purposes(purposes).sign()
}

fn mail(address: &str, number: u16, dates: [&str; 2]) -> Vec<u8> {
    certificate(address, number, dates, &[oid::EMAIL_PROTECTION])
}

/// A person as `ldapadd` takes them, with values of the two attributes.
fn person(out: &mut String, dn: &str, account: &str, values: &[(&str, &[u8])]) {
    let dn = base64(dn.as_bytes());
    let _ = writeln!(out, "dn:: {dn}\nobjectClass: user\nsAMAccountName: {account}");
    let _ = writeln!(out, "mail: {account}@example.com\nproxyAddresses: SMTP:{account}@example.com");
    for (name, value) in values {
        let _ = writeln!(out, "{name}:: {}", base64(value));
    }
    out.push('\n');
}

fn unit(server: &Server, name: &str) -> String {
    let dn = format!("OU={name},{BASE}");
    server.add(&format!("dn: {dn}\nobjectClass: organizationalUnit\n\n"));
    dn
}

/// A change and its inverse, all files of each one behind the other.
struct Made {
    change: String,
    inverse: String,
}

/// Converts an export and a folder of certificates; verify must call the bundle good.
fn convert(export: &str, files: &[(String, Vec<u8>)]) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("files")).unwrap();
    std::fs::write(at("export.ldif"), export).unwrap();
    std::fs::write(at("root.der"), &world().root_der).unwrap();
    std::fs::write(at("ca.der"), &world().ca_der).unwrap();
    for (name, der) in files {
        std::fs::write(at("files").join(name), der).unwrap();
    }
    let text = |name: &str| at(name).display().to_string();
    let mut arguments = vec!["convert".to_owned(), text("export.ldif")];
    if !files.is_empty() {
        arguments.push(text("files"));
    }
    let options = ["--target", "active-directory", "--batch", "7", "--quiet", "--at", program::AT];
    arguments.extend(options.map(str::to_owned));
    let material = [("--trust", "root.der"), ("--intermediate", "ca.der"), ("-o", "bundle")];
    arguments.extend(material.iter().flat_map(|(option, name)| [(*option).to_owned(), text(name)]));
    let output = program::certferry(&arguments);
    assert_eq!(program::code(&output), 0, "{}", program::stderr(&output));
    let verified = program::certferry(["verify", &text("bundle"), "--at", program::AT]);
    assert_eq!(program::code(&verified), 0, "{}", program::stdout(&verified));
    let side = |side: &str| {
        let folder = at("bundle").join("review/active-directory");
        let mut files: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.file_name().unwrap().to_str().unwrap().starts_with(side));
        files.sort();
        files
            .iter()
            .map(|file: &std::path::PathBuf| std::fs::read_to_string(file).unwrap())
            .collect::<String>()
    };
    Made { change: side("change"), inverse: side("inverse") }
}

/// A directory as it is to be after a change, without those whose record is refused.
fn announced(before: &Directory, changes: &[Change], refused: &[&str]) -> Directory {
    let mut after = before.clone();
    for change in changes.iter().filter(|change| !refused.contains(&change.dn.as_str())) {
        let values =
            after.get_mut(&change.dn).unwrap_or_else(|| panic!("{} is not in the export", change.dn));
        for gone in &change.delete {
            let at = values.iter().position(|value| value == gone).unwrap();
            values.remove(at);
        }
        values.extend(change.add.iter().cloned());
        values.sort();
    }
    after
}

#[test]
fn round_trips_on_a_domain_controller() {
    let Some(server) = Server::start() else { return };
    what_was_announced_happens_and_can_be_undone(&server);
    an_import_that_stops_is_undone_by_its_inverse(&server);
    a_whole_company(&server);
}

fn what_was_announced_happens_and_can_be_undone(server: &Server) {
    let staff = unit(server, "Staff");
    let names = [
        "Kim\\, Min",
        "\\ Lee",
        "\\#Ada",
        "Max \\+ Eva",
        "Bo \\\"B\\\" Lund",
        "Zoë Müller",
        "Uwe\\ ",
        "A\\\\B",
        "c\\=d",
        "이지훈",
        "Kai (2)",
        "Ann; Co",
    ];
    let efs: &[&[u8]] = &[&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 4]];
    let (mut ldif, mut files) = (String::new(), Vec::new());
    for (n, name) in (0_u16..).zip(names) {
        let address = format!("p{n}@example.com");
        let old = mail(&address, 100 + n, EXPIRED);
        let older = mail(&address, 200 + n, EXPIRED);
        let own = mail(&address, 300 + n, CURRENT);
        let efs = certificate(&address, 400 + n, CURRENT, efs);
        let gone_efs = certificate(&address, 500 + n, EXPIRED, &[oid::CLIENT_AUTH]);
        let name = name.replace(';', "\\;");
        let mut values: Vec<(&str, &[u8])> = vec![(U, &old), (U, &efs), (U, &gone_efs)];
        match n % 3 {
            0 => values.extend([(U, older.as_slice()), ("userSMIMECertificate", &old)]),
            1 => values.push((U, &own)),
            _ => files.push((format!("{n}.cer"), own.clone())),
        }
        person(&mut ldif, &format!("CN={name},{staff}"), &format!("p{n}"), &values);
    }
    server.add(&ldif);

    let export = server.export(&staff);
    let first = convert(&export, &files);
    let announced_changes = changes(&first.change);
    assert_eq!(announced_changes.len(), names.len());
    let known = directory(&export);
    assert_eq!(known.len(), names.len());

    // Between export and import: AD CS appends to one object, and somebody tidies up at another.
    // The server gives its objects in an order of its own.
    let with =
        |deletes: usize| announced_changes.iter().find(|change| change.delete.len() == deletes).unwrap();
    let (enrolled, tidy) = (&with(1).dn, with(3));
    let tidied = &tidy.dn;
    let appended = mail("p4@example.com", 900, CURRENT);
    let modify = |dn: &str, word: &str, value: &[u8]| {
        let (dn, value) = (base64(dn.as_bytes()), base64(value));
        let change = format!("dn:: {dn}\nchangetype: modify\n{word}: {U}\n{U}:: {value}\n-\n\n");
        assert_eq!(server.modify(&change, false), (0, 0));
    };
    modify(enrolled, "add", &appended);
    let (_, of_tidied) = tidy.delete.iter().find(|(name, _)| name == U).unwrap();
    modify(tidied, "delete", of_tidied);
    let before = directory(&server.export(&staff));

    // Exactly the announced difference, but for the record whose object has changed: that one fails as a whole.
    assert_eq!(server.modify(&first.change, true), (16, 1), "noSuchAttribute");
    let export = server.export(&staff);
    let after = directory(&export);
    assert_eq!(after, announced(&before, &announced_changes, &[tidied]));
    assert!(after[enrolled].contains(&(U.to_owned(), appended.clone())));
    assert_eq!(after[tidied], before[tidied]);
    for values in after.values() {
        let kept = values.iter().filter(|(name, _)| name == U).count();
        assert!(kept >= 2, "both values for file encryption and logon are there");
    }

    // Another export shows what is left to do, and then nothing is.
    let second = convert(&export, &files);
    let left = changes(&second.change);
    assert_eq!(left.iter().map(|change| &change.dn).collect::<Vec<_>>(), [tidied]);
    assert_eq!(server.modify(&second.change, false), (0, 0));
    let export = server.export(&staff);
    assert_eq!(directory(&export), announced(&after, &left, &[]));
    assert_eq!(
        changes(&convert(&export, &files).change),
        [],
        "converting the changed export again is an empty change"
    );

    // Undone, the last first. Of the first change the record that failed cannot be undone, and fails again.
    assert_eq!(server.modify(&second.inverse, false), (0, 0));
    let (code, failed) = server.modify(&first.inverse, true);
    assert_eq!(failed, 1, "exit code {code}");
    assert_eq!(directory(&server.export(&staff)), before, "the original multiset, and what was appended");
}

fn an_import_that_stops_is_undone_by_its_inverse(server: &Server) {
    let stop = unit(server, "Stop");
    let mut ldif = String::new();
    for n in 0..5_u16 {
        let account = format!("s{n}");
        let values = [1_u16, 2].map(|of| mail(&format!("{account}@example.com"), 10 * n + of, EXPIRED));
        person(&mut ldif, &format!("CN=Stop {n},{stop}"), &account, &[(U, &values[0]), (U, &values[1])]);
    }
    server.add(&ldif);
    let made = convert(&server.export(&stop), &[]);
    let all = changes(&made.change);
    let third = &all[2];
    let (dn, value) = (base64(third.dn.as_bytes()), base64(&third.delete[1].1));
    let tidy = format!("dn:: {dn}\nchangetype: modify\ndelete: {U}\n{U}:: {value}\n-\n\n");
    assert_eq!(server.modify(&tidy, false), (0, 0));
    let before = directory(&server.export(&stop));

    assert_eq!(server.modify(&made.change, false), (16, 1));
    assert_eq!(
        directory(&server.export(&stop)),
        announced(&before, &all[..2], &[]),
        "two records, and no more"
    );
    assert_eq!(server.modify(&made.inverse, false).1, 1, "it stops where the change stopped");
    assert_eq!(directory(&server.export(&stop)), before);
}

/// Some hundred people (`CERTFERRY_SAMBA_USERS` says how many), as the README's recipe goes.
fn a_whole_company(server: &Server) {
    let count: u16 =
        std::env::var("CERTFERRY_SAMBA_USERS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let company = unit(server, "Company");
    let (mut ldif, mut files) = (String::new(), Vec::new());
    for n in 0..count {
        let account = format!("c{n}");
        let address = format!("{account}@example.com");
        let make = |dates| mail(&address, n, dates);
        let (old, own, efs) =
            (make(EXPIRED), make(CURRENT), certificate(&address, n, CURRENT, &[oid::CLIENT_AUTH]));
        let mut values: Vec<(&str, &[u8])> = vec![(U, &efs)];
        match n % 4 {
            0 => values.extend([(U, own.as_slice()), (U, &old)]),
            1 => values.extend([(U, own.as_slice()), ("userSMIMECertificate", &old)]),
            2 => files.push((format!("{n}.cer"), own.clone())),
            _ => values.push((U, &own)),
        }
        person(&mut ldif, &format!("CN=Company {n},{company}"), &account, &values);
    }
    let mut clock = Instant::now();
    let mut lap = |what: &str| {
        println!("{count} people, {what}: {:.1} s", clock.elapsed().as_secs_f64());
        clock = Instant::now();
    };
    server.add(&ldif);
    lap("ldapadd");
    let export = server.export(&company);
    lap("ldapsearch");
    let made = convert(&export, &files);
    lap("convert and verify");
    let (before, all) = (directory(&export), changes(&made.change));
    assert_eq!(all.len(), usize::from(count - count / 4), "all but every fourth change");
    assert_eq!(server.modify(&made.change, false), (0, 0));
    lap("ldapmodify");
    let export = server.export(&company);
    assert_eq!(directory(&export), announced(&before, &all, &[]));
    assert_eq!(changes(&convert(&export, &files).change), []);
    assert_eq!(server.modify(&made.inverse, false), (0, 0));
    assert_eq!(directory(&server.export(&company)), before);
    lap("the way back");
}

/// What the comparisons rest on.
#[test]
fn the_reader_of_this_test_reads() {
    let text = "# a\ndn:: Q049Wg==\nchangetype: modify\ndelete: a\na: b\n c\n-\nadd: a\na:: Yg==\n-\n\n";
    let change = Change {
        dn: "CN=Z".to_owned(),
        delete: vec![("a".to_owned(), b"bc".to_vec())],
        add: vec![("a".to_owned(), b"b".to_vec())],
    };
    assert_eq!(changes(text), [change]);
}
