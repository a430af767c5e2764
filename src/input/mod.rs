//! Where bytes come from: files, folders, standard input, and the maps beside them.
//!
//! Everything is recognised by its content ([`recognise`]), never by its name, and every way in keeps
//! private keys out: they are named with their place and their bytes go nowhere.

pub mod files;
pub mod gzip;
pub mod map;
pub mod opening;
pub mod pem;
pub mod recognise;
pub mod spool;
pub mod walk;
pub mod whole;
