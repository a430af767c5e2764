//! `certferry inspect`: judge certificates and print the result.

mod export;
mod line;

use std::io;
use std::path::Path;
use std::rc::Rc;

use super::args::{Inspect, Profile};
use super::material::Material;
use super::term::{Term, escape};
use super::{Done, instant, write_stdout};
use crate::bundle::model::{RecipientKind, Verdict};
use crate::certificate::address::Address;
use crate::certificate::{Certificate, UnixTime};
use crate::encoding::hex;
use crate::error::Error;
use crate::input::files::open_certificate_file;
use crate::input::opening;
use crate::input::walk::{printable, relative, walk};
use crate::input::whole;
use crate::limits::CERTIFICATE_FILE_BYTES;
use crate::path::{Engine, Outcome, Revocation};
use crate::policy::{InForce, Policy, Word};
use crate::rules::{
    self, Finding, address, input as input_rules, path as path_rules, policy as policy_rules,
    value as value_rules,
};
use line::{About, Line, Printer};

/// What the run needs for every certificate.
struct Judging<'m> {
    at: UnixTime,
    engine: Option<Engine<'m>>,
    policy: InForce,
    email: Option<Address>,
    path_alone: bool,
    code_page: Option<&'static encoding_rs::Encoding>,
}

/// Inspects.
///
/// # Errors
/// Wrong use, or an output that cannot be written.
pub fn run(args: &Inspect, term: &Term) -> Result<Done, Error> {
    let at = instant(args.judging.at.as_deref())?;
    let policy = policy(args, at, term)?;
    let material = Material::read(&args.judging)?;
    for (name, finding) in &material.findings {
        term.say(&format!("{} {}: {}", term.yellow("warning:"), escape(name), escape(&finding.message())));
    }
    let email = args.email.as_deref().map(Address::parse).transpose().map_err(|error| {
        Error::usage(format!("--email: {error}"), "write it like --email kim@example.com")
    })?;
    let options = super::engine::options(args, &policy, at)?;
    let (engine, crl_findings) = super::engine::build(&material, &policy, options);
    let of_policy = policy.beginning(&material.anchors_listed());
    // Whom an anchor counts for, nobody asks here unless the policy does.
    let asked = |finding: &&Finding| policy.pairs() || finding.rule != &policy_rules::ANCHORS_NOT_PAIRED;
    for finding in crl_findings.iter().chain(of_policy.iter().filter(asked)) {
        term.say(&format!("{} {}", term.yellow("warning:"), escape(&finding.message())));
    }
    let engine = (!args.judging.trust.is_empty()).then_some(engine);
    let judging = Judging {
        at,
        engine,
        policy,
        email,
        path_alone: args.profile == Profile::Rfc5280,
        code_page: super::encoding::read(&args.reading)?,
    };
    if judging.engine.is_some() && super::engine::unasked(&judging.policy, &material) {
        term.say(&format!("{} no --crl was given, so revocation is not checked", term.yellow("warning:")));
    }
    let (mut opened, mut refused) = (false, false);
    write_stdout(|out| {
        let mut printer = Printer::new(out, args.format, term)?;
        for argument in &args.inputs {
            if argument.as_os_str() == "-" {
                opened |= export::standard_input(&judging, &mut printer)?;
                continue;
            }
            for found in walk(argument) {
                match found {
                    Ok(found) => opened |= judging.path(&found.path, &mut printer)?,
                    Err(problem) => {
                        let itself = problem.display() == relative(argument, argument);
                        let at = if itself { argument.clone() } else { argument.join(problem.display()) };
                        printer.print(&judging.unreadable(printable(at.as_os_str()), &problem.what()))?;
                    }
                }
            }
        }
        refused = printer.refused;
        printer.end()
    })?;
    Ok(match (opened, refused) {
        (false, _) => Done::NoInput,
        (true, true) => Done::Look,
        (true, false) => Done::Good,
    })
}

/// The policy, as far as it applies. With the profile rfc5280 path processing alone decides, and of a policy
/// only the mode of revocation is part of that.
fn policy(args: &Inspect, at: UnixTime, term: &Term) -> Result<InForce, Error> {
    let policy = super::policy::in_force(&args.judging, at)?;
    if args.profile == Profile::Smime {
        return Ok(policy);
    }
    if args.judging.policy.is_some() {
        term.say(&format!(
            "{} with --profile rfc5280 path processing alone decides; of --policy only revocation counts",
            term.yellow("note:")
        ));
    }
    let path_alone = Policy { revocation: policy.policy().revocation, ..Policy::default() };
    Ok(InForce::new(path_alone, at))
}

