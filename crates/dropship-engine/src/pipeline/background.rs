//! Work that is due on a job in any state: searches for late duplicates, withdrawals of labels, and dropped files that could
//! not be deleted or moved. It never changes the state of the job, also when it fails.

use std::time::Duration;

use super::after_success;
use super::duplicates;
use super::labels::{DueWithdrawal, attempt_withdrawal};
use super::service::Service;
use super::step_context::{Interrupt, StepContext, StepResult};
use dropship_job::{Job, LateDuplicateCheck};

/// First interval between attempts at a search that failed.
const MIN_RETRY: Duration = Duration::from_secs(5);
/// Maximum interval between attempts at a search that failed.
pub(super) const MAX_RETRY: Duration = Duration::from_secs(3600);

/// Does everything that is due.
pub(super) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let pipeline = ctx.pipeline;
    loop {
        let now = pipeline.clock.now();
        if ctx.job.background_due().is_none_or(|due| due > now) {
            return Ok(());
        }
        if pipeline.shutdown.is_cancelled() {
            return Err(Interrupt::ShuttingDown);
        }
        if let Some(withdrawal) = due_withdrawal(&ctx.job, now) {
            attempt_withdrawal(ctx, &withdrawal).await?;
            continue;
        }
        let Some(check) = due_check(&ctx.job, now) else {
            if ctx.job.after_due().is_some_and(|due| due <= now) && after_success::retry_after(ctx).await? {
                continue;
            }
            return Ok(());
        };
        if let Err(why) = duplicates::try_check(ctx, &check).await? {
            crate::observe::duplicate_check_failed(&pipeline.failed_checks, &ctx.job, &check.name, &why);
            // The interval doubles with the time since the check was due.
            let overdue_by = Duration::try_from(now.duration_since(check.due)).unwrap_or_default();
            ctx.retry_background_at(pipeline.clock.after(overdue_by.clamp(MIN_RETRY, MAX_RETRY)));
            return Ok(());
        }
    }
}

/// The earliest search that is due.
fn due_check(job: &Job, now: jiff::Timestamp) -> Option<LateDuplicateCheck> {
    let due = job.duplicate_checks().iter().filter(|check| check.due <= now);
    due.min_by_key(|check| check.due).cloned()
}

/// A withdrawal that is due.
fn due_withdrawal(job: &Job, now: jiff::Timestamp) -> Option<DueWithdrawal> {
    job.pending_withdrawals().into_iter().find_map(|pending| {
        let withdrawal = pending.withdrawal.filter(|withdrawal| withdrawal.due <= now)?;
        Some(DueWithdrawal {
            index: pending.label,
            id: pending.id?,
            is_agreed: pending.is_agreed,
            by: withdrawal.by.clone(),
            since: withdrawal.since,
        })
    })
}
