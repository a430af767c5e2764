//! Certificates, parsed once into a borrowed view, and what carries them.
//!
//! [`Certificate::parse`] finds the parts of a certificate in its original bytes and copies none of
//! them. It accepts what BER allows and what issuers get wrong (a negative serial, an empty subject,
//! a BOOLEAN of 01), because an odd certificate must be named and not lost; what is odd is told by
//! [`Certificate::defects`]. Extensions are decoded on request, so one broken extension loses nothing
//! else. The view is built on [`tlv`] instead of a general X.509 library: raw slices, byte offsets
//! and DER strictness are needed for every part, and parsing must stay a small part of the cost of
//! one signature check.
//!
//! ```
//! # fn f(der: &[u8]) -> Result<(), certferry::certificate::Unreadable> {
//! let certificate = certferry::certificate::Certificate::parse(der)?;
//! println!("{} until {}", certificate.subject(), certificate.not_after());
//! for address in certificate.email_addresses() {
//!     println!("{} ({:?})", address.text, address.source);
//! }
//! # Ok(()) }
//! ```

pub mod address;
pub mod container;
pub mod defects;
mod der;
pub mod extensions;
pub mod general_name;
pub mod key;
pub(crate) mod lint;
pub mod name;
pub mod oid;
pub mod sst;
pub mod time;
pub mod tlv;

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::digest;

pub use defects::{Defect, DefectCode};
pub use extensions::{Decoded, Extension};
pub use general_name::GeneralName;
pub use key::{KeyInfo, SignatureAlgorithm};
pub use name::Name;
pub use oid::Oid;
pub use time::UnixTime;

use extensions::Malformed;
use time::TimeForm;
use tlv::{Element, TlvError, Walker, tag};

/// Why bytes are no certificate that can be shown: what stands at which byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no readable certificate: at byte {offset}, in {part}: {found}")]
pub struct Unreadable {
    /// Byte offset from the start of the given bytes.
    pub offset: usize,
    /// The part of the certificate that was being read, named as in RFC 5280 section 4.1.
    pub part: &'static str,
    /// What was found there.
    pub found: String,
}

/// Where a mail address of a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EmailSource {
    /// subjectAltName, rfc822Name
    Rfc822Name,
    /// subjectAltName, otherName SmtpUTF8Mailbox (RFC 9598)
    SmtpUtf8Mailbox,
    /// subject, emailAddress attribute
    SubjectEmailAddress,
}

/// A mail address of a certificate, as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress<'a> {
    /// The text; not checked, not normalised, see [`address::Address`].
    pub text: Cow<'a, str>,
    /// Where it stands.
    pub source: EmailSource,
    /// Whether it is ASCII, as an rfc822Name and an emailAddress must be.
    pub ascii: bool,
}

/// A certificate, borrowed from its bytes.
#[derive(Clone)]
pub struct Certificate<'a> {
    der: &'a [u8],
    trailing: &'a [u8],
    tbs: &'a [u8],
    inner_algorithm: &'a [u8],
    outer_algorithm: &'a [u8],
    signature: &'a [u8],
    signature_unused: u8,
    version: u32,
    serial: &'a [u8],
    issuer: Name<'a>,
    subject: Name<'a>,
    not_before: (UnixTime, TimeForm),
    not_after: (UnixTime, TimeForm),
    spki: &'a [u8],
    unique_ids: bool,
    extensions: Vec<Extension<'a>>,
    has_extensions: bool,
    broken_list: Option<Malformed>,
    leftover: Option<usize>,
    sha256: OnceLock<[u8; 32]>,
    sha1: OnceLock<[u8; 20]>,
    der_checked: OnceLock<Result<(), Malformed>>,
    defects: OnceLock<Vec<Defect>>,
}

