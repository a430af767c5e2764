//! Finds the [`Defect`]s of a certificate.

use super::der::minimal;
use super::extensions::{self, Decoded, KeyUsage, Malformed};
use super::general_name::GeneralName;
use super::key::{Curve, KeyKind};
use super::time::TimeForm;
use super::tlv::{Walker, tag};
use super::{Certificate, Defect, DefectCode as C, address, name, oid};

/// All defects, in byte order.
pub(super) fn run(certificate: &Certificate<'_>) -> Vec<Defect> {
    let mut out = Vec::new();
    frame(certificate, &mut out);
    criticality(certificate, &mut out);
    values(certificate, &mut out);
    usage(certificate, &mut out);
    names(certificate, &mut out);
    key(certificate, &mut out);
    out.sort_by_key(|defect| (defect.offset, defect.code));
    out
}

fn frame(c: &Certificate<'_>, out: &mut Vec<Defect>) {
    let mut add = |code, offset, found: String, required, section| {
        out.push(Defect::new(code, offset, found, required, section));
    };
    if c.inner_algorithm != c.outer_algorithm {
        add(
            C::AlgorithmMismatch,
            c.offset_of(c.outer_algorithm),
            format!(
                "{} inside, {} outside",
                c.inner_signature_algorithm().name(),
                c.signature_algorithm().name()
            ),
            "the same algorithm in both places",
            "RFC 5280 section 4.1.1.2",
        );
    }
    let version = c.version();
    if !(1..=3).contains(&version)
        || (c.has_extensions_field() && version != 3)
        || (c.has_unique_ids() && version == 1)
    {
        let with = if c.has_extensions_field() { "extensions" } else { "no extensions" };
        add(
            C::VersionMismatch,
            c.offset_of(c.tbs),
            format!("version {version} with {with}"),
            "version 3 where there are extensions, at least 2 where there are unique identifiers",
            "RFC 5280 section 4.1.2.1",
        );
    }
    if c.has_unique_ids() {
        let section = "RFC 5280 section 4.1.2.8";
        add(C::UniqueIdentifier, c.offset_of(c.spki), "a unique identifier".into(), "none", section);
    }
    let serial_at = c.offset_of(c.serial);
    if c.serial.first().is_none_or(|b| b & 0x80 != 0) || c.serial.iter().all(|b| *b == 0) {
        let found = if c.serial.is_empty() { "no octets".to_owned() } else { c.serial_hex() };
        add(C::SerialNotPositive, serial_at, found, "a positive integer", "RFC 5280 section 4.1.2.2");
    }
    if c.serial.len() > 20 {
        let found = format!("{} octets", c.serial.len());
        add(C::SerialTooLong, serial_at, found, "at most 20 octets", "RFC 5280 section 4.1.2.2");
    }
    if let Err(e) = c.check_der() {
        add(C::NotDer, e.offset, e.what, "DER", "RFC 5280 section 4.1, X.690 section 10");
    }
    if c.time_forms().contains(&TimeForm::GeneralizedTooEarly) {
        let found = format!("{} to {}", c.not_before(), c.not_after());
        let required = "UTCTime until 2049";
        add(C::TimeForm, c.offset_of(c.issuer.raw()), found, required, "RFC 5280 section 4.1.2.5");
    }
    if c.not_after() < c.not_before() {
        let found = format!("{} to {}", c.not_before(), c.not_after());
        let required = "notAfter not before notBefore";
        add(C::TimeForm, c.offset_of(c.issuer.raw()), found, required, "RFC 5280 section 4.1.2.5");
    }
    if let Some(at) = c.leftover() {
        let required = "the end of the structure";
        add(C::TrailingBytes, at, "an element too many".into(), required, "RFC 5280 section 4.1");
    }
    if !c.trailing().is_empty() {
        let found = format!("{} bytes", c.trailing().len());
        add(C::TrailingBytes, c.der().len(), found, "the end", "RFC 5280 section 4.1");
    }
    if c.issuer().is_empty() {
        let at = c.offset_of(c.issuer.raw());
        add(C::EmptyIssuer, at, "an empty name".into(), "a distinguished name", "RFC 5280 section 4.1.2.4");
    }
    let san_critical = matches!(c.subject_alt_name(), Decoded::Present { critical: true, .. });
    if c.subject().is_empty() && (c.is_ca() || !san_critical) {
        add(
            C::EmptySubject,
            c.offset_of(c.subject.raw()),
            "an empty name".into(),
            "a distinguished name, or a critical subjectAltName in a certificate that is no CA",
            "RFC 5280 section 4.1.2.6",
        );
    }
}

