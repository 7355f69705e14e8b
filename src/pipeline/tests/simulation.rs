//! Folders, store and service, which outlive a daemon; the daemons that run in them one after the other; and the
//! invariants that must hold at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::crash_points::{CrashPoint, CrashSwitch, Side};
use super::crashing_store::CrashingStore;
use super::fake_service::{FakeService, PROCESSING_TIME};
use super::fixtures::{PROVIDER, RuleOptions, SIGNED, configuration, fixture, sha256};
use crate::admission::{ActiveConfig, Admission};
use crate::config::model::Folder;
use crate::config::{self, Environment};
use crate::control;
use crate::control::{
    ActiveJobs, Approval, ControlError, ControlErrorKind, JobAction, JobService, LabelPlanner,
};
use crate::observe::{Activities, Heartbeat, Heartbeats};
use crate::package_store::PackageStore;
use crate::pipeline::audit::{self, Turn};
use crate::pipeline::{
    Clock, JobEvents, PackageInspector, Parts, PauseGate, Pipeline, Queue, ReceiptWriter, Service as _,
    Settings, forget_ended, note,
};
use crate::service_id::ServiceId;
use crate::{accounts, outbox};
use dropship_hardware::{LabelId, ProductId, SubmissionId};
use dropship_intake::{Admitted, FileReceiver, FoundFile, Identity};
use dropship_job::{Event, Job, JobId, Label, LabelStage, RemoteId, State, Step, UploadProgress};
use dropship_shared_folder::Progress;
use dropship_store::{
    Commit, DeviceQuery, Entry, Filter, HardwareIds, MemoryStore, NewestLabels, PublishedLabel, Reads, Store,
};

/// Every scenario ends within this virtual time.
const TIME_LIMIT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Between the publishing of the first label and the creation of the second.
const SOAK: Duration = Duration::from_secs(2 * 3600);

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

/// A running daemon.
struct Daemon {
    pipeline: Arc<Pipeline<FakeService>>,
    admission: Arc<Admission>,
}

/// An act of the operator.
pub(super) enum OperatorAction {
    /// Act on the job.
    Act(JobAction),
    /// Withdraw the labels that are not published.
    Withdraw,
    /// Edit a label, then approve the job.
    Edit,
    /// Withdraw the first label without dropship.
    WithdrawElsewhere,
}

