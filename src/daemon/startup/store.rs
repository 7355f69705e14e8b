//! Opens the store, also when a command has locked it for a moment, or another node has its lease.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use super::{Options, namesake};
use crate::daemon::reported_folders;
use crate::daemon::standby::{OwnFolders, Standby};
use crate::database::{self, UnusableSettings};
use crate::store_binding;
use dropship_config::model::{Config, Database};
use dropship_engine::observe::{self, Heartbeat, Heartbeats};
use dropship_hardware::ChangeGate;
use dropship_store::{DiskStore, Entry, OpenReport, Role, SharedStore, Store, StoreError};

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
    pub(super) gate: ChangeGate,
    /// The entries of other nodes, if there can be some.
    pub(super) foreign_commits: Option<UnboundedReceiver<Vec<Entry>>>,
}

/// Opens the store and logs what that has changed in it. Stands by while another node has the lease of one in a database.
pub(super) async fn open_store(
    config: &Config,
    options: Options,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<OpenStore> {
    let (heartbeat, heartbeats) = (Heartbeat::default(), Heartbeats::new(dropship_systemd::watchdog()));
    heartbeats.watch("store", &heartbeat);
    let Some(database) = &config.store.database else {
        let (home, socket) = (&config.store.path, &config.control.socket);
        let (store, report) = open_when_unlocked(home, socket, &heartbeat, cancelled).await?;
        log_open_report(&report);
        let (stopped, gate) = (store.stopped(), ChangeGate::default());
        return Ok(OpenStore {
            stopped,
            store: Arc::new(store),
            report,
            heartbeats,
            gate,
            foreign_commits: None,
        });
    };
    let (store, mut report) = open_in_database(config, database, &heartbeat, cancelled).await?;
    log_open_report(&report);
    let store = Arc::new(store);
    // A wrong configuration is reported now, and not when this node is needed.
    if let Some(mismatch) = store_binding::endpoint_mismatch(&*store, config, options.sandbox)? {
        return Err(mismatch.into());
    }
    if let Err(name_taken) = namesake::wait_for_silence(&store, cancelled).await {
        store.close();
        return Err(name_taken);
    }
    if let Some(conflict) = reported_folders::find_conflict(&*store, config) {
        store.close();
        return Err(conflict.into());
    }
    let (is_new, foreign_commits) = stand_by(&store, config, &heartbeats, cancelled).await?;
    report.is_new = is_new;
    let lease = store.lease().context("the store has no lease")?;
    let gate = ChangeGate::new(move || lease.is_valid());
    Ok(OpenStore {
        stopped: store.stopped(),
        store,
        report,
        heartbeats,
        gate,
        foreign_commits: Some(foreign_commits),
    })
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

/// Opens the store in a database. Waits for one that does not respond.
async fn open_in_database(
    config: &Config,
    database: &Database,
    heartbeat: &Heartbeat,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<(SharedStore, OpenReport)> {
    let home = &config.store.path;
    if home.join("journal").is_dir() {
        let message = format!(
            "[store]: {} contains the jobs of a store without a database; set `path` to another folder for the files of this node",
            home.display()
        );
        return Err(anyhow::Error::msg(message).context(UnusableSettings));
    }
    let started = Instant::now();
    let mut is_logged = false;
    loop {
        let error = match try_open_in_database(config, database, heartbeat, cancelled).await {
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

async fn try_open_in_database(
    config: &Config,
    database: &Database,
    heartbeat: &Heartbeat,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<(SharedStore, OpenReport)> {
    let (home, database) = (config.store.path.clone(), database.clone());
    let folders = reported_folders::reported_names(config);
    let (heartbeat, cancelled) = (Arc::new(heartbeat.clone()), Arc::clone(cancelled));
    let opening = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let journal = database::connect(&database)?;
        let role = Role::Node { name: database.node, folders };
        Ok(SharedStore::open_shared(&home, journal, role, heartbeat, &cancelled)?)
    });
    opening.await?
}

/// Takes the lease. While another node has it, this one stands by, and answers commands. Returns whether the store was
/// empty, and the entries that other nodes commit from then on.
async fn stand_by(
    store: &Arc<SharedStore>,
    config: &Config,
    heartbeats: &Heartbeats,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<(bool, UnboundedReceiver<Vec<Entry>>)> {
    let (active_node_sender, mut active_node) = watch::channel(None);
    let (leasing_store, cancelled) = (Arc::clone(store), Arc::clone(cancelled));
    let mut lease_task = tokio::task::spawn_blocking(move || {
        let lease_result = leasing_store.take_lease(&active_node_sender, &cancelled);
        let is_new = lease_result.inspect_err(|_| leasing_store.close())?;
        Ok::<_, StoreError>((is_new, leasing_store.follow()))
    });
    tokio::select! {
        lease_result = &mut lease_task => return Ok(lease_result??),
        // Once the channel is closed, the other branch ends with the result.
        Ok(_) = active_node.wait_for(Option::is_some) => {}
    }
    let rows = config.web.as_ref().map(|_| Arc::default());
    // The other node may end before it has created its folder in the shared storage.
    let own_folders = tokio::select! {
        lease_result = &mut lease_task => return Ok(lease_result??),
        own_folders = OwnFolders::start(store, config, rows.clone()) => own_folders?,
    };
    let standby =
        Standby::serve(store, config, heartbeats, active_node.clone(), own_folders.clone(), rows).await?;
    let lease_result = tokio::select! {
        lease_result = &mut lease_task => lease_result,
        () = announce(active_node) => lease_task.await,
    };
    standby.end().await;
    if let Some(own_folders) = own_folders {
        own_folders.end().await;
    }
    let lease_result = lease_result??;
    tracing::info!(event = "taken_over", "this node has taken over, and processes the jobs of the database");
    Ok(lease_result)
}

/// Reports for which node this one stands by. systemd counts it as started, and expects signs of life: it may stand by for months.
async fn announce(mut active_node: watch::Receiver<Option<String>>) {
    let pause = dropship_systemd::watchdog().map_or(Duration::from_secs(3600), |timeout| timeout / 4);
    active_node.mark_changed();
    loop {
        match tokio::time::timeout(pause, active_node.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                dropship_systemd::feed_watchdog();
                continue;
            }
        }
        let Some(node) = active_node.borrow_and_update().clone() else { continue };
        tracing::info!(
            event = "standing_by",
            "node `{node}` processes the jobs of the database; this node stands by, and takes over when that one ends"
        );
        dropship_systemd::UnitStatus::default().ready(&format!("Stands by for node {node}"));
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
