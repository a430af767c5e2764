//! Which certificate of a value is the user's own (RFC 8551 sections 2.5.2 and 2.5.3, RFC 2798
//! section 2.8), in this order: the one that the signer prefers for encryption, or tag 0x0003; the
//! signer's, when it can be encrypted to; the only one that is no CA's; of several, the one that can
//! be encrypted to and bears one of the recipient's addresses. Else it is nobody's, and nothing is
//! guessed.

use super::super::{Certificate, Name};
use super::cms::{CertificateId, SignedData};
use super::taglist::TagList;
use crate::rules::usage::Abilities;

/// Why a certificate was taken for the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The encryption key preference names it, or tag 0x0003 holds it.
    Preferred,
    /// It signed the value and can be encrypted to.
    Signer,
    /// It is the only one that is no CA's.
    Only,
    /// It can be encrypted to and bears an address of the recipient.
    Address,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// The certificate at this index, and why.
    Found(usize, Why),
    /// Nobody's, and why not.
    Nobody(String),
}

/// Finds the user's own certificate in a SignedData. `bears` says whether a certificate bears one of
/// the recipient's addresses.
pub fn of_signed_data(signed: &SignedData<'_>, bears: &dyn Fn(&Certificate<'_>) -> bool) -> Own {
    let parsed: Vec<Option<Certificate<'_>>> =
        signed.certificates.iter().map(|der| Certificate::parse(der).ok()).collect();
    let named = |id: &CertificateId<'_>| {
        parsed.iter().position(|certificate| certificate.as_ref().is_some_and(|c| is_named(c, id)))
    };
    for signer in &signed.signers {
        if let Some(at) = signer.preference.as_ref().and_then(named) {
            return Own::Found(at, Why::Preferred);
        }
    }
    for signer in &signed.signers {
        if let Some(at) = named(&signer.id)
            && parsed.get(at).and_then(Option::as_ref).is_some_and(|c| !c.is_ca() && Abilities::of(c).encrypt)
        {
            return Own::Found(at, Why::Signer);
        }
    }
    by_content(&parsed, bears)
}

/// Finds the user's own certificate in a tag list, as an index into `encryption` followed by
/// `signing` and `chain`.
pub fn of_tag_list(list: &TagList<'_>, bears: &dyn Fn(&Certificate<'_>) -> bool) -> Own {
    if list.encryption.len() == 1 {
        return Own::Found(0, Why::Preferred);
    }
    let all = list.encryption.iter().chain(&list.signing).chain(&list.chain);
    let parsed: Vec<Option<Certificate<'_>>> = all.map(|der| Certificate::parse(der).ok()).collect();
    by_content(&parsed, bears)
}

fn by_content(parsed: &[Option<Certificate<'_>>], bears: &dyn Fn(&Certificate<'_>) -> bool) -> Own {
    if parsed.is_empty() {
        return Own::Nobody("the value holds no certificate at all".into());
    }
    let people: Vec<(usize, &Certificate<'_>)> = parsed
        .iter()
        .enumerate()
        .filter_map(|(at, certificate)| certificate.as_ref().filter(|c| !c.is_ca()).map(|c| (at, c)))
        .collect();
    let unreadable = parsed.iter().filter(|certificate| certificate.is_none()).count();
    match people.as_slice() {
        [] if unreadable > 0 => Own::Nobody(format!(
            "{unreadable} certificates in the value cannot be read, the others are of CAs"
        )),
        [] => Own::Nobody("the value holds only certificates of CAs".into()),
        [(at, _)] if unreadable == 0 => Own::Found(*at, Why::Only),
        several => {
            let mut fitting = several.iter().filter(|(_, c)| Abilities::of(c).encrypt && bears(c));
            match (fitting.next(), fitting.next()) {
                (Some((at, _)), None) => Own::Found(*at, Why::Address),
                (Some(_), Some(_)) => Own::Nobody(
                    "several certificates in the value fit the recipient, and nothing says which is meant"
                        .into(),
                ),
                (None, _) => Own::Nobody(format!(
                    "the value holds {} certificates of people, and none of them can be encrypted to and bears an address of the recipient",
                    several.len()
                )),
            }
        }
    }
}

/// Whether an identifier of CMS names a certificate.
#[must_use]
pub fn is_named(certificate: &Certificate<'_>, id: &CertificateId<'_>) -> bool {
    match id {
        CertificateId::IssuerAndSerial(issuer, serial) => {
            certificate.serial() == *serial && certificate.issuer().matches(&Name::new(issuer))
        }
        CertificateId::KeyId(id) => certificate.subject_key_id().value().is_some_and(|own| own == id),
    }
}
