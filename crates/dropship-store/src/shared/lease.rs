//! The lease of the node that processes jobs: no other one does at the same time.
//!
//! The deadline is by the clock of the database. The node measures from before it sent the renewal, less a margin, so its own lease
//! always ends first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;

use crate::error::StoreError;
use crate::shared::lease_times::times;
use crate::shared::namesake::Namesake;
use crate::shared::node::Node;
use crate::shared::node_status::NodeStatus;

/// The answer to a node that asks for the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// It has the lease.
    Granted,
    /// Another node has it.
    HeldBy {
        /// The name of that node.
        name: String,
    },
}

/// The place where the lease and the nodes are kept. Errors are those of a shared journal.
#[expect(clippy::missing_errors_doc, reason = "the errors are those of `SharedJournal`")]
pub trait Leases: Send + Sync {
    /// Takes the lease for this term, if no other node has one, or if an earlier process of the same node has it.
    fn take(&self, node: &Node, term: Duration) -> Result<LeaseAnswer, StoreError>;

    /// Renews the lease of this process of a node; returns whether it still had it.
    fn renew(&self, node: &Node, term: Duration) -> Result<bool, StoreError>;

    /// Ends the lease of this process of a node.
    fn release(&self, node: &Node) -> Result<(), StoreError>;

    /// Notes that this process of a node is running, with the names of its folders. Earlier processes of the node are forgotten, and so are
    /// nodes that were not seen for a week.
    fn report(&self, node: &Node, folders: &[String]) -> Result<(), StoreError>;

    /// Notes that this process of a node has ended.
    fn report_end(&self, node: &Node) -> Result<(), StoreError>;

    /// A process of another place that has the name of this one, has started before it, and was seen within this time. A process that
    /// has not reported itself has started after all others.
    fn namesake(&self, node: &Node, silence: Duration) -> Result<Option<Namesake>, StoreError>;

    /// The nodes, in the order of their names. One that was not seen for this time is lost.
    fn nodes(&self, silence: Duration) -> Result<Vec<NodeStatus>, StoreError>;
}

/// The time by two clocks: since the machine started, suspended time included, and of the day. A frozen virtual machine may show in
/// the second only.
#[derive(Debug, Clone, Copy)]
struct ClockReading {
    boot: Duration,
    day: Duration,
}

impl ClockReading {
    fn now() -> Self {
        let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
        Self { boot: read(ClockId::Boottime), day: read(ClockId::Realtime) }
    }

    /// The longer of the times that the clocks show. A clock that was set back shows none.
    fn elapsed(&self) -> Duration {
        let now = Self::now();
        now.boot.saturating_sub(self.boot).max(now.day.saturating_sub(self.day))
    }
}

/// A view of the lease for code that sends calls.
#[derive(Debug, Clone)]
pub struct Lease(Arc<Mutex<Option<ClockReading>>>);

impl Lease {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    /// Whether this node may send a call that changes something at the service now.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.remaining().is_zero()
    }

    /// Time for which it is valid without a renewal.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        let requested_at = *self.0.lock();
        requested_at
            .map_or(Duration::ZERO, |requested_at| times().own_term().saturating_sub(requested_at.elapsed()))
    }

    /// Records a lease that was requested at this time.
    fn grant(&self, requested_at: ClockReading) {
        *self.0.lock() = Some(requested_at);
    }

    fn end(&self) {
        *self.0.lock() = None;
    }
}

