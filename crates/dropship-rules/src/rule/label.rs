//! A shipping label of a rule.

use std::time::Duration;

use crate::hold::Hold;
use crate::schedule::{Days, GoLive};
use crate::template::Template;
use dropship_glob::Glob;

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
        /// Forbid the partner to create driver updates.
        block_dua_creation: Option<bool>,
    },
}

/// `[[rule.label]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelRule {
    /// Name.
    pub name: Template,
    /// Where it sends the driver.
    pub destination: Destination,
    /// Hold the job before this label until operators have approved its request.
    pub hold: Hold,
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
    /// Text for Microsoft's reviewers.
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
    pub targets: TargetFilter<Template>,
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
pub struct TargetFilter<T = Glob> {
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

impl<T> Default for TargetFilter<T> {
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
    /// Description of the tests.
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
