//! Attacks by CRLs: what is listed is revoked, what nobody vouches for is not good.
//! Every case says what it is; a failing run names all that are wrong.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/attack.rs"]
mod attack;

use attack::pki::{Cert, Key, extension, name, seq, tlv};
use attack::*;
use certferry::certificate::oid;
use certferry::path::{Engine, Options, PathCode, Revocation};

const NEXT: &str = "270101000000Z";
const PAST: &str = "250101000000Z";

fn flag(id: &[u8], value: &[u8]) -> Vec<u8> {
    extension(id, true, value)
}

/// An entry that lists a serial number.
fn entry(serial: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let list = if extensions.is_empty() { Vec::new() } else { seq(extensions) };
    seq(&[tlv(2, serial), tlv(0x17, "231201000000Z"), list])
}

fn reason(code: u8) -> Vec<u8> {
    extension(oid::REASON_CODE, false, [0x0a, 1, code])
}

fn owner(common: &str) -> Vec<u8> {
    flag(oid::CERTIFICATE_ISSUER, &seq(&[tlv(0xa4, name(common))]))
}

fn number(n: u8) -> Vec<u8> {
    extension(oid::CRL_NUMBER, false, [2, 1, n])
}

fn base(n: u8) -> Vec<u8> {
    flag(oid::DELTA_CRL_INDICATOR, &[2, 1, n])
}

/// issuingDistributionPoint with these fields.
fn idp(fields: &[Vec<u8>]) -> Vec<u8> {
    flag(oid::ISSUING_DISTRIBUTION_POINT, &seq(fields))
}

fn full_uri(text: &str) -> Vec<u8> {
    tlv(0xa0, tlv(0xa0, tlv(0x86, text)))
}

fn full_dir(name: Vec<u8>) -> Vec<u8> {
    tlv(0xa0, tlv(0xa0, tlv(0xa4, name)))
}

/// cRLDistributionPoints with one point of these fields.
fn cdp(fields: &[Vec<u8>]) -> Vec<u8> {
    extension(oid::CRL_DISTRIBUTION_POINTS, false, seq(&[seq(fields)]))
}

struct List {
    issuer: Vec<u8>,
    this: &'static str,
    next: Option<&'static str>,
    entries: Vec<Vec<u8>>,
    extensions: Vec<Vec<u8>>,
}

fn list(entries: &[Vec<u8>], extensions: &[Vec<u8>]) -> List {
    List {
        issuer: name("CA"),
        this: "240101000000Z",
        next: Some(NEXT),
        entries: entries.to_vec(),
        extensions: extensions.to_vec(),
    }
}

impl List {
    fn of(self, issuer: &str) -> Self {
        Self { issuer: name(issuer), ..self }
    }

    fn sign(&self, key: &Key) -> Vec<u8> {
        let entries = if self.entries.is_empty() { Vec::new() } else { seq(&self.entries) };
        let tbs = seq(&[
            vec![2, 1, 1],
            key.algorithm(),
            self.issuer.clone(),
            tlv(0x17, self.this),
            self.next.map_or(Vec::new(), |next| tlv(0x17, next)),
            entries,
            if self.extensions.is_empty() { Vec::new() } else { tlv(0xa0, seq(&self.extensions)) },
        ]);
        let bits = [&[0], key.sign(&tbs).as_slice()].concat();
        seq(&[tbs, key.algorithm(), tlv(3, bits)])
    }
}

fn hard() -> Options {
    Options { revocation: Revocation::Hard, ..options() }
}

/// The CRL of the root, which covers the CA.
fn root_crl() -> Vec<u8> {
    list(&[], &[number(1)]).of("Root").sign(&keys().root)
}

