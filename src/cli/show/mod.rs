//! `dropship show`: shows one job with its history.

mod approval;
mod command;
mod fields;
mod history;
mod labels;
mod page;

pub(super) use approval::page_text;
pub(super) use command::{Args, run};
pub(super) use page::{PageOptions, text};
