//! Holds: only some kinds of errors let a job or a label wait for an operator.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::error_kind::{ErrorKind, ErrorKindInfo};
use super::fault::Fault;
use super::state_kind::StateKind;

macro_rules! hold_reasons {
    ($($reason:ident)*) => {
        /// The kinds of errors that can hold a job or a label. [`ErrorKind`] describes each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each is documented as a kind of error, under the same name")]
        pub enum HoldReason {
            $($reason,)*
        }

        impl From<HoldReason> for ErrorKind {
            fn from(reason: HoldReason) -> Self {
                match reason {
                    $(HoldReason::$reason => Self::$reason,)*
                }
            }
        }

        impl HoldReason {
            /// The reason of a hold with this kind of error; `None` for a kind that does not hold.
            #[must_use]
            pub fn of(kind: &ErrorKind) -> Option<Self> {
                match kind {
                    $(ErrorKind::$reason => Some(Self::$reason),)*
                    _ => None,
                }
            }
        }
    };
}

hold_reasons! {
    InspectionFailed Poison
    Backlog SameContent Approval Guard GuardRefused RequestChanged PredecessorLost LabelUnfit GoLivePassed NoSuchProduct NoShell
    NoAccount Refused RequestRefused StateConflict NotShown UnusableUrl LabelFailed SupersedeRefused
    IncompleteList ExistsAlready Ambiguous Unanswered CommittedElsewhere
    Transfer BadDownload CopyLost CopyChanged PlanLost MetadataLost MetadataMismatch Recovered
    Internal
}

impl ErrorKindInfo {
    /// States that a job with this error can have; none for an error of `dropship plan` only.
    #[must_use]
    pub fn states(&self) -> Vec<StateKind> {
        let holds = HoldReason::of(&ErrorKind::from(self.name)).is_some();
        let has =
            |state: &StateKind| self.other_states.contains(state) || (holds && *state == StateKind::Held);
        StateKind::ALL.into_iter().filter(has).collect()
    }
}

/// Why a job or a label waits for an operator: a [`Fault`] of a kind that can hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fault", into = "Fault")]
pub struct HoldFault(Fault);

/// An error of this kind does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no job is held with the error `{0}`")]
pub struct NoHold(ErrorKind);

impl HoldFault {
    /// The message says what failed, on which object, why, and what the operator can do.
    pub fn new(reason: HoldReason, message: impl Into<String>) -> Self {
        Self(Fault::new(reason.into(), message))
    }
}

impl Deref for HoldFault {
    type Target = Fault;

    fn deref(&self) -> &Fault {
        &self.0
    }
}

impl fmt::Display for HoldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<HoldFault> for Fault {
    fn from(hold: HoldFault) -> Self {
        hold.0
    }
}

impl TryFrom<Fault> for HoldFault {
    type Error = NoHold;

    fn try_from(fault: Fault) -> Result<Self, NoHold> {
        match HoldReason::of(&fault.kind) {
            Some(_) => Ok(Self(fault)),
            None => Err(NoHold(fault.kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hold_is_stored_as_its_fault() {
        let hold = HoldFault::new(HoldReason::Poison, "three times");
        let json = serde_json::to_value(&hold).expect("JSON");
        assert_eq!(json, serde_json::to_value(Fault::new(ErrorKind::Poison, "three times")).expect("JSON"));
        assert_eq!(serde_json::from_value::<HoldFault>(json).expect("read"), hold);
    }

    #[test]
    fn fault_of_a_kind_that_cannot_hold_is_refused() {
        for kind in [ErrorKind::SigningFailed, ErrorKind::NoRule, ErrorKind::Check("unsigned".to_owned())] {
            let fault = Fault::new(kind.clone(), "why");
            let json = serde_json::to_value(&fault).expect("JSON");
            assert_eq!(HoldFault::try_from(fault), Err(NoHold(kind)));
            serde_json::from_value::<HoldFault>(json).expect_err("not read either");
        }
    }
}
