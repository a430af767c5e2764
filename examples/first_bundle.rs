//! The main job on the fixtures: makes `target/first-bundle` and shows what came out.
//!
//! It runs the same command line that a person would type, prints it, and then shows a few lines of
//! the bundle. `cargo run --release --example first_bundle`

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = root.join("target").join("first-bundle");
    if let Err(error) = fs::create_dir_all(root.join("target")) {
        eprintln!("target could not be made: {error}");
        return ExitCode::from(4);
    }
    let relative = |path: &str| root.join(path).into_os_string();
    let mut line: Vec<OsString> = vec!["certferry".into(), "convert".into()];
    for input in ["ad-ldifde-utf8.ldf", "ad-ldapsearch.ldif", "openldap.ldif", "folder"] {
        line.push(relative(&format!("fixtures/{input}")));
    }
    for (option, path) in [
        ("--map", "fixtures/map.csv"),
        ("--recipient-map", "fixtures/recipient-map.csv"),
        ("--trust", "fixtures/pki/trust"),
        ("--intermediate", "fixtures/pki/intermediate"),
        ("--crl", "fixtures/pki/crl"),
    ] {
        line.push(option.into());
        line.push(relative(path));
    }
    for word in ["--at", "2026-06-01T00:00:00Z", "--force", "-o"] {
        line.push(word.into());
    }
    line.push(out.clone().into_os_string());

    println!("$ {}\n", shown(&line, root));
    // Exit code 1: the fixtures hold values that are unreadable on purpose, so a person must look.
    let code = certferry::cli::run_from(line);
    if code > 1 {
        return ExitCode::from(code);
    }
    println!("\nExit code {code}: some values are unreadable on purpose, and a person must look.");
    head("review/manifest.csv", &out, 6, 150);
    head("transfer/payload/0001.ndjson", &out, 2, 150);
    println!("\n$ certferry verify target/first-bundle --at 2026-06-01T00:00:00Z\n");
    let verify = ["certferry", "verify", "--at", "2026-06-01T00:00:00Z"].map(OsString::from);
    ExitCode::from(certferry::cli::run_from(verify.into_iter().chain([out.into_os_string()])))
}

/// The command line relative to the project, as one would type it.
fn shown(line: &[OsString], root: &Path) -> String {
    let words: Vec<String> = line
        .iter()
        .map(|word| Path::new(word).strip_prefix(root).unwrap_or(Path::new(word)).display().to_string())
        .collect();
    words.join(" ")
}

/// The first lines of a file of the bundle, cut to a width.
fn head(name: &str, bundle: &Path, lines: usize, width: usize) {
    println!("\n{name} begins:");
    let text = fs::read_to_string(bundle.join(name)).unwrap_or_default();
    for line in text.lines().take(lines) {
        println!("  {}", line.chars().take(width).collect::<String>());
    }
}
