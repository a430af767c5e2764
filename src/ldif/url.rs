//! Values behind URLs: `attr:< file:///…`.
//!
//! `ldapsearch -t` writes each binary value to a file of its own and names it by URL. An LDIF file comes from outside, so
//! a URL in it must not make this program read whatever it likes: nothing is read unless the caller names a folder, and
//! then only regular files below that folder, after all links were resolved. No scheme but `file:` is known.
//!
//! An absolute path is read if it lies below the folder. If it does not, it is taken as relative to the folder: the folder
//! then stands for the root of the machine that the export was made on. A prefix can be mapped onto the folder as well:
//! with `/var/exports` mapped, `file:///var/exports/a` is `a` in the folder. Whatever the way, the file is below it.

use super::problem::Code;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The folder that URLs may read, and the prefixes that stand for it.
#[derive(Debug, Clone)]
pub struct UrlRoot {
    folder: PathBuf,
    prefixes: Vec<Vec<u8>>,
}

/// Why a URL was not read.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// No folder was named.
    #[error("no folder was named for URLs (name it with --url-root)")]
    NoRoot,
    /// Another scheme than `file:`, or none.
    #[error("only file: URLs are read")]
    Scheme,
    /// A host other than this one.
    #[error("it names another machine")]
    Host,
    /// A `%` that is not followed by two hexadecimal digits, or a NUL.
    #[error("its path cannot be read")]
    Path,
    /// Outside of the folder, also by a link.
    #[error("the file is not below the folder that was named for URLs")]
    Outside,
    /// No regular file.
    #[error("it is not a regular file")]
    NotAFile,
    /// Larger than the limit.
    #[error("the file is larger than the limit of {0} bytes that is left")]
    TooLarge(u64),
    /// It cannot be opened or read.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl UrlError {
    /// The code to report.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            UrlError::NoRoot | UrlError::Scheme | UrlError::Host | UrlError::Path | UrlError::Outside => {
                Code::UrlRefused
            }
            UrlError::NotAFile | UrlError::TooLarge(_) | UrlError::Io(_) => Code::UrlUnreadable,
        }
    }
}

impl UrlRoot {
    /// A folder that URLs may read.
    ///
    /// # Errors
    /// The folder does not exist or is not a folder.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let folder = folder.canonicalize()?;
        if !folder.is_dir() {
            return Err(io::Error::from(io::ErrorKind::NotADirectory));
        }
        Ok(UrlRoot { folder, prefixes: Vec::new() })
    }

    /// Lets a path prefix, as it stands in the URLs, stand for the folder.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        self.prefixes.push(prefix.trim_end_matches('/').as_bytes().to_vec());
        self
    }

    /// Reads the file behind a URL, at most `limit` bytes.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn read(&self, url: &[u8], limit: u64) -> Result<Vec<u8>, UrlError> {
        let path = path_of(url)?;
        let real = self.resolve(&path)?;
        let file = std::fs::File::open(&real)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(UrlError::NotAFile);
        }
        if metadata.len() > limit {
            return Err(UrlError::TooLarge(limit));
        }
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(UrlError::TooLarge(limit));
        }
        Ok(bytes)
    }

    /// The file for a path, with every link resolved, below the folder and regular.
    fn resolve(&self, path: &[u8]) -> Result<PathBuf, UrlError> {
        // Each with whether it says that the path means a file below the folder: then a missing file may be called
        // missing. Whether a file outside exists is nobody's business.
        let mut candidates = Vec::new();
        for prefix in &self.prefixes {
            // `file:///C:/x` is the URL of C:/x.
            if let Some(rest) = path
                .strip_prefix(prefix.as_slice())
                .or_else(|| path.strip_prefix(b"/")?.strip_prefix(prefix.as_slice()))
                && (rest.is_empty() || rest.starts_with(b"/"))
            {
                candidates.push((self.folder.join(native(trim_slashes(rest))?), true));
            }
        }
        let absolute = path.starts_with(b"/");
        if absolute {
            let path = native(path)?;
            candidates.push((path.to_path_buf(), path.starts_with(&self.folder)));
        }
        candidates.push((self.folder.join(native(trim_slashes(path))?), !absolute));
        let escapes = path.split(|b| *b == b'/').any(|part| part == b"..");
        let mut missing = None;
        for (candidate, below) in candidates {
            match candidate.canonicalize() {
                Ok(real) if real.starts_with(&self.folder) => {
                    // Asked before it is opened: opening a pipe would wait for its other end.
                    return if real.is_file() { Ok(real) } else { Err(UrlError::NotAFile) };
                }
                Ok(_) if below => return Err(UrlError::Outside),
                Err(error) if below && !escapes => missing = Some(error),
                Ok(_) | Err(_) => {}
            }
        }
        Err(missing.map_or(UrlError::Outside, UrlError::Io))
    }
}

fn trim_slashes(path: &[u8]) -> &[u8] {
    let start = path.iter().position(|b| *b != b'/').unwrap_or(path.len());
    path.get(start..).unwrap_or_default()
}

