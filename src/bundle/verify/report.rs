//! What `verify` found, as data and as text.

use super::journal::{JournalReport, PersonState};
use super::series::{Relation, Series};
use crate::bundle::TRUST_STORE;
use crate::bundle::model::{Summary, Target, Tool, TransferCounts};
use crate::bundle::table::visible;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Version of the report's format.
pub const VERIFY_SCHEMA: &str = "certferry-verify-1";
/// Problems that a report lists; further ones are counted.
pub const MAX_PROBLEMS: usize = 1000;

/// Whether a bundle may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Whole, unchanged, current.
    Good,
    /// At least one problem.
    Bad,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// Both halves, and that they belong together.
    Bundle,
    /// review/ alone.
    Review,
    /// transfer/ alone.
    Transfer,
}

/// What is known about signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Signature {
    /// There is none.
    Unsigned,
    /// There is one that cannot be checked without the signer's certificate.
    NotChecked,
    /// There is a good one, and nobody said whose it must be.
    NotAsked,
    /// There is a good one by the signer that was asked for.
    Good,
    /// There is one that proves nothing, or one by somebody else.
    Bad,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignerReport {
    /// Subject of the signer's certificate.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its serial number, hex with colons.
    pub serial: String,
    /// SHA-256 of its DER, lower-case hex.
    pub sha256: String,
    /// SHA-1 of its DER (Windows' thumbprint), lower-case hex.
    pub sha1: String,
    /// End of its validity, RFC 3339.
    pub not_after: String,
}

/// The signature over one half's SHA256SUMS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HalfSignature {
    /// The list that is signed, relative to the folder that was checked.
    pub file: String,
    /// What is known about its signature.
    pub state: Signature,
    /// Who signed, as far as the certificate is known.
    pub signer: Option<SignerReport>,
    /// When the signer claims to have signed, RFC 3339; null when there is no claim.
    pub claimed_signing_time: Option<String>,
}

/// Kind of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ProblemKind {
    /// A file is not what SHA256SUMS says.
    Changed,
    /// A file that is listed, or a half, is not there.
    Missing,
    /// A file or folder that is not listed.
    Extra,
    /// A listed file stands under another name.
    Renamed,
    /// A symbolic link, device or the like.
    NotAFile,
    /// SHA256SUMS is not as certferry writes it.
    Sums,
    /// A file could not be read, or is not of its format.
    Unreadable,
    /// The halves are of different bundles.
    Halves,
    /// The payload does not say what the manifest says.
    Payload,
    /// The change of the directory does not say what the manifest says, or is not undone by its inverse.
    Change,
    /// Totals or counts do not reconcile.
    Totals,
    /// The manifest contradicts itself or another file of its half.
    Manifest,
    /// The trust store is not as certferry writes it, or not what manifest and payload need.
    Trust,
    /// The upload script is not this release's.
    Script,
    /// The bundle's lifetime is over.
    Expired,
    /// A later bundle takes its place.
    Superseded,
    /// The bundle given with `--previous` does not fit, or was changed.
    Series,
    /// The upload's journal is not of this bundle, or was changed.
    Journal,
    /// The signature is missing although a signer was asked for, proves nothing, or is somebody else's.
    Signature,
}

/// One reason why a bundle must not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Problem {
    /// What kind of problem.
    pub kind: ProblemKind,
    /// The file, relative to the folder that was checked, with `/`; null when none is to blame.
    pub file: Option<String>,
    /// Line in it, 1-based, or null.
    pub line: Option<u64>,
    /// What was found, what was expected.
    pub explanation: String,
}

