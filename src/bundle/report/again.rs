//! The same report from a finished bundle: manifest, findings and policy of its review half are read as streams.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::REPORT;
use super::digest::Digest;
use super::page::{Page, render};
use crate::bundle::REVIEW;
use crate::bundle::manifest::{self, MAX_ITEM, ReadError};
use crate::bundle::model::FindingLine;
use crate::bundle::sums::{SIGNATURE, SUMS};

/// A larger policy.toml is not read.
pub(crate) const MAX_POLICY: u64 = 16 << 20;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// A file of the review half cannot be opened or read.
    #[error("{path}: could not be read: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The manifest is none.
    #[error("{path}: {source}")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ReadError,
    },
    /// A line of findings.ndjson is none.
    #[error("{path}, line {line}: {message}")]
    Finding {
        /// The file.
        path: PathBuf,
        /// Line, 1-based.
        line: u64,
        /// What is wrong.
        message: String,
    },
}

/// Makes the report of `dir`, a bundle or its review half, once more. Nothing is written.
///
/// # Errors
/// When a file of the review half is missing or is not what it should be.
pub fn report(dir: &Path) -> Result<String, AgainError> {
    let inner = dir.join(REVIEW);
    let review = if inner.is_dir() { inner } else { dir.to_path_buf() };
    let open = |name: &str| {
        let path = review.join(name);
        File::open(&path).map_err(|source| AgainError::Io { path, source })
    };

    let path = review.join("manifest.json");
    let mut digest = Digest::new();
    let mut inputs = Digest::new();
    let mut each = |recipient| {
        digest.recipient(&recipient);
        Ok(())
    };
    let mut input = |input| {
        inputs.input(&input);
        Ok(())
    };
    let frame = manifest::read_into(open("manifest.json")?, &mut each, &mut input)
        .map_err(|source| AgainError::Manifest { path, source })?;
    digest.inputs = inputs.inputs;
    findings(&review.join("findings.ndjson"), &mut digest)?;

    let mut policy = Vec::new();
    let path = review.join("policy.toml");
    open("policy.toml")?
        .take(MAX_POLICY)
        .read_to_end(&mut policy)
        .map_err(|source| AgainError::Io { path, source })?;
    let hashes = hashes(&review)?;
    let policy = String::from_utf8_lossy(&policy);
    Ok(render(&Page { frame: &frame, policy: &policy, digest: &digest, hashes: &hashes }))
}

fn findings(path: &Path, digest: &mut Digest) -> Result<(), AgainError> {
    let io = |source| AgainError::Io { path: path.to_path_buf(), source };
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length = (&mut reader).take(MAX_ITEM).read_until(b'\n', &mut line).map_err(io)?;
        if length == 0 {
            break;
        }
        let finding: FindingLine = serde_json::from_slice(&line).map_err(|error| AgainError::Finding {
            path: path.to_path_buf(),
            line: number,
            message: error.to_string(),
        })?;
        digest.finding(&finding);
    }
    Ok(())
}

/// Hashes of the review half's files, but for the report itself and the lists that cover it.
fn hashes(review: &Path) -> Result<BTreeMap<String, String>, AgainError> {
    let mut hashes = BTreeMap::new();
    for entry in walkdir::WalkDir::new(review).min_depth(1).sort_by_file_name() {
        let entry =
            entry.map_err(|error| AgainError::Io { path: review.to_path_buf(), source: error.into() })?;
        let name = crate::input::walk::relative(entry.path(), review);
        if !entry.file_type().is_file() || [REPORT, SUMS, SIGNATURE].contains(&name.as_str()) {
            continue;
        }
        let path = entry.path().to_path_buf();
        let hash =
            crate::bundle::hashed::hash_file(&path).map_err(|source| AgainError::Io { path, source })?;
        hashes.insert(name, hash);
    }
    Ok(hashes)
}
