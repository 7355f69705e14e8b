//! The fold of events of operators.

use jiff::Timestamp;

use super::{creates, enter, labels, require};
use crate::{Creation, Intent, Job, Label, LabelApproval, State, Step, UploadProgress};

/// An operator approves a held job, or a label of it.
pub(super) fn approve(
    job: &mut Job,
    at: Timestamp,
    label: Option<usize>,
    approval: LabelApproval,
) -> Result<(), &'static str> {
    let State::Held { request, label: held_label, .. } = &job.state else {
        return Err("the job is not held");
    };
    let request = request.clone();
    if let Some(index) = label.or(*held_label) {
        return labels::approve(job, at, index, approval);
    }
    if let Some(intent) = intent_in_doubt(job) {
        // The operator has checked: the request may be sent again. If one was shown, exactly that one.
        intent.reissued = 0;
        intent.request = request.unwrap_or(std::mem::take(&mut intent.request));
        intent.decided = intent.proposed.take().or(intent.decided);
    } else {
        match (job.step, request) {
            (Step::Label, Some(request)) => {
                job.approved_metadata = Job::approved_by(&request).map(str::to_owned);
            }
            (Step::Product, Some(request)) => job.approved_product = Some(request),
            _ => {}
        }
    }
    // The step has its full time again.
    job.attempts = 0;
    job.failing_since = None;
    labels::continue_as(job, State::Queued, Some(at));
    Ok(())
}

/// An operator asks for another attempt.
pub(super) fn retry(job: &mut Job, at: Timestamp, new_product: bool) -> Result<(), &'static str> {
    match job.state {
        State::Failed { .. } | State::Cancelled | State::Held { .. } => {}
        State::Succeeded => {
            require(
                job.labels.iter().any(Label::is_lost),
                "all its labels are published; nothing is left to retry",
            )?;
        }
        State::Rejected { .. } => {
            enter(job, Step::Inspect, at);
            return Ok(());
        }
        State::Queued | State::Waiting { .. } => {
            return Err("only a held, failed, rejected or cancelled job is retried");
        }
    }
    if new_product {
        require(job.accepted.is_some(), "nothing was sent yet")?;
        require(
            !matches!(job.state, State::Cancelled) || job.product != Creation::Open,
            "nothing was created for it, and its copy is deleted; retry it without a new product",
        )?;
        require(
            job.collected.is_none(),
            "Microsoft signed the package; its labels can be retried, its product need not",
        )?;
        require(job.doubt().is_none(), "a create is in doubt; a new product could be a duplicate of it")?;
        job.abandoned_products.extend(job.product.id());
        job.product = Creation::Open;
        job.submission = Creation::Open;
        job.upload = UploadProgress::Open;
        job.found_committed = false;
        job.workflow = None;
        job.approved_product = None;
        job.files.clear();
        for label in &mut job.labels {
            *label = Label::planned(label.planned.clone());
        }
        enter(job, Step::Product, at);
    } else if matches!(job.state, State::Cancelled) && job.product == Creation::Open {
        job.accepted = None;
        job.labels.clear();
        enter(job, Step::Inspect, at);
    } else {
        // The job resolves the creates in doubt again, so the checks are not needed.
        let doubts: Vec<_> = job
            .doubts()
            .map(|(kind, intent)| (kind, intent.name.clone(), intent.existing_ids.clone()))
            .collect();
        job.duplicate_checks.retain(|check| {
            !doubts.iter().any(|(kind, name, existing_ids)| check.is_of(*kind, name, existing_ids))
        });
        labels::keep_all(job);
        // New labels may be asked for.
        let step = if job.step == Step::Publish { Step::Label } else { job.step };
        enter(job, step, at);
    }
    Ok(())
}

/// The product or submission whose create is in doubt.
fn intent_in_doubt(job: &mut Job) -> Option<&mut Intent> {
    match job.product.intent_mut() {
        Some(intent) => Some(intent),
        None => job.submission.intent_mut(),
    }
}

/// An operator ends the job. Its labels are withdrawn, and its creates in doubt are still checked.
pub(super) fn cancel(job: &mut Job, at: Timestamp, by: &str) {
    // The check for duplicates of a job that failed was scheduled when it failed.
    if !job.state.has_ended() {
        creates::remember_doubts(job, at);
    }
    job.state = State::Cancelled;
    labels::withdraw_all(job, at, by);
    for check in job.duplicate_checks.iter_mut().filter(|check| creates::is_label(check.kind)) {
        check.due = at;
    }
}
