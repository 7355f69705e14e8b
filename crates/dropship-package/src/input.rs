//! Positional reads over a file or over bytes in memory.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

use crate::budget::{Meter, UNMETERED, WorkKind};
use crate::preview::ChunkStream;

/// The bytes of a package. Every read names its offset, so several threads can read at the same time. What is read counts
/// against the meter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    source: ByteSource<'a>,
    meter: &'a Meter,
}

#[derive(Debug, Clone, Copy)]
enum ByteSource<'a> {
    /// An open file and its length when it was opened.
    File(&'a File, u64),
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// Bytes that arrive in order.
    Stream(&'a ChunkStream),
}

impl<'a> Input<'a> {
    /// Takes the file's current length as the length of the package.
    pub(crate) fn file(file: &'a File) -> io::Result<Self> {
        Ok(Self { source: ByteSource::File(file, file.metadata()?.len()), meter: &UNMETERED })
    }

    /// Bytes in memory.
    pub(crate) fn bytes(bytes: &'a [u8]) -> Self {
        Self { source: ByteSource::Bytes(bytes), meter: &UNMETERED }
    }

    /// Bytes that arrive in order.
    pub(crate) fn stream(stream: &'a ChunkStream) -> Self {
        Self { source: ByteSource::Stream(stream), meter: &UNMETERED }
    }

    /// The same input with this meter.
    pub(crate) fn metered(self, meter: &'a Meter) -> Self {
        Self { meter, ..self }
    }

    /// Counts work on the bytes of this input.
    pub(crate) fn charge(&self, kind: WorkKind, amount: u64) -> io::Result<()> {
        self.meter.charge(kind, amount).map_err(Into::into)
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        match self.source {
            ByteSource::File(_, len) => len,
            ByteSource::Bytes(bytes) => bytes.len() as u64,
            ByteSource::Stream(stream) => stream.len(),
        }
    }

    /// Fills the buffer from the offset; fails if the input ends first.
    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.charge(WorkKind::Read, buffer.len() as u64)?;
        if buffer.is_empty() {
            return Ok(());
        }
        match self.source {
            ByteSource::File(file, _) => file.read_exact_at(buffer, offset),
            ByteSource::Stream(stream) => stream.read_exact_at(buffer, offset),
            ByteSource::Bytes(bytes) => {
                let start = usize::try_from(offset).map_err(|_| io::Error::from(ErrorKind::UnexpectedEof))?;
                let end = start.checked_add(buffer.len());
                let found = end.and_then(|end| bytes.get(start..end));
                buffer.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    /// Reads `length` bytes at the offset, or fewer at the end of the input.
    pub(crate) fn read_up_to(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut buffer = Vec::new();
        self.fill(&mut buffer, offset, length)?;
        Ok(buffer)
    }

    /// Like [`Self::read_up_to`], into an existing buffer.
    pub(crate) fn fill(&self, buffer: &mut Vec<u8>, offset: u64, length: usize) -> io::Result<()> {
        let left = self.len().saturating_sub(offset);
        buffer.resize(usize::try_from(left).unwrap_or(usize::MAX).min(length), 0);
        self.read_exact_at(buffer, offset)
    }
}
