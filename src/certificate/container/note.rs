//! What was odd about a container and yet did not stop its reading.

use crate::certificate::tlv::TlvError;

/// One oddity with its place. Offsets are bytes from the start of the value. `Display` gives the
/// sentence for messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Note {
    /// Bytes stand behind the end of the structure.
    #[error("{count} bytes stand behind the end of the structure, at byte {at}")]
    TrailingBytes {
        /// Where they begin.
        at: usize,
        /// How many.
        count: usize,
    },
    /// The container is BER: some length is indefinite or longer than needed (X.690 section 10.1).
    #[error("the container is BER, not DER (an indefinite or over-long length)")]
    Ber,
    /// A certificate was itself BER; it was re-encoded as DER, so its bytes differ from the value's.
    #[error(
        "the certificate at byte {at} is BER; it was re-encoded as DER, which its signature may not cover"
    )]
    Normalised {
        /// Offset of the certificate.
        at: usize,
    },
    /// A certificate is BER and could not be re-encoded.
    #[error("the certificate at byte {at} is BER and cannot be re-encoded: {problem}")]
    NotNormalised {
        /// Offset of the certificate.
        at: usize,
        /// What stopped it.
        problem: TlvError,
    },
    /// A member of `certificates` that is not an X.509 certificate (RFC 5652 section 10.2.2).
    #[error("the element at byte {at} is {what}, not a certificate; it was left out")]
    OtherChoice {
        /// Offset of the element.
        at: usize,
        /// The identifier octet.
        tag: u8,
        /// Its name.
        what: &'static str,
    },
    /// The same certificate occurs again, byte for byte.
    #[error("the certificate at byte {at} occurs more than once")]
    Duplicate {
        /// Offset of the second occurrence.
        at: usize,
        /// Index of the first occurrence in the container's certificates.
        of: usize,
    },
    /// The structure breaks off or is damaged at a place; what stands before it was read.
    #[error("{part} cannot be read beyond byte {at}: {problem}")]
    Broken {
        /// Which part of the structure.
        part: &'static str,
        /// Where reading stopped.
        at: usize,
        /// Why.
        problem: TlvError,
    },
    /// The container holds more certificates than are read; the rest was left out.
    #[error("more than {limit} certificates; those from byte {at} on were left out")]
    TooManyCertificates {
        /// The limit that was in force.
        limit: usize,
        /// Offset of the first one left out.
        at: usize,
    },
    /// No certificate at all (a signature without its certificates, or an empty set).
    #[error("the container holds no certificate")]
    NoCertificates,
    /// The container also holds CRLs.
    #[error("the container also holds {count} CRLs")]
    Crls {
        /// How many.
        count: usize,
    },
    /// The value was PEM or base64 text where DER is expected.
    #[error("the value is text ({what}), DER was expected; it was decoded")]
    Text {
        /// Which kind of text.
        what: &'static str,
    },
    /// A tag list has no version element (tag 0x0001), or not version 1.
    #[error("the tag list does not begin with version 1")]
    TagVersion,
    /// A tag that should hold a certificate holds something else.
    #[error("tag {tag:#06x} at byte {at} should hold a certificate and does not")]
    TagWithoutCertificate {
        /// The tag.
        tag: u16,
        /// Offset of the tag.
        at: usize,
    },
    /// The SHA-1 that a tag list gives is not that of the certificate beside it.
    #[error("tag {tag:#06x} at byte {at} holds a SHA-1 that is not that of the certificate beside it")]
    TagSha1 {
        /// The tag: 0x0022 or 0x0009.
        tag: u16,
        /// Offset of the tag.
        at: usize,
    },
}

impl Note {
    /// Whether something in the value could not be read, so that a value with this note is damaged:
    /// its certificates may be judged, the value itself must not be passed on.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Broken { .. } | Self::TooManyCertificates { .. } | Self::TagWithoutCertificate { .. } => {
                true
            }
            Self::TrailingBytes { .. }
            | Self::Ber
            | Self::Normalised { .. }
            | Self::NotNormalised { .. }
            | Self::OtherChoice { .. }
            | Self::Duplicate { .. }
            | Self::NoCertificates
            | Self::Crls { .. }
            | Self::Text { .. }
            | Self::TagVersion
            | Self::TagSha1 { .. } => false,
        }
    }
}
