//! Regular checks of outboxes, expiry dates and the connection to the service: it can be hours until a job uses them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parking_lot::Mutex;

use super::outbox_probes::OutboxProbes;
use dropship_config::expiry;
use dropship_engine::admission::ActiveConfig;
use dropship_engine::pipeline::Pipeline;
use dropship_hardware::{Availability, Client};

/// Interval between probes of a suspended account, besides those of its jobs at `[api.poll] account`.
const ACCOUNT_INTERVAL: Duration = Duration::from_secs(5);

/// The difference between the clocks that needs attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockLimit;

impl ClockLimit {
    /// Seconds. Entra accepts assertions and tokens with a difference of up to five minutes ("Access tokens in the Microsoft
    /// identity platform"); a synchronised clock is right within a second. The warning comes well before the limit.
    pub const SECONDS: u64 = 60;
}

/// The results of the latest checks.
#[derive(Debug, Default)]
pub struct Probes {
    outboxes: OutboxProbes,
    /// Expiry by account.
    expiry: Mutex<BTreeMap<String, Timestamp>>,
    /// Time of the last probe of a suspended account.
    accounts: Mutex<BTreeMap<String, Instant>>,
}

impl Probes {
    /// Checks the outboxes and the expiry dates of a configuration. Waits for the file systems of the outboxes, at most some
    /// seconds. Only one thread at a time calls this.
    pub fn check_files(&self, active: &Arc<ActiveConfig>) {
        self.outboxes.pass(active);
        let accounts = active.config.accounts.iter();
        *self.expiry.lock() =
            accounts.filter_map(|(name, account)| Some((name.clone(), expiry::of(account)?))).collect();
    }

    /// Whether the connection of an account is to be checked now.
    #[must_use]
    pub fn is_connection_check_due(&self, clients: &BTreeMap<String, Client>) -> bool {
        clients.values().any(|client| client.is_connection_check_due(is_skewed(client)))
    }

    /// Checks the connection of each account, if that is due; returns whether a service is available again, or no longer.
    pub async fn check_connections(&self, clients: &BTreeMap<String, Client>) -> bool {
        let available = || clients.values().map(is_available).collect::<Vec<_>>();
        let before = available();
        let checks = clients.values().map(|client| client.check_connection(is_skewed(client)));
        futures_util::future::join_all(checks).await;
        before != available()
    }

    /// Probes the suspended accounts, so that each is resumed soon after the service accepts it again. The cause can be a
    /// role in Partner Center, of which this machine sees nothing.
    pub async fn check_accounts(&self, pipeline: &Pipeline<Client>) {
        for account in pipeline.accounts().all().into_keys() {
            let last = self.accounts.lock().get(&account).copied();
            let is_due = last.is_none_or(|last| last.elapsed() >= ACCOUNT_INTERVAL);
            let Some(client) = pipeline.services().get(&account).filter(|_| is_due) else { continue };
            self.accounts.lock().insert(account.clone(), Instant::now());
            match client.probe().await {
                Ok(()) => {
                    if let Err(error) = pipeline.on_account_works(&account).await {
                        tracing::error!("cannot resume the jobs of account `{account}`: {error}");
                    }
                }
                Err(error) => {
                    tracing::debug!(account, %error, "account `{account}` does not work yet: {error}")
                }
            }
        }
    }

    /// By folder, its outbox and whether it can be written.
    #[must_use]
    pub fn outboxes(&self) -> BTreeMap<String, (PathBuf, bool)> {
        self.outboxes.all()
    }

    pub(super) fn outbox_probes(&self) -> &OutboxProbes {
        &self.outboxes
    }

    /// When the secret or certificate of each account expires, where that is known.
    #[must_use]
    pub fn expiry(&self) -> BTreeMap<String, Timestamp> {
        self.expiry.lock().clone()
    }
}

/// Whether it answers, and with the right time.
fn is_available(client: &Client) -> bool {
    matches!(client.availability(), Availability::Up) && !is_skewed(client)
}

fn is_skewed(client: &Client) -> bool {
    client.clock_offset().is_some_and(|offset| offset.unsigned_abs() > ClockLimit::SECONDS)
}
