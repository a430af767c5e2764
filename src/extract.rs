//! Extraction: from the bytes of an attribute value to the user's own certificate.

use std::borrow::Cow;

use crate::census::keys::{Hash, hash};
use crate::certificate::Certificate;
use crate::certificate::container::own::{self, Own};
use crate::certificate::container::signer::{self, Statement};
use crate::certificate::container::{Value as Shape, classify};
use crate::certificate::tlv;
use crate::input::pem;
use crate::object::{Content, Object, Value};
use crate::rules::{Finding, Rule, value as rules};

/// The form that a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A bare certificate.
    Certificate,
    /// A CMS ContentInfo.
    Cms,
    /// A SignedData without its ContentInfo.
    NakedSignedData,
    /// A tag list.
    TagList,
    /// PEM text.
    Pem,
}

impl Form {
    /// The form in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Certificate => "a bare certificate",
            Self::Cms => "a PKCS#7 container",
            Self::NakedSignedData => "a SignedData without its ContentInfo",
            Self::TagList => "a tag list",
            Self::Pem => "PEM text",
        }
    }
}

/// A value, opened.
#[derive(Debug)]
pub enum Opened<'a> {
    /// It can be read.
    Readable {
        /// The value as it stood.
        bytes: &'a [u8],
        /// Its form.
        form: Form,
        /// The user's own certificate, if there is one.
        own: Option<Cow<'a, [u8]>>,
        /// The other certificates in it: intermediates for this recipient only.
        others: Vec<Cow<'a, [u8]>>,
        /// What was found about the container.
        findings: Vec<Finding>,
    },
    /// It cannot, or must not, be read.
    Unreadable {
        /// The rule that says so.
        rule: &'static Rule,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
}

impl Opened<'_> {
    /// What was found about the container.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Readable { findings, .. } => findings,
            Self::Unreadable { .. } => &[],
        }
    }
}

