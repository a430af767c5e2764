//! Trust material: anchors, intermediates and CRLs from files and folders.

use std::path::{Path, PathBuf};

use super::args::Judging;
use crate::bundle::model::TrustAnchor;
use crate::certificate::Certificate;
use crate::encoding::{hex, sha256};
use crate::error::Error;
use crate::input::files::{CertificateFile, open_certificate_file};
use crate::input::recognise::Kind;
use crate::input::walk::{relative, walk};
use crate::input::whole;
use crate::limits::{CERTIFICATE_FILE_BYTES, CRL_FILE_BYTES};
use crate::rules::{Finding, run as rules};

/// What was given, as bytes; the engine borrows from it.
#[derive(Debug, Default)]
pub struct Material {
    /// Trust anchors, without duplicates, in the order of their hashes.
    pub anchors: Vec<Vec<u8>>,
    /// Certificates to build paths with, likewise.
    pub intermediates: Vec<Vec<u8>>,
    /// CRLs, likewise.
    pub crls: Vec<Vec<u8>>,
    /// Whether `--crl` was given at all.
    pub crls_given: bool,
    /// Certificates of the store under `--keep-trust`, as they stand there.
    pub kept: Vec<Vec<u8>>,
    /// SHA-256 of that file.
    pub kept_sha256: Option<[u8; 32]>,
    /// What was found about the files: the file's name and the finding.
    pub findings: Vec<(String, Finding)>,
}

impl Material {
    /// Reads everything that the options name.
    ///
    /// # Errors
    /// A usage error when an option names nothing that can be used.
    pub fn read(options: &Judging) -> Result<Self, Error> {
        let mut material = Self { crls_given: !options.crl.is_empty(), ..Self::default() };
        for path in &options.trust {
            let found = material.certificates("--trust", path)?;
            material.anchors.extend(found);
        }
        for path in &options.intermediate {
            let found = material.certificates("--intermediate", path)?;
            material.intermediates.extend(found);
        }
        for path in &options.crl {
            material.read_crls(path)?;
        }
        for list in [&mut material.anchors, &mut material.intermediates, &mut material.crls] {
            // The order of files must not decide anything.
            list.sort_by_cached_key(|der| sha256(der));
            list.dedup();
        }
        Ok(material)
    }

    /// The certificates under a path of another option, without duplicates, in the order of their hashes,
    /// and what was found about the files.
    ///
    /// # Errors
    /// A usage error when there is no certificate under it.
    pub fn only(option: &str, paths: &[PathBuf]) -> Result<(Vec<Vec<u8>>, Vec<Finding>), Error> {
        let mut material = Self::default();
        let mut found = Vec::new();
        for path in paths {
            found.extend(material.certificates(option, path)?);
        }
        found.sort_by_cached_key(|der| sha256(der));
        found.dedup();
        Ok((found, material.findings.into_iter().map(|(_, finding)| finding).collect()))
    }

    /// The certificates under a path. Private keys and other files are skipped with a warning; a
    /// certificate that cannot be read is an error finding.
    fn certificates(&mut self, option: &str, path: &Path) -> Result<Vec<Vec<u8>>, Error> {
        let mut found = Vec::new();
        let told = self.findings.len();
        for (name, bytes) in self.files(option, path, CERTIFICATE_FILE_BYTES)? {
            let file = open_certificate_file(&bytes);
            if file.entries.is_empty() && file.secrets.is_empty() {
                self.skipped(option, &name, &format!("it is {} and holds no certificate", file.kind));
            }
            self.take(option, &name, &file, &mut found);
        }
        if found.is_empty() {
            let why = self.findings.get(told..).unwrap_or_default().first();
            let why = why.map(|(_, finding)| format!(": {}", finding.found)).unwrap_or_default();
            return Err(Error::usage(
                format!("{option} {}: there is no certificate{why}", path.display()),
                "name a certificate in PEM, DER, P7B or SST form, or a folder that holds one",
            ));
        }
        Ok(found)
    }

