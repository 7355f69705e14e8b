//! What all workers share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::accounts::Accounts;
use super::brake::Brake;
use super::clock::Clock;
use super::folders::FolderWays;
use super::learnt::Learnt;
use super::listing::Listings;
use super::names::Names;
use super::queue::Queue;
use super::receipts::Receipts;
use crate::config::model::{Api, Overdue, Pace};
use crate::depot::Depot;
use crate::outbox::{Outbox, Receipt};
use crate::store::{Commit, Entry, Store, StoreError};
use dropship_hardware::Error;
use dropship_job::{Creation, Event, Job, JobId, State, Step};

/// What a paused job waits for.
pub(super) const PAUSED: &str = "the emergency brake is on; `dropship resume` lets the job go on";

/// An outbox on a share that hangs must not keep jobs from going on.
const HANGS: Duration = Duration::from_secs(10);

/// How the pipeline paces itself.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Jobs worked on at once.
    pub workers: usize,
    /// How long a create without an answer may still be carried out.
    pub uncertain: Duration,
    /// Back-off after failures.
    pub retry: Pace,
    /// Looks for the signature.
    pub sign: Pace,
    /// Looks for a label's publishing.
    pub publish: Pace,
    /// Probes of a paused account.
    pub account: Pace,
    /// After so long a wait is worth an alert.
    pub overdue: Overdue,
    /// What folders say of results and of dropped files.
    pub folders: Arc<FolderWays>,
    /// Receipts say that nothing went to Microsoft.
    pub sandbox: bool,
}

impl Settings {
    /// The pace that `[api]` asks for.
    #[must_use]
    pub fn of(api: &Api) -> Self {
        Self {
            workers: api.workers,
            uncertain: api.uncertain,
            retry: api.retry,
            sign: api.poll.sign,
            publish: api.poll.publish,
            account: api.poll.account,
            overdue: api.overdue,
            folders: Arc::default(),
            sandbox: false,
        }
    }
}

/// Judges packages; reception does.
pub trait Judge: Send + Sync {
    /// Inspects the package of a job anew, from where it was found, and says what follows.
    fn judge_anew(&self, job: &Job) -> Vec<Event>;
}

/// Whoever wants to know what happens, besides log, queue and receipt. It must not block.
pub trait Witness: Send + Sync {
    /// Something happened to a job, and it is durable.
    fn told(&self, _job: &Job, _events: &[Event]) {}
    /// An account was paused for this reason, or works again.
    fn account(&self, _name: &str, _paused: Option<&str>) {}
    /// The dispatcher came round.
    fn beat(&self) {}
    /// The configuration was read anew, well or not.
    fn reloaded(&self, _well: bool) {}
}

impl Witness for () {}

/// What all workers share.
pub struct Context<S> {
    /// The queue's memory.
    pub store: Arc<dyn Store>,
    /// Who is next.
    pub queue: Queue,
    /// The Hardware dashboard, by account.
    pub services: BTreeMap<String, S>,
    /// Inspection and rules.
    pub judge: Arc<dyn Judge>,
    /// The captured copies.
    pub depot: Depot,
    /// The emergency brake.
    pub brake: Brake,
    /// Paused accounts.
    pub accounts: Accounts,
    /// Names that are being created.
    pub names: Names,
    /// Products as they were listed last.
    pub listings: Listings,
    /// How long things took at the service.
    pub learnt: Learnt,
    /// Receipts that are being written.
    pub receipts: Receipts,
    /// What time it is.
    pub clock: Clock,
    /// How fast.
    pub settings: Settings,
    /// The last job that something happened to.
    pub news: watch::Sender<Option<JobId>>,
    /// The daemon is ending: no step begins any more.
    pub draining: CancellationToken,
    /// Set when the store failed: the daemon has to end.
    pub broken: watch::Sender<Option<String>>,
    /// Where things that threads ask for are run.
    pub runtime: Handle,
    /// Who else wants to know.
    pub witness: Arc<dyn Witness>,
}

impl<S> Context<S> {
    /// Spreads what happened to a job: log, queue, receipt, and whoever waits for news.
    pub async fn tell(&self, job: &Job, events: &[Event]) {
        for event in events {
            crate::observe::told(job, event);
            // The signed package is back, or nobody wants it any more and nothing was made for it.
            let unwanted = matches!(event, Event::Cancelled { .. }) && job.product == Creation::Open;
            if (unwanted || matches!(event, Event::Collected { .. }))
                && let Err(error) = self.depot.discard_copy(&job.id)
            {
                tracing::warn!(job_id = %job.id, "the captured copy cannot be removed: {error}");
            }
        }
        self.witness.told(job, events);
        self.queue.place(job);
        // What only says that the next thing is begun need not be read by anybody; at a start all are written anew.
        let looks = matches!(job.step, Step::Sign | Step::Publish);
        let passing = |event: &Event| match event {
            // An upload that goes on may take an hour, a look does not.
            Event::Resumed => looks,
            Event::Intended { .. } | Event::CommitIntended => true,
            _ => false,
        };
        if !events.iter().all(passing) {
            self.write_receipt(&job.id).await;
        }
        self.news.send_replace(Some(job.id.clone()));
    }

