//! One thread appends in order: begin → append → seal.
//!
//! [`Writer::begin`] refuses a bad target and opens the staged files, [`Writer::append`] gives the number and
//! writes to every file that the recipient appears in, [`Writer::seal`] adds what is known only at the end,
//! checks the totals, and makes the folder appear. A writer that is dropped before it was sealed (an error,
//! a panic) leaves nothing behind.

use super::directory::ChangeFiles;
use super::hashed::{HashedFile, sha256_hex};
use super::manifest::Frame;
use super::model::{
    BundleIdentity, FindingLine, InputFile, MANIFEST_SCHEMA, PayloadPlace, PolicyReference, Summary,
    TRANSFER_SCHEMA, Target, Tool, Transfer, TransferCounts, TrustAnchor, TrustStoreEntry,
};
use super::render::{Ascii, ManifestFormat, Rendered, Tally, json};
use super::report::{self, Digest, Page, REPORT};
use super::stage::Stage;
use super::sums::{self, SUMS, Sums};
use super::sync::Syncer;
use super::{OutputError, REVIEW, SCRIPT, TRANSFER, TRUST_STORE, handover, table};
use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// Recipients in a payload file when `--batch` is not given: with a certificate or two each, a few megabytes.
pub const DEFAULT_BATCH: NonZeroU64 = NonZeroU64::new(1000).unwrap(); // 1000 is not 0; evaluated by the compiler

/// How a bundle is written; none of this is about what is judged.
#[derive(Clone, Copy, Debug)]
pub struct StageOptions {
    /// Replace a bundle that stands at the target.
    pub force: bool,
    /// Which forms of the manifest; the same value as for [`super::render()`].
    pub manifest: ManifestFormat,
    /// Recipients in a payload file, and objects in a file of the directory's change.
    pub batch: NonZeroU64,
    /// Bytes of the upload script.
    pub script: &'static [u8],
}

/// What is known before the first recipient.
#[derive(Clone, Debug)]
pub struct ManifestHead {
    /// Who makes the bundle.
    pub tool: Tool,
    /// The instant certificates are judged at, RFC 3339.
    pub evaluated_at: String,
    /// True with `--unverified`.
    pub unverified: bool,
    /// Where the result is applied, each once and in order.
    pub targets: Vec<Target>,
    /// Bytes of policy.toml.
    pub policy: Vec<u8>,
    /// Certificates that are trusted.
    pub trust_anchors: Vec<TrustAnchor>,
}

impl ManifestHead {
    /// The manifest as it is closed, without its recipients and inputs.
    fn frame(&self, closing: &Closing) -> Frame {
        Frame {
            tool: self.tool.clone(),
            evaluated_at: self.evaluated_at.clone(),
            unverified: self.unverified,
            targets: self.targets.clone(),
            policy: PolicyReference { sha256: sha256_hex(&self.policy) },
            trust_anchors: self.trust_anchors.clone(),
            inputs: Vec::new(),
            trust_store: closing.trust_store.clone(),
            summary: closing.summary.clone(),
            bundle: closing.bundle.clone(),
        }
    }
}

/// What is known behind the last recipient.
#[derive(Clone, Debug)]
pub struct Closing {
    /// Files that were read and not yet noted with [`Writer::input`].
    pub inputs: Vec<InputFile>,
    /// What trust.sst holds and what was left out of it, sorted by SHA-256.
    pub trust_store: Vec<TrustStoreEntry>,
    /// The bytes of trust.sst; none when it would hold nothing.
    pub sst: Option<Vec<u8>>,
    /// Totals; those that the writer can count itself must agree.
    pub summary: Summary,
    /// Id, lifetime, series.
    pub bundle: BundleIdentity,
}

