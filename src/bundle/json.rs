//! Compact JSON of what a bundle holds, as `serde_json` writes it, byte for byte.
//!
//! A run writes gigabytes of it, nearly all in strings without anything to escape. `serde_json` looks at every byte
//! of a string by itself; here a string is looked at as a whole and copied. Strings that hold something to escape,
//! and everything that is rare, are left to `serde_json`. Only what the model of a bundle is made of is supported:
//! other shapes are an error, which would show in every test that writes a bundle.

use crate::encoding::any;
use serde::ser::{Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};
use std::fmt;

/// Appends `value` to `out`.
///
/// # Errors
/// When the value has a shape that the model does not use.
pub(super) fn append<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), fmt::Error> {
    value.serialize(Json { out })
}

struct Json<'o> {
    out: &'o mut Vec<u8>,
}

/// Bytes of a field's name at most.
const LONGEST_KEY: usize = 40;

/// A list or an object that was begun.
struct Open<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
    end: u8,
}

impl<'o> Json<'o> {
    fn raw(self, text: &[u8]) -> Result<(), fmt::Error> {
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn number(self, number: impl itoa::Integer) -> Result<(), fmt::Error> {
        self.raw(itoa::Buffer::new().format(number).as_bytes())
    }

    fn open(self, begin: u8, end: u8) -> Open<'o> {
        self.out.push(begin);
        Open { out: self.out, first: true, end }
    }
}

impl Open<'_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
    }

    fn close(self) -> Result<(), fmt::Error> {
        self.out.push(self.end);
        Ok(())
    }
}

/// What JSON must escape (RFC 8259 section 7); bytes above ASCII stand for themselves.
fn must_escape(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

fn string(text: &str, out: &mut Vec<u8>) -> Result<(), fmt::Error> {
    if any(text.as_bytes(), must_escape) {
        return serde_json::to_writer(out, text).map_err(|_| fmt::Error);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Ok(())
}

impl<'o> Serializer for Json<'o> {
    type Ok = ();
    type Error = fmt::Error;
    type SerializeSeq = Open<'o>;
    type SerializeTuple = Impossible<(), fmt::Error>;
    type SerializeTupleStruct = Impossible<(), fmt::Error>;
    type SerializeTupleVariant = Impossible<(), fmt::Error>;
    type SerializeMap = Open<'o>;
    type SerializeStruct = Open<'o>;
    type SerializeStructVariant = Impossible<(), fmt::Error>;

    fn serialize_bool(self, value: bool) -> Result<(), fmt::Error> {
        self.raw(if value { b"true" } else { b"false" })
    }
    fn serialize_i8(self, value: i8) -> Result<(), fmt::Error> {
        self.number(value)
    }
    fn serialize_i16(self, value: i16) -> Result<(), fmt::Error> {
        self.number(value)
    }
    fn serialize_i32(self, value: i32) -> Result<(), fmt::Error> {
        self.number(value)
    }
    fn serialize_i64(self, value: i64) -> Result<(), fmt::Error> {
        self.number(value)
    }
    fn serialize_u8(self, value: u8) -> Result<(), fmt::Error> {
        self.number(value)
    }
    fn serialize_u16(self, value: u16) -> Result<(), fmt::Error> {
        self.number(value)
    }
    fn serialize_u32(self, value: u32) -> Result<(), fmt::Error> {
        self.number(value)
    }
    fn serialize_u64(self, value: u64) -> Result<(), fmt::Error> {
        self.number(value)
    }
    fn serialize_f32(self, _: f32) -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }
    fn serialize_f64(self, _: f64) -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }
    fn serialize_char(self, value: char) -> Result<(), fmt::Error> {
        string(value.encode_utf8(&mut [0; 4]), self.out)
    }
    fn serialize_str(self, value: &str) -> Result<(), fmt::Error> {
        string(value, self.out)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }
    fn serialize_none(self) -> Result<(), fmt::Error> {
        self.raw(b"null")
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), fmt::Error> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), fmt::Error> {
        self.raw(b"null")
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), fmt::Error> {
        self.raw(b"null")
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), fmt::Error> {
        string(variant, self.out)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), fmt::Error> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'o>, fmt::Error> {
        Ok(self.open(b'[', b']'))
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, fmt::Error> {
        Err(fmt::Error)
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, fmt::Error> {
        Err(fmt::Error)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, fmt::Error> {
        Err(fmt::Error)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Open<'o>, fmt::Error> {
        Ok(self.open(b'{', b'}'))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Open<'o>, fmt::Error> {
        Ok(self.open(b'{', b'}'))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, fmt::Error> {
        Err(fmt::Error)
    }
}

impl SerializeSeq for Open<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        self.separate();
        value.serialize(Json { out: &mut *self.out })
    }
    fn end(self) -> Result<(), fmt::Error> {
        self.close()
    }
}

