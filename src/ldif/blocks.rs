//! Cutting raw input into independent blocks, with plain reads into reused buffers.
//!
//! mmap is not used: it would count the whole file as memory, and a file that is cut short under it kills the program.

use super::cut::{Cut, Cutter};
use super::encoding::Format;
use super::limits;
use super::oversize::{Hashing, Large};
use std::io::{self, Read};

/// How large blocks and records may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockOptions {
    /// Bytes that a block aims at (default [`limits::BLOCK`]). A single larger record makes a larger block.
    pub block_size: usize,
    /// Raw bytes that one record may have (default [`limits::RECORD`]).
    pub record_limit: usize,
}

impl Default for BlockOptions {
    fn default() -> Self {
        BlockOptions { block_size: limits::BLOCK, record_limit: limits::RECORD }
    }
}

/// A piece of the input that starts with a record (the first one: with the input) and can be parsed by itself. Reuse
/// blocks: their buffers stay allocated.
#[derive(Debug, Clone, Default)]
pub struct Block {
    pub(super) buf: Vec<u8>,
    pub(super) len: usize,
    pub(super) index: u64,
    pub(super) offset: u64,
    pub(super) line: u64,
    pub(super) format: Format,
    pub(super) after_blank: bool,
    pub(super) last: bool,
    pub(super) truncated: Option<u64>,
    pub(super) large: Option<Large>,
}

impl Block {
    /// An empty block, to be filled by [`Blocks::next`].
    #[must_use]
    pub fn new() -> Self {
        Block::default()
    }

    /// Its number, from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Where its first byte stands in the input.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The number of its first line, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Its raw bytes, in the encoding of the input, without a byte order mark at the start of the input.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buf.get(..self.len).unwrap_or_default()
    }

    /// How to read the bytes.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Is this the last block of the input?
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.last
    }

    /// If the single record of this block is larger than the limit: how many bytes of it were skipped.
    #[must_use]
    pub fn truncated(&self) -> Option<u64> {
        self.truncated
    }
}

/// Cuts an input into [`Block`]s. Where it cuts depends only on the bytes and the block size.
///
/// Cost is linear; memory is one block (or one record, if that is larger) and the beginning of the next.
#[derive(Debug)]
pub struct Blocks<R> {
    reader: R,
    options: BlockOptions,
    format: Format,
    cutter: Cutter,
    /// Bytes read but not handed out; they start at `offset`.
    carry: Vec<u8>,
    offset: u64,
    line: u64,
    index: u64,
    after_blank: bool,
    started: bool,
    ended: bool,
    done: bool,
}

impl<R: Read> Blocks<R> {
    /// The reader, for what it knows at the end.
    pub fn into_reader(self) -> R {
        self.reader
    }

