//! The limit of calls that each account has learnt from answers with status 429. The store keeps it, so a daemon that starts, or the node of a
//! fleet that takes over, does not have to run into the limit again.

use std::sync::Arc;

use jiff::Timestamp;

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
    let key = key(account);
    let initial = read(&**store, &key)?.filter(|limit| limit.is_current(Timestamp::now()));
    if let Some(limit) = &initial {
        let per_minute = (limit.rate() * 60.0).round();
        tracing::info!(
            account,
            per_minute,
            "account `{account}`: Microsoft has throttled its calls before; calls start at {per_minute} a minute"
        );
    }
    let store = Arc::clone(store);
    Ok(LimitMemory::new(initial, move |limit| {
        let value = limit.and_then(|limit| serde_json::to_string(&limit).ok());
        // Nothing waits for this commit: without it, the next client learns the limit itself.
        drop(store.commit(Commit::unsynced(vec![Entry::Setting { key: key.clone(), value }])));
    }))
}

fn key(account: &str) -> String {
    format!("{PREFIX}{}", digest::short(account))
}

fn read(store: &dyn Store, key: &str) -> Result<Option<LearntLimit>, StoreError> {
    let settings = store.settings(key)?;
    let Some((_, value)) = settings.iter().find(|(found, _)| found == key) else { return Ok(None) };
    Ok(serde_json::from_str(value)
        .map_err(
            |error| tracing::debug!(key, %error, "A stored limit of calls is unusable: it is learnt again"),
        )
        .ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropship_store::MemoryStore;

    const LIMIT: LearntLimit = LearntLimit {
        per_second: 0.5,
        raised: 2,
        span: 60.0,
        resume_at: Timestamp::UNIX_EPOCH,
        learnt_at: Timestamp::UNIX_EPOCH,
    };

    fn stored(store: &Arc<dyn Store>, account: &str) -> Option<LearntLimit> {
        read(&**store, &key(account)).expect("readable")
    }

    #[test]
    fn each_account_has_its_own_limit_until_that_ends() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let (one, other) = ("default", "a / name \n");
        let memory = |account| memory(&store, account).expect("readable");
        memory(one).report(Some(LIMIT));
        memory(other).report(Some(LearntLimit { per_second: 7.0, ..LIMIT }));
        // A commit that is waited for follows the others.
        let other_entry = || Entry::Setting { key: "last".to_owned(), value: None };
        let barrier = || store.commit(Commit::new(vec![other_entry()])).wait().expect("committed");
        barrier();
        assert_eq!(stored(&store, one), Some(LIMIT));
        assert_eq!(stored(&store, other).map(|limit| limit.per_second), Some(7.0));
        memory(one).report(None);
        barrier();
        assert_eq!(stored(&store, one), None);
        assert!(stored(&store, other).is_some());
    }

    #[test]
    fn unusable_value_is_as_none() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let entry =
            Entry::Setting { key: key("default"), value: Some("{\"per_second\": \"many\"}".to_owned()) };
        store.commit(Commit::new(vec![entry])).wait().expect("committed");
        assert_eq!(stored(&store, "default"), None);
    }
}