/// The result of [`super::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// [`VERIFY_SCHEMA`].
    pub schema: String,
    /// Good only without any problem.
    pub verdict: Outcome,
    /// What was looked at.
    pub scope: Scope,
    /// The instant that lifetimes were compared with, RFC 3339.
    pub at: String,
    /// The bundle's id, when it could be read.
    pub id: Option<String>,
    /// Who made it.
    pub tool: Option<Tool>,
    /// The instant certificates were judged at (review/ only).
    pub evaluated_at: Option<String>,
    /// End of its lifetime.
    pub valid_until: Option<String>,
    /// Earliest nextUpdate of a CRL that was relied on.
    pub revocation_fresh_until: Option<String>,
    /// True when no path was verified; null when unknown.
    pub unverified: Option<bool>,
    /// Where the bundle is applied, when it could be read.
    pub targets: Option<Vec<Target>>,
    /// Number in the series, or null.
    pub sequence: Option<u64>,
    /// Id of the bundle before it, or null.
    pub previous: Option<String>,
    /// The bundle given with `--previous`, or null.
    pub series: Option<Series>,
    /// What is known about signatures, over all halves that were looked at: the worst of them.
    pub signature: Signature,
    /// The signature of each half.
    pub signatures: Vec<HalfSignature>,
    /// Totals of the manifest (review/ only).
    pub summary: Option<Summary>,
    /// Counts of transfer.json (transfer/ only).
    pub counts: Option<TransferCounts>,
    /// SHA-256 of transfer/SHA256SUMS, to compare over a second channel.
    pub transfer_sums_sha256: Option<String>,
    /// Files that were hashed.
    pub files: u64,
    /// Reasons against it, the first [`MAX_PROBLEMS`].
    pub problems: Vec<Problem>,
    /// How many more there were.
    pub problems_left_out: u64,
    /// What is true and worth knowing, and no reason against it.
    pub notes: Vec<String>,
    /// What the upload's journal says, or null.
    pub journal: Option<JournalReport>,
    /// With a journal: everybody in the payload, one a line; otherwise null.
    pub people: Option<Vec<PersonState>>,
}

impl Report {
    pub(super) fn new(scope: Scope, at: String) -> Self {
        Self {
            schema: VERIFY_SCHEMA.to_owned(),
            verdict: Outcome::Good,
            scope,
            at,
            id: None,
            tool: None,
            evaluated_at: None,
            valid_until: None,
            revocation_fresh_until: None,
            unverified: None,
            targets: None,
            sequence: None,
            previous: None,
            series: None,
            signature: Signature::Unsigned,
            signatures: Vec::new(),
            summary: None,
            counts: None,
            transfer_sums_sha256: None,
            files: 0,
            problems: Vec::new(),
            problems_left_out: 0,
            notes: Vec::new(),
            journal: None,
            people: None,
        }
    }

