//! Change records: what a `changetype:` is, and the parts of a `modify`.
//!
//! RFC 2849: a `modify` consists of parts, `add: attr`, `replace: attr` or `delete: attr`, then values, then `-`.

use super::body::Place;
use super::line::{Kind, Parts};
use super::name;
use super::parser::BlockParser;
use super::problem::{Code, Problem, excerpt};
use super::record::{ChangeKind, Entry, Operation, Record, slice};

/// What a `changetype:` line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changetype {
    Take(ChangeKind),
    /// `delete`, `modrdn`, `moddn`: reported and ignored.
    Ignore(&'static str),
    Unknown,
}

pub(super) fn changetype(value: &[u8]) -> Changetype {
    let value = value.trim_ascii().to_ascii_lowercase();
    match value.as_slice() {
        b"add" => Changetype::Take(ChangeKind::Add),
        b"modify" => Changetype::Take(ChangeKind::Modify),
        b"delete" => Changetype::Ignore("delete"),
        b"modrdn" => Changetype::Ignore("modrdn"),
        b"moddn" => Changetype::Ignore("moddn"),
        _ => Changetype::Unknown,
    }
}

/// Where a `modify` stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Section {
    /// Before the first part, or behind a `-`.
    #[default]
    None,
    /// In an `add:` or `replace:` of an attribute, with the number of values so far.
    Take { operation: Operation, attribute: Vec<u8>, values: u64 },
    /// In a part that is ignored.
    Ignore,
}

/// What a line of a `modify` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModifyLine {
    /// Starts `add:` or `replace:`.
    Start(Operation),
    /// Starts a part that is ignored: `delete`, `increment`.
    StartIgnored(&'static str),
    /// A value to be taken; `true` if it is of another attribute than the part's.
    Value(Operation, bool),
    /// A value of a part that is ignored.
    Ignored,
    /// Not in any part.
    Outside,
}

impl Section {
    /// What a line with this name is.
    pub(super) fn classify(&self, written: &[u8]) -> ModifyLine {
        let base = name::base(written);
        if let Section::Take { operation, attribute, .. } = self
            && name::same(base, name::base(attribute))
        {
            return ModifyLine::Value(*operation, false);
        }
        // A part that was not ended with `-` may be followed by the next; no attribute has these names.
        for (keyword, operation) in [("add", Operation::Add), ("replace", Operation::Replace)] {
            if base.eq_ignore_ascii_case(keyword.as_bytes()) {
                return ModifyLine::Start(operation);
            }
        }
        for keyword in ["delete", "increment"] {
            if base.eq_ignore_ascii_case(keyword.as_bytes()) {
                return ModifyLine::StartIgnored(keyword);
            }
        }
        match self {
            Section::Take { operation, .. } => ModifyLine::Value(*operation, true),
            Section::Ignore => ModifyLine::Ignored,
            Section::None => ModifyLine::Outside,
        }
    }
}

/// What the record turned out to be.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// A `changetype:` was read.
    known: bool,
    /// The record deletes or renames, or its changetype is unknown: its lines are not taken.
    pub(super) ignored: bool,
    /// A line of a `modify` was reported as not taken over.
    pub(super) reported: bool,
    pub(super) section: Section,
}

