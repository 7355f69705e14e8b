//! The sign step: wait until Microsoft has signed and offers the signed package.

use std::time::Duration;

use super::hand::{Go, Hand, Stop};
use super::learnt::Wait;
use super::reading::{self, is_pending};
use super::service::Service;
use crate::outbox::ERRORS;
use dropship_hardware::{Class, Fate, Submission, WorkflowStatus};
use dropship_job::{Event, Fault};

/// The fault of a job whose submission Microsoft refused.
pub(super) const SIGNING_FAILED: &str = "signing-failed";

/// A commit that shows no effect for so long is called again; the service refuses a second one.
const COMMIT_LOST: Duration = Duration::from_secs(600);

/// Looks once.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let service = hand.service().await?;
    let submission = hand.look(&service).await?;
    progress(hand, &submission).await?;
    if submission.is_failed() {
        return refused(hand, &service, &submission).await;
    }
    if submission.is_signed() {
        let learnt = hand.learn(Wait::Sign);
        return hand.record_with(learnt, vec![Event::Signed]).await;
    }
    let pending = is_pending(&submission);
    if pending && hand.waited() > COMMIT_LOST {
        commit_again(hand, &service).await?;
    }
    hand.overdue_after(hand.context.settings.overdue.sign).await?;
    let why = match &hand.job.workflow {
        Some((step, state)) => format!("Microsoft's signature; {step} is {state}"),
        None => "Microsoft's signature".to_owned(),
    };
    if pending || hand.job.last_polled.is_none() {
        // That the commit took effect is seen soon.
        return hand.look_again(hand.context.settings.sign, why).await;
    }
    hand.look_out(Wait::Sign, why).await
}

/// A commit that was answered well and shows no effect is called again; whatever comes of it shows at the next look.
async fn commit_again<S: Service>(hand: &mut Hand<'_, S>, service: &S) -> Go {
    let (product, id) = hand.remote().await?;
    let context = hand.context;
    let Some(_pass) = context.brake.pass(hand.job.package.folder.as_deref()).await else {
        return hand.wait_paused().await;
    };
    if context.draining.is_cancelled() {
        return Err(Stop::Draining);
    }
    match service.commit(product, id).await {
        Ok(()) => Ok(()),
        Err(error) if error.fate == Fate::Uncertain || error.class == Class::Reconcile => {
            crate::observe::doubtful(&hand.job, "commit", &error.to_string());
            Ok(())
        }
        Err(error) => hand.trouble(error).await,
    }
}

/// Records a change of the workflow.
async fn progress<S: Service>(hand: &mut Hand<'_, S>, submission: &Submission) -> Go {
    let Some((step, state)) = reading::progress(submission.workflow_status.as_ref()) else { return Ok(()) };
    if hand.job.workflow.as_ref() == Some(&(step.clone(), state.clone())) {
        return Ok(());
    }
    hand.record(vec![Event::Progressed { label: None, step, state }]).await
}

/// Microsoft refused the package: its reasons go to the outbox, and the product is burnt.
async fn refused<S: Service>(hand: &mut Hand<'_, S>, service: &S, submission: &Submission) -> Go {
    let status = submission.workflow_status.as_ref();
    let reasons = reasons(hand, service, status).await?;
    let step = reading::progress(submission.workflow_status.as_ref())
        .map_or_else(|| "its workflow".to_owned(), |(step, _)| step);
    let message = format!(
        "Microsoft refused the submission in {step}: {}; its product is burnt: mend the package and drop it anew, \
         or `dropship retry {} --new-product`",
        if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join("; ") },
        hand.job.id,
    );
    hand.fail(Fault::new(SIGNING_FAILED, message)).await
}

/// What Microsoft says against something; a report about it goes to the outbox.
pub(super) async fn reasons<S: Service>(
    hand: &mut Hand<'_, S>,
    service: &S,
    status: Option<&WorkflowStatus>,
) -> Go<Vec<String>> {
    let mut reasons = status.map(|status| status.messages.clone()).unwrap_or_default();
    if let Some(url) = status.and_then(|status| status.error_report.as_ref()) {
        let outbox = hand.context.outbox(&hand.job);
        let staged = outbox.staging(ERRORS);
        let fetched = match outbox.prepare() {
            Ok(()) => service.download(url, &staged).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match fetched.and_then(|_| outbox.publish(ERRORS).map_err(|error| error.to_string())) {
            Ok(()) => reasons.push(format!("see {ERRORS} in the outbox")),
            Err(error) if hand.job.attempts < 5 => {
                let fault =
                    Fault::new("error-report", format!("the error report cannot be fetched: {error}"));
                return hand.stumble(fault, Some(Duration::from_secs(1))).await;
            }
            Err(error) => reasons.push(format!("the error report cannot be fetched: {error}")),
        }
    }
    Ok(reasons)
}