    /// Blocks of an input that `reader` gives from its first byte on (with its byte order mark, if it has one).
    pub fn new(reader: R, format: Format, options: BlockOptions) -> Self {
        let width = format.encoding.width();
        let even = |n: usize| n.max(2) & !(width - 1);
        let record_limit = even(options.record_limit.max(64));
        let block_size = even(options.block_size).min(record_limit);
        Blocks {
            reader,
            options: BlockOptions { block_size, record_limit },
            format,
            cutter: Cutter::new(format),
            carry: Vec::new(),
            offset: 0,
            line: 1,
            index: 0,
            after_blank: true,
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

    /// Fills `block` with the next block; `false` at the end of the input. An empty input has one empty block.
    ///
    /// # Errors
    /// What the reader reports; interrupted reads are repeated.
    pub fn next(&mut self, block: &mut Block) -> io::Result<bool> {
        if self.done {
            return Ok(false);
        }
        let size = self.options.block_size;
        let limit = self.options.record_limit;
        let look = self.cutter.look();
        block.len = 0;
        // Take over what was read already, then read on.
        if block.buf.len() < self.carry.len() {
            block.buf.resize(self.carry.len().max(size + look + size / 8), 0);
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
        block.index = self.index;
        block.offset = self.offset;
        block.line = self.line;
        block.format = self.format;
        block.after_blank = self.after_blank;
        block.truncated = None;
        block.large = None;

        self.fill(block, size + look)?;
        // The head of the input belongs to its first record, so that what stands there is seen together.
        let mut min = None;
        if self.index > 0 {
            min = Some(0);
        }
        let (mut from, mut head_from) = (0, 0);
        let cut = loop {
            let buf = block.bytes();
            // Line starts up to here can be judged. None behind the record limit is, however much was read: that would
            // make the result depend on the block size.
            let judged = if self.ended { buf.len() } else { buf.len().saturating_sub(look) }.min(limit);
            if min.is_none() {
                match self.cutter.first_dn(buf, head_from, judged) {
                    Ok(first) => min = Some(first),
                    Err(next) => head_from = next,
                }
            }
            if let Some(min) = min {
                let in_block = size.min(judged);
                if from == 0 {
                    if let Some(cut) = self.cutter.last_cut(buf, min, in_block) {
                        break Some(cut);
                    }
                    from = in_block.saturating_sub(look).max(min) & !(self.format.encoding.width() - 1);
                }
                match self.cutter.first_cut(buf, from, min, judged) {
                    Ok(cut) => break Some(cut),
                    Err(next) => from = next.max(from),
                }
            }
            if self.ended || judged >= limit {
                break None;
            }
            let target = buf.len() + size;
            self.fill(block, target)?;
        };
        if cut.is_some() || (self.ended && block.len <= limit) {
            self.finish(block, cut);
        } else {
            self.skip(block, limit)?;
        }
        Ok(true)
    }

    /// Ends the block at a cut, or at the end of the input.
    fn finish(&mut self, block: &mut Block, cut: Option<Cut>) {
        if let Some(cut) = cut {
            self.carry.extend_from_slice(block.bytes().get(cut.at..).unwrap_or_default());
            block.len = cut.at;
            self.after_blank = cut.after_blank;
        }
        block.last = cut.is_none();
        self.done = cut.is_none();
        self.offset += block.len as u64;
        self.line += self.cutter.lines(block.bytes());
        self.index += 1;
    }

    /// Ends the block at the record limit, and skips to the next record in flat memory.
    fn skip(&mut self, block: &mut Block, limit: usize) -> io::Result<()> {
        let look = self.cutter.look();
        let mut rest = Block::new();
        rest.buf = block.bytes().get(limit..).unwrap_or_default().to_vec();
        rest.len = rest.buf.len();
        let mut line_start = self.cutter.at_line_start(block.bytes(), limit);
        // The value that the limit lies in is hashed as it passes.
        let mut hashing = Hashing::of_line(self.format);
        let value = self.cutter.logical_start(block.bytes(), limit);
        hashing.feed(block.bytes().get(value..limit).unwrap_or_default());
        let whole = self.cutter.lines(block.bytes());
        block.len = limit;
        self.offset += limit as u64;
        self.line += whole - self.cutter.lines(rest.bytes());
        let mut skipped = 0_u64;
        loop {
            let want = self.options.block_size + look;
            self.fill(&mut rest, want)?;
            let buf = rest.bytes();
            let judged = if self.ended { buf.len() } else { buf.len().saturating_sub(look) };
            let judged = judged & !(self.format.encoding.width() - 1);
            let found = if line_start && self.cutter.is_dn(buf, 0) {
                Some(0)
            } else {
                self.cutter.first_cut_plain(buf, judged)
            };
            let gone = found.unwrap_or(if self.ended { buf.len() } else { judged });
            let head = buf.get(..gone).unwrap_or_default();
            hashing.feed(head);
            // A difference, because a CR file may have a CRLF at this edge: both parts would count that line.
            self.line += self.cutter.lines(buf) - self.cutter.lines(buf.get(gone..).unwrap_or_default());
            skipped += gone as u64;
            self.offset += gone as u64;
            if found.is_some() || self.ended {
                self.carry.extend_from_slice(buf.get(gone..).unwrap_or_default());
                self.done = found.is_none();
                break;
            }
            line_start = self.cutter.at_line_start(head, gone);
            rest.buf.copy_within(gone..rest.len, 0);
            rest.len -= gone;
        }
        self.after_blank = true;
        block.truncated = Some(skipped);
        block.large = hashing.finish();
        block.last = self.done;
        self.index += 1;
        Ok(())
    }

    /// Reads until the block has at least `want` bytes or the input ends.
    fn fill(&mut self, block: &mut Block, want: usize) -> io::Result<()> {
        fill(&mut self.reader, &mut self.ended, (&mut block.buf, &mut block.len), want)
    }
}

/// Reads into a buffer of which `len` bytes are filled, until `want` are or the input has ended.
pub(crate) fn fill<R: Read>(
    reader: &mut R,
    ended: &mut bool,
    (buf, len): (&mut Vec<u8>, &mut usize),
    want: usize,
) -> io::Result<()> {
    if !*ended {
        super::buffer::lengthen(buf, want);
    }
    while !*ended && *len < want {
        let Some(space) = buf.get_mut(*len..want) else { break };
        match reader.read(space) {
            Ok(0) => *ended = true,
            Ok(n) => *len += n.min(want - *len),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Cutter {
    /// The first line behind the first line end, up to `to`, that starts a record.
    fn first_cut_plain(self, buf: &[u8], to: usize) -> Option<usize> {
        self.first_line(buf).and_then(|from| self.first_dn(buf, from, to).ok())
    }
}
