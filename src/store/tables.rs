//! What the entries amount to: the tables that sled and the in-memory twin hold alike.
//!
//! Every change of a table goes through [`record`], so both stores do the same.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::entry::{Entry, Line};
use crate::job::{Event, Job, JobId, apply};

/// A key and its value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// One ordered map of bytes to bytes with a prefix for each table.
pub(super) trait Bytes {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
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

/// A job as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(tag = "v")]
enum Kept {
    #[serde(rename = "1")]
    V1 { job: Job },
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
    use crate::job::{JobId, State};

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
    pub(crate) fn state_prefix(state: &str) -> Vec<u8> {
        join(STATES, &[state, ""])
    }
    pub(crate) fn state(state: &State, id: &JobId) -> Vec<u8> {
        join(STATES, &[state.as_str(), id.as_str()])
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

/// Brings one line into the tables; gives the jobs that it changed, as they are now.
///
/// With `replay`, events that the tables hold already are passed over.
pub(super) fn record<B: Bytes>(
    tables: &mut Overlay<'_, B>,
    line: &Line,
    replay: bool,
) -> Result<Vec<Job>, StoreError> {
    let mut jobs = Vec::new();
    for entry in &line.entries {
        match entry {
            Entry::Job { job, rev, events } => {
                jobs.extend(advance(tables, line.at, job, *rev, events, replay)?);
            }
            Entry::Seen { folder, path, identity, sha256, job } => {
                let seen = Seen { identity: identity.clone(), sha256: sha256.clone(), job: job.clone() };
                tables.put(key::file(folder, path), encode(&seen)?);
                // Outlives the job's own lines: an old package is never new as long as it lies there.
                tables.put(key::bytes(sha256, Some(folder)), job.as_str().as_bytes());
            }
            Entry::Gone { folder, path } => gone(tables, folder, path)?,
            Entry::Inspecting { sha256 } => {
                let key = key::inspecting(sha256);
                let count = number(tables.get(&key)?) + 1;
                tables.put(key, count.to_be_bytes());
            }
            Entry::Inspected { sha256 } => tables.remove(key::inspecting(sha256)),
            Entry::Flag { key, value } => match value {
                Some(value) => tables.put(key::flag(key), value.as_bytes()),
                None => tables.remove(key::flag(key)),
            },
            Entry::Receipted { job: id, rev } => {
                if job(tables, id)?.is_none_or(|job| job.rev == *rev) {
                    tables.remove(key::unreceipted(id));
                }
            }
            Entry::Pruned { job } => prune(tables, job)?,
        }
    }
    tables.put(key::seq(), line.seq.to_be_bytes());
    Ok(jobs)
}

fn advance<B: Bytes>(
    tables: &mut Overlay<'_, B>,
    at: Timestamp,
    id: &JobId,
    rev: u64,
    events: &[Event],
    replay: bool,
) -> Result<Option<Job>, StoreError> {
    let before = job(tables, id)?;
    let have = before.as_ref().map_or(0, |job| job.rev);
    if have != rev {
        return match replay && have > rev {
            true => Ok(None),
            false => Err(StoreError::Conflict { job: id.clone(), have, expected: rev }),
        };
    }
    let mut after = before.clone();
    for event in events {
        after = Some(apply(after.as_ref(), id, at, event)?);
    }
    let Some(after) = after else { return Ok(None) };
    for event in events {
        if let Event::Created { id: remote, .. } = event {
            tables.put(key::remote(*remote), id.as_str().as_bytes());
        }
    }
    if let Some(before) = &before {
        tables.remove(key::state(&before.state, id));
    } else {
        let bytes = key::bytes(&after.package.sha256, after.package.folder.as_deref());
        tables.put(bytes, id.as_str().as_bytes());
    }
    tables.put(key::state(&after.state, id), []);
    if after.state.has_ended() {
        tables.remove(key::open(id));
        tables.put(key::unreceipted(id), []);
    } else {
        tables.put(key::open(id), []);
        tables.remove(key::unreceipted(id));
    }
    tables.put(key::job(id), encode(&Kept::V1 { job: after.clone() })?);
    Ok(Some(after))
}

/// What of a line still counts, when it is the oldest of the journal.
///
/// What an entry undid stood before it and is gone by then, so entries that only undo do not count.
pub(super) fn remains(tables: &impl Bytes, mut line: Line) -> Result<Option<Line>, StoreError> {
    let mut kept = Vec::new();
    for entry in line.entries {
        let counts = match &entry {
            Entry::Job { job: id, .. } | Entry::Receipted { job: id, .. } => {
                tables.get(&key::job(id))?.is_some()
            }
            Entry::Seen { folder, path, identity, job, .. } => {
                let seen =
                    tables.get(&key::file(folder, path))?.map(|value| decode::<Seen>(&value)).transpose()?;
                seen.is_some_and(|seen| seen.identity == *identity && seen.job == *job)
            }
            Entry::Inspecting { sha256 } => tables.get(&key::inspecting(sha256))?.is_some(),
            Entry::Flag { key, value: Some(value) } => {
                tables.get(&key::flag(key))?.is_some_and(|now| now == value.as_bytes())
            }
            Entry::Flag { value: None, .. }
            | Entry::Gone { .. }
            | Entry::Inspected { .. }
            | Entry::Pruned { .. } => false,
        };
        kept.extend(counts.then_some(entry));
    }
    line.entries = kept;
    Ok((!line.entries.is_empty()).then_some(line))
}

/// A file is gone: so are its bytes, if their job is forgotten and no other file holds them.
fn gone<B: Bytes>(tables: &mut Overlay<'_, B>, folder: &str, path: &str) -> Result<(), StoreError> {
    let key = key::file(folder, path);
    let Some(seen) = tables.get(&key)?.map(|value| decode::<Seen>(&value)).transpose()? else {
        return Ok(());
    };
    tables.remove(key);
    if job(tables, &seen.job)?.is_none() && !lies_in(tables, folder, &seen.sha256)? {
        tables.remove(key::bytes(&seen.sha256, Some(folder)));
    }
    Ok(())
}

/// Does any known file of the folder hold these bytes?
fn lies_in<B: Bytes>(tables: &Overlay<'_, B>, folder: &str, sha256: &str) -> Result<bool, StoreError> {
    for (_, value) in tables.scan(&key::files(folder))? {
        if decode::<Seen>(&value)?.sha256 == sha256 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Forgets an ended job, but not its bytes as long as they lie in their folder.
fn prune<B: Bytes>(tables: &mut Overlay<'_, B>, id: &JobId) -> Result<(), StoreError> {
    let Some(job) = job(tables, id)? else {
        return Ok(());
    };
    if !job.state.has_ended() {
        return Ok(());
    }
    tables.remove(key::job(id));
    tables.remove(key::unreceipted(id));
    tables.remove(key::open(id));
    tables.remove(key::state(&job.state, id));
    // That the product is ours outlives the job: later versions may share it, and a look for twins must know it.
    let labels = job.labels.iter().map(|label| &label.creation);
    for remote in std::iter::once(&job.submission).chain(labels).filter_map(|thing| thing.id()) {
        tables.remove(key::remote(remote));
    }
    let lies = match &job.package.folder {
        Some(folder) => lies_in(tables, folder, &job.package.sha256)?,
        None => false,
    };
    if !lies {
        tables.remove(key::bytes(&job.package.sha256, job.package.folder.as_deref()));
    }
    Ok(())
}

/// Reads one job.
pub(super) fn job(tables: &impl Bytes, id: &JobId) -> Result<Option<Job>, StoreError> {
    let Some(value) = tables.get(&key::job(id))? else {
        return Ok(None);
    };
    let Kept::V1 { job } = decode(&value)?;
    Ok(Some(job))
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
