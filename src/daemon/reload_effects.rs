//! What a new configuration means for the jobs that have not ended: which of them keep an older plan, and which labels `[guard]`
//! would hold or release.

use crate::control::{GuardChange, GuardEffect, OlderPlan};
use dropship_config::Config;
use dropship_engine::package_store::{PackageStore, PlanSnapshot};
use dropship_engine::replay::{ReplayRules, replay_job};
use dropship_hardware::DriverMetadata;
use dropship_job::{ErrorKind, Job, Label};
use dropship_rules::label::{Guard, GuardVerdict, preview, preview_with};
use dropship_rules::plan::LabelPlan;
use dropship_store::{Store, StoreError};

/// Number of targets of each direction that a difference keeps; their numbers are complete.
const MAX_TARGETS: usize = 100;

/// What a new configuration means for the unfinished jobs.
#[derive(Debug, Default)]
pub(super) struct ReloadEffects {
    /// Jobs that keep a plan which the new configuration would not make.
    pub(super) jobs: Vec<OlderPlan>,
    /// Labels that `[guard]` would hold or refuse, or no longer.
    pub(super) guard: Vec<GuardChange>,
}

/// Compares the plans of the newest `max_jobs` unfinished jobs with the configuration `new`.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn compute_effects(
    store: &dyn Store,
    packages: &PackageStore,
    old: &Config,
    new: &Config,
    max_jobs: usize,
) -> Result<ReloadEffects, StoreError> {
    let mut effects = ReloadEffects::default();
    let mut jobs = store.open_jobs()?;
    jobs.retain(|job| !job.state().has_ended());
    // The oldest job is the first.
    let skipped_count = jobs.len().saturating_sub(max_jobs);
    for job in jobs.into_iter().skip(skipped_count) {
        effects.jobs.extend(older_plan(packages, &job, new));
        if old.guard != new.guard {
            effects.guard.extend(guard_changes(packages, &job, &old.guard, &new.guard));
        }
    }
    Ok(effects)
}

fn older_plan(packages: &PackageStore, job: &Job, new: &Config) -> Option<OlderPlan> {
    let rule = job.rule()?.to_owned();
    let rule_change = dropship_engine::admission::rule_change(&new.rules, packages, job);
    let replayed = replay_job(ReplayRules::of(new), packages, job);
    let mut differences = replayed.map(|replayed| replayed.differences).unwrap_or_default();
    differences.iter_mut().for_each(|difference| difference.truncate_targets(MAX_TARGETS));
    (rule_change.is_some() || !differences.is_empty()).then(|| OlderPlan {
        id: job.id().clone(),
        package: job.package().name.clone(),
        rule,
        rule_change,
        differences,
    })
}

/// The labels of a job that are still to be requested and that one guard holds or refuses, and the other does not.
fn guard_changes(packages: &PackageStore, job: &Job, old: &Guard, new: &Guard) -> Vec<GuardChange> {
    let Some(snapshot) = job.plan().and_then(|digest| packages.plan_snapshot(job.id(), digest).ok()) else {
        return Vec::new();
    };
    let metadata = packages.read_metadata(job.id()).ok().flatten();
    let metadata = metadata.and_then(|bytes| DriverMetadata::parse(&bytes).ok());
    let unrequested = snapshot.plan.labels.iter().zip(job.labels());
    let unrequested = unrequested.filter(|(_, label)| label.is_missing());
    let change = |(plan, label): (&LabelPlan, &Label)| {
        let (before, after) = (
            verdict(old, plan, &snapshot, metadata.as_ref(), job),
            verdict(new, plan, &snapshot, metadata.as_ref(), job),
        );
        let effect = effect(&before, &after)?;
        let is_on_hold = label
            .hold()
            .is_some_and(|hold| matches!(hold.fault.kind, ErrorKind::Guard | ErrorKind::GuardRefused));
        let reasons = match effect {
            GuardEffect::Release => [before.refused, before.held].concat(),
            GuardEffect::Hold => after.held,
            GuardEffect::Refuse => after.refused,
        };
        Some(GuardChange {
            id: job.id().clone(),
            package: job.package().name.clone(),
            label: plan.name.clone(),
            effect,
            reasons,
            needs_approval: effect == GuardEffect::Release && (is_on_hold || plan.hold.is_required()),
        })
    };
    unrequested.filter_map(change).collect()
}

fn effect(before: &GuardVerdict, after: &GuardVerdict) -> Option<GuardEffect> {
    let is_free = |verdict: &GuardVerdict| verdict.refused.is_empty() && verdict.held.is_empty();
    match (is_free(before), is_free(after)) {
        (_, false) if !after.refused.is_empty() && before.refused.is_empty() => Some(GuardEffect::Refuse),
        (true, false) => Some(GuardEffect::Hold),
        // It was refused; now an operator can approve it.
        (false, false) if !before.refused.is_empty() && after.refused.is_empty() => Some(GuardEffect::Hold),
        (false, true) => Some(GuardEffect::Release),
        (true, true) | (false, false) => None,
    }
}

fn verdict(
    guard: &Guard,
    label: &LabelPlan,
    snapshot: &PlanSnapshot,
    metadata: Option<&DriverMetadata>,
    job: &Job,
) -> GuardVerdict {
    let PlanSnapshot { facts, plan, .. } = snapshot;
    // The dates of a request are of no interest here, and a date that has passed is no reason to skip the check.
    let undated = LabelPlan { go_live: None, ..label.clone() };
    let request = match metadata {
        Some(metadata) => preview_with(&undated, plan, metadata, job.created()).request,
        None => preview(&undated, plan, facts, job.created()).request,
    };
    match (request, metadata) {
        (Some(request), Some(_)) => guard.check_before_sending(&request, label, plan, facts),
        (Some(request), None) => guard.check_request(&request),
        (None, _) => guard.check_plan(label),
    }
}
