//! What persons do to labels at the service by hand, so that the job knows.

use std::collections::BTreeMap;

use super::service::Service;
use crate::store::{Commit, Store, StoreError};
use dropship_hardware::{LabelId, ProductId, SubmissionId};
use dropship_job::{Event, Job, State};

/// Asks the service to withdraw every label of a job that is on its way; says which ones it would not.
///
/// It agrees during Microsoft's approval and a gradual rollout alone, and a label that is published stays.
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
    let (Some(product), Some(submission)) = (job.product.id(), job.submission.id()) else {
        return Ok((events, refused));
    };
    for (index, label) in job.labels.iter().enumerate() {
        let Some(id) = label.creation.id().filter(|_| label.published.is_none() && !label.is_lost()) else {
            continue;
        };
        let service = services.get(job.account.as_deref().unwrap_or("default"));
        let asked = match service {
            Some(service) => {
                let asked = service.cancel_label(ProductId(product), SubmissionId(submission), LabelId(id));
                asked.await.map_err(|error| error.to_string())
            }
            None => Err("its account is not configured any more".to_owned()),
        };
        match asked {
            Ok(()) => {
                let event = Event::Withdrawn { label: index, by: by.to_owned() };
                note(store, &job.id, event.clone()).await?;
                events.push(event);
            }
            Err(why) => refused.push(format!("label `{}` ({id}) is not withdrawn: {why}", label.name)),
        }
    }
    Ok((events, refused))
}

/// The job that a label belongs to, and its place there.
///
/// # Errors
/// When the store cannot be read.
pub fn label_of(store: &dyn Store, label: u64) -> Result<Option<(Job, usize)>, StoreError> {
    let Some(owner) = store.owner(label)? else { return Ok(None) };
    let Some(job) = store.job(&owner)? else { return Ok(None) };
    let index = job.labels.iter().position(|own| own.creation.id() == Some(label));
    Ok(index.map(|index| (job, index)))
}

/// Records what a person did to a label, whatever else happens to the job meanwhile; a job that waits looks at once.
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
        if matches!(job.state, State::Waiting { .. }) {
            events.push(Event::Resumed);
        }
        match store.commit(Commit::of_job(id, job.rev, events)).answer().await {
            Ok(jobs) => return Ok(jobs.into_iter().next()),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}
