//! Continues the jobs of an earlier daemon, and recovers what only receipts show.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::build::Core;
use super::store::OpenStore;
use dropship_engine::admission::Admission;
use dropship_engine::observe;
use dropship_engine::pipeline::Pipeline;
use dropship_hardware::Client;
use dropship_job::JobId;

/// Maximum time to read the receipts of open jobs; an outbox on a share may hang.
const MAX_OUTBOX_WAIT: Duration = Duration::from_secs(20);

/// Recovers the jobs of an earlier daemon. Returns the jobs with a captured copy; intake has not added any yet.
pub(super) async fn recover(core: &Core, opened: &OpenStore) -> anyhow::Result<Vec<JobId>> {
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

/// Recovers the jobs that only receipts show, if the store is older than they are, and reports when that is done. Then it deletes
/// those of the captured copies that no job needs: until then, a copy may be of a job that only its receipt shows.
pub(super) fn catch_up(core: &Core, is_new: bool, captured: Vec<JobId>) -> watch::Receiver<bool> {
    let (done, caught_up) = watch::channel(is_new);
    let (admission, shutdown) = (Arc::clone(&core.admission), core.pipeline.shutdown().clone());
    tokio::task::spawn_blocking(move || {
        if !is_new {
            let compared = admission.catch_up(|| shutdown.is_cancelled());
            done.send_replace(true);
            if let Err(error) = compared {
                tracing::error!("cannot compare the store with the receipts in the outboxes: {error}");
                return;
            }
        }
        if shutdown.is_cancelled() {
            return;
        }
        if let Err(error) = admission.discard_leftovers(&captured) {
            tracing::error!("cannot delete the captured packages that no job needs: {error}");
        }
    });
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
