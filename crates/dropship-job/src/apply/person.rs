//! What people do to a job.

use jiff::Timestamp;

use super::{creation_of, enter, labels, open_label, require};
use crate::{Commit, Creation, Intent, Job, State, Step};

/// A person lets a held job go on.
pub(super) fn approve(job: &mut Job) -> Result<(), &'static str> {
    let State::Held { request, .. } = &job.state else {
        return Err("the job is not held");
    };
    let request = request.clone();
    if let Some(intent) = doubted(job) {
        // A person has looked: the call may be made again, as the request that was shown if one was.
        intent.reissued = 0;
        intent.request = request.unwrap_or(std::mem::take(&mut intent.request));
        intent.decided = intent.proposed.take().or(intent.decided);
    } else {
        match (job.step, request) {
            (Step::Label, Some(request)) => labels::approve(job, &request)?,
            (Step::Product, Some(request)) => job.approved_product = Some(request),
            _ => {}
        }
    }
    // The step has its full time again.
    job.attempts = 0;
    job.failing_since = None;
    job.state = State::Queued;
    Ok(())
}

/// A person asks for another try.
pub(super) fn retry(job: &mut Job, at: Timestamp, new_product: bool) -> Result<(), &'static str> {
    match job.state {
        State::Failed { .. } | State::Cancelled => {}
        State::Rejected { .. } => {
            enter(job, Step::Inspect, at);
            return Ok(());
        }
        _ => return Err("only a failed, rejected or cancelled job is retried"),
    }
    if new_product {
        require(job.accepted, "nothing was sent yet")?;
        require(
            job.collected.is_none(),
            "Microsoft signed the package; its labels can be retried, its product need not",
        )?;
        require(job.doubt().is_none(), "a create is in doubt; a new product could be its twin")?;
        job.abandoned_products.extend(job.product.id().map(|id| id.to_string()));
        job.product = Creation::Open;
        job.submission = Creation::Open;
        job.uploaded = false;
        job.commit = Commit::Open;
        job.workflow = None;
        job.approved_product = None;
        job.files.clear();
        for label in &mut job.labels {
            *label = open_label(&label.name);
        }
        enter(job, Step::Product, at);
    } else if matches!(job.state, State::Cancelled) && job.product == Creation::Open {
        job.accepted = false;
        (job.rule, job.account, job.plan) = (None, None, None);
        job.labels.clear();
        enter(job, Step::Inspect, at);
    } else {
        // The job looks for what is in doubt by itself again.
        let doubt =
            job.doubt().map(|(kind, intent)| (kind, intent.name.clone(), intent.existing_ids.clone()));
        job.duplicate_checks.retain(|check| {
            doubt.as_ref().is_none_or(|(kind, name, existing_ids)| !check.is_of(*kind, name, existing_ids))
        });
        let step = job.step;
        enter(job, step, at);
    }
    Ok(())
}

/// The open intent.
fn doubted(job: &mut Job) -> Option<&mut Intent> {
    let (kind, _) = job.doubt()?;
    match creation_of(job, kind) {
        Ok(Creation::Intended(intent)) => Some(intent),
        _ => None,
    }
}
