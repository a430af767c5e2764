//! Where a record certainly starts.
//!
//! A line that begins with `dn:` (any case, blanks before the colon) always starts a record: a folded line would begin
//! with a space, and base64 has no colon. So the input can be cut there without having been parsed. If a blank line
//! stands before it, with nothing between but comments, a `version:` line or a number (all of which belong to the record
//! that follows), the cut is made right behind that blank line. Otherwise the blank line is missing; the cut is made at
//! the `dn:` itself, and the parser of the block is told, because it must warn.
//!
//! All positions are bytes into a buffer of raw input that starts at a line start; for UTF-16 they are even.

use super::encoding::{Encoding, Format, LineEnd};
use memchr::{memchr, memchr2, memrchr, memrchr2};

/// Units that must be visible behind a line start before it can be judged: `dn`, up to eight blanks, the colon.
const LOOK_UNITS: usize = 11;

/// A place to cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// Bytes before the cut.
    pub(super) at: usize,
    /// A blank line stands before the record.
    pub(super) after_blank: bool,
}

/// Finds cuts in raw bytes of one format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cutter {
    width: usize,
    high_first: bool,
    cr: bool,
}

impl Cutter {
    pub(super) fn new(format: Format) -> Self {
        Cutter {
            width: format.encoding.width(),
            high_first: format.encoding == Encoding::Utf16Be,
            cr: format.line_end == LineEnd::Cr,
        }
    }

    /// Bytes that must be visible behind a line start before it can be judged.
    pub(super) fn look(self) -> usize {
        LOOK_UNITS * self.width
    }

    /// The ASCII character at a position; 0xFF for any other; `None` at the end.
    fn unit(self, buf: &[u8], at: usize) -> Option<u8> {
        if self.width == 1 {
            return buf.get(at).copied();
        }
        let pair = [*buf.get(at)?, *buf.get(at + 1)?];
        let unit = if self.high_first { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
        Some(u8::try_from(unit).unwrap_or(0xFF))
    }

    fn is_end(self, unit: u8) -> bool {
        unit == b'\n' || (self.cr && unit == b'\r')
    }

    /// Behind the line end at this position: CRLF is one line end, also in a CR file.
    fn behind(self, buf: &[u8], end: usize) -> usize {
        let next = end + self.width;
        if self.cr && self.unit(buf, end) == Some(b'\r') && self.unit(buf, next) == Some(b'\n') {
            next + self.width
        } else {
            next
        }
    }

    /// The start of the line behind the first line end at or behind `from`.
    fn next_line(self, buf: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let rest = buf.get(at..)?;
            let found = at + if self.cr { memchr2(b'\n', b'\r', rest) } else { memchr(b'\n', rest) }?;
            let start = found & !(self.width - 1);
            if self.unit(buf, start).is_some_and(|u| self.is_end(u)) {
                return Some(self.behind(buf, start));
            }
            at = found + 1;
        }
    }

    /// The start of the last line that starts at or before `to` (and behind the start of the buffer).
    fn last_line(self, buf: &[u8], to: usize) -> Option<usize> {
        let mut end = to.min(buf.len());
        loop {
            let head = buf.get(..end)?;
            let found = if self.cr { memrchr2(b'\n', b'\r', head) } else { memrchr(b'\n', head) }?;
            let start = found & !(self.width - 1);
            if self.unit(buf, start).is_some_and(|u| self.is_end(u)) {
                let behind = self.behind(buf, start);
                if behind <= to {
                    return Some(behind);
                }
            }
            end = found;
        }
    }

    /// The start of the logical line that `to` lies in: no fold, as far as one line shows.
    pub(super) fn logical_start(self, buf: &[u8], to: usize) -> usize {
        let mut to = to;
        while let Some(at) = self.last_line(buf, to) {
            if !matches!(self.unit(buf, at), Some(b' ' | b'\t')) {
                return at;
            }
            to = at - self.width;
        }
        0
    }

    /// Does a record start at this line start?
    pub(super) fn is_dn(self, buf: &[u8], at: usize) -> bool {
        let w = self.width;
        if !matches!(self.unit(buf, at), Some(b'd' | b'D'))
            || !matches!(self.unit(buf, at + w), Some(b'n' | b'N'))
        {
            return false;
        }
        for i in 2..LOOK_UNITS {
            match self.unit(buf, at + i * w) {
                Some(b' ' | b'\t') => {}
                Some(b':') => return true,
                _ => return false,
            }
        }
        false
    }

