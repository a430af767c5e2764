//! Is this bundle, or this half of one, whole, unchanged and current?
//!
//! Three questions, each answered by itself so that one broken answer does not hide another:
//!
//! 1. Files: SHA256SUMS of each half against what stands in the folder. A file whose hash is
//!    listed under another name was renamed; links and devices are never followed.
//! 2. Content: manifest and payload are walked side by side, by recipient number. A published
//!    candidate's value must stand in that recipient's payload line, in its attribute, by SHA-256, and nothing
//!    besides. Totals are counted again. trust.sst holds the authorities of the published chains and what was
//!    kept, and each that it lacks is named by a finding.
//!    The change of the directory and its inverse are read as strictly as they are written, and say of each object
//!    exactly what the manifest says.
//! 3. Belonging and time: ids, hashes, script and lifetime.
//!
//! Somebody who can rewrite everything, the sums included, can still make a bundle that passes: that is what
//! comparing the sums over a second channel and a signature ([`Signer`]) are for. The report says "unsigned" in
//! words.

mod content;
mod directory;
mod files;
mod history;
pub mod journal;
mod payload;
mod report;
mod seal;
pub mod series;
mod trust;

pub(crate) use payload::{Line, read_line};
pub use report::{
    HalfSignature, MAX_PROBLEMS, Outcome, Problem, ProblemKind, Report, Scope, Signature, SignerReport,
    VERIFY_SCHEMA,
};
pub use seal::Signer;
pub use series::{Relation, Series};

use super::hashed::sha256_hex;
use super::manifest::Frame;
use super::model::{TRANSFER_SCHEMA, Tool, Transfer};
use super::report::{Page, REPORT, render};
use super::writer::{Half, pretty_ascii};
use super::{REVIEW, SCRIPT, TRANSFER, handover, sums};
use files::Files;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// This release.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// A larger transfer.json is not read.
const MAX_TRANSFER: u64 = 1024 * 1024;

/// What a check needs to know besides the folder.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The instant that lifetimes are compared with.
    pub at: Timestamp,
    /// Bytes of this release's upload script.
    pub script: &'a [u8],
    /// Whose signature there must be, when somebody asks for one.
    pub signer: Option<&'a Signer>,
}

/// Why a folder could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The folder could not be opened.
    #[error("{path}: could not be opened: {source}; name a bundle folder, or its review or transfer folder")]
    Open {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a folder, but nothing in it is a bundle's.
    #[error(
        "{path}: is neither a bundle (review/ and transfer/) nor a half of one (manifest.json, or transfer.json); \
         name the folder that `convert -o` made, or one of its halves"
    )]
    NotABundle {
        /// The folder.
        path: PathBuf,
    },
}

/// Checks `dir`, which is a bundle, its review/ or its transfer/. Nothing is written; memory does not grow
/// with the number of recipients.
///
/// # Errors
/// Only when there is nothing to check; everything that is wrong with a bundle is in the [`Report`].
pub fn verify(dir: &Path, options: &Options<'_>) -> Result<Report, VerifyError> {
    let scope = scope(dir)?;
    let mut report = Report::new(scope, options.at.to_string());
    let half = |half: Half, report: &mut Report| match scope {
        Scope::Bundle => whole(dir, half, report)
            .then(|| files::check(half, &dir.join(half.name()), &format!("{}/", half.name()), report)),
        Scope::Review => (half == Half::Review).then(|| files::check(half, dir, "", report)),
        Scope::Transfer => (half == Half::Transfer).then(|| files::check(half, dir, "", report)),
    };
    let review = half(Half::Review, &mut report);
    let transfer = half(Half::Transfer, &mut report);
    if scope == Scope::Bundle {
        strangers(dir, &mut report);
    }
    let looked_at: Vec<&Files> = [review.as_ref(), transfer.as_ref()].into_iter().flatten().collect();
    seal::check(&looked_at, options.signer, options.at, &mut report);

    let head = transfer.as_ref().and_then(|files| transfer_json(files, &mut report));
    halves(review.as_ref(), transfer.as_ref(), head.as_ref(), &mut report);
    let mut seen = Report::new(scope, String::new());
    let store = transfer.as_ref().and_then(|files| trust::Store::read(files, &mut report));
    let mut walked = content::walk(review.as_ref(), transfer.as_ref(), store.as_ref(), &mut seen);
    // Halves of two bundles disagree about everybody: that they are of two is all that needs to be said.
    let strangers = matches!((&walked.frame, &head), (Some(frame), Some(head)) if frame.bundle.id != head.id);
    let of_two = |kind: ProblemKind| matches!(kind, ProblemKind::Payload | ProblemKind::Trust);
    report.absorb(seen, |problem| !(strangers && of_two(problem.kind)));
    if let Some(files) = &review {
        let recipients = walked.tally.recipients;
        content::findings(files, walked.frame.as_ref(), recipients, &mut walked.digest, &mut report);
        if let Some(frame) = &walked.frame {
            walked.chains.against(frame, &files.shown("manifest.json"), &mut report);
            review_half(files, frame, &walked, transfer.is_some() && !strangers, &mut report);
        }
    }
    if let (Some(files), Some(head)) = (&transfer, &head) {
        transfer_half(files, head, &walked, options, &mut report);
        if let Some(store) = &store {
            store.against_head(head, &mut report);
        }
    }
    if let (Some(frame), Some(store), false) = (&walked.frame, &store, strangers) {
        store.against_manifest(frame, &mut report);
    }
    if let (Some(frame), Some(head), Some(files)) = (&walked.frame, &head, &transfer) {
        belong(frame, head, &files.shown("transfer.json"), &mut report);
    }
    lifetime(walked.frame.as_ref(), head.as_ref(), options.at, &mut report);
    Ok(report)
}