/// A bundle that is in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Where it is: the target as given.
    pub path: PathBuf,
    /// What the payload holds.
    pub counts: TransferCounts,
    /// SHA-256 of review/manifest.json, lower-case hex.
    pub manifest_sha256: String,
    /// SHA-256 of review/SHA256SUMS.
    pub review_sums_sha256: String,
    /// SHA-256 of transfer/SHA256SUMS: it covers every byte that crosses, so it is what carrier and uploader
    /// compare over a second channel. (The bundle's id covers what went in, not what came out.)
    pub transfer_sums_sha256: String,
    /// The bundle that was replaced, when it could not be removed.
    pub leftover: Option<PathBuf>,
}

/// A bundle under construction.
pub struct Writer {
    target: PathBuf,
    options: StageOptions,
    head: ManifestHead,
    manifest: HashedFile,
    table: Option<HashedFile>,
    findings: HashedFile,
    payload: HashedFile,
    payload_name: String,
    payload_lines: u64,
    /// The change of the directory, when that target was asked for.
    changes: Option<ChangeFiles>,
    review: Sums,
    transfer: Sums,
    tally: Tally,
    digest: Digest,
    files: u64,
    /// Inputs noted so far, and where they wait.
    inputs: u64,
    spool: HashedFile,
    line: Vec<u8>,
    syncer: Syncer,
    // Last, so that the files are closed before the folder is removed.
    stage: Stage,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("target", &self.target)
            .field("tally", &self.tally)
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// Stages a new bundle for `target`.
    ///
    /// # Errors
    /// What [`super::check_target`] refuses, and what the file system does.
    pub fn begin(target: &Path, options: &StageOptions, head: ManifestHead) -> Result<Self, OutputError> {
        let stage = Stage::begin(target, options.force)?;
        let review = stage.folder(REVIEW)?;
        let transfer = stage.folder(TRANSFER)?;
        stage.folder(PAYLOAD_FOLDER)?;

        let mut manifest = HashedFile::create(review.join("manifest.json"))?;
        let mut line = Vec::new();
        begin_manifest(&head, &mut line)?;
        manifest.put(&line)?;

        let table = if options.manifest.csv() {
            let mut file = HashedFile::create(review.join("manifest.csv"))?;
            file.put(table::BOM)?;
            file.put(table::header().as_bytes())?;
            Some(file)
        } else {
            None
        };
        let findings = HashedFile::create(review.join("findings.ndjson"))?;
        let changes = if head.targets.contains(&Target::ActiveDirectory) {
            stage.folder(CHANGE_FOLDER)?;
            Some(ChangeFiles::begin(&review, options.batch, head.unverified)?)
        } else {
            None
        };
        let payload_name = payload_name(1);
        let payload = HashedFile::create(transfer.join(&payload_name))?;
        let digest = Digest::new();
        let mut writer = Self {
            target: target.to_path_buf(),
            options: *options,
            head,
            manifest,
            table,
            findings,
            payload,
            payload_name,
            payload_lines: 0,
            changes,
            review: Sums::new(),
            transfer: Sums::new(),
            tally: Tally::default(),
            digest,
            files: 1,
            inputs: 0,
            spool: HashedFile::create(stage.outer().join(SPOOL))?,
            line,
            syncer: Syncer::new()?,
            stage,
        };
        writer.add(Half::Review, "policy.toml", &writer.head.policy.clone())?;
        writer.add(Half::Transfer, SCRIPT, options.script)?;
        Ok(writer)
    }

