//! Sorting more keys than memory should hold.
//!
//! Keys are 32 bytes and compare as bytes. They are collected in a buffer of fixed size, sorted, and
//! spilled as a run to an unlinked temporary file while the next run is collected; runs are then
//! merged into one sorted file.
//! Nothing else is kept, so memory is the same for a thousand keys and for a hundred million.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};
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
type Run = (Arc<File>, u64);

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
            Ok(((Arc::new(file), keys.len() as u64), keys))
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
            return Ok(Sorted { file, len, index: OnceLock::new() });
        }
        merge(self.runs)
    }
}

/// Two threads merge: one what is below the middle of a run, one the rest.
fn merge(runs: Vec<Run>) -> io::Result<Sorted> {
    let file = Arc::new(crate::temporary::file()?);
    let middle = match runs.first() {
        Some((run, len)) if *len > 0 => key_at(run, len / 2)?,
        _ => [0; KEY_BYTES],
    };
    let (mut below, mut rest) = (Vec::with_capacity(runs.len()), Vec::with_capacity(runs.len()));
    let (mut len, mut cut) = (0, 0);
    for (run, count) in runs {
        let first = lower_bound(&run, count, &middle)?;
        (len, cut) = (len + count, cut + first);
        below.push((Arc::clone(&run), 0..first));
        rest.push((run, first..count));
    }
    let from = |key: u64| At { file: Arc::clone(&file), offset: key * KEY_BYTES as u64 };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("merge".to_owned());
        let below = thread.spawn_scoped(scope, || merge_part(below, from(0)))?;
        let rest = merge_part(rest, from(cut));
        below.join().unwrap_or_else(|_| Err(io::Error::other("the thread that merges died")))?;
        rest
    })?;
    Ok(Sorted { file, len, index: OnceLock::new() })
}

/// Writes the keys of parts of runs in order.
fn merge_part(parts: Vec<(Arc<File>, Range<u64>)>, out: At) -> io::Result<()> {
    let mut readers = Vec::with_capacity(parts.len());
    let mut heap = BinaryHeap::with_capacity(parts.len());
    for (run, part) in parts {
        let mut keys = Keys::of(run, part);
        if let Some(key) = keys.next().transpose()? {
            heap.push(Reverse((order(&key), readers.len())));
        }
        readers.push(keys);
    }
    let mut out = BufWriter::with_capacity(MERGE_BUFFER, out);
    while let Some(Reverse(((first, second), run))) = heap.pop() {
        out.write_all(&first.to_be_bytes())?;
        out.write_all(&second.to_be_bytes())?;
        if let Some(key) = readers.get_mut(run).and_then(Iterator::next).transpose()? {
            heap.push(Reverse((order(&key), run)));
        }
    }
    out.flush()
}

/// How many keys of a run are below `key`.
fn lower_bound(run: &File, len: u64, key: &Key) -> io::Result<u64> {
    let (mut below, mut end) = (0, len);
    while below < end {
        let middle = below + (end - below) / 2;
        if key_at(run, middle)? < *key {
            below = middle + 1;
        } else {
            end = middle;
        }
    }
    Ok(below)
}

fn key_at(file: &File, number: u64) -> io::Result<Key> {
    let mut key = [0; KEY_BYTES];
    file.read_exact_at(&mut key, number * KEY_BYTES as u64)?;
    Ok(key)
}

