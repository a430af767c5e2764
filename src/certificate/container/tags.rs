//! Outlook's tag list (MS-OXOABK section 2.2.4.36).
//!
//! Repeated `u16 tag, u16 length, data`, little-endian; the length counts its own four header bytes.
//! Unknown tags are skipped, bounds are checked, and what cannot be walked further is a note.

use aws_lc_rs::digest;

use super::note::Note;
use super::open::{Container, Place};
use super::secret::{Secret, detect_secret, find_secret_text};
use crate::certificate::tlv::{self, TlvError};

/// 0x0001: version, a u32 that is 1.
const VERSION: u16 = 0x0001;
/// 0x0003: the certificate to encrypt to.
const KEY_EXCHANGE: u16 = 0x0003;
/// 0x0004: a certificate of the chain; may repeat.
const CHAIN: u16 = 0x0004;
/// 0x0008: the signing certificate.
const SIGNING: u16 = 0x0008;
/// 0x0009: SHA-1 of the signing certificate.
const SIGNING_SHA1: u16 = 0x0009;
/// 0x0022: SHA-1 of the key exchange certificate.
const KEY_EXCHANGE_SHA1: u16 = 0x0022;

struct Tag<'a> {
    at: usize,
    tag: u16,
    data: &'a [u8],
}

/// The tags in order, and where the walk stopped when it did not reach the end.
fn walk(bytes: &[u8]) -> impl Iterator<Item = Result<Tag<'_>, (usize, TlvError)>> {
    let mut at = 0usize;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let here = at;
        let read = |i: usize| rest.get(i..i + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
        let (Some(tag), Some(length)) = (read(0), read(2)) else {
            at = bytes.len();
            return Some(Err((here, TlvError::Truncated { at: here, needed: 4, found: rest.len() })));
        };
        let length = usize::from(length);
        let Some(data) = rest.get(4..length) else {
            at = bytes.len();
            return Some(Err((
                here,
                TlvError::Truncated { at: here, needed: length.max(4), found: rest.len() },
            )));
        };
        at += length;
        Some(Ok(Tag { at: here, tag, data }))
    })
}

/// Whether this walks as a tag list: it begins with the mandatory version, or it walks to its end and
/// holds a certificate.
pub(super) fn is_tag_list(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[1, 0, 8, 0]) {
        return true;
    }
    let mut certificates = 0usize;
    for tag in walk(bytes) {
        match tag {
            Ok(tag) => {
                certificates += usize::from(
                    matches!(tag.tag, KEY_EXCHANGE | CHAIN | SIGNING) && is_certificate(tag.data),
                );
            }
            Err(_) => return false,
        }
    }
    certificates > 0
}

/// A private key in any tag of the list.
pub(super) fn find_secret(bytes: &[u8]) -> Option<Secret> {
    walk(bytes)
        .filter_map(Result::ok)
        .find_map(|tag| detect_secret(tag.data).or_else(|| find_secret_text(tag.data).map(|_| Secret::Pem)))
}

fn is_certificate(data: &[u8]) -> bool {
    data.first() == Some(&tlv::tag::SEQUENCE) && tlv::first(data).is_ok()
}

/// Takes the certificates out of a tag list.
pub(super) fn open<'a>(bytes: &'a [u8], limit: usize, out: &mut Container<'a>) {
    let mut version = false;
    let mut sums: Vec<Tag<'a>> = Vec::new();
    for (number, tag) in walk(bytes).enumerate() {
        let tag = match tag {
            Ok(tag) => tag,
            Err((at, problem)) => {
                out.notes.push(Note::Broken { part: "the tag list", at, problem });
                break;
            }
        };
        match tag.tag {
            VERSION => version |= number == 0 && tag.data == [1, 0, 0, 0],
            KEY_EXCHANGE | CHAIN | SIGNING => {
                let place = match tag.tag {
                    KEY_EXCHANGE => Place::KeyExchange,
                    SIGNING => Place::Signing,
                    _ => Place::Chain,
                };
                match tlv::first(tag.data) {
                    Ok(element) if element.tag == tlv::tag::SEQUENCE => {
                        let rest = tag.data.len() - element.raw.len();
                        if rest > 0 {
                            out.notes.push(Note::TrailingBytes {
                                at: tag.at + 4 + element.raw.len(),
                                count: rest,
                            });
                        }
                        out.hold(element, tag.at + 4, place, limit);
                    }
                    _ => out.notes.push(Note::TagWithoutCertificate { tag: tag.tag, at: tag.at }),
                }
            }
            SIGNING_SHA1 | KEY_EXCHANGE_SHA1 => sums.push(tag),
            // Names, capabilities, times and what later versions may add carry no certificate.
            _ => {}
        }
    }
    if !version {
        out.notes.push(Note::TagVersion);
    }
    for sum in sums {
        let place = if sum.tag == SIGNING_SHA1 { Place::Signing } else { Place::KeyExchange };
        let differs =
            out.certificates.iter().filter(|held| held.place == place).any(|held| {
                digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &held.der).as_ref() != sum.data
            });
        if differs {
            out.notes.push(Note::TagSha1 { tag: sum.tag, at: sum.at });
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use super::super::slices::tests::{Spec, USER, certificate};
    use super::super::{Form, Own, OwnReason, classify_value, open, own_certificate};
    use super::*;

    pub(crate) fn element(tag: u16, data: &[u8]) -> Vec<u8> {
        [&tag.to_le_bytes()[..], &((data.len() + 4) as u16).to_le_bytes(), data].concat()
    }

    #[test]
    fn the_key_exchange_certificate_is_the_own_one() {
        let key = certificate(USER);
        let sign = certificate(Spec { serial: 2, key_usage: Some(0x80), ..USER });
        let ca = certificate(Spec { serial: 3, subject: "CA", ca: true, ..USER });
        let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &key);
        let value = [
            element(1, &[1, 0, 0, 0]),
            element(0x7777, b"unknown"),
            element(8, &sign),
            element(3, &key),
            element(4, &ca),
            element(0x22, sha1.as_ref()),
            element(9, &[0; 20]),
        ]
        .concat();
        let classified = classify_value(&value);
        assert_eq!(classified.form, Form::TagList);
        let container = open(classified);
        assert_eq!(container.certificates.len(), 3);
        assert!(matches!(container.notes[..], [Note::TagSha1 { tag: 9, .. }]), "{:?}", container.notes);
        let own = own_certificate(&container, &|_| false);
        assert_eq!(
            own,
            Own::Found {
                index: 1,
                reason: OwnReason::KeyExchangeTag,
                signing: Some(0),
                preference_missing: false
            }
        );
        assert_eq!(&container.certificates[1].der[..], &key[..]);
    }

    #[test]
    fn a_damaged_list_keeps_what_stands_before() {
        let mut value = [element(1, &[1, 0, 0, 0]), element(3, &certificate(USER))].concat();
        value.extend([4, 0, 0xff, 0xff, 1]);
        let container = open(classify_value(&value));
        assert_eq!(container.certificates.len(), 1);
        assert!(container.notes.iter().any(Note::is_damage));
        let zero = [element(1, &[1, 0, 0, 0]), vec![4, 0, 0, 0]].concat();
        assert!(
            open(classify_value(&zero)).notes.iter().any(Note::is_damage),
            "a length of zero must not loop"
        );
        let key = element(0x50, &[0x30, 0x25, 2, 1, 1, 4, 0x20]);
        let value = [element(1, &[1, 0, 0, 0]), key].concat();
        assert_eq!(classify_value(&value).form, Form::Secret(Secret::Sec1));
    }
}
