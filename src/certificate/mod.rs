//! Certificates and what carries them.

pub mod container;
pub mod tlv;
