//! What the tenant holds now, as the upload script's `-Inventory` wrote it.
//!
//! NDJSON in ASCII: a head line `{"schema":"certferry-inventory-1","time":"…"}`, a line for each recipient with at
//! least one value, and an end line `{"end":true,"recipients":N}`. A file that ends before its end line was cut
//! off, and whoever is missing would look as if they held nothing, so it is refused whole.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::before::{Before, Judge, Origin};
use super::ledger::{Ledger, address_key};
use crate::bundle::hashed::HashedReader;
use crate::bundle::model::history::Inventory;
use crate::bundle::model::{Attribute, Identity, RecipientKind};
use crate::bundle::verify::{Line, read_line};
use crate::certificate::{Certificate, UnixTime};
use crate::error::Error;
use crate::limits::{BLOCK_BYTES, LARGE_BLOCK, LEDGER_LINE_BYTES};
use crate::parallel;
use crate::rules::address::addresses;

/// The format that this release reads.
pub const INVENTORY_SCHEMA: &str = "certferry-inventory-1";

/// Reads an inventory into the ledger. `progress` is told the bytes read so far.
///
/// # Errors
/// A usage error that names the line; [`Error::Spill`] when the temporary folder fails.
pub fn read(
    path: &Path,
    judge: &Judge<'_, '_>,
    threads: usize,
    progress: &dyn Fn(u64),
    ledger: &mut Ledger,
) -> Result<Inventory, Error> {
    let file = File::open(path).map_err(|error| {
        let message = format!("--published {}: could not be read: {error}", path.display());
        Error::usage(message, "name the file that the upload script wrote with -Inventory")
    })?;
    let mut lines = Lines {
        path,
        reader: BufReader::with_capacity(1 << 16, HashedReader::new(file, progress)),
        number: 0,
        buffer: Vec::new(),
    };
    let head: Head = lines.parse_next("the head line")?;
    if head.schema != INVENTORY_SCHEMA {
        let found = format!("the format is {:?}, this release reads {INVENTORY_SCHEMA:?}", head.schema);
        return Err(lines.wrong(&found, "take the inventory with the script of this release"));
    }
    if UnixTime::from_rfc3339(&head.time).is_err() {
        return Err(lines.wrong(&format!("{:?} is no instant", head.time), AGAIN));
    }
    let mut recipients = 0u64;
    let mut end: Option<u64> = None;
    parallel::ordered(
        threads,
        || (),
        || {
            let (mut batch, mut bytes) = (Vec::new(), 0);
            while end.is_none() && bytes < BLOCK_BYTES {
                let text = lines.next_line()?;
                match text.starts_with(b"{\"end\"").then(|| serde_json::from_slice::<End>(&text)) {
                    Some(Ok(said)) if said.end => end = Some(said.recipients),
                    _ => {
                        bytes += text.len();
                        batch.push((lines.number, text));
                    }
                }
            }
            Ok((!batch.is_empty()).then_some(batch))
        },
        |batch| batch.iter().map(|(_, text)| text.len()).sum::<usize>() > LARGE_BLOCK,
        |(), batch| batch.into_iter().map(|(line, text)| entry(line, &text, judge)).collect::<Vec<_>>(),
        |batch| {
            for entry in batch {
                let entry = entry.map_err(|(line, found)| wrong(path, line, &found, AGAIN))?;
                ledger.push(&entry).map_err(Error::spill)?;
                recipients += 1;
            }
            Ok(())
        },
    )?;
    if end != Some(recipients) {
        let found = format!("it says {} recipients, {recipients} were read", end.unwrap_or_default());
        return Err(lines.wrong(&found, AGAIN));
    }
    if lines.reader.fill_buf().is_ok_and(|rest| !rest.is_empty()) {
        lines.number += 1;
        return Err(lines.wrong("something follows the end line", AGAIN));
    }
    let sha256 = lines.reader.into_inner().finish();
    Ok(Inventory { time: head.time, sha256, recipients })
}

