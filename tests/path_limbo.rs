//! x509-limbo, run in place: what must be accepted is, what must be refused is refused or told.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::{Duration, Instant};

use certferry::certificate::{Certificate, UnixTime, oid};
use certferry::path::{Engine, Options, Revocation, Verdict};

/// Cases whose verdict is not the expected one, each with the verdict and the reason.
const EXCEPTIONS: &str = include_str!("path_limbo.exceptions");

#[test]
fn limbo() {
    let Some(root) = support::conformance() else { return };
    let root = root.join("limbo");
    let index: serde_json::Value =
        serde_json::from_slice(&std::fs::read(root.join("index.json")).unwrap()).unwrap();
    let mut exceptions = support::exceptions(EXCEPTIONS);
    let mut wrong = Vec::new();
    let mut run = 0;
    for case in index.as_array().unwrap() {
        let (id, class) = (case["id"].as_str().unwrap(), case["class"].as_str().unwrap());
        let dir = root.join(case["dir"].as_str().unwrap());
        let (trusted, untrusted) =
            (support::read(dir.join("trusted.pem")), support::read(dir.join("untrusted.pem")));
        let (crls, leaf) = (support::read(dir.join("crls.pem")), support::read(dir.join("leaf.pem")));
        let purpose = case["extended_key_usage"].as_array().unwrap().first().map(|eku| {
            match eku.as_str().unwrap() {
                "serverAuth" => oid::SERVER_AUTH,
                "clientAuth" => oid::CLIENT_AUTH,
                "emailProtection" => oid::EMAIL_PROTECTION,
                other => panic!("{id}: {other}"),
            }
            .to_vec()
        });
        let options = Options {
            revocation: if crls.is_empty() { Revocation::Soft } else { Revocation::Hard },
            required_eku: purpose,
            max_depth: case["max_chain_depth"].as_u64().map(|n| n as usize),
            ..Options::rfc5280(UnixTime::from_rfc3339(case["validation_time"].as_str().unwrap()).unwrap())
        };
        let started = Instant::now();
        let mut unreadable = 0;
        let mut certificates = |ders: &'_ [Vec<u8>]| -> Vec<Certificate<'static>> {
            let mut parse =
                |der: &Vec<u8>| Certificate::parse(der.clone().leak()).map_err(|_| unreadable += 1);
            ders.iter().filter_map(|der| parse(der).ok()).collect()
        };
        let (trusted, untrusted) = (certificates(&trusted), certificates(&untrusted));
        let leaf = certificates(&leaf).pop();
        let crls: Vec<&[u8]> = crls.iter().map(Vec::as_slice).collect();
        let (engine, problems) = Engine::new(trusted, untrusted, &crls, options);
        let (verdict, told, shown) = match &leaf {
            None => ("unreadable", true, String::new()),
            Some(leaf) => {
                let outcome = engine.validate(leaf, &[]);
                let told = !outcome.findings.is_empty() || !leaf.defects().is_empty();
                let codes =
                    outcome.findings.iter().map(|f| format!("{}@{}: {}", f.code.as_str(), f.depth, f.found));
                let shown = format!("{:?} {:?}", codes.collect::<Vec<_>>(), leaf.defects());
                (outcome.verdict.as_str(), told || unreadable > 0 || !problems.is_empty(), shown)
            }
        };
        assert!(started.elapsed() < Duration::from_secs(20), "{id}: {:?}", started.elapsed());
        run += 1;
        let accepted = verdict == Verdict::Valid.as_str();
        let mut ok = match (case["expected"] == "SUCCESS", class) {
            (true, _) => accepted,
            (false, "core" | "nc" | "dos") => !accepted,
            // Rules for issuers, which section 6.1 does not check: a finding is the right answer.
            (false, _) => !accepted || told,
        };
        if let Some(expected) = exceptions.remove(id) {
            ok = expected == verdict;
        }
        if !ok {
            wrong.push(format!("{class} {id}: expected {}, was {verdict} {shown}", case["expected"]));
        }
    }
    assert!(run >= 157, "{run} cases");
    assert!(exceptions.is_empty(), "exceptions for no case: {exceptions:?}");
    assert!(wrong.is_empty(), "{} of {run} wrong:\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("limbo: {run} cases as expected");
}
