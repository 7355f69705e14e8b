//! Folders, store and service, which outlive a daemon, and the daemons that run in them one after the other.

mod daemon;
mod invariants;
mod remembered;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::crash_points::{CrashPoint, CrashSwitch, Side};
use super::crashing_store::CrashingStore;
use super::fake_service::FakeService;
use super::fixtures::{PROVIDER, RuleOptions, SIGNED, configuration, fixture, sha256};
use crate::accounts;
use crate::admission::{ActiveConfig, Admission};
use crate::observe::{Activities, Heartbeat, Heartbeats};
use crate::operations::JobService;
use crate::package_store::PackageStore;
use crate::pipeline::{
    Clock, JobEvents, PackageInspector, PauseGate, Pipeline, PipelineParts, Queue, ReceiptWriter, Settings,
    forget_ended,
};
use daemon::{Daemon, NoActiveJobs, Operator};
pub(super) use daemon::{OperatorAction, an_operator};
use dropship_config::Environment;
use dropship_job::{Event, Job, RemoteId};
use dropship_store::{DeviceQuery, Filter, HardwareIds, MemoryStore, NewestLabels, Store};

/// The state that outlives a daemon: folders, store, service and clock.
pub(super) struct Simulation {
    home: tempfile::TempDir,
    memory: Arc<MemoryStore>,
    pub(super) crash: Arc<CrashSwitch>,
    pub(super) service: FakeService,
    clock: Clock,
    config_file: PathBuf,
    /// Products that are not of dropship.
    foreign_products: BTreeSet<RemoteId>,
    /// A crash is a power cut: commits that were not synced are lost, and what was deleted stays deleted.
    pub(super) power_cuts: bool,
    /// Ended jobs older than this are pruned once a daemon is idle.
    pub(super) keep: Option<Duration>,
}

impl Simulation {
    /// An empty simulation with tokio's clock. Its folders are in memory where the machine has `/dev/shm`.
    pub(super) fn new() -> Self {
        Self::with(RuleOptions::default())
    }

    /// The same with optional features of the rule.
    pub(super) fn with(options: RuleOptions) -> Self {
        let shm = Path::new("/dev/shm");
        let home = tempfile::Builder::new().prefix("dropship").tempdir_in(shm);
        let home = home.or_else(|_| tempfile::tempdir()).expect("a folder");
        let crash = Arc::new(CrashSwitch::new());
        fs::create_dir(home.path().join("drop")).expect("a drop folder");
        fs::create_dir(home.path().join("store")).expect("a store");
        let config_file = home.path().join("dropship.toml");
        fs::write(&config_file, configuration(home.path(), options)).expect("a configuration");
        let service = FakeService::new(Arc::clone(&crash), SIGNED.clone());
        let clock = Clock::tokio(jiff::Timestamp::now());
        Self {
            home,
            memory: Arc::default(),
            crash,
            service,
            clock,
            config_file,
            foreign_products: BTreeSet::new(),
            power_cuts: false,
            keep: None,
        }
    }

    fn store(&self) -> Arc<dyn Store> {
        self.store_of(None)
    }

    fn store_of(&self, operators_clock: Option<Clock>) -> Arc<dyn Store> {
        let (memory, crash) = (Arc::clone(&self.memory), Arc::clone(&self.crash));
        Arc::new(CrashingStore { memory, crash, operators_clock })
    }

    fn drop_path(&self, name: &str) -> PathBuf {
        self.home.path().join("drop").join(format!("{name}.cab"))
    }

    /// Drops a fixture under a name, as a build server does.
    pub(super) fn drop_package(&self, name: &str, bytes_of: &str) {
        self.drop_bytes(name, &fixture(&format!("cab/{bytes_of}.cab")));
    }

    /// Drops a package with these bytes.
    pub(super) fn drop_bytes(&self, name: &str, bytes: &[u8]) {
        let staged = self.home.path().join("drop/staged.part");
        fs::write(&staged, bytes).expect("a copy");
        fs::rename(&staged, self.drop_path(name)).expect("a rename");
    }

    /// Creates a foreign product with the name that dropship would use for this package.
    pub(super) fn create_foreign_product(&mut self, name: &str) {
        let id = self.service.create_foreign_product(&format!("{PROVIDER} {name}"));
        self.foreign_products.insert(id);
    }

    /// Digests of the files in the drop folder.
    fn files_in_drop_folder(&self) -> BTreeSet<String> {
        let items = fs::read_dir(self.home.path().join("drop")).expect("the folder").flatten();
        items.map(|item| sha256(&fs::read(item.path()).expect("a file"))).collect()
    }

    /// Removes a dropped file.
    pub(super) fn remove_package(&self, name: &str) {
        let _was_there = fs::remove_file(self.drop_path(name)).is_ok();
    }

