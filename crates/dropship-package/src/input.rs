//! Positional reads over a file or over bytes in memory.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

/// The bytes of a package. Every read names its offset, so several threads can read at the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Input<'a> {
    /// An open file and its length when it was opened.
    File(&'a File, u64),
    /// Bytes in memory.
    Bytes(&'a [u8]),
}

impl<'a> Input<'a> {
    /// Takes the file's current length as the length of the package.
    pub(crate) fn file(file: &'a File) -> io::Result<Self> {
        Ok(Self::File(file, file.metadata()?.len()))
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::File(_, len) => *len,
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// Fills the buffer from the offset; fails if the input ends first.
    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::File(file, _) => file.read_exact_at(buffer, offset),
            Self::Bytes(bytes) => {
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
