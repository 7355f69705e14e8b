//! One block: its name, its bytes, its checksum.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::buffers::Buffer;

/// A block that is ready to be sent.
pub(super) struct Block {
    /// Its position in the file.
    pub(super) index: u64,
    /// Its name, made of its position and its bytes: a block that the store already has need not be sent again.
    pub(super) id: String,
    /// `x-ms-content-crc64`.
    pub(super) crc64: String,
    pub(super) bytes: Bytes,
}

impl Block {
    /// A block with its CRC-64.
    pub(super) fn new(index: u64, buffer: Buffer, sum: u64) -> Self {
        let (id, crc64) = (id(index, sum), STANDARD.encode(sum.to_le_bytes()));
        Self { index, id, crc64, bytes: Bytes::from_owner(buffer) }
    }
}

/// Name of a block: all names of a blob must have one length.
pub(super) fn id(index: u64, sum: u64) -> String {
    STANDARD.encode(format!("{index:08}-{sum:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_names_have_one_length() {
        assert_eq!(id(0, 0).len(), id(49_999, u64::MAX).len());
    }
}
