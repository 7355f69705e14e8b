//! Evaluates one file: whether to offer it to the receiver now, and when to check it again if not.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::candidates::{Candidate, OfferStage, SeenBytes, Trigger};
use crate::folder_context::FolderContext;
use crate::names::{NameClass, is_temporary};
use crate::open::{is_absent, metadata_below};
use crate::readiness::{StageWaits, stage_to_offer};
use crate::{Admitted, Backpressure, FileTime, FoundFile, Identity, ReadyWhen, Sidecar};

/// The result of an evaluation.
#[derive(Debug)]
pub(crate) enum EvaluationOutcome {
    /// There is no file at the path any more.
    Gone,
    /// The file could not be a package.
    Nothing,
    /// A directory to scan.
    Directory,
    /// A file that `exclude` leaves out, and when it last changed.
    Ignored(FileTime),
    /// The receiver has admitted it.
    Known {
        /// Its state.
        identity: Identity,
        /// The receiver admitted it in this evaluation.
        is_admitted: bool,
    },
    /// It is not ready.
    Waits(Candidate),
    /// There is no capacity: the caller repeats the same evaluation later.
    Backpressure(Backpressure),
}

/// Evaluates the file at `path` and offers it to the receiver if it is ready. Blocks on the file system and the receiver.
pub(crate) fn evaluate(
    context: &FolderContext,
    path: &Path,
    previous: Option<Candidate>,
    trigger: Trigger,
) -> EvaluationOutcome {
    let _work = context.begin_work();
    let meta = match metadata_below(&context.spec.path, path) {
        Ok(meta) => meta,
        Err(error) => return unreachable_file(path, previous, &error),
    };
    let Some(name) = path.file_name() else {
        return EvaluationOutcome::Nothing;
    };
    if meta.is_dir() {
        let may_be_scanned = !is_temporary(name) && path.parent().is_some_and(|dir| context.may_descend(dir));
        return if may_be_scanned { EvaluationOutcome::Directory } else { EvaluationOutcome::Nothing };
    }
    let identity = Identity::from(&meta);
    match context.classify(name) {
        NameClass::Package if meta.is_file() => {
            evaluate_package(context, path, name, identity, previous, trigger)
        }
        NameClass::Excluded if meta.is_file() => EvaluationOutcome::Ignored(identity.ctime),
        _ => EvaluationOutcome::Nothing,
    }
}

fn evaluate_package(
    context: &FolderContext,
    path: &Path,
    name: &OsStr,
    identity: Identity,
    previous: Option<Candidate>,
    trigger: Trigger,
) -> EvaluationOutcome {
    let folder = &context.spec.name;
    if context.receiver.is_known(folder, path, &identity, context.sidecar(path).as_ref()) {
        return EvaluationOutcome::Known { identity, is_admitted: false };
    }
    let now = Instant::now();
    let is_in_backlog = previous.as_ref().is_some_and(|previous| previous.is_backlog)
        || matches!(trigger, Trigger::Scan { backlog_before: Some(start) } if is_backlog(context, &identity, start));
    let companion_path = context.spec.ready.companion(path);
    let companion = companion_path.as_ref().and_then(|path| Identity::of_file(&context.spec.path, path));
    let mut candidate = match previous {
        Some(previous) if previous.identity == identity && previous.companion == companion => previous,
        _ => Candidate { companion, ..Candidate::new(identity, now, is_in_backlog) },
    };
    if companion_path.is_some() && companion.is_none() {
        return wait_for_companion(context, path, candidate, now);
    }
    let Some(stage) = stage_to_offer(context, path, &mut candidate, trigger, now) else {
        return EvaluationOutcome::Waits(candidate);
    };
    let sidecar = match (&context.spec.ready, companion_path) {
        (ReadyWhen::Sidecar(_), Some(sidecar_path)) => match Sidecar::read(&context.spec.path, &sidecar_path)
        {
            Ok(sidecar) if Some(sidecar.identity) == companion => Some(sidecar),
            Ok(_) => return check_again(context, candidate, now),
            Err(error) => {
                candidate.is_unreadable = error.kind() == io::ErrorKind::PermissionDenied;
                tracing::debug!(folder, path = %sidecar_path.display(), "cannot open a sidecar: {error}");
                return check_again(context, candidate, now);
            }
        },
        _ => None,
    };
    let polled = context.read_status().is_polled();
    let found = FoundFile {
        folder: folder.clone(),
        root: context.spec.path.clone(),
        path: path.to_owned(),
        name: name.to_owned(),
        identity,
        settled: stage >= OfferStage::Final,
        stale: stage >= OfferStage::Stale,
        backlog: candidate.is_backlog,
        polled,
        last_sha256: candidate.bytes.map(|seen| seen.sha256),
        sidecar,
        progress: context.progress.clone(),
    };
    offer(context, &found, candidate, stage, now)
}

