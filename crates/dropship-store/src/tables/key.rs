//! Keys of the tables. The first byte names the table.

use jiff::Timestamp;

use crate::error::StoreError;
use crate::published::Target;
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
pub(crate) const CHECKS: &[u8] = b"d";
pub(crate) const CHECK_ORDER: &[u8] = b"a";

fn join(table: &[u8], parts: &[&str]) -> Vec<u8> {
    let mut key = table.to_vec();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            key.push(0);
        }
        key.extend_from_slice(part.as_bytes());
    }
    key
}

/// Version of the tables; set in every database that was created completely.
pub(crate) fn schema() -> Vec<u8> {
    join(META, &["began"])
}
pub(crate) fn seq() -> Vec<u8> {
    join(META, &["seq"])
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
/// The beginning of the keys of hardware ids that begin with a text. Hardware ids have no case.
pub(crate) fn hardware_ids(start: &str) -> Vec<u8> {
    join(HARDWARE_IDS, &[&part(&start.to_lowercase())])
}
/// A target of a published label, by its hardware id.
pub(crate) fn hardware_id(target: &Target, label: RemoteId) -> Vec<u8> {
    let id = target.hardware_id.to_lowercase();
    let id = part(&id);
    let (os, bundle, inf) = (part(&target.os), part(&target.bundle), part(&target.inf));
    join(HARDWARE_IDS, &[&id, &label.to_string(), &os, &bundle, &inf])
}
/// The label and the target, without its version, that such a key has.
pub(crate) fn target_in(key: &[u8]) -> Result<(RemoteId, Target), StoreError> {
    let text = std::str::from_utf8(key.get(HARDWARE_IDS.len()..).unwrap_or_default()).unwrap_or_default();
    let parts: Vec<_> = text.split('\0').collect();
    if let [id, label, os, bundle, inf] = parts.as_slice()
        && let Ok(label) = label.parse()
    {
        let [hardware_id, os, bundle, inf] = [id, os, bundle, inf].map(|part| (*part).to_owned());
        return Ok((label, Target { hardware_id, os, bundle, inf, version: None }));
    }
    Err(StoreError::Damaged { what: "an index key holds no target of a label".to_owned() })
}
/// When a published label was compared with the service.
pub(crate) fn check(label: RemoteId) -> Vec<u8> {
    join(CHECKS, &[&label.to_string()])
}
/// Published labels in the order in which they were compared with the service.
pub(crate) fn check_order(at: Timestamp, label: RemoteId) -> Vec<u8> {
    join(CHECK_ORDER, &[&format!("{:020}", at.as_millisecond().max(0)), &label.to_string()])
}
/// The label of such a key.
pub(crate) fn label_in_check_order(key: &[u8]) -> Result<RemoteId, StoreError> {
    let text = std::str::from_utf8(key).unwrap_or_default();
    let label = text.rsplit_once('\0').and_then(|(_, label)| label.parse().ok());
    label.ok_or_else(|| StoreError::Damaged { what: "an index key holds no label id".to_owned() })
}
/// A text from outside as a part of a key.
fn part(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}
