//! The map that a store keeps its tables in.

use std::collections::BTreeMap;

use crate::error::StoreError;
use crate::reads::Reads;
use crate::tables::codec::decode_job;
use crate::tables::key;
use dropship_job::{Job, JobId};

/// A key and its value.
pub(crate) type KeyValue = (Vec<u8>, Vec<u8>);

/// Changes that become true together; an absent value is a removal.
pub(crate) type TableChanges = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// An ordered map of bytes to bytes, with a prefix for each table.
pub(crate) trait ByteMap {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// All pairs whose key starts with `prefix`, in order.
    fn scan(&self, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError>;

    /// Passes all pairs whose key starts with `prefix` to `each`, in order.
    fn each(&self, prefix: &[u8], each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), StoreError> {
        self.scan(prefix)?.iter().for_each(|(key, value)| each(key, value));
        Ok(())
    }

    /// One job.
    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.get(&key::job(id))?.map(|value| decode_job(&value)).transpose()
    }

    /// The keys that start with `prefix`, in order. Values, which may be large in sum, are not collected.
    fn keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.scan(prefix)?.into_iter().map(|(key, _)| key).collect())
    }

    /// The last `limit` keys that start with `prefix` and sort before `before`; the last first.
    fn last_keys(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let keys = self.keys(prefix)?.into_iter().rev();
        Ok(keys.filter(|key| before.is_none_or(|before| key.as_slice() < before)).take(limit).collect())
    }

    /// The first `limit` keys that start with `prefix`, in order.
    fn first_keys(&self, prefix: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.keys(prefix)?.into_iter().take(limit).collect())
    }

    /// The keys from one on and before another, in order; both begin with `prefix`.
    fn keys_between(&self, prefix: &[u8], from: &[u8], to: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        let inside = |key: &Vec<u8>| (from..to).contains(&key.as_slice());
        Ok(self.keys(prefix)?.into_iter().filter(inside).collect())
    }

    /// What was read so far.
    fn reads(&self) -> Reads {
        Reads::default()
    }
}
