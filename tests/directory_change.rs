//! `--target active-directory`: what is deleted, what is added, and what is left alone. Keys are made at
//! run time; no server is needed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, unused_imports)]

mod directory;
#[path = "cases/make.rs"]
mod make;
#[path = "support/pki.rs"]
mod pki;
mod program;
#[path = "cases/scene.rs"]
mod scene;

use certferry::certificate::oid;
use directory::{Change, Values, changes};
use make::{User, ca_crl, cms, pem, tag_list, world};
use scene::{Entry, Outcome, Scene, ldif, text};
use serde_json::Value;

const U: &str = "userCertificate";
const S: &str = "userSMIMECertificate";
const KIM: &str = "CN=Kim,DC=example,DC=com";
const LATER: &str = "270101000000Z";

fn change(scene: &Scene, more: &[&str]) -> Outcome {
    scene.clone().args(&["--target", "active-directory"]).args(more).convert()
}

/// Kim, ended in 2025, with some difference.
fn old(number: u16) -> User {
    User::kim().number(number).dates("200101000000Z", "250101000000Z")
}

/// What holds for every change: it is the mirror of its inverse, verify calls it good, and the manifest
/// tells the same story.
#[track_caller]
fn records(outcome: &Outcome) -> Vec<Change> {
    let made = changes(&outcome.change);
    let undone: Vec<Change> = changes(&outcome.inverse).iter().map(Change::reversed).collect();
    assert_eq!(made, undone);
    assert_eq!(outcome.verified, 0);
    let count = |of: fn(&Change) -> usize| made.iter().map(of).sum::<usize>() as u64;
    let told = &outcome.manifest["summary"]["directoryChanges"];
    assert_eq!(told["objects"], made.len() as u64);
    assert_eq!(told["deleted"], count(|change| change.delete.len()));
    assert_eq!(told["added"], count(|change| change.add.len()));
    let all = outcome.candidates();
    for (word, ending) in [("delete", "deletes it."), ("add", "adds it.")] {
        let marked = all.iter().filter(|candidate| candidate["change"] == word);
        assert_eq!(marked.clone().count() as u64, told[if word == "add" { "added" } else { "deleted" }]);
        assert!(marked.clone().all(|candidate| text(&candidate["reason"]).ends_with(ending)));
    }
    made
}

/// The one object's change: values deleted, values added.
#[track_caller]
fn of_kim(scene: &Scene, more: &[&str]) -> (Values, Values) {
    match records(&change(scene, more)).as_slice() {
        [] => (Vec::new(), Vec::new()),
        [one] => {
            assert_eq!(one.dn, KIM);
            (one.delete.clone(), one.add.clone())
        }
        several => panic!("{several:?}"),
    }
}

fn values(values: &[(&str, &[u8])]) -> Values {
    values.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect()
}

#[track_caller]
fn deletes(what: &str, scene: &Scene, wanted: &[(&str, &[u8])]) {
    for more in [&[][..], &["--thorough"]] {
        let (deleted, added) = of_kim(scene, more);
        assert_eq!((deleted, added), (values(wanted), Vec::new()), "{what} {more:?}");
    }
}

#[test]
fn what_ended_goes_and_nothing_else() {
    let (fresh, ended) = (User::kim().sign(), old(9).sign());
    let with = |value: Vec<u8>| Scene::of(&[Entry::kim().cert(&fresh).cert(value)]);
    deletes("expired", &with(ended.clone()), &[(U, &ended)]);
    deletes("the only value", &Scene::kim(&ended), &[(U, &ended)]);

    let w = world();
    for (what, user) in [
        ("EFS", old(9).purposes(&[&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 4]])),
        ("logon", old(9).purposes(&[oid::CLIENT_AUTH])),
        ("another address", old(9).to(&["kim@example.org"])),
        ("no address", old(9).without(oid::SUBJECT_ALT_NAME)),
        ("somebody's", old(9).to(&["lee@example.com"])),
        ("a CA", old(9).ext(oid::BASIC_CONSTRAINTS, true, make::seq(&[vec![1, 1, 0xff]]))),
        ("a weak key", old(9).spki(make::rsa_spki(512))),
        ("unusable", old(9).usage(&[3, 2, 6, 0x40])),
        ("an extension twice", old(9).again(oid::SUBJECT_ALT_NAME)),
        ("an unknown critical extension", old(9).ext(&[0x2b, 6, 1, 4, 1, 99], true, [5, 0])),
        ("not yet valid", User::kim().number(9).dates("300101000000Z", "310101000000Z")),
        ("not trusted", User::kim().number(9).but(|user| user.issuer = make::name("Nobody"))),
    ] {
        deletes(what, &with(user.sign()), &[]);
    }
    deletes("a wrong signature, current", &with(User::kim().number(9).sign_by(&w.stranger)), &[]);
    // Expiry is what the certificate says; who signed it does not matter, and --thorough changes nothing.
    let planted = old(9).sign_by(&w.stranger);
    deletes("a wrong signature, expired", &with(planted.clone()), &[(U, &planted)]);
    deletes("PKCS#7 in userCertificate", &with(cms(std::slice::from_ref(&ended), &[])), &[]);
    deletes("no trailing bytes", &with([&ended[..], &[0, 0]].concat()), &[]);
    let twice = Scene::of(&[Entry::kim().cert(&ended).cert(&fresh).cert(&ended)]);
    deletes("joined exports", &twice, &[(U, &ended)]);
    let both = Scene::of(&[Entry::kim().cert(&ended).smime(&ended)]);
    deletes("both attributes", &both, &[(U, &ended), (S, &ended)]);
}

