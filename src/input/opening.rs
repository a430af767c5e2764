//! Opening a directory export, whatever it is packed in.
//!
//! An export on disk is read in its place. A packed one is unpacked once to a temporary file, as standard
//! input is kept: the job reads its input twice and returns to single records, which a packed file does
//! not allow. The same filter keeps private keys out of that copy ([`super::spool`]).

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use super::gzip::is_gzip;
use super::spool::{self, SpoolError, Spooled};
use crate::export::Format;
use crate::ldif::limits::DETECT;

/// An export, ready to be read.
#[derive(Debug)]
pub enum Export {
    /// A file on disk, at its beginning.
    File(File, Format),
    /// A copy without private keys, at its beginning.
    Copy(Spooled, Format),
}

/// Opens a file if it is an export; `None` when it is something else, or a folder.
///
/// # Errors
/// What the system reports, and what is wrong with a gzip file ([`SpoolError::Read`]); a temporary file that
/// cannot be written ([`SpoolError::Write`]).
pub fn open(path: &Path) -> Result<Option<Export>, SpoolError> {
    let mut file = File::open(path).map_err(SpoolError::Read)?;
    if file.metadata().map_err(SpoolError::Read)?.is_dir() {
        return Ok(None);
    }
    let start = prefix(&mut file).map_err(SpoolError::Read)?;
    file.seek(SeekFrom::Start(0)).map_err(SpoolError::Read)?;
    if !is_gzip(&start) {
        return Ok(Format::of(&start).map(|format| Export::File(file, format)));
    }
    match spool::spool(&mut file) {
        Ok(spooled) => copied(spooled),
        // Certificates, for example: those are read whole.
        Err(SpoolError::Kind(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a copy is; `None` when it is no export.
///
/// # Errors
/// When the temporary file cannot be read.
pub fn copied(mut spooled: Spooled) -> Result<Option<Export>, SpoolError> {
    let start = prefix(&mut spooled.file).map_err(SpoolError::Write)?;
    spooled.file.seek(SeekFrom::Start(0)).map_err(SpoolError::Write)?;
    Ok(Format::of(&start).map(|format| Export::Copy(spooled, format)))
}

fn prefix(file: &mut File) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.by_ref().take(DETECT as u64).read_to_end(&mut start)?;
    Ok(start)
}
