//! Certificate revocation lists (RFC 5280 section 5): parsed once, indexed once, looked up in place.
//!
//! The entries stay where they are in the CRL's bytes. The index is an open hash table of 32-bit
//! offsets, so that 500 000 entries cost 4 MB beside the CRL and a look-up touches one or two of them.
//! It is built on first use, after the signature was verified, so nobody but a trusted CA can make it
//! large.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use crate::certificate::extensions::{
    self, DistributionPointName, Extension, Malformed, Reasons, boolean, distribution_point_name, named_bits,
};
use crate::certificate::name::NameKey;
use crate::certificate::time::TimeForm;
use crate::certificate::tlv::{self, Walker, tag};
use crate::certificate::{GeneralName, Name, SignatureAlgorithm, UnixTime, der_header, oid, time};

/// A CRL, borrowed from its bytes.
pub struct Crl<'m> {
    der: &'m [u8],
    sha256: [u8; 32],
    tbs: &'m [u8],
    inner_algorithm: &'m [u8],
    outer_algorithm: &'m [u8],
    signature: &'m [u8],
    issuer: Name<'m>,
    issuer_key: NameKey,
    this_update: UnixTime,
    next_update: Option<UnixTime>,
    entries: &'m [u8],
    extensions: Vec<Extension<'m>>,
    scope: Scope,
    number: Option<Vec<u8>>,
    base_number: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    problem: Option<String>,
    defect: Option<&'static str>,
    index: OnceLock<Index>,
}

/// issuingDistributionPoint (RFC 5280 section 5.2.5), in comparable form.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Scope {
    /// Keys of the distribution point's names; `None` when it names none.
    pub(super) names: Option<Vec<Vec<u8>>>,
    pub(super) only_user: bool,
    pub(super) only_ca: bool,
    pub(super) only_attribute: bool,
    pub(super) reasons: Option<u16>,
    pub(super) indirect: bool,
}

/// What a CRL says of a serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) date: Option<UnixTime>,
    /// CRLReason, 0 (unspecified) when there is none.
    pub(super) reason: u8,
}

/// removeFromCRL, RFC 5280 section 5.3.1.
pub(super) const REMOVE_FROM_CRL: u8 = 8;

impl Entry {
    pub(super) fn reason_name(&self) -> &'static str {
        match self.reason {
            0 => "unspecified",
            1 => "keyCompromise",
            2 => "cACompromise",
            3 => "affiliationChanged",
            4 => "superseded",
            5 => "cessationOfOperation",
            6 => "certificateHold",
            8 => "removeFromCRL",
            9 => "privilegeWithdrawn",
            10 => "aACompromise",
            _ => "an unknown reason",
        }
    }
}

struct Index {
    /// Offset of the entry in `entries`, plus one; 0 is a free slot.
    table: Vec<u32>,
    hasher: RandomState,
    /// Where another certificate issuer starts to hold (certificateIssuer, section 5.3.3).
    issuers: Vec<(u32, Vec<NameKey>)>,
    /// Why no certificate is good by this CRL, although what it lists is revoked.
    problem: Option<String>,
}

