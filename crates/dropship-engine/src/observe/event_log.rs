//! Logs one line for each event of a job, with the fields that identify the job.

use tracing::Level;

use super::failure_causes::{EndedFailure, FailureCauses, FailureRepetition};
use super::id;
use super::job_line::log_job;
use super::outcome_causes::{self, OutcomeCauses};
use dropship_job::{Event, Job, RemoteId, RemoteKind, counted, describe};
use dropship_redact::Escaped;

/// The causes that failures of many jobs share. They are logged once or a few times, and counted.
#[derive(Debug, Default)]
pub struct Causes {
    pub(super) failures: FailureCauses,
    outcomes: OutcomeCauses,
}

/// Logs an event; `job` is its state after the event. An event that many jobs have for one cause is logged once, or a
/// few times, and counted.
pub fn log_event(causes: &Causes, job: &Job, event: &Event) {
    let package = Escaped(&job.package().name);
    let mut text = format!("{package}: {}", describe(job, event));
    let mut level = match causes.failures.count(job, event) {
        FailureRepetition::Single => level(job, event),
        FailureRepetition::First => Level::WARN,
        FailureRepetition::Again { jobs, failures } => {
            text.push_str(&so_far(jobs, failures));
            Level::WARN
        }
        FailureRepetition::Counted => Level::DEBUG,
    };
    match causes.outcomes.count(job, event) {
        outcome_causes::OutcomeRepetition::InFull => {}
        outcome_causes::OutcomeRepetition::Counted { jobs } => {
            text.push_str(&format!(
                " (the {jobs}th job with such an error; further ones are logged briefly, at level info)"
            ));
        }
        outcome_causes::OutcomeRepetition::Brief { example } => {
            text =
                format!("{package}: {} with the same error as job {example}", event.name().replace('_', " "));
            level = Level::INFO;
        }
    }
    for ended in causes.failures.ended(job) {
        log_ended_failure(&ended, job);
    }
    log_job(level, job, event.name(), message_id(job, event), label_id(job, event), &text);
    if let Event::Accepted { warnings, .. } = event {
        for warning in warnings {
            log_job(Level::WARN, job, event.name(), None, None, &format!("{package}: {warning}"));
        }
    }
}

/// How many jobs and failures one cause has had so far.
pub(super) fn so_far(jobs: usize, failures: u64) -> String {
    format!(" ({} with such an error so far, {})", counted(jobs, "job"), counted(failures, "failure"))
}

/// Logs the number of failures that had one cause.
fn log_ended_failure(ended: &EndedFailure, job: &Job) {
    let EndedFailure { cause, since, jobs, failures } = ended;
    let lasted = job.updated().duration_since(*since);
    tracing::info!(
        event = "failures_over",
        message_id = id::ATTENTION_ENDED,
        "no job meets this error any more: {} ({}, {}, {lasted:#.0})",
        Escaped(&cause.to_string()),
        counted(*jobs, "job"),
        counted(*failures, "failure")
    );
}

