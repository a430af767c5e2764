//! Reading the records of one block.
//!
//! The parser walks over logical lines. Between records it sees what stands there (blank lines, comments, trailers,
//! `version:`, lines that belong to nobody); a `dn:` starts a record, which goes on until a blank line or the next `dn:`.
//! What happens between records is in `gap.rs`, what happens inside of them in `body.rs`.

use super::Options;
use super::base64::Decoder;
use super::blocks::Block;
use super::encoding::{Format, Oddities, decode};
use super::fold::Fold;
use super::gap::Gap;
use super::limits;
use super::line;
use super::name::Memo;
use super::oversize::Large;
use super::problem::{Code, Problem, cut, excerpt};
use super::record::Record;
use super::tally::{BlockTally, Event};

/// Buffers of a parser, reused from block to block. One for each thread.
#[derive(Debug, Clone)]
pub struct Scratch {
    pub(super) decoded: Vec<u8>,
    pub(super) oddities: Oddities,
    pub(super) fold: Fold,
    pub(super) decoder: Decoder,
    pub(super) names: Memo,
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch {
            decoded: Vec::new(),
            oddities: Oddities::default(),
            fold: Fold::default(),
            decoder: Decoder::new(),
            names: Memo::default(),
        }
    }
}

impl Scratch {
    /// New buffers.
    #[must_use]
    pub fn new() -> Self {
        Scratch::default()
    }
}

/// The bytes to parse and where they stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) format: Format,
    pub(super) offset: u64,
    pub(super) line: u64,
    /// These are the first bytes of the input.
    pub(super) first: bool,
    pub(super) last: bool,
    /// Behind the last byte a record starts.
    pub(super) dn_follows: bool,
    pub(super) after_blank: bool,
    pub(super) truncated: Option<u64>,
    /// The value that the limit lies in.
    pub(super) large: Option<Large>,
    /// One record, whose end is known.
    pub(super) alone: bool,
}

impl Block {
    pub(super) fn view(&self) -> View<'_> {
        View {
            bytes: self.bytes(),
            format: self.format,
            offset: self.offset,
            line: self.line,
            first: self.index == 0,
            last: self.last,
            dn_follows: !self.last,
            after_blank: self.after_blank,
            truncated: self.truncated,
            large: self.large,
            alone: false,
        }
    }
}

/// What a parser remembers between two records.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) pos: usize,
    pub(super) line: u64,
    pub(super) after_blank: bool,
    /// A record or a `version:` line was seen (or stands in an earlier block).
    pub(super) seen: bool,
    pub(super) in_trailer: bool,
    pub(super) gap: Option<Gap>,
    reported: usize,
    omitted: u64,
    surrogates_done: usize,
    /// A place in the text whose offset in the input is known.
    known: (usize, u64),
    started: bool,
    ended: bool,
    truncation_reported: bool,
    pub(super) tally: BlockTally,
}

/// Reads the records of one block.
#[derive(Debug)]
pub struct BlockParser<'a> {
    pub(super) view: View<'a>,
    pub(super) text: &'a [u8],
    pub(super) options: &'a Options,
    pub(super) fold: &'a mut Fold,
    pub(super) decoder: &'a mut Decoder,
    pub(super) names: &'a mut Memo,
    pub(super) surrogates: &'a [usize],
    pub(super) odd_byte: bool,
    pub(super) state: State,
    ctrl_z: bool,
}

impl<'a> BlockParser<'a> {
    /// A parser for a block. `options` must be the same for all blocks of an input.
    #[must_use]
    pub fn new(block: &'a Block, options: &'a Options, scratch: &'a mut Scratch) -> Self {
        Self::of_view(block.view(), options, scratch)
    }

    pub(super) fn of_view(view: View<'a>, options: &'a Options, scratch: &'a mut Scratch) -> Self {
        if !view.format.is_plain() {
            decode(view.bytes, view.format, &mut scratch.decoded, &mut scratch.oddities);
        }
        let state =
            State { line: view.line, after_blank: view.after_blank, seen: !view.first, ..State::default() };
        Self::resume(view, options, scratch, state)
    }

