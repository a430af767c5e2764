//! What a file is, by its first bytes.
//!
//! Names lie: `.cer` is PEM or DER, `.p7b` may be a text, an "LDIF export" may be the login page of the
//! server that refused it. Messages then say what was found instead of failing at byte 0.

use memchr::memmem;

use crate::certificate::container::{Form, Found, Secret, classify_value, detect_secret, find_secret_text};
use crate::certificate::sst;
use crate::certificate::tlv::{first, tag};
use crate::ldif::detect::dn_column;

/// How many bytes are enough for [`recognise`]. LDIF exports may begin with long comments.
pub const PREFIX: usize = 64 * 1024;

/// What a file was recognised as. `Display` is the name for messages such as "this is HTML (a web
/// page); expected LDIF, PEM, DER or P7B".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Kind {
    /// Nothing, or only white space.
    #[error("empty")]
    Empty,
    /// One DER (or BER) certificate.
    #[error("a DER certificate")]
    Certificate,
    /// CMS or PKCS#7 with SignedData.
    #[error("CMS (PKCS#7, P7B)")]
    Cms,
    /// CMS of another content type (enveloped, encrypted, compressed …), which holds no certificates.
    #[error("CMS of another type than signed data")]
    OtherCms,
    /// A CRL in DER.
    #[error("a DER CRL")]
    Crl,
    /// PEM text, with at least one block that is no private key.
    #[error("PEM")]
    Pem,
    /// Base64 text of a certificate or CMS object, with or without mail headers, without PEM lines.
    #[error("base64 text without PEM lines")]
    Base64,
    /// LDIF.
    #[error("LDIF")]
    Ldif,
    /// A csvde export.
    #[error("a csvde export (CSV)")]
    Csvde,
    /// A table like it that a spreadsheet has saved.
    #[error(
        "a table with a DN column that a spreadsheet has saved (its columns are not separated by commas, and long cells may be cut); export it again with csvde"
    )]
    Spreadsheet,
    /// A serialised certificate store.
    #[error("a serialised certificate store (SST)")]
    Sst,
    /// A private key or a store that may hold one.
    #[error("{0}")]
    Secret(Secret),
    /// gzip.
    #[error("gzip (a compressed file)")]
    Gzip,
    /// zip, also Office documents.
    #[error("a zip archive or Office document")]
    Zip,
    /// Other archives and compressed files.
    #[error("a compressed file or archive")]
    Archive,
    /// HTML.
    #[error("HTML (a web page)")]
    Html,
    /// XML.
    #[error("XML")]
    Xml,
    /// JSON.
    #[error("JSON")]
    Json,
    /// A JPEG, PNG or GIF picture.
    #[error("a picture (JPEG, PNG or GIF)")]
    Picture,
    /// PDF.
    #[error("a PDF document")]
    Pdf,
    /// An OLE document: an old Office file or an Outlook message (.msg).
    #[error("an OLE file (an Outlook message or old Office document)")]
    Ole,
    /// Another ASN.1 structure.
    #[error("an ASN.1 structure of another kind")]
    OtherAsn1,
    /// Other text.
    #[error("text of an unknown kind")]
    Text,
    /// Other bytes.
    #[error("binary data of an unknown kind")]
    Binary,
}

impl Kind {
    /// Whether [`super::files::open_certificate_file`] can find certificates or CRLs in it.
    #[must_use]
    pub fn holds_certificates(self) -> bool {
        matches!(self, Self::Certificate | Self::Cms | Self::Crl | Self::Pem | Self::Base64 | Self::Sst)
    }
}

