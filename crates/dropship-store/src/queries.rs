//! Queries that are answered from the tables of jobs and files.

use crate::error::StoreError;
use crate::filter::Filter;
use crate::tables::{ByteMap, KnownFile, decode, id_of, key, number};
use dropship_job::{Job, JobId, RemoteId, StateKind};

pub(crate) fn open_jobs(tables: &dyn ByteMap) -> Result<Vec<Job>, StoreError> {
    ids(tables, key::OPEN)?.iter().filter_map(|id| tables.job(id).transpose()).collect()
}

pub(crate) fn receipts_pending(tables: &dyn ByteMap) -> Result<Vec<JobId>, StoreError> {
    ids(tables, key::RECEIPTS_PENDING)
}

pub(crate) fn jobs(tables: &dyn ByteMap, filter: &Filter) -> Result<Vec<Job>, StoreError> {
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

pub(crate) fn counts(tables: &dyn ByteMap) -> Result<Vec<(StateKind, usize)>, StoreError> {
    StateKind::STORED.into_iter().map(|state| Ok((state, count(tables, state)?))).collect()
}

pub(crate) fn count(tables: &dyn ByteMap, state: StateKind) -> Result<usize, StoreError> {
    let jobs = number(tables.get(&key::state_count(state))?);
    Ok(usize::try_from(jobs).unwrap_or(usize::MAX))
}

pub(crate) fn find(
    tables: &dyn ByteMap,
    sha256: &str,
    folder: Option<&str>,
) -> Result<Option<JobId>, StoreError> {
    tables.get(&key::bytes(sha256, folder))?.map(|value| id_of(&value)).transpose()
}

pub(crate) fn find_everywhere(tables: &dyn ByteMap, sha256: &str) -> Result<Vec<JobId>, StoreError> {
    tables.scan(&key::bytes_prefix(sha256))?.iter().map(|(_, value)| id_of(value)).collect()
}

pub(crate) fn jobs_with_content(
    tables: &dyn ByteMap,
    content: &str,
    folder: Option<&str>,
) -> Result<Vec<JobId>, StoreError> {
    ids(tables, &key::content_prefix(content, folder))
}

pub(crate) fn owner(tables: &dyn ByteMap, remote: RemoteId) -> Result<Option<JobId>, StoreError> {
    tables.get(&key::remote(remote))?.map(|value| id_of(&value)).transpose()
}

pub(crate) fn known_file(
    tables: &dyn ByteMap,
    folder: &str,
    path: &str,
) -> Result<Option<KnownFile>, StoreError> {
    tables.get(&key::file(folder, path))?.map(|value| decode(&value)).transpose()
}

pub(crate) fn known_files(tables: &dyn ByteMap, folder: &str) -> Result<Vec<String>, StoreError> {
    let prefix = key::files(folder);
    let keys = tables.keys(&prefix)?;
    Ok(keys.iter().map(|key| String::from_utf8_lossy(&key[prefix.len()..]).into_owned()).collect())
}

pub(crate) fn files_with_digest(
    tables: &dyn ByteMap,
    folder: &str,
    sha256: &str,
) -> Result<Vec<String>, StoreError> {
    let prefix = key::by_digest(sha256, folder, "");
    let keys = tables.keys(&prefix)?;
    Ok(keys.iter().map(|key| String::from_utf8_lossy(&key[prefix.len()..]).into_owned()).collect())
}

pub(crate) fn crashed_inspections(tables: &dyn ByteMap, sha256: &str) -> Result<u64, StoreError> {
    Ok(number(tables.get(&key::crashed_inspections(sha256))?))
}

pub(crate) fn settings(tables: &dyn ByteMap, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let pairs = tables.scan(&key::setting(prefix))?;
    Ok(pairs.iter().map(|(name, value)| (text(&name[key::SETTINGS.len()..]), text(value))).collect())
}

/// The job ids at the ends of the keys of an index.
fn ids(tables: &dyn ByteMap, prefix: &[u8]) -> Result<Vec<JobId>, StoreError> {
    tables.keys(prefix)?.iter().map(|name| id_of(&name[prefix.len()..])).collect()
}
