//! Results leave the outbox when their folder says that nobody picks them up any more (`outbox_keep`).

use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;

use super::context::Context;
use crate::outbox::{self, Receipt};
use crate::store::StoreError;
use dropship_job::StateKind;

/// Removes results to which nothing has happened for as long as their folder keeps them; `store` is the store's folder.
///
/// Those of jobs that can still go on stay: of one that failed or was cancelled, which `retry` takes up, until it is
/// forgotten. The receipt of a package whose bytes still lie in its folder stays as long as that.
///
/// # Errors
/// When the store cannot be read. What the file system says is told, and tried again the next time.
pub async fn clear_results<S>(context: &Context<S>, store: &Path) -> Result<(), StoreError> {
    for (folder, outbox, keep) in context.settings.folders.kept(store) {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let Ok(before) = context.clock.now().checked_sub(keep) else { continue };
        let (at, of) = (outbox.clone(), folder.clone());
        let listed = tokio::task::spawn_blocking(move || outbox::untouched_since(&at, &of, before)).await;
        let old = match listed {
            Ok(Ok(old)) => old,
            Ok(Err(error)) => {
                tracing::warn!(folder, "the outbox {} cannot be looked through: {error}", outbox.display());
                continue;
            }
            Err(error) => {
                tracing::error!(folder, "the outbox {} cannot be looked through: {error}", outbox.display());
                continue;
            }
        };
        for (package, receipt) in old {
            let _nobody_writes_it = context.receipts.of(&receipt.id).lock().await;
            if !is_over(context, &receipt)? {
                continue;
            }
            // Whoever dropped it may have given it another name since.
            let lies = context.store.lies(&folder, &receipt.sha256)?;
            let (at, dropped) = (package.clone(), receipt.path.clone());
            let removed = tokio::task::spawn_blocking(move || {
                // Gone means that it does not lie there, not that somebody may not look.
                let gone = dropped.is_none_or(|path| matches!(Path::new(&path).try_exists(), Ok(false)));
                outbox::remove(&at, gone && !lies)
            });
            match removed.await {
                Ok(Ok(false)) => {}
                Ok(Ok(true)) => tracing::info!(
                    job_id = %receipt.id, folder, event = "results_cleared",
                    "{}: its results were kept long enough and are removed from {}",
                    receipt.package, package.display()
                ),
                Ok(Err(error)) => {
                    tracing::warn!(job_id = %receipt.id, folder, "{} cannot be removed: {error}", package.display());
                }
                Err(error) => {
                    tracing::error!(job_id = %receipt.id, folder, "removing results failed: {error}")
                }
            }
        }
    }
    Ok(())
}

/// Nothing more will happen to the job unless somebody begins anew.
fn is_over<S>(context: &Context<S>, receipt: &Receipt) -> Result<bool, StoreError> {
    let state = match context.store.job(&receipt.id)? {
        Some(job) if job.updated > receipt.updated => return Ok(false),
        Some(job) => job.state.kind(),
        None if matches!(receipt.state, StateKind::Failed | StateKind::Cancelled) => return Ok(true),
        None => receipt.state,
    };
    Ok(matches!(state, StateKind::Succeeded | StateKind::Rejected))
}

/// How long until results are looked through again: as finely as the shortest time that a folder keeps them.
pub fn until_clearing<S>(context: &Context<S>, most: Duration) -> Duration {
    const LEAST: Duration = Duration::from_secs(1);
    context.settings.folders.shortest_keep().map_or(most, |keep| keep.clamp(LEAST, most))
}
