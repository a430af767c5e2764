//! What a run says when it ends: who can be written to, totals that reconcile, what to look at first,
//! and which command comes next.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Done;
use super::args::{Convert, Target};
use super::term::{Term, escape};
use crate::bundle::directory::Side;
use crate::bundle::model::{BundleIdentity, ClearClass, FindingLine, Severity, Summary};
use crate::bundle::{SCRIPT, Sealed};
use crate::history::decide::List;
use crate::ldif;
use crate::policy::Difference;
use crate::rules::{input, run};

/// A run that has ended.
pub struct Closed {
    /// Totals.
    pub summary: Summary,
    /// The bundle's identity.
    pub identity: BundleIdentity,
    /// The bundle, unless it was a dry run.
    pub sealed: Option<Sealed>,
    /// Certificates in trust.sst, and how many of them were only kept.
    pub trusted: (usize, usize),
    /// How often each code was found with each weight.
    pub codes: BTreeMap<(&'static str, Severity), u64>,
    /// Names for the lists of what changed.
    pub names: BTreeMap<List, (Vec<String>, u64)>,
    /// What was found about the run and its files: code and words.
    pub told: Vec<(String, String)>,
    /// No path was verified.
    pub unverified: bool,
    /// Days until the next bundle is expected, by the policy.
    pub days_to_next_run: i64,
    /// Where the policy is not the default.
    pub differences: Vec<Difference>,
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
    // Whoever stands in no input is nobody that somebody wants to write to.
    let gone = summary.changes.as_ref().map_or(0, |changes| changes.gone);
    let head = format!(
        "{} of {} people can be written to; {} can only sign, {} have nothing published",
        coverage.encryptable,
        summary.recipients.saturating_sub(gone),
        coverage.sign_only,
        coverage.none.saturating_sub(gone)
    );
    term.say(&term.bold(&head));
    if closed.unverified && args.unverified {
        term.say(&term.red("UNVERIFIED: no trust anchors were given, and no certificate was verified"));
    }
    if coverage.lapses_before_next_run > 0 {
        term.say(&format!(
            "  {} of them lose their last certificate within {} days",
            coverage.lapses_before_next_run, closed.days_to_next_run
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
    changes(closed, term);
    let directory = args.target.contains(&Target::ActiveDirectory);
    if directory {
        let change = &summary.directory_changes;
        term.say(&format!(
            "  change of the directory: {} objects, {} values deleted, {} added",
            change.objects, change.deleted, change.added
        ));
    }
    look_first(closed, term);
    policy(&closed.differences, term);
    match &closed.sealed {
        Some(sealed) => {
            let path = escape(&sealed.path.display().to_string());
            term.say(&format!("{} {path}", term.bold("Bundle")));
            term.say(&format!("  id           {}", closed.identity.id));
            term.say(&format!("  transfer/    {} (SHA-256 of its SHA256SUMS)", sealed.transfer_sums_sha256));
            term.say(&format!("  good until   {}", closed.identity.valid_until));
            term.say(&format!("  trust store  {}", trust_store(closed.trusted)));
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
            if directory && summary.directory_changes.objects > 0 {
                let first = sealed.path.join("review").join(Side::Change.name(1));
                term.say(&format!(
                    "  Import {} and the files after it (ldifde -i -f, without -k); each inverse file undoes its own.",
                    escape(&first.display().to_string())
                ));
            }
            if args.target.contains(&Target::ExchangeOnline) {
                term.say(
                    "  Carry transfer/ to the upload step, and the id and the hash above by another way.",
                );
            } else {
                term.say("  transfer/ holds no recipients: Entra Connect carries the directory up.");
            }
        }
        None => term.say("Nothing was written (--dry-run)."),
    }
}

/// Findings about the run whose words are printed; one of a kind says enough, a folder may bring many.
pub const TOLD: usize = 20;

/// What changed since the bundle before, and who is concerned.
fn changes(closed: &Closed, term: &Term) {
    let Some(changes) = &closed.summary.changes else { return };
    let since = match (&changes.previous, &changes.inventory) {
        (Some(bundle), _) => format!("Since the bundle of {}", bundle.evaluated_at),
        (None, Some(inventory)) => format!("Since the inventory of {}", inventory.time),
        (None, None) => "What is taken away".to_owned(),
    };
    term.say(&term.bold(&since));
    if let Some(allowed) = changes.removals_allowed {
        term.say(&format!(
            "  {} had a certificate to encrypt to = {} the same + {} replaced + {} by another issuer + {} left alone + {} removed",
            changes.had,
            changes.unchanged,
            changes.replaced,
            changes.replaced_by_another_issuer,
            changes.kept,
            changes.removed
        ));
        term.say(&format!("  {} got their first; at most {allowed} removals are allowed", changes.gained));
        if changes.previous.is_some() {
            term.say(&format!(
                "  {} could be written to by the bundle before and cannot by this one",
                closed.summary.coverage.lost_since_previous
            ));
        }
        if changes.gone > 0 {
            let before = match changes.gone_before {
                0 => String::new(),
                count => format!(" ({count} of them were gone before already)"),
            };
            term.say(&format!("  {} stand in no input any more{before}", changes.gone));
        }
    }
    let list = |list: List, what: &str| {
        if let Some(found) = closed.names.get(&list) {
            term.say(&format!("  {}: {what}", found.1));
            names(Some(found), " (review/findings.ndjson names everybody)", term);
        }
    };
    list(List::Removed, "have no certificate to encrypt to any more");
    list(List::RevokedStillPublished, "keep a revoked certificate");
    list(List::IssuerReplaced, "get certificates of another issuer");
    list(List::Gone, "are gone since then");
    for class in ClearClass::ALL {
        list(List::Cleared(class), &format!("are cleared (--clear {})", class.word()));
    }
}

/// The first names of a list, and how many are left out; `rest` says where these stand.
pub fn names(list: Option<&(Vec<String>, u64)>, rest: &str, term: &Term) {
    let Some((names, count)) = list else { return };
    for name in names {
        term.say(&format!("    {}", escape(name)));
    }
    let more = count.saturating_sub(names.len() as u64);
    if more > 0 {
        term.say(&format!("    and {more} more{rest}"));
    }
}

/// What trust.sst is for whom the summary is read by.
fn trust_store((all, kept): (usize, usize)) -> String {
    let number = match all {
        0 => return "none: no authority's certificate is to be uploaded, so there is no trust.sst".into(),
        1 => "1 authority's certificate".to_owned(),
        all => format!("{all} authorities' certificates"),
    };
    let of = if kept > 0 { format!(", {kept} of them by --keep-trust alone") } else { String::new() };
    format!("transfer/trust.sst, {number}{of}; {SCRIPT} -PublishTrustStore uploads it")
}

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

/// Where the policy is not the default: the rules that an auditor must know of before the result.
fn policy(differences: &[Difference], term: &Term) {
    const SHOWN: usize = 5;
    let count = differences.len();
    if count == 0 {
        return;
    }
    let places = if count == 1 { "1 place".to_owned() } else { format!("{count} places") };
    term.say(&term.bold(&format!("The policy differs from the default in {places}")));
    for Difference { place, default, value, .. } in differences.iter().take(SHOWN) {
        // An entry has no default to compare with.
        let instead = if default == "none" { String::new() } else { format!(" (default: {default})") };
        term.say(&format!("  {}", escape(&format!("{place}: {value}{instead}"))));
    }
    if count > SHOWN {
        term.say(&format!("  and {} more in review/policy.toml", count - SHOWN));
    }
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
