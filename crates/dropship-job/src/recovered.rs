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

/// The facts about a job that a receipt, or a captured copy with its plan, still has.
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

/// Facts that no job can have together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the facts about job {job} contradict each other: {rule}")]
pub struct InvalidJob {
    /// The job.
    pub job: JobId,
    /// The rule that they break.
    pub rule: &'static str,
}

impl Job {
    /// The same job as a later receipt shows it: this one comes from an older copy of the store. Checks for late duplicates
    /// remain.
    ///
    /// # Errors
    /// [`InvalidJob`] when the facts contradict each other.
    pub fn caught_up(&self, facts: RecoveredJob) -> Result<Self, InvalidJob> {
        let later = Self::recovered(facts)?;
        Ok(Self {
            rev: self.rev + 1,
            created: self.created,
            duplicate_checks: self.duplicate_checks.clone(),
            strays: self.strays.clone(),
            signed: later.signed.or(self.signed),
            ..later
        })
    }

    /// The job with these facts. It has one event.
    ///
    /// A receipt does not show the upload and the commit. They follow from the step, and a commit that may have been sent
    /// counts as sent: the commit step reads the submission before it commits again.
    ///
    /// # Errors
    /// [`InvalidJob`] when the facts contradict each other.
    pub fn recovered(facts: RecoveredJob) -> Result<Self, InvalidJob> {
        let begun = begin(&facts.id, facts.created, &facts.package);
        let upload = match facts.step {
            step if step > Step::Commit => UploadProgress::Committed,
            Step::Commit => UploadProgress::CommitIntended,
            _ => UploadProgress::Open,
        };
        let exists = |id: Option<RemoteId>| id.map_or(Creation::Open, |id| Creation::Done { id });
        let job = Self {
            updated: facts.updated,
            accepted: facts.accepted,
            step: facts.step,
            state: facts.state,
            product: exists(facts.product),
            abandoned_products: facts.abandoned_products,
            submission: exists(facts.submission),
            upload,
            workflow: facts.workflow,
            collected: (!facts.files.is_empty()).then_some(facts.updated),
            signed: facts.signed,
            files: facts.files,
            labels: facts.labels,
            step_started: facts.updated,
            fault: facts.fault,
            ..begun
        };
        match invariants::check(&job) {
            Ok(()) => Ok(job),
            Err(rule) => Err(InvalidJob { job: job.id, rule }),
        }
    }
}