#[test]
fn an_attribute_that_is_not_known_whole_is_left_alone() {
    let ended = old(9).sign();
    let base64 = scene::base64(&ended);
    let with = |line: &str| Scene::of(&[Entry::kim().line(line).smime(&ended)]);
    let smime: &[(&str, &[u8])] = &[(S, &ended)];
    for option in ["0-0", "0-x", "0-0;range=1-*"] {
        deletes(option, &with(&format!("userCertificate;range={option}:: {base64}")), smime);
        let hex: String = ended.iter().map(|byte| format!("{byte:02X}")).collect();
        let row = format!("\"{KIM}\",user,kim@example.com,X'{hex}',X'{hex}'\r\n");
        let header = format!("DN,objectClass,mail,userCertificate;range={option},userSMIMECertificate\r\n");
        deletes(option, &Scene::file_of("export.csv", [header, row].concat().into_bytes()), smime);
    }
    let kim = |line: &str| Scene::of(&[Entry::kim().cert(&ended).line(line)]);
    deletes("unreadable", &kim("userCertificate:: MA=="), &[]);
    deletes("empty", &kim("userCertificate:"), &[]);
    deletes("the other attribute", &kim("userSMIMECertificate:: MA=="), &[(U, &ended)]);
    // Private keys are named, and the attribute is not touched.
    deletes("a private key", &kim("userPKCS12:: AAAA"), &[(U, &ended)]);
}

#[test]
fn what_the_policy_withholds_for_another_reason_stays() {
    let ended = User::kim().dates("200101000000Z", "250101000000Z").sign();
    let said = cms(std::slice::from_ref(&ended), &[make::signer(&world().lee, oid::ECDSA_SHA256)]);
    let scene = Scene::of(&[Entry::kim().cert(User::kim().number(2).sign()).smime(&said)]);
    deletes("a wrong signature over the value", &scene, &[(S, &said)]);
    let policy = "[codes.statement-signature-bad]\ndecision = \"withhold\"\nreason = \"Forged.\"\n";
    deletes("withheld for it", &scene.policy(policy), &[]);
}

