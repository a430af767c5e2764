//! The path engine as the options ask for it.

use super::args::Judging;
use super::material::Material;
use crate::certificate::UnixTime;
use crate::path::Engine;

/// Builds the engine.
pub fn build<'m>(_material: &'m Material, _options: &Judging, _at: UnixTime) -> Engine<'m> {
    Engine::stub()
}

/// The policies of an outcome in dotted form.
#[must_use]
pub fn policies(_outcome: &crate::path::Outcome) -> Vec<String> {
    Vec::new()
}
