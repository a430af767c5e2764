//! Directory objects as the inputs tell them: identity, class, and certificate values.
//!
//! A record of an export, or a certificate of a file, becomes an [`Object`]. Records of one object
//! are united ([`Object::unite`]); after that [`Object::close`] joins `range=` chunks and says which
//! attributes are known whole. Nothing is judged here.
//!
//! What an object holds in memory is bounded: a value or text, the number of them and all of them together. What is
//! above is hashed and reported, and its attribute is incomplete, so that no set is built from the rest.

mod beyond;
mod held;

pub use beyond::Beyond;

use crate::bundle::model::Attribute;
use crate::certificate::address::Address;
use crate::certificate::container::{Form, Secret, classify_value};
use crate::limits::{TEXT_HELD, VALUES_HELD};

/// Where something stood: the number of the input file and the line in it (for a certificate file:
/// the number of the certificate), from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index into the run's list of files.
    pub input: u32,
    /// Line, 1-based.
    pub line: u64,
}

/// The bytes of a value, or why there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// As it stood in the input.
    Bytes(Vec<u8>),
    /// A private key, by its kind; no byte of it is kept.
    Secret(Secret),
    /// It could not be read; found, and expected.
    Unreadable(String, String),
}

/// One occurrence of a certificate attribute's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The attribute.
    pub attribute: Attribute,
    /// Its bytes.
    pub content: Content,
    /// Where it stood.
    pub place: Place,
    /// First index of the `range=` chunk it stood in, or 0.
    pub chunk: u64,
    /// It came from a certificate file: no directory object holds it because of that.
    pub from_file: bool,
}

/// A chunk of an attribute as `;range=a-b` announces it (MS-ADTS section 3.1.1.3.1.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Chunk {
    attribute: Attribute,
    first: u64,
    /// `None` is the closing `*`.
    last: Option<u64>,
}

/// What the object classes say, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes {
    /// At least one class was named.
    pub any: bool,
    /// A user, inetOrgPerson or other person.
    pub person: bool,
    /// A contact.
    pub contact: bool,
    /// A class that is never a mail recipient of this tool, by name.
    pub excluded: Option<&'static str>,
}

/// An object, or the part of it that one record holds.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// Where its first record stood.
    pub place: Place,
    /// How many records it was united from.
    pub records: u64,
    /// Distinguished name.
    pub dn: Option<String>,
    /// Another DN that a united record had.
    pub other_dn: Option<String>,
    /// Object classes.
    pub classes: Classes,
    /// objectGUID.
    pub guid: Option<[u8; 16]>,
    /// ms-DS-ConsistencyGuid.
    pub consistency_guid: Option<Vec<u8>>,
    /// userPrincipalName.
    pub upn: Option<String>,
    /// displayName.
    pub display_name: Option<String>,
    /// cn, or name.
    pub common_name: Option<String>,
    /// Values of mail.
    pub mail: Vec<String>,
    /// Values of proxyAddresses.
    pub proxies: Vec<String>,
    /// mailNickname is there.
    pub nickname: bool,
    /// sAMAccountName.
    pub account_name: Option<String>,
    /// msExchRecipientTypeDetails.
    pub recipient_type: Option<u64>,
    /// msExchRemoteRecipientType is there.
    pub remote: bool,
    /// isCriticalSystemObject is TRUE.
    pub critical: bool,
    /// Certificate values in input order.
    pub values: Vec<Value>,
    /// Those that are not held, by attribute.
    pub beyond: Vec<Beyond>,
    /// The owner that a map or the certificate names (certificate files only).
    pub owner: Option<Owner>,
    /// CA certificates that stood beside it in a file.
    pub chain: Vec<Vec<u8>>,
    /// Attributes that are not known whole, each with why.
    pub incomplete: Vec<(Attribute, String)>,
    /// Attributes whose text holds a private key, and what it is; the text itself is not held.
    pub secrets: Vec<(String, Secret)>,
    chunks: Vec<Chunk>,
    bytes: usize,
    address_bytes: usize,
}

/// One of the lists of addresses of an object.
type List = fn(&mut Object) -> &mut Vec<String>;

/// Who a certificate file belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The address that the map names, or the only one in the certificate.
    Address(String),
    /// Several addresses, and no map.
    Ambiguous(Vec<String>),
    /// No address, and no map.
    Nobody,
}

