//! `[guard]`: checked right before a label is sent.

use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use dropship_hardware::NewShippingLabel;
use dropship_job::{HoldFault, HoldReason};
use dropship_package::Facts;
use dropship_rules::label::Guard;
use dropship_rules::{LabelPlan, Plan};

/// Checks the request for the label at `index`. Returns why an operator must approve it; holds the job when the label
/// must never be created. The search for a create in doubt does not need this; its repetition does.
pub(super) async fn check<S: Service>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    request: &NewShippingLabel,
) -> StepResult<Vec<String>> {
    let guard = ctx.pipeline.settings.guard.current();
    if *guard == Guard::default() {
        return Ok(Vec::new());
    }
    let snapshot = ctx.plan_snapshot().await?;
    let Some(label) = snapshot.plan.labels.get(index) else { return Ok(Vec::new()) };
    match guard_limits(&guard, request, label, &snapshot.plan, &snapshot.facts) {
        Ok(held) => Ok(held),
        Err(fault) => ctx.hold(fault).await,
    }
}

/// Why an operator must approve the request for a label of a plan.
///
/// # Errors
/// When the label must never be created.
pub(crate) fn guard_limits(
    guard: &Guard,
    request: &NewShippingLabel,
    label: &LabelPlan,
    plan: &Plan,
    facts: &Facts,
) -> Result<Vec<String>, HoldFault> {
    let verdict = guard.check_before_sending(request, label, plan, facts);
    if verdict.refused.is_empty() {
        return Ok(verdict.held);
    }
    let message = format!(
        "label `{}` is refused: {}; change `[guard]`, reload and approve, or change the rule, reload and retry",
        label.name,
        verdict.refused.join("; ")
    );
    Err(HoldFault::new(HoldReason::GuardRefused, message))
}
