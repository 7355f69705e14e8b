//! The folders that are on this node only, while it stands by. It accepts their packages into the shared storage and creates the jobs,
//! which the active node processes, and copies the results to their outboxes.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::attention::{AttentionItem, AttentionKind};
use crate::daemon::observers::{FolderObserver, JobFollowers};
use crate::metrics::Metrics;
use crate::package_objects;
use crate::store_binding::refuse_copy;
use crate::web::JobRows;
use dropship_config::model::Config;
use dropship_engine::accounts;
use dropship_engine::admission::{ActiveConfig, Admission, FileStanding};
use dropship_engine::package_store::PackageStore;
use dropship_engine::pipeline::{
    AdmissionLoad, Deliveries, FolderPolicies, JobEvents, OwnInspections, PauseGate, Queue, ReceiptWriter,
    SuspendedAccounts, concerns_pauses,
};
use dropship_intake::{FolderState, Intake};
use dropship_job::Job;
use dropship_redact::Escaped;
use dropship_store::{Entry, SharedStore, Store, StoreError};

/// Maximum time in which running work ends when this node takes over. Interrupted work is harmless: packages are offered again,
/// results are copied again.
const MAX_ENDING: Duration = Duration::from_secs(5);

/// Maximum time for the active node to create its folder, and for the storage to be mounted.
const MAX_MOUNTING: Duration = Duration::from_secs(20);

/// The folders, and what happens to their files.
pub(crate) struct OwnFolders {
    config: Arc<ActiveConfig>,
    admission: Arc<Admission>,
    packages: PackageStore,
    intake: Intake,
    deliveries: Arc<Deliveries>,
    jobs: OwnJobs,
    /// Counts lost files.
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
    tasks: parking_lot::Mutex<Vec<JoinHandle<()>>>,
}

impl OwnFolders {
    /// Watches the folders of this node, if it has some. `rows` are the packages of the pages, if pages are served. Does nothing if
    /// the store may not be changed.
    ///
    /// # Errors
    /// When the shared storage cannot be used, or the store cannot be read.
    pub(crate) async fn start(
        store: &Arc<SharedStore>,
        config: &Config,
        rows: Option<Arc<JobRows>>,
    ) -> anyhow::Result<Option<Arc<Self>>> {
        let own: Vec<_> = config.own_folders().cloned().collect();
        if own.is_empty() || refuse_copy(&**store, config).is_err() {
            return Ok(None);
        }
        if config.store.objects().is_none() {
            wait_for_storage(config.store.packages()).await?;
        }
        let commits = store.follow();
        let dyn_store = Arc::clone(store) as Arc<dyn Store>;
        let packages = package_objects::open(&config.store).await?;
        let folders = Arc::new(FolderPolicies::default());
        folders.replace(&config.folders, config.store.node());
        let ownership = accounts::ownership(config, false);
        let (receipt_packages, delivery_packages) = (packages.clone(), packages.clone());
        let receipts = ReceiptWriter::new(
            Arc::clone(&dyn_store),
            receipt_packages,
            Arc::clone(&folders),
            ownership.clone(),
        );
        let deliveries = Deliveries::new(
            Arc::clone(&dyn_store),
            delivery_packages,
            Arc::clone(&folders),
            ownership.clone(),
        );
        let deliveries = Arc::new(deliveries);
        let queue = Arc::new(Queue::default());
        let observer = Arc::new(JobFollowers { deliveries: Arc::clone(&deliveries), rows });
        let events =
            JobEvents::new(Arc::clone(&queue), packages.clone(), Arc::new(receipts.elsewhere()), observer);
        let events = Arc::new(events);

        let pause = Arc::new(PauseGate::remembered(&*dyn_store)?);
        let load =
            AdmissionLoad::new(Arc::clone(&queue), Arc::clone(&pause), Arc::<SuspendedAccounts>::default());
        let (policy, outbox) = (accounts::policy(config)?, config.store.path.join("outbox"));
        let active = ActiveConfig { policy, outbox, config: config.clone() };
        let admission = Admission::new(Arc::clone(&dyn_store), packages.clone(), active, Arc::clone(&events));
        let admission = admission.with_ownership(ownership).standing_by();
        let admission = Arc::new(admission.with_limit(Box::new(load), config.store.most_waiting));

        let shutdown = CancellationToken::new();
        let metrics = Arc::new(Metrics::default());
        own.iter().for_each(|folder| metrics.add_folder(&folder.name));
        let observer = Arc::new(FolderObserver::new(Arc::clone(&metrics)));
        let inspector = Arc::clone(&admission) as _;
        let inspections =
            OwnInspections::new(Arc::clone(&dyn_store), folders, events, inspector, config.api.retry);
        let inspections = Arc::new(inspections);
        let jobs =
            OwnJobs { queue, deliveries: Arc::clone(&deliveries), inspections: Arc::clone(&inspections) };
        let follower = CommitFollower { store: dyn_store, pause, jobs: jobs.clone() };
        follower.store.open_jobs()?.iter().for_each(|job| {
            jobs.queue.upsert(job);
            jobs.inspections.request(job);
        });
        let intake = Intake::start(own, Arc::clone(&admission) as _, observer, &shutdown)?;
        let tasks = vec![
            tokio::spawn(follower.run(commits)),
            tokio::spawn(Arc::clone(&deliveries).run(shutdown.clone())),
            tokio::spawn(inspections.run(shutdown.clone())),
        ];
        let (config, tasks) = (admission.active(), parking_lot::Mutex::new(tasks));
        Ok(Some(Arc::new(Self {
            config,
            admission,
            packages,
            intake,
            deliveries,
            jobs,
            metrics,
            shutdown,
            tasks,
        })))
    }

