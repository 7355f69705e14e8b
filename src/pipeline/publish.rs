//! The publish step: follow the labels to their end.

use super::hand::{Go, Hand};
use super::learnt::Wait;
use super::reading::progress;
use super::service::Service;
use super::{sign, supersede};
use dropship_hardware::{Class, LabelId, ShippingLabel, UNPROVEN};
use dropship_job::{Event, Fault, Job, Label};
use dropship_rules::plan::Plan;

/// Looks once at every label that is not published yet.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    look_at_all(hand).await?;
    let all = supersede::run(hand).await?;
    let (mut published, mut ended) = (false, true);
    for label in &hand.job.labels {
        published |= label.published.is_some() && label.withdrawn.is_none();
        ended &= label.published.is_some() || label.withdrawn.is_some();
    }
    if ended && all && published {
        return hand.succeed(Vec::new()).await;
    }
    if ended && !published {
        return hand.park(Event::Cancelled { by: "the withdrawal of all its labels".to_owned() }).await;
    }
    if ended {
        let why = "older labels to take changes again, to remove from them what the new one targets too";
        return hand.look_again(hand.context.settings.publish, why).await;
    }
    hand.overdue_after(hand.context.settings.overdue.publish).await?;
    hand.look_out(Wait::Publish, "the labels to be published").await
}

/// Looks at every label that exists and has not ended yet. One that failed fails the job once the others have ended
/// too, unless another waits for it: that one is a person's to decide on.
pub(super) async fn look_at_all<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let service = hand.service().await?;
    let (product, submission) = hand.remote().await?;
    let going = |label: &Label| label.published.is_none() && label.withdrawn.is_none();
    let labels = hand.job.labels.iter().enumerate().filter(|(_, label)| going(label));
    let ids: Vec<_> =
        labels.filter_map(|(index, label)| Some((index, LabelId(label.creation.id()?)))).collect();
    // One list tells of all; what it leaves out or leaves open is looked at alone.
    let listed = match ids.len() {
        0 | 1 => Vec::new(),
        _ => match hand.unless_draining(service.labels(product, submission)).await? {
            Ok(listed) => listed,
            Err(error) if error.class == Class::Permanent || error.has_code(UNPROVEN) => Vec::new(),
            Err(error) => return hand.trouble(error).await,
        },
    };
    let mut refused = Vec::new();
    for (index, id) in ids {
        let told = listed.iter().find(|label| label.id == id && label.workflow_status.is_some());
        let found = match told {
            Some(found) => found.clone(),
            None => match hand.unless_draining(service.label(product, submission, id)).await? {
                Ok(found) => found,
                Err(error) => return hand.trouble(error).await,
            },
        };
        look(hand, &service, index, &found, &mut refused).await?;
    }
    let dossier = hand.dossier().await?;
    refused.retain(|(index, _)| !is_awaited(&hand.job, &dossier.plan, *index));
    let on_its_way =
        |label: &Label| label.creation.id().is_some() && label.published.is_none() && !label.is_lost();
    if hand.job.labels.iter().any(on_its_way) {
        return Ok(());
    }
    let refused: Vec<_> = refused.into_iter().map(|(_, why)| why).collect();
    if !refused.is_empty() {
        return hand.fail(Fault::new("label-failed", refused.join("; "))).await;
    }
    Ok(())
}

/// Whether a label that does not exist yet follows this one.
fn is_awaited(job: &Job, plan: &Plan, index: usize) -> bool {
    let name = &job.labels[index].name;
    plan.labels.iter().zip(&job.labels).any(|(plan, label)| {
        let follows = plan.after.as_ref().is_some_and(|after| after.labels.contains(name));
        follows && label.creation.id().is_none() && !label.predecessor_waived
    })
}

async fn look<S: Service>(
    hand: &mut Hand<'_, S>,
    service: &S,
    index: usize,
    found: &ShippingLabel,
    refused: &mut Vec<(usize, String)>,
) -> Go {
    let Some((step, state)) = progress(found.workflow_status.as_ref()) else { return Ok(()) };
    let label = &hand.job.labels[index];
    let mut events = Vec::new();
    let news = label.step.as_ref() != Some(&step) || label.state.as_ref() != Some(&state);
    if news {
        events.push(Event::Progressed { label: Some(index), step: step.clone(), state });
    }
    if found.is_failed() {
        let status = found.workflow_status.as_ref();
        let reasons = match news {
            true => sign::reasons(hand, service, status).await?,
            false => status.map(|status| status.messages.clone()).unwrap_or_default(),
        };
        let reasons = if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join("; ") };
        let name = &hand.job.labels[index].name;
        refused.push((index, format!(
            "label `{name}` failed in {step}: {reasons}; look at it in Partner Center (a label that was cancelled there shows as failed too)",
        )));
    } else if found.is_done() {
        events.push(Event::Published { label: index });
        return supersede::record_published(hand, index, events).await;
    }
    if events.is_empty() { Ok(()) } else { hand.record(events).await }
}
