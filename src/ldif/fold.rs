//! The text of a folded line, joined in a buffer that is reused from line to line.
//!
//! Lines of one width, as long base64 values have them, are found and copied together: nothing is searched for in them.

use super::cut::line_ends;
use super::limits;

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
        if self.bytes.len() < to {
            let target = to.max(self.bytes.len() + self.bytes.len().min(limits::GROWTH));
            // Exactly: doubling would hold twice the largest record.
            self.bytes.reserve_exact(target - self.bytes.len());
            self.bytes.resize(target, 0);
        }
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
