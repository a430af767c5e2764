//! For whom an anchor counts, and exceptions: what a policy lets through and what it never does.

use serde_json::Value;

use super::make::{Cert, Key, User, ca_crl, other_ca, world};
use super::policy::{anchor, exception, sha256};
use super::scene::{Entry, Outcome, Scene, text, with_code};

/// The one candidate of a run.
fn candidate(outcome: &Outcome) -> &Value {
    let candidates = outcome.candidates();
    assert_eq!(candidates.len(), 1);
    candidates[0]
}

/// The chain of the one candidate, and whether it is published.
fn chain(outcome: &Outcome) -> (Vec<&str>, bool) {
    let one = candidate(outcome);
    let chain = one["path"]["chain"].as_array().unwrap().iter().map(text).collect();
    (chain, one["decision"] == "publish")
}

struct Partner {
    key: Key,
    root: Vec<u8>,
}

fn partner() -> Partner {
    let key = Key::p256();
    let root = Cert::new("Partner", "Partner", 1).ca(None).ids(&key, &key).sign(&key, &key);
    Partner { key, root }
}

/// The partner's root vouches for one of our own people: published without pairing, withheld with it.
#[test]
fn a_partner_cannot_vouch_for_our_people() {
    let w = world();
    let them = partner();
    let planted = User::kim().but(|user| user.issuer = super::make::name("Partner")).sign_by(&them.key);
    let scene = || Scene::kim(&planted).anchor(&them.root);
    let open = scene().convert();
    assert!(chain(&open).1, "{}", open.told);
    assert!(open.codes().contains(&"anchors-not-paired"));

    let paired = [anchor(&w.root_der, "example.com"), anchor(&them.root, "partner.example")].concat();
    let outcome = scene().policy(&paired).convert();
    let one = candidate(&outcome);
    assert_eq!(one["decision"], "withhold");
    assert_eq!(one["path"]["verdict"], "valid", "the path is what it is");
    assert!(text(&one["reason"]).contains("CN=Partner"), "{one}");
    assert!(text(&one["reason"]).contains("example.com, mailbox"), "{one}");
    assert_eq!(with_code(one, "issuer-not-for-domain").len(), 1);
    assert!(!outcome.codes().contains(&"anchors-not-paired"));

    // Neither the kind nor the domain alone is enough.
    let kinds = |kinds: &str| {
        let entry = format!("{}kinds = {kinds}\n", anchor(&them.root, "example.com"));
        let entry = [anchor(&w.root_der, "example.com"), entry].concat();
        chain(&scene().policy(&entry).convert()).1
    };
    assert!(kinds("[\"mailbox\"]"));
    assert!(!kinds("[\"mailContact\"]"));
    // inspect knows the address and no kind.
    let line = scene().policy(&paired).inspect(&planted);
    assert_eq!(line["verdict"], "refuse", "{line}");
    assert_eq!(with_code(&line, "issuer-not-for-domain").len(), 1);
    let ours = [anchor(&w.root_der, "example.com"), anchor(&them.root, "example.com")].concat();
    assert_eq!(scene().policy(&ours).inspect(&planted)["verdict"], "accept");
}

/// Two roots have certified one CA: the path by the root that counts is taken, whichever comes first.
#[test]
fn another_path_to_an_anchor_that_counts_is_used() {
    let w = world();
    let them = partner();
    let crossed = Cert::new("CA", "Partner", 7).ca(None).ids(&w.ca, &them.key).sign(&w.ca, &them.key);
    let kim = User::kim().sign();
    let scene = || Scene::kim(&kim).anchor(&them.root).issuer(&crossed);
    for (ours, theirs, last) in
        [("example.com", "partner.example", &w.root_der), ("partner.example", "example.com", &them.root)]
    {
        let policy = [anchor(&w.root_der, ours), anchor(&them.root, theirs)].concat();
        let outcome = scene().policy(&policy).convert();
        let (chain, published) = chain(&outcome);
        assert!(published, "{}", candidate(&outcome));
        assert_eq!(chain.last(), Some(&&*sha256(last)));
        let line = scene().policy(&policy).inspect(&kim);
        assert_eq!(line["verdict"], "accept", "{line}");
    }
    let neither = [anchor(&w.root_der, "example.net"), anchor(&them.root, "example.net")].concat();
    assert!(!chain(&scene().policy(&neither).convert()).1);
}

