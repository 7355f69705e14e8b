//! Shows the progress of one job: a line per event and, on a terminal, an animated line with the current step.

use std::io::Write;
use std::time::Instant;

use super::output::Output;
use dropship_job::{Event, Job, State, Step};
use dropship_store::HistoryEntry;

/// Prints the progress of one job.
pub(super) struct Progress<'a> {
    output: &'a Output,
    started: Instant,
    shown: usize,
    is_live: bool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        let is_live = output.is_terminal() && !output.json();
        Self { output, started: Instant::now(), shown: 0, is_live }
    }

    /// Number of events shown so far.
    pub(super) fn shown(&self) -> usize {
        self.shown
    }

    /// Prints an event.
    pub(super) fn show(&mut self, entry: &HistoryEntry, job: &Job) {
        self.shown += 1;
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

/// The step and text of an event; `None` for events that are not shown.
fn line(event: &Event, job: &Job) -> Option<(Step, String)> {
    let label_name = |index: usize| job.labels().get(index).map_or("?", |label| label.name());
    Some(match event {
        Event::Arrived { package } => {
            (Step::Inspect, format!("found {} ({} bytes)", package.name, package.size))
        }
        Event::Accepted { rule, .. } => {
            (Step::Inspect, format!("complete, signed and valid; rule `{rule}` matches"))
        }
        Event::Rejected { fault } => (Step::Inspect, format!("rejected: {fault}")),
        Event::Created { kind: dropship_job::RemoteKind::Product, id, .. } => {
            (Step::Product, format!("created product {id}"))
        }
        Event::Created { kind: dropship_job::RemoteKind::Submission, id, .. } => {
            (Step::Submission, format!("created submission {id}"))
        }
        Event::Uploaded { bytes } => (Step::Upload, format!("uploaded and verified {bytes} bytes")),
        Event::Committed => (Step::Commit, "committed".to_owned()),
        Event::Progressed { label: None, step, state } => (Step::Sign, format!("Microsoft: {step} {state}")),
        Event::Signed => (Step::Sign, "signed".to_owned()),
        Event::Collected { files } => {
            let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
            (Step::Collect, format!("downloaded and verified {}", names.join(", ")))
        }
        Event::Created { kind: dropship_job::RemoteKind::Label(index), id, .. } => {
            (Step::Label, format!("created label {id} `{}`", label_name(*index)))
        }
        Event::Progressed { label: Some(_), step, state } => {
            (Step::Publish, format!("Microsoft: {step} {state}"))
        }
        Event::Published { label } => (Step::Publish, format!("published label `{}`", label_name(*label))),
        Event::AttemptFailed { fault, .. } => (job.step(), format!("{fault}; will retry")),
        Event::Held { fault, .. } | Event::LabelHeld { fault, .. } => (job.step(), format!("held: {fault}")),
        Event::Failed { fault } => (job.step(), format!("failed: {fault}")),
        _ => return None,
    })
}
