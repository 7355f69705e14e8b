//! The index of published labels by device: a hardware id on an operating system.
//!
//! One table has the devices, each with the newest publication that was ever indexed for it; the other has the labels of each device in
//! the order of their publication. A query with a glob reads the devices, which are few beside the targets of all labels, and then only
//! the newest labels of those that match.

use std::collections::BTreeSet;

use crate::error::StoreError;
use crate::published::{DeviceName, DeviceQuery, Devices, HardwareIds, Publication, PublishedLabel};
use crate::tables::byte_map::ByteMap;
use crate::tables::key;
use crate::tables::overlay::Overlay;

/// Adds a label to the index.
pub(super) fn put<B: ByteMap>(tables: &mut Overlay<'_, B>, label: &PublishedLabel) -> Result<(), StoreError> {
    let publication = label.publication();
    let order = key::publication_order(publication);
    for (hardware_id, os) in devices_of(label) {
        let device = (hardware_id.as_str(), os);
        tables.put(key::label_of(device, publication), []);
        let key = key::device(device);
        if tables.get(&key)?.is_none_or(|newest| newest.as_slice() < order.as_bytes()) {
            tables.put(key, order.as_bytes());
        }
    }
    Ok(())
}

/// Removes a label. Its devices stay, because only a search would show whether another label targets them.
pub(super) fn unindex<B: ByteMap>(tables: &mut Overlay<'_, B>, label: &PublishedLabel) {
    let publication = label.publication();
    for (hardware_id, os) in devices_of(label) {
        tables.remove(key::label_of((&hardware_id, os), publication));
    }
}

/// The devices that a label targets; the INFs of a device do not matter.
fn devices_of(label: &PublishedLabel) -> BTreeSet<(String, &str)> {
    label.targets.iter().map(|target| (target.hardware_id.to_lowercase(), target.os.as_str())).collect()
}

/// Whether `known` is a valid upper bound for a device whose present labels have the upper bound `rebuilt`. It may be greater,
/// because labels may have been withdrawn.
pub(crate) fn is_bound(known: &[u8], rebuilt: Option<&[u8]>) -> bool {
    rebuilt.is_none_or(|rebuilt| rebuilt <= known)
}

/// The devices of a query.
pub(crate) fn devices(tables: &dyn ByteMap, query: DeviceQuery<'_>) -> Result<Devices, StoreError> {
    let prefix = match query.hardware_ids {
        HardwareIds::Exactly(id) => key::devices_exactly(id),
        HardwareIds::Matching(start, _) => key::devices(start),
    };
    let mut found = Ok(Devices::default());
    // The operating systems of a hardware id follow each other, so the condition is evaluated once for it.
    let mut last = (String::new(), false);
    tables.each(&prefix, &mut |name, newest| {
        let Ok(devices) = &mut found else { return };
        let mut add = || {
            let (hardware_id, os) = key::device_in(name)?;
            let fits = match query.hardware_ids {
                HardwareIds::Exactly(_) => true,
                HardwareIds::Matching(..) if last.0 == hardware_id => last.1,
                HardwareIds::Matching(_, condition) => {
                    last.0.clear();
                    last.0.push_str(hardware_id);
                    last.1 = condition(hardware_id);
                    last.1
                }
            };
            if fits && (query.os)(os) {
                devices.add((hardware_id, os), key::publication_at_end(newest)?);
            }
            Ok(())
        };
        if let Err(error) = add() {
            found = Err(error);
        }
    })?;
    found
}

/// At most `limit` labels that target a device, the latest publication first; `before` continues after that one.
pub(crate) fn labels_of_device(
    tables: &dyn ByteMap,
    device: DeviceName<'_>,
    before: Option<Publication>,
    limit: usize,
) -> Result<Vec<Publication>, StoreError> {
    let before = before.map(|before| key::label_of(device, before));
    let keys = tables.last_keys(&key::labels_of(device), before.as_deref(), limit)?;
    keys.iter().map(|key| key::publication_at_end(key)).collect()
}