#[test]
fn a_container_goes_when_nothing_in_it_is_current() {
    let (fresh, ended) = (User::kim().sign(), old(9).sign());
    let signing = |user: User| user.number(8).usage(&[3, 2, 7, 0x80]).sign();
    let with = |value: &[u8]| Scene::of(&[Entry::kim().cert(&fresh).smime(value)]);
    let ca = world().ca_der.clone();
    let gone = [
        cms(std::slice::from_ref(&ended), &[]),
        cms(&[ended.clone(), ca.clone()], &[]),
        tag_list(&[(3, &ended), (8, &signing(old(1)))]),
        ended.clone(),
    ];
    for value in &gone {
        deletes("a stale shadow", &with(value), &[(S, value)]);
        let outcome = change(&with(value), &[]);
        assert!(
            !outcome.codes().contains(&"shadowing-remains")
                && outcome.codes().contains(&"stale-shadows-fresh")
        );
        let both = change(&with(value), &["--target", "exchange-online"]);
        assert!(both.codes().contains(&"shadowing-remains"), "the payload leaves the tenant's value");
        assert_eq!(records(&both).len(), 1);
    }
    let stays = [
        tag_list(&[(3, &ended), (8, &signing(User::kim()))]),
        tag_list(&[(3, &fresh), (8, &signing(old(1)))]),
        tag_list(&[(3, &ended), (8, &signing(User::kim().dates("300101000000Z", "310101000000Z")))]),
        tag_list(&[(3, &ended), (4, &ended[..ended.len() - 9])]),
        [&tag_list(&[(3, &ended)])[..], &[4, 0, 99, 0]].concat(),
        cms(std::slice::from_ref(&ca), &[]),
        cms(&[old(9).to(&["kim@example.org"]).sign()], &[]),
    ];
    // The shape of a certificate, in which nothing can be read: it may be a current one.
    let mut shape = signing(User::kim());
    let version = shape.windows(5).position(|bytes| bytes == [0xa0, 3, 2, 1, 2]).unwrap();
    shape[version + 2] = 4;
    for value in [tag_list(&[(3, &ended), (8, &shape)]), cms(&[ended.clone(), shape.clone()], &[])] {
        deletes("not readable as a whole", &with(&value), &[]);
    }
    for (n, value) in stays.iter().enumerate() {
        deletes(&format!("container {n}"), &with(value), &[]);
    }
    let remains = change(&with(&stays[6]), &[]);
    assert!(remains.codes().contains(&"shadowing-remains"), "{:?}", remains.codes());
    // Two containers, one of them repeated by a second export: nothing is left in front.
    let repeated = Scene::of(&[Entry::kim().cert(&fresh).smime(&gone[0]).smime(&gone[0]).smime(&gone[1])]);
    assert!(!change(&repeated, &[]).codes().contains(&"shadowing-remains"));
}

/// Another rule withholds such a certificate too, so the check is asked by itself.
#[test]
fn what_two_parsers_read_in_two_ways_is_not_spent() {
    let spent = |user: User, others: &[User]| {
        let parse = |der: &'static [u8]| certferry::certificate::Certificate::parse(der).unwrap();
        let [own, others @ ..] =
            &[&[user], others].concat().iter().map(|it| parse(it.sign().leak())).collect::<Vec<_>>()[..]
        else {
            panic!()
        };
        let at = certferry::certificate::UnixTime::from_rfc3339(program::AT).unwrap();
        certferry::directory::is_spent(own, &others.iter().collect::<Vec<_>>(), at)
    };
    let longer = make::seq(&[world().kim.spki[2..].to_vec(), vec![5, 0]]);
    assert!(spent(old(9), &[]) && spent(old(9), &[old(8)]));
    assert!(!spent(old(9).spki(longer), &[]));
    assert!(!spent(old(9), &[old(8), User::kim()]));
}

#[test]
fn revoked_is_what_a_verified_list_says_of_the_certificate_itself() {
    let w = world();
    let (fresh, gone) = (User::kim().sign(), User::kim().number(9).sign());
    let kim = Scene::of(&[Entry::kim().cert(&fresh).cert(&gone)]);
    let root_crl = |serials: &[Vec<u8>]| make::crl("Root", &w.root, serials, LATER, &[]);
    let listed = kim.clone().crl(&root_crl(&[])).crl(&ca_crl(&[9], LATER));
    deletes("listed", &listed, &[(U, &gone)]);
    for mode in ["soft", "hard"] {
        let stale = kim.clone().crl(&ca_crl(&[9], "260531235959Z"));
        let (deleted, _) = of_kim(&stale, &["--revocation", mode]);
        assert_eq!(deleted, values(&[(U, &gone)]), "a stale list that names it, {mode}");
    }
    assert_eq!(of_kim(&listed, &["--revocation", "off"]).0, []);
    deletes(
        "another's list",
        &kim.clone().crl(&make::crl("CA", &w.stranger, &[vec![0x10, 0, 9]], LATER, &[])),
        &[],
    );
    deletes("the issuer is revoked", &kim.clone().crl(&root_crl(&[vec![2]])).crl(&ca_crl(&[], LATER)), &[]);
    deletes("both are", &kim.clone().crl(&root_crl(&[vec![2]])).crl(&ca_crl(&[9], LATER)), &[(U, &gone)]);
    let forged = User::kim().number(9).sign_by(&w.stranger);
    let forged = Scene::of(&[Entry::kim().cert(&fresh).cert(forged)]).crl(&ca_crl(&[9], LATER));
    deletes("the serial of a forgery", &forged, &[]);
    let container = tag_list(&[(3, &gone)]);
    let shadow = Scene::of(&[Entry::kim().cert(&fresh).smime(&container)]).crl(&ca_crl(&[9], LATER));
    deletes("a container", &shadow, &[(S, &container)]);
    let efs = User::kim().number(9).purposes(&[oid::CLIENT_AUTH]).sign();
    let efs = Scene::of(&[Entry::kim().cert(&fresh).cert(efs)]).crl(&ca_crl(&[9], LATER));
    deletes("not for mail", &efs, &[]);
}