    /// True when the verdict is good.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.verdict == Outcome::Good
    }

    pub(super) fn problem(
        &mut self,
        kind: ProblemKind,
        file: Option<&str>,
        line: Option<u64>,
        explanation: String,
    ) {
        self.verdict = Outcome::Bad;
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem { kind, file: file.map(str::to_owned), line, explanation });
        } else {
            self.problems_left_out = self.problems_left_out.saturating_add(1);
        }
    }

    /// Takes over the problems of another report that `keep` lets through.
    pub(super) fn absorb(&mut self, other: Self, keep: impl Fn(&Problem) -> bool) {
        let all = other.problems.len();
        let kept: Vec<Problem> = other.problems.into_iter().filter(keep).collect();
        if kept.len() == all {
            self.problems_left_out = self.problems_left_out.saturating_add(other.problems_left_out);
        }
        for problem in kept {
            self.problem(problem.kind, problem.file.as_deref(), problem.line, problem.explanation);
        }
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// What is known about signatures, in words.
    fn signature_text(&self) -> &'static str {
        match self.signature {
            Signature::Unsigned if self.signatures.iter().any(|half| half.state != Signature::Unsigned) => {
                "unsigned in part: nothing shows who made the half without a signature"
            }
            Signature::Unsigned => {
                "unsigned: the sums show what changed by accident; nothing shows who made this"
            }
            Signature::NotChecked => "a signature is there and was not checked",
            Signature::NotAsked => {
                "signed, but nobody said whose signature it must be: compare the signer below, or name one with --signer"
            }
            Signature::Good => "signed by the signer that was asked for",
            Signature::Bad => "the signature is bad, or somebody else's: nothing shows who made this",
        }
    }

    /// The report in words, for a terminal: what names and files hold cannot move the cursor or forge a line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let scope = match self.scope {
            Scope::Bundle => "the bundle (both halves)",
            Scope::Review => "the review half alone",
            Scope::Transfer => "the transfer half alone",
        };
        let verdict = match self.verdict {
            Outcome::Good => "GOOD: whole, unchanged and current",
            Outcome::Bad => "BAD: do not upload this",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{verdict}");
        if self.unverified == Some(true) {
            let _ = writeln!(text, "UNVERIFIED: no certification path was checked when this bundle was made");
        }
        let _ = writeln!(text, "{}\n", self.signature_text());
        let mut row = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = writeln!(text, "{name:<22}{}", visible(&value));
            }
        };
        row("checked", Some(format!("{scope}, {} files, at {}", self.files, self.at)));
        row("bundle id", self.id.clone());
        row("made by", self.tool.as_ref().map(|tool| format!("{} {}", tool.name, tool.version)));
        row("judged at", self.evaluated_at.clone());
        row("number in the series", self.sequence.map(|number| number.to_string()));
        row("bundle before it", self.previous.clone());
        let before = self.series.as_ref().map(|series| {
            let what = match series.relation {
                Relation::Predecessor => "the one right before this one",
                Relation::Earlier => "an older one of the series",
                Relation::Unrelated => "nothing ties it to this one",
                Relation::Superseded => "LATER than this one",
                Relation::Same => "this very bundle",
                Relation::Contradictory => "the one before by its id, not by its number",
            };
            format!("{}: {what}", series.id)
        });
        row("--previous", before);
        for half in &self.signatures {
            let Some(signer) = &half.signer else { continue };
            let claim = half.claimed_signing_time.as_deref().unwrap_or("an instant that is not told");
            let (subject, sha1) = (&signer.subject, &signer.sha1);
            row(
                "signed",
                Some(format!(
                    "{} by {subject} (SHA-1 {sha1}), who claims to have done so at {claim}",
                    half.file
                )),
            );
        }
        row("valid until", self.valid_until.clone());
        row("revocation fresh to", self.revocation_fresh_until.clone());
        row("transfer/SHA256SUMS", self.transfer_sums_sha256.clone());
        row(
            "people",
            self.summary.as_ref().map(|summary| {
                let coverage = &summary.coverage;
                format!(
                    "{}: {} can be written to, {} sign only, {} neither",
                    summary.recipients, coverage.encryptable, coverage.sign_only, coverage.none
                )
            }),
        );
        row(
            "values",
            self.summary.as_ref().map(|summary| {
                format!(
                    "{} = {} published + {} withheld + {} unreadable + {} ignored",
                    summary.values, summary.published, summary.withheld, summary.unreadable, summary.ignored
                )
            }),
        );
        row(
            "payload",
            self.counts.as_ref().map(|counts| {
                format!(
                    "{} recipients in {} files, {} userCertificate and {} userSMIMECertificate values",
                    counts.recipients, counts.files, counts.user_certificate, counts.user_smime_certificate
                )
            }),
        );
        row(
            "upload",
            self.journal.as_ref().map(|journal| {
                format!(
                    "{} published, {} unconfirmed, {} not written, {} skipped, {} restored, {} not mentioned ({} runs)",
                    journal.published,
                    journal.unconfirmed,
                    journal.not_written,
                    journal.skipped,
                    journal.restored,
                    journal.not_mentioned,
                    journal.runs
                )
            }),
        );
        for (result, count) in self.journal.iter().flat_map(|journal| &journal.results) {
            row("", Some(format!("{result}: {count}")));
        }
        row(
            "trust store",
            self.counts.as_ref().map(|counts| match counts.trust_certificates {
                0 => format!("none: there is no {TRUST_STORE}"),
                1 => format!("{TRUST_STORE}, 1 authority's certificate"),
                all => format!("{TRUST_STORE}, {all} authorities' certificates"),
            }),
        );
        let changes = self.targets.iter().flatten().any(|target| *target == Target::ActiveDirectory);
        row(
            "directory",
            self.summary.as_ref().filter(|_| changes).map(|summary| {
                let changes = &summary.directory_changes;
                format!(
                    "{} objects change, {} values are deleted, {} added",
                    changes.objects, changes.deleted, changes.added
                )
            }),
        );
        for note in &self.notes {
            let _ = writeln!(text, "\nnote: {}", visible(note));
        }
        if !self.problems.is_empty() {
            let count = self.problems_left_out.saturating_add(self.problems.len() as u64);
            let _ = writeln!(text, "\n{count} {}:", if count == 1 { "problem" } else { "problems" });
        }
        for problem in &self.problems {
            let place = match (&problem.file, problem.line) {
                (Some(file), Some(line)) => format!("{file}:{line}: "),
                (Some(file), None) => format!("{file}: "),
                _ => String::new(),
            };
            let _ = writeln!(text, "  {}", visible(&format!("{place}{}", problem.explanation)));
        }
        if self.problems_left_out > 0 {
            let _ = writeln!(text, "  and {} more", self.problems_left_out);
        }
        text
    }
}
