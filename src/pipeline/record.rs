//! From what a reader hands over to an [`Object`]: LDIF records, and certificates of files.

use crate::certificate::Certificate;
use crate::input::files::{self, CertificateFile};
use crate::input::map::Map;
use crate::ldif::{self, Record, Value, Wanted};
use crate::limits::CERTIFICATE_FILE_BYTES;
use crate::object::{self, Content, Field, Object, Owner, Place};
use crate::rules::address::addresses;
use crate::bundle::model::Attribute;

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

/// What an LDIF record tells.
#[must_use]
pub fn from_ldif(record: &Record, source: u32) -> Object {
    let mut object = Object::at(Place { input: source, line: record.line() });
    if !record.dn().is_empty() {
        object.dn = Some(record.dn_text().into_owned());
    }
    for attribute in record.attributes() {
        let value = match attribute.value() {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Unreadable(code) => Err(unreadable(code)),
            Value::Skipped => continue,
        };
        let range = attribute.range().map(|range| match range {
            Some(range) => (range.start, range.end),
            // A range that cannot be read: nobody knows what is missing, so it never closes.
            None => (u64::MAX, Some(u64::MAX)),
        });
        object.take(Field { name: attribute.base(), value, line: attribute.line(), range });
    }
    if record.is_truncated() {
        object.cut_off("the record is larger than can be held; what is beyond was not read");
    }
    object
}

/// Found and expected, for a value that the reader could not take over.
fn unreadable(code: ldif::Code) -> (&'static str, &'static str) {
    match code {
        ldif::Code::BadBase64 => ("its base64 is damaged", "base64 (RFC 4648); export again"),
        ldif::Code::UrlRefused => (
            "it stands in another file, which may not be read",
            "a value in the export itself, or --url-root DIR with the folder that holds the file",
        ),
        ldif::Code::UrlUnreadable => ("it stands in another file, which cannot be read", "the file below --url-root"),
        ldif::Code::RecordTooLarge => ("it was cut off at the limit for one record", "a smaller object"),
        _ => ("the reader could not take it over", "a value that can be read"),
    }
}

/// One certificate of a file, or the report that something in it cannot be taken.
#[derive(Debug)]
pub struct FromFile {
    /// The object that the certificate belongs to; `line` of its place is the number in the file.
    pub object: Object,
}

/// What a certificate file tells: one object for each certificate of a person. CA certificates of a
/// file that holds others too go along as intermediates; the number of those is returned beside.
#[must_use]
pub fn from_file(bytes: &[u8], path: &str, source: u32, map: Option<&Map>) -> (Vec<Object>, u64) {
    let file = files::open_certificate_file(bytes);
    let mut people = Vec::new();
    let mut chain = Vec::new();
    let several = file.entries.len() > 1;
    for (entry, number) in file.entries.iter().zip(1..) {
        let parsed = Certificate::parse(&entry.der);
        if several && parsed.as_ref().is_ok_and(Certificate::is_ca) {
            chain.push(entry.der.to_vec());
            continue;
        }
        let mut object = Object::at(Place { input: source, line: number });
        object.owner = parsed.as_ref().ok().map(|certificate| owner(certificate, path, map));
        let name = Attribute::UserCertificate.name();
        object.take(Field { name, value: Ok(&entry.der), line: number, range: None });
        object.common_name = parsed.ok().and_then(|c| c.subject().common_name().map(|name| name.into_owned()));
        people.push(object);
    }
    let ignored = chain.len() as u64;
    for object in &mut people {
        object.chain.clone_from(&chain);
    }
    (people, ignored)
}
