//! certferry: read, extract, judge, select, bundle.

pub mod bundle;
pub mod census;
pub mod certificate;
pub mod cli;
pub mod encoding;
pub mod error;
pub mod extract;
pub mod identity;
pub mod input;
pub mod judge;
pub mod ldif;
pub mod limits;
pub mod object;
pub mod parallel;
pub mod path;
pub mod pipeline;
pub mod policy;
pub mod recipient;
pub mod rules;
pub mod select;
