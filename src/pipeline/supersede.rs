//! After a label is published: what it targets too is removed from older labels of its rule; and what newer ones target
//! too, which were published before it, is removed from itself.
//!
//! Nothing of this is intended beforehand: each pass reads both labels as the service has them now, computes what is
//! left, and asks for that alone. So a crash between publishing and the last change costs another look.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::hand::{Go, Hand, Stop};
use super::learnt::Wait;
use super::service::Service;
use crate::digest;
use crate::outbox::METADATA;
use crate::store::Entry;
use dropship_hardware::{
    Class, DriverMetadata, Fate, HardwareId, HardwareIdState, LabelId, ProductId, ShippingLabel, SubmissionId,
};
use dropship_job::{Event, Fault, Step};
use dropship_rules::label::{self, Published};
use dropship_rules::plan::LabelPlan;
use dropship_rules::version::Version;

/// The flags' prefix in the store: they outlive the jobs, since versions are further apart than jobs are kept.
const FLAG: &str = "made/";

/// A label that dropship made and saw published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    account: String,
    product: ProductId,
    submission: SubmissionId,
    label: LabelId,
    /// `DriverVer` version by INF.
    versions: BTreeMap<String, String>,
    /// When its package came in, if older labels give way to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    supersedes: Option<Timestamp>,
}

impl Made {
    /// A label of a job; nothing while it does not exist.
    fn of<S: Service>(
        hand: &Hand<'_, S>,
        index: usize,
        place: (ProductId, SubmissionId),
        plan: &LabelPlan,
    ) -> Option<Self> {
        let label = LabelId(hand.job.labels.get(index)?.creation.id()?);
        let account = hand.account().to_owned();
        let (product, submission) = place;
        Some(Self {
            account,
            product,
            submission,
            label,
            versions: versions(hand),
            supersedes: plan.supersede.then_some(hand.job.created),
        })
    }

    /// As it is now, for the computation.
    fn now(&self, rule: &str, plan: &LabelPlan, now: &ShippingLabel) -> Published {
        Published {
            id: self.label,
            rule: rule.to_owned(),
            key: plan.key.clone(),
            rows: rows(now),
            versions: self.versions.clone(),
        }
    }
}

/// Records that a label is published, and that it was made, so that a later one can take over from it.
pub(super) async fn record_published<S: Service>(
    hand: &mut Hand<'_, S>,
    index: usize,
    events: Vec<Event>,
) -> Go {
    let dossier = hand.dossier().await?;
    let place = hand.remote().await?;
    // Before this step others may have been waited for first.
    let mut entries = if hand.job.step == Step::Publish { hand.learn(Wait::Publish) } else { Vec::new() };
    let Some((plan, made)) =
        dossier.plan.labels.get(index).and_then(|plan| Some((plan, Made::of(hand, index, place, plan)?)))
    else {
        return hand.record_with(entries, events).await;
    };
    let value = serde_json::to_string(&made).ok().filter(|_| !made.versions.is_empty());
    let key = format!("{}{}", prefix(&dossier.plan.rule, plan), made.label);
    entries.push(Entry::Setting { key, value });
    hand.record_with(entries, events).await
}

/// Removes from older labels what published ones target too. False: a label takes no change just now.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go<bool> {
    let dossier = hand.dossier().await?;
    let mut all = true;
    for (index, plan) in dossier.plan.labels.iter().enumerate() {
        let label = hand.job.labels.get(index);
        let due = label.is_some_and(|label| {
            label.published.is_some() && label.superseded.is_none() && label.withdrawn.is_none()
        });
        if due {
            all &= one(hand, index, &dossier.plan.rule, plan).await?;
        }
    }
    Ok(all)
}

async fn one<S: Service>(hand: &mut Hand<'_, S>, index: usize, rule: &str, plan: &LabelPlan) -> Go<bool> {
    let flags = hand.context.store.flags(&prefix(rule, plan)).map_err(Stop::Store)?;
    let made = flags.iter().filter_map(|(_, value)| serde_json::from_str::<Made>(value).ok());
    let twins: Vec<Made> = made.filter(|made| made.account == hand.account()).collect();
    if !plan.supersede && twins.iter().all(|made| made.supersedes.is_none()) {
        return Ok(true);
    }
    let place = hand.remote().await?;
    let Some(own) = Made::of(hand, index, place, plan) else { return Ok(true) };
    let older: Vec<&Made> =
        twins.iter().filter(|made| plan.supersede && is_older(&made.versions, &own.versions)).collect();
    // Those would have taken over from this label, had it been published when they were. A lower version that comes in
    // after a higher one is a way back, and gives nothing up.
    let came_later = |made: &Made| made.supersedes.is_some_and(|came| came > hand.job.created);
    let newer: Vec<&Made> =
        twins.iter().filter(|made| came_later(made) && is_older(&own.versions, &made.versions)).collect();
    if older.is_empty() && newer.is_empty() && !plan.supersede {
        return Ok(true);
    }
    let mut all = true;
    if !older.is_empty() || !newer.is_empty() {
        let service = hand.service().await?;
        if let Some(now) = look(hand, &service, &own).await? {
            let now = own.now(rule, plan, &now);
            for old in older {
                all &= take_over(hand, &service, index, &now, (old, rule, plan)).await?;
            }
        }
        for new in newer {
            let Some(now) = look(hand, &service, new).await?.filter(|now| !now.is_failed()) else { continue };
            let now = new.now(rule, plan, &now);
            all &= take_over(hand, &service, index, &now, (&own, rule, plan)).await?;
        }
    }
    if all {
        hand.record(vec![Event::Superseded { label: index }]).await?;
    }
    Ok(all)
}

