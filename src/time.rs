//! Instants: Unix seconds inside, RFC 3339 in every output. The clock is read in one place, at the
//! rim; everything below takes the instant as an argument.

use jiff::Timestamp;

/// Seconds in a day.
pub const DAY: i64 = 86_400;

/// `2026-06-01T00:00:00Z`. Instants outside the years -9999 to 9999 are clamped to their edge.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    let edge = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(edge).to_string()
}

/// Reads RFC 3339 (section 5.6) with a zone; fractions of a second are cut off.
///
/// # Errors
/// A message that says what was found and what was expected.
pub fn parse(text: &str) -> Result<i64, String> {
    text.parse::<Timestamp>().map(Timestamp::as_second).map_err(|problem| {
        format!(
            "{text:?} is no instant; expected RFC 3339 with a zone, such as 2026-06-01T00:00:00Z ({problem})"
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let at = parse("2026-06-01T02:00:00+02:00").unwrap();
        assert_eq!(rfc3339(at), "2026-06-01T00:00:00Z");
        assert!(parse("2026-06-01").unwrap_err().contains("RFC 3339"));
        assert!(rfc3339(i64::MAX).starts_with("9999"));
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59Z");
    }
}
