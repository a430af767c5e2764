//! Errors that end the run, each with an exit code and a hint.
//!
//! An error is about the run: an option, a file that cannot be opened, an output that cannot be
//! written. A defect of the *input* is never an error; it is a finding, and the batch goes on.

use std::path::PathBuf;

use crate::policy::Problem;

/// Exit codes, as the command line promises them.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// Done, but a person must look.
    pub const LOOK: u8 = 1;
    /// Usage or policy error; nothing was written.
    pub const USAGE: u8 = 2;
    /// No usable input.
    pub const NO_INPUT: u8 = 3;
    /// The output could not be written; nothing is left behind.
    pub const OUTPUT: u8 = 4;
    /// `verify`: not good.
    pub const NOT_GOOD: u8 = 5;
    /// A safety limit stopped the run; nothing was written.
    pub const LIMIT: u8 = 6;
    /// An internal error.
    pub const INTERNAL: u8 = 70;
}

/// Why a run ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Options that do not fit.
    #[error("{message}")]
    Usage {
        /// What was found and what was expected.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A policy file that cannot stand.
    #[error("{} cannot be used: {} problem(s)", path.display(), problems.len())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong in it, in the order of the text; at least one.
        problems: Vec<Problem>,
    },
    /// Nothing that could be read.
    #[error("{message}")]
    NoInput {
        /// What was found and what was expected.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A file failed while it was read.
    #[error("reading {} failed: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An input is not what it was when the run began.
    #[error("{path} changed while it was read: {found}")]
    Changed {
        /// The input as named in the outputs.
        path: String,
        /// What differs.
        found: String,
    },
    /// The output could not be written.
    #[error("{message}")]
    Output {
        /// What failed.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A bundle that was given is not what was made.
    #[error("{message}")]
    NotGood {
        /// What was found.
        message: String,
        /// What to do.
        hint: String,
    },
    /// More would be taken away than was allowed.
    #[error("{message}; nothing was written")]
    Limit {
        /// What would happen, and the limit.
        message: String,
        /// How to go on.
        hint: String,
    },
    /// Temporary files could not be written.
    #[error("temporary files could not be written or read in {}: {source}", std::env::temp_dir().display())]
    Spill {
        /// What the system said.
        source: std::io::Error,
    },
    /// A promise of the program itself was broken.
    #[error("internal error: {message}")]
    Internal {
        /// Which one.
        message: String,
    },
}

impl Error {
    /// A usage error.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// A temporary file failed.
    #[must_use]
    pub fn spill(source: std::io::Error) -> Self {
        Self::Spill { source }
    }

    /// The exit code it maps to.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } | Self::Policy { .. } => exit::USAGE,
            Self::NoInput { .. } | Self::Read { .. } | Self::Changed { .. } => exit::NO_INPUT,
            Self::Output { .. } | Self::Spill { .. } => exit::OUTPUT,
            Self::NotGood { .. } => exit::NOT_GOOD,
            Self::Limit { .. } => exit::LIMIT,
            Self::Internal { .. } => exit::INTERNAL,
        }
    }

    /// What is said of it, each with what to do: for most errors one thing.
    #[must_use]
    pub fn told(&self) -> Vec<(String, String)> {
        match self {
            Self::Policy { path, problems } => problems
                .iter()
                .map(|Problem { line, column, message, remedy }| {
                    let place = format!("{}, line {line}, column {column}", path.display());
                    (format!("{place}: {message}"), remedy.clone())
                })
                .collect(),
            _ => vec![(self.to_string(), self.hint())],
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Usage { hint, .. }
            | Self::NoInput { hint, .. }
            | Self::Output { hint, .. }
            | Self::NotGood { hint, .. }
            | Self::Limit { hint, .. } => hint.clone(),
            Self::Policy { .. } => "certferry generate policy prints a file with all keys explained; nothing was written".into(),
            Self::Read { .. } => "check that the medium is readable, copy the file anew, and run again; nothing was written".into(),
            Self::Changed { .. } => "wait until the export has ended, then run again; nothing was written".into(),
            Self::Spill { .. } => {
                "free some space there, or set TMPDIR to a folder with about 1 KB for each person; nothing was written".into()
            }
            Self::Internal { .. } => "please report this with the command line; nothing was written".into(),
        }
    }
}
