//! The emergency brake: while it is on, nothing is created, committed or changed at Microsoft.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use tokio::sync::{Mutex, RwLock, RwLockReadGuard};

use crate::store::{Commit, Entry, Store, StoreError};

/// The flags' prefix in the store.
const FLAG: &str = "pause/";

/// What is paused: everything (`*`), or folders by name. It outlives the daemon.
#[derive(Debug, Default)]
pub struct Brake {
    scopes: std::sync::Mutex<BTreeSet<String>>,
    /// Calls that change something hold this for reading while they are under way.
    passage: RwLock<()>,
    /// It is put on and taken off by one at a time.
    lever: Mutex<()>,
}

/// Leave to change something at the service, for as long as it lives.
#[derive(Debug)]
pub struct Pass<'a>(#[expect(dead_code, reason = "held, never read")] RwLockReadGuard<'a, ()>);

impl Brake {
    /// The brake as the store remembers it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn remembered(store: &dyn Store) -> Result<Self, StoreError> {
        let flags = store.flags(FLAG)?;
        let scopes = flags.into_iter().filter_map(|(key, _)| key.strip_prefix(FLAG).map(str::to_owned));
        Ok(Self { scopes: std::sync::Mutex::new(scopes.collect()), ..Self::default() })
    }

    /// Leave to change something for a job of this folder, unless it is paused.
    pub async fn pass(&self, folder: Option<&str>) -> Option<Pass<'_>> {
        let pass = self.passage.read().await;
        let scopes = self.scopes();
        let paused = scopes.contains("*") || folder.is_some_and(|folder| scopes.contains(folder));
        (!paused).then_some(Pass(pass))
    }

    /// What is paused; `*` is everything.
    #[must_use]
    pub fn scopes(&self) -> BTreeSet<String> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts the brake on for a folder or for everything, durably. Calls under way have ended when this returns.
    ///
    /// # Errors
    /// When the store cannot be written; the brake is on all the same, until the daemon ends.
    pub async fn pause(&self, store: &dyn Store, folder: Option<&str>) -> Result<(), StoreError> {
        let _one_at_a_time = self.lever.lock().await;
        let scope = folder.unwrap_or("*");
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).insert(scope.to_owned());
        write(store, scope, Some("on".to_owned())).await?;
        drop(self.passage.write().await);
        Ok(())
    }

    /// Takes the brake off, durably.
    ///
    /// # Errors
    /// When the store cannot be written; the brake stays on then.
    pub async fn resume(&self, store: &dyn Store, folder: Option<&str>) -> Result<(), StoreError> {
        let _one_at_a_time = self.lever.lock().await;
        let scope = folder.unwrap_or("*");
        write(store, scope, None).await?;
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).remove(scope);
        Ok(())
    }
}

async fn write(store: &dyn Store, scope: &str, value: Option<String>) -> Result<(), StoreError> {
    let flag = Entry::Setting { key: format!("{FLAG}{scope}"), value };
    store.commit(Commit::new(vec![flag])).answer().await.map(|_| ())
}
