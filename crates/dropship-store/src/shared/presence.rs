//! The signs of life of a node, for the list of nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::StoreError;
use crate::shared::lease::Leases;
use crate::shared::node::Node;

/// Interval between signs of life.
const INTERVAL: Duration = Duration::from_secs(10);

/// Time after which a node that was not heard of counts as lost.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// Reports a node on a thread of its own, and its end when this is dropped.
pub(super) struct NodePresence {
    reporter: Arc<PresenceReporter>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

struct PresenceReporter {
    leases: Arc<dyn Leases>,
    node: Node,
    folders: Vec<String>,
    closing: AtomicBool,
}

impl NodePresence {
    /// Reports the node now and regularly.
    pub(super) fn start(
        leases: Arc<dyn Leases>,
        node: Node,
        folders: Vec<String>,
    ) -> Result<Self, StoreError> {
        let reporter = Arc::new(PresenceReporter { leases, node, folders, closing: AtomicBool::new(false) });
        reporter.report();
        let thread_reporter = Arc::clone(&reporter);
        let thread =
            std::thread::Builder::new().name("presence".to_owned()).spawn(move || thread_reporter.run());
        let thread = thread
            .map_err(|error| StoreError::Unusable { what: format!("cannot start a thread: {error}") })?;
        Ok(Self { reporter, thread: Mutex::new(Some(thread)) })
    }
}

impl NodePresence {
    /// Reports the end of the node.
    pub(super) fn end(&self) {
        let Some(thread) = self.thread.lock().take() else { return };
        self.reporter.closing.store(true, Ordering::Relaxed);
        thread.thread().unpark();
        drop(thread.join());
        if let Err(error) = self.reporter.leases.report_end(&self.reporter.node) {
            tracing::debug!("the end of this node is not reported: {error}");
        }
    }
}

impl Drop for NodePresence {
    fn drop(&mut self) {
        self.end();
    }
}

impl PresenceReporter {
    fn run(&self) {
        loop {
            std::thread::park_timeout(INTERVAL);
            if self.closing.load(Ordering::Relaxed) {
                return;
            }
            self.report();
        }
    }

    fn report(&self) {
        if let Err(error) = self.leases.report(&self.node, &self.folders) {
            tracing::debug!("this node is not reported: {error}");
        }
    }
}
