//! Overwriting private keys in a stream of LDIF.
//!
//! The filter cuts the stream into logical lines (a line with its folds) and looks at each as the
//! reader will: it joins folds, reads the attribute's name, decodes base64, and asks
//! [`classify_value`]. Where the reader is lenient the filter is too: tab folds, continuation lines
//! that lost their space, comments, CR, LF or CRLF, one-byte characters or UTF-16. Replacing goes
//! character for character, so that nothing else moves.

use std::io::{self, Write};

use base64::Engine as _;
use memchr::{memchr, memmem};

use super::look::{MAX_VALUE, OVERLAP, Width, Words, is_base64, pem_words, private_key_blocks, secret_of};
use crate::certificate::container::{Secret, detect_secret, is_key_attribute};
use crate::input::pem::LENIENT;
use crate::ldif::Encoding;

/// What happens to the rest of a logical line that was too long to be looked at as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    /// It belongs to a key.
    Mask,
    /// It is searched for the words of PEM, in text and in base64.
    Search,
}

/// How a logical line's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    Base64,
    Url,
}

/// A writer that passes LDIF on with private keys overwritten. Call [`Lines::finish`] at the end.
#[derive(Debug)]
pub struct Lines<W: Write> {
    out: W,
    width: Width,
    /// What was not passed on yet: from `start` on the current logical line, up to `end` known to be
    /// part of it; from `end` on a physical line that is not whole yet.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where the search for the next line end goes on.
    scanned: usize,
    tail: Option<Tail>,
    /// The physical line at `end` was passed on in part.
    inside_line: bool,
    overlap: Vec<u8>,
    /// Inside a PEM block of a private key that began on an earlier line.
    in_pem: bool,
    withheld: u64,
    text: Vec<u8>,
    words: Words,
}

impl<W: Write> Lines<W> {
    /// A filter for a stream in this encoding.
    pub fn new(out: W, encoding: Encoding) -> Self {
        Self {
            out,
            width: encoding.into(),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            scanned: 0,
            tail: None,
            inside_line: false,
            overlap: Vec::new(),
            in_pem: false,
            withheld: 0,
            text: Vec::new(),
            words: Words::new(pem_words()),
        }
    }

