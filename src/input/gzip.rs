//! gzip (RFC 1952), unpacked while it is read.
//!
//! Nothing is ever shorter in silence: a file that ends too early, fails its checksum, or goes on with
//! something else ends in an error with its place. What unpacks to far more than its size is no export,
//! and ends the same way before it fills a disk. Several members behind each other are one content, as
//! `gzip -d` has it, and so are zero bytes behind the last one (tapes and block devices pad with them).

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use crate::encoding::Hasher;
use crate::limits::{GZIP_FREE, GZIP_RATIO};

/// Does it begin like gzip?
#[must_use]
pub fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b])
}

/// Why a gzip input was not read. It travels inside of an [`io::Error`]; [`GzipError::of`] finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GzipError {
    /// It ends in the middle.
    #[error(
        "the gzip file ends too early, behind byte {at}, with {unpacked} bytes unpacked: it was cut off, and nothing of it was taken over"
    )]
    CutOff {
        /// Bytes of the packed input that were read.
        at: u64,
        /// Bytes that were unpacked from them.
        unpacked: u64,
    },
    /// It is damaged.
    #[error(
        "the gzip file is damaged near byte {at} ({unpacked} bytes unpacked): {what}; nothing of it was taken over"
    )]
    Damaged {
        /// Bytes of the packed input that were read.
        at: u64,
        /// Bytes that were unpacked from them.
        unpacked: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// It unpacks to more than any export does.
    #[error(
        "the gzip file has unpacked to {unpacked} bytes at byte {at}, more than {GZIP_RATIO} times its size: no export does that; nothing of it was taken over"
    )]
    Ratio {
        /// Bytes of the packed input that were read.
        at: u64,
        /// Bytes that were unpacked from them.
        unpacked: u64,
    },
}

impl GzipError {
    /// The reason inside of an error that [`Unpacked`] gave, if it is about gzip.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<GzipError> for io::Error {
    fn from(error: GzipError) -> Self {
        Self::other(error)
    }
}

/// Counts and hashes what is read: the input as it lies there, packed or not.
pub struct Tracked<R> {
    reader: R,
    bytes: u64,
    hasher: Hasher,
}

impl<R: Read> Tracked<R> {
    /// Begins at the first byte of an input.
    pub fn new(reader: R) -> Self {
        Self { reader, bytes: 0, hasher: Hasher::default() }
    }

    /// Bytes, and their SHA-256.
    pub fn finish(self) -> (u64, [u8; 32]) {
        (self.bytes, self.hasher.finish())
    }
}

impl<R: Read> Read for Tracked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes += count as u64;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

type Source<R> = BufReader<Tracked<R>>;

/// An input that is unpacked if it is gzip, and read as it is otherwise.
pub struct Unpacked<R: Read> {
    state: Option<State<R>>,
    unpacked: u64,
    gzip: bool,
}

enum State<R: Read> {
    Plain(Source<R>),
    /// In a member. Boxed: a decoder is large.
    Member(Box<GzDecoder<Source<R>>>),
    /// Behind a member; true: zero bytes were passed there.
    Behind(Source<R>, bool),
}

impl<R: Read> Unpacked<R> {
    /// Looks at the first bytes of an input.
    ///
    /// # Errors
    /// What the reader reports.
    pub fn new(reader: R) -> io::Result<Self> {
        let mut source = BufReader::with_capacity(64 << 10, Tracked::new(reader));
        let start = loop {
            match source.fill_buf() {
                Ok(start) => break start,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        // A pipe may give one byte first. No text and no certificate begins with 0x1f.
        let gzip = is_gzip(start) || start == [0x1f];
        let state = if gzip { State::Member(Box::new(GzDecoder::new(source))) } else { State::Plain(source) };
        Ok(Self { state: Some(state), unpacked: 0, gzip })
    }

    /// Whether the input is gzip.
    #[must_use]
    pub fn is_gzip(&self) -> bool {
        self.gzip
    }

    /// Bytes and SHA-256 of the input as it lay there. Call it when everything was read.
    #[must_use]
    pub fn finish(self) -> (u64, [u8; 32]) {
        let source = match self.state {
            Some(State::Plain(source) | State::Behind(source, _)) => source,
            Some(State::Member(decoder)) => decoder.into_inner(),
            None => return (0, [0; 32]), // only while a read is under way
        };
        source.into_inner().finish()
    }

    /// Bytes of the packed input that the decoder has taken.
    fn at(source: &Source<R>) -> u64 {
        source.get_ref().bytes - source.buffer().len() as u64
    }

    /// Counts what a member gave, and looks at the ratio.
    fn count(&mut self, count: usize, at: u64) -> io::Result<usize> {
        self.unpacked += count as u64;
        let unpacked = self.unpacked;
        if unpacked > GZIP_FREE && unpacked / GZIP_RATIO > at {
            return Err(GzipError::Ratio { at, unpacked }.into());
        }
        Ok(count)
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state.as_mut() {
                Some(State::Plain(source)) => return source.read(buffer),
                Some(State::Member(decoder)) => match decoder.read(buffer) {
                    Ok(0) => {
                        if let Some(State::Member(decoder)) = self.state.take() {
                            self.state = Some(State::Behind(decoder.into_inner(), false));
                        }
                    }
                    Ok(count) => {
                        let at = Self::at(decoder.get_ref());
                        return self.count(count, at);
                    }
                    Err(error) => {
                        let at = Self::at(decoder.get_ref());
                        return Err(explained(error, at, self.unpacked));
                    }
                },
                Some(State::Behind(source, padded)) => {
                    let (rest, unpacked) = (source.fill_buf()?, self.unpacked);
                    let zeros = rest.iter().take_while(|byte| **byte == 0).count();
                    match rest.get(zeros) {
                        None if rest.is_empty() => return Ok(0),
                        None => {
                            source.consume(zeros);
                            *padded = true;
                        }
                        Some(0x1f) if zeros == 0 && !*padded => {
                            if let Some(State::Behind(source, _)) = self.state.take() {
                                self.state = Some(State::Member(Box::new(GzDecoder::new(source))));
                            }
                        }
                        Some(_) => {
                            let what = "something else stands behind it";
                            let at = Self::at(source);
                            return Err(GzipError::Damaged { at, unpacked, what }.into());
                        }
                    }
                }
                None => return Ok(0), // only while a read is under way
            }
        }
    }
}

/// What the decoder says, in words, with its place. What the source itself says passes through.
fn explained(error: io::Error, at: u64, unpacked: u64) -> io::Error {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => return GzipError::CutOff { at, unpacked }.into(),
        io::ErrorKind::InvalidData => "its compressed data make no sense",
        io::ErrorKind::InvalidInput => "its header or its checksum is wrong",
        _ => return error,
    };
    GzipError::Damaged { at, unpacked, what }.into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn pack(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    /// Gives a byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn read<R: Read>(reader: R) -> (Result<Vec<u8>, Option<GzipError>>, Unpacked<R>) {
        let (mut unpacked, mut out) = (Unpacked::new(reader).unwrap(), Vec::new());
        let result = unpacked.read_to_end(&mut out).map_err(|error| GzipError::of(&error));
        (result.map(|_| out), unpacked)
    }

