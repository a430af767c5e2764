//! What is known of one person from the time before: an entry of the bundle before, or a line of the inventory.

use serde::{Deserialize, Serialize};

use crate::bundle::model::{Attribute, Coverage, Decision, Identity, Recipient, RecipientKind, Remaining};
use crate::certificate::{Certificate, UnixTime};
use crate::encoding::hex;
use crate::extract::{self, Opened};
use crate::object::{Content, Place, Value};
use crate::path::Engine;
use crate::policy::Usage;
use crate::rules::usage::{Abilities, is_for_mail};

/// Who says that the tenant holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeldBy {
    /// The payload of the bundle before.
    Payload,
    /// The bundle before, of bundles before it: it left the value untouched.
    Left,
    /// The inventory.
    Inventory,
}

/// A value that the tenant holds as far as somebody says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Who says so.
    pub by: HeldBy,
    /// The value, as the manifest would carry it.
    pub value: Remaining,
    /// It has expired.
    pub expired: bool,
    /// What says that it is revoked.
    pub revoked: Option<String>,
}

/// Where it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// An entry of the bundle before.
    Previous {
        /// Number there.
        number: u64,
        /// Coverage there.
        coverage: Coverage,
        /// In no input of that bundle either.
        gone: bool,
    },
    /// A line of the inventory.
    Inventory {
        /// Line, from 1.
        line: u64,
        /// Comes from an on-premises directory.
        synchronised: bool,
        /// Values of userCertificate and userSMIMECertificate.
        values: [u64; 2],
    },
}

/// One person of the time before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Where it stood.
    pub origin: Origin,
    /// The address that is looked up in the tenant.
    pub address: Option<String>,
    /// Who it is.
    pub identity: Identity,
    /// Mailbox, mail user or contact.
    pub kind: RecipientKind,
    /// What the tenant holds.
    pub held: Vec<Held>,
    /// Attributes that the bundle before cleared.
    pub cleared: Vec<Attribute>,
}

impl Before {
    /// An entry of the bundle before.
    #[must_use]
    pub fn of_previous(recipient: Recipient, judge: &Judge<'_, '_>) -> Self {
        let mut held = Vec::new();
        for candidate in recipient.candidates.iter().filter(|one| one.decision == Decision::Publish) {
            let value = Remaining {
                attribute: candidate.attribute,
                sha256: candidate.sha256.clone(),
                issuer: candidate.issuer.clone(),
                serial: candidate.serial.clone(),
                not_after: candidate.not_after.clone(),
                encrypts: candidate.encrypts,
                revoked: false,
            };
            held.push(judge.known(HeldBy::Payload, value, candidate.path.chain.get(1).map(String::as_str)));
        }
        let (mut cleared, mut remaining) = (Vec::new(), Vec::new());
        if let Some(history) = recipient.history {
            cleared = history.cleared.iter().map(|one| one.attribute).collect();
            remaining = history.remaining;
        }
        held.extend(remaining.into_iter().map(|value| judge.known(HeldBy::Left, value, None)));
        let identity = recipient.identity;
        Self {
            origin: Origin::Previous {
                number: recipient.number,
                coverage: recipient.coverage,
                gone: recipient.source.is_none(),
            },
            address: identity.cloud_address.clone().or_else(|| identity.primary_smtp.clone()),
            identity,
            kind: recipient.kind,
            held,
            cleared,
        }
    }

    /// Whether somebody says that the tenant holds a value of it.
    #[must_use]
    pub fn holds(&self, attribute: Attribute) -> bool {
        self.held.iter().any(|held| held.value.attribute == attribute)
    }
}

/// Judges values of the time before: are they expired, are they revoked.
pub struct Judge<'e, 'm> {
    /// The path engine; none without trust anchors, and then nothing is known to be revoked.
    pub engine: Option<&'e Engine<'m>>,
    /// The instant.
    pub at: UnixTime,
    /// What a certificate must be for.
    pub usage: &'e Usage,
}

impl Judge<'_, '_> {
    /// A value of which a manifest tells. `issuer` is the SHA-256 of its issuer's certificate, where that is known.
    fn known(&self, by: HeldBy, mut value: Remaining, issuer: Option<&str>) -> Held {
        let ends = value.not_after.as_deref().and_then(|text| UnixTime::from_rfc3339(text).ok());
        let revoked = self.engine.and_then(|engine| {
            let serial = octets(value.serial.as_deref()?, Some(':'))?;
            let of_path = issuer.and_then(|text| <[u8; 32]>::try_from(octets(text, None)?).ok());
            let certificate = of_path.and_then(|sha256| engine.certificate(&sha256));
            let key = match certificate {
                Some(certificate) => certificate.subject().key(),
                None => engine.issuer_shown_as(value.issuer.as_deref()?)?.clone(),
            };
            engine.revoked(&key, &serial)
        });
        value.revoked = revoked.is_some();
        Held { by, value, expired: ends.is_some_and(|ends| self.at > ends), revoked }
    }

    /// A value of the inventory. `bears` says whether a certificate (DER) has the recipient's address.
    #[must_use]
    pub fn present(&self, attribute: Attribute, bytes: Vec<u8>, bears: &dyn Fn(&[u8]) -> bool) -> Held {
        let value = Value {
            attribute,
            content: Content::Bytes(bytes),
            place: Place::default(),
            chunk: 0,
            from_file: false,
        };
        let opened = extract::open(&value, bears);
        let own = match &opened {
            Opened::Readable { own: Some(own), .. } => Certificate::parse(own).ok(),
            _ => None,
        };
        let Some(certificate) = own else {
            let value = Remaining {
                attribute,
                sha256: None,
                issuer: None,
                serial: None,
                not_after: None,
                encrypts: false,
                revoked: false,
            };
            return Held { by: HeldBy::Inventory, value, expired: false, revoked: None };
        };
        let revoked =
            self.engine.and_then(|engine| engine.revoked(&certificate.issuer().key(), certificate.serial()));
        let for_mail = is_for_mail(&certificate, self.usage) && !certificate.is_ca();
        let value = Remaining {
            attribute,
            sha256: Some(hex(&certificate.sha256())),
            issuer: Some(certificate.issuer().to_string()),
            serial: Some(certificate.serial_hex()),
            not_after: Some(certificate.not_after().to_string()),
            encrypts: for_mail && Abilities::of(&certificate, self.usage).encrypt,
            revoked: revoked.is_some(),
        };
        Held { by: HeldBy::Inventory, value, expired: self.at > certificate.not_after(), revoked }
    }
}

/// Hex with or without a separator as octets.
fn octets(text: &str, separator: Option<char>) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().filter(|c| Some(*c) != separator).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    // Two digits of 4 bits each fit an octet.
    digits.chunks(2).map(|pair| Some((pair.first()? * 16 + pair.get(1)?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_back() {
        assert_eq!(octets("4a:00:ff", Some(':')), Some(vec![0x4a, 0, 0xff]));
        assert_eq!(octets("4a00ff", None), Some(vec![0x4a, 0, 0xff]));
        assert_eq!(octets("4a0", None), None);
        assert_eq!(octets("4a:00", None), None);
        assert_eq!(octets("", None), Some(Vec::new()));
    }
}
