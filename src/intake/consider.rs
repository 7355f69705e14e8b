//! One file: is it to be offered now, and if not, when is it worth another look?

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::candidates::{Candidate, Offered};
use super::names::is_temporary;
use super::ripe::{back_off, ripe};
use super::shared::Shared;
use super::{Find, Identity, NoRoom, Ready, Receipt, Sidecar, Stamp};

/// Why a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// An event: its writer is done with it, or it was moved here.
    Finished,
    /// An event: it was made.
    Made,
    /// An event: something happened to what lies beside it.
    Beside,
    /// A full look found it; what was there before this time was there at the first look.
    Look {
        /// When the first look began, while it lasts.
        backlog_before: Option<Stamp>,
    },
    /// Its time has come.
    Due,
}

/// What came of looking.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Not there, or nothing that could be a package.
    Nothing,
    /// A directory that is to be looked into.
    Directory,
    /// The desk has it.
    Known {
        /// Its state.
        identity: Identity,
        /// It took it just now.
        taken: bool,
    },
    /// It waits.
    Waits(Candidate),
    /// The desk has no room: the same again, later.
    Busy(NoRoom),
}

/// Looks at one file and offers it if it is time. Blocks: file system, and the desk.
pub(super) fn consider(shared: &Shared, path: &Path, known: Option<Candidate>, cause: Cause) -> Outcome {
    let meta = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) => return unseen(path, known, &error),
    };
    let Some(name) = path.file_name() else {
        return Outcome::Nothing;
    };
    if meta.is_dir() {
        let wanted = !is_temporary(name) && path.parent().is_some_and(|dir| shared.may_descend(dir));
        return if wanted { Outcome::Directory } else { Outcome::Nothing };
    }
    if !meta.is_file() || !shared.takes(name) {
        return Outcome::Nothing;
    }
    let identity = Identity::from(&meta);
    if shared.desk.knows(&shared.spec.name, path, &identity, shared.sidecar(path).as_ref()) {
        return Outcome::Known { identity, taken: false };
    }
    let now = Instant::now();
    let backlog = known.as_ref().is_some_and(|known| known.backlog)
        || matches!(cause, Cause::Look { backlog_before: Some(start) } if lay_there(shared, &identity, start));
    let beside = shared.spec.ready.companion(path);
    let companion = beside.as_ref().and_then(|beside| Identity::of_file(beside));
    let mut candidate = match known {
        Some(known) if known.identity == identity && known.companion == companion => known,
        _ => Candidate { companion, ..Candidate::new(identity, now, backlog) },
    };
    if beside.is_some() && companion.is_none() {
        return wait_for_companion(shared, path, candidate, now);
    }
    let Some(offer) = ripe(shared, path, &mut candidate, cause, now) else {
        return Outcome::Waits(candidate);
    };
    let sidecar = match (&shared.spec.ready, beside) {
        (Ready::Sidecar(_), Some(beside)) => match Sidecar::read(&shared.spec.path, &beside) {
            Ok(sidecar) if Some(sidecar.identity) == companion => Some(sidecar),
            Ok(_) => return again(shared, candidate, now),
            Err(error) => {
                candidate.unreadable = error.kind() == io::ErrorKind::PermissionDenied;
                tracing::debug!(folder = %shared.spec.name, path = %beside.display(), %error, "cannot be opened");
                return again(shared, candidate, now);
            }
        },
        _ => None,
    };
    let find = Find {
        folder: shared.spec.name.clone(),
        root: shared.spec.path.clone(),
        path: path.to_owned(),
        name: name.to_owned(),
        identity,
        settled: offer >= Offered::Settled,
        stale: offer >= Offered::Stale,
        backlog: candidate.backlog,
        sidecar,
    };
    present(shared, &find, candidate, offer, now)
}

fn present(shared: &Shared, find: &Find, mut candidate: Candidate, offer: Offered, now: Instant) -> Outcome {
    let folder = &shared.spec.name;
    if let Err(full) = shared.desk.room(folder) {
        return Outcome::Busy(full);
    }
    if !shared.line.is_turn(folder) {
        let why = "there was no room, and other folders stand in line before this one".to_owned();
        return Outcome::Busy(NoRoom { why, own: false });
    }
    match shared.desk.receive(find) {
        Receipt::Taken => Outcome::Known { identity: find.identity, taken: true },
        Receipt::Busy(full) => Outcome::Busy(full),
        Receipt::NotYet { why } => {
            let settled = find.settled;
            tracing::debug!(folder, path = %find.path.display(), settled, why, "not taken yet");
            candidate.offered = offer;
            let settle = shared.settle(find.identity.size);
            candidate.due = match offer {
                Offered::No | Offered::Found => (candidate.since + settle).max(now + settle / 2),
                Offered::Settled => (candidate.since + shared.spec.incomplete).max(now + settle),
                Offered::Stale => now + shared.spec.incomplete.max(Duration::from_secs(1)),
            };
            Outcome::Waits(candidate)
        }
    }
}

/// No limit: the build server may be at work on it for hours. But after `incomplete` somebody should know.
fn wait_for_companion(shared: &Shared, path: &Path, mut candidate: Candidate, now: Instant) -> Outcome {
    let incomplete = candidate.since + shared.spec.incomplete;
    if now >= incomplete && candidate.offered == Offered::No {
        // Not offered, but said; the next state of the file begins anew.
        candidate.offered = Offered::Found;
        tracing::warn!(
            folder = %shared.spec.name, path = %path.display(), ready = %shared.spec.ready,
            "nothing that says it is ready lies beside this file; it waits"
        );
    }
    candidate.due = now + shared.spec.poll;
    if candidate.offered == Offered::No {
        candidate.due = candidate.due.min(incomplete);
    }
    Outcome::Waits(candidate)
}

fn again(shared: &Shared, mut candidate: Candidate, now: Instant) -> Outcome {
    let settle = shared.settle(candidate.identity.size);
    back_off(&mut candidate, settle, now);
    Outcome::Waits(candidate)
}

/// In doubt it did: another machine's clock, or ours before it was set, says little.
fn lay_there(shared: &Shared, identity: &Identity, start: Stamp) -> bool {
    identity.ctime <= start || identity.ctime > Stamp::now() || shared.is_remote()
}

fn unseen(path: &Path, known: Option<Candidate>, error: &io::Error) -> Outcome {
    match known {
        Some(mut candidate) if error.kind() != io::ErrorKind::NotFound => {
            tracing::debug!(path = %path.display(), %error, "cannot be looked at");
            back_off(&mut candidate, Duration::from_secs(1), Instant::now());
            Outcome::Waits(candidate)
        }
        _ => Outcome::Nothing,
    }
}
