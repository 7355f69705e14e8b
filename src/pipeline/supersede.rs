//! After a label is published, removes its hardware ids from older labels of the rule, and removes from it the hardware ids
//! of newer labels that were published earlier.
//!
//! No intent is needed: each pass reads both labels from the service, computes the remaining changes and requests only
//! those. A crash between publishing and the last change costs another pass.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::published;
use super::results;
use super::service::Service;
use super::step_context::{Interrupt, StepContext, StepResult};
use crate::digest;
use crate::service_id::ServiceId;
use dropship_hardware::{
    Action, Execution, HardwareId, HardwareIdChange, LabelId, ProductId, Recovery, ShippingLabel,
    SubmissionId,
};
use dropship_job::{ErrorKind, Event, Fault, HoldFault, HoldReason, KeptTargets, LabelStage, RemoteId};
use dropship_rules::label::{self, Published, Reach, Versions};
use dropship_rules::plan::{LabelPlan, Plan};
use dropship_store::{Entry, Store, StoreError};

/// Prefix of the flags in the store. They outlive the jobs: years can pass between two versions.
const FLAG: &str = "made/";

/// A label that dropship created and saw published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    account: String,
    product: ProductId,
    submission: SubmissionId,
    label: LabelId,
    /// `DriverVer` version by bundle and INF.
    versions: Versions,
    /// When its package arrived, if it supersedes older labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    supersedes: Option<Timestamp>,
    /// Its go-live date. It takes over nothing before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    go_live: Option<Timestamp>,
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

impl Made {
    /// The label of a job; `None` while it does not exist.
    async fn of<S: Service>(
        ctx: &StepContext<'_, S>,
        index: usize,
        place: (ProductId, SubmissionId),
        plan: &LabelPlan,
    ) -> Option<Self> {
        let remote = ctx.job.labels().get(index)?.remote()?;
        let (label, go_live) = (LabelId::of(remote.id), remote.go_live);
        let account = ctx.account().to_owned();
        let (product, submission) = place;
        Some(Self {
            account,
            product,
            submission,
            label,
            versions: versions(ctx).await,
            supersedes: plan.supersede.then_some(ctx.job.created()),
            go_live,
        })
    }

    /// Its present state, for the computation.
    fn now(&self, rule: &str, plan: &LabelPlan, now: &ShippingLabel) -> Published {
        Published {
            id: self.label,
            rule: rule.to_owned(),
            key: plan.key.clone(),
            rows: now.targeting.as_ref().map(published::rows).unwrap_or_default(),
            versions: self.versions.clone(),
            reach: now.targeting.as_ref().map(Reach::of).unwrap_or_default(),
        }
    }
}

/// Records that a label is published, and remembers it so that a later label can supersede it.
pub(super) async fn record_published<S: Service>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    found: &ShippingLabel,
    events: Vec<Event>,
) -> StepResult {
    let snapshot = ctx.plan_snapshot().await?;
    let place = ctx.remote().await?;
    let plan = snapshot.plan.labels.get(index);
    let own = ctx
        .job
        .labels()
        .get(index)
        .and_then(|label| Some((label.name().to_owned(), label.remote()?.clone())));
    let mut entries = match &own {
        Some((name, remote)) => published::entries(ctx, remote, (name, plan), found).await?,
        None => Vec::new(),
    };
    let Some(plan) = plan else { return ctx.record_with(entries, events).await };
    let Some(made) = Made::of(ctx, index, place, plan).await else {
        return ctx.record_with(entries, events).await;
    };
    let value = serde_json::to_string(&made).ok().filter(|_| !made.versions.is_empty());
    let key = format!("{}{}", prefix(&snapshot.plan.rule, plan), made.label);
    entries.push(Entry::Setting { key, value });
    ctx.record_with(entries, events).await
}

/// Ids of the labels that were published for a label of a plan: those of the same account, rule and label.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn published_labels(
    store: &dyn Store,
    plan: &Plan,
    label: &LabelPlan,
) -> Result<Vec<RemoteId>, StoreError> {
    let flags = store.settings(&prefix(&plan.rule, label))?;
    let made = flags.iter().filter_map(|(_, value)| serde_json::from_str::<Made>(value).ok());
    Ok(made.filter(|made| made.account == plan.account).map(|made| made.label.remote()).collect())
}

/// Removes the hardware ids of labels that are live from older ones.
pub(super) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult<Superseding> {
    let snapshot = ctx.plan_snapshot().await?;
    let mut all = Superseding::Done;
    for (index, plan) in snapshot.plan.labels.iter().enumerate() {
        let Some(label) = ctx.job.labels().get(index) else { break };
        let Some(LabelStage::Published { superseded: None, .. }) = label.stage() else { continue };
        let live = label.live_at().filter(|live| *live > ctx.pipeline.clock.now());
        all = all.and(match live {
            Some(live) if plan.supersede => Superseding::From(live),
            _ if label.hold().is_some() => Superseding::Refused,
            _ => {
                ctx.begin_label(index);
                let done = one(ctx, index, &snapshot.plan.rule, plan).await;
                ctx.end_label();
                match done {
                    Ok(true) => Superseding::Done,
                    Ok(false) | Err(Interrupt::LabelDeferred) => Superseding::Refused,
                    Err(other) => return Err(other),
                }
            }
        });
    }
    Ok(all)
}

