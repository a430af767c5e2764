//! Which certificate of a container is the user's own.

use super::Form;
use super::open::{Container, Place};
use super::signed_data::KeyReference;
use super::slices::{Slices, slice};

/// Why a certificate counts as the one to encrypt to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnReason {
    /// The value is this one certificate.
    #[error("the value is this certificate")]
    Bare,
    /// The tag list names it (tag 0x0003).
    #[error("the tag list names it as the key exchange certificate (tag 0x0003)")]
    KeyExchangeTag,
    /// The signer's encryption key preference names it.
    #[error("the signer's encryption key preference names it")]
    Preference,
    /// It signed, and its key usage allows encryption.
    #[error("it signed the value and its key usage allows encryption")]
    Signer,
    /// It is the only certificate that is no CA's.
    #[error("it is the only certificate of the value that is not a CA's")]
    OnlyEndEntity,
    /// Of several it is the only one that can encrypt and bears an address of the recipient.
    #[error("of several it alone can encrypt and bears an address of the recipient")]
    Address,
}

/// Why no certificate counts as the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoOwn {
    /// There is no certificate.
    #[error("the value holds no certificate")]
    Empty,
    /// There are only CA certificates.
    #[error("the value holds only CA certificates")]
    OnlyCa,
    /// No certificate can be cut into its fields.
    #[error("no certificate of the value can be read")]
    Unreadable,
    /// Several end-entity certificates, none that can encrypt and bears an address of the recipient.
    #[error("of {0} certificates none can encrypt and bears an address of the recipient")]
    NoneFits(usize),
    /// Several certificates that all fit, or preferences that contradict each other.
    #[error("{0} certificates fit equally")]
    Ambiguous(usize),
}

/// The outcome. Indices are into [`Container::certificates`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// The certificate to encrypt to; every other certificate is an intermediate for this recipient
    /// only ([`Own::others`]).
    Found {
        /// Index of the certificate to encrypt to.
        index: usize,
        /// Why this one.
        reason: OwnReason,
        /// Index of the certificate that signed, or that tag 0x0008 names, when it is held.
        signing: Option<usize>,
        /// The signer named a certificate to encrypt to that the value does not hold.
        preference_missing: bool,
    },
    /// Nobody's.
    None {
        /// Why.
        why: NoOwn,
        /// As in `Found`.
        signing: Option<usize>,
        /// As in `Found`.
        preference_missing: bool,
    },
}

impl Own {
    /// Index of the certificate to encrypt to.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        match self {
            Self::Found { index, .. } => Some(*index),
            Self::None { .. } => None,
        }
    }

    /// Index of the certificate that signed, when it is held.
    #[must_use]
    pub fn signing(&self) -> Option<usize> {
        match self {
            Self::Found { signing, .. } | Self::None { signing, .. } => *signing,
        }
    }

    /// Indices of all certificates but the one to encrypt to: intermediates for this recipient only.
    pub fn others(&self, container: &Container<'_>) -> impl Iterator<Item = usize> + use<> {
        let own = self.index();
        (0..container.certificates.len()).filter(move |i| Some(*i) != own)
    }
}

/// Chooses the certificate to encrypt to (RFC 8551 sections 2.5.2 and 2.5.3, RFC 2798 section 2.8):
/// what the signer or the tag list prefers; else the signer's own when its key usage allows
/// encryption; else the only one that is no CA's; else of several the only one that can encrypt and
/// bears one of the recipient's addresses, which `bears_address` answers for a certificate's DER.
/// It is called only in that last case. The choice says which certificate to judge, not that it is good.
#[must_use]
pub fn own_certificate(container: &Container<'_>, bears_address: &dyn Fn(&[u8]) -> bool) -> Own {
    let held = &container.certificates;
    let slices: Vec<Option<Slices<'_>>> = held.iter().map(|h| slice(&h.der).ok()).collect();
    let find = |reference: &KeyReference<'_>| {
        slices.iter().position(|s| s.as_ref().is_some_and(|s| reference.names(s)))
    };
    let placed = |place: Place| held.iter().position(|h| h.place == place);
    let signing = container
        .signers
        .iter()
        .find_map(|s| find(&s.signer))
        .or_else(|| placed(Place::Signing))
        .or_else(|| (container.form == Form::TagList).then(|| placed(Place::KeyExchange)).flatten());
    let mut preference_missing = false;
    let found = |index, reason, preference_missing| Own::Found { index, reason, signing, preference_missing };
    let none = |why, preference_missing| Own::None { why, signing, preference_missing };

    if container.form == Form::Certificate && held.len() == 1 {
        return found(0, OwnReason::Bare, false);
    }
    if let Some(index) = placed(Place::KeyExchange) {
        return found(index, OwnReason::KeyExchangeTag, false);
    }
    let mut preferred: Vec<usize> = Vec::new();
    for reference in container.signers.iter().flat_map(|s| &s.key_preferences) {
        match find(reference) {
            Some(index) if preferred.contains(&index) => {}
            Some(index) => preferred.push(index),
            None => preference_missing = true,
        }
    }
    match preferred[..] {
        [] => {}
        [index] => return found(index, OwnReason::Preference, preference_missing),
        _ => return none(NoOwn::Ambiguous(preferred.len()), preference_missing),
    }
    let usable = |index: usize| slices.get(index).and_then(Option::as_ref).filter(|s| !s.is_ca());
    if let Some(index) = signing.filter(|i| usable(*i).is_some_and(Slices::can_encrypt)) {
        return found(index, OwnReason::Signer, preference_missing);
    }
    if held.is_empty() {
        return none(NoOwn::Empty, preference_missing);
    }
    let users: Vec<usize> = (0..held.len()).filter(|i| usable(*i).is_some()).collect();
    match users[..] {
        [] if slices.iter().all(Option::is_none) => return none(NoOwn::Unreadable, preference_missing),
        [] => return none(NoOwn::OnlyCa, preference_missing),
        [index] => return found(index, OwnReason::OnlyEndEntity, preference_missing),
        _ => {}
    }
    let mut fitting = users
        .iter()
        .copied()
        .filter(|i| usable(*i).is_some_and(Slices::can_encrypt))
        .filter(|i| held.get(*i).is_some_and(|h| bears_address(&h.der)));
    match (fitting.next(), fitting.count()) {
        (Some(index), 0) => found(index, OwnReason::Address, preference_missing),
        (Some(_), more) => none(NoOwn::Ambiguous(more + 1), preference_missing),
        (None, _) => none(NoOwn::NoneFits(users.len()), preference_missing),
    }
}
