//! After a label is published, removes its hardware ids from older labels of the rule, and removes from it the hardware ids
//! of newer labels that were published earlier.
//!
//! No intent is needed: each pass reads both labels from the service, computes the remaining changes and requests only
//! those. A crash between publishing and the last change costs another pass.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::driver_metadata;
use super::published::{self, Membership};
use super::results;
use super::service::Service;
use super::step_context::{Interrupt, StepContext, StepResult};
use crate::digest;
use crate::service_id::ServiceId;
use dropship_hardware::{
    Action, Execution, HardwareId, HardwareIdChange, LabelId, ProductId, Recovery, ShippingLabel,
    SubmissionId,
};
use dropship_job::{
    ErrorKind, Event, Fault, HoldFault, HoldReason, KeptTargets, LabelStage, RemoteId, counted,
};
use dropship_rules::label::{self, Reach, SeriesLabel};
use dropship_rules::plan::{LabelPlan, Plan};
use dropship_store::{LabelSeries, PublishedLabel, Store, StoreError};

/// Number of hexadecimal digits of the digest that names a series: enough that no two series have one name.
const SERIES_DIGITS: usize = 32;

/// A label that dropship created and saw published.
#[derive(Debug)]
struct KnownLabel {
    product: ProductId,
    submission: SubmissionId,
    label: LabelId,
    /// Its go-live date. It takes over nothing before.
    go_live: Option<Timestamp>,
    series: LabelSeries,
}

/// The progress of taking over targets from older labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Superseding {
    /// Nothing is left to be taken over.
    Done,
    /// A label accepts no change at present, or waits for an operator.
    Refused,
    /// The next label takes over at this time, its go-live date.
    From(Timestamp),
}

impl Superseding {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::From(one), Self::From(other)) => Self::From(one.min(other)),
            // A refused change is tried again at the next poll, which comes before most dates.
            (Self::Refused, _) | (_, Self::Refused) => Self::Refused,
            (Self::Done, other) => other,
            (one, Self::Done) => one,
        }
    }
}

impl KnownLabel {
    /// What the store remembers of a published label; `None` if it has no series.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn of(store: &dyn Store, label: RemoteId) -> Result<Option<Self>, StoreError> {
        let Some(known) = store.published_label(label)? else { return Ok(None) };
        let PublishedLabel { id, product, submission, go_live, series, .. } = known;
        Ok(series.map(|series| Self {
            product: ProductId::of(product),
            submission: SubmissionId::of(submission),
            label: LabelId::of(id),
            go_live,
            series,
        }))
    }

    /// Its present state, for the computation.
    fn as_series_label(&self, rule: &str, plan: &LabelPlan, shipping_label: &ShippingLabel) -> SeriesLabel {
        SeriesLabel {
            id: self.label,
            rule: rule.to_owned(),
            key: plan.key.clone(),
            rows: shipping_label.targeting.as_ref().map(published::rows).unwrap_or_default(),
            versions: self.series.versions.clone(),
            reach: shipping_label.targeting.as_ref().map(Reach::of).unwrap_or_default(),
        }
    }
}

/// The older labels that a label has to take targets from, and the newer ones that have to take targets from it.
#[derive(Debug, Default)]
struct SeriesNeighbours {
    older: Vec<KnownLabel>,
    newer: Vec<KnownLabel>,
}

impl SeriesNeighbours {
    /// Finds them in the indexes of the series; the store remembers what each label targets.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn of(
        store: &dyn Store,
        own_label: &KnownLabel,
        plan: &LabelPlan,
        (created, now): (Timestamp, Timestamp),
    ) -> Result<Self, StoreError> {
        let id = own_label.label.remote();
        let read = |ids: BTreeSet<RemoteId>| -> Result<Vec<KnownLabel>, StoreError> {
            ids.into_iter().filter_map(|id| KnownLabel::of(store, id).transpose()).collect()
        };
        let older = if plan.supersede { read(store.older_in_series(id)?)? } else { Vec::new() };
        // These would have superseded this label if it had been published earlier. A lower version submitted after a higher
        // one is a deliberate rollback and keeps its targets.
        let mut newer = read(store.arrived_in_series(id, created)?)?;
        newer.retain(|label| {
            let is_live = label.go_live.is_none_or(|live| live <= now);
            let came_later = label.series.takes_over_since.is_some_and(|since| since > created);
            is_live
                && came_later
                && label::has_lower_version(&own_label.series.versions, &label.series.versions)
        });
        Ok(Self { older, newer })
    }
}

