//! What both filters look with: characters of one or two bytes, and what is a private key.

use std::sync::LazyLock;

use base64::Engine as _;
use memchr::memmem::{self, Finder};
use memchr::{memchr, memchr2};

use crate::certificate::container::{Form, Secret, classify_value};
use crate::ldif::Encoding;

/// Characters of one value that are kept for looking at it as a whole. Values of certificate attributes have
/// at most 32 768 bytes; of a longer one the beginning decides, and the rest is searched for PEM words in
/// windows.
pub(super) const MAX_VALUE: usize = 1024 * 1024;

/// Characters of the last window that are looked at again with the next one.
pub(super) const OVERLAP: usize = 64;

/// Width and byte order of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    One,
    Utf16Le,
    Utf16Be,
}

impl From<Encoding> for Width {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Utf8 => Self::One,
            Encoding::Utf16Le => Self::Utf16Le,
            Encoding::Utf16Be => Self::Utf16Be,
        }
    }
}

impl Width {
    pub(super) fn bytes(self) -> usize {
        if self == Self::One { 1 } else { 2 }
    }

    /// The character that begins at a byte offset; 0xff stands for what is not ASCII.
    pub(super) fn get(self, raw: &[u8], at: usize) -> u8 {
        let octet = |i: usize| raw.get(i).copied().unwrap_or(0xff);
        let (low, high) = match self {
            Self::One => return octet(at),
            Self::Utf16Le => (octet(at), octet(at + 1)),
            Self::Utf16Be => (octet(at + 1), octet(at)),
        };
        if high == 0 && low < 0x80 { low } else { 0xff }
    }

    pub(super) fn set(self, raw: &mut [u8], at: usize, character: u8) {
        let octets: &[u8] = match self {
            Self::One => &[character],
            Self::Utf16Le => &[character, 0],
            Self::Utf16Be => &[0, character],
        };
        if let Some(place) = raw.get_mut(at..at + octets.len()) {
            place.copy_from_slice(octets);
        }
    }

    /// Offset of the first line end at or behind `from`.
    pub(super) fn line_end(self, raw: &[u8], from: usize) -> Option<usize> {
        let rest = raw.get(from..)?;
        if self == Self::One {
            return memchr2(b'\n', b'\r', rest).map(|i| from + i);
        }
        let units = rest.len() / 2;
        (0..units).map(|i| from + 2 * i).find(|at| matches!(self.get(raw, *at), b'\n' | b'\r'))
    }
}

pub(super) fn is_base64(character: u8) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, b'+' | b'/' | b'=')
}

pub(super) fn secret_of(bytes: &[u8]) -> Option<Secret> {
    match classify_value(bytes).form {
        Form::Secret(secret) => Some(secret),
        _ => None,
    }
}

/// Searches for words, each prepared once: every line of a long value is searched for all of them.
#[derive(Debug)]
pub(super) struct Words(Vec<Finder<'static>>);

impl Words {
    pub(super) fn new(words: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(words.into_iter().map(|word| Finder::new(&word).into_owned()).collect())
    }

    /// Whether one of them stands in the text.
    pub(super) fn stand_in(&self, text: &[u8]) -> bool {
        self.0.iter().any(|word| word.find(text).is_some())
    }
}

/// `PRIVATE KEY-` in text and inside base64 at its three alignments.
pub(super) fn pem_words() -> [Vec<u8>; 4] {
    const WORDS: &[u8] = b"PRIVATE KEY-";
    let aligned = |offset: usize| {
        let bytes = [&[0u8, 0][..offset], WORDS].concat();
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&bytes);
        // The characters that no neighbour has a bit in.
        let (from, to) = ((offset * 8).div_ceil(6), bytes.len() * 8 / 6);
        encoded.as_bytes()[from..to].to_vec()
    };
    [WORDS.to_vec(), aligned(0), aligned(1), aligned(2)]
}

/// Every line of a stream is searched for it, so it is prepared once.
static BEGIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"-----BEGIN "));

/// Where the private keys of a text in PEM stand: from behind the label to the END line, or to no end where the
/// text has none (RFC 7468 section 2; the label alone decides, whatever the block holds).
pub(super) fn private_key_blocks(text: &[u8]) -> Vec<(usize, Option<usize>)> {
    let (mut blocks, mut from) = (Vec::new(), 0usize);
    while let Some(found) = text.get(from..).and_then(|rest| BEGIN.find(rest)) {
        let words = from + found + 11;
        from = words;
        let rest = text.get(words..).unwrap_or_default();
        let label = rest.get(..rest.len().min(80)).unwrap_or_default();
        let Some(length) = memchr(b'-', label) else { continue };
        if memmem::find(label.get(..length).unwrap_or_default(), b"PRIVATE KEY").is_none() {
            continue;
        }
        let body = words + length;
        let end = text.get(body..).and_then(|rest| memmem::find(rest, b"-----END ")).map(|n| body + n);
        blocks.push((body, end));
        from = end.unwrap_or(text.len());
    }
    blocks
}
