//! trust.sst through the program: what it holds, what `--keep-trust` adds, what is left out and named, and
//! that stores of Windows are read wherever certificates are. The reader here is written from the format's
//! description (MS-OSHARED 2.3.2.5) and shares nothing with the program; Wine's crypt32 is another one.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "support/pki.rs"]
#[allow(dead_code, clippy::unwrap_used)]
mod pki;
mod program;
#[path = "support/wine.rs"]
mod wine;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use certferry::certificate::oid;
use certferry::encoding::{hex, sha256};
use certferry::input::files::open_certificate_file;
use pki::{Cert, Key};
use program::*;
use serde_json::Value;

/// The certificates of a property-less store.
fn read_store(bytes: &[u8]) -> Vec<Vec<u8>> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!((word(0), word(4)), (0, 0x5452_4543));
    let (mut at, mut all) = (8, Vec::new());
    while word(at) != 0 {
        assert_eq!((word(at), word(at + 4)), (0x20, 1), "only certificates, no properties");
        let length = word(at + 8) as usize;
        all.push(bytes[at + 12..at + 12 + length].to_vec());
        at += 12 + length;
    }
    assert_eq!(bytes[at..], [0; 12], "the end, and nothing behind it");
    all
}

fn element(id: u32, data: &[u8]) -> Vec<u8> {
    [&id.to_le_bytes()[..], &1u32.to_le_bytes(), &(data.len() as u32).to_le_bytes(), data].concat()
}

/// A store with properties, in front of their certificate as Windows writes them, or behind it.
fn windows_store(ders: &[&[u8]], properties_first: bool) -> Vec<u8> {
    let mut store = b"\0\0\0\0CERT".to_vec();
    for der in ders {
        let sha1 = certferry::certificate::Certificate::parse(der).unwrap().sha1();
        let name: Vec<u8> = "Root of 2016\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
        // SHA-1, MD5 of the signature, key identifier, friendly name, an empty one.
        let mut properties = element(3, &sha1);
        properties.extend(
            [element(24, &[7; 16]), element(20, &[9; 20]), element(11, &name), element(15, b"")].concat(),
        );
        let certificate = element(0x20, der);
        let parts = if properties_first { [properties, certificate] } else { [certificate, properties] };
        store.extend(parts.concat());
    }
    store.extend([0; 12]);
    store
}

fn plain_store(ders: &[&[u8]]) -> Vec<u8> {
    let elements: Vec<u8> = ders.iter().flat_map(|der| element(0x20, der)).collect();
    [&b"\0\0\0\0CERT"[..], &elements, &[0; 12]].concat()
}

