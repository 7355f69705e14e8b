//! File descriptors: connections never use the last ones, which the store and the workers need.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

use rustix::process::{Resource, getrlimit, setrlimit};

use super::listener::ClientClass;

/// Raises the limit of open descriptors to what the process may have, and returns it.
///
/// The daemon never calls `select`, which a higher limit breaks.
#[must_use]
pub fn raise_limit() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let former_limit = limit.current;
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!("cannot raise the limit of open files: {error}");
        return former_limit.unwrap_or(u64::MAX);
    }
    limit.current.unwrap_or(u64::MAX)
}

/// The limit of open descriptors.
pub(super) fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Whether the descriptor of a new connection is among the last ones. The kernel gives out the lowest free number, so a high
/// number means that those below are in use.
pub(super) fn is_reserved(connection: &impl AsFd, class: ClientClass, limit: u64) -> bool {
    let reserved = match class {
        ClientClass::Others => (limit / 4).min(128),
        ClientClass::Own | ClientClass::Operators => (limit / 8).min(64),
    };
    u64::try_from(connection.as_fd().as_raw_fd()).unwrap_or(0) >= limit.saturating_sub(reserved)
}

/// A descriptor that is closed to accept, and refuse, a connection when no other is free.
#[derive(Debug)]
pub(super) struct Reserve(Option<File>);

impl Reserve {
    pub(super) fn new() -> Self {
        Self(open())
    }

    /// Makes one descriptor free.
    pub(super) fn release(&mut self) {
        self.0 = None;
    }

    /// Takes a descriptor again.
    pub(super) fn refill(&mut self) {
        if self.0.is_none() {
            self.0 = open();
        }
    }
}

fn open() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Whether accepting failed because no descriptor or no memory is left.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
