//! The fold: what a job is after an event, and which events are legal where.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::event::Event;
use super::id::JobId;
use super::job::{Commit, Job};
use super::label::Label;
use super::package::Package;
use super::remote::{Creation, Intent, LateDuplicateCheck, RemoteKind, Resolution};
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
    update(&mut next, at, event).map_err(illegal)?;
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
        accepted: false,
        rule: None,
        account: None,
        plan: None,
        warnings: Vec::new(),
        vars: BTreeMap::new(),
        step: Step::Inspect,
        state: State::Queued,
        product: Creation::Open,
        abandoned_products: Vec::new(),
        submission: Creation::Open,
        uploaded: false,
        commit: Commit::Open,
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
    }
}

/// Carries out an event that the table of transitions allows.
fn update(job: &mut Job, at: Timestamp, event: &Event) -> Result<(), &'static str> {
    legal(job.state.kind(), job.step, event)?;
    match event {
        Event::Arrived { .. } => return Err("the job has begun already"),
        Event::Accepted { rule, account, plan, labels, warnings, vars } => {
            job.accepted = true;
            job.rule = Some(rule.clone());
            job.account = Some(account.clone());
            job.plan = Some(plan.clone());
            job.labels = labels.iter().map(|name| open_label(name)).collect();
            job.warnings.clone_from(warnings);
            job.vars.clone_from(vars);
            enter(job, Step::Product, at);
        }
        Event::Rejected { fault } => {
            require(!job.accepted, "an accepted package is not rejected")?;
            job.state = State::Rejected { fault: fault.clone() };
        }
        Event::Intended { kind, intent } => {
            require(job.doubt().is_none(), "another create is in doubt")?;
            let creation = creation_of(job, *kind)?;
            require(*creation == Creation::Open, "it is intended or exists already")?;
            *creation = Creation::Intended(Intent { first_called: Some(at), ..intent.clone() });
        }
        Event::NotFound { kind, due } => {
            intent_of(job, *kind)?.not_found_count += 1;
            job.state = State::Waiting { due: *due, why: WaitReason::CreateInDoubt };
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
                *creation_of(job, *kind)? = Creation::Open;
            }
        }
        Event::Created { kind, id, adopted } => created(job, at, *kind, *id, *adopted)?,
        Event::DuplicatesChecked { kind, .. } => {
            // The check was the one that was due first.
            let checked =
                job.duplicate_checks.iter().filter(|check| check.kind == *kind).map(|check| check.due).min();
            job.duplicate_checks.retain(|check| check.kind != *kind || Some(check.due) != checked);
        }
        Event::Uploaded { .. } => {
            job.uploaded = true;
            enter(job, Step::Commit, at);
        }
        Event::CommitIntended => {
            require(job.commit != Commit::Done, "the submission is committed already")?;
            job.commit = Commit::Intended;
        }
        Event::Committed => {
            job.commit = Commit::Done;
            enter(job, Step::Sign, at);
        }
        Event::Progressed { label: None, step, state } => job.workflow = Some((step.clone(), state.clone())),
        Event::Progressed { label: Some(index), step, state } => {
            let label = job.labels.get_mut(*index).ok_or("there is no such label")?;
            label.step = Some(step.clone());
            label.state = Some(state.clone());
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
            let all = job.labels.iter().all(|label| label.creation.id().is_some());
            require(all, "a label is missing")?;
            enter(job, Step::Publish, at);
        }
        Event::Published { label } => labels::existing(job, *label)?.published = Some(at),
        Event::TakenOver { label, from, rows } => {
            let label = labels::published(job, *label)?;
            if label.creation.id() != Some(*from) {
                label.taken_over += rows;
            }
        }
        Event::Superseded { label, .. } => labels::published(job, *label)?.superseded = Some(at),
        Event::Withdrawn { label, .. } => labels::existing(job, *label)?.withdrawn = Some(at),
        Event::Edited { label, .. } => drop(labels::existing(job, *label)?),
        Event::Waited { due, why, polled } => {
            job.last_polled = polled.then_some(at).or(job.last_polled);
            // A wait begins where calls went well: failures before it are over.
            forget_failures(job);
            job.state = State::Waiting { due: *due, why: why.clone() };
        }
        Event::Overdue => job.overdue = true,
        Event::AttemptFailed { due, fault } => {
            job.attempts += 1;
            job.failing_since = job.failing_since.or(Some(at));
            job.fault = Some(fault.clone());
            job.state = State::Waiting { due: *due, why: WaitReason::Retry };
        }
        Event::Resumed => job.state = State::Queued,
        Event::Held { fault, request } => {
            job.state = State::Held { fault: fault.clone(), request: request.clone() };
        }
        Event::Approved { .. } => person::approve(job)?,
        Event::Retried { new_product, .. } => person::retry(job, at, *new_product)?,
        Event::Cancelled { .. } => {
            // The check for duplicates of a job that failed was scheduled when it failed.
            if !job.state.has_ended() {
                remember_doubt(job, at);
            }
            job.state = State::Cancelled;
        }
        Event::Failed { fault } => {
            job.state = State::Failed { fault: fault.clone() };
            remember_doubt(job, at);
        }
        Event::Succeeded => {
            let labels =
                job.labels.iter().all(|label| label.published.is_some() || label.withdrawn.is_some());
            require(labels && job.commit == Commit::Done, "not everything that the rule asks for is done")?;
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
) -> Result<(), &'static str> {
    let creation = creation_of(job, kind)?;
    let check = match creation {
        Creation::Done { .. } => return Err("it exists already"),
        Creation::Open if !adopted => return Err("it was not intended"),
        Creation::Intended(Intent { name, existing_ids, duplicate_check_at, .. }) => {
            Some((name.clone(), existing_ids.clone(), *duplicate_check_at))
        }
        Creation::Open => None,
    };
    *creation = Creation::Done { id };
    if let Some((name, existing_ids, _)) = &check {
        // An ended job need not be looked for any more at what has come.
        job.duplicate_checks.retain(|check| !check.is_of(kind, name, existing_ids));
    }
    let check = check.and_then(|(name, existing_ids, duplicate_check_at)| {
        duplicate_check_at.map(|due| (name, existing_ids, due))
    });
    let place = (job.product.id(), job.submission.id());
    job.duplicate_checks.extend(check.map(|(name, existing_ids, due)| LateDuplicateCheck {
        kind,
        name,
        existing_ids,
        due,
        product: place.0,
        submission: place.1,
    }));
    let ended = job.state.has_ended().then(|| (job.state.clone(), job.fault.clone()));
    match kind {
        RemoteKind::Product => enter(job, Step::Submission, at),
        RemoteKind::Submission => enter(job, Step::Upload, at),
        RemoteKind::Label(_) => {
            job.state = State::Queued;
            forget_failures(job);
        }
    }
    // An ended job stays ended; only where it goes on after a retry has changed.
    if let Some((state, fault)) = ended {
        (job.state, job.fault) = (state, fault);
    }
    Ok(())
}

