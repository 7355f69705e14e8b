//! Is a file finished, as far as can be told without reading it?

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Ready;
use super::candidates::{Candidate, Offered};
use super::consider::Cause;
use super::lease::{Writer, writer_present};
use super::open::open_below;
use super::shared::Shared;

/// As what the file is to be offered now; if not at all, the candidate is told when to look again.
pub(super) fn ripe(
    shared: &Shared,
    path: &Path,
    candidate: &mut Candidate,
    cause: Cause,
    now: Instant,
) -> Option<Offered> {
    let settle = shared.settle(candidate.identity.size);
    let early = candidate.offered == Offered::No && may_be_early(shared, candidate);
    // Whoever wrote it has let go of it: the shortest way from a closed package to its job.
    if early && cause == Cause::Finished {
        return Some(Offered::Found);
    }
    let quiet = now.duration_since(candidate.since);
    let next = if quiet >= shared.spec.incomplete && candidate.offered < Offered::Stale {
        Offered::Stale
    } else if quiet >= settle && candidate.offered < Offered::Settled {
        Offered::Settled
    } else if early && cause != Cause::Due {
        // When it is only due, it has changed and is left alone until it stands still: each offer
        // may read all of it.
        Offered::Found
    } else {
        let wait = if candidate.offered < Offered::Settled { settle } else { shared.spec.incomplete };
        candidate.due = candidate.since + wait;
        if candidate.due <= now {
            candidate.due = now + settle;
        }
        return None;
    };
    match writer(shared, path) {
        Ok(Writer::Present) => {
            wait_for_writer(shared, path, candidate, settle, now);
            None
        }
        // Nobody can say whether it is being written. What was just made most likely is; what has
        // settled must have done so for twice the time.
        Ok(Writer::Unknown) if next == Offered::Found && cause == Cause::Made => {
            candidate.due = candidate.since + settle;
            None
        }
        Ok(Writer::Unknown) if next == Offered::Settled && !shared.is_remote() && quiet < settle * 2 => {
            candidate.due = candidate.since + settle * 2;
            None
        }
        Ok(Writer::None | Writer::Unknown) => {
            (candidate.unreadable, candidate.held_open) = (false, None);
            Some(next)
        }
        Err(error) => {
            candidate.unreadable = error.kind() == io::ErrorKind::PermissionDenied;
            tracing::debug!(folder = %shared.spec.name, path = %path.display(), %error, "cannot be opened");
            back_off(candidate, settle, now);
            None
        }
    }
}

/// May a file be offered before it has settled? Its own header then says whether it is whole.
fn may_be_early(shared: &Shared, candidate: &Candidate) -> bool {
    match shared.spec.ready {
        Ready::Settled => false,
        // What lies beside it may be left from an earlier file of this name.
        Ready::Whole | Ready::Marker(_) | Ready::Sidecar(_) => {
            candidate.companion.is_none_or(|companion| companion.ctime >= candidate.identity.ctime)
        }
    }
}

fn writer(shared: &Shared, path: &Path) -> io::Result<Writer> {
    let (file, _) = open_below(&shared.spec.path, path)?;
    Ok(if shared.is_remote() { Writer::Unknown } else { writer_present(&file) })
}

fn wait_for_writer(shared: &Shared, path: &Path, candidate: &mut Candidate, settle: Duration, now: Instant) {
    const LONG: Duration = Duration::from_secs(600);
    candidate.unreadable = false;
    let since = *candidate.held_open.get_or_insert(now);
    if now.duration_since(since) >= LONG {
        candidate.held_open = Some(now);
        tracing::warn!(
            folder = %shared.spec.name, path = %path.display(), minutes = LONG.as_secs() / 60,
            "a program keeps this file open for writing; it is taken when it is closed (see `fuser -v`)"
        );
    }
    back_off(candidate, settle, now);
}

/// Looks again ever more seldom; an event or a full look comes in between if something happens.
pub(super) fn back_off(candidate: &mut Candidate, settle: Duration, now: Instant) {
    const SELDOM: Duration = Duration::from_secs(30);
    candidate.pace = (candidate.pace * 2).clamp(settle, SELDOM.max(settle));
    candidate.due = now + candidate.pace;
}