/// Extensions that must be critical (true) or must not be (false), RFC 5280 section 4.2.
const CRITICALITY: &[(&[u8], bool, &str)] = &[
    (oid::AUTHORITY_KEY_IDENTIFIER, false, "RFC 5280 section 4.2.1.1"),
    (oid::SUBJECT_KEY_IDENTIFIER, false, "RFC 5280 section 4.2.1.2"),
    (oid::KEY_USAGE, true, "RFC 5280 section 4.2.1.3"),
    (oid::POLICY_MAPPINGS, true, "RFC 5280 section 4.2.1.5"),
    (oid::ISSUER_ALT_NAME, false, "RFC 5280 section 4.2.1.7"),
    (oid::SUBJECT_DIRECTORY_ATTRIBUTES, false, "RFC 5280 section 4.2.1.8"),
    (oid::NAME_CONSTRAINTS, true, "RFC 5280 section 4.2.1.10"),
    (oid::POLICY_CONSTRAINTS, true, "RFC 5280 section 4.2.1.11"),
    (oid::CRL_DISTRIBUTION_POINTS, false, "RFC 5280 section 4.2.1.13"),
    (oid::INHIBIT_ANY_POLICY, true, "RFC 5280 section 4.2.1.14"),
    (oid::FRESHEST_CRL, false, "RFC 5280 section 4.2.1.15"),
    (oid::AUTHORITY_INFO_ACCESS, false, "RFC 5280 section 4.2.2.1"),
    (oid::SUBJECT_INFO_ACCESS, false, "RFC 5280 section 4.2.2.2"),
];

fn criticality(c: &Certificate<'_>, out: &mut Vec<Defect>) {
    for extension in c.extensions() {
        if let Some((_, must, section)) = CRITICALITY.iter().find(|(id, ..)| extension.id.is(id))
            && extension.critical != *must
        {
            let found = format!(
                "{} is {}",
                extension.id.name(),
                if extension.critical { "critical" } else { "not critical" }
            );
            let required = if *must { "critical" } else { "not critical" };
            out.push(Defect::new(C::Criticality, extension.offset, found, required, section));
        }
        let id = extension.id.0;
        if id == oid::BASIC_CONSTRAINTS && !extension.critical && c.is_ca() {
            let found = "basicConstraints of a CA is not critical";
            let section = "RFC 5280 section 4.2.1.9";
            out.push(Defect::new(C::Criticality, extension.offset, found, "critical", section));
        }
        if id == oid::SUBJECT_ALT_NAME && extension.critical != c.subject().is_empty() {
            let found = if extension.critical {
                "a critical subjectAltName beside a subject"
            } else {
                "a subjectAltName that is not critical beside an empty subject"
            };
            let required = "critical exactly when the subject is empty";
            let section = "RFC 5280 section 4.2.1.6";
            out.push(Defect::new(C::Criticality, extension.offset, found, required, section));
        }
        if extension.critical && !extensions::is_processed(extension.id) {
            let found = extension.id.name();
            let required = "an extension that is processed, or one that is not critical";
            let section = "RFC 5280 section 4.2";
            out.push(Defect::new(C::UnknownCriticalExtension, extension.offset, found, required, section));
        }
    }
    if let Some(twice) = c.duplicate_extension() {
        let section = "RFC 5280 section 4.2";
        out.push(Defect::new(C::DuplicateExtension, twice.offset, twice.id.name(), "one of a kind", section));
    }
}

