//! The policy of a run: the file, and the options that go before it.

use std::path::Path;

use super::args::Judging;
use crate::certificate::UnixTime;
use crate::error::Error;
use crate::input::files::utf16_to_utf8;
use crate::input::whole;
use crate::limits::POLICY_FILE_BYTES;
use crate::policy::{InForce, Policy};

/// The policy by option, file and default, in force at an instant.
///
/// # Errors
/// A usage error for a file that cannot be read; [`Error::Policy`] for one that cannot stand.
pub fn in_force(options: &Judging, at: UnixTime) -> Result<InForce, Error> {
    let mut policy = match &options.policy {
        Some(path) => load(path)?,
        None => Policy::default(),
    };
    if let Some(mode) = options.revocation {
        policy.revocation = mode.in_policy();
    }
    Ok(InForce::new(policy, at))
}

/// Reads a policy file: UTF-8 with or without byte order mark, or UTF-16, which Windows PowerShell's `>`
/// writes.
fn load(path: &Path) -> Result<Policy, Error> {
    let wrong = |what: String, hint: &str| Error::usage(format!("--policy {}: {what}", path.display()), hint);
    let whole = whole::read(path, POLICY_FILE_BYTES).map_err(|error| {
        wrong(
            format!("the file could not be read: {error}"),
            "name a TOML file; certferry generate policy prints one to start from",
        )
    })?;
    let wide = utf16_to_utf8(&whole.bytes);
    let bytes = wide.as_deref().unwrap_or(&whole.bytes);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        wrong(format!("line {line} is not UTF-8"), "save the file as UTF-8")
    })?;
    Policy::parse(text).map_err(|problems| Error::Policy { path: path.to_path_buf(), problems })
}
