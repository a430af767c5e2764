//! review/report.html: what an auditor reads, signs and keeps.
//!
//! One file, no script, no outside reference. It opens with who can be written to and what needs a decision, and
//! says after that how it came to it. Everything in it stands in the review half too, so `certferry report DIR`
//! makes the same bytes again, and `verify` compares them.
//!
//! | module | what |
//! |---|---|
//! | [`digest`] | what is counted and listed while recipients pass |
//! | [`ranked`] | counts by name that cannot grow without bound |
//! | [`page`] | the page, section by section |
//! | [`chart`] | bars as inline SVG |
//! | [`again`] | the same report from a finished bundle |
//!
//! Text from outside is escaped by the template language, cut at a length that no real name reaches, and its
//! control characters and direction marks are made visible, so that a hostile name can neither break the page
//! nor reorder what stands around it.

pub mod again;
pub mod chart;
pub mod digest;
pub mod page;
pub mod ranked;
mod sections;

pub use digest::{Digest, Facts, Listed};
pub use page::{Page, render};

/// Its name in review/.
pub const REPORT: &str = "report.html";
