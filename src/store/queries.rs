//! The questions that both stores answer from their tables in the same way.

use super::tables::{Bytes, Seen, decode, id_of, key, number};
use super::{Filter, StoreError};
use dropship_job::{Job, JobId, StateKind};

pub(super) fn open_jobs(tables: &impl Bytes) -> Result<Vec<Job>, StoreError> {
    ids(tables, key::OPEN)?.iter().filter_map(|id| tables.job(id).transpose()).collect()
}

pub(super) fn unreceipted(tables: &impl Bytes) -> Result<Vec<JobId>, StoreError> {
    ids(tables, key::UNRECEIPTED)
}

pub(super) fn jobs(tables: &impl Bytes, filter: &Filter) -> Result<Vec<Job>, StoreError> {
    let prefix = match filter.state {
        Some(state) => key::state_prefix(state),
        None => key::JOBS.to_vec(),
    };
    let limit = if filter.limit == 0 { usize::MAX } else { filter.limit };
    let before = filter.before.as_ref().map(|id| [prefix.as_slice(), id.as_str().as_bytes()].concat());
    let names = tables.last_keys(&prefix, before.as_deref(), limit)?;
    let ids: Vec<_> = names.iter().map(|name| id_of(&name[prefix.len()..])).collect::<Result<_, _>>()?;
    ids.iter().filter_map(|id| tables.job(id).transpose()).collect()
}

pub(super) fn counts(tables: &impl Bytes) -> Result<Vec<(StateKind, usize)>, StoreError> {
    StateKind::STORED.into_iter().map(|state| Ok((state, count(tables, state)?))).collect()
}

pub(super) fn count(tables: &impl Bytes, state: StateKind) -> Result<usize, StoreError> {
    tables.count(&key::state_prefix(state))
}

pub(super) fn find(
    tables: &impl Bytes,
    sha256: &str,
    folder: Option<&str>,
) -> Result<Option<JobId>, StoreError> {
    tables.get(&key::bytes(sha256, folder))?.map(|value| id_of(&value)).transpose()
}

pub(super) fn find_everywhere(tables: &impl Bytes, sha256: &str) -> Result<Vec<JobId>, StoreError> {
    tables.scan(&key::bytes_prefix(sha256))?.iter().map(|(_, value)| id_of(value)).collect()
}

pub(super) fn owner(tables: &impl Bytes, remote: u64) -> Result<Option<JobId>, StoreError> {
    tables.get(&key::remote(remote))?.map(|value| id_of(&value)).transpose()
}

pub(super) fn seen(tables: &impl Bytes, folder: &str, path: &str) -> Result<Option<Seen>, StoreError> {
    tables.get(&key::file(folder, path))?.map(|value| decode(&value)).transpose()
}

pub(super) fn seen_in(tables: &impl Bytes, folder: &str) -> Result<Vec<String>, StoreError> {
    let prefix = key::files(folder);
    let keys = tables.keys(&prefix)?;
    Ok(keys.iter().map(|key| String::from_utf8_lossy(&key[prefix.len()..]).into_owned()).collect())
}

pub(super) fn inspecting(tables: &impl Bytes, sha256: &str) -> Result<u64, StoreError> {
    Ok(number(tables.get(&key::inspecting(sha256))?))
}

pub(super) fn flags(tables: &impl Bytes, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let pairs = tables.scan(&key::flag(prefix))?;
    Ok(pairs.iter().map(|(name, value)| (text(&name[key::FLAGS.len()..]), text(value))).collect())
}

/// The ids at the ends of the keys of an index.
fn ids(tables: &impl Bytes, prefix: &[u8]) -> Result<Vec<JobId>, StoreError> {
    tables.keys(prefix)?.iter().map(|name| id_of(&name[prefix.len()..])).collect()
}
