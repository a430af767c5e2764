//! What one person has, as the records of a journal tell it one after the other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bundle::model::Attribute;

/// What became of a person in the upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Upload {
    /// The tenant has exactly what the bundle says: written and read back, or found equal.
    Published,
    /// Written, and nobody has seen it in the tenant yet.
    Unconfirmed,
    /// The server refused; the old values are still there.
    NotWritten,
    /// Left alone; the result says why.
    Skipped,
    /// Rolled back: the old values are there again.
    Restored,
    /// The journal does not mention this person.
    NotMentioned,
}

impl Upload {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Unconfirmed => "unconfirmed",
            Self::NotWritten => "not written",
            Self::Skipped => "skipped",
            Self::Restored => "restored",
            Self::NotMentioned => "not mentioned",
        }
    }
}

/// How well it is known what an attribute holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Certainty {
    /// Exactly these values.
    Exact,
    /// These, or those that were there before.
    WrittenOrOld,
    /// What was there before, which nobody wrote down.
    AsBefore,
}

/// What an attribute holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holding {
    /// The attribute.
    pub attribute: Attribute,
    /// How well it is known.
    pub certainty: Certainty,
    /// SHA-256 of each value, as `valueSha256` in the manifest; null where unknown.
    pub values: Option<Vec<String>>,
}

/// One person after the upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PersonState {
    /// Number in the bundle.
    pub number: u64,
    /// Address in the bundle.
    pub address: String,
    /// What became of them.
    pub upload: Upload,
    /// The script's result where it is not `published`, such as `not-found`, or null.
    pub result: Option<String>,
    /// What the script said about it, or null.
    pub detail: Option<String>,
    /// When the last record about them was written, or null.
    pub time: Option<String>,
    /// Both attributes.
    pub has: Vec<Holding>,
}

/// Both attributes, in the order of [`ATTRIBUTES`]; `None` where nothing is said.
pub type Sets = [Option<Vec<String>>; 2];

/// The attributes.
pub const ATTRIBUTES: [Attribute; 2] = [Attribute::UserCertificate, Attribute::UserSmimeCertificate];

/// What a record says, values as SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Values that were there, and those that were sent; only attributes that differed.
    Before {
        /// There before.
        old: Sets,
        /// Sent.
        new: Sets,
    },
    /// The tenant was read and has what was sent, or what the bundle says.
    Confirmed,
    /// The server refused.
    NotWritten,
    /// Rolled back.
    Restored,
    /// Any other result.
    Result {
        /// Its word.
        result: String,
        /// What the script said.
        detail: Option<String>,
    },
}

/// Follows the records of one person.
#[derive(Clone, Debug, Default)]
pub struct Follow {
    /// Sent and not confirmed.
    pending: Option<Sets>,
    /// The oldest values since the last rollback.
    original: Sets,
    /// What is known to be there.
    known: Sets,
    upload: Option<Upload>,
    result: Option<String>,
    detail: Option<String>,
    time: Option<String>,
}

impl Follow {
    /// Takes the next record. `wanted` is what the bundle sets.
    pub fn take(&mut self, event: Event, time: Option<String>, wanted: &Sets) {
        self.time = time.or_else(|| self.time.take());
        if !matches!(event, Event::Result { .. }) {
            (self.result, self.detail) = (None, None);
        }
        match event {
            Event::Before { old, new } => {
                for (at, old) in old.into_iter().enumerate() {
                    if let (Some(old), Some(original), Some(known)) =
                        (old, self.original.get_mut(at), self.known.get_mut(at))
                    {
                        original.get_or_insert_with(|| old.clone());
                        *known = Some(old);
                    }
                }
                self.pending = Some(new);
                self.upload = Some(Upload::Unconfirmed);
            }
            Event::Confirmed => {
                self.pending = None;
                self.adopt(wanted);
                self.upload = Some(Upload::Published);
            }
            Event::NotWritten => {
                self.pending = None;
                self.upload = Some(Upload::NotWritten);
            }
            Event::Restored => {
                self.pending = None;
                let original = std::mem::take(&mut self.original);
                self.adopt(&original);
                self.upload = Some(Upload::Restored);
            }
            Event::Result { result, detail } => {
                match result.as_str() {
                    // The tenant was found equal.
                    "unchanged" | "confirmed" | "updated" if self.upload != Some(Upload::Restored) => {
                        self.pending = None;
                        self.adopt(wanted);
                        self.upload = Some(Upload::Published);
                    }
                    "unconfirmed" => self.upload = Some(Upload::Unconfirmed),
                    // What is written and not seen yet stays so, whatever a later look says of the way there.
                    _ if self.pending.is_some() => {}
                    _ if self.upload == Some(Upload::NotWritten) => {}
                    "restored" | "unchanged" | "confirmed" | "updated" => {}
                    _ => self.upload = Some(Upload::Skipped),
                }
                (self.result, self.detail) = (Some(result), detail);
            }
        }
    }

    fn adopt(&mut self, sets: &Sets) {
        for (known, set) in self.known.iter_mut().zip(sets) {
            if let Some(set) = set {
                *known = Some(set.clone());
            }
        }
    }

