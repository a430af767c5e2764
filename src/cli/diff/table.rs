//! The comparison as a table: UTF-8 with byte order mark, one row a difference.

use crate::bundle::model::{Coverage, Decision};
use crate::bundle::table::{self, BOM};
use crate::error::Error;
use crate::history::diff::model::{Head, PersonChange, Standing, ValueChange};

/// The columns, in order.
const COLUMNS: [&str; 16] = [
    "what",
    "change",
    "address",
    "display name",
    "number old",
    "number new",
    "attribute",
    "sha256",
    "subject",
    "issuer",
    "serial",
    "not after",
    "old",
    "new",
    "cause",
    "reason",
];

type Row = [String; 16];

/// The header, and a row for each difference of policy and trust anchors.
pub fn head(head: &Head) -> Result<String, Error> {
    let mut rows: Vec<Row> = vec![COLUMNS.map(str::to_owned)];
    for one in &head.policy {
        let mut row = Row::default();
        row[0] = "policy".into();
        row[1] = change(one.old.is_some(), one.new.is_some()).into();
        row[8] = cell(&one.key);
        row[12] = cell(one.old.as_deref().unwrap_or_default());
        row[13] = cell(one.new.as_deref().unwrap_or_default());
        rows.push(row);
    }
    let anchors = &head.trust_anchors;
    for (what, list) in [("added", &anchors.added), ("removed", &anchors.removed)] {
        for anchor in list {
            let mut row = Row::default();
            row[0] = "trust anchor".into();
            row[1] = what.into();
            row[7].clone_from(&anchor.sha256);
            row[8] = cell(&anchor.subject);
            row[10] = cell(&anchor.serial);
            row[11] = cell(&anchor.not_after);
            rows.push(row);
        }
    }
    let text = String::from_utf8_lossy(&written(&rows)?).into_owned();
    Ok(format!("{}{text}", String::from_utf8_lossy(BOM)))
}

/// A row for the person, one for each attribute that is cleared, and one for each value.
pub fn person(one: &PersonChange) -> Result<Vec<u8>, Error> {
    let mut rows: Vec<Row> = Vec::new();
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let base = || {
        let mut row = Row::default();
        row[2] = cell(one.address.as_deref().unwrap_or_default());
        row[3] = cell(one.display_name.as_deref().unwrap_or_default());
        row[4] = number(one.old_number);
        row[5] = number(one.new_number);
        row
    };
    let mut row = base();
    row[0] = "recipient".into();
    row[1] = match one.change {
        Standing::Added => "added",
        Standing::Removed => "removed",
        Standing::Stays => "changed",
        Standing::Gone => "gone",
    }
    .into();
    row[12] = one.old_coverage.map(coverage).unwrap_or_default().into();
    row[13] = one.new_coverage.map(coverage).unwrap_or_default().into();
    if let Some(old) = &one.old_address {
        row[15] = cell(&format!("the address was {old}"));
    }
    rows.push(row);
    for cleared in &one.cleared {
        let mut row = base();
        row[0] = "attribute".into();
        row[1] = "cleared".into();
        row[6] = cleared.attribute.name().into();
        row[15] = cleared.class.word().into();
        rows.push(row);
    }
    for value in &one.values {
        let mut row = base();
        row[0] = "certificate".into();
        row[1] = certificate_change(value, one).into();
        row[6] = value.attribute.name().into();
        let text = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
        row[7] = text(&value.sha256);
        row[8] = text(&value.subject);
        row[9] = text(&value.issuer);
        row[10] = text(&value.serial);
        row[11] = text(&value.not_after);
        row[12] = value.old.map(decision).unwrap_or_default().into();
        row[13] = value.new.map(decision).unwrap_or_default().into();
        row[14] = value.cause.words().into();
        row[15] = text(if value.new_reason.is_some() { &value.new_reason } else { &value.old_reason });
        rows.push(row);
    }
    written(&rows)
}

/// What happened to a value: published certificates are added, removed or replaced; others come and go.
fn certificate_change(value: &ValueChange, of: &PersonChange) -> &'static str {
    let published = Some(Decision::Publish);
    let in_pair = of.certificates.iter().any(|pair| {
        let here = pair.attribute == value.attribute && pair.old.is_some() && pair.new.is_some();
        here && (value.old == published && pair.old == value.sha256
            || value.new == published && pair.new == value.sha256)
    });
    match (value.old == published, value.new == published) {
        (true, _) if in_pair => "replaced",
        (_, true) if in_pair => "replaces",
        (true, _) => "removed",
        (_, true) => "added",
        _ if value.old.is_none() => "came, withheld",
        _ => "went, was withheld",
    }
}

fn change(old: bool, new: bool) -> &'static str {
    match (old, new) {
        (false, true) => "added",
        (true, false) => "removed",
        _ => "changed",
    }
}

fn coverage(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Encryptable => "encryptable",
        Coverage::SignOnly => "signOnly",
        Coverage::None => "none",
    }
}

fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Publish => "publish",
        Decision::Withhold => "withhold",
    }
}

fn written(rows: &[Row]) -> Result<Vec<u8>, Error> {
    let fail = |error: &dyn std::fmt::Display| Error::Internal { message: format!("the table: {error}") };
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(|error| fail(&error))?;
    }
    writer.into_inner().map_err(|error| fail(&error))
}

/// A cell that is harmless in a spreadsheet.
fn cell(text: &str) -> String {
    table::cell(text).into_owned()
}
