//! How many accepted jobs have not started, as admission counts them against a folder.

use std::sync::Arc;

use super::pause::PauseGate;
use super::queue::Queue;
use super::suspended_accounts::SuspendedAccounts;
use super::unstarted::UnstartedCounts;

/// Reads the queue, the pauses and the suspended accounts.
#[derive(Debug)]
pub struct AdmissionLoad {
    queue: Arc<Queue>,
    pause: Arc<PauseGate>,
    accounts: Arc<SuspendedAccounts>,
}

impl AdmissionLoad {
    /// The load of these parts.
    #[must_use]
    pub fn new(queue: Arc<Queue>, pause: Arc<PauseGate>, accounts: Arc<SuspendedAccounts>) -> Self {
        Self { queue, pause, accounts }
    }

    /// The jobs that have not started, as they count against one more package of this folder.
    #[must_use]
    pub fn unstarted(&self, folder: &str) -> UnstartedCounts {
        let (paused, suspended) = (self.pause.scopes(), self.accounts.all());
        self.queue.unstarted(|jobs| {
            jobs.counts(
                folder,
                |folder| paused.iter().any(|scope| scope.folder() == Some(folder)),
                |account| suspended.contains_key(account),
            )
        })
    }
}