impl<'a> Certificate<'a> {
    /// Reads the certificate at the start of `der`; bytes behind it are [`Certificate::trailing`].
    ///
    /// # Errors
    /// [`Unreadable`] when the bytes hold no Certificate of RFC 5280 section 4.1, even read as BER.
    pub fn parse(der: &'a [u8]) -> Result<Self, Unreadable> {
        let stop = |slice: &'a [u8], part: &'static str| {
            let base = extensions::offset_in(der, slice).unwrap_or(0);
            move |error: TlvError| {
                let malformed = Malformed::from(error);
                Unreadable { offset: base + malformed.offset, part, found: malformed.what }
            }
        };
        let mut outside = Walker::new(der);
        let whole = outside.expect(tag::SEQUENCE).map_err(stop(der, "Certificate"))?;
        let trailing = outside.rest();
        let mut parts = Walker::new(whole.contents);
        let tbs = parts.expect(tag::SEQUENCE).map_err(stop(whole.contents, "tbsCertificate"))?;
        let outer = parts.expect(tag::SEQUENCE).map_err(stop(whole.contents, "signatureAlgorithm"))?;
        let bits = parts.expect(tag::BIT_STRING).map_err(stop(whole.contents, "signatureValue"))?;
        let leftover = (!parts.is_empty()).then(|| extensions::offset_in(der, parts.rest()).unwrap_or(0));
        let (&unused, signature) = bits.contents.split_first().ok_or_else(|| Unreadable {
            offset: extensions::offset_in(der, bits.raw).unwrap_or(0),
            part: "signatureValue",
            found: "empty BIT STRING".into(),
        })?;

        let mut fields = Walker::new(tbs.contents);
        let at = |part| stop(tbs.contents, part);
        let mut leftover = leftover;
        let mut nothing_behind = |walker: &Walker<'a>| {
            if !walker.is_empty() {
                leftover = extensions::offset_in(der, walker.rest());
            }
        };
        let version = match fields.optional(tag::CONTEXT_0).map_err(at("version"))? {
            Some(explicit) => {
                let mut inside = Walker::new(explicit.contents);
                let number = inside.expect(tag::INTEGER).map_err(stop(explicit.contents, "version"))?;
                nothing_behind(&inside);
                extensions::unsigned(number.contents).unwrap_or(u32::MAX)
            }
            None => 0,
        };
        let serial = fields.expect(tag::INTEGER).map_err(at("serialNumber"))?;
        let inner = fields.expect(tag::SEQUENCE).map_err(at("signature"))?;
        let issuer = fields.expect(tag::SEQUENCE).map_err(at("issuer"))?;
        let validity = fields.expect(tag::SEQUENCE).map_err(at("validity"))?;
        let subject = fields.expect(tag::SEQUENCE).map_err(at("subject"))?;
        let spki = fields.expect(tag::SEQUENCE).map_err(at("subjectPublicKeyInfo"))?;
        let mut unique_ids = false;
        for id in [0x81, 0xa1, 0x82, 0xa2] {
            unique_ids |= fields.optional(id).map_err(at("uniqueIdentifiers"))?.is_some();
        }
        let mut broken_list = None;
        let (list, has_extensions) = match fields.optional(tag::CONTEXT_3).map_err(at("extensions"))? {
            Some(explicit) => {
                let mut inside = Walker::new(explicit.contents);
                let sequence = inside.expect(tag::SEQUENCE).map_err(stop(explicit.contents, "extensions"))?;
                nothing_behind(&inside);
                let base = extensions::offset_in(der, sequence.contents).unwrap_or(0);
                let (list, broken) = extensions::read_unbroken(sequence.contents, base);
                broken_list = broken.map(|e| Malformed::new(base + e.offset, e.what));
                (list, true)
            }
            None => (Vec::new(), false),
        };
        nothing_behind(&fields);
        let mut dates = Walker::new(validity.contents);
        // A date that is none does not lose the certificate: it begins when time ends, or ended before it
        // began, so that it is never valid, and the form says so.
        let date = |dates: &mut Walker<'a>, part, never| -> Result<(UnixTime, TimeForm), Unreadable> {
            let element = dates.next().map_err(stop(validity.contents, part))?;
            Ok(time::read(&element).unwrap_or((never, TimeForm::NotDer)))
        };
        let not_before = date(&mut dates, "notBefore", UnixTime::LAST)?;
        let not_after = date(&mut dates, "notAfter", UnixTime::FIRST)?;
        nothing_behind(&dates);
        Ok(Self {
            der: whole.raw,
            trailing,
            tbs: tbs.raw,
            inner_algorithm: inner.raw,
            outer_algorithm: outer.raw,
            signature,
            signature_unused: unused,
            version,
            serial: serial.contents,
            issuer: Name::new(issuer.raw),
            subject: Name::new(subject.raw),
            not_before,
            not_after,
            spki: spki.raw,
            unique_ids,
            extensions: list,
            has_extensions,
            broken_list,
            leftover,
            sha256: OnceLock::new(),
            sha1: OnceLock::new(),
            der_checked: OnceLock::new(),
            defects: OnceLock::new(),
        })
    }

    /// The certificate's own bytes, exactly, without what is behind it.
    #[must_use]
    pub fn der(&self) -> &'a [u8] {
        self.der
    }

    /// Bytes that stood behind the certificate; empty as a rule.
    #[must_use]
    pub fn trailing(&self) -> &'a [u8] {
        self.trailing
    }

    /// SHA-256 of [`Certificate::der`], computed once.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        *self.sha256.get_or_init(|| sha256(self.der))
    }

    /// SHA-1 of [`Certificate::der`], the thumbprint that Windows shows, computed once.
    #[must_use]
    pub fn sha1(&self) -> [u8; 20] {
        *self.sha1.get_or_init(|| {
            let mut out = [0; 20];
            out.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, self.der).as_ref());
            out
        })
    }

    /// The signed bytes: tbsCertificate, header included.
    #[must_use]
    pub fn tbs(&self) -> &'a [u8] {
        self.tbs
    }

    /// The signature's octets.
    #[must_use]
    pub fn signature(&self) -> &'a [u8] {
        self.signature
    }

    /// How many bits of the signature's last octet are unused; anything but 0 is no usable signature.
    #[must_use]
    pub fn signature_unused_bits(&self) -> u8 {
        self.signature_unused
    }

    /// The outer signatureAlgorithm, the one that is used for verification.
    #[must_use]
    pub fn signature_algorithm(&self) -> SignatureAlgorithm<'a> {
        SignatureAlgorithm::new(self.outer_algorithm)
    }

    /// The inner `signature` field, which must be the same (RFC 5280 section 4.1.1.2).
    #[must_use]
    pub fn inner_signature_algorithm(&self) -> SignatureAlgorithm<'a> {
        SignatureAlgorithm::new(self.inner_algorithm)
    }

    /// The issuer's name.
    #[must_use]
    pub fn issuer(&self) -> Name<'a> {
        self.issuer
    }

    /// The subject's name.
    #[must_use]
    pub fn subject(&self) -> Name<'a> {
        self.subject
    }

    /// Whether issuer and subject are one name (RFC 5280 section 6.1: self-issued).
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer.matches(&self.subject)
    }

    /// The serial number's contents octets, as they stand.
    #[must_use]
    pub fn serial(&self) -> &'a [u8] {
        self.serial
    }

    /// The serial number as hex with colons: `01:af`.
    #[must_use]
    pub fn serial_hex(&self) -> String {
        crate::encoding::hex_with_colons(self.serial)
    }

    /// The version as people count: 1, 2 or 3; others are what stands there plus one.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version.saturating_add(1)
    }

    /// The first instant of validity, inclusive.
    #[must_use]
    pub fn not_before(&self) -> UnixTime {
        self.not_before.0
    }

    /// The last instant of validity, inclusive (RFC 5280 section 4.1.2.5).
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        self.not_after.0
    }

    /// How the two dates are written.
    #[must_use]
    pub fn time_forms(&self) -> [TimeForm; 2] {
        [self.not_before.1, self.not_after.1]
    }

    /// The SubjectPublicKeyInfo, header included.
    #[must_use]
    pub fn spki(&self) -> &'a [u8] {
        self.spki
    }

    /// What the key is.
    #[must_use]
    pub fn key(&self) -> KeyInfo<'a> {
        KeyInfo::read(self.spki)
    }

    /// All extensions in order, raw.
    #[must_use]
    pub fn extensions(&self) -> &[Extension<'a>] {
        &self.extensions
    }

    fn find<T>(&self, id: &[u8], decode: impl Fn(&'a [u8]) -> Result<T, Malformed>) -> Decoded<T> {
        extensions::find(&self.extensions, self.der, id, decode)
    }

    /// basicConstraints
    #[must_use]
    pub fn basic_constraints(&self) -> Decoded<extensions::BasicConstraints> {
        self.find(oid::BASIC_CONSTRAINTS, extensions::basic_constraints)
    }

    /// keyUsage
    #[must_use]
    pub fn key_usage(&self) -> Decoded<extensions::KeyUsage> {
        self.find(oid::KEY_USAGE, extensions::key_usage)
    }

    /// extKeyUsage; for names see [`Oid::name`]
    #[must_use]
    pub fn extended_key_usage(&self) -> Decoded<Vec<Oid<'a>>> {
        self.find(oid::EXT_KEY_USAGE, extensions::extended_key_usage)
    }

    /// subjectAltName; an empty list is possible and a defect
    #[must_use]
    pub fn subject_alt_name(&self) -> Decoded<Vec<GeneralName<'a>>> {
        self.find(oid::SUBJECT_ALT_NAME, extensions::general_names)
    }

    /// cRLDistributionPoints
    #[must_use]
    pub fn crl_distribution_points(&self) -> Decoded<Vec<extensions::DistributionPoint<'a>>> {
        self.find(oid::CRL_DISTRIBUTION_POINTS, extensions::distribution_points)
    }

    /// freshestCRL
    #[must_use]
    pub fn freshest_crl(&self) -> Decoded<Vec<extensions::DistributionPoint<'a>>> {
        self.find(oid::FRESHEST_CRL, extensions::distribution_points)
    }

    /// authorityKeyIdentifier
    #[must_use]
    pub fn authority_key_id(&self) -> Decoded<extensions::AuthorityKeyId<'a>> {
        self.find(oid::AUTHORITY_KEY_IDENTIFIER, extensions::authority_key_id)
    }

    /// subjectKeyIdentifier
    #[must_use]
    pub fn subject_key_id(&self) -> Decoded<&'a [u8]> {
        self.find(oid::SUBJECT_KEY_IDENTIFIER, extensions::subject_key_id)
    }

    /// certificatePolicies
    #[must_use]
    pub fn policies(&self) -> Decoded<Vec<extensions::Policy<'a>>> {
        self.find(oid::CERTIFICATE_POLICIES, extensions::policies)
    }

    /// policyMappings: pairs of issuer's and subject's policy
    #[must_use]
    pub fn policy_mappings(&self) -> Decoded<Vec<(Oid<'a>, Oid<'a>)>> {
        self.find(oid::POLICY_MAPPINGS, extensions::policy_mappings)
    }

    /// policyConstraints
    #[must_use]
    pub fn policy_constraints(&self) -> Decoded<extensions::PolicyConstraints> {
        self.find(oid::POLICY_CONSTRAINTS, extensions::policy_constraints)
    }

    /// inhibitAnyPolicy: skipCerts
    #[must_use]
    pub fn inhibit_any_policy(&self) -> Decoded<u32> {
        self.find(oid::INHIBIT_ANY_POLICY, extensions::inhibit_any_policy)
    }

    /// nameConstraints
    #[must_use]
    pub fn name_constraints(&self) -> Decoded<extensions::NameConstraints<'a>> {
        self.find(oid::NAME_CONSTRAINTS, extensions::name_constraints)
    }

    /// Whether basicConstraints can be read and says cA.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.basic_constraints().value().is_some_and(|constraints| constraints.ca)
    }

    /// The mail addresses: rfc822Name and SmtpUTF8Mailbox of subjectAltName in order, then
    /// emailAddress of the subject. Nothing is checked or merged.
    #[must_use]
    pub fn email_addresses(&self) -> Vec<EmailAddress<'a>> {
        let mut all = Vec::with_capacity(2);
        for general in self.subject_alt_name().into_value().unwrap_or_default() {
            let (text, source) = match general {
                GeneralName::Rfc822(value) => {
                    (name::text(tag::IA5_STRING, value).unwrap_or_default(), EmailSource::Rfc822Name)
                }
                GeneralName::Other(kind, _) if kind.0 == oid::SMTP_UTF8_MAILBOX => {
                    match general.other_text() {
                        Some(text) => (text, EmailSource::SmtpUtf8Mailbox),
                        None => continue,
                    }
                }
                _ => continue,
            };
            all.push(EmailAddress { ascii: text.is_ascii(), text, source });
        }
        for text in self.subject.email_addresses() {
            let source = EmailSource::SubjectEmailAddress;
            all.push(EmailAddress { ascii: text.is_ascii(), text, source });
        }
        all
    }

    /// The user principal names in subjectAltName; these are logon names, not mail addresses.
    #[must_use]
    pub fn user_principal_names(&self) -> Vec<Cow<'a, str>> {
        let names = self.subject_alt_name().into_value().unwrap_or_default();
        let is_upn =
            |name: &&GeneralName<'a>| matches!(name, GeneralName::Other(kind, _) if kind.0 == oid::UPN);
        names.iter().filter(is_upn).filter_map(GeneralName::other_text).collect()
    }

    /// What is wrong with the certificate by itself, in byte order, found out once.
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        self.defects.get_or_init(|| lint::run(self))
    }

    /// The first extension type that stands twice.
    #[must_use]
    pub fn duplicate_extension(&self) -> Option<&Extension<'a>> {
        let list = &self.extensions;
        list.iter()
            .enumerate()
            .find(|(i, e)| list[..*i].iter().any(|before| before.id.is(e.id.0)))
            .map(|(_, e)| e)
    }

    /// Whether it has unique identifiers, which RFC 5280 section 4.1.2.8 forbids to conforming CAs.
    #[must_use]
    pub fn has_unique_ids(&self) -> bool {
        self.unique_ids
    }

    pub(crate) fn has_extensions_field(&self) -> bool {
        self.has_extensions
    }

    /// What stands where an extension should, and none can be read.
    #[must_use]
    pub fn broken_extension(&self) -> Option<&Malformed> {
        self.broken_list.as_ref()
    }

    pub(crate) fn leftover(&self) -> Option<usize> {
        self.leftover
    }

    pub(crate) fn offset_of(&self, part: &[u8]) -> usize {
        extensions::offset_in(self.der, part).unwrap_or(0)
    }

    /// Whether it is encoded in DER throughout; `Err` names the first byte that is not. Computed once.
    ///
    /// # Errors
    /// [`Malformed`]: the offset in the certificate and what stands there.
    pub fn check_der(&self) -> Result<(), Malformed> {
        self.der_checked.get_or_init(|| der::check(self)).clone()
    }
}

impl fmt::Debug for Certificate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {})", self.subject, self.serial_hex())
    }
}

/// SHA-256 of any bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// Whether an element is written as DER asks, as far as its header tells.
pub(crate) fn der_header(element: &Element<'_>) -> bool {
    !element.indefinite && !element.long_length
}
