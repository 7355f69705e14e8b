//! The limit of calls that each account has learnt from answers with status 429. The store keeps it, so a daemon that starts, or the node of a
//! fleet that takes over, does not have to run into the limit again.

use std::sync::Arc;

use crate::digest;
use dropship_hardware::{LearntLimit, LimitMemory};
use dropship_store::{Commit, Entry, Store, StoreError};

/// Prefix of the settings in the store.
const PREFIX: &str = "call-limit/";

/// The memory of an account in a store.
///
/// # Errors
/// When the store cannot be read.
pub fn memory(store: &Arc<dyn Store>, account: &str) -> Result<LimitMemory, StoreError> {
    let key = format!("{PREFIX}{}", digest::short(account));
    let initial = read(&**store, &key)?;
    let store = Arc::clone(store);
    Ok(LimitMemory::new(initial, move |limit| {
        let value = limit.and_then(|limit| serde_json::to_string(&limit).ok());
        // Nothing waits for this commit: without it, the next client learns the limit itself.
        drop(store.commit(Commit::unsynced(vec![Entry::Setting { key: key.clone(), value }])));
    }))
}

fn read(store: &dyn Store, key: &str) -> Result<Option<LearntLimit>, StoreError> {
    let settings = store.settings(key)?;
    let value = settings.iter().find(|(found, _)| found == key);
    Ok(value.and_then(|(_, value)| serde_json::from_str(value).ok()))
}