/// Root → CA → user (serial 3) with the root's CRL and these, and other certificates in the pool.
fn check(user: &Cert, crls: &[Vec<u8>], pool: &[Vec<u8>], options: Options) -> certferry::path::Outcome {
    let k = keys();
    let issuer = ca().sign(&k.ca, &k.root);
    let pool = [&[issuer], pool].concat();
    let crls = [&[root_crl()], crls].concat();
    validate(&root(), &pool, &crls, options, &user.sign(&k.user, &k.ca))
}

#[test]
fn lists_of_the_issuer() {
    let mut cases = Cases::default();
    let k = keys();
    let mine = || entry(&[3], &[]);
    let n = || number(1);
    let unknown = || extension(&[0x55, 0x1d, 99], true, [5, 0]);
    let all: Vec<(&str, List, Want)> = vec![
        ("not listed", list(&[entry(&[4], &[])], &[n()]), Valid),
        ("listed", list(&[mine()], &[n()]), Invalid),
        ("listed with a zero before", list(&[entry(&[0, 3], &[])], &[n()]), Invalid),
        ("the negative number", list(&[entry(&[0x83], &[])], &[n()]), Valid),
        ("on hold", list(&[entry(&[3], &[reason(6)])], &[n()]), Invalid),
        ("removeFromCRL in a complete CRL", list(&[entry(&[3], &[reason(8)])], &[n()]), Refused),
        ("listed, and removed in the same", list(&[mine(), entry(&[3], &[reason(8)])], &[n()]), Invalid),
        ("removed, and listed in the same", list(&[entry(&[3], &[reason(8)]), mine()], &[n()]), Invalid),
        ("not yet current", List { this: "260201000000Z", ..list(&[], &[n()]) }, NotVerified),
        ("not yet current, listed", List { this: "260201000000Z", ..list(&[mine()], &[n()]) }, Invalid),
        ("stale", List { next: Some(PAST), ..list(&[], &[n()]) }, NotVerified),
        ("stale, listed", List { next: Some(PAST), ..list(&[mine()], &[n()]) }, Invalid),
        ("the last second", List { next: Some("260101000000Z"), ..list(&[], &[n()]) }, Valid),
        ("no nextUpdate", List { next: None, ..list(&[], &[n()]) }, Valid),
        ("no number", list(&[], &[extension(&[0x55, 0x1d, 99], false, [5, 0])]), Valid),
        ("unknown critical", list(&[], &[n(), unknown()]), NotVerified),
        ("unknown critical, listed", list(&[mine()], &[n(), unknown()]), Invalid),
        ("unknown critical in an entry", list(&[entry(&[4], &[unknown()])], &[n()]), NotVerified),
        ("an extension twice", list(&[], &[n(), n()]), NotVerified),
        ("a broken entry", list(&[seq(&[tlv(4, [4])])], &[n()]), NotVerified),
        ("listed before a broken entry", list(&[mine(), seq(&[tlv(4, [4])])], &[n()]), Invalid),
        ("listed behind a broken entry", list(&[seq(&[tlv(2, [4])]), mine()], &[n()]), Invalid),
        (
            "an owner in a list that is not indirect",
            list(&[entry(&[4], &[owner("CA")])], &[n()]),
            NotVerified,
        ),
        ("a delta alone", list(&[], &[number(2), base(1)]), NotVerified),
        ("listed by a delta alone", list(&[mine()], &[number(2), base(1)]), Invalid),
        ("users only", list(&[], &[n(), idp(&[tlv(0x81, [0xff])])]), Valid),
        ("CAs only", list(&[], &[n(), idp(&[tlv(0x82, [0xff])])]), NotVerified),
        ("attributes only", list(&[], &[n(), idp(&[tlv(0x85, [0xff])])]), NotVerified),
        ("attributes only, listed", list(&[mine()], &[n(), idp(&[tlv(0x85, [0xff])])]), NotVerified),
        ("users and CAs only", list(&[], &[n(), idp(&[tlv(0x81, [0xff]), tlv(0x82, [0xff])])]), NotVerified),
        ("of some point", list(&[], &[n(), idp(&[full_uri("http://x/1")])]), NotVerified),
        ("of the issuer's name", list(&[], &[n(), idp(&[full_dir(name("ca"))])]), Valid),
        ("broken scope", list(&[], &[n(), flag(oid::ISSUING_DISTRIBUTION_POINT, &[0x30, 1])]), NotVerified),
        ("one reason", list(&[], &[n(), idp(&[tlv(0x83, [6, 0x40])])]), NotVerified),
        ("one reason, listed", list(&[mine()], &[n(), idp(&[tlv(0x83, [6, 0x40])])]), Invalid),
        ("every reason", list(&[], &[n(), idp(&[tlv(0x83, [7, 0x7f, 0x80])])]), Valid),
        ("indirect", list(&[], &[n(), idp(&[tlv(0x84, [0xff])])]), Valid),
        (
            "indirect, another's number",
            list(&[entry(&[9], &[owner("Other")]), mine()], &[n(), idp(&[tlv(0x84, [0xff])])]),
            Valid,
        ),
        (
            "indirect, own again",
            list(
                &[entry(&[9], &[owner("Other")]), entry(&[8], &[owner("ca")]), mine()],
                &[n(), idp(&[tlv(0x84, [0xff])])],
            ),
            Invalid,
        ),
        (
            "indirect, an owner that cannot be read",
            list(
                &[entry(&[9], &[flag(oid::CERTIFICATE_ISSUER, &[0x30, 1])])],
                &[n(), idp(&[tlv(0x84, [0xff])])],
            ),
            NotVerified,
        ),
    ];
    for (label, crl, want) in &all {
        cases.case(label, *want, &check(&user(), &[crl.sign(&k.ca)], &[], hard()));
    }
    // Soft: what is only not known is told.
    for (label, crl, want) in &all {
        let soft = Options { revocation: Revocation::Soft, ..options() };
        let want = if *want == Invalid { Invalid } else { Valid };
        cases.case(format!("{label}, soft"), want, &check(&user(), &[crl.sign(&k.ca)], &[], soft));
        let off = Options { revocation: Revocation::Off, ..options() };
        cases.case(format!("{label}, off"), Valid, &check(&user(), &[crl.sign(&k.ca)], &[], off));
    }
    cases.case("no CRL", NotVerified, &check(&user(), &[], &[], hard()));
    cases.case("another key's", NotVerified, &check(&user(), &[list(&[], &[n()]).sign(&k.sub)], &[], hard()));
    let forged = list(&[mine()], &[n()]).sign(&k.sub);
    cases.case("listed by another key", NotVerified, &check(&user(), &[forged], &[], hard()));
    cases.case(
        "of another name",
        NotVerified,
        &check(&user(), &[list(&[mine()], &[n()]).of("Root").sign(&k.ca)], &[], hard()),
    );
    // The CA itself.
    let good = list(&[], &[n()]).sign(&k.ca);
    let revoked_ca = list(&[entry(&[2], &[])], &[n()]).of("Root").sign(&k.root);
    cases.case("the CA is listed", Invalid, &check(&user(), &[good.clone(), revoked_ca], &[], hard()));
    let no_crl_for_ca =
        validate(&root(), &[ca().sign(&k.ca, &k.root)], &[good], hard(), &user().sign(&k.user, &k.ca));
    cases.case("the CA is not covered", NotVerified, &no_crl_for_ca);
    // A CA that may not sign CRLs.
    let quiet = Cert::new("CA", "Root", 2)
        .with(extension(oid::BASIC_CONSTRAINTS, true, seq(&[vec![1, 1, 0xff]])))
        .with(extension(oid::KEY_USAGE, true, [3, 2, 2, 4]));
    let crls = [root_crl(), list(&[], &[n()]).sign(&k.ca)];
    let o = validate(&root(), &[quiet.sign(&k.ca, &k.root)], &crls, hard(), &user().sign(&k.user, &k.ca));
    cases.case("keyUsage without cRLSign", NotVerified, &o);
    cases.end();
}

