//! Reading a value: plain text, base64, or what stands behind a URL.

use super::base64::Odd;
use super::body::{Place, at_end};
use super::limits;
use super::line::{First, Parts};
use super::name::Shape;
use super::parser::BlockParser;
use super::problem::{Code, Problem, excerpt};
use super::record::{ChangeKind, Entry, Operation, Record, Stored, slice};

/// Is it ASCII without NUL and CR? Most values are, and short: they are looked at in pieces of one size, of which the last
/// two overlap.
#[inline]
fn is_plain(value: &[u8]) -> bool {
    let usual = |b: &u8| b.is_ascii() & (*b != 0) & (*b != b'\r');
    if let Some(last) = value.last_chunk::<16>() {
        let mut plain = last.iter().fold(true, |all, b| all & usual(b));
        for piece in value.as_chunks::<16>().0 {
            plain &= piece.iter().fold(true, |all, b| all & usual(b));
        }
        return plain;
    }
    if let (Some(first), Some(last)) = (value.first_chunk::<8>(), value.last_chunk::<8>()) {
        return first.iter().chain(last).fold(true, |all, b| all & usual(b));
    }
    value.iter().all(usual)
}

impl BlockParser<'_> {
    /// Reads a line about which there is nothing to be said, as nearly all are; `false`, and does nothing, if it is
    /// another: then [`BlockParser::logical`] reads it. Both make the same of it.
    #[inline]
    pub(super) fn quick(&mut self, line: &First<'_>, record: &mut Record) -> bool {
        let Some((name, value)) = line.plain() else { return false };
        let info = self.names.get(name);
        let usual = info.shape == Shape::Good
            && !info.changetype
            && info.range.is_none()
            && record.kind != ChangeKind::Modify
            && record.entries.len() < limits::VALUES
            && self.surrogates.is_empty()
            && self.view.truncated.is_none();
        if !usual || info.wanted && !is_plain(value) {
            return false;
        }
        let line_number = self.state.line;
        let entry = if info.wanted {
            // Both in one go.
            let (from, to) = record.push(line.content());
            let value = Stored::Bytes(to - value.len(), to);
            Entry { name: (from, from + name.len()), value, line: line_number, operation: Operation::Content }
        } else {
            let name = record.push(name);
            Entry { name, value: Stored::Skipped, line: line_number, operation: Operation::Content }
        };
        record.entries.push(entry);
        self.advance(line.next(), 1);
        true
    }

    pub(super) fn plain(
        &mut self,
        value: &[u8],
        name: &[u8],
        text: bool,
        place: Place,
        record: &mut Record,
        problems: &mut Vec<Problem>,
    ) -> Stored {
        let plain = is_plain(value);
        if !plain && memchr::memchr2(0, b'\r', value).is_some() {
            if value.contains(&0) {
                self.say(problems, Code::Nul, place, Some(name), record, || {
                    "the value holds NUL bytes (expected base64 for them); they were kept".into()
                });
            }
            if value.contains(&b'\r') {
                self.say(problems, Code::BareCr, place, Some(name), record, || {
                    "the value holds a CR that is not part of a line end; it was kept as data".into()
                });
            }
        }
        if matches!(value.first(), Some(b':' | b'<')) {
            self.say(problems, Code::UnsafeStart, place, Some(name), record, || {
                format!("the plain value \"{}\" starts with a colon or < (expected base64); it was taken as it is", excerpt(value))
            });
        }
        let no_unicode = self.view.format.encoding.width() == 1 && self.view.format.bom == 0;
        let code_page = self.options.code_page.filter(|_| no_unicode);
        let foreign = no_unicode && (text || code_page.is_some()) && !value.is_ascii();
        if foreign {
            let offset = self.offset_of(place.pos);
            self.state.tally.text(value, code_page, (place.line, offset));
        }
        if let Some(code_page) = code_page
            && foreign
        {
            if let Some(decoded) = code_page.decode_without_bom_handling_and_without_replacement(value) {
                let (from, to) = record.push(decoded.as_bytes());
                return Stored::Bytes(from, to);
            }
            self.say(problems, Code::BadText, place, Some(name), record, || {
                format!(
                    "the value \"{}\" is not {} text; its bytes were kept",
                    excerpt(value),
                    code_page.name()
                )
            });
        } else if text && !plain {
            self.check_text(value, name, place, record, problems);
        }
        let (from, to) = record.push(value);
        Stored::Bytes(from, to)
    }

    pub(super) fn check_text(
        &mut self,
        value: &[u8],
        name: &[u8],
        place: Place,
        record: &Record,
        problems: &mut Vec<Problem>,
    ) {
        // Short ASCII is recognised faster than short UTF-8.
        if value.is_ascii() {
            return;
        }
        if let Err(error) = std::str::from_utf8(value) {
            self.say(problems, Code::BadText, place, Some(name), record, || {
                format!(
                    "\"{}\" is not UTF-8 at byte {} (its bytes were kept): if the file has a Windows code page, name it with --encoding or export again as Unicode (ldifde -u)",
                    excerpt(value),
                    error.valid_up_to()
                )
            });
        }
    }

    /// Decodes a value; `decoded`: so many bytes of it stand behind the used part of the arena already.
    #[allow(clippy::too_many_arguments)] // a value, its place, and what it is read into
    pub(super) fn base64(
        &mut self,
        parts: Parts<'_>,
        decoded: Option<usize>,
        text: bool,
        place: Place,
        record: &mut Record,
        problems: &mut Vec<Problem>,
    ) -> Stored {
        let used = record.used;
        let decoded = decoded.or_else(|| self.decoder.strict(parts.value, &mut record.arena, used));
        let written = match decoded {
            Some(written) => written,
            None => match self.decoder.lenient(parts.value, &mut record.arena, used) {
                Ok((written, odd)) => {
                    self.odd_base64(odd, parts, place, record, problems);
                    written
                }
                Err(bad) => {
                    self.say(problems, Code::BadBase64, place, Some(parts.name), record, || {
                        format!(
                            "the base64 value of {} cannot be read: {bad} (expected A-Z a-z 0-9 + / and padding); the value was not taken over: export it again",
                            excerpt(parts.name)
                        )
                    });
                    return Stored::Unreadable(Code::BadBase64);
                }
            },
        };
        let (from, to) = record.commit(written);
        if text {
            self.check_text(slice(&record.arena, (from, to)), parts.name, place, record, problems);
        }
        Stored::Bytes(from, to)
    }

    pub(super) fn odd_base64(
        &mut self,
        odd: Odd,
        parts: Parts<'_>,
        place: Place,
        record: &Record,
        problems: &mut Vec<Problem>,
    ) {
        if odd.any() {
            self.say(problems, Code::OddBase64, place, Some(parts.name), record, || {
                format!("the base64 value of {} has {}; it was read", excerpt(parts.name), odd.describe())
            });
        }
        let ends_input = odd.missing_padding
            && at_end(&self.view)
            && self.text.get(place.next..).unwrap_or_default().iter().all(u8::is_ascii_whitespace);
        if ends_input {
            self.say(problems, Code::CutOff, place, Some(parts.name), record, || {
                "the file ends in a base64 value without its padding: it was probably cut off; compare its size with the original".into()
            });
        }
    }

    pub(super) fn url(
        &mut self,
        parts: Parts<'_>,
        place: Place,
        record: &mut Record,
        problems: &mut Vec<Problem>,
    ) -> Stored {
        let left = limits::URL_RECORD.saturating_sub(record.url_bytes) as u64;
        let read = match &self.options.url_root {
            Some(root) => root.read(parts.value.trim_ascii_end(), left.min(limits::URL_FILE)),
            None => Err(super::url::UrlError::NoRoot),
        };
        match read {
            Ok(bytes) => {
                record.url_bytes += bytes.len();
                let (from, to) = record.push(&bytes);
                Stored::Bytes(from, to)
            }
            Err(error) => {
                let code = error.code();
                self.say(problems, code, place, Some(parts.name), record, || {
                    format!(
                        "the URL \"{}\" was not read: {error}; the value was not taken over",
                        excerpt(parts.value)
                    )
                });
                Stored::Unreadable(code)
            }
        }
    }
}
