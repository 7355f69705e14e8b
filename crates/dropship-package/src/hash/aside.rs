//! A digest that a second thread works out, while that is no burden.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use ring::digest::{Context, SHA256};

/// Chunks that may wait for the second thread.
const CHUNKS: usize = 4;
/// Waiting for it counts as being in the way from here on, if it is so large a part of all the time.
const WAITED: Duration = Duration::from_millis(5);
const PART: u32 = 5;

/// The second thread, and what goes to it.
pub(super) struct Aside<'scope> {
    worker: ScopedJoinHandle<'scope, Context>,
    sender: SyncSender<Vec<u8>>,
    /// Chunks come back to be filled again.
    spare: Receiver<Vec<u8>>,
    began: Instant,
    waited: Duration,
}

impl<'scope> Aside<'scope> {
    pub(super) fn start<'env>(scope: &'scope Scope<'scope, 'env>) -> Self {
        let (sender, receiver) = sync_channel::<Vec<u8>>(CHUNKS);
        let (back, spare) = sync_channel::<Vec<u8>>(CHUNKS);
        let worker = scope.spawn(move || {
            let mut context = Context::new(&SHA256);
            for chunk in receiver {
                context.update(&chunk);
                // The reader may have ended; then nobody wants the chunk any more.
                drop(back.try_send(chunk));
            }
            context
        });
        Self { worker, sender, spare, began: Instant::now(), waited: Duration::ZERO }
    }

    /// Hands a chunk over; what stands in its place can be filled anew.
    pub(super) fn hand_over(&mut self, chunk: &mut Vec<u8>) -> io::Result<()> {
        let ended = || io::Error::other("the hashing thread ended early");
        let full = std::mem::replace(chunk, self.spare.try_recv().unwrap_or_default());
        match self.sender.try_send(full) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(ended()),
            Err(TrySendError::Full(full)) => {
                let before = Instant::now();
                self.sender.send(full).map_err(|_| ended())?;
                self.waited = self.waited.saturating_add(before.elapsed());
                Ok(())
            }
        }
    }

    /// Whether waiting for it costs more than doing its work ourselves: it has no processor to itself.
    pub(super) fn is_in_the_way(&self) -> bool {
        self.waited > WAITED && self.waited.saturating_mul(PART) > self.began.elapsed()
    }

    /// The digest of what was handed over.
    pub(super) fn end(self) -> io::Result<Context> {
        drop(self.sender);
        self.worker.join().map_err(|_| io::Error::other("the hashing thread failed"))
    }
}
