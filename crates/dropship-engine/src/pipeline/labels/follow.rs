//! Polls the labels that exist until each is published or has failed.

use crate::pipeline::lists::{self, ListOf};
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{Interrupt, StepContext, StepResult};
use crate::pipeline::steps::sign;
use crate::pipeline::submission_status::progress;
use crate::pipeline::supersede;
use crate::service_id::ServiceId;
use dropship_hardware::{Error, LabelId, Recovery, ShippingLabel};
use dropship_job::{Event, Label};

/// Polls every label that the service processes once.
pub(super) async fn poll<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let labels = ctx.job.labels().iter().enumerate().filter(|(_, label)| label.is_processing());
    let ids: Vec<_> = labels.filter_map(|(index, label)| Some((index, LabelId::of(label.id()?)))).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let service = ctx.service().await?;
    let (product, submission) = ctx.remote().await?;
    // One list covers several labels; labels that it omits, or whose end depends on their targeting, are read one by one.
    let listed = match ids.len() {
        1 => Vec::new(),
        _ => {
            let listed = ctx.unless_shutting_down(service.labels(product, submission)).await?;
            match lists::accept(&service, ListOf::OwnObject, ctx.job.attempts(), listed).await {
                Ok(listed) => listed.items,
                Err(error) if error.recovery == Recovery::Permanent => Vec::new(),
                Err(error) => return ctx.on_api_error(error).await,
            }
        }
    };
    let mut unknown = None;
    for (index, id) in ids {
        // The targeting also shows the end of a label that stays in a step for long.
        let is_overdue = ctx.job.is_overdue();
        let in_list = listed.iter().find(|label| label.id == id && !label.needs_targeting() && !is_overdue);
        let shipping_label = match in_list {
            Some(shipping_label) => shipping_label.clone(),
            None => match ctx.unless_shutting_down(service.label(product, submission, id)).await? {
                Ok(shipping_label) => shipping_label,
                // The other labels are still followed.
                Err(error) if error.recovery == Recovery::Permanent => {
                    unknown = unknown.or(Some((index, error)));
                    continue;
                }
                Err(error) => return ctx.on_api_error(error).await,
            },
        };
        record_progress(ctx, &service, index, &shipping_label).await?;
    }
    match unknown {
        Some((index, error)) => hold_unknown(ctx, index, error).await,
        None => Ok(()),
    }
}

/// Waits for a label that the service does not know, then holds that label. The others continue.
async fn hold_unknown<S: Service>(ctx: &mut StepContext<'_, S>, index: usize, error: Error) -> StepResult {
    if ctx.job.labels().get(index).is_some_and(|label| label.hold().is_some()) {
        return Ok(());
    }
    ctx.begin_label(index);
    let held = ctx.on_read_error::<()>(error).await;
    ctx.end_label();
    match held {
        Err(Interrupt::LabelDeferred) => Ok(()),
        other => other,
    }
}

/// Records what a poll has shown of a label.
async fn record_progress<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    index: usize,
    shipping_label: &ShippingLabel,
) -> StepResult {
    let mut events = Vec::new();
    let remote = ctx.job.labels().get(index).and_then(Label::remote);
    let (seen_step, seen_state) = remote.map(|remote| (&remote.step, &remote.state)).unzip();
    if let Some((step, state)) = progress(shipping_label.workflow_status.as_ref())
        && (seen_step != Some(&Some(step.clone())) || seen_state != Some(&Some(state.clone())))
    {
        events.push(Event::Progressed { label: Some(index), step, state });
    }
    if shipping_label.is_failed() {
        let reason = failure(ctx, service, shipping_label).await?;
        events.push(Event::LabelFailed { label: index, reason });
    } else if shipping_label.is_done() {
        events.push(Event::Published { label: index });
        return supersede::record_published(ctx, index, shipping_label, events).await;
    }
    if events.is_empty() { Ok(()) } else { ctx.record(events).await }
}

/// Why a label failed, in Microsoft's words. An error report is downloaded to the outbox.
async fn failure<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    shipping_label: &ShippingLabel,
) -> StepResult<String> {
    let reasons = sign::reasons(ctx, service, shipping_label.workflow_status.as_ref()).await?;
    let reasons = if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join("; ") };
    Ok(match progress(shipping_label.workflow_status.as_ref()) {
        Some((step, _)) => format!("failed in {step}: {reasons}"),
        None => format!("failed: {reasons}"),
    })
}
