//! certferry: read, extract, judge, select, bundle.

pub mod ldif;