/// Tells what a file is. `bytes` is the whole file or its first [`PREFIX`] bytes, and `whole` says
/// which: a certificate that is cut off by the end of the prefix is still a certificate. LDIF is
/// recognised by its first line that is neither blank nor a comment; UTF-16 text is looked at as text.
#[must_use]
pub fn recognise(bytes: &[u8], whole: bool) -> Kind {
    let Some(&lead) = bytes.first() else { return Kind::Empty };
    if let Some(kind) = magic(bytes) {
        return kind;
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Kind::Archive; // tar, as it stands in .tar.gz
    }
    if let Some(secret) = detect_secret(bytes) {
        return Kind::Secret(secret);
    }
    // 0x30 is also the digit 0 of a text: then what follows is no length that fits.
    let fits = || first(bytes).is_ok_and(|e| e.raw.len() == bytes.len());
    if lead == tag::SEQUENCE && (bytes.get(1).is_some_and(|b| *b >= 0x80) || fits()) {
        return recognise_der(bytes, whole);
    }
    let narrow;
    let text = match super::files::utf16_to_utf8(bytes.get(..bytes.len().min(PREFIX)).unwrap_or_default()) {
        Some(decoded) => {
            narrow = decoded;
            &narrow[..]
        }
        None => bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes),
    };
    recognise_text(text)
}

fn magic(bytes: &[u8]) -> Option<Kind> {
    const MAGICS: [(&[u8], Kind); 16] = [
        (b"\x1f\x8b", Kind::Gzip),
        (b"PK\x03\x04", Kind::Zip),
        (b"PK\x05\x06", Kind::Zip),
        (b"BZh", Kind::Archive),
        (b"\xfd7zXZ\0", Kind::Archive),
        (b"7z\xbc\xaf\x27\x1c", Kind::Archive),
        (b"\x28\xb5\x2f\xfd", Kind::Archive),
        (b"MSCF", Kind::Archive),
        (b"Rar!", Kind::Archive),
        (b"\xff\xd8\xff", Kind::Picture),
        (b"\x89PNG", Kind::Picture),
        (b"GIF8", Kind::Picture),
        (b"%PDF-", Kind::Pdf),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::Ole),
        (sst::HEAD, Kind::Sst),
        (b"{\\rtf", Kind::Text),
    ];
    MAGICS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| *kind)
}

fn recognise_der(bytes: &[u8], whole: bool) -> Kind {
    match classify_value(bytes).form {
        Form::ContentInfo | Form::SignedData => Kind::Cms,
        Form::Certificate => Kind::Certificate,
        Form::Secret(secret) => Kind::Secret(secret),
        Form::Unknown(unknown) => match unknown.found {
            Found::Crl => Kind::Crl,
            Found::OtherCms(_) => Kind::OtherCms,
            Found::Tlv(_) if !whole || bytes.get(1).is_some_and(|b| *b >= 0x80) => beginning(bytes),
            _ => Kind::OtherAsn1,
        },
        Form::TagList | Form::Pem => Kind::Binary,
    }
}

/// A structure that is cut off, by its first headers.
fn beginning(bytes: &[u8]) -> Kind {
    let header = |bytes: &[u8]| -> Option<usize> {
        let octet = *bytes.get(1)?;
        Some(if octet > 0x80 { 2 + usize::from(octet & 0x7f) } else { 2 })
    };
    let inner = header(bytes).and_then(|n| bytes.get(n..)).unwrap_or_default();
    match inner.first() {
        Some(&tag::OID) => Kind::Cms,
        Some(&tag::INTEGER) => Kind::Cms,
        Some(&tag::SEQUENCE) => {
            let fields = header(inner).and_then(|n| inner.get(n..)).unwrap_or_default();
            // A CRL's version is a bare INTEGER 1 before the algorithm; a certificate's stands in [0].
            match fields {
                [tag::INTEGER, 1, 1, tag::SEQUENCE, ..] => Kind::Crl,
                _ => Kind::Certificate,
            }
        }
        _ => Kind::Binary,
    }
}

