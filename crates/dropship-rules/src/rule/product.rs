//! The product and the submission of a rule.

use std::collections::BTreeMap;

use dropship_hardware::{AdditionalAttributes, DeviceType, SubmissionKind, TestHarness};

use crate::schedule::Moment;
use crate::template::Template;

/// Which product a package is submitted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// A new product for each package.
    New,
    /// The product of the rendered name that this daemon created before, else a new one.
    PerVersion,
    /// An existing product, by id.
    ExistingId(u64),
    /// An existing product, by its rendered name.
    ExistingName,
}

/// `[rule.product]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductRule {
    /// Which product a package is submitted to.
    pub strategy: Strategy,
    /// Name; absent only with [`Strategy::ExistingId`].
    pub name: Option<Template>,
    /// How the driver was tested: attestation, HLK or HCK.
    pub test_harness: TestHarness,
    /// When marketing names become visible.
    pub announcement_date: Option<Moment>,
    /// Ids of device metadata packages.
    pub device_metadata_ids: Vec<Template>,
    /// Firmware version.
    pub firmware_version: Option<Template>,
    /// Internal, external or internal/external device.
    pub device_type: DeviceType,
    /// Sign for test machines.
    pub is_test_sign: bool,
    /// Sign for flights.
    pub is_flight_sign: bool,
    /// Marketing names.
    pub marketing_names: Vec<Template>,
    /// Product type by OS family code.
    pub selected_product_types: BTreeMap<String, Template>,
    /// OS codes that signatures are requested for.
    pub requested_signatures: Signatures,
    /// Attributes of storage, RAID and virtualisation products.
    pub additional_attributes: Option<AdditionalAttributes>,
    /// Package type.
    pub package_type: Option<Template>,
}

/// `requested_signatures`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signatures {
    /// The OS codes that an `.hlkx` was tested for.
    FromPackage,
    /// These OS codes.
    Listed(Vec<Template>),
}

/// `[rule.submission]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SubmissionRule {
    /// Name; absent: the product's name.
    pub name: Option<Template>,
    /// Initial or derived.
    pub kind: SubmissionKind,
}
