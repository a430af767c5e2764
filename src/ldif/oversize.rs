//! A value that the reader's limit for a record lies in: hashed while it is skipped.
//!
//! Nobody holds such a value, but whoever looks for it must be able to say which one it is. Its length and its SHA-256
//! are those of the value as it would have been read.

use super::encoding::{Format, Oddities, decode};
use crate::encoding::{Hasher, hex};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// A value that was not held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Large {
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
}

impl std::fmt::Display for Large {
    /// The beginning of a clause in a message about its record.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the value in which the limit lies has {} bytes (SHA-256 {}); ",
            self.bytes,
            hex(&self.sha256)
        )
    }
}

/// Bytes that are looked at at a time, so that nothing here grows with what it is given. Even, for UTF-16.
const PIECE: usize = 64 * 1024;

/// Where in the logical line the next character stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Name,
    Colon,
    Blanks,
    Value,
    /// At the start of the next physical line.
    LineStart,
    Done,
}

/// How the value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Base64,
    Hex,
}

/// Hashes a value that comes in pieces of raw input.
#[derive(Debug)]
pub(crate) struct Hashing {
    format: Format,
    state: State,
    style: Style,
    text: Vec<u8>,
    /// Characters that are not a whole group yet, and the CR that may belong to a line end.
    rest: Vec<u8>,
    hasher: Hasher,
    bytes: u64,
    /// The characters are none of the style's.
    failed: bool,
}

impl Hashing {
    /// Of a logical line of LDIF, from its first byte on.
    pub(crate) fn of_line(format: Format) -> Self {
        Self::new(format, State::Name, Style::Plain)
    }

    /// Of a value of csvde, from its first character on.
    pub(crate) fn of_hex(format: Format) -> Self {
        Self::new(format, State::Value, Style::Hex)
    }

    fn new(format: Format, state: State, style: Style) -> Self {
        let (text, rest) = (Vec::new(), Vec::new());
        Hashing { format, state, style, text, rest, hasher: Hasher::default(), bytes: 0, failed: false }
    }

    /// Takes the next raw bytes: whole characters of ASCII.
    pub(crate) fn feed(&mut self, raw: &[u8]) {
        if self.state == State::Done || self.failed {
            return;
        }
        let mut text = std::mem::take(&mut self.text);
        for part in raw.chunks(PIECE) {
            let part = if self.format.is_plain() {
                part
            } else {
                decode(part, self.format, &mut text, &mut Oddities::default());
                &text
            };
            if self.style == Style::Hex {
                self.hex(part);
            } else {
                self.line(part);
            }
        }
        self.text = text;
    }

    fn line(&mut self, mut text: &[u8]) {
        while let Some((&first, behind)) = text.split_first() {
            match (self.state, first) {
                (State::Done, _) => return,
                (State::LineStart, b' ' | b'\t') => {
                    self.state = State::Value;
                    text = behind;
                }
                (State::LineStart, _) => self.state = State::Done,
                // A name that goes over a line end is not worth the trouble.
                (State::Name | State::Colon, b'\n') => self.state = State::Done,
                (State::Name, _) => {
                    if first == b':' {
                        self.state = State::Colon;
                    }
                    text = behind;
                }
                (State::Colon, b':') => {
                    (self.style, self.state) = (Style::Base64, State::Blanks);
                    text = behind;
                }
                (State::Colon, b'<') => self.state = State::Done,
                (State::Colon, _) => self.state = State::Blanks,
                (State::Blanks, b' ') => text = behind,
                (State::Blanks, _) => self.state = State::Value,
                (State::Value, _) => {
                    let end = memchr::memchr(b'\n', text);
                    let (part, behind) = text.split_at(end.unwrap_or(text.len()));
                    self.value(part);
                    if end.is_some() {
                        // What was a CR before it is part of the line end.
                        if self.style == Style::Plain {
                            self.rest.clear();
                        }
                        self.state = State::LineStart;
                    }
                    text = behind.get(1..).unwrap_or_default();
                }
            }
        }
    }

    fn value(&mut self, part: &[u8]) {
        if part.is_empty() {
            return;
        }
        if self.style == Style::Plain {
            let held = std::mem::take(&mut self.rest);
            let (body, cr) = match part {
                [body @ .., b'\r'] => (body, true),
                _ => (part, false),
            };
            for bytes in [&held[..], body] {
                self.take(bytes);
            }
            if cr {
                self.rest.push(b'\r');
            }
            return;
        }
        let part = part.trim_ascii();
        if memchr::memchr2(b' ', b'\t', part).is_some() {
            self.rest.extend(part.iter().filter(|b| !b.is_ascii_whitespace()));
        } else {
            self.rest.extend_from_slice(part);
        }
        let whole = self.rest.len() / 4 * 4;
        // The last group may be padded, and is decoded at the end.
        self.groups(whole.saturating_sub(4));
    }

