//! Detects whether a process has a file open for writing: the kernel refuses a read lease in that case.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Whether a process has a file open for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriterPresence {
    /// No process has.
    Absent,
    /// A process has it open for writing or mapped writable.
    Present,
    /// The file belongs to another user, or its file system has no leases.
    Unknown,
}

/// `F_SETSIG` of Linux's `fcntl.h`. It is the same on all architectures, but libc defines it for some only.
const F_SETSIG: libc::c_int = 10;

/// Asks for a read lease and returns it at once. The kernel refuses it while the file has a writer.
///
/// The daemon's user must own the file, or the process needs `CAP_LEASE`. Must not be called on network file systems, where
/// the result covers this machine only.
///
/// If another process opens the file for writing while the lease is held (some microseconds), that process waits, and the
/// kernel sends a signal to this one. The default, SIGIO, would end this process; SIGURG is ignored by default.
pub(crate) fn detect_writer(file: &File) -> WriterPresence {
    if fcntl(file, F_SETSIG, libc::SIGURG).is_err() {
        return WriterPresence::Unknown;
    }
    match fcntl(file, libc::F_SETLEASE, libc::F_RDLCK) {
        Ok(()) => match fcntl(file, libc::F_SETLEASE, libc::F_UNLCK) {
            Ok(()) => WriterPresence::Absent,
            // A writer came and broke the lease before it was returned.
            Err(_) => WriterPresence::Present,
        },
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => WriterPresence::Present,
        Err(_) => WriterPresence::Unknown,
    }
}

#[expect(unsafe_code, reason = "F_SETLEASE and F_SETSIG have no safe wrapper")]
fn fcntl(file: &File, command: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open while `file` is borrowed, and both commands take an int.
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
    fn writer_is_present_until_it_closes_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.cab");
        let writer = File::create(&path).unwrap();
        let reader = File::open(&path).unwrap();
        assert_eq!(detect_writer(&reader), WriterPresence::Present);
        drop(writer);
        assert_eq!(detect_writer(&reader), WriterPresence::Absent);
        let other_reader = File::open(&path).unwrap();
        assert_eq!(detect_writer(&reader), WriterPresence::Absent);
        drop(other_reader);
    }

    /// With the default signal this ends the whole test process within a few thousand rounds.
    #[test]
    fn writer_that_breaks_the_lease_does_not_end_the_process() {
        const ROUNDS: u32 = 20_000;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.cab");
        File::create(&path).unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    drop(OpenOptions::new().append(true).open(&path).unwrap());
                }
            });
            let reader = File::open(&path).unwrap();
            let (mut absent, mut present) = (0, 0);
            // Both answers come up, given enough rounds; how many depends on the machine.
            for _ in 0..100 * ROUNDS {
                match detect_writer(&reader) {
                    WriterPresence::Absent => absent += 1,
                    WriterPresence::Present => present += 1,
                    WriterPresence::Unknown => {}
                }
                if absent + present >= ROUNDS && absent > 0 && present > 0 {
                    break;
                }
            }
            stop.store(true, Ordering::Relaxed);
            assert!(absent > 0 && present > 0, "{absent} absent, {present} present");
        });
    }
}
