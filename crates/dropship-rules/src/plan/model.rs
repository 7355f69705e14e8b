//! The requests for one package, as far as they are known before the service answers.

use std::time::Duration;

use dropship_hardware::{AdditionalInfo, NewProduct, NewSubmission, ProductId, SubmissionKind};
use serde::{Deserialize, Serialize};

use crate::hold::Hold;
use crate::rule::{Build, TargetFilter};
use crate::schedule::{Days, GoLive};

/// Everything that a rule yields for one package. It is stored with the job: a job continues with the rules that
/// were active when the package was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the rule.
    pub rule: String,
    /// Digest of the rule, to notice that it has changed.
    #[serde(default)]
    pub rule_digest: String,
    /// Name of the account.
    pub account: String,
    /// Which product the package is submitted to.
    pub strategy: StrategyPlan,
    /// The product request. For an existing product: the properties that the rule states.
    pub product: NewProduct,
    /// The submission request.
    pub submission: NewSubmission,
    /// The labels, in the order of the rule.
    pub labels: Vec<LabelPlan>,
}

impl Plan {
    /// Whether the submission derives from one that exists.
    #[must_use]
    pub fn is_derived(&self) -> bool {
        self.submission.kind == SubmissionKind::Derived
    }
}

/// Which product a package is submitted to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrategyPlan {
    /// A new product.
    New,
    /// The product of this name that the daemon created before, else a new one.
    PerVersion,
    /// The product of this id.
    ExistingId(ProductId),
    /// The one product of that name.
    ExistingName,
}

/// One label before the driver metadata is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelPlan {
    /// The label's name as the rule writes it: the same label of the same rule for another package.
    pub key: String,
    /// Name.
    pub name: String,
    /// Where it sends the driver.
    pub destination: DestinationPlan,
    /// Hold the job before it until operators have approved its request.
    pub hold: Hold,
    /// The label that must be published first.
    pub after: Option<LabelDependency>,
    /// Remove what it targets from older labels of the same rule and key.
    pub supersede: bool,
    /// When it goes live; absent: as soon as certified. An offset counts from the time at which the request is sent.
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
    pub approval: Option<AdditionalInfo>,
    /// Audiences by name, audience name or id.
    pub audiences: Vec<String>,
    /// Lowest OS.
    pub floor: Option<String>,
    /// Highest OS.
    pub ceiling: Option<String>,
    /// Build numbers.
    pub build: Option<Build>,
    /// Computer hardware ids.
    pub chids: ChidPlan,
    /// Rows of the driver metadata.
    pub targets: TargetFilter,
    /// The package is signed by attestation, which Microsoft does not publish to retail.
    pub attestation: bool,
}

/// Where a label sends the driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationPlan {
    /// Windows Update.
    WindowsUpdate,
    /// One partner.
    AnotherPartner {
        /// Publisher id.
        partner: String,
        /// Force the partner to target computer hardware ids.
        enforce_chid_targeting: Option<bool>,
        /// Forbid the partner to create driver updates.
        block_dua_creation: Option<bool>,
    },
}

/// A label that must be published before another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelDependency {
    /// Names of the labels: one, or one for each partner.
    pub labels: Vec<String>,
    /// How long before, in seconds.
    pub soak_seconds: u64,
}

impl LabelDependency {
    /// How long the labels must have been published.
    #[must_use]
    pub fn soak(&self) -> Duration {
        Duration::from_secs(self.soak_seconds)
    }
}

/// Computer hardware ids of a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChidPlan {
    /// None.
    None,
    /// Those that the targeted INFs name.
    FromInf,
    /// These.
    Listed(Vec<String>),
}
