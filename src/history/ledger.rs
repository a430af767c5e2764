//! The people of the time before, kept on disk: written once, joined with the objects of the run, read back by
//! number. Memory does not grow with their number.

use std::io;

use super::before::{Before, Origin};
use super::shelf::{Shelf, ShelfWriter};
use crate::bundle::model::Identity;
use crate::census::Knowledge;
use crate::census::join::{self, Found};
use crate::census::keys::{self, Hash, Kind, hash, key};
use crate::census::sorter::{Key, Keys, Sorted, Sorter};
use crate::certificate::address::Address;
use crate::object::guid_from;

/// Takes entries: first those of the bundle before, in its order, then those of the inventory.
pub struct Ledger {
    entries: ShelfWriter<Before>,
    keys: Sorter,
}

impl Ledger {
    /// An empty one.
    ///
    /// # Errors
    /// When the temporary folder cannot be written.
    pub fn new() -> io::Result<Self> {
        Ok(Self { entries: ShelfWriter::new()?, keys: Sorter::default() })
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// When the temporary folder cannot be written, or there are more entries than 32 bits count.
    pub fn push(&mut self, before: &Before) -> io::Result<()> {
        let number = self.entries.push(before)?;
        for mut key in keys_of(before.address.as_deref(), &before.identity) {
            keys::set_record(&mut key, number);
            self.keys.push(key)?;
        }
        Ok(())
    }

    /// Ends the writing.
    ///
    /// # Errors
    /// When the temporary folder cannot be written or read.
    pub fn finish(self) -> io::Result<People> {
        Ok(People { entries: self.entries.finish()?, keys: self.keys.finish()? })
    }
}

/// An address as it is compared; one that is none stands for itself, without ASCII case.
#[must_use]
pub fn address_key(text: &str) -> String {
    Address::parse(text)
        .map_or_else(|_| text.trim().to_ascii_lowercase(), |address| address.as_str().to_owned())
}

/// What somebody is found by: the address that is looked up, and who they are.
#[must_use]
pub fn keys_of(address: Option<&str>, identity: &Identity) -> Vec<Key> {
    let guid =
        identity.object_guid.as_deref().and_then(|text| guid_from(text.as_bytes())).map(|raw| hash(&raw));
    let mut keys = Vec::new();
    let mut push = |kind: Kind, text: &str, guid: Option<Hash>| {
        keys.push(key(kind, hash(address_key(text).as_bytes()), false, guid));
    };
    if let Some(text) = address {
        push(Kind::Target, text, None);
    }
    for text in [address, identity.primary_smtp.as_deref()].into_iter().flatten() {
        push(Kind::Address, text, guid);
        push(Kind::Bystander, text, guid);
    }
    keys.extend(guid.map(|guid| key(Kind::Guid, guid, false, None)));
    let dn = identity.dn.as_deref().map(|dn| hash(dn.to_ascii_lowercase().as_bytes()));
    keys.extend(dn.map(|dn| key(Kind::Dn, dn, false, guid)));
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Everybody of the time before.
pub struct People {
    entries: Shelf<Before>,
    keys: Sorted,
}

impl People {
    /// One of them.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn get(&self, number: u32) -> io::Result<Before> {
        self.entries.get(number)
    }

    /// Entries that share an address with an earlier one of the same origin, by their numbers: the first two.
    ///
    /// # Errors
    /// When a temporary file cannot be read.
    pub fn first_twins(&self, from: u32) -> io::Result<Option<(u32, u32)>> {
        let mut before: Option<Key> = None;
        for key in self.keys.iter() {
            let key = key?;
            if Kind::of(&key) != Some(Kind::Target) || keys::record(&key) < from {
                continue;
            }
            if let Some(before) = before
                && keys::hash_of(&before) == keys::hash_of(&key)
            {
                return Ok(Some((keys::record(&before), keys::record(&key))));
            }
            before = Some(key);
        }
        Ok(None)
    }

    /// Says who of them is who of this run, and who is nobody any more. `previous` are from the bundle before.
    ///
    /// # Errors
    /// When the temporary folder cannot be written or read.
    pub fn join(&self, knowledge: &Knowledge, previous: u32) -> io::Result<Joined> {
        let claims = join::claims(knowledge, &self.keys, join::by_address)?;
        let mut matches = Sorter::default();
        let mut absent = Sorter::default();
        let mut next = 0;
        let mut gone = |number: u32, in_use: bool| -> io::Result<()> {
            let address = self.get(number)?.address.map(|text| hash(address_key(&text).as_bytes()));
            let mut key = [0; 32];
            key[..16].copy_from_slice(&address.unwrap_or_default());
            key[16..20].copy_from_slice(&number.to_be_bytes());
            key[20] = u8::from(in_use);
            absent.push(key)
        };
        join::decide(&claims, |entry, found| {
            for number in next..entry {
                gone(number, false)?;
            }
            next = entry.saturating_add(1);
            match found {
                Found::Object(leader, _) => {
                    let mut key = [0; 32];
                    key[..4].copy_from_slice(&leader.to_be_bytes());
                    key[4..8].copy_from_slice(&entry.to_be_bytes());
                    matches.push(key)
                }
                Found::AddressInUse => gone(entry, true),
            }
        })?;
        for number in next..self.entries.count() {
            gone(number, false)?;
        }
        Ok(Joined { matches: matches.finish()?, gone: by_person(&absent.finish()?, previous)? })
    }
}

/// Groups who is gone by person, in the order of the first entry: a line of the inventory belongs to the first
/// entry of the bundle before with its address.
fn by_person(absent: &Sorted, previous: u32) -> io::Result<Sorted> {
    let mut people = Sorter::default();
    let number = |key: &Key| key[16..20].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    let mut push = |person: u32, key: &Key, several: bool| {
        let mut row = [0; 32];
        row[..4].copy_from_slice(&person.to_be_bytes());
        row[4..8].copy_from_slice(&key[16..20]);
        row[8] = u8::from(key[20] != 0 || several);
        people.push(row)
    };
    // The first entry of an address, and, once a second one was seen, whether several of one bundle claimed it:
    // then it is not known whose it is.
    let mut first: Option<(Key, Option<bool>)> = None;
    for key in absent.iter() {
        let key = key?;
        match &mut first {
            Some((owner, several)) if owner[..16] == key[..16] && key[..16] != [0; 16] => {
                let person = number(owner);
                if several.is_none() {
                    let both = number(&key) < previous;
                    push(person, owner, both)?;
                    *several = Some(both);
                }
                let person = if number(&key) < previous { number(&key) } else { person };
                push(person, &key, several.unwrap_or_default())?;
            }
            _ => {
                if let Some((alone, None)) = first.replace((key, None)) {
                    push(number(&alone), &alone, false)?;
                }
            }
        }
    }
    if let Some((alone, None)) = first {
        push(number(&alone), &alone, false)?;
    }
    people.finish()
}

/// Who is who.
pub struct Joined {
    matches: Sorted,
    gone: Sorted,
}

/// Somebody who stands in no input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Their entries; the first one says who they are.
    pub entries: Vec<u32>,
    /// Their address belongs to somebody else now, or to several: nothing may be written to it in their name.
    pub contested: bool,
}