/// Chooses the act of the operator on a job that no worker is running.
pub(super) type Operator<'a> = &'a mut dyn FnMut(&Job) -> Option<OperatorAction>;

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
        Arc::new(CrashingStore { memory: Arc::clone(&self.memory), crash: Arc::clone(&self.crash) })
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
        let config = config::load(&self.config_file, &Environment::default())
            .unwrap_or_else(|report| panic!("{report}"));
        let mut settings = Settings::of(&config.api);
        settings.workers = 3;
        let policy = accounts::policy(&config).expect("a policy");
        let active = ActiveConfig { policy, outbox: self.home.path().join("store/outbox"), config };
        let queue = Arc::new(Queue::default());
        let receipts = ReceiptWriter::new(
            Arc::clone(&store),
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
        let pipeline = Pipeline::new(Parts {
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
            tokio::join!(super::super::run(Arc::clone(&daemon.pipeline)), async {
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
    pub(super) async fn run_daemon_for(&self, span: Duration, drained: bool) -> Option<(CrashPoint, Side)> {
        let daemon = self.start();
        let work = async {
            tokio::join!(super::super::run(Arc::clone(&daemon.pipeline)), daemon.scan(), async {
                tokio::time::sleep(span).await;
                if drained {
                    daemon.pipeline.shutdown.cancel();
                }
            });
        };
        let kill = async {
            tokio::time::sleep(span).await;
            if drained {
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

    /// Writes copies of the only job to the store: other packages of the same driver, each with its objects, its file and its
    /// published labels. Half of them are of an older version, for other devices.
    pub(super) async fn remember_copies_of_the_first_job(&self, count: u64) {
        let job = self.jobs().pop().expect("a job");
        let events = self.memory.history(job.id()).expect("its story").into_iter().map(|entry| entry.event);
        let entry = Entry::Job { job: job.id().clone(), rev: 0, events: events.collect() };
        let mut entries = vec![entry];
        for id in job.labels().iter().filter_map(Label::id) {
            let known = self.memory.published_label(id).expect("read").expect("a published label");
            let targets = self.memory.targets_of_label(id).expect("its targets");
            entries.push(Entry::LabelPublished { label: Box::new(PublishedLabel { targets, ..known }) });
            let check = self.memory.label_check(id).expect("read").expect("a check");
            entries.push(Entry::LabelChecked { label: id, check });
        }
        let text = serde_json::to_string(&entries).expect("JSON");
        let package = job.package();
        let path = package.path.clone().expect("a path");
        let remotes: Vec<_> = [job.product().id(), job.submission().id()]
            .into_iter()
            .chain(job.labels().iter().map(Label::id))
            .flatten()
            .collect();
        for number in 0..count {
            let digest = sha256(&number.to_be_bytes());
            let id = JobId::new(1_600_000_000_000 + number, 0);
            let mut text = text
                .replace(job.id().as_str(), id.as_str())
                .replace(&package.sha256, &digest)
                .replace(job.content().expect("its content"), &sha256(digest.as_bytes()))
                .replace(&path, &format!("{path}-{number}.cab"));
            // As whole values: the digits of a time may contain those of an id.
            for (place, remote) in (0..).zip(&remotes) {
                let copy = 500_000 + number * 10 + place;
                for (before, after) in [(":", ","), (":", "}"), ("\"", "\""), ("[", ","), ("[", "]")] {
                    text =
                        text.replace(&format!("{before}{remote}{after}"), &format!("{before}{copy}{after}"));
                }
            }
            if number % 2 == 1 {
                text = text.replace("dev_1", &format!("dev_{number:05}")).replace("1.0.0.0", "0.9.0.0");
            }
            let mut entries: Vec<Entry> = serde_json::from_str(&text).expect("entries");
            entries.push(Entry::KnownFile {
                folder: package.folder.clone().expect("a folder"),
                path: format!("{path}-{number}.cab"),
                identity: digest.clone(),
                sha256: digest,
                job: id.clone(),
            });
            entries.push(Entry::ReceiptWritten { job: id, rev: job.rev() });
            self.memory.commit(Commit::new(entries)).committed().await.expect("committed");
        }
    }

    /// Drops one package, lets a daemon carry it to its end, and returns what was read for it.
    pub(super) async fn reads_of_package(&self, name: &str, bytes_of: &str) -> Reads {
        let daemon = self.start();
        let known = self.jobs().len();
        let before = self.memory.reads();
        self.drop_package(name, bytes_of);
        let path = self.drop_path(name);
        let work = async {
            assert!(daemon.offer(path).await, "the package is received");
            while !daemon.pipeline.queue.is_empty() || daemon.pipeline.queue.running() > 0 {
                tokio::time::sleep(Duration::from_secs(61)).await;
            }
            daemon.pipeline.shutdown.cancel();
        };
        tokio::join!(super::super::run(Arc::clone(&daemon.pipeline)), work);
        let after = self.memory.reads();
        let jobs = self.jobs();
        let job = jobs.iter().find(|job| job.package().name == format!("{name}.cab")).expect("its job");
        assert_eq!((jobs.len(), job.state()), (known + 1, &State::Succeeded));
        Reads {
            lookups: after.lookups - before.lookups,
            pairs: after.pairs - before.pairs,
            bytes: after.bytes - before.bytes,
        }
    }

    /// All jobs, oldest first.
    pub(super) fn jobs(&self) -> Vec<Job> {
        let mut jobs = self.memory.jobs(&Filter::default()).expect("jobs");
        jobs.reverse();
        jobs
    }

    /// Acts on the store as the control socket does while no daemon runs.
    pub(super) fn job_service(&self) -> JobService {
        JobService::new(self.store(), Arc::new(NoActiveJobs), false)
    }

    /// Jobs whose captured copy is missing before the upload (I1).
    fn lost_copies(&self) -> Vec<String> {
        let packages = PackageStore::open(&self.home.path().join("store")).expect("packages");
        let jobs = self.jobs().into_iter();
        let needs =
            jobs.filter(|job| job.is_accepted() && !job.state().has_ended() && job.step() <= Step::Upload);
        needs
            .filter(|job| !packages.package(job.id()).exists())
            .map(|job| format!("{} lost its copy", job.id()))
            .collect()
    }

    /// The violated invariants once the daemon is idle; `dropped` are the digests of all packages ever dropped.
    pub(super) fn violations(&self, dropped: &BTreeSet<String>) -> Vec<String> {
        let mut wrong = self.lost_copies();
        let jobs = self.jobs();
        let found: BTreeSet<_> = jobs.iter().map(|job| job.package().sha256.clone()).collect();
        if jobs.len() != found.len() {
            wrong.push(format!("I1: {} jobs for {} packages", jobs.len(), found.len()));
        }
        wrong.extend(found.difference(dropped).map(|sha256| format!("I1: {sha256} was never dropped")));
        wrong.extend(
            self.files_in_drop_folder().difference(&found).map(|sha256| format!("I1: {sha256} has no job")),
        );
        let remote = self.service.state();
        let late_duplicates = self.late_duplicates();
        let owner = |id: RemoteId| self.memory.owner(id).expect("an owner").filter(|_| true);
        let all = remote.products.keys().chain(remote.submissions.keys()).chain(remote.labels.keys());
        for id in all.filter(|id| owner(**id).is_none() && !late_duplicates.contains(id)) {
            let doubted = jobs.iter().any(|job| !job.state().has_ended() && job.doubt().is_some());
            if !doubted && !self.foreign_products.contains(id) {
                wrong.push(format!("I2: {id} at the service belongs to no job"));
            }
        }
        for (id, sent) in &remote.submissions {
            let Some(job) = owner(*id).and_then(|id| jobs.iter().find(|job| *job.id() == id)) else {
                continue;
            };
            let has_uploaded = job.upload() != UploadProgress::Open;
            let differs = sent.uploaded.as_ref().is_some_and(|sha256| *sha256 != job.package().sha256);
            if has_uploaded && differs {
                wrong.push(format!("I5: {id} holds other bytes than job {} has", job.id()));
            }
        }
        for (id, label) in &remote.labels {
            let Some(job) = owner(*id).and_then(|id| jobs.iter().find(|job| *job.id() == id)) else {
                continue;
            };
            if !job.labels().iter().any(|asked| asked.name() == label.name) {
                wrong.push(format!("label {id} `{}` was not asked for", label.name));
            }
        }
        drop(remote);
        for job in &jobs {
            wrong.extend(self.job_violations(job));
        }
        wrong
    }

    fn job_violations(&self, job: &Job) -> Vec<String> {
        let mut wrong = Vec::new();
        if !job.duplicate_checks().is_empty() {
            wrong.push(format!(
                "no late check ran for the creates of {}: {:?}",
                job.id(),
                job.duplicate_checks()
            ));
        }
        if !job.pending_withdrawals().is_empty() {
            wrong.push(format!("labels of {} are not withdrawn: {:?}", job.id(), job.pending_withdrawals()));
        }
        if *job.state() == State::Cancelled {
            let remote = self.service.state();
            let labels = remote.labels.iter().filter(|(_, label)| label.submission == job.submission().id());
            let published = |id: RemoteId| {
                let own = job.labels().iter().filter_map(Label::remote);
                let mut all = own.chain(job.strays().iter().map(|stray| &stray.remote));
                all.any(|label| label.id == id && matches!(label.stage, LabelStage::Published { .. }))
            };
            let left = labels.filter(|(id, label)| !label.cancelled && !label.refused && !published(**id));
            wrong
                .extend(left.map(|(id, _)| format!("label {id} of the cancelled job {} goes out", job.id())));
        }
        if !job.state().has_ended() && !matches!(job.state(), State::Held { .. }) {
            wrong.push(format!(
                "I4: job {} is {} and no worker continues it",
                job.id(),
                job.state().kind().as_str()
            ));
        }
        let story = self.memory.history(job.id()).expect("a story");
        let events = || story.iter().map(|entry| (entry.at, &entry.event));
        match dropship_job::fold(job.id(), events()) {
            Ok(Some(again)) if again == *job => {}
            other => wrong.push(format!("I3: the story of {} folds to something else: {other:?}", job.id())),
        }
        let published = |name: &str| {
            job.labels().iter().find(|label| label.name().ends_with(name)).and_then(Label::live_at)
        };
        if let (Some(ring), Some(wide)) = (published("ring"), published("wide")) {
            let between = Duration::try_from(wide.duration_since(ring)).unwrap_or_default();
            if between < SOAK + PROCESSING_TIME {
                wrong.push(format!("the second label of {} came {between:?} after the first", job.id()));
            }
        }
        let receipt = Path::new(&job.package().outbox).join(outbox::RECEIPT);
        let receipt: Value =
            fs::read(&receipt).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        if receipt["state"] != job.state().kind().as_str() {
            wrong.push(format!(
                "the receipt of {} says {}, not {}",
                job.id(),
                receipt["state"],
                job.state().kind().as_str()
            ));
        }
        wrong
    }

    /// The number of approvals in the history of a job.
    pub(super) fn approvals(&self, job: &Job) -> usize {
        let story = self.memory.history(job.id()).expect("a story");
        story.iter().filter(|entry| matches!(entry.event, Event::Approved { .. })).count()
    }

    /// Ids of the labels that the store knows as published.
    pub(super) fn published_labels(&self) -> BTreeSet<RemoteId> {
        let all = DeviceQuery { hardware_ids: HardwareIds::Matching("", &|_| true), os: &|_| true };
        let mut labels = NewestLabels::of(&*self.memory, all).expect("devices");
        std::iter::from_fn(|| labels.next().expect("a label")).collect()
    }

    /// Ids that dropship reported as late duplicates.
    pub(super) fn late_duplicates(&self) -> BTreeSet<RemoteId> {
        let stories = self.jobs().into_iter().flat_map(|job| self.memory.history(job.id()).expect("a story"));
        let late_duplicates = stories.filter_map(|entry| match entry.event {
            Event::DuplicatesChecked { ids, unproven, .. } => Some([ids, unproven].concat()),
            _ => None,
        });
        late_duplicates.flatten().collect()
    }
}

impl Daemon {
    /// Scans the drop folder as intake does.
    async fn scan(&self) {
        let (admission, active) = (Arc::clone(&self.admission), self.admission.active());
        let scanned = tokio::task::spawn_blocking(move || {
            let folder = &active.config.folders[0];
            let mut items: Vec<_> = fs::read_dir(&folder.path).expect("the folder").flatten().collect();
            items.sort_by_key(fs::DirEntry::file_name);
            if items.iter().all(|item| offer(&admission, folder, &item.path())) {
                admission.on_scan_complete(&folder.name);
            }
        });
        scanned.await.expect("a scan");
    }

    /// Offers one file as intake does after an event; false if it is not received.
    async fn offer(&self, path: PathBuf) -> bool {
        let (admission, active) = (Arc::clone(&self.admission), self.admission.active());
        let offered = move || offer(&admission, &active.config.folders[0], &path);
        tokio::task::spawn_blocking(offered).await.expect("an answer")
    }

    /// Returns when the queue is empty, no worker runs, and the operator has nothing to do.
    async fn wait_until_idle(&self, operator: Operator<'_>) {
        let began = tokio::time::Instant::now();
        loop {
            let is_auditing = self.run_audit().await;
            let is_operating = self.run_operator(operator).await;
            let is_working = !self.pipeline.queue.is_empty() || self.pipeline.queue.running() > 0;
            if !is_auditing && !is_operating && !is_working {
                return;
            }
            tokio::time::sleep(Duration::from_secs(61)).await;
            assert!(
                began.elapsed() < TIME_LIMIT,
                "the daemon is never idle: {:#?}",
                self.pipeline.store.open_jobs()
            );
        }
    }

    /// Compares the published labels that are due with the service; true if there was one.
    async fn run_audit(&self) -> bool {
        let mut done = false;
        while !self.pipeline.settings.audit.is_zero()
            && matches!(audit::turn(&self.pipeline).await, Ok(Turn::Done))
        {
            done = true;
        }
        done
    }

    /// Lets the operator act on each job that no worker runs; true if there was an act.
    async fn run_operator(&self, operator: Operator<'_>) -> bool {
        let mut jobs = self.pipeline.store.jobs(&Filter::default()).expect("jobs");
        jobs.reverse();
        let job_service = JobService::new(
            Arc::clone(&self.pipeline.store),
            Arc::new(DaemonJobs(Arc::clone(&self.pipeline))),
            false,
        );
        let mut done = false;
        jobs.retain(|job| !self.pipeline.queue.is_running(job.id()));
        for job in jobs {
            let Some(action) = operator(&job) else { continue };
            done = true;
            let (store, by) = (&*self.pipeline.store, "the operator");
            let person = an_operator(job.rev());
            match action {
                OperatorAction::WithdrawElsewhere => {
                    let id = job.labels().first().and_then(Label::id).expect("the label exists");
                    if let Some(label) = self.service().state().labels.get_mut(&id) {
                        label.cancelled = true;
                    }
                }
                OperatorAction::Withdraw => self.withdraw_by_hand(&job, by).await,
                OperatorAction::Edit => {
                    let event = Event::Edited { label: 0, by: by.to_owned(), update: "{}".to_owned() };
                    if let Ok(Some(job)) = note(store, job.id(), event.clone()).await {
                        self.pipeline.events.after_commit(&job, &[event]).await;
                    }
                    let approve = JobAction::Approve(Approval::default());
                    let _crashed = job_service.act(job.id(), &approve, &person, &()).await.is_err();
                }
                OperatorAction::Act(act) => {
                    let result = job_service.act(job.id(), &act, &person, self).await;
                    assert!(result.is_ok() || self.pipeline.store.job(job.id()).is_ok(), "{result:?}");
                }
            }
        }
        done
    }

    fn service(&self) -> FakeService {
        self.pipeline.services.values().next().expect("an account").clone()
    }

    /// Withdraws the labels of a job as `dropship api label cancel` does.
    async fn withdraw_by_hand(&self, job: &Job, by: &str) {
        let (product, submission) =
            (job.product().id().expect("its id"), job.submission().id().expect("its id"));
        for (label, id) in
            job.labels().iter().enumerate().filter_map(|(index, label)| Some((index, label.id()?)))
        {
            let service = &self.pipeline.services["default"];
            let asked = service
                .cancel_label(ProductId::of(product), SubmissionId::of(submission), LabelId::of(id))
                .await;
            let event = Event::Withdrawn { label, id, by: by.to_owned() };
            // The daemon may crash here.
            if asked.is_ok()
                && let Ok(Some(job)) = note(&*self.pipeline.store, job.id(), event.clone()).await
            {
                self.pipeline.events.after_commit(&job, &[event]).await;
            }
        }
    }
}

/// Offers a file unless it is known; false if it is not received.
fn offer(admission: &Admission, folder: &Folder, path: &Path) -> bool {
    let identity = Identity::from(&fs::metadata(path).expect("a file"));
    if admission.is_known(&folder.name, path, &identity, None) {
        return true;
    }
    let found = FoundFile {
        progress: Progress::default(),
        folder: folder.name.clone(),
        root: folder.path.clone(),
        path: path.to_owned(),
        name: path.file_name().expect("a name").to_owned(),
        identity,
        settled: true,
        stale: true,
        backlog: false,
        polled: false,
        last_sha256: None,
        sidecar: None,
    };
    admission.receive(&found) == Admitted::Yes
}

/// Plans labels by the rules of the simulation.
impl LabelPlanner for Daemon {
    fn replan(&self, job: &Job) -> Result<Option<Event>, ControlError> {
        let replanned = self.admission.replan(job);
        replanned.map_err(|error| ControlError::new(ControlErrorKind::Illegal, error.to_string()))
    }
}

/// No job runs without a daemon.
struct NoActiveJobs;

impl ActiveJobs for NoActiveJobs {
    fn is_running(&self, _: &dropship_job::JobId) -> bool {
        false
    }

    fn rule_change(&self, _: &Job) -> Option<dropship_rules::rule::RuleChange> {
        None
    }

    fn on_event(&self, _: &Job, _: &[Event]) {}
}

/// Passes the acts of the operator on to the daemon.
struct DaemonJobs(Arc<Pipeline<FakeService>>);

impl ActiveJobs for DaemonJobs {
    fn is_running(&self, id: &dropship_job::JobId) -> bool {
        self.0.queue.is_running(id)
    }

    fn rule_change(&self, _: &Job) -> Option<dropship_rules::rule::RuleChange> {
        None
    }

    fn on_event(&self, job: &Job, events: &[Event]) {
        self.0.events.after_commit_in_background(job, events);
    }
}

/// An operator. Different numbers are different people.
pub(super) fn an_operator(number: u64) -> control::Operator {
    control::Operator { uid: u32::try_from(number).unwrap_or(u32::MAX), name: format!("operator {number}") }
}

/// Runs with paused virtual time.
pub(super) fn in_paused_time<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().expect("a runtime").block_on(test)
}
