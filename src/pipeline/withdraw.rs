//! Changes of labels outside of a step: withdrawal, and changes that an operator made directly.

use std::collections::BTreeMap;

use super::service::Service;
use crate::config::model::DEFAULT_ACCOUNT;
use dropship_hardware::{LabelId, ProductId, SubmissionId};
use dropship_job::{Event, Job, State};
use dropship_store::{Commit, Store, StoreError};

/// Requests the withdrawal of every unpublished label of a job. Returns the events and why some labels are not withdrawn.
///
/// Microsoft allows it only during approval and gradual rollout; a published label stays.
///
/// # Errors
/// When the store cannot be written.
pub async fn withdraw<S: Service>(
    store: &dyn Store,
    services: &BTreeMap<String, S>,
    job: &Job,
    by: &str,
) -> Result<(Vec<Event>, Vec<String>), StoreError> {
    let (mut events, mut refused) = (Vec::new(), Vec::new());
    let (Some(product), Some(submission)) = (job.product().id(), job.submission().id()) else {
        return Ok((events, refused));
    };
    for (index, label) in job.labels().iter().enumerate() {
        let Some(id) = label.creation.id().filter(|_| label.published.is_none() && !label.is_lost()) else {
            continue;
        };
        let service = services.get(job.account().unwrap_or(DEFAULT_ACCOUNT));
        let asked = match service {
            Some(service) => {
                let asked = service.cancel_label(ProductId(product), SubmissionId(submission), LabelId(id));
                asked.await.map_err(|error| error.to_string())
            }
            None => Err("its account is no longer configured".to_owned()),
        };
        match asked {
            Ok(()) => {
                let event = Event::Withdrawn { label: index, by: by.to_owned() };
                note(store, job.id(), event.clone()).await?;
                events.push(event);
            }
            Err(why) => refused.push(format!("label `{}` ({id}) is not withdrawn: {why}", label.name)),
        }
    }
    Ok((events, refused))
}

/// The job that owns a label, and the index of the label in it.
///
/// # Errors
/// When the store cannot be read.
pub fn label_of(store: &dyn Store, label: u64) -> Result<Option<(Job, usize)>, StoreError> {
    let Some(owner) = store.owner(label)? else { return Ok(None) };
    let Some(job) = store.job(&owner)? else { return Ok(None) };
    let index = job.labels().iter().position(|own| own.creation.id() == Some(label));
    Ok(index.map(|index| (job, index)))
}

/// Records an operator's change of a label, also when the job changes at the same time. A waiting job polls at once.
///
/// # Errors
/// When the store cannot be written, or the job is gone.
pub async fn note(
    store: &dyn Store,
    id: &dropship_job::JobId,
    event: Event,
) -> Result<Option<Job>, StoreError> {
    loop {
        let Some(job) = store.job(id)? else { return Ok(None) };
        let mut events = vec![event.clone()];
        if matches!(job.state(), State::Waiting { .. }) {
            events.push(Event::Resumed);
        }
        match store.commit(Commit::of_job(id, job.rev(), events)).committed().await {
            Ok(jobs) => return Ok(jobs.into_iter().next()),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}
