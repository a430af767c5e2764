//! `inspect` on a directory export: every certificate of every value, as a stream.

use std::io;

use super::Judging;
use super::line::{Line, Printer};
use crate::certificate::Certificate;
use crate::export::Reader;
use crate::extract::{self, Opened};
use crate::input::opening::{self, Export};
use crate::input::recognise::Kind;
use crate::input::spool::{self, SpoolError, Spooled};
use crate::ldif::{Options, Problem, Record, Severity};
use crate::pipeline::record;
use crate::pipeline::second::is_about_certificate;
use crate::rules::{Finding, input as input_rules, value as value_rules};

/// Judges standard input, which is an export. Says whether it could be read.
pub fn standard_input(judging: &Judging<'_>, printer: &mut Printer<'_>) -> io::Result<bool> {
    match spool::spool(&mut io::stdin().lock()).and_then(opening::copied) {
        Ok(Some(export)) => judge(judging, "-", export, printer).map(|()| true),
        Ok(None) => printer.print(&unrecognised(judging, Kind::Text)).map(|()| true),
        Err(SpoolError::Kind(kind)) => printer.print(&unrecognised(judging, kind)).map(|()| true),
        Err(error) => printer.print(&judging.unreadable("-".into(), &error.to_string())).map(|()| false),
    }
}

fn unrecognised(judging: &Judging<'_>, kind: Kind) -> Line {
    let found = format!("standard input is {kind}");
    judging.of_file("-".into(), &[Finding::new(&input_rules::FILE_UNRECOGNISED, found, "LDIF or csvde")])
}

/// Prints what could not be taken over.
fn errors(
    judging: &Judging<'_>,
    name: &str,
    problems: &mut Vec<Problem>,
    printer: &mut Printer<'_>,
) -> io::Result<()> {
    for problem in problems.drain(..) {
        if problem.severity == Severity::Error && !is_about_certificate(&problem) {
            let mut finding = input_rules::of_export(&problem);
            finding.found = format!("line {}: {}", problem.line, finding.found).into();
            printer.print(&judging.of_file(name.to_owned(), &[finding]))?;
        }
    }
    Ok(())
}

/// Judges every certificate of an export. The certificates of one value are intermediates for each
/// other; values of other records are not, since anybody may write his own.
pub fn judge(judging: &Judging<'_>, name: &str, export: Export, printer: &mut Printer<'_>) -> io::Result<()> {
    let (Export::File(input, _) | Export::Copy(Spooled { file: input, .. }, _)) = export;
    let options = Options { wanted: record::wanted(), code_page: judging.code_page, ..Options::default() };
    let mut reader = match Reader::new(input, options) {
        Ok(reader) => reader,
        Err(error) => return printer.print(&judging.unreadable(name.to_owned(), &error.to_string())),
    };
    let (mut record, mut problems, mut number) = (Record::new(), Vec::new(), 0u64);
    let any = loop {
        match reader.next(&mut record, &mut problems) {
            Ok(true) => {}
            Ok(false) => break number > 0,
            Err(error) => {
                printer.print(&judging.unreadable(name.to_owned(), &error.to_string()))?;
                break true;
            }
        }
        let object = record::from_export(&record, 0);
        for beyond in &object.beyond {
            let found = format!("line {}: {}", beyond.place.line, beyond.found());
            let required = "an object of a size that can be held";
            let finding = Finding::new(&value_rules::UNREADABLE_VALUE, found, required);
            printer.print(&judging.of_file(name.to_owned(), &[finding]))?;
        }
        for value in &object.values {
            let opened = extract::open(value, &|_| false);
            let mut findings = opened.findings().to_vec();
            opened.check_statement(&mut findings);
            let (own, others) = match opened {
                Opened::Readable { own, others, .. } => (own, others),
                Opened::Unreadable { rule, found, expected } => {
                    number += 1;
                    let found = format!("line {}: {found}", value.place.line);
                    let finding = Finding::new(rule, found, expected);
                    printer.print(&judging.of_file(format!("{name}#{number}"), &[finding]))?;
                    continue;
                }
            };
            let ders: Vec<&[u8]> = own.iter().chain(&others).map(|der| &**der).collect();
            if ders.is_empty() {
                number += 1;
                printer.print(&judging.of_file(format!("{name}#{number}"), &findings))?;
            }
            let parsed: Vec<_> = ders.iter().map(|der| Certificate::parse(der)).collect();
            let all: Vec<&Certificate<'_>> =
                parsed.iter().filter_map(|parsed| parsed.as_ref().ok()).collect();
            for result in &parsed {
                number += 1;
                let source = format!("{name}#{number}");
                let line = match result {
                    Ok(certificate) => judging.certificate(source, certificate, &all, all.len() > 1),
                    Err(error) => {
                        let found =
                            format!("line {}: the certificate cannot be read: {error}", value.place.line);
                        let expected = "a certificate (RFC 5280 section 4.1)";
                        judging
                            .of_file(source, &[Finding::new(&value_rules::UNREADABLE_VALUE, found, expected)])
                    }
                };
                printer.print(&line)?;
            }
        }
        errors(judging, name, &mut problems, printer)?;
    };
    errors(judging, name, &mut problems, printer)?;
    if any {
        return Ok(());
    }
    let finding = Finding::new(
        &input_rules::FILE_WITHOUT_CERTIFICATE,
        "the export holds no certificate",
        "userCertificate or userSMIMECertificate in the export",
    );
    printer.print(&judging.of_file(name.to_owned(), &[finding]))
}
