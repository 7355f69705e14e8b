//! What other nodes commit, for those who act on it.

use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::entry::{Entry, Line};

/// Passes on the entries of other nodes, in the order of the journal.
#[derive(Debug, Default)]
pub(super) struct Followed(Mutex<Vec<UnboundedSender<Vec<Entry>>>>);

impl Followed {
    /// The entries from now on. The tables have them before they are received.
    pub(super) fn subscribe(&self) -> UnboundedReceiver<Vec<Entry>> {
        let (sender, receiver) = unbounded_channel();
        self.0.lock().push(sender);
        receiver
    }

    /// Passes on the entries of lines to all who want them.
    pub(super) fn pass(&self, lines: &[Line]) {
        let mut receivers = self.0.lock();
        if receivers.is_empty() {
            return;
        }
        let entries: Vec<_> = lines.iter().flat_map(|line| &line.entries).cloned().collect();
        if !entries.is_empty() {
            receivers.retain(|receiver| receiver.send(entries.clone()).is_ok());
        }
    }
}
