//! The first pass: what one entry needs to know of the whole run.

pub mod sorter;
