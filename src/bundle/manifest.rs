//! manifest.json, read as a stream: a million recipients pass one by one, and only head and tail stay.
//!
//! The keys may come in any order. What is not a manifest of this format is refused with line and column; a
//! single recipient may be large, but not so large that a hostile file could fill the memory. Inputs can be as
//! many as recipients (a folder with a file for each), so [`read_into`] hands them out as well.

use super::model::{
    BundleIdentity, InputFile, MANIFEST_SCHEMA, PolicyReference, Recipient, Summary, Target, Tool,
    TrustAnchor, TrustStoreEntry,
};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};

/// Bytes that may pass between two recipients, inputs or anchors. Far above any real recipient: one with ten
/// thousand values takes a quarter of it.
pub const MAX_ITEM: u64 = 64 * 1024 * 1024;

/// Everything of a manifest but its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Who made it.
    pub tool: Tool,
    /// The instant certificates were judged at, RFC 3339.
    pub evaluated_at: String,
    /// True when no path was verified.
    pub unverified: bool,
    /// Where the result is applied.
    pub targets: Vec<Target>,
    /// The policy.
    pub policy: PolicyReference,
    /// Certificates that are trusted.
    pub trust_anchors: Vec<TrustAnchor>,
    /// Files that were read.
    pub inputs: Vec<InputFile>,
    /// What trust.sst holds, and what was left out of it.
    pub trust_store: Vec<TrustStoreEntry>,
    /// Totals.
    pub summary: Summary,
    /// Identity of the bundle.
    pub bundle: BundleIdentity,
}

/// Why a manifest could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read.
    #[error("could not be read: {0}")]
    Io(#[from] io::Error),
    /// It is not a manifest of this format.
    #[error("line {line}, column {column}: {message}")]
    Format {
        /// Line, 1-based.
        line: usize,
        /// Column, 1-based, in bytes.
        column: usize,
        /// What was found and what was expected.
        message: String,
    },
}

/// Reads a manifest and hands each recipient to `each`, in file order, as soon as it is read: what `each` sees
/// may belong to a file that later proves defective. An `Err` of `each` ends the reading.
///
/// # Errors
/// [`ReadError`]; text from `each` comes back as [`ReadError::Format`] with the place that was reached.
pub fn read<R: Read>(
    source: R,
    mut each: impl FnMut(Recipient) -> Result<(), String>,
) -> Result<Frame, ReadError> {
    let mut inputs = Vec::new();
    let frame = read_into(source, &mut each, &mut |input| {
        inputs.push(input);
        Ok(())
    })?;
    Ok(Frame { inputs, ..frame })
}

/// Takes what is read, one by one; an `Err` ends the reading.
pub type Each<'a, T> = &'a mut dyn FnMut(T) -> Result<(), String>;

/// The same as [`read`], with the inputs handed out too; `inputs` of the result is empty.
///
/// # Errors
/// As [`read`].
pub fn read_into<R: Read>(
    source: R,
    recipient: Each<'_, Recipient>,
    input: Each<'_, InputFile>,
) -> Result<Frame, ReadError> {
    let since = Cell::new(0);
    let reader = io::BufReader::with_capacity(64 * 1024, Limited { source, since: &since });
    let mut json = serde_json::Deserializer::from_reader(reader);
    let frame = Body { recipient, input, since: &since }.deserialize(&mut json).and_then(|frame| {
        json.end()?;
        Ok(frame)
    });
    frame.map_err(format_error)
}

fn format_error(error: serde_json::Error) -> ReadError {
    if error.is_io() {
        return ReadError::Io(error.into());
    }
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let message = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text).to_owned();
    ReadError::Format { line, column, message }
}

/// Ends a file in which one item is larger than [`MAX_ITEM`].
struct Limited<'a, R> {
    source: R,
    since: &'a Cell<u64>,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.since.set(self.since.get().saturating_add(count as u64));
        if self.since.get() > MAX_ITEM {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("one entry is larger than {MAX_ITEM} bytes; no bundle has such an entry"),
            ));
        }
        Ok(count)
    }
}

struct Body<'a> {
    recipient: Each<'a, Recipient>,
    input: Each<'a, InputFile>,
    since: &'a Cell<u64>,
}

