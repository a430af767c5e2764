//! SHA256SUMS of one half against what stands in the folder.

use super::{ProblemKind, Report};
use crate::bundle::directory;
use crate::bundle::handover::HANDOVER;
use crate::bundle::hashed::hash_file;
use crate::bundle::report::REPORT;
use crate::bundle::report::again::MAX_POLICY;
use crate::bundle::sums::{self, SIGNATURE, SUMS, Sums};
use crate::bundle::writer::Half;
use crate::bundle::{SCRIPT, TRUST_STORE};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A list longer than this is not read: a hundred thousand payload files take a tenth of it.
const MAX_SUMS: u64 = 64 * 1024 * 1024;

/// The files of a half as they stand there.
pub(super) struct Files {
    dir: PathBuf,
    /// What stands before a name in the report: `review/`, `transfer/` or nothing.
    prefix: String,
    /// SHA-256 in hex of each regular file that could be read, by its path in the half.
    present: BTreeMap<String, String>,
    /// What stands there and is no file that could be read; the report names it already.
    unusable: BTreeSet<String>,
    /// Whether there is a signature.
    pub(super) signed: bool,
    /// The bytes of SHA256SUMS that the files were compared with.
    pub(super) sums: Vec<u8>,
}

impl Files {
    /// A name as the report says it.
    pub(super) fn shown(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// SHA-256 of a file, when it is there.
    pub(super) fn hash(&self, name: &str) -> Option<&str> {
        self.present.get(name).map(String::as_str)
    }

    /// Opens a regular file of the half.
    pub(super) fn open(&self, name: &str) -> Option<io::Result<File>> {
        self.present.contains_key(name).then(|| File::open(self.dir.join(name)))
    }

    /// policy.toml as text, when it can be read and is not far larger than any real one.
    pub(super) fn policy(&self) -> Option<String> {
        let mut bytes = Vec::new();
        self.open("policy.toml")?.ok()?.take(MAX_POLICY).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The hashes of the files that SHA256SUMS lists, but those named.
    pub(super) fn hashes_without(&self, names: &[&str]) -> BTreeMap<String, String> {
        let (listed, _) = sums::read(&self.sums);
        let mut hashes = self.present.clone();
        hashes.retain(|name, _| listed.contains_key(name) && !names.contains(&name.as_str()));
        hashes
    }

    /// Names of the payload files, sorted.
    pub(super) fn payload(&self) -> Vec<String> {
        let names = self.present.keys();
        names.filter(|name| name.starts_with("payload/") && name.ends_with(".ndjson")).cloned().collect()
    }

    /// Names of the files that change the directory, sorted.
    pub(super) fn changes(&self) -> Vec<String> {
        let inside = format!("{}/", directory::FOLDER);
        self.present.keys().filter(|name| name.starts_with(&inside)).cloned().collect()
    }
}

/// Hashes every file of the half in `dir` and compares with the list. `prefix` is what its files are called by.
pub(super) fn check(half: Half, dir: &Path, prefix: &str, report: &mut Report) -> Files {
    let mut files = Files {
        dir: dir.to_path_buf(),
        prefix: prefix.to_owned(),
        present: BTreeMap::new(),
        unusable: BTreeSet::new(),
        signed: false,
        sums: Vec::new(),
    };
    let folders = walk(&mut files, report);
    report.files = report.files.saturating_add(files.present.len() as u64);
    files.signed = files.present.contains_key(SIGNATURE) || files.unusable.contains(SIGNATURE);
    if let Some(listed) = list(&mut files, report) {
        compare(half, &files, &listed, &folders, report);
    }
    files
}

/// Hashes what is there; returns the folders.
fn walk(files: &mut Files, report: &mut Report) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for entry in WalkDir::new(&files.dir).min_depth(1).follow_links(false).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().map(|path| name(&files.dir, path)).unwrap_or_default();
                let said = error.io_error().map_or_else(|| "a loop".to_owned(), ToString::to_string);
                report.problem(
                    ProblemKind::Unreadable,
                    Some(&files.shown(&path)),
                    None,
                    format!("could not be read: {said}"),
                );
                continue;
            }
        };
        let path = name(&files.dir, entry.path());
        let shown = files.shown(&path);
        let kind = entry.file_type();
        if kind.is_dir() {
            folders.insert(path);
        } else if kind.is_file() {
            match hash_file(entry.path()) {
                Ok(hash) => {
                    files.present.insert(path, hash);
                }
                Err(error) => {
                    files.unusable.insert(path);
                    report.problem(
                        ProblemKind::Unreadable,
                        Some(&shown),
                        None,
                        format!("could not be read: {error}"),
                    );
                }
            }
        } else {
            let what = if kind.is_symlink() { "a symbolic link" } else { "a device, pipe or socket" };
            report.problem(
                ProblemKind::NotAFile,
                Some(&shown),
                None,
                format!("is {what}; a bundle holds plain files only, and nothing was read through it"),
            );
            files.unusable.insert(path);
        }
    }
    folders
}

