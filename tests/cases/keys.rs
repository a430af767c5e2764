//! No key of the policy without effect: each key of the default is changed, and a run shows it.

use std::collections::BTreeSet;

use certferry::bundle::model::{Decision, Severity};
use certferry::certificate::oid;
use certferry::policy::{Policy, Softening, Word, fixed};
use certferry::rules;
use serde_json::Value;

use super::check::Case;
use super::make::{User, ca_crl, ec_spki, rsa_spki, tlv};
use super::scene::{Entry, Outcome, Scene, text, with_code};
use super::{FAMILIES, texts};

/// A key, another value, a scene, and what must be different in the second run.
type Row = (&'static str, &'static str, Scene, fn(&Outcome, &Outcome) -> bool);

fn published(outcome: &Outcome) -> u64 {
    outcome.manifest["summary"]["published"].as_u64().unwrap()
}

fn says(outcome: &Outcome, code: &str) -> bool {
    outcome.codes().contains(&code)
}

fn less(before: &Outcome, after: &Outcome) -> bool {
    published(after) < published(before)
}

fn coverage<'o>(outcome: &'o Outcome, name: &str) -> &'o Value {
    &outcome.manifest["summary"]["coverage"][name]
}

fn rows() -> Vec<Row> {
    let kim = || Scene::kim(User::kim().sign());
    let rsa = |bits| Scene::kim(User::kim().spki(rsa_spki(bits)).usage(&[3, 2, 5, 0xa0]).sign());
    let ending = |until: &str| Scene::kim(User::kim().dates("250101000000Z", until).sign());
    let renewed = |from: &str| {
        let old = User::kim().dates("250101000000Z", "270101000000Z").sign();
        let new = User::kim().number(2).dates(from, "280101000000Z").sign();
        Scene::of(&[Entry::kim().cert(&old).cert(&new)])
    };
    let newest = || renewed("260502000000Z").policy("publish = \"newest\"");
    let secp256k1 = ec_spki(tlv(6, oid::SECP256K1));
    let without_usage = || Scene::kim(User::kim().without(oid::KEY_USAGE).sign());
    let alias = Entry::kim().line("proxyAddresses: smtp:kimchi@example.com");
    let alias = Scene::of(&[alias.cert(User::kim().to(&["kimchi@example.com"]).sign())]);
    let logon = Scene::kim(User::kim().purposes(&[oid::CLIENT_AUTH]).sign());
    let committed = Scene::kim(User::kim().usage(&[3, 2, 6, 0x40]).sign());
    let big = Scene::kim(User::kim().sign_to(2_000, &[0x2b, 6, 1, 4, 1, 0xff, 0x7f, 1]));
    let two = Scene::of(&[Entry::kim().cert(User::kim().sign()).cert(User::kim().number(2).sign())]);
    vec![
        ("publish", "\"newest\"", renewed("260502000000Z"), less),
        ("min_overlap_days", "31", newest(), |before, after| published(after) > published(before)),
        ("attributes", "[\"userSMIMECertificate\"]", kim(), |_, after| says(after, "attribute-not-taken")),
        ("kinds", "[\"mailContact\"]", kim(), |_, after| says(after, "kind-not-taken")),
        ("aliases", "false", alias, less),
        ("revocation", "\"hard\"", kim(), less),
        // What it allows depends on the bundle before; without one it stands in the policy as used.
        ("max_removals", "3", kim(), |before, after| {
            before.manifest["policy"]["sha256"] != after.manifest["policy"]["sha256"]
                && before.manifest["bundle"]["id"] != after.manifest["bundle"]["id"]
        }),
        ("fail_on", "\"warning\"", ending("260615000000Z"), |before, after| {
            (before.code, after.code) == (0, 1)
        }),
        ("limits.rsa_bits_refused_below", "1536", rsa(1_280), less),
        ("limits.rsa_bits_warned_below", "3072", rsa(2_048), |_, after| says(after, "rsa-key-short")),
        (
            "limits.curves",
            "[\"P-256\", \"secp256k1\"]",
            Scene::kim(User::kim().spki(secp256k1).sign()),
            |before, after| says(before, "curve-unusual") && !says(after, "curve-unusual"),
        ),
        ("limits.max_validity_days", "10000", kim(), |before, after| {
            says(before, "validity-too-long") && !says(after, "validity-too-long")
        }),
        ("limits.warn_days", "10", ending("260615000000Z"), |before, after| {
            says(before, "expires-soon") && !says(after, "expires-soon")
        }),
        ("limits.days_to_next_run", "10", ending("260615000000Z"), |before, after| {
            coverage(before, "lapsesBeforeNextRun") == 1 && coverage(after, "lapsesBeforeNextRun") == 0
        }),
        ("limits.bundle_days", "7", kim(), |_, after| {
            after.manifest["bundle"]["validUntil"] == "2026-06-08T00:00:00Z"
        }),
        ("limits.values_per_attribute", "1", two, less),
        ("limits.value_bytes", "1999", big, |_, after| says(after, "value-too-large")),
        ("usage.purpose", "\"1.3.6.1.5.5.7.3.2\"", logon, |before, after| {
            says(before, "not-for-mail") && published(after) == 1
        }),
        (
            "usage.any_purpose",
            "false",
            Scene::kim(User::kim().purposes(&[oid::ANY_EXTENDED_KEY_USAGE]).sign()),
            less,
        ),
        ("usage.no_purpose", "false", Scene::kim(User::kim().without(oid::EXT_KEY_USAGE).sign()), less),
        ("usage.encrypting", "[\"keyEncipherment\"]", kim(), |before, after| {
            coverage(before, "encryptable") == 1 && coverage(after, "signOnly") == 1
        }),
        ("usage.signing", "[\"contentCommitment\"]", committed, |before, after| {
            published(after) > published(before)
        }),
        ("usage.no_key_usage", "false", without_usage(), less),
        ("usage.needed", "\"encrypting\"", Scene::kim(User::kim().usage(&[3, 2, 7, 0x80]).sign()), less),
    ]
}

