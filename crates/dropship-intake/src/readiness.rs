//! Decides whether a file may be complete, without reading it.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::ReadyWhen;
use crate::candidates::{Candidate, OfferStage, Trigger};
use crate::folder_context::FolderContext;
use crate::lease::{WriterPresence, detect_writer};
use crate::open::open_below;

/// Minimum time without change before a negative verdict counts on a polled folder: another client may still be writing
/// while the times that this machine sees stand still.
pub(crate) const POLLED_VERDICT: Duration = Duration::from_secs(60);

/// Factor for `settle` on network file systems, whose clients cache attributes for some seconds.
const REMOTE_SETTLE: u32 = 3;

/// Minimum wait for an empty file: scripts often create a file first and fill it later.
const EMPTY_SETTLE: Duration = Duration::from_secs(60);

/// Lower bound of `settle`, so that checks of one file do not become a busy loop.
const MIN_SETTLE: Duration = Duration::from_millis(10);

/// Time after which an unchanged file that is still open for writing is logged.
const HELD_OPEN_WARNING: Duration = Duration::from_secs(600);

/// How long a file must be unchanged to reach each stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StageWaits {
    pub(crate) settled: Duration,
    pub(crate) verdict: Duration,
    pub(crate) stale: Duration,
}

impl StageWaits {
    /// The waits for a file of `size` bytes under the folder's current status.
    pub(crate) fn of(context: &FolderContext, size: u64) -> Self {
        let spec = &context.spec;
        let status = context.read_status();
        let factor = if status.remote.is_some() { REMOTE_SETTLE } else { 1 };
        let settle = spec.settle.max(MIN_SETTLE) * factor;
        let settled = if size == 0 { settle.max(EMPTY_SETTLE.min(spec.incomplete)) } else { settle };
        let verdict = if status.is_polled() { settled.max(POLLED_VERDICT) } else { settled };
        Self { settled, verdict, stale: spec.incomplete.max(verdict) }
    }

    /// The stage that an unchanged candidate has reached; [`OfferStage::None`] before it has settled.
    fn reached(&self, candidate: &Candidate, now: Instant) -> OfferStage {
        let unchanged_for = now.duration_since(candidate.since);
        let has_same_bytes =
            candidate.bytes.is_none_or(|seen| now.duration_since(seen.since) >= self.verdict);
        if unchanged_for >= self.stale && has_same_bytes {
            OfferStage::Stale
        } else if unchanged_for >= self.verdict && has_same_bytes {
            OfferStage::Final
        } else if unchanged_for >= self.settled {
            OfferStage::Settled
        } else {
            OfferStage::None
        }
    }

    /// When a candidate reaches the stage after `stage`.
    pub(crate) fn next_due(&self, candidate: &Candidate, stage: OfferStage) -> Instant {
        let wait = match stage {
            OfferStage::None | OfferStage::Found => self.settled,
            OfferStage::Settled => self.verdict,
            OfferStage::Final | OfferStage::Stale => self.stale,
        };
        let due = candidate.since + wait;
        match candidate.bytes {
            Some(seen) if stage >= OfferStage::Settled => due.max(seen.since + self.verdict),
            _ => due,
        }
    }
}

/// Returns the stage at which the file is to be offered now. Otherwise schedules the candidate's next check.
pub(crate) fn stage_to_offer(
    context: &FolderContext,
    path: &Path,
    candidate: &mut Candidate,
    trigger: Trigger,
    now: Instant,
) -> Option<OfferStage> {
    let waits = StageWaits::of(context, candidate.identity.size);
    let may_be_early = candidate.offered == OfferStage::None && may_offer_early(context, candidate);
    // The writer has closed the file, so it is offered at once, without further checks.
    if may_be_early && trigger == Trigger::Finished {
        return Some(OfferStage::Found);
    }
    let reached = waits.reached(candidate, now);
    let next = if reached > candidate.offered {
        reached
    } else if may_be_early && trigger != Trigger::Due {
        // Not for a scheduled check: each offer may read the whole file, so a file that keeps changing is offered again only
        // when it has settled.
        OfferStage::Found
    } else {
        candidate.due = waits.next_due(candidate, candidate.offered);
        if candidate.due <= now {
            candidate.due = now + waits.settled;
        }
        return None;
    };
    let unchanged_for = now.duration_since(candidate.since);
    let verdict_counts = matches!(next, OfferStage::Settled | OfferStage::Final);
    match find_writer(context, path) {
        Ok(WriterPresence::Present) => {
            wait_for_writer(context, path, candidate, waits.settled, now);
            None
        }
        // The kernel does not report whether there is a writer. A file that was just created most likely has one. A settled
        // file must be unchanged for twice the time.
        Ok(WriterPresence::Unknown) if next == OfferStage::Found && trigger == Trigger::Created => {
            candidate.due = candidate.since + waits.settled;
            None
        }
        Ok(WriterPresence::Unknown)
            if verdict_counts && !context.is_remote() && unchanged_for < waits.settled * 2 =>
        {
            candidate.due = candidate.since + waits.settled * 2;
            None
        }
        Ok(WriterPresence::Absent | WriterPresence::Unknown) => {
            (candidate.is_unreadable, candidate.held_open_since) = (false, None);
            Some(next)
        }
        Err(error) => {
            candidate.is_unreadable = error.kind() == io::ErrorKind::PermissionDenied;
            tracing::debug!(folder = %context.spec.name, path = %path.display(), "cannot open a file: {error}");
            candidate.back_off(waits.settled, now);
            None
        }
    }
}

