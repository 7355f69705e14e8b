//! Applies an event to a job, or says why it is illegal: what a job is after an event, and which events are legal where.

use jiff::Timestamp;

use super::accepted::Accepted;
use super::after_failure::AfterFailure;
use super::event::Event;
use super::fault::Fault;
use super::id::JobId;
use super::invariants;
use super::job::{Job, UploadProgress};
use super::label::{Label, LabelApproval, PlannedLabel};
use super::package::{Asset, Package};
use super::remote::Creation;
use super::state::State;
use super::step::Step;
use super::transition::check_legal;
use super::wait_reason::WaitReason;

mod creates;
mod labels;
mod operators;

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
    /// The rule that forbids it.
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
        (None, _) => return Err(illegal("the job has not started")),
        (Some(_), Event::Arrived { .. }) => return Err(illegal("the job has started already")),
        (Some(job), _) => job.clone(),
    };
    next.rev += 1;
    // A clock that steps back makes no event older: receipts are compared by this time.
    next.updated = at.max(next.updated);
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

/// A new job.
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
        found_committed: false,
        workflow: None,
        files: Vec::new(),
        labels: Vec::new(),
        approved_product: None,
        attempts: 0,
        failing_since: None,
        step_started: at,
        fault: None,
        collected: None,
        signed: None,
        last_polled: None,
        overdue: false,
        duplicate_checks: Vec::new(),
        approved_metadata: None,
        strays: Vec::new(),
        after_failure: None,
    }
}

/// Carries out an event that the table of transitions allows. It is long because it is a table with one arm for each event: the compiler
/// finds an event without one.
fn update(job: &mut Job, at: Timestamp, event: &Event) -> Result<(), &'static str> {
    check_legal(job.state.kind(), job.step, event)?;
    // A label on hold does not stop the others; a hold of the whole job stops all.
    let is_held_as_a_whole = matches!(job.state, State::Held { label: None, .. });
    require(!(is_held_as_a_whole && is_label_work(event)), "the job is held until an operator decides")?;
    match event {
        Event::Arrived { .. } => return Err("the job has started already"),
        Event::Accepted { rule, account, plan, content, labels, warnings, vars } => {
            let accepted = Accepted {
                rule: rule.clone(),
                account: account.clone(),
                plan: Some(plan.clone()),
                content: content.clone(),
                warnings: warnings.clone(),
                vars: vars.clone(),
            };
            accept(job, at, accepted, labels);
        }
        Event::Rejected { fault } => {
            require(job.accepted.is_none(), "an accepted package is not rejected")?;
            job.state = State::Rejected { fault: fault.clone() };
        }
        Event::Intended { kind, intent } => creates::intended(job, at, *kind, intent)?,
        Event::NotFound { kind, due } => creates::not_found(job, *kind, *due)?,
        Event::Unproven { kind, resolution } => {
            creates::intent_of(job, *kind)?.proposed = Some(*resolution);
        }
        Event::Reissued { kind, may_complete_until } => {
            creates::reissued(job, at, *kind, *may_complete_until)?;
        }
        Event::NotCreated { kind, .. } => creates::not_created(job, *kind)?,
        Event::Created { kind, id, adopted, go_live } => {
            creates::created(job, at, *kind, *id, *adopted, *go_live)?;
        }
        Event::DuplicatesChecked { kind, ids, next, .. } => {
            creates::duplicates_checked(job, at, *kind, ids, *next)?;
        }
        Event::Uploaded { .. } => uploaded(job, at),
        Event::CommitIntended => commit_intended(job)?,
        Event::Committed => committed(job, at, false),
        Event::FoundCommitted { .. } => committed(job, at, true),
        Event::Progressed { label: None, step, state } => job.workflow = Some((step.clone(), state.clone())),
        Event::Progressed { label: Some(index), step, state } => {
            labels::progressed(job, *index, step, state)?;
        }
        Event::Signed => {
            job.signed = job.signed.or(Some(at));
            enter(job, Step::Collect, at);
        }
        Event::Collected { files } => collected(job, at, files),
        Event::Labelled => {
            require(!job.labels.iter().any(Label::is_missing), "a label is missing")?;
            enter(job, Step::Publish, at);
        }
        Event::Published { label } => labels::published(job, at, *label)?,
        Event::LabelFailed { label, reason } => labels::failed(job, *label, reason)?,
        Event::LabelHeld { label, fault, release } => labels::hold(job, at, *label, fault, release)?,
        Event::Idle => labels::idle(job)?,
        Event::TakenOver { label, from, rows } => labels::taken_over(job, *label, *from, *rows)?,
        Event::Superseded { label, .. } => *labels::superseded_mut(job, *label)? = Some(at),
        Event::Withdrawn { label, id, by } => labels::withdrawn(job, at, *label, *id, by)?,
        Event::NotWithdrawn { label, id, due, why } => labels::not_withdrawn(job, *label, *id, *due, why)?,
        Event::WithdrawalConfirmed { label, id } => labels::withdrawal_confirmed(job, *label, *id)?,
        Event::PublishedAnyway { label, id } => labels::published_anyway(job, at, *label, *id)?,
        Event::Replanned { rule, plan, labels, dropped, again, .. } => {
            replanned(job, rule, plan)?;
            labels::replan(job, labels, dropped, again)?;
        }
        Event::Drifted { label, id, drift } => labels::drifted(job, at, *label, *id, drift)?,
        Event::Acknowledged { label, by, .. } => labels::acknowledged(job, *label, by)?,
        Event::SameBytes { .. } => {}
        Event::AfterFailed { due, why } => after_failed(job, at, *due, why),
        Event::AfterDone { .. } => job.after_failure = None,
        Event::Edited { label, .. } => drop(labels::existing_remote(job, *label)?),
        Event::Waited { due, why, polled } => waited(job, *due, why, polled.then_some(at)),
        Event::Overdue => job.overdue = true,
        Event::AttemptFailed { due, fault } => attempt_failed(job, at, *due, fault),
        Event::Resumed => job.state = State::Queued,
        Event::Held { fault, request } => {
            let (fault, request) = (fault.clone(), request.clone());
            job.state = State::Held { fault, request, label: None, due: None };
        }
        Event::Approved { by, uid, label, note, .. } => {
            let approval = LabelApproval { by: by.clone(), uid: *uid, at, note: note.clone() };
            operators::approve(job, at, *label, approval)?;
        }
        Event::Retried { new_product, .. } => operators::retry(job, at, *new_product)?,
        Event::Cancelled { by } => operators::cancel(job, at, by),
        Event::Failed { fault } => failed(job, at, fault),
        Event::Succeeded => succeeded(job)?,
    }
    Ok(())
}