    /// Decodes that many characters.
    fn groups(&mut self, count: usize) {
        const LENIENT: GeneralPurpose = GeneralPurpose::new(
            &STANDARD,
            GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent)
                .with_decode_allow_trailing_bits(true),
        );
        let rest = self.rest.split_off(count.min(self.rest.len()));
        let groups = std::mem::replace(&mut self.rest, rest);
        match LENIENT.decode(&groups) {
            Ok(bytes) => self.take(&bytes),
            Err(_) => self.failed = true,
        }
    }

    fn hex(&mut self, text: &[u8]) {
        let mut text = text;
        if self.bytes == 0 && self.rest.is_empty() {
            text = text.trim_ascii_start();
            text = text.strip_prefix(b"X").or(text.strip_prefix(b"x")).unwrap_or(text);
            text = text.strip_prefix(b"'").unwrap_or(text);
        }
        let digits = text.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        if digits < text.len() {
            self.state = State::Done;
        }
        self.rest.extend_from_slice(text.get(..digits).unwrap_or_default());
        let odd = self.rest.split_off(self.rest.len() / 2 * 2);
        let pairs = std::mem::replace(&mut self.rest, odd);
        let value = |b: u8| char::from(b).to_digit(16).unwrap_or_default() as u8;
        let bytes: Vec<u8> =
            pairs.as_chunks::<2>().0.iter().map(|[high, low]| value(*high) << 4 | value(*low)).collect();
        self.take(&bytes);
    }

    fn take(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// What was hashed, if it was a value.
    pub(crate) fn finish(mut self) -> Option<Large> {
        match self.style {
            Style::Base64 => self.groups(usize::MAX),
            Style::Plain => {
                let rest = std::mem::take(&mut self.rest);
                self.take(&rest);
            }
            Style::Hex => self.failed |= !self.rest.is_empty(),
        }
        let known = !self.failed && self.bytes > 0;
        known.then(|| Large { bytes: self.bytes, sha256: self.hasher.finish() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::encoding::{base64, sha256};
    use crate::ldif::Encoding;

    /// The same however it is cut.
    fn hashed(hashing: fn(Format) -> Hashing, text: &str) -> Option<Large> {
        let mut found = Vec::new();
        for encoding in [Encoding::Utf8, Encoding::Utf16Le] {
            let format = Format { encoding, ..Format::default() };
            let raw: Vec<u8> = match encoding {
                Encoding::Utf8 => text.as_bytes().to_vec(),
                _ => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            };
            for step in [2, 6, 100, 100_000] {
                let mut hashing = hashing(format);
                raw.chunks(step).for_each(|part| hashing.feed(part));
                found.push(hashing.finish());
            }
        }
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{found:?}");
        found[0]
    }

    fn large(bytes: &[u8]) -> Option<Large> {
        Some(Large { bytes: bytes.len() as u64, sha256: sha256(bytes) })
    }

    #[test]
    fn base64_with_folds_and_without() {
        for length in [300, 301, 302] {
            let value: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let encoded = base64(&value);
            let lines: Vec<&str> =
                encoded.as_bytes().chunks(76).map(|c| std::str::from_utf8(c).unwrap()).collect();
            for end in ["\n", "\r\n"] {
                let folded = lines.join(&format!("{end} "));
                for text in [
                    format!("userCertificate:: {encoded}{end}mail: x{end}"),
                    format!("userCertificate:: {folded}{end}mail: x{end}"),
                    format!("userCertificate;binary::{end} {folded}{end}{end}dn: b{end}"),
                    format!("userCertificate:: {}", encoded.trim_end_matches('=')),
                ] {
                    assert_eq!(hashed(Hashing::of_line, &text), large(&value), "{text:?}");
                }
            }
        }
        assert_eq!(hashed(Hashing::of_line, "userCertificate:: ab*d\nx: y\n"), None);
    }

    #[test]
    fn plain_text_and_hexadecimal() {
        assert_eq!(
            hashed(Hashing::of_line, "info: some text\r\n  more\r\nmail: x\r\n"),
            large(b"some text more")
        );
        assert_eq!(hashed(Hashing::of_line, "info:< file:x\n"), None);
        assert_eq!(hashed(Hashing::of_line, "no value\nx: y"), None);
        let digits = hex(b"some value");
        for text in
            [format!("X'{digits}';X'00'"), format!("{digits},x"), format!("x'{}'", digits.to_uppercase())]
        {
            assert_eq!(hashed(Hashing::of_hex, &text), large(b"some value"), "{text}");
        }
        assert_eq!(hashed(Hashing::of_hex, "X'012"), None);
    }
}
