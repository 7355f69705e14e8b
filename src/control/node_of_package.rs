//! The node that has the dropped file of a job, when the file has to be read again.

use std::sync::Arc;

use dropship_config::model::Config;
use dropship_engine::operations::ControlError;
use dropship_job::{JobId, Step};
use dropship_redact::Escaped;
use dropship_store::Store;

/// Refuses a `retry` that would inspect a package on the disk of a node that does not run.
///
/// # Errors
/// When the package is on another node: the error names its folder and node. Also when the store cannot be read.
pub async fn require_node_of_package<S: Store + ?Sized + 'static>(
    store: &Arc<S>,
    config: &Config,
    id: &JobId,
) -> Result<(), ControlError> {
    let job = store.job(id)?.filter(|job| job.state().has_ended() && job.step() == Step::Inspect);
    let Some(job) = job.filter(|job| job.package().path.is_some()) else { return Ok(()) };
    let folder = job.package().folder.as_deref().unwrap_or_default();
    let Some(node) = config.node_elsewhere(folder) else { return Ok(()) };
    // This reads the database, and may block.
    let shared_store = Arc::clone(store);
    let nodes = tokio::task::spawn_blocking(move || shared_store.nodes()).await;
    let nodes = nodes.map_err(|error| ControlError::failed(format!("cannot list the nodes: {error}")))?;
    if nodes.iter().any(|status| status.name == node && status.state.runs()) {
        return Ok(());
    }
    let (folder, node) = (Escaped(folder), Escaped(node));
    Err(ControlError::failed(format!(
        "cannot retry job {id}, and nothing was changed: its package is in folder `{folder}` on the disk of node `{node}`, which does \
         not run; start that node, and retry then"
    )))
}
