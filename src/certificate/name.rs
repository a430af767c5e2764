//! Distinguished names: kept raw, compared as RFC 5280 section 7.1 says, shown as in RFC 4514.
//!
//! Two CAs write the same name in different string types, and a name in BMPString or T61String is
//! still a name. So a [`Name`] is the raw DER; text is made on request and loses nothing; and
//! comparison goes through [`Name::key`], canonical bytes in which string types, letter case and
//! insignificant white space have gone. Canonical bytes are also the key of look-up tables.
//!
//! What the comparison does not do is Unicode normalisation (RFC 4518 section 2.3). Two names that
//! differ in composed and decomposed letters are therefore different, which never widens what is
//! trusted; where a *match* would be what forbids (an excluded subtree), the caller must ask
//! [`Name::is_comparable`] and fail closed.

use std::borrow::Cow;
use std::fmt;

use super::oid::{self, Oid};
use super::tlv::{self, Walker, tag};

/// A distinguished name, borrowed as its DER SEQUENCE, header included.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name<'a> {
    raw: &'a [u8],
}

/// One attribute of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Which relative distinguished name it stands in, from 0 at the root of the tree.
    pub rdn: usize,
    /// The attribute's type.
    pub kind: Oid<'a>,
    /// Identifier octet of the value.
    pub tag: u8,
    /// Contents octets of the value.
    pub value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// The value as text, or `None` when it is no string type or its bytes are none of that type.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'a, str>> {
        text(self.tag, self.value)
    }
}

/// Decodes any ASN.1 string type. T61String is read as Latin-1, which is what writes it in practice
/// (RFC 5280 appendix A.1 leaves its characters open); bytes above 0x7f in the ASCII types that are
/// no UTF-8 are read as Latin-1 too, so that nothing is lost from what people see.
#[must_use]
pub fn text(string_tag: u8, value: &[u8]) -> Option<Cow<'_, str>> {
    match string_tag {
        // UTF8, Numeric, Printable, Videotex, IA5, Graphic, Visible, General.
        tag::UTF8_STRING | 0x12 | tag::PRINTABLE_STRING | 0x15 | tag::IA5_STRING | 0x19 | 0x1a | 0x1b => {
            Some(match std::str::from_utf8(value) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) if string_tag == tag::UTF8_STRING => return None,
                Err(_) => Cow::Owned(latin1(value)),
            })
        }
        tag::T61_STRING if value.is_ascii() => std::str::from_utf8(value).ok().map(Cow::Borrowed),
        tag::T61_STRING => Some(Cow::Owned(latin1(value))),
        tag::BMP_STRING => {
            let (pairs, []) = value.as_chunks::<2>() else { return None };
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            char::decode_utf16(units).collect::<Result<String, _>>().ok().map(Cow::Owned)
        }
        tag::UNIVERSAL_STRING => {
            let (quads, []) = value.as_chunks::<4>() else { return None };
            quads
                .iter()
                .map(|q| char::from_u32(u32::from_be_bytes(*q)))
                .collect::<Option<String>>()
                .map(Cow::Owned)
        }
        _ => None,
    }
}

fn latin1(value: &[u8]) -> String {
    value.iter().map(|b| char::from(*b)).collect()
}

impl<'a> Name<'a> {
    /// Takes a DER SEQUENCE as a name; what is inside is read on request.
    #[must_use]
    pub fn new(raw: &'a [u8]) -> Self {
        Self { raw }
    }

