//! Codes about recipients, values, inputs and the run as a whole.

use certferry::certificate::oid;
use certferry::certificate::tlv::tag;

use super::check::{Case, case};
use super::make::{Cert, User, cms, other_ca, pem, seq, signer, tag_list, tlv, world};
use super::scene::{Entry, Scene, ldif, text};

const AD: &[&str] = &["--target", "active-directory"];

/// Fifteen or more certificates of Kim's.
fn many(count: u16) -> Scene {
    let add = |entry: Entry, number| entry.cert(User::kim().number(100 + number).sign());
    Scene::of(&[(0..count).fold(Entry::kim(), add)])
}

/// Kim with one userSMIMECertificate.
fn smime(value: impl AsRef<[u8]>) -> Scene {
    Scene::of(&[Entry::kim().smime(value)])
}

pub fn recipient() -> Vec<Case> {
    let (kim, lee) = (User::kim().sign(), User::lee().sign());
    let expired = User::kim().dates("200101000000Z", "250101000000Z").sign();
    let two = |one: Entry, other: Entry| Scene::of(&[one.cert(&kim), other.cert(&lee)]);
    let guid = |entry: Entry, last: u8| {
        let bytes: Vec<u8> = (1..16).chain([last]).collect();
        entry.line(&format!("objectGUID:: {}", super::scene::base64(&bytes)))
    };
    let renamed = |name: &str, last: u8| {
        let again = Entry::nobody(name).line("mail: kim@example.com");
        Scene::of(&[guid(Entry::kim(), 1).cert(&kim), guid(again, last)])
    };
    let both = User::kim().to(&["kim@example.com", "lee@example.com"]);
    let file = |user: &User| Scene::file_of("kim.pem", pem("CERTIFICATE", &user.sign()));
    let mapped = |user: &User, to: &str| {
        file(user).file("map.csv", format!("file,address\nkim.pem,{to}\n")).args(&["--map", "map.csv"])
    };
    let cloud = |one: &str, other: &str| {
        let table = format!("source,address\n\"CN=Kim,DC=example,DC=com\",{one}\nkim@example.com,{other}\n");
        Scene::kim(&kim).file("map.csv", table).args(&["--recipient-map", "map.csv"])
    };
    let proxy = |value: &str| Scene::of(&[Entry::kim().line(&format!("proxyAddresses: {value}")).cert(&kim)]);
    let entra = |entry: Entry| {
        Scene::of(&[entry.line("sAMAccountName: kim").cert(&kim)]).args(&["--source-rules", "entra-connect"])
    };
    let shadowed = |value: &[u8]| Scene::of(&[Entry::kim().cert(&kim).smime(value)]);
    let of_lee = |user: User| Scene::of(&[Entry::kim().cert(&kim), Entry::lee().cert(user.sign())]);
    let shared = both.sign();
    let lee_with = |der: &[u8]| Scene::of(&[Entry::kim().cert(&shared), Entry::lee().cert(der)]);
    vec![
        case(
            "address-conflict",
            two(Entry::kim(), Entry::nobody("Lee").line("mail: KIM@example.com")),
            two(Entry::kim(), Entry::lee()),
        ),
        case(
            "no-recipient-address",
            Scene::of(&[Entry::nobody("Kim").cert(&kim)]),
            Scene::of(&[Entry::kim().cert(&kim)]),
        )
        .beside("no-recipient-address"),
        case("address-invalid", proxy("smtp:kim at home"), proxy("smtp:kim@home.example")),
        case(
            "several-mail-values",
            Scene::of(&[Entry::kim().line("mail: kim@example.org").cert(&kim)]),
            proxy("smtp:kim@example.org"),
        ),
        case(
            "sign-only",
            Scene::kim(User::kim().usage(&[3, 2, 7, 0x80]).sign()),
            Scene::kim(User::kim().usage(&[3, 2, 3, 0x88]).sign()),
        ),
        case("shadowing-remains", shadowed(&expired), shadowed(&kim)),
        case("stale-shadows-fresh", shadowed(&expired), shadowed(&kim)),
        case("too-many-values", many(16), many(15)),
        case(
            "object-ignored",
            Scene::of(&[Entry::lee().cert(&lee), Entry::kim().line("objectClass: computer").cert(&kim)]),
            Scene::of(&[Entry::lee().cert(&lee), Entry::kim().line("objectClass: person").cert(&kim)]),
        ),
        case("not-synchronised", entra(Entry::kim()), entra(Entry::kim().line("mailNickname: kim"))),
        case(
            "object-united",
            Scene::of(&[Entry::kim().cert(&kim), Entry::kim()]),
            Scene::of(&[Entry::kim().cert(&kim), Entry::lee()]),
        ),
        case("guid-with-two-dns", renamed("Kim Lee", 1), renamed("Kim", 1)),
        case("shared-key", of_lee(User::lee().spki(world().kim.spki.clone())), of_lee(User::lee())),
        case("shared-certificate", lee_with(&shared), lee_with(&lee)),
        case("ambiguous-owner", file(&both), mapped(&both, "kim@example.com")),
        case(
            "no-declared-owner",
            file(&User::kim().without(oid::SUBJECT_ALT_NAME)),
            mapped(&User::kim().without(oid::SUBJECT_ALT_NAME), "kim@example.com"),
        )
        .still("no-email-address"),
        case(
            "no-directory-object",
            file(&User::kim()).args(AD),
            file(&User::kim()).file("in/export.ldif", ldif(&[Entry::kim()])).args(AD),
        ),
        case(
            "map-contradicts",
            cloud("kim@example.org", "kim@example.net"),
            cloud("kim@example.org", "kim@example.org"),
        ),
    ]
}

