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

/// A number of cases for every day; `PROPTEST_CASES` asks for another.
fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let usual = if asked { ProptestConfig::default() } else { ProptestConfig::with_cases(usual) };
    // The keys are new in every run, so a stored seed would not lead to the same case.
    ProptestConfig { failure_persistence: None, ..usual }
}

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
    #![proptest_config(cases(64))]

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
        // Noise may offer a longer chain that is as good; it ends at the same anchor.
        prop_assert_eq!(outcome.chain.last(), Some(&certferry::certificate::sha256(&w.root)));
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

proptest! {
    #![proptest_config(cases(400))]

    /// Whatever bytes: no panic, and what can be read is judged and told.
    #[test]
    fn damaged_material_is_diagnosed(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        shorten: bool,
    ) {
        let w = world();
        let damage = |der: &[u8]| {
            let mut der = der.to_vec();
            for (at, value) in &changes {
                let at = at.index(der.len());
                der[at] = *value;
            }
            if shorten {
                der.truncate(cut.index(der.len()));
            }
            der
        };
        let (user, ca, list) = (damage(&w.user), damage(&w.ca), damage(&w.revoking));
        let root = Certificate::parse(&w.root).unwrap();
        let options = Options { revocation: Revocation::Hard, ..Options::smime(at()) };
        let pool: Vec<_> = [Certificate::parse(&ca), Certificate::parse(&w.ca)].into_iter().flatten().collect();
        let (engine, _) = Engine::new(vec![root], pool.clone(), &[&list, &w.crl], options.clone());
        for target in [user.as_slice(), &w.user] {
            match Certificate::parse(target) {
                Ok(target) => {
                    let outcome = engine.validate(&target, &pool);
                    prop_assert!(outcome.verdict == Verdict::Valid || !outcome.findings.is_empty());
                    let _ = (target.defects(), target.email_addresses(), target.user_principal_names());
                }
                Err(e) => prop_assert!(e.offset <= target.len(), "{}", e),
            }
        }
        // As an anchor, and with every damaged certificate beside it.
        let (engine, _) = Engine::new(pool, Vec::new(), &[&list], options);
        let _ = engine.validate(&Certificate::parse(&w.user).unwrap(), &[]);
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

#[test]
fn the_anchor_counts_as_the_profile_says() {
    let (root, ca, user) = (Key::p256(), Key::p256(), Key::p256());
    let policy = |id: &[u8]| extension(oid::CERTIFICATE_POLICIES, false, seq(&[seq(&[tlv(6, id)])]));
    let root_der = Cert::new("Root", "Root", 1).ca(Some(0)).with(policy(&[42, 1])).sign(&root, &root);
    let ca_der = Cert::new("CA", "Root", 2).ca(None).with(policy(&[42, 2])).sign(&ca, &root);
    let user_der = Cert::new("U", "CA", 3).mail("u@example.com").with(policy(&[42, 2])).sign(&user, &ca);
    let run = |options| validate(&[&root_der], &[&ca_der], &[], options, &user_der, &[]);
    let plain = run(Options::rfc5280(at()));
    assert_eq!((plain.verdict, plain.policies), (Verdict::Valid, vec![vec![42, 2]]));
    let own = run(Options::smime(at()));
    assert!(codes(&own).contains(&("path-length-exceeded", 1)), "{:?}", codes(&own));
    assert!(own.policies.is_empty(), "the anchor has another policy");
    let asked =
        Options { explicit_policy: true, initial_policies: vec![vec![42, 1]], ..Options::rfc5280(at()) };
    assert_eq!(codes(&run(asked))[0], ("policy-required", 0));
    let short = Options { max_depth: Some(0), ..Options::rfc5280(at()) };
    assert!(codes(&run(short)).contains(&("max-depth-exceeded", 1)));
}

#[test]
fn delta_crls_add_and_remove() {
    let w = world();
    let number = |n: u8| extension(oid::CRL_NUMBER, false, [2, 1, n]);
    let indicator = extension(oid::DELTA_CRL_INDICATOR, true, [2, 1, 1]);
    let list = |entries: &[Vec<u8>], extensions: &[Vec<u8>]| {
        pki::crl_of("CA", &w.ca_key, entries, "400101000000Z", extensions)
    };
    let entry = |reason: u8| {
        let code = extension(oid::REASON_CODE, false, [0x0a, 1, reason]);
        seq(&[tlv(2, [3]), tlv(0x17, "231201000000Z"), seq(&[code])])
    };
    let base = list(&[], &[number(1)]);
    let held = list(&[entry(6)], &[number(1)]);
    let adds = list(&[entry(1)], &[number(2), indicator.clone()]);
    let removes = list(&[entry(8)], &[number(2), indicator.clone()]);
    let verdict = |crls: &[&[u8]]| {
        let options = Options { revocation: Revocation::Hard, ..Options::smime(at()) };
        validate(&[&w.ca], &[], crls, options, &w.user, &[]).verdict
    };
    assert_eq!(verdict(&[&base]), Verdict::Valid);
    assert_eq!(verdict(&[&base, &adds]), Verdict::Invalid);
    assert_eq!(verdict(&[&held]), Verdict::Invalid, "on hold is revoked");
    assert_eq!(verdict(&[&held, &removes]), Verdict::Valid, "until a delta takes it off");
    assert_eq!(verdict(&[&removes]), Verdict::NotVerified, "a delta alone says nothing good");
}

#[test]
fn algorithms_that_are_not_supported_are_named_and_never_bad() {
    let (root, ca, user) = (Key::rsa2048(), Key::rsa2048(), Key::p256());
    let root_der = Cert::new("Root", "Root", 1).ca(None).sign(&root, &root);
    let ca_der = Cert::new("CA", "Root", 2).ca(None).sign(&ca, &root);
    let user_der = Cert::new("U", "CA", 3).mail("u@example.com").sign(&user, &ca);
    let with = |id: &[u8]| {
        // The same length as sha256WithRSAEncryption, in both places.
        let mut der = user_der.clone();
        let places: Vec<usize> = (0..der.len()).filter(|i| der[*i..].starts_with(oid::SHA256_RSA)).collect();
        assert_eq!(places.len(), 2);
        places.iter().for_each(|i| der[*i..*i + id.len()].copy_from_slice(id));
        validate(&[&root_der], &[&ca_der], &[], Options::smime(at()), &der, &[])
    };
    for (id, name) in [(oid::MD5_RSA, "md5WithRSAEncryption"), (oid::SHA224_RSA, "sha224WithRSAEncryption")] {
        let outcome = with(id);
        assert_eq!(outcome.verdict, Verdict::NotVerified, "{name}");
        let finding = &outcome.findings[0];
        assert_eq!(finding.code, PathCode::UnsupportedAlgorithm);
        assert!(finding.found.contains(name), "{}", finding.found);
    }
    assert_eq!(codes(&with(oid::SHA384_RSA))[0], ("signature-invalid", 0));
    // A curve that is not supported, as the issuer's key: brainpoolP256r1 in place of P-256.
    let point = Key::p256();
    let mut spki = point.spki.clone();
    let curve = spki.windows(oid::P256.len()).position(|w| w == oid::P256).unwrap();
    spki.splice(curve - 1..curve + oid::P256.len(), [vec![9], oid::BRAINPOOL_P256R1.to_vec()].concat());
    spki[1] += 1;
    spki[3] += 1;
    let odd = point.with_spki(spki);
    let ca_der = Cert::new("CA", "Root", 2).ca(None).sign(&odd, &root);
    let user_der = Cert::new("U", "CA", 3).mail("u@example.com").sign(&user, &odd);
    let outcome = validate(&[&root_der], &[&ca_der], &[], Options::smime(at()), &user_der, &[]);
    assert_eq!(outcome.verdict, Verdict::NotVerified);
    assert!(outcome.findings.iter().any(|f| f.found.contains("brainpoolP256r1")), "{:?}", outcome.findings);
}

#[test]
fn a_crl_that_cannot_be_read_is_missing() {
    let w = world();
    let root = Certificate::parse(&w.root).unwrap();
    let ca = Certificate::parse(&w.ca).unwrap();
    let (engine, problems) = Engine::new(vec![root], vec![ca], &[b"no CRL"], Options::smime(at()));
    assert_eq!((problems.len(), problems[0].0), (1, 0));
    let outcome = engine.validate(&Certificate::parse(&w.user).unwrap(), &[]);
    assert_eq!(outcome.verdict, Verdict::Valid);
    assert!(codes(&outcome).contains(&("crl-missing", 0)), "{:?}", codes(&outcome));
}

#[test]
fn a_path_that_does_not_lead_to_the_crl_does_not_hide_it() {
    // Two anchors certify one CA key. The CRL is signed by a signer below the first alone.
    let (first, second, ca, signer, user) = (Key::p256(), Key::p256(), Key::p256(), Key::p256(), Key::p256());
    let anchors = [("First", &first), ("Second", &second)]
        .map(|(name, key)| Cert::new(name, name, 1).ca(None).sign(key, key));
    let below = [("First", &first), ("Second", &second)]
        .map(|(name, key)| Cert::new("CA", name, 2).ca(None).ids(&ca, key).sign(&ca, key));
    let usage = extension(oid::KEY_USAGE, true, [3, 2, 1, 2]);
    let signer_der = Cert::new("CA", "First", 5).with(usage).sign(&signer, &first);
    let list = crl("CA", &signer, &[vec![3]], "400101000000Z", &[]);
    let user_der = Cert::new("User", "CA", 3).mail("u@example.com").ids(&user, &ca).sign(&user, &ca);
    let pool = [below[0].as_slice(), &below[1], &signer_der];
    let outcome =
        validate(&[&anchors[0], &anchors[1]], &pool, &[&list], Options::smime(at()), &user_der, &[]);
    assert_eq!(outcome.verdict, Verdict::Invalid, "{:?}", codes(&outcome));
    assert!(codes(&outcome).contains(&("revoked", 0)));
}
