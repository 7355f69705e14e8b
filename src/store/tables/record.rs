//! From lines to tables: every change of a table happens here, living and at a rebuild alike.

use std::collections::HashMap;

use jiff::Timestamp;

use super::super::StoreError;
use super::super::entry::{Entry, Line};
use super::{Bytes, Form, Kept, Overlay, Seen, decode, encode, key, number};
use dropship_job::{Creation, Event, Job, JobId, RemoteKind, apply};

/// What is known of lines further on, when lines are brought in that the tables do not have.
///
/// The oldest lines of the journal go; what they amounted to stands further on. So the lines of a job may begin in the
/// middle, and only what comes later says why.
#[derive(Debug, Default)]
pub(in super::super) struct Ahead(HashMap<JobId, (u64, Told)>);

/// What a line further on says of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Standing,
    Forgotten,
}

impl Ahead {
    /// Looks through lines.
    pub(in super::super) fn of(lines: &[Line]) -> Self {
        let mut ahead = HashMap::new();
        for line in lines {
            for entry in &line.entries {
                match entry {
                    Entry::Snapshot { job, .. } => ahead.insert(job.id().clone(), (line.seq, Told::Standing)),
                    Entry::Pruned { job } => ahead.insert(job.clone(), (line.seq, Told::Forgotten)),
                    _ => None,
                };
            }
        }
        Self(ahead)
    }

    /// Is the job told as a whole, or forgotten, after this line?
    fn tells(&self, job: &JobId, seq: u64) -> Option<Told> {
        self.0.get(job).filter(|(later, _)| *later >= seq).map(|(_, told)| *told)
    }
}

/// Brings a new line into the tables; gives the jobs that it changed, as they are now.
pub(in super::super) fn record<B: Bytes>(
    tables: &mut Overlay<'_, B>,
    line: &Line,
) -> Result<Vec<Job>, StoreError> {
    enter(tables, line, None)
}

/// Brings a line of the journal in, of which the tables may hold some already.
pub(in super::super) fn replay<B: Bytes>(
    tables: &mut Overlay<'_, B>,
    line: &Line,
    ahead: &Ahead,
) -> Result<(), StoreError> {
    enter(tables, line, Some(ahead)).map(|_| ())
}

fn enter<B: Bytes>(
    tables: &mut Overlay<'_, B>,
    line: &Line,
    ahead: Option<&Ahead>,
) -> Result<Vec<Job>, StoreError> {
    let mut jobs = Vec::new();
    for entry in &line.entries {
        match entry {
            Entry::Job { job: id, rev, events } => {
                let before = tables.job(id)?;
                let have = before.as_ref().map_or(0, |job| job.rev());
                let told = ahead.filter(|_| have < *rev).and_then(|ahead| ahead.tells(id, line.seq));
                match (ahead, told) {
                    (Some(_), _) if have > *rev => {}
                    (_, Some(Told::Standing)) => own(tables, id, events),
                    // Nobody is there any more from whom the rest would be taken when the job is forgotten.
                    (_, Some(Told::Forgotten)) => {
                        own(tables, id, events.iter().filter(|event| outlives(event)))
                    }
                    _ if have != *rev => {
                        return Err(StoreError::Conflict { job: id.clone(), have, expected: *rev });
                    }
                    _ => jobs.extend(advance(tables, line.at, id, before.as_ref(), events)?),
                }
            }
            Entry::Snapshot { job, receipt_written } => stand(tables, job, *receipt_written)?,
            Entry::History { .. } => {}
            Entry::KnownFile { folder, path, identity, sha256, job } => {
                unlay(tables, folder, path)?;
                let seen = Seen { identity: identity.clone(), sha256: sha256.clone(), job: job.clone() };
                tables.put(key::file(folder, path), encode(&seen)?);
                tables.put(key::lying(sha256, folder, path), []);
                // Outlives the job's own lines: an old package is never new as long as it lies there.
                tables.put(key::bytes(sha256, Some(folder)), job.as_str().as_bytes());
            }
            Entry::FileRemoved { folder, path } => gone(tables, folder, path)?,
            Entry::InspectionStarted { sha256 } => {
                let key = key::inspecting(sha256);
                let count = number(tables.get(&key)?) + 1;
                tables.put(key, count.to_be_bytes());
            }
            Entry::CrashedInspections { sha256, count } => {
                tables.put(key::inspecting(sha256), count.to_be_bytes());
            }
            Entry::InspectionEnded { sha256 } => tables.remove(key::inspecting(sha256)),
            Entry::Setting { key, value } => match value {
                Some(value) => tables.put(key::flag(key), value.as_bytes()),
                None => tables.remove(key::flag(key)),
            },
            Entry::ReceiptWritten { job: id, rev } => {
                if tables.job(id)?.is_none_or(|job| job.rev() == *rev) {
                    tables.remove(key::unreceipted(id));
                }
            }
            Entry::Ownership { job, remotes } => {
                for remote in remotes {
                    tables.put(key::remote(*remote), job.as_str().as_bytes());
                }
            }
            Entry::Pruned { job } => prune(tables, job)?,
        }
    }
    if number(tables.get(&key::seq())?) < line.seq {
        tables.put(key::seq(), line.seq.to_be_bytes());
    }
    Ok(jobs)
}

