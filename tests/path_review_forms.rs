//! Attacks by policies, encodings, keys and by what stands in the pool.
//! Every case says what it is; a failing run names all that are wrong.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/attack.rs"]
mod attack;

use attack::pki::{Cert, Key, extension, name, seq, tlv};
use attack::*;
use certferry::certificate::{Certificate, oid};
use certferry::path::{Options, Revocation};

const P1: &[u8] = &[0x2a, 3, 1];
const P2: &[u8] = &[0x2a, 3, 2];
const P3: &[u8] = &[0x2a, 3, 3];
const ANY: &[u8] = oid::ANY_POLICY;

fn policies(ids: &[&[u8]]) -> Vec<u8> {
    let all: Vec<Vec<u8>> = ids.iter().map(|id| seq(&[tlv(6, id)])).collect();
    extension(oid::CERTIFICATE_POLICIES, false, seq(&all))
}
fn mapping(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let all: Vec<Vec<u8>> = pairs.iter().map(|(a, b)| seq(&[tlv(6, a), tlv(6, b)])).collect();
    extension(oid::POLICY_MAPPINGS, true, seq(&all))
}
fn require(explicit: Option<u8>, inhibit: Option<u8>) -> Vec<u8> {
    let field = |tag, n: Option<u8>| n.map_or(Vec::new(), |n| tlv(tag, [n]));
    extension(oid::POLICY_CONSTRAINTS, true, seq(&[field(0x80, explicit), field(0x81, inhibit)]))
}
fn inhibit_any(n: u8) -> Vec<u8> {
    extension(oid::INHIBIT_ANY_POLICY, true, [2, 1, n])
}

