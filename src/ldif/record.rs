//! A record: a DN and attributes in input order, in buffers that are reused from record to record.

use super::name::{self, Range};
use super::oversize::Large;
use super::problem::Code;
use std::borrow::Cow;

/// What a record says about the entry. Records that delete or rename are reported and never given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChangeKind {
    /// A record without `changetype:`.
    #[default]
    Content,
    /// `changetype: add`: content as well.
    Add,
    /// `changetype: modify`: its attributes are those that it adds or replaces.
    Modify,
}

impl ChangeKind {
    /// `add`, `modify`, or `None` for content.
    #[must_use]
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            ChangeKind::Content => None,
            ChangeKind::Add => Some("add"),
            ChangeKind::Modify => Some("modify"),
        }
    }
}

/// What is to be done with an attribute's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Operation {
    /// The entry has it (content, `changetype: add`).
    #[default]
    Content,
    /// A `modify` adds it.
    Add,
    /// A `modify` replaces the attribute's values by it (and by the other values of the same part).
    Replace,
}

/// How far the DN can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DnState {
    /// A DN by RFC 4514.
    #[default]
    Valid,
    /// Readable, but not a DN by RFC 4514 or not UTF-8.
    Invalid,
    /// Not readable (bad base64, a URL, cut off): [`Record::dn`] is empty and names nobody.
    Unreadable,
}

/// A value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'r> {
    /// Its bytes.
    Bytes(&'r [u8]),
    /// It stands in the input and could not be read; a [`Problem`](super::Problem) of this code at the attribute's line
    /// says why: [`Code::BadBase64`], [`Code::UrlRefused`], [`Code::UrlUnreadable`] or [`Code::RecordTooLarge`].
    Unreadable(Code),
    /// The caller did not want it ([`Wanted`](super::Wanted)).
    Skipped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    Bytes(usize, usize),
    Unreadable(Code),
    Skipped,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) name: (usize, usize),
    pub(super) value: Stored,
    pub(super) line: u64,
    pub(super) operation: Operation,
}

/// A record of the input. Reuse it: its buffers stay allocated.
#[derive(Debug, Clone, Default)]
pub struct Record {
    pub(super) arena: Vec<u8>,
    pub(super) used: usize,
    pub(super) dn: (usize, usize),
    pub(super) dn_state: DnState,
    pub(super) line: u64,
    pub(super) offset: u64,
    pub(super) raw_len: u64,
    pub(super) kind: ChangeKind,
    pub(super) truncated: bool,
    pub(super) above_limit: bool,
    pub(super) large: Option<Large>,
    pub(super) ranged: bool,
    pub(super) url_bytes: usize,
    pub(super) entries: Vec<Entry>,
}

impl Record {
    /// An empty record, to be filled by a parser.
    #[must_use]
    pub fn new() -> Self {
        Record::default()
    }

    /// Line of its `dn:`, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Byte offset of its `dn:` in the input.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes that it takes up in the input from there, with its last line end. [`reparse`](super::reparse) reads them
    /// again. Of a truncated record: what was taken over.
    #[must_use]
    pub fn raw_len(&self) -> u64 {
        self.raw_len
    }

    /// One of its attributes at least has a `;range=` option.
    #[must_use]
    pub fn is_ranged(&self) -> bool {
        self.ranged
    }

    /// The DN without blanks around it, UTF-8 unless a problem says otherwise.
    #[must_use]
    pub fn dn(&self) -> &[u8] {
        slice(&self.arena, self.dn)
    }

