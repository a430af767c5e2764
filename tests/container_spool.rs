//! The spool against LDIF that others wrote: the same length and lines, untouched but for private keys.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Read as _;
use std::path::{Path, PathBuf};

use certferry::certificate::container::{WITHHELD_PREFIX, find_secret_text};
use certferry::input::spool::{SpoolError, spool};
use certferry::input::walk::walk;

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("CERTFERRY_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no corpus at {}", folder.display());
    None
}

#[test]
fn real_exports_pass_unchanged_but_for_keys() {
    let Some(folder) = corpus() else { return };
    let (mut files, mut withheld) = (0usize, Vec::new());
    for file in walk(&folder) {
        let file = file.unwrap();
        let input = std::fs::read(&file.path).unwrap();
        let spooled = match spool(&mut &input[..]) {
            Ok(spooled) => spooled,
            Err(SpoolError::Kind(kind)) => {
                eprintln!("{}: {kind}", file.display);
                continue;
            }
            Err(error) => panic!("{}: {error}", file.display),
        };
        let mut output = Vec::new();
        { spooled.file }.read_to_end(&mut output).unwrap();
        files += 1;
        assert_eq!(output.len(), input.len(), "{}", file.display);
        assert_eq!(spooled.bytes, input.len() as u64);
        if spooled.withheld == 0 {
            assert!(output == input, "{} was changed", file.display);
        } else {
            withheld.push((file.display, spooled.withheld));
            let marked = |b: &[u8]| {
                b.windows(4).any(|w| w == b"V0lU")
                    || find_secret_text(b).is_some()
                    || b.windows(WITHHELD_PREFIX.len()).any(|w| w == WITHHELD_PREFIX)
            };
            assert!(marked(&output), "a withheld value leaves its marker");
        }
    }
    eprintln!("{files} files, keys withheld in {withheld:?}");
    assert!(files > 10, "{files} files");
}
