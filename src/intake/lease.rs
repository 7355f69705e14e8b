//! Has anybody this file open for writing? The kernel knows, and says so to whoever asks for a lease.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Whether somebody has a file open for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// Nobody has.
    None,
    /// Somebody has, or maps it writable.
    Present,
    /// Not to be found out: the file is another user's, or its file system has no leases.
    Unknown,
}

/// `F_SETSIG` of Linux's `fcntl.h`, the same on all machines; libc has it for some targets only.
const F_SETSIG: libc::c_int = 10;

/// Asks for a read lease, which the kernel refuses while a writer is there, and gives it back at once.
///
/// Needs the file to be ours, or `CAP_LEASE`. On network file systems the answer would speak of
/// this machine alone: don't ask.
///
/// A writer who opens the file within the microseconds that we hold the lease waits for us, and the
/// kernel sends us a signal. That would be SIGIO, which ends a process; so it is told to send
/// SIGURG, which is ignored unless somebody listens.
#[must_use]
pub fn writer_present(file: &File) -> Writer {
    if ask(file, F_SETSIG, libc::SIGURG).is_err() {
        return Writer::Unknown;
    }
    match ask(file, libc::F_SETLEASE, libc::F_RDLCK) {
        Ok(()) => match ask(file, libc::F_SETLEASE, libc::F_UNLCK) {
            Ok(()) => Writer::None,
            // The lease was broken before we could give it back: somebody came to write.
            Err(_) => Writer::Present,
        },
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Writer::Present,
        Err(_) => Writer::Unknown,
    }
}

#[expect(unsafe_code, reason = "F_SETLEASE and F_SETSIG have no safe wrapper")]
fn ask(file: &File, command: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open for as long as `file` is borrowed, and both commands take an int.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, value) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_writer_is_seen_for_as_long_as_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.cab");
        let writer = File::create(&path).unwrap();
        let reader = File::open(&path).unwrap();
        assert_eq!(writer_present(&reader), Writer::Present);
        drop(writer);
        assert_eq!(writer_present(&reader), Writer::None);
        let other_reader = File::open(&path).unwrap();
        assert_eq!(writer_present(&reader), Writer::None);
        drop(other_reader);
    }

    /// With the default signal this ends the whole test process within a few thousand rounds.
    #[test]
    fn a_writer_that_comes_in_between_does_not_end_us() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.cab");
        File::create(&path).unwrap();
        let enough = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    drop(OpenOptions::new().append(true).open(&path).unwrap());
                }
            });
            let reader = File::open(&path).unwrap();
            let mut seen = [0_u32; 2];
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
            while seen.iter().sum::<u32>() < 20_000 || seen.contains(&0) {
                match writer_present(&reader) {
                    Writer::None => seen[0] += 1,
                    Writer::Present => seen[1] += 1,
                    Writer::Unknown => {}
                }
                if std::time::Instant::now() > deadline {
                    break;
                }
            }
            enough.store(true, Ordering::Relaxed);
            assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
        });
    }
}
