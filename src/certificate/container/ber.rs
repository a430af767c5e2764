//! BER to DER for what is not DER.
//!
//! Only the parts that are not DER are rewritten: indefinite and over-long lengths become minimal
//! ones, strings in constructed form become primitive (X.690 sections 10.1 and 10.2). A subtree that
//! is DER already is copied as it stands, so that a signed part that was DER keeps its signature.

use std::borrow::Cow;

use crate::certificate::tlv::{Element, MAX_DEPTH, TlvError, Walker, first, tag};

/// Re-encodes the one element at the start of `input` as DER; what is DER already is borrowed.
/// Bytes behind the element are dropped. The order of SET OF members is left alone.
///
/// # Errors
/// [`TlvError`] when the bytes do not hold a whole element or nest too deep.
pub fn to_der(input: &[u8]) -> Result<Cow<'_, [u8]>, TlvError> {
    let element = first(input)?;
    if is_der(element.raw, 0) == Some(true) {
        return Ok(Cow::Borrowed(element.raw));
    }
    let mut out = Vec::with_capacity(element.raw.len());
    write(&element, 0, &mut out)?;
    Ok(Cow::Owned(out))
}

/// Whether a run of elements has the lengths and string forms of DER throughout; `None` when it does
/// not walk. A certificate has about a hundred elements, so this keeps to headers and plain offsets.
fn is_der(run: &[u8], depth: usize) -> Option<bool> {
    let mut at = 0usize;
    while let Some(&tag) = run.get(at) {
        let octet = *run.get(at + 1)?;
        let (header, length) = match octet {
            0..=0x7f => (2, usize::from(octet)),
            0x81 => (3, usize::from(*run.get(at + 2)?)),
            0x82 => (4, usize::from(u16::from_be_bytes(*run.get(at + 2..)?.first_chunk()?))),
            // Longer or indefinite: rare enough for the general walk, which also judges the length.
            _ => return general_is_der(run.get(at..)?, depth),
        };
        let shortest = match header {
            2 => true,
            3 => length >= 0x80,
            _ => length >= 0x100,
        };
        if !shortest || is_constructed_string(tag) {
            return Some(false);
        }
        let start = at + header;
        let contents = run.get(start..start + length)?;
        if tag & 0x20 != 0 && (depth >= MAX_DEPTH || !is_der(contents, depth + 1)?) {
            return (depth < MAX_DEPTH).then_some(false);
        }
        at = start + length;
    }
    Some(true)
}

fn general_is_der(run: &[u8], depth: usize) -> Option<bool> {
    let element = first(run).ok()?;
    if element.indefinite || element.long_length || is_constructed_string(element.tag) {
        return Some(false);
    }
    if element.tag & 0x20 != 0 && (depth >= MAX_DEPTH || !is_der(element.contents, depth + 1)?) {
        return (depth < MAX_DEPTH).then_some(false);
    }
    is_der(run.get(element.raw.len()..)?, depth)
}

/// A universal string type (BIT STRING, OCTET STRING, the character strings) in constructed form.
fn is_constructed_string(tag: u8) -> bool {
    matches!(tag, 0x23 | 0x24 | 0x2c | 0x32..=0x3e)
}

fn write(element: &Element<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), TlvError> {
    if depth >= MAX_DEPTH {
        return Err(TlvError::TooDeep { at: 0 });
    }
    if is_constructed_string(element.tag) {
        let primitive = element.tag & !0x20;
        let contents = if primitive == tag::BIT_STRING {
            joined_bits(element.contents, depth)?
        } else {
            joined(element, depth)?.into_owned()
        };
        header(primitive, contents.len(), out);
        out.extend_from_slice(&contents);
        return Ok(());
    }
    if element.tag & 0x20 == 0 {
        header(element.tag, element.contents.len(), out);
        out.extend_from_slice(element.contents);
        return Ok(());
    }
    let mut contents = Vec::with_capacity(element.contents.len());
    let mut inner = Walker::new(element.contents);
    while !inner.is_empty() {
        let child = inner.next()?;
        if is_der(child.raw, depth + 1) == Some(true) {
            contents.extend_from_slice(child.raw);
        } else {
            write(&child, depth + 1, &mut contents)?;
        }
    }
    header(element.tag, contents.len(), out);
    out.extend_from_slice(&contents);
    Ok(())
}

/// The octets of an OCTET STRING or character string, its segments joined (X.690 section 8.7.3).
///
/// # Errors
/// [`TlvError`] when a segment is not whole or segments nest too deep.
pub(super) fn joined<'a>(element: &Element<'a>, depth: usize) -> Result<Cow<'a, [u8]>, TlvError> {
    if element.tag & 0x20 == 0 {
        return Ok(Cow::Borrowed(element.contents));
    }
    if depth >= MAX_DEPTH {
        return Err(TlvError::TooDeep { at: 0 });
    }
    let mut out = Vec::with_capacity(element.contents.len());
    let mut inner = Walker::new(element.contents);
    while !inner.is_empty() {
        out.extend_from_slice(&joined(&inner.next()?, depth + 1)?);
    }
    Ok(Cow::Owned(out))
}

/// A BIT STRING's segments: each begins with its count of unused bits, only the last may have any.
fn joined_bits(contents: &[u8], depth: usize) -> Result<Vec<u8>, TlvError> {
    let mut out = vec![0u8];
    let mut inner = Walker::new(contents);
    while !inner.is_empty() {
        let child = inner.next()?;
        let nested;
        let segment = if child.tag & 0x20 == 0 {
            child.contents
        } else if depth >= MAX_DEPTH {
            return Err(TlvError::TooDeep { at: 0 });
        } else {
            nested = joined_bits(child.contents, depth + 1)?;
            &nested
        };
        if let Some((unused, octets)) = segment.split_first() {
            out[0] = *unused; // `out` begins with one octet
            out.extend_from_slice(octets);
        }
    }
    Ok(out)
}

/// Appends a DER header.
pub(super) fn header(tag: u8, length: usize, out: &mut Vec<u8>) {
    out.push(tag);
    if length < 0x80 {
        out.push(length as u8);
        return;
    }
    let octets = length.to_be_bytes();
    let skip = octets.iter().take_while(|b| **b == 0).count();
    out.push(0x80 | (octets.len() - skip) as u8);
    out.extend(octets.iter().skip(skip));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn der_is_borrowed_and_ber_is_rewritten() {
        let der = [0x30, 3, 2, 1, 5, 0xff];
        assert!(matches!(to_der(&der).unwrap(), Cow::Borrowed(b) if b == &der[..5]));
        let ber =
            [0x30, 0x80, 0x24, 0x80, 4, 1, 7, 4, 0x81, 1, 8, 0, 0, 0x23, 8, 3, 2, 0, 1, 3, 2, 4, 0x10, 0, 0];
        assert_eq!(&to_der(&ber).unwrap()[..], &[0x30, 9, 4, 2, 7, 8, 3, 3, 4, 1, 0x10][..]);
    }

    #[test]
    fn headers_are_minimal() {
        let mut out = Vec::new();
        header(4, 0x80, &mut out);
        header(4, 0x1_0000, &mut out);
        assert_eq!(out, [4, 0x81, 0x80, 4, 0x83, 1, 0, 0]);
    }
}
