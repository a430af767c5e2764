//! Taking everything out of a classified value.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use memchr::memmem;

use super::ber;
use super::classify::{Form, Value, classify_value};
use super::note::Note;
use super::signed_data::{self, SignerInfo};
use super::tags;
use crate::certificate::tlv::{Element, tag};
use crate::input::pem;

/// Certificates that a directory value may hold. A value has at most 32 768 bytes (rangeUpper of both
/// attributes in Active Directory) and a certificate hardly less than 250, so that a real value stays
/// far below; the bound keeps hostile values from filling memory.
pub const MAX_CERTIFICATES_IN_VALUE: usize = 256;

/// Certificates that one CMS object in a file may hold. The largest public collections (every CA known
/// to the browsers' root programmes) have about ten thousand.
pub const MAX_CERTIFICATES_IN_FILE: usize = 65_536;

/// Two zero octets end every indefinite length (X.690 section 8.1.5).
static END_OF_CONTENTS: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(&[0, 0]));

/// What the container says about a certificate's place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The value is this certificate.
    Bare,
    /// In the `certificates` of a SignedData.
    SignedData,
    /// Tag 0x0003: the one to encrypt to.
    KeyExchange,
    /// Tag 0x0008: the one that signs.
    Signing,
    /// Tag 0x0004: of the chain.
    Chain,
}

/// A certificate in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held<'a> {
    /// The certificate, usually a slice of the value; owned when it had to be decoded or re-encoded.
    /// It is one whole SEQUENCE; whether it is a readable certificate is for the parser to say.
    pub der: Cow<'a, [u8]>,
    /// Offset in the value (of PEM text: in the block's decoded bytes).
    pub at: usize,
    /// Its place in the container.
    pub place: Place,
}

/// An opened value.
#[derive(Clone, Debug)]
pub struct Container<'a> {
    /// The form it had.
    pub form: Form,
    /// The certificates, in order, each once.
    pub certificates: Vec<Held<'a>>,
    /// The signers of a SignedData, in order.
    pub signers: Vec<SignerInfo<'a>>,
    /// The signed content, when the SignedData holds it (directory values should not).
    pub content: Option<Cow<'a, [u8]>>,
    /// Contents octets of the signed content's type, when there is a SignedData.
    pub content_type: Option<&'a [u8]>,
    /// CRLs of a SignedData, as they stood.
    pub crls: Vec<&'a [u8]>,
    /// What was odd.
    pub notes: Vec<Note>,
}

