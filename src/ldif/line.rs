//! From physical lines to logical lines: joining folds.
//!
//! A logical line that stands on one physical line is a slice of the text. A folded one is copied once, into a buffer
//! that is reused; one whose value nobody wants is not even copied. Long base64 values are folded at a constant width, so
//! the line ends are guessed from the width of the line before instead of being searched one by one. A guess that is wrong
//! takes a line end for text; that is seen on the way, and then they are searched.

use super::fold::{Fold, Width};
use super::problem::Code;
use memchr::memchr;

/// A logical line. Its text is `text[start..end]`, or the fold buffer if `folded`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Line {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) folded: bool,
    /// Line ends were guessed.
    pub(super) guessed: bool,
    /// Where its first colon stands, if that was seen on the first physical line.
    pub(super) colon: Option<usize>,
    /// Where the next logical line starts.
    pub(super) next: usize,
    /// Physical lines that it takes up.
    pub(super) lines: u64,
    /// Unusual folds, each with the number of the physical line within the logical one.
    pub(super) tab_fold: Option<u64>,
    pub(super) lost_fold: Option<u64>,
    /// A line of nothing but blanks at the end that adds blanks to the text.
    pub(super) blank_fold: Option<u64>,
}

/// The end of the physical line that starts at `at`: end of its content (without CR LF), start of the next line.
#[inline]
pub(super) fn physical(text: &[u8], at: usize) -> (usize, usize) {
    let rest = text.get(at..).unwrap_or_default();
    match memchr(b'\n', rest) {
        Some(0) => (at, at + 1),
        Some(n) if rest.get(n - 1) == Some(&b'\r') => (at + n - 1, at + n + 1),
        Some(n) => (at + n, at + n + 1),
        // The input ends between CR and LF. (Blocks end at line ends, so this is the end of the input.)
        None if rest.last() == Some(&b'\r') => (text.len() - 1, text.len()),
        None => (text.len(), text.len()),
    }
}

/// Is this line blank for sure: nothing in it (or only CRs, as a text that was converted twice has them)?
pub(super) fn is_empty(line: &[u8]) -> bool {
    line.iter().all(|&b| b == b'\r')
}

fn is_blanks(line: &[u8]) -> bool {
    line.iter().all(|&b| matches!(b, b' ' | b'\t'))
}

/// Does a record start at this line start: `dn`, blanks, a colon, folds between them or not?
pub(super) fn is_dn(text: &[u8], at: usize) -> bool {
    let mut rest = text.get(at..).unwrap_or_default();
    let mut read = 0;
    loop {
        rest = match (read, rest) {
            (0, [b'd' | b'D', rest @ ..]) | (1, [b'n' | b'N', rest @ ..]) => {
                read += 1;
                rest
            }
            (2, [b':', ..]) => return true,
            (2, [b' ' | b'\t', rest @ ..]) => rest,
            // A fold. (A line that starts with one is no line of its own.)
            (1 | 2, [b'\n', b' ' | b'\t', rest @ ..] | [b'\r', b'\n', b' ' | b'\t', rest @ ..]) => rest,
            _ => return false,
        };
    }
}

/// Does a record start at this line start, with nothing before its `dn:` but comments (which `ldapsearch` writes above
/// each record), its number or a `version:` line? Behind the comments, one more run of blank lines may stand.
fn record_follows(text: &[u8], from: usize, dn_follows: bool) -> bool {
    let dn_at = |at: usize| if at < text.len() { is_dn(text, at) } else { dn_follows };
    let (mut at, mut comment) = (from, false);
    while !dn_at(at) {
        if at >= text.len() {
            return false;
        }
        let (end, next) = physical(text, at);
        match text.get(at..end).unwrap_or_default() {
            [b'#', ..] => comment = true,
            [b' ' | b'\t', ..] if comment => {
                if let Some((behind, _)) = blank_run(text, at) {
                    return dn_at(behind);
                }
            }
            line @ [b'0'..=b'9', ..] if line.iter().all(u8::is_ascii_digit) => comment = false,
            line @ [b'v' | b'V', ..] if is_version_1(line) => comment = false,
            _ => return false,
        }
        at = next;
    }
    true
}

/// Is this the line `version: 1`?
pub(super) fn is_version_1(line: &[u8]) -> bool {
    let Ok(parts) = split(line, None) else {
        return false;
    };
    parts.kind == Kind::Plain
        && parts.value.trim_ascii() == b"1"
        && parts.name.eq_ignore_ascii_case(b"version")
}

