//! Tables with changes that are not in them yet.

use std::collections::BTreeMap;

use crate::error::StoreError;
use crate::tables::byte_map::{ByteMap, KeyValue, TableChanges};
use crate::tables::codec::decode_job;
use crate::tables::key;
use dropship_job::{Job, JobId};

/// A view of tables with changes on top.
pub(crate) struct Overlay<'a, B> {
    base: &'a B,
    pub(crate) changes: TableChanges,
}

impl<'a, B: ByteMap> Overlay<'a, B> {
    pub(crate) fn new(base: &'a B) -> Self {
        Self { base, changes: TableChanges::new() }
    }

    pub(crate) fn put(&mut self, key: Vec<u8>, value: impl Into<Vec<u8>>) {
        self.changes.insert(key, Some(value.into()));
    }

    pub(crate) fn remove(&mut self, key: Vec<u8>) {
        self.changes.insert(key, None);
    }
}

impl<B: ByteMap> ByteMap for Overlay<'_, B> {
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

    fn scan(&self, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        Ok(merge(self.base.scan(prefix)?, &self.changes, prefix))
    }
}

/// The pairs of a scan with changes on top.
pub(crate) fn merge(pairs: Vec<KeyValue>, changes: &TableChanges, prefix: &[u8]) -> Vec<KeyValue> {
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