/// What the values of extensions say, or fail to say.
fn values(c: &Certificate<'_>, out: &mut Vec<Defect>) {
    out.extend(c.broken_extension().map(Defect::undecodable));
    for extension in c.extensions() {
        let value = extension.value;
        let at = |e: Malformed| {
            Malformed::new(c.offset_of(value) + e.offset, format!("{}: {}", extension.id.name(), e.what))
        };
        let empty = |section| {
            let found = format!("{} is empty", extension.id.name());
            Defect::new(C::EmptyExtension, extension.offset, found, "at least one element", section)
        };
        let policy = |found: &str, required, section| {
            Defect::new(C::MalformedPolicy, extension.offset, found.to_owned(), required, section)
        };
        let read: Result<(), Malformed> = match extension.id.0 {
            oid::BASIC_CONSTRAINTS => extensions::basic_constraints(value).map(drop),
            oid::KEY_USAGE => extensions::key_usage(value).map(|bits| {
                if bits.0 == 0 {
                    out.push(empty("RFC 5280 section 4.2.1.3"));
                }
                let unused = value.get(2).copied().unwrap_or(0).min(7);
                if bits.0 != 0 && value.last().is_some_and(|last| last >> unused & 1 == 0) {
                    let required = "no zero bits at the end";
                    let section = "X.690 section 11.2.2";
                    out.push(Defect::new(C::PaddedBits, extension.offset, "keyUsage", required, section));
                }
                if value.len() > 5 {
                    let required = "at most nine bits";
                    let found = format!("keyUsage of {} octets", value.len());
                    let section = "RFC 5280 section 4.2.1.3";
                    out.push(Defect::new(
                        C::UndecodableExtension,
                        extension.offset,
                        found,
                        required,
                        section,
                    ));
                }
            }),
            oid::EXT_KEY_USAGE => extensions::extended_key_usage(value).map(|all| {
                if extension.critical && all.iter().any(|id| id.0 == oid::ANY_EXTENDED_KEY_USAGE) {
                    let found = "critical with anyExtendedKeyUsage";
                    let section = "RFC 5280 section 4.2.1.12";
                    out.push(Defect::new(C::Criticality, extension.offset, found, "not critical", section));
                }
            }),
            oid::SUBJECT_ALT_NAME | oid::ISSUER_ALT_NAME => extensions::general_names(value).map(|all| {
                if all.is_empty() {
                    out.push(empty("RFC 5280 section 4.2.1.6"));
                }
                all.iter().for_each(|name| general_name(name, extension.offset, out));
            }),
            oid::SUBJECT_KEY_IDENTIFIER => extensions::subject_key_id(value).map(drop),
            oid::AUTHORITY_KEY_IDENTIFIER => extensions::authority_key_id(value).map(|id| {
                if id.key_id.is_none() || id.issuer.is_empty() != id.serial.is_none() {
                    let found =
                        "authorityKeyIdentifier without keyIdentifier, or with half a name and serial";
                    let section = "RFC 5280 section 4.2.1.1";
                    let required = "keyIdentifier; name and serial only together";
                    out.push(Defect::new(C::KeyIdentifier, extension.offset, found, required, section));
                }
                id.issuer.iter().for_each(|name| general_name(name, extension.offset, out));
            }),
            oid::CERTIFICATE_POLICIES => extensions::policies(value).map(|all| {
                let section = "RFC 5280 section 4.2.1.4";
                if all.iter().enumerate().any(|(i, p)| all[..i].iter().any(|q| q.id == p.id)) {
                    out.push(policy("a policy stands twice", "each policy once", section));
                }
                for p in &all {
                    if let Some(found) = qualifiers(p.qualifiers, p.id.0 == oid::ANY_POLICY) {
                        out.push(policy(
                            found,
                            "CPS pointer or user notice of at most 200 characters",
                            section,
                        ));
                    }
                }
            }),
            oid::POLICY_MAPPINGS => extensions::policy_mappings(value).map(|all| {
                let section = "RFC 5280 section 4.2.1.5";
                if all.iter().any(|(a, b)| a.0 == oid::ANY_POLICY || b.0 == oid::ANY_POLICY) {
                    out.push(policy("anyPolicy is mapped", "no mapping to or from anyPolicy", section));
                }
                let own = c.policies().into_value().unwrap_or_default();
                if all.iter().any(|(a, _)| !own.iter().any(|p| p.id == *a)) {
                    let required = "every mapped policy in certificatePolicies";
                    out.push(policy(
                        "a policy is mapped that the certificate does not have",
                        required,
                        section,
                    ));
                }
            }),
            oid::POLICY_CONSTRAINTS => extensions::policy_constraints(value).map(|both| {
                if both.require_explicit.is_none() && both.inhibit_mapping.is_none() {
                    out.push(empty("RFC 5280 section 4.2.1.11"));
                }
            }),
            oid::INHIBIT_ANY_POLICY => extensions::inhibit_any_policy(value).map(drop),
            oid::NAME_CONSTRAINTS => extensions::name_constraints(value).map(|all| {
                let section = "RFC 5280 section 4.2.1.10";
                if all.permitted.is_empty() && all.excluded.is_empty() {
                    out.push(empty(section));
                }
                for tree in all.permitted.iter().chain(&all.excluded) {
                    let bad = match tree.base {
                        GeneralName::Ip(ip) => !matches!(ip.len(), 8 | 32) || !mask_ok(ip),
                        GeneralName::Dns(dns) => dns.first() == Some(&b'.') || !dns_ok(dns, true),
                        GeneralName::Rfc822(mail) => !mail_constraint_ok(mail),
                        GeneralName::RegisteredId(_) => true,
                        _ => false,
                    };
                    if bad || tree.bounded {
                        let found = format!("{} {}", tree.base.form(), tree.base.display());
                        let required =
                            "a subtree that path processing can apply, without minimum and maximum";
                        out.push(Defect::new(C::MalformedName, extension.offset, found, required, section));
                    }
                }
            }),
            oid::CRL_DISTRIBUTION_POINTS | oid::FRESHEST_CRL => {
                extensions::distribution_points(value).map(|all| {
                    if all.iter().any(|p| p.name.is_none() && p.crl_issuer.is_empty()) {
                        let found = "a distribution point without name and issuer";
                        let section = "RFC 5280 section 4.2.1.13";
                        let required = "a name or an issuer";
                        out.push(Defect::new(C::MalformedName, extension.offset, found, required, section));
                    }
                })
            }
            oid::AUTHORITY_INFO_ACCESS | oid::SUBJECT_INFO_ACCESS => access(value).map(|n| {
                if n == 0 {
                    out.push(empty("RFC 5280 section 4.2.2.1"));
                }
            }),
            oid::SUBJECT_DIRECTORY_ATTRIBUTES => extensions::sequence(value).map(|all| {
                if all.contents.is_empty() {
                    out.push(empty("RFC 5280 section 4.2.1.8"));
                }
            }),
            oid::CT_SCTS => scts(value),
            oid::CT_POISON => {
                let found = "the poison of a precertificate";
                let section = "RFC 6962 section 3.1";
                out.push(Defect::new(C::Misplaced, extension.offset, found, "a final certificate", section));
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(e) = read {
            out.push(Defect::undecodable(&at(e)));
        }
    }
}

fn access(value: &[u8]) -> Result<usize, Malformed> {
    let mut walker = Walker::new(extensions::sequence(value)?.contents);
    let mut count = 0;
    while !walker.is_empty() {
        let mut pair = Walker::new(walker.expect(tag::SEQUENCE)?.contents);
        pair.expect(tag::OID)?;
        let location = pair.next()?;
        if GeneralName::read(&location).is_none() {
            return Err(Malformed::new(walker.offset(), "an access location that is no general name"));
        }
        extensions::end(&pair)?;
        count += 1;
    }
    Ok(count)
}

/// SignedCertificateTimestampList (RFC 6962 section 3.3): an OCTET STRING with counted lists inside.
fn scts(value: &[u8]) -> Result<(), Malformed> {
    let mut walker = Walker::new(value);
    let list = walker.expect(tag::OCTET_STRING)?.contents;
    extensions::end(&walker)?;
    let length = |bytes: &[u8]| bytes.first_chunk::<2>().map(|n| usize::from(u16::from_be_bytes(*n)));
    let wrong = || Malformed::new(2, "a list of timestamps whose lengths do not add up");
    if length(list) != Some(list.len().wrapping_sub(2)) {
        return Err(wrong());
    }
    let mut rest = &list[2..];
    while !rest.is_empty() {
        let n = length(rest).ok_or_else(wrong)?;
        rest = rest.get(2 + n..).ok_or_else(wrong)?;
    }
    Ok(())
}

/// Whether every policy qualifier is a CPS pointer or a user notice, the two of RFC 5280.
pub(crate) fn known_qualifiers(contents: &[u8]) -> bool {
    let mut walker = Walker::new(contents);
    while !walker.is_empty() {
        let Ok(one) = walker.expect(tag::SEQUENCE) else { return false };
        match Walker::new(one.contents).expect(tag::OID) {
            Ok(id) if matches!(id.contents, CPS | NOTICE) => {}
            _ => return false,
        }
    }
    true
}

/// id-qt-cps
const CPS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 2, 1];
/// id-qt-unotice
const NOTICE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 2, 2];

