//! The header of a csvde export: which column is which attribute.

use super::limits;
use crate::ldif::name::{self, Shape};
use std::sync::Arc;

/// The columns of an export, or of a part of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub(super) columns: Vec<Column>,
}

/// A column as the header names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// The attribute description; empty where it is none.
    pub(super) name: Vec<u8>,
    /// What stands in the header, where that is no attribute description.
    pub(super) unusable: Option<Vec<u8>>,
}

impl Header {
    /// A header of these cells. The first one is the DN's.
    pub(super) fn of<'c>(cells: impl Iterator<Item = &'c [u8]>) -> Self {
        let columns = cells
            .enumerate()
            .map(|(at, cell)| {
                let name = cell.trim_ascii();
                // A column without a name may be empty throughout, as spreadsheets leave them.
                let usable = at == 0
                    || name.is_empty()
                    || (name::shape(name) != Shape::Bad && !name.eq_ignore_ascii_case(b"dn"));
                if usable {
                    Column { name: name.to_vec(), unusable: None }
                } else {
                    Column { name: Vec::new(), unusable: Some(name.to_vec()) }
                }
            })
            .collect();
        Self { columns }
    }
}

/// Is this the first cell of a header?
pub(super) fn is_dn_column(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    let cell = cell.strip_prefix(b"\"").and_then(|c| c.strip_suffix(b"\"")).unwrap_or(cell);
    cell.trim_ascii().eq_ignore_ascii_case(b"dn")
}

/// The headers of an input and where what they head begins: more than one where files were put behind each other.
#[derive(Debug, Clone, Default)]
pub struct Headers(Vec<(u64, Arc<Header>)>);

impl Headers {
    /// Takes the header of what begins at an offset; one that is the same as before is kept once. `None`: there are more
    /// than [`limits::HEADERS`] of them.
    pub(super) fn add(&mut self, offset: u64, header: Header) -> Option<Arc<Header>> {
        if let Some((_, last)) = self.0.last()
            && **last == header
        {
            return Some(Arc::clone(last));
        }
        if self.0.len() >= limits::HEADERS {
            return None;
        }
        let header = Arc::new(header);
        self.0.push((offset, Arc::clone(&header)));
        Some(header)
    }

    /// The header of the row at an offset.
    #[must_use]
    pub fn at(&self, offset: u64) -> Option<&Arc<Header>> {
        let behind = self.0.partition_point(|(from, _)| *from <= offset);
        self.0.get(behind.checked_sub(1)?).map(|(_, header)| header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &[&str]) -> Header {
        Header::of(names.iter().map(|name| name.as_bytes()))
    }

    #[test]
    fn columns_that_name_no_attribute_are_told() {
        let header = header(&["DN", " mail ", "user Certificate", "", "dn", "userCertificate;range=0-1499"]);
        let names: Vec<&[u8]> = header.columns.iter().map(|c| &c.name[..]).collect();
        assert_eq!(names, [&b"DN"[..], b"mail", b"", b"", b"", b"userCertificate;range=0-1499"]);
        let unusable: Vec<bool> = header.columns.iter().map(|c| c.unusable.is_some()).collect();
        assert_eq!(unusable, [false, false, true, false, true, false]);
    }

    #[test]
    fn a_row_has_the_header_above_it() {
        let mut headers = Headers::default();
        headers.add(10, header(&["DN", "cn"]));
        headers.add(50, header(&["DN", "cn"]));
        headers.add(90, header(&["DN", "mail"]));
        let name = |offset| headers.at(offset).map(|h| h.columns[1].name.clone());
        assert_eq!(name(5), None);
        assert_eq!(name(10), Some(b"cn".to_vec()));
        assert_eq!(name(89), Some(b"cn".to_vec()));
        assert_eq!(name(90), Some(b"mail".to_vec()));
        assert_eq!(headers.0.len(), 2);
    }
}
