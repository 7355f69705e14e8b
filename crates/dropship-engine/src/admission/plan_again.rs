//! Gives a job that was recovered from its receipt the copy and the plan that were lost with its store, once its package is at
//! hand again.

use std::path::PathBuf;

use super::admit::planned_labels;
use super::captured_package::CapturedPackage;
use super::evaluate::evaluate;
use super::recovered_job::{StoredPlan, recovered_job_of_receipt};
use super::state::Admission;
use crate::observe;
use crate::outbox::{FoundReceipt, Receipt};
use crate::package_store::PlanSnapshot;
use dropship_job::{Job, StateKind, Step};
use dropship_rules::{MatchInput, find};
use dropship_store::{Commit, Entry, StoreError};

impl Admission {
    /// Completes a held job that lacks its plan or its copy by the package that was offered. Returns the job if it has a new
    /// plan; it stays held.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn complete_again(
        &self,
        job: &Job,
        package: &CapturedPackage<'_>,
    ) -> Result<Option<Job>, StoreError> {
        if job.state().kind() != StateKind::Held || !job.is_accepted() {
            return Ok(None);
        }
        let id = job.id();
        if let Some(snapshot) = job.plan().and_then(|digest| self.packages.plan_snapshot(id, digest).ok()) {
            let needs_copy =
                job.step() <= Step::Collect && self.packages.has_copy(id).is_ok_and(|has_copy| !has_copy);
            if needs_copy && let Err(error) = self.packages.admit(id, package.copy, &snapshot) {
                tracing::warn!(job_id = %id, "cannot store the package of job {id} again: {error}");
            }
            return Ok(None);
        }
        let found =
            FoundReceipt { folder: PathBuf::from(&job.package().outbox), receipt: Receipt::of(job, false) };
        let Some(plan) = self.plan_again(&found.receipt, package) else { return Ok(None) };
        let job = match job.caught_up(recovered_job_of_receipt(&found, Some(plan))) {
            Ok(job) => job,
            Err(invalid) => {
                observe::receipt_not_recovered(&invalid);
                return Ok(None);
            }
        };
        // An operator's decision since then has another revision, and remains.
        let entry = Entry::Snapshot { receipt_written: false, job: Box::new(job) };
        self.store.commit(Commit::new(vec![entry])).wait()?;
        let job = self.store.job(id)?;
        if let Some(job) = &job {
            observe::job_planned_again(job);
            self.discard_needless_copy(job);
            self.events.after_recovery_blocking(job);
        }
        Ok(job)
    }

    /// Plans the package of a receipt again, and stores the plan with the copy.
    pub(super) fn plan_again(&self, receipt: &Receipt, package: &CapturedPackage<'_>) -> Option<StoredPlan> {
        let (id, folder, rule) = (&receipt.id, receipt.folder.as_deref(), receipt.rule.as_deref());
        let vars = receipt.vars.clone();
        let active = self.active();
        let evaluation = evaluate(
            &active,
            (package.copy, None),
            &receipt.package,
            folder,
            rule,
            &Ok(vars.clone()),
            &self.cancellation,
        )
        .ok()?;
        let mut planning = evaluation.planning?;
        let (plan, facts) = match (evaluation.outcome?, evaluation.inspection.facts?) {
            (Ok(plan), facts) => (plan, facts),
            (Err(fault), _) => {
                tracing::warn!(
                    job_id = %id,
                    event = "not_planned_again",
                    "job {id} cannot be planned again by the rules in force: {}",
                    fault.message
                );
                return None;
            }
        };
        let labels = planned_labels(&plan);
        // The receipt does not show whether the submitter had named the rule. It was named if it is not the first that matches.
        let input = MatchInput::new(&receipt.package, &receipt.sha256, &facts).in_folder(folder);
        let input = MatchInput { vars: Some(&vars).filter(|vars| !vars.is_empty()), ..input };
        if find(&active.config.rules, &input).is_some_and(|first| first.name == plan.rule) {
            planning.named_rule = None;
        }
        match self.packages.admit(
            id,
            package.copy,
            &PlanSnapshot { facts, plan, vars, planning: Some(planning) },
        ) {
            Ok(digest) => Some(StoredPlan { digest, labels }),
            Err(error) => {
                tracing::warn!(job_id = %id, "cannot store the plan of job {id}: {error}");
                None
            }
        }
    }

    /// Deletes the copy of a job that has its signed package.
    pub(super) fn discard_needless_copy(&self, job: &Job) {
        if job.step() > Step::Collect
            && let Err(error) = self.packages.discard_copy(job.id())
        {
            tracing::warn!(job_id = %job.id(), "cannot delete the copy of job {}: {error}", job.id());
        }
    }
}
