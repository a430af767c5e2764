//! What `verify` found, as data and as text.

use super::journal::{PersonState, Upload};
use crate::bundle::model::{Summary, Tool, TransferCounts};
use crate::bundle::table::visible;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Version of the report's format.
pub const VERIFY_SCHEMA: &str = "certferry-verify-1";
/// Words for results that a report counts.
const MAX_RESULTS: usize = 100;
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
    /// There is one, and nobody checked it.
    NotChecked,
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
    /// Totals or counts do not reconcile.
    Totals,
    /// The manifest contradicts itself or another file of its half.
    Manifest,
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
}

/// What the bundle given with `--previous` is to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Relation {
    /// The bundle right before it.
    Predecessor,
    /// An older one of the series.
    Earlier,
    /// Nothing ties the two together.
    Unrelated,
    /// It is later: this one must not be uploaded any more.
    Superseded,
    /// The very same bundle.
    Same,
    /// Predecessor by its id, and the numbers do not follow.
    Contradictory,
}

/// The bundle given with `--previous`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Series {
    /// Its id.
    pub id: String,
    /// Its number, or null.
    pub sequence: Option<u64>,
    /// The instant it was judged at; null when only its transfer half was given.
    pub evaluated_at: Option<String>,
    /// What it is to this bundle.
    pub relation: Relation,
}

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
    pub(super) fn count(&mut self, person: &PersonState) {
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
    /// Number in the series, or null.
    pub sequence: Option<u64>,
    /// Id of the bundle before it, or null.
    pub previous: Option<String>,
    /// The bundle given with `--previous`, or null.
    pub series: Option<Series>,
    /// What is known about signatures.
    pub signature: Signature,
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
            sequence: None,
            previous: None,
            series: None,
            signature: Signature::Unsigned,
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
        let signature = match self.signature {
            Signature::Unsigned => {
                "unsigned: the sums show what changed by accident; nothing shows who made this"
            }
            Signature::NotChecked => "a signature is there and was not checked",
        };
        let _ = writeln!(text, "{signature}\n");
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
