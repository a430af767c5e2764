//! The inside of a record: its DN, its attributes, and what a change record says.

use super::base64::Odd;
use super::change::{self, Changetype, ModifyLine, Section};
use super::dn;
use super::limits;
use super::line::{self, Kind, Parts};
use super::name::Shape;
use super::parser::BlockParser;
use super::problem::{Code, Problem, excerpt};
use super::record::{ChangeKind, DnState, Entry, Operation, Record, Stored, slice};

/// What the record turned out to be.
#[derive(Debug, Default)]
struct Change {
    /// A `changetype:` was read.
    known: bool,
    /// The record deletes or renames, or its changetype is unknown: its lines are not taken.
    ignored: bool,
    section: Section,
}

/// Where a logical line stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    pos: usize,
    line: u64,
    /// Where the next line starts.
    next: usize,
    /// The line was cut off by the record limit.
    cut_off: bool,
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
            let special = |b: &u8| !b.is_ascii_alphabetic() || matches!(b, b'd' | b'D');
            if !first && text.get(pos).is_some_and(special) {
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
                    // record without a blank line; its number. The search for the next record says what is to be said.
                    [b' ' | b'\t', ..] if line::blank_run(text, pos).is_some() => {
                        self.end_record(false);
                        break;
                    }
                    [b'd' | b'D', ..] if line::is_dn(text, pos) => {
                        self.end_record(false);
                        break;
                    }
                    [b'0'..=b'9', ..]
                        if content.iter().all(u8::is_ascii_digit) && self.dn_at(next) =>
                    {
                        self.end_record(false);
                        break;
                    }
                    _ => {}
                }
            }
            let place = self.logical(record, &mut change, first, problems);
            first = false;
            if place.cut_off {
                break;
            }
            end = place.next;
        }
        record.raw_len = self
            .view
            .format
            .raw_len(self.text.get(start..end).unwrap_or_default());
        if self.view.truncated.is_some() && self.state.pos >= self.text.len() {
            record.truncated = true;
            self.truncation(problems, start, record.line, Some(record.dn()));
        }
        if change.ignored {
            return false;
        }
        if change.section != Section::None {
            self.end_section(record, &mut change.section, false, problems);
        }
        if record.entries.is_empty() && record.kind != ChangeKind::Modify && !record.truncated {
            self.report_at(
                problems,
                Code::NoAttributes,
                start,
                record.line,
                None,
                Some(record.dn()),
                || {
                    "the record has no attributes (expected at least one); its DN was taken over"
                        .into()
                },
            );
        }
        true
    }

    /// Reads a logical line of the record.
    fn logical(
        &mut self,
        record: &mut Record,
        change: &mut Change,
        is_dn: bool,
        problems: &mut Vec<Problem>,
    ) -> Place {
        let text = self.text;
        let mut fold = std::mem::take(self.fold);
        let line = line::join(text, self.state.pos, self.view.dn_follows, &mut fold);
        let joined = if line.folded {
            fold.as_slice()
        } else {
            text.get(line.start..line.end).unwrap_or_default()
        };
        let place = Place {
            pos: line.start,
            line: self.state.line,
            next: line.next,
            cut_off: self.view.truncated.is_some() && line.next >= text.len(),
        };
        let parts = line::split(joined, line.colon);
        if line.tab_fold.is_some() || line.lost_fold.is_some() || !self.surrogates.is_empty() {
            let name = parts.as_ref().ok().map(|p| p.name);
            self.odd_folds(&line, name, record.dn(), problems);
        }
        match parts {
            Ok(parts) if is_dn => self.dn(parts, place, record, problems),
            Ok(parts) => self.attribute(parts, place, record, change, problems),
            Err(_) if joined.trim_ascii_end() == b"-" => {
                self.separator(place, record, change, problems)
            }
            Err(_) if joined.iter().all(|b| *b == 0) => {
                self.say(problems, Code::Nul, place, None, record, || {
                    "a line of NUL bytes was skipped".into()
                });
            }
            Err(_) if place.cut_off || change.ignored => {}
            Err(code) => {
                let cut = if place.next >= text.len() && at_end(&self.view) {
                    ": the file seems to be cut off here"
                } else {
                    ""
                };
                self.say(problems, code, place, None, record, || {
                    format!("the line \"{}\" has no colon (expected attribute: value); not taken over{cut}", excerpt(joined))
                });
            }
        }
        *self.fold = fold;
        self.advance(line.next, line.lines);
        place
    }

    fn say(
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

    fn dn(
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
                Kind::Plain => self.plain(
                    dn::trim(parts.value),
                    parts.name,
                    true,
                    place,
                    record,
                    problems,
                ),
                Kind::Base64 => self.base64(parts, true, place, record, problems),
                Kind::Url => {
                    self.say(
                        problems,
                        Code::UrlRefused,
                        place,
                        Some(parts.name),
                        record,
                        || {
                            format!(
                                "a DN behind a URL (\"{}\") is never read (expected dn: or dn::)",
                                excerpt(parts.value)
                            )
                        },
                    );
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

    fn blank_before_colon(
        &mut self,
        parts: Parts<'_>,
        place: Place,
        record: &Record,
        problems: &mut Vec<Problem>,
    ) {
        self.say(
            problems,
            Code::BlankBeforeColon,
            place,
            Some(parts.name),
            record,
            || {
                format!(
                    "blanks stand between \"{}\" and its colon (expected none); they were dropped",
                    excerpt(parts.name)
                )
            },
        );
    }

    fn attribute(
        &mut self,
        parts: Parts<'_>,
        place: Place,
        record: &mut Record,
        change: &mut Change,
        problems: &mut Vec<Problem>,
    ) {
        if change.ignored {
            return;
        }
        let wanted = &self.options.wanted;
        let info = self.names.get(parts.name, |base| wanted.takes(base));
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
                format!("the attribute description \"{}\" is outside RFC 4512; it was taken as it is", excerpt(parts.name))
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
        let name = record.push(parts.name);
        let value = if place.cut_off {
            Stored::Unreadable(Code::RecordTooLarge)
        } else if !info.wanted {
            Stored::Skipped
        } else {
            match parts.kind {
                Kind::Plain => {
                    self.plain(parts.value, parts.name, info.text, place, record, problems)
                }
                Kind::Base64 => self.base64(parts, info.text, place, record, problems),
                Kind::Url => self.url(parts, place, record, problems),
            }
        };
        record.entries.push(Entry {
            name,
            value,
            line: place.line,
            operation,
        });
    }

    fn plain(
        &mut self,
        value: &[u8],
        name: &[u8],
        text: bool,
        place: Place,
        record: &mut Record,
        problems: &mut Vec<Problem>,
    ) -> Stored {
        if memchr::memchr2(0, b'\r', value).is_some() {
            if value.contains(&0) {
                self.say(problems, Code::Nul, place, Some(name), record, || {
                    "the value holds NUL bytes (expected base64 for them); they were kept".into()
                });
            }
            if value.contains(&b'\r') {
                self.say(problems, Code::BareCr, place, Some(name), record, || {
                    "the value holds a CR that is not part of a line end; it was kept as data"
                        .into()
                });
            }
        }
        if matches!(value.first(), Some(b':' | b'<')) {
            self.say(problems, Code::UnsafeStart, place, Some(name), record, || {
                format!("the plain value \"{}\" starts with a colon or < (expected base64); it was taken as it is", excerpt(value))
            });
        }
        let code_page = self
            .options
            .code_page
            .filter(|_| self.view.format.encoding.width() == 1 && self.view.format.bom == 0);
        if let Some(code_page) = code_page
            && !value.is_ascii()
        {
            if let Some(decoded) =
                code_page.decode_without_bom_handling_and_without_replacement(value)
            {
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
        } else if text {
            self.check_text(value, name, place, record, problems);
        }
        let (from, to) = record.push(value);
        Stored::Bytes(from, to)
    }

    fn check_text(
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
                    "\"{}\" is not UTF-8 at byte {} (its bytes were kept): if the file has a Windows code page, name it, such as --encoding windows-1252",
                    excerpt(value),
                    error.valid_up_to()
                )
            });
        }
    }

    fn base64(
        &mut self,
        parts: Parts<'_>,
        text: bool,
        place: Place,
        record: &mut Record,
        problems: &mut Vec<Problem>,
    ) -> Stored {
        let used = record.used;
        let written = match self.decoder.strict(parts.value, &mut record.arena, used) {
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
        if text && !slice(&record.arena, (from, to)).is_ascii() {
            let value = slice(&record.arena, (from, to)).to_vec();
            self.check_text(&value, parts.name, place, record, problems);
        }
        Stored::Bytes(from, to)
    }

    fn odd_base64(
        &mut self,
        odd: Odd,
        parts: Parts<'_>,
        place: Place,
        record: &Record,
        problems: &mut Vec<Problem>,
    ) {
        if odd.any() {
            self.say(
                problems,
                Code::OddBase64,
                place,
                Some(parts.name),
                record,
                || {
                    format!(
                        "the base64 value of {} has {}; it was read",
                        excerpt(parts.name),
                        odd.describe()
                    )
                },
            );
        }
        let ends_input = odd.missing_padding
            && at_end(&self.view)
            && self
                .text
                .get(place.next..)
                .unwrap_or_default()
                .iter()
                .all(u8::is_ascii_whitespace);
        if ends_input {
            self.say(problems, Code::CutOff, place, Some(parts.name), record, || {
                "the file ends in a base64 value without its padding: it was probably cut off; compare its size with the original".into()
            });
        }
    }

    fn url(
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

    fn changetype(
        &mut self,
        parts: Parts<'_>,
        place: Place,
        record: &mut Record,
        change: &mut Change,
        problems: &mut Vec<Problem>,
    ) {
        let found = match parts.kind {
            _ if change.known => Changetype::Unknown,
            Kind::Plain => change::changetype(parts.value),
            Kind::Base64 => {
                let used = record.used;
                match self.decoder.strict(parts.value, &mut record.arena, used) {
                    Some(n) => change::changetype(slice(&record.arena, (used, used + n))),
                    None => Changetype::Unknown,
                }
            }
            Kind::Url => Changetype::Unknown,
        };
        let is_control =
            |entry: &Entry| slice(&record.arena, entry.name).eq_ignore_ascii_case(b"control");
        let late = !record.entries.iter().all(is_control);
        let bad = |expected: &str| {
            format!(
                "changetype \"{}\" was not taken over (expected {expected})",
                excerpt(parts.value)
            )
        };
        if change.known {
            self.say(problems, Code::BadChangetype, place, None, record, || {
                bad("one changetype in a record")
            });
            return;
        }
        if late && found != Changetype::Take(ChangeKind::Add) {
            self.say(problems, Code::BadChangetype, place, None, record, || {
                bad("changetype directly behind the DN")
            });
            return;
        }
        if late {
            self.say(problems, Code::LateChangetype, place, None, record, || {
                "changetype: add stands behind attributes (expected directly behind the DN); it was applied".into()
            });
        } else if !record.entries.is_empty() {
            record.entries.clear();
            self.say(problems, Code::ControlIgnored, place, None, record, || {
                "the controls of this change record are not applied".into()
            });
        }
        change.known = true;
        match found {
            Changetype::Take(kind) => record.kind = kind,
            Changetype::Ignore(kind) => {
                change.ignored = true;
                self.say(problems, Code::ChangeIgnored, place, None, record, || {
                    format!("a record that changes the entry by {kind} is not taken over (only add and modify are); export the entries as they are now")
                });
            }
            Changetype::Unknown => {
                change.ignored = true;
                self.say(problems, Code::BadChangetype, place, None, record, || {
                    bad("add or modify")
                });
            }
        }
    }

    /// A line of a `modify`: the operation if it is a value to be taken.
    fn modify_line(
        &mut self,
        parts: Parts<'_>,
        place: Place,
        record: &Record,
        change: &mut Change,
        problems: &mut Vec<Problem>,
    ) -> Option<Operation> {
        let ended = change.section == Section::None;
        match change.section.classify(parts.name) {
            ModifyLine::Start(operation) => {
                if !ended {
                    self.end_section(record, &mut change.section, false, problems);
                }
                change.section = Section::Take {
                    operation,
                    attribute: parts.value.trim_ascii().to_vec(),
                    values: 0,
                };
                None
            }
            ModifyLine::StartIgnored(keyword) => {
                if !ended {
                    self.end_section(record, &mut change.section, false, problems);
                }
                change.section = Section::Ignore;
                self.say(problems, Code::ModifyPartIgnored, place, None, record, || {
                    format!("{keyword}: {} of a modify is not taken over (only add and replace are); export the entry as it is now", excerpt(parts.value))
                });
                None
            }
            ModifyLine::Value(operation, other) => {
                if other {
                    self.say(problems, Code::ModifyOtherName, place, Some(parts.name), record, || {
                        "this line names another attribute than the add: or replace: before it; it was taken over".into()
                    });
                }
                if let Section::Take { values, .. } = &mut change.section {
                    *values += 1;
                }
                Some(operation)
            }
            ModifyLine::Ignored => None,
            ModifyLine::Outside => {
                self.say(problems, Code::ModifyNoOperation, place, Some(parts.name), record, || {
                    "this line of a modify stands in no part (expected add: or replace: first); not taken over".into()
                });
                None
            }
        }
    }

    /// A line `-`.
    fn separator(
        &mut self,
        place: Place,
        record: &Record,
        change: &mut Change,
        problems: &mut Vec<Problem>,
    ) {
        if change.ignored {
            return;
        }
        if change.section == Section::None {
            self.say(problems, Code::StraySeparator, place, None, record, || {
                "a line - ends nothing (expected only behind a part of a modify); it was skipped"
                    .into()
            });
        } else {
            self.end_section(record, &mut change.section, true, problems);
        }
    }

    /// Ends a part of a `modify`, with its `-` or without.
    fn end_section(
        &mut self,
        record: &Record,
        section: &mut Section,
        separated: bool,
        problems: &mut Vec<Problem>,
    ) {
        let place = Place {
            pos: self.state.pos,
            line: self.state.line,
            next: self.state.pos,
            cut_off: false,
        };
        if !separated {
            self.say(
                problems,
                Code::MissingSeparator,
                place,
                None,
                record,
                || "a part of a modify does not end with a line - (expected one)".into(),
            );
        }
        if let Section::Take {
            operation: Operation::Replace,
            attribute,
            values: 0,
        } = section
        {
            self.say(problems, Code::ModifyPartIgnored, place, None, record, || {
                format!("replace: {} without values removes the attribute; not taken over: export the entry as it is now", excerpt(attribute))
            });
        }
        *section = Section::None;
    }
}

/// Is this the end of the input, not cut off by the reader?
fn at_end(view: &super::parser::View<'_>) -> bool {
    view.last && view.truncated.is_none()
}
