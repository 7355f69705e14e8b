//! Removes old results from outboxes (`outbox_keep`).

use std::io;
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;

use super::assembly::Pipeline;
use super::file_work;
use crate::outbox::{self, Receipt, ResultPlace};
use dropship_intake::metadata_below;
use dropship_job::StateKind;
use dropship_shared_folder::Progress;
use dropship_store::StoreError;

/// Removes results that have not changed for as long as their folder keeps them; `store` is the folder of the store.
///
/// Results of jobs that can continue stay: those of a failed or cancelled job until it is forgotten, since `retry` resumes
/// it. The receipt stays longer than the results: while the bytes of the package are still in its folder, and, if something was sent,
/// while the store has the job. A backup of the store that is older than the job's end would otherwise send it again.
///
/// # Errors
/// When the store cannot be read. File system errors are logged and retried the next time.
pub async fn clear_results<S>(pipeline: &Pipeline<S>, store: &Path) -> Result<(), StoreError> {
    let pending = pipeline.store.receipts_pending()?;
    for (folder, outbox, keep) in pipeline.settings.folders.outboxes_with_keep(store) {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let Ok(before) = pipeline.clock.now().checked_sub(keep) else { continue };
        let (list_outbox, folder_name, packages) =
            (outbox.clone(), folder.clone(), pipeline.packages.clone());
        // Others may have put any number of names there, so only the time for all of them is limited.
        let list = move |progress: &Progress| {
            progress.pause();
            Ok(outbox::untouched_since(&packages, &list_outbox, &folder_name, before))
        };
        let (old, listed) = match file_work::run_on_package_in(&outbox, list).await {
            Ok(listed) => listed,
            Err(error) => (Vec::new(), Err(error)),
        };
        if let Err(error) = listed {
            tracing::warn!(folder, "cannot read the whole outbox {}: {error}", outbox.display());
        }
        for (package, receipt) in old {
            let _guard = pipeline.receipts.lock(&receipt.id).await;
            // The node that has the folder may not have copied them yet.
            let is_uncopied = pipeline.settings.folders.is_on_one_node(&folder)
                && pending.binary_search(&receipt.id).is_ok();
            if is_uncopied || !is_over(pipeline, &receipt)? {
                continue;
            }
            // The file may have another name by now.
            let is_still_dropped = pipeline.store.has_file_with_digest(&folder, &receipt.sha256)?;
            let was_sent = receipt.product_id.is_some() || receipt.submission_id.is_some();
            let is_needed = is_still_dropped || (was_sent && pipeline.store.job(&receipt.id)?.is_some());
            let place = ResultPlace::of(&pipeline.packages, &package, None);
            let dropped = receipt.path.clone().zip(pipeline.settings.folders.path(&folder));
            let remove = move || {
                let has_left = dropped.is_none_or(|(path, root)| is_gone(&root, Path::new(&path)));
                place.remove(has_left && !is_needed)
            };
            match file_work::run_in(&outbox, remove).await {
                Ok(false) => {}
                Ok(true) => tracing::info!(
                    job_id = %receipt.id, folder, event = "results_removed",
                    "{}: removed its results from {}, which were kept for the configured time",
                    receipt.package, package.display()
                ),
                Err(error) => {
                    tracing::warn!(job_id = %receipt.id, folder, "cannot remove {}: {error}", package.display());
                }
            }
        }
    }
    Ok(())
}

/// Whether a dropped file has left its drop folder. An error is no proof of that.
fn is_gone(root: &Path, path: &Path) -> bool {
    metadata_below(root, path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
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

/// Interval to the next pass: the shortest time that a folder keeps results, at most `max`.
pub fn until_clearing<S>(pipeline: &Pipeline<S>, max: Duration) -> Duration {
    const MIN: Duration = Duration::from_secs(1);
    pipeline.settings.folders.shortest_keep().map_or(max, |keep| keep.clamp(MIN, max))
}
