//! Standard input, kept for the second pass without the private keys in it.
//!
//! The job reads its input twice, and a pipe can be read once; so it is copied to a temporary file
//! that has no name (mode 0600, gone with the process). A directory export may hold private keys:
//! `userPKCS12`, a PKCS#12 or PKCS#8 structure in some other attribute, a PEM block. They must not
//! reach the disk a second time. [`Filter`] overwrites them on the way, character for character: the
//! spool has the same lines and the same length as the input, the value begins with a marker that
//! [`crate::certificate::container::classify_value`] reports as the kind of key that was there, and
//! every other byte is untouched, so that the reader's messages have the right lines and DNs.
//!
//! [`Spooled::sha256`] and [`Spooled::bytes`] are those of the original input.

mod filter;

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};

use aws_lc_rs::digest;

pub use filter::Filter;

use super::recognise::{Kind, recognise};
use crate::certificate::container::Secret;

/// Bytes that are read at once. Also the longest stretch of one line that is looked at as a whole.
const BLOCK: usize = 256 * 1024;

/// Standard input on disk.
#[derive(Debug)]
pub struct Spooled {
    /// The spool, at its beginning. It has no name and disappears when it is closed.
    pub file: File,
    /// Bytes of the input (and of the spool).
    pub bytes: u64,
    /// SHA-256 of the original input, private keys included.
    pub sha256: [u8; 32],
    /// Values and PEM blocks that were overwritten.
    pub withheld: u64,
}

/// Why standard input could not be spooled.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The input is of a kind that is no LDIF; nothing was written.
    #[error("standard input is {0}; expected LDIF")]
    Kind(Kind),
    /// Reading failed.
    #[error("standard input cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The temporary file cannot be made or written.
    #[error("the spool for standard input cannot be written (set TMPDIR to a folder with room): {0}")]
    Write(#[source] io::Error),
}

/// Copies `input` to a temporary file, private keys overwritten. Memory is constant, time linear.
///
/// # Errors
/// [`SpoolError`]; nothing is left behind.
pub fn spool(input: &mut dyn Read) -> Result<Spooled, SpoolError> {
    let mut block = vec![0u8; BLOCK];
    let mut filled = fill(input, &mut block).map_err(SpoolError::Read)?;
    let start = block.get(..filled).unwrap_or_default();
    let kind = recognise(start, filled < BLOCK);
    // The filter understands lines of LDIF and PEM. What else there is (hex in csvde, base64 without
    // armour, archives) could carry a key past it and is no LDIF anyway.
    match kind {
        Kind::Empty | Kind::Ldif | Kind::Pem | Kind::Text | Kind::Secret(Secret::Pem) => {}
        _ => return Err(SpoolError::Kind(kind)),
    }
    let file = crate::temporary::file().map_err(SpoolError::Write)?;
    let mut filter = Filter::new(io::BufWriter::with_capacity(BLOCK, file), start);
    let mut context = digest::Context::new(&digest::SHA256);
    let mut bytes = 0u64;
    while filled > 0 {
        let read = block.get(..filled).unwrap_or_default();
        context.update(read);
        bytes += filled as u64;
        filter.write_all(read).map_err(SpoolError::Write)?;
        filled = fill(input, &mut block).map_err(SpoolError::Read)?;
    }
    let (writer, withheld) = filter.finish().map_err(SpoolError::Write)?;
    let mut file = writer.into_inner().map_err(|e| SpoolError::Write(e.into_error()))?;
    file.seek(SeekFrom::Start(0)).map_err(SpoolError::Write)?;
    let mut sha256 = [0u8; 32];
    sha256.copy_from_slice(context.finish().as_ref());
    Ok(Spooled { file, bytes, sha256, withheld })
}

/// Reads until the buffer is full or the input ends.
fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0usize;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_original() {
        let input = b"dn: cn=a\nuserPKCS12:: MIIKAgIBAzCCCcgGCSqGSIb3DQEHAaCCCbkEggm1\nmail: a@b.c\n";
        let mut spooled = spool(&mut &input[..]).unwrap();
        let mut text = Vec::new();
        spooled.file.read_to_end(&mut text).unwrap();
        assert_eq!((spooled.bytes, spooled.withheld, text.len()), (input.len() as u64, 1, input.len()));
        assert_eq!(&spooled.sha256[..], digest::digest(&digest::SHA256, input).as_ref());
        assert!(text.ends_with(b"\nmail: a@b.c\n") && !text.windows(8).any(|w| w == b"MIIKAgIB"));
    }

    #[test]
    fn what_is_no_ldif_is_refused() {
        assert!(matches!(spool(&mut &b"\x1f\x8b\x08\0"[..]), Err(SpoolError::Kind(Kind::Gzip))));
        let key = [0x30, 0x25, 2, 1, 1, 4, 0x20, 0, 0];
        assert!(matches!(spool(&mut &key[..]), Err(SpoolError::Kind(Kind::Secret(_)))));
        // PKCS#8 in hex and as bare base64: no line of LDIF, so the filter would not see it.
        let csvde = b"DN,userPKCS12\r\ncn=a,X'308202023003020103'\r\n";
        assert!(matches!(spool(&mut &csvde[..]), Err(SpoolError::Kind(Kind::Csvde))));
        let bare = b"MC4CAQAwBQYDK2VwBCIEIFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\n";
        assert!(matches!(spool(&mut &bare[..]), Err(SpoolError::Kind(Kind::Base64))));
        assert_eq!(spool(&mut &b""[..]).unwrap().bytes, 0);
    }
}