/// Policy qualifiers that are not as RFC 5280 section 4.2.1.4 wants them.
fn qualifiers(contents: &[u8], any_policy: bool) -> Option<&'static str> {
    let mut walker = Walker::new(contents);
    while !walker.is_empty() {
        let Ok(one) = walker.expect(tag::SEQUENCE) else { return Some("unreadable qualifiers") };
        let mut parts = Walker::new(one.contents);
        let Ok(id) = parts.expect(tag::OID) else { return Some("unreadable qualifiers") };
        if id.contents == NOTICE {
            let Ok(notice) = parts.expect(tag::SEQUENCE) else { return Some("an unreadable user notice") };
            let mut inside = Walker::new(notice.contents);
            if inside.optional(tag::SEQUENCE).is_err() {
                return Some("an unreadable user notice");
            }
            if let Ok(text) = inside.next() {
                match name::text(text.tag, text.contents) {
                    None => return Some("a user notice that is no text"),
                    Some(words) if words.chars().count() > 200 => {
                        return Some("a user notice that is too long");
                    }
                    Some(words) if words.chars().any(char::is_control) => {
                        return Some("a user notice with control characters");
                    }
                    Some(_) if !matches!(text.tag, tag::UTF8_STRING | tag::IA5_STRING) => {
                        return Some("a user notice in a string type other than UTF8String and IA5String");
                    }
                    Some(_) => {}
                }
            }
        } else if any_policy && id.contents != CPS {
            return Some("anyPolicy with a qualifier of its own");
        }
    }
    None
}

