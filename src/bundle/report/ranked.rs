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

impl<T: Default> Ranked<T> {
    /// An empty table for `limit` names.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, places: HashMap::new(), rows: Vec::new(), rest: T::default(), rest_names: false }
    }

    /// What is counted under `name`, to be added to.
    pub fn row(&mut self, name: &str) -> &mut T {
        let known = self.places.get(name).copied();
        let place = known.or_else(|| {
            (self.rows.len() < self.limit).then(|| {
                let place = self.rows.len();
                self.places.insert(name.to_owned(), place);
                self.rows.push((name.to_owned(), T::default()));
                place
            })
        });
        match place.and_then(|place| self.rows.get_mut(place)) {
            Some((_, row)) => row,
            None => {
                self.rest_names = true;
                &mut self.rest
            }
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
            *table.row(name) += 1;
        }
        assert_eq!(table.rows(), [("b".to_owned(), 2), ("a".to_owned(), 2), ("c".to_owned(), 2)]);
        assert_eq!(table.rest(), Some(&3));
        assert_eq!(Ranked::<u64>::new(3).rest(), None);
    }
}