/// Compares one half with its SHA256SUMS and looks at nothing else: the differences, named with `prefix` in front,
/// and the SHA-256 of manifest.json where there is one.
#[must_use]
pub fn unchanged(half: Half, dir: &Path, prefix: &str) -> (Vec<Problem>, Option<String>) {
    let mut report = Report::new(Scope::Bundle, String::new());
    let files = files::check(half, dir, prefix, &mut report);
    (report.problems, files.hash("manifest.json").map(str::to_owned))
}

/// What `dir` is.
fn scope(dir: &Path) -> Result<Scope, VerifyError> {
    let open = |source| VerifyError::Open { path: dir.to_path_buf(), source };
    std::fs::read_dir(dir).map_err(open)?;
    let has = |name: &str| dir.join(name).symlink_metadata().is_ok();
    if has(REVIEW) || has(TRANSFER) {
        Ok(Scope::Bundle)
    } else if has("manifest.json") || has("findings.ndjson") || has("policy.toml") {
        Ok(Scope::Review)
    } else if has("transfer.json") || has("payload") || has(SCRIPT) {
        Ok(Scope::Transfer)
    } else {
        Err(VerifyError::NotABundle { path: dir.to_path_buf() })
    }
}

/// Whether a half is there as a folder.
fn whole(dir: &Path, half: Half, report: &mut Report) -> bool {
    let name = half.name();
    match dir.join(name).symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => return true,
        Ok(_) => {
            let explanation = "is not a folder; a link is not followed".to_owned();
            report.problem(ProblemKind::NotAFile, Some(name), None, explanation);
        }
        Err(_) => {
            let other = if half == Half::Review { TRANSFER } else { REVIEW };
            let explanation =
                format!("this half is missing; to check the other one alone, name the folder {other} itself");
            report.problem(ProblemKind::Missing, Some(name), None, explanation);
        }
    }
    false
}

/// A bundle is two folders and nothing besides.
fn strangers(dir: &Path, report: &mut Report) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != REVIEW && name != TRANSFER)
        .collect();
    names.sort();
    for name in names {
        let explanation = "belongs to neither half: it was put here after the bundle was made".to_owned();
        report.problem(ProblemKind::Extra, Some(&name), None, explanation);
    }
}

/// Reads transfer.json.
fn transfer_json(files: &Files, report: &mut Report) -> Option<Transfer> {
    const NAME: &str = "transfer.json";
    let shown = files.shown(NAME);
    let mut bytes = Vec::new();
    let read = files.open(NAME)?.and_then(|file| file.take(MAX_TRANSFER + 1).read_to_end(&mut bytes));
    let wrong = match read {
        Err(error) => format!("could not be read: {error}"),
        Ok(length) if length as u64 > MAX_TRANSFER => format!("is larger than {MAX_TRANSFER} bytes"),
        Ok(_) => match serde_json::from_slice::<Transfer>(&bytes) {
            Err(error) => error.to_string(),
            Ok(head) if head.schema != TRANSFER_SCHEMA => format!(
                "the format is {:?}, this release reads {TRANSFER_SCHEMA:?}; use the release that made the bundle",
                head.schema
            ),
            Ok(head) => {
                let same = |text: Vec<u8>| text == bytes;
                if head.tool.version == VERSION && !pretty_ascii(&head).is_ok_and(same) {
                    let explanation = "is not as certferry writes these values".to_owned();
                    report.problem(ProblemKind::Changed, Some(&shown), None, explanation);
                }
                report.id = Some(head.id.clone());
                report.sequence = head.sequence;
                report.previous.clone_from(&head.previous);
                report.tool = Some(head.tool.clone());
                report.unverified = Some(head.unverified);
                report.counts = Some(head.counts.clone());
                report.targets = Some(head.targets.clone());
                return Some(head);
            }
        },
    };
    report.problem(ProblemKind::Unreadable, Some(&shown), None, wrong);
    None
}