fn pem(name: &str) -> Vec<u8> {
    let bytes = fs::read(fixture(name)).unwrap();
    open_certificate_file(&bytes).entries[0].der.to_vec()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn hashes(ders: &[Vec<u8>]) -> Vec<String> {
    ders.iter().map(|der| hex(&sha256(der))).collect()
}

fn store_of(bundle: &Path) -> Vec<Vec<u8>> {
    read_store(&fs::read(bundle.join("transfer/trust.sst")).unwrap())
}

fn published(manifest: &Value) -> Vec<&Value> {
    let recipients = manifest["recipients"].as_array().unwrap().iter();
    let candidates = recipients.flat_map(|recipient| recipient["candidates"].as_array().unwrap());
    candidates.filter(|candidate| candidate["decision"] == "publish").collect()
}

fn findings(bundle: &Path, code: &str) -> Vec<Value> {
    let all = lines(&bundle.join("review/findings.ndjson"));
    all.into_iter().filter(|finding| finding["code"] == code).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[track_caller]
fn good(bundle: &Path) {
    let report = certferry(["verify", bundle.to_str().unwrap(), "--at", AT]);
    assert_eq!(code(&report), 0, "{}", stdout(&report));
}

/// A folder with files, in which the program runs.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A root, two CAs, and people below them; the second CA ends before any bundle of [`AT`] does.
struct World {
    root: Vec<u8>,
    ca: Vec<u8>,
    short: Vec<u8>,
    people: Vec<(String, Vec<u8>)>,
}

fn world() -> World {
    let (root, ca, short) = (Key::p256(), Key::p256(), Key::p256());
    let authority = |name: &str, serial, key: &Key, end: &str| {
        let cert = Cert { not_after: end.to_owned(), ..Cert::new(name, "Root", serial) };
        cert.ca(None).ids(key, &root).sign(key, &root)
    };
    let person = |name: &str, issuer: &str, serial, by: &Key| {
        let address = format!("{name}@example.com");
        let key = Key::p256();
        (address.clone(), Cert::new(name, issuer, serial).mail(&address).ids(&key, by).sign(&key, by))
    };
    World {
        root: authority("Root", 1, &root, "400101000000Z"),
        ca: authority("Long CA", 2, &ca, "400101000000Z"),
        short: authority("Short CA", 3, &short, "260620000000Z"),
        people: vec![
            person("ann", "Short CA", 10, &short),
            person("bea", "Long CA", 11, &ca),
            person("cho", "Short CA", 12, &short),
        ],
    }
}

impl World {
    /// Converts the people; `more` are further arguments.
    fn convert(&self, place: &Place, out: &str, more: &[&str]) -> std::process::Output {
        let records = self.people.iter().map(|(address, der)| {
            let value = base64(der);
            format!("dn: cn={address},dc=x\nobjectClass: user\nmail: {address}\nuserCertificate:: {value}\n")
        });
        let input = place.file("people.ldif", records.collect::<Vec<_>>().join("\n"));
        let out = place.path(out);
        let head = ["convert", &input, "--at", AT, "-o", out.to_str().unwrap()];
        certferry(head.iter().chain(more).copied())
    }
}

#[test]
fn it_holds_the_issuers_of_what_is_published() {
    let place = Place::new();
    let bundle = place.path("bundle");
    convert(COMPANY, &bundle, &[]);
    let store = store_of(&bundle);
    let manifest = manifest(&bundle);
    let published = published(&manifest);
    let chains: BTreeSet<String> = published
        .iter()
        .flat_map(|candidate| candidate["path"]["chain"].as_array().unwrap().iter().skip(1))
        .map(|sha256| text(sha256).to_owned())
        .collect();
    let found = hashes(&store);
    assert!(found.is_sorted() && chains.len() > 4);
    assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), chains);
    assert_eq!(found.len(), chains.len(), "none stands twice");
    for candidate in &published {
        assert!(!chains.contains(text(&candidate["sha256"])));
    }
    // The certificate of one CA came along inside a person's own value.
    let subjects: Vec<&str> =
        manifest["trustStore"].as_array().unwrap().iter().map(|entry| text(&entry["subject"])).collect();
    assert!(subjects.iter().any(|subject| subject.contains("Issuing CA Suwon")), "{subjects:?}");
    let transfer: Value =
        serde_json::from_slice(&fs::read(bundle.join("transfer/transfer.json")).unwrap()).unwrap();
    assert_eq!(transfer["counts"]["trustCertificates"], store.len());
    let handover = fs::read_to_string(bundle.join("transfer/HANDOVER.txt")).unwrap();
    assert!(handover.contains(&format!("trust.sst, {} authorities' certificates", store.len())));
    good(&bundle);
}

