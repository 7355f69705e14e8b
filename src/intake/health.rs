//! How a folder fares, and what an administrator can do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::observe;

/// How files of a folder are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// By events at once, and by a full look at each `poll`.
    Ok,
    /// By a full look at each `poll` alone.
    Polling,
    /// Not all of them, or none.
    Degraded,
}

impl State {
    /// As it is written in JSON and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Polling => "polling",
            Self::Degraded => "degraded",
        }
    }
}

/// How one folder fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderHealth {
    /// The folder's name.
    pub name: String,
    /// Its path.
    pub path: PathBuf,
    /// How files are noticed.
    pub state: State,
    /// Why it is not ok.
    pub why: Option<String>,
    /// What to do about it.
    pub advice: Option<String>,
    /// When the last complete look ended.
    pub last_look: Option<Timestamp>,
    /// Files that wait to become whole, settled or readable.
    pub candidates: usize,
    /// Why nothing is offered now, though there may be files: the queue or the disk is full.
    pub paused: Option<String>,
    /// Events since the start.
    pub events: u64,
    /// Full looks since the start.
    pub looks: u64,
    /// How long the last full look took, from its first pass to its last file.
    pub last_look_took: Duration,
    /// Files that the desk took since the start.
    pub taken: u64,
}

/// How all folders fare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Folders that are watched.
    pub folders: usize,
    /// Folders that are degraded.
    pub degraded: usize,
    /// Folders whose files wait for room.
    pub no_room: usize,
    /// Files that wait to become whole, settled or readable.
    pub candidates: usize,
}

/// Something that is not as it should be, with advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) state: State,
    pub(super) why: String,
    pub(super) advice: String,
}

impl Trouble {
    pub(super) fn degraded(why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Degraded, why: why.into(), advice: advice.into() }
    }

    pub(super) fn polling(why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Polling, why: why.into(), advice: advice.into() }
    }

    /// Tells the log of it.
    pub(super) fn tell(&self, folder: &str) {
        match self.state {
            State::Degraded => observe::folder_degraded(folder, &self.why, &self.advice),
            _ => observe::folder_polled(folder, &self.why, &self.advice),
        }
    }

    /// What to do when a folder or one of its subfolders cannot be read.
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        let at = path.display();
        match error.kind() {
            io::ErrorKind::NotFound => Self::degraded(
                format!("{at} does not exist"),
                "create it, or mount what it lies on; under systemd it may be hidden from the unit (see \
                 `dropship systemd paths`); it is taken up by itself",
            ),
            io::ErrorKind::PermissionDenied => Self::degraded(
                format!(
                    "{at} may not be read by the daemon's user (uid {})",
                    rustix::process::geteuid().as_raw()
                ),
                format!(
                    "setfacl -m u:dropship:rx {at} (and x on its parents), or put the user into the folder's \
                     group; under systemd see `dropship systemd paths`"
                ),
            ),
            io::ErrorKind::NotADirectory => {
                Self::degraded(format!("{at} is not a folder"), "point `path` of the [[folder]] at a folder")
            }
            _ if error.raw_os_error() == Some(libc::EMFILE) => Self::degraded(
                format!("{at} cannot be read: too many open files"),
                "raise LimitNOFILE= of the unit",
            ),
            _ => Self::degraded(
                format!("{at} cannot be read: {error}"),
                "see dmesg and the mount that it lies on",
            ),
        }
    }

    /// What to do when one file cannot be opened.
    pub(super) fn unreadable_file(path: &Path) -> Self {
        let at = path.display();
        Self::degraded(
            format!(
                "{at} may not be read by the daemon's user (uid {})",
                rustix::process::geteuid().as_raw()
            ),
            "let the build server write files that the daemon's group can read (umask 027 and a common group), \
             or setfacl -d -m u:dropship:r on the folder",
        )
    }
}
