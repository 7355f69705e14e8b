//! Log lines of jobs that do not belong to an event.

use tracing::Level;

use super::event_log::{Causes, so_far};
use super::failure_cause::{FailureCause, outbox_of};
use super::failure_causes::FailureRepetition;
use super::job_line::log_job;
use super::{LogThrottle, id};
use dropship_job::{Job, RemoteKind, counted};
use dropship_redact::Escaped;
use dropship_rules::label::LabelWarning;

/// A label was requested that Microsoft accepts but reviews more closely.
pub fn label_warning(job: &Job, warning: &LabelWarning) {
    let LabelWarning { label, message, document } = warning;
    let text = format!("{}: label `{label}`: {message} ({document})", Escaped(&job.package().name));
    log_job(Level::WARN, job, "label_warning", None, None, &text);
}

/// The driver metadata lack something that the package has.
pub fn metadata_incomplete(job: &Job, missing: &str) {
    let text = format!(
        "{}: the driver metadata lack {missing}; labels cannot target it. The metadata are downloaded again before each label; \
         `dropship api submission publisher-metadata` requests them again",
        Escaped(&job.package().name)
    );
    log_job(Level::WARN, job, "metadata_incomplete", None, None, &text);
}

/// The response to a create or commit was lost. When many jobs lose responses, only the first one is a warning.
pub fn response_lost(causes: &Causes, job: &Job, call: impl std::fmt::Display, error: &str) {
    let mut text = format!(
        "{}: no response to the {call}; checking whether it took effect: {error}",
        Escaped(&job.package().name)
    );
    let cause = FailureCause::lost_response(job, &call.to_string());
    let level = match causes.failures.count_cause(job, cause) {
        FailureRepetition::Single | FailureRepetition::First => Level::WARN,
        FailureRepetition::Again { jobs, failures } => {
            text.push_str(&so_far(jobs, failures));
            Level::WARN
        }
        FailureRepetition::Counted => Level::DEBUG,
    };
    log_job(level, job, "response_lost", Some(id::IN_DOUBT), None, &text);
}

/// An object is created although the list that shows whether its name is in use is incomplete.
pub fn list_incomplete(job: &Job, kind: RemoteKind, name: &str, why: &str) {
    let text = format!(
        "{}: creating {kind} `{name}` with an incomplete list: {why}; if the response is lost, an operator decides",
        Escaped(&job.package().name)
    );
    log_job(Level::WARN, job, "list_incomplete", None, None, &text);
}

/// A check for late duplicates used an incomplete list.
pub fn duplicate_check_incomplete(job: &Job, name: &str, why: &str) {
    let text = format!(
        "{}: the check for duplicates of `{name}` used an incomplete list: {why}; search for the name in Partner Center",
        Escaped(&job.package().name)
    );
    log_job(Level::WARN, job, "duplicate_check_incomplete", None, None, &text);
}

/// A result that a job does not wait for could not be downloaded.
pub fn optional_result_failed(job: &Job, name: &str, error: &str) {
    let text =
        format!("{}: cannot download {name}: {error}; the job continues", Escaped(&job.package().name));
    log_job(Level::WARN, job, "optional_result_failed", None, None, &text);
}

/// A duplicate check of a held or ended job failed and will be retried.
pub fn duplicate_check_failed(failures: &LogThrottle, job: &Job, name: &str, why: &str) {
    let Some(attempt) = failures.count(job.id().as_str()) else { return };
    let text = format!(
        "{}: duplicate check for `{name}` failed (attempt {attempt}): {why}; will retry",
        Escaped(&job.package().name)
    );
    log_job(Level::WARN, job, "duplicate_check_failed", None, None, &text);
}

/// A receipt could not be written; the daemon tries again. Logged once for each outbox until it works again: the list of
/// troubles has the outbox.
pub fn receipt_unwritten(failures: &LogThrottle, job: &Job, error: &str) {
    let folder = &job.package().outbox;
    if failures.count(outbox_of(job)) != Some(1) {
        tracing::debug!(job_id = %job.id(), "{} cannot write the receipt to {folder}: {error}", job.id());
        return;
    }
    let text = format!(
        "{}: cannot write the receipt to {folder}: {error}. The job continues; grant the daemon write access to the outbox",
        Escaped(&job.package().name)
    );
    log_job(Level::WARN, job, "receipt_unwritten", None, None, &text);
}

/// A receipt was written; logs that the outbox works again if it failed before.
pub fn receipt_written(failures: &LogThrottle, job: &Job) {
    if let Some(times) = failures.reset(outbox_of(job)) {
        tracing::info!(
            event = "outbox_writable",
            "outbox {} can be written again after {}",
            outbox_of(job),
            counted(times, "failure")
        );
    }
}
