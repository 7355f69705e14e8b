//! The work of an inspection, counted.

/// Work that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkKind {
    /// Bytes read from the file.
    Read,
    /// Bytes hashed, once for each digest.
    Hashed,
    /// Bytes unpacked.
    Unpacked,
    /// Signature values verified.
    Verified,
    /// Certificates tried as an issuer in a path.
    Tried,
}

impl WorkKind {
    /// What is counted, as a plural.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Read => "bytes to be read",
            Self::Hashed => "bytes to be hashed",
            Self::Unpacked => "bytes to be unpacked",
            Self::Verified => "signature values to be verified",
            Self::Tried => "certificates to be tried as issuers",
        }
    }
}

/// Amounts of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Bytes read from the file.
    pub read: u64,
    /// Bytes hashed, once for each digest.
    pub hashed: u64,
    /// Bytes unpacked.
    pub unpacked: u64,
    /// Signature values verified, of the package, its timestamps and all certificates.
    pub verified: u64,
    /// Certificates tried as an issuer in a path; one can be tried at many places of many paths.
    pub tried: u64,
}

/// Work that a file of any length may need.
const BASE: u64 = 128 * 1024 * 1024;
/// Maximum number of signature values. A package with two signatures, timestamps and long chains needs about 40.
const VERIFIED: u64 = 256;
/// Maximum number of certificates tried as issuers. A chain of three certificates needs about 10, and each timestamp as many.
pub(crate) const TRIED: u64 = 10_000;

impl Work {
    /// The most that the inspection of a file of `length` bytes may need. Everything grows at most linearly with the length.
    ///
    /// A package is read twice (its digest, its contents) and hashed for each of four algorithms; that the contents of an
    /// archive are at most 100 times as long as the archive is checked when it is opened.
    #[must_use]
    pub fn limit(length: u64) -> Self {
        let linear = |factor: u64| length.saturating_mul(factor).saturating_add(BASE);
        Self { read: linear(8), hashed: linear(410), unpacked: linear(110), verified: VERIFIED, tried: TRIED }
    }
}
