//! Which form an attribute value has.

use memchr::memmem;

use super::secret::{Secret, detect_secret, find_secret_text};
use super::tags;
use crate::certificate::tlv::{Element, TlvError, Walker, first, tag};

/// 1.2.840.113549.1.7: the content types of PKCS#7 and CMS; `.2` is SignedData.
const CMS_ARC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];

/// An attribute value and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// The value as it was.
    pub bytes: &'a [u8],
    /// What it is.
    pub form: Form,
}

/// The forms that occur. `Display` is the name for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Form {
    /// CMS ContentInfo with SignedData (RFC 5652 section 3).
    #[error("CMS (PKCS#7) SignedData")]
    ContentInfo,
    /// SignedData without the ContentInfo around it.
    #[error("SignedData without ContentInfo")]
    SignedData,
    /// A bare X.509 certificate.
    #[error("an X.509 certificate")]
    Certificate,
    /// The tag list of MS-OXOABK section 2.2.4.36.
    #[error("an Outlook tag list (MS-OXOABK)")]
    TagList,
    /// PEM text with a certificate or CMS object, in an attribute that takes DER. [`super::open`]
    /// decodes it, so that it can be judged; the value itself is not what a directory should hold.
    #[error("PEM text")]
    Pem,
    /// A private key, or a store that may hold one. It must not be opened, copied or shown.
    #[error("{0}")]
    Secret(Secret),
    /// None of these.
    #[error("{0}")]
    Unknown(Unknown),
}

/// What was found where a certificate value was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} at byte {at}; expected a certificate, CMS SignedData or an Outlook tag list")]
pub struct Unknown {
    /// Offset of the byte that does not fit.
    pub at: usize,
    /// What stands there.
    pub found: Found,
}

/// What stands at the place that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Found {
    /// The value is empty.
    #[error("nothing (the value is empty)")]
    Empty,
    /// The structure cannot be read.
    #[error("a structure that cannot be read ({0})")]
    Tlv(TlvError),
    /// A CMS content type other than SignedData; the number is the last arc of 1.2.840.113549.1.7.
    #[error("CMS content of another type ({})", cms_name(*.0))]
    OtherCms(u8),
    /// A CRL.
    #[error("a CRL")]
    Crl,
    /// An element with this identifier octet, where a certificate or SignedData has another.
    #[error("an element with tag {0:#04x}")]
    Tag(u8),
    /// Base64 text of something: it was encoded once too often.
    #[error("base64 text (the value was encoded twice)")]
    Base64,
    /// Other text.
    #[error("text")]
    Text,
    /// Other bytes.
    #[error("the byte {0:#04x}")]
    Byte(u8),
}

fn cms_name(arc: u8) -> &'static str {
    match arc {
        1 => "data",
        3 => "enveloped data",
        4 => "signed and enveloped data",
        5 => "digested data",
        6 => "encrypted data",
        _ => "unknown",
    }
}

/// Tells what a value of userCertificate or userSMIMECertificate is, from its structure alone. A
/// private key anywhere but inside a CMS object or certificate wins over every other form: at the
/// start, in text, or behind the end of an otherwise good structure.
#[must_use]
pub fn classify_value(bytes: &[u8]) -> Value<'_> {
    Value { bytes, form: form(bytes) }
}

fn form(bytes: &[u8]) -> Form {
    let unknown = |at, found| Form::Unknown(Unknown { at, found });
    let Some(&lead) = bytes.first() else { return unknown(0, Found::Empty) };
    if let Some(secret) = detect_secret(bytes) {
        return Form::Secret(secret);
    }
    if lead != tag::SEQUENCE {
        return form_other(bytes, lead);
    }
    let outer = match first(bytes) {
        Ok(outer) => outer,
        Err(problem) => {
            return match find_secret_text(bytes) {
                Some(_) => Form::Secret(Secret::Pem),
                None => unknown(0, Found::Tlv(problem)),
            };
        }
    };
    let rest = bytes.get(outer.raw.len()..).unwrap_or_default();
    if let Some(secret) = detect_secret(rest).or_else(|| find_secret_text(rest).map(|_| Secret::Pem)) {
        return Form::Secret(secret);
    }
    form_of_sequence(&outer).unwrap_or_else(|(inner, found)| {
        if find_secret_text(bytes).is_some() {
            return Form::Secret(Secret::Pem);
        }
        let header = outer.contents.as_ptr() as usize - outer.raw.as_ptr() as usize;
        unknown(header + inner, found)
    })
}

