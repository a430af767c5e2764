//! The page: head, order of the sections, and how text from outside is shown.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::digest::Digest;
use super::sections::{self, Section};
use crate::bundle::manifest::Frame;
use crate::bundle::table::visible;

/// Characters of a text from outside that are shown. Real names, subjects and paths stay below; the whole text
/// stands in the manifest.
const SHOWN: usize = 400;

const STYLE: &str = include_str!("style.css");

/// What the page is made from.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The manifest without its recipients.
    pub frame: &'a Frame,
    /// policy.toml, as it stands in review/.
    pub policy: &'a str,
    /// What was gathered from recipients and findings.
    pub digest: &'a Digest,
    /// SHA-256 in hex of the other files of review/, by name.
    pub hashes: &'a BTreeMap<String, String>,
}

/// The report as one HTML file.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    let sections = sections::all(page);
    let title = format!("S/MIME certificates, review report, bundle {}", short(&page.frame.bundle.id));
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // Nothing is fetched and nothing runs, even if something slipped in.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "S/MIME certificates: review report" }
                    p.soft {
                        "Bundle " code { (short(&page.frame.bundle.id)) } ", judged at "
                        (page.frame.evaluated_at) " by " (page.frame.tool.name) " " (page.frame.tool.version) "."
                    }
                }
                @if page.frame.unverified {
                    div.banner role="note" {
                        "UNVERIFIED. No trust anchors were given, so no certification path was checked. Whoever may write "
                        "to the directory can have planted any of these certificates. Do not release this bundle for "
                        "real mail."
                    }
                }
                nav aria-label="Sections" {
                    ul { @for section in &sections { li { a href=(format!("#{}", section.id)) { (section.title) } } } }
                }
                main {
                    @for section in &sections { (framed(section)) }
                }
                footer {
                    p {
                        "Made from the review half of the bundle alone; " code { "certferry report DIR" }
                        " makes the same bytes again."
                    }
                }
            }
        }
    };
    let mut text = document.into_string();
    text.push('\n');
    text
}

fn framed(section: &Section) -> Markup {
    let heading = format!("{}-heading", section.id);
    html! {
        section id=(section.id) aria-labelledby=(heading) {
            h2 id=(heading) { (section.title) }
            (section.body)
        }
    }
}

/// A text from outside: cut at a length that no real one reaches, with hidden characters made visible, and
/// apart from the direction of the text around it.
pub(super) fn shown(text: &str) -> Markup {
    let cut = text.char_indices().nth(SHOWN).map(|(at, _)| at);
    let text = visible(cut.and_then(|at| text.get(..at)).unwrap_or(text));
    html! { bdi { (text) @if cut.is_some() { "…" } } }
}

/// The beginning of a hash, enough to tell bundles apart by eye.
pub(super) fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// `1 person`, `2 people`.
pub(super) fn people(count: u64) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{} people", number(count)) }
}

/// A number with thin groups: 1 234 567.
pub(super) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A row of a table with a name and a number.
pub(super) fn row(name: &str, count: u64) -> Markup {
    html! { tr { th scope="row" { (name) } td.n { (number(count)) } } }
}

/// `… and 12 more, in manifest.csv` behind a list that was cut.
pub(super) fn more(left_out: u64, where_: &str) -> Markup {
    html! {
        @if left_out > 0 {
            p.soft { "Not listed here: " (number(left_out)) " more. They stand in " code { (where_) } "." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_harmless() {
        assert_eq!(shown("<b>&\"").into_string(), "<bdi>&lt;b&gt;&amp;&quot;</bdi>");
        assert_eq!(shown("a\u{202e}b\n").into_string(), "<bdi>a&lt;U+202E&gt;b&lt;U+000A&gt;</bdi>");
        let long = shown(&"ü".repeat(100_000)).into_string();
        assert_eq!(long.chars().count(), SHOWN + "<bdi></bdi>".len() + 1);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [number(7), number(1_234), number(1_000_000)],
            ["7", "1\u{202f}234", "1\u{202f}000\u{202f}000"]
        );
    }
}
