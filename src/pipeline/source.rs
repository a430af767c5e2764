//! The files of a run: opened once, read twice, and found unchanged the second time.
//!
//! LDIF is cut into blocks that any thread can parse; certificate files are handed out in handfuls.
//! A record can be read again later from its place, which is how an object that is split over records
//! is gathered, and how what two objects share is confirmed, without keeping either in memory.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};

use crate::error::Error;
use crate::ldif::{Block, BlockOptions, Blocks, Format};
use crate::limits::{BLOCK_BYTES, CERTIFICATE_FILE_BYTES, FILES_PER_BLOCK};

/// One file of the run.
#[derive(Debug)]
pub struct Source {
    /// How outputs name it.
    pub path: String,
    /// What it is, in a word, for the manifest.
    pub kind: String,
    /// How it is read.
    pub content: Content,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes; for LDIF known after the first pass.
    pub sha256: [u8; 32],
}

/// How a file is read.
#[derive(Debug)]
pub enum Content {
    /// LDIF, as a stream of blocks; the file stays open.
    Ldif(Stream),
    /// A certificate file, read whole when its turn comes.
    Certificates(PathBuf),
    /// Not read: nothing that certferry knows, or unreadable.
    Nothing,
}

/// An open LDIF file.
#[derive(Debug)]
pub struct Stream {
    file: File,
    /// Encoding and line ends.
    pub format: Format,
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
    /// An LDIF file on disk.
    ///
    /// # Errors
    /// When its metadata cannot be read.
    pub fn file(file: File, format: Format) -> io::Result<Self> {
        let seen = Some(Fingerprint::of(&file.metadata()?));
        Ok(Self { file, format, seen })
    }

    /// A spooled file.
    #[must_use]
    pub fn spooled(file: File, format: Format) -> Self {
        Self { file, format, seen: None }
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
        let Content::Ldif(stream) = &self.content else { return Ok(()) };
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

/// Reads a file by position, so that its offset is nobody's shared state, and hashes on the way.
struct Hashed<'a> {
    file: &'a File,
    offset: u64,
    hash: Option<Context>,
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(buffer.get(..count).unwrap_or_default());
        }
        Ok(count)
    }
}

/// Work for one thread.
pub enum Job {
    /// A block of an LDIF file.
    Ldif {
        /// Index of the source.
        source: u32,
        /// The block.
        block: Block,
    },
    /// Certificate files.
    Files {
        /// Indices of the sources.
        sources: Vec<u32>,
    },
}

/// Buffers of blocks that were worked on, to be filled again.
#[derive(Default)]
pub struct Pool {
    blocks: Mutex<Vec<Block>>,
}

impl Pool {
    /// Gives a block back.
    pub fn give(&self, block: Block) {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).push(block);
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
    open: Option<(u32, Blocks<Hashed<'a>>)>,
    first: bool,
    /// Hashes of the LDIF files, filled in during the first pass.
    pub hashes: Vec<(u32, [u8; 32])>,
    /// Bytes handed out so far.
    pub bytes: u64,
}

impl<'a> Pass<'a> {
    /// Starts a pass; the first one hashes what it reads.
    #[must_use]
    pub fn new(sources: &'a [Source], pool: &'a Pool, first: bool) -> Self {
        Self { sources, pool, next: 0, open: None, first, hashes: Vec::new(), bytes: 0 }
    }

    /// The next job.
    ///
    /// # Errors
    /// When a file cannot be read any more, or is not what it was.
    pub fn next_job(&mut self) -> Result<Option<Job>, Error> {
        loop {
            if let Some((source, blocks)) = &mut self.open {
                let source = *source;
                let mut block = self.pool.take();
                if blocks.next(&mut block).map_err(|error| self.failed(source, error))? {
                    self.bytes += block.bytes().len() as u64;
                    return Ok(Some(Job::Ldif { source, block }));
                }
                self.pool.give(block);
                self.close()?;
            }
            let Some(source) = self.sources.get(self.next) else { return Ok(None) };
            let index = u32::try_from(self.next).unwrap_or(u32::MAX);
            match &source.content {
                Content::Ldif(stream) => {
                    self.next += 1;
                    let hash = self.first.then(|| Context::new(&SHA256));
                    let reader = Hashed { file: &stream.file, offset: 0, hash };
                    let options = BlockOptions { block_size: BLOCK_BYTES, ..BlockOptions::default() };
                    self.open = Some((index, Blocks::new(reader, stream.format, options)));
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

    /// Ends an LDIF file: keeps its hash, and makes sure that it is the file it was.
    fn close(&mut self) -> Result<(), Error> {
        let Some((index, blocks)) = self.open.take() else { return Ok(()) };
        let Some(source) = self.sources.get(index as usize) else { return Ok(()) };
        let reader = blocks.into_reader();
        if reader.offset != source.bytes {
            let found = format!("{} bytes were read, {} were announced", reader.offset, source.bytes);
            return Err(Error::Changed { path: source.path.clone(), found });
        }
        source.check_unchanged()?;
        if let Some(hash) = reader.hash {
            let mut sum = [0; 32];
            sum.copy_from_slice(hash.finish().as_ref());
            self.hashes.push((index, sum));
        }
        Ok(())
    }

    fn failed(&self, source: u32, error: io::Error) -> Error {
        let path = self.sources.get(source as usize).map(|source| source.path.clone()).unwrap_or_default();
        Error::Read { path: path.into(), source: error }
    }
}

/// Reads a certificate file whole.
///
/// # Errors
/// What the system reports; a file above [`CERTIFICATE_FILE_BYTES`].
pub fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let too_large = || io::Error::other(format!("it has more than {most} bytes, the limit for such a file"));
    if size > most {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // A file may grow while it is read.
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

/// Reads a certificate file of the run again and makes sure that it is the one that was hashed.
///
/// # Errors
/// When it cannot be read, or its bytes differ from those that were hashed.
pub fn reread_file(source: &Source, path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = read_file(path, CERTIFICATE_FILE_BYTES)
        .map_err(|error| Error::Read { path: source.path.clone().into(), source: error })?;
    if crate::encoding::sha256(&bytes) != source.sha256 {
        return Err(Error::Changed {
            path: source.path.clone(),
            found: "its bytes are not those that were read before".into(),
        });
    }
    Ok(bytes)
}
