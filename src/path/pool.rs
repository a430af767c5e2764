//! The certificates a path can be built of, ready to be found by name.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::limits::MAX_SIGNER_LEVEL;
use super::search::IssuerPaths;
use super::signature::PublicKey;
use crate::certificate::name::NameKey;
use crate::certificate::{Certificate, UnixTime, sha256};

/// A certificate of a search: of the engine's own pool, or one that came along with the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum CertId {
    Shared(usize),
    Extra(usize),
}

/// A certificate with what a search asks for again and again.
pub(super) struct Entry<'a> {
    pub(super) certificate: Certificate<'a>,
    pub(super) sha256: [u8; 32],
    pub(super) subject: NameKey,
    pub(super) issuer: NameKey,
    pub(super) self_issued: bool,
    pub(super) key_id: Option<&'a [u8]>,
    pub(super) authority_key_id: Option<&'a [u8]>,
    pub(super) spki: [u8; 32],
    pub(super) key: Arc<PublicKey>,
    pub(super) is_anchor: bool,
    /// What a search upwards found, for each level of CRL signers.
    pub(super) paths: [OnceLock<Arc<IssuerPaths>>; MAX_SIGNER_LEVEL as usize + 1],
}

impl<'a> Entry<'a> {
    pub(super) fn new(certificate: Certificate<'a>, is_anchor: bool) -> Self {
        let subject = certificate.subject().key();
        let issuer = certificate.issuer().key();
        Self {
            sha256: certificate.sha256(),
            self_issued: subject == issuer,
            subject,
            issuer,
            key_id: certificate.subject_key_id().into_value(),
            authority_key_id: certificate.authority_key_id().into_value().and_then(|id| id.key_id),
            spki: sha256(certificate.spki()),
            key: Arc::new(PublicKey::new(&certificate.key())),
            is_anchor,
            certificate,
            paths: Default::default(),
        }
    }
}

/// The engine's anchors and intermediates, each once, in the order of their SHA-256.
pub(super) struct Pool<'m> {
    pub(super) entries: Vec<Entry<'m>>,
    pub(super) by_subject: HashMap<NameKey, Vec<usize>>,
    by_raw_subject: HashMap<&'m [u8], NameKey>,
    pub(super) by_sha256: HashMap<[u8; 32], usize>,
}

impl<'m> Pool<'m> {
    pub(super) fn new(anchors: Vec<Certificate<'m>>, intermediates: Vec<Certificate<'m>>) -> Self {
        let mut entries: Vec<Entry<'m>> = anchors
            .into_iter()
            .map(|c| Entry::new(c, true))
            .chain(intermediates.into_iter().map(|c| Entry::new(c, false)))
            .collect();
        // An anchor stands before its copy among the intermediates, so that the anchor stays.
        entries.sort_by_key(|entry| (entry.sha256, !entry.is_anchor));
        entries.dedup_by(|later, earlier| later.sha256 == earlier.sha256);
        let mut by_subject: HashMap<NameKey, Vec<usize>> = HashMap::new();
        let mut by_raw_subject = HashMap::new();
        let mut by_sha256 = HashMap::new();
        for (i, entry) in entries.iter().enumerate() {
            by_subject.entry(entry.subject.clone()).or_default().push(i);
            by_raw_subject.insert(entry.certificate.subject().raw(), entry.subject.clone());
            by_sha256.insert(entry.sha256, i);
        }
        Self { entries, by_subject, by_raw_subject, by_sha256 }
    }

    /// Whether the pool has this certificate: found by its subject, so that nothing is hashed.
    pub(super) fn holds(&self, certificate: &Certificate<'_>) -> bool {
        let subject = self.by_raw_subject.get(certificate.subject().raw());
        let same = |at: &usize| self.entries[*at].certificate.der() == certificate.der();
        subject.and_then(|key| self.by_subject.get(key)).is_some_and(|all| all.iter().any(same))
    }

    /// The canonical form of a certificate's issuer name; most are written exactly as some subject
    /// of the pool, which saves making it.
    pub(super) fn issuer_key(&self, certificate: &Certificate<'_>) -> NameKey {
        let issuer = certificate.issuer();
        self.by_raw_subject.get(issuer.raw()).cloned().unwrap_or_else(|| issuer.key())
    }
}

/// How well a candidate fits an authority key identifier: 0 the same, 1 nothing to compare, 2 another.
/// It orders candidates and never filters them.
pub(super) fn key_id_rank(wanted: Option<&[u8]>, candidate: Option<&[u8]>) -> u8 {
    match (wanted, candidate) {
        (Some(a), Some(b)) if a == b => 0,
        (Some(_), Some(_)) => 2,
        _ => 1,
    }
}

/// The order in which candidates are tried.
pub(super) fn preference(
    entry: &Entry<'_>,
    wanted: Option<&[u8]>,
    at: UnixTime,
) -> (u8, bool, bool, std::cmp::Reverse<UnixTime>, [u8; 32]) {
    let certificate = &entry.certificate;
    let current = at >= certificate.not_before() && at <= certificate.not_after();
    (
        key_id_rank(wanted, entry.key_id),
        !entry.is_anchor,
        !current,
        std::cmp::Reverse(certificate.not_before()),
        entry.sha256,
    )
}
