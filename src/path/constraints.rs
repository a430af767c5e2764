//! Name constraints (RFC 5280 section 4.2.1.10), collected along a path and applied to names.
//!
//! Permitted subtrees of several CAs intersect and excluded ones unite, so what is kept is a list of
//! groups (one a CA) and one list of exclusions. A name passes when every group that has a subtree of
//! its form has one that contains it, and no exclusion contains it. Whatever cannot be compared, a
//! form, a subtree or a name, counts as *unsupported* as soon as a subtree of that form meets a
//! name of that form; it is never skipped.
//!
//! Constraints on rfc822Name are applied to the subject's emailAddress (also where there is a
//! subjectAltName: the address is used either way) and to SmtpUTF8Mailbox (RFC 9598 section 6).

use std::sync::Arc;

use super::limits::{MAX_CONSTRAINT_SCANS, MAX_NAME_COMPARISONS, MAX_REFUSALS};
use crate::certificate::address::{check_local, domain_key};
use crate::certificate::extensions::{NameConstraints, Subtree};
use crate::certificate::{Certificate, GeneralName, Name, oid};

/// Why a certificate does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A name is outside of what is permitted, or inside of what is excluded.
    Violated { found: String, required: String },
    /// A name or a subtree cannot be compared.
    Unsupported { found: String, required: String },
    /// Too many comparisons.
    Budget,
}

/// A subtree, ready for comparison.
#[derive(Clone, Debug)]
enum Base {
    /// `local@host`: one mailbox; the local part exact, the host in lower case.
    Mailbox(String, String),
    /// `host`: all its mailboxes.
    MailHost(String),
    /// `.domain`: all mailboxes of hosts below it.
    MailDomain(String),
    Dns(String),
    Directory(Rdns),
    UriHost(String),
    UriDomain(String),
    Ip(Vec<u8>),
    /// Cannot be applied.
    Unusable,
}

/// A relative name, and whether a comparison that finds it to differ can be relied on.
type Rdn = (Vec<u8>, bool);

/// The relative names of a directory name, from the root.
type Rdns = Vec<Rdn>;

fn rdns(name: &Name<'_>) -> Option<Rdns> {
    Some(name.rdn_keys()?.into_iter().zip(name.comparable_rdns()?).collect())
}

#[derive(Clone, Debug)]
struct Rule {
    form: Form,
    base: Base,
    text: String,
}

/// Forms as far as constraints tell them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Mail,
    Dns,
    Directory,
    Uri,
    Ip,
    Other(Vec<u8>),
    X400,
    EdiParty,
    RegisteredId,
}

/// The constraints that hold below some certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct Constraints {
    permitted: Vec<Arc<Vec<Rule>>>,
    excluded: Vec<Arc<Vec<Rule>>>,
}

impl Constraints {
    pub(super) fn is_empty(&self) -> bool {
        self.permitted.is_empty() && self.excluded.is_empty()
    }

    /// Adds what one more CA says (section 6.1.4 (g)).
    pub(super) fn add(&mut self, constraints: &NameConstraints<'_>) {
        let compile = |trees: &[Subtree<'_>]| Arc::new(trees.iter().map(Rule::new).collect::<Vec<_>>());
        if !constraints.permitted.is_empty() {
            self.permitted.push(compile(&constraints.permitted));
        }
        if !constraints.excluded.is_empty() {
            self.excluded.push(compile(&constraints.excluded));
        }
    }

    /// Applies them to every name of a certificate and returns the first [`MAX_REFUSALS`] refusals; a
    /// violation is among them if there is any.
    pub(super) fn check(&self, certificate: &Certificate<'_>) -> Vec<Refusal> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut checker = Checker {
            constraints: self,
            left: MAX_NAME_COMPARISONS,
            scans: MAX_CONSTRAINT_SCANS,
            out: Vec::new(),
        };
        let subject = certificate.subject();
        if !subject.is_empty() {
            checker.name(&GeneralName::Directory(subject));
            for mail in subject.email_addresses() {
                checker.name(&GeneralName::Rfc822(mail.as_bytes()));
            }
            if subject.has_unreadable_email() {
                checker.name(&GeneralName::Rfc822(&[]));
            }
        }
        let names = certificate.subject_alt_name().into_value().unwrap_or_default();
        names.iter().for_each(|name| checker.name(name));
        checker.out
    }
}

