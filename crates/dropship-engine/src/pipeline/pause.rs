//! Pauses: while one is active, nothing is created, committed or changed at Microsoft.

use std::collections::BTreeSet;

use tokio::sync::{Mutex, RwLock, RwLockReadGuard};

use super::pause_scope::PauseScope;
use dropship_store::{Commit, Entry, Store, StoreError};

/// Prefix of the flags in the store.
pub(super) const FLAG: &str = "pause/";

/// The active pauses. They survive restarts.
#[derive(Debug, Default)]
pub struct PauseGate {
    scopes: parking_lot::Mutex<BTreeSet<PauseScope>>,
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
        let is_paused = self.scopes.lock().iter().any(|scope| scope.covers(folder));
        (!is_paused).then_some(PausePermit(permit))
    }

    /// Whether a call that changes something is in flight.
    #[must_use]
    pub fn is_call_in_flight(&self) -> bool {
        self.in_flight.try_write().is_err()
    }

    /// What is paused.
    #[must_use]
    pub fn scopes(&self) -> BTreeSet<PauseScope> {
        self.scopes.lock().clone()
    }

    /// Whether there is a pause of this folder, whether or not everything is paused too.
    #[must_use]
    pub fn has_folder(&self, name: &str) -> bool {
        self.scopes.lock().contains(&PauseScope::of(Some(name)))
    }

    /// Pauses a folder or everything, durably. Calls in flight have ended when this returns.
    ///
    /// # Errors
    /// When the store cannot be written; the pause then lasts until the daemon ends.
    pub async fn pause(&self, store: &dyn Store, folder: Option<&str>) -> Result<(), StoreError> {
        let _one_at_a_time = self.update_lock.lock().await;
        let scope = PauseScope::of(folder);
        self.scopes.lock().insert(scope.clone());
        write(store, &scope, true).await?;
        drop(self.in_flight.write().await);
        Ok(())
    }

    /// Follows the pauses that other nodes have written to the store. Calls in flight that a new pause forbids have ended when this returns.
    /// Returns the pauses before it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn follow(&self, store: &dyn Store) -> Result<BTreeSet<PauseScope>, StoreError> {
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
        let scope = PauseScope::of(folder);
        write(store, &scope, false).await?;
        self.scopes.lock().remove(&scope);
        Ok(())
    }
}

/// The pauses that a store holds.
fn stored(store: &dyn Store) -> Result<BTreeSet<PauseScope>, StoreError> {
    let flags = store.settings(FLAG)?;
    let scope = |key: String| Some(key.strip_prefix(FLAG)?.to_owned().into());
    Ok(flags.into_iter().filter_map(|(key, _)| scope(key)).collect())
}

async fn write(store: &dyn Store, scope: &PauseScope, is_paused: bool) -> Result<(), StoreError> {
    store.commit(Commit::new(vec![flag(scope, is_paused)])).committed().await.map(|_| ())
}

/// The entry that begins or ends a pause.
pub(super) fn flag(scope: &PauseScope, is_paused: bool) -> Entry {
    Entry::Setting { key: format!("{FLAG}{scope}"), value: is_paused.then(|| "on".to_owned()) }
}