/// An anchor that does not count is an intermediate like others on the way to one that does.
#[test]
fn an_anchor_below_another_one_is_passed_by() {
    let w = world();
    let kim = User::kim().sign();
    let scene = || Scene::kim(&kim).anchor(&w.ca_der);
    let plain = scene().convert();
    assert_eq!(chain(&plain).0.len(), 2, "ends at the CA, which is an anchor");
    let policy = [anchor(&w.root_der, "example.com"), anchor(&w.ca_der, "partner.example")].concat();
    let outcome = scene().policy(&policy).convert();
    let (chain, published) = chain(&outcome);
    assert!(published);
    assert_eq!((chain.len(), chain[2]), (3, &*sha256(&w.root_der)));
}

/// A person's own certificate as an anchor: it counts for whom the policy says, or goes by its issuer.
#[test]
fn a_certificate_that_is_itself_an_anchor() {
    let w = world();
    let kim = User::kim().sign();
    let scene = |policy: &str| Scene::kim(&kim).anchor(&kim).policy(policy).convert();
    let outcome = scene(&anchor(&kim, "example.com"));
    assert_eq!(chain(&outcome), (vec![&*sha256(&kim)], true));
    let outcome = scene(&anchor(&kim, "example.org"));
    assert_eq!((chain(&outcome).0.len(), chain(&outcome).1), (3, true), "by the CA and the root");
    let none = [anchor(&kim, "example.org"), anchor(&w.root_der, "example.org")].concat();
    assert!(!chain(&scene(&none)).1);
}

/// The address that is looked up decides, not another one of the person.
#[test]
fn the_domain_is_that_of_the_address_in_the_cloud() {
    let w = world();
    let entry = Entry::nobody("Kim").line("mail: kim@example.com").cert(User::kim().sign());
    let mapped = |domain: &str| {
        let scene = Scene::of(std::slice::from_ref(&entry))
            .file("map.csv", "source,address\nkim@example.com,kim@example.net\n")
            .args(&["--recipient-map", "map.csv"]);
        chain(&scene.policy(&anchor(&w.root_der, domain)).convert()).1
    };
    assert!(mapped("example.net"));
    assert!(!mapped("example.com"));
}

/// An exception publishes one certificate in spite of the codes that it names, and says so.
#[test]
fn an_exception_is_for_one_certificate_and_named_codes() {
    let kim = User::kim().to(&["min@example.com"]).sign();
    let lee = User::lee().to(&["min@example.com"]).sign();
    let scene = || Scene::of(&[Entry::kim().cert(&kim), Entry::lee().cert(&lee)]);
    let run = |policy: &str| {
        let outcome = scene().policy(policy).convert();
        outcome.candidates().into_iter().cloned().collect::<Vec<Value>>()
    };
    let by_serial = |issuer: &str, serial: &str| {
        let entry = exception(&kim, "no-email-match", "2026-06-01");
        let (head, rest) = (entry.find("sha256").unwrap(), entry.find("codes").unwrap());
        let which = format!("issuer = \"{issuer}\"\nserial = \"{serial}\"\n");
        format!("{}{which}{}", &entry[..head], &entry[rest..])
    };
    for policy in [
        exception(&kim, "no-email-match", "2026-06-01"),
        by_serial("CN=CA", "10:00:01"),
        by_serial("CN=CA", "00100001"),
    ] {
        let found = run(&policy);
        assert_eq!(found[0]["decision"], "publish", "{policy}\n{}", found[0]);
        assert_eq!(found[1]["decision"], "withhold", "another certificate: {}", found[1]);
        let reason = text(&found[0]["reason"]);
        assert!(reason.contains("in spite of no-email-match"), "{reason}");
        let used = with_code(&found[0], "exception-used");
        let message = text(&used[0]["message"]);
        for part in ["Lee accepts no-email-match", "until 2026-06-01", "ordered again"] {
            assert!(message.contains(part), "{message}");
        }
        let accepted = with_code(&found[0], "no-email-match");
        assert_eq!(accepted[0]["severity"], "info");
        assert!(text(&accepted[0]["message"]).ends_with("accepted by Lee until 2026-06-01"));
    }
    for policy in [
        exception(&kim, "no-email-match", "2026-05-31"),
        exception(&kim, "no-email-address", "2026-06-01"),
        by_serial("CN=Another CA", "10:00:01"),
        by_serial("CN=CA", "10:00:02"),
    ] {
        assert_eq!(run(&policy)[0]["decision"], "withhold", "{policy}");
    }
    let line = scene().policy(&exception(&kim, "no-email-match", "2026-06-01")).inspect(&kim);
    assert_eq!(line["verdict"], "accept");
}

