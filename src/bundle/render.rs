//! A recipient as bytes, with the number left open.
//!
//! Judging and serialising are the expensive parts and run on many threads; a recipient's number and the
//! places of the payload line and of the directory's change are known only where everything is put in order. In every
//! line the number is the first key and in a manifest entry the places are the last, so the middle can be made
//! anywhere and the writer only adds both ends.

use super::directory::Change;
use super::model::{
    ChangeCounts, ChangePlace, Coverage, Decision, FindingLine, PayloadLine, PayloadPlace, Recipient,
    Summary, Target, ValueChange,
};
use super::report::{Facts, Listed};
use super::{MAX_PAYLOAD_LINE, OutputError, table};
use crate::encoding::any;
use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};
use std::io;

/// What `--manifest` asked for. manifest.json is written in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManifestFormat {
    /// manifest.json alone.
    Json,
    /// manifest.csv, and manifest.json because every later step reads it.
    Csv,
    /// Both.
    #[default]
    Both,
}

impl ManifestFormat {
    /// Whether manifest.csv is written.
    #[must_use]
    pub fn csv(self) -> bool {
        !matches!(self, Self::Json)
    }
}

/// Everything that is said about one recipient.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Where the bundle is applied.
    pub targets: &'a [Target],
    /// The manifest entry; `number` is 0, `payload` and `change` are `None`, the writer fills them in.
    pub recipient: &'a Recipient,
    /// The payload line, `number` 0; `None` when nothing is to be set.
    pub payload: Option<&'a PayloadLine>,
    /// The change of the directory object; `None` when there is none.
    pub change: Option<&'a Change>,
    /// Lines for findings.ndjson. `recipient: Some(0)` becomes this recipient's number; `None` stays null
    /// (a finding about the file or the record that is told here because of the order).
    pub findings: &'a [FindingLine],
}

/// Counts over rendered recipients; what the summary must agree with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Recipients.
    pub recipients: u64,
    /// Candidates.
    pub candidates: u64,
    /// Candidates with the decision publish.
    pub published: u64,
    /// Recipients who can be encrypted to.
    pub encryptable: u64,
    /// Recipients with signing certificates only.
    pub sign_only: u64,
    /// Recipients with nothing published.
    pub none: u64,
    /// Payload lines.
    pub payload_lines: u64,
    /// Values of userCertificate in them.
    pub user_certificate: u64,
    /// Values of userSMIMECertificate in them.
    pub user_smime_certificate: u64,
    /// Attributes that they clear.
    pub cleared: u64,
    /// Objects of the directory that change, and values.
    pub changes: ChangeCounts,
}

impl Tally {
    /// What one recipient adds.
    #[must_use]
    pub fn of(recipient: &Recipient, payload: Option<&PayloadLine>) -> Self {
        let mut tally =
            Self { recipients: 1, candidates: recipient.candidates.len() as u64, ..Self::default() };
        tally.published =
            recipient.candidates.iter().filter(|candidate| candidate.decision == Decision::Publish).count()
                as u64;
        match recipient.coverage {
            Coverage::Encryptable => tally.encryptable = 1,
            Coverage::SignOnly => tally.sign_only = 1,
            Coverage::None => tally.none = 1,
        }
        for change in recipient.candidates.iter().filter_map(|candidate| candidate.change) {
            tally.changes.objects = 1;
            match change {
                ValueChange::Delete => tally.changes.deleted += 1,
                ValueChange::Add => tally.changes.added += 1,
            }
        }
        if let Some(line) = payload {
            tally.payload_lines = 1;
            let count =
                |values: &Option<Vec<String>>| values.as_ref().map_or(0, |values| values.len() as u64);
            let clears = |values: &Option<Vec<String>>| u64::from(values.as_ref().is_some_and(Vec::is_empty));
            tally.user_certificate = count(&line.user_certificate);
            tally.user_smime_certificate = count(&line.user_smime_certificate);
            tally.cleared = clears(&line.user_certificate) + clears(&line.user_smime_certificate);
        }
        tally
    }

