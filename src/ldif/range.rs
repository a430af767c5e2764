//! Ranged attributes: are all chunks of an attribute there?
//!
//! Active Directory cuts attributes with more than 1 500 values into chunks: `userCertificate;range=0-1499`, …,
//! `userCertificate;range=3000-*`. The chunks of an object may stand in one record or in several of the same DN. An
//! attribute is whole when its chunks cover everything from 0 without a gap and end with `-*`.

use super::limits;
use super::name::{self, Range};
use super::problem::{Code, Problem, cut, excerpt};
use super::record::Record;
use std::collections::BTreeMap;

/// One chunk in one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    key: Key,
    range: Range,
    values: u64,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// In lower case.
    dn: Vec<u8>,
    /// In lower case, by its canonical name, without `binary` and `range`.
    attribute: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    line: u64,
    offset: u64,
    attribute: String,
    dn: String,
}

fn key(record: &Record, written: &[u8]) -> Key {
    let base = name::base(written);
    let mut attribute = name::canonical(base).map_or(base, str::as_bytes).to_ascii_lowercase();
    let mut options: Vec<Vec<u8>> = name::options(written)
        .map(<[u8]>::to_ascii_lowercase)
        .filter(|o| o != b"binary" && !o.starts_with(b"range="))
        .collect();
    options.sort();
    for option in options {
        attribute.push(b';');
        attribute.extend_from_slice(&option);
    }
    Key { dn: record.dn().to_ascii_lowercase(), attribute }
}

/// The chunks of a record, in the order of their first values.
pub(super) fn chunks(record: &Record) -> Vec<Chunk> {
    let mut found: Vec<Chunk> = Vec::new();
    let mut index: BTreeMap<(Vec<u8>, Range), usize> = BTreeMap::new();
    let mut previous: Option<(&str, usize)> = None;
    for attribute in record.attributes() {
        // The values of a chunk follow one another, mostly with the very same name.
        if let Some((name, at)) = previous
            && name == attribute.name()
        {
            if let Some(chunk) = found.get_mut(at) {
                chunk.values += 1;
            }
            continue;
        }
        let Some(Some(range)) = attribute.range() else {
            continue;
        };
        if found.len() >= limits::RANGE_CHUNKS {
            // What is left out is missed later: the attribute is reported as incomplete.
            break;
        }
        let key = key(record, attribute.name().as_bytes());
        let at = *index.entry((key.attribute.clone(), range)).or_insert(found.len());
        if at == found.len() {
            let place = Place {
                line: attribute.line(),
                offset: record.offset(),
                attribute: excerpt(attribute.name().as_bytes()),
                dn: cut(record.dn(), limits::PROBLEM_DN),
            };
            found.push(Chunk { key, range, values: 0, place });
        }
        if let Some(chunk) = found.get_mut(at) {
            chunk.values += 1;
        }
        previous = Some((attribute.name(), at));
    }
    found
}

#[derive(Debug, Clone)]
struct Open {
    place: Place,
    /// Start of each chunk, with its end (`None`: the last chunk).
    chunks: BTreeMap<u64, Option<u64>>,
    has_last: bool,
    /// A chunk had fewer values than its range says.
    short: bool,
}

impl Open {
    fn is_whole(&self) -> bool {
        let mut expected = 0;
        for (&start, &end) in &self.chunks {
            if start > expected {
                return false;
            }
            match end {
                Some(end) => expected = expected.max(end.saturating_add(1)),
                None => return true,
            }
        }
        false
    }
}

/// The attributes whose ranges are not closed yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Ranges {
    open: BTreeMap<Key, Open>,
    problems: Vec<Problem>,
    overflow: Option<(u64, Place)>,
}

impl Ranges {
    pub(super) fn add(&mut self, chunk: Chunk) {
        let Chunk { key, range, values, place } = chunk;
        if !self.open.contains_key(&key) && self.open.len() >= limits::OPEN_RANGES {
            self.overflow.get_or_insert((0, place)).0 += 1;
            return;
        }
        let open = self.open.entry(key.clone()).or_insert_with(|| Open {
            place,
            chunks: BTreeMap::new(),
            has_last: false,
            short: false,
        });
        open.short |= range.end.is_some_and(|end| values < (end - range.start).saturating_add(1));
        let closes = range.end.is_none() && !open.has_last;
        open.has_last |= closes;
        if open.chunks.len() < limits::RANGE_CHUNKS || closes {
            let end = open.chunks.entry(range.start).or_insert(range.end);
            // Of two chunks with one start the longer counts.
            *end = match (*end, range.end) {
                (Some(a), Some(b)) => Some(a.max(b)),
                _ => None,
            };
        }
        if open.has_last
            && open.is_whole()
            && let Some(open) = self.open.remove(&key)
            && open.short
        {
            self.problems.push(report(&open.place, "a chunk has fewer values than its range says"));
        }
    }

    pub(super) fn finish(self) -> Vec<Problem> {
        let mut problems = self.problems;
        for open in self.open.values() {
            let what = if !open.has_last {
                "the closing chunk (;range=N-*) is missing"
            } else if open.chunks.first_key_value().is_some_and(|(start, _)| *start > 0) {
                "the chunk that starts with value 0 is missing"
            } else {
                "a chunk in the middle is missing"
            };
            problems.push(report(&open.place, what));
        }
        if let Some((count, place)) = &self.overflow {
            let what =
                format!("{count} chunks from here on could not be checked, because too many ranges are open");
            problems.push(report(place, &what));
        }
        problems
    }
}

fn report(place: &Place, what: &str) -> Problem {
    let message = format!(
        "the values of {} are incomplete: {what} (expected chunks from 0 to -*); export the attribute again",
        place.attribute
    );
    Problem {
        attribute: Some(place.attribute.clone()),
        dn: Some(place.dn.clone()),
        ..Problem::new(Code::RangeIncomplete, place.line, place.offset, message)
    }
}
