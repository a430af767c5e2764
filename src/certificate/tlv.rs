//! A walker over ASN.1 tag-length-value elements that copies nothing.
//!
//! Certificates arrive inside other structures: CMS objects in BER with indefinite lengths, tag
//! lists, files with bytes behind the end. A parser that decodes everything loses the whole value
//! over one odd byte. This one only finds where elements begin and end, in the original bytes, and
//! leaves it to the caller what to read. It accepts BER (X.690 section 8) and tells where an
//! encoding is not DER (X.690 section 10), so that leniency is reported and never silent.

/// Universal tag numbers and class bits that this crate looks for, as the identifier octet.
pub mod tag {
    /// BOOLEAN.
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING.
    pub const OCTET_STRING: u8 = 0x04;
    /// OCTET STRING in BER's constructed form.
    pub const OCTET_STRING_CONSTRUCTED: u8 = 0x24;
    /// NULL.
    pub const NULL: u8 = 0x05;
    /// OBJECT IDENTIFIER.
    pub const OID: u8 = 0x06;
    /// UTF8String.
    pub const UTF8_STRING: u8 = 0x0c;
    /// SEQUENCE and SEQUENCE OF.
    pub const SEQUENCE: u8 = 0x30;
    /// SET and SET OF.
    pub const SET: u8 = 0x31;
    /// PrintableString.
    pub const PRINTABLE_STRING: u8 = 0x13;
    /// TeletexString.
    pub const T61_STRING: u8 = 0x14;
    /// IA5String.
    pub const IA5_STRING: u8 = 0x16;
    /// UTCTime.
    pub const UTC_TIME: u8 = 0x17;
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// UniversalString.
    pub const UNIVERSAL_STRING: u8 = 0x1c;
    /// BMPString.
    pub const BMP_STRING: u8 = 0x1e;
    /// `[0]`, constructed.
    pub const CONTEXT_0: u8 = 0xa0;
    /// `[1]`, constructed.
    pub const CONTEXT_1: u8 = 0xa1;
    /// `[2]`, constructed.
    pub const CONTEXT_2: u8 = 0xa2;
    /// `[3]`, constructed.
    pub const CONTEXT_3: u8 = 0xa3;
    /// `[0]`, primitive.
    pub const CONTEXT_0_PRIMITIVE: u8 = 0x80;
    /// `[1]`, primitive.
    pub const CONTEXT_1_PRIMITIVE: u8 = 0x81;
    /// `[2]`, primitive.
    pub const CONTEXT_2_PRIMITIVE: u8 = 0x82;
}

/// Elements may nest this deep while the end of an indefinite length is looked for. Real CMS
/// objects stay below 20; the bound keeps hostile input from exhausting the stack.
pub const MAX_DEPTH: usize = 64;

/// One element: where it stands and what it holds. All slices borrow from the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The identifier octet (class, constructed bit, number). Tag numbers above 30 are refused.
    pub tag: u8,
    /// Header and contents (and end-of-contents octets of an indefinite length), as they stood.
    pub raw: &'a [u8],
    /// The contents octets alone.
    pub contents: &'a [u8],
    /// Whether the length was indefinite (X.690 section 8.1.3.6), which DER forbids.
    pub indefinite: bool,
    /// Whether the length was given in more octets than needed, which DER forbids.
    pub long_length: bool,
}

/// Why no element could be read at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlvError {
    /// The input ends inside the element.
    #[error("the element at byte {at} needs {needed} bytes, {found} are there")]
    Truncated {
        /// Byte offset of the element in the slice that was walked.
        at: usize,
        /// Bytes that the header promises, header included (saturated).
        needed: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// A tag number above 30, or a length of more than four octets: nothing this crate reads has one.
    #[error("the element at byte {at} has an identifier or length that is not supported ({found:#04x})")]
    Unsupported {
        /// Byte offset of the element.
        at: usize,
        /// The offending octet.
        found: u8,
    },
    /// Elements nest deeper than [`MAX_DEPTH`].
    #[error("elements nest deeper than {MAX_DEPTH} at byte {at}")]
    TooDeep {
        /// Byte offset of the element.
        at: usize,
    },
    /// Another tag was expected.
    #[error("at byte {at} tag {found:#04x} was found, {expected:#04x} was expected")]
    UnexpectedTag {
        /// Byte offset of the element.
        at: usize,
        /// The identifier octet that was found.
        found: u8,
        /// The identifier octet that was expected.
        expected: u8,
    },
}

