//! From the tree to a policy.

use super::keys::{KEYS, Key};
use super::tree::{self, KeySpan, Problem, Problems, ValueSpan};
use super::{Policy, anchors, codes, exceptions};

/// Tables and lists of tables, and how each is begun.
const SECTIONS: &[(&str, &str)] = &[
    ("limits", "[limits]"),
    ("usage", "[usage]"),
    ("codes", "[codes]"),
    ("anchor", "[[anchor]]"),
    ("exception", "[[exception]]"),
];

impl Policy {
    /// Reads the TOML of a policy file. What it leaves out is as in the default.
    ///
    /// # Errors
    /// Every problem with its place and remedy, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let tree = tree::parse(text)?;
        let mut policy = Self::default();
        let mut problems = Problems::default();
        for (key, value) in &tree {
            let name: &str = key.get_ref();
            if let Some(key) = find("", name) {
                key.read(value, &mut policy, &mut problems);
            } else if SECTIONS.iter().any(|(section, _)| *section == name) {
                policy.section(name, value, &mut problems);
            } else {
                unknown(key, "", &mut problems);
            }
        }
        policy.agree(&tree, &mut problems);
        if problems.is_empty() { Ok(policy) } else { Err(problems.located(text)) }
    }

    fn section(&mut self, name: &str, value: &ValueSpan<'_>, problems: &mut Problems) {
        let begin = SECTIONS.iter().find(|(section, _)| *section == name).map_or("", |(_, begin)| begin);
        let (table, list) = (value.get_ref().as_table(), value.get_ref().as_array());
        match (name, table, list) {
            ("codes", Some(table), _) => self.codes = codes::read(table, problems),
            ("anchor", _, Some(list)) => self.anchors = anchors::read(list, problems),
            ("exception", _, Some(list)) => self.exceptions = exceptions::read(list, problems),
            ("limits" | "usage", Some(table), _) => {
                for (key, value) in table {
                    match find(name, key.get_ref()) {
                        Some(key) => key.read(value, self, problems),
                        None => unknown(key, name, problems),
                    }
                }
            }
            _ => {
                let remedy = format!("begin it with a line {begin}");
                problems.unexpected(name, value, begin, remedy);
            }
        }
    }

    /// What keys say together.
    fn agree(&self, tree: &toml::de::DeTable<'_>, problems: &mut Problems) {
        let limits = &self.limits;
        if limits.rsa_bits_refused_below <= limits.rsa_bits_warned_below {
            return;
        }
        let table = tree.iter().find(|(key, _)| *key.get_ref() == "limits");
        let Some(table) = table.and_then(|(_, value)| value.get_ref().as_table()) else { return };
        let given = table.iter().find(|(key, _)| key.get_ref().starts_with("rsa_bits"));
        if let Some((key, _)) = given {
            problems.add(
                &key.span(),
                format!(
                    "limits.rsa_bits_refused_below is {}, more than limits.rsa_bits_warned_below, which is {}",
                    limits.rsa_bits_refused_below, limits.rsa_bits_warned_below
                ),
                "nothing would be left to warn about: write rsa_bits_warned_below with at least the same number",
            );
        }
    }
}

fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

/// A key that its place does not have, but perhaps another one.
fn unknown(key: &KeySpan<'_>, section: &str, problems: &mut Problems) {
    let name: &str = key.get_ref();
    let mut known: Vec<&str> = KEYS.iter().filter(|key| key.section == section).map(|key| key.name).collect();
    if section.is_empty() {
        known.extend(SECTIONS.iter().map(|(section, _)| *section));
    }
    let elsewhere = KEYS.iter().find(|key| key.name == name).map(|key| match key.section {
        "" => "at the top of the file, before the first line in [brackets]".to_owned(),
        section => format!("into [{section}]"),
    });
    let elsewhere = elsewhere.or_else(|| {
        let code = crate::rules::find(name).is_some();
        code.then(|| "into [codes]".to_owned())
    });
    let place = match section {
        "" => "at the top of the file".to_owned(),
        section => format!("in [{section}]"),
    };
    problems.unknown(key, &place, &known, elsewhere.as_deref());
}
