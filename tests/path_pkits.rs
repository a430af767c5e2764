//! NIST PKITS 1.0.1, run in place: 224 tests as 249 cases with their policy inputs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use certferry::certificate::{Certificate, Oid, UnixTime};
use certferry::path::{Engine, Options, Revocation, Verdict};

/// Cases whose verdict is not the expected one, each with the verdict and the reason.
const EXCEPTIONS: &str = include_str!("path_pkits.exceptions");

#[test]
fn pkits() {
    let Some(root) = support::conformance() else { return };
    let root = root.join("pkits");
    let index: serde_json::Value =
        serde_json::from_slice(&std::fs::read(root.join("pkits.json")).unwrap()).unwrap();
    let mut exceptions = support::exceptions(EXCEPTIONS);
    let mut wrong = Vec::new();
    let mut run = 0;
    for case in index["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let list = |key: &str| -> Vec<Vec<u8>> {
            let names = case[key].as_array().into_iter().flatten();
            names.flat_map(|name| support::read(root.join(name.as_str().unwrap()))).collect()
        };
        let one = |key: &str| support::read(root.join(case[key].as_str().unwrap())).remove(0);
        let (anchor, target) = (one("trust_anchor"), one("target"));
        let pool = [list("intermediates"), list("crl_signer_only_certs")].concat();
        let crls = list("crls");
        let inputs = &case["inputs"];
        let flag = |key: &str| inputs[key].as_bool().unwrap();
        let options = Options {
            revocation: Revocation::Hard,
            initial_policies: inputs["initial_policy_set"]
                .as_array()
                .unwrap()
                .iter()
                .map(|oid| Oid::parse(oid.as_str().unwrap()).unwrap())
                .collect(),
            explicit_policy: flag("initial_explicit_policy"),
            inhibit_policy_mapping: flag("initial_policy_mapping_inhibit"),
            inhibit_any_policy: flag("initial_any_policy_inhibit"),
            ..Options::rfc5280(UnixTime::from_rfc3339("2022-05-01T00:00:00Z").unwrap())
        };
        let pool = pool.iter().map(|der| Certificate::parse(der).unwrap()).collect();
        let crls: Vec<&[u8]> = crls.iter().map(Vec::as_slice).collect();
        let (engine, problems) =
            Engine::new(vec![Certificate::parse(&anchor).unwrap()], pool, &crls, options);
        assert!(problems.is_empty(), "{id}: {problems:?}");
        let outcome = engine.validate(&Certificate::parse(&target).unwrap(), &[]);
        run += 1;
        let valid = outcome.verdict == Verdict::Valid;
        let mut ok = valid == (case["expected"] == "valid");
        if let Some(expected) = exceptions.remove(id) {
            ok = outcome.verdict.as_str() == expected;
        }
        let policies: Vec<String> = outcome.policies.iter().map(|p| Oid(p).to_string()).collect();
        if ok && valid && case["policy_set_matters"] == true {
            let expected: Vec<&str> = case["expected_user_constrained_policy_set"]
                .as_array()
                .unwrap()
                .iter()
                .map(|p| p.as_str().unwrap())
                .collect();
            ok = policies == expected;
        }
        if !ok {
            let codes: Vec<String> = outcome
                .findings
                .iter()
                .map(|f| format!("{}@{}: {}", f.code.as_str(), f.depth, f.found))
                .collect();
            wrong.push(format!(
                "{id} {}: expected {} {}, was {:?} {policies:?} {codes:#?}",
                case["title"],
                case["expected"],
                case["expected_user_constrained_policy_set"],
                outcome.verdict
            ));
        }
    }
    assert!(run >= 249, "{run} cases");
    assert!(exceptions.is_empty(), "exceptions for no case: {exceptions:?}");
    assert!(wrong.is_empty(), "{} of {run} wrong:\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("PKITS: {run} cases as expected");
}
