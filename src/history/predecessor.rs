//! Opening a bundle that was made before: only an unchanged one is believed.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::bundle::hashed::HashedReader;
use crate::bundle::manifest::{self, Frame, ReadError};
use crate::bundle::model::Recipient;
use crate::bundle::verify::{Problem, unchanged};
use crate::bundle::writer::Half;
use crate::bundle::{REVIEW, TRANSFER};

/// The review half of a bundle that agrees with its hashes.
#[derive(Debug)]
pub struct Predecessor {
    review: PathBuf,
    /// SHA-256 of manifest.json, lower-case hex.
    pub manifest_sha256: String,
}

/// Why a bundle cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Not a folder that can be opened.
    #[error("could not be opened: {0}")]
    Open(io::Error),
    /// No review half.
    #[error("{0}")]
    NoReview(&'static str),
    /// Something differs from SHA256SUMS.
    #[error("was changed after it was made: {0}")]
    Changed(String),
    /// Its manifest cannot be read by this release.
    #[error("review/manifest.json cannot be read: {0}")]
    Manifest(String),
}

impl Unusable {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Open(_) | Self::NoReview(_) => {
                "name a folder that certferry convert made; its review/ half is enough"
            }
            Self::Changed(_) => {
                "name the bundle as it was made (from the backup, or from the person who made it); certferry verify lists every difference"
            }
            Self::Manifest(_) => "use the release that made that bundle, or leave it away",
        }
    }
}

impl Predecessor {
    /// Opens a bundle, or its review half, and compares every half that is there with its SHA256SUMS.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn open(dir: &Path) -> Result<Self, Unusable> {
        std::fs::read_dir(dir).map_err(Unusable::Open)?;
        let is = |path: PathBuf| path.symlink_metadata().is_ok();
        let (review, transfer) = if is(dir.join(REVIEW)) {
            (dir.join(REVIEW), Some(dir.join(TRANSFER)).filter(|path| is(path.clone())))
        } else if is(dir.join("manifest.json")) {
            (dir.to_path_buf(), None)
        } else if is(dir.join("transfer.json")) {
            let what =
                "is the transfer half of a bundle; what was published and why stands in the review half";
            return Err(Unusable::NoReview(what));
        } else {
            return Err(Unusable::NoReview("is no bundle: there is neither review/ nor manifest.json in it"));
        };
        let (mut problems, manifest) = unchanged(Half::Review, &review, "review/");
        if let Some(transfer) = &transfer {
            problems.extend(unchanged(Half::Transfer, transfer, "transfer/").0);
        }
        if let Some(words) = in_words(&problems) {
            return Err(Unusable::Changed(words));
        }
        let Some(manifest_sha256) = manifest else {
            return Err(Unusable::NoReview("has no manifest.json"));
        };
        Ok(Self { review, manifest_sha256 })
    }

    /// A file of the review half.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.review.join(name)
    }

    /// Size of the manifest in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.file("manifest.json").metadata().map_or(0, |metadata| metadata.len())
    }

    /// Reads the manifest, recipient by recipient. That it is the one that was compared is known at the end.
    /// `progress` is told the bytes read so far.
    ///
    /// # Errors
    /// [`Unusable::Manifest`], [`Unusable::Changed`]; text from `each` as [`Unusable::Manifest`].
    pub fn read(
        &self,
        progress: &dyn Fn(u64),
        mut each: impl FnMut(Recipient) -> Result<(), String>,
    ) -> Result<Frame, Unusable> {
        let file = File::open(self.file("manifest.json")).map_err(Unusable::Open)?;
        let mut hashed = HashedReader::new(file, progress);
        let frame =
            manifest::read_into(&mut hashed, &mut each, &mut |_| Ok(())).map_err(|error| match error {
                ReadError::Io(error) => Unusable::Manifest(error.to_string()),
                ReadError::Format { line, message, .. } => {
                    Unusable::Manifest(format!("line {line}: {message}"))
                }
            })?;
        if hashed.finish() == self.manifest_sha256 {
            Ok(frame)
        } else {
            Err(Unusable::Changed("manifest.json became another one while it was read".into()))
        }
    }
}

/// The first problems as one sentence.
fn in_words(problems: &[Problem]) -> Option<String> {
    let first = problems.first()?;
    let file = first.file.as_deref().map(|file| format!("{file} ")).unwrap_or_default();
    let more = match problems.len() {
        1 => String::new(),
        2 => ", and 1 more difference".to_owned(),
        count => format!(", and {} more differences", count - 1),
    };
    Some(format!("{file}{}{more}", first.explanation))
}
