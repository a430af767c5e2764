//! Accepted exceptions: one certificate, the codes that are accepted at it, why, by whom, and until when.

use std::ops::Range;

use toml::de::{DeArray, DeTable};

use super::anchors::sha256;
use super::fixed::against_exception;
use super::tree::{Fields, Problems};
use crate::certificate::{Certificate, UnixTime};
use crate::encoding::{hex, unhex};
use crate::limits::DAY;
use crate::rules;

/// The certificate that an exception is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// By the SHA-256 of its DER.
    Sha256([u8; 32]),
    /// By issuer and serial number.
    Serial {
        /// The issuer as the manifest writes it.
        issuer: String,
        /// The serial number without zeros in front.
        serial: Vec<u8>,
    },
}

impl std::fmt::Display for Whose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sha256(sha256) => write!(f, "the certificate with the SHA-256 {}", hex(sha256)),
            Self::Serial { issuer, serial } => {
                write!(f, "the certificate with the serial number {} of {issuer}", serial_text(serial))
            }
        }
    }
}

/// A serial number in the form of the manifest.
#[must_use]
pub fn serial_text(serial: &[u8]) -> String {
    let plain: Vec<String> = serial.iter().map(|byte| format!("{byte:02x}")).collect();
    plain.join(":")
}

/// A serial number without zeros in front, which an encoder may add and people leave out.
#[must_use]
pub fn serial_key(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    serial.get(zeros..).unwrap_or_default()
}

/// The last day on which something applies; it ends with that day in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Until {
    day: String,
    end: UnixTime,
}

impl Until {
    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self, at: UnixTime) -> bool {
        at > self.end
    }

    /// The day in the form 2026-12-31.
    #[must_use]
    pub fn day(&self) -> &str {
        &self.day
    }

    /// The field `until` of an entry, where there is one.
    pub fn read(fields: &Fields<'_, '_>, problems: &mut Problems) -> Option<Self> {
        let value = fields.get("until")?;
        let date = value.get_ref().as_datetime().filter(|found| found.time.is_none());
        let end = date.and_then(|found| found.date).and_then(|date| {
            let midnight = format!("{date}T00:00:00Z");
            UnixTime::from_rfc3339(&midnight)
                .ok()
                .map(|start| Self { day: date.to_string(), end: UnixTime(start.0.saturating_add(DAY - 1)) })
        });
        if end.is_none() {
            let written =
                value.get_ref().as_str().filter(|text| text.parse::<toml::value::Datetime>().is_ok());
            let remedy = match written {
                Some(text) => format!("write it without quotes: until = {text}"),
                None => "write the last day, without quotes: until = 2026-12-31".to_owned(),
            };
            problems.unexpected(&fields.named("until"), value, "a day such as 2026-12-31", remedy);
        }
        end
    }
}

/// An accepted exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The certificate.
    pub whose: Whose,
    /// Codes that are accepted at it, sorted.
    pub codes: Vec<&'static str>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub approver: String,
    /// The last day on which it applies.
    pub until: Until,
}

const KNOWN: &[&str] = &["sha256", "issuer", "serial", "codes", "reason", "approver", "until"];
const WHICH: &str = "name the certificate by sha256 = \"…\" (64 hex digits), or by issuer = \"…\" and serial = \"…\" as manifest.csv shows them";
const CODES: &str = "write it like codes = [\"no-email-match\"]; certferry explain lists the codes";
const REASON: &str = "write why it is accepted, like reason = \"name changed, new certificate ordered\"";
const APPROVER: &str = "write who answers for it, like approver = \"CISO, ticket 4711\"";

impl Exception {
    /// Whether the certificate is the one that is meant; `sha256` is that of its DER.
    #[must_use]
    pub fn is_about(&self, certificate: &Certificate<'_>, sha256: &[u8; 32]) -> bool {
        match &self.whose {
            Whose::Sha256(wanted) => wanted == sha256,
            Whose::Serial { issuer, serial } => {
                serial_key(certificate.serial()) == serial.as_slice()
                    && certificate.issuer().to_string() == *issuer
            }
        }
    }
}

