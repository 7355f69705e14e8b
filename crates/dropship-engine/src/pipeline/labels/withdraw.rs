//! Withdraws a label: requests it until the service agrees, then follows the label until it is withdrawn or published.
//!
//! Microsoft allows a withdrawal only during its approval and gradual rollout. A label that is being withdrawn is shown as
//! failed, up to a day later (windows-driver-docs#2444).

use std::time::Duration;

use jiff::Timestamp;

use crate::pipeline::poll::next_poll;
use crate::pipeline::published;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{PAUSE_POLL, StepContext, StepResult};
use crate::pipeline::submission_status::progress;
use crate::service_id::ServiceId;
use dropship_hardware::{LabelId, ProductId, Recovery, ShippingLabel, SubmissionId};
use dropship_job::{Event, RemoteId};
use dropship_store::Entry;

/// A label that has to be withdrawn.
pub(crate) struct DueWithdrawal {
    /// Index of the label, or of the label that it duplicates.
    pub(crate) index: usize,
    /// Its id.
    pub(crate) id: RemoteId,
    /// Whether the service has agreed already.
    pub(crate) is_agreed: bool,
    /// Who or what requested the withdrawal.
    pub(crate) by: String,
    /// When it was requested.
    pub(crate) since: Timestamp,
}

/// Makes one attempt and records the result. The state of the job does not change.
pub(crate) async fn attempt<S: Service>(
    ctx: &mut StepContext<'_, S>,
    withdrawal: &DueWithdrawal,
) -> StepResult {
    let (label, id) = (withdrawal.index, withdrawal.id);
    let pipeline = ctx.pipeline;
    let account = ctx.account().to_owned();
    let (Some(product), Some(submission)) = (ctx.job.product().id(), ctx.job.submission().id()) else {
        return ctx.record(vec![Event::WithdrawalConfirmed { label, id }]).await;
    };
    let (product, submission, label_id) =
        (ProductId::of(product), SubmissionId::of(submission), LabelId::of(id));
    let Some(service) = pipeline.services.get(&account) else {
        let why = format!("account `{account}` is no longer configured; add it and restart the daemon");
        return record_not_withdrawn(
            ctx,
            withdrawal,
            pipeline.clock.after(pipeline.settings.publish.max),
            why,
        )
        .await;
    };
    if let Some(suspension) = pipeline.guards.accounts.get(&account)
        && suspension.probe > pipeline.clock.now()
    {
        let why = format!("account `{account}` is suspended: {}", suspension.why);
        return record_not_withdrawn(ctx, withdrawal, suspension.probe, why).await;
    }
    let mut refusal = None;
    if !withdrawal.is_agreed {
        let Some(permit) = pipeline.guards.pause.permit(ctx.job.package().folder.as_deref()).await else {
            let due = pipeline.clock.after(PAUSE_POLL);
            return record_not_withdrawn(
                ctx,
                withdrawal,
                due,
                "paused; `dropship resume` continues".to_owned(),
            )
            .await;
        };
        let response = service.cancel_label(product, submission, label_id).await;
        drop(permit);
        match response {
            Ok(()) => {
                pipeline.resume_account(&account);
                return ctx.record(vec![Event::Withdrawn { label, id, by: withdrawal.by.clone() }]).await;
            }
            Err(error) => {
                if matches!(error.recovery, Recovery::Credentials | Recovery::Permission) {
                    pipeline.suspend_account(&account, &error);
                }
                refusal = Some(error.to_string());
            }
        }
    }
    // A label that cannot be withdrawn may be withdrawn already, or published.
    match service.label(product, submission, label_id).await {
        Ok(shipping_label) if shipping_label.is_failed() => {
            record_confirmed(ctx, withdrawal, Some(&shipping_label)).await
        }
        Ok(shipping_label) if shipping_label.is_done() => {
            let mut events = progress_events(ctx, withdrawal, &shipping_label);
            events.push(Event::PublishedAnyway { label, id });
            let entries = published_entries(ctx, withdrawal, &shipping_label).await?;
            ctx.record_with(entries, events).await
        }
        Ok(shipping_label) => {
            let why = refusal.unwrap_or_else(|| "Microsoft has agreed and is working on it".to_owned());
            let events = progress_events(ctx, withdrawal, &shipping_label);
            if !events.is_empty() {
                ctx.record(events).await?;
            }
            record_not_withdrawn(ctx, withdrawal, next_attempt(ctx, withdrawal), why).await
        }
        // The service may not know a new label yet, and the label would be published after all.
        Err(error) if error.status == Some(404) && age(ctx, withdrawal) >= pipeline.settings.uncertain => {
            record_confirmed(ctx, withdrawal, None).await
        }
        Err(error) => {
            let why = refusal.unwrap_or_else(|| error.to_string());
            record_not_withdrawn(ctx, withdrawal, next_attempt(ctx, withdrawal), why).await
        }
    }
}

