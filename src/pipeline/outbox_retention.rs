//! Removes old results from outboxes (`outbox_keep`).

use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;

use super::assembly::Pipeline;
use crate::outbox::{self, Receipt};
use dropship_job::StateKind;
use dropship_store::StoreError;

/// Removes results that have not changed for as long as their folder keeps them; `store` is the folder of the store.
///
/// Results of jobs that can continue stay: those of a failed or cancelled job until it is forgotten, since `retry` resumes
/// it. The receipt of a package whose bytes are still in its folder stays with them.
///
/// # Errors
/// When the store cannot be read. File system errors are logged and retried the next time.
pub async fn clear_results<S>(pipeline: &Pipeline<S>, store: &Path) -> Result<(), StoreError> {
    for (folder, outbox, keep) in pipeline.settings.folders.kept(store) {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let Ok(before) = pipeline.clock.now().checked_sub(keep) else { continue };
        let (at, of) = (outbox.clone(), folder.clone());
        let listed = tokio::task::spawn_blocking(move || outbox::untouched_since(&at, &of, before)).await;
        let old = match listed {
            Ok(Ok(old)) => old,
            Ok(Err(error)) => {
                tracing::warn!(folder, "cannot read the outbox {}: {error}", outbox.display());
                continue;
            }
            Err(error) => {
                tracing::error!(folder, "cannot read the outbox {}: {error}", outbox.display());
                continue;
            }
        };
        for (package, receipt) in old {
            let _guard = pipeline.receipts.lock(&receipt.id).await;
            if !is_over(pipeline, &receipt)? {
                continue;
            }
            // The file may have another name by now.
            let still_dropped = pipeline.store.has_file_with_digest(&folder, &receipt.sha256)?;
            let (at, dropped) = (package.clone(), receipt.path.clone());
            let removed = tokio::task::spawn_blocking(move || {
                // An error is not a proof that the file is gone.
                let gone = dropped.is_none_or(|path| matches!(Path::new(&path).try_exists(), Ok(false)));
                outbox::remove(&at, gone && !still_dropped)
            });
            match removed.await {
                Ok(Ok(false)) => {}
                Ok(Ok(true)) => tracing::info!(
                    job_id = %receipt.id, folder, event = "results_removed",
                    "{}: removed its results from {}, which were kept for the configured time",
                    receipt.package, package.display()
                ),
                Ok(Err(error)) => {
                    tracing::warn!(job_id = %receipt.id, folder, "cannot remove {}: {error}", package.display());
                }
                Err(error) => {
                    tracing::error!(job_id = %receipt.id, folder, "cannot remove results: {error}")
                }
            }
        }
    }
    Ok(())
}

/// Whether the job can no longer continue.
fn is_over<S>(pipeline: &Pipeline<S>, receipt: &Receipt) -> Result<bool, StoreError> {
    let state = match pipeline.store.job(&receipt.id)? {
        Some(job) if job.updated() > receipt.updated => return Ok(false),
        Some(job) => job.state().kind(),
        None if matches!(receipt.state, StateKind::Failed | StateKind::Cancelled) => return Ok(true),
        None => receipt.state,
    };
    Ok(matches!(state, StateKind::Succeeded | StateKind::Rejected))
}

/// Interval to the next pass: the shortest time that a folder keeps results, at most `most`.
pub fn until_clearing<S>(pipeline: &Pipeline<S>, most: Duration) -> Duration {
    const LEAST: Duration = Duration::from_secs(1);
    pipeline.settings.folders.shortest_keep().map_or(most, |keep| keep.clamp(LEAST, most))
}
