//! What the view shows, requested from the daemon.

use std::collections::BTreeSet;

use crate::control::{Client, Status};
use dropship_engine::operations::{ControlError, JobQuery};
use dropship_engine::outbox::Receipt;
use dropship_job::{JobId, StateKind};

/// The order of the states: running jobs first, then other unfinished ones, then finished ones.
const ORDER: [StateKind; 8] = [
    StateKind::Running,
    StateKind::Queued,
    StateKind::Waiting,
    StateKind::Held,
    StateKind::Failed,
    StateKind::Rejected,
    StateKind::Succeeded,
    StateKind::Cancelled,
];

/// Number of jobs that a filter searches.
const MAX_SEARCHED: usize = 2000;

/// What to request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ViewQuery {
    /// Maximum number of jobs.
    pub(super) limit: usize,
    /// Text that the jobs contain; empty for all jobs.
    pub(super) filter: String,
    /// The job to be shown with its history.
    pub(super) job: Option<JobId>,
}

/// The answers of the daemon.
#[derive(Debug, Clone)]
pub(super) struct ViewData {
    pub(super) status: Status,
    pub(super) jobs: Vec<Receipt>,
    /// Whether there are more jobs than were requested.
    pub(super) has_more: bool,
    /// The job with its history, if one was requested.
    pub(super) job: Option<Result<Receipt, ControlError>>,
}

/// Requests everything that the view shows.
pub(super) async fn load(daemon: &Client, query: &ViewQuery) -> Result<ViewData, ControlError> {
    let status = daemon.status().await?;
    let max = if query.filter.is_empty() { query.limit } else { MAX_SEARCHED.max(query.limit) };
    // One more than is shown shows whether there are more.
    let mut jobs = jobs(daemon, max.saturating_add(1)).await?;
    let mut has_more = jobs.len() > max;
    jobs.truncate(max);
    jobs.retain(|job| matches(job, &query.filter));
    has_more |= jobs.len() > query.limit;
    jobs.truncate(query.limit);
    let job = match &query.job {
        Some(id) => Some(daemon.show(id).await),
        None => None,
    };
    Ok(ViewData { status, jobs, has_more, job })
}

async fn jobs(daemon: &Client, max: usize) -> Result<Vec<Receipt>, ControlError> {
    let mut jobs = Vec::new();
    let mut seen_ids = BTreeSet::new();
    for state in ORDER {
        let remaining = max.saturating_sub(jobs.len());
        if remaining == 0 {
            break;
        }
        let query = JobQuery { state: Some(state), limit: remaining, ..JobQuery::default() };
        for job in daemon.jobs(&query).await? {
            // A job that changed its state between two requests is shown once.
            if seen_ids.insert(job.id.clone()) {
                jobs.push(job);
            }
        }
    }
    Ok(jobs)
}

/// Whether any text of the job's row contains the filter, in any case.
fn matches(job: &Receipt, filter: &str) -> bool {
    let filter = filter.to_lowercase();
    let error = job.error.as_ref();
    let texts = [
        Some(job.id.as_str()),
        Some(job.package.as_str()),
        job.folder.as_deref(),
        job.rule.as_deref(),
        Some(job.step.as_str()),
        Some(job.state.as_str()),
        error.map(|error| error.message.as_str()),
        job.waits_for.as_deref(),
    ];
    filter.is_empty() || texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&filter))
}