/// The level of an event whose failure has no cause that is counted: of a job that fails repeatedly, the attempts whose number is a
/// power of two are warnings.
fn level(job: &Job, event: &Event) -> Level {
    match event {
        Event::Rejected { .. }
        | Event::Failed { .. }
        | Event::LabelFailed { .. }
        | Event::PublishedAnyway { .. } => Level::ERROR,
        Event::DuplicatesChecked { ids, unproven, .. } if !(ids.is_empty() && unproven.is_empty()) => {
            Level::ERROR
        }
        Event::Withdrawn { label, id, .. } if has_taken_over(job, *label, *id) => Level::ERROR,
        Event::Drifted { drift, .. } if drift.ends_publication() => Level::ERROR,
        Event::Superseded { kept, .. } if !kept.is_empty() => Level::WARN,
        Event::NotFound { .. }
        | Event::Reissued { .. }
        | Event::Held { .. }
        | Event::LabelHeld { .. }
        | Event::Overdue
        | Event::AfterFailed { .. }
        | Event::Withdrawn { .. }
        | Event::Drifted { .. }
        | Event::Edited { .. } => Level::WARN,
        Event::Cancelled { .. } if job.doubt().is_some() => Level::WARN,
        Event::AttemptFailed { .. } if job.attempts().is_power_of_two() => Level::WARN,
        // The first attempt shows that an operator has to wait.
        Event::NotWithdrawn { label, id, .. } if is_first_refusal(job, *label, *id) => Level::WARN,
        Event::Intended { .. }
        | Event::DuplicatesChecked { .. }
        | Event::CommitIntended
        | Event::Waited { .. }
        | Event::Resumed
        | Event::Idle
        | Event::NotWithdrawn { .. }
        | Event::AttemptFailed { .. }
        | Event::Superseded { .. } => Level::DEBUG,
        _ => Level::INFO,
    }
}

/// Whether the withdrawal was wanted within the last minute, so that this is its first attempt.
fn is_first_refusal(job: &Job, label: usize, id: RemoteId) -> bool {
    let pending = job.pending_withdrawals();
    let pending = pending.iter().find(|pending| pending.label == label && pending.id == Some(id));
    let since = pending.and_then(|pending| pending.withdrawal).map(|withdrawal| withdrawal.since);
    since.is_some_and(|since| job.updated().duration_since(since).as_secs() < 60)
}

/// Whether a label of the job has taken over targets of older labels.
fn has_taken_over(job: &Job, index: usize, id: RemoteId) -> bool {
    job.labels().get(index).is_some_and(|label| label.id() == Some(id) && label.taken_over() > 0)
}

fn message_id(job: &Job, event: &Event) -> Option<&'static str> {
    match event {
        Event::Accepted { .. } => Some(id::ACCEPTED),
        Event::Rejected { .. } => Some(id::REJECTED),
        Event::AfterFailed { .. } => Some(id::AFTER_FAILED),
        Event::DuplicatesChecked { ids, unproven, .. } if !(ids.is_empty() && unproven.is_empty()) => {
            Some(id::IN_DOUBT)
        }
        Event::PublishedAnyway { .. } => Some(id::LABEL_NOT_WITHDRAWN),
        Event::LabelFailed { .. } => Some(id::LABEL_FAILED),
        Event::Drifted { .. } => Some(id::LABEL_DRIFTED),
        Event::Cancelled { .. } if job.doubt().is_some() => Some(id::IN_DOUBT),
        Event::Overdue => Some(id::OVERDUE),
        Event::Held { .. } | Event::LabelHeld { .. } => Some(id::HELD),
        Event::Withdrawn { label, id, .. } if has_taken_over(job, *label, *id) => Some(id::TARGETS_LOST),
        Event::Failed { .. } => Some(id::FAILED),
        Event::Succeeded => Some(id::SUCCEEDED),
        _ => None,
    }
}

fn label_id(job: &Job, event: &Event) -> Option<RemoteId> {
    match event {
        Event::Created { kind: RemoteKind::Label(_), id, .. }
        | Event::Withdrawn { id, .. }
        | Event::NotWithdrawn { id, .. }
        | Event::WithdrawalConfirmed { id, .. }
        | Event::Drifted { id, .. }
        | Event::PublishedAnyway { id, .. } => Some(*id),
        Event::Progressed { label: Some(index), .. }
        | Event::Published { label: index }
        | Event::LabelFailed { label: index, .. }
        | Event::LabelHeld { label: index, .. }
        | Event::Approved { label: Some(index), .. }
        | Event::Edited { label: index, .. }
        | Event::Acknowledged { label: index, .. }
        | Event::TakenOver { label: index, .. }
        | Event::Superseded { label: index, .. } => {
            job.labels().get(*index).and_then(dropship_job::Label::id)
        }
        _ => None,
    }
}
