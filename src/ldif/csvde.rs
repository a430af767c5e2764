//! The binary form of `csvde`: `X'9a6b31…'`, several values joined by `;`.
//!
//! Known from secondary sources only. Accepted: hexadecimal of any case, with `X'…'` around it or without.

/// Where and why a cell does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "row {row}, column {column}, character {character}: {found} (expected X'…' with pairs of hexadecimal digits, values joined by ;)"
)]
pub struct HexError {
    /// Row of the cell, as the caller counts.
    pub row: u64,
    /// Column of the cell, as the caller counts.
    pub column: u64,
    /// Character within the cell, from 1.
    pub character: usize,
    /// What was found there.
    pub found: &'static str,
}

/// The values of a cell. `row` and `column` are used for errors only. A value that does not fit is an error of its own;
/// the others are still read. An empty cell has no values.
#[must_use]
pub fn binary_values(cell: &[u8], row: u64, column: u64) -> Vec<Result<Vec<u8>, HexError>> {
    if cell.trim_ascii().is_empty() {
        return Vec::new();
    }
    let mut values = Vec::new();
    let mut start = 0;
    for part in cell.split(|b| *b == b';') {
        values.push(value(part).map_err(|(at, found)| HexError {
            row,
            column,
            character: start + at + 1,
            found,
        }));
        start += part.len() + 1;
    }
    values
}

fn value(part: &[u8]) -> Result<Vec<u8>, (usize, &'static str)> {
    let lead = part.len() - part.trim_ascii_start().len();
    let text = part.trim_ascii();
    let (skip, digits) = match text {
        [b'X' | b'x', b'\'', inner @ .., b'\''] => (2, inner),
        [b'X' | b'x', b'\'', inner @ ..] => {
            return Err((lead + 2 + inner.len(), "the closing quote is missing"));
        }
        [b'\'', inner @ .., b'\''] => (1, inner),
        _ => (0, text),
    };
    if digits.is_empty() {
        return if skip > 0 { Ok(Vec::new()) } else { Err((lead, "nothing between two separators")) };
    }
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    let mut high = None;
    for (at, byte) in digits.iter().enumerate() {
        let Some(digit) = char::from(*byte).to_digit(16) else {
            return Err((lead + skip + at, "not a hexadecimal digit"));
        };
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push((high * 16 + digit) as u8),
        }
    }
    if high.is_some() {
        return Err((lead + skip + digits.len(), "an odd number of hexadecimal digits"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_case_quoted_or_not_and_joined() {
        for cell in ["X'0aFF';X'01'", "0AfF;01", "x'0aff' ; '01'"] {
            assert_eq!(binary_values(cell.as_bytes(), 2, 3), [Ok(vec![0x0A, 0xFF]), Ok(vec![1])], "{cell}");
        }
        assert!(binary_values(b" ", 2, 3).is_empty());
        assert_eq!(binary_values(b"X''", 2, 3), [Ok(vec![])]);
    }

    #[test]
    fn errors_have_places_and_the_others_are_read() {
        let bad = |cell: &str| {
            binary_values(cell.as_bytes(), 2, 3)
                .into_iter()
                .filter_map(Result::err)
                .map(|e| (e.row, e.column, e.character))
                .collect::<Vec<_>>()
        };
        assert_eq!(bad("X'01';X'0g';X'02'"), [(2, 3, 10)]);
        assert_eq!(bad("X'012'"), [(2, 3, 6)]);
        assert_eq!(bad("X'01"), [(2, 3, 5)]);
        assert_eq!(bad("01;;02"), [(2, 3, 4)]);
        assert_eq!(
            binary_values(b"X'0g';X'02'", 2, 3).into_iter().filter_map(Result::ok).collect::<Vec<_>>(),
            [vec![2]]
        );
    }
}
