//! Every limit of the reader of csvde exports, with its reason. The rest are those of [`crate::ldif::limits`].

/// Bytes of a header, 1 MiB. Active Directory with Exchange has some 4 000 attributes of 20 letters.
pub const HEADER: usize = 1024 * 1024;

/// Columns that are looked at, 20 000: five times as many as Active Directory with Exchange has attributes.
pub const COLUMNS: usize = 20_000;

/// Different headers in one input, 1 000: one for each file that was put behind another.
pub const HEADERS: usize = 1_000;
