//! The upload's journal held against the bundle: what became of each person, and what they have now.
//!
//! The journal is the upload script's: NDJSON in ASCII, format [`JOURNAL_SCHEMA`]. `run` opens each run, `before`
//! keeps what was there and what was sent, `confirmed`, `notWritten` and `restored` say how it went, `result` what
//! became of everybody else. A last line without an end was being written when the computer stopped: it is left out.
//! Persons come one after the other, in the order of the bundle; neither they nor the journal are held in memory.

mod state;

pub use state::{Certainty, Holding, PersonState, Upload};
use state::{Event, Follow, Sets};

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::hashed::sha256_hex;
use super::super::manifest;
use super::super::model::{Attribute, Decision, PayloadLine, Recipient};
use super::super::writer::payload_name;
use super::super::{REVIEW, TRANSFER};
use super::payload::{Line, read_line};
use super::{ProblemKind, Report};
use crate::census::keys::hash;
use crate::census::sorter::{Key, Sorted, Sorter};
use crate::history::ledger::address_key;
use crate::history::shelf::{Shelf, ShelfWriter};
use crate::limits::LEDGER_LINE_BYTES;

/// The format that this release reads.
pub const JOURNAL_SCHEMA: &str = "certferry-journal-1";

/// Words for results that are counted.
const MAX_RESULTS: usize = 100;

/// What the upload's journal says, counted over the people of the payload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JournalReport {
    /// Id of the bundle that it is of.
    pub bundle: Option<String>,
    /// Runs of the script.
    pub runs: u64,
    /// Records.
    pub records: u64,
    /// People who have what the bundle says.
    pub published: u64,
    /// Written, and not seen in the tenant yet.
    pub unconfirmed: u64,
    /// Refused by the server.
    pub not_written: u64,
    /// Left alone.
    pub skipped: u64,
    /// Rolled back.
    pub restored: u64,
    /// Not in the journal.
    pub not_mentioned: u64,
    /// People who are not published, by the script's result.
    pub results: BTreeMap<String, u64>,
}

impl JournalReport {
    fn count(&mut self, person: &PersonState) {
        *match person.upload {
            Upload::Published => &mut self.published,
            Upload::Unconfirmed => &mut self.unconfirmed,
            Upload::NotWritten => &mut self.not_written,
            Upload::Skipped => &mut self.skipped,
            Upload::Restored => &mut self.restored,
            Upload::NotMentioned => &mut self.not_mentioned,
        } += 1;
        if let Some(result) = &person.result {
            // A journal has a handful of words; an edited one shall not fill the memory.
            if self.results.len() < MAX_RESULTS || self.results.contains_key(result) {
                *self.results.entry(result.clone()).or_default() += 1;
            }
        }
    }
}

/// A person whom the bundle is to be uploaded for.
#[derive(Serialize, Deserialize)]
struct Person {
    number: u64,
    address: String,
    wanted: Sets,
}

/// Why a journal could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The journal could not be opened or read.
    #[error("could not be read: {0}")]
    Read(io::Error),
    /// The temporary folder failed.
    #[error(transparent)]
    Spill(io::Error),
}

/// Holds a journal against the bundle in `dir`, which was verified into `report`, and calls `each` with every person
/// of the payload. What is wrong with the journal goes into the report.
///
/// # Errors
/// [`JournalError`]; an error of `each` as [`JournalError::Spill`].
pub fn follow(
    dir: &Path,
    journal: &Path,
    report: &mut Report,
    mut each: impl FnMut(&PersonState) -> io::Result<()>,
) -> Result<(), JournalError> {
    let file = File::open(journal).map_err(JournalError::Read)?;
    let mut reader = Reader {
        reader: BufReader::with_capacity(1 << 16, file.try_clone().map_err(JournalError::Read)?),
        shown: journal.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        line: 0,
        offset: 0,
        buffer: Vec::new(),
        summary: JournalReport::default(),
    };
    let mut keys = Sorter::default();
    let read = reader.index(report, &mut keys);
    report.journal = Some(std::mem::take(&mut reader.summary));
    if !read? {
        return Ok(());
    }
    let (people, addresses) = people(dir).map_err(JournalError::Spill)?;
    let records = keys.finish().map_err(JournalError::Spill)?;
    let order = order(&records, &addresses, &reader.shown, report).map_err(JournalError::Spill)?;

    let mut records = order.iter();
    let mut next = records.next().transpose().map_err(JournalError::Spill)?;
    for number in 0..people.count() {
        let person = people.get(number).map_err(JournalError::Spill)?;
        let mut follow = Follow::default();
        while let Some(key) = next.take_if(|key| part(key, 0..4) == u64::from(number)) {
            let (event, time) = event(&file, part(&key, 4..12), part(&key, 12..16))?;
            if Follow::sent_otherwise(&event, &person.wanted) {
                let explanation = format!(
                    "{} was sent other values than the bundle holds: it is the journal of another bundle, or was edited",
                    person.address
                );
                report.problem(ProblemKind::Journal, Some(&reader.shown), None, explanation);
            }
            follow.take(event, time, &person.wanted);
            next = records.next().transpose().map_err(JournalError::Spill)?;
        }
        let state = follow.finish(person.number, person.address);
        if let Some(summary) = &mut report.journal {
            summary.count(&state);
        }
        each(&state).map_err(JournalError::Spill)?;
    }
    Ok(())
}

