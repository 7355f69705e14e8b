//! The text about one job: what it is, what it waits for, its labels and results, what an operator can do, and its history.

use std::path::Path;

use super::fields::{Fields, wrap};
use super::{approval, history, labels};
use crate::cli::output::or_dash;
use crate::wording::{Clock, advice};
use dropship_engine::outbox::Receipt;
use dropship_job::counted;
use dropship_rules::rule::RuleChange;

/// How a job is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageOptions<'a> {
    /// The configuration, for commands to paste.
    pub(crate) config: &'a Path,
    pub(crate) clock: &'a Clock,
    /// Width of the terminal, if it is one.
    pub(crate) columns: Option<usize>,
    /// Whether all events are listed with their fields, in place of the history.
    pub(crate) with_events: bool,
}

/// The text, with control characters escaped.
pub(crate) fn text(job: &Receipt, page: &PageOptions<'_>) -> String {
    let mut fields = Fields::default();
    add_package(&mut fields, job);
    add_progress(&mut fields, job, page.clock);
    labels::add(&mut fields, job, page.clock);
    add_results(&mut fields, job, page.clock);
    let mut lines = fields.lines(page.columns);
    lines.push(String::new());
    let history = match page.with_events {
        true => history::all_events(job, page.clock),
        false => history::folded_history(job, page.clock),
    };
    lines.extend(wrap(history.lines, page.columns, history.indent));
    for approval_page in &job.approval {
        lines.extend([
            String::new(),
            approval::text(approval_page, &job.id, page.config, page.clock, page.columns),
        ]);
    }
    lines.join("\n")
}

fn add_package(fields: &mut Fields, job: &Receipt) {
    fields.add("job", &job.id);
    fields.add(
        "package",
        format_args!("{} ({}, sha256 {})", job.package, counted(job.size, "byte"), job.sha256),
    );
    fields.add("from", job.path.as_deref().unwrap_or("submitted directly"));
    fields.add("folder", or_dash(job.folder.as_deref()));
    fields.add("rule", format_args!("{}{}", or_dash(job.rule.as_deref()), rule_note(job)));
}

fn add_progress(fields: &mut Fields, job: &Receipt, clock: &Clock) {
    fields.add("state", format_args!("{}, {}", job.step, job.state));
    if let Some(reason) = &job.waits_for {
        fields.add("waiting for", reason);
    }
    if let Some(due) = job.due {
        fields.add("next check", clock.until(due));
    }
    fields.add("product", or_dash(job.product_id));
    fields.add("submission", or_dash(job.submission_id));
    if let Some(workflow) = &job.workflow {
        fields.add("  Microsoft", format_args!("{} {}", workflow.step, workflow.state));
    }
    fields.add("outbox", &job.outbox);
}

fn add_results(fields: &mut Fields, job: &Receipt, clock: &Clock) {
    if let Some(failed) = &job.after_failed {
        let since = clock.full(failed.since);
        fields.add(
            "after",
            format_args!("failing since {since}, tried again automatically: {}", failed.message),
        );
    }
    for file in &job.files {
        fields.add("result", format_args!("{} ({})", file.name, counted(file.size, "byte")));
    }
    for warning in &job.warnings {
        fields.add("warning", warning);
    }
    let is_shown = |message: &str| {
        job.labels.iter().filter_map(|label| label.error.as_ref()).any(|error| error.message == message)
    };
    if let Some(error) = job.error.as_ref().filter(|error| !is_shown(&error.message)) {
        fields.add("error", format_args!("{}: {}", error.kind, error.message));
    }
    if job.attempts > 0 {
        fields.add("attempts", format_args!("{} failed at this step", job.attempts));
    }
    if let Some(advice) = advice(job) {
        fields.add("next", advice);
    }
}

/// Whether the rule has changed since the job was planned.
fn rule_note(job: &Receipt) -> &'static str {
    match job.rule_change {
        Some(RuleChange::Changed) => " (changed since the job was planned; the job keeps its plan)",
        Some(RuleChange::Gone) => " (no longer exists; the job keeps its plan)",
        None => "",
    }
}