/// Reads every `[[exception]]`.
pub fn read(list: &DeArray<'_>, problems: &mut Problems) -> Vec<Exception> {
    let mut exceptions: Vec<Exception> = Vec::new();
    for (number, span, table) in tables(list, "exception", problems) {
        let fields = Fields::new(format!("[[exception]] {number}"), span, table, KNOWN, problems);
        let whose = whose(&fields, problems);
        let codes = codes(&fields, problems);
        let reason = fields.needed("reason", REASON, problems);
        let approver = fields.needed("approver", APPROVER, problems);
        if fields.get("until").is_none() {
            let remedy = "an exception must end: write its last day, like until = 2026-12-31";
            fields.missing("until", remedy, problems);
        }
        let until = Until::read(&fields, problems);
        let (Some(whose), Some(reason), Some(approver), Some(until)) = (whose, reason, approver, until)
        else {
            continue;
        };
        for (known, first) in exceptions.iter().zip(1..) {
            let twice = known.codes.iter().find(|code| codes.contains(code));
            if let Some(code) = twice.filter(|_| known.whose == whose) {
                let message = format!(
                    "{} accepts {code} at the same certificate as [[exception]] {first}",
                    fields.label()
                );
                problems.add(fields.span(), message, "keep one of the two");
            }
        }
        exceptions.push(Exception {
            whose,
            codes,
            reason: reason.to_owned(),
            approver: approver.to_owned(),
            until,
        });
    }
    exceptions
}

fn whose(fields: &Fields<'_, '_>, problems: &mut Problems) -> Option<Whose> {
    let given = ["sha256", "issuer", "serial"].map(|name| fields.get(name).is_some());
    match given {
        [true, false, false] => sha256(fields, problems).map(Whose::Sha256),
        [false, true, true] => {
            let issuer = fields.text("issuer", WHICH, problems);
            let serial = fields.text("serial", WHICH, problems)?;
            let octets = unhex(serial).filter(|octets| !octets.is_empty());
            if let (None, Some(value)) = (&octets, fields.get("serial")) {
                let remedy = "write it like serial = \"0a:1b:2c\", as manifest.csv shows it";
                problems.unexpected(&fields.named("serial"), value, "hex digits in pairs", remedy);
            }
            Some(Whose::Serial { issuer: issuer?.to_owned(), serial: serial_key(&octets?).to_vec() })
        }
        [true, ..] => {
            let message = format!("{} names its certificate in two ways", fields.label());
            problems.add(fields.span(), message, "keep sha256, or issuer and serial");
            None
        }
        [false, false, false] => {
            fields.missing("certificate", WHICH, problems);
            None
        }
        [false, issuer, _] => {
            fields.missing(if issuer { "serial" } else { "issuer" }, WHICH, problems);
            None
        }
    }
}

fn codes(fields: &Fields<'_, '_>, problems: &mut Problems) -> Vec<&'static str> {
    if fields.get("codes").is_none() {
        fields.missing("codes", CODES, problems);
    }
    let mut codes = Vec::new();
    for (text, value) in fields.list("codes", CODES, problems).unwrap_or_default() {
        let Some(rule) = rules::find(text) else {
            let near = rules::nearest(text);
            let remedy = match near.as_slice() {
                [] => CODES.to_owned(),
                near => format!("did you mean {}?", near.join(" or ")),
            };
            problems.unexpected(&fields.named("codes"), value, "the code of a finding", remedy);
            continue;
        };
        match against_exception(rule) {
            Some((message, remedy)) => {
                problems.add(&value.span(), format!("{}: {message}", fields.named("codes")), remedy);
            }
            None => codes.push(rule.code),
        }
    }
    codes.sort_unstable();
    codes
}

/// The tables of `[[name]]` with their numbers from 1 and their places.
pub fn tables<'t, 'i>(
    list: &'t DeArray<'i>,
    name: &str,
    problems: &mut Problems,
) -> Vec<(usize, Range<usize>, &'t DeTable<'i>)> {
    let mut found = Vec::new();
    for (item, number) in list.iter().zip(1..) {
        match item.get_ref().as_table() {
            Some(table) => found.push((number, item.span(), table)),
            None => problems.unexpected(
                &format!("[[{name}]] {number}"),
                item,
                "a table",
                format!("begin each with a line [[{name}]]"),
            ),
        }
    }
    found
}