/// Whether a file may be offered before it has settled, because its own header shows whether it is complete.
fn may_offer_early(context: &FolderContext, candidate: &Candidate) -> bool {
    match context.spec.ready {
        ReadyWhen::Settled => false,
        // An older companion may belong to an earlier file of this name.
        ReadyWhen::Whole | ReadyWhen::Marker(_) | ReadyWhen::Sidecar(_) => {
            candidate.companion.is_none_or(|companion| companion.ctime >= candidate.identity.ctime)
        }
    }
}

fn find_writer(context: &FolderContext, path: &Path) -> io::Result<WriterPresence> {
    let (file, _) = open_below(&context.spec.path, path)?;
    Ok(if context.is_remote() { WriterPresence::Unknown } else { detect_writer(&file) })
}

fn wait_for_writer(
    context: &FolderContext,
    path: &Path,
    candidate: &mut Candidate,
    settle: Duration,
    now: Instant,
) {
    candidate.is_unreadable = false;
    let since = *candidate.held_open_since.get_or_insert(now);
    if now.duration_since(since) >= HELD_OPEN_WARNING {
        candidate.held_open_since = Some(now);
        let minutes = HELD_OPEN_WARNING.as_secs() / 60;
        tracing::warn!(
            folder = %context.spec.name, path = %path.display(),
            "{}: a program has kept this file open for writing for {minutes} minutes; it is captured when the program \
             closes it (see `fuser -v`)",
            path.display()
        );
    }
    candidate.back_off(settle, now);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidates::SeenBytes;
    use crate::{FileTime, Identity};

    const LOCAL: StageWaits =
        StageWaits { settled: secs(2), verdict: secs(2), stale: Duration::from_secs(3600) };
    const POLLED: StageWaits =
        StageWaits { settled: secs(6), verdict: secs(60), stale: Duration::from_secs(3600) };

    const fn secs(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn found_at(start: Instant) -> Candidate {
        let time = FileTime { secs: 0, nanos: 0 };
        Candidate::new(Identity { dev: 1, ino: 1, size: 1, mtime: time, ctime: time }, start, false)
    }

    #[test]
    fn local_verdict_counts_as_soon_as_the_file_has_settled() {
        let start = Instant::now();
        let file = found_at(start);
        let reached = [0, 1, 2, 3599, 3600].map(|at| LOCAL.reached(&file, start + secs(at)));
        use OfferStage::{Final, None, Stale};
        assert_eq!(reached, [None, None, Final, Final, Stale]);
    }

    #[test]
    fn polled_verdict_counts_after_a_minute() {
        let start = Instant::now();
        let file = found_at(start);
        let reached = [5, 6, 59, 60].map(|at| POLLED.reached(&file, start + secs(at)));
        use OfferStage::{Final, None, Settled};
        assert_eq!(reached, [None, Settled, Settled, Final]);
    }

    #[test]
    fn other_bytes_in_a_polled_file_restart_the_minute() {
        let start = Instant::now();
        let mut file = found_at(start);
        file.bytes = Some(SeenBytes { sha256: [1; 32], since: start + secs(60) });
        assert_eq!(POLLED.reached(&file, start + secs(119)), OfferStage::Settled);
        assert_eq!(POLLED.reached(&file, start + secs(120)), OfferStage::Final);
        assert_eq!(POLLED.next_due(&file, OfferStage::Settled), start + secs(120));
        // Also when it would be stale by then.
        file.bytes = Some(SeenBytes { sha256: [2; 32], since: start + secs(3590) });
        assert_eq!(POLLED.reached(&file, start + secs(3600)), OfferStage::Settled);
        assert_eq!(POLLED.reached(&file, start + secs(3650)), OfferStage::Stale);
    }
}
