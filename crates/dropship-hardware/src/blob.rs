//! Blob transfer: packages are uploaded and results downloaded, streamed, within bounded memory.
//!
//! Uploads use the block blob protocol (Put Block, Put Block List) on the client's own connections. The official
//! `azure_storage_blob` crate (1.1.0) was measured and not chosen. It takes two thirds longer for one large file, and three
//! times as long for many small ones, because it opens a connection for each. It sends no checksum with a block, and its block
//! names are random, so an upload cannot be resumed.

mod block;
mod buffers;
mod contents;
mod download;
mod error;
mod hosts;
mod list;
mod partial_download;
mod rate;
mod sas;
mod source;
#[cfg(test)]
mod tests;
mod upload;
mod window;
mod wire;

pub(super) use buffers::BufferPool;
pub(super) use download::read_sha256;
pub use error::{ForbiddenOrigin, TransferError};
pub(super) use hosts::Hosts;
pub use upload::Uploaded;

/// Reads a body of the blob store as an error and as a list of blocks.
#[cfg(fuzzing)]
pub(crate) fn read_hostile(body: &str) {
    let (code, message) = wire::read_error(body);
    assert!(
        code.unwrap_or_default().len() + message.len() <= 2 * crate::body::MAX_ERROR,
        "a text of the body"
    );
    let _blocks = list::read(body);
}
