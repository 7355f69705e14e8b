//! Log lines with the fields that identify a job. `docs/LOGGING.md` lists the fields.

use tracing::Level;

use dropship_job::{Job, RemoteId};

/// Logs one line of a job. The id of the job is in the text too, because many readers show only that.
pub(super) fn log_job(
    level: Level,
    job: &Job,
    event: &str,
    message_id: Option<&str>,
    label_id: Option<RemoteId>,
    text: &str,
) {
    // A macro, because the level of a tracing call is part of its static metadata.
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                $level,
                job_id = %job.id(),
                step = job.step().as_str(),
                folder = job.package().folder.as_deref(),
                rule = job.rule(),
                product_id = job.product().id().map(|id| id.to_string()),
                submission_id = job.submission().id().map(|id| id.to_string()),
                label_id = label_id.map(|id| id.to_string()),
                event,
                message_id,
                "{} {text}", job.id()
            )
        };
    }
    match level {
        Level::ERROR => line!(Level::ERROR),
        Level::WARN => line!(Level::WARN),
        Level::INFO => line!(Level::INFO),
        Level::DEBUG => line!(Level::DEBUG),
        Level::TRACE => line!(Level::TRACE),
    }
}