/// Every plain key of the file that `generate policy` prints.
fn plain_keys(table: &toml::Table) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (name, value) in table {
        match value.as_table() {
            Some(_) if name == "codes" => {}
            Some(section) => keys.extend(section.keys().map(|key| format!("{name}.{key}"))),
            None => drop(keys.insert(name.clone())),
        }
    }
    keys
}

#[test]
fn every_key_has_an_effect() {
    let printed: toml::Table = Policy::default().document().parse().unwrap();
    let rows = rows();
    let tried: BTreeSet<String> = rows.iter().map(|(key, ..)| (*key).to_owned()).collect();
    assert_eq!(tried, plain_keys(&printed), "a key without a row here");
    for (key, value, scene, changed) in rows {
        let (section, name) = key.split_once('.').map_or(("", key), |(section, name)| (section, name));
        let head = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
        let before = scene.convert();
        let after = scene.policy(&format!("{head}{name} = {value}")).convert();
        assert!(
            changed(&before, &after),
            "{key} = {value} changes nothing that is looked at\n{}\n{}",
            before.told,
            after.told
        );
        assert!(
            after.told.contains(&format!("{key}: {value} (default: ")),
            "{key} is not told as a difference: {}",
            after.told
        );
    }
}

fn all_cases() -> Vec<Case> {
    FAMILIES.iter().flat_map(|family| family()).collect()
}

/// A severity that the rule does not have.
fn other(severity: Severity) -> Severity {
    if severity == Severity::Error { Severity::Info } else { Severity::Error }
}

fn decisions(outcome: &Outcome) -> Vec<&Value> {
    outcome.candidates().into_iter().map(|candidate| &candidate["decision"]).collect()
}

/// The severity of each code can be changed, is told, and changes nothing that is published.
#[test]
fn every_severity_has_an_effect_and_publishes_nothing() {
    for case in all_cases() {
        let rule = rules::find(case.code).unwrap();
        let severity = other(rule.severity);
        let policy =
            format!("[codes.{}]\nseverity = \"{}\"\nreason = \"we said so.\"", rule.code, severity.word());
        let before = case.bad().convert();
        let after = case.bad().policy(&policy).convert();
        let lines: Vec<&Value> = after.findings.iter().filter(|line| line["code"] == rule.code).collect();
        let changed: Vec<&&Value> = lines.iter().filter(|line| line["severity"] == severity.word()).collect();
        assert!(!changed.is_empty(), "{}: {lines:?}", rule.code);
        for line in &changed {
            let message = text(&line["message"]);
            assert!(message.ends_with(": we said so"), "{}: {message}", rule.code);
        }
        assert_eq!(decisions(&before), decisions(&after), "{}", rule.code);
        assert_eq!(before.code, after.code, "{}: {}", rule.code, after.told);
    }
}

/// The same for what the LDIF reader reports, all codes in one run.
#[test]
fn every_severity_of_the_reader_has_an_effect() {
    let mut scene = Scene::kim(User::kim().sign()).file("urls/there", "a").args(&["--url-root", "urls"]);
    let mut policy = String::from("[codes]\n");
    let written = texts::TABLE.iter().map(|(code, bad, _)| (*code, bad.to_vec()));
    let made = texts::made().into_iter().map(|(code, bad, _)| (code, bad));
    let all: Vec<(&str, Vec<u8>)> = written.chain(made).filter(|(code, _)| *code != TOO_LARGE).collect();
    for (code, bad) in &all {
        scene = scene.file(&format!("in/{code}.ldif"), bad);
        let severity = other(rules::find(code).unwrap().severity);
        policy.push_str(&format!("{code} = {{ severity = \"{}\" }}\n", severity.word()));
    }
    let outcome = scene.policy(&policy).convert();
    for (code, _) in all {
        let wanted = other(rules::find(code).unwrap().severity);
        let mut lines = outcome.findings.iter().filter(|line| line["code"] == code);
        assert!(lines.any(|line| line["severity"] == wanted.word()), "{code}");
    }
    assert_eq!(outcome.code, 1, "unreadable records end with 1 however loud they are told");
}

