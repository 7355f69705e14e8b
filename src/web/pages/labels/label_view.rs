//! One label in detail.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use dropship_web::page::MaybeLink;
use dropship_web::page::labels::{LabelView, ReachView};
use jiff::Timestamp;

use super::entry::LabelEntry;
use super::reaches::Reaches;
use crate::web::pages::who::other;
use crate::web::refusal::RequestRefusal;
use crate::web::site::Site;
use crate::web::words::{self, escape};
use dropship_engine::approval::TargetCounts;
use dropship_engine::operations::{LabelReach, ReachSource};
use dropship_engine::outbox::{LabelReceipt, Receipt};
use dropship_job::JobId;
use dropship_rules::duration;
use dropship_rules::plan::{DestinationPlan, LabelPlan};

/// A job, and what its labels reach.
type ReadJob = (Receipt, Rc<[LabelReach]>);

/// The labels in detail. The jobs are read, and the records of their packages.
pub(super) fn label_views(
    site: &Site,
    reaches: &mut Reaches<'_>,
    entries: &[LabelEntry],
    now: Timestamp,
) -> Result<Vec<LabelView>, RequestRefusal> {
    let mut jobs: BTreeMap<&JobId, Option<ReadJob>> = BTreeMap::new();
    for entry in entries {
        if !jobs.contains_key(&entry.job) {
            // The job may have been pruned since the rows were read.
            let found = site.readings.current(&entry.job).ok();
            let found = found.map(|job| Ok::<_, RequestRefusal>((job, reaches.of_job(&entry.job)?)));
            jobs.insert(&entry.job, found.transpose()?);
        }
    }
    let view = |entry: &LabelEntry| {
        let (job, reach) = jobs.get(&entry.job)?.as_ref()?;
        Some(label_view(entry, job.labels.get(entry.index)?, reach.get(entry.index), now))
    };
    Ok(entries.iter().filter_map(view).collect())
}

fn label_view(
    entry: &LabelEntry,
    label: &LabelReceipt,
    reach: Option<&LabelReach>,
    now: Timestamp,
) -> LabelView {
    let version = entry.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let plan = reach.and_then(|reach| reach.plan.as_ref());
    let others = |labels: &[dropship_engine::operations::OtherLabel]| -> Vec<MaybeLink> {
        labels.iter().map(other).map(|link| MaybeLink { name: escape(&link.name), ..link }).collect()
    };
    LabelView {
        name: words::package_of(&label.name, &entry.job),
        id: label.id.map(|id| id.to_string()),
        state: words::label_of(label.status, entry.has_ended),
        package: escape(&entry.package),
        driver: escape(&format!("{}{version}", entry.driver)),
        ring: escape(entry.ring()),
        audiences: reach
            .map_or(&label.audiences, |reach| &reach.audiences)
            .iter()
            .map(|name| escape(name))
            .collect(),
        partner: plan.and_then(partner),
        dates: dates(entry, label, reach, now),
        waits: waits(entry, label, plan).iter().map(|text| escape(text)).collect(),
        reach: reach.and_then(|reach| Some(counts(reach.targets.as_ref()?, reach.source, plan))),
        supersedes: reach.map(|reach| others(&reach.supersedes)).unwrap_or_default(),
        superseded_by: reach.map(|reach| others(&reach.superseded_by)).unwrap_or_default(),
        drift: label.drift.as_ref().map(|drift| (escape(&drift.message), drift.acknowledged_by.is_some())),
    }
}

fn partner(plan: &LabelPlan) -> Option<String> {
    match &plan.destination {
        DestinationPlan::AnotherPartner { partner, .. } => Some(escape(partner)),
        DestinationPlan::WindowsUpdate => None,
    }
}

fn dates(
    entry: &LabelEntry,
    label: &LabelReceipt,
    reach: Option<&LabelReach>,
    now: Timestamp,
) -> Vec<(&'static str, Timestamp)> {
    let live = match (label.published, label.not_before) {
        (Some(_), Some(date)) if date > now => Some(("goes live", date)),
        (Some(_), Some(date)) => Some(("live since", date)),
        (None, Some(date)) if entry.is_upcoming(now) => Some(("not before", date)),
        (None, Some(_)) => None,
        (_, None) => None,
    };
    let expected = reach.and_then(|reach| reach.expected).filter(|_| entry.is_upcoming(now));
    let expected = expected.filter(|date| label.not_before.is_none_or(|known| known < *date));
    [
        label.requested.map(|at| ("requested", at)),
        label.published.map(|at| ("published", at)),
        live,
        expected.map(|at| ("expected from", at)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What the label waits for.
fn waits(entry: &LabelEntry, label: &LabelReceipt, plan: Option<&LabelPlan>) -> Vec<String> {
    let mut waits = Vec::new();
    let approvals = plan.map_or(0, |plan| plan.hold.operators());
    match &label.error {
        // Its page has the request and the command.
        Some(_) if label.request.is_some() && approvals > 0 => {}
        Some(error) => waits.push(format!("on hold: {}", error.message)),
        None if label.hold => waits.push("on hold until an operator decides".to_owned()),
        None => {}
    }
    let Some(plan) = plan.filter(|_| label.id.is_none() && !entry.has_ended) else { return waits };
    if let Some(after) = &plan.after {
        let soak = match after.soak_seconds {
            0 => String::new(),
            seconds => format!(", and {} of soak", duration::format(Duration::from_secs(seconds))),
        };
        waits.push(format!("after the publication of {}{soak}", after.labels.join(", ")));
    }
    match approvals {
        0 => {}
        1 => waits.push("an operator has to approve its request".to_owned()),
        several => waits.push(format!("{several} operators have to approve its request")),
    }
    waits
}

fn counts(targets: &TargetCounts, source: ReachSource, plan: Option<&LabelPlan>) -> ReachView {
    let sorted = |counts: &BTreeMap<String, usize>| {
        let mut sorted: Vec<_> = counts.iter().map(|(name, count)| (escape(name), *count)).collect();
        sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        sorted
    };
    let limits = |plan: &LabelPlan| {
        let named = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{name} {}", escape(value)))
        };
        let build = |name: &str, value: Option<u32>| value.map(|value| format!("{name} build {value}"));
        let (lowest, highest) = plan.build.map_or((None, None), |build| (build.floor, build.ceiling));
        [
            named("from", &plan.floor),
            named("up to", &plan.ceiling),
            build("from", lowest),
            build("up to", highest),
        ]
    };
    ReachView {
        total: targets.total,
        source: match source {
            ReachSource::Published => "",
            ReachSource::Metadata => "by Microsoft's driver metadata",
            ReachSource::Package => "foreseen from the package",
        },
        systems: sorted(&targets.operating_systems),
        vendors: sorted(&targets.vendors),
        chids: targets.chids,
        limits: plan.into_iter().flat_map(limits).flatten().collect(),
    }
}
