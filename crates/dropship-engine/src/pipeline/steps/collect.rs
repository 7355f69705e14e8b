//! The collect step: download the signed package and its metadata; publish only complete files.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::observe;
use crate::outbox::ResultPlace;
use crate::pipeline::results;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use dropship_config::outbox_layout::{CERTIFICATION, METADATA, SHELL, SIGNED};
use dropship_hardware::{DownloadKind, DriverMetadata, Submission};
use dropship_job::{Asset, Event, HoldReason, WaitReason};
use dropship_package::{Cancellation, Facts, check_signed_archive};
use dropship_redact::SafeUrl;

/// Downloads all results into the outbox.
pub(crate) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let service = ctx.service().await?;
    let snapshot = ctx.plan_snapshot().await?;
    let submission = ctx.fetch_submission(&service).await?;
    let outbox = ctx.pipeline.receipts.outbox(&ctx.job);
    if let Err(error) = results::prepare(&outbox).await {
        return ctx.on_outbox_error(&outbox, &error).await;
    }
    for kind in [DownloadKind::SignedPackage, DownloadKind::DriverMetadata] {
        if let Some(url) = submission.unusable_download(&kind) {
            return ctx.hold_for_unusable_url(kind.as_str(), url).await;
        }
    }
    let Some(signed) = submission.download(&DownloadKind::SignedPackage) else {
        ctx.report_overdue(ctx.pipeline.settings.overdue.sign).await?;
        return ctx.poll_again(ctx.pipeline.settings.sign, WaitReason::SignedPackage).await;
    };
    let metadata = submission.download(&DownloadKind::DriverMetadata);
    if metadata.is_none() && !snapshot.plan.labels.is_empty() {
        return wait_for_metadata(ctx, &submission).await;
    }
    let facts = snapshot.facts;
    let signed = (DownloadKind::SignedPackage, signed);
    let (cancellation, guard) = CancelOnDrop::new();
    let check = move |path: &Path| check_signed(path, &facts, &cancellation);
    let mut files = vec![fetch(ctx, &service, &signed, &outbox, SIGNED, check).await?];
    drop(guard);
    if let Some(url) = metadata {
        files.push(fetch_metadata(ctx, &service, url, &outbox).await?);
    }
    files.extend(fetch_optional(ctx, &service, &submission, &outbox).await?);
    if let Err(error) = results::sync(&outbox).await {
        return ctx.on_outbox_error(&outbox, &error).await;
    }
    let collected = vec![Event::Collected { files }];
    if ctx.job.labels().is_empty() { ctx.succeed(collected).await } else { ctx.record(collected).await }
}

/// Waits for driver metadata that are not offered yet, which can take hours. Metadata that are listed without a URL are
/// offered already: that passes within `[api] uncertain`, or an operator decides.
async fn wait_for_metadata<S: Service>(ctx: &mut StepContext<'_, S>, submission: &Submission) -> StepResult {
    let kind = DownloadKind::DriverMetadata;
    if submission.lists_without_url(&kind) && ctx.time_in_step() > ctx.pipeline.settings.uncertain {
        return ctx.hold_for_missing_url(kind.as_str()).await;
    }
    ctx.report_overdue(ctx.pipeline.settings.overdue.sign).await?;
    ctx.poll_again(ctx.pipeline.settings.sign, WaitReason::DriverMetadata).await
}

/// Downloads the driver metadata. Labels are created from a copy in the store, because anyone who can write to the outbox
/// can change the file there.
pub(crate) async fn fetch_metadata<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    url: SafeUrl,
    outbox: &ResultPlace,
) -> StepResult<Asset> {
    let (packages, job) = (ctx.pipeline.packages.clone(), ctx.job.id().clone());
    let keep = move |path: &Path| {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        DriverMetadata::parse(&bytes).map_err(|error| error.to_string())?;
        results::check_secrets(path)?;
        packages.keep_metadata(&job, &bytes).map_err(|error| format!("it cannot be stored: {error}"))
    };
    fetch(ctx, service, &(DownloadKind::DriverMetadata, url), outbox, METADATA, keep).await
}