    /// Goes on with a block that `scratch` holds decoded already.
    pub(super) fn resume(
        view: View<'a>,
        options: &'a Options,
        scratch: &'a mut Scratch,
        state: State,
    ) -> Self {
        let Scratch { decoded, oddities, fold, decoder, names } = scratch;
        names.hold_for(&options.wanted);
        let plain = view.format.is_plain();
        let mut text: &'a [u8] = if plain { view.bytes } else { decoded };
        let mut ctrl_z = false;
        if view.last && view.truncated.is_none() {
            while let [head @ .., 0x1A] = text {
                text = head;
                ctrl_z = true;
            }
        }
        BlockParser {
            view,
            text,
            options,
            fold,
            decoder,
            names,
            surrogates: if plain { &[] } else { &oddities.surrogates },
            odd_byte: !plain && oddities.odd_byte,
            state,
            ctrl_z,
        }
    }

    pub(super) fn into_state(self) -> State {
        self.state
    }

    /// What was seen in the block, for [`Tally::merge`](super::Tally::merge). Call it when [`BlockParser::next`] has given
    /// `false`.
    #[must_use]
    pub fn into_tally(self) -> BlockTally {
        self.state.tally
    }

    /// Reads the next record into `record`; `false` at the end of the block (then `record` is empty). Appends to
    /// `problems`, in input order, what stands before the record or in it.
    pub fn next(&mut self, record: &mut Record, problems: &mut Vec<Problem>) -> bool {
        loop {
            record.clear();
            if !self.state.started {
                self.state.started = true;
                if self.view.first && self.view.format.line_end == super::LineEnd::Cr {
                    self.report(problems, Code::CrLineEnds, 0, self.state.line, || {
                        "the lines of this file end with CR alone (expected LF or CRLF); they were read as lines".into()
                    });
                }
            }
            let found = self.seek(problems);
            self.flush(problems);
            if !found {
                self.end(problems);
                self.flush(problems);
                return false;
            }
            let taken = self.record(record, problems);
            self.flush(problems);
            if taken {
                self.state.tally.record();
                self.state.tally.ranges_of(record);
                return true;
            }
            self.state.tally.ignored();
        }
    }

    /// What is to be said about the end of the block.
    fn end(&mut self, problems: &mut Vec<Problem>) {
        if self.state.ended {
            return;
        }
        self.state.ended = true;
        let (len, line) = (self.text.len(), self.state.line);
        if self.view.truncated.is_some() && !self.state.truncation_reported {
            self.truncation(problems, 0, self.view.line, None);
        }
        if self.view.last && self.view.truncated.is_none() {
            let open_end = self.text.last().is_some_and(|b| *b != b'\n');
            // A last line that does not end was counted all the same.
            let line = if open_end { line.saturating_sub(1).max(1) } else { line };
            if self.ctrl_z {
                self.report(problems, Code::CtrlZ, len, line, || {
                    "0x1A (Ctrl-Z) at the end was skipped".into()
                });
            }
            if open_end {
                let start = memchr::memrchr(b'\n', self.text).map_or(0, |n| n + 1);
                self.report(problems, Code::NoFinalNewline, start, line, || {
                    "the last line does not end with a line end (expected one): check that the file is whole"
                        .into()
                });
            }
        }
        if self.odd_byte {
            self.report(problems, Code::OddByte, len, line, || {
                "the UTF-16 input ends in the middle of a character: one byte was not taken over; export again".into()
            });
        }
    }

    /// Reports that the block's only record is too large.
    pub(super) fn truncation(
        &mut self,
        problems: &mut Vec<Problem>,
        pos: usize,
        line: u64,
        dn: Option<&[u8]>,
    ) {
        self.state.truncation_reported = true;
        let size = self.view.bytes.len() as u64 + self.view.truncated.unwrap_or(0);
        let limit = self.view.bytes.len();
        let large = self.view.large;
        self.report_at(problems, Code::RecordTooLarge, pos, line, None, dn, || {
            let value = large.map(|large| large.to_string()).unwrap_or_default();
            format!("a record of {size} bytes is larger than the limit of {limit}; {value}the rest was skipped: export its attributes by range")
        });
    }

    pub(super) fn dn_at(&self, pos: usize) -> bool {
        if pos < self.text.len() { line::is_dn(self.text, pos) } else { self.view.dn_follows }
    }

    pub(super) fn advance(&mut self, next: usize, lines: u64) {
        self.state.pos = next;
        self.state.line += lines;
    }

    pub(super) fn event(&mut self, event: Event) {
        let (line, pos) = (self.state.line, self.state.pos);
        let offset = self.offset_of(pos);
        self.state.tally.event(event, line, offset);
    }

