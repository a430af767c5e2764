//! Overwriting private keys in a stream of csvde.
//!
//! The filter follows rows, quotes and cells as the reader does ([`crate::csvde`]) and looks at each value of
//! a cell: hexadecimal is decoded, text is looked at as LDIF's plain values are. In the columns of `userPKCS12`
//! everything is a key. Replacing goes character for character; quotes, separators and line ends stay, so that
//! nothing else moves.

use std::io::{self, Write};

use memchr::memmem;

use super::look::{MAX_VALUE, OVERLAP, Width, Words, is_base64, pem_words, private_key_blocks, secret_of};
use crate::certificate::container::{Secret, detect_secret, is_key_attribute};
use crate::encoding::hex;
use crate::ldif::Encoding;

/// Columns whose names are looked at; a header has some hundred.
const MAX_COLUMNS: usize = crate::csvde::limits::COLUMNS;

/// Digits from which bare hexadecimal is looked at in any column: the shortest private keys have some 40 bytes.
const BARE_HEX: usize = 64;

/// Where in a cell the next character stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    /// At its start.
    Start,
    /// In a plain cell, or behind the quotes of one.
    Plain,
    /// Inside of quotes.
    Inside,
    /// Behind a quote that closes the cell, or is the first of two.
    Closing,
}

/// What happens to the rest of a value that was too long to be looked at as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    /// It belongs to a key.
    Mask,
    /// It is searched for the words of PEM, in text, in base64 and in hexadecimal.
    Search,
}

/// A writer that passes csvde on with private keys overwritten. Call [`Cells::finish`] at the end.
#[derive(Debug)]
pub struct Cells<W: Write> {
    out: W,
    width: Width,
    /// From `start` on the current value, up to `seen` followed; behind it what was not looked at yet.
    buffer: Vec<u8>,
    start: usize,
    seen: usize,
    quote: Quote,
    /// A backslash stands before the next character.
    escaped: bool,
    /// Columns of `userPKCS12`, by the header above.
    keys: Vec<bool>,
    column: usize,
    /// The first cell of this row is `DN`.
    in_header: bool,
    tail: Option<Tail>,
    overlap: Vec<u8>,
    /// Inside a PEM block of a private key that began in an earlier value.
    in_pem: bool,
    withheld: u64,
    words: Words,
}

impl<W: Write> Cells<W> {
    /// A filter for a stream in this encoding.
    pub fn new(out: W, encoding: Encoding) -> Self {
        let [text, encoded @ ..] = pem_words();
        let digits = hex(&text);
        let words = [digits.to_ascii_uppercase(), digits].map(String::into_bytes);
        Self {
            out,
            width: encoding.into(),
            buffer: Vec::new(),
            start: 0,
            seen: 0,
            quote: Quote::Start,
            escaped: false,
            keys: Vec::new(),
            column: 0,
            in_header: false,
            tail: None,
            overlap: Vec::new(),
            in_pem: false,
            withheld: 0,
            words: Words::new(std::iter::once(text).chain(encoded).chain(words)),
        }
    }

