//! A certificate file, opened: whatever form it has, the certificates and CRLs in it, in order.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::pem;
use crate::certificate::container::{Value, classify, secret};
use crate::certificate::tlv::{self, tag};
use crate::ldif::detect::Foreign;
use crate::ldif::{Detected, detect};

/// What was found in a file.
#[derive(Debug, Default)]
pub struct CertificateFile<'a> {
    /// Certificates in order.
    pub certificates: Vec<Entry<'a>>,
    /// CRLs in order.
    pub crls: Vec<Entry<'a>>,
    /// Private keys: line and kind. Nothing of them was kept.
    pub secrets: Vec<(u64, String)>,
    /// What could not be read: line and what was found.
    pub unreadable: Vec<(u64, String)>,
    /// What is odd and lost nothing.
    pub notes: Vec<(u64, String)>,
    /// What the file is, for the manifest; `None` when it is nothing that holds certificates.
    pub kind: Option<&'static str>,
    /// What it is instead, for messages.
    pub instead: String,
}

/// One certificate or CRL.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Its bytes, DER or BER.
    pub der: Cow<'a, [u8]>,
    /// Line it begins on in a text, else 1.
    pub line: u64,
}

impl<'a> CertificateFile<'a> {
    /// Opens a file's bytes.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Self {
        let mut file = Self::default();
        if bytes.first() == Some(&tag::SEQUENCE) && file.take_der(bytes) {
            return file;
        }
        if let Some(kind) = secret(bytes).filter(|_| bytes.first() == Some(&tag::SEQUENCE)) {
            file.kind = Some("private key");
            file.secrets.push((1, kind.to_owned()));
            return file;
        }
        let text = text_of(bytes);
        let blocks = pem::read(&text);
        if !blocks.is_empty() {
            file.kind = Some("pem");
            for block in blocks {
                file.take_block(block);
            }
            return file;
        }
        if let Some(decoded) = plain_base64(&text)
            && file.take_owned(&decoded)
        {
            return file;
        }
        file.instead = match detect(bytes) {
            Detected::Ldif(_) => "LDIF".to_owned(),
            Detected::Other(Foreign::Der) => {
                file.kind = Some("certificate");
                let why = match classify(bytes) {
                    Value::Unknown(why) => why,
                    _ => "it is damaged".to_owned(),
                };
                file.unreadable.push((1, why));
                String::new()
            }
            Detected::Other(foreign) => foreign.name().to_owned(),
        };
        file
    }

    /// DER or BER: one certificate, CRL or CMS object. Says whether it was one.
    fn take_der(&mut self, bytes: &'a [u8]) -> bool {
        if secret(bytes).is_some() {
            return false;
        }
        match classify(bytes) {
            Value::Certificate => {
                let Ok(whole) = tlv::first(bytes) else { return false };
                if is_crl(whole.contents) {
                    self.kind = Some("crl");
                    self.crls.push(Entry { der: Cow::Borrowed(whole.raw), line: 1 });
                } else {
                    self.kind = Some("certificate");
                    // Bytes behind it stay with it: they are a finding of the certificate.
                    self.certificates.push(Entry { der: Cow::Borrowed(bytes), line: 1 });
                }
                true
            }
            Value::Cms(signed) | Value::NakedSignedData(signed) => {
                self.kind = Some("cms");
                let entries =
                    signed.certificates.iter().map(|der| Entry { der: Cow::Borrowed(der), line: 1 });
                self.certificates.extend(entries);
                self.notes.extend(signed.notes.into_iter().map(|note| (1, note)));
                true
            }
            _ => false,
        }
    }

    /// The same for bytes that came out of a text.
    fn take_owned(&mut self, bytes: &[u8]) -> bool {
        let inner = CertificateFile::read_der(bytes);
        let Some(kind) = inner.kind else { return false };
        self.kind = Some(kind);
        let own = |entry: Entry<'_>| Entry { der: Cow::Owned(entry.der.into_owned()), line: entry.line };
        self.certificates.extend(inner.certificates.into_iter().map(own));
        self.crls.extend(inner.crls.into_iter().map(own));
        self.secrets.extend(inner.secrets);
        self.notes.extend(inner.notes);
        true
    }

    fn read_der(bytes: &[u8]) -> CertificateFile<'_> {
        let mut file = CertificateFile::default();
        if !file.take_der(bytes)
            && let Some(kind) = secret(bytes)
        {
            file.kind = Some("private key");
            file.secrets.push((1, kind.to_owned()));
        }
        file
    }

    fn take_block(&mut self, block: pem::Block) {
        let line = block.line;
        let bytes = match block.content {
            pem::Content::Secret => {
                self.secrets.push((line, format!("a private key in PEM ({})", block.label)));
                return;
            }
            pem::Content::Damaged(why) => {
                self.unreadable.push((line, format!("the PEM block {:?}: {why}", block.label)));
                return;
            }
            pem::Content::Bytes(bytes) => bytes,
        };
        if let Some(kind) = secret(&bytes) {
            self.secrets.push((line, kind.to_owned()));
        } else if pem::is_certificate(&block.label) {
            self.certificates.push(Entry { der: Cow::Owned(bytes), line });
        } else if pem::is_crl(&block.label) {
            self.crls.push(Entry { der: Cow::Owned(bytes), line });
        } else if pem::is_cms(&block.label) {
            let before = (self.certificates.len(), self.crls.len());
            if !self.take_owned(&bytes) {
                self.unreadable.push((line, format!("the PEM block {:?} holds no CMS object", block.label)));
            }
            for entry in
                self.certificates.iter_mut().skip(before.0).chain(self.crls.iter_mut().skip(before.1))
            {
                entry.line = line;
            }
            self.kind = Some("pem");
        } else {
            self.notes.push((line, format!("a PEM block {:?} was passed by", block.label)));
        }
    }
}