#[cfg(unix)]
fn native(path: &[u8]) -> Result<&Path, UrlError> {
    use std::os::unix::ffi::OsStrExt;
    Ok(Path::new(OsStr::from_bytes(path)))
}

#[cfg(not(unix))]
fn native(path: &[u8]) -> Result<&Path, UrlError> {
    std::str::from_utf8(path).map(|text| Path::new(OsStr::new(text))).map_err(|_| UrlError::Path)
}

/// The decoded path of a `file:` URL. `file://./x` gives `./x`.
fn path_of(url: &[u8]) -> Result<Vec<u8>, UrlError> {
    let (scheme, rest) = url.split_at_checked(5).ok_or(UrlError::Scheme)?;
    if !scheme.eq_ignore_ascii_case(b"file:") {
        return Err(UrlError::Scheme);
    }
    let path = match rest.strip_prefix(b"//") {
        None => rest.to_vec(),
        Some(rest) => {
            let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
            let (host, path) = rest.split_at(end);
            match host {
                b"" => path.to_vec(),
                b"." | b".." => rest.to_vec(),
                _ if host.eq_ignore_ascii_case(b"localhost") || host == b"127.0.0.1" => path.to_vec(),
                _ => return Err(UrlError::Host),
            }
        }
    };
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.iter();
    while let Some(&byte) = bytes.next() {
        if byte == b'%' {
            let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
            let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else {
                return Err(UrlError::Path);
            };
            decoded.push((high * 16 + low) as u8);
        } else {
            decoded.push(byte);
        }
    }
    if decoded.is_empty() || decoded.contains(&0) {
        return Err(UrlError::Path);
    }
    Ok(decoded)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use std::fs;

    fn text(root: &UrlRoot, url: &str) -> Result<String, UrlError> {
        root.read(url.as_bytes(), 100).map(|b| String::from_utf8(b).unwrap())
    }

    #[test]
    fn every_spelling_of_a_file_below_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = UrlRoot::new(dir.path()).unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("sub/a;binary b"), "x").unwrap();
        let real = dir.path().canonicalize().unwrap();
        for url in [
            "file:sub/a;binary b".to_owned(),
            "file:/sub/a;binary%20b".into(),
            "FILE:///sub/a%3Bbinary%20b".into(),
            "file://./sub/a;binary b".into(),
            "file://localhost/sub/a;binary b".into(),
            format!("file:{}/sub/a;binary b", real.display()),
            format!("file://{}/sub/a;binary%20b", real.display()),
        ] {
            assert_eq!(text(&root, &url).unwrap(), "x", "{url}");
        }
        let mapped = root.with_prefix("/var/exports/");
        assert_eq!(text(&mapped, "file:///var/exports/sub/a;binary b").unwrap(), "x");
        assert!(text(&mapped, "file:///var/exportsub/a;binary b").is_err());
        let windows = mapped.with_prefix("C:/exports");
        assert_eq!(text(&windows, "file:///C:/exports/sub/a;binary b").unwrap(), "x");
        assert!(text(&windows, "file:///C:/exports/../sub/a;binary b").is_err());
    }

    #[test]
    fn nothing_else_is_read() {
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("in");
        fs::create_dir(&dir).unwrap();
        fs::write(outer.path().join("secret"), "s").unwrap();
        fs::write(dir.join("large"), vec![b'x'; 101]).unwrap();
        let root = UrlRoot::new(&dir).unwrap();
        for url in [
            "http://example.com/x",
            "ldap://x",
            "",
            "file:",
            "file://other/x",
            "file:/x%0",
            "file:/x%00",
            "file:///x%zz",
            "file:../secret",
            "file://./../secret",
            "file:///../secret",
            "file:///etc/../etc/hostname",
            "file:%2e%2e/secret",
        ] {
            let error = text(&root, url).unwrap_err();
            assert_eq!(error.code(), Code::UrlRefused, "{url}: {error}");
        }
        let secret = format!("file://{}/secret", outer.path().canonicalize().unwrap().display());
        assert_eq!(text(&root, &secret).unwrap_err().code(), Code::UrlRefused);
        for url in ["file:large", "file:missing", "file:."] {
            assert_eq!(text(&root, url).unwrap_err().code(), Code::UrlUnreadable, "{url}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_only_to_files_below() {
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("in");
        fs::create_dir(&dir).unwrap();
        fs::write(outer.path().join("secret"), "s").unwrap();
        fs::write(dir.join("a"), "a").unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret"), dir.join("out")).unwrap();
        std::os::unix::fs::symlink(outer.path(), dir.join("up")).unwrap();
        std::os::unix::fs::symlink("a", dir.join("same")).unwrap();
        let root = UrlRoot::new(&dir).unwrap();
        assert_eq!(text(&root, "file:same").unwrap(), "a");
        for url in ["file:out", "file:up/secret"] {
            assert_eq!(text(&root, url).unwrap_err().code(), Code::UrlRefused, "{url}");
        }
    }
}
