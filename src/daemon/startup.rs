//! Startup: turns a configuration into a running daemon.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::control::DaemonControl;
use super::control_threads::ControlThreads;
use super::http::{self, HealthEndpoints};
use super::observers::{DaemonObserver, FolderObserver};
use super::reload::Reloader;
use super::running::Running;
use super::shutdown::Live;
use super::signals::Ending;
use super::{maintenance, status_line, store_binding, watchdog};
use crate::accounts;
use crate::admission::{ActiveConfig, Admission};
use crate::attention::{self, Attention, ConfigurationState, Probes, Sources};
use crate::config::model::{AfterSuccess, Config};
use crate::control::{self, OperatorGroups};
use crate::metrics::Metrics;
use crate::notify::Notifier;
use crate::observe::{self, Activities, Heartbeat, Heartbeats, Restart};
use crate::package_store::PackageStore;
use crate::pipeline::{
    AdmissionLoad, Clock, JobEvents, Parts, PauseGate, Pipeline, Queue, ReceiptWriter, Settings,
    SuspendedAccounts,
};
use crate::systemd::{self, UnitStatus};
use dropship_hardware::{Client, Observer};
use dropship_intake::Intake;
use dropship_job::JobId;
use dropship_store::{DiskStore, OpenReport, Store, StoreError};

/// Maximum time to open the store; replaying a long journal takes minutes.
const MAX_START: Duration = Duration::from_secs(30 * 60);

/// Maximum time to wait for a command that has locked the store because no daemon was running.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Maximum time to read the receipts of open jobs; an outbox on a share may hang.
const MAX_OUTBOX_WAIT: Duration = Duration::from_secs(20);

/// Options of `dropship run`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// End when no job is queued, running or due within the next minute.
    pub until_idle: bool,
    /// Use a sandbox: nothing is sent to Microsoft, and no dropped file is moved or deleted.
    pub sandbox: bool,
}

/// Ends the start of a daemon early, while it rebuilds the store.
#[derive(Debug, Clone, Default)]
pub struct StopStart(Arc<AtomicBool>);

impl StopStart {
    /// Asks the start to end.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A daemon with its configuration, before it opens or binds anything.
pub struct Loaded {
    config: Config,
    options: Options,
}

impl Loaded {
    /// Prepares a daemon for this configuration.
    #[must_use]
    pub fn new(mut config: Config, options: Options) -> Self {
        if options.sandbox {
            for folder in &mut config.folders {
                folder.after = AfterSuccess::Leave;
            }
        }
        Self { config, options }
    }

