//! What a directory value or a file carries certificates in, and which of them is the user's own.
//!
//! `userSMIMECertificate` holds whatever the mail client put there: usually a CMS object with the
//! whole chain, sometimes the `SignedData` without its wrapper, a bare certificate, or Outlook's own
//! tag list. This layer takes certificates out of all of them as slices of the original bytes and
//! decodes nothing else: what a certificate says is for the next layer, so that one odd certificate
//! never loses its neighbours.
//!
//! The steps are separate on purpose, since the first pass over a directory needs only the first two:
//!
//! 1. [`classify_value`] names the form, or the private key that must not be here, or what was found
//!    instead and at which byte;
//! 2. [`open`] lists certificates, signers and everything odd as [`Note`]s;
//! 3. [`own_certificate`] chooses the one to encrypt to, with the reason;
//! 4. [`check_signer`] verifies a signer's statement where the algorithms allow it.
//!
//! Nothing here trusts anything: anyone who may write the attribute can write any container.
//! Sources: RFC 5652 (CMS), RFC 8551 section 2.5 (S/MIME attributes), RFC 2798 section 2.8 (the
//! attribute), MS-OXOABK section 2.2.4.36 (tag list).

mod ber;
mod classify;
pub mod detached;
mod note;
mod open;
mod own;
mod secret;
mod signed_data;
mod signer;
pub mod slices;
mod tags;

pub use ber::to_der;
pub use classify::{Form, Found, Unknown, Value, classify_value};
pub use note::Note;
pub use open::{
    Container, Held, MAX_CERTIFICATES_IN_FILE, MAX_CERTIFICATES_IN_VALUE, Place, open, open_with_limit,
};
pub use own::{NoOwn, Own, OwnReason, own_certificate};
pub use secret::{
    Secret, WITHHELD_LENGTH, WITHHELD_PREFIX, detect_secret, find_secret_text, is_key_attribute,
};
pub use signed_data::{KeyReference, SignerInfo};
pub use signer::{NotChecked, SignerCheck, check_signer};

#[cfg(test)]
mod tests;