    /// Behind byte order marks and 0x1A at a line start, which the parser skips as well.
    fn skip_marks(self, buf: &[u8], start: usize, next: usize) -> usize {
        let mut at = start;
        while at < next {
            let bytes = buf.get(at..next).unwrap_or_default();
            let bom: &[u8] = match (self.width, self.high_first) {
                (1, _) => b"\xEF\xBB\xBF",
                (_, false) => b"\xFF\xFE",
                (_, true) => b"\xFE\xFF",
            };
            if bytes.starts_with(bom) {
                at += bom.len();
            } else if self.unit(buf, at) == Some(0x1A) {
                at += self.width;
            } else {
                break;
            }
        }
        at
    }

    /// The line that starts at `start` and whose line end stands before `next`, classified by its content.
    fn line_kind(self, buf: &[u8], start: usize, next: usize) -> Line {
        let w = self.width;
        let start = self.skip_marks(buf, start, next);
        let first = match self.unit(buf, start) {
            Some(first) if start < next => first,
            _ => return Line::Empty,
        };
        if first == b'#' {
            return Line::Comment;
        }
        let mut units = (start..next).step_by(w).filter_map(|at| self.unit(buf, at));
        let not_end = |u: &u8| !matches!(u, b'\n' | b'\r');
        match first {
            b'\n' => Line::Empty,
            b'\r' => {
                // CRLF, or in a CR file the CR of an empty line.
                if units.all(|u| !not_end(&u)) { Line::Empty } else { Line::Other }
            }
            b' ' | b'\t' => {
                if units.filter(not_end).all(|u| matches!(u, b' ' | b'\t')) {
                    Line::Blanks
                } else {
                    Line::Continuation
                }
            }
            b'0'..=b'9' => {
                if units.filter(not_end).all(|u| u.is_ascii_digit()) {
                    Line::Prelude
                } else {
                    Line::Other
                }
            }
            b'v' | b'V' => {
                let head: Vec<u8> = units.take(8).map(|u| u.to_ascii_lowercase()).collect();
                if head == b"version:" { Line::Prelude } else { Line::Other }
            }
            _ => Line::Other,
        }
    }

    /// Where to cut for the record whose `dn:` line starts at `dn`.
    fn look_back(self, buf: &[u8], dn: usize) -> Cut {
        let uncertain = Cut { at: dn, after_blank: false };
        let mut start = dn; // of the line that was looked at last, belongs to the record
        let mut below = dn; // the line above this position is looked at next
        let mut direct = true; // that line stands directly above the `dn:` (or above other blank lines)
        let mut pending = false; // continuation lines were seen that need a comment above them
        let mut blanks = false; // lines of blanks were seen, which continue what stands above them
        while below > 0 {
            let above = self.last_line(buf, below - self.width).unwrap_or(0);
            match self.line_kind(buf, above, below) {
                Line::Empty if pending => return uncertain,
                Line::Empty => {
                    return Cut { at: start, after_blank: true };
                }
                Line::Blanks if direct => {
                    return Cut { at: start, after_blank: true };
                }
                Line::Blanks => blanks = true,
                Line::Continuation => pending = true,
                Line::Comment => {
                    (pending, blanks) = (false, false);
                    start = above;
                }
                Line::Prelude if !pending && !blanks => start = above,
                Line::Prelude | Line::Other => return uncertain,
            }
            direct = false;
            below = above;
        }
        // The start of the buffer: a block starts behind a blank line or at a `dn:`, so nothing was cut off above.
        if pending { uncertain } else { Cut { at: start, after_blank: true } }
    }

    /// The first line at or behind the line start `from` that starts a record and starts at or before `to`; else a line
    /// start from which to go on when more can be seen.
    pub(super) fn first_dn(self, buf: &[u8], from: usize, to: usize) -> Result<usize, usize> {
        let mut at = from;
        while at <= to {
            if self.is_dn(buf, at) {
                return Ok(at);
            }
            let passed = self.pass(buf, at, to);
            match self.next_line(buf, passed) {
                Some(next) => at = next,
                None => return Err(self.last_line(buf, passed).map_or(at, |line| line.max(at))),
            }
        }
        Err(at)
    }

    /// The last cut for a record whose `dn:` line starts behind `min` and at or before `max`. A cut behind a blank line
    /// is preferred to a later one where it is missing.
    pub(super) fn last_cut(self, buf: &[u8], min: usize, max: usize) -> Option<Cut> {
        let mut uncertain = None;
        let mut to = max;
        while let Some(at) = self.last_line(buf, self.pass_back(buf, to)) {
            if at <= min {
                break;
            }
            if self.is_dn(buf, at) {
                let cut = self.look_back(buf, at);
                if cut.at > min {
                    if cut.after_blank {
                        return Some(cut);
                    }
                    uncertain = uncertain.or(Some(cut));
                }
            }
            to = at - self.width;
        }
        uncertain
    }

