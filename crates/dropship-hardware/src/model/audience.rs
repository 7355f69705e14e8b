//! Audiences: sets of machines that a label can be restricted to.

use serde::{Deserialize, Serialize};

use super::{Unknown, wire};

/// An audience of this account; each account has its own, so they are never hard-coded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Audience {
    /// A GUID, the value in a label's `restrictedToAudiences`.
    #[serde(deserialize_with = "wire::text")]
    pub id: String,
    /// Friendly name, such as `Test Registry Key`.
    #[serde(deserialize_with = "wire::text")]
    pub name: String,
    /// The machines that it matches, in words.
    #[serde(deserialize_with = "wire::text")]
    pub description: String,
    /// Technical name, such as `Test_Registry_Key`.
    #[serde(deserialize_with = "wire::text")]
    pub audience_name: String,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}
