//! The census: what one entry needs to know of the whole run, found in a first pass.
//!
//! Double addresses, objects that are split over records, addresses of others, shared keys and
//! certificates cannot be seen in one record. The first pass makes hashed [`keys`] of every record;
//! they are sorted on disk ([`sorter`]); groups of equal keys say which records are one object
//! ([`Groups`]) and what objects have in common ([`keys::Note`]). Only what really is shared
//! survives into the second pass. Memory grows with the number of *split objects*, not of records.

pub mod join;
pub mod keys;
pub mod sorter;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;

use keys::{GROUP_BYTES, Hash, Kind, Note};
use sorter::{Key, Keys, Sorted, Sorter};

/// Collects keys in the first pass.
#[derive(Default)]
pub struct Census {
    sorter: Sorter,
}

impl Census {
    /// Adds the keys of one record.
    ///
    /// # Errors
    /// When the temporary folder cannot be written.
    pub fn add(&mut self, record: u32, keys: &mut [Key]) -> io::Result<()> {
        for key in keys {
            keys::set_record(key, record);
            self.sorter.push(*key)?;
        }
        Ok(())
    }

    /// Ends the first pass.
    ///
    /// # Errors
    /// When the temporary folder cannot be written or read.
    pub fn finish(self) -> io::Result<Knowledge> {
        let sorted = self.sorter.finish()?;
        let groups = unite(&sorted)?;
        let notes = notes(&sorted, &groups)?;
        Ok(Knowledge { sorted, groups, notes })
    }
}

/// What the first pass found out.
pub struct Knowledge {
    sorted: Sorted,
    /// Which records are one object.
    pub groups: Groups,
    notes: Sorted,
}

impl Knowledge {
    /// The notes in the order of their objects' first records.
    #[must_use]
    pub fn notes(&self) -> NoteReader {
        NoteReader { keys: self.notes.iter(), next: None }
    }

    /// First records of the recipients that own an address, at most two of them.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn owners(&self, address_key: &str) -> io::Result<Vec<u32>> {
        let probe = keys::key(Kind::Address, keys::hash(address_key.as_bytes()), false, None);
        let mut owners: Vec<u32> = self
            .sorted
            .with_prefix(&probe[..GROUP_BYTES], 8)?
            .iter()
            .map(|key| self.groups.leader(keys::record(key)))
            .collect();
        owners.sort_unstable();
        owners.dedup();
        owners.truncate(2);
        Ok(owners)
    }
}

/// Reads notes alongside the records of the second pass.
pub struct NoteReader {
    keys: Keys,
    next: Option<Note>,
}

impl NoteReader {
    /// The notes for objects whose first record is below `end`; call with rising numbers.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn below(&mut self, end: u32) -> io::Result<Vec<Note>> {
        let mut found = Vec::new();
        loop {
            let note = match self.next.take() {
                Some(note) => note,
                None => match self.keys.next().transpose()?.as_ref().and_then(Note::unpack) {
                    Some(note) => note,
                    None => return Ok(found),
                },
            };
            if note.leader >= end {
                self.next = Some(note);
                return Ok(found);
            }
            found.push(note);
        }
    }
}

/// Records that are one object, as sets with the first record as the leader.
#[derive(Debug, Default)]
pub struct Groups {
    parent: HashMap<u32, u32>,
    members: BTreeMap<u32, Vec<u32>>,
}

impl Groups {
    /// The first record of the object that a record belongs to.
    #[must_use]
    pub fn leader(&self, record: u32) -> u32 {
        let mut at = record;
        while let Some(&up) = self.parent.get(&at)
            && up != at
        {
            at = up;
        }
        at
    }

    /// The later records of the object that begins with this one, in order.
    #[must_use]
    pub fn later(&self, leader: u32) -> &[u32] {
        self.members.get(&leader).map_or(&[], Vec::as_slice)
    }

    fn unite(&mut self, left: u32, right: u32) {
        let (left, right) = (self.leader(left), self.leader(right));
        // The smaller number leads: it is the first occurrence.
        let (first, later) = (left.min(right), left.max(right));
        if first != later {
            self.parent.insert(later, first);
            self.parent.entry(first).or_insert(first);
        }
    }

    /// Shortens every way to its leader and lists the members.
    fn close(&mut self) {
        let mut records: Vec<u32> = self.parent.keys().copied().collect();
        records.sort_unstable();
        for record in records {
            let leader = self.leader(record);
            self.parent.insert(record, leader);
            if leader != record {
                self.members.entry(leader).or_default().push(record);
            }
        }
    }
}

