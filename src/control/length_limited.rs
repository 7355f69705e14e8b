//! The length of a submitted package.

use std::io;

/// A body that fails once it is longer than the limit; the length of a chunked body is not known before.
pub(super) struct LengthLimited<R> {
    bytes: R,
    remaining: u64,
    limit: u64,
}

impl<R> LengthLimited<R> {
    pub(super) fn new(bytes: R, limit: u64) -> Self {
        Self { bytes, remaining: limit, limit }
    }
}

impl<R: io::Read> io::Read for LengthLimited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.bytes.read(buffer)?;
        self.remaining = self
            .remaining
            .checked_sub(size as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, too_large(self.limit)))?;
        Ok(size)
    }
}

/// The message for a package that is longer.
pub(super) fn too_large(limit: u64) -> String {
    format!("the package is larger than {limit} bytes, the maximum size of a package")
}
