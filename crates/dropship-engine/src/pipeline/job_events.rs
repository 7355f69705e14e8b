//! Effects of a committed change: log, metrics, notifications, queue, receipt, and the end of the captured copy.
//!
//! The store is the only durable record; everything here can be repeated or lost without harm.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::queue::Queue;
use super::receipt_writer::ReceiptWriter;
use crate::observe::{self, Causes};
use crate::package_store::PackageStore;
use dropship_job::{Creation, Event, Job, JobId, Step};

/// Receives what happens to jobs and accounts, for metrics and notifications. Its methods must not block.
pub trait JobObserver: Send + Sync {
    /// Events of a job were committed; `job` is its state after them.
    fn on_event(&self, _job: &Job, _events: &[Event]) {}
    /// A job was recovered from its receipt.
    fn on_recovered(&self, _job: &Job) {}
    /// A job was pruned: the store no longer has it.
    fn on_pruned(&self, _id: &JobId) {}
    /// An account was suspended for this reason, or works again.
    fn on_account(&self, _name: &str, _suspended: Option<&str>) {}
}

impl JobObserver for () {}

/// Carries out the effects of committed changes. Shared by the workers, admission and the control socket.
pub struct JobEvents {
    queue: Arc<Queue>,
    packages: PackageStore,
    receipts: Arc<ReceiptWriter>,
    observer: Arc<dyn JobObserver>,
    changes: watch::Sender<Option<JobId>>,
    runtime: Handle,
    causes: Causes,
}

impl JobEvents {
    /// Effects on these parts. Call it within a tokio runtime: receipts are written there.
    #[must_use]
    pub fn new(
        queue: Arc<Queue>,
        packages: PackageStore,
        receipts: Arc<ReceiptWriter>,
        observer: Arc<dyn JobObserver>,
    ) -> Self {
        let (changes, _) = watch::channel(None);
        Self {
            queue,
            packages,
            receipts,
            observer,
            changes,
            runtime: Handle::current(),
            causes: Causes::default(),
        }
    }

    /// The causes that failures of many jobs share.
    pub(super) fn causes(&self) -> &Causes {
        &self.causes
    }

    /// Carries out the effects of events that were committed; `job` is its state after them.
    pub async fn after_commit(&self, job: &Job, events: &[Event]) {
        self.carry_out_effects(job, events);
        if !events.iter().all(|event| needs_no_receipt(job, event)) {
            self.receipts.write(job.id()).await;
        }
        self.changes.send_replace(Some(job.id().clone()));
    }

    /// The same for events that a power cut may still take back: the receipt shows them with the next event that is durable.
    pub(super) fn after_unsynced_commit(&self, job: &Job, events: &[Event]) {
        self.carry_out_effects(job, events);
        self.changes.send_replace(Some(job.id().clone()));
    }

    fn carry_out_effects(&self, job: &Job, events: &[Event]) {
        for event in events {
            observe::log_event(&self.causes, job, event);
        }
        self.discard_copy_after(job, events);
        self.observer.on_event(job, events);
        self.queue.upsert(job);
    }

    /// As [`Self::after_commit`], from a thread that may block.
    pub fn after_commit_blocking(&self, job: &Job, events: &[Event]) {
        self.runtime.block_on(self.after_commit(job, events));
    }

    /// Carries out the effects of a job that was recovered from its receipt.
    pub fn after_recovery_blocking(&self, job: &Job) {
        self.observer.on_recovered(job);
        self.queue.upsert(job);
        if !job.state().has_ended() {
            self.runtime.block_on(self.receipts.write(job.id()));
        }
        self.changes.send_replace(Some(job.id().clone()));
    }

    /// As [`Self::after_commit`], without waiting for the receipt.
    pub fn after_commit_in_background(self: &Arc<Self>, job: &Job, events: &[Event]) {
        let (effects, job, events) = (Arc::clone(self), job.clone(), events.to_vec());
        self.runtime.spawn(async move { effects.after_commit(&job, &events).await });
    }

    /// Reports each job that changed; `None` stands for a change that concerns no job, such as a reload.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Option<JobId>> {
        self.changes.subscribe()
    }

    /// Wakes the subscribers for a change that concerns no job.
    pub fn notify_subscribers(&self) {
        self.changes.send_modify(|_| {});
    }

    pub(super) fn notify_pruned(&self, id: &JobId) {
        self.observer.on_pruned(id);
    }

    pub(super) fn notify_account_changed(&self, name: &str, suspended: Option<&str>) {
        self.observer.on_account(name, suspended);
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Deletes the captured copy once the signed package is back, or the job was cancelled before anything was created.
    fn discard_copy_after(&self, job: &Job, events: &[Event]) {
        let makes_copy_unneeded = |event: &Event| match event {
            Event::Collected { .. } => true,
            Event::Cancelled { .. } => *job.product() == Creation::Open,
            _ => false,
        };
        if !events.iter().any(makes_copy_unneeded) {
            return;
        }
        let (packages, id) = (self.packages.clone(), job.id().clone());
        let discard = move || {
            if let Err(error) = packages.discard_copy(&id) {
                tracing::warn!(job_id = %id, "cannot delete the captured copy of job {id}: {error}; the next start deletes it");
            }
        };
        if self.packages.is_remote() {
            drop(self.runtime.spawn_blocking(discard));
        } else {
            discard();
        }
    }
}

/// A poll needs no receipt. A create that is about to be sent needs one: if the store is lost or restored from a backup, the
/// receipt is the only trace of it.
fn needs_no_receipt(job: &Job, event: &Event) -> bool {
    match event {
        // A resumed upload can take an hour, so its receipt says that it runs; a poll is over in a moment.
        Event::Resumed => matches!(job.step(), Step::Sign | Step::Publish),
        Event::CommitIntended => true,
        _ => false,
    }
}
