//! Reading an input from start to end in one go.

use super::Options;
use super::blocks::{Block, BlockOptions, Blocks};
use super::detect::{Detected, Foreign, Sniffed, sniff};
use super::encoding::Format;
use super::parser::{BlockParser, Scratch, State};
use super::problem::Problem;
use super::record::Record;
use super::tally::Tally;
use std::io::{self, Read};

/// Why an input cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The input cannot be read.
    #[error("cannot read the input: {0}")]
    Io(#[from] io::Error),
    /// The input is something else.
    #[error("this is not LDIF but {}", .0.name())]
    NotLdif(Foreign),
}

/// Reads records one after the other: [`Blocks`], [`BlockParser`] and [`Tally`] in sequence.
#[derive(Debug)]
pub struct Reader<R> {
    blocks: Blocks<Sniffed<R>>,
    options: Options,
    block: Block,
    scratch: Scratch,
    state: Option<State>,
    tally: Option<Tally>,
    records: u64,
}

impl<R: Read> Reader<R> {
    /// A reader of an input from its first byte, with blocks and limits of the usual size.
    ///
    /// # Errors
    /// The input cannot be read, or is not LDIF. An empty input is LDIF without records.
    pub fn new(reader: R, options: Options) -> Result<Self, ReadError> {
        Self::with_blocks(reader, options, BlockOptions::default())
    }

    /// The same with other sizes. Those change no record and no problem (but what is too large).
    ///
    /// # Errors
    /// As [`Reader::new`].
    pub fn with_blocks(reader: R, options: Options, sizes: BlockOptions) -> Result<Self, ReadError> {
        let (detected, reader) = sniff(reader)?;
        let format = match detected {
            Detected::Ldif(format) => format,
            Detected::Other(Foreign::Empty) => Format::default(),
            Detected::Csvde(_) => return Err(ReadError::NotLdif(Foreign::Csvde)),
            Detected::Other(other) => return Err(ReadError::NotLdif(other)),
        };
        Ok(Self::of(reader, format, options, sizes))
    }

    /// A reader of an input of which the format is known.
    pub(crate) fn of(reader: Sniffed<R>, format: Format, options: Options, sizes: BlockOptions) -> Self {
        Reader {
            blocks: Blocks::new(reader, format, sizes),
            options,
            block: Block::new(),
            scratch: Scratch::new(),
            state: None,
            tally: Some(Tally::new()),
            records: 0,
        }
    }

    /// How the input is encoded.
    #[must_use]
    pub fn format(&self) -> Format {
        self.blocks.format()
    }

    /// Records given out so far.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Reads the next record; `false` at the end. Appends problems: those that stand before the record or in it, and at
    /// the end those that concern the input as a whole.
    ///
    /// # Errors
    /// The input cannot be read further. What was given out so far is good.
    pub fn next(&mut self, record: &mut Record, problems: &mut Vec<Problem>) -> Result<bool, ReadError> {
        loop {
            if self.state.is_none() && !self.blocks.next(&mut self.block)? {
                record.clear();
                if let Some(tally) = self.tally.take() {
                    problems.extend(tally.finish());
                }
                return Ok(false);
            }
            let view = self.block.view();
            let mut parser = match self.state.take() {
                Some(state) => BlockParser::resume(view, &self.options, &mut self.scratch, state),
                None => BlockParser::of_view(view, &self.options, &mut self.scratch),
            };
            if parser.next(record, problems) {
                self.state = Some(parser.into_state());
                self.records += 1;
                return Ok(true);
            }
            if let Some(tally) = &mut self.tally {
                tally.merge(parser.into_tally());
            }
        }
    }
}