/// Does the trailer of `ldapsearch` start here: `search: 2`, then `result: 0 Success`, then nothing that an entry could
/// go on with? It has a blank line before it unless somebody removed the blank lines.
pub(super) fn is_trailer(text: &[u8], at: usize, dn_follows: bool) -> bool {
    let line = |at: usize| {
        let (end, next) = physical(text, at);
        let parts = split(text.get(at..end).unwrap_or_default(), None).ok();
        (parts.filter(|parts| parts.kind == Kind::Plain), next)
    };
    let (Some(search), next) = line(at) else {
        return false;
    };
    if !search.name.eq_ignore_ascii_case(b"search")
        || search.value.is_empty()
        || !search.value.iter().all(u8::is_ascii_digit)
    {
        return false;
    }
    let (Some(result), mut next) = line(next) else {
        return false;
    };
    let code = result.value.split(|b| *b == b' ').next().unwrap_or_default();
    if !result.name.eq_ignore_ascii_case(b"result") || code.is_empty() || !code.iter().all(u8::is_ascii_digit)
    {
        return false;
    }
    // Byte order marks and 0x1A at a line start, which the parser skips.
    let mut marked = false;
    while let Some([0x1A, ..] | [0xEF, 0xBB, 0xBF, ..]) = text.get(next..) {
        next += if text.get(next) == Some(&0x1A) { 1 } else { 3 };
        marked = true;
    }
    let (end, _) = physical(text, next);
    let behind = text.get(next..end).unwrap_or_default();
    is_empty(behind)
        // A line of blanks that is a blank line, and not a fold: behind a mark there is nothing to continue.
        || blank_run(text, next)
            .is_some_and(|(behind, _)| marked || record_follows(text, behind, dn_follows))
        || behind.first() == Some(&b'#')
        || record_follows(text, next, dn_follows)
        || line(next).0.is_some_and(|parts| {
            ["matchedDN", "text", "ref", "control", "pagedresults"]
                .iter()
                .any(|name| parts.name.eq_ignore_ascii_case(name.as_bytes()))
        })
}

/// The end of a run of lines that hold only spaces or tabs, starting with one at `at`, and how many lines they are;
/// `None` if the line at `at` is none.
pub(super) fn blank_run(text: &[u8], at: usize) -> Option<(usize, u64)> {
    // Nearly every continuation line is ruled out by its second byte.
    match text.get(at + 1) {
        Some(b' ' | b'\t' | b'\n' | b'\r') | None => {}
        Some(_) => return None,
    }
    let (mut next, mut lines) = (at, 0);
    while let Some(b' ' | b'\t') = text.get(next) {
        let (end, behind) = physical(text, next);
        if !is_blanks(text.get(next..end).unwrap_or_default()) {
            break;
        }
        next = behind;
        lines += 1;
    }
    (lines > 0).then_some((next, lines))
}

/// Characters of the standard base64 alphabet and padding, as a table: most lines behind a value are looked at for them.
const BASE64: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0_u8);
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        byte += 1;
    }
    table
};

fn is_base64(byte: u8) -> bool {
    BASE64.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Characters of the standard base64 alphabet and padding, at least one.
fn is_pure_base64(line: &[u8]) -> bool {
    !line.is_empty() && line.iter().all(|&b| is_base64(b))
}

/// The first physical line of a logical one.
#[derive(Debug, Clone, Copy)]
pub(super) struct First<'t> {
    text: &'t [u8],
    start: usize,
    end: usize,
    next: usize,
    /// Where its first colon stands. Where the first line shows it, it need not be looked for in the joined text.
    colon: Option<usize>,
}

impl<'t> First<'t> {
    /// The line that starts at `start`.
    #[inline]
    pub(super) fn at(text: &'t [u8], start: usize) -> Self {
        let (end, next) = physical(text, start);
        let content = text.get(start..end).unwrap_or_default();
        let colon = if content.first() == Some(&b'#') { None } else { memchr(b':', content) };
        First { text, start, end, next, colon }
    }

    /// Its text without the line end.
    #[inline]
    pub(super) fn content(&self) -> &'t [u8] {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// Where the next physical line starts.
    pub(super) fn next(&self) -> usize {
        self.next
    }

    /// Is it a comment?
    fn is_comment(&self) -> bool {
        self.content().first() == Some(&b'#')
    }

