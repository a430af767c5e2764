//! A CSV table with a header, however a spreadsheet wrote it.

use crate::input::files::utf16_to_utf8;

/// Largest table that is read: a million rows of file name and address.
const MAX_TABLE: usize = 256 * 1024 * 1024;

/// Why a table cannot be used. Every message says where and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// Nothing in it.
    #[error("the table is empty; the first line must be a header such as `file,address`")]
    Empty,
    /// Too large to be one.
    #[error("the table has {0} bytes; at most {MAX_TABLE} are read")]
    TooLarge(usize),
    /// Not UTF-8.
    #[error("line {line} is not UTF-8; save the table as `CSV UTF-8`")]
    NotUtf8 {
        /// Line, from 1.
        line: u64,
    },
    /// Not CSV.
    #[error("line {line} cannot be read as CSV ({message}); check its quotes")]
    Csv {
        /// Line, from 1.
        line: u64,
        /// What the CSV reader said.
        message: String,
    },
    /// A column is missing.
    #[error("the header has no column {expected}; it has: {found}")]
    NoColumn {
        /// What was looked for.
        expected: &'static str,
        /// The header as it was read.
        found: String,
    },
    /// Two columns of one meaning.
    #[error("the header has two columns for {expected}: {first} and {second}; keep one")]
    TwoColumns {
        /// What was looked for.
        expected: &'static str,
        /// The first.
        first: String,
        /// The second.
        second: String,
    },
    /// No address in a row.
    #[error("line {line}: `{found}` is not an e-mail address")]
    Address {
        /// Line, from 1.
        line: u64,
        /// What stands there.
        found: String,
    },
    /// An address without anything that it belongs to.
    #[error("line {line} has an address, but names nothing that it belongs to")]
    NoKey {
        /// Line, from 1.
        line: u64,
    },
    /// A thumbprint of the wrong length.
    #[error("line {line}: the thumbprint `{found}` has {digits} digits; SHA-1 has 40, SHA-256 has 64")]
    Thumbprint {
        /// Line, from 1.
        line: u64,
        /// What stands there.
        found: String,
        /// Its hex digits.
        digits: usize,
    },
    /// Neither DN, GUID nor address.
    #[error("line {line}: `{found}` is neither a DN, an objectGUID nor an e-mail address")]
    Recipient {
        /// Line, from 1.
        line: u64,
        /// What stands there.
        found: String,
    },
    /// Two rows say different things.
    #[error("line {line} says that `{key}` is {second}, line {first_line} says {first}; remove one")]
    Disagree {
        /// Line of the second row, from 1.
        line: u64,
        /// The name that both rows have.
        key: String,
        /// Line of the first row.
        first_line: u64,
        /// Address of the first row.
        first: String,
        /// Address of the second row.
        second: String,
    },
}

/// Header and rows, each with its line.
#[derive(Debug)]
pub(super) struct Table {
    header: Vec<String>,
    pub(super) rows: Vec<(u64, Vec<String>)>,
}

/// Reads a table: UTF-8 with or without byte order mark, or UTF-16; columns parted by `,`, `;` or tabs,
/// whichever the header has most of.
pub(super) fn read_table(bytes: &[u8]) -> Result<Table, MapError> {
    if bytes.len() > MAX_TABLE {
        return Err(MapError::TooLarge(bytes.len()));
    }
    let wide = utf16_to_utf8(bytes);
    let bytes = wide.as_deref().unwrap_or(bytes);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        MapError::NotUtf8 { line: 1 + before.iter().filter(|b| **b == b'\n').count() as u64 }
    })?;
    // Excel may put the separator on a line of its own.
    let (declared, text, skipped) = match text.get(..5).filter(|t| t.to_ascii_lowercase().starts_with("sep="))
    {
        Some(line) => {
            let end = text.find('\n').map_or(text.len(), |n| n + 1);
            (line.as_bytes().get(4).copied(), text.get(end..).unwrap_or_default(), 1)
        }
        None => (None, text, 0),
    };
    let first = text.lines().find(|line| !line.trim().is_empty()).ok_or(MapError::Empty)?;
    let count = |separator: char| first.matches(separator).count();
    let guessed = [',', ';', '\t'].into_iter().rev().max_by_key(|s| count(*s)).map_or(b',', |s| s as u8);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(declared.unwrap_or(guessed))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 + skipped };
    let mut records = reader.records().map(|record| {
        let record = record.map_err(|error| MapError::Csv {
            line: error.position().map_or(0, |p| p.line()) + skipped,
            message: error.to_string(),
        })?;
        let line = lines.of(record.position().map_or(0, |p| p.byte()));
        Ok((line, record.iter().map(str::to_owned).collect::<Vec<_>>()))
    });
    let (_, header) = records.next().ok_or(MapError::Empty)??;
    Ok(Table { header, rows: records.collect::<Result<_, _>>()? })
}

/// Lines by byte offset. The CSV reader's own count is behind by one after CR LF.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    fn of(&mut self, offset: u64) -> u64 {
        let mut end = usize::try_from(offset).unwrap_or(usize::MAX).min(self.text.len()).max(self.at);
        while matches!(self.text.get(end), Some(b'\r' | b'\n')) {
            end += 1; // line ends before the record belong to what came before
        }
        let passed = self.text.get(self.at..end).unwrap_or_default();
        self.line += passed.iter().filter(|b| **b == b'\n').count() as u64;
        self.at = end;
        self.line
    }
}

impl Table {
    /// The columns whose header is one of `names`.
    fn matching(&self, names: &[&str]) -> Vec<usize> {
        let plain = |h: &String| -> String {
            h.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let fits = |h: &String| names.contains(&plain(h).as_str());
        self.header.iter().enumerate().filter(|(_, h)| fits(h)).map(|(i, _)| i).collect()
    }

    /// The one column with such a header.
    pub(super) fn column(&self, names: &[&str], expected: &'static str) -> Result<usize, MapError> {
        let name = |i: &usize| self.header.get(*i).cloned().unwrap_or_default();
        match &self.matching(names)[..] {
            [column] => Ok(*column),
            [a, b, ..] => Err(MapError::TwoColumns { expected, first: name(a), second: name(b) }),
            [] => Err(self.missing(expected)),
        }
    }

    /// All columns with such a header, at least one.
    pub(super) fn columns(&self, names: &[&str], expected: &'static str) -> Result<Vec<usize>, MapError> {
        let found = self.matching(names);
        if found.is_empty() { Err(self.missing(expected)) } else { Ok(found) }
    }

    fn missing(&self, expected: &'static str) -> MapError {
        MapError::NoColumn { expected, found: self.header.join(", ") }
    }
}
