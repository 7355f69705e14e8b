//! The list of a running daemon.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::item::AttentionItem;
use super::kind::AttentionKind;
use super::list::{AttentionList, Observed};
use super::sources::Sources;
use crate::observe;

/// Interval between updates of the list. An item has to disappear within 15 seconds of its cure, including the interval of
/// the probes.
const UPDATE: Duration = Duration::from_secs(2);

/// Interval between probes.
const PROBE: Duration = Duration::from_secs(5);

/// Maximum wait for another caller that assembles the list.
const MAX_TURN: Duration = Duration::from_secs(3);

/// Delay before the first check of the connection: the first calls of jobs show the same.
const FIRST_CONNECTION: Duration = Duration::from_secs(10);

/// Assembles the list, and logs its changes.
pub struct Attention {
    sources: Sources,
    /// Held while the sources are read, so that an older state does not replace a newer one.
    turn: Mutex<()>,
    list: Mutex<AttentionList>,
    /// Trouble that a component reported, until it reports the end.
    raised: Mutex<BTreeMap<(AttentionKind, String), Observed>>,
}

impl Attention {
    /// An empty list that is assembled from these sources.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        Self { sources, turn: Mutex::default(), list: Mutex::default(), raised: Mutex::default() }
    }

    /// The parts that the list is assembled from.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Adds an item for trouble that only its component can detect. It stays until [`lower`](Self::lower).
    pub fn raise(&self, observed: Observed) {
        self.raised.lock().insert((observed.kind, observed.object.clone()), observed);
    }

    /// Removes an item that [`raise`](Self::raise) added.
    pub fn lower(&self, kind: AttentionKind, object: &str) {
        self.raised.lock().remove(&(kind, object.to_owned()));
    }

    /// Assembles the list, logs its changes, and returns it. Reads the store, so it can wait for the disk.
    ///
    /// While another caller waits for a disk that hangs, the list is the last one, with the components that have stalled since.
    pub fn refresh(&self) -> Vec<AttentionItem> {
        let Some(_turn) = self.turn.try_lock_for(MAX_TURN) else { return self.without_disk() };
        let mut observed = self.sources.observe();
        observed.extend(self.raised.lock().values().cloned());
        let mut list = self.list.lock();
        let changes = list.replace(observed, Timestamp::now());
        for item in changes.appeared.iter().filter(|item| !item.kind.is_logged_where_detected()) {
            observe::attention_needed(item);
        }
        for item in changes.ended.iter().filter(|item| !item.kind.is_end_logged_where_detected()) {
            observe::attention_ended(item);
        }
        list.items()
    }

    /// The last list, and the components that have stalled since.
    fn without_disk(&self) -> Vec<AttentionItem> {
        let mut items = self.list.lock().items();
        for stalled in self.sources.stalled() {
            if !items.iter().any(|item| item.kind == stalled.kind && item.object == stalled.object) {
                items.push(stalled.into_item(Timestamp::now()));
            }
        }
        items
    }
}

/// Keeps the list up to date.
pub async fn keep_updated(attention: Arc<Attention>, shutdown: CancellationToken) {
    let mut update = tokio::time::interval(UPDATE);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = update.tick() => {}
        }
        let board = Arc::clone(&attention);
        if let Err(error) = tokio::task::spawn_blocking(move || board.refresh()).await {
            tracing::error!("cannot assemble the list of troubles: {error}");
        }
    }
}

/// Checks outboxes and expiry dates.
pub async fn probe_files(attention: Arc<Attention>, shutdown: CancellationToken) {
    let sources = attention.sources();
    let mut probe = tokio::time::interval(PROBE);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = probe.tick() => {}
        }
        let active = sources.admission.active();
        sources.probes.check_files(&active.config, &active.outbox).await;
        sources.pipeline.receipts().write_unwritten().await;
    }
}

/// Checks the connection to the service while no job calls it.
pub async fn probe_connections(attention: Arc<Attention>, shutdown: CancellationToken) {
    let sources = attention.sources();
    let mut probe = tokio::time::interval_at(tokio::time::Instant::now() + FIRST_CONNECTION, PROBE);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = probe.tick() => {}
        }
        let checks = async {
            sources.probes.check_connections(sources.pipeline.services()).await;
            sources.probes.check_accounts(&sources.pipeline).await;
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = checks => {}
        }
    }
}
