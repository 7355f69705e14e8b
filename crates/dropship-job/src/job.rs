//! One package on its way: the job.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::accepted::Accepted;
use super::after_failure::AfterFailure;
use super::fault::Fault;
use super::id::JobId;
use super::label::{Label, StrayLabel};
use super::package::{Asset, Package};
use super::remote::{CreateProgress, Creation, Intent, LateDuplicateCheck, RemoteKind};
use super::remote_id::RemoteId;
use super::state::State;
use super::step::Step;

/// Progress of the package to Microsoft. The order of the variants is the order in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadProgress {
    /// The package is not at the upload URL.
    #[default]
    Open,
    /// The package is at the upload URL, complete.
    Uploaded,
    /// The commit may have been sent.
    CommitIntended,
    /// The service has confirmed the commit.
    Committed,
}

/// Begins the requests of [`Job::metadata_request`].
const METADATA: &str = "metadata:";

/// Everything that is known about one job: the fold of its events.
///
/// A job changes through [`apply`](crate::apply) only. [`Job::recovered`] creates one whose events were lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub(crate) id: JobId,
    pub(crate) rev: u64,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) package: Package,
    pub(crate) accepted: Option<Accepted>,
    pub(crate) step: Step,
    pub(crate) state: State,
    pub(crate) product: Creation,
    pub(crate) abandoned_products: Vec<RemoteId>,
    pub(crate) submission: Creation,
    pub(crate) upload: UploadProgress,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) found_committed: bool,
    pub(crate) workflow: Option<(String, String)>,
    pub(crate) files: Vec<Asset>,
    pub(crate) labels: Vec<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) approved_product: Option<String>,
    pub(crate) attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failing_since: Option<Timestamp>,
    pub(crate) step_started: Timestamp,
    pub(crate) fault: Option<Fault>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) approved_metadata: Option<String>,
    #[serde(default)]
    pub(crate) collected: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signed: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_polled: Option<Timestamp>,
    #[serde(default)]
    pub(crate) overdue: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) duplicate_checks: Vec<LateDuplicateCheck>,
    /// Late duplicates of labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) strays: Vec<StrayLabel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after_failure: Option<AfterFailure>,
}

impl Job {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &JobId {
        &self.id
    }

    /// Number of events so far. A commit for another revision is refused.
    #[must_use]
    pub fn rev(&self) -> u64 {
        self.rev
    }

    /// Time of its first event.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// Time of its latest event.
    #[must_use]
    pub fn updated(&self) -> Timestamp {
        self.updated
    }

    /// The dropped package.
    #[must_use]
    pub fn package(&self) -> &Package {
        &self.package
    }

