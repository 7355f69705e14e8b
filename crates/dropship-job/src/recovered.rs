//! Jobs whose events were lost with their store.

use jiff::Timestamp;

use super::accepted::Accepted;
use super::apply::begin;
use super::fault::Fault;
use super::id::JobId;
use super::invariants;
use super::job::{Job, UploadProgress};
use super::label::Label;
use super::package::{Asset, Package};
use super::remote::Creation;
use super::remote_id::RemoteId;
use super::state::State;
use super::step::Step;

/// The parts of a job that a receipt, or a captured copy with its plan, still has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredJob {
    /// Its id.
    pub id: JobId,
    /// When it arrived.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// The dropped package.
    pub package: Package,
    /// The decision to submit the package, if it was accepted.
    pub accepted: Option<Accepted>,
    /// The step that it was in.
    pub step: Step,
    /// The state that it has from now on.
    pub state: State,
    /// Id of its product.
    pub product: Option<RemoteId>,
    /// Ids of products of earlier attempts.
    pub abandoned_products: Vec<RemoteId>,
    /// Id of its submission.
    pub submission: Option<RemoteId>,
    /// The service's step and state of the submission.
    pub workflow: Option<(String, String)>,
    /// Results in the outbox.
    pub files: Vec<Asset>,
    /// Its labels.
    pub labels: Vec<Label>,
    /// When Microsoft had signed the package, if that is known.
    pub signed: Option<Timestamp>,
    /// The error of the last attempt.
    pub fault: Option<Fault>,
}

/// The parts of a recovered job contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the facts about job {job} contradict each other: {rule}")]
pub struct InvalidJob {
    /// The job.
    pub job: JobId,
    /// The rule that the job breaks.
    pub rule: &'static str,
}

impl Job {
    /// The same job as a later receipt shows it: this one comes from an older copy of the store. Checks for late duplicates
    /// remain.
    ///
    /// # Errors
    /// [`InvalidJob`] when the parts contradict each other.
    pub fn caught_up(&self, recovered: RecoveredJob) -> Result<Self, InvalidJob> {
        let later = Self::recovered(recovered)?;
        Ok(Self {
            rev: self.rev + 1,
            created: self.created,
            duplicate_checks: self.duplicate_checks.clone(),
            strays: self.strays.clone(),
            signed: later.signed.or(self.signed),
            ..later
        })
    }

    /// The job with these parts. It has one event.
    ///
    /// A receipt does not show the upload and the commit. They follow from the step, and a commit that may have been sent
    /// counts as sent: the commit step reads the submission before it commits again.
    ///
    /// # Errors
    /// [`InvalidJob`] when the parts contradict each other.
    pub fn recovered(recovered: RecoveredJob) -> Result<Self, InvalidJob> {
        let started = begin(&recovered.id, recovered.created, &recovered.package);
        let upload = match recovered.step {
            step if step > Step::Commit => UploadProgress::Committed,
            Step::Commit => UploadProgress::CommitIntended,
            _ => UploadProgress::Open,
        };
        let exists = |id: Option<RemoteId>| id.map_or(Creation::Open, |id| Creation::Done { id });
        let job = Self {
            updated: recovered.updated,
            accepted: recovered.accepted,
            step: recovered.step,
            state: recovered.state,
            product: exists(recovered.product),
            abandoned_products: recovered.abandoned_products,
            submission: exists(recovered.submission),
            upload,
            workflow: recovered.workflow,
            collected: (!recovered.files.is_empty()).then_some(recovered.updated),
            signed: recovered.signed,
            files: recovered.files,
            labels: recovered.labels,
            step_started: recovered.updated,
            fault: recovered.fault,
            ..started
        };
        match invariants::check(&job) {
            Ok(()) => Ok(job),
            Err(rule) => Err(InvalidJob { job: job.id, rule }),
        }
    }
}