/// Opens a value. `bears` says whether a certificate bears one of the recipient's addresses.
pub fn open<'a>(value: &'a Value, bears: &dyn Fn(&Certificate<'_>) -> bool) -> Opened<'a> {
    let unreadable = |rule, found: &str, expected: &str| Opened::Unreadable {
        rule,
        found: format!("value of {}: {found}", value.attribute.name()),
        expected: expected.to_owned(),
    };
    let bytes = match &value.content {
        Content::Bytes(bytes) => bytes.as_slice(),
        Content::Secret(found) => return unreadable(&rules::PRIVATE_KEY, found, "no private key"),
        Content::Unreadable(found, expected) => {
            return unreadable(&rules::UNREADABLE_VALUE, found, expected);
        }
    };
    let readable = |form, own: Option<&'a [u8]>, others: Vec<&'a [u8]>, findings| Opened::Readable {
        bytes,
        form,
        own: own.map(Cow::Borrowed),
        others: others.into_iter().map(Cow::Borrowed).collect(),
        findings,
    };
    match classify(bytes) {
        Shape::Secret(kind) => unreadable(&rules::PRIVATE_KEY, kind, "no private key"),
        Shape::Unknown(found) => unreadable(
            &rules::UNREADABLE_VALUE,
            &found,
            "a certificate (RFC 5280), a CMS object (RFC 5652) or a tag list (MS-OXOABK)",
        ),
        Shape::Certificate => readable(Form::Certificate, Some(bytes), Vec::new(), Vec::new()),
        Shape::Pem => from_pem(bytes).unwrap_or_else(|| {
            unreadable(&rules::UNREADABLE_VALUE, "PEM text without a certificate", "a certificate in DER")
        }),
        Shape::Cms(signed) | Shape::NakedSignedData(signed) => {
            let form =
                if matches!(classify(bytes), Shape::Cms(_)) { Form::Cms } else { Form::NakedSignedData };
            let mut findings: Vec<Finding> = signed.notes.iter().map(|note| irregular(note)).collect();
            findings.extend(trailing(bytes));
            findings.extend(
                signed.signers.iter().filter_map(|signer| statement(&signer::check(&signed, signer))),
            );
            let found = own::of_signed_data(&signed, bears);
            let (own, others) = split(&signed.certificates, &found, &mut findings);
            readable(form, own, others, findings)
        }
        Shape::TagList(list) => {
            let mut findings: Vec<Finding> = list.notes.iter().map(|note| irregular(note)).collect();
            let found = own::of_tag_list(&list, bears);
            let all: Vec<&[u8]> =
                list.encryption.iter().chain(&list.signing).chain(&list.chain).copied().collect();
            let (own, others) = split(&all, &found, &mut findings);
            readable(Form::TagList, own, others, findings)
        }
    }
}

fn split<'a>(
    all: &[&'a [u8]],
    found: &Own,
    findings: &mut Vec<Finding>,
) -> (Option<&'a [u8]>, Vec<&'a [u8]>) {
    match found {
        Own::Found(at, _) => {
            let own = all.get(*at).copied();
            (own, all.iter().copied().filter(|der| Some(*der) != own).collect())
        }
        Own::Nobody(why) => {
            let required =
                "a certificate of the user, named by the signer, or alone, or with an address of the user";
            findings.push(Finding::new(&rules::NO_USER_CERTIFICATE, why.clone(), required));
            (None, all.to_vec())
        }
    }
}

fn irregular(note: &str) -> Finding {
    Finding::new(&rules::CONTAINER_IRREGULAR, format!("about the container: {note}"), "")
}

fn trailing(bytes: &[u8]) -> Option<Finding> {
    let rest = bytes.len() - tlv::first(bytes).ok()?.raw.len();
    (rest > 0).then(|| irregular(&format!("{rest} bytes stand behind its end")))
}

fn statement(statement: &Statement) -> Option<Finding> {
    match statement {
        Statement::Good => None,
        Statement::Bad(why) => Some(Finding::new(
            &rules::STATEMENT_SIGNATURE_BAD,
            format!("the signature over the value: {why}"),
            "a signature that verifies",
        )),
        Statement::Unchecked(why) => Some(Finding::new(
            &rules::STATEMENT_SIGNATURE_UNCHECKED,
            format!("the signature over the value was not checked: {why}"),
            "",
        )),
    }
}

fn from_pem(bytes: &[u8]) -> Option<Opened<'_>> {
    let blocks = pem::read(bytes);
    let mut certificates = blocks.into_iter().filter_map(|block| match block.content {
        pem::Content::Bytes(der) if pem::is_certificate(&block.label) => Some(der),
        _ => None,
    });
    let own = certificates.next()?;
    let others = certificates.map(Cow::Owned).collect();
    Some(Opened::Readable {
        bytes,
        form: Form::Pem,
        own: Some(Cow::Owned(own)),
        others,
        findings: Vec::new(),
    })
}

/// The certificates of people in an object's values: what the census compares. Containers are opened
/// without asking whose they are, so that every end-entity certificate is seen.
#[must_use]
pub fn certificates(object: &Object) -> Vec<Cow<'_, [u8]>> {
    let mut found = Vec::new();
    for value in &object.values {
        if let Opened::Readable { own, others, .. } = open(value, &|_| false) {
            found.extend(
                own.into_iter()
                    .chain(others)
                    .filter(|der| Certificate::parse(der).is_ok_and(|certificate| !certificate.is_ca())),
            );
        }
    }
    found
}

/// Hashes of key and certificate of everybody in an object's values.
#[must_use]
pub fn identities(object: &Object) -> Vec<(Hash, Hash)> {
    certificates(object)
        .iter()
        .filter_map(|der| {
            let certificate = Certificate::parse(der).ok()?;
            Some((hash(certificate.spki()), hash(certificate.der())))
        })
        .collect()
}
