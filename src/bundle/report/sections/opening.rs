//! The two numbers that everybody needs, what needs a decision, and what the bundle is.

use maud::{Markup, html};

use crate::bundle::model::{Severity, TrustOrigin, TrustStoreEntry};
use crate::bundle::report::page::{Page, more, number, people, shown};
use crate::limits::LISTED;
use crate::rules;

/// Codes that are named among the decisions; the table of codes has all of them.
const DECISIONS: usize = 12;

/// Who can be written to, and what needs a decision.
pub fn result(page: &Page<'_>) -> Markup {
    let summary = &page.frame.summary;
    let coverage = &summary.coverage;
    html! {
        div.numbers {
            div.number {
                b { (number(coverage.encryptable)) " of " (number(summary.recipients)) }
                "people can be sent encrypted mail."
                ul {
                    li { (people(coverage.sign_only)) " can only be verified: signing certificates, none to encrypt to" }
                    li { (people(coverage.none)) " without any published certificate" }
                    li {
                        @if summary.changes.is_some() { (people(coverage.lost_since_previous)) " lost since the bundle before" }
                        @else { "lost since the bundle before: not known (made without --previous)" }
                    }
                    li { (people(coverage.lapses_before_next_run)) " whose last certificate ends before the next run" }
                }
            }
            (decisions(page))
        }
    }
}

/// What a person has to decide, in words.
fn decisions(page: &Page<'_>) -> Markup {
    let summary = &page.frame.summary;
    let mut said: Vec<Markup> = Vec::new();
    if page.frame.unverified {
        said.push(html! { "Nothing in it was verified: it must not be released." });
    }
    let unexpected = page
        .digest
        .inputs
        .entries
        .iter()
        .filter(|input| input.expected_records.is_some_and(|expected| expected != input.records));
    for input in unexpected {
        said.push(html! { (shown(&input.path)) " does not hold as many records as were expected." });
    }
    if summary.unreadable > 0 {
        said.push(html! {
            (number(summary.unreadable)) " certificate values could not be read; nothing is published of the attributes they stand in."
        });
    }
    if let Some(changes) = &summary.changes {
        if changes.removed > 0 {
            said.push(html! {
                a href="#changes" { (people(changes.removed)) } " will lose the last certificate to encrypt to."
            });
        }
        if changes.revoked_still_published > 0 {
            said.push(html! {
                (number(changes.revoked_still_published)) " revoked certificates stay in the tenant, unless --clear revoked empties them."
            });
        }
    }
    let mut errors: Vec<(&String, u64)> = page
        .digest
        .codes
        .iter()
        .map(|(code, count)| (code, count.weights[2]))
        .filter(|(_, errors)| *errors > 0)
        .collect();
    errors.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), (*code).clone()));
    let left_out = errors.len().saturating_sub(DECISIONS);
    for (code, count) in errors.into_iter().take(DECISIONS) {
        let (title, mend) = rules::find(code).map_or((code.as_str(), ""), |rule| (rule.title, rule.mend));
        said.push(html! {
            strong { (title) } " (" (times(count)) ", " a href=(format!("#code-{code}")) { (code) } "). " (mend)
        });
    }
    html! {
        div.number.decide {
            b { @if said.is_empty() { "No decision is open" } @else { (said.len() + left_out) } }
            @if !said.is_empty() {
                (if said.len() + left_out == 1 { "thing needs a decision." } else { "things need a decision." })
                ul { @for one in &said { li { (one) } } }
                @if left_out > 0 { p.soft { "And " (left_out) " more codes that are errors, in the table of codes." } }
            }
        }
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{} times", number(count)) }
}

/// What this bundle is.
pub fn bundle(page: &Page<'_>) -> Markup {
    let frame = page.frame;
    let bundle = &frame.bundle;
    html! {
        dl.facts {
            dt { "Bundle id" } dd.hash { (bundle.id) }
            dt { "Made by" } dd { (frame.tool.name) " " (frame.tool.version) }
            dt { "Judged as of" } dd { (frame.evaluated_at) }
            dt { "May be uploaded until" } dd { (bundle.valid_until) }
            dt { "Revocation known until" } dd {
                @match &bundle.revocation_fresh_until {
                    Some(until) => { (until) " (the first of the revocation lists relied on is renewed then)" }
                    None => "no revocation list was relied on"
                }
            }
            dt { "Number in the series" } dd {
                @match bundle.sequence { Some(sequence) => (sequence), None => "none: made without --previous" }
            }
            dt { "Bundle before it" } dd.hash {
                @match &bundle.previous { Some(previous) => (previous), None => "none" }
            }
            dt { "Trust anchors" } dd {
                @if frame.trust_anchors.is_empty() { "none" } @else { (frame.trust_anchors.len()) ", listed below" }
            }
        }
        @if !frame.trust_anchors.is_empty() {
            div.wide {
                table.stack {
                    caption { "Trust anchors: the roots that were trusted" }
                    thead { tr { th scope="col" { "Subject" } th scope="col" { "Valid until" } th scope="col" { "SHA-256 of the certificate" } } }
                    tbody {
                        @for anchor in &frame.trust_anchors {
                            tr {
                                th scope="row" { (shown(&anchor.subject)) }
                                td data-label="valid until" { (anchor.not_after) }
                                td.hash data-label="SHA-256" { (anchor.sha256) }
                            }
                        }
                    }
                }
            }
        }
        (authorities(page))
    }
}

/// The authorities of what is published: what trust.sst holds, the one that ends first on top.
fn authorities(page: &Page<'_>) -> Markup {
    let mut all: Vec<&TrustStoreEntry> = page.frame.trust_store.iter().collect();
    all.sort_by(|a, b| (&a.not_after, &a.sha256).cmp(&(&b.not_after, &b.sha256)));
    html! {
        @if all.is_empty() {
            p { "There is no trust store (trust.sst): the tenant's own stays as it is." }
        } @else {
            div.wide {
                table.stack {
                    caption { "Certification authorities for the tenant's trust store (trust.sst), the first one to end on top" }
                    thead { tr {
                        th scope="col" { "Subject" } th scope="col" { "Valid until" } th.n scope="col" { "People who need it" }
                        th scope="col" { "Why it is here" } th scope="col" { "SHA-1 (thumbprint)" }
                    } }
                    tbody {
                        @for entry in all.iter().take(LISTED) {
                            tr {
                                th scope="row" { (shown(&entry.subject)) }
                                td data-label="valid until" { (entry.not_after) }
                                td.n data-label="people who need it" { (number(entry.people)) }
                                td data-label="why it is here" {
                                    @match &entry.left_out {
                                        Some(code) => { strong { "left out: " } a href=(format!("#code-{code}")) { (code) } }
                                        None => (origin(entry.origin)),
                                    }
                                }
                                td.hash data-label="SHA-1" { (entry.sha1) }
                            }
                        }
                    }
                }
            }
            (more(all.len().saturating_sub(LISTED) as u64, "manifest.json"))
        }
    }
}

fn origin(origin: TrustOrigin) -> &'static str {
    match origin {
        TrustOrigin::Chain => "path of a published certificate",
        TrustOrigin::Signer => "path of a signing certificate beside one",
        TrustOrigin::Kept => "kept from the old store (--keep-trust)",
    }
}

/// A severity as a word.
pub fn weight(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
