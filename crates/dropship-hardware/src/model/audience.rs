//! Audiences: sets of machines that a label can be restricted to.

use serde::{Deserialize, Serialize};

use super::{Unknown, wire};

/// An audience of this account; every account has others, so they are never hard-coded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Audience {
    /// What a label's `restrictedToAudiences` holds: a GUID.
    #[serde(deserialize_with = "wire::text")]
    pub id: String,
    /// Friendly name, such as `Test Registry Key`.
    #[serde(deserialize_with = "wire::text")]
    pub name: String,
    /// What machines it matches.
    #[serde(deserialize_with = "wire::text")]
    pub description: String,
    /// Technical name, such as `Test_Registry_Key`.
    #[serde(deserialize_with = "wire::text")]
    pub audience_name: String,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}
