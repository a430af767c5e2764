//! Every cap of the pipeline, each with the source of its number.
//!
//! Limits of the LDIF reader and of the path engine stand with them (`ldif::limits`,
//! `path::limits`), because both can be used by themselves.

/// Bytes of an attribute value above which Active Directory refuses it (rangeUpper of
/// userCertificate and userSMIMECertificate in Microsoft's schema, MS-ADA3).
pub const VALUE_BYTES: usize = 32_768;

/// Values of one attribute that Entra Connect exports for an object; above it the whole object's
/// export fails with LargeObject (Microsoft, "LargeObject errors caused by userCertificate").
pub const VALUES_PER_ATTRIBUTE: usize = 15;

/// Bytes of a certificate file. The largest real P7B bundles (whole national PKIs) stay below 4 MiB;
/// a file is held in memory once a thread, and the run's memory is to stay below 64 MiB.
pub const CERTIFICATE_FILE_BYTES: u64 = 8 << 20;

/// How many times its own size a gzip input may have when it is unpacked. DEFLATE reaches 1032 (RFC 1951
/// section 3.2.5: 258 bytes for two bits); an export with certificates stays below 10, and one of names
/// alone in UTF-16, the most that repeats itself, was measured at 67.
pub const GZIP_RATIO: u64 = 200;

/// Unpacked bytes up to which [`GZIP_RATIO`] is not looked at: a short file of one repeated line is no
/// danger.
pub const GZIP_FREE: u64 = 16 << 20;

/// Bytes of a CRL file. Large public CAs publish CRLs of some 25 MB with 500 000 entries; they are
/// held once.
pub const CRL_FILE_BYTES: u64 = 256 << 20;

/// Bytes of a `--map` or `--recipient-map` file: a million lines of 100 bytes.
pub const MAP_FILE_BYTES: u64 = 128 << 20;

/// Raw bytes of a block of LDIF that one thread works on. Large enough that hand-over costs nothing
/// (some 50 users), small enough that the ones in flight stay in the processor's caches.
pub const BLOCK_BYTES: usize = 384 << 10;

/// Raw bytes of a block above which it is worked on alone. A block is larger than [`BLOCK_BYTES`] only for the sake
/// of one record, which takes two to three times as much while it is judged; four of 13 MiB would be 120 MB.
pub const LARGE_BLOCK: usize = 2 << 20;

/// Bytes of a rendered recipient that is kept to be rendered into again: three times what one with three certificates
/// takes, since as many of them are kept as there are recipients in all blocks in flight.
pub const SPARE_BYTES: usize = 48 << 10;

/// Certificate files that one thread works on at a time.
pub const FILES_PER_BLOCK: usize = 64;

/// Blocks in flight per worker thread: one being worked on, one waiting, one whose result waits for its turn; one more
/// for all is being written.
pub const BLOCKS_PER_WORKER: usize = 3;

/// Keys (32 bytes each) that the census sorts in memory before they spill: 4 MiB, and as many that are collected
/// meanwhile.
pub const SPILL_KEYS: usize = 1 << 17;

/// Bytes of read buffer for each spilled run while runs are merged, for each of the two threads that do it.
pub const MERGE_BUFFER: usize = 16 << 10;

/// Runs that are merged at once; more are merged in rounds, so that memory stays flat.
pub const MERGE_WAYS: usize = 128;

/// Judged certificates that a worker remembers by SHA-256 (some 2 KiB each).
pub const REMEMBERED_OUTCOMES: usize = 512;

/// Hashes (32 bytes each) of what objects have that others share, which a run remembers for all its threads.
pub const REMEMBERED_HASHES: usize = 1 << 15;

/// Issuers whose name for display a worker remembers, and places of CRLs that it has looked at (some 300 bytes each; a
/// value has at most 32 KiB).
pub const REMEMBERED_ISSUERS: usize = 64;

/// Issuers whose unreachable CRL distribution point is reported by name; above it only the number
/// is. A directory with more issuers than this has another problem.
pub const REPORTED_ISSUERS: usize = 1_000;

/// Records of one object that are united. An object is split by a directory that answers in
/// `range=` chunks of 1 500 values, so this stands for 1.5 million values.
pub const RECORDS_PER_OBJECT: usize = 1_000;

/// Bytes of one value that is held: 32 times what Active Directory takes (rangeUpper 32 768). A larger one is
/// hashed and reported, and its attribute is incomplete.
pub const VALUE_HELD: usize = 1 << 20;

/// Values of certificate attributes of one object that are held while it is judged: more than the 1 500 that
/// Active Directory answers with in one chunk; a judged one takes some 15 KB. What is beyond is counted, hashed
/// and reported as one, and its attribute is incomplete.
pub const VALUES_HELD: usize = 1_600;

/// Bytes of the values of one object that are held while it is judged: 8 MiB are [`VALUES_HELD`] of 5 KiB. Above
/// it the rest is hashed and reported, and the object's attributes are incomplete.
pub const OBJECT_BYTES: usize = 8 << 20;