/// Renews the lease of a node on a thread of its own, and releases it when this is dropped.
pub(crate) struct LeaseKeeper {
    lease: Lease,
    leases: Arc<dyn Leases>,
    node: Node,
    closing: Arc<AtomicBool>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl LeaseKeeper {
    /// Takes the lease. With `standing_by`, this waits while another node has the lease, and sends the name of that node to it.
    /// Without, it returns the name. `may_wait` is called before each attempt. `on_lost` is called if another node has the lease
    /// later.
    ///
    /// # Errors
    /// When `may_wait` fails. [`StoreError::Unusable`] when the database cannot be used; without `standing_by`, also
    /// [`StoreError::Away`] while it does not respond.
    pub(crate) fn take(
        leases: Arc<dyn Leases>,
        node: Node,
        standing_by: Option<&watch::Sender<Option<String>>>,
        may_wait: &dyn Fn() -> Result<(), StoreError>,
        on_lost: impl Fn() + Send + 'static,
    ) -> Result<Result<Self, String>, StoreError> {
        let (lease, times) = (Lease::new(), times());
        loop {
            may_wait()?;
            let requested_at = ClockReading::now();
            let answer = match leases.take(&node, times.term) {
                // A node stands by for months, and its database is away now and then.
                Err(StoreError::Away { .. }) if standing_by.is_some() => {
                    std::thread::park_timeout(times.retry_interval);
                    continue;
                }
                answer => answer?,
            };
            match answer {
                LeaseAnswer::Granted => {
                    lease.grant(requested_at);
                    break;
                }
                LeaseAnswer::HeldBy { name } => {
                    let Some(standing_by) = standing_by else { return Ok(Err(name)) };
                    standing_by.send_if_modified(|known| {
                        let is_new = known.as_ref() != Some(&name);
                        *known = Some(name);
                        is_new
                    });
                    std::thread::park_timeout(times.retry_interval);
                }
            }
        }
        let closing = Arc::new(AtomicBool::new(false));
        let renewer = LeaseRenewer {
            lease: lease.clone(),
            leases: Arc::clone(&leases),
            node: node.clone(),
            closing: Arc::clone(&closing),
            on_lost: Box::new(on_lost),
        };
        let thread = std::thread::Builder::new().name("lease".to_owned()).spawn(move || renewer.run());
        let thread = thread
            .map_err(|error| StoreError::Unusable { what: format!("cannot start a thread: {error}") })?;
        Ok(Ok(Self { lease, leases, node, closing, thread: Mutex::new(Some(thread)) }))
    }

    pub(crate) fn lease(&self) -> Lease {
        self.lease.clone()
    }
}

impl LeaseKeeper {
    /// Ends the lease. This node sends nothing any more.
    pub(crate) fn release(&self) {
        // The thread may be about to renew it.
        let Some(thread) = self.thread.lock().take() else { return };
        self.closing.store(true, Ordering::Relaxed);
        self.lease.end();
        thread.thread().unpark();
        drop(thread.join());
        self.lease.end();
        if let Err(error) = self.leases.release(&self.node) {
            tracing::warn!(
                "cannot release the lease of this node: {error}; other nodes wait for up to {} s",
                times().term.as_secs()
            );
        }
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.release();
    }
}

struct LeaseRenewer {
    lease: Lease,
    leases: Arc<dyn Leases>,
    node: Node,
    closing: Arc<AtomicBool>,
    on_lost: Box<dyn Fn() + Send>,
}

impl LeaseRenewer {
    fn run(self) {
        let times = times();
        let mut pause = times.renewal;
        loop {
            std::thread::park_timeout(pause);
            if self.closing.load(Ordering::Relaxed) {
                return;
            }
            let requested_at = ClockReading::now();
            pause = match self.leases.renew(&self.node, times.term) {
                Ok(true) => {
                    self.lease.grant(requested_at);
                    times.renewal
                }
                Ok(false) => {
                    self.lease.end();
                    (self.on_lost)();
                    return;
                }
                Err(error) => {
                    tracing::debug!("the lease is not renewed: {error}");
                    times.retry_interval
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_ends_before_its_term_by_either_clock() {
        let lease = Lease::new();
        assert!(!lease.is_valid(), "never granted");
        let now = ClockReading::now();
        lease.grant(now);
        assert!(lease.is_valid());
        let ago = |boot: u64, day: u64| ClockReading {
            boot: now.boot.saturating_sub(Duration::from_secs(boot)),
            day: now.day.saturating_sub(Duration::from_secs(day)),
        };
        for (boot, day, valid) in [(20, 20, true), (26, 0, false), (0, 26, false), (30, 30, false)] {
            lease.grant(ago(boot, day));
            assert_eq!(lease.is_valid(), valid, "{boot} s and {day} s ago");
        }
        lease.grant(now);
        lease.end();
        assert!(!lease.is_valid());
    }
}
