//! Running the built program, and reading what it wrote.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The instant at which everything in fixtures/ is judged.
pub const AT: &str = "2026-06-01T00:00:00Z";

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn fixture(name: &str) -> PathBuf {
    root().join("fixtures").join(name)
}

/// `certferry` with these arguments, nothing on stdin, no terminal.
pub fn certferry<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_certferry"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program can be started")
}

/// The same with these bytes on stdin.
pub fn with_input<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>, bytes: &[u8]) -> Output {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_certferry"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    // A program that refuses early closes its end.
    let _ = child.stdin.take().expect("its stdin is a pipe").write_all(bytes);
    child.wait_with_output().expect("the program ends")
}

/// Writes a file packed with gzip.
pub fn pack(bytes: &[u8], path: &Path) {
    let mut packed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
    std::io::Read::read_to_end(&mut encoder, &mut packed).expect("a slice can be read");
    std::fs::write(path, packed).expect("the file can be written");
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The options of the fixtures' own company.
pub fn trust() -> Vec<String> {
    let path = |name: &str| fixture(name).display().to_string();
    [
        "--trust",
        &path("pki/trust"),
        "--intermediate",
        &path("pki/intermediate"),
        "--crl",
        &path("pki/crl"),
        "--at",
        AT,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Converts fixtures into `out` with the company's trust material and maps.
pub fn convert(inputs: &[&str], out: &Path, more: &[&str]) -> Output {
    let mut arguments = vec!["convert".to_owned()];
    arguments.extend(inputs.iter().map(|name| fixture(name).display().to_string()));
    arguments.extend(trust());
    arguments.extend(["-o".to_owned(), out.display().to_string()]);
    arguments.extend(more.iter().map(|word| (*word).to_owned()));
    certferry(arguments)
}

/// All inputs of the fixtures' company, as its README names them.
pub const COMPANY: &[&str] = &["ad-ldifde-utf8.ldf", "ad-ldapsearch.ldif", "openldap.ldif", "folder"];

/// The maps of the fixtures' company.
pub fn maps() -> Vec<String> {
    vec![
        "--map".into(),
        fixture("map.csv").display().to_string(),
        "--recipient-map".into(),
        fixture("recipient-map.csv").display().to_string(),
    ]
}

pub fn manifest(bundle: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(bundle.join("review/manifest.json")).unwrap()).unwrap()
}

pub fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every file below a folder with its bytes, in a stable order.
pub fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// The folder of outside data that an environment variable names, or its usual place; says why a
/// test is skipped when there is none.
pub fn outside(variable: &str, usual: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable)
        .map_or_else(|| root().join("..").join("shared").join(usual), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {variable} names no folder and there is none at {}", folder.display());
    None
}
