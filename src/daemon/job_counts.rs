//! The number of jobs in each state.

use std::collections::BTreeMap;

use dropship_engine::pipeline::Pipeline;
use dropship_hardware::Client;
use dropship_job::StateKind;
use dropship_store::StoreError;

/// Counts the jobs. The store knows a job that a worker processes as queued or waiting; here it counts as running, so that the
/// counts add up to the number of jobs. A worker that withdraws the label of an ended job does not make it run.
pub(super) fn of(pipeline: &Pipeline<Client>) -> Result<BTreeMap<StateKind, usize>, StoreError> {
    let running = pipeline.queue().running_jobs();
    let mut counts: BTreeMap<_, _> = pipeline.store().counts()?.into_iter().collect();
    counts.entry(StateKind::Running).or_default();
    for id in running {
        let Some(job) = pipeline.store().job(&id)? else { continue };
        let state = job.state().kind();
        if matches!(state, StateKind::Queued | StateKind::Waiting)
            && let Some(count) = counts.get_mut(&state).filter(|count| **count > 0)
        {
            *count -= 1;
            *counts.entry(StateKind::Running).or_default() += 1;
        }
    }
    Ok(counts)
}
