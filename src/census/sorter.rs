//! Sorting more keys than memory should hold.
//!
//! Keys are 32 bytes and compare as bytes. They are collected in a buffer of fixed size, sorted, and
//! spilled as a run to an unlinked temporary file while the next run is collected; runs are then
//! merged into one sorted file.
//! Nothing else is kept, so memory is the same for a thousand keys and for a hundred million.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::thread::JoinHandle;

use crate::limits::{MERGE_BUFFER, MERGE_WAYS, SPILL_KEYS};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// What is sorted.
pub type Key = [u8; KEY_BYTES];

/// The order of keys, as two numbers: comparing them is much cheaper than comparing bytes.
#[must_use]
pub fn order(key: &Key) -> (u128, u128) {
    let (halves, []) = key.as_chunks::<16>() else { return (0, 0) };
    let [first, second] = halves else { return (0, 0) };
    (u128::from_be_bytes(*first), u128::from_be_bytes(*second))
}

/// Collects keys in any order.
pub struct Sorter {
    buffer: Vec<Key>,
    /// The memory of the run before.
    spare: Vec<Key>,
    capacity: usize,
    /// The run that is being sorted and written while the next one is collected.
    spilling: Option<Spilling>,
    runs: Vec<Run>,
}

/// Sorted keys in a file, and how many.
type Run = (File, u64);

/// It gives the run, and the memory that the keys were collected in.
type Spilling = JoinHandle<io::Result<(Run, Vec<Key>)>>;

impl Default for Sorter {
    fn default() -> Self {
        Self::with_capacity(SPILL_KEYS)
    }
}

impl Sorter {
    /// A sorter that spills after `capacity` keys.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            buffer: Vec::new(),
            spare: Vec::new(),
            capacity: capacity.max(1),
            spilling: None,
            runs: Vec::new(),
        }
    }

    /// Adds a key.
    ///
    /// # Errors
    /// When a run cannot be written to the temporary folder.
    pub fn push(&mut self, key: Key) -> io::Result<()> {
        if self.buffer.len() == self.capacity {
            self.spill()?;
        }
        self.buffer.push(key);
        Ok(())
    }

    /// Has what was collected sorted and written by a thread of its own; there is one at a time.
    fn spill(&mut self) -> io::Result<()> {
        self.spilled()?;
        let mut keys = std::mem::replace(&mut self.buffer, std::mem::take(&mut self.spare));
        let work = move || {
            keys.sort_unstable_by_key(order);
            let mut file = BufWriter::with_capacity(MERGE_BUFFER, crate::temporary::file()?);
            for key in &keys {
                file.write_all(key)?;
            }
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            Ok(((file, keys.len() as u64), keys))
        };
        self.spilling = Some(std::thread::Builder::new().name("sort".to_owned()).spawn(work)?);
        Ok(())
    }

    /// Waits for the run that is being written.
    fn spilled(&mut self) -> io::Result<()> {
        let Some(thread) = self.spilling.take() else { return Ok(()) };
        let (run, mut keys) =
            thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that sorts died")))?;
        self.runs.push(run);
        keys.clear();
        self.spare = keys;
        if self.runs.len() == MERGE_WAYS {
            let merged = merge(std::mem::take(&mut self.runs))?;
            self.runs.push((merged.file, merged.len));
        }
        Ok(())
    }

    /// Sorts what was pushed.
    ///
    /// # Errors
    /// When the temporary folder cannot be written or read.
    pub fn finish(mut self) -> io::Result<Sorted> {
        if !self.buffer.is_empty() || (self.runs.is_empty() && self.spilling.is_none()) {
            self.spill()?;
        }
        self.spilled()?;
        (self.buffer, self.spare) = (Vec::new(), Vec::new());
        if self.runs.len() == 1
            && let Some((file, len)) = self.runs.pop()
        {
            return Ok(Sorted { file, len });
        }
        merge(self.runs)
    }
}

