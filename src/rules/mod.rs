//! Rules: permanent codes, what they decide, and why.
//!
//! A [`Rule`] is constant data: a code that never changes its meaning, the severity and the decision
//! it has by default, its citation, and an explanation that is help text, report text and
//! documentation at once. The families stand one a file; [`registry`] lists them all. A family whose
//! rules look at one certificate has a `check` function beside the data; the other codes are raised
//! where the fact comes up (the reader, the path engine, selection) through the same constants.
//!
//! Two things are kept apart. *Severity* says how much a person should care. *Decision* says what
//! happens to the candidate, by one question: would a person be unable to read or send encrypted
//! mail, or read another's, if this were published?

pub mod address;
pub mod history;
pub mod input;
pub mod key;
pub mod path;
pub mod policy;
pub mod readers;
pub mod recipient;
pub mod run;
pub mod structure;
pub mod usage;
pub mod validity;
pub mod value;

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::bundle::model::{CandidateFinding, Decision, FindingCertificate, FindingLine, Severity, Source};

/// A permanent code and everything that is said about it.
#[derive(Debug)]
pub struct Rule {
    /// Kebab-case, names the defect, never changes its meaning.
    pub code: &'static str,
    /// Weight by default.
    pub severity: Severity,
    /// What it does to the candidate it concerns; `None` where there is no candidate to decide on.
    pub decision: Option<Decision>,
    /// Where the requirement comes from.
    pub citation: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What the finding means.
    pub means: &'static str,
    /// Why it matters to a person who writes or reads mail.
    pub matters: &'static str,
    /// How to mend it.
    pub mend: &'static str,
}

/// A code stands for its rule: no two rules have the same.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Rule {}

impl Rule {
    /// The title as the beginning of a clause: `the certificate has expired`.
    #[must_use]
    pub fn clause(&self) -> String {
        let mut letters = self.title.chars();
        letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
    }
}

/// Something that was found: data about the input, never the end of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// Its weight here; a rule's severity is lowered where the context makes it normal.
    pub severity: Severity,
    /// What was found: a clause that can follow "Withheld:".
    pub found: Cow<'static, str>,
    /// What was required.
    pub required: Cow<'static, str>,
    /// What it does to the candidate: the rule's decision, unless the run makes it stricter.
    pub decision: Option<Decision>,
    /// Whether findings.ndjson lists it. What several recipients share is one finding there, at the
    /// first of them, while the manifest shows it at each.
    pub listed: bool,
    /// Whether the policy has had its say.
    pub(crate) settled: bool,
    /// What the policy changed about it.
    pub(crate) ruling: Option<Box<Ruling>>,
}

/// What the policy changed about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ruling {
    /// In a clause: `the policy withholds it: REASON`.
    pub(crate) clause: String,
    /// Without it the finding would withhold.
    pub(crate) softens: bool,
}

impl Finding {
    /// A finding with the rule's own severity.
    pub fn new(
        rule: &'static Rule,
        found: impl Into<Cow<'static, str>>,
        required: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            rule,
            severity: rule.severity,
            found: found.into(),
            required: required.into(),
            decision: rule.decision,
            listed: true,
            settled: false,
            ruling: None,
        }
    }

    /// Whether it withholds the candidate.
    #[must_use]
    pub fn withholds(&self) -> bool {
        self.decision == Some(Decision::Withhold)
    }

    /// Found and required in one sentence, and what the policy changed.
    #[must_use]
    pub fn message(&self) -> Cow<'static, str> {
        let required = if self.required.is_empty() { ["", ""] } else { ["; required: ", &self.required] };
        let ruling = self.ruling.as_ref().map_or(["", ""], |ruling| ["; ", &ruling.clause]);
        if self.required.is_empty() && self.ruling.is_none() {
            return self.found.clone();
        }
        [&self.found, required[0], required[1], ruling[0], ruling[1]].concat().into()
    }

    /// The form in which findings.ndjson carries it. `recipient` is `Some(0)` where the writer fills
    /// in the number.
    #[must_use]
    pub fn line(
        &self,
        recipient: Option<u64>,
        address: Option<String>,
        certificate: Option<FindingCertificate>,
        source: Option<Source>,
    ) -> FindingLine {
        FindingLine {
            recipient,
            code: self.rule.code.into(),
            severity: self.severity,
            decision: self.decision,
            address,
            certificate,
            source,
            found: self.found.clone(),
            required: self.required.clone(),
            message: self.message(),
        }
    }

    /// The form in which a manifest carries it.
    #[must_use]
    pub fn for_manifest(&self) -> CandidateFinding {
        CandidateFinding { code: self.rule.code.into(), severity: self.severity, message: self.message() }
    }
}

