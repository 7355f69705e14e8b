//! The fold: what a job is after an event, and which events are legal where.

use jiff::Timestamp;

use super::accepted::Accepted;
use super::event::Event;
use super::id::JobId;
use super::invariants;
use super::job::{Job, UploadProgress};
use super::label::{Label, LabelLife};
use super::package::Package;
use super::remote::{CreateProgress, Creation, Intent, LateDuplicateCheck, RemoteKind, Resolution};
use super::state::State;
use super::step::Step;
use super::transition::legal;
use super::wait_reason::WaitReason;

mod labels;
mod person;

/// An event that cannot happen where the job stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` cannot happen to job {job} in step {step}, state {state}: {why}")]
pub struct Illegal {
    /// The job.
    pub job: JobId,
    /// Its step.
    pub step: Step,
    /// Its state.
    pub state: &'static str,
    /// The event.
    pub event: &'static str,
    /// What forbids it.
    pub why: &'static str,
}

/// The job after an event.
///
/// # Errors
/// [`Illegal`] when the event cannot happen there; the job is unchanged then.
pub fn apply(job: Option<&Job>, id: &JobId, at: Timestamp, event: &Event) -> Result<Job, Illegal> {
    let illegal = |why| Illegal {
        job: id.clone(),
        step: job.map_or(Step::Inspect, |job| job.step),
        state: job.map_or("none", |job| job.state.kind().as_str()),
        event: event.name(),
        why,
    };
    let mut next = match (job, event) {
        (None, Event::Arrived { package }) => return Ok(begin(id, at, package)),
        (None, _) => return Err(illegal("the job has not begun")),
        (Some(_), Event::Arrived { .. }) => return Err(illegal("the job has begun already")),
        (Some(job), _) => job.clone(),
    };
    next.rev += 1;
    next.updated = at;
    update(&mut next, at, event).and_then(|()| invariants::check(&next)).map_err(illegal)?;
    Ok(next)
}

/// The job after all events, each with its time.
///
/// # Errors
/// The first illegal event.
pub fn fold<'a>(
    id: &JobId,
    events: impl IntoIterator<Item = (Timestamp, &'a Event)>,
) -> Result<Option<Job>, Illegal> {
    events.into_iter().try_fold(None, |job, (at, event)| apply(job.as_ref(), id, at, event).map(Some))
}

/// A job at its very start.
pub(crate) fn begin(id: &JobId, at: Timestamp, package: &Package) -> Job {
    Job {
        id: id.clone(),
        rev: 1,
        created: at,
        updated: at,
        package: package.clone(),
        accepted: None,
        step: Step::Inspect,
        state: State::Queued,
        product: Creation::Open,
        abandoned_products: Vec::new(),
        submission: Creation::Open,
        upload: UploadProgress::Open,
        workflow: None,
        files: Vec::new(),
        labels: Vec::new(),
        approved_product: None,
        attempts: 0,
        failing_since: None,
        step_started: at,
        fault: None,
        collected: None,
        last_polled: None,
        overdue: false,
        duplicate_checks: Vec::new(),
        approved_metadata: None,
        strays: Vec::new(),
    }
}

