//! The labels of a job: requested, followed until they are published, and withdrawn.

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

pub(super) use create::go_live_of;
pub(super) use pass::run;
pub(crate) use prepared::{Prepared, Unfit};
pub(super) use proof::prove;
pub(super) use withdraw::{Wanted, attempt as attempt_withdrawal};
