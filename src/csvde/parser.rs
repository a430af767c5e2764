//! Reading the rows of one block.

use super::blocks::{Announced, Block, Tail};
use super::cut::{Scan, Scanner};
use super::header::{Column, Header};
use super::limits;
use super::row::Cells;
use super::values::{hex, quoted, split_binary, split_text, unescaped};
use crate::ldif::encoding::{Oddities, decode};
use crate::ldif::limits::{PROBLEM_DN, PROBLEMS, VALUES};
use crate::ldif::problem::{cut, excerpt};
use crate::ldif::{BlockTally, Code, DnState, Format, Large, Options, Problem, Record, Value, dn, name};
use std::borrow::Cow;
use std::sync::Arc;

/// Characters that a spreadsheet lets a cell have (Microsoft, "Excel specifications and limits"): a value that ends there
/// was cut by one.
const SPREADSHEET_CELL: usize = 32_767;

/// Buffers of a parser, reused from block to block. One for each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    decoded: Vec<u8>,
    oddities: Oddities,
    /// Taken out while a row is read.
    cells: Option<Cells>,
    uses: Vec<Use>,
    value: Vec<u8>,
}

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Always binary: hexadecimal.
    Binary,
    /// A GUID: hexadecimal, or its text form as other tools print it.
    Guid,
    /// Text in every directory: its encoding is checked.
    Text,
    /// Text or `X'…'`.
    Either,
}

/// How a column is read.
#[derive(Debug, Clone, Copy)]
struct Use {
    kind: Kind,
    wanted: bool,
    ranged: bool,
}

impl Use {
    fn of(column: &Column, options: &Options) -> Self {
        let base = name::base(&column.name);
        let is = |names: &[&str]| names.iter().any(|known| name::same(base, known.as_bytes()));
        let kind = if is(&["userCertificate", "userSMIMECertificate", "userPKCS12"]) {
            Kind::Binary
        } else if is(&["objectGUID", "mS-DS-ConsistencyGuid"]) {
            Kind::Guid
        } else if name::is_text(base) {
            Kind::Text
        } else {
            Kind::Either
        };
        Use { kind, wanted: options.wanted.takes(base), ranged: name::range(&column.name).is_some() }
    }
}

/// What a parser remembers between two rows.
#[derive(Debug, Default)]
pub(super) struct State {
    pos: usize,
    line: u64,
    row: u64,
    /// A place in the text whose offset in the input is known.
    known: (usize, u64),
    started: bool,
    ended: bool,
    reported: usize,
    omitted: u64,
    tally: BlockTally,
}

/// Reads the rows of one block.
#[derive(Debug)]
pub struct RowParser<'a> {
    header: &'a Header,
    format: Format,
    announced: Option<Announced>,
    tail: Tail,
    truncated: Option<u64>,
    large: Option<Large>,
    offset: u64,
    text: &'a [u8],
    odd_byte: bool,
    options: &'a Options,
    cells: &'a mut Option<Cells>,
    uses: &'a mut Vec<Use>,
    value: &'a mut Vec<u8>,
    state: State,
}

impl<'a> RowParser<'a> {
    /// A parser for a block. `options` must be the same for all blocks of an input.
    #[must_use]
    pub fn new(block: &'a Block, options: &'a Options, scratch: &'a mut Scratch) -> Self {
        if block.format.encoding.width() > 1 {
            decode(block.bytes(), block.format, &mut scratch.decoded, &mut scratch.oddities);
        }
        scratch.uses.clear();
        scratch.uses.extend(block.header.columns.iter().map(|column| Use::of(column, options)));
        let state = State { line: block.line, row: block.row, ..State::default() };
        Self::resume(block, options, scratch, state)
    }

    /// Goes on with a block that `scratch` holds decoded already.
    pub(super) fn resume(
        block: &'a Block,
        options: &'a Options,
        scratch: &'a mut Scratch,
        state: State,
    ) -> Self {
        let Scratch { decoded, oddities, cells, uses, value } = scratch;
        let plain = block.format.encoding.width() == 1;
        RowParser {
            header: &block.header,
            format: block.format,
            announced: block.announced,
            tail: block.tail,
            truncated: block.truncated,
            large: block.large,
            offset: block.offset,
            text: if plain { block.bytes() } else { decoded },
            odd_byte: !plain && oddities.odd_byte,
            options,
            cells,
            uses,
            value,
            state,
        }
    }

