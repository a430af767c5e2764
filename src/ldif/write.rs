//! Writing LDIF (RFC 2849) in the one form that every importer reads.
//!
//! Lines are ASCII, end with LF (RFC 2849: `SEP = (CR LF / LF)`) and have at most [`WIDTH`] bytes; longer ones are
//! folded. There is no `version:` line: `ldifde` writes none, and importers take its absence for version 1. What is
//! written here, [`Reader`](super::Reader) reads back byte for byte.
//!
//! A change is a [`Modify`]: values by name that are deleted and added. There is no way to write `replace:` or a
//! `delete:` without values, since both take away values that the writer has never seen.
//!
//! ```
//! use certferry::ldif::write::{Modify, Part};
//! let mut out = Vec::new();
//! let mut change = Modify::begin(&mut out, "CN=Zoë,DC=example");
//! change.part(Part::Delete, "userCertificate", [&[1_u8, 2, 3][..]]);
//! change.part(Part::Add, "mail", [b"zoe@example.com".as_slice()]);
//! change.end();
//! assert_eq!(
//!     String::from_utf8(out).unwrap(),
//!     "dn:: Q049Wm/DqyxEQz1leGFtcGxl\nchangetype: modify\n\
//!      delete: userCertificate\nuserCertificate:: AQID\n-\n\
//!      add: mail\nmail: zoe@example.com\n-\n\n"
//! );
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a line without its end, 76: what OpenLDAP's tools write (`LDIF_LINE_WIDTH`); `ldifde` writes 78.
pub const WIDTH: usize = 76;

/// Appends `name: value`, or `name:: base64` where RFC 2849 needs that (see [`is_safe`]), folded.
pub fn attribute(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    let start = out.len();
    out.extend_from_slice(name.as_bytes());
    if value.is_empty() {
        out.push(b':');
    } else if is_safe(value) {
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
    } else {
        out.extend_from_slice(b":: ");
        let mut text = String::with_capacity(value.len().div_ceil(3).saturating_mul(4));
        STANDARD.encode_string(value, &mut text);
        out.extend_from_slice(text.as_bytes());
    }
    end_line(out, start);
}

/// Appends a comment. What is not printable ASCII in it becomes `?`: a comment is for people only.
pub fn comment(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    out.extend_from_slice(b"# ");
    out.extend(text.chars().map(|c| if matches!(c, ' '..='~') { c as u8 } else { b'?' }));
    end_line(out, start);
}

/// Whether a value may stand as it is: printable ASCII, not beginning with a blank, `:` or `<`, not ending with a
/// blank. RFC 2849 allows control characters too; no tool writes them.
#[must_use]
pub fn is_safe(value: &[u8]) -> bool {
    !matches!(value.first(), Some(b' ' | b':' | b'<'))
        && value.last() != Some(&b' ')
        && value.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Ends the line that begins at `start`, folding it: each further line begins with a blank, which is no part of it.
fn end_line(out: &mut Vec<u8>, start: usize) {
    if out.len() - start > WIDTH {
        let rest = out.split_off(start + WIDTH);
        for part in rest.chunks(WIDTH - 1) {
            out.extend_from_slice(b"\n ");
            out.extend_from_slice(part);
        }
    }
    out.push(b'\n');
}

/// What is done with values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The values are deleted. A server refuses the whole record when it does not hold one of them.
    Delete,
    /// The values are added. A server refuses the whole record when it holds one of them already.
    Add,
}

impl Part {
    /// The keyword.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Add => "add",
        }
    }
}

/// A record with `changetype: modify` under construction.
#[derive(Debug)]
pub struct Modify<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Modify<'o> {
    /// Begins the record of an entry.
    pub fn begin(out: &'o mut Vec<u8>, dn: &str) -> Self {
        attribute(out, "dn", dn.as_bytes());
        attribute(out, "changetype", b"modify");
        Self { out }
    }

    /// Adds a part. Without values nothing is written: a bare `delete:` would delete the whole attribute.
    pub fn part<'v>(&mut self, part: Part, name: &str, values: impl IntoIterator<Item = &'v [u8]>) {
        let mut begun = false;
        for value in values {
            if !begun {
                attribute(self.out, part.keyword(), name.as_bytes());
                begun = true;
            }
            attribute(self.out, name, value);
        }
        if begun {
            self.out.extend_from_slice(b"-\n");
        }
    }

    /// Ends the record with a blank line.
    pub fn end(self) {
        self.out.push(b'\n');
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn line(name: &str, value: &[u8]) -> String {
        let mut out = Vec::new();
        attribute(&mut out, name, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn base64_where_it_is_needed() {
        for (value, written) in [
            ("", "x:\n"),
            ("a b", "x: a b\n"),
            ("#a", "x: #a\n"),
            ("a:<b", "x: a:<b\n"),
            (" a", "x:: IGE=\n"),
            ("a ", "x:: YSA=\n"),
            (":a", "x:: OmE=\n"),
            ("<a", "x:: PGE=\n"),
            ("a\nb", "x:: YQpi\n"),
            ("a\tb", "x:: YQli\n"),
            ("ä", "x:: w6Q=\n"),
        ] {
            assert_eq!(line("x", value.as_bytes()), written, "{value:?}");
        }
    }

    #[test]
    fn lines_are_folded_at_their_width() {
        let text = |length: usize| line("x", "a".repeat(length).as_bytes());
        assert_eq!(text(73), format!("x: {}\n", "a".repeat(73)), "76 bytes");
        assert_eq!(text(74), format!("x: {}\n a\n", "a".repeat(73)));
        assert_eq!(text(73 + 75), format!("x: {}\n {}\n", "a".repeat(73), "a".repeat(75)));
        assert_eq!(text(73 + 76), format!("x: {}\n {}\n a\n", "a".repeat(73), "a".repeat(75)));
        assert!(line("x", &[7; 4000]).lines().all(|line| line.len() <= WIDTH));
        let mut out = Vec::new();
        comment(&mut out, &"ä\n".repeat(40));
        assert!(out.is_ascii() && out.split(|byte| *byte == b'\n').all(|line| line.len() <= WIDTH));
    }

    #[test]
    fn nothing_is_deleted_without_its_name() {
        let mut out = Vec::new();
        let mut change = Modify::begin(&mut out, "CN=Kim");
        change.part(Part::Delete, "userCertificate", []);
        change.end();
        assert_eq!(out, b"dn: CN=Kim\nchangetype: modify\n\n");
    }
}
