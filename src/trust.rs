//! The trust store: which authorities' certificates cross in transfer/trust.sst.
//!
//! Outlook on the web validates a chain against the store that the tenant holds and against nothing
//! else, so every issuer of a published certificate up to the root belongs there. The paths have been
//! found by then: workers hand on the SHA-256 of each authority on them ([`Link`]), with its DER only
//! where it came along with the value and the engine does not have it. [`Authorities`] unites them in
//! the order of the input; it grows with the authorities of the run and not with its recipients.
//! [`TrustStore::build`] adds what `--keep-trust` gave, and decides. What would do harm is left out and
//! named, each certificate by one finding: one that ends before the bundle does, because one expired
//! certificate makes the upload of the whole store fail, and one that is no authority's.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::bundle::model::{Severity, TrustOrigin, TrustStoreEntry};
use crate::certificate::{Certificate, UnixTime, sst};
use crate::encoding::{hex, sha256};
use crate::error::Error;
use crate::path::Engine;
use crate::path::signature::{Checked, PublicKey};
use crate::rules::{Finding, run as rules};

/// A certificate on the path of a published one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// SHA-256 of its DER.
    pub sha256: [u8; 32],
    /// Its DER, where it came along with the value; the engine has all others.
    pub der: Option<Vec<u8>>,
    /// What the recipient's certificates need it for.
    pub need: Need,
}

/// What an authority is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// A path ends at it.
    pub anchor: bool,
    /// It is the published certificate itself, as the anchor of its own path, and no authority's.
    pub itself: bool,
    /// Nothing but a signing certificate rests on it, which a published value carries beside the
    /// certificate to encrypt to.
    pub signer: bool,
}

impl Need {
    /// Both needs in one.
    pub fn unite(&mut self, other: Self) {
        self.anchor |= other.anchor;
        self.itself |= other.itself;
        self.signer &= other.signer;
    }
}

/// The authorities of published certificates, by SHA-256.
#[derive(Debug, Default)]
pub struct Authorities(BTreeMap<[u8; 32], Authority>);

/// What is known of an authority.
#[derive(Debug)]
struct Authority {
    der: Option<Vec<u8>>,
    need: Need,
    /// Recipients whose published certificates rest on it; where there are none, those of whom a signing
    /// certificate does.
    people: u64,
    /// The first of them.
    first: String,
}

impl Authorities {
    /// Adds those of one recipient, each of them once.
    pub fn add(&mut self, links: Vec<Link>, person: &str) {
        for Link { sha256, der, need } in links {
            match self.0.entry(sha256) {
                Entry::Occupied(mut known) => known.get_mut().unite(need, 1, || person.to_owned()),
                Entry::Vacant(new) => {
                    new.insert(Authority { der, need, people: 1, first: person.to_owned() });
                }
            }
        }
    }

    /// Adds those of recipients that stand later in the input.
    pub fn merge(&mut self, later: Self) {
        for (sha256, authority) in later.0 {
            match self.0.entry(sha256) {
                Entry::Occupied(mut known) => {
                    known.get_mut().unite(authority.need, authority.people, || authority.first);
                }
                Entry::Vacant(new) => {
                    new.insert(authority);
                }
            }
        }
    }
}

impl Authority {
    fn unite(&mut self, need: Need, people: u64, first: impl FnOnce() -> String) {
        if self.need.signer == need.signer {
            self.people += people;
        } else if self.need.signer {
            (self.people, self.first) = (people, first());
        }
        self.need.unite(need);
    }

    /// Whose certificates rest on it, as a clause.
    fn rest(&self) -> String {
        let Self { people, first, .. } = self;
        match (self.need.signer, people) {
            (false, 1) => format!("the published certificate of {first} rests on it"),
            (false, _) => {
                format!("published certificates of {people} people rest on it (the first one is {first})")
            }
            (true, 1) => format!("the signing certificate beside the published one of {first} rests on it"),
            (true, _) => format!(
                "signing certificates beside the published ones of {people} people rest on it (the first one is {first})"
            ),
        }
    }
}

/// The trust store of a bundle.
#[derive(Debug, Default)]
pub struct TrustStore {
    /// What is in it and what was left out, as the manifest lists it: sorted by SHA-256.
    pub entries: Vec<TrustStoreEntry>,
    /// The bytes of trust.sst; none where it would hold nothing, since uploading an empty store would
    /// delete the tenant's.
    pub sst: Option<Vec<u8>>,
    /// What there is to say, with the SHA-256 of the certificate.
    pub findings: Vec<(Finding, [u8; 32])>,
}

/// A certificate that may go into the store.
struct Offered<'a> {
    certificate: Certificate<'a>,
    needed: Option<&'a Authority>,
}

