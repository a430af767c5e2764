//! People who need attention, each with every candidate, its decision and the reason.

use maud::{Markup, html};

use super::opening::weight;
use crate::bundle::model::{Candidate, Coverage, Decision, RecipientKind};
use crate::bundle::report::digest::{List, Listed};
use crate::bundle::report::page::{Page, more, number, people, shown};

/// The three lists.
pub fn section(page: &Page<'_>) -> Markup {
    let [errors, unwritable, warnings] = &page.digest.attention;
    html! {
        p {
            "Everybody else is in order: published without a warning, or without any certificate in the directory. "
            code { "manifest.csv" } " lists all, filtered by coverage and decision."
        }
        (list(page, "With an error: a defect, a conflict or an unreadable value", errors))
        (list(page, "With a certificate, but nobody can encrypt to them", unwritable))
        (list(page, "Can be written to, with a warning", warnings))
    }
}

fn list(page: &Page<'_>, title: &str, list: &List<Listed>) -> Markup {
    html! {
        h3 { (title) ": " (people(list.total)) }
        @for listed in &list.entries { (person(page, listed)) }
        (more(list.left_out(), "manifest.csv"))
    }
}

fn person(page: &Page<'_>, listed: &Listed) -> Markup {
    let recipient = &listed.recipient;
    let identity = &recipient.identity;
    let address = identity.cloud_address.as_deref().or(identity.primary_smtp.as_deref());
    let name = identity.display_name.as_deref().or(identity.dn.as_deref());
    html! {
        article.person {
            h4 { (number(recipient.number)) ". " (shown(address.unwrap_or("without address"))) @if let Some(name) = name { ", " (shown(name)) } }
            p.soft {
                (coverage(recipient.coverage)) "; " (kind(recipient.kind))
                @if let Some(source) = &recipient.source { "; at " (shown(&source.input)) ":" (source.line) }
            }
            @if !recipient.findings.is_empty() {
                ul { @for finding in &recipient.findings {
                    li { (weight(finding.severity)) ", " code { (shown(&finding.code)) } ": " (shown(&finding.message)) }
                } }
            }
            @if recipient.candidates.is_empty() { p { "No certificate value." } }
            @else {
                ul { @for candidate in &recipient.candidates { (judged(page, candidate)) } }
            }
            (more(listed.left_out as u64, "manifest.csv"))
        }
    }
}

fn judged(page: &Page<'_>, candidate: &Candidate) -> Markup {
    let published = candidate.decision == Decision::Publish;
    let codes: Vec<&str> = candidate.findings.iter().map(|finding| &*finding.code).collect();
    html! {
        li {
            span class=(if published { "publish" } else { "withhold" }) { (shown(&candidate.reason)) }
            @if published && page.frame.unverified { " (UNVERIFIED)" }
            br;
            span.soft {
                (candidate.attribute.name()) " " (candidate.index)
                @if let Some(subject) = &candidate.subject { "; " (shown(subject)) }
                @if let Some(issuer) = &candidate.issuer { "; issued by " (shown(issuer)) }
                @if let Some(serial) = &candidate.serial { "; serial " (shown(serial)) }
                @if let Some(end) = &candidate.not_after { "; until " (end) }
                @if !codes.is_empty() { "; codes " (shown(&codes.join(", "))) }
            }
        }
    }
}

fn coverage(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Encryptable => "can be written to",
        Coverage::SignOnly => "signing certificates only",
        Coverage::None => "nothing is published",
    }
}

fn kind(kind: RecipientKind) -> &'static str {
    match kind {
        RecipientKind::Mailbox => "mailbox",
        RecipientKind::MailUser => "mail user",
        RecipientKind::MailContact => "mail contact",
    }
}
