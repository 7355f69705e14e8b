//! From lines to tables, when a line is written and when it is read again.

use crate::commit::UnknownBytes;
use crate::entry::{Entry, Line};
use crate::error::StoreError;
use crate::tables::byte_map::ByteMap;
use crate::tables::codec::{KnownFile, id_of, number};
use crate::tables::files::{put_file, remove_file};
use crate::tables::jobs::{apply_events, apply_snapshot, outlives_the_job, prune, record_ownership};
use crate::tables::key;
use crate::tables::later_lines::{LaterLines, LaterState};
use crate::tables::overlay::Overlay;
use crate::tables::published::{put_check, put_published, remove_published};
use dropship_job::Job;

/// Refuses a commit whose bytes have a job already.
pub(crate) fn require_unknown(tables: &dyn ByteMap, bytes: &UnknownBytes) -> Result<(), StoreError> {
    let Some(job) = tables.get(&key::bytes(&bytes.sha256, bytes.folder.as_deref()))? else { return Ok(()) };
    let job = id_of(&job)?;
    let have = tables.job(&job)?.map_or(0, |job| job.rev());
    Err(StoreError::Conflict { job, have, expected: 0 })
}

/// Applies a new line; returns the jobs that it changed.
pub(crate) fn record<B: ByteMap>(tables: &mut Overlay<'_, B>, line: &Line) -> Result<Vec<Job>, StoreError> {
    apply_line(tables, line, None)
}

/// Applies a line of the journal that the tables may contain in part.
pub(crate) fn replay<B: ByteMap>(
    tables: &mut Overlay<'_, B>,
    line: &Line,
    later: &LaterLines,
) -> Result<(), StoreError> {
    apply_line(tables, line, Some(later)).map(|_| ())
}

fn apply_line<B: ByteMap>(
    tables: &mut Overlay<'_, B>,
    line: &Line,
    later: Option<&LaterLines>,
) -> Result<Vec<Job>, StoreError> {
    let mut jobs = Vec::new();
    for entry in &line.entries {
        match entry {
            Entry::Job { job: id, rev, events } => {
                let before = tables.job(id)?;
                let have = before.as_ref().map_or(0, |job| job.rev());
                let gap = later.filter(|_| have < *rev).and_then(|later| later.about(id, line.seq));
                match (later, gap) {
                    // The tables have these events already.
                    (Some(_), _) if have > *rev => {}
                    (_, Some(LaterState::Snapshot)) => record_ownership(tables, id, events),
                    // No job is left whose other objects `prune` would remove.
                    (_, Some(LaterState::Pruned)) => {
                        record_ownership(tables, id, events.iter().filter(|event| outlives_the_job(event)));
                    }
                    _ if have != *rev => {
                        return Err(StoreError::Conflict { job: id.clone(), have, expected: *rev });
                    }
                    _ => jobs.extend(apply_events(tables, line.at, id, before.as_ref(), events)?),
                }
            }
            Entry::Snapshot { job, receipt_written } => apply_snapshot(tables, job, *receipt_written)?,
            Entry::History { .. } => {}
            Entry::KnownFile { folder, path, identity, sha256, job } => {
                let file = KnownFile { identity: identity.clone(), sha256: sha256.clone(), job: job.clone() };
                put_file(tables, folder, path, &file)?;
            }
            Entry::FileRemoved { folder, path } => remove_file(tables, folder, path)?,
            Entry::InspectionStarted { sha256 } => {
                let key = key::crashed_inspections(sha256);
                let count = number(tables.get(&key)?) + 1;
                tables.put(key, count.to_be_bytes());
            }
            Entry::CrashedInspections { sha256, count } => {
                tables.put(key::crashed_inspections(sha256), count.to_be_bytes());
            }
            Entry::InspectionEnded { sha256 } => tables.remove(key::crashed_inspections(sha256)),
            Entry::Setting { key, value } => match value {
                Some(value) => tables.put(key::setting(key), value.as_bytes()),
                None => tables.remove(key::setting(key)),
            },
            Entry::ReceiptWritten { job: id, rev } => {
                if tables.job(id)?.is_none_or(|job| job.rev() == *rev) {
                    tables.remove(key::receipts_pending(id));
                }
            }
            Entry::Ownership { job, remotes } => {
                for remote in remotes {
                    tables.put(key::remote(*remote), job.as_str().as_bytes());
                }
            }
            Entry::Pruned { job } => prune(tables, job)?,
            Entry::LabelPublished { label } => put_published(tables, label)?,
            Entry::LabelForgotten { label } => remove_published(tables, *label)?,
            Entry::LabelChecked { label, check } => put_check(tables, *label, check)?,
        }
    }
    if number(tables.get(&key::seq())?) < line.seq {
        tables.put(key::seq(), line.seq.to_be_bytes());
    }
    Ok(jobs)
}
