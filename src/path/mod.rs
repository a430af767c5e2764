//! Certification paths (RFC 5280 section 6).
pub mod signature;
