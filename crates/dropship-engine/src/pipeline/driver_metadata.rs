//! Driver metadata that the service completes some time after the signature.

use crate::observe;
use crate::pipeline::file_work::is_passing;
use crate::pipeline::results;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use crate::pipeline::steps::collect;
use dropship_config::outbox_layout::METADATA;
use dropship_hardware::{DownloadKind, DriverMetadata};
use dropship_job::{ErrorKind, Event, Fault, HoldFault, HoldReason, Job, WaitReason};
use dropship_package::Facts;
use dropship_rules::label::{InfMismatch, gaps, selects};
use dropship_rules::plan::LabelPlan;

/// Downloads the metadata again if they lack something that the package has, or everything that the label targets: the
/// service may have completed them, also while the job was held. Metadata that lack something are waited for until
/// `[api] uncertain` has passed.
pub(crate) async fn refresh<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    plan: &LabelPlan,
) -> StepResult {
    let packages = ctx.pipeline.packages.clone();
    let stored = match results::driver_metadata(&packages, &ctx.job).await {
        Ok(stored) => stored,
        Err(error) => return on_unreadable(ctx, &error).await,
    };
    let snapshot = ctx.plan_snapshot().await?;
    let missing = |metadata: &DriverMetadata| {
        gaps(metadata, &snapshot.facts, &snapshot.plan.product.requested_signatures)
    };
    if missing(&stored).is_empty() && selects(plan, &stored) {
        return check_infs(ctx, &snapshot.facts, &stored).await;
    }
    let outbox = ctx.pipeline.receipts.outbox(&ctx.job);
    let submission = ctx.fetch_submission(service).await?;
    let Some(url) = submission.download(&DownloadKind::DriverMetadata) else { return Ok(()) };
    let asset = collect::fetch_metadata(ctx, service, url, &outbox).await?;
    if let Err(error) = results::sync(&outbox).await {
        return ctx.on_outbox_error(&outbox, &error).await;
    }
    let mut files = ctx.job.files().to_vec();
    match files.iter_mut().find(|file| file.name == METADATA) {
        Some(file) => *file = asset,
        None => files.push(asset),
    }
    if files != ctx.job.files() {
        ctx.record(vec![Event::Collected { files }]).await?;
    }
    let fetched = match results::driver_metadata(&packages, &ctx.job).await {
        Ok(fetched) => fetched,
        Err(error) => return on_unreadable(ctx, &error).await,
    };
    let missing = missing(&fetched).join(", ");
    if missing.is_empty() {
        return check_infs(ctx, &snapshot.facts, &fetched).await;
    }
    if ctx.time_in_step() < ctx.pipeline.settings.uncertain {
        let reason = WaitReason::IncompleteMetadata { missing };
        return ctx.poll_again(ctx.pipeline.settings.sign, reason).await;
    }
    check_infs(ctx, &snapshot.facts, &fetched).await?;
    observe::metadata_incomplete(&ctx.job, &missing);
    Ok(())
}

/// Retries the step if the metadata may be readable later. Otherwise continues: the request for the label then reports the error.
pub(super) async fn on_unreadable<S: Service>(
    ctx: &mut StepContext<'_, S>,
    error: &std::io::Error,
) -> StepResult {
    if !is_passing(error) {
        return Ok(());
    }
    let message = format!("cannot read the driver metadata of job {}: {error}", ctx.job.id());
    ctx.retry_later(Fault::new(ErrorKind::Transfer, message), None).await
}

/// Holds the job when the metadata lack an INF of the package or list another one, until an operator has approved exactly
/// these metadata.
async fn check_infs<S: Service>(
    ctx: &mut StepContext<'_, S>,
    facts: &Facts,
    metadata: &DriverMetadata,
) -> StepResult {
    let Some(mismatch) = InfMismatch::between(facts, metadata) else { return Ok(()) };
    let digest = ctx.job.files().iter().find(|file| file.name == METADATA).map(|file| file.sha256.clone());
    if digest.is_some() && digest.as_deref() == ctx.job.approved_metadata() {
        return Ok(());
    }
    let message = format!(
        "{mismatch}; approve to create the labels from these metadata (sha256 {})",
        digest.as_deref().unwrap_or("unknown")
    );
    let fault = HoldFault::new(HoldReason::MetadataMismatch, message);
    ctx.suspend(Event::Held { fault, request: digest.map(|digest| Job::metadata_request(&digest)) }).await
}
