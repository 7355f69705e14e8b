//! Buffers for blocks, shared by all uploads of a client. They bound the number of blocks in flight, and so the memory, for any
//! number of concurrent uploads.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Length of a block: small enough to stay in the processor's cache between reading, summing and sending. The protocol
/// takes 50,000 blocks, so this is enough for 97 GiB.
pub(super) const BLOCK: usize = 2 * 1024 * 1024;
/// Maximum number of blocks in flight.
pub(super) const BUFFERS: usize = 14;

/// The buffers of a client.
#[derive(Debug, Clone)]
pub(crate) struct BufferPool {
    permits: Arc<Semaphore>,
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Default for BufferPool {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(BUFFERS)), free: Arc::default() }
    }
}

/// A buffer that returns to its pool when its last slice is dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    free: Arc<Mutex<Vec<Vec<u8>>>>,
    permits: Arc<Semaphore>,
    _permit: OwnedSemaphorePermit,
}

impl BufferPool {
    /// Waits for a buffer with a capacity of at least [`BLOCK`] bytes, in the order of arrival.
    pub(super) async fn take(&self) -> Option<Buffer> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        let bytes = self.free.lock().pop();
        let bytes = bytes.unwrap_or_else(|| Vec::with_capacity(BLOCK));
        let permits = Arc::clone(&self.permits);
        Some(Buffer { bytes, free: Arc::clone(&self.free), permits, _permit: permit })
    }
}

impl Buffer {
    /// The bytes, set to that length.
    pub(super) fn resized(&mut self, length: usize) -> &mut [u8] {
        self.bytes.resize(length, 0);
        &mut self.bytes
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let last = self.permits.available_permits() + 1 >= BUFFERS;
        let mut free = self.free.lock();
        // Between uploads the memory is returned to the system.
        if last {
            free.clear();
        } else {
            free.push(bytes);
        }
    }
}
