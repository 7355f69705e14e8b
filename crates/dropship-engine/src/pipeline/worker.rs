//! Workers: each takes the next job from the queue and runs its steps.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::assembly::Pipeline;
use super::background;
use super::labels;
use super::queue::NextJob;
use super::service::Service;
use super::step_context::{Interrupt, StepContext, StepResult};
use super::steps::{collect, commit, inspect, product, sign, submission, upload};
use dropship_hardware::Recovery;
use dropship_job::{ErrorKind, Event, Fault, HoldFault, HoldReason, Job, JobId, State, Step, WaitReason};
use dropship_store::StoreError;

/// Processes jobs until the shutdown, then waits until every worker has released its job.
pub(super) async fn run<S: Service>(pipeline: Arc<Pipeline<S>>) {
    // The maximum sleep: a suspended machine or a changed clock is noticed this late. The daemon's regular work ends it earlier.
    let idle = pipeline.heartbeat.idle_interval() * 2;
    let mut workers = JoinSet::new();
    while !pipeline.shutdown.is_cancelled() && pipeline.store_failed.borrow().is_none() {
        pipeline.heartbeat.beat();
        // Registered before the queue is read, so that no wakeup in between is lost.
        let wakeup = pipeline.queue.wakeup.notified();
        let has_free_worker = workers.len() < pipeline.settings.workers;
        let priority = |folder: &str| pipeline.settings.folders.priority(folder);
        let next = if has_free_worker {
            pipeline.queue.next(pipeline.clock.now(), priority)
        } else {
            NextJob::Nothing
        };
        let pause = match next {
            NextJob::Job(id) => {
                let pipeline = Arc::clone(&pipeline);
                let polls = pipeline.polls.clone();
                // Work that takes longer than a component may be silent belongs on a thread for blocking work.
                workers.spawn(polls.polls(async move { work(&pipeline, &id).await }));
                continue;
            }
            NextJob::Later(then) => {
                let span = then.duration_since(pipeline.clock.now());
                Duration::try_from(span).unwrap_or_default().clamp(Duration::from_millis(1), idle)
            }
            NextJob::Nothing => idle,
        };
        tokio::select! {
            () = wakeup => {}
            () = pipeline.shutdown.cancelled() => {}
            Some(_) = workers.join_next() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    loop {
        pipeline.heartbeat.beat();
        if let Ok(None) = tokio::time::timeout(idle / 2, workers.join_next()).await {
            return;
        }
    }
}

/// Processes one job until it is released.
async fn work<S: Service>(pipeline: &Pipeline<S>, id: &JobId) {
    let span = tracing::info_span!("job", job_id = %id);
    let result = AssertUnwindSafe(run_job(pipeline, id)).catch_unwind().instrument(span).await;
    match result {
        Ok(Err(error)) if error.is_fatal() => pipeline.report_store_failure(error.to_string()),
        Ok(Err(error)) => on_worker_error(pipeline, id, Some(error.to_string())).await,
        Ok(Ok(())) => {}
        Err(_) => on_worker_error(pipeline, id, None).await,
    }
    pipeline.queue.release(id);
}

/// Runs steps until the job waits, is held or has ended.
async fn run_job<S: Service>(pipeline: &Pipeline<S>, id: &JobId) -> Result<(), StoreError> {
    loop {
        let Some(job) = pipeline.store.job(id)? else { return Ok(()) };
        pipeline.queue.upsert(&job);
        let mut ctx = StepContext::new(pipeline, job);
        let result = run_steps(&mut ctx).await;
        if let Some(retry_at) = ctx.background_retry() {
            pipeline.queue.postpone(&ctx.job, ctx.job.due().map_or(retry_at, |due| due.min(retry_at)));
        }
        match result {
            Err(Interrupt::Conflict) => {}
            Err(Interrupt::Store(error)) => return Err(error),
            Ok(()) | Err(Interrupt::Suspended | Interrupt::LabelDeferred | Interrupt::ShuttingDown) => {
                return Ok(());
            }
        }
    }
}

async fn run_steps<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    if matches!(ctx.job.state(), State::Waiting { due, .. } if *due <= ctx.pipeline.clock.now()) {
        ctx.record(vec![Event::Resumed]).await?;
    }
    background::run(ctx).await?;
    while is_ready(&ctx.job, ctx.pipeline.clock.now()) {
        if ctx.pipeline.shutdown.is_cancelled() {
            return Err(Interrupt::ShuttingDown);
        }
        if ctx.job.step() != Step::Inspect {
            probe_suspended_account(ctx).await?;
        }
        match ctx.job.step() {
            Step::Inspect => inspect::run(ctx).await?,
            Step::Product => product::run(ctx).await?,
            Step::Submission => submission::run(ctx).await?,
            Step::Upload => upload::run(ctx).await?,
            Step::Commit => commit::run(ctx).await?,
            Step::Sign => sign::run(ctx).await?,
            Step::Collect => collect::run(ctx).await?,
            Step::Label | Step::Publish => labels::run(ctx).await?,
        }
    }
    Ok(())
}

/// Whether a step can run: the job is queued, or it is held and labels that do not wait for the operator are due.
fn is_ready(job: &Job, now: Timestamp) -> bool {
    match job.state() {
        State::Queued => true,
        State::Held { label: Some(_), due: Some(due), .. } => *due <= now,
        _ => false,
    }
}

/// While an account is suspended, one job probes it and the others wait.
async fn probe_suspended_account<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let account = ctx.account().to_owned();
    let pipeline = ctx.pipeline;
    let Some(suspension) = pipeline.guards.accounts.get(&account) else { return Ok(()) };
    let now = pipeline.clock.now();
    let next = pipeline.clock.after(pipeline.settings.account.max());
    if !pipeline.guards.accounts.claim_probe(&account, now, next) {
        let due = suspension.probe.max(pipeline.clock.after(Duration::from_secs(1)));
        return ctx.wait_until(due, WaitReason::SuspendedAccount { account, error: suspension.why }).await;
    }
    let service = ctx.service().await?;
    match service.probe().await {
        Ok(()) => {
            pipeline.resume_account(&account);
            Ok(())
        }
        Err(error) if matches!(error.recovery, Recovery::Credentials | Recovery::Permission) => {
            ctx.on_account_refused(&error).await
        }
        // Other errors of a probe do not concern this job.
        Err(error) => {
            pipeline
                .guards
                .accounts
                .postpone(&account, pipeline.clock.after(pipeline.settings.account.min()));
            let why = WaitReason::AccountProbe { account, error: error.to_string() };
            ctx.wait(pipeline.settings.account.min(), why).await
        }
    }
}

