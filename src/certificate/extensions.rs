//! Extensions: all of them raw, the standard ones decoded on request.
//!
//! A decoder says one of four things, see [`Decoded`]: an extension that is not there, is there and
//! was read, is there and cannot be read, or is there twice. Path processing treats the last two as
//! never valid; display shows them; none of them loses the certificate.

use super::general_name::GeneralName;
use super::oid::{self, Oid};
use super::tlv::{Element, TlvError, Walker, tag};

/// One extension as it stands in the certificate or CRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Its type.
    pub id: Oid<'a>,
    /// Whether it is marked critical.
    pub critical: bool,
    /// The octets inside `extnValue`.
    pub value: &'a [u8],
    /// Byte offset of the extension in the certificate (or CRL).
    pub offset: usize,
}

/// What an extension holds that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {what}")]
pub struct Malformed {
    /// Byte offset; in what, the function that returns it says (for [`Decoded`], the certificate).
    pub offset: usize,
    /// What was found there.
    pub what: String,
}

impl Malformed {
    pub(crate) fn new(offset: usize, what: impl Into<String>) -> Self {
        Self { offset, what: what.into() }
    }
}

impl From<TlvError> for Malformed {
    fn from(error: TlvError) -> Self {
        let (TlvError::Truncated { at, .. }
        | TlvError::Unsupported { at, .. }
        | TlvError::TooDeep { at }
        | TlvError::UnexpectedTag { at, .. }) = error;
        Self::new(at, error.to_string())
    }
}

/// What is known of one kind of extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<T> {
    /// The certificate does not have it.
    Absent,
    /// It is there once and was read.
    Present {
        /// Whether it is critical.
        critical: bool,
        /// What it says.
        value: T,
    },
    /// It is there once and its value cannot be read.
    Undecodable(Malformed),
    /// It is there more than once (RFC 5280 section 4.2 forbids that); nothing is read.
    Duplicated,
}

impl<T> Decoded<T> {
    /// The value, where it could be read.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        if let Self::Present { value, .. } = self { Some(value) } else { None }
    }

    /// The value, where it could be read.
    #[must_use]
    pub fn into_value(self) -> Option<T> {
        if let Self::Present { value, .. } = self { Some(value) } else { None }
    }

    /// Whether it is there and cannot be relied on: undecodable or duplicated.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Undecodable(_) | Self::Duplicated)
    }

    /// Whether it is not there at all.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// basicConstraints, RFC 5280 section 4.2.1.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the key may sign certificates.
    pub ca: bool,
    /// How many certificates may follow that are not self-issued; huge numbers are saturated.
    pub path_len: Option<u32>,
}

/// keyUsage, RFC 5280 section 4.2.1.3: bit 0 (digitalSignature) is `1 << 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(pub u16);

impl KeyUsage {
    /// digitalSignature
    pub const DIGITAL_SIGNATURE: u16 = 1;
    /// contentCommitment, once nonRepudiation
    pub const CONTENT_COMMITMENT: u16 = 1 << 1;
    /// keyEncipherment
    pub const KEY_ENCIPHERMENT: u16 = 1 << 2;
    /// dataEncipherment
    pub const DATA_ENCIPHERMENT: u16 = 1 << 3;
    /// keyAgreement
    pub const KEY_AGREEMENT: u16 = 1 << 4;
    /// keyCertSign
    pub const KEY_CERT_SIGN: u16 = 1 << 5;
    /// cRLSign
    pub const CRL_SIGN: u16 = 1 << 6;
    /// encipherOnly
    pub const ENCIPHER_ONLY: u16 = 1 << 7;
    /// decipherOnly
    pub const DECIPHER_ONLY: u16 = 1 << 8;

