//! Preproduction packages: signed for test machines, without product and submission.

use serde::{Deserialize, Serialize};

use super::open::open_enum;
use super::{Link, Unknown, wire};

open_enum! {
    /// Progress of preproduction signing. Source: "Preproduction driver signing".
    pub enum SigningStatus {
        /// Waiting to begin.
        NotStarted = "NotStarted",
        /// Under way.
        Processing = "Processing",
        /// The signed files are offered.
        Succeeded = "Succeeded",
        /// The package was refused; `error` may say why.
        Failed = "Failed",
    }
}

impl SigningStatus {
    /// Whether the signed files are offered. The undocumented word `completed` means the same.
    #[must_use]
    pub fn is_success(&self) -> bool {
        match self {
            Self::Succeeded => true,
            Self::Other(word) => word.eq_ignore_ascii_case("completed"),
            Self::NotStarted | Self::Processing | Self::Failed => false,
        }
    }

    /// Whether the package was refused.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        *self == Self::Failed
    }
}

/// A package that was sent for preproduction signing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PreprodPackage {
    /// Its id.
    #[serde(deserialize_with = "wire::text")]
    pub id: String,
    /// Entity tag.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// When it changed last.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Progress of signing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_status: Option<SigningStatus>,
    /// Why signing failed.
    #[serde(deserialize_with = "wire::lenient", skip_serializing_if = "Option::is_none")]
    pub error: Option<PreprodError>,
    /// Results; only when one package is asked for.
    #[serde(deserialize_with = "wire::list", skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<Asset>,
    /// There are more assets than listed.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub assets_continuation_token: Option<String>,
    /// Hints.
    #[serde(deserialize_with = "wire::list", skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

/// Why a preproduction package was not signed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PreprodError {
    /// The service's message.
    #[serde(deserialize_with = "wire::text")]
    pub message: String,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

/// A result of preproduction signing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Asset {
    /// Its id.
    #[serde(deserialize_with = "wire::text")]
    pub id: String,
    /// Its package.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub package_id: Option<String>,
    /// `SignedFilesZip`.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub asset_type: Option<String>,
    /// When it was made.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub created_date: Option<String>,
    /// SHA-256 of its bytes.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}
