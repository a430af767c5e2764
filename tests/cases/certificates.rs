//! Codes about a certificate by itself: validity, use, key, address, encoding.

use certferry::certificate::oid;

use super::check::{Case, case, certificate};
use super::make::{User, ec_spki, rsa_spki, seq, tlv, world};
use super::scene::{Entry, Scene, text};

/// The instant of the runs is 2026-06-01T00:00:00Z.
pub fn validity() -> Vec<Case> {
    let kim = User::kim;
    let until = |until: &str| kim().dates("200101000000Z", until);
    vec![
        certificate("expired", until("260531235959Z"), until("260601000000Z")),
        certificate(
            "not-yet-valid",
            kim().dates("260601000001Z", "400101000000Z"),
            kim().dates("260601000000Z", "400101000000Z"),
        ),
        certificate("expires-soon", until("260630235959Z"), until("260701000000Z")),
        // 1185 days, and a second more.
        certificate(
            "validity-too-long",
            kim().dates("250601000000Z", "280829000001Z"),
            kim().dates("250601000000Z", "280829000000Z"),
        ),
    ]
}

pub fn usage() -> Vec<Case> {
    let kim = User::kim;
    vec![
        certificate(
            "ca-certificate",
            kim().ext(oid::BASIC_CONSTRAINTS, true, seq(&[vec![1, 1, 0xff]])),
            kim().ext(oid::BASIC_CONSTRAINTS, true, seq(&[])),
        ),
        certificate(
            "not-for-mail",
            kim().purposes(&[oid::CLIENT_AUTH, oid::EFS]),
            kim().purposes(&[oid::CLIENT_AUTH, oid::EMAIL_PROTECTION]),
        ),
        // Key encipherment is for RSA; an elliptic curve can agree on keys.
        certificate("key-usage-unsuitable", kim().usage(&[3, 2, 5, 0x20]), kim().usage(&[3, 2, 3, 0x08])),
    ]
}

pub fn key() -> Vec<Case> {
    let kim = User::kim;
    let rsa = |bits| kim().spki(rsa_spki(bits)).usage(&[3, 2, 5, 0xa0]);
    let curve = |id: &[u8]| kim().spki(ec_spki(tlv(6, id)));
    let sha1 = || seq(&[tlv(6, oid::ECDSA_SHA1)]);
    let mut unknown = world().kim.spki.clone();
    let at = unknown.windows(oid::EC.len()).position(|w| w == oid::EC).unwrap();
    unknown[at + oid::EC.len() - 1] = 99;
    vec![
        certificate("rsa-key-short", rsa(2040), rsa(2048)),
        certificate("rsa-key-too-short", rsa(1016), rsa(1024)),
        certificate("curve-unusual", curve(oid::BRAINPOOL_P256R1), curve(oid::P256)),
        certificate("explicit-curve", kim().spki(ec_spki(seq(&[vec![2, 1, 1]]))), curve(oid::P256)),
        certificate("key-unusable", kim().spki(unknown), kim()).beside("key-unusable"),
        certificate("signature-md5", kim().algorithm(seq(&[tlv(6, oid::MD5_RSA), vec![5, 0]])), kim()),
        // aws-lc signs nothing with SHA-1, so the signature is not looked at.
        certificate("signature-sha1", kim().algorithm(sha1()), kim()).unverified(),
    ]
}

pub fn address() -> Vec<Case> {
    let kim = User::kim;
    let to = |addresses: &[&str]| kim().to(addresses).sign();
    let with_lee = |der: Vec<u8>| Scene::of(&[Entry::kim().cert(der), Entry::lee()]);
    let both = to(&["kim@example.com", "lee@example.com"]);
    let alias =
        |der: Vec<u8>| Scene::of(&[Entry::kim().line("proxyAddresses: smtp:kimchi@example.com").cert(der)]);
    let subject = |address: &str| {
        let mail = seq(&[tlv(6, oid::EMAIL_ADDRESS), tlv(0x16, address)]);
        let common = seq(&[tlv(6, oid::COMMON_NAME), tlv(0x0c, "Kim")]);
        kim().but(|user| user.subject = seq(&[tlv(0x31, common), tlv(0x31, mail)]))
    };
    vec![
        certificate("no-email-address", kim().without(oid::SUBJECT_ALT_NAME), kim()),
        case("no-email-match", Scene::kim(to(&["kim@example.org"])), Scene::kim(to(&["kim@example.com"]))),
        case("foreign-address", with_lee(to(&["lee@example.com"])), with_lee(to(&["kim@example.com"]))),
        // The address is as much in the certificate, but nobody of the run has it.
        case("also-foreign-address", with_lee(both.clone()), Scene::kim(both)),
        case(
            "alias-only",
            alias(to(&["kimchi@example.com"])),
            alias(to(&["kimchi@example.com", "kim@example.com"])),
        ),
        certificate("subject-email-differs", subject("kim@example.org"), subject("KIM@example.com")),
        certificate("email-invalid", kim().to(&["kim@example.com", "kim at home"]), kim()),
    ]
}

