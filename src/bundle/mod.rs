//! The bundle: two halves, one for review inside the gap and one that crosses it.

pub mod model;
