//! A thread that reads the bytes of a package while it is copied.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::stream::ChunkStream;
use crate::budget::{Cancellation, Meter};
use crate::input::Input;

/// Maximum number of chunks that wait for the thread.
const CHUNKS: usize = 4;

/// The thread, and the chunks on their way to it.
#[derive(Debug)]
pub(super) struct PreviewTask<T> {
    /// `None` once the thread needs no more chunks.
    chunks: Option<SyncSender<Arc<[u8]>>>,
    /// `None` if there is no thread.
    thread: Option<JoinHandle<Option<T>>>,
}

impl<T: Send + 'static> PreviewTask<T> {
    /// Runs `read` on a thread, with the budget of a package of `len` bytes. Without a thread there is no result.
    pub(super) fn start(
        len: u64,
        cancellation: &Cancellation,
        read: impl FnOnce(Input<'_>) -> io::Result<T> + Send + 'static,
    ) -> Self {
        let (sender, chunks) = sync_channel(CHUNKS);
        let meter = Meter::new(len, cancellation.clone());
        let run = move || {
            let stream = ChunkStream::new(len, chunks);
            // Whatever cannot be computed here is computed from the copy, and reported then.
            read(Input::stream(&stream).metered(&meter)).ok()
        };
        let thread = std::thread::Builder::new().name("preview".to_owned()).spawn(run).ok();
        Self { chunks: thread.is_some().then_some(sender), thread }
    }

    /// Whether the thread needs more chunks.
    pub(super) fn is_reading(&self) -> bool {
        self.chunks.is_some()
    }

    /// Passes the next chunk on. Blocks while [`CHUNKS`] are waiting.
    pub(super) fn update(&mut self, chunk: &Arc<[u8]>) {
        if self.chunks.as_ref().is_some_and(|chunks| chunks.send(Arc::clone(chunk)).is_err()) {
            self.chunks = None;
        }
    }

    /// The result; `None` if the thread failed.
    pub(super) fn finish(mut self) -> Option<T> {
        self.chunks = None;
        self.thread.take()?.join().ok().flatten()
    }
}
