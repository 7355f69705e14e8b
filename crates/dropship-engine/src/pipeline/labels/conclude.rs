//! The end of a pass: the job is done, has failed, or continues at a time.

use crate::pipeline::service::Service;
use crate::pipeline::step_context::{Interrupt, StepContext, StepResult};
use crate::pipeline::supersede::Superseding;
use dropship_job::{
    ErrorKind, Event, Fault, HoldFault, HoldReason, Job, Label, LabelHold, LabelStage, Release, Step,
    WaitReason,
};

/// Records where the job stands after a pass, and when the next one is due.
pub(super) async fn conclude<S: Service>(
    ctx: &mut StepContext<'_, S>,
    superseding: Superseding,
) -> StepResult {
    let is_complete = |job: &Job| !job.labels().iter().any(Label::is_missing);
    if is_complete(&ctx.job) && ctx.job.step() == Step::Label {
        ctx.record(vec![Event::Labelled]).await?;
    }
    let is_on_its_way = ctx.job.labels().iter().any(Label::is_processing);
    let is_held = ctx.job.labels().iter().any(|label| label.hold().is_some());
    match FailedLabels::of(&ctx.job, ctx.next_pass().is_some() || superseding != Superseding::Done) {
        FailedLabels::EndTheJob(fault) => return ctx.fail(fault).await,
        FailedLabels::Hold(holds) => {
            for (index, LabelHold { fault, release, .. }) in holds {
                ctx.put_on_hold(index, fault, release).await?;
            }
        }
    }
    if is_on_its_way {
        if ctx.job.step() == Step::Publish {
            ctx.report_overdue(ctx.pipeline.settings.overdue.publish).await?;
        }
        let why = match is_complete(&ctx.job) {
            true => WaitReason::Publication,
            false => WaitReason::Predecessors,
        };
        let next_poll = ctx.next_poll(ctx.pipeline.settings.publish);
        ctx.next_pass_by(next_poll, why);
    } else if is_complete(&ctx.job) && !is_held {
        match superseding {
            _ if is_withdrawn(&ctx.job) => {
                let by = "the withdrawal of all its labels".to_owned();
                return ctx.suspend(Event::Cancelled { by }).await;
            }
            Superseding::Done => return ctx.succeed(Vec::new()).await,
            Superseding::Refused | Superseding::From(_) => {}
        }
    }
    match superseding {
        Superseding::Refused => {
            let next_poll = ctx.next_poll(ctx.pipeline.settings.publish);
            ctx.next_pass_by(next_poll, WaitReason::OlderLabels);
        }
        Superseding::From(time) => ctx.next_pass_by(time, WaitReason::GoLive),
        Superseding::Done => {}
    }
    wait(ctx, is_on_its_way).await
}

/// What happens with labels that failed at Microsoft.
pub(crate) enum FailedLabels {
    /// Nothing else is left to do: the job fails.
    EndTheJob(Fault),
    /// Those at these indices are put on hold, and the others continue. Usually there are none.
    Hold(Vec<(usize, LabelHold)>),
}

impl FailedLabels {
    /// `is_due` says whether another pass is due.
    pub(crate) fn of(job: &Job, is_due: bool) -> Self {
        let failed = unresolved_failures(job);
        let others_continue =
            is_due || job.labels().iter().any(|label| label.is_processing() || label.hold().is_some());
        if !failed.is_empty() && !others_continue {
            return Self::EndTheJob(Fault::new(ErrorKind::LabelFailed, failures(job, &failed)));
        }
        let unacknowledged = failed
            .into_iter()
            .filter(|index| !is_acknowledged(job, *index) && job.labels()[*index].hold().is_none());
        let hold = |index: usize| {
            let fault = HoldFault::new(HoldReason::LabelFailed, failures(job, &[index]));
            (index, LabelHold::new(fault, Release::Attempt, 1))
        };
        Self::Hold(unacknowledged.map(hold).collect())
    }
}

/// Whether the rule asks for labels, and none of them is published.
fn is_withdrawn(job: &Job) -> bool {
    let mut requested = job.labels().iter().filter(|label| !label.is_dropped()).peekable();
    requested.peek().is_some() && requested.all(|label| !label.is_published())
}

/// Waits for the next pass, or for the operator.
async fn wait<S: Service>(ctx: &mut StepContext<'_, S>, polled: bool) -> StepResult {
    let is_held = ctx.job.labels().iter().any(|label| label.hold().is_some());
    match ctx.next_pass().cloned() {
        Some((due, why)) => ctx.suspend(Event::Waited { due, why, polled }).await,
        None if is_held => ctx.suspend(Event::Idle).await,
        None => {
            let message = "no label can continue, and none waits for an operator; please report it";
            ctx.hold(HoldFault::new(HoldReason::Internal, message)).await
        }
    }?;
    Err(Interrupt::Suspended)
}

/// Indices of labels that failed, unless another label waits for them: an operator decides about that one.
fn unresolved_failures(job: &Job) -> Vec<usize> {
    let failed = |index: &usize| job.labels()[*index].failure().is_some() && !job.is_awaited(*index);
    (0..job.labels().len()).filter(failed).collect()
}

/// Whether an operator knows that the label failed.
fn is_acknowledged(job: &Job, index: usize) -> bool {
    matches!(job.labels()[index].stage(), Some(LabelStage::Failed { acknowledged: true, .. }))
}

/// The text about failed labels.
fn failures(job: &Job, failed: &[usize]) -> String {
    let texts = failed.iter().filter_map(|index| {
        let label = &job.labels()[*index];
        Some(format!("label `{}` {}", label.name(), label.failure()?))
    });
    format!(
        "{}; check it in Partner Center (a label that was cancelled there is shown as failed too), then `dropship retry {}` \
         requests it again by the rules in force",
        texts.collect::<Vec<_>>().join("; "),
        job.id()
    )
}