fn advance<B: Bytes>(
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
    own(tables, id, events);
    keep(tables, before, &after)?;
    Ok(Some(after))
}

/// What exists at the service belongs to the job.
fn own<'a, B: Bytes>(tables: &mut Overlay<'_, B>, id: &JobId, events: impl IntoIterator<Item = &'a Event>) {
    for event in events {
        if let Event::Created { id: remote, .. } = event {
            tables.put(key::remote(*remote), id.as_str().as_bytes());
        }
    }
}

/// Does what exists stay the job's when the job is forgotten?
fn outlives(event: &Event) -> bool {
    matches!(event, Event::Created { kind: RemoteKind::Product, .. })
}

/// What a job has made at the service, or taken.
pub(in super::super) fn made(job: &Job) -> Vec<u64> {
    let labels = (0..job.labels().len()).map(RemoteKind::Label);
    let kinds = [RemoteKind::Product, RemoteKind::Submission].into_iter().chain(labels);
    let made = kinds.filter_map(|kind| job.creation(kind).and_then(Creation::id));
    made.chain(job.abandoned_products().iter().filter_map(|id| id.parse().ok())).collect()
}

/// Keeps a job as it is now, and every index of it.
fn keep<B: Bytes>(tables: &mut Overlay<'_, B>, before: Option<&Job>, after: &Job) -> Result<(), StoreError> {
    let id = after.id();
    if let Some(before) = before {
        tables.remove(key::state(before.state(), id));
    } else {
        let bytes = key::bytes(&after.package().sha256, after.package().folder.as_deref());
        tables.put(bytes, id.as_str().as_bytes());
    }
    tables.put(key::state(after.state(), id), []);
    if after.is_over() {
        tables.remove(key::open(id));
    } else {
        tables.put(key::open(id), []);
    }
    if after.state().has_ended() {
        tables.put(key::unreceipted(id), []);
    } else {
        tables.remove(key::unreceipted(id));
    }
    tables.put(key::job(id), encode(&Kept { v: Form::V2, job: after })?);
    Ok(())
}

/// A job as it stood when its lines went.
fn stand<B: Bytes>(tables: &mut Overlay<'_, B>, standing: &Job, receipted: bool) -> Result<(), StoreError> {
    let before = tables.job(standing.id())?;
    if before.as_ref().is_some_and(|before| before.rev() >= standing.rev()) {
        return Ok(());
    }
    for remote in made(standing) {
        tables.put(key::remote(remote), standing.id().as_str().as_bytes());
    }
    keep(tables, before.as_ref(), standing)?;
    if receipted {
        tables.remove(key::unreceipted(standing.id()));
    }
    Ok(())
}

/// A file is gone: so are its bytes, if their job is forgotten and no other file holds them.
fn gone<B: Bytes>(tables: &mut Overlay<'_, B>, folder: &str, path: &str) -> Result<(), StoreError> {
    let Some(seen) = unlay(tables, folder, path)? else {
        return Ok(());
    };
    tables.remove(key::file(folder, path));
    if tables.job(&seen.job)?.is_none() && !lies_in(tables, folder, &seen.sha256)? {
        tables.remove(key::bytes(&seen.sha256, Some(folder)));
    }
    Ok(())
}

/// The bytes that were known to lie at a path no longer do.
fn unlay<B: Bytes>(
    tables: &mut Overlay<'_, B>,
    folder: &str,
    path: &str,
) -> Result<Option<Seen>, StoreError> {
    let seen = tables.get(&key::file(folder, path))?.map(|value| decode::<Seen>(&value)).transpose()?;
    if let Some(seen) = &seen {
        tables.remove(key::lying(&seen.sha256, folder, path));
    }
    Ok(seen)
}

/// Does any known file of the folder hold these bytes?
pub(in super::super) fn lies_in(tables: &impl Bytes, folder: &str, sha256: &str) -> Result<bool, StoreError> {
    Ok(!tables.keys(&key::lying(sha256, folder, ""))?.is_empty())
}

/// Forgets an ended job, but not its bytes as long as they lie in their folder.
fn prune<B: Bytes>(tables: &mut Overlay<'_, B>, id: &JobId) -> Result<(), StoreError> {
    let Some(job) = tables.job(id)? else {
        return Ok(());
    };
    if !job.is_over() {
        return Ok(());
    }
    tables.remove(key::job(id));
    tables.remove(key::unreceipted(id));
    tables.remove(key::open(id));
    tables.remove(key::state(job.state(), id));
    // That the product is ours outlives the job: later versions may share it, and a look for twins must know it.
    let labels = job.labels().iter().map(|label| &label.creation);
    for remote in std::iter::once(job.submission()).chain(labels).filter_map(|creation| creation.id()) {
        tables.remove(key::remote(remote));
    }
    let lies = match &job.package().folder {
        Some(folder) => lies_in(tables, folder, &job.package().sha256)?,
        None => false,
    };
    if !lies {
        tables.remove(key::bytes(&job.package().sha256, job.package().folder.as_deref()));
    }
    Ok(())
}
