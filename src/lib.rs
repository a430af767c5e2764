//! certferry: read, extract, judge, select, bundle.

pub mod bundle;
pub mod census;
pub mod certificate;
pub mod error;
pub mod ldif;
pub mod limits;
pub mod parallel;
