//! `dropship show`: shows one job with its history.

mod advice;
mod approval;
mod command;
mod fields;
mod fold;
mod history;
mod labels;
mod page;

pub(super) use advice::of as advice;
pub(super) use approval::{lines as approval_lines, presented};
pub(super) use command::{Args, run};
pub(crate) use history::StepHistory;
pub(super) use history::steps;
pub(super) use page::{Page, text};