impl BlockParser<'_> {
    pub(super) fn changetype(
        &mut self,
        parts: Parts<'_>,
        place: Place,
        record: &mut Record,
        change: &mut Change,
        problems: &mut Vec<Problem>,
    ) {
        let found = match parts.kind {
            _ if change.known => Changetype::Unknown,
            Kind::Plain => changetype(parts.value),
            Kind::Base64 => {
                let used = record.used;
                match self.decoder.strict(parts.value, &mut record.arena, used) {
                    Some(n) => changetype(slice(&record.arena, (used, used + n))),
                    None => Changetype::Unknown,
                }
            }
            Kind::Url => Changetype::Unknown,
        };
        let is_control = |entry: &Entry| slice(&record.arena, entry.name).eq_ignore_ascii_case(b"control");
        let late = !record.entries.iter().all(is_control);
        let bad = |expected: &str| {
            format!("changetype \"{}\" was not taken over (expected {expected})", excerpt(parts.value))
        };
        if change.known {
            self.say(problems, Code::BadChangetype, place, None, record, || {
                bad("one changetype in a record")
            });
            return;
        }
        if late && found != Changetype::Take(ChangeKind::Add) {
            self.say(problems, Code::BadChangetype, place, None, record, || {
                bad("changetype directly behind the DN")
            });
            return;
        }
        if late {
            self.say(problems, Code::LateChangetype, place, None, record, || {
                "changetype: add stands behind attributes (expected directly behind the DN); it was applied"
                    .into()
            });
        } else if !record.entries.is_empty() {
            record.entries.clear();
            self.say(problems, Code::ControlIgnored, place, None, record, || {
                "the controls of this change record are not applied".into()
            });
        }
        change.known = true;
        match found {
            Changetype::Take(kind) => record.kind = kind,
            Changetype::Ignore(kind) => {
                change.ignored = true;
                self.say(problems, Code::ChangeIgnored, place, None, record, || {
                    format!("a record that changes the entry by {kind} is not taken over (only add and modify are); export the entries as they are now")
                });
            }
            Changetype::Unknown => {
                change.ignored = true;
                self.say(problems, Code::BadChangetype, place, None, record, || bad("add or modify"));
            }
        }
    }

    /// A line of a `modify`: the operation if it is a value to be taken.
    pub(super) fn modify_line(
        &mut self,
        parts: Parts<'_>,
        place: Place,
        record: &Record,
        change: &mut Change,
        problems: &mut Vec<Problem>,
    ) -> Option<Operation> {
        let ended = change.section == Section::None;
        match change.section.classify(parts.name) {
            ModifyLine::Start(operation) => {
                if !ended {
                    self.end_section(record, change, false, problems);
                }
                change.section =
                    Section::Take { operation, attribute: parts.value.trim_ascii().to_vec(), values: 0 };
                None
            }
            ModifyLine::StartIgnored(keyword) => {
                if !ended {
                    self.end_section(record, change, false, problems);
                }
                change.section = Section::Ignore;
                change.reported = true;
                self.say(problems, Code::ModifyPartIgnored, place, None, record, || {
                    format!("{keyword}: {} of a modify is not taken over (only add and replace are); export the entry as it is now", excerpt(parts.value))
                });
                None
            }
            ModifyLine::Value(operation, other) => {
                if other {
                    self.say(problems, Code::ModifyOtherName, place, Some(parts.name), record, || {
                        "this line names another attribute than the add: or replace: before it; it was taken over".into()
                    });
                }
                if let Section::Take { values, .. } = &mut change.section {
                    *values += 1;
                }
                Some(operation)
            }
            ModifyLine::Ignored => None,
            ModifyLine::Outside => {
                change.reported = true;
                self.say(problems, Code::ModifyNoOperation, place, Some(parts.name), record, || {
                    "this line of a modify stands in no part (expected add: or replace: first); not taken over".into()
                });
                None
            }
        }
    }

    /// A line `-`.
    pub(super) fn separator(
        &mut self,
        place: Place,
        record: &Record,
        change: &mut Change,
        problems: &mut Vec<Problem>,
    ) {
        if change.ignored {
            return;
        }
        if change.section == Section::None {
            self.say(problems, Code::StraySeparator, place, None, record, || {
                "a line - ends nothing (expected only behind a part of a modify); it was skipped".into()
            });
        } else {
            self.end_section(record, change, true, problems);
        }
    }

    /// Ends a part of a `modify`, with its `-` or without.
    pub(super) fn end_section(
        &mut self,
        record: &Record,
        change: &mut Change,
        separated: bool,
        problems: &mut Vec<Problem>,
    ) {
        let place =
            Place { pos: self.state.pos, line: self.state.line, next: self.state.pos, cut_off: false };
        if !separated {
            self.say(problems, Code::MissingSeparator, place, None, record, || {
                "a part of a modify does not end with a line - (expected one)".into()
            });
        }
        if let Section::Take { operation: Operation::Replace, attribute, values: 0 } = &change.section {
            change.reported = true;
            self.say(problems, Code::ModifyPartIgnored, place, None, record, || {
                format!("replace: {} without values removes the attribute; not taken over: export the entry as it is now", excerpt(attribute))
            });
        }
        change.section = Section::None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changetypes_in_any_case() {
        assert_eq!(changetype(b"ADD "), Changetype::Take(ChangeKind::Add));
        assert_eq!(changetype(b"modDN"), Changetype::Ignore("moddn"));
        assert_eq!(changetype(b"adds"), Changetype::Unknown);
    }

    #[test]
    fn lines_of_a_modify() {
        let section =
            Section::Take { operation: Operation::Add, attribute: b"userCertificate".to_vec(), values: 0 };
        assert_eq!(section.classify(b"usercertificate;binary"), ModifyLine::Value(Operation::Add, false));
        assert_eq!(section.classify(b"2.5.4.36"), ModifyLine::Value(Operation::Add, false));
        assert_eq!(section.classify(b"cn"), ModifyLine::Value(Operation::Add, true));
        assert_eq!(section.classify(b"Delete"), ModifyLine::StartIgnored("delete"));
        assert_eq!(Section::None.classify(b"cn"), ModifyLine::Outside);
        assert_eq!(Section::Ignore.classify(b"cn"), ModifyLine::Ignored);
    }
}
