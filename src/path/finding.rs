//! What path validation has to say, and the one table that turns it into a verdict.

use std::fmt;

use super::Revocation;

/// What a path came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Every check was made and passed.
    Valid,
    /// Nothing was proven wrong, but a check could not be made: no issuer, an algorithm that is not
    /// supported, a budget, a missing CRL where one was demanded.
    NotVerified,
    /// A defect is proven.
    Invalid,
    /// No path was looked for. The engine never says this; it is for callers that skip it.
    NotChecked,
}

impl Verdict {
    /// The word of the contract's JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::NotVerified => "notVerified",
            Self::Invalid => "invalid",
            Self::NotChecked => "notChecked",
        }
    }
}

/// How loudly a finding is told by default. It never decides anything; see [`PathCode::effect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// A defect of a certificate that was meant for mail.
    Error,
    /// Somebody should look.
    Warning,
    /// Normal.
    Info,
}

impl Severity {
    /// `error`, `warning` or `info`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// What a code does to the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing; it is told.
    Tell,
    /// The path is at best notVerified when revocation checking is `hard`, else it is only told.
    NotVerifiedWhenHard,
    /// The path is at best notVerified.
    NotVerified,
    /// The path is invalid.
    Invalid,
}

/// One thing that was found on a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathFinding {
    /// Which kind.
    pub code: PathCode,
    /// Whose: 0 is the target, 1 its issuer, and so on up to the anchor.
    pub depth: usize,
    /// SHA-256 of that certificate.
    pub certificate: [u8; 32],
    /// What was found.
    pub found: String,
    /// What was required.
    pub required: String,
    /// RFC and section.
    pub section: &'static str,
}

impl fmt::Display for PathFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.depth {
            0 => "the certificate".to_owned(),
            1 => "its issuer".to_owned(),
            n => format!("the certificate {n} above it"),
        };
        write!(f, "{whose}: found {}; required: {} ({})", self.found, self.required, self.section)
    }
}

/// The permanent facts of a code, for registries and `explain`.
#[derive(Clone, Copy, Debug)]
pub struct PathCodeInfo {
    /// The code.
    pub code: PathCode,
    /// Default severity.
    pub severity: Severity,
    /// What it does to the verdict.
    pub effect: Effect,
    /// RFC and section.
    pub citation: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// How to mend it.
    pub mend: &'static str,
}

macro_rules! path_codes {
    ($($id:ident = $code:literal, $severity:ident, $effect:ident, $citation:literal,
        $meaning:literal, $why:literal, $mend:literal;)*) => {
        /// The kinds of finding; the text of each is its permanent kebab-case code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum PathCode { $(#[doc = $meaning] $id,)* }

        impl PathCode {
            /// Every code with its facts, in the order of declaration.
            pub const ALL: &'static [PathCodeInfo] = &[$(PathCodeInfo {
                code: Self::$id,
                severity: Severity::$severity,
                effect: Effect::$effect,
                citation: $citation,
                meaning: $meaning,
                why: $why,
                mend: $mend,
            }),*];

            /// The permanent code.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$id => $code,)* }
            }

            /// What the code does to the verdict.
            #[must_use]
            pub fn effect(self) -> Effect {
                match self { $(Self::$id => Effect::$effect,)* }
            }

            /// Default severity.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$id => Severity::$severity,)* }
            }
        }
    };
}