/// A job that ends while a create is in doubt: what comes of it is looked for once, when it cannot come later.
fn remember_doubt(job: &mut Job, at: Timestamp) {
    let Some((kind, intent)) = job.doubt() else { return };
    // Twice the time that the service may take, as after a repeat.
    let span = intent
        .first_called
        .map(|called| intent.may_complete_until.duration_since(called))
        .unwrap_or_default();
    let due = intent
        .duplicate_check_at
        .or_else(|| intent.may_complete_until.checked_add(span).ok())
        .unwrap_or(intent.may_complete_until);
    let check = LateDuplicateCheck {
        kind,
        name: intent.name.clone(),
        existing_ids: intent.existing_ids.clone(),
        due: due.max(at),
        product: job.product.id(),
        submission: job.submission.id(),
    };
    job.duplicate_checks.push(check);
}

/// Puts the job at the beginning of a step.
fn enter(job: &mut Job, step: Step, at: Timestamp) {
    job.step = step;
    job.step_started = at;
    job.last_polled = None;
    job.overdue = false;
    job.state = State::Queued;
    forget_failures(job);
}

/// The attempts that failed so far no longer count.
fn forget_failures(job: &mut Job) {
    job.attempts = 0;
    job.failing_since = None;
    job.fault = None;
}

fn creation_of(job: &mut Job, kind: RemoteKind) -> Result<&mut Creation, &'static str> {
    match kind {
        RemoteKind::Product => Ok(&mut job.product),
        RemoteKind::Submission => Ok(&mut job.submission),
        RemoteKind::Label(index) => {
            job.labels.get_mut(index).map(|label| &mut label.creation).ok_or("there is no such label")
        }
    }
}

/// The intent of a create that is in doubt.
fn intent_of(job: &mut Job, kind: RemoteKind) -> Result<&mut Intent, &'static str> {
    match creation_of(job, kind)? {
        Creation::Intended(intent) => Ok(intent),
        Creation::Open | Creation::Done { .. } => Err("nothing is in doubt"),
    }
}

fn open_label(name: &str) -> Label {
    Label::named(name, Creation::Open)
}

fn require(holds: bool, why: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(why) }
}

#[cfg(test)]
mod tests;
