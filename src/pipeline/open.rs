//! Opening the inputs: what each argument stands for, file by file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::source::{Content, Source, Stream};
use crate::error::Error;
use crate::input::files::CertificateFile;
use crate::input::spool;
use crate::input::walk::{self, walk};
use crate::ldif::detect::Foreign;
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
            let walked = walk(argument);
            for (name, why) in walked.problems {
                opened.unreadable(name, &why);
            }
            for found in walked.files {
                file(&mut opened, &found);
            }
        }
        opened.arguments.resize(opened.sources.len(), number);
        debug_assert!(before <= opened.sources.len());
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
    let spooled = spool::spool(std::io::stdin().lock()).map_err(Error::spill)?;
    opened.any_opened = true;
    match spooled.format {
        Ok(format) => opened.sources.push(Source {
            path: "-".into(),
            kind: "ldif".into(),
            content: Content::Ldif(Stream::spooled(spooled.file, format)),
            bytes: spooled.bytes,
            sha256: spooled.sha256,
        }),
        Err(foreign) => opened.unrecognised("-", spooled.bytes, spooled.sha256, foreign.name()),
    }
    Ok(())
}

fn file(opened: &mut Opened, found: &walk::Found) {
    match try_file(&found.path) {
        Ok(Some((file, format, bytes))) => {
            opened.any_opened = true;
            match Stream::file(file, format) {
                Ok(stream) => opened.sources.push(Source {
                    path: found.name.clone(),
                    kind: "ldif".into(),
                    content: Content::Ldif(stream),
                    bytes,
                    sha256: [0; 32],
                }),
                Err(error) => opened.unreadable(found.name.clone(), &error.to_string()),
            }
        }
        Ok(None) => certificates(opened, found),
        Err(error) => opened.unreadable(found.name.clone(), &error.to_string()),
    }
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
fn certificates(opened: &mut Opened, found: &walk::Found) {
    let bytes = match super::source::read_file(&found.path, CERTIFICATE_FILE_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => return opened.unreadable(found.name.clone(), &error.to_string()),
    };
    opened.any_opened = true;
    let sha256 = crate::encoding::sha256(&bytes);
    let file = CertificateFile::read(&bytes);
    let Some(kind) = file.kind else {
        let what = match detect(&bytes) {
            Detected::Other(Foreign::Csvde(_)) => {
                "a csvde export, which this release does not read (export with ldifde -u)".to_owned()
            }
            Detected::Other(Foreign::Gzip) => {
                "compressed with gzip, which this release does not unpack (gunzip it first)".to_owned()
            }
            _ => file.instead.clone(),
        };
        return opened.unrecognised(&found.name, bytes.len() as u64, sha256, &what);
    };
    if file.certificates.is_empty() && file.secrets.is_empty() && file.unreadable.is_empty() {
        let finding = Finding::new(
            &rules::FILE_WITHOUT_CERTIFICATE,
            format!("{} ({kind}) holds no certificate", found.name),
            "at least one certificate",
        );
        opened.findings.push((found.name.clone(), finding));
    }
    opened.sources.push(Source {
        path: found.name.clone(),
        kind: kind.into(),
        content: Content::Certificates(found.path.clone()),
        bytes: bytes.len() as u64,
        sha256,
    });
}