/// Handles an error inside dropship. A panic fails the attempt, not the daemon. An event that the state machine refused
/// would be refused again, so the job is held.
async fn on_worker_error<S: Service>(pipeline: &Pipeline<S>, id: &JobId, refusal: Option<String>) {
    let Ok(Some(job)) = pipeline.store.job(id) else { return };
    let report = "please report it together with the log lines before this one";
    if !matches!(job.state(), State::Queued | State::Waiting { .. } | State::Held { label: Some(_), .. }) {
        // Only background work ran: the job stays held or ended.
        let why = refusal.unwrap_or_else(|| "a panic".to_owned());
        tracing::error!(job_id = %id, "internal error during background work of job {id}: {why}; {report}");
        return pipeline.queue.postpone(&job, pipeline.clock.after(background::MAX_RETRY));
    }
    let mut ctx = StepContext::new(pipeline, job);
    let result = match refusal {
        Some(why) => {
            ctx.hold::<()>(HoldFault::new(HoldReason::Internal, format!("internal error: {why}; {report}")))
                .await
        }
        None => {
            let fault = Fault::new(ErrorKind::Internal, format!("internal error; {report}"));
            ctx.retry_later::<()>(fault, Some(Duration::from_secs(60))).await
        }
    };
    match result {
        Err(Interrupt::Store(error)) if error.is_fatal() => pipeline.report_store_failure(error.to_string()),
        Err(Interrupt::Store(error)) => {
            tracing::error!(job_id = %id, "internal error of job {id}: {error}; {report}");
            pipeline.queue.postpone(&ctx.job, pipeline.clock.after(background::MAX_RETRY));
        }
        _ => {}
    }
}
