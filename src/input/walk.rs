//! Folders in a stable order, and how paths are written in outputs.
//!
//! Two runs over the same folder must give the same bytes, on any file system: entries come in the
//! byte order of their relative path with `/`. What cannot be read or is no file is a problem with its
//! path, and the walk goes on. Symbolic links are followed, loops are problems.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// Folders below the argument that are entered. Real collections have a handful of levels.
pub const MAX_FOLDER_DEPTH: usize = 64;

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Where to open it.
    pub path: PathBuf,
    /// How outputs name it: relative to the argument, with `/`; of a file argument its last component.
    pub display: String,
}

/// An entry that was passed over.
#[derive(Debug, thiserror::Error)]
pub enum WalkProblem {
    /// It cannot be read, or is a link that leads back to its own parents.
    #[error("{display}: {message}")]
    Unreadable {
        /// As [`FoundFile::display`].
        display: String,
        /// What the system said.
        message: String,
    },
    /// A pipe, socket or device: opening it could wait for ever.
    #[error("{display}: neither a file nor a folder (a pipe, socket or device); it was left out")]
    Special {
        /// As [`FoundFile::display`].
        display: String,
    },
    /// Folders nest deeper than [`MAX_FOLDER_DEPTH`].
    #[error("{display}: folders nest deeper than {MAX_FOLDER_DEPTH}; what is below was left out")]
    TooDeep {
        /// As [`FoundFile::display`].
        display: String,
    },
}

impl WalkProblem {
    /// What is wrong, without the entry's name, for messages that have named it.
    #[must_use]
    pub fn what(&self) -> String {
        let text = self.to_string();
        let rest = text.strip_prefix(self.display()).and_then(|rest| rest.strip_prefix(": "));
        rest.unwrap_or(&text).to_owned()
    }

    /// The entry as outputs name it.
    #[must_use]
    pub fn display(&self) -> &str {
        match self {
            Self::Unreadable { display, .. } | Self::Special { display } | Self::TooDeep { display } => {
                display
            }
        }
    }
}

/// Walks a folder, or gives the one file that `argument` is. Memory grows with the entries of one
/// folder, not with the whole tree.
pub fn walk(argument: &Path) -> impl Iterator<Item = Result<FoundFile, WalkProblem>> {
    let root = argument.to_path_buf();
    WalkDir::new(argument)
        .follow_links(true)
        .max_depth(MAX_FOLDER_DEPTH)
        .sort_by(by_relative_path)
        .into_iter()
        .filter_map(move |entry| step(&root, entry))
}

/// The order of whole paths, seen among the entries of one folder: a folder's name counts with the `/`
/// that follows it, since `a-b` comes before `a/c`.
fn by_relative_path(a: &DirEntry, b: &DirEntry) -> Ordering {
    let key = |e: &DirEntry| e.file_type().is_dir().then_some(b'/');
    let (x, y) = (a.file_name().as_encoded_bytes(), b.file_name().as_encoded_bytes());
    x.iter().copied().chain(key(a)).cmp(y.iter().copied().chain(key(b)))
}

fn step(root: &Path, entry: walkdir::Result<DirEntry>) -> Option<Result<FoundFile, WalkProblem>> {
    let entry = match entry {
        Ok(entry) => entry,
        Err(error) => {
            let display = error.path().map_or_else(|| relative(root, root), |p| relative(root, p));
            let message = match (error.loop_ancestor(), error.io_error()) {
                (Some(_), _) => "a symbolic link that leads back to a folder it stands in".to_owned(),
                (None, Some(io)) => io.to_string(),
                (None, None) => error.to_string(),
            };
            return Some(Err(WalkProblem::Unreadable { display, message }));
        }
    };
    let kind = entry.file_type();
    let display = relative(root, entry.path());
    if kind.is_dir() {
        let deep = entry.depth() >= MAX_FOLDER_DEPTH;
        return deep.then_some(Err(WalkProblem::TooDeep { display }));
    }
    if !kind.is_file() {
        return Some(Err(WalkProblem::Special { display }));
    }
    Some(Ok(FoundFile { path: entry.into_path(), display }))
}

/// `path` as outputs name it, given the argument it was found under.
#[must_use]
pub fn relative(argument: &Path, path: &Path) -> String {
    let below = path.strip_prefix(argument).ok().filter(|p| !p.as_os_str().is_empty());
    match below {
        Some(below) => {
            let parts: Vec<String> = below.components().map(|c| printable(c.as_os_str())).collect();
            parts.join("/")
        }
        // The argument itself: its last component; of `..` and `/` there is none.
        None => printable(argument.file_name().unwrap_or(argument.as_os_str())),
    }
}

/// A name as text, different for different names: bytes that are not UTF-8 become `\xNN`, and a
/// backslash doubles so that no name can look like another one's escape.
#[must_use]
pub fn printable(name: &OsStr) -> String {
    let mut out = String::with_capacity(name.len());
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;

    fn names(root: &Path) -> Vec<String> {
        walk(root)
            .map(|e| match e {
                Ok(file) => file.display,
                Err(problem) => format!("! {problem}"),
            })
            .collect()
    }

    #[test]
    fn the_order_is_that_of_whole_paths() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/deep")).unwrap();
        for name in ["b.cer", "a/z.cer", "a-b.cer", "a/deep/x.cer", "a0.cer", "B.cer"] {
            fs::write(folder.path().join(name), b"x").unwrap();
        }
        assert_eq!(names(folder.path()), ["B.cer", "a-b.cer", "a/deep/x.cer", "a/z.cer", "a0.cer", "b.cer"]);
        assert_eq!(names(&folder.path().join("b.cer")), ["b.cer"]);
        assert!(names(&folder.path().join("missing"))[0].starts_with("! missing: "));
    }

    #[cfg(unix)]
    #[test]
    fn links_loops_and_odd_entries() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("sub")).unwrap();
        fs::write(root.join("sub/x"), b"x").unwrap();
        std::os::unix::fs::symlink(root, root.join("sub/up")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("broken")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        let found = names(root);
        assert!(found[0].starts_with("! broken: "), "{found:?}");
        assert!(found[1].starts_with("! socket: neither"), "{found:?}");
        assert!(found[2].starts_with("! sub/up: a symbolic link that leads back"), "{found:?}");
        assert_eq!(found[3], "sub/x");
        let a = printable(OsStr::from_bytes(b"\xff.cer"));
        let b = printable(OsStr::new("\\xff.cer"));
        assert_eq!((a.as_str(), b.as_str()), ("\\xff.cer", "\\\\xff.cer"));
    }
}
