//! The inside of a record: its DN and its attributes. Values are read in `value.rs`, change records in `change.rs`.

use super::Wanted;
use super::change::{Change, Section};
use super::dn;
use super::limits;
use super::line::{self, First, Joining, Kind, Parts};
use super::name::Shape;
use super::parser::BlockParser;
use super::problem::{Code, Problem, excerpt};
use super::record::{ChangeKind, DnState, Entry, Operation, Record, Stored, slice};

/// Where a logical line stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) pos: usize,
    pub(super) line: u64,
    /// Where the next line starts.
    pub(super) next: usize,
    /// The line was cut off by the record limit.
    pub(super) cut_off: bool,
}

impl BlockParser<'_> {
    /// Reads the record whose `dn:` line stands here; `false` if it was reported and ignored.
    pub(super) fn record(&mut self, record: &mut Record, problems: &mut Vec<Problem>) -> bool {
        let start = self.state.pos;
        record.line = self.state.line;
        record.offset = self.offset_of(start);
        let mut change = Change::default();
        let mut end = start;
        let mut first = true;
        loop {
            let (text, pos) = (self.text, self.state.pos);
            if pos >= text.len() {
                break;
            }
            // Nearly every line starts with a letter and is looked at only once.
            let special = match text.get(pos..) {
                Some([b'd' | b'D', b'n' | b'N' | b'\r' | b'\n', ..]) => true,
                Some([b's' | b'S' | b'v' | b'V', b'e' | b'E', ..]) => true,
                Some([byte, ..]) => !byte.is_ascii_alphabetic(),
                _ => false,
            };
            if !first && special {
                let (content_end, next) = line::physical(text, pos);
                let content = text.get(pos..content_end).unwrap_or_default();
                if line::is_empty(content) {
                    self.end_record(true);
                    break;
                }
                if self.skip_mark(content, problems) {
                    continue;
                }
                match content {
                    [b'#', ..] => {
                        self.comment(problems);
                        continue;
                    }
                    // Continuations were joined with their line. What is left: a blank line before `dn:`; the next
                    // record without a blank line; its number or version line; the trailer of a search. The search for
                    // the next record says what is to be said.
                    [b' ' | b'\t', ..] if line::blank_run(text, pos).is_some() => {
                        self.end_record(false);
                        break;
                    }
                    [b'd' | b'D', ..] if line::is_dn(text, pos) => {
                        self.end_record(false);
                        break;
                    }
                    [b'0'..=b'9', ..] if content.iter().all(u8::is_ascii_digit) && self.dn_at(next) => {
                        self.end_record(false);
                        break;
                    }
                    [b'v' | b'V', ..] if line::is_version_1(content) && self.dn_at(next) => {
                        self.end_record(false);
                        break;
                    }
                    [b's' | b'S', ..]
                        // What is a trailer depends on what follows, and of one record that is not there.
                        if !self.view.alone && line::is_trailer(text, pos, self.view.dn_follows) =>
                    {
                        self.end_record(false);
                        break;
                    }
                    _ => {}
                }
            }
            let line = First::at(text, pos);
            if !first && !change.ignored && self.quick(&line, record) {
                end = self.state.pos;
                continue;
            }
            let place = self.logical(line, record, &mut change, first, problems);
            first = false;
            if place.cut_off {
                break;
            }
            end = place.next;
        }
        record.raw_len = self.view.format.raw_len(self.text.get(start..end).unwrap_or_default());
        if self.view.truncated.is_some() && self.state.pos >= self.text.len() {
            record.cut_off_at_limit(self.view.large);
            self.truncation(problems, start, record.line, Some(record.dn()));
        }
        if change.ignored {
            return false;
        }
        self.cut_off(start, record, problems);
        if change.section != Section::None {
            self.end_section(record, &mut change, false, problems);
        }
        if record.entries.is_empty() && !change.reported && self.view.truncated.is_none() {
            self.report_at(problems, Code::NoAttributes, start, record.line, None, Some(record.dn()), || {
                "the record has no attributes (expected at least one); its DN was taken over".into()
            });
        }
        true
    }

    /// `ldifde` ends every record with an empty line. A last one without it was cut off between two lines, or in one.
    fn cut_off(&mut self, start: usize, record: &mut Record, problems: &mut Vec<Problem>) {
        let (text, end) = (self.text, self.state.pos);
        let open = at_end(&self.view) && end >= text.len() && record.kind == ChangeKind::Add;
        if !open || record.truncated && !text.ends_with(b"\n") {
            return;
        }
        let (first_end, first_next) = line::physical(text, start);
        let crlf = text.get(first_end..first_next) == Some(b"\r\n");
        let tail = text.get(end.saturating_sub(4)..).unwrap_or_default();
        if crlf && tail != b"\r\n\r\n" {
            record.cut_off();
            self.report_at(problems, Code::RecordCutOff, start, record.line, None, Some(record.dn()), || {
                "the file ends in this record, without the empty line that ldifde writes behind each: it was probably cut off there; compare its size with the original, and export again".into()
            });
        }
    }

    /// Reads the logical line of the record that begins with `first`.
    pub(super) fn logical(
        &mut self,
        first: First<'_>,
        record: &mut Record,
        change: &mut Change,
        is_dn: bool,
        problems: &mut Vec<Problem>,
    ) -> Place {
        let text = self.text;
        let mut fold = std::mem::take(self.fold);
        let joining = if is_dn { Joining::Exact } else { self.joining(&first, record) };
        let mut line = first.join(self.view.dn_follows, joining, &mut fold);
        let mut decoded = None;
        if line.guessed {
            let value = line::split(fold.text(), line.colon).map(|parts| parts.value).unwrap_or_default();
            decoded = self.decoder.strict(value, &mut record.arena, record.used);
            if decoded.is_none() {
                line = first.join(self.view.dn_follows, Joining::Exact, &mut fold);
            }
        }
        let joined =
            if line.folded { fold.text() } else { text.get(line.start..line.end).unwrap_or_default() };
        let place = Place {
            pos: line.start,
            line: self.state.line,
            next: line.next,
            cut_off: self.view.truncated.is_some() && line.next >= text.len(),
        };
        let parts = line::split(joined, line.colon);
        if line.tab_fold.or(line.lost_fold).or(line.blank_fold).is_some() || !self.surrogates.is_empty() {
            let name = parts.as_ref().ok().map(|p| p.name);
            self.odd_folds(&line, name, record.dn(), problems);
        }
        match parts {
            Ok(parts) if is_dn => self.dn(parts, place, record, problems),
            Ok(parts) => self.attribute(parts, decoded, place, record, change, problems),
            Err(_) if joined.trim_ascii_end() == b"-" => self.separator(place, record, change, problems),
            Err(_) if joined.iter().all(|b| *b == 0) => {
                self.say(problems, Code::Nul, place, None, record, || {
                    "a line of NUL bytes was skipped".into()
                });
            }
            Err(_) if place.cut_off || change.ignored => {}
            Err(code) => {
                let last = place.next >= text.len() && at_end(&self.view);
                let cut = if last { ": the file seems to be cut off here" } else { "" };
                // Without its line end it is the beginning of an attribute, of which the values are not known.
                record.truncated |= last && !text.ends_with(b"\n");
                self.say(problems, code, place, None, record, || {
                    format!(
                        "the line \"{}\" has no colon (expected attribute: value); not taken over{cut}",
                        excerpt(joined)
                    )
                });
            }
        }
        *self.fold = fold;
        self.advance(line.next, line.lines);
        place
    }

    /// Must the text of an attribute's line be joined? Not if nobody looks at what follows its name.
    fn joining(&mut self, first: &First<'_>, record: &Record) -> Joining {
        let wanted = &self.options.wanted;
        if *wanted == Wanted::All || record.kind == ChangeKind::Modify {
            return Joining::Guess;
        }
        let Some(name) = first.name() else { return Joining::Guess };
        let info = self.names.get(name);
        if info.wanted || info.changetype { Joining::Guess } else { Joining::Pass }
    }

    pub(super) fn say(
        &mut self,
        problems: &mut Vec<Problem>,
        code: Code,
        place: Place,
        attribute: Option<&[u8]>,
        record: &Record,
        message: impl FnOnce() -> String,
    ) {
        let dn = record.dn();
        self.report_at(
            problems,
            code,
            place.pos,
            place.line,
            attribute,
            Some(dn).filter(|dn| !dn.is_empty()),
            message,
        );
    }

    pub(super) fn dn(
        &mut self,
        parts: Parts<'_>,
        place: Place,
        record: &mut Record,
        problems: &mut Vec<Problem>,
    ) {
        if parts.blank_before_colon {
            self.blank_before_colon(parts, place, record, problems);
        }
        let stored = if place.cut_off {
            Stored::Unreadable(Code::RecordTooLarge)
        } else {
            match parts.kind {
                // Trimmed before it is checked: blanks around a DN are of no meaning.
                Kind::Plain => self.plain(dn::trim(parts.value), parts.name, true, place, record, problems),
                Kind::Base64 => self.base64(parts, None, true, place, record, problems),
                Kind::Url => {
                    self.say(problems, Code::UrlRefused, place, Some(parts.name), record, || {
                        format!(
                            "a DN behind a URL (\"{}\") is never read (expected dn: or dn::)",
                            excerpt(parts.value)
                        )
                    });
                    Stored::Unreadable(Code::UrlRefused)
                }
            }
        };
        let Stored::Bytes(from, to) = stored else {
            record.dn_state = DnState::Unreadable;
            self.say(problems, Code::UnreadableDn, place, None, record, || {
                "the DN of this record cannot be read: the record belongs to nobody; export it again".into()
            });
            return;
        };
        let written = slice(&record.arena, (from, to));
        let trimmed = dn::trim(written);
        let before = written.len() - written.trim_ascii_start().len();
        let range = (from + before, from + before + trimmed.len());
        let utf8 = trimmed.is_ascii() || std::str::from_utf8(trimmed).is_ok();
        record.dn = range;
        if !utf8 || !dn::is_valid(trimmed) {
            record.dn_state = DnState::Invalid;
        }
        if utf8 && record.dn_state == DnState::Invalid {
            self.say(problems, Code::BadDn, place, None, record, || {
                format!("\"{}\" is not a distinguished name (expected RFC 4514, such as cn=Ada,dc=example); taken as it is", excerpt(record.dn()))
            });
        }
    }

    pub(super) fn blank_before_colon(
        &mut self,
        parts: Parts<'_>,
        place: Place,
        record: &Record,
        problems: &mut Vec<Problem>,
    ) {
        self.say(problems, Code::BlankBeforeColon, place, Some(parts.name), record, || {
            format!(
                "blanks stand between \"{}\" and its colon (expected none); they were dropped",
                excerpt(parts.name)
            )
        });
    }

    #[allow(clippy::too_many_arguments)] // a line, its place, and what it is read into
    fn attribute(
        &mut self,
        parts: Parts<'_>,
        decoded: Option<usize>,
        place: Place,
        record: &mut Record,
        change: &mut Change,
        problems: &mut Vec<Problem>,
    ) {
        if change.ignored {
            return;
        }
        let info = *self.names.get(parts.name);
        if info.shape == Shape::Bad {
            self.say(problems, Code::BadName, place, None, record, || {
                format!(
                    "\"{}\" is not an attribute description (expected letters, digits, hyphens and ;options); the line was not taken over",
                    excerpt(parts.name)
                )
            });
            return;
        }
        if parts.blank_before_colon {
            self.blank_before_colon(parts, place, record, problems);
        }
        if info.changetype {
            self.changetype(parts, place, record, change, problems);
            return;
        }
        let mut operation = Operation::Content;
        if record.kind == ChangeKind::Modify {
            match self.modify_line(parts, place, record, change, problems) {
                Some(found) => operation = found,
                None => return,
            }
        }
        if info.shape == Shape::Odd {
            self.say(problems, Code::OddName, place, Some(parts.name), record, || {
                format!(
                    "the attribute description \"{}\" is outside RFC 4512; it was taken as it is",
                    excerpt(parts.name)
                )
            });
        }
        if let Some(range) = info.range {
            record.ranged = true;
            if range.is_none() {
                self.say(problems, Code::BadRange, place, Some(parts.name), record, || {
                    "the range option cannot be read (expected ;range=0-1499 or ;range=1500-*): the attribute is incomplete".into()
                });
            }
        }
        if record.entries.len() >= limits::VALUES {
            if !record.truncated {
                record.truncated = true;
                self.say(problems, Code::RecordTooLarge, place, Some(parts.name), record, || {
                    format!(
                        "a record has more than {} values; the rest from here on was skipped: export its attributes by range",
                        limits::VALUES
                    )
                });
            }
            return;
        }
        // What is decoded already stands where the next value would.
        let value = if place.cut_off {
            Stored::Unreadable(Code::RecordTooLarge)
        } else if !info.wanted {
            Stored::Skipped
        } else {
            match parts.kind {
                Kind::Plain => self.plain(parts.value, parts.name, info.text, place, record, problems),
                Kind::Base64 => self.base64(parts, decoded, info.text, place, record, problems),
                Kind::Url => self.url(parts, place, record, problems),
            }
        };
        let name = record.push(parts.name);
        record.entries.push(Entry { name, value, line: place.line, operation });
    }
}

/// Is this the end of the input, not cut off by the reader?
pub(super) fn at_end(view: &super::parser::View<'_>) -> bool {
    view.last && view.truncated.is_none()
}
