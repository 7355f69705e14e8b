//! Accounts that are paused because the service refuses their credentials or roles.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Why and since when an account is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// What the service said.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again.
    pub probe: Timestamp,
    /// How often it was tried.
    pub probes: u32,
}

/// The paused accounts. Nothing of this is durable: a restart tries them again.
#[derive(Debug, Default)]
pub struct Accounts(Mutex<BTreeMap<String, Paused>>);

impl Accounts {
    /// Is the account paused?
    #[must_use]
    pub fn paused(&self, account: &str) -> Option<Paused> {
        self.inner().get(account).cloned()
    }

    /// All paused accounts.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Paused> {
        self.inner().clone()
    }

    /// Pauses an account until the next probe; true when it was not paused before.
    pub fn pause(
        &self,
        account: &str,
        why: &str,
        now: Timestamp,
        probe: impl FnOnce(u32) -> Timestamp,
    ) -> bool {
        let mut accounts = self.inner();
        let probes = accounts.get(account).map_or(0, |paused| paused.probes + 1);
        let since = accounts.get(account).map_or(now, |paused| paused.since);
        let paused = Paused { why: why.to_owned(), since, probe: probe(probes), probes };
        accounts.insert(account.to_owned(), paused).is_none()
    }

    /// The account works again; true when it was paused.
    pub fn resume(&self, account: &str) -> bool {
        self.inner().remove(account).is_some()
    }

    /// Claims the next probe: true for one caller once it is due, who then has until `next` to report.
    pub fn claim_probe(&self, account: &str, now: Timestamp, next: Timestamp) -> bool {
        match self.inner().get_mut(account) {
            Some(paused) if paused.probe <= now => {
                paused.probe = next;
                true
            }
            _ => false,
        }
    }

    fn inner(&self) -> MutexGuard<'_, BTreeMap<String, Paused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
