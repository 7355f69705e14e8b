//! Starts the workers and the tasks beside them.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::build::Core;
use super::recovery;
use super::store::OpenStore;
use crate::attention::Attention;
use crate::daemon::housekeeping::Housekeeping;
use crate::daemon::{followed, maintenance, memory, watchdog};
use dropship_engine::observe::Heartbeat;
use dropship_engine::pipeline::{spawn_audit, spawn_workers};
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
) -> anyhow::Result<Tasks> {
    let pipeline = || Arc::clone(&core.pipeline);
    let store = core.admission.active().config.store.clone();
    let heartbeat = Heartbeat::default();
    core.heartbeats.watch("intake", &heartbeat);
    core.heartbeats.watch_silence("folder access", Arc::new(watchdog::FolderAccess(Arc::clone(intake))));
    let housekeeping = Housekeeping {
        pipeline: pipeline(),
        intake: Arc::clone(intake),
        attention: Arc::clone(attention),
        unit: core.unit.clone(),
        heartbeat,
    };
    let housekeeping = housekeeping.start().context("cannot start the thread for regular work")?;
    let mut others = vec![
        tokio::spawn(maintenance::run(pipeline(), store.keep, store.path)),
        tokio::spawn(maintenance::watch_store(pipeline(), opened.stopped)),
        spawn_audit(pipeline()),
        tokio::spawn(housekeeping),
        tokio::spawn(memory::trim_regularly(Arc::clone(intake))),
        tokio::spawn(Arc::clone(&core.deliveries).run(core.pipeline.shutdown().clone())),
    ];
    others.extend(opened.foreign_commits.map(|commits| tokio::spawn(followed::act_on(pipeline(), commits))));
    let caught_up = recovery::catch_up(core, opened.report.is_new, captured);
    Ok(Tasks { workers: spawn_workers(pipeline()), others, caught_up })
}
