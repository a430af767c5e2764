//! The sections of the report, in the order in which an auditor asks.

mod changes;
mod charts;
mod findings;
mod inputs;
mod opening;
mod people;
mod policy;
mod sign_off;

use maud::Markup;

use super::page::Page;

/// A section with its heading.
pub struct Section {
    /// Anchor.
    pub id: &'static str,
    /// Heading.
    pub title: &'static str,
    /// What stands below it.
    pub body: Markup,
}

/// All sections of a page.
pub fn all(page: &Page<'_>) -> Vec<Section> {
    vec![
        Section { id: "result", title: "Who can be written to", body: opening::result(page) },
        Section { id: "bundle", title: "What this bundle is", body: opening::bundle(page) },
        Section {
            id: "changes",
            title: "What changed since the bundle before",
            body: changes::section(page),
        },
        Section { id: "policy", title: "The rules", body: policy::section(page) },
        Section { id: "inputs", title: "What was read", body: inputs::section(page) },
        Section { id: "totals", title: "Nothing is lost: the totals", body: inputs::totals(page) },
        Section { id: "findings", title: "What was found, by code", body: findings::codes(page) },
        Section { id: "attention", title: "People who need attention", body: people::section(page) },
        Section { id: "expiry", title: "When certificates end", body: charts::expiry(page) },
        Section { id: "issuers", title: "Issuers, keys, anchors and domains", body: charts::tables(page) },
        Section {
            id: "ignored",
            title: "About the run, files and objects left out",
            body: findings::about_run(page),
        },
        Section { id: "sign-off", title: "Sign-off", body: sign_off::section(page) },
    ]
}
