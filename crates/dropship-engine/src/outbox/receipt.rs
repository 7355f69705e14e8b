//! The receipt: the outcome of one package as JSON.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::history::HistoryEvent;
use super::origin::Origin;
use crate::approval::{ApprovalPage, Approvals, Approved};
use dropship_job::{
    Asset, Fault, Job, JobId, Label, LabelDrift, LabelHold, LabelStatus, RemoteId, State, StateKind, Step,
};
use dropship_rules::rule::RuleChange;
use dropship_store::HistoryEntry;

/// Maximum length of a receipt in an outbox, in bytes.
pub(super) const MAX_RECEIPT: u64 = 1 << 20;

/// One job in the form of `jobs --json`, `show --json` and `receipt.json`. Remote ids are strings, because JSON numbers are
/// exact only up to 2^53.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Id of the job.
    pub id: JobId,
    /// File name of the package.
    pub package: String,
    /// Path of the dropped file; absent if the package was submitted directly.
    pub path: Option<String>,
    /// SHA-256 of the package, lower-case hex.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// Identity of the signed content, lower-case hex; absent if the package was not accepted or is not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_sha256: Option<String>,
    /// Name of the drop folder.
    pub folder: Option<String>,
    /// Name of the matching rule.
    pub rule: Option<String>,
    /// How the rules in force differ from the rule that the job was planned by. In answers to commands, not in the outbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_change: Option<RuleChange>,
    /// Name of the account that submits the package.
    #[serde(default)]
    pub account: Option<String>,
    /// Whether the package was accepted: the dropped file is no longer needed.
    pub accepted: bool,
    /// State of the job; [`StateKind::Running`] while a worker processes it.
    pub state: StateKind,
    /// Current step of the job.
    pub step: Step,
    /// Id of the product.
    pub product_id: Option<RemoteId>,
    /// Id of the submission.
    pub submission_id: Option<RemoteId>,
    /// The service's step and state of the submission at the last poll.
    #[serde(default)]
    pub workflow: Option<Workflow>,
    /// The labels.
    pub labels: Vec<LabelReceipt>,
    /// Labels that have to be withdrawn and are not withdrawn yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_withdrawn: Vec<NotWithdrawn>,
    /// Why the dropped file could not be deleted or moved after the success of the job; absent once nothing is left to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_failed: Option<AfterFailed>,
    /// Results in the outbox folder.
    pub files: Vec<Asset>,
    /// Number of failed attempts at this step.
    pub attempts: u32,
    /// When the job continues, while it waits.
    pub due: Option<Timestamp>,
    /// Reason of the wait, while the job waits.
    #[serde(default)]
    pub waits_for: Option<String>,
    /// The error of the current state or of the last attempt.
    pub error: Option<Fault>,
    /// Warnings of inspection and rules.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Variables from the package's sidecar.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, String>,
    /// The approved label and request, in the answer of `approve` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approved>,
    /// The requests that wait for an approval; only in `show`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approval: Vec<ApprovalPage>,
    /// The changes of the plan by a retry, in the answer of `retry` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan_changes: Vec<String>,
    /// The outbox folder.
    pub outbox: String,
    /// Ids of abandoned products: Microsoft refused their submission.
    #[serde(default)]
    pub burnt_products: Vec<RemoteId>,
    /// When Microsoft had signed the package; absent until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Timestamp>,
    /// Time of arrival.
    pub created: Timestamp,
    /// Time of the last event.
    pub updated: Timestamp,
    /// Whether the job was sent to a sandbox.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sandbox: bool,
    /// Where the ids are valid. In the outbox, once the package was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The history; only in `show`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<HistoryEvent>>,
}

/// A dropped file that could not be deleted or moved; this is tried again automatically.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterFailed {
    /// What failed, why, and what to do.
    pub message: String,
    /// Time of the first failure.
    pub since: Timestamp,
}

/// A step and its state, with the service's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workflow {
    /// Name of the step.
    pub step: String,
    /// State of the step.
    pub state: String,
}

/// One label of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelReceipt {
    /// Name from the rule.
    pub name: String,
    /// Id, once the label exists.
    pub id: Option<RemoteId>,
    /// State of the service's step at the last poll.
    pub state: Option<String>,
    /// The service's step at the last poll.
    pub step: Option<String>,
    /// The progress of the label.
    #[serde(default = "unknown_status")]
    pub status: LabelStatus,
    /// The audiences as the rule names them.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Whether it waits for an operator.
    #[serde(default)]
    pub hold: bool,
    /// Why it waits for an operator.
    #[serde(default)]
    pub error: Option<Fault>,
    /// Digest of the request that `approve` releases, or that was approved.
    #[serde(default)]
    pub request: Option<String>,
    /// The approvals of a label on hold; absent for other labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// The time before which it is not requested or does not go live, if that is known.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// When Microsoft had accepted its request; absent until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Timestamp>,
    /// When its publication was seen; absent unless it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// The last change after its publication that dropship did not make; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<LabelDriftReceipt>,
    /// Ids of earlier labels that were refused or withdrawn before this one was requested again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_ids: Vec<RemoteId>,
}

/// The warning about a published label of a cancelled job.
pub fn published_label_warning(label: &str) -> String {
    format!("label `{label}` was published before the job was cancelled, and stays published")
}

