//! Inspects rejected packages again that are on the disk of this node, while another node processes the jobs.
//!
//! A `retry` leaves the job in the step `inspect`, where the active node does not touch it. This node appends what the inspection
//! finds, and the active node continues.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::assembly::PackageInspector;
use super::clock::Clock;
use super::folder_policies::FolderPolicies;
use super::job_events::JobEvents;
use super::steps::inspect::{InspectionEnd, inspect_again};
use dropship_hardware::Backoff;
use dropship_job::{Event, Job, JobId, State, Step};
use dropship_store::{Commit, Store, StoreError};

/// The jobs whose packages this node inspects again, one after the other.
pub struct OwnInspections {
    store: Arc<dyn Store>,
    folders: Arc<FolderPolicies>,
    events: Arc<JobEvents>,
    inspector: Arc<dyn PackageInspector>,
    /// Delays after a drop folder did not respond.
    retry: Backoff,
    due: Mutex<BTreeSet<JobId>>,
    /// Notified when a job is added.
    added: Notify,
}

impl OwnInspections {
    /// Inspections of the packages of these folders.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        folders: Arc<FolderPolicies>,
        events: Arc<JobEvents>,
        inspector: Arc<dyn PackageInspector>,
        retry: Backoff,
    ) -> Self {
        Self { store, folders, events, inspector, retry, due: Mutex::default(), added: Notify::new() }
    }

    /// Has the package of a job inspected again, if the job waits for that and its folder is on this node only.
    pub fn request(&self, job: &Job) {
        if self.is_due(job) {
            self.due.lock().insert(job.id().clone());
            self.added.notify_one();
        }
    }

    fn is_due(&self, job: &Job) -> bool {
        let folder = job.package().folder.as_deref().unwrap_or_default();
        *job.state() == State::Queued && job.step() == Step::Inspect && self.folders.own(folder).is_some()
    }

    /// Inspects packages until the shutdown.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            // Registered before the jobs are read, so that none is missed.
            let added = self.added.notified();
            let next = self.due.lock().pop_first();
            let work = async {
                match &next {
                    Some(id) => self.inspect(id).await,
                    None => added.await,
                }
            };
            tokio::select! {
                () = work => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    async fn inspect(&self, id: &JobId) {
        match self.try_inspect(id).await {
            Ok(()) => {}
            // It was changed in the meantime, and is due again if it is to be inspected.
            Err(StoreError::Conflict { .. }) => match self.store.job(id) {
                Ok(job) => job.iter().for_each(|job| self.request(job)),
                Err(error) => tracing::error!(job_id = %id, "cannot read job {id}: {error}"),
            },
            Err(error) => tracing::error!(
                job_id = %id,
                "cannot record the inspection of the package of job {id}: {error}; `dropship retry {id}` tries it again"
            ),
        }
    }

    async fn try_inspect(&self, id: &JobId) -> Result<(), StoreError> {
        let Some(job) = self.store.job(id)?.filter(|job| self.is_due(job)) else { return Ok(()) };
        let events = match inspect_again(Arc::clone(&self.inspector), &job).await {
            InspectionEnd::Events(events) => events,
            // The active node ends the wait, and that is followed.
            InspectionEnd::Delayed(fault) => {
                let due = Clock::Wall.after(self.retry.delay(job.attempts()));
                vec![Event::AttemptFailed { due, fault }]
            }
            InspectionEnd::Cancelled => return Ok(()),
        };
        let commit = Commit::of_job(id, job.rev(), events.clone());
        for job in self.store.commit(commit).committed().await? {
            self.events.after_commit(&job, &events).await;
        }
        Ok(())
    }
}
