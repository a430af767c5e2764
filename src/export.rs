//! Directory exports of either kind, LDIF and csvde, read as records.
//!
//! [`crate::ldif`] and [`crate::csvde`] have the same parts with the same meaning; here stands the choice between them, so
//! that nothing behind it asks which kind an export is.

use std::io::Read;

use crate::csvde::{self, Headers, RowParser};
use crate::ldif::{
    self, BlockOptions, BlockParser, BlockTally, Detected, Foreign, Options, Problem, ReadError, Record,
    Sniffed, detect, sniff,
};

/// How an export is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// LDIF.
    Ldif(ldif::Format),
    /// csvde.
    Csvde(ldif::Format),
}

impl Format {
    /// The format of an input that starts with these bytes (the first [`ldif::limits::DETECT`], or all if there are
    /// fewer); `None` when it is no export.
    #[must_use]
    pub fn of(prefix: &[u8]) -> Option<Self> {
        match detect(prefix) {
            Detected::Ldif(format) => Some(Self::Ldif(format)),
            Detected::Csvde(format) => Some(Self::Csvde(format)),
            Detected::Other(_) => None,
        }
    }

    /// Its name in outputs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ldif(_) => "ldif",
            Self::Csvde(_) => "csvde",
        }
    }

    /// Whether it says itself that its text is Unicode, so that no code page is needed: UTF-16, or a byte order mark.
    #[must_use]
    pub fn is_unicode(self) -> bool {
        let (Self::Ldif(format) | Self::Csvde(format)) = self;
        format.encoding.width() > 1 || format.bom > 0
    }
}

/// A piece of an export that can be read by itself.
#[derive(Debug)]
pub enum Block {
    /// Of LDIF.
    Ldif(ldif::Block),
    /// Of csvde.
    Csvde(csvde::Block),
}

impl Default for Block {
    fn default() -> Self {
        Self::Ldif(ldif::Block::new())
    }
}

impl Block {
    /// Its raw bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Ldif(block) => block.bytes(),
            Self::Csvde(block) => block.bytes(),
        }
    }

    /// Where the first of them stands in the input.
    #[must_use]
    pub fn offset(&self) -> u64 {
        match self {
            Self::Ldif(block) => block.offset(),
            Self::Csvde(block) => block.offset(),
        }
    }
}

/// Cuts an export into blocks.
#[derive(Debug)]
pub enum Blocks<R> {
    /// Of LDIF.
    Ldif(ldif::Blocks<R>),
    /// Of csvde.
    Csvde(csvde::Blocks<R>),
}

impl<R: Read> Blocks<R> {
    /// Blocks of an input that `reader` gives from its first byte on.
    pub fn new(reader: R, format: Format, options: BlockOptions) -> Self {
        match format {
            Format::Ldif(format) => Self::Ldif(ldif::Blocks::new(reader, format, options)),
            Format::Csvde(format) => Self::Csvde(csvde::Blocks::new(reader, format, options)),
        }
    }

    /// Fills `block` with the next one; `false` at the end.
    ///
    /// # Errors
    /// What the reader reports.
    pub fn next(&mut self, block: &mut Block) -> std::io::Result<bool> {
        match (self, block) {
            (Self::Ldif(blocks), Block::Ldif(block)) => blocks.next(block),
            (Self::Csvde(blocks), Block::Csvde(block)) => blocks.next(block),
            // A block of the other kind: its buffer goes.
            (Self::Ldif(blocks), block) => {
                let mut fresh = ldif::Block::new();
                let more = blocks.next(&mut fresh)?;
                *block = Block::Ldif(fresh);
                Ok(more)
            }
            (Self::Csvde(blocks), block) => {
                let mut fresh = csvde::Block::default();
                let more = blocks.next(&mut fresh)?;
                *block = Block::Csvde(fresh);
                Ok(more)
            }
        }
    }

    /// The reader, and the headers of a csvde export.
    pub fn into_parts(self) -> (R, Headers) {
        match self {
            Self::Ldif(blocks) => (blocks.into_reader(), Headers::default()),
            Self::Csvde(blocks) => blocks.into_parts(),
        }
    }
}

/// Buffers of a parser. One for each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    ldif: ldif::Scratch,
    csvde: csvde::Scratch,
}

