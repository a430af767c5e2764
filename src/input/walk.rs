//! Folders: every file below, in one order on every machine.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// One file below an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// How outputs name it: relative to the argument, with `/`; the last component for a file.
    pub name: String,
}

/// What an argument stands for.
#[derive(Debug, Default)]
pub struct Walked {
    /// Files in the order of their names' bytes.
    pub files: Vec<Found>,
    /// What could not be looked into: name and why.
    pub problems: Vec<(String, String)>,
    /// Whether the argument is a folder.
    pub folder: bool,
}

/// Lists the files that an argument stands for. Links to files are followed; links to folders too,
/// and a loop of them ends with a problem. Anything that is no file (a pipe, a device) is a problem.
#[must_use]
pub fn walk(argument: &Path) -> Walked {
    let mut walked = Walked { folder: argument.is_dir(), ..Walked::default() };
    for entry in WalkDir::new(argument).follow_links(true).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => {
                let name = name(argument, entry.path());
                if entry.file_type().is_file() {
                    walked.files.push(Found { path: entry.into_path(), name });
                } else {
                    walked.problems.push((name, "it is no regular file".into()));
                }
            }
            Err(error) => {
                let name = error.path().map_or_else(|| display(argument), |path| name(argument, path));
                let why = match error.loop_ancestor() {
                    Some(_) => "a link leads back to a folder above it".to_owned(),
                    None => error.io_error().map_or_else(|| error.to_string(), ToString::to_string),
                };
                walked.problems.push((name, why));
            }
        }
    }
    walked.files.sort_by(|left, right| left.name.cmp(&right.name));
    walked
}

fn name(argument: &Path, path: &Path) -> String {
    match path.strip_prefix(argument) {
        Ok(below) if below.as_os_str().is_empty() => {
            display(Path::new(path.file_name().unwrap_or(path.as_os_str())))
        }
        Ok(below) => below.components().map(|part| display(part.as_ref())).collect::<Vec<_>>().join("/"),
        Err(_) => display(path),
    }
}

/// A path as text. Bytes that are no UTF-8 become `\xNN`, so that two names never become one.
#[must_use]
pub fn display(path: &Path) -> String {
    let mut out = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        out.push_str(&chunk.valid().replace('\\', "\\\\"));
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

    #[test]
    fn names_are_relative_and_sorted_and_loops_end() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("b/c")).unwrap();
        for file in ["b/c/z.pem", "a.pem", "b.pem", "b/x.pem"] {
            fs::write(root.join(file), "x").unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("b/loop")).unwrap();
        let walked = walk(root);
        let names: Vec<&str> = walked.files.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["a.pem", "b.pem", "b/c/z.pem", "b/x.pem"]);
        assert_eq!(walked.problems.len(), 1, "{:?}", walked.problems);
        assert!(walked.problems[0].1.contains("leads back"));
        assert_eq!(walk(&root.join("b/x.pem")).files[0].name, "x.pem");
        assert_eq!(walk(&root.join("nowhere")).problems.len(), 1);
    }

    #[test]
    fn no_two_names_become_one() {
        use std::os::unix::ffi::OsStrExt;
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"a\xff"));
        assert_eq!(display(odd), "a\\xff");
        assert_eq!(display(Path::new("a\\xff")), "a\\\\xff");
    }
}
