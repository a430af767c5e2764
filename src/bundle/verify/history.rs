//! What a manifest says about the time before, counted again and held against the payload.

use super::super::manifest::Frame;
use super::super::model::{Attribute, Changes, ClearClass, ClearedCounts, Decision, PayloadLine, Recipient};
use super::{ProblemKind, Report};

/// Counts while the manifest is walked.
#[derive(Default)]
pub(super) struct Recount {
    changes: Changes,
    cleared: ClearedCounts,
    lost: u64,
    with: u64,
    without: u64,
    /// Somebody who stands in no input was seen.
    gone: bool,
}

impl Recount {
    /// Counts one recipient; returns what is wrong with them, in words that follow "recipient 17".
    pub(super) fn see(&mut self, recipient: &Recipient) -> Vec<String> {
        let mut wrong = Vec::new();
        let gone = recipient.source.is_none();
        if gone && !recipient.candidates.is_empty() {
            wrong.push("stands in no input and has candidates".to_owned());
        }
        if self.gone && !gone {
            wrong.push("stands behind somebody who is in no input: these come last".to_owned());
        }
        self.gone |= gone;
        let Some(history) = &recipient.history else {
            self.without += 1;
            if gone {
                wrong.push("stands in no input, and nothing is said about the time before".to_owned());
            }
            return wrong;
        };
        self.with += 1;
        self.changes.count(history, gone);
        self.lost += u64::from(history.lost);
        for one in &history.cleared {
            self.cleared.add(one.class, 1);
            let name = one.attribute.name();
            let published = recipient.candidates.iter().any(|candidate| {
                candidate.attribute == one.attribute && candidate.decision == Decision::Publish
            });
            if published {
                wrong.push(format!("publishes values of {name}, which is said to be cleared"));
            }
            if (one.class == ClearClass::Gone) != gone {
                wrong.push(format!("has {name} cleared as {:?}, which does not fit", one.class));
            }
            if one.class == ClearClass::Shadowing && one.attribute != Attribute::UserSmimeCertificate {
                wrong.push(format!("has {name} cleared for shadowing"));
            }
            if history.remaining.iter().any(|value| value.attribute == one.attribute) {
                wrong.push(format!("has values that stay in {name}, which is cleared"));
            }
        }
        if !history.cleared.is_empty() && recipient.payload.is_none() {
            wrong.push("has attributes cleared and no payload line".to_owned());
        }
        wrong
    }

    /// Holds the counts against the summary.
    pub(super) fn compare(&self, frame: &Frame, shown: &str, report: &mut Report) {
        let mut wrong = |kind: ProblemKind, text: String| report.problem(kind, Some(shown), None, text);
        let summary = &frame.summary;
        let Some(changes) = &summary.changes else {
            if self.with > 0 {
                let text = format!("{} recipients have a history, the summary has no changes", self.with);
                wrong(ProblemKind::Totals, text);
            }
            return;
        };
        if self.without > 0 {
            let text = format!("{} recipients lack a history, the summary has changes", self.without);
            wrong(ProblemKind::Totals, text);
        }
        for text in changes.disagreements(&self.changes) {
            wrong(ProblemKind::Totals, text);
        }
        for class in ClearClass::ALL {
            let (said, counted) = (summary.cleared.of(class), self.cleared.of(class));
            if said != counted {
                let text =
                    format!("the summary says {said} cleared as {}, counted were {counted}", class.word());
                wrong(ProblemKind::Totals, text);
            }
        }
        // Who is in the inputs and no recipient any more is lost too, and has no entry.
        if summary.coverage.lost_since_previous < self.lost {
            let said = summary.coverage.lost_since_previous;
            let text = format!("the summary says {said} lostSincePrevious, counted were {}", self.lost);
            wrong(ProblemKind::Totals, text);
        }
        if let Some(allowed) = changes.removals_allowed.filter(|allowed| changes.removed > *allowed) {
            let text = format!("{} removals, and {allowed} were allowed", changes.removed);
            wrong(ProblemKind::Manifest, text);
        }
        let before = changes.previous.as_ref();
        let bundle = &frame.bundle;
        if bundle.previous.as_ref() != before.map(|bundle| &bundle.id) {
            wrong(
                ProblemKind::Manifest,
                "bundle.previous is not the bundle that changes.previous names".into(),
            );
        }
        let next = before.map(|bundle| bundle.sequence.unwrap_or_default().saturating_add(1));
        if bundle.sequence != next {
            let number = |number: Option<u64>| number.map_or("null".to_owned(), |number| number.to_string());
            let text = format!("the sequence is {}, it should be {}", number(bundle.sequence), number(next));
            wrong(ProblemKind::Manifest, text);
        }
    }
}

/// What is wrong with the attributes that a payload line clears.
pub(super) fn clearings(recipient: &Recipient, line: &PayloadLine) -> Vec<String> {
    let said = recipient.history.as_ref().map(|history| history.cleared.as_slice()).unwrap_or_default();
    let sets = [
        (Attribute::UserCertificate, &line.user_certificate),
        (Attribute::UserSmimeCertificate, &line.user_smime_certificate),
    ];
    sets.into_iter()
        .filter_map(|(attribute, values)| {
            let clears = values.as_ref().is_some_and(Vec::is_empty);
            match (clears, said.iter().any(|one| one.attribute == attribute)) {
                (true, false) => Some(format!(
                    "clears {} of recipient {}, and the manifest does not say so",
                    attribute.name(),
                    recipient.number
                )),
                (false, true) => Some(format!(
                    "does not clear {} of recipient {}, as the manifest says",
                    attribute.name(),
                    recipient.number
                )),
                _ => None,
            }
        })
        .collect()
}
