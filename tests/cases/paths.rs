//! Codes about certification paths: Kim's certificate is good, and what stands above it is not.

use certferry::certificate::{Certificate, UnixTime, oid};
use certferry::path::{Engine, Options, Verdict};
use certferry::rules;

use super::check::{Case, certificate, path, readable};
use super::make::{
    Cert, Key, User, World, ca_constraints, ca_crl, ca_usage, crl_of, extension, open_crl, other_ca, seq,
    tlv, world,
};
use super::scene::Scene;

const LATER: &str = "270101000000Z";

/// The CA as it is, with something added.
fn ca_with(add: &[u8]) -> Vec<u8> {
    other_ca(|ca, w| ca.ca(None).ids(&w.ca, &w.root).with(add.to_vec()))
}

fn plain_ca() -> Vec<u8> {
    other_ca(|ca, w| ca.ca(None).ids(&w.ca, &w.root))
}

/// The CA with another validity.
fn ca_valid(from: &str, until: &str) -> Vec<u8> {
    other_ca(|ca, w| {
        let dated = Cert { not_before: from.into(), not_after: until.into(), ..ca };
        dated.ca(None).ids(&w.ca, &w.root)
    })
}

/// A root that calls itself as the world's does, with the same key.
fn root(change: impl FnOnce(Cert, &World) -> Cert) -> Vec<u8> {
    let w = world();
    change(Cert::new("Root", "Root", 1), w).ids(&w.root, &w.root).sign(&w.root, &w.root)
}

pub fn building() -> Vec<Case> {
    let w = world();
    let same = |scene: Scene| scene;
    let stranger = Key::p256();
    let foreign = Cert::new("Root", "Root", 9).ca(None).ids(&stranger, &stranger).sign(&stranger, &stranger);
    let chain = |length: usize| {
        // From the root down to the CA, each with a key of its own.
        let keys: Vec<Key> = (0..length).map(|_| Key::p256()).collect();
        let mut made = Vec::new();
        for (n, key) in keys.iter().enumerate() {
            let (above, by) = match n {
                0 => ("Root".to_owned(), &w.root),
                _ => (format!("CA {}", n - 1), &keys[n - 1]),
            };
            let cert = Cert::new(&format!("CA {n}"), &above, 100 + n as u64).ca(None).ids(key, by);
            made.push(cert.sign(key, by));
        }
        let last = keys.last().unwrap();
        let ca = Cert::new("CA", &format!("CA {}", length - 1), 2).ca(None).ids(&w.ca, last);
        made.push(ca.sign(&w.ca, last));
        made
    };
    let deep = |length: usize| {
        move |scene: Scene| chain(length).iter().fold(scene.below_nothing(), |scene, der| scene.issuer(der))
    };
    vec![
        path("issuer-not-found", |scene| scene.below(&foreign).under(&w.root_der), same),
        certificate_by("signature-invalid", &w.stranger, &w.ca),
        certificate(
            "algorithm-not-supported",
            User::kim().algorithm(seq(&[tlv(6, oid::ECDSA_SHA224)])),
            User::kim(),
        ),
        path(
            "path-expired",
            |scene| scene.below(&ca_valid("200101000000Z", "260531235959Z")),
            |scene| scene.below(&ca_valid("200101000000Z", "260601000000Z")),
        ),
        path(
            "path-not-yet-valid",
            |scene| scene.below(&ca_valid("260601000001Z", "400101000000Z")),
            |scene| scene.below(&ca_valid("260601000000Z", "400101000000Z")),
        ),
        path(
            "anchor-expired",
            |scene| scene.under(&root(|root, _| Cert { not_after: "260531235959Z".into(), ..root }.ca(None))),
            |scene| scene.under(&root(|root, _| Cert { not_after: "260601000000Z".into(), ..root }.ca(None))),
        ),
        path(
            "issuer-not-a-ca",
            |scene| scene.below(&other_ca(|ca, w| ca.with(ca_usage()).ids(&w.ca, &w.root))),
            |scene| {
                scene.below(&other_ca(|ca, w| ca.with(ca_constraints()).with(ca_usage()).ids(&w.ca, &w.root)))
            },
        ),
        path(
            "issuer-key-usage",
            |scene| {
                let usage = extension(oid::KEY_USAGE, true, [3, 2, 1, 2]);
                scene.below(&other_ca(|ca, w| ca.with(ca_constraints()).with(usage).ids(&w.ca, &w.root)))
            },
            |scene| {
                scene.below(&other_ca(|ca, w| ca.with(ca_constraints()).with(ca_usage()).ids(&w.ca, &w.root)))
            },
        ),
        path(
            "path-length-exceeded",
            |scene| scene.under(&root(|root, _| root.ca(Some(0)))),
            |scene| scene.under(&root(|root, _| root.ca(Some(1)))),
        ),
        path("path-budget-exhausted", deep(18), deep(17)),
        path(
            "key-identifier-mismatch",
            |scene| scene.below(&other_ca(|ca, w| ca.ca(None).ids(&w.ca, &w.stranger))),
            |scene| scene.below(&plain_ca()),
        ),
        path(
            "issuer-defects",
            |scene| scene.below(&other_ca(|ca, _| ca.ca(None))),
            |scene| scene.below(&plain_ca()),
        ),
    ]
}