path_codes! {
    NoIssuer = "issuer-not-found", Error, NotVerified, "RFC 5280 section 6.1",
        "No certificate among the anchors and intermediates issued this one, or the chain ends at a certificate that is no anchor.",
        "Without a chain to an anchor nobody vouches for the binding of address and key.",
        "Give the missing CA certificate with --intermediate, or the root with --trust if it is to be trusted.";
    BadSignature = "signature-invalid", Error, Invalid, "RFC 5280 section 6.1.3 (a)(1)",
        "The signature does not verify with the key of the issuer that the certificate names.",
        "The certificate was changed after it was signed, or somebody else made it.",
        "Take the certificate from its source again; if it still fails, ask the CA.";
    UnsupportedAlgorithm = "algorithm-not-supported", Error, NotVerified, "RFC 5280 section 4.1.1.2",
        "The signature algorithm or the issuer's key is of a kind that this program does not verify.",
        "What cannot be verified cannot be trusted, although it may be sound.",
        "Have the certificate reissued with RSA (2048 bits or more), ECDSA on P-256, P-384 or P-521, or Ed25519.";
    Sha1Signature = "signature-sha1", Warning, Tell, "RFC 6194 section 3.1",
        "The signature uses SHA-1.",
        "SHA-1 is broken for collisions since 2017; a forged certificate is conceivable.",
        "Have the certificate reissued with SHA-256 or better.";
    Expired = "path-expired", Error, Invalid, "RFC 5280 section 6.1.3 (a)(2)",
        "A certificate of the path is past its notAfter at the instant of judgement.",
        "The CA no longer answers for it and no longer lists it in CRLs.",
        "Renew it; for a CA certificate, give its successor with --intermediate.";
    NotYetValid = "path-not-yet-valid", Error, Invalid, "RFC 5280 section 6.1.3 (a)(2)",
        "A certificate of the path is before its notBefore at the instant of judgement.",
        "The CA does not answer for it yet.",
        "Check --at and the clock, or wait.";
    AnchorExpired = "anchor-expired", Warning, Tell, "RFC 5280 section 6.1.1 (d)",
        "The trust anchor is outside its validity at the instant of judgement.",
        "The anchor was given by name, so it is trusted; clients that look at its dates will not.",
        "Replace the anchor by its successor.";
    NotACa = "issuer-not-a-ca", Error, Invalid, "RFC 5280 section 6.1.4 (k)",
        "A certificate that issued another has no basicConstraints with cA.",
        "Otherwise every user could issue certificates for everybody.",
        "Give the real CA certificate; if this is it, the CA must be reissued.";
    PathLen = "path-length-exceeded", Error, Invalid, "RFC 5280 section 6.1.4 (l)",
        "More CA certificates follow than a pathLenConstraint allows.",
        "A CA that was set up to issue to users only must not make further CAs.",
        "Have the certificate issued by a CA that may issue it.";
    MaxDepth = "max-depth-exceeded", Error, Invalid, "RFC 5280 section 6.1",
        "The path has more intermediates than --max-depth allows.",
        "The limit was asked for.",
        "Raise --max-depth if the longer path is wanted.";
    KeyUsage = "issuer-key-usage", Error, Invalid, "RFC 5280 section 6.1.4 (n)",
        "A certificate that issued another has a keyUsage without keyCertSign.",
        "The key was not meant to sign certificates.",
        "Give the CA certificate that may sign, or have the CA reissued.";
    ExtendedKeyUsage = "eku-not-permitted", Error, Invalid, "RFC 5280 section 4.2.1.12",
        "A certificate of the path has an extKeyUsage without the required purpose.",
        "The certificate, or everything below that CA, is not meant for this purpose.",
        "Have a certificate issued for the purpose, by a CA that may.";
    NameConstraint = "name-constraint-violated", Error, Invalid, "RFC 5280 section 6.1.3 (b), (c)",
        "A name of the certificate lies outside the permitted or inside the excluded subtrees of a CA above it.",
        "The CA was not allowed to certify that name.",
        "Have the certificate issued by a CA that may certify this name.";
    NameConstraintUnsupported = "name-constraint-unsupported", Error, NotVerified, "RFC 5280 section 4.2.1.10",
        "A constrained name form is present that this program cannot compare, or a name or subtree cannot be read.",
        "A constraint that cannot be applied must not be skipped.",
        "Have the CA's nameConstraints or the certificate's name corrected.";
    PolicyRequired = "policy-required", Error, Invalid, "RFC 5280 section 6.1.5 (g)",
        "An acceptable certificate policy is required and none is left along the path.",
        "The certificate was not issued under rules that somebody asked for.",
        "Have the certificate issued under an accepted policy, or ask for another policy.";
    PolicyMapping = "policy-mapping-any", Error, Invalid, "RFC 5280 section 6.1.4 (a)",
        "A policy mapping maps to or from anyPolicy.",
        "Such a mapping would lift every restriction.",
        "Have the CA certificate reissued.";
    UnknownCritical = "unknown-critical-extension", Error, Invalid, "RFC 5280 section 4.2",
        "A critical extension is none that this program processes.",
        "Critical means: who does not understand this must refuse.",
        "Have the certificate reissued without it, or not critical.";
    DuplicateExtension = "duplicate-extension", Error, Invalid, "RFC 5280 section 4.2",
        "An extension stands twice.",
        "Two programs would read two different certificates.",
        "Have the certificate reissued.";
    ExtensionMalformed = "extension-undecodable", Error, Invalid, "RFC 5280 section 4.2",
        "An extension that the path depends on cannot be decoded.",
        "What it would forbid is not known.",
        "Have the certificate reissued.";
    AlgorithmMismatch = "signature-algorithm-mismatch", Error, Invalid, "RFC 5280 section 4.1.1.2",
        "The signature algorithm inside the signed part is not the one beside the signature.",
        "The outer field is not signed, so it may have been exchanged.",
        "Have the certificate reissued.";
    NotDer = "not-der", Error, NotVerified, "RFC 5280 section 4.1",
        "The certificate is not encoded in DER.",
        "Strict programs cannot read it, and lenient ones may read it differently; the signature is over DER.",
        "Have the certificate reissued.";
    VersionMismatch = "version-mismatch", Error, NotVerified, "RFC 5280 section 4.1.2.1",
        "The version does not fit what the certificate holds: extensions need version 3.",
        "By its version the certificate has no extensions, so programs differ in whether they read them.",
        "Have the certificate reissued.";
    Budget = "path-budget-exhausted", Error, NotVerified, "RFC 4158 section 2.4",
        "The search for a path, or the comparison of its names, was ended by a limit.",
        "Crafted sets of certificates can make a search endless; whether a path exists is not known.",
        "Give fewer intermediates, only those that are needed.";
    IssuerDefect = "issuer-defects", Info, Tell, "RFC 5280 section 4",
        "A CA certificate of the path has defects that do not decide about the path.",
        "Other programs may be stricter.",
        "Tell the CA's operator.";
    Revoked = "revoked", Error, Invalid, "RFC 5280 section 6.3.3",
        "A CRL of the issuer lists the certificate.",
        "The key may be in the wrong hands, or the person has left.",
        "Publish the successor; remove this certificate wherever it is still published.";
    CrlMissing = "crl-missing", Warning, NotVerifiedWhenHard, "RFC 5280 section 6.3.3",
        "No CRL that covers the certificate is there.",
        "Whether the certificate is revoked is not known.",
        "Give the CRL of its issuer with --crl.";
    CrlStale = "crl-stale", Warning, NotVerifiedWhenHard, "RFC 5280 section 6.3.3 (a)(1)",
        "The CRL that covers the certificate is past its nextUpdate or before its thisUpdate.",
        "A newer CRL exists and may list the certificate.",
        "Fetch the current CRL.";
    CrlUnverifiable = "crl-unverifiable", Warning, NotVerifiedWhenHard, "RFC 5280 section 6.3.3 (f), (g)",
        "A CRL is there, but its signature or signer cannot be verified, or it holds something critical that is not processed.",
        "Anybody could have made it.",
        "Give the certificate of its signer with --intermediate, or fetch the CRL again.";
    CrlNoNextUpdate = "crl-no-next-update", Warning, Tell, "RFC 5280 section 5.1.2.5",
        "The CRL that was used has no nextUpdate.",
        "Nobody can tell how long it holds.",
        "Have the CA write nextUpdate.";
    CrlDefect = "crl-defect", Warning, Tell, "RFC 5280 section 5.2.3",
        "The CRL that was used is not as RFC 5280 wants it.",
        "Other programs may refuse it.",
        "Tell the CA's operator.";
}

