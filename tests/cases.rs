//! Every code of the registry has a case that must raise it and a near miss, the smallest change that
//! takes the finding away, that must not. Each goes through a public door: the program, or the library's
//! reader and path engine. Keys are made at run time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "cases/anchors.rs"]
mod anchors;
#[path = "cases/certificates.rs"]
mod certificates;
#[path = "cases/check.rs"]
mod check;
#[path = "cases/history.rs"]
mod history;
#[path = "cases/keys.rs"]
mod keys;
#[path = "cases/make.rs"]
mod make;
#[path = "cases/objects.rs"]
mod objects;
#[path = "cases/paths.rs"]
mod paths;
#[path = "support/pki.rs"]
mod pki;
#[path = "cases/policy.rs"]
mod policy;
mod program;
#[path = "cases/scene.rs"]
mod scene;
#[path = "cases/texts.rs"]
mod texts;

use check::Case;

/// Codes without a case pair of the usual kind, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("readers-disagree", "mostly withheld before: `certificates::readers_through_inspect` has both sides"),
    (
        "second-reader-refuses",
        "mostly withheld before: `certificates::readers_through_inspect` has both sides",
    ),
    ("not-ldif", "refuses an input as a whole; `texts::not_ldif_ends_the_reading` has both texts"),
    (
        "max-depth-exceeded",
        "no option of the program sets it; `paths::max_depth_through_the_engine` has both paths",
    ),
];

/// A family's cases, by the test that runs them.
const FAMILIES: &[fn() -> Vec<Case>] = &[
    certificates::validity,
    certificates::usage,
    certificates::key,
    certificates::address,
    certificates::structure,
    objects::recipient,
    objects::value,
    objects::input,
    objects::run,
    history::history,
    objects::trust_store,
    policy::policy,
    paths::building,
    paths::constraints,
    paths::revocation,
];

#[test]
fn every_code_of_the_registry_has_a_case() {
    let mut cases: Vec<&str> = FAMILIES.iter().flat_map(|family| family()).map(|case| case.code).collect();
    cases.extend(texts::TABLE.iter().map(|(code, ..)| code));
    cases.extend(texts::MADE);
    cases.extend(ELSEWHERE.iter().map(|(code, _)| code));
    let registry: Vec<&str> = certferry::rules::registry().iter().map(|rule| rule.code).collect();
    let without: Vec<&&str> = registry.iter().filter(|code| !cases.contains(code)).collect();
    assert!(without.is_empty(), "codes without a case: {without:?}");
    let unknown: Vec<&&str> = cases.iter().filter(|code| !registry.contains(code)).collect();
    assert!(unknown.is_empty(), "cases of codes that are not registered: {unknown:?}");
    cases.sort_unstable();
    let twice = cases.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(twice, None, "a code has two cases");
    assert!(ELSEWHERE.len() < 5);
}

fn all(cases: Vec<Case>) {
    let failed: Vec<&str> = cases
        .iter()
        .filter(|case| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case.check())).is_err())
        .map(|case| case.code)
        .collect();
    assert!(failed.is_empty(), "these cases failed, as told above: {failed:?}");
}

/// Codes are permanent, and what they decide is pinned: the cases follow the registry, so the registry
/// must not follow a slip.
#[test]
fn the_registry_is_as_it_was_written_down() {
    let written = include_str!("cases/registry.txt");
    let list = program::stdout(&program::certferry(["explain"]));
    let now: Vec<String> =
        list.lines().map(|line| line.split_whitespace().take(3).collect::<Vec<_>>().join(" ")).collect();
    let before: Vec<&str> = written.lines().filter(|line| !line.starts_with('#')).collect();
    for line in &before {
        assert!(now.iter().any(|other| other == line), "{line:?} stood in the registry");
    }
    assert_eq!(now, before, "a new code is written down in tests/cases/registry.txt");
}

/// `explain` says everything about every code, under a title that no other code has.
#[test]
fn every_code_is_explained() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let all = words(&program::stdout(&program::certferry(["explain", "--all"])));
    let list = program::stdout(&program::certferry(["explain"]));
    let mut titles = std::collections::BTreeSet::new();
    for rule in certferry::rules::registry() {
        for said in [rule.title, rule.means, rule.matters, rule.mend, rule.citation] {
            assert!(all.contains(&words(said)), "{}: {said}", rule.code);
        }
        assert!(list.lines().any(|line| line.starts_with(rule.code) && line.ends_with(rule.title)));
        assert!(titles.insert(rule.title), "{} has the title of another code", rule.code);
        check::readable(rule.code, rule.title);
    }
}

#[test]
fn validity() {
    all(certificates::validity());
}

#[test]
fn usage() {
    all(certificates::usage());
}

#[test]
fn keys() {
    all(certificates::key());
}

#[test]
fn addresses() {
    all(certificates::address());
}

#[test]
fn structure() {
    all(certificates::structure());
}

#[test]
fn recipients() {
    all(objects::recipient());
}

#[test]
fn values() {
    all(objects::value());
}

#[test]
fn blanks_of_a_dn() {
    objects::blanks_of_a_dn_are_part_of_it();
}

#[test]
fn keys_in_texts() {
    objects::keys_in_texts_are_not_copied();
}

#[test]
fn damaged_copies() {
    objects::damaged_copies_are_not_shared();
}

#[test]
fn statements() {
    objects::statements_where_they_count();
}

#[test]
fn inputs() {
    all(objects::input());
}

#[test]
fn runs() {
    all(objects::run());
}

#[test]
fn histories() {
    all(history::history());
}

#[test]
fn trust_stores() {
    all(objects::trust_store());
}

#[test]
fn policies() {
    all(policy::policy());
}

#[test]
fn readers() {
    certificates::readers_through_inspect();
}

#[test]
fn path_building() {
    all(paths::building());
}

#[test]
fn path_constraints() {
    all(paths::constraints());
}

#[test]
fn revocation() {
    all(paths::revocation());
}