/// Records that a label is published, and remembers its series so that a later label can supersede it.
pub(super) async fn record_published<S: Service>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    shipping_label: &ShippingLabel,
    events: Vec<Event>,
) -> StepResult {
    let snapshot = ctx.plan_snapshot().await?;
    // Without the metadata the label would have no versions, and never be superseded.
    let packages = ctx.pipeline.packages.clone();
    if let Err(error) = results::driver_metadata(&packages, &ctx.job).await {
        driver_metadata::on_unreadable(ctx, &error).await?;
    }
    let plan = snapshot.plan.labels.get(index);
    let own_label = ctx
        .job
        .labels()
        .get(index)
        .and_then(|label| Some((label.name().to_owned(), label.remote()?.clone())));
    let membership = plan.map(|plan| Membership {
        series: series_id(ctx.account(), &snapshot.plan.rule, plan),
        takes_over_since: plan.supersede.then_some(ctx.job.created()),
    });
    let entries = match &own_label {
        Some((name, remote)) => {
            published::entries(ctx, remote, (name, plan), shipping_label, membership).await?
        }
        None => Vec::new(),
    };
    ctx.record_with(entries, events).await
}

/// Ids of at most `limit` labels that were published for a label of a plan, the newest first: those of the same account, rule and
/// label that are still published.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn newest_published(
    store: &dyn Store,
    plan: &Plan,
    label: &LabelPlan,
    limit: usize,
) -> Result<Vec<RemoteId>, StoreError> {
    store.newest_in_series(&series_id(&plan.account, &plan.rule, label), None, limit)
}

/// Removes the hardware ids of labels that are live from older ones.
pub(super) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult<Superseding> {
    let snapshot = ctx.plan_snapshot().await?;
    let mut progress = Superseding::Done;
    for (index, plan) in snapshot.plan.labels.iter().enumerate() {
        let Some(label) = ctx.job.labels().get(index) else { break };
        let Some(LabelStage::Published { superseded: None, .. }) = label.stage() else { continue };
        let live = label.live_at().filter(|live| *live > ctx.pipeline.clock.now());
        progress = progress.and(match live {
            Some(live) if plan.supersede => Superseding::From(live),
            _ if label.hold().is_some() => Superseding::Refused,
            _ => {
                ctx.begin_label(index);
                let done = take_over_targets(ctx, index, &snapshot.plan.rule, plan).await;
                ctx.end_label();
                match done {
                    Ok(true) => Superseding::Done,
                    Ok(false) | Err(Interrupt::LabelDeferred) => Superseding::Refused,
                    Err(other) => return Err(other),
                }
            }
        });
    }
    Ok(progress)
}

/// Takes the targets of the label at `index` over from its older labels, and lets newer labels take over from it. Returns whether
/// nothing is left to be taken over.
async fn take_over_targets<S: Service>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    rule: &str,
    plan: &LabelPlan,
) -> StepResult<bool> {
    let store = &*ctx.pipeline.store;
    let Some(id) = ctx.job.labels().get(index).and_then(|label| label.id()) else { return Ok(true) };
    let own_label = KnownLabel::of(store, id).map_err(Interrupt::Store)?;
    let times = (ctx.job.created(), ctx.pipeline.clock.now());
    let neighbours =
        own_label.as_ref().map(|own_label| SeriesNeighbours::of(store, own_label, plan, times)).transpose();
    let SeriesNeighbours { older, newer } = neighbours.map_err(Interrupt::Store)?.unwrap_or_default();
    if older.is_empty() && newer.is_empty() && !plan.supersede {
        return Ok(true);
    }
    let mut is_complete = true;
    let mut kept = Vec::new();
    if let Some(own_label) = own_label.filter(|_| !older.is_empty() || !newer.is_empty()) {
        let service = ctx.service().await?;
        let own_shipping_label = fetch(ctx, &service, &own_label).await?;
        // A label that was withdrawn before its go-live date reaches no machine; the audit records it.
        if let Some(shipping_label) = own_shipping_label.filter(|label| !label.is_failed()) {
            let own_series_label = own_label.as_series_label(rule, plan, &shipping_label);
            for older_label in &older {
                let older_label = (older_label, rule, plan);
                is_complete &=
                    take_over(ctx, &service, index, &own_series_label, older_label, &mut kept).await?;
            }
        }
        for newer_label in &newer {
            let shipping_label = fetch(ctx, &service, newer_label).await?;
            let Some(shipping_label) = shipping_label.filter(|shipping_label| !shipping_label.is_failed())
            else {
                continue;
            };
            let newer_label = newer_label.as_series_label(rule, plan, &shipping_label);
            is_complete &=
                take_over(ctx, &service, index, &newer_label, (&own_label, rule, plan), &mut kept).await?;
        }
    }
    if is_complete {
        ctx.record(vec![Event::Superseded { label: index, kept }]).await?;
    }
    Ok(is_complete)
}