/// Text in UTF-8 from what PowerShell's `>` makes of it (UTF-16 with a mark), else the bytes.
fn text_of(bytes: &[u8]) -> Cow<'_, [u8]> {
    match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, skip)) if encoding != encoding_rs::UTF_8 => {
            let (text, _) = encoding.decode_without_bom_handling(bytes.get(skip..).unwrap_or_default());
            Cow::Owned(text.into_owned().into_bytes())
        }
        _ => Cow::Borrowed(bytes),
    }
}

/// Base64 without armour, as certutil and some CA portals give it; also the body of a signed mail.
fn plain_base64(text: &[u8]) -> Option<Vec<u8>> {
    let body = match mail_body(text) {
        Some(body) => body,
        None => text,
    };
    let packed: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if packed.len() < 64 {
        return None;
    }
    STANDARD.decode(packed).ok()
}

/// The base64 body of a mail whose content is a CMS object (application/pkcs7-mime, RFC 8551 section
/// 3.2), or of the signature part of a multipart/signed one.
fn mail_body(text: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::rfind(text, b"application/pkcs7-")
        .or_else(|| memchr::memmem::rfind(text, b"application/x-pkcs7-"))?;
    let rest = text.get(at..)?;
    let (blank, skip) = match (memchr::memmem::find(rest, b"\r\n\r\n"), memchr::memmem::find(rest, b"\n\n")) {
        (Some(crlf), Some(lf)) if crlf < lf => (crlf, 4),
        (Some(crlf), None) => (crlf, 4),
        (_, Some(lf)) => (lf, 2),
        (None, None) => return None,
    };
    let body = rest.get(blank + skip..)?;
    let end = memchr::memmem::find(body, b"\n--").unwrap_or(body.len());
    body.get(..end)
}

/// Whether the contents of a SEQUENCE are a CRL's and not a certificate's: in TBSCertList the third
/// element at the latest is a time, where a certificate has names (RFC 5280 section 5.1).
#[must_use]
pub fn is_crl(contents: &[u8]) -> bool {
    let Ok(tbs) = tlv::first(contents) else { return false };
    let mut walker = tlv::Walker::new(tbs.contents);
    let _ = walker.optional(tag::INTEGER);
    let mut sequence = || walker.optional(tag::SEQUENCE).is_ok_and(|found| found.is_some());
    // signature, issuer, then thisUpdate.
    sequence() && sequence() && matches!(walker.peek(), Some(tag::UTC_TIME | tag::GENERALIZED_TIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_instead_is_named() {
        for (bytes, word) in [
            (&b"<html><body>"[..], "HTML"),
            (b"\x1f\x8b\x08\0\0\0", "gzip"),
            (b"\xff\xd8\xff\xe0", "image"),
            (b"", "empty"),
        ] {
            let file = CertificateFile::read(bytes);
            assert!(file.kind.is_none());
            assert!(file.instead.to_lowercase().contains(&word.to_lowercase()), "{word}: {}", file.instead);
        }
    }

    #[test]
    fn keys_beside_certificates_are_named_and_left() {
        let text = b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n\
            -----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let file = CertificateFile::read(text);
        assert_eq!((file.secrets.len(), file.certificates.len()), (1, 1));
    }
}