    /// Appends a recipient and returns their number, from 1.
    ///
    /// # Errors
    /// When a file cannot be written; the writer is of no use then: drop it.
    pub fn append(&mut self, rendered: &Rendered) -> Result<u64, OutputError> {
        let number = self.tally.recipients + 1;

        let place = if rendered.has_payload() {
            if self.payload_lines == self.options.batch.get() {
                self.next_payload_file()?;
            }
            self.payload.put_with(|out| rendered.payload_line(number, out))?;
            self.payload_lines += 1;
            Some(PayloadPlace { file: self.payload_name.clone(), line: self.payload_lines })
        } else {
            None
        };

        let change = match &mut self.changes {
            Some(changes) => changes.append(rendered, &mut self.review)?,
            None => None,
        };

        self.manifest.put(if number == 1 { b"\n" } else { b",\n" })?;
        self.manifest
            .put_with(|out| rendered.manifest_line(number, place.as_ref(), change.as_ref(), out))??;
        self.manifest.sync(&self.syncer);
        if let Some(table) = &mut self.table {
            table.put_with(|out| rendered.csv_rows(number, out))?;
            table.sync(&self.syncer);
        }
        self.findings.put_with(|out| rendered.finding_lines(number, out))?;
        self.findings.sync(&self.syncer);

        self.tally.add(rendered.tally());
        self.digest.facts(rendered.facts(), || rendered.listed())?;
        Ok(number)
    }

