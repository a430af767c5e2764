//! Standard input, spooled to an unlinked temporary file of mode 0600.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};

use aws_lc_rs::digest::{Context, SHA256};

use crate::ldif::detect::Foreign;
use crate::ldif::{Detected, Format, detect, limits::DETECT};

/// Spooled input.
#[derive(Debug)]
pub struct Spooled {
    /// The file.
    pub file: File,
    /// Its format, or what it is instead of LDIF.
    pub format: Result<Format, Foreign>,
    /// Bytes of the original.
    pub bytes: u64,
    /// SHA-256 of the original.
    pub sha256: [u8; 32],
}

/// Spools.
///
/// # Errors
/// When reading or writing fails.
pub fn spool(mut reader: impl Read) -> io::Result<Spooled> {
    let mut prefix = Vec::new();
    reader.by_ref().take(DETECT as u64).read_to_end(&mut prefix)?;
    let format = match detect(&prefix) {
        Detected::Ldif(format) => Ok(format),
        Detected::Other(foreign) => Err(foreign),
    };
    let mut hash = Context::new(&SHA256);
    let mut out = BufWriter::new(tempfile::tempfile()?);
    let mut bytes = 0;
    let mut buffer = prefix;
    loop {
        hash.update(&buffer);
        out.write_all(&buffer)?;
        bytes += buffer.len() as u64;
        buffer.clear();
        reader.by_ref().take(1 << 16).read_to_end(&mut buffer)?;
        if buffer.is_empty() {
            break;
        }
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(hash.finish().as_ref());
    Ok(Spooled { file: out.into_inner().map_err(io::IntoInnerError::into_error)?, format, bytes, sha256 })
}
