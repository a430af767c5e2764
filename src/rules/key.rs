//! Rules about keys and signature algorithms.

use super::{Finding, Rule};
use crate::bundle::model::{Decision, Severity};
use crate::certificate::key::{Curve, Hash, KeyKind};
use crate::certificate::{Certificate, oid};
use crate::policy::{Limits, Word};

/// The RSA key is shorter than 2048 bits.
pub static RSA_KEY_SHORT: Rule = Rule {
    code: "rsa-key-short",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 8551 section 4; NIST SP 800-57 part 1, table 2",
    title: "The RSA key is shorter than 2048 bits",
    means: "The key has at least 1024 and fewer than 2048 bits, or the numbers that the policy names.",
    matters: "Such keys are within reach of well-funded attackers, who could read mail that was recorded years ago.",
    mend: "Issue a new certificate with a key of 2048 bits or more.",
};

/// The RSA key is shorter than 1024 bits.
pub static RSA_KEY_TOO_SHORT: Rule = Rule {
    code: "rsa-key-too-short",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 8551 section 4",
    title: "The RSA key is shorter than 1024 bits",
    means: "The key has fewer than 1024 bits, or than the policy asks for.",
    matters: "It can be broken with ordinary computers, so mail encrypted to it is not protected.",
    mend: "Issue a new certificate with a key of 2048 bits or more.",
};

/// The elliptic curve is one that few mail programs know.
pub static CURVE_UNUSUAL: Rule = Rule {
    code: "curve-unusual",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 8551 section 2.3; RFC 8550 section 2.3",
    title: "The elliptic curve is one that few mail programs know",
    means: "The key's curve is none of P-256, P-384, P-521 (or those that the policy names), X25519 and Ed25519.",
    matters: "Outlook and most other programs cannot encrypt to such a key.",
    mend: "Issue a certificate with a P-256 or P-384 key where mail programs fail.",
};

/// The elliptic curve is spelled out instead of named.
pub static EXPLICIT_CURVE: Rule = Rule {
    code: "explicit-curve",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 5480 section 2.1.1",
    title: "The elliptic curve is spelled out instead of named",
    means: "The key gives the parameters of its curve (specifiedCurve or implicitCurve), which certificates must not do.",
    matters: "A made-up curve can look like a known one and let others compute the private key (CVE-2020-0601).",
    mend: "Issue the certificate again with a named curve.",
};

/// The public key cannot be used.
pub static KEY_UNUSABLE: Rule = Rule {
    code: "key-unusable",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 5280 section 4.1.2.7",
    title: "The public key cannot be used",
    means: "The public key cannot be decoded, or its algorithm cannot encrypt or sign mail.",
    matters: "No mail program can use it.",
    mend: "Issue the certificate again with an RSA or elliptic-curve key.",
};

/// The certificate is signed with MD2 or MD5.
pub static SIGNATURE_MD5: Rule = Rule {
    code: "signature-md5",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 6151; RFC 8550 section 4.3",
    title: "The certificate is signed with MD2 or MD5",
    means: "The CA's signature uses a hash for which colliding certificates have been made.",
    matters: "Anybody could have made this certificate.",
    mend: "Issue the certificate again with SHA-256 or better.",
};

/// The certificate is signed with SHA-1.
pub static SIGNATURE_SHA1: Rule = Rule {
    code: "signature-sha1",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 8550 section 4.3; NIST SP 800-131A",
    title: "The certificate is signed with SHA-1",
    means: "The CA's signature uses SHA-1, for which collisions are affordable.",
    matters: "Some programs refuse it already; more will.",
    mend: "Issue the next certificate with SHA-256 or better.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[
    &RSA_KEY_SHORT,
    &RSA_KEY_TOO_SHORT,
    &CURVE_UNUSUAL,
    &EXPLICIT_CURVE,
    &KEY_UNUSABLE,
    &SIGNATURE_MD5,
    &SIGNATURE_SHA1,
];

/// Judges key and signature algorithm.
pub fn check(certificate: &Certificate<'_>, limits: &Limits, findings: &mut Vec<Finding>) {
    let key = certificate.key();
    let mut found = |rule, what: String, required: String| findings.push(Finding::new(rule, what, required));
    match key.kind {
        KeyKind::Rsa { bits: 0, .. } | KeyKind::Unknown(_) | KeyKind::Ec(Curve::Missing) => {
            found(
                &KEY_UNUSABLE,
                format!("the public key cannot be used: {}", key.name()),
                "an RSA or elliptic-curve key".into(),
            );
        }
        KeyKind::Rsa { bits, .. } if bits < limits.rsa_bits_refused_below => {
            found(
                &RSA_KEY_TOO_SHORT,
                format!("the RSA key has {bits} bits"),
                format!("at least {} bits", limits.rsa_bits_refused_below),
            );
        }
        KeyKind::Rsa { bits, .. } if bits < limits.rsa_bits_warned_below => {
            found(
                &RSA_KEY_SHORT,
                format!("the RSA key has {bits} bits"),
                format!("at least {} bits", limits.rsa_bits_warned_below),
            );
        }
        KeyKind::Ec(Curve::Explicit) => found(
            &EXPLICIT_CURVE,
            "the elliptic curve is spelled out instead of named".into(),
            "a named curve".into(),
        ),
        KeyKind::Ec(Curve::Known(curve)) if limits.curves.iter().any(|known| known.word() == curve) => {}
        KeyKind::Rsa { .. } | KeyKind::Ed25519 | KeyKind::X25519 => {}
        KeyKind::Ec(_) | KeyKind::Ed448 | KeyKind::X448 | KeyKind::Dsa | KeyKind::Dh => found(
            &CURVE_UNUSUAL,
            format!("the key is of a type that few mail programs know: {}", key.name()),
            format!("RSA, {}", limits.curves.iter().map(|curve| curve.word()).collect::<Vec<_>>().join(", ")),
        ),
    }
    let algorithm = certificate.signature_algorithm();
    if [oid::MD2_RSA, oid::MD5_RSA].contains(&algorithm.oid().0) {
        found(
            &SIGNATURE_MD5,
            format!("the certificate is signed with {}", algorithm.name()),
            "SHA-256 or better".into(),
        );
    } else if algorithm.hash() == Some(Hash::Sha1) || algorithm.oid().0 == oid::DSA_SHA1 {
        found(
            &SIGNATURE_SHA1,
            format!("the certificate is signed with {}", algorithm.name()),
            "SHA-256 or better".into(),
        );
    }
}
