//! Keys of the tables. The first byte names the table.

use jiff::Timestamp;

use crate::error::StoreError;
use crate::published::{DeviceName, Publication};
use dropship_job::{JobId, RemoteId, State, StateKind};

pub(crate) const META: &[u8] = b"m";
pub(crate) const JOBS: &[u8] = b"j";
pub(crate) const OPEN: &[u8] = b"o";
pub(crate) const STATES: &[u8] = b"s";
pub(crate) const BYTES: &[u8] = b"b";
pub(crate) const FILES: &[u8] = b"f";
pub(crate) const CRASHED_INSPECTIONS: &[u8] = b"i";
pub(crate) const SETTINGS: &[u8] = b"g";
pub(crate) const REMOTE: &[u8] = b"r";
pub(crate) const RECEIPTS_PENDING: &[u8] = b"u";
pub(crate) const BY_DIGEST: &[u8] = b"l";
pub(crate) const CONTENT: &[u8] = b"c";
pub(crate) const PUBLISHED: &[u8] = b"p";
pub(crate) const LABEL_TARGETS: &[u8] = b"t";
pub(crate) const HARDWARE_IDS: &[u8] = b"h";
pub(crate) const DEVICES: &[u8] = b"e";
pub(crate) const CHECKS: &[u8] = b"d";
pub(crate) const CHECK_ORDER: &[u8] = b"a";
pub(crate) const STATE_COUNTS: &[u8] = b"k";
pub(crate) const SERIES: &[u8] = b"q";
pub(crate) const SERIES_VERSIONS: &[u8] = b"v";
pub(crate) const SERIES_ARRIVALS: &[u8] = b"w";

fn join(table: &[u8], parts: &[&str]) -> Vec<u8> {
    let mut key = table.to_vec();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            key.push(0);
        }
        key.extend_from_slice(part.as_bytes());
    }
    key
}

