//! Drop folders, outboxes and the targets of `after`.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::problem;
use dropship_config::Problem;
use dropship_config::model::{AfterSuccess, Config, Folder};
use dropship_engine::outbox::is_address;
use dropship_shared_folder::SharedFolder;
use dropship_shared_folder::hung_places;

const GRANT: &str =
    "create it, or grant the daemon's user access; under systemd see `dropship systemd paths`";
const COMES_BACK: &str = "the daemon starts without it and tries it again until it can be used; create it, mount its share, or correct the path";

/// Maximum time for one path, and for all paths that do not respond.
const MAX_WAIT: Duration = Duration::from_secs(5);
const MAX_WAITS: Duration = Duration::from_secs(15);

/// Time for one path when the time for all is used up: a local disk responds within it.
const MIN_WAIT: Duration = Duration::from_millis(50);

/// Maximum number of paths that do not respond.
const MAX_HUNG: usize = 64;

/// A path that the daemon cannot use.
struct PathProblem {
    why: String,
    error: io::Error,
    /// The daemon can use it as soon as it is there, without a change of permissions or configuration.
    may_come_back: bool,
}

/// Problems of the folders as this user finds them. Creates a file in each folder that the daemon writes to, and removes it. A path
/// that is missing or cannot be reached now is a warning, because the daemon waits for it. A sandbox only reads the drop folders.
#[must_use]
pub fn check_folders(config: &Config, sandbox: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut budget = WaitBudget::default();
    for folder in config.folders_here() {
        problems.extend(check_folder(folder, sandbox, &mut budget).into_iter().map(|path_problem| {
            let message = format!("folder `{}`: {}: {}", folder.name, path_problem.why, path_problem.error);
            let problem = problem(config, message);
            match path_problem.may_come_back {
                true => problem.with_help(COMES_BACK).into_warning(),
                false => problem.with_help(GRANT),
            }
        }));
    }
    problems
}

fn check_folder(folder: &Folder, sandbox: bool, budget: &mut WaitBudget) -> Vec<PathProblem> {
    let mut problems = Vec::new();
    let read = budget.run(&folder.path, |path| SharedFolder::open(path)?.readable().map(drop));
    let is_readable = read.is_ok();
    problems.extend(read.err().map(|error| PathProblem {
        why: format!("cannot read {}", folder.path.display()),
        may_come_back: error.kind() == io::ErrorKind::NotFound || may_pass(&error),
        error,
    }));
    if sandbox {
        return problems;
    }
    let mut check = |path: &Path, why: &str| {
        let error = budget.run(path, try_write).err();
        problems.extend(error.map(|error| PathProblem {
            why: format!("{why} {}", path.display()),
            may_come_back: may_pass(&error),
            error,
        }));
    };
    if folder.after != AfterSuccess::Leave && is_readable {
        check(&folder.path, "`after` cannot remove files from");
    }
    if let AfterSuccess::Move(target) = &folder.after {
        check(target, "`after` cannot write to");
    }
    let node_outbox = folder.on_node.as_ref().map(|on| &on.outbox);
    // Object storage is not checked: it can be away at any time, and the daemon waits for it.
    for outbox in folder.outbox.iter().chain(node_outbox).filter(|outbox| !is_address(outbox)) {
        check(outbox, "cannot write to the outbox");
    }
    problems
}

/// The time that remains for file systems which do not respond. A dead share must not keep the daemon from starting, or from
/// serving other folders.
struct WaitBudget {
    remaining: Duration,
    hung_count: usize,
}

impl Default for WaitBudget {
    fn default() -> Self {
        Self { remaining: MAX_WAITS, hung_count: 0 }
    }
}

impl WaitBudget {
    /// Tries a path. After many that did not respond, no further one is tried: each keeps a thread.
    fn run(&mut self, path: &Path, attempt: fn(&Path) -> io::Result<()>) -> io::Result<()> {
        if self.hung_count >= MAX_HUNG {
            return Ok(());
        }
        let started = Instant::now();
        let owned_path = path.to_owned();
        let done =
            hung_places::within(path, self.remaining.clamp(MIN_WAIT, MAX_WAIT), move || attempt(&owned_path));
        done.unwrap_or_else(|error| {
            if error.kind() == io::ErrorKind::TimedOut {
                self.remaining = self.remaining.saturating_sub(started.elapsed());
                self.hung_count += 1;
            }
            Err(error)
        })
    }
}

/// Whether an error can end without a change of permissions or configuration: a share or a disk does not answer now, or is full.
pub(super) fn may_pass(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
        NetworkUnreachable, NotConnected, QuotaExceeded, StaleNetworkFileHandle, StorageFull, TimedOut,
    };
    const NO_ANSWER: [rustix::io::Errno; 5] = [
        rustix::io::Errno::IO,
        rustix::io::Errno::HOSTDOWN,
        rustix::io::Errno::NODEV,
        rustix::io::Errno::NXIO,
        rustix::io::Errno::REMOTEIO,
    ];
    let by_kind = matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | NotConnected
            | QuotaExceeded
            | StaleNetworkFileHandle
            | StorageFull
            | TimedOut
    );
    by_kind || NO_ANSWER.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Creates a file in a folder, under a name that no other user can have taken, and removes it. The daemon creates a folder that does
/// not exist, so its parent is tried then.
pub(super) fn try_write(folder: &Path) -> io::Result<()> {
    let mut existing = folder;
    let opened = loop {
        match (SharedFolder::open(existing), existing.parent()) {
            (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => existing = parent,
            (opened, _) => break opened?,
        }
    };
    opened.stage("dropship-check").map(drop)
}