/// Calls `each` with every run of keys that stand for the same thing, at least two of them.
fn for_groups(sorted: &Sorted, wanted: &[Kind], mut each: impl FnMut(Kind, &[Key])) -> io::Result<()> {
    let mut group: Vec<Key> = Vec::new();
    let mut flush = |group: &mut Vec<Key>| {
        if let (Some(kind), true) = (group.first().and_then(Kind::of), group.len() > 1) {
            each(kind, group);
        }
        group.clear();
    };
    for key in sorted.iter() {
        let key = key?;
        if group.first().is_some_and(|first| first[..GROUP_BYTES] != key[..GROUP_BYTES]) {
            flush(&mut group);
        }
        if Kind::of(&key).is_some_and(|kind| wanted.contains(&kind)) {
            group.push(key);
        }
    }
    flush(&mut group);
    Ok(())
}

/// Which records are one object: same objectGUID; same DN unless both have an objectGUID and these
/// differ; and certificates of files go to the one directory object that owns their owner's address:
/// as its primary one (or the one it is looked up by), or else as any other.
fn unite(sorted: &Sorted) -> io::Result<Groups> {
    let mut groups = Groups::default();
    // Records of files whose address is the primary one of a directory object, or of several.
    let mut settled: HashSet<u32> = HashSet::new();
    // Keys are sorted by kind: objects are known before their addresses, primary ones before others.
    let kinds = [Kind::Guid, Kind::Dn, Kind::Primary, Kind::Target, Kind::Address];
    for_groups(sorted, &kinds, |kind, group| {
        let files = || group.iter().filter(|key| keys::from_file(key)).map(keys::record);
        match kind {
            Kind::Guid => unite_all(&mut groups, group.iter().map(keys::record)),
            Kind::Dn => unite_names(&mut groups, group),
            Kind::Address => {
                if let [only] = directory_objects(&groups, group).as_slice() {
                    let files = files().filter(|file| !settled.contains(file));
                    unite_all(&mut groups, std::iter::once(*only).chain(files));
                }
            }
            _ => {
                let objects = directory_objects(&groups, group);
                if !objects.is_empty() {
                    settled.extend(files());
                }
                match objects.as_slice() {
                    // With several claimants it is not known whose the file is: it stays by itself and
                    // shares their conflict.
                    [only] => unite_all(&mut groups, std::iter::once(*only).chain(files())),
                    _ => unite_all(&mut groups, files()),
                }
            }
        }
    })?;
    groups.close();
    Ok(groups)
}

/// First records of the directory objects in a group, each once.
fn directory_objects(groups: &Groups, group: &[Key]) -> Vec<u32> {
    let directory = group.iter().filter(|key| !keys::from_file(key));
    let mut objects: Vec<u32> = directory.map(|key| groups.leader(keys::record(key))).collect();
    objects.sort_unstable();
    objects.dedup();
    objects
}

fn unite_all(groups: &mut Groups, records: impl Iterator<Item = u32>) {
    let mut first = None;
    for record in records {
        match first {
            None => first = Some(record),
            Some(first) => groups.unite(first, record),
        }
    }
}

fn unite_names(groups: &mut Groups, group: &[Key]) {
    // Keys are in the order of records within a group.
    let mut by_guid: Vec<(u64, u32)> = Vec::new();
    let first_with_guid = group.iter().find(|key| keys::guid(key) != 0).map(keys::guid);
    for key in group {
        // A record without objectGUID belongs to the first object of that name.
        let guid = if keys::guid(key) == 0 { first_with_guid.unwrap_or(0) } else { keys::guid(key) };
        match by_guid.iter().find(|(known, _)| *known == guid) {
            Some((_, first)) => groups.unite(*first, keys::record(key)),
            None => by_guid.push((guid, keys::record(key))),
        }
    }
}

