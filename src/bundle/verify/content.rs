//! What manifest and payload say, walked side by side.

use super::directory::Changes;
use super::files::Files;
use super::history::{self, Recount};
use super::payload::{Line, Payload, Placed, read_line};
use super::trust::{self, Chains, Store};
use super::{ProblemKind, Report};
use crate::bundle::hashed::sha256_hex;
use crate::bundle::manifest::{self, Frame, ReadError};
use crate::bundle::model::{
    Attribute, Coverage, Decision, FindingLine, PayloadLine, Recipient, Target, Verdict,
};
use crate::bundle::render::Tally;
use crate::bundle::report::Digest;
use crate::bundle::table;
use crate::encoding::hex;
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::io::BufReader;

/// A longer line of findings.ndjson is not read.
const MAX_FINDING_LINE: usize = 16 * 1024 * 1024;

/// What the walk saw.
pub(super) struct Walked {
    /// The manifest without its recipients, when it could be read to its end.
    pub(super) frame: Option<Frame>,
    /// Recipients, candidates and payload lines, counted.
    pub(super) tally: Tally,
    /// What the published candidates' chains need.
    pub(super) chains: Chains,
    /// Payload files.
    pub(super) payload_files: u64,
    /// SHA-256 that manifest.csv must have.
    pub(super) table_sha256: String,
    /// What the recipients say about the time before.
    pub(super) past: Recount,
    /// What report.html counts and lists.
    pub(super) digest: Digest,
}

/// Walks the manifest of `review`, the payload of `transfer`, or both together.
pub(super) fn walk(
    review: Option<&Files>,
    transfer: Option<&Files>,
    store: Option<&Store>,
    report: &mut Report,
) -> Walked {
    let mut table = Context::new(&SHA256);
    table.update(table::BOM);
    table.update(table::header().as_bytes());
    let mut walk = Walk {
        shown: review.map(|files| files.shown("manifest.json")).unwrap_or_default(),
        payload_shown: transfer.map(|files| files.shown("")).unwrap_or_default(),
        payload: transfer.map(Payload::new),
        next: None,
        compare: review.is_some() && transfer.is_some(),
        store,
        chains: Chains::default(),
        tally: Tally::default(),
        digest: Digest::new(),
        not_checked: 0,
        changes: review.map(Changes::new),
        unpaid: None,
        placed: 0,
        table,
        rows: Vec::new(),
        ends: Vec::new(),
        cells: Vec::new(),
        past: Recount::default(),
        report,
    };
    walk.advance();
    let frame = review.and_then(|files| walk.manifest(files));
    if frame.is_none() {
        // Without a whole manifest there is nothing to hold the rest of the payload against.
        walk.compare = false;
    }
    walk.rest();
    if let Some(frame) = &frame
        && !frame.unverified
        && walk.not_checked > 0
    {
        let explanation = format!(
            "{} certificates are published although nobody checked their path, and the bundle does not say UNVERIFIED",
            walk.not_checked
        );
        let shown = walk.shown.clone();
        walk.report.problem(ProblemKind::Manifest, Some(&shown), None, explanation);
    }
    if let Some(frame) = &frame {
        walk.targets(frame);
    }
    if let Some(changes) = walk.changes.take() {
        changes.finish(frame.as_ref(), walk.report);
    }
    let payload_files = walk.payload.as_ref().map_or(0, |payload| payload.opened);
    Walked {
        frame,
        tally: walk.tally,
        chains: walk.chains,
        payload_files,
        table_sha256: hex(walk.table.finish().as_ref()),
        past: walk.past,
        digest: walk.digest,
    }
}

struct Walk<'a> {
    /// manifest.json as the report calls it.
    shown: String,
    /// What stands before a payload file in the report.
    payload_shown: String,
    payload: Option<Payload<'a>>,
    /// The payload line that no recipient has claimed yet.
    next: Option<Placed>,
    compare: bool,
    /// trust.sst, in which no published certificate may stand.
    store: Option<&'a Store>,
    chains: Chains,
    tally: Tally,
    digest: Digest,
    not_checked: u64,
    /// The change of the directory.
    changes: Option<Changes<'a>>,
    /// The first recipient who publishes so many values and has no payload line, and how many more there are.
    unpaid: Option<(u64, u64, u64)>,
    /// Recipients whom the manifest gives a payload line.
    placed: u64,
    table: Context,
    rows: Vec<u8>,
    ends: Vec<usize>,
    cells: Vec<u8>,
    past: Recount,
    report: &'a mut Report,
}