/// keyUsage, basicConstraints, key identifiers against each other.
fn usage(c: &Certificate<'_>, out: &mut Vec<Defect>) {
    let mut add = |code, offset, found: &str, required, section| {
        out.push(Defect::new(code, offset, found.to_owned(), required, section));
    };
    let place = |id: &[u8]| c.extensions().iter().find(|e| e.id.is(id)).map_or(0, |e| e.offset);
    let constraints = c.basic_constraints();
    let (ca, path_len) = constraints.value().map_or((false, None), |b| (b.ca, b.path_len));
    let cert_sign = c.key_usage().value().map(|bits| bits.has(KeyUsage::KEY_CERT_SIGN));
    if cert_sign == Some(true) && !ca {
        let section = "RFC 5280 section 4.2.1.3";
        add(
            C::Misplaced,
            place(oid::KEY_USAGE),
            "keyCertSign without cA",
            "keyCertSign only in a CA",
            section,
        );
    }
    if ca && cert_sign == Some(false) {
        let section = "RFC 5280 section 4.2.1.9";
        add(C::Misplaced, place(oid::KEY_USAGE), "cA without keyCertSign", "keyCertSign in a CA", section);
    }
    if path_len.is_some() && (!ca || cert_sign == Some(false)) {
        let section = "RFC 5280 section 4.2.1.9";
        let required = "pathLenConstraint only beside cA and keyCertSign";
        add(C::Misplaced, place(oid::BASIC_CONSTRAINTS), "a pathLenConstraint", required, section);
    }
    if !ca {
        let id = oid::NAME_CONSTRAINTS;
        if c.extensions().iter().any(|e| e.id.is(id)) {
            let section = "RFC 5280 section 4.2.1.10";
            add(C::Misplaced, place(id), "nameConstraints in no CA", "nameConstraints only in a CA", section);
        }
    }
    if c.version() == 3 && c.has_extensions_field() {
        if c.authority_key_id().is_absent() && !c.is_self_issued() {
            let section = "RFC 5280 section 4.2.1.1";
            add(C::KeyIdentifier, 0, "no authorityKeyIdentifier", "one, unless self-signed", section);
        }
        if ca && c.subject_key_id().is_absent() {
            add(C::KeyIdentifier, 0, "a CA without subjectKeyIdentifier", "one", "RFC 5280 section 4.2.1.2");
        }
        if constraints.is_absent() && c.is_self_issued() && cert_sign != Some(false) {
            let section = "RFC 5280 section 4.2.1.9";
            add(C::Misplaced, 0, "a self-issued certificate without basicConstraints", "cA in a CA", section);
        }
    }
}

