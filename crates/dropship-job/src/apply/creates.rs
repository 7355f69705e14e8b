//! The fold of events of creates: intents, lost responses, late duplicates.

use jiff::Timestamp;

use super::{enter, forget_failures, labels, require};
use crate::{
    CreateProgress, Creation, Intent, Job, LabelLife, LateDuplicateCheck, RemoteId, RemoteKind, Resolution,
    State, Step, WaitReason,
};

/// A create is about to be requested.
pub(super) fn intended(
    job: &mut Job,
    at: Timestamp,
    kind: RemoteKind,
    intent: &Intent,
) -> Result<(), &'static str> {
    let blocks = |doubted| !(is_label(doubted) && is_label(kind));
    require(!job.doubts().any(|(doubted, _)| blocks(doubted)), "another create is in doubt")?;
    require(job.creation(kind) == Some(CreateProgress::Open), "it is intended or exists already")?;
    set_intent(job, kind, Some(Intent { first_called: Some(at), ..intent.clone() }))
}

/// The object of a create in doubt was not found; it is searched for again at `due`.
pub(super) fn not_found(job: &mut Job, kind: RemoteKind, due: Timestamp) -> Result<(), &'static str> {
    intent_of(job, kind)?.not_found_count += 1;
    // The other labels continue.
    if !is_label(kind) {
        job.state = State::Waiting { due, why: WaitReason::CreateInDoubt };
    }
    Ok(())
}

/// The create is about to be requested again.
pub(super) fn reissued(
    job: &mut Job,
    at: Timestamp,
    kind: RemoteKind,
    may_complete_until: Timestamp,
) -> Result<(), &'static str> {
    let intent = intent_of(job, kind)?;
    let is_decided = intent.decided == Some(Resolution::Repeat);
    require(intent.not_found_count > 0 || is_decided, "the create in doubt was not looked for")?;
    (intent.proposed, intent.decided) = (None, None);
    intent.not_found_count = 0;
    intent.reissued += 1;
    intent.duplicate_check_at = may_complete_until.checked_add(may_complete_until.duration_since(at)).ok();
    intent.may_complete_until = may_complete_until;
    Ok(())
}

/// The service refused the create, or it was not sent.
pub(super) fn not_created(job: &mut Job, kind: RemoteKind) -> Result<(), &'static str> {
    let intent = intent_of(job, kind)?;
    if intent.duplicate_check_at.is_none() {
        return set_intent(job, kind, None);
    }
    // The repeat was refused; the call before it was absent both times and stays so.
    intent.reissued = intent.reissued.saturating_sub(1);
    intent.not_found_count = 1;
    Ok(())
}

/// An object exists at the service: the response says so, or it was found.
pub(super) fn created(
    job: &mut Job,
    at: Timestamp,
    kind: RemoteKind,
    id: RemoteId,
    adopted: bool,
    go_live: Option<Timestamp>,
) -> Result<(), &'static str> {
    let intent = match job.creation(kind).ok_or("there is no such label")? {
        CreateProgress::Done(_) => return Err("it exists already"),
        CreateProgress::Open if !adopted => return Err("it was not intended"),
        progress => progress.intent().cloned(),
    };
    let keeps_state = job.state.has_ended() || matches!(job.state, State::Held { label: None, .. });
    let kept_state = keeps_state.then(|| (job.state.clone(), job.fault.clone()));
    match kind {
        RemoteKind::Product => job.product = Creation::Done { id },
        RemoteKind::Submission => job.submission = Creation::Done { id },
        RemoteKind::Label(index) => labels::created(job, at, index, id, go_live)?,
    }
    if let Some(Intent { name, existing_ids, duplicate_check_at, .. }) = intent {
        // This object no longer needs a check for duplicates.
        job.duplicate_checks.retain(|check| !check.is_of(kind, &name, &existing_ids));
        let (product, submission) = (job.product.id(), job.submission.id());
        job.duplicate_checks.extend(duplicate_check_at.map(|until| LateDuplicateCheck {
            kind,
            name,
            existing_ids,
            due: until,
            until,
            product,
            submission,
        }));
    }
    match kind {
        RemoteKind::Product => enter(job, Step::Submission, at),
        RemoteKind::Submission => enter(job, Step::Upload, at),
        RemoteKind::Label(_) => {
            labels::continue_as(job, State::Queued, Some(at));
            forget_failures(job);
        }
    }
    // An ended job stays ended, and a held one stays held. Only the step at which it continues has changed.
    if let Some((state, fault)) = kept_state {
        (job.state, job.fault) = (state, fault);
    }
    Ok(())
}