    /// The first cut for a record whose `dn:` line starts at a line start behind `from` and at or before `to`.
    /// Also says where to go on looking when there is none yet.
    pub(super) fn first_cut(self, buf: &[u8], from: usize, min: usize, to: usize) -> Result<Cut, usize> {
        let mut at = from;
        loop {
            at = self.pass(buf, at, to);
            let Some(next) = self.next_line(buf, at) else { break };
            if next > to {
                return Err(at);
            }
            if next > min && self.is_dn(buf, next) {
                let cut = self.look_back(buf, next);
                if cut.at > min {
                    return Ok(cut);
                }
            }
            at = next;
        }
        // The line end was not seen yet: go on near the end, never again from the start of a long line.
        Err(at.max(to & !(self.width - 1)))
    }

    /// Passes over pieces in which no line starts that could start a record: all that start behind `from` and not
    /// behind the place returned, which is not behind `to`. A value folded after every letter has millions of lines.
    fn pass(self, buf: &[u8], from: usize, to: usize) -> usize {
        let mut at = from;
        while self.is_plain() && at + PIECE <= to {
            match buf.get(at..at + PIECE + 2) {
                Some(piece) if !holds_dn(piece) => at += PIECE,
                _ => break,
            }
        }
        at
    }

    /// The same towards the start: all lines that start at or before `from` and behind the place returned.
    fn pass_back(self, buf: &[u8], from: usize) -> usize {
        let mut at = from.min(buf.len());
        while self.is_plain() && at > PIECE {
            let end = (at + 2).min(buf.len());
            if holds_dn(buf.get(at - PIECE..end).unwrap_or(buf)) {
                break;
            }
            at -= PIECE;
        }
        at
    }

    /// Whether every line end is a line feed of one byte.
    fn is_plain(self) -> bool {
        self.width == 1 && !self.cr
    }

    /// The start of the second line.
    pub(super) fn first_line(self, buf: &[u8]) -> Option<usize> {
        self.next_line(buf, 0)
    }

    /// Does a line end stand directly before this position?
    pub(super) fn at_line_start(self, buf: &[u8], at: usize) -> bool {
        at >= self.width && self.unit(buf, at - self.width).is_some_and(|u| self.is_end(u))
    }

    /// How many lines end in these bytes.
    pub(super) fn lines(self, buf: &[u8]) -> u64 {
        let count = if self.width == 1 && !self.cr {
            line_ends(buf)
        } else {
            let w = self.width;
            let ends = |byte: u8| {
                memchr::memchr_iter(byte, buf)
                    .filter(move |at| w == 1 || self.unit(buf, at & !1) == Some(byte))
            };
            let cr = if self.cr {
                ends(b'\r')
                    .filter(|at| self.unit(buf, (at & !(self.width - 1)) + self.width) != Some(b'\n'))
                    .count()
            } else {
                0
            };
            ends(b'\n').count() + cr
        };
        count as u64
    }
}

/// Bytes that are looked at as a whole.
const PIECE: usize = 256;

/// Whether a `d` and an `n`, of any case, stand behind an LF.
fn holds_dn(bytes: &[u8]) -> bool {
    let [second, third] = [1, 2].map(|from| bytes.get(from..).unwrap_or_default());
    let threes = bytes.iter().zip(second).zip(third);
    let any = threes.fold(0, |any, ((end, d), n)| {
        any | u8::from((*end == b'\n') & (d | 0x20 == b'd') & (n | 0x20 == b'n'))
    });
    any != 0
}

/// How many LFs there are: counted in lanes of a byte, which is twice as fast as adding up what each vector holds.
pub(super) fn line_ends(buf: &[u8]) -> usize {
    const LANES: usize = 64;
    // A lane holds no more.
    let pieces = buf.chunks(LANES * u8::MAX as usize);
    pieces
        .map(|piece| {
            let (vectors, rest) = piece.as_chunks::<LANES>();
            let mut lanes = [0_u8; LANES];
            for vector in vectors {
                lanes.iter_mut().zip(vector).for_each(|(lane, byte)| *lane += u8::from(*byte == b'\n'));
            }
            lanes.iter().map(|lane| usize::from(*lane)).sum::<usize>()
                + rest.iter().filter(|byte| **byte == b'\n').count()
        })
        .sum()
}

