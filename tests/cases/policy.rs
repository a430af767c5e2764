//! Codes about the policy of a run, and what it does to certificates.

use certferry::encoding::hex;

use super::check::{Case, case};
use super::make::{Cert, Key, User, world};
use super::scene::{Entry, Scene};

/// The SHA-256 of a certificate as a policy names it.
pub fn sha256(der: &[u8]) -> String {
    hex(&certferry::encoding::sha256(der))
}

/// An `[[anchor]]` entry that counts for a domain.
pub fn anchor(der: &[u8], domain: &str) -> String {
    format!("[[anchor]]\nsha256 = \"{}\"\ndomains = [\"{domain}\"]\n", sha256(der))
}

/// An `[[exception]]` about a certificate.
pub fn exception(der: &[u8], code: &str, until: &str) -> String {
    format!(
        "[[exception]]\nsha256 = \"{}\"\ncodes = [\"{code}\"]\nreason = \"ordered again\"\napprover = \"Lee\"\nuntil = {until}\n",
        sha256(der)
    )
}

pub fn policy() -> Vec<Case> {
    let w = world();
    let kim = User::kim().sign();
    let plain = |policy: &str| Scene::kim(&kim).policy(policy);
    let smime = Scene::of(&[Entry::kim().smime(&kim)]);
    // In May a new certificate began beside the old one.
    let renewed = |from: &str| {
        let old = User::kim().dates("250101000000Z", "270101000000Z").sign();
        let new = User::kim().number(2).dates(from, "280101000000Z").sign();
        Scene::of(&[Entry::kim().cert(&old).cert(&new)]).policy("publish = \"newest\"")
    };
    let ending = User::kim().dates("250601000000Z", "260615000000Z").sign();
    let accepted = |until: &str, code: &str| Scene::kim(&ending).policy(&exception(&ending, code, until));
    let to = |addresses: &[&str]| User::kim().to(addresses).sign();
    let alias = |der: &[u8]| {
        let entry = Entry::kim().line("proxyAddresses: smtp:kimchi@example.com").cert(der);
        let policy = format!("aliases = false\n{}", exception(der, "alias-only", "2026-06-01"));
        Scene::of(&[entry]).policy(&policy)
    };
    let other = Key::p256();
    let partner = Cert::new("Partner", "Partner", 1).ca(None).ids(&other, &other).sign(&other, &other);
    let two = || Scene::kim(&kim).anchor(&partner);
    let both = [anchor(&w.root_der, "example.com"), anchor(&partner, "example.org")].concat();
    vec![
        case("superseded", renewed("260502000000Z"), renewed("260502000001Z")),
        case(
            "issuer-not-for-domain",
            plain(&anchor(&w.root_der, "example.org")),
            plain(&anchor(&w.root_der, "EXAMPLE.com")),
        ),
        case("anchors-not-paired", two().policy(&anchor(&w.root_der, "example.com")), two().policy(&both)),
        // Withheld for its address, but for the exception; the other one needs none.
        case(
            "exception-used",
            alias(&to(&["kimchi@example.com"])),
            alias(&to(&["kimchi@example.com", "kim@example.com"])),
        ),
        case(
            "policy-entry-unused",
            accepted("2026-06-01", "shared-key"),
            accepted("2026-06-01", "expires-soon"),
        ),
        case(
            "policy-entry-ended",
            accepted("2026-05-31", "expires-soon"),
            accepted("2026-06-01", "expires-soon"),
        ),
        case(
            "attribute-not-taken",
            smime.clone().policy("attributes = [\"userCertificate\"]"),
            smime.policy("attributes = [\"userSMIMECertificate\"]"),
        ),
        case(
            "kind-not-taken",
            plain("kinds = [\"mailUser\", \"mailContact\"]"),
            plain("kinds = [\"mailbox\"]"),
        ),
    ]
}
