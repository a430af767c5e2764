//! certferry: read, extract, judge, select, bundle.
