//! Changes of labels outside of a step: withdrawals of a cancelled job, and changes that an operator made directly.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::assembly::Pipeline;
use super::background;
use super::published_changes;
use super::service::Service;
use super::step_context::{Interrupt, StepContext};
use crate::service_id::ServiceId;
use dropship_hardware::{LabelId, ProductId, SubmissionId};
use dropship_job::{Event, Job, JobId, Label, RemoteId, State};
use dropship_store::{Commit, Store, StoreError};

/// Does the background work of a job now: withdraws its labels, and searches for a label whose create is in doubt. The
/// caller has claimed the job, so that no worker processes it.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn withdraw_now<S: Service>(pipeline: &Pipeline<S>, id: &JobId) -> Result<(), StoreError> {
    loop {
        let Some(job) = pipeline.store().job(id)? else { return Ok(()) };
        let mut ctx = StepContext::new(pipeline, job);
        match background::run(&mut ctx).await {
            Err(Interrupt::Conflict) => {}
            Err(Interrupt::Store(error)) => return Err(error),
            Ok(()) | Err(Interrupt::Suspended | Interrupt::LabelDeferred | Interrupt::ShuttingDown) => {
                return Ok(());
            }
        }
    }
}

/// The same while no daemon runs: one attempt for each label. The next daemon continues.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn withdraw_offline<S: Service>(
    store: &dyn Store,
    services: &BTreeMap<String, S>,
    is_paused: bool,
    job: &Job,
) -> Result<(), StoreError> {
    let (Some(product), Some(submission)) = (job.product().id(), job.submission().id()) else {
        return Ok(());
    };
    for pending in job.pending_withdrawals() {
        let (Some(id), Some(withdrawal)) = (pending.id, pending.withdrawal) else { continue };
        if pending.is_agreed {
            continue;
        }
        let result = match services.get(job.account().unwrap_or("default")) {
            _ if is_paused => Err("paused; `dropship resume` and a daemon continue".to_owned()),
            None => Err("its account is no longer configured".to_owned()),
            Some(service) => {
                let result = service.cancel_label(
                    ProductId::of(product),
                    SubmissionId::of(submission),
                    LabelId::of(id),
                );
                result.await.map_err(|error| error.to_string())
            }
        };
        let label = pending.label;
        let event = match result {
            Ok(()) => Event::Withdrawn { label, id, by: withdrawal.by.clone() },
            Err(why) => Event::NotWithdrawn { label, id, due: Timestamp::now(), why },
        };
        record_label_event(store, job.id(), event).await?;
    }
    Ok(())
}

/// The job that owns a label, and the index of the label in it.
///
/// # Errors
/// When the store cannot be read.
pub fn label_of(store: &dyn Store, label: RemoteId) -> Result<Option<(Job, usize)>, StoreError> {
    let Some(owner) = store.owner(label)? else { return Ok(None) };
    let Some(job) = store.job(&owner)? else { return Ok(None) };
    let index = job.labels().iter().map(Label::id).position(|id| id == Some(label));
    Ok(index.map(|index| (job, index)))
}

/// Records an event about a label that exists, also when the job changes at the same time. A waiting job polls at once.
///
/// # Errors
/// When the store cannot be written, or the job is gone.
pub async fn record_label_event(
    store: &dyn Store,
    id: &JobId,
    event: Event,
) -> Result<Option<Job>, StoreError> {
    loop {
        let Some(job) = store.job(id)? else { return Ok(None) };
        let mut events = vec![event.clone()];
        if matches!(job.state(), State::Waiting { .. }) {
            events.push(Event::Resumed);
        }
        let mut commit = Commit::of_job(id, job.rev(), events.clone());
        commit.entries.extend(published_changes::forgotten(&job, &events));
        commit.entries.extend(published_changes::edited(&job, &event));
        match store.commit(commit).committed().await {
            Ok(jobs) => return Ok(jobs.into_iter().next()),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}
