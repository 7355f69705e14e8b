//! Logs one line for each event of a job, with the fields that identify the job.

use tracing::Level;

use super::job_line::log_job;
use super::{Escaped, id};
use dropship_job::{Event, Job, RemoteKind};

/// Logs an event; `job` is its state after the event.
pub fn log_event(job: &Job, event: &Event) {
    let package = Escaped(&job.package().name);
    let text = text(job, event);
    log_job(level(job, event), job, event.name(), message_id(job, event), label_id(job, event), &text);
    if let Event::Accepted { warnings, .. } = event {
        for warning in warnings {
            log_job(Level::WARN, job, event.name(), None, None, &format!("{package}: {warning}"));
        }
    }
}

/// During a long outage every job fails repeatedly: the first attempts and every power of two are warnings, the others debug
/// messages.
fn level(job: &Job, event: &Event) -> Level {
    match event {
        Event::Rejected { .. } | Event::Failed { .. } => Level::ERROR,
        Event::DuplicatesChecked { ids, .. } if !ids.is_empty() => Level::ERROR,
        Event::Withdrawn { label, .. } if has_taken_over(job, *label) => Level::ERROR,
        Event::Superseded { kept, .. } if !kept.is_empty() => Level::WARN,
        Event::NotFound { .. }
        | Event::Reissued { .. }
        | Event::Held { .. }
        | Event::Overdue
        | Event::Withdrawn { .. }
        | Event::Edited { .. } => Level::WARN,
        Event::Cancelled { .. } if job.doubt().is_some() => Level::WARN,
        Event::AttemptFailed { .. } if job.attempts().is_power_of_two() => Level::WARN,
        Event::Intended { .. }
        | Event::DuplicatesChecked { .. }
        | Event::CommitIntended
        | Event::Waited { .. }
        | Event::Resumed
        | Event::AttemptFailed { .. }
        | Event::Superseded { .. } => Level::DEBUG,
        _ => Level::INFO,
    }
}

/// Whether older labels gave up targets to a label.
fn has_taken_over(job: &Job, index: usize) -> bool {
    job.labels().get(index).is_some_and(|label| label.taken_over > 0)
}

fn message_id(job: &Job, event: &Event) -> Option<&'static str> {
    match event {
        Event::Accepted { .. } => Some(id::ACCEPTED),
        Event::Rejected { .. } => Some(id::REJECTED),
        Event::DuplicatesChecked { ids, .. } if !ids.is_empty() => Some(id::IN_DOUBT),
        Event::Cancelled { .. } if job.doubt().is_some() => Some(id::IN_DOUBT),
        Event::Overdue => Some(id::OVERDUE),
        Event::Held { .. } => Some(id::HELD),
        Event::Withdrawn { label, .. } if has_taken_over(job, *label) => Some(id::TARGETS_LOST),
        Event::Failed { .. } => Some(id::FAILED),
        Event::Succeeded => Some(id::SUCCEEDED),
        _ => None,
    }
}

fn label_id(job: &Job, event: &Event) -> Option<u64> {
    match event {
        Event::Created { kind: RemoteKind::Label(_), id, .. } => Some(*id),
        Event::Progressed { label: Some(index), .. }
        | Event::Published { label: index }
        | Event::Withdrawn { label: index, .. }
        | Event::Edited { label: index, .. }
        | Event::TakenOver { label: index, .. }
        | Event::Superseded { label: index, .. } => label(job, *index).1,
        _ => None,
    }
}

/// The name and the id of a job's label.
fn label(job: &Job, index: usize) -> (&str, Option<u64>) {
    let label = job.labels().get(index);
    (label.map_or("?", |label| &label.name), label.and_then(|label| label.creation.id()))
}

fn text(job: &Job, event: &Event) -> String {
    let text = package_text(job, event)
        .or_else(|| create_text(job, event))
        .or_else(|| label_text(job, event))
        .or_else(|| wait_text(job, event))
        .or_else(|| end_text(job, event));
    format!("{}: {}", Escaped(&job.package().name), text.unwrap_or_else(|| event.name().to_owned()))
}

