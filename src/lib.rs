//! certferry: read, extract, judge, select, bundle.

pub mod bundle;
pub mod certificate;
