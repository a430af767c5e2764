//! Rules about what a certificate may be used for.

use super::{Finding, Rule};
use std::borrow::Cow;

use crate::bundle::model::{Decision, Severity};
use crate::certificate::extensions::{DistributionPointName, KeyUsage};
use crate::certificate::key::KeyKind;
use crate::certificate::{Certificate, Decoded, GeneralName, oid};
use crate::policy::{Needed, Usage};

/// A CA certificate is offered as a person's.
pub static CA_CERTIFICATE: Rule = Rule {
    code: "ca-certificate",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 5280 section 4.2.1.9",
    title: "A CA certificate is offered as a person's",
    means: "basicConstraints says that the certificate is an authority's, yet it stands where the user's own is expected.",
    matters: "Encrypting to it would give the mail to whoever holds the CA's key, and it is a sign that something planted it.",
    mend: "Replace it by the person's own certificate.",
};

/// The certificate is not meant for mail.
pub static NOT_FOR_MAIL: Rule = Rule {
    code: "not-for-mail",
    severity: Severity::Info,
    decision: Some(Decision::Withhold),
    citation: "RFC 8550 section 4.4.4; RFC 5280 section 4.2.1.12",
    title: "The certificate is not meant for mail",
    means: "The extended key usage lists purposes, and neither emailProtection nor anyExtendedKeyUsage is among them (or what the policy asks for instead).",
    matters: "EFS, logon and client certificates stand in the same attribute; mail encrypted to one may be unreadable for the mail program.",
    mend: "Nothing, when the certificate is for another purpose. If the person has no mail certificate, issue one.",
};

/// The key usage allows neither encryption nor signing.
pub static KEY_USAGE_UNSUITABLE: Rule = Rule {
    code: "key-usage-unsuitable",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 8550 section 4.4.2; RFC 5280 section 4.2.1.3",
    title: "The key usage allows neither encryption nor signing",
    means: "The key usage extension allows none of digitalSignature, keyEncipherment and keyAgreement in a way that the key's type can do, or not all that the policy asks for.",
    matters: "No mail program can use the certificate.",
    mend: "Issue it again with keyEncipherment (RSA) or keyAgreement (elliptic curves), or digitalSignature.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[&CA_CERTIFICATE, &NOT_FOR_MAIL, &KEY_USAGE_UNSUITABLE];

/// What a certificate can be used for in mail, by key type and key usage (RFC 8550 section 4.4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Mail can be encrypted to it.
    pub encrypt: bool,
    /// Its signatures can be checked.
    pub sign: bool,
}

impl Abilities {
    /// Reads key type and key usage. Without the extension everything that the key can do is allowed,
    /// unless the policy asks for it; one that cannot be decoded, or stands twice, allows nothing.
    #[must_use]
    pub fn of(certificate: &Certificate<'_>, usage: &Usage) -> Self {
        let (encrypts, signs) = usage.masks();
        let allowed = match certificate.key_usage() {
            Decoded::Absent if !usage.no_key_usage => KeyUsage(0),
            Decoded::Absent => KeyUsage(u16::MAX),
            Decoded::Present { value, .. } => value,
            Decoded::Undecodable(_) | Decoded::Duplicated => KeyUsage(0),
        };
        let (encrypting, signing) = match certificate.key().kind {
            // A key that is bound to PSS cannot encrypt (RFC 4055 section 1.2).
            KeyKind::Rsa { pss, .. } => (if pss { 0 } else { KeyUsage::KEY_ENCIPHERMENT }, true),
            KeyKind::Ec(_) => (KeyUsage::KEY_AGREEMENT, true),
            KeyKind::X25519 | KeyKind::X448 | KeyKind::Dh => (KeyUsage::KEY_AGREEMENT, false),
            KeyKind::Ed25519 | KeyKind::Ed448 | KeyKind::Dsa => (0, true),
            KeyKind::Unknown(_) => (0, false),
        };
        Self { encrypt: allowed.has(encrypting & encrypts), sign: signing && allowed.has(signs) }
    }
}

/// Whether the extended key usage leaves room for mail: no extension, emailProtection, or any; or what
/// the policy asks for.
#[must_use]
pub fn is_for_mail(certificate: &Certificate<'_>, usage: &Usage) -> bool {
    match certificate.extended_key_usage() {
        Decoded::Absent => usage.no_purpose,
        Decoded::Present { value, .. } => value.iter().any(|purpose| {
            purpose.0 == usage.purpose || (usage.any_purpose && purpose.0 == oid::ANY_EXTENDED_KEY_USAGE)
        }),
        Decoded::Undecodable(_) | Decoded::Duplicated => false,
    }
}

