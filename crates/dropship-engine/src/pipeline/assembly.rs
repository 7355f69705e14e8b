//! The pipeline and its parts, shared by all workers.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::durability::UnsyncedJobs;
use super::job_events::JobEvents;
use super::list_failures::ListFailures;
use super::name_locks::NameLocks;
use super::pause::PauseGate;
use super::product_cache::ProductListCache;
use super::queue::Queue;
use super::receipt_writer::ReceiptWriter;
use super::settings::Settings;
use super::suspended_accounts::SuspendedAccounts;
use crate::observe::{Activities, Heartbeat, LogThrottle};
use crate::package_store::PackageStore;
use dropship_hardware::Error;
use dropship_job::{Event, Job, State, WaitReason};
use dropship_shared_folder::Progress;
use dropship_store::{Commit, Store, StoreError};

/// Inspects packages; admission does it.
pub trait PackageInspector: Send + Sync {
    /// Inspects the package of a job again, from where it was found, and returns the resulting events: none if the
    /// inspection was cancelled, because the daemon stops. `progress` is that of reading the dropped file.
    ///
    /// # Errors
    /// When the package cannot be read for a reason that may pass (`is_passing`). Then inspect it again later.
    fn reinspect(&self, job: &Job, progress: &Progress) -> io::Result<Vec<Event>>;
}

/// Parts that a pipeline works with and that others use too.
pub struct PipelineParts<S> {
    /// Jobs and their history.
    pub store: Arc<dyn Store>,
    /// Order of the open jobs.
    pub queue: Arc<Queue>,
    /// Effects of committed changes.
    pub events: Arc<JobEvents>,
    /// Writer of the receipts.
    pub receipts: Arc<ReceiptWriter>,
    /// Captured copies and plans.
    pub packages: PackageStore,
    /// Clients of the Hardware dashboard API, by account.
    pub services: BTreeMap<String, S>,
    /// Inspects packages again.
    pub inspector: Arc<dyn PackageInspector>,
    /// Pauses that the operator asked for.
    pub pause: Arc<PauseGate>,
    /// Accounts that the service refuses.
    pub accounts: Arc<SuspendedAccounts>,
    /// Intervals and limits.
    pub settings: Settings,
    /// Source of the time.
    pub clock: Clock,
    /// Cancelled when the daemon shuts down: no step starts after that.
    pub shutdown: CancellationToken,
    /// Beats while the dispatcher is alive.
    pub heartbeat: Heartbeat,
    /// Polls of the workers: one that takes long blocks a thread.
    pub polls: Activities,
}

/// Locks and limits between jobs.
pub(super) struct Guards {
    pub(super) pause: Arc<PauseGate>,
    pub(super) accounts: Arc<SuspendedAccounts>,
    pub(super) names: NameLocks,
    /// Jobs with events that are not durable yet.
    pub(super) unsynced: UnsyncedJobs,
}

/// Caches of responses, to save requests.
pub(super) struct Caches {
    pub(super) products: ProductListCache,
}

/// Runs jobs. Workers share it.
pub struct Pipeline<S> {
    pub(super) store: Arc<dyn Store>,
    pub(super) queue: Arc<Queue>,
    pub(super) events: Arc<JobEvents>,
    pub(super) receipts: Arc<ReceiptWriter>,
    pub(super) packages: PackageStore,
    pub(super) services: BTreeMap<String, S>,
    pub(super) inspector: Arc<dyn PackageInspector>,
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) guards: Guards,
    pub(super) caches: Caches,
    pub(super) shutdown: CancellationToken,
    /// Set when the store failed: the daemon has to end.
    pub(super) store_failed: watch::Sender<Option<String>>,
    pub(super) heartbeat: Heartbeat,
    pub(super) polls: Activities,
    /// Duplicate checks that fail again and again, by job.
    pub(super) failed_checks: LogThrottle,
    pub(super) list_failures: ListFailures,
}

