//! The policy as it was used.
//!
//! Every run writes the rules it judged by into review/policy.toml, so that an auditor reads them
//! beside the result, and so that its hash is part of the bundle's identity. All values are the
//! defaults of this release; they stand in [`crate::limits`] and in the [`crate::rules`] registry.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bundle::model::{Decision, Severity};
use crate::{limits, rules};

/// The text of policy.toml.
#[derive(Serialize)]
struct Document {
    limits: Limits,
    codes: BTreeMap<&'static str, Code>,
}

#[derive(Serialize)]
struct Limits {
    rsa_bits_refused_below: usize,
    rsa_bits_warned_below: usize,
    warn_days: i64,
    bundle_days: i64,
    days_to_next_run: i64,
    values_per_attribute: usize,
    value_bytes: usize,
}

#[derive(Serialize)]
struct Code {
    severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
}

const HEAD: &str = "\
# The policy that this bundle was judged by: the defaults of the release that made it.
# severity says how much a person should care; decision says what happens to the candidate.
# What a code means: certferry explain CODE

";

/// The policy as TOML, the same bytes for every run of a release.
#[must_use]
pub fn document() -> String {
    let document = Document {
        limits: Limits {
            rsa_bits_refused_below: limits::RSA_BITS_REFUSED,
            rsa_bits_warned_below: limits::RSA_BITS_WARNED,
            warn_days: limits::WARN_DAYS,
            bundle_days: limits::BUNDLE_DAYS,
            days_to_next_run: limits::NEXT_RUN_DAYS,
            values_per_attribute: limits::VALUES_PER_ATTRIBUTE,
            value_bytes: limits::VALUE_BYTES,
        },
        codes: rules::registry()
            .iter()
            .map(|rule| (rule.code, Code { severity: rule.severity, decision: rule.decision }))
            .collect(),
    };
    // Numbers, unit variants and kebab-case keys always have a TOML form.
    let body = toml::to_string(&document).unwrap_or_default();
    format!("{HEAD}{body}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    #[test]
    fn it_names_every_code_and_reads_back() {
        let text = super::document();
        let read: toml::Table = text.parse().unwrap();
        let codes = read["codes"].as_table().unwrap();
        assert_eq!(codes.len(), crate::rules::registry().len());
        assert_eq!(codes["expired"]["decision"].as_str(), Some("withhold"));
        assert_eq!(read["limits"]["values_per_attribute"].as_integer(), Some(15));
    }
}
