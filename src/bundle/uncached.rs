//! Files that become large are written past the page cache, where the file system lets one.
//!
//! A bundle of gigabytes is written once and not read again by the run. Through the cache every page of it is taken
//! from other programs' memory, copied, and written back by `fsync`; past it the disk takes what was gathered, and the
//! memory of the machine stays as it was. That asks for memory, places and lengths that are multiples of a block
//! (`O_DIRECT` in open(2)); what does not fit, the last bytes of a file and file systems without it go the common way.

use std::fs::File;
use std::io::{self, Write};

/// What memory, places and lengths must be a multiple of: that of every disk that is common today.
const BLOCK: usize = 4096;

/// Bytes that were gathered for a file. In front of them is room, so that they begin at the border of a block.
#[derive(Default)]
pub(super) struct Gathered {
    bytes: Vec<u8>,
    /// Bytes in front that are not part of it.
    room: usize,
}

impl Gathered {
    /// What was gathered.
    pub(super) fn bytes(&self) -> &[u8] {
        // `room` bytes are in front, always.
        &self.bytes[self.room..]
    }

    /// To append to, and nothing else.
    pub(super) fn end(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.room
    }

    /// Takes away the first `count` bytes; keeps memory for about `keep`, so that one giant line does not keep its own.
    pub(super) fn remove(&mut self, count: usize, keep: usize) {
        self.bytes.drain(self.room..self.room + count);
        self.bytes.shrink_to(keep);
    }

    /// Has the bytes begin at the border of a block; false where memory cannot be had so.
    fn align(&mut self) -> bool {
        self.bytes.reserve(BLOCK);
        let room = self.bytes.as_ptr().align_offset(BLOCK);
        if room >= BLOCK {
            return false;
        }
        let count = self.len();
        if room > self.room {
            // The memory does not move: there is a block's room behind the end.
            self.bytes.resize(room + count, 0);
        }
        self.bytes.copy_within(self.room..self.room + count, room);
        self.bytes.truncate(room + count);
        self.room = room;
        true
    }
}

/// A new file that is written from its start to its end.
pub(super) struct Uncached {
    file: File,
    way: Way,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nothing was written yet.
    Open,
    /// Past the cache; a multiple of [`BLOCK`] was written.
    Direct,
    /// Through the cache, to the end of the file.
    Cached,
}

impl Uncached {
    /// Takes over a file that is empty.
    pub(super) fn new(file: File) -> Self {
        Self { file, way: Way::Open }
    }

    /// Writes as much of `gathered` as can go past the cache, else all of it, and gives how many bytes that were.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn write(&mut self, gathered: &mut Gathered) -> io::Result<usize> {
        if self.way == Way::Open {
            self.way = if direct(&self.file, true) { Way::Direct } else { Way::Cached };
        }
        if self.way == Way::Direct && gathered.align() {
            let whole = gathered.len() / BLOCK * BLOCK;
            self.direct(&gathered.bytes()[..whole])?;
            return Ok(whole);
        }
        self.write_end(gathered.bytes())?;
        Ok(gathered.len())
    }

    /// Writes what is left; from then on everything goes through the cache.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn write_end(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.way == Way::Direct {
            direct(&self.file, false);
        }
        self.way = Way::Cached;
        self.file.write_all(bytes)
    }

    /// True when bytes wait in the cache for a sync.
    pub(super) fn is_cached(&self) -> bool {
        self.way == Way::Cached
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }

    fn direct(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                // `write` takes at most what it was given.
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The disk has larger blocks, or took a part of one, or the file system promised what it cannot do.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
                {
                    return self.write_end(rest);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Has writes of this file go past the cache or through it; false when the file system does not know that.
#[cfg(target_os = "linux")]
fn direct(file: &File, wanted: bool) -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    fcntl_getfl(file)
        .and_then(|mut flags| {
            flags.set(OFlags::DIRECT, wanted);
            fcntl_setfl(file, flags)
        })
        .is_ok()
}

#[cfg(not(target_os = "linux"))]
fn direct(_: &File, _: bool) -> bool {
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Appends pieces, writes as soon as `full` bytes are there, and gives the file's bytes.
    fn written(pieces: &[Vec<u8>], full: usize) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = Uncached::new(File::create_new(&path).unwrap());
        let mut gathered = Gathered::default();
        for piece in pieces {
            gathered.end().extend_from_slice(piece);
            if gathered.len() >= full {
                let count = file.write(&mut gathered).unwrap();
                assert!(file.is_cached() || count.is_multiple_of(BLOCK));
                gathered.remove(count, 2 * full);
            }
        }
        file.write_end(gathered.bytes()).unwrap();
        std::fs::read(&path).unwrap()
    }

    #[test]
    fn what_was_gathered_is_what_is_written() {
        for (full, lengths) in [
            (BLOCK, vec![1, 5000, 4096, 4095, 1, 0, 9000, 12_288, 3]),
            (3 * BLOCK, vec![12_288, 12_288, 100_000, 7, 1_000_000, 50, 12_287, 1]),
            (100_000, vec![99_999, 1, 30_000, 70_001, 250_000]),
            (64, vec![10, 20, 40, 4096]),
        ] {
            let pieces: Vec<Vec<u8>> = lengths
                .iter()
                .enumerate()
                .map(|(number, length)| (0..*length).map(|at| (at * 31 + number) as u8).collect())
                .collect();
            assert_eq!(written(&pieces, full), pieces.concat(), "{full} {lengths:?}");
        }
    }

    #[test]
    fn a_part_of_a_block_ends_the_way_past_the_cache() {
        let mut named = tempfile::NamedTempFile::new().unwrap();
        let mut file = Uncached::new(named.reopen().unwrap());
        let mut gathered = Gathered::default();
        gathered.end().extend([b'a'; BLOCK]);
        let count = file.write(&mut gathered).unwrap();
        gathered.remove(count, 0);
        file.write_end(b"bc").unwrap();
        gathered.end().extend([b'd'; 2 * BLOCK]);
        assert_eq!(file.write(&mut gathered).unwrap(), 2 * BLOCK);
        let mut found = Vec::new();
        io::Read::read_to_end(named.as_file_mut(), &mut found).unwrap();
        assert_eq!(found, [&[b'a'; BLOCK][..], b"bc", &[b'd'; 2 * BLOCK]].concat());
    }

    /// Nothing may be lost when the disk turns out to want something else: an odd length is refused by it.
    #[test]
    fn what_the_disk_refuses_goes_through_the_cache() {
        let mut named = tempfile::NamedTempFile::new().unwrap();
        let mut file = Uncached::new(named.reopen().unwrap());
        file.way = if direct(&file.file, true) { Way::Direct } else { Way::Cached };
        file.direct(b"odd").unwrap();
        file.write_end(b"!").unwrap();
        let mut found = String::new();
        io::Read::read_to_string(named.as_file_mut(), &mut found).unwrap();
        assert_eq!(found, "odd!");
    }
}