#[test]
fn crls_that_were_meant_to_be_there_are_missing() {
    let k = keys();
    let parse = |der: Vec<u8>| certferry::certificate::Certificate::parse(der.leak()).unwrap();
    let soft = Options { revocation: Revocation::Soft, ..options() };
    let (mut engine, _) = Engine::new(vec![parse(root())], vec![parse(ca().sign(&k.ca, &k.root))], &[], soft);
    let target = parse(user().sign(&k.user, &k.ca));
    let told = |engine: &Engine<'_>| {
        let outcome = engine.validate(&target, &[]);
        assert_eq!(outcome.verdict, certferry::path::Verdict::Valid);
        outcome.findings.iter().filter(|f| f.code == PathCode::CrlMissing).count()
    };
    assert_eq!(told(&engine), 0, "nobody asked");
    engine.expect_crls();
    assert_eq!(told(&engine), 2, "of the certificate and of its issuer");
}

#[test]
fn points_and_scopes() {
    let mut cases = Cases::default();
    let k = keys();
    let n = || number(1);
    let at = |fields: &[Vec<u8>]| user().with(cdp(fields));
    let of = |fields: &[Vec<u8>]| list(&[], &[n(), idp(fields)]).sign(&k.ca);
    let whole = list(&[], &[n()]).sign(&k.ca);
    let issuer_of = |names: Vec<u8>| tlv(0xa2, names);
    let relative = tlv(0xa0, tlv(0xa1, seq(&[tlv(6, oid::COMMON_NAME), tlv(0x0c, "point")])));
    let point = {
        let part = |text: &str| tlv(0x31, seq(&[tlv(6, oid::COMMON_NAME), tlv(0x0c, text)]));
        seq(&[part("ca"), part("Point")])
    };
    let (one, two) = (full_uri("http://x/1"), full_uri("http://x/2"));
    let all: Vec<(&str, Cert, Vec<Vec<u8>>, Want)> = vec![
        ("a whole CRL", at(std::slice::from_ref(&one)), vec![whole.clone()], Valid),
        ("its point", at(std::slice::from_ref(&one)), vec![of(std::slice::from_ref(&one))], Valid),
        ("another point", at(std::slice::from_ref(&one)), vec![of(std::slice::from_ref(&two))], NotVerified),
        (
            "a relative point",
            at(std::slice::from_ref(&relative)),
            vec![of(std::slice::from_ref(&relative))],
            Valid,
        ),
        (
            "relative and full",
            at(std::slice::from_ref(&relative)),
            vec![of(&[full_dir(point.clone())])],
            Valid,
        ),
        ("full and relative", at(&[full_dir(point)]), vec![of(std::slice::from_ref(&relative))], Valid),
        (
            "relative and another",
            at(std::slice::from_ref(&relative)),
            vec![of(&[full_dir(name("point"))])],
            NotVerified,
        ),
        (
            "some reasons of the point",
            at(&[one.clone(), tlv(0x81, [6, 0x40])]),
            vec![whole.clone()],
            NotVerified,
        ),
        (
            "reasons in two lists",
            at(std::slice::from_ref(&one)),
            vec![of(&[one.clone(), tlv(0x83, [6, 0x40])]), of(&[one.clone(), tlv(0x83, [7, 0x3f, 0x80])])],
            Valid,
        ),
        (
            "reasons in two lists, one is missing",
            at(std::slice::from_ref(&one)),
            vec![of(&[one.clone(), tlv(0x83, [6, 0x40])]), of(&[one.clone(), tlv(0x83, [1, 0x3e])])],
            NotVerified,
        ),
        (
            "the point's issuer is somebody else",
            at(&[one.clone(), issuer_of(tlv(0xa4, name("Lists")))]),
            vec![whole.clone()],
            NotVerified,
        ),
        (
            "the point's issuer is no directory name",
            at(&[one.clone(), issuer_of(tlv(0x82, "x.de"))]),
            vec![whole.clone()],
            NotVerified,
        ),
        (
            "points that cannot be read",
            user().with(extension(oid::CRL_DISTRIBUTION_POINTS, false, [0x30, 1])),
            vec![whole.clone()],
            Refused,
        ),
        (
            "no points in the list",
            user().with(extension(oid::CRL_DISTRIBUTION_POINTS, false, seq(&[]))),
            vec![whole],
            Refused,
        ),
    ];
    for (label, user, crls, want) in all {
        cases.case(label, want, &check(&user, &crls, &[], hard()));
    }
    // A CA below: lists for users do not cover it.
    let sub_ca = Cert::new("Sub", "CA", 3).ca(None);
    cases.case("users only, of a CA", NotVerified, &check(&sub_ca, &[of(&[tlv(0x81, [0xff])])], &[], hard()));
    cases.case("CAs only, of a CA", Valid, &check(&sub_ca, &[of(&[tlv(0x82, [0xff])])], &[], hard()));

    // Indirect: somebody else signs for the CA.
    let lists = |usage: &[u8]| {
        Cert::new("Lists", "Root", 7).with(extension(oid::KEY_USAGE, true, usage)).sign(&k.sub, &k.root)
    };
    let (signer, mute) = (lists(&[3, 2, 1, 2]), lists(&[3, 2, 7, 0x80]));
    let there = || at(&[one.clone(), issuer_of(tlv(0xa4, name("Lists")))]);
    let indirect = |entries: &[Vec<u8>], indirect: &[u8]| {
        list(entries, &[n(), idp(&[one.clone(), tlv(0x84, indirect)])]).of("Lists").sign(&k.sub)
    };
    let pool = std::slice::from_ref(&signer);
    cases.case("indirect", Valid, &check(&there(), &[indirect(&[], &[0xff])], pool, hard()));
    cases.case("not marked as indirect", NotVerified, &check(&there(), &[indirect(&[], &[0])], pool, hard()));
    let foreign = indirect(&[entry(&[3], &[])], &[0xff]);
    cases.case("the signer's own number", Valid, &check(&there(), &[foreign], pool, hard()));
    let ours = indirect(&[entry(&[9], &[owner("CA")]), entry(&[3], &[])], &[0xff]);
    cases.case("carried over", Invalid, &check(&there(), &[ours], pool, hard()));
    cases.case(
        "the point names nobody",
        NotVerified,
        &check(&at(std::slice::from_ref(&one)), &[indirect(&[], &[0xff])], pool, hard()),
    );
    cases.case(
        "the signer may not",
        NotVerified,
        &check(&there(), &[indirect(&[], &[0xff])], &[mute], hard()),
    );
    cases.case(
        "the signer is not known",
        NotVerified,
        &check(&there(), &[indirect(&[], &[0xff])], &[], hard()),
    );
    let stray = Cert::new("Lists", "Nobody", 7).sign(&k.sub, &k.user);
    cases.case(
        "the signer has no path",
        NotVerified,
        &check(&there(), &[indirect(&[], &[0xff])], &[stray], hard()),
    );
    let revoked_signer = list(&[entry(&[7], &[])], &[n()]).of("Root").sign(&k.root);
    let o = check(&there(), &[indirect(&[], &[0xff]), revoked_signer], pool, hard());
    cases.case("the signer is revoked", NotVerified, &o);
    let expired = Cert { not_after: "250101000000Z".into(), ..Cert::new("Lists", "Root", 7) };
    let o = check(&there(), &[indirect(&[], &[0xff])], &[expired.sign(&k.sub, &k.root)], hard());
    cases.case("the signer is expired", NotVerified, &o);
    cases.end();
}

