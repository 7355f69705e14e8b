//! The labels of a job: requested, followed until they are published, and withdrawn.

mod checks;
mod conclude;
mod create;
mod follow;
mod guard_check;
mod pass;
mod predecessors;
mod prepared;
mod proof;
mod request;
mod send;
mod withdraw;

pub(crate) use checks::{RequestReadiness, missing_approval};
pub(crate) use conclude::FailedLabels;
pub(crate) use create::go_live;
pub(crate) use create::go_live_of;
pub(crate) use guard_check::guard_limits;
pub(super) use pass::run;
pub(crate) use predecessors::lost_predecessor;
pub(crate) use prepared::{LabelRequestError, PreparedRequest};
pub(super) use proof::prove;
pub(crate) use request::label_request_fault;
pub(super) use withdraw::{DueWithdrawal, attempt as attempt_withdrawal};
