//! The policy: everything about publication that an organisation may decide, as a value and as a file.
//!
//! A [`Policy`] is plain data. Its default is made of the constants in [`crate::limits`] and of the
//! [`crate::rules`] registry. [`Policy::parse`] reads the TOML of `--policy`: first the text becomes a tree in
//! which every key and value has its place, then the tree becomes a policy, or problems that name line, column
//! and remedy. [`Policy::document`] writes the whole policy back with a comment on every line; that is
//! `certferry generate policy` for the default and review/policy.toml for the one that was used.
//!
//! | file | what |
//! |---|---|
//! | `keys` | the plain keys: one table for reading, writing, comparing and the schema |
//! | `words` | the words that keys take |
//! | `codes` | severity and decision of each code, where they are changed |
//! | `fixed` | what no policy can soften, and why |
//! | `anchors` | for whom a trust anchor counts |
//! | `exceptions` | accepted exceptions |
//! | `tree`, `read` | from text to policy |
//! | `text` | from policy to text, and what differs from the default |
//! | `force` | a policy in force at an instant: the one place where it acts on findings |
//!
//! Precedence, for everything that can be said in several places: option, file, default.

mod anchors;
mod codes;
mod exceptions;
mod fixed;
mod force;
mod keys;
mod read;
mod schema;
mod text;
mod tree;
mod words;

use std::collections::BTreeMap;

pub use anchors::Pairing;
pub use codes::Override;
pub use exceptions::{Exception, Until, Whose};
pub use fixed::{FIXED, Fixed, Softening, fixed};
pub use force::InForce;
pub use schema::schema;
pub use text::Difference;
pub use tree::Problem;
pub use words::{Curve, EncryptingBit, FailOn, MaxRemovals, Needed, Publish, SigningBit, Word};

use crate::bundle::model::{Attribute, RecipientKind};
use crate::certificate::oid;
use crate::limits;
use crate::path::Revocation;

/// What an organisation decides about publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which of several good certificates of a person are published.
    pub publish: Publish,
    /// Days that a successor must have been valid before its predecessor is dropped.
    pub min_overlap_days: i64,
    /// Attributes whose values are taken.
    pub attributes: Vec<Attribute>,
    /// Kinds of recipients that are taken.
    pub kinds: Vec<RecipientKind>,
    /// Whether a certificate may bear a secondary address alone.
    pub aliases: bool,
    /// How revocation counts.
    pub revocation: Revocation,
    /// How many people may lose their last certificate in one bundle.
    pub max_removals: MaxRemovals,
    /// When findings make the exit code 1.
    pub fail_on: FailOn,
    /// Numbers and sizes.
    pub limits: Limits,
    /// What a certificate must be for.
    pub usage: Usage,
    /// Codes whose severity or decision is not the default one.
    pub codes: BTreeMap<&'static str, Override>,
    /// For whom anchors count.
    pub anchors: Vec<Pairing>,
    /// Accepted exceptions.
    pub exceptions: Vec<Exception>,
}

/// Numbers and sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bits of an RSA modulus below which a certificate is withheld.
    pub rsa_bits_refused_below: usize,
    /// Bits of an RSA modulus below which a certificate draws a warning.
    pub rsa_bits_warned_below: usize,
    /// Curves that are not told as unusual.
    pub curves: Vec<Curve>,
    /// Days of validity above which a certificate is told as long-lived.
    pub max_validity_days: i64,
    /// Days before its end at which a certificate is reported as ending soon.
    pub warn_days: i64,
    /// Days until the next bundle is expected.
    pub days_to_next_run: i64,
    /// Days for which a bundle may be uploaded.
    pub bundle_days: i64,
    /// Values of one attribute that are published.
    pub values_per_attribute: usize,
    /// Bytes of a value above which it is withheld.
    pub value_bytes: usize,
}

/// What a certificate must be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Contents octets of the purpose that the certificate and every CA below the anchor must allow.
    pub purpose: Vec<u8>,
    /// Whether anyExtendedKeyUsage in the person's certificate counts as that purpose.
    pub any_purpose: bool,
    /// Whether a person's certificate without an extended key usage is for every purpose.
    pub no_purpose: bool,
    /// Bits of the key usage that allow encryption, as they fit the key's type.
    pub encrypting: Vec<EncryptingBit>,
    /// Bits of the key usage that allow signatures.
    pub signing: Vec<SigningBit>,
    /// Whether a certificate without a key usage is for everything that its key can do.
    pub no_key_usage: bool,
    /// What a certificate must be usable for.
    pub needed: Needed,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            publish: Publish::All,
            min_overlap_days: limits::OVERLAP_DAYS,
            attributes: vec![Attribute::UserCertificate, Attribute::UserSmimeCertificate],
            kinds: vec![RecipientKind::Mailbox, RecipientKind::MailUser, RecipientKind::MailContact],
            aliases: true,
            revocation: Revocation::Soft,
            max_removals: MaxRemovals::Percent(limits::REMOVALS_PERCENT),
            fail_on: FailOn::Never,
            limits: Limits::default(),
            usage: Usage::default(),
            codes: BTreeMap::new(),
            anchors: Vec::new(),
            exceptions: Vec::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rsa_bits_refused_below: limits::RSA_BITS_REFUSED,
            rsa_bits_warned_below: limits::RSA_BITS_WARNED,
            curves: vec![Curve::P256, Curve::P384, Curve::P521],
            max_validity_days: limits::VALIDITY_DAYS,
            warn_days: limits::WARN_DAYS,
            days_to_next_run: limits::NEXT_RUN_DAYS,
            bundle_days: limits::BUNDLE_DAYS,
            values_per_attribute: limits::VALUES_PER_ATTRIBUTE,
            value_bytes: limits::VALUE_BYTES,
        }
    }
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            purpose: oid::EMAIL_PROTECTION.to_vec(),
            any_purpose: true,
            no_purpose: true,
            encrypting: vec![EncryptingBit::KeyEncipherment, EncryptingBit::KeyAgreement],
            signing: vec![SigningBit::DigitalSignature],
            no_key_usage: true,
            needed: Needed::Either,
        }
    }
}

impl Usage {
    /// The bits of the key usage that allow encryption, and those that allow signatures.
    #[must_use]
    pub fn masks(&self) -> (u16, u16) {
        let encrypting = self.encrypting.iter().fold(0, |mask, bit| mask | bit.mask());
        (encrypting, self.signing.iter().fold(0, |mask, bit| mask | bit.mask()))
    }
}
