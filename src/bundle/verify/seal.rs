//! Who signed: SHA256SUMS.p7s of a half, a detached CMS signature over its SHA256SUMS.
//!
//! The hash list travels with the files, so by itself it shows damage and no deceit. A signature over the
//! list, made by the organisation's own tool and key, shows who made it, if the reader says beforehand whose
//! signature it must be: one certificate ([`Signer::Certificate`]), or any below an anchor
//! ([`Signer::Anchors`]). Without that a signature is still checked, and the report says that nobody asked for
//! this signer.
//!
//! What is signed are the bytes that the files were compared with, not the file as it stands a moment later.
//! The signing time is the signer's own claim and is called so. The signer's certificate must be valid at that
//! time; where nothing is claimed, at the instant of the check.

use std::io::Read;

use jiff::Timestamp;

use super::files::Files;
use super::report::{HalfSignature, Signature, SignerReport};
use super::{ProblemKind, Report};
use crate::bundle::sums::{SIGNATURE, SUMS};
use crate::certificate::container::detached::{Defect, Detached, unarmour};
use crate::certificate::{Certificate, UnixTime};
use crate::encoding::hex;
use crate::path::{self, Engine};

/// A larger signature file is not read. One with a chain of five certificates has 10 KiB.
const MAX_SIGNATURE: u64 = 1024 * 1024;

/// Seconds by which a claimed signing time may lie after the instant of the check: clocks differ, and the
/// usual tolerance between machines is five minutes (RFC 4120 section 1.2.3, "clock skew").
const CLOCK_SKEW: i64 = 300;

/// Whose signature a bundle must bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The key of this certificate (DER), and no other.
    Certificate(Vec<u8>),
    /// Any certificate with a path to one of these anchors (DER). The certificates that come with the
    /// signature are the intermediates.
    Anchors(Vec<Vec<u8>>),
}

/// Checks the signature of each half that was looked at.
pub(super) fn check(halves: &[&Files], wanted: Option<&Signer>, at: Timestamp, report: &mut Report) {
    for files in halves {
        let half = one(files, wanted, at, report);
        report.signatures.push(half);
    }
    let state = |wanted: Signature| report.signatures.iter().any(|half| half.state == wanted);
    let worst = [Signature::Bad, Signature::Unsigned, Signature::NotChecked, Signature::NotAsked];
    report.signature = worst.into_iter().find(|one| state(*one)).unwrap_or(Signature::Good);
    if halves.is_empty() {
        report.signature = Signature::Unsigned;
    }
}

fn one(files: &Files, wanted: Option<&Signer>, at: Timestamp, report: &mut Report) -> HalfSignature {
    let shown = files.shown(SIGNATURE);
    let mut half = HalfSignature {
        file: files.shown(SUMS),
        state: Signature::Unsigned,
        signer: None,
        claimed_signing_time: None,
    };
    if !files.signed {
        if wanted.is_some() {
            let explanation = format!(
                "is missing although a signer was asked for: nothing shows who made {}",
                files.shown(SUMS)
            );
            report.problem(ProblemKind::Signature, Some(&shown), None, explanation);
        }
        return half;
    }
    half.state = Signature::Bad;
    let mut bytes = Vec::new();
    let read = files
        .open(SIGNATURE)
        .map(|file| file.and_then(|file| file.take(MAX_SIGNATURE + 1).read_to_end(&mut bytes)));
    match read {
        Some(Ok(length)) if length as u64 <= MAX_SIGNATURE => {}
        Some(Ok(_)) => {
            let explanation = format!("is larger than {MAX_SIGNATURE} bytes");
            report.problem(ProblemKind::Signature, Some(&shown), None, explanation);
            return half;
        }
        Some(Err(error)) => {
            let explanation = format!("could not be read: {error}");
            report.problem(ProblemKind::Signature, Some(&shown), None, explanation);
            return half;
        }
        None => return half, // A link or the like: it is reported already.
    }
    let said = unarmour(&bytes).and_then(|der| statement(&der, &files.sums, wanted, at, &mut half));
    match said {
        Ok(Said { problems, notes }) => {
            if problems.is_empty() && half.state == Signature::Bad {
                half.state = if wanted.is_some() { Signature::Good } else { Signature::NotAsked };
            }
            for problem in problems {
                half.state = Signature::Bad;
                report.problem(ProblemKind::Signature, Some(&shown), None, problem);
            }
            for note in notes {
                report.note(format!("{shown}: {note}"));
            }
        }
        Err(defect) => {
            report.problem(ProblemKind::Signature, Some(&shown), None, format!("proves nothing: {defect}"));
        }
    }
    half
}