fn merge(runs: Vec<(File, u64)>) -> io::Result<Sorted> {
    let mut len = 0;
    let mut readers = Vec::with_capacity(runs.len());
    let mut heap = BinaryHeap::with_capacity(runs.len());
    for (mut file, count) in runs {
        file.seek(SeekFrom::Start(0))?;
        let mut keys = Keys::over(file, count);
        len += count;
        if let Some(key) = keys.next().transpose()? {
            heap.push(Reverse((order(&key), readers.len())));
        }
        readers.push(keys);
    }
    let mut out = BufWriter::with_capacity(MERGE_BUFFER, crate::temporary::file()?);
    while let Some(Reverse(((first, second), run))) = heap.pop() {
        out.write_all(&first.to_be_bytes())?;
        out.write_all(&second.to_be_bytes())?;
        if let Some(key) = readers.get_mut(run).and_then(Iterator::next).transpose()? {
            heap.push(Reverse((order(&key), run)));
        }
    }
    Ok(Sorted { file: out.into_inner().map_err(io::IntoInnerError::into_error)?, len })
}

/// Sorted keys in an unlinked temporary file.
pub struct Sorted {
    file: File,
    len: u64,
}

impl Sorted {
    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All keys in order, read anew from the start.
    ///
    /// # Errors
    /// When the file cannot be rewound.
    pub fn iter(&self) -> io::Result<Keys> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Keys::over(file, self.len))
    }

    /// The keys that begin with `prefix`, at most `most` of them, found by bisection.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn with_prefix(&self, prefix: &[u8], most: usize) -> io::Result<Vec<Key>> {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.at(middle)?.as_slice() < prefix {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let mut found = Vec::new();
        while low < self.len && found.len() < most {
            let key = self.at(low)?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push(key);
            low += 1;
        }
        Ok(found)
    }

    fn at(&self, index: u64) -> io::Result<Key> {
        let mut key = [0; KEY_BYTES];
        self.file.read_exact_at(&mut key, index * KEY_BYTES as u64)?;
        Ok(key)
    }
}

/// Keys in the order of a file.
pub struct Keys {
    reader: BufReader<File>,
    left: u64,
}

impl Keys {
    fn over(file: File, left: u64) -> Self {
        Self { reader: BufReader::with_capacity(MERGE_BUFFER, file), left }
    }
}

impl Iterator for Keys {
    type Item = io::Result<Key>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let mut key = [0; KEY_BYTES];
        Some(self.reader.read_exact(&mut key).map(|()| key))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key(n: u64) -> Key {
        let mut key = [0; KEY_BYTES];
        // Multiplication by an odd constant scatters the order of pushing.
        key[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        key[8..16].copy_from_slice(&n.to_be_bytes());
        key
    }

    #[test]
    fn spilled_runs_come_out_sorted_and_whole() {
        for (count, capacity) in [(0u64, 4), (1, 4), (4, 4), (5, 4), (1000, 7), (5000, 16)] {
            let mut sorter = Sorter::with_capacity(capacity);
            let mut expected: Vec<Key> = (0..count).map(key).collect();
            for key in &expected {
                sorter.push(*key).unwrap();
            }
            expected.sort_unstable();
            let sorted = sorter.finish().unwrap();
            assert_eq!(sorted.len(), count);
            let found: Vec<Key> = sorted.iter().unwrap().map(Result::unwrap).collect();
            assert_eq!(found, expected, "{count} keys, runs of {capacity}");
            assert_eq!(sorted.iter().unwrap().count() as u64, count, "it can be read again");
        }
    }

    #[test]
    fn a_prefix_is_found_wherever_it_stands() {
        let mut sorter = Sorter::with_capacity(8);
        for n in 0..100u8 {
            for copy in 0..3u8 {
                let mut key = [0; KEY_BYTES];
                key[0] = n;
                key[31] = copy;
                sorter.push(key).unwrap();
            }
        }
        let sorted = sorter.finish().unwrap();
        for n in [0, 1, 50, 99] {
            let found = sorted.with_prefix(&[n], 10).unwrap();
            assert_eq!(found.iter().map(|key| key[31]).collect::<Vec<_>>(), [0, 1, 2]);
        }
        assert_eq!(sorted.with_prefix(&[7], 2).unwrap().len(), 2);
        assert!(sorted.with_prefix(&[200], 10).unwrap().is_empty());
    }
}