/// Receipts of other versions have no status.
fn unknown_status() -> LabelStatus {
    LabelStatus::Planned
}

impl LabelReceipt {
    /// The label at this index of a job.
    fn of(job: &Job, index: usize, label: &Label) -> Self {
        let remote = label.remote();
        let request = label.hold().and_then(LabelHold::request).or(label.approved());
        Self {
            name: label.name().to_owned(),
            id: label.id(),
            state: remote.and_then(|remote| remote.state.clone()),
            step: remote.and_then(|remote| remote.step.clone()),
            status: label.status(),
            audiences: label.plan().audiences.clone(),
            hold: label.hold().is_some(),
            error: label.hold().map(|hold| hold.fault.clone().into()),
            request: request.map(str::to_owned),
            approvals: label.hold().map(Approvals::of),
            not_before: job.label_not_before(index),
            requested: remote.and_then(|remote| remote.requested),
            published: label.published(),
            drift: label.drift().map(LabelDriftReceipt::of),
            former_ids: label.former_ids().to_vec(),
        }
    }
}

/// A change of a published label that dropship did not make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelDriftReceipt {
    /// `withdrawn`, `removed`, `expired` or `changed`.
    pub kind: String,
    /// What has changed; completes a sentence whose subject is the label.
    pub message: String,
    /// When it was seen.
    pub since: Timestamp,
    /// The operator who has acknowledged it; null until then.
    pub acknowledged_by: Option<String>,
}

impl LabelDriftReceipt {
    fn of(drift: &LabelDrift) -> Self {
        Self {
            kind: drift.drift.kind().to_owned(),
            message: drift.drift.to_string(),
            since: drift.at,
            acknowledged_by: drift.acknowledged_by.clone(),
        }
    }
}

/// A label that has to be withdrawn and is not withdrawn yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotWithdrawn {
    /// Its name.
    pub name: String,
    /// Its id; null while the response to its create is lost.
    pub id: Option<RemoteId>,
    /// The reason.
    pub why: String,
}

impl fmt::Display for NotWithdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, id, why } = self;
        match id {
            Some(id) => write!(f, "label `{name}` ({id}) is not withdrawn yet: {why}"),
            None => write!(f, "label `{name}` is not withdrawn yet: {why}"),
        }
    }
}

impl Receipt {
    /// The text in an outbox.
    pub(super) fn text(&self) -> std::io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads the text in an outbox; `None` if it is invalid.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// Creates the receipt of a job. `running`: a worker processes it now.
    #[must_use]
    pub fn of(job: &Job, running: bool) -> Self {
        // A held job stays held while its other labels are processed.
        let is_running = running && matches!(job.state(), State::Queued | State::Waiting { .. });
        let state = if is_running { StateKind::Running } else { job.state().kind() };
        let waits_for = match job.state() {
            State::Waiting { why, .. } => Some(why.to_string()),
            _ => None,
        };
        let labels = job.labels().iter().enumerate();
        let labels = labels.map(|(index, label)| LabelReceipt::of(job, index, label));
        let pending = job.pending_withdrawals();
        let not_withdrawn = pending.iter().map(|pending| NotWithdrawn {
            name: pending.name.to_owned(),
            id: pending.id,
            why: pending.why().to_owned(),
        });
        let mut warnings = job.warnings().to_vec();
        if *job.state() == State::Cancelled {
            let published = job.labels().iter().filter(|label| label.is_published());
            warnings.extend(published.map(|label| published_label_warning(label.name())));
        }
        Self {
            id: job.id().clone(),
            package: job.package().name.clone(),
            path: job.package().path.clone(),
            sha256: job.package().sha256.clone(),
            size: job.package().size,
            content_sha256: job.content().map(str::to_owned),
            folder: job.package().folder.clone(),
            rule: job.rule().map(str::to_owned),
            rule_change: None,
            account: job.account().map(str::to_owned),
            accepted: job.is_accepted(),
            state,
            step: job.step(),
            product_id: job.product().id(),
            submission_id: job.submission().id(),
            workflow: job.workflow().cloned().map(|(step, state)| Workflow { step, state }),
            labels: labels.collect(),
            not_withdrawn: not_withdrawn.collect(),
            after_failed: job
                .after_failure()
                .map(|failure| AfterFailed { message: failure.why.clone(), since: failure.since }),
            files: job.files().to_vec(),
            attempts: job.attempts(),
            due: job.due(),
            waits_for,
            error: job.state().fault().or(job.fault()).cloned(),
            warnings,
            approved: None,
            approval: Vec::new(),
            plan_changes: Vec::new(),
            vars: job.accepted().map(|accepted| accepted.vars.clone()).unwrap_or_default(),
            outbox: job.package().outbox.clone(),
            burnt_products: job.abandoned_products().to_vec(),
            signed: job.signed(),
            created: job.created(),
            updated: job.updated(),
            sandbox: false,
            origin: None,
            events: None,
        }
    }

    /// Adds the history of the job.
    #[must_use]
    pub fn with_history(mut self, job: &Job, history: &[HistoryEntry]) -> Self {
        self.events = Some(HistoryEvent::list(job, history));
        self
    }
}
