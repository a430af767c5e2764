//! Inputs: what a file is, what is in it, and whose it is.

pub mod files;
pub mod map;
pub mod pem;

pub mod spool;
pub mod walk;