    /// Passes the rest on and gives the writer back, with the number of keys overwritten.
    ///
    /// # Errors
    /// What the writer says.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.seen = self.buffer.len();
        self.pass_on()?;
        self.out.flush()?;
        Ok((self.out, self.withheld))
    }

    /// Takes the character at `seen`; what it separates is passed on before it.
    fn character(&mut self, character: u8) -> io::Result<()> {
        let end = self.seen + self.width.bytes();
        let quoted = self.quote == Quote::Inside;
        let escaped = std::mem::replace(&mut self.escaped, false);
        self.quote = match (self.quote, character) {
            (Quote::Start, b'"') => Quote::Inside,
            (Quote::Inside, b'"') => Quote::Closing,
            (Quote::Closing, b'"') => Quote::Inside,
            (Quote::Inside, _) => Quote::Inside,
            _ => Quote::Plain,
        };
        match character {
            b',' if !quoted => {
                self.in_pem &= self.column > 0 || self.is_pem_header();
                self.end_cell()?;
                self.column += 1;
            }
            b'\n' | b'\r' if !quoted => {
                self.end_cell()?;
                self.column = 0;
                self.in_header = false;
            }
            // Only values are separated; names hold `;` before their options.
            b';' if !escaped && !self.in_header => self.pass_on()?,
            b'\\' => {
                self.escaped = !escaped;
                self.seen = end;
                return Ok(());
            }
            _ => {
                self.seen = end;
                return Ok(());
            }
        }
        // The separator itself, with which the buffer now begins.
        self.seen = end;
        self.out.write_all(self.buffer.get(self.start..end).unwrap_or_default())?;
        self.start = end;
        Ok(())
    }

    /// The cell ends before this character.
    fn end_cell(&mut self) -> io::Result<()> {
        self.quote = Quote::Start;
        if self.column == 0 || self.in_header {
            let text: Vec<u8> = self.characters().filter(|c| *c != b'"').collect();
            let name = text.trim_ascii();
            // A byte order mark stands before it.
            let name = name.strip_prefix(b"\xef\xbb\xbf").unwrap_or(name);
            let name = name.strip_prefix(b"\xff").unwrap_or(name);
            if self.column == 0 && name.eq_ignore_ascii_case(b"dn") {
                self.in_header = true;
                self.keys.clear();
            }
            if self.in_header && self.keys.len() < MAX_COLUMNS {
                self.keys.push(is_key_attribute(name));
            }
        }
        self.pass_on()
    }

    /// A row of cells ends a PEM block whose lines stand in no cell; its own headers have commas too.
    fn is_pem_header(&self) -> bool {
        let start: Vec<u8> = self.characters().take(10).collect();
        start.starts_with(b"Proc-Type:") || start.starts_with(b"DEK-Info:")
    }

    /// The characters of the current value.
    fn characters(&self) -> impl Iterator<Item = u8> + '_ {
        let places = (self.start..self.seen).step_by(self.width.bytes());
        places.map(|at| self.width.get(&self.buffer, at))
    }

    /// Takes the current value out of the buffer.
    fn take(&mut self) -> Vec<u8> {
        let value = self.buffer.get(self.start..self.seen).unwrap_or_default().to_vec();
        self.start = self.seen;
        value
    }

    /// The current value ends here.
    fn pass_on(&mut self) -> io::Result<()> {
        if self.tail.is_some() {
            self.pass_tail()?;
            self.tail = None;
            self.overlap.clear();
            return Ok(());
        }
        let mut value = self.take();
        if !value.is_empty() {
            self.look(&mut value);
            self.out.write_all(&value)?;
        }
        Ok(())
    }

    /// A value of more than [`MAX_VALUE`]: what is there decides about the rest.
    fn long_value(&mut self) -> io::Result<()> {
        if self.tail.is_some() {
            return self.pass_tail();
        }
        let mut value = self.take();
        let text = self.text(&value);
        self.overlap = text.get(text.len().saturating_sub(OVERLAP)..).unwrap_or_default().to_vec();
        let masked = self.look(&mut value);
        self.tail = Some(if masked { Tail::Mask } else { Tail::Search });
        self.out.write_all(&value)
    }

    /// Passes on a part of a value whose beginning has been judged.
    fn pass_tail(&mut self) -> io::Result<()> {
        let mut part = self.take();
        let text = self.text(&part);
        if self.tail == Some(Tail::Search) {
            let mut window = std::mem::take(&mut self.overlap);
            window.extend_from_slice(&text);
            if self.words.stand_in(&window) {
                self.tail = Some(Tail::Mask);
                self.withheld += 1;
            }
            self.overlap = window.get(window.len().saturating_sub(OVERLAP)..).unwrap_or_default().to_vec();
        }
        if self.tail == Some(Tail::Mask) {
            for (place, character) in self.places(&part).iter().zip(&text) {
                if is_base64(*character) && *character != b'=' {
                    self.width.set(&mut part, *place, b'0');
                }
            }
        }
        self.out.write_all(&part)
    }

    /// The characters of a value without quotes.
    fn text(&self, value: &[u8]) -> Vec<u8> {
        let all = (0..value.len()).step_by(self.width.bytes()).map(|at| self.width.get(value, at));
        all.filter(|character| *character != b'"').collect()
    }

    /// The byte offset of each of them.
    fn places(&self, value: &[u8]) -> Vec<usize> {
        let all = (0..value.len()).step_by(self.width.bytes());
        all.filter(|at| self.width.get(value, *at) != b'"').collect()
    }

    /// Overwrites private keys in a whole value. True: it is one from the beginning on.
    fn look(&mut self, value: &mut [u8]) -> bool {
        let text = self.text(value);
        if self.in_header || text.trim_ascii().is_empty() {
            return false;
        }
        if self.in_pem {
            let end = memmem::find(&text, b"-----END ");
            self.in_pem = end.is_none();
            let places = self.places(value);
            self.blank(value, &text, &places, (0, end.unwrap_or(text.len())));
            return false;
        }
        let digits = digits(&text);
        let mut secret = None;
        if let Some((from, to)) = digits {
            secret = secret_of(&decode(text.get(from..to).unwrap_or_default()));
        }
        let trimmed = text.trim_ascii();
        if secret.is_none() {
            secret = if trimmed.len() >= 40 && trimmed.iter().all(|b| is_base64(*b)) {
                secret_of(trimmed)
            } else {
                detect_secret(trimmed)
            };
        }
        if secret.is_none() && self.keys.get(self.column) == Some(&true) {
            secret = Some(Secret::Pkcs12);
        }
        match secret {
            Some(secret) => {
                self.overwrite(value, &text, digits, secret);
                true
            }
            None => {
                self.pem_blocks(value, &text);
                false
            }
        }
    }

    /// Overwrites a value with the marker of its kind and filling.
    fn overwrite(&mut self, value: &mut [u8], text: &[u8], digits: Option<(usize, usize)>, secret: Secret) {
        self.withheld += 1;
        let places = self.places(value);
        let marker = secret.marker();
        let (written, fill) = match digits {
            Some(_) => (hex(&marker).into_bytes(), b'0'),
            None => (marker.trim_ascii_end().to_vec(), b'x'),
        };
        let (from, to) = digits.unwrap_or((0, text.len()));
        let all = text.get(from..to).unwrap_or_default().iter().zip(places.get(from..to).unwrap_or_default());
        let room: Vec<usize> = all
            .filter(|(character, _)| !character.is_ascii_whitespace() && **character != b'\\')
            .map(|(_, place)| *place)
            .collect();
        let mut marker = if room.len() >= written.len() { written.iter() } else { [].iter() };
        for place in room {
            self.width.set(value, place, marker.next().copied().unwrap_or(fill));
        }
    }

    /// Blanks what stands between the BEGIN and END of private keys in text.
    fn pem_blocks(&mut self, value: &mut [u8], text: &[u8]) {
        let mut places = Vec::new();
        for (body, end) in private_key_blocks(text) {
            if places.is_empty() {
                places = self.places(value);
            }
            self.in_pem = end.is_none();
            self.blank(value, text, &places, (body, end.unwrap_or(text.len())));
            self.withheld += 1;
        }
    }

    /// Replaces letters and digits from one character of the text to another.
    fn blank(&self, value: &mut [u8], text: &[u8], places: &[usize], (from, to): (usize, usize)) {
        let all = text.iter().zip(places).take(to).skip(from);
        for (_, place) in all.filter(|(character, _)| is_base64(**character) && **character != b'=') {
            self.width.set(value, *place, b'A');
        }
    }
}

