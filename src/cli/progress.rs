//! Shows the progress of one job: a line per event and, on a terminal, an animated line with the current step.

use std::io::Write;
use std::time::Instant;

use super::output::Output;
use dropship_job::{Event, Job, RemoteKind, State, Step, describe};
use dropship_store::HistoryEntry;

/// Prints the progress of one job.
pub(super) struct ProgressPrinter<'a> {
    output: &'a Output,
    started: Instant,
    shown_count: usize,
    is_live: bool,
}

impl<'a> ProgressPrinter<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        let is_live = output.is_terminal() && !output.json();
        Self { output, started: Instant::now(), shown_count: 0, is_live }
    }

    /// Number of events shown so far.
    pub(super) fn shown_count(&self) -> usize {
        self.shown_count
    }

    /// Prints an event.
    pub(super) fn show(&mut self, entry: &HistoryEntry, job: &Job) {
        self.shown_count += 1;
        let Some((step, text)) = line(&entry.event, job) else { return };
        self.clear();
        let seconds = self.started.elapsed().as_secs_f64();
        self.output.say(&format!("{seconds:5.1} s  {:<10}  {text}", step.as_str()));
    }

    /// Draws the animated line.
    pub(super) fn draw(&mut self, job: &Job) {
        if !self.is_live {
            return;
        }
        const FRAMES: [char; 4] = ['|', '/', '-', '\\'];
        let frame =
            FRAMES[usize::try_from(self.started.elapsed().as_millis() / 100).unwrap_or(0) % FRAMES.len()];
        let bar: String = Step::ALL.iter().map(|step| if *step < job.step() { '#' } else { '.' }).collect();
        let why = match job.state() {
            State::Waiting { why, .. } => format!("waiting for {why}"),
            state => state.kind().to_string(),
        };
        let mut out = std::io::stdout().lock();
        drop(
            write!(out, "\r\x1b[K   {frame}     [{bar}]   {}: {why}", job.step()).and_then(|()| out.flush()),
        );
    }

    /// Erases the animated line.
    pub(super) fn finish(&mut self) {
        self.clear();
    }

    fn clear(&self) {
        if self.is_live {
            let mut out = std::io::stdout().lock();
            drop(write!(out, "\r\x1b[K").and_then(|()| out.flush()));
        }
    }
}

/// The step and the description of an event; absent for events that only matter in detail.
fn line(event: &Event, job: &Job) -> Option<(Step, String)> {
    let step = match event {
        Event::Arrived { .. } | Event::Accepted { .. } | Event::Rejected { .. } => Step::Inspect,
        Event::Created { kind: RemoteKind::Product, .. } => Step::Product,
        Event::Created { kind: RemoteKind::Submission, .. } => Step::Submission,
        Event::Created { kind: RemoteKind::Label(_), .. } => Step::Label,
        Event::Uploaded { .. } => Step::Upload,
        Event::Committed | Event::FoundCommitted { .. } => Step::Commit,
        Event::Progressed { label: None, .. } | Event::Signed => Step::Sign,
        Event::Collected { .. } => Step::Collect,
        Event::Progressed { label: Some(_), .. } | Event::Published { .. } => Step::Publish,
        Event::AttemptFailed { .. } | Event::Held { .. } | Event::LabelHeld { .. } | Event::Failed { .. } => {
            job.step()
        }
        _ => return None,
    };
    Some((step, describe(job, event)))
}
