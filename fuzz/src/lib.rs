//! What the fuzz targets share: cutting an input into roles, and what must hold of an engine's answer.
//!
//! An input of `path` and `crl` is a row of parts. A part is one octet that says what it is for, three
//! octets of length (big endian), and that many octets of DER. A length that goes past the end takes
//! what is there, so every input means something and a cut never makes the rest unreachable.

use std::collections::HashSet;

use certferry::certificate::{Certificate, UnixTime};
use certferry::path::{Engine, Options, Outcome, Revocation, Verdict};

/// What a part is for; the low three bits of its first octet.
pub mod role {
    /// Bits 3 and 4 of the first part's octet choose revocation, bit 5 the smime profile.
    pub const ANCHOR: u8 = 0;
    /// Of the engine's pool.
    pub const INTERMEDIATE: u8 = 1;
    /// A CRL.
    pub const CRL: u8 = 2;
    /// To be validated.
    pub const TARGET: u8 = 3;
    /// Comes along with every target.
    pub const EXTRA: u8 = 4;
}

/// Parts beyond this many are not looked at: the budgets of the search are tested elsewhere, and slow
/// inputs find little.
pub const MAX_PARTS: usize = 48;

/// An input cut into parts: the octet in front and the DER.
#[must_use]
pub fn parts(mut data: &[u8]) -> Vec<(u8, &[u8])> {
    let mut all = Vec::new();
    while let [kind, a, b, c, rest @ ..] = data {
        if all.len() == MAX_PARTS {
            break;
        }
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let (der, after) = rest.split_at(length.min(rest.len()));
        all.push((*kind, der));
        data = after;
    }
    all
}

/// The engine's options by the first part's octet; 2026-11-24 in all of them, or PKITS' time.
#[must_use]
pub fn options(first: u8) -> Options {
    let day = if first & 0x40 == 0 { "2026-11-24T00:00:00Z" } else { "2011-04-15T00:00:00Z" };
    let at = UnixTime::from_rfc3339(day).expect("a date that is written here");
    let base = if first & 0x20 == 0 { Options::rfc5280(at) } else { Options::smime(at) };
    let revocation = match first >> 3 & 3 {
        0 => Revocation::Off,
        1 => Revocation::Soft,
        _ => Revocation::Hard,
    };
    Options { revocation, explicit_policy: first & 0x80 != 0, ..base }
}

/// Validates with everything, asserts what must hold of each answer, and that neither a second run nor
/// the reverse order of all material changes it. Each target is judged with a fresh engine and with
/// one that has judged the others, so a cache may not change an answer either.
pub fn judge<'m>(
    anchors: &[Certificate<'m>],
    intermediates: &[Certificate<'m>],
    crls: &[&'m [u8]],
    targets: &[Certificate<'m>],
    extra: &[Certificate<'m>],
    options: &Options,
) {
    let engine = |anchors: Vec<_>, intermediates: Vec<_>, crls: &[&'m [u8]]| -> Engine<'m> {
        Engine::new(anchors, intermediates, crls, options.clone()).0
    };
    let turned = |all: &[Certificate<'m>]| -> Vec<Certificate<'m>> { all.iter().rev().cloned().collect() };
    let crls_turned: Vec<&[u8]> = crls.iter().rev().copied().collect();

    let one = engine(anchors.to_vec(), intermediates.to_vec(), crls);
    let trusted: HashSet<[u8; 32]> = anchors.iter().map(Certificate::sha256).collect();
    let first: Vec<Outcome> = targets.iter().map(|t| one.validate(t, extra)).collect();
    for (target, outcome) in targets.iter().zip(&first) {
        assert_eq!(outcome.chain.first(), Some(&target.sha256()), "a chain starts at its target");
        if outcome.verdict == Verdict::Valid {
            assert!(
                outcome.chain.last().is_some_and(|last| trusted.contains(last)),
                "valid, but the chain does not end at an anchor"
            );
        }
        let says =
            certferry::path::finding::verdict(outcome.findings.iter().map(|f| f.code), options.revocation);
        assert_eq!(outcome.verdict, says, "the findings account for the verdict");
        assert!(outcome.findings.iter().all(|f| outcome.chain.get(f.depth) == Some(&f.certificate)));
    }

    let other = engine(turned(anchors), turned(intermediates), &crls_turned);
    let extra_turned = turned(extra);
    for (target, outcome) in targets.iter().zip(&first).rev() {
        assert_eq!(&one.validate(target, extra), outcome, "a second run says otherwise");
        assert_eq!(&other.validate(target, &extra_turned), outcome, "the order of the input matters");
    }
}