/// One attribute value of a record, as the readers hand it over.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Attribute name without options, in any case.
    pub name: &'a [u8],
    /// The value, or why it cannot be read (found, expected).
    pub value: Result<&'a [u8], (&'a str, &'a str)>,
    /// Line it begins on.
    pub line: u64,
    /// `;range=first-last`; `None` as last is `*`.
    pub range: Option<(u64, Option<u64>)>,
}

impl Object {
    /// An object that begins at `place`.
    #[must_use]
    pub fn at(place: Place) -> Self {
        Self { place, records: 1, ..Self::default() }
    }

    /// Takes one attribute value over. Attributes that nothing needs are passed by.
    pub fn take(&mut self, field: Field<'_>) {
        if let Some(attribute) = certificate_attribute(field.name) {
            self.take_value(attribute, field);
            return;
        }
        let Ok(bytes) = field.value else { return };
        let name = field.name;
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        if is("objectClass") {
            if bytes.len() <= TEXT_HELD
                && let Ok(class) = std::str::from_utf8(bytes)
            {
                self.classes.add(class.trim().as_bytes());
            } else {
                let class = self.text(name, bytes);
                self.classes.add(class.as_bytes());
            }
        } else if is("mail") {
            let text = self.text(name, bytes);
            self.push_address(text, |object| &mut object.mail);
        } else if is("proxyAddresses") {
            let text = self.text(name, bytes);
            self.push_address(text, |object| &mut object.proxies);
        } else if is("objectGUID") {
            self.guid = self.guid.or_else(|| guid_from(bytes));
        } else if is("mS-DS-ConsistencyGuid") {
            if self.consistency_guid.is_none() && !bytes.is_empty() {
                self.consistency_guid = Some(guid_from(bytes).map_or_else(|| bytes.to_vec(), |g| g.to_vec()));
            }
        } else if is("userPrincipalName") {
            self.upn = self.upn.take().or_else(|| Some(self.text(name, bytes)));
        } else if is("displayName") {
            self.display_name = self.display_name.take().or_else(|| Some(self.text(name, bytes)));
        } else if is("cn") || is("name") {
            self.common_name = self.common_name.take().or_else(|| Some(self.text(name, bytes)));
        } else if is("mailNickname") {
            self.nickname |= !bytes.is_empty();
        } else if is("sAMAccountName") {
            self.account_name = self.account_name.take().or_else(|| Some(self.text(name, bytes)));
        } else if is("msExchRecipientTypeDetails") {
            self.recipient_type = self.recipient_type.or_else(|| self.text(name, bytes).parse().ok());
        } else if is("msExchRemoteRecipientType") {
            self.remote |= !bytes.is_empty();
        } else if is("isCriticalSystemObject") {
            self.critical |=
                std::str::from_utf8(bytes).is_ok_and(|text| text.trim().eq_ignore_ascii_case("TRUE"));
        } else if let Some(canonical) = crate::ldif::canonical(name).filter(|known| !is(known)) {
            // An OID or another name of an attribute that is known.
            self.take(Field { name: canonical.as_bytes(), ..field });
        }
    }

    /// Takes the distinguished name over.
    pub fn take_dn(&mut self, dn: &str) {
        self.dn = Some(self.dn_text(dn));
    }

    fn take_value(&mut self, attribute: Attribute, field: Field<'_>) {
        if let Some((first, last)) = field.range {
            self.push_chunk(Chunk { attribute, first, last });
        }
        let place = Place { input: self.place.input, line: field.line };
        let chunk = field.range.map_or(0, |(first, _)| first);
        let content = match field.value {
            // `attr:` with nothing behind it: `ldapsearch -A` prints that for every attribute that
            // exists. There is a value, and it is not here.
            Ok([]) => Content::Unreadable(
                "the value is empty".into(),
                "a certificate; export with values (ldapsearch without -A)".into(),
            ),
            Ok(_) if attribute == Attribute::UserPkcs12 => Content::Secret(Secret::Pkcs12),
            Ok(bytes) if let Form::Secret(kind) = classify_value(bytes).form => Content::Secret(kind),
            Ok(bytes) => self.held(bytes).unwrap_or_else(|| Content::Bytes(bytes.to_vec())),
            Err((found, expected)) => Content::Unreadable(found.to_owned(), expected.to_owned()),
        };
        // Only certificate files name an owner.
        let from_file = self.owner.is_some();
        self.push(Value { attribute, content, place, chunk, from_file });
    }

