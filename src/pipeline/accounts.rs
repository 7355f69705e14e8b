//! Accounts that are paused because the service refuses their credentials or roles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use dropship_job::JobId;

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
pub struct Accounts {
    paused: Mutex<BTreeMap<String, Paused>>,
    /// Jobs that were refused since their account last worked.
    refused: Mutex<BTreeSet<(String, JobId)>>,
}

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

    /// Is a job refused once more, though its account was found to work after the first time?
    pub(super) fn refused_again(&self, account: &str, job: &JobId) -> bool {
        let paused = self.inner().contains_key(account);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (account.to_owned(), job.clone());
        if refused.contains(&key) && !paused {
            return refused.remove(&key);
        }
        refused.insert(key);
        false
    }

    /// A call of the job went well.
    pub(super) fn accepted(&self, account: &str, job: &JobId) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if !refused.is_empty() {
            refused.remove(&(account.to_owned(), job.clone()));
        }
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

    /// The next probe of a paused account comes at that time.
    pub(super) fn postpone(&self, account: &str, probe: Timestamp) {
        if let Some(paused) = self.inner().get_mut(account) {
            paused.probe = probe;
        }
    }

    fn inner(&self) -> MutexGuard<'_, BTreeMap<String, Paused>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
