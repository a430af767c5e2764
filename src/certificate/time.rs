//! Instants: seconds since 1970 without leap seconds, before 1970 and after 2050 too.
//!
//! A validity period is two UTCTime or GeneralizedTime values (RFC 5280 section 4.1.2.5). Both are
//! read with more forms than DER allows, because an old certificate must still show its dates; what
//! is not the one form of RFC 5280 is told apart by [`TimeForm`].

use std::fmt;

use super::tlv::{Element, tag};

/// An instant in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// 0001-01-01T00:00:00Z, before any certificate.
    pub const FIRST: Self = Self(-62_135_596_800);
    /// 9999-12-30T00:00:00Z, the last day that has an RFC 3339 form in every zone.
    pub const LAST: Self = Self(253_402_128_000);

    /// RFC 3339 in UTC, such as `2031-04-02T11:00:00Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        plain(self.0)
            .and_then(|text| String::from_utf8(text.to_vec()).ok())
            .unwrap_or_else(|| self.to_string())
    }

    /// Reads RFC 3339 with a zone; a fraction of a second is cut off downwards.
    ///
    /// # Errors
    /// What jiff says is wrong with the text.
    pub fn from_rfc3339(text: &str) -> Result<Self, jiff::Error> {
        let at: jiff::Timestamp = text.parse()?;
        Ok(Self(at.as_nanosecond().div_euclid(1_000_000_000) as i64))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = plain(self.0) {
            return f.write_str(std::str::from_utf8(&text).unwrap_or_default());
        }
        // A civil date, because an instant ends before 9999-12-31T23:59:59Z, which RFC 5280 section
        // 4.1.2.5 gives to certificates that do not expire.
        let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        match epoch.checked_add(jiff::SignedDuration::from_secs(self.0)) {
            Ok(at) => write!(f, "{at}Z"),
            Err(_) => write!(f, "{} seconds since 1970", self.0),
        }
    }
}

/// How a time was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// As RFC 5280 section 4.1.2.5 demands: UTCTime until 2049, GeneralizedTime from 2050 on, with
    /// seconds, in `Z`, without a fraction.
    Strict,
    /// DER, but GeneralizedTime for a year that UTCTime must be used for.
    GeneralizedTooEarly,
    /// Not DER: no seconds, a fraction, or another zone than `Z` (X.690 sections 11.7, 11.8).
    NotDer,
}

