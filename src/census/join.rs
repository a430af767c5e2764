//! Joining another time's people with the objects of this run, by merging two sorted files of keys.
//!
//! The other side makes keys of the same kinds, with the number of its own entry where a record's number would
//! stand. Equal keys are claims that an entry and an object are the same; they are weighed, and the heaviest
//! claim wins. Nothing grows with the number of either.

use std::io;

use super::keys::{self, GROUP_BYTES, Kind};
use super::sorter::{Key, Keys, Sorted, Sorter};
use super::{Groups, Knowledge};
use crate::limits::CLAIMANTS_COMPARED;

/// What an equal key of a kind counts; 0: nothing.
pub type Weights = fn(Kind) -> u8;

/// For the tenant's sake: the address that is looked up decides before all else, because that is where the
/// tenant's values are; then the identifier for life; another address; the name.
#[must_use]
pub fn by_address(kind: Kind) -> u8 {
    match kind {
        Kind::Target => 8,
        Kind::Guid => 4,
        Kind::Address | Kind::Bystander => 2,
        Kind::Dn => 1,
        Kind::Primary | Kind::PublicKey | Kind::Certificate => 0,
    }
}

/// For people's sake: the identifier for life decides before all else.
#[must_use]
pub fn by_identity(kind: Kind) -> u8 {
    match kind {
        Kind::Guid => 8,
        Kind::Target => 4,
        _ => by_address(kind),
    }
}

/// Claims of entries to be objects of the run: entry, first record of the object, weight; sorted. An address whose
/// owner has another objectGUID, and a name of an object with another one, is somebody else's.
///
/// # Errors
/// When the temporary folder cannot be written or read.
pub fn claims(knowledge: &Knowledge, entries: &Sorted, weights: Weights) -> io::Result<Sorted> {
    let mut claims = Sorter::default();
    let mut records = Groupwise { keys: knowledge.sorted.iter(), next: None };
    let mut group: Option<Key> = None;
    let mut members: Vec<Key> = Vec::new();
    for key in entries.iter() {
        let key = key?;
        if group.is_none_or(|group| group[..GROUP_BYTES] != key[..GROUP_BYTES]) {
            records.members(&key, &mut members)?;
            group = Some(key);
        }
        claim(&key, &members, &knowledge.groups, weights, |leader, weight| {
            claims.push(pack(keys::record(&key), leader, weight))
        })?;
    }
    claims.finish()
}

/// The objects that an entry may be by one key, and what that counts; 0 says only that the address is somebody's.
fn claim(
    entry: &Key,
    members: &[Key],
    groups: &Groups,
    weights: Weights,
    mut each: impl FnMut(u32, u8) -> io::Result<()>,
) -> io::Result<()> {
    let Some(kind) = Kind::of(entry) else { return Ok(()) };
    let agrees = |key: &&Key| {
        let (ours, theirs) = (keys::guid(entry), keys::guid(key));
        ours == 0 || theirs == 0 || ours == theirs || matches!(kind, Kind::Target | Kind::Guid)
    };
    let leaders = |some: &mut dyn Iterator<Item = &Key>| {
        let mut leaders: Vec<u32> = some.map(|key| groups.leader(keys::record(key))).collect();
        leaders.sort_unstable();
        leaders.dedup();
        leaders
    };
    let own = leaders(&mut members.iter().filter(agrees));
    for leader in &own {
        each(*leader, weights(kind))?;
    }
    if own.is_empty()
        && matches!(kind, Kind::Address | Kind::Bystander)
        && let Some(leader) = leaders(&mut members.iter()).first()
    {
        each(*leader, 0)?;
    }
    Ok(())
}

/// Entry, leader and weight, packed so that claims sort by entry.
fn pack(entry: u32, leader: u32, weight: u8) -> Key {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&entry.to_be_bytes());
    key[4..8].copy_from_slice(&leader.to_be_bytes());
    key[8] = weight;
    key
}

/// Two numbers and a byte of a packed key.
#[must_use]
pub fn unpack(key: &Key) -> (u32, u32, u8) {
    let number = |at: usize| key[at..at + 4].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    (number(0), number(4), key[8])
}

/// What was decided about one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is the object that begins with this record, by claims of this weight.
    Object(u32, u8),
    /// It is nobody's, but its address belongs to somebody else now.
    AddressInUse,
}

/// Decides for each entry that has a claim, in the order of entries.
///
/// # Errors
/// When the temporary file cannot be read, and what `each` returns.
pub fn decide(claims: &Sorted, mut each: impl FnMut(u32, Found) -> io::Result<()>) -> io::Result<()> {
    // The best object so far, and the one whose claims are being summed.
    let (mut entry, mut best, mut sum) = (None, (0u8, 0u32), (0u8, 0u32));
    let better = |best: (u8, u32), sum: (u8, u32)| if sum.0 > best.0 { sum } else { best };
    let mut close = |entry: Option<u32>, best: (u8, u32)| match (entry, best) {
        (None, _) => Ok(()),
        (Some(entry), (0, _)) => each(entry, Found::AddressInUse),
        (Some(entry), (weight, leader)) => each(entry, Found::Object(leader, weight)),
    };
    for key in claims.iter() {
        let (of, leader, weight) = unpack(&key?);
        if entry != Some(of) {
            close(entry, better(best, sum))?;
            (entry, best, sum) = (Some(of), (0, 0), (0, leader));
        } else if sum.1 != leader {
            best = better(best, sum);
            sum = (0, leader);
        }
        sum.0 = sum.0.saturating_add(weight);
    }
    close(entry, better(best, sum))
}