/// A label as the service has it now; nothing where somebody removed it with its submission.
async fn look<S: Service>(hand: &mut Hand<'_, S>, service: &S, made: &Made) -> Go<Option<ShippingLabel>> {
    match service.label(made.product, made.submission, made.label).await {
        Ok(now) => Ok(Some(now)),
        Err(error) if error.status == Some(404) => Ok(None),
        Err(error) => hand.trouble(error).await,
    }
}

/// Removes from an older label what a newer one targets too; one of them is the job's own at `index`. False: the older
/// one takes no change just now.
async fn take_over<S: Service>(
    hand: &mut Hand<'_, S>,
    service: &S,
    index: usize,
    new: &Published,
    (made, rule, plan): (&Made, &str, &LabelPlan),
) -> Go<bool> {
    let (product, submission, label) = (made.product, made.submission, made.label);
    let Some(now) = look(hand, service, made).await? else { return Ok(true) };
    let changes = label::supersede(new, &[made.now(rule, plan, &now)]);
    let Some(change) = changes.first().filter(|_| !now.is_failed()) else { return Ok(true) };
    if !now.is_done() {
        return Ok(false);
    }
    let context = hand.context;
    let Some(pass) = context.brake.pass(hand.job.package.folder.as_deref()).await else {
        return hand.wait_paused().await;
    };
    if context.draining.is_cancelled() {
        return Err(Stop::Draining);
    }
    let asked = service.update_label(product, submission, label, &change.update).await;
    drop(pass);
    let rows = change.update.targeting.hardware_ids.len();
    match asked {
        Ok(()) => {
            hand.record(vec![Event::TakenOver { label: index, from: label.0, rows }]).await?;
            Ok(true)
        }
        Err(error) if error.class == Class::NotReady => Ok(false),
        // The next pass sees for itself what became of it.
        Err(error) if error.fate == Fate::Uncertain => {
            hand.stumble(Fault::new("uncertain", error.to_string()), None).await
        }
        Err(error) if error.class == Class::Permanent => {
            let message = format!(
                "the older label {label} keeps {rows} hardware ids that the new one targets too: {error}; remove them \
                 with `dropship api label update {product} {submission} {label}`, then approve to look again"
            );
            hand.hold(Fault::new("supersede-refused", message)).await
        }
        Err(error) => hand.trouble(error).await,
    }
}

/// What a label targets, without what is on its way out.
fn rows(label: &ShippingLabel) -> Vec<HardwareId> {
    let rows = label.targeting.iter().flat_map(|targeting| &targeting.hardware_ids);
    rows.filter(|row| row.distribution_state != Some(HardwareIdState::PendingRemove)).cloned().collect()
}

/// Versions as the driver metadata in the outbox states them.
fn versions<S>(hand: &Hand<'_, S>) -> BTreeMap<String, String> {
    let path = hand.context.outbox(&hand.job).folder().join(METADATA);
    let metadata = std::fs::read(&path).ok().and_then(|text| DriverMetadata::parse(&text).ok());
    metadata.as_ref().map(label::versions).unwrap_or_default()
}

/// Whether any INF of both has a lower version there.
fn is_older(there: &BTreeMap<String, String>, here: &BTreeMap<String, String>) -> bool {
    there.iter().any(|(inf, there)| {
        let here = here.get(inf).and_then(|here| here.parse::<Version>().ok());
        here.is_some_and(|here| there.parse::<Version>().is_ok_and(|there| there < here))
    })
}

/// Names of rules and labels are anybody's text, so the flag has their digest.
fn prefix(rule: &str, plan: &LabelPlan) -> String {
    let digest = digest::of(format!("{rule}\n{}", plan.key).as_bytes());
    format!("{FLAG}{}/", digest.get(..16).unwrap_or(&digest))
}