/// The exclusive upper bound of a scan of the keys that begin with a prefix. Keys are UTF-8, so no key has the byte 0xff.
pub(crate) fn after(prefix: &[u8]) -> Vec<u8> {
    [prefix, &[0xff]].concat()
}
/// Version of the tables; set in every database that was created completely.
pub(crate) fn schema() -> Vec<u8> {
    join(META, &["began"])
}
pub(crate) fn seq() -> Vec<u8> {
    join(META, &["seq"])
}
/// The id of the journal in a database, if the tables follow one.
pub(crate) fn journal() -> Vec<u8> {
    join(META, &["journal"])
}
/// The id of the append that wrote the last line which the tables have; only for a journal in a database.
pub(crate) fn append() -> Vec<u8> {
    join(META, &["append"])
}
pub(crate) fn job(id: &JobId) -> Vec<u8> {
    join(JOBS, &[id.as_str()])
}
pub(crate) fn open(id: &JobId) -> Vec<u8> {
    join(OPEN, &[id.as_str()])
}
/// Ended jobs whose last receipt may not be in the outbox yet.
pub(crate) fn receipts_pending(id: &JobId) -> Vec<u8> {
    join(RECEIPTS_PENDING, &[id.as_str()])
}
pub(crate) fn state_prefix(state: StateKind) -> Vec<u8> {
    join(STATES, &[state.as_str(), ""])
}
pub(crate) fn state(state: &State, id: &JobId) -> Vec<u8> {
    join(STATES, &[state.kind().as_str(), id.as_str()])
}
/// The number of jobs in a state.
pub(crate) fn state_count(state: StateKind) -> Vec<u8> {
    join(STATE_COUNTS, &[state.as_str()])
}
/// Jobs by the digest of their bytes, then by folder; an empty folder: submitted directly.
pub(crate) fn bytes(sha256: &str, folder: Option<&str>) -> Vec<u8> {
    join(BYTES, &[sha256, folder.unwrap_or_default()])
}
pub(crate) fn bytes_prefix(sha256: &str) -> Vec<u8> {
    join(BYTES, &[sha256, ""])
}
/// Jobs by the identity of their signed content, then by folder; an empty folder: submitted directly.
pub(crate) fn content(content: &str, folder: Option<&str>, id: &JobId) -> Vec<u8> {
    join(CONTENT, &[content, folder.unwrap_or_default(), id.as_str()])
}
pub(crate) fn content_prefix(content: &str, folder: Option<&str>) -> Vec<u8> {
    join(CONTENT, &[content, folder.unwrap_or_default(), ""])
}
pub(crate) fn files(folder: &str) -> Vec<u8> {
    join(FILES, &[folder, ""])
}
pub(crate) fn file(folder: &str, path: &str) -> Vec<u8> {
    join(FILES, &[folder, path])
}
/// Known files by the digest of their bytes.
pub(crate) fn by_digest(sha256: &str, folder: &str, path: &str) -> Vec<u8> {
    join(BY_DIGEST, &[sha256, folder, path])
}
pub(crate) fn crashed_inspections(sha256: &str) -> Vec<u8> {
    join(CRASHED_INSPECTIONS, &[sha256])
}
/// The owner of an object at the service; ids are unique over all kinds of objects.
pub(crate) fn remote(id: RemoteId) -> Vec<u8> {
    join(REMOTE, &[&id.to_string()])
}
pub(crate) fn setting(name: &str) -> Vec<u8> {
    join(SETTINGS, &[name])
}
/// A published label.
pub(crate) fn published(label: RemoteId) -> Vec<u8> {
    join(PUBLISHED, &[&label.to_string()])
}
/// The targets of a published label.
pub(crate) fn label_targets(label: RemoteId) -> Vec<u8> {
    join(LABEL_TARGETS, &[&label.to_string()])
}
/// The beginning of the keys of devices whose hardware id begins with a text. Hardware ids have no case.
pub(crate) fn devices(start: &str) -> Vec<u8> {
    join(DEVICES, &[&part(&start.to_lowercase())])
}
/// The beginning of the keys of devices with a hardware id.
pub(crate) fn devices_exactly(hardware_id: &str) -> Vec<u8> {
    join(DEVICES, &[&part(&hardware_id.to_lowercase()), ""])
}
/// A device that a published label targets, or did.
pub(crate) fn device((hardware_id, os): DeviceName<'_>) -> Vec<u8> {
    join(DEVICES, &[&part(hardware_id), &part(os)])
}
/// The hardware id and the OS code in the key of a device.
pub(crate) fn device_in(key: &[u8]) -> Result<DeviceName<'_>, StoreError> {
    let text = std::str::from_utf8(key.get(DEVICES.len()..).unwrap_or_default());
    let name = text.ok().and_then(|text| text.split_once('\0'));
    name.ok_or_else(|| StoreError::Damaged { what: "an index key holds no device".to_owned() })
}
/// The labels that target a device, in the order of their publication.
pub(crate) fn labels_of(device: DeviceName<'_>) -> Vec<u8> {
    let (hardware_id, os) = device;
    join(HARDWARE_IDS, &[&part(hardware_id), &part(os), ""])
}
/// A label in the order of [`labels_of`].
pub(crate) fn label_of(device: DeviceName<'_>, publication: Publication) -> Vec<u8> {
    [labels_of(device), publication_order(publication).into_bytes()].concat()
}
/// A publication as a text. The texts sort like the publications.
pub(crate) fn publication_order(publication: Publication) -> String {
    format!("{}\0{}", time_order(publication.at), padded(publication.label))
}
/// The publication at the end of a key, or in a value.
pub(crate) fn publication_at_end(bytes: &[u8]) -> Result<Publication, StoreError> {
    let label = label_at_end(bytes)?;
    let end = bytes.len().saturating_sub(21);
    let time = bytes.get(end.saturating_sub(20)..end).and_then(|digits| std::str::from_utf8(digits).ok());
    let at = time.and_then(|digits| digits.parse().ok()).and_then(|at| Timestamp::from_millisecond(at).ok());
    let at =
        at.ok_or_else(|| StoreError::Damaged { what: "an index holds no time of a publication".to_owned() })?;
    Ok(Publication { at, label })
}
/// When a published label was compared with the service.
pub(crate) fn check(label: RemoteId) -> Vec<u8> {
    join(CHECKS, &[&label.to_string()])
}
/// Published labels in the order in which they were compared with the service.
pub(crate) fn check_order(at: Timestamp, label: RemoteId) -> Vec<u8> {
    join(CHECK_ORDER, &[&time_order(at), &label.to_string()])
}
/// The label in a key of [`check_order`].
pub(crate) fn label_in_check_order(key: &[u8]) -> Result<RemoteId, StoreError> {
    let text = std::str::from_utf8(key).unwrap_or_default();
    let label = text.rsplit_once('\0').and_then(|(_, label)| label.parse().ok());
    label.ok_or_else(|| StoreError::Damaged { what: "an index key holds no label id".to_owned() })
}
/// The labels of a series in the order of their ids, which is that of their creation.
pub(crate) fn series(series: &str, label: RemoteId) -> Vec<u8> {
    join(SERIES, &[&part(series), &padded(label)])
}
pub(crate) fn series_prefix(series: &str) -> Vec<u8> {
    join(SERIES, &[&part(series), ""])
}
/// The beginning of the keys of a hardware id of an INF, in one of the two indexes of series.
pub(crate) fn series_target(index: &[u8], series: &str, (inf, hardware_id): (&str, &str)) -> Vec<u8> {
    join(index, &[&part(series), &part(inf), &part(hardware_id), ""])
}
/// A label that targets a hardware id of an INF. `order` sorts like the version of the INF, or like the arrival of the package.
pub(crate) fn series_entry(target: &[u8], order: &str, label: RemoteId) -> Vec<u8> {
    [target, order.as_bytes(), &[0], padded(label).as_bytes()].concat()
}
/// A time as a text. The texts sort like the times.
pub(crate) fn time_order(at: Timestamp) -> String {
    format!("{:020}", at.as_millisecond().max(0))
}
/// The label at the end of a key.
pub(crate) fn label_at_end(key: &[u8]) -> Result<RemoteId, StoreError> {
    let text = std::str::from_utf8(key).unwrap_or_default();
    let label = text.rsplit_once('\0').and_then(|(_, label)| label.parse().ok().map(RemoteId::new));
    label.ok_or_else(|| StoreError::Damaged { what: "an index key holds no label id".to_owned() })
}
fn padded(label: RemoteId) -> String {
    format!("{:020}", label.get())
}
/// A text from outside as a part of a key.
fn part(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}
