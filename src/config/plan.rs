//! What will be sent for a package: everything that can be told before Microsoft answers.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::{self, Build, Config, Selection};
use super::rules::{Rule, Subject};
use super::schedule::{Days, GoLive};
use super::templates::Scope;
use dropship_hardware::{AdditionalInfo, NewProduct, NewSubmission, SubmissionKind, TestHarness};
use dropship_package::Kind;

mod label;
mod product;
mod render;

use render::Renderer;

/// Everything that a rule makes of one package. Kept with the job, so that a job goes on by the rules it
/// began with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the rule.
    pub rule: String,
    /// Name of the account.
    pub account: String,
    /// How the product is come by.
    pub strategy: StrategyPlan,
    /// The product request; for an existing product what is said of it.
    pub product: NewProduct,
    /// The submission request.
    pub submission: NewSubmission,
    /// The labels, in the order of the rule.
    pub labels: Vec<LabelPlan>,
}

/// How a product is come by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrategyPlan {
    /// A new product.
    New,
    /// The product of that name that dropship made, else a new one.
    PerVersion,
    /// The product of this id.
    ExistingId(dropship_hardware::ProductId),
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
    /// Hold the job before it.
    pub hold: bool,
    /// What must be published first.
    pub after: Option<After>,
    /// Remove what it targets from older labels of the same rule and key.
    pub supersede: bool,
    /// When it goes live; absent: as soon as certified. An offset is fixed when the request is built.
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
    pub selection: Selection,
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
    },
}

/// What must be published before a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// Names of the labels: one, or one for each partner.
    pub labels: Vec<String>,
    /// How long before, in seconds.
    pub soak_seconds: u64,
}

impl After {
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

/// Why a package cannot get what its rule says; everything at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("The rule `{rule}` cannot be applied to this package: {}", problems.join("; "))]
pub struct PlanError {
    /// Name of the rule.
    pub rule: String,
    /// What is wrong, one sentence each.
    pub problems: Vec<String>,
}

/// Renders what a rule says for one package.
///
/// # Errors
/// Everything that cannot be rendered, came out empty, or would be refused by Microsoft for certain.
pub fn plan(config: &Config, rule: &Rule, subject: &Subject<'_>, now: Timestamp) -> Result<Plan, PlanError> {
    let mut renderer = Renderer::new(Scope::new(&rule.name, subject, &rule.var_defaults()));
    if let Some(vars) = subject.vars {
        rule.refused_vars(vars).into_iter().for_each(|problem| renderer.problem(problem));
    }
    if !config.accounts.is_empty() && !config.accounts.contains_key(&rule.account) {
        renderer.problem(format!("there is no account `{}`", rule.account));
    }
    let product = product::product(&mut renderer, &rule.product, subject, now);
    fits_kind(&mut renderer, &rule.product, subject);
    let submission = NewSubmission {
        name: match &rule.submission.name {
            Some(name) => renderer.text("submission.name", name),
            None => product.product_name.clone(),
        },
        kind: rule.submission.kind.clone(),
    };
    let labels = label::labels(&mut renderer, rule, subject);
    let problems = renderer.into_problems();
    if !problems.is_empty() {
        return Err(PlanError { rule: rule.name.clone(), problems });
    }
    Ok(Plan {
        rule: rule.name.clone(),
        account: rule.account.clone(),
        strategy: match rule.product.strategy {
            model::Strategy::New => StrategyPlan::New,
            model::Strategy::PerVersion => StrategyPlan::PerVersion,
            model::Strategy::ExistingId(id) => StrategyPlan::ExistingId(dropship_hardware::ProductId(id)),
            model::Strategy::ExistingName => StrategyPlan::ExistingName,
        },
        product,
        submission,
        labels,
    })
}

/// A package whose kind the service would refuse for this product.
fn fits_kind(renderer: &mut Renderer, product: &model::Product, subject: &Subject<'_>) {
    match (subject.facts.kind, &product.test_harness) {
        (Kind::Hlkx, TestHarness::Attestation) => {
            renderer.problem("attestation takes a signed .cab, and the package is an .hlkx".to_owned());
        }
        (Kind::Cab, TestHarness::Hlk | TestHarness::Hck) => {
            renderer
                .problem("a product with HLK results takes an .hlkx, and the package is a .cab".to_owned());
        }
        _ => {}
    }
}

impl Plan {
    /// Whether the submission derives from one that exists.
    #[must_use]
    pub fn is_derived(&self) -> bool {
        self.submission.kind == SubmissionKind::Derived
    }
}

#[cfg(test)]
mod tests;