impl Joined {
    /// Matches in the order of the objects' first records.
    #[must_use]
    pub fn matches(&self) -> Matches {
        Matches { keys: self.matches.iter(), next: None }
    }

    /// Calls `each` with everybody who is gone, in the order of the bundle before, then of the inventory.
    ///
    /// # Errors
    /// When the temporary file cannot be read, and what `each` returns.
    pub fn for_gone<E: From<io::Error>>(&self, mut each: impl FnMut(Gone) -> Result<(), E>) -> Result<(), E> {
        let mut person: Option<(u32, Gone)> = None;
        for key in self.gone.iter() {
            let (who, entry, contested) = join::unpack(&key?);
            match &mut person {
                Some((known, gone)) if *known == who => {
                    gone.entries.push(entry);
                    gone.contested |= contested != 0;
                }
                _ => {
                    let next = (who, Gone { entries: vec![entry], contested: contested != 0 });
                    if let Some((_, gone)) = person.replace(next) {
                        each(gone)?;
                    }
                }
            }
        }
        person.map_or(Ok(()), |(_, gone)| each(gone))
    }
}

/// Reads matches alongside the records of the second pass.
pub struct Matches {
    keys: Keys,
    next: Option<(u32, u32)>,
}

impl Matches {
    /// First record of an object and number of an entry, for objects whose first record is below `end`; call
    /// with rising numbers.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn below(&mut self, end: u32) -> io::Result<Vec<(u32, u32)>> {
        let mut found = Vec::new();
        loop {
            let pair = match self.next.take() {
                Some(pair) => pair,
                None => match self.keys.next().transpose()? {
                    Some(key) => {
                        let (leader, entry, _) = join::unpack(&key);
                        (leader, entry)
                    }
                    None => return Ok(found),
                },
            };
            if pair.0 >= end {
                self.next = Some(pair);
                return Ok(found);
            }
            found.push(pair);
        }
    }
}

/// The line of an entry of the inventory.
#[must_use]
pub fn line_of(before: &Before) -> u64 {
    match before.origin {
        Origin::Inventory { line, .. } => line,
        Origin::Previous { .. } => 0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn who_is_gone_is_grouped_by_address() {
        let mut absent = Sorter::default();
        // Address, number, whether it is somebody's.
        for (address, number, in_use) in [
            (0u8, 0u32, false),
            (0, 3, false),
            (1, 1, false),
            (1, 7, true),
            (2, 2, false),
            (2, 4, false),
            (2, 8, false),
            (3, 9, false),
        ] {
            let mut key = [0; 32];
            key[..16].copy_from_slice(&[address; 16]);
            key[16..20].copy_from_slice(&number.to_be_bytes());
            key[20] = u8::from(in_use);
            absent.push(key).unwrap();
        }
        let gone = by_person(&absent.finish().unwrap(), 5).unwrap();
        let joined = Joined { matches: Sorter::default().finish().unwrap(), gone };
        let mut found = Vec::new();
        joined
            .for_gone(|gone| {
                found.push((gone.entries, gone.contested));
                Ok::<(), io::Error>(())
            })
            .unwrap();
        let wanted = [
            (vec![0], false),
            (vec![1, 7], true),
            (vec![2, 8], true),
            (vec![3], false),
            (vec![4], true),
            (vec![9], false),
        ];
        assert_eq!(found, wanted);
        assert_eq!(joined.matches().below(9).unwrap(), []);
    }
}
