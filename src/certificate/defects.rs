//! What can be wrong with a certificate by itself, whoever signed it.
//!
//! A defect is a fact about bytes, with its place. Some are harmless in practice (an authority key
//! identifier that is missing), some make path processing refuse the certificate (see
//! [`crate::path`]); both are told, because the issuer can only mend what somebody reports.

use super::extensions::Malformed;

/// One defect of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Which kind.
    pub code: DefectCode,
    /// Byte offset in the certificate.
    pub offset: usize,
    /// What was found there.
    pub found: String,
    /// What is required instead.
    pub required: &'static str,
    /// RFC and section.
    pub section: &'static str,
}

macro_rules! defect_codes {
    ($($(#[doc = $doc:literal])+ $id:ident = $code:literal;)*) => {
        /// The kinds of defect; the text of each is its permanent kebab-case code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DefectCode { $($(#[doc = $doc])+ $id,)* }
        impl DefectCode {
            /// Every kind, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$id),*];
            /// The permanent code.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$id => $code,)* }
            }
            /// One paragraph: what it means, as in its documentation.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$id => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

defect_codes! {
    /// The signature algorithm inside the signed part is not the one beside the signature.
    AlgorithmMismatch = "signature-algorithm-mismatch";
    /// The version does not fit what the certificate holds: extensions need version 3, unique identifiers need 2 or 3.
    VersionMismatch = "version-mismatch";
    /// The serial number is zero or negative.
    SerialNotPositive = "serial-not-positive";
    /// The serial number is longer than 20 octets.
    SerialTooLong = "serial-too-long";
    /// The encoding is BER but not DER: a length, a BOOLEAN, an INTEGER, a BIT STRING or a time in a form that DER forbids.
    NotDer = "not-der";
    /// A date before 2050 is written as GeneralizedTime, or notAfter lies before notBefore.
    TimeForm = "validity-malformed";
    /// An extension stands twice.
    DuplicateExtension = "duplicate-extension";
    /// A critical extension is none that this program processes.
    UnknownCriticalExtension = "unknown-critical-extension";
    /// The issuer name is empty.
    EmptyIssuer = "empty-issuer";
    /// The subject name is empty although it is a CA, or no critical subjectAltName stands in for it.
    EmptySubject = "empty-subject";
    /// An extension says nothing: no names, no purposes, no bits, no subtrees.
    EmptyExtension = "extension-empty";
    /// An extension cannot be decoded.
    UndecodableExtension = "extension-undecodable";
    /// An extension is critical that must not be, or is not that must be.
    Criticality = "extension-criticality";
    /// An extension or bit stands in a certificate of the wrong kind.
    Misplaced = "extension-misplaced";
    /// A name is not written as its form demands.
    MalformedName = "name-malformed";
    /// The public key is not written as its algorithm demands, or is no valid key.
    MalformedKey = "key-malformed";
    /// Bytes stand behind the end of the certificate or of a part of it.
    TrailingBytes = "trailing-bytes";
    /// A key identifier is missing or incomplete.
    KeyIdentifier = "key-identifier-missing";
    /// Policies, their qualifiers, mappings or constraints are not as they must be.
    MalformedPolicy = "policy-malformed";
    /// The certificate has unique identifiers, which CAs must not write.
    UniqueIdentifier = "unique-identifier";
}

impl Defect {
    pub(crate) fn new(
        code: DefectCode,
        offset: usize,
        found: impl Into<String>,
        required: &'static str,
        section: &'static str,
    ) -> Self {
        Self { code, offset, found: found.into(), required, section }
    }

    pub(crate) fn undecodable(error: &Malformed) -> Self {
        Self::new(
            DefectCode::UndecodableExtension,
            error.offset,
            error.what.clone(),
            "the syntax of the extension",
            "RFC 5280 section 4.2",
        )
    }
}
