//! The files of a run: opened once, read twice, and found unchanged the second time.
//!
//! Exports are cut into blocks that any thread can parse; certificate files are handed out in handfuls.
//! A record can be read again later from its place, which is how an object that is split over records
//! is gathered, and how what two objects share is confirmed, without keeping either in memory.

use super::turns::{Turn, Turns};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::csvde::Headers;
use crate::error::Error;
use crate::export::{Block, Blocks, Format};
use crate::input::whole::{self, Whole};
use crate::ldif::{BlockOptions, limits};
use crate::limits::{BLOCK_BYTES, CERTIFICATE_FILE_BYTES, FILES_PER_BLOCK, LARGE_BLOCK};

/// One file of the run.
#[derive(Debug)]
pub struct Source {
    /// How outputs name it.
    pub path: String,
    /// What it is, in a word, for the manifest.
    pub kind: String,
    /// How it is read.
    pub content: Content,
    /// Size in bytes, as it lies there.
    pub bytes: u64,
    /// SHA-256 of these bytes; for an export on disk known after the first pass.
    pub sha256: [u8; 32],
    /// Headers of a csvde export; known after the first pass.
    pub headers: Headers,
    /// Offset of the last record, if the input ends in it; known after the first pass.
    pub cut_at: Option<u64>,
    /// An export with records and without any certificate value; known after the first pass.
    pub bare: bool,
}

impl Source {
    /// A source of which nothing is known from a first pass.
    #[must_use]
    pub fn new(path: &str, kind: &str, content: Content, bytes: u64, sha256: [u8; 32]) -> Self {
        Self {
            path: path.to_owned(),
            kind: kind.to_owned(),
            content,
            bytes,
            sha256,
            headers: Headers::default(),
            cut_at: None,
            bare: false,
        }
    }

    /// Bytes that a pass reads of it: of a packed export those of the unpacked copy.
    #[must_use]
    pub fn length(&self) -> u64 {
        match &self.content {
            Content::Export(stream) => stream.length,
            Content::Certificates(_) | Content::Nothing => self.bytes,
        }
    }
}

/// How a file is read.
#[derive(Debug)]
pub enum Content {
    /// An export, as a stream of blocks; the file stays open.
    Export(Stream),
    /// A certificate file, read whole when its turn comes.
    Certificates(PathBuf),
    /// Not read: nothing that certferry knows, or unreadable.
    Nothing,
}

/// An open export.
#[derive(Debug)]
pub struct Stream {
    file: File,
    /// How it is read.
    pub format: Format,
    length: u64,
    /// Size, time and inode when it was opened; `None` for a spooled file, which nobody else can see.
    seen: Option<Fingerprint>,
}

/// What tells that a file is still the one that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint {
    bytes: u64,
    inode: u64,
    modified: (i64, i64),
    /// Unlike the one before, this time cannot be set back by whoever writes the file.
    changed: (i64, i64),
}

impl Fingerprint {
    fn of(metadata: &Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Stream {
    /// An export on disk.
    ///
    /// # Errors
    /// When its metadata cannot be read.
    pub fn file(file: File, format: Format) -> io::Result<Self> {
        let seen = Fingerprint::of(&file.metadata()?);
        Ok(Self { file, format, length: seen.bytes, seen: Some(seen) })
    }

    /// A spooled file of this length.
    #[must_use]
    pub fn spooled(file: File, length: u64, format: Format) -> Self {
        Self { file, format, length, seen: None }
    }

    /// Bytes in it.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The hash of an export whose blocks have all been worked on; `None` as long as somebody works on one.
    ///
    /// # Errors
    /// When what no block holds cannot be read.
    pub fn hash(&self, turns: Arc<Turns>) -> io::Result<Option<[u8; 32]>> {
        Arc::into_inner(turns).map(|turns| turns.finish(&self.file, self.length)).transpose()
    }

    /// Does `work` on a block and hashes it.
    pub fn hashed<T>(&self, turn: Turn, bytes: &[u8], work: impl FnOnce() -> T) -> T {
        turn.around(&self.file, bytes, work)
    }

    /// Reads from an offset until the buffer is full.
    ///
    /// # Errors
    /// What the system reports; a file that became shorter.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    /// Whether the file is still what it was when it was opened.
    fn unchanged(&self) -> io::Result<bool> {
        match self.seen {
            Some(seen) => Ok(Fingerprint::of(&self.file.metadata()?) == seen),
            None => Ok(true),
        }
    }
}

impl Source {
    /// Makes sure that an open file is still the one that was opened.
    ///
    /// # Errors
    /// [`Error::Changed`] when it is not; what the system reports.
    pub fn check_unchanged(&self) -> Result<(), Error> {
        let Content::Export(stream) = &self.content else { return Ok(()) };
        match stream.unchanged() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::Changed {
                path: self.path.clone(),
                found: "its size or time of change is another one".into(),
            }),
            Err(source) => Err(Error::Read { path: self.path.clone().into(), source }),
        }
    }
}

/// Reads a file by position, so that its offset is nobody's shared state.
struct Positioned<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for Positioned<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// Work for one thread.
pub enum Job {
    /// A block of an export.
    Export {
        /// Index of the source.
        source: u32,
        /// The block.
        block: Block,
        /// Its place in the hash of the export, where that is to be found out.
        hash: Option<Box<Turn>>,
    },
    /// Certificate files.
    Files {
        /// Indices of the sources.
        sources: Vec<u32>,
    },
}