    /// Is the value base64? `None` if this line does not tell.
    #[inline]
    fn is_base64(&self) -> Option<bool> {
        match self.colon.and_then(|colon| self.content().get(colon + 1)) {
            Some(byte) => Some(*byte == b':'),
            None => self.is_comment().then_some(false),
        }
    }

    /// The attribute description, if this line holds all of it and says how the value is written.
    pub(super) fn name(&self) -> Option<&'t [u8]> {
        self.is_base64()?;
        self.content().get(..self.colon?).map(without_blanks)
    }

    /// The description and the value, if the line stands alone, is plain, and nothing is to be said about it as a line.
    #[inline]
    pub(super) fn plain(&self) -> Option<(&'t [u8], &'t [u8])> {
        let (name, mut value) = self.content().split_at_checked(self.colon?)?;
        value = match value {
            [b':', value @ ..] if !value.is_empty() => value,
            _ => return None,
        };
        while let [b' ', rest @ ..] = value {
            value = rest;
        }
        let alone = !matches!(self.text.get(self.next), Some(b' ' | b'\t'));
        let usual = !matches!(name.last(), Some(b' ' | b'\t')) && !matches!(value.first(), Some(b':' | b'<'));
        (alone && usual).then_some((name, value))
    }

    /// Joins the logical line. `fold` receives its text if it is folded. `dn_follows`: a `dn:` line stands behind the end
    /// of the text.
    #[inline]
    pub(super) fn join(self, dn_follows: bool, joining: Joining, fold: &mut Fold) -> Line {
        let (start, end, next) = (self.start, self.end, self.next);
        // Most lines are neither folded nor base64.
        if self.is_base64() == Some(false) && !matches!(self.text.get(next), Some(b' ' | b'\t')) {
            return Line { start, end, next, colon: self.colon, lines: 1, ..Line::default() };
        }
        join_folded(self, dn_follows, joining, fold)
    }
}

/// How a line is to be joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joining {
    /// Every line end is searched.
    Exact,
    /// Line ends of base64 values are guessed ([`Line::guessed`]): unless the value is canonical base64, the guess may be
    /// wrong, and the line is to be joined exactly.
    Guess,
    /// The text beyond the first line is passed by. Only for lines with a [`First::name`].
    Pass,
}

/// Joins the logical line that starts at `start`. `fold` receives its text if it is folded.
pub(super) fn join(text: &[u8], start: usize, dn_follows: bool, fold: &mut Fold) -> Line {
    First::at(text, start).join(dn_follows, Joining::Exact, fold)
}

fn join_folded(first: First<'_>, dn_follows: bool, joining: Joining, fold: &mut Fold) -> Line {
    let First { text, start, end, mut next, colon } = first;
    let mut line = Line { start, end, colon, next, lines: 1, ..Line::default() };
    let comment = first.is_comment();
    let mut base64 = first.is_base64();
    let first = first.content();
    let keep = joining != Joining::Pass;
    let mut guess = joining != Joining::Exact && base64 == Some(true);
    loop {
        while let Some(&byte @ (b' ' | b'\t')) = text.get(next) {
            if let Some((behind, lines)) = blank_run(text, next) {
                if record_follows(text, behind, dn_follows) {
                    // Blank lines between two records, not empty continuations.
                    line.next = next;
                    return line;
                }
                begin(&mut line, first, keep, fold);
                let mut at = next;
                for i in 0..lines {
                    let (end, behind) = physical(text, at);
                    if text.get(at) == Some(&b'\t') {
                        line.tab_fold.get_or_insert(line.lines + i);
                    }
                    let added = text.get(at + 1..end).unwrap_or_default();
                    if !added.is_empty() && !comment {
                        line.blank_fold.get_or_insert(line.lines + i);
                    }
                    if keep {
                        fold.push(added);
                    }
                    at = behind;
                }
                line.lines += lines;
                next = behind;
                continue;
            }
            // Blanks in the middle of what goes on are no riddle.
            line.blank_fold = None;
            if byte == b'\t' {
                line.tab_fold.get_or_insert(line.lines);
            }
            begin(&mut line, first, keep, fold);
            let (end, behind) = physical(text, next);
            if keep {
                fold.push(text.get(next + 1..end).unwrap_or_default());
            }
            line.lines += 1;
            let width = if guess { Width::of(text, next, end, behind) } else { None };
            next = behind;
            if let Some(width) = width {
                let rest = text.get(next..).unwrap_or_default();
                let same = if keep { Some(fold.push_lines(rest, width)) } else { width.pass(rest) };
                guess = same.is_some();
                let same = same.unwrap_or_default();
                line.guessed |= keep && same > 0;
                line.lines += width.count(same);
                next += same;
            }
        }
        line.next = next;
        if base64 == Some(false) {
            return line;
        }
        // A base64 value may go on in lines that lost their leading space.
        let (end, behind) = physical_if_base64(text, next);
        if end == next {
            return line;
        }
        // A number right before `dn:` is the number of that record.
        if text.get(next..end).unwrap_or_default().iter().all(u8::is_ascii_digit)
            && if behind < text.len() { is_dn(text, behind) } else { dn_follows }
        {
            return line;
        }
        let is_base64 = *base64.get_or_insert_with(|| {
            let joined = if line.folded { fold.text() } else { first };
            memchr(b':', joined).is_some_and(|c| joined.get(c + 1) == Some(&b':'))
        });
        if !is_base64 {
            return line;
        }
        begin(&mut line, first, keep, fold);
        line.lost_fold.get_or_insert(line.lines);
        if keep {
            fold.push(text.get(next..end).unwrap_or_default());
        }
        line.lines += 1;
        next = behind;
    }
}

