//! The text of a folded line, joined in a buffer that is reused from line to line.
//!
//! Lines of one width, as long base64 values have them, are found and copied together: nothing is searched for in them.

use super::buffer::grow;
use super::cut::line_ends;

/// Joined text.
#[derive(Debug, Clone, Default)]
pub(super) struct Fold {
    /// Only the first `used` bytes count. The others were zeroed once in the life of the buffer, not once a line.
    bytes: Vec<u8>,
    used: usize,
}

impl Fold {
    /// Empties it; the buffer stays.
    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// What was joined so far.
    pub(super) fn text(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }

    /// Adds text.
    pub(super) fn push(&mut self, text: &[u8]) {
        self.room(text.len()).copy_from_slice(text);
    }

    /// Adds the continuation lines of one width that `rest` begins with, and gives their bytes. It is a guess: whoever
    /// takes it must see that the text holds neither blanks nor line ends.
    pub(super) fn push_lines(&mut self, rest: &[u8], width: Width) -> usize {
        let added = width.content - 1;
        let mut taken = 0;
        loop {
            let space = self.room(LINES * added).chunks_exact_mut(added);
            let lines = width.lines(rest.get(taken..).unwrap_or_default()).zip(space);
            let count = match added {
                COMMON..=COMMON_MOST => lines.map(|(line, space)| copy_common(line, space)).count(),
                _ => lines.map(|(line, space)| space.copy_from_slice(line)).count(),
            };
            taken += count * width.whole;
            self.used -= (LINES - count) * added;
            if count < LINES {
                return taken;
            }
        }
    }

    /// So many bytes more.
    fn room(&mut self, more: usize) -> &mut [u8] {
        let (from, to) = (self.used, self.used + more);
        grow(&mut self.bytes, to);
        self.used = to;
        self.bytes.get_mut(from..to).unwrap_or_default()
    }
}

/// Lines that room is made for at a time.
const LINES: usize = 64;

/// What nearly all programs fold at: 76 to 80 bytes.
const COMMON: usize = 64;
const COMMON_MOST: usize = COMMON + 16;

/// Copies a text of such a width as two pieces that may overlap: what has a constant size is copied without a call.
#[inline]
fn copy_common(from: &[u8], to: &mut [u8]) {
    if let (Some(from), Some(to)) = (from.first_chunk::<COMMON>(), to.first_chunk_mut::<COMMON>()) {
        *to = *from;
    }
    if let (Some(from), Some(to)) = (from.last_chunk::<16>(), to.last_chunk_mut::<16>()) {
        *to = *from;
    }
}

/// The width of a continuation line. Whether those that follow are as wide is told by where their line ends stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Width {
    /// Bytes with the leading space.
    content: usize,
    /// The same with the line end.
    whole: usize,
    crlf: bool,
}

impl Width {
    /// The width of the continuation line that stands from `start` to `next` and whose content ends at `end`; `None` if
    /// nothing can be guessed from it.
    #[inline]
    pub(super) fn of(text: &[u8], start: usize, end: usize, next: usize) -> Option<Self> {
        let crlf = match text.get(end..next) {
            Some(b"\n") => false,
            Some(b"\r\n") => true,
            _ => return None,
        };
        let content = end - start;
        (content > 1).then_some(Width { content, whole: next - start, crlf })
    }

    /// The texts of the lines of this width that `rest` begins with, if line ends stand only where the width says.
    #[inline]
    fn lines(self, rest: &[u8]) -> impl Iterator<Item = &[u8]> {
        rest.chunks_exact(self.whole).map_while(move |line| {
            let (body, line_end) = line.split_at_checked(self.content)?;
            let [b' ', text @ ..] = body else { return None };
            let ends = line_end.last() == Some(&b'\n') && (!self.crlf || line_end.first() == Some(&b'\r'));
            ends.then_some(text)
        })
    }

    /// Bytes of the lines of this width that `rest` begins with, of those only that need no second look; `None` if a line
    /// end stands in one of them.
    pub(super) fn pass(self, rest: &[u8]) -> Option<usize> {
        let plain = |text: &&[u8]| {
            // A `\r` before a lone LF would belong to the text of a guess.
            !matches!(text.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')) && text.last() != Some(&b'\r')
        };
        let count = self.lines(rest).take_while(plain).count();
        let lines = rest.get(..count * self.whole).unwrap_or_default();
        (line_ends(lines) == count).then_some(lines.len())
    }

    /// How many lines so many bytes are.
    pub(super) fn count(self, bytes: usize) -> u64 {
        (bytes / self.whole) as u64
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::ldif::{Options, Reader, Record, Wanted};

    /// The values of one record, with their lines; `None` for what was not wanted.
    fn read(text: &[u8], wanted: Wanted) -> Vec<(u64, Option<Vec<u8>>)> {
        let options = Options { wanted, ..Options::default() };
        let mut reader = Reader::new(text, options).unwrap();
        let mut record = Record::new();
        assert!(reader.next(&mut record, &mut Vec::new()).unwrap());
        record.attributes().map(|one| (one.line(), one.bytes().map(<[u8]>::to_vec))).collect()
    }

    #[test]
    fn lines_of_every_width_are_joined_and_passed_by() {
        for end in ["\n", "\r\n"] {
            for width in 1..100 {
                // More lines than room is made for at a time.
                let lines = 4 * super::LINES / 3;
                let value = "QUJD".repeat(width * lines / 4);
                let mut text = format!("dn: cn=a{end}photo:: ");
                for (at, line) in value.as_bytes().chunks(width).enumerate() {
                    let blank = if at > 0 { " " } else { "" };
                    text += &format!("{blank}{}{end}", str::from_utf8(line).unwrap());
                }
                text += &format!("cn: b{end}");
                let behind = 2 + value.len().div_ceil(width) as u64;
                let (photo, cn) = ("ABC".repeat(value.len() / 4).into_bytes(), b"b".to_vec());
                let all = read(text.as_bytes(), Wanted::All);
                assert_eq!(all, [(2, Some(photo)), (behind, Some(cn.clone()))], "{width}");
                let only = read(text.as_bytes(), Wanted::Only(vec!["cn".into()]));
                assert_eq!(only, [(2, None), (behind, Some(cn))], "{width}");
            }
        }
    }

    #[test]
    fn line_ends_that_stand_elsewhere_are_found() {
        // Behind the second line, line ends stand where the width says, and elsewhere too.
        for (folds, value) in [
            (&b" QUJD\n Q\n U\n JD\n"[..], &b"ABCABCABC"[..]),
            (b" QUJD\n QUJD\n Q\n U\n JDQ\n UJD\n", b"ABCABCABCABCABC"),
            // Another attribute in what looks like a line of that width.
            (b" QUJDQUJD\n QUJDQUJD\n QQ==\nx:1\n", b"ABCABCABCABCABCA"),
        ] {
            let text = [b"dn: cn=a\nphoto:: QUJD\n", folds, b"cn: b\n"].concat();
            let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
            for wanted in [Wanted::All, Wanted::Only(vec!["cn".into()])] {
                let values = read(&text, wanted.clone());
                assert_eq!(values.last().unwrap(), &(lines, Some(b"b".to_vec())), "{folds:?}");
                if wanted == Wanted::All {
                    assert_eq!(values[0].1.as_deref(), Some(value), "{folds:?}");
                }
            }
        }
    }
}
