//! What changed since the bundle before, and whom it concerns by name.

use maud::{Markup, html};

use crate::bundle::model::{Changes, ClearClass};
use crate::bundle::report::digest::{List, Movement, Named};
use crate::bundle::report::page::{Page, more, number, people, row, shown};

/// The section.
pub fn section(page: &Page<'_>) -> Markup {
    let Some(changes) = &page.frame.summary.changes else {
        return html! {
            p {
                "This bundle was made without a look at the one before it (--previous) or at what the tenant holds "
                "(--published), so it cannot say who loses a certificate by it."
            }
        };
    };
    html! {
        (compared(changes))
        (table(changes))
        @for (movement, list) in Movement::ALL.into_iter().zip(&page.digest.movements) {
            @if list.total > 0 { (names(heading(movement), list)) }
        }
        p { code { "certferry diff OLD NEW" } " lists every difference between two bundles, and why." }
    }
}

fn compared(changes: &Changes) -> Markup {
    html! {
        dl.facts {
            @if let Some(previous) = &changes.previous {
                dt { "Bundle before" } dd {
                    code { (previous.id) } ", judged as of " (shown(&previous.evaluated_at)) ", " (people(previous.recipients))
                }
            }
            @if let Some(inventory) = &changes.inventory {
                dt { "What the tenant holds" } dd {
                    "as of " (shown(&inventory.time)) ", " (people(inventory.recipients)) " with certificates (SHA-256 "
                    code { (inventory.sha256) } ")"
                }
            }
        }
    }
}

fn table(changes: &Changes) -> Markup {
    html! {
        table {
            caption { "People by what becomes of their certificates to encrypt to" }
            tbody {
                (row("had one", changes.had))
                (row("of them keep the same", changes.unchanged))
                (row("of them get others by an issuer that they had", changes.replaced))
                (row("of them get others by another issuer", changes.replaced_by_another_issuer))
                (row("of them keep what the upload does not touch", changes.kept))
                (row("of them have none any more (removals)", changes.removed))
                @if let Some(allowed) = changes.removals_allowed { (row("removals that were allowed", allowed)) }
                (row("had none and get one", changes.gained))
                (row("stand in no input any more", changes.gone))
                (row("revoked certificates that stay in the tenant", changes.revoked_still_published))
            }
        }
    }
}

fn heading(movement: Movement) -> &'static str {
    match movement {
        Movement::Removed => "Lose their last certificate to encrypt to",
        Movement::OtherIssuer => "Get certificates by another issuer than before",
        Movement::Gone => "Stand in no input any more",
        Movement::RevokedStays => "Keep a revoked certificate in the tenant",
        Movement::Cleared(ClearClass::Revoked) => "An attribute is emptied because a value was revoked",
        Movement::Cleared(ClearClass::Expired) => "An attribute is emptied because every value has expired",
        Movement::Cleared(ClearClass::Shadowing) => {
            "An attribute is emptied because stale values hide good ones"
        }
        Movement::Cleared(ClearClass::Gone) => "An attribute is emptied because the person is gone",
    }
}

fn names(title: &str, list: &List<Named>) -> Markup {
    html! {
        h3 { (title) ": " (people(list.total)) }
        ul {
            @for one in &list.entries {
                li {
                    (number(one.number)) ". "
                    (shown(if one.address.is_empty() { "without address" } else { &one.address }))
                    @if !one.name.is_empty() { ", " (shown(&one.name)) }
                }
            }
        }
        (more(list.left_out(), "manifest.json"))
    }
}
