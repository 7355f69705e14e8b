//! The actions of an operator on a job.

use serde::{Deserialize, Serialize};

use super::error::{ControlError, ControlErrorKind};
use super::operator::Operator;
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
    /// The kind of hold that the operator saw; a job that is held for another reason by now stays held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ErrorKind>,
    /// A note for the history of the job.
    #[serde(default)]
    pub note: Option<String>,
}

impl JobAction {
    /// The event that this action adds to the job's history.
    ///
    /// # Errors
    /// [`ControlErrorKind::Illegal`] when the job's state does not permit the action.
    pub(super) fn event(&self, job: &Job, by: &Operator) -> Result<Event, ControlError> {
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
                Ok(Event::Retried { by: by.name.clone(), new_product: *new_product })
            }
            Self::Cancel => Ok(Event::Cancelled { by: by.name.clone() }),
            Self::Approve(approval) => approval.event(job, by),
        }
    }

    /// The command of this action, for messages.
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::Cancel => "cancel",
            Self::Approve(_) => "approve",
        }
    }
}

impl Approval {
    /// The event of this approval. It is bound to what the operator saw: once a label of the job was released, the next needs
    /// its name or digest.
    fn event(&self, job: &Job, by: &Operator) -> Result<Event, ControlError> {
        let id = job.id();
        if let Some(label) = self.acknowledged_label(job)? {
            return Ok(Event::Acknowledged { label, by: by.name.clone(), note: self.note.clone() });
        }
        let State::Held { label: held_label, request: held_request, fault, .. } = job.state() else {
            return illegal(format!("cannot approve job {id}: it is not held but {}", job.state().kind()));
        };
        if let Some(kind) = self.kind.as_ref().filter(|kind| **kind != fault.kind) {
            return illegal(format!(
                "not approved: job {id} was held for `{kind}`, and is held for `{}` now; read it with `dropship show {id}`, then \
                 `dropship approve {id}`",
                fault.kind
            ));
        }
        let approved = |label: Option<usize>, request: Option<&str>| Event::Approved {
            by: by.name.clone(),
            uid: by.uid,
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
            if let Some((index, hold)) =
                held_label.and_then(|index| Some((index, job.labels().get(index)?.hold()?)))
            {
                check_new_approval(job, index, hold, by)?;
            }
            return Ok(approved(*held_label, held_request.as_deref()));
        }
        if held_label.is_none() && self.label.is_none() && *held_request == self.request {
            return Ok(approved(None, held_request.as_deref()));
        }
        let fits = |index: usize, hold: &LabelHold| {
            let has_name = self.label.as_ref().is_none_or(|name| job.labels()[index].name() == name);
            let has_request = self.request.as_deref().is_none_or(|request| hold.request() == Some(request));
            has_name && has_request
        };
        let labels = job.labels().iter().enumerate();
        let mut on_hold = labels.filter_map(|(index, label)| Some((index, label.hold()?)));
        match on_hold.find(|(index, hold)| fits(*index, hold)) {
            Some((index, hold)) => {
                check_new_approval(job, index, hold, by)?;
                Ok(approved(Some(index), hold.request()))
            }
            None => illegal(format!(
                "cannot approve job {id}: no label of it is on hold with that name and request; now on hold: {}; review it with \
                 `dropship show {id}`",
                holds(job)
            )),
        }
    }
}

impl Approval {
    /// Index of the published label whose change this acknowledges, one that dropship did not make: the label that it names, or the
    /// only one of a job that is not held. A label on hold is approved instead.
    fn acknowledged_label(&self, job: &Job) -> Result<Option<usize>, ControlError> {
        if self.request.is_some() || (self.label.is_none() && matches!(job.state(), State::Held { .. })) {
            return Ok(None);
        }
        let is_meant = |label: &Label| {
            let is_named = self.label.as_ref().is_none_or(|name| label.name() == name);
            is_named && label.hold().is_none() && label.unacknowledged_drift().is_some()
        };
        let mut matching = job.labels().iter().enumerate().filter(|(_, label)| is_meant(label));
        match (matching.next(), matching.next()) {
            (Some((_, one)), Some((_, other))) => illegal(format!(
                "several labels of job {} have changed; name one with `--label`: `{}`, `{}` or another",
                job.id(),
                one.name(),
                other.name()
            )),
            (first, _) => Ok(first.map(|(index, _)| index)),
        }
    }
}

/// Refuses a second approval by the same operator.
fn check_new_approval(job: &Job, index: usize, hold: &LabelHold, by: &Operator) -> Result<(), ControlError> {
    let Some(earlier) = hold.approval_of(by.uid) else { return Ok(()) };
    let name = job.labels().get(index).map_or("?", Label::name);
    illegal(format!(
        "cannot approve label `{name}` of job {}: {} approved this request at {:.0} already, and an operator counts once; it has {} \
         of {} approvals, and needs another operator",
        job.id(),
        earlier.by,
        earlier.at,
        hold.approvals.len(),
        hold.needed
    ))
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
