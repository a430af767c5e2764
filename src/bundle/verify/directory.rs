//! The change of the directory against the manifest, and its inverse against the change.
//!
//! Both files are read as strictly as they are written: a line that the writer would have written otherwise is a
//! problem. So what was compared here is what any importer reads, whatever it makes of odd LDIF.

use super::files::Files;
use super::payload::{Line, read_line};
use super::{ProblemKind, Report};
use crate::bundle::directory::{ATTRIBUTES, Side};
use crate::bundle::manifest::Frame;
use crate::bundle::model::{Attribute, Candidate, Decision, Recipient, Target, ValueChange};
use crate::encoding::hex;
use crate::encoding::sha256;
use crate::ldif::write::{self, Part};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;

/// Bytes of a line without its folds: the longest is a DN of [`DN_BYTES`](crate::limits::DN_BYTES) or a value of 32 768
/// bytes, in base64.
const MAX_LINE: usize = 64 * 1024;

/// Values by attribute, as SHA-256.
type Values = Vec<(Attribute, [u8; 32])>;

/// What a record says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Record {
    dn: Vec<u8>,
    delete: Values,
    add: Values,
}

/// A record and where it stands.
struct Placed {
    file: String,
    record: u64,
    line: u64,
    says: Record,
}

/// Both sides, read along with the recipients of the manifest.
pub(super) struct Changes<'a> {
    files: &'a Files,
    change: Reader<'a>,
    inverse: Reader<'a>,
    objects: u64,
}

impl<'a> Changes<'a> {
    pub(super) fn new(files: &'a Files) -> Self {
        let side = |side| Reader::new(files, side);
        Self { files, change: side(Side::Change), inverse: side(Side::Inverse), objects: 0 }
    }

    /// Compares what the manifest says about a recipient with the next record of both sides.
    pub(super) fn recipient(&mut self, recipient: &Recipient, report: &mut Report) {
        let manifest = self.files.shown("manifest.json");
        let mut wrong = |explanation: String| {
            let explanation = format!("recipient {} {explanation}", recipient.number);
            report.problem(ProblemKind::Manifest, Some(&manifest), None, explanation);
        };
        let changed =
            recipient.candidates.iter().filter_map(|candidate| Some((candidate, candidate.change?)));
        for (candidate, change) in changed {
            if let Some(why) = unfounded(candidate, change) {
                let (name, index) = (candidate.attribute.name(), candidate.index);
                wrong(format!("has value {index} of {name} {why}"));
            }
        }
        let says = wanted(recipient);
        let any = !says.delete.is_empty() || !says.add.is_empty();
        if any != recipient.change.is_some() {
            wrong("has values that change and no place of the change, or the reverse".to_owned());
        }
        if any && recipient.identity.dn.is_none() {
            wrong("changes in the directory and has no DN".to_owned());
        }
        let Some(place) = &recipient.change else { return };
        self.objects += 1;
        let who = format!("recipient {} of the manifest", recipient.number);
        let at = (place.file.as_str(), place.record);
        self.change.compare(at, &says, &who, report);
        let inverse = Record { dn: says.dn, delete: says.add, add: says.delete };
        let file = place.file.replacen("change-", "inverse-", 1);
        self.inverse.compare((&file, place.record), &inverse, &who, report);
    }

    /// What is left when the manifest has ended; `frame` is what it says besides its recipients.
    pub(super) fn finish(mut self, frame: Option<&Frame>, report: &mut Report) {
        let Some(frame) = frame else { return };
        let asked = frame.targets.contains(&Target::ActiveDirectory);
        let mut problem = |file: &str, explanation: &str| {
            report.problem(ProblemKind::Change, Some(&self.files.shown(file)), None, explanation.to_owned());
        };
        if !asked {
            if self.objects > 0 {
                problem("manifest.json", "tells of changes, and active-directory is none of the targets");
            }
            for name in self.files.changes() {
                problem(&name, "changes the directory, and active-directory is none of the targets");
            }
            return;
        }
        for side in [&mut self.change, &mut self.inverse] {
            side.rest(frame.unverified, report);
        }
        let last = self.change.number.max(self.inverse.number);
        let known: BTreeSet<String> = (1..=last)
            .flat_map(|number| [Side::Change, Side::Inverse].map(|side| side.name(number)))
            .collect();
        for name in self.files.changes().iter().filter(|name| !known.contains(*name)) {
            let explanation = "stands among the changes of the directory and is none of the numbered files";
            report.problem(ProblemKind::Change, Some(&self.files.shown(name)), None, explanation.to_owned());
        }
    }
}

