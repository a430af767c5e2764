//! Every limit of the reader, with its reason. Nothing else in this module caps anything.

/// Raw bytes that one record may have before it is cut off (with an error), 13 MiB.
///
/// The reader holds a record at a time, and the whole program has 64 MB. AD's largest object in practice is a group or a
/// user whose attributes are cut into ranges of 1 500 values (MaxValRange, MS-ADTS 3.1.1.3.4.6); 1 500 certificates of 2
/// KiB are 4 MiB of base64, 8 MiB in UTF-16, and 12 MiB as csvde writes them there; the rest is for other attributes.
pub const RECORD: usize = 13 * 1024 * 1024;

/// Values that one record may have before the rest is left out (with an error), 200 000. A value of two bytes takes up
/// seventy in memory, so [`RECORD`] alone would let a record of such values fill 400 MB; AD gives 1 500 in one chunk, and
/// the largest groups seen in exports have some ten thousand members.
pub const VALUES: usize = 200_000;

/// Lines of trailers in one block that are looked at, 10 000: a search has a handful.
pub const TRAILER_LINES: usize = 10_000;

/// Raw bytes of a block that [`Blocks`](super::Blocks) aims at, 1 MiB: fits a second-level cache and some hundred
/// records, so that handing blocks to threads costs nothing.
pub const BLOCK: usize = 1024 * 1024;

/// Bytes that [`detect`](super::detect()) looks at, 64 KiB: enough for an `ldapsearch` header and long first values.
pub const DETECT: usize = 64 * 1024;

/// Bytes of one file behind a `:<` URL, 10 MiB. AD holds at most 32 768 bytes in a certificate value (rangeUpper);
/// photos are the largest values that `ldapsearch -t` writes.
pub const URL_FILE: u64 = 10 * 1024 * 1024;

/// Bytes that all `:<` URLs of one record may bring in, 24 MiB: a hundred lines must not become a gigabyte in memory.
pub const URL_RECORD: usize = 24 * 1024 * 1024;

/// Problems reported for one record (or for one gap between records), 1 000. A record of [`RECORD`] bytes can hold
/// twelve million wrong lines; the rest is counted in one last problem.
pub const PROBLEMS: usize = 1000;

/// Objects whose ranges are open at one time, 10 000: an export brings the chunks of an object one after the other,
/// so open ones are few unless an export is incomplete throughout.
pub const OPEN_RANGES: usize = 10_000;

/// Chunks of one attribute of one object that are remembered while its range is open, 10 000: AD's chunk is 1 500 values
/// (MaxValRange), older servers give 1 000, so this is more than ten million values.
pub const RANGE_CHUNKS: usize = 10_000;

/// Bytes by which a record's buffer grows at most at one time, 4 MiB: doubling would hold twice the largest record.
pub(super) const GROWTH: usize = 4 * 1024 * 1024;

/// Bytes above which a buffer is a giant's, and is not kept for the rest of the run, 8 MiB.
pub(crate) const LARGE: usize = 8 * 1024 * 1024;

/// Bytes above which a buffer asks for the room of a giant, 1 MiB: what grows in steps is copied at each, and every
/// step is memory that is touched for the first time.
pub(super) const ROOMY: usize = 1024 * 1024;

/// Room that such a buffer asks for, 33 MiB. Only what is written takes memory, and allocators give what is so
/// large back at once when it is freed (jemalloc: `oversize_threshold`; glibc: DEFAULT_MMAP_THRESHOLD_MAX, mallopt(3)); of
/// smaller buffers glibc learns to keep their room, and one giant after the other would fill the heap with holes.
pub(super) const GIANT: usize = 33 * 1024 * 1024;

/// Bytes of input text quoted in a message, 80: one line.
pub const EXCERPT: usize = 80;

/// Bytes of a DN kept in a [`Problem`](super::Problem), 1 024: longer than any that AD accepts in practice, and a DN of a
/// megabyte with many wrong lines must not be copied whole for each of them.
pub const PROBLEM_DN: usize = 1024;
