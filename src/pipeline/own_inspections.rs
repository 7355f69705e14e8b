//! Inspects rejected packages again that are on the disk of this node, while another node processes the jobs.
//!
//! A `retry` leaves the job in the step `inspect`, where the active node does not touch it. This node appends what the inspection
//! finds, and the active node continues.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::assembly::PackageInspector;
use super::clock::Clock;
use super::folder_policies::FolderPolicies;
use super::job_events::JobEvents;
use super::steps::inspect::{Inspected, inspected};
use dropship_hardware::Backoff;
use dropship_job::{Event, Job, JobId, State, Step};
use dropship_store::{Commit, Store, StoreError};

/// The jobs whose packages this node inspects again, one after the other.
pub struct OwnInspections {
    store: Arc<dyn Store>,
    folders: Arc<FolderPolicies>,
    events: Arc<JobEvents>,
    inspector: Arc<dyn PackageInspector>,
    /// Delays after a drop folder or a storage did not respond.
    retry: Backoff,
    /// The jobs, and when each is due.
    due: Mutex<BTreeMap<JobId, Timestamp>>,
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
        if let Some(at) = self.due_at(job) {
            self.schedule(job.id(), at);
        }
    }

    fn schedule(&self, id: &JobId, at: Timestamp) {
        self.due.lock().insert(id.clone(), at);
        self.added.notify_one();
    }

    fn due_at(&self, job: &Job) -> Option<Timestamp> {
        let folder = job.package().folder.as_deref().unwrap_or_default();
        let due = match job.state() {
            State::Queued => Timestamp::MIN,
            State::Waiting { due, .. } => *due,
            _ => return None,
        };
        (job.step() == Step::Inspect && self.folders.own(folder).is_some()).then_some(due)
    }

    /// The job that is due first, and how long it has to wait.
    fn next(&self) -> Option<(JobId, Duration)> {
        let due = self.due.lock();
        let (id, at) = due.iter().min_by_key(|(_, at)| **at)?;
        Some((id.clone(), Duration::try_from(at.duration_since(Clock::Wall.now())).unwrap_or_default()))
    }

    /// Inspects packages until the shutdown.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            // Registered before the jobs are read, so that none is missed.
            let added = self.added.notified();
            let next = self.next();
            let work = async {
                match &next {
                    Some((id, wait)) if wait.is_zero() => {
                        self.due.lock().remove(id);
                        self.inspect(id).await;
                    }
                    Some((_, wait)) => drop(tokio::time::timeout(*wait, added).await),
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
            Err(error) => {
                let wait = self.retry.delay(1);
                tracing::error!(
                    job_id = %id,
                    "cannot record the inspection of the package of job {id}: {error}; it is inspected again in {wait:.0?}"
                );
                self.schedule(id, Clock::Wall.after(wait));
            }
        }
    }

    /// Inspects a package, unless its job was changed in the meantime so that it is not to be inspected.
    async fn try_inspect(&self, id: &JobId) -> Result<(), StoreError> {
        let Some(job) = self.store.job(id)?.filter(|job| self.due_at(job).is_some()) else { return Ok(()) };
        let events = match inspected(Arc::clone(&self.inspector), &job).await {
            Inspected::Events(events) => events,
            Inspected::Delayed(fault) => {
                let due = Clock::Wall.after(self.retry.delay(job.attempts()));
                vec![Event::AttemptFailed { due, fault }]
            }
            Inspected::Cancelled => return Ok(()),
        };
        let commit = Commit::of_job(id, job.rev(), events.clone());
        for job in self.store.commit(commit).committed().await? {
            self.events.after_commit(&job, &events).await;
        }
        Ok(())
    }
}
