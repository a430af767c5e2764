//! Opening the inputs: what each argument stands for, file by file.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::source::{Content, Source, Stream};
use crate::error::Error;
use crate::input::files::open_certificate_file;
use crate::input::recognise::Kind;
use crate::input::spool::{self, SpoolError};
use crate::input::walk::{FoundFile, relative, walk};
use crate::ldif::{Detected, detect, limits::DETECT};
use crate::limits::CERTIFICATE_FILE_BYTES;
use crate::rules::{Finding, input as rules};

/// The inputs of a run.
#[derive(Debug, Default)]
pub struct Opened {
    /// Every file, in the order of the arguments and, below a folder, of the names.
    pub sources: Vec<Source>,
    /// Index of the argument that each source belongs to.
    pub arguments: Vec<usize>,
    /// What could not be used: the file's name and the finding.
    pub findings: Vec<(String, Finding)>,
    /// Whether anything could be opened at all.
    pub any_opened: bool,
}

/// Opens every argument; `-` is standard input.
///
/// # Errors
/// Only when standard input cannot be spooled. Files that cannot be opened, or are of no kind that is
/// read, become findings.
pub fn open(arguments: &[impl AsRef<Path>]) -> Result<Opened, Error> {
    let mut opened = Opened::default();
    for (argument, number) in arguments.iter().map(AsRef::as_ref).zip(0..) {
        let before = opened.sources.len();
        if argument == Path::new("-") {
            standard_input(&mut opened)?;
        } else {
            let told = opened.findings.len();
            for found in walk(argument) {
                match found {
                    Ok(found) => file(&mut opened, &found),
                    Err(problem) => opened.unreadable(problem.display().to_owned(), &problem.what()),
                }
            }
            if opened.sources.len() == before && opened.findings.len() == told {
                let name = relative(argument, argument);
                let finding = Finding::new(
                    &rules::FILE_WITHOUT_CERTIFICATE,
                    format!("{name} is a folder without any file"),
                    "a folder that holds certificate files or exports",
                );
                opened.findings.push((name, finding));
            }
        }
        opened.arguments.resize(opened.sources.len(), number);
    }
    Ok(opened)
}

impl Opened {
    fn unreadable(&mut self, name: String, why: &str) {
        let finding = Finding::new(
            &rules::FILE_UNREADABLE,
            format!("{name} could not be read: {why}"),
            "a file that can be read",
        );
        self.findings.push((name, finding));
    }

    fn unrecognised(&mut self, name: &str, bytes: u64, sha256: [u8; 32], what: &str) {
        let finding = Finding::new(
            &rules::FILE_UNRECOGNISED,
            format!("{name} is {what}"),
            "LDIF, or certificates in PEM, DER or PKCS#7 form",
        );
        self.findings.push((name.to_owned(), finding));
        self.sources.push(Source {
            path: name.to_owned(),
            kind: "unrecognised".into(),
            content: Content::Nothing,
            bytes,
            sha256,
        });
    }
}

fn standard_input(opened: &mut Opened) -> Result<(), Error> {
    let spooled = match spool::spool(&mut std::io::stdin().lock()) {
        Ok(spooled) => spooled,
        Err(SpoolError::Kind(kind)) => {
            opened.any_opened = true;
            opened.unrecognised("-", 0, [0; 32], &on_standard_input(&unreadable_kind(kind)));
            return Ok(());
        }
        Err(SpoolError::Read(source)) => return Err(Error::Read { path: "-".into(), source }),
        Err(SpoolError::Write(source)) => return Err(Error::spill(source)),
    };
    opened.any_opened = true;
    let mut prefix = vec![0; DETECT];
    let mut filled = 0;
    while let Some(rest) = prefix.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match spooled.file.read_at(rest, filled as u64).map_err(Error::spill)? {
            0 => break,
            count => filled += count,
        }
    }
    match detect(prefix.get(..filled).unwrap_or_default()) {
        Detected::Ldif(format) => opened.sources.push(Source {
            path: "-".into(),
            kind: "ldif".into(),
            content: Content::Ldif(Stream::spooled(spooled.file, format)),
            bytes: spooled.bytes,
            sha256: spooled.sha256,
        }),
        Detected::Other(_) if spooled.bytes == 0 => {
            opened.unrecognised("-", spooled.bytes, spooled.sha256, "empty");
        }
        Detected::Other(foreign) => {
            let what = on_standard_input(foreign.name());
            opened.unrecognised("-", spooled.bytes, spooled.sha256, &what);
        }
    }
    Ok(())
}

fn file(opened: &mut Opened, found: &FoundFile) {
    match try_file(&found.path) {
        Ok(Some((file, format, bytes))) => {
            opened.any_opened = true;
            match Stream::file(file, format) {
                Ok(stream) => opened.sources.push(Source {
                    path: found.display.clone(),
                    kind: "ldif".into(),
                    content: Content::Ldif(stream),
                    bytes,
                    sha256: [0; 32],
                }),
                Err(error) => opened.unreadable(found.display.clone(), &error.to_string()),
            }
        }
        Ok(None) => certificates(opened, found),
        Err(error) => opened.unreadable(found.display.clone(), &error.to_string()),
    }
}

/// What a file is instead, and what to do about it where a later step would help.
fn unreadable_kind(kind: Kind) -> String {
    match kind {
        Kind::Csvde => format!("{kind}, which this release does not read; export with ldifde -u instead"),
        Kind::Gzip => format!("{kind}, which this release does not unpack; unpack it first"),
        other => other.to_string(),
    }
}

/// The same for what came through `-`, which may be in a pipe by mistake.
fn on_standard_input(what: &str) -> String {
    format!("{what}; standard input is read as LDIF only")
}

/// The open file, its format and size, when it is LDIF.
fn try_file(path: &Path) -> std::io::Result<Option<(File, crate::ldif::Format, u64)>> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut prefix = Vec::new();
    file.by_ref().take(DETECT as u64).read_to_end(&mut prefix)?;
    Ok(match detect(&prefix) {
        Detected::Ldif(format) => Some((file, format, bytes)),
        Detected::Other(_) => None,
    })
}

/// A file that is no LDIF: certificates, or nothing that is read.
fn certificates(opened: &mut Opened, found: &FoundFile) {
    let bytes = match super::source::read_file(&found.path, CERTIFICATE_FILE_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => return opened.unreadable(found.display.clone(), &error.to_string()),
    };
    opened.any_opened = true;
    let sha256 = crate::encoding::sha256(&bytes);
    let file = open_certificate_file(&bytes);
    let kind = match file.kind {
        Kind::Certificate => "certificate",
        Kind::Cms => "cms",
        Kind::Pem => "pem",
        Kind::Base64 => "base64",
        Kind::Sst => "sst",
        Kind::Crl => "crl",
        Kind::Secret(_) => "private key",
        other => {
            return opened.unrecognised(&found.display, bytes.len() as u64, sha256, &unreadable_kind(other));
        }
    };
    if file.entries.is_empty() && file.secrets.is_empty() && file.problems.is_empty() {
        let finding = Finding::new(
            &rules::FILE_WITHOUT_CERTIFICATE,
            format!("{} ({}) holds no certificate", found.display, file.kind),
            "at least one certificate",
        );
        opened.findings.push((found.display.clone(), finding));
    }
    opened.sources.push(Source {
        path: found.display.clone(),
        kind: kind.into(),
        content: Content::Certificates(found.path.clone()),
        bytes: bytes.len() as u64,
        sha256,
    });
}