/// The package is accepted: its labels are planned.
fn accept(job: &mut Job, at: Timestamp, accepted: Accepted, labels: &[PlannedLabel]) {
    job.accepted = Some(accepted);
    job.labels = labels.iter().cloned().map(Label::planned).collect();
    enter(job, Step::Product, at);
}

/// The rule and the plan in force replace those that the package was accepted with.
fn replanned(job: &mut Job, rule: &str, plan: &str) -> Result<(), &'static str> {
    let accepted = job.accepted.as_mut().ok_or("the package is not accepted")?;
    rule.clone_into(&mut accepted.rule);
    accepted.plan = Some(plan.to_owned());
    Ok(())
}

/// The service has the package.
fn uploaded(job: &mut Job, at: Timestamp) {
    job.upload = UploadProgress::Uploaded;
    enter(job, Step::Commit, at);
}

/// The submission is about to be committed.
fn commit_intended(job: &mut Job) -> Result<(), &'static str> {
    require(job.upload != UploadProgress::Committed, "the submission is committed already")?;
    job.upload = UploadProgress::CommitIntended;
    Ok(())
}

/// The submission is committed, or was found to be.
fn committed(job: &mut Job, at: Timestamp, was_found: bool) {
    job.upload = UploadProgress::Committed;
    job.found_committed |= was_found;
    enter(job, Step::Sign, at);
}

/// The job waits. A wait begins where calls went well: failures before it are over.
fn waited(job: &mut Job, due: Timestamp, why: &WaitReason, polled: Option<Timestamp>) {
    job.last_polled = polled.or(job.last_polled);
    forget_failures(job);
    labels::continue_as(job, State::Waiting { due, why: why.clone() }, Some(due));
}

/// The dropped file could not be deleted or moved; the next attempt is at `due`.
fn after_failed(job: &mut Job, at: Timestamp, due: Timestamp, why: &str) {
    let since = job.after_failure.as_ref().map_or(at, |failure| failure.since);
    job.after_failure = Some(AfterFailure { since, due, why: why.to_owned() });
}

/// The results are in the outbox. They are collected again when the service has completed the driver metadata.
fn collected(job: &mut Job, at: Timestamp, files: &[Asset]) {
    job.files = files.to_vec();
    job.collected = job.collected.or(Some(at));
    if !job.labels.is_empty() {
        enter(job, Step::Label, at);
    }
}

/// An attempt failed; the next one is at `due`.
fn attempt_failed(job: &mut Job, at: Timestamp, due: Timestamp, fault: &Fault) {
    job.attempts += 1;
    job.failing_since = job.failing_since.or(Some(at));
    job.fault = Some(fault.clone());
    labels::continue_as(job, State::Waiting { due, why: WaitReason::Retry }, Some(due));
}

/// The job has failed. Its creates in doubt are still checked.
fn failed(job: &mut Job, at: Timestamp, fault: &Fault) {
    job.labels.iter_mut().for_each(|label| label.hold = None);
    job.state = State::Failed { fault: fault.clone() };
    creates::remember_doubts(job, at);
}

/// The job has done everything that its rule asks for.
fn succeeded(job: &mut Job) -> Result<(), &'static str> {
    let has_ended =
        |label: &Label| label.is_published() || label.is_withdrawn() || label.is_gone() || label.is_dropped();
    require(
        job.labels.iter().all(has_ended) && job.upload == UploadProgress::Committed,
        "not everything that the rule asks for is done",
    )?;
    job.state = State::Succeeded;
    job.fault = None;
    Ok(())
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

fn require(holds: bool, why: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(why) }
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
