//! The collect step: download the signed package and its metadata; publish only complete files.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

use crate::observe;
use crate::outbox::{CERTIFICATION, METADATA, Outbox, SHELL, SIGNED};
use crate::pipeline::results;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use dropship_hardware::{DownloadKind, DriverMetadata, Submission};
use dropship_job::{ErrorKind, Event, Fault, WaitReason};
use dropship_package::Facts;
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
    fetch(ctx, &service, &signed, &outbox, SIGNED, move |path| check_signed(path, &facts)).await?;
    if let Some(url) = metadata {
        fetch_metadata(ctx, &service, url, &outbox).await?;
    }
    fetch_optional(ctx, &service, &submission, &outbox).await?;
    let files = match results::collected(&outbox, &ctx.pipeline.packages, ctx.job.id()).await {
        Ok(files) => files,
        Err(error) => return ctx.on_outbox_error(&outbox, &error).await,
    };
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
    outbox: &Outbox,
) -> StepResult {
    let (packages, job) = (ctx.pipeline.packages.clone(), ctx.job.id().clone());
    let keep = move |path: &Path| {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        DriverMetadata::parse(&bytes).map_err(|error| error.to_string())?;
        packages.keep_metadata(&job, &bytes).map_err(|error| format!("it cannot be stored: {error}"))
    };
    fetch(ctx, service, &(DownloadKind::DriverMetadata, url), outbox, METADATA, keep).await
}

/// Downloads one result and publishes it if `check` finds nothing wrong with it.
async fn fetch<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    (kind, url): &(DownloadKind, SafeUrl),
    outbox: &Outbox,
    name: &'static str,
    check: impl FnOnce(&Path) -> Result<(), String> + Send + 'static,
) -> StepResult {
    // Downloaded even if the file exists: it may be of an earlier job.
    if let Err(error) = ctx.unless_shutting_down(service.download(url, &outbox.staging(name))).await? {
        return ctx.on_transfer_error(kind.as_str(), &error).await;
    }
    if let Err(why) = results::check_staged(outbox, name, check).await {
        // A complete but wrong file would be taken for a finished download: it has to go.
        drop(results::discard_staged(outbox, name).await);
        let message = format!("the downloaded {name} is invalid: {why}; downloading it again");
        return ctx.retry_or_hold_transfer(kind.as_str(), Fault::new(ErrorKind::BadDownload, message)).await;
    }
    match results::publish(outbox, name).await {
        Ok(()) => Ok(()),
        Err(error) => ctx.on_outbox_error(outbox, &error).await,
    }
}

/// Downloads the results that a job does not wait for. A failure is logged.
async fn fetch_optional<S: Service>(
    ctx: &StepContext<'_, S>,
    service: &S,
    submission: &Submission,
    outbox: &Outbox,
) -> StepResult {
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
        let fetched = ctx.unless_shutting_down(service.download(&url, &outbox.staging(name))).await?;
        let published = match fetched {
            Ok(_) => results::publish(outbox, name).await.map_err(|error| error.to_string()),
            Err(error) => Err(format!("{kind}: {error}")),
        };
        if let Err(error) = published {
            observe::optional_result_failed(&ctx.job, name, &error);
        }
    }
    Ok(())
}

/// The signed package is a ZIP with correct CRCs that contains the INFs of the package.
fn check_signed(path: &Path, facts: &Facts) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut zip = zip::ZipArchive::new(file).map_err(|error| format!("not a ZIP: {error}"))?;
    let mut names = BTreeSet::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(|error| format!("entry {index}: {error}"))?;
        let name = String::from_utf8_lossy(entry.name_raw()).replace('\\', "/").to_lowercase();
        io::copy(&mut entry, &mut io::sink()).map_err(|error| format!("`{name}`: {error}"))?;
        names.extend(name.rsplit('/').next().map(str::to_owned));
    }
    match facts.infs.iter().find(|inf| !names.contains(&inf.name.to_lowercase())) {
        Some(inf) => Err(format!("it does not contain {}", inf.name)),
        None => Ok(()),
    }
}
