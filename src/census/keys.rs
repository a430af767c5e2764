//! What a record contributes to the census: a few hashed keys.
//!
//! A key is 32 bytes that sort as bytes: kind, 128 bits of SHA-256 of the thing that may occur
//! twice, the record's number, and a little that decides what an equal key means. 128 bits keep
//! chance away; that two things really are equal is confirmed on the full values all the same.

use crate::census::sorter::{KEY_BYTES, Key};
use crate::encoding::sha256;

/// What a key stands for. The order is that of processing: objects first, then addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// An objectGUID.
    Guid = 0,
    /// A distinguished name, without ASCII case.
    Dn = 1,
    /// A primary address in the source.
    Primary = 2,
    /// The address that the upload step looks up.
    Target = 3,
    /// Any address of a recipient.
    Address = 4,
    /// The public key of an end-entity certificate.
    PublicKey = 5,
    /// An end-entity certificate.
    Certificate = 6,
    /// An address of an object that is no recipient: nobody who has it is gone.
    Bystander = 7,
}

impl Kind {
    /// The kind of a key.
    #[must_use]
    pub fn of(key: &Key) -> Option<Self> {
        [
            Self::Guid,
            Self::Dn,
            Self::Primary,
            Self::Target,
            Self::Address,
            Self::PublicKey,
            Self::Certificate,
            Self::Bystander,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == key[0])
    }
}

/// 128 bits that stand for a value.
pub type Hash = [u8; 16];

/// Hashes a value.
#[must_use]
pub fn hash(value: &[u8]) -> Hash {
    short(&sha256(value))
}

/// The 128 bits of a value whose SHA-256 is known.
#[must_use]
pub fn short(sha256: &[u8; 32]) -> Hash {
    let mut out = [0; 16];
    out.copy_from_slice(&sha256[..16]);
    out
}

/// Bytes of a key that say what it is: kind and hash. Keys that agree in them are one group.
pub const GROUP_BYTES: usize = 17;
const RECORD: std::ops::Range<usize> = 17..21;
const FROM_FILE: usize = 21;
const GUID: std::ops::Range<usize> = 22..30;

/// Makes a key. `record` may be filled in later with [`set_record`]; `guid` is part of the hash of
/// the record's objectGUID (DN keys and addresses that are compared with those of another time; zero for
/// none).
#[must_use]
pub fn key(kind: Kind, hash: Hash, from_file: bool, guid: Option<Hash>) -> Key {
    let mut key = [0; KEY_BYTES];
    key[0] = kind as u8;
    key[1..GROUP_BYTES].copy_from_slice(&hash);
    key[FROM_FILE] = u8::from(from_file);
    if let Some(guid) = guid {
        key[GUID].copy_from_slice(&guid[..8]);
    }
    key
}

/// Puts the record's number in.
pub fn set_record(key: &mut Key, record: u32) {
    key[RECORD].copy_from_slice(&record.to_be_bytes());
}

/// The record's number.
#[must_use]
pub fn record(key: &Key) -> u32 {
    key[RECORD].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

/// Whether the record came from a certificate file and not from a directory.
#[must_use]
pub fn from_file(key: &Key) -> bool {
    key[FROM_FILE] != 0
}

/// Part of the hash of the record's objectGUID; zero for none.
#[must_use]
pub fn guid(key: &Key) -> u64 {
    key[GUID].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The hash in a key.
#[must_use]
pub fn hash_of(key: &Key) -> Hash {
    let mut out = [0; 16];
    out.copy_from_slice(&key[1..GROUP_BYTES]);
    out
}

/// What a record learns about the rest of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// First record of the object that it is for.
    pub leader: u32,
    /// [`Kind::Primary`] or [`Kind::Target`]: its address is claimed by another object too.
    /// [`Kind::PublicKey`] or [`Kind::Certificate`]: another object has the same.
    pub kind: Kind,
    /// What is shared.
    pub hash: Hash,
    /// How many objects share it, this one included.
    pub objects: u32,
    /// First record of the first of the *other* objects.
    pub other: u32,
}

impl Note {
    /// Packed so that notes sort by leader.
    #[must_use]
    pub fn pack(&self) -> Key {
        let mut key = [0; KEY_BYTES];
        key[..4].copy_from_slice(&self.leader.to_be_bytes());
        key[4] = self.kind as u8;
        key[5..21].copy_from_slice(&self.hash);
        key[21..25].copy_from_slice(&self.objects.to_be_bytes());
        key[25..29].copy_from_slice(&self.other.to_be_bytes());
        key
    }

    /// The reverse of [`pack`](Self::pack).
    #[must_use]
    pub fn unpack(key: &Key) -> Option<Self> {
        let number =
            |range: std::ops::Range<usize>| key[range].iter().fold(0, |sum, b| sum << 8 | u32::from(*b));
        let mut kind = *key;
        kind[0] = key[4];
        let mut hash = [0; 16];
        hash.copy_from_slice(&key[5..21]);
        Some(Self {
            leader: number(0..4),
            kind: Kind::of(&kind)?,
            hash,
            objects: number(21..25),
            other: number(25..29),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_notes_keep_what_they_are_given() {
        let mut made = key(Kind::Dn, hash(b"cn=x"), true, Some(hash(b"guid")));
        set_record(&mut made, 0xdead_beef);
        assert_eq!((Kind::of(&made), record(&made), from_file(&made)), (Some(Kind::Dn), 0xdead_beef, true));
        assert_eq!(hash_of(&made), hash(b"cn=x"));
        assert_ne!(guid(&made), 0);
        let note = Note { leader: 7, kind: Kind::PublicKey, hash: hash(b"k"), objects: 3, other: 9 };
        assert_eq!(Note::unpack(&note.pack()), Some(note));
    }
}
