//! Values of an object above the number that is held: counted, hashed, and reported as one.

use super::{Content, Place, Value};
use crate::bundle::model::Attribute;
use crate::encoding::{Hasher, hex, sha256};

/// The values of one attribute that are not held.
#[derive(Clone, Debug)]
pub struct Beyond {
    /// The attribute.
    pub attribute: Attribute,
    /// Where the first one stands.
    pub place: Place,
    /// How many there are.
    pub count: u64,
    /// How many of them are private keys.
    pub secrets: u64,
    hasher: Hasher,
}

impl Beyond {
    /// Starts with a value.
    fn of(value: &Value) -> Self {
        let mut beyond = Self {
            attribute: value.attribute,
            place: value.place,
            count: 0,
            secrets: 0,
            hasher: Hasher::default(),
        };
        beyond.add(value);
        beyond
    }

    fn add(&mut self, value: &Value) {
        self.count += 1;
        match &value.content {
            Content::Bytes(bytes) => self.hasher.update(&sha256(bytes)),
            Content::Secret(_) => self.secrets += 1,
            Content::Unreadable(found, _) => self.hasher.update(&sha256(found.as_bytes())),
        }
    }

    /// Takes a value into the list of those that are not held.
    pub(super) fn push(list: &mut Vec<Self>, value: &Value) {
        match list.iter_mut().find(|beyond| beyond.attribute == value.attribute) {
            Some(beyond) => beyond.add(value),
            None => list.push(Self::of(value)),
        }
    }

    /// Adds what another record of the object holds no more than this one.
    pub(super) fn unite(list: &mut Vec<Self>, later: Self) {
        match list.iter_mut().find(|beyond| beyond.attribute == later.attribute) {
            Some(beyond) => {
                beyond.count += later.count;
                beyond.secrets += later.secrets;
                beyond.hasher.update(&later.hasher.finish());
            }
            None => list.push(later),
        }
    }

    /// What was found, as a clause.
    #[must_use]
    pub fn found(&self) -> String {
        let secrets = match self.secrets {
            0 => String::new(),
            count => format!(", {count} of them private keys"),
        };
        format!(
            "{} further values of {}, from here on, are more than are held{secrets}; the SHA-256 over their SHA-256 hashes is {}",
            self.count,
            self.attribute.name(),
            hex(&self.hasher.clone().finish())
        )
    }
}