/// The keys of the run, group by group, asked for in rising order.
struct Groupwise {
    keys: Keys,
    next: Option<Key>,
}

impl Groupwise {
    /// The keys that stand for the same thing as `wanted`, the first [`CLAIMANTS_COMPARED`] of them.
    fn members(&mut self, wanted: &Key, members: &mut Vec<Key>) -> io::Result<()> {
        members.clear();
        loop {
            let Some(key) = (match self.next.take() {
                Some(key) => Some(key),
                None => self.keys.next().transpose()?,
            }) else {
                return Ok(());
            };
            match key[..GROUP_BYTES].cmp(&wanted[..GROUP_BYTES]) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal if members.len() < CLAIMANTS_COMPARED => members.push(key),
                std::cmp::Ordering::Equal => {}
                std::cmp::Ordering::Greater => {
                    self.next = Some(key);
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::census::Census;
    use crate::census::keys::{hash, key};

    fn plain(kind: Kind, value: &str, guid: Option<&str>) -> Key {
        key(kind, hash(value.as_bytes()), false, guid.map(|guid| hash(guid.as_bytes())))
    }

    /// Objects and entries as lists of keys; what each entry is.
    fn run(objects: &[&[Key]], entries: &[&[Key]], weights: Weights) -> Vec<Option<Found>> {
        let mut census = Census::default();
        for (number, keys) in objects.iter().enumerate() {
            census.add(u32::try_from(number).unwrap(), &mut keys.to_vec()).unwrap();
        }
        let knowledge = census.finish().unwrap();
        let mut sorter = Sorter::with_capacity(3);
        for (number, keys) in entries.iter().enumerate() {
            for mut key in keys.iter().copied() {
                keys::set_record(&mut key, u32::try_from(number).unwrap());
                sorter.push(key).unwrap();
            }
        }
        let mut found = vec![None; entries.len()];
        decide(&claims(&knowledge, &sorter.finish().unwrap(), weights).unwrap(), |entry, what| {
            found[entry as usize] = Some(what);
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn the_heaviest_claim_wins() {
        let object = |address: &str, guid: Option<&str>, dn: &str| -> Vec<Key> {
            let mut keys = vec![
                plain(Kind::Target, address, None),
                plain(Kind::Address, address, guid),
                plain(Kind::Dn, dn, guid),
            ];
            keys.extend(guid.map(|guid| plain(Kind::Guid, guid, None)));
            keys
        };
        let objects = [
            object("kim@x", Some("1"), "cn=kim"),
            [object("lee@x", Some("2"), "cn=lee"), vec![plain(Kind::Address, "old@x", Some("2"))]].concat(),
            vec![plain(Kind::Bystander, "printer@x", None)],
        ];
        let objects: Vec<&[Key]> = objects.iter().map(Vec::as_slice).collect();
        let entry = |address: &str, guid: Option<&str>, dn: &str| -> Vec<Key> {
            let mut keys: Vec<Key> = [Kind::Target, Kind::Address, Kind::Bystander]
                .map(|kind| plain(kind, address, guid))
                .to_vec();
            keys.push(plain(Kind::Dn, dn, guid));
            keys.extend(guid.map(|guid| plain(Kind::Guid, guid, None)));
            keys
        };
        let entries = [
            entry("kim@x", None, "cn=other"),      // the address that is looked up
            entry("married@x", Some("1"), "cn=x"), // the same objectGUID
            entry("old@x", None, "cn=gone"),       // an address of Lee's
            entry("old@x", Some("9"), "cn=gone"),  // somebody else's address now
            entry("gone@x", None, "CN=LEE"),       // no claim: names come in lower case
            entry("gone@x", None, "cn=lee"),       // the name
            entry("gone@x", Some("9"), "cn=lee"),  // the name of another object
            entry("printer@x", None, "cn=gone"),   // an object that is no recipient
            entry("kim@x", Some("2"), "cn=lee"),   // Lee's entry at Kim's address: the address decides
        ];
        let entries: Vec<&[Key]> = entries.iter().map(Vec::as_slice).collect();
        let is = |leader, weight| Some(Found::Object(leader, weight));
        let in_use = Some(Found::AddressInUse);
        assert_eq!(
            run(&objects, &entries, by_address),
            [is(0, 10), is(0, 4), is(1, 2), in_use, None, is(1, 1), None, is(2, 2), is(0, 8)]
        );
        assert_eq!(run(&objects, &entries, by_identity)[8], is(1, 9), "objectGUID and name against address");
        assert_eq!(run(&objects, &[], by_address), []);
        assert_eq!(run(&[], &entries, by_address), [None; 9]);
    }

    #[test]
    fn many_claimants_do_not_multiply() {
        let objects: Vec<Vec<Key>> = (0..100).map(|_| vec![plain(Kind::Target, "kim@x", None)]).collect();
        let objects: Vec<&[Key]> = objects.iter().map(Vec::as_slice).collect();
        let entry = [plain(Kind::Target, "kim@x", None)];
        assert_eq!(run(&objects, &[&entry, &entry], by_address), [Some(Found::Object(0, 8)); 2]);
    }
}
