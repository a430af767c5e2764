//! Small chains for attacks on path validation, and a list of cases that names all that are wrong.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

#[path = "pki.rs"]
pub mod pki;

use std::sync::OnceLock;

use certferry::certificate::{Certificate, UnixTime, oid};
use certferry::path::{Engine, Options, Outcome, Verdict};
use pki::{Cert, Key, extension, seq, tlv};

/// What a case must come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Want {
    Valid,
    NotVerified,
    Invalid,
    /// Either of the two.
    Refused,
}
pub use Want::{Invalid, NotVerified, Refused, Valid};

#[derive(Default)]
pub struct Cases {
    pub run: usize,
    pub wrong: Vec<String>,
}

impl Cases {
    pub fn case(&mut self, label: impl std::fmt::Display, want: Want, outcome: &Outcome) {
        self.run += 1;
        let fits = match want {
            Valid => outcome.verdict == Verdict::Valid,
            NotVerified => outcome.verdict == Verdict::NotVerified,
            Invalid => outcome.verdict == Verdict::Invalid,
            Refused => matches!(outcome.verdict, Verdict::NotVerified | Verdict::Invalid),
        };
        if !fits {
            let findings: Vec<String> = outcome
                .findings
                .iter()
                .map(|f| format!("{}@{}: {}", f.code.as_str(), f.depth, f.found))
                .collect();
            self.wrong.push(format!("{label}: wanted {want:?}, was {:?} {findings:?}", outcome.verdict));
        }
    }

    pub fn end(self) {
        assert!(
            self.wrong.is_empty(),
            "{} of {} wrong:\n{}",
            self.wrong.len(),
            self.run,
            self.wrong.join("\n")
        );
        eprintln!("{} cases", self.run);
    }
}

pub struct Keys {
    pub root: Key,
    pub ca: Key,
    pub sub: Key,
    pub user: Key,
}

pub fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys { root: Key::p256(), ca: Key::p256(), sub: Key::p256(), user: Key::p256() })
}

pub fn options() -> Options {
    Options::rfc5280(UnixTime::from_rfc3339("2026-01-01T00:00:00Z").unwrap())
}

pub fn root() -> Vec<u8> {
    let k = keys();
    Cert::new("Root", "Root", 1).ca(None).sign(&k.root, &k.root)
}

pub fn validate(
    anchor: &[u8],
    pool: &[Vec<u8>],
    crls: &[Vec<u8>],
    options: Options,
    target: &[u8],
) -> Outcome {
    let parse = |der: &[u8]| Certificate::parse(der.to_vec().leak()).unwrap();
    let crls: Vec<&[u8]> = crls.iter().map(Vec::as_slice).collect();
    let (engine, _) =
        Engine::new(vec![parse(anchor)], pool.iter().map(|d| parse(d)).collect(), &crls, options);
    engine.validate(&parse(target), &[])
}

/// Root → CA → user, the CA with these extensions beside its own.
pub fn below(ca: &[Vec<u8>], user: Cert) -> Outcome {
    below_with(ca, user, options())
}

pub fn below_with(ca: &[Vec<u8>], user: Cert, options: Options) -> Outcome {
    let k = keys();
    let issuer = ca.iter().fold(Cert::new("CA", "Root", 2).ca(None), |c, e| c.with(e.clone()));
    validate(&root(), &[issuer.sign(&k.ca, &k.root)], &[], options, &user.sign(&k.user, &k.ca))
}

pub fn user() -> Cert {
    Cert::new("User", "CA", 3)
}

// General names and subtrees.
pub fn mail(text: &str) -> Vec<u8> {
    tlv(0x81, text)
}
pub fn dns(text: &str) -> Vec<u8> {
    tlv(0x82, text)
}
pub fn uri(text: &str) -> Vec<u8> {
    tlv(0x86, text)
}
pub fn ip(octets: &[u8]) -> Vec<u8> {
    tlv(0x87, octets)
}
pub fn dir(name: Vec<u8>) -> Vec<u8> {
    tlv(0xa4, name)
}
pub fn other(id: &[u8], value: Vec<u8>) -> Vec<u8> {
    tlv(0xa0, [tlv(6, id), tlv(0xa0, value)].concat())
}
pub fn smtp_utf8(text: &str) -> Vec<u8> {
    other(oid::SMTP_UTF8_MAILBOX, tlv(0x0c, text))
}
pub fn rdn(parts: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
    let one = |(id, kind, value): &(&[u8], u8, &[u8])| seq(&[tlv(6, id), tlv(*kind, value)]);
    tlv(0x31, parts.iter().map(one).collect::<Vec<_>>().concat())
}
pub fn trees(list: &[Vec<u8>]) -> Vec<u8> {
    list.iter().map(|base| tlv(0x30, base)).collect::<Vec<_>>().concat()
}
pub fn constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Vec<u8> {
    let field = |tag, list: &[Vec<u8>]| if list.is_empty() { Vec::new() } else { tlv(tag, trees(list)) };
    extension(oid::NAME_CONSTRAINTS, true, seq(&[field(0xa0, permitted), field(0xa1, excluded)]))
}
pub fn san(names: &[Vec<u8>]) -> Vec<u8> {
    extension(oid::SUBJECT_ALT_NAME, false, seq(names))
}

/// Root → CA → Sub → user, each of the CAs as it is given.
pub fn deep(anchor: Cert, ca: Cert, sub: Cert, user: Cert, options: Options) -> Outcome {
    let k = keys();
    let pool = [ca.sign(&k.ca, &k.root), sub.sign(&k.sub, &k.ca)];
    validate(&anchor.sign(&k.root, &k.root), &pool, &[], options, &user.sign(&k.user, &k.sub))
}

pub fn anchor() -> Cert {
    Cert::new("Root", "Root", 1).ca(None)
}
pub fn ca() -> Cert {
    Cert::new("CA", "Root", 2).ca(None)
}
pub fn sub() -> Cert {
    Cert::new("Sub", "CA", 4).ca(None)
}
pub fn leaf() -> Cert {
    Cert::new("User", "Sub", 5).with(san(&[mail("a@x.de")]))
}
