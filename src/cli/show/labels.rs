//! The lines about the labels of a job.

use super::fields::Fields;
use crate::wording::Clock;
use dropship_engine::approval::Approvals;
use dropship_engine::outbox::{LabelDriftReceipt, LabelReceipt, Receipt};
use dropship_job::{ApproveCommand, LabelStatus};

/// Adds the labels, and those that have to be withdrawn and are not withdrawn yet.
pub(super) fn add(fields: &mut Fields, job: &Receipt, clock: &Clock) {
    for label in &job.labels {
        add_label(fields, job, label, clock);
    }
    for label in &job.not_withdrawn {
        fields.add("withdrawal", label);
    }
}

fn add_label(fields: &mut Fields, job: &Receipt, label: &LabelReceipt, clock: &Clock) {
    fields.add("label", format_args!("{}: {}", label.name, status(job, label)));
    let former: Vec<_> = label.former_ids.iter().map(ToString::to_string).collect();
    let former = former.join(", ");
    match (&label.id, former.is_empty()) {
        (Some(id), true) => fields.add("  id", id),
        (Some(id), false) => fields.add("  id", format_args!("{id}, before {former}")),
        (None, false) => fields.add("  id", format_args!("none, before {former}")),
        (None, true) => {}
    }
    let audiences = label.audiences.join(", ");
    fields.add("  audiences", if audiences.is_empty() { "none (not restricted)" } else { &audiences });
    if let Some(time) = label.not_before {
        let when = if time > clock.now() {
            clock.until(time)
        } else {
            format!("{}, has passed", clock.minutes(time))
        };
        fields.add("  not before", when);
    }
    match &label.error {
        Some(error) => fields.add("  on hold", format_args!("{}: {}", error.kind, error.message)),
        None if label.hold => fields.add("  on hold", "until `dropship approve`"),
        None => {}
    }
    if let Some(request) = &label.request {
        fields.add("  request", request);
    }
    if let Some(drift) = &label.drift {
        add_drift(fields, job, label, drift, clock);
    }
    if let Some(approvals) = label.approvals.as_ref().filter(|approvals| approvals.needed > 1) {
        add_approvals(fields, approvals);
    }
}

/// The change of a published label that dropship did not make.
fn add_drift(
    fields: &mut Fields,
    job: &Receipt,
    label: &LabelReceipt,
    drift: &LabelDriftReceipt,
    clock: &Clock,
) {
    let seen = clock.minutes(drift.since);
    let acknowledged = match &drift.acknowledged_by {
        Some(by) => format!("acknowledged by {by}"),
        None => {
            let command =
                ApproveCommand { config: None, job: &job.id, label: Some(&label.name), request: None };
            format!("not acknowledged: `{command}`")
        }
    };
    fields.add("  drift", format_args!("{} (seen {seen}, {acknowledged})", drift.message));
}

/// The approvals of a label that needs several.
fn add_approvals(fields: &mut Fields, approvals: &Approvals) {
    let (given, needed) = (approvals.given.len(), approvals.needed);
    fields.add("  approvals", format_args!("{given} of {needed}, by different operators"));
    for given in &approvals.given {
        fields.add("  approved by", given);
    }
}

/// The progress, with Microsoft's step and state of it.
fn status(job: &Receipt, label: &LabelReceipt) -> String {
    let progress = match label.status {
        LabelStatus::Planned if job.state.has_ended() => "not requested",
        LabelStatus::Planned => "planned, not requested yet",
        LabelStatus::Held => "on hold, not requested yet",
        LabelStatus::InDoubt => "requested, without a response",
        LabelStatus::Processing => "in progress at Microsoft",
        LabelStatus::Published => "published",
        LabelStatus::Failed => "refused by Microsoft, or no longer there",
        LabelStatus::WithdrawalWanted => "to be withdrawn",
        LabelStatus::Withdrawing => "being withdrawn",
        LabelStatus::Withdrawn => "withdrawn",
        LabelStatus::Gone => "no longer published",
        LabelStatus::Dropped => "no longer asked for",
    };
    match (&label.step, &label.state) {
        (Some(step), Some(state)) => format!("{progress} ({step} {state})"),
        _ => progress.to_owned(),
    }
}
