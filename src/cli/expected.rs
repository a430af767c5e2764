//! `--expect-records`: how many records the inputs must hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::bundle::identity::Identity;
use crate::error::Error;
use crate::pipeline::open::Opened;

/// What `--expect-records` says.
#[derive(Debug, Default)]
pub struct Expected {
    /// Records of all inputs together.
    pub total: Option<u64>,
    /// Index of the input among the arguments → the number.
    pub inputs: BTreeMap<usize, u64>,
}

impl Expected {
    /// Reads the options. An input is named as it was given, or by its last component where that is
    /// enough; a name that fits none would never be compared with anything and is wrong use.
    ///
    /// # Errors
    /// A usage error that says what is wrong with an option.
    pub fn read(options: &[String], arguments: &[PathBuf]) -> Result<Self, Error> {
        let mut expected = Self::default();
        for option in options {
            let wrong = |message: String| {
                Error::usage(
                    format!("--expect-records {option}: {message}"),
                    "write --expect-records 1234, or --expect-records users.ldf=1234",
                )
            };
            let (input, number) = match option.rsplit_once('=') {
                Some((input, number)) => (Some(input), number),
                None => (None, option.as_str()),
            };
            let number: u64 = number.trim().parse().map_err(|_| wrong(format!("{number:?} is no number")))?;
            let known = match input {
                Some(input) => {
                    let index = position(Path::new(input), arguments).map_err(wrong)?;
                    expected.inputs.insert(index, number).is_some()
                }
                None => expected.total.replace(number).is_some(),
            };
            if known {
                return Err(wrong("the number was given before".into()));
            }
        }
        Ok(expected)
    }

    /// What it adds to the bundle's identity: never the way to a file.
    pub fn identify(&self, id: &mut Identity) {
        for (input, number) in &self.inputs {
            id.field("expect-records", &format!("{input}={number}"));
        }
        if let Some(number) = self.total {
            id.field("expect-records", &number.to_string());
        }
    }

    /// Whether every record of every argument is counted by some number.
    #[must_use]
    pub fn of_all(&self, arguments: usize) -> bool {
        self.total.is_some() || (0..arguments).all(|argument| self.inputs.contains_key(&argument))
    }

    /// The number for one source, where it is known.
    #[must_use]
    pub fn of(&self, index: usize, opened: &Opened) -> Option<u64> {
        let argument = opened.arguments.get(index)?;
        // A folder's number is about all its files, and not about any one of them.
        let alone = opened.arguments.iter().filter(|other| *other == argument).count() == 1;
        let total = self.total.filter(|_| opened.sources.len() == 1);
        self.inputs.get(argument).copied().filter(|_| alone).or(total)
    }
}

/// Which argument a name means.
fn position(name: &Path, arguments: &[PathBuf]) -> Result<usize, String> {
    if let Some(index) = arguments.iter().position(|argument| argument == name) {
        return Ok(index);
    }
    let same_end =
        |argument: &PathBuf| argument.file_name().is_some() && argument.file_name() == name.file_name();
    let mut fitting = arguments.iter().zip(0..).filter(|(argument, _)| same_end(argument));
    match (fitting.next(), fitting.next()) {
        (Some((_, index)), None) => Ok(index),
        (Some(_), Some(_)) => Err("several inputs have this name; write it as the input was given".into()),
        _ => Err("no input has this name".into()),
    }
}