impl Rule {
    fn new(tree: &Subtree<'_>) -> Self {
        let text = format!("{} {:?}", tree.base.form(), tree.base.display());
        let (form, base) = match tree.base {
            GeneralName::Rfc822(value) => (Form::Mail, ascii(value).and_then(mail_base)),
            GeneralName::Dns(value) => (Form::Dns, ascii(value).and_then(dns_base)),
            GeneralName::Uri(value) => (Form::Uri, ascii(value).and_then(uri_base)),
            GeneralName::Ip(value) => (Form::Ip, ip_base(value)),
            GeneralName::Directory(name) => (Form::Directory, rdns(&name).map(Base::Directory)),
            GeneralName::Other(kind, _) => (Form::Other(kind.0.to_vec()), None),
            GeneralName::X400(_) => (Form::X400, None),
            GeneralName::EdiParty(_) => (Form::EdiParty, None),
            GeneralName::RegisteredId(_) => (Form::RegisteredId, None),
        };
        let base = if tree.bounded { Base::Unusable } else { base.unwrap_or(Base::Unusable) };
        Self { form, base, text }
    }
}

fn ascii(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().filter(|text| text.is_ascii() && !text.contains('\0'))
}

fn mail_base(text: &str) -> Option<Base> {
    if let Some((local, host)) = text.rsplit_once('@') {
        let host = host_key(host)?;
        return check_local(local).is_ok().then(|| Base::Mailbox(local.to_owned(), host));
    }
    Some(match text.strip_prefix('.') {
        Some(domain) => Base::MailDomain(host_key(domain)?),
        None => Base::MailHost(host_key(text)?),
    })
}

/// Splits a mailbox whose local part is written as RFC 5321 section 4.1.2 wants it.
fn mailbox(text: &str) -> Option<(&str, &str)> {
    text.rsplit_once('@').filter(|(local, _)| !local.is_empty() && check_local(local).is_ok())
}

/// A local part without its quotes and escapes.
fn unquoted(local: &str) -> String {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return local.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

/// A host name in lower case, or `None` when it is none.
fn host_key(host: &str) -> Option<String> {
    let ok = !host.is_empty()
        && host.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        });
    ok.then(|| host.to_ascii_lowercase())
}

fn dns_base(text: &str) -> Option<Base> {
    // A leading dot is not in RFC 5280 but common; it is kept and compared as a label border.
    let host = text.strip_prefix('.').unwrap_or(text);
    if text.is_empty() {
        return Some(Base::Dns(String::new()));
    }
    host_key(host)?;
    Some(Base::Dns(text.to_ascii_lowercase()))
}

fn uri_base(text: &str) -> Option<Base> {
    Some(match text.strip_prefix('.') {
        Some(domain) => Base::UriDomain(host_key(domain)?),
        None => Base::UriHost(host_key(text)?),
    })
}

fn ip_base(value: &[u8]) -> Option<Base> {
    if !matches!(value.len(), 8 | 32) {
        return None;
    }
    let mask = &value[value.len() / 2..];
    // RFC 4632: ones first, then zeros.
    let ones = mask.iter().map(|b| b.count_ones()).sum::<u32>();
    let mut leading = 0;
    for byte in mask {
        leading += byte.leading_ones();
        if *byte != 0xff {
            break;
        }
    }
    (ones == leading).then(|| Base::Ip(value.to_vec()))
}

/// A name of the certificate, ready for comparison.
enum Candidate {
    Mail(String, String),
    Dns(String),
    Directory(Rdns),
    Host(String),
    Ip(Vec<u8>),
    /// Cannot be compared.
    Unreadable,
}