    /// Whether something was sent that is not what the bundle says.
    #[must_use]
    pub fn sent_otherwise(event: &Event, wanted: &Sets) -> bool {
        let sorted = |set: &[String]| {
            let mut set = set.to_vec();
            set.sort();
            set
        };
        match event {
            Event::Before { new, .. } => new.iter().zip(wanted).any(|(new, wanted)| match (new, wanted) {
                (Some(new), Some(wanted)) => sorted(new) != sorted(wanted),
                (Some(_), None) => true,
                (None, _) => false,
            }),
            _ => false,
        }
    }

    /// What the person has in the end.
    #[must_use]
    pub fn finish(self, number: u64, address: String) -> PersonState {
        let upload = self.upload.unwrap_or(Upload::NotMentioned);
        let good = matches!(upload, Upload::Published | Upload::Restored);
        let pending = self.pending.unwrap_or_default();
        let has = ATTRIBUTES
            .into_iter()
            .zip(self.known.into_iter().zip(pending))
            .map(|(attribute, (known, sent))| match (sent, known) {
                (Some(sent), _) => {
                    Holding { attribute, certainty: Certainty::WrittenOrOld, values: Some(sent) }
                }
                (None, Some(known)) => {
                    Holding { attribute, certainty: Certainty::Exact, values: Some(known) }
                }
                (None, None) => Holding { attribute, certainty: Certainty::AsBefore, values: None },
            })
            .collect();
        PersonState {
            number,
            address,
            upload,
            result: self.result.filter(|_| !good),
            detail: self.detail.filter(|_| !good),
            time: self.time,
            has,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn set(values: &[&str]) -> Option<Vec<String>> {
        Some(values.iter().map(|value| (*value).to_owned()).collect())
    }

    fn after(events: &[Event], wanted: &Sets) -> PersonState {
        let mut follow = Follow::default();
        for event in events {
            follow.take(event.clone(), None, wanted);
        }
        follow.finish(1, "kim@x".into())
    }

    fn result(word: &str) -> Event {
        Event::Result { result: word.into(), detail: Some("because".into()) }
    }

    #[test]
    fn the_last_word_counts() {
        let wanted: Sets = [set(&["new"]), None];
        let sent = || Event::Before { old: [set(&["old"]), None], new: [set(&["new"]), None] };
        let has = |state: &PersonState| {
            let first = state.has.first().unwrap();
            (first.certainty, first.values.clone())
        };
        let none = after(&[], &wanted);
        assert_eq!((none.upload, has(&none)), (Upload::NotMentioned, (Certainty::AsBefore, None)));
        for (events, upload, holding) in [
            (vec![sent()], Upload::Unconfirmed, (Certainty::WrittenOrOld, set(&["new"]))),
            (vec![sent(), Event::Confirmed], Upload::Published, (Certainty::Exact, set(&["new"]))),
            (
                vec![sent(), Event::NotWritten, result("failed")],
                Upload::NotWritten,
                (Certainty::Exact, set(&["old"])),
            ),
            (
                vec![sent(), result("unconfirmed")],
                Upload::Unconfirmed,
                (Certainty::WrittenOrOld, set(&["new"])),
            ),
            (
                vec![sent(), result("unconfirmed"), result("unchanged")],
                Upload::Published,
                (Certainty::Exact, set(&["new"])),
            ),
            (vec![sent(), result("failed")], Upload::Unconfirmed, (Certainty::WrittenOrOld, set(&["new"]))),
            (vec![result("unchanged")], Upload::Published, (Certainty::Exact, set(&["new"]))),
            (vec![result("not-found")], Upload::Skipped, (Certainty::AsBefore, None)),
            (vec![Event::Confirmed], Upload::Published, (Certainty::Exact, set(&["new"]))),
            (
                vec![sent(), Event::Confirmed, Event::Restored],
                Upload::Restored,
                (Certainty::Exact, set(&["old"])),
            ),
            (
                vec![sent(), Event::Confirmed, Event::Restored, sent(), Event::Confirmed],
                Upload::Published,
                (Certainty::Exact, set(&["new"])),
            ),
        ] {
            let state = after(&events, &wanted);
            assert_eq!((state.upload, has(&state)), (upload, holding), "{events:?}");
        }
        let skipped = after(&[result("not-found")], &wanted);
        assert_eq!(
            (skipped.result.as_deref(), skipped.detail.as_deref()),
            (Some("not-found"), Some("because"))
        );
        let mended = after(&[result("not-found"), sent(), Event::Confirmed], &wanted);
        assert_eq!((mended.upload, mended.result), (Upload::Published, None));
    }

    #[test]
    fn what_was_sent_must_be_the_bundles() {
        let wanted: Sets = [set(&["a", "b"]), None];
        let sent = |new: Sets| Event::Before { old: [None, None], new };
        assert!(!Follow::sent_otherwise(&sent([set(&["b", "a"]), None]), &wanted));
        assert!(Follow::sent_otherwise(&sent([set(&["a"]), None]), &wanted));
        assert!(Follow::sent_otherwise(&sent([None, set(&[])]), &wanted));
        assert!(!Follow::sent_otherwise(&Event::Confirmed, &wanted));
    }
}
