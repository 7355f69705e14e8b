//! Texts of the commands that the pages show too.

use super::clock::Clock;
use super::plan::{Lines, add_label_lines};
use super::show::{self, StepHistory};
use super::status;
use crate::approval::ApprovalPage;
use crate::control::Status;
use crate::outbox::Receipt;
use dropship_rules::plan::LabelPlan;

/// The history of a job that was read with its events, folded as `show` does.
pub(crate) fn past_steps(job: &Receipt) -> Vec<StepHistory> {
    show::steps(job, &Clock::utc())
}

/// What an operator can do next with a job.
pub(crate) fn advice(job: &Receipt) -> Option<String> {
    show::advice(job)
}

/// The request that waits for an approval, as names and values.
pub(crate) fn approval_facts(page: &ApprovalPage) -> Vec<(String, String)> {
    show::approval_lines(page, &Clock::utc()).into_properties()
}

/// The settings of a planned label, as names and values.
pub(crate) fn label_facts(plan: &LabelPlan) -> Vec<(String, String)> {
    let mut lines = Lines::new(String::new());
    add_label_lines(&mut lines, plan);
    lines.into_properties()
}

/// A sentence for each pause.
pub(crate) fn pauses(status: &Status) -> Vec<String> {
    status::paused(status)
}