impl Candidate {
    fn new(name: &GeneralName<'_>) -> (Form, Self) {
        let (form, candidate) = match name {
            GeneralName::Rfc822(value) => {
                let parts = ascii(value).and_then(mailbox);
                (Form::Mail, parts.and_then(|(l, h)| Some(Self::Mail(l.to_owned(), host_key(h)?))))
            }
            GeneralName::Other(kind, _) if kind.0 == oid::SMTP_UTF8_MAILBOX => {
                let text = name.other_text();
                let parts = text.as_deref().and_then(mailbox);
                (Form::Mail, parts.and_then(|(l, h)| Some(Self::Mail(l.to_owned(), domain_key(h)?))))
            }
            GeneralName::Dns(value) => {
                let host = ascii(value)
                    .filter(|text| host_key(text.strip_prefix("*.").unwrap_or(text)).is_some())
                    .map(str::to_ascii_lowercase);
                (Form::Dns, host.map(Self::Dns))
            }
            GeneralName::Directory(name) => (Form::Directory, rdns(name).map(Self::Directory)),
            GeneralName::Uri(value) => (Form::Uri, ascii(value).and_then(uri_host).map(Self::Host)),
            GeneralName::Ip(value) => {
                (Form::Ip, matches!(value.len(), 4 | 16).then(|| Self::Ip(value.to_vec())))
            }
            GeneralName::Other(kind, _) => (Form::Other(kind.0.to_vec()), None),
            GeneralName::X400(_) => (Form::X400, None),
            GeneralName::EdiParty(_) => (Form::EdiParty, None),
            GeneralName::RegisteredId(_) => (Form::RegisteredId, None),
        };
        (form, candidate.unwrap_or(Self::Unreadable))
    }
}

/// The host of a URI with an authority (RFC 3986 section 3.2); an IP address is no host here.
fn uri_host(uri: &str) -> Option<String> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // RFC 3986 has none of these in an authority, and browsers end it at a backslash.
    if authority.contains(|c: char| !c.is_ascii_graphic() || "\\<>^`{|}\"".contains(c)) {
        return None;
    }
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => host,
    };
    if host.parse::<std::net::Ipv4Addr>().is_ok() {
        return None;
    }
    host_key(host)
}

struct Checker<'c> {
    constraints: &'c Constraints,
    left: usize,
    scans: usize,
    out: Vec<Refusal>,
}

enum Match {
    Yes,
    No,
    Unknown,
}

impl Checker<'_> {
    fn name(&mut self, name: &GeneralName<'_>) {
        let (form, candidate) = Candidate::new(name);
        let shown = || format!("{} {:?}", name.form(), name.display());
        // A constraint written for the otherName type itself cannot be applied, whatever it says.
        let also = matches!(name, GeneralName::Other(kind, _) if kind.0 == oid::SMTP_UTF8_MAILBOX)
            .then(|| Form::Other(oid::SMTP_UTF8_MAILBOX.to_vec()));
        let concerns = |rule: &&Rule| rule.form == form || Some(&rule.form) == also.as_ref();
        let constraints = self.constraints;
        for group in &constraints.permitted {
            let (mut any, mut inside, mut unknown) = (None, false, None);
            for rule in group.iter() {
                let ours = concerns(&rule);
                if self.spend(ours) {
                    return;
                }
                if !ours {
                    continue;
                }
                any.get_or_insert(rule);
                match contains(rule, &candidate, false) {
                    Match::Yes => {
                        inside = true;
                        break;
                    }
                    Match::No => {}
                    Match::Unknown => unknown = Some(rule),
                }
            }
            match (any, inside, unknown) {
                (None, ..) | (_, true, _) => {}
                (Some(_), false, Some(rule)) => self.refuse(Refusal::Unsupported {
                    found: shown(),
                    required: format!("a name and a permitted subtree that can be compared, {}", rule.text),
                }),
                (Some(rule), false, None) => self.refuse(Refusal::Violated {
                    found: shown(),
                    required: match group.iter().filter(concerns).count() {
                        1 => format!("within {}", rule.text),
                        n => format!("within one of {n} permitted subtrees, the first of them {}", rule.text),
                    },
                }),
            }
        }
        for group in &constraints.excluded {
            for rule in group.iter() {
                let ours = concerns(&rule);
                if self.spend(ours) {
                    return;
                }
                if !ours {
                    continue;
                }
                match contains(rule, &candidate, true) {
                    Match::Yes => self.refuse(Refusal::Violated {
                        found: shown(),
                        required: format!("outside of {}", rule.text),
                    }),
                    Match::No => continue,
                    Match::Unknown => self.refuse(Refusal::Unsupported {
                        found: shown(),
                        required: format!(
                            "a name and an excluded subtree that can be compared, {}",
                            rule.text
                        ),
                    }),
                }
                break;
            }
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        let violates = |one: &Refusal| matches!(one, Refusal::Violated { .. });
        if self.out.len() < MAX_REFUSALS || (violates(&refusal) && !self.out.iter().any(violates)) {
            self.out.push(refusal);
        }
    }

    /// Counts one look at a constraint, and a comparison if it is of the name's form; true when none
    /// is left.
    fn spend(&mut self, comparison: bool) -> bool {
        if self.scans == 0 || (comparison && self.left == 0) {
            if !self.out.contains(&Refusal::Budget) {
                self.out.push(Refusal::Budget);
            }
            return true;
        }
        self.scans -= 1;
        self.left -= usize::from(comparison);
        false
    }
}

