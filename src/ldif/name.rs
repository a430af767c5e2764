//! Attribute descriptions: a base name or OID, and options.
//!
//! RFC 4512 section 2.5. Names are compared without ASCII case; the OIDs of certificate and mail attributes are the same
//! attributes as their names. Underscores and the `=` of `;range=` are outside RFC 4512 but everywhere in the field.

use super::Wanted;

/// Canonical names, their other names and OIDs.
const NAMES: &[(&str, &[&str])] = &[
    ("userCertificate", &["2.5.4.36"]),
    // The first OID is Active Directory's, the second that of RFC 2798.
    ("userSMIMECertificate", &["2.16.840.1.113730.3.140", "2.16.840.1.113730.3.1.40"]),
    ("userPKCS12", &["2.16.840.1.113730.3.1.216"]),
    ("mail", &["0.9.2342.19200300.100.1.3", "rfc822Mailbox"]),
    ("cn", &["2.5.4.3", "commonName"]),
    ("objectClass", &["2.5.4.0"]),
    ("displayName", &["1.2.840.113556.1.2.13", "2.16.840.1.113730.3.1.241"]),
    ("proxyAddresses", &["1.2.840.113556.1.2.210"]),
    ("objectGUID", &["1.2.840.113556.1.4.2"]),
    ("sAMAccountName", &["1.2.840.113556.1.4.221"]),
    ("userPrincipalName", &["1.2.840.113556.1.4.656"]),
];

/// The canonical spelling of a base name or OID that this reader knows (`2.5.4.36` is `userCertificate`), else `None`.
#[must_use]
pub fn canonical(base: &[u8]) -> Option<&'static str> {
    let base = without_oid_prefix(base);
    NAMES
        .iter()
        .find(|(name, others)| {
            base.eq_ignore_ascii_case(name.as_bytes())
                || others.iter().any(|o| base.eq_ignore_ascii_case(o.as_bytes()))
        })
        .map(|(name, _)| *name)
}

fn without_oid_prefix(base: &[u8]) -> &[u8] {
    match base.split_at_checked(4) {
        Some((head, rest)) if head.eq_ignore_ascii_case(b"oid.") => rest,
        _ => base,
    }
}

/// Are these base names one attribute?
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    if a.eq_ignore_ascii_case(b) {
        return true;
    }
    // Only names that are written differently reach the table.
    match (canonical(a), canonical(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// Attributes whose values are text in every directory (RFC 4519, Microsoft's schema): their UTF-8 is checked.
const TEXT: &[&str] = &[
    "c",
    "cn",
    "co",
    "company",
    "department",
    "description",
    "displayName",
    "distinguishedName",
    "dc",
    "facsimileTelephoneNumber",
    "gecos",
    "givenName",
    "homePhone",
    "info",
    "initials",
    "l",
    "legacyExchangeDN",
    "mail",
    "mailNickname",
    "manager",
    "member",
    "memberOf",
    "mobile",
    "name",
    "o",
    "objectCategory",
    "objectClass",
    "otherMailbox",
    "ou",
    "pager",
    "personalTitle",
    "physicalDeliveryOfficeName",
    "postalAddress",
    "postalCode",
    "proxyAddresses",
    "rfc822Mailbox",
    "sAMAccountName",
    "sn",
    "st",
    "street",
    "streetAddress",
    "surname",
    "targetAddress",
    "telephoneNumber",
    "title",
    "uid",
    "userPrincipalName",
];

/// Must values of this attribute be text?
pub(crate) fn is_text(base: &[u8]) -> bool {
    // Cheap for the others: most names differ in length or first letter.
    let first = base.first().map(u8::to_ascii_lowercase);
    TEXT.iter().any(|t| {
        t.len() == base.len()
            && t.as_bytes().first().map(u8::to_ascii_lowercase) == first
            && base.eq_ignore_ascii_case(t.as_bytes())
    }) || (base.first().is_some_and(u8::is_ascii_digit) && canonical(base).is_some_and(|c| TEXT.contains(&c)))
}

/// A `;range=` option: values are the `start`th to `end`th (from 0) of the attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// Number of the first value in this chunk, from 0.
    pub start: u64,
    /// Number of the last value in this chunk; `None` is `*`: this is the last chunk.
    pub end: Option<u64>,
}

/// What is to be said about a description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Good,
    /// Readable, but outside RFC 4512.
    Odd,
    /// Not an attribute description.
    Bad,
}

