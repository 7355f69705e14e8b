//! Requests one label, once the labels that it depends on are live and an operator has approved it if the rule wants that.

use super::create::LabelCreate;
use super::prepared::Prepared;
use super::{guard_check, predecessors, request};
use crate::pipeline::create::create;
use crate::pipeline::known_audiences;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{Interrupt, StepContext, StepResult};
use dropship_job::{Event, HoldFault, HoldReason, Job, LabelGate, Release, WaitReason};
use dropship_rules::plan::LabelPlan;

/// Requests the label at this index, or resolves its create if that is in doubt.
pub(super) async fn run<S: Service>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    plan: &LabelPlan,
) -> StepResult {
    let is_in_doubt = |job: &Job| job.labels().get(index).is_some_and(|label| label.intent().is_some());
    let was_in_doubt = is_in_doubt(&ctx.job);
    if !was_in_doubt {
        match ctx.job.label_gate(index) {
            LabelGate::Unpublished => return Ok(()),
            LabelGate::From(time) if time > ctx.pipeline.clock.now() => {
                ctx.next_pass_by(time, WaitReason::Soak);
                return Ok(());
            }
            LabelGate::From(_) => {}
            LabelGate::PredecessorLost(before) => return predecessors::hold(ctx, index, before).await,
        }
    }
    let prepared = request::prepare(ctx, plan).await?;
    if !was_in_doubt {
        let limits = guard_check::check(ctx, index, &prepared.new).await?;
        check_approval(ctx, index, plan, &prepared, &limits).await?;
    }
    let place = ctx.remote().await?;
    let (call, doubts) = LabelCreate::new(place, index, plan, prepared);
    let created = create(ctx, &call).await;
    let is_requested =
        ctx.job.labels().get(index).is_some_and(|label| label.intent().is_some() || label.id().is_some());
    if !was_in_doubt && is_requested {
        doubts.iter().for_each(|doubt| crate::observe::label_warning(&ctx.job, doubt));
    }
    created
}

/// Holds a label with `hold`, or one that exceeds `limits`, until an operator has approved exactly this request.
async fn check_approval<S: Service>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    plan: &LabelPlan,
    prepared: &Prepared,
    limits: &[String],
) -> StepResult {
    let approved = ctx.job.labels().get(index).and_then(|label| label.approved());
    if (!plan.hold && limits.is_empty()) || approved == Some(prepared.digest.as_str()) {
        return Ok(());
    }
    let doubts = prepared.warnings.iter();
    let doubts: String = doubts.map(|doubt| format!("; {} ({})", doubt.message, doubt.document)).collect();
    let reasons: String = limits.iter().map(|reason| format!("; {reason}")).collect();
    let date = prepared.new.publishing_specifications.as_ref().and_then(|how| how.go_live_date.as_deref());
    let date = match (date, plan.go_live.filter(|live| live.fixed().is_none())) {
        (Some(date), Some(rule)) => {
            format!("; it goes live on {date} (UTC) if approved today, since `go_live` is \"{rule}\"")
        }
        (Some(date), None) => format!("; it goes live on {date} (UTC)"),
        (None, _) => String::new(),
    };
    let message = format!(
        "label `{0}` needs `dropship approve {1} --request {2}`{reasons}{date}{doubts}; `dropship show {1}` presents the request",
        plan.name,
        ctx.job.id(),
        prepared.digest
    );
    let reason = if limits.is_empty() { HoldReason::Approval } else { HoldReason::Guard };
    let audiences = known_audiences::entry(&*ctx.pipeline.store, ctx.account(), &prepared.audiences);
    let audiences = audiences.map_err(Interrupt::Store)?.into_iter().collect();
    let release = Release::Request(prepared.digest.clone());
    let held = Event::LabelHeld { label: index, fault: HoldFault::new(reason, message), release };
    ctx.record_with(audiences, vec![held]).await?;
    Err(Interrupt::LabelDeferred)
}
