//! The comparison for people: totals first, then names.

use std::fmt::Write as _;

use crate::bundle::model::{Coverage, Decision};
use crate::cli::term::escape;
use crate::history::diff::model::{
    BundleHead, Cause, CertificateChange, Head, PersonChange, Standing, Totals, ValueChange,
};

/// Totals, policy and trust anchors. `nobody` says that no person follows.
pub fn head(head: &Head, totals: &Totals, nobody: bool) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", bundle("old", &head.old));
    let _ = writeln!(text, "{}", bundle("new", &head.new));
    if head.new.id == head.old.id {
        let _ = writeln!(text, "      both are the same bundle");
    } else if head.new.previous.as_ref() != Some(&head.old.id) {
        let _ = writeln!(text, "      the new one does not name the old one as the bundle before it");
    }
    text.push('\n');
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<19}{value}");
    };
    let people = &totals.people;
    row(
        "people",
        format!(
            "{} -> {}: {} added, {} removed, {} changed",
            people.old, people.new, people.added, people.removed, people.changed
        ),
    );
    let encryptable = &totals.encryptable;
    row(
        "can be written to",
        format!(
            "{} -> {}: {} gained, {} lost",
            encryptable.old, encryptable.new, encryptable.gained, encryptable.lost
        ),
    );
    let certificates = &totals.certificates;
    row(
        "certificates",
        format!(
            "{} added, {} replaced, {} removed",
            certificates.added, certificates.replaced, certificates.removed
        ),
    );
    let decisions = &totals.decisions;
    let causes: Vec<String> = [
        (decisions.input, Cause::Input),
        (decisions.time, Cause::Time),
        (decisions.trust_material, Cause::TrustMaterial),
        (decisions.rule, Cause::Rule),
        (decisions.release, Cause::Release),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, cause)| format!("{count} by {}", cause.words()))
    .collect();
    let causes = if causes.is_empty() { String::new() } else { format!(": {}", causes.join(", ")) };
    row("decisions", format!("{} changed{causes}", decisions.changed));
    row("cleared", format!("{} attributes", totals.cleared));
    row("policy", format!("{} keys differ", totals.policy));
    let anchors = &head.trust_anchors;
    row("trust anchors", format!("{} added, {} removed", anchors.added.len(), anchors.removed.len()));
    if !head.policy.is_empty() {
        let _ = writeln!(text, "\nPolicy");
        for one in &head.policy {
            let value = |value: &Option<String>| value.as_deref().map_or_else(|| "(absent)".into(), escape);
            let _ = writeln!(text, "  {}: {} -> {}", escape(&one.key), value(&one.old), value(&one.new));
        }
    }
    if !(anchors.added.is_empty() && anchors.removed.is_empty()) {
        let _ = writeln!(text, "\nTrust anchors");
        for (sign, list) in [('+', &anchors.added), ('-', &anchors.removed)] {
            for anchor in list {
                let _ = writeln!(text, "  {sign} {}  SHA-256 {}", escape(&anchor.subject), anchor.sha256);
            }
        }
    }
    let _ = writeln!(text, "\nPeople{}", if nobody { "\n  nothing changed about anybody" } else { "" });
    text
}

fn bundle(name: &str, head: &BundleHead) -> String {
    let number = head.sequence.map(|number| format!(", number {number}")).unwrap_or_default();
    let unverified = if head.unverified { ", UNVERIFIED" } else { "" };
    format!(
        "{name:<6}judged at {}{number}, by {} {}{unverified}, id {}",
        escape(&head.evaluated_at),
        escape(&head.tool.name),
        escape(&head.tool.version),
        escape(&head.id)
    )
}

