//! Requests one label, once the labels that it depends on are live and, if the rule requires it, an operator has approved the
//! request.

use super::checks;
use super::create::LabelCreate;
use super::request::{self, RequestPurpose};
use crate::pipeline::create::create;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use dropship_job::Job;
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
        checks::readiness(ctx, index).await?;
    }
    let purpose = if was_in_doubt { RequestPurpose::Search } else { RequestPurpose::Send };
    let prepared = request::prepare(ctx, plan, purpose).await?;
    if !was_in_doubt {
        checks::approval(ctx, index, plan, &prepared).await?;
    }
    let parent = ctx.remote().await?;
    let label_create = LabelCreate::new(parent, index, plan, prepared);
    let result = create(ctx, &label_create).await;
    let is_requested =
        ctx.job.labels().get(index).is_some_and(|label| label.intent().is_some() || label.id().is_some());
    if !was_in_doubt && is_requested {
        label_create.warnings().iter().for_each(|warning| crate::observe::label_warning(&ctx.job, warning));
    }
    result
}