impl<'a> Container<'a> {
    pub(super) fn empty(form: Form) -> Self {
        Self {
            form,
            certificates: Vec::new(),
            signers: Vec::new(),
            content: None,
            content_type: None,
            crls: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Whether some part could not be read, so that the value itself must not be passed on.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.notes.iter().any(Note::is_damage)
    }

    /// Adds a certificate, re-encoded where it is BER. False: the limit is reached.
    pub(super) fn hold(&mut self, element: Element<'a>, at: usize, place: Place, limit: usize) -> bool {
        if self.certificates.len() >= limit {
            self.notes.push(Note::TooManyCertificates { limit, at });
            return false;
        }
        // Without any end-of-contents octets there is no indefinite length to look for.
        let suspicious = element.long_length || END_OF_CONTENTS.find(element.raw).is_some();
        let der = if suspicious {
            match ber::to_der(element.raw) {
                Ok(Cow::Owned(der)) => {
                    self.notes.push(Note::Normalised { at });
                    Cow::Owned(der)
                }
                Ok(borrowed) => borrowed,
                // A certificate whose inside does not walk is kept for the parser to describe.
                Err(problem) => {
                    if element.indefinite {
                        self.notes.push(Note::NotNormalised { at, problem });
                    }
                    Cow::Borrowed(element.raw)
                }
            }
        } else {
            Cow::Borrowed(element.raw)
        };
        self.certificates.push(Held { der, at, place });
        true
    }

    /// Drops certificates that occur again. A tag list may name one certificate for both purposes;
    /// there the first place that says "encrypt to this" is kept.
    fn drop_duplicates(&mut self) {
        const FEW: usize = 16;
        let mut kept: Vec<Held<'a>> = Vec::with_capacity(self.certificates.len());
        let mut seen: HashMap<Cow<'a, [u8]>, usize> = HashMap::new();
        let many = self.certificates.len() > FEW;
        for held in std::mem::take(&mut self.certificates) {
            let before = if many {
                let next = kept.len();
                let first = *seen.entry(held.der.clone()).or_insert(next);
                (first != next).then_some(first)
            } else {
                kept.iter().position(|k| k.der == held.der)
            };
            match before {
                None => kept.push(held),
                Some(of) => {
                    let both = [Place::KeyExchange, Place::Signing];
                    let same = |k: &Held<'_>| both.contains(&k.place) && both.contains(&held.place);
                    if kept.get(of).is_some_and(|k| !same(k)) {
                        self.notes.push(Note::Duplicate { at: held.at, of });
                    }
                    if let Some(k) = kept.get_mut(of).filter(|_| held.place == Place::KeyExchange) {
                        k.place = Place::KeyExchange;
                    }
                }
            }
        }
        self.certificates = kept;
    }
}

/// Opens a classified attribute value. A private key or an unknown value gives an empty container.
#[must_use]
pub fn open(value: Value<'_>) -> Container<'_> {
    open_with_limit(value, MAX_CERTIFICATES_IN_VALUE)
}

/// Like [`open`] with another bound on the number of certificates, for files.
#[must_use]
pub fn open_with_limit(value: Value<'_>, limit: usize) -> Container<'_> {
    let mut out = Container::empty(value.form);
    match value.form {
        Form::Certificate => {
            if let Some(element) = whole(value.bytes, &mut out) {
                out.hold(element, 0, Place::Bare, limit);
            }
        }
        Form::ContentInfo => {
            if let Some(element) = whole(value.bytes, &mut out) {
                signed_data::open_content_info(&element, limit, &mut out);
            }
        }
        Form::SignedData => {
            if let Some(element) = whole(value.bytes, &mut out) {
                let header = element.raw.len() - content_and_end(&element);
                signed_data::open(&element, header, limit, &mut out);
            }
        }
        Form::TagList => tags::open(value.bytes, limit, &mut out),
        Form::Pem => open_pem(value.bytes, limit, &mut out),
        Form::Secret(_) | Form::Unknown(_) => return out,
    }
    if out.certificates.len() > 1 {
        out.drop_duplicates();
    }
    if out.certificates.is_empty() {
        out.notes.push(Note::NoCertificates);
    }
    out
}

/// The element at the start, with notes on its encoding and on what stands behind it.
fn whole<'a>(bytes: &'a [u8], out: &mut Container<'a>) -> Option<Element<'a>> {
    let element = crate::certificate::tlv::first(bytes).ok()?;
    if element.indefinite || element.long_length {
        out.notes.push(Note::Ber);
    }
    let count = bytes.len() - element.raw.len();
    if count > 0 {
        out.notes.push(Note::TrailingBytes { at: element.raw.len(), count });
    }
    Some(element)
}

/// Length of contents and end-of-contents octets; the header is the rest of `raw`.
pub(super) fn content_and_end(element: &Element<'_>) -> usize {
    element.contents.len() + if element.indefinite { 2 } else { 0 }
}

/// PEM text as a value: its certificates and CMS objects are decoded into owned bytes.
fn open_pem<'a>(bytes: &'a [u8], limit: usize, out: &mut Container<'a>) {
    out.notes.push(Note::Text { what: "PEM" });
    for block in pem::blocks(bytes) {
        let pem::Content::Der(der) = block.content else { continue };
        let value = classify_value(&der);
        match value.form {
            Form::Certificate => {
                if out.certificates.len() >= limit {
                    out.notes.push(Note::TooManyCertificates { limit, at: block.at });
                    return;
                }
                let raw = ber::to_der(&der).map_or_else(|_| der.clone(), Cow::into_owned);
                out.certificates.push(Held { der: Cow::Owned(raw), at: 0, place: Place::Bare });
            }
            Form::ContentInfo | Form::SignedData => {
                let left = limit.saturating_sub(out.certificates.len());
                let inner = open_with_limit(value, left);
                out.certificates.extend(inner.certificates.into_iter().map(|held| Held {
                    der: Cow::Owned(held.der.into_owned()),
                    at: held.at,
                    place: held.place,
                }));
                out.notes.extend(inner.notes);
            }
            Form::TagList | Form::Pem | Form::Secret(_) | Form::Unknown(_) => {}
        }
    }
}

/// Names of the members of CertificateChoices other than a certificate (RFC 5652 section 10.2.2).
pub(super) fn choice_name(found: u8) -> &'static str {
    match found {
        tag::CONTEXT_0 => "an extended certificate of PKCS#6",
        tag::CONTEXT_1 => "an attribute certificate, version 1",
        tag::CONTEXT_2 => "an attribute certificate",
        tag::CONTEXT_3 => "a certificate of another format",
        _ => "an unknown element",
    }
}
