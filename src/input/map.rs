//! The two tables that people write by hand: whose certificate is it, and what is the address in the
//! cloud.
//!
//! Both come out of Excel as often as not: with a byte order mark or in UTF-16, with `;` or tabs
//! instead of commas, with thumbprints copied out of a dialog, in any case, with colons or blanks. What
//! cannot be understood is an error with its line, because a wrong guess would publish somebody's
//! certificate for somebody else. Rows that matched nothing can be asked for at the end.

mod table;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

pub use table::MapError;
use table::{Table, read_table};

/// How a certificate is named in `--map`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CertificateKey {
    /// A file, relative to the folder that was given, with `/`.
    File(String),
    /// SHA-1 of the DER.
    Sha1([u8; 20]),
    /// SHA-256 of the DER.
    Sha256([u8; 32]),
}

/// How an object is named in `--recipient-map`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecipientKey {
    /// A DN, lower-cased in ASCII, as objects are compared.
    Dn(String),
    /// objectGUID: the 16 raw bytes.
    ObjectGuid([u8; 16]),
    /// An address, lower-cased in ASCII.
    Address(String),
}

impl std::fmt::Display for CertificateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(name) => write!(f, "the file {name:?}"),
            Self::Sha1(hash) => write!(f, "the SHA-1 {}", crate::encoding::hex(hash)),
            Self::Sha256(hash) => write!(f, "the SHA-256 {}", crate::encoding::hex(hash)),
        }
    }
}

impl std::fmt::Display for RecipientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dn(dn) => write!(f, "the DN {dn:?}"),
            Self::ObjectGuid(raw) => write!(f, "the objectGUID {}", crate::object::guid_text(raw)),
            Self::Address(address) => write!(f, "the address {address}"),
        }
    }
}

#[derive(Debug)]
struct Row {
    address: String,
    line: u64,
    used: AtomicBool,
}

/// An address from a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit<'a> {
    /// The address as it was written.
    pub address: &'a str,
    /// The line that says so, from 1.
    pub line: u64,
}

/// What several keys of one certificate or object give together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// No row names it.
    None,
    /// One address.
    One(Hit<'a>),
    /// Rows that disagree: nobody's.
    Conflict(Hit<'a>, Hit<'a>),
}

/// A table of keys and addresses. Lookups may come from several threads.
#[derive(Debug)]
pub struct AddressMap<K> {
    rows: HashMap<K, Row>,
}

/// `--map`: certificate file or thumbprint to primary SMTP address.
pub type CertificateMap = AddressMap<CertificateKey>;

/// `--recipient-map`: DN, objectGUID or source address to cloud address.
pub type RecipientMap = AddressMap<RecipientKey>;

impl<K: Eq + std::hash::Hash + Ord + Clone> AddressMap<K> {
    fn new() -> Self {
        Self { rows: HashMap::new() }
    }

    /// Rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What the rows say about one thing that several keys name. Every row that fits counts as used.
    pub fn lookup<'m>(&'m self, keys: impl IntoIterator<Item = K>) -> Lookup<'m> {
        let mut found: Option<Hit<'m>> = None;
        let mut conflict: Option<Hit<'m>> = None;
        for key in keys {
            let Some(row) = self.rows.get(&key) else { continue };
            row.used.store(true, Ordering::Relaxed);
            let hit = Hit { address: &row.address, line: row.line };
            match found {
                None => found = Some(hit),
                Some(first) if first.address.eq_ignore_ascii_case(hit.address) => {}
                Some(_) => conflict = conflict.or(Some(hit)),
            }
        }
        match (found, conflict) {
            (None, _) => Lookup::None,
            (Some(hit), None) => Lookup::One(hit),
            (Some(hit), Some(other)) => Lookup::Conflict(hit, other),
        }
    }

    /// Rows that no lookup has hit, by line.
    #[must_use]
    pub fn unmatched(&self) -> Vec<(K, u64)> {
        let mut out: Vec<(K, u64)> = self
            .rows
            .iter()
            .filter(|(_, row)| !row.used.load(Ordering::Relaxed))
            .map(|(key, row)| (key.clone(), row.line))
            .collect();
        out.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        out
    }

    fn insert(&mut self, key: K, address: &str, line: u64, named: &str) -> Result<(), MapError> {
        match self.rows.get(&key) {
            Some(row) if !row.address.eq_ignore_ascii_case(address) => Err(MapError::Disagree {
                line,
                key: named.to_owned(),
                first_line: row.line,
                first: row.address.clone(),
                second: address.to_owned(),
            }),
            Some(_) => Ok(()),
            None => {
                let row = Row { address: address.to_owned(), line, used: AtomicBool::new(false) };
                self.rows.insert(key, row);
                Ok(())
            }
        }
    }
}

