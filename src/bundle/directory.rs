//! The change of the directory: LDIF that deletes and adds named values, and the LDIF that undoes it.
//!
//! What Entra Connect synchronises cannot be changed in Exchange Online, so there the directory itself is cleaned and
//! completed. Certificates for logon and file encryption live in the same attributes, AD CS appends to them, and weeks
//! may lie between export and import. So a record names every value that it touches:
//!
//! * `delete:` of a value that is no longer there, or `add:` of one that is there already, makes the server refuse the
//!   whole record (RFC 4511 section 4.6: all of a modification or none of it), and the object stays as it is;
//! * what the export did not show is never touched, because nothing ever says `replace:` or a bare `delete:`.
//!
//! `change-0001.ldif` and `inverse-0001.ldif` hold the same objects in the same order, and each record of the one
//! deletes what the other adds. An import that stopped somewhere is therefore undone by importing the inverse, which
//! stops at the same record.
//!
//! Attribute names carry no `;binary`, which Active Directory refuses. The files are ASCII with LF as the line end and
//! one comment at their head; the records are made by [`ldif::write`](crate::ldif::write).

use super::OutputError;
use super::hashed::HashedFile;
use super::model::{Attribute, ChangeCounts, ChangePlace};
use super::render::Rendered;
use super::sums::Sums;
use super::writer::numbered_name;
use crate::ldif::write::{self, Modify, Part};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// The folder below review/.
pub const FOLDER: &str = "active-directory";

/// Attributes in the order in which a record names them.
pub const ATTRIBUTES: [Attribute; 2] = [Attribute::UserCertificate, Attribute::UserSmimeCertificate];

/// What changes at one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Its DN as it stood in the input.
    pub dn: String,
    /// Values that it holds and loses.
    pub delete: Vec<(Attribute, Vec<u8>)>,
    /// Values that it gains.
    pub add: Vec<(Attribute, Vec<u8>)>,
}

impl Change {
    /// What it counts for.
    #[must_use]
    pub fn counts(&self) -> ChangeCounts {
        ChangeCounts { objects: 1, deleted: self.delete.len() as u64, added: self.add.len() as u64 }
    }

    /// Appends the record that makes it.
    pub fn write(&self, out: &mut Vec<u8>) {
        record(out, &self.dn, &self.delete, &self.add);
    }

    /// Appends the record that undoes it.
    pub fn write_inverse(&self, out: &mut Vec<u8>) {
        record(out, &self.dn, &self.add, &self.delete);
    }
}

fn record(out: &mut Vec<u8>, dn: &str, delete: &[(Attribute, Vec<u8>)], add: &[(Attribute, Vec<u8>)]) {
    let mut modify = Modify::begin(out, dn);
    for (part, values) in [(Part::Delete, delete), (Part::Add, add)] {
        for attribute in ATTRIBUTES {
            let of_attribute = values.iter().filter(|(of, _)| *of == attribute);
            modify.part(part, attribute.name(), of_attribute.map(|(_, value)| value.as_slice()));
        }
    }
    modify.end();
}

/// One of the two files of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Makes the change.
    Change,
    /// Undoes it.
    Inverse,
}

impl Side {
    /// Name of the file with this number (from 1) below review/.
    #[must_use]
    pub fn name(self, number: u64) -> String {
        format!("{FOLDER}/{}", self.file(number))
    }

    fn file(self, number: u64) -> String {
        let word = match self {
            Self::Change => "change",
            Self::Inverse => "inverse",
        };
        format!("{word}-{}.ldif", numbered_name(number))
    }

    /// What stands at the head of the file.
    #[must_use]
    pub fn head(self, number: u64, unverified: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let text = match self {
            Self::Change => format!("Undone by {}.", Self::Inverse.file(number)),
            Self::Inverse => format!("Undoes {}.", Self::Change.file(number)),
        };
        write::comment(&mut out, &text);
        if unverified {
            write::comment(&mut out, "UNVERIFIED: no certification path was checked.");
        }
        out
    }
}

