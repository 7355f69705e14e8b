//! Workers: each takes the next job and goes on with it as far as it will go.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::context::Context;
use super::hand::{Go, Hand, Stop};
use super::queue::Next;
use super::service::Service;
use super::{collect, commit, label, product, publish, sign, submission, twins, upload};
use crate::store::StoreError;
use dropship_hardware::Class;
use dropship_job::{Event, Fault, JobId, State, Step};

/// Works on jobs until the daemon drains, then waits until every worker has put its job down.
pub async fn run<S: Service>(context: Arc<Context<S>>) {
    // The clock is looked at so often: suspended machines and changed clocks are not missed.
    let glance = crate::pulse::pace();
    let mut workers = JoinSet::new();
    while !context.draining.is_cancelled() && context.broken.borrow().is_none() {
        context.witness.beat();
        // Listened for before the queue is asked, so that no ring in between is lost.
        let bell = context.queue.bell.notified();
        let free = workers.len() < context.settings.workers;
        let priority = |folder: &str| context.settings.folders.priority(folder);
        let next = if free { context.queue.next(context.clock.now(), priority) } else { Next::Nothing };
        let pause = match next {
            Next::Job(id) => {
                let context = Arc::clone(&context);
                workers.spawn(async move { work(&context, &id).await });
                continue;
            }
            Next::Later(then) => {
                let span = then.duration_since(context.clock.now());
                Duration::try_from(span).unwrap_or_default().clamp(Duration::from_millis(1), glance)
            }
            Next::Nothing => glance,
        };
        tokio::select! {
            () = bell => {}
            () = context.draining.cancelled() => {}
            Some(_) = workers.join_next() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    loop {
        context.witness.beat();
        if let Ok(None) = tokio::time::timeout(glance, workers.join_next()).await {
            return;
        }
    }
}

/// Works on one job until it is put down.
async fn work<S: Service>(context: &Context<S>, id: &JobId) {
    let span = tracing::info_span!("job", job_id = %id);
    let worked = AssertUnwindSafe(go_on(context, id)).catch_unwind().instrument(span).await;
    match worked {
        Ok(Err(error)) if error.is_fatal() => {
            context.broken.send_replace(Some(error.to_string()));
        }
        Ok(Err(error)) => set_down(context, id, Some(error.to_string())).await,
        Ok(Ok(())) => {}
        Err(_) => set_down(context, id, None).await,
    }
    context.queue.put_down(id);
}

/// Runs steps as long as the job stays queued.
async fn go_on<S: Service>(context: &Context<S>, id: &JobId) -> Result<(), StoreError> {
    loop {
        let Some(job) = context.store.job(id)? else { return Ok(()) };
        context.queue.place(&job);
        let mut hand = Hand::new(context, job);
        let went = drive(&mut hand).await;
        match went {
            Err(Stop::Changed) => {}
            Err(Stop::Store(error)) => return Err(error),
            Ok(()) | Err(Stop::Parked | Stop::Draining) => return Ok(()),
        }
    }
}

async fn drive<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    if matches!(hand.job.state, State::Waiting { due, .. } if due <= hand.context.clock.now()) {
        hand.record(vec![Event::Resumed]).await?;
    }
    if !matches!(hand.job.state, State::Queued | State::Waiting { .. }) {
        return twins::look_back(hand).await;
    }
    while hand.job.state == State::Queued {
        if hand.context.draining.is_cancelled() {
            return Err(Stop::Draining);
        }
        if hand.job.step != Step::Inspect {
            account_works(hand).await?;
            twins::sweep(hand).await?;
        }
        match hand.job.step {
            Step::Inspect => super::inspect::run(hand).await?,
            Step::Product => product::run(hand).await?,
            Step::Submission => submission::run(hand).await?,
            Step::Upload => upload::run(hand).await?,
            Step::Commit => commit::run(hand).await?,
            Step::Sign => sign::run(hand).await?,
            Step::Collect => collect::run(hand).await?,
            Step::Label => label::run(hand).await?,
            Step::Publish => publish::run(hand).await?,
        }
    }
    Ok(())
}

/// While an account is paused one job probes it, and the others wait.
async fn account_works<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let account = hand.account().to_owned();
    let context = hand.context;
    let Some(paused) = context.accounts.paused(&account) else { return Ok(()) };
    let now = context.clock.now();
    let next = context.clock.after(context.settings.account.max);
    if !context.accounts.claim_probe(&account, now, next) {
        let due = paused.probe.max(context.clock.after(Duration::from_secs(1)));
        return hand.wait_until(due, format!("account `{account}` is paused: {}", paused.why)).await;
    }
    let service = hand.service().await?;
    match service.probe().await {
        Ok(()) => {
            context.resume_account(&account);
            Ok(())
        }
        Err(error) if matches!(error.class, Class::Credentials | Class::Permission) => {
            hand.account_refused(&error).await
        }
        // Whatever else is wrong with a probe says nothing of this job.
        Err(error) => {
            context.accounts.postpone(&account, context.clock.after(context.settings.account.first));
            hand.wait(context.settings.account.first, format!("account `{account}` cannot be tried: {error}"))
                .await
        }
    }
}

/// A panic fails the attempt, not the daemon; what the state machine refuses can only be refused again, so a person
/// has to look.
async fn set_down<S: Service>(context: &Context<S>, id: &JobId, refused: Option<String>) {
    let Ok(Some(job)) = context.store.job(id) else { return };
    let report = "please report it with the lines of the journal before this one";
    if !matches!(job.state, State::Queued | State::Waiting { .. }) {
        // Only what came late of it was looked for: it stays what it is.
        let why = refused.unwrap_or_else(|| "a panic".to_owned());
        tracing::error!(job_id = %id, "a fault inside dropship: {why}; {report}");
        return context.queue.postpone(id, context.clock.after(twins::SELDOM));
    }
    let mut hand = Hand::new(context, job);
    let put_down = match refused {
        Some(why) => {
            hand.hold::<()>(Fault::new("internal", format!("a fault inside dropship: {why}; {report}"))).await
        }
        None => {
            let fault = Fault::new("internal", format!("a fault inside dropship; {report}"));
            hand.stumble::<()>(fault, Some(Duration::from_secs(60))).await
        }
    };
    match put_down {
        Err(Stop::Store(error)) if error.is_fatal() => {
            drop(context.broken.send_replace(Some(error.to_string())))
        }
        Err(Stop::Store(error)) => {
            tracing::error!(job_id = %id, "a fault inside dropship: {error}; {report}");
            context.queue.postpone(id, context.clock.after(twins::SELDOM));
        }
        _ => {}
    }
}
