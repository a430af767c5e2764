//! The pipeline of `convert`: read → extract → judge → select → bundle, in two passes.
//!
//! The first pass ([`first`]) reads everything once, hashes it, and collects for the census what one
//! entry must know of the whole run. The second pass ([`second`]) reads everything again and judges
//! object by object, in the order of first occurrence. Both passes spread blocks over threads and
//! take the results in order, so that no byte depends on the number of threads, and neither ever
//! holds more than a few blocks.

pub mod first;
pub mod hint;
pub mod open;
pub mod record;
pub mod second;
pub mod source;
pub mod store;
pub mod turns;

use crate::input::map::{CertificateMap, RecipientMap};
use crate::ldif;
use crate::recipient::SourceRules;

/// How inputs are read and whose they are; the same for both passes.
#[derive(Default)]
pub struct Reading {
    /// Options of the LDIF reader.
    pub ldif: ldif::Options,
    /// Whose certificate files are.
    pub map: Option<CertificateMap>,
    /// Addresses in the cloud.
    pub recipient_map: Option<RecipientMap>,
    /// Who is left out.
    pub source_rules: SourceRules,
}
