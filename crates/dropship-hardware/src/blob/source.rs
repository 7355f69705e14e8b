//! The file that is uploaded. It is read once and in order, while earlier blocks are being sent. Its digest therefore needs no
//! second pass, and is the digest of the sent bytes.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use crc64fast_nvme::Digest as Crc64;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::block::Block;
use super::buffers::{BLOCK, BufferPool};
use super::error::TransferError;

/// Number of bytes that are read at once; fits the inner caches of a processor.
const PIECE: usize = 256 * 1024;

/// A file to be sent.
#[derive(Clone)]
pub(super) struct SourceFile {
    pub(super) file: Arc<File>,
    pub(super) path: PathBuf,
    pub(super) length: u64,
    /// SHA-256 that it must have, lower-case hex.
    pub(super) expected: Option<String>,
}

/// Its blocks, one after another.
pub(super) struct BlockReader {
    blocks: mpsc::Receiver<Block>,
    reading: JoinHandle<Result<(), TransferError>>,
}

impl SourceFile {
    /// Opens a file that is to have this SHA-256, if it is known. A file of one block is read at once, as that block.
    pub(super) async fn open(
        path: &Path,
        expected: Option<String>,
        buffers: &BufferPool,
    ) -> Result<(Self, Option<Block>), TransferError> {
        let (own, buffers, runtime) = (path.to_owned(), buffers.clone(), Handle::current());
        let open = move || {
            let opened = File::open(&own).and_then(|file| file.metadata().map(|found| (file, found.len())));
            let (file, length) = opened.map_err(|error| TransferError::read(&own, error))?;
            let source = Self { file: Arc::new(file), path: own, length, expected };
            let block = source.read_whole(&buffers, &runtime)?;
            Ok((source, block))
        };
        let opened = tokio::task::spawn_blocking(open).await;
        opened.unwrap_or_else(|_| Err(TransferError::read(path, ErrorKind::Interrupted.into())))
    }

    /// The file as one block; `None` if it has more of them.
    fn read_whole(&self, buffers: &BufferPool, runtime: &Handle) -> Result<Option<Block>, TransferError> {
        let Some(length) = usize::try_from(self.length).ok().filter(|&length| length <= BLOCK) else {
            return Ok(None);
        };
        let mut digest = self.expected.as_ref().map(|_| Sha256::new());
        let Some(mut buffer) = runtime.block_on(buffers.take()) else { return Ok(None) };
        let sum = self.fill(buffer.resized(length), 0, digest.as_mut())?;
        if let Some(digest) = digest {
            self.prove(digest)?;
        }
        Ok(Some(Block::new(0, buffer, sum)))
    }

    /// Reads on a thread of its own, one block ahead.
    pub(super) fn blocks(&self, size: u64, buffers: &BufferPool) -> BlockReader {
        let (sender, blocks) = mpsc::channel(1);
        let (source, buffers, runtime) = (self.clone(), buffers.clone(), Handle::current());
        let reading = tokio::task::spawn_blocking(move || source.read(size, &buffers, &runtime, &sender));
        BlockReader { blocks, reading }
    }

    fn read(
        &self,
        size: u64,
        buffers: &BufferPool,
        runtime: &Handle,
        to: &mpsc::Sender<Block>,
    ) -> Result<(), TransferError> {
        let mut digest = self.expected.as_ref().map(|_| Sha256::new());
        for index in 0..self.length.div_ceil(size) {
            let offset = index * size;
            let length = usize::try_from(size.min(self.length - offset)).unwrap_or(usize::MAX);
            let Some(mut buffer) = runtime.block_on(buffers.take()) else { return Ok(()) };
            let sum = self.fill(buffer.resized(length), offset, digest.as_mut())?;
            let last = offset + length as u64 == self.length;
            if let Some(digest) = digest.take_if(|_| last) {
                self.prove(digest)?;
            }
            if to.blocking_send(Block::new(index, buffer, sum)).is_err() {
                // The upload has ended.
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads one block in pieces, which are digested while they are in the processor's cache; returns its CRC-64.
    fn fill(
        &self,
        block: &mut [u8],
        offset: u64,
        mut digest: Option<&mut Sha256>,
    ) -> Result<u64, TransferError> {
        let (mut sum, mut at) = (Crc64::new(), offset);
        for piece in block.chunks_mut(PIECE) {
            self.file.read_exact_at(piece, at).map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => {
                    TransferError::Changed { path: self.path.clone(), expected: self.length }
                }
                _ => TransferError::read(&self.path, error),
            })?;
            sum.write(piece);
            if let Some(digest) = &mut digest {
                digest.update(&*piece);
            }
            at += piece.len() as u64;
        }
        Ok(sum.sum64())
    }

    /// Compares the digest before the last block is sent: a blob of other bytes is never completed.
    fn prove(&self, digest: Sha256) -> Result<(), TransferError> {
        let found = format!("{:x}", Bytes::copy_from_slice(&digest.finalize()));
        match &self.expected {
            Some(expected) if *expected != found => Err(TransferError::Altered { path: self.path.clone() }),
            _ => Ok(()),
        }
    }
}

impl BlockReader {
    /// The next block; none after the last.
    pub(super) async fn next(&mut self, path: &Path) -> Result<Option<Block>, TransferError> {
        if let Some(block) = self.blocks.recv().await {
            return Ok(Some(block));
        }
        match (&mut self.reading).await {
            Ok(Ok(())) => Ok(None),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(TransferError::read(path, ErrorKind::Interrupted.into())),
        }
    }
}
