//! The rules that were used, where they differ from this release's defaults, and the exceptions that were used.

use maud::{Markup, html};

use crate::bundle::report::page::{Page, more, number, shown};
use crate::limits::LISTED;
use crate::policy::Policy;

/// The policy, by its differences.
pub fn section(page: &Page<'_>) -> Markup {
    html! {
        p {
            "The rules stand in " code { "policy.toml" } " of this folder (SHA-256 "
            code { (page.frame.policy.sha256) } "), with a comment on every line."
        }
        @match Policy::parse(page.policy).map(|policy| policy.differences()) {
            Err(_) => p {
                "They could not be compared with the defaults of this release: " code { "policy.toml" }
                " is not one that it reads."
            },
            Ok(all) if all.is_empty() => p { "They are the defaults of this release; nothing was changed." },
            Ok(all) => {
                p { "They differ from the defaults of this release in these places (" (all.len()) "):" }
                div.wide {
                    table.stack {
                        caption { "Differences from the default policy" }
                        thead { tr {
                            th scope="col" { "Setting" } th scope="col" { "Default" } th scope="col" { "Used" }
                            th scope="col" { "Reason given" }
                        } }
                        tbody {
                            @for one in all.iter().take(LISTED) {
                                tr {
                                    th scope="row" { (shown(&one.place)) }
                                    td data-label="default" { (shown(&one.default)) }
                                    td data-label="used" { (shown(&one.value)) }
                                    td data-label="reason given" { (shown(one.reason.as_deref().unwrap_or("none"))) }
                                }
                            }
                        }
                    }
                }
                (more(all.len().saturating_sub(LISTED) as u64, "policy.toml"))
            }
        }
        (exceptions(page))
    }
}

/// Each use of an accepted exception, with reason and approver.
fn exceptions(page: &Page<'_>) -> Markup {
    let used = &page.digest.exceptions;
    html! {
        h3 { "Accepted exceptions that were used: " (number(used.total)) }
        @if used.total > 0 {
            div.wide {
                table.stack {
                    caption { "Exceptions, with the reason and who approved them" }
                    thead { tr { th scope="col" { "Person" } th scope="col" { "Certificate" } th scope="col" { "Exception" } } }
                    tbody {
                        @for line in &used.entries {
                            tr {
                                th scope="row" { (shown(line.address.as_deref().unwrap_or("without address"))) }
                                td.hash data-label="certificate" {
                                    (shown(line.certificate.as_ref().and_then(|one| one.sha256.as_deref()).unwrap_or("")))
                                }
                                td data-label="exception" { (shown(&line.message)) }
                            }
                        }
                    }
                }
            }
            (more(used.left_out(), "findings.ndjson"))
        }
    }
}