fn begin(line: &mut Line, first: &[u8], keep: bool, fold: &mut Fold) {
    if keep && !line.folded {
        line.folded = true;
        fold.clear();
        fold.push(first);
    }
}

/// The physical line at `at` if it is nothing but base64, else an empty one.
#[inline]
fn physical_if_base64(text: &[u8], at: usize) -> (usize, usize) {
    // An attribute name ends with a colon within a few bytes; do not look for the end of its line.
    let end = text.get(at..).unwrap_or_default().iter().position(|&b| !is_base64(b));
    match end.map(|n| (at + n, text.get(at + n))) {
        Some((_, Some(b'\n' | b'\r'))) | None => {
            let (end, next) = physical(text, at);
            let pure = is_pure_base64(text.get(at..end).unwrap_or_default());
            if pure && !continuations_have_colon(text, next) { (end, next) } else { (at, at) }
        }
        Some(_) => (at, at),
    }
}

/// Is there a colon in the continuation lines from here on? Then the line before them is a folded attribute name.
fn continuations_have_colon(text: &[u8], from: usize) -> bool {
    let mut at = from;
    while let Some(b' ' | b'\t') = text.get(at) {
        let (end, next) = physical(text, at);
        if memchr(b':', text.get(at..end).unwrap_or_default()).is_some() {
            return true;
        }
        at = next;
    }
    false
}

/// What follows the attribute description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Base64,
    Url,
}

/// A logical line taken apart at its colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts<'t> {
    /// Without blanks before the colon.
    pub(super) name: &'t [u8],
    pub(super) blank_before_colon: bool,
    pub(super) kind: Kind,
    /// Without the spaces that fill up behind the colon.
    pub(super) value: &'t [u8],
}

/// A text without blanks at its end.
#[inline]
fn without_blanks(mut text: &[u8]) -> &[u8] {
    while let [head @ .., b' ' | b'\t'] = text {
        text = head;
    }
    text
}