    /// Adds a value, or counts it where there are too many.
    fn push(&mut self, value: Value) {
        if self.values.len() >= VALUES_HELD {
            let why = format!("it has more values than the {VALUES_HELD} that are held of one object");
            self.mark_incomplete(value.attribute, why);
            Beyond::push(&mut self.beyond, &value);
            return;
        }
        if let Content::Bytes(bytes) = &value.content {
            self.bytes += bytes.len();
        }
        self.values.push(value);
    }

    /// Values of an attribute that are not held.
    #[must_use]
    pub fn beyond(&self, attribute: Attribute) -> usize {
        let of = self.beyond.iter().filter(|beyond| beyond.attribute == attribute).map(|beyond| beyond.count);
        usize::try_from(of.sum::<u64>()).unwrap_or(usize::MAX)
    }

    /// Values of certificate attributes, held or not.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.values.len() as u64 + self.beyond.iter().map(|beyond| beyond.count).sum::<u64>()
    }

    /// Notes that part of the object was not read, so that no attribute of it is known whole.
    pub fn cut_off(&mut self, why: &str) {
        for attribute in [Attribute::UserCertificate, Attribute::UserSmimeCertificate] {
            self.mark_incomplete(attribute, why.to_owned());
        }
    }

    fn mark_incomplete(&mut self, attribute: Attribute, why: String) {
        if !self.incomplete.iter().any(|(known, _)| *known == attribute) {
            self.incomplete.push((attribute, why));
        }
    }

    /// Unites a later record of the same object into this one: what is known stays, what is missing
    /// is filled in, values are added.
    pub fn unite(&mut self, later: Object) {
        self.records += later.records;
        if let (Some(mine), Some(other)) = (&self.dn, &later.dn)
            && !mine.eq_ignore_ascii_case(other)
            && self.other_dn.is_none()
        {
            self.other_dn = Some(other.clone());
        }
        self.dn = self.dn.take().or(later.dn);
        self.classes.unite(later.classes);
        self.guid = self.guid.or(later.guid);
        self.consistency_guid = self.consistency_guid.take().or(later.consistency_guid);
        self.upn = self.upn.take().or(later.upn);
        self.display_name = self.display_name.take().or(later.display_name);
        self.common_name = self.common_name.take().or(later.common_name);
        let lists: [(List, Vec<String>); 2] =
            [(|object| &mut object.mail, later.mail), (|object| &mut object.proxies, later.proxies)];
        for (list, texts) in lists {
            for text in texts {
                if !list(self).contains(&text) {
                    self.push_address(text, list);
                }
            }
        }
        self.nickname |= later.nickname;
        self.account_name = self.account_name.take().or(later.account_name);
        self.recipient_type = self.recipient_type.or(later.recipient_type);
        self.remote |= later.remote;
        self.critical |= later.critical;
        self.owner = self.owner.take().or(later.owner);
        self.chain.extend(later.chain);
        self.name_secrets(later.secrets);
        for (attribute, why) in later.incomplete {
            self.mark_incomplete(attribute, why);
        }
        for chunk in later.chunks {
            self.push_chunk(chunk);
        }
        for mut value in later.values {
            if let Content::Bytes(bytes) = &value.content
                && let Some(instead) = self.held(bytes)
            {
                value.content = instead;
            }
            self.push(value);
        }
        for beyond in later.beyond {
            Beyond::unite(&mut self.beyond, beyond);
        }
    }

    /// Ends the reading of the object: puts values of `range=` chunks into their order, checks that
    /// the chunks of each attribute begin at 0, leave no gap and reach the closing `*`, and marks
    /// attributes with unreadable values as incomplete.
    pub fn close(&mut self) {
        if !self.chunks.is_empty() {
            self.values.sort_by_key(|value| value.chunk);
            self.chunks.sort_unstable();
            self.chunks.dedup();
            for attribute in [Attribute::UserCertificate, Attribute::UserSmimeCertificate] {
                if let Some(why) = self.gap(attribute) {
                    self.mark_incomplete(attribute, why);
                }
            }
        }
        let mut unreadable: Vec<(Attribute, String)> = Vec::new();
        for value in &self.values {
            if let Content::Unreadable(found, _) = &value.content
                && !unreadable.iter().any(|(attribute, _)| *attribute == value.attribute)
            {
                unreadable.push((value.attribute, format!("a value of it is unreadable ({found})")));
            }
        }
        for (attribute, why) in unreadable {
            self.mark_incomplete(attribute, why);
        }
    }

    /// Why the chunks of an attribute are not the whole of it.
    fn gap(&self, attribute: Attribute) -> Option<String> {
        let mut next = 0;
        let mut seen = false;
        for chunk in self.chunks.iter().filter(|chunk| chunk.attribute == attribute) {
            seen = true;
            if chunk.first > next {
                return Some(format!(
                    "the export holds a range= chunk from {} on, but none from {next}",
                    chunk.first
                ));
            }
            match chunk.last {
                None => return None,
                Some(last) => next = next.max(last.saturating_add(1)),
            }
        }
        seen.then(|| {
            format!(
                "the export ends with a range= chunk at {} and lacks the closing one (range={next}-*)",
                next.saturating_sub(1)
            )
        })
    }

    /// Why the attribute is not known whole, if it is not.
    #[must_use]
    pub fn incomplete(&self, attribute: Attribute) -> Option<&str> {
        self.incomplete.iter().find(|(known, _)| *known == attribute).map(|(_, why)| why.as_str())
    }

    /// Whether the object carries a value of a certificate attribute.
    #[must_use]
    pub fn has_certificate_value(&self) -> bool {
        !self.values.is_empty()
    }

    /// SMTP addresses of proxyAddresses and mail, primary first: `SMTP:` in proxyAddresses, else the
    /// first mail. Also which texts are no addresses.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        let mut found = Addresses::default();
        let mut primary: Option<(Address, String)> = None;
        let mut others = Vec::new();
        for proxy in self.proxies.iter().filter(|proxy| !proxy.is_empty()) {
            let (prefix, rest) = proxy.split_once(':').unwrap_or(("smtp", proxy));
            if !prefix.eq_ignore_ascii_case("smtp") {
                continue;
            }
            match Address::parse(rest) {
                Ok(address) if prefix == "SMTP" && primary.is_none() => {
                    primary = Some((address, rest.trim().to_owned()));
                }
                Ok(address) => others.push(address),
                Err(_) => found.invalid.push(proxy.clone()),
            }
        }
        found.several_mail = primary.is_none() && self.mail.len() > 1;
        let owner = match &self.owner {
            Some(Owner::Address(owner)) => Some(owner),
            _ => None,
        };
        let mut rest = Vec::new();
        // What a certificate file says is the primary address only where no directory says anything.
        let owner = owner.map(|owner| (owner, others.is_empty()));
        let mails = self.mail.iter().map(|mail| (mail, true)).chain(owner);
        for (mail, may_be_primary) in mails.filter(|(mail, _)| !mail.is_empty()) {
            match Address::parse(mail) {
                // The first mail is the primary address where proxyAddresses names none.
                Ok(address) if primary.is_none() && may_be_primary => {
                    primary = Some((address, mail.clone()));
                }
                Ok(address) => rest.push(address),
                Err(_) => found.invalid.push(mail.clone()),
            }
        }
        found.has_primary = primary.is_some();
        if let Some((address, text)) = primary {
            found.list.push(address);
            found.primary_text = Some(text);
        }
        for address in rest.into_iter().chain(others) {
            if !found.list.contains(&address) {
                found.list.push(address);
            }
        }
        found
    }
}