/// What is accepted at a certificate does not help against anything else: everything must allow it.
#[test]
fn an_exception_does_not_help_against_the_path() {
    let forged = User::kim().to(&["min@example.com"]).sign_by(&world().stranger);
    let scene = Scene::kim(&forged).policy(&exception(&forged, "no-email-match", "2027-01-01"));
    let outcome = scene.convert();
    assert_eq!(candidate(&outcome)["decision"], "withhold");
    assert_eq!(with_code(candidate(&outcome), "signature-invalid").len(), 1);
    let listed = User::kim().to(&["min@example.com"]).sign();
    let softened = "[codes.no-email-match]\ndecision = \"publish\"";
    let scene = || Scene::kim(&listed).policy(softened);
    assert!(chain(&scene().convert()).1);
    let revoked = scene().crl(&ca_crl(&[1], "270101000000Z")).convert();
    assert!(!chain(&revoked).1);
    assert!(text(&candidate(&revoked)["reason"]).contains("revoked"), "{}", candidate(&revoked));
}

/// Who makes a missing CRL withhold means it, also when no CRL is given at all.
#[test]
fn a_missing_crl_that_withholds_is_asked_for() {
    let scene = || Scene::kim(User::kim().sign()).policy("[codes.crl-missing]\ndecision = \"withhold\"");
    let outcome = scene().convert();
    assert_eq!(candidate(&outcome)["decision"], "withhold");
    assert_eq!(with_code(candidate(&outcome), "crl-missing").len(), 2, "the certificate's and the CA's");
    assert!(!outcome.codes().contains(&"revocation-not-checked"));
    let root = super::make::crl("Root", &world().root, &[], "270101000000Z", &[]);
    let covered = scene().crl(&ca_crl(&[], "270101000000Z")).crl(&root).convert();
    assert!(chain(&covered).1, "{}", candidate(&covered));
    assert!(chain(&scene().args(&["--revocation", "off"]).convert()).1, "an option goes before the file");
}

/// A stricter code counts where the engine finds it too, above the certificate.
#[test]
fn a_code_withholds_wherever_it_comes_up() {
    let kim = User::kim().sign();
    let strange = other_ca(|ca, w| ca.ca(None).ids(&w.ca, &w.stranger));
    let scene = || Scene::kim(&kim).below(&strange);
    assert!(chain(&scene().convert()).1);
    let outcome = scene().policy("[codes.key-identifier-mismatch]\ndecision = \"withhold\"").convert();
    let one = candidate(&outcome);
    assert_eq!(one["decision"], "withhold");
    assert!(text(&one["reason"]).ends_with("the policy withholds it."), "{one}");
}

/// Changed codes that did not come up are told quietly, ended ones loudly, and neither applies.
#[test]
fn entries_without_use_are_told() {
    let gone = User::kim().sign();
    let scene = Scene::kim(User::kim().to(&["min@example.com"]).sign()).policy(
        "[codes]\nrevoked = { severity = \"warning\" }\n\
         no-email-match = { decision = \"publish\", until = 2026-05-31 }\n",
    );
    let missing = Cert::new("Gone", "Gone", 1).sign(&world().lee, &world().lee);
    let scene =
        scene.policy(&anchor(&missing, "example.com")).policy(&exception(&gone, "shared-key", "2027-01-01"));
    let outcome = scene.convert();
    assert_eq!(candidate(&outcome)["decision"], "withhold");
    let told = |code: &str| -> Vec<(&str, &str)> {
        let lines = outcome.findings.iter().filter(|line| line["code"] == code);
        lines.map(|line| (text(&line["severity"]), text(&line["found"]))).collect()
    };
    let unused = told("policy-entry-unused");
    assert_eq!(unused.len(), 3, "{unused:?}");
    assert!(unused[0].1.starts_with("[[anchor]] 1") && unused[0].0 == "warning");
    assert!(unused[1].1.contains("revoked") && unused[1].0 == "info");
    assert!(unused[2].1.starts_with("[[exception]] 1 by Lee for shared-key") && unused[2].0 == "warning");
    let ended = told("policy-entry-ended");
    assert_eq!(ended.len(), 1);
    assert!(ended[0].1.contains("no-email-match") && ended[0].1.contains("2026-05-31"));
}