/// A big-endian number in a key.
fn part(key: &Key, range: std::ops::Range<usize>) -> u64 {
    key.get(range).unwrap_or_default().iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[derive(Deserialize)]
struct Record {
    r#type: String,
    schema: Option<String>,
    bundle: Option<String>,
    address: Option<String>,
    time: Option<String>,
    result: Option<String>,
    detail: Option<String>,
    #[serde(rename = "old-userCertificate")]
    old_user: Option<Vec<String>>,
    #[serde(rename = "new-userCertificate")]
    new_user: Option<Vec<String>>,
    #[serde(rename = "old-userSMIMECertificate")]
    old_smime: Option<Vec<String>>,
    #[serde(rename = "new-userSMIMECertificate")]
    new_smime: Option<Vec<String>>,
}

struct Reader {
    reader: BufReader<File>,
    shown: String,
    line: u64,
    offset: u64,
    buffer: Vec<u8>,
    summary: JournalReport,
}

impl Reader {
    /// Reads the journal once: where each person's records stand. False when it is none that can be used.
    fn index(&mut self, report: &mut Report, keys: &mut Sorter) -> Result<bool, JournalError> {
        loop {
            self.line += 1;
            let read = read_line(&mut self.reader, LEDGER_LINE_BYTES, &mut self.buffer);
            let length = self.buffer.len() as u64;
            match read.map_err(JournalError::Read)? {
                Line::End if self.line == 1 => return Ok(self.wrong(report, "the journal is empty")),
                Line::End => return Ok(true),
                Line::Unterminated => {
                    report.note(format!(
                        "line {} of the journal was not written to its end, when the upload was cut off; it counts for nothing",
                        self.line
                    ));
                    return Ok(self.line > 1);
                }
                Line::TooLong => return Ok(self.wrong(report, "the line is too long for a record")),
                Line::Whole => {}
            }
            let record: Record = match serde_json::from_slice(&self.buffer) {
                Ok(record) => record,
                Err(error) => return Ok(self.wrong(report, &format!("is no record: {error}"))),
            };
            if !self.record(&record, report, length, keys)? {
                return Ok(false);
            }
            self.offset += length + 1;
        }
    }

    fn record(
        &mut self,
        record: &Record,
        report: &mut Report,
        length: u64,
        keys: &mut Sorter,
    ) -> Result<bool, JournalError> {
        self.summary.records += 1;
        if record.r#type == "run" {
            if record.schema.as_deref() != Some(JOURNAL_SCHEMA) {
                let found = record.schema.as_deref().unwrap_or("none");
                let text = format!("the format is {found:?}, this release reads {JOURNAL_SCHEMA:?}");
                return Ok(self.wrong(report, &text));
            }
            self.summary.runs += 1;
            self.summary.bundle.clone_from(&record.bundle);
            if let (Some(own), Some(bundle)) = (&report.id, &record.bundle)
                && !own.eq_ignore_ascii_case(bundle)
            {
                let text = format!("the journal is of the bundle {bundle}, this is {own}");
                return Ok(self.wrong(report, &text));
            }
            return Ok(true);
        }
        if self.summary.runs == 0 {
            return Ok(self.wrong(report, "the file does not begin as a journal of the upload script"));
        }
        match &record.address {
            Some(address) => {
                let mut key = [0; 32];
                key[..16].copy_from_slice(&hash(address_key(address).as_bytes()));
                key[16..24].copy_from_slice(&self.offset.to_be_bytes());
                // A line is shorter than `LEDGER_LINE_BYTES`, which fits.
                key[24..28].copy_from_slice(&(length as u32).to_be_bytes());
                keys.push(key).map_err(JournalError::Spill)?;
                Ok(true)
            }
            None => Ok(self.wrong(report, &format!("the record {:?} names no address", record.r#type))),
        }
    }

    fn wrong(&self, report: &mut Report, text: &str) -> bool {
        report.problem(ProblemKind::Journal, Some(&self.shown), Some(self.line), text.to_owned());
        false
    }
}

/// Reads one record again.
fn event(file: &File, offset: u64, length: u64) -> Result<(Event, Option<String>), JournalError> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact_at(&mut bytes, offset).map_err(JournalError::Read)?;
    let record: Record =
        serde_json::from_slice(&bytes).map_err(|error| JournalError::Read(io::Error::other(error)))?;
    // A value that is no base64 is nobody's; its text stands for it.
    let hashes = |values: Option<Vec<String>>| {
        values.map(|values| {
            values
                .iter()
                .map(|value| {
                    STANDARD.decode(value).map_or_else(|_| value.clone(), |bytes| sha256_hex(&bytes))
                })
                .collect::<Vec<_>>()
        })
    };
    let event = match record.r#type.as_str() {
        "before" => Event::Before {
            old: [hashes(record.old_user), hashes(record.old_smime)],
            new: [hashes(record.new_user), hashes(record.new_smime)],
        },
        "confirmed" => Event::Confirmed,
        "notWritten" => Event::NotWritten,
        "restored" => Event::Restored,
        other => {
            Event::Result { result: record.result.unwrap_or_else(|| other.into()), detail: record.detail }
        }
    };
    Ok((event, record.time))
}

/// Everybody who has a payload line, and the hash of their address with their place.
fn people(dir: &Path) -> io::Result<(Shelf<Person>, Sorted)> {
    let mut shelf = ShelfWriter::new()?;
    let mut addresses = Sorter::default();
    let mut push = |person: Person| -> io::Result<()> {
        let mut key = [0; 32];
        key[..16].copy_from_slice(&hash(address_key(&person.address).as_bytes()));
        let place = shelf.push(&person)?;
        key[16..20].copy_from_slice(&place.to_be_bytes());
        addresses.push(key)
    };
    let half = |name: &str, file: &str| {
        [dir.join(name), dir.to_path_buf()].into_iter().find(|path| path.join(file).is_file())
    };
    if let Some(transfer) = half(TRANSFER, "transfer.json") {
        for number in 1.. {
            let Ok(file) = File::open(transfer.join(payload_name(number))) else { break };
            let mut reader = BufReader::with_capacity(1 << 16, file);
            let mut buffer = Vec::new();
            while let Line::Whole = read_line(&mut reader, super::super::MAX_PAYLOAD_LINE, &mut buffer)? {
                // A damaged line is named by the check of the payload.
                if let Ok(line) = serde_json::from_slice::<PayloadLine>(&buffer) {
                    push(of_payload(line))?;
                }
            }
        }
    } else if let Some(review) = half(REVIEW, "manifest.json") {
        let file = File::open(review.join("manifest.json"))?;
        let mut failed = None;
        let read = manifest::read_into(
            file,
            &mut |recipient: Recipient| {
                let outcome = if recipient.payload.is_some() { push(of_manifest(recipient)) } else { Ok(()) };
                outcome.map_err(|error| {
                    failed = Some(error);
                    "stopped".to_owned()
                })
            },
            &mut |_| Ok(()),
        );
        // A damaged manifest is named by the check of the manifest.
        drop(read);
        if let Some(error) = failed {
            return Err(error);
        }
    }
    Ok((shelf.finish()?, addresses.finish()?))
}

fn of_payload(line: PayloadLine) -> Person {
    let hashes = |values: Option<Vec<String>>| {
        values.map(|values| {
            let bytes = values.iter().filter_map(|value| STANDARD.decode(value).ok());
            bytes.map(|bytes| sha256_hex(&bytes)).collect()
        })
    };
    Person {
        number: line.number,
        address: line.address,
        wanted: [hashes(line.user_certificate), hashes(line.user_smime_certificate)],
    }
}

fn of_manifest(recipient: Recipient) -> Person {
    let identity = recipient.identity;
    let set = |attribute: Attribute| {
        let published: Vec<String> = recipient
            .candidates
            .iter()
            .filter(|one| one.attribute == attribute && one.decision == Decision::Publish)
            .map(|one| one.value_sha256.clone())
            .collect();
        let cleared = recipient
            .history
            .as_ref()
            .is_some_and(|history| history.cleared.iter().any(|one| one.attribute == attribute));
        (!published.is_empty() || cleared).then_some(published)
    };
    Person {
        number: recipient.number,
        wanted: [set(Attribute::UserCertificate), set(Attribute::UserSmimeCertificate)],
        address: identity.cloud_address.or(identity.primary_smtp).unwrap_or_default(),
    }
}

/// The records in the order of persons, and of the journal for each: place, offset, length.
fn order(records: &Sorted, addresses: &Sorted, shown: &str, report: &mut Report) -> io::Result<Sorted> {
    let mut order = Sorter::default();
    let mut people = addresses.iter();
    let mut person = people.next().transpose()?;
    let mut strangers = 0u64;
    for key in records.iter() {
        let key = key?;
        while person.is_some_and(|person| person[..16] < key[..16]) {
            person = people.next().transpose()?;
        }
        let Some(person) = person.filter(|person| person[..16] == key[..16]) else {
            strangers += 1;
            continue;
        };
        let mut row = [0; 32];
        row[..4].copy_from_slice(&person[16..20]);
        row[4..16].copy_from_slice(&key[16..28]);
        order.push(row)?;
    }
    if strangers > 0 {
        let explanation = format!(
            "{strangers} records are about addresses that this bundle has no payload for: it is the journal of another bundle, or was edited"
        );
        report.problem(ProblemKind::Journal, Some(shown), None, explanation);
    }
    order.finish()
}
