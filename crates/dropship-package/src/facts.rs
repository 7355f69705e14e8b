//! Facts that inspection reads from a package.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The package formats of the Hardware dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A signed cabinet, for attestation.
    Cab,
    /// A package of the Hardware Lab Kit (`.hlkx`) or of the Hardware Certification Kit for Windows 8.1 and earlier
    /// (`.hckx`): Open Packaging Conventions with a digital signature.
    Hlkx,
}

impl Kind {
    /// The kind of package by the extension of its file name; case is ignored.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "cab" => Some(Self::Cab),
            "hlkx" | "hckx" => Some(Self::Hlkx),
            _ => None,
        }
    }

    /// `cab` or `hlkx`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cab => "cab",
            Self::Hlkx => "hlkx",
        }
    }
}

/// All facts of one package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Format of the package.
    pub kind: Kind,
    /// Length in bytes.
    pub size: u64,
    /// Files inside, in the order of the package. Paths have slashes instead of backslashes.
    pub files: Vec<FileFact>,
    /// Setup information files inside, in the order of the package.
    pub infs: Vec<InfFacts>,
    /// Architectures that the package is for: `x86`, `amd64`, `arm`, `arm64`, `ia64`.
    pub architectures: BTreeSet<String>,
    /// The signer; absent if there is no readable signature.
    pub signer: Option<SignerFacts>,
    /// Facts from the `PackageInfo.xml` of an `.hlkx`.
    pub hlkx: Option<HlkxFacts>,
    /// Identity of the signed content, lower-case hex: the same for packages that differ only in their signatures and in bytes
    /// that no signature covers, such as timestamps, padding, the order of certificates, or the compression of an `.hlkx`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_sha256: Option<String>,
}

/// One file inside a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFact {
    /// Path inside the package with slashes.
    pub path: String,
    /// Length in bytes when unpacked.
    pub size: u64,
    /// Architecture of a driver binary by its PE header: `x86`, `amd64`, `arm`, `arm64` or `ia64`, otherwise the machine type as
    /// a hexadecimal number. Absent for other files.
    #[serde(default)]
    pub machine: Option<String>,
}

/// Facts of one INF. Texts are resolved through `[Strings]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfFacts {
    /// Path inside the package with slashes.
    pub path: String,
    /// File name, such as `echo.inf`.
    pub name: String,
    /// File name without `.inf`.
    pub stem: String,
    /// `Provider` of `[Version]`.
    pub provider: Option<String>,
    /// `Class` of `[Version]`.
    pub class: Option<String>,
    /// `ClassGuid` of `[Version]`, as written.
    pub class_guid: Option<String>,
    /// Version part of `DriverVer`: four numbers, padded with zeros if fewer are written.
    pub version: Option<String>,
    /// Date part of `DriverVer` as `yyyy-mm-dd`.
    pub date: Option<String>,
    /// The first `CatalogFile`, with or without a decoration.
    pub catalog: Option<String>,
    /// `ExtensionId`: set for an extension INF.
    pub extension_id: Option<String>,
    /// True if `PnpLockdown` is 1.
    pub pnp_lockdown: bool,
    /// Hardware ids of all models, as written, without repeats.
    pub hardware_ids: Vec<String>,
    /// Computer hardware ids (CHIDs) that the INF names, lower case, without braces.
    pub chids: Vec<String>,
    /// Manufacturer names.
    pub manufacturers: Vec<String>,
    /// Device descriptions of all models, without repeats.
    pub descriptions: Vec<String>,
    /// Architectures of the decorated models: `x86`, `amd64`, `arm`, `arm64`, `ia64`.
    pub architectures: BTreeSet<String>,
    /// True for a primitive driver: `[DefaultInstall…]` instead of `[Manufacturer]`.
    pub primitive: bool,
}

/// Facts of the certificate that signed the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignerFacts {
    /// Distinguished name of the subject.
    pub subject: String,
    /// Common name of the subject, or the whole subject if it has none.
    pub name: String,
    /// Distinguished name of the issuer.
    pub issuer: String,
    /// SHA-1 of the certificate, lower-case hex.
    pub thumbprint_sha1: String,
    /// SHA-256 of the certificate, lower-case hex.
    pub thumbprint_sha256: String,
    /// Start of validity, RFC 3339 UTC.
    pub not_before: String,
    /// End of validity, RFC 3339 UTC.
    pub not_after: String,
    /// True for an extended-validation certificate (policy 2.23.140.1.3).
    pub extended_validation: bool,
    /// Time of the first timestamp or counter-signature that matches the signature, RFC 3339 UTC.
    pub timestamp: Option<String>,
    /// Name of the timestamp's authority.
    pub timestamp_authority: Option<String>,
    /// The certificates that the package contains.
    #[serde(skip)]
    pub certificates: PackageCertificates,
}

/// Certificates that a package contains, in DER. Each list begins with the certificate that signed, and each of the others issued the one
/// before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageCertificates {
    /// The chain of the signer, as far as the package contains it.
    pub signer: Vec<Vec<u8>>,
    /// The chain of the first timestamp's authority, as far as the package contains it.
    pub timestamp: Vec<Vec<u8>>,
}

/// Facts from the `PackageInfo.xml` of an `.hlkx`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HlkxFacts {
    /// Codes of the tested operating systems. Signatures can be requested for these.
    pub operating_systems: Vec<String>,
    /// Product type by family code of the operating system, as the package states them.
    pub product_types: BTreeMap<String, String>,
    /// Version of the kit, as the package states it.
    pub kit_version: Option<String>,
    /// `Package/@Type`, such as `SubmissionPackage`.
    pub package_type: Option<String>,
    /// Tests passed, failed and not run, from `TestRollup`.
    pub tests: Option<TestRollup>,
}

/// Totals of a kit run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRollup {
    /// Tests passed.
    pub passed: u64,
    /// Tests failed.
    pub failed: u64,
    /// Tests not run.
    pub not_run: u64,
}
