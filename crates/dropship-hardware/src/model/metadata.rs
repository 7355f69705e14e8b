//! The driver metadata file: the hardware ids of a signed package, in the form that labels need.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Unknown, wire};
use crate::bom::without_bom;

/// The file is not driver metadata.
#[derive(Debug, thiserror::Error)]
#[error("driver metadata cannot be read: {0}")]
pub struct MetadataError(#[from] serde_json::Error);

/// Bundles of a package by bundle id. Source: "Driver package metadata".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DriverMetadata {
    /// By bundle id: a GUID, or `amd64` in older files.
    #[serde(rename = "BundleInfoMap", alias = "bundleInfoMap", deserialize_with = "wire::map")]
    pub bundles: BTreeMap<String, Bundle>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

impl DriverMetadata {
    /// Reads the file as it was downloaded; a byte order mark is skipped.
    ///
    /// # Errors
    /// When it is not JSON, or has no `BundleInfoMap`.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        let metadata: Self = serde_json::from_slice(without_bom(bytes))?;
        let infs = metadata.bundles.values().flat_map(|bundle| bundle.infs.values());
        super::os::note(infs.flat_map(|inf| inf.os_pnp.keys()));
        Ok(metadata)
    }

    /// Every (bundle id, INF, OS code, hardware id) that a label may target.
    pub fn targets(&self) -> impl Iterator<Item = (&str, &str, &str, &str)> {
        self.bundles.iter().flat_map(|(bundle, infos)| {
            infos.infs.iter().flat_map(move |(inf, info)| {
                info.os_pnp.iter().flat_map(move |(os, pnps)| {
                    pnps.keys().map(move |pnp| (bundle.as_str(), inf.as_str(), os.as_str(), pnp.as_str()))
                })
            })
        })
    }
}

/// One bundle: a set of INFs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Bundle {
    /// Languages.
    #[serde(alias = "locales", deserialize_with = "wire::texts")]
    pub locales: Vec<String>,
    /// By INF file name.
    #[serde(rename = "InfInfoMap", alias = "infInfoMap", deserialize_with = "wire::map")]
    pub infs: BTreeMap<String, InfMetadata>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

/// The driver metadata of one INF.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct InfMetadata {
    /// Family id of the driver package.
    #[serde(deserialize_with = "wire::detail", skip_serializing_if = "Option::is_none")]
    pub driver_package_family_id: Option<String>,
    /// Device class name.
    #[serde(deserialize_with = "wire::detail", skip_serializing_if = "Option::is_none")]
    pub inf_class: Option<String>,
    /// Version of `DriverVer`.
    #[serde(deserialize_with = "wire::detail", skip_serializing_if = "Option::is_none")]
    pub driver_version: Option<String>,
    /// Date of `DriverVer`, without a zone.
    #[serde(deserialize_with = "wire::detail", skip_serializing_if = "Option::is_none")]
    pub driver_date: Option<String>,
    /// Set for an extension INF.
    #[serde(deserialize_with = "wire::detail", skip_serializing_if = "Option::is_none")]
    pub extension_id: Option<String>,
    /// Provider.
    #[serde(deserialize_with = "wire::detail", skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Device class GUID.
    #[serde(deserialize_with = "wire::detail", skip_serializing_if = "Option::is_none")]
    pub class_guid: Option<String>,
    /// Computer hardware ids that the INF names and a label may target.
    #[serde(deserialize_with = "wire::texts")]
    pub installation_computer_hardware_ids: Vec<String>,
    /// By OS code, then by hardware id.
    #[serde(rename = "OSPnPInfoMap", alias = "osPnPInfoMap", deserialize_with = "wire::maps")]
    pub os_pnp: BTreeMap<String, BTreeMap<String, PnpInfo>>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

/// One hardware id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PnpInfo {
    /// Manufacturer.
    #[serde(deserialize_with = "wire::detail", skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Description of the device.
    #[serde(deserialize_with = "wire::detail", skip_serializing_if = "Option::is_none")]
    pub device_description: Option<String>,
    /// Feature score.
    #[serde(deserialize_with = "wire::detail", skip_serializing_if = "Option::is_none")]
    pub feature_score: Option<String>,
    /// Newest OS code that the hardware id may be offered to. Source: "Driver package metadata" since 2026.
    #[serde(deserialize_with = "wire::detail", skip_serializing_if = "Option::is_none")]
    pub ceiling_os_code: Option<String>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}