#[test]
fn policy_processing() {
    let mut cases = Cases::default();
    let add = |c: Cert, list: &[Vec<u8>]| list.iter().fold(c, |c, e| c.with(e.clone()));
    let explicit = || Options { explicit_policy: true, ..options() };
    let wants = |p: &[u8]| Options { initial_policies: vec![p.to_vec()], ..explicit() };
    type Lists<'a> = [&'a [Vec<u8>]; 3];
    let mut run = |label: &str, want: Want, set: &[&[u8]], lists: Lists<'_>, options: Options| {
        let [a, b, c] = lists;
        let outcome = deep(anchor(), add(ca(), a), add(sub(), b), add(leaf(), c), options);
        cases.case(label, want, &outcome);
        let set: Vec<Vec<u8>> = set.iter().map(|p| p.to_vec()).collect();
        if want == Valid && outcome.policies != set {
            cases.wrong.push(format!("{label}: policies {:x?}, wanted {set:x?}", outcome.policies));
        }
    };
    let (p1, p2, p3, any) = (policies(&[P1]), policies(&[P2]), policies(&[P3]), policies(&[ANY]));
    let one = std::slice::from_ref::<Vec<u8>>;
    run("none asked", Valid, &[], [&[], &[], &[]], options());
    run("none there", Invalid, &[], [&[], &[], &[]], explicit());
    run("one all along", Valid, &[P1], [one(&p1), one(&p1), one(&p1)], explicit());
    run("the wrong one", Invalid, &[], [one(&p1), one(&p1), one(&p1)], wants(P2));
    run(
        "asked and not required",
        Valid,
        &[],
        [one(&p1), one(&p1), one(&p1)],
        Options { explicit_policy: false, ..wants(P2) },
    );
    run("broken off", Invalid, &[], [one(&p1), &[], one(&p1)], explicit());
    run("changed", Invalid, &[], [one(&p1), one(&p2), one(&p2)], explicit());
    run("through any", Valid, &[P1], [one(&any), one(&any), one(&p1)], wants(P1));
    run("any is left", Valid, &[ANY], [one(&any), one(&any), one(&any)], explicit());
    run("any is left, asked", Valid, &[P2], [one(&any), one(&any), one(&any)], wants(P2));
    run(
        "any inhibited at once",
        Invalid,
        &[],
        [one(&any), one(&any), one(&p1)],
        Options { inhibit_any_policy: true, ..explicit() },
    );
    let ia0 = [any.clone(), inhibit_any(0)];
    run("any inhibited below", Invalid, &[], [&ia0, one(&any), one(&p1)], explicit());
    let ia1 = [any.clone(), inhibit_any(1)];
    run("any inhibited one later", Valid, &[P1], [&ia1, one(&any), one(&p1)], explicit());
    run("any inhibited at the end", Invalid, &[], [&ia1, one(&any), one(&any)], explicit());
    let map12 = [p1.clone(), mapping(&[(P1, P2)])];
    run("mapped", Valid, &[P1], [&map12, one(&p2), one(&p2)], wants(P1));
    run("mapped, asked for the lower", Invalid, &[], [&map12, one(&p2), one(&p2)], wants(P2));
    run("mapped away", Invalid, &[], [&map12, one(&p1), one(&p1)], explicit());
    let map23 = [p2.clone(), mapping(&[(P2, P3)])];
    run("mapped twice", Valid, &[P1], [&map12, &map23, one(&p3)], wants(P1));
    run(
        "mapping inhibited at once",
        Invalid,
        &[],
        [&map12, one(&p2), one(&p2)],
        Options { inhibit_policy_mapping: true, ..explicit() },
    );
    let im0 = [p1.clone(), require(None, Some(0))];
    let map11 = [p1.clone(), mapping(&[(P1, P2)])];
    run("mapping inhibited below", Invalid, &[], [&im0, &map11, one(&p2)], explicit());
    run("mapping inhibited, unmapped policy", Invalid, &[], [&im0, &map11, one(&p1)], explicit());
    let map_any = [any.clone(), mapping(&[(P1, P2)])];
    run("mapped out of any", Valid, &[P1], [&map_any, one(&p2), one(&p2)], wants(P1));
    run("beside the mapping out of any", Valid, &[P3], [&map_any, one(&p3), one(&p3)], wants(P3));
    let to_any = [p1.clone(), mapping(&[(P1, ANY)])];
    run("mapped to any", Invalid, &[], [&to_any, one(&p2), one(&p2)], options());
    let from_any = [any.clone(), mapping(&[(ANY, P1)])];
    run("mapped from any", Invalid, &[], [&from_any, one(&p1), one(&p1)], options());
    let fan = [policies(&[P1, P2]), mapping(&[(P1, P3), (P2, P3)])];
    run("two become one", Valid, &[P1, P2], [&fan, one(&p3), one(&p3)], explicit());
    // requireExplicitPolicy
    for (n, want) in [(0, Invalid), (1, Invalid), (2, Invalid), (3, Valid)] {
        run(&format!("explicit after {n}"), want, &[], [&[require(Some(n), None)], &[], &[]], options());
    }
    run("explicit 0 of the target", Invalid, &[], [&[], &[], &[require(Some(0), None)]], options());
    run("explicit 1 of the target", Valid, &[], [&[], &[], &[require(Some(1), None)]], options());
    // What a list of policies cannot be.
    let twice = policies(&[P1, P1]);
    run("a policy twice", Refused, &[], [one(&p1), one(&p1), one(&twice)], explicit());
    run("a policy twice above", Refused, &[], [one(&twice), one(&p1), one(&p1)], options());
    run("no policy in the list", Refused, &[], [&[policies(&[])], &[], &[]], options());
    run("empty policyConstraints", Refused, &[], [&[require(None, None)], &[], &[]], options());
    run("empty mappings", Refused, &[], [&[mapping(&[])], &[], &[]], options());
    run("policies twice", Invalid, &[], [&[p1.clone(), p1.clone()], one(&p1), one(&p1)], options());
    let negative = extension(oid::INHIBIT_ANY_POLICY, true, [2, 1, 0xff]);
    run("negative skip", Refused, &[], [&[negative], &[], &[]], options());
    let qualified = |critical| {
        let q = seq(&[seq(&[tlv(6, [0x2a, 9]), tlv(5, [])])]);
        extension(oid::CERTIFICATE_POLICIES, critical, seq(&[seq(&[tlv(6, P1), q])]))
    };
    run("unknown qualifier", Valid, &[P1], [one(&p1), one(&p1), &[qualified(false)]], explicit());
    run("unknown qualifier, critical", Invalid, &[], [one(&p1), one(&p1), &[qualified(true)]], explicit());

    // Self-issued certificates do not count down, and may say anyPolicy although it is inhibited.
    let again = |list: &[Vec<u8>]| add(Cert::new("CA", "CA", 4).ca(None), list);
    let end = |list: &[Vec<u8>]| add(Cert::new("User", "CA", 5), list);
    let o = deep(anchor(), add(ca(), &[require(Some(2), None)]), again(&[]), end(&[]), options());
    cases.case("self-issued does not count down", Valid, &o);
    let o = deep(anchor(), add(ca(), &ia0), again(one(&any)), end(one(&p1)), explicit());
    cases.case(
        "self-issued any, then one that needs it",
        Invalid,
        &deep(anchor(), add(ca(), &ia0), again(one(&any)), end(one(&any)), explicit()),
    );
    cases.case("self-issued any under inhibit", Valid, &o);
    cases.end();
}

