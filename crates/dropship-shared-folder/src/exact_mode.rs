//! Creates folders whose mode does not depend on the umask.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::thread::UnshareFlags;

/// Creates a folder with these permission bits, and with the setgid bit if `parent` has it.
///
/// The umask of the unit is 0077. A mode that is set afterwards would remove the inherited setgid bit, because `RestrictSUIDSGID=`
/// refuses every `chmod` that has it. The umask belongs to all threads, so a thread of its own creates the folder with a copy.
/// Where containers refuse that, the umask applies.
pub(crate) fn create(parent: BorrowedFd<'_>, name: &OsStr, mode: Mode) -> Result<(), Errno> {
    let with_own_umask = || {
        unshare_umask()?;
        rustix::process::umask(Mode::empty());
        Ok(rustix::fs::mkdirat(parent, name, mode))
    };
    let on_thread = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("create-folder".to_owned());
        thread.spawn_scoped(scope, with_own_umask).ok()?.join().ok()
    });
    match on_thread {
        Some(Ok(created)) => created,
        Some(Err(Errno::PERM | Errno::NOSYS | Errno::NOMEM)) | None => {
            rustix::fs::mkdirat(parent, name, mode)
        }
        Some(Err(error)) => Err(error),
    }
}

/// Gives this thread a umask and a working directory of its own. Needs no privilege.
#[expect(deprecated, reason = "`unshare_unsafe` is unsafe only for file descriptors, which stay shared here")]
fn unshare_umask() -> Result<(), Errno> {
    rustix::thread::unshare(UnshareFlags::FS)
}
