//! The upload step: upload the captured copy to the URL of the submission.

use crate::pipeline::found_commit;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use crate::pipeline::submission_status::is_past_pending;
use dropship_hardware::{DownloadKind, TransferError};
use dropship_job::{Event, HoldFault, HoldReason, WaitReason};

/// Uploads the copy. Repeating it is safe: the same bytes go to the same place.
pub(crate) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let service = ctx.service().await?;
    // Upload URLs expire, so a fresh one is fetched each time.
    let submission = ctx.fetch_submission(&service).await?;
    if is_past_pending(&submission) {
        return found_commit::follow(ctx, &service, &submission).await;
    }
    let Some(url) = submission.upload_url() else {
        if let Some(url) = submission.unusable_download(&DownloadKind::InitialPackage) {
            return ctx.hold_for_unusable_url(DownloadKind::InitialPackage.as_str(), url).await;
        }
        if ctx.time_in_step() > ctx.pipeline.settings.uncertain {
            return ctx.hold_for_missing_url(DownloadKind::InitialPackage.as_str()).await;
        }
        return ctx.poll_again(ctx.pipeline.settings.sign, WaitReason::UploadUrl).await;
    };
    if ctx.is_paused().await {
        return ctx.wait_paused().await;
    }
    let (copy, sha256) = (ctx.pipeline.packages.package(ctx.job.id()), ctx.job.package().sha256.clone());
    // The client refuses other bytes than those that were inspected.
    match ctx.unless_shutting_down(service.upload(&url, &copy, &sha256)).await? {
        Ok(bytes) => ctx.record(vec![Event::Uploaded { bytes }]).await,
        Err(TransferError::Altered { .. } | TransferError::Changed { .. }) => {
            let message = format!(
                "{} changed after inspection; nothing was uploaded; cancel the job and drop the package again",
                copy.display()
            );
            ctx.hold(HoldFault::new(HoldReason::CopyChanged, message)).await
        }
        Err(TransferError::Local { what: "read", source, .. }) => {
            let message = format!(
                "cannot read the captured copy {}: {source}; restore it and approve, or cancel the job and drop the package again",
                copy.display()
            );
            ctx.hold(HoldFault::new(HoldReason::CopyLost, message)).await
        }
        Err(error) => ctx.on_transfer_error(DownloadKind::InitialPackage.as_str(), &error).await,
    }
}
