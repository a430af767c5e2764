//! Objects, read again from where they stood.
//!
//! The first pass writes one fixed-size row a record to a temporary file: where the record stands.
//! From that any object can be gathered at any time, in any thread, without keeping one in memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use super::source::{self, Content, Source};
use super::{Reading, record};
use crate::census::Groups;
use crate::error::Error;
use crate::export::{self, Scratch};
use crate::ldif::Record;
use crate::ldif::buffer::lengthen;
use crate::limits::LARGE_BLOCK;
use crate::object::Object;

/// Where a record stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// Index of the source.
    pub source: u32,
    /// Exports: byte offset. Certificate files: number of the certificate among the people's, from 0.
    pub offset: u64,
    /// Exports: raw bytes. Certificate files: 0.
    pub length: u32,
    /// Exports: line.
    pub line: u64,
    /// Part of the record was not read, which its raw bytes do not show.
    pub cut_off: bool,
    /// It is larger than the reader's limit.
    pub above_limit: bool,
}

const ROW: usize = 24;

/// The bits beside the line that say [`Location::cut_off`] and [`Location::above_limit`]. No file has 2⁶² lines.
const CUT_OFF: u64 = 1 << 63;
const ABOVE_LIMIT: u64 = 1 << 62;

impl Location {
    fn pack(self) -> [u8; ROW] {
        let mut row = [0; ROW];
        row[..4].copy_from_slice(&self.source.to_be_bytes());
        row[4..12].copy_from_slice(&self.offset.to_be_bytes());
        row[12..16].copy_from_slice(&self.length.to_be_bytes());
        let bit = |set, bit| if set { bit } else { 0 };
        let line = self.line & !(CUT_OFF | ABOVE_LIMIT)
            | bit(self.cut_off, CUT_OFF)
            | bit(self.above_limit, ABOVE_LIMIT);
        row[16..].copy_from_slice(&line.to_be_bytes());
        row
    }

    fn unpack(row: [u8; ROW]) -> Self {
        let number = |range: std::ops::Range<usize>| row[range].iter().fold(0, |n, b| n << 8 | u64::from(*b));
        Self {
            // Four bytes always fit.
            source: number(0..4) as u32,
            offset: number(4..12),
            length: number(12..16) as u32,
            line: number(16..24) & !(CUT_OFF | ABOVE_LIMIT),
            cut_off: number(16..24) & CUT_OFF != 0,
            above_limit: number(16..24) & ABOVE_LIMIT != 0,
        }
    }
}

/// Writes rows during the first pass.
pub struct Rows {
    file: BufWriter<File>,
    count: u32,
}

impl Rows {
    /// An empty table.
    ///
    /// # Errors
    /// When the temporary folder cannot be written.
    pub fn new() -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(crate::temporary::file()?), count: 0 })
    }

    /// Adds a record and returns its number.
    ///
    /// # Errors
    /// When the temporary folder cannot be written, or there are more records than 32 bits count.
    pub fn push(&mut self, location: Location) -> io::Result<u32> {
        let number = self.count;
        self.count = number.checked_add(1).ok_or_else(|| io::Error::other("more than 4294967295 records"))?;
        self.file.write_all(&location.pack())?;
        Ok(number)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Ends the writing.
    ///
    /// # Errors
    /// When the temporary folder cannot be written.
    pub fn finish(self) -> io::Result<Table> {
        Ok(Table { file: self.file.into_inner().map_err(io::IntoInnerError::into_error)?, count: self.count })
    }
}

/// Where every record stands.
pub struct Table {
    file: File,
    count: u32,
}

impl Table {
    fn get(&self, record: u32) -> io::Result<Location> {
        if record >= self.count {
            return Err(io::Error::other(format!("there is no record {record}")));
        }
        let mut row = [0; ROW];
        self.file.read_exact_at(&mut row, u64::from(record) * ROW as u64)?;
        Ok(Location::unpack(row))
    }
}

/// Reads objects again.
pub struct Store<'r> {
    sources: &'r [Source],
    table: &'r Table,
    reading: &'r Reading,
    /// The object that was asked for last: what many share is asked for many times in a row.
    last: Mutex<Option<(u32, Arc<Object>)>>,
    /// The certificate file that was opened last, as people's objects.
    file: Mutex<Option<(u32, Vec<Object>)>>,
    /// Buffers of readers, one for each thread that reads.
    scratches: Mutex<Vec<Scratch>>,
    /// Held while a giant is read.
    giants: Mutex<()>,
    /// The first error that [`kept`](Self::kept) was given.
    failed: Mutex<Option<Error>>,
}

impl<'r> Store<'r> {
    /// A store over the sources of the run.
    #[must_use]
    pub fn new(sources: &'r [Source], table: &'r Table, reading: &'r Reading) -> Self {
        let (last, file, scratches) = (Mutex::new(None), Mutex::new(None), Mutex::default());
        let (giants, failed) = (Mutex::default(), Mutex::default());
        Self { sources, table, reading, last, file, scratches, giants, failed }
    }

