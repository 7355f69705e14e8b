//! `dropship plan`: shows what would be submitted for a package, and why.

mod command;
mod label_lines;
mod label_preview;
mod lines;
mod replay;
mod replay_report;
mod replay_workers;
mod selection;

pub(super) use command::{Args, run};
pub(super) use label_lines::add as add_label_lines;
pub(super) use lines::Lines;