    /// Lets jobs that the brake put to sleep look again.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn wake_paused(&self) -> Result<(), StoreError> {
        for job in self.store.open_jobs()? {
            if matches!(&job.state, State::Waiting { why, .. } if why == PAUSED) {
                let commit = Commit::of_job(&job.id, job.rev, vec![Event::Resumed]);
                match self.store.commit(commit).answer().await {
                    Ok(jobs) => jobs.iter().for_each(|job| self.queue.place(job)),
                    // It moved by itself.
                    Err(error) if !error.is_fatal() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Pauses an account that the service refuses; gives the time of its next probe.
    pub(super) fn pause_account(&self, account: &str, error: &Error) -> Timestamp {
        let (pace, now) = (self.settings.account, self.clock.now());
        let due = |probes| {
            let delay = pace.first.saturating_mul(2_u32.saturating_pow(probes)).min(pace.max);
            self.clock.after(delay)
        };
        if self.accounts.pause(account, &error.to_string(), now, due) {
            crate::observe::account_paused(account, &error.to_string());
            self.witness.account(account, Some(&error.to_string()));
        }
        self.accounts.paused(account).map_or(now, |paused| paused.probe)
    }

    /// An account works, or works again.
    pub(super) fn resume_account(&self, account: &str) {
        if self.accounts.resume(account) {
            crate::observe::account_resumed(account);
            self.witness.account(account, None);
        }
    }

    /// The outbox folder of a job.
    #[must_use]
    pub fn outbox(&self, job: &Job) -> Outbox {
        let folder = job.package.folder.as_deref().unwrap_or_default();
        Outbox::at(&job.package.outbox, self.settings.folders.mode(folder))
    }

    /// Takes up what the store remembers: the open jobs, and the receipts that a daemon before did not come to write.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn take_up(self: &Arc<Self>) -> Result<usize, StoreError>
    where
        S: Send + Sync + 'static,
    {
        let open = self.store.open_jobs()?;
        open.iter().for_each(|job| self.queue.place(job));
        let context = Arc::clone(self);
        let ids: Vec<_> = open.iter().map(|job| job.id.clone()).collect();
        self.runtime.spawn(async move {
            for id in ids {
                context.write_receipt(&id).await;
            }
            context.write_missing_receipts().await;
        });
        Ok(open.len())
    }

    /// Tries again to write the receipts of ended jobs that could not be written.
    pub async fn write_missing_receipts(&self) {
        match self.store.unreceipted() {
            Ok(ids) => {
                for id in ids {
                    self.write_receipt(&id).await;
                }
            }
            Err(error) => tracing::error!("the store cannot be asked for missing receipts: {error}"),
        }
    }

    /// Rewrites the receipt of a job as it is now; one that cannot be written is told, never in the way.
    pub async fn write_receipt(&self, id: &JobId) {
        let _one_at_a_time = self.receipts.of(id).lock().await;
        let job = match self.store.job(id) {
            Ok(Some(job)) => job,
            Ok(None) => return,
            Err(error) => return tracing::error!(job_id = %id, "the receipt cannot be written: {error}"),
        };
        let outbox = self.outbox(&job);
        let mut receipt = Receipt::of(&job, false);
        receipt.sandbox = self.settings.sandbox;
        let writing = tokio::task::spawn_blocking(move || outbox.write_receipt(&receipt));
        let error = match tokio::time::timeout(HANGS, writing).await {
            Ok(Ok(Ok(()))) => {
                crate::observe::receipt_written(&job);
                return self.receipted(&job).await;
            }
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("the file system did not answer for {} seconds", HANGS.as_secs()),
        };
        crate::observe::receipt_unwritten(&job, &error);
    }

    /// An ended job's receipt need not be written again at the next start.
    async fn receipted(&self, job: &Job) {
        if job.state.has_ended() {
            let entry = Entry::ReceiptWritten { job: job.id.clone(), rev: job.rev };
            if let Err(error) = self.store.commit(Commit::lazily(vec![entry])).answer().await {
                tracing::debug!(job_id = %job.id, "the receipt will be written once more: {error}");
            }
        }
    }
}
