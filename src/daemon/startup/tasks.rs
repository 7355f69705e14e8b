//! Starts the workers and the tasks beside them.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::build::Core;
use super::recovery;
use super::store::OpenStore;
use crate::attention::{self, Attention};
use crate::daemon::{maintenance, status_line, watchdog};
use crate::observe::Heartbeat;
use dropship_intake::Intake;
use dropship_job::JobId;

/// The workers and the tasks beside them.
pub(super) struct Tasks {
    pub(super) workers: JoinHandle<()>,
    pub(super) others: Vec<JoinHandle<()>>,
    /// Whether the store has been compared with the receipts.
    pub(super) caught_up: watch::Receiver<bool>,
}

/// Spawns them. `captured` are the jobs whose captured copies are needed.
pub(super) fn spawn_tasks(
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
    core.heartbeats.watch_silence("folder access", Arc::new(watchdog::FolderAccess(Arc::clone(intake))));
    let others = vec![
        tokio::spawn(maintenance::run(pipeline(), store.keep, store.path)),
        tokio::spawn(maintenance::watch_store(pipeline(), opened.stopped)),
        tokio::spawn(crate::pipeline::run_audit(pipeline())),
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
    let caught_up = recovery::catch_up(core, opened.report.is_new);
    Tasks { workers: tokio::spawn(crate::pipeline::run(pipeline())), others, caught_up }
}
