//! `certferry verify`: is this bundle, or one half of it, whole, unchanged and current?
use jiff::Timestamp;

use super::args::{Verify, VerifyFormat};
use super::term::escape_lines;
use super::{Done, instant, write_stdout};
use crate::bundle::{SCRIPT_BYTES, verify};
use crate::error::Error;

/// Verifies and prints the report.
///
/// # Errors
/// When the folder cannot be opened or is no bundle.
pub fn run(args: &Verify) -> Result<Done, Error> {
    let at = instant(args.at.as_deref())?;
    let at = Timestamp::from_second(at.0).map_err(|error| {
        Error::usage(format!("--at is out of range: {error}"), "name an instant between the years 0 and 9999")
    })?;
    let report =
        verify::verify(&args.dir, &verify::Options { at, script: SCRIPT_BYTES }).map_err(|error| {
            Error::NoInput {
                message: error.to_string(),
                hint: "name a folder that certferry convert made, or its review/ or transfer/ half".into(),
            }
        })?;
    let text = match args.format {
        VerifyFormat::Text => escape_lines(&report.to_text()),
        VerifyFormat::Json => match serde_json::to_string_pretty(&report) {
            Ok(text) => text + "\n",
            Err(error) => {
                return Err(Error::Internal { message: format!("the report has no JSON form: {error}") });
            }
        },
    };
    write_stdout(|out| out.write_all(text.as_bytes()))?;
    Ok(if report.is_good() { Done::Good } else { Done::NotGood })
}
