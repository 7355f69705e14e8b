//! The tables as a commit of a group sees them.

use std::collections::HashMap;

use crate::error::StoreError;
use crate::tables::{ByteMap, KeyValue, TableChanges, decode_job, key, merge};
use dropship_job::{Job, JobId};

/// Tables with the changes of a group on top, and the recent jobs.
pub(super) struct LayeredTables<'a, T> {
    pub(super) base: &'a T,
    pub(super) recent_jobs: &'a HashMap<JobId, Job>,
    pub(super) changes: &'a TableChanges,
}

impl<T: ByteMap> ByteMap for LayeredTables<'_, T> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.base.get(key),
        }
    }

    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        match self.recent_jobs.get(id) {
            Some(job) if !self.changes.contains_key(&key::job(id)) => Ok(Some(job.clone())),
            _ => Ok(self.get(&key::job(id))?.map(|value| decode_job(&value)).transpose()?),
        }
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        Ok(merge(self.base.scan(prefix)?, self.changes, prefix))
    }
}