    pub(super) fn into_state(self) -> State {
        self.state
    }

    /// What was seen in the block, for [`Tally::merge`](crate::ldif::Tally::merge). Call it when [`RowParser::next`] has
    /// given `false`.
    #[must_use]
    pub fn into_tally(self) -> BlockTally {
        self.state.tally
    }

    /// Reads the next row into `record`; `false` at the end of the block (then `record` is empty). Appends to `problems`,
    /// in input order, what stands before the row or in it. The line of every value is that of its row.
    pub fn next(&mut self, record: &mut Record, problems: &mut Vec<Problem>) -> bool {
        record.clear();
        if !self.state.started {
            self.state.started = true;
            self.announce(problems);
        }
        let mut cells = self.cells.take().unwrap_or_default();
        let found = self.find(&mut cells, record);
        if found {
            self.row(&cells, record, problems);
            self.state.tally.record();
            self.state.tally.ranges_of(record);
        } else {
            self.end(problems);
        }
        cells.shrink();
        *self.cells = Some(cells);
        self.flush(problems);
        found
    }

    /// Reads the next row that says something into `cells`, and sets the record's place.
    fn find(&mut self, cells: &mut Cells, record: &mut Record) -> bool {
        loop {
            self.blank_lines();
            let (text, start) = (self.text, self.state.pos);
            let rest = text.get(start..).unwrap_or_default();
            if rest.is_empty() {
                return false;
            }
            let mut length = cells.read(rest);
            if let (Some(b'\r'), Some(b'\n')) = (rest.get(length.wrapping_sub(1)), rest.get(length)) {
                length += 1;
            }
            let row = rest.get(..length).unwrap_or_default();
            let lone_cr = row.last() == Some(&b'\r');
            let (line, number) = (self.state.line, self.state.row);
            let offset = self.offset_of(start);
            self.state.pos = start + length;
            self.state.line += memchr::memchr_iter(b'\n', row).count() as u64 + u64::from(lone_cr);
            self.state.row += 1;
            let open = self.state.pos >= text.len() && self.tail != Tail::Whole;
            if !cells.is_blank() || self.truncated.is_some() || open {
                record.begin(line, offset, self.format.raw_len(row));
                self.state.row = number + 1;
                return true;
            }
        }
    }

    /// Passes by empty lines, and by byte order marks.
    fn blank_lines(&mut self) {
        loop {
            let length = match self.text.get(self.state.pos..) {
                Some([b'\r', b'\n', ..]) => 2,
                Some([b'\r' | b'\n', ..]) => 1,
                Some([0xEF, 0xBB, 0xBF, ..]) => {
                    self.state.pos += 3;
                    continue;
                }
                _ => return,
            };
            self.state.pos += length;
            self.state.line += 1;
            self.state.row += 1;
        }
    }

    /// Says what there is to say about the header of the block.
    fn announce(&mut self, problems: &mut Vec<Problem>) {
        let Some(announced) = self.announced else { return };
        let place = (announced.line, announced.offset);
        if let Some(why) = announced.too_much {
            self.report(problems, Code::CsvdeColumn, place, None, None, || {
                format!("{why} ({} bytes, {} headers): the rows below it cannot be read; export again, and convert the files one by one", limits::HEADER, limits::HEADERS)
            });
        } else if announced.again {
            self.report(problems, Code::CsvdeHeaderAgain, place, None, None, || {
                format!("a header stands in row {}: several files were put behind each other; the rows below it were read by it", announced.row)
            });
        }
        let header = self.header;
        for (column, number) in header.columns.iter().zip(1..) {
            let Some(written) = &column.unusable else { continue };
            self.report(problems, Code::CsvdeColumn, place, None, None, || {
                format!(
                    "column {number} is headed \"{}\", which is no attribute name (expected letters, digits, hyphens and ;options); its cells were not taken over",
                    excerpt(written)
                )
            });
        }
    }

