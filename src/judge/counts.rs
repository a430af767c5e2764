//! What a run counts, one recipient after the other.

use crate::bundle::model::{ChangeCounts, Severity};

/// Totals of one or many recipients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Values of certificate attributes.
    pub values: u64,
    /// Values that could not be read.
    pub unreadable: u64,
    /// Values that were passed by.
    pub ignored: u64,
    /// Candidates.
    pub candidates: u64,
    /// Candidates that are published.
    pub published: u64,
    /// People who can be encrypted to, who can only be checked, and the rest.
    pub coverage: [u64; 3],
    /// Encryptable people whose last certificate ends before the next run.
    pub lapsing: u64,
    /// The change of the directory.
    pub changes: ChangeCounts,
    /// Findings of each severity: info, warning, error.
    pub findings: [u64; 3],
}

impl Counts {
    /// Adds other totals.
    pub fn add(&mut self, other: &Self) {
        self.values += other.values;
        self.unreadable += other.unreadable;
        self.ignored += other.ignored;
        self.candidates += other.candidates;
        self.published += other.published;
        self.lapsing += other.lapsing;
        self.changes.add(&other.changes);
        for (mine, theirs) in self.coverage.iter_mut().zip(other.coverage) {
            *mine += theirs;
        }
        for (mine, theirs) in self.findings.iter_mut().zip(other.findings) {
            *mine += theirs;
        }
    }

    /// Takes one finding of this weight back: what it said was mended.
    pub fn take_back(&mut self, severity: Severity) {
        let [info, warning, error] = &mut self.findings;
        let sum = match severity {
            Severity::Info => info,
            Severity::Warning => warning,
            Severity::Error => error,
        };
        *sum = sum.saturating_sub(1);
    }

    /// Counts a finding.
    pub fn finding(&mut self, severity: Severity) {
        let [info, warning, error] = &mut self.findings;
        *match severity {
            Severity::Info => info,
            Severity::Warning => warning,
            Severity::Error => error,
        } += 1;
    }
}
