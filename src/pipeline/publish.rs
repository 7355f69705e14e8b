//! The publish step: follow the labels to their end.

use jiff::SignedDuration;

use super::hand::{Go, Hand};
use super::reading::progress;
use super::service::Service;
use crate::hardware::{LabelId, ShippingLabel};
use crate::job::{Event, Fault};

/// After so long the wait is worth an alert; it goes on all the same.
const ALERT: SignedDuration = SignedDuration::from_hours(60 * 24);

/// Looks once at every label that is not published yet.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    look_at_all(hand).await?;
    if hand.job.labels.iter().all(|label| label.published.is_some()) {
        return hand.succeed(Vec::new()).await;
    }
    let waited = hand.context.clock.now().duration_since(hand.job.step_began);
    if waited > ALERT {
        crate::observe::overdue(&hand.job, waited);
    }
    hand.look_again(hand.context.settings.publish, "the labels to be published").await
}

/// Looks at every label that exists and is not published yet; one that failed ends the job.
pub(super) async fn look_at_all<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let service = hand.service().await?;
    let (product, submission) = hand.remote().await?;
    let mut refused = Vec::new();
    for index in 0..hand.job.labels.len() {
        let label = &hand.job.labels[index];
        let Some(id) = label.creation.id().filter(|_| label.published.is_none()) else { continue };
        let found = match hand.unless_draining(service.label(product, submission, LabelId(id))).await? {
            Ok(found) => found,
            Err(error) => return hand.trouble(error).await,
        };
        look(hand, index, &found, &mut refused).await?;
    }
    if !refused.is_empty() {
        return hand.fail(Fault::new("label-failed", refused.join("; "))).await;
    }
    Ok(())
}

async fn look<S: Service>(
    hand: &mut Hand<'_, S>,
    index: usize,
    found: &ShippingLabel,
    refused: &mut Vec<String>,
) -> Go {
    let Some((step, state)) = progress(found.workflow_status.as_ref()) else { return Ok(()) };
    let label = &hand.job.labels[index];
    let mut events = Vec::new();
    if label.step.as_ref() != Some(&step) || label.state.as_ref() != Some(&state) {
        events.push(Event::Progressed { label: Some(index), step: step.clone(), state });
    }
    let status = found.workflow_status.as_ref();
    if found.is_failed() {
        let messages = status.map(|status| status.messages.as_slice()).unwrap_or_default().join("; ");
        refused.push(format!(
            "label `{}` failed in {step}: {}; look at it in Partner Center (a label that was cancelled there shows as failed too)",
            label.name,
            if messages.is_empty() { "no reason given" } else { &messages },
        ));
    } else if found.is_done() {
        events.push(Event::Published { label: index });
    }
    if events.is_empty() { Ok(()) } else { hand.record(events).await }
}
