//! `dropship plan`: shows what would be submitted for a package, and why.

mod command;
mod label_preview;
mod replay;
mod replay_report;
mod replay_workers;

pub(super) use command::{Args, run};