/// A position in a run of elements.
#[derive(Clone, Debug)]
pub struct Walker<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Walker<'a> {
    /// Starts before the first element of `input`.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0 }
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at >= self.input.len()
    }

    /// Byte offset of the next element in the walked slice.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// What has not been walked yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    /// The identifier octet of the next element, if one is left.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    /// Reads the next element, whatever its tag.
    ///
    /// # Errors
    /// [`TlvError`] when the bytes do not hold a whole element.
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> Result<Element<'a>, TlvError> {
        let element = read(self.input, self.at, 0)?;
        self.at += element.raw.len();
        Ok(element)
    }

    /// Reads the next element, which must have this identifier octet.
    ///
    /// # Errors
    /// [`TlvError`] when another tag or no whole element stands there; the position is kept.
    #[inline]
    pub fn expect(&mut self, tag: u8) -> Result<Element<'a>, TlvError> {
        match self.peek() {
            Some(found) if found == tag => self.next(),
            Some(found) => Err(TlvError::UnexpectedTag { at: self.at, found, expected: tag }),
            None => Err(TlvError::Truncated { at: self.at, needed: 2, found: 0 }),
        }
    }

    /// Reads the next element when it has this identifier octet, else leaves the position.
    ///
    /// # Errors
    /// [`TlvError`] when the tag is right and the element is not whole.
    #[inline]
    pub fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, TlvError> {
        if self.peek() == Some(tag) { self.next().map(Some) } else { Ok(None) }
    }
}

/// Reads the one element at the start of `input`; bytes behind it are left alone.
///
/// # Errors
/// [`TlvError`] when the bytes do not hold a whole element.
#[inline]
pub fn first(input: &[u8]) -> Result<Element<'_>, TlvError> {
    read(input, 0, 0)
}

#[inline]
fn read(input: &[u8], at: usize, depth: usize) -> Result<Element<'_>, TlvError> {
    // Nearly every element has a low tag number and a length of one octet.
    if let Some(raw) = input.get(at..)
        && let [tag, length @ 0..0x80, rest @ ..] = raw
        && tag & 0x1f != 0x1f
        && depth <= MAX_DEPTH
        && let Some(contents) = rest.get(..usize::from(*length))
        && let Some(raw) = raw.get(..2 + usize::from(*length))
    {
        return Ok(Element { tag: *tag, raw, contents, indefinite: false, long_length: false });
    }
    read_any(input, at, depth)
}

fn read_any(input: &[u8], at: usize, depth: usize) -> Result<Element<'_>, TlvError> {
    let bytes = input.get(at..).unwrap_or_default();
    let truncated = |needed: usize| TlvError::Truncated { at, needed, found: bytes.len() };
    if depth > MAX_DEPTH {
        return Err(TlvError::TooDeep { at });
    }
    let (&tag, &octet) = match (bytes.first(), bytes.get(1)) {
        (Some(tag), Some(octet)) => (tag, octet),
        _ => return Err(truncated(2)),
    };
    if tag & 0x1f == 0x1f {
        return Err(TlvError::Unsupported { at, found: tag });
    }
    if octet == 0x80 {
        return read_indefinite(input, at, tag, depth);
    }
    let (header, length, long_length) = if octet < 0x80 {
        (2, usize::from(octet), false)
    } else {
        let octets = usize::from(octet & 0x7f);
        if octets > 4 {
            return Err(TlvError::Unsupported { at, found: octet });
        }
        let field = bytes.get(2..2 + octets).ok_or_else(|| truncated(2 + octets))?;
        let length = field.iter().fold(0usize, |sum, b| (sum << 8) | usize::from(*b));
        let shortest = match length {
            0..0x80 => 0,
            0x80..0x100 => 1,
            0x100..0x1_0000 => 2,
            0x1_0000..0x100_0000 => 3,
            _ => 4,
        };
        (2 + octets, length, octets != shortest)
    };
    let end = header.saturating_add(length);
    let raw = bytes.get(..end).ok_or_else(|| truncated(end))?;
    Ok(Element { tag, raw, contents: &raw[header..], indefinite: false, long_length })
}

