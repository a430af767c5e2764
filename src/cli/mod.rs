//! The command line: one verb a file, and the rim where files, clock and terminal are touched.

pub mod args;
pub mod convert;
pub mod diff;
mod encoding;
mod engine;
mod expected;
pub mod explain;
pub mod generate;
pub mod inspect;

mod material;
mod policy;
mod progress;
mod report;
mod signals;
mod summary;
pub mod term;
pub mod verify;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};

use clap::Parser;
use clap::error::{ContextKind, ErrorKind};

use crate::certificate::UnixTime;

use crate::error::{Error, exit};
use args::{Cli, Verb};
use term::Term;

/// How a verb ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Exit code 0.
    Good,
    /// Exit code 1: a person must look.
    Look,
    /// Exit code 3: nothing could be opened.
    NoInput,
    /// Exit code 5: the bundle is not good.
    NotGood,
}

/// Runs the program on the process's arguments and returns its exit code.
#[must_use]
pub fn run() -> u8 {
    run_from(std::env::args_os())
}

/// Runs the program on these arguments (the program's name first) and returns its exit code.
#[must_use]
pub fn run_from(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(error),
    };
    let term = Term::new(&cli.general);
    let done = match &cli.verb {
        Verb::Convert(args) => convert::run(args, &term),
        Verb::Inspect(args) => inspect::run(args, &term),
        Verb::Verify(args) => verify::run(args, &term),
        Verb::Diff(args) => diff::run(args),
        Verb::Report(args) => report::run(args),
        Verb::Explain(args) => explain::run(args),
        Verb::Generate(args) => generate::run(args),
    };
    match done {
        Ok(Done::Good) => exit::DONE,
        Ok(Done::Look) => exit::LOOK,
        Ok(Done::NoInput) => exit::NO_INPUT,
        Ok(Done::NotGood) => exit::NOT_GOOD,
        Err(error) => {
            for (message, hint) in error.told() {
                term.error(&message, &hint);
            }
            error.exit_code()
        }
    }
}

/// What clap refuses, or prints when it was asked for help.
fn refuse(mut error: clap::Error) -> u8 {
    if error.kind() == ErrorKind::UnknownArgument {
        // An option that this release lacks is no value: the advice to write `-- --option` misleads.
        error.remove(ContextKind::Suggested);
    }
    // A closed pipe while help is printed is nobody's error.
    let _ = error.print();
    if error.use_stderr() { exit::USAGE } else { exit::DONE }
}

/// Writes data to stdout. A reader that went away (a closed pipe) ends the output quietly.
fn write_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let stdout = io::stdout();
    let mut out = io::BufWriter::new(stdout.lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output {
            message: format!("standard output could not be written: {error}"),
            hint: "check the disk or the program that reads it".into(),
        }),
        _ => Ok(()),
    }
}

/// Copies a file that waited to the output.
fn copy(from: &mut File, out: &mut dyn Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            // `read` returns at most the buffer's length.
            Ok(count) => out.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The instant of `--at`, or the clock's. This is the only place where the clock is read.
fn instant(at: Option<&str>) -> Result<UnixTime, Error> {
    match at {
        Some(text) => UnixTime::from_rfc3339(text).map_err(|error| {
            Error::usage(
                format!("--at: {text:?} is no instant with a zone ({error})"),
                "write it like --at 2026-06-01T00:00:00Z",
            )
        }),
        None => Ok(UnixTime(jiff::Timestamp::now().as_second())),
    }
}
