//! Jobs whose events were lost with their store.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::apply::begin;
use super::id::JobId;
use super::invariants;
use super::job::{Commit, Job};
use super::label::Label;
use super::package::{Asset, Package};
use super::remote::Creation;
use super::state::{Fault, State};
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
    /// Name of the rule, if the package was accepted.
    pub rule: Option<String>,
    /// Name of the account, if the package was accepted.
    pub account: Option<String>,
    /// Digest of the plan, if the plan still exists.
    pub plan: Option<String>,
    /// Warnings of inspection and rules.
    pub warnings: Vec<String>,
    /// Variables from its sidecar.
    pub vars: BTreeMap<String, String>,
    /// The step that it was in.
    pub step: Step,
    /// The state that it has from now on.
    pub state: State,
    /// Id of its product.
    pub product: Option<u64>,
    /// Ids of products of earlier attempts.
    pub abandoned_products: Vec<String>,
    /// Id of its submission.
    pub submission: Option<u64>,
    /// The service's step and state of the submission.
    pub workflow: Option<(String, String)>,
    /// Results in the outbox.
    pub files: Vec<Asset>,
    /// Its labels.
    pub labels: Vec<Label>,
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
    /// The job with these facts. It has one event.
    ///
    /// A receipt does not show the upload and the commit. They follow from the step, and a commit that may have been sent
    /// counts as sent: the commit step reads the submission before it commits again.
    ///
    /// # Errors
    /// [`InvalidJob`] when the facts contradict each other.
    pub fn recovered(facts: RecoveredJob) -> Result<Self, InvalidJob> {
        let begun = begin(&facts.id, facts.created, &facts.package);
        let commit = match facts.step {
            step if step > Step::Commit => Commit::Done,
            Step::Commit => Commit::Intended,
            _ => Commit::Open,
        };
        let exists = |id: Option<u64>| id.map_or(Creation::Open, |id| Creation::Done { id });
        let job = Self {
            updated: facts.updated,
            accepted: facts.rule.is_some(),
            rule: facts.rule,
            account: facts.account,
            plan: facts.plan,
            warnings: facts.warnings,
            vars: facts.vars,
            step: facts.step,
            state: facts.state,
            product: exists(facts.product),
            abandoned_products: facts.abandoned_products,
            submission: exists(facts.submission),
            uploaded: commit != Commit::Open,
            commit,
            workflow: facts.workflow,
            collected: (!facts.files.is_empty()).then_some(facts.updated),
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