fn signed(key: &Key, tbs: Vec<u8>) -> Vec<u8> {
    let bits = [&[0], key.sign(&tbs).as_slice()].concat();
    seq(&[tbs, key.algorithm(), tlv(3, bits)])
}

/// The parts of a certificate's tbsCertificate, to be put together otherwise.
struct Parts {
    version: Vec<u8>,
    serial: Vec<u8>,
    algorithm: Vec<u8>,
    validity: Vec<u8>,
    spki: Vec<u8>,
    extensions: Vec<u8>,
    behind: Vec<u8>,
}

impl Parts {
    fn new() -> Self {
        Self {
            version: tlv(0xa0, [2, 1, 2]),
            serial: vec![2, 1, 9],
            algorithm: keys().root.algorithm(),
            validity: seq(&[tlv(0x17, "200101000000Z"), tlv(0x17, "400101000000Z")]),
            spki: keys().ca.spki.clone(),
            extensions: tlv(0xa3, seq(&[extension(oid::BASIC_CONSTRAINTS, true, seq(&[vec![1, 1, 0xff]]))])),
            behind: Vec::new(),
        }
    }

    fn tbs(self) -> Vec<u8> {
        let (issuer, subject) = (name("Root"), name("CA"));
        let Self { version, serial, algorithm, validity, spki, extensions, behind } = self;
        seq(&[version, serial, algorithm, issuer, validity, subject, spki, extensions, behind])
    }
}

