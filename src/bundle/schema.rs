//! JSON Schemas of everything a bundle holds, derived from the types that are written and read.

use super::model::{FindingLine, Manifest, PayloadLine, Transfer};
use super::verify::Report;
use crate::history::diff::model::Diff;
use schemars::{Schema, schema_for};

/// Names that [`schema`] knows, sorted.
pub const NAMES: [&str; 6] = ["diff", "finding", "manifest", "payload", "transfer", "verify"];

/// The JSON Schema (draft 2020-12) with this name, indented, with a final line end; `None` for an unknown one.
///
/// `manifest` is review/manifest.json, `finding` one line of review/findings.ndjson, `payload` one line of
/// transfer/payload/\*.ndjson, `transfer` transfer/transfer.json, `verify` what `verify --format json` prints, `diff` what `diff --format json` does.
#[must_use]
pub fn schema(name: &str) -> Option<String> {
    let schema: Schema = match name {
        "diff" => schema_for!(Diff),
        "finding" => schema_for!(FindingLine),
        "manifest" => schema_for!(Manifest),
        "payload" => schema_for!(PayloadLine),
        "transfer" => schema_for!(Transfer),
        "verify" => schema_for!(Report),
        _ => return None,
    };
    // `{:#}` of a JSON value is indented JSON and cannot fail.
    Some(format!("{:#}\n", schema.to_value()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_schema() {
        for name in NAMES {
            assert!(schema(name).is_some_and(|text| text.contains("$schema")), "{name}");
        }
        assert!(schema("report").is_none());
        assert!(NAMES.is_sorted());
    }
}
