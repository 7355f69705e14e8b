//! The labels that a label depends on: it is held when one of them is lost.

use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use crate::service_id::ServiceId;
use dropship_hardware::LabelId;
use dropship_job::{Event, HoldFault, HoldReason, Job, Label, LabelHold, Release};

/// Reads the labels that a label depends on again, right before it is requested. Holds the label if one is lost.
pub(super) async fn confirm<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    index: usize,
) -> StepResult {
    let Some(label) = ctx.job.labels().get(index) else { return Ok(()) };
    if label.is_predecessor_waived() {
        return Ok(());
    }
    let predecessors = label.plan().after.clone();
    let (product, submission) = ctx.remote().await?;
    for predecessor in predecessors {
        let Some(id) = ctx.job.labels().get(predecessor).and_then(Label::id) else { continue };
        let shipping_label =
            ctx.unless_shutting_down(service.label(product, submission, LabelId::of(id))).await?;
        let reason = match shipping_label {
            Ok(shipping_label) if shipping_label.is_failed() => {
                let status = shipping_label.workflow_status.as_ref();
                let messages =
                    status.map(|status| status.messages.join("; ")).filter(|text| !text.is_empty());
                format!("failed after it was published: {}", messages.as_deref().unwrap_or("no reason given"))
            }
            Ok(_) => continue,
            // One part of the service may not know the label for a while.
            Err(error) if error.status == Some(404) && ctx.has_failed_for_long() => {
                "disappeared after it was published".to_owned()
            }
            Err(error) => return ctx.on_read_error(error).await,
        };
        ctx.record(vec![Event::LabelFailed { label: predecessor, reason }]).await?;
        return hold(ctx, index, predecessor).await;
    }
    Ok(())
}

/// Holds a label that depends on one which is lost.
pub(super) async fn hold<S: Service, T>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    predecessor: usize,
) -> StepResult<T> {
    let LabelHold { fault, release, .. } = lost_predecessor(&ctx.job, index, predecessor);
    ctx.hold_label(index, fault, release).await
}

/// The hold of a label that depends on one which is lost.
pub(crate) fn lost_predecessor(job: &Job, index: usize, predecessor: usize) -> LabelHold {
    let name = |index: usize| job.labels().get(index).map_or("?", |label| label.name());
    let why = match job.labels().get(predecessor) {
        Some(label) if label.is_withdrawn() => "was withdrawn".to_owned(),
        Some(label) if label.is_gone() => label
            .drift()
            .map_or_else(|| "is not published any more".to_owned(), |drift| drift.drift.to_string()),
        Some(label) => label.failure().unwrap_or("is no longer asked for").to_owned(),
        None => "does not exist".to_owned(),
    };
    let message = format!(
        "label `{}` depends on `{}`, which {why}; approve to create it anyway, `dropship retry {}` to request both by the rules \
         in force, or cancel the job",
        name(index),
        name(predecessor),
        job.id()
    );
    LabelHold::new(HoldFault::new(HoldReason::PredecessorLost, message), Release::WithoutPredecessor, 1)
}