/// Whether transfer.json was made for this manifest.
fn halves(review: Option<&Files>, transfer: Option<&Files>, head: Option<&Transfer>, report: &mut Report) {
    let (Some(review), Some(transfer), Some(head)) = (review, transfer, head) else { return };
    let Some(found) = review.hash("manifest.json").filter(|found| *found != head.manifest_sha256) else {
        return;
    };
    let explanation = format!(
        "is for a manifest with the SHA-256 {}, but {} has {}: it was changed, or the halves are of different bundles",
        head.manifest_sha256,
        review.shown("manifest.json"),
        found
    );
    report.problem(ProblemKind::Halves, Some(&transfer.shown("transfer.json")), None, explanation);
}

/// The manifest against itself and the files beside it.
fn review_half(
    files: &Files,
    frame: &Frame,
    walked: &content::Walked,
    with_payload: bool,
    report: &mut Report,
) {
    let manifest = files.shown("manifest.json");
    for disagreement in walked.tally.disagreements(&frame.summary) {
        report.problem(ProblemKind::Totals, Some(&manifest), None, disagreement);
    }
    walked.past.compare(frame, &manifest, report);
    let cleared = &frame.summary.cleared;
    let said = [cleared.revoked, cleared.expired, cleared.shadowing, cleared.gone];
    let said = said.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    if with_payload && said != walked.tally.cleared {
        let explanation = format!(
            "the summary says {said} attributes are cleared, the payload clears {}",
            walked.tally.cleared
        );
        report.problem(ProblemKind::Totals, Some(&manifest), None, explanation);
    }
    if let Some(found) = files.hash("policy.toml")
        && found != frame.policy.sha256
    {
        let explanation =
            format!("has the SHA-256 {found}; the manifest was made with the policy {}", frame.policy.sha256);
        report.problem(ProblemKind::Manifest, Some(&files.shown("policy.toml")), None, explanation);
    }
    // Another release may write the table differently.
    if let Some(found) = files.hash("manifest.csv")
        && frame.tool.version == VERSION
        && found != walked.table_sha256
    {
        let explanation = "does not say what manifest.json says".to_owned();
        report.problem(ProblemKind::Manifest, Some(&files.shown("manifest.csv")), None, explanation);
    }
    if let Some(found) = files.hash(REPORT)
        && frame.tool.version == VERSION
    {
        let page = files.policy().map(|policy| {
            let hashes = files.hashes_without(&[REPORT, sums::SUMS, sums::SIGNATURE]);
            render(&Page { frame, policy: &policy, digest: &walked.digest, hashes: &hashes })
        });
        if page.is_none_or(|page| sha256_hex(page.as_bytes()) != found) {
            let explanation =
                "does not say what the other files of this half say; `certferry report` makes the true one"
                    .to_owned();
            report.problem(ProblemKind::Manifest, Some(&files.shown(REPORT)), None, explanation);
        }
    }
    report.id = Some(frame.bundle.id.clone());
    report.sequence = frame.bundle.sequence;
    report.previous.clone_from(&frame.bundle.previous);
    report.tool = Some(frame.tool.clone());
    report.evaluated_at = Some(frame.evaluated_at.clone());
    report.unverified = Some(frame.unverified || report.unverified == Some(true));
    report.summary = Some(frame.summary.clone());
    report.targets = Some(frame.targets.clone());
}

