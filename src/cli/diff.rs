//! `certferry diff`: what changed between two bundles, on stdout.
//!
//! Totals come first and are known last, so what is said of people waits in a temporary file. All of it is printed:
//! a list that is cut off would be no answer to "who".

mod table;
mod text;

use std::io::{BufWriter, Seek, SeekFrom, Write};

use super::args::{Diff, DiffFormat};
use super::{Done, copy, write_stdout};
use crate::error::Error;
use crate::history::diff::compare;
use crate::history::diff::model::{Head, PersonChange, Totals};

/// Compares and prints.
///
/// # Errors
/// When a bundle was changed or cannot be read, and when the temporary folder fails.
pub fn run(args: &Diff) -> Result<Done, Error> {
    let file = crate::temporary::file().map_err(Error::spill)?;
    let mut waiting = BufWriter::new(file);
    let mut nobody = true;
    let (head, totals) = compare(&args.old, &args.new, |change| {
        let bytes = match args.format {
            DiffFormat::Text => text::person(change).into_bytes(),
            DiffFormat::Json => json_line(change, nobody)?,
            DiffFormat::Csv => table::person(change)?,
        };
        nobody = false;
        waiting.write_all(&bytes).map_err(Error::spill)
    })?;
    let mut waiting = waiting.into_inner().map_err(|error| Error::spill(error.into_error()))?;
    waiting.seek(SeekFrom::Start(0)).map_err(Error::spill)?;
    let (before, after) = match args.format {
        DiffFormat::Text => (text::head(&head, &totals, nobody), String::new()),
        DiffFormat::Json => json_frame(&head, &totals, nobody)?,
        DiffFormat::Csv => (table::head(&head)?, String::new()),
    };
    write_stdout(|out| {
        out.write_all(before.as_bytes())?;
        copy(&mut waiting, out)?;
        out.write_all(after.as_bytes())
    })?;
    Ok(Done::Good)
}

fn no_json(error: &serde_json::Error) -> Error {
    Error::Internal { message: format!("the comparison has no JSON form: {error}") }
}

/// One person as an element of the array, on a line of its own.
fn json_line(change: &PersonChange, first: bool) -> Result<Vec<u8>, Error> {
    let mut line = if first { b"\n".to_vec() } else { b",\n".to_vec() };
    serde_json::to_writer(&mut line, change).map_err(|error| no_json(&error))?;
    Ok(line)
}

/// What stands before and behind the people.
fn json_frame(head: &Head, totals: &Totals, empty: bool) -> Result<(String, String), Error> {
    let line = |name: &str, value: Result<String, serde_json::Error>| {
        value.map(|value| format!("\"{name}\": {value},\n")).map_err(|error| no_json(&error))
    };
    let mut before = String::from("{\n");
    before += &line("schema", serde_json::to_string(&head.schema))?;
    before += &line("old", serde_json::to_string(&head.old))?;
    before += &line("new", serde_json::to_string(&head.new))?;
    before += &line("policy", serde_json::to_string(&head.policy))?;
    before += &line("trustAnchors", serde_json::to_string(&head.trust_anchors))?;
    before += &line("totals", serde_json::to_string(totals))?;
    before += "\"recipients\": [";
    Ok((before, if empty { "]\n}\n".into() } else { "\n]\n}\n".into() }))
}