/// Carries out an event that the table of transitions allows.
fn update(job: &mut Job, at: Timestamp, event: &Event) -> Result<(), &'static str> {
    legal(job.state.kind(), job.step, event)?;
    // A label on hold does not stop the others; a hold of the whole job stops all.
    let held_as_a_whole = matches!(job.state, State::Held { label: None, .. });
    require(!(held_as_a_whole && is_label_work(event)), "the job is held until an operator decides")?;
    match event {
        Event::Arrived { .. } => return Err("the job has begun already"),
        Event::Accepted { rule, account, plan, labels, warnings, vars } => {
            job.accepted = Some(Accepted {
                rule: rule.clone(),
                account: account.clone(),
                plan: Some(plan.clone()),
                warnings: warnings.clone(),
                vars: vars.clone(),
            });
            job.labels = labels.iter().cloned().map(Label::planned).collect();
            enter(job, Step::Product, at);
        }
        Event::Rejected { fault } => {
            require(job.accepted.is_none(), "an accepted package is not rejected")?;
            job.state = State::Rejected { fault: fault.clone() };
        }
        Event::Intended { kind, intent } => {
            let in_the_way = |doubted| !(is_label(doubted) && is_label(*kind));
            require(!job.doubts().any(|(doubted, _)| in_the_way(doubted)), "another create is in doubt")?;
            require(job.creation(*kind) == Some(CreateProgress::Open), "it is intended or exists already")?;
            set_intent(job, *kind, Some(Intent { first_called: Some(at), ..intent.clone() }))?;
        }
        Event::NotFound { kind, due } => {
            intent_of(job, *kind)?.not_found_count += 1;
            // The other labels continue.
            if !is_label(*kind) {
                job.state = State::Waiting { due: *due, why: WaitReason::CreateInDoubt };
            }
        }
        Event::Unproven { kind, resolution } => intent_of(job, *kind)?.proposed = Some(*resolution),
        Event::Reissued { kind, may_complete_until } => {
            let intent = intent_of(job, *kind)?;
            let is_decided = intent.decided == Some(Resolution::Repeat);
            require(intent.not_found_count > 0 || is_decided, "the create in doubt was not looked for")?;
            (intent.proposed, intent.decided) = (None, None);
            intent.not_found_count = 0;
            intent.reissued += 1;
            intent.duplicate_check_at =
                may_complete_until.checked_add(may_complete_until.duration_since(at)).ok();
            intent.may_complete_until = *may_complete_until;
        }
        Event::NotCreated { kind, .. } => {
            let intent = intent_of(job, *kind)?;
            if intent.duplicate_check_at.is_some() {
                // The repeat was refused; the call before it was absent both times and stays so.
                intent.reissued = intent.reissued.saturating_sub(1);
                intent.not_found_count = 1;
            } else {
                set_intent(job, *kind, None)?;
            }
        }
        Event::Created { kind, id, adopted, go_live } => created(job, at, *kind, *id, *adopted, *go_live)?,
        Event::DuplicatesChecked { kind, ids, next, .. } => {
            // The check was the one that was due first.
            let checks = job.duplicate_checks.iter().enumerate().filter(|(_, check)| check.kind == *kind);
            let checked = checks.min_by_key(|(_, check)| check.due).map(|(index, _)| index);
            match (checked, next) {
                (Some(checked), Some(next)) => job.duplicate_checks[checked].due = *next,
                (Some(checked), None) => drop(job.duplicate_checks.remove(checked)),
                (None, _) => {}
            }
            if let RemoteKind::Label(index) = kind {
                labels::add_strays(job, at, *index, ids)?;
            }
        }
        Event::Uploaded { .. } => {
            job.upload = UploadProgress::Uploaded;
            enter(job, Step::Commit, at);
        }
        Event::CommitIntended => {
            require(job.upload != UploadProgress::Committed, "the submission is committed already")?;
            job.upload = UploadProgress::CommitIntended;
        }
        Event::Committed => {
            job.upload = UploadProgress::Committed;
            enter(job, Step::Sign, at);
        }
        Event::Progressed { label: None, step, state } => job.workflow = Some((step.clone(), state.clone())),
        Event::Progressed { label: Some(index), step, state } => {
            labels::progressed(job, *index, step, state)?;
        }
        Event::Signed => enter(job, Step::Collect, at),
        Event::Collected { files } => {
            job.files.clone_from(files);
            job.collected = job.collected.or(Some(at));
            if !job.labels.is_empty() {
                enter(job, Step::Label, at);
            }
        }
        Event::Labelled => {
            require(!job.labels.iter().any(Label::is_missing), "a label is missing")?;
            enter(job, Step::Publish, at);
        }
        Event::Published { label } => labels::published(job, at, *label)?,
        Event::LabelFailed { label, reason } => labels::failed(job, *label, reason)?,
        Event::LabelHeld { label, fault, release } => labels::hold(job, at, *label, fault, release)?,
        Event::Idle => labels::idle(job)?,
        Event::TakenOver { label, from, rows } => labels::taken_over(job, *label, *from, *rows)?,
        Event::Superseded { label, .. } => *labels::superseding(job, *label)? = Some(at),
        Event::Withdrawn { label, id, by } => labels::withdrawn(job, at, *label, *id, by)?,
        Event::NotWithdrawn { label, id, due, why } => labels::not_withdrawn(job, *label, *id, *due, why)?,
        Event::WithdrawalConfirmed { label, id } => labels::withdrawal_confirmed(job, *label, *id)?,
        Event::PublishedAnyway { label, id } => labels::published_anyway(job, at, *label, *id)?,
        Event::Replanned { rule, plan, labels, dropped, again, .. } => {
            let accepted = job.accepted.as_mut().ok_or("the package is not accepted")?;
            accepted.rule.clone_from(rule);
            accepted.plan = Some(plan.clone());
            labels::replan(job, labels, dropped, again)?;
        }
        Event::Edited { label, .. } => drop(labels::existing(job, *label)?),
        Event::Waited { due, why, polled } => {
            job.last_polled = polled.then_some(at).or(job.last_polled);
            // A wait begins where calls went well: failures before it are over.
            forget_failures(job);
            labels::continue_as(job, State::Waiting { due: *due, why: why.clone() }, Some(*due));
        }
        Event::Overdue => job.overdue = true,
        Event::AttemptFailed { due, fault } => {
            job.attempts += 1;
            job.failing_since = job.failing_since.or(Some(at));
            job.fault = Some(fault.clone());
            labels::continue_as(job, State::Waiting { due: *due, why: WaitReason::Retry }, Some(*due));
        }
        Event::Resumed => job.state = State::Queued,
        Event::Held { fault, request } => {
            job.state =
                State::Held { fault: fault.clone(), request: request.clone(), label: None, due: None };
        }
        Event::Approved { label, .. } => person::approve(job, at, *label)?,
        Event::Retried { new_product, .. } => person::retry(job, at, *new_product)?,
        Event::Cancelled { by } => {
            // The check for duplicates of a job that failed was scheduled when it failed.
            if !job.state.has_ended() {
                remember_doubts(job, at);
            }
            job.state = State::Cancelled;
            labels::withdraw_all(job, at, by);
            for check in job.duplicate_checks.iter_mut().filter(|check| is_label(check.kind)) {
                check.due = at;
            }
        }
        Event::Failed { fault } => {
            job.labels.iter_mut().for_each(|label| label.hold = None);
            job.state = State::Failed { fault: fault.clone() };
            remember_doubts(job, at);
        }
        Event::Succeeded => {
            let ended = |label: &Label| label.is_published() || label.is_withdrawn() || label.is_dropped();
            require(
                job.labels.iter().all(ended) && job.upload == UploadProgress::Committed,
                "not everything that the rule asks for is done",
            )?;
            job.state = State::Succeeded;
            job.fault = None;
        }
    }
    Ok(())
}