    /// Every total of `summary` that is not what was counted, or does not add up, in words.
    #[must_use]
    pub fn disagreements(&self, summary: &Summary) -> Vec<String> {
        let coverage = &summary.coverage;
        let counted = [
            ("recipients", summary.recipients, self.recipients),
            ("candidates", summary.candidates, self.candidates),
            ("published", summary.published, self.published),
            ("withheld", summary.withheld, self.candidates.saturating_sub(self.published)),
            ("encryptable", coverage.encryptable, self.encryptable),
            ("signOnly", coverage.sign_only, self.sign_only),
            ("none", coverage.none, self.none),
            ("objects that change", summary.directory_changes.objects, self.changes.objects),
            ("values to be deleted", summary.directory_changes.deleted, self.changes.deleted),
            ("values to be added", summary.directory_changes.added, self.changes.added),
        ];
        let mut wrong: Vec<String> = counted
            .into_iter()
            .filter(|(_, said, counted)| said != counted)
            .map(|(name, said, counted)| format!("the summary says {said} {name}, counted were {counted}"))
            .collect();
        let Summary { values, candidates, unreadable, ignored, .. } = summary;
        let sum = candidates.checked_add(*unreadable).and_then(|sum| sum.checked_add(*ignored));
        if sum != Some(*values) {
            wrong.push(format!(
                "the totals do not reconcile: {values} values are not {candidates} candidates + {unreadable} unreadable + {ignored} ignored"
            ));
        }
        wrong
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.recipients, other.recipients),
            (&mut self.candidates, other.candidates),
            (&mut self.published, other.published),
            (&mut self.encryptable, other.encryptable),
            (&mut self.sign_only, other.sign_only),
            (&mut self.none, other.none),
            (&mut self.payload_lines, other.payload_lines),
            (&mut self.user_certificate, other.user_certificate),
            (&mut self.user_smime_certificate, other.user_smime_certificate),
            (&mut self.cleared, other.cleared),
        ];
        for (sum, more) in pairs {
            *sum = sum.saturating_add(more);
        }
        self.changes.add(&other.changes);
    }
}

/// One recipient as bytes. Keep it and render into it again: the buffers are reused.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The manifest entry up to the payload's place, with 0 for the number.
    manifest: Vec<u8>,
    /// CSV rows without their first cell, one behind the other.
    rows: Vec<u8>,
    /// Where each row ends in `rows`.
    row_ends: Vec<usize>,
    /// Finding lines; those that take the number have 0 for it.
    findings: Vec<u8>,
    /// Where each line ends in `findings`, and whether it takes the number.
    finding_ends: Vec<(usize, bool)>,
    /// The payload line behind the number; empty when there is none.
    payload: Vec<u8>,
    /// The records that change the directory object and undo it; empty when there are none.
    changes: [Vec<u8>; 2],
    /// What it counts for.
    tally: Tally,
    /// What it adds to the report.
    facts: Facts,
}

impl Rendered {
    /// Bytes held; useful to bound a queue.
    #[must_use]
    pub fn len(&self) -> usize {
        let [change, inverse] = &self.changes;
        let rest = self.payload.len() + change.len() + inverse.len();
        self.manifest.len() + self.rows.len() + self.findings.len() + rest
    }

