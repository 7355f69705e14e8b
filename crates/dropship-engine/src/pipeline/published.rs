//! The records of published labels in the store. `who` uses them to find the labels that reach a device; the audit compares them
//! with the service.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::known_audiences;
use super::results;
use super::service::Service;
use super::step_context::{Interrupt, StepContext, StepResult};
use dropship_hardware::{
    Audience, DriverMetadata, HardwareId, HardwareIdState, NewShippingLabel, ShippingLabel, Targeting,
};
use dropship_job::{RemoteId, RemoteLabel};
use dropship_rules::label::{self, Reach, Versions, audiences};
use dropship_rules::plan::LabelPlan;
use dropship_store::{Entry, LabelCheck, LabelSeries, PublishedLabel, PublishedTarget, Store, StoreError};

/// The membership of a label in a series.
pub(super) struct Membership {
    /// The series: [`LabelSeries::id`].
    pub(super) series: String,
    /// [`LabelSeries::takes_over_since`].
    pub(super) takes_over_since: Option<Timestamp>,
}

/// The entries that record a published label. `remote` is the job's own label, or a duplicate of it; `shipping_label` is the same
/// label at the service. A label without a membership is not superseded.
pub(super) async fn entries<S: Service>(
    ctx: &StepContext<'_, S>,
    remote: &RemoteLabel,
    (name, plan): (&str, Option<&LabelPlan>),
    shipping_label: &ShippingLabel,
    membership: Option<Membership>,
) -> StepResult<Vec<Entry>> {
    let (Some(product), Some(submission)) = (ctx.job.product().id(), ctx.job.submission().id()) else {
        return Ok(Vec::new());
    };
    let pipeline = ctx.pipeline;
    let metadata = results::driver_metadata(&pipeline.packages, &ctx.job).await.ok();
    let names_audiences = plan.is_some_and(|plan| !plan.audiences.is_empty());
    let (audiences, mut entries) = audiences_of(ctx, names_audiences).await?;
    let request = || request(plan?, metadata.as_ref()?, &audiences, pipeline.clock.now());
    let targeting = shipping_label.targeting.clone().or_else(|| request()?.targeting);
    let restricted_to = targeting.as_ref().map(|targeting| targeting.restricted_to_audiences.as_slice());
    let now = pipeline.clock.now();
    let versions = metadata.as_ref().map(label::versions).unwrap_or_default();
    let label = PublishedLabel {
        id: remote.id,
        name: name.to_owned(),
        job: ctx.job.id().clone(),
        package: ctx.job.package().name.clone(),
        rule: ctx.job.rule().unwrap_or_default().to_owned(),
        account: ctx.account().to_owned(),
        product,
        submission,
        audiences: match restricted_to {
            Some(ids) => ids.iter().map(|id| name_of(id, &audiences)).collect(),
            None => plan.map(|plan| plan.audiences.clone()).unwrap_or_default(),
        },
        published: now,
        go_live: remote.go_live,
        supersedes: Vec::new(),
        superseded_by: Vec::new(),
        reach: targeting.as_ref().and_then(reach),
        series: membership.map(|of| of.into_series(&versions)).filter(|series| !series.versions.is_empty()),
        targets: targeting.iter().flat_map(|targeting| targets(rows(targeting), &versions)).collect(),
    };
    // Spreads the first comparisons with the service, for labels that are published at the same time.
    let at = now.checked_sub(head_start(remote.id, pipeline.settings.audit)).unwrap_or(now);
    entries.push(Entry::LabelPublished { label: Box::new(label) });
    entries.push(Entry::LabelChecked { label: remote.id, check: LabelCheck::passed(at) });
    Ok(entries)
}

impl Membership {
    fn into_series(self, versions: &Versions) -> LabelSeries {
        LabelSeries { id: self.series, versions: versions.clone(), takes_over_since: self.takes_over_since }
    }
}