/// The present state of a label. `None` when the service has not known it for some time: it was removed with its submission.
async fn fetch<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    label: &KnownLabel,
) -> StepResult<Option<ShippingLabel>> {
    match service.label(label.product, label.submission, label.label).await {
        Ok(shipping_label) => Ok(Some(shipping_label)),
        Err(error) if error.status == Some(404) && ctx.has_failed_for_long() => Ok(None),
        Err(error) => ctx.on_read_error(error).await,
    }
}

/// Removes the hardware ids of a newer label from an older one; the job's own label at `index` is one of the two. Notes the
/// hardware ids that the older label keeps. False when the older label accepts no change at present.
async fn take_over<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    index: usize,
    newer: &SeriesLabel,
    (older_label, rule, plan): (&KnownLabel, &str, &LabelPlan),
    kept: &mut Vec<KeptTargets>,
) -> StepResult<bool> {
    let (product, submission, label) = (older_label.product, older_label.submission, older_label.label);
    let Some(shipping_label) = fetch(ctx, service, older_label).await? else { return Ok(true) };
    let older = older_label.as_series_label(rule, plan, &shipping_label);
    let changes = label::supersede(newer, std::slice::from_ref(&older));
    let store = &*ctx.pipeline.store;
    if shipping_label.is_done() {
        // An update whose response was lost has removed them already.
        let entries = published::takeover_entries(store, label.remote(), newer.id.remote(), &older.rows)
            .map_err(Interrupt::Store)?;
        if !entries.is_empty() {
            ctx.record_with(entries, Vec::new()).await?;
        }
    }
    let Some(change) = changes.first().filter(|_| !shipping_label.is_failed()) else { return Ok(true) };
    kept.extend(change.kept.iter().map(|(narrower, rows)| KeptTargets {
        label: label.remote(),
        rows: *rows,
        why: narrower.to_string(),
    }));
    let Some(update) = &change.update else { return Ok(true) };
    if !shipping_label.is_done() {
        return Ok(false);
    }
    let pipeline = ctx.pipeline;
    let Some(permit) = pipeline.guards.pause.permit(ctx.job.package().folder.as_deref()).await else {
        return ctx.wait_paused().await;
    };
    if pipeline.shutdown.is_cancelled() {
        return Err(Interrupt::ShuttingDown);
    }
    let response = service.update_label(product, submission, label, update).await;
    drop(permit);
    let rows = update.targeting.hardware_ids.len();
    match response {
        Ok(()) => {
            let remains =
                |row: &&HardwareId| !update.targeting.hardware_ids.iter().any(|change| removes(change, row));
            let remaining: Vec<_> = older.rows.iter().filter(remains).cloned().collect();
            let entries =
                published::takeover_entries(&*pipeline.store, label.remote(), newer.id.remote(), &remaining);
            let taken = Event::TakenOver { label: index, from: label.remote(), rows };
            ctx.record_with(entries.map_err(Interrupt::Store)?, vec![taken]).await?;
            Ok(true)
        }
        Err(error) if error.recovery == Recovery::NotReady => Ok(false),
        // The next pass reads the result.
        Err(error) if error.execution == Execution::Unknown => {
            ctx.retry_later(Fault::new(ErrorKind::UpdateUnanswered, error.to_string()), None).await
        }
        Err(error) if error.recovery == Recovery::Permanent => {
            let message = format!(
                "the older label {label} keeps {} that the new label also targets: {error}; remove them with `dropship api \
                 label update {product} {submission} {label}`, then approve to check again",
                counted(rows, "hardware id")
            );
            ctx.hold(HoldFault::new(HoldReason::SupersedeRefused, message)).await
        }
        Err(error) => ctx.on_api_error(error).await,
    }
}

/// Whether a change removes a hardware id.
fn removes(change: &HardwareIdChange, row: &HardwareId) -> bool {
    change.action == Action::Remove
        && (&change.bundle_id, &change.inf_id, &change.operating_system_code, &change.pnp_string)
            == (&row.bundle_id, &row.inf_id, &row.operating_system_code, &row.pnp_string)
}

/// The series of a label: those of the same account, rule and label. These names can contain any character.
fn series_id(account: &str, rule: &str, plan: &LabelPlan) -> String {
    let digest = digest::of(format!("{account}\n{rule}\n{}", plan.key).as_bytes());
    digest.get(..SERIES_DIGITS).unwrap_or(&digest).to_owned()
}
