//! What no LDIF reader can do without: find line ends, join folds, decode base64. Nothing is checked, nothing kept.
#![allow(dead_code)]

use std::io::Read;

use base64::Engine as _;
use base64::engine::{GeneralPurposeConfig, Simd};
use memchr::{memchr, memrchr};

/// Buffers of the floor, used again and again.
pub struct Floor {
    engine: Simd,
    joined: Vec<u8>,
    decoded: Vec<u8>,
}

impl Floor {
    pub fn new() -> Self {
        Self {
            engine: Simd::standard(GeneralPurposeConfig::new()),
            joined: Vec::new(),
            decoded: vec![0; 64 << 10],
        }
    }

    /// Reads whole lines; gives the number of decoded bytes.
    pub fn text(&mut self, text: &[u8]) -> usize {
        let (mut at, mut decoded) = (0, 0);
        while let Some(length) = memchr(b'\n', &text[at..]) {
            let first = &text[at..at + length];
            at += length + 1;
            let mut line = first;
            if text.get(at) == Some(&b' ') {
                self.joined.clear();
                self.joined.extend_from_slice(first);
                while text.get(at) == Some(&b' ') {
                    let length = memchr(b'\n', &text[at..]).unwrap_or(text.len() - at);
                    self.joined.extend_from_slice(&text[at + 1..at + length]);
                    at = (at + length + 1).min(text.len());
                }
                line = &self.joined;
            }
            let Some(colon) = memchr(b':', line) else { continue };
            if let Some(value) = line[colon + 1..].strip_prefix(b":") {
                let value = value.strip_prefix(b" ").unwrap_or(value);
                self.decoded.resize(self.decoded.len().max(value.len()), 0);
                decoded += self.engine.decode_slice(value, &mut self.decoded).unwrap();
            }
        }
        decoded
    }

    /// Reads a file by blocks of a megabyte, cut at the ends of lines that no fold follows.
    pub fn file(&mut self, mut file: impl Read) -> usize {
        let mut buffer = vec![0; 2 << 20];
        let (mut held, mut decoded) = (0, 0);
        loop {
            let space = held..(held + (1 << 20)).max(held + 1);
            buffer.resize(buffer.len().max(space.end), 0);
            let count = file.read(&mut buffer[space]).unwrap();
            held += count;
            let mut cut = held;
            if count > 0 {
                // Behind a line end, before a line that is no continuation.
                let mut end = held - 1;
                cut = loop {
                    let Some(found) = memrchr(b'\n', &buffer[..end]) else { break 0 };
                    if buffer[found + 1] != b' ' {
                        break found + 1;
                    }
                    end = found;
                };
            }
            decoded += self.text(&buffer[..cut]);
            buffer.copy_within(cut..held, 0);
            held -= cut;
            if count == 0 {
                return decoded;
            }
        }
    }
}
