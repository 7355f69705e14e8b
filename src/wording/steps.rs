//! The history of a job by step: when each began, how long it took, and what happened.

use jiff::{SignedDuration, Timestamp};

use super::clock::Clock;
use super::fold::{HistoryLine, LineText, fold};
use dropship_engine::outbox::Receipt;
use dropship_job::Step;

/// A step of the history.
pub(crate) struct StepHistory {
    pub(crate) step: Step,
    /// Begin of the step.
    pub(crate) start: Timestamp,
    /// How long it took, or has taken until now.
    pub(crate) duration: SignedDuration,
    /// Whether the job is in this step.
    pub(crate) is_going_on: bool,
    /// What happened, with the time. A step without an event of its own has the state of the job.
    pub(crate) lines: Vec<(Timestamp, String)>,
}

/// The folded history, by step.
pub(crate) fn steps(job: &Receipt, clock: &Clock) -> Vec<StepHistory> {
    let groups = fold(job.events.as_deref().unwrap_or_default());
    let last = groups.len().saturating_sub(1);
    let state = || job.state.as_str().to_owned();
    let mut steps = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let is_going_on = index == last && !job.state.has_ended() && group.step == job.step;
        let duration = if is_going_on { clock.now().duration_since(group.start) } else { group.duration };
        let mut lines: Vec<_> = group.lines.iter().map(|line| (line.at, text(line, job, clock))).collect();
        if lines.is_empty() && is_going_on {
            lines.push((group.start, state()));
        }
        steps.push(StepHistory { step: group.step, start: group.start, duration, is_going_on, lines });
    }
    // A step that has just started has no event yet.
    if !job.state.has_ended() && groups.get(last).is_none_or(|group| group.step != job.step) {
        let (start, duration) = (job.updated, clock.now().duration_since(job.updated));
        let lines = vec![(start, state())];
        steps.push(StepHistory { step: job.step, start, duration, is_going_on: true, lines });
    }
    steps
}

fn text(line: &HistoryLine<'_>, job: &Receipt, clock: &Clock) -> String {
    let label = |index: usize| job.labels.get(index).map_or("?", |label| label.name.as_str());
    let next = |time: &Timestamp| clock.full(*time);
    match &line.text {
        LineText::Described(text) => (*text).to_owned(),
        LineText::NeedsApproval => "held for an approval".to_owned(),
        LineText::Progress { label: None, steps, state } => {
            format!("Microsoft: {} {state}", steps.join(", "))
        }
        LineText::Progress { label: Some(index), steps, state } => {
            format!("label `{}`: {} {state}", label(*index), steps.join(", "))
        }
        LineText::Attempts { count: 1, error, next: time } => {
            format!("an attempt failed, next at {}: {error}", next(time))
        }
        LineText::Attempts { count, error, next: time } => {
            format!("{count} attempts failed, next at {}: {error}", next(time))
        }
        LineText::Checks { count: 1, reason } => format!("waits for {reason}"),
        LineText::Checks { count, reason } => format!("waits for {reason} ({count} checks)"),
        LineText::Withdrawals { count: 1, label, why, next: time } => {
            format!("label {label} is not withdrawn yet, next attempt at {}: {why}", next(time))
        }
        LineText::Withdrawals { count, label, why, next: time } => {
            format!(
                "label {label} is not withdrawn yet after {count} attempts, next at {}: {why}",
                next(time)
            )
        }
    }
}
