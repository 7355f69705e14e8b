//! Queries and actions on jobs. The daemon offers them on its socket; without a daemon, commands use them directly.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use jiff::Timestamp;

use super::action::JobAction;
use super::error::{ControlError, ControlErrorKind};
use super::known_names::{require_folder, require_rule};
use super::operator::Operator;
use super::query::JobQuery;
use super::result_file;
use super::who::{self, ReachingLabel, WhoQuery};
use crate::approval::{ApprovalPage, Approved};
use crate::label_drift;
use crate::outbox::Receipt;
use crate::package_store::PackageStore;
use dropship_config::Config;
use dropship_job::{Event, Illegal, Job, JobId, Label, StateKind};
use dropship_rules::rule::RuleChange;
use dropship_store::{Commit, Filter, Store, StoreError};

/// Number of jobs that are read from the store at once.
const PAGE: usize = 1000;

/// The jobs that workers process now. Without a daemon there are none.
pub trait ActiveJobs: Send + Sync {
    /// Whether a worker processes the job now.
    fn is_running(&self, id: &JobId) -> bool;
    /// Ids of all jobs that workers process now.
    fn running(&self) -> Vec<JobId> {
        Vec::new()
    }
    /// How the rules in force differ from the rule that the job was planned by.
    fn rule_change(&self, job: &Job) -> Option<RuleChange>;
    /// The requests of the job that wait for an approval.
    fn approval_pages(&self, _: &Job) -> Vec<ApprovalPage> {
        Vec::new()
    }
    /// Called after an action was committed, with the state of the job after it.
    fn on_event(&self, job: &Job, events: &[Event]);
}

/// Plans the labels of a job again, by the rules in force.
pub trait LabelPlanner: Send + Sync {
    /// The event that replaces the plan of the labels that do not exist yet; `None` when nothing has to be planned.
    ///
    /// # Errors
    /// When the rules in force do not fit the package.
    fn replan(&self, job: &Job) -> Result<Option<Event>, ControlError>;
}

/// Keeps the plan that a job has.
impl LabelPlanner for () {
    fn replan(&self, _: &Job) -> Result<Option<Event>, ControlError> {
        Ok(None)
    }
}

/// Queries and actions on the jobs of a store.
#[derive(Clone)]
pub struct JobService {
    store: Arc<dyn Store>,
    packages: PackageStore,
    active: Arc<dyn ActiveJobs>,
    sandbox: bool,
}

