//! The same key or certificate at several recipients.
//!
//! The census says who may share what, by shortened hashes. What is told is confirmed by full hashes of what the other
//! one has: they are taken down while its object is at hand, or the object is read again. All ways lead to the same.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{World, label};
use crate::census::keys::{Kind, Note, short};
use crate::certificate::Certificate;
use crate::encoding::sha256;
use crate::extract;
use crate::limits::REMEMBERED_HASHES;
use crate::object::Object;
use crate::recipient::Reach;
use crate::rules::{Finding, recipient as recipient_rules};

/// What objects have that others share, by their first records, for all threads. Bounded by [`REMEMBERED_HASHES`]: what
/// does not fit is read again.
#[derive(Default)]
pub struct Sharers(RwLock<Known>);

#[derive(Default)]
struct Known {
    sharers: HashMap<u32, Arc<Sharer>>,
    hashes: usize,
}

/// Full hashes of the keys and certificates of an object, and how it is named.
#[derive(Default)]
pub struct Sharer {
    keys: Vec<[u8; 32]>,
    certificates: Vec<[u8; 32]>,
    name: String,
}

impl Sharer {
    /// Hashes what an object has.
    #[must_use]
    pub fn of(object: &Object, reach: &Reach) -> Self {
        let mut sharer = Self { name: label(reach, object.dn.as_deref()), ..Self::default() };
        for der in extract::certificates(object) {
            if let Ok(certificate) = Certificate::parse(&der) {
                sharer.keys.push(sha256(certificate.spki()));
                sharer.certificates.push(certificate.sha256());
            }
        }
        sharer
    }

    /// What counts for the bound; the entry and its name take memory too.
    fn hashes(&self) -> usize {
        2 + self.keys.len() + self.certificates.len() + self.name.len() / 32
    }
}

impl Sharers {
    /// Keeps what the first of several has, while it is at hand: the others ask for it.
    pub(super) fn keep(&self, object: &Object, reach: &Reach, notes: &[Note]) {
        if let Some(note) = notes.iter().find(|note| is_about_certificates(note) && note.leader < note.other)
        {
            self.put(note.leader, Sharer::of(object, reach));
        }
    }

    /// Tells with whom the recipient shares a certificate or its key.
    pub(super) fn check(
        &self,
        certificate: &Certificate<'_>,
        notes: &[Note],
        world: &dyn World,
        findings: &mut Vec<Finding>,
    ) {
        let mut key = None;
        for note in notes.iter().filter(|note| is_about_certificates(note)) {
            let key = *key.get_or_insert_with(|| sha256(certificate.spki()));
            let (rule, what, hash) = match note.kind {
                Kind::PublicKey => (&recipient_rules::SHARED_KEY, "key", short(&key)),
                _ => (&recipient_rules::SHARED_CERTIFICATE, "certificate", short(&certificate.sha256())),
            };
            if note.hash != hash {
                continue;
            }
            let sharer = self.sharer(note.other, world);
            let confirmed = match note.kind {
                Kind::PublicKey => sharer.keys.contains(&key),
                _ => sharer.certificates.contains(&certificate.sha256()),
            };
            if !confirmed {
                continue; // Equal in 128 bits and no more: chance, or somebody's design.
            }
            let (count, who, leads) = (note.objects, &sharer.name, note.leader < note.other);
            let found = if leads {
                format!("{count} recipients have this {what}, this one first; another one is {who}")
            } else {
                format!("{count} recipients have this {what}; the first one is {who}")
            };
            let mut finding = Finding::new(rule, found, format!("a {what} of one's own"));
            finding.listed = leads;
            findings.push(finding);
        }
    }

    /// What the object that begins with a record has; nothing when it cannot be read, which ends the run.
    fn sharer(&self, leader: u32, world: &dyn World) -> Arc<Sharer> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sharer) = known.sharers.get(&leader) {
            return Arc::clone(sharer);
        }
        drop(known);
        let Some(object) = world.object(leader) else { return Arc::default() };
        self.put(leader, Sharer::of(&object, &world.reach(&object)))
    }

    /// Forgets what is known of objects that are not `wanted`, by their first records.
    pub fn retain(&mut self, wanted: impl Fn(u32) -> bool) {
        let known = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        known.sharers.retain(|leader, _| wanted(*leader));
        known.hashes = known.sharers.values().map(|sharer| sharer.hashes()).sum();
    }

    /// Remembers what the object that begins with a record has.
    pub fn put(&self, leader: u32, sharer: Sharer) -> Arc<Sharer> {
        let sharer = Arc::new(sharer);
        let hashes = sharer.hashes();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.hashes + hashes > REMEMBERED_HASHES {
            *known = Known::default();
        }
        if known.sharers.insert(leader, Arc::clone(&sharer)).is_none() {
            known.hashes += hashes;
        }
        sharer
    }
}

fn is_about_certificates(note: &Note) -> bool {
    matches!(note.kind, Kind::PublicKey | Kind::Certificate)
}
