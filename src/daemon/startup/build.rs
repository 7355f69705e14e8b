//! Builds the parts that handle jobs and packages, and connects them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Options;
use super::store::OpenStore;
use crate::daemon::observers::{DaemonObserver, JobFollowers};
use crate::metrics::{CallHistory, Metrics};
use crate::notify::Notifier;
use crate::web::JobRows;
use dropship_config::model::Config;
use dropship_engine::accounts;
use dropship_engine::admission::{ActiveConfig, Admission};
use dropship_engine::call_limits;
use dropship_engine::observe::{Activities, Heartbeat, Heartbeats, Restart};
use dropship_engine::package_store::PackageStore;
use dropship_engine::pipeline::{
    AdmissionLoad, Clock, Deliveries, JobEvents, PauseGate, Pipeline, PipelineParts, Queue, ReceiptWriter,
    Settings, SuspendedAccounts,
};
use dropship_hardware::{Client, ObservedCall, Observer};
use dropship_systemd::UnitStatus;

/// API clients by account, and the observers of calls and jobs.
pub(super) struct Services {
    clients: BTreeMap<String, Client>,
    metrics: Arc<Metrics>,
    calls: Arc<CallHistory>,
    notifier: Arc<Notifier>,
    shutdown: CancellationToken,
}

/// Everything that handles jobs and packages.
pub(super) struct Core {
    pub(super) pipeline: Arc<Pipeline<Client>>,
    pub(super) admission: Arc<Admission>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) calls: Arc<CallHistory>,
    pub(super) notifier: Arc<Notifier>,
    pub(super) heartbeats: Heartbeats,
    pub(super) unit: UnitStatus,
    /// The packages of the pages, if these are served.
    pub(super) rows: Option<Arc<JobRows>>,
    /// The results of folders that are on this node only.
    pub(super) deliveries: Arc<Deliveries>,
}

/// Builds the API clients and the observers.
pub(super) fn build_services(
    config: &Config,
    opened: &OpenStore,
    options: Options,
) -> anyhow::Result<Services> {
    let metrics = Arc::new(Metrics::default());
    let calls = Arc::new(CallHistory::since(Timestamp::now()));
    let observer = |account: &str| {
        let (metrics, calls, account) = (Arc::clone(&metrics), Arc::clone(&calls), account.to_owned());
        Observer::new(move |call: ObservedCall| {
            metrics.on_call(call.operation, call.status, call.took);
            calls.on_call(&account, &call, Timestamp::now());
        })
    };
    let clients = accounts::adjusted_clients(config, options.sandbox, &|account, settings| {
        settings.observer = observer(account);
        settings.gate = opened.gate.clone();
        settings.limit_memory = call_limits::memory(&opened.store, account)?;
        Ok(())
    })?;
    let shutdown = CancellationToken::new();
    let (home, store) = (&config.store.path, Arc::clone(&opened.store));
    let notifier = Notifier::start(&config.notify, home, store, options.sandbox, &shutdown)?;
    Ok(Services { clients, metrics, calls, notifier: Arc::new(notifier), shutdown })
}

/// Builds the pipeline and admission on top of the store.
pub(super) fn build_pipeline(
    config: Config,
    opened: &OpenStore,
    packages: PackageStore,
    services: Services,
    options: Options,
) -> anyhow::Result<Core> {
    let Services { clients, metrics, calls, notifier, shutdown } = services;
    let (store, heartbeats) = (Arc::clone(&opened.store), opened.heartbeats.clone());
    let home = &config.store.path;
    let mut settings = Settings::of(&config.api);
    settings.sandbox = options.sandbox;
    settings.folders.replace(&config.folders, config.store.node());
    settings.guard.replace(&config.guard);

    let (queue, accounts) = (Arc::new(Queue::default()), Arc::new(SuspendedAccounts::default()));
    let pause = Arc::new(PauseGate::remembered(&*store)?);
    let folders = Arc::clone(&settings.folders);
    let ownership = accounts::ownership(&config, options.sandbox);
    let receipts =
        ReceiptWriter::new(Arc::clone(&store), packages.clone(), Arc::clone(&folders), ownership.clone());
    let receipts = Arc::new(receipts);
    let deliveries =
        Arc::new(Deliveries::new(Arc::clone(&store), packages.clone(), folders, ownership.clone()));
    let rows = config.web.as_ref().map(|_| Arc::default());
    let followers = JobFollowers { deliveries: Arc::clone(&deliveries), rows: rows.clone() };
    let observer =
        DaemonObserver { metrics: Arc::clone(&metrics), notifier: Arc::clone(&notifier), followers };
    let observer = Arc::new(observer);
    let events =
        Arc::new(JobEvents::new(Arc::clone(&queue), packages.clone(), Arc::clone(&receipts), observer));

    let load = AdmissionLoad::new(Arc::clone(&queue), Arc::clone(&pause), Arc::clone(&accounts));
    let max_unstarted = config.store.most_waiting;
    let active = ActiveConfig { policy: accounts::policy(&config)?, outbox: home.join("outbox"), config };
    let admission = Admission::new(Arc::clone(&store), packages.clone(), active, Arc::clone(&events));
    let admission = admission.with_ownership(ownership).with_limit(Box::new(load), max_unstarted);
    let admission = Arc::new(admission);

    let (heartbeat, polls) = watch(&heartbeats, &admission);
    let inspector = Arc::clone(&admission) as _;
    let pipeline = Pipeline::new(PipelineParts {
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
        clock: Clock::Wall,
        shutdown,
        heartbeat,
        polls,
    })?;
    Ok(Core {
        pipeline: Arc::new(pipeline),
        admission,
        metrics,
        calls,
        notifier,
        heartbeats,
        unit: UnitStatus::default(),
        rows,
        deliveries,
    })
}

/// Creates the heartbeat of the dispatcher and the activities of the workers, and has both watched, with the inspections.
fn watch(heartbeats: &Heartbeats, admission: &Admission) -> (Heartbeat, Activities) {
    let (dispatcher, workers) = (Heartbeat::default(), Activities::default());
    heartbeats.watch("dispatcher", &dispatcher);
    heartbeats.watch_work("workers", &workers, Restart::Helps);
    heartbeats.watch_work("inspection", admission.inspections(), Restart::Helps);
    (dispatcher, workers)
}
