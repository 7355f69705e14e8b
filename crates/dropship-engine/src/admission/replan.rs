//! Plans the labels of a job that do not exist yet again, by the rules in force. Product, submission and existing labels stay.

use super::admit::planned_labels;
use super::state::Admission;
use crate::package_store::{PackageStore, PlanSnapshot};
use dropship_job::{Event, Job, Label, LabelLife, LabelStage};
use dropship_rules::comparison::label_changes;
use dropship_rules::plan::{LabelPlan, Plan};
use dropship_rules::rule::Rule;
use dropship_rules::{MatchInput, Planned, Planning, plan_package};

/// Why the labels of a job cannot be planned again.
#[derive(Debug, thiserror::Error)]
pub enum ReplanError {
    /// No rule matches the package, or the rule cannot be applied to it.
    #[error(
        "cannot plan the labels of job {job} by the rules in force: {why}; correct the rules, reload, and retry"
    )]
    Rules {
        /// The job.
        job: String,
        /// The reason.
        why: String,
    },
    /// The new plan cannot be stored.
    #[error(
        "cannot store the new plan of job {job}: {error}; free space or grant write access to the store, and retry"
    )]
    Io {
        /// The job.
        job: String,
        /// The cause.
        error: std::io::Error,
    },
}

impl Admission {
    /// The event that gives a job the labels of the rules in force; `None` when nothing differs.
    ///
    /// # Errors
    /// When no rule in force fits the package, or the new plan cannot be stored.
    pub fn replan(&self, job: &Job) -> Result<Option<Event>, ReplanError> {
        replan(&self.active().config.rules, &self.packages, job)
    }
}

/// The same with these rules. The new plan is stored; it takes effect with the event.
///
/// # Errors
/// When no rule fits the package, or the new plan cannot be stored.
pub fn replan(rules: &[Rule], packages: &PackageStore, job: &Job) -> Result<Option<Event>, ReplanError> {
    // A job without a product keeps its whole plan, unless its package is inspected again. A lost plan holds the job.
    let Some(digest) = job.plan().filter(|_| job.product().id().is_some()) else { return Ok(None) };
    let Ok(PlanSnapshot { facts, plan: old, vars, planning }) = packages.plan_snapshot(job.id(), digest)
    else {
        return Ok(None);
    };
    let package = job.package();
    let input = MatchInput::new(&package.name, &package.sha256, &facts).in_folder(package.folder.as_deref());
    let input = MatchInput { vars: Some(&vars).filter(|vars| !vars.is_empty()), ..input };
    let needs_plan = job.labels().iter().any(|label| label.is_missing() || is_requested_again(label));
    let named_rule = planning.as_ref().and_then(|planning| planning.named_rule.as_deref());
    let now = Planning::at(jiff::Timestamp::now()).by_rule(named_rule);
    let Planned { plan: new, planning: new_planning } = plan_package(rules, &input, now);
    let new = match new {
        Ok(new) => new,
        Err(_) if !needs_plan => return Ok(None),
        Err(why) => return Err(ReplanError::Rules { job: job.id().to_string(), why: why.to_string() }),
    };
    let asks_for = |label: &Label| new.labels.iter().any(|plan| plan.name == label.name());
    let dropped_in_doubt = job.labels().iter().find(|label| label.intent().is_some() && !asks_for(label));
    if let Some(label) = dropped_in_doubt {
        let why = format!(
            "the create of label `{}` got no response, and the rules no longer ask for that label; cancel the job instead, which \
             withdraws the label if it exists",
            label.name()
        );
        return Err(ReplanError::Rules { job: job.id().to_string(), why });
    }
    let MergedLabels { labels, dropped, again, changes, .. } = MergedLabels::of(job, &old, &new);
    if changes.is_empty() {
        return Ok(None);
    }
    let plan = Plan { rule: new.rule, rule_digest: new.rule_digest, labels, ..old };
    let (rule, labels) = (plan.rule.clone(), planned_labels(&plan));
    // The product stays, and with it the time from which its dates count.
    let planning = planning.map(|old| Planning { at: old.at, ..new_planning });
    let snapshot = PlanSnapshot { facts, plan, vars, planning };
    let plan = packages
        .stage_plan(job.id(), digest, &snapshot)
        .map_err(|error| ReplanError::Io { job: job.id().to_string(), error })?;
    Ok(Some(Event::Replanned { rule, plan, labels, dropped, again, changes }))
}

/// Whether a label that was requested is requested again: Microsoft refused it, or it was withdrawn. One whose withdrawal
/// Microsoft has not agreed to is kept instead.
fn is_requested_again(label: &Label) -> bool {
    label.is_lost() && !matches!(label.stage(), Some(LabelStage::WithdrawalWanted(_)))
}

/// The labels of a job with those of a new plan. Indices of labels stay.
struct MergedLabels<'a> {
    old: &'a Plan,
    new: &'a Plan,
    labels: Vec<LabelPlan>,
    dropped: Vec<usize>,
    again: Vec<usize>,
    /// One sentence for each difference.
    changes: Vec<String>,
}

impl<'a> MergedLabels<'a> {
    fn of(job: &Job, old: &'a Plan, new: &'a Plan) -> Self {
        let (labels, changes) = (Vec::new(), Vec::new());
        let mut merged = Self { old, new, labels, dropped: Vec::new(), again: Vec::new(), changes };
        if old.rule != new.rule {
            merged.changes.push(format!("rule `{}` instead of `{}`", new.rule, old.rule));
        }
        for (index, (label, old)) in job.labels().iter().zip(&old.labels).enumerate() {
            let new = new.labels.iter().find(|plan| plan.name == label.name());
            merged.add(index, label, old, new);
        }
        for plan in &new.labels {
            if !job.labels().iter().any(|label| label.name() == plan.name) {
                merged.changes.push(format!("label `{}` is new", plan.name));
                merged.labels.push(plan.clone());
            }
        }
        merged
    }

    fn add(&mut self, index: usize, label: &Label, old: &LabelPlan, new: Option<&LabelPlan>) {
        let name = label.name();
        let is_open = *label.life() == LabelLife::Planned;
        // A create in doubt is searched for and sent again by the new plan: what does not fit it holds the label.
        let is_in_doubt = label.intent().is_some();
        let plan = match new {
            Some(new) if is_open || is_in_doubt => {
                self.add_differences(name, old, new);
                new
            }
            Some(new) if is_requested_again(label) => {
                let before = label.id().map(|id| format!(" instead of {id}")).unwrap_or_default();
                self.changes.push(format!("label `{name}` is requested again{before}"));
                self.add_differences(name, old, new);
                self.again.push(index);
                new
            }
            None if !label.is_dropped() && (is_open || is_requested_again(label)) => {
                self.changes.push(format!("label `{name}` is no longer asked for"));
                self.dropped.push(index);
                old
            }
            Some(_) | None => old,
        };
        self.labels.push(plan.clone());
    }

    /// The keys in which two plans of a label differ.
    fn add_differences(&mut self, name: &str, old: &LabelPlan, new: &LabelPlan) {
        let changes = label_changes((self.old, old), (self.new, new)).into_iter();
        self.changes.extend(changes.map(|change| format!("label `{name}`: {change}")));
    }
}
