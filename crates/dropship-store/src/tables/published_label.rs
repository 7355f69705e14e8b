//! Reads one published label.

use crate::error::StoreError;
use crate::published::{PublishedLabel, PublishedTarget};
use crate::tables::byte_map::ByteMap;
use crate::tables::codec::decode;
use crate::tables::key;
use dropship_job::RemoteId;

/// A published label without its targets.
pub(crate) fn published_label(
    tables: &dyn ByteMap,
    label: RemoteId,
) -> Result<Option<PublishedLabel>, StoreError> {
    tables.get(&key::published(label))?.map(|value| decode(&value)).transpose()
}

/// The targets of a published label.
pub(crate) fn targets_of(tables: &dyn ByteMap, label: RemoteId) -> Result<Vec<PublishedTarget>, StoreError> {
    let value = tables.get(&key::label_targets(label))?;
    Ok(value.map(|value| decode(&value)).transpose()?.unwrap_or_default())
}
