//! Extraction: from the bytes of an attribute value to the user's own certificate.

use std::borrow::Cow;
use std::ops::Range;

use crate::census::keys::{Hash, hash};
use crate::certificate::container::slices::slice;
use crate::certificate::container::{
    Container, Form, NotChecked, Own, SignerCheck, SignerInfo, check_signer, classify_value,
    open as open_container, own_certificate,
};
use crate::object::{Content, Object, Value};
use crate::rules::{Finding, Rule, value as rules};

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
        /// Who signed it, if anybody did.
        statement: Option<Statement<'a>>,
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

/// What the signers of a value say. Nothing is published on the word of it, and it costs a signature check, so it is
/// looked at where the value may be published.
#[derive(Debug)]
pub struct Statement<'a> {
    signers: Vec<SignerInfo<'a>>,
    content: Option<Cow<'a, [u8]>>,
    /// Where the user's own certificate stands among all of the value.
    own_at: usize,
    /// Where what is found stands among the findings about the container.
    place: usize,
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

    /// Checks the signatures over the statement and puts what is found in its place among `findings`, which begin with
    /// [`Self::findings`]. Gives the place.
    pub fn check_statement(&self, findings: &mut Vec<Finding>) -> Range<usize> {
        let Self::Readable { own, others, statement: Some(statement), .. } = self else { return 0..0 };
        // In the order of the value.
        let (before, behind) = others.split_at(statement.own_at.min(others.len()));
        let all = || before.iter().chain(own).chain(behind).map(|der| &**der);
        let found = statement.check(all);
        let place = statement.place.min(findings.len());
        let range = place..place + found.len();
        findings.splice(place..place, found);
        range
    }
}

/// Opens a value. `bears` says whether a certificate (DER) bears one of the recipient's addresses.
pub fn open<'a>(value: &'a Value, bears: &dyn Fn(&[u8]) -> bool) -> Opened<'a> {
    let unreadable = |rule, found: String, expected: &str| Opened::Unreadable {
        rule,
        found: format!("value of {}: {found}", value.attribute.name()),
        expected: expected.to_owned(),
    };
    let bytes = match &value.content {
        Content::Bytes(bytes) => bytes.as_slice(),
        Content::Secret(kind) => return unreadable(&rules::PRIVATE_KEY, kind.to_string(), "no private key"),
        Content::Unreadable(found, expected) => {
            return unreadable(&rules::UNREADABLE_VALUE, found.clone(), expected);
        }
    };
    let classified = classify_value(bytes);
    match classified.form {
        Form::Secret(kind) => unreadable(&rules::PRIVATE_KEY, kind.to_string(), "no private key"),
        Form::Unknown(unknown) => unreadable(
            &rules::UNREADABLE_VALUE,
            format!("{} at byte {}", unknown.found, unknown.at),
            "a certificate (RFC 5280), a CMS object (RFC 5652) or a tag list (MS-OXOABK)",
        ),
        // The bytes themselves: what stands behind a certificate is a defect of the certificate.
        form @ Form::Certificate => Opened::Readable {
            bytes,
            form,
            own: Some(Cow::Borrowed(bytes)),
            others: Vec::new(),
            findings: Vec::new(),
            statement: None,
        },
        form @ (Form::ContentInfo | Form::SignedData | Form::TagList | Form::Pem) => {
            let container = open_container(classified);
            if let (Form::Pem, true) = (form, container.certificates.is_empty()) {
                let found = "PEM text without a certificate".to_owned();
                return unreadable(&rules::UNREADABLE_VALUE, found, "a certificate in DER");
            }
            contained(bytes, form, container, bears)
        }
    }
}