/// A place in a file that moves as it is read or written; a file may have several at a time.
struct At {
    file: Arc<File>,
    offset: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

impl Write for At {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write_at(bytes, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sorted keys in an unlinked temporary file.
pub struct Sorted {
    file: Arc<File>,
    len: u64,
    /// Every so many keys one, so that a search reads once: [`PAGE_KEYS`].
    index: OnceLock<Vec<Key>>,
}

/// Keys between two of the index: 16 KiB are read for a search, and the index of ten million keys has 640 KB.
const PAGE_KEYS: u64 = 512;

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
    #[must_use]
    pub fn iter(&self) -> Keys {
        Keys::of(Arc::clone(&self.file), 0..self.len)
    }

    /// The keys that begin with `prefix`, at most `most` of them, found by bisection.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn with_prefix(&self, prefix: &[u8], most: usize) -> io::Result<Vec<Key>> {
        // The page before the first one of the index that is not below begins below, or is the first.
        let after = self.index()?.partition_point(|key| key.as_slice() < prefix);
        let mut next = after.saturating_sub(1) as u64 * PAGE_KEYS;
        let mut found = Vec::new();
        while next < self.len && found.len() < most {
            let page = self.page(next)?;
            next += PAGE_KEYS;
            let first = page.partition_point(|key| key.as_slice() < prefix);
            let page = page.get(first..).unwrap_or_default();
            let here = page.iter().take_while(|key| key.starts_with(prefix));
            found.extend(here.take(most - found.len()));
            if page.last().is_some_and(|key| !key.starts_with(prefix)) {
                break;
            }
        }
        Ok(found)
    }

    /// The keys from one of the index on.
    fn page(&self, from: u64) -> io::Result<Vec<Key>> {
        let count = self.len.saturating_sub(from).min(PAGE_KEYS);
        // At most PAGE_KEYS of them.
        let mut page = vec![[0; KEY_BYTES]; count as usize];
        self.file.read_exact_at(page.as_flattened_mut(), from * KEY_BYTES as u64)?;
        Ok(page)
    }

    /// The index, made by the first search.
    fn index(&self) -> io::Result<&[Key]> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let mut index = Vec::new();
        for from in (0..self.len).step_by(PAGE_KEYS as usize) {
            index.push(key_at(&self.file, from)?);
        }
        Ok(self.index.get_or_init(|| index))
    }
}

/// Keys in the order of a file.
pub struct Keys {
    reader: BufReader<At>,
    left: u64,
}

impl Keys {
    /// Those with these numbers.
    fn of(file: Arc<File>, numbers: Range<u64>) -> Self {
        let at = At { file, offset: numbers.start * KEY_BYTES as u64 };
        Self {
            reader: BufReader::with_capacity(MERGE_BUFFER, at),
            left: numbers.end.saturating_sub(numbers.start),
        }
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
            let found: Vec<Key> = sorted.iter().map(Result::unwrap).collect();
            assert_eq!(found, expected, "{count} keys, runs of {capacity}");
            assert_eq!(sorted.iter().count() as u64, count, "it can be read again");
        }
    }

    #[test]
    fn a_prefix_is_found_across_pages() {
        for (before, with) in [(0, 3), (511, 3), (512, 3), (1023, 1030), (1024, 1), (2000, 0), (300, 3000)] {
            let mut sorter = Sorter::with_capacity(700);
            let kinds = [(1u8, before), (2, with), (3, 900)];
            for (kind, n) in kinds.into_iter().flat_map(|(kind, count)| (0..count).map(move |n| (kind, n))) {
                let mut key = [0; KEY_BYTES];
                key[0] = kind;
                key[28..].copy_from_slice(&u32::to_be_bytes(n));
                sorter.push(key).unwrap();
            }
            let sorted = sorter.finish().unwrap();
            for most in [1, 2, 5000] {
                let found = sorted.with_prefix(&[2], most).unwrap();
                let numbers: Vec<u32> =
                    found.iter().map(|key| u32::from_be_bytes(*key.last_chunk().unwrap())).collect();
                let wanted: Vec<u32> = (0..with).take(most).collect();
                assert_eq!(numbers, wanted, "{before} before {with}, at most {most}");
                assert!(found.iter().all(|key| key[0] == 2));
            }
            assert_eq!(sorted.with_prefix(&[3], 5000).unwrap().len(), 900);
            assert!(sorted.with_prefix(&[4], 5).unwrap().is_empty());
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