/// Why a candidate must not be changed so.
fn unfounded(candidate: &Candidate, change: ValueChange) -> Option<&'static str> {
    let ended = || candidate.findings.iter().any(|it| matches!(&*it.code, "expired" | "revoked"));
    match (change, candidate.decision) {
        _ if !ATTRIBUTES.contains(&candidate.attribute) => Some("changed, which is no certificate attribute"),
        (ValueChange::Delete, Decision::Publish) => Some("deleted although it is published"),
        (ValueChange::Delete, Decision::Withhold) if !ended() => {
            Some("deleted although it neither expired nor was revoked")
        }
        (ValueChange::Add, Decision::Withhold) => Some("added although it is withheld"),
        _ => None,
    }
}

/// The record that the manifest asks for.
fn wanted(recipient: &Recipient) -> Record {
    let values = |change: ValueChange| {
        let mut values = Values::new();
        for attribute in ATTRIBUTES {
            let of = recipient
                .candidates
                .iter()
                .filter(|it| it.attribute == attribute && it.change == Some(change));
            values.extend(of.map(|candidate| (attribute, from_hex(&candidate.value_sha256))));
        }
        values
    };
    Record {
        dn: recipient.identity.dn.as_deref().unwrap_or_default().as_bytes().to_vec(),
        delete: values(ValueChange::Delete),
        add: values(ValueChange::Add),
    }
}

/// A hash from lower-case hex; what is none becomes a hash that no value has.
fn from_hex(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    let digit =
        |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16)).unwrap_or_default() as u8;
    for (out, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *out = digit(pair.first()) << 4 | digit(pair.get(1));
    }
    if hex(&hash) == text { hash } else { [0; 32] }
}

/// Reads the numbered files of one side, record by record.
struct Reader<'a> {
    files: &'a Files,
    side: Side,
    /// Files opened so far.
    number: u64,
    current: Option<Open>,
    /// Records read in the current file.
    records: u64,
    /// Whether the head of any file says that nothing was verified, and of any that it was.
    heads: [bool; 2],
    /// Once the order is lost, every further record would be a problem that says nothing new.
    lost: bool,
}

struct Open {
    name: String,
    reader: BufReader<File>,
    /// The line that was read ahead, without its end.
    ahead: Option<Vec<u8>>,
    line: u64,
}

impl<'a> Reader<'a> {
    fn new(files: &'a Files, side: Side) -> Self {
        Self { files, side, number: 0, current: None, records: 0, heads: [false; 2], lost: false }
    }

    fn problem(&self, file: &str, line: Option<u64>, explanation: String, report: &mut Report) {
        report.problem(ProblemKind::Change, Some(&self.files.shown(file)), line, explanation);
    }

    fn compare(&mut self, (file, record): (&str, u64), wanted: &Record, who: &str, report: &mut Report) {
        if self.lost {
            return;
        }
        let found = self.next(report);
        if self.lost {
            return; // What is wrong was just said.
        }
        let Some(found) = found else {
            self.lost = true;
            self.problem(file, None, format!("has no record {record}, which is for {who}"), report);
            return;
        };
        let line = Some(found.line);
        if (found.file.as_str(), found.record) != (file, record) || found.says.dn != wanted.dn {
            self.lost = true;
            let explanation = format!(
                "record {} changes {}; record {record} of {file} should change {}, for {who}; the rest was not compared",
                found.record,
                String::from_utf8_lossy(&found.says.dn),
                String::from_utf8_lossy(&wanted.dn)
            );
            self.problem(&found.file, line, explanation, report);
            return;
        }
        for (does, found_values, wanted_values) in
            [("delete", &found.says.delete, &wanted.delete), ("add", &found.says.add, &wanted.add)]
        {
            if found_values == wanted_values {
                continue;
            }
            let first = |of: &Values, not_in: &Values| {
                let not_in: BTreeSet<_> = not_in.iter().collect();
                let value = of.iter().find(|value| !not_in.contains(value));
                value.map(|(attribute, hash)| format!("{} with SHA-256 {}", attribute.name(), hex(hash)))
            };
            let explanation = match (first(found_values, wanted_values), first(wanted_values, found_values)) {
                (Some(value), _) => format!("would {does} a value of {value}, which is not what {who} says"),
                (None, Some(value)) => format!("does not {does} the value of {value}, which {who} names"),
                (None, None) => {
                    format!("would {does} values in another order or number than {who} names them")
                }
            };
            self.problem(&found.file, line, explanation, report);
        }
    }

