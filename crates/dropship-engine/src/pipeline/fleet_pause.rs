//! Pauses that an operator requests at a node that stands by.
//!
//! - The node that stands by writes the pause and a request, in one commit, and waits until the request is removed.
//! - The active node confirms the pause: it removes the request when no call that changes something is in flight.
//! - If the active node ends before that, the node that takes over removes the request. By then the lease of the other node has
//!   ended, and the new node sends nothing before it knows the pause.

use super::assembly::Pipeline;
use super::pause::{FLAG, flag};
use super::pause_scope::PauseScope;
use dropship_store::{AppendId, Commit, Entry, Store, StoreError};

/// Prefix of the requests in the store.
const REQUEST: &str = "pause-request/";

/// A pause that was requested.
#[derive(Debug)]
pub struct PauseRequest(String);

impl PauseRequest {
    /// Requests a pause of a folder, or of everything.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn commit(store: &dyn Store, folder: Option<&str>) -> Result<Self, StoreError> {
        let id: String = AppendId::random().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let key = format!("{REQUEST}{id}");
        let request = Entry::Setting { key: key.clone(), value: Some("asked".to_owned()) };
        store.commit(Commit::new(vec![flag(&PauseScope::of(folder), true), request])).committed().await?;
        Ok(Self(key))
    }

    /// Whether the active node has confirmed it: no call that changes something is in flight.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_confirmed(&self, store: &dyn Store) -> Result<bool, StoreError> {
        Ok(store.settings(&self.0)?.is_empty())
    }
}

/// Ends a pause. The active node follows that.
///
/// # Errors
/// When the store cannot be written.
pub async fn request_resume(store: &dyn Store, folder: Option<&str>) -> Result<(), StoreError> {
    store.commit(Commit::new(vec![flag(&PauseScope::of(folder), false)])).committed().await.map(|_| ())
}

/// Whether the entry concerns pauses.
#[must_use]
pub fn concerns_pauses(entry: &Entry) -> bool {
    matches!(entry, Entry::Setting { key, .. } if key.starts_with(FLAG) || key.starts_with(REQUEST))
}

impl<S> Pipeline<S> {
    /// Follows the pauses that other nodes have written to the store, and confirms their requests once no call that changes something
    /// is in flight.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn follow_pauses(&self) -> Result<(), StoreError> {
        // Requests are read before pauses. A request and its pause are in one commit, so each request that is read here has its
        // pause in force below.
        let requests = self.store.settings(REQUEST)?;
        let before = self.guards.pause.follow(&*self.store).await?;
        let now = self.guards.pause.scopes();
        for (scopes, others, is_paused) in [(&now, &before, true), (&before, &now, false)] {
            for scope in scopes.difference(others) {
                crate::observe::pause_changed(scope.folder(), is_paused);
            }
        }
        if !before.is_subset(&now) {
            self.wake_paused().await?;
        }
        let confirmed: Vec<_> =
            requests.into_iter().map(|(key, _)| Entry::Setting { key, value: None }).collect();
        if !confirmed.is_empty() {
            self.store.commit(Commit::new(confirmed)).committed().await?;
        }
        Ok(())
    }
}
