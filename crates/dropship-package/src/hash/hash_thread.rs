//! Computes the SHA-256 of a whole file on its own thread.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use ring::digest::{Context, SHA256};

/// Maximum number of chunks that wait for the thread.
const CHUNKS: usize = 4;

/// The thread, and the chunks on their way to it and back.
pub(super) struct HashThread<'scope> {
    thread: ScopedJoinHandle<'scope, Context>,
    sender: SyncSender<Vec<u8>>,
    /// Hashed chunks, returned so that their memory is reused.
    hashed: Receiver<Vec<u8>>,
}

impl<'scope> HashThread<'scope> {
    /// Starts the thread.
    pub(super) fn start<'env>(scope: &'scope Scope<'scope, 'env>) -> Self {
        let (sender, receiver) = sync_channel::<Vec<u8>>(CHUNKS);
        let (return_sender, hashed) = sync_channel::<Vec<u8>>(CHUNKS);
        let thread = scope.spawn(move || {
            let mut context = Context::new(&SHA256);
            for chunk in receiver {
                context.update(&chunk);
                // Fails when the reader has ended and needs no more chunks.
                drop(return_sender.try_send(chunk));
            }
            context
        });
        Self { thread, sender, hashed }
    }

    /// Sends a chunk to the thread, and replaces it with a buffer to fill. Blocks while [`CHUNKS`] are waiting.
    pub(super) fn update(&mut self, chunk: &mut Vec<u8>) -> io::Result<()> {
        let full = std::mem::replace(chunk, self.hashed.try_recv().unwrap_or_default());
        self.sender.send(full).map_err(|_| io::Error::other("the hashing thread ended early"))
    }

    /// The digest of all chunks.
    pub(super) fn finish(self) -> io::Result<[u8; 32]> {
        drop(self.sender);
        let failed = || io::Error::other("the hashing thread failed");
        let digest = self.thread.join().map_err(|_| failed())?.finish();
        digest.as_ref().try_into().map_err(|_| failed())
    }
}
