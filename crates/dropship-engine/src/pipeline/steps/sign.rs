//! The sign step: wait until Microsoft has signed the package.

use std::time::Duration;

use crate::outbox::ResultPlace;
use crate::package_store::PackageStore;
use crate::pipeline::results;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{Interrupt, StepContext, StepResult};
use crate::pipeline::submission_status::{self, is_pending};
use dropship_config::outbox_layout::ERRORS;
use dropship_hardware::{Execution, MAX_ERROR_REPORT, Recovery, Submission, WorkflowStatus};
use dropship_job::{ErrorKind, Event, Fault, JobId, WaitReason};
use dropship_redact::SafeUrl;

/// A commit without visible effect is repeated after this time; the service refuses a second one.
const REPEAT_COMMIT_AFTER: Duration = Duration::from_secs(600);

/// Polls the submission once.
pub(crate) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let service = ctx.service().await?;
    let submission = ctx.fetch_submission(&service).await?;
    record_progress(ctx, &submission).await?;
    if submission.is_failed() {
        return fail_rejected(ctx, &service, &submission).await;
    }
    if submission.is_signed() {
        return ctx.record(vec![Event::Signed]).await;
    }
    let pending = is_pending(&submission);
    if pending && ctx.time_in_step() > REPEAT_COMMIT_AFTER {
        commit_again(ctx, &service).await?;
    }
    ctx.report_overdue(ctx.pipeline.settings.overdue.sign).await?;
    let why = WaitReason::Signature { workflow: ctx.job.workflow().cloned() };
    ctx.poll_again(ctx.pipeline.settings.sign, why).await
}

/// Repeats a commit that succeeded without visible effect. The next poll shows the result.
async fn commit_again<S: Service>(ctx: &mut StepContext<'_, S>, service: &S) -> StepResult {
    let (product, id) = ctx.remote().await?;
    let pipeline = ctx.pipeline;
    let Some(_permit) = pipeline.guards.pause.permit(ctx.job.package().folder.as_deref()).await else {
        return ctx.wait_paused().await;
    };
    if pipeline.shutdown.is_cancelled() {
        return Err(Interrupt::ShuttingDown);
    }
    match service.commit(product, id).await {
        Ok(()) => Ok(()),
        Err(error) if error.execution == Execution::Unknown || error.recovery == Recovery::Reconcile => {
            crate::observe::response_lost(
                ctx.pipeline.events().causes(),
                &ctx.job,
                "commit",
                &error.to_string(),
            );
            Ok(())
        }
        Err(error) => ctx.on_own_object_error(error).await,
    }
}

/// Records a change of the workflow.
async fn record_progress<S: Service>(ctx: &mut StepContext<'_, S>, submission: &Submission) -> StepResult {
    let Some((step, state)) = submission_status::progress(submission.workflow_status.as_ref()) else {
        return Ok(());
    };
    if ctx.job.workflow() == Some(&(step.clone(), state.clone())) {
        return Ok(());
    }
    ctx.record(vec![Event::Progressed { label: None, step, state }]).await
}

/// Fails the job of a rejected submission. The reasons go to the outbox; the product is unusable.
async fn fail_rejected<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    submission: &Submission,
) -> StepResult {
    let status = submission.workflow_status.as_ref();
    let reasons = reasons(ctx, service, status).await?;
    let step = submission_status::progress(submission.workflow_status.as_ref())
        .map_or_else(|| "its workflow".to_owned(), |(step, _)| step);
    let reasons = if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join("; ") };
    let (id, rejected) = (ctx.job.id(), format!("Microsoft rejected the submission in {step}: {reasons}"));
    let fault = if ctx.job.was_found_committed() {
        let message = format!(
            "{rejected}; it was committed before this job did it, so the package may have been sent again since: look in Partner Center \
             for a later submission of it, follow that with `dropship adopt PID SID`, and end this job with `dropship cancel {id}`"
        );
        Fault::new(ErrorKind::CommittedElsewhere, message)
    } else {
        let message = format!(
            "{rejected}; its product cannot be used again: correct the package and drop it again, or run `dropship retry {id} \
             --new-product`"
        );
        Fault::new(ErrorKind::SigningFailed, message)
    };
    ctx.fail(fault).await
}

/// The reasons of a rejection. An error report is downloaded to the outbox.
pub(crate) async fn reasons<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    status: Option<&WorkflowStatus>,
) -> StepResult<Vec<String>> {
    let mut reasons = status.map(|status| status.messages.clone()).unwrap_or_default();
    if let Some(url) = status.and_then(|status| status.error_report.as_ref()) {
        let outbox = ctx.pipeline.receipts.outbox(&ctx.job);
        let (packages, job) = (ctx.pipeline.packages.clone(), ctx.job.id().clone());
        let fetch = fetch_report(service, url, &outbox, &packages, &job);
        match ctx.unless_shutting_down(fetch).await? {
            Ok(()) => reasons.push(format!("see {ERRORS} in the outbox")),
            Err(error) if ctx.job.attempts() < 5 => {
                let fault =
                    Fault::new(ErrorKind::ErrorReport, format!("cannot download the error report: {error}"));
                return ctx.retry_later(fault, Some(Duration::from_secs(1))).await;
            }
            Err(error) => reasons.push(format!("cannot download the error report: {error}")),
        }
    }
    Ok(reasons)
}

async fn fetch_report<S: Service>(
    service: &S,
    url: &SafeUrl,
    outbox: &ResultPlace,
    packages: &PackageStore,
    job: &JobId,
) -> Result<(), String> {
    let staged = results::staging(packages, job, ERRORS).await.map_err(|error| error.to_string())?;
    service.download(url, &staged, MAX_ERROR_REPORT).await.map_err(|error| error.to_string())?;
    results::check(&staged, results::mask_secrets).await?;
    let delivered = async {
        results::deliver(outbox, &staged, ERRORS).await?;
        results::sync(outbox).await
    };
    delivered.await.map_err(|error| error.to_string())
}