/// Every rule, sorted by code.
#[must_use]
pub fn registry() -> &'static [&'static Rule] {
    static SORTED: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
        let listed = [
            address::RULES,
            history::RULES,
            input::RULES,
            key::RULES,
            policy::RULES,
            readers::RULES,
            recipient::RULES,
            run::RULES,
            usage::RULES,
            validity::RULES,
            value::RULES,
        ];
        let made = [input::export_rules(), path::rules(), structure::rules()];
        let mut all: Vec<&'static Rule> = listed.into_iter().flatten().copied().collect();
        all.extend(made.into_iter().flatten());
        all.sort_by_key(|rule| rule.code);
        all
    });
    &SORTED
}

/// The rule with this code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    position(code).and_then(|at| registry().get(at)).copied()
}

/// Where the rule with this code stands in the [`registry`].
#[must_use]
pub fn position(code: &str) -> Option<usize> {
    registry().binary_search_by_key(&code, |rule| rule.code).ok()
}

/// The registered codes nearest to a mistyped one, best first.
#[must_use]
pub fn nearest(code: &str) -> Vec<&'static str> {
    nearest_of(code, registry().iter().map(|rule| rule.code))
}

/// The known words nearest to a mistyped one, best first, at most three.
#[must_use]
pub fn nearest_of<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Vec<&'w str> {
    let mut ranked: Vec<(usize, &'w str)> = known
        .into_iter()
        .map(|candidate| {
            let contained = candidate.contains(word) || word.contains(candidate);
            (if contained { 0 } else { distance(word, candidate) }, candidate)
        })
        .filter(|(far, candidate)| *far <= 2 + candidate.len() / 4)
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(3).map(|(_, candidate)| candidate).collect()
}

/// Levenshtein's distance, for suggestions only.
pub(crate) fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().take(64).enumerate() {
        let mut diagonal = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        let mut previous = i + 1;
        for (b, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let next = (diagonal + usize::from(a != *b)).min(previous + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = next;
            previous = next;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_sorted_and_explained() {
        let all = registry();
        assert!(all.len() > 60, "only {} rules", all.len());
        for pair in all.windows(2) {
            assert!(pair[0].code < pair[1].code, "{} stands twice", pair[1].code);
        }
        for rule in all {
            assert!(
                rule.code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{} is not kebab-case",
                rule.code
            );
            for text in [rule.citation, rule.title, rule.means, rule.matters, rule.mend] {
                assert!(text.len() > 4, "{} lacks a text", rule.code);
            }
            for sentence in [rule.means, rule.matters, rule.mend] {
                assert!(sentence.ends_with('.'), "{}: {sentence:?} is no sentence", rule.code);
            }
            assert_eq!(find(rule.code), Some(*rule));
        }
        assert_eq!(find("no-such-code"), None);
    }

    #[test]
    fn a_mistyped_code_is_guessed() {
        assert_eq!(nearest("expird").first(), Some(&"expired"));
        assert!(nearest("no-email").contains(&"no-email-match"));
        assert!(nearest("zzzzzzzzzzzzzzzzzzz").is_empty());
    }
}
