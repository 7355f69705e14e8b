//! The label that was published before by the same rule and label.

use jiff::Timestamp;
use serde_json::Value;

use super::compare::compare;
use super::page::Previous;
use crate::package_store::PackageStore;
use crate::pipeline::{label_of, newest_published, read_driver_metadata};
use dropship_hardware::NewShippingLabel;
use dropship_job::{Job, Label, RemoteId};
use dropship_rules::label::preview_with;
use dropship_rules::plan::{LabelPlan, Plan};
use dropship_store::{Store, StoreError};

/// Maximum number of published labels among which one with a job is looked for.
const MOST_COMPARED: usize = 64;

/// The newest published label of the same rule and label that belongs to another job. `None` without one.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn previous(
    store: &dyn Store,
    packages: &PackageStore,
    job: &Job,
    (plan, label): (&Plan, &LabelPlan),
    request: &NewShippingLabel,
) -> Result<Option<Previous>, StoreError> {
    let ids = newest_published(store, plan, label, MOST_COMPARED)?;
    let is_own =
        |id: RemoteId| job.labels().iter().any(|own| own.id() == Some(id) || own.former_ids().contains(&id));
    let mut newest_unknown = None;
    for id in ids.into_iter().filter(|id| !is_own(*id)) {
        let Some((owner, index)) = label_of(store, id)? else {
            newest_unknown.get_or_insert(id);
            continue;
        };
        let Some(published) = owner.labels().get(index).filter(|label| label.is_published()) else {
            continue;
        };
        return Ok(Some(described(packages, (&owner, index), (id, published), (label, request))));
    }
    Ok(newest_unknown.map(|id| Previous {
        id,
        name: None,
        job: None,
        audiences: Vec::new(),
        settings: Vec::new(),
        targets: None,
    }))
}

fn described(
    packages: &PackageStore,
    (owner, index): (&Job, usize),
    (id, label): (RemoteId, &Label),
    (plan, request): (&LabelPlan, &NewShippingLabel),
) -> Previous {
    let old = requested(packages, owner, index);
    let settings = old.as_ref().map(|(before, _)| settings(before, plan));
    Previous {
        id,
        name: Some(label.name().to_owned()),
        job: Some(owner.id().clone()),
        audiences: label.plan().audiences.clone(),
        settings: settings.unwrap_or_default(),
        targets: old.and_then(|(_, old)| Some(compare(request, &old?))),
    }
}

/// The keys in which two plans of a label differ, besides its name, audiences and targets, which are compared separately.
fn settings(before: &LabelPlan, now: &LabelPlan) -> Vec<String> {
    const COMPARED_ELSEWHERE: [&str; 4] = ["name", "key", "audiences", "targets"];
    let keys = |plan: &LabelPlan| match serde_json::to_value(plan) {
        Ok(Value::Object(keys)) => keys,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    let before = keys(before);
    let changed = keys(now).into_iter().filter_map(|(key, value)| {
        let old = before.get(&key).unwrap_or(&Value::Null);
        let differs = *old != value && !COMPARED_ELSEWHERE.contains(&key.as_str());
        differs.then(|| format!("{key} {value} instead of {old}"))
    });
    changed.collect()
}

/// The plan and the request of a label that exists, from the stored plan and metadata of its job. The date of the request is of no
/// interest.
fn requested(
    packages: &PackageStore,
    owner: &Job,
    index: usize,
) -> Option<(LabelPlan, Option<NewShippingLabel>)> {
    let snapshot = packages.plan_snapshot(owner.id(), owner.plan()?).ok()?;
    let plan = snapshot.plan.labels.get(index)?.clone();
    let label = LabelPlan { go_live: None, ..plan.clone() };
    let metadata = read_driver_metadata(packages, owner).ok();
    let request = metadata
        .and_then(|metadata| preview_with(&label, &snapshot.plan, &metadata, Timestamp::UNIX_EPOCH).request);
    Some((plan, request))
}
