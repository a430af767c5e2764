//! `certferry report`: report.html of a bundle, made again from its review half.

use super::args::Report;
use super::{Done, write_stdout};
use crate::bundle::report::again;
use crate::error::Error;

/// Makes the report and prints it.
///
/// # Errors
/// When the review half is missing or cannot be read.
pub fn run(args: &Report) -> Result<Done, Error> {
    let page = again::report(&args.dir).map_err(|error| Error::NoInput {
        message: error.to_string(),
        hint: "name a folder that certferry convert made, or its review/ half".into(),
    })?;
    write_stdout(|out| out.write_all(page.as_bytes()))?;
    Ok(Done::Good)
}
