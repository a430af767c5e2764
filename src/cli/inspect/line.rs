//! A judged certificate as it is printed: text, JSON, or one JSON object a line.

use std::io::{self, Write};

use serde::Serialize;

use crate::bundle::model::{CandidateFinding, Severity, Verdict};
use crate::cli::args::Format;
use crate::cli::term::{Term, escape};
use crate::rules::Finding;

/// One certificate, judged; or a file that holds none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// As the contract of the command line names it.
    pub source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(flatten)]
    /// As the contract of the command line names it.
    pub certificate: Option<About>,
    /// As the contract of the command line names it.
    pub findings: Vec<CandidateFinding>,
    /// As the contract of the command line names it.
    pub verdict: &'static str,
}

/// What is known of the certificate.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// As the contract of the command line names it.
    pub role: &'static str,
    /// As the contract of the command line names it.
    pub sha256: String,
    /// As the contract of the command line names it.
    pub sha1: String,
    /// As the contract of the command line names it.
    pub subject: String,
    /// As the contract of the command line names it.
    pub issuer: String,
    /// As the contract of the command line names it.
    pub serial: String,
    /// As the contract of the command line names it.
    pub not_before: String,
    /// As the contract of the command line names it.
    pub not_after: String,
    /// As the contract of the command line names it.
    pub emails: Vec<String>,
    /// As the contract of the command line names it.
    pub path: Path,
}

/// Its path.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Path {
    /// As the contract of the command line names it.
    pub verdict: Verdict,
    /// As the contract of the command line names it.
    pub chain: Vec<String>,
    /// As the contract of the command line names it.
    pub policies: Vec<String>,
}

impl Line {
    /// A file, or part of one, that holds no certificate that can be judged.
    pub fn of_file(source: String, findings: &[Finding]) -> Self {
        Self {
            source,
            certificate: None,
            findings: findings.iter().map(Finding::for_manifest).collect(),
            verdict: "refuse",
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

/// Prints lines and remembers whether any certificate was refused.
pub struct Printer<'o> {
    out: &'o mut dyn Write,
    format: Format,
    term: &'o Term,
    count: u64,
    /// Whether something was not accepted.
    pub refused: bool,
}

impl<'o> Printer<'o> {
    /// Begins the output.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(out: &'o mut dyn Write, format: Format, term: &'o Term) -> io::Result<Self> {
        if format == Format::Json {
            out.write_all(b"[")?;
        }
        Ok(Self { out, format, term, count: 0, refused: false })
    }

    /// Prints a line. A CA certificate beside others is there to help, not to be accepted.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn print(&mut self, line: &Line) -> io::Result<()> {
        let helps = line.certificate.as_ref().is_some_and(|about| about.role == "chain");
        self.refused |= line.verdict == "refuse" && !helps;
        self.count += 1;
        match self.format {
            Format::Text => line.text(self.out, self.term),
            Format::Ndjson => {
                serde_json::to_writer(&mut *self.out, line)?;
                self.out.write_all(b"\n")
            }
            Format::Json => {
                self.out.write_all(if self.count == 1 { b"\n" } else { b",\n" })?;
                serde_json::to_writer(&mut *self.out, line)?;
                Ok(())
            }
        }
    }

    /// Ends the output.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(&mut self) -> io::Result<()> {
        if self.format == Format::Json { self.out.write_all(b"\n]\n") } else { Ok(()) }
    }
}