    /// Reads a row whose cells are there.
    fn row(&mut self, cells: &Cells, record: &mut Record, problems: &mut Vec<Problem>) {
        let header = self.header;
        self.dn(cells.get(0), record, problems);
        let (has, wants) = (cells.len(), header.columns.len());
        let number = self.number();
        let last = self.state.pos >= self.text.len();
        let open = last && self.tail != Tail::Whole;
        if let Some(skipped) = self.truncated {
            let large = self.large;
            record.cut_off_at_limit(large);
            let (size, limit) = (record.raw_len() + skipped, record.raw_len());
            self.say(problems, Code::RecordTooLarge, record, None, || {
                let value = large.map(|large| large.to_string()).unwrap_or_default();
                format!("row {number} of {size} bytes is larger than the limit of {limit}; {value}the rest was skipped: export fewer attributes")
            });
        } else if open {
            record.cut_off();
            let why = if self.tail == Tail::Quoted {
                "inside of quotes"
            } else {
                "without a line end, which csvde always writes"
            };
            self.say(problems, Code::RecordCutOff, record, None, || {
                format!("the file ends in row {number} {why}: it was probably cut off there; compare its size with the original, and export again")
            });
        } else if has != wants {
            record.cut_off();
            let more = if has > wants {
                "only its DN was taken over"
            } else {
                "those that are missing may hold something"
            };
            self.say(problems, Code::CsvdeCells, record, None, || {
                format!("row {number} has {has} cells, its header {wants}: {more}; export again, and do not change the file with a spreadsheet")
            });
        }
        if has > wants {
            return;
        }
        let cut = (self.truncated.is_some()).then(|| has.saturating_sub(1));
        for (at, column) in header.columns.iter().enumerate().skip(1) {
            let cell = cells.get(at);
            if !cell.is_empty() {
                self.cell(cell, (at, column), cut == Some(at), record, problems);
            }
        }
    }

    /// The number of the row that was read last.
    fn number(&self) -> u64 {
        self.state.row - 1
    }

    /// Takes the first cell. csvde writes a DN as it is; where that is none and its unescaped form is one, that was meant.
    fn dn(&mut self, cell: &[u8], record: &mut Record, problems: &mut Vec<Problem>) {
        let number = self.number();
        let trimmed = dn::trim(cell);
        if let Some(digits) = quoted(trimmed) {
            let mut value = std::mem::take(self.value);
            // The digits were looked at.
            let _ = hex(digits, &mut value);
            self.take_dn(dn::trim(&value), record, problems);
            *self.value = value;
            return;
        }
        let text = self.text(trimmed, "DN", record, problems);
        if text.is_empty() {
            record.set_dn(b"", DnState::Unreadable);
            self.say(problems, Code::UnreadableDn, record, None, || {
                format!("row {number} has no DN (expected it in the first column): it belongs to nobody; export it again")
            });
        } else if dn::is_valid(&text) {
            self.take_dn(&text, record, problems);
        } else {
            let plain = unescaped(&text);
            self.take_dn(if dn::is_valid(&plain) { &plain } else { &text }, record, problems);
        }
    }

    fn take_dn(&mut self, dn: &[u8], record: &mut Record, problems: &mut Vec<Problem>) {
        let utf8 = std::str::from_utf8(dn).is_ok();
        let valid = utf8 && dn::is_valid(dn);
        record.set_dn(dn, if valid { DnState::Valid } else { DnState::Invalid });
        if utf8 && !valid {
            self.say(problems, Code::BadDn, record, None, || {
                format!("\"{}\" is not a distinguished name (expected RFC 4514, such as CN=Ada,DC=example); taken as it is", excerpt(dn))
            });
        }
    }

