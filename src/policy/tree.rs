//! The text as a tree of TOML in which every key and value has its place, and what is wrong with it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::limits::POLICY_PROBLEMS;
use crate::rules::nearest_of;

/// A key with its place.
pub type KeySpan<'i> = Spanned<DeString<'i>>;
/// A value with its place.
pub type ValueSpan<'i> = Spanned<DeValue<'i>>;

/// Something in a policy file that cannot stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Character in it, from 1.
    pub column: usize,
    /// What was found and what was expected.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// Collects problems by their place in the text.
#[derive(Default)]
pub struct Problems(Vec<(usize, String, String)>);

impl Problems {
    /// Adds one.
    pub fn add(&mut self, span: &Range<usize>, message: impl Into<String>, remedy: impl Into<String>) {
        self.0.push((span.start, message.into(), remedy.into()));
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds that a key is not known. `known` are those of the place, `elsewhere` where a key of this name
    /// would belong.
    pub fn unknown(&mut self, key: &KeySpan<'_>, place: &str, known: &[&str], elsewhere: Option<&str>) {
        let name: &str = key.get_ref();
        let message = format!("unknown key {name:?} {place}");
        let remedy = match (elsewhere, nearest_of(name, known.iter().copied()).first()) {
            (Some(section), _) => format!("{name} belongs {section}"),
            (None, Some(near)) => format!("did you mean {near}? {}", listed(known)),
            (None, None) => format!("take it out; {}", listed(known)),
        };
        self.add(&key.span(), message, remedy);
    }

    /// Adds that a value is of another type or out of range.
    pub fn unexpected(
        &mut self,
        name: &str,
        value: &ValueSpan<'_>,
        expected: &str,
        remedy: impl Into<String>,
    ) {
        let found = describe(value.get_ref());
        self.add(&value.span(), format!("{name}: found {found}; expected {expected}"), remedy);
    }

    /// The problems in the order of the text, with lines and columns; the first of many.
    pub fn located(mut self, text: &str) -> Vec<Problem> {
        self.0.sort();
        let more = self.0.len().saturating_sub(POLICY_PROBLEMS);
        let mut problems: Vec<Problem> = self
            .0
            .into_iter()
            .take(POLICY_PROBLEMS)
            .map(|(at, message, remedy)| {
                let before = text.get(..at).unwrap_or(text);
                let start = before.rfind('\n').map_or(0, |end| end + 1);
                Problem {
                    line: 1 + before.matches('\n').count(),
                    column: 1 + before.get(start..).unwrap_or_default().chars().count(),
                    message,
                    remedy,
                }
            })
            .collect();
        if let (1.., Some(last)) = (more, problems.last_mut()) {
            last.remedy.push_str(&format!(" (and {more} more problems)"));
        }
        problems
    }
}

/// What is known at a place. Nobody reads two hundred codes in a hint.
fn listed(words: &[&str]) -> String {
    if words.len() > 20 {
        return "certferry explain lists the codes".to_owned();
    }
    format!("known here: {}", words.join(", "))
}

/// Parses the text. A syntax error is the only problem then: what comes behind it often follows from it.
pub fn parse(text: &str) -> Result<DeTable<'_>, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    let Some(error) = errors.iter().min_by_key(|error| start(error)) else { return Ok(table.into_inner()) };
    let message = error.message().trim().replace('\n', "; ");
    let remedy = SYNTAX.iter().find(|(part, _)| message.contains(part)).map_or(FORM, |(_, remedy)| remedy);
    let mut problems = Problems::default();
    let at = start(error);
    problems.add(&(at..at), format!("this is no TOML: {message}"), remedy);
    Err(problems.located(text))
}

/// Parts of what the parser says, and what to do then.
const SYNTAX: &[(&str, &str)] = &[
    (
        "duplicate key",
        "keep one of the two; a section stands once, and [[anchor]] and [[exception]] have two brackets",
    ),
    ("must be quoted", "write the value in quotes, like publish = \"all\" or max_removals = \"5%\""),
    ("date", "write a day that there is, year first, like until = 2026-12-31"),
    ("float", "write whole numbers like 30, days like 2026-12-31, and texts in quotes"),
    ("string", "end the text with the quote that it began with, on the same line"),
    ("table", "write a section on a line of its own, like [limits] or [[exception]]"),
    ("key", "write one key and its value on a line, like warn_days = 30"),
];

