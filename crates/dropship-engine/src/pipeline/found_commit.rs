//! A submission that is committed although its job has not done it: an earlier run of dropship got further than a store that
//! was restored from a backup. The job follows the submission, as nothing may be sent a second time.

use std::path::Path;

use super::file_work;
use super::lists::{self, ListOf};
use super::results;
use super::service::Service;
use super::step_context::{StepContext, StepResult};
use crate::digest;
use crate::service_id::ServiceId;
use dropship_hardware::{DownloadKind, Submission, TransferError};
use dropship_job::{ErrorKind, Event, Fault, HoldFault, HoldReason, RemoteKind, UploadProgress};

/// Name of the submission's package while it is compared.
const STAGED: &str = "found-package";

/// The package of the submission, compared with that of the job.
enum PackageMatch {
    /// The same package.
    Same,
    /// The service does not return it.
    Unknown,
    /// Another package: how it differs.
    Other(String),
}

/// Lets the job follow its submission, which is past the commit. It is held if the submission contains another package.
pub(super) async fn follow<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    submission: &Submission,
) -> StepResult {
    let id = submission.id;
    let verified = match package_match(ctx, service, submission).await? {
        PackageMatch::Same => true,
        PackageMatch::Unknown => false,
        PackageMatch::Other(how) => {
            let message = format!(
                "submission {id} was committed by another client, with another package: {how}; nothing was uploaded; look in \
                 Partner Center at the file of the submission; `dropship cancel {}` ends the job, `dropship approve {0}` looks again",
                ctx.job.id()
            );
            return ctx.hold(HoldFault::new(HoldReason::CommittedElsewhere, message)).await;
        }
    };
    let mut events = vec![Event::FoundCommitted { verified }];
    events.extend(labels(ctx, service, submission).await?);
    ctx.record(events).await
}

/// Compares the package of the submission with that of the job.
async fn package_match<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    submission: &Submission,
) -> StepResult<PackageMatch> {
    if ctx.job.upload() != UploadProgress::Open {
        return Ok(PackageMatch::Same);
    }
    let Some(url) = submission.download(&DownloadKind::InitialPackage) else {
        return Ok(PackageMatch::Unknown);
    };
    let (size, sha256) = (ctx.job.package().size, ctx.job.package().sha256.clone());
    let staged = match results::staging_for(&ctx.pipeline.packages, ctx.job.id(), STAGED, size).await {
        Ok(staged) => staged,
        Err(error) => return ctx.on_store_full(&error).await,
    };
    let package_match = match ctx.unless_shutting_down(service.download(&url, &staged, size)).await? {
        Ok(_) => compare(&staged, sha256).await,
        Err(TransferError::TooLong { max_bytes }) => {
            PackageMatch::Other(format!("it is longer than the {max_bytes} bytes of this job's package"))
        }
        Err(error @ TransferError::Local { .. }) => {
            return ctx.on_transfer_error(DownloadKind::InitialPackage.as_str(), &error).await;
        }
        Err(error) if error.is_passing() && !ctx.has_failed_for_long() => {
            let message = format!("cannot read the package of the committed submission: {error}");
            return ctx.retry_later(Fault::new(ErrorKind::Transfer, message), None).await;
        }
        Err(error) => {
            tracing::info!("job {}: the package of the submission cannot be read: {error}", ctx.job.id());
            PackageMatch::Unknown
        }
    };
    // It is absent after a failed download.
    drop(results::discard(&staged).await);
    Ok(package_match)
}

async fn compare(staged: &Path, expected: String) -> PackageMatch {
    let path = staged.to_owned();
    match file_work::run_on_package(move || digest::of_file(&path)).await {
        Ok(found) if found == expected => PackageMatch::Same,
        Ok(found) => PackageMatch::Other(format!("its SHA-256 is {found} instead of {expected}")),
        Err(error) => {
            tracing::warn!("cannot read {}: {error}", staged.display());
            PackageMatch::Unknown
        }
    }
}

/// The events that adopt the labels of the plan which exist already. Labels exist for a signed submission only.
async fn labels<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    submission: &Submission,
) -> StepResult<Vec<Event>> {
    if !submission.is_signed() || ctx.job.labels().is_empty() {
        return Ok(Vec::new());
    }
    let (product, id) = ctx.remote().await?;
    let listed = ctx.unless_shutting_down(service.labels(product, id)).await?;
    let listed = match lists::accept(service, ListOf::OwnObject, ctx.job.attempts(), listed).await {
        Ok(listed) => listed,
        Err(error) => return ctx.on_list_error(ListOf::OwnObject, error).await,
    };
    if let Some(why) = listed.incomplete {
        let message = format!(
            "submission {id} is committed already, and the list of its labels is incomplete ({why}), so a label could be requested \
             twice; `dropship approve {}` reads the list again",
            ctx.job.id()
        );
        return ctx.hold(HoldFault::new(HoldReason::CommittedElsewhere, message)).await;
    }
    let mut adopted = Vec::new();
    for (index, planned) in ctx.job.labels().iter().enumerate() {
        let named: Vec<_> = listed.items.iter().filter(|label| label.name == planned.name()).collect();
        match named.as_slice() {
            [] => {}
            [label] => {
                let (kind, id) = (RemoteKind::Label(index), label.id.remote());
                let go_live = super::labels::go_live_of(label);
                adopted.push(Event::Created { kind, id, adopted: true, go_live });
            }
            more => {
                let ids: Vec<_> = more.iter().map(|label| label.id.to_string()).collect();
                let message = format!(
                    "submission {id} is committed already and has several labels named `{}` ({}); withdraw all but one with \
                     `dropship api label cancel`, then `dropship approve {}`",
                    planned.name(),
                    ids.join(", "),
                    ctx.job.id()
                );
                return ctx.hold(HoldFault::new(HoldReason::CommittedElsewhere, message)).await;
            }
        }
    }
    Ok(adopted)
}
