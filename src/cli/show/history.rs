//! The lines of the history: one or more for each step, with the time that the step took.

use jiff::SignedDuration;
use jiff::Timestamp;

use super::fold::{Line, LineText, fold};
use crate::cli::clock::{Clock, span};
use crate::observe::Escaped;
use crate::outbox::Receipt;
use dropship_job::Step;

/// Width of the duration of a step, such as `12 min 20 s`.
const DURATION: usize = 11;

/// Width of a step, and of the gaps around it and the duration.
const STEP: usize = 10;
const GAP: usize = 2;

/// The lines of the history, and the indentation of their texts.
pub(super) struct History {
    pub(super) lines: Vec<String>,
    pub(super) indent: usize,
}

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
pub(in crate::cli) fn steps(job: &Receipt, clock: &Clock) -> Vec<StepHistory> {
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

/// The folded history.
pub(super) fn folded(job: &Receipt, clock: &Clock) -> History {
    let mut builder =
        Builder { lines: vec![format!("history ({}):", clock.zone())], day: None, indent: 0, clock };
    for step in steps(job, clock) {
        let mut head = builder.head(step.step, step.duration);
        for (at, text) in &step.lines {
            builder.add(*at, &head, text);
            head = String::new();
        }
    }
    History { lines: builder.lines, indent: builder.indent }
}

struct Builder<'a> {
    lines: Vec<String>,
    /// The day of the last line.
    day: Option<String>,
    indent: usize,
    clock: &'a Clock,
}

impl Builder<'_> {
    fn head(&self, step: Step, duration: SignedDuration) -> String {
        format!("{step:<STEP$}{:GAP$}{:>DURATION$}", "", span(duration.max(SignedDuration::ZERO)))
    }

    fn add(&mut self, at: Timestamp, head: &str, text: &str) {
        let (day, time) = self.clock.day_and_time(at);
        if let Some(day) = day.filter(|day| self.day.as_ref() != Some(day)) {
            self.lines.push(day.clone());
            self.day = Some(day);
        }
        let width = STEP + GAP + DURATION;
        self.indent = time.len() + GAP + width + GAP;
        self.lines.push(format!("{time}{:GAP$}{head:<width$}{:GAP$}{}", "", "", Escaped(text)));
    }
}

fn text(line: &Line<'_>, job: &Receipt, clock: &Clock) -> String {
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

/// All events with their stored fields.
pub(super) fn all_events(job: &Receipt, clock: &Clock) -> History {
    let mut lines = vec![format!("events ({}):", clock.zone())];
    lines.extend(job.events.iter().flatten().map(|event| {
        let fields = event.fields.iter().filter(|(name, value)| *name != "package" && !value.is_null());
        let fields: Vec<_> = fields
            .map(|(name, value)| {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                format!("{name}={value}")
            })
            .collect();
        let line = format!("{}  {:<18} {}", clock.full(event.at), event.event, Escaped(&fields.join(" ")));
        line.trim_end().to_owned()
    }));
    History { lines, indent: GAP }
}