/// Whether the subtree contains the name. With `excluding`, what could be inside counts as inside.
fn contains(rule: &Rule, name: &Candidate, excluding: bool) -> Match {
    let inside = match (&rule.base, name) {
        (Base::Unusable, _) | (_, Candidate::Unreadable) => return Match::Unknown,
        (Base::Mailbox(local, host), Candidate::Mail(l, h)) => {
            // RFC 5280 section 7.5: the local part is compared exactly; an exclusion that differs in
            // case or quoting alone would be no exclusion for a mail system (RFC 5321 section 4.1.2).
            host == h && (local == l || (excluding && unquoted(local).eq_ignore_ascii_case(&unquoted(l))))
        }
        (Base::MailHost(host), Candidate::Mail(_, h)) | (Base::UriHost(host), Candidate::Host(h)) => {
            host == h
        }
        (Base::MailDomain(domain), Candidate::Mail(_, h)) | (Base::UriDomain(domain), Candidate::Host(h)) => {
            below(h, domain)
        }
        (Base::Dns(base), Candidate::Dns(host)) => dns_contains(base, host, excluding),
        (Base::Directory(base), Candidate::Directory(name)) => {
            let pairs = || base.iter().zip(name);
            if name.len() >= base.len() && pairs().all(|((a, _), (b, _))| a == b) {
                true
            } else {
                // One part that certainly differs is enough.
                let mut certain =
                    pairs().filter(|((a, a_plain), (b, b_plain))| a != b && *a_plain && *b_plain);
                if excluding && name.len() >= base.len() && certain.next().is_none() {
                    return Match::Unknown;
                }
                false
            }
        }
        (Base::Ip(base), Candidate::Ip(ip)) => {
            let (address, mask) = base.split_at(base.len() / 2);
            ip.len() == address.len() && ip.iter().zip(address).zip(mask).all(|((i, a), m)| i & m == a & m)
        }
        // Another constraint of an otherName type that the name has: nothing can be said.
        _ => return Match::Unknown,
    };
    if inside { Match::Yes } else { Match::No }
}

fn below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

