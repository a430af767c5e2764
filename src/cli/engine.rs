//! The path engine as the options ask for it.

use super::args::{self, Judging};
use super::material::Material;
use crate::certificate::{Certificate, Oid, UnixTime};
use crate::path::{Engine, Options, Outcome, Revocation};
use crate::rules::{Finding, run as rules};

/// Builds the engine, and says which CRLs cannot be used. Without any CRL a soft run checks no
/// revocation at all: that is one finding of the run, and not one of every certificate.
pub fn build<'m>(material: &'m Material, options: &Judging, at: UnixTime) -> (Engine<'m>, Vec<Finding>) {
    let parse = |list: &'m [Vec<u8>]| -> Vec<Certificate<'m>> {
        // They were parsed when they were read.
        list.iter().filter_map(|der| Certificate::parse(der).ok()).collect()
    };
    let crls: Vec<&[u8]> = material.crls.iter().map(Vec::as_slice).collect();
    let revocation = match options.revocation {
        args::Revocation::Off => Revocation::Off,
        args::Revocation::Soft if !material.crls_given => Revocation::Off,
        args::Revocation::Soft => Revocation::Soft,
        args::Revocation::Hard => Revocation::Hard,
    };
    let options = Options { revocation, ..Options::smime(at) };
    let (engine, problems) =
        Engine::new(parse(&material.anchors), parse(&material.intermediates), &crls, options);
    let findings = problems
        .into_iter()
        .map(|(index, problem)| {
            Finding::new(
                &rules::CRL_UNUSABLE,
                format!("CRL {} of those under --crl: {problem}", index + 1),
                "a CRL (RFC 5280 section 5)",
            )
        })
        .collect();
    (engine, findings)
}

/// The policies of an outcome in dotted form.
#[must_use]
pub fn policies(outcome: &Outcome) -> Vec<String> {
    outcome.policies.iter().map(|policy| Oid(policy).to_string()).collect()
}