    /// Opens the store, binds the sockets, watches the folders and starts the workers.
    ///
    /// # Errors
    /// The reason why the daemon cannot run, and what to do about it. [`StoreError::Cancelled`] after [`StopStart::stop`].
    pub async fn start(self, ending: Ending, stopping: &StopStart) -> anyhow::Result<Running> {
        let Self { config, options } = self;
        let descriptors = crate::http::raise_limit();
        tracing::debug!("at most {descriptors} descriptors can be open");
        let starting = systemd::extend_timeouts(MAX_START);
        let opened = open_store(&config, &stopping.0).await?;
        bind_endpoint(&opened, &config, options).await?;
        let services = build_services(&config, &opened, options)?;
        let core = build_pipeline(config, &opened, services, options)?;
        ending.watch(&core.heartbeats);
        let captured = recover(&core, &opened).await?;
        let intake = start_intake(&core)?;
        let attention = watch_attention(&core, &intake);
        let served = serve_control(&core, &intake, &attention).await?;
        let tasks = spawn_tasks(&core, &intake, &attention, opened, captured);
        drop(starting);
        Ok(announce(core, intake, &attention, served, tasks, options, ending))
    }
}

/// The open store.
struct OpenStore {
    store: Arc<dyn Store>,
    report: OpenReport,
    /// Set when the store can no longer be written.
    stopped: watch::Receiver<Option<String>>,
    heartbeats: Heartbeats,
}

/// API clients by account, and the observers of calls and jobs.
struct Services {
    clients: BTreeMap<String, Client>,
    metrics: Arc<Metrics>,
    notifier: Arc<Notifier>,
    shutdown: CancellationToken,
}

/// Everything that handles jobs and packages.
struct Core {
    pipeline: Arc<Pipeline<Client>>,
    admission: Arc<Admission>,
    metrics: Arc<Metrics>,
    notifier: Arc<Notifier>,
    heartbeats: Heartbeats,
    unit: UnitStatus,
}

async fn open_store(config: &Config, cancelled: &Arc<AtomicBool>) -> anyhow::Result<OpenStore> {
    let heartbeat = Heartbeat::default();
    let (store, report) =
        open_when_unlocked(&config.store.path, &config.control.socket, &heartbeat, cancelled).await?;
    log_open_report(&report);
    let heartbeats = Heartbeats::new(systemd::watchdog());
    heartbeats.watch("store", &heartbeat);
    Ok(OpenStore { stopped: store.stopped(), store: Arc::new(store), report, heartbeats })
}

/// Opens the store. Waits while a command has locked it, which takes moments; fails if another daemon has locked it.
async fn open_when_unlocked(
    home: &Path,
    socket: &Path,
    heartbeat: &Heartbeat,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<(DiskStore, OpenReport)> {
    let started = Instant::now();
    loop {
        let (home, heartbeat) = (home.to_owned(), Arc::new(heartbeat.clone()));
        let cancelled = Arc::clone(cancelled);
        match tokio::task::spawn_blocking(move || DiskStore::open_watched(&home, heartbeat, &cancelled))
            .await?
        {
            Err(StoreError::Locked { .. })
                if started.elapsed() < LOCK_WAIT
                    && std::os::unix::net::UnixStream::connect(socket).is_err() =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            opened => return Ok(opened?),
        }
    }
}

fn log_open_report(report: &OpenReport) {
    if report.skipped > 0 {
        observe::journal_damaged(report.skipped);
    }
    if let Some(aside) = &report.upgraded {
        observe::store_upgraded(aside, report.replayed);
    } else if let Some((aside, why)) = &report.quarantined {
        observe::store_rebuilt(aside, why, report.replayed);
    } else if report.replayed > 0 && !report.is_new {
        observe::store_caught_up(report.replayed);
    }
}

async fn bind_endpoint(opened: &OpenStore, config: &Config, options: Options) -> anyhow::Result<()> {
    store_binding::check(&*opened.store, config, options.sandbox).await
}

fn build_services(config: &Config, opened: &OpenStore, options: Options) -> anyhow::Result<Services> {
    let metrics = Arc::new(Metrics::default());
    let counted = Arc::clone(&metrics);
    let observer = Observer::new(move |operation, status, took| counted.on_call(operation, status, took));
    let clients = accounts::observed_clients(config, options.sandbox, &observer)?;
    let shutdown = CancellationToken::new();
    let (home, store) = (&config.store.path, Arc::clone(&opened.store));
    let notifier = Notifier::start(&config.notify, home, store, options.sandbox, &shutdown)?;
    Ok(Services { clients, metrics, notifier: Arc::new(notifier), shutdown })
}

fn build_pipeline(
    config: Config,
    opened: &OpenStore,
    services: Services,
    options: Options,
) -> anyhow::Result<Core> {
    let Services { clients, metrics, notifier, shutdown } = services;
    let (store, heartbeats) = (Arc::clone(&opened.store), opened.heartbeats.clone());
    let home = &config.store.path;
    let packages = PackageStore::open(home).with_context(|| format!("cannot open {}", home.display()))?;
    let packages = packages.keeping_free(config.store.min_free);
    let mut settings = Settings::of(&config.api);
    settings.sandbox = options.sandbox;
    settings.folders.replace(&config.folders);
    settings.guard.replace(&config.guard);

    let (queue, accounts) = (Arc::new(Queue::default()), Arc::new(SuspendedAccounts::default()));
    let pause = Arc::new(PauseGate::remembered(&*store)?);
    let folders = Arc::clone(&settings.folders);
    let ownership = accounts::ownership(&config, options.sandbox);
    let receipts = Arc::new(ReceiptWriter::new(Arc::clone(&store), folders, ownership.clone()));
    let observer = Arc::new(DaemonObserver::new(Arc::clone(&metrics), Arc::clone(&notifier)));
    let events =
        Arc::new(JobEvents::new(Arc::clone(&queue), packages.clone(), Arc::clone(&receipts), observer));

    let load = AdmissionLoad::new(Arc::clone(&queue), Arc::clone(&pause), Arc::clone(&accounts));
    let max_unstarted = config.store.most_waiting;
    let active = ActiveConfig { policy: accounts::policy(&config)?, outbox: home.join("outbox"), config };
    let admission = Admission::new(Arc::clone(&store), packages.clone(), active, Arc::clone(&events));
    let admission = admission.with_ownership(ownership).with_limit(Box::new(load), max_unstarted);
    let admission = Arc::new(admission);

    let (heartbeat, polls) = (Heartbeat::default(), Activities::default());
    heartbeats.watch("dispatcher", &heartbeat);
    heartbeats.watch_work("workers", &polls, Restart::Helps);
    heartbeats.watch_work("inspection", admission.inspections(), Restart::Helps);
    heartbeats.watch_work("capture", admission.captures(), Restart::DoesNotHelp);
    let inspector = Arc::clone(&admission) as _;
    let clock = Clock::Wall;
    let pipeline = Pipeline::new(Parts {
        store,
        queue,
        events,
        receipts,
        packages,
        services: clients,
        inspector,
        pause,
        accounts,
        settings,
        clock,
        shutdown,
        heartbeat,
        polls,
    })?;
    Ok(Core {
        pipeline: Arc::new(pipeline),
        admission,
        metrics,
        notifier,
        heartbeats,
        unit: UnitStatus::default(),
    })
}

/// Recovers the jobs of an earlier daemon. Returns the jobs with a captured copy; intake has not added any yet.
async fn recover(core: &Core, opened: &OpenStore) -> anyhow::Result<Vec<JobId>> {
    if opened.report.is_new {
        let admission = Arc::clone(&core.admission);
        let recovered = tokio::task::spawn_blocking(move || admission.recover()).await??;
        observe::jobs_recovered(recovered.jobs, recovered.held);
    } else {
        let admission = Arc::clone(&core.admission);
        let catching_up = tokio::task::spawn_blocking(move || admission.catch_up_open_jobs());
        match tokio::time::timeout(MAX_OUTBOX_WAIT, catching_up).await {
            Ok(caught_up) => caught_up??,
            Err(_) => tracing::error!(
                "an outbox did not respond for {} seconds; jobs continue without a comparison with their receipts",
                MAX_OUTBOX_WAIT.as_secs()
            ),
        }
    }
    let captured = core.admission.captured()?;
    core.pipeline.recover()?;
    Ok(captured)
}

fn start_intake(core: &Core) -> anyhow::Result<Arc<Intake>> {
    let folders = core.admission.active().config.folders.clone();
    folders.iter().for_each(|folder| core.metrics.add_folder(&folder.name));
    let receiver = Arc::clone(&core.admission);
    let (shutdown, admission) = (core.pipeline.shutdown().clone(), Arc::clone(&core.admission));
    tokio::spawn(async move {
        shutdown.cancelled().await;
        admission.cancel_inspections();
    });
    Ok(Arc::new(Intake::start(
        folders,
        receiver as _,
        Arc::new(FolderObserver::new(Arc::clone(&core.metrics))),
        core.pipeline.shutdown(),
    )?))
}

/// The control socket and the HTTP endpoints, while they are served.
struct Served {
    reloader: Arc<Reloader>,
    tasks: Vec<JoinHandle<()>>,
    closing: CancellationToken,
    threads: ControlThreads,
}

fn watch_attention(core: &Core, intake: &Arc<Intake>) -> Arc<Attention> {
    Arc::new(Attention::new(Sources {
        pipeline: Arc::clone(&core.pipeline),
        intake: Arc::clone(intake),
        admission: Arc::clone(&core.admission),
        heartbeats: core.heartbeats.clone(),
        configuration: Arc::new(ConfigurationState::new(jiff::Timestamp::now())),
        probes: Arc::new(Probes::default()),
    }))
}

async fn serve_control(
    core: &Core,
    intake: &Arc<Intake>,
    attention: &Arc<Attention>,
) -> anyhow::Result<Served> {
    let (pipeline, intake) = (Arc::clone(&core.pipeline), Arc::clone(intake));
    let routes = http::routes(Arc::new(HealthEndpoints {
        pipeline: Arc::clone(&pipeline),
        intake: Arc::clone(&intake),
        metrics: Arc::clone(&core.metrics),
        notifier: Arc::clone(&core.notifier),
        heartbeats: core.heartbeats.clone(),
        attention: Arc::clone(attention),
        since: jiff::Timestamp::now(),
    }));
    let active = core.admission.active();
    let threads = ControlThreads::start()?;
    let mut tasks = Vec::new();
    if let Some(address) = active.config.metrics {
        tasks.extend(threads.spawn(http::listen(address, routes.clone())?));
    }
    let state = Arc::clone(&attention.sources().configuration);
    let names = active.config.control.operators.clone();
    let operators = tokio::task::spawn_blocking(move || OperatorGroups::of(&names)).await?;
    let (admission, unit) = (Arc::clone(&core.admission), core.unit.clone());
    let reloader = Arc::new(Reloader::new(pipeline, intake, admission, state, unit, operators));
    let handler = Arc::new(DaemonControl::new(Arc::clone(&reloader), Arc::clone(attention)));
    let (socket, closing) = (active.config.control.socket.clone(), CancellationToken::new());
    let main = tokio::runtime::Handle::current();
    let serving = control::serve(&socket, handler, routes, main, closing.clone().cancelled_owned())
        .with_context(|| format!("cannot bind the control socket {}", socket.display()))?;
    tasks.extend(threads.spawn(serving));
    Ok(Served { reloader, tasks, closing, threads })
}

/// The workers and the tasks beside them.
struct Tasks {
    workers: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
    /// Whether the store has been compared with the receipts.
    caught_up: watch::Receiver<bool>,
}

fn spawn_tasks(
    core: &Core,
    intake: &Arc<Intake>,
    attention: &Arc<Attention>,
    opened: OpenStore,
    captured: Vec<JobId>,
) -> Tasks {
    let pipeline = || Arc::clone(&core.pipeline);
    let (attention, shutdown) = (|| Arc::clone(attention), || core.pipeline.shutdown().clone());
    let store = core.admission.active().config.store.clone();
    let heartbeat = Heartbeat::default();
    core.heartbeats.watch("intake", &heartbeat);
    let others = vec![
        tokio::spawn(maintenance::run(pipeline(), store.keep, store.path)),
        tokio::spawn(maintenance::watch_store(pipeline(), opened.stopped)),
        tokio::spawn(status_line::update(pipeline(), Arc::clone(intake), attention(), core.unit.clone())),
        tokio::spawn(attention::keep_updated(attention(), shutdown())),
        tokio::spawn(attention::probe_files(attention(), shutdown())),
        tokio::spawn(attention::probe_connections(attention(), shutdown())),
        tokio::spawn(watchdog::probe_intake(Arc::clone(intake), heartbeat)),
    ];
    let admission = Arc::clone(&core.admission);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = admission.discard_leftovers(&captured) {
            tracing::error!("cannot delete the captured packages that no job needs: {error}");
        }
    });
    let caught_up = catch_up(core, opened.report.is_new);
    Tasks { workers: tokio::spawn(crate::pipeline::run(pipeline())), others, caught_up }
}