/// The purposes that [`is_for_mail`] takes, in words.
fn purposes(usage: &Usage) -> String {
    let mut text = oid::Oid(&usage.purpose).name().into_owned();
    if usage.any_purpose {
        text.push_str(" or anyExtendedKeyUsage");
    }
    if usage.no_purpose {
        text.push_str(", or no extended key usage at all");
    }
    text
}

/// What is missing of what the policy needs a certificate for; `None` when nothing is.
fn missing(abilities: Abilities, needed: Needed) -> Option<&'static str> {
    match (needed, abilities.encrypt, abilities.sign) {
        (_, false, false) => Some("nothing"),
        (Needed::Encrypting | Needed::Both, false, _) => Some("no encryption"),
        (Needed::Both, _, false) => Some("no signatures"),
        _ => None,
    }
}

/// Judges what the certificate is for.
pub fn check(certificate: &Certificate<'_>, usage: &Usage, findings: &mut Vec<Finding>) {
    if certificate.is_ca() {
        findings.push(Finding::new(
            &CA_CERTIFICATE,
            "the certificate is one of a certification authority",
            "the person's own certificate",
        ));
    }
    if !is_for_mail(certificate, usage) {
        let named = match certificate.extended_key_usage() {
            Decoded::Present { value, .. } => value.iter().map(oid::Oid::name).collect::<Vec<_>>().join(", "),
            Decoded::Absent => "every purpose, since it names none".to_owned(),
            _ => "purposes that cannot be read".to_owned(),
        };
        findings.push(Finding::new(
            &NOT_FOR_MAIL,
            format!("the certificate is for {named}"),
            purposes(usage),
        ));
    }
    if let Some(missing) = missing(Abilities::of(certificate, usage), usage.needed) {
        let usages = match certificate.key_usage() {
            Decoded::Absent if usage.no_key_usage => "everything".to_owned(),
            Decoded::Absent => "nothing, since it is not there".to_owned(),
            Decoded::Present { value, .. } if value.0 == 0 => "nothing".to_owned(),
            Decoded::Present { value, .. } => value.names().join(", "),
            _ => "something that cannot be read".to_owned(),
        };
        findings.push(Finding::new(
            &KEY_USAGE_UNSUITABLE,
            format!(
                "the key usage allows {usages}, with which a key of type {} does {missing} for mail",
                certificate.key().name()
            ),
            match usage.needed {
                Needed::Either => {
                    "digitalSignature, or keyEncipherment (RSA) or keyAgreement (elliptic curves)"
                }
                Needed::Encrypting => {
                    "keyEncipherment (RSA) or keyAgreement (elliptic curves), by the policy"
                }
                Needed::Both => "encryption and signatures, by the policy",
            },
        ));
    }
}

/// One of the CRL distribution points of a certificate, when none of them can be reached from the
/// internet: ldap: and file: addresses, host names without a dot, and names and addresses that are
/// reserved for inside (RFC 6762, RFC 8375, RFC 1918).
#[must_use]
pub fn internal_crl_point(certificate: &Certificate<'_>) -> Option<String> {
    let points = certificate.crl_distribution_points().into_value()?;
    let mut first = None;
    for point in &points {
        if let Some(DistributionPointName::Full(names)) = &point.name {
            for name in names {
                if let GeneralName::Uri(url) = name {
                    let url = String::from_utf8_lossy(url);
                    if is_public(&url) {
                        return None;
                    }
                    first.get_or_insert(url);
                }
            }
        }
    }
    first.map(Cow::into_owned)
}

fn is_public(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return false;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.starts_with('[') {
        return true; // A literal IPv6 address: odd, but nothing says that it is inside.
    }
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = host.parse::<std::net::Ipv4Addr>() {
        return !(address.is_private() || address.is_loopback() || address.is_link_local());
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    let inside =
        ["local", "localdomain", "internal", "intranet", "lan", "corp", "home", "private", "localhost"];
    host.contains('.') && !inside.contains(&last) && !host.ends_with("home.arpa")
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn reachable_from_the_internet_or_not() {
        for url in ["http://crl.example.com/a.crl", "HTTPS://pki.example.org:8080/x", "http://8.8.8.8/x"] {
            assert!(is_public(url), "{url}");
        }
        for url in [
            "ldap:///CN=x",
            "file://server/x",
            "http://pki/x",
            "http://ca.corp.local/x",
            "http://10.1.2.3/x",
            "nonsense",
        ] {
            assert!(!is_public(url), "{url}");
        }
    }
}