    /// Bytes that it has room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        let [change, inverse] = &self.changes;
        let all = [&self.manifest, &self.rows, &self.findings, &self.payload, change, inverse];
        all.into_iter().map(Vec::capacity).sum()
    }

    /// True before anything was rendered into it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.manifest.is_empty()
    }

    /// What this recipient counts for.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What this recipient adds to the report.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What a list of the report keeps of this recipient: read back from the entry, since few stand in a list.
    pub(crate) fn listed(&self) -> Result<Listed, OutputError> {
        let mut line = Vec::new();
        self.manifest_line(0, None, None, &mut line)?;
        let recipient: Recipient = serde_json::from_slice(&line)
            .map_err(|error| OutputError::Inconsistent(format!("an entry that cannot be read: {error}")))?;
        Ok(Listed::of(&recipient))
    }

    fn clear(&mut self) {
        self.manifest.clear();
        self.rows.clear();
        self.row_ends.clear();
        self.findings.clear();
        self.finding_ends.clear();
        self.payload.clear();
        self.changes.iter_mut().for_each(Vec::clear);
        self.tally = Tally::default();
    }

    /// Appends the whole manifest entry to `out`.
    pub(crate) fn manifest_line(
        &self,
        number: u64,
        payload: Option<&PayloadPlace>,
        change: Option<&ChangePlace>,
        out: &mut Vec<u8>,
    ) -> Result<(), OutputError> {
        // `render` has looked at the beginning.
        numbered(NUMBER, number, self.manifest.get(NO_NUMBER.len()..).unwrap_or_default(), out);
        json(&payload, out)?;
        out.extend_from_slice(CHANGE);
        json(&change, out)?;
        out.push(b'}');
        Ok(())
    }

    /// Appends the CSV rows to `out`, each with its line end.
    pub(crate) fn csv_rows(&self, number: u64, out: &mut Vec<u8>) {
        table::numbered(number, &self.rows, &self.row_ends, out);
    }

    /// Appends the finding lines to `out`, each with its line end.
    pub(crate) fn finding_lines(&self, number: u64, out: &mut Vec<u8>) {
        let mut start = 0;
        for &(end, takes_number) in &self.finding_ends {
            // `finding_ends` rises and its last element is the length of `findings`.
            let line = &self.findings[start..end];
            if takes_number {
                numbered(RECIPIENT, number, line.get(NO_RECIPIENT.len()..).unwrap_or_default(), out);
            } else {
                out.extend_from_slice(line);
            }
            out.push(b'\n');
            start = end;
        }
    }

    /// Whether there is a payload line.
    pub(crate) fn has_payload(&self) -> bool {
        !self.payload.is_empty()
    }

    /// Appends the payload line, which must be there, with its line end to `out`.
    pub(crate) fn payload_line(&self, number: u64, out: &mut Vec<u8>) {
        numbered(NUMBER, number, &self.payload, out);
        out.push(b'\n');
    }

    /// The records that change the directory object and undo it.
    pub(crate) fn change_records(&self) -> Option<[&[u8]; 2]> {
        let [change, inverse] = &self.changes;
        (!change.is_empty()).then_some([change, inverse])
    }
}

const NUMBER: &[u8] = b"{\"number\":";
const CHANGE: &[u8] = b",\"change\":";
const RECIPIENT: &[u8] = b"{\"recipient\":";
/// How entries and finding lines begin before the number is known.
const NO_NUMBER: &[u8; 11] = b"{\"number\":0";
const NO_RECIPIENT: &[u8; 14] = b"{\"recipient\":0";
/// Digits of the largest number, which a payload line's length allows for.
const NUMBER_DIGITS: usize = 20;

fn numbered(key: &[u8], number: u64, rest: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    push_number(number, out);
    out.extend_from_slice(rest);
}

/// Appends a number in decimal digits.
pub(crate) fn push_number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Renders `entry` into `out`, whose earlier content is dropped.
///
/// # Errors
/// [`OutputError::Inconsistent`] when the entry contradicts itself: a number or place already filled in, a
/// payload that does not hold as many values of an attribute as candidates are published, a coverage that
/// does not fit, a payload line of
/// [`MAX_PAYLOAD_LINE`] bytes or more (selection keeps below it, see [`payload_len`]). These are defects of
/// the program; no input causes them.
pub fn render(entry: &Entry<'_>, format: ManifestFormat, out: &mut Rendered) -> Result<(), OutputError> {
    out.clear();
    let recipient = entry.recipient;
    consistent(entry)?;

    // Room for what a recipient with a few values takes, in one piece.
    out.manifest.reserve(1_024 + 1_536 * recipient.candidates.len());
    json(recipient, &mut out.manifest)?;
    open(&mut out.manifest, 0, NO_NUMBER, b"null,\"change\":null}")?;

    if format.csv() {
        table::rows(recipient, &mut out.rows, &mut out.row_ends);
    }

    out.findings.reserve(768 * entry.findings.len());
    for finding in entry.findings {
        let start = out.findings.len();
        json(finding, &mut out.findings)?;
        let takes_number = finding.recipient.is_some();
        if takes_number {
            open(&mut out.findings, start, NO_RECIPIENT, b"")?;
        }
        out.finding_ends.push((out.findings.len(), takes_number));
    }

    if let Some(line) = entry.payload {
        out.payload.reserve(payload_len(line));
        payload(line, &mut out.payload)?;
        if out.payload.len() + NUMBER.len() + NUMBER_DIGITS + 1 >= MAX_PAYLOAD_LINE {
            return Err(OutputError::Inconsistent(format!(
                "a payload line of {} bytes; the limit is {MAX_PAYLOAD_LINE}",
                out.payload.len()
            )));
        }
    }
    if let Some(change) = entry.change {
        let [record, inverse] = &mut out.changes;
        change.write(record);
        change.write_inverse(inverse);
    }
    out.tally = Tally::of(recipient, entry.payload);
    out.facts.fill(recipient, entry.findings);
    Ok(())
}

