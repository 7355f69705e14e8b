//! What happens to labels once they exist, and what a person says of those that do not yet.

use super::require;
use crate::{Job, Label};

/// A person lets a label go out: for a request, which no other label has, or without the one before it.
pub(super) fn approve(job: &mut Job, request: &str) -> Result<(), &'static str> {
    if let Some(index) = Label::freed_by(request) {
        job.labels.get_mut(index).ok_or("there is no such label")?.predecessor_waived = true;
        return Ok(());
    }
    if let Some(digest) = Job::approved_by(request) {
        job.approved_metadata = Some(digest.to_owned());
        return Ok(());
    }
    let mut open = job.labels.iter_mut().filter(|label| label.creation.id().is_none()).peekable();
    require(open.peek().is_some(), "no label waits for an approval")?;
    open.for_each(|label| label.approved = Some(request.to_owned()));
    Ok(())
}

/// A label that exists at the service.
pub(super) fn existing(job: &mut Job, index: usize) -> Result<&mut Label, &'static str> {
    let label = job.labels.get_mut(index).ok_or("there is no such label")?;
    require(label.creation.id().is_some(), "the label does not exist")?;
    Ok(label)
}

/// A label that is published.
pub(super) fn published(job: &mut Job, index: usize) -> Result<&mut Label, &'static str> {
    let label = existing(job, index)?;
    require(label.published.is_some(), "the label is not published")?;
    Ok(label)
}