    /// Takes a cell that is not empty. `cut`: the reader's limit lies in it.
    fn cell(
        &mut self,
        cell: &[u8],
        (at, column): (usize, &Column),
        cut: bool,
        record: &mut Record,
        problems: &mut Vec<Problem>,
    ) {
        let Some(how) = self.uses.get(at).copied() else { return };
        let number = self.number();
        if column.name.is_empty() {
            if column.unusable.is_none() && !cell.trim_ascii().is_empty() {
                self.say(problems, Code::CsvdeColumn, record, None, || {
                    format!("row {number}, column {}: the header names no attribute for this cell; it was not taken over", at + 1)
                });
            }
            return;
        }
        let name = column.name.as_slice();
        if !how.wanted {
            record.add(name, Value::Skipped, how.ranged);
            return;
        }
        match how.kind {
            Kind::Binary => {
                let count = if cut { split_binary(cell).count() } else { 0 };
                for (n, (start, part)) in split_binary(cell).enumerate() {
                    if !self.room(record, name, problems) {
                        return;
                    }
                    if cut && n + 1 == count {
                        record.add(name, Value::Unreadable(Code::RecordTooLarge), how.ranged);
                        continue;
                    }
                    let mut value = std::mem::take(self.value);
                    match hex(part, &mut value) {
                        Ok(()) => record.add(name, Value::Bytes(&value), how.ranged),
                        Err(not) => {
                            record.add(name, Value::Unreadable(Code::CsvdeHex), how.ranged);
                            let hint = hint(cell, part);
                            self.say(problems, Code::CsvdeHex, record, Some(name), || {
                                format!(
                                    "row {number}, column {} ({}), character {}: {} (expected X'…' with pairs of hexadecimal digits, values joined by ;); the value was not taken over: {hint}",
                                    at + 1,
                                    excerpt(name),
                                    start + not.at + 1,
                                    not.found,
                                )
                            });
                        }
                    }
                    *self.value = value;
                }
            }
            Kind::Guid | Kind::Text | Kind::Either => {
                let text = self.text(cell, &excerpt(name), record, problems);
                let mut value = std::mem::take(self.value);
                let count = if cut { split_text(&text).count() } else { usize::MAX };
                for part in split_text(&text).take(if cut { count.saturating_sub(1) } else { count }) {
                    if !self.room(record, name, problems) {
                        break;
                    }
                    let digits = quoted(&part).or_else(|| {
                        let whole = how.kind == Kind::Guid && part.len() == 32;
                        (whole && part.iter().all(u8::is_ascii_hexdigit)).then_some(&*part)
                    });
                    match digits {
                        Some(digits) if hex(digits, &mut value).is_ok() => {
                            record.add(name, Value::Bytes(&value), how.ranged);
                        }
                        _ => record.add(name, Value::Bytes(&part), how.ranged),
                    }
                }
                *self.value = value;
            }
        }
    }

    /// Whether the record takes another value; says so when it does not.
    fn room(&mut self, record: &mut Record, name: &[u8], problems: &mut Vec<Problem>) -> bool {
        if record.len() < VALUES {
            return true;
        }
        if !record.is_truncated() {
            record.cut_off();
            self.say(problems, Code::RecordTooLarge, record, Some(name), || {
                format!("a row has more than {VALUES} values; the rest was skipped: export its attributes by range")
            });
        }
        false
    }

