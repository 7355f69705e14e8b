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
    /// The kind that a file name promises, by its extension, case-blind.
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

/// Everything that inspection learnt of one package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Format of the package.
    pub kind: Kind,
    /// Length in bytes.
    pub size: u64,
    /// Files inside, in the order of the package; backslashes turned into slashes.
    pub files: Vec<FileFact>,
    /// Setup information files inside, in the order of the package.
    pub infs: Vec<InfFacts>,
    /// Processor architectures that the package is for: `x86`, `amd64`, `arm`, `arm64`, `ia64`.
    pub architectures: BTreeSet<String>,
    /// Who signed it, once a signature could be read.
    pub signer: Option<SignerFacts>,
    /// What only an `.hlkx` knows.
    pub hlkx: Option<HlkxFacts>,
}

/// One file inside a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFact {
    /// Path inside the package with slashes.
    pub path: String,
    /// Length in bytes when unpacked.
    pub size: u64,
    /// Architecture of a driver binary by its PE header: `x86`, `amd64`, `arm`, `arm64`, `ia64`, else the number.
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
    /// `CatalogFile` (any decoration).
    pub catalog: Option<String>,
    /// `ExtensionId`: set for an extension INF.
    pub extension_id: Option<String>,
    /// `PnpLockdown` is 1.
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
    /// A primitive driver: `[DefaultInstall…]` instead of `[Manufacturer]`.
    pub primitive: bool,
}

/// Facts of the certificate that signed the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignerFacts {
    /// Distinguished name of the subject.
    pub subject: String,
    /// Common name of the subject, else the whole subject; what `signer` in a rule is matched against.
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
    /// An extended-validation certificate (policy 2.23.140.1.3).
    pub extended_validation: bool,
    /// Time of a timestamp or counter-signature that fits the signature, RFC 3339 UTC.
    pub timestamp: Option<String>,
    /// Name of the timestamp's authority.
    pub timestamp_authority: Option<String>,
}

/// What `PackageInfo.xml` of an `.hlkx` says of the package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HlkxFacts {
    /// Codes of the operating systems tested: the signatures that can be requested.
    pub operating_systems: Vec<String>,
    /// Product type by operating system family code, as the package states them.
    pub product_types: BTreeMap<String, String>,
    /// Version of the kit, as the package states it.
    pub kit_version: Option<String>,
    /// `Package/@Type`, such as `SubmissionPackage`.
    pub package_type: Option<String>,
    /// Tests passed, failed and not run, from `TestRollup`.
    pub tests: Option<TestRollup>,
}

/// The sums of a kit run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRollup {
    /// Tests passed.
    pub passed: u64,
    /// Tests failed.
    pub failed: u64,
    /// Tests not run.
    pub not_run: u64,
}