const FORM: &str = "texts stand in quotes, numbers and true or false do not, lists are [\"a\", \"b\"], days are 2026-12-31; certferry generate policy prints a whole file to start from";

/// A value in words.
pub fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {text:?}"),
        DeValue::Integer(number) => format!("the number {}", number.as_str()),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(list) if list.is_empty() => "an empty list".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// The number, where the value is a whole one that 64 bits hold.
pub fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// The fields of a table entry by name; what is not known is a problem.
pub struct Fields<'t, 'i> {
    label: String,
    span: Range<usize>,
    table: &'t DeTable<'i>,
    /// Known names that an unknown one may have been meant for.
    meant: Vec<String>,
}

impl<'t, 'i> Fields<'t, 'i> {
    /// Takes an entry apart. `label` names it in messages, `span` is where it begins.
    pub fn new(
        label: String,
        span: Range<usize>,
        table: &'t DeTable<'i>,
        known: &[&str],
        problems: &mut Problems,
    ) -> Self {
        let mut meant = Vec::new();
        for key in table.keys().filter(|key| !known.contains(&&**key.get_ref())) {
            problems.unknown(key, &format!("in {label}"), known, None);
            let near = nearest_of(key.get_ref(), known.iter().copied());
            meant.extend(near.first().map(|name| (*name).to_owned()));
        }
        Self { label, span, table, meant }
    }

    /// The entry's name in messages.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Where the entry begins.
    pub fn span(&self) -> &Range<usize> {
        &self.span
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&'t ValueSpan<'i>> {
        self.table.iter().find(|(key, _)| **key.get_ref() == *name).map(|(_, value)| value)
    }

    /// A text on one line that says something; `remedy` tells how to write it. A missing one is no problem
    /// here.
    pub fn text(&self, name: &str, remedy: &str, problems: &mut Problems) -> Option<&'t str> {
        let value = self.get(name)?;
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() && !text.chars().any(char::is_control) => Some(text),
            Some(text) if text.trim().is_empty() => {
                problems.unexpected(&self.named(name), value, "a text that says something", remedy);
                None
            }
            _ => {
                problems.unexpected(&self.named(name), value, "a text on one line, in quotes", remedy);
                None
            }
        }
    }

    /// Like [`Fields::text`], and a missing one is a problem.
    pub fn needed(&self, name: &str, remedy: &str, problems: &mut Problems) -> Option<&'t str> {
        if self.get(name).is_none() {
            self.missing(name, remedy, problems);
        }
        self.text(name, remedy, problems)
    }

    /// Adds that a field is missing, unless it is there with a mistake in its name, which is told already.
    pub fn missing(&self, name: &str, remedy: &str, problems: &mut Problems) {
        if self.meant.iter().any(|meant| meant == name) {
            return;
        }
        problems.add(&self.span, format!("{} has no {name}", self.label), remedy);
    }

    /// A list of texts with their places; `None` when there is none or it is no such list.
    pub fn list(
        &self,
        name: &str,
        remedy: &str,
        problems: &mut Problems,
    ) -> Option<Vec<(&'t str, &'t ValueSpan<'i>)>> {
        let value = self.get(name)?;
        texts(&self.named(name), value, remedy, problems)
    }

    /// A field's name in messages.
    pub fn named(&self, name: &str) -> String {
        format!("{}, {name}", self.label)
    }
}

/// A list of texts, each once and at least one, with their places.
pub fn texts<'t, 'i>(
    name: &str,
    value: &'t ValueSpan<'i>,
    remedy: &str,
    problems: &mut Problems,
) -> Option<Vec<(&'t str, &'t ValueSpan<'i>)>> {
    let Some(list) = value.get_ref().as_array().filter(|list| !list.is_empty()) else {
        problems.unexpected(name, value, "a list of at least one text", remedy);
        return None;
    };
    let mut found: Vec<(&str, &ValueSpan<'_>)> = Vec::new();
    let mut good = true;
    for item in list.iter() {
        match item.get_ref().as_str() {
            Some(text) if found.iter().any(|(known, _)| *known == text) => {
                problems.unexpected(name, item, "each entry once", "take the second one out");
                good = false;
            }
            Some(text) => found.push((text, item)),
            None => {
                problems.unexpected(name, item, "a text in quotes", remedy);
                good = false;
            }
        }
    }
    good.then_some(found)
}
