//! Mail addresses, compared the way the target compares them.
//!
//! Exchange compares SMTP addresses without ASCII case, the local part included, although RFC 5321
//! section 2.4 would let a host tell local parts apart. Domains are compared as A-labels (RFC 5890),
//! so that `müller.de` and `xn--mller-kva.de` are one. Nothing else is folded: no dots, no tags, no
//! Unicode case in local parts.

use std::fmt;

/// A mail address that was checked and normalised. Equal values are the same mailbox for the target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    normal: String,
    at: usize,
}

/// Why a text is no mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing but white space.
    #[error("the address is empty")]
    Empty,
    /// No `@`.
    #[error("the address has no @")]
    NoAt,
    /// Nothing before the `@`.
    #[error("nothing stands before the @")]
    EmptyLocal,
    /// Nothing behind the `@`.
    #[error("nothing stands behind the @")]
    EmptyDomain,
    /// The local part is longer than 64 octets (RFC 5321 section 4.5.3.1.1).
    #[error("the part before the @ is longer than 64 octets")]
    LocalTooLong,
    /// A character that an unquoted local part cannot have, or a dot at an end or beside another
    /// (RFC 5321 section 4.1.2, RFC 6531 section 3.3).
    #[error("the part before the @ has a character or dot that is not allowed there")]
    LocalSyntax,
    /// The domain is no domain name that can be written in A-labels (RFC 5890, UTS 46), or too long.
    #[error("the part behind the @ is no domain name")]
    DomainSyntax,
}

impl Address {
    /// Checks and normalises one address. White space around it is ignored; a leading `smtp:` is not.
    ///
    /// # Errors
    /// [`AddressError`] says what stands against it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoAt)?;
        if local.is_empty() {
            return Err(AddressError::EmptyLocal);
        }
        if domain.is_empty() {
            return Err(AddressError::EmptyDomain);
        }
        if local.len() > 64 {
            return Err(AddressError::LocalTooLong);
        }
        check_local(local)?;
        let mut normal = String::with_capacity(text.len());
        normal.push_str(local);
        normal.make_ascii_lowercase();
        let at = normal.len();
        normal.push('@');
        match plain_domain(domain) {
            Some(true) => {
                normal.push_str(domain);
                normal[at..].make_ascii_lowercase();
            }
            Some(false) => return Err(AddressError::DomainSyntax),
            None => normal.push_str(&domain_key(domain).ok_or(AddressError::DomainSyntax)?),
        }
        Ok(Self { normal, at })
    }

    /// The normal form: ASCII lower case, the domain in A-labels.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.normal
    }

    /// The part before the `@`, in normal form.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.normal[..self.at]
    }

    /// The part behind the `@`, in A-labels.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.normal[self.at + 1..]
    }

    /// Whether every character is ASCII, as an rfc822Name demands (RFC 5280 section 4.2.1.6).
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.normal.is_ascii()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.normal)
    }
}

/// A domain name as lower case A-labels, or `None` when it is none. A dot at the end is refused, as
/// are underscores: neither occurs in mail domains (RFC 5321 section 4.1.2).
#[must_use]
pub fn domain_key(domain: &str) -> Option<String> {
    match plain_domain(domain) {
        Some(good) => good.then(|| domain.to_ascii_lowercase()),
        None => idna::domain_to_ascii_strict(domain).ok().filter(|ascii| are_labels(ascii)),
    }
}

/// Whether a domain of ASCII letters, digits, hyphens and dots is one; `None` for one that IDNA must look
/// at, also where labels start with `xn--`: it refuses the broken ones.
fn plain_domain(domain: &str) -> Option<bool> {
    // Nearly every domain is letters, digits and single dots; whatever else there is, is looked at closer.
    let label =
        |label: &[u8]| label.len() <= 63 && !label.is_empty() && label.iter().all(u8::is_ascii_alphanumeric);
    if domain.len() <= 253 && domain.as_bytes().split(|byte| *byte == b'.').all(label) {
        return Some(true);
    }
    let plain =
        domain.bytes().fold(true, |all, b| all & (b.is_ascii_alphanumeric() | (b == b'-') | (b == b'.')));
    let encoded = || domain.as_bytes().windows(4).any(|four| four.eq_ignore_ascii_case(b"xn--"));
    (plain && !(domain.contains('-') && encoded())).then(|| are_labels(domain))
}

