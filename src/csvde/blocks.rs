//! Cutting raw input into blocks of whole rows, with plain reads into reused buffers.

use super::cut::{Scan, Scanner};
use super::header::{Header, Headers, is_dn_column};
use super::{limits, row};
use crate::ldif::oversize::Hashing;
use crate::ldif::{BlockOptions, Format, Large};
use std::io::{self, Read};
use std::sync::Arc;

/// A header at the start of a block, which the parser must say something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Announced {
    pub(super) line: u64,
    pub(super) row: u64,
    pub(super) offset: u64,
    /// It is not the first one of the input.
    pub(super) again: bool,
    /// Rows behind it cannot be read.
    pub(super) too_much: Option<&'static str>,
}

/// How the input ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tail {
    /// Behind a line end, or this is not the end.
    #[default]
    Whole,
    /// In a row without a line end.
    Open,
    /// Inside of quotes.
    Quoted,
}

/// Whole rows of an input, to be read by itself. Reuse blocks: their buffers stay allocated.
#[derive(Debug, Clone, Default)]
pub struct Block {
    pub(super) buf: Vec<u8>,
    pub(super) len: usize,
    pub(super) offset: u64,
    pub(super) line: u64,
    pub(super) row: u64,
    pub(super) format: Format,
    pub(super) header: Arc<Header>,
    pub(super) announced: Option<Announced>,
    pub(super) tail: Tail,
    pub(super) truncated: Option<u64>,
    pub(super) large: Option<Large>,
}

impl Block {
    /// Its raw bytes, in the encoding of the input.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buf.get(..self.len).unwrap_or_default()
    }

    /// Where its first byte stands in the input.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

/// Cuts an input into [`Block`]s. Where it cuts depends only on the bytes and the block size.
///
/// Cost is linear; memory is one block (or one row, if that is larger) and the beginning of the next.
#[derive(Debug)]
pub struct Blocks<R> {
    reader: R,
    options: BlockOptions,
    format: Format,
    scanner: Scanner,
    /// Bytes read but not handed out; they start at `offset`.
    carry: Vec<u8>,
    offset: u64,
    line: u64,
    row: u64,
    header: Arc<Header>,
    headers: Headers,
    started: bool,
    ended: bool,
    done: bool,
}

impl<R: Read> Blocks<R> {
    /// Blocks of an input that `reader` gives from its first byte on (with its byte order mark, if it has one).
    pub fn new(reader: R, format: Format, options: BlockOptions) -> Self {
        let scanner = Scanner::new(format.encoding);
        let even = |n: usize| n.max(2) & !(scanner.width() - 1);
        let record_limit = even(options.record_limit.max(64));
        let block_size = even(options.block_size).min(record_limit);
        Blocks {
            reader,
            options: BlockOptions { block_size, record_limit },
            format,
            scanner,
            carry: Vec::new(),
            offset: 0,
            line: 1,
            row: 1,
            header: Arc::default(),
            headers: Headers::default(),
            started: false,
            ended: false,
            done: false,
        }
    }

    /// The format that was given.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The reader, and the headers that were met, for what they know at the end.
    pub fn into_parts(self) -> (R, Headers) {
        (self.reader, self.headers)
    }

    /// Fills `block` with the next block; `false` at the end of the input. An input has at least one block.
    ///
    /// # Errors
    /// What the reader reports; interrupted reads are repeated.
    pub fn next(&mut self, block: &mut Block) -> io::Result<bool> {
        if self.done {
            return Ok(false);
        }
        self.begin(block)?;
        let (size, limit) = (self.options.block_size, self.options.record_limit);
        let (mut scan, mut row_at, mut rows, mut cr) = (Scan::default(), 0, 0, 0);
        loop {
            // No row end behind the limit is one, however much was read.
            let seen = block.len.min(row_at + limit);
            let buf = block.bytes().get(..seen).unwrap_or_default();
            let whole = self.ended && seen == block.len;
            if let Some(end) = self.scanner.end(buf, row_at, &mut scan, whole) {
                let raw = buf.get(row_at..end.behind).unwrap_or_default();
                if self.is_header(raw) {
                    if row_at > 0 {
                        break;
                    }
                    self.take_header(block, end.behind, end.cr);
                    scan = Scan::default();
                    continue;
                }
                row_at = end.behind;
                rows += 1;
                cr += u64::from(end.cr);
                if row_at >= size {
                    break;
                }
            } else if whole {
                let rest = block.bytes().get(row_at..).unwrap_or_default();
                if self.is_header(rest) {
                    // A header without a line end, and nothing below it.
                    if row_at == 0 {
                        self.done = true;
                        self.take_header(block, block.len, false);
                    }
                    break;
                }
                block.tail = if scan.inside {
                    Tail::Quoted
                } else if self.is_blank(rest) {
                    Tail::Whole
                } else {
                    Tail::Open
                };
                self.done = true;
                row_at = block.len;
                break;
            } else if seen - row_at >= limit {
                if row_at > 0 {
                    break;
                }
                if !self.ended && block.len == seen {
                    // Whether the input ends right here must not depend on how much was read so far.
                    self.fill(block, seen + self.scanner.width())?;
                    continue;
                }
                return self.skip(block, scan, cr).map(|()| true);
            } else if row_at > 0 && block.len >= size {
                break;
            } else {
                let want = block.len + size;
                self.fill(block, want)?;
            }
        }
        self.carry.extend_from_slice(block.bytes().get(row_at..).unwrap_or_default());
        block.len = row_at;
        if self.ended && self.carry.is_empty() {
            self.done = true;
        }
        self.offset += row_at as u64;
        self.line += self.scanner.lines(block.bytes()) + cr;
        self.row += rows;
        Ok(true)
    }

