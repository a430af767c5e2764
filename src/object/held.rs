//! How much of an object is held: texts, addresses, `range=` chunks, and the bytes of values.

use super::{Chunk, Content, List, Object};
use crate::certificate::container::{
    Secret, WITHHELD_PREFIX, detect_secret, find_secret_text, is_key_attribute,
};
use crate::encoding::{any, hex, sha256};
use crate::ldif::problem::letters_of_base64;
use crate::limits::{ADDRESS_BYTES, ADDRESSES_HELD, CHUNKS_HELD, OBJECT_BYTES, TEXT_HELD, VALUE_HELD};

impl Object {
    /// A text as it is held: without blanks around it; what stands for it where it is not held.
    pub(super) fn text(&mut self, name: &[u8], bytes: &[u8]) -> String {
        self.instead(name, bytes).unwrap_or_else(|| match std::str::from_utf8(bytes) {
            Ok(text) => text.trim().to_owned(),
            Err(_) => String::from_utf8_lossy(bytes).trim().to_owned(),
        })
    }

    /// A DN as it is held: as it is. The reader has taken away what is around it, and every blank that is left is a part
    /// of it (RFC 4514 section 2.4); what stands for it where it is not held.
    pub(super) fn dn_text(&mut self, dn: &str) -> String {
        // A line of PEM that lies about in a table is taken for a DN. It may be of a key.
        let stray = dn.len() <= TEXT_HELD
            && letters_of_base64(dn.as_bytes(), 0).is_some_and(|letters| letters.len() == dn.len());
        if stray {
            return format!("({} letters of base64, SHA-256 {})", dn.len(), hex(&sha256(dn.as_bytes())));
        }
        self.instead(b"the DN", dn.as_bytes()).unwrap_or_else(|| dn.to_owned())
    }

    /// What stands for a text with a private key in it, or for one that is too long: its length and hash, and its
    /// beginning. No DN and no address begins like this.
    fn instead(&mut self, name: &[u8], bytes: &[u8]) -> Option<String> {
        let hash = || hex(&sha256(bytes));
        if let Some(secret) = secret_in(bytes) {
            self.name_secrets([(String::from_utf8_lossy(name).into_owned(), secret)]);
            return Some(format!("({secret}, {} bytes, SHA-256 {})", bytes.len(), hash()));
        }
        if bytes.len() <= TEXT_HELD {
            return None;
        }
        let text = String::from_utf8_lossy(bytes.get(..TEXT_HELD + 1).unwrap_or(bytes));
        let (length, hash) = (bytes.len(), hash());
        let name = String::from_utf8_lossy(name);
        self.cut_off(&format!(
            "{name} has {length} bytes (SHA-256 {hash}), more than the {TEXT_HELD} of a text that are held"
        ));
        let beginning: String = text.trim().chars().take(64).collect();
        Some(format!("({length} bytes, SHA-256 {hash}) {beginning}…"))
    }

    /// Notes texts with a private key in them, as many as are named.
    pub(super) fn name_secrets(&mut self, secrets: impl IntoIterator<Item = (String, Secret)>) {
        let room = SECRETS_NAMED.saturating_sub(self.secrets.len());
        self.secrets.extend(secrets.into_iter().take(room));
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

/// Texts of one object that are named because a private key stands in them.
const SECRETS_NAMED: usize = 16;

/// A private key in a text: in PEM, withheld from the spool, or behind a line end that the reader took for a part of the
/// value, in the attribute for keys.
fn secret_in(bytes: &[u8]) -> Option<Secret> {
    if bytes.starts_with(WITHHELD_PREFIX) {
        return detect_secret(bytes);
    }
    if find_secret_text(bytes).is_some() {
        return Some(Secret::Pem);
    }
    if !any(bytes, |byte| (byte == b'\r') | (byte == b'\n')) {
        return None;
    }
    let mut lines = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).skip(1);
    let is_key = |line: &[u8]| is_key_attribute(line.split(|byte| *byte == b':').next().unwrap_or_default());
    lines.any(is_key).then_some(Secret::Pkcs12)
}
