//! Reads the rows from the store, and the INFs of packages from their records, in the background.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::index::{JobRows, RowCompleteness};
use super::inf::InfText;
use crate::control::PackageRecord;
use crate::web::readings::Readings;
use dropship_engine::operations::ControlError;
use dropship_job::JobId;

/// Number of jobs that are read at once.
const PAGE: usize = 500;

/// Number of records that are read at once.
const RECORDS: usize = 100;

/// Pause between two reads, so that the workers come first.
const PAUSE: Duration = Duration::from_millis(5);

/// Interval after which the journal is read again: compaction appends what it keeps once more.
const HISTORIES: Duration = Duration::from_secs(3600);

/// Reads all rows, then keeps the INFs of new packages up to date. Ends with the runtime.
pub(crate) async fn keep(rows: Arc<JobRows>, readings: Readings) {
    if let Err(error) = read_all(&rows, &readings).await {
        tracing::error!("cannot read the packages for the pages: {error}");
    }
    read_histories(&rows, &readings).await;
    let mut histories = Instant::now();
    let older = rows.without_infs();
    for ids in older.chunks(RECORDS) {
        read_infs(&rows, &readings, ids.to_vec()).await;
        tokio::time::sleep(PAUSE).await;
    }
    rows.set_completeness(RowCompleteness::Complete);
    loop {
        let unread: Vec<_> = rows.take_unread().into_iter().collect();
        if unread.is_empty() {
            rows.unread.notified().await;
        }
        for ids in unread.chunks(RECORDS) {
            read_infs(&rows, &readings, ids.to_vec()).await;
        }
        if histories.elapsed() >= HISTORIES {
            read_histories(&rows, &readings).await;
            histories = Instant::now();
        }
    }
}

/// Reads the history of one package. The store finds out which part of the journal is about which packages when it reads the first
/// one, so that no reader has to wait for that.
async fn read_histories(rows: &Arc<JobRows>, readings: &Readings) {
    let Some(newest) = rows.read().newest_first().next().map(|row| row.id.clone()) else { return };
    let source = readings.clone();
    let read = tokio::task::spawn_blocking(move || source.job(&newest).map(drop)).await;
    match read {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("cannot read the history of the newest package: {error}"),
        Err(error) => tracing::debug!("the history of the newest package was not read: {error}"),
    }
}

async fn read_all(rows: &Arc<JobRows>, readings: &Readings) -> Result<(), ControlError> {
    let mut before: Option<JobId> = None;
    loop {
        let (target, source, after) = (Arc::clone(rows), readings.clone(), before.clone());
        let read = tokio::task::spawn_blocking(move || {
            let jobs = source.stored_jobs(after, PAGE)?;
            target.add_read(&jobs);
            Ok::<_, ControlError>(jobs.last().map(|job| job.id().clone()))
        });
        before = match read.await {
            Ok(last) => last?,
            Err(error) => return Err(ControlError::failed(format!("the work ended early: {error}"))),
        };
        if before.is_none() {
            rows.set_completeness(RowCompleteness::WithoutInfs);
            return Ok(());
        }
        if !rows.has_room() {
            rows.set_completeness(RowCompleteness::Limited);
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn read_infs(rows: &Arc<JobRows>, readings: &Readings, ids: Vec<JobId>) {
    let (rows, readings) = (Arc::clone(rows), readings.clone());
    let work = tokio::task::spawn_blocking(move || {
        for id in ids {
            match readings.record(&id) {
                Ok(record) => rows.add_record(&id, &infs(record.as_ref()), &keys(record.as_ref())),
                Err(error) => tracing::debug!(job_id = %id, "cannot read the record of job {id}: {error}"),
            }
        }
    });
    if let Err(error) = work.await {
        tracing::error!("cannot read the records of packages for the pages: {error}");
    }
}

/// The texts of the labels in the rule, by their names.
fn keys(record: Option<&PackageRecord>) -> Vec<(&str, &str)> {
    let Some(PackageRecord::Planned(snapshot)) = record else { return Vec::new() };
    snapshot.plan.labels.iter().map(|label| (label.name.as_str(), label.key.as_str())).collect()
}

fn infs(record: Option<&PackageRecord>) -> Vec<InfText<'_>> {
    let facts = match record {
        Some(PackageRecord::Planned(snapshot)) => &snapshot.facts,
        Some(PackageRecord::Rejected(rejected)) => &rejected.facts,
        None => return Vec::new(),
    };
    facts.infs.iter().map(InfText::of).collect()
}