/// The files while they are written. There is always a first pair, so that "nothing changes" can be seen.
pub(crate) struct ChangeFiles {
    review: PathBuf,
    batch: NonZeroU64,
    unverified: bool,
    number: u64,
    records: u64,
    /// The change and its inverse.
    files: [HashedFile; 2],
}

impl ChangeFiles {
    /// Opens the first pair below `review`, whose folder [`FOLDER`] exists.
    pub(crate) fn begin(review: &Path, batch: NonZeroU64, unverified: bool) -> Result<Self, OutputError> {
        let files = open(review, 1, unverified)?;
        Ok(Self { review: review.to_path_buf(), batch, unverified, number: 1, records: 0, files })
    }

    /// Appends the change of a recipient, if there is one.
    pub(crate) fn append(
        &mut self,
        rendered: &Rendered,
        sums: &mut Sums,
    ) -> Result<Option<ChangePlace>, OutputError> {
        let Some(records) = rendered.change_records() else { return Ok(None) };
        if self.records == self.batch.get() {
            let next = open(&self.review, self.number + 1, self.unverified)?;
            close(std::mem::replace(&mut self.files, next), self.number, sums)?;
            self.number += 1;
            self.records = 0;
        }
        for (file, record) in self.files.iter_mut().zip(records) {
            file.put(record)?;
        }
        self.records += 1;
        Ok(Some(ChangePlace { file: Side::Change.name(self.number), record: self.records }))
    }

    /// Ends the last pair.
    pub(crate) fn finish(self, sums: &mut Sums) -> Result<(), OutputError> {
        close(self.files, self.number, sums)
    }
}

fn open(review: &Path, number: u64, unverified: bool) -> Result<[HashedFile; 2], OutputError> {
    let file = |side: Side| {
        let mut file = HashedFile::create(review.join(side.name(number)))?;
        file.put(&side.head(number, unverified))?;
        Ok(file)
    };
    Ok([file(Side::Change)?, file(Side::Inverse)?])
}

fn close([change, inverse]: [HashedFile; 2], number: u64, sums: &mut Sums) -> Result<(), OutputError> {
    sums.insert(Side::Change.name(number), change.finish()?);
    sums.insert(Side::Inverse.name(number), inverse.finish()?);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_is_the_mirror() {
        use Attribute::{UserCertificate as U, UserSmimeCertificate as S};
        let change = Change {
            dn: "CN=Kim,DC=example".to_owned(),
            delete: vec![(S, vec![3]), (U, vec![1]), (U, vec![2])],
            add: vec![(U, vec![4])],
        };
        let text = |write: fn(&Change, &mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&change, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            text(Change::write),
            "dn: CN=Kim,DC=example\nchangetype: modify\n\
             delete: userCertificate\nuserCertificate:: AQ==\nuserCertificate:: Ag==\n-\n\
             delete: userSMIMECertificate\nuserSMIMECertificate:: Aw==\n-\n\
             add: userCertificate\nuserCertificate:: BA==\n-\n\n"
        );
        assert_eq!(
            text(Change::write_inverse),
            "dn: CN=Kim,DC=example\nchangetype: modify\n\
             delete: userCertificate\nuserCertificate:: BA==\n-\n\
             add: userCertificate\nuserCertificate:: AQ==\nuserCertificate:: Ag==\n-\n\
             add: userSMIMECertificate\nuserSMIMECertificate:: Aw==\n-\n\n"
        );
    }

    #[test]
    fn files_name_each_other() {
        assert_eq!(Side::Change.name(3), "active-directory/change-0003.ldif");
        assert_eq!(Side::Inverse.name(12_345), "active-directory/inverse-a12345.ldif");
        assert_eq!(Side::Change.head(3, false), b"# Undone by inverse-0003.ldif.\n");
        let head = String::from_utf8(Side::Inverse.head(3, true)).unwrap();
        assert_eq!(head, "# Undoes change-0003.ldif.\n# UNVERIFIED: no certification path was checked.\n");
    }
}