fn are_labels(domain: &str) -> bool {
    let label_ok = |label: &[u8]| {
        (1..=63).contains(&label.len())
            && label.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
            && label.first() != Some(&b'-')
            && label.last() != Some(&b'-')
    };
    domain.len() <= 253 && domain.as_bytes().split(|byte| *byte == b'.').all(label_ok)
}

/// Dot-string of atoms, or a quoted string; letters above ASCII are allowed (RFC 6531).
pub(crate) fn check_local(local: &str) -> Result<(), AddressError> {
    if let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        let mut escaped = false;
        for c in inner.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return Err(AddressError::LocalSyntax),
                c if c.is_control() => return Err(AddressError::LocalSyntax),
                _ => {}
            }
        }
        return if escaped { Err(AddressError::LocalSyntax) } else { Ok(()) };
    }
    // Nearly every local part is letters, digits and single dots.
    let plain = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric);
    if local.as_bytes().split(|byte| *byte == b'.').all(plain) {
        return Ok(());
    }
    let atom = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(
                c,
                '!' | '#'
                    | '$'
                    | '%'
                    | '&'
                    | '\''
                    | '*'
                    | '+'
                    | '-'
                    | '/'
                    | '='
                    | '?'
                    | '^'
                    | '_'
                    | '`'
                    | '{'
                    | '|'
                    | '}'
                    | '~'
            )
            || (!c.is_ascii() && !c.is_control() && !c.is_whitespace())
    };
    if local.split('.').all(|part| !part.is_empty() && part.chars().all(atom)) {
        Ok(())
    } else {
        Err(AddressError::LocalSyntax)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn case_and_labels_do_not_matter() {
        let same = |a: &str, b: &str| Address::parse(a).unwrap() == Address::parse(b).unwrap();
        assert!(same("Anna.Berg@Example.COM", " anna.berg@example.com "));
        assert!(same("a@müller.de", "A@XN--MLLER-KVA.de"));
        assert!(same("a@straße.de", "a@xn--strae-oqa.de"));
        assert!(!same("a.b@x.de", "ab@x.de"));
        assert!(!same("\u{e4}@x.de", "\u{c4}@x.de"), "only ASCII case is folded in local parts");
        let address = Address::parse("Ä.b@MÜLLER.de").unwrap();
        assert_eq!((address.local(), address.domain()), ("Ä.b", "xn--mller-kva.de"));
        assert!(!address.is_ascii());
        assert!(Address::parse("\"a b\\\"c\"@x.de").is_ok());
        assert!(Address::parse("a@localhost").is_ok());
    }

    #[test]
    fn what_is_no_address_has_a_reason() {
        for (text, reason) in [
            (" ", AddressError::Empty),
            ("anna", AddressError::NoAt),
            ("@x.de", AddressError::EmptyLocal),
            ("a@", AddressError::EmptyDomain),
            ("a b@x.de", AddressError::LocalSyntax),
            (".a@x.de", AddressError::LocalSyntax),
            ("a@b@x.de", AddressError::LocalSyntax),
            ("<a@x.de", AddressError::LocalSyntax),
            ("\"a\\\"@x.de", AddressError::LocalSyntax),
            ("a@x..de", AddressError::DomainSyntax),
            ("a@x_y.de", AddressError::DomainSyntax),
            ("a@xn--a.de", AddressError::DomainSyntax),
            ("a@x.de.", AddressError::DomainSyntax),
            ("a@-x.de", AddressError::DomainSyntax),
        ] {
            assert_eq!(Address::parse(text), Err(reason), "{text}");
        }
        assert_eq!(Address::parse(&format!("{}@x.de", "a".repeat(65))), Err(AddressError::LocalTooLong));
    }
}
