//! The changes that can be made to a shipping label.

use serde::{Deserialize, Serialize};

use crate::model::open::open_enum;
use crate::model::{Unknown, wire};

use super::{CoEngPublishInfo, InServicePublishInfo};

open_enum! {
    /// How the target is changed.
    pub enum Action {
        /// Target it too.
        Add = "add",
        /// Target it no longer.
        Remove = "remove",
    }
}

/// Body of a label's PATCH. Its key is `targeting`, although the service's own messages call it `targetingInfo`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelUpdate {
    /// Changes of the targeting.
    #[serde(skip_serializing_if = "TargetingUpdate::is_empty")]
    pub targeting: TargetingUpdate,
    /// Changes of what a partner may do with the label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_specifications: Option<RecipientUpdate>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

impl LabelUpdate {
    /// Whether nothing would change; the service refuses such an update.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Changes of what a partner may do with a label; the receiver itself cannot be changed.
/// Source: "Sharing drivers with your partners".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecipientUpdate {
    /// The receiver must add computer hardware ids to its labels.
    #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub enforce_chid_targeting: Option<bool>,
    /// The receiver must not create driver updates (DUA packages).
    #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub block_dua_creation: Option<bool>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

/// Changes of a label's targeting; only the fields that are set are sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetingUpdate {
    /// Computer hardware ids to add or remove.
    #[serde(deserialize_with = "wire::list", skip_serializing_if = "Vec::is_empty")]
    pub chids: Vec<ChidChange>,
    /// Hardware ids to add or remove.
    #[serde(deserialize_with = "wire::list", skip_serializing_if = "Vec::is_empty")]
    pub hardware_ids: Vec<HardwareIdChange>,
    /// All audiences from now on: these overwrite, and an empty list removes every restriction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted_to_audiences: Option<Vec<String>>,
    /// New range of Windows versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_service_publish_info: Option<InServicePublishInfo>,
    /// New range of builds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub co_eng_driver_publish_info: Option<CoEngPublishInfo>,
    /// The reason; required with a ceiling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_justification: Option<String>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

impl TargetingUpdate {
    /// Whether the targeting would stay as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One computer hardware id to add or remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChidChange {
    /// Add or remove.
    pub action: Action,
    /// The GUID.
    pub chid: String,
}

/// One hardware id to add or remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HardwareIdChange {
    /// Add or remove.
    pub action: Action,
    /// Bundle id of the driver metadata.
    pub bundle_id: String,
    /// INF file name.
    pub inf_id: String,
    /// OS code.
    pub operating_system_code: String,
    /// The hardware id.
    pub pnp_string: String,
}