/// An address that stands twice.
#[must_use]
pub fn twice(path: &Path, lines: (u64, u64), address: &str) -> Error {
    let found = format!("{address} stands in line {} already", lines.0);
    wrong(path, lines.1, &found, AGAIN)
}

const AGAIN: &str =
    "take the inventory again (the script's -Inventory), and carry the file as it is, as a binary file";

fn wrong(path: &Path, line: u64, found: &str, hint: &str) -> Error {
    Error::usage(format!("--published {}, line {line}: {found}", path.display()), hint)
}

#[derive(Deserialize)]
struct Head {
    schema: String,
    time: String,
}

#[derive(Deserialize)]
struct End {
    end: bool,
    recipients: u64,
}

#[derive(Deserialize)]
struct Recipient {
    address: String,
    kind: RecipientKind,
    synchronised: bool,
    #[serde(rename = "userCertificate", default)]
    user_certificate: Vec<String>,
    #[serde(rename = "userSMIMECertificate", default)]
    user_smime_certificate: Vec<String>,
}

/// One line, judged; or its number and what is wrong with it.
fn entry(line: u64, text: &[u8], judge: &Judge<'_, '_>) -> Result<Before, (u64, String)> {
    let recipient: Recipient =
        serde_json::from_slice(text).map_err(|error| (line, format!("is no recipient: {error}")))?;
    let key = address_key(&recipient.address);
    let bears = |der: &[u8]| {
        Certificate::parse(der)
            .is_ok_and(|certificate| addresses(&certificate).iter().any(|address| address.as_str() == key))
    };
    let sets = [
        (Attribute::UserCertificate, &recipient.user_certificate),
        (Attribute::UserSmimeCertificate, &recipient.user_smime_certificate),
    ];
    let mut held = Vec::new();
    for (attribute, values) in sets {
        for value in values {
            let bytes = STANDARD
                .decode(value)
                .map_err(|error| (line, format!("a value of {} is not base64: {error}", attribute.name())))?;
            held.push(judge.present(attribute, bytes, &bears));
        }
    }
    let count = |values: &Vec<String>| values.len() as u64;
    Ok(Before {
        origin: Origin::Inventory {
            line,
            synchronised: recipient.synchronised,
            values: [count(&recipient.user_certificate), count(&recipient.user_smime_certificate)],
        },
        identity: Identity { primary_smtp: Some(recipient.address.clone()), ..Identity::default() },
        address: Some(recipient.address),
        kind: recipient.kind,
        held,
        cleared: Vec::new(),
    })
}

struct Lines<'p> {
    path: &'p Path,
    reader: BufReader<HashedReader<'p, File>>,
    number: u64,
    buffer: Vec<u8>,
}

impl Lines<'_> {
    fn wrong(&self, found: &str, hint: &str) -> Error {
        wrong(self.path, self.number, found, hint)
    }

    fn parse_next<T: serde::de::DeserializeOwned>(&mut self, what: &str) -> Result<T, Error> {
        let text = self.next_line()?;
        serde_json::from_slice(&text).map_err(|error| self.wrong(&format!("is not {what}: {error}"), AGAIN))
    }

    /// The next line, which must be there.
    fn next_line(&mut self) -> Result<Vec<u8>, Error> {
        self.number += 1;
        let read = read_line(&mut self.reader, LEDGER_LINE_BYTES, &mut self.buffer)
            .map_err(|source| Error::Read { path: self.path.to_path_buf(), source })?;
        match read {
            Line::Whole => {}
            Line::End => return Err(self.wrong("the file ends before its end line: it was cut off", AGAIN)),
            Line::Unterminated => {
                return Err(self.wrong("the line has no end: the file was cut off", AGAIN));
            }
            Line::TooLong => {
                return Err(self.wrong(&format!("the line is longer than {LEDGER_LINE_BYTES} bytes"), AGAIN));
            }
        }
        // A copy as text may have changed the line ends; nothing else may differ.
        let text = self.buffer.strip_suffix(b"\r").unwrap_or(&self.buffer);
        if !text.is_ascii() {
            return Err(self.wrong("it holds bytes that are not ASCII", AGAIN));
        }
        Ok(text.to_vec())
    }
}