async fn one<S: Service>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    rule: &str,
    plan: &LabelPlan,
) -> StepResult<bool> {
    let flags = ctx.pipeline.store.settings(&prefix(rule, plan)).map_err(Interrupt::Store)?;
    let made = flags.iter().filter_map(|(_, value)| serde_json::from_str::<Made>(value).ok());
    let others: Vec<Made> = made.filter(|made| made.account == ctx.account()).collect();
    if !plan.supersede && others.iter().all(|made| made.supersedes.is_none()) {
        return Ok(true);
    }
    let place = ctx.remote().await?;
    let Some(own) = Made::of(ctx, index, place, plan).await else { return Ok(true) };
    let older: Vec<&Made> = others
        .iter()
        .filter(|made| plan.supersede && label::has_lower_version(&made.versions, &own.versions))
        .collect();
    // These would have superseded this label if it had been published earlier. A lower version submitted after a higher one
    // is a deliberate rollback and keeps its targets.
    let now = ctx.pipeline.clock.now();
    let came_later = |made: &Made| {
        let is_live = made.go_live.is_none_or(|live| live <= now);
        is_live && made.supersedes.is_some_and(|came| came > ctx.job.created())
    };
    let newer: Vec<&Made> = others
        .iter()
        .filter(|made| came_later(made) && label::has_lower_version(&own.versions, &made.versions))
        .collect();
    if older.is_empty() && newer.is_empty() && !plan.supersede {
        return Ok(true);
    }
    let mut all = true;
    let mut kept = Vec::new();
    if !older.is_empty() || !newer.is_empty() {
        let service = ctx.service().await?;
        if let Some(now) = fetch(ctx, &service, &own).await? {
            let now = own.now(rule, plan, &now);
            for old in older {
                all &= take_over(ctx, &service, index, &now, (old, rule, plan), &mut kept).await?;
            }
        }
        for new in newer {
            let Some(now) = fetch(ctx, &service, new).await?.filter(|now| !now.is_failed()) else { continue };
            let now = new.now(rule, plan, &now);
            all &= take_over(ctx, &service, index, &now, (&own, rule, plan), &mut kept).await?;
        }
    }
    if all {
        ctx.record(vec![Event::Superseded { label: index, kept }]).await?;
    }
    Ok(all)
}

/// The present state of a label. `None` when the service has not known it for some time: it was removed with its submission.
async fn fetch<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    made: &Made,
) -> StepResult<Option<ShippingLabel>> {
    match service.label(made.product, made.submission, made.label).await {
        Ok(now) => Ok(Some(now)),
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
    new: &Published,
    (made, rule, plan): (&Made, &str, &LabelPlan),
    kept: &mut Vec<KeptTargets>,
) -> StepResult<bool> {
    let (product, submission, label) = (made.product, made.submission, made.label);
    let Some(now) = fetch(ctx, service, made).await? else { return Ok(true) };
    let older = made.now(rule, plan, &now);
    let changes = label::supersede(new, std::slice::from_ref(&older));
    let store = &*ctx.pipeline.store;
    if now.is_done() {
        // An update whose response was lost has removed them already.
        let entries = published::taken_over(store, label.remote(), new.id.remote(), &older.rows)
            .map_err(Interrupt::Store)?;
        if !entries.is_empty() {
            ctx.record_with(entries, Vec::new()).await?;
        }
    }
    let Some(change) = changes.first().filter(|_| !now.is_failed()) else { return Ok(true) };
    kept.extend(change.kept.iter().map(|(narrower, rows)| KeptTargets {
        label: label.remote(),
        rows: *rows,
        why: narrower.to_string(),
    }));
    let Some(update) = &change.update else { return Ok(true) };
    if !now.is_done() {
        return Ok(false);
    }
    let pipeline = ctx.pipeline;
    let Some(permit) = pipeline.guards.pause.permit(ctx.job.package().folder.as_deref()).await else {
        return ctx.wait_paused().await;
    };
    if pipeline.shutdown.is_cancelled() {
        return Err(Interrupt::ShuttingDown);
    }
    let asked = service.update_label(product, submission, label, update).await;
    drop(permit);
    let rows = update.targeting.hardware_ids.len();
    match asked {
        Ok(()) => {
            let is_left =
                |row: &&HardwareId| !update.targeting.hardware_ids.iter().any(|change| removes(change, row));
            let left: Vec<_> = older.rows.iter().filter(is_left).cloned().collect();
            let entries = published::taken_over(&*pipeline.store, label.remote(), new.id.remote(), &left);
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
                "the older label {label} keeps {rows} hardware ids that the new label also targets: {error}; remove them with \
                 `dropship api label update {product} {submission} {label}`, then approve to check again"
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

/// The versions in the driver metadata of the job; empty when it cannot be read.
async fn versions<S>(ctx: &StepContext<'_, S>) -> Versions {
    let metadata = results::driver_metadata(&ctx.pipeline.packages, &ctx.job).await;
    metadata.as_ref().map(label::versions).unwrap_or_default()
}

/// Names of rules and labels can contain any character, so the key contains their digest.
fn prefix(rule: &str, plan: &LabelPlan) -> String {
    let digest = digest::of(format!("{rule}\n{}", plan.key).as_bytes());
    format!("{FLAG}{}/", digest.get(..16).unwrap_or(&digest))
}
