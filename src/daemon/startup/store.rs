//! Opens the store, also when a command has locked it for a moment.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::config::model::Config;
use crate::observe::{self, Heartbeat, Heartbeats};
use crate::systemd;
use dropship_store::{DiskStore, OpenReport, Store, StoreError};

/// Maximum time to wait for a command that has locked the store because no daemon was running.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// The open store.
pub(super) struct OpenStore {
    pub(super) store: Arc<dyn Store>,
    pub(super) report: OpenReport,
    /// Set when the store can no longer be written.
    pub(super) stopped: watch::Receiver<Option<String>>,
    pub(super) heartbeats: Heartbeats,
}

/// Opens the store and logs what that has changed in it.
pub(super) async fn open_store(config: &Config, cancelled: &Arc<AtomicBool>) -> anyhow::Result<OpenStore> {
    let heartbeat = Heartbeat::default();
    let (store, report) =
        open_when_unlocked(&config.store.path, &config.control.socket, &heartbeat, cancelled).await?;
    log_open_report(&report);
    let heartbeats = Heartbeats::new(systemd::watchdog());
    heartbeats.watch("store", &heartbeat);
    Ok(OpenStore { stopped: store.stopped(), store: Arc::new(store), report, heartbeats })
}

/// Opens the store. Waits while a command has locked it, which takes moments; fails if another daemon has locked it.
async fn open_when_unlocked(
    home: &Path,
    socket: &Path,
    heartbeat: &Heartbeat,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<(DiskStore, OpenReport)> {
    let started = Instant::now();
    loop {
        let (home, heartbeat) = (home.to_owned(), Arc::new(heartbeat.clone()));
        let cancelled = Arc::clone(cancelled);
        match tokio::task::spawn_blocking(move || DiskStore::open_watched(&home, heartbeat, &cancelled))
            .await?
        {
            Err(StoreError::Locked { .. })
                if started.elapsed() < LOCK_WAIT
                    && std::os::unix::net::UnixStream::connect(socket).is_err() =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            opened => return Ok(opened?),
        }
    }
}

fn log_open_report(report: &OpenReport) {
    if report.skipped > 0 {
        observe::journal_damaged(report.skipped);
    }
    if let Some(aside) = &report.upgraded {
        observe::store_upgraded(aside, report.replayed);
    } else if let Some((aside, why)) = &report.quarantined {
        observe::store_rebuilt(aside, why, report.replayed);
    } else if report.replayed > 0 && !report.is_new {
        observe::store_caught_up(report.replayed);
    }
}
