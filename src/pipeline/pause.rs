//! Pauses: while one is active, nothing is created, committed or changed at Microsoft.

use std::collections::BTreeSet;

use tokio::sync::{Mutex, RwLock, RwLockReadGuard};

use dropship_store::{Commit, Entry, Store, StoreError};

/// Prefix of the flags in the store.
pub(super) const FLAG: &str = "pause/";

/// The active pauses: of everything (`*`) or of folders by name. They survive restarts.
#[derive(Debug, Default)]
pub struct PauseGate {
    scopes: parking_lot::Mutex<BTreeSet<String>>,
    /// Held for reading during each call that changes something.
    in_flight: RwLock<()>,
    /// Serialises `pause` and `resume`.
    update_lock: Mutex<()>,
}

/// Permission to change something at the service, as long as it lives.
#[derive(Debug)]
pub struct PausePermit<'a>(#[expect(dead_code, reason = "held, never read")] RwLockReadGuard<'a, ()>);

impl PauseGate {
    /// The pauses that the store holds.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn remembered(store: &dyn Store) -> Result<Self, StoreError> {
        Ok(Self { scopes: parking_lot::Mutex::new(stored(store)?), ..Self::default() })
    }

    /// A permit to change something for a job of this folder; `None` while it is paused.
    pub async fn permit(&self, folder: Option<&str>) -> Option<PausePermit<'_>> {
        let permit = self.in_flight.read().await;
        let scopes = self.scopes();
        let paused = scopes.contains("*") || folder.is_some_and(|folder| scopes.contains(folder));
        (!paused).then_some(PausePermit(permit))
    }

    /// Whether a call that changes something is in flight.
    #[must_use]
    pub fn is_call_in_flight(&self) -> bool {
        self.in_flight.try_write().is_err()
    }

    /// The paused folders; `*` stands for everything.
    #[must_use]
    pub fn scopes(&self) -> BTreeSet<String> {
        self.scopes.lock().clone()
    }

    /// Pauses a folder or everything, durably. Calls in flight have ended when this returns.
    ///
    /// # Errors
    /// When the store cannot be written; the pause then lasts until the daemon ends.
    pub async fn pause(&self, store: &dyn Store, folder: Option<&str>) -> Result<(), StoreError> {
        let _one_at_a_time = self.update_lock.lock().await;
        let scope = folder.unwrap_or("*");
        self.scopes.lock().insert(scope.to_owned());
        write(store, scope, Some("on".to_owned())).await?;
        drop(self.in_flight.write().await);
        Ok(())
    }

    /// Follows the pauses that other nodes have written to the store. Calls in flight that a new pause forbids have ended when this returns.
    /// Returns the pauses before it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn follow(&self, store: &dyn Store) -> Result<BTreeSet<String>, StoreError> {
        let _one_at_a_time = self.update_lock.lock().await;
        let stored = stored(store)?;
        let before = std::mem::replace(&mut *self.scopes.lock(), stored.clone());
        if !stored.is_subset(&before) {
            drop(self.in_flight.write().await);
        }
        Ok(before)
    }

    /// Ends a pause, durably.
    ///
    /// # Errors
    /// When the store cannot be written; the pause then stays.
    pub async fn resume(&self, store: &dyn Store, folder: Option<&str>) -> Result<(), StoreError> {
        let _one_at_a_time = self.update_lock.lock().await;
        let scope = folder.unwrap_or("*");
        write(store, scope, None).await?;
        self.scopes.lock().remove(scope);
        Ok(())
    }
}

/// The pauses that a store holds.
fn stored(store: &dyn Store) -> Result<BTreeSet<String>, StoreError> {
    let flags = store.settings(FLAG)?;
    Ok(flags.into_iter().filter_map(|(key, _)| key.strip_prefix(FLAG).map(str::to_owned)).collect())
}

async fn write(store: &dyn Store, scope: &str, value: Option<String>) -> Result<(), StoreError> {
    let flag = Entry::Setting { key: format!("{FLAG}{scope}"), value };
    store.commit(Commit::new(vec![flag])).committed().await.map(|_| ())
}
