//! What can be changed of a shipping label.

use serde::{Deserialize, Serialize};

use crate::model::open::open_enum;

use super::{CoEngPublishInfo, InServicePublishInfo};

open_enum! {
    /// What is done with an id.
    pub enum Action {
        /// Target it too.
        Add = "add",
        /// Target it no longer.
        Remove = "remove",
    }
}

/// Body of a label's PATCH; its key is `targeting` though the service's own messages say `targetingInfo`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelUpdate {
    /// The changes.
    pub targeting: TargetingUpdate,
}

impl LabelUpdate {
    /// Whether nothing would change; the service refuses such an update.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Changes of a label's targeting; only what is set is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetingUpdate {
    /// Computer hardware ids to add or remove.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chids: Vec<ChidChange>,
    /// Hardware ids to add or remove.
    #[serde(skip_serializing_if = "Vec::is_empty")]
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
    /// Why; required with a ceiling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_justification: Option<String>,
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
