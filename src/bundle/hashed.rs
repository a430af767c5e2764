//! A file that is hashed while it is written.

use super::OutputError;
use super::sync::Syncer;
use super::uncached::{Gathered, Uncached};
use crate::encoding::hex;
use aws_lc_rs::digest::{Context, SHA256, digest};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes that are gathered before they are hashed and written: the disk takes them in one piece.
const BUFFER: usize = 512 * 1024;

/// Bytes after which a growing file is synced in the background: a second's work of a slow disk.
const SYNC_EVERY: u64 = 32 << 20;

/// SHA-256 of `bytes`, lower-case hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// SHA-256 of a file in lower-case hex.
pub(crate) fn hash_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex(context.finish().as_ref())),
            // `read` returns at most the buffer's length.
            Ok(count) => context.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A new file; every byte goes into the file and into its SHA-256.
pub(crate) struct HashedFile {
    path: PathBuf,
    file: Uncached,
    /// What was put and not yet hashed and written.
    gathered: Gathered,
    context: Context,
    /// Bytes that went through the cache since the last sync was asked for.
    unsynced: u64,
}

impl HashedFile {
    /// Creates `path`, which must not exist.
    pub(crate) fn create(path: PathBuf) -> Result<Self, OutputError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(OutputError::io("create the file", &path))?;
        let (file, gathered) = (Uncached::new(file), Gathered::default());
        Ok(Self { path, file, gathered, context: Context::new(&SHA256), unsynced: 0 })
    }

    /// Appends `bytes`.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        self.put_with(|out| out.extend_from_slice(bytes))
    }

    /// Appends what `write` appends to the end of its argument; nothing else may be done to it.
    pub(crate) fn put_with<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> Result<T, OutputError> {
        let written = write(self.gathered.end());
        if self.gathered.len() >= BUFFER {
            let count = self.file.write(&mut self.gathered).map_err(OutputError::io("write", &self.path))?;
            // `write` gives how many of the bytes it wrote.
            self.context.update(&self.gathered.bytes()[..count]);
            self.gathered.remove(count, 2 * BUFFER);
            if self.file.is_cached() {
                self.unsynced += count as u64;
            }
        }
        Ok(written)
    }

    /// Writes what was gathered, so that it can be read.
    pub(crate) fn drain(&mut self) -> Result<(), OutputError> {
        self.file.write_end(self.gathered.bytes()).map_err(OutputError::io("write", &self.path))?;
        self.context.update(self.gathered.bytes());
        self.unsynced += self.gathered.len() as u64;
        self.gathered.remove(self.gathered.len(), 2 * BUFFER);
        Ok(())
    }

    /// Has a file that becomes large synced while it grows.
    pub(crate) fn sync(&mut self, syncer: &Syncer) {
        if self.unsynced >= SYNC_EVERY {
            self.unsynced = 0;
            syncer.begun(&self.path, self.file.file());
        }
    }

    /// Writes what is left, leaves the sync to `syncer`, and returns the SHA-256 in hex.
    pub(crate) fn finish_later(mut self, syncer: &Syncer) -> Result<String, OutputError> {
        self.drain()?;
        syncer.whole(self.path, self.file.into_file());
        Ok(hex(self.context.finish().as_ref()))
    }

    /// Writes what is left, syncs the file (a full disk may show only here) and returns its SHA-256 in hex.
    pub(crate) fn finish(mut self) -> Result<String, OutputError> {
        self.drain()?;
        self.file.file().sync_all().map_err(OutputError::io("write to the disk", &self.path))?;
        Ok(hex(self.context.finish().as_ref()))
    }
}

/// A reader that hashes what passes, and tells how many bytes did.
pub(crate) struct HashedReader<'p, R> {
    source: R,
    context: Context,
    passed: u64,
    progress: &'p dyn Fn(u64),
}

impl<'p, R> HashedReader<'p, R> {
    pub(crate) fn new(source: R, progress: &'p dyn Fn(u64)) -> Self {
        Self { source, context: Context::new(&SHA256), passed: 0, progress }
    }

    /// SHA-256 in hex of everything that was read.
    pub(crate) fn finish(self) -> String {
        hex(self.context.finish().as_ref())
    }
}

impl<R: Read> Read for HashedReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        // `read` returns at most the buffer's length.
        self.context.update(&buffer[..count]);
        self.passed += count as u64;
        (self.progress)(self.passed);
        Ok(count)
    }
}