/// It needs a record of many megabytes, and is told as the other problems of the reader are.
const TOO_LARGE: &str = "record-too-large";

/// Codes that `convert` hardly raises, through `inspect`: their severity and decision.
#[test]
fn severities_and_decisions_count_in_inspect() {
    let kim = User::kim().sign();
    let try_one = |code: &str, der: &[u8], more: &[&str]| {
        let rule = rules::find(code).unwrap();
        let severity = other(rule.severity).word();
        let decision = rule.decision.unwrap();
        let line = Scene::kim(der).inspect_with(der, more);
        assert!(!with_code(&line, code).is_empty(), "{line}");
        let policy = format!("[codes.{code}]\nseverity = \"{severity}\"\ndecision = \"withhold\"");
        let strict = Scene::kim(der).policy(&policy).inspect_with(der, more);
        assert_eq!(with_code(&strict, code)[0]["severity"], severity, "{strict}");
        assert_eq!(strict["verdict"], "refuse", "{strict}");
        if decision == Decision::Publish {
            assert!(text(&with_code(&strict, code)[0]["message"]).contains("the policy"), "{strict}");
        }
    };
    for (code, user) in super::certificates::read_twice() {
        try_one(code, &user.sign(), &[]);
    }
    try_one("max-depth-exceeded", &kim, &["--max-depth", "0"]);
    let scene = || Scene::kim(&kim).crl(&ca_crl(&[], "260531235959Z"));
    assert_eq!(scene().inspect(&kim)["verdict"], "accept");
    let line = scene().policy("[codes.crl-stale]\ndecision = \"withhold\"").inspect(&kim);
    assert_eq!(line["verdict"], "refuse", "{line}");
}

/// Every code of the printed default is tried in one of the tests above.
#[test]
fn no_code_is_left_out() {
    let printed: toml::Table = Policy::default().document().parse().unwrap();
    let printed: BTreeSet<&str> = printed["codes"].as_table().unwrap().keys().map(String::as_str).collect();
    let cases = all_cases();
    let mut tried: BTreeSet<&str> = cases.iter().map(|case| case.code).collect();
    tried.extend(texts::TABLE.iter().map(|(code, ..)| *code));
    tried.extend(texts::MADE);
    tried.extend(["readers-disagree", "second-reader-refuses", "max-depth-exceeded"]);
    assert_eq!(tried, printed);
}

/// The decision of each code can be made stricter, and softer where nothing speaks against it; else the
/// file is refused with the reason.
#[test]
fn every_decision_has_an_effect_or_is_refused() {
    let set =
        |rule: &rules::Rule, decision: &str| format!("[codes.{}]\ndecision = \"{decision}\"", rule.code);
    for case in all_cases() {
        let rule = rules::find(case.code).unwrap();
        let at = |outcome: &Outcome| -> Vec<String> {
            let candidates = outcome.candidates();
            let with = candidates.iter().filter(|candidate| !with_code(candidate, rule.code).is_empty());
            with.map(|candidate| text(&candidate["decision"]).to_owned()).collect()
        };
        match (rule.decision, fixed(rule.code)) {
            (Some(Decision::Publish), _) => {
                let outcome = case.bad().policy(&set(rule, "withhold")).convert();
                let decisions = at(&outcome);
                assert!(!decisions.is_empty(), "{}", rule.code);
                assert!(decisions.iter().all(|decision| decision == "withhold"), "{}", rule.code);
                let lines = outcome.findings.iter().filter(|line| line["code"] == rule.code);
                assert!(
                    lines.clone().count() > 0 && lines.clone().all(|line| line["decision"] == "withhold")
                );
            }
            (Some(Decision::Withhold), None) => {
                let outcome = case.bad().policy(&set(rule, "publish")).convert();
                let candidates = outcome.candidates();
                let candidate =
                    candidates.iter().find(|candidate| !with_code(candidate, rule.code).is_empty()).unwrap();
                assert_eq!(candidate["decision"], "publish", "{}: {candidate}", rule.code);
                assert!(text(&candidate["reason"]).contains(&format!("in spite of {}", rule.code)));
            }
            (default, fixed) => {
                let (code, told) = case.bad().policy(&set(rule, "publish")).try_convert().err().unwrap();
                assert_eq!(code, 2, "{}: {told}", rule.code);
                let flat = told.replace('\n', " ");
                assert!(flat.contains("policy.toml, line "), "{told}");
                match fixed {
                    Some(fixed) => assert!(flat.contains(fixed.reason), "{}: {told}", rule.code),
                    None => assert!(default.is_none() && flat.contains("decides about no certificate")),
                }
                if fixed.is_some_and(|fixed| fixed.softening == Softening::ByException) {
                    assert!(flat.contains("[[exception]]"), "{told}");
                }
            }
        }
    }
}