    const NAMES: [&'static str; 9] = [
        "digitalSignature",
        "contentCommitment",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// Whether any of these bits is set.
    #[must_use]
    pub fn has(self, bits: u16) -> bool {
        self.0 & bits != 0
    }

    /// The names of the bits that are set, in order.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        (0..9).filter(|bit| self.0 >> bit & 1 == 1).map(|bit| Self::NAMES[bit]).collect()
    }
}

/// authorityKeyIdentifier, RFC 5280 section 4.2.1.1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorityKeyId<'a> {
    /// keyIdentifier
    pub key_id: Option<&'a [u8]>,
    /// authorityCertIssuer
    pub issuer: Vec<GeneralName<'a>>,
    /// authorityCertSerialNumber, contents octets
    pub serial: Option<&'a [u8]>,
}

/// One certificate policy, RFC 5280 section 4.2.1.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy<'a> {
    /// The policy.
    pub id: Oid<'a>,
    /// Contents octets of policyQualifiers; empty when there are none.
    pub qualifiers: &'a [u8],
}

/// policyConstraints, RFC 5280 section 4.2.1.11; huge numbers are saturated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyConstraints {
    /// requireExplicitPolicy
    pub require_explicit: Option<u32>,
    /// inhibitPolicyMapping
    pub inhibit_mapping: Option<u32>,
}

/// One subtree of nameConstraints, RFC 5280 section 4.2.1.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subtree<'a> {
    /// Where the subtree starts.
    pub base: GeneralName<'a>,
    /// Whether it has a minimum other than 0 or a maximum, which RFC 5280 does not use.
    pub bounded: bool,
}

/// nameConstraints, RFC 5280 section 4.2.1.10.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameConstraints<'a> {
    /// permittedSubtrees
    pub permitted: Vec<Subtree<'a>>,
    /// excludedSubtrees
    pub excluded: Vec<Subtree<'a>>,
}

/// The name of a distribution point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DistributionPointName<'a> {
    /// fullName
    Full(Vec<GeneralName<'a>>),
    /// nameRelativeToCRLIssuer: contents octets of the relative distinguished name
    Relative(&'a [u8]),
}

/// One distribution point, RFC 5280 section 4.2.1.13.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistributionPoint<'a> {
    /// distributionPoint
    pub name: Option<DistributionPointName<'a>>,
    /// reasons; `None` means all
    pub reasons: Option<Reasons>,
    /// cRLIssuer
    pub crl_issuer: Vec<GeneralName<'a>>,
}

/// ReasonFlags, RFC 5280 section 4.2.1.13: bit 1 (keyCompromise) is `1 << 1`; bit 0 is unused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reasons(pub u16);

impl Reasons {
    /// Every reason that the flags can name (bits 1 to 8).
    pub const ALL: Self = Self(0x1fe);
}

/// Reads a SEQUENCE that fills `value`.
///
/// # Errors
/// [`Malformed`] at the byte of `value` where it is something else.
pub(crate) fn sequence(value: &[u8]) -> Result<Element<'_>, Malformed> {
    let mut walker = Walker::new(value);
    let element = walker.expect(tag::SEQUENCE)?;
    end(&walker)?;
    Ok(element)
}

/// Demands that nothing is left.
pub(crate) fn end(walker: &Walker<'_>) -> Result<(), Malformed> {
    if walker.is_empty() {
        Ok(())
    } else {
        Err(Malformed::new(walker.offset(), format!("{} bytes behind the end", walker.rest().len())))
    }
}

/// BOOLEAN; anything but 00 is true, as in BER (X.690 section 8.2).
pub(crate) fn boolean(element: &Element<'_>) -> Result<bool, Malformed> {
    match element.contents {
        [octet] => Ok(*octet != 0),
        other => Err(Malformed::new(0, format!("BOOLEAN of {} bytes", other.len()))),
    }
}

