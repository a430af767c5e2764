//! `certferry verify`: is this bundle, or one half of it, whole, unchanged and current?
use jiff::Timestamp;

use super::args::{Verify, VerifyFormat};
use super::material::Material;
use super::term::{Term, escape, escape_lines};
use super::{Done, instant, write_stdout};
use crate::bundle::SCRIPT_BYTES;
use crate::bundle::verify::{self, Signer};
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
    let report = verify::verify(&args.dir, &options).map_err(|error| Error::NoInput {
        message: error.to_string(),
        hint: "name a folder that certferry convert made, or its review/ or transfer/ half".into(),
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
