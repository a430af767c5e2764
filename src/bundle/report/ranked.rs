//! A table that counts by name and cannot grow without bound.

use std::collections::HashMap;

/// Counts by name, in the order in which the names were first seen. Names that come when the table is full are
/// counted together.
#[derive(Clone, Debug)]
pub struct Ranked<T> {
    limit: usize,
    places: HashMap<String, usize>,
    rows: Vec<(String, T)>,
    rest: T,
    rest_names: bool,
}

/// Something that can be added to its like.
pub trait Add: Default {
    /// Adds `other`.
    fn add(&mut self, other: &Self);
}

impl Add for u64 {
    fn add(&mut self, other: &Self) {
        *self = self.saturating_add(*other);
    }
}

impl<const N: usize> Add for [u64; N]
where
    [u64; N]: Default,
{
    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.iter_mut().zip(other) {
            *mine = mine.saturating_add(*theirs);
        }
    }
}

impl<T: Add> Ranked<T> {
    /// An empty table for `limit` names.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, places: HashMap::new(), rows: Vec::new(), rest: T::default(), rest_names: false }
    }

    /// Adds to what stands under `name`.
    pub fn add(&mut self, name: &str, value: &T) {
        if let Some(row) = self.places.get(name).and_then(|place| self.rows.get_mut(*place)) {
            row.1.add(value);
        } else if self.rows.len() < self.limit {
            self.places.insert(name.to_owned(), self.rows.len());
            let mut row = T::default();
            row.add(value);
            self.rows.push((name.to_owned(), row));
        } else {
            self.rest.add(value);
            self.rest_names = true;
        }
    }

    /// The rows in the order in which they were first seen.
    #[must_use]
    pub fn rows(&self) -> &[(String, T)] {
        &self.rows
    }

    /// What was counted without a name of its own, if there was any.
    #[must_use]
    pub fn rest(&self) -> Option<&T> {
        self.rest_names.then_some(&self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_are_counted_together() {
        let mut table = Ranked::<u64>::new(3);
        for name in ["b", "a", "c", "b", "d", "a", "e", "c", "d"] {
            table.add(name, &1);
        }
        assert_eq!(table.rows(), [("b".to_owned(), 2), ("a".to_owned(), 2), ("c".to_owned(), 2)]);
        assert_eq!(table.rest(), Some(&3));
        assert_eq!(Ranked::<u64>::new(3).rest(), None);
    }
}