/// An indefinite length: the contents end at the matching pair of zero octets, found by walking the
/// elements inside (X.690 section 8.1.5).
fn read_indefinite(input: &[u8], at: usize, tag: u8, depth: usize) -> Result<Element<'_>, TlvError> {
    if tag & 0x20 == 0 {
        // X.690 section 8.1.3.2: a primitive encoding must not be indefinite.
        return Err(TlvError::Unsupported { at, found: 0x80 });
    }
    let start = at + 2;
    let mut inner = start;
    loop {
        if input.get(inner..inner + 2) == Some(&[0, 0]) {
            return Ok(Element {
                tag,
                raw: &input[at..inner + 2],
                contents: &input[start..inner],
                indefinite: true,
                long_length: false,
            });
        }
        if inner >= input.len() {
            let found = input.len() - at;
            return Err(TlvError::Truncated { at, needed: found + 2, found });
        }
        inner += read(input, inner, depth + 1)?.raw.len();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn definite_lengths_and_their_octets() {
        let short = first(&[0x04, 0x02, 1, 2, 9]).unwrap();
        assert_eq!((short.contents, short.raw.len()), (&[1u8, 2][..], 4));
        let long = first(&[0x04, 0x81, 0x02, 1, 2]).unwrap();
        assert!(long.long_length, "one octet would have done");
        let mut big = vec![0x04, 0x82, 0x01, 0x00];
        big.extend([7; 256]);
        assert!(!first(&big).unwrap().long_length);
    }

    #[test]
    fn indefinite_lengths_end_at_their_own_zeros() {
        let input = [0x30, 0x80, 0x24, 0x80, 0x04, 0x01, 5, 0, 0, 0, 0, 0xff];
        let outer = first(&input).unwrap();
        assert!(outer.indefinite);
        assert_eq!(outer.raw.len(), 11);
        assert_eq!(first(outer.contents).unwrap().contents, &[4, 1, 5]);
    }

    #[test]
    fn what_is_not_whole_is_named() {
        assert_eq!(first(&[0x30]), Err(TlvError::Truncated { at: 0, needed: 2, found: 1 }));
        assert_eq!(first(&[0x30, 5, 1]), Err(TlvError::Truncated { at: 0, needed: 7, found: 3 }));
        assert!(matches!(first(&[0x1f, 0x81]), Err(TlvError::Unsupported { .. })));
        assert!(matches!(first(&[0x04, 0x80, 0, 0]), Err(TlvError::Unsupported { .. })));
        assert!(matches!(first(&[0x30, 0x85, 1, 1, 1, 1, 1]), Err(TlvError::Unsupported { .. })));
        let bomb: Vec<u8> = [0x30u8, 0x80].repeat(5000);
        assert!(matches!(first(&bomb), Err(TlvError::TooDeep { .. })));
        let mut walker = Walker::new(&[0x02, 1, 5]);
        assert!(matches!(walker.expect(0x04), Err(TlvError::UnexpectedTag { at: 0, found: 2, expected: 4 })));
        assert_eq!(walker.expect(0x02).unwrap().contents, &[5]);
        assert!(walker.is_empty() && walker.rest().is_empty());
    }
}