impl Walk<'_> {
    fn manifest(&mut self, files: &Files) -> Option<Frame> {
        let shown = self.shown.clone();
        let opened = files.open("manifest.json")?;
        let mut inputs = Digest::new();
        let read = opened.map_err(ReadError::Io).and_then(|file| {
            let mut each = |recipient| {
                self.recipient(&recipient);
                Ok(())
            };
            manifest::read_into(file, &mut each, &mut |input| {
                inputs.input(&input);
                Ok(())
            })
        });
        self.digest.inputs = inputs.inputs;
        match read {
            Ok(frame) => Some(frame),
            Err(ReadError::Io(error)) => {
                self.report.problem(
                    ProblemKind::Unreadable,
                    Some(&shown),
                    None,
                    format!("could not be read: {error}"),
                );
                None
            }
            Err(ReadError::Format { line, column, message }) => {
                let explanation = format!("column {column}: {message}");
                self.report.problem(ProblemKind::Unreadable, Some(&shown), Some(line as u64), explanation);
                None
            }
        }
    }

    fn advance(&mut self) {
        self.next = self.payload.as_mut().and_then(|payload| payload.next(self.report));
    }

    /// Payload lines behind the last recipient, or all of them when there is no manifest.
    fn rest(&mut self) {
        while let Some(placed) = self.next.take() {
            self.unclaimed(&placed);
            self.advance();
        }
    }

    /// A payload line that no recipient of the manifest has.
    fn unclaimed(&mut self, placed: &Placed) {
        self.count(&placed.payload);
        if self.compare {
            let explanation =
                format!("is for recipient {}, whom the manifest gives no payload", placed.payload.number);
            self.payload_problem(placed, explanation);
        } else {
            for (attribute, values) in sets(&placed.payload) {
                let hashes = self.hashes(placed, attribute, values);
                if let Some(store) = self.store
                    && hashes.iter().any(|sha256| store.has_leaf(sha256))
                {
                    store.leaf(placed.payload.number, self.report);
                }
            }
        }
    }

    fn count(&mut self, line: &PayloadLine) {
        let count = |values: &Option<Vec<String>>| values.as_ref().map_or(0, |values| values.len() as u64);
        let clears = |values: &Option<Vec<String>>| u64::from(values.as_ref().is_some_and(Vec::is_empty));
        self.tally.add(&Tally {
            payload_lines: 1,
            user_certificate: count(&line.user_certificate),
            user_smime_certificate: count(&line.user_smime_certificate),
            cleared: clears(&line.user_certificate) + clears(&line.user_smime_certificate),
            ..Tally::default()
        });
    }

    fn payload_problem(&mut self, placed: &Placed, explanation: String) {
        let shown = format!("{}{}", self.payload_shown, placed.file);
        self.report.problem(ProblemKind::Payload, Some(&shown), Some(placed.line), explanation);
    }

    fn manifest_problem(&mut self, kind: ProblemKind, number: u64, explanation: &str) {
        let shown = self.shown.clone();
        self.report.problem(kind, Some(&shown), None, format!("recipient {number} {explanation}"));
    }

    fn recipient(&mut self, recipient: &Recipient) {
        let number = recipient.number;
        self.tally.add(&Tally::of(recipient, None));
        if number != self.tally.recipients {
            let explanation =
                format!("stands in place {}: numbers go from 1 without gaps", self.tally.recipients);
            self.manifest_problem(ProblemKind::Manifest, number, &explanation);
        }
        self.table_rows(recipient);
        self.chains.add(recipient);
        self.digest.recipient(recipient);

        let mut published = 0_u64;
        for candidate in &recipient.candidates {
            if candidate.decision == Decision::Publish {
                published += 1;
                if let (Some(store), Some(sha256)) = (self.store, &candidate.sha256)
                    && store.has_leaf(sha256)
                {
                    store.leaf(number, self.report);
                }
                self.not_checked += u64::from(candidate.path.verdict == Verdict::NotChecked);
                if candidate.attribute == Attribute::UserPkcs12 {
                    self.manifest_problem(ProblemKind::Manifest, number, "publishes a private key container");
                }
            }
        }
        if (published == 0) != (recipient.coverage == Coverage::None) {
            let explanation =
                format!("publishes {published} values and has the coverage {:?}", recipient.coverage);
            self.manifest_problem(ProblemKind::Manifest, number, &explanation);
        }
        if published > 0 && recipient.payload.is_none() {
            let (.., more) = self.unpaid.get_or_insert((number, published, 0));
            *more += 1;
        }
        self.placed += u64::from(recipient.payload.is_some());
        if let Some(changes) = &mut self.changes {
            changes.recipient(recipient, self.report);
        }
        for explanation in self.past.see(recipient) {
            self.manifest_problem(ProblemKind::Manifest, number, &explanation);
        }
        if self.compare {
            self.claim(recipient);
        }
    }

    /// Who publishes has a payload line, if the bundle is for Exchange Online, and nobody has one if it is not.
    fn targets(&mut self, frame: &Frame) {
        if frame.targets.contains(&Target::ExchangeOnline) {
            if let Some((number, published, people)) = self.unpaid {
                let more = match people {
                    0 | 1 => String::new(),
                    more => format!("; so do {} others", more - 1),
                };
                let explanation = format!("publishes {published} values and has no payload line{more}");
                self.manifest_problem(ProblemKind::Manifest, number, &explanation);
            }
        } else if self.placed > 0 {
            let explanation = format!(
                "gives {} recipients a payload line, and exchange-online is none of the targets",
                self.placed
            );
            let shown = self.shown.clone();
            self.report.problem(ProblemKind::Manifest, Some(&shown), None, explanation);
        }
    }

    /// Takes the recipient's payload line and compares. Both files are in order of the number, so whatever
    /// comes before belongs to nobody.
    fn claim(&mut self, recipient: &Recipient) {
        while let Some(placed) = self.next.take_if(|placed| placed.payload.number < recipient.number) {
            self.unclaimed(&placed);
            self.advance();
        }
        let Some(place) = &recipient.payload else { return };
        let Some(placed) = self.next.take_if(|placed| placed.payload.number == recipient.number) else {
            let explanation = format!("has no payload line; it should be {}:{}", place.file, place.line);
            self.manifest_problem(ProblemKind::Payload, recipient.number, &explanation);
            return;
        };
        self.count(&placed.payload);
        if (&placed.file, placed.line) != (&place.file, place.line) {
            let explanation = format!(
                "is for recipient {}, whose line the manifest places at {}:{}",
                recipient.number, place.file, place.line
            );
            self.payload_problem(&placed, explanation);
        }
        let line = &placed.payload;
        let identity = &recipient.identity;
        let wanted =
            identity.cloud_address.as_deref().or(identity.primary_smtp.as_deref()).unwrap_or_default();
        if !same_address(wanted, &line.address) {
            let explanation = format!(
                "recipient {} has the address {} here and {wanted} in the manifest",
                recipient.number, line.address
            );
            self.payload_problem(&placed, explanation);
        }
        if line.kind != recipient.kind {
            let explanation = format!(
                "recipient {} is a {:?} here and a {:?} in the manifest",
                recipient.number, line.kind, recipient.kind
            );
            self.payload_problem(&placed, explanation);
        }
        for (attribute, values) in sets(&placed.payload) {
            self.values(recipient, &placed, attribute, values);
        }
        for explanation in history::clearings(recipient, &placed.payload) {
            self.payload_problem(&placed, explanation);
        }
        self.advance();
    }

    /// Every published candidate's value, and nothing besides.
    fn values(
        &mut self,
        recipient: &Recipient,
        placed: &Placed,
        attribute: Attribute,
        values: Option<&[String]>,
    ) {
        // How often each value is wanted (positive) or found (negative).
        let mut balance: BTreeMap<String, i64> = BTreeMap::new();
        let of_attribute =
            || recipient.candidates.iter().filter(|candidate| candidate.attribute == attribute);
        for candidate in of_attribute().filter(|candidate| candidate.decision == Decision::Publish) {
            *balance.entry(candidate.value_sha256.clone()).or_default() += 1;
        }
        for hash in self.hashes(placed, attribute, values) {
            *balance.entry(hash).or_default() -= 1;
        }
        for (hash, count) in balance {
            let candidate = of_attribute().find(|candidate| candidate.value_sha256 == hash);
            let (name, number) = (attribute.name(), recipient.number);
            if count > 0 {
                let index = candidate.map_or(0, |candidate| candidate.index);
                let explanation = format!(
                    "{name} of recipient {number} lacks the published value {index} (SHA-256 of the value {hash})"
                );
                self.payload_problem(placed, explanation);
            } else if count < 0 {
                let known = match candidate {
                    Some(candidate) if candidate.decision == Decision::Withhold => {
                        format!(
                            "value {} of the manifest, which is withheld: {}",
                            candidate.index, candidate.reason
                        )
                    }
                    Some(_) => "more often than the manifest says".to_owned(),
                    None => "which is not in the manifest".to_owned(),
                };
                let explanation =
                    format!("{name} of recipient {number} holds a value (SHA-256 {hash}), {known}");
                self.payload_problem(placed, explanation);
            }
        }
    }

    /// SHA-256 of each value of an attribute.
    fn hashes(&mut self, placed: &Placed, attribute: Attribute, values: Option<&[String]>) -> Vec<String> {
        let mut hashes = Vec::new();
        for value in values.unwrap_or_default() {
            match STANDARD.decode(value) {
                Ok(bytes) if !bytes.is_empty() => hashes.push(sha256_hex(&bytes)),
                Ok(_) => self.payload_problem(placed, format!("{} holds an empty value", attribute.name())),
                Err(error) => {
                    let explanation =
                        format!("{} holds a value that is not base64: {error}", attribute.name());
                    self.payload_problem(placed, explanation);
                }
            }
        }
        hashes
    }

    /// manifest.csv says the same as manifest.json, so its bytes are known.
    fn table_rows(&mut self, recipient: &Recipient) {
        self.rows.clear();
        self.ends.clear();
        self.cells.clear();
        table::rows(recipient, &mut self.rows, &mut self.ends);
        table::numbered(recipient.number, &self.rows, &self.ends, &mut self.cells);
        self.table.update(&self.cells);
    }
}