impl<S> Pipeline<S> {
    /// A pipeline of these parts. It does nothing before [`super::spawn_workers`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(parts: PipelineParts<S>) -> Result<Self, StoreError> {
        let names = NameLocks::of(&parts.store.open_jobs()?);
        Ok(Self {
            store: parts.store,
            queue: parts.queue,
            events: parts.events,
            receipts: parts.receipts,
            packages: parts.packages,
            services: parts.services,
            inspector: parts.inspector,
            settings: parts.settings,
            clock: parts.clock,
            guards: Guards {
                pause: parts.pause,
                accounts: parts.accounts,
                names,
                unsynced: UnsyncedJobs::default(),
            },
            caches: Caches { products: ProductListCache::default() },
            shutdown: parts.shutdown,
            store_failed: watch::channel(None).0,
            heartbeat: parts.heartbeat,
            polls: parts.polls,
            failed_checks: LogThrottle::new(),
            list_failures: ListFailures::default(),
        })
    }

    /// Queues the open jobs of the store and rewrites their receipts in the background, with those that an earlier
    /// daemon could not write. Returns the number of open jobs.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn recover(&self) -> Result<usize, StoreError> {
        let open = self.store.open_jobs()?;
        open.iter().for_each(|job| self.queue.upsert(job));
        let receipts = Arc::clone(&self.receipts);
        let ids: Vec<_> = open.iter().map(|job| job.id().clone()).collect();
        self.events.runtime().spawn(async move {
            for id in ids {
                receipts.write(&id).await;
            }
            receipts.write_missing().await;
        });
        Ok(open.len())
    }

    /// Resumes jobs that wait because of a pause.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn wake_paused(&self) -> Result<(), StoreError> {
        self.wake(|why| *why == WaitReason::Paused).await
    }

    /// Resumes an account that works again, and the jobs that wait for it.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn on_account_works(&self, account: &str) -> Result<(), StoreError> {
        self.resume_account(account);
        self.wake(|why| matches!(why, WaitReason::SuspendedAccount { account: name, .. } if name == account))
            .await
    }

    /// Resumes the jobs that wait for such a reason.
    async fn wake(&self, is_over: impl Fn(&WaitReason) -> bool) -> Result<(), StoreError> {
        for job in self.store.open_jobs()? {
            if matches!(job.state(), State::Waiting { why, .. } if is_over(why)) {
                let commit = Commit::of_job(job.id(), job.rev(), vec![Event::Resumed]);
                match self.store.commit(commit).committed().await {
                    Ok(jobs) => jobs.iter().for_each(|job| self.queue.upsert(job)),
                    // The job changed in the meantime, so it does not need to be woken.
                    Err(error) if !error.is_fatal() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Suspends an account that the service refuses; returns the time of its next probe.
    pub(super) fn suspend_account(&self, account: &str, error: &Error) -> Timestamp {
        let (backoff, now) = (self.settings.account, self.clock.now());
        let due = |probes| {
            let delay = backoff.ceiling(probes);
            self.clock.after(delay)
        };
        if self.guards.accounts.suspend(account, &error.to_string(), now, due) {
            crate::observe::account_suspended(account, &error.to_string());
            self.events.notify_account_changed(account, Some(&error.to_string()));
        }
        self.guards.accounts.get(account).map_or(now, |suspended| suspended.probe)
    }

    /// Ends the suspension of an account that works, if there is one.
    pub(super) fn resume_account(&self, account: &str) {
        if self.guards.accounts.resume(account) {
            crate::observe::account_resumed(account);
            self.events.notify_account_changed(account, None);
        }
    }

    /// Ends the daemon, since the store can no longer be written.
    pub fn report_store_failure(&self, why: String) {
        self.store_failed.send_replace(Some(why));
    }
}

/// The parts of a pipeline that the daemon uses.
impl<S> Pipeline<S> {
    /// Jobs and their history.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Order of the open jobs.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Effects of committed changes.
    #[must_use]
    pub fn events(&self) -> &Arc<JobEvents> {
        &self.events
    }

    /// Writer of the receipts.
    #[must_use]
    pub fn receipts(&self) -> &ReceiptWriter {
        &self.receipts
    }

    /// Captured copies and plans.
    #[must_use]
    pub fn packages(&self) -> &PackageStore {
        &self.packages
    }

    /// Clients of the Hardware dashboard API, by account.
    #[must_use]
    pub fn services(&self) -> &BTreeMap<String, S> {
        &self.services
    }

    /// Pauses that the operator asked for.
    #[must_use]
    pub fn pause(&self) -> &PauseGate {
        &self.guards.pause
    }

    /// Accounts that the service refuses.
    #[must_use]
    pub fn accounts(&self) -> &SuspendedAccounts {
        &self.guards.accounts
    }

    /// Intervals and limits.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Source of the time.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Cancelled when the daemon shuts down.
    #[must_use]
    pub fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Reports why the store failed, once it does.
    #[must_use]
    pub fn store_failure(&self) -> watch::Receiver<Option<String>> {
        self.store_failed.subscribe()
    }
}
