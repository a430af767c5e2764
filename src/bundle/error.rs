//! What can go wrong while a bundle is written. Each of these ends the run and leaves nothing behind.

use std::io;
use std::path::{Path, PathBuf};

/// Why a bundle could not be written. The message says what was found and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The target exists and `--force` was not given.
    #[error(
        "{path}: already exists; name a folder that does not exist yet, or give --force to replace the bundle in it"
    )]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// `--force` was given, but what stands there is no bundle.
    #[error(
        "{path}: --force replaces only a bundle (a folder with review/manifest.json and transfer/), but this {found}; \
         name another folder, or remove it yourself"
    )]
    NotABundle {
        /// The target.
        path: PathBuf,
        /// What was found, to follow "this".
        found: &'static str,
    },
    /// The folder that shall hold the bundle cannot be used.
    #[error("{path}: the folder that shall hold the bundle {found}; make it first, or name another place")]
    Parent {
        /// The target's parent.
        path: PathBuf,
        /// What was found: `does not exist` or `is not a folder`.
        found: &'static str,
    },
    /// The target has no name of its own, such as `/`, `.` or `a/..`.
    #[error("{path}: is no name for a new folder; give a path that ends in the bundle's own name")]
    Name {
        /// The target as given.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{path}: could not {doing}: {source}; nothing was left behind")]
    Io {
        /// What was attempted, to follow "could not".
        doing: &'static str,
        /// The file or folder concerned.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Putting the new bundle in place failed, and so did putting the old one back.
    #[error(
        "{target}: the new bundle could not be put in place ({source}); the old one is whole in {kept}, move it back"
    )]
    NotRestored {
        /// Where the bundle belongs.
        target: PathBuf,
        /// Where the old bundle is now.
        kept: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The run was stopped and its staged folder removed.
    #[error("{path}: the run was interrupted before the bundle was complete; nothing was left behind")]
    Interrupted {
        /// The target.
        path: PathBuf,
    },
    /// What was to be written contradicts itself: a defect of the program, never of the input.
    #[error("internal contradiction, nothing was written: {0}")]
    Inconsistent(String),
}

impl OutputError {
    /// Builds a function for `map_err` that names the file and what was attempted.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { doing, path, source }
    }

    /// True for a defect of the program (exit 70); everything else is "could not be written" (exit 4).
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::Inconsistent(_))
    }
}