fn offer(
    context: &FolderContext,
    found: &FoundFile,
    mut candidate: Candidate,
    stage: OfferStage,
    now: Instant,
) -> EvaluationOutcome {
    let folder = &context.spec.name;
    if let Err(backpressure) = context.receiver.capacity(folder) {
        return EvaluationOutcome::Backpressure(backpressure);
    }
    if !context.queue.is_turn(folder) {
        let reason = "there was no capacity, and other folders are ahead in the queue".to_owned();
        return EvaluationOutcome::Backpressure(Backpressure { reason, folder_only: false });
    }
    let answer = context.receiver.receive(found);
    context.progress.advance();
    match answer {
        Admitted::Yes => EvaluationOutcome::Known { identity: found.identity, is_admitted: true },
        Admitted::Backpressure(backpressure) => EvaluationOutcome::Backpressure(backpressure),
        Admitted::Unreadable { reason } => {
            if candidate.backoff.is_zero() {
                tracing::warn!(folder, event = "unreadable", "{reason}");
            } else {
                tracing::debug!(folder, event = "unreadable", "{reason}");
            }
            check_again(context, candidate, Instant::now())
        }
        Admitted::NotYet { reason, sha256 } => {
            tracing::debug!(
                folder,
                path = %found.path.display(),
                settled = found.settled,
                "file not admitted yet: {reason}"
            );
            candidate.offered = stage;
            if let Some(sha256) = sha256.filter(|_| found.polled)
                && candidate.bytes.is_none_or(|seen| seen.sha256 != sha256)
            {
                // This is the first negative verdict on these bytes. A later one has to confirm it.
                candidate.bytes = Some(SeenBytes { sha256, since: now });
                candidate.offered = stage.min(OfferStage::Settled);
            }
            schedule_after_offer(context, &mut candidate, now);
            EvaluationOutcome::Waits(candidate)
        }
    }
}

fn schedule_after_offer(context: &FolderContext, candidate: &mut Candidate, now: Instant) {
    let waits = StageWaits::of(context, candidate.identity.size);
    let due = waits.next_due(candidate, candidate.offered);
    candidate.due = match candidate.offered {
        OfferStage::None | OfferStage::Found => due.max(now + waits.settled / 2),
        OfferStage::Settled | OfferStage::Final => due.max(now + waits.settled),
        OfferStage::Stale => now + waits.stale.max(Duration::from_secs(1)),
    };
}

/// Waits without limit, because the build server may work on the file for hours. Logs once after `incomplete`.
fn wait_for_companion(
    context: &FolderContext,
    path: &Path,
    mut candidate: Candidate,
    now: Instant,
) -> EvaluationOutcome {
    let incomplete_at = candidate.since + context.spec.incomplete;
    if now >= incomplete_at && candidate.offered == OfferStage::None {
        // Not offered, but logged. A change of the file resets this.
        candidate.offered = OfferStage::Found;
        tracing::warn!(
            folder = %context.spec.name, path = %path.display(),
            "{} has waited for {} s; its marker or sidecar is missing (ready = \"{}\")",
            path.display(), context.spec.incomplete.as_secs(), context.spec.ready
        );
    }
    candidate.due = now + context.spec.poll;
    if candidate.offered == OfferStage::None {
        candidate.due = candidate.due.min(incomplete_at);
    }
    EvaluationOutcome::Waits(candidate)
}

fn check_again(context: &FolderContext, mut candidate: Candidate, now: Instant) -> EvaluationOutcome {
    candidate.back_off(StageWaits::of(context, candidate.identity.size).settled, now);
    EvaluationOutcome::Waits(candidate)
}

/// Whether a file was in the folder before `start`. If that cannot be decided, the answer is yes: times from another
/// machine's clock, or from this one's before it was set, prove nothing.
fn is_backlog(context: &FolderContext, identity: &Identity, start: FileTime) -> bool {
    identity.ctime <= start || identity.ctime > FileTime::now() || context.is_remote()
}

fn unreachable_file(path: &Path, previous: Option<Candidate>, error: &io::Error) -> EvaluationOutcome {
    match previous {
        Some(mut candidate) if !is_absent(error) => {
            tracing::debug!(path = %path.display(), "cannot stat a candidate: {error}");
            candidate.back_off(Duration::from_secs(1), Instant::now());
            EvaluationOutcome::Waits(candidate)
        }
        _ if error.kind() == io::ErrorKind::NotFound => EvaluationOutcome::Gone,
        _ => EvaluationOutcome::Nothing,
    }
}
