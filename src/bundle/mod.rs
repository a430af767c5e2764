//! The bundle: two halves, one for review inside the gap and one that crosses it.
//!
//! Writing is a stream. Worker threads [`render()`] one recipient each to bytes, with the number left
//! open; one [`writer::Writer`] appends them in input order, gives the numbers, hashes every byte while it is
//! written, and at last makes the whole folder appear by one rename ([`stage`]). Nothing keeps recipients in
//! memory, and nothing but the arguments decides a byte: no clock, no random number, no map order.
//!
//! Reading is a stream too: [`manifest::read`] hands out one recipient after the other, and
//! [`verify::verify()`] walks manifest and payload side by side.
//!
//! | module | what |
//! |---|---|
//! | [`model`] | the shapes: the types are the format |
//! | [`mod@render`] | a recipient as bytes: manifest line, CSV rows, finding lines, payload line |
//! | [`table`] | cells of manifest.csv: formula guard, visible control characters |
//! | [`stage`] | the folder appears whole, by rename, or not at all |
//! | [`writer`] | begin → append → seal |
//! | [`directory`] | the change of the directory and its inverse, as LDIF |
//! | [`handover`] | HANDOVER.txt |
//! | [`identity`] | the hash over all that decides a bundle's content |
//! | [`sums`] | SHA256SUMS, written and read |
//! | [`manifest`] | manifest.json, read as a stream |
//! | [`report`] | report.html, while the bundle is written and again from a finished one |
//! | [`verify`] | is this bundle whole, unchanged and current |
//! | [`schema`] | JSON Schemas of the types |

pub mod directory;
pub mod error;
pub mod handover;
pub(crate) mod hashed;
pub mod identity;
mod json;
pub mod manifest;
pub mod model;
pub mod render;
pub mod report;
pub mod schema;
pub mod stage;
pub mod sums;
mod sync;
pub mod table;
mod uncached;
pub mod verify;
pub mod writer;

pub use error::OutputError;
pub use render::{Entry, ManifestFormat, Rendered, Tally, render};
pub use stage::{check_target, remove_stages, stale_stages};
pub use writer::{Closing, DEFAULT_BATCH, ManifestHead, Sealed, StageOptions, Writer};

/// The half that stays inside the gap.
pub const REVIEW: &str = "review";
/// The half that crosses it.
pub const TRANSFER: &str = "transfer";
/// The upload script's name below transfer/.
pub const SCRIPT: &str = "Publish-SmimeCertificate.ps1";
/// The trust store's name below transfer/.
pub const TRUST_STORE: &str = "trust.sst";
/// The upload script, the same bytes in every bundle of a release. Its parts are joined as they stand: one part a
/// subject, in the order in which the script needs them.
pub const SCRIPT_BYTES: &[u8] = concat!(
    include_str!("publish/head.ps1"),
    include_str!("publish/text.ps1"),
    include_str!("publish/options.ps1"),
    include_str!("publish/files.ps1"),
    include_str!("publish/signature.ps1"),
    include_str!("publish/folder.ps1"),
    include_str!("publish/certificate.ps1"),
    include_str!("publish/payload.ps1"),
    include_str!("publish/journal.ps1"),
    include_str!("publish/fault.ps1"),
    include_str!("publish/tenant.ps1"),
    include_str!("publish/removal.ps1"),
    include_str!("publish/recipient.ps1"),
    include_str!("publish/rollback.ps1"),
    include_str!("publish/inventory.ps1"),
    include_str!("publish/trust.ps1"),
    include_str!("publish/run.ps1"),
)
.as_bytes();
/// A payload line with its line end is shorter than this, in bytes.
pub const MAX_PAYLOAD_LINE: usize = 1_000_000;
