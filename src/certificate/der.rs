//! Whether a certificate is DER throughout (X.690 section 10), and where it is not.

use super::extensions::{self, Malformed};
use super::time::TimeForm;
use super::tlv::{Element, MAX_DEPTH, Walker, tag};
use super::{Certificate, der_header};

/// Walks the certificate and everything inside that is constructed; extension values of kinds that
/// this crate decodes are walked too.
pub(super) fn check(c: &Certificate<'_>) -> Result<(), Malformed> {
    if !is_surely_der(c.der(), 0) {
        let mut walker = Walker::new(c.der());
        let whole = walker.next().map_err(Malformed::from)?;
        strict(&whole, c, 0)?;
    }
    if c.time_forms().contains(&TimeForm::NotDer) {
        let what = "a time that is none, without seconds, with a fraction, or in another zone than Z";
        return Err(Malformed::new(c.offset_of(c.issuer.raw()), what));
    }
    for extension in c.extensions() {
        if extensions::is_processed(extension.id)
            && !is_surely_der(extension.value, 0)
            && let Ok(element) = Walker::new(extension.value).next()
        {
            strict(&element, c, 0)?;
        }
    }
    Ok(())
}

/// Whether elements one behind the other are what [`strict`] asks for. `false` says nothing: then it must look, and
/// finds the byte. Nearly every certificate is DER, and this costs a quarter of that.
fn is_surely_der(mut rest: &[u8], depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    while let [kind, length, tail @ ..] = rest {
        let (length, header) = match (length, tail) {
            (0..=0x7f, _) => (usize::from(*length), 2),
            (0x81, [one @ 0x80..=0xff, ..]) => (usize::from(*one), 3),
            (0x82, [high @ 1..=0xff, low, ..]) => (usize::from(*high) << 8 | usize::from(*low), 4),
            _ => return false,
        };
        let Some((element, behind)) = rest.split_at_checked(header + length) else { return false };
        let contents = element.get(header..).unwrap_or_default();
        let good = match *kind {
            tag::BOOLEAN => matches!(contents, [0 | 0xff]),
            tag::NULL => contents.is_empty(),
            tag::INTEGER => minimal(contents),
            tag::OID => minimal_arcs(contents),
            tag::BIT_STRING => are_bits(contents),
            tag::SEQUENCE | tag::SET => is_surely_der(contents, depth + 1),
            0x20..0x40 => false,
            other if other & 0x1f == 0x1f => false,
            other if other & 0x20 != 0 => is_surely_der(contents, depth + 1),
            _ => true,
        };
        if !good {
            return false;
        }
        rest = behind;
    }
    rest.is_empty()
}

fn strict(element: &Element<'_>, c: &Certificate<'_>, depth: usize) -> Result<(), Malformed> {
    let fail = |what: &str| Err(Malformed::new(c.offset_of(element.raw), what.to_owned()));
    if depth > MAX_DEPTH {
        return fail("elements nest too deep");
    }
    if !der_header(element) {
        return fail("a length that is indefinite or longer than needed");
    }
    match (element.tag, element.contents) {
        (tag::BOOLEAN, [0 | 0xff]) | (tag::NULL, []) => {}
        (tag::BOOLEAN, _) => return fail("a BOOLEAN that is neither 00 nor FF"),
        (tag::NULL, _) => return fail("a NULL with contents"),
        (tag::INTEGER, contents) if !minimal(contents) => return fail("an INTEGER with a needless octet"),
        (tag::OID, contents) if !minimal_arcs(contents) => {
            return fail("an OBJECT IDENTIFIER that is empty, cut off, or has a needless octet");
        }
        (tag::BIT_STRING, contents) if !are_bits(contents) => {
            return fail("a BIT STRING whose unused bits are not 0");
        }
        (0x20..0x40, _) if !matches!(element.tag, tag::SEQUENCE | tag::SET) => {
            return fail("a string in pieces");
        }
        _ => {}
    }
    // Context tags tell nothing of what is inside when they are implicit, so their contents are
    // walked only when the tag says that there are elements.
    if element.tag & 0x20 != 0 {
        let mut inside = Walker::new(element.contents);
        while !inside.is_empty() {
            let at = inside.offset();
            match inside.next() {
                Ok(inner) => strict(&inner, c, depth + 1)?,
                Err(e) => {
                    let base = c.offset_of(element.contents);
                    return Err(Malformed::new(base + at, e.to_string()));
                }
            }
        }
    }
    Ok(())
}

/// X.690 section 11.2.1: unused bits are 0.
fn are_bits(contents: &[u8]) -> bool {
    match contents.split_first() {
        Some((0, _)) => true,
        Some((unused @ 1..=7, [.., last])) => last & ((1u16 << unused) - 1) as u8 == 0,
        _ => false,
    }
}

/// X.690 section 8.19.2: no arc starts with 80, and the last one ends.
fn minimal_arcs(contents: &[u8]) -> bool {
    let mut starts = true;
    for octet in contents {
        if starts && *octet == 0x80 {
            return false;
        }
        starts = octet & 0x80 == 0;
    }
    starts && !contents.is_empty()
}

pub(super) fn minimal(contents: &[u8]) -> bool {
    match contents {
        [] => false,
        [_] => true,
        [0, second, ..] => second & 0x80 != 0,
        [0xff, second, ..] => second & 0x80 == 0,
        _ => true,
    }
}