fn names(c: &Certificate<'_>, out: &mut Vec<Defect>) {
    for (which, name) in [("issuer", c.issuer()), ("subject", c.subject())] {
        let mut add = |found: String, required| {
            let section = "RFC 5280 section 4.1.2.4";
            out.push(Defect::new(C::MalformedName, c.offset_of(name.raw()), found, required, section));
        };
        if !name.is_well_formed() {
            add(format!("the {which} is no readable name"), "a sequence of sets of attributes");
        }
        let _ = name.try_attributes(|attribute| {
            let printable = |b: &u8| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(b);
            match attribute.tag {
                tag::PRINTABLE_STRING if !attribute.value.iter().all(printable) => {
                    add(
                        format!("{which} {} has characters that are not printable", attribute.kind.name()),
                        "PrintableString with its own characters only",
                    );
                }
                tag::T61_STRING | tag::UNIVERSAL_STRING => {
                    add(
                        format!("{which} {} is TeletexString or UniversalString", attribute.kind.name()),
                        "UTF8String or PrintableString",
                    );
                }
                _ if attribute.text().is_none() && (0x0c..=0x1e).contains(&attribute.tag) => {
                    add(
                        format!("{which} {} is no text of its type", attribute.kind.name()),
                        "text of the string type",
                    );
                }
                _ => {}
            }
        });
    }
}

fn general_name(name: &GeneralName<'_>, offset: usize, out: &mut Vec<Defect>) {
    let ok = match name {
        GeneralName::Rfc822(mail) => {
            mail.is_ascii()
                && std::str::from_utf8(mail)
                    .is_ok_and(|text| address::Address::parse(text).is_ok() && text.trim() == text)
        }
        GeneralName::Dns(dns) => dns_ok(dns, false),
        GeneralName::Uri(uri) => uri_ok(uri),
        GeneralName::Ip(ip) => matches!(ip.len(), 4 | 16),
        GeneralName::Directory(name) => name.is_well_formed(),
        GeneralName::Other(kind, _) if matches!(kind.0, oid::UPN | oid::SMTP_UTF8_MAILBOX) => {
            name.other_text().is_some()
        }
        _ => true,
    };
    if !ok {
        let found = format!("{} {:?}", name.form(), name.display());
        let required = "a name as its form demands";
        out.push(Defect::new(C::MalformedName, offset, found, required, "RFC 5280 section 4.2.1.6"));
    }
}

