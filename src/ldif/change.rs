//! Change records: what a `changetype:` is, and the parts of a `modify`.
//!
//! RFC 2849: a `modify` consists of parts, `add: attr`, `replace: attr` or `delete: attr`, then values, then `-`.

use super::name;
use super::record::{ChangeKind, Operation};

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
    Take {
        operation: Operation,
        attribute: Vec<u8>,
        values: u64,
    },
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
        if let Section::Take {
            operation,
            attribute,
            ..
        } = self
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
        let section = Section::Take {
            operation: Operation::Add,
            attribute: b"userCertificate".to_vec(),
            values: 0,
        };
        assert_eq!(
            section.classify(b"usercertificate;binary"),
            ModifyLine::Value(Operation::Add, false)
        );
        assert_eq!(
            section.classify(b"2.5.4.36"),
            ModifyLine::Value(Operation::Add, false)
        );
        assert_eq!(
            section.classify(b"cn"),
            ModifyLine::Value(Operation::Add, true)
        );
        assert_eq!(
            section.classify(b"Delete"),
            ModifyLine::StartIgnored("delete")
        );
        assert_eq!(Section::None.classify(b"cn"), ModifyLine::Outside);
        assert_eq!(Section::Ignore.classify(b"cn"), ModifyLine::Ignored);
    }
}