#[test]
fn a_file_completes_the_object_that_owns_the_address() {
    let (fresh, other) = (User::kim().sign(), User::kim().number(7).sign());
    let entry = || {
        Entry::kim().line("proxyAddresses: SMTP:kim@example.com").line("proxyAddresses: smtp:k@example.com")
    };
    let export = |entries: &[Entry]| Scene::of(entries);
    let file = |scene: Scene, der: &[u8]| scene.file("in/new.pem", pem("CERTIFICATE", der));
    // Before and behind the export in the order of names.
    let first = |scene: Scene, der: &[u8]| scene.file("in/a.cer", der);

    for with in [file, first] {
        let added = of_kim(&with(export(&[entry()]), &fresh), &[]);
        assert_eq!(added, (Vec::new(), values(&[(U, &fresh)])));
        let held = with(export(&[entry().cert(&fresh)]), &fresh);
        assert_eq!(of_kim(&held, &[]), (Vec::new(), Vec::new()), "it is there already");
        let stale = with(export(&[entry().cert(old(9).sign())]), &fresh);
        assert_eq!(of_kim(&stale, &[]).1, values(&[(U, &fresh)]));
        let ended = old(9).sign();
        let twin = with(export(&[entry().cert(&ended)]), &ended);
        assert_eq!(
            of_kim(&twin, &[]),
            (values(&[(U, &ended)]), Vec::new()),
            "once, although it stands twice"
        );
        assert_eq!(of_kim(&with(export(&[entry()]), &ended), &[]), (Vec::new(), Vec::new()));
    }
    let alias = User::kim().number(6).to(&["K@Example.com"]).sign();
    let outcome = change(&file(export(&[entry()]), &alias), &[]);
    assert_eq!(records(&outcome)[0].add, values(&[(U, &alias)]));
    assert!(outcome.codes().contains(&"alias-only"));

    let two = file(export(&[entry(), Entry::nobody("Kim2").line("mail: KIM@example.com")]), &fresh);
    let outcome = change(&two, &[]);
    assert_eq!(records(&outcome), []);
    assert!(outcome.codes().contains(&"address-conflict"));

    let smime = file(export(&[entry().smime(&fresh)]), &fresh);
    assert_eq!(of_kim(&smime, &[]).1, values(&[(U, &fresh)]), "the other attribute is another");
    let broken = file(export(&[entry().line("userCertificate:: MA==")]), &fresh);
    assert_eq!(of_kim(&broken, &[]), (Vec::new(), Vec::new()), "the attribute is not known whole");
    let both = file(first(export(&[entry()]), &other), &fresh);
    assert_eq!(of_kim(&both, &[]).1.len(), 2);
}

#[test]
fn who_has_no_object_in_the_directory_is_named() {
    let kim = User::kim().sign();
    let scene = Scene::file_of("kim.pem", pem("CERTIFICATE", &kim));
    let alone = change(&scene, &[]);
    assert_eq!(records(&alone), []);
    let candidate = alone.candidates()[0];
    assert_eq!(candidate["decision"], "withhold");
    assert!(text(&candidate["reason"]).contains("no directory object"), "{candidate}");
    assert_eq!(alone.manifest["recipients"][0]["coverage"], "none");

    let both = change(&scene, &["--target", "exchange-online"]);
    assert_eq!(both.candidates()[0]["decision"], "publish", "the payload carries it");
    let finding = both.findings.iter().find(|finding| finding["code"] == "no-directory-object").unwrap();
    assert_eq!(finding["decision"], Value::Null);
    let plain = scene.convert();
    assert!(!plain.codes().contains(&"no-directory-object"));
    assert_eq!(plain.change, "");

    // A computer is no recipient, so the file stays by itself.
    let computer = Entry::kim().line("objectClass: computer");
    let scene = scene.file("in/export.ldif", ldif(&[computer]));
    assert!(change(&scene, &[]).codes().contains(&"no-directory-object"));
}

