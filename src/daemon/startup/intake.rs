//! Starts the watch of the folders, and of what needs attention.

use std::sync::Arc;

use super::build::Core;
use crate::attention::{Attention, ConfigurationState, Probes, Sources};
use crate::daemon::observers::FolderObserver;
use dropship_intake::Intake;

/// Watches the folders of the configuration.
pub(super) fn start_intake(core: &Core) -> anyhow::Result<Arc<Intake>> {
    let active = core.admission.active();
    let folders: Vec<_> = active.config.folders_here().cloned().collect();
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

/// Collects what needs the attention of an operator.
pub(super) fn watch_attention(core: &Core, intake: &Arc<Intake>) -> Arc<Attention> {
    Arc::new(Attention::new(Sources {
        pipeline: Arc::clone(&core.pipeline),
        intake: Arc::clone(intake),
        admission: Arc::clone(&core.admission),
        deliveries: Arc::clone(&core.deliveries),
        heartbeats: core.heartbeats.clone(),
        configuration: Arc::new(ConfigurationState::new(jiff::Timestamp::now())),
        probes: Arc::new(Probes::default()),
    }))
}
