//! When certificates end, and who issued them, with which keys, for which domains.

use maud::{Markup, html};

use crate::bundle::report::chart;
use crate::bundle::report::digest::{MONTHS, month_name};
use crate::bundle::report::page::{Page, more, number, people, short, shown};
use crate::bundle::report::ranked::Ranked;
use crate::limits::LISTED;

/// People by the month in which their last certificate to encrypt to ends.
pub fn expiry(page: &Page<'_>) -> Markup {
    let at = &page.frame.evaluated_at;
    let ends = page.digest.ends(at);
    let bars: Vec<(String, u64)> =
        (0..MONTHS).zip(ends).map(|(ahead, count)| (month_name(at, ahead), count)).collect();
    let later = ends[MONTHS];
    let title = "People by the month in which their last certificate to encrypt to ends";
    html! {
        p {
            "Behind that month nobody can send the person encrypted mail, unless a new certificate is published before. "
            "Later than the " (MONTHS) " months shown: " (people(later)) "."
        }
        @if bars.iter().any(|(_, count)| *count > 0) {
            (chart::columns(title, &bars))
            div.wide {
                table {
                    caption { (title) }
                    thead { tr { th scope="col" { "Month" } th.n scope="col" { "People" } } }
                    tbody {
                        @for (month, count) in bars.iter().filter(|(_, count)| *count > 0) {
                            tr { th scope="row" { (month) } td.n { (number(*count)) } }
                        }
                    }
                }
            }
        } @else { p { "In none of these months." } }
    }
}

/// The counts by name.
pub fn tables(page: &Page<'_>) -> Markup {
    let digest = page.digest;
    let anchor = |sha256: &str| {
        let known = page.frame.trust_anchors.iter().find(|anchor| anchor.sha256 == sha256);
        known.map_or_else(|| html! { "unknown " code { (short(sha256)) } }, |anchor| shown(&anchor.subject))
    };
    html! {
        h3 { "Issuers of published certificates" }
        (table(&["Issuer", "Certificates", "First one ends"], &digest.issuers, |issued| issued.certificates, |name, issued| html! {
            th scope="row" { (shown(name)) }
            td.n data-label="certificates" { (number(issued.certificates)) }
            td data-label="first one ends" { (issued.first_end.as_deref().unwrap_or("")) }
        }))
        h3 { "People by trust anchor" }
        (table(&["Anchor", "People"], &digest.anchors, |count| *count, |name, count| html! {
            th scope="row" { (anchor(name)) }
            td.n data-label="people" { (number(*count)) }
        }))
        h3 { "Keys and signature algorithms of published certificates" }
        (table(&["Key", "Certificates"], &digest.keys, |count| *count, |name, count| html! {
            th scope="row" { (shown(name)) }
            td.n data-label="certificates" { (number(*count)) }
        }))
        (table(&["Signature algorithm", "Certificates"], &digest.signatures, |count| *count, |name, count| html! {
            th scope="row" { (shown(name)) }
            td.n data-label="certificates" { (number(*count)) }
        }))
        h3 { "People by mail domain" }
        (table(&["Domain", "Can be written to", "Sign only", "None"], &digest.domains, |all| all.iter().sum(), |name, [yes, sign, none]| html! {
            th scope="row" { @if name.is_empty() { "without address" } @else { (shown(name)) } }
            td.n data-label="can be written to" { (number(*yes)) }
            td.n data-label="sign only" { (number(*sign)) }
            td.n data-label="none" { (number(*none)) }
        }))
    }
}

/// A table of the largest rows.
fn table<T: Default>(
    columns: &[&str],
    ranked: &Ranked<T>,
    size: impl Fn(&T) -> u64,
    row: impl Fn(&str, &T) -> Markup,
) -> Markup {
    let mut rows: Vec<&(String, T)> = ranked.rows().iter().collect();
    rows.sort_by(|a, b| size(&b.1).cmp(&size(&a.1)).then_with(|| a.0.cmp(&b.0)));
    let left_out = rows.len().saturating_sub(LISTED) as u64;
    html! {
        @if rows.is_empty() { p { "None." } }
        @else {
            div.wide {
                table.stack {
                    thead { tr {
                        @for (at, column) in columns.iter().enumerate() {
                            @if at == 0 { th scope="col" { (column) } } @else { th.n scope="col" { (column) } }
                        }
                    } }
                    tbody {
                        @for (name, value) in rows.iter().take(LISTED) { tr { (row(name, value)) } }
                        @if let Some(rest) = ranked.rest() { tr { (row("all further ones together", rest)) } }
                    }
                }
            }
            (more(left_out, "manifest.csv"))
        }
    }
}