impl<'m> Crl<'m> {
    /// Reads a CRL; its entries are not looked at yet.
    ///
    /// # Errors
    /// [`Malformed`]: what stands at which byte, when the bytes are no CertificateList.
    pub fn parse(der: &'m [u8]) -> Result<Self, Malformed> {
        if der.len() >= super::limits::MAX_CRL_BYTES {
            return Err(Malformed::new(0, "a CRL of more than 4 GB"));
        }
        let at = |slice: &'m [u8]| {
            let base = extensions::offset_in(der, slice).unwrap_or(0);
            move |e: tlv::TlvError| {
                let e = Malformed::from(e);
                Malformed::new(base + e.offset, e.what)
            }
        };
        let whole = Walker::new(der).expect(tag::SEQUENCE).map_err(at(der))?;
        let mut parts = Walker::new(whole.contents);
        let tbs = parts.expect(tag::SEQUENCE).map_err(at(whole.contents))?;
        let outer = parts.expect(tag::SEQUENCE).map_err(at(whole.contents))?;
        let bits = parts.expect(tag::BIT_STRING).map_err(at(whole.contents))?;
        // A signature that is no whole number of octets verifies with no key, like an empty one.
        let signature = match bits.contents.split_first() {
            Some((0, signature)) => signature,
            _ => &[],
        };
        let place = at(tbs.contents);
        let mut fields = Walker::new(tbs.contents);
        let version = fields.optional(tag::INTEGER).map_err(place)?;
        let inner = fields.expect(tag::SEQUENCE).map_err(place)?;
        let issuer = Name::new(fields.expect(tag::SEQUENCE).map_err(place)?.raw);
        let this_update = fields.next().map_err(place)?;
        let mut strict_dates = true;
        let mut date = |element: &tlv::Element<'m>| -> Result<UnixTime, Malformed> {
            let offset = extensions::offset_in(der, element.raw).unwrap_or(0);
            let (at, form) = time::read(element).ok_or_else(|| Malformed::new(offset, "no time"))?;
            strict_dates &= form != TimeForm::NotDer;
            Ok(at)
        };
        let this_update = date(&this_update)?;
        let next_update = match fields.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(date(&fields.next().map_err(place)?)?),
            _ => None,
        };
        let entries = fields.optional(tag::SEQUENCE).map_err(place)?.map_or(&[][..], |e| e.contents);
        let list = match fields.optional(tag::CONTEXT_0).map_err(place)? {
            Some(explicit) => {
                let base = extensions::offset_in(der, explicit.contents).unwrap_or(0);
                let sequence = extensions::sequence(explicit.contents)
                    .map_err(|e| Malformed::new(base + e.offset, e.what))?;
                extensions::read_list(sequence.contents, base)?
            }
            None => Vec::new(),
        };
        let mut crl = Self {
            der: whole.raw,
            sha256: crate::certificate::sha256(whole.raw),
            tbs: tbs.raw,
            inner_algorithm: inner.raw,
            outer_algorithm: outer.raw,
            signature,
            issuer,
            issuer_key: issuer.key(),
            this_update,
            next_update,
            entries,
            extensions: list,
            scope: Scope::default(),
            number: None,
            base_number: None,
            authority_key_id: None,
            problem: None,
            defect: None,
            index: OnceLock::new(),
        };
        crl.read_extensions();
        if !fields.is_empty() || !parts.is_empty() {
            crl.problem = Some("elements behind the end".into());
        }
        if version.is_none() && !crl.extensions.is_empty() {
            crl.problem = Some("extensions in a CRL of version 1".into());
        }
        if version.is_some_and(|v| v.contents != [1]) {
            crl.problem = Some("a version other than 1 and 2".into());
        }
        if ![&whole, &tbs, &outer, &inner].into_iter().all(der_header) || !strict_dates {
            crl.problem = Some("an encoding that is not DER".into());
        }
        if crl.inner_algorithm != crl.outer_algorithm {
            crl.problem = Some("a signature algorithm that differs inside and outside".into());
        }
        Ok(crl)
    }

    fn read_extensions(&mut self) {
        let list = std::mem::take(&mut self.extensions);
        let issuer = self.issuer;
        for (i, extension) in list.iter().enumerate() {
            let name = extension.id.name();
            let mut fail = |e: Malformed| self.problem = Some(format!("{name}: {}", e.what));
            if list[..i].iter().any(|before| before.id == extension.id) {
                fail(Malformed::new(0, "stands twice"));
            }
            match extension.id.0 {
                oid::ISSUING_DISTRIBUTION_POINT => match Scope::read(extension.value, &issuer) {
                    Ok(scope) => self.scope = scope,
                    Err(e) => fail(e),
                },
                oid::CRL_NUMBER => {
                    match number(extension.value) {
                        Ok(n) => self.number = Some(n),
                        Err(e) => fail(e),
                    }
                    if extension.critical {
                        self.defect = Some("cRLNumber is critical");
                    }
                }
                oid::DELTA_CRL_INDICATOR => match number(extension.value) {
                    Ok(n) => self.base_number = Some(n),
                    Err(e) => fail(e),
                },
                oid::AUTHORITY_KEY_IDENTIFIER => {
                    if let Ok(id) = extensions::authority_key_id(extension.value) {
                        self.authority_key_id = id.key_id.map(<[u8]>::to_vec);
                    }
                }
                _ if extension.critical => {
                    fail(Malformed::new(0, "a critical extension that is not processed"));
                }
                _ => {}
            }
        }
        if self.number.is_none() && self.defect.is_none() && self.problem.is_none() {
            self.defect = Some("no cRLNumber");
        }
        self.extensions = list;
    }

    /// The CRL's own bytes.
    #[must_use]
    pub fn der(&self) -> &'m [u8] {
        self.der
    }

    /// SHA-256 of [`Crl::der`].
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Who issued it.
    #[must_use]
    pub fn issuer(&self) -> Name<'m> {
        self.issuer
    }

    /// When it was issued.
    #[must_use]
    pub fn this_update(&self) -> UnixTime {
        self.this_update
    }

    /// When the next one is due at the latest.
    #[must_use]
    pub fn next_update(&self) -> Option<UnixTime> {
        self.next_update
    }

    /// Whether it lists changes only (RFC 5280 section 5.2.4).
    #[must_use]
    pub fn is_delta(&self) -> bool {
        self.base_number.is_some()
    }

    pub(super) fn issuer_key(&self) -> &NameKey {
        &self.issuer_key
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(super) fn authority_key_id(&self) -> Option<&[u8]> {
        self.authority_key_id.as_deref()
    }

    /// Why it must not be used to say that a certificate is good.
    pub(super) fn problem(&self) -> Option<String> {
        self.problem.clone().or_else(|| self.index().problem.clone())
    }

    pub(super) fn defect(&self) -> Option<&'static str> {
        self.defect
    }

    /// What a signature check needs: algorithm, message, signature.
    pub(super) fn signed(&self) -> (SignatureAlgorithm<'m>, &'m [u8], &'m [u8]) {
        (SignatureAlgorithm::new(self.outer_algorithm), self.tbs, self.signature)
    }

    /// Whether this delta can be applied to that complete CRL (RFC 5280 section 6.3.3 (c)).
    pub(super) fn updates(&self, complete: &Crl<'_>) -> bool {
        match (&self.base_number, &self.number, &complete.number) {
            (Some(base), Some(own), Some(theirs)) => {
                let order = |n: &Vec<u8>| (n.len(), n.clone());
                self.issuer_key == complete.issuer_key
                    && self.authority_key_id == complete.authority_key_id
                    && self.scope == complete.scope
                    && order(theirs) >= order(base)
                    && order(theirs) <= order(own)
            }
            _ => false,
        }
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::build(self.entries, self.scope.indirect))
    }

    /// The entry for a serial number of an issuer. The last of several wins, as in a log; but one that
    /// removes does not hide one that lists.
    pub(super) fn find(&self, issuer: &NameKey, serial: &[u8]) -> Option<Entry> {
        let index = self.index();
        let serial = minimal(serial);
        let mask = index.table.len() - 1;
        let mut slot = index.hasher.hash_one(serial) as usize & mask;
        let mut found: Option<(u32, Entry)> = None;
        while let Some(&place) = index.table.get(slot).filter(|place| **place != 0) {
            slot = (slot + 1) & mask;
            let at = place - 1;
            let Ok(entry) = tlv::first(self.entries.get(at as usize..).unwrap_or_default()) else { continue };
            let mut parts = Walker::new(entry.contents);
            if !parts.next().is_ok_and(|own| minimal(own.contents) == serial) {
                continue;
            }
            let owner = index.issuers.partition_point(|(from, _)| *from <= at).checked_sub(1);
            let ours = match owner.and_then(|i| index.issuers.get(i)) {
                Some((_, names)) => names.contains(issuer),
                None => self.issuer_key == *issuer,
            };
            if !ours {
                continue;
            }
            let date = parts.next().ok().and_then(|e| time::read(&e)).map(|(at, _)| at);
            let one = Entry { date, reason: reason(parts) };
            let weight = |at: u32, entry: &Entry| (entry.reason != REMOVE_FROM_CRL, at);
            if found.as_ref().is_none_or(|(before, entry)| weight(*before, entry) < weight(at, &one)) {
                found = Some((at, one));
            }
        }
        found.map(|(_, entry)| entry)
    }
}

