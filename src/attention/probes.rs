//! Regular checks of what no job may touch for hours: outboxes, expiry dates, and the connection to the service.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parking_lot::Mutex;

use super::outbox_probe::probe;
use crate::config::expiry;
use crate::config::model::{Account, Config};
use crate::pipeline::Pipeline;
use dropship_hardware::Client;

/// Interval between probes that create a file in an outbox that works.
const CREATE_INTERVAL: Duration = Duration::from_secs(60);

/// Interval between probes of a suspended account, besides those of its jobs at `[api.poll] account`.
const ACCOUNT_INTERVAL: Duration = Duration::from_secs(8);

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
    /// Outboxes by folder.
    outboxes: Mutex<BTreeMap<String, OutboxProbe>>,
    /// Expiry by account.
    expiry: Mutex<BTreeMap<String, Timestamp>>,
    /// Time of the last probe of a suspended account.
    accounts: Mutex<BTreeMap<String, Instant>>,
}

#[derive(Debug, Clone)]
struct OutboxProbe {
    outbox: PathBuf,
    result: Result<(), String>,
    created: Instant,
}

impl Probes {
    /// Checks the outboxes and the expiry dates of a configuration; `parent` contains the outboxes of folders that name none.
    pub async fn check_files(&self, config: &Config, parent: &std::path::Path) {
        let known = self.outboxes.lock().clone();
        let probes = config.folders.iter().map(|folder| {
            let outbox = folder.outbox.clone().unwrap_or_else(|| parent.join(&folder.name));
            let before = known.get(&folder.name).filter(|probe| probe.outbox == outbox).cloned();
            async move {
                let creates = before
                    .as_ref()
                    .is_none_or(|probe| probe.result.is_err() || probe.created.elapsed() >= CREATE_INTERVAL);
                let result = probe(outbox.clone(), creates).await;
                let created = match before {
                    Some(before) if !creates => before.created,
                    _ => Instant::now(),
                };
                (folder.name.clone(), OutboxProbe { outbox, result, created })
            }
        });
        let outboxes = futures_util::future::join_all(probes).await.into_iter().collect();
        *self.outboxes.lock() = outboxes;
        let accounts: Vec<(String, Account)> =
            config.accounts.iter().map(|(name, account)| (name.clone(), account.clone())).collect();
        let expiry = tokio::task::spawn_blocking(move || {
            accounts.iter().filter_map(|(name, account)| Some((name.clone(), expiry::of(account)?))).collect()
        });
        match expiry.await {
            Ok(expiry) => *self.expiry.lock() = expiry,
            Err(error) => tracing::debug!("cannot read when the secrets expire: {error}"),
        }
    }

    /// Checks the connection of each account, if that is due.
    pub async fn check_connections(&self, clients: &BTreeMap<String, Client>) {
        let checks = clients.values().map(|client| client.check_connection(is_skewed(client)));
        futures_util::future::join_all(checks).await;
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

    /// The outboxes by folder, each with the reason why it cannot be written.
    #[must_use]
    pub fn outboxes(&self) -> BTreeMap<String, (PathBuf, Option<String>)> {
        let outboxes = self.outboxes.lock();
        let result = |probe: &OutboxProbe| (probe.outbox.clone(), probe.result.clone().err());
        outboxes.iter().map(|(folder, probe)| (folder.clone(), result(probe))).collect()
    }

    /// When the secret or certificate of each account expires, where that is known.
    #[must_use]
    pub fn expiry(&self) -> BTreeMap<String, Timestamp> {
        self.expiry.lock().clone()
    }
}

fn is_skewed(client: &Client) -> bool {
    client.clock_offset().is_some_and(|offset| offset.unsigned_abs() > ClockLimit::SECONDS)
}
