//! The lines of the history: one or more for each step, with the time that the step took.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::wording::{Clock, span, steps};
use dropship_engine::outbox::Receipt;
use dropship_job::Step;
use dropship_redact::Escaped;

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

/// The folded history.
pub(super) fn folded_history(job: &Receipt, clock: &Clock) -> History {
    let mut builder =
        HistoryBuilder { lines: vec![format!("history ({}):", clock.zone())], day: None, indent: 0, clock };
    for step in steps(job, clock) {
        let mut head = builder.head(step.step, step.duration);
        for (at, text) in &step.lines {
            builder.add(*at, &head, text);
            head = String::new();
        }
    }
    History { lines: builder.lines, indent: builder.indent }
}

struct HistoryBuilder<'a> {
    lines: Vec<String>,
    /// The day of the last line.
    day: Option<String>,
    indent: usize,
    clock: &'a Clock,
}

impl HistoryBuilder<'_> {
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