    /// Starts a daemon on the present store.
    fn start(&self) -> Daemon {
        let store = self.store();
        let packages =
            PackageStore::open(&self.home.path().join("store")).expect("packages").keeping_free(Some(0));
        let config = dropship_config::load(&self.config_file, &Environment::default())
            .unwrap_or_else(|report| panic!("{report}"));
        let mut settings = Settings::of(&config.api);
        settings.workers = 3;
        let policy = accounts::policy(&config).expect("a policy");
        let active = ActiveConfig { policy, outbox: self.home.path().join("store/outbox"), config };
        let queue = Arc::new(Queue::default());
        let receipts = ReceiptWriter::new(
            Arc::clone(&store),
            packages.clone(),
            Arc::clone(&settings.folders),
            crate::outbox::Ownership::default(),
        );
        let receipts = Arc::new(receipts);
        let events =
            JobEvents::new(Arc::clone(&queue), packages.clone(), Arc::clone(&receipts), Arc::new(()));
        let events = Arc::new(events);
        let admission = Admission::new(Arc::clone(&store), packages.clone(), active, Arc::clone(&events));
        let admission = Arc::new(admission);
        admission.discard_leftovers(&admission.captured().expect("listed")).expect("deleted");
        // A component that is not watched wakes up four times a second: in days of virtual time, most of the test.
        let heartbeat = Heartbeat::default();
        Heartbeats::new(None).watch("pipeline", &heartbeat);
        let pipeline = Pipeline::new(PipelineParts {
            pause: Arc::new(PauseGate::remembered(&*store).expect("pauses")),
            accounts: Arc::default(),
            services: BTreeMap::from([("default".to_owned(), self.service.clone())]),
            inspector: Arc::clone(&admission) as Arc<dyn PackageInspector>,
            clock: self.clock,
            shutdown: CancellationToken::new(),
            heartbeat,
            polls: Activities::default(),
            store,
            queue,
            events,
            receipts,
            packages,
            settings,
        });
        let pipeline = Arc::new(pipeline.expect("a pipeline"));
        pipeline.recover().expect("recovered");
        Daemon { pipeline, admission }
    }

    /// Runs a daemon until it is idle or crashes; returns where it crashed.
    pub(super) async fn run_daemon(&self, operator: Operator<'_>) -> Option<(CrashPoint, Side)> {
        let daemon = self.start();
        let work = async {
            tokio::join!(super::super::worker::run(Arc::clone(&daemon.pipeline)), async {
                daemon.scan().await;
                daemon.wait_until_idle(operator).await;
                if let Some(keep) = self.keep {
                    let _crashed = forget_ended(&daemon.pipeline, keep).await.is_err();
                }
                daemon.pipeline.shutdown.cancel();
            });
        };
        tokio::select! {
            biased;
            () = self.crash.crashed() => {}
            () = work => {}
        }
        drop(daemon);
        // Virtual time does not advance before every blocking call of the crashed daemon has ended.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let crash = self.crash.reset();
        if self.power_cuts && crash.is_some() {
            self.memory.cut(self.crash.surviving_commits()).expect("the commits before the cut");
        }
        crash
    }

    /// Runs daemons until one is idle; returns where the others crashed.
    pub(super) async fn run_until_idle(&self, operator: Operator<'_>) -> Vec<(CrashPoint, Side)> {
        let mut crashes = Vec::new();
        while let Some(crash) = self.run_daemon(operator).await {
            crashes.push(crash);
            let lost = self.lost_copies();
            assert!(lost.is_empty(), "{lost:?} after {crashes:?}");
            assert!(crashes.len() < 100, "every daemon crashes: {crashes:?}");
        }
        crashes
    }

    /// Runs a daemon for some time, then kills it or shuts it down; returns where it crashed before.
    pub(super) async fn run_daemon_for(
        &self,
        span: Duration,
        is_graceful: bool,
    ) -> Option<(CrashPoint, Side)> {
        let daemon = self.start();
        let work = async {
            tokio::join!(super::super::worker::run(Arc::clone(&daemon.pipeline)), daemon.scan(), async {
                tokio::time::sleep(span).await;
                if is_graceful {
                    daemon.pipeline.shutdown.cancel();
                }
            });
        };
        let kill = async {
            tokio::time::sleep(span).await;
            if is_graceful {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = self.crash.crashed() => {}
            () = kill => {}
            () = work => {}
        }
        drop(daemon);
        tokio::time::sleep(Duration::from_secs(5)).await;
        self.crash.reset()
    }

    /// All jobs, oldest first.
    pub(super) fn jobs(&self) -> Vec<Job> {
        let mut jobs = self.memory.jobs(&Filter::default()).expect("jobs");
        jobs.reverse();
        jobs
    }

    /// Acts on the store as the control socket does while no daemon runs.
    pub(super) fn job_service(&self) -> JobService {
        let packages = PackageStore::for_reading(&self.home.path().join("store"));
        JobService::new(self.store_of(Some(self.clock)), packages, Arc::new(NoActiveJobs), false)
    }

    /// The number of approvals in the history of a job.
    pub(super) fn approvals(&self, job: &Job) -> usize {
        let history = self.memory.history(job.id()).expect("a history");
        history.iter().filter(|entry| matches!(entry.event, Event::Approved { .. })).count()
    }

    /// Ids of the labels that the store knows as published.
    pub(super) fn published_labels(&self) -> BTreeSet<RemoteId> {
        let all = DeviceQuery { hardware_ids: HardwareIds::Matching("", &|_| true), os: &|_| true };
        let mut labels = NewestLabels::of(&*self.memory, all).expect("devices");
        std::iter::from_fn(|| labels.next().expect("a label")).collect()
    }

    /// Ids that dropship reported as late duplicates.
    pub(super) fn late_duplicates(&self) -> BTreeSet<RemoteId> {
        let histories =
            self.jobs().into_iter().flat_map(|job| self.memory.history(job.id()).expect("a history"));
        let late_duplicates = histories.filter_map(|entry| match entry.event {
            Event::DuplicatesChecked { ids, unproven, .. } => Some([ids, unproven].concat()),
            _ => None,
        });
        late_duplicates.flatten().collect()
    }
}

/// Runs with paused virtual time.
pub(super) fn in_paused_time<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().expect("a runtime").block_on(test)
}