#[test]
fn an_object_whose_name_is_not_certain_is_left_alone() {
    let ended = old(9).sign();
    let guid = "objectGUID:: AAECAwQFBgcICQoLDA0ODw==";
    let moved = Entry::nobody("Kim Lee").line("mail: kim@example.com").line(guid);
    let two = Scene::of(&[Entry::kim().line(guid).cert(&ended), moved]);
    let odd = "dn: Kim in the cellar\nobjectClass: user\nmail: kim@example.com\n";
    let odd = format!("{odd}userCertificate:: {}\n", scene::base64(&ended));
    let none = odd.replace("dn: Kim in the cellar", "dn:: !");
    let latin = b"dn: CN=Zo\xeb,DC=x\nobjectClass: user\nmail: kim@example.com\nuserCertificate:: ".to_vec();
    let latin = [latin, scene::base64(&ended).into_bytes(), b"\n".to_vec()].concat();
    let export = |text: &[u8]| Scene::of(&[]).file("in/export.ldif", text);
    for (what, scene) in [
        ("two names", two),
        ("no DN", export(odd.as_bytes())),
        ("not UTF-8", export(&latin)),
        ("unreadable", export(none.as_bytes())),
    ] {
        let outcome = change(&scene, &[]);
        assert_eq!(records(&outcome), [], "{what}");
        let found = outcome.findings.iter().find(|finding| finding["code"] == "no-directory-object");
        assert!(
            found.is_some_and(|finding| finding["certificate"] == Value::Null),
            "{what}: {:?}",
            outcome.codes()
        );
    }
    // Nothing would change, so nothing is said.
    let fresh = User::kim().sign();
    let same = Scene::of(&[Entry::kim().line(guid).cert(fresh), Entry::nobody("Kim Lee").line(guid)]);
    assert!(!change(&same, &[]).codes().contains(&"no-directory-object"));
}

#[test]
fn entra_connects_limit_counts_what_is_left() {
    let efs = |n: u16| User::kim().number(200 + n).purposes(&[oid::CLIENT_AUTH]).sign();
    let many = |count: u16, make: &dyn Fn(u16) -> Vec<u8>| {
        (0..count).fold(Entry::kim(), |entry, n| entry.cert(make(n)))
    };
    let (fresh, ended) = (User::kim().sign(), |n: u16| old(300 + n).sign());
    let new = |entry: Entry| Scene::of(&[entry]).file("in/new.cer", &fresh);
    let codes = |scene: &Scene| change(scene, &[]);

    let mended = codes(&Scene::of(&[many(20, &ended)]));
    assert_eq!(records(&mended)[0].delete.len(), 20);
    assert!(!mended.codes().contains(&"too-many-values"), "the change mends it");
    let left = codes(&Scene::of(&[many(16, &efs).cert(ended(0))]));
    let found = left.findings.iter().find(|finding| finding["code"] == "too-many-values").unwrap();
    assert!(text(&found["found"]).contains("holds 16 values once the change is made"), "{found}");

    let fits = codes(&new(many(14, &efs)));
    assert_eq!(records(&fits)[0].add, values(&[(U, &fresh)]));
    let room = codes(&new(many(15, &efs).cert(ended(0))));
    assert!(records(&room)[0].add.is_empty(), "the sixteenth would stop the object's synchronisation");
    assert!(room.codes().contains(&"beyond-value-limit"));
    let swap = codes(&new(many(14, &efs).cert(ended(0))));
    assert_eq!((records(&swap)[0].delete.len(), records(&swap)[0].add.len()), (1, 1), "one goes, one comes");
}

#[test]
fn trust_decides_here_too() {
    let scene = || Scene::of(&[Entry::kim().cert(old(9).sign())]).file("in/new.cer", User::kim().sign());
    let untrusted = change(&scene().unverified(), &[]);
    assert_eq!(records(&untrusted).len(), 1);
    assert!(untrusted.change.contains("\n# UNVERIFIED") && untrusted.inverse.contains("\n# UNVERIFIED"));

    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export.ldif");
    std::fs::write(&export, ldif(&[Entry::kim().cert(old(9).sign())])).unwrap();
    let bundle = folder.path().join("b");
    let arguments =
        ["convert", export.to_str().unwrap(), "--at", program::AT, "--target", "active-directory", "-o"];
    let output = program::certferry(arguments.iter().copied().chain([bundle.to_str().unwrap()]));
    assert_eq!(program::code(&output), 1, "no --trust and no --unverified");
    assert_eq!(program::manifest(&bundle)["summary"]["directoryChanges"]["objects"], 0);
}

