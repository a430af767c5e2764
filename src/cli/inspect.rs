//! `certferry inspect`: judge certificates and print the result.

use std::io::{self, Write};

use serde::Serialize;

use super::args::{Format, Inspect, Profile};
use super::material::Material;
use super::term::{Term, escape};
use super::{Done, instant, write_stdout};
use crate::bundle::model::{CandidateFinding, Severity, Verdict};
use crate::certificate::address::Address;
use crate::certificate::{Certificate, UnixTime};
use crate::encoding::hex;
use crate::error::Error;
use crate::input::files::open_certificate_file;
use crate::input::recognise::Kind;
use crate::input::walk::{printable, relative, walk};
use crate::limits::CERTIFICATE_FILE_BYTES;
use crate::path::Engine;
use crate::pipeline::source::read_file;
use crate::rules::{self, Finding, address, input as input_rules, path as path_rules, value as value_rules};

/// One certificate, judged; or a file that holds none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(flatten)]
    certificate: Option<About>,
    findings: Vec<CandidateFinding>,
    verdict: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About {
    role: &'static str,
    sha256: String,
    sha1: String,
    subject: String,
    issuer: String,
    serial: String,
    not_before: String,
    not_after: String,
    emails: Vec<String>,
    path: Path,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Path {
    verdict: Verdict,
    chain: Vec<String>,
    policies: Vec<String>,
}

/// What the run needs for every certificate.
struct Judging<'m> {
    at: UnixTime,
    engine: Option<Engine<'m>>,
    hard: bool,
    email: Option<Address>,
    path_alone: bool,
}

/// Inspects.
///
/// # Errors
/// Wrong use, or an output that cannot be written.
pub fn run(args: &Inspect, term: &Term) -> Result<Done, Error> {
    let at = instant(args.judging.at.as_deref())?;
    let material = Material::read(&args.judging)?;
    for (name, finding) in &material.findings {
        term.say(&format!("{} {}: {}", term.yellow("warning:"), escape(name), escape(&finding.message())));
    }
    let email = args.email.as_deref().map(Address::parse).transpose().map_err(|error| {
        Error::usage(format!("--email: {error}"), "write it like --email kim@example.com")
    })?;
    let (engine, crl_findings) =
        super::engine::build(&material, &args.judging, super::engine::options(args, at)?);
    for finding in &crl_findings {
        term.say(&format!("{} {}", term.yellow("warning:"), escape(&finding.message())));
    }
    let engine = (!args.judging.trust.is_empty()).then_some(engine);
    let judging = Judging {
        at,
        engine,
        hard: args.judging.revocation == super::args::Revocation::Hard,
        email,
        path_alone: args.profile == Profile::Rfc5280,
    };
    let (mut opened, mut refused, mut count) = (false, false, 0u64);
    write_stdout(|out| {
        if args.format == Format::Json {
            out.write_all(b"[")?;
        }
        for argument in &args.inputs {
            for found in walk(argument) {
                let lines = match found {
                    Ok(found) => match read_file(&found.path, CERTIFICATE_FILE_BYTES) {
                        Ok(bytes) => {
                            opened = true;
                            judging.file(&printable(found.path.as_os_str()), &bytes)
                        }
                        Err(error) => {
                            vec![Line::unreadable(printable(found.path.as_os_str()), &error.to_string())]
                        }
                    },
                    Err(problem) => {
                        let itself = problem.display() == relative(argument, argument);
                        let at = if itself { argument.clone() } else { argument.join(problem.display()) };
                        vec![Line::unreadable(printable(at.as_os_str()), &problem.what())]
                    }
                };
                for line in lines {
                    // A CA certificate in a file of several is there to help, not to be accepted.
                    let helps = line.certificate.as_ref().is_some_and(|about| about.role == "chain");
                    refused |= line.verdict == "refuse" && !helps;
                    line.print(out, args.format, &mut count, term)?;
                }
            }
        }
        if args.format == Format::Json {
            out.write_all(b"\n]\n")?;
        }
        Ok(())
    })?;
    Ok(match (opened, refused) {
        (false, _) => Done::NoInput,
        (true, true) => Done::Look,
        (true, false) => Done::Good,
    })
}

