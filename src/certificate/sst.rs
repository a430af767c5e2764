//! Serialised certificate stores (SST), read and written.
//!
//! The format of [MS-OSHARED] section 2.3.2.5, which Windows' certificate tools export and
//! `Set-SmimeConfig` takes: eight bytes of head, elements, twelve zero bytes of end. An element is
//! `u32 id, u32 encoding (1), u32 length, data`, little-endian. Id 0x20 is a certificate; the other ids
//! up to 0xffff are properties of the certificate that they stand beside (3: SHA-1, 11: friendly name,
//! 20: key identifier ...). Windows writes properties in front of their certificate. A store of crypt32
//! may also hold CRLs (0x21) and trust lists (0x22), which MS-OSHARED does not mention.
//!
//! [MS-OSHARED]: https://learn.microsoft.com/openspecs/office_file_formats/ms-oshared/

/// How every store begins: version 0, then `CERT`.
pub const HEAD: &[u8; 8] = b"\0\0\0\0CERT";

const CERTIFICATE: u32 = 0x20;
const CRL: u32 = 0x21;
const TRUST_LIST: u32 = 0x22;
/// ASN.1, the only encoding there is.
const ENCODING: u32 = 1;
/// Ids are 16 bits wide.
const LAST_ID: u32 = 0xffff;
/// Bytes in front of an element's data, and of the end.
const ELEMENT_HEAD: usize = 12;

/// What stands in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// A certificate.
    Certificate(&'a [u8]),
    /// A CRL.
    Crl(&'a [u8]),
    /// A certificate trust list.
    TrustList(&'a [u8]),
    /// A property of a certificate: its id and data.
    Property(u32, &'a [u8]),
}

/// Why a store was not read to its end: whatever stands behind is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The bytes end inside an element, or without the end of the store.
    #[error("the certificate store is cut off, so certificates may be missing")]
    CutOff,
    /// No element has this id.
    #[error(
        "the certificate store is damaged: there is no element with id {0:#x}, and what stands behind was not read"
    )]
    Id(u32),
    /// More follows behind the end.
    #[error("more stands behind the end of the certificate store ({0} bytes) and was not read")]
    Behind(usize),
}

/// A store's elements in order, each with the offset of its data, or the offset of a damage, which is
/// the last item.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    bytes: &'a [u8],
    at: usize,
    ended: bool,
}

/// Goes through a store; `None` when the bytes do not begin as one.
#[must_use]
pub fn elements(bytes: &[u8]) -> Option<Elements<'_>> {
    bytes.starts_with(HEAD).then_some(Elements { bytes, at: HEAD.len(), ended: false })
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<(usize, Element<'a>), (usize, Damage)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let at = self.at;
        let rest = self.bytes.get(at..).unwrap_or_default();
        let word = |index: usize| {
            let octets = rest.get(4 * index..)?.first_chunk::<4>()?;
            Some(u32::from_le_bytes(*octets))
        };
        let (Some(id), Some(length)) = (word(0), word(2)) else {
            self.ended = true;
            return Some(Err((at, Damage::CutOff)));
        };
        if id == 0 {
            self.ended = true;
            let end = at + ELEMENT_HEAD;
            let behind = self.bytes.get(end..).unwrap_or_default();
            // Copies may be padded; what is not zero may be certificates.
            let padding = behind.iter().all(|byte| *byte == 0);
            return (!padding).then_some(Err((end, Damage::Behind(behind.len()))));
        }
        if id > LAST_ID {
            self.ended = true;
            return Some(Err((at, Damage::Id(id))));
        }
        let start = at + ELEMENT_HEAD;
        let end = start.saturating_add(length as usize);
        let Some(data) = self.bytes.get(start..end) else {
            self.ended = true;
            return Some(Err((at, Damage::CutOff)));
        };
        self.at = end;
        let element = match id {
            CERTIFICATE => Element::Certificate(data),
            CRL => Element::Crl(data),
            TRUST_LIST => Element::TrustList(data),
            property => Element::Property(property, data),
        };
        Some(Ok((start, element)))
    }
}

/// A store of these certificates (DER), in this order, without properties.
#[must_use]
pub fn write<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut store = HEAD.to_vec();
    for der in certificates {
        // A certificate of 4 GiB does not occur: the largest file that is read is far below it.
        let length = der.len() as u32;
        for word in [CERTIFICATE, ENCODING, length] {
            store.extend_from_slice(&word.to_le_bytes());
        }
        store.extend_from_slice(der);
    }
    store.extend_from_slice(&[0; ELEMENT_HEAD]);
    store
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(store: &[u8]) -> Vec<Result<(usize, Element<'_>), (usize, Damage)>> {
        elements(store).unwrap().collect()
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let store = write([&b"ab"[..], b"c"]);
        let wanted = b"\0\0\0\0CERT\x20\0\0\0\x01\0\0\0\x02\0\0\0ab\x20\0\0\0\x01\0\0\0\x01\0\0\0c\
                       \0\0\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(store, wanted);
        assert_eq!(
            read(&store),
            [Ok((20, Element::Certificate(b"ab"))), Ok((34, Element::Certificate(b"c")))]
        );
        assert_eq!(write([]).len(), 20);
        assert!(read(&write([])).is_empty());
        assert!(elements(b"\0\0\0\0CER").is_none());
    }

    #[test]
    fn what_is_behind_the_end_is_told() {
        let padded = [write([&b"ab"[..]]), vec![0; 30]].concat();
        assert_eq!(read(&padded), [Ok((20, Element::Certificate(b"ab")))]);
        let more = [write([&b"ab"[..]]), b"\0\0x".to_vec()].concat();
        assert_eq!(read(&more)[1], Err((34, Damage::Behind(3))));
        let mut odd = write([&b"ab"[..]]);
        odd[10] = 1;
        assert_eq!(read(&odd), [Err((8, Damage::Id(0x1_0020)))]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(ders in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..8)) {
            let store = write(ders.iter().map(Vec::as_slice));
            let found: Vec<_> = read(&store).into_iter().map(Result::unwrap).map(|(_, element)| element).collect();
            let wanted: Vec<_> = ders.iter().map(|der| Element::Certificate(der)).collect();
            prop_assert_eq!(found, wanted);
        }

        #[test]
        fn a_store_that_is_cut_off_says_so(ders in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..8), cut in 0usize..1000) {
            let store = write(ders.iter().map(Vec::as_slice));
            let cut = HEAD.len() + cut % (store.len() - HEAD.len());
            let last = read(&store[..cut]).pop().unwrap();
            prop_assert!(matches!(last, Err((_, Damage::CutOff))));
        }

        #[test]
        fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let store = [HEAD.to_vec(), bytes].concat();
            let all = read(&store);
            let damages = all.iter().filter(|item| item.is_err()).count();
            prop_assert!(damages <= 1 && all.iter().rev().skip(1).all(Result::is_ok));
        }
    }
}
