//! Temporary files: without a name, for this user alone, gone with the process however it ends.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;

/// Makes one in the folder that TMPDIR names.
///
/// # Errors
/// When that folder cannot be written.
pub fn file() -> io::Result<File> {
    let file = tempfile::tempfile()?;
    // A file without a name gets the mode that the umask gives. Nobody can open it by a path; whoever
    // looks through /proc shall find it closed too.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn it_has_no_name_and_is_for_its_owner_alone() {
        let metadata = file().unwrap().metadata().unwrap();
        assert_eq!((metadata.nlink(), metadata.mode() & 0o777), (0, 0o600));
    }
}
