//! The label that was published before by the same rule and label.

use jiff::Timestamp;

use crate::approval::{Previous, TargetChange};
use crate::package_store::PackageStore;
use crate::pipeline::{label_of, newest_published, read_driver_metadata};
use dropship_hardware::NewShippingLabel;
use dropship_job::{Job, Label, RemoteId};
use dropship_rules::comparison::{FILTER, label_changes};
use dropship_rules::label::preview_with;
use dropship_rules::plan::{LabelPlan, Plan};
use dropship_store::{Store, StoreError};

/// Maximum number of published labels among which one with a job is looked for.
const MAX_COMPARED: usize = 64;

/// The newest published label of the same rule and label that belongs to another job. `None` without one.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn find_previous(
    store: &dyn Store,
    packages: &PackageStore,
    job: &Job,
    (plan, label): (&Plan, &LabelPlan),
    request: &NewShippingLabel,
) -> Result<Option<Previous>, StoreError> {
    let ids = newest_published(store, plan, label, MAX_COMPARED)?;
    let is_own = |id: RemoteId| {
        job.labels().iter().any(|label| label.id() == Some(id) || label.former_ids().contains(&id))
    };
    let mut newest_unknown = None;
    for id in ids.into_iter().filter(|id| !is_own(*id)) {
        let Some((owner, index)) = label_of(store, id)? else {
            newest_unknown.get_or_insert(id);
            continue;
        };
        let Some(published) = owner.labels().get(index).filter(|label| label.is_published()) else {
            continue;
        };
        return Ok(Some(describe(packages, (&owner, index), (id, published), ((plan, label), request))));
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

fn describe(
    packages: &PackageStore,
    (owner, index): (&Job, usize),
    (id, label): (RemoteId, &Label),
    (plan, request): ((&Plan, &LabelPlan), &NewShippingLabel),
) -> Previous {
    let old = read_requested_label(packages, owner, index);
    let settings = old.as_ref().map(|old| changed_settings((&old.plan, &old.label), plan));
    Previous {
        id,
        name: Some(label.name().to_owned()),
        job: Some(owner.id().clone()),
        audiences: label.plan().audiences.clone(),
        settings: settings.unwrap_or_default(),
        targets: old.and_then(|old| Some(TargetChange::between(request, &old.request?))),
    }
}

/// The keys in which a label differs from an earlier one, besides its name, audiences and targets, which are compared separately.
fn changed_settings((old_plan, old): (&Plan, &LabelPlan), now: (&Plan, &LabelPlan)) -> Vec<String> {
    let is_compared_separately = |key: &str| matches!(key, "name" | "audiences") || key.starts_with(FILTER);
    let changes = label_changes((old_plan, old), now).into_iter();
    changes.filter(|change| !is_compared_separately(&change.key)).map(|change| change.to_string()).collect()
}

/// What a label was planned and requested by.
struct RequestedLabel {
    plan: Plan,
    label: LabelPlan,
    /// Absent if the metadata of its job is not there any more.
    request: Option<NewShippingLabel>,
}

/// The plan and the request of a label that exists, from the stored plan and metadata of its job. The date of the request is of no
/// interest.
fn read_requested_label(packages: &PackageStore, owner: &Job, index: usize) -> Option<RequestedLabel> {
    let plan = packages.plan_snapshot(owner.id(), owner.plan()?).ok()?.plan;
    let label = plan.labels.get(index)?.clone();
    let undated = LabelPlan { go_live: None, ..label.clone() };
    let metadata = read_driver_metadata(packages, owner).ok();
    let request =
        metadata.and_then(|metadata| preview_with(&undated, &plan, &metadata, Timestamp::UNIX_EPOCH).request);
    Some(RequestedLabel { plan, label, request })
}
