//! Values of jobs and labels as the pages show them.

use dropship_web::page::{Badge, MaybeLink, Tone, encoded};

use super::rows::RowCompleteness;
use dropship_engine::outbox::{LabelReceipt, Receipt};
use dropship_job::{ErrorKind, JobId, LabelStatus, StateKind};
use dropship_redact::Escaped;

/// A text from outside: characters that are invisible or change the direction of a text are escaped.
pub(super) fn escape(text: &str) -> String {
    Escaped(text).to_string()
}

/// A label or package under this name, with the page of its job.
pub(super) fn package_of(name: &str, job: &JobId) -> MaybeLink {
    MaybeLink::to(escape(name), package_link(job))
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
        job.labels.iter().filter(waits).map(|label| format!("`{}`", escape(&label.name))).collect();
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

/// The state of a label of a job. A job that has ended requests no more labels.
pub(super) fn label_of(status: LabelStatus, has_ended: bool) -> Badge {
    match status {
        LabelStatus::Planned if has_ended => Badge::new(Tone::Off, "not requested"),
        status => label(status),
    }
}

/// The address of the page of a package.
pub(super) fn package_link(id: &JobId) -> String {
    format!("/packages/{}", encoded(id.as_str()))
}

/// Why a page does not show all packages yet; `None` if it does.
pub(super) fn incomplete(completeness: RowCompleteness) -> Option<String> {
    match completeness {
        RowCompleteness::Reading => {
            Some("The packages are still being read after the start of the daemon: older ones are missing.".to_owned())
        }
        RowCompleteness::WithoutInfs => Some(
            "The drivers of older packages are still being read after the start of the daemon: they are grouped by their file names."
                .to_owned(),
        ),
        RowCompleteness::Complete => None,
        RowCompleteness::Limited => Some("There are more packages than these pages keep: the oldest are left out.".to_owned()),
    }
}
