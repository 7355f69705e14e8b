//! The description of events of labels.

use super::printable::printable;
use crate::{ApproveCommand, Event, Job, KeptTargets, Label, Release, RemoteId, counted, words};

/// The noun for the targets of a label.
const HARDWARE_ID: &str = "hardware id";

/// Events from the request of a label to its publication, and what other labels do to it.
pub(super) fn label_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Labelled => "all labels created".to_owned(),
        Event::Progressed { label: Some(index), step, state } => {
            format!("label `{}`: {step} {state}", label(job, *index).0)
        }
        Event::Published { label: index } => format!("label `{}` published", label(job, *index).0),
        Event::LabelFailed { label: index, reason } => format!("label `{}` {reason}", label(job, *index).0),
        Event::LabelHeld { label: index, fault, release } => {
            let digest = match release {
                Release::Request(digest) => format!("; request digest {digest}"),
                Release::WithoutPredecessor | Release::Attempt => String::new(),
            };
            format!("label `{}` held: {fault}{digest}", label(job, *index).0)
        }
        Event::Replanned { rule, changes, .. } if changes.is_empty() => {
            format!("planned again by rule `{rule}`; nothing differs")
        }
        Event::Replanned { rule, changes, .. } => {
            format!("planned again by rule `{rule}`: {}", changes.join("; "))
        }
        Event::Edited { label: index, by, update } => {
            // The stored change is the body of the request.
            let update =
                serde_json::from_str(update).map_or_else(|_| update.clone(), |update| words(&update));
            format!("label `{}` changed by {by}: {update}", label(job, *index).0)
        }
        Event::TakenOver { label: index, from, rows } => match label(job, *index) {
            (name, id) if id == Some(*from) => {
                let rows = counted(*rows, HARDWARE_ID);
                format!("label `{name}` gave up {rows} to a newer label, which was published earlier")
            }
            (name, _) => {
                format!("label `{name}` took over {} from label {from}", counted(*rows, HARDWARE_ID))
            }
        },
        Event::Superseded { label: index, kept } => {
            let name = label(job, *index).0;
            format!("label `{name}` has no hardware ids left to take over{}", kept_targets(name, kept))
        }
        _ => return None,
    })
}

/// Events of withdrawals, and of labels that change at the service.
pub(super) fn withdrawal_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Withdrawn { label: index, id, by } => {
            let (name, lost) = (label(job, *index).0, lost_targets(job, *index, *id));
            format!("label `{name}` ({id}): Microsoft agreed to withdraw it, requested by {by}{lost}")
        }
        Event::NotWithdrawn { label: index, id, due, why } => {
            let name = label(job, *index).0;
            format!("label `{name}` ({id}) is not withdrawn yet: {why}; next attempt at {due:.0}")
        }
        Event::WithdrawalConfirmed { label: index, id } => {
            format!("label `{}` ({id}) is withdrawn", label(job, *index).0)
        }
        Event::PublishedAnyway { label: index, id } => format!(
            "label `{}` ({id}) had to be withdrawn, but Microsoft published it before; remove its targets with `dropship api \
             label update`, or ask Microsoft to expire it",
            label(job, *index).0
        ),
        Event::Drifted { label: index, id, drift } => {
            let drifted_label = job.labels().get(*index);
            let lost = match drifted_label.filter(|_| drift.ends_publication()).map_or(0, Label::taken_over) {
                0 => String::new(),
                rows => format!(
                    "; it had taken over {} from older labels, and those devices get no driver from them now",
                    counted(rows, HARDWARE_ID)
                ),
            };
            let name = label(job, *index).0;
            let command = ApproveCommand { config: None, job: job.id(), label: Some(name), request: None };
            format!(
                "label `{name}` ({id}) {drift}{lost}; check it in Partner Center, then acknowledge it with `{command}`"
            )
        }
        Event::Acknowledged { label: index, by, note } => {
            let note = note.as_ref().map(|note| format!(", note: {}", printable(note))).unwrap_or_default();
            format!("the change of label `{}` was acknowledged by {by}{note}", label(job, *index).0)
        }
        _ => return None,
    })
}

/// The warning about targets that no label covers any more once a label that has taken them over is withdrawn.
fn lost_targets(job: &Job, index: usize, id: RemoteId) -> String {
    let withdrawn_label = job.labels().get(index).filter(|label| label.id() == Some(id));
    match withdrawn_label.map_or(0, Label::taken_over) {
        0 => String::new(),
        rows => format!(
            "; it had taken over {} from older labels, which no longer target them: those devices get no driver from these \
             labels until `dropship api label update` adds the hardware ids to an older label again",
            counted(rows, HARDWARE_ID)
        ),
    }
}

/// The targets of the label `name` that older labels keep.
fn kept_targets(name: &str, kept: &[KeptTargets]) -> String {
    let texts = kept.iter().map(|kept| {
        format!(
            "; label {} keeps {} that `{name}` also targets: {}",
            kept.label,
            counted(kept.rows, HARDWARE_ID),
            kept.why
        )
    });
    texts.collect()
}

/// The text about late duplicates of a label.
pub(super) fn duplicate_labels(name: &str, ids: &[RemoteId], unproven: &[RemoteId]) -> String {
    let mut texts = Vec::new();
    if !ids.is_empty() {
        texts.push(format!(
            "a late response created label `{name}` more than once; withdrawing {}",
            RemoteId::list(ids)
        ));
    }
    if !unproven.is_empty() {
        texts.push(format!(
            "labels named `{name}` appeared that are not provably of this job and are left alone, check them in Partner \
             Center: {}",
            RemoteId::list(unproven)
        ));
    }
    texts.join("; ")
}

/// The name and the id of a job's label.
pub(super) fn label(job: &Job, index: usize) -> (&str, Option<RemoteId>) {
    let label = job.labels().get(index);
    (label.map_or("?", |label| label.name()), label.and_then(Label::id))
}
