//! SHA256SUMS in the format of GNU coreutils, so that `sha256sum -c SHA256SUMS` is a second opinion.
//!
//! One `hash  path` a line, LF, sorted by the bytes of the path, `/` between folders. Paths are ASCII letters,
//! digits and `.`, `-`, `_`, `/`: certferry makes no other names, so a reader may refuse them.

use std::collections::BTreeMap;

/// Name of the list in each half.
pub const SUMS: &str = "SHA256SUMS";
/// Name of its detached signature, the only file of a half that is not listed.
pub const SIGNATURE: &str = "SHA256SUMS.p7s";

/// Files of a half and their SHA-256 in lower-case hex, by path.
pub type Sums = BTreeMap<String, String>;

/// The list as bytes.
#[must_use]
pub fn write(sums: &Sums) -> String {
    let mut text = String::new();
    for (path, hash) in sums {
        text.push_str(hash);
        text.push_str("  ");
        text.push_str(path);
        text.push('\n');
    }
    text
}

/// Reads a list. Returns what could be read, and the number and defect of every line that is not as
/// certferry writes it.
#[must_use]
pub fn read(bytes: &[u8]) -> (Sums, Vec<(u64, String)>) {
    let mut sums = Sums::new();
    let mut defects = Vec::new();
    let mut last = String::new();
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        defects.push((
            bytes.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1,
            "the last line has no end".to_owned(),
        ));
    }
    for (number, line) in (1..).zip(bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|&byte| byte == b'\n')) {
        if bytes.is_empty() {
            break;
        }
        match entry(line) {
            Err(defect) => defects.push((number, defect.to_owned())),
            Ok((hash, path)) => {
                if sums.contains_key(path) {
                    defects.push((number, format!("{path} is listed twice")));
                    continue;
                }
                if path < last.as_str() {
                    defects.push((number, format!("{path} is out of order")));
                }
                last = path.to_owned();
                sums.insert(path.to_owned(), hash.to_owned());
            }
        }
    }
    (sums, defects)
}

fn entry(line: &[u8]) -> Result<(&str, &str), &'static str> {
    if line.ends_with(b"\r") {
        return Err("the line ends with CR LF: the file was changed on the way, probably copied as text");
    }
    let form = "expected 64 lower-case hex digits, two blanks and a path";
    let text = std::str::from_utf8(line).map_err(|_| form)?;
    let (hash, path) = text.split_once("  ").ok_or(form)?;
    if hash.len() != 64 || !hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(form);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/');
    if path.is_empty()
        || !path.bytes().all(plain)
        || path.split('/').any(|part| matches!(part, "" | "." | ".."))
    {
        return Err("the path is not one that certferry writes: a plain relative path with `/`");
    }
    Ok((hash, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let sums = Sums::from([
            ("payload/0001.ndjson".to_owned(), "ab".repeat(32)),
            ("HANDOVER.txt".to_owned(), "cd".repeat(32)),
        ]);
        let text = write(&sums);
        assert!(text.starts_with(&format!("{}  HANDOVER.txt\n", "cd".repeat(32))));
        assert_eq!(read(text.as_bytes()), (sums, Vec::new()));
        assert_eq!(read(b""), (Sums::new(), Vec::new()));
    }

    #[test]
    fn every_deviation_is_named() {
        let hash = "ab".repeat(32);
        for (text, word) in [
            (format!("{hash}  a\r\n"), "CR LF"),
            (format!("{hash} *a\n"), "two blanks"),
            (format!("{}  a\n", hash.to_uppercase()), "lower-case"),
            (format!("{hash}  ../a\n"), "plain relative"),
            (format!("{hash}  /a\n"), "plain relative"),
            (format!("{hash}  a\\b\n"), "plain relative"),
            (format!("{hash}  b\n{hash}  a\n"), "out of order"),
            (format!("{hash}  a\n{hash}  a\n"), "twice"),
            (format!("{hash}  a"), "no end"),
            ("\n".to_owned(), "two blanks"),
        ] {
            let (_, defects) = read(text.as_bytes());
            assert!(defects.iter().any(|(_, defect)| defect.contains(word)), "{text:?} gives {defects:?}");
        }
    }
}
