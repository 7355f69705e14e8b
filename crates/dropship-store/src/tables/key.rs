//! Keys of the tables. The first byte names the table.

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
