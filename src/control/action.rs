//! The actions of an operator on a job.

use serde::{Deserialize, Serialize};

use super::error::{ControlError, ControlErrorKind};
use dropship_job::{ErrorKind, Event, Fault, Job, State};

/// An operator's action on one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum JobAction {
    /// Resume a failed job at its step, or inspect a rejected package again.
    Retry {
        /// Abandon the product whose submission Microsoft refused, and create another.
        new_product: bool,
    },
    /// End the job.
    Cancel,
    /// Release a held job.
    Approve {
        /// Digest of the request to approve. If absent, the request for which the job is held now.
        request: Option<String>,
    },
}

impl JobAction {
    /// The event that this action adds to the job's history.
    ///
    /// # Errors
    /// [`ControlErrorKind::Illegal`] when the job's state does not permit the action.
    pub(super) fn event(&self, job: &Job, by: &str) -> Result<Event, ControlError> {
        let illegal = |message: String| Err(ControlError::new(ControlErrorKind::Illegal, message));
        let (id, by) = (job.id(), by.to_owned());
        match self {
            Self::Retry { new_product } => {
                let is_refused = matches!(job.state(), State::Failed { fault: Fault { kind, .. } } if *kind == ErrorKind::SigningFailed);
                if is_refused && !new_product {
                    return illegal(format!(
                        "cannot retry job {id} with its product: Microsoft refused the submission; run `dropship retry {id} \
                         --new-product`, or fix the package and drop it again"
                    ));
                }
                Ok(Event::Retried { by, new_product: *new_product })
            }
            Self::Cancel => Ok(Event::Cancelled { by }),
            Self::Approve { request } => match job.state() {
                State::Held { request: held_for, .. } if request.is_some() && request != held_for => {
                    illegal(format!(
                        "cannot approve job {id}: it is now held for a different request; review it with `dropship show {id}`"
                    ))
                }
                _ => Ok(Event::Approved { by }),
            },
        }
    }
}