    /// Stops watching, because this node takes over or ends.
    pub(crate) async fn end(&self) {
        self.shutdown.cancel();
        self.admission.cancel_inspections();
        let mut tasks = std::mem::take(&mut *self.tasks.lock()).into_iter();
        // The first task follows the store, and would end only with it.
        tasks.next().inspect(JoinHandle::abort);
        let ending = async {
            self.intake.stop().await;
            for task in tasks {
                drop(task.await);
            }
        };
        if tokio::time::timeout(MAX_ENDING, ending).await.is_err() {
            tracing::warn!("work on the folders of this node did not end within {} s", MAX_ENDING.as_secs());
        }
    }

    /// Follows a change of a job that this node has committed.
    pub(super) fn on_change(&self, job: &Job) {
        self.jobs.on_change(job);
    }

    pub(super) fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    pub(super) fn intake(&self) -> &Intake {
        &self.intake
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The folders, and whether results can be written to their outboxes.
    pub(super) fn outboxes(&self) -> Vec<(String, bool)> {
        let failed = self.deliveries.failed();
        let is_writable = |outbox: &Path| failed.iter().all(|failed| failed.outbox != outbox);
        let own = self.config.config.own_folders();
        own.filter_map(|folder| Some((folder.name.clone(), is_writable(&folder.on_node.as_ref()?.outbox))))
            .collect()
    }

    /// What needs attention in the folders, their outboxes and the shared storage.
    pub(super) fn trouble(&self) -> Vec<AttentionItem> {
        let folders = self.intake.health().into_iter().filter_map(|folder| {
            let why = folder.reason.filter(|_| folder.state == FolderState::Degraded)?;
            let message = format!("folder `{}`: {}", folder.name, Escaped(&why));
            Some((AttentionKind::FolderDegraded, folder.name, message))
        });
        let outboxes = self.deliveries.failed().into_iter().map(|failed| {
            let outbox = failed.outbox.display().to_string();
            (AttentionKind::OutboxUnwritable, outbox, Escaped(&failed.why).to_string())
        });
        let storage = self.packages.away().map(|(place, why)| {
            let message =
                format!("the storage of captured packages {place} does not respond: {}", Escaped(&why));
            (AttentionKind::PackageStorageAway, "store".to_owned(), message)
        });
        let item = |(kind, object, message): (AttentionKind, String, String)| {
            let (since, severity) = (Timestamp::now(), kind.info().severity);
            AttentionItem { kind, object, message, since, severity }
        };
        folders.chain(outboxes).chain(storage).map(item).collect()
    }

    /// Whether a folder of this name is on this node only.
    pub(super) fn contains(&self, folder: &str) -> bool {
        self.config.config.own_folders().any(|own| own.name == folder)
    }

    /// The state of a file, unless it is in a folder that another node watches.
    pub(super) fn file_standing(&self, path: &Path) -> Result<Option<FileStanding>, StoreError> {
        let standing = self.admission.file_standing(path)?;
        Ok(standing.folder.as_deref().is_none_or(|folder| self.contains(folder)).then_some(standing))
    }
}

/// Waits for the folder that the active node has created in the shared storage. If the folder is missing, the storage is not
/// mounted: files written to its path would be on the local disk, where no other node finds them.
async fn wait_for_storage(storage: &Path) -> anyhow::Result<()> {
    let (folder, started) = (storage.join("packages"), Instant::now());
    while !folder.is_dir() {
        if started.elapsed() > MAX_MOUNTING {
            anyhow::bail!(
                "[store] packages: {} has nothing of the active node; mount the storage that all nodes share there",
                storage.display()
            );
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

impl Drop for OwnFolders {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.admission.cancel_inspections();
    }
}

/// Acts on changes of jobs, in the folders of this node.
#[derive(Clone)]
struct OwnJobs {
    /// Counts the jobs that have not started. No worker takes any from it.
    queue: Arc<Queue>,
    deliveries: Arc<Deliveries>,
    inspections: Arc<OwnInspections>,
}

impl OwnJobs {
    fn on_change(&self, job: &Job) {
        self.queue.upsert(job);
        self.deliveries.request(job);
        self.inspections.request(job);
    }
}

/// Follows the commits of other nodes that concern the folders of this node.
struct CommitFollower {
    store: Arc<dyn Store>,
    pause: Arc<PauseGate>,
    jobs: OwnJobs,
}

impl CommitFollower {
    async fn run(self, mut commits: UnboundedReceiver<Vec<Entry>>) {
        while let Some(entries) = commits.recv().await {
            if entries.iter().any(concerns_pauses)
                && let Err(error) = self.pause.follow(&*self.store).await
            {
                tracing::error!("cannot follow the pauses of another node: {error}");
            }
            for entry in &entries {
                let id = match entry {
                    Entry::Job { job, .. } => job,
                    Entry::Snapshot { job, .. } => job.id(),
                    _ => continue,
                };
                match self.store.job(id) {
                    Ok(Some(job)) => self.jobs.on_change(&job),
                    Ok(None) => {}
                    Err(error) => tracing::error!(job_id = %id, "cannot read job {id}: {error}"),
                }
            }
        }
    }
}