impl SerializeMap for Open<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), fmt::Error> {
        self.separate();
        let start = self.out.len();
        key.serialize(Json { out: &mut *self.out })?;
        // JSON has text for keys and nothing else.
        if self.out.get(start) == Some(&b'"') { Ok(()) } else { Err(fmt::Error) }
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        self.out.push(b':');
        value.serialize(Json { out: &mut *self.out })
    }
    fn end(self) -> Result<(), fmt::Error> {
        self.close()
    }
}

impl SerializeStruct for Open<'_> {
    type Ok = ();
    type Error = fmt::Error;

    // Where the name is known when the program is compiled, one copy of a known length is left of all this.
    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), fmt::Error> {
        // The name of a field stands in the source: nothing in it is to be escaped.
        debug_assert!(!key.bytes().any(must_escape), "{key}");
        let mut begin = [b','; LONGEST_KEY + 4];
        let end = key.len() + 2;
        let (Some(place), true) = (begin.get_mut(2..end), key.len() <= LONGEST_KEY) else {
            return Err(fmt::Error);
        };
        place.copy_from_slice(key.as_bytes());
        (begin[1], begin[end], begin[end + 1]) = (b'"', b'"', b':');
        let from = usize::from(std::mem::take(&mut self.first));
        self.out.extend_from_slice(&begin[from..end + 2]);
        value.serialize(Json { out: &mut *self.out })
    }
    fn end(self) -> Result<(), fmt::Error> {
        self.close()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde::Serialize;
    use std::collections::BTreeMap;

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    enum Word {
        OneWord,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct All<'a> {
        number: u64,
        negative: i64,
        yes: bool,
        none: Option<u8>,
        some_text: Option<&'a str>,
        word: Word,
        list: Vec<&'a str>,
        empty: Vec<u8>,
        map: BTreeMap<&'a str, Vec<Option<bool>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<u8>,
    }

    #[test]
    fn it_writes_what_serde_json_writes() {
        for text in ["plain", "", "\"", "a\\b", "\u{0}\n\t\u{1f}\u{7f}", "Jörg 홍길동 \u{1f600}\u{2028}"]
        {
            let all = All {
                number: u64::MAX,
                negative: i64::MIN,
                yes: true,
                none: None,
                some_text: Some(text),
                word: Word::OneWord,
                list: vec![text, "x", text],
                empty: Vec::new(),
                map: BTreeMap::from([(text, vec![None, Some(false)]), ("key", Vec::new())]),
                left_out: None,
            };
            let mut written = b"before ".to_vec();
            append(&all, &mut written).unwrap();
            let wanted = format!("before {}", serde_json::to_string(&all).unwrap());
            assert_eq!(String::from_utf8(written).unwrap(), wanted);
        }
    }

    #[test]
    fn what_the_model_does_not_use_is_an_error() {
        let mut out = Vec::new();
        assert!(append(&1.5f64, &mut out).is_err());
        assert!(append(&(1, 2), &mut out).is_err());
        assert!(append(&BTreeMap::from([(1, 2)]), &mut out).is_err());
    }
}