/// What a physical line can be above a `dn:` line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Empty,
    /// Only spaces or tabs: blank when `dn:` follows, else an empty continuation.
    Blanks,
    Comment,
    Continuation,
    /// A number or a `version:` line.
    Prelude,
    Other,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn cutter() -> Cutter {
        Cutter::new(Format::default())
    }

    #[test]
    fn cuts_behind_blank_lines_and_before_comments() {
        let text = b"dn: a\ncn: a\n\n# about b\n#  folded\n  more\nversion: 1\n2\ndn: b\ncn: b\n";
        let cut = cutter().last_cut(text, 0, text.len()).unwrap();
        assert_eq!(&text[..cut.at], b"dn: a\ncn: a\n\n");
        assert!(cut.after_blank);
    }

    #[test]
    fn a_missing_blank_line_cuts_at_the_dn() {
        for text in [&b"dn: a\ncn: a\nDN : b\ncn: b\n"[..], b"dn: a\ncn: a\n x\n# c\nDN : b\n"] {
            let cut = cutter().last_cut(text, 0, text.len()).unwrap();
            assert!(text[cut.at..].starts_with(b"DN : b"));
            assert!(!cut.after_blank);
        }
    }

    #[test]
    fn a_line_of_spaces_is_blank_only_directly_before_dn() {
        let text = b"dn: a\ncn: a\n \t\ndn: b\n";
        assert_eq!(cutter().last_cut(text, 0, text.len()), Some(Cut { at: 15, after_blank: true }));
        let text = b"dn: a\ncn: a\n \n# c\ndn: b\n";
        assert_eq!(cutter().last_cut(text, 0, text.len()).map(|c| c.after_blank), Some(false));
    }

    #[test]
    fn the_first_record_is_no_cut_and_folded_dn_is_none() {
        for text in
            [&b"# c\ndn: a\n"[..], b"dn: a\ncn: x\n dn: b\n", b"dn: a\ndna: b\n", b"dn: a\nd\n n: b\n"]
        {
            assert_eq!(cutter().last_cut(text, 0, text.len()).filter(|c| c.at > 4), None);
        }
    }

    #[test]
    fn utf16_line_ends_need_both_bytes() {
        // U+0A0A and U+010A hold the byte 0x0A without being a line end.
        let text = "dn: a\ncn: \u{0A0A}\u{010A}dn: x\n\ndn: b\n";
        for high_first in [false, true] {
            let raw: Vec<u8> = text
                .encode_utf16()
                .flat_map(|u| if high_first { u.to_be_bytes() } else { u.to_le_bytes() })
                .collect();
            let encoding = if high_first { Encoding::Utf16Be } else { Encoding::Utf16Le };
            let cutter = Cutter::new(Format { encoding, ..Format::default() });
            assert_eq!(cutter.lines(&raw), 4);
            let cut = cutter.last_cut(&raw, 0, raw.len()).unwrap();
            assert_eq!(cut, Cut { at: 2 * "dn: a\ncn: xxdn: x\n\n".len(), after_blank: true });
            assert_eq!(cutter.first_cut(&raw, 0, 0, raw.len()), Ok(cut));
        }
    }

    #[test]
    fn every_line_end_counts() {
        for len in [0, 1, 63, 64, 65, 64 * 255, 64 * 255 + 1, 64 * 600 + 37] {
            assert_eq!(line_ends(&vec![b'\n'; len]), len);
            let some: Vec<u8> = (0..len).map(|at| if at % 7 == 3 { b'\n' } else { b'x' }).collect();
            assert_eq!(line_ends(&some), (len + 3) / 7);
        }
    }

    #[test]
    fn cr_files_cut_and_count() {
        let cutter = Cutter::new(Format { line_end: LineEnd::Cr, ..Format::default() });
        let text = b"dn: a\rcn: a\r\rdn: b\rcn: b\r\n";
        assert_eq!(cutter.last_cut(text, 0, text.len()), Some(Cut { at: 13, after_blank: true }));
        assert_eq!(cutter.lines(text), 5);
    }

    #[test]
    fn no_record_is_passed_over() {
        let mut state = 7_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        for round in 0..400 {
            let length = 2 * PIECE + next(4 * PIECE);
            let filler = b" x\nda:"[round % 6];
            let mut text = vec![filler; length];
            for _ in 0..next(6) {
                let at = next(length - 6);
                text[at..at + 5].copy_from_slice([b"\ndn: ", b"\nDN: ", b"\nDn :", b"\ndx: "][next(4)]);
            }
            let cutter = cutter();
            let starts: Vec<usize> =
                (1..length).filter(|at| text[at - 1] == b'\n' && cutter.is_dn(&text, *at)).collect();
            for _ in 0..20 {
                let from = next(length);
                let to = from + next(length - from + 1);
                let passed = cutter.pass(&text, from, to);
                assert!((from..=to).contains(&passed));
                assert!(!starts.iter().any(|at| (from + 1..=passed).contains(at)), "{from} to {passed}");
                let passed = cutter.pass_back(&text, from);
                assert!(passed <= from);
                assert!(!starts.iter().any(|at| (passed + 1..=from).contains(at)), "{from} back to {passed}");
            }
        }
    }
}