    /// Whether the package is accepted: a verified copy is in the store, and the dropped file is no longer needed.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.accepted.is_some()
    }

    /// The decision to submit the package.
    #[must_use]
    pub fn accepted(&self) -> Option<&Accepted> {
        self.accepted.as_ref()
    }

    /// Identity of the signed content of an accepted package, if it is signed.
    #[must_use]
    pub fn content(&self) -> Option<&str> {
        self.accepted.as_ref()?.content.as_deref()
    }

    /// Name of the rule that applies.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.accepted.as_ref().map(|accepted| accepted.rule.as_str())
    }

    /// Name of the account that sends it.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.accepted.as_ref().map(|accepted| accepted.account.as_str())
    }

    /// Digest of its plan; absent when the plan was lost with an earlier store.
    #[must_use]
    pub fn plan(&self) -> Option<&str> {
        self.accepted.as_ref()?.plan.as_deref()
    }

    /// Warnings of inspection and rules.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        self.accepted.as_ref().map_or(&[], |accepted| &accepted.warnings)
    }

    /// The step that it is in.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }

    /// Its state within that step.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Progress of the create of its product.
    #[must_use]
    pub fn product(&self) -> &Creation {
        &self.product
    }

    /// Ids of products of earlier attempts, unusable since Microsoft refused their submission.
    #[must_use]
    pub fn abandoned_products(&self) -> &[RemoteId] {
        &self.abandoned_products
    }

    /// Progress of the create of its submission.
    #[must_use]
    pub fn submission(&self) -> &Creation {
        &self.submission
    }

    /// Progress of the upload and the commit.
    #[must_use]
    pub fn upload(&self) -> UploadProgress {
        self.upload
    }

    /// Whether its submission was committed before this job did it, so an earlier run of dropship, or an operator, may also have
    /// sent the package again.
    #[must_use]
    pub fn was_found_committed(&self) -> bool {
        self.found_committed
    }

    /// The service's step and state of the submission, at the last poll.
    #[must_use]
    pub fn workflow(&self) -> Option<&(String, String)> {
        self.workflow.as_ref()
    }

    /// Results in the outbox.
    #[must_use]
    pub fn files(&self) -> &[Asset] {
        &self.files
    }

    /// Its labels, in the order of the rule.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Digest of the request for a product that an operator has approved although the list of products is incomplete.
    #[must_use]
    pub fn approved_product(&self) -> Option<&str> {
        self.approved_product.as_deref()
    }

    /// When the first of the failed attempts at this step failed, which [`attempts`](Self::attempts) counts.
    #[must_use]
    pub fn failing_since(&self) -> Option<Timestamp> {
        self.failing_since
    }

    /// Failed attempts at this step.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// When it entered this step.
    #[must_use]
    pub fn step_started(&self) -> Timestamp {
        self.step_started
    }

    /// The error of the last attempt at this step.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// The request of a hold whose approval creates labels from driver metadata with this digest although they do
    /// not fit the package.
    #[must_use]
    pub fn metadata_request(digest: &str) -> String {
        format!("{METADATA}{digest}")
    }

    /// The digest of the metadata that such an approval is for.
    pub(crate) fn approved_by(request: &str) -> Option<&str> {
        request.strip_prefix(METADATA)
    }

    /// Digest of the driver metadata that an operator approved although they do not fit the package.
    #[must_use]
    pub fn approved_metadata(&self) -> Option<&str> {
        self.approved_metadata.as_deref()
    }

    /// When it was seen that Microsoft has signed the package; unknown for a job that was recovered without it.
    #[must_use]
    pub fn signed(&self) -> Option<Timestamp> {
        self.signed
    }

    /// When the results were collected.
    #[must_use]
    pub fn collected(&self) -> Option<Timestamp> {
        self.collected
    }

    /// Time of the last poll in this step.
    #[must_use]
    pub fn last_polled(&self) -> Option<Timestamp> {
        self.last_polled
    }

    /// Whether it was reported that this step takes unusually long.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        self.overdue
    }

    /// Scheduled checks for duplicates of creates that were sent twice, or whose response was lost.
    #[must_use]
    pub fn duplicate_checks(&self) -> &[LateDuplicateCheck] {
        &self.duplicate_checks
    }

    /// Late duplicates of its labels.
    #[must_use]
    pub fn strays(&self) -> &[StrayLabel] {
        &self.strays
    }

    /// Progress of the create of an object; `None` for a label that the rule does not have.
    #[must_use]
    pub fn creation(&self, kind: RemoteKind) -> Option<CreateProgress<'_>> {
        match kind {
            RemoteKind::Product => Some(self.product.progress()),
            RemoteKind::Submission => Some(self.submission.progress()),
            RemoteKind::Label(index) => self.labels.get(index).map(Label::creation),
        }
    }

    /// The creates whose response was lost.
    pub fn doubts(&self) -> impl Iterator<Item = (RemoteKind, &Intent)> {
        let labels =
            self.labels.iter().enumerate().map(|(index, label)| (RemoteKind::Label(index), label.intent()));
        [(RemoteKind::Product, self.product.intent()), (RemoteKind::Submission, self.submission.intent())]
            .into_iter()
            .chain(labels)
            .filter_map(|(kind, intent)| Some((kind, intent?)))
    }

    /// The first create whose response was lost.
    #[must_use]
    pub fn doubt(&self) -> Option<(RemoteKind, &Intent)> {
        self.doubts().next()
    }

    /// When the next check for late duplicates is due, in any state of the job.
    #[must_use]
    pub fn duplicate_check_due(&self) -> Option<Timestamp> {
        self.duplicate_checks.iter().map(|check| check.due).min()
    }

    /// Why the dropped file could not be deleted or moved after the success of the job, until nothing is left to do with it.
    #[must_use]
    pub fn after_failure(&self) -> Option<&AfterFailure> {
        self.after_failure.as_ref()
    }

    /// When to try again to delete or move the dropped file of a job that has succeeded.
    #[must_use]
    pub fn after_due(&self) -> Option<Timestamp> {
        let failure = self.after_failure.as_ref().filter(|_| self.state == State::Succeeded);
        failure.map(|failure| failure.due)
    }

    /// When the next work is due that a worker does besides the steps: checks for late duplicates, withdrawals, and the
    /// dropped file of a job that has succeeded.
    #[must_use]
    pub fn background_due(&self) -> Option<Timestamp> {
        let due = self.duplicate_check_due().into_iter().chain(self.withdrawal_due());
        due.chain(self.after_due()).min()
    }

    /// Whether it has ended, no create of it can take effect any more, and no withdrawal is pending.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.has_ended() && self.background_due().is_none()
    }

    /// When it continues, if it waits for a time. Labels of a held job that do not wait for the operator can have one too.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        match self.state {
            State::Waiting { due, .. } => Some(due),
            State::Held { due, .. } => due,
            _ => None,
        }
    }

    /// Whether an operator has released a label of this job before. From then on, an approval has to name its label or
    /// request.
    #[must_use]
    pub fn has_approved_label(&self) -> bool {
        self.labels.iter().any(|label| label.released)
    }

    /// The first 8 characters of the package's digest.
    #[must_use]
    pub fn short_sha(&self) -> &str {
        self.package.sha256.get(..8).unwrap_or(&self.package.sha256)
    }
}