impl JobService {
    /// Creates the service. `sandbox` marks the receipts: the jobs are not sent to Microsoft.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        packages: PackageStore,
        active: Arc<dyn ActiveJobs>,
        sandbox: bool,
    ) -> Self {
        Self { store, packages, active, sandbox }
    }

    /// Refuses a change while the journal of the store cannot be reached: its answer would wait.
    ///
    /// # Errors
    /// When the journal cannot be reached. The error says why.
    pub fn require_journal(&self) -> Result<(), ControlError> {
        let Some(why) = self.store.away() else { return Ok(()) };
        let message = format!("the database of the store does not respond, and nothing was changed: {why}");
        Err(ControlError::new(ControlErrorKind::DatabaseAway, message))
    }

    /// Jobs that match the query, newest first. A query that finds nothing must name a folder and a rule of the configuration,
    /// or of a job.
    ///
    /// # Errors
    /// When the store cannot be read, or a name is unknown.
    pub fn list_known(&self, query: &JobQuery, config: &Config) -> Result<Vec<Receipt>, ControlError> {
        let jobs = self.list(query)?;
        let is_named = query.folder.is_some() || query.rule.is_some();
        if !jobs.is_empty() || query.before.is_some() || !is_named {
            return Ok(jobs);
        }
        // The jobs of a folder or rule that was removed can still be listed.
        if self.list(&query.of_same_names())?.is_empty() {
            query.folder.as_deref().map_or(Ok(()), |name| require_folder(config, name))?;
            query.rule.as_deref().map_or(Ok(()), |name| require_rule(config, name))?;
        }
        Ok(jobs)
    }

    /// Jobs that match the query, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list(&self, query: &JobQuery) -> Result<Vec<Receipt>, ControlError> {
        // In the store, a running job is queued or waiting.
        if query.state == Some(StateKind::Running) {
            return self.list_running(query);
        }
        let max = if query.limit == 0 { usize::MAX } else { query.limit };
        let mut filter = Filter { state: query.state, before: query.before.clone(), limit: PAGE };
        let mut receipts = Vec::new();
        loop {
            let jobs = self.store.jobs(&filter)?;
            let matching = jobs.iter().filter(|job| query.is_about(job)).map(|job| self.receipt(job));
            receipts.extend(matching.filter(|receipt| query.is_in_state(receipt)));
            filter.before = jobs.last().map(|job| job.id().clone());
            if jobs.len() < PAGE || receipts.len() >= max {
                receipts.truncate(max);
                return Ok(receipts);
            }
        }
    }

    fn list_running(&self, query: &JobQuery) -> Result<Vec<Receipt>, ControlError> {
        let limit = if query.limit == 0 { usize::MAX } else { query.limit };
        let mut ids = self.active.running();
        ids.retain(|id| query.before.as_ref().is_none_or(|before| id < before));
        ids.sort_by(|one, other| other.cmp(one));
        let jobs: Result<Vec<_>, _> = ids.iter().filter_map(|id| self.store.job(id).transpose()).collect();
        let jobs = jobs?.into_iter().filter(|job| query.is_about(job));
        let receipts = jobs.map(|job| self.receipt(&job));
        // A job may have ended since the list of running jobs was taken.
        Ok(receipts.filter(|receipt| receipt.state == StateKind::Running).take(limit).collect())
    }

    /// Jobs as they are stored, newest first: those older than `before`, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn stored(&self, before: Option<JobId>, limit: usize) -> Result<Vec<Job>, ControlError> {
        Ok(self.store.jobs(&Filter { state: None, before, limit })?)
    }

    /// The jobs that workers process now.
    #[must_use]
    pub fn running(&self) -> Vec<JobId> {
        self.active.running()
    }

    /// Opens a result of a job in its outbox, or its receipt.
    ///
    /// # Errors
    /// When the job has no such result, or it is no longer in the outbox.
    pub fn open_result(&self, id: &JobId, name: &str) -> Result<File, ControlError> {
        result_file::open(&self.packages, &self.current(id)?, name)
    }

    /// The size in bytes of a result of a job, or of its receipt.
    ///
    /// # Errors
    /// As [`Self::open_result`].
    pub fn result_size(&self, job: &Receipt, name: &str) -> Result<u64, ControlError> {
        result_file::size(&self.packages, job, name)
    }

    /// One job as it is now, without its history.
    ///
    /// # Errors
    /// When there is no such job, or the store cannot be read.
    pub fn current(&self, id: &JobId) -> Result<Receipt, ControlError> {
        Ok(self.receipt(&self.job(id)?))
    }

    /// One job with its history.
    ///
    /// # Errors
    /// When there is no such job, or the store cannot be read.
    pub fn show(&self, id: &JobId) -> Result<Receipt, ControlError> {
        // A query of the history would wait for its time limit, and another node may just have created the job.
        if let Some(why) = self.store.away() {
            let message =
                format!("job {id} cannot be read, because the database of the store does not respond: {why}");
            return Err(ControlError::new(ControlErrorKind::DatabaseAway, message));
        }
        let job = self.job(id)?;
        let history = self.store.history(id)?;
        let answer = Receipt { approval: self.active.approval_pages(&job), ..self.answer(&job) };
        Ok(answer.with_history(&job, &history))
    }

    /// All jobs of a package, by the SHA-256 of its bytes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn find(&self, sha256: &str) -> Result<Vec<Receipt>, ControlError> {
        let ids = self.store.find_everywhere(sha256)?;
        let jobs: Result<Vec<_>, _> = ids.iter().filter_map(|id| self.store.job(id).transpose()).collect();
        Ok(jobs?.iter().map(|job| self.receipt(job)).collect())
    }

    /// The published labels that reach the devices of a query now, the latest publication first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn who(&self, query: &WhoQuery) -> Result<Vec<ReachingLabel>, ControlError> {
        Ok(who::who(&*self.store, query, Timestamp::now())?)
    }

    /// Number of jobs in each state.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn counts(&self) -> Result<BTreeMap<StateKind, usize>, ControlError> {
        Ok(self.store.counts()?.into_iter().collect())
    }

    /// Calls `each` with every record of the store as a JSON object.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn export(&self, each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> Result<(), ControlError> {
        Ok(self.store.export(&mut |exported| each(&serde_json::to_vec(&exported)?))?)
    }

    /// Applies an operator's action to a job; `by` is the operator, for the job's history. A retry plans labels that do not
    /// exist yet with `planner`.
    ///
    /// # Errors
    /// When there is no such job, its state does not permit the action, or the rules in force do not fit the package.
    pub async fn act(
        &self,
        id: &JobId,
        action: &JobAction,
        by: &Operator,
        planner: &dyn LabelPlanner,
    ) -> Result<Receipt, ControlError> {
        loop {
            let job = self.job(id)?;
            let mut events = vec![action.event(&job, by)?];
            let mut changes = Vec::new();
            if let JobAction::Retry { new_product: false } = action
                && let Some(replanned) = planner.replan(&job)?
            {
                if let Event::Replanned { changes: found, .. } = &replanned {
                    changes.clone_from(found);
                }
                events.push(replanned);
            }
            let approved = events.iter().find_map(|event| match event {
                Event::Approved { label, name, request, .. } => {
                    Some((*label, name.as_deref(), request.as_deref()))
                }
                _ => None,
            });
            // Computed before the approval: after it, the label is no longer on hold.
            let pages = if approved.is_some() { self.active.approval_pages(&job) } else { Vec::new() };
            let acknowledged = events.iter().find_map(|event| match event {
                Event::Acknowledged { label, .. } => job.labels().get(*label),
                _ => None,
            });
            let mut commit = Commit::of_job(id, job.rev(), events.clone());
            commit.entries.extend(acknowledged.and_then(Label::id).map(label_drift::removal_entry));
            let acknowledged = acknowledged.map(|label| label.name().to_owned());
            match self.store.commit(commit).committed().await {
                Ok(jobs) => {
                    let job = jobs.into_iter().next().unwrap_or(job);
                    self.active.on_event(&job, &events);
                    let approved = approved.map(|(label, name, request)| {
                        Approved::of(&job, label, name, request).with_page_of(pages)
                    });
                    let approved = approved.or_else(|| acknowledged.as_deref().map(Approved::acknowledged));
                    return Ok(Receipt { approved, plan_changes: changes, ..self.answer(&job) });
                }
                // A worker changed the job in between: check the action against the new state.
                Err(StoreError::Conflict { .. }) => {}
                Err(StoreError::Illegal(illegal)) => return Err(illegal_action(action, &illegal)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn job(&self, id: &JobId) -> Result<Job, ControlError> {
        let found = self.store.job(id)?;
        found.ok_or_else(|| {
            let message = format!("there is no job {id}; `dropship jobs` lists all jobs");
            ControlError::new(ControlErrorKind::NotFound, message)
        })
    }

    /// The receipt, and whether the job's rule has changed.
    fn answer(&self, job: &Job) -> Receipt {
        Receipt { rule_change: self.active.rule_change(job), ..self.receipt(job) }
    }

    fn receipt(&self, job: &Job) -> Receipt {
        let mut receipt = Receipt::of(job, self.active.is_running(job.id()));
        receipt.sandbox = self.sandbox;
        receipt
    }
}

/// An action that the state of the job does not permit.
fn illegal_action(action: &JobAction, illegal: &Illegal) -> ControlError {
    let Illegal { job, step, state, why, .. } = illegal;
    let message = format!("cannot {} job {job} in step {step}, state {state}: {why}", action.verb());
    ControlError::new(ControlErrorKind::Illegal, message)
}

#[cfg(test)]
mod tests;