/// Bytes of one text of an object (DN, names, addresses) that are held: Active Directory's longest, a DN of
/// some dozen levels, stays far below ([`DN_BYTES`]). A longer one is hashed and reported, and the object's
/// attributes are incomplete.
pub const TEXT_HELD: usize = 32 << 10;

/// Values of mail and proxyAddresses of one object that are held: Active Directory takes some 1 300 values of an
/// unlinked attribute (MS-ADTS section 3.1.1.1.5; "Active Directory maximum limits"), Exchange Online fewer. What
/// is beyond is reported, and the object's attributes are incomplete.
pub const ADDRESSES_HELD: usize = 2_000;

/// Bytes of these values: [`ADDRESSES_HELD`] of 512, more than an SMTP address may have (RFC 5321 section 4.5.3.1).
pub const ADDRESS_BYTES: usize = 1 << 20;

/// Chunks of `range=` of one object that are held, as many as the reader remembers: Active Directory's hold 1 500
/// values each.
pub const CHUNKS_HELD: usize = crate::ldif::limits::RANGE_CHUNKS;

/// Seconds in a day.
pub const DAY: i64 = 86_400;

/// Days before its end at which a certificate is reported as ending soon: the lead that a renewal
/// by hand needs, as CA operators' reminders do.
pub const WARN_DAYS: i64 = 30;

/// Days from notBefore to notAfter above which a certificate is told as long-lived: the longest that the
/// CA/Browser Forum's S/MIME Baseline Requirements allow (section 6.3.2, profile legacy).
pub const VALIDITY_DAYS: i64 = 1_185;

/// Days that a successor must have been valid before its predecessor is dropped: the address book of
/// Outlook takes up to two days, and people install a new key on all of their devices within a month.
pub const OVERLAP_DAYS: i64 = 30;

/// Years' worth of days that any number of days in a policy may say: the 100 years after which even a
/// self-signed EFS certificate of Windows ends.
pub const MOST_DAYS: i64 = 36_525;

/// Days of bundle lifetime that a policy may say: what was true of people and CRLs a year ago is not.
pub const MOST_BUNDLE_DAYS: i64 = 366;

/// Share of the people with a certificate to encrypt to, in percent, whom one bundle may leave without one unless
/// the policy or `--max-removals` says otherwise; the upload script has the same limit.
pub const REMOVALS_PERCENT: u8 = 5;

/// Largest RSA modulus that a policy may demand: OpenSSL's and Windows' own limit.
pub const RSA_BITS_MOST: usize = 16_384;

/// Smallest limit for the bytes of a value that a policy may set: no S/MIME certificate with an RSA key of
/// 1024 bits is below 512 bytes.
pub const VALUE_BYTES_LEAST: usize = 512;

/// Bytes of a policy file. The default has some 30 KB; an exception has some 300 bytes.
pub const POLICY_FILE_BYTES: u64 = 4 << 20;

/// Problems of a policy file that are listed; who has more of them starts from a generated one.
pub const POLICY_PROBLEMS: usize = 20;

/// Days for which a bundle may be uploaded.
pub const BUNDLE_DAYS: i64 = 30;

/// Days until the next bundle is expected.
pub const NEXT_RUN_DAYS: i64 = 30;

/// RSA modulus below which a certificate is withheld (RFC 8551 section 4: keys below 1024 bits are historic).
pub const RSA_BITS_REFUSED: usize = 1_024;

/// RSA modulus below which a certificate draws a warning (RFC 8551 section 4; NIST SP 800-57).
pub const RSA_BITS_WARNED: usize = 2_048;

/// Bytes of a DN under which an object is changed: Active Directory's longest names (a tree of some dozen levels, 255
/// characters a name, MS-ADTS section 3.1.1.5.1.2) stay far below, and a line of the change stays short enough to be
/// verified in flat memory.
pub const DN_BYTES: usize = 32 << 10;

/// Recipients a payload file holds unless `--batch` says otherwise.
pub const BATCH: usize = 1_000;

/// So many may lose theirs in any case: 5 % of a small company is nobody.
pub const REMOVALS_AT_LEAST: u64 = 10;

/// Names of a list (removals, cleared people) that the closing summary prints; the manifest and findings.ndjson
/// have them all.
pub const NAMES_SHOWN: usize = 10;

/// Bytes of a line of an inventory or of a journal: both attributes of one object as large as the reader takes
/// them from an input ([`OBJECT_BYTES`]), old and new, in base64.
pub const LEDGER_LINE_BYTES: usize = OBJECT_BYTES * 3;

/// Bytes of a policy.toml that `diff` reads: hundreds of codes and exceptions stay far below.
pub const POLICY_BYTES: u64 = 4 << 20;

/// Objects that claim one address or name which are compared with an earlier one: more than a handful is a
/// conflict that is reported elsewhere.
pub const CLAIMANTS_COMPARED: usize = 16;
/// Entries of a list in the report: what a person reads in half an hour. The rest stands in manifest.csv.
pub const LISTED: usize = 200;

/// Candidates that the report lists of one person.
pub const LISTED_CANDIDATES: usize = 20;

/// Names that a table of the report counts one by one: issuers, domains, kinds of key.
pub const NAMED: usize = 1_000;