/// Something exists at the service: by its answer, or by being found.
fn created(
    job: &mut Job,
    at: Timestamp,
    kind: RemoteKind,
    id: u64,
    adopted: bool,
    go_live: Option<Timestamp>,
) -> Result<(), &'static str> {
    let intent = match job.creation(kind).ok_or("there is no such label")? {
        CreateProgress::Done(_) => return Err("it exists already"),
        CreateProgress::Open if !adopted => return Err("it was not intended"),
        progress => progress.intent().cloned(),
    };
    let stays = job.state.has_ended() || matches!(job.state, State::Held { label: None, .. });
    let kept = stays.then(|| (job.state.clone(), job.fault.clone()));
    match kind {
        RemoteKind::Product => job.product = Creation::Done { id },
        RemoteKind::Submission => job.submission = Creation::Done { id },
        RemoteKind::Label(index) => labels::created(job, at, index, id, go_live)?,
    }
    if let Some(Intent { name, existing_ids, duplicate_check_at, .. }) = intent {
        // An ended job need not be looked for any more at what has come.
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
    if let Some((state, fault)) = kept {
        (job.state, job.fault) = (state, fault);
    }
    Ok(())
}

/// A job that ends while creates are in doubt: what comes of each is looked for once, when it cannot come later.
fn remember_doubts(job: &mut Job, at: Timestamp) {
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

/// Puts the job at the beginning of a step.
fn enter(job: &mut Job, step: Step, at: Timestamp) {
    job.step = step;
    job.step_started = at;
    job.last_polled = None;
    job.overdue = false;
    labels::continue_as(job, State::Queued, Some(at));
    forget_failures(job);
}

/// The attempts that failed so far no longer count.
fn forget_failures(job: &mut Job) {
    job.attempts = 0;
    job.failing_since = None;
    job.fault = None;
}

fn is_label(kind: RemoteKind) -> bool {
    matches!(kind, RemoteKind::Label(_))
}

/// Events of a worker that processes labels, which a hold of the whole job stops.
fn is_label_work(event: &Event) -> bool {
    matches!(
        event,
        Event::Intended { .. }
            | Event::NotFound { .. }
            | Event::Unproven { .. }
            | Event::Reissued { .. }
            | Event::NotCreated { .. }
            | Event::Collected { .. }
            | Event::Labelled
            | Event::Published { .. }
            | Event::TakenOver { .. }
            | Event::Superseded { .. }
            | Event::LabelHeld { .. }
            | Event::Idle
            | Event::Waited { .. }
            | Event::Overdue
            | Event::AttemptFailed { .. }
            | Event::Held { .. }
            | Event::Failed { .. }
    )
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
fn intent_of(job: &mut Job, kind: RemoteKind) -> Result<&mut Intent, &'static str> {
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

fn require(holds: bool, why: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(why) }
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
