//! Delivers the commits of other nodes to subscribers, in the order of the journal.

use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::entry::{Entry, Line};

/// The subscribers to the entries of other nodes.
#[derive(Debug, Default)]
pub(super) struct EntrySubscribers(Mutex<Vec<UnboundedSender<Vec<Entry>>>>);

impl EntrySubscribers {
    /// Subscribes to the entries that are followed from now on. The tables have an entry before a subscriber receives it.
    pub(super) fn subscribe(&self) -> UnboundedReceiver<Vec<Entry>> {
        let (sender, receiver) = unbounded_channel();
        self.0.lock().push(sender);
        receiver
    }

    /// Sends the entries of lines to all subscribers.
    pub(super) fn send(&self, lines: &[Line]) {
        let mut senders = self.0.lock();
        if senders.is_empty() {
            return;
        }
        let entries: Vec<_> = lines.iter().flat_map(|line| &line.entries).cloned().collect();
        if !entries.is_empty() {
            senders.retain(|sender| sender.send(entries.clone()).is_ok());
        }
    }
}