#[test]
fn encodings() {
    let mut cases = Cases::default();
    let k = keys();
    let p = Parts::new;
    let times = |a: Vec<u8>, b: Vec<u8>| Parts { validity: seq(&[a, b]), ..p() };
    let until = |tag: u8, text: &str| times(tlv(0x17, "200101000000Z"), tlv(tag, text));
    let ext = |list: &[Vec<u8>]| {
        let ca = extension(oid::BASIC_CONSTRAINTS, true, seq(&[vec![1, 1, 0xff]]));
        Parts { extensions: tlv(0xa3, seq(&[&[ca], list].concat())), ..p() }
    };
    let (algorithm, bits) = {
        let inner = &k.ca.spki[2..];
        let n = 2 + usize::from(inner[1]);
        (inner[..n].to_vec(), inner[n..].to_vec())
    };
    let spki = |parts: &[Vec<u8>]| Parts { spki: seq(parts), ..p() };
    let more = seq(&[algorithm[2..].to_vec(), vec![5, 0]]);
    let all: Vec<(&str, Parts, Want)> = vec![
        ("as it should be", p(), Valid),
        ("version 1 with extensions", Parts { version: Vec::new(), ..p() }, Refused),
        ("version 2 with extensions", Parts { version: tlv(0xa0, [2, 1, 1]), ..p() }, Refused),
        ("version 4", Parts { version: tlv(0xa0, [2, 1, 3]), ..p() }, Refused),
        ("a version and something", Parts { version: tlv(0xa0, [2, 1, 2, 5, 0]), ..p() }, Refused),
        ("version in two octets", Parts { version: tlv(0xa0, [2, 2, 0, 2]), ..p() }, Refused),
        ("empty serial", Parts { serial: vec![2, 0], ..p() }, Refused),
        ("long serial", Parts { serial: vec![2, 2, 0, 9], ..p() }, Refused),
        ("long length", Parts { serial: vec![2, 0x81, 1, 9], ..p() }, Refused),
        ("negative serial", Parts { serial: vec![2, 1, 0x80], ..p() }, Valid),
        ("another algorithm inside", Parts { algorithm: seq(&[tlv(6, oid::SHA256_RSA)]), ..p() }, Invalid),
        (
            "parameters inside",
            Parts { algorithm: seq(&[tlv(6, oid::ECDSA_SHA256), vec![5, 0]]), ..p() },
            Invalid,
        ),
        ("inclusive notAfter", until(0x17, "260101000000Z"), Valid),
        ("a second too late", until(0x17, "251231235959Z"), Invalid),
        ("inclusive notBefore", times(tlv(0x17, "260101000000Z"), tlv(0x17, "400101000000Z")), Valid),
        ("a second too early", times(tlv(0x17, "260101000001Z"), tlv(0x17, "400101000000Z")), Invalid),
        ("2050", until(0x18, "20500101000000Z"), Valid),
        ("9999", until(0x18, "99991231235959Z"), Valid),
        ("UTCTime 50 is 1950", until(0x17, "500101000000Z"), Invalid),
        ("no seconds", until(0x17, "4001010000Z"), Refused),
        ("an offset", until(0x17, "400101000000+0100"), Refused),
        ("a fraction", until(0x18, "20500101000000.0Z"), Refused),
        ("no zone", until(0x18, "20500101000000"), Refused),
        (
            "three dates",
            Parts {
                validity: seq(&[tlv(0x17, "200101000000Z"), tlv(0x17, "400101000000Z"), vec![5, 0]]),
                ..p()
            },
            Refused,
        ),
        ("something behind the extensions", Parts { behind: vec![5, 0], ..p() }, Refused),
        ("extensions twice", Parts { behind: p().extensions, ..p() }, Refused),
        (
            "two lists of extensions",
            Parts { extensions: tlv(0xa3, [p().extensions[2..].to_vec(), seq(&[])].concat()), ..p() },
            Refused,
        ),
        (
            "critical as 01",
            ext(&[seq(&[tlv(6, oid::KEY_USAGE), vec![1, 1, 1], tlv(4, [3, 2, 2, 4])])]),
            Refused,
        ),
        (
            "critical said to be false",
            ext(&[seq(&[tlv(6, oid::KEY_USAGE), vec![1, 1, 0], tlv(4, [3, 2, 2, 4])])]),
            Valid,
        ),
        ("bytes behind keyUsage", ext(&[extension(oid::KEY_USAGE, true, [3, 2, 2, 4, 0])]), Refused),
        ("unused bits set", ext(&[extension(oid::KEY_USAGE, true, [3, 2, 2, 5])]), Refused),
        (
            "an identifier with a needless octet",
            ext(&[extension(&[0x55, 0x1d, 0x80, 30], false, seq(&[]))]),
            Refused,
        ),
        ("an identifier that is cut off", ext(&[extension(&[0x55, 0x1d, 0x9e], false, seq(&[]))]), Refused),
        ("an empty identifier", ext(&[extension(&[], false, seq(&[]))]), Refused),
        (
            "a huge identifier",
            ext(&[extension(&[[0x2a].as_slice(), &[0xff; 40], &[1]].concat(), false, seq(&[]))]),
            Valid,
        ),
        (
            "an extension in pieces",
            ext(&[seq(&[tlv(6, oid::KEY_USAGE), tlv(0x24, tlv(4, [3, 2, 2, 4]))])]),
            Refused,
        ),
        ("something behind the key", spki(&[algorithm.clone(), bits.clone(), vec![5, 0]]), Refused),
        ("something behind the key's parameters", spki(&[more, bits.clone()]), Refused),
    ];
    for (label, parts, want) in all {
        let der = signed(&k.root, parts.tbs());
        let target = Cert::new("User", "CA", 3).sign(&k.user, &k.ca);
        let Ok(_) = Certificate::parse(&der) else {
            assert_eq!(want, Refused, "{label} cannot be read");
            continue;
        };
        cases.case(
            format!("{label}, issuer"),
            want,
            &validate(&root(), std::slice::from_ref(&der), &[], options(), &target),
        );
        cases.case(format!("{label}, target"), want, &validate(&root(), &[], &[], options(), &der));
    }
    // Outside of what is signed.
    let tbs = p().tbs();
    let sign = k.root.sign(&tbs);
    let whole = |algorithm: Vec<u8>, unused: u8, signature: &[u8]| {
        seq(&[tbs.clone(), algorithm, tlv(3, [&[unused], signature].concat())])
    };
    let alg = k.root.algorithm();
    let last = [&sign[..sign.len() - 1], &[0]].concat();
    for (label, der, want) in [
        ("untouched", whole(alg.clone(), 0, &sign), Valid),
        ("unused bits of the signature", whole(alg.clone(), 1, &last), Refused),
        ("a byte behind the signature", whole(alg.clone(), 0, &[&sign[..], &[0]].concat()), Refused),
        ("no signature", whole(alg.clone(), 0, &[]), Refused),
        ("parameters outside", whole(seq(&[tlv(6, oid::ECDSA_SHA256), vec![5, 0]]), 0, &sign), Refused),
        ("another hash", whole(seq(&[tlv(6, oid::ECDSA_SHA384)]), 0, &sign), Refused),
        ("another kind", whole(seq(&[tlv(6, oid::ED25519)]), 0, &sign), Refused),
        (
            "an element more",
            seq(&[tbs.clone(), alg, tlv(3, [&[0], &sign[..]].concat()), vec![5, 0]]),
            Refused,
        ),
    ] {
        cases.case(label, want, &validate(&root(), &[], &[], options(), &der));
    }
    cases.end();
}