/// The user's own certificate of a container, and the others.
fn contained<'a>(
    bytes: &'a [u8],
    form: Form,
    mut container: Container<'a>,
    bears: &dyn Fn(&[u8]) -> bool,
) -> Opened<'a> {
    let mut findings: Vec<Finding> = container
        .notes
        .iter()
        .map(|note| {
            let (rule, required) = if note.is_damage() {
                (&rules::CONTAINER_DAMAGED, "a container that can be read to its end")
            } else {
                (&rules::CONTAINER_IRREGULAR, "")
            };
            Finding::new(rule, format!("about the container: {note}"), required)
        })
        .collect();
    let place = findings.len();
    let chosen = own_certificate(&container, bears);
    if let Own::Found { preference_missing: true, .. } | Own::None { preference_missing: true, .. } = chosen {
        let found = "the signer prefers a certificate for encryption that the value does not hold";
        findings.push(Finding::new(&rules::CONTAINER_IRREGULAR, found, ""));
    }
    if let Own::None { why, .. } = chosen {
        let required =
            "a certificate of the user: named by the signer, or alone, or with an address of the user";
        findings.push(Finding::new(&rules::NO_USER_CERTIFICATE, why.to_string(), required));
    }
    let own = chosen.index();
    let (mut mine, mut others) = (None, Vec::new());
    for (at, held) in std::mem::take(&mut container.certificates).into_iter().enumerate() {
        if Some(at) == own {
            mine = Some(held.der);
        } else {
            others.push(held.der);
        }
    }
    let own_at = own.unwrap_or_default();
    let Container { signers, content, .. } = container;
    let statement = (!signers.is_empty()).then_some(Statement { signers, content, own_at, place });
    Opened::Readable { bytes, form, own: mine, others, findings, statement }
}

impl Statement<'_> {
    /// What can be said about the signatures, by the certificates of the value.
    fn check<'c, C: Iterator<Item = &'c [u8]>>(&self, certificates: impl Fn() -> C) -> Vec<Finding> {
        let mut findings = Vec::new();
        for signer in &self.signers {
            let named =
                certificates().find(|der| slice(der).is_ok_and(|slices| signer.signer.names(&slices)));
            let check = match named {
                Some(der) => check_signer(signer, self.content.as_deref(), der),
                None => SignerCheck::NotChecked(NotChecked::Certificate),
            };
            let bad = |why: &str| {
                Finding::new(
                    &rules::STATEMENT_SIGNATURE_BAD,
                    format!("the signature over the value {why}"),
                    "a signature that verifies",
                )
            };
            match check {
                SignerCheck::Good => {}
                SignerCheck::BadSignature => findings.push(bad("does not verify with the signer's key")),
                SignerCheck::BadDigest => {
                    findings.push(bad("states another digest than that of its content"));
                }
                SignerCheck::NotChecked(why) => findings.push(Finding::new(
                    &rules::STATEMENT_SIGNATURE_UNCHECKED,
                    format!("the signature over the value was not checked: {why}"),
                    "",
                )),
            }
        }
        findings
    }
}

/// The certificates of people in an object's values, each once as a rule: what the census compares. Containers are
/// opened without asking whose they are, so that every end-entity certificate is seen.
#[must_use]
pub fn certificates(object: &Object) -> Vec<Cow<'_, [u8]>> {
    let mut found = Vec::new();
    for value in &object.values {
        let Content::Bytes(bytes) = &value.content else { continue };
        let classified = classify_value(bytes);
        match classified.form {
            Form::Certificate => push_new(&mut found, Cow::Borrowed(bytes.as_slice())),
            Form::ContentInfo | Form::SignedData | Form::TagList | Form::Pem => {
                let held = open_container(classified).certificates.into_iter();
                held.for_each(|held| push_new(&mut found, held.der));
            }
            Form::Secret(_) | Form::Unknown(_) => {}
        }
    }
    found.retain(|der| slice(der).is_ok_and(|slices| !slices.is_ca()));
    found
}

/// Adds a certificate, unless it is among the last ones: both attributes mostly hold the same.
fn push_new<'a>(found: &mut Vec<Cow<'a, [u8]>>, der: Cow<'a, [u8]>) {
    if !found.iter().rev().take(NEAR).any(|known| *known == der) {
        found.push(der);
    }
}

/// How far back an equal certificate is looked for: an object may hold thousands.
pub(crate) const NEAR: usize = 16;

/// What stands for key and certificate of everybody in an object's values.
#[must_use]
pub fn identities(object: &Object) -> Vec<(Hash, Hash)> {
    certificates(object)
        .iter()
        .filter_map(|der| {
            let slices = slice(der).ok()?;
            let exact = crate::certificate::tlv::first(der).ok()?.raw;
            Some((hash(slices.spki), hash(exact)))
        })
        .collect()
}
