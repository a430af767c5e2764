//! The JSON Schema of a policy file, for editors that complete and check TOML.

use serde_json::{Map, Value, json};

use super::codes::settable;
use super::fixed;
use super::keys::{KEYS, Key, Kind};
use super::words::Word;
use crate::bundle::model::{Decision, RecipientKind, Severity};
use crate::rules;

/// The JSON Schema (draft 2020-12) of a policy file, indented, with a final line end.
#[must_use]
pub fn schema() -> String {
    let table = |section: &str| {
        let keys = KEYS.iter().filter(|key| key.section == section);
        let properties: Map<String, Value> = keys.map(|key| (key.name.to_owned(), property(key))).collect();
        properties
    };
    let closed = |properties: Map<String, Value>| json!({ "type": "object", "additionalProperties": false, "properties": properties });
    let mut properties = table("");
    properties.insert("limits".into(), closed(table("limits")));
    properties.insert("usage".into(), closed(table("usage")));
    properties.insert("codes".into(), closed(codes()));
    properties.insert("anchor".into(), anchors());
    properties.insert("exception".into(), exceptions());
    let mut schema = closed(properties);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        schema.insert("title".into(), "Policy".into());
    }
    // `{:#}` of a JSON value is indented JSON and cannot fail.
    format!("{schema:#}\n")
}

fn property(key: &Key) -> Value {
    let mut value = match &key.kind {
        Kind::Flag { .. } => json!({ "type": "boolean" }),
        Kind::Number { least, most, .. } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Word { words, .. } => json!({ "enum": words() }),
        Kind::Words { words, .. } => list(json!({ "enum": words() })),
        Kind::Purpose => json!({ "type": "string", "pattern": r"^(emailProtection|[0-2](\.[0-9]+)+)$" }),
        Kind::Removals => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^([0-9]+|([0-9]|[1-9][0-9]|100)%)$" },
        ] }),
    };
    if let Some(value) = value.as_object_mut() {
        value.insert("description".into(), key.about.into());
    }
    value
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": items })
}

/// One line of text that says something.
fn text() -> Value {
    json!({ "type": "string", "pattern": r"\S" })
}

fn codes() -> Map<String, Value> {
    let of = |rule: &rules::Rule| {
        let mut properties = Map::new();
        properties.insert("severity".into(), json!({ "enum": Severity::words() }));
        if let Some(default) = rule.decision {
            let words = match (default, fixed(rule.code)) {
                (Decision::Withhold, Some(_)) => vec![Decision::Withhold.word()],
                _ => Decision::words(),
            };
            properties.insert("decision".into(), json!({ "enum": words }));
        }
        properties.insert("reason".into(), text());
        // TOML's dates have no form of their own in JSON; tools that check TOML pass them as texts.
        properties.insert("until".into(), day());
        let about = format!("{}. {}", rule.title, rule.means);
        json!({
            "type": "object", "additionalProperties": false, "description": about, "properties": properties
        })
    };
    settable().map(|rule| (rule.code.to_owned(), of(rule))).collect()
}

fn day() -> Value {
    json!({ "type": "string", "format": "date" })
}

fn sha256() -> Value {
    json!({ "type": "string", "pattern": "^[0-9A-Fa-f: ]{64,95}$" })
}

fn anchors() -> Value {
    let properties = json!({
        "sha256": sha256(),
        "domains": list(text()),
        "kinds": list(json!({ "enum": RecipientKind::words() })),
    });
    let item = json!({
        "type": "object", "additionalProperties": false, "required": ["sha256"], "properties": properties
    });
    json!({ "type": "array", "items": item })
}

fn exceptions() -> Value {
    let codes: Vec<&str> = rules::registry()
        .iter()
        .filter(|rule| super::fixed::against_exception(rule).is_none())
        .map(|rule| rule.code)
        .collect();
    let properties = json!({
        "sha256": sha256(),
        "issuer": text(),
        "serial": { "type": "string", "pattern": "^[0-9A-Fa-f: ]+$" },
        "codes": list(json!({ "enum": codes })),
        "reason": text(),
        "approver": text(),
        "until": day(),
    });
    let item = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["codes", "reason", "approver", "until"],
        "oneOf": [{ "required": ["sha256"] }, { "required": ["issuer", "serial"] }],
        "properties": properties,
    });
    json!({ "type": "array", "items": item })
}
