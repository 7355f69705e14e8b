//! Requests one label, once the labels that it depends on are live and an operator has approved it if the rule wants that.

use super::create::LabelCreate;
use super::request::{self, Prepared};
use crate::pipeline::create::create;
use crate::pipeline::label_guard;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use dropship_hardware::LabelId;
use dropship_job::{ErrorKind, Event, Fault, Job, LabelGate, Release, WaitReason};
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
            LabelGate::PredecessorLost(before) => return hold_for_predecessor(ctx, index, before).await,
        }
    }
    let prepared = request::prepare(ctx, plan).await?;
    if !was_in_doubt {
        let limits = label_guard::check(ctx, index, &prepared.new).await?;
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

/// Reads the labels that a label depends on again, right before it is requested. Holds the label if one is lost.
pub(super) async fn confirm_predecessors<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    index: usize,
) -> StepResult {
    let Some(label) = ctx.job.labels().get(index) else { return Ok(()) };
    if label.is_predecessor_waived() {
        return Ok(());
    }
    let before = label.plan().after.clone();
    let (product, submission) = ctx.remote().await?;
    for before in before {
        let Some(id) = ctx.job.labels().get(before).and_then(dropship_job::Label::id) else { continue };
        let found = ctx.unless_shutting_down(service.label(product, submission, LabelId(id))).await?;
        let reason = match found {
            Ok(found) if found.is_failed() => {
                let status = found.workflow_status.as_ref();
                let messages =
                    status.map(|status| status.messages.join("; ")).filter(|text| !text.is_empty());
                format!("failed after it was published: {}", messages.as_deref().unwrap_or("no reason given"))
            }
            Ok(_) => continue,
            Err(error) if error.status == Some(404) => "disappeared after it was published".to_owned(),
            Err(error) => return ctx.on_api_error(error).await,
        };
        ctx.record(vec![Event::LabelFailed { label: before, reason }]).await?;
        return hold_for_predecessor(ctx, index, before).await;
    }
    Ok(())
}

/// Holds a label that depends on one which is lost.
async fn hold_for_predecessor<S: Service, T>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    before: usize,
) -> StepResult<T> {
    let name = |index: usize| ctx.job.labels().get(index).map_or("?", |label| label.name());
    let why = match ctx.job.labels().get(before) {
        Some(label) if label.is_withdrawn() => "was withdrawn".to_owned(),
        Some(label) => label.failure().unwrap_or("is no longer asked for").to_owned(),
        None => "does not exist".to_owned(),
    };
    let message = format!(
        "label `{}` depends on `{}`, which {why}; approve to create it anyway, `dropship retry {}` to request both by the rules \
         in force, or cancel the job",
        name(index),
        name(before),
        ctx.job.id()
    );
    ctx.hold_label(index, Fault::new(ErrorKind::PredecessorLost, message), Release::WithoutPredecessor).await
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
    let text = serde_json::to_string(&prepared.new).unwrap_or_else(|error| format!("no JSON form: {error}"));
    let message = format!(
        "label `{}` needs `dropship approve {} --request {}`{reasons}{date}{doubts}; request: {text}",
        plan.name,
        ctx.job.id(),
        prepared.digest
    );
    let kind = if limits.is_empty() { ErrorKind::Approval } else { ErrorKind::Guard };
    ctx.hold_label(index, Fault::new(kind, message), Release::Request(prepared.digest.clone())).await
}