    /// The certificates of an open file.
    fn take(&mut self, option: &str, name: &str, file: &CertificateFile<'_>, found: &mut Vec<Vec<u8>>) {
        for (_, kind) in &file.secrets {
            self.skipped(option, name, &format!("it holds {kind}, which was not read"));
        }
        if file.kind.holds_certificates() {
            for (at, problem) in &file.problems {
                self.broken(option, name, &format!("{at}: {problem}"));
            }
        }
        for entry in &file.entries {
            match Certificate::parse(&entry.der) {
                Ok(certificate) => found.push(certificate.der().to_vec()),
                Err(error) => self.broken(option, name, &error.to_string()),
            }
        }
    }

    /// Reads the store of `--keep-trust`. One that breaks off is a finding: what it lost, the upload
    /// step shows as dropped.
    ///
    /// # Errors
    /// A usage error for anything that is no certificate store.
    pub fn keep(&mut self, path: &Path) -> Result<(), Error> {
        let option = "--keep-trust";
        let wrong = |what: String| {
            Error::usage(
                format!("{option} {}: {what}", path.display()),
                "name a serialised certificate store (SST): the SMIMECertificateIssuingCA of Get-SmimeConfig, or \
                 what Export-Certificate -Type SST writes",
            )
        };
        let whole = whole::read(path, CERTIFICATE_FILE_BYTES)
            .map_err(|error| wrong(format!("it could not be read: {error}")))?;
        let file = open_certificate_file(&whole.bytes);
        if file.kind != Kind::Sst {
            return Err(wrong(format!("it is no certificate store, but {}", file.kind)));
        }
        let name = relative(path, path);
        let mut kept = Vec::new();
        self.take(option, &name, &file, &mut kept);
        self.kept = kept;
        self.kept_sha256 = Some(whole.sha256);
        Ok(())
    }

    fn read_crls(&mut self, path: &Path) -> Result<(), Error> {
        for (name, bytes) in self.files("--crl", path, CRL_FILE_BYTES)? {
            let file = open_certificate_file(&bytes);
            if file.crls.is_empty() {
                let found = format!("{name} under --crl is {} and holds no CRL", file.kind);
                let finding = Finding::new(&rules::CRL_UNUSABLE, found, "a CRL in PEM or DER");
                self.findings.push((name.clone(), finding));
            }
            self.crls.extend(file.crls.into_iter().map(|entry| entry.der.into_owned()));
        }
        Ok(())
    }

    /// Files under a path with their bytes; what cannot be read becomes a finding.
    fn files(&mut self, option: &str, path: &Path, most: u64) -> Result<Vec<(String, Vec<u8>)>, Error> {
        if !path.exists() {
            return Err(Error::usage(
                format!("{option} {}: there is no such file or folder", path.display()),
                "check the path",
            ));
        }
        let mut files = Vec::new();
        for found in walk(path) {
            match found {
                Ok(found) => match whole::read(&found.path, most) {
                    Ok(whole) => files.push((found.display, whole.bytes)),
                    Err(error) => self.skipped(option, &found.display, &error.to_string()),
                },
                Err(problem) => self.skipped(option, problem.display(), &problem.what()),
            }
        }
        Ok(files)
    }

    fn skipped(&mut self, option: &str, name: &str, why: &str) {
        let finding = Finding::new(
            &rules::TRUST_FILE_SKIPPED,
            format!("{name} under {option} was left out: {why}"),
            "only certificates (--trust, --intermediate, --keep-trust) or CRLs (--crl)",
        );
        self.findings.push((name.to_owned(), finding));
    }

    fn broken(&mut self, option: &str, name: &str, why: &str) {
        let finding = Finding::new(
            &rules::TRUST_CERTIFICATE_UNREADABLE,
            format!("{name} under {option} holds a certificate that cannot be read: {why}"),
            "a certificate (RFC 5280 section 4.1)",
        );
        self.findings.push((name.to_owned(), finding));
    }

    /// The anchors as the manifest lists them.
    #[must_use]
    pub fn anchors_listed(&self) -> Vec<TrustAnchor> {
        self.anchors
            .iter()
            .filter_map(|der| {
                let certificate = Certificate::parse(der).ok()?;
                Some(TrustAnchor {
                    sha256: hex(&sha256(der)),
                    subject: certificate.subject().to_string(),
                    serial: certificate.serial_hex(),
                    not_before: certificate.not_before().to_string(),
                    not_after: certificate.not_after().to_string(),
                })
            })
            .collect()
    }
}