/// Who has a damaged copy does not have the certificate, also where it ends alike and comes first.
pub fn damaged_copies_are_not_shared() {
    let shared = User::kim().to(&["kim@example.com", "lee@example.com"]).sign();
    let mut damaged = shared.clone();
    let address = damaged.windows(3).position(|letters| letters == b"kim").unwrap();
    damaged[address] = b'K';
    let (kim, lee) = (Entry::kim().cert(&shared), Entry::lee().cert(&shared));
    let eve = Entry::nobody("Eve").line("mail: eve@example.com").cert(&damaged);
    let told = |entries: &[Entry]| {
        let outcome = Scene::of(entries).convert();
        let of = |code: &str| {
            let found = outcome.findings.iter().filter(|line| line["code"] == code);
            found.map(|line| text(&line["found"])[..14].to_owned()).collect::<Vec<_>>()
        };
        (of("shared-certificate"), of("shared-key"))
    };
    let wanted = (vec!["2 recipients h".to_owned()], vec!["3 recipients h".to_owned()]);
    assert_eq!(told(&[kim.clone(), lee.clone(), eve.clone()]), wanted);
    assert_eq!(told(&[eve, kim, lee]), wanted);
}

/// A blank of another kind at the end of a DN, or an escaped one, is a part of it (RFC 4514 section 2.4): two objects.
pub fn blanks_of_a_dn_are_part_of_it() {
    let value = super::scene::base64(&User::kim().sign());
    for end in ["\u{a0}", "\u{3000}", "\\ "] {
        let entry = |dn: &str| {
            let dn = super::scene::base64(dn.as_bytes());
            format!("dn:: {dn}\nobjectClass: user\nmail: kim@example.com\nuserCertificate:: {value}\n\n")
        };
        let both = [entry("CN=Kim,O=Acme"), entry(&format!("CN=Kim,O=Acme{end}"))].concat();
        let outcome = Scene::file_of("export.ldif", both.into_bytes()).convert();
        let codes = outcome.codes();
        assert!(codes.contains(&"address-conflict") && !codes.contains(&"object-united"), "{codes:?}");
        assert!(outcome.candidates().iter().all(|candidate| candidate["decision"] == "withhold"));
    }
}