/// INTEGER or ENUMERATED that must not be negative, saturated.
pub(crate) fn unsigned(contents: &[u8]) -> Result<u32, Malformed> {
    match contents {
        [] => Err(Malformed::new(0, "empty INTEGER")),
        [first, ..] if first & 0x80 != 0 => Err(Malformed::new(0, "negative INTEGER")),
        _ => Ok(contents
            .iter()
            .fold(0u32, |sum, b| if sum >> 24 == 0 { sum << 8 | u32::from(*b) } else { u32::MAX })),
    }
}

/// BIT STRING of named bits, the first sixteen of them: bit 0 of the string is bit 0 of the result.
pub(crate) fn named_bits(contents: &[u8]) -> Result<u16, Malformed> {
    let Some((unused, octets)) = contents.split_first() else {
        return Err(Malformed::new(0, "empty BIT STRING"));
    };
    if *unused > 7 || (octets.is_empty() && *unused != 0) {
        return Err(Malformed::new(0, format!("BIT STRING with {unused} unused bits")));
    }
    let one = |i: usize| octets.get(i).map_or(0, |b| u16::from(b.reverse_bits()));
    Ok(one(0) | one(1) << 8)
}

/// basicConstraints.
pub(crate) fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, Malformed> {
    let mut parts = Walker::new(sequence(value)?.contents);
    let ca = parts.optional(tag::BOOLEAN)?.map(|e| boolean(&e)).transpose()?.unwrap_or(false);
    let path_len = parts.optional(tag::INTEGER)?.map(|e| unsigned(e.contents)).transpose()?;
    end(&parts)?;
    Ok(BasicConstraints { ca, path_len })
}

/// keyUsage.
pub(crate) fn key_usage(value: &[u8]) -> Result<KeyUsage, Malformed> {
    let mut walker = Walker::new(value);
    let bits = named_bits(walker.expect(tag::BIT_STRING)?.contents)?;
    end(&walker)?;
    Ok(KeyUsage(bits))
}

/// extKeyUsage.
pub(crate) fn extended_key_usage(value: &[u8]) -> Result<Vec<Oid<'_>>, Malformed> {
    let mut walker = Walker::new(sequence(value)?.contents);
    let mut all = Vec::with_capacity(4);
    while !walker.is_empty() {
        let at = walker.offset();
        let id = walker.expect(tag::OID)?.contents;
        if id.is_empty() {
            return Err(Malformed::new(at, "empty OBJECT IDENTIFIER"));
        }
        all.push(Oid(id));
    }
    if all.is_empty() {
        return Err(Malformed::new(0, "no key purpose, at least one was expected"));
    }
    Ok(all)
}

/// subjectAltName and issuerAltName.
pub(crate) fn general_names(value: &[u8]) -> Result<Vec<GeneralName<'_>>, Malformed> {
    GeneralName::read_all(sequence(value)?.contents)
}

/// subjectKeyIdentifier.
pub(crate) fn subject_key_id(value: &[u8]) -> Result<&[u8], Malformed> {
    let mut walker = Walker::new(value);
    let id = walker.expect(tag::OCTET_STRING)?.contents;
    end(&walker)?;
    Ok(id)
}

/// authorityKeyIdentifier.
pub(crate) fn authority_key_id(value: &[u8]) -> Result<AuthorityKeyId<'_>, Malformed> {
    let mut parts = Walker::new(sequence(value)?.contents);
    let key_id = parts.optional(0x80)?.map(|e| e.contents);
    let issuer = match parts.optional(0xa1)? {
        Some(names) => GeneralName::read_all(names.contents)?,
        None => Vec::new(),
    };
    let serial = parts.optional(0x82)?.map(|e| e.contents);
    end(&parts)?;
    Ok(AuthorityKeyId { key_id, issuer, serial })
}