impl TrustStore {
    /// Decides about every authority of the run and every certificate of the kept store. `engine` has
    /// the certificates that did not come along with a value; `at` is the instant of judging.
    ///
    /// # Errors
    /// [`Error::Internal`] when a chain names a certificate that nobody has.
    pub fn build(
        authorities: &Authorities,
        kept: &[Vec<u8>],
        engine: Option<&Engine<'_>>,
        at: UnixTime,
        valid_until: UnixTime,
    ) -> Result<Self, Error> {
        let mut offered: BTreeMap<[u8; 32], Offered<'_>> = BTreeMap::new();
        for (sha256, authority) in &authorities.0 {
            let own = authority.der.as_deref().and_then(|der| Certificate::parse(der).ok());
            let certificate = own.or_else(|| engine?.certificate(sha256).cloned()).ok_or_else(|| {
                let message = format!("no certificate is known for {} of a published chain", hex(sha256));
                Error::Internal { message }
            })?;
            offered.insert(*sha256, Offered { certificate, needed: Some(authority) });
        }
        for der in kept {
            // They were parsed when they were read.
            let Ok(certificate) = Certificate::parse(der) else { continue };
            offered.entry(sha256(der)).or_insert(Offered { certificate, needed: None });
        }
        let mut store = Self::default();
        let mut taken: Vec<(&[u8; 32], &Offered<'_>)> = Vec::new();
        for (sha256, offer) in &offered {
            let against = offer.against(at, valid_until);
            store.entries.push(offer.entry(sha256, against.as_ref()));
            match against {
                Some(finding) => store.findings.push((finding, *sha256)),
                None => taken.push((sha256, offer)),
            }
        }
        for (sha256, offer) in &taken {
            let certificate = &offer.certificate;
            let Some(needed) = offer.needed.filter(|needed| needed.need.anchor) else { continue };
            if !taken.iter().any(|(_, other)| signed_by(certificate, &other.certificate)) {
                store.findings.push((no_root(certificate, needed), **sha256));
            }
        }
        if !taken.is_empty() {
            store.sst = Some(sst::write(taken.iter().map(|(_, offer)| offer.certificate.der())));
        }
        Ok(store)
    }

    /// How many certificates are in it, and how many of them are there only because they were kept.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let inside = || self.entries.iter().filter(|entry| entry.left_out.is_none());
        (inside().count(), inside().filter(|entry| entry.origin == TrustOrigin::Kept).count())
    }
}

impl Offered<'_> {
    /// Why it must not be in the store.
    fn against(&self, at: UnixTime, valid_until: UnixTime) -> Option<Finding> {
        let name = name(&self.certificate);
        let until = self.certificate.not_after();
        match self.needed {
            Some(needed) if needed.need.itself => Some(Finding::new(
                &rules::TRUST_STORE_END_ENTITY,
                format!(
                    "{name} is an anchor and a person's own certificate, so it was left out of trust.sst; {}",
                    needed.rest()
                ),
                "an authority's certificate at the end of the path",
            )),
            None if !is_authority(&self.certificate) => Some(Finding::new(
                &rules::TRUST_STORE_END_ENTITY,
                format!(
                    "{name} in the store of --keep-trust is no authority's and was left out of trust.sst"
                ),
                "certificates of authorities (basicConstraints)",
            )),
            needed if until < valid_until => {
                let ends = if until < at { "ended" } else { "ends" };
                let (of, effect) = match needed {
                    Some(needed) => ("", needed.rest()),
                    None => (
                        " in the store of --keep-trust",
                        "no certificate that is published here rests on it".to_owned(),
                    ),
                };
                let mut finding = Finding::new(
                    &rules::TRUST_STORE_EXPIRING,
                    format!("{name}{of} {ends} at {until} and was left out of trust.sst; {effect}"),
                    format!("a certificate of this authority that is valid until {valid_until} or longer"),
                );
                if needed.is_none() && until < at {
                    finding.severity = Severity::Info;
                }
                Some(finding)
            }
            _ => None,
        }
    }

    fn entry(&self, sha256: &[u8; 32], against: Option<&Finding>) -> TrustStoreEntry {
        let certificate = &self.certificate;
        TrustStoreEntry {
            sha256: hex(sha256),
            sha1: hex(&certificate.sha1()),
            subject: certificate.subject().to_string(),
            serial: certificate.serial_hex(),
            not_before: certificate.not_before().to_string(),
            not_after: certificate.not_after().to_string(),
            origin: match self.needed {
                Some(needed) if needed.need.signer => TrustOrigin::Signer,
                Some(_) => TrustOrigin::Chain,
                None => TrustOrigin::Kept,
            },
            people: self.needed.map_or(0, |needed| needed.people),
            left_out: against.map(|finding| finding.rule.code.to_owned()),
        }
    }
}

fn no_root(certificate: &Certificate<'_>, needed: &Authority) -> Finding {
    Finding::new(
        &rules::TRUST_STORE_NO_ROOT,
        format!(
            "{} is an anchor, but not self-signed, and {}, who signed it, is not in trust.sst; {}",
            name(certificate),
            certificate.issuer(),
            needed.rest()
        ),
        "a chain up to a self-signed root",
    )
}

/// How a certificate is named in a sentence.
fn name(certificate: &Certificate<'_>) -> String {
    format!("{} (serial {})", certificate.subject(), certificate.serial_hex())
}

/// Whether a certificate is an authority's although nothing shows what it signed: basicConstraints says
/// so, or it is a root from before there were extensions. A person's certificate of that age bears an
/// address.
#[must_use]
pub fn is_authority(certificate: &Certificate<'_>) -> bool {
    let old = certificate.version() == 1 && certificate.is_self_issued();
    certificate.is_ca() || old && certificate.email_addresses().is_empty()
}

/// Whether `issuer` may have signed a certificate; an algorithm that cannot be checked is no objection.
fn signed_by(certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> bool {
    let checked = || {
        let key = PublicKey::new(&issuer.key());
        key.verify(certificate.signature_algorithm(), certificate.tbs(), certificate.signature())
    };
    certificate.issuer().matches(&issuer.subject()) && checked() != Checked::Bad
}
