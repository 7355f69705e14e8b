//! The approval page: one for each label on hold whose approval sends a request.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approvals::Approvals;
use dropship_job::{JobId, RemoteId};
use dropship_rules::plan::LabelPlan;

/// The request for a label on hold, as `show` presents it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalPage {
    /// Name of the label.
    pub label: String,
    /// Digest of the request that the approval releases; absent if the approval is not bound to a request.
    pub request: Option<String>,
    /// The approvals that the label needs and has.
    #[serde(default)]
    pub approvals: Option<Approvals>,
    /// Why the content is not, or not known to be, the request with that digest.
    pub problem: Option<String>,
    /// The request as it would be sent now; absent if it cannot be computed.
    pub content: Option<RequestContent>,
    /// The command that approves it, quoted for a shell.
    pub command: String,
}

/// The content of the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestContent {
    /// The label of the plan.
    pub plan: LabelPlan,
    /// The audiences; empty for a label that has none.
    pub audiences: Vec<NamedAudience>,
    /// When it goes live if it is requested now; absent: as soon as it is certified.
    pub go_live: Option<Timestamp>,
    /// The targets, counted.
    pub targets: TargetCounts,
    /// How the targets differ from those that were predicted when the package was accepted; absent if the package names no
    /// hardware ids.
    pub foreseen: Option<TargetChange>,
    /// The label that was published before by the same rule and label.
    pub previous: Option<Previous>,
    /// Conditions that make Microsoft review the label.
    pub warnings: Vec<String>,
    /// The body of the request.
    pub body: Value,
}

/// An audience of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedAudience {
    /// Its name.
    pub name: String,
    /// Its id, as the request has it.
    pub id: String,
}

/// The number of targets of a label. A target is a hardware id of an INF for one operating system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetCounts {
    /// All targets.
    pub total: usize,
    /// Targets by OS code.
    pub operating_systems: BTreeMap<String, usize>,
    /// Targets by bus and vendor of the hardware id, such as `PCI\VEN_8086`.
    pub vendors: BTreeMap<String, usize>,
    /// Number of computer hardware ids that the label is restricted to.
    pub chids: usize,
}

/// How the targets of a label differ from others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetChange {
    /// Number of targets that both have.
    pub unchanged: usize,
    /// Number of targets that only this label has.
    pub added: usize,
    /// Number of targets that only the other one has.
    pub removed: usize,
    /// The first of the added targets: INF, OS code and hardware id.
    pub first_added: Vec<String>,
    /// The first of the removed targets.
    pub first_removed: Vec<String>,
}

/// The label that was published before by the same rule and label, as it was requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its id.
    pub id: RemoteId,
    /// Its name; absent when its job is no longer in the store.
    pub name: Option<String>,
    /// Its job.
    pub job: Option<JobId>,
    /// Its audiences as the rule named them.
    pub audiences: Vec<String>,
    /// How the other settings of the label differ: `floor "NI" instead of none`.
    #[serde(default)]
    pub settings: Vec<String>,
    /// How the targets differ from its targets; absent when these are no longer known.
    pub targets: Option<TargetChange>,
}
