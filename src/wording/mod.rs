//! Sentences and lines that commands and pages share: what happened to a job, what to do next, what a label is.

mod advice;
mod approval_lines;
mod clock;
mod fold;
mod label_lines;
mod label_selection;
mod lines;
mod pauses;
mod steps;

pub(crate) use advice::of as advice;
pub(crate) use approval_lines::lines as approval_lines;
pub(crate) use clock::{Clock, span};
pub(crate) use label_lines::add as add_label_lines;
pub(crate) use lines::Lines;
pub(crate) use pauses::{pauses, scope_name};
pub(crate) use steps::{StepHistory, steps};