/// One person.
pub fn person(change: &PersonChange) -> String {
    let mut text = String::new();
    let sign = match change.change {
        Standing::Added => '+',
        Standing::Removed => '-',
        Standing::Stays => '~',
        Standing::Gone => ' ',
    };
    let who = change.address.as_deref().map_or_else(|| "(without an address)".into(), escape);
    let name = change.display_name.as_deref().map(|name| format!(" ({})", escape(name))).unwrap_or_default();
    let mut said: Vec<String> = Vec::new();
    said.extend(match change.change {
        Standing::Added => Some("added".to_owned()),
        Standing::Removed => Some("removed: in no input any more".to_owned()),
        Standing::Gone => Some("in neither input".to_owned()),
        Standing::Stays => None,
    });
    said.extend(change.old_address.as_deref().map(|old| format!("the address was {}", escape(old))));
    let coverages = (change.old_coverage.map(coverage), change.new_coverage.map(coverage));
    said.extend(match coverages {
        (Some(old), Some(new)) if old != new => Some(format!("{old} -> {new}")),
        (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
        _ => None,
    });
    for one in &change.cleared {
        said.push(format!("{} is cleared ({})", one.attribute.name(), one.class.word()));
    }
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "  {sign} {who}{name}: {}",
        if said.is_empty() { "other certificates".into() } else { said.join("; ") }
    );
    for one in &change.certificates {
        let _ = writeln!(text, "      {}", certificate(one, change));
    }
    for value in change.values.iter().filter(|value| !is_published(value)) {
        let _ = writeln!(text, "      {}", escape(&withheld(value)));
    }
    text
}

/// Whether a value was or is published, so that [`certificate`] tells of it.
fn is_published(value: &ValueChange) -> bool {
    [value.old, value.new].contains(&Some(Decision::Publish))
}

/// A published certificate that came, went or was replaced, with why.
fn certificate(one: &CertificateChange, change: &PersonChange) -> String {
    let values = change.values.iter().filter(|value| value.attribute == one.attribute);
    let find = |hash: &Option<String>, published: fn(&ValueChange) -> bool| {
        values.clone().find(|value| value.sha256 == *hash && published(value))
    };
    let old = one.old.as_ref().and_then(|_| find(&one.old, |value| value.old == Some(Decision::Publish)));
    let new = one.new.as_ref().and_then(|_| find(&one.new, |value| value.new == Some(Decision::Publish)));
    let name = one.attribute.name();
    let line = match (old, new) {
        (Some(old), Some(new)) => {
            let issuer = if one.other_issuer { ", BY ANOTHER ISSUER" } else { "" };
            let (old_shown, new_shown) = (shown(old), shown(new));
            format!(
                "> {name} {old_shown} -> {new_shown}{issuer}; the old one {}; the new one {}",
                went(old),
                came(new)
            )
        }
        (Some(old), None) => format!("- {name} {}; {}", shown(old), went(old)),
        (None, Some(new)) => format!("+ {name} {}; {}", shown(new), came(new)),
        (None, None) => format!("? {name}"),
    };
    escape(&line)
}

/// Why a published value is published no longer.
fn went(value: &ValueChange) -> String {
    match (value.new, value.new_reason.as_deref()) {
        (Some(_), Some(reason)) => format!("is withheld now by {}: {}", value.cause.words(), cause(reason)),
        _ => "is no longer in the input".into(),
    }
}

/// Why a value is published that was not.
fn came(value: &ValueChange) -> String {
    match (value.old, value.old_reason.as_deref()) {
        (Some(_), Some(reason)) => {
            format!("is published now by {}, it was withheld: {}", value.cause.words(), cause(reason))
        }
        _ => "is new in the input".into(),
    }
}

/// A reason as a clause.
fn cause(reason: &str) -> &str {
    reason.strip_prefix("Withheld: ").unwrap_or(reason).trim_end_matches('.')
}

/// A value that was never published and came or went.
fn withheld(value: &ValueChange) -> String {
    let (sign, reason) = match (value.old, value.new) {
        (None, _) => ("+ (withheld)", value.new_reason.as_deref()),
        _ => ("- (withheld)", value.old_reason.as_deref()),
    };
    format!("{sign} {} {}; {}", value.attribute.name(), shown(value), reason.unwrap_or_default())
}

/// A certificate in a few words.
fn shown(value: &ValueChange) -> String {
    match (&value.serial, &value.issuer, &value.not_after) {
        (Some(serial), Some(issuer), Some(until)) => format!("serial {serial} of {issuer} until {until}"),
        _ => "(no certificate of the user)".into(),
    }
}

fn coverage(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Encryptable => "can be written to",
        Coverage::SignOnly => "sign only",
        Coverage::None => "nothing published",
    }
}
