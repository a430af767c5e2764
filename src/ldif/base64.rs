//! base64 as exports have it: strict and fast first, then lenient with a reason.
//!
//! Accepted with a warning: missing or excess padding, blanks, trailing bits that are not zero. Everything else makes the
//! value bad, because the bytes that it stands for would be a guess.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig, Simd};

/// Decodes values into a buffer that is reused.
#[derive(Debug, Clone)]
pub(super) struct Decoder {
    strict: Simd,
    lenient: Simd,
    cleaned: Vec<u8>,
}

/// What was unusual about a value that could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Odd {
    pub(super) blanks: bool,
    pub(super) missing_padding: bool,
    pub(super) excess_padding: bool,
    pub(super) trailing_bits: bool,
}

impl Odd {
    pub(super) fn any(self) -> bool {
        self != Odd::default()
    }

    /// What was found, for a message.
    pub(super) fn describe(self) -> String {
        let parts = [
            (self.blanks, "blanks"),
            (self.missing_padding, "missing padding"),
            (self.excess_padding, "excess padding"),
            (self.trailing_bits, "trailing bits that are not zero"),
        ];
        let found: Vec<&str> = parts.iter().filter(|(is, _)| *is).map(|(_, text)| *text).collect();
        found.join(", ")
    }
}

/// Why a value cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Bad {
    #[error("the character {} at position {at} is not in the base64 alphabet", show(*byte))]
    Character { byte: u8, at: usize },
    #[error("data follows the padding at position {at}")]
    DataBehindPadding { at: usize },
    #[error("it holds only padding")]
    OnlyPadding,
    #[error("{0} base64 characters are left over: one more than a multiple of four")]
    Length(usize),
}

fn show(byte: u8) -> String {
    if byte.is_ascii_graphic() { format!("'{}'", char::from(byte)) } else { format!("0x{byte:02X}") }
}

impl Decoder {
    pub(super) fn new() -> Self {
        let config = GeneralPurposeConfig::new();
        Decoder {
            strict: Simd::standard(config.with_decode_padding_mode(DecodePaddingMode::RequireCanonical)),
            lenient: Simd::standard(
                config
                    .with_decode_padding_mode(DecodePaddingMode::RequireNone)
                    .with_decode_allow_trailing_bits(true),
            ),
            cleaned: Vec::new(),
        }
    }

    /// Decodes canonical base64 behind the first `used` bytes of `out` and gives the number of bytes written; `None` if
    /// anything at all is unusual. `out` grows as needed; its other bytes are left alone.
    #[inline]
    pub(super) fn strict(&self, input: &[u8], out: &mut Vec<u8>, used: usize) -> Option<usize> {
        let space = room(out, used, input.len());
        self.strict.decode_slice(input, space).ok()
    }

    /// Decodes unusual base64, as [`Decoder::strict`] does the canonical.
    pub(super) fn lenient(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        used: usize,
    ) -> Result<(usize, Odd), Bad> {
        let mut odd = Odd::default();
        let mut padding = 0;
        let cleaned = &mut self.cleaned;
        cleaned.clear();
        for (at, &byte) in input.iter().enumerate() {
            match byte {
                b' ' | b'\t' => odd.blanks = true,
                b'=' => padding += 1,
                _ if !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')) => {
                    return Err(Bad::Character { byte, at });
                }
                _ if padding > 0 => return Err(Bad::DataBehindPadding { at }),
                _ => cleaned.push(byte),
            }
        }
        if cleaned.is_empty() && padding > 0 {
            return Err(Bad::OnlyPadding);
        }
        let expected = match cleaned.len() % 4 {
            0 => 0,
            1 => return Err(Bad::Length(cleaned.len())),
            left => 4 - left,
        };
        odd.missing_padding = padding < expected;
        odd.excess_padding = padding > expected;
        let mask = match expected {
            1 => 0b11,
            2 => 0b1111,
            _ => 0,
        };
        odd.trailing_bits = cleaned.last().is_some_and(|&last| value(last) & mask != 0);
        let space = room(out, used, cleaned.len());
        match self.lenient.decode_slice(cleaned.as_slice(), space) {
            Ok(written) => Ok((written, odd)),
            // Cannot happen: alphabet, padding and length were checked above. Still no reason to end a run.
            Err(_) => Err(Bad::Length(cleaned.len())),
        }
    }
}

/// Room for what `len` base64 characters decode to.
fn room(out: &mut Vec<u8>, used: usize, len: usize) -> &mut [u8] {
    let need = used + base64::decoded_len_estimate(len);
    super::buffer::grow(out, need);
    out.get_mut(used..).unwrap_or_default()
}

fn value(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn decode(input: &str) -> Result<(Vec<u8>, String), Bad> {
        let mut decoder = Decoder::new();
        let mut out = vec![7];
        let (written, odd) = match decoder.strict(input.as_bytes(), &mut out, 1) {
            Some(written) => (written, Odd::default()),
            None => decoder.lenient(input.as_bytes(), &mut out, 1)?,
        };
        assert_eq!(out[0], 7);
        Ok((out[1..=written].to_vec(), odd.describe()))
    }

    #[test]
    fn accepted_with_a_reason() {
        for (input, output, odd) in [
            ("eA==", "x", ""),
            ("", "", ""),
            ("eA", "x", "missing padding"),
            ("eA=", "x", "missing padding"),
            ("eHh", "xx", "missing padding, trailing bits that are not zero"),
            ("eHg", "xx", "missing padding"),
            ("eA====", "x", "excess padding"),
            ("eHh4=", "xxx", "excess padding"),
            ("eH h4", "xxx", "blanks"),
            ("eA== ", "x", "blanks"),
            ("eA= =", "x", "blanks"),
            ("\teA==", "x", "blanks"),
            ("eB==", "x", "trailing bits that are not zero"),
        ] {
            let (bytes, found) = decode(input).unwrap();
            assert_eq!((bytes.as_slice(), found.as_str()), (output.as_bytes(), odd), "{input}");
        }
    }

    #[test]
    fn bad_with_a_reason() {
        for (input, bad) in [
            ("e*==", Bad::Character { byte: b'*', at: 1 }),
            ("e_==", Bad::Character { byte: b'_', at: 1 }),
            ("eA\r==", Bad::Character { byte: b'\r', at: 2 }),
            ("eA==eA==", Bad::DataBehindPadding { at: 4 }),
            ("=", Bad::OnlyPadding),
            ("====", Bad::OnlyPadding),
            ("eHh4e", Bad::Length(5)),
            ("e===", Bad::Length(1)),
        ] {
            assert_eq!(decode(input), Err(bad), "{input}");
            assert!(!bad.to_string().is_empty());
        }
    }
}
