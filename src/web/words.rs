//! Values of jobs and labels as the pages show them.

use dropship_web::page::{Badge, Tone};

use super::query::encoded;
use crate::observe::Escaped;
use crate::outbox::{LabelReceipt, Receipt};
use dropship_job::{ErrorKind, JobId, LabelStatus, StateKind};

/// A text from outside: characters that are invisible or change the direction of a text are escaped.
pub(super) fn shown(text: &str) -> String {
    Escaped(text).to_string()
}

/// The state of a job.
pub(super) fn state(state: StateKind) -> Badge {
    let tone = match state {
        StateKind::Queued | StateKind::Waiting => Tone::Wait,
        StateKind::Running => Tone::Run,
        StateKind::Held => Tone::Hold,
        StateKind::Succeeded => Tone::Ok,
        StateKind::Failed | StateKind::Rejected => Tone::Bad,
        StateKind::Cancelled => Tone::Off,
    };
    Badge::new(tone, state.as_str())
}

/// The approval that a held job waits for, as a sentence; absent if it is held for another reason.
pub(super) fn approval_of(job: &Receipt) -> Option<String> {
    let waits = |label: &&LabelReceipt| {
        label.hold && label.error.as_ref().is_some_and(|error| error.kind == ErrorKind::Approval)
    };
    if job.state != StateKind::Held {
        return None;
    }
    let labels: Vec<_> =
        job.labels.iter().filter(waits).map(|label| format!("`{}`", shown(&label.name))).collect();
    match labels.as_slice() {
        [] => None,
        [one] => Some(format!("label {one} waits for an approval")),
        several => Some(format!("labels {} wait for an approval", several.join(", "))),
    }
}

/// The state of a label.
pub(super) fn label(status: LabelStatus) -> Badge {
    let tone = match status {
        LabelStatus::Planned => Tone::Wait,
        LabelStatus::Held => Tone::Hold,
        LabelStatus::InDoubt | LabelStatus::Processing => Tone::Run,
        LabelStatus::Published => Tone::Ok,
        LabelStatus::Failed | LabelStatus::Gone => Tone::Bad,
        LabelStatus::WithdrawalWanted | LabelStatus::Withdrawing => Tone::Hold,
        LabelStatus::Withdrawn | LabelStatus::Dropped => Tone::Off,
    };
    Badge::new(tone, status.as_str())
}

/// The address of the page of a package.
pub(super) fn package_link(id: &JobId) -> String {
    format!("/packages/{}", encoded(id.as_str()))
}