/// Defects that the parser finds.
pub fn structure() -> Vec<Case> {
    let kim = User::kim;
    let unknown: &[u8] = &[0x2b, 6, 1, 4, 1, 0xff, 0x7f, 1];
    let serial = |octets: &[u8]| kim().but(|user| user.serial = octets.to_vec());
    let from = |tag: u8, date: &str| kim().but(|user| user.dates[0] = tlv(tag, date));
    let subject = |tag: u8, common: &[u8]| {
        let attribute = seq(&[tlv(6, oid::COMMON_NAME), tlv(tag, common)]);
        kim().but(|user| user.subject = seq(&[tlv(0x31, attribute)]))
    };
    let key = |parameters: &[u8]| {
        let spki = rsa_spki(2048);
        let null: &[u8] = &[5, 0];
        let at = spki.windows(2).position(|w| w == null).unwrap();
        // Of the same length: NULL, or an empty SEQUENCE.
        let spki = [&spki[..at], parameters, &spki[at + 2..]].concat();
        kim().spki(spki).usage(&[3, 2, 5, 0xa0])
    };
    let policies = |qualifiers: &[Vec<u8>]| {
        let mut one = vec![tlv(6, oid::ANY_POLICY)];
        one.extend(qualifiers.iter().map(|qualifier| seq(std::slice::from_ref(qualifier))));
        kim().ext(oid::CERTIFICATE_POLICIES, false, seq(&[seq(&one)]))
    };
    // Neither a CPS pointer nor a user notice.
    let qualifier = seq(&[tlv(6, [0x2a, 4]), vec![5, 0]]);
    let altname = tlv(0x81, "kim@example.com");
    let anonymous = |critical: bool| {
        kim().but(|user| user.subject = seq(&[])).ext(
            oid::SUBJECT_ALT_NAME,
            critical,
            seq(std::slice::from_ref(&altname)),
        )
    };
    vec![
        certificate("bit-string-padded", kim().usage(&[3, 2, 0, 0x88]), kim()),
        certificate(
            "signature-algorithm-mismatch",
            kim().but(|user| user.inner = seq(&[tlv(6, oid::ECDSA_SHA384)])),
            kim(),
        ),
        certificate("version-mismatch", kim().but(|user| user.version = tlv(0xa0, [2, 1, 1])), kim()),
        certificate("serial-not-positive", serial(&[0]), serial(&[1])),
        certificate("serial-too-long", serial(&[1; 21]), serial(&[1; 20])),
        // An INTEGER with a needless octet in front.
        certificate("not-der", serial(&[0, 1]), serial(&[1])),
        certificate("validity-malformed", from(0x18, "20200101000000Z"), from(0x17, "200101000000Z")),
        certificate("duplicate-extension", kim().again(oid::SUBJECT_ALT_NAME), kim()),
        certificate(
            "unknown-critical-extension",
            kim().ext(unknown, true, [5, 0]),
            kim().ext(unknown, false, [5, 0]),
        ),
        certificate("empty-issuer", kim().but(|user| user.issuer = seq(&[])), kim()).unverified(),
        certificate("empty-subject", anonymous(false), anonymous(true)),
        certificate(
            "extension-empty",
            kim().ext(oid::ISSUER_ALT_NAME, false, seq(&[])),
            kim().ext(oid::ISSUER_ALT_NAME, false, seq(&[tlv(0x82, "ca.example.com")])),
        ),
        // One that no path depends on; the others are refused for it.
        certificate(
            "extension-undecodable",
            kim().ext(oid::ISSUER_ALT_NAME, false, [5, 0]),
            kim().ext(oid::ISSUER_ALT_NAME, false, seq(&[tlv(0x82, "ca.example.com")])),
        ),
        certificate("extension-criticality", kim().ext(oid::KEY_USAGE, false, [3, 2, 3, 0x88]), kim()),
        certificate("extension-misplaced", kim().usage(&[3, 2, 2, 0x8c]), kim()),
        certificate("name-malformed", subject(0x13, b"K_m"), subject(0x13, b"Kim")),
        certificate("key-malformed", key(&[0x30, 0]), key(&[5, 0])),
        certificate("trailing-bytes", kim().but(|user| user.inside = vec![5, 0]), kim()),
        certificate("key-identifier-missing", kim().without(oid::AUTHORITY_KEY_IDENTIFIER), kim()),
        certificate("policy-malformed", policies(&[qualifier]), policies(&[])),
        certificate("unique-identifier", kim().but(|user| user.middle = tlv(0x81, [0, 7])), kim()),
    ]
}

/// A second parser's word is asked for what is about to be published, and by `inspect` always: what it
/// does not like is mostly withheld for another reason already, so these two are shown by `inspect`.
pub fn readers_through_inspect() {
    let codes = |user: User| {
        let line = Scene::bare().inspect(&user.sign());
        let list = line["findings"].as_array().unwrap();
        list.iter().map(|finding| text(&finding["code"]).to_owned()).collect::<Vec<_>>()
    };
    let good = codes(User::kim());
    for (code, user) in read_twice() {
        let found = codes(user);
        assert!(found.iter().any(|known| known == code), "{code}: {found:?}");
        assert!(!good.iter().any(|known| known == code), "{code} at a good certificate");
    }
}

/// Certificates that a second parser does not read like the first.
pub fn read_twice() -> [(&'static str, User); 2] {
    let kim = User::kim;
    let spki = &world().kim.spki;
    let longer = seq(&[spki[2..].to_vec(), vec![5, 0]]);
    // An extension without a value, the last one of the list: the first parser says so and goes on.
    let id: &[u8] = &[0x2b, 6, 1, 4, 1, 0xff, 0x7f, 1];
    let valueless = kim().but(|user| user.extensions.push((id.to_vec(), seq(&[tlv(6, id)]))));
    [("readers-disagree", kim().spki(longer)), ("second-reader-refuses", valueless)]
}