    /// Takes over what was read already.
    fn begin(&mut self, block: &mut Block) -> io::Result<()> {
        block.len = 0;
        if block.buf.len() < self.carry.len() {
            block.buf.resize(self.carry.len(), 0);
        }
        if let Some(head) = block.buf.get_mut(..self.carry.len()) {
            head.copy_from_slice(&self.carry);
            block.len = self.carry.len();
        }
        self.carry.clear();
        if !self.started {
            self.started = true;
            self.fill(block, self.format.bom)?;
            let bom = self.format.bom.min(block.len);
            block.buf.copy_within(bom..block.len, 0);
            block.len -= bom;
            self.offset = bom as u64;
        }
        block.offset = self.offset;
        block.line = self.line;
        block.row = self.row;
        block.format = self.format;
        block.header = Arc::clone(&self.header);
        block.announced = None;
        block.tail = Tail::Whole;
        block.truncated = None;
        block.large = None;
        Ok(())
    }

    /// Nothing but blanks; half a character at the end is told apart.
    fn is_blank(&self, raw: &[u8]) -> bool {
        (0..raw.len()).step_by(self.scanner.width()).all(|at| {
            self.scanner.unit(raw, at).is_none_or(|unit| unit.is_ascii_whitespace() || unit == 0x1A)
        })
    }

    /// Does a header start here? Its first cell is `DN`.
    fn is_header(&self, raw: &[u8]) -> bool {
        let w = self.scanner.width();
        let raw = raw.get(self.scanner.behind_marks(raw, 0, raw.len())..).unwrap_or_default();
        // `"` `DN` `"`, and blanks that somebody added.
        let mut cell = [0; 12];
        for (n, space) in cell.iter_mut().enumerate() {
            match self.scanner.unit(raw, n * w) {
                Some(b',' | b'\n' | b'\r') | None => {
                    return is_dn_column(cell.get(..n).unwrap_or_default());
                }
                Some(unit) => *space = unit,
            }
        }
        false
    }

    /// Takes the header that the block starts with out of it.
    fn take_header(&mut self, block: &mut Block, length: usize, cr: bool) {
        let raw = block.bytes().get(..length).unwrap_or_default();
        let again = !self.header.columns.is_empty();
        let lines = self.scanner.lines(raw) + u64::from(cr);
        let place = (self.line, self.row, self.offset);
        let behind = self.offset + length as u64;
        let mut too_much = None;
        let header = if raw.len() > limits::HEADER * self.scanner.width() {
            too_much = Some("the header is longer than any");
            Header::of(std::iter::once(&b"DN"[..]))
        } else {
            row::header(raw, self.format)
        };
        self.header = self.headers.add(behind, header).unwrap_or_else(|| {
            too_much = Some("there are more headers than any input has");
            Arc::new(Header::of(std::iter::once(&b"DN"[..])))
        });
        self.offset = behind;
        self.line += lines;
        self.row += 1;
        block.buf.copy_within(length..block.len, 0);
        block.len -= length;
        (block.offset, block.line, block.row) = (self.offset, self.line, self.row);
        block.header = Arc::clone(&self.header);
        let (line, row, offset) = place;
        block.announced = Some(Announced { line, row, offset, again, too_much });
    }

    /// Ends the block at the limit for one row, and skips to the next row in flat memory.
    fn skip(&mut self, block: &mut Block, mut scan: Scan, mut cr: u64) -> io::Result<()> {
        let w = self.scanner.width();
        let limit = self.options.record_limit;
        // The scan may have stopped at the last unit, and looks at the one before a quote.
        let keep = scan.at.min(limit).saturating_sub(w);
        let mut rest =
            Block { buf: block.bytes().get(keep..).unwrap_or_default().to_vec(), ..Block::default() };
        rest.len = rest.buf.len();
        scan.at -= keep;
        block.len = limit;
        // The value that the limit lies in is hashed as it passes, from behind the separator before it.
        let mut hashing = Hashing::of_hex(self.format);
        let value = self.scanner.value_start(block.bytes(), limit);
        hashing.feed(block.bytes().get(value..limit).unwrap_or_default());
        let mut behind = limit - keep;
        let kept = self.scanner.lines(block.bytes().get(..keep).unwrap_or_default());
        let mut gone = keep as u64;
        let mut lines = kept;
        loop {
            let end = self.scanner.end(rest.bytes(), usize::MAX, &mut scan, self.ended);
            let stop = match end {
                Some(end) => {
                    cr += u64::from(end.cr);
                    end.behind
                }
                None if self.ended => rest.len,
                None => scan.at.saturating_sub(w),
            };
            lines += self.scanner.lines(rest.bytes().get(..stop).unwrap_or_default());
            hashing.feed(rest.bytes().get(behind..stop).unwrap_or_default());
            behind = behind.saturating_sub(stop);
            gone += stop as u64;
            if end.is_some() || self.ended {
                self.carry.extend_from_slice(rest.bytes().get(stop..).unwrap_or_default());
                self.done = self.ended && self.carry.is_empty();
                break;
            }
            rest.buf.copy_within(stop..rest.len, 0);
            rest.len -= stop;
            scan.at -= stop;
            let want = rest.len + self.options.block_size;
            self.fill(&mut rest, want)?;
        }
        block.truncated = Some(gone.saturating_sub(limit as u64));
        block.large = hashing.finish();
        self.offset += gone;
        self.line += lines + cr;
        self.row += 1;
        Ok(())
    }

    /// Reads until the block has at least `want` bytes or the input ends.
    fn fill(&mut self, block: &mut Block, want: usize) -> io::Result<()> {
        crate::ldif::blocks::fill(&mut self.reader, &mut self.ended, (&mut block.buf, &mut block.len), want)
    }
}
