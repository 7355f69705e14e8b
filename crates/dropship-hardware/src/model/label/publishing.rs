//! The manner in which a label is published, or its receiver.

use serde::{Deserialize, Serialize};

use crate::model::{Unknown, wire};

/// The manner in which a submission is published to Windows Update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PublishingSpecifications {
    /// Earliest time of publication; absent: as soon as certified.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub go_live_date: Option<String>,
    /// Sellers who may read driver and label; numbers on the wire.
    #[serde(deserialize_with = "wire::numbers", skip_serializing_if = "Vec::is_empty")]
    pub visible_to_accounts: Vec<u64>,
    /// Delivered during an upgrade of the operating system.
    #[serde(
        rename = "isAutoInstallDuringOSUpgrade",
        deserialize_with = "wire::opt_bool",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_auto_install_during_os_upgrade: Option<bool>,
    /// Delivered to applicable machines automatically.
    #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_auto_install_on_applicable_systems: Option<bool>,
    /// Offered as an optional update; true exactly when both automatic ways are off.
    #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub manual_acquisition: Option<bool>,
    /// Hidden from WSUS and the Update Catalog.
    #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_disclosure_restricted: Option<bool>,
    /// Published to Windows 10 S.
    #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub publish_to_windows10s: Option<bool>,
    /// For Microsoft's review; required with either automatic way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_info_for_ms_approval: Option<AdditionalInfo>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

/// Information for Microsoft's reviewers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdditionalInfo {
    /// Mail address of the sponsor at Microsoft.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub microsoft_contact: Option<String>,
    /// The validation of the driver.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub validations_performed: Option<String>,
    /// Names of affected OEMs.
    #[serde(deserialize_with = "wire::texts", skip_serializing_if = "Vec::is_empty")]
    pub affected_oems: Vec<String>,
    /// A restart is needed.
    #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_reboot_required: Option<bool>,
    /// Works on unreleased builds of Windows.
    #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_co_engineered: Option<bool>,
    /// For a new or unreleased device.
    #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_for_unreleased_hardware: Option<bool>,
    /// Contains a user interface or other software.
    #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub has_ui_software: Option<bool>,
    /// Reason for the publication.
    #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub business_justification: Option<String>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

/// The partner that receives a submission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecipientSpecifications {
    /// Seller id of the receiver; a string on the wire.
    #[serde(deserialize_with = "wire::text")]
    pub receiver_publisher_id: String,
    /// The receiver must add computer hardware ids to its labels.
    #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub enforce_chid_targeting: Option<bool>,
    /// The receiver must not create driver updates (DUA packages). Source: Hardware Dev Center blog, 2026.
    #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub block_dua_creation: Option<bool>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}
