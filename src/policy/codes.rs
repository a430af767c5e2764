//! Severity and decision of codes, where a policy changes them.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::exceptions::Until;
use super::fixed::against_decision;
use super::keys::wrong_word;
use super::tree::{Fields, Problems, describe};
use super::words::Word;
use crate::bundle::model::{Decision, Severity};
use crate::rules::{self, Rule};

/// What a policy changes about a code. A part that is the default of the code is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// Its severity.
    pub severity: Option<Severity>,
    /// Its decision.
    pub decision: Option<Decision>,
    /// Why, where the file says it.
    pub reason: Option<String>,
    /// The last day on which it applies, where there is one.
    pub until: Option<Until>,
}

/// A code that refuses an input as a whole before there is anything to find in it.
const NEVER_TOLD: &str = "not-ldif";

/// The rules that a policy can say something about: all that can be found.
pub fn settable() -> impl Iterator<Item = &'static Rule> {
    rules::registry().iter().copied().filter(|rule| rule.code != NEVER_TOLD)
}

const KNOWN: &[&str] = &["severity", "decision", "reason", "until"];
const FORM: &str = "write it like expired = { severity = \"error\", reason = \"why\" }";

/// Reads `[codes]`.
pub fn read(table: &DeTable<'_>, problems: &mut Problems) -> BTreeMap<&'static str, Override> {
    let codes: Vec<&str> = settable().map(|rule| rule.code).collect();
    let mut overrides = BTreeMap::new();
    for (key, value) in table {
        let Some(rule) = settable().find(|rule| rule.code == *key.get_ref()) else {
            problems.unknown(key, "in [codes]: there is no such code", &codes, None);
            continue;
        };
        let Some(fields) = value.get_ref().as_table() else {
            let found = describe(value.get_ref());
            let message = format!("codes.{}: found {found}; expected a severity or decision", rule.code);
            problems.add(&value.span(), message, FORM);
            continue;
        };
        let label = format!("codes.{}", rule.code);
        let fields = Fields::new(label, key.span(), fields, KNOWN, problems);
        if let Some(entry) = entry(rule, &fields, problems) {
            overrides.insert(rule.code, entry);
        }
    }
    overrides
}

fn entry(rule: &'static Rule, fields: &Fields<'_, '_>, problems: &mut Problems) -> Option<Override> {
    let severity = word::<Severity>("severity", fields, problems);
    let decision = word::<Decision>("decision", fields, problems);
    if let (Some(decision), Some(value)) = (decision, fields.get("decision"))
        && let Some((message, remedy)) = against_decision(rule, decision)
    {
        problems.add(&value.span(), message, remedy);
    }
    let entry = Override {
        severity: severity.filter(|severity| *severity != rule.severity),
        decision: decision.filter(|decision| Some(*decision) != rule.decision),
        reason: fields.text("reason", FORM, problems).map(str::to_owned),
        until: Until::read(fields, problems),
    };
    // What is the default anyway is no change, with or without a reason.
    (entry.severity.is_some() || entry.decision.is_some()).then_some(entry)
}

fn word<W: Word>(name: &str, fields: &Fields<'_, '_>, problems: &mut Problems) -> Option<W> {
    let value = fields.get(name)?;
    let read = value.get_ref().as_str().and_then(W::of);
    if read.is_none() {
        wrong_word(&fields.named(name), value, &W::words(), FORM, problems);
    }
    read
}
