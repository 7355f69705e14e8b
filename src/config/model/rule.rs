//! What a rule says of product, submission and labels, `[defaults]` filled in.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::pattern::Pattern;
use crate::config::schedule::{Days, GoLive, Moment};
use crate::config::templates::Template;
use dropship_hardware::{AdditionalAttributes, DeviceType, SubmissionKind, TestHarness};

/// How a product is come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// A new product for each package.
    New,
    /// The product of the rendered name that dropship made is used again.
    PerVersion,
    /// A product that exists, by id.
    ExistingId(u64),
    /// A product that exists, by its rendered name.
    ExistingName,
}

/// `[rule.product]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// How it is come by.
    pub strategy: Strategy,
    /// Name; absent only for an existing product that has an id.
    pub name: Option<Template>,
    /// Kind of package.
    pub test_harness: TestHarness,
    /// When marketing names become visible.
    pub announcement_date: Option<Moment>,
    /// Ids of device metadata packages.
    pub device_metadata_ids: Vec<Template>,
    /// Firmware version.
    pub firmware_version: Option<Template>,
    /// Where the device sits.
    pub device_type: DeviceType,
    /// Sign for test machines.
    pub is_test_sign: bool,
    /// Sign for flights.
    pub is_flight_sign: bool,
    /// Marketing names.
    pub marketing_names: Vec<Template>,
    /// Product type by OS family code.
    pub selected_product_types: BTreeMap<String, Template>,
    /// OS codes to sign for.
    pub requested_signatures: Signatures,
    /// Attributes of storage, RAID and virtualisation products.
    pub additional_attributes: Option<AdditionalAttributes>,
    /// Package type.
    pub package_type: Option<Template>,
}

/// `requested_signatures`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signatures {
    /// Those that an `.hlkx` was tested for.
    FromPackage,
    /// These OS codes.
    Listed(Vec<Template>),
}

/// `[rule.submission]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SubmissionRule {
    /// Name; absent: the product's.
    pub name: Option<Template>,
    /// Initial or derived.
    pub kind: SubmissionKind,
}

/// Where a label sends the driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Windows Update.
    WindowsUpdate,
    /// These partners, one label each.
    AnotherPartner {
        /// Publisher ids.
        partners: Vec<u64>,
        /// Force the partner to target computer hardware ids.
        enforce_chid_targeting: Option<bool>,
    },
}

/// `[[rule.label]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Name.
    pub name: Template,
    /// Where it sends the driver.
    pub destination: Destination,
    /// Hold the job before this label.
    pub hold: bool,
    /// Position, among the rule's labels, of the one that must be published first.
    pub after: Option<usize>,
    /// How long after that.
    pub soak: Duration,
    /// Remove what it targets from older labels of this rule and label.
    pub supersede: bool,
    /// When it goes live; absent: as soon as certified.
    pub go_live: Option<GoLive>,
    /// Days on which nothing goes live.
    pub blackout: Vec<Days>,
    /// Install while the OS is upgraded.
    pub auto_install_during_os_upgrade: bool,
    /// Install on every machine that fits.
    pub auto_install_on_applicable_systems: bool,
    /// Hide from the catalog and WSUS.
    pub disclosure_restricted: Option<bool>,
    /// Publish to Windows 10 S.
    pub publish_to_windows10s: Option<bool>,
    /// Sellers who may see it.
    pub visible_to_accounts: Vec<u64>,
    /// What Microsoft's reviewers read.
    pub approval: Option<Approval>,
    /// Audiences by name, audience name or id.
    pub audiences: Vec<Template>,
    /// Lowest OS.
    pub floor: Option<Template>,
    /// Highest OS.
    pub ceiling: Option<Template>,
    /// Build numbers (co-engineering).
    pub build: Option<Build>,
    /// Computer hardware ids.
    pub chids: Chids,
    /// Rows of the driver metadata.
    pub selection: Selection<Template>,
}

/// A range of build numbers, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Build {
    /// Lowest.
    pub floor: Option<u32>,
    /// Highest.
    pub ceiling: Option<u32>,
}

/// Computer hardware ids of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chids {
    /// None.
    None,
    /// Those that the targeted INFs name.
    FromInf,
    /// These.
    Listed(Vec<Template>),
}

/// Which rows of the driver metadata a label targets: globs as templates, or compiled.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Selection<T = Pattern> {
    /// Hardware ids; empty: all.
    pub include: Vec<T>,
    /// Hardware ids that are left out.
    pub exclude: Vec<T>,
    /// OS codes; empty: all.
    pub operating_systems: Vec<T>,
    /// INF file names; empty: all.
    pub infs: Vec<T>,
    /// Bundle ids; empty: all.
    pub bundles: Vec<T>,
    /// Device descriptions; empty: all.
    pub descriptions: Vec<T>,
    /// Of each hardware id the row of the lowest OS alone.
    pub lowest_os_only: bool,
}

impl<T> Default for Selection<T> {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            operating_systems: Vec::new(),
            infs: Vec::new(),
            bundles: Vec::new(),
            descriptions: Vec::new(),
            lowest_os_only: false,
        }
    }
}

/// `[rule.label.approval]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// Mail address at Microsoft.
    pub microsoft_contact: Option<Template>,
    /// What was tested.
    pub validations_performed: Option<Template>,
    /// Affected OEMs.
    pub affected_oems: Vec<Template>,
    /// A reboot is required.
    pub is_reboot_required: Option<bool>,
    /// Made together with Microsoft.
    pub is_co_engineered: Option<bool>,
    /// For hardware that is not on the market.
    pub is_for_unreleased_hardware: Option<bool>,
    /// It brings software with a user interface.
    pub has_ui_software: Option<bool>,
    /// Why.
    pub business_justification: Option<Template>,
}
