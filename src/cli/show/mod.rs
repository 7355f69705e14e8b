//! `dropship show`: shows one job with its history.

mod approval;
mod command;

pub(super) use command::{Args, run};
