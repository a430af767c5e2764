//! `publish = "newest"`: which good certificates have a successor that takes their place.

use super::Choice;
use crate::bundle::model::Decision;
use crate::certificate::UnixTime;
use crate::limits::DAY;
use crate::rules::{Finding, policy as policy_rules};

/// Withholds every choice that has a successor. A successor stands in the same attribute, is published,
/// began later, ends no earlier, can do all that the other one can and bears all the addresses of the person
/// that the other one bears, and has been valid for `overlap` days: so nobody loses anything by the drop.
pub fn supersede(choices: &mut [Choice<'_>], overlap: i64, at: UnixTime) {
    let since = at.0.saturating_sub(overlap.saturating_mul(DAY));
    // Whether one succeeds another does not depend on what else is dropped: the newest of a row drops all.
    let dropped: Vec<Option<usize>> = choices
        .iter()
        .map(|old| {
            let succeeds = |new: &Choice<'_>| new.not_before <= since && succeeds(new, old);
            choices.iter().position(succeeds)
        })
        .collect();
    for (at, successor) in dropped.into_iter().enumerate() {
        let Some(new) = successor.and_then(|index| choices.get(index)) else { continue };
        let (begins, ends) = (UnixTime(new.not_before), UnixTime(new.not_after));
        if let Some(old) = choices.get_mut(at) {
            old.decision = Decision::Withhold;
            old.findings.push(Finding::new(
                &policy_rules::SUPERSEDED,
                format!("a certificate that is valid from {begins} to {ends} has taken its place"),
                format!("the newest certificate, or a successor that is younger than {overlap} days"),
            ));
        }
    }
}

fn succeeds(new: &Choice<'_>, old: &Choice<'_>) -> bool {
    let published = |choice: &Choice<'_>| choice.decision == Decision::Publish;
    new.attribute == old.attribute
        && published(new)
        && published(old)
        && new.not_before > old.not_before
        && new.not_after >= old.not_after
        && (new.abilities.encrypt || !old.abilities.encrypt)
        && (new.abilities.sign || !old.abilities.sign)
        && old.own.iter().all(|address| new.own.contains(address))
}
