//! What changes over time: `convert --previous --published --clear --max-removals`, `diff`, and `verify` with the
//! bundle before and the upload's journal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "history/before.rs"]
mod before;
#[path = "history/clearing.rs"]
mod clearing;
#[path = "history/diff.rs"]
mod diff;
#[path = "history/journal.rs"]
mod journal;
#[path = "support/pki.rs"]
mod pki;
mod program;
#[path = "history/removals.rs"]
mod removals;
#[path = "history/simulation/mod.rs"]
mod simulation;
#[path = "history/tampering.rs"]
mod tampering;
#[path = "history/town.rs"]
mod town;
#[path = "history/upload.rs"]
mod upload;
