//! What the admin sees: every event that is logged is one function here.

mod account;
mod daemon;
mod folders;
pub mod id;
mod init;
mod repeated;
mod terminal;
#[cfg(test)]
mod tests;

use jiff::SignedDuration;

pub use account::{account_paused, account_resumed};
pub use daemon::*;
pub use folders::*;
pub use init::{Form, init};
pub use repeated::Repeated;

use dropship_job::{Event, Job, RemoteKind};
use dropship_rules::label::LabelWarning;

/// Logs one line with the fields of a job.
macro_rules! job_line {
    ($level:ident, $job:expr, $event:expr, $message_id:expr, $label:expr, $($text:tt)+) => {{
        let job: &Job = $job;
        let message_id: Option<&str> = $message_id;
        let label_id: Option<u64> = $label;
        tracing::$level!(
            job_id = %job.id,
            step = job.step.as_str(),
            folder = job.package.folder.as_deref(),
            rule = job.rule.as_deref(),
            product_id = job.product.id().map(|id| id.to_string()),
            submission_id = job.submission.id().map(|id| id.to_string()),
            label_id = label_id.map(|id| id.to_string()),
            event = $event,
            message_id,
            $($text)+
        )
    }};
}

mod labels;

/// One event of a job: one line.
pub fn told(job: &Job, event: &Event) {
    let name = event.name();
    let package = Shown(&job.package.name);
    match event {
        Event::Arrived { package: dropped } => {
            let folder = dropped.folder.as_deref().unwrap_or("a person");
            job_line!(
                info,
                job,
                name,
                None,
                None,
                "{package}: arrived from {folder}, {} bytes, sha256 {}",
                dropped.size,
                job.short_sha()
            );
        }
        Event::Accepted { rule, warnings, .. } => {
            job_line!(info, job, name, Some(id::ACCEPTED), None, "{package}: accepted by rule `{rule}`");
            for warning in warnings {
                job_line!(warn, job, name, None, None, "{package}: {warning}");
            }
        }
        Event::Rejected { fault } => {
            job_line!(error, job, name, Some(id::REJECTED), None, "{package}: rejected: {fault}");
        }
        Event::Intended { kind, intent } => {
            job_line!(debug, job, name, None, None, "{package}: about to create {} `{}`", kind, intent.name);
        }
        Event::NotFound { kind, due } => {
            job_line!(
                warn,
                job,
                name,
                None,
                None,
                "{package}: the {} is not to be found; looking again at {due:.0}",
                kind
            );
        }
        Event::NotCreated { kind, why } => {
            job_line!(info, job, name, None, None, "{package}: the {} was not created: {why}", kind);
        }
        Event::Created { kind, id, adopted } => {
            let how = if *adopted { "found and adopted" } else { "created" };
            let label = matches!(kind, RemoteKind::Label(_)).then_some(*id);
            job_line!(info, job, name, None, label, "{package}: {} {id} {how}", kind);
        }
        Event::Reissued { kind, may_complete_until } => {
            job_line!(
                warn,
                job,
                name,
                None,
                None,
                "{package}: the {} was absent both times; creating it again, in doubt until {may_complete_until:.0}",
                kind
            );
        }
        Event::DuplicatesChecked { kind, ids } if ids.is_empty() => {
            job_line!(debug, job, name, None, None, "{package}: no twin of the {} has come", kind);
        }
        Event::DuplicatesChecked { kind, ids }
            if job.creation(*kind).is_some_and(|made| made.intent().is_some()) =>
        {
            job_line!(
                error,
                job,
                name,
                Some(id::DOUBTFUL),
                None,
                "{package}: the {} whose answer was lost has come after all, and nobody uses it: {ids:?}; `dropship retry {}` goes on with it",
                kind,
                job.id
            );
        }
        Event::DuplicatesChecked { kind, ids } => {
            job_line!(
                error,
                job,
                name,
                Some(id::DOUBTFUL),
                None,
                "{package}: a late answer made more of the {} than one; these are nobody's, look at them in Partner Center: {ids:?}",
                kind
            );
        }
        Event::Uploaded { bytes } => {
            job_line!(info, job, name, None, None, "{package}: uploaded, {bytes} bytes")
        }
        Event::CommitIntended => job_line!(debug, job, name, None, None, "{package}: about to commit"),
        Event::Committed => job_line!(info, job, name, None, None, "{package}: committed"),
        Event::Progressed { label: None, step, state } => {
            job_line!(info, job, name, None, None, "{package}: Microsoft: {step} {state}");
        }
        Event::Progressed { label: Some(index), step, state } => {
            let label = job.labels.get(*index);
            let title = label.map_or("?", |label| &label.name);
            let id = label.and_then(|label| label.creation.id());
            job_line!(info, job, name, None, id, "{package}: label `{title}`: {step} {state}");
        }
        Event::Signed => job_line!(info, job, name, None, None, "{package}: signed by Microsoft"),
        Event::Collected { files } => {
            job_line!(
                info,
                job,
                name,
                None,
                None,
                "{package}: {} results in {}",
                files.len(),
                job.package.outbox
            );
        }
        Event::Labelled => job_line!(info, job, name, None, None, "{package}: all labels created"),
        Event::Published { label } => {
            let label = job.labels.get(*label);
            let title = label.map_or("?", |label| &label.name);
            let id = label.and_then(|label| label.creation.id());
            job_line!(info, job, name, None, id, "{package}: label `{title}` published");
        }
        Event::Withdrawn { .. }
        | Event::Edited { .. }
        | Event::TakenOver { .. }
        | Event::Superseded { .. } => labels::told(job, event),
        Event::Waited { due, why, .. } => {
            job_line!(debug, job, name, None, None, "{package}: waits until {due:.0} for {why}");
        }
        Event::Overdue => overdue(job, job.updated.duration_since(job.step_started)),
        Event::AttemptFailed { due, fault } => {
            let tries = job.attempts;
            // In a long outage every job stumbles again and again: the first times tell all that there is to tell.
            if tries.is_power_of_two() {
                job_line!(
                    warn,
                    job,
                    name,
                    None,
                    None,
                    "{package}: {fault}; attempt {tries} failed, again at {due:.0}"
                );
            } else {
                job_line!(
                    debug,
                    job,
                    name,
                    None,
                    None,
                    "{package}: {fault}; attempt {tries} failed, again at {due:.0}"
                );
            }
        }
        Event::Resumed => job_line!(debug, job, name, None, None, "{package}: goes on"),
        Event::Held { fault, .. } => {
            job_line!(warn, job, name, Some(id::HELD), None, "{package}: held: {fault}");
        }
        Event::Approved { by } => job_line!(info, job, name, None, None, "{package}: approved by {by}"),
        Event::Failed { fault } => {
            job_line!(error, job, name, Some(id::FAILED), None, "{package}: failed: {fault}");
        }
        Event::Cancelled { by } => match job.doubt() {
            Some((_, intent)) => job_line!(
                warn,
                job,
                name,
                Some(id::DOUBTFUL),
                None,
                "{package}: cancelled by {by} while the create of `{}` is in doubt; look for it at Microsoft",
                intent.name
            ),
            None => job_line!(info, job, name, None, None, "{package}: cancelled by {by}"),
        },
        Event::Retried { by, new_product } => {
            let how = if *new_product { " with a new product" } else { "" };
            job_line!(info, job, name, None, None, "{package}: retried by {by}{how}");
        }
        Event::Succeeded => job_line!(info, job, name, Some(id::SUCCEEDED), None, "{package}: done"),
    }
}

