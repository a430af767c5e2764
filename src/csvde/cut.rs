//! Where a row ends, in raw bytes.
//!
//! A line end inside of quotes is part of a cell. Quotes are the only thing that must be known for that, and a quote means
//! something only at the start of a cell and inside of a quoted one, so the scan jumps from quote to quote and from line end
//! to line end. It agrees with csv-core, which reads the cells later. Line ends are LF, CRLF and CR, as they are there.

use crate::ldif::Encoding;
use memchr::{memchr, memchr3};

/// How far a row was scanned. Positions are bytes into the buffer; for UTF-16 they are even.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Everything before was looked at.
    pub(super) at: usize,
    /// Inside of quotes.
    pub(super) inside: bool,
}

/// A row that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// Behind its line end.
    pub(super) behind: usize,
    /// The line end is a CR alone, which is not counted with the LFs.
    pub(super) cr: bool,
}

/// Finds row ends in raw bytes of one encoding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanner {
    encoding: Encoding,
}

impl Scanner {
    pub(super) fn new(encoding: Encoding) -> Self {
        Scanner { encoding }
    }

    /// Bytes of one character of ASCII.
    pub(super) fn width(self) -> usize {
        self.encoding.width()
    }

    /// The ASCII character at a position; 0xFF for any other; `None` where not enough is there.
    pub(super) fn unit(self, buf: &[u8], at: usize) -> Option<u8> {
        let pair = |order: fn([u8; 2]) -> u16| {
            let unit = order([*buf.get(at)?, *buf.get(at + 1)?]);
            Some(u8::try_from(unit).unwrap_or(0xFF))
        };
        match self.encoding {
            Encoding::Utf8 => buf.get(at).copied(),
            Encoding::Utf16Le => pair(u16::from_le_bytes),
            Encoding::Utf16Be => pair(u16::from_be_bytes),
        }
    }

    /// The end of the row that starts at `row`, from where the scan is. `None`: what is there does not show it; the scan
    /// says from where to go on when more is there.
    pub(super) fn end(self, buf: &[u8], row: usize, scan: &mut Scan, whole: bool) -> Option<End> {
        let w = self.width();
        loop {
            let Some((at, unit)) = self.next(buf, *scan) else {
                // The last unit may be half there.
                scan.at = scan.at.max(buf.len() & !(w - 1));
                return None;
            };
            let behind = at + w;
            let next = self.unit(buf, behind);
            if next.is_none() && !whole && (scan.inside || unit == b'\r') {
                // What follows decides.
                scan.at = at;
                return None;
            }
            scan.at = behind;
            match unit {
                b'"' if scan.inside => {
                    if next == Some(b'"') {
                        scan.at = behind + w;
                    } else {
                        scan.inside = false;
                    }
                }
                b'"' => {
                    let before = at.checked_sub(w).and_then(|at| self.unit(buf, at));
                    scan.inside = before == Some(b',') || at == self.behind_marks(buf, row, at);
                }
                b'\r' if next == Some(b'\n') => {
                    scan.at = behind + w;
                    return Some(End { behind: behind + w, cr: false });
                }
                end => return Some(End { behind, cr: end == b'\r' }),
            }
        }
    }

    /// Behind byte order marks at a row start, which are no part of the row: files with one were put behind each other.
    pub(super) fn behind_marks(self, buf: &[u8], row: usize, to: usize) -> usize {
        let mark = self.encoding.mark();
        let mut at = row;
        while at < to && buf.get(at..to).unwrap_or_default().starts_with(mark) {
            at += mark.len();
        }
        at
    }

    /// The next quote, or outside of quotes the next line end.
    fn next(self, buf: &[u8], scan: Scan) -> Option<(usize, u8)> {
        let mut from = scan.at;
        loop {
            let rest = buf.get(from..)?;
            let found =
                from + if scan.inside { memchr(b'"', rest) } else { memchr3(b'"', b'\n', b'\r', rest) }?;
            let at = found & !(self.width() - 1);
            match self.unit(buf, at)? {
                unit @ b'"' => return Some((at, unit)),
                unit @ (b'\n' | b'\r') if !scan.inside => return Some((at, unit)),
                _ => from = found + 1,
            }
        }
    }