fn dns_contains(base: &str, host: &str, excluding: bool) -> bool {
    if base.is_empty() {
        return true;
    }
    let (domain, dotted) = match base.strip_prefix('.') {
        Some(domain) => (domain, true),
        None => (base, false),
    };
    if below(host, domain) || (host == domain && (!dotted || excluding)) {
        return true;
    }
    // `*.example.com` stands for every host one label below, so an exclusion of one of them meets it.
    excluding
        && host.strip_prefix("*.").is_some_and(|parent| {
            domain
                .strip_suffix(parent)
                .is_some_and(|label| label.ends_with('.') && !label[..label.len() - 1].contains('.'))
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(
        permitted: &[GeneralName<'_>],
        excluded: &[GeneralName<'_>],
        name: GeneralName<'_>,
    ) -> &'static str {
        let trees = |names: &[GeneralName<'static>]| {
            names.iter().map(|n| Subtree { base: *n, bounded: false }).collect()
        };
        let owned = |names: &[GeneralName<'_>]| -> Vec<GeneralName<'static>> {
            names
                .iter()
                .map(|n| match n {
                    GeneralName::Rfc822(v) => GeneralName::Rfc822(v.to_vec().leak()),
                    GeneralName::Dns(v) => GeneralName::Dns(v.to_vec().leak()),
                    GeneralName::Uri(v) => GeneralName::Uri(v.to_vec().leak()),
                    GeneralName::Ip(v) => GeneralName::Ip(v.to_vec().leak()),
                    _ => GeneralName::EdiParty(&[]),
                })
                .collect()
        };
        let mut all = Constraints::default();
        all.add(&NameConstraints { permitted: trees(&owned(permitted)), excluded: trees(&owned(excluded)) });
        let mut checker = Checker { constraints: &all, left: 100, scans: 100, out: Vec::new() };
        checker.name(&name);
        match checker.out.first() {
            None => "ok",
            Some(Refusal::Violated { .. }) => "violated",
            Some(Refusal::Unsupported { .. }) => "unsupported",
            Some(Refusal::Budget) => "budget",
        }
    }

    #[test]
    fn mail() {
        let mail = |v: &'static str| GeneralName::Rfc822(v.as_bytes());
        for (base, name, expected) in [
            ("x.de", "a@x.de", "ok"),
            ("x.de", "a@X.DE", "ok"),
            ("x.de", "a@sub.x.de", "violated"),
            (".x.de", "a@sub.x.de", "ok"),
            (".x.de", "a@x.de", "violated"),
            (".x.de", "a@yx.de", "violated"),
            ("a@x.de", "a@X.de", "ok"),
            ("a@x.de", "A@x.de", "violated"),
            ("x.de", "no address", "unsupported"),
            ("not a host", "a@x.de", "unsupported"),
        ] {
            assert_eq!(check(&[mail(base)], &[], mail(name)), expected, "{base} {name}");
        }
        assert_eq!(check(&[], &[mail("a@x.de")], mail("A@x.de")), "violated");
        assert_eq!(check(&[], &[mail("x.de")], mail("a@y.de")), "ok");
        assert_eq!(check(&[mail("x.de")], &[], GeneralName::Dns(b"y.de")), "ok", "another form");
        let utf8 = [&[0x0c, 15][..], "ä@müller.de".as_bytes()].concat();
        let utf8 = [&[0x0c, utf8.len() as u8 - 2][..], &utf8[2..]].concat();
        let name = GeneralName::Other(oid::Oid(oid::SMTP_UTF8_MAILBOX), utf8.leak());
        assert_eq!(check(&[mail("xn--mller-kva.de")], &[], name), "ok");
        assert_eq!(check(&[mail("x.de")], &[], name), "violated");
    }

    #[test]
    fn hosts_addresses_and_the_rest() {
        let dns = |v: &'static str| GeneralName::Dns(v.as_bytes());
        assert_eq!(check(&[dns("x.de")], &[], dns("a.b.x.de")), "ok");
        assert_eq!(check(&[dns("x.de")], &[], dns("ax.de")), "violated");
        assert_eq!(check(&[dns("x.de")], &[], dns("*.x.de")), "ok");
        assert_eq!(check(&[], &[dns("a.x.de")], dns("*.x.de")), "violated");
        assert_eq!(check(&[], &[dns("a.b.x.de")], dns("*.x.de")), "ok");
        assert_eq!(check(&[], &[dns("")], dns("y.de")), "violated");
        let uri = |v: &'static str| GeneralName::Uri(v.as_bytes());
        assert_eq!(check(&[uri(".x.de")], &[], uri("https://u@a.x.de:80/p")), "ok");
        assert_eq!(check(&[uri("x.de")], &[], uri("https://a.x.de")), "violated");
        assert_eq!(check(&[uri("x.de")], &[], uri("mailto:a@x.de")), "unsupported");
        assert_eq!(check(&[], &[uri("x.de")], uri("http://192.0.2.1/")), "unsupported");
        let net = GeneralName::Ip(&[192, 0, 2, 0, 255, 255, 255, 0]);
        assert_eq!(check(&[net], &[], GeneralName::Ip(&[192, 0, 2, 9])), "ok");
        assert_eq!(check(&[net], &[], GeneralName::Ip(&[0; 16])), "violated", "another family");
        let holes = GeneralName::Ip(&[192, 0, 2, 0, 255, 0, 255, 0]);
        assert_eq!(check(&[holes], &[], GeneralName::Ip(&[192, 0, 2, 9])), "unsupported");
        assert_eq!(check(&[], &[GeneralName::EdiParty(&[])], GeneralName::EdiParty(&[])), "unsupported");
    }
}