    fn unpack(input: &[u8]) -> Result<Vec<u8>, Option<GzipError>> {
        let (fast, source) = read(input);
        let (slow, _) = read(Slow(input));
        // Where in its buffer a decoder notices something depends on what it was given.
        assert_eq!(fast.as_ref().ok(), slow.as_ref().ok());
        if fast.is_ok() {
            assert_eq!(source.finish(), (input.len() as u64, crate::encoding::sha256(input)));
        }
        fast
    }

    #[test]
    fn one_member_or_several_or_none() {
        let (a, b) = (pack(b"dn: cn=a\n"), pack(b"cn: a\n"));
        assert_eq!(unpack(&a).unwrap(), b"dn: cn=a\n");
        assert_eq!(unpack(&[a.clone(), b.clone()].concat()).unwrap(), b"dn: cn=a\ncn: a\n");
        assert_eq!(unpack(&[a.clone(), pack(b""), b.clone()].concat()).unwrap(), b"dn: cn=a\ncn: a\n");
        assert_eq!(unpack(&[a.clone(), vec![0; 3000]].concat()).unwrap(), b"dn: cn=a\n");
        assert_eq!(unpack(b"dn: cn=a\n").unwrap(), b"dn: cn=a\n");
        assert_eq!(unpack(b"").unwrap(), b"");
    }

    #[test]
    fn cut_off_anywhere_is_said() {
        let content: Vec<u8> = (0..400u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let packed = pack(&content);
        for length in (2..packed.len()).step_by(7).chain([packed.len() - 1, packed.len() - 8]) {
            let error = unpack(&packed[..length]).unwrap_err().unwrap();
            assert!(
                matches!(error, GzipError::CutOff { at, .. } if at == length as u64),
                "{length}: {error}"
            );
        }
        let two = [pack(b"first"), packed[..packed.len() / 2].to_vec()].concat();
        assert!(matches!(unpack(&two).unwrap_err().unwrap(), GzipError::CutOff { .. }));
    }

    #[test]
    fn damage_is_said() {
        let packed = pack(b"dn: cn=a\ncn: a\n");
        // The method, the data, the checksum, the length.
        for at in [2, 14, packed.len() - 6, packed.len() - 1] {
            let mut bad = packed.clone();
            bad[at] ^= 0x55;
            unpack(&bad).unwrap_err().unwrap();
        }
        let behind = [packed, b"more".to_vec()].concat();
        let error = unpack(&behind).unwrap_err().unwrap();
        assert!(error.to_string().contains("something else stands behind it"), "{error}");
    }

    #[test]
    fn a_bomb_ends_in_flat_memory() {
        let layer = pack(&vec![b'a'; 18 << 20]);
        let mut unpacked = Unpacked::new(&layer[..]).unwrap();
        let (mut buffer, mut total) = (vec![0; 1 << 16], 0u64);
        let error = loop {
            match unpacked.read(&mut buffer) {
                Ok(count) => total += count as u64,
                Err(error) => break GzipError::of(&error).unwrap(),
            }
            assert_ne!(total, 18 << 20, "a ratio of {}", (18 << 20) / layer.len());
        };
        assert!(matches!(error, GzipError::Ratio { unpacked, .. } if unpacked >= GZIP_FREE), "{error}");
        assert!(total <= GZIP_FREE + (1 << 17), "{total}");
    }
}