/// Reads SHA256SUMS; `None` when there is none to compare with.
fn list(files: &mut Files, report: &mut Report) -> Option<Sums> {
    let shown = files.shown(SUMS);
    let Some(open) = files.open(SUMS) else {
        if files.unusable.contains(SUMS) {
            return None;
        }
        report.problem(
            ProblemKind::Missing,
            Some(&shown),
            None,
            "is missing: without it nothing shows that the other files are unchanged".to_owned(),
        );
        return None;
    };
    let mut bytes = Vec::new();
    match open.and_then(|file| file.take(MAX_SUMS + 1).read_to_end(&mut bytes)) {
        Ok(length) if length as u64 > MAX_SUMS => {
            report.problem(ProblemKind::Sums, Some(&shown), None, format!("is larger than {MAX_SUMS} bytes"));
            return None;
        }
        Ok(_) => {}
        Err(error) => {
            report.problem(
                ProblemKind::Unreadable,
                Some(&shown),
                None,
                format!("could not be read: {error}"),
            );
            return None;
        }
    }
    let (listed, defects) = sums::read(&bytes);
    for (line, defect) in defects {
        report.problem(ProblemKind::Sums, Some(&shown), Some(line), defect);
    }
    files.sums = bytes;
    Some(listed)
}

fn compare(half: Half, files: &Files, listed: &Sums, folders: &BTreeSet<String>, report: &mut Report) {
    let mut extra: BTreeSet<&str> = files.present.keys().map(String::as_str).collect();
    extra.retain(|name| !listed.contains_key(*name) && !matches!(*name, SUMS | SIGNATURE));
    // A renamed file is looked for by its hash; each extra file explains one missing file.
    let mut by_hash: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in extra.iter().rev() {
        if let Some(hash) = files.hash(name) {
            by_hash.entry(hash).or_default().push(name);
        }
    }
    let owners: BTreeMap<&str, &str> =
        listed.iter().map(|(name, hash)| (hash.as_str(), name.as_str())).collect();

    for (name, wanted) in listed {
        let shown = files.shown(name);
        if !known(half, name) {
            let explanation = "is listed, but no bundle has a file of this name in this half".to_owned();
            report.problem(ProblemKind::Extra, Some(&shown), None, explanation);
        }
        match files.hash(name) {
            Some(found) if found == wanted => {}
            Some(found) => {
                let also = owners
                    .get(found)
                    .map(|other| format!("; this is what {} should hold", files.shown(other)))
                    .unwrap_or_default();
                let explanation = format!("was changed: SHA-256 is {found}, {SUMS} says {wanted}{also}");
                report.problem(ProblemKind::Changed, Some(&shown), None, explanation);
            }
            None if files.unusable.contains(name) => {}
            None => match by_hash.get_mut(wanted.as_str()).and_then(Vec::pop) {
                Some(other) => {
                    extra.remove(other);
                    let explanation = format!("was renamed to {}", files.shown(other));
                    report.problem(ProblemKind::Renamed, Some(&shown), None, explanation);
                }
                None => report.problem(
                    ProblemKind::Missing,
                    Some(&shown),
                    None,
                    "is listed and missing".to_owned(),
                ),
            },
        }
    }
    for name in required(half) {
        if !listed.contains_key(*name) {
            let explanation = format!("is not listed in {SUMS}, and every bundle has it");
            report.problem(ProblemKind::Missing, Some(&files.shown(name)), None, explanation);
        }
    }
    for name in extra {
        let explanation = format!("is not listed in {SUMS}: it was put here after the bundle was made");
        report.problem(ProblemKind::Extra, Some(&files.shown(name)), None, explanation);
    }
    // A folder that holds files is named by them.
    for folder in folders {
        let inside = format!("{folder}/");
        let holds = |names: &BTreeMap<String, String>| {
            names.range(inside.clone()..).next().is_some_and(|(name, _)| name.starts_with(&inside))
        };
        if !holds(listed) && !holds(&files.present) {
            let explanation = "is a folder that no bundle has".to_owned();
            report.problem(ProblemKind::Extra, Some(&files.shown(folder)), None, explanation);
        }
    }
}

/// Files without which a half is none.
fn required(half: Half) -> &'static [&'static str] {
    match half {
        Half::Review => &["findings.ndjson", "manifest.json", "policy.toml", REPORT],
        Half::Transfer => &[HANDOVER, SCRIPT, "payload/0001.ndjson", "transfer.json"],
    }
}

/// Whether a half may hold a file of this name: `transfer/` holds nothing that the upload does not need.
fn known(half: Half, name: &str) -> bool {
    let inside = |folder: &str, end: &str| {
        name.strip_prefix(folder)
            .and_then(|rest| rest.strip_suffix(end))
            .is_some_and(|stem| !stem.contains('/'))
    };
    required(half).contains(&name)
        || match half {
            Half::Review => name == "manifest.csv" || inside("active-directory/", ".ldif"),
            Half::Transfer => name == TRUST_STORE || inside("payload/", ".ndjson"),
        }
}

/// The path of `path` inside `dir`, with `/`.
fn name(dir: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(dir).unwrap_or(path);
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