/// Recovers the jobs that only receipts show, if the store is older than they are. Reports when that is done.
fn catch_up(core: &Core, is_new: bool) -> watch::Receiver<bool> {
    let (done, caught_up) = watch::channel(is_new);
    let (admission, shutdown) = (Arc::clone(&core.admission), core.pipeline.shutdown().clone());
    if !is_new {
        tokio::task::spawn_blocking(move || {
            if let Err(error) = admission.catch_up(|| shutdown.is_cancelled()) {
                tracing::error!("cannot compare the store with the receipts in the outboxes: {error}");
            }
            done.send_replace(true);
        });
    }
    tokio::spawn(catch_up_late(Arc::clone(&core.pipeline), Arc::clone(&core.admission)));
    caught_up
}

/// Lets jobs catch up with receipts that appeared after the start, because their outbox was mounted late.
async fn catch_up_late(pipeline: Arc<Pipeline<Client>>, admission: Arc<Admission>) {
    loop {
        let id = tokio::select! {
            () = pipeline.shutdown().cancelled() => return,
            id = pipeline.receipts().next_newer() => id,
        };
        let admission = Arc::clone(&admission);
        let job = id.clone();
        let catching_up = tokio::task::spawn_blocking(move || admission.catch_up_with_its_receipt(&job));
        let why = match catching_up.await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(job_id = %id, "job {id} cannot catch up with its receipt: {why}");
    }
}

/// Notifies systemd, and logs that the daemon is ready.
fn announce(
    core: Core,
    intake: Arc<Intake>,
    attention: &Attention,
    served: Served,
    tasks: Tasks,
    options: Options,
    ending: Ending,
) -> Running {
    let socket = core.admission.active().config.control.socket.clone();
    let watchdog = watchdog::start(&core.heartbeats, &socket);
    let status = status_line::of(&core.pipeline, &intake, attention);
    observe::ready(&status, options.sandbox);
    core.unit.ready(&status);
    let live = Live {
        pipeline: core.pipeline,
        intake,
        workers: tasks.workers,
        socket,
        closing: served.closing,
        threads: served.threads,
        tasks: served.tasks.into_iter().chain(tasks.others).collect(),
        watchdog,
        ending,
    };
    Running { live, reloader: served.reloader, caught_up: tasks.caught_up, until_idle: options.until_idle }
}
