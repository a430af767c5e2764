//! `certferry generate`: files that follow from the program itself.
use clap::CommandFactory;

use super::args::{Cli, Generate, Generated};
use super::{Done, write_stdout};
use crate::bundle::schema;
use crate::error::Error;
use crate::policy::{self, Policy};

/// Prints the generated file, or writes the manual pages.
///
/// # Errors
/// A usage error for an unknown schema; an output error when a page cannot be written.
pub fn run(args: &Generate) -> Result<Done, Error> {
    match &args.what {
        Generated::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "certferry", &mut text);
            write_stdout(|out| out.write_all(&text))?;
        }
        Generated::Man { dir } => {
            clap_mangen::generate_to(Cli::command(), dir).map_err(|error| Error::Output {
                message: format!("the manual pages could not be written into {}: {error}", dir.display()),
                hint: "name an existing folder that you may write to".into(),
            })?;
        }
        Generated::Schema { name } => {
            let text = match name.as_str() {
                "policy" => Some(policy::schema()),
                name => schema::schema(name),
            };
            let Some(text) = text else {
                return Err(Error::usage(
                    format!("there is no schema {name:?}"),
                    format!("the schemas are {} and policy", schema::NAMES.join(", ")),
                ));
            };
            write_stdout(|out| out.write_all(text.as_bytes()))?;
        }
        Generated::Policy => {
            let text = Policy::default().document();
            write_stdout(|out| out.write_all(text.as_bytes()))?;
        }
        Generated::Script => write_stdout(|out| out.write_all(crate::bundle::SCRIPT_BYTES))?,
    }
    Ok(Done::Good)
}