    /// Records that nobody claimed, and whether the heads say what the bundle says.
    fn rest(&mut self, unverified: bool, report: &mut Report) {
        while let Some(found) = self.next(report) {
            if !self.lost {
                let dn = String::from_utf8_lossy(&found.says.dn).into_owned();
                let explanation = format!("changes {dn}, which nobody in the manifest is said to");
                self.problem(&found.file, Some(found.line), explanation, report);
            }
        }
        let file = self.side.name(1);
        if self.number == 0 {
            let shown = self.files.shown(&file);
            let explanation = "is missing, and active-directory is a target".to_owned();
            report.problem(ProblemKind::Missing, Some(&shown), None, explanation);
        }
        let [verified, not] = self.heads;
        if verified && unverified || not && !unverified {
            self.problem(
                &file,
                Some(1),
                "does not say what the bundle says about UNVERIFIED".to_owned(),
                report,
            );
        }
    }

    /// The next record that can be understood, over all files.
    fn next(&mut self, report: &mut Report) -> Option<Placed> {
        loop {
            if self.current.is_none() {
                self.open(report)?;
                self.records = 0;
            }
            let Some(open) = &mut self.current else { continue };
            // At the start of a record.
            let line = open.line + 1;
            let name = open.name.clone();
            match open.record() {
                Ok(Some(says)) => {
                    self.records += 1;
                    return Some(Placed { file: name, record: self.records, line, says });
                }
                Ok(None) => self.current = None,
                Err((line, explanation)) => {
                    self.lost = true;
                    self.current = None;
                    self.problem(&name, Some(line), explanation, report);
                }
            }
        }
    }

    fn open(&mut self, report: &mut Report) -> Option<()> {
        let name = self.side.name(self.number + 1);
        let opened = self.files.open(&name)?;
        self.number += 1;
        let heads = [false, true].map(|unverified| self.side.head(self.number, unverified));
        let file = match opened {
            Ok(file) => file,
            Err(error) => {
                self.lost = true;
                let explanation = format!("could not be read: {error}");
                report.problem(ProblemKind::Unreadable, Some(&self.files.shown(&name)), None, explanation);
                return Some(());
            }
        };
        let reader = BufReader::with_capacity(64 * 1024, file);
        let mut open = Open { name, reader, ahead: None, line: 0 };
        let mut head = Vec::new();
        while let Ok(Some(line)) = open.peek()
            && line.first() == Some(&b'#')
            && head.len() < MAX_LINE
        {
            head.extend_from_slice(line);
            head.push(b'\n');
            open.take();
        }
        match heads.iter().position(|known| *known == head) {
            Some(which) => {
                if let Some(seen) = self.heads.get_mut(which) {
                    *seen = true;
                }
            }
            None => {
                let explanation = "does not begin with the line that names its counterpart".to_owned();
                self.problem(&open.name.clone(), Some(1), explanation, report);
            }
        }
        self.current = Some(open);
        Some(())
    }
}

/// A line and what is wrong with it.
type Wrong = (u64, String);

