//! What the entries amount to: the tables that sled and the in-memory twin hold alike.
//!
//! Every change of a table goes through [`record`], so both stores do the same.

mod record;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::StoreError;
use dropship_job::{Job, JobId};

pub(super) use record::{Ahead, lies_in, made, record, replay};

/// A key and its value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// One ordered map of bytes to bytes with a prefix for each table.
pub(super) trait Bytes {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// One job.
    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.get(&key::job(id))?.map(|value| decode_job(&value)).transpose()
    }
    /// All pairs whose key begins so, in order.
    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError>;
    /// The keys that begin so, in order; values, which may be large in sum, are not read.
    fn keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.scan(prefix)?.into_iter().map(|(key, _)| key).collect())
    }
    /// The last `limit` keys that begin so and, if `before` is given, come before it; the last first.
    fn last_keys(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let keys = self.keys(prefix)?.into_iter().rev();
        Ok(keys.filter(|key| before.is_none_or(|before| key.as_slice() < before)).take(limit).collect())
    }
    /// How many keys begin so.
    fn count(&self, prefix: &[u8]) -> Result<usize, StoreError> {
        Ok(self.keys(prefix)?.len())
    }
}

/// Changes that become true together; absent values are removals.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A view of a store with changes on top that are not in it yet.
pub(super) struct Overlay<'a, B> {
    base: &'a B,
    pub(super) changes: Changes,
}

impl<'a, B: Bytes> Overlay<'a, B> {
    pub(super) fn new(base: &'a B) -> Self {
        Self { base, changes: Changes::new() }
    }

    fn put(&mut self, key: Vec<u8>, value: impl Into<Vec<u8>>) {
        self.changes.insert(key, Some(value.into()));
    }

    fn remove(&mut self, key: Vec<u8>) {
        self.changes.insert(key, None);
    }
}

impl<B: Bytes> Bytes for Overlay<'_, B> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.base.get(key),
        }
    }

    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        match self.changes.get(&key::job(id)) {
            Some(change) => change.as_deref().map(decode_job).transpose(),
            None => self.base.job(id),
        }
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        Ok(merge(self.base.scan(prefix)?, &self.changes, prefix))
    }
}

/// Pairs of a scan with changes on top.
pub(super) fn merge(pairs: Vec<Pair>, changes: &Changes, prefix: &[u8]) -> Vec<Pair> {
    let mut pairs: BTreeMap<_, _> = pairs.into_iter().collect();
    let changed = changes.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
    for (key, change) in changed {
        match change {
            Some(value) => pairs.insert(key.clone(), value.clone()),
            None => pairs.remove(key),
        };
    }
    pairs.into_iter().collect()
}

/// A job as it is kept. No enum with its form as the tag: serde would read each of those twice.
#[derive(Serialize, Deserialize)]
struct Kept<J> {
    v: Form,
    job: J,
}

/// The form of a kept job.
#[derive(Serialize, Deserialize)]
enum Form {
    #[serde(rename = "2")]
    V2,
}

/// A known file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What tells this very file from another at the same path.
    pub identity: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The job that its bytes belong to.
    pub job: JobId,
}

/// Keys. The first byte names the table.
pub(super) mod key {
    use dropship_job::{JobId, State, StateKind};

    pub(crate) const META: &[u8] = b"m";
    pub(crate) const JOBS: &[u8] = b"j";
    pub(crate) const OPEN: &[u8] = b"o";
    pub(crate) const STATES: &[u8] = b"s";
    pub(crate) const BYTES: &[u8] = b"b";
    pub(crate) const FILES: &[u8] = b"f";
    pub(crate) const INSPECTING: &[u8] = b"i";
    pub(crate) const FLAGS: &[u8] = b"g";
    pub(crate) const REMOTE: &[u8] = b"r";
    pub(crate) const UNRECEIPTED: &[u8] = b"u";
    pub(crate) const LYING: &[u8] = b"l";

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

    /// Set in every database that was begun properly.
    pub(crate) fn began() -> Vec<u8> {
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
    /// Ended jobs whose receipt may not say so yet.
    pub(crate) fn unreceipted(id: &JobId) -> Vec<u8> {
        join(UNRECEIPTED, &[id.as_str()])
    }
    pub(crate) fn state_prefix(state: StateKind) -> Vec<u8> {
        join(STATES, &[state.as_str(), ""])
    }
    pub(crate) fn state(state: &State, id: &JobId) -> Vec<u8> {
        join(STATES, &[state.kind().as_str(), id.as_str()])
    }
    /// Jobs by the digest of their bytes, then by folder; an empty folder is a package handed in.
    pub(crate) fn bytes(sha256: &str, folder: Option<&str>) -> Vec<u8> {
        join(BYTES, &[sha256, folder.unwrap_or_default()])
    }
    pub(crate) fn bytes_prefix(sha256: &str) -> Vec<u8> {
        join(BYTES, &[sha256, ""])
    }
    pub(crate) fn files(folder: &str) -> Vec<u8> {
        join(FILES, &[folder, ""])
    }
    pub(crate) fn file(folder: &str, path: &str) -> Vec<u8> {
        join(FILES, &[folder, path])
    }
    /// Known files by the digest of their bytes.
    pub(crate) fn lying(sha256: &str, folder: &str, path: &str) -> Vec<u8> {
        join(LYING, &[sha256, folder, path])
    }
    pub(crate) fn inspecting(sha256: &str) -> Vec<u8> {
        join(INSPECTING, &[sha256])
    }
    /// Whose a thing at the service is; ids are unique over all kinds of things.
    pub(crate) fn remote(id: u64) -> Vec<u8> {
        join(REMOTE, &[&id.to_string()])
    }
    pub(crate) fn flag(name: &str) -> Vec<u8> {
        join(FLAGS, &[name])
    }
}

/// Reads a kept job.
pub(super) fn decode_job(value: &[u8]) -> Result<Job, StoreError> {
    let Kept { v: Form::V2, job } = decode(value)?;
    Ok(job)
}

/// Reads a number that was kept big-endian; absent is 0.
pub(super) fn number(value: Option<Vec<u8>>) -> u64 {
    value.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// The id at the end of an index key.
pub(super) fn id_of(bytes: &[u8]) -> Result<JobId, StoreError> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    text.parse().map_err(|_| StoreError::Damaged { what: "an index key holds no job id".to_owned() })
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value)
        .map_err(|error| StoreError::Damaged { what: format!("a record cannot be written: {error}") })
}

pub(super) fn decode<T: for<'de> Deserialize<'de>>(value: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(value)
        .map_err(|error| StoreError::Damaged { what: format!("a record cannot be read: {error}") })
}
