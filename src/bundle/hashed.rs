//! A file that is hashed while it is written.

use super::OutputError;
use super::sync::Syncer;
use crate::encoding::hex;
use aws_lc_rs::digest::{Context, SHA256, digest};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Size of the write buffer of each open file, in bytes.
const BUFFER: usize = 64 * 1024;

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
    file: BufWriter<File>,
    context: Context,
    /// Bytes since the last sync was asked for.
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
        Ok(Self {
            path,
            file: BufWriter::with_capacity(BUFFER, file),
            context: Context::new(&SHA256),
            unsynced: 0,
        })
    }

    /// Appends `bytes`.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        self.write_all(bytes).map_err(OutputError::io("write", &self.path))
    }

    /// Appends `bytes` to a file that becomes large, which is synced while it grows.
    pub(crate) fn put_synced(&mut self, bytes: &[u8], syncer: &Syncer) -> Result<(), OutputError> {
        self.put(bytes)?;
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= SYNC_EVERY {
            self.unsynced = 0;
            syncer.begun(&self.path, self.file.get_ref());
        }
        Ok(())
    }

    /// Flushes the file, leaves the sync to `syncer`, and returns the SHA-256 in hex.
    pub(crate) fn finish_later(self, syncer: &Syncer) -> Result<String, OutputError> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error);
        syncer.whole(self.path.clone(), file.map_err(OutputError::io("write", &self.path))?);
        Ok(hex(self.context.finish().as_ref()))
    }

    /// Flushes and syncs the file (a full disk may show only here) and returns its SHA-256 in hex.
    pub(crate) fn finish(mut self) -> Result<String, OutputError> {
        self.file.flush().map_err(OutputError::io("write", &self.path))?;
        self.file.get_ref().sync_all().map_err(OutputError::io("write to the disk", &self.path))?;
        Ok(hex(self.context.finish().as_ref()))
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.context.update(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
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