/// Header names of the column with the address, in lower case without blanks, `-` and `_`.
const ADDRESS: &[&str] =
    &["address", "mail", "email", "emailaddress", "smtp", "primarysmtp", "primarysmtpaddress", "recipient"];
/// Header names of columns that name a certificate.
const CERTIFICATE: &[&str] = &[
    "file",
    "filename",
    "path",
    "certificate",
    "cert",
    "thumbprint",
    "fingerprint",
    "sha1",
    "sha256",
    "sha1thumbprint",
    "sha256thumbprint",
];
/// Header names of columns that name an object.
const OBJECT: &[&str] = &[
    "dn",
    "distinguishedname",
    "objectguid",
    "guid",
    "source",
    "sourceaddress",
    "from",
    "mail",
    "email",
    "address",
    "primarysmtp",
    "primarysmtpaddress",
];
/// Header names of the column with the address in the cloud.
const CLOUD: &[&str] =
    &["cloud", "cloudaddress", "cloudmail", "target", "targetaddress", "to", "new", "newaddress"];

impl AddressMap<CertificateKey> {
    /// Reads `--map`. A row may name its certificate in several columns; each of them counts.
    ///
    /// # Errors
    /// [`MapError`] with the line and what to do.
    pub fn parse(bytes: &[u8]) -> Result<Self, MapError> {
        let table = read_table(bytes)?;
        let address = table.column(ADDRESS, "address (or mail, email, primarySmtp)")?;
        let keys = table.columns(CERTIFICATE, "file (or certificate, thumbprint, sha1, sha256)")?;
        let mut map = Self::new();
        for_each_row(&table, address, &keys, |value, address, line| {
            map.insert(certificate_key(value, line)?, address, line, value)
        })?;
        Ok(map)
    }

    /// The address of a certificate, by its file as outputs name it and its digests.
    pub fn find(&self, file: &str, sha1: [u8; 20], sha256: [u8; 32]) -> Lookup<'_> {
        self.lookup([
            CertificateKey::File(file.to_owned()),
            CertificateKey::Sha1(sha1),
            CertificateKey::Sha256(sha256),
        ])
    }
}

impl AddressMap<RecipientKey> {
    /// Reads `--recipient-map`. What kind of name a cell holds, its text says.
    ///
    /// # Errors
    /// [`MapError`] with the line and what to do.
    pub fn parse(bytes: &[u8]) -> Result<Self, MapError> {
        let table = read_table(bytes)?;
        // `source,address` is the plainest table of all; a column of the cloud by name comes first.
        let cloud = table
            .column(CLOUD, "cloud (or cloudAddress, target, to)")
            .or_else(|problem| table.column(&["address"], "address").map_err(|_| problem))?;
        let keys = table.columns(OBJECT, "dn, objectGUID or source")?;
        let mut map = Self::new();
        for_each_row(&table, cloud, &keys, |value, address, line| {
            map.insert(recipient_key(value, line)?, address, line, value)
        })?;
        Ok(map)
    }

    /// The cloud address of an object, by its DN, objectGUID and addresses.
    pub fn find<'m, 's>(
        &'m self,
        dn: Option<&str>,
        guid: Option<[u8; 16]>,
        addresses: impl IntoIterator<Item = &'s str>,
    ) -> Lookup<'m> {
        let dn = dn.map(|dn| RecipientKey::Dn(dn.to_ascii_lowercase()));
        let guid = guid.map(RecipientKey::ObjectGuid);
        let addresses = addresses.into_iter().map(|a| RecipientKey::Address(a.to_ascii_lowercase()));
        self.lookup(dn.into_iter().chain(guid).chain(addresses))
    }
}

