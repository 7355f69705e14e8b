//! Driver metadata that the service completes some time after the signature.

use crate::observe;
use crate::outbox::METADATA;
use crate::pipeline::results;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use crate::pipeline::steps::collect;
use dropship_hardware::{DownloadKind, DriverMetadata};
use dropship_job::{Event, WaitReason};
use dropship_rules::label::{gaps, selects};
use dropship_rules::plan::LabelPlan;

/// Downloads the metadata again if they lack something that the package has, or everything that the label targets: the
/// service may have completed them, also while the job was held. Metadata that lack something are waited for until
/// `[api] uncertain` has passed.
pub(crate) async fn refresh<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    plan: &LabelPlan,
) -> StepResult {
    let outbox = ctx.pipeline.receipts.outbox(&ctx.job);
    let Ok(held) = results::driver_metadata(&outbox).await else { return Ok(()) };
    let snapshot = ctx.plan_snapshot().await?;
    let missing = |metadata: &DriverMetadata| {
        gaps(metadata, &snapshot.facts, &snapshot.plan.product.requested_signatures)
    };
    if missing(&held).is_empty() && selects(plan, &held) {
        return Ok(());
    }
    let submission = ctx.fetch_submission(service).await?;
    let Some(url) = submission.download(&DownloadKind::DriverMetadata) else { return Ok(()) };
    let download = (DownloadKind::DriverMetadata, url);
    collect::fetch(ctx, service, &download, &outbox, METADATA, collect::check_metadata).await?;
    let Ok(found) = results::driver_metadata(&outbox).await else { return Ok(()) };
    if found != held {
        match results::existing(&outbox).await {
            Ok(files) => ctx.record(vec![Event::Collected { files }]).await?,
            Err(error) => return ctx.on_outbox_error(&outbox, &error).await,
        }
    }
    let missing = missing(&found).join(", ");
    if missing.is_empty() {
        return Ok(());
    }
    if ctx.time_in_step() < ctx.pipeline.settings.uncertain {
        let reason = WaitReason::IncompleteMetadata { missing };
        return ctx.poll_again(ctx.pipeline.settings.sign, reason).await;
    }
    observe::metadata_incomplete(&ctx.job, &missing);
    Ok(())
}
