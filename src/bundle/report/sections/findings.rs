//! What was found: a table of codes with the same words as `certferry explain`, and what concerns no recipient.

use maud::{Markup, html};

use super::opening::weight;
use crate::bundle::model::Decision;
use crate::bundle::report::page::{Page, more, number, shown};
use crate::bundle::table::visible;
use crate::rules;

/// Every code with its count, meaning and remedy.
pub fn codes(page: &Page<'_>) -> Markup {
    let mut codes: Vec<_> = page.digest.codes.iter().collect();
    codes.sort_by_key(|(code, count)| {
        let [info, warning, error] = count.weights;
        (std::cmp::Reverse(error), std::cmp::Reverse(warning), std::cmp::Reverse(info), (*code).clone())
    });
    html! {
        p {
            "Severity says how much a person should care; the decision alone says what is published. Errors come first."
        }
        @if codes.is_empty() { p { "Nothing was found." } }
        @else {
            div.wide {
                table.stack {
                    caption { "Findings by code" }
                    thead { tr {
                        th scope="col" { "Code and what it means" } th scope="col" { "Decision" }
                        th.n scope="col" { "Errors" } th.n scope="col" { "Warnings" } th.n scope="col" { "Info" }
                        th scope="col" { "How to mend it" }
                    } }
                    tbody {
                        @for (code, count) in codes {
                            @let rule = rules::find(code);
                            tr id=(format!("code-{}", shown_id(code))) {
                                th scope="row" {
                                    (shown(code))
                                    @if let Some(rule) = rule {
                                        br; span { (rule.title) ". " }
                                        span.soft { (rule.means) " " (rule.matters) }
                                    }
                                }
                                td data-label="decision" {
                                    @match rule.and_then(|rule| rule.decision) {
                                        Some(Decision::Withhold) => "withhold",
                                        Some(Decision::Publish) => "publish",
                                        None => "none",
                                    }
                                }
                                td.n data-label="errors" { (number(count.weights[2])) }
                                td.n data-label="warnings" { (number(count.weights[1])) }
                                td.n data-label="info" { (number(count.weights[0])) }
                                td data-label="how to mend it" {
                                    @if let Some(rule) = rule { (rule.mend) }
                                    @if !count.first.is_empty() { " " span.soft { "First: " (shown(&count.first)) "." } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A code as an anchor: codes are kebab-case, and whatever else a changed file may hold is not taken over.
fn shown_id(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect()
}

/// What concerns the run, a file, a record or an object that is no recipient.
pub fn about_run(page: &Page<'_>) -> Markup {
    let list = &page.digest.about_run;
    html! {
        p {
            "Findings that belong to nobody who receives mail: about the run, a file, a record, or a directory object that "
            "was passed by (a computer, a group, an authority), with the reason."
        }
        @if list.total == 0 { p { "There are none." } }
        @else {
            div.wide {
                table.stack {
                    caption { "About the run and its inputs" }
                    thead { tr {
                        th scope="col" { "Place" } th scope="col" { "Severity" } th scope="col" { "Code" } th scope="col" { "What was found" }
                    } }
                    tbody {
                        @for line in &list.entries {
                            tr {
                                th scope="row" {
                                    @match &line.source {
                                        Some(source) => { (shown(&source.input)) ":" (source.line) }
                                        None => "the run",
                                    }
                                    @if let Some(address) = &line.address { br; span.soft { (shown(address)) } }
                                }
                                td data-label="severity" { (weight(line.severity)) }
                                td data-label="code" { (visible(&line.code)) }
                                td data-label="found" { (shown(&line.message)) }
                            }
                        }
                    }
                }
            }
            (more(list.left_out(), "findings.ndjson"))
        }
    }
}