/// A private key that stands where nobody expects it is named, and no part of it is copied into the bundle.
pub fn keys_in_texts_are_not_copied() {
    let body = [
        "MHcCAQEEIN5lzBtyRv3dsd0h1fUq3nQoAoGCCqGSM49AwEHoUQDQgAEabc",
        "Zm9ya2V5LWJ5dGVzLXRoYXQtbXVzdC1ub3QtYmUtcXVvdGVkLWF0LWFsbA==",
    ];
    let key = format!("-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n", body.join("\n"));
    let base64 = super::scene::base64(key.as_bytes());
    let entry = Entry::kim()
        .line(&format!("displayName:: {base64}"))
        .line(&format!("userPrincipalName:: {base64}"))
        .line(&format!("proxyAddresses:: {base64}"))
        .line(&format!("cn: Kim\ruserPKCS12:: {}", body.concat()))
        .cert(User::kim().sign());
    let stray = [ldif(&[entry]), key.clone().into_bytes(), b"\n".to_vec(), key.clone().into_bytes()].concat();
    let table =
        format!("DN,objectClass,mail,displayName\r\n\"CN=a,DC=x\",user,a@x.example,\"{key}\"\r\n{key}");
    for (name, bytes) in [("export.ldif", stray), ("export.csv", table.into_bytes())] {
        let outcome = Scene::file_of(name, bytes).unverified().convert();
        let told: Vec<&str> = outcome
            .findings
            .iter()
            .filter(|line| line["code"] == "private-key")
            .map(|line| text(&line["found"]))
            .collect();
        assert!(told.contains(&"displayName: a private key (PEM)"), "{told:?}");
        let all = format!("{:?} {}", outcome.findings, outcome.manifest);
        for line in body {
            assert!(!all.contains(&line[..16]) && !all.contains(&line[24..40]), "{all}");
        }
        assert!(!all.contains(&base64[60..90]));
    }
}

/// The signature over a value costs as much as one of a path: it is checked where the value may be published.
pub fn statements_where_they_count() {
    let expired = User::kim().dates("200101000000Z", "250101000000Z").sign();
    let said = cms(std::slice::from_ref(&expired), &[signer(&world().lee, oid::ECDSA_SHA256)]);
    let is_bad = |scene: Scene| scene.convert().codes().contains(&"statement-signature-bad");
    assert!(!is_bad(smime(&said)));
    assert!(is_bad(smime(&said).args(&["--thorough"])));
    // Where the policy names what may be found, it is looked for: an exception that fits is not told as unused.
    let known = smime(&said).policy(
        "[codes.statement-signature-bad]\nseverity = \"info\"\nreason = \"Known.\"\nuntil = 2027-01-01\n",
    );
    assert!(is_bad(known.clone()));
    assert!(!known.convert().codes().contains(&"policy-entry-unused"));
}

