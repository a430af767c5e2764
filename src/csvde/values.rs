//! The values of a cell.
//!
//! `csvde` joins the values of an attribute with `;`. Within a value it puts a backslash before `;` and before another
//! backslash, also where there is only one value (`c:\\temp`, `X400:c=us\;a= \;p=x\;`). Binary values are hexadecimal,
//! `X'9a6b31…'`, and so is text that it cannot write. There is no description of this by Microsoft beyond "columns are
//! separated by commas"; it is what exports in public test data and forums show. More is accepted: a backslash before
//! anything else is itself, digits may have any case, and in an attribute that is binary by its schema (certificates, GUIDs)
//! they may stand without `X'…'` or in plain quotes.

use std::borrow::Cow;

/// Why a value is not hexadecimal: the character from 0, and what was found there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotHex {
    pub(super) at: usize,
    pub(super) found: &'static str,
}

/// The values of a cell of binary data, each with the character (from 0) at which it starts. An empty cell has none.
pub(super) fn split_binary(cell: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    let mut parts = (!cell.trim_ascii().is_empty()).then(|| cell.split(|b| *b == b';'));
    std::iter::from_fn(move || {
        let part = parts.as_mut()?.next()?;
        let at = start;
        start += part.len() + 1;
        Some((at, part))
    })
}

/// The values of a cell of text without their escapes. Empty ones are passed by.
pub(super) fn split_text(cell: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let mut rest = Some(cell);
    std::iter::from_fn(move || {
        loop {
            let text = rest?;
            let (value, behind) = first_text(text);
            rest = behind;
            if !value.is_empty() {
                return Some(value);
            }
        }
    })
}

/// The first value, and what stands behind its `;`.
fn first_text(text: &[u8]) -> (Cow<'_, [u8]>, Option<&[u8]>) {
    let mut value = Cow::Borrowed(&[][..]);
    let mut from = 0;
    let mut search = 0;
    while let Some(found) = text.get(search..).and_then(|rest| memchr::memchr2(b';', b'\\', rest)) {
        let at = search + found;
        if text.get(at) == Some(&b';') {
            append(&mut value, text.get(from..at).unwrap_or_default());
            return (value, text.get(at + 1..));
        }
        search = at + 1;
        if let Some(b';' | b'\\') = text.get(at + 1) {
            append(&mut value, text.get(from..at).unwrap_or_default());
            from = at + 1;
            search = at + 2;
        }
    }
    append(&mut value, text.get(from..).unwrap_or_default());
    (value, None)
}

/// A text without its escapes, `;` being an ordinary character.
pub(super) fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    let mut value = Cow::Borrowed(&[][..]);
    let mut rest = Some(text);
    while let Some(more) = rest {
        let (part, behind) = first_text(more);
        value.to_mut().extend_from_slice(&part);
        if behind.is_some() {
            value.to_mut().push(b';');
        }
        rest = behind;
    }
    value
}

fn append<'t>(value: &mut Cow<'t, [u8]>, more: &'t [u8]) {
    if value.is_empty() {
        *value = Cow::Borrowed(more);
    } else if !more.is_empty() {
        value.to_mut().extend_from_slice(more);
    }
}

/// The digits of a value that is written `X'…'`, and of no other.
pub(super) fn quoted(value: &[u8]) -> Option<&[u8]> {
    match value {
        [b'X' | b'x', b'\'', digits @ .., b'\''] if digits.len() % 2 == 0 => {
            digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)
        }
        _ => None,
    }
}

