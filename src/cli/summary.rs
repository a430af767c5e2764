//! What a run says when it ends: who can be written to, totals that reconcile, what to look at first,
//! and which command comes next.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Done;
use super::args::Convert;
use super::term::{Term, escape};
use crate::bundle::Sealed;
use crate::bundle::model::{BundleIdentity, FindingLine, Severity, Summary};
use crate::ldif;
use crate::rules::{input, run};

/// A run that has ended.
pub struct Closed {
    /// Totals.
    pub summary: Summary,
    /// The bundle's identity.
    pub identity: BundleIdentity,
    /// The bundle, unless it was a dry run.
    pub sealed: Option<Sealed>,
    /// How often each code was found with each weight.
    pub codes: BTreeMap<(&'static str, Severity), u64>,
    /// What was found about the run and its files: code and words.
    pub told: Vec<(String, String)>,
    /// No path was verified.
    pub unverified: bool,
    /// How it ends.
    pub done: Done,
}

/// Prints the summary on stderr.
pub fn print(closed: &Closed, args: &Convert, term: &Term) {
    if term.quiet {
        return;
    }
    let summary = &closed.summary;
    let coverage = &summary.coverage;
    let head = format!(
        "{} of {} people can be written to; {} can only sign, {} have nothing published",
        coverage.encryptable, summary.recipients, coverage.sign_only, coverage.none
    );
    term.say(&term.bold(&head));
    if closed.unverified && args.unverified {
        term.say(&term.red("UNVERIFIED: no trust anchors were given, and no certificate was verified"));
    }
    if coverage.lapses_before_next_run > 0 {
        term.say(&format!(
            "  {} of them lose their last certificate within {} days",
            coverage.lapses_before_next_run,
            crate::limits::NEXT_RUN_DAYS
        ));
    }
    term.say(&format!(
        "  {} values = {} candidates + {} unreadable + {} ignored",
        summary.values, summary.candidates, summary.unreadable, summary.ignored
    ));
    term.say(&format!(
        "  {} candidates = {} published + {} withheld",
        summary.candidates, summary.published, summary.withheld
    ));
    look_first(closed, term);
    match &closed.sealed {
        Some(sealed) => {
            let path = escape(&sealed.path.display().to_string());
            term.say(&format!("{} {path}", term.bold("Bundle")));
            term.say(&format!("  id           {}", closed.identity.id));
            term.say(&format!("  transfer/    {} (SHA-256 of its SHA256SUMS)", sealed.transfer_sums_sha256));
            term.say(&format!("  good until   {}", closed.identity.valid_until));
            if let Some(left) = &sealed.leftover {
                term.say(&format!(
                    "  the old bundle could not be removed: {}",
                    escape(&left.display().to_string())
                ));
            }
            term.say(&format!(
                "{} read {}, then: certferry verify {path}",
                term.bold("Next"),
                escape(&sealed.path.join("review").join("manifest.csv").display().to_string()),
            ));
            term.say("  Carry transfer/ to the upload step, and the id and the hash above by another way.");
        }
        None => term.say("Nothing was written (--dry-run)."),
    }
}

/// Findings about the run whose words are printed; one of a kind says enough, a folder may bring many.
pub const TOLD: usize = 20;

/// Whether one such finding alone can stand for thousands of people.
pub fn is_of_the_run(code: &str) -> bool {
    [
        run::NO_TRUST_ANCHORS.code,
        run::NO_CERTIFICATE_VALUES.code,
        run::RECORD_COUNT_UNEXPECTED.code,
        run::TRUST_CERTIFICATE_UNREADABLE.code,
        input::FILE_UNREADABLE.code,
        input::GZIP_DAMAGED.code,
        input::GZIP_TOO_LARGE.code,
        input::EXPORT_WITHOUT_CERTIFICATES.code,
        ldif::Code::SearchFailed.as_str(),
        ldif::Code::CountMismatch.as_str(),
        ldif::Code::PagesMissing.as_str(),
        ldif::Code::TrailerMissing.as_str(),
        ldif::Code::RecordCutOff.as_str(),
        ldif::Code::RecordTooLarge.as_str(),
        ldif::Code::SizeLimit.as_str(),
        ldif::Code::SearchReference.as_str(),
        ldif::Code::CodePage.as_str(),
        ldif::Code::EncodingDoubtful.as_str(),
        ldif::Code::CsvdeColumn.as_str(),
    ]
    .contains(&code)
}

/// The codes that a person should look at: what concerns a whole file or the run before what concerns
/// single people, then the weightiest and most frequent.
fn look_first(closed: &Closed, term: &Term) {
    let mut codes: Vec<(&str, Severity, u64)> = closed
        .codes
        .iter()
        .filter(|((_, severity), _)| *severity > Severity::Info)
        .map(|((code, severity), count)| (*code, *severity, *count))
        .collect();
    if codes.is_empty() {
        return;
    }
    codes.sort_by_key(|(code, severity, count)| {
        (Reverse(is_of_the_run(code)), Reverse(*severity), Reverse(*count), *code)
    });
    term.say(&term.bold("Look first at"));
    let more = codes.len().saturating_sub(8);
    for (code, severity, count) in codes.into_iter().take(8) {
        let title = crate::rules::find(code).map_or("", |rule| rule.title);
        term.say(&format!("  {} {count:>7}  {code:<28} {title}", weight(severity, term)));
        if let Some((_, words)) = closed.told.iter().find(|(of, _)| of == code) {
            term.say(&format!("          {}", escape(words)));
        }
    }
    if more > 0 {
        term.say(&format!("  and {more} more codes in review/findings.ndjson"));
    }
    term.say("  What a code means and how to mend it: certferry explain CODE");
}

fn weight(severity: Severity, term: &Term) -> String {
    match severity {
        Severity::Error => term.red("error  "),
        Severity::Warning => term.yellow("warning"),
        Severity::Info => "info   ".to_owned(),
    }
}

/// One finding as a line on stderr.
pub fn finding(line: &FindingLine, term: &Term) {
    let place =
        line.source.as_ref().map(|source| format!("{}:{} ", source.input, source.line)).unwrap_or_default();
    let who = line.address.as_deref().map(|address| format!("{address}: ")).unwrap_or_default();
    term.say(&format!(
        "{} {} {}",
        weight(line.severity, term),
        line.code,
        escape(&format!("{place}{who}{}", line.message))
    ));
}