/// Kim's certificate, signed with one key or another.
fn certificate_by(code: &'static str, bad: &Key, good: &Key) -> Case {
    super::check::ders(code, User::kim().sign_by(bad), User::kim().sign_by(good))
}

pub fn constraints() -> Vec<Case> {
    let purposes = |purpose: &[u8]| extension(oid::EXT_KEY_USAGE, false, seq(&[tlv(6, purpose)]));
    let permitted = |name: Vec<u8>| extension(oid::NAME_CONSTRAINTS, true, seq(&[tlv(0xa0, seq(&[name]))]));
    let mail = |host: &str| permitted(tlv(0x81, host));
    let policy = |id: &[u8]| extension(oid::CERTIFICATE_POLICIES, false, seq(&[seq(&[tlv(6, id)])]));
    let explicit = |skip: u8| extension(oid::POLICY_CONSTRAINTS, true, seq(&[tlv(0x80, [skip])]));
    let mapping = |from: &[u8]| {
        let map = extension(oid::POLICY_MAPPINGS, true, seq(&[seq(&[tlv(6, from), tlv(6, [0x2a, 4])])]));
        other_ca(|ca, w| ca.ca(None).ids(&w.ca, &w.root).with(policy(from)).with(map))
    };
    let below = |der: Vec<u8>| move |scene: Scene| scene.below(&der);
    vec![
        path(
            "eku-not-permitted",
            below(ca_with(&purposes(oid::SERVER_AUTH))),
            below(ca_with(&purposes(oid::EMAIL_PROTECTION))),
        ),
        path(
            "name-constraint-violated",
            below(ca_with(&mail("example.org"))),
            below(ca_with(&mail("example.com"))),
        ),
        path(
            "name-constraint-unsupported",
            below(ca_with(&mail("kim at@example.com"))),
            below(ca_with(&mail("kim@example.com"))),
        ),
        path("policy-required", below(ca_with(&explicit(0))), below(ca_with(&explicit(2)))),
        path("policy-mapping-any", below(mapping(oid::ANY_POLICY)), below(mapping(&[0x2a, 3]))),
    ]
}

pub fn revocation() -> Vec<Case> {
    let w = world();
    let over_root = |scene: Scene| scene.crl(&super::make::crl("Root", &w.root, &[], LATER, &[]));
    let with = |crl: Vec<u8>| move |scene: Scene| over_root(scene).crl(&crl);
    let number = |critical: bool| extension(oid::CRL_NUMBER, critical, [2, 1, 1]);
    vec![
        path("revoked", with(ca_crl(&[1], LATER)), with(ca_crl(&[2], LATER))),
        path("crl-missing", over_root, with(ca_crl(&[], LATER))),
        path("crl-stale", with(ca_crl(&[], "260531235959Z")), with(ca_crl(&[], "260601000000Z"))),
        path(
            "crl-unverifiable",
            with(super::make::crl("CA", &w.stranger, &[], LATER, &[])),
            with(super::make::crl("CA", &w.ca, &[], LATER, &[])),
        ),
        path("crl-no-next-update", with(open_crl(None)), with(open_crl(Some(LATER)))),
        path(
            "crl-defect",
            with(crl_of("CA", &w.ca, &[], LATER, &[number(true)])),
            with(crl_of("CA", &w.ca, &[], LATER, &[number(false)])),
        ),
    ]
}

/// `--max-depth` is no option of the program yet; the engine has it.
#[test]
fn max_depth_through_the_engine() {
    let w = world();
    let user = User::kim().sign();
    for (limit, raised) in [(0, true), (1, false)] {
        let at = UnixTime::from_rfc3339(super::program::AT).unwrap();
        let options = Options { max_depth: Some(limit), ..Options::smime(at) };
        let parse = |der: &'static [u8]| vec![Certificate::parse(der).unwrap()];
        let (engine, _) = Engine::new(parse(&w.root_der), parse(&w.ca_der), &[], options);
        let outcome = engine.validate(&Certificate::parse(&user).unwrap(), &[]);
        let found = outcome.findings.iter().find(|found| found.code.as_str() == "max-depth-exceeded");
        assert_eq!(found.is_some(), raised, "{limit}");
        assert_eq!(outcome.verdict, if raised { Verdict::Invalid } else { Verdict::Valid });
        if let Some(found) = found {
            let finding = rules::path::finding(found, false);
            assert!(finding.withholds());
            readable("max-depth-exceeded", &finding.message());
        }
    }
}