    /// Behind the last separator before `to`: where a value starts that holds none.
    pub(super) fn value_start(self, buf: &[u8], to: usize) -> usize {
        let mut at = to & !(self.width() - 1);
        while at > 0 {
            at -= self.width();
            if matches!(self.unit(buf, at), Some(b',' | b';' | b'"')) {
                return at + self.width();
            }
        }
        0
    }

    /// LFs in these bytes.
    pub(super) fn lines(self, buf: &[u8]) -> u64 {
        let found = memchr::memchr_iter(b'\n', buf);
        let count = match self.encoding {
            Encoding::Utf8 => found.count(),
            _ => found.filter(|at| self.unit(buf, at & !1) == Some(b'\n')).count(),
        };
        count as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of a text, found in pieces of every size.
    fn rows(text: &str) -> Vec<String> {
        let all = |encoding: Encoding, raw: &[u8], step: usize| {
            let scanner = Scanner::new(encoding);
            let (mut found, mut row, mut scan) = (Vec::new(), 0, Scan::default());
            let mut seen = step.min(raw.len());
            loop {
                let whole = seen == raw.len();
                match scanner.end(&raw[..seen], row, &mut scan, whole) {
                    Some(end) => {
                        found.push(raw[row..end.behind].to_vec());
                        row = end.behind;
                    }
                    None if whole => break,
                    None => seen = (seen + step).min(raw.len()),
                }
            }
            found.push(raw[row..].to_vec());
            found
        };
        let plain = all(Encoding::Utf8, text.as_bytes(), 1000);
        for step in [1, 2, 3, 5] {
            assert_eq!(all(Encoding::Utf8, text.as_bytes(), step), plain, "{text:?} by {step}");
            for (encoding, bytes) in [
                (Encoding::Utf16Le, u16::to_le_bytes as fn(u16) -> [u8; 2]),
                (Encoding::Utf16Be, u16::to_be_bytes),
            ] {
                let wide = |text: &[u8]| -> Vec<u8> {
                    String::from_utf8_lossy(text).encode_utf16().flat_map(bytes).collect()
                };
                let expected: Vec<Vec<u8>> = plain.iter().map(|row| wide(row)).collect();
                assert_eq!(all(encoding, &wide(text.as_bytes()), step), expected, "{text:?} by {step}");
            }
        }
        plain.iter().map(|row| String::from_utf8_lossy(row).into_owned()).collect()
    }

    #[test]
    fn line_ends_of_every_kind() {
        assert_eq!(rows("a,b\nc\r\nd\re\n\nf"), ["a,b\n", "c\r\n", "d\r", "e\n", "\n", "f"]);
    }

    #[test]
    fn line_ends_in_quotes_are_part_of_a_cell() {
        assert_eq!(rows("a,\"b\nc\"\r\nd\n"), ["a,\"b\nc\"\r\n", "d\n", ""]);
        assert_eq!(rows("\"a\"\"\n\"\nb\n"), ["\"a\"\"\n\"\n", "b\n", ""]);
        assert_eq!(rows("a,\"\"\nb\n"), ["a,\"\"\n", "b\n", ""]);
        assert_eq!(rows("a,\"b\nc"), ["a,\"b\nc"]);
    }

    #[test]
    fn quotes_inside_of_plain_cells_are_data() {
        assert_eq!(rows("a,5\" disk\nb,\"c\"d\"e\nf\n"), ["a,5\" disk\n", "b,\"c\"d\"e\n", "f\n", ""]);
        assert_eq!(rows("a, \"b\nc\"\n"), ["a, \"b\n", "c\"\n", ""]);
        // But behind byte order marks a cell starts.
        assert_eq!(rows("a\n\u{FEFF}\u{FEFF}\"b\nc\"\n"), ["a\n", "\u{FEFF}\u{FEFF}\"b\nc\"\n", ""]);
    }

    #[test]
    fn other_characters_with_these_bytes_are_none_of_these() {
        // U+0A22, U+220A, U+0D0A hold the bytes of a quote and of line ends.
        assert_eq!(
            rows("a,\u{0A22}\u{220A}\u{0D0A}\nb"),
            ["a,\u{0A22}\u{220A}\u{0D0A}\n".to_owned(), "b".to_owned()]
        );
    }
}