/// What is known of a description as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) shape: Shape,
    /// Values must be text.
    pub(super) text: bool,
    /// The caller wants values.
    pub(super) wanted: bool,
    pub(super) changetype: bool,
    pub(super) range: Option<Option<Range>>,
}

/// Remembers what is known of descriptions: an export has a few dozen of them, each a million times.
#[derive(Debug, Clone, Default)]
pub(super) struct Memo {
    slots: Vec<Slot>,
    /// What the caller wanted when it was remembered.
    wanted: Wanted,
    /// Of a name that is not remembered.
    other: Option<Info>,
}

#[derive(Debug, Clone, Default)]
struct Slot {
    key: Key,
    name: Vec<u8>,
    info: Option<Info>,
}

/// The first and the last bytes of a name, and its length: up to sixteen bytes they are the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Key {
    head: u64,
    tail: u64,
    len: usize,
}

impl Key {
    #[inline]
    fn of(name: &[u8]) -> Self {
        let (head, tail) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
            _ => (name.iter().fold(0, |key, b| key << 8 | u64::from(*b)), 0),
        };
        Key { head, tail, len: name.len() }
    }

    #[inline]
    fn slot(self) -> usize {
        let mixed =
            (self.head ^ self.tail.rotate_left(29) ^ self.len as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 56) as usize % Memo::SLOTS
    }
}

impl Memo {
    const SLOTS: usize = 256;
    /// Longer names are not remembered.
    const LONGEST: usize = 64;

    /// Forgets what was remembered for another caller.
    pub(super) fn hold_for(&mut self, wanted: &Wanted) {
        if self.slots.is_empty() || self.wanted != *wanted {
            self.slots.clear();
            self.slots.resize(Self::SLOTS, Slot::default());
            self.wanted.clone_from(wanted);
        }
    }

    /// What is known of a description.
    #[inline]
    pub(super) fn get(&mut self, name: &[u8]) -> &Info {
        let key = Key::of(name);
        match self.slots.get_mut(key.slot()) {
            Some(slot) if name.len() <= Self::LONGEST => {
                let known = slot.key == key && (name.len() <= 16 || slot.name == name);
                if !known {
                    *slot = Slot { key, name: name.to_vec(), info: None };
                }
                slot.info.get_or_insert_with(|| Self::find(name, &self.wanted))
            }
            _ => self.other.insert(Self::find(name, &self.wanted)),
        }
    }

    fn find(name: &[u8], wanted: &Wanted) -> Info {
        let base = base(name);
        Info {
            shape: shape(name),
            text: is_text(base),
            wanted: wanted.takes(base),
            changetype: name.eq_ignore_ascii_case(b"changetype"),
            range: range(name),
        }
    }
}

/// Judges a description as written.
pub(crate) fn shape(name: &[u8]) -> Shape {
    let good_byte =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b';' | b'=' | b'*');
    if name.is_empty() || !name.iter().all(good_byte) {
        return Shape::Bad;
    }
    let base = base(name);
    if base.is_empty() || base.contains(&b'=') || base.contains(&b'*') {
        return Shape::Bad;
    }
    let oid = without_oid_prefix(base);
    let is_oid = oid.split(|b| *b == b'.').all(|arc| !arc.is_empty() && arc.iter().all(u8::is_ascii_digit))
        && oid.contains(&b'.');
    let is_name = base.first().is_some_and(u8::is_ascii_alphabetic) && !base.contains(&b'.');
    let options_good = options(name).all(|o| !o.is_empty());
    if (is_oid || is_name) && options_good { Shape::Good } else { Shape::Odd }
}

/// The base name: up to the first `;`.
pub(crate) fn base(name: &[u8]) -> &[u8] {
    name.get(..memchr::memchr(b';', name).unwrap_or(name.len())).unwrap_or_default()
}

/// The options, in the order written.
pub(super) fn options(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.split(|b| *b == b';').skip(1)
}