/// Appends a payload line as ASCII JSON from behind the number on. Most bytes of a bundle are base64, in which
/// nothing is to be escaped, so they are copied as they are; `what_is_written_by_hand_is_what_serde_writes` holds
/// this against the derived form.
fn payload(line: &PayloadLine, out: &mut Vec<u8>) -> Result<(), OutputError> {
    out.extend_from_slice(b",\"address\":");
    ascii_json(&line.address, out)?;
    out.extend_from_slice(b",\"kind\":");
    json(&line.kind, out)?;
    for (key, values) in [
        (&b",\"userCertificate\":["[..], &line.user_certificate),
        (&b",\"userSMIMECertificate\":["[..], &line.user_smime_certificate),
    ] {
        let Some(values) = values else { continue };
        out.extend_from_slice(key);
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            if !any(value.as_bytes(), |byte| !is_base64(byte)) {
                out.push(b'"');
                out.extend_from_slice(value.as_bytes());
                out.push(b'"');
            } else {
                ascii_json(value, out)?;
            }
        }
        out.push(b']');
    }
    out.push(b'}');
    Ok(())
}

fn is_base64(byte: u8) -> bool {
    // Letters of both cases at once; `/` stands before the digits.
    (byte | 0x20).is_ascii_lowercase() | matches!(byte, b'/'..=b'9') | (byte == b'+') | (byte == b'=')
}

/// Length in bytes that `line` has in a payload file at most, line end and number included. Must stay below
/// [`MAX_PAYLOAD_LINE`]: fifteen values of 32 768 bytes in both attributes would not, so selection asks.
#[must_use]
pub fn payload_len(line: &PayloadLine) -> usize {
    let values = |values: &Option<Vec<String>>| {
        values.as_ref().map_or(0, |values| values.iter().map(|value| value.len() + 3).sum::<usize>())
    };
    // Keys, brackets and kind take less than 128 bytes; a character of the address at most 12 (a surrogate pair).
    128 + NUMBER_DIGITS
        + line.address.chars().count().saturating_mul(12)
        + values(&line.user_certificate)
        + values(&line.user_smime_certificate)
}

