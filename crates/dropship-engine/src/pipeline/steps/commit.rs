//! The commit step. The service refuses a second commit, so a commit in doubt is resolved by reading the submission.

use crate::pipeline::found_commit;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{Interrupt, StepContext, StepResult};
use crate::pipeline::submission_status::is_past_pending;
use dropship_hardware::{Execution, Outcome, Recovery};
use dropship_job::{ErrorKind, Event, Fault, UploadProgress};

/// Commits the submission.
pub(crate) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let service = ctx.service().await?;
    let (product, submission) = ctx.remote().await?;
    if ctx.job.upload() == UploadProgress::CommitIntended {
        let found = ctx.fetch_submission(&service).await?;
        // The commit in doubt began a moment ago, unless the store is older than that.
        if found.outcome() != Outcome::Pending {
            return found_commit::follow(ctx, &service, &found).await;
        }
        if is_past_pending(&found) {
            return ctx.record(vec![Event::Committed]).await;
        }
    }
    let pipeline = ctx.pipeline;
    let Some(_permit) = pipeline.guards.pause.permit(ctx.job.package().folder.as_deref()).await else {
        return ctx.wait_paused().await;
    };
    if pipeline.shutdown.is_cancelled() {
        return Err(Interrupt::ShuttingDown);
    }
    ctx.record(vec![Event::CommitIntended]).await?;
    match service.commit(product, submission).await {
        Ok(()) => ctx.record(vec![Event::Committed]).await,
        // The commit is in doubt: read the submission.
        Err(error) if error.execution == Execution::Unknown || error.recovery == Recovery::Reconcile => {
            let was_refused = error.execution == Execution::Rejected;
            if !was_refused {
                let causes = ctx.pipeline.events().causes();
                crate::observe::response_lost(causes, &ctx.job, "commit", &error.to_string());
            }
            let found = ctx.fetch_submission(&service).await?;
            if is_past_pending(&found) && was_refused {
                // A commit of this run has no effect before it was sent.
                return found_commit::follow(ctx, &service, &found).await;
            }
            if is_past_pending(&found) {
                return ctx.record(vec![Event::Committed]).await;
            }
            ctx.retry_later(Fault::new(ErrorKind::CommitUnanswered, error.to_string()), error.retry_after)
                .await
        }
        Err(error) => ctx.on_own_object_error(error).await,
    }
}
