//! The inspect step of a retried job. The first inspection is part of admission.

use crate::pipeline::service::Service;
use crate::pipeline::step_context::{Interrupt, StepContext, StepResult};
use dropship_job::{HoldFault, HoldReason};

/// Inspects the package again, from where it was found.
pub(crate) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let inspector = ctx.pipeline.inspector.clone();
    let job = ctx.job.clone();
    let events = tokio::task::spawn_blocking(move || inspector.reinspect(&job)).await;
    match events {
        // The inspection was cancelled; it is made again after the next start.
        Ok(events) if events.is_empty() => Err(Interrupt::ShuttingDown),
        Ok(events) => ctx.record(events).await,
        Err(error) => {
            let fault = HoldFault::new(HoldReason::InspectionFailed, format!("inspection failed: {error}"));
            ctx.hold(fault).await
        }
    }
}
