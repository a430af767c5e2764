//! GeneralName (RFC 5280 section 4.2.1.6): mail addresses, host names, directory names and the rest.
//!
//! Every form is kept, also the ones that nothing here can interpret, because a name that is
//! constrained and not understood must stop a path, not slip through it.

use std::borrow::Cow;

use super::extensions::Malformed;
use super::name::{self, Name};
use super::oid::{self, Oid};
use super::tlv::{self, Element, Walker, tag};
use crate::encoding::hex;

/// One general name, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeneralName<'a> {
    /// `otherName`: its type and the value inside `[0]`, header included.
    Other(Oid<'a>, &'a [u8]),
    /// `rfc822Name`: a mail address; IA5String by the standard, whatever stands there in practice.
    Rfc822(&'a [u8]),
    /// `dNSName`.
    Dns(&'a [u8]),
    /// `x400Address`, contents octets.
    X400(&'a [u8]),
    /// `directoryName`.
    Directory(Name<'a>),
    /// `ediPartyName`, contents octets.
    EdiParty(&'a [u8]),
    /// `uniformResourceIdentifier`.
    Uri(&'a [u8]),
    /// `iPAddress`: 4 or 16 octets; 8 or 32 in a constraint.
    Ip(&'a [u8]),
    /// `registeredID`.
    RegisteredId(Oid<'a>),
}

impl<'a> GeneralName<'a> {
    /// Reads one element as a general name; `None` for a tag or a form that is none.
    #[must_use]
    pub fn read(element: &Element<'a>) -> Option<Self> {
        let value = element.contents;
        Some(match element.tag {
            0xa0 => {
                let mut parts = Walker::new(value);
                let kind = parts.expect(tag::OID).ok()?;
                let inner = parts.expect(tag::CONTEXT_0).ok()?;
                if !parts.is_empty() {
                    return None;
                }
                Self::Other(Oid(kind.contents), inner.contents)
            }
            0x81 => Self::Rfc822(value),
            0x82 => Self::Dns(value),
            0xa3 => Self::X400(value),
            0xa4 => {
                let name = tlv::first(value).ok()?;
                if name.tag != tag::SEQUENCE || name.raw.len() != value.len() {
                    return None;
                }
                Self::Directory(Name::new(value))
            }
            0xa5 => Self::EdiParty(value),
            0x86 => Self::Uri(value),
            0x87 => Self::Ip(value),
            0x88 => Self::RegisteredId(Oid(value)),
            _ => return None,
        })
    }

    /// Reads the contents octets of GeneralNames.
    ///
    /// # Errors
    /// [`Malformed`] naming the byte (from the start of `contents`) at which it stopped.
    pub fn read_all(contents: &'a [u8]) -> Result<Vec<Self>, Malformed> {
        let mut walker = Walker::new(contents);
        let mut all = Vec::with_capacity(2);
        while !walker.is_empty() {
            let at = walker.offset();
            let element = walker.next().map_err(|e| Malformed::new(at, e.to_string()))?;
            let name = Self::read(&element).ok_or_else(|| {
                Malformed::new(at, format!("tag {:#04x} is no readable general name", element.tag))
            })?;
            all.push(name);
        }
        Ok(all)
    }

    /// The form's name as in RFC 5280.
    #[must_use]
    pub fn form(&self) -> &'static str {
        match self {
            Self::Other(kind, _) if kind.0 == oid::UPN => "userPrincipalName",
            Self::Other(kind, _) if kind.0 == oid::SMTP_UTF8_MAILBOX => "SmtpUTF8Mailbox",
            Self::Other(..) => "otherName",
            Self::Rfc822(_) => "rfc822Name",
            Self::Dns(_) => "dNSName",
            Self::X400(_) => "x400Address",
            Self::Directory(_) => "directoryName",
            Self::EdiParty(_) => "ediPartyName",
            Self::Uri(_) => "uniformResourceIdentifier",
            Self::Ip(_) => "iPAddress",
            Self::RegisteredId(_) => "registeredID",
        }
    }

    /// The text of an otherName whose value is one string (UPN, SmtpUTF8Mailbox).
    #[must_use]
    pub fn other_text(&self) -> Option<Cow<'a, str>> {
        let Self::Other(_, value) = self else { return None };
        let string = tlv::first(value).ok()?;
        if string.raw.len() != value.len() { None } else { name::text(string.tag, string.contents) }
    }

    /// The name for people; bytes that are no text are shown in hex.
    #[must_use]
    pub fn display(&self) -> String {
        match self {
            Self::Rfc822(value) | Self::Dns(value) | Self::Uri(value) => {
                name::text(tag::IA5_STRING, value).unwrap_or_default().into_owned()
            }
            Self::Directory(name) => name.to_string(),
            Self::Ip(value) => ip_text(value),
            Self::RegisteredId(oid) => oid.to_string(),
            Self::Other(kind, value) => match self.other_text() {
                Some(text) => text.into_owned(),
                None => format!("{kind}#{}", hex(value)),
            },
            Self::X400(value) | Self::EdiParty(value) => format!("#{}", hex(value)),
        }
    }
}

fn ip_text(value: &[u8]) -> String {
    use std::net::{Ipv4Addr, Ipv6Addr};
    let one = |octets: &[u8]| -> Option<String> {
        if let Ok(v4) = <[u8; 4]>::try_from(octets) {
            return Some(Ipv4Addr::from(v4).to_string());
        }
        <[u8; 16]>::try_from(octets).ok().map(|v6| Ipv6Addr::from(v6).to_string())
    };
    let half = value.len() / 2;
    match value.len() {
        8 | 32 => match (one(&value[..half]), one(&value[half..])) {
            (Some(address), Some(mask)) => format!("{address}/{mask}"),
            _ => hex(value),
        },
        _ => one(value).unwrap_or_else(|| format!("#{}", hex(value))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_kept_and_shown() {
        let mut der = vec![0x81, 3, b'a', b'@', b'b', 0x87, 4, 192, 0, 2, 1, 0x88, 1, 0x55];
        der.extend([0xa0, 19, 6, 10]);
        der.extend(oid::UPN);
        der.extend([0xa0, 5, 0x0c, 3, b'u', b'@', b'x']);
        let names = GeneralName::read_all(&der).unwrap();
        let shown: Vec<_> = names.iter().map(|n| (n.form(), n.display())).collect();
        assert_eq!(shown[0], ("rfc822Name", "a@b".to_owned()));
        assert_eq!(shown[1], ("iPAddress", "192.0.2.1".to_owned()));
        assert_eq!(shown[2], ("registeredID", "2.5".to_owned()));
        assert_eq!(shown[3], ("userPrincipalName", "u@x".to_owned()));
        let error = GeneralName::read_all(&[0x81, 0, 0x30, 0]).unwrap_err();
        assert_eq!(error.offset, 2);
    }
}
