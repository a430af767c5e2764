//! Encodings and line ends: how the raw bytes of an input become the text that the parser reads.
//!
//! The parser reads bytes with LF or CRLF line ends in a superset of ASCII. UTF-8 and code pages are that already and
//! are not touched. UTF-16 is turned into UTF-8, a block at a time. In inputs whose lines end with CR alone each such CR
//! becomes LF. Both keep enough order that a place in the text can be turned back into a byte offset of the input.

/// How characters are written in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// UTF-8, or a code page that is a superset of ASCII.
    #[default]
    Utf8,
    /// UTF-16, low byte first (`ldifde -u`, PowerShell's `>`).
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

impl Encoding {
    /// Bytes of one unit: 1 or 2.
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            Encoding::Utf8 => 1,
            Encoding::Utf16Le | Encoding::Utf16Be => 2,
        }
    }

    /// Its byte order mark.
    #[must_use]
    pub fn mark(self) -> &'static [u8] {
        match self {
            Encoding::Utf8 => b"\xEF\xBB\xBF",
            Encoding::Utf16Le => b"\xFF\xFE",
            Encoding::Utf16Be => b"\xFE\xFF",
        }
    }
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LineEnd {
    /// LF or CRLF, also mixed. A CR elsewhere is data.
    #[default]
    Lf,
    /// CR alone (also LF and CRLF, where they occur).
    Cr,
}

/// What must be known of an input before its bytes can be read; found by [`detect`](super::detect()).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Format {
    /// The encoding.
    pub encoding: Encoding,
    /// Bytes of the byte order mark at the start of the input: 0, 2 or 3.
    pub bom: usize,
    /// What ends a line.
    pub line_end: LineEnd,
}

impl Format {
    /// Can the raw bytes be parsed as they are?
    pub(super) fn is_plain(self) -> bool {
        self.encoding == Encoding::Utf8 && self.line_end == LineEnd::Lf
    }

    /// Raw bytes that a piece of decoded text had in the input.
    pub(crate) fn raw_len(self, text: &[u8]) -> u64 {
        match self.encoding {
            Encoding::Utf8 => text.len() as u64,
            // One unit for each character that is not a continuation byte, two for those outside the BMP.
            Encoding::Utf16Le | Encoding::Utf16Be => {
                let units: usize =
                    text.iter().map(|&b| usize::from(b & 0xC0 != 0x80) + usize::from(b >= 0xF0)).sum();
                2 * units as u64
            }
        }
    }
}

/// What [`decode`] met that is no text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Oddities {
    /// Places in the decoded text of halves of surrogate pairs.
    pub(crate) surrogates: Vec<usize>,
    /// The raw bytes ended in the middle of a unit.
    pub(crate) odd_byte: bool,
}

/// Decodes raw bytes into text with LF or CRLF line ends. Half surrogates become their three bytes (WTF-8), so that they
/// are neither lost nor mistaken for text.
pub(crate) fn decode(raw: &[u8], format: Format, out: &mut Vec<u8>, oddities: &mut Oddities) {
    out.clear();
    oddities.surrogates.clear();
    oddities.odd_byte = false;
    match format.encoding {
        Encoding::Utf8 => out.extend_from_slice(raw),
        Encoding::Utf16Le => utf16(raw, u16::from_le_bytes, out, oddities),
        Encoding::Utf16Be => utf16(raw, u16::from_be_bytes, out, oddities),
    }
    if format.line_end == LineEnd::Cr {
        let mut from = 0;
        while let Some(at) = out.get(from..).and_then(|rest| memchr::memchr(b'\r', rest)) {
            let at = from + at;
            if out.get(at + 1) != Some(&b'\n')
                && let Some(byte) = out.get_mut(at)
            {
                *byte = b'\n';
            }
            from = at + 1;
        }
    }
}

fn utf16(raw: &[u8], unit: fn([u8; 2]) -> u16, out: &mut Vec<u8>, oddities: &mut Oddities) {
    const CHUNK: usize = 2048;
    out.reserve(super::buffer::capacity(raw.len()));
    let (pairs, rest) = raw.as_chunks::<2>();
    oddities.odd_byte = !rest.is_empty();
    let mut units = [0_u16; CHUNK];
    let mut bytes = [0_u8; CHUNK * 3];
    let mut at = 0;
    while at < pairs.len() {
        let chunk = pairs.get(at..pairs.len().min(at + CHUNK)).unwrap_or_default();
        for (unit_out, pair) in units.iter_mut().zip(chunk) {
            *unit_out = unit(*pair);
        }
        let units = units.get(..chunk.len()).unwrap_or_default();
        let good = encoding_rs::mem::utf16_valid_up_to(units);
        let (valid, rest) = units.split_at(good.min(units.len()));
        let written = encoding_rs::mem::convert_utf16_to_utf8(valid, &mut bytes);
        out.extend_from_slice(bytes.get(..written).unwrap_or_default());
        at += good;
        let Some(&bad) = rest.first() else { continue };
        // A high surrogate at the end of the chunk may find its other half in the next one.
        let at_chunk_end = rest.len() == 1 && at + 1 < pairs.len();
        if at_chunk_end && (0xD800..0xDC00).contains(&bad) && good > 0 {
            continue;
        }
        oddities.surrogates.push(out.len());
        out.extend_from_slice(&[
            0xE0 | (bad >> 12) as u8,
            0x80 | ((bad >> 6) & 0x3F) as u8,
            0x80 | (bad & 0x3F) as u8,
        ]);
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn utf16_round_trip_with_lengths() {
        let text = "dn: cn=Zoë 😀\r\n".repeat(700);
        let (mut out, mut odd) = (Vec::new(), Oddities::default());
        let format = Format { encoding: Encoding::Utf16Le, ..Format::default() };
        decode(&le(&text), format, &mut out, &mut odd);
        assert_eq!(out, text.as_bytes());
        assert_eq!(odd, Oddities::default());
        assert_eq!(format.raw_len(&out), le(&text).len() as u64);
    }

    #[test]
    fn lone_surrogates_are_kept_and_placed() {
        let raw = [0x61, 0, 0x00, 0xD8, 0x62, 0, 0x00, 0xDC, 0x63];
        let (mut out, mut odd) = (Vec::new(), Oddities::default());
        let format = Format { encoding: Encoding::Utf16Le, ..Format::default() };
        decode(&raw, format, &mut out, &mut odd);
        assert_eq!(out, b"a\xED\xA0\x80b\xED\xB0\x80");
        assert_eq!(odd, Oddities { surrogates: vec![1, 5], odd_byte: true });
        assert_eq!(format.raw_len(&out), 8);
    }

    #[test]
    fn cr_becomes_lf_and_crlf_stays() {
        let (mut out, mut odd) = (Vec::new(), Oddities::default());
        let format = Format { line_end: LineEnd::Cr, ..Format::default() };
        decode(b"a\rb\r\nc\r\r", format, &mut out, &mut odd);
        assert_eq!(out, b"a\nb\r\nc\n\n");
    }
}
