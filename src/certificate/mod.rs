//! Certificates and what carries them.

pub mod tlv;