/// The three forms that begin with a SEQUENCE; the error names offset in the contents and finding.
fn form_of_sequence(outer: &Element<'_>) -> Result<Form, (usize, Found)> {
    let mut fields = Walker::new(outer.contents);
    let one = fields.next().map_err(|e| (0, Found::Tlv(e)))?;
    let at = fields.offset();
    match one.tag {
        tag::OID => match one.contents.strip_prefix(CMS_ARC) {
            Some([2]) if fields.peek() == Some(tag::CONTEXT_0) => Ok(Form::ContentInfo),
            Some([2]) => Err((at, fields.peek().map_or(Found::Empty, Found::Tag))),
            Some([arc]) => Err((0, Found::OtherCms(*arc))),
            _ => Err((0, Found::Tag(tag::OID))),
        },
        tag::INTEGER => match fields.peek() {
            Some(tag::SET) => Ok(Form::SignedData),
            other => Err((at, other.map_or(Found::Empty, Found::Tag))),
        },
        tag::SEQUENCE => match fields.peek() {
            Some(tag::SEQUENCE) if looks_like_crl(one.contents) => Err((0, Found::Crl)),
            Some(tag::SEQUENCE) => Ok(Form::Certificate),
            other => Err((at, other.map_or(Found::Empty, Found::Tag))),
        },
        other => Err((0, Found::Tag(other))),
    }
}

/// TBSCertList (RFC 5280 section 5.1) against TBSCertificate: behind algorithm and issuer a CRL has a
/// time, a certificate a SEQUENCE of two.
pub(crate) fn looks_like_crl(tbs: &[u8]) -> bool {
    let mut fields = Walker::new(tbs);
    let read = |fields: &mut Walker<'_>| -> Result<bool, TlvError> {
        fields.optional(tag::INTEGER)?;
        fields.expect(tag::SEQUENCE)?;
        fields.expect(tag::SEQUENCE)?;
        Ok(matches!(fields.peek(), Some(tag::UTC_TIME | tag::GENERALIZED_TIME)))
    };
    read(&mut fields).unwrap_or(false)
}

fn form_other(bytes: &[u8], lead: u8) -> Form {
    if find_secret_text(bytes).is_some() {
        return Form::Secret(Secret::Pem);
    }
    if memmem::find(bytes, b"-----BEGIN ").is_some() {
        return Form::Pem;
    }
    if tags::is_tag_list(bytes) {
        return match tags::find_secret(bytes) {
            Some(secret) => Form::Secret(secret),
            None => Form::TagList,
        };
    }
    let found = if let Some(decoded) = base64_beginning(bytes) {
        if let Some(secret) =
            detect_secret(&decoded).or_else(|| find_secret_text(&decoded).map(|_| Secret::Pem))
        {
            return Form::Secret(secret);
        }
        Found::Base64
    } else if bytes.iter().all(|b| (0x20..0x7f).contains(b) || matches!(b, b'\t' | b'\r' | b'\n')) {
        Found::Text
    } else {
        Found::Byte(lead)
    };
    Form::Unknown(Unknown { at: 0, found })
}

/// Decodes text that is base64 throughout and long enough to mean it.
fn base64_beginning(bytes: &[u8]) -> Option<Vec<u8>> {
    let clean: Vec<u8> = bytes.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    let body = clean.split(|b| *b == b'=').next().unwrap_or_default();
    if body.len() < 40 || !clean.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
    {
        return None;
    }
    let whole = body.get(..body.len() / 4 * 4)?;
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD_NO_PAD.decode(whole).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::slices::tests::{USER, certificate, nest, tlv};
    use super::*;

    #[test]
    fn what_is_not_a_certificate_is_named_with_its_byte() {
        let at = |bytes: &[u8]| match classify_value(bytes).form {
            Form::Unknown(unknown) => (unknown.at, unknown.found),
            other => panic!("{other:?}"),
        };
        assert_eq!(at(b""), (0, Found::Empty));
        assert_eq!(at(b"just words"), (0, Found::Text));
        assert_eq!(at(&[0xff, 0xd8, 0xff]), (0, Found::Byte(0xff)));
        assert!(matches!(at(&certificate(USER)[..100]), (0, Found::Tlv(TlvError::Truncated { .. }))));
        let enveloped = nest(0x30, &[tlv(6, &[CMS_ARC, &[3]].concat()), tlv(0xa0, &[])]);
        assert_eq!(at(&enveloped), (2, Found::OtherCms(3)));
        assert_eq!(at(&nest(0x30, &[tlv(0x0c, b"x")])), (2, Found::Tag(0x0c)));
    }

    #[test]
    fn a_key_behind_or_around_a_certificate_is_a_key() {
        let key = nest(0x30, &[tlv(2, &[1]), tlv(4, &[9; 32])]);
        let value = [certificate(USER), key.clone()].concat();
        assert_eq!(classify_value(&value).form, Form::Secret(Secret::Sec1));
        let pem = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        assert_eq!(classify_value(pem).form, Form::Pem);
        let both = [&pem[..], b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"].concat();
        assert_eq!(classify_value(&both).form, Form::Secret(Secret::Pem));
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(&key);
        assert_eq!(classify_value(text.as_bytes()).form, Form::Secret(Secret::Sec1));
    }
}