    /// The DER bytes, header included.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether the name has no relative distinguished name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        tlv::first(self.raw).is_ok_and(|sequence| sequence.contents.is_empty())
    }

    /// Whether every part of it can be read as RFC 5280 section 4.1.2.4 defines a name.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.try_attributes(|_| ()).is_some()
    }

    /// The attributes, from the root of the tree down; it ends at the first part that is no attribute.
    #[must_use]
    pub fn attributes(&self) -> Vec<Attribute<'a>> {
        let mut all = Vec::new();
        let _ = self.try_attributes(|attribute| all.push(attribute));
        all
    }

    /// Calls `each` with the attributes, from the root of the tree down; `None` at the first part that is none.
    pub(super) fn try_attributes(&self, mut each: impl FnMut(Attribute<'a>)) -> Option<()> {
        let mut rdns = Walker::new(tlv::first(self.raw).ok()?.contents);
        let mut rdn = 0;
        while !rdns.is_empty() {
            let mut set = Walker::new(rdns.expect(tag::SET).ok()?.contents);
            if set.is_empty() {
                return None;
            }
            while !set.is_empty() {
                let mut pair = Walker::new(set.expect(tag::SEQUENCE).ok()?.contents);
                let kind = Oid(pair.expect(tag::OID).ok()?.contents);
                let value = pair.next().ok()?;
                if !pair.is_empty() {
                    return None;
                }
                each(Attribute { rdn, kind, tag: value.tag, value: value.contents });
            }
            rdn += 1;
        }
        Some(())
    }

    /// The text that is shown, made in one piece.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.raw.len());
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    /// The last commonName, the one nearest to the entry.
    #[must_use]
    pub fn common_name(&self) -> Option<Cow<'a, str>> {
        self.attributes().iter().rev().find(|a| a.kind.is(oid::COMMON_NAME)).and_then(Attribute::text)
    }

    /// The values of emailAddress attributes (PKCS#9), in order; deprecated in new certificates
    /// (RFC 5280 section 4.1.2.6) and common in old ones.
    #[must_use]
    pub fn email_addresses(&self) -> Vec<Cow<'a, str>> {
        let mut all = Vec::new();
        let _ = self.try_attributes(|a| {
            if a.kind.is(oid::EMAIL_ADDRESS) {
                all.extend(a.text());
            }
        });
        all
    }

    /// Whether an emailAddress attribute is no text, so that [`Name::email_addresses`] leaves it out.
    #[must_use]
    pub fn has_unreadable_email(&self) -> bool {
        self.attributes().iter().any(|a| a.kind.0 == oid::EMAIL_ADDRESS && a.text().is_none())
    }

    /// Canonical bytes: equal for two names exactly when they match by RFC 5280 section 7.1.
    ///
    /// A name that cannot be read through gets its raw bytes behind a marker of its own, so that it
    /// equals only itself.
    #[must_use]
    pub fn key(&self) -> NameKey {
        NameKey(self.rdn_keys().map_or_else(
            || {
                let mut out = vec![0xff];
                out.extend_from_slice(self.raw);
                out
            },
            |rdns| rdns.concat(),
        ))
    }

    /// The canonical bytes of each relative distinguished name, from the root; `None` when the name
    /// cannot be read. For subtrees: a name is within another when it starts with the other's.
    #[must_use]
    pub fn rdn_keys(&self) -> Option<Vec<Vec<u8>>> {
        let mut rdns: Vec<Vec<Vec<u8>>> = Vec::with_capacity(8);
        self.try_attributes(|a| {
            let mut one = Vec::with_capacity(a.kind.0.len() + a.value.len() + 8);
            one.extend((a.kind.0.len() as u32).to_be_bytes());
            one.extend_from_slice(a.kind.0);
            let at = one.len();
            one.extend([0; 5]);
            match a.text() {
                Some(text) => fold(&text, &mut one),
                None => {
                    one[at + 4] = a.tag;
                    one.extend_from_slice(a.value);
                }
            }
            let length = (one.len() - at - 5) as u32;
            one[at..at + 4].copy_from_slice(&length.to_be_bytes());
            if rdns.len() <= a.rdn {
                rdns.push(Vec::new());
            }
            if let Some(rdn) = rdns.last_mut() {
                rdn.push(one);
            }
        })?;
        Some(
            rdns.into_iter()
                .map(|mut rdn| {
                    rdn.sort_unstable();
                    let mut bytes = (rdn.len() as u32).to_be_bytes().to_vec();
                    bytes.extend(rdn.concat());
                    bytes
                })
                .collect(),
        )
    }

    /// Whether two names match by RFC 5280 section 7.1.
    #[must_use]
    pub fn matches(&self, other: &Name<'_>) -> bool {
        self.raw == other.raw || (self.may_match(other) && self.key() == other.key())
    }

    /// Whether the names have the same shape, without looking at the values: as many attributes, of the
    /// same types where each stands alone in its relative name. Names that differ are told apart by that as
    /// a rule, at a small part of the cost of two keys.
    fn may_match(&self, other: &Name<'_>) -> bool {
        let (mut mine, mut theirs) = (Vec::with_capacity(8), Vec::with_capacity(8));
        let whole = self.try_attributes(|a| mine.push((a.rdn, a.kind))).is_some()
            && other.try_attributes(|a| theirs.push((a.rdn, a.kind))).is_some();
        let single = mine.last().is_some_and(|(rdn, _)| rdn + 1 == mine.len());
        whole && mine.len() == theirs.len() && (!single || mine == theirs)
    }

    /// Whether the comparison of this crate is certain to find every match that RFC 4518 would: all
    /// its text is ASCII or Latin, Greek or Cyrillic letters without combining marks, and it can be read.
    #[must_use]
    pub fn is_comparable(&self) -> bool {
        self.comparable_rdns().is_some_and(|all| all.iter().all(|plain| *plain))
    }

    /// [`Name::is_comparable`] of each relative distinguished name, from the root; `None` when the
    /// name cannot be read.
    #[must_use]
    pub fn comparable_rdns(&self) -> Option<Vec<bool>> {
        let mut all: Vec<bool> = Vec::with_capacity(8);
        self.try_attributes(|a| {
            if all.len() <= a.rdn {
                all.push(true);
            }
            let unicode = matches!(a.tag, tag::UTF8_STRING | tag::BMP_STRING | tag::UNIVERSAL_STRING);
            let plain = match a.text() {
                // What octets above ASCII mean in the other types is anybody's guess.
                Some(text) => (unicode || a.value.is_ascii()) && text.chars().all(is_plain),
                None => !unicode,
            };
            if let Some(last) = all.last_mut() {
                *last &= plain;
            }
        })?;
        Some(all)
    }
}

fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{c0}'..='\u{17e}' | '\u{386}'..='\u{3ce}' | '\u{400}'..='\u{45f}')
        && !matches!(c, '\u{132}' | '\u{133}' | '\u{13f}' | '\u{140}' | '\u{149}' | '\u{387}')
}

/// Case folding and white space (RFC 4518 sections 2.2 and 2.6.1): runs of white space become one
/// space, none at either end.
fn fold(text: &str, out: &mut Vec<u8>) {
    let start = out.len();
    let mut gap = false;
    let push = |c: char, out: &mut Vec<u8>| {
        let mut buffer = [0; 4];
        out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
    };
    for c in text.chars() {
        if c.is_whitespace() {
            gap = true;
            continue;
        }
        if gap && out.len() > start {
            out.push(b' ');
        }
        gap = false;
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase() as u8);
        } else {
            // Upper case first, so that letters with two lower case forms (final sigma) meet.
            c.to_uppercase().flat_map(char::to_lowercase).for_each(|c| push(c, out));
        }
    }
}

/// Canonical bytes of a name; see [`Name::key`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameKey(pub Vec<u8>);

impl fmt::Display for Name<'_> {
    /// RFC 4514: the entry first, the root last, `+` within a relative name. Attribute types without
    /// a short name are shown dotted, values that are no text as `#` and hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl Name<'_> {
    fn write(&self, f: &mut impl fmt::Write) -> fmt::Result {
        let mut attributes = Vec::with_capacity(8);
        let whole = self.try_attributes(|attribute| attributes.push(attribute)).is_some();
        for (i, group) in attributes.chunk_by(|a, b| a.rdn == b.rdn).rev().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            for (j, attribute) in group.iter().enumerate() {
                if j > 0 {
                    f.write_str("+")?;
                }
                f.write_str(&attribute.kind.name())?;
                f.write_str("=")?;
                match attribute.text() {
                    Some(text) => write_escaped(f, &text)?,
                    None => {
                        write!(f, "#{:02x}", attribute.tag)?;
                        attribute.value.iter().try_for_each(|b| write!(f, "{b:02x}"))?;
                    }
                }
            }
        }
        if !whole {
            f.write_str("(rest unreadable)")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// Escapes as RFC 4514 section 2.4 asks.
fn write_escaped(f: &mut impl fmt::Write, text: &str) -> fmt::Result {
    let special = |b: u8| matches!(b, b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' | b'\0');
    let edge = text.starts_with([' ', '#']) || text.ends_with(' ');
    if !edge && !text.bytes().any(special) {
        return f.write_str(text);
    }
    let last = text.chars().count().saturating_sub(1);
    for (i, c) in text.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{c}")?,
            ' ' if i == 0 || i == last => f.write_str("\\ ")?,
            '#' if i == 0 => f.write_str("\\#")?,
            '\0' => f.write_str("\\00")?,
            _ => f.write_char(c)?,
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    type Rdn<'a> = &'a [(&'a [u8], u8, &'a [u8])];

    fn name(parts: &[Rdn<'_>]) -> Vec<u8> {
        let wrap = |tag: u8, body: Vec<u8>| [vec![tag, body.len() as u8], body].concat();
        let rdns = parts.iter().flat_map(|rdn| {
            let set = rdn.iter().flat_map(|(kind, string, value)| {
                wrap(0x30, [wrap(6, kind.to_vec()), wrap(*string, value.to_vec())].concat())
            });
            wrap(0x31, set.collect())
        });
        wrap(0x30, rdns.collect())
    }

    #[test]
    fn string_types_case_and_space_do_not_matter() {
        let a = name(&[&[(oid::COUNTRY, 0x13, b"DE")], &[(oid::COMMON_NAME, 0x0c, "Jörg  Bär".as_bytes())]]);
        let b = name(&[&[(oid::COUNTRY, 0x0c, b"de")], &[(oid::COMMON_NAME, 0x14, b" j\xf6rg b\xe4r ")]]);
        let c = name(&[
            &[(oid::COUNTRY, 0x0c, b"de")],
            &[(oid::COMMON_NAME, 0x1e, b"\0J\0\xd6\0r\0g\0 \0B\0\xc4\0R")],
        ]);
        assert!(Name::new(&a).matches(&Name::new(&b)));
        assert!(Name::new(&a).matches(&Name::new(&c)));
        assert_eq!(Name::new(&c).to_string(), "CN=JÖrg BÄR,C=de");
        let swapped =
            name(&[&[(oid::COMMON_NAME, 0x0c, "Jörg Bär".as_bytes())], &[(oid::COUNTRY, 0x13, b"DE")]]);
        assert!(!Name::new(&a).matches(&Name::new(&swapped)), "the order of relative names matters");
        // Length prefixes keep neighbours apart.
        let one = name(&[&[(oid::COMMON_NAME, 0x0c, b"a b")]]);
        let two = name(&[&[(oid::COMMON_NAME, 0x0c, b"a")], &[(oid::COMMON_NAME, 0x0c, b"b")]]);
        assert_ne!(Name::new(&one).key(), Name::new(&two).key());
    }

    #[test]
    fn sets_have_no_order_and_escapes_are_shown() {
        let a = name(&[&[(oid::COMMON_NAME, 0x0c, b"x, y"), (oid::EMAIL_ADDRESS, 0x16, b"a@b.c")]]);
        let b = name(&[&[(oid::EMAIL_ADDRESS, 0x16, b"A@B.C"), (oid::COMMON_NAME, 0x13, b"X, Y")]]);
        assert!(Name::new(&a).matches(&Name::new(&b)));
        assert_eq!(Name::new(&a).to_string(), "CN=x\\, y+emailAddress=a@b.c");
        assert_eq!(Name::new(&a).common_name().unwrap(), "x, y");
        assert_eq!(Name::new(&a).email_addresses(), ["a@b.c"]);
    }

    #[test]
    fn what_cannot_be_read_equals_only_itself() {
        let broken = [0x30, 4, 0x31, 2, 0x30, 0];
        assert!(!Name::new(&broken).is_well_formed());
        assert!(Name::new(&broken).matches(&Name::new(&broken)));
        assert!(!Name::new(&broken).matches(&Name::new(&[0x30, 0])));
        assert!(!Name::new(&broken).is_comparable());
        assert!(Name::new(&[0x30, 0]).is_empty());
        assert!(!Name::new(&name(&[&[(oid::COMMON_NAME, 0x0c, "e\u{301}".as_bytes())]])).is_comparable());
    }
}
