//! The tables of published labels: the labels, an index by hardware id, and the order in which they are compared with the
//! service. They change by entries of their own and never follow from events of jobs: compaction keeps no events.

use jiff::Timestamp;

use crate::error::StoreError;
use crate::published::{LabelCheck, PublishedLabel};
use crate::tables::byte_map::ByteMap;
use crate::tables::codec::{decode, encode};
use crate::tables::key;
use crate::tables::overlay::Overlay;
pub(crate) use crate::tables::published_label::{published_label, targets_of};
use crate::tables::{devices, series};
use dropship_job::RemoteId;

/// Stores a label in place of what is known of it, with its index. Its check is an entry of its own.
pub(super) fn put_published<B: ByteMap>(
    tables: &mut Overlay<'_, B>,
    label: &PublishedLabel,
) -> Result<(), StoreError> {
    unindex(tables, label.id)?;
    series::put(tables, label);
    devices::put(tables, label)?;
    tables.put(key::label_targets(label.id), encode(&label.targets)?);
    tables.put(key::published(label.id), encode(&PublishedLabel { targets: Vec::new(), ..label.clone() })?);
    Ok(())
}

/// Forgets a label: it is not published any more.
pub(super) fn remove_published<B: ByteMap>(
    tables: &mut Overlay<'_, B>,
    label: RemoteId,
) -> Result<(), StoreError> {
    unindex(tables, label)?;
    tables.remove(key::label_targets(label));
    tables.remove(key::published(label));
    remove_check(tables, label)
}

/// Records when a published label was compared with the service.
pub(super) fn put_check<B: ByteMap>(
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

fn unindex<B: ByteMap>(tables: &mut Overlay<'_, B>, label: RemoteId) -> Result<(), StoreError> {
    if let Some(published) = published_label(tables, label)? {
        let published = PublishedLabel { targets: targets_of(tables, label)?, ..published };
        devices::unindex(tables, &published);
        series::unindex(tables, &published);
    }
    Ok(())
}

fn remove_check<B: ByteMap>(tables: &mut Overlay<'_, B>, label: RemoteId) -> Result<(), StoreError> {
    if let Some(check) = check_of(tables, label)? {
        tables.remove(key::check_order(check.at, label));
        tables.remove(key::check(label));
    }
    Ok(())
}

/// The last comparison of a published label with the service.
pub(crate) fn check_of(tables: &dyn ByteMap, label: RemoteId) -> Result<Option<LabelCheck>, StoreError> {
    tables.get(&key::check(label))?.map(|value| decode(&value)).transpose()
}

/// The published labels that were compared with the service before a time, those that were compared first at the beginning.
pub(crate) fn checked_before(
    tables: &dyn ByteMap,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<RemoteId>, StoreError> {
    let keys = tables.first_keys(key::CHECK_ORDER, limit)?;
    let due =
        keys.iter().filter(|key| key.as_slice() < key::check_order(before, RemoteId::new(0)).as_slice());
    due.map(|key| key::label_in_check_order(key)).collect()
}