/// What different objects have in common.
fn notes(sorted: &Sorted, groups: &Groups) -> io::Result<Sorted> {
    let mut notes = Sorter::default();
    let mut failed = None;
    let kinds = [Kind::Primary, Kind::Target, Kind::PublicKey, Kind::Certificate];
    for_groups(sorted, &kinds, |kind, group| {
        let mut leaders: Vec<u32> = group.iter().map(|key| groups.leader(keys::record(key))).collect();
        leaders.sort_unstable();
        leaders.dedup();
        let (Some(&first), Some(&second)) = (leaders.first(), leaders.get(1)) else { return };
        let hash: Hash = group.first().map(keys::hash_of).unwrap_or_default();
        let objects = u32::try_from(leaders.len()).unwrap_or(u32::MAX);
        for leader in leaders {
            let other = if leader == first { second } else { first };
            let note = Note { leader, kind, hash, objects, other };
            if let Err(error) = notes.push(note.pack()) {
                failed.get_or_insert(error);
            }
        }
    })?;
    match failed {
        Some(error) => Err(error),
        None => notes.finish(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use keys::{hash, key};

    fn run(records: &[&[Key]]) -> Knowledge {
        let mut census = Census::default();
        for (number, keys) in records.iter().enumerate() {
            census.add(u32::try_from(number).unwrap(), &mut keys.to_vec()).unwrap();
        }
        census.finish().unwrap()
    }

    fn dn(name: &str, guid: Option<&str>) -> Key {
        key(Kind::Dn, hash(name.as_bytes()), false, guid.map(|guid| hash(guid.as_bytes())))
    }

    fn plain(kind: Kind, value: &str) -> Key {
        key(kind, hash(value.as_bytes()), false, None)
    }

    #[test]
    fn records_of_one_object_are_united_under_the_first() {
        let known = run(&[
            &[dn("a", Some("1")), plain(Kind::Guid, "1")],
            &[dn("b", None)],
            &[dn("a", Some("2")), plain(Kind::Guid, "2")], // same name, another object
            &[dn("a", None)],                              // no objectGUID: the first of that name
            &[dn("b", None)],
            &[dn("moved", Some("1")), plain(Kind::Guid, "1")],
        ]);
        assert_eq!(known.groups.later(0), [3, 5]);
        assert_eq!(known.groups.later(1), [4]);
        assert_eq!(known.groups.later(2), [0u32; 0]);
        assert_eq!(known.groups.leader(5), 0);
        assert_eq!(known.groups.leader(2), 2);
    }

    #[test]
    fn a_certificate_file_joins_the_one_object_with_its_address() {
        let file = |address: &str| key(Kind::Primary, hash(address.as_bytes()), true, None);
        let known = run(&[
            &[file("kim@x")],
            &[plain(Kind::Primary, "kim@x")],
            &[plain(Kind::Primary, "lee@x")],
            &[plain(Kind::Primary, "lee@x")],
            &[file("lee@x")],
            &[file("new@x")],
            &[file("new@x")],
        ]);
        assert_eq!(known.groups.later(0), [1]);
        assert_eq!(known.groups.leader(4), 4, "two claimants: nobody gets it");
        assert_eq!(known.groups.later(5), [6]);
        let notes = known.notes().below(u32::MAX).unwrap();
        let told: Vec<(u32, u32, u32)> = notes.iter().map(|n| (n.leader, n.objects, n.other)).collect();
        assert_eq!(told, [(2, 3, 3), (3, 3, 2), (4, 3, 2)]);
    }

    #[test]
    fn a_secondary_address_is_an_address_too_where_it_is_nobodys_primary_one() {
        let file = |address: &str| {
            [Kind::Primary, Kind::Address].map(|kind| key(kind, hash(address.as_bytes()), true, None))
        };
        let known = run(&[
            &[plain(Kind::Primary, "kim@x"), plain(Kind::Address, "kim@x"), plain(Kind::Address, "old@x")],
            &file("old@x"),
            &[plain(Kind::Primary, "lee@x"), plain(Kind::Address, "lee@x"), plain(Kind::Address, "info@x")],
            &[plain(Kind::Primary, "max@x"), plain(Kind::Address, "max@x"), plain(Kind::Address, "info@x")],
            &file("info@x"),
            &[plain(Kind::Primary, "eva@x"), plain(Kind::Address, "eva@x"), plain(Kind::Address, "kim@x")],
            &file("kim@x"),
            &file("new@x"),
            &file("new@x"),
        ]);
        assert_eq!(known.groups.later(0), [1, 6], "an alias, and the primary address before eva's alias");
        assert_eq!(known.groups.leader(4), 4, "two claimants: nobody gets it");
        assert_eq!(known.groups.later(7), [8]);
        assert!(known.notes().below(u32::MAX).unwrap().is_empty());
    }

    #[test]
    fn notes_come_with_their_objects_and_only_for_several() {
        let known = run(&[
            &[plain(Kind::PublicKey, "k"), plain(Kind::PublicKey, "k")],
            &[plain(Kind::PublicKey, "other")],
            &[plain(Kind::PublicKey, "k"), plain(Kind::Address, "kim@x")],
            &[plain(Kind::Address, "kim@x")],
        ]);
        let mut notes = known.notes();
        assert_eq!(notes.below(2).unwrap().len(), 1);
        let last = notes.below(4).unwrap();
        assert_eq!((last.len(), last[0].leader, last[0].other), (1, 2, 0));
        assert_eq!(known.owners("kim@x").unwrap(), [2, 3]);
        assert!(known.owners("nobody@x").unwrap().is_empty());
    }
}
