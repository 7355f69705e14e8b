//! Indexes of published labels by their series: the cost of superseding depends on what a label takes over, never on how many
//! labels its rule has made.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::error::StoreError;
use crate::published::{LabelSeries, PublishedLabel, PublishedTarget};
use crate::tables::byte_map::ByteMap;
use crate::tables::key;
use crate::tables::overlay::Overlay;
use crate::tables::published_label::{published_label, targets_of};
use dropship_job::RemoteId;

/// The keys of a label in the indexes of its series.
pub(super) fn keys(label: RemoteId, series: &LabelSeries, targets: &[PublishedTarget]) -> Vec<Vec<u8>> {
    let mut keys = vec![key::series(&series.id, label)];
    for (inf, hardware_id, version) in rows(series, targets) {
        let target = (inf.as_str(), hardware_id.as_str());
        let versions = key::series_target(key::SERIES_VERSIONS, &series.id, target);
        keys.push(key::series_entry(&versions, &version, label));
        if let Some(arrived) = series.takes_over_since {
            let arrivals = key::series_target(key::SERIES_ARRIVALS, &series.id, target);
            keys.push(key::series_entry(&arrivals, &key::time_order(arrived), label));
        }
    }
    keys
}

/// Removes what the indexes have of a label.
pub(super) fn unindex<B: ByteMap>(tables: &mut Overlay<'_, B>, label: &PublishedLabel) {
    for key in label.series.iter().flat_map(|series| keys(label.id, series, &label.targets)) {
        tables.remove(key);
    }
}

/// The labels of the same series with a target of this one, for a lower version of its INF.
pub(crate) fn older(tables: &dyn ByteMap, label: RemoteId) -> Result<BTreeSet<RemoteId>, StoreError> {
    find_in_index(tables, label, key::SERIES_VERSIONS, |prefix, version| {
        (prefix.to_vec(), [prefix, version].concat())
    })
}

/// The labels of the same series with a target of this one, which take over targets, and whose package arrived at this time or
/// later.
pub(crate) fn arrived_since(
    tables: &dyn ByteMap,
    label: RemoteId,
    since: Timestamp,
) -> Result<BTreeSet<RemoteId>, StoreError> {
    let since = key::time_order(since);
    let mut found = find_in_index(tables, label, key::SERIES_ARRIVALS, |prefix, _| {
        ([prefix, since.as_bytes()].concat(), key::after(prefix))
    })?;
    found.remove(&label);
    Ok(found)
}

/// The labels of a series, the newest first, older than `before`.
pub(crate) fn newest(
    tables: &dyn ByteMap,
    series: &str,
    before: Option<RemoteId>,
    limit: usize,
) -> Result<Vec<RemoteId>, StoreError> {
    let before = before.map(|label| key::series(series, label));
    let keys = tables.last_keys(&key::series_prefix(series), before.as_deref(), limit)?;
    keys.iter().map(|key| key::label_at_end(key)).collect()
}

/// The labels in a range of an index, for each target of a label. `range` makes it from the beginning of the target's keys and the
/// version of its INF.
fn find_in_index(
    tables: &dyn ByteMap,
    label: RemoteId,
    index: &[u8],
    range: impl Fn(&[u8], &[u8]) -> (Vec<u8>, Vec<u8>),
) -> Result<BTreeSet<RemoteId>, StoreError> {
    let Some(series) = published_label(tables, label)?.and_then(|known| known.series) else {
        return Ok(BTreeSet::new());
    };
    let mut found = BTreeSet::new();
    for (inf, hardware_id, version) in rows(&series, &targets_of(tables, label)?) {
        let prefix = key::series_target(index, &series.id, (&inf, &hardware_id));
        let (from, to) = range(&prefix, version.as_bytes());
        for key in tables.keys_between(&prefix, &from, &to)? {
            found.insert(key::label_at_end(&key)?);
        }
    }
    Ok(found)
}

/// The hardware ids of each INF, without case, with the version of the INF. Targets of other operating systems are the same row.
fn rows(series: &LabelSeries, targets: &[PublishedTarget]) -> BTreeSet<(String, String, String)> {
    let row = |target: &PublishedTarget| {
        let inf = target.inf.to_lowercase();
        let version = version_order(series.versions.get(&target.bundle)?.get(&inf)?)?;
        Some((inf, target.hardware_id.to_lowercase(), version))
    };
    targets.iter().filter_map(row).collect()
}

/// A text that sorts as the version: up to four numbers of 32 bits, of which those that are missing are 0.
fn version_order(version: &str) -> Option<String> {
    let mut parts = [0u32; 4];
    for (count, part) in version.trim().split('.').enumerate() {
        *parts.get_mut(count)? = part.parse().ok()?;
    }
    Some(parts.iter().map(|part| format!("{part:08x}")).collect())
}

/// The indexes of the series of a label.
pub(super) fn put<B: ByteMap>(tables: &mut Overlay<'_, B>, label: &PublishedLabel) {
    for key in label.series.iter().flat_map(|series| keys(label.id, series, &label.targets)) {
        tables.put(key, []);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_sort_as_numbers() {
        let order = |version: &str| version_order(version).expect("a version");
        assert!(
            order("1.9") < order("1.10") && order("1.10") < order("2") && order("9.0.0.1") < order("10.0")
        );
        assert_eq!(order("1.2"), order(" 1.2.0.0"));
        for bad in ["", "1..2", "1.2.3.4.5", "v1", "-1", "4294967296"] {
            assert_eq!(version_order(bad), None, "{bad}");
        }
    }
}
