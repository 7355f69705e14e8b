//! The advice of `dropship show`.

use dropship_engine::outbox::Receipt;
use dropship_job::{ErrorKind, StateKind};

/// What an operator can do next.
pub(crate) fn of(job: &Receipt) -> Option<String> {
    let is_refused = job.error.as_ref().is_some_and(|error| error.kind == ErrorKind::SigningFailed);
    match job.state {
        StateKind::Held if !job.approval.is_empty() => Some(format!(
            "read the request below the history and run the command there; `dropship cancel {}` ends the job",
            job.id
        )),
        StateKind::Held => {
            Some(format!("`dropship approve {0}` releases it, `dropship cancel {0}` ends it", job.id))
        }
        StateKind::Failed if is_refused => Some(format!(
            "fix the package and drop it again, or run `dropship retry {} --new-product`",
            job.id
        )),
        StateKind::Failed => Some(format!("fix the cause, then run `dropship retry {}`", job.id)),
        // No copy is kept of what was submitted and rejected.
        StateKind::Rejected if job.path.is_none() => {
            Some("fix the package or the rules, then submit the package again".to_owned())
        }
        StateKind::Rejected => Some(format!(
            "fix the package and drop it again, or fix the rules and run `dropship retry {}`",
            job.id
        )),
        _ => None,
    }
}
