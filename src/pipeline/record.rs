//! From what a reader hands over to an [`Object`]: records of exports, and certificates of files.

use std::borrow::Cow;

use super::source::Source;
use crate::bundle::model::Attribute;
use crate::certificate::Certificate;
use crate::certificate::address::Address;
use crate::encoding::hex;
use crate::input::files::{At, open_certificate_file};
use crate::input::map::{CertificateMap, Lookup};
use crate::ldif::{self, Record, Value, Wanted};
use crate::object::{Field, Object, Owner, Place};
use crate::rules::address::addresses;
use crate::rules::{Finding, value as value_rules};

/// Attributes that anything is made of; values of others are not even decoded.
#[must_use]
pub fn wanted() -> Wanted {
    Wanted::Only(
        [
            "objectClass",
            "objectGUID",
            "mS-DS-ConsistencyGuid",
            "userPrincipalName",
            "displayName",
            "cn",
            "name",
            "mail",
            "proxyAddresses",
            "mailNickname",
            "sAMAccountName",
            "msExchRecipientTypeDetails",
            "msExchRemoteRecipientType",
            "isCriticalSystemObject",
            "userCertificate",
            "userSMIMECertificate",
            "userPKCS12",
        ]
        .map(str::to_owned)
        .to_vec(),
    )
}

/// Why a record is incomplete that was not read to its end.
pub const CUT_OFF: &str =
    "the record was not read to its end: the file ends in it, or it is larger than can be held";

/// What a record of an export tells.
#[must_use]
pub fn from_export(record: &Record, source: u32) -> Object {
    let mut object = Object::at(Place { input: source, line: record.line() });
    if !record.dn().is_empty() {
        object.take_dn(&record.dn_text());
    }
    let large = match record.large() {
        Some(large) => format!(
            "it was cut off at the limit for one record; it has {} bytes (SHA-256 {})",
            large.bytes,
            hex(&large.sha256)
        ),
        None => "it was cut off at the limit for one record".to_owned(),
    };
    for attribute in record.attributes() {
        let value = match attribute.value() {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Unreadable(ldif::Code::RecordTooLarge) => Err((large.as_str(), "a smaller object")),
            Value::Unreadable(code) => Err(unreadable(code)),
            Value::Skipped => continue,
        };
        let range = if record.is_ranged() { attribute.range() } else { None };
        let range = range.map(|range| match range {
            Some(range) => (range.start, range.end),
            // A range that cannot be read: nobody knows what is missing, so it never closes.
            None => (u64::MAX, Some(u64::MAX)),
        });
        object.take(Field { name: attribute.base_bytes(), value, line: attribute.line(), range });
    }
    if record.is_truncated() {
        object.cut_off(CUT_OFF);
    }
    object
}

/// The same, where the whole of its source is known.
#[must_use]
pub fn of_source(record: &Record, index: u32, source: Option<&Source>) -> Object {
    let mut object = from_export(record, index);
    if source.is_some_and(|source| source.cut_at == Some(record.offset())) {
        object.cut_off(CUT_OFF);
    }
    object
}

/// Found and expected, for a value that the reader could not take over.
fn unreadable(code: ldif::Code) -> (&'static str, &'static str) {
    match code {
        ldif::Code::BadBase64 => ("its base64 is damaged", "base64 (RFC 4648); export again"),
        ldif::Code::CsvdeHex => ("its hexadecimal is damaged", "X'…' with pairs of digits; export again"),
        ldif::Code::UrlRefused => (
            "it stands in another file, which may not be read",
            "a value in the export itself, or --url-root DIR with the folder that holds the file",
        ),
        ldif::Code::UrlUnreadable => {
            ("it stands in another file, which cannot be read", "the file below --url-root")
        }
        _ => ("the reader could not take it over", "a value that can be read"),
    }
}

/// What a certificate file tells.
#[derive(Debug, Default)]
pub struct FileRead {
    /// One object for each certificate of a person; `line` of its place is the number in the file.
    pub people: Vec<Object>,
    /// Certificates in all.
    pub certificates: u64,
    /// CA certificates beside people's: intermediates for this file's people only.
    pub ignored: u64,
    /// What could not be read, private keys among it: line and finding. Each counts as a value.
    pub unreadable: Vec<(u64, Finding)>,
    /// How many of these are private keys.
    pub secrets: u64,
    /// What else there is to say: line and finding.
    pub findings: Vec<(u64, Finding)>,
}

