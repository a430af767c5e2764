//! Reading an input from start to end in one go.

use super::Headers;
use super::blocks::{Block, Blocks};
use super::parser::{RowParser, Scratch, State};
use crate::ldif::{BlockOptions, Detected, Foreign, Format, Options, Problem, Record, Sniffed, Tally, sniff};
use std::io::{self, Read};

/// Why an input cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The input cannot be read.
    #[error("cannot read the input: {0}")]
    Io(#[from] io::Error),
    /// The input is something else, by its name.
    #[error("this is not a csvde export but {0}")]
    NotCsvde(&'static str),
}

/// Reads rows one after the other: [`Blocks`], [`RowParser`] and [`Tally`] in sequence.
#[derive(Debug)]
pub struct Reader<R> {
    blocks: Blocks<R>,
    options: Options,
    block: Block,
    scratch: Scratch,
    state: Option<State>,
    tally: Option<Tally>,
}

impl<R: Read> Reader<Sniffed<R>> {
    /// A reader of an input from its first byte, with blocks and limits of the usual size.
    ///
    /// # Errors
    /// The input cannot be read, or is no csvde export.
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
            Detected::Csvde(format) => Ok(Self::of(reader, format, options, sizes)),
            Detected::Ldif(_) => Err(ReadError::NotCsvde("LDIF")),
            Detected::Other(Foreign::Empty) => Err(ReadError::NotCsvde("empty")),
            Detected::Other(other) => Err(ReadError::NotCsvde(other.name())),
        }
    }
}

impl<R: Read> Reader<R> {
    /// A reader of an input of which the format is known.
    #[must_use]
    pub fn of(reader: R, format: Format, options: Options, sizes: BlockOptions) -> Self {
        Reader {
            blocks: Blocks::new(reader, format, sizes),
            options,
            block: Block::default(),
            scratch: Scratch::default(),
            state: None,
            tally: Some(Tally::new()),
        }
    }

    /// Reads the next row; `false` at the end. Appends problems: those that stand before the row or in it, and at the end
    /// those that concern the input as a whole.
    ///
    /// # Errors
    /// The input cannot be read further. What was given out so far is good.
    pub fn next(&mut self, record: &mut Record, problems: &mut Vec<Problem>) -> io::Result<bool> {
        loop {
            if self.state.is_none() && !self.blocks.next(&mut self.block)? {
                record.clear();
                if let Some(tally) = self.tally.take() {
                    problems.extend(tally.finish());
                }
                return Ok(false);
            }
            let mut parser = match self.state.take() {
                Some(state) => RowParser::resume(&self.block, &self.options, &mut self.scratch, state),
                None => RowParser::new(&self.block, &self.options, &mut self.scratch),
            };
            if parser.next(record, problems) {
                self.state = Some(parser.into_state());
                return Ok(true);
            }
            if let Some(tally) = &mut self.tally {
                tally.merge(parser.into_tally());
            }
        }
    }

    /// The format, and the headers that were met, for reading a row again.
    pub fn into_parts(self) -> (Format, Headers) {
        let format = self.blocks.format();
        (format, self.blocks.into_parts().1)
    }
}
