//! The rules that every job fulfils.

use crate::{CreateProgress, Creation, Job, Label, State, Step, UploadProgress};

/// Checks a job against the rules that [`apply`](crate::apply) keeps.
///
/// # Errors
/// The first rule that the job breaks.
pub(crate) fn check(job: &Job) -> Result<(), &'static str> {
    let exists = |creation: &Creation| creation.id().is_some();
    let is_accepted = job.accepted.is_some();
    let is_committed = job.upload == UploadProgress::Committed;
    let rules = [
        (!matches!(job.state, State::Rejected { .. }) || !is_accepted, "a rejected package is not accepted"),
        (is_accepted || job.step == Step::Inspect, "only an accepted package leaves the step inspect"),
        (is_accepted || job.product == Creation::Open, "only an accepted package has a product"),
        (job.step <= Step::Product || exists(&job.product), "this step needs a product"),
        (exists(&job.product) || job.submission == Creation::Open, "a submission needs a product"),
        (job.step <= Step::Submission || exists(&job.submission), "this step needs a submission"),
        (job.upload == UploadProgress::Open || exists(&job.submission), "an upload needs a submission"),
        (
            job.step <= Step::Upload || job.upload >= UploadProgress::Uploaded,
            "this step needs an uploaded package",
        ),
        (job.step <= Step::Commit || is_committed, "this step needs a committed submission"),
        (job.files.is_empty() || is_committed, "results need a committed submission"),
        (
            is_committed || job.labels.iter().all(|label| label.creation() == CreateProgress::Open),
            "a label needs a committed submission",
        ),
        (
            job.step < Step::Publish || !job.labels.iter().any(Label::is_missing),
            "the step publish needs every label",
        ),
        (
            job.state != State::Succeeded
                || job
                    .labels
                    .iter()
                    .all(|label| label.is_published() || label.is_lost() || label.is_dropped()),
            "a successful job has published or withdrawn every label",
        ),
        (job.state != State::Succeeded || is_committed, "a successful job has committed its submission"),
        (creates_in_doubt(job) <= 1, "the product or the submission is in doubt, not both"),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, rule)| Err(rule))
}

fn creates_in_doubt(job: &Job) -> usize {
    [&job.product, &job.submission].into_iter().filter(|one| one.intent().is_some()).count()
}