impl Open {
    /// The next physical line, without consuming it; `None` at the end.
    fn peek(&mut self) -> Result<Option<&[u8]>, Wrong> {
        if self.ahead.is_none() {
            let mut buffer = Vec::new();
            let at = self.line + 1;
            match read_line(&mut self.reader, MAX_LINE, &mut buffer) {
                Ok(Line::Whole) => self.ahead = Some(buffer),
                Ok(Line::End) => return Ok(None),
                Ok(Line::Unterminated) => {
                    return Err((at, "the last line has no end: the file was cut off".to_owned()));
                }
                Ok(Line::TooLong) => return Err((at, format!("the line is longer than {MAX_LINE} bytes"))),
                Err(error) => return Err((at, format!("could not be read: {error}"))),
            }
        }
        Ok(self.ahead.as_deref())
    }

    fn take(&mut self) -> Vec<u8> {
        self.line += 1;
        self.ahead.take().unwrap_or_default()
    }

    /// The next line with its folds joined: name and value, both empty for a blank line, the name `-` between parts.
    fn logical(&mut self) -> Result<Option<(String, Vec<u8>)>, Wrong> {
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let mut text = self.take();
        let at = self.line;
        let mut raw = text.clone();
        raw.push(b'\n');
        while let Some([b' ', rest @ ..]) = self.peek()? {
            text.extend_from_slice(rest);
            raw.push(b' ');
            raw.extend_from_slice(rest);
            raw.push(b'\n');
            if text.len() > MAX_LINE * 2 {
                return Err((at, format!("the line is longer than {} bytes", MAX_LINE * 2)));
            }
            self.take();
        }
        if text.is_empty() || text == b"-" {
            return Ok(Some((String::from_utf8_lossy(&text).into_owned(), Vec::new())));
        }
        let parsed = parse(&text);
        let written = parsed.as_ref().is_some_and(|(name, value)| {
            let mut again = Vec::with_capacity(raw.len());
            write::attribute(&mut again, name, value);
            again == raw
        });
        if !written {
            return Err((at, "the line is not as certferry writes it".to_owned()));
        }
        Ok(parsed)
    }

    /// The next record; `None` at the end of the file.
    fn record(&mut self) -> Result<Option<Record>, Wrong> {
        let Some((name, dn)) = self.logical()? else { return Ok(None) };
        let mut record = Record { dn, ..Record::default() };
        if name != "dn" {
            return Err((self.line, "a record does not begin with dn".to_owned()));
        }
        if self.logical()? != Some(("changetype".to_owned(), b"modify".to_vec())) {
            return Err((self.line, "the record is no changetype: modify".to_owned()));
        }
        let mut last = None;
        loop {
            let Some((keyword, attribute)) = self.logical()? else {
                return Err((self.line, "the record has no end: the file was cut off".to_owned()));
            };
            if keyword.is_empty() {
                break;
            }
            let part = [Part::Delete, Part::Add].into_iter().find(|part| part.keyword() == keyword);
            let attribute = ATTRIBUTES.into_iter().find(|known| known.name().as_bytes() == attribute);
            let (Some(part), Some(attribute)) = (part, attribute) else {
                return Err((
                    self.line,
                    "neither deletes nor adds values of a certificate attribute".to_owned(),
                ));
            };
            if last.replace((part, attribute)) >= Some((part, attribute)) {
                return Err((self.line, "the parts of the record are not in their order".to_owned()));
            }
            let values = match part {
                Part::Delete => &mut record.delete,
                Part::Add => &mut record.add,
            };
            let before = values.len();
            loop {
                match self.logical()? {
                    Some((name, value)) if name == attribute.name() && !value.is_empty() => {
                        values.push((attribute, sha256(&value)));
                    }
                    Some((name, _)) if name == "-" && values.len() > before => break,
                    _ => {
                        let explanation =
                            format!("expected values of {} and a line with -", attribute.name());
                        return Err((self.line, explanation));
                    }
                }
            }
        }
        if last.is_none() {
            return Err((self.line, "the record changes nothing".to_owned()));
        }
        Ok(Some(record))
    }
}

/// `name: value` or `name:: base64`.
fn parse(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = memchr::memchr(b':', line)?;
    let name = std::str::from_utf8(line.get(..colon)?).ok()?.to_owned();
    let value = match line.get(colon + 1..)? {
        [b':', b' ', text @ ..] => STANDARD.decode(text).ok()?,
        [b' ', text @ ..] => text.to_vec(),
        _ => return None,
    };
    Some((name, value))
}