    /// One record, read again.
    ///
    /// # Errors
    /// When its file cannot be read any more or is not what it was, and when the temporary folder fails.
    pub fn record(&self, record: u32) -> Result<Object, Error> {
        let location = self.table.get(record).map_err(Error::spill)?;
        let source = self.sources.get(location.source as usize);
        let source =
            source.ok_or_else(|| Error::Internal { message: format!("no input of record {record}") })?;
        let gone = || {
            let found = "a record is not where it was".to_owned();
            Error::Changed { path: source.path.clone(), found }
        };
        match &source.content {
            Content::Export(stream) => {
                // Several giants at a time would not fit the memory.
                let length = location.length as usize;
                let large = length > LARGE_BLOCK;
                let _alone = large.then(|| self.giants.lock().unwrap_or_else(PoisonError::into_inner));
                let mut raw = Vec::new();
                lengthen(&mut raw, length);
                stream.read_at(&mut raw, location.offset).map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => gone(),
                    _ => Error::Read { path: source.path.clone().into(), source: error },
                })?;
                let spare = self.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let (mut scratch, mut found) = (spare.unwrap_or_default(), Record::new());
                let Location { offset, line, above_limit, .. } = location;
                let place = export::Place { offset, line, above_limit };
                let format = (stream.format, &source.headers);
                let options = &self.reading.ldif;
                let there = export::reparse(raw, format, place, options, &mut scratch, &mut found);
                if large {
                    drop(scratch);
                } else {
                    self.scratches.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
                }
                if !there {
                    return Err(gone());
                }
                let mut object = record::of_source(&found, location.source, Some(source));
                if location.cut_off {
                    object.cut_off(record::CUT_OFF);
                }
                Ok(object)
            }
            Content::Certificates(path) => {
                let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
                if file.as_ref().is_none_or(|(open, _)| *open != location.source) {
                    let whole = source::reread_file(source, path)?;
                    let read = record::from_file(
                        &whole.bytes,
                        &source.path,
                        location.source,
                        self.reading.map.as_ref(),
                    );
                    *file = Some((location.source, read.people));
                }
                let at = usize::try_from(location.offset).unwrap_or(usize::MAX);
                file.as_ref().and_then(|(_, people)| people.get(at)).cloned().ok_or_else(gone)
            }
            Content::Nothing => Err(gone()),
        }
    }

    /// Adds the later records of an object to its first one and closes it.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn gather(&self, mut object: Object, later: &[u32]) -> Result<Object, Error> {
        for (count, member) in later.iter().enumerate() {
            if count >= crate::limits::RECORDS_PER_OBJECT {
                object.cut_off(&format!("the object has more than {count} records; the rest was not read"));
                break;
            }
            object.unite(self.record(*member)?);
        }
        object.close();
        Ok(object)
    }

    /// The whole object that begins with a record; `None` when it cannot be read any more, which
    /// [`failure`](Self::failure) tells.
    #[must_use]
    pub fn object(&self, leader: u32, groups: &Groups) -> Option<Arc<Object>> {
        {
            let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((known, object)) = last.as_ref()
                && *known == leader
            {
                return Some(Arc::clone(object));
            }
        }
        let read = self.record(leader).and_then(|first| self.gather(first, groups.later(leader)));
        let object = Arc::new(self.kept(read)?);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((leader, Arc::clone(&object)));
        Some(object)
    }

    /// What was read, where it could be; an error is kept for [`failure`](Self::failure).
    pub fn kept<T>(&self, read: Result<T, Error>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) => {
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                None
            }
        }
    }

    /// The first thing that could not be read in passing. What depends on it is not known then.
    pub fn failure(&self) -> Option<Error> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_what_they_are_given() {
        for (cut_off, above_limit) in [(false, false), (true, false), (false, true), (true, true)] {
            let (offset, line) = (1 << 40, 1 << 33);
            let location = Location { source: 7, offset, length: 3_000_000_000, line, cut_off, above_limit };
            assert_eq!(Location::unpack(location.pack()), location);
        }
    }

    #[test]
    fn what_could_not_be_read_in_passing_is_told_at_the_end() {
        let (table, reading) =
            (Table { file: crate::temporary::file().unwrap(), count: 0 }, Reading::default());
        let store = Store::new(&[], &table, &reading);
        assert!(store.failure().is_none());
        assert!(store.object(3, &Groups::default()).is_none(), "there is no record 3");
        assert_eq!(store.kept::<()>(Err(Error::usage("another one", ""))), None);
        let first = store.failure().unwrap().to_string();
        assert!(first.ends_with("there is no record 3"), "{first}");
    }
}
