//! Items in a temporary file, written one after the other and read back by number.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::marker::PhantomData;
use std::os::unix::fs::FileExt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes of a row: where an item begins, and its length.
const ROW: usize = 16;

/// Takes items.
pub struct ShelfWriter<T> {
    items: BufWriter<File>,
    rows: BufWriter<File>,
    count: u32,
    offset: u64,
    of: PhantomData<T>,
}

impl<T: Serialize> ShelfWriter<T> {
    /// An empty shelf.
    ///
    /// # Errors
    /// When the temporary folder cannot be written.
    pub fn new() -> io::Result<Self> {
        let file = || crate::temporary::file().map(BufWriter::new);
        Ok(Self { items: file()?, rows: file()?, count: 0, offset: 0, of: PhantomData })
    }

    /// Adds an item and returns its number, from 0.
    ///
    /// # Errors
    /// When the temporary folder cannot be written, or there are more items than 32 bits count.
    pub fn push(&mut self, item: &T) -> io::Result<u32> {
        let number = self.count;
        self.count = number.checked_add(1).ok_or_else(|| io::Error::other("more than 4294967295 entries"))?;
        let bytes = serde_json::to_vec(item)?;
        self.items.write_all(&bytes)?;
        self.rows.write_all(&self.offset.to_be_bytes())?;
        self.rows.write_all(&(bytes.len() as u64).to_be_bytes())?;
        self.offset += bytes.len() as u64;
        Ok(number)
    }

    /// Ends the writing.
    ///
    /// # Errors
    /// When the temporary folder cannot be written.
    pub fn finish(self) -> io::Result<Shelf<T>> {
        let file = |writer: BufWriter<File>| writer.into_inner().map_err(io::IntoInnerError::into_error);
        Ok(Shelf { items: file(self.items)?, rows: file(self.rows)?, count: self.count, of: PhantomData })
    }
}

/// Items by number. Any thread may read.
pub struct Shelf<T> {
    items: File,
    rows: File,
    count: u32,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Shelf<T> {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// One of them.
    ///
    /// # Errors
    /// When the temporary file cannot be read, or there is no such item.
    pub fn get(&self, number: u32) -> io::Result<T> {
        let mut row = [0; ROW];
        self.rows.read_exact_at(&mut row, u64::from(number) * ROW as u64)?;
        let part = |at: usize| row[at..at + 8].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let mut bytes = vec![0; usize::try_from(part(8)).map_err(io::Error::other)?];
        self.items.read_exact_at(&mut bytes, part(0))?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_there_is_found() {
        let mut writer = ShelfWriter::new().unwrap();
        let items: Vec<String> = (0..50).map(|n| "x".repeat(n)).collect();
        for (item, number) in items.iter().zip(0..) {
            assert_eq!(writer.push(item).unwrap(), number);
        }
        let shelf = writer.finish().unwrap();
        assert_eq!(shelf.count(), 50);
        for number in (0..50u32).rev() {
            assert_eq!(shelf.get(number).unwrap(), items[number as usize]);
        }
        assert!(shelf.get(50).is_err());
    }
}
