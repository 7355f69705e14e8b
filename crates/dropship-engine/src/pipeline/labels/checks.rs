//! What has to be true of a label right before its request is sent, for the first time or again: the labels that it depends on are live,
//! `[guard]` permits it, and it has its approvals.

use jiff::Timestamp;

use super::guard_check;
use super::predecessors;
use super::prepared::PreparedRequest;
use crate::pipeline::known_audiences;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{Interrupt, StepContext, StepResult};
use dropship_job::{Event, HoldFault, HoldReason, Job, LabelGate, LabelHold, Release, WaitReason};
use dropship_rules::plan::LabelPlan;

/// Whether a label that was not requested yet can be requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestReadiness {
    /// It can be requested now, if its request is approved.
    Now,
    /// Its soak ends at this time.
    At(Timestamp),
    /// A label that it depends on is not published yet.
    Later,
    /// The label depends on the label at this index, which will never be published or is no longer published.
    PredecessorLost(usize),
}

impl RequestReadiness {
    /// The readiness of the label at an index.
    pub(crate) fn of(job: &Job, index: usize, now: Timestamp) -> Self {
        match job.label_gate(index) {
            LabelGate::Unpublished => Self::Later,
            LabelGate::From(time) if time > now => Self::At(time),
            LabelGate::From(_) => Self::Now,
            LabelGate::PredecessorLost(predecessor) => Self::PredecessorLost(predecessor),
        }
    }
}

/// Goes on if the label at an index can be requested now. Defers a label that waits, and holds one that depends on a lost label.
pub(super) async fn readiness<S: Service>(ctx: &mut StepContext<'_, S>, index: usize) -> StepResult {
    match RequestReadiness::of(&ctx.job, index, ctx.pipeline.clock.now()) {
        RequestReadiness::Now => Ok(()),
        RequestReadiness::Later => Err(Interrupt::LabelDeferred),
        RequestReadiness::At(time) => {
            ctx.next_pass_by(time, WaitReason::Soak);
            Err(Interrupt::LabelDeferred)
        }
        RequestReadiness::PredecessorLost(predecessor) => predecessors::hold(ctx, index, predecessor).await,
    }
}

/// Holds a label with `hold`, or one that exceeds a limit of `[guard]`, until an operator has approved exactly this request.
pub(super) async fn approval<S: Service>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    plan: &LabelPlan,
    prepared: &PreparedRequest,
) -> StepResult {
    let limits = guard_check::check(ctx, index, &prepared.request).await?;
    let Some(LabelHold { fault, release, .. }) = missing_approval(&ctx.job, index, plan, prepared, &limits)
    else {
        return Ok(());
    };
    let audiences = known_audiences::entry(&*ctx.pipeline.store, ctx.account(), &prepared.audiences);
    let audiences = audiences.map_err(Interrupt::Store)?.into_iter().collect();
    let held = Event::LabelHeld { label: index, fault, release };
    ctx.record_with(audiences, vec![held]).await?;
    Err(Interrupt::LabelDeferred)
}

/// The hold of a label whose request an operator has to approve; `None` if it needs no approval, or has it.
pub(crate) fn missing_approval(
    job: &Job,
    index: usize,
    plan: &LabelPlan,
    prepared: &PreparedRequest,
    limits: &[String],
) -> Option<LabelHold> {
    let approved = job.labels().get(index).and_then(|label| label.approved());
    if (!plan.hold.is_required() && limits.is_empty()) || approved == Some(prepared.digest.as_str()) {
        return None;
    }
    let warnings = prepared.warnings.iter();
    let warnings: String =
        warnings.map(|warning| format!("; {} ({})", warning.message, warning.document)).collect();
    let reasons: String = limits.iter().map(|reason| format!("; {reason}")).collect();
    let date =
        prepared.request.publishing_specifications.as_ref().and_then(|how| how.go_live_date.as_deref());
    let date = match (date, plan.go_live.filter(|live| live.fixed().is_none())) {
        (Some(date), Some(rule)) => {
            format!("; it goes live on {date} (UTC) if approved today, since `go_live` is \"{rule}\"")
        }
        (Some(date), None) => format!("; it goes live on {date} (UTC)"),
        (None, _) => String::new(),
    };
    let operators = match plan.hold.operators() {
        0 | 1 => String::new(),
        several => format!(" of {several} different operators"),
    };
    let message = format!(
        "label `{0}` needs `dropship approve {1} --request {2}`{operators}{reasons}{date}{warnings}; `dropship show {1}` presents \
         the request",
        plan.name,
        job.id(),
        prepared.digest
    );
    let reason = if limits.is_empty() { HoldReason::Approval } else { HoldReason::Guard };
    let release = Release::Request(prepared.digest.clone());
    Some(LabelHold::new(HoldFault::new(reason, message), release, plan.hold.operators()))
}
