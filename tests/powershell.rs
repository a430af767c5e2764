//! The upload script on a real PowerShell engine, against the strict stand-in of `tests/powershell`.
//!
//! The engine is the program that `CERTFERRY_PWSH` names, or the one beside the project. Without one the tests say so
//! and pass: the script itself needs no PowerShell to be written into a bundle.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The script as a file, as `certferry generate script` prints it. Tests run at the same time and write the same bytes.
fn script() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let part = folder.join(format!("script-{:?}", std::thread::current().id()));
    std::fs::write(&part, certferry::bundle::SCRIPT_BYTES).unwrap();
    let file = folder.join(certferry::bundle::SCRIPT);
    std::fs::rename(part, &file).unwrap();
    file
}

/// The program that runs PowerShell, or `None` after saying why there is none.
fn pwsh() -> Option<PathBuf> {
    let program = match std::env::var_os("CERTFERRY_PWSH") {
        Some(named) => PathBuf::from(named),
        None => root().join("../shared/tools/pwsh/pwsh"),
    };
    if program.is_file() {
        return Some(program);
    }
    eprintln!("skipped: no PowerShell at {}; name one with CERTFERRY_PWSH", program.display());
    None
}

#[test]
fn script_is_ascii_with_unix_line_ends() {
    let bytes = certferry::bundle::SCRIPT_BYTES;
    let odd = bytes.iter().position(|&b| b != b'\n' && !(0x20..0x7f).contains(&b));
    assert_eq!(odd, None, "a byte that is neither printable ASCII nor LF");
    assert_eq!(bytes.last(), Some(&b'\n'));
}

#[test]
fn every_behaviour_against_the_stand_in() {
    let Some(pwsh) = pwsh() else { return };
    let output = Command::new(&pwsh)
        .args(["-NoProfile", "-File"])
        .arg(root().join("tests/powershell/run.ps1"))
        .arg("-Script")
        .arg(script())
        .arg("-Pwsh")
        .arg(&pwsh)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let last = text.trim_end().lines().last().unwrap_or_default();
    let passed: u32 = last
        .strip_suffix(" passed, 0 failed")
        .and_then(|n| n.parse().ok())
        .unwrap_or_else(|| panic!("the closing line is {last:?}"));
    assert!(passed >= 450, "only {passed} cases ran");
    assert!(output.status.success(), "exit code {:?}", output.status);
}

#[test]
fn lint_is_clean_for_windows_powershell_too() {
    let Some(pwsh) = pwsh() else { return };
    let output = Command::new(&pwsh).arg("-Check").arg(script()).arg("-Windows51").output().unwrap();
    // The lint is this engine's own: the original PowerShell has no -Check.
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(64) {
        eprintln!("skipped: this PowerShell has no -Check");
        return;
    }
    assert!(output.status.success(), "{text}");
}
