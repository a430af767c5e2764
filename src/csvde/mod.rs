//! A reader of `csvde` exports: comma-separated values, one row an entry, the first column the DN.
//!
//! A row becomes the same [`Record`](crate::ldif::Record) that the LDIF reader makes, so that everything behind it knows only one kind of
//! export. What Microsoft documents is little (the header names the attributes; "the file format is compatible with the
//! Microsoft Excel .csv format"; `-u` writes Unicode, else the machine's code page): how values are written is told in
//! `values.rs`.
//!
//! It works as the LDIF reader does ([`crate::ldif`]): [`Blocks`] cuts the raw bytes at row ends, which are not line ends
//! where a quoted cell holds some; [`RowParser`] reads the rows of one block, on any thread; [`Tally`](crate::ldif::Tally)
//! says at the end what concerns the whole input. Where several exports were put behind each other, each header holds
//! until the next one. A row with more or fewer cells than its header is never guessed at: only its DN is taken over, and
//! whatever else is known of that object counts as incomplete.
//!
//! ```
//! use certferry::csvde::Reader;
//! use certferry::ldif::{Options, Record};
//! let text = b"DN,objectClass,userCertificate\r\n\"CN=Ada,DC=example\",user,X'010203'\r\n";
//! let mut reader = Reader::new(&text[..], Options::default()).unwrap();
//! let (mut record, mut problems) = (Record::new(), Vec::new());
//! assert!(reader.next(&mut record, &mut problems).unwrap());
//! assert_eq!(record.dn(), b"CN=Ada,DC=example");
//! let certificate = record.attributes().find(|a| a.is("userCertificate")).unwrap();
//! assert_eq!(certificate.bytes(), Some(&[1, 2, 3][..]));
//! assert!(problems.is_empty());
//! ```

pub mod blocks;
mod cut;
mod header;
pub mod limits;
mod parser;
mod reader;
mod row;
mod values;

pub use blocks::{Block, Blocks};
pub use header::{Header, Headers};
pub use parser::{RowParser, Scratch, reparse};
pub use reader::{ReadError, Reader};