/// Opens a certificate file: one object for each certificate of a person. CA certificates of a file
/// that holds others too go along as intermediates.
#[must_use]
pub fn from_file(bytes: &[u8], path: &str, source: u32, map: Option<&CertificateMap>) -> FileRead {
    let file = open_certificate_file(bytes);
    let mut read = FileRead { certificates: file.entries.len() as u64, ..FileRead::default() };
    let mut chain = Vec::new();
    let several = file.entries.len() > 1;
    for (entry, number) in file.entries.iter().zip(1..) {
        let parsed = match Certificate::parse(&entry.der) {
            Ok(parsed) => parsed,
            Err(unreadable) => {
                let found = format!("certificate {number} of the file cannot be read: {unreadable}");
                read.unreadable.push((line(entry.at), unreadable_finding(found)));
                continue;
            }
        };
        if several && parsed.is_ca() {
            chain.push(entry.der.to_vec());
            continue;
        }
        let mut object = Object::at(Place { input: source, line: number });
        object.owner = Some(owner(&parsed, path, map));
        object.common_name = parsed.subject().common_name().map(Cow::into_owned);
        let name = Attribute::UserCertificate.name().as_bytes();
        object.take(Field { name, value: Ok(&entry.der), line: number, range: None });
        read.people.push(object);
    }
    read.ignored = chain.len() as u64;
    if !chain.is_empty() {
        let found = format!("{} certificates of CAs stand beside people's in the file", chain.len());
        read.findings.push((1, Finding::new(&value_rules::CHAIN_CERTIFICATE, found, "")));
    }
    for object in &mut read.people {
        object.chain.clone_from(&chain);
    }
    read.secrets = file.secrets.len() as u64;
    for (at, kind) in file.secrets {
        let finding =
            Finding::new(&value_rules::PRIVATE_KEY, format!("the file holds {kind}"), "no private key");
        read.unreadable.push((line(at), finding));
    }
    for (at, problem) in file.problems {
        read.unreadable.push((line(at), unreadable_finding(format!("{at}: {problem}"))));
    }
    for (at, note) in file.notes {
        read.findings
            .push((line(at), Finding::new(&value_rules::CONTAINER_IRREGULAR, format!("{at}: {note}"), "")));
    }
    read
}

/// The line of a place; bytes count as line 1.
fn line(at: At) -> u64 {
    match at {
        At::Line(line) => line,
        At::Byte(_) => 1,
    }
}

fn unreadable_finding(found: String) -> Finding {
    Finding::new(&value_rules::UNREADABLE_VALUE, found, "a certificate (RFC 5280 section 4.1)")
}

/// Whose certificate it is: what the map says, else the only address that it bears.
fn owner(certificate: &Certificate<'_>, path: &str, map: Option<&CertificateMap>) -> Owner {
    match map.map_or(Lookup::None, |map| map.find(path, certificate.sha1(), certificate.sha256())) {
        Lookup::One(hit) => return Owner::Address(hit.address.to_owned()),
        Lookup::Conflict(one, other) => {
            return Owner::Ambiguous(vec![
                format!("{} in line {} of the map", one.address, one.line),
                format!("{} in line {}", other.address, other.line),
            ]);
        }
        Lookup::None => {}
    }
    match addresses(certificate).as_slice() {
        [] => Owner::Nobody,
        [only] => Owner::Address(spelled(certificate, only)),
        several => Owner::Ambiguous(several.iter().map(ToString::to_string).collect()),
    }
}

/// The address as the certificate spells it.
fn spelled(certificate: &Certificate<'_>, address: &Address) -> String {
    let mut emails = certificate.email_addresses().into_iter();
    emails
        .find(|email| Address::parse(&email.text).as_ref() == Ok(address))
        .map_or_else(|| address.to_string(), |email| email.text.into_owned())
}
