//! The actions of an operator on a job.

use serde::{Deserialize, Serialize};

use super::error::{ControlError, ControlErrorKind};
use dropship_job::{ErrorKind, Event, Fault, Job, Label, LabelHold, State};

/// An operator's action on one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum JobAction {
    /// Resume a failed job at its step, inspect a rejected package again, or plan the labels of a held job again.
    Retry {
        /// Abandon the product whose submission Microsoft refused, and create another.
        new_product: bool,
    },
    /// End the job and withdraw its labels.
    Cancel,
    /// Release a held job, or a label of it.
    Approve(Approval),
}

/// The label or request that an operator approves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Name of the label; absent: the label or job that `show` names first.
    #[serde(default)]
    pub label: Option<String>,
    /// Digest of the request that the operator saw.
    #[serde(default)]
    pub request: Option<String>,
    /// A note for the history of the job.
    #[serde(default)]
    pub note: Option<String>,
}

impl JobAction {
    /// The event that this action adds to the job's history.
    ///
    /// # Errors
    /// [`ControlErrorKind::Illegal`] when the job's state does not permit the action.
    pub(super) fn event(&self, job: &Job, by: &str) -> Result<Event, ControlError> {
        let id = job.id();
        match self {
            Self::Retry { new_product } => {
                let is_refused = matches!(job.state(), State::Failed { fault: Fault { kind, .. } } if *kind == ErrorKind::SigningFailed);
                if is_refused && !new_product {
                    return illegal(format!(
                        "cannot retry job {id} with its product: Microsoft refused the submission; run `dropship retry {id} \
                         --new-product`, or fix the package and drop it again"
                    ));
                }
                Ok(Event::Retried { by: by.to_owned(), new_product: *new_product })
            }
            Self::Cancel => Ok(Event::Cancelled { by: by.to_owned() }),
            Self::Approve(approval) => approval.event(job, by),
        }
    }
}

impl Approval {
    /// The event of this approval. It is bound to what the operator saw: once a label of the job was released, the next needs
    /// its name or digest.
    fn event(&self, job: &Job, by: &str) -> Result<Event, ControlError> {
        let id = job.id();
        let State::Held { label: held_label, request: held_request, .. } = job.state() else {
            return illegal(format!("cannot approve job {id}: it is not held but {}", job.state().kind()));
        };
        let approved = |label: Option<usize>, request: Option<&str>| Event::Approved {
            by: by.to_owned(),
            label,
            name: label.and_then(|index| Some(job.labels().get(index)?.name().to_owned())),
            request: request.map(str::to_owned),
            note: self.note.clone(),
        };
        if self.label.is_none() && self.request.is_none() {
            let label = held_label.and_then(|index| job.labels().get(index));
            if label.is_some_and(Label::needs_approval) && job.has_approved_label() {
                return illegal(format!(
                    "cannot approve job {id} without `--label` or `--request`: a label of it was approved before; now \
                     on hold: {}",
                    holds(job)
                ));
            }
            return Ok(approved(*held_label, held_request.as_deref()));
        }
        if held_label.is_none() && self.label.is_none() && *held_request == self.request {
            return Ok(approved(None, held_request.as_deref()));
        }
        let fits = |index: usize, hold: &LabelHold| {
            let name = self.label.as_ref().is_none_or(|name| job.labels()[index].name() == name);
            let request = self.request.as_deref().is_none_or(|request| hold.request() == Some(request));
            name && request
        };
        let labels = job.labels().iter().enumerate();
        let mut on_hold = labels.filter_map(|(index, label)| Some((index, label.hold()?)));
        match on_hold.find(|(index, hold)| fits(*index, hold)) {
            Some((index, hold)) => Ok(approved(Some(index), hold.request())),
            None => illegal(format!(
                "cannot approve job {id}: no label of it is on hold with that name and request; now on hold: {}; review it with \
                 `dropship show {id}`",
                holds(job)
            )),
        }
    }
}

fn illegal<T>(message: String) -> Result<T, ControlError> {
    Err(ControlError::new(ControlErrorKind::Illegal, message))
}

/// The labels on hold, with the digests of their requests.
fn holds(job: &Job) -> String {
    let labels = job.labels().iter().filter_map(|label| {
        let request = label.hold()?.request();
        let request = request.map(|request| format!(" (request {request})")).unwrap_or_default();
        Some(format!("`{}`{request}", label.name()))
    });
    let labels: Vec<_> = labels.collect();
    if labels.is_empty() { "the job as a whole".to_owned() } else { labels.join(", ") }
}
