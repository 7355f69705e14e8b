//! Whether the rule of a job has changed since the job was planned. The job keeps its plan.

use super::state::Admission;
use crate::package_store::PackageStore;
use dropship_job::Job;
use dropship_rules::Rule;
use dropship_rules::rule::RuleChange;

impl Admission {
    /// How the rule of an unfinished job differs from the rules in force.
    #[must_use]
    pub fn rule_change(&self, job: &Job) -> Option<RuleChange> {
        rule_change(&self.active().config.rules, &self.packages, job)
    }
}

/// The same with these rules. `None` also for a job without a plan, or whose plan was lost.
#[must_use]
pub fn rule_change(rules: &[Rule], packages: &PackageStore, job: &Job) -> Option<RuleChange> {
    let digest = job.plan().filter(|_| !job.state().has_ended())?;
    let plan = packages.plan_snapshot(job.id(), digest).ok()?.plan;
    Rule::change_in(rules, &plan.rule, &plan.rule_digest)
}