/// Takes a logical line apart at its first colon, if that is known; `NoColon` if it has none.
#[inline]
pub(super) fn split(line: &[u8], colon: Option<usize>) -> Result<Parts<'_>, Code> {
    let colon = colon.or_else(|| memchr(b':', line)).ok_or(Code::NoColon)?;
    let (written, rest) = line.split_at_checked(colon).ok_or(Code::NoColon)?;
    let name = without_blanks(written);
    let (kind, mut value) = match rest {
        [b':', b':', value @ ..] => (Kind::Base64, value),
        [b':', b'<', value @ ..] => (Kind::Url, value),
        [b':', value @ ..] => (Kind::Plain, value),
        _ => return Err(Code::NoColon),
    };
    while let [b' ', rest @ ..] = value {
        value = rest;
    }
    Ok(Parts { name, blank_before_colon: name.len() != written.len(), kind, value })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn joined(text: &[u8]) -> (Vec<u8>, Line) {
        let of = |line: Line, fold: &Fold| {
            (if line.folded { fold.text() } else { &text[line.start..line.end] }.to_vec(), line)
        };
        let (first, mut fold) = (First::at(text, 0), Fold::default());
        let exact = of(join_folded(first, false, Joining::Exact, &mut fold), &fold);
        assert_eq!(
            exact,
            of(join(text, 0, false, &mut fold), &fold),
            "what is looked at first changes {text:?}"
        );
        let guess = of(first.join(false, Joining::Guess, &mut fold), &fold);
        if guess.1.guessed {
            assert_eq!(exact, (guess.0, Line { guessed: false, ..guess.1 }), "guessing changes {text:?}");
        } else {
            assert_eq!(exact, guess, "guessing changes {text:?}");
        }
        if first.name().is_some() {
            let passed = first.join(false, Joining::Pass, &mut fold);
            assert_eq!(passed, Line { folded: false, ..exact.1 }, "passing by changes {text:?}");
        }
        exact
    }

    #[test]
    fn folds_are_joined_wherever_they_stand() {
        for (text, expected) in [
            (&b"cn: ab\n c\nsn: x"[..], &b"cn: abc"[..]),
            (b"c\n n: a\r\n b\r\n\r\n", b"cn: ab"),
            (b"cn:\n : eA==\n", b"cn:: eA=="),
            (b"cn::\n eA==\n", b"cn::eA=="),
            (b"cn:: eA\n ==\n", b"cn:: eA=="),
            (b"cn: \xC3\n \xBC\n", b"cn: \xC3\xBC"),
            (b"cn: a\n \n b\n", b"cn: ab"),
            (b"cn: a\n  b\n", b"cn: a b"),
            (b"cn: a\n\tb\n", b"cn: ab"),
            (b"# c\n c\ncn: a\n", b"# cc"),
        ] {
            assert_eq!(joined(text).0, expected, "{text:?}");
        }
    }

    #[test]
    fn blank_lines_of_spaces_end_the_line_only_before_dn() {
        assert_eq!(
            joined(b"cn: a\n  \ndn: b\n"),
            (b"cn: a".to_vec(), Line { end: 5, colon: Some(2), next: 6, lines: 1, ..Line::default() })
        );
        assert_eq!(joined(b"cn: a\n  \n   \ndn: b\n").1.next, 6);
        assert_eq!(joined(b"cn: a\n  \nsn: b\n").0, b"cn: a ");
        let line = join(b"cn: a\n  \n", 0, true, &mut Fold::default());
        assert_eq!(line.next, 6);
    }

    #[test]
    fn lost_folds_only_behind_base64() {
        let (text, line) = joined(b"cn:: eHh4\neHh4\n eHh4\neA==\nsn: a\n");
        assert_eq!(
            (text.as_slice(), line.lost_fold, line.lines),
            (&b"cn:: eHh4eHh4eHh4eA=="[..], Some(1), 4)
        );
        assert_eq!(joined(b"cn: eHh4\neHh4\n").0, b"cn: eHh4");
        assert_eq!(joined(b"cn:: eHh4\neHh4-\n").0, b"cn:: eHh4");
        assert_eq!(joined(b"cn:: eHh4\nmai\n l: x\n").0, b"cn:: eHh4");
        assert_eq!(joined(b"cn:: \neHh4").0, b"cn:: eHh4");
        assert_eq!(joined(b"cn:\n : \neHh4").0, b"cn:: eHh4");
    }

    #[test]
    fn guessing_widths_agrees_with_searching() {
        let (text, line) = joined(b"cn:: AAAA\r\n BBBB\r\n CCCC\r\n DDDD\r\n EE\r\nsn: a\r\n");
        assert_eq!((text.as_slice(), line.lines), (&b"cn:: AAAABBBBCCCCDDDDEE"[..], 5));
    }

    #[test]
    fn dn_lines() {
        for dn in [&b"dn: a"[..], b"DN:: a", b"dN \t:", b"d\n n: a", b"dn\r\n : a", b"dn\n :\n : a"] {
            assert!(is_dn(dn, 0), "{dn:?}");
        }
        for other in [&b"dn"[..], b"", b"dnx: a", b" dn: a", b"d\nn: a", b"dn\n: a", b"d n: a"] {
            assert!(!is_dn(other, 0), "{other:?}");
        }
    }

    #[test]
    fn lines_are_taken_apart() {
        let parts = split(b"userCertificate;binary \t::  eA==", None).unwrap();
        assert_eq!(
            parts,
            Parts {
                name: b"userCertificate;binary",
                blank_before_colon: true,
                kind: Kind::Base64,
                value: b"eA=="
            }
        );
        assert_eq!(split(b"cn:<file:///x", None).unwrap().kind, Kind::Url);
        assert_eq!(split(b"cn:", None).unwrap().value, b"");
        assert_eq!(split(b"cn: \ta", None).unwrap().value, b"\ta");
        assert_eq!(split(b"cn", None), Err(Code::NoColon));
    }
}
