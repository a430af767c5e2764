//! Reading a file whole, within a limit and unpacked.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::gzip::Unpacked;

/// A file that was read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Its content, unpacked if it is gzip.
    pub bytes: Vec<u8>,
    /// Whether it is gzip.
    pub packed: bool,
    /// Bytes of the file as it lies there.
    pub size: u64,
    /// SHA-256 of the file as it lies there.
    pub sha256: [u8; 32],
}

/// Reads a file whole.
///
/// # Errors
/// What the system reports; a file above `most` bytes, packed or unpacked; a gzip file that is damaged
/// ([`super::gzip::GzipError`]).
pub fn read(path: &Path, most: u64) -> io::Result<Whole> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > most {
        return Err(too_large(most));
    }
    let mut unpacked = Unpacked::new(file)?;
    let packed = unpacked.is_gzip();
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // A file may grow while it is read, and what is unpacked may be any size.
    unpacked.by_ref().take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_large(most));
    }
    let (size, sha256) = unpacked.finish();
    Ok(Whole { bytes, packed, size, sha256 })
}

fn too_large(most: u64) -> io::Error {
    io::Error::other(format!("it has more than {most} bytes, the limit for such a file"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::encoding::sha256;

    #[test]
    fn packed_or_not_within_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&[b'a'; 1000]).unwrap();
        let packed = encoder.finish().unwrap();
        for (content, gzip) in [(vec![b'a'; 1000], false), (packed, true)] {
            std::fs::write(&path, &content).unwrap();
            let whole = read(&path, 1000).unwrap();
            assert_eq!((whole.bytes.as_slice(), whole.packed), (&[b'a'; 1000][..], gzip));
            assert_eq!((whole.size, whole.sha256), (content.len() as u64, sha256(&content)));
            assert!(read(&path, 999).unwrap_err().to_string().contains("999 bytes"));
        }
        std::fs::write(&path, &std::fs::read(&path).unwrap()[..20]).unwrap();
        assert!(crate::input::gzip::GzipError::of(&read(&path, 1000).unwrap_err()).is_some());
    }
}
