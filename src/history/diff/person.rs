//! One side of a comparison: its manifest without what is not compared, on disk.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::ledger::{address_key, keys_of};
use super::super::predecessor::{Predecessor, Unusable};
use super::super::shelf::{Shelf, ShelfWriter};
use crate::bundle::manifest::Frame;
use crate::bundle::model::{Attribute, Candidate, Cleared, Coverage, Decision, Recipient};
use crate::census::keys::{self, Kind};
use crate::census::sorter::{Sorted, Sorter};
use crate::census::{Census, Knowledge};
use crate::error::Error;
use crate::input::whole;
use crate::limits::POLICY_BYTES;

/// A recipient, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub number: u64,
    pub address: Option<String>,
    pub display_name: Option<String>,
    pub coverage: Coverage,
    /// Stands in no input.
    pub gone: bool,
    pub cleared: Vec<Cleared>,
    pub values: Vec<Value>,
}

/// A candidate, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    pub attribute: Attribute,
    pub index: u64,
    pub value_sha256: String,
    pub sha256: Option<String>,
    pub subject: Option<String>,
    pub issuer: Option<String>,
    pub serial: Option<String>,
    pub not_after: Option<String>,
    pub decision: Decision,
    pub reason: String,
    /// The code whose finding is the reason.
    pub because: Option<String>,
    pub codes: Vec<String>,
}

impl Person {
    fn of(recipient: &Recipient) -> Self {
        let identity = &recipient.identity;
        Self {
            number: recipient.number,
            address: identity.cloud_address.clone().or_else(|| identity.primary_smtp.clone()),
            display_name: identity.display_name.clone(),
            coverage: recipient.coverage,
            gone: recipient.source.is_none(),
            cleared: recipient.history.as_ref().map(|history| history.cleared.clone()).unwrap_or_default(),
            values: recipient.candidates.iter().map(Value::of).collect(),
        }
    }

    /// The address as it is compared.
    pub fn address_key(&self) -> Option<String> {
        self.address.as_deref().map(address_key)
    }
}

impl Value {
    fn of(candidate: &Candidate) -> Self {
        let found = |message: &str| message.split("; required: ").next().unwrap_or_default().to_owned();
        let because = candidate
            .findings
            .iter()
            .find(|finding| candidate.reason == format!("Withheld: {}.", found(&finding.message)));
        Self {
            attribute: candidate.attribute,
            index: candidate.index,
            value_sha256: candidate.value_sha256.clone(),
            sha256: candidate.sha256.clone(),
            subject: candidate.subject.clone(),
            issuer: candidate.issuer.clone(),
            serial: candidate.serial.clone(),
            not_after: candidate.not_after.clone(),
            decision: candidate.decision,
            reason: candidate.reason.clone(),
            because: because.map(|finding| finding.code.to_string()),
            codes: candidate.findings.iter().map(|finding| finding.code.to_string()).collect(),
        }
    }
}

/// A bundle, read.
pub struct Side {
    pub frame: Frame,
    /// Text of review/policy.toml.
    pub policy: String,
    pub people: Shelf<Person>,
    /// What each person is found by.
    pub keys: Sorted,
}

impl Side {
    /// Reads a bundle; `name` is how messages call it.
    pub fn read(name: &str, dir: &Path) -> Result<Self, Error> {
        let unusable = |error: Unusable| {
            let (message, hint) =
                (format!("{name} {}: the bundle {error}", dir.display()), error.hint().to_owned());
            match error {
                Unusable::Changed(_) => Error::NotGood { message, hint },
                Unusable::Open(_) | Unusable::NoReview(_) | Unusable::Manifest(_) => {
                    Error::NoInput { message, hint }
                }
            }
        };
        let bundle = Predecessor::open(dir).map_err(unusable)?;
        let mut people = ShelfWriter::new().map_err(Error::spill)?;
        let mut sorter = Sorter::default();
        let mut spilled = None;
        let mut put = |recipient: &Recipient| {
            let person = Person::of(recipient);
            let keys = keys_of(person.address.as_deref(), &recipient.identity);
            let number = people.push(&person)?;
            for mut key in keys.into_iter().filter(|key| Kind::of(key) != Some(Kind::Bystander)) {
                keys::set_record(&mut key, number);
                sorter.push(key)?;
            }
            Ok(())
        };
        let frame = bundle.read(&|_| (), |recipient| {
            put(&recipient).map_err(|error: std::io::Error| {
                spilled = Some(error);
                "stopped".to_owned()
            })
        });
        if let Some(error) = spilled {
            return Err(Error::spill(error));
        }
        let path = bundle.file("policy.toml");
        let policy = whole::read(&path, POLICY_BYTES).map_err(|source| Error::Read { path, source })?.bytes;
        Ok(Self {
            frame: frame.map_err(unusable)?,
            policy: String::from_utf8_lossy(&policy).into_owned(),
            people: people.finish().map_err(Error::spill)?,
            keys: sorter.finish().map_err(Error::spill)?,
        })
    }

    /// The same with its people as objects that others can be compared with.
    pub fn known(self) -> Result<(Self, Knowledge), Error> {
        let mut census = Census::default();
        for key in self.keys.iter() {
            let key = key.map_err(Error::spill)?;
            census.add(keys::record(&key), &mut [key]).map_err(Error::spill)?;
        }
        let knowledge = census.finish().map_err(Error::spill)?;
        Ok((self, knowledge))
    }
}
