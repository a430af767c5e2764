//! Properties of the path engine, on chains made for the purpose.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "support/pki.rs"]
mod pki;

use std::sync::OnceLock;

use certferry::certificate::{Certificate, UnixTime, oid};
use certferry::path::{Engine, Options, Outcome, PathCode, Revocation, Verdict};
use pki::{Cert, Key, crl, extension, seq, tlv};
use proptest::prelude::*;

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-01T00:00:00Z").unwrap()
}

fn validate(
    anchors: &[&[u8]],
    pool: &[&[u8]],
    crls: &[&[u8]],
    options: Options,
    target: &[u8],
    extra: &[&[u8]],
) -> Outcome {
    let parse = |list: &[&[u8]]| {
        list.iter().map(|d| Certificate::parse(d.to_vec().leak()).unwrap()).collect::<Vec<_>>()
    };
    let (engine, problems) = Engine::new(parse(anchors), parse(pool), crls, options);
    assert!(problems.is_empty());
    let outcome = engine.validate(&Certificate::parse(target).unwrap(), &parse(extra));
    let again = engine.validate(&Certificate::parse(target).unwrap(), &parse(extra));
    assert_eq!(outcome, again, "a warm engine says the same");
    outcome
}

fn codes(outcome: &Outcome) -> Vec<(&'static str, usize)> {
    outcome.findings.iter().map(|f| (f.code.as_str(), f.depth)).collect()
}