impl<W: Write> Write for Cells<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let step = self.width.bytes();
        for part in bytes.chunks(64 * 1024) {
            // What was passed on is dropped once for each part, not once for each value.
            self.buffer.drain(..self.start);
            self.seen -= self.start;
            self.start = 0;
            self.buffer.extend_from_slice(part);
            while self.seen + step <= self.buffer.len() {
                let character = self.width.get(&self.buffer, self.seen);
                self.character(character)?;
            }
            if self.seen - self.start > MAX_VALUE * step {
                self.long_value()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Where the digits of a value that is hexadecimal stand: in `X'…'`, or bare.
fn digits(text: &[u8]) -> Option<(usize, usize)> {
    let from = text.iter().position(|b| !b.is_ascii_whitespace())?;
    let rest = text.get(from..)?;
    let open = match rest {
        [b'X' | b'x', b'\'', ..] => 2,
        [b'\'', ..] => 1,
        _ => 0,
    };
    let length = rest.iter().skip(open).take_while(|b| b.is_ascii_hexdigit()).count();
    let (start, end) = (from + open, from + open + length);
    let behind = text.get(end..)?.trim_ascii();
    // Without its end, or with something wrong in it, it is a key all the same.
    let enough = if open > 0 { length > 0 } else { length >= BARE_HEX && behind.is_empty() };
    enough.then_some((start, end))
}

fn decode(digits: &[u8]) -> Vec<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).unwrap_or(0) as u8;
    digits.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[cfg(test)]
mod tests;
