//! How many people a bundle may leave without a certificate to encrypt to.

use std::fmt;

use crate::limits::{REMOVALS_AT_LEAST, REMOVALS_PERCENT};
use crate::policy::MaxRemovals;

/// The limit in force: the option before the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`REMOVALS_PERCENT`], but at least [`REMOVALS_AT_LEAST`] people: what a policy says that leaves it as it is.
    Usual,
    /// Exactly this.
    Stated(MaxRemovals),
}

impl Limit {
    /// What `--max-removals` says, else the policy.
    #[must_use]
    pub fn of(option: Option<MaxRemovals>, policy: MaxRemovals) -> Self {
        match (option, policy) {
            (Some(stated), _) => Self::Stated(stated),
            (None, MaxRemovals::Percent(REMOVALS_PERCENT)) => Self::Usual,
            (None, other) => Self::Stated(other),
        }
    }

    /// How many of `had` people may lose their last one; a share is rounded down.
    #[must_use]
    pub fn allowed(self, had: u64) -> u64 {
        let share = |percent: u8| (u128::from(had) * u128::from(percent) / 100) as u64; // at most `had`
        match self {
            Self::Usual => share(REMOVALS_PERCENT).max(REMOVALS_AT_LEAST),
            Self::Stated(MaxRemovals::Count(people)) => people,
            Self::Stated(MaxRemovals::Percent(percent)) => share(percent),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usual => write!(f, "{REMOVALS_PERCENT} %, at least {REMOVALS_AT_LEAST}"),
            Self::Stated(limit) => f.write_str(&limit.text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_down_and_the_usual_limit_has_a_floor() {
        let usual = MaxRemovals::Percent(5);
        for (option, policy, had, allowed) in [
            (None, usual, 0, 10),
            (None, usual, 219, 10),
            (None, usual, 220, 11),
            (Some(usual), usual, 39, 1),
            (Some(MaxRemovals::Percent(0)), usual, 1000, 0),
            (None, MaxRemovals::Percent(100), u64::MAX, u64::MAX),
            (None, MaxRemovals::Count(3), 1, 3),
            (Some(MaxRemovals::Count(7)), MaxRemovals::Count(3), 1, 7),
        ] {
            assert_eq!(Limit::of(option, policy).allowed(had), allowed, "{option:?} {policy:?} of {had}");
        }
        assert_eq!(Limit::of(None, usual).to_string(), "5 %, at least 10");
        assert_eq!(Limit::of(Some(usual), usual).to_string(), "5%");
    }
}
