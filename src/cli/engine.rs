//! The path engine as the options ask for it.

use super::args::{Inspect, Profile};
use super::material::Material;
use crate::bundle::model::Decision;
use crate::certificate::{Certificate, Oid, UnixTime};
use crate::error::Error;
use crate::path::{Engine, Options, Outcome, PathCode, Revocation};
use crate::policy::InForce;
use crate::rules::{self, Finding, run as run_rules};

/// The options of path processing that `inspect` takes.
///
/// # Errors
/// A usage error for text that is no object identifier.
pub fn options(args: &Inspect, policy: &InForce, at: UnixTime) -> Result<Options, Error> {
    let oid = |option: &str, text: &str| {
        Oid::parse(text).ok_or_else(|| {
            Error::usage(
                format!("{option} {text}: that is no object identifier"),
                "write it dotted, such as 1.3.6.1.5.5.7.3.4",
            )
        })
    };
    let mut options = match args.profile {
        Profile::Smime => smime(policy, at),
        Profile::Rfc5280 => Options::rfc5280(at),
    };
    for policy in &args.initial_policy {
        options.initial_policies.push(oid("--initial-policy", policy)?);
    }
    if let Some(purpose) = &args.require_eku {
        options.required_eku = Some(oid("--require-eku", purpose)?);
    }
    options.explicit_policy = args.require_explicit_policy;
    options.inhibit_policy_mapping = args.inhibit_policy_mapping;
    options.inhibit_any_policy = args.inhibit_any_policy;
    options.max_depth = args.max_depth;
    Ok(options)
}

/// Paths for mail, with the purpose that the policy names.
#[must_use]
pub fn smime(policy: &InForce, at: UnixTime) -> Options {
    Options { required_eku: Some(policy.policy().usage.purpose.clone()), ..Options::smime(at) }
}

/// How revocation counts. Without any CRL a soft run checks no revocation at all: that is one finding of the
/// run, and not one of every certificate. Where the policy withholds what no CRL covers, it is asked for.
#[must_use]
pub fn revocation(policy: &InForce, material: &Material) -> Revocation {
    let withheld = |code: PathCode| {
        rules::find(code.as_str()).and_then(|rule| policy.decision(rule)) == Some(Decision::Withhold)
    };
    match policy.policy().revocation {
        Revocation::Soft if !material.crls_given && !withheld(PathCode::CrlMissing) => Revocation::Off,
        mode => mode,
    }
}

/// Whether nobody gave CRLs, although they would have been used.
#[must_use]
pub fn unasked(policy: &InForce, material: &Material) -> bool {
    policy.policy().revocation == Revocation::Soft && revocation(policy, material) == Revocation::Off
}

/// Builds the engine, and says which CRLs cannot be used.
pub fn build<'m>(material: &'m Material, policy: &InForce, options: Options) -> (Engine<'m>, Vec<Finding>) {
    let parse = |list: &'m [Vec<u8>]| -> Vec<Certificate<'m>> {
        // They were parsed when they were read.
        list.iter().filter_map(|der| Certificate::parse(der).ok()).collect()
    };
    let crls: Vec<&[u8]> = material.crls.iter().map(Vec::as_slice).collect();
    let revocation = revocation(policy, material);
    let options = Options { revocation, ..options };
    let (mut engine, problems) =
        Engine::new(parse(&material.anchors), parse(&material.intermediates), &crls, options);
    if material.crls_given || revocation == Revocation::Soft {
        engine.expect_crls();
    }
    let findings = problems
        .into_iter()
        .map(|(index, problem)| {
            Finding::new(
                &run_rules::CRL_UNUSABLE,
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