fn dns_ok(dns: &[u8], constraint: bool) -> bool {
    let label_ok = |label: &[u8]| {
        (1..=63).contains(&label.len())
            && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && label.first() != Some(&b'-')
            && label.last() != Some(&b'-')
    };
    if dns.is_empty() {
        return constraint;
    }
    let rest = if constraint { dns } else { dns.strip_prefix(b"*.").unwrap_or(dns) };
    rest.len() <= 253 && rest.split(|b| *b == b'.').all(label_ok)
}

fn mail_constraint_ok(mail: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(mail) else { return false };
    if text.contains('@') {
        return address::Address::parse(text).is_ok();
    }
    dns_ok(text.strip_prefix('.').unwrap_or(text).as_bytes(), false)
}

/// An absolute URI with a scheme (RFC 3986), without white space.
fn uri_ok(uri: &[u8]) -> bool {
    let Some(colon) = uri.iter().position(|b| *b == b':') else { return false };
    let scheme_ok = uri.first().is_some_and(u8::is_ascii_alphabetic)
        && uri[..colon].iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b));
    // These schemes name a host behind two slashes (RFC 9110 section 4.2, RFC 4516 section 2).
    let with_host = [&b"http"[..], b"https", b"ftp", b"ldap", b"ldaps"]
        .iter()
        .any(|scheme| uri[..colon].eq_ignore_ascii_case(scheme));
    scheme_ok
        && uri.len() > colon + 1
        && (!with_host || uri[colon + 1..].starts_with(b"//"))
        && uri.iter().all(|b| b.is_ascii_graphic())
}

fn mask_ok(ip: &[u8]) -> bool {
    let mask = &ip[ip.len() / 2..];
    let ones: u32 = mask.iter().map(|b| b.count_ones()).sum();
    let leading = mask.iter().take_while(|b| **b == 0xff).count() as u32 * 8
        + mask.iter().find(|b| **b != 0xff).map_or(0, |b| b.leading_ones());
    ones == leading
}

fn key(c: &Certificate<'_>, out: &mut Vec<Defect>) {
    let info = c.key();
    let mut add = |found: String, required, section| {
        out.push(Defect::new(C::MalformedKey, c.offset_of(c.spki), found, required, section));
    };
    match info.kind {
        KeyKind::Rsa { bits, pss } => {
            let mut parts = Walker::new(info.bits);
            let integers = parts.expect(tag::SEQUENCE).ok().and_then(|outer| {
                let mut inside = Walker::new(outer.contents);
                let n = inside.expect(tag::INTEGER).ok()?.contents;
                let e = inside.expect(tag::INTEGER).ok()?.contents;
                (inside.is_empty() && parts.is_empty()).then_some((n, e))
            });
            let section = "RFC 8017 appendix A.1.1";
            match integers {
                None => add(info.name().into_owned(), "RSAPublicKey", section),
                Some((n, e)) => {
                    let negative = |i: &[u8]| i.first().is_none_or(|b| b & 0x80 != 0);
                    if negative(n) || negative(e) || bits == 0 {
                        add(
                            "a modulus or exponent that is not positive".into(),
                            "positive integers",
                            section,
                        );
                    }
                    if !minimal(n) || !minimal(e) {
                        add("a modulus or exponent with a needless octet".into(), "DER", section);
                    }
                }
            }
            if !pss && info.parameters != [5, 0] {
                let section = "RFC 3279 section 2.3.1";
                add("rsaEncryption with parameters other than NULL".into(), "NULL", section);
            }
        }
        KeyKind::Ec(curve) => {
            if !matches!(curve, Curve::Known(_)) {
                let required = "a named curve that this program knows: P-256, P-384, P-521, secp256k1";
                add(info.name().into_owned(), required, "RFC 5480 section 2.1.1");
            } else if !crate::path::signature::is_valid_point(&info) {
                add(
                    format!("{}: no point of its curve", info.name()),
                    "a point of the curve",
                    "RFC 5480 section 2.2",
                );
            }
        }
        KeyKind::Unknown(_) => add(info.name().into_owned(), "a known key algorithm", "RFC 3279 section 2.3"),
        _ => {}
    }
}
