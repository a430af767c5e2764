//! Which files were read, whether they are complete, and how the totals add up.

use maud::{Markup, html};

use crate::bundle::report::page::{Page, more, number, row, shown};
use crate::bundle::table::visible;

/// Inputs and completeness.
pub fn section(page: &Page<'_>) -> Markup {
    let inputs = &page.digest.inputs;
    let counted = inputs.entries.iter().filter(|input| input.expected_records.is_some()).count() as u64;
    html! {
        @if counted == inputs.entries.len() as u64 && inputs.left_out() == 0 && counted > 0 {
            p { "For each file the number of records was counted at its source beforehand (--expect-records)." }
        } @else {
            p {
                strong { "Completeness not proven: " }
                @if counted == 0 { "nobody said how many records there must be. " }
                @else { "for " (number(inputs.total - counted)) " of " (number(inputs.total)) " files nobody said how many records there must be. " }
                "An export that was cut off looks like a complete one. Count at the source with the same filter, for example "
                code { "(Get-ADObject -LDAPFilter FILTER -SearchBase BASE | Measure-Object).Count" }
                ", compare with the numbers below, and give the number to the next run with "
                code { "--expect-records" } "."
            }
        }
        div.wide {
            table.stack {
                caption { "Files that were read" }
                thead { tr {
                    th scope="col" { "File" } th scope="col" { "Kind" } th.n scope="col" { "Records" }
                    th.n scope="col" { "Expected" } th.n scope="col" { "Unreadable" } th.n scope="col" { "Bytes" }
                    th scope="col" { "SHA-256" }
                } }
                tbody {
                    @for input in &inputs.entries {
                        tr {
                            th scope="row" { (shown(&input.path)) }
                            td data-label="kind" { (visible(&input.kind)) }
                            td.n data-label="records" { (number(input.records)) }
                            td.n data-label="expected" {
                                @match input.expected_records {
                                    None => "not said",
                                    Some(expected) if expected == input.records => { (number(expected)) }
                                    Some(expected) => { strong { (number(expected)) " (differs)" } }
                                }
                            }
                            td.n data-label="unreadable" { (number(input.unreadable)) }
                            td.n data-label="bytes" { (number(input.bytes)) }
                            td.hash data-label="SHA-256" { (input.sha256) }
                        }
                    }
                }
            }
        }
        (more(inputs.left_out(), "manifest.json"))
    }
}

/// The totals, as sums that a reader can check.
pub fn totals(page: &Page<'_>) -> Markup {
    let summary = &page.frame.summary;
    html! {
        p {
            (number(summary.values)) " certificate values stood in the input. Each was judged, could not be read, or was "
            "passed by because it belongs to nobody who receives mail: "
            (number(summary.values)) " = " (number(summary.candidates)) " + " (number(summary.unreadable)) " + " (number(summary.ignored)) ". "
            "Each one that was judged is published or withheld, with a reason in the manifest: "
            (number(summary.candidates)) " = " (number(summary.published)) " + " (number(summary.withheld)) "."
        }
        table {
            caption { "Values" }
            tbody {
                (row("in the input", summary.values))
                (row("judged (candidates)", summary.candidates))
                (row("of them published", summary.published))
                (row("of them withheld", summary.withheld))
                (row("unreadable, private keys among them", summary.unreadable))
                (row("ignored: computers, groups, authorities and the like", summary.ignored))
            }
        }
        @let cleared = &summary.cleared;
        table {
            caption { "Attributes that the upload empties" }
            tbody {
                (row("because a value was revoked", cleared.revoked))
                (row("because every value has expired", cleared.expired))
                (row("because stale values hide good ones", cleared.shadowing))
                (row("because the person is gone", cleared.gone))
            }
        }
    }
}