/// Events from the dropped file to the signed package.
fn package_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Arrived { package } => {
            let from = package.folder.as_ref();
            let from = from.map_or_else(|| "submitted".to_owned(), |folder| format!("found in `{folder}`"));
            format!("{from}, {} bytes, sha256 {}", package.size, job.short_sha())
        }
        Event::Accepted { rule, .. } => format!("accepted by rule `{rule}`"),
        Event::Rejected { fault } => format!("rejected: {fault}"),
        Event::Uploaded { bytes } => format!("uploaded, {bytes} bytes"),
        Event::CommitIntended => "committing".to_owned(),
        Event::Committed => "committed".to_owned(),
        Event::Progressed { label: None, step, state } => format!("Microsoft: {step} {state}"),
        Event::Signed => "signed by Microsoft".to_owned(),
        Event::Collected { files } => format!("{} results in {}", files.len(), job.package().outbox),
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
        Event::Created { kind, id, adopted } => {
            let how = if *adopted { "found and adopted" } else { "created" };
            format!("{} {id} {how}", kind)
        }
        Event::Reissued { kind, may_complete_until } => {
            format!(
                "the {} was not found twice; creating it again, in doubt until {may_complete_until:.0}",
                kind
            )
        }
        Event::DuplicatesChecked { kind, ids } if ids.is_empty() => format!("no duplicate of the {}", kind),
        Event::DuplicatesChecked { kind, ids }
            if job.creation(*kind).is_some_and(|made| made.intent().is_some()) =>
        {
            format!(
                "the {} whose response was lost was created after all and is unused: {}; `dropship retry {}` continues with it",
                kind,
                list(ids),
                job.id()
            )
        }
        Event::DuplicatesChecked { kind, ids } => format!(
            "a late response created more than one {}; no job uses these, check them in Partner Center: {}",
            kind,
            list(ids)
        ),
        _ => return None,
    })
}

/// Events of existing labels.
fn label_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Labelled => "all labels created".to_owned(),
        Event::Progressed { label: Some(index), step, state } => {
            format!("label `{}`: {step} {state}", label(job, *index).0)
        }
        Event::Published { label: index } => format!("label `{}` published", label(job, *index).0),
        Event::Withdrawn { label: index, by } => {
            let lost = match job.labels().get(*index).map_or(0, |label| label.taken_over) {
                0 => String::new(),
                rows => format!(
                    "; it had taken over {rows} hardware ids from older labels, which no longer target them: those devices get \
                     no driver from these labels until `dropship api label update` adds the hardware ids to an older label again"
                ),
            };
            format!("label `{}` withdrawn, requested by {by}{lost}", label(job, *index).0)
        }
        Event::Edited { label: index, by, update } => {
            format!("label `{}` changed by {by}: {update}", label(job, *index).0)
        }
        Event::TakenOver { label: index, from, rows } => {
            let (name, id) = label(job, *index);
            if id == Some(*from) {
                format!(
                    "label `{name}` gave up {rows} hardware ids to a newer label, which was published earlier"
                )
            } else {
                format!("label `{name}` took over {rows} hardware ids from label {from}")
            }
        }
        Event::Superseded { label: index, kept } => {
            let name = label(job, *index).0;
            let kept = kept.iter().map(|kept| {
                format!(
                    "; label {} keeps {} hardware ids that `{name}` also targets: {}",
                    kept.label, kept.rows, kept.why
                )
            });
            format!("label `{name}` has no hardware ids left to take over{}", kept.collect::<String>())
        }
        _ => return None,
    })
}

fn wait_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Waited { due, why, .. } => format!("waits until {due:.0} for {why}"),
        Event::Overdue => {
            let days = job.updated().duration_since(job.step_started()).as_hours() / 24;
            format!("has waited for {days} days; ask Microsoft, dropship keeps polling")
        }
        Event::AttemptFailed { due, fault } => {
            format!("{fault}; attempt {} failed, next at {due:.0}", job.attempts())
        }
        Event::Resumed => "continues".to_owned(),
        Event::Held { fault, .. } => format!("held: {fault}"),
        Event::Approved { by } => format!("approved by {by}"),
        _ => return None,
    })
}

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

fn list(ids: &[u64]) -> String {
    ids.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}