#[test]
fn the_same_targets_in_any_order_are_the_same_bundle() {
    let scene = Scene::of(&[Entry::kim().cert(old(9).sign()).cert(User::kim().sign())]);
    let id = |more: &[&str]| scene.clone().args(more).convert().manifest["bundle"]["id"].clone();
    let (online, directory) = (["--target", "exchange-online"], ["--target", "active-directory"]);
    assert_eq!(id(&[]), id(&online));
    assert_eq!(id(&[online, directory].concat()), id(&[directory, online, directory].concat()));
    assert_ne!(id(&online), id(&directory));
    assert_ne!(id(&[online, directory].concat()), id(&directory));
}

/// The company's change, byte for byte and with any number of threads; CERTFERRY_BLESS=1 takes a change over.
#[test]
fn the_change_of_the_company_is_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let made = ["1", "2"].map(|jobs| {
        let bundle = folder.path().join(jobs);
        let maps = program::maps();
        let mut more: Vec<&str> = maps.iter().map(String::as_str).collect();
        more.extend(["--target", "active-directory", "--jobs", jobs]);
        let inputs = ["ad-ldifde-utf8.ldf", "ad-ldapsearch.ldif", "folder"];
        let told = program::stderr(&program::convert(&inputs, &bundle, &more));
        for words in
            ["change of the directory: 7 objects, 22 values deleted, 0 added", "without -k", "change-0001"]
        {
            assert!(told.contains(words), "{words:?} is not in {told}");
        }
        assert!(!told.contains("Carry transfer/"), "{told}");
        more.push("--dry-run");
        let dry = program::stderr(&program::convert(&inputs, &folder.path().join("dry"), &more));
        assert!(dry.contains("7 objects, 22 values deleted") && !dry.contains("change-0001"), "{dry}");
        program::tree(&bundle)
    });
    assert_eq!(made[0], made[1]);
    let name = "review/active-directory/change-0001.ldif";
    let (_, bytes) = made[0].iter().find(|(file, _)| file == name).unwrap();
    let kept = program::root().join("tests/expected/company-change.ldif");
    if std::env::var_os("CERTFERRY_BLESS").is_some() {
        std::fs::write(&kept, bytes).unwrap();
    }
    assert!(*bytes == std::fs::read(&kept).unwrap(), "{} is another", kept.display());
    // The cast says who expired or was revoked and is otherwise good.
    let changed: Vec<String> = changes(std::str::from_utf8(bytes).unwrap())
        .iter()
        .map(|change| format!("{} {}", change.dn.split(',').next().unwrap(), change.delete.len()))
        .collect();
    let wanted = [
        "CN=이지훈 1",
        "CN=Rolf Winter 1",
        "CN=Gerd Fuchs 1",
        "CN=최유나 1",
        "CN=Ilse Baum 1",
        "CN=Manfred Hahn 16",
        "CN=Vera Pohl 1",
    ];
    assert_eq!(changed, wanted);
}

#[test]
fn every_name_that_a_directory_has_comes_out_as_it_went_in() {
    let ended = scene::base64(&old(9).sign());
    let names = [
        "CN=Kim\\, Min,DC=x",
        "CN=\\ Kim,DC=x",
        "CN=Kim\\ ,DC=x",
        "CN=\\#Kim,DC=x",
        "CN=a\\+b,DC=x",
        "CN=\\\"Kim\\\",DC=x",
        "CN=a\\\\b,DC=x",
        "CN=Zoë Müller,OU=日本,DC=x",
        "CN=a\\;b\\<c\\>,DC=x",
        "CN=a\\=b,DC=x",
        "CN=a\\0Ab,DC=x",
        "cn=Kim/Lee (2),DC=x",
    ];
    let mut out = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let line = format!(
            "mail: kim@example.com\nproxyAddresses: SMTP:p{n}@example.com\nproxyAddresses: smtp:kim@example.com"
        );
        let entry = format!(
            "dn:: {}\nobjectClass: user\n{line}\nuserCertificate:: {ended}\n\n",
            scene::base64(name.as_bytes())
        );
        out.extend_from_slice(entry.as_bytes());
    }
    let outcome = change(&Scene::of(&[]).file("in/export.ldif", out), &[]);
    let found: Vec<String> = records(&outcome).into_iter().map(|change| change.dn).collect();
    assert_eq!(found, names);
}
