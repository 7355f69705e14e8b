//! The tables of published labels: the labels, an index by hardware id, and the order in which they are compared with the
//! service. They change by entries of their own and never follow from events of jobs: compaction keeps no events.

use jiff::Timestamp;

use crate::error::StoreError;
use crate::published::{HardwareIds, LabelCheck, PublishedLabel, Target};
use crate::tables::bytes::Bytes;
use crate::tables::codec::{decode, encode};
use crate::tables::key;
use crate::tables::overlay::Overlay;
pub(crate) use crate::tables::published_label::{published_label, targets_of};
use crate::tables::series;
use dropship_job::RemoteId;

/// Stores a label in place of what is known of it, with its index. Its check is an entry of its own.
pub(super) fn put_published<B: Bytes>(
    tables: &mut Overlay<'_, B>,
    label: &PublishedLabel,
) -> Result<(), StoreError> {
    unindex(tables, label.id)?;
    series::put(tables, label);
    for target in &label.targets {
        tables.put(key::hardware_id(target, label.id), target.version.as_deref().unwrap_or_default());
    }
    tables.put(key::label_targets(label.id), encode(&label.targets)?);
    tables.put(key::published(label.id), encode(&PublishedLabel { targets: Vec::new(), ..label.clone() })?);
    Ok(())
}

/// Forgets a label: it is not published any more.
pub(super) fn remove_published<B: Bytes>(
    tables: &mut Overlay<'_, B>,
    label: RemoteId,
) -> Result<(), StoreError> {
    unindex(tables, label)?;
    tables.remove(key::label_targets(label));
    tables.remove(key::published(label));
    remove_check(tables, label)
}

/// Records when a published label was compared with the service.
pub(super) fn put_check<B: Bytes>(
    tables: &mut Overlay<'_, B>,
    label: RemoteId,
    check: &LabelCheck,
) -> Result<(), StoreError> {
    // Also when the label follows in a later line: a line that was replaced by a later one may be gone.
    remove_check(tables, label)?;
    tables.put(key::check_order(check.at, label), []);
    tables.put(key::check(label), encode(check)?);
    Ok(())
}

fn unindex<B: Bytes>(tables: &mut Overlay<'_, B>, label: RemoteId) -> Result<(), StoreError> {
    let targets = targets_of(tables, label)?;
    for target in &targets {
        tables.remove(key::hardware_id(target, label));
    }
    series::unindex(tables, label, &targets)
}

fn remove_check<B: Bytes>(tables: &mut Overlay<'_, B>, label: RemoteId) -> Result<(), StoreError> {
    if let Some(check) = check_of(tables, label)? {
        tables.remove(key::check_order(check.at, label));
        tables.remove(key::check(label));
    }
    Ok(())
}

/// When a published label was last compared with the service.
pub(crate) fn check_of(tables: &impl Bytes, label: RemoteId) -> Result<Option<LabelCheck>, StoreError> {
    tables.get(&key::check(label))?.map(|value| decode(&value)).transpose()
}

/// The published labels that were compared with the service before a time, those that were compared first at the beginning.
pub(crate) fn checked_before(
    tables: &impl Bytes,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<RemoteId>, StoreError> {
    let keys = tables.first_keys(key::CHECK_ORDER, limit)?;
    let due =
        keys.iter().filter(|key| key.as_slice() < key::check_order(before, RemoteId::new(0)).as_slice());
    due.map(|key| key::label_in_check_order(key)).collect()
}

/// The targets of published labels with such a hardware id, each with its label.
pub(crate) fn published_targets(
    tables: &impl Bytes,
    ids: HardwareIds<'_>,
) -> Result<Vec<(RemoteId, Target)>, StoreError> {
    let prefix = match ids {
        HardwareIds::Exactly(id) => [key::hardware_ids(id), vec![0]].concat(),
        HardwareIds::Matching(start, _) => key::hardware_ids(start),
    };
    let mut found = Vec::new();
    for (name, version) in tables.scan(&prefix)? {
        let (label, mut target) = key::target_in(&name)?;
        let fits = match ids {
            HardwareIds::Exactly(_) => true,
            HardwareIds::Matching(_, condition) => condition(&target.hardware_id),
        };
        if fits {
            let version = String::from_utf8_lossy(&version).into_owned();
            target.version = Some(version).filter(|version| !version.is_empty());
            found.push((label, target));
        }
    }
    Ok(found)
}