#[test]
fn deltas_and_rollover() {
    let mut cases = Cases::default();
    let k = keys();
    let key_id = |id: u8| extension(oid::AUTHORITY_KEY_IDENTIFIER, false, seq(&[tlv(0x80, [id])]));
    let hold = || entry(&[3], &[reason(6)]);
    let remove = || entry(&[3], &[reason(8)]);
    let full = |entries: &[Vec<u8>], no: u8| list(entries, &[number(no)]).sign(&k.ca);
    let delta = |entries: &[Vec<u8>], no: u8, of: u8| list(entries, &[number(no), base(of)]).sign(&k.ca);
    let stale = List { next: Some(PAST), ..list(&[remove()], &[number(6), base(5)]) }.sign(&k.ca);
    let scoped = list(&[remove()], &[number(6), base(5), idp(&[tlv(0x81, [0xff])])]).sign(&k.ca);
    let odd = list(&[remove()], &[number(6), base(5), flag(&[0x55, 0x1d, 99], &[5, 0])]).sign(&k.ca);
    let all: Vec<(&str, Vec<Vec<u8>>, Want)> = vec![
        ("nothing new", vec![full(&[], 5), delta(&[], 6, 5)], Valid),
        ("newly listed", vec![full(&[], 5), delta(&[hold()], 6, 5)], Invalid),
        ("removed", vec![full(&[hold()], 5), delta(&[remove()], 6, 5)], Valid),
        ("removed, later base", vec![full(&[hold()], 4), delta(&[remove()], 6, 5)], Invalid),
        ("removed by an older one", vec![full(&[hold()], 7), delta(&[remove()], 6, 5)], Invalid),
        ("removed, stale", vec![full(&[hold()], 5), stale], Invalid),
        ("removed, other scope", vec![full(&[hold()], 5), scoped], Invalid),
        ("removed, unknown critical", vec![full(&[hold()], 5), odd], Invalid),
        (
            "removed and listed again",
            vec![full(&[hold()], 5), delta(&[remove()], 6, 5), delta(&[hold()], 7, 5)],
            Invalid,
        ),
        ("two complete ones disagree", vec![full(&[], 6), full(&[hold()], 5)], Invalid),
        (
            "removed under another key identifier",
            vec![
                list(&[hold()], &[number(5), key_id(1)]).sign(&k.ca),
                list(&[remove()], &[number(6), base(5), key_id(2)]).sign(&k.ca),
            ],
            Invalid,
        ),
        ("base without number", vec![list(&[hold()], &[]).sign(&k.ca), delta(&[remove()], 6, 5)], Invalid),
    ];
    for (label, crls, want) in all {
        cases.case(label, want, &check(&user(), &crls, &[], hard()));
    }
    // Key rollover: the CA's new key signs the list of what its old key issued.
    let new_key = Cert::new("CA", "Root", 8).ca(None).sign(&k.sub, &k.root);
    let list_by_new = list(&[], &[number(1)]).sign(&k.sub);
    let pool = std::slice::from_ref(&new_key);
    cases.case(
        "signed by the new key",
        Valid,
        &check(&user(), std::slice::from_ref(&list_by_new), pool, hard()),
    );
    let revoking = list(&[entry(&[3], &[])], &[number(1)]).sign(&k.sub);
    cases.case("listed by the new key", Invalid, &check(&user(), &[revoking], pool, hard()));
    let crl_of_root = list(&[entry(&[8], &[])], &[number(2)]).of("Root").sign(&k.root);
    let o = check(&user(), &[list_by_new.clone(), crl_of_root], pool, hard());
    cases.case("the new key is revoked", NotVerified, &o);
    // The same name below another root is somebody else.
    let other_root = Cert::new("Root 2", "Root 2", 1).ca(None).sign(&k.user, &k.user);
    let stranger = Cert::new("CA", "Root 2", 8).ca(None).sign(&k.sub, &k.user);
    let o = check(&user(), &[list_by_new], &[other_root, stranger], hard());
    cases.case("a namesake below another root", NotVerified, &o);
    cases.end();
}
