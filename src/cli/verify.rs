//! `certferry verify`: is this bundle, or one half of it, whole, unchanged and current?

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use jiff::Timestamp;

use super::args::{Verify, VerifyFormat};
use super::material::Material;
use super::term::{Term, escape, escape_lines};
use super::{Done, copy, instant, write_stdout};
use crate::bundle::SCRIPT_BYTES;
use crate::bundle::verify::journal::{self, Certainty, JournalError, PersonState};
use crate::bundle::verify::{self, Report, Signer, series};
use crate::error::Error;

/// Verifies and prints the report.
///
/// # Errors
/// When the folder cannot be opened or is no bundle.
pub fn run(args: &Verify, term: &Term) -> Result<Done, Error> {
    let at = instant(args.at.as_deref())?;
    let at = Timestamp::from_second(at.0).map_err(|error| {
        Error::usage(format!("--at is out of range: {error}"), "name an instant between the years 0 and 9999")
    })?;
    let signer = signer(args, term)?;
    let options = verify::Options { at, script: SCRIPT_BYTES, signer: signer.as_ref() };
    let mut report = verify::verify(&args.dir, &options).map_err(|error| Error::NoInput {
        message: error.to_string(),
        hint: "name a folder that certferry convert made, or its review/ or transfer/ half".into(),
    })?;
    if let Some(previous) = &args.previous {
        series::compare(previous, &mut report);
    }
    let mut people = None;
    if let Some(path) = &args.journal {
        people = Some(follow(args, path, &mut report)?);
    }
    let (before, after) = match args.format {
        VerifyFormat::Text => {
            (escape_lines(&report.to_text()) + if people.is_some() { "\n" } else { "" }, "")
        }
        VerifyFormat::Json => {
            let text = serde_json::to_string_pretty(&report).map_err(|error| Error::Internal {
                message: format!("the report has no JSON form: {error}"),
            })?;
            match &people {
                // The people are the last key; they wait in a file.
                Some(_) => (text.strip_suffix("null\n}").unwrap_or(&text).to_owned() + "[", "\n  ]\n}\n"),
                None => (text + "\n", ""),
            }
        }
    };
    write_stdout(|out| {
        out.write_all(before.as_bytes())?;
        if let Some(people) = &mut people {
            copy(people, out)?;
        }
        out.write_all(after.as_bytes())
    })?;
    Ok(if report.is_good() { Done::Good } else { Done::NotGood })
}

/// Follows the journal; what is said of people waits in a temporary file.
fn follow(args: &Verify, path: &Path, report: &mut Report) -> Result<File, Error> {
    let mut waiting = BufWriter::new(crate::temporary::file().map_err(Error::spill)?);
    let mut first = true;
    let followed = journal::follow(&args.dir, path, report, |person| {
        if args.format == VerifyFormat::Text {
            return writeln!(waiting, "{}", line(person));
        }
        waiting.write_all(if std::mem::take(&mut first) { b"\n    " } else { b",\n    " })?;
        serde_json::to_writer(&mut waiting, person).map_err(Into::into)
    });
    followed.map_err(|error| match error {
        JournalError::Read(source) => Error::Read { path: path.to_path_buf(), source },
        JournalError::Spill(error) => Error::spill(error),
    })?;
    let mut file = waiting.into_inner().map_err(|error| Error::spill(error.into_error()))?;
    file.seek(SeekFrom::Start(0)).map_err(Error::spill)?;
    Ok(file)
}

/// One person: what became of them, and what they have.
fn line(person: &PersonState) -> String {
    let has: Vec<String> = person
        .has
        .iter()
        .map(|holding| {
            let count = holding.values.as_ref().map_or(0, Vec::len);
            let what = match holding.certainty {
                Certainty::Exact => count.to_string(),
                Certainty::WrittenOrOld => format!("{count}, or what was there before"),
                Certainty::AsBefore => "as before".into(),
            };
            format!("{} {what}", holding.attribute.name())
        })
        .collect();
    let why = match (&person.result, &person.detail) {
        (Some(result), Some(detail)) => format!(" ({result}: {detail})"),
        (Some(result), None) => format!(" ({result})"),
        _ => String::new(),
    };
    let text = format!("{:<14}{}: {}{why}", person.upload.words(), person.address, has.join(", "));
    format!("  {}", escape(&text))
}

/// Whose signature is asked for.
fn signer(args: &Verify, term: &Term) -> Result<Option<Signer>, Error> {
    if let Some(path) = &args.signer {
        let (mut found, _) = Material::only("--signer", std::slice::from_ref(path))?;
        return match (found.pop(), found.len()) {
            (Some(one), 0) => Ok(Some(Signer::Certificate(one))),
            (_, more) => Err(Error::usage(
                format!("--signer {}: there are {} certificates; one was expected", path.display(), more + 1),
                "name a file that holds the signer's own certificate alone, or use --signer-trust for anchors",
            )),
        };
    }
    if args.signer_trust.is_empty() {
        return Ok(None);
    }
    let (anchors, findings) = Material::only("--signer-trust", &args.signer_trust)?;
    for finding in findings {
        term.say(&format!("{} {}", term.yellow("note:"), escape(&finding.found)));
    }
    Ok(Some(Signer::Anchors(anchors)))
}