impl Judging<'_> {
    /// Judges every certificate of a file; the others of the file are intermediates too.
    fn file(&self, source: &str, bytes: &[u8]) -> Vec<Line> {
        let file = open_certificate_file(bytes);
        if !file.kind.holds_certificates() && file.entries.is_empty() && file.secrets.is_empty() {
            let advice = match file.kind {
                Kind::Ldif => "; certferry convert --dry-run -v judges exports",
                _ => "",
            };
            return vec![Line::of_file(
                source.to_owned(),
                &[Finding::new(
                    &input_rules::FILE_UNRECOGNISED,
                    format!("the file is {}{advice}", file.kind),
                    "certificates in PEM, DER or PKCS#7 form",
                )],
            )];
        }
        let mut lines = Vec::new();
        let parsed: Vec<_> = file.entries.iter().map(|entry| Certificate::parse(&entry.der)).collect();
        let all: Vec<&Certificate<'_>> = parsed.iter().filter_map(|parsed| parsed.as_ref().ok()).collect();
        let several = parsed.len() > 1;
        for (result, number) in parsed.iter().zip(1..) {
            let name = if several { format!("{source}#{number}") } else { source.to_owned() };
            lines.push(match result {
                Ok(certificate) => self.certificate(name, certificate, &all, several),
                Err(error) => Line::of_file(
                    name,
                    &[Finding::new(
                        &value_rules::UNREADABLE_VALUE,
                        format!("the certificate cannot be read: {error}"),
                        "a certificate (RFC 5280 section 4.1)",
                    )],
                ),
            });
        }
        let mut findings = Vec::new();
        for (_, kind) in &file.secrets {
            findings.push(Finding::new(
                &value_rules::PRIVATE_KEY,
                format!("the file holds {kind}"),
                "no private key",
            ));
        }
        for (at, problem) in &file.problems {
            let found = format!("{at}: {problem}");
            findings.push(Finding::new(
                &value_rules::UNREADABLE_VALUE,
                found,
                "a certificate (RFC 5280 section 4.1)",
            ));
        }
        if lines.is_empty() && findings.is_empty() {
            findings.push(Finding::new(
                &input_rules::FILE_WITHOUT_CERTIFICATE,
                format!("the file is {} and holds no certificate", file.kind),
                "at least one certificate in PEM, DER or PKCS#7 form",
            ));
        }
        if !findings.is_empty() {
            lines.push(Line::of_file(source.to_owned(), &findings));
        }
        lines
    }

    fn certificate(
        &self,
        source: String,
        certificate: &Certificate<'_>,
        all: &[&Certificate<'_>],
        several: bool,
    ) -> Line {
        let chain = several && certificate.is_ca();
        let mut findings = Vec::new();
        rules::structure::check(certificate, &mut findings);
        rules::readers::check(certificate, &mut findings);
        if !self.path_alone {
            rules::validity::check(certificate, self.at, &mut findings);
            rules::key::check(certificate, &mut findings);
            rules::address::check_form(certificate, &mut findings);
        }
        if !chain && !self.path_alone {
            rules::usage::check(certificate, &mut findings);
            match &self.email {
                Some(wanted) => rules::address::check_one(certificate, wanted, &mut findings),
                None => rules::address::check_any(certificate, &mut findings),
            }
        }
        let mut path = Path { verdict: Verdict::NotChecked, chain: Vec::new(), policies: Vec::new() };
        let mut allowed = true;
        if self.path_alone && self.engine.is_none() {
            let required = "--trust, without which no path can be judged";
            findings.push(Finding::new(
                &rules::run::NO_TRUST_ANCHORS,
                "no trust anchors were given",
                required,
            ));
        }
        if let Some(engine) = &self.engine {
            let others: Vec<Certificate<'_>> = all
                .iter()
                .filter(|other| other.der() != certificate.der())
                .map(|other| (*other).clone())
                .collect();
            let outcome = engine.validate(certificate, &others);
            rules::path::merge(&outcome.findings, self.hard, &mut findings);
            path.verdict = path_rules::verdict(outcome.verdict);
            path.chain = outcome.chain.iter().map(|sha256| hex(sha256)).collect();
            path.policies = super::engine::policies(&outcome);
            allowed = path.verdict == Verdict::Valid;
        }
        // Path processing alone: what else was found is told and decides nothing.
        let accepted = if self.path_alone {
            path.verdict == Verdict::Valid
        } else {
            allowed && !findings.iter().any(Finding::withholds)
        };
        Line {
            source,
            certificate: Some(About {
                role: if chain { "chain" } else { "endEntity" },
                sha256: hex(&certificate.sha256()),
                sha1: hex(&certificate.sha1()),
                subject: certificate.subject().to_string(),
                issuer: certificate.issuer().to_string(),
                serial: certificate.serial_hex(),
                not_before: certificate.not_before().to_string(),
                not_after: certificate.not_after().to_string(),
                emails: address::texts(certificate),
                path,
            }),
            findings: findings.iter().map(Finding::for_manifest).collect(),
            verdict: if accepted { "accept" } else { "refuse" },
        }
    }
}

