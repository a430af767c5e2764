//! Differences of two policies, by key.

use std::collections::BTreeMap;

use super::model::PolicyChange;
use crate::error::Error;

/// Compares two policy.toml.
///
/// # Errors
/// When one of them is no TOML: its hash is the one that was written, so the release that made it is another.
pub fn compare(old: &str, new: &str) -> Result<Vec<PolicyChange>, Error> {
    let (old, new) = (flat(old)?, flat(new)?);
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    Ok(keys
        .into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| PolicyChange { key: key.clone(), old: old.get(key).cloned(), new: new.get(key).cloned() })
        .collect())
}

/// Every value with its whole key.
pub fn flat(text: &str) -> Result<BTreeMap<String, String>, Error> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| Error::NoInput {
        message: format!("review/policy.toml is no TOML: {}", error.message()),
        hint: "use the release that made the bundle".into(),
    })?;
    let mut found = BTreeMap::new();
    walk("", &toml::Value::Table(table), &mut found);
    Ok(found)
}

fn walk(path: &str, value: &toml::Value, found: &mut BTreeMap<String, String>) {
    let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| walk(&inside(key), value, found)),
        toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
            // Tables of a list are known by their place.
            list.iter().zip(1..).for_each(|(value, n)| walk(&format!("{path}[{n}]"), value, found));
        }
        other => {
            found.insert(path.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_named_by_its_key() {
        let old = "[limits]\nwarn_days = 30\n[codes.expired]\nseverity = \"warning\"\n[[anchor]]\nkinds = [\"mailbox\"]\n";
        let new = "[limits]\nwarn_days = 60\nother = 1\n[codes.expired]\nseverity = \"warning\"\n[[anchor]]\nkinds = []\n";
        let found = compare(old, new).unwrap();
        let told: Vec<(&str, Option<&str>, Option<&str>)> =
            found.iter().map(|one| (one.key.as_str(), one.old.as_deref(), one.new.as_deref())).collect();
        assert_eq!(
            told,
            [
                ("anchor[1].kinds", Some("[\"mailbox\"]"), Some("[]")),
                ("limits.other", None, Some("1")),
                ("limits.warn_days", Some("30"), Some("60")),
            ]
        );
        assert!(compare(old, old).unwrap().is_empty());
        assert!(compare(old, "no toml").is_err());
        let own = crate::policy::Policy::default().document();
        assert!(compare(&own, &own).unwrap().is_empty());
        assert_eq!(flat(&own).unwrap()["codes.expired.decision"], "\"withhold\"");
    }
}
