//! Holds certferry's path engine against two other implementations of RFC 5280 section 6.
//!
//! [`case`] makes chains by a seeded random choice: a plain chain, and up to three *twists* on it, each
//! of them something that path processing has to notice or to let pass. [`judges`] asks certferry,
//! certval and the openssl program. [`explained`] reads the list of differences that are understood.
//! Keys are made once per run and differ from run to run; nothing that is compared depends on them.
#![forbid(unsafe_code)]

pub mod case;
pub mod explained;
pub mod judges;
pub mod twists;

#[path = "../../support/pki.rs"]
#[allow(missing_docs, dead_code, clippy::unwrap_used, clippy::expect_used)]
pub mod pki;