fn consistent(entry: &Entry<'_>) -> Result<(), OutputError> {
    use super::model::Attribute;
    let recipient = entry.recipient;
    if recipient.number != 0
        || recipient.payload.is_some()
        || recipient.change.is_some()
        || entry.payload.is_some_and(|line| line.number != 0)
    {
        return Err(OutputError::Inconsistent(
            "a recipient whose number or place was filled in too early".to_owned(),
        ));
    }
    if entry
        .payload
        .is_some_and(|line| line.user_certificate.is_none() && line.user_smime_certificate.is_none())
    {
        return Err(OutputError::Inconsistent("a payload line that sets nothing".to_owned()));
    }
    let published = |attribute: Attribute| {
        recipient
            .candidates
            .iter()
            .filter(|candidate| candidate.attribute == attribute && candidate.decision == Decision::Publish)
            .count()
    };
    let tally = Tally::of(recipient, entry.payload);
    if (tally.published == 0) != (recipient.coverage == Coverage::None) {
        return Err(OutputError::Inconsistent(format!(
            "a recipient with {} published values and the coverage {:?}",
            tally.published, recipient.coverage
        )));
    }
    let held = entry.change.map(Change::counts).unwrap_or_default();
    if tally.changes != held || entry.change.is_some() && !entry.targets.contains(&Target::ActiveDirectory) {
        return Err(OutputError::Inconsistent(format!(
            "candidates tell of {:?}, the change of the directory holds {held:?}",
            tally.changes
        )));
    }
    if !entry.targets.contains(&Target::ExchangeOnline) {
        return match entry.payload {
            Some(_) => Err(OutputError::Inconsistent("a payload line that nobody asked for".to_owned())),
            None => Ok(()),
        };
    }
    if published(Attribute::UserCertificate) as u64 != tally.user_certificate
        || published(Attribute::UserSmimeCertificate) as u64 != tally.user_smime_certificate
        || published(Attribute::UserPkcs12) != 0
    {
        return Err(OutputError::Inconsistent(format!(
            "{} candidates are to be published, but the payload line holds {} values",
            tally.published,
            tally.user_certificate + tally.user_smime_certificate
        )));
    }
    Ok(())
}

/// Makes sure that the serialised line that begins at `start` has the known head, which is passed over when the line is
/// written, and takes its known tail off.
fn open<const H: usize, const T: usize>(
    lines: &mut Vec<u8>,
    start: usize,
    head: &[u8; H],
    tail: &[u8; T],
) -> Result<(), OutputError> {
    let line = lines.get(start..).unwrap_or_default();
    if line.first_chunk() != Some(head) || line.last_chunk() != Some(tail) {
        return Err(OutputError::Inconsistent(format!(
            "a line does not begin with {} and end with {}",
            String::from_utf8_lossy(head),
            String::from_utf8_lossy(tail)
        )));
    }
    lines.truncate(lines.len() - tail.len());
    Ok(())
}

/// Appends `value` as compact JSON.
pub(crate) fn json<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), OutputError> {
    super::json::append(value, out)
        .map_err(|_| OutputError::Inconsistent("a value that is written to no bundle".to_owned()))
}

/// Appends `value` as compact JSON in ASCII: everything else is written as `\u` and four digits.
pub(crate) fn ascii_json<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), OutputError> {
    value
        .serialize(&mut serde_json::Serializer::with_formatter(out, Ascii(CompactFormatter)))
        .map_err(|error| OutputError::Inconsistent(error.to_string()))
}

/// A formatter that escapes what is not printable ASCII: Windows PowerShell 5 reads files without a BOM in
/// the machine's code page, so only ASCII means the same everywhere.
pub(crate) struct Ascii<F>(pub(crate) F);

impl<F: Formatter> Formatter for Ascii<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Values are base64: whole fragments are plain, and looking at every byte at once tells.
        if !any(fragment.as_bytes(), |byte| !matches!(byte, b' '..=b'~')) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(|c: char| !matches!(c, ' '..='~')) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = tail.chars();
            if let Some(character) = chars.next() {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.0.write_char_escape(writer, escape)
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }
    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }
    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::bundle::model::RecipientKind;

    #[test]
    fn what_is_written_by_hand_is_what_serde_writes() {
        let list = |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
        for (address, one, other) in [
            ("kim@contoso.com", list(&["MII+/x=="]), None),
            ("\"j\u{f6}rg\"@m\u{fc}ller.de", list(&[]), list(&["AA==", "BB==", "CC=="])),
            ("\u{1f600}\u{7f}\\@x", None, list(&["no \"base64\"\n\u{e4}"])),
        ] {
            let line = PayloadLine {
                number: 0,
                address: address.to_owned(),
                kind: RecipientKind::MailContact,
                user_certificate: one,
                user_smime_certificate: other,
            };
            let (mut derived, mut written) = (Vec::new(), b"{\"number\":0".to_vec());
            ascii_json(&line, &mut derived).unwrap();
            payload(&line, &mut written).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), String::from_utf8(derived).unwrap());
        }
    }
}
