//! Accounts that are suspended because the service refuses their credentials or roles.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};

use dropship_job::JobId;

/// The suspension of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// The answer of the service.
    pub why: String,
    /// When the service first refused the account.
    pub since: Timestamp,
    /// Time of the next probe.
    pub probe: Timestamp,
    /// Number of probes so far.
    pub probes: u32,
}

/// The suspended accounts. Not durable: a restart tries every account again.
#[derive(Debug, Default)]
pub struct SuspendedAccounts {
    suspended: Mutex<BTreeMap<String, Suspension>>,
    /// Jobs whose call was refused, until a call of theirs succeeds.
    refused: Mutex<BTreeSet<(String, JobId)>>,
}

impl SuspendedAccounts {
    /// The suspension of an account, if it is suspended.
    #[must_use]
    pub fn get(&self, account: &str) -> Option<Suspension> {
        self.inner().get(account).cloned()
    }

    /// All suspended accounts.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Suspension> {
        self.inner().clone()
    }

    /// Suspends an account until the next probe, whose time `probe` computes from the number of probes so far. Returns
    /// whether the account was not suspended before.
    pub fn suspend(
        &self,
        account: &str,
        why: &str,
        now: Timestamp,
        probe: impl FnOnce(u32) -> Timestamp,
    ) -> bool {
        let mut accounts = self.inner();
        let probes = accounts.get(account).map_or(0, |suspension| suspension.probes + 1);
        let since = accounts.get(account).map_or(now, |suspension| suspension.since);
        let suspension = Suspension { why: why.to_owned(), since, probe: probe(probes), probes };
        accounts.insert(account.to_owned(), suspension).is_none()
    }

    /// Whether a call of the job is refused for the second time although its account worked in between. Then the account
    /// is not at fault.
    pub(super) fn refused_again(&self, account: &str, job: &JobId) -> bool {
        let suspended = self.inner().contains_key(account);
        let mut refused = self.refused.lock();
        let key = (account.to_owned(), job.clone());
        if refused.contains(&key) && !suspended {
            return refused.remove(&key);
        }
        refused.insert(key);
        false
    }

    /// Forgets refusals of the job after a call of it succeeded.
    pub(super) fn on_accepted(&self, account: &str, job: &JobId) {
        let mut refused = self.refused.lock();
        if !refused.is_empty() {
            refused.remove(&(account.to_owned(), job.clone()));
        }
    }

    /// Ends the suspension of an account; returns whether it was suspended.
    pub fn resume(&self, account: &str) -> bool {
        self.inner().remove(account).is_some()
    }

    /// Claims a due probe for one caller. Other callers can claim the following one from `next` on.
    pub fn claim_probe(&self, account: &str, now: Timestamp, next: Timestamp) -> bool {
        match self.inner().get_mut(account) {
            Some(suspension) if suspension.probe <= now => {
                suspension.probe = next;
                true
            }
            _ => false,
        }
    }

    /// Moves the next probe of a suspended account.
    pub(super) fn postpone(&self, account: &str, probe: Timestamp) {
        if let Some(suspension) = self.inner().get_mut(account) {
            suspension.probe = probe;
        }
    }

    fn inner(&self) -> MutexGuard<'_, BTreeMap<String, Suspension>> {
        self.suspended.lock()
    }
}