impl Judging<'_> {
    /// Whether a missing CRL refuses.
    fn hard(&self) -> bool {
        self.policy.policy().revocation == Revocation::Hard
    }

    /// The path; by the anchors that count for an address, where the policy pairs them. The address is that
    /// of --email, else any of the certificate's own; of which kind the recipient is, nobody knows here.
    fn outcome(
        &self,
        engine: &Engine<'_>,
        certificate: &Certificate<'_>,
        others: &[Certificate<'_>],
    ) -> (Rc<Outcome>, Option<Finding>) {
        let outcome = Rc::new(engine.validate(certificate, others));
        let addresses = match &self.email {
            Some(wanted) => vec![wanted.clone()],
            None => address::addresses(certificate),
        };
        let domains: Vec<&str> = addresses.iter().map(Address::domain).collect();
        let of_any_kind = |anchor: &[u8; 32], domain: Option<&str>| {
            RecipientKind::ALL.iter().any(|(kind, _)| self.policy.counts(anchor, domain, Some(*kind)))
        };
        let counts = |anchor: &[u8; 32]| match domains.as_slice() {
            [] => of_any_kind(anchor, None),
            domains => domains.iter().any(|domain| of_any_kind(anchor, Some(domain))),
        };
        let (outcome, outside) = path_rules::paired(outcome, &self.policy, &counts, || {
            engine.validate_under(certificate, others, &counts)
        });
        let whom = if domains.is_empty() { "no address".to_owned() } else { domains.join(", ") };
        (outcome, outside.map(|anchor| path_rules::not_for_domain(engine, &anchor, &self.policy, &whom)))
    }

    /// A file, or part of one, that holds no certificate that can be judged.
    fn of_file(&self, source: String, findings: &[Finding]) -> Line {
        let mut findings = findings.to_vec();
        findings.iter_mut().for_each(|finding| self.policy.settle(finding));
        Line::of_file(source, &findings)
    }

    /// A file that could not be read.
    fn unreadable(&self, source: String, why: &str) -> Line {
        let found = format!("the file could not be read: {why}");
        self.of_file(source, &[Finding::new(&input_rules::FILE_UNREADABLE, found, "a file that can be read")])
    }

    /// Judges a file, whatever it is. Says whether it could be opened.
    fn path(&self, path: &Path, printer: &mut Printer<'_>) -> io::Result<bool> {
        let name = printable(path.as_os_str());
        match opening::open(path) {
            Ok(Some(export)) => return export::judge(self, &name, export, printer).map(|()| true),
            Ok(None) => {}
            Err(error) => return printer.print(&self.unreadable(name, &error.to_string())).map(|()| false),
        }
        match whole::read(path, CERTIFICATE_FILE_BYTES) {
            Ok(whole) => {
                for line in self.file(&name, &whole.bytes) {
                    printer.print(&line)?;
                }
                Ok(true)
            }
            Err(error) => printer.print(&self.unreadable(name, &error.to_string())).map(|()| false),
        }
    }

    /// Judges every certificate of a file; the others of the file are intermediates too.
    fn file(&self, source: &str, bytes: &[u8]) -> Vec<Line> {
        let file = open_certificate_file(bytes);
        if !file.kind.holds_certificates() && file.entries.is_empty() && file.secrets.is_empty() {
            return vec![self.of_file(
                source.to_owned(),
                &[Finding::new(
                    &input_rules::FILE_UNRECOGNISED,
                    format!("the file is {}", file.kind),
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
                Err(error) => self.of_file(
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
            lines.push(self.of_file(source.to_owned(), &findings));
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
        let policy = self.policy.policy();
        let chain = several && certificate.is_ca();
        let mut findings = Vec::new();
        rules::structure::check(certificate, &mut findings);
        rules::readers::check(certificate, &mut findings);
        if !self.path_alone {
            rules::validity::check(certificate, self.at, policy, &mut findings);
            rules::key::check(certificate, &policy.limits, &mut findings);
            rules::address::check_form(certificate, &mut findings);
        }
        if !chain && !self.path_alone {
            rules::usage::check(certificate, &policy.usage, &mut findings);
            match &self.email {
                Some(wanted) => rules::address::check_one(certificate, wanted, &mut findings),
                None => rules::address::check_any(certificate, &mut findings),
            }
        }
        let mut path = line::Path { verdict: Verdict::NotChecked, chain: Vec::new(), policies: Vec::new() };
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
            let (outcome, outside) = match chain {
                // An authority's own certificate is for nobody's address.
                true => (Rc::new(engine.validate(certificate, &others)), None),
                false => self.outcome(engine, certificate, &others),
            };
            rules::path::merge(&outcome.findings, self.hard(), &mut findings);
            findings.extend(outside);
            path.verdict = path_rules::verdict(outcome.verdict);
            path.chain = outcome.chain.iter().map(|sha256| hex(sha256)).collect();
            path.policies = super::engine::policies(&outcome);
            allowed = path.verdict == Verdict::Valid;
        }
        self.policy.settle_candidate(&mut findings, Some(certificate));
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
