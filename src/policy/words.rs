//! The words that keys of the policy take, each list in one place.

use crate::bundle::model::{Attribute, Decision, RecipientKind, Severity};
use crate::certificate::extensions::KeyUsage;
use crate::path::Revocation;

/// A value that the file writes as a word.
pub trait Word: Copy + PartialEq + 'static {
    /// Every value with its word, in the order in which they are listed.
    const ALL: &'static [(Self, &'static str)];

    /// Its word.
    fn word(self) -> &'static str {
        // Every value stands in the list; a test goes over them.
        Self::ALL.iter().find(|(value, _)| *value == self).map_or("", |(_, word)| word)
    }

    /// The value of a word.
    fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(value, _)| *value)
    }

    /// All words.
    fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|(_, word)| *word).collect()
    }
}

/// Which of several good certificates are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publish {
    /// All of them.
    All,
    /// The newest, and older ones until their successor is old enough.
    Newest,
}

impl Word for Publish {
    const ALL: &'static [(Self, &'static str)] = &[(Self::All, "all"), (Self::Newest, "newest")];
}

/// What a certificate must be usable for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Encryption or signatures.
    Either,
    /// Encryption.
    Encrypting,
    /// Both.
    Both,
}

impl Word for Needed {
    const ALL: &'static [(Self, &'static str)] =
        &[(Self::Either, "either"), (Self::Encrypting, "encrypting"), (Self::Both, "both")];
}

/// When findings make the exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// Never.
    Never,
    /// At a warning or an error.
    Warning,
    /// At an error.
    Error,
    /// When somebody cannot be written to.
    Uncovered,
}

impl Word for FailOn {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Never, "never"),
        (Self::Warning, "warning"),
        (Self::Error, "error"),
        (Self::Uncovered, "uncovered"),
    ];
}

/// A bit of the key usage that lets others encrypt to a key (RFC 8550 section 4.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptingBit {
    /// For RSA keys.
    KeyEncipherment,
    /// For elliptic curves and Diffie-Hellman.
    KeyAgreement,
}

impl EncryptingBit {
    /// As a bit of [`KeyUsage`].
    #[must_use]
    pub fn mask(self) -> u16 {
        match self {
            Self::KeyEncipherment => KeyUsage::KEY_ENCIPHERMENT,
            Self::KeyAgreement => KeyUsage::KEY_AGREEMENT,
        }
    }
}

impl Word for EncryptingBit {
    const ALL: &'static [(Self, &'static str)] =
        &[(Self::KeyEncipherment, "keyEncipherment"), (Self::KeyAgreement, "keyAgreement")];
}

/// A bit of the key usage that lets a key sign mail (RFC 8550 section 4.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningBit {
    /// digitalSignature
    DigitalSignature,
    /// contentCommitment, formerly nonRepudiation.
    ContentCommitment,
}

impl SigningBit {
    /// As a bit of [`KeyUsage`].
    #[must_use]
    pub fn mask(self) -> u16 {
        match self {
            Self::DigitalSignature => KeyUsage::DIGITAL_SIGNATURE,
            Self::ContentCommitment => KeyUsage::CONTENT_COMMITMENT,
        }
    }
}

impl Word for SigningBit {
    const ALL: &'static [(Self, &'static str)] =
        &[(Self::DigitalSignature, "digitalSignature"), (Self::ContentCommitment, "contentCommitment")];
}

/// An elliptic curve that keys can be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// P-256
    P256,
    /// P-384
    P384,
    /// P-521
    P521,
    /// secp256k1
    Secp256k1,
}

impl Word for Curve {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::P256, "P-256"),
        (Self::P384, "P-384"),
        (Self::P521, "P-521"),
        (Self::Secp256k1, "secp256k1"),
    ];
}

impl Word for Revocation {
    const ALL: &'static [(Self, &'static str)] =
        &[(Self::Off, "off"), (Self::Soft, "soft"), (Self::Hard, "hard")];
}

impl Word for Severity {
    const ALL: &'static [(Self, &'static str)] =
        &[(Self::Info, "info"), (Self::Warning, "warning"), (Self::Error, "error")];
}

impl Word for Decision {
    const ALL: &'static [(Self, &'static str)] = &[(Self::Publish, "publish"), (Self::Withhold, "withhold")];
}

impl Word for Attribute {
    // userPKCS12 holds private keys: no policy takes it.
    const ALL: &'static [(Self, &'static str)] =
        &[(Self::UserCertificate, "userCertificate"), (Self::UserSmimeCertificate, "userSMIMECertificate")];
}

impl Word for RecipientKind {
    const ALL: &'static [(Self, &'static str)] =
        &[(Self::Mailbox, "mailbox"), (Self::MailUser, "mailUser"), (Self::MailContact, "mailContact")];
}

/// What `max_removals` and `--max-removals` say: how many people may lose their last certificate to
/// encrypt to before a run refuses to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxRemovals {
    /// So many people.
    Count(u64),
    /// So many of a hundred of those who had one.
    Percent(u8),
}

impl MaxRemovals {
    /// The form in which it is written: `10` or `5%`.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Count(count) => count.to_string(),
            Self::Percent(percent) => format!("{percent}%"),
        }
    }
}

impl std::str::FromStr for MaxRemovals {
    type Err = &'static str;

    /// Reads `10` or `5%`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a number of people such as 10, or 0% to 100% such as 5%";
        match text.strip_suffix('%') {
            Some(percent) => match percent.parse() {
                Ok(percent @ 0..=100) if !percent_is_odd(text) => Ok(Self::Percent(percent)),
                _ => Err(EXPECTED),
            },
            None if text.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse().map(Self::Count).map_err(|_| EXPECTED)
            }
            None => Err(EXPECTED),
        }
    }
}

/// A sign or blank, which numbers in Rust may begin with.
fn percent_is_odd(text: &str) -> bool {
    !text.bytes().all(|b| b.is_ascii_digit() || b == b'%')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn all<W: Word + std::fmt::Debug>() {
        for (value, word) in W::ALL {
            assert_eq!(value.word(), *word);
            assert_eq!(W::of(word), Some(*value));
        }
        assert_eq!(W::of("nonsense"), None);
    }

    #[test]
    fn words_and_values_are_pairs() {
        all::<Publish>();
        all::<Needed>();
        all::<FailOn>();
        all::<EncryptingBit>();
        all::<SigningBit>();
        all::<Curve>();
        all::<Revocation>();
        all::<Severity>();
        all::<Decision>();
        all::<Attribute>();
        all::<RecipientKind>();
    }

    #[test]
    fn removals_are_counted_or_a_share() {
        for (text, value) in [
            ("10", MaxRemovals::Count(10)),
            ("0", MaxRemovals::Count(0)),
            ("5%", MaxRemovals::Percent(5)),
            ("100%", MaxRemovals::Percent(100)),
        ] {
            assert_eq!(text.parse(), Ok(value));
            assert_eq!(value.text(), text);
        }
        for wrong in ["", "%", "5 %", "+5%", "-1", "+1", "101%", "five", "1.5%", "5%%"] {
            assert!(wrong.parse::<MaxRemovals>().is_err(), "{wrong}");
        }
    }
}