impl Line {
    fn of_file(source: String, findings: &[Finding]) -> Self {
        Self {
            source,
            certificate: None,
            findings: findings.iter().map(Finding::for_manifest).collect(),
            verdict: "refuse",
        }
    }

    fn unreadable(source: String, why: &str) -> Self {
        let finding = Finding::new(
            &input_rules::FILE_UNREADABLE,
            format!("the file could not be read: {why}"),
            "a file that can be read",
        );
        Self::of_file(source, &[finding])
    }

    fn print(&self, out: &mut dyn Write, format: Format, count: &mut u64, term: &Term) -> io::Result<()> {
        *count += 1;
        match format {
            Format::Text => self.text(out, term),
            Format::Ndjson => {
                serde_json::to_writer(&mut *out, self)?;
                out.write_all(b"\n")
            }
            Format::Json => {
                out.write_all(if *count == 1 { b"\n" } else { b",\n" })?;
                serde_json::to_writer(&mut *out, self)?;
                Ok(())
            }
        }
    }

    fn text(&self, out: &mut dyn Write, term: &Term) -> io::Result<()> {
        let verdict = match self.verdict {
            "accept" => term.stdout_green("accept"),
            _ => term.stdout_red("refuse"),
        };
        writeln!(out, "{verdict}  {}", escape(&self.source))?;
        if let Some(about) = &self.certificate {
            writeln!(out, "  subject   {}", escape(&about.subject))?;
            writeln!(out, "  issuer    {}", escape(&about.issuer))?;
            writeln!(out, "  serial    {}", about.serial)?;
            writeln!(out, "  valid     {} to {}", about.not_before, about.not_after)?;
            let emails =
                if about.emails.is_empty() { "none".to_owned() } else { escape(&about.emails.join(", ")) };
            writeln!(out, "  mail      {emails}")?;
            writeln!(out, "  sha256    {}", about.sha256)?;
            let path = match about.path.verdict {
                Verdict::Valid => format!("valid, {} certificates up to the anchor", about.path.chain.len()),
                Verdict::Invalid => "invalid".to_owned(),
                Verdict::NotVerified => "not verified".to_owned(),
                Verdict::NotChecked => "not checked (no --trust)".to_owned(),
            };
            writeln!(
                out,
                "  path      {path}{}",
                if about.role == "chain" { "; a CA certificate of the chain" } else { "" }
            )?;
        }
        for finding in &self.findings {
            let weight = match finding.severity {
                Severity::Error => "error  ",
                Severity::Warning => "warning",
                Severity::Info => "info   ",
            };
            writeln!(out, "  {weight}   {}: {}", finding.code, escape(&finding.message))?;
        }
        writeln!(out)
    }
}