fn recognise_text(text: &[u8]) -> Kind {
    let trimmed = text.trim_ascii_start();
    if trimmed.is_empty() {
        return Kind::Empty;
    }
    if looks_like_ldif(text) {
        return Kind::Ldif;
    }
    let head: Vec<u8> = trimmed.iter().take(512).map(u8::to_ascii_lowercase).collect();
    let starts = |word: &[u8]| head.starts_with(word);
    if starts(b"<!doctype html")
        || starts(b"<html")
        || starts(b"<head")
        || memmem::find(&head, b"<html").is_some()
    {
        return Kind::Html;
    }
    // Before PEM, which may stand in a cell.
    let first_line = head.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or_default();
    match dn_column(first_line) {
        Some(b',') => return Kind::Csvde,
        Some(_) => return Kind::Spreadsheet,
        None => {}
    }
    if let Some(kind) = pem_kind(text) {
        return kind;
    }
    if starts(b"<?xml") || starts(b"<") {
        return Kind::Xml;
    }
    if super::files::has_base64_runs(text) {
        return Kind::Base64;
    }
    if starts(b"{") || starts(b"[") {
        return Kind::Json;
    }
    let control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\r' | b'\n' | 0x0c | 0x1a | 0x1b);
    if text.iter().take(4096).any(control) { Kind::Binary } else { Kind::Text }
}

/// PEM with something readable, or with nothing but private keys.
fn pem_kind(text: &[u8]) -> Option<Kind> {
    let mut keys = false;
    for at in memmem::find_iter(text, b"-----BEGIN ") {
        let rest = text.get(at + 11..).unwrap_or_default();
        let label = rest.split(|b| matches!(b, b'-' | b'\r' | b'\n')).next().unwrap_or_default();
        if memmem::find(label, b"PRIVATE KEY").is_none() {
            return Some(Kind::Pem);
        }
        keys = true;
    }
    (keys || find_secret_text(text).is_some()).then_some(Kind::Secret(Secret::Pem))
}

/// The first line that is neither blank nor a comment begins a record: `dn:` or `version:`, or a
/// trailer of ldapsearch when nothing was found.
fn looks_like_ldif(text: &[u8]) -> bool {
    let mut comment = false;
    for line in text.split(|b| matches!(b, b'\r' | b'\n')) {
        if line.trim_ascii().is_empty() || (comment && line.starts_with(b" ")) {
            continue;
        }
        if line.starts_with(b"#") {
            comment = true;
            continue;
        }
        let name = line.split(|b| *b == b':').next().unwrap_or_default();
        let known = [&b"dn"[..], b"version", b"search", b"changetype"];
        return name.len() < line.len() && known.iter().any(|k| name.trim_ascii().eq_ignore_ascii_case(k));
    }
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn everyday_files() {
        let cases: [(&[u8], Kind); 18] = [
            (b"", Kind::Empty),
            (b" \r\n", Kind::Empty),
            (b"# made by x\r\n\r\ndn: cn=a\r\n", Kind::Ldif),
            (b"\xef\xbb\xbfversion: 1\n", Kind::Ldif),
            (b"\xff\xfed\0n\0:\0 \0c\0n\0=\0a\0\n\0", Kind::Ldif),
            (b"d\0n\0:\0 \0c\0n\0=\0a\0\n\0", Kind::Ldif),
            (b"DN,objectClass,mail\r\n", Kind::Csvde),
            (b"DN,info\r\ncn=a,\"-----BEGIN CERTIFICATE-----\nMA==\"\r\n", Kind::Csvde),
            (b"dn;mail\r\n", Kind::Spreadsheet),
            (b"\n<!DOCTYPE html><html>", Kind::Html),
            (b"\x1f\x8b\x08", Kind::Gzip),
            (b"PK\x03\x04", Kind::Zip),
            (b"\xff\xd8\xff\xe0", Kind::Picture),
            (b"%PDF-1.7", Kind::Pdf),
            (sst::HEAD, Kind::Sst),
            (b"-----BEGIN PRIVATE KEY-----\nMA==", Kind::Secret(Secret::Pem)),
            (b"text\n-----BEGIN CERTIFICATE-----\nMA==", Kind::Pem),
            (b"hello", Kind::Text),
        ];
        for (bytes, kind) in cases {
            assert_eq!(recognise(bytes, true), kind, "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(recognise(&[0x30, 0x82, 5, 0, 0x30, 0x82, 4, 0, 0xa0, 3], false), Kind::Certificate);
        assert_eq!(Kind::Html.to_string(), "HTML (a web page)");
    }
}