/// Downloads one result into the store, and delivers it if `check` finds nothing wrong with it.
async fn fetch<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    (kind, url): &(DownloadKind, SafeUrl),
    outbox: &ResultPlace,
    name: &'static str,
    check: impl FnOnce(&Path) -> Result<(), String> + Send + 'static,
) -> StepResult<Asset> {
    let staged = match staging(ctx, name).await {
        Ok(staged) => staged,
        Err(error) => return ctx.on_store_full(&error).await,
    };
    // Downloaded even if the outbox has the file: it may be of an earlier job.
    if let Err(error) = ctx.unless_shutting_down(service.download(url, &staged, kind.max_bytes())).await? {
        return ctx.on_transfer_error(kind.as_str(), &error).await;
    }
    if let Err(why) = ctx.unless_shutting_down(results::check(&staged, check)).await? {
        // A complete but wrong file would be taken for a finished download, so it is deleted.
        drop(results::discard(&staged).await);
        let message = format!("the downloaded {name} is invalid: {why}; downloading it again");
        return ctx.retry_or_hold_transfer(kind.as_str(), HoldReason::BadDownload, message).await;
    }
    match results::deliver(outbox, &staged, name).await {
        Ok(asset) => Ok(asset),
        Err(error) => ctx.on_outbox_error(outbox, &error).await,
    }
}

/// Where a result is downloaded to, if the disk of the store has space.
async fn staging<S: Service>(ctx: &StepContext<'_, S>, name: &'static str) -> io::Result<PathBuf> {
    results::staging_for(&ctx.pipeline.packages, ctx.job.id(), name, 0).await
}

/// Downloads the results that a job does not wait for. A failure is logged.
async fn fetch_optional<S: Service>(
    ctx: &StepContext<'_, S>,
    service: &S,
    submission: &Submission,
    outbox: &ResultPlace,
) -> StepResult<Vec<Asset>> {
    let mut files = Vec::new();
    for (kind, name) in
        [(DownloadKind::CertificationReport, CERTIFICATION), (DownloadKind::DerivedPackage, SHELL)]
    {
        if let Some(url) = submission.unusable_download(&kind) {
            observe::optional_result_failed(
                &ctx.job,
                name,
                &format!("the service names `{url}` as the URL of {kind}, which is not a usable URL"),
            );
        }
        let Some(url) = submission.download(&kind) else { continue };
        let delivered = match staging(ctx, name).await {
            Err(error) => Err(error.to_string()),
            Ok(staged) => {
                match ctx.unless_shutting_down(service.download(&url, &staged, kind.max_bytes())).await? {
                    Ok(_) => deliver_checked(outbox, &staged, name).await,
                    Err(error) => Err(format!("{kind}: {error}")),
                }
            }
        };
        match delivered {
            Ok(asset) => files.push(asset),
            Err(error) => observe::optional_result_failed(&ctx.job, name, &error),
        }
    }
    Ok(files)
}

/// Delivers a result that holds no secret; deletes another one.
async fn deliver_checked(outbox: &ResultPlace, staged: &Path, name: &'static str) -> Result<Asset, String> {
    if let Err(why) = results::check(staged, results::check_secrets).await {
        drop(results::discard(staged).await);
        return Err(format!("the downloaded {name} is invalid: {why}"));
    }
    results::deliver(outbox, staged, name).await.map_err(|error| error.to_string())
}

/// Checks the signed package: a sound archive with the INFs of the package.
fn check_signed(path: &Path, facts: &Facts, cancellation: &Cancellation) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let infs = facts.infs.iter().map(|inf| inf.name.as_str());
    check_signed_archive(&file, infs, cancellation).map_err(|fault| fault.to_string())
}

/// Cancels a check when the step that waits for it ends first.
struct CancelOnDrop(Cancellation);

impl CancelOnDrop {
    fn new() -> (Cancellation, Self) {
        let cancellation = Cancellation::default();
        (cancellation.clone(), Self(cancellation))
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
