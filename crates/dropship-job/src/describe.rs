//! The description of events: one sentence for each.

use jiff::Timestamp;

use self::labels::{duplicate_labels, label, label_text, withdrawal_text};
use self::printable::printable;
use crate::{Event, Job, RemoteId, RemoteKind, Step, apply, counted};

mod labels;
mod printable;

/// One sentence about an event, in the past tense and without the name of the package. `job` is its state after the event.
///
/// The log, `show`, `demo` and notifications use it. Texts from the package and the service are not escaped.
#[must_use]
pub fn describe(job: &Job, event: &Event) -> String {
    let text = package_text(job, event)
        .or_else(|| create_text(job, event))
        .or_else(|| label_text(job, event))
        .or_else(|| withdrawal_text(job, event))
        .or_else(|| wait_text(job, event))
        .or_else(|| end_text(job, event));
    text.unwrap_or_else(|| event.name().to_owned())
}

/// One event of a history: when and in which step of the job it happened, and its description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedEvent {
    /// The step of the job before the event.
    pub step: Step,
    /// The description.
    pub text: String,
}

/// The descriptions of a job's history. `job` is its present state.
///
/// Each event is described with the job as it was then. If the history is incomplete, the present state is used instead.
#[must_use]
pub fn describe_history<'a>(
    job: &Job,
    history: impl IntoIterator<Item = (Timestamp, &'a Event)>,
) -> Vec<DescribedEvent> {
    let mut job_then: Option<Job> = None;
    let mut step = Step::Inspect;
    let describe_next = |(at, event): (Timestamp, &Event)| {
        let step_before = step;
        job_then = apply(job_then.as_ref(), job.id(), at, event).ok();
        step = job_then.as_ref().map_or(step_before, Job::step);
        DescribedEvent { step: step_before, text: describe(job_then.as_ref().unwrap_or(job), event) }
    };
    history.into_iter().map(describe_next).collect()
}

/// Events from the dropped file to the signed package.
fn package_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Arrived { package } => {
            let from = package.folder.as_ref();
            let from = from.map_or_else(|| "submitted".to_owned(), |folder| format!("found in `{folder}`"));
            format!("{from}, {}, sha256 {}", counted(package.size, "byte"), job.short_sha())
        }
        Event::Accepted { rule, .. } => format!("accepted by rule `{rule}`"),
        Event::SameBytes { path: Some(path) } => format!("found again with the same bytes: {path}"),
        Event::SameBytes { path: None } => "the same bytes were submitted again".to_owned(),
        Event::AfterFailed { why, .. } => format!("{why}; tried again automatically"),
        Event::AfterDone { how } => how.clone(),
        Event::Rejected { fault } => format!("rejected: {fault}"),
        Event::Uploaded { bytes } => format!("uploaded, {}", counted(*bytes, "byte")),
        Event::CommitIntended => "committing".to_owned(),
        Event::Committed => "committed".to_owned(),
        Event::FoundCommitted { verified } => {
            let package =
                if *verified { "with this package" } else { "the service does not return its package" };
            format!("the submission is committed already ({package}); following it")
        }
        Event::Progressed { label: None, step, state } => format!("Microsoft: {step} {state}"),
        Event::Signed => "signed by Microsoft".to_owned(),
        Event::Collected { files } => {
            format!("{} in {}", counted(files.len(), "result"), job.package().outbox)
        }
        _ => return None,
    })
}

/// Events of creates, and of the checks of creates in doubt.
fn create_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Intended { kind, intent } => format!("creating {} `{}`", kind, intent.name),
        Event::NotFound { kind, due } => {
            format!("the {} was not found; checking again at {due:.0}", kind)
        }
        Event::Unproven { kind, .. } => {
            format!("no list can prove whether the create of the {} took effect", kind)
        }
        Event::NotCreated { kind, why } => format!("the {} was not created: {why}", kind),
        Event::Created { kind, id, adopted, .. } => {
            let how = if *adopted { "found and adopted" } else { "created" };
            format!("{} {id} {how}", kind)
        }
        Event::Reissued { kind, may_complete_until } => {
            format!(
                "the {} was not found in two searches; creating it again, in doubt until {may_complete_until:.0}",
                kind
            )
        }
        Event::DuplicatesChecked { kind, ids, unproven, .. } if ids.is_empty() && unproven.is_empty() => {
            format!("no duplicate of the {kind}")
        }
        Event::DuplicatesChecked { kind: RemoteKind::Label(index), ids, unproven, .. } => {
            duplicate_labels(label(job, *index).0, ids, unproven)
        }
        Event::DuplicatesChecked { kind, ids, .. }
            if job.creation(*kind).is_some_and(|progress| progress.intent().is_some()) =>
        {
            format!(
                "the {} whose response was lost was created after all and is unused: {}; `dropship retry {}` continues with it",
                kind,
                RemoteId::list(ids),
                job.id()
            )
        }
        Event::DuplicatesChecked { kind, ids, .. } => format!(
            "a late response created more than one {}; no job uses these, check them in Partner Center: {}",
            kind,
            RemoteId::list(ids)
        ),
        _ => return None,
    })
}

/// Waits, failed attempts, and holds of the whole job.
fn wait_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Waited { due, why, .. } => format!("waits until {due:.0} for {why}"),
        Event::Overdue => {
            let hours = job.updated().duration_since(job.step_started()).as_hours();
            let waited = if hours < 48 { counted(hours, "hour") } else { counted(hours / 24, "day") };
            format!("has waited for {waited}; ask Microsoft, dropship keeps polling")
        }
        Event::AttemptFailed { due, fault } => {
            format!("{fault}; attempt {} failed, next at {due:.0}", job.attempts())
        }
        Event::Resumed => "continues".to_owned(),
        Event::Held { fault, .. } => format!("held: {fault}"),
        Event::Idle => "waits for an operator".to_owned(),
        Event::Approved { by, label, name, request, note, .. } => {
            let what = name.as_ref().map(|name| format!("label `{name}` ")).unwrap_or_default();
            let request = request.as_ref().map(|request| format!(", request {request}")).unwrap_or_default();
            let note = note.as_ref().map(|note| format!(", note: {}", printable(note))).unwrap_or_default();
            let hold = label.and_then(|index| job.labels().get(index)?.hold());
            let missing_approvals = hold.filter(|hold| !hold.approvals.is_empty()).map(|hold| {
                let (given, needed) = (hold.approvals.len(), hold.needed);
                format!("; approval {given} of {needed}, another operator has to approve it too")
            });
            format!("{what}approved by {by}{request}{}{note}", missing_approvals.unwrap_or_default())
        }
        _ => return None,
    })
}

/// The end of the job.
fn end_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Failed { fault } => format!("failed: {fault}"),
        Event::Cancelled { by } => match job.doubt() {
            Some((_, intent)) => format!(
                "cancelled by {by} while the create of `{}` is in doubt; check Partner Center for it",
                intent.name
            ),
            None => format!("cancelled by {by}"),
        },
        Event::Retried { by, new_product } => {
            let how = if *new_product { " with a new product" } else { "" };
            format!("retried by {by}{how}")
        }
        Event::Succeeded => "done".to_owned(),
        _ => return None,
    })
}