/// A search for late duplicates found `ids`; `next` is the time of the next search.
pub(super) fn duplicates_checked(
    job: &mut Job,
    at: Timestamp,
    kind: RemoteKind,
    ids: &[RemoteId],
    next: Option<Timestamp>,
) -> Result<(), &'static str> {
    // The check was the one that was due first.
    let checks = job.duplicate_checks.iter().enumerate().filter(|(_, check)| check.kind == kind);
    let first_due = checks.min_by_key(|(_, check)| check.due).map(|(index, _)| index);
    match (first_due, next) {
        (Some(first_due), Some(next)) => job.duplicate_checks[first_due].due = next,
        (Some(first_due), None) => drop(job.duplicate_checks.remove(first_due)),
        (None, _) => {}
    }
    if let RemoteKind::Label(index) = kind {
        labels::add_strays(job, at, index, ids)?;
    }
    Ok(())
}

/// Schedules a check for duplicates of each create that is in doubt when its job ends. The check runs once the create can no longer
/// take effect.
pub(super) fn remember_doubts(job: &mut Job, at: Timestamp) {
    let (product, submission) = (job.product.id(), job.submission.id());
    let checks: Vec<_> = job
        .doubts()
        .map(|(kind, intent)| {
            // Twice the time that the service may take, as after a repeat.
            let span = intent
                .first_called
                .map(|called| intent.may_complete_until.duration_since(called))
                .unwrap_or_default();
            let until = intent
                .duplicate_check_at
                .or_else(|| intent.may_complete_until.checked_add(span).ok())
                .unwrap_or(intent.may_complete_until)
                .max(at);
            let (name, existing_ids) = (intent.name.clone(), intent.existing_ids.clone());
            LateDuplicateCheck { kind, name, existing_ids, due: until, until, product, submission }
        })
        .collect();
    job.duplicate_checks.extend(checks);
}

pub(super) fn is_label(kind: RemoteKind) -> bool {
    matches!(kind, RemoteKind::Label(_))
}

/// Opens or removes the intent of a create.
fn set_intent(job: &mut Job, kind: RemoteKind, intent: Option<Intent>) -> Result<(), &'static str> {
    let creation = |intent: Option<Intent>| intent.map_or(Creation::Open, Creation::Intended);
    match kind {
        RemoteKind::Product => job.product = creation(intent),
        RemoteKind::Submission => job.submission = creation(intent),
        RemoteKind::Label(index) => {
            let label = job.labels.get_mut(index).ok_or("there is no such label")?;
            label.life = intent.map_or(LabelLife::Planned, LabelLife::Intended);
        }
    }
    Ok(())
}

/// The intent of a create that is in doubt.
pub(super) fn intent_of(job: &mut Job, kind: RemoteKind) -> Result<&mut Intent, &'static str> {
    let doubted = match kind {
        RemoteKind::Product => job.product.intent_mut(),
        RemoteKind::Submission => job.submission.intent_mut(),
        RemoteKind::Label(index) => {
            match &mut job.labels.get_mut(index).ok_or("there is no such label")?.life {
                LabelLife::Intended(intent) => Some(intent),
                LabelLife::Planned | LabelLife::Dropped | LabelLife::Exists(_) => None,
            }
        }
    };
    doubted.ok_or("nothing is in doubt")
}
