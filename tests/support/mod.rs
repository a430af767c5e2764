//! What several test binaries share.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The conformance folder: `CERTFERRY_CONFORMANCE`, or `../shared/conformance` from the project or one
/// of its parents. `None` (and a word on stderr) where it is not there.
pub fn conformance() -> Option<PathBuf> {
    let named = std::env::var_os("CERTFERRY_CONFORMANCE").map(PathBuf::from);
    let beside = || {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .map(|dir| dir.join("../shared/conformance"))
            .find(|d| d.is_dir())
    };
    let found = match named {
        Some(dir) => Some(dir).filter(|dir| dir.is_dir()),
        None => beside(),
    };
    if found.is_none() {
        eprintln!("skipped: no conformance data (set CERTFERRY_CONFORMANCE)");
    }
    found
}

/// Every PEM block of a text, decoded; DER is returned as it is.
pub fn ders(bytes: &[u8]) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let text = String::from_utf8_lossy(bytes);
    if !text.contains("-----BEGIN") {
        return if bytes.is_empty() { Vec::new() } else { vec![bytes.to_vec()] };
    }
    let mut all = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("-----BEGIN") {
            block = Some(String::new());
        } else if line.starts_with("-----END") {
            if let Some(body) = block.take() {
                all.extend(base64::engine::general_purpose::STANDARD.decode(body).ok());
            }
        } else if let Some(body) = &mut block {
            body.push_str(line);
        }
    }
    all
}

/// Reads a file of certificates or CRLs.
pub fn read(path: impl AsRef<Path>) -> Vec<Vec<u8>> {
    std::fs::read(path).map(|bytes| ders(&bytes)).unwrap_or_default()
}

/// An exceptions file: `id<TAB>verdict<TAB>reason`, `#` starts a comment.
pub fn exceptions(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut parts = line.splitn(3, '\t');
            let (id, verdict) = (parts.next().unwrap(), parts.next().expect("a verdict"));
            assert!(parts.next().is_some_and(|reason| reason.len() > 20), "{id} needs a reason");
            (id.to_owned(), verdict.to_owned())
        })
        .collect()
}