pub fn value() -> Vec<Case> {
    let w = world();
    let kim = User::kim().sign();
    let line =
        |line: &str| Scene::of(&[Entry::kim().line(line).cert(&kim), Entry::lee().cert(User::lee().sign())]);
    // The shape of PKCS#8; there is no key in it.
    let hollow = |inside: u8| {
        let algorithm = seq(&[tlv(6, oid::RSA), vec![5, 0]]);
        super::scene::base64(&seq(&[vec![2, 1, 0], algorithm, tlv(inside, [0xaa; 64])]))
    };
    // An extension that says nothing to anybody, as long as it takes.
    let sized = |length: usize| Scene::kim(User::kim().sign_to(length, &[0x2b, 6, 1, 4, 1, 0xff, 0x7f, 1]));
    let range = |option: &str| {
        Scene::of(&[
            Entry::kim().line(&format!("userCertificate;range={option}:: {}", super::scene::base64(&kim)))
        ])
    };
    let own = |signing: &User| smime(tag_list(&[(3, &kim), (8, &signing.sign())]));
    let signing = || User::kim().number(3).usage(&[3, 2, 7, 0x80]);
    let said = |key, algorithm| smime(cms(std::slice::from_ref(&kim), &[signer(key, algorithm)]));
    let whole = tag_list(&[(3, &kim)]);
    let cut = [&whole[..], &[4, 0, 99, 0]].concat();
    let mut indefinite = cms(std::slice::from_ref(&kim), &[]);
    assert_eq!(indefinite[..2], [tag::SEQUENCE, 0x82]);
    indefinite.splice(1..4, [0x80]);
    indefinite.extend([0, 0]);
    let kim_pem = pem("CERTIFICATE", &kim);
    let with_ca = [kim_pem.clone(), pem("CERTIFICATE", &w.ca_der)].concat();
    vec![
        case(
            "unreadable-value",
            line("userCertificate: no certificate"),
            line("description: no certificate"),
        ),
        case(
            "private-key",
            line(&format!("userCertificate:: {}", hollow(4))),
            line(&format!("userParameters:: {}", hollow(4))),
        ),
        case(
            "duplicate-value",
            Scene::of(&[Entry::kim().cert(&kim).cert(&kim)]),
            Scene::of(&[Entry::kim().cert(&kim).smime(&kim)]),
        ),
        case("beyond-value-limit", many(16), many(15)),
        case("attribute-incomplete", range("0-0"), range("0-*")),
        case("value-too-large", sized(32_769), sized(32_768)),
        case(
            "no-user-certificate",
            smime(cms(std::slice::from_ref(&w.ca_der), &[])),
            smime(cms(&[w.ca_der.clone(), kim.clone()], &[])),
        ),
        case(
            "signing-certificate-refused",
            own(&signing().dates("200101000000Z", "250101000000Z")),
            own(&signing()),
        ),
        case("statement-signature-bad", said(&w.lee, oid::ECDSA_SHA256), said(&w.kim, oid::ECDSA_SHA256)),
        case("statement-signature-unchecked", said(&w.kim, oid::DSA_SHA256), said(&w.kim, oid::ECDSA_SHA256)),
        case("container-irregular", smime(&indefinite), smime(cms(std::slice::from_ref(&kim), &[]))),
        case("container-damaged", smime(&cut), smime(&whole)),
        case(
            "chain-certificate",
            Scene::file_of("kim.pem", with_ca),
            Scene::file_of("kim.pem", kim_pem.clone()),
        ),
        case(
            "value-form",
            Scene::kim(cms(std::slice::from_ref(&kim), &[])),
            smime(cms(std::slice::from_ref(&kim), &[])),
        ),
    ]
}

pub fn input() -> Vec<Case> {
    let export = ldif(&[Entry::kim().cert(User::kim().sign())]);
    let beside = |name: &str, bytes: &[u8]| {
        Scene::file_of("export.ldif", export.clone()).file(&format!("in/{name}"), bytes)
    };
    let lee = pem("CERTIFICATE", &User::lee().sign());
    let list = pem("X509 CRL", &super::make::ca_crl(&[], "270101000000Z"));
    let lee_export = ldif(&[Entry::lee().cert(User::lee().sign())]);
    let packed = gzip(&lee_export);
    // An export, and then nothing but line ends.
    let bomb = [&lee_export[..], &vec![b'\n'; 20 << 20]].concat();
    let export_scene = || Scene::file_of("export.ldif", export.clone());
    vec![
        case(
            "file-unreadable",
            export_scene().link("in/lee.pem", "elsewhere.pem"),
            export_scene().file("elsewhere.pem", &lee).link("in/lee.pem", "../elsewhere.pem"),
        ),
        case(
            "file-unrecognised",
            beside("lee.pem", b"<html><body>Sign in</body></html>"),
            beside("lee.pem", &lee),
        ),
        case(
            "file-without-certificate",
            beside("lee.pem", &list),
            beside("lee.pem", &[list.clone(), lee.clone()].concat()),
        ),
        case(
            "gzip-damaged",
            beside("lee.ldif.gz", &packed[..packed.len() - 4]),
            beside("lee.ldif.gz", &packed),
        ),
        case(
            "gzip-too-large",
            beside("lee.ldif.gz", &gzip(&bomb)),
            beside("lee.ldif.gz", &gzip(&bomb[..1 << 20])),
        ),
        case(
            "export-without-certificates",
            beside("lee.ldif", &ldif(&[Entry::lee()])),
            beside("lee.ldif", &lee_export),
        ),
        case(
            "encoding-not-used",
            beside("lee.ldif", &[b"\xEF\xBB\xBF", &lee_export[..]].concat()).args(&["--encoding", "1252"]),
            beside("lee.ldif", &lee_export).args(&["--encoding", "1252"]),
        ),
    ]
}

