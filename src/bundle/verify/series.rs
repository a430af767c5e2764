//! The bundle's place in its series: is the one given with `--previous` really before it?
//!
//! A bundle is *superseded* when the other one is after it: it names this one as the bundle before, or its number in
//! the series is higher, or, where no number decides, it was judged later. An older bundle that is not the direct
//! predecessor is no fault: every payload is complete, so bundles may be left out. Bundles of two series (one for
//! partners, one for one's own people) know nothing of each other; then nothing is said but that.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::super::manifest::{self, ReadError};
use super::super::model::Transfer;
use super::super::writer::Half;
use super::super::{REVIEW, TRANSFER};
use super::{MAX_TRANSFER, ProblemKind, Report, unchanged};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// The other bundle, as far as it matters here.
struct Other {
    id: String,
    sequence: Option<u64>,
    previous: Option<String>,
    evaluated_at: Option<String>,
}

/// Compares a bundle that was verified with the one in `dir`, which may be a whole bundle or either half.
pub fn compare(dir: &Path, report: &mut Report) {
    let shown = dir.display().to_string();
    let other = match read(dir) {
        Ok(other) => other,
        Err(why) => {
            let explanation = format!("the bundle given with --previous ({shown}) {why}");
            report.problem(ProblemKind::Series, None, None, explanation);
            return;
        }
    };
    let Some(own) = report.id.clone() else { return };
    let (relation, said) = relation(report, &own, &other);
    report.series = Some(Series {
        id: other.id.clone(),
        sequence: other.sequence,
        evaluated_at: other.evaluated_at.clone(),
        relation,
    });
    match relation {
        Relation::Superseded => report.problem(ProblemKind::Superseded, None, None, said),
        Relation::Same | Relation::Contradictory => report.problem(ProblemKind::Series, None, None, said),
        Relation::Predecessor => {}
        Relation::Earlier | Relation::Unrelated => report.note(said),
    }
}

/// What the other bundle is to this one, and the sentence that says so.
fn relation(report: &Report, own: &str, other: &Other) -> (Relation, String) {
    if other.id == own {
        return (Relation::Same, "the bundle given with --previous is this very bundle".into());
    }
    if other.previous.as_deref() == Some(own) {
        let said = "superseded: the bundle given with --previous was made after this one and names it as the bundle before; upload that one";
        return (Relation::Superseded, said.into());
    }
    if report.previous.as_deref() == Some(other.id.as_str()) {
        let next = other.sequence.unwrap_or_default().saturating_add(1);
        return match report.sequence {
            Some(number) if number != next => (
                Relation::Contradictory,
                format!(
                    "this bundle follows the one given with --previous and has the number {number} instead of {next}"
                ),
            ),
            _ => (Relation::Predecessor, String::new()),
        };
    }
    let instant = |text: Option<&str>| text.and_then(|text| text.parse::<Timestamp>().ok());
    let judged = (instant(report.evaluated_at.as_deref()), instant(other.evaluated_at.as_deref()));
    let later = matches!(judged, (Some(this), Some(that)) if that > this);
    let when = other.evaluated_at.as_deref().unwrap_or("an unknown instant");
    match (report.sequence, other.sequence) {
        (Some(this), Some(that)) if that > this => (
            Relation::Superseded,
            format!(
                "superseded: this bundle is number {this} of its series, the one given with --previous is number {that}; upload that one"
            ),
        ),
        (Some(this), Some(that)) if that < this => (
            Relation::Earlier,
            format!(
                "the bundle given with --previous (number {that}) is older than this one (number {this}), but not the one right before it: {}",
                named(report)
            ),
        ),
        _ if later => (
            Relation::Superseded,
            format!(
                "superseded: the bundle given with --previous was judged later, at {when}; upload that one"
            ),
        ),
        _ => (
            Relation::Unrelated,
            format!(
                "nothing ties this bundle to the one given with --previous, which was judged at {when}: {}",
                named(report)
            ),
        ),
    }
}

/// What this bundle names as the one before.
fn named(report: &Report) -> String {
    match &report.previous {
        Some(previous) => format!("it names {previous}"),
        None => "it names none".into(),
    }
}

/// Reads the other bundle; an `Err` follows "the bundle …".
fn read(dir: &Path) -> Result<Other, String> {
    std::fs::read_dir(dir).map_err(|error| format!("could not be opened: {error}"))?;
    let is = |name: &str| dir.join(name).symlink_metadata().is_ok();
    let (review, transfer) = if is(REVIEW) || is(TRANSFER) {
        let half = |name: &str| Some(dir.join(name)).filter(|_| is(name));
        (half(REVIEW), half(TRANSFER))
    } else if is("manifest.json") {
        (Some(dir.to_path_buf()), None)
    } else if is("transfer.json") {
        (None, Some(dir.to_path_buf()))
    } else {
        return Err("is none: it has neither review/ nor transfer/".into());
    };
    for (half, path) in [(Half::Review, &review), (Half::Transfer, &transfer)] {
        let Some(path) = path else { continue };
        if let Some(problem) = unchanged(half, path, &format!("{}/", half.name())).0.into_iter().next() {
            let file = problem.file.map(|file| format!("{file} ")).unwrap_or_default();
            return Err(format!("was changed after it was made: {file}{}", problem.explanation));
        }
    }
    if let Some(review) = &review {
        let file = File::open(review.join("manifest.json")).map_err(|error| error.to_string())?;
        let frame =
            manifest::read_into(file, &mut |_| Ok(()), &mut |_| Ok(())).map_err(|error| match error {
                ReadError::Io(error) => format!("could not be read: {error}"),
                ReadError::Format { message, .. } => format!("has a manifest that cannot be read: {message}"),
            })?;
        return Ok(Other {
            id: frame.bundle.id,
            sequence: frame.bundle.sequence,
            previous: frame.bundle.previous,
            evaluated_at: Some(frame.evaluated_at),
        });
    }
    let mut bytes = Vec::new();
    let path = transfer.unwrap_or_else(|| dir.to_path_buf()).join("transfer.json");
    File::open(path)
        .and_then(|file| file.take(MAX_TRANSFER).read_to_end(&mut bytes))
        .map_err(|error| format!("could not be read: {error}"))?;
    let head: Transfer = serde_json::from_slice(&bytes)
        .map_err(|error| format!("has a transfer.json that cannot be read: {error}"))?;
    Ok(Other { id: head.id, sequence: head.sequence, previous: head.previous, evaluated_at: None })
}
