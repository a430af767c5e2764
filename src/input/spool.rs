//! Standard input and packed exports, kept for the second pass without the private keys in them.
//!
//! The job reads its input twice, and a pipe can be read once; so it is copied to a temporary file
//! that has no name (mode 0600, gone with the process), unpacked if it is gzip. A directory export may
//! hold private keys: `userPKCS12`, a PKCS#12 or PKCS#8 structure in some other attribute, a PEM block.
//! They must not reach the disk a second time. A filter ([`Lines`] for LDIF, [`Cells`] for csvde)
//! overwrites them on the way, character for character: the spool has the same lines and the same length
//! as the unpacked input, the value begins with a marker that
//! [`crate::certificate::container::classify_value`] reports as the kind of key that was there, and
//! every other byte is untouched, so that the reader's messages have the right lines and DNs.
//!
//! [`Spooled::sha256`] and [`Spooled::bytes`] are those of the input as it came, packed or not.

mod cells;
mod lines;
mod look;

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};

pub use cells::Cells;
pub use lines::Lines;

use super::gzip::Unpacked;
use super::recognise::{Kind, recognise};
use crate::export::Format;
use crate::ldif::limits::DETECT;

/// Bytes that are read at once. Also the longest stretch of one line that is looked at as a whole.
const BLOCK: usize = 256 * 1024;

/// An input on disk.
#[derive(Debug)]
pub struct Spooled {
    /// The spool, at its beginning. It has no name and disappears when it is closed.
    pub file: File,
    /// Bytes of the spool: of the input, unpacked.
    pub length: u64,
    /// Whether the input is gzip.
    pub packed: bool,
    /// Bytes of the input as it came.
    pub bytes: u64,
    /// SHA-256 of the input as it came, private keys included.
    pub sha256: [u8; 32],
    /// Values and PEM blocks that were overwritten.
    pub withheld: u64,
}

/// Why an input could not be spooled.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The input is no export; nothing was written.
    #[error("the input is {0}; expected LDIF or csvde")]
    Kind(Kind),
    /// Reading failed, or a gzip input is damaged ([`super::gzip::GzipError`]).
    #[error("{0}")]
    Read(#[source] io::Error),
    /// The temporary file cannot be made or written.
    #[error("the temporary copy cannot be written (set TMPDIR to a folder with room): {0}")]
    Write(#[source] io::Error),
}

/// One of the filters, at work.
enum Filter<W: Write> {
    Lines(Box<Lines<W>>),
    Cells(Box<Cells<W>>),
}

/// Copies `input` to a temporary file, unpacked, private keys overwritten. Memory is constant, time linear.
///
/// # Errors
/// [`SpoolError`]; nothing is left behind.
pub fn spool(input: &mut dyn Read) -> Result<Spooled, SpoolError> {
    let mut input = Unpacked::new(input).map_err(SpoolError::Read)?;
    let mut block = vec![0u8; BLOCK];
    let mut filled = fill(&mut input, &mut block).map_err(SpoolError::Read)?;
    let start = block.get(..filled).unwrap_or_default();
    let writer = || Ok(io::BufWriter::with_capacity(BLOCK, crate::temporary::file()?));
    // Who reads the copy looks at the same bytes, so the filter is that of its kind. What is no export (PEM,
    // base64, archives) could carry a key past both.
    let format = Format::of(start.get(..start.len().min(DETECT)).unwrap_or_default());
    let mut filter = match format {
        Some(Format::Ldif(format)) => {
            Filter::Lines(Box::new(Lines::new(writer().map_err(SpoolError::Write)?, format.encoding)))
        }
        Some(Format::Csvde(format)) => {
            Filter::Cells(Box::new(Cells::new(writer().map_err(SpoolError::Write)?, format.encoding)))
        }
        None => return Err(SpoolError::Kind(recognise(start, filled < BLOCK))),
    };
    let mut length = 0u64;
    while filled > 0 {
        let read = block.get(..filled).unwrap_or_default();
        length += filled as u64;
        match &mut filter {
            Filter::Lines(filter) => filter.write_all(read),
            Filter::Cells(filter) => filter.write_all(read),
        }
        .map_err(SpoolError::Write)?;
        filled = fill(&mut input, &mut block).map_err(SpoolError::Read)?;
    }
    let (writer, withheld) = match filter {
        Filter::Lines(filter) => filter.finish(),
        Filter::Cells(filter) => filter.finish(),
    }
    .map_err(SpoolError::Write)?;
    let mut file = writer.into_inner().map_err(|e| SpoolError::Write(e.into_error()))?;
    file.seek(SeekFrom::Start(0)).map_err(SpoolError::Write)?;
    let packed = input.is_gzip();
    let (bytes, sha256) = input.finish();
    Ok(Spooled { file, length, packed, bytes, sha256, withheld })
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
        assert_eq!(spooled.sha256, crate::encoding::sha256(input));
        assert!(text.ends_with(b"\nmail: a@b.c\n") && !text.windows(8).any(|w| w == b"MIIKAgIB"));
    }

    #[test]
    fn what_is_no_export_is_refused() {
        assert!(matches!(spool(&mut &b"PK\x03\x04"[..]), Err(SpoolError::Kind(Kind::Zip))));
        let key = [0x30, 0x25, 2, 1, 1, 4, 0x20, 0, 0];
        assert!(matches!(spool(&mut &key[..]), Err(SpoolError::Kind(Kind::Secret(_)))));
        // PKCS#8 as bare base64: no line of LDIF, so the filter would not see it.
        let bare = b"MC4CAQAwBQYDK2VwBCIEIFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\n";
        assert!(matches!(spool(&mut &bare[..]), Err(SpoolError::Kind(Kind::Base64))));
        let pem = b"-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n";
        assert!(matches!(spool(&mut &pem[..]), Err(SpoolError::Kind(Kind::Secret(_)))));
        assert!(matches!(spool(&mut &b""[..]), Err(SpoolError::Kind(Kind::Empty))));
    }

    #[test]
    fn csvde_and_gzip_are_kept_without_keys() {
        let csvde = b"DN,userPKCS12,cn\r\ncn=a,X'308202023003020103060a2b060104018237020103aabb',x\r\n";
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(csvde).unwrap();
        let packed = encoder.finish().unwrap();
        for (input, gzip) in [(&csvde[..], false), (&packed[..], true)] {
            let mut spooled = spool(&mut &input[..]).unwrap();
            let mut text = Vec::new();
            spooled.file.read_to_end(&mut text).unwrap();
            assert_eq!((spooled.length, spooled.withheld, spooled.packed), (csvde.len() as u64, 1, gzip));
            assert_eq!((spooled.bytes, spooled.sha256), (input.len() as u64, crate::encoding::sha256(input)));
            assert!(text.ends_with(b"',x\r\n") && !text.windows(8).any(|w| w == b"30820202"));
        }
        let error = spool(&mut &packed[..packed.len() - 9]).unwrap_err();
        assert!(
            matches!(error, SpoolError::Read(error) if super::super::gzip::GzipError::of(&error).is_some())
        );
    }
}
