//! `[guard]`: checked right before a label is sent.

use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use dropship_hardware::NewShippingLabel;
use dropship_job::{HoldFault, HoldReason};
use dropship_rules::label::Guard;

/// Checks the request for the label at `index`. Returns why an operator must approve it; holds the job when the label
/// must never be created. A create in doubt is not stopped: it may have taken effect.
pub(super) async fn check<S: Service>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    request: &NewShippingLabel,
) -> StepResult<Vec<String>> {
    let guard = ctx.pipeline.settings.guard.current();
    let is_in_doubt = ctx.job.labels().get(index).is_some_and(|label| label.intent().is_some());
    if *guard == Guard::default() || is_in_doubt {
        return Ok(Vec::new());
    }
    let snapshot = ctx.plan_snapshot().await?;
    let Some(label) = snapshot.plan.labels.get(index) else { return Ok(Vec::new()) };
    let verdict = guard.check_before_sending(request, label, &snapshot.plan, &snapshot.facts);
    if verdict.refused.is_empty() {
        return Ok(verdict.held);
    }
    let message = format!(
        "label `{}` is refused: {}; change the rule or `[guard]`, reload, then approve to check again",
        label.name,
        verdict.refused.join("; ")
    );
    ctx.hold(HoldFault::new(HoldReason::GuardRefused, message)).await
}
