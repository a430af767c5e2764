//! A bundle's identity: SHA-256 over everything that decides its content, each part with its name and
//! length, so that no two different runs can feed it the same bytes.

use aws_lc_rs::digest::{Context, SHA256};

use crate::encoding::sha256;

/// Collects the parts.
pub struct Identity(Context);

impl Default for Identity {
    fn default() -> Self {
        Self::new()
    }
}

impl Identity {
    /// Begins with the program's name and version.
    #[must_use]
    pub fn new() -> Self {
        let mut identity = Self(Context::new(&SHA256));
        identity.field(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        identity
    }

    /// Adds a text.
    pub fn field(&mut self, name: &str, value: &str) {
        for part in [name, value] {
            self.0.update(&(part.len() as u64).to_be_bytes());
            self.0.update(part.as_bytes());
        }
    }

    /// Adds bytes by their hash.
    pub fn bytes(&mut self, name: &str, value: &[u8]) {
        self.field(name, &crate::encoding::hex(&sha256(value)));
    }

    /// The identity.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.finish().as_ref());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let of = |parts: &[(&str, &str)]| {
            let mut identity = Identity::new();
            for (name, value) in parts {
                identity.field(name, value);
            }
            identity.finish()
        };
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert_ne!(of(&[("a", "b"), ("c", "d")]), of(&[("a", "bcd")]));
        assert_eq!(of(&[("a", "b")]), of(&[("a", "b")]));
    }
}