/// certificatePolicies.
pub(crate) fn policies(value: &[u8]) -> Result<Vec<Policy<'_>>, Malformed> {
    let mut walker = Walker::new(sequence(value)?.contents);
    let mut all: Vec<Policy<'_>> = Vec::with_capacity(2);
    while !walker.is_empty() {
        let at = walker.offset();
        let mut parts = Walker::new(walker.expect(tag::SEQUENCE)?.contents);
        let id = Oid(parts.expect(tag::OID)?.contents);
        let qualifiers = parts.optional(tag::SEQUENCE)?.map_or(&[][..], |e| e.contents);
        end(&parts)?;
        if id.0.is_empty() {
            return Err(Malformed::new(at, "empty OBJECT IDENTIFIER"));
        }
        all.push(Policy { id, qualifiers });
    }
    if all.is_empty() {
        return Err(Malformed::new(0, "no policy, at least one was expected"));
    }
    Ok(all)
}

/// policyMappings: issuer domain policy, subject domain policy.
pub(crate) fn policy_mappings(value: &[u8]) -> Result<Vec<(Oid<'_>, Oid<'_>)>, Malformed> {
    let mut walker = Walker::new(sequence(value)?.contents);
    let mut all = Vec::new();
    while !walker.is_empty() {
        let mut pair = Walker::new(walker.expect(tag::SEQUENCE)?.contents);
        let issuer = Oid(pair.expect(tag::OID)?.contents);
        let subject = Oid(pair.expect(tag::OID)?.contents);
        end(&pair)?;
        all.push((issuer, subject));
    }
    if all.is_empty() {
        return Err(Malformed::new(0, "no mapping, at least one was expected"));
    }
    Ok(all)
}

/// policyConstraints.
pub(crate) fn policy_constraints(value: &[u8]) -> Result<PolicyConstraints, Malformed> {
    let mut parts = Walker::new(sequence(value)?.contents);
    let require_explicit = parts.optional(0x80)?.map(|e| unsigned(e.contents)).transpose()?;
    let inhibit_mapping = parts.optional(0x81)?.map(|e| unsigned(e.contents)).transpose()?;
    end(&parts)?;
    Ok(PolicyConstraints { require_explicit, inhibit_mapping })
}

/// inhibitAnyPolicy.
pub(crate) fn inhibit_any_policy(value: &[u8]) -> Result<u32, Malformed> {
    let mut walker = Walker::new(value);
    let skip = unsigned(walker.expect(tag::INTEGER)?.contents)?;
    end(&walker)?;
    Ok(skip)
}

/// nameConstraints.
pub(crate) fn name_constraints(value: &[u8]) -> Result<NameConstraints<'_>, Malformed> {
    let mut parts = Walker::new(sequence(value)?.contents);
    let permitted = parts.optional(0xa0)?.map(|e| subtrees(e.contents)).transpose()?.unwrap_or_default();
    let excluded = parts.optional(0xa1)?.map(|e| subtrees(e.contents)).transpose()?.unwrap_or_default();
    end(&parts)?;
    Ok(NameConstraints { permitted, excluded })
}

fn subtrees(contents: &[u8]) -> Result<Vec<Subtree<'_>>, Malformed> {
    let mut walker = Walker::new(contents);
    let mut all = Vec::new();
    while !walker.is_empty() {
        let mut parts = Walker::new(walker.expect(tag::SEQUENCE)?.contents);
        let at = parts.offset();
        let base = parts.next()?;
        let base = GeneralName::read(&base).ok_or_else(|| {
            Malformed::new(at, format!("tag {:#04x} is no readable general name", base.tag))
        })?;
        let minimum = parts.optional(0x80)?;
        let maximum = parts.optional(0x81)?;
        end(&parts)?;
        let bounded = maximum.is_some() || minimum.is_some_and(|m| m.contents.iter().any(|b| *b != 0));
        all.push(Subtree { base, bounded });
    }
    if all.is_empty() {
        return Err(Malformed::new(0, "no subtree, at least one was expected"));
    }
    Ok(all)
}

