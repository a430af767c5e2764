//! Opening the inputs: what each argument stands for, file by file.

use std::io;
use std::path::Path;

use super::first::Counted;
use super::source::{Content, Source, Stream};
use crate::error::Error;
use crate::input::files::open_certificate_file;
use crate::input::gzip::GzipError;
use crate::input::opening::{self, Export};
use crate::input::recognise::Kind;
use crate::input::spool::{self, SpoolError};
use crate::input::walk::{FoundFile, relative, walk};
use crate::input::whole;
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
/// Only when standard input cannot be read, or a temporary copy cannot be written. Files that cannot be
/// opened, or are of no kind that is read, become findings.
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
                    Ok(found) => file(&mut opened, &found)?,
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
    /// Takes over what the first pass has found out.
    pub fn learn(&mut self, counted: &Counted) {
        for (source, count) in self.sources.iter_mut().zip(&counted.sources) {
            source.sha256 = count.sha256.unwrap_or(source.sha256);
            source.bare =
                matches!(source.content, Content::Export(_)) && count.records > 0 && count.values == 0;
        }
        for (source, headers) in &counted.headers {
            if let Some(source) = self.sources.get_mut(*source as usize) {
                source.headers = headers.clone();
            }
        }
        for (source, offset) in &counted.cut {
            if let Some(source) = self.sources.get_mut(*source as usize) {
                source.cut_at = Some(*offset);
            }
        }
    }

    fn unreadable(&mut self, name: String, why: &str) {
        let finding = Finding::new(
            &rules::FILE_UNREADABLE,
            format!("{name} could not be read: {why}"),
            "a file that can be read",
        );
        self.findings.push((name, finding));
    }

    /// A file that the system could not read, or that is damaged gzip.
    fn failed(&mut self, name: String, error: &io::Error) {
        match GzipError::of(error) {
            Some(error) => {
                self.any_opened = true;
                self.findings.push((name.clone(), rules::of_gzip(&name, error)));
            }
            None => self.unreadable(name, &error.to_string()),
        }
    }

    fn unrecognised(&mut self, name: &str, bytes: u64, sha256: [u8; 32], what: &str) {
        let finding = Finding::new(
            &rules::FILE_UNRECOGNISED,
            format!("{name} is {what}"),
            "LDIF, csvde, or certificates in PEM, DER or PKCS#7 form",
        );
        self.findings.push((name.to_owned(), finding));
        self.sources.push(Source::new(name, "unrecognised", Content::Nothing, bytes, sha256));
    }

    /// Takes an export.
    fn export(&mut self, name: &str, export: Export) -> io::Result<()> {
        let (stream, kind, bytes, sha256) = match export {
            Export::File(file, format) => {
                let stream = Stream::file(file, format)?;
                let length = stream.length();
                (stream, word(format.word(), false), length, [0; 32])
            }
            Export::Copy(spooled, format) => {
                let stream = Stream::spooled(spooled.file, spooled.length, format);
                (stream, word(format.word(), spooled.packed), spooled.bytes, spooled.sha256)
            }
        };
        self.any_opened = true;
        self.sources.push(Source::new(name, &kind, Content::Export(stream), bytes, sha256));
        Ok(())
    }
}

/// What an input is, in a word.
fn word(kind: &str, packed: bool) -> String {
    if packed { format!("{kind}+gzip") } else { kind.to_owned() }
}

fn standard_input(opened: &mut Opened) -> Result<(), Error> {
    let spooled = match spool::spool(&mut std::io::stdin().lock()) {
        Ok(spooled) => spooled,
        Err(SpoolError::Kind(kind)) => {
            opened.any_opened = true;
            let what = format!("{kind}; standard input is read as LDIF or csvde only");
            opened.unrecognised("-", 0, [0; 32], if kind == Kind::Empty { "empty" } else { &what });
            return Ok(());
        }
        Err(SpoolError::Read(error)) if GzipError::of(&error).is_some() => {
            opened.failed("-".into(), &error);
            return Ok(());
        }
        Err(SpoolError::Read(source)) => return Err(Error::Read { path: "-".into(), source }),
        Err(SpoolError::Write(source)) => return Err(Error::spill(source)),
    };
    match opening::copied(spooled) {
        Ok(Some(export)) => opened.export("-", export).map_err(Error::spill),
        // Only what is an export is spooled.
        Ok(None) => Err(Error::Internal { message: "standard input is not what it was".into() }),
        Err(SpoolError::Read(source) | SpoolError::Write(source)) => Err(Error::spill(source)),
        Err(SpoolError::Kind(_)) => Ok(()),
    }
}

fn file(opened: &mut Opened, found: &FoundFile) -> Result<(), Error> {
    match opening::open(&found.path) {
        Ok(Some(export)) => {
            if let Err(error) = opened.export(&found.display, export) {
                opened.unreadable(found.display.clone(), &error.to_string());
            }
        }
        Ok(None) => certificates(opened, found),
        Err(SpoolError::Write(error)) => return Err(Error::spill(error)),
        Err(SpoolError::Read(error)) => opened.failed(found.display.clone(), &error),
        Err(SpoolError::Kind(_)) => {}
    }
    Ok(())
}

/// A file that is no export: certificates, or nothing that is read.
fn certificates(opened: &mut Opened, found: &FoundFile) {
    let whole = match whole::read(&found.path, CERTIFICATE_FILE_BYTES) {
        Ok(whole) => whole,
        Err(error) => return opened.failed(found.display.clone(), &error),
    };
    opened.any_opened = true;
    let file = open_certificate_file(&whole.bytes);
    let kind = match file.kind {
        Kind::Certificate => "certificate",
        Kind::Cms => "cms",
        Kind::Pem => "pem",
        Kind::Base64 => "base64",
        Kind::Sst => "sst",
        Kind::Crl => "crl",
        Kind::Secret(_) => "private key",
        other => {
            let packed = if whole.packed { "gzip that holds " } else { "" };
            let what = format!("{packed}{other}");
            return opened.unrecognised(&found.display, whole.size, whole.sha256, &what);
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
    let content = Content::Certificates(found.path.clone());
    let kind = word(kind, whole.packed);
    opened.sources.push(Source::new(&found.display, &kind, content, whole.size, whole.sha256));
}