    /// Appends a finding about the run, a file or a record.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finding(&mut self, finding: &FindingLine) -> Result<(), OutputError> {
        self.line.clear();
        json(finding, &mut self.line)?;
        self.line.push(b'\n');
        self.digest.finding(finding);
        self.findings.put(&self.line)
    }

    /// Notes an input, in the order of the manifest. Where every certificate is a file of its own there are as
    /// many inputs as recipients, so they wait on the disk, beside the unfinished bundle.
    ///
    /// # Errors
    /// When that file cannot be written.
    pub fn input(&mut self, input: &InputFile) -> Result<(), OutputError> {
        self.line.clear();
        self.line.extend_from_slice(if self.inputs == 0 { b"\n" } else { b",\n" });
        json(input, &mut self.line)?;
        self.digest.input(input);
        self.inputs += 1;
        self.spool.put(&self.line)
    }

    /// What was appended so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The hidden folder beside the target that holds the unfinished bundle.
    #[must_use]
    pub fn stage_path(&self) -> &Path {
        self.stage.outer()
    }

    /// Adds a small file to one half, outside the order of recipients. `name` is plain ASCII, without folder.
    ///
    /// # Errors
    /// When it exists or cannot be written.
    pub fn add(&mut self, half: Half, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        let mut file = HashedFile::create(self.stage.path().join(half.name()).join(name))?;
        file.put(bytes)?;
        let hash = file.finish()?;
        self.sums(half).insert(name.to_owned(), hash);
        Ok(())
    }

    /// Finishes every file and puts the bundle in place.
    ///
    /// # Errors
    /// [`OutputError::Inconsistent`] when the summary does not reconcile with what was appended; what the file
    /// system refuses; [`OutputError::Exists`] when something appeared at the target meanwhile. The target is
    /// untouched then.
    pub fn seal(mut self, closing: &Closing) -> Result<Sealed, OutputError> {
        // Nothing is lost on the way to the bundle: what was appended is what the summary says.
        if let Some(disagreement) = self.tally.disagreements(&closing.summary).into_iter().next() {
            return Err(OutputError::Inconsistent(disagreement));
        }
        let trusted = closing.trust_store.iter().filter(|entry| entry.left_out.is_none()).count() as u64;
        if closing.sst.is_some() != (trusted > 0) {
            return Err(OutputError::Inconsistent(format!("a trust store of {trusted} certificates")));
        }

        for input in &closing.inputs {
            self.input(input)?;
        }
        self.manifest.put(if self.tally.recipients == 0 {
            b"],\n\"inputs\": ["
        } else {
            b"\n],\n\"inputs\": ["
        })?;
        self.put_inputs()?;
        self.line.clear();
        end_manifest(closing, &mut self.line)?;
        self.manifest.put(&self.line)?;
        let manifest_sha256 = self.manifest.finish_later(&self.syncer)?;
        self.review.insert("manifest.json".to_owned(), manifest_sha256.clone());
        if let Some(table) = self.table {
            self.review.insert("manifest.csv".to_owned(), table.finish_later(&self.syncer)?);
        }
        self.review.insert("findings.ndjson".to_owned(), self.findings.finish_later(&self.syncer)?);
        let mut folders = vec![PAYLOAD_FOLDER, TRANSFER, REVIEW];
        if let Some(changes) = self.changes {
            changes.finish(&mut self.review)?;
            folders.insert(0, CHANGE_FOLDER);
        }
        self.transfer.insert(self.payload_name, self.payload.finish_later(&self.syncer)?);

        let frame = self.head.frame(closing);
        // The policy comes from this program, as UTF-8.
        let policy = String::from_utf8_lossy(&self.head.policy);
        let page = Page { frame: &frame, policy: &policy, digest: &self.digest, hashes: &self.review };
        let page = report::render(&page);
        put_file(&self.stage.path().join(REVIEW), REPORT, page.as_bytes(), &mut self.review)?;

        let counts = TransferCounts {
            recipients: self.tally.payload_lines,
            user_certificate: self.tally.user_certificate,
            user_smime_certificate: self.tally.user_smime_certificate,
            files: self.files,
            trust_certificates: trusted,
        };
        let bundle = closing.bundle.clone();
        let transfer = Transfer {
            schema: TRANSFER_SCHEMA.to_owned(),
            tool: self.head.tool.clone(),
            id: bundle.id,
            valid_until: bundle.valid_until,
            revocation_fresh_until: bundle.revocation_fresh_until,
            sequence: bundle.sequence,
            previous: bundle.previous,
            unverified: self.head.unverified,
            targets: self.head.targets,
            counts: counts.clone(),
            manifest_sha256: manifest_sha256.clone(),
        };
        let folder = self.stage.path().join(TRANSFER);
        if let Some(sst) = &closing.sst {
            put_file(&folder, TRUST_STORE, sst, &mut self.transfer)?;
        }
        put_file(&folder, "transfer.json", &pretty_ascii(&transfer)?, &mut self.transfer)?;
        let handover = handover::text(&transfer);
        put_file(&folder, handover::HANDOVER, handover.as_bytes(), &mut self.transfer)?;

        let transfer_sums_sha256 = put_sums(&folder, &self.transfer)?;
        let review_sums_sha256 = put_sums(&self.stage.path().join(REVIEW), &self.review)?;
        // Every byte is on the disk before the folder appears.
        self.syncer.finish()?;
        let leftover = self.stage.publish(self.options.force, &folders)?;
        Ok(Sealed {
            path: self.target,
            counts,
            manifest_sha256,
            review_sums_sha256,
            transfer_sums_sha256,
            leftover,
        })
    }

    /// Copies the inputs from where they waited.
    fn put_inputs(&mut self) -> Result<(), OutputError> {
        let path = self.stage.outer().join(SPOOL);
        let failed = || OutputError::io("read", &path);
        self.spool.drain()?;
        let mut spool = File::open(&path).map_err(failed())?;
        self.line.resize(64 * 1024, 0);
        loop {
            match spool.read(&mut self.line) {
                Ok(0) => break,
                // `read` returns at most the buffer's length.
                Ok(count) => self.manifest.put(&self.line[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed()(error)),
            }
        }
        self.manifest.put(if self.inputs == 0 { b"]" } else { b"\n]" })
    }

    fn sums(&mut self, half: Half) -> &mut Sums {
        match half {
            Half::Review => &mut self.review,
            Half::Transfer => &mut self.transfer,
        }
    }

    fn next_payload_file(&mut self) -> Result<(), OutputError> {
        let name = payload_name(self.files + 1);
        let next = HashedFile::create(self.stage.path().join(TRANSFER).join(&name))?;
        let full = std::mem::replace(&mut self.payload, next);
        let full_name = std::mem::replace(&mut self.payload_name, name);
        self.transfer.insert(full_name, full.finish_later(&self.syncer)?);
        self.files += 1;
        self.payload_lines = 0;
        Ok(())
    }
}

/// One of the two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Half {
    /// Stays inside the gap.
    Review,
    /// Crosses it.
    Transfer,
}

