//! Every cap of path building and validation, with the source of its number.
//!
//! A cap that is reached never makes a path invalid: it is told as `path-budget-exhausted` with the
//! verdict notVerified. What a cap counts is counted alike whether a cache answers or not, so that
//! no verdict depends on what ran before.

/// Certificates that a path may have above the target, the anchor included. OpenSSL stops at 100,
/// webpki at 6 intermediates; the deepest chain in public use that we know of has 5, the longest of
/// PKITS 7.
pub const MAX_DEPTH: usize = 20;

/// Signature checks spent on one search upwards from one certificate. webpki allows 100; a power of
/// two above it leaves room for some dozen CA certificates that share a name.
pub const MAX_SIGNATURES: usize = 128;

/// Certificates looked at during one search. webpki allows 200 000 calls, which its authors measured
/// to end in seconds; no real bundle needs a hundredth of it.
pub const MAX_STEPS: usize = 4_096;

/// Whole paths kept for one issuer. A bridge with cross-certificates in both directions gives some
/// ten; all of them are kept because a leaf may need any one of them (name constraints, policies).
pub const MAX_PATHS: usize = 32;

/// Comparisons of one name with one constraint of its form for one certificate: webpki's 250 000.
pub const MAX_NAME_COMPARISONS: usize = 250_000;

/// Constraints looked at for one certificate, whatever their form: twice the 2^20 that BoringSSL
/// allows, which still ends within some 5 ms.
pub const MAX_CONSTRAINT_SCANS: usize = 1 << 21;

/// Names outside of their constraints that are told for one certificate. A certificate may hold a
/// hundred thousand of them; nobody reads more than some.
pub const MAX_REFUSALS: usize = 64;

/// Certificates of the same value or file that are considered beside the pool. Real PKCS#7 values
/// hold below ten; a folder of exported files is given as intermediates, not here.
pub const MAX_EXTRA: usize = 256;

/// How far CRL signers are followed: the signer of a CRL (1), the signer of the CRL that covers that
/// signer (2). PKITS needs 1.
pub const MAX_SIGNER_LEVEL: u8 = 2;

/// Certificates tried as the signer of one CRL.
pub const MAX_CRL_SIGNERS: usize = 8;

/// Bytes of one CRL. Entries are indexed by 32-bit offsets; the largest public CRLs have 80 MB.
pub const MAX_CRL_BYTES: usize = u32::MAX as usize;

/// Policies (or mappings) of one certificate that take part in policy processing. The graph of
/// RFC 9618 grows with their product over two levels only; public certificates have below ten.
pub const MAX_POLICIES: usize = 4_096;