    /// Text as UTF-8, where the code page is known.
    fn text<'t>(
        &mut self,
        cell: &'t [u8],
        column: &str,
        record: &Record,
        problems: &mut Vec<Problem>,
    ) -> Cow<'t, [u8]> {
        if cell.is_ascii() {
            return Cow::Borrowed(cell);
        }
        let plain = self.format.encoding.width() == 1 && self.format.bom == 0;
        let page = self.options.code_page.filter(|_| plain);
        if plain {
            self.state.tally.text(cell, page, (record.line(), record.offset()));
        }
        let number = self.number();
        if let Some(page) = page {
            if let Some(text) = page.decode_without_bom_handling_and_without_replacement(cell) {
                return Cow::Owned(text.into_owned().into_bytes());
            }
            self.say(problems, Code::BadText, record, None, || {
                format!(
                    "row {number} ({column}): \"{}\" is not {} text; its bytes were kept",
                    excerpt(cell),
                    page.name()
                )
            });
        } else if let Err(error) = std::str::from_utf8(cell) {
            self.say(problems, Code::BadText, record, None, || {
                format!(
                    "row {number} ({column}): \"{}\" is not UTF-8 at byte {} (its bytes were kept): if the file has a Windows code page, name it with --encoding or export again as Unicode (csvde -u)",
                    excerpt(cell),
                    error.valid_up_to()
                )
            });
        }
        Cow::Borrowed(cell)
    }

    /// What is to be said about the end of the block.
    fn end(&mut self, problems: &mut Vec<Problem>) {
        if std::mem::replace(&mut self.state.ended, true) {
            return;
        }
        let place = (self.state.line, self.offset_of(self.text.len()));
        if self.text.last() == Some(&0x1A) {
            self.report(problems, Code::CtrlZ, place, None, None, || {
                "0x1A (Ctrl-Z) at the end was skipped".into()
            });
        }
        if self.odd_byte {
            self.report(problems, Code::OddByte, place, None, None, || {
                "the UTF-16 input ends in the middle of a character: one byte was not taken over; export again".into()
            });
        }
    }

    /// The offset in the input of a place in the text.
    fn offset_of(&mut self, pos: usize) -> u64 {
        let (known, raw) = if pos >= self.state.known.0 { self.state.known } else { (0, 0) };
        let raw = raw + self.format.raw_len(self.text.get(known..pos).unwrap_or_default());
        self.state.known = (pos, raw);
        self.offset + raw
    }

    fn say(
        &mut self,
        problems: &mut Vec<Problem>,
        code: Code,
        record: &Record,
        attribute: Option<&[u8]>,
        message: impl FnOnce() -> String,
    ) {
        let dn = Some(record.dn()).filter(|dn| !dn.is_empty());
        self.report(problems, code, (record.line(), record.offset()), attribute, dn, message);
    }

    fn report(
        &mut self,
        problems: &mut Vec<Problem>,
        code: Code,
        (line, offset): (u64, u64),
        attribute: Option<&[u8]>,
        dn: Option<&[u8]>,
        message: impl FnOnce() -> String,
    ) {
        self.state.reported += 1;
        if self.state.reported > PROBLEMS {
            self.state.omitted += 1;
            return;
        }
        problems.push(Problem {
            attribute: attribute.map(excerpt),
            dn: dn.map(|dn| cut(dn, PROBLEM_DN)),
            ..Problem::new(code, line, offset, message())
        });
    }

    /// Ends the problems of a row: says how many were not listed.
    fn flush(&mut self, problems: &mut Vec<Problem>) {
        if self.state.omitted > 0
            && let Some(last) = problems.last()
        {
            let message =
                format!("{} more problems up to row {} are not listed", self.state.omitted, self.number());
            let dn = last.dn.clone();
            problems
                .push(Problem { dn, ..Problem::new(Code::TooManyProblems, last.line, last.offset, message) });
        }
        (self.state.reported, self.state.omitted) = (0, 0);
    }
}

/// What to do about a value that is not hexadecimal.
fn hint(cell: &[u8], part: &[u8]) -> &'static str {
    if part.trim_ascii().starts_with(b"System.Byte") {
        "this is what PowerShell's Export-Csv writes for binary values; export with csvde or ldifde"
    } else if cell.len() == SPREADSHEET_CELL {
        "a spreadsheet has cut the cell at 32767 characters; export it again and leave the file as it is"
    } else {
        "export it again"
    }
}

/// Reads one row again from its raw bytes: `raw_len` bytes from `offset` of the input, as [`Record`] gives them, with the
/// header of that offset ([`Headers::at`](super::Headers::at)). `line` and `above_limit` are those of the record: what
/// the reader's limit lies in is no value. Gives `false` if there is no row in them.
///
/// The same options give the same record; what the row's number would be needed for is not said.
#[allow(clippy::too_many_arguments)] // bytes, their place, and the buffers to use
pub fn reparse(
    raw: Vec<u8>,
    format: Format,
    header: &Arc<Header>,
    (offset, line, above_limit): (u64, u64, bool),
    options: &Options,
    scratch: &mut Scratch,
    record: &mut Record,
    problems: &mut Vec<Problem>,
) -> bool {
    // A row that does not end was the last one, or was cut off.
    let ends = Scanner::new(format.encoding).end(&raw, 0, &mut Scan::default(), true).is_some();
    let block = Block {
        tail: if ends { Tail::Whole } else { Tail::Open },
        len: raw.len(),
        buf: raw,
        offset,
        line,
        row: 1,
        format,
        header: Arc::clone(header),
        truncated: above_limit.then_some(0),
        ..Block::default()
    };
    RowParser::new(&block, options, scratch).next(record, problems)
}