/// One finding for the authority, with the number of people and the first of them; the rest is there.
#[test]
fn what_ends_before_the_bundle_is_left_out_and_named_once() {
    let (world, place) = (world(), Place::new());
    let root = place.file("root.der", &world.root);
    let cas = place.file("cas/long.der", &world.ca);
    place.file("cas/short.der", &world.short);
    let cas = Path::new(&cas).parent().unwrap().to_str().unwrap();
    let run = |out: &str, jobs: &str| {
        let output = world.convert(&place, out, &["--trust", &root, "--intermediate", cas, "--jobs", jobs]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert!(
            stderr(&output).contains("transfer/trust.sst, 2 authorities' certificates"),
            "{}",
            stderr(&output)
        );
        tree(&place.path(out))
    };
    let one = run("one", "1");
    assert_eq!(one, run("two", "2"));
    let bundle = place.path("one");
    let mut wanted = hashes(&[world.root.clone(), world.ca.clone()]);
    wanted.sort();
    assert_eq!(hashes(&store_of(&bundle)), wanted);
    let told = findings(&bundle, "trust-store-expiring");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(text(&told[0]["certificate"]["sha256"]), hex(&sha256(&world.short)));
    assert_eq!(told[0]["severity"], "warning");
    for words in ["CN=Short CA", "2026-06-20T00:00:00Z", "2 people", "the first one is ann@example.com"] {
        assert!(text(&told[0]["found"]).contains(words), "{}", told[0]);
    }
    let manifest = manifest(&bundle);
    let entries = manifest["trustStore"].as_array().unwrap();
    let short = entries.iter().find(|entry| entry["subject"] == "CN=Short CA").unwrap();
    assert_eq!(
        (&short["leftOut"], &short["people"]),
        (&Value::from("trust-store-expiring"), &Value::from(2))
    );
    good(&bundle);
}

/// A person's signing certificate may come from another CA than the one to encrypt to: in a value that
/// holds both, each needs its own.
#[test]
fn the_authorities_of_signing_certificates_are_in_it() {
    let (root, one, two) = (Key::p256(), Key::p256(), Key::p256());
    let authority = |name: &str, serial, key: &Key| {
        Cert::new(name, "Root", serial).ca(None).ids(key, &root).sign(key, &root)
    };
    let (root_der, one_der, two_der) = (
        authority("Root", 1, &root),
        authority("CA for keys", 2, &one),
        authority("CA for signatures", 3, &two),
    );
    let person = |issuer: &str, serial, usage: [u8; 2], by: &Key| {
        let key = Key::p256();
        Cert::new("Kim", issuer, serial)
            .with(pki::extension(oid::KEY_USAGE, true, [3, 2, usage[0], usage[1]]))
            .with(pki::extension(
                oid::SUBJECT_ALT_NAME,
                false,
                pki::seq(&[pki::tlv(0x81, "kim@example.com")]),
            ))
            .ids(&key, by)
            .sign(&key, by)
    };
    // keyAgreement, digitalSignature
    let encrypting = person("CA for keys", 10, [3, 0x08], &one);
    let signing = person("CA for signatures", 11, [7, 0x80], &two);
    let value = pki::cms(&[encrypting, signing, two_der.clone()], &[]);
    let place = Place::new();
    let input = place.file(
        "kim.ldif",
        format!(
            "dn: cn=Kim\nobjectClass: user\nmail: kim@example.com\nuserSMIMECertificate:: {}\n",
            base64(&value)
        ),
    );
    let (trust, ca) = (place.file("root.der", &root_der), place.file("one.der", &one_der));
    let out = place.path("bundle");
    let output = certferry([
        "convert",
        &input,
        "--at",
        AT,
        "--trust",
        &trust,
        "--intermediate",
        &ca,
        "-o",
        out.to_str().unwrap(),
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let mut wanted = hashes(&[root_der, one_der, two_der.clone()]);
    wanted.sort();
    assert_eq!(hashes(&store_of(&out)), wanted);
    let manifest = manifest(&out);
    let entries = manifest["trustStore"].as_array().unwrap();
    let origins: BTreeSet<(&str, &str)> =
        entries.iter().map(|entry| (text(&entry["subject"]), text(&entry["origin"]))).collect();
    let chain = [("CN=CA for keys", "chain"), ("CN=CA for signatures", "signer"), ("CN=Root", "chain")];
    assert_eq!(origins, BTreeSet::from(chain));
    good(&out);
}

#[test]
fn a_kept_store_is_united_with_the_new_one() {
    let (world, place) = (world(), Place::new());
    let root = place.file("root.der", &world.root);
    let ca = place.file("ca.der", &world.ca);
    let trust = ["--trust", &root, "--intermediate", &ca];
    let other = pem("pki/not-trusted/nordwind-root.pem");
    let ended = {
        let key = Key::p256();
        let cert = Cert { not_after: "250101000000Z".into(), ..Cert::new("Ended CA", "Ended CA", 7) };
        cert.ca(None).ids(&key, &key).sign(&key, &key)
    };
    let person = &world.people[0].1;
    let ders: [&[u8]; 6] = [&ended, &world.ca, person, &other, &world.short, &other];
    let kept = place.file("old.sst", windows_store(&ders, true));
    let output = world.convert(&place, "bundle", &[&trust[..], &["--keep-trust", &kept]].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let bundle = place.path("bundle");
    let mut wanted = hashes(&[world.root.clone(), world.ca.clone(), other.clone()]);
    wanted.sort();
    assert_eq!(hashes(&store_of(&bundle)), wanted);
    assert!(stderr(&output).contains("3 authorities' certificates, 1 of them by --keep-trust alone"));

    let told = findings(&bundle, "trust-store-expiring");
    let named = |name: &str| told.iter().find(|finding| text(&finding["found"]).contains(name)).unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(named("CN=Ended CA")["severity"], "info");
    assert!(text(&named("CN=Ended CA")["found"]).contains("ended at 2025-01-01T00:00:00Z"));
    assert_eq!(named("CN=Short CA")["severity"], "warning");
    for finding in &told {
        assert!(text(&finding["found"]).contains("no certificate that is published here rests on it"));
    }
    let leaf = findings(&bundle, "trust-store-end-entity");
    assert_eq!(leaf.len(), 1);
    assert!(
        text(&leaf[0]["found"]).contains("CN=ann (serial 0a) in the store of --keep-trust is no authority's")
    );
    let manifest = manifest(&bundle);
    let origin = |der: &[u8]| {
        let entries = manifest["trustStore"].as_array().unwrap();
        let entry = entries.iter().find(|entry| text(&entry["sha256"]) == hex(&sha256(der))).unwrap();
        (text(&entry["origin"]).to_owned(), entry["people"].as_u64().unwrap())
    };
    assert_eq!(origin(&world.ca), ("chain".to_owned(), 1));
    assert_eq!(origin(&other), ("kept".to_owned(), 0));
    good(&bundle);

    // The option belongs to what the bundle is made of; where the file lies does not.
    let id = |out: &str, more: &[&str]| {
        world.convert(&place, out, &[&trust[..], more].concat());
        text(&program::manifest(&place.path(out))["bundle"]["id"]).to_owned()
    };
    let moved = place.file("elsewhere/tenant.sst", fs::read(&kept).unwrap());
    let less = place.file("less.sst", windows_store(&ders[..4], true));
    let with = text(&manifest["bundle"]["id"]);
    assert_eq!(id("moved", &["--keep-trust", &moved]), with);
    assert_ne!(id("less", &["--keep-trust", &less]), with);
    assert_ne!(id("none", &[]), with);

    // What was written is read: keeping it again keeps everything, also where nobody needs it.
    let again = bundle.join("transfer/trust.sst");
    let strangers = self::world();
    strangers.convert(&place, "again", &[&trust[..], &["--keep-trust", again.to_str().unwrap()]].concat());
    assert_eq!(fs::read(place.path("again/transfer/trust.sst")).unwrap(), fs::read(&again).unwrap());
    good(&place.path("again"));
}

/// A certificate of an age without extensions may be a root; a person's would bear an address.
#[test]
fn an_old_root_is_kept() {
    let (world, place) = (world(), Place::new());
    let key = Key::p256();
    // Without its version and extensions, signed again.
    let version_1 = |cert: Cert| {
        let der = cert.sign(&key, &key);
        let tbs = certferry::certificate::Certificate::parse(&der).unwrap().tbs();
        let version = [0xa0, 3, 2, 1, 2];
        let body = tbs.windows(5).position(|bytes| bytes == version).unwrap() + 5;
        let tbs = pki::tlv(0x30, &tbs[body..]);
        let signature = [&[0], key.sign(&tbs).as_slice()].concat();
        pki::seq(&[tbs, key.algorithm(), pki::tlv(3, signature)])
    };
    let old = version_1(Cert::new("Old Root", "Old Root", 90));
    let other = version_1(Cert::new("Other", "Old Root", 91));
    let address = pki::seq(&[pki::tlv(6, oid::EMAIL_ADDRESS), pki::tlv(0x16, "eva@example.com")]);
    let person = pki::seq(&[pki::tlv(0x31, address)]);
    let person = version_1(Cert { subject: person.clone(), issuer: person, ..Cert::new("", "", 92) });
    let kept = place.file("old.sst", plain_store(&[&old, &other, &person]));
    let root = place.file("root.der", &world.root);
    world.convert(&place, "bundle", &["--trust", &root, "--keep-trust", &kept]);
    assert_eq!(store_of(&place.path("bundle")), [old]);
    let told = findings(&place.path("bundle"), "trust-store-end-entity");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|finding| text(&finding["found"]).contains("is no authority's")), "{told:?}");
}

#[test]
fn a_kept_store_that_breaks_off_is_a_finding() {
    let (world, place) = (world(), Place::new());
    let (root, ca) = (place.file("root.der", &world.root), place.file("ca.der", &world.ca));
    let other = pem("pki/not-trusted/nordwind-root.pem");
    let whole = windows_store(&[&other, &world.short], true);
    let run = |out: &str, bytes: &[u8]| {
        let kept = place.file("old.sst", bytes);
        let more = ["--trust", &root, "--intermediate", &ca, "--keep-trust", &kept];
        let output = world.convert(&place, out, &more);
        assert_eq!(code(&output), 1, "{}", stderr(&output));
        findings(&place.path(out), "trust-certificate-unreadable")
    };
    let told = run("cut", &whole[..whole.len() - 13]);
    assert!(text(&told[0]["found"]).contains("old.sst under --keep-trust"), "{told:?}");
    assert!(text(&told[0]["found"]).contains("cut off, so certificates may be missing"), "{told:?}");
    assert!(
        hashes(&store_of(&place.path("cut"))).contains(&hex(&sha256(&other))),
        "what stood before is kept"
    );
    good(&place.path("cut"));
    let told = run("behind", &[&whole[..], b"\x20\0\0\0"].concat());
    assert!(
        text(&told[0]["found"]).contains("behind the end of the certificate store (4 bytes)"),
        "{told:?}"
    );
    let key = plain_store(&[&[&[0x30, 3], &b"abc"[..]].concat()]);
    let told = run("odd", &key);
    assert!(text(&told[0]["found"]).contains("should be a certificate and is none"), "{told:?}");
}

#[test]
fn what_is_no_store_is_refused() {
    let (world, place) = (world(), Place::new());
    let root = place.file("root.der", &world.root);
    let folder = place.path("folder");
    fs::create_dir(&folder).unwrap();
    let cases = [
        (fixture("pki/trust/root.pem").display().to_string(), "it is no certificate store, but PEM"),
        (place.file("empty.sst", b""), "it is no certificate store, but empty"),
        (root.clone(), "it is no certificate store, but a DER certificate"),
        (folder.display().to_string(), "it could not be read"),
        (place.path("no-such.sst").display().to_string(), "it could not be read: No such file"),
    ];
    for (kept, words) in &cases {
        let output = world.convert(&place, "bundle", &["--trust", &root, "--keep-trust", kept]);
        assert_eq!(code(&output), 2, "{}", stderr(&output));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
        assert!(stderr(&output).contains("Get-SmimeConfig"), "{}", stderr(&output));
        assert!(!place.path("bundle").exists());
    }
    // One without any certificate is a store, and nothing is lost by keeping it.
    let empty = place.file("nothing.sst", plain_store(&[]));
    let output = world.convert(&place, "bundle", &["--trust", &root, "--keep-trust", &empty]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(!place.path("bundle/transfer/trust.sst").exists());
    good(&place.path("bundle"));
}

#[test]
fn without_verified_paths_it_holds_only_what_was_kept() {
    let (world, place) = (world(), Place::new());
    let output = world.convert(&place, "bare", &["--unverified"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(!place.path("bare/transfer/trust.sst").exists());
    assert!(stderr(&output).contains("there is no trust.sst"), "{}", stderr(&output));
    let told = findings(&place.path("bare"), "trust-store-not-made");
    assert_eq!(told.len(), 1);
    assert!(text(&told[0]["found"]).contains("3 published certificates"), "{}", told[0]);
    let handover = fs::read_to_string(place.path("bare/transfer/HANDOVER.txt")).unwrap();
    assert!(handover.contains("none: there is no trust.sst") && !handover.contains("-PublishTrustStore"));
    good(&place.path("bare"));

    let kept = place.file("old.sst", plain_store(&[&world.root]));
    world.convert(&place, "kept", &["--unverified", "--keep-trust", &kept]);
    assert_eq!(store_of(&place.path("kept")), std::slice::from_ref(&world.root));
    let told = findings(&place.path("kept"), "trust-store-not-made");
    assert!(text(&told[0]["found"]).contains("holds only what --keep-trust gave"), "{}", told[0]);
    let handover = fs::read_to_string(place.path("kept/transfer/HANDOVER.txt")).unwrap();
    assert!(handover.contains("-AllowUnverified") && handover.contains("-PublishTrustStore"));
    good(&place.path("kept"));
}

/// A store of Windows serves wherever certificates are read, in both orders of its properties.
#[test]
fn stores_with_properties_are_read_everywhere() {
    let (world, place) = (world(), Place::new());
    let (_, person) = &world.people[1];
    for (first, name) in [(true, "before"), (false, "after")] {
        let trust = place.file(&format!("{name}/trust.sst"), windows_store(&[&world.root], first));
        let cas = place.file(&format!("{name}/cas.sst"), windows_store(&[&world.ca, &world.short], first));
        let people: Vec<&[u8]> = world.people.iter().map(|(_, der)| der.as_slice()).collect();
        let input = place.file(&format!("{name}/people.sst"), windows_store(&people, first));
        let out = place.path(&format!("{name}-bundle"));
        let output = certferry([
            "convert",
            &input,
            "--at",
            AT,
            "--trust",
            &trust,
            "--intermediate",
            &cas,
            "--keep-trust",
            &trust,
            "-o",
            out.to_str().unwrap(),
        ]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let manifest = manifest(&out);
        assert_eq!(published(&manifest).len(), 3, "{name}");
        assert_eq!(manifest["inputs"][0]["kind"], "sst");
        assert_eq!(manifest["inputs"][0]["records"], 3);
        let own = place.file(&format!("{name}/own.sst"), windows_store(&[person, &world.ca], first));
        let output = certferry(["inspect", &own, "--at", AT, "--trust", &trust, "--format", "ndjson"]);
        assert_eq!(code(&output), 0, "{}", stdout(&output));
        let lines: Vec<Value> =
            stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let roles: Vec<(&str, &str)> =
            lines.iter().map(|line| (text(&line["role"]), text(&line["verdict"]))).collect();
        assert_eq!(roles[0].1, "accept");
        assert_eq!((lines.len(), roles[1].0), (2, "chain"), "{name}");
    }
    let whole = windows_store(&[person, &world.ca], true);
    let cut = place.file("cut.sst", &whole[..whole.len() - 20]);
    let output = certferry(["inspect", &cut, "--at", AT, "--format", "ndjson"]);
    assert_eq!(code(&output), 1, "{}", stdout(&output));
    assert!(stdout(&output).contains("cut off, so certificates may be missing"), "{}", stdout(&output));
    let root = place.file("root.der", &world.root);
    let cut_cas = place.file("cut-cas.sst", &whole[..whole.len() - 20]);
    let output = world.convert(&place, "cut", &["--trust", &root, "--intermediate", &cut_cas]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(
        text(&findings(&place.path("cut"), "trust-certificate-unreadable")[0]["found"]).contains("cut off")
    );
    let output =
        certferry(["convert", &cut, "--at", AT, "--trust", &root, "-o", place.path("b").to_str().unwrap()]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(text(&findings(&place.path("b"), "unreadable-value")[0]["found"]).contains("cut off"));
}

/// Wine's crypt32 finds the same certificates, by number and SHA-1.
#[test]
fn crypt32_reads_the_same_certificates() {
    let Some(wine) = wine::Wine::new() else { return };
    let (world, place) = (world(), Place::new());
    let company = place.path("company");
    convert(COMPANY, &company, &[]);
    let root = place.file("root.der", &world.root);
    let kept =
        place.file("old.sst", windows_store(&[&world.ca, &pem("pki/not-trusted/nordwind-root.pem")], true));
    world.convert(&place, "kept", &["--trust", &root, "--keep-trust", &kept]);
    for bundle in [company, place.path("kept")] {
        let manifest = manifest(&bundle);
        let inside = manifest["trustStore"].as_array().unwrap().iter().filter(|e| e["leftOut"].is_null());
        let wanted: BTreeSet<String> = inside.map(|entry| text(&entry["sha1"]).to_owned()).collect();
        assert!(wanted.len() > 1);
        let found = wine.certificates(&bundle.join("transfer/trust.sst"));
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
    }
    // It is the file that answers, not the list above.
    let one = place.file("one.sst", plain_store(&[&world.ca]));
    let sha1 = certferry::certificate::Certificate::parse(&world.ca).unwrap().sha1();
    assert_eq!(wine.certificates(Path::new(&one)), [hex(&sha1)]);
}