/// Time of the next attempt; the interval grows with the time since the withdrawal was requested.
fn next_attempt<S: Service>(ctx: &StepContext<'_, S>, withdrawal: &DueWithdrawal) -> Timestamp {
    ctx.pipeline.clock.after(next_poll(ctx.pipeline.settings.publish, age(ctx, withdrawal)))
}

fn age<S>(ctx: &StepContext<'_, S>, withdrawal: &DueWithdrawal) -> Duration {
    let age = ctx.pipeline.clock.now().duration_since(withdrawal.since);
    Duration::try_from(age).unwrap_or_default()
}

async fn record_not_withdrawn<S: Service>(
    ctx: &mut StepContext<'_, S>,
    withdrawal: &DueWithdrawal,
    due: Timestamp,
    why: String,
) -> StepResult {
    ctx.record(vec![Event::NotWithdrawn { label: withdrawal.index, id: withdrawal.id, due, why }]).await
}

async fn record_confirmed<S: Service>(
    ctx: &mut StepContext<'_, S>,
    withdrawal: &DueWithdrawal,
    shipping_label: Option<&ShippingLabel>,
) -> StepResult {
    let mut events = shipping_label
        .map(|shipping_label| progress_events(ctx, withdrawal, shipping_label))
        .unwrap_or_default();
    events.push(Event::WithdrawalConfirmed { label: withdrawal.index, id: withdrawal.id });
    ctx.record(events).await
}

/// What the store remembers of a label that was published although it had to be withdrawn.
async fn published_entries<S: Service>(
    ctx: &StepContext<'_, S>,
    withdrawal: &DueWithdrawal,
    shipping_label: &ShippingLabel,
) -> StepResult<Vec<Entry>> {
    let label = ctx.job.labels().get(withdrawal.index);
    let own_label = label.and_then(|label| Some((label.name(), label.remote()?)));
    let strays = ctx.job.strays().iter().map(|stray| (stray.name.as_str(), &stray.remote));
    let Some((name, remote)) =
        own_label.into_iter().chain(strays).find(|(_, remote)| remote.id == withdrawal.id)
    else {
        return Ok(Vec::new());
    };
    let plan =
        ctx.stored_plan().await.ok().flatten().and_then(|plan| plan.labels.into_iter().nth(withdrawal.index));
    published::entries(ctx, remote, (name, plan.as_ref()), shipping_label, None).await
}

/// The service's step and state of the job's own label, if they have changed.
fn progress_events<S>(
    ctx: &StepContext<'_, S>,
    withdrawal: &DueWithdrawal,
    shipping_label: &ShippingLabel,
) -> Vec<Event> {
    let own_label = ctx.job.labels().get(withdrawal.index).and_then(dropship_job::Label::remote);
    let Some(own_label) = own_label.filter(|own_label| own_label.id == withdrawal.id) else {
        return Vec::new();
    };
    let Some((step, state)) = progress(shipping_label.workflow_status.as_ref()) else { return Vec::new() };
    match own_label.step.as_ref() == Some(&step) && own_label.state.as_ref() == Some(&state) {
        true => Vec::new(),
        false => vec![Event::Progressed { label: Some(withdrawal.index), step, state }],
    }
}