#[derive(Default)]
struct Said {
    problems: Vec<String>,
    notes: Vec<String>,
}

/// What the signature says about `sums`.
fn statement(
    der: &[u8],
    sums: &[u8],
    wanted: Option<&Signer>,
    at: Timestamp,
    half: &mut HalfSignature,
) -> Result<Said, Defect> {
    let mut said = Said::default();
    let detached = Detached::read(der)?;
    half.claimed_signing_time = detached.signing_time.map(|time| time.to_string());
    let own: Vec<&Vec<u8>> = detached.certificates.iter().filter(|held| detached.names(held)).collect();
    let inside = own.first().map(|der| der.as_slice());
    let certificate = match wanted {
        Some(Signer::Certificate(asked)) if detached.names(asked) => asked.as_slice(),
        Some(Signer::Certificate(asked)) => {
            half.signer = inside.and_then(signer_report);
            let other = half.signer.as_ref().map_or_else(|| detached.named(), name);
            let asked = signer_report(asked).map(|asked| name(&asked)).unwrap_or_default();
            said.problems.push(format!("is by somebody else: {other}; asked for was {asked}"));
            return Ok(said);
        }
        _ => match inside {
            Some(inside) => inside,
            None if wanted.is_none() => {
                half.state = Signature::NotChecked;
                said.notes.push(format!(
                    "was not checked: the signer's certificate ({}) is not in it; name it with --signer",
                    detached.named()
                ));
                return Ok(said);
            }
            None => {
                said.problems.push(format!(
                    "does not hold the signer's certificate ({}), so its path cannot be checked; sign without \
                     -nocerts, or name the certificate with --signer",
                    detached.named()
                ));
                return Ok(said);
            }
        },
    };
    detached.verify(sums, certificate)?;
    half.signer = signer_report(certificate);
    let Ok(parsed) = Certificate::parse(certificate) else { return Ok(said) };
    let now = UnixTime(at.as_second());
    let when = detached.signing_time.unwrap_or(now);
    if when.0 > now.0.saturating_add(CLOCK_SKEW) {
        said.problems.push(format!("claims to have been made at {when}, which is later than {now}"));
    }
    if when < parsed.not_before() || when > parsed.not_after() {
        let claim = if detached.signing_time.is_some() { ", the signing time that it claims" } else { "" };
        said.problems.push(format!(
            "the signer's certificate was valid from {} to {}, and not at {when}{claim}",
            parsed.not_before(),
            parsed.not_after()
        ));
    } else if now > parsed.not_after() {
        said.notes.push(format!(
            "the signer's certificate has ended since, on {}; that it was used before is the signer's own claim",
            parsed.not_after()
        ));
    }
    if let Some(Signer::Anchors(anchors)) = wanted {
        said.problems.extend(path_problem(&parsed, &detached, anchors, when));
        said.notes.push(
            "whether the signer's certificate was revoked was not checked: verify takes no CRLs".into(),
        );
    }
    Ok(said)
}

/// Why there is no path from the signer to an anchor, if there is none.
fn path_problem<'c>(
    certificate: &Certificate<'c>,
    detached: &'c Detached<'_>,
    anchors: &'c [Vec<u8>],
    when: UnixTime,
) -> Option<String> {
    let parsed = |list: &'c [Vec<u8>]| -> Vec<Certificate<'c>> {
        list.iter().filter_map(|der| Certificate::parse(der).ok()).collect()
    };
    let (anchors, others) = (parsed(anchors), parsed(&detached.certificates));
    let options = path::Options { revocation: path::Revocation::Off, ..path::Options::rfc5280(when) };
    let (engine, _) = Engine::new(anchors, Vec::new(), &[], options);
    let outcome = engine.validate(certificate, &others);
    (outcome.verdict != path::Verdict::Valid).then(|| {
        let findings: Vec<String> = outcome.findings.iter().map(ToString::to_string).collect();
        format!(
            "the signer's certificate has no valid path to an anchor of --signer-trust: {}",
            findings.join("; ")
        )
    })
}

fn signer_report(der: &[u8]) -> Option<SignerReport> {
    let certificate = Certificate::parse(der).ok()?;
    Some(SignerReport {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: certificate.serial_hex(),
        sha256: hex(&certificate.sha256()),
        sha1: hex(&certificate.sha1()),
        not_after: certificate.not_after().to_string(),
    })
}

fn name(signer: &SignerReport) -> String {
    format!("{} (SHA-1 {}, SHA-256 {})", signer.subject, signer.sha1, signer.sha256)
}
