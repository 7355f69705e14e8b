//! The list of a running daemon.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;

use super::item::AttentionItem;
use super::kind::AttentionKind;
use super::list::{AttentionList, Observed};
use super::log;
use super::sources::Sources;

/// Maximum wait for another caller that assembles the list.
const MAX_TURN: Duration = Duration::from_secs(3);

/// Assembles the list, and logs its changes.
pub struct Attention {
    sources: Sources,
    /// Held while the sources are read, so that an older state does not replace a newer one.
    refresh_lock: Mutex<()>,
    list: Mutex<AttentionList>,
    /// Trouble that a component reported, until it reports the end.
    raised: Mutex<BTreeMap<(AttentionKind, String), Observed>>,
}

impl Attention {
    /// An empty list that is assembled from these sources.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        Self { sources, refresh_lock: Mutex::default(), list: Mutex::default(), raised: Mutex::default() }
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
        let Some(_turn) = self.refresh_lock.try_lock_for(MAX_TURN) else { return self.without_disk() };
        let mut observed = self.sources.observe();
        observed.extend(self.raised.lock().values().cloned());
        let mut list = self.list.lock();
        let changes = list.replace(observed, Timestamp::now());
        for item in changes.appeared.iter().filter(|item| !item.kind.is_logged_where_detected()) {
            log::needed(item);
        }
        for item in changes.ended.iter().filter(|item| !item.kind.is_end_logged_where_detected()) {
            log::ended(item);
        }
        list.items()
    }

    /// Checks the outboxes and the expiry dates. Waits for the file systems of the outboxes, at most some seconds. Only one
    /// thread at a time calls this.
    pub fn probe_files(&self) {
        self.sources.probes.check_files(&self.sources.admission.active());
    }

    /// Whether [`probe_services`](Self::probe_services) has something to do.
    #[must_use]
    pub fn is_service_probe_due(&self) -> bool {
        let Sources { probes, pipeline, .. } = &self.sources;
        probes.is_connection_check_due(pipeline.services()) || !pipeline.accounts().all().is_empty()
    }

    /// Checks the connections and the suspended accounts for which that is due; returns whether a service is available again, or
    /// no longer.
    pub async fn probe_services(&self) -> bool {
        let Sources { probes, pipeline, .. } = &self.sources;
        let has_changed = probes.check_connections(pipeline.services()).await;
        probes.check_accounts(pipeline).await;
        has_changed
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