/// The SMTP addresses of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// All of them without repetition; the primary one first when there is one.
    pub list: Vec<Address>,
    /// Whether the first one is the primary address.
    pub has_primary: bool,
    /// The primary address as it is spelled in the source.
    pub primary_text: Option<String>,
    /// Texts that are no addresses.
    pub invalid: Vec<String>,
    /// mail had several values and decided.
    pub several_mail: bool,
}

impl Addresses {
    /// The primary address.
    #[must_use]
    pub fn primary(&self) -> Option<&Address> {
        self.list.first().filter(|_| self.has_primary)
    }
}

impl Classes {
    fn add(&mut self, class: &[u8]) {
        self.any = true;
        let is = |names: &[&str]| names.iter().any(|name| class.eq_ignore_ascii_case(name.as_bytes()));
        if is(&["contact"]) {
            self.contact = true;
        } else if is(&[
            "user",
            "person",
            "organizationalPerson",
            "inetOrgPerson",
            "residentialPerson",
            "pilotPerson",
            "newPilotPerson",
            "mailRecipient",
        ]) {
            self.person = true;
        } else if let Some((_, kind)) =
            EXCLUDED_CLASSES.iter().find(|(name, _)| class.eq_ignore_ascii_case(name.as_bytes()))
        {
            self.excluded.get_or_insert(kind);
        }
    }

