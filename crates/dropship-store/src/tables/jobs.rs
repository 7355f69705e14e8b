//! The tables of jobs: the jobs, their indexes, and the owners of objects at the service.

use jiff::Timestamp;

use crate::error::StoreError;
use crate::tables::byte_map::ByteMap;
use crate::tables::codec::{encode_job, number};
use crate::tables::files::has_file_with_digest;
use crate::tables::key;
use crate::tables::overlay::Overlay;
use dropship_job::{Event, Job, JobId, Label, RemoteId, RemoteKind, StateKind, apply};

/// Applies events to a job; returns it as it is then.
pub(super) fn apply_events<B: ByteMap>(
    tables: &mut Overlay<'_, B>,
    at: Timestamp,
    id: &JobId,
    before: Option<&Job>,
    events: &[Event],
) -> Result<Option<Job>, StoreError> {
    let mut after = None;
    for event in events {
        after = Some(apply(after.as_ref().or(before), id, at, event)?);
    }
    let Some(after) = after else { return Ok(before.cloned()) };
    record_ownership(tables, id, events);
    put_job(tables, before, &after)?;
    Ok(Some(after))
}

/// Objects that were created at the service belong to the job.
pub(super) fn record_ownership<'a, B: ByteMap>(
    tables: &mut Overlay<'_, B>,
    id: &JobId,
    events: impl IntoIterator<Item = &'a Event>,
) {
    for event in events {
        if let Event::Created { id: remote, .. } = event {
            tables.put(key::remote(*remote), id.as_str().as_bytes());
        }
    }
}

/// Whether the created object stays the job's when the job is pruned.
pub(super) fn outlives_the_job(event: &Event) -> bool {
    matches!(event, Event::Created { kind: RemoteKind::Product, .. })
}

/// Ids of the objects at the service that a job created or adopted.
pub(crate) fn remote_ids(job: &Job) -> Vec<RemoteId> {
    let labels = (0..job.labels().len()).map(RemoteKind::Label);
    let kinds = [RemoteKind::Product, RemoteKind::Submission].into_iter().chain(labels);
    let ids = kinds.filter_map(|kind| job.creation(kind)?.id());
    let ids = ids.chain(job.labels().iter().flat_map(Label::former_ids).copied());
    ids.chain(job.abandoned_products().iter().copied()).collect()
}

/// Changes the number of jobs in a state.
fn change_count<B: ByteMap>(
    tables: &mut Overlay<'_, B>,
    state: StateKind,
    change: impl FnOnce(u64) -> u64,
) -> Result<(), StoreError> {
    let key = key::state_count(state);
    match change(number(tables.get(&key)?)) {
        0 => tables.remove(key),
        jobs => tables.put(key, jobs.to_be_bytes()),
    }
    Ok(())
}

/// Stores a job in its present form, with every index of it.
fn put_job<B: ByteMap>(
    tables: &mut Overlay<'_, B>,
    before: Option<&Job>,
    after: &Job,
) -> Result<(), StoreError> {
    let id = after.id();
    if let Some(before) = before {
        tables.remove(key::state(before.state(), id));
        change_count(tables, before.state().kind(), |jobs| jobs.saturating_sub(1))?;
    } else {
        let bytes = key::bytes(&after.package().sha256, after.package().folder.as_deref());
        tables.put(bytes, id.as_str().as_bytes());
    }
    if let Some(content) = after.content().filter(|_| before.is_none_or(|before| !before.is_accepted())) {
        tables.put(key::content(content, after.package().folder.as_deref(), id), []);
    }
    tables.put(key::state(after.state(), id), []);
    change_count(tables, after.state().kind(), |jobs| jobs.saturating_add(1))?;
    if after.is_over() {
        tables.remove(key::open(id));
    } else {
        tables.put(key::open(id), []);
    }
    if after.state().has_ended() {
        tables.put(key::receipts_pending(id), []);
    } else {
        tables.remove(key::receipts_pending(id));
    }
    tables.put(key::job(id), encode_job(after)?);
    Ok(())
}

/// Stores the snapshot of a job, unless the job is known and at least as new.
pub(super) fn apply_snapshot<B: ByteMap>(
    tables: &mut Overlay<'_, B>,
    snapshot: &Job,
    receipt_written: bool,
) -> Result<(), StoreError> {
    let before = tables.job(snapshot.id())?;
    if before.as_ref().is_some_and(|before| before.rev() >= snapshot.rev()) {
        return Ok(());
    }
    for remote in remote_ids(snapshot) {
        tables.put(key::remote(remote), snapshot.id().as_str().as_bytes());
    }
    put_job(tables, before.as_ref(), snapshot)?;
    if receipt_written {
        tables.remove(key::receipts_pending(snapshot.id()));
    }
    Ok(())
}

/// Deletes a job that is over. Its bytes stay known while a file of its folder holds them.
pub(super) fn prune<B: ByteMap>(tables: &mut Overlay<'_, B>, id: &JobId) -> Result<(), StoreError> {
    let Some(job) = tables.job(id)? else {
        return Ok(());
    };
    if !job.is_over() {
        return Ok(());
    }
    tables.remove(key::job(id));
    tables.remove(key::receipts_pending(id));
    tables.remove(key::open(id));
    tables.remove(key::state(job.state(), id));
    change_count(tables, job.state().kind(), |jobs| jobs.saturating_sub(1))?;
    if let Some(content) = job.content() {
        tables.remove(key::content(content, job.package().folder.as_deref(), id));
    }
    // The product stays known as one of dropship: later versions may share it, and a check for duplicates has to recognise it.
    let labels = job.labels().iter();
    let labels = labels.flat_map(|label| label.id().into_iter().chain(label.former_ids().iter().copied()));
    for remote in job.submission().id().into_iter().chain(labels) {
        tables.remove(key::remote(remote));
    }
    let is_in_folder = match &job.package().folder {
        Some(folder) => has_file_with_digest(tables, folder, &job.package().sha256)?,
        None => false,
    };
    if !is_in_folder {
        tables.remove(key::bytes(&job.package().sha256, job.package().folder.as_deref()));
    }
    Ok(())
}