impl Job {
    /// Whether it is worked on alone.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.bytes() > LARGE_BLOCK
    }

    /// Whether buffers that it grew are not kept.
    #[must_use]
    pub fn is_giant(&self) -> bool {
        self.bytes() > limits::LARGE
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Export { block, .. } => block.bytes().len(),
            Self::Files { .. } => 0,
        }
    }
}

/// Buffers of blocks that were worked on, to be filled again.
#[derive(Default)]
pub struct Pool {
    blocks: Mutex<Vec<Block>>,
}

impl Pool {
    /// Gives a block back.
    pub fn give(&self, block: Block) {
        let (mut blocks, length) =
            (self.blocks.lock().unwrap_or_else(PoisonError::into_inner), block.bytes().len());
        // A giant record must not keep its memory for the rest of the run; of large ones, one may.
        let large = |length| length > LARGE_BLOCK;
        if length > limits::LARGE || large(length) && blocks.iter().any(|held| large(held.bytes().len())) {
            return;
        }
        blocks.push(block);
    }

    fn take(&self) -> Block {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }
}

/// One pass over all sources, in order.
pub struct Pass<'a> {
    sources: &'a [Source],
    pool: &'a Pool,
    next: usize,
    open: Option<Open<'a>>,
    first: bool,
    /// What the first pass finds out of each export: its hash, unless that was known, and its headers.
    pub learned: Vec<(u32, Option<Arc<Turns>>, Headers)>,
    /// Bytes handed out so far.
    pub bytes: u64,
}

/// An export that is being read.
struct Open<'a> {
    source: u32,
    blocks: Blocks<Positioned<'a>>,
    /// Its hash, and how many blocks it has so far.
    hash: Option<(Arc<Turns>, u64)>,
}

impl<'a> Pass<'a> {
    /// Starts a pass; in the first one exports are to be hashed.
    #[must_use]
    pub fn new(sources: &'a [Source], pool: &'a Pool, first: bool) -> Self {
        Self { sources, pool, next: 0, open: None, first, learned: Vec::new(), bytes: 0 }
    }

    /// The next job.
    ///
    /// # Errors
    /// When a file cannot be read any more, or is not what it was.
    pub fn next_job(&mut self) -> Result<Option<Job>, Error> {
        loop {
            if let Some(open) = &mut self.open {
                let source = open.source;
                let mut block = self.pool.take();
                if open.blocks.next(&mut block).map_err(|error| failed(self.sources, source, error))? {
                    self.bytes += block.bytes().len() as u64;
                    let hash = open.hash.as_mut().map(|(turns, blocks)| {
                        let turn = Turn::new(turns, *blocks, block.offset());
                        *blocks += 1;
                        Box::new(turn)
                    });
                    return Ok(Some(Job::Export { source, block, hash }));
                }
                self.pool.give(block);
                self.close()?;
            }
            let Some(source) = self.sources.get(self.next) else { return Ok(None) };
            let index = u32::try_from(self.next).unwrap_or(u32::MAX);
            match &source.content {
                Content::Export(stream) => {
                    self.next += 1;
                    // What was spooled was hashed as it came.
                    let hash = (self.first && stream.seen.is_some()).then(|| (Arc::default(), 0));
                    let reader = Positioned { file: &stream.file, offset: 0 };
                    let options = BlockOptions { block_size: BLOCK_BYTES, ..BlockOptions::default() };
                    let blocks = Blocks::new(reader, stream.format, options);
                    self.open = Some(Open { source: index, blocks, hash });
                }
                Content::Certificates(_) => return Ok(Some(self.files())),
                Content::Nothing => self.next += 1,
            }
        }
    }

    fn files(&mut self) -> Job {
        let mut sources = Vec::new();
        while let Some(source) = self.sources.get(self.next)
            && sources.len() < FILES_PER_BLOCK
            && matches!(source.content, Content::Certificates(_))
        {
            sources.push(u32::try_from(self.next).unwrap_or(u32::MAX));
            self.bytes += source.bytes;
            self.next += 1;
        }
        Job::Files { sources }
    }

    /// Ends an export: keeps what was learned, and makes sure that it is the file it was.
    fn close(&mut self) -> Result<(), Error> {
        let Some(Open { source: index, blocks, hash }) = self.open.take() else { return Ok(()) };
        let Some(source) = self.sources.get(index as usize) else { return Ok(()) };
        let (reader, headers) = blocks.into_parts();
        if reader.offset != source.length() {
            let found = format!("{} bytes were read, {} were announced", reader.offset, source.length());
            return Err(Error::Changed { path: source.path.clone(), found });
        }
        source.check_unchanged()?;
        if self.first {
            self.learned.push((index, hash.map(|(turns, _)| turns), headers));
        }
        Ok(())
    }
}

/// A source that cannot be read any more.
fn failed(sources: &[Source], source: u32, error: io::Error) -> Error {
    let path = sources.get(source as usize).map(|source| source.path.clone()).unwrap_or_default();
    Error::Read { path: path.into(), source: error }
}

/// Reads a certificate file of the run again and makes sure that it is the one that was hashed.
///
/// # Errors
/// When it cannot be read, or its bytes differ from those that were hashed.
pub fn reread_file(source: &Source, path: &Path) -> Result<Whole, Error> {
    let whole = whole::read(path, CERTIFICATE_FILE_BYTES)
        .map_err(|error| Error::Read { path: source.path.clone().into(), source: error })?;
    if whole.sha256 != source.sha256 {
        return Err(Error::Changed {
            path: source.path.clone(),
            found: "its bytes are not those that were read before".into(),
        });
    }
    Ok(whole)
}