/// Both attributes of a payload line.
fn sets(line: &PayloadLine) -> [(Attribute, Option<&[String]>); 2] {
    [
        (Attribute::UserCertificate, line.user_certificate.as_deref()),
        (Attribute::UserSmimeCertificate, line.user_smime_certificate.as_deref()),
    ]
}

/// Whether two addresses are one: as a whole, without ASCII case, domains as A-labels.
fn same_address(a: &str, b: &str) -> bool {
    let ascii = |address: &str| {
        let (local, domain) = address.rsplit_once('@')?;
        Some(format!("{local}@{}", idna::domain_to_ascii(domain).ok()?))
    };
    a.eq_ignore_ascii_case(b)
        || matches!((ascii(a), ascii(b)), (Some(a), Some(b)) if a.eq_ignore_ascii_case(&b))
}

/// Reads findings.ndjson: every line is a finding, and about a recipient that exists; what the manifest says was
/// left out of the trust store is told.
pub(super) fn findings(
    files: &Files,
    frame: Option<&Frame>,
    recipients: u64,
    digest: &mut Digest,
    report: &mut Report,
) {
    const NAME: &str = "findings.ndjson";
    let recipients = frame.map(|_| recipients);
    let mut untold = trust::told(frame);
    let shown = files.shown(NAME);
    let Some(opened) = files.open(NAME) else { return };
    let mut reader = match opened {
        Ok(file) => BufReader::with_capacity(64 * 1024, file),
        Err(error) => {
            report.problem(
                ProblemKind::Unreadable,
                Some(&shown),
                None,
                format!("could not be read: {error}"),
            );
            return;
        }
    };
    let mut buffer = Vec::new();
    for line in 1.. {
        match read_line(&mut reader, MAX_FINDING_LINE, &mut buffer) {
            Ok(Line::End) => break,
            Ok(Line::Whole) => {}
            Ok(Line::TooLong) => {
                report.problem(
                    ProblemKind::Unreadable,
                    Some(&shown),
                    Some(line),
                    "the line is too long".to_owned(),
                );
                continue;
            }
            Ok(Line::Unterminated) => {
                let explanation = "the last line has no end: the file was cut off".to_owned();
                report.problem(ProblemKind::Unreadable, Some(&shown), Some(line), explanation);
            }
            Err(error) => {
                report.problem(
                    ProblemKind::Unreadable,
                    Some(&shown),
                    Some(line),
                    format!("could not be read: {error}"),
                );
                return;
            }
        }
        match serde_json::from_slice::<FindingLine>(&buffer) {
            Err(error) => {
                report.problem(
                    ProblemKind::Unreadable,
                    Some(&shown),
                    Some(line),
                    format!("is no finding: {error}"),
                );
            }
            Ok(FindingLine { recipient: Some(number), .. })
                if number == 0 || recipients.is_some_and(|recipients| number > recipients) =>
            {
                let explanation = format!("is about recipient {number}, whom the manifest does not have");
                report.problem(ProblemKind::Manifest, Some(&shown), Some(line), explanation);
            }
            Ok(finding) => {
                digest.finding(&finding);
                if let Some(sha256) = finding.certificate.and_then(|certificate| certificate.sha256) {
                    untold.remove(&(finding.code.into_owned(), sha256));
                }
            }
        }
    }
    for (code, sha256) in untold {
        let explanation = format!(
            "does not tell that {sha256} was left out of the trust store ({code}), as the manifest says"
        );
        report.problem(ProblemKind::Manifest, Some(&shown), None, explanation);
    }
}
