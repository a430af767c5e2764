//! certferry: read, extract, judge, select, bundle.

pub mod certificate;
pub mod input;