#[test]
fn keys_of_issuers() {
    let mut cases = Cases::default();
    let k = keys();
    let mut run = |label: &str, want: Want, issuer: &Key| {
        let ca = Cert::new("CA", "Root", 2).ca(None).sign(issuer, &k.root);
        let target = Cert::new("User", "CA", 3).sign(&k.user, issuer);
        cases.case(label, want, &validate(&root(), &[ca], &[], options(), &target));
    };
    run("Ed25519", Valid, &Key::ed25519());
    run("RSA", Valid, &Key::rsa2048());
    let bits = |spki: &[u8]| {
        let outer = certferry::certificate::tlv::first(spki).unwrap().contents;
        let algorithm = certferry::certificate::tlv::first(outer).unwrap().raw;
        outer[algorithm.len()..].to_vec()
    };
    let dressed = |key: Key, algorithm: Vec<u8>| {
        let spki = seq(&[algorithm, bits(&key.spki)]);
        key.with_spki(spki)
    };
    run("Ed25519 with NULL", Refused, &dressed(Key::ed25519(), seq(&[tlv(6, oid::ED25519), vec![5, 0]])));
    run("RSA without NULL", Valid, &dressed(Key::rsa2048(), seq(&[tlv(6, oid::RSA)])));
    run(
        "RSA with other parameters",
        Refused,
        &dressed(Key::rsa2048(), seq(&[tlv(6, oid::RSA), tlv(6, oid::P256)])),
    );
    run("RSA for encryption only", Refused, &dressed(Key::rsa2048(), seq(&[tlv(6, oid::RSA_OAEP)])));
    run("RSA for PSS only", Refused, &dressed(Key::rsa2048(), seq(&[tlv(6, oid::RSA_PSS)])));
    run("another curve", Refused, &dressed(Key::p256(), seq(&[tlv(6, oid::EC), tlv(6, oid::SECP256K1)])));
    run("no curve", Refused, &dressed(Key::p256(), seq(&[tlv(6, oid::EC)])));
    run(
        "curve and more",
        Refused,
        &dressed(Key::p256(), seq(&[tlv(6, oid::EC), tlv(6, oid::P256), vec![5, 0]])),
    );
    // The forger's key: e = 1 makes any padded message its own signature.
    let one = Key::rsa2048();
    let modulus = {
        let info = certferry::certificate::KeyInfo::read(&one.spki);
        let inner = certferry::certificate::tlv::first(info.bits).unwrap().contents;
        certferry::certificate::tlv::first(inner).unwrap().raw.to_vec()
    };
    let weak = |modulus: Vec<u8>, e: &[u8]| {
        let public = [vec![0], seq(&[modulus, tlv(2, e)])].concat();
        seq(&[seq(&[tlv(6, oid::RSA), vec![5, 0]]), tlv(3, public)])
    };
    run("e = 1", Refused, &one.with_spki(weak(modulus.clone(), &[1])));
    run("e = 2", Refused, &Key::rsa2048().with_spki(weak(modulus, &[2])));
    cases.end();
}