/// Packed with gzip.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::best());
    std::io::Read::read_to_end(&mut encoder, &mut packed).unwrap();
    packed
}

pub fn run() -> Vec<Case> {
    let kim = User::kim().sign();
    let plain = || Scene::kim(&kim);
    let without = User::kim().dates("200101000000Z", "250101000000Z");
    let crl = super::make::ca_crl(&[], "270101000000Z");
    let root_crl = super::make::crl("Root", &world().root, &[], "270101000000Z", &[]);
    let point = |url: &str| {
        let names = tlv(0xa0, tlv(0xa0, tlv(0x86, url)));
        Scene::kim(User::kim().ext(oid::CRL_DISTRIBUTION_POINTS, false, seq(&[seq(&[names])])).sign())
    };
    let map = |name: &str| {
        Scene::file_of("kim.pem", pem("CERTIFICATE", &kim))
            .file("map.csv", format!("file,address\n{name},kim@example.com\n"))
            .args(&["--map", "map.csv"])
    };
    let broken = {
        let mut der = world().ca_der.clone();
        // The version's tag: what follows is no certificate any more, but still one SEQUENCE.
        let at = der.windows(5).position(|w| w == [0xa0, 3, 2, 1, 2]).unwrap();
        der[at + 2] = 4;
        pem("CERTIFICATE", &der)
    };
    vec![
        case("no-trust-anchors", plain().unverified(), plain()),
        case("no-certificate-values", Scene::of(&[Entry::kim()]), Scene::of(&[Entry::kim().cert(&kim)])),
        case("revocation-not-checked", plain(), plain().crl(&crl).crl(&root_crl)),
        case(
            "record-count-unexpected",
            plain().args(&["--expect-records", "2"]),
            plain().args(&["--expect-records", "1"]),
        ),
        case(
            "internal-crl-point",
            point("ldap:///CN=CA,DC=example,DC=com?certificateRevocationList"),
            point("http://pki.example.com/ca.crl"),
        ),
        case("path-not-needed", Scene::kim(without.sign()), plain()),
        case(
            "trust-file-skipped",
            plain().file("trust/notes.txt", b"the root of 2020"),
            plain().file("trust/again.der", &world().root_der),
        ),
        case(
            "trust-certificate-unreadable",
            plain().file("issuers/old.pem", broken),
            plain().file(
                "issuers/old.pem",
                pem("CERTIFICATE", &other_ca(|ca, w| ca.ca(None).ids(&w.ca, &w.root))),
            ),
        ),
        case(
            "crl-unusable",
            plain().crl(&crl).crl(&root_crl).file("crls/old.crl", b"<html>not found</html>"),
            plain().crl(&crl).crl(&root_crl),
        ),
        case("map-entry-unused", map("lee.pem"), map("kim.pem")),
    ]
}

/// The authorities that cross in trust.sst. The bundle ends on 2026-07-01T00:00:00Z.
pub fn trust_store() -> Vec<Case> {
    let kim = User::kim().sign();
    let plain = || Scene::kim(&kim);
    let ending_at_ca = || plain().under(&world().ca_der).below_nothing();
    let old = certferry::certificate::sst::write([world().root_der.as_slice()]);
    let until = |end: &str| {
        let end = end.to_owned();
        other_ca(|ca, w| Cert { not_after: end, ..ca.ca(None).ids(&w.ca, &w.root) })
    };
    vec![
        case(
            "trust-store-expiring",
            plain().below(&until("260630235959Z")),
            plain().below(&until("260701000000Z")),
        ),
        case("trust-store-end-entity", plain().under(&kim), plain()),
        case(
            "trust-store-no-root",
            ending_at_ca(),
            ending_at_ca().file("old.sst", old).args(&["--keep-trust", "old.sst"]),
        ),
        case("trust-store-not-made", plain().unverified(), plain()),
    ]
}
