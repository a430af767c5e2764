//! A reader of LDIF (RFC 2849) as it really occurs.
//!
//! Directory exports are rarely what RFC 2849 says: `ldifde` writes UTF-16 and begins a long value on the line after
//! `attr::`, PowerShell's `>` changes the encoding, mail programs and editors eat the leading space of a continuation,
//! `ldapsearch` adds a trailer, people concatenate files. This reader takes what can be understood, says so where it
//! was outside RFC 2849 (a *warning*), and says so where something could not be taken over (an *error*). Nothing is
//! dropped or guessed in silence, and no input ends the run.
//!
//! # How it works
//! 1. [`detect()`] looks at the first bytes: which encoding, which line ends, or what the input is instead of LDIF.
//! 2. [`Blocks`] cuts the raw bytes at places where a record certainly starts, so that memory is flat and blocks can be
//!    parsed on any thread. Where it cuts depends only on the bytes and the block size.
//! 3. [`BlockParser`] reads the records of one block into a reused [`Record`]: values stay bytes; folds are joined
//!    before anything is decoded; what went wrong is a [`Problem`] with its place.
//! 4. [`Tally`] takes what was seen in each block, in block order, and says at the end what concerns the whole input:
//!    counts that a trailer promised, ranges that were never closed, exports that were cut off.
//!
//! [`Reader`] does all four in sequence. Using the parts on several threads gives the same records and problems.
//!
//! ```
//! use certferry::ldif::{Options, Reader, Record};
//! let text = b"dn: cn=Ada\ncn: Ada\nuserCertificate;binary:: AQID\n";
//! let mut reader = Reader::new(&text[..], Options::default()).unwrap();
//! let (mut record, mut problems) = (Record::new(), Vec::new());
//! while reader.next(&mut record, &mut problems).unwrap() {
//!     for attribute in record.attributes().filter(|a| a.is("userCertificate")) {
//!         assert_eq!(attribute.bytes(), Some(&[1, 2, 3][..]));
//!     }
//! }
//! assert!(problems.is_empty());
//! ```
//!
//! [`write`](mod@write) is the way back: values, and changes that name every value that they touch.
//!
//! Of this crate the module needs only SHA-256 ([`crate::encoding`]); of others memchr, base64, encoding_rs and thiserror.

mod base64;
pub mod blocks;
mod body;
pub(crate) mod buffer;
mod change;
pub mod code_page;
mod cut;
pub mod detect;
pub mod dn;
pub(crate) mod encoding;
mod fold;
mod gap;
pub mod limits;
mod line;
pub mod name;
pub(crate) mod oversize;
mod parser;
pub mod problem;
mod range;
mod reader;
pub mod record;
mod tally;
pub mod url;
mod value;
pub mod write;

pub use blocks::{Block, BlockOptions, Blocks};
pub use code_page::{Labelled, labelled};
pub use detect::{Detected, Foreign, Sniffed, detect, sniff};
pub use encoding::{Encoding, Format, LineEnd};
pub use name::{Range, canonical};
pub use oversize::Large;
pub use parser::{BlockParser, Scratch, reparse};
pub use problem::{Code, Problem, Severity};
pub use reader::{ReadError, Reader};
pub use record::{Attribute, ChangeKind, DnState, Operation, Record, Value};
pub use tally::{BlockTally, Tally};
pub use url::UrlRoot;

/// Which attributes' values are decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Wanted {
    /// All of them.
    #[default]
    All,
    /// Only attributes with one of these base names (compared without ASCII case, OIDs and names are one; see
    /// [`canonical`]). Values of other attributes are [`Value::Skipped`]: not decoded, not checked, URLs not read.
    Only(Vec<String>),
}

impl Wanted {
    /// Is an attribute with this base name (without options) wanted?
    #[must_use]
    pub fn takes(&self, base: &[u8]) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Only(names) => names.iter().any(|n| name::same(base, n.as_bytes())),
        }
    }
}

/// What the caller decides about reading. The same options must be given for all blocks of an input.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which attributes' values are decoded.
    pub wanted: Wanted,
    /// The only folder that `attr:< file:` may read. `None`: every URL is refused with an error.
    pub url_root: Option<UrlRoot>,
    /// How plain text (DNs and values that are not base64) is encoded when the input is not Unicode, such as
    /// `windows-1252` for `ldifde` without `-u`. Such text becomes UTF-8. base64 values are never touched.
    /// Must be ASCII-compatible ([`labelled`] checks that). Ignored for UTF-16 input and behind a UTF-8 BOM.
    pub code_page: Option<&'static encoding_rs::Encoding>,
}
