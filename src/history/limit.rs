//! How many people a bundle may leave without a certificate to encrypt to.

use std::fmt;
use std::str::FromStr;

use crate::limits::{REMOVALS_AT_LEAST, REMOVALS_PERCENT};

/// `--max-removals`: a number of people, or a share of those who had a certificate to encrypt to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxRemovals {
    /// [`REMOVALS_PERCENT`], but at least [`REMOVALS_AT_LEAST`] people.
    #[default]
    Usual,
    /// So many people.
    People(u64),
    /// Whole percent of those who had one, rounded down.
    Percent(u8),
}

impl MaxRemovals {
    /// How many of `had` people may lose their last one.
    #[must_use]
    pub fn allowed(self, had: u64) -> u64 {
        let share = |percent: u8| (u128::from(had) * u128::from(percent) / 100) as u64; // at most `had`
        match self {
            Self::Usual => share(REMOVALS_PERCENT).max(REMOVALS_AT_LEAST),
            Self::People(people) => people,
            Self::Percent(percent) => share(percent),
        }
    }
}

impl fmt::Display for MaxRemovals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usual => write!(f, "{REMOVALS_PERCENT} %, at least {REMOVALS_AT_LEAST}"),
            Self::People(people) => write!(f, "{people}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for MaxRemovals {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_suffix('%').unwrap_or(text);
        let wrong = || {
            format!("{text:?} is neither a number of people, such as 20, nor a whole percentage, such as 5%")
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        match text.ends_with('%') {
            false => Ok(Self::People(number)),
            true => match u8::try_from(number) {
                Ok(percent) if percent <= 100 => Ok(Self::Percent(percent)),
                _ => Err(format!("{text} is more than everybody; the largest share is 100%")),
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_down_and_the_usual_limit_has_a_floor() {
        for (limit, had, allowed) in [
            (MaxRemovals::Usual, 0, 10),
            (MaxRemovals::Usual, 219, 10),
            (MaxRemovals::Usual, 220, 11),
            (MaxRemovals::Percent(5), 39, 1),
            (MaxRemovals::Percent(0), 1000, 0),
            (MaxRemovals::Percent(100), u64::MAX, u64::MAX),
            (MaxRemovals::People(3), 1, 3),
        ] {
            assert_eq!(limit.allowed(had), allowed, "{limit} of {had}");
        }
    }

    #[test]
    fn what_is_typed_is_read_or_refused() {
        assert_eq!("20".parse(), Ok(MaxRemovals::People(20)));
        assert_eq!("5%".parse(), Ok(MaxRemovals::Percent(5)));
        for text in ["", "%", "-1", "+5", "5 %", "2.5%", "101%", "300%", "many", "99999999999999999999"] {
            assert!(text.parse::<MaxRemovals>().is_err(), "{text:?}");
        }
        assert_eq!(MaxRemovals::Usual.to_string(), "5 %, at least 10");
    }
}