fn for_each_row(
    table: &Table,
    address: usize,
    keys: &[usize],
    mut each: impl FnMut(&str, &str, u64) -> Result<(), MapError>,
) -> Result<(), MapError> {
    for (line, cells) in &table.rows {
        let cell = |i: usize| cells.get(i).map_or("", |c| c.trim());
        let address = cell(address);
        let names: Vec<&str> = keys.iter().map(|k| cell(*k)).filter(|name| !name.is_empty()).collect();
        if address.is_empty() && names.is_empty() {
            continue;
        }
        // Directory exports write the type before the address.
        let address = match address.get(..5) {
            Some(prefix) if prefix.eq_ignore_ascii_case("smtp:") => address.get(5..).unwrap_or_default(),
            _ => address,
        };
        if !is_address(address) {
            return Err(MapError::Address { line: *line, found: address.to_owned() });
        }
        if names.is_empty() {
            return Err(MapError::NoKey { line: *line });
        }
        for name in names {
            each(name, address, *line)?;
        }
    }
    Ok(())
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && !domain.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, ';' | ',' | '<' | '>'))
}

/// A thumbprint when the text is 40 or 64 hex digits, colons and blanks aside; else a file. Windows'
/// dialog puts an invisible mark (U+200E) before the thumbprint that one copies.
fn certificate_key(text: &str, line: u64) -> Result<CertificateKey, MapError> {
    let digits: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, ':' | '\u{200e}' | '\u{200f}' | '\u{feff}'))
        .collect();
    if digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        match (hex::<20>(&digits), hex::<32>(&digits)) {
            (Some(sha1), _) => return Ok(CertificateKey::Sha1(sha1)),
            (_, Some(sha256)) => return Ok(CertificateKey::Sha256(sha256)),
            // Hex with separators is meant as a thumbprint; a file may be called `cafe`.
            _ if digits.len() >= 32 || text.contains(':') => {
                return Err(MapError::Thumbprint { line, found: text.to_owned(), digits: digits.len() });
            }
            _ => {}
        }
    }
    let path = text.replace('\\', "/");
    Ok(CertificateKey::File(path.strip_prefix("./").unwrap_or(&path).to_owned()))
}

fn recipient_key(text: &str, line: u64) -> Result<RecipientKey, MapError> {
    if let Some(guid) = object_guid(text) {
        return Ok(RecipientKey::ObjectGuid(guid));
    }
    if text.contains('=') {
        return Ok(RecipientKey::Dn(text.to_ascii_lowercase()));
    }
    let address = match text.get(..5) {
        Some(prefix) if prefix.eq_ignore_ascii_case("smtp:") => text.get(5..).unwrap_or_default(),
        _ => text,
    };
    if is_address(address) {
        return Ok(RecipientKey::Address(address.to_ascii_lowercase()));
    }
    Err(MapError::Recipient { line, found: text.to_owned() })
}

/// The text form of a GUID, with or without braces: its first three groups are little-endian in the
/// raw value (MS-DTYP section 2.3.4.3).
#[must_use]
pub fn object_guid(text: &str) -> Option<[u8; 16]> {
    let inner = text.strip_prefix('{').map_or(Some(text), |t| t.strip_suffix('}'))?;
    let groups: Vec<&str> = inner.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|g| g.len()).collect();
    if lengths != [8, 4, 4, 4, 12] {
        return None;
    }
    let mut raw = hex::<16>(&groups.concat())?;
    raw.get_mut(0..4)?.reverse();
    raw.get_mut(4..6)?.reverse();
    raw.get_mut(6..8)?.reverse();
    Some(raw)
}

fn hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    crate::encoding::unhex(digits)?.try_into().ok()
}

#[cfg(test)]
mod tests;
