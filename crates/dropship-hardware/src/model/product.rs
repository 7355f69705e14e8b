//! Products: a driver with the signatures that it requests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::open::open_enum;
use super::{Link, ProductId, Submission, Unknown, wire};

mod attributes;

pub use attributes::{AdditionalAttributes, RaidController, StorageController, Svvp};

open_enum! {
    /// Kind of the submitted package.
    pub enum TestHarness {
        /// Hardware Lab Kit results (`.hlkx`).
        Hlk = "hlk",
        /// Hardware Certification Kit results.
        Hck = "hck",
        /// Attestation signing of a `.cab`.
        Attestation = "attestation",
        /// No data.
        NotSet = "notset",
    }
}

open_enum! {
    /// Place of the device, inside or outside of the PC.
    pub enum DeviceType {
        /// Inside the PC.
        Internal = "internal",
        /// A peripheral.
        External = "external",
        /// Either.
        InternalExternal = "internalExternal",
        /// No data.
        NotSet = "notSet",
    }
}

/// The service's answer to a derived submission that the product cannot have. Source: microsoft/SDCM#69.
pub const NO_DERIVED_SUBMISSION: &str =
    "Cannot create derived submission for Attestation, TestSigned and ExtensionInf type of products.";

impl Product {
    /// Why the product cannot have derived submissions; `None` if it can. Whether its package has an extension INF is known
    /// from the product or from its initial submission.
    #[must_use]
    pub fn underivable(&self, initial: Option<&Submission>) -> Option<&'static str> {
        let is_extension = [self.is_extension_inf, initial.and_then(|initial| initial.is_extension_inf)];
        if self.test_harness == Some(TestHarness::Attestation) {
            Some("it is signed by attestation")
        } else if self.is_test_sign == Some(true) {
            Some("it is test-signed")
        } else if is_extension.contains(&Some(true)) {
            Some("its package has an extension INF")
        } else {
            None
        }
    }
}

/// Request for a new product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewProduct {
    /// Name; it shows in the dashboard.
    pub product_name: String,
    /// Kind of the package.
    pub test_harness: TestHarness,
    /// Date from which the Windows Server Catalog lists the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement_date: Option<String>,
    /// GUIDs of the driver's device metadata submissions.
    #[serde(default, deserialize_with = "wire::texts", skip_serializing_if = "Vec::is_empty")]
    pub device_metadata_ids: Vec<String>,
    /// Firmware version.
    #[serde(default, deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub firmware_version: Option<String>,
    /// Place of the device, inside or outside of the PC.
    pub device_type: DeviceType,
    /// Test signing.
    #[serde(default)]
    pub is_test_sign: bool,
    /// Flight signing.
    #[serde(default)]
    pub is_flight_sign: bool,
    /// Marketing names.
    #[serde(default, deserialize_with = "wire::texts", skip_serializing_if = "Vec::is_empty")]
    pub marketing_names: Vec<String>,
    /// Product type by OS family code.
    #[serde(default)]
    pub selected_product_types: BTreeMap<String, String>,
    /// OS codes of the requested signatures.
    pub requested_signatures: Vec<String>,
    /// Additional attributes of storage controllers and SVVP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_attributes: Option<AdditionalAttributes>,
    /// Undocumented, but sent by Microsoft's own client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_type: Option<String>,
    /// Fields without a documented name.
    #[serde(default, flatten)]
    pub other: Unknown,
}

/// Changes of a product; only the fields that are set are sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProductUpdate {
    /// New name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
    /// New date; it cannot change after ingestion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announcement_date: Option<String>,
    /// The complete new list of marketing names; it cannot change after the announcement date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marketing_names: Option<Vec<String>>,
}

/// A product in responses of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Its private id.
    pub id: ProductId,
    /// The id that partners share.
    #[serde(default, with = "wire::opt_id", skip_serializing_if = "Option::is_none")]
    pub shared_product_id: Option<u64>,
    /// Name.
    #[serde(default, deserialize_with = "wire::text")]
    pub product_name: String,
    /// Kind of its package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_harness: Option<TestHarness>,
    /// Date from which the Windows Server Catalog lists it.
    #[serde(default, deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub announcement_date: Option<String>,
    /// Device metadata submissions.
    #[serde(default, deserialize_with = "wire::texts")]
    pub device_metadata_ids: Vec<String>,
    /// Category of the device metadata.
    #[serde(default, deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub device_metadata_category: Option<String>,
    /// Firmware version.
    #[serde(default, deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub firmware_version: Option<String>,
    /// Place of the device, inside or outside of the PC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_type: Option<DeviceType>,
    /// Whether it has a committed submission.
    #[serde(default, deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_committed: Option<bool>,
    /// Deprecated; the submission has the value.
    #[serde(default, deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_extension_inf: Option<bool>,
    /// Whether binaries are built with Retpoline.
    #[serde(default, deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_retpoline_compiled: Option<bool>,
    /// Test signing.
    #[serde(default, deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_test_sign: Option<bool>,
    /// Flight signing.
    #[serde(default, deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_flight_sign: Option<bool>,
    /// Marketing names.
    #[serde(default, deserialize_with = "wire::texts")]
    pub marketing_names: Vec<String>,
    /// Product type by OS family code.
    #[serde(default, deserialize_with = "wire::text_map")]
    pub selected_product_types: BTreeMap<String, String>,
    /// OS codes of its signatures.
    #[serde(default, deserialize_with = "os_codes")]
    pub requested_signatures: Vec<String>,
    /// Additional attributes of storage controllers and SVVP.
    #[serde(default, deserialize_with = "wire::lenient", skip_serializing_if = "Option::is_none")]
    pub additional_attributes: Option<AdditionalAttributes>,
    /// Undocumented.
    #[serde(default, deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub package_type: Option<String>,
    /// `author` for a product of this account.
    #[serde(default, deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub origin_type: Option<String>,
    /// Id of the sharing partner's product; 0 for a product of this account.
    #[serde(default, with = "wire::opt_id", skip_serializing_if = "Option::is_none")]
    pub source_product_id: Option<u64>,
    /// Id of the sharing partner; 0 for a product of this account.
    #[serde(default, with = "wire::opt_id", skip_serializing_if = "Option::is_none")]
    pub source_publisher_id: Option<u64>,
    /// The service's message.
    #[serde(default, deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Links to related calls.
    #[serde(default, deserialize_with = "wire::list")]
    pub links: Vec<Link>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

fn os_codes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let codes = wire::texts(deserializer)?;
    super::os::note(&codes);
    Ok(codes)
}