    /// The DN as text. Bytes that are not UTF-8 (then the DN is [`DnState::Invalid`], and a problem says so) are written as
    /// `\B0` (RFC 4514 section 2.4), so that different DNs stay different.
    #[must_use]
    pub fn dn_text(&self) -> Cow<'_, str> {
        let dn = self.dn();
        if let Ok(text) = std::str::from_utf8(dn) {
            return Cow::Borrowed(text);
        }
        let mut text = String::with_capacity(dn.len() + 8);
        for chunk in dn.utf8_chunks() {
            text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                text.push_str(&format!("\\{byte:02X}"));
            }
        }
        Cow::Owned(text)
    }

    /// How far the DN can be relied on.
    #[must_use]
    pub fn dn_state(&self) -> DnState {
        self.dn_state
    }

    /// What the record says about the entry.
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        self.kind
    }

    /// The record was larger than the limit, or the input ends in it: attributes are missing.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The record was larger than the reader's limit. To be read again it must be told so: its raw bytes do not show it.
    #[must_use]
    pub fn is_above_limit(&self) -> bool {
        self.above_limit
    }

    /// Of a truncated record the value that the limit lies in, if it could be hashed.
    #[must_use]
    pub fn large(&self) -> Option<Large> {
        self.large
    }

    /// Number of attribute values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// No attribute values at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The attribute values in input order, one item a value.
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = Attribute<'_>> + Clone {
        self.entries.iter().map(|entry| Attribute {
            name: slice(&self.arena, entry.name),
            value: match entry.value {
                Stored::Bytes(from, to) => Value::Bytes(slice(&self.arena, (from, to))),
                Stored::Unreadable(code) => Value::Unreadable(code),
                Stored::Skipped => Value::Skipped,
            },
            line: entry.line,
            operation: entry.operation,
        })
    }

    /// Empties it; its buffers stay, unless they are those of a giant.
    pub(crate) fn clear(&mut self) {
        let (arena, entries) = (std::mem::take(&mut self.arena), std::mem::take(&mut self.entries));
        *self = Record { arena, entries, ..Record::default() };
        self.entries.clear();
        // One giant record must not keep its memory for the rest of the run.
        if self.arena.len() > super::limits::LARGE {
            self.arena = Vec::new();
        }
    }

    /// Begins a record that is no LDIF, at this place of the input.
    pub(crate) fn begin(&mut self, line: u64, offset: u64, raw_len: u64) {
        self.clear();
        (self.line, self.offset, self.raw_len) = (line, offset, raw_len);
    }

    /// Sets its DN.
    pub(crate) fn set_dn(&mut self, dn: &[u8], state: DnState) {
        self.dn = self.push(dn);
        self.dn_state = state;
    }

    /// Adds a value of an attribute; `ranged` when its name has a `;range=`.
    pub(crate) fn add(&mut self, name: &[u8], value: Value<'_>, ranged: bool) {
        let name = self.push(name);
        let value = match value {
            Value::Bytes(bytes) => {
                let (from, to) = self.push(bytes);
                Stored::Bytes(from, to)
            }
            Value::Unreadable(code) => Stored::Unreadable(code),
            Value::Skipped => Stored::Skipped,
        };
        self.ranged |= ranged;
        let line = self.line;
        self.entries.push(Entry { name, value, line, operation: Operation::Content });
    }

    /// Attributes of it are missing.
    pub(crate) fn cut_off(&mut self) {
        self.truncated = true;
    }

    /// The reader's limit lies in it, and in the value `large`.
    pub(crate) fn cut_off_at_limit(&mut self, large: Option<Large>) {
        (self.truncated, self.above_limit, self.large) = (true, true, large);
    }

    /// Copies bytes into the arena.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) -> (usize, usize) {
        let (from, to) = (self.used, self.used + bytes.len());
        super::buffer::grow(&mut self.arena, to);
        if let Some(space) = self.arena.get_mut(from..to) {
            space.copy_from_slice(bytes);
        }
        self.used = to;
        (from, to)
    }

    /// Takes over bytes that were written behind the used part of the arena.
    pub(super) fn commit(&mut self, written: usize) -> (usize, usize) {
        let from = self.used;
        self.used += written;
        (from, self.used)
    }
}

pub(super) fn slice(arena: &[u8], (from, to): (usize, usize)) -> &[u8] {
    arena.get(from..to).unwrap_or_default()
}

/// One value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'r> {
    name: &'r [u8],
    value: Value<'r>,
    line: u64,
    operation: Operation,
}

impl<'r> Attribute<'r> {
    /// The attribute description as written, without folding and without blanks before the colon. ASCII.
    #[must_use]
    pub fn name(&self) -> &'r str {
        // Descriptions with other bytes are not taken over.
        std::str::from_utf8(self.name).unwrap_or_default()
    }

    /// The base name or OID as written, without options.
    #[must_use]
    pub fn base(&self) -> &'r str {
        std::str::from_utf8(name::base(self.name)).unwrap_or_default()
    }

    /// The same as bytes.
    #[must_use]
    pub fn base_bytes(&self) -> &'r [u8] {
        name::base(self.name)
    }

    /// The options as written, in the order written (`binary`, `lang-de`, `range=0-1499`).
    pub fn options(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        name::options(self.name).map(|o| std::str::from_utf8(o).unwrap_or_default())
    }

    /// Is this the attribute of that base name? ASCII case does not matter, options neither, and the OIDs of
    /// [`canonical`](super::canonical) are the same as their names.
    #[must_use]
    pub fn is(&self, base: &str) -> bool {
        name::same(name::base(self.name), base.as_bytes())
    }

    /// The canonical name, if it is one of those that this reader knows.
    #[must_use]
    pub fn canonical(&self) -> Option<&'static str> {
        name::canonical(name::base(self.name))
    }

    /// The `;range=` option: `None` if there is none; `Some(None)` if it cannot be read ([`Code::BadRange`] was
    /// reported): the attribute is incomplete.
    #[must_use]
    pub fn range(&self) -> Option<Option<Range>> {
        name::range(self.name)
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> Value<'r> {
        self.value
    }

    /// The value's bytes, if it could be read and was wanted.
    #[must_use]
    pub fn bytes(&self) -> Option<&'r [u8]> {
        match self.value {
            Value::Bytes(bytes) => Some(bytes),
            Value::Unreadable(_) | Value::Skipped => None,
        }
    }

    /// Line where it starts, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// What is to be done with it.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }
}