impl<'de> DeserializeSeed<'de> for Body<'_> {
    type Value = Frame;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Frame, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Body<'_> {
    type Value = Frame;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a manifest, an object with the key \"schema\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Frame, A::Error> {
        let mut schema: Option<String> = None;
        let mut tool = None;
        let mut evaluated_at = None;
        let mut unverified = None;
        let mut targets = None;
        let mut policy = None;
        let mut trust_anchors: Option<Vec<TrustAnchor>> = None;
        let mut inputs: Option<()> = None;
        let mut trust_store: Option<Vec<TrustStoreEntry>> = None;
        let mut summary = None;
        let mut bundle = None;
        let mut recipients: Option<()> = None;
        let (since, recipient, input) = (self.since, self.recipient, self.input);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "schema" => {
                    set(&mut schema, "schema", &mut map)?;
                    let found = schema.as_deref().unwrap_or_default();
                    if found != MANIFEST_SCHEMA {
                        return Err(de::Error::custom(format_args!(
                            "the manifest's format is {found:?}, this release reads {MANIFEST_SCHEMA:?}; \
                             use the release that made the bundle"
                        )));
                    }
                }
                "tool" => set(&mut tool, "tool", &mut map)?,
                "evaluatedAt" => set(&mut evaluated_at, "evaluatedAt", &mut map)?,
                "unverified" => set(&mut unverified, "unverified", &mut map)?,
                "targets" => set(&mut targets, "targets", &mut map)?,
                "policy" => set(&mut policy, "policy", &mut map)?,
                "trustAnchors" => list(&mut trust_anchors, "trustAnchors", &mut map, since)?,
                "trustStore" => list(&mut trust_store, "trustStore", &mut map, since)?,
                "inputs" => array(&mut inputs, "inputs", &mut map, Items { each: &mut *input, since })?,
                "summary" => set(&mut summary, "summary", &mut map)?,
                "bundle" => set(&mut bundle, "bundle", &mut map)?,
                "recipients" => {
                    array(&mut recipients, "recipients", &mut map, Items { each: &mut *recipient, since })?;
                }
                other => {
                    return Err(de::Error::custom(format_args!(
                        "unknown key {other:?} in a {MANIFEST_SCHEMA}"
                    )));
                }
            }
            since.set(0);
        }
        need(schema, "schema")?;
        need(recipients, "recipients")?;
        need(inputs, "inputs")?;
        Ok(Frame {
            tool: need(tool, "tool")?,
            evaluated_at: need(evaluated_at, "evaluatedAt")?,
            unverified: need(unverified, "unverified")?,
            targets: need(targets, "targets")?,
            policy: need(policy, "policy")?,
            trust_anchors: need(trust_anchors, "trustAnchors")?,
            inputs: Vec::new(),
            trust_store: need(trust_store, "trustStore")?,
            summary: need(summary, "summary")?,
            bundle: need(bundle, "bundle")?,
        })
    }
}

fn set<'de, A: MapAccess<'de>, T: de::Deserialize<'de>>(
    slot: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(de::Error::duplicate_field(name));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}

fn need<T, E: de::Error>(slot: Option<T>, name: &'static str) -> Result<T, E> {
    slot.ok_or_else(|| E::missing_field(name))
}

/// Reads an array element by element; `slot` says that it was there.
fn array<'de, A: MapAccess<'de>, S, T: de::Deserialize<'de>>(
    slot: &mut Option<S>,
    name: &'static str,
    map: &mut A,
    items: Items<'_, T>,
) -> Result<(), A::Error>
where
    S: Default,
{
    if slot.is_some() {
        return Err(de::Error::duplicate_field(name));
    }
    map.next_value_seed(items)?;
    *slot = Some(S::default());
    Ok(())
}

/// Reads an array whose elements are few enough to be kept.
fn list<'de, A: MapAccess<'de>, T: de::Deserialize<'de>>(
    slot: &mut Option<Vec<T>>,
    name: &'static str,
    map: &mut A,
    since: &Cell<u64>,
) -> Result<(), A::Error> {
    let mut items = Vec::new();
    let mut push = |item| {
        items.push(item);
        Ok(())
    };
    array(slot, name, map, Items { each: &mut push, since })?;
    *slot = Some(items);
    Ok(())
}

struct Items<'a, T> {
    each: Each<'a, T>,
    since: &'a Cell<u64>,
}

impl<'de, T: de::Deserialize<'de>> DeserializeSeed<'de> for Items<'_, T> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: de::Deserialize<'de>> Visitor<'de> for Items<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(item) = seq.next_element::<T>()? {
            self.since.set(0);
            (self.each)(item).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_entry_ends() {
        let source =
            (&b"{\"schema\": \"certferry-manifest-1\", \"evaluatedAt\": \""[..]).chain(io::repeat(b' '));
        let error = read(source, |_| Ok(())).unwrap_err();
        assert!(matches!(error, ReadError::Io(error) if error.to_string().contains("larger than")));
    }
}