/// cRLDistributionPoints and freshestCRL.
pub(crate) fn distribution_points(value: &[u8]) -> Result<Vec<DistributionPoint<'_>>, Malformed> {
    let mut walker = Walker::new(sequence(value)?.contents);
    let mut all = Vec::with_capacity(1);
    while !walker.is_empty() {
        let mut parts = Walker::new(walker.expect(tag::SEQUENCE)?.contents);
        let name = parts.optional(0xa0)?.map(|e| distribution_point_name(e.contents)).transpose()?;
        let reasons = parts.optional(0x81)?.map(|e| named_bits(e.contents)).transpose()?.map(Reasons);
        let crl_issuer =
            parts.optional(0xa2)?.map(|e| GeneralName::read_all(e.contents)).transpose()?.unwrap_or_default();
        end(&parts)?;
        all.push(DistributionPoint { name, reasons, crl_issuer });
    }
    if all.is_empty() {
        return Err(Malformed::new(0, "no distribution point, at least one was expected"));
    }
    Ok(all)
}

/// DistributionPointName, the contents of its explicit tag.
pub(crate) fn distribution_point_name(contents: &[u8]) -> Result<DistributionPointName<'_>, Malformed> {
    let mut walker = Walker::new(contents);
    let at = walker.offset();
    let element = walker.next()?;
    end(&walker)?;
    match element.tag {
        0xa0 => Ok(DistributionPointName::Full(GeneralName::read_all(element.contents)?)),
        0xa1 => Ok(DistributionPointName::Relative(element.contents)),
        other => Err(Malformed::new(at, format!("tag {other:#04x} is no distribution point name"))),
    }
}

/// Reads the extensions (contents of the SEQUENCE) of a CRL or CRL entry.
///
/// # Errors
/// [`Malformed`] with an offset from the start of `contents`.
pub(crate) fn read_list(contents: &[u8], base: usize) -> Result<Vec<Extension<'_>>, Malformed> {
    match read_unbroken(contents, base) {
        (all, None) => Ok(all),
        (_, Some(e)) => Err(e),
    }
}

/// Reads the extensions that can be read, and says what stands at the first place where none can: one
/// broken extension must not lose a certificate.
pub(crate) fn read_unbroken(contents: &[u8], base: usize) -> (Vec<Extension<'_>>, Option<Malformed>) {
    let mut walker = Walker::new(contents);
    let mut all = Vec::with_capacity(12);
    let mut broken = None;
    while !walker.is_empty() {
        let offset = walker.offset();
        let one = match walker.expect(tag::SEQUENCE) {
            Ok(element) => read_one(element.contents, base + offset),
            Err(e) => return (all, broken.or(Some(e.into()))),
        };
        match one {
            Ok(extension) => all.push(extension),
            Err(e) => broken = broken.or(Some(Malformed::new(offset, e.what))),
        }
    }
    (all, broken)
}

fn read_one(contents: &[u8], offset: usize) -> Result<Extension<'_>, Malformed> {
    let mut parts = Walker::new(contents);
    let id = Oid(parts.expect(tag::OID)?.contents);
    let critical = match parts.optional(tag::BOOLEAN)? {
        Some(element) => boolean(&element)?,
        None => false,
    };
    let value = match parts.peek() {
        // BER allows an OCTET STRING in pieces; a value of one piece is read, others are left as they
        // are and fail in the decoder of the extension.
        Some(tag::OCTET_STRING_CONSTRUCTED) => {
            let outer = parts.next()?;
            let mut pieces = Walker::new(outer.contents);
            match (pieces.expect(tag::OCTET_STRING), pieces.is_empty()) {
                (Ok(only), true) => only.contents,
                _ => outer.contents,
            }
        }
        _ => parts.expect(tag::OCTET_STRING)?.contents,
    };
    end(&parts)?;
    Ok(Extension { id, critical, value, offset })
}