    /// Passes the rest on and gives the writer back, with the number of keys overwritten.
    ///
    /// # Errors
    /// What the writer says.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.lines(true)?;
        if self.end < self.buffer.len() {
            self.physical_line(self.buffer.len())?;
        }
        self.pass_on()?;
        self.out.flush()?;
        Ok((self.out, self.withheld))
    }

    /// Takes whole physical lines out of the buffer.
    fn lines(&mut self, last: bool) -> io::Result<()> {
        let step = self.width.bytes();
        while let Some(at) = self.width.line_end(&self.buffer, self.scanned) {
            let mut next = at + step;
            if self.width.get(&self.buffer, at) == b'\r' {
                if next + step > self.buffer.len() && !last {
                    self.scanned = at;
                    return Ok(()); // a line feed may follow
                }
                if next + step <= self.buffer.len() && self.width.get(&self.buffer, next) == b'\n' {
                    next += step;
                }
            }
            self.physical_line(next)?;
            self.inside_line = false;
            self.scanned = next;
        }
        // Whole characters were searched; an odd octet at the end was not.
        self.scanned = self.end + (self.buffer.len() - self.end) / step * step;
        if self.buffer.len() - self.start > MAX_VALUE * step {
            self.long_line(step)?;
        }
        Ok(())
    }

    /// The physical line from `end` to `next` is whole: part of the logical line, or the next one.
    fn physical_line(&mut self, next: usize) -> io::Result<()> {
        if !self.inside_line && !self.continues(self.end, next) {
            self.pass_on()?;
        }
        self.end = next;
        if self.tail.is_some() {
            self.pass_tail()?;
        }
        Ok(())
    }

    /// A logical line of more than [`MAX_VALUE`]: what is there decides about the rest.
    fn long_line(&mut self, step: usize) -> io::Result<()> {
        let whole = self.end + (self.buffer.len() - self.end) / step * step;
        if !self.inside_line && !self.continues(self.end, whole) {
            self.pass_on()?;
        }
        if whole == self.end {
            // The logical line is long, the next one has not begun.
            if self.end == self.start {
                return Ok(());
            }
        } else {
            self.inside_line = true;
            self.end = whole;
        }
        if self.tail.is_some() {
            return self.pass_tail();
        }
        let mut line = self.take();
        let masked = self.look(&mut line);
        self.tail = Some(if masked { Tail::Mask } else { Tail::Search });
        self.overlap = self.text.get(self.text.len().saturating_sub(OVERLAP)..).unwrap_or_default().to_vec();
        self.out.write_all(&line)?;
        self.give_back(line);
        Ok(())
    }

    /// Whether a physical line continues the logical line before it.
    fn continues(&self, from: usize, to: usize) -> bool {
        let line = self.buffer.get(from..to).unwrap_or_default();
        let first = self.width.get(line, 0);
        if matches!(first, b' ' | b'\t') {
            return true;
        }
        if !is_base64(first) || (self.end == self.start && self.tail.is_none()) {
            return false;
        }
        // Without its space: a line of base64 behind a base64 value.
        let step = self.width.bytes();
        let mut pure = true;
        for at in (0..line.len()).step_by(step) {
            match self.width.get(line, at) {
                b'\r' | b'\n' | b' ' => {}
                c if is_base64(c) => {}
                _ => {
                    pure = false;
                    break;
                }
            }
        }
        if !pure {
            return false;
        }
        if self.tail.is_some() {
            return true;
        }
        let mut text = Vec::new();
        let logical = self.buffer.get(self.start..self.end).unwrap_or_default();
        unfold(self.width, logical.get(..logical.len().min(512)).unwrap_or_default(), &mut text);
        head(&text).is_some_and(|(_, style, _)| style == Style::Base64)
    }

    /// Looks at the logical line that is now whole, and passes it on.
    fn pass_on(&mut self) -> io::Result<()> {
        if self.tail.take().is_some() {
            self.overlap.clear();
        }
        if self.end == self.start {
            return Ok(());
        }
        let mut line = self.take();
        self.look(&mut line);
        self.out.write_all(&line)?;
        self.give_back(line);
        Ok(())
    }

    /// Passes on a part of a line whose beginning has been judged.
    fn pass_tail(&mut self) -> io::Result<()> {
        let mut part = self.take();
        if self.tail == Some(Tail::Search) {
            let mut window = std::mem::take(&mut self.overlap);
            unfold(self.width, &part, &mut window);
            if self.words.stand_in(&window) {
                self.tail = Some(Tail::Mask);
                self.withheld += 1;
            }
            self.overlap = window.get(window.len().saturating_sub(OVERLAP)..).unwrap_or_default().to_vec();
        }
        if self.tail == Some(Tail::Mask) {
            for at in (0..part.len()).step_by(self.width.bytes()) {
                if !matches!(self.width.get(&part, at), b' ' | b'\t' | b'\r' | b'\n' | b'=') {
                    self.width.set(&mut part, at, b'A');
                }
            }
        }
        self.out.write_all(&part)?;
        self.give_back(part);
        Ok(())
    }

    /// Takes the bytes from `start` to `end` out of the buffer.
    fn take(&mut self) -> Vec<u8> {
        let mut line = std::mem::take(&mut self.text);
        line.clear();
        line.extend_from_slice(self.buffer.get(self.start..self.end).unwrap_or_default());
        self.start = self.end;
        line
    }

    fn give_back(&mut self, line: Vec<u8>) {
        // `look` leaves its own text here; the larger allocation is kept.
        if line.capacity() > self.text.capacity() {
            self.text = line;
        }
    }

    /// Overwrites private keys in a whole logical line. True: its value is one from the beginning on.
    fn look(&mut self, line: &mut [u8]) -> bool {
        let mut text = Vec::with_capacity(line.len() / self.width.bytes());
        unfold(self.width, line, &mut text);
        let masked = self.look_at(line, &text);
        self.text = text;
        masked
    }

    fn look_at(&mut self, line: &mut [u8], text: &[u8]) -> bool {
        let head = head(text);
        if self.in_pem {
            let header = |name: &[u8]| matches!(name, b"Proc-Type" | b"DEK-Info");
            if head.is_some_and(|(name, _, _)| is_attribute(name) && !header(name)) {
                self.in_pem = false;
            } else {
                let end = memmem::find(text, b"-----END ");
                self.in_pem = end.is_none();
                self.blank(line, text, 0, end.unwrap_or(text.len()));
                return false;
            }
        }
        let Some((name, style, at)) = head else {
            self.pem_blocks(line, text);
            return false;
        };
        let value = text.get(at..).unwrap_or_default();
        let secret = if style != Style::Url && is_key_attribute(name) && !value.is_empty() {
            Some(Secret::Pkcs12)
        } else {
            match style {
                Style::Base64 => secret_of(&decode_beginning(value)),
                Style::Plain if value.len() >= 40 && value.iter().all(|b| is_base64(*b)) => secret_of(value),
                Style::Plain => detect_secret(value),
                Style::Url => None,
            }
        };
        match secret {
            Some(secret) => {
                self.overwrite(line, text, at, style, secret);
                true
            }
            None => {
                self.pem_blocks(line, text);
                false
            }
        }
    }

    /// Overwrites a value with the marker of its kind and filling.
    fn overwrite(&mut self, line: &mut [u8], text: &[u8], at: usize, style: Style, secret: Secret) {
        let marker = secret.marker();
        let encoded = base64::engine::general_purpose::STANDARD.encode(marker);
        let (marker, fill) = match style {
            Style::Base64 => (encoded.as_bytes(), b'A'),
            // The marker's own line end would end the value.
            Style::Plain | Style::Url => (marker.trim_ascii_end(), b'x'),
        };
        let room =
            text.get(at..).unwrap_or_default().iter().filter(|b| !matches!(b, b' ' | b'\t' | b'=')).count();
        let mut marker = if room >= marker.len() { marker.iter() } else { [].iter() };
        let places = places(self.width, line);
        for (&place, &character) in places.iter().zip(text).skip(at) {
            let padding = character == b'=' && style == Style::Base64;
            if !padding && !matches!(character, b' ' | b'\t') {
                self.width.set(line, place, marker.next().copied().unwrap_or(fill));
            }
        }
        self.withheld += 1;
    }

    /// Blanks what stands between the BEGIN and END of private keys in text.
    fn pem_blocks(&mut self, line: &mut [u8], text: &[u8]) {
        for (body, end) in private_key_blocks(text) {
            self.in_pem = end.is_none();
            self.blank(line, text, body, end.unwrap_or(text.len()));
            self.withheld += 1;
        }
    }

    /// Replaces letters and digits from one character of the text to another.
    fn blank(&self, line: &mut [u8], text: &[u8], from: usize, to: usize) {
        let places = places(self.width, line);
        for (&place, &character) in places.iter().zip(text).take(to).skip(from) {
            if is_base64(character) && character != b'=' {
                self.width.set(line, place, b'A');
            }
        }
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // What was passed on is dropped once for each block, not once for each line.
        self.buffer.drain(..self.start);
        self.end -= self.start;
        self.scanned -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
        self.lines(false)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Calls `each` with every line of a logical line, without its line end and fold.
fn unfolded(width: Width, line: &[u8], mut each: impl FnMut(usize, usize)) {
    let step = width.bytes();
    let mut at = 0usize;
    let mut first = true;
    while at < line.len() {
        let end = width.line_end(line, at).unwrap_or(line.len() / step * step);
        let fold = !first && matches!(width.get(line, at), b' ' | b'\t') && at < end;
        each(if fold { at + step } else { at }, end);
        // CR LF counts as two line ends around an empty line, which adds nothing.
        first = false;
        at = end + step;
    }
}

/// Appends the characters of a logical line, folds removed.
fn unfold(width: Width, line: &[u8], out: &mut Vec<u8>) {
    unfolded(width, line, |from, to| {
        let part = line.get(from..to).unwrap_or_default();
        if width == Width::One {
            out.extend_from_slice(part);
        } else {
            out.extend((0..part.len() / 2).map(|i| width.get(part, 2 * i)));
        }
    });
}

/// The byte offset of every character that [`unfold`] gives.
fn places(width: Width, line: &[u8]) -> Vec<usize> {
    let mut out = Vec::with_capacity(line.len() / width.bytes());
    unfolded(width, line, |from, to| out.extend((from..to).step_by(width.bytes())));
    out
}

/// Name, style of the value and where it begins. Comments are read like lines: a key that was
/// commented out is a key.
fn head(text: &[u8]) -> Option<(&[u8], Style, usize)> {
    let colon = memchr(b':', text)?;
    let name = text.get(..colon)?;
    let from = name.iter().position(u8::is_ascii_alphanumeric).unwrap_or(name.len());
    let name = name.get(from..)?.trim_ascii_end();
    let (style, at) = match text.get(colon + 1) {
        Some(b':') => (Style::Base64, colon + 2),
        Some(b'<') => (Style::Url, colon + 2),
        _ => (Style::Plain, colon + 1),
    };
    let blanks = text.get(at..).unwrap_or_default().iter().take_while(|b| **b == b' ').count();
    Some((name, style, at + blanks))
}

fn is_attribute(name: &[u8]) -> bool {
    !name.is_empty()
        && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b';' | b'='))
}

/// Decodes as much of a base64 value as can be decoded.
fn decode_beginning(value: &[u8]) -> Vec<u8> {
    if let Ok(decoded) = LENIENT.decode(value) {
        return decoded;
    }
    let mut clean: Vec<u8> = value.iter().copied().filter(|b| is_base64(*b) && *b != b'=').collect();
    clean.truncate(clean.len() / 4 * 4);
    LENIENT.decode(&clean).unwrap_or_default()
}

#[cfg(test)]
mod tests;
