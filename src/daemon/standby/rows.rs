//! Keeps the packages of the pages up to date while this node stands by.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::web::JobRows;
use dropship_store::{Entry, SharedStore, Store};

/// Follows what other nodes commit, until the store is closed.
pub(super) async fn follow(
    rows: Arc<JobRows>,
    store: Arc<SharedStore>,
    mut commits: UnboundedReceiver<Vec<Entry>>,
) {
    while let Some(entries) = commits.recv().await {
        entries.iter().for_each(|entry| apply(&rows, &store, entry));
    }
}

fn apply(rows: &JobRows, store: &SharedStore, entry: &Entry) {
    let (id, events) = match entry {
        Entry::Job { job, events, .. } => (job, Some(events)),
        Entry::Snapshot { job, .. } => (job.id(), None),
        Entry::Pruned { job } => return rows.on_pruned(job),
        _ => return,
    };
    match store.job(id) {
        Ok(Some(job)) => match events {
            Some(events) => rows.on_event(&job, events),
            None => rows.on_found(&job),
        },
        Ok(None) => {}
        Err(error) => tracing::error!(job_id = %id, "cannot read job {id} for the pages: {error}"),
    }
}
