//! The label that was published before by the same rule and label.

use jiff::Timestamp;

use super::compare::compare;
use super::page::Previous;
use crate::package_store::PackageStore;
use crate::pipeline::{label_of, published_labels, read_driver_metadata};
use dropship_hardware::NewShippingLabel;
use dropship_job::{Job, Label, RemoteId};
use dropship_rules::label::preview_with;
use dropship_rules::plan::{LabelPlan, Plan};
use dropship_store::{Store, StoreError};

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
    let mut ids = published_labels(store, plan, label)?;
    // The service numbers its labels in the order of their creation.
    ids.sort_unstable_by(|one, other| other.cmp(one));
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
        return Ok(Some(described(packages, &owner, index, (id, published), request)));
    }
    Ok(newest_unknown.map(|id| Previous { id, name: None, job: None, audiences: Vec::new(), targets: None }))
}

fn described(
    packages: &PackageStore,
    owner: &Job,
    index: usize,
    (id, label): (RemoteId, &Label),
    request: &NewShippingLabel,
) -> Previous {
    let old = requested(packages, owner, index);
    Previous {
        id,
        name: Some(label.name().to_owned()),
        job: Some(owner.id().clone()),
        audiences: label.plan().audiences.clone(),
        targets: old.map(|old| compare(request, &old)),
    }
}

/// The request of a label that exists, from the stored plan and metadata of its job, without its dates.
fn requested(packages: &PackageStore, owner: &Job, index: usize) -> Option<NewShippingLabel> {
    let snapshot = packages.plan_snapshot(owner.id(), owner.plan()?).ok()?;
    let metadata = read_driver_metadata(packages, owner).ok()?;
    let label = LabelPlan { go_live: None, ..snapshot.plan.labels.get(index)?.clone() };
    preview_with(&label, &snapshot.plan, &metadata, Timestamp::UNIX_EPOCH).request
}