/// The `;range=` option: `None` if there is none, `Some(None)` if it cannot be read.
pub(crate) fn range(name: &[u8]) -> Option<Option<Range>> {
    memchr::memchr(b';', name)?;
    let mut found = None;
    for option in options(name) {
        let Some((head, rest)) = option.split_at_checked(6) else {
            continue;
        };
        if !head.eq_ignore_ascii_case(b"range=") {
            continue;
        }
        if found.is_some() {
            return Some(None);
        }
        found = Some(read_range(rest));
    }
    found
}

fn read_range(text: &[u8]) -> Option<Range> {
    let text = std::str::from_utf8(text).ok()?;
    let (start, end) = text.split_once('-')?;
    let number = |digits: &str| {
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            None
        } else {
            digits.parse::<u64>().ok()
        }
    };
    let start = number(start)?;
    let end = if end == "*" { None } else { Some(number(end)?) };
    (end.is_none_or(|e| e >= start)).then_some(Range { start, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oids_and_case_are_one_attribute() {
        assert!(same(b"USERCERTIFICATE", b"userCertificate"));
        assert!(same(b"2.5.4.36", b"usercertificate"));
        assert!(same(b"OID.2.5.4.36", b"usercertificate"));
        assert!(same(b"2.16.840.1.113730.3.140", b"2.16.840.1.113730.3.1.40"));
        assert!(same(b"0.9.2342.19200300.100.1.3", b"mail"));
        assert!(same(b"2.16.840.1.113730.3.1.216", b"userPKCS12"));
        assert!(!same(b"cn", b"sn") && !same(b"2.5.4.36", b"2.5.4.37") && !same(b"", b"cn"));
    }

    #[test]
    fn shapes() {
        for good in [
            "cn",
            "user-Name",
            "my_attr",
            "2.5.4.36;binary",
            "cn;lang-de;x",
            "member;range=0-1499",
            "member;Range=1500-*",
        ] {
            assert_eq!(shape(good.as_bytes()), Shape::Good, "{good}");
        }
        for odd in ["1cn", "-cn", "cn;", "cn;;x", "a.b", "2.5."] {
            assert_eq!(shape(odd.as_bytes()), Shape::Odd, "{odd}");
        }
        for bad in ["", ";binary", "c n", "cn\u{e9}", "a=b", "c\0n", "c,n"] {
            assert_eq!(shape(bad.as_bytes()), Shape::Bad, "{bad}");
        }
    }

    #[test]
    fn ranges() {
        assert_eq!(range(b"m;binary;Range=0-1499"), Some(Some(Range { start: 0, end: Some(1499) })));
        assert_eq!(range(b"m;range=1500-*"), Some(Some(Range { start: 1500, end: None })));
        assert_eq!(range(b"m;binary"), None);
        for bad in [
            "m;range=",
            "m;range=5-2",
            "m;range=a-b",
            "m;range=*-5",
            "m;range=1",
            "m;range=0-1;range=2-*",
            "m;range=+1-2",
        ] {
            assert_eq!(range(bad.as_bytes()), Some(None), "{bad}");
        }
    }

    #[test]
    fn the_memo_tells_names_apart() {
        let mut memo = Memo::default();
        let some = Wanted::Only((7..2000).step_by(10).map(|i| format!("a{i}")).collect());
        for (wanted, all) in [(&some, false), (&Wanted::All, true)] {
            memo.hold_for(wanted);
            for _ in 0..2 {
                for i in 0..2000 {
                    let name = format!("a{i};range={i}-*");
                    let info = memo.get(name.as_bytes());
                    assert_eq!(info.range, Some(Some(Range { start: i, end: None })));
                    assert_eq!(info.wanted, all || i % 10 == 7);
                }
                assert!(memo.get(b"cn").text && !memo.get(b"xn").text);
                assert_eq!(memo.get(b"").shape, Shape::Bad);
                memo.hold_for(wanted);
            }
        }
    }

    #[test]
    fn text_attributes() {
        assert!(is_text(b"CN") && is_text(b"2.5.4.3") && is_text(b"mail"));
        assert!(!is_text(b"userCertificate") && !is_text(b"userPassword") && !is_text(b""));
    }
}