/// Finds one kind of extension and decodes it.
pub(crate) fn find<'a, T>(
    list: &[Extension<'a>],
    whole: &'a [u8],
    id: &[u8],
    decode: impl Fn(&'a [u8]) -> Result<T, Malformed>,
) -> Decoded<T> {
    let mut matching = list.iter().filter(|e| e.id.is(id));
    let Some(found) = matching.next() else { return Decoded::Absent };
    if matching.next().is_some() {
        return Decoded::Duplicated;
    }
    match decode(found.value) {
        Ok(value) => Decoded::Present { critical: found.critical, value },
        Err(e) => {
            let start = offset_in(whole, found.value).unwrap_or(found.offset);
            Decoded::Undecodable(Malformed::new(start + e.offset, format!("{}: {}", Oid(id).name(), e.what)))
        }
    }
}

/// Where a slice starts inside the slice it was cut from.
pub(crate) fn offset_in(whole: &[u8], part: &[u8]) -> Option<usize> {
    let offset = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    (offset <= whole.len()).then_some(offset)
}

/// Extensions that path processing of this crate handles: a critical one outside this list makes a
/// certificate unusable (RFC 5280 section 4.2).
pub const PROCESSED: &[&[u8]] = &[
    oid::BASIC_CONSTRAINTS,
    oid::KEY_USAGE,
    oid::EXT_KEY_USAGE,
    oid::SUBJECT_ALT_NAME,
    oid::NAME_CONSTRAINTS,
    oid::CERTIFICATE_POLICIES,
    oid::POLICY_MAPPINGS,
    oid::POLICY_CONSTRAINTS,
    oid::INHIBIT_ANY_POLICY,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::AUTHORITY_KEY_IDENTIFIER,
    oid::SUBJECT_KEY_IDENTIFIER,
];

/// Whether an extension is one of [`PROCESSED`].
#[must_use]
pub fn is_processed(id: Oid<'_>) -> bool {
    PROCESSED.iter().any(|known| id.is(known))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn decoders_name_the_byte() {
        assert_eq!(
            basic_constraints(&[0x30, 6, 1, 1, 0xff, 2, 1, 3]),
            Ok(BasicConstraints { ca: true, path_len: Some(3) })
        );
        assert_eq!(basic_constraints(&[0x30, 0]), Ok(BasicConstraints { ca: false, path_len: None }));
        assert!(basic_constraints(&[0x30, 3, 2, 1, 0xff]).unwrap_err().what.contains("negative"));
        assert_eq!(basic_constraints(&[0x30, 0, 5]).unwrap_err().offset, 2);
        assert_eq!(key_usage(&[3, 2, 5, 0xa0]).unwrap().names(), ["digitalSignature", "keyEncipherment"]);
        assert_eq!(key_usage(&[3, 3, 7, 0, 0x80]).unwrap().names(), ["decipherOnly"]);
        assert!(key_usage(&[3, 2, 8, 0xa0]).is_err());
        assert!(extended_key_usage(&[0x30, 0]).is_err());
        assert_eq!(unsigned(&[1, 0, 0, 0, 0]), Ok(u32::MAX), "saturated, never wrapped");
        let nc = [0x30, 13, 0xa0, 11, 0x30, 9, 0x82, 4, b'a', b'.', b'd', b'e', 0x80, 1, 1];
        assert!(name_constraints(&nc).unwrap().permitted[0].bounded);
    }

    #[test]
    fn twice_is_not_read() {
        let list = [
            Extension { id: Oid(oid::KEY_USAGE), critical: true, value: &[3, 2, 5, 0xa0], offset: 0 },
            Extension { id: Oid(oid::KEY_USAGE), critical: true, value: &[3, 2, 5, 0xa0], offset: 9 },
        ];
        assert_eq!(find(&list, &[], oid::KEY_USAGE, key_usage), Decoded::Duplicated);
        assert!(find(&list, &[], oid::EXT_KEY_USAGE, extended_key_usage).is_absent());
    }
}