/// Decodes a value of a binary attribute into `out`, which is emptied first.
pub(super) fn hex(part: &[u8], out: &mut Vec<u8>) -> Result<(), NotHex> {
    out.clear();
    let lead = part.len() - part.trim_ascii_start().len();
    let text = part.trim_ascii();
    let (skip, digits) = match text {
        [b'X' | b'x', b'\'', inner @ .., b'\''] => (2, inner),
        [b'X' | b'x', b'\'', ..] => {
            return Err(NotHex { at: lead + text.len(), found: "the closing quote is missing" });
        }
        [b'\'', inner @ .., b'\''] => (1, inner),
        _ => (0, text),
    };
    if digits.is_empty() {
        return if skip > 0 {
            Ok(())
        } else {
            Err(NotHex { at: lead, found: "there is nothing between two separators" })
        };
    }
    let (pairs, odd) = digits.as_chunks::<2>();
    let mut seen = 0;
    out.extend(pairs.iter().map(|[high, low]| {
        let (high, low) = (digit(*high), digit(*low));
        seen |= high | low;
        high << 4 | low & 15
    }));
    if seen == NO_DIGIT {
        // Somewhere; where is asked only now.
        let at = pairs.as_flattened().iter().position(|b| digit(*b) == NO_DIGIT).unwrap_or_default();
        return Err(NotHex { at: lead + skip + at, found: "this is no hexadecimal digit" });
    }
    if odd.is_empty() {
        return Ok(());
    }
    let found = "the number of hexadecimal digits is odd";
    Err(NotHex { at: lead + skip + digits.len(), found })
}

/// Stands for what is no digit: all bits are set, which no digit and no two of them have.
const NO_DIGIT: u8 = 0xFF;

fn digit(byte: u8) -> u8 {
    const DIGITS: [u8; 256] = {
        let mut table = [NO_DIGIT; 256];
        let mut value = 0;
        while value < 16 {
            table[b"0123456789abcdef"[value] as usize] = value as u8;
            table[b"0123456789ABCDEF"[value] as usize] = value as u8;
            value += 1;
        }
        table
    };
    DIGITS.get(usize::from(byte)).copied().unwrap_or(NO_DIGIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(cell: &str) -> Vec<Result<Vec<u8>, usize>> {
        let mut out = Vec::new();
        split_binary(cell.as_bytes())
            .map(|(start, part)| hex(part, &mut out).map(|()| out.clone()).map_err(|not| start + not.at + 1))
            .collect()
    }

    fn text(cell: &str) -> Vec<String> {
        split_text(cell.as_bytes()).map(|value| String::from_utf8_lossy(&value).into_owned()).collect()
    }

    #[test]
    fn hexadecimal_of_any_case_quoted_or_not_and_joined() {
        for cell in ["X'0aFF';X'01'", "0AfF;01", "x'0aff' ; '01'"] {
            assert_eq!(binary(cell), [Ok(vec![0x0A, 0xFF]), Ok(vec![1])], "{cell}");
        }
        assert!(binary(" ").is_empty());
        assert_eq!(binary("X''"), [Ok(vec![])]);
    }

    #[test]
    fn what_is_not_has_a_place_and_the_others_are_read() {
        assert_eq!(binary("X'01';X'0g';X'02'"), [Ok(vec![1]), Err(10), Ok(vec![2])]);
        assert_eq!(binary("X'012'"), [Err(6)]);
        assert_eq!(binary("X'01"), [Err(5)]);
        assert_eq!(binary("01;;02"), [Ok(vec![1]), Err(4), Ok(vec![2])]);
        assert_eq!(binary("System.Byte[]"), [Err(1)]);
    }

    #[test]
    fn texts_lose_their_escapes() {
        assert_eq!(text("smtp:a@x;SMTP:b@x"), ["smtp:a@x", "SMTP:b@x"]);
        assert_eq!(text(r"X400:c=us\;a= \;p=x\;;SMTP:b@x"), ["X400:c=us;a= ;p=x;", "SMTP:b@x"]);
        assert_eq!(text(r"c:\\temp"), [r"c:\temp"]);
        assert_eq!(text(r"a\\;b"), [r"a\", "b"]);
        // What csvde does not write, and people do.
        assert_eq!(text(r"DOMAIN\user"), [r"DOMAIN\user"]);
        assert_eq!(text(r"a\"), [r"a\"]);
        assert_eq!(text(";a;;b;"), ["a", "b"]);
        assert!(text("").is_empty());
    }

    #[test]
    fn only_whole_hexadecimal_in_quotes_is_hexadecimal_in_text() {
        assert_eq!(quoted(b"X'4dc3bc'"), Some(&b"4dc3bc"[..]));
        for other in [&b"X'4dc'"[..], b"X'4g'", b"4dc3", b"'4dc3'", b"X'4dc3", b"O'Brien"] {
            assert_eq!(quoted(other), None);
        }
    }
}