impl Half {
    /// The folder's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Review => REVIEW,
            Self::Transfer => TRANSFER,
        }
    }
}

/// Where inputs wait; in the hidden folder, outside what becomes the bundle.
const SPOOL: &str = "inputs";
const PAYLOAD_FOLDER: &str = "transfer/payload";
const CHANGE_FOLDER: &str = "review/active-directory";

/// Name of the payload file with this number, from 1.
#[must_use]
pub fn payload_name(number: u64) -> String {
    format!("payload/{}.ndjson", numbered_name(number))
}

/// The number of a file in its name: four digits up to 9999. How many there will be is known only at the end, so a
/// longer number gets a letter for its length in front (`a10000`, `b100000`): letters sort behind digits, and the names
/// stay in order.
pub(crate) fn numbered_name(number: u64) -> String {
    let digits = number.to_string();
    match digits.len() {
        0..=4 => format!("{number:04}"),
        // A u64 has at most 20 digits, so the letter is at most `p`.
        length => format!("{}{number}", char::from(b'a' + (length - 5) as u8)),
    }
}

fn begin_manifest(head: &ManifestHead, out: &mut Vec<u8>) -> Result<(), OutputError> {
    out.extend_from_slice(b"{");
    key(out, "schema", &MANIFEST_SCHEMA, true)?;
    key(out, "tool", &head.tool, false)?;
    key(out, "evaluatedAt", &head.evaluated_at, false)?;
    key(out, "unverified", &head.unverified, false)?;
    key(out, "targets", &head.targets, false)?;
    key(out, "policy", &PolicyReference { sha256: sha256_hex(&head.policy) }, false)?;
    lines(out, "trustAnchors", &head.trust_anchors)?;
    out.extend_from_slice(b",\n\"recipients\": [");
    Ok(())
}

fn end_manifest(closing: &Closing, out: &mut Vec<u8>) -> Result<(), OutputError> {
    lines(out, "trustStore", &closing.trust_store)?;
    key(out, "summary", &closing.summary, false)?;
    key(out, "bundle", &closing.bundle, false)?;
    out.extend_from_slice(b"\n}\n");
    Ok(())
}

fn key<T: Serialize>(out: &mut Vec<u8>, name: &str, value: &T, first: bool) -> Result<(), OutputError> {
    out.extend_from_slice(if first { b"\n" } else { b",\n" });
    json(&name, out)?;
    out.extend_from_slice(b": ");
    json(value, out)
}

/// An array with one element a line.
fn lines<T: Serialize>(out: &mut Vec<u8>, name: &str, values: &[T]) -> Result<(), OutputError> {
    out.extend_from_slice(b",\n");
    json(&name, out)?;
    out.extend_from_slice(b": [");
    for (index, value) in values.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
        json(value, out)?;
    }
    out.extend_from_slice(if values.is_empty() { b"]" } else { b"\n]" });
    Ok(())
}

/// JSON for people, in ASCII.
pub(super) fn pretty_ascii<T: Serialize>(value: &T) -> Result<Vec<u8>, OutputError> {
    let mut out = Vec::new();
    value
        .serialize(&mut serde_json::Serializer::with_formatter(&mut out, Ascii(PrettyFormatter::new())))
        .map_err(|error| OutputError::Inconsistent(error.to_string()))?;
    out.push(b'\n');
    Ok(out)
}

fn put_file(folder: &Path, name: &str, bytes: &[u8], sums: &mut Sums) -> Result<(), OutputError> {
    let mut file = HashedFile::create(folder.join(name))?;
    file.put(bytes)?;
    sums.insert(name.to_owned(), file.finish()?);
    Ok(())
}

fn put_sums(folder: &Path, sums: &Sums) -> Result<String, OutputError> {
    let mut file = HashedFile::create(folder.join(SUMS))?;
    file.put(sums::write(sums).as_bytes())?;
    file.finish()
}
