//! The machines that a label targets.

use serde::{Deserialize, Serialize};

use crate::model::open::open_enum;
use crate::model::{Unknown, wire};

open_enum! {
    /// Progress of the targeting of a hardware id.
    pub enum HardwareIdState {
        /// Being added.
        PendingAdd = "pendingAdd",
        /// Being removed.
        PendingRemove = "pendingRemove",
        /// In force.
        Added = "added",
        /// In force; not documented.
        Published = "published",
        /// No data.
        NotSet = "notSet",
    }
}

open_enum! {
    /// Progress of the targeting of a computer hardware id.
    pub enum ChidState {
        /// No data.
        Unknown = "unknown",
        /// Being added.
        PendingAdd = "pendingAdd",
        /// In force.
        Added = "added",
        /// Being removed.
        PendingRemove = "pendingRemove",
        /// Being brought back.
        PendingRecovery = "pendingRecovery",
        /// Brought back.
        Recovered = "recovered",
    }
}

/// The machines that a label targets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Targeting {
    /// Hardware ids, each as the driver metadata has it.
    #[serde(deserialize_with = "wire::list", skip_serializing_if = "Vec::is_empty")]
    pub hardware_ids: Vec<HardwareId>,
    /// Computer hardware ids.
    #[serde(deserialize_with = "wire::list", skip_serializing_if = "Vec::is_empty")]
    pub chids: Vec<Chid>,
    /// Ids of audiences.
    #[serde(deserialize_with = "wire::texts", skip_serializing_if = "Vec::is_empty")]
    pub restricted_to_audiences: Vec<String>,
    /// Range of Windows versions; not together with `co_eng_driver_publish_info`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_service_publish_info: Option<InServicePublishInfo>,
    /// Range of unreleased builds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub co_eng_driver_publish_info: Option<CoEngPublishInfo>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

impl Targeting {
    /// Whether there are hardware ids, and every hardware id and every computer hardware id is in force.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        let added = |id: &HardwareId| {
            matches!(id.distribution_state, Some(HardwareIdState::Added | HardwareIdState::Published))
        };
        let is_pending = |chid: &Chid| {
            matches!(chid.distribution_state, Some(ChidState::PendingAdd | ChidState::PendingRecovery))
        };
        !self.hardware_ids.is_empty()
            && self.hardware_ids.iter().all(added)
            && !self.chids.iter().any(is_pending)
    }

    /// Whether a hardware id is still being added.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        self.hardware_ids.iter().any(|id| id.distribution_state == Some(HardwareIdState::PendingAdd))
    }
}

/// One hardware id of one INF on one operating system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HardwareId {
    /// Bundle id of the driver metadata; opaque.
    #[serde(deserialize_with = "wire::text")]
    pub bundle_id: String,
    /// INF file name.
    #[serde(deserialize_with = "wire::text")]
    pub inf_id: String,
    /// OS code.
    #[serde(deserialize_with = "wire::text")]
    pub operating_system_code: String,
    /// The hardware id.
    #[serde(deserialize_with = "wire::text")]
    pub pnp_string: String,
    /// Progress of the targeting; only in responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution_state: Option<HardwareIdState>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

/// One computer hardware id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Chid {
    /// The GUID.
    #[serde(deserialize_with = "wire::text")]
    pub chid: String,
    /// Progress of the targeting; `pendingAdd` in the documentation's create request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution_state: Option<ChidState>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

/// Range of Windows versions, such as `RS1`, `19H1`, `NI`; the list grows with Windows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InServicePublishInfo {
    /// Offered at and above.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub flooring: Option<String>,
    /// Offered at and below; limited access.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<String>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

/// Range of builds for co-engineering partners.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CoEngPublishInfo {
    /// Offered at and above this build, such as 17135.
    #[serde(deserialize_with = "wire::opt_number", skip_serializing_if = "Option::is_none")]
    pub flooring_build_number: Option<u32>,
    /// Offered at and below this build.
    #[serde(deserialize_with = "wire::opt_number", skip_serializing_if = "Option::is_none")]
    pub ceiling_build_number: Option<u32>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}
