//! The publish step: poll the labels until all are published.

use super::sign;
use crate::pipeline::lists::{self, ListOf};
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use crate::pipeline::submission_status::progress;
use crate::pipeline::supersede;
use dropship_hardware::{LabelId, Recovery, ShippingLabel};
use dropship_job::{ErrorKind, Event, Fault, Job, Label, WaitReason};
use dropship_rules::plan::Plan;

/// Polls every unpublished label once, then removes superseded targets.
pub(crate) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    poll_labels(ctx).await?;
    let all = supersede::run(ctx).await?;
    let (mut published, mut ended) = (false, true);
    for label in ctx.job.labels() {
        published |= label.published.is_some() && label.withdrawn.is_none();
        ended &= label.published.is_some() || label.withdrawn.is_some();
    }
    if ended && all && published {
        return ctx.succeed(Vec::new()).await;
    }
    if ended && !published {
        return ctx.suspend(Event::Cancelled { by: "the withdrawal of all its labels".to_owned() }).await;
    }
    if ended {
        return ctx.poll_again(ctx.pipeline.settings.publish, WaitReason::OlderLabels).await;
    }
    ctx.report_overdue(ctx.pipeline.settings.overdue.publish).await?;
    ctx.poll_again(ctx.pipeline.settings.publish, WaitReason::Publication).await
}

/// Polls every label that exists and is not final. A failed label fails the job once the other labels are final. If another
/// label waits for it, an operator decides instead.
pub(crate) async fn poll_labels<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let service = ctx.service().await?;
    let (product, submission) = ctx.remote().await?;
    let going = |label: &Label| label.published.is_none() && label.withdrawn.is_none();
    let labels = ctx.job.labels().iter().enumerate().filter(|(_, label)| going(label));
    let ids: Vec<_> =
        labels.filter_map(|(index, label)| Some((index, LabelId(label.creation.id()?)))).collect();
    // One list covers several labels; labels that it omits, or whose end depends on their targeting, are read one by one.
    let listed = match ids.len() {
        0 | 1 => Vec::new(),
        _ => {
            let listed = ctx.unless_shutting_down(service.labels(product, submission)).await?;
            match lists::accept(&service, ListOf::OwnObject, ctx.job.attempts(), listed).await {
                Ok(listed) => listed.items,
                Err(error) if error.recovery == Recovery::Permanent => Vec::new(),
                Err(error) => return ctx.on_api_error(error).await,
            }
        }
    };
    let (mut refused, mut unknown) = (Vec::new(), None);
    for (index, id) in ids {
        // The targeting also shows the end of a label that stays in a step for long.
        let is_enough = |label: &ShippingLabel| !label.needs_targeting() && !ctx.job.is_overdue();
        let in_list = listed.iter().find(|label| label.id == id && is_enough(label));
        let found = match in_list {
            Some(found) => found.clone(),
            None => match ctx.unless_shutting_down(service.label(product, submission, id)).await? {
                Ok(found) => found,
                // The other labels are followed meanwhile.
                Err(error) if error.recovery == Recovery::Permanent => {
                    unknown = unknown.or(Some(error));
                    continue;
                }
                Err(error) => return ctx.on_api_error(error).await,
            },
        };
        record_progress(ctx, &service, index, &found, &mut refused).await?;
    }
    if let Some(error) = unknown {
        return ctx.on_read_error(error).await;
    }
    let snapshot = ctx.plan_snapshot().await?;
    refused.retain(|(index, _)| !is_awaited(&ctx.job, &snapshot.plan, *index));
    let on_its_way =
        |label: &Label| label.creation.id().is_some() && label.published.is_none() && !label.is_lost();
    if ctx.job.labels().iter().any(on_its_way) {
        return Ok(());
    }
    let refused: Vec<_> = refused.into_iter().map(|(_, why)| why).collect();
    if !refused.is_empty() {
        return ctx.fail(Fault::new(ErrorKind::LabelFailed, refused.join("; "))).await;
    }
    Ok(())
}

/// Whether a label that does not exist yet waits for this one.
fn is_awaited(job: &Job, plan: &Plan, index: usize) -> bool {
    let name = &job.labels()[index].name;
    plan.labels.iter().zip(job.labels()).any(|(plan, label)| {
        let follows = plan.after.as_ref().is_some_and(|after| after.labels.contains(name));
        follows && label.creation.id().is_none() && !label.predecessor_waived
    })
}

async fn record_progress<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    index: usize,
    found: &ShippingLabel,
    refused: &mut Vec<(usize, String)>,
) -> StepResult {
    let label = &ctx.job.labels()[index];
    let known = label.step.clone().zip(label.state.clone());
    let status = progress(found.workflow_status.as_ref());
    let mut events = Vec::new();
    let news = status.is_some() && status != known;
    if let (true, Some((step, state))) = (news, status.clone()) {
        events.push(Event::Progressed { label: Some(index), step, state });
    }
    if found.is_failed() {
        let step = status.map_or_else(String::new, |(step, _)| step);
        let status = found.workflow_status.as_ref();
        let reasons = match news {
            true => sign::reasons(ctx, service, status).await?,
            false => status.map(|status| status.messages.clone()).unwrap_or_default(),
        };
        let reasons = if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join("; ") };
        let name = &ctx.job.labels()[index].name;
        refused.push((index, format!(
            "label `{name}` failed in {step}: {reasons}; check it in Partner Center (a label that was cancelled there is shown as failed too)",
        )));
    } else if found.is_done() {
        events.push(Event::Published { label: index });
        return supersede::record_published(ctx, index, events).await;
    }
    if events.is_empty() { Ok(()) } else { ctx.record(events).await }
}