/// transfer.json against the payload, and the two files that have known bytes.
fn transfer_half(
    files: &Files,
    head: &Transfer,
    walked: &content::Walked,
    options: &Options<'_>,
    report: &mut Report,
) {
    report.transfer_sums_sha256 = files.hash(sums::SUMS).map(str::to_owned);
    let tally = &walked.tally;
    for (name, said, counted) in [
        ("recipients", head.counts.recipients, tally.payload_lines),
        ("userCertificate values", head.counts.user_certificate, tally.user_certificate),
        ("userSMIMECertificate values", head.counts.user_smime_certificate, tally.user_smime_certificate),
        ("payload files", head.counts.files, walked.payload_files),
    ] {
        if said != counted {
            let explanation = format!("says {said} {name}, the payload has {counted}");
            report.problem(ProblemKind::Totals, Some(&files.shown("transfer.json")), None, explanation);
        }
    }
    if let Some(found) = files.hash(SCRIPT)
        && found != sha256_hex(options.script)
    {
        let made = &head.tool.version;
        let explanation = if made == VERSION {
            "is not the script of this release; `certferry generate script` prints the true one".to_owned()
        } else {
            format!(
                "is not the script of this release ({VERSION}); the bundle was made by {made}: check it with that"
            )
        };
        report.problem(ProblemKind::Script, Some(&files.shown(SCRIPT)), None, explanation);
    }
    if let Some(found) = files.hash(handover::HANDOVER)
        && head.tool.version == VERSION
        && found != sha256_hex(handover::text(head).as_bytes())
    {
        let explanation = "is not the text that belongs to this transfer.json; do not follow it".to_owned();
        report.problem(ProblemKind::Changed, Some(&files.shown(handover::HANDOVER)), None, explanation);
    }
}

/// transfer.json repeats what the manifest says.
fn belong(frame: &Frame, head: &Transfer, shown: &str, report: &mut Report) {
    let bundle = &frame.bundle;
    let tool = |tool: &Tool| format!("{} {}", tool.name, tool.version);
    let text = |value: Option<&str>| value.unwrap_or("null").to_owned();
    let number = |value: Option<u64>| value.map_or_else(|| "null".to_owned(), |value| value.to_string());
    for (name, here, there) in [
        ("id", head.id.clone(), bundle.id.clone()),
        ("validUntil", head.valid_until.clone(), bundle.valid_until.clone()),
        (
            "revocationFreshUntil",
            text(head.revocation_fresh_until.as_deref()),
            text(bundle.revocation_fresh_until.as_deref()),
        ),
        ("sequence", number(head.sequence), number(bundle.sequence)),
        ("previous", text(head.previous.as_deref()), text(bundle.previous.as_deref())),
        ("targets", format!("{:?}", head.targets), format!("{:?}", frame.targets)),
        ("unverified", head.unverified.to_string(), frame.unverified.to_string()),
        ("tool", tool(&head.tool), tool(&frame.tool)),
    ] {
        if here != there {
            let explanation = format!("{name} is {here} here and {there} in the manifest");
            report.problem(ProblemKind::Halves, Some(shown), None, explanation);
        }
    }
}

/// Whether the bundle may still be uploaded at `at`.
fn lifetime(frame: Option<&Frame>, head: Option<&Transfer>, at: Timestamp, report: &mut Report) {
    let fresh = frame
        .and_then(|frame| frame.bundle.revocation_fresh_until.as_deref())
        .or_else(|| head.and_then(|head| head.revocation_fresh_until.as_deref()));
    report.revocation_fresh_until = fresh.map(str::to_owned);
    let until: BTreeSet<&str> =
        [frame.map(|frame| frame.bundle.valid_until.as_str()), head.map(|head| head.valid_until.as_str())]
            .into_iter()
            .flatten()
            .collect();
    for until in until {
        report.valid_until = Some(until.to_owned());
        match until.parse::<Timestamp>() {
            Ok(end) if end < at => {
                let explanation = format!("the bundle was good until {until} and it is {at}: make a new one");
                report.problem(ProblemKind::Expired, None, None, explanation);
            }
            Ok(_) => {}
            Err(error) => {
                let explanation = format!("validUntil is {until:?}, which is no RFC 3339 instant: {error}");
                report.problem(ProblemKind::Manifest, None, None, explanation);
            }
        }
    }
    if let Some(fresh) = fresh
        && fresh.parse::<Timestamp>().map_or(true, |fresh| fresh < at)
    {
        report.note(format!(
            "revocation was known until {fresh}; a certificate may have been revoked since, a new bundle would know"
        ));
    }
    if let Some(frame) = frame
        && frame.evaluated_at.parse::<Timestamp>().is_ok_and(|made| made > at)
    {
        report.note(format!("the bundle was judged at {}, which is later than {at}", frame.evaluated_at));
    }
}