/// The verdict that a set of findings comes to: the worst effect among them.
#[must_use]
pub fn verdict(codes: impl IntoIterator<Item = PathCode>, revocation: Revocation) -> Verdict {
    codes
        .into_iter()
        .map(|code| match code.effect() {
            Effect::Tell => Verdict::Valid,
            Effect::NotVerifiedWhenHard if revocation == Revocation::Hard => Verdict::NotVerified,
            Effect::NotVerifiedWhenHard => Verdict::Valid,
            Effect::NotVerified => Verdict::NotVerified,
            Effect::Invalid => Verdict::Invalid,
        })
        .max()
        .unwrap_or(Verdict::Valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_kebab_case_and_explained() {
        for (i, info) in PathCode::ALL.iter().enumerate() {
            let code = info.code.as_str();
            assert!(
                code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{code}"
            );
            assert!(PathCode::ALL[..i].iter().all(|other| other.code.as_str() != code), "{code} twice");
            for text in [info.citation, info.meaning, info.why, info.mend] {
                assert!(!text.is_empty(), "{code}");
            }
        }
    }

    #[test]
    fn the_worst_effect_wins_and_crls_count_only_when_hard() {
        let all = [PathCode::CrlMissing, PathCode::Sha1Signature];
        assert_eq!(verdict(all, Revocation::Soft), Verdict::Valid);
        assert_eq!(verdict(all, Revocation::Hard), Verdict::NotVerified);
        assert_eq!(verdict([PathCode::NoIssuer, PathCode::Revoked], Revocation::Off), Verdict::Invalid);
        assert_eq!(verdict([], Revocation::Hard), Verdict::Valid);
    }
}
