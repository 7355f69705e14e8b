//! Problems of a folder, each with advice for the administrator.

use std::io;
use std::path::Path;

use crate::{FolderEvents, FolderState};
use dropship_redact::ShellWord;

/// A problem of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FolderIssue {
    pub(crate) state: FolderState,
    pub(crate) reason: String,
    pub(crate) advice: String,
}

impl FolderIssue {
    pub(crate) fn degraded(reason: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: FolderState::Degraded, reason: reason.into(), advice: advice.into() }
    }

    pub(crate) fn polling(reason: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: FolderState::Polling, reason: reason.into(), advice: advice.into() }
    }

    pub(crate) fn report(&self, events: &dyn FolderEvents, folder: &str) {
        match self.state {
            FolderState::Degraded => events.degraded(folder, &self.reason, &self.advice),
            FolderState::Polling | FolderState::Ok => events.polled(folder, &self.reason, &self.advice),
        }
    }

    /// A folder or one of its subfolders cannot be read.
    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        let at = path.display();
        match error.kind() {
            io::ErrorKind::NotFound => Self::degraded(
                format!("{at} does not exist"),
                "create it, or mount its file system; under systemd it may be hidden from the unit (see `dropship \
                 systemd paths`). Watching starts automatically",
            ),
            // A link that is not followed; the error names it.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => Self::degraded(
                format!("{at}: {error}"),
                "links in the path of a folder must belong to root or to the daemon's user",
            ),
            io::ErrorKind::PermissionDenied => Self::degraded(
                format!("{at} is not readable for the daemon's user (uid {})", uid()),
                format!(
                    "setfacl -m u:dropship:rx {} (and x on its parents), or add the user to the folder's group; \
                     under systemd see `dropship systemd paths`",
                    ShellWord::of(path)
                ),
            ),
            io::ErrorKind::NotADirectory => {
                Self::degraded(format!("{at} is not a folder"), "set `path` of the [[folder]] to a folder")
            }
            _ if error.raw_os_error() == Some(libc::EMFILE) => Self::degraded(
                format!("cannot read {at}: too many open files"),
                "raise LimitNOFILE= of the unit",
            ),
            _ => {
                Self::degraded(format!("cannot read {at}: {error}"), "check dmesg and the mount of this path")
            }
        }
    }

    /// A file cannot be opened.
    pub(crate) fn unreadable_file(path: &Path) -> Self {
        Self::degraded(
            format!("{} is not readable for the daemon's user (uid {})", path.display(), uid()),
            "let the build server write files that the daemon's group can read (umask 027 and a common group), or \
             setfacl -d -m u:dropship:r on the folder",
        )
    }
}

fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}
