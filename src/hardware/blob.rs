//! Blob transfer: packages go up and results come down, streamed, within bounded memory.
//!
//! Uploads speak the block blob protocol (Put Block, Put Block List) on the client's own connections. The
//! official `azure_storage_blob` crate was measured and left: it is a third slower on one large file, opens
//! a connection for each blob, sends no checksum with a block, and names blocks at random, so that nothing
//! can be resumed.

mod block;
mod buffers;
mod download;
mod error;
mod hosts;
mod list;
mod part;
mod sas;
#[cfg(test)]
mod tests;
mod upload;
mod wire;

pub(super) use buffers::BufferPool;
pub use error::TransferError;
pub(super) use hosts::Hosts;
pub use upload::Uploaded;

/// Version of the blob protocol that is spoken: the first that everything used here is part of is older.
const VERSION: &str = "2021-12-02";