#[test]
fn building() {
    let mut cases = Cases::default();
    let k = keys();
    let ca = || Cert::new("CA", "Root", 2).ca(None);
    let target = user().sign(&k.user, &k.ca);
    let run = |pool: &[Vec<u8>], target: &[u8]| validate(&root(), pool, &[], options(), target);
    // A dozen CAs of one name; the right one is neither first nor marked.
    let mut dozen: Vec<Vec<u8>> =
        (0..24).map(|n| Cert { serial: vec![20 + n], ..ca() }.sign(&Key::p256(), &k.root)).collect();
    dozen.push(ca().sign(&k.ca, &k.root));
    cases.case("two dozen of one name", Valid, &run(&dozen, &target));
    let expired = Cert { not_after: "250101000000Z".into(), serial: vec![30], ..ca() };
    let pool = [expired.sign(&k.ca, &k.root), ca().sign(&k.ca, &k.root)];
    cases.case("an expired twin", Valid, &run(&pool, &target));
    cases.case("the expired alone", Invalid, &run(&pool[..1], &target));
    let narrow = ca().with(constraints(&[], &[dir(seq(&[]))])).sign(&k.ca, &k.root);
    cases.case("a constrained twin", Valid, &run(&[narrow.clone(), ca().sign(&k.ca, &k.root)], &target));
    cases.case("the constrained alone", Invalid, &run(&[narrow], &target));
    // A loop, an island, and an anchor that was also given as an intermediate.
    let a = Cert::new("CA", "B", 40).ca(None).sign(&k.ca, &k.sub);
    let b = Cert::new("B", "CA", 41).ca(None).sign(&k.sub, &k.ca);
    cases.case("a loop without end", NotVerified, &run(&[a.clone(), b.clone()], &target));
    cases.case("a loop and a way out", Valid, &run(&[a, b, ca().sign(&k.ca, &k.root)], &target));
    cases.case(
        "the anchor among the intermediates",
        Valid,
        &run(&[root(), ca().sign(&k.ca, &k.root)], &target),
    );
    cases.case("a CA as target", Valid, &run(&[], &ca().sign(&k.ca, &k.root)));
    cases.case("the anchor as target", Valid, &run(&[], &root()));
    let fake = Cert::new("Root", "Root", 1).ca(None).sign(&k.sub, &k.sub);
    let below_fake = Cert::new("User", "Root", 3).sign(&k.user, &k.sub);
    cases.case("a root of the anchor's name", Refused, &run(std::slice::from_ref(&fake), &below_fake));
    cases.case("itself", Refused, &run(&[], &fake));
    let by_user = Cert::new("Victim", "User", 9).sign(&k.sub, &k.user);
    cases.case("issued by a user", Invalid, &run(&[ca().sign(&k.ca, &k.root), target.clone()], &by_user));
    let version1 = Parts { version: Vec::new(), extensions: Vec::new(), ..Parts::new() };
    cases.case("issued by version 1", Invalid, &run(&[signed(&k.root, version1.tbs())], &target));
    // A certificate of another issuer name that the same key signed.
    let other = Cert::new("User", "Other CA", 3).sign(&k.user, &k.ca);
    cases.case("another issuer's name", NotVerified, &run(&[ca().sign(&k.ca, &k.root)], &other));
    let hard = Options { revocation: Revocation::Hard, ..options() };
    cases.case(
        "hard without CRLs",
        NotVerified,
        &validate(&root(), &[ca().sign(&k.ca, &k.root)], &[], hard, &target),
    );
    cases.end();
}
