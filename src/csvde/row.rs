//! The cells of a row, by csv-core.

use super::header::Header;
use super::limits;
use crate::ldif::Format;
use crate::ldif::buffer::lengthen;
use crate::ldif::encoding::decode;
use csv_core::ReadRecordResult;

/// Reads rows; its buffers are reused.
#[derive(Debug)]
pub(super) struct Cells {
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
    /// More than [`limits::COLUMNS`]; those are counted and not held.
    beyond: usize,
}

impl Default for Cells {
    fn default() -> Self {
        // Its table takes longer to make than a row to read, and a clone of it would be empty: keep it.
        Self { reader: csv_core::Reader::new(), text: Vec::new(), ends: Vec::new(), count: 0, beyond: 0 }
    }
}

impl Cells {
    /// Reads the row that a text starts with; gives what it takes up, with its line end. Of CRLF the LF may be left.
    pub(super) fn read(&mut self, text: &[u8]) -> usize {
        self.reader.reset();
        (self.count, self.beyond) = (0, 0);
        let (mut taken, mut written) = (0, 0);
        loop {
            let input = text.get(taken..).unwrap_or_default();
            let space = self.text.get_mut(written..).unwrap_or_default();
            // Behind the limit the last place is written over and over.
            let place = self.count.min(limits::COLUMNS);
            let ends = self.ends.get_mut(place..).unwrap_or_default();
            let (result, read, wrote, cells) = self.reader.read_record(input, space, ends);
            taken += read;
            written += wrote;
            self.count += cells;
            if self.count > limits::COLUMNS {
                self.beyond += self.count - limits::COLUMNS;
                self.count = limits::COLUMNS;
            }
            match result {
                // The end of the text is the end of the row: with no more input the reader closes it.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    // A row is never longer as cells than as text.
                    let more = (self.text.len() * 2).clamp(4096, text.len().max(4096) + 1);
                    let more = more.max(self.text.len() + 1);
                    lengthen(&mut self.text, more);
                }
                ReadRecordResult::OutputEndsFull => {
                    if self.ends.len() <= limits::COLUMNS {
                        self.ends.resize((self.ends.len() * 2).clamp(64, limits::COLUMNS + 1), 0);
                    }
                }
                ReadRecordResult::Record | ReadRecordResult::End => return taken,
            }
        }
    }

    /// How many cells the row has.
    pub(super) fn len(&self) -> usize {
        self.count + self.beyond
    }

    /// A cell by its number from 0; empty where there is none.
    pub(super) fn get(&self, at: usize) -> &[u8] {
        if at >= self.count {
            return &[];
        }
        let from = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(at).and_then(|to| self.text.get(from..*to)).unwrap_or_default()
    }

    /// The cells that are held.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count).map(|at| self.get(at))
    }

    /// A row of which all cells are blank says nothing; DOS tools put 0x1A into one.
    pub(super) fn is_blank(&self) -> bool {
        self.iter().all(|cell| cell.iter().all(|b| b.is_ascii_whitespace() || *b == 0x1A))
    }

    /// Gives back what a giant row took.
    pub(super) fn shrink(&mut self) {
        if self.text.len() > crate::ldif::limits::LARGE {
            self.text = Vec::new();
        }
    }
}

/// The header that a piece of raw bytes is.
pub(super) fn header(raw: &[u8], format: Format) -> Header {
    let (mut text, mut cells) = (Vec::new(), Cells::default());
    decode(raw, format, &mut text, &mut Default::default());
    cells.read(&text);
    Header::of(cells.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, usize) {
        let mut cells = Cells::default();
        let taken = cells.read(text.as_bytes());
        (cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(), taken)
    }

    #[test]
    fn cells_with_and_without_quotes() {
        assert_eq!(
            read("a,\"b,\"\"c\nd\",,e\r\nf"),
            (vec!["a".into(), "b,\"c\nd".into(), String::new(), "e".into()], 15)
        );
        assert_eq!(read("a,b"), (vec!["a".into(), "b".into()], 3));
        assert_eq!(read("a,\"b"), (vec!["a".into(), "b".into()], 4));
        assert_eq!(read("a,\n"), (vec!["a".into(), String::new()], 3));
    }

    #[test]
    fn rows_of_any_length_in_bounded_memory() {
        let long = "x".repeat(100_000);
        let lengths: Vec<usize> = read(&format!("{long},{long}\n")).0.iter().map(String::len).collect();
        assert_eq!(lengths, [100_000, 100_000]);
        let mut cells = Cells::default();
        cells.read(",".repeat(50_000).as_bytes());
        assert_eq!(
            (cells.len(), cells.iter().count(), cells.ends.len()),
            (50_001, limits::COLUMNS, limits::COLUMNS + 1)
        );
        assert!(cells.is_blank());
        assert_eq!(cells.get(49_999), b"");
    }
}
