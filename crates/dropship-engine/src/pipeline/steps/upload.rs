//! The upload step: upload the captured copy to the URL of the submission.

use std::io;

use crate::pipeline::file_work;
use crate::pipeline::found_commit;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use crate::pipeline::submission_status::is_past_pending;
use dropship_hardware::{DownloadKind, TransferError};
use dropship_job::{ErrorKind, Event, Fault, HoldFault, HoldReason, WaitReason};

/// Uploads the copy. Repeating it is safe: the client sends the blocks that the blob does not have.
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
    let sha256 = ctx.job.package().sha256.clone();
    let (packages, id, size) = (ctx.pipeline.packages.clone(), ctx.job.id().clone(), ctx.job.package().size);
    let copy = file_work::run_on_package(move || packages.local_copy(&id, size));
    let copy = match ctx.unless_shutting_down(copy).await? {
        Ok(copy) => copy,
        Err(error) if file_work::is_passing(&error) => {
            let name = ctx.pipeline.packages.copy_name(ctx.job.id());
            let fault =
                Fault::new(ErrorKind::Transfer, format!("cannot read the captured copy {name}: {error}"));
            return ctx.retry_later(fault, None).await;
        }
        Err(error) => return hold_for_lost_copy(ctx, &error).await,
    };
    // The client refuses other bytes than those that were inspected.
    match ctx.unless_shutting_down(service.upload(&url, copy.path(), &sha256)).await? {
        Ok(bytes) => ctx.record(vec![Event::Uploaded { bytes }]).await,
        Err(TransferError::Altered { .. } | TransferError::Changed { .. }) => {
            let message = format!(
                "{} changed after inspection; nothing was uploaded; cancel the job and drop the package again",
                ctx.pipeline.packages.copy_name(ctx.job.id())
            );
            ctx.hold(HoldFault::new(HoldReason::CopyChanged, message)).await
        }
        Err(TransferError::Local { what: "read", source, .. }) => hold_for_lost_copy(ctx, &source).await,
        Err(error) => ctx.on_transfer_error(DownloadKind::InitialPackage.as_str(), &error).await,
    }
}

async fn hold_for_lost_copy<S: Service>(ctx: &mut StepContext<'_, S>, error: &io::Error) -> StepResult {
    let message = format!(
        "cannot read the captured copy {}: {error}; restore it and approve, or cancel the job and drop the package again",
        ctx.pipeline.packages.copy_name(ctx.job.id())
    );
    ctx.hold(HoldFault::new(HoldReason::CopyLost, message)).await
}