    fn unite(&mut self, later: Classes) {
        self.any |= later.any;
        self.person |= later.person;
        self.contact |= later.contact;
        self.excluded = self.excluded.or(later.excluded);
    }
}

/// Classes whose objects are no recipients, and what they are called. Entra Connect never flows
/// certificates of groups, and uses those of computers for device join.
const EXCLUDED_CLASSES: &[(&str, &str)] = &[
    ("computer", "a computer"),
    ("device", "a device"),
    ("group", "a group"),
    ("groupOfNames", "a group"),
    ("groupOfUniqueNames", "a group"),
    ("posixGroup", "a group"),
    ("msExchDynamicDistributionList", "a group"),
    ("certificationAuthority", "a certification authority"),
    ("certificationAuthority-V2", "a certification authority"),
    ("pkiCA", "a certification authority"),
    ("pKIEnrollmentService", "a certification authority"),
    ("cRLDistributionPoint", "a CRL distribution point"),
    ("msDS-GroupManagedServiceAccount", "a managed service account"),
    ("msDS-ManagedServiceAccount", "a managed service account"),
    ("organizationalUnit", "an organizational unit"),
    ("container", "a container"),
    ("domain", "a domain"),
    ("publicFolder", "a public folder"),
];

/// The certificate attribute that a name or OID stands for, without options and in any case.
/// OIDs: RFC 4523 section 4.1, RFC 2798 sections 2.8 and 2.9, Microsoft's schema (MS-ADA3).
#[must_use]
pub fn certificate_attribute(name: &[u8]) -> Option<Attribute> {
    let is = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    if is(&["userCertificate", "2.5.4.36"]) {
        Some(Attribute::UserCertificate)
    } else if is(&["userSMIMECertificate", "2.16.840.1.113730.3.140", "2.16.840.1.113730.3.1.40"]) {
        Some(Attribute::UserSmimeCertificate)
    } else if is(&["userPKCS12", "2.16.840.1.113730.3.1.216"]) {
        Some(Attribute::UserPkcs12)
    } else {
        None
    }
}

/// objectGUID: 16 raw bytes, or the text that ldbsearch prints (whose first three groups are
/// little-endian in the raw form, MS-DTYP section 2.3.4).
#[must_use]
pub fn guid_from(bytes: &[u8]) -> Option<[u8; 16]> {
    if let Ok(raw) = <[u8; 16]>::try_from(bytes) {
        return Some(raw);
    }
    let text = std::str::from_utf8(bytes).ok()?.trim().trim_start_matches('{').trim_end_matches('}');
    if text.len() != 36 {
        return None;
    }
    let mut digits = Vec::with_capacity(32);
    for (at, c) in text.char_indices() {
        match (at, c.to_digit(16)) {
            (8 | 13 | 18 | 23, None) if c == '-' => {}
            (_, Some(digit)) => digits.push(u8::try_from(digit).ok()?),
            (_, None) => return None,
        }
    }
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    <[u8; 16]>::try_from(bytes).ok().map(swap_groups)
}

/// The text form of a raw objectGUID, lower case.
#[must_use]
pub fn guid_text(raw: &[u8; 16]) -> String {
    let hex = crate::encoding::hex(&swap_groups(*raw));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn swap_groups(mut guid: [u8; 16]) -> [u8; 16] {
    guid[..4].reverse();
    guid[4..6].reverse();
    guid[6..8].reverse();
    guid
}

#[cfg(test)]
mod tests;