    /// The offset in the input of a place in the text.
    pub(super) fn offset_of(&mut self, pos: usize) -> u64 {
        if self.view.format.encoding.width() == 1 {
            return self.view.offset + pos as u64;
        }
        let (known, raw) = if pos >= self.state.known.0 { self.state.known } else { (0, 0) };
        let raw = raw + self.view.format.raw_len(self.text.get(known..pos).unwrap_or_default());
        self.state.known = (pos, raw);
        self.view.offset + raw
    }

    pub(super) fn report(
        &mut self,
        problems: &mut Vec<Problem>,
        code: Code,
        pos: usize,
        line: u64,
        message: impl FnOnce() -> String,
    ) {
        self.report_at(problems, code, pos, line, None, None, message);
    }

    #[allow(clippy::too_many_arguments)] // a place, a subject and a message
    pub(super) fn report_at(
        &mut self,
        problems: &mut Vec<Problem>,
        code: Code,
        pos: usize,
        line: u64,
        attribute: Option<&[u8]>,
        dn: Option<&[u8]>,
        message: impl FnOnce() -> String,
    ) {
        self.state.reported += 1;
        if self.state.reported > limits::PROBLEMS {
            self.state.omitted += 1;
            return;
        }
        let offset = self.offset_of(pos);
        problems.push(Problem {
            attribute: attribute.map(excerpt),
            dn: dn.map(|dn| cut(dn, limits::PROBLEM_DN)),
            ..Problem::new(code, line, offset, message())
        });
    }

    /// Ends a group of problems: says how many were not listed.
    fn flush(&mut self, problems: &mut Vec<Problem>) {
        if self.state.omitted > 0
            && let Some(last) = problems.last()
        {
            let message =
                format!("{} more problems up to line {} are not listed", self.state.omitted, self.state.line);
            let problem = Problem {
                dn: last.dn.clone(),
                ..Problem::new(Code::TooManyProblems, last.line, last.offset, message)
            };
            problems.push(problem);
        }
        self.state.reported = 0;
        self.state.omitted = 0;
    }

    pub(super) fn odd_folds(
        &mut self,
        line: &line::Line,
        attribute: Option<&[u8]>,
        dn: &[u8],
        problems: &mut Vec<Problem>,
    ) {
        let (pos, number) = (line.start, self.state.line);
        let dn = (!dn.is_empty()).then_some(dn);
        if let Some(n) = line.tab_fold {
            self.report_at(problems, Code::TabFold, pos, number + n, attribute, dn, || {
                "a continuation line starts with a TAB (expected a SPACE); the TAB was dropped".into()
            });
        }
        if let Some(n) = line.blank_fold {
            self.report_at(problems, Code::BlankFold, pos, number + n, attribute, dn, || {
                "a line of blanks continues a value (RFC 2849: all but its first blank were added); no record follows it".into()
            });
        }
        if let Some(n) = line.lost_fold {
            self.report_at(problems, Code::LostFold, pos, number + n, attribute, dn, || {
                "a line of base64 without a leading space follows a base64 value; it was read as its continuation".into()
            });
        }
        while let Some(&at) = self.surrogates.get(self.state.surrogates_done).filter(|at| **at < line.next) {
            self.state.surrogates_done += 1;
            self.report_at(problems, Code::LoneSurrogate, at.max(pos), number, attribute, dn, || {
                "half of a UTF-16 surrogate pair stands alone; it was kept as three bytes that are not UTF-8"
                    .into()
            });
        }
    }

    pub(super) fn end_record(&mut self, after_blank: bool) {
        self.state.after_blank = after_blank;
    }
}

/// Reads one record again from its raw bytes: `raw_len` bytes from `offset` of the input, as [`Record`] gives them.
/// `line` is that of the record. Gives `false` if there is no record in them.
///
/// The same options give the same record. Problems are the same too, but for those that concern the end of the input.
#[allow(clippy::too_many_arguments)] // bytes, their place, and the buffers to use
pub fn reparse(
    raw: &[u8],
    format: Format,
    offset: u64,
    line: u64,
    options: &Options,
    scratch: &mut Scratch,
    record: &mut Record,
    problems: &mut Vec<Problem>,
) -> bool {
    let view = View {
        bytes: raw,
        format,
        offset,
        line,
        first: false,
        last: false,
        dn_follows: false,
        after_blank: true,
        truncated: None,
        large: None,
        alone: true,
    };
    BlockParser::of_view(view, options, scratch).next(record, problems)
}
