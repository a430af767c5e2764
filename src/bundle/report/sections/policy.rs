//! The rules that were used, and where they differ from this release's defaults.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::bundle::report::page::{Page, more, shown};
use crate::limits::LISTED;
use crate::policy;

/// The policy, by its differences.
pub fn section(page: &Page<'_>) -> Markup {
    let differences = differences(page.policy);
    html! {
        p {
            "The rules stand in " code { "policy.toml" } " of this folder (SHA-256 "
            code { (page.frame.policy.sha256) } "), with the severity and the decision of each code."
        }
        @match differences {
            None => p { "They could not be compared with the defaults: " code { "policy.toml" } " is not readable TOML." },
            Some(all) if all.is_empty() => p { "They are the defaults of this release; nothing was changed." },
            Some(all) => {
                p { "They differ from the defaults of this release in " (all.len()) " places:" }
                div.wide {
                    table.stack {
                        caption { "Differences from the default policy" }
                        thead { tr { th scope="col" { "Setting" } th scope="col" { "Default" } th scope="col" { "Used" } } }
                        tbody {
                            @for (name, default, used) in all.iter().take(LISTED) {
                                tr {
                                    th scope="row" { (shown(name)) }
                                    td data-label="default" { (shown(default)) }
                                    td data-label="used" { (shown(used)) }
                                }
                            }
                        }
                    }
                }
                (more(all.len().saturating_sub(LISTED) as u64, "policy.toml"))
            }
        }
    }
}

/// Setting, default and used value of each difference; `None` when the policy is no TOML.
fn differences(used: &str) -> Option<Vec<(String, String, String)>> {
    let flat = |text: &str| -> Option<BTreeMap<String, String>> {
        let mut out = BTreeMap::new();
        flatten("", &toml::Value::Table(text.parse().ok()?), &mut out);
        Some(out)
    };
    let (default, used) = (flat(&policy::document())?, flat(used)?);
    let names: std::collections::BTreeSet<&String> = default.keys().chain(used.keys()).collect();
    let value = |map: &BTreeMap<String, String>, name: &String| {
        map.get(name).cloned().unwrap_or_else(|| "(not set)".to_owned())
    };
    Some(
        names
            .into_iter()
            .filter(|name| default.get(*name) != used.get(*name))
            .map(|name| (name.clone(), value(&default, name), value(&used, name)))
            .collect(),
    )
}

fn flatten(name: &str, value: &toml::Value, out: &mut BTreeMap<String, String>) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| flatten(&inner(key), value, out)),
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            for (at, item) in items.iter().enumerate() {
                flatten(&inner(&(at + 1).to_string()), item, out);
            }
        }
        other => {
            out.insert(name.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_one_by_one() {
        let default = policy::document();
        assert_eq!(differences(&default), Some(Vec::new()));
        let used = default.replacen("warn_days = 30", "warn_days = 60\nnew = true", 1);
        let found = differences(&used).unwrap();
        assert_eq!(found[0], ("limits.new".into(), "(not set)".into(), "true".into()));
        assert_eq!(found[1], ("limits.warn_days".into(), "30".into(), "60".into()));
        assert_eq!(differences("= nonsense"), None);
    }
}