fn reason(mut parts: Walker<'_>) -> u8 {
    let Ok(Some(list)) = parts.optional(tag::SEQUENCE) else { return 0 };
    let Ok(list) = extensions::read_list(list.contents, 0) else { return 0 };
    list.iter()
        .find(|e| e.id.0 == oid::REASON_CODE)
        .and_then(|e| match e.value {
            [0x0a, 1, code] => Some(*code),
            _ => None,
        })
        .unwrap_or(0)
}

impl Index {
    /// Every entry whose serial number can be read is found, whatever else is wrong.
    fn build(entries: &[u8], indirect: bool) -> Self {
        // An entry has at least a serial and a UTCTime: 2 + 3 + 15 octets; read to know the number.
        let mut offsets = Vec::new();
        let mut issuers = Vec::new();
        let mut problem: Option<String> = None;
        let hasher = RandomState::new();
        let mut walker = Walker::new(entries);
        while !walker.is_empty() {
            let at = walker.offset();
            let bad = |what: String| format!("revoked certificates, byte {at}: {what}");
            let entry = match walker.expect(tag::SEQUENCE) {
                Ok(entry) => entry,
                Err(e) => {
                    problem.get_or_insert(bad(e.to_string()));
                    break;
                }
            };
            let mut parts = Walker::new(entry.contents);
            let read = parts.expect(tag::INTEGER).map_err(Malformed::from).and_then(|serial| {
                offsets.push((at as u32 + 1, hasher.hash_one(minimal(serial.contents))));
                if !der_header(&entry) || !der_header(&serial) {
                    problem.get_or_insert(bad("an entry that is not DER".into()));
                }
                parts.next()?;
                let list = parts.optional(tag::SEQUENCE)?;
                extensions::end(&parts)?;
                list.map_or(Ok(Vec::new()), |list| extensions::read_list(list.contents, 0))
            });
            let list = match read {
                Ok(list) => list,
                Err(e) => {
                    problem.get_or_insert(bad(e.what));
                    if indirect {
                        // Whose entries follow is not known: nobody's.
                        issuers.push((at as u32, Vec::new()));
                    }
                    continue;
                }
            };
            for extension in &list {
                match extension.id.0 {
                    oid::CERTIFICATE_ISSUER => {
                        let names = extensions::general_names(extension.value).unwrap_or_else(|e| {
                            problem.get_or_insert(bad(format!("certificateIssuer: {}", e.what)));
                            Vec::new()
                        });
                        let keys = names.iter().filter_map(|n| match n {
                            GeneralName::Directory(name) => Some(name.key()),
                            _ => None,
                        });
                        issuers.push((at as u32, keys.collect::<Vec<_>>()));
                        if !indirect {
                            problem
                                .get_or_insert(bad("certificateIssuer in a CRL that is not indirect".into()));
                        }
                    }
                    oid::REASON_CODE | oid::INVALIDITY_DATE | oid::HOLD_INSTRUCTION => {}
                    _ if extension.critical => {
                        problem.get_or_insert(bad("a critical entry extension that is not processed".into()));
                    }
                    _ => {}
                }
            }
        }
        let size = (offsets.len() * 2).next_power_of_two().max(2);
        let mut table = vec![0u32; size];
        for (place, hash) in offsets {
            let mut slot = hash as usize & (size - 1);
            while table[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            table[slot] = place;
        }
        Self { table, hasher, issuers, problem }
    }
}

impl Scope {
    fn read(value: &[u8], issuer: &Name<'_>) -> Result<Self, Malformed> {
        let mut parts = Walker::new(extensions::sequence(value)?.contents);
        let mut scope = Self::default();
        if let Some(name) = parts.optional(0xa0)? {
            let name = distribution_point_name(name.contents)?;
            scope.names = Some(point_keys(&name, issuer));
        }
        let mut flag = |tag| -> Result<bool, Malformed> {
            Ok(match parts.optional(tag)? {
                Some(element) => boolean(&element)?,
                None => false,
            })
        };
        scope.only_user = flag(0x81)?;
        scope.only_ca = flag(0x82)?;
        let reasons = parts.optional(0x83)?.map(|e| named_bits(e.contents)).transpose()?;
        scope.reasons = reasons.map(|bits| bits & Reasons::ALL.0);
        let mut flag = |tag| -> Result<bool, Malformed> {
            Ok(match parts.optional(tag)? {
                Some(element) => boolean(&element)?,
                None => false,
            })
        };
        scope.indirect = flag(0x84)?;
        scope.only_attribute = flag(0x85)?;
        extensions::end(&parts)?;
        if u8::from(scope.only_user) + u8::from(scope.only_ca) + u8::from(scope.only_attribute) > 1 {
            return Err(Malformed::new(0, "more than one of onlyContains…"));
        }
        Ok(scope)
    }
}

/// Comparable bytes of a distribution point's names; a relative name is completed by `issuer`.
pub(super) fn point_keys(name: &DistributionPointName<'_>, issuer: &Name<'_>) -> Vec<Vec<u8>> {
    match name {
        DistributionPointName::Full(names) => names.iter().map(general_key).collect(),
        DistributionPointName::Relative(rdn) => {
            let base = tlv::first(issuer.raw()).map(|e| e.contents).unwrap_or_default();
            let set = wrap(tag::SET, rdn);
            let whole = wrap(tag::SEQUENCE, &[base, &set].concat());
            vec![general_key(&GeneralName::Directory(Name::new(&whole)))]
        }
    }
}

/// Comparable bytes of one general name: directory names by RFC 5280 section 7.1, others exactly.
pub(super) fn general_key(name: &GeneralName<'_>) -> Vec<u8> {
    let mut key = name.form().as_bytes().to_vec();
    key.push(0);
    match name {
        GeneralName::Directory(name) => key.extend(name.key().0),
        GeneralName::Rfc822(v) | GeneralName::Dns(v) | GeneralName::Uri(v) | GeneralName::Ip(v) => {
            key.extend_from_slice(v);
        }
        GeneralName::X400(v) | GeneralName::EdiParty(v) => key.extend_from_slice(v),
        GeneralName::RegisteredId(id) => key.extend_from_slice(id.0),
        GeneralName::Other(id, v) => {
            key.extend_from_slice(id.0);
            key.extend_from_slice(v);
        }
    }
    key
}

fn wrap(identifier: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut out = vec![identifier];
    let octets = length.to_be_bytes();
    let significant = &octets[octets.iter().position(|b| *b != 0).unwrap_or(octets.len() - 1)..];
    if length >= 0x80 {
        out.push(0x80 | significant.len() as u8);
    }
    out.extend_from_slice(significant);
    out.extend_from_slice(contents);
    out
}

/// A CRL number as big-endian octets without leading zeros.
fn number(value: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut walker = Walker::new(value);
    let integer = walker.expect(tag::INTEGER)?.contents;
    extensions::end(&walker)?;
    if integer.first().is_none_or(|b| b & 0x80 != 0) {
        return Err(Malformed::new(0, "a number that is not positive"));
    }
    let start = integer.iter().position(|b| *b != 0).unwrap_or(integer.len());
    Ok(integer[start..].to_vec())
}

/// A serial number without needless leading octets, so that BER and DER writings meet.
fn minimal(mut serial: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = serial {
        match rest.first() {
            Some(next) if next & 0x80 == 0 => serial = rest,
            _ => break,
        }
    }
    serial
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn entry(serial: &[u8], extensions: &[u8]) -> Vec<u8> {
        let date = [&[0x17, 13][..], b"240101000000Z"].concat();
        let list = if extensions.is_empty() { Vec::new() } else { wrap(0x30, extensions) };
        wrap(0x30, &[wrap(2, serial), date, list].concat())
    }

    fn crl(entries: &[u8]) -> Vec<u8> {
        let algorithm = [0x30, 2, 5, 0];
        let date = [&[0x17, 13][..], b"240101000000Z"].concat();
        let tbs = wrap(
            0x30,
            &[vec![2, 1, 1], algorithm.to_vec(), vec![0x30, 0], date, wrap(0x30, entries)].concat(),
        );
        wrap(0x30, &[tbs, algorithm.to_vec(), vec![3, 1, 0]].concat())
    }

    #[test]
    fn serials_are_found_in_place() {
        let reason = wrap(0x30, &[wrap(6, oid::REASON_CODE), wrap(4, &[0x0a, 1, 6])].concat());
        let mut entries = Vec::new();
        for n in 0..1000u32 {
            entries.extend(entry(&(n * 7 + 1).to_be_bytes(), &[]));
        }
        entries.extend(entry(&[0x7f, 1, 2, 3, 4, 5], &reason));
        let der = crl(&entries);
        let crl = Crl::parse(&der).unwrap();
        let issuer = crl.issuer().key();
        let found = crl.find(&issuer, &[0x7f, 1, 2, 3, 4, 5]).unwrap();
        assert_eq!((found.reason, found.reason_name()), (6, "certificateHold"));
        assert_eq!(found.date.unwrap().to_string(), "2024-01-01T00:00:00Z");
        assert!(crl.find(&issuer, &8u32.to_be_bytes()).is_some());
        assert!(crl.find(&issuer, &[8]).is_some(), "needless octets do not hide an entry");
        assert!(crl.find(&issuer, &[9]).is_none());
        assert!(crl.find(&NameKey(vec![1]), &[8]).is_none(), "another issuer's certificate");
        assert_eq!(crl.problem(), None);
    }

    #[test]
    fn what_is_critical_and_unknown_is_a_problem() {
        let unknown = wrap(0x30, &[wrap(6, &[0x55, 0x1d, 99]), vec![1, 1, 0xff], wrap(4, &[5, 0])].concat());
        let der = crl(&entry(&[1], &unknown));
        let crl = Crl::parse(&der).unwrap();
        assert!(crl.problem().unwrap().contains("critical"));
        assert!(crl.find(&crl.issuer().key(), &[1]).is_some(), "and still lists the serial");
        let der = super::tests::crl(&[0x30, 3, 4, 1, 0]);
        assert!(Crl::parse(&der).unwrap().problem().is_some());
        assert!(Crl::parse(&[0x30, 0]).is_err());
    }
}
