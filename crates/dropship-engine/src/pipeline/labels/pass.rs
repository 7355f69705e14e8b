//! One pass over the labels of a job: follow those that exist, let published ones supersede older labels, request those that
//! may be requested. A label that cannot continue does not stop the others.

use super::conclude::conclude;
use super::{follow, send};
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{Interrupt, StepContext, StepResult};
use crate::pipeline::supersede;

/// Processes all labels once, then records when the next pass is due.
pub(crate) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    ctx.forget_next_pass();
    let snapshot = ctx.plan_snapshot().await?;
    follow::poll(ctx).await?;
    let superseding = supersede::run(ctx).await?;
    for (index, plan) in snapshot.plan.labels.iter().enumerate() {
        let Some(label) = ctx.job.labels().get(index) else { break };
        if !label.is_missing() || label.hold().is_some() {
            continue;
        }
        ctx.begin_label(index);
        let sent = send::run(ctx, index, plan).await;
        ctx.end_label();
        match sent {
            Ok(()) | Err(Interrupt::LabelDeferred) => {}
            Err(other) => return Err(other),
        }
    }
    conclude(ctx, superseding).await
}