/// Reads the records of one block.
#[derive(Debug)]
pub enum Parser<'a> {
    /// Of LDIF.
    Ldif(BlockParser<'a>),
    /// Of csvde.
    Csvde(RowParser<'a>),
}

impl<'a> Parser<'a> {
    /// A parser for a block. `options` must be the same for all blocks of an input.
    #[must_use]
    pub fn new(block: &'a Block, options: &'a Options, scratch: &'a mut Scratch) -> Self {
        match block {
            Block::Ldif(block) => Self::Ldif(BlockParser::new(block, options, &mut scratch.ldif)),
            Block::Csvde(block) => Self::Csvde(RowParser::new(block, options, &mut scratch.csvde)),
        }
    }

    /// Reads the next record; `false` at the end of the block. Appends to `problems`.
    pub fn next(&mut self, record: &mut Record, problems: &mut Vec<Problem>) -> bool {
        match self {
            Self::Ldif(parser) => parser.next(record, problems),
            Self::Csvde(parser) => parser.next(record, problems),
        }
    }

    /// What was seen in the block.
    #[must_use]
    pub fn into_tally(self) -> BlockTally {
        match self {
            Self::Ldif(parser) => parser.into_tally(),
            Self::Csvde(parser) => parser.into_tally(),
        }
    }
}

/// Where a record stands, for reading it again.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Byte offset of its first line in the input.
    pub offset: u64,
    /// The number of that line.
    pub line: u64,
    /// It is larger than the reader's limit ([`Record::is_above_limit`]).
    pub above_limit: bool,
}

/// Reads one record again from its raw bytes. `headers` are those of the first reading. Gives `false` if there is no
/// record in them.
pub fn reparse(
    raw: Vec<u8>,
    (format, headers): (Format, &Headers),
    Place { offset, line, above_limit }: Place,
    options: &Options,
    scratch: &mut Scratch,
    record: &mut Record,
) -> bool {
    let mut problems = Vec::new();
    match format {
        Format::Ldif(format) => {
            let scratch = &mut scratch.ldif;
            ldif::reparse(&raw, format, offset, line, options, scratch, record, &mut problems)
        }
        Format::Csvde(format) => headers.at(offset).is_some_and(|header| {
            let scratch = &mut scratch.csvde;
            let place = (offset, line, above_limit);
            csvde::reparse(raw, format, header, place, options, scratch, record, &mut problems)
        }),
    }
}

/// Reads the records of an export one after the other.
#[derive(Debug)]
pub enum Reader<R> {
    /// Of LDIF.
    Ldif(Box<ldif::Reader<R>>),
    /// Of csvde.
    Csvde(Box<csvde::Reader<Sniffed<R>>>),
}

impl<R: Read> Reader<R> {
    /// A reader of an input from its first byte.
    ///
    /// # Errors
    /// The input cannot be read, or is no export. An empty input is LDIF without records.
    pub fn new(reader: R, options: Options) -> Result<Self, ReadError> {
        Self::with_blocks(reader, options, BlockOptions::default())
    }

    /// The same with other sizes. Those change no record and no problem (but what is too large).
    ///
    /// # Errors
    /// As [`Reader::new`].
    pub fn with_blocks(reader: R, options: Options, sizes: BlockOptions) -> Result<Self, ReadError> {
        let (detected, reader) = sniff(reader)?;
        match detected {
            Detected::Csvde(format) => {
                Ok(Self::Csvde(Box::new(csvde::Reader::of(reader, format, options, sizes))))
            }
            Detected::Ldif(format) => {
                Ok(Self::Ldif(Box::new(ldif::Reader::of(reader, format, options, sizes))))
            }
            Detected::Other(Foreign::Empty) => {
                let format = ldif::Format::default();
                Ok(Self::Ldif(Box::new(ldif::Reader::of(reader, format, options, sizes))))
            }
            Detected::Other(other) => Err(ReadError::NotLdif(other)),
        }
    }

    /// Reads the next record; `false` at the end. Appends problems, as the readers of each kind do.
    ///
    /// # Errors
    /// The input cannot be read further. What was given out so far is good.
    pub fn next(&mut self, record: &mut Record, problems: &mut Vec<Problem>) -> Result<bool, ReadError> {
        match self {
            Self::Ldif(reader) => reader.next(record, problems),
            Self::Csvde(reader) => Ok(reader.next(record, problems)?),
        }
    }
}
