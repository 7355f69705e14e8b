//! Opens the store, also when a command has locked it for a moment, or another node has its lease.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::watch;

use crate::config::model::{Config, Database};
use crate::database;
use crate::observe::{self, Heartbeat, Heartbeats};
use crate::systemd;
use dropship_hardware::Gate;
use dropship_store::{DiskStore, OpenReport, Role, SharedStore, Store, StoreError};

/// Maximum time to wait for a command that has locked the store because no daemon was running.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Maximum time to wait for the database: it may start at the same time as this machine.
const DATABASE_WAIT: Duration = Duration::from_secs(60);

/// The open store.
pub(super) struct OpenStore {
    pub(super) store: Arc<dyn Store>,
    pub(super) report: OpenReport,
    /// Set when the store can no longer be written.
    pub(super) stopped: watch::Receiver<Option<String>>,
    pub(super) heartbeats: Heartbeats,
    /// Closed while this node has no lease of the store.
    pub(super) gate: Gate,
}

/// A store of either kind.
struct Opened {
    store: Arc<dyn Store>,
    report: OpenReport,
    stopped: watch::Receiver<Option<String>>,
    gate: Gate,
}

/// Opens the store and logs what that has changed in it.
pub(super) async fn open_store(config: &Config, cancelled: &Arc<AtomicBool>) -> anyhow::Result<OpenStore> {
    let heartbeat = Heartbeat::default();
    let Opened { store, report, stopped, gate } = match &config.store.database {
        None => {
            let (home, socket) = (&config.store.path, &config.control.socket);
            let (store, report) = open_when_unlocked(home, socket, &heartbeat, cancelled).await?;
            Opened { stopped: store.stopped(), store: Arc::new(store), report, gate: Gate::default() }
        }
        Some(database) => open_in_database(&config.store.path, database, &heartbeat, cancelled).await?,
    };
    log_open_report(&report);
    let heartbeats = Heartbeats::new(systemd::watchdog());
    heartbeats.watch("store", &heartbeat);
    Ok(OpenStore { stopped, store, report, heartbeats, gate })
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

/// Opens the store in a database. Stands by while another node has the lease, and waits for a database that does not respond.
async fn open_in_database(
    home: &Path,
    database: &Database,
    heartbeat: &Heartbeat,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<Opened> {
    if home.join("journal").is_dir() {
        anyhow::bail!(
            "[store]: {} holds the jobs of a store without a database; set `path` to another folder for the files of this node",
            home.display()
        );
    }
    let started = Instant::now();
    let mut is_logged = false;
    loop {
        let error = match attempt(home, database, heartbeat, cancelled).await {
            Ok(opened) => return Ok(opened),
            Err(error) => error,
        };
        let may_pass = match error.downcast_ref::<StoreError>() {
            Some(StoreError::Away { .. }) => started.elapsed() < DATABASE_WAIT,
            Some(StoreError::Locked { .. }) => started.elapsed() < LOCK_WAIT,
            _ => false,
        };
        if !may_pass || cancelled.load(Ordering::Relaxed) {
            return Err(error.context("cannot open the store in the database"));
        }
        if !std::mem::replace(&mut is_logged, true) {
            tracing::warn!(event = "store_waits", "{error:#}; the start is tried again");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn attempt(
    home: &Path,
    database: &Database,
    heartbeat: &Heartbeat,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<Opened> {
    let (standing_by, waits_for) = watch::channel(None);
    let announcing = tokio::spawn(announce(waits_for));
    let (home, database) = (home.to_owned(), database.clone());
    let (heartbeat, cancelled) = (Arc::new(heartbeat.clone()), Arc::clone(cancelled));
    let opening = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let journal = database::connect(&database)?;
        let role = Role::Node { name: database.node, standing_by };
        Ok(SharedStore::open_shared(&home, journal, role, heartbeat, &cancelled)?)
    });
    let opened = opening.await;
    announcing.abort();
    let (store, report) = opened??;
    let lease = store.lease().context("the store has no lease")?;
    let gate = Gate::new(move || lease.is_valid());
    Ok(Opened { stopped: store.stopped(), store: Arc::new(store), report, gate })
}

/// Reports for which node this one stands by. systemd counts it as started, and expects signs of life: it may stand by for months.
async fn announce(mut waits_for: watch::Receiver<Option<String>>) {
    let pause = systemd::watchdog().map_or(Duration::from_secs(3600), |timeout| timeout / 4);
    loop {
        match tokio::time::timeout(pause, waits_for.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                systemd::feed_watchdog();
                continue;
            }
        }
        let Some(node) = waits_for.borrow_and_update().clone() else { continue };
        tracing::info!(
            event = "standing_by",
            "node `{node}` processes the jobs of the database; this node stands by, and takes over when that one ends"
        );
        systemd::UnitStatus::default().ready(&format!("Stands by for node {node}"));
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
    } else if let Some(why) = &report.discarded {
        observe::tables_rebuilt(why, report.replayed);
    } else if report.replayed > 0 && !report.is_new {
        observe::store_caught_up(report.replayed);
    }
}