/// Root → CA → user, with a second CA of the same name and another key, and a cross-certificate.
struct World {
    root: Vec<u8>,
    ca: Vec<u8>,
    user: Vec<u8>,
    noise: Vec<Vec<u8>>,
    crl: Vec<u8>,
    revoking: Vec<u8>,
    ca_key: Key,
    user_key: Key,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let (root, ca, user, other, bridge) =
            (Key::p256(), Key::p256(), Key::p256(), Key::p256(), Key::ed25519());
        let noise = vec![
            Cert::new("CA", "Root", 12).ca(None).ids(&other, &root).sign(&other, &root),
            Cert::new("CA", "Bridge", 13).ca(None).ids(&ca, &bridge).sign(&ca, &bridge),
            Cert::new("Bridge", "CA", 14).ca(None).ids(&bridge, &ca).sign(&bridge, &ca),
            Cert::new("Root", "Bridge", 15).ca(None).ids(&root, &bridge).sign(&root, &bridge),
            Cert::new("CA", "CA", 16).ca(None).ids(&ca, &other).sign(&ca, &other),
            Cert::new("CA", "Nobody", 17).ca(None).sign(&other, &bridge),
        ];
        World {
            root: Cert::new("Root", "Root", 1).ca(None).sign(&root, &root),
            ca: Cert::new("CA", "Root", 2).ca(Some(0)).ids(&ca, &root).sign(&ca, &root),
            user: Cert::new("User", "CA", 3).mail("user@example.com").ids(&user, &ca).sign(&user, &ca),
            noise,
            crl: crl("CA", &ca, &[vec![9]], "400101000000Z", &[]),
            revoking: crl("CA", &ca, &[vec![9], vec![3]], "250101000000Z", &[]),
            ca_key: ca,
            user_key: user,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn unrelated_certificates_in_any_order_change_nothing(picks in proptest::collection::vec(0usize..6, 0..12), as_extra: bool) {
        let w = world();
        let noise: Vec<&[u8]> = picks.iter().map(|i| w.noise[*i].as_slice()).collect();
        let mut pool = noise.clone();
        pool.insert(picks.first().copied().unwrap_or(0).min(noise.len()), &w.ca);
        let outcome = if as_extra {
            validate(&[&w.root], &[], &[], Options::smime(at()), &w.user, &pool)
        } else {
            validate(&[&w.root], &pool, &[], Options::smime(at()), &w.user, &[])
        };
        prop_assert_eq!(outcome.verdict, Verdict::Valid, "{:?}", codes(&outcome));
        prop_assert_eq!(outcome.chain.len(), 3);
        let mut backwards = pool.clone();
        backwards.reverse();
        let again = validate(&[&w.root], &backwards, &[], Options::smime(at()), &w.user, &[]);
        let forwards = validate(&[&w.root], &pool, &[], Options::smime(at()), &w.user, &[]);
        prop_assert_eq!(again, forwards);
    }

    #[test]
    fn a_changed_byte_is_never_valid(which in 0usize..2, place in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let w = world();
        let (mut ca, mut user) = (w.ca.clone(), w.user.clone());
        let victim = if which == 0 { &mut user } else { &mut ca };
        // The signed part: behind the outer header, as long as tbsCertificate is.
        let tbs = Certificate::parse(victim).unwrap().tbs().len();
        victim[4 + place.index(tbs)] ^= flip;
        if let (Ok(user), Ok(ca)) = (Certificate::parse(&user), Certificate::parse(&ca)) {
            let root = Certificate::parse(&w.root).unwrap();
            let (engine, _) = Engine::new(vec![root], vec![ca], &[], Options::smime(at()));
            let outcome = engine.validate(&user, &[]);
            prop_assert_ne!(outcome.verdict, Verdict::Valid);
            prop_assert!(outcome.findings.iter().any(|f| f.code.effect() != certferry::path::Effect::Tell));
        }
    }
}

#[test]
fn revocation_soft_and_hard() {
    let w = world();
    let run = |crls: &[&[u8]], revocation| {
        let options = Options { revocation, ..Options::smime(at()) };
        validate(&[&w.root, &w.ca], &[], crls, options, &w.user, &[])
    };
    assert_eq!(
        run(&[], Revocation::Soft).findings.iter().filter(|f| f.code != PathCode::IssuerDefect).count(),
        0
    );
    assert_eq!(run(&[], Revocation::Hard).verdict, Verdict::NotVerified);
    let good = run(&[&w.crl], Revocation::Hard);
    assert_eq!(
        (good.verdict, good.fresh_until.unwrap().to_string()),
        (Verdict::Valid, "2040-01-01T00:00:00Z".into())
    );
    // A stale CRL that lists the serial revokes, also beside a current one that does not.
    for crls in [&[w.revoking.as_slice()][..], &[&w.crl, &w.revoking]] {
        let outcome = run(crls, Revocation::Soft);
        assert_eq!(outcome.verdict, Verdict::Invalid);
        assert!(codes(&outcome).contains(&("revoked", 0)), "{:?}", codes(&outcome));
    }
    assert_eq!(run(&[&w.revoking], Revocation::Off).verdict, Verdict::Valid);
    let stale = crl("CA", &w.ca_key, &[], "250101000000Z", &[]);
    let outcome = run(&[&stale], Revocation::Soft);
    assert_eq!((outcome.verdict, codes(&outcome)[0]), (Verdict::Valid, ("crl-stale", 0)));
    assert_eq!(run(&[&stale], Revocation::Hard).verdict, Verdict::NotVerified);
    let forged = crl("CA", &w.user_key, &[vec![3]], "400101000000Z", &[]);
    let outcome = run(&[&forged], Revocation::Soft);
    assert_eq!((outcome.verdict, codes(&outcome)[0]), (Verdict::Valid, ("crl-unverifiable", 0)));
    let odd = extension(&[0x55, 0x1d, 99], true, [5, 0]);
    let unknown = crl("CA", &w.ca_key, &[], "400101000000Z", &[odd]);
    assert_eq!(codes(&run(&[&unknown], Revocation::Soft))[0], ("crl-unverifiable", 0));
}

#[test]
fn constraints_reach_mail_addresses() {
    let (root, ca, user) = (Key::p256(), Key::ed25519(), Key::p256());
    let tree = |tag, base: &str| tlv(tag, seq(&[tlv(0x81, base)]));
    let constraint = |parts: Vec<u8>| extension(oid::NAME_CONSTRAINTS, true, seq(&[parts]));
    let root_der =
        Cert::new("Root", "Root", 1).ca(None).with(constraint(tree(0xa1, "evil.example"))).sign(&root, &root);
    let ca_der =
        Cert::new("CA", "Root", 2).ca(None).with(constraint(tree(0xa0, "example.com"))).sign(&ca, &root);
    let verdict = |address: &str| {
        let der = Cert::new("U", "CA", 7).mail(address).sign(&user, &ca);
        let outcome = validate(&[&root_der], &[&ca_der], &[], Options::smime(at()), &der, &[]);
        (outcome.verdict, codes(&outcome).first().map_or("", |c| c.0))
    };
    assert_eq!(verdict("a@example.com").0, Verdict::Valid);
    assert_eq!(verdict("a@EXAMPLE.com").0, Verdict::Valid);
    assert_eq!(verdict("a@sub.example.com"), (Verdict::Invalid, "name-constraint-violated"));
    assert_eq!(verdict("a@evil.example"), (Verdict::Invalid, "name-constraint-violated"));
    assert_eq!(verdict("no address"), (Verdict::NotVerified, "name-constraint-unsupported"));
}

#[test]
fn anchors_and_ends_of_chains() {
    let w = world();
    let alone = validate(&[&w.user], &[], &[], Options::smime(at()), &w.user, &[]);
    assert_eq!((alone.verdict, alone.chain.len()), (Verdict::Valid, 1), "a target that is an anchor");
    let nobody = validate(&[], &[&w.ca], &[], Options::smime(at()), &w.user, &[&w.root]);
    assert_eq!(nobody.verdict, Verdict::NotVerified, "extra certificates are never anchors");
    assert!(codes(&nobody).contains(&("issuer-not-found", 2)), "{:?}", codes(&nobody));
    assert_eq!(nobody.chain.len(), 3);
    let late =
        Options { at: UnixTime::from_rfc3339("2041-01-01T00:00:00Z").unwrap(), ..Options::smime(at()) };
    let late = validate(&[&w.root], &[&w.ca], &[], late, &w.user, &[]);
    assert!(codes(&late).contains(&("anchor-expired", 2)) && codes(&late).contains(&("path-expired", 1)));
    let last =
        Options { at: UnixTime::from_rfc3339("2040-01-01T00:00:00Z").unwrap(), ..Options::smime(at()) };
    assert_eq!(validate(&[&w.root], &[&w.ca], &[], last, &w.user, &[]).verdict, Verdict::Valid, "inclusive");
    let eku = Options { required_eku: Some(oid::SERVER_AUTH.to_vec()), ..Options::rfc5280(at()) };
    assert_eq!(codes(&validate(&[&w.root], &[&w.ca], &[], eku, &w.user, &[]))[0], ("eku-not-permitted", 0));
    // A user may not issue, whoever trusts whom.
    let child = Cert::new("Child", "User", 4).mail("c@example.com").sign(&w.user_key, &w.user_key);
    let outcome = validate(&[&w.root], &[&w.ca, &w.user], &[], Options::smime(at()), &child, &[]);
    assert_eq!(outcome.verdict, Verdict::Invalid);
    assert!(
        codes(&outcome).contains(&("issuer-not-a-ca", 1))
            && codes(&outcome).contains(&("path-length-exceeded", 1))
    );
}

#[test]
fn explosions_end_as_not_verified() {
    // Twelve CAs that all certify each other, and nobody above them.
    let keys: Vec<Key> = (0..12).map(|_| Key::ed25519()).collect();
    let mut pool = Vec::new();
    for (i, below) in keys.iter().enumerate() {
        for (j, above) in keys.iter().enumerate() {
            if i != j {
                let (subject, issuer) = (format!("CA {i}"), format!("CA {j}"));
                pool.push(Cert::new(&subject, &issuer, (i * 100 + j) as u64).ca(None).sign(below, above));
            }
        }
    }
    let user = Cert::new("U", "CA 0", 9).mail("u@example.com").sign(&keys[1], &keys[0]);
    let pool: Vec<&[u8]> = pool.iter().map(Vec::as_slice).collect();
    let outcome = validate(&[], &pool, &[], Options::smime(at()), &user, &[]);
    assert_eq!(outcome.verdict, Verdict::NotVerified);
    assert!(codes(&outcome).contains(&("path-budget-exhausted", 0)), "{:?}", codes(&outcome));
}

#[test]
fn threads_agree() {
    let w = world();
    let parse = |der: &'static [u8]| Certificate::parse(der).unwrap();
    let pool = w.noise.iter().map(|d| parse(d)).chain([parse(&w.ca)]).collect();
    let (engine, _) = Engine::new(vec![parse(&w.root)], pool, &[&w.crl, &w.revoking], Options::smime(at()));
    let all: Vec<Outcome> = std::thread::scope(|scope| {
        let run = || engine.validate(&parse(&w.user), &[]);
        let handles: Vec<_> = (0..8).map(|_| scope.spawn(run)).collect();
        handles.into_iter().map(|h| h.join().unwrap()).collect()
    });
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(all[0].verdict, Verdict::Invalid);
}
