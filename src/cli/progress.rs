//! Progress that moves: a line for each thing that happened, and below it, on a terminal, what is waited for.

use std::io::Write;
use std::time::Instant;

use super::output::Output;
use crate::store::Told;
use dropship_job::{Event, Job, State, Step};

/// Shows the way of one job.
pub(super) struct Progress<'a> {
    output: &'a Output,
    began: Instant,
    told: usize,
    live: bool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        let live = output.is_terminal() && !output.json();
        Self { output, began: Instant::now(), told: 0, live }
    }

    /// How many events were shown.
    pub(super) fn told(&self) -> usize {
        self.told
    }

    /// Shows an event.
    pub(super) fn tell(&mut self, told: &Told, job: &Job) {
        self.told += 1;
        let Some((step, text)) = line(&told.event, job) else { return };
        self.clear();
        let seconds = self.began.elapsed().as_secs_f64();
        self.output.say(&format!("{seconds:5.1} s  {:<10}  {text}", step.as_str()));
    }

    /// Shows where the job stands.
    pub(super) fn stand(&mut self, job: &Job) {
        if !self.live {
            return;
        }
        const FRAMES: [char; 4] = ['|', '/', '-', '\\'];
        let frame =
            FRAMES[usize::try_from(self.began.elapsed().as_millis() / 100).unwrap_or(0) % FRAMES.len()];
        let bar: String = Step::ALL.iter().map(|step| if *step < job.step { '#' } else { '.' }).collect();
        let why = match &job.state {
            State::Waiting { why, .. } => format!("waiting for {why}"),
            state => state.kind().to_string(),
        };
        let mut out = std::io::stdout().lock();
        drop(write!(out, "\r\x1b[K   {frame}     [{bar}]   {}: {why}", job.step).and_then(|()| out.flush()));
    }

    /// Clears the live line.
    pub(super) fn end(&mut self) {
        self.clear();
    }

    fn clear(&self) {
        if self.live {
            let mut out = std::io::stdout().lock();
            drop(write!(out, "\r\x1b[K").and_then(|()| out.flush()));
        }
    }
}

/// What an event is to somebody who watches; small print is left out.
fn line(event: &Event, job: &Job) -> Option<(Step, String)> {
    let title = |index: usize| job.labels.get(index).map_or("?", |label| label.name.as_str());
    Some(match event {
        Event::Arrived { package } => {
            (Step::Inspect, format!("{} found, {} bytes", package.name, package.size))
        }
        Event::Accepted { rule, .. } => {
            (Step::Inspect, format!("whole, signed and well formed; rule `{rule}` is for it"))
        }
        Event::Rejected { fault } => (Step::Inspect, format!("rejected: {fault}")),
        Event::Created { thing: dropship_job::Thing::Product, id, .. } => {
            (Step::Product, format!("product {id} created"))
        }
        Event::Created { thing: dropship_job::Thing::Submission, id, .. } => {
            (Step::Submission, format!("submission {id} created"))
        }
        Event::Uploaded { bytes } => (Step::Upload, format!("{bytes} bytes uploaded and verified")),
        Event::Committed => (Step::Commit, "committed".to_owned()),
        Event::Progressed { label: None, step, state } => (Step::Sign, format!("Microsoft: {step} {state}")),
        Event::Signed => (Step::Sign, "signed".to_owned()),
        Event::Collected { files } => {
            let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
            (Step::Collect, format!("{} brought back and verified", names.join(", ")))
        }
        Event::Created { thing: dropship_job::Thing::Label(index), id, .. } => {
            (Step::Label, format!("label {id} `{}` created", title(*index)))
        }
        Event::Progressed { label: Some(_), step, state } => {
            (Step::Publish, format!("Microsoft: {step} {state}"))
        }
        Event::Published { label } => (Step::Publish, format!("label `{}` published", title(*label))),
        Event::Stumbled { fault, .. } => (job.step, format!("{fault}; trying again")),
        Event::Held { fault, .. } => (job.step, format!("held: {fault}")),
        Event::Failed { fault } => (job.step, format!("failed: {fault}")),
        _ => return None,
    })
}
