//! What happens to labels once they exist, and what a person says of those that do not yet.

use jiff::Timestamp;

use super::require;
use crate::event::Event;
use crate::{Job, Label};

/// News of a label of a job that goes on.
pub(super) fn moved(job: &mut Job, at: Timestamp, event: &Event) -> Result<(), &'static str> {
    match event {
        Event::Published { label } => existing(job, *label)?.published = Some(at),
        Event::TakenOver { label, .. } => {
            require(existing(job, *label)?.published.is_some(), "the label is not published")?;
        }
        Event::Superseded { label } => {
            let label = existing(job, *label)?;
            require(label.published.is_some(), "the label is not published")?;
            label.superseded = Some(at);
        }
        _ => {}
    }
    Ok(())
}

/// What persons did to a label at the service: true whatever became of the job meanwhile.
pub(super) fn late(job: &mut Job, at: Timestamp, event: &Event) -> Result<(), &'static str> {
    match event {
        Event::Withdrawn { label, .. } => existing(job, *label)?.withdrawn = Some(at),
        Event::Edited { label, .. } => drop(existing(job, *label)?),
        _ => {}
    }
    Ok(())
}

/// A person lets a label go out: for a request, which no other label has, or without the one before it.
pub(super) fn approve(job: &mut Job, request: &str) -> Result<(), &'static str> {
    if let Some(index) = Label::freed_by(request) {
        job.labels.get_mut(index).ok_or("there is no such label")?.predecessor_waived = true;
        return Ok(());
    }
    let mut open = job.labels.iter_mut().filter(|label| label.creation.id().is_none()).peekable();
    require(open.peek().is_some(), "no label waits for an approval")?;
    open.for_each(|label| label.approved = Some(request.to_owned()));
    Ok(())
}

fn existing(job: &mut Job, index: usize) -> Result<&mut Label, &'static str> {
    let label = job.labels.get_mut(index).ok_or("there is no such label")?;
    require(label.creation.id().is_some(), "the label does not exist")?;
    Ok(label)
}