/// Up to half of the period, by the id of the label.
fn head_start(label: RemoteId, period: Duration) -> SignedDuration {
    // The multiplier is 2^64 divided by the golden ratio: it spreads consecutive ids evenly.
    let mixed = label.get().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let fraction = f64::from(u32::try_from(mixed).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    SignedDuration::try_from(period.mul_f64(fraction / 2.0)).unwrap_or_default()
}

/// The audiences of the account as the store has them. If it has none and they are needed, they are requested; the entries store
/// them.
async fn audiences_of<S: Service>(
    ctx: &StepContext<'_, S>,
    needed: bool,
) -> StepResult<(Vec<Audience>, Vec<Entry>)> {
    let (store, account) = (&*ctx.pipeline.store, ctx.account());
    let stored = known_audiences::read(store, account).map_err(Interrupt::Store)?;
    if !stored.is_empty() || !needed {
        return Ok((stored, Vec::new()));
    }
    let Some(service) = ctx.pipeline.services.get(account) else { return Ok((stored, Vec::new())) };
    // Without an answer, the audiences are shown by their ids.
    let Ok(listed) = service.audiences().await else { return Ok((stored, Vec::new())) };
    let entry = known_audiences::entry(store, account, &listed.items).map_err(Interrupt::Store)?;
    Ok((listed.items, entry.into_iter().collect()))
}

/// The request that a label was created with, except for its date.
fn request(
    plan: &LabelPlan,
    metadata: &DriverMetadata,
    audiences: &[Audience],
    now: Timestamp,
) -> Option<NewShippingLabel> {
    label::build(&LabelPlan { go_live: None, ..plan.clone() }, metadata, audiences, now).ok()
}

/// The name of an audience; its id if the account has no such audience.
pub(super) fn name_of(id: &str, audiences: &[Audience]) -> String {
    match audiences::resolve(&[id.to_owned()], audiences).as_deref() {
        Ok([audience]) if !audience.name.is_empty() => audience.name.clone(),
        _ => id.to_owned(),
    }
}

/// The hardware ids of a label without those being removed.
pub(super) fn rows(targeting: &Targeting) -> Vec<HardwareId> {
    let rows = targeting.hardware_ids.iter();
    rows.filter(|row| row.distribution_state != Some(HardwareIdState::PendingRemove)).cloned().collect()
}

/// Hardware ids in the form of the store.
pub(super) fn targets(rows: Vec<HardwareId>, versions: &Versions) -> Vec<PublishedTarget> {
    let version = |row: &HardwareId| {
        let inf = row.inf_id.to_lowercase();
        let of_bundle = versions.get(&row.bundle_id).and_then(|infs| infs.get(&inf));
        of_bundle.or_else(|| versions.values().find_map(|infs| infs.get(&inf))).cloned()
    };
    let target = |row: HardwareId| PublishedTarget {
        version: version(&row),
        hardware_id: row.pnp_string,
        os: row.operating_system_code,
        bundle: row.bundle_id,
        inf: row.inf_id,
    };
    rows.into_iter().map(target).collect()
}

/// The restrictions of a label besides its hardware ids, in the form of the store.
pub(super) fn reach(targeting: &Targeting) -> Option<String> {
    serde_json::to_string(&Reach::of(targeting)).ok()
}

/// A target without its version and without case.
pub(super) fn identity(target: &PublishedTarget) -> [String; 4] {
    [&target.hardware_id, &target.os, &target.bundle, &target.inf].map(|text| text.to_lowercase())
}

/// The whole published label.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn read_label(store: &dyn Store, label: RemoteId) -> Result<Option<PublishedLabel>, StoreError> {
    let Some(known) = store.published_label(label)? else { return Ok(None) };
    Ok(Some(PublishedLabel { targets: store.targets_of_label(label)?, ..known }))
}

/// The entries that update the targets of an older label to the remaining ones (`remaining`), after `newer` has taken over the others.
/// No entries if the store is up to date.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn takeover_entries(
    store: &dyn Store,
    older: RemoteId,
    newer: RemoteId,
    remaining: &[HardwareId],
) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    let remaining: BTreeSet<_> = targets(remaining.to_vec(), &Versions::new()).iter().map(identity).collect();
    if let Some(mut label) = read_label(store, older)? {
        let before = label.targets.len();
        label.targets.retain(|target| remaining.contains(&identity(target)));
        if label.targets.len() == before {
            return Ok(Vec::new());
        }
        if !label.superseded_by.contains(&newer) {
            label.superseded_by.push(newer);
        }
        entries.push(Entry::LabelPublished { label: Box::new(label) });
    }
    if let Some(mut label) = read_label(store, newer)?.filter(|label| !label.supersedes.contains(&older)) {
        label.supersedes.push(older);
        entries.push(Entry::LabelPublished { label: Box::new(label) });
    }
    Ok(entries)
}
