//! Is this bundle, or this half of one, whole, unchanged and current?
//!
//! Three questions, each answered by itself so that one broken answer does not hide another:
//!
//! 1. Files ([`files`]): SHA256SUMS of each half against what stands in the folder. A file whose hash is
//!    listed under another name was renamed; links and devices are never followed.
//! 2. Content ([`content`]): manifest and payload are walked side by side, by recipient number. A published
//!    candidate's value must stand in that recipient's payload line, in its attribute, by SHA-256, and nothing
//!    besides. Totals are counted again.
//! 3. Belonging and time: ids, hashes, script and lifetime.
//!
//! Somebody who can rewrite everything, the sums included, can still make a bundle that passes: that is what
//! comparing the sums over a second channel and a signature are for. The report says "unsigned" in words.

mod content;
mod files;
mod report;

pub use report::{MAX_PROBLEMS, Outcome, Problem, ProblemKind, Report, Scope, Signature, VERIFY_SCHEMA};

use super::{REVIEW, TRANSFER};
use jiff::Timestamp;
use std::io;
use std::path::{Path, PathBuf};

/// What a check needs to know besides the folder.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The instant that lifetimes are compared with.
    pub at: Timestamp,
    /// Bytes of this release's upload script.
    pub script: &'a [u8],
}

/// Why a folder could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The folder could not be opened.
    #[error("{path}: could not be opened: {source}; name a bundle folder, or its review or transfer folder")]
    Open {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a folder, but nothing in it is a bundle's.
    #[error(
        "{path}: is neither a bundle (review/ and transfer/) nor a half of one (manifest.json, or transfer.json); \
         name the folder that `convert -o` made, or one of its halves"
    )]
    NotABundle {
        /// The folder.
        path: PathBuf,
    },
}

/// Checks `dir`, which is a bundle, its review/ or its transfer/. Nothing is written; memory does not grow
/// with the number of recipients.
///
/// # Errors
/// Only when there is nothing to check; everything that is wrong with a bundle is in the [`Report`].
pub fn verify(dir: &Path, options: &Options<'_>) -> Result<Report, VerifyError> {
    let scope = scope(dir)?;
    let mut report = Report::new(scope, options.at.to_string());
    let (review, transfer) = match scope {
        Scope::Bundle => (Some(dir.join(REVIEW)), Some(dir.join(TRANSFER))),
        Scope::Review => (Some(dir.to_path_buf()), None),
        Scope::Transfer => (None, Some(dir.to_path_buf())),
    };
    let _ = (review, transfer);
    report.problem(ProblemKind::Unreadable, None, None, "nothing was compared yet".to_owned());
    Ok(report)
}

/// What `dir` is.
fn scope(dir: &Path) -> Result<Scope, VerifyError> {
    let open = |source| VerifyError::Open { path: dir.to_path_buf(), source };
    std::fs::read_dir(dir).map_err(open)?;
    let has = |name: &str| dir.join(name).symlink_metadata().is_ok();
    if has(REVIEW) || has(TRANSFER) {
        Ok(Scope::Bundle)
    } else if has("manifest.json") || has("findings.ndjson") || has("policy.toml") {
        Ok(Scope::Review)
    } else if has("transfer.json") || has("payload") || has(super::SCRIPT) {
        Ok(Scope::Transfer)
    } else {
        Err(VerifyError::NotABundle { path: dir.to_path_buf() })
    }
}