/// Reads UTCTime or GeneralizedTime; `None` when the element is neither or no instant.
#[must_use]
pub fn read(element: &Element<'_>) -> Option<(UnixTime, TimeForm)> {
    let text = element.contents;
    let (year, rest) = match element.tag {
        tag::UTC_TIME => {
            let year = digits(text.get(..2)?)?;
            // RFC 5280 section 4.1.2.5.1: 50 and above is 19YY.
            (if year >= 50 { 1900 + year } else { 2000 + year }, text.get(2..)?)
        }
        tag::GENERALIZED_TIME => (digits(text.get(..4)?)?, text.get(4..)?),
        _ => return None,
    };
    let general = element.tag == tag::GENERALIZED_TIME;
    let month = digits(rest.get(..2)?)?;
    let day = digits(rest.get(2..4)?)?;
    let hour = digits(rest.get(4..6)?)?;
    let mut rest = rest.get(6..)?;
    let mut strict = true;
    let mut part = |rest: &mut &[u8]| match rest.get(..2).and_then(digits) {
        Some(value) => {
            *rest = rest.get(2..).unwrap_or_default();
            value
        }
        None => {
            strict = false;
            0
        }
    };
    let minute = part(&mut rest);
    let second = part(&mut rest);
    if general && matches!(rest.first(), Some(b'.' | b',')) {
        strict = false;
        let end = rest[1..].iter().position(|b| !b.is_ascii_digit()).map_or(rest.len(), |n| n + 1);
        rest = &rest[end..];
    }
    let offset = match rest {
        b"Z" => 0,
        [] if general => {
            strict = false;
            0
        }
        [sign @ (b'+' | b'-'), zone @ ..] if zone.len() == 4 => {
            strict = false;
            let seconds = digits(&zone[..2])? * 3600 + digits(&zone[2..])? * 60;
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    let form = match (strict && !element.long_length, general && (1950..2050).contains(&year)) {
        (false, _) => TimeForm::NotDer,
        (true, true) => TimeForm::GeneralizedTooEarly,
        (true, false) => TimeForm::Strict,
    };
    Some((UnixTime(seconds), form))
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
}

/// Days since 1970-01-01 of a proleptic Gregorian date (the usual era arithmetic with the year
/// starting in March, so that the leap day is the last of a year).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The reverse of [`days`] for the years 1 to 9999, as RFC 3339: millions of dates are written in a run.
fn plain(seconds: i64) -> Option<[u8; 20]> {
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let date = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(1..=9999).contains(&year) {
        return None;
    }
    let mut text = *b"0000-00-00T00:00:00Z";
    let parts = [
        (0, year / 100),
        (2, year),
        (5, month),
        (8, date),
        (11, second / 3600),
        (14, second / 60 % 60),
        (17, second % 60),
    ];
    for (at, number) in parts {
        // Two digits each, and every place lies within the text.
        text[at] += (number / 10 % 10) as u8;
        text[at + 1] += (number % 10) as u8;
    }
    Some(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::certificate::tlv;

    fn of(kind: u8, text: &str) -> Option<(String, TimeForm)> {
        let mut der = vec![kind, text.len() as u8];
        der.extend(text.bytes());
        read(&tlv::first(&der).unwrap()).map(|(at, form)| (at.to_string(), form))
    }

    #[test]
    fn dates_are_written_as_a_calendar_writes_them() {
        let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        let step = 86_400 * 41 + 3_607;
        let mut at = UnixTime::FIRST.0;
        while at < UnixTime::LAST.0 + 2 * 86_400 {
            let wanted = epoch.checked_add(jiff::SignedDuration::from_secs(at)).unwrap();
            assert_eq!(UnixTime(at).to_string(), format!("{wanted}Z"));
            at += step;
        }
        for edge in
            ["0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2000-02-29T12:00:00Z", "2100-03-01T00:00:00Z"]
        {
            assert_eq!(UnixTime::from_rfc3339(edge).unwrap().to_string(), edge);
        }
        assert_eq!(UnixTime(253_402_300_799).to_string(), "9999-12-31T23:59:59Z");
        assert!(UnixTime(i64::MAX).to_string().contains("since 1970"));
        assert!(UnixTime(UnixTime::FIRST.0 - 1).to_string().starts_with("0000-12-31"));
    }

    #[test]
    fn forms() {
        let utc = |text| of(tag::UTC_TIME, text);
        let general = |text| of(tag::GENERALIZED_TIME, text);
        let is = |text: &str, form| Some((text.to_owned(), form));
        assert_eq!(utc("491231235959Z"), is("2049-12-31T23:59:59Z", TimeForm::Strict));
        assert_eq!(utc("500101000000Z"), is("1950-01-01T00:00:00Z", TimeForm::Strict));
        assert_eq!(utc("2402291200Z"), is("2024-02-29T12:00:00Z", TimeForm::NotDer));
        assert_eq!(utc("240301003000+0100"), is("2024-02-29T23:30:00Z", TimeForm::NotDer));
        assert_eq!(general("99991231235959Z"), is("9999-12-31T23:59:59Z", TimeForm::Strict));
        assert_eq!(general("20240101000000Z"), is("2024-01-01T00:00:00Z", TimeForm::GeneralizedTooEarly));
        assert_eq!(general("20510101000000.5Z"), is("2051-01-01T00:00:00Z", TimeForm::NotDer));
        assert_eq!(general("19000101000000Z"), is("1900-01-01T00:00:00Z", TimeForm::Strict));
        for bad in ["", "2402300000Z", "240230000000Z", "241301000000Z", "240101240000Z", "240101000000"] {
            assert_eq!(utc(bad), None, "{bad}");
        }
        assert_eq!(UnixTime::from_rfc3339("1969-12-31T23:59:59.5Z").unwrap(), UnixTime(-1));
    }
}