/// A label is about to be created that Microsoft takes, but looks at twice.
pub fn label_doubted(job: &Job, doubt: &LabelWarning) {
    let (package, LabelWarning { label, message, document }) = (Shown(&job.package.name), doubt);
    job_line!(warn, job, "label_doubted", None, None, "{package}: label `{label}`: {message} ({document})");
}

/// The answer to a create or commit was lost.
pub fn doubtful(job: &Job, noun: &str, error: &str) {
    let package = Shown(&job.package.name);
    job_line!(
        warn,
        job,
        "doubtful",
        Some(id::DOUBTFUL),
        None,
        "{package}: no answer to the {noun}, it is looked for: {error}"
    );
}

/// A wait takes unusually long.
pub fn overdue(job: &Job, waited: SignedDuration) {
    let package = Shown(&job.package.name);
    let days = waited.as_hours() / 24;
    job_line!(
        warn,
        job,
        "overdue",
        Some(id::OVERDUE),
        None,
        "{package}: has waited for {days} days; ask Microsoft, dropship goes on looking"
    );
}

/// A result that nobody waits for could not be had.
pub fn left_out(job: &Job, what: &str, error: &str) {
    let package = Shown(&job.package.name);
    job_line!(warn, job, "left_out", None, None, "{package}: {what} could not be fetched: {error}");
}

/// Receipts that cannot be written, by outbox: one that is away keeps all of its jobs from writing theirs.
static UNWRITTEN: Repeated = Repeated::new();

fn outbox_of(job: &Job) -> &str {
    job.package.outbox.rsplit_once('/').map_or("", |(outbox, _)| outbox)
}

/// A receipt could not be written; it is again at the next change.
pub fn receipt_unwritten(job: &Job, error: &str) {
    let package = Shown(&job.package.name);
    let Some(times) = UNWRITTEN.again(outbox_of(job)) else {
        tracing::debug!(job_id = %job.id, "the receipt in {} cannot be written: {error}", job.package.outbox);
        return;
    };
    let so_far = if times > 1 { format!(" (so far {times} times in this outbox)") } else { String::new() };
    job_line!(
        error,
        job,
        "receipt_unwritten",
        Some(id::OUTBOX_UNWRITABLE),
        None,
        "{package}: the receipt in {} cannot be written{so_far}: {error}; the job goes on, give the daemon leave to write there",
        job.package.outbox
    );
}

/// A receipt was written; tells so if others could not be.
pub fn receipt_written(job: &Job) {
    if let Some(times) = UNWRITTEN.over(outbox_of(job)) {
        tracing::info!(
            event = "outbox_writable",
            "The outbox {} can be written again; {times} receipts could not be written meanwhile",
            outbox_of(job)
        );
    }
}

static NOT_LOOKED_BACK: Repeated = Repeated::new();

/// What came late of a job that is held or has ended could not be looked for; it is tried again.
pub fn not_looked_back(job: &Job, name: &str, why: &str) {
    let package = Shown(&job.package.name);
    let Some(times) = NOT_LOOKED_BACK.again(job.id.as_str()) else { return };
    tracing::warn!(
        event = "not_looked_back",
        job_id = %job.id,
        "{package}: whether `{name}` came late cannot be looked for ({times} so far): {why}; it is tried again"
    );
}

/// A text of somebody else's making: control characters are shown, not obeyed.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a str);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for letter in self.0.chars() {
            if letter.is_control() {
                write!(f, "{}", letter.escape_default())?
            } else {
                write!(f, "{letter}")?
            }
        }
        Ok(())
    }
}
