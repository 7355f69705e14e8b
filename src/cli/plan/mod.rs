//! `dropship plan`: shows what would be submitted for a package, and why.

mod command;
mod label_preview;
mod lines;
mod selection;

pub(super) use command::{Args, run};
