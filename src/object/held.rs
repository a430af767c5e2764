//! How much of an object is held: texts, addresses, `range=` chunks, and the bytes of values.

use super::{Chunk, Content, List, Object};
use crate::encoding::{hex, sha256};
use crate::limits::{ADDRESS_BYTES, ADDRESSES_HELD, CHUNKS_HELD, OBJECT_BYTES, TEXT_HELD, VALUE_HELD};

impl Object {
    /// A text as it is held: without blanks around it; its beginning, length and hash where it is too long.
    pub(super) fn text(&mut self, name: &[u8], bytes: &[u8]) -> String {
        if bytes.len() <= TEXT_HELD
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return text.trim().to_owned();
        }
        let text = String::from_utf8_lossy(bytes.get(..TEXT_HELD + 1).unwrap_or(bytes));
        if bytes.len() <= TEXT_HELD {
            return text.trim().to_owned();
        }
        let (length, hash) = (bytes.len(), hex(&sha256(bytes)));
        let name = String::from_utf8_lossy(name);
        self.cut_off(&format!(
            "{name} has {length} bytes (SHA-256 {hash}), more than the {TEXT_HELD} of a text that are held"
        ));
        let beginning: String = text.trim().chars().take(64).collect();
        // No DN and no address begins like this.
        format!("({length} bytes, SHA-256 {hash}) {beginning}…")
    }

    /// Adds a value of mail or proxyAddresses, or notes that there are too many. The primary address is always held.
    pub(super) fn push_address(&mut self, text: String, list: List) {
        let primary = |text: &String| text.starts_with("SMTP:");
        let another = |object: &Self| !primary(&text) || object.proxies.iter().any(primary);
        let many = self.mail.len() + self.proxies.len() >= ADDRESSES_HELD
            || self.address_bytes + text.len() > ADDRESS_BYTES;
        if many && another(self) {
            self.cut_off(&format!(
                "it has more addresses than the {ADDRESSES_HELD} (of {ADDRESS_BYTES} bytes) that are held of one object"
            ));
            return;
        }
        self.address_bytes += text.len();
        list(self).push(text);
    }

    /// Notes a chunk. Each of its values names it, so it is mostly the one before.
    pub(super) fn push_chunk(&mut self, chunk: Chunk) {
        if self.chunks.last() == Some(&chunk) {
            return;
        }
        // Twice the limit, so that sorting is rare.
        if self.chunks.len() >= 2 * CHUNKS_HELD {
            self.chunks.sort_unstable();
            self.chunks.dedup();
            if self.chunks.len() > CHUNKS_HELD {
                self.chunks.truncate(CHUNKS_HELD);
                self.cut_off(&format!(
                    "it has more range= chunks than the {CHUNKS_HELD} that are held of one object"
                ));
            }
        }
        self.chunks.push(chunk);
    }

    /// What stands for bytes that are not held.
    pub(super) fn held(&self, bytes: &[u8]) -> Option<Content> {
        let length = bytes.len();
        let (why, expected) = if length > VALUE_HELD {
            (
                format!("more than the {VALUE_HELD} of one value"),
                "a certificate; a directory takes 32768 bytes",
            )
        } else if self.bytes + length > OBJECT_BYTES {
            let why = format!("which with those before are more than the {OBJECT_BYTES} of one object");
            (why, "an object of a size that can be held; delete unused values from it")
        } else {
            return None;
        };
        let found = format!("it has {length} bytes (SHA-256 {}), {why} that are held", hex(&sha256(bytes)));
        Some(Content::Unreadable(found, expected.into()))
    }
}
