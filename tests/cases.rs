//! Every code of the registry has a case that must raise it and a near miss, the smallest change that
//! takes the finding away, that must not. Each goes through a public door: the program, or the library's
//! reader and path engine. Keys are made at run time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "cases/certificates.rs"]
mod certificates;
#[path = "cases/check.rs"]
mod check;
#[path = "cases/make.rs"]
mod make;
#[path = "cases/objects.rs"]
mod objects;
#[path = "cases/paths.rs"]
mod paths;
#[path = "support/pki.rs"]
mod pki;
mod program;
#[path = "cases/scene.rs"]
mod scene;

use check::Case;

fn all(cases: Vec<Case>) {
    let failed: Vec<&str> = cases
        .iter()
        .filter(|case| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case.check())).is_err())
        .map(|case| case.code)
        .collect();
    assert!(failed.is_empty(), "these cases failed, as told above: {failed:?}");
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
fn inputs() {
    all(objects::input());
}

#[test]
fn runs() {
    all(objects::run());
}

#[test]
fn readers() {
    all(certificates::readers());
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
